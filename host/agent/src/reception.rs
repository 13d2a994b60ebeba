//! That frames for the cluster reach the stack of this host: what the modes with a group MAC want of interface and kernel.
//!
//! In unicast mode the interface has the cluster MAC, and nothing is wanted. In the others the interface keeps its own:
//!
//! | what | by which |
//! |---|---|
//! | the interface lets frames for the group MAC through | a membership of a packet socket |
//! | in IGMP mode switches do, too | a membership of a UDP socket: the kernel reports it and answers queries |
//! | solicitations for IPv6 virtual IPs come | memberships in their solicited-node groups, likewise |
//! | TCP takes what came to a group MAC | a rule of nftables, see [`packet_type`] |
//!
//! All of it belongs to open sockets and goes with them, also when the agent is killed. The version of IGMP alone is a setting
//! of the interface, which is put back at an orderly end. In every mode the group MACs of the others are let through too, so
//! that hosts of different modes hear each other and can tell.

mod packet_type;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use tracing::{info, warn};
use weir_link::{LinkError, Membership, ndp};
use weir_spec::mac::Mac;

use crate::config::{ClusterMode, Config};
use crate::nic::told;

/// Why frames for the cluster would not reach this host.
#[derive(Debug, thiserror::Error)]
pub enum ReceptionError {
    /// The interface takes no further MAC.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The group cannot be joined.
    #[error("failed to join {group} on {interface}")]
    Join {
        /// The multicast group.
        group: Ipv4Addr,
        /// The interface.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The version of IGMP cannot be chosen.
    #[error("cluster.igmp_version: failed to write {}", path.display())]
    Version {
        /// The setting.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// What was asked of interface and kernel; it is taken back when this is dropped.
#[derive(Debug)]
pub(crate) struct Reception {
    sockets: Vec<OwnedFd>,
    version: Option<Version>,
}

impl Reception {
    /// Asks for all that the mode wants.
    pub(crate) fn open(config: &Config) -> Result<Reception, ReceptionError> {
        let interface = &config.host.interface;
        let primary = config.cluster.primary;
        let mut groups = vec![Mac::multicast(primary), Mac::igmp(primary)];
        let cluster = match config.cluster.mode {
            ClusterMode::Unicast => {
                let sockets = vec![Membership::join(interface, &groups)?.into()];
                return Ok(Reception { sockets, version: None });
            }
            ClusterMode::Multicast => groups[0],
            ClusterMode::Igmp => groups[1],
        };
        let solicited = solicited(config);
        groups.extend(solicited.iter().map(|group| ndp::group_mac(*group)));
        let mut sockets = vec![Membership::join(interface, &groups)?.into()];
        // Before the first report goes out.
        let version = config.cluster.igmp_version.map(|version| Version::force(interface, version)).transpose()?;
        if config.cluster.mode == ClusterMode::Igmp {
            sockets.push(join4(interface, group(primary))?.into());
        }
        for group in solicited {
            // Switches that do not snoop MLD flood it, and the interface lets it through anyway.
            match join6(interface, group) {
                Ok(socket) => sockets.push(socket.into()),
                Err(error) => warn!("failed to join {group} on {interface}, no MLD report is sent: {error}"),
            }
        }
        match packet_type::rule(interface, cluster) {
            Ok(socket) => sockets.push(socket),
            Err(error) => warn!(
                "TCP for the virtual IPs is dropped by this host's kernel, unless something else makes the packet type of \
                 frames to {cluster} `host` (`tc filter ... action skbedit ptype host` does): {}",
                told(&error)
            ),
        }
        complain(config);
        Ok(Reception { sockets, version })
    }

    /// The memberships alone, for a process that is to go on: were they ended in between, switches would stop sending.
    pub(crate) fn hand_on(self) -> Vec<OwnedFd> {
        let Reception { sockets, version } = self;
        drop(version);
        sockets
    }
}

/// The group of IGMP mode (KB 4494444): its MAC ends as the primary virtual IP does.
fn group(primary: Ipv4Addr) -> Ipv4Addr {
    let [_, _, y, z] = primary.octets();
    Ipv4Addr::new(239, 255, y, z)
}

/// The solicited-node groups of the IPv6 virtual IPs, each once.
fn solicited(config: &Config) -> Vec<std::net::Ipv6Addr> {
    let mut groups: Vec<_> = config
        .cluster
        .vips
        .iter()
        .filter_map(|vip| match vip {
            IpAddr::V6(address) => Some(ndp::solicited_node(*address)),
            IpAddr::V4(_) => None,
        })
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn join4(interface: &str, group: Ipv4Addr) -> Result<Socket, ReceptionError> {
    let join = || {
        let index = if_nametoindex(interface)?;
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(index))?;
        Ok(socket)
    };
    join().map_err(|source| ReceptionError::Join { group, interface: interface.into(), source })
}

fn join6(interface: &str, group: std::net::Ipv6Addr) -> io::Result<Socket> {
    let index = if_nametoindex(interface)?;
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    socket.join_multicast_v6(&group, index)?;
    Ok(socket)
}

/// A version of IGMP in place of the one that the kernel would choose.
#[derive(Debug)]
struct Version {
    path: PathBuf,
    before: String,
}

impl Version {
    fn force(interface: &str, version: u8) -> Result<Version, ReceptionError> {
        let path = setting(interface, "force_igmp_version");
        let write = || {
            let before = fs::read_to_string(&path)?;
            fs::write(&path, version.to_string())?;
            Ok(before)
        };
        match write() {
            Ok(before) => Ok(Version { path, before }),
            Err(source) => Err(ReceptionError::Version { path, source }),
        }
    }
}

impl Drop for Version {
    fn drop(&mut self) {
        // The interface may have gone, and its settings with it.
        if let Err(error) = fs::write(&self.path, &self.before) {
            info!("failed to write {}: {error}", self.path.display());
        }
    }
}

fn setting(interface: &str, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/sys/net/ipv4/conf/{interface}/{name}"))
}

/// Tells what would make this host's kernel speak of the virtual IPs with its own MAC: whoever believes that sends to this host
/// alone.
fn complain(config: &Config) {
    let interface = &config.host.interface;
    let vips = &config.cluster.vips;
    if let Ok(addresses) = getifaddrs() {
        for address in addresses.filter(|address| address.interface_name == *interface) {
            let ip = address.address.and_then(|address| {
                let four = address.as_sockaddr_in().map(|socket| IpAddr::V4(socket.ip()));
                four.or_else(|| address.as_sockaddr_in6().map(|socket| IpAddr::V6(socket.ip())))
            });
            if let Some(ip) = ip.filter(|ip| vips.contains(ip)) {
                warn!(
                    "{ip} is an address of {interface}, should be one of lo: this host answers for it with its own MAC"
                );
            }
        }
    }
    // The larger of both counts.
    let effective = |name: &str| {
        let read = |interface: &str| fs::read_to_string(setting(interface, name)).ok()?.trim().parse::<u8>().ok();
        read("all").max(read(interface))
    };
    for (name, least) in [("arp_ignore", 1), ("arp_announce", 2)] {
        if let Some(value) = effective(name).filter(|value| *value < least) {
            warn!(
                "net.ipv4.conf.{interface}.{name} is {value}, should be {least}: this host speaks of addresses of lo with \
                 its own MAC"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_group_has_the_mac_of_the_cluster() {
        let primary = Ipv4Addr::new(10, 99, 200, 100);
        let [_, b, c, d] = group(primary).octets();
        assert_eq!(group(primary), Ipv4Addr::new(239, 255, 200, 100));
        // RFC 1112, section 6.4: the low 23 bits of the group.
        assert_eq!(Mac::igmp(primary), Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d]));
    }

    #[test]
    fn each_solicited_node_group_is_joined_once() {
        let text = "[cluster]\nvips = [\"10.0.0.1\", \"2001:db8::1:2\", \"2001:db8::2:1:2\", \"2001:db8::3\"]\n\
                    key = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n\
                    [host]\npriority = 1\ninterface = \"eth0\"\nnic = \"sim\"\n";
        let config = Config::parse(Path::new("weir.toml"), text).expect("a good configuration");
        let groups: Vec<String> = solicited(&config).iter().map(ToString::to_string).collect();
        assert_eq!(groups, ["ff02::1:ff00:3", "ff02::1:ff01:2"]);
    }

    #[test]
    fn a_version_of_an_interface_that_is_not_there_is_an_error_with_its_place() {
        let error = Version::force("weir-nowhere", 2).expect_err("there is none");
        assert!(error.to_string().contains("/proc/sys/net/ipv4/conf/weir-nowhere/force_igmp_version"), "{error}");
    }
}
