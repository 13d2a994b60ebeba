//! Filters in the kernel: every host receives everything, hashes it, and drops what is another's.
//!
//! Neither decides who owns what, so the figures are of what an operator's script does: it changes the filters of the
//! giving and of the taking host, one after the other.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use weir_lab::client::{Tuple, Tuples};
use weir_lab::namespace::Namespace;
use weir_lab::topology::VIP;
use weir_lab::traffic::{Held, HeldConnections};

use crate::stage::fresh;
use crate::{PeerError, Stage, run};

/// Hosts, and shares: each has one, unless it has that of another as well.
const HOSTS: u8 = 4;
/// Connections that are held.
pub const HELD: usize = 200;
/// Between two requests on one.
const PAUSE: Duration = Duration::from_millis(200);
/// After a change: whatever is not answered by then is broken.
const SETTLE: Duration = Duration::from_secs(4);

/// The kernel's own filters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// iptables with `-m cluster`: a hash of the source address, and conntrack. Strict: no connection is picked up midway.
    XtCluster,
    /// nft with `jhash` of source address and port into sixty buckets, without conntrack.
    Nft,
}

/// What became of the connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Toll {
    /// Connections that broke or fell silent.
    pub broken: usize,
    /// Those of them whose host was there all along.
    pub of_survivors: usize,
    /// Fresh connections afterwards that were not answered, of a hundred.
    pub refused: usize,
}

/// A planned change: host 1 serves the share of host 4 as well, and gives it back to host 4, which is there.
pub fn hand_back(filter: Filter) -> Result<Toll, PeerError> {
    let mut stage = Stage::build("weir-filter", HOSTS, true)?;
    for host in 1..=HOSTS {
        let shares: &[u8] = match host {
            1 => &[1, 4],
            4 => &[],
            _ => &[host],
        };
        filter.set(&stage, host, shares)?;
    }
    toll(
        &mut stage,
        |stage| &stage.clients,
        &[],
        |stage| {
            filter.set(stage, 1, &[1])?;
            filter.set(stage, 4, &[4])
        },
    )
}

/// Host 4 loses its power, and host 1 is given its share.
pub fn crash(filter: Filter) -> Result<Toll, PeerError> {
    let mut stage = Stage::build("weir-filter", HOSTS, true)?;
    for host in 1..=HOSTS {
        filter.set(&stage, host, &[host])?;
    }
    toll(
        &mut stage,
        |stage| &stage.clients,
        &[4],
        |stage| {
            stage.unplug(4)?;
            filter.set(stage, 1, &[1, 4])
        },
    )
}

/// What `change` costs the connections of clients, and those of them whose hosts are not `lost`.
pub(crate) fn toll<S>(
    stage: &mut S,
    clients: impl Fn(&S) -> &Namespace,
    lost: &[u8],
    change: impl FnOnce(&mut S) -> Result<(), PeerError>,
) -> Result<Toll, PeerError> {
    let tuples: Vec<Tuple> = Tuples::new(20).take(HELD).collect();
    let held = HeldConnections::open(clients(stage), &tuples, PAUSE)?;
    std::thread::sleep(Duration::from_secs(1));
    change(stage)?;
    let changed = Instant::now();
    std::thread::sleep(SETTLE);
    let broken = |held: &&Held| held.end.is_some() || held.last < changed;
    let look = held.look();
    Ok(Toll {
        broken: look.iter().filter(broken).count(),
        of_survivors: look.iter().filter(broken).filter(|held| !lost.contains(&held.host)).count(),
        refused: 100 - fresh(clients(stage), 100, 21)?,
    })
}

impl Filter {
    /// Lets `host` accept these shares, 1 to 4, and no others.
    fn set(self, stage: &Stage, host: u8, shares: &[u8]) -> Result<(), PeerError> {
        let namespace = &stage.host(host).namespace;
        match self {
            Filter::XtCluster => {
                let strict = || fs::write("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "0");
                namespace.enter(strict)?.map_err(PeerError::io("make conntrack strict"))?;
                let mask = shares.iter().fold(0, |mask, share| mask | 1 << (share - 1));
                // A host without a share drops everything; the match takes no empty mask.
                let mark = match mask {
                    0 => String::new(),
                    _ => format!(
                        "-A PREROUTING -i eth0 -d {VIP} -m cluster --cluster-total-nodes {HOSTS} --cluster-local-nodemask {mask} \
                         --cluster-hash-seed 0xdeadbeef -j MARK --set-mark 0xffff\n"
                    ),
                };
                // All at once: without its rules for a moment, a host would answer everybody.
                let text = format!(
                    "*mangle\n:PREROUTING ACCEPT\n{mark}-A PREROUTING -i eth0 -d {VIP} -m mark ! --mark 0xffff -j DROP\nCOMMIT\n"
                );
                run(namespace, Command::new("iptables-legacy-restore"), &text)
            }
            Filter::Nft => {
                let own: Vec<String> =
                    (0..60u8).filter(|bucket| shares.contains(&(bucket % HOSTS + 1))).map(|b| b.to_string()).collect();
                let accept = match own.is_empty() {
                    true => String::new(),
                    false => format!(
                        "ip daddr {VIP} tcp dport 80 jhash ip saddr . tcp sport mod 60 seed 0x5eed {{ {} }} accept\n",
                        own.join(", ")
                    ),
                };
                let text = format!(
                    "table ip weir\ndelete table ip weir\ntable ip weir {{\n chain in {{\n  type filter hook prerouting priority raw\n  \
                     {accept}  ip daddr {VIP} tcp dport 80 drop\n }}\n}}\n"
                );
                let mut command = Command::new("nft");
                command.args(["-f", "-"]);
                run(namespace, command, &text)
            }
        }
    }
}
