//! The packet blocks of pcapng (draft-ietf-opsawg-pcapng, sections 4.3, 4.4 and B.1).
//!
//! Only what stands before the options is read: a comment that is not UTF-8 must not stop a replay.

use pcap_file::Endianness;
use pcap_file::pcapng::RawBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::{ENHANCED_PACKET_BLOCK, PACKET_BLOCK, SIMPLE_PACKET_BLOCK};

use crate::damage::Impossible;

/// A packet as it stands in its block.
pub(crate) struct Packet<'a> {
    pub(crate) interface: u32,
    /// In units of the interface; none in a simple packet.
    pub(crate) stamp: Option<u64>,
    pub(crate) original_length: u32,
    pub(crate) bytes: &'a [u8],
}

/// The packet of a block; `None` for any other block, or one too short for a packet's fields. `snap_length` is that of the
/// first interface. A packet cannot be longer than its block.
pub(crate) fn packet<'a>(
    block: &'a RawBlock<'_>,
    order: Endianness,
    snap_length: u32,
) -> Result<Option<Packet<'a>>, Impossible> {
    let Some((packet, length)) = fields(block, order, snap_length) else { return Ok(None) };
    let rest = packet.bytes;
    match rest.get(..length as usize) {
        Some(bytes) => Ok(Some(Packet { bytes, ..packet })),
        None => Err(Impossible { length: length.into(), most: rest.len() as u64 }),
    }
}

/// The fields of a packet with all that is behind them, and how long the packet is by them.
fn fields<'a>(block: &'a RawBlock<'_>, order: Endianness, snap_length: u32) -> Option<(Packet<'a>, u32)> {
    let body = &block.body[..];
    let word = |at: usize| {
        let bytes = body.get(at..at + 4)?.try_into().ok()?;
        Some(if order == Endianness::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let rest = |at: usize| body.get(at..).unwrap_or_default();
    match block.type_ {
        SIMPLE_PACKET_BLOCK => {
            let original_length = word(0)?;
            let limit = if snap_length == 0 { u32::MAX } else { snap_length };
            let packet = Packet { interface: 0, stamp: None, original_length, bytes: rest(4) };
            Some((packet, original_length.min(limit)))
        }
        ENHANCED_PACKET_BLOCK | PACKET_BLOCK => {
            let first = word(0)?;
            // The old packet block has sixteen bits for the interface and sixteen for drops.
            let interface = match (block.type_, order) {
                (ENHANCED_PACKET_BLOCK, _) => first,
                (_, Endianness::Big) => first >> 16,
                (_, Endianness::Little) => first & 0xffff,
            };
            let stamp = u64::from(word(4)?) << 32 | u64::from(word(8)?);
            let (length, original_length) = (word(12)?, word(16)?);
            Some((Packet { interface, stamp: Some(stamp), original_length, bytes: rest(20) }, length))
        }
        _ => None,
    }
}

/// Nanoseconds since 1970 of a stamp of `interface`.
pub(crate) fn nanoseconds(interface: &InterfaceDescriptionBlock<'_>, stamp: u64) -> u64 {
    let (mut resolution, mut offset) = (6u8, 0u64);
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(exponent) => resolution = *exponent,
            InterfaceDescriptionOption::IfTsOffset(seconds) => offset = *seconds,
            _ => {}
        }
    }
    let exponent = u32::from(resolution & 0x7f);
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    // Units too small to be counted in 128 bits leave nothing of any stamp.
    let within = base.checked_pow(exponent).map_or(0, |units| u128::from(stamp) * 1_000_000_000 / units);
    u64::try_from(within).unwrap_or(u64::MAX).wrapping_add(offset.wrapping_mul(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use pcap_file::DataLink;

    use super::*;

    fn interface(options: Vec<InterfaceDescriptionOption<'static>>) -> InterfaceDescriptionBlock<'static> {
        InterfaceDescriptionBlock { linktype: DataLink::ETHERNET, snaplen: 0, options }
    }

    #[test]
    fn stamps_are_in_the_units_of_their_interface() {
        use InterfaceDescriptionOption::{IfTsOffset, IfTsResol};
        assert_eq!(nanoseconds(&interface(vec![]), 1_500_000), 1_500_000_000, "microseconds unless it says otherwise");
        assert_eq!(nanoseconds(&interface(vec![IfTsResol(9)]), 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(nanoseconds(&interface(vec![IfTsResol(0x81)]), 3), 1_500_000_000, "halves of a second");
        assert_eq!(nanoseconds(&interface(vec![IfTsResol(0), IfTsOffset(5)]), 2), 7_000_000_000);
        assert_eq!(nanoseconds(&interface(vec![IfTsResol(0x7f)]), u64::MAX), 0);
    }
}
