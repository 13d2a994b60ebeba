use super::*;
use crate::counted::Counted;
use crate::sim::Sim;
use crate::{Nic, Program};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use weir_spec::control::{Port, Refusals};
use weir_spec::regs::{self, RegId};

const KEY: Key = Key(*b"sixteen octets!!");
const HOST: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// A board at the other end of a wire that loses and doubles frames by a rule.
#[derive(Clone)]
struct Board(Arc<Mutex<Inner>>);

struct Inner {
    port: Port,
    nic: Sim,
    nonce: u64,
    answers: VecDeque<Vec<u8>>,
    heard: u64,
    /// Whether the frame of this number is lost, on its way there or back.
    loses: fn(u64) -> (bool, bool),
    /// Its flash takes a key.
    keeps_keys: bool,
}

impl Board {
    fn new(key: Option<Key>, loses: fn(u64) -> (bool, bool)) -> Board {
        let port = Port::new(key);
        Board(Arc::new(Mutex::new(Inner {
            port,
            nic: Sim::new(),
            nonce: 7,
            answers: VecDeque::new(),
            heard: 0,
            loses,
            keeps_keys: true,
        })))
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("no test panics with it")
    }

    fn refusals(&self) -> Refusals {
        self.inner().port.refusals()
    }

    fn open(&self, key: Option<Key>) -> Result<EthBar<Board>, EthError> {
        EthBar::greet(self.clone(), "veth0", HOST, key, 42)
    }
}

impl Wire for Board {
    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.heard += 1;
        let (there, back) = (inner.loses)(inner.heard);
        if there {
            return Ok(());
        }
        inner.nonce += 1;
        let asked = Frame::read(frame, &Key::NONE).ok().filter(|asked| asked.kind == Kind::SetKey);
        if let Some(asked) = asked.filter(|_| !inner.keeps_keys) {
            let (destination, source) = (asked.source, BOARD);
            let (kind, status) = (Kind::Answer, Status::Refused);
            let answer = Frame { destination, source, kind, status, count: 0, words: Vec::new(), ..asked };
            inner.answers.push_back(answer.write(&Key::NONE));
            return Ok(());
        }
        let Inner { port, nic, nonce, answers, .. } = &mut *inner;
        let answer = port.hear(frame, &mut *nic.nic(), *nonce);
        // Somebody else's frame in between is no answer.
        answers.push_back(frame.to_vec());
        answers.extend(answer.filter(|_| !back));
        Ok(())
    }

    fn receive(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        let there = self.inner().answers.pop_front();
        if there.is_none() {
            std::thread::sleep(within);
        }
        Ok(there)
    }
}

fn whole(_: u64) -> (bool, bool) {
    (false, false)
}

#[test]
fn the_driver_loads_and_commits_over_control_frames_as_over_a_bus() {
    let board = Board::new(Some(KEY), whole);
    let mut nic = Nic::open(Counted::new(board.open(Some(KEY)).expect("a session"))).expect("a Weir NIC");
    let program = Program::default();
    nic.load(&program).expect("it loads");
    let until = nic.time().expect("its time") + 5_000_000;
    nic.commit(3, until).expect("it commits");
    let status = nic.status().expect("its status");
    assert_eq!((status.epoch, status.fenced), (3, false));
    assert_eq!(board.refusals(), Refusals::default());
}

#[test]
fn lost_frames_are_said_again_and_nothing_is_done_twice() {
    // Every third is lost on its way there, every fourth answer on its way back.
    let board = Board::new(Some(KEY), |frame| (frame % 3 == 1, frame % 4 == 2));
    let mut bar = board.open(Some(KEY)).expect("a session, in the end");
    let scratch = regs::address(RegId::Scratch, 0);
    for value in 0..40 {
        bar.write32(scratch, value).expect("written");
        assert_eq!(bar.read32(scratch).expect("read"), value);
    }
    let words: Vec<u32> = (0..200).collect();
    bar.write_block(0x20000, &words).expect("a map slot");
    for (at, word) in words.iter().enumerate().step_by(37) {
        assert_eq!(bar.read32(0x20000 + 4 * at as u32).expect("read"), *word);
    }
    let mut read = [0; 200];
    let before = board.inner().heard;
    bar.read_block(0x20000, &mut read).expect("read");
    assert_eq!(read[..], words[..]);
    assert!(board.inner().heard < before + 20, "as many words a frame as it has room for");
    assert_eq!(board.refusals(), Refusals::default(), "a repetition is no error");
}

#[test]
fn a_board_that_was_started_anew_is_an_error_and_no_new_session() {
    let board = Board::new(Some(KEY), whole);
    let mut bar = board.open(Some(KEY)).expect("a session");
    bar.read32(0).expect("its magic");
    board.inner().port = Port::new(Some(KEY));
    let error = bar.read32(0).expect_err("it has forgotten the session");
    let BarError::Call { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("started anew"), "{source}");
    assert!(board.refusals().session > 1);
}

#[test]
fn another_key_and_a_silent_wire_are_told() {
    let board = Board::new(Some(KEY), whole);
    let error = board.open(Some(Key([1; 16]))).err().expect("another key").to_string();
    assert!(error.contains("no board answers on veth0 to this key"), "{error}");
    assert!(board.refusals().tag > 1);
    let error = board.open(None).err().expect("it has a key").to_string();
    assert!(error.contains("no board answers on veth0 without a key"), "{error}");
    let nobody = Board::new(Some(KEY), |_| (true, false));
    assert!(matches!(nobody.open(Some(KEY)), Err(EthError::Silent { .. })));
}

#[test]
fn a_key_whose_answer_is_lost_is_found_to_be_in() {
    // The greeting is the first frame. The second is the key, and all that repeat it are by a key the board takes no more.
    let board = Board::new(None, |frame| (false, frame == 2));
    let mut bar = board.open(None).expect("a session without a key");
    bar.set_key(KEY).expect("it is in, whatever became of the answer");
    board.open(Some(KEY)).expect("a session with it");
}

#[test]
fn a_key_that_the_board_cannot_keep_is_an_error() {
    let board = Board::new(None, whole);
    board.inner().keeps_keys = false;
    let mut bar = board.open(None).expect("a session without a key");
    let error = bar.set_key(KEY).expect_err("its flash took none").to_string();
    assert!(error.contains("could not keep the key"), "{error}");
    board.open(None).expect("it has none");
}

#[test]
fn a_blank_board_shows_what_it_is_takes_a_key_and_then_serves() {
    let board = Board::new(None, whole);
    let mut bar = board.open(None).expect("a session without a key");
    assert_eq!(bar.read32(0).expect("its magic"), weir_spec::regs::MAGIC);
    let error = bar.write32(0x20000, 1).expect_err("it has no key").to_string();
    assert!(error.contains("it has no key yet"), "{error}");
    bar.set_key(KEY).expect("it takes one");
    drop(bar);
    let mut bar = board.open(Some(KEY)).expect("a session with it");
    bar.write32(0x20000, 1).expect("it serves");
    let error = bar.set_key(Key([9; 16])).expect_err("once for all").to_string();
    assert!(error.contains("it has a key already"), "{error}");
}
