//! The configuration space of the function: a type 0 header with two BARs, and three capabilities.
//!
//! | at | what |
//! |---|---|
//! | 0x10 | BAR 0: the registers |
//! | 0x20 | BAR 4: MSI-X table and pending bits |
//! | 0x40 | power management, without events |
//! | 0x50 | MSI-X |
//! | 0x60 | PCI Express endpoint, with function-level reset |
//!
//! There is no extended space, so 256 bytes are all. Places and bits are those of the PCI Express base specification,
//! chapter 7.5.

use weir_spec::regs::PORT_SIZE;

use crate::msix;

/// Red Hat's vendor id, which keeps a range for experiments.
pub const VENDOR_ID: u16 = 0x1af4;
/// A device id in the range 1af4:10f0 to 1af4:10ff, which QEMU's list of PCI ids leaves to experiments without
/// registration. Hosts know the NIC by its identity registers, not by this.
pub const DEVICE_ID: u16 = 0x10f5;

/// Bytes of the space.
pub(crate) const SIZE: usize = 256;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const CLASS: usize = 0x08;
const BAR0: usize = 0x10;
const BAR4: usize = 0x20;
const SUBSYSTEM: usize = 0x2c;
const CAPABILITIES: usize = 0x34;
const INTERRUPT_LINE: usize = 0x3c;
const POWER: usize = 0x40;
const MSIX: usize = 0x50;
const EXPRESS: usize = 0x60;

const COMMAND_WRITABLE: u16 = MEMORY_ENABLE | BUS_MASTER;
/// Memory decoding is on.
const MEMORY_ENABLE: u16 = 1 << 1;
/// The function may write to memory: it has no DMA, but an interrupt is such a write.
const BUS_MASTER: u16 = 1 << 2;
/// There is a list of capabilities.
const STATUS_LIST: u16 = 1 << 4;
/// Network controller, Ethernet.
const ETHERNET: [u8; 4] = [0x00, 0x00, 0x00, 0x02];

/// Control and status of power management, from its capability on.
const POWER_CONTROL: usize = POWER + 4;
/// D0 to D3.
const POWER_STATE: u16 = 3;
/// Registers keep their values from D3 to D0.
const NO_SOFT_RESET: u16 = 1 << 3;

/// Message control of MSI-X.
const MSIX_CONTROL: usize = MSIX + 2;
const MSIX_ENABLE: u16 = 1 << 15;
const MSIX_MASK_ALL: u16 = 1 << 14;
/// The BAR of table and pending bits, in the low bits of their places.
const MSIX_BAR: u32 = 4;

/// Version 2 of the capability, an endpoint.
const EXPRESS_FLAGS: u16 = 2;
/// Role-based error reporting, which every device has; function-level reset.
const DEVICE_CAPABILITIES: u32 = 1 << 15 | 1 << 28;
const DEVICE_CONTROL: usize = EXPRESS + 8;
/// Relaxed ordering, no snoop, reads of up to 512 bytes: as the specification has them after reset.
const DEVICE_CONTROL_RESET: u16 = 1 << 4 | 1 << 11 | 2 << 12;
/// In device control: reset now. Reads zero.
const FUNCTION_LEVEL_RESET: u16 = 1 << 15;
/// What else a host may set there: error reporting, payload and read sizes, ordering.
const DEVICE_CONTROL_WRITABLE: u16 = 0x78ff | FUNCTION_LEVEL_RESET;
/// 8 GT/s, four lanes: in the link's capabilities, and in its status.
const LINK: u32 = 3 | 4 << 4;
const LINK_CAPABILITIES: usize = EXPRESS + 0x0c;
const LINK_STATUS: usize = EXPRESS + 0x12;

/// The bytes, and which of them hold what is written.
pub(crate) struct ConfigSpace {
    bytes: [u8; SIZE],
    writable: [u8; SIZE],
}

impl ConfigSpace {
    /// As after reset: nothing decoded, no interrupts.
    pub(crate) fn new() -> ConfigSpace {
        let mut space = ConfigSpace { bytes: [0; SIZE], writable: [0; SIZE] };
        let mut put = |at: usize, bytes: &[u8]| space.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &VENDOR_ID.to_le_bytes());
        put(2, &DEVICE_ID.to_le_bytes());
        put(STATUS, &STATUS_LIST.to_le_bytes());
        put(CLASS, &ETHERNET);
        put(SUBSYSTEM, &VENDOR_ID.to_le_bytes());
        put(SUBSYSTEM + 2, &DEVICE_ID.to_le_bytes());
        put(CAPABILITIES, &[POWER as u8]);
        // Each capability: its id, the place of the next one, the rest.
        put(POWER, &[0x01, MSIX as u8, 0x03, 0x00]);
        put(POWER_CONTROL, &NO_SOFT_RESET.to_le_bytes());
        put(MSIX, &[0x11, EXPRESS as u8, msix::VECTORS as u8 - 1, 0x00]);
        put(MSIX + 4, &(msix::TABLE | MSIX_BAR).to_le_bytes());
        put(MSIX + 8, &(msix::PENDING | MSIX_BAR).to_le_bytes());
        put(EXPRESS, &[0x10, 0x00]);
        put(EXPRESS + 2, &EXPRESS_FLAGS.to_le_bytes());
        put(EXPRESS + 4, &DEVICE_CAPABILITIES.to_le_bytes());
        put(DEVICE_CONTROL, &DEVICE_CONTROL_RESET.to_le_bytes());
        put(LINK_CAPABILITIES, &LINK.to_le_bytes());
        put(LINK_STATUS, &(LINK as u16).to_le_bytes());
        let mut allow = |at: usize, bytes: &[u8]| space.writable[at..at + bytes.len()].copy_from_slice(bytes);
        allow(COMMAND, &COMMAND_WRITABLE.to_le_bytes());
        // 32-bit memory BARs, not prefetchable: the low bits read zero, and so does the size when all ones are written.
        allow(BAR0, &(!(PORT_SIZE - 1)).to_le_bytes());
        allow(BAR4, &(!(msix::BAR_SIZE - 1)).to_le_bytes());
        allow(INTERRUPT_LINE, &[0xff]);
        allow(POWER_CONTROL, &POWER_STATE.to_le_bytes());
        allow(MSIX_CONTROL, &(MSIX_ENABLE | MSIX_MASK_ALL).to_le_bytes());
        allow(DEVICE_CONTROL, &DEVICE_CONTROL_WRITABLE.to_le_bytes());
        space
    }

    /// Fills `data` with the bytes from `offset` on; beyond the end there are zeros, as without extended space.
    pub(crate) fn read(&self, offset: u64, data: &mut [u8]) {
        let start = usize::try_from(offset).unwrap_or(SIZE).min(SIZE);
        let there = &self.bytes[start..SIZE.min(start.saturating_add(data.len()))];
        data[..there.len()].copy_from_slice(there);
        data[there.len()..].fill(0);
    }

    /// Takes the writable bits of `data` from `offset` on. True if the host asked for a function-level reset, which is
    /// then the caller's to do: this is the rest of what the write did.
    #[must_use]
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) -> bool {
        let start = usize::try_from(offset).unwrap_or(SIZE).min(SIZE);
        for (at, byte) in (start..SIZE).zip(data) {
            self.bytes[at] = self.bytes[at] & !self.writable[at] | byte & self.writable[at];
        }
        let control = self.half(DEVICE_CONTROL);
        self.put_half(DEVICE_CONTROL, control & !FUNCTION_LEVEL_RESET);
        control & FUNCTION_LEVEL_RESET != 0
    }

    /// The BARs answer; else a read gives all ones and a write is lost.
    pub(crate) fn memory_enabled(&self) -> bool {
        self.half(COMMAND) & MEMORY_ENABLE != 0 && self.half(POWER_CONTROL) & POWER_STATE == 0
    }

    /// MSI-X can send, being on and the function a bus master; and all its vectors are masked.
    pub(crate) fn msix_control(&self) -> (bool, bool) {
        let control = self.half(MSIX_CONTROL);
        let enabled = control & MSIX_ENABLE != 0 && self.half(COMMAND) & BUS_MASTER != 0;
        (enabled, control & MSIX_MASK_ALL != 0)
    }

    /// Switches MSI-X as a host would.
    pub(crate) fn set_msix(&mut self, enabled: bool) {
        let rest = self.half(MSIX_CONTROL) & !MSIX_ENABLE;
        self.put_half(MSIX_CONTROL, rest | if enabled { MSIX_ENABLE } else { 0 });
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn put_half(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(space: &ConfigSpace, at: u64) -> u32 {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn a_bar_tells_its_size_and_keeps_its_place() {
        let mut space = ConfigSpace::new();
        for (bar, size, kept) in [(BAR0, PORT_SIZE, 0xfe04_0000), (BAR4, msix::BAR_SIZE, 0xfe04_5000)] {
            assert!(!space.write(bar as u64, &[0xff; 4]));
            assert_eq!(!word(&space, bar as u64) + 1, size);
            assert!(!space.write(bar as u64, &0xfe04_5678u32.to_le_bytes()));
            assert_eq!(word(&space, bar as u64), kept);
        }
        for bar in [0x14, 0x18, 0x1c, 0x24, 0x30] {
            assert!(!space.write(bar, &[0xff; 4]));
            assert_eq!(word(&space, bar), 0, "there is nothing at {bar:#x}");
        }
    }

    #[test]
    fn the_capabilities_are_a_list_that_ends() {
        let space = ConfigSpace::new();
        assert_eq!(space.half(STATUS) & 1 << 4, 1 << 4);
        let (mut at, mut ids) = (space.bytes[CAPABILITIES] as usize, Vec::new());
        while at != 0 {
            assert!(ids.len() < 3 && at.is_multiple_of(4) && at >= 0x40, "{at:#x}");
            ids.push(space.bytes[at]);
            at = space.bytes[at + 1] as usize;
        }
        assert_eq!(ids, [0x01, 0x11, 0x10]);
    }

    #[test]
    fn a_function_level_reset_is_asked_for_by_one_bit_and_reads_zero() {
        let mut space = ConfigSpace::new();
        let control = DEVICE_CONTROL as u64;
        assert!(!space.write(control, &[0xff]), "the lower half of the register alone");
        assert!(space.write(control + 1, &[0x80]));
        assert!(space.write(control, &[0, 0x80, 0, 0]));
        assert_eq!(space.half(DEVICE_CONTROL), 0);
        assert!(!space.write(control, &[0, 0x7f]));
        assert_eq!(word(&ConfigSpace::new(), EXPRESS as u64 + 4) >> 28 & 1, 1);
    }

    #[test]
    fn msix_is_switched_by_the_host_and_by_vfio_alike() {
        let mut space = ConfigSpace::new();
        assert_eq!(space.msix_control(), (false, false));
        assert_eq!(space.half(MSIX_CONTROL), 3, "four vectors");
        assert!(!space.write(MSIX_CONTROL as u64, &[0xff, 0xff]));
        assert_eq!((space.msix_control(), space.half(MSIX_CONTROL)), ((false, true), 0xc003));
        assert!(!space.write(COMMAND as u64, &[4]));
        assert_eq!(space.msix_control(), (true, true));
        space.set_msix(false);
        assert_eq!(space.msix_control(), (false, true));
    }

    #[test]
    fn a_sleeping_function_answers_no_memory_access() {
        let mut space = ConfigSpace::new();
        assert!(!space.write(COMMAND as u64, &[2]));
        assert!(space.memory_enabled());
        assert!(!space.write(POWER_CONTROL as u64, &[3]));
        assert!(!space.memory_enabled());
        assert!(!space.write(POWER_CONTROL as u64, &[0]));
        assert!(space.memory_enabled());
        assert_eq!(space.half(POWER_CONTROL), NO_SOFT_RESET);
    }

    #[test]
    fn identity_is_read_only_in_any_size_at_any_place() {
        let mut space = ConfigSpace::new();
        let identity = |space: &ConfigSpace| [0, 8, 0x2c, 0x34, 0x40, 0x54, 0x58, 0x60, 0x64].map(|at| word(space, at));
        let before = identity(&space);
        for offset in 0..SIZE as u64 {
            let _asks_for_a_reset = space.write(offset, &[0xff; 3]);
        }
        assert_eq!(identity(&space), before);
        assert_eq!(before[0], u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID));
        assert_eq!(before[1] >> 16, 0x0200);
    }

    #[test]
    fn nothing_lies_beyond_the_end() {
        let mut space = ConfigSpace::new();
        for offset in [250, 256, 4092, u64::MAX - 1] {
            let mut data = [0xaa; 16];
            space.read(offset, &mut data);
            assert_eq!(data, [0; 16], "{offset}");
            assert!(!space.write(offset, &[0xff; 16]));
        }
        assert_eq!(word(&space, 252), 0);
    }
}
