//! The emitted text of one way through the board, under Icarus Verilog, with two clocks that differ: octets of frames go in,
//! and what comes out is compared with what Ethernet says has to be on the wire. The bench shares no code with the circuits.

mod control;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_hdl::board::way::Way;
use weir_hdl::emit;

const BENCH: &str = include_str!("bench.sv");

fn tool(name: &str) -> PathBuf {
    let found = weir_tools::find(&name.to_uppercase(), &[name]);
    found.unwrap_or_else(|| panic!("{name} is not there; run `cargo xtask setup`"))
}

fn run(dir: &Path, name: &str, args: &[&str]) {
    let ended = Command::new(tool(name)).args(args).current_dir(dir).output().expect("the tool starts");
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&said));
}

/// Version 11 of Icarus ties all `always_comb` together, so it gets none.
fn without_always_comb(text: &str) -> String {
    let text = text.replace("always_comb", "always @* if (at_time_0)");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\nmodule ") {
        let end = at + rest[at..].find(");\n").expect("a list of ports ends") + 3;
        out += &rest[..end];
        out += "    reg at_time_0 = 0;\n    initial #0 at_time_0 = 1;\n";
        rest = &rest[end..];
    }
    out + rest
}

fn check_sequence(octets: &[u8]) -> [u8; 4] {
    let mut register = u32::MAX;
    for bit in octets.iter().flat_map(|octet| (0..8).map(move |bit| octet >> bit & 1)) {
        let feedback = (register ^ u32::from(bit)) & 1 == 1;
        register = register >> 1 ^ if feedback { 0xedb8_8320 } else { 0 };
    }
    (!register).to_le_bytes()
}

/// Carrier of a frame.
fn wire(frame: &[u8]) -> Vec<u8> {
    [&[0x55; 7], &[0xd5][..], frame, &check_sequence(frame)].concat()
}

/// What goes in: a word a clock, of carrier twice and octet.
#[derive(Default)]
struct Octets(Vec<u16>);

impl Octets {
    fn carrier(&mut self, octets: &[u8], gap: usize) {
        self.0.extend(octets.iter().map(|&octet| 0x300 | u16::from(octet)));
        self.0.extend(std::iter::repeat_n(0, gap));
    }
}

/// What came out.
#[derive(Default)]
struct Out {
    /// Each carrier with the idle clocks before it.
    carriers: Vec<(usize, Vec<u8>)>,
    errors: usize,
    high: usize,
    kept: usize,
    refused: usize,
    cut: usize,
}

/// Runs a circuit with half periods in picoseconds.
fn simulate(name: &str, text: &str, wire: u64, core: u64, octets: &Octets, after: usize) -> Out {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("board").join(name);
    fs::create_dir_all(&dir).expect("a folder for the bench");
    let words: String = octets.0.iter().map(|word| format!("{word:03x}\n")).collect();
    let count = octets.0.len();
    let defines = format!("`define WIRE {wire}\n`define CORE {core}\n`define COUNT {count}\n`define AFTER {after}\n");
    fs::write(dir.join("in.hex"), words).expect("octets");
    fs::write(dir.join("bench.sv"), format!("{defines}{BENCH}\n{}", without_always_comb(text))).expect("a bench");
    run(&dir, "iverilog", &["-g2012", "-s", "bench", "-o", "bench.vvp", "bench.sv"]);
    run(&dir, "vvp", &["-n", "bench.vvp"]);
    let mut out = Out::default();
    let mut idle = 0;
    for line in fs::read_to_string(dir.join("out.hex")).expect("what came out").lines() {
        let word = u32::from_str_radix(line, 16).unwrap_or_else(|_| panic!("unknown bits in {line}"));
        let bit = |place: u32| (word >> place & 1) as usize;
        out.high += bit(13);
        out.kept += bit(12);
        out.refused += bit(11);
        out.cut += bit(10);
        out.errors += bit(9) ^ bit(8);
        if bit(9) == 0 {
            idle += 1;
            continue;
        }
        if idle > 0 {
            out.carriers.push((idle, Vec::new()));
            idle = 0;
        }
        out.carriers.last_mut().expect("an idle clock first").1.push(word as u8);
    }
    out
}

/// A frame that says who it is, and what it is by type.
fn frame(random: &mut fastrand::Rng, kind: [u8; 2], length: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
    frame[12..14].copy_from_slice(&kind);
    frame
}

/// Frames at the smallest gap, some of them wrong, and what is not as it should be of those that come out.
fn cross(name: &str, text: &str, core: u64, turns: usize) -> Result<(), String> {
    let mut random = fastrand::Rng::with_seed(core);
    let mut octets = Octets::default();
    let mut expected = Vec::new();
    octets.0.extend([0; 24]);
    for turn in 0..turns {
        let length = match turn {
            50 => 9216,
            60 => 9217,
            _ => [60, 61, 64, 65, 67, 72, 100, 333, 1514][random.usize(..9)],
        };
        let kind = [[0x08, 0x00], [0x86, 0xdd], [0x08, 0x06], [0x88, 0x6f], [0x81, 0x00]][random.usize(..5)];
        let frame = frame(&mut random, kind, length);
        let mut sent = wire(&frame);
        match if length > 9000 { 9 } else { random.u8(..12) } {
            // A bit turned, behind the start.
            0 => {
                let at = random.usize(8..sent.len());
                sent[at] ^= 1 << random.u8(..8);
            }
            // Cut short.
            1 => sent.truncate(random.usize(9..sent.len())),
            // MAC control: a pause, right in itself.
            2 => {
                let mut pause = frame.clone();
                pause[12..14].copy_from_slice(&[0x88, 0x08]);
                sent = wire(&pause);
            }
            _ if length <= 9216 => expected.push(frame),
            _ => {}
        }
        octets.carrier(&sent, 12);
    }
    let out = simulate(name, text, 4000, core, &octets, if turns > 50 { 14_000 } else { 4000 });
    let counts = (out.kept, out.refused, out.cut, out.errors);
    if counts != (expected.len(), 0, 0, 0) || out.carriers.len() != expected.len() {
        return Err(format!("{counts:?} and {} carriers of {} frames", out.carriers.len(), expected.len()));
    }
    for (number, ((gap, carrier), frame)) in out.carriers.iter().zip(&expected).enumerate() {
        if *carrier != wire(frame) {
            return Err(format!("frame {number} of {} octets", frame.len()));
        }
        if *gap < 12 {
            return Err(format!("a gap of {gap} before frame {number}, without need"));
        }
    }
    Ok(())
}

fn whole() -> String {
    emit(&mut Way::<11, 12>::new([1536, 1792, 2048], 1280), "way").expect("a clean circuit")
}

#[test]
fn right_frames_and_no_others_cross_at_the_smallest_gap_with_clocks_that_differ() {
    // 250 ppm either way.
    for (core, name) in [(4000, "same"), (4001, "slower"), (3999, "faster")] {
        assert_eq!(cross(name, &whole(), core, 120), Ok(()), "{name}");
    }
}

#[test]
fn the_bench_sees_a_mistake() {
    let mistakes = [
        ("control", "here = 32'h3;", "here = 32'h2;"),
        ("sequence", "if (crc__q != residue) begin", "if (1'b0) begin"),
        ("place", "place = kept_to__q;", "place = write_at__q;"),
        ("gap", " gap_ends = 4'hb;", " gap_ends = 4'ha;"),
        ("inverse", "inverted = ~crc__q[", "inverted = crc__q["),
    ];
    for (name, right, wrong) in mistakes {
        let text = whole();
        assert_eq!(text.matches(right).count(), 1, "{right}");
        let seen = cross(&format!("mistake {name}"), &text.replace(right, wrong), 4000, 40);
        assert!(seen.is_err(), "{name}");
    }
}

#[test]
fn a_core_that_is_slower_keeps_up_by_shorter_gaps_and_only_so() {
    // 4 in 100: far more than two oscillators differ, so that a short run shows it.
    for (many, keeps_up) in [(24, true), (64, false)] {
        let text = emit(&mut Way::<6, 7>::new([40, 48, 60], many), "way").expect("a clean circuit");
        let mut random = fastrand::Rng::with_seed(7);
        let mut octets = Octets::default();
        octets.0.extend([0; 24]);
        let frames: Vec<Vec<u8>> = (0..400).map(|_| frame(&mut random, [0x88, 0x6f], 60)).collect();
        frames.iter().for_each(|frame| octets.carrier(&wire(frame), 12));
        let out = simulate(&format!("many{many}"), &text, 4000, 4160, &octets, 2000);
        assert_eq!((out.cut, out.errors, out.kept + out.refused), (0, 0, 400));
        let least = out.carriers[1..].iter().map(|(gap, _)| *gap).min().expect("frames");
        match keeps_up {
            true => assert_eq!((out.refused, least, out.high > 1000), (0, 8, true)),
            false => assert!(out.refused > 0 && least == 12, "{} refused, gap {least}", out.refused),
        }
        assert_eq!(out.carriers.len(), out.kept, "what was kept has left");
        assert!(out.carriers.iter().all(|(_, carrier)| frames.iter().any(|frame| *carrier == wire(frame))));
    }
}
