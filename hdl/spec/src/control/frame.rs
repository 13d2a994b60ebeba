//! The octets of a control frame. Reading is total.

use crate::mac::Mac;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

/// Local experiments, number 1 (IEEE 802).
pub const ETHERTYPE: u16 = 0x88b5;
/// Where the board listens on its host port: `WEIR` behind two octets that make it unicast and locally administered.
pub const BOARD: Mac = Mac([0x02, 0x00, b'W', b'E', b'I', b'R']);
/// The form of frames this is about.
pub const VERSION: u8 = 1;
/// The most words of a frame.
pub const MOST_WORDS: usize = 64;
/// Octets behind the EtherType up to the words.
pub const HEADER: usize = 32;
/// Octets of a tag.
pub const TAG: usize = 16;

/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

/// What a host and its board share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// That of a board which has none: tags by it are checksums.
    pub const NONE: Key = Key([0; 16]);
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The host asks for a nonce; its own is in it.
    Hello = 1,
    /// The board gives one.
    Greeting = 2,
    /// The host wants words of registers.
    Read = 3,
    /// The host brings words for registers.
    Write = 4,
    /// The host brings the key: four words, the first octet in the top of the first.
    SetKey = 5,
    /// The board has done what was asked, or not.
    Answer = 6,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Hello, Kind::Greeting, Kind::Read, Kind::Write, Kind::SetKey, Kind::Answer];

    /// Whether a board says it; the others are said by hosts.
    pub fn is_of_board(self) -> bool {
        matches!(self, Kind::Greeting | Kind::Answer)
    }
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// All words.
    Done = 0,
    /// A register refused: words before it were done, it and those behind were not.
    Refused = 1,
    /// The board has no key, and this is not for boards without one.
    Unkeyed = 2,
    /// The board has a key already.
    Keyed = 3,
}

impl Status {
    const ALL: [Status; 4] = [Status::Done, Status::Refused, Status::Unkeyed, Status::Keyed];
}

/// A frame, whoever says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Who it is for.
    pub destination: Mac,
    /// Who says it.
    pub source: Mac,
    /// What it is.
    pub kind: Kind,
    /// How it ended; `Done` in what hosts say.
    pub status: Status,
    /// How many words are meant or done; at most [`MOST_WORDS`].
    pub count: u8,
    /// Rises by one with each request of a session; an answer has that of its request.
    pub sequence: u32,
    /// The host's part of the session.
    pub host_nonce: u64,
    /// The board's; 0 in a hello.
    pub board_nonce: u64,
    /// Of the first register, in octets.
    pub offset: u32,
    /// What is written, or was read; `count` of them in writes, keys and answers to reads, else none.
    pub words: Vec<u32>,
}

/// Why octets are no control frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlError {
    /// Too short for what it says it has.
    Short,
    /// Of another EtherType, version or kind, or with a field that has to be another.
    Malformed,
    /// Not by this key, or changed on the way.
    Tag,
}

/// The tag of octets by a key.
pub fn tag(key: &Key, octets: &[u8]) -> [u8; TAG] {
    let mut hasher = SipHasher24::new_with_key(&key.0);
    hasher.write(octets);
    hasher.finish128().as_bytes()
}

impl Frame {
    /// Reads a frame that holds under `key`.
    ///
    /// # Errors
    ///
    /// [`ControlError`]; the tag is looked at last.
    pub fn read(octets: &[u8], key: &Key) -> Result<Frame, ControlError> {
        let (ethernet, rest) = octets.split_at_checked(ETHERNET).ok_or(ControlError::Short)?;
        let header = rest.get(..HEADER).filter(|_| rest.len() >= HEADER + TAG).ok_or(ControlError::Short)?;
        let ethertype = u16::from_be_bytes([ethernet[12], ethernet[13]]);
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == header[1]);
        let status = Status::ALL.into_iter().find(|status| *status as u8 == header[2]);
        let (Some(kind), Some(status)) = (kind, status) else {
            return Err(ControlError::Malformed);
        };
        let count = header[3];
        let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four octets"));
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        let frame = Frame {
            destination: mac(&ethernet[..6]),
            source: mac(&ethernet[6..12]),
            kind,
            status,
            count,
            sequence: word(4),
            host_nonce: long(8),
            board_nonce: long(16),
            offset: word(24),
            words: Vec::new(),
        };
        if ethertype != ETHERTYPE || header[0] != VERSION || word(28) != 0 || !frame.is_plausible() {
            return Err(ControlError::Malformed);
        }
        let (words, told) = rest[HEADER..].split_at(rest.len() - HEADER - TAG);
        let there = words.len() / 4;
        let fits = match kind {
            Kind::Hello | Kind::Greeting | Kind::Read => there == 0,
            Kind::Write | Kind::SetKey => there == usize::from(count),
            // Those of a write are done, and not brought again.
            Kind::Answer => there == 0 || there == usize::from(count),
        };
        if !fits || !words.len().is_multiple_of(4) {
            return Err(ControlError::Malformed);
        }
        if tag(key, &rest[..HEADER + words.len()]) != told {
            return Err(ControlError::Tag);
        }
        let words = words.chunks_exact(4);
        let words = words.map(|word| u32::from_be_bytes(word.try_into().expect("chunks of four"))).collect();
        Ok(Frame { words, ..frame })
    }

    /// The octets of a frame with its tag by `key`. The shortest has 62, so that none is ever padded.
    ///
    /// # Panics
    ///
    /// With more words than [`MOST_WORDS`].
    pub fn write(&self, key: &Key) -> Vec<u8> {
        assert!(self.words.len() <= MOST_WORDS, "a control frame has at most {MOST_WORDS} words");
        let mut octets = Vec::with_capacity(ETHERNET + HEADER + 4 * self.words.len() + TAG);
        octets.extend(self.destination.0);
        octets.extend(self.source.0);
        octets.extend(ETHERTYPE.to_be_bytes());
        octets.extend([VERSION, self.kind as u8, self.status as u8, self.count]);
        octets.extend(self.sequence.to_be_bytes());
        octets.extend(self.host_nonce.to_be_bytes());
        octets.extend(self.board_nonce.to_be_bytes());
        octets.extend(self.offset.to_be_bytes());
        octets.extend([0; 4]);
        self.words.iter().for_each(|word| octets.extend(word.to_be_bytes()));
        let tag = tag(key, &octets[ETHERNET..]);
        octets.extend(tag);
        octets
    }

    /// Fields that a kind rules out.
    fn is_plausible(&self) -> bool {
        let asks = !self.kind.is_of_board();
        let counted = usize::from(self.count) <= MOST_WORDS;
        let right = match self.kind {
            Kind::Hello => self.count == 0 && self.sequence == 0 && self.board_nonce == 0 && self.offset == 0,
            Kind::Greeting => self.count == 0 && self.sequence == 0 && self.offset == 0,
            Kind::Read | Kind::Write => self.count > 0 && self.offset.is_multiple_of(4),
            Kind::SetKey => self.count == 4 && self.offset == 0,
            Kind::Answer => true,
        };
        counted && right && (!asks || self.status == Status::Done)
    }
}

fn mac(octets: &[u8]) -> Mac {
    Mac(octets.try_into().expect("six octets"))
}
