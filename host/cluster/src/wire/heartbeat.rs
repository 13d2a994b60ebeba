//! The membership heartbeat: 1496 octets of payload in a frame of 1510.
//!
//! The layout is the one the public dissectors know (Wireshark `packet-msnlb.c`, tcpdump `print-msnlb.c`), checked against
//! the two frames of tcpdump's `tests/msnlb.pcap`, so that anybody's Wireshark reads our cluster. Multi-octet fields are
//! little-endian but for the two addresses. What lies beyond octet 82 was never published in a capture; there the names are
//! the dissector's and the meaning is ours:
//!
//! - *Convergence state*: 1 when steady (as captured), 0 while converging.
//! - *Maps*: 64 bits a rule. Each bit stands for a slice of 64 of our 4096 buckets, bit 0 for buckets 0 to 63. Current map:
//!   slices of which this host owns any bucket now. New map: the same for the proposal under way, else as current. What
//!   drains is told connection by connection, so the idle and the ready map are zero.
//! - *Load weights*: see [`codes`](super::codes).
//! - the reserved 132 octets at the end: see [`extension`](super::extension).

use std::net::Ipv4Addr;
use std::ops::Range;

use super::MEMBERSHIP;

/// Octets of the payload.
pub const LEN: usize = 1496;
/// Octets of the header all signatures share, which is all a receiver needs to tell whose frame it is.
pub const COMMON: usize = 20;
/// Rule slots: 32 port rules and the default rule.
pub const SLOTS: usize = 33;
/// The version we send: 2.6, as in the capture.
pub const VERSION: u32 = 0x0206;
/// Convergence state of a steady host.
pub const STEADY: u16 = 1;

/// Where the fields lie.
pub mod field {
    use super::{LEN, Range, SLOTS};

    /// Signature.
    pub const SIGNATURE: Range<usize> = 0..4;
    /// Version, major in bits 15:8.
    pub const VERSION: Range<usize> = 4..8;
    /// Host priority.
    pub const HOST: Range<usize> = 8..12;
    /// Primary virtual IP, network order.
    pub const CLUSTER_IP: Range<usize> = 12..16;
    /// Dedicated IP, network order.
    pub const HOST_IP: Range<usize> = 16..20;
    /// Priority less one.
    pub const MY_HOST: Range<usize> = 20..22;
    /// Default host's priority less one.
    pub const DEFAULT_HOST: Range<usize> = 22..24;
    /// Convergence state.
    pub const STATE: Range<usize> = 24..26;
    /// Number of rules, the default rule included.
    pub const RULES: Range<usize> = 26..28;
    /// Unique host code.
    pub const UNIQUE_CODE: Range<usize> = 28..32;
    /// Packets handled.
    pub const PACKETS: Range<usize> = 32..36;
    /// Teaming configuration.
    pub const TEAMING: Range<usize> = 36..40;
    /// Rule codes.
    pub const CODES: Range<usize> = 44..44 + 4 * SLOTS;
    /// Buckets owned now.
    pub const CURRENT: Range<usize> = CODES.end..CODES.end + 8 * SLOTS;
    /// Buckets owned after convergence.
    pub const NEW: Range<usize> = CURRENT.end..CURRENT.end + 8 * SLOTS;
    /// Buckets without live connections.
    pub const IDLE: Range<usize> = NEW.end..NEW.end + 8 * SLOTS;
    /// Buckets that may be taken.
    pub const READY: Range<usize> = IDLE.end..IDLE.end + 8 * SLOTS;
    /// Load weights.
    pub const WEIGHTS: Range<usize> = READY.end..READY.end + 4 * SLOTS;
    /// Reserved: our extension.
    pub const EXTENSION: Range<usize> = WEIGHTS.end..LEN;
}

/// One of the four arrays of 64-bit maps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MapKind {
    /// Owned now.
    Current,
    /// Owned after convergence.
    New,
    /// Without live connections.
    Idle,
    /// May be taken.
    Ready,
}

impl MapKind {
    fn field(self) -> Range<usize> {
        match self {
            MapKind::Current => field::CURRENT,
            MapKind::New => field::NEW,
            MapKind::Idle => field::IDLE,
            MapKind::Ready => field::READY,
        }
    }
}

/// A view of a heartbeat, or of as much of one as a capture kept.
///
/// The header of 20 octets is there; every getter beyond it gives `None` where the octets end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Heartbeat<'a>(&'a [u8]);

impl<'a> Heartbeat<'a> {
    /// A view of a payload; `None` if it is no membership heartbeat or ends inside the header. Octets beyond
    /// [`LEN`] are Ethernet padding and left out.
    pub fn new(payload: &'a [u8]) -> Option<Heartbeat<'a>> {
        let whole = &payload[..payload.len().min(LEN)];
        (whole.len() >= COMMON && super::signature(whole) == Some(MEMBERSHIP)).then_some(Heartbeat(whole))
    }

    /// The octets that are there.
    pub fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// Whether all [`LEN`] octets are there.
    pub fn is_whole(&self) -> bool {
        self.0.len() == LEN
    }

    fn u16(&self, at: Range<usize>) -> Option<u16> {
        Some(u16::from_le_bytes(self.0.get(at)?.try_into().ok()?))
    }

    fn u32(&self, at: Range<usize>) -> Option<u32> {
        Some(u32::from_le_bytes(self.0.get(at)?.try_into().ok()?))
    }

    fn header(&self, at: Range<usize>) -> [u8; 4] {
        self.0[at].try_into().expect("new() saw the whole header")
    }

    /// Version, `0x0206` for 2.6.
    pub fn version(&self) -> u32 {
        u32::from_le_bytes(self.header(field::VERSION))
    }

    /// Host priority, 1..=32 if the sender is sound.
    pub fn host(&self) -> u32 {
        u32::from_le_bytes(self.header(field::HOST))
    }

    /// Primary virtual IP.
    pub fn cluster_ip(&self) -> Ipv4Addr {
        self.header(field::CLUSTER_IP).into()
    }

    /// Dedicated IP.
    pub fn host_ip(&self) -> Ipv4Addr {
        self.header(field::HOST_IP).into()
    }

    /// Priority less one.
    pub fn my_host(&self) -> Option<u16> {
        self.u16(field::MY_HOST)
    }

    /// Priority of the default host less one.
    pub fn default_host(&self) -> Option<u16> {
        self.u16(field::DEFAULT_HOST)
    }

    /// Convergence state.
    pub fn state(&self) -> Option<u16> {
        self.u16(field::STATE)
    }

    /// Number of rules, the default rule included.
    pub fn rules(&self) -> Option<u16> {
        self.u16(field::RULES)
    }

    /// Unique host code.
    pub fn unique_code(&self) -> Option<u32> {
        self.u32(field::UNIQUE_CODE)
    }

    /// Packets handled.
    pub fn packets(&self) -> Option<u32> {
        self.u32(field::PACKETS)
    }

    /// Teaming configuration.
    pub fn teaming(&self) -> Option<u32> {
        self.u32(field::TEAMING)
    }

    /// Code of the rule in `slot`, 0..33.
    pub fn code(&self, slot: usize) -> Option<u32> {
        self.slot(field::CODES, slot)
    }

    /// Weight slot of the rule in `slot`, 0..33.
    pub fn weight(&self, slot: usize) -> Option<u32> {
        self.slot(field::WEIGHTS, slot)
    }

    fn slot(&self, array: Range<usize>, slot: usize) -> Option<u32> {
        if slot >= SLOTS {
            return None;
        }
        let at = array.start + 4 * slot;
        self.u32(at..at + 4)
    }

    /// A map of the rule in `slot`, 0..33.
    pub fn map(&self, kind: MapKind, slot: usize) -> Option<u64> {
        if slot >= SLOTS {
            return None;
        }
        let at = kind.field().start + 8 * slot;
        Some(u64::from_le_bytes(self.0.get(at..at + 8)?.try_into().ok()?))
    }

    /// The reserved octets, if all are there.
    pub fn extension(&self) -> Option<&'a [u8; field::EXTENSION.end - field::EXTENSION.start]> {
        self.0.get(field::EXTENSION)?.try_into().ok()
    }
}

/// A heartbeat to be sent: all fields but the extension.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fields {
    /// Version, [`VERSION`].
    pub version: u32,
    /// Host priority.
    pub host: u32,
    /// Primary virtual IP.
    pub cluster_ip: Ipv4Addr,
    /// Dedicated IP.
    pub host_ip: Ipv4Addr,
    /// Priority less one.
    pub my_host: u16,
    /// Default host's priority less one.
    pub default_host: u16,
    /// Convergence state.
    pub state: u16,
    /// Number of rules, the default rule included.
    pub rules: u16,
    /// Unique host code.
    pub unique_code: u32,
    /// Packets handled.
    pub packets: u32,
    /// Teaming configuration.
    pub teaming: u32,
    /// Rule codes.
    pub codes: [u32; SLOTS],
    /// Current, new, idle and ready maps.
    pub maps: [[u64; SLOTS]; 4],
    /// Weight slots.
    pub weights: [u32; SLOTS],
}

impl Fields {
    /// Writes every octet of `payload` but the extension's.
    pub fn emit(&self, payload: &mut [u8; LEN]) {
        let mut put = |at: Range<usize>, octets: &[u8]| payload[at].copy_from_slice(octets);
        put(field::SIGNATURE, &MEMBERSHIP.to_le_bytes());
        put(field::VERSION, &self.version.to_le_bytes());
        put(field::HOST, &self.host.to_le_bytes());
        put(field::CLUSTER_IP, &self.cluster_ip.octets());
        put(field::HOST_IP, &self.host_ip.octets());
        put(field::MY_HOST, &self.my_host.to_le_bytes());
        put(field::DEFAULT_HOST, &self.default_host.to_le_bytes());
        put(field::STATE, &self.state.to_le_bytes());
        put(field::RULES, &self.rules.to_le_bytes());
        put(field::UNIQUE_CODE, &self.unique_code.to_le_bytes());
        put(field::PACKETS, &self.packets.to_le_bytes());
        put(field::TEAMING, &self.teaming.to_le_bytes());
        put(field::TEAMING.end..field::CODES.start, &[0; 4]);
        for slot in 0..SLOTS {
            let word = |array: Range<usize>| array.start + 4 * slot..array.start + 4 * slot + 4;
            put(word(field::CODES), &self.codes[slot].to_le_bytes());
            put(word(field::WEIGHTS), &self.weights[slot].to_le_bytes());
            for (map, kind) in self.maps.iter().zip([MapKind::Current, MapKind::New, MapKind::Idle, MapKind::Ready]) {
                let at = kind.field().start + 8 * slot;
                put(at..at + 8, &map[slot].to_le_bytes());
            }
        }
    }

    /// The fields of a heartbeat that is all there.
    pub fn of(view: &Heartbeat<'_>) -> Option<Fields> {
        let mut codes = [0; SLOTS];
        let mut weights = [0; SLOTS];
        let mut maps = [[0; SLOTS]; 4];
        for slot in 0..SLOTS {
            codes[slot] = view.code(slot)?;
            weights[slot] = view.weight(slot)?;
            for (map, kind) in maps.iter_mut().zip([MapKind::Current, MapKind::New, MapKind::Idle, MapKind::Ready]) {
                map[slot] = view.map(kind, slot)?;
            }
        }
        Some(Fields {
            version: view.version(),
            host: view.host(),
            cluster_ip: view.cluster_ip(),
            host_ip: view.host_ip(),
            my_host: view.my_host()?,
            default_host: view.default_host()?,
            state: view.state()?,
            rules: view.rules()?,
            unique_code: view.unique_code()?,
            packets: view.packets()?,
            teaming: view.teaming()?,
            codes,
            maps,
            weights,
        })
    }
}
