//! What a board does with control frames: the oracle of the circuit.

use super::frame::{BOARD, ControlError, Frame, Key, Kind, Status};
use crate::nic::{Nic, Refused};
use crate::regs::ID;

/// The registers behind the port.
pub trait Registers {
    /// Reads a word.
    ///
    /// # Errors
    ///
    /// [`Refused`] as on the bus.
    fn read(&mut self, offset: u32) -> Result<u32, Refused>;

    /// Writes a word.
    ///
    /// # Errors
    ///
    /// [`Refused`] as on the bus.
    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused>;
}

impl Registers for Nic {
    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        Nic::read(self, offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        Nic::write(self, offset, value)
    }
}

/// Frames that were dropped, by why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refusals {
    /// No control frame, or not for the board, or said by a board.
    pub malformed: u64,
    /// A tag that does not hold.
    pub tag: u64,
    /// Under nonces of no session.
    pub session: u64,
    /// Neither the next sequence nor the last.
    pub sequence: u64,
}

/// The nonces of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Session {
    host: u64,
    board: u64,
}

/// The last request that was carried out, and what was said to it.
#[derive(Clone, Debug)]
struct Done {
    request: Frame,
    answer: Frame,
}

/// The host's port of a board.
#[derive(Clone, Debug)]
pub struct Port {
    key: Option<Key>,
    current: Option<Session>,
    /// Sequence of the last request of the current session.
    sequence: u32,
    done: Option<Done>,
    /// What was greeted last: not a session before its first request.
    greeted: Option<Session>,
    refusals: Refusals,
}

impl Port {
    /// A board that has just started, with the key that its flash holds, if it holds one.
    pub fn new(key: Option<Key>) -> Port {
        Port { key, current: None, sequence: 0, done: None, greeted: None, refusals: Refusals::default() }
    }

    /// The key; one that was brought stays, and has to be kept by whoever owns the flash.
    pub fn key(&self) -> Option<Key> {
        self.key
    }

    /// What was dropped.
    pub fn refusals(&self) -> Refusals {
        self.refusals
    }

    /// One frame from the host: what is answered, or nothing. `nonce` is what a greeting gives; one that was asked for once must
    /// never come again.
    pub fn hear(&mut self, octets: &[u8], registers: &mut dyn Registers, nonce: u64) -> Option<Vec<u8>> {
        let key = self.key.unwrap_or(Key::NONE);
        let frame = match Frame::read(octets, &key) {
            Ok(frame) if !frame.kind.is_of_board() && frame.destination == BOARD => frame,
            Ok(_) | Err(ControlError::Short | ControlError::Malformed) => {
                self.refusals.malformed += 1;
                return None;
            }
            Err(ControlError::Tag) => {
                self.refusals.tag += 1;
                return None;
            }
        };
        let answer = match frame.kind {
            Kind::Hello => self.greet(&frame, nonce),
            _ => self.request(frame, registers)?,
        };
        Some(answer.write(&key))
    }

    /// The same hello again is greeted the same, as long as no other came: a host repeats it until it is answered.
    fn greet(&mut self, hello: &Frame, nonce: u64) -> Frame {
        let same = self.greeted.filter(|session| session.host == hello.host_nonce && self.current != Some(*session));
        let session = same.unwrap_or(Session { host: hello.host_nonce, board: nonce });
        self.greeted = Some(session);
        Frame { kind: Kind::Greeting, board_nonce: session.board, ..said_to(hello) }
    }

    fn request(&mut self, frame: Frame, registers: &mut dyn Registers) -> Option<Frame> {
        let session = Session { host: frame.host_nonce, board: frame.board_nonce };
        if self.current != Some(session) {
            if self.greeted != Some(session) {
                self.refusals.session += 1;
                return None;
            }
            if frame.sequence != 1 {
                self.refusals.sequence += 1;
                return None;
            }
            (self.current, self.greeted, self.sequence, self.done) = (Some(session), None, 0, None);
        }
        if let Some(done) = self.done.as_ref().filter(|done| done.request == frame) {
            return Some(done.answer.clone());
        }
        if self.sequence.checked_add(1) != Some(frame.sequence) {
            self.refusals.sequence += 1;
            return None;
        }
        self.sequence = frame.sequence;
        let answer = self.carry_out(&frame, registers);
        self.done = Some(Done { request: frame, answer: answer.clone() });
        Some(answer)
    }

    fn carry_out(&mut self, frame: &Frame, registers: &mut dyn Registers) -> Frame {
        let plain = said_to(frame);
        let end = u64::from(frame.offset) + 4 * u64::from(frame.count);
        let of_id = frame.kind == Kind::Read && end <= u64::from(ID.base + ID.size);
        if self.key.is_none() && frame.kind != Kind::SetKey && !of_id {
            return Frame { status: Status::Unkeyed, ..plain };
        }
        // A frame at the end of the address space goes around; the registers refuse what they do not have.
        let offsets = (0..u32::from(frame.count)).map(|word| frame.offset.wrapping_add(4 * word));
        match frame.kind {
            Kind::SetKey if self.key.is_some() => Frame { status: Status::Keyed, ..plain },
            Kind::SetKey => {
                // In force with the next frame: this answer still goes by the key of zeros.
                let octets: Vec<u8> = frame.words.iter().flat_map(|word| word.to_be_bytes()).collect();
                self.key = Some(Key(octets.try_into().expect("a key frame has four words")));
                (self.current, self.greeted) = (None, None);
                Frame { count: frame.count, ..plain }
            }
            Kind::Write => {
                let written = offsets.zip(&frame.words).take_while(|(at, word)| registers.write(*at, **word).is_ok());
                counted(plain, written.count(), frame.count)
            }
            _ => {
                let words: Vec<u32> = offsets.map_while(|at| registers.read(at).ok()).collect();
                let done = words.len();
                Frame { words, ..counted(plain, done, frame.count) }
            }
        }
    }
}

/// An answer to a frame, with nothing done yet.
fn said_to(frame: &Frame) -> Frame {
    let (destination, source) = (frame.source, frame.destination);
    Frame {
        destination,
        source,
        kind: Kind::Answer,
        status: Status::Done,
        count: 0,
        words: Vec::new(),
        ..frame.clone()
    }
}

fn counted(answer: Frame, done: usize, wanted: u8) -> Frame {
    let status = if done == usize::from(wanted) { Status::Done } else { Status::Refused };
    Frame { status, count: done as u8, ..answer }
}
