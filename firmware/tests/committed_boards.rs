//! The boards this project carries.

use std::path::Path;

use weir_firmware::{Board, Faces, Package};

fn constraints() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../constraints"))
}

#[test]
fn every_committed_board_is_consistent() {
    let boards = Board::all(constraints()).unwrap();
    let names: Vec<_> = boards.iter().map(|board| board.facts.name.as_str()).collect();
    assert_eq!(names, ["colorlight-i9", "ecp5-versa-5g"]);
}

#[test]
fn every_committed_board_is_built_in() {
    let built_in: Vec<Board> = Board::built_in().collect();
    assert_eq!(built_in, Board::all(constraints()).unwrap());
}

#[test]
fn every_committed_board_has_notes() {
    for board in Board::all(constraints()).unwrap() {
        let notes = constraints().join(&board.facts.name).join("notes.md");
        assert!(notes.is_file(), "{}", notes.display());
    }
}

#[test]
fn the_versa_is_a_bump_in_the_wire_on_an_lfe5um5g_45f() {
    let board = Board::load(&constraints().join("ecp5-versa-5g")).unwrap();
    let device = &board.facts.device;
    assert_eq!((device.part.as_str(), device.package, device.speed_grade), ("LFE5UM5G-45F", Package::Cabga381, 8));
    assert_eq!(device.jtag_idcode, 0x8111_2043);
    let ports: Vec<_> = board.facts.ports.iter().map(|port| (port.name.as_str(), port.faces)).collect();
    assert_eq!(ports, [("eth0", Faces::Switch), ("eth1", Faces::Host)]);
    assert_eq!(board.pins.clocks["clk100"], 100_000_000);
}

#[test]
fn the_versa_locates_its_clock_reset_leds_ports_and_flash_and_nothing_else() {
    let board = Board::load(&constraints().join("ecp5-versa-5g")).unwrap();
    let of = |prefix: &str| board.pins.pins.keys().filter(|port| port.starts_with(prefix)).count();
    assert_eq!([of("led_n["), of("eth0_"), of("eth1_"), of("spi_")], [8, 15, 15, 5]);
    assert_eq!(board.pins.pins.len(), 2 + 8 + 15 + 15 + 5);
    assert_eq!(board.pins.pins["spi_mosi"].site, "W2");
    assert_eq!(board.pins.pins["spi_miso"].site, "V2");
}
