//! However broken the frames of a capture are, circuit and specification agree on them.

use std::path::Path;

use fastrand::Rng;
use weir_replay::Options;

use crate::files::{Stored, frames_of_pcapng, stored, write_pcap};
use crate::{MIXED, done, options, widths};

/// Frames of one capture.
const FRAMES: usize = 4000;

/// Breaks a frame: bytes turned over, most of them in the headers, pieces taken out or doubled, ends cut.
fn broken(rng: &mut Rng, frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    for _ in 0..rng.u32(..4) {
        if bytes.is_empty() {
            break;
        }
        let reach = if rng.u32(..8) == 0 { bytes.len() } else { bytes.len().min(80) };
        let at = rng.usize(..reach);
        match rng.u32(..8) {
            0..3 => bytes[at] ^= 1 << rng.u32(..8),
            3..5 => bytes[at] = rng.u8(..),
            5 => bytes.truncate(at),
            6 => {
                let end = (at + rng.usize(..20)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                bytes.drain(at..(at + rng.usize(..20)).min(bytes.len()));
            }
        }
    }
    bytes
}

#[test]
fn corrupted_captures_pass_without_a_mismatch() {
    let mut frames = frames_of_pcapng(Path::new(MIXED));
    // Length fields and header chains at their ends come from frames that are already unusual.
    frames.extend(frames.clone().into_iter().filter(|frame| frame.len() > 100));
    let folder = tempfile::tempdir().expect("a folder");
    let (pcap, out) = (folder.path().join("in.pcap"), folder.path().join("out.pcap"));
    for round in 0..3 {
        let mut rng = Rng::with_seed(round);
        let broken: Vec<Stored> = (0..FRAMES)
            .map(|index| {
                let start = &frames[rng.usize(..frames.len())];
                let bytes = broken(&mut rng, start);
                Stored { time: index as u64, original_length: bytes.len() as u32, bytes }
            })
            .collect();
        write_pcap(&pcap, 65_535, 1, &broken);
        for width in widths() {
            let report = done(&Options { width, hosts: 2, ..options(&pcap, &out) });
            assert!(report.held(), "round {round}, {width} bits: {report}");
            assert!(report.frames == FRAMES as u64 && report.to_rules > 1000, "{report}");
            let malformed = report.hosts[0].verdicts.iter().find(|verdicts| verdicts.class == "malformed");
            assert!(malformed.is_some_and(|verdicts| verdicts.dropped > 100), "{report}");
            let total: usize =
                (1..=2).map(|host| stored(&folder.path().join(format!("out.host-{host}.pcap"))).len()).sum();
            assert_eq!(total as u64, report.hosts.iter().map(|host| host.accepted).sum::<u64>());
        }
    }
}
