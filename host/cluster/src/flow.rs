//! Live connections, as the caller's kernel knows them and as hosts tell each other.

use weir_spec::flow::{Connection, Entry};

/// A live TCP connection of a virtual IP on this host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// Index into [`Config::slots`](crate::Config::slots), or their number for the default rule.
    pub slot: u8,
    /// Its bucket by that rule, 0..4096.
    pub bucket: u16,
    /// Index of the virtual IP.
    pub vip: u8,
    /// Address and ports; an IPv4 address that a socket reports as mapped is IPv4.
    pub connection: Connection,
}

impl Flow {
    /// Which connection it is, whatever rules say of it.
    pub fn identity(&self) -> (u8, Connection) {
        (self.vip, self.connection)
    }

    /// Where it is by rule and bucket.
    pub(crate) fn place(&self) -> (u8, u16) {
        (self.slot, self.bucket)
    }
}

/// Another host's connection: all this host needs to know of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Record {
    /// Rule slot.
    pub slot: u8,
    /// Bucket, 0..4096.
    pub bucket: u16,
    /// Index of the virtual IP, 0..16.
    pub vip: u8,
    /// Signature by the flow key of the epoch it is listed for.
    pub signature: u64,
}

/// What the flow table of the NIC has to become.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Listing {
    /// Names the answer.
    pub id: u32,
    /// Remove everything first: what the table holds is not known.
    pub clear: bool,
    /// Entries to remove. One that is not there is no fault.
    pub remove: Vec<Entry>,
    /// Entries to add then. Those that find no room are named in the answer.
    pub add: Vec<Entry>,
}
