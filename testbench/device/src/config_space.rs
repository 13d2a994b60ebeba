//! The configuration space of the function: a type 0 header with one BAR.

use weir_spec::regs::PORT_SIZE;

/// Red Hat's vendor id, which keeps a range for experiments.
pub const VENDOR_ID: u16 = 0x1af4;
/// A device id in the range 1af4:10f0 to 1af4:10ff, which QEMU's list of PCI ids leaves to experiments without
/// registration. Hosts know the NIC by its identity registers, not by this.
pub const DEVICE_ID: u16 = 0x10f5;

/// Bytes of the space.
pub(crate) const SIZE: usize = 256;

const COMMAND: usize = 0x04;
const CLASS: usize = 0x08;
const BAR0: usize = 0x10;
const SUBSYSTEM: usize = 0x2c;
const INTERRUPT_LINE: usize = 0x3c;

/// Memory decoding on, and bus master (which changes nothing: the function has no DMA).
const COMMAND_WRITABLE: u16 = MEMORY_ENABLE | 1 << 2;
const MEMORY_ENABLE: u16 = 1 << 1;
/// Network controller, Ethernet.
const ETHERNET: [u8; 4] = [0x00, 0x00, 0x00, 0x02];

/// The bytes, and which of them hold what is written.
pub(crate) struct ConfigSpace {
    bytes: [u8; SIZE],
    writable: [u8; SIZE],
}

impl ConfigSpace {
    /// As after reset: nothing decoded.
    pub(crate) fn new() -> ConfigSpace {
        let mut space = ConfigSpace { bytes: [0; SIZE], writable: [0; SIZE] };
        let mut put = |at: usize, bytes: &[u8]| space.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &VENDOR_ID.to_le_bytes());
        put(2, &DEVICE_ID.to_le_bytes());
        put(CLASS, &ETHERNET);
        put(SUBSYSTEM, &VENDOR_ID.to_le_bytes());
        put(SUBSYSTEM + 2, &DEVICE_ID.to_le_bytes());
        let mut allow = |at: usize, bytes: &[u8]| space.writable[at..at + bytes.len()].copy_from_slice(bytes);
        allow(COMMAND, &COMMAND_WRITABLE.to_le_bytes());
        // A 32-bit memory BAR, not prefetchable: the low bits read zero, and so does the size when all ones are written.
        allow(BAR0, &(!(PORT_SIZE - 1)).to_le_bytes());
        allow(INTERRUPT_LINE, &[0xff]);
        space
    }

    /// Fills `data` with the bytes from `offset` on; beyond the end there are zeros, as without extended space.
    pub(crate) fn read(&self, offset: u64, data: &mut [u8]) {
        let start = usize::try_from(offset).unwrap_or(SIZE).min(SIZE);
        let there = &self.bytes[start..SIZE.min(start.saturating_add(data.len()))];
        data[..there.len()].copy_from_slice(there);
        data[there.len()..].fill(0);
    }

    /// Takes the writable bits of `data` from `offset` on.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8]) {
        let start = usize::try_from(offset).unwrap_or(SIZE).min(SIZE);
        for (at, byte) in (start..SIZE).zip(data) {
            self.bytes[at] = self.bytes[at] & !self.writable[at] | byte & self.writable[at];
        }
    }

    /// BAR 0 answers; else a read gives all ones and a write is lost.
    pub(crate) fn memory_enabled(&self) -> bool {
        u16::from_le_bytes([self.bytes[COMMAND], self.bytes[COMMAND + 1]]) & MEMORY_ENABLE != 0
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
        space.write(BAR0 as u64, &[0xff; 4]);
        assert_eq!(!word(&space, BAR0 as u64) + 1, PORT_SIZE);
        space.write(BAR0 as u64, &0xfe04_5678u32.to_le_bytes());
        assert_eq!(word(&space, BAR0 as u64), 0xfe04_0000);
    }

    #[test]
    fn identity_is_read_only_in_any_size_at_any_place() {
        let mut space = ConfigSpace::new();
        let before = [word(&space, 0), word(&space, 8), word(&space, 0x2c)];
        for offset in 0..SIZE as u64 {
            if !(BAR0 as u64..BAR0 as u64 + 4).contains(&offset) {
                space.write(offset, &[0xff; 3]);
            }
        }
        assert_eq!([word(&space, 0), word(&space, 8), word(&space, 0x2c)], before);
        assert_eq!(before[0], u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID));
        assert_eq!(before[1] >> 16, 0x0200);
        assert!(space.memory_enabled());
    }

    #[test]
    fn nothing_lies_beyond_the_end() {
        let mut space = ConfigSpace::new();
        for offset in [250, 256, 4092, u64::MAX - 1] {
            let mut data = [0xaa; 16];
            space.read(offset, &mut data);
            assert_eq!(data, [0; 16], "{offset}");
            space.write(offset, &[0xff; 16]);
        }
        assert_eq!(word(&space, 252), 0);
    }
}
