//! What one process leaves to the next of the same host, so that an agent is replaced as if it had only paused.
//!
//! A restarted agent is a new incarnation: it has forgotten what it promised, so it owns nothing and listens for a tolerance.
//! One that was handed this has forgotten nothing. It goes on as the same incarnation with the same promises, leases and lists,
//! and if it comes too late, its NIC is fenced as that of any host that stood still.
//!
//! Little-endian, lists behind their length. No part of the wire: a process reads what the one before it wrote a moment ago,
//! or starts anew if it cannot.

use crate::flow::{Flow, Record};
use crate::host::HostId;

/// Octets of values, one after the other.
pub(crate) trait Octets: Sized {
    fn put(&self, to: &mut Vec<u8>);
    /// Takes the value off the front; `None` if it is not there.
    fn take(from: &mut &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Octets for $number {
            fn put(&self, to: &mut Vec<u8>) {
                to.extend(self.to_le_bytes());
            }
            fn take(from: &mut &[u8]) -> Option<$number> {
                let (octets, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(<$number>::from_le_bytes(*octets))
            }
        }
    )*};
}

macro_rules! fields {
    ($name:ident { $($field:ident),* }) => {
        impl Octets for $name {
            fn put(&self, to: &mut Vec<u8>) {
                $(self.$field.put(to);)*
            }
            fn take(from: &mut &[u8]) -> Option<$name> {
                Some($name { $($field: Octets::take(from)?),* })
            }
        }
    };
}

numbers!(u8, u16, u32, u64);

impl Octets for bool {
    fn put(&self, to: &mut Vec<u8>) {
        u8::from(*self).put(to);
    }
    fn take(from: &mut &[u8]) -> Option<bool> {
        Some(u8::take(from)? != 0)
    }
}

impl<const N: usize> Octets for [u8; N] {
    fn put(&self, to: &mut Vec<u8>) {
        to.extend(self);
    }
    fn take(from: &mut &[u8]) -> Option<[u8; N]> {
        let (octets, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*octets)
    }
}

impl<T: Octets> Octets for Option<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        self.iter().for_each(|value| value.put(to));
    }
    fn take(from: &mut &[u8]) -> Option<Option<T>> {
        Some(if bool::take(from)? { Some(T::take(from)?) } else { None })
    }
}

impl<T: Octets> Octets for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        (self.len() as u32).put(to);
        self.iter().for_each(|value| value.put(to));
    }
    fn take(from: &mut &[u8]) -> Option<Vec<T>> {
        let length = u32::take(from)?;
        (0..length).map(|_| T::take(from)).collect()
    }
}

impl<A: Octets, B: Octets> Octets for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }
    fn take(from: &mut &[u8]) -> Option<(A, B)> {
        Some((A::take(from)?, B::take(from)?))
    }
}

impl Octets for HostId {
    fn put(&self, to: &mut Vec<u8>) {
        self.get().put(to);
    }
    fn take(from: &mut &[u8]) -> Option<HostId> {
        HostId::new(u8::take(from)?)
    }
}

impl Octets for Flow {
    fn put(&self, to: &mut Vec<u8>) {
        let weir_spec::flow::Connection { source, source_port, destination_port } = self.connection;
        to.extend([self.slot, self.vip]);
        [self.bucket, source_port, destination_port].iter().for_each(|word| word.put(to));
        source.put(to);
    }
    fn take(from: &mut &[u8]) -> Option<Flow> {
        let [slot, vip] = Octets::take(from)?;
        let (bucket, source_port) = Octets::take(from)?;
        let (destination_port, source) = Octets::take(from)?;
        let connection = weir_spec::flow::Connection { source, source_port, destination_port };
        Some(Flow { slot, bucket, vip, connection })
    }
}

fields!(Record { slot, bucket, vip, signature });

/// What is known of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SavedPeer {
    pub(crate) host: HostId,
    pub(crate) incarnation: u64,
    pub(crate) sequence: u32,
    pub(crate) bulk_sequence: u32,
    pub(crate) heard: u64,
    pub(crate) beat: u8,
    pub(crate) echoed: Option<u64>,
    pub(crate) unique_code: u32,
    pub(crate) ip: Option<[u8; 4]>,
    /// It was told of connections here.
    pub(crate) told: bool,
    /// Generation and next frame of its stream.
    pub(crate) stream: Option<(u32, u16)>,
    pub(crate) records: Vec<Record>,
}

fields!(SavedPeer {
    host,
    incarnation,
    sequence,
    bulk_sequence,
    heard,
    beat,
    echoed,
    unique_code,
    ip,
    told,
    stream,
    records
});

/// What was promised, be it to a member or not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SavedPromise {
    pub(crate) host: HostId,
    pub(crate) incarnation: u64,
    /// When the beat that was last echoed to it was heard.
    pub(crate) heard: u64,
    pub(crate) unique_code: u32,
    pub(crate) ip: Option<[u8; 4]>,
    /// If it is waited for: when it announced its absence, the sequence of that heartbeat, and until when.
    pub(crate) wait: Option<(u64, (u32, u64))>,
}

fields!(SavedPromise { host, incarnation, heard, unique_code, ip, wait });

/// A host that serves calmly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Saved {
    pub(crate) version: u8,
    pub(crate) host: HostId,
    pub(crate) config_digest: [u8; 8],
    /// The flow key its NIC runs with.
    pub(crate) flow_key: [u8; 40],
    /// Ids of its heartbeat keys, with the names of what is made of them.
    pub(crate) keys: Vec<(u8, [u8; 8])>,
    pub(crate) unique_code: u32,
    pub(crate) incarnation: u64,
    pub(crate) sequence: u32,
    pub(crate) entropy: [u8; 32],
    pub(crate) drawn: u64,
    pub(crate) highest: u32,
    pub(crate) serial: u8,
    pub(crate) generation: u32,
    pub(crate) draining: bool,
    /// Weight slots as they were configured, and as they are.
    pub(crate) configured: Vec<u32>,
    pub(crate) weights: Vec<u32>,
    /// The epoch in force, as it travels.
    pub(crate) epoch: Vec<u8>,
    pub(crate) until: u64,
    /// The absence that was announced: its seconds, and the deadline given to the NIC for it.
    pub(crate) absence: Option<(u16, u64)>,
    pub(crate) beats: Vec<(u8, u64)>,
    pub(crate) advanced: u64,
    pub(crate) awake_since: u64,
    pub(crate) saved_at: u64,
    /// The same moment by the NIC's clock.
    pub(crate) saved_at_nic: u64,
    pub(crate) pins: Vec<Flow>,
    pub(crate) peers: Vec<SavedPeer>,
    pub(crate) promises: Vec<SavedPromise>,
}

fields!(Saved {
    version,
    host,
    config_digest,
    flow_key,
    keys,
    unique_code,
    incarnation,
    sequence,
    entropy,
    drawn,
    highest,
    serial,
    generation,
    draining,
    configured,
    weights,
    epoch,
    until,
    absence,
    beats,
    advanced,
    awake_since,
    saved_at,
    saved_at_nic,
    pins,
    peers,
    promises
});

/// Another layout has another number.
pub(crate) const VERSION: u8 = 5;

impl Saved {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.put(&mut octets);
        octets
    }

    /// What was encoded, and nothing else.
    pub(crate) fn decode(octets: &[u8]) -> Option<Saved> {
        let mut rest = octets;
        if rest.first() != Some(&VERSION) {
            return None;
        }
        Saved::take(&mut rest).filter(|_| rest.is_empty())
    }
}
