//! The bytes of the vfio-user messages that this driver sends and understands (specification version 0.9.1).

/// What is asked of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub(super) enum Command {
    Version = 1,
    DeviceInfo = 4,
    RegionInfo = 5,
    IrqInfo = 7,
    SetIrqs = 8,
    RegionRead = 9,
    RegionWrite = 10,
    Reset = 13,
}

/// The regions this driver touches, numbered as in VFIO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Region {
    Bar0 = 0,
    Config = 7,
}

/// Bytes of a header.
pub(super) const HEADER: usize = 16;
/// Bytes of a region access, the header and the data not counted.
pub(super) const ACCESS: usize = 16;
/// Bytes of a device info, the header not counted.
pub(super) const DEVICE_INFO: usize = 16;
/// Bytes of a region info, the header not counted.
pub(super) const REGION_INFO: usize = 32;
/// Bytes of an interrupt info, the header not counted.
pub(super) const IRQ_INFO: usize = 16;
/// Bytes of a request about interrupts, the header not counted.
pub(super) const SET_IRQS: usize = 20;
/// The longest reply that is read.
pub(super) const LONGEST: usize = 4096;
/// Major version of the protocol.
pub(super) const MAJOR: u16 = 0;

const MINOR: u16 = 1;
const FLAG_REPLY: u32 = 1;
const FLAG_NO_REPLY: u32 = 1 << 4;
const FLAG_ERROR: u32 = 1 << 5;
const TYPE: u32 = 0xf;
/// What this side can take: no descriptors beyond one, transfers of any size the protocol has by default.
const CAPABILITIES: &[u8] = b"{\"capabilities\":{\"max_msg_fds\":1,\"max_data_xfer_size\":1048576}}\0";
/// Device info: it is a PCI function.
pub(super) const INFO_PCI: u32 = 1 << 1;
/// MSI-X among the kinds of interrupt, numbered as in VFIO.
const MSIX: u32 = 2;
/// Trigger, with no data.
const SET_NONE: u32 = 1 << 0 | 1 << 5;
/// Trigger, with event files beside the message.
const SET_EVENTFD: u32 = 1 << 2 | 1 << 5;

/// The header of a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) command: u16,
    pub(super) size: u32,
    flags: u32,
    pub(super) errno: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Header {
        Header {
            id: u16_at(bytes, 0),
            command: u16_at(bytes, 2),
            size: u32_at(bytes, 4),
            flags: u32_at(bytes, 8),
            errno: u32_at(bytes, 12),
        }
    }

    pub(super) fn is_reply(&self) -> bool {
        self.flags & TYPE == FLAG_REPLY
    }

    pub(super) fn is_error(&self) -> bool {
        self.flags & FLAG_ERROR != 0
    }
}

/// Appends a message that is answered.
pub(super) fn push(out: &mut Vec<u8>, id: u16, command: Command, body: &[&[u8]]) {
    push_flagged(out, id, command, 0, body);
}

fn push_flagged(out: &mut Vec<u8>, id: u16, command: Command, flags: u32, body: &[&[u8]]) {
    let size = HEADER + body.iter().map(|part| part.len()).sum::<usize>();
    out.extend(id.to_le_bytes());
    out.extend((command as u16).to_le_bytes());
    out.extend((size as u32).to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend([0; 4]);
    out.extend(body.iter().copied().flatten());
}

/// Appends the greeting.
pub(super) fn push_version(out: &mut Vec<u8>, id: u16) {
    push(out, id, Command::Version, &[&MAJOR.to_le_bytes(), &MINOR.to_le_bytes(), CAPABILITIES]);
}

/// Appends a write of one word that is not answered.
pub(super) fn push_posted(out: &mut Vec<u8>, id: u16, region: Region, offset: u32, word: u32) {
    let body: [&[u8]; 2] = [&access(region, offset), &word.to_le_bytes()];
    push_flagged(out, id, Command::RegionWrite, FLAG_NO_REPLY, &body);
}

/// The body of an access to one word.
pub(super) fn access(region: Region, offset: u32) -> [u8; ACCESS] {
    let mut body = [0; ACCESS];
    body[..8].copy_from_slice(&u64::from(offset).to_le_bytes());
    body[8..12].copy_from_slice(&(region as u32).to_le_bytes());
    body[12..].copy_from_slice(&4u32.to_le_bytes());
    body
}

/// The body of a question about the device.
pub(super) fn device_info() -> [u8; DEVICE_INFO] {
    let mut body = [0; DEVICE_INFO];
    body[..4].copy_from_slice(&(DEVICE_INFO as u32).to_le_bytes());
    body
}

/// The body of a question about a region.
pub(super) fn region_info(region: Region) -> [u8; REGION_INFO] {
    let mut body = [0; REGION_INFO];
    body[..4].copy_from_slice(&(REGION_INFO as u32).to_le_bytes());
    body[8..12].copy_from_slice(&(region as u32).to_le_bytes());
    body
}

/// The body of a question about MSI-X.
pub(super) fn irq_info() -> [u8; IRQ_INFO] {
    fields([IRQ_INFO as u32, 0, MSIX, 0])
}

/// The body of a request that connects `vector` to the event file beside it.
pub(super) fn connect_irq(vector: u16) -> [u8; SET_IRQS] {
    fields([SET_IRQS as u32, SET_EVENTFD, MSIX, vector.into(), 1])
}

/// The body of a request that switches MSI-X off.
pub(super) fn disable_irqs() -> [u8; SET_IRQS] {
    fields([SET_IRQS as u32, SET_NONE, MSIX, 0, 0])
}

fn fields<const WORDS: usize, const BYTES: usize>(words: [u32; WORDS]) -> [u8; BYTES] {
    let mut body = [0; BYTES];
    for (bytes, word) in body.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    body
}

/// Sixteen bits at `at`. Panics beyond the end: the length was checked.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Thirty-two bits at `at`. Panics beyond the end: the length was checked.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// Sixty-four bits at `at`. Panics beyond the end: the length was checked.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_posted_write_is_these_bytes() {
        let mut bytes = Vec::new();
        push_posted(&mut bytes, 0x0102, Region::Bar0, 0x40, 0x0a0b_0c0d);
        let expected = [
            [0x02, 0x01, 0x0a, 0x00, 0x24, 0x00, 0x00, 0x00].as_slice(), // id, command, size
            &[0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],           // flags, error
            &[0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],           // offset
            &[0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00],           // region, count
            &[0x0d, 0x0c, 0x0b, 0x0a],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_vector_is_connected_by_these_bytes() {
        let mut bytes = Vec::new();
        push(&mut bytes, 0x0102, Command::SetIrqs, &[&connect_irq(3)]);
        let expected = [
            [0x02, 0x01, 0x08, 0x00, 0x24, 0x00, 0x00, 0x00].as_slice(), // id, command, size
            &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],           // flags, error
            &[0x14, 0x00, 0x00, 0x00, 0x24, 0x00, 0x00, 0x00],           // size of what follows, eventfd and trigger
            &[0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00],           // MSI-X, vector
            &[0x01, 0x00, 0x00, 0x00],                                   // one of them
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(disable_irqs()[4..], [0x21, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(irq_info(), [0x10, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_reply_is_told_from_a_command_and_an_error_from_both() {
        let with_flags = |flags: u8| {
            let mut bytes = [0; HEADER];
            bytes[8] = flags;
            let header = Header::parse(&bytes);
            (header.is_reply(), header.is_error())
        };
        assert_eq!(with_flags(0), (false, false));
        assert_eq!(with_flags(1), (true, false));
        assert_eq!(with_flags(0x21), (true, true));
        assert_eq!(with_flags(0x20), (false, true));
    }
}
