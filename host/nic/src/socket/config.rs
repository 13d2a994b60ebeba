//! The configuration space behind the socket, read by `pci_types`.

use std::cell::RefCell;
use std::fmt;

use pci_types::{Bar, CommandRegister, ConfigRegionAccess, EndpointHeader, PciAddress, PciHeader};

use super::client::{Client, SocketError};
use super::message::Region;

/// Offset of the command register.
const COMMAND: u32 = 0x04;

/// What a PCI function says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PciIdentity {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Base class and subclass; an Ethernet controller is 2, 0.
    pub class: (u8, u8),
}

impl fmt::Display for PciIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)
    }
}

/// Configuration space whose first failure is kept, since the trait has no room for one; later reads give all ones.
struct Access {
    client: RefCell<Client>,
    failure: RefCell<Option<SocketError>>,
}

impl Access {
    fn attempt<T>(&self, other: T, act: impl FnOnce(&mut Client) -> Result<T, SocketError>) -> T {
        let mut failure = self.failure.borrow_mut();
        if failure.is_some() {
            return other;
        }
        match act(&mut self.client.borrow_mut()) {
            Ok(value) => value,
            Err(error) => {
                *failure = Some(error);
                other
            }
        }
    }
}

impl ConfigRegionAccess for Access {
    // Both are `unsafe` by the trait alone: a socket has no address that could be wrong.
    unsafe fn read(&self, _: PciAddress, offset: u16) -> u32 {
        self.attempt(u32::MAX, |client| client.read32(Region::Config, offset.into()))
    }

    unsafe fn write(&self, _: PciAddress, offset: u16, value: u32) {
        self.attempt((), |client| client.post(Region::Config, offset.into(), &[value]));
    }
}

/// The function's identity and the size of its BAR 0 (0 without one in memory); `None` if it is no endpoint.
///
/// Leaves the BAR as it was and memory decoding on.
pub(super) fn identify(client: Client) -> Result<(Client, Option<(PciIdentity, u64)>), SocketError> {
    let access = Access { client: RefCell::new(client), failure: RefCell::new(None) };
    let found = endpoint(&access);
    match access.failure.into_inner() {
        Some(failure) => Err(failure),
        None => Ok((access.client.into_inner(), found)),
    }
}

/// Turns memory decoding on, which a reset turns off.
pub(super) fn enable(client: &mut Client) -> Result<(), SocketError> {
    let command = client.read32(Region::Config, COMMAND)?;
    client.post(Region::Config, COMMAND, &[command | u32::from(CommandRegister::MEMORY_ENABLE.bits())])
}

fn endpoint(access: &Access) -> Option<(PciIdentity, u64)> {
    let header = PciHeader::new(PciAddress::new(0, 0, 0, 0));
    let (vendor, device) = header.id(access);
    let (_, base, sub, _) = header.revision_and_class(access);
    let mut endpoint = EndpointHeader::from_header(header, access).filter(|_| vendor != u16::MAX)?;
    // Sizing a BAR moves it for a moment: nothing may be decoded meanwhile.
    endpoint.update_command(access, |command| command & !CommandRegister::MEMORY_ENABLE);
    let size = match endpoint.bar(0, access) {
        Some(Bar::Memory32 { size, .. }) => size.into(),
        Some(Bar::Memory64 { size, .. }) => size,
        Some(Bar::Io { .. }) | None => 0,
    };
    endpoint.update_command(access, |command| command | CommandRegister::MEMORY_ENABLE);
    Some((PciIdentity { vendor, device, class: (base, sub) }, size))
}
