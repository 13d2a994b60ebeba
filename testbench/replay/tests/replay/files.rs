//! Captures written and read without the code under test.

use std::fs;
use std::path::Path;

/// A frame as it stands in a pcap file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) time: u64,
    pub(crate) original_length: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A pcap file of nanoseconds in the byte order of big-endian machines.
pub(crate) fn write_pcap(path: &Path, snap_length: u32, link: u32, frames: &[Stored]) {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0002_0004, 0, 0, snap_length, link] {
        file.extend(u32::to_be_bytes(word));
    }
    for frame in frames {
        let (seconds, rest) = (frame.time / 1_000_000_000, frame.time % 1_000_000_000);
        for word in [seconds as u32, rest as u32, frame.bytes.len() as u32, frame.original_length] {
            file.extend(word.to_be_bytes());
        }
        file.extend(&frame.bytes);
    }
    fs::write(path, file).expect("a file");
}

/// The frames of a pcap file of nanoseconds, of either byte order.
pub(crate) fn stored(path: &Path) -> Vec<Stored> {
    let file = fs::read(path).expect("it is there");
    let big = file[..4] == 0xa1b2_3c4du32.to_be_bytes();
    assert!(big || file[..4] == 0xa1b2_3c4du32.to_le_bytes(), "a pcap file of nanoseconds");
    let word = |at: usize| {
        let bytes = file[at..at + 4].try_into().expect("four bytes");
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    assert_eq!(word(20), 1, "Ethernet");
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < file.len() {
        let length = word(at + 8) as usize;
        let time = u64::from(word(at)) * 1_000_000_000 + u64::from(word(at + 4));
        let bytes = file[at + 16..at + 16 + length].to_vec();
        frames.push(Stored { time, original_length: word(at + 12), bytes });
        at += 16 + length;
    }
    frames
}

/// The frames in the enhanced packet blocks of a little-endian pcapng file.
pub(crate) fn frames_of_pcapng(path: &Path) -> Vec<Vec<u8>> {
    let file = fs::read(path).expect("it is there");
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut frames, mut at) = (Vec::new(), 0);
    while at < file.len() {
        if word(at) == 6 {
            frames.push(file[at + 28..at + 28 + word(at + 20) as usize].to_vec());
        }
        at += word(at + 4) as usize;
    }
    frames
}
