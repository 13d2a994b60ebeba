//! The configuration space of a function, read by `pci_types` over whatever back-end reaches it.

use std::cell::RefCell;
use std::fmt;

use pci_types::capability::PciCapability;
use pci_types::{CommandRegister, ConfigRegionAccess, EndpointHeader, PciAddress, PciHeader};

/// Offset of the command register.
const COMMAND: u16 = 0x04;
/// Offset of the first base address register.
const BAR0: u16 = 0x10;
/// Its bits that are no address.
const BAR_FLAGS: u32 = 0xf;
/// Those that say what kind it is: in memory or not, and how wide.
const BAR_KIND: u32 = 0x7;
/// In memory, 32 bits wide.
const BAR_32: u32 = 0x0;
/// In memory, 64 bits wide, the upper half in the next register.
const BAR_64: u32 = 0x4;
/// More capabilities than 256 bytes can hold: a list that goes on is a ring.
const MOST_CAPABILITIES: usize = 48;
/// The device capabilities register, from the beginning of the PCI Express capability.
const DEVICE_CAPABILITIES: u16 = 0x04;
/// Function-level reset, in that register.
const FUNCTION_LEVEL_RESET: u32 = 1 << 28;

/// Configuration space, a word at a time.
pub(crate) trait ConfigSpace {
    /// Why an access failed.
    type Error;

    /// The word at `offset`, a multiple of 4 below 256.
    fn read(&mut self, offset: u16) -> Result<u32, Self::Error>;

    /// Writes it.
    fn write(&mut self, offset: u16, value: u32) -> Result<(), Self::Error>;
}

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

/// An endpoint as its configuration space describes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// What it is.
    pub identity: PciIdentity,
    /// Bytes that BAR 0 decodes; 0 without one in memory.
    pub bar0: u64,
    /// MSI-X vectors.
    pub vectors: u16,
    /// It can be reset alone.
    pub function_level_reset: bool,
}

/// Configuration space whose first failure is kept, since the trait has no room for one; later reads give all ones.
struct Access<'a, C: ConfigSpace> {
    space: RefCell<&'a mut C>,
    failure: RefCell<Option<C::Error>>,
}

impl<C: ConfigSpace> Access<'_, C> {
    fn attempt<T>(&self, other: T, act: impl FnOnce(&mut C) -> Result<T, C::Error>) -> T {
        let mut failure = self.failure.borrow_mut();
        if failure.is_some() {
            return other;
        }
        match act(&mut self.space.borrow_mut()) {
            Ok(value) => value,
            Err(error) => {
                *failure = Some(error);
                other
            }
        }
    }
}

impl<C: ConfigSpace> ConfigRegionAccess for Access<'_, C> {
    // Both are `unsafe` by the trait alone: no back-end has an address that could be wrong.
    unsafe fn read(&self, _: PciAddress, offset: u16) -> u32 {
        self.attempt(u32::MAX, |space| space.read(offset))
    }

    unsafe fn write(&self, _: PciAddress, offset: u16, value: u32) {
        self.attempt((), |space| space.write(offset, value));
    }
}

/// What the function is; `None` if it is no endpoint.
///
/// Leaves the BAR as it was and memory decoding on.
pub(crate) fn describe<C: ConfigSpace>(space: &mut C) -> Result<Option<Endpoint>, C::Error> {
    let access = Access { space: RefCell::new(space), failure: RefCell::new(None) };
    let found = endpoint(&access);
    match access.failure.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(found),
    }
}

/// Turns memory decoding on, which a reset turns off.
pub(crate) fn enable<C: ConfigSpace>(space: &mut C) -> Result<(), C::Error> {
    set(space, CommandRegister::MEMORY_ENABLE)
}

/// Makes the function a bus master, which a reset undoes: an MSI-X interrupt is a write to memory, and without this no
/// function may send one.
pub(crate) fn allow_interrupts<C: ConfigSpace>(space: &mut C) -> Result<(), C::Error> {
    set(space, CommandRegister::BUS_MASTER_ENABLE)
}

fn set<C: ConfigSpace>(space: &mut C, bits: CommandRegister) -> Result<(), C::Error> {
    // The upper half is the status register, whose bits are cleared by writing ones.
    let command = space.read(COMMAND)? & 0xffff;
    space.write(COMMAND, command | u32::from(bits.bits()))
}

fn endpoint<C: ConfigSpace>(access: &Access<'_, C>) -> Option<Endpoint> {
    let header = PciHeader::new(PciAddress::new(0, 0, 0, 0));
    let (vendor, device) = header.id(access);
    let (_, base, sub, _) = header.revision_and_class(access);
    let mut endpoint = EndpointHeader::from_header(header, access).filter(|_| vendor != u16::MAX)?;
    // Sizing a BAR moves it for a moment: nothing may be decoded meanwhile.
    endpoint.update_command(access, |command| command & !CommandRegister::MEMORY_ENABLE);
    let bar0 = size_of_bar0(access);
    endpoint.update_command(access, |command| command | CommandRegister::MEMORY_ENABLE);
    let (mut vectors, mut function_level_reset) = (0, false);
    for capability in endpoint.capabilities(access).take(MOST_CAPABILITIES) {
        match capability {
            PciCapability::MsiX(msix) => vectors = msix.table_size(),
            PciCapability::PciExpress(place) => {
                let word = access.attempt(0, |space| space.read(place.offset + DEVICE_CAPABILITIES));
                function_level_reset = word & FUNCTION_LEVEL_RESET != 0;
            }
            _ => {}
        }
    }
    Some(Endpoint { identity: PciIdentity { vendor, device, class: (base, sub) }, bar0, vectors, function_level_reset })
}

/// Bytes that BAR 0 decodes in memory, by writing ones and reading which of them stay; 0 if it is no such BAR.
///
/// Not by `pci_types`, which panics at a type that is reserved and at a BAR that decodes nothing.
fn size_of_bar0<C: ConfigSpace>(access: &Access<'_, C>) -> u64 {
    let read = |offset| access.attempt(u32::MAX, |space| space.read(offset));
    let write = |offset, value| access.attempt((), |space| space.write(offset, value));
    let low = read(BAR0);
    let wide = match low & BAR_KIND {
        BAR_32 => false,
        BAR_64 => true,
        _ => return 0,
    };
    let high = if wide { read(BAR0 + 4) } else { 0 };
    write(BAR0, u32::MAX);
    let mut decoded = u64::from(read(BAR0) & !BAR_FLAGS);
    write(BAR0, low);
    if wide {
        write(BAR0 + 4, u32::MAX);
        decoded |= u64::from(read(BAR0 + 4)) << 32;
        write(BAR0 + 4, high);
    }
    // The lowest bit that stays is the size; none stays where nothing is decoded.
    decoded & decoded.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 256 bytes of memory, of which the BAR decodes 256 KiB.
    struct Space([u32; 64]);

    impl ConfigSpace for Space {
        type Error = &'static str;

        fn read(&mut self, offset: u16) -> Result<u32, Self::Error> {
            self.0.get(usize::from(offset) / 4).copied().ok_or("beyond")
        }

        fn write(&mut self, offset: u16, value: u32) -> Result<(), Self::Error> {
            let word = self.0.get_mut(usize::from(offset) / 4).ok_or("beyond")?;
            *word = if offset == 0x10 { value & 0xfffc_0000 } else { value };
            Ok(())
        }
    }

    fn space() -> Space {
        let mut words = [0; 64];
        words[0] = 0x10f5_1af4;
        words[1] = 1 << 20;
        words[2] = 0x0200_0000;
        words[4] = 0xfe00_0000;
        words[13] = 0x40;
        // PCI Express with function-level reset at 0x40, MSI-X with four vectors at 0x50.
        words[16] = 0x0002_5010;
        words[17] = FUNCTION_LEVEL_RESET;
        words[20] = 0x0003_0011;
        Space(words)
    }

    #[test]
    fn size_vectors_and_reset_are_found_and_nothing_is_moved() {
        let mut space = space();
        let found = describe(&mut space).expect("it answers").expect("an endpoint");
        let identity = PciIdentity { vendor: 0x1af4, device: 0x10f5, class: (2, 0) };
        assert_eq!(found, Endpoint { identity, bar0: 0x4_0000, vectors: 4, function_level_reset: true });
        assert_eq!(space.0[4], 0xfe00_0000, "the BAR is where it was");
        assert_eq!(space.0[1] & 2, 2, "memory decoding is on");
    }

    #[test]
    fn a_bar_that_is_no_memory_or_decodes_nothing_has_no_size() {
        for (register, keeps, size) in [
            (0xfe00_0000, 0xfffc_0000_u64, 0x4_0000),
            (0xfe00_0008, 0xffff_f000, 0x1000),
            (0x0000_0004, 0xffff_ffff_fff0_0000, 0x10_0000),
            (0x0000_000c, 0xffff_ff00_0000_0000, 0x100_0000_0000),
            (0x0000_0004, 0, 0),
            (0x0000_0000, 0, 0),
            (0x0000_e001, 0xffff_ff00, 0),
            (0xfe00_0002, 0xfffc_0000, 0),
            (0xfe00_0006, 0xfffc_0000, 0),
        ] {
            let mut space = Sized { space: space(), flags: register & 0xf, keeps };
            space.space.0[4] = register;
            let found = describe(&mut space).expect("it answers").expect("an endpoint");
            assert_eq!(found.bar0, size, "{register:#x} keeping {keeps:#x}");
            assert_eq!(space.space.0[4], register, "it is where it was");
        }
    }

    /// A function whose BAR keeps these bits of what is written.
    struct Sized {
        space: Space,
        flags: u32,
        keeps: u64,
    }

    impl ConfigSpace for Sized {
        type Error = &'static str;

        fn read(&mut self, offset: u16) -> Result<u32, Self::Error> {
            self.space.read(offset)
        }

        fn write(&mut self, offset: u16, value: u32) -> Result<(), Self::Error> {
            match offset {
                BAR0 => self.space.0[4] = value & self.keeps as u32 & !0xf | self.flags,
                0x14 => self.space.0[5] = value & (self.keeps >> 32) as u32,
                _ => self.space.write(offset, value)?,
            }
            Ok(())
        }
    }

    #[test]
    fn capabilities_in_a_ring_end() {
        let mut space = space();
        space.0[20] = 0x0003_4011;
        assert_eq!(describe(&mut space).expect("it answers").expect("an endpoint").vectors, 4);
    }

    #[test]
    fn nothing_there_is_no_endpoint_and_a_failure_is_told() {
        assert_eq!(describe(&mut Space([u32::MAX; 64])), Ok(None));
        let mut space = space();
        // A capability at the very end whose registers lie beyond.
        space.0[13] = 0xfc;
        space.0[63] = 0x10;
        assert_eq!(describe(&mut space), Err("beyond"));
    }
}
