//! The port of control frames as emitted text, under Icarus Verilog, against `weir_spec::control::Port`: the same answers octet by octet, and
//! the same refusals.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use weir_hdl::board::control::ControlPort;
use weir_hdl::emit;
use weir_spec::control::{BOARD, Frame, Key, Kind, Port, Registers, Status};
use weir_spec::mac::Mac;
use weir_spec::nic::Refused;

use super::{run, without_always_comb};

const BENCH: &str = include_str!("control.sv");
const KEY: Key = Key(*b"sixteen octets!!");
/// Clocks behind a frame: more than the longest takes.
const WAIT: usize = 3_000;

/// What the bench has on its bus.
#[derive(Default)]
struct Memory(BTreeMap<u32, u32>);

impl Registers for Memory {
    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        if offset < 0x3f000 { Ok(self.0.get(&offset).copied().unwrap_or(0)) } else { Err(Refused) }
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        self.read(offset)?;
        self.0.insert(offset, value);
        Ok(())
    }
}

/// Frames as a host might say them, and what the oracle says to each: an answer, or which refusal.
struct Talk {
    port: Port,
    memory: Memory,
    greetings: u64,
    said: Vec<(Vec<u8>, Reaction)>,
}

/// An answer, or the bit of the counter that a frame was dropped with.
type Reaction = Result<Vec<u8>, u32>;

impl Talk {
    fn say(&mut self, octets: Vec<u8>) -> Option<Frame> {
        // 20 bits of the start, which the bench says is the fifth, above 44 of the greeting.
        let nonce = (5 << 44 | self.greetings).swap_bytes();
        let before = self.port.refusals();
        let answer = self.port.hear(&octets, &mut self.memory, nonce);
        let now = self.port.refusals();
        let refused = [
            now.malformed - before.malformed,
            now.tag - before.tag,
            now.session - before.session,
            now.sequence - before.sequence,
        ];
        let number = refused.iter().position(|count| *count > 0).map_or(0, |bit| 1 << bit);
        let frame = answer.as_ref().map(|octets| Frame::read(octets, &KEY).expect("the oracle's own"));
        self.greetings += u64::from(frame.as_ref().is_some_and(|frame| frame.board_nonce == nonce));
        self.said.push((octets, answer.ok_or(number)));
        frame
    }
}

fn talk(turns: usize) -> Talk {
    let mut random = fastrand::Rng::with_seed(9);
    let mut talk = Talk { port: Port::new(Some(KEY)), memory: Memory::default(), greetings: 0, said: Vec::new() };
    let plain = |kind| Frame {
        destination: BOARD,
        source: Mac([2, 0, 0, 0, 0, 9]),
        kind,
        status: Status::Done,
        count: 0,
        sequence: 0,
        host_nonce: 0,
        board_nonce: 0,
        offset: 0,
        words: Vec::new(),
    };
    let (mut host, mut board, mut sequence) = (0, 0, 0);
    for turn in 0..turns {
        if turn % 40 == 0 || random.u8(..30) == 0 {
            host = random.u64(..);
            let hello = Frame { host_nonce: host, ..plain(Kind::Hello) };
            board = talk.say(hello.write(&KEY)).expect("a greeting").board_nonce;
            sequence = 0;
        }
        let kind = if random.bool() { Kind::Read } else { Kind::Write };
        let count = if random.u8(..6) == 0 { random.u8(1..=64) } else { random.u8(1..=5) };
        let offset = [0x40, 0x2000, 0x3eff8, 0x3fff8, 0xffff_fffc][random.usize(..5)];
        let words = if kind == Kind::Write { (0..count).map(|_| random.u32(..)).collect() } else { Vec::new() };
        let ids = (host, board, sequence + 1);
        let (host_nonce, board_nonce, number) = ids;
        let frame = Frame { host_nonce, board_nonce, sequence: number, count, offset, words, ..plain(kind) };
        let mut octets = frame.write(&KEY);
        match random.u8(..12) {
            0 => {
                let at = random.usize(14..octets.len());
                octets[at] ^= 1 << random.u8(..8);
            }
            1 => octets = Frame { sequence: number + random.u32(1..4), ..frame }.write(&KEY),
            2 => octets = Frame { board_nonce: board ^ 1, ..frame }.write(&KEY),
            3 => octets.truncate(random.usize(20..octets.len())),
            _ => {}
        }
        if talk.say(octets.clone()).is_some() {
            sequence += 1;
            if random.u8(..4) == 0 {
                talk.say(octets);
            }
        }
    }
    talk
}

#[test]
fn control_frames_are_answered_by_the_emitted_text_as_by_the_reference() {
    let talk = talk(300);
    let text = emit(&mut ControlPort::default(), "control_port").expect("a clean circuit");
    let mut beats = String::new();
    let mut count = 0;
    for (octets, _) in &talk.said {
        for (at, beat) in octets.chunks(8).enumerate() {
            let mut data = [0; 8];
            data[..beat.len()].copy_from_slice(beat);
            let last = 8 * at + beat.len() == octets.len();
            let head = 0x10 | u8::from(last) << 3 | (beat.len() as u8 - 1);
            beats += &format!("{head:02x}{:016x}\n", u64::from_le_bytes(data));
        }
        beats += "0\n";
        count += octets.len().div_ceil(8) + 1;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("board").join("control");
    fs::create_dir_all(&dir).expect("a folder for the bench");
    let key = u128::from_le_bytes(KEY.0);
    let defines = format!("`define COUNT {count}\n`define WAIT {WAIT}\n`define KEY 128'h{key:032x}\n");
    fs::write(dir.join("beats.hex"), beats).expect("beats");
    fs::write(dir.join("bench.sv"), format!("{defines}{BENCH}\n{}", without_always_comb(&text))).expect("a bench");
    run(&dir, "iverilog", &["-g2012", "-s", "bench", "-o", "bench.vvp", "bench.sv"]);
    run(&dir, "vvp", &["-n", "bench.vvp"]);

    let mut found = Vec::new();
    let mut frame = Vec::new();
    for line in fs::read_to_string(dir.join("out.hex")).expect("what came out").lines() {
        let word = u128::from_str_radix(line, 16).unwrap_or_else(|_| panic!("unknown bits in {line}"));
        if word >> 71 == 1 {
            found.push(Err(word as u32 & 0xff));
            continue;
        }
        let (last, last_byte) = (word >> 67 & 1 == 1, (word >> 64 & 7) as usize);
        frame.extend(&(word as u64).to_le_bytes()[..if last { last_byte + 1 } else { 8 }]);
        if last {
            found.push(Ok(std::mem::take(&mut frame)));
        }
    }
    let answered = talk.said.iter().filter(|(_, answer)| answer.is_ok()).count();
    assert!(answered > 150 && talk.said.len() - answered > 60, "{answered} of {}", talk.said.len());
    for (number, (octets, wanted)) in talk.said.iter().enumerate() {
        assert_eq!(found.get(number), Some(wanted), "frame {number}: {octets:02x?}");
    }
    assert_eq!(found.len(), talk.said.len());
}
