//! A board in a network namespace of its own, with a cable to a host in another: what `weir flash` reaches by frames.
//!
//! ```text
//!   NAME-sw: br0       NAME-nic1: weir device          NAME-h1: weir flash, weir nic
//!      p1 |            wire |       | TAP  cable |          eth0 |
//!         +-- veth ---------+       +---- br0 ---+----- veth ----+
//! ```

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use weir_board::Nor;
use weir_board::stream::Stream;
use weir_firmware::Board;
use weir_firmware::flash::spi::SpiFlash;
use weir_firmware::flash::{Options, Update};
use weir_firmware::image::ImagePackage;
use weir_lab::links;
use weir_lab::namespace::{Namespace, remove_leftovers};
use weir_lab::topology;
use weir_spec::regs::LAYOUT;

use crate::stage::weir_binary;

pub(crate) const FIRST: u32 = 0x0000_0101;
pub(crate) const SECOND: u32 = 0x0000_0102;
pub(crate) const GOLDEN: u32 = 0x600d_0001;
/// What the primary images are made of, by what a NIC answers.
pub(crate) const FIRST_SOURCE: &str = "0123456789abcdef";
pub(crate) const SECOND_SOURCE: &str = "fedcba9876543210";

/// The Versa, but with a flash of 1 MiB, which is read in a sixteenth of the time.
const FLASH_BYTES: usize = 1 << 20;
const SMALLER: &[(&str, &str)] = &[
    ("bytes = 0x1000000", "bytes = 0x100000"),
    ("address = 0x800000", "address = 0x80000"),
    ("address = 0xffff00", "address = 0xfff00"),
    ("address = 0x7f0000", "address = 0x70000"),
    ("address = 0x7e0000", "address = 0x60000"),
];

/// A board and the host behind it; both end with this.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    device: Option<Child>,
    board: Namespace,
    host: Namespace,
    _switch: Namespace,
}

impl Bench {
    /// A board with a golden image and version 1.0.0, that runs and has the key of its host.
    pub(crate) fn new(name: &str) -> Bench {
        remove_leftovers(name);
        let make = |name: &str| Namespace::create(name).expect("these scenarios need root");
        let (switch, board) = (make(&topology::switch(name)), make(&topology::nic(name, 1)));
        let host = make(&topology::host(name, 1));
        links::make_bridge(&switch).expect("a switch");
        links::plug(&switch, "p1", &board, "wire").expect("a wire");
        links::set_wire(&board, "wire").expect("a wire");
        links::make_bridge(&board).expect("the host's cable");
        links::plug(&board, "cable", &host, "eth0").expect("the host's cable");
        links::set_up(&host, "eth0").expect("the host's interface");
        let folder = tempfile::tempdir().expect("a folder");
        let mut bench = Bench { folder, device: None, board, host, _switch: switch };
        bench.lay_out();
        bench.power_on();
        bench.done(&["nic", "key", "eth0", "host.key"]);
        bench
    }

    /// Board, packages and flash.
    fn lay_out(&self) {
        let constraints = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../constraints/ecp5-versa-5g");
        let folder = self.path("ecp5-versa-5g");
        fs::create_dir(&folder).expect("room");
        let read = |name: &str| fs::read_to_string(constraints.join(name)).expect("a board");
        let facts = SMALLER.iter().fold(read("board.toml"), |facts, (from, to)| {
            assert!(facts.contains(from), "{from} in board.toml");
            facts.replace(from, to)
        });
        fs::write(folder.join("board.toml"), facts).expect("room");
        fs::write(folder.join("pins.lpf"), read("pins.lpf")).expect("room");
        self.done(&["image", "keygen", "--unencrypted", "--out", "release"]);
        let versa = Stream::default();
        let golden = Stream { usercode: GOLDEN, ..Stream::default() };
        fs::write(self.path("golden.bit"), golden.write()).expect("room");
        let first = Stream { usercode: FIRST, mark: (9_000, 3, 1), ..versa };
        self.pack("first", "1.0.0", "./ecp5-versa-5g", FIRST_SOURCE, &first);
        let second = Stream { usercode: SECOND, mark: (9_000, 3, 2), ..Stream::default() };
        self.pack("second", "1.1.0", "./ecp5-versa-5g", SECOND_SOURCE, &second);

        let package = ImagePackage::read(&fs::read(self.path("first.pldm")).expect("a package")).expect("a package");
        let board = Board::load(&folder).expect("a board");
        let mut pins = SpiFlash::new(Nor::new(vec![0xff; FLASH_BYTES]));
        let options = Options { golden: true, force: true, downgrade: false };
        let layout = ((LAYOUT >> 16) as u16, LAYOUT as u16);
        let update = Update::new(&board, &package, layout, options, &mut pins).expect("it fits");
        let plan = update.plan(&mut pins, &mut |_| {}).expect("a blank flash");
        update.execute(&plan, &mut pins, &mut |_| {}, &mut |_| {}).expect("it is written");
        fs::write(self.path("flash"), pins.bus_mut().cells()).expect("room");
    }

    /// A signed package of this primary image, and the golden one if it is for the same part.
    pub(crate) fn pack(&self, name: &str, version: &str, board: &str, source: &str, primary: &Stream) {
        let (bit, out) = (format!("{name}.bit"), format!("{name}.pldm"));
        fs::write(self.path(&bit), primary.write()).expect("room");
        let golden: &[&str] =
            if primary.idcode == Stream::default().idcode { &["--golden", "golden.bit"] } else { &[] };
        let pack = ["image", "pack", "--board", board, "--version", version, "--source", source, "--primary", &bit];
        self.done(&[&pack[..], golden, &["--out", &out]].concat());
        self.done(&["image", "sign", "--key", "release.key", &out]);
    }

    /// Starts the device, and returns when the host's cable is plugged in.
    pub(crate) fn power_on(&mut self) {
        let options = ["device", "--socket", "nic.sock", "--wire", "wire", "--tap", "tap0", "--trace", "trace"];
        let board = ["--board", "./ecp5-versa-5g", "--flash", "flash", "--board-key", "board.key"];
        let start = || {
            let mut weir = Command::new(weir_binary());
            weir.current_dir(self.folder.path()).args(options).args(board).stdout(Stdio::piped());
            weir.env("WEIR_LOG", "warn").spawn().expect("weir runs")
        };
        let mut device = self.board.enter(start).expect("the namespace is there");
        let mut line = String::new();
        BufReader::new(device.stdout.take().expect("it was piped")).read_line(&mut line).expect("text");
        self.device = Some(device);
        assert_eq!(line, "ready\n", "the device says so");
        links::join_bridge(&self.board, "tap0").expect("the TAP is there");
    }

    /// Power goes, in the middle of whatever it is.
    pub(crate) fn cut_power(&mut self) {
        if let Some(mut device) = self.device.take() {
            kill(Pid::from_raw(device.id() as i32), Signal::SIGKILL).expect("it runs");
            device.wait().expect("it has ended");
            while links::exists(&self.board, "tap0").expect("the namespace is there") {
                sleep(Duration::from_millis(1));
            }
        }
    }

    /// What it booted, by its trace: USERCODE, and whether it was the golden image.
    pub(crate) fn booted(&self) -> (u32, bool) {
        let trace = fs::read_to_string(self.path("trace")).expect("a trace");
        let line: serde_json::Value = serde_json::from_str(trace.lines().next().expect("a line")).expect("JSON");
        assert_eq!(line["event"], "boot", "{line}");
        (line["usercode"].as_u64().expect("a number") as u32, line["golden"].as_bool().expect("a truth"))
    }

    pub(crate) fn flash_contents(&self) -> Vec<u8> {
        fs::read(self.path("flash")).expect("a flash")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `weir` at the host, not yet started.
    pub(crate) fn weir(&self, arguments: &[&str]) -> Command {
        let mut weir = Command::new(weir_binary());
        weir.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null()).env("WEIR_LOG", "off");
        weir
    }

    /// Runs what was not yet started at the host.
    pub(crate) fn at_host<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        self.host.enter(run).expect("the namespace is there")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.at_host(|| self.weir(arguments).output().expect("weir runs"))
    }

    /// Runs `weir` at the host and expects this exit code; what it said on both ways.
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn done(&self, arguments: &[&str]) -> String {
        self.ends(0, arguments)
    }

    /// `weir flash` with the board's own description.
    pub(crate) fn flash(&self, code: i32, options: &[&str], package: &str) -> String {
        self.ends(code, &flash("./ecp5-versa-5g", options, package))
    }

    /// The commit that the board's id block tells.
    pub(crate) fn runs(&self) -> String {
        let told = self.done(&["nic", "info", "--json", "eth:eth0:host.key"]);
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["board"], 1);
        told["git_hash"].as_str().expect("text").to_string()
    }
}

/// The words of `weir flash`.
pub(crate) fn flash<'a>(board: &'a str, options: &[&'a str], package: &'a str) -> Vec<&'a str> {
    let words = ["flash", "--board", board, "--device", "eth:eth0:host.key", "--key", "release.pub", "-y"];
    [&words[..], options, &[package]].concat()
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.cut_power();
    }
}
