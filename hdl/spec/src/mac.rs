//! MAC addresses of a cluster, derived from its primary virtual IP.
//!
//! Frames for the cluster go to one address that no host ever sends from, so that every switch floods them. What a host
//! sends carries its own masked address instead (KB 193602 and the NLB technical reference give the schemes).

use std::fmt;
use std::net::Ipv4Addr;

/// A 48-bit Ethernet address, first octet on the wire first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Destination of unicast-mode heartbeats.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// The unicast cluster MAC `02-bf-w-x-y-z` of the primary virtual IP `w.x.y.z`.
    pub fn cluster(primary: Ipv4Addr) -> Mac {
        Mac::with_prefix([0x02, 0xbf], primary)
    }

    /// The masked source `02-<priority>-w-x-y-z` of one host; `priority` is 1..=32.
    pub fn masked(priority: u8, primary: Ipv4Addr) -> Mac {
        Mac::with_prefix([0x02, priority], primary)
    }

    /// The multicast cluster MAC `03-bf-w-x-y-z`.
    pub fn multicast(primary: Ipv4Addr) -> Mac {
        Mac::with_prefix([0x03, 0xbf], primary)
    }

    /// The cluster MAC in IGMP multicast mode, `01-00-5e-7f-y-z` (group 239.255.y.z, KB 4494444).
    pub fn igmp(primary: Ipv4Addr) -> Mac {
        let [_, _, y, z] = primary.octets();
        Mac([0x01, 0x00, 0x5e, 0x7f, y, z])
    }

    fn with_prefix(prefix: [u8; 2], primary: Ipv4Addr) -> Mac {
        let [w, x, y, z] = primary.octets();
        Mac([prefix[0], prefix[1], w, x, y, z])
    }

    /// Octets 0..4 with octet 0 in bits 7:0: the low register of a MAC pair.
    pub fn low_word(self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// Octets 4 and 5, octet 4 in bits 7:0: bits 15:0 of the high register of a MAC pair.
    pub fn high_word(self) -> u32 {
        u32::from_le_bytes([self.0[4], self.0[5], 0, 0])
    }

    /// The inverse of [`low_word`](Mac::low_word) and [`high_word`](Mac::high_word); bits 31:16 of `high` are ignored.
    pub fn from_words(low: u32, high: u32) -> Mac {
        let (l, h) = (low.to_le_bytes(), high.to_le_bytes());
        Mac([l[0], l[1], l[2], l[3], h[0], h[1]])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}-{b:02x}-{c:02x}-{d:02x}-{e:02x}-{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_hold() {
        assert_eq!(Mac::cluster(Ipv4Addr::new(10, 165, 2, 19)).to_string(), "02-bf-0a-a5-02-13"); // KB 812870
        let vip = Ipv4Addr::new(192, 168, 100, 80);
        assert_eq!(Mac::masked(2, vip).to_string(), "02-02-c0-a8-64-50"); // seen in a public capture
        assert_eq!(Mac::igmp(vip).to_string(), "01-00-5e-7f-64-50");
        assert_eq!(Mac::multicast(vip).to_string(), "03-bf-c0-a8-64-50");
    }

    #[test]
    fn words_round_trip() {
        let mac = Mac([1, 2, 3, 4, 5, 6]);
        assert_eq!(Mac::from_words(mac.low_word(), mac.high_word() | 0x8000_0000), mac);
    }
}
