//! Links and addresses, by netlink: what `ip link` and `ip address` would do, without needing them installed.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd};

use nix::net::if_::if_nametoindex;
use rtnetlink::packet_route::link::{BridgeStpState, InfoData, InfoVeth};
use rtnetlink::{Handle, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, new_connection};
use weir_spec::mac::Mac;

use crate::namespace::{Namespace, NamespaceError};
use crate::sys;

/// Why a link is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// The namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// Netlink could not be spoken.
    #[error("failed to open netlink")]
    Open {
        /// What the kernel said.
        source: io::Error,
    },
    /// There is no such interface there.
    #[error("failed to find interface {link}")]
    Missing {
        /// Its name.
        link: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused.
    #[error("failed to {step} {link}")]
    Refused {
        /// What was asked.
        step: &'static str,
        /// Of which interface.
        link: String,
        /// What the kernel said.
        source: rtnetlink::Error,
    },
    /// A setting of the kernel could not be made.
    #[error("failed to set {what} of {link}")]
    Setting {
        /// What it is about.
        what: &'static str,
        /// Of which interface.
        link: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Offloads could not be turned off.
    #[error("failed to turn off {offload} of {link}")]
    Offload {
        /// Which.
        offload: &'static str,
        /// Of which interface.
        link: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Makes the flooding bridge `br0` in `switch`: no spanning tree, no snooping.
pub fn make_bridge(switch: &Namespace) -> Result<(), LinksError> {
    add_bridge(switch, LinkBridge::new("br0"))
}

/// The same that forgets at once where a MAC was seen: a hub.
pub fn make_hub(switch: &Namespace) -> Result<(), LinksError> {
    add_bridge(switch, LinkBridge::new("br0").ageing_time(0))
}

fn add_bridge(switch: &Namespace, bridge: LinkMessageBuilder<LinkBridge>) -> Result<(), LinksError> {
    on(switch, async |netlink| {
        let bridge = bridge.stp_state(BridgeStpState::Disabled).mcast_snooping(false).up();
        refused("make bridge", "br0", netlink.link().add(bridge.build()).execute().await)
    })
}

/// Connects `switch` and `peer` by a veth pair: `port` on the bridge, up, and `end` in `peer`, down.
pub fn plug(switch: &Namespace, port: &str, peer: &Namespace, end: &str) -> Result<(), LinksError> {
    on(switch, async |netlink| {
        let other = LinkUnspec::new_with_name(end).setns_by_fd(peer.as_fd().as_raw_fd()).build();
        let pair = LinkVeth::new(port, end)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(other)))
            .controller(index("br0")?)
            .up()
            .build();
        refused("make veth pair", port, netlink.link().add(pair).execute().await)
    })
}

/// Makes `link` a port of the bridge of its namespace, and brings it up.
pub fn join_bridge(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let port = LinkUnspec::new_with_index(index(link)?).controller(index("br0")?).up().build();
        refused("join to the bridge", link, netlink.link().set(port).execute().await)
    })
}

/// Brings `link` up.
pub fn set_up(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let up = LinkUnspec::new_with_index(index(link)?).up().build();
        refused("bring up", link, netlink.link().set(up).execute().await)
    })
}

/// Makes `link` a bare wire: up, promiscuous, no ARP; whatever arrives is for a packet socket alone.
pub fn set_wire(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let wire = LinkUnspec::new_with_index(index(link)?).arp(false).promiscuous(true).up().build();
        refused("bring up", link, netlink.link().set(wire).execute().await)
    })
}

/// Takes `link` down: its peer loses the carrier.
pub fn set_down(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let down = LinkUnspec::new_with_index(index(link)?).down().build();
        refused("take down", link, netlink.link().set(down).execute().await)
    })
}

/// Moves `link` from one namespace into another under a new name.
pub fn hand_over(from: &Namespace, link: &str, to: &Namespace, name: &str) -> Result<(), LinksError> {
    on(from, async |netlink| {
        let moved = LinkUnspec::new_with_index(index(link)?).setns_by_fd(to.as_fd().as_raw_fd()).name(name).build();
        refused("move", link, netlink.link().set(moved).execute().await)
    })
}

/// Gives `link` a MAC and addresses, and brings it and `lo` up.
pub fn configure(namespace: &Namespace, link: &str, mac: Mac, addresses: &[(Ipv4Addr, u8)]) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let number = index(link)?;
        let up = LinkUnspec::new_with_index(number).address(mac.0.to_vec()).up().build();
        refused("configure", link, netlink.link().set(up).execute().await)?;
        for (address, prefix) in addresses {
            let added = netlink.address().add(number, IpAddr::V4(*address), *prefix).execute().await;
            refused("give an address to", link, added)?;
        }
        let lo = LinkUnspec::new_with_index(index("lo")?).up().build();
        refused("bring up", "lo", netlink.link().set(lo).execute().await)
    })
}

/// Gives `link` further addresses.
pub fn add_addresses(namespace: &Namespace, link: &str, addresses: &[(IpAddr, u8)]) -> Result<(), LinksError> {
    on(namespace, async |netlink| {
        let number = index(link)?;
        for (address, prefix) in addresses {
            let added = netlink.address().add(number, *address, *prefix).execute().await;
            refused("give an address to", link, added)?;
        }
        Ok(())
    })
}

/// Lets `link` speak IPv6, with a link-local address, without which a kernel cannot ask for neighbours on behalf of an address
/// of `lo`, and those that it is given: no autoconfiguration, no test for duplicates.
pub fn enable_ipv6(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    let settings = [
        ("autoconf", "0"),
        ("accept_ra", "0"),
        ("accept_dad", "0"),
        ("router_solicitations", "0"),
        ("disable_ipv6", "0"),
    ];
    let settings = settings.map(|(name, value)| (format!("ipv6/conf/{link}/{name}"), value));
    set(namespace, link, "IPv6", &settings.each_ref().map(|(name, value)| (name.as_str(), *value)))
}

/// Keeps `link` from answering for addresses of other interfaces, and from speaking of them.
pub fn keep_to_its_own(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    let settings = [("arp_ignore", "1"), ("arp_announce", "2")];
    let settings = settings.map(|(name, value)| (format!("ipv4/conf/{link}/{name}"), value));
    set(namespace, link, "ARP", &settings.each_ref().map(|(name, value)| (name.as_str(), *value)))
}

fn set(namespace: &Namespace, link: &str, what: &'static str, settings: &[(&str, &str)]) -> Result<(), LinksError> {
    namespace.enter(|| {
        crate::namespace::set(settings).map_err(|source| LinksError::Setting { what, link: link.to_string(), source })
    })?
}

/// Turns off what leaves checksums and segments unfinished: a simulated NIC passes on whole frames, as they come.
pub fn finish_frames_in_software(namespace: &Namespace, link: &str) -> Result<(), LinksError> {
    namespace.enter(|| {
        sys::disable_offloads(link).map_err(|(offload, source)| LinksError::Offload {
            offload,
            link: link.to_string(),
            source,
        })
    })?
}

/// Whether `link` is in `namespace`.
pub fn exists(namespace: &Namespace, link: &str) -> Result<bool, LinksError> {
    Ok(namespace.enter(|| if_nametoindex(link).is_ok())?)
}

/// Runs `ask` with a netlink connection of `namespace`.
fn on(namespace: &Namespace, ask: impl AsyncFnOnce(Handle) -> Result<(), LinksError> + Send) -> Result<(), LinksError> {
    namespace.enter(|| {
        let open = |source| LinksError::Open { source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(open)?;
        runtime.block_on(async {
            let (connection, handle, _) = new_connection().map_err(open)?;
            tokio::spawn(connection);
            ask(handle).await
        })
    })?
}

fn index(link: &str) -> Result<u32, LinksError> {
    if_nametoindex(link).map_err(|errno| LinksError::Missing { link: link.to_string(), source: errno.into() })
}

fn refused(step: &'static str, link: &str, done: Result<(), rtnetlink::Error>) -> Result<(), LinksError> {
    done.map_err(|source| LinksError::Refused { step, link: link.to_string(), source })
}
