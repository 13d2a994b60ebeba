//! `weir flash` over frames, onto a board in another network namespace: written, proven after a cycle of power, cut off in the
//! middle and done again, and all that is refused.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::process::{Child, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use weir_board::stream::Stream;

use crate::flashed::{Bench, FIRST, FIRST_SOURCE, GOLDEN, SECOND, SECOND_SOURCE, flash};

#[test]
fn a_board_is_flashed_by_frames_and_proves_its_image_after_a_cycle_of_power() {
    let mut bench = Bench::new("t-flash");
    assert_eq!((bench.booted(), bench.runs().as_str()), ((FIRST, false), &FIRST_SOURCE[..8]));
    let before = bench.flash_contents();
    let told = bench.flash(0, &["--dry-run"], "second.pldm");
    assert!(told.contains("would write the primary image") && bench.flash_contents() == before, "{told}");

    let told = bench.flash(4, &[], "second.pldm");
    assert!(told.contains("installed: 1.0.0; primary USERCODE 0x00000101, golden 0x600d0001"), "{told}");
    assert!(told.contains("written and verified: 0x00000102 runs after a cycle of power"), "{told}");
    assert_eq!(bench.runs(), &FIRST_SOURCE[..8], "the image that runs is in the part, not in the flash");
    let told = bench.flash(4, &[], "second.pldm");
    assert!(told.contains("nothing to write: 0x00000102 is there, and another circuit runs"), "{told}");

    bench.cut_power();
    bench.power_on();
    assert_eq!((bench.booted(), bench.runs().as_str()), ((SECOND, false), &SECOND_SOURCE[..8]));
    let told = bench.flash(2, &[], "second.pldm");
    assert!(told.contains("is there, and a circuit of its source fedcba9876543210 runs"), "{told}");
}

#[test]
fn a_board_whose_power_goes_while_it_is_flashed_boots_and_is_flashed_again() {
    let mut bench = Bench::new("t-flash-cut");
    for stage in ["erase", "write"] {
        let (mut client, said) = begin(&bench, "second.pldm");
        let mut lines = said.lines().map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"));
        let begun = lines.any(|line: serde_json::Value| line["event"] == "progress" && line["stage"] == stage);
        assert!(begun, "no {stage}");
        bench.cut_power();
        lines.for_each(drop);
        let ended = client.wait().expect("it ends by itself");
        assert_eq!(ended.code(), Some(1), "during {stage}");
        bench.power_on();
        assert_eq!(bench.booted(), (GOLDEN, true), "after a cut during {stage}");
    }
    bench.flash(4, &[], "second.pldm");
    bench.cut_power();
    bench.power_on();
    assert_eq!((bench.booted(), bench.runs().as_str()), ((SECOND, false), &SECOND_SOURCE[..8]));
}

/// `weir flash --json`, and what it says. The pipe has room for a fraction of that, so that it cannot be far ahead of who reads.
fn begin(bench: &Bench, package: &str) -> (Child, BufReader<PipeReader>) {
    let (said, out) = pipe().expect("a pipe");
    fcntl(&said, FcntlArg::F_SETPIPE_SZ(4096)).expect("a page");
    let client = bench.at_host(|| {
        let mut weir = bench.weir(&flash("./ecp5-versa-5g", &["--json"], package));
        weir.stdout(out).stderr(Stdio::null()).spawn().expect("weir runs")
    });
    (client, BufReader::new(said))
}

#[test]
fn what_is_refused_leaves_the_flash_as_it_was() {
    let bench = Bench::new("t-flash-not");
    let before = bench.flash_contents();
    let other = Stream { idcode: 0x4111_2043, ..Stream::default() };
    bench.pack("other", "1.1.0", "colorlight-i9", SECOND_SOURCE, &other);
    // Another golden image than the flash has.
    let golden = Stream { usercode: 7, mark: (5, 5, 5), ..Stream::default() };
    fs::write(bench.path("golden.bit"), golden.write()).expect("room");
    bench.pack("anew", "1.1.0", "./ecp5-versa-5g", SECOND_SOURCE, &Stream { usercode: SECOND, ..Stream::default() });
    for (wanted, board, options, package) in [
        (
            "number of the board is 1, should be 2; name the --device of that board",
            "colorlight-i9",
            &[][..],
            "other.pldm",
        ),
        ("board is colorlight-i9 (number 2), should be ecp5-versa-5g (number 1)", "./ecp5-versa-5g", &[], "other.pldm"),
        ("say --force too", "./ecp5-versa-5g", &["--golden"], "anew.pldm"),
        // The board itself: it lets nobody write what it falls back to.
        ("let 0xd8 of 0 octets at 0x080000 through", "./ecp5-versa-5g", &["--golden", "--force"], "anew.pldm"),
    ] {
        let told = bench.ends(1, &flash(board, options, package));
        assert!(told.contains(wanted), "{wanted}: {told}");
        assert!(bench.flash_contents() == before, "{wanted}: the flash is another");
    }
    let told = bench.ends(1, &flash("colorlight-i9", &["--json"], "other.pldm"));
    let end = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).next_back();
    let end = end.expect("a last line");
    assert_eq!((&end["event"], &end["outcome"], &end["exit"]), (&"end".into(), &"refused".into(), &1.into()));
    assert_eq!(
        (&end["field"], &end["expected"], &end["found"]),
        (&"number of the board".into(), &"2".into(), &"1".into())
    );
    assert_eq!(told.matches("number of the board is 1").count(), 2, "once for people, once for programs: {told}");
    fs::write(bench.path("host.key"), "11".repeat(16)).expect("room");
    let told = bench.flash(1, &[], "second.pldm");
    assert!(told.contains("no board answers on eth0 to this key"), "{told}");
    assert!(bench.flash_contents() == before);
    assert_eq!(bench.booted(), (FIRST, false));
}
