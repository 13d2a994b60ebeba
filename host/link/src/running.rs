//! Whether an interface can carry anything.

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};

/// The index of the interface, if it is there, up and has a carrier.
pub fn running(name: &str) -> Option<u32> {
    let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let mut all = getifaddrs().ok()?;
    all.any(|address| address.interface_name == name && address.flags.contains(wanted)).then_some(())?;
    if_nametoindex(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_runs_and_what_is_no_interface_does_not() {
        assert!(running("lo").is_some());
        assert_eq!(running("weir-nowhere"), None);
        assert_eq!(running("not a name"), None);
    }
}
