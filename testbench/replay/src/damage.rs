//! Whether a capture that ended early was cut off, or is damaged.
//!
//! A tool that is killed leaves the last record incomplete, and all before it is good. A record whose length is none that a
//! tool would write is something else: what follows it is lost, and to call that the end would hide it. The reader cannot
//! tell them apart, so the lengths are walked through once more.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The longest frame that tools capture (`MAXIMUM_SNAPLEN` of libpcap).
pub(crate) const LONGEST_FRAME: u64 = 262_144;
/// The longest block of a pcapng file that is believed: some tools put whole key logs into one.
const LONGEST_BLOCK: u64 = 16 << 20;
/// Octets before the records of a pcap file, and before the frame in each.
const HEADER: u64 = 24;
const RECORD: u64 = 16;
/// Type of the block that begins a section; it reads the same in both byte orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// A length that no tool writes: what it says, and the most there could be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Impossible {
    pub(crate) length: u64,
    pub(crate) most: u64,
}

/// The first impossible length in a file. `None` if there is none up to its end, or if it is no ordinary file and cannot be
/// read twice.
pub(crate) fn find(path: &Path) -> io::Result<Option<Impossible>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    if magic == SECTION { in_blocks(&mut file, metadata.len()) } else { in_records(&mut file, metadata.len(), magic) }
}

fn in_records(file: &mut File, size: u64, magic: [u8; 4]) -> io::Result<Option<Impossible>> {
    let big = magic[0] == 0xa1;
    let mut at = HEADER;
    while at + RECORD <= size {
        let [.., a, b, c, d, _, _, _, _] = read::<{ RECORD as usize }>(file, at)?;
        let length = u64::from(word([a, b, c, d], big));
        if length > LONGEST_FRAME {
            return Ok(Some(Impossible { length, most: LONGEST_FRAME }));
        }
        at += RECORD + length;
    }
    Ok(None)
}

fn in_blocks(file: &mut File, size: u64) -> io::Result<Option<Impossible>> {
    let (mut at, mut big) = (0, false);
    while at + 12 <= size {
        let [t0, t1, t2, t3, l0, l1, l2, l3, order, ..] = read::<12>(file, at)?;
        if [t0, t1, t2, t3] == SECTION {
            // 0x1a2b3c4d in the byte order of the section.
            big = order == 0x1a;
        }
        let length = u64::from(word([l0, l1, l2, l3], big));
        if length > LONGEST_BLOCK {
            return Ok(Some(Impossible { length, most: LONGEST_BLOCK }));
        }
        // Less than its own frame: the reader has its own word for that.
        at += length.max(12);
    }
    Ok(None)
}

fn read<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut octets)?;
    Ok(octets)
}

fn word(octets: [u8; 4], big: bool) -> u32 {
    if big { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A pcap file with frames of these lengths, each as long as it says as far as `cut` lets it.
    fn pcap(lengths: &[u32], cut: usize) -> tempfile::NamedTempFile {
        let mut octets = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        for &length in lengths {
            octets.extend([0; 8]);
            octets.extend(length.to_le_bytes());
            octets.extend(length.to_le_bytes());
            octets.resize(octets.len() + length.min(2000) as usize, 0);
        }
        octets.truncate(octets.len() - cut);
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), octets).expect("room");
        file
    }

    #[test]
    fn a_file_that_was_cut_has_no_impossible_length() {
        for cut in 0..90 {
            assert_eq!(find(pcap(&[60, 60, 60], cut).path()).expect("readable"), None, "{cut}");
        }
    }

    #[test]
    fn a_length_that_no_tool_writes_is_found_wherever_it_stands() {
        for length in [262_145, 0x0100_003c, u32::MAX] {
            let wanted = Some(Impossible { length: length.into(), most: LONGEST_FRAME });
            assert_eq!(find(pcap(&[60, length, 60], 0).path()).expect("readable"), wanted);
            assert_eq!(find(pcap(&[length], 0).path()).expect("readable"), wanted);
        }
        assert_eq!(find(pcap(&[60, 262_144], 0).path()).expect("readable"), None);
    }

    #[test]
    fn blocks_are_walked_through_in_the_order_of_their_section() {
        let block = |order: fn(u32) -> [u8; 4], length: u32| {
            let mut octets = SECTION.to_vec();
            octets.extend(order(28));
            octets.extend(order(0x1a2b_3c4d));
            octets.resize(28, 0);
            octets.extend(order(6));
            octets.extend(order(length));
            octets.resize(28 + 40, 0);
            octets
        };
        for order in [u32::to_be_bytes as fn(u32) -> [u8; 4], u32::to_le_bytes] {
            for (length, wanted) in [(40, None), (400, None), (0x7000_0000, Some(0x7000_0000))] {
                let file = tempfile::NamedTempFile::new().expect("a file");
                fs::write(file.path(), block(order, length)).expect("room");
                assert_eq!(find(file.path()).expect("readable").map(|found| found.length), wanted);
            }
        }
    }
}
