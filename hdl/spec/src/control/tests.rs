use super::*;
use crate::mac::Mac;
use crate::nic::Refused;
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEY: Key = Key(*b"sixteen octets!!");
const HOST: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// Registers below 64 KiB that remember; the last word of them refuses.
#[derive(Default)]
struct Memory {
    words: BTreeMap<u32, u32>,
    writes: Vec<(u32, u32)>,
}

impl Registers for Memory {
    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        if offset >= 0xfffc { Err(Refused) } else { Ok(self.words.get(&offset).copied().unwrap_or(offset)) }
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        if offset >= 0xfffc {
            return Err(Refused);
        }
        self.words.insert(offset, value);
        self.writes.push((offset, value));
        Ok(())
    }
}

struct Bench {
    port: Port,
    memory: Memory,
    nonce: u64,
    host: u64,
    board: u64,
    sequence: u32,
}

impl Bench {
    fn new(key: Option<Key>) -> Bench {
        let mut bench =
            Bench { port: Port::new(key), memory: Memory::default(), nonce: 100, host: 0, board: 0, sequence: 0 };
        bench.greet(1);
        bench
    }

    fn key(&self) -> Key {
        self.port.key().unwrap_or(Key::NONE)
    }

    fn say(&mut self, frame: &Frame) -> Option<Frame> {
        let key = self.key();
        self.say_octets(&frame.write(&key)).map(|octets| Frame::read(&octets, &key).expect("the board's own frame"))
    }

    fn say_octets(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
        self.nonce += 1;
        self.port.hear(octets, &mut self.memory, self.nonce)
    }

    fn greet(&mut self, host: u64) {
        let greeting = self.say(&Frame { host_nonce: host, ..plain(Kind::Hello) }).expect("a greeting");
        assert_eq!((greeting.kind, greeting.host_nonce, greeting.destination), (Kind::Greeting, host, HOST));
        (self.host, self.board, self.sequence) = (host, greeting.board_nonce, 0);
    }

    fn request(&mut self, kind: Kind, offset: u32, count: u8, words: &[u32]) -> Frame {
        self.sequence += 1;
        Frame {
            offset,
            count,
            words: words.to_vec(),
            sequence: self.sequence,
            host_nonce: self.host,
            board_nonce: self.board,
            ..plain(kind)
        }
    }

    fn write(&mut self, offset: u32, words: &[u32]) -> Option<Frame> {
        let request = self.request(Kind::Write, offset, words.len() as u8, words);
        self.say(&request)
    }

    fn read(&mut self, offset: u32, count: u8) -> Option<Frame> {
        let request = self.request(Kind::Read, offset, count, &[]);
        self.say(&request)
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
fn tags_are_those_of_the_published_vectors() {
    // SipHash-2-4-128 of the reference implementation (vectors.h): key 00..0f, messages of 0 and 1 octets.
    let key = Key(std::array::from_fn(|at| at as u8));
    let hex = |tag: [u8; TAG]| tag.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    assert_eq!(hex(tag(&key, &[])), "a3817f04ba25a8e66df67214c7550293");
    assert_eq!(hex(tag(&key, &[0])), "da87c1d86b99af44347659119b22fc45");
}

#[test]
fn words_are_written_and_read_in_bursts() {
    let mut bench = Bench::new(Some(KEY));
    let words: Vec<u32> = (0..64).map(|word| word * 0x0101_0101).collect();
    let answer = bench.write(0x2000, &words).expect("an answer");
    assert_eq!((answer.kind, answer.status, answer.count), (Kind::Answer, Status::Done, 64));
    assert!(answer.words.is_empty());
    let answer = bench.read(0x2000, 64).expect("an answer");
    assert_eq!((answer.words, answer.sequence), (words, 2));
}

#[test]
fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let mut bench = Bench::new(Some(KEY));
    let request = bench.request(Kind::Write, 0x40, 1, &[7]);
    let first = bench.say(&request).expect("an answer");
    let again = bench.say(&request).expect("the same answer");
    assert_eq!((first, bench.memory.writes.len()), (again, 1));
    // One with the same sequence that says something else is no repetition.
    let other = Frame { words: vec![8], ..request.clone() };
    assert_eq!(bench.say(&other), None);
    bench.read(0, 1).expect("the next");
    assert_eq!(bench.say(&request), None, "an older one is not answered any more");
    assert_eq!((bench.port.refusals().sequence, bench.memory.writes.len()), (2, 1));
}

#[test]
fn sequences_rise_by_one_and_end_before_they_go_around() {
    let mut bench = Bench::new(Some(KEY));
    bench.sequence = 4;
    assert_eq!(bench.read(0, 1), None, "the first of a session is 1");
    bench.sequence = 0;
    bench.read(0, 1).expect("an answer");
    bench.sequence = 2;
    assert_eq!(bench.read(0, 1), None, "3 does not follow 1");
    assert_eq!(bench.port.refusals().sequence, 2);
}

#[test]
fn a_greeting_ends_no_session_and_a_request_under_it_does() {
    let mut bench = Bench::new(Some(KEY));
    bench.read(0, 1).expect("an answer");
    let (host, board, sequence) = (bench.host, bench.board, bench.sequence);
    bench.greet(2);
    let greeted = (bench.host, bench.board);
    (bench.host, bench.board, bench.sequence) = (host, board, sequence);
    bench.read(0, 1).expect("the session goes on");
    (bench.host, bench.board, bench.sequence) = (greeted.0, greeted.1, 0);
    bench.read(0, 1).expect("the new one begins");
    (bench.host, bench.board, bench.sequence) = (host, board, sequence + 1);
    assert_eq!(bench.read(0, 1), None, "and the old one is over");
    assert_eq!(bench.port.refusals().session, 1);
}

#[test]
fn a_hello_again_is_greeted_the_same_until_its_session_begins() {
    let mut bench = Bench::new(Some(KEY));
    let first = bench.board;
    bench.greet(1);
    assert_eq!(bench.board, first, "its greeting was lost");
    bench.read(0, 1).expect("an answer");
    bench.greet(1);
    assert_ne!(bench.board, first, "a session has begun under that one");
}

#[test]
fn yesterdays_frames_say_nothing_today() {
    let mut yesterday = Bench::new(Some(KEY));
    let request = yesterday.request(Kind::Write, 0x40, 1, &[7]);
    assert!(yesterday.say(&request).is_some());
    // The board was started anew and has been greeted by the same hello, but has given another nonce.
    let mut today = Bench::new(Some(KEY));
    today.nonce = 500;
    today.greet(3);
    today.greet(1);
    assert_eq!(today.say(&request), None);
    assert!(today.memory.writes.is_empty());
}

#[test]
fn no_word_of_a_changed_frame_is_written() {
    let mut bench = Bench::new(Some(KEY));
    let octets = bench.request(Kind::Write, 0x40, 3, &[1, 2, 3]).write(&KEY);
    for at in 0..octets.len() * 8 {
        let mut changed = octets.clone();
        changed[at / 8] ^= 1 << (at % 8);
        // Addresses are the wire's: what matters is that the frame came to the board.
        let answered = bench.say_octets(&changed).is_some();
        assert!(!answered || (6 * 8..12 * 8).contains(&at), "bit {at}");
        if answered {
            bench = Bench::new(Some(KEY));
        }
        assert!(bench.memory.writes.is_empty(), "bit {at}");
    }
}

#[test]
fn a_register_that_refuses_ends_the_burst_there() {
    let mut bench = Bench::new(Some(KEY));
    let answer = bench.write(0xfff4, &[1, 2, 3, 4]).expect("an answer");
    assert_eq!((answer.status, answer.count, bench.memory.writes.len()), (Status::Refused, 2, 2));
    let answer = bench.read(0xfff8, 4).expect("an answer");
    assert_eq!((answer.status, answer.count, answer.words), (Status::Refused, 1, vec![2]));
    let answer = bench.read(0xffff_fffc, 2).expect("an answer");
    assert_eq!((answer.status, answer.count), (Status::Refused, 0));
}

#[test]
fn a_board_without_a_key_tells_what_it_is_and_takes_one_once() {
    let mut bench = Bench::new(None);
    let answer = bench.read(0, 64).expect("its id block");
    assert_eq!((answer.status, answer.count), (Status::Done, 64));
    for answer in [bench.read(0xff0, 5), bench.read(0x1000, 1), bench.write(0, &[1])] {
        assert_eq!(answer.expect("an answer").status, Status::Unkeyed);
    }
    assert!(bench.memory.writes.is_empty());

    let words = [*b"sixt", *b"een ", *b"octe", *b"ts!!"].map(u32::from_be_bytes);
    let request = bench.request(Kind::SetKey, 0, 4, &words);
    let answer = bench.say_octets(&request.write(&Key::NONE)).expect("an answer");
    assert_eq!(Frame::read(&answer, &Key::NONE).expect("by the old key").status, Status::Done);
    assert_eq!(bench.port.key(), Some(KEY));
    assert_eq!(bench.say_octets(&request.write(&Key::NONE)), None, "the key of zeros is over");
    bench.greet(5);
    let other = bench.request(Kind::SetKey, 0, 4, &[0; 4]);
    assert_eq!(bench.say(&other).expect("an answer").status, Status::Keyed);
    assert_eq!(bench.port.key(), Some(KEY), "a key is never replaced from here");
}

#[test]
fn what_a_board_says_and_what_is_for_others_is_not_heard() {
    let mut bench = Bench::new(Some(KEY));
    let mut greeting = plain(Kind::Greeting);
    greeting.host_nonce = 9;
    assert_eq!(bench.say(&greeting), None);
    let other = Frame { destination: HOST, ..bench.request(Kind::Read, 0, 1, &[]) };
    assert_eq!(bench.say(&other), None);
    assert_eq!(bench.port.refusals().malformed, 2);
}

fn frames() -> impl Strategy<Value = Frame> {
    let kind =
        prop::sample::select(vec![Kind::Hello, Kind::Greeting, Kind::Read, Kind::Write, Kind::SetKey, Kind::Answer]);
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), 0..0x1_0000_u32);
    (kind, numbers, prop::collection::vec(any::<u32>(), 1..=64), any::<bool>()).prop_map(
        |(kind, numbers, words, brings)| {
            let (sequence, host_nonce, board_nonce, offset) = numbers;
            let offset = offset * 4;
            let count = words.len() as u8;
            let plain = Frame { host_nonce, ..plain(kind) };
            match kind {
                Kind::Hello => plain,
                Kind::Greeting => Frame { board_nonce, ..plain },
                Kind::Read => Frame { board_nonce, sequence, offset, count, ..plain },
                Kind::Write => Frame { board_nonce, sequence, offset, count, words, ..plain },
                Kind::SetKey => Frame { board_nonce, sequence, count: 4, words: vec![words[0]; 4], ..plain },
                Kind::Answer => {
                    let words = if brings { words } else { Vec::new() };
                    Frame { board_nonce, sequence, offset, count, words, ..plain }
                }
            }
        },
    )
}

proptest! {
    #[test]
    fn frames_are_read_as_they_were_written(frame in frames()) {
        prop_assert_eq!(Frame::read(&frame.write(&KEY), &KEY), Ok(frame.clone()));
        prop_assert_eq!(Frame::read(&frame.write(&KEY), &Key::NONE), Err(ControlError::Tag));
    }

    #[test]
    fn no_octets_are_too_much_for_a_board(octets in prop::collection::vec(any::<u8>(), 0..400), shaped: bool) {
        let mut octets = octets;
        if shaped && octets.len() > 20 {
            let kind = 1 + octets[15] % 6;
            octets[12..16].copy_from_slice(&[0x88, 0xb5, VERSION, kind]);
        }
        let mut bench = Bench::new(Some(KEY));
        prop_assert_eq!(bench.say_octets(&octets), None);
        prop_assert!(bench.memory.writes.is_empty());
    }
}
