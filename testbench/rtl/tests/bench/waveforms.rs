//! Waveforms: whole files in which the signals are found under their names and the times rise.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalHandle, FstSignalValue};
use weir_rtl::{OpenError, Rtl, Side, Waveform, Width};

/// Runs some frames with a waveform; the clocks that went by.
fn run(width: Width, waveform: &Waveform) -> u64 {
    let mut rtl = Rtl::traced(&crate::wire(width), waveform).unwrap_or_else(|error| panic!("{error}"));
    for length in [60, 61, 200] {
        rtl.push(Side::Rx, &crate::frame(length), &[]);
    }
    assert!(rtl.settle());
    rtl.clocks()
}

/// The code of the variable `name` in a VCD file.
fn code<'a>(text: &'a str, name: &str, bits: usize) -> &'a str {
    let declared = text.lines().filter(|line| line.trim_start().starts_with("$var"));
    let words: Vec<Vec<&str>> = declared.map(|line| line.split_whitespace().collect()).collect();
    let found = words.iter().find(|words| words[4] == name && words[2] == bits.to_string());
    found.unwrap_or_else(|| panic!("no variable {name} of {bits} bits"))[3]
}

#[test]
fn a_vcd_has_every_signal_at_rising_times() {
    for width in Width::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wave.vcd");
        let clocks = run(width, &Waveform::Vcd(path.clone()));
        let text = fs::read_to_string(&path).expect("it is there");
        let data = code(&text, "s_axis_rx_tdata", width.bits());
        let clock = code(&text, "clock", 1);
        code(&text, "m_axis_tx_tkeep", width.bytes());
        code(&text, "nic_time", 64);
        let times: Vec<u64> =
            text.lines().filter_map(|line| line.strip_prefix('#')).map(|time| time.parse().expect("a time")).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "times rise");
        assert_eq!((times[0], times[times.len() - 1]), (0, 2 * clocks - 1));
        let rises = text.lines().filter(|line| line.strip_prefix('1') == Some(clock)).count();
        assert_eq!(rises as u64, clocks, "each clock is seen to rise");
        let first_beat: String = crate::frame(60)[..8].iter().rev().map(|byte| format!("{byte:08b}")).collect();
        let of_data = |line: &str| line.strip_suffix(data).is_some_and(|rest| rest.trim_end().ends_with(&first_beat));
        assert!(text.lines().any(of_data), "the first beat is the frame's");
    }
}

#[test]
fn an_fst_read_by_another_program_has_every_signal_at_rising_times() {
    for width in Width::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wave.fst");
        let clocks = run(width, &Waveform::Fst(path.clone()));
        let file = BufReader::new(File::open(&path).expect("it is there"));
        let mut reader = FstReader::open_and_read_time_table(file).expect("it is an FST file");
        let times = reader.get_time_table().expect("it was read").to_vec();
        assert!(times.is_sorted_by(|a, b| a < b), "times rise");
        assert_eq!((times[0], times[times.len() - 1]), (0, 2 * clocks - 1));
        let mut signals = BTreeMap::new();
        let entry = |entry: FstHierarchyEntry| {
            if let FstHierarchyEntry::Var { name, length, handle, .. } = entry {
                // A name may end with its range of bits.
                let name = name.split(' ').next().unwrap_or_default().to_string();
                signals.insert(name, (length as usize, handle.get_index()));
            }
        };
        reader.read_hierarchy(entry).expect("it has a hierarchy");
        let named =
            |name: &str| signals.get(name).copied().unwrap_or_else(|| panic!("no signal {name}: {:?}", signals.keys()));
        let ((bits, data), (_, clock)) = (named("s_axis_rx_tdata"), named("clock"));
        assert_eq!((bits, named("m_axis_tx_tkeep").0, named("nic_time").0), (width.bits(), width.bytes(), 64));
        let (mut rises, mut beats) = (0, Vec::new());
        let change = |_, handle: FstSignalHandle, value: FstSignalValue<'_>| {
            let FstSignalValue::String(bits) = value else { panic!("a signal of bits") };
            match handle.get_index() {
                index if index == clock => rises += u64::from(bits == b"1"),
                index if index == data => beats.push(String::from_utf8(bits.to_vec()).expect("digits")),
                _ => {}
            }
            Ok::<(), std::convert::Infallible>(())
        };
        let filter = FstFilter::filter_signals([data, clock].map(FstSignalHandle::from_index).into());
        reader.read_signals(&filter, change).expect("it has values");
        assert_eq!(rises, clocks, "each clock is seen to rise");
        // The data stays while there is no beat, so each change is a beat; the last bytes of a frame leave the rest open.
        let first: String = crate::frame(60)[..8].iter().rev().map(|byte| format!("{byte:08b}")).collect();
        assert!(beats.iter().any(|beat| beat.ends_with(&first)), "the first beat is the frame's");
    }
}

#[test]
fn a_waveform_that_cannot_be_written_is_an_error() {
    let path = Path::new("/nowhere/at/all.vcd");
    match Rtl::traced(&crate::wire(Width::Bits64), &Waveform::Vcd(path.to_path_buf())) {
        Err(OpenError::Trace { path: named, .. }) => assert_eq!(named, path),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was written"),
    }
}
