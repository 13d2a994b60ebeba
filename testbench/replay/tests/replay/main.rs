//! Captures from end to end: what goes in, what comes out, and what is said of it.

mod files;
mod fuzz;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use weir_replay::{Engine, Options, ReplayError, Report, Source, Trace, Width, run};

use files::{Stored, stored, write_pcap};

/// 137 frames of each class the pipeline knows, shuffled; two interfaces, one of nanoseconds and one of microseconds
/// whose frames were cut at 96 bytes; some comments that are not UTF-8.
const MIXED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mixed.pcapng");
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rules.toml");
const FRAMES: u64 = 137;

/// The widths that there are circuits of.
pub(crate) fn widths() -> Vec<Width> {
    Width::ALL.into_iter().filter(|width| Source::emitted(*width).is_ok()).collect()
}

pub(crate) fn options(pcap: &Path, out: &Path) -> Options {
    Options {
        pcap: pcap.into(),
        rules: RULES.into(),
        out: out.into(),
        engine: Engine::Rtl,
        width: Width::Bits64,
        circuit: None,
        trace: None,
        hosts: 1,
        quiet: true,
    }
}

pub(crate) fn done(options: &Options) -> Report {
    run(options, &AtomicBool::new(false))
        .unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

fn refused(options: &Options) -> String {
    run(options, &AtomicBool::new(false)).expect_err("it cannot be done").to_string()
}

#[test]
fn one_host_accepts_all_but_what_no_host_may() {
    for width in widths() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.pcap");
        let report = done(&Options { width, ..options(Path::new(MIXED), &out) });
        assert!(report.held(), "{report}");
        assert_eq!((report.frames, report.width, report.cut_off), (FRAMES, Some(width.bits()), false));
        assert!(report.padded > 0 && report.truncated > 0 && report.oversize == 0, "{report}");
        let accepted = stored(&out);
        assert_eq!(accepted.len() as u64, report.hosts[0].accepted);
        let count = |class: &str, reason: &str| {
            let found = report.hosts[0].verdicts.iter().find(|known| known.class == class && known.reason == reason);
            found.map_or((0, 0), |found| (found.accepted, found.dropped))
        };
        // Four frames to the disabled rule; two headers that contradict themselves, and one frame of six bytes that is
        // not IP when it is filled up.
        assert_eq!((count("TCP or UDP", "bucket").1, count("malformed", "class")), (4, (0, 2)), "{report}");
        assert_eq!(count("not IP", "class"), (3, 0), "{report}");
        for (class, reason) in [
            ("no virtual IP", "class"),
            ("other IP protocol", "class"),
            ("ICMP", "class"),
            ("echo request", "policy"),
            ("later fragment", "bucket"),
            ("beyond the window", "bucket"),
        ] {
            assert!(count(class, reason).0 > 0, "{class}: {report}");
        }
    }
}

/// Accepted frames are those of the capture, in order, with their stamps and lengths.
#[test]
fn stamps_and_lengths_are_those_of_the_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pcap, out) = (folder.path().join("in.pcap"), folder.path().join("out.pcap"));
    let frames: Vec<Stored> = (0u8..50)
        .map(|index| {
            let mut bytes = vec![index; 60 + usize::from(index)];
            bytes[12..14].copy_from_slice(&[0x08, 0x06]);
            let longer = u32::from(index % 5) * 1000;
            let time = 1_700_000_000_000_000_000 + 1_234_567_891 * u64::from(index);
            Stored { time, original_length: bytes.len() as u32 + longer, bytes }
        })
        .collect();
    // A snap length of zero, as some tools write, and one below the frames'.
    for snap_length in [0, 40] {
        write_pcap(&pcap, snap_length, 1, &frames);
        let report = done(&options(&pcap, &out));
        assert!(report.held(), "{report}");
        assert_eq!((report.frames, report.truncated), (50, 40));
        assert_eq!(stored(&out), frames);
    }
}

#[test]
fn runts_are_filled_and_giants_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pcap, out) = (folder.path().join("in.pcap"), folder.path().join("out.pcap"));
    let frame = |length: usize| Stored { time: 7, original_length: length as u32, bytes: vec![0xab; length] };
    let frames = [frame(0), frame(1), frame(59), frame(60), frame(9238), frame(9239), frame(65_550)];
    write_pcap(&pcap, 262_144, 1, &frames);
    for width in widths() {
        let report = done(&Options { width, ..options(&pcap, &out) });
        assert!(report.held(), "{report}");
        assert_eq!((report.padded, report.oversize), (3, 2));
        let lengths: Vec<usize> = stored(&out).iter().map(|frame| frame.bytes.len()).collect();
        assert_eq!(lengths, [60, 60, 60, 60, 9238, 9239, 65_550]);
        let text = report.to_string();
        assert!(text.contains("3 frames shorter than 60 bytes, filled with zeros as a MAC does"), "{text}");
    }
}

#[test]
fn a_capture_that_ends_inside_a_frame_gives_all_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pcap, out) = (folder.path().join("in.pcapng"), folder.path().join("out.pcap"));
    let whole = fs::read(MIXED).expect("the capture");
    fs::write(&pcap, &whole[..whole.len() - 7]).expect("a file");
    let report = done(&Options { engine: Engine::Spec, ..options(&pcap, &out) });
    assert_eq!((report.frames, report.cut_off), (FRAMES - 1, true));
    assert!(report.to_string().contains("the capture ends inside frame 137, which did not run"));
}

#[test]
fn each_frame_to_a_rule_is_accepted_by_exactly_one_host_of_many() {
    for (width, hosts) in widths().into_iter().flat_map(|width| [(width, 4), (width, 3)]) {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out.pcap");
        let report = done(&Options { width, hosts, ..options(Path::new(MIXED), &out) });
        assert!(report.held() && report.to_rules > 90, "{report}");
        assert_eq!(report.hosts.len(), usize::from(hosts));
        let mut shares: BTreeMap<u8, u64> = BTreeMap::new();
        for host in &report.hosts {
            assert_eq!(host.out, folder.path().join(format!("out.host-{}.pcap", host.host)));
            assert_eq!(stored(&host.out).len() as u64, host.accepted);
            let balanced = host.verdicts.iter().filter(|verdicts| verdicts.reason == "bucket");
            shares.insert(host.host, balanced.map(|verdicts| verdicts.accepted).sum());
        }
        // All but the four to the disabled rule.
        assert_eq!(shares.values().sum::<u64>(), report.to_rules - 4);
        assert!(shares.values().all(|&share| share > 10), "{shares:?}");
    }
}

#[test]
fn the_specification_alone_gives_the_same_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = |name: &str| folder.path().join(name);
    done(&Options { hosts: 3, ..options(Path::new(MIXED), &out("circuit.pcap")) });
    let report = done(&Options { hosts: 3, engine: Engine::Spec, ..options(Path::new(MIXED), &out("spec")) });
    assert!(report.held() && report.width.is_none());
    for host in 1..=3 {
        let circuit = fs::read(out(&format!("circuit.host-{host}.pcap"))).expect("it is there");
        assert_eq!(circuit, fs::read(out(&format!("spec.host-{host}"))).expect("it is there"));
    }
}

#[test]
fn a_fault_in_the_circuit_is_told_with_the_number_of_the_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.pcap");
    let mut circuit = Source::emitted(Width::Bits64).expect("there is one");
    // IPv6 is any other EtherType: frames to rules pass on every host.
    assert!(circuit.text.contains("86dd"));
    circuit.text = circuit.text.replace("86dd", "86de");
    let report = done(&Options { hosts: 2, circuit: Some(circuit), ..options(Path::new(MIXED), &out) });
    assert!(!report.held() && report.mismatched > 20 && report.mismatches.len() == 10, "{report}");
    let frames = files::frames_of_pcapng(Path::new(MIXED));
    for mismatch in &report.mismatches {
        let frame = &frames[mismatch.frame as usize - 1];
        assert!(frame.windows(2).take(22).any(|pair| pair == [0x86, 0xdd]), "{mismatch:?}");
    }
    assert!(report.to_string().contains(" differs on host 1: specification "), "{report}");
}

#[test]
fn waveforms_are_written_beside() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.pcap");
    let wave = |name: &str| folder.path().join(name);
    let (pcap, mut frame) = (folder.path().join("in.pcap"), vec![0x11; 60]);
    frame[12..14].copy_from_slice(&[0x08, 0x06]);
    write_pcap(&pcap, 0, 1, &[Stored { time: 1, original_length: 60, bytes: frame }]);
    done(&Options { trace: Some(Trace::Vcd(wave("wave.vcd"))), ..options(&pcap, &out) });
    let text = fs::read_to_string(wave("wave.vcd")).expect("it is there");
    assert!(text.contains(" rx_verdict_data ") && text.lines().filter(|line| line.starts_with('#')).count() > 1000);
    done(&Options { hosts: 2, trace: Some(Trace::Fst(wave("wave.fst"))), ..options(&pcap, &out) });
    for host in 1..=2 {
        let length = fs::metadata(wave(&format!("wave.host-{host}.fst"))).expect("it is there").len();
        assert!(length > 10_000 && length < text.len() as u64 / 5, "{length} bytes, {} as VCD", text.len());
    }
}

#[test]
fn what_cannot_be_run_is_told_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.pcap");
    let at = |name: &str| folder.path().join(name);
    let given = |name: &str, bytes: &[u8]| -> PathBuf {
        fs::write(at(name), bytes).expect("a file");
        at(name)
    };
    let path = given("text", b"no capture");
    assert!(refused(&options(&path, &out)).ends_with("text is neither pcap nor pcapng"));
    let path = given("packed", &[0x1f, 0x8b, 8, 0]);
    assert!(refused(&options(&path, &out)).ends_with("; it is compressed: try `gunzip`"));
    assert!(refused(&options(&given("empty", &[]), &out)).ends_with("; it is empty"));
    write_pcap(&at("cooked.pcap"), 0, 113, &[]);
    let text = refused(&options(&at("cooked.pcap"), &out));
    assert!(
        text.ends_with("has link type 113, should be 1 (Ethernet): the circuit takes Ethernet frames alone"),
        "{text}"
    );
    let mixed = fs::read(MIXED).expect("the capture");
    let mut other = mixed.clone();
    // The link type of the second interface, behind a section header of 28 bytes and a first interface of 32.
    other[28 + 32 + 8] = 105;
    let text = refused(&options(&given("radio.pcapng", &other), &out));
    assert!(text.contains("link type 105 on interface 1, should be 1 (Ethernet)"), "{text}");
    write_pcap(&at("same.pcap"), 0, 1, &[]);
    assert!(refused(&Options { hosts: 33, ..options(Path::new(MIXED), &out) }).contains("1 to 32"));
    let trace = Some(Trace::Vcd(at("wave.vcd")));
    assert!(refused(&Options { engine: Engine::Spec, trace, ..options(Path::new(MIXED), &out) }).contains("waveform"));
    let nowhere = run(&options(&at("nowhere"), &out), &AtomicBool::new(false));
    assert!(matches!(nowhere, Err(ReplayError::Read { .. })));
    let rules = given("rules.toml", b"[cluster]\nvips = [\"10.0.0.1\"]\n[[rule]]\nports = \"80-\"\n");
    let text = refused(&Options { rules, ..options(Path::new(MIXED), &out) });
    assert!(text.contains("rules.toml:4:9: rule.ports is") && text.ends_with("ports = \"80-\""), "{text}");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry")).collect();
    let part = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".part");
    assert!(!out.exists() && !left.iter().any(part), "nothing is left half done: {left:?}");
}

#[test]
fn no_file_is_named_for_two_things() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (pcap, rules, out) = (at("in.pcap"), at("rules.toml"), at("out.pcap"));
    write_pcap(&pcap, 0, 1, &[]);
    fs::copy(RULES, &rules).expect("a file");
    std::os::unix::fs::symlink(&pcap, at("link")).expect("a link");
    let given = Options { rules: rules.clone(), ..options(&pcap, &out) };
    let traced = |path: &Path| Options { trace: Some(Trace::Vcd(path.into())), ..given.clone() };
    for (wrong, words) in [
        (Options { out: pcap.clone(), ..given.clone() }, "both the capture and the file of accepted frames"),
        (Options { out: at("link"), ..given.clone() }, "both the capture and the file of accepted frames"),
        (Options { out: folder.path().join("./in.pcap"), ..given.clone() }, "both the capture and the file"),
        (Options { out: rules.clone(), ..given.clone() }, "both the rules and the file of accepted frames"),
        (traced(&pcap), "both the capture and the waveform"),
        (traced(&rules), "both the rules and the waveform"),
        (traced(&out), "both the file of accepted frames and the waveform"),
        (Options { hosts: 2, pcap: at("out.host-2.pcap"), ..given.clone() }, "both the capture and the file"),
        (traced(Path::new("/dev/full")), "/dev/full is no ordinary file"),
    ] {
        let text = refused(&wrong);
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(fs::read(&rules).expect("it is there"), fs::read(RULES).expect("it is there"));
    assert!(fs::metadata(&pcap).expect("it is there").len() == 24 && !out.exists());
}

#[test]
fn a_damaged_capture_is_no_short_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pcap, out) = (folder.path().join("in.pcap"), folder.path().join("out.pcap"));
    let spec = Options { engine: Engine::Spec, ..options(&pcap, &out) };
    let frame = |fill: u8| Stored { time: 7, original_length: 60, bytes: vec![fill; 60] };
    write_pcap(&pcap, 262_144, 1, &[frame(1), frame(2), frame(3)]);
    let whole = fs::read(&pcap).expect("it is there");
    // The top octet of the length of the second record.
    let mut damaged = whole.clone();
    damaged[24 + 76 + 8] = 1;
    fs::write(&pcap, damaged).expect("a file");
    let text = refused(&spec);
    assert!(
        text.ends_with("behind frame 1: the next record says it has 16777276 bytes, at most 262144 are possible"),
        "{text}"
    );
    let mut other = whole.clone();
    other[5] = 1;
    fs::write(&pcap, other).expect("a file");
    assert!(refused(&spec).contains("in.pcap is of version 1.4, should be 2.4"), "{}", refused(&spec));
    // A packet that is longer than its block: the first enhanced packet behind the section and two interfaces.
    let mut blocks = fs::read(MIXED).expect("the capture");
    let first = (28..).step_by(4).find(|&at| blocks[at..at + 4] == [6, 0, 0, 0]).expect("a packet");
    blocks[first + 21] = 0x40;
    fs::write(&pcap, blocks).expect("a file");
    let text = refused(&spec);
    assert!(text.contains("is damaged behind frame 0") && !out.exists(), "{text}");
}

#[test]
fn who_interrupts_a_run_finds_the_files_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.pcap");
    fs::write(&out, b"old").expect("a file");
    let spec = Options { engine: Engine::Spec, ..options(Path::new(MIXED), &out) };
    assert!(matches!(run(&spec, &AtomicBool::new(true)), Err(ReplayError::Interrupted)));
    assert_eq!(fs::read(&out).expect("it is there"), b"old");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
