//! Which interfaces carry a default route: taking one of them away may cut the administrator off.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use super::{Kernel, ScanError};

/// RTF_UP of the kernel's route.h.
const UP: u32 = 1;
/// RTF_REJECT: the kernel keeps such a default route for IPv6 on `lo`.
const REJECT: u32 = 0x200;

impl Kernel {
    /// Names of the interfaces that a default route of either family goes out by.
    pub fn default_interfaces(&self) -> Result<BTreeSet<String>, ScanError> {
        let read = |name: &str| {
            let path = self.proc.join("net").join(name);
            match fs::read_to_string(&path) {
                // A kernel without that family.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
                read => read.map_err(|source| ScanError::Read { path, source }),
            }
        };
        let (v4, v6) = (read("route")?, read("ipv6_route")?);
        Ok(v4
            .lines()
            .skip(1)
            .filter_map(v4_default)
            .chain(v6.lines().filter_map(v6_default))
            .map(str::to_owned)
            .collect())
    }
}

fn up(flags: &str) -> bool {
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & UP != 0 && flags & REJECT == 0)
}

/// The interface of a line of `/proc/net/route`: interface, destination, gateway, flags, three counts, mask.
fn v4_default(line: &str) -> Option<&str> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        [interface, "00000000", _, flags, _, _, _, "00000000", ..] if up(flags) => Some(interface),
        _ => None,
    }
}

/// The interface of a line of `/proc/net/ipv6_route`: destination, its length, source, its length, next hop, metric, two
/// counts, flags, interface.
fn v6_default(line: &str) -> Option<&str> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        [_, "00", _, _, _, _, _, _, flags, interface] if up(flags) => Some(interface),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Machine;

    #[test]
    fn default_routes_that_are_up_count_and_no_others() {
        let machine = Machine::new();
        assert_eq!(machine.kernel().default_interfaces().expect("no tables").len(), 0);
        let zeros = "00000000000000000000000000000000";
        machine.routes(
            "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
             eth2\t00000000\t0101A8C0\t0002\t0\t0\t100\t00000000\t0\t0\t0\n",
            &format!(
                "{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth3\n\
                 {zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200       lo\n\
                 fe800000000000000000000000000000 40 {zeros} 00 {zeros} 00000100 00000001 00000000 00000001     eth1\n"
            ),
        );
        let found = machine.kernel().default_interfaces().expect("tables");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["eth0", "eth3"]);
    }
}
