//! The circuit against `weir_spec::control::Port`, frame by frame: the same answers octet by octet, the same words on the bus,
//! the same refusals.

use super::*;
use crate::bench::step;
use crate::board::random::Random;
use std::collections::BTreeMap;
use weir_spec::control::{Frame, Key, Kind, Port, Refusals, Registers, Status, BOARD};
use weir_spec::mac::Mac;
use weir_spec::nic::Refused;

const KEY: Key = Key(*b"sixteen octets!!");
const HOST: Mac = Mac([2, 0, 0, 0, 0, 9]);
const BOOT: u64 = 0xabcde;

/// Registers of a port that remember; those of 1000h to 1fffh refuse.
#[derive(Clone, Default)]
struct Memory {
    words: BTreeMap<u32, u32>,
    done: Vec<(bool, u32, u32)>,
}

impl Memory {
    fn refuses(offset: u32) -> bool {
        offset >= 0x40000 || (0x1800..0x2000).contains(&offset)
    }
}

impl Registers for Memory {
    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        if Memory::refuses(offset) {
            return Err(Refused);
        }
        let word = self.words.get(&offset).copied().unwrap_or(offset.wrapping_mul(0x9e37_79b9));
        self.done.push((false, offset, word));
        Ok(word)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        if Memory::refuses(offset) {
            return Err(Refused);
        }
        self.words.insert(offset, value);
        self.done.push((true, offset, value));
        Ok(())
    }
}

/// What the bus is to answer: clocks until then, a write, what is read if it is done.
type Pending = (u64, bool, Result<u32, Refused>);

struct Bench {
    circuit: ControlPort,
    random: Random,
    bus: Memory,
    pending: Option<Pending>,
    /// Clocks until a key is kept.
    keeping: Option<u64>,
    keeps: bool,
    out: Vec<u8>,
    answer: Option<Vec<u8>>,
    refusals: Refusals,
    missed: u64,

    oracle: Port,
    memory: Memory,
    greetings: u64,
}

fn to_bits(octets: [u8; 16]) -> Bits<128> {
    octets.iter().rev().fold(0.into(), |bits: Bits<128>, octet| bits << 8 | u64::from(*octet))
}

impl Bench {
    fn new(key: Option<Key>, seed: u64) -> Bench {
        let mut circuit = ControlPort::default();
        circuit.connect_all();
        circuit.key_there.next = key.is_some();
        circuit.key.next = to_bits(key.unwrap_or(Key([0x55; 16])).0);
        circuit.key_ready.next = true;
        circuit.boot.next = BOOT.into();
        circuit.boot_there.next = true;
        let mut bench = Bench {
            circuit,
            random: Random::new(seed),
            bus: Memory::default(),
            pending: None,
            keeping: None,
            keeps: true,
            out: Vec::new(),
            answer: None,
            refusals: Refusals::default(),
            missed: 0,
            oracle: Port::new(key),
            memory: Memory::default(),
            greetings: 0,
        };
        bench.circuit.reset.next = true;
        bench.clock();
        bench.circuit.reset.next = false;
        bench.clock();
        bench
    }

    fn key(&self) -> Key {
        self.oracle.key().unwrap_or(Key::NONE)
    }

    /// One clock of circuit, bus, flash and the wire behind it; whether the beat that is shown was taken.
    fn clock(&mut self) -> bool {
        let c = &mut self.circuit;
        // The bus takes address and data together or one by one, and answers later.
        let free = self.pending.is_none();
        let (ready, other) = (free && self.random.once_in(2), free && self.random.once_in(2));
        let answers = matches!(self.pending, Some((0, ..)));
        c.m_axil_awready.next = ready && c.m_axil_wvalid.val();
        c.m_axil_wready.next = ready && c.m_axil_awvalid.val();
        c.m_axil_arready.next = other;
        c.m_axil_bvalid.next = answers && matches!(self.pending, Some((_, true, _)));
        c.m_axil_rvalid.next = answers && matches!(self.pending, Some((_, false, _)));
        let told = self.pending.map_or(Ok(0), |pending| pending.2);
        c.m_axil_bresp.next = if told.is_ok() { 0 } else { 2 }.into();
        c.m_axil_rresp.next = if told.is_ok() { 0 } else { 2 }.into();
        c.m_axil_rdata.next = told.unwrap_or_default().to_bits();
        c.stored.next = self.keeping == Some(0) && self.keeps;
        c.store_failed.next = self.keeping == Some(0) && !self.keeps;
        c.m_taken.next = self.random.once_in(3);
        assert!(simulate(c, 100), "the circuit settles");

        let c = &self.circuit;
        let taken = c.s_valid.val() && c.s_taken.val();
        if c.m_valid.val() && c.m_taken.val() {
            let last = c.m_last.val();
            let count = if last { c.m_last_byte.val().index() + 1 } else { 8 };
            self.out.extend(&c.m_data.val().to_u64().to_le_bytes()[..count]);
            if last {
                assert!(self.answer.is_none(), "one answer a frame");
                self.answer = Some(std::mem::take(&mut self.out));
            }
        }
        let delay = self.random.below(4);
        if let Some(pending) = &mut self.pending {
            let over =
                (c.m_axil_bvalid.val() && c.m_axil_bready.val()) || (c.m_axil_rvalid.val() && c.m_axil_rready.val());
            assert!(!answers || over, "who asks waits for the answer");
            pending.0 = pending.0.saturating_sub(1);
            if over {
                self.pending = None;
            }
        } else if ready && c.m_axil_awvalid.val() && c.m_axil_wvalid.val() {
            assert_eq!(c.m_axil_wstrb.val().to_u64(), 15);
            let done = self.bus.write(c.m_axil_awaddr.val().index() as u32, c.m_axil_wdata.val().to_u64() as u32);
            self.pending = Some((delay, true, done.map(|()| 0)));
        } else if other && c.m_axil_arvalid.val() {
            self.pending = Some((delay, false, self.bus.read(c.m_axil_araddr.val().index() as u32)));
        }
        if self.keeping == Some(0) && self.keeps {
            self.circuit.key_there.next = true;
        }
        self.keeping = self.keeping.and_then(|clocks| clocks.checked_sub(1));
        let c = &mut self.circuit;
        if c.store.val() {
            c.key.next = c.store_key.val();
            self.keeping = Some(20);
        }
        step!(*c);
        self.refusals.malformed += u64::from(c.stat_malformed.val());
        self.refusals.tag += u64::from(c.stat_tag.val());
        self.refusals.session += u64::from(c.stat_session.val());
        self.refusals.sequence += u64::from(c.stat_sequence.val());
        self.missed += u64::from(c.stat_missed.val());
        taken
    }

    fn clocks(&mut self, count: usize) {
        for _ in 0..count {
            self.clock();
        }
    }

    /// Beats of a frame, at some distance of each other.
    fn put(&mut self, octets: &[u8]) {
        let beats = octets.len().div_ceil(8);
        for (at, beat) in octets.chunks(8).enumerate() {
            let mut data = [0xee; 8];
            data[..beat.len()].copy_from_slice(beat);
            self.circuit.s_valid.next = true;
            self.circuit.s_data.next = u64::from_le_bytes(data).into();
            self.circuit.s_last_byte.next = (beat.len() as u64 - 1).into();
            self.circuit.s_last.next = at + 1 == beats;
            while !self.clock() {}
            self.circuit.s_valid.next = false;
            for _ in 0..self.random.below(3) {
                self.clock();
            }
        }
    }

    /// What circuit and oracle say to a frame, which is the same.
    fn say_octets(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
        let nonce = (BOOT << 44 | self.greetings).swap_bytes();
        let wanted = self.oracle.hear(octets, &mut self.memory, nonce);
        let nonce = nonce.to_be_bytes();
        self.greetings += u64::from(wanted.as_ref().is_some_and(|said| said[15] == 2 && said[30..38] == nonce));
        let before = self.refusals;
        self.put(octets);
        for clocks in 0.. {
            if self.answer.is_some() || self.refusals != before {
                break;
            }
            assert!(clocks < 20_000, "neither answered nor refused: {octets:02x?}");
            self.clock();
        }
        // It listens again a clock later, and says nothing more.
        for _ in 0..4 {
            self.clock();
        }
        let answer = self.answer.take();
        assert_eq!(answer, wanted, "to {octets:02x?}");
        assert_eq!(self.refusals, self.oracle.refusals(), "to {octets:02x?}");
        assert_eq!(self.bus.done, self.memory.done, "to {octets:02x?}");
        assert_eq!(self.circuit.keyed.val(), self.oracle.key().is_some());
        wanted
    }

    fn say(&mut self, frame: &Frame) -> Option<Frame> {
        let key = self.key();
        self.say_octets(&frame.write(&key)).map(|octets| Frame::read(&octets, &key).expect("the board's own frame"))
    }

    fn greet(&mut self, host: u64) -> Session {
        let greeting = self.say(&Frame { host_nonce: host, ..plain(Kind::Hello) }).expect("a greeting");
        Session { host, board: greeting.board_nonce, sequence: 0 }
    }
}

#[derive(Clone, Copy)]
struct Session {
    host: u64,
    board: u64,
    sequence: u32,
}

impl Session {
    fn request(&mut self, kind: Kind, offset: u32, count: u8, words: &[u32]) -> Frame {
        self.sequence += 1;
        let (host_nonce, board_nonce, sequence) = (self.host, self.board, self.sequence);
        Frame { host_nonce, board_nonce, sequence, offset, count, words: words.to_vec(), ..plain(kind) }
    }
}

fn plain(kind: Kind) -> Frame {
    Frame {
        destination: BOARD,
        source: HOST,
        kind,
        status: Status::Done,
        count: 0,
        sequence: 0,
        host_nonce: 0,
        board_nonce: 0,
        offset: 0,
        words: Vec::new(),
    }
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut ControlPort::default(), "control_port").expect("nothing that Verilog takes otherwise");
}

#[test]
fn bursts_of_every_size_are_written_read_and_refused_in_the_middle() {
    let mut bench = Bench::new(Some(KEY), 1);
    let mut session = bench.greet(7);
    for (offset, count) in [(0x2000, 64), (0x2000, 1), (0x17f8, 2), (0x17f4, 5), (0x3fff8, 3), (0xffff_fffc, 2)] {
        let words: Vec<u32> = (0..count).map(|_| bench.random.next() as u32).collect();
        let write = session.request(Kind::Write, offset, count as u8, &words);
        bench.say(&write).expect("an answer");
        let read = session.request(Kind::Read, offset, count as u8, &[]);
        bench.say(&read).expect("an answer");
        // And once more, from what was kept.
        bench.say(&read).expect("the same answer");
    }
    assert_eq!(bench.refusals, Refusals::default());
}

#[test]
fn sessions_begin_end_and_are_repeated_as_the_reference_has_it() {
    let mut bench = Bench::new(Some(KEY), 2);
    let mut old = bench.greet(1);
    bench.greet(1);
    let second = old.request(Kind::Read, 0, 2, &[]);
    let late = Frame { sequence: 2, ..second.clone() };
    assert_eq!(bench.say(&late), None, "the first of a session is 1");
    bench.say(&second).expect("an answer");
    let mut new = bench.greet(2);
    bench.say(&second).expect("a greeting ends nothing, and what was answered is kept");
    let write = old.request(Kind::Write, 0x40, 2, &[1, 2]);
    bench.say(&write).expect("the session goes on");
    bench.say(&write).expect("again");
    for changed in [
        Frame { words: vec![1, 3], ..write.clone() },
        Frame { words: vec![1], count: 1, ..write.clone() },
        Frame { source: Mac([2, 0, 0, 0, 0, 8]), ..write.clone() },
        Frame { offset: 0x44, ..write.clone() },
        Frame { sequence: 4, ..write.clone() },
        Frame { sequence: 0, ..write.clone() },
        Frame { board_nonce: 5, ..write.clone() },
        Frame { host_nonce: 5, ..write.clone() },
    ] {
        assert_eq!(bench.say(&changed), None, "{changed:?}");
    }
    bench.say(&write).expect("what was refused changed nothing");
    let first = new.request(Kind::Write, 0x80, 1, &[9]);
    bench.say(&first).expect("the new one begins");
    let read = old.request(Kind::Read, 0x80, 1, &[]);
    assert_eq!(bench.say(&read), None, "and the old one is over");
    assert_eq!((bench.refusals.session, bench.refusals.sequence), (3, 7));
}

#[test]
fn a_board_without_a_key_tells_what_it_is_and_takes_one_once() {
    let mut bench = Bench::new(None, 3);
    let mut session = bench.greet(4);
    for (kind, offset, count) in
        [(Kind::Read, 0, 4), (Kind::Read, 0xff8, 2), (Kind::Read, 0xff8, 3), (Kind::Read, 0x1000, 1)]
    {
        let frame = session.request(kind, offset, count, &[]);
        bench.say(&frame).expect("an answer");
    }
    let frame = session.request(Kind::Write, 0, 1, &[1]);
    assert_eq!(bench.say(&frame).map(|answer| answer.status), Some(Status::Unkeyed));
    let words = [*b"sixt", *b"een ", *b"octe", *b"ts!!"].map(u32::from_be_bytes);
    let request = session.request(Kind::SetKey, 0, 4, &words).write(&Key::NONE);
    let answer = bench.say_octets(&request).expect("an answer");
    assert_eq!(Frame::read(&answer, &Key::NONE).map(|answer| answer.count), Ok(4));
    assert_eq!(bench.key(), KEY);
    assert_eq!(bench.say_octets(&request), None, "the key of zeros is over");
    let mut session = bench.greet(5);
    let frame = session.request(Kind::SetKey, 0, 4, &[0; 4]);
    assert_eq!(bench.say(&frame).map(|answer| answer.status), Some(Status::Keyed));
    let frame = session.request(Kind::Write, 0x40, 1, &[3]);
    bench.say(&frame).expect("an answer");
}

#[test]
fn a_key_that_could_not_be_kept_is_none_and_the_session_goes_on() {
    let mut bench = Bench::new(None, 4);
    bench.keeps = false;
    let mut session = bench.greet(4);
    let frame = session.request(Kind::SetKey, 0, 4, &[1, 2, 3, 4]);
    bench.put(&frame.write(&Key::NONE));
    while bench.answer.is_none() {
        bench.clock();
    }
    let answer = Frame::read(&bench.answer.take().expect("it is there"), &Key::NONE).expect("by the key of zeros");
    assert_eq!((answer.status, answer.count, bench.circuit.keyed.val()), (Status::Refused, 0, false));
    // The oracle has not heard of it: to it this is the first request, to the circuit the second.
    bench.clocks(4);
    let read = session.request(Kind::Read, 0, 1, &[]);
    bench.put(&read.write(&Key::NONE));
    while bench.answer.is_none() {
        bench.clock();
    }
    let answer = Frame::read(&bench.answer.take().expect("it is there"), &Key::NONE).expect("by the key of zeros");
    assert_eq!((answer.status, answer.sequence), (Status::Done, 2));
}

#[test]
fn nothing_is_greeted_without_a_number_of_this_start_and_nothing_heard_before_the_flash() {
    let mut bench = Bench::new(Some(KEY), 5);
    bench.circuit.boot_there.next = false;
    let hello = Frame { host_nonce: 3, ..plain(Kind::Hello) }.write(&KEY);
    bench.put(&hello);
    bench.clocks(600);
    assert_eq!((bench.answer.take(), bench.refusals), (None, Refusals::default()));
    bench.circuit.boot_there.next = true;
    bench.circuit.key_ready.next = false;
    bench.put(&hello);
    bench.clocks(600);
    assert_eq!((bench.answer.take(), bench.missed), (None, 1));
    bench.circuit.key_ready.next = true;
    // Two at once: the second is dropped.
    bench.put(&hello);
    bench.put(&hello);
    bench.clocks(1200);
    assert!(bench.answer.take().is_some());
    assert_eq!(bench.missed, 2);
}

#[test]
fn octets_changed_cut_and_made_up_are_refused_as_the_reference_refuses_them() {
    let mut bench = Bench::new(Some(KEY), 6);
    let mut session = bench.greet(1);
    let octets = session.request(Kind::Write, 0x40, 2, &[5, 6]).write(&KEY);
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 1 << bench.random.below(8);
        // The type is Split's to look at; a new source is only an address.
        if !(6..14).contains(&at) {
            assert_eq!(bench.say_octets(&changed), None, "octet {at}");
        }
    }
    for length in (1..octets.len()).step_by(3).chain([octets.len() + 4, 600, 1514]) {
        let mut cut = octets.clone();
        cut.resize(length.max(14), 0);
        assert_eq!(bench.say_octets(&cut), None, "{length} octets");
    }
    // Right tags over wrong headers.
    for kind in 0..9 {
        for (at, value) in
            [(2, 0), (2, 1), (2, 3), (2, 4), (3, 0), (3, 1), (3, 65), (4, 1), (16, 1), (24, 4), (27, 1), (31, 1)]
        {
            let mut made = octets[..14 + 32 + 4 * bench.random.below(3) as usize].to_vec();
            made[14 + 1] = kind;
            made[14 + 2..14 + 8].fill(0);
            made[14 + 16..14 + 32].fill(0);
            made[14 + 3] = (made.len() as u8 - 46) / 4;
            made[14 + at] = value;
            let tag = weir_spec::control::tag(&KEY, &made[14..]);
            made.extend(tag);
            bench.say_octets(&made);
        }
    }
    assert!(
        bench.memory.done.is_empty() && bench.refusals.tag > 40 && bench.refusals.malformed > 60,
        "{:?}",
        bench.refusals
    );
}

#[test]
fn anything_at_any_time_is_answered_as_by_the_reference() {
    let mut bench = Bench::new(Some(KEY), 8);
    let mut sessions = vec![bench.greet(1)];
    let mut last: Option<Frame> = None;
    let mut answered = 0;
    for _ in 0..200 {
        let number = bench.random.below(sessions.len() as u64) as usize;
        let number = if bench.random.once_in(3) { number } else { sessions.len() - 1 };
        match bench.random.below(10) {
            0 => {
                let host = 1 + bench.random.below(4);
                let session = bench.greet(host);
                sessions.push(session);
                continue;
            }
            1 | 2 => {
                if let Some(last) = last.clone() {
                    bench.say(&last);
                }
                continue;
            }
            3 => sessions[number].sequence += bench.random.below(2) as u32,
            _ => {}
        }
        let offset = [0x40, 0x17f8, 0x2000, 0x3fff8][bench.random.below(4) as usize];
        let count = 1 + bench.random.below(5);
        let words: Vec<u32> = (0..count).map(|_| bench.random.next() as u32).collect();
        let before = sessions[number].sequence;
        let frame = match bench.random.once_in(2) {
            true => sessions[number].request(Kind::Write, offset, count as u8, &words),
            false => sessions[number].request(Kind::Read, offset, count as u8, &[]),
        };
        match bench.say(&frame) {
            Some(_) => answered += 1,
            None => sessions[number].sequence = before,
        }
        last = Some(frame);
    }
    assert!(answered > 50 && bench.refusals.session > 3, "{answered}, {:?}", bench.refusals);
}
