//! `weir flash` as a user runs it, with openFPGALoader as Debian has it and bitstreams that ecppack made, onto the emulated board:
//! what works, and every way it is known to go wrong without being told.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::JoinHandle;

use weir_board::{Faults, Fpga, Nor, Running, protection, xvc};
use weir_firmware::ecp5::Bitstream;

const VERSA: u32 = 0x8111_2043;
const FIRST: u32 = 0x0000_0101;
const SECOND: u32 = 0x0000_0102;
const GOLDEN: u32 = 0x600d_0001;

fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run `cargo xtask test board`"));
    path.into()
}

/// Files that all tests share: bitstreams, packages of them, keys.
struct Shelf {
    folder: tempfile::TempDir,
}

impl Shelf {
    fn get() -> &'static Shelf {
        static SHELF: OnceLock<Shelf> = OnceLock::new();
        SHELF.get_or_init(|| {
            let shelf = Shelf { folder: tempfile::tempdir().expect("a folder") };
            shelf.ecppack("first", FIRST, "LFE5UM5G-45F");
            shelf.ecppack("second", SECOND, "LFE5UM5G-45F");
            shelf.ecppack("golden", GOLDEN, "LFE5UM5G-45F");
            shelf.ecppack("other", 0x0bad_0001, "LFE5U-45F");
            shelf.weir(&["image", "keygen", "--unencrypted", "--out", "release"]);
            for (name, version) in [("first", "1.0.0"), ("second", "1.1.0")] {
                let (primary, out) = (format!("{name}.bit"), format!("{name}.pldm"));
                let pack =
                    ["image", "pack", "--board", "ecp5-versa-5g", "--version", version, "--source", "0123456789abcdef"];
                shelf.weir(&[&pack[..], &["--primary", &primary, "--golden", "golden.bit", "--out", &out]].concat());
                shelf.weir(&["image", "sign", "--key", "release.key", &out]);
            }
            shelf
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A design with one LUT, so that two of them differ in more than their USERCODE.
    fn ecppack(&self, name: &str, usercode: u32, device: &str) {
        let config = format!(".device {device}\n\n.comment Part: {device}-8CABGA381\n");
        fs::write(self.path("config"), config).expect("room");
        let mut ecppack = Command::new(tool("WEIR_ECPPACK"));
        ecppack.current_dir(self.folder.path()).args(["--compress", "--usercode", &usercode.to_string(), "config"]);
        let ended = ecppack.arg(format!("{name}.bit")).output().expect("ecppack runs");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    fn weir(&self, arguments: &[&str]) {
        let mut weir = Command::new(tool("WEIR_BIN"));
        let ended = weir.current_dir(self.folder.path()).args(arguments).output().expect("weir runs");
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// A board that is served until it is dropped.
struct Bench {
    board: Arc<Mutex<Fpga>>,
    stop: Arc<AtomicBool>,
    port: u16,
    server: Option<JoinHandle<()>>,
}

impl Bench {
    fn with(idcode: u32, nor: Nor) -> Bench {
        let mut board = Fpga::new(idcode, nor);
        board.power_on();
        let (board, stop) = (Arc::new(Mutex::new(board)), Arc::new(AtomicBool::new(false)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let (served, end) = (board.clone(), stop.clone());
        let server = std::thread::spawn(move || xvc::serve(&listener, &served, &end).expect("it serves"));
        Bench { board, stop, port, server: Some(server) }
    }

    fn blank() -> Bench {
        Bench::with(VERSA, Nor::erased())
    }

    /// With a golden image and version 1.0.0.
    fn provisioned() -> Bench {
        static CELLS: OnceLock<Vec<u8>> = OnceLock::new();
        let cells = CELLS.get_or_init(|| {
            let bench = Bench::blank();
            bench.flash(0, "first", &["--golden", "--force"]);
            bench.board().nor().cells().to_vec()
        });
        Bench::with(VERSA, Nor::new(cells.clone()))
    }

    fn board(&self) -> MutexGuard<'_, Fpga> {
        self.board.lock().expect("no test holds it and panics")
    }

    fn run_flash(&self, package: &str, options: &[&str]) -> Output {
        let device = format!("xvc:127.0.0.1:{}", self.port);
        let mut weir = Command::new(tool("WEIR_BIN"));
        weir.current_dir(Shelf::get().folder.path()).args(["flash", "--board", "ecp5-versa-5g", "--device", &device]);
        weir.args(["--key", "release.pub", "--yes"]).args(options).arg(format!("{package}.pldm"));
        weir.output().expect("weir runs")
    }

    /// Flashes and expects this exit code; what it said on both ways.
    fn flash(&self, code: i32, package: &str, options: &[&str]) -> String {
        let ended = self.run_flash(package, options);
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        said
    }

    /// openFPGALoader alone; its exit code and what it said.
    fn loader(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut loader = Command::new(tool("WEIR_OPENFPGALOADER"));
        loader.current_dir(Shelf::get().folder.path()).args(["--cable", "xvc-client", "--ip", "127.0.0.1", "--port"]);
        let ended = loader.arg(self.port.to_string()).args(arguments).output().expect("openFPGALoader runs");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        (ended.status.code(), said)
    }

    /// USERCODE of what boots when power comes on again, and whether it is the golden image.
    fn power_cycle(&self) -> Option<(u32, bool)> {
        match self.board().power_on() {
            Running::Nothing(_) => None,
            Running::Golden(image) => Some((image.usercode, true)),
            Running::Primary(image) | Running::Loaded(image) => Some((image.usercode, false)),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn every_crc_of_a_real_bitstream_holds() {
    let octets = fs::read(Shelf::get().path("first.bit")).expect("a bitstream");
    let image = Bitstream::read(&octets, Some(VERSA)).expect("a whole image");
    assert_eq!((image.crcs, image.usercode), (9_470 + 1, FIRST));
    for at in (image.start + 12..image.end).step_by(2_003) {
        let mut flipped = octets.clone();
        flipped[at] ^= 0x10;
        assert!(Bitstream::read(&flipped, Some(VERSA)).is_err(), "octet {at}");
    }
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn an_unmodified_loader_detects_and_loads_the_board() {
    let bench = Bench::blank();
    let (code, said) = bench.loader(&["--detect"]);
    assert!(code == Some(0) && said.contains("LFE5UM5G-45"), "{said}");
    let (code, said) = bench.loader(&["--write-sram", "first.bit"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(matches!(bench.board().running(), Running::Loaded(image) if image.usercode == FIRST));
    let (code, said) = bench.loader(&["--write-sram", "other.bit"]);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn a_blank_board_is_provisioned_updated_and_proven() {
    let bench = Bench::blank();
    let said = bench.flash(1, "first", &[]);
    assert!(said.contains("golden image is not there") && said.contains("--golden --force"), "{said}");
    assert_eq!(bench.board().nor().operations(), 0, "a refusal writes nothing");

    let said = bench.flash(0, "first", &["--golden", "--force"]);
    assert!(said.contains("done: the primary image 0x00000101 runs"), "{said}");
    assert_eq!(bench.power_cycle(), Some((FIRST, false)));
    let said = bench.flash(0, "second", &[]);
    assert!(said.contains("installed: 1.0.0") && said.contains("primary image 0x00000102 runs"), "{said}");
    assert_eq!(bench.power_cycle(), Some((SECOND, false)));
    assert!(bench.board().nor().most_worn() <= 2, "no block was erased more often than it was written");

    let operations = bench.board().nor().operations();
    let said = bench.flash(2, "second", &[]);
    assert!(said.contains("nothing to do"), "{said}");
    let said = bench.flash(1, "first", &[]);
    assert!(
        said.contains("version is 1.0.0, should be 1.1.0, which is installed, or later; say --downgrade"),
        "{said}"
    );
    assert_eq!(bench.board().nor().operations(), operations);
    bench.flash(0, "first", &["--downgrade"]);
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn a_dry_run_and_a_question_nobody_answers_touch_nothing() {
    let bench = Bench::provisioned();
    let said = bench.flash(0, "second", &["--dry-run"]);
    assert!(said.contains("would write the primary image") && said.contains("LFE5UM5G-45F answers"), "{said}");
    let running = bench.board().running().clone();
    assert!(matches!(running, Running::Primary(image) if image.usercode == FIRST), "it was not even stopped");
    assert_eq!(bench.board().nor().operations(), 0);
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn progress_comes_as_json_a_line() {
    let bench = Bench::provisioned();
    let ended = bench.run_flash("second", &["--json"]);
    let text = String::from_utf8(ended.stdout).expect("text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!((events[..2].to_vec(), events.last()), (vec!["package", "board"], Some(&"end")));
    let written = |line: &&serde_json::Value| line["event"] == "progress" && line["stage"] == "write";
    let last = lines.iter().rfind(written).expect("progress of the write");
    assert!(last["of"].as_u64() >= Some(65_536) && last["done"].as_u64() <= last["of"].as_u64(), "{last}");
    assert_eq!(lines.last().expect("an end")["outcome"], "proven");
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn another_part_on_the_board_is_refused_with_both_names() {
    let bench = Bench::with(0x0111_2043, Nor::erased());
    let said = bench.flash(1, "first", &["--golden", "--force"]);
    assert!(said.contains("LFE5UM5G-45F") && said.contains("LFE5UM-45F") && said.contains("answers on JTAG"), "{said}");
    assert_eq!(bench.board().nor().operations(), 0);
}

/// The loader ends with 0 and `Refresh: DONE` when the golden image runs: its word is not enough.
#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn a_fall_back_that_the_loader_calls_done_is_told() {
    let bench = Bench::provisioned();
    // A raw file of another part: written and verified without a look at what it is.
    let raw = fs::read(Shelf::get().path("other.bit")).expect("a bitstream");
    fs::write(Shelf::get().path("other-raw.bin"), raw).expect("room");
    let (code, said) = bench.loader(&["--write-flash", "--verify", "other-raw.bin"]);
    assert!(code == Some(0) && said.contains("Refresh: DONE"), "{said}");
    assert_eq!(bench.power_cycle(), Some((GOLDEN, true)), "and the board runs its golden image");
    // The same image by a package is refused before anything is touched, and the board is mended by any good one.
    let said = bench.flash(0, "second", &[]);
    assert!(said.contains("primary none, golden 0x600d0001") || said.contains("primary USERCODE none"), "{said}");
    assert_eq!(bench.power_cycle(), Some((SECOND, false)));
}

/// Without `--verify` a bad cell goes unnoticed, and the loader says `DONE`.
#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn a_bad_cell_is_found_by_reading_back() {
    let bench = Bench::provisioned();
    bench.board().nor_mut().set_faults(Faults::bad_cell(0x1_1234, 0x55));
    let (code, said) = bench.loader(&["--write-flash", "second.bit"]);
    assert!(code == Some(0) && said.contains("Refresh: DONE"), "{said}");
    assert_eq!(bench.power_cycle(), Some((GOLDEN, true)));
    bench.board().nor_mut().set_faults(Faults::bad_cell(0x1_1234, 0x55));
    let said = bench.flash(1, "second", &[]);
    assert!(said.contains("failed during primary image") && said.contains("Verif"), "{said}");
    assert_eq!(bench.power_cycle(), Some((GOLDEN, true)));
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn protected_blocks_are_not_written_and_told() {
    for bits in [protection::ONE_BLOCK | protection::BOTTOM, protection::ALL] {
        let bench = Bench::provisioned();
        bench.board().nor_mut().protect(bits);
        let said = bench.flash(1, "second", &[]);
        assert!(
            said.contains("the flash protects blocks by its status register: nothing was written at 0x000000"),
            "{said}"
        );
        assert_eq!(bench.board().nor().operations(), 0, "{said}");
        assert_eq!(bench.power_cycle(), Some((FIRST, false)));
    }
}

/// USERCODE is compared as 32 bits, whatever form its digits have: one that begins with zeros, and one with the top bit set.
#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn a_usercode_of_any_form_is_proven() {
    let shelf = Shelf::get();
    for (name, code) in [("small", 0x0000_000a), ("large", 0xf000_0000), ("all", 0x8000_0001_u32)] {
        shelf.ecppack(name, code, "LFE5UM5G-45F");
        let (primary, out) = (format!("{name}.bit"), format!("{name}.pldm"));
        let pack = ["image", "pack", "--board", "ecp5-versa-5g", "--version", "2.0.0", "--source", "0123456789abcdef"];
        shelf.weir(&[&pack[..], &["--primary", &primary, "--out", &out]].concat());
        shelf.weir(&["image", "sign", "--key", "release.key", &out]);
        let bench = Bench::provisioned();
        let said = bench.flash(0, name, &[]);
        assert!(said.contains(&format!("primary image {code:#010x} runs")), "{said}");
    }
}

#[test]
#[ignore = "needs openFPGALoader and ecppack: `cargo xtask test board`"]
fn power_cut_while_the_loader_writes_leaves_a_board_that_boots_and_can_be_flashed() {
    // A flash of the whole way takes a second; a thousand of them are for a long run, and for the flash's own pins.
    let cuts = if std::env::var_os("WEIR_LONG").is_some() { 1_000 } else { 24 };
    let whole = Bench::provisioned();
    whole.flash(0, "second", &[]);
    let operations = whole.board().nor().operations();
    let mut random = fastrand::Rng::with_seed(2026);
    let mut booted = [0; 3];
    for cut in 0..cuts {
        let bench = Bench::provisioned();
        let at = 1 + random.u64(0..operations);
        bench.board().nor_mut().set_faults(Faults::power_loss(at, cut));
        let said = bench.flash(1, "second", &[]);
        assert!(said.contains("run the same command again"), "{said}");
        match bench.power_cycle() {
            Some((FIRST, false)) => booted[0] += 1,
            Some((SECOND, false)) => booted[1] += 1,
            Some((GOLDEN, true)) => booted[2] += 1,
            other => panic!("cut {cut} at operation {at}: {other:x?} runs"),
        }
        // A cut behind the last bit that mattered leaves nothing to do.
        let again = bench.run_flash("second", &[]).status.code();
        assert!(matches!(again, Some(0 | 2)), "cut {cut} at operation {at}: {again:?}");
        assert_eq!(bench.power_cycle(), Some((SECOND, false)), "cut {cut} at operation {at}");
    }
    println!("of {cuts} cuts in {operations} operations: old {}, new {}, golden {}", booted[0], booted[1], booted[2]);
}

/// The image that `weir image build` made of the board's folder, by yosys, nextpnr and ecppack.
#[test]
fn the_whole_nic_is_built_signed_flashed_and_boots() {
    let shelf = Shelf::get();
    let built = tool("WEIR_IMAGE");
    let images: Vec<Bitstream> = ["primary.bit", "golden.bit"]
        .iter()
        .map(|name| fs::read(built.join(name)).expect("an image was built"))
        .map(|octets| Bitstream::read(&octets, Some(VERSA)).expect("every CRC holds"))
        .collect();
    let [primary, golden] = &images[..] else { unreachable!() };
    // All of its memory is there: flow table, maps, counters, queues.
    assert!(primary.crcs > 9_470 && primary.block_rams >= 60, "{primary}");
    assert_ne!(primary.usercode, golden.usercode);
    fs::copy(built.join("ecp5-versa-5g.pldm"), shelf.path("whole.pldm")).expect("a package was made");
    shelf.weir(&["image", "sign", "--key", "release.key", "whole.pldm"]);
    shelf.weir(&["image", "verify", "--board", "ecp5-versa-5g", "--key", "release.pub", "whole.pldm"]);

    let bench = Bench::blank();
    let said = bench.flash(0, "whole", &["--golden", "--force"]);
    assert!(said.contains(&format!("{:#010x}", primary.usercode)), "{said}");
    assert_eq!(bench.power_cycle(), Some((primary.usercode, false)));
    // A primary image that is spoilt leaves the golden one.
    let mut cells = bench.board().nor().cells().to_vec();
    cells[0x1000] ^= 0x10;
    let spoilt = Bench::with(VERSA, Nor::new(cells));
    assert_eq!(spoilt.power_cycle(), Some((golden.usercode, true)));
}
