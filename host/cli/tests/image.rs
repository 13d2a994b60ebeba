//! `weir image` as a user runs it: from bitstreams to a signed package, and what is refused on the way.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use weir_board::stream::Stream;

const VERSA: &[&str] = &["--board", "ecp5-versa-5g"];

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench { folder: tempfile::tempdir().expect("a folder") };
        fs::write(bench.path("primary.bit"), Stream::default().write()).expect("room");
        let golden = Stream { usercode: 0x600d_0001, ..Stream::default() };
        fs::write(bench.path("golden.bit"), golden.write()).expect("room");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, arguments: &[&str]) -> Output {
        let mut weir = Command::new(env!("CARGO_BIN_EXE_weir"));
        weir.current_dir(self.folder.path()).env_remove("WEIR_KEY_PASSWORD").env("SOURCE_DATE_EPOCH", "1792000000");
        weir.arg("image").args(arguments).output().expect("weir runs")
    }

    /// Runs and expects exit code 0; what it printed.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.image(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs and expects a refusal with this exit code; what it said.
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.image(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        errors
    }

    fn pack(&self, version: &str, out: &str) -> String {
        let images = ["--primary", "primary.bit", "--golden", "golden.bit", "--source", "0123456789abcdef"];
        let rest = ["pack", "--version", version, "--out", out, "--tool", "place-and-route=nextpnr-ecp5 0.11.1"];
        self.done(&[&rest[..], &images, VERSA].concat())
    }

    fn signed(&self, version: &str, out: &str) {
        self.pack(version, out);
        if !self.path("release.key").exists() {
            self.done(&["keygen", "--unencrypted", "--out", "release"]);
        }
        self.done(&["sign", "--key", "release.key", out]);
    }
}

fn flip(path: &Path, at: usize) {
    let mut octets = fs::read(path).expect("a file");
    octets[at] ^= 1;
    fs::write(path, octets).expect("room");
}

#[test]
fn a_package_is_made_signed_and_verified() {
    let bench = Bench::new();
    bench.signed("0.2.7", "weir.pldm");
    let told = bench.done(&[&["verify", "--key", "release.pub", "weir.pldm"][..], VERSA].concat());
    assert!(told.contains("weir.pldm: 0.2.7 for ecp5-versa-5g, signed by"), "{told}");
    let told = bench.done(&["inspect", "weir.pldm"]);
    for line in ["package    0.2.7 for ecp5-versa-5g (number 1)", "tool       place-and-route: nextpnr-ecp5 0.11.1"] {
        assert!(told.contains(line), "{told}");
    }
    assert!(told.contains("golden     image for LFE5UM5G-45F, 9470 compressed frames"), "{told}");
    let told = bench.done(&["inspect", "--json", "primary.bit"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((told["usercode"].as_u64(), told["crcs"].as_u64()), (Some(0x1234_5678), Some(9_472)));
}

#[test]
fn the_same_bitstreams_make_the_same_package() {
    let bench = Bench::new();
    bench.pack("0.2.7", "one.pldm");
    bench.pack("0.2.7", "two.pldm");
    assert_eq!(fs::read(bench.path("one.pldm")).expect("a file"), fs::read(bench.path("two.pldm")).expect("a file"));
}

#[test]
fn minisign_files_have_the_names_and_modes_they_should() {
    let bench = Bench::new();
    bench.done(&["keygen", "--unencrypted", "--out", "release"]);
    let mode = |name| fs::metadata(bench.path(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("release.key"), mode("release.pub") & 0o400), (0o600, 0o400));
    let again = bench.refused(1, &["keygen", "--unencrypted", "--out", "release"]);
    assert!(again.contains("release.key is there already"), "{again}");
    let none = bench.refused(1, &["keygen", "--out", "other"]);
    assert!(none.contains("WEIR_KEY_PASSWORD") && !bench.path("other.key").exists(), "{none}");
}

#[test]
fn what_was_changed_or_signed_by_others_is_refused() {
    let bench = Bench::new();
    bench.signed("0.2.7", "weir.pldm");
    let verify = [&["verify", "--key", "release.pub", "weir.pldm"][..], VERSA].concat();
    flip(&bench.path("weir.pldm"), 50_000);
    let told = bench.refused(1, &verify);
    assert!(told.contains("weir.pldm is refused") && told.contains("the signature does not hold"), "{told}");
    let told = bench.refused(1, &["inspect", "weir.pldm"]);
    assert!(told.contains("weir.pldm: the primary image is not accepted: "), "{told}");
    flip(&bench.path("weir.pldm"), 50_000);
    bench.done(&verify);

    bench.done(&["keygen", "--unencrypted", "--out", "other"]);
    let other = [&["verify", "--key", "other.pub", "weir.pldm"][..], VERSA].concat();
    let told = bench.refused(1, &other);
    assert!(told.contains("which is not trusted here"), "{told}");
    let line = fs::read_to_string(bench.path("release.pub")).expect("a key");
    let line = line.lines().last().expect("a line").to_string();
    let trusted = format!("[[key]]\nname = \"release\"\npublic = \"{line}\"\nuntil = 2020-01-01\n");
    fs::write(bench.path("keys.toml"), trusted).expect("room");
    let expired = [&["verify", "--trusted", "keys.toml", "weir.pldm"][..], VERSA].concat();
    let told = bench.refused(1, &expired);
    assert!(told.contains("(release), which was to be taken until 2020-01-01"), "{told}");
    fs::remove_file(bench.path("weir.pldm.minisig")).expect("a file");
    let told = bench.refused(3, &verify);
    assert!(told.contains("sign it with `weir image sign`") && told.contains("weir.pldm.minisig"), "{told}");
}

#[test]
fn an_earlier_version_is_refused_unless_it_is_meant() {
    let bench = Bench::new();
    bench.signed("0.2.7", "weir.pldm");
    let verify = [&["verify", "--key", "release.pub", "--installed", "0.3.0", "weir.pldm"][..], VERSA].concat();
    let told = bench.refused(1, &verify);
    assert!(
        told.contains("version is 0.2.7, should be 0.3.0, which is installed, or later; say --downgrade"),
        "{told}"
    );
    bench.done(&[&verify[..], &["--downgrade"]].concat());
}

#[test]
fn what_makes_no_package_leaves_none() {
    let bench = Bench::new();
    fs::write(bench.path("text.bit"), "no bitstream").expect("room");
    let other = Stream { idcode: 0x4111_2043, ..Stream::default() };
    fs::write(bench.path("other.bit"), other.write()).expect("room");
    let pack = |board: &str, primary: &str, code| {
        let arguments =
            ["pack", "--board", board, "--version", "1.0.0", "--primary", primary, "--source", "0123456789abcdef"];
        let told = bench.refused(code, &[&arguments[..], &["--out", "weir.pldm"]].concat());
        assert!(!bench.path("weir.pldm").exists());
        told
    };
    assert!(pack("ecp5-versa-5g", "text.bit", 1).contains("no preamble"));
    assert!(pack("ecp5-versa-5g", "other.bit", 1).contains("(LFE5U-45F) at octet"));
    assert!(pack("ecp5-versa-5g", "nowhere.bit", 3).contains("failed to read nowhere.bit"));
    assert!(pack("versa", "primary.bit", 1).contains("no board \"versa\"; built in: colorlight-i9, ecp5-versa-5g"));
    assert!(pack("./versa", "primary.bit", 3).contains("failed to take board ./versa"));
}

#[test]
fn a_key_that_does_not_sign_is_told_with_what_would() {
    let bench = Bench::new();
    bench.signed("0.2.7", "weir.pldm");
    fs::remove_file(bench.path("weir.pldm.minisig")).expect("a file");
    let sign = |key: &str, password: &str| {
        let mut weir = Command::new(env!("CARGO_BIN_EXE_weir"));
        weir.current_dir(bench.folder.path()).env("WEIR_KEY_PASSWORD", password);
        let ended = weir.args(["image", "sign", "--key", key, "weir.pldm"]).output().expect("weir runs");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains(&format!("failed to sign with {key}: ")), "{told}");
        assert!(!bench.path("weir.pldm.minisig").exists(), "{told}");
        told
    };
    // As an encrypted key says that it is one: by the two octets after those of its kind.
    let plain = fs::read_to_string(bench.path("release.key")).expect("a key");
    assert!(plain.contains("RWQAAE"), "minisign's secret keys begin so");
    fs::write(bench.path("sealed.key"), plain.replace("RWQAAE", "RWRTY0")).expect("room");
    assert!(sign("sealed.key", "").contains("take its password into WEIR_KEY_PASSWORD"));
    assert!(sign("sealed.key", "wrong").contains("take the key's own password into WEIR_KEY_PASSWORD"));
    assert!(sign("release.key", "wrong").contains("and none for a key that is not encrypted"));
    assert!(sign("release.pub", "").contains("this is the public key "));
}

#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let bench = Bench::new();
    let pack = |out: &str| {
        let arguments = ["pack", "--version", "1.0.0", "--primary", "primary.bit", "--source", "0123456789abcdef"];
        bench.refused(1, &[&arguments[..], VERSA, &["--out", out]].concat())
    };
    mkfifo(&bench.path("pipe"), Mode::S_IRWXU).expect("room");
    symlink("target", bench.path("link")).expect("room");
    fs::create_dir(bench.path("folder")).expect("room");
    for (out, what) in [("pipe", "a pipe"), ("link", "a symbolic link"), ("folder", "a directory")] {
        let before = fs::symlink_metadata(bench.path(out)).expect("it is there").file_type();
        let told = pack(out);
        assert!(told.contains(&format!("{out} is {what}, should be a regular file or nothing yet")), "{told}");
        assert_eq!(fs::symlink_metadata(bench.path(out)).expect("it is there").file_type(), before);
    }
    assert!(!bench.path("target").exists());

    symlink("target", bench.path("release.pub")).expect("room");
    let told = bench.refused(1, &["keygen", "--unencrypted", "--out", "release"]);
    assert!(told.contains("release.pub is a symbolic link") && !bench.path("release.key").exists(), "{told}");
}

#[test]
fn a_bitstream_is_not_replaced_by_its_package() {
    let bench = Bench::new();
    fs::hard_link(bench.path("golden.bit"), bench.path("other.bit")).expect("room");
    let images = ["--primary", "primary.bit", "--golden", "golden.bit", "--source", "0123456789abcdef"];
    for (out, input) in [("primary.bit", "primary.bit"), ("./golden.bit", "golden.bit"), ("other.bit", "golden.bit")] {
        let before = fs::read(bench.path(out)).expect("a file");
        let told = bench.refused(1, &[&["pack", "--version", "1.0.0", "--out", out], &images[..], VERSA].concat());
        assert!(
            told.contains(&format!("{out} is the same file as {input}, which is read, should be another")),
            "{told}"
        );
        assert!(fs::read(bench.path(out)).expect("a file") == before, "{out}");
    }
    bench.pack("1.0.0", "weir.pldm");
    bench.pack("1.0.1", "weir.pldm");
}

#[test]
fn a_file_without_an_end_is_refused() {
    let bench = Bench::new();
    let pipe = bench.path("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("room");
    // More than is taken of it, and an end all the same, for a reader that would go on.
    let writer = thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(pipe).expect("a reader");
        let block = vec![0xff; 1 << 20];
        (0..80).take_while(|_| pipe.write_all(&block).is_ok()).count()
    });
    let told = bench.refused(1, &["inspect", "pipe"]);
    assert!(told.contains("pipe has more than 67108864 octets, should have at most so many"), "{told}");
    assert!(writer.join().expect("it ends") < 80, "all of it was read");
}

#[test]
fn nothing_is_signed_that_is_no_package() {
    let bench = Bench::new();
    bench.done(&["keygen", "--unencrypted", "--out", "release"]);
    let told = bench.refused(1, &["sign", "--key", "release.key", "primary.bit"]);
    assert!(told.contains("primary.bit is not signed") && !bench.path("primary.bit.minisig").exists(), "{told}");
}

#[test]
fn a_dry_run_ends_as_any_other_run_does() {
    let bench = Bench::new();
    bench.signed("0.2.7", "weir.pldm");
    let loader = bench.path("loader");
    fs::write(&loader, "#!/bin/sh\necho \"$@\" >> asked\necho '  idcode 0x81112043'\n").expect("room");
    fs::set_permissions(&loader, fs::Permissions::from_mode(0o755)).expect("our own file");
    let mut weir = Command::new(env!("CARGO_BIN_EXE_weir"));
    weir.current_dir(bench.folder.path()).args(["flash", "--device", "jtag:none", "--openfpgaloader", "./loader"]);
    weir.args(VERSA).args(["--key", "release.pub", "--golden", "--force", "--dry-run", "--json", "weir.pldm"]);
    let ended = weir.output().expect("weir runs");
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let text = String::from_utf8(ended.stdout).expect("text");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["package", "board", "would-write", "would-write", "end"]);
    assert_eq!(lines.last(), Some(&serde_json::json!({ "event": "end", "outcome": "dry-run", "exit": 0 })));
    assert_eq!(fs::read_to_string(bench.path("asked")).expect("it ran"), "--cable none --detect\n");
}

/// `weir image build` with programs that tell a version, and a yosys that never ends.
fn build(bench: &Bench, out: &str) -> Command {
    let script = bench.path("tool");
    if !script.exists() {
        let text = "#!/bin/sh\ntest \"$1\" = --version && { echo tool 1.0; exit; }\necho $$ > running\nsleep 1000\n";
        fs::write(&script, text).expect("room");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    let mut weir = Command::new(env!("CARGO_BIN_EXE_weir"));
    weir.current_dir(bench.folder.path()).args(["image", "build", "--source", "0123456789abcdef", "--out", out]);
    weir.args(VERSA).stdout(Stdio::piped()).stderr(Stdio::piped());
    weir.envs(["WEIR_YOSYS", "WEIR_NEXTPNR", "WEIR_ECPPACK"].map(|name| (name, &script)));
    weir
}

#[test]
fn a_second_build_in_a_folder_is_refused_and_a_signal_ends_the_first_with_its_program() {
    let bench = Bench::new();
    let first = build(&bench, "build").spawn().expect("weir runs");
    let running = bench.path("build/running");
    let since = Instant::now();
    let pid: i32 = loop {
        match fs::read_to_string(&running).ok().and_then(|text| text.trim().parse().ok()) {
            Some(pid) => break pid,
            None => assert!(since.elapsed() < Duration::from_secs(300), "no program is run"),
        }
        sleep(Duration::from_millis(20));
    };
    let second = build(&bench, "build").output().expect("weir runs");
    let told = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("build folder build is in use by another build, should be free"), "{told}");

    kill(Pid::from_raw(first.id() as i32), Signal::SIGINT).expect("it runs");
    let ended = first.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("interrupted during stage synthesise: the same command goes on from there"), "{told}");
    let since = Instant::now();
    while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
        assert!(since.elapsed() < Duration::from_secs(60), "its program goes on");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_program_that_is_nowhere_is_not_found() {
    let bench = Bench::new();
    let mut nowhere = build(&bench, "build");
    nowhere.env_remove("WEIR_YOSYS").env("PATH", bench.path("empty")).env("WEIR_CACHE", bench.path("empty"));
    let mut misnamed = build(&bench, "build");
    misnamed.env("WEIR_YOSYS", bench.path("empty/yosys"));
    for (mut weir, said) in [(nowhere, "yosys is not there"), (misnamed, "empty/yosys --version")] {
        let ended = weir.output().expect("weir runs");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{told}");
        assert!(told.contains(said) && !bench.path("build").exists(), "{told}");
    }
}

#[test]
fn what_can_be_no_folder_to_build_in_fails_with_one_code() {
    let bench = Bench::new();
    for out in ["/proc/x", "/dev/null"] {
        let ended = build(&bench, out).output().expect("weir runs");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{out}: {told}");
        assert!(told.contains(&format!("failed to make build folder {out}: ")), "{told}");
    }
}
