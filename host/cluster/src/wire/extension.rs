//! What Weir adds to a heartbeat, in the 132 octets that are reserved at its end.
//!
//! | off | size | field |
//! |---|---|---|
//! | 0 | 2 | magic |
//! | 2 | 1 | version |
//! | 3 | 1 | key id |
//! | 4 | 8 | incarnation: random, new at every start |
//! | 12 | 4 | sequence: rises with every frame of an incarnation |
//! | 16 | 1 | beat, 1..=255: what peers echo |
//! | 17 | 1 | phase |
//! | 18 | 1 | lease flags: 0 fenced, 1 owns nothing, 2 quorum mode, 3 holds, 4 quiesces, 5 crowded, 6 returned, 7 asks |
//! | 19 | 1 | cause |
//! | 20 | 4 | view: the hosts heard, and the sender |
//! | 24 | 8 | committed epoch |
//! | 32 | 8 | proposed epoch: the one loaded, else zero |
//! | 40 | 8 | digest of the proposed table if one is loaded, else of the committed |
//! | 48 | 8 | digest of the configuration |
//! | 56 | 32 | echo: for each host the last beat heard from it, 0 for no promise |
//! | 88 | 2 | absence: for so many seconds the sender will be absent, or was and its NIC's lease is not an ordinary one yet; else zero |
//! | 90 | 4 | members: the view of the committed epoch |
//! | 94 | 6 | first octets of the digest of the configuration that is staged, zero if none is |
//! | 100 | 32 | HMAC-SHA256 over the whole payload |
//!
//! All little-endian.

use std::ops::Range;

use super::auth::{self, MAC};
use super::heartbeat::{LEN, field};
use crate::config::Keys;
use crate::epoch::EpochId;
use crate::host::HostSet;
use crate::staged::Announced;

/// Octets of the extension.
pub const SIZE: usize = field::EXTENSION.end - field::EXTENSION.start;
/// Marks our extension; a Windows heartbeat has zeros there.
pub const MAGIC: [u8; 2] = *b"We";
/// The layout above.
pub const VERSION: u8 = 1;
/// Lease flag: the NIC accepts nothing.
pub const FENCED: u8 = 1;
/// Lease flag: the NIC has confirmed to own nothing, and no proposal is loaded that could change it.
pub const OWNS_NOTHING: u8 = 2;
/// Lease flag: quorum mode.
pub const QUORUM: u8 = 4;
/// Lease flag: the NIC holds buckets that the committed epoch gives to others, for want of room in a flow table.
pub const HOLDS: u8 = 8;
/// Lease flag: what answers SYN cookies is waited for before anything is released.
pub const QUIESCES: u8 = 16;
/// Lease flag: the flow table has no room for what it lists by two flow keys.
pub const CROWDED: u8 = 32;
/// Lease flag: the absence that is announced is over, and the NIC's lease will be an ordinary one.
pub const RETURNED: u8 = 64;
/// Lease flag: whoever echoes the sender is asked to do so at once.
pub const ASKS: u8 = 128;

const KEY_ID: usize = field::EXTENSION.start + 3;
const MAC_FIELD: Range<usize> = LEN - MAC..LEN;

/// The fields of the extension but magic, version, key id and MAC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Extension {
    /// Random, new at every start.
    pub incarnation: u64,
    /// Rises with every frame of an incarnation.
    pub sequence: u32,
    /// What peers echo, 1..=255.
    pub beat: u8,
    /// A [`PhaseKind`](crate::phase::PhaseKind).
    pub phase: u8,
    /// Lease flags.
    pub lease: u8,
    /// A [`Cause`](crate::action::Cause).
    pub cause: u8,
    /// The hosts heard, and the sender.
    pub heard: HostSet,
    /// The epoch the NIC runs.
    pub committed: EpochId,
    /// The epoch that is loaded.
    pub proposed: EpochId,
    /// Of the proposed table if one is loaded, else of the committed.
    pub table_digest: [u8; 8],
    /// Of the configuration.
    pub config_digest: [u8; 8],
    /// Last beat heard from each host; 0 promises nothing.
    pub echo: [u8; 32],
    /// For so many seconds the sender will be absent, or was; else zero.
    pub absence: u16,
    /// The view of the committed epoch.
    pub members: HostSet,
    /// Names the configuration that is staged.
    pub staged: Announced,
}

/// What the reserved octets of a heartbeat are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Read {
    /// Ours, and authentic.
    Authentic(Extension),
    /// Ours, but no key of ours opens it.
    Unauthenticated,
    /// Ours, of a version we do not know.
    UnknownVersion,
    /// Not ours.
    Foreign,
}

/// Which key a payload says that it is signed by.
pub(crate) fn key_id(payload: &[u8; LEN]) -> u8 {
    payload[KEY_ID]
}

/// Reads the extension of a whole payload.
pub fn read(payload: &[u8; LEN], keys: &Keys) -> Read {
    let octets = &payload[field::EXTENSION];
    if octets[..2] != MAGIC {
        return Read::Foreign;
    }
    if octets[2] != VERSION {
        return Read::UnknownVersion;
    }
    if !auth::opens(keys, payload[KEY_ID], payload, MAC_FIELD) {
        return Read::Unauthenticated;
    }
    Read::Authentic(parse(octets))
}

fn parse(octets: &[u8]) -> Extension {
    fn take<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
        octets[at..at + N].try_into().expect("the caller gave all 132 octets")
    }
    Extension {
        incarnation: u64::from_le_bytes(take(octets, 4)),
        sequence: u32::from_le_bytes(take(octets, 12)),
        beat: octets[16],
        phase: octets[17],
        lease: octets[18],
        cause: octets[19],
        heard: HostSet(u32::from_le_bytes(take(octets, 20))),
        committed: EpochId::from_bytes(take(octets, 24)),
        proposed: EpochId::from_bytes(take(octets, 32)),
        table_digest: take(octets, 40),
        config_digest: take(octets, 48),
        echo: take(octets, 56),
        absence: u16::from_le_bytes(take(octets, 88)),
        members: HostSet(u32::from_le_bytes(take(octets, 90))),
        staged: take(octets, 94),
    }
}

impl Extension {
    /// Writes the extension into a payload whose other fields are done, and seals it.
    pub fn emit(&self, payload: &mut [u8; LEN], keys: &Keys) {
        let octets = &mut payload[field::EXTENSION];
        let mut put = |at: usize, value: &[u8]| octets[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(2, &[VERSION, keys.send]);
        put(4, &self.incarnation.to_le_bytes());
        put(12, &self.sequence.to_le_bytes());
        put(16, &[self.beat, self.phase, self.lease, self.cause]);
        put(20, &self.heard.0.to_le_bytes());
        put(24, &self.committed.to_bytes());
        put(32, &self.proposed.to_bytes());
        put(40, &self.table_digest);
        put(48, &self.config_digest);
        put(56, &self.echo);
        put(88, &self.absence.to_le_bytes());
        put(90, &self.members.0.to_le_bytes());
        put(94, &self.staged);
        auth::seal(keys, payload, MAC_FIELD);
    }
}
