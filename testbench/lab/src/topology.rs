//! Names and addresses of the lab, all derived from its name and a host's number.
//!
//! ```text
//!                 <name>-sw: br0, floods and learns
//!        p1 |            p2 |                       pc |
//!      wire | veth     wire | veth                eth0 | veth
//!   <name>-nic1       <name>-nic2       ...      <name>-cl: 40 client addresses
//!    weir device       weir device
//!      TAP  |            TAP  |
//!      eth0 |            eth0 |
//!    <name>-h1         <name>-h2        ...
//!    weir agent, http  weir agent, http
//! ```
//! The bridge learns on purpose: one frame that leaves with the cluster MAC as source would make it send all further
//! frames for the cluster to one port, as a real switch does, and the lab would show that.
//!
//! It does not snoop IGMP. A Linux bridge that does looks at the IP address of a packet and not at its MAC, and what is for
//! the virtual IP inside a group MAC reaches nobody then; switches that go by the MAC are not of that kind.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

use weir_spec::mac::Mac;

use crate::options::Mode;

/// The virtual IP of the cluster.
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 100);
/// A second virtual IP, in the modes with a group MAC: there the agents themselves answer who has it.
pub const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 0, 0x100);
/// The client's IPv6 address, in these modes.
pub const CLIENT6: Ipv6Addr = Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 1, 1);
/// All IPv6 addresses of the lab share a /64.
pub const PREFIX6: u8 = 64;
/// Where the hosts serve HTTP.
pub const SERVICE: SocketAddrV4 = SocketAddrV4::new(VIP, 80);
/// All addresses of the lab share a /16.
pub const PREFIX: u8 = 16;
/// How many addresses the client namespace has.
pub const CLIENTS: u8 = 40;
/// MAC of the client's interface.
pub const CLIENT_MAC: [u8; 6] = [0x02, 0x00, 0x00, 0x00, 0x00, 0xfe];
/// A lab has at most so many hosts, as a cluster has.
pub const MAX_HOSTS: u8 = 32;

/// MAC that frames for the cluster go to in unicast mode; nobody may ever send from it.
pub fn cluster_mac() -> Mac {
    Mac::cluster(VIP)
}

/// MAC that frames for the cluster go to.
pub fn cluster_mac_in(mode: Mode) -> Mac {
    match mode {
        Mode::Unicast => cluster_mac(),
        Mode::Multicast => Mac::multicast(VIP),
        Mode::Igmp => Mac::igmp(VIP),
    }
}

/// MAC of the interface of `host`, in the modes in which it has one of its own.
pub fn own_mac(host: u8) -> Mac {
    Mac([0x02, 0, 0, 0, 1, host])
}

/// Dedicated address of host `host`, 1..=32.
pub fn dip(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 2, host)
}

/// Client address `index`, 0..40.
pub fn client(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 1, index + 1)
}

/// IPv6 address of `host`, in the modes with a group MAC.
pub fn dip6(host: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd99, 0, 0, 0, 0, 0, 2, u16::from(host))
}

/// Which host a frame from `mac` comes from: the priority in a masked source address, or the number in one of its own.
pub fn host_of(mac: Mac) -> Option<u8> {
    (1..=MAX_HOSTS).find(|&host| mac == Mac::masked(host, VIP) || mac == own_mac(host))
}

/// Namespace of the switch.
pub fn switch(lab: &str) -> String {
    format!("{lab}-sw")
}

/// Namespace of the clients.
pub fn clients(lab: &str) -> String {
    format!("{lab}-cl")
}

/// Namespace of the simulated NIC of `host`.
pub fn nic(lab: &str, host: u8) -> String {
    format!("{lab}-nic{host}")
}

/// Namespace of `host` itself.
pub fn host(lab: &str, host: u8) -> String {
    format!("{lab}-h{host}")
}

/// Port of the switch that `host` is plugged into.
pub fn port(host: u8) -> String {
    format!("p{host}")
}

/// The TAP's name until it is moved into the host and called eth0 there.
pub fn tap(host: u8) -> String {
    format!("tap{host}")
}

/// Whether `namespace` is one that a lab of this name makes.
pub fn belongs(lab: &str, namespace: &str) -> bool {
    let Some(rest) = namespace.strip_prefix(lab).and_then(|rest| rest.strip_prefix('-')) else { return false };
    let numbered = |prefix: &str| {
        rest.strip_prefix(prefix)
            .is_some_and(|digits| (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    rest == "sw" || rest == "cl" || numbered("nic") || numbered("h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_source_tells_the_host() {
        assert_eq!(host_of(Mac::masked(7, VIP)), Some(7));
        assert_eq!(host_of(own_mac(32)), Some(32));
        for mode in [Mode::Unicast, Mode::Multicast, Mode::Igmp] {
            assert_eq!(host_of(cluster_mac_in(mode)), None);
        }
        assert_eq!(host_of(Mac(CLIENT_MAC)), None);
    }

    #[test]
    fn only_namespaces_of_this_lab_belong_to_it() {
        for name in [switch("a"), clients("a"), nic("a", 3), host("a", 32)] {
            assert!(belongs("a", &name), "{name}");
        }
        for name in ["a", "a-", "a-h", "a-hx", "a-b-h1", "ab-h1", "a-h123", "a-swx"] {
            assert!(!belongs("a", name), "{name}");
        }
    }
}
