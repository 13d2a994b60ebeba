//! Bulk frames: challenges, tables in chunks, and records of moving connections.
//!
//! Hosts that share a MAC cannot use IP among themselves, and a table of 4096 owners does not fit a heartbeat. So both
//! travel on the heartbeat's EtherType under a signature of our own, authenticated in the same way. Transfers are pulled,
//! one chunk at a time: whoever lacks a table asks a host that shows it for one chunk after the other, and asks again when
//! nothing comes. The sender keeps no state, and a crash of either end leaves none. Records are pushed: who has them knows
//! when they change. A stream of them is numbered by its generation, and its next frame is sent when the last was answered.
//!
//! | off | size | field |
//! |---|---|---|
//! | 0 | 4 | signature |
//! | 4 | 1 | version |
//! | 5 | 1 | kind: 1 challenge, 2 answer, 3 request, 4 chunk, 5 records, 6 their answer, 7 staged, 8 waits |
//! | 6 | 1 | key id |
//! | 7 | 1 | sender's priority |
//! | 8 | 4 | primary virtual IP, network order |
//! | 12 | 8 | sender's incarnation |
//! | 20 | 4 | sequence, of the same counter as the heartbeats |
//! | 24 | 1 | addressee's priority; staged: the sender's, for it is for everybody |
//! | 25 | 3 | zero |
//! | 28 | 8 | challenge: incarnation in question; answer: zero; request, chunk and records: epoch; answer to records: the incarnation that sent them; waits: the one that is waited for; staged: digest of the configuration |
//! | 36 | 8 | challenge and answer: nonce; request and chunk: table digest; records and their answer: generation; waits: sequence of the heartbeat that announced it |
//! | 44 | 2 | chunk number; records: number in the stream; their answer: the number expected next |
//! | 46 | 2 | chunks of the table; records: bit 0 set if with this frame the stream tells everything that was there to tell, bit 1 if what it tells is doubtful |
//! | 48 | 2 | octets of this chunk |
//! | 50 | n | data |
//! | end | 32 | HMAC-SHA256 over all before it |
//!
//! The data of *staged* are the sender's weight slots by that configuration, four octets each. All little-endian but the
//! address. The frame may be padded behind the MAC: the length field rules.

use std::net::Ipv4Addr;

use super::BULK;
use super::auth::{self, MAC};
use super::records::{self, Operation};
use crate::config::Keys;
use crate::epoch::EpochId;
use crate::host::HostId;
use crate::wire::heartbeat::SLOTS;

/// The layout above.
pub const VERSION: u8 = 1;
/// Octets before the data.
pub const HEADER: usize = 50;
/// Most octets of data in a frame, so that it is no longer than a heartbeat.
pub const CHUNK: usize = 1400;

/// What a bulk frame says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// "If your incarnation is this, answer with the nonce."
    Challenge {
        /// The incarnation in question.
        incarnation: u64,
        /// To be answered.
        nonce: u64,
    },
    /// The answer: the sender's incarnation is alive now, and its sequence is at least this frame's.
    Answer {
        /// From the challenge.
        nonce: u64,
    },
    /// "Send me this chunk of this table."
    Request {
        /// Name of the epoch.
        epoch: EpochId,
        /// Digest of its table.
        digest: [u8; 8],
        /// Which chunk, from 0.
        chunk: u16,
    },
    /// A chunk of a table.
    Chunk {
        /// Name of the epoch.
        epoch: EpochId,
        /// Digest of its table.
        digest: [u8; 8],
        /// Which chunk, from 0.
        chunk: u16,
        /// How many there are.
        of: u16,
        /// Its octets, at most [`CHUNK`].
        data: Vec<u8>,
    },
    /// "These connections of mine are in buckets that are yours."
    Records {
        /// The epoch by which they are the addressee's.
        epoch: EpochId,
        /// Names the stream; rises.
        generation: u32,
        /// Number of this frame in it, from 0, wrapping.
        number: u16,
        /// With this frame the stream has told everything that was there to tell; what follows is news.
        complete: bool,
        /// Others have owned the sender's buckets while it was fenced: what it tells may have been answered elsewhere.
        doubtful: bool,
        /// At most [`records::MOST`].
        operations: Vec<Operation>,
    },
    /// "I have done what your records asked for."
    Listed {
        /// The incarnation that sent the records.
        incarnation: u64,
        /// Their stream.
        generation: u32,
        /// The frame expected next.
        next: u16,
        /// Those of the last frame that found no room, as additions.
        refused: Vec<Operation>,
    },
    /// "This configuration is staged here, and these are my weights by it."
    Staged {
        /// Its digest.
        digest: [u8; 8],
        /// Weight slots, the default rule last; at most [`SLOTS`].
        weights: Vec<u32>,
    },
    /// "I shall wait for you, from this heartbeat of yours on for as long as it said."
    Waits {
        /// The incarnation that is waited for.
        incarnation: u64,
        /// Sequence of the heartbeat.
        sequence: u32,
    },
}

/// A bulk frame.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bulk {
    /// Sender.
    pub from: HostId,
    /// Primary virtual IP.
    pub cluster_ip: Ipv4Addr,
    /// Sender's incarnation.
    pub incarnation: u64,
    /// Sender's sequence.
    pub sequence: u32,
    /// Addressee.
    pub to: HostId,
    /// What it says.
    pub message: Message,
}

/// Why a payload with our signature is no bulk frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// Ends before its fields do.
    Truncated,
    /// A version or kind we do not know, or hosts outside 1..=32.
    Unknown,
    /// For another cluster IP.
    OtherCluster,
    /// No key of ours opens it.
    Unauthenticated,
}

impl Bulk {
    /// The payload, sealed.
    pub fn emit(&self, keys: &Keys) -> Vec<u8> {
        let zero = [0; 8];
        let long = |word: u32| u64::from(word).to_le_bytes();
        let encoded = match &self.message {
            Message::Records { operations, .. } => records::encode(operations),
            Message::Listed { refused, .. } => records::encode(refused),
            Message::Staged { weights, .. } => weights.iter().flat_map(|weight| weight.to_le_bytes()).collect(),
            _ => Vec::new(),
        };
        let (kind, first, second, chunk, of, data): (u8, _, _, u16, u16, &[u8]) = match &self.message {
            Message::Challenge { incarnation, nonce } => (1, incarnation.to_le_bytes(), nonce.to_le_bytes(), 0, 0, &[]),
            Message::Answer { nonce } => (2, zero, nonce.to_le_bytes(), 0, 0, &[]),
            Message::Request { epoch, digest, chunk } => (3, epoch.to_bytes(), *digest, *chunk, 0, &[]),
            Message::Chunk { epoch, digest, chunk, of, data } => (4, epoch.to_bytes(), *digest, *chunk, *of, data),
            Message::Records { epoch, generation, number, complete, doubtful, .. } => {
                let flags = u16::from(*complete) | u16::from(*doubtful) << 1;
                (5, epoch.to_bytes(), long(*generation), *number, flags, &encoded)
            }
            Message::Listed { incarnation, generation, next, .. } => {
                (6, incarnation.to_le_bytes(), long(*generation), *next, 0, &encoded)
            }
            Message::Staged { digest, .. } => (7, *digest, zero, 0, 0, &encoded),
            Message::Waits { incarnation, sequence } => (8, incarnation.to_le_bytes(), long(*sequence), 0, 0, &[]),
        };
        let mut payload = Vec::with_capacity(HEADER + data.len() + MAC);
        payload.extend(BULK.to_le_bytes());
        payload.extend([VERSION, kind, keys.send, self.from.get()]);
        payload.extend(self.cluster_ip.octets());
        payload.extend(self.incarnation.to_le_bytes());
        payload.extend(self.sequence.to_le_bytes());
        payload.extend([self.to.get(), 0, 0, 0]);
        payload.extend(first);
        payload.extend(second);
        payload.extend(chunk.to_le_bytes());
        payload.extend(of.to_le_bytes());
        payload.extend((data.len() as u16).to_le_bytes());
        payload.extend(data);
        payload.extend([0; MAC]);
        let end = payload.len();
        auth::seal(keys, &mut payload, end - MAC..end);
        payload
    }

    /// Reads a payload that starts with our signature.
    pub fn read(payload: &[u8], keys: &Keys, cluster_ip: Ipv4Addr) -> Result<Bulk, Fault> {
        fn take<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
            octets[at..at + N].try_into().expect("the header is all there")
        }
        if payload.len() < HEADER + MAC {
            return Err(Fault::Truncated);
        }
        if payload[4] != VERSION {
            return Err(Fault::Unknown);
        }
        if Ipv4Addr::from(take::<4>(payload, 8)) != cluster_ip {
            return Err(Fault::OtherCluster);
        }
        let len = usize::from(u16::from_le_bytes(take(payload, 48)));
        let end = HEADER + len + MAC;
        if len > CHUNK {
            return Err(Fault::Unknown);
        }
        let payload = payload.get(..end).ok_or(Fault::Truncated)?;
        if !auth::opens(keys, payload[6], payload, end - MAC..end) {
            return Err(Fault::Unauthenticated);
        }
        let (first, second) = (take::<8>(payload, 28), take::<8>(payload, 36));
        let chunk = u16::from_le_bytes(take(payload, 44));
        let of = u16::from_le_bytes(take(payload, 46));
        let epoch = EpochId::from_bytes(first);
        let data = &payload[HEADER..HEADER + len];
        let generation = u64::from_le_bytes(second) as u32;
        let operations = || records::decode(data).ok_or(Fault::Unknown);
        let message = match payload[5] {
            1 => Message::Challenge { incarnation: u64::from_le_bytes(first), nonce: u64::from_le_bytes(second) },
            2 => Message::Answer { nonce: u64::from_le_bytes(second) },
            3 => Message::Request { epoch, digest: second, chunk },
            4 => Message::Chunk { epoch, digest: second, chunk, of, data: data.to_vec() },
            5 => Message::Records {
                epoch,
                generation,
                number: chunk,
                complete: of & 1 != 0,
                doubtful: of & 2 != 0,
                operations: operations()?,
            },
            6 => Message::Listed {
                incarnation: u64::from_le_bytes(first),
                generation,
                next: chunk,
                refused: operations()?,
            },
            7 => Message::Staged { digest: first, weights: weights(data).ok_or(Fault::Unknown)? },
            8 => Message::Waits { incarnation: u64::from_le_bytes(first), sequence: generation },
            _ => return Err(Fault::Unknown),
        };
        Ok(Bulk {
            from: HostId::new(payload[7]).ok_or(Fault::Unknown)?,
            cluster_ip,
            incarnation: u64::from_le_bytes(take(payload, 12)),
            sequence: u32::from_le_bytes(take(payload, 20)),
            to: HostId::new(payload[24]).ok_or(Fault::Unknown)?,
            message,
        })
    }
}

/// Weight slots, if that is what these octets are.
fn weights(data: &[u8]) -> Option<Vec<u32>> {
    let (words, rest) = data.as_chunks::<4>();
    (rest.is_empty() && words.len() <= SLOTS).then(|| words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}
