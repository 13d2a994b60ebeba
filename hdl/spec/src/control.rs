//! Control frames: registers by Ethernet, for boards whose host has no PCIe to them.
//!
//! A board that is a bump in the wire hears its host on one port, and nobody else there. A frame of EtherType 88b5h
//! (IEEE 802: local experiments) to [`BOARD`] carries up to 64 words to or from consecutive registers. It never leaves the
//! board.
//!
//! | octets behind the EtherType | what |
//! |---|---|
//! | 0 | [`VERSION`] |
//! | 1 | [`Kind`] |
//! | 2 | [`Status`] of an answer, 0 else |
//! | 3 | words: of a request how many are meant, of an answer how many were done |
//! | 4 to 7 | sequence |
//! | 8 to 15 | the host's nonce |
//! | 16 to 23 | the board's nonce |
//! | 24 to 27 | offset of the first register in octets |
//! | 28 to 31 | 0 |
//! | 32 on | the words of a write, or of what was read |
//! | 16 behind them | the tag: SipHash-2-4 of 128 bits over all between the EtherType and itself |
//!
//! Numbers are big-endian. The tag ends the frame: the shortest has 62 octets, so that none is padded.
//!
//! **Who may.** Board and host share a key of 128 bits ([`Key`]), one a board. A board without one answers reads of its id block
//! and takes a key, once; nothing else. Tags of an unkeyed board are by a key of zeros: checksums, no more.
//!
//! **Nothing twice.** A session is a nonce of the host and one of the board, which no board gives twice. In a session sequences
//! rise by one. The last request again gets the last answer again and is not carried out again, so a host repeats what was not
//! answered; anything else is dropped and counted. A greeting opens no session and ends none: the first request under its
//! nonces does both, and that takes the key. So who has no key can make a board greet, and nothing more.
//!
//! **All or none.** No word of a write is written before the whole frame was held against its tag.
//!
//! **Why SipHash.** The tag is for a key of two parties, of frames up to 290 octets, made by a circuit. SipHash-2-4 is a MAC for that
//! (Aumasson and Bernstein, 2012), of additions and rotations in four words; on an ECP5 it was estimated at half the LUTs of an
//! iterative SHA-256, and takes about 90 rounds for the longest frame where HMAC-SHA256 takes 576. 128 bits of tag because forgeries
//! are tried against a live board.

mod frame;
mod port;

pub use frame::{BOARD, ControlError, ETHERTYPE, Frame, HEADER, Key, Kind, MOST_WORDS, Status, TAG, VERSION, tag};
pub use port::{Port, Refusals, Registers};

#[cfg(test)]
mod tests;
