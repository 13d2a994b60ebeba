//! Every kind of fault, put into a copy of the committed board by one edit, with the words it is told in.

use std::error::Error;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weir_firmware::{Board, BoardError};

const GOOD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../constraints/ecp5-versa-5g");

/// A constraints folder with copies of the committed board.
struct Constraints(TempDir);

impl Constraints {
    fn with(names: &[&str]) -> Constraints {
        let constraints = Constraints(tempfile::tempdir().unwrap());
        for name in names {
            let folder = constraints.folder(name);
            fs::create_dir(&folder).unwrap();
            for file in ["board.toml", "pins.lpf"] {
                fs::copy(Path::new(GOOD).join(file), folder.join(file)).unwrap();
            }
            constraints.edit(name, "board.toml", "name = \"ecp5-versa-5g\"", &format!("name = \"{name}\""));
        }
        constraints
    }

    fn folder(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn edit(&self, name: &str, file: &str, from: &str, to: &str) {
        let path = self.folder(name).join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?} to edit");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

/// The error and its cause, after one edit.
fn refusal(file: &str, from: &str, to: &str) -> (BoardError, String) {
    let constraints = Constraints::with(&["copy"]);
    constraints.edit("copy", file, from, to);
    let error = Board::load(&constraints.folder("copy")).expect_err(to);
    assert!(error.to_string().contains(file), "{error} does not name {file}");
    let cause = error.source().map(|cause| cause.to_string()).unwrap_or_default();
    (error, cause)
}

#[test]
fn a_copy_without_a_fault_is_taken() {
    let constraints = Constraints::with(&["copy"]);
    assert_eq!(Board::load(&constraints.folder("copy")).unwrap().facts.name, "copy");
}

#[test]
fn two_phys_on_one_wire_have_two_addresses() {
    let constraints = Constraints::with(&["copy"]);
    constraints.edit("copy", "board.toml", "faces = \"switch\"", "faces = \"switch\"\nphy_address = 3");
    constraints.edit("copy", "board.toml", "faces = \"host\"", "faces = \"host\"\nmdio = \"eth0\"\nphy_address = 3");
    let error = Board::load(&constraints.folder("copy")).unwrap_err();
    let told = error.source().map(|cause| cause.to_string());
    let expected = "eth0.phy_address is 3, should be another than that of who shares its MDIO";
    assert_eq!(told.as_deref(), Some(expected));
}

#[test]
fn a_value_out_of_range_is_told_with_its_field_and_what_would_be_right() {
    let cases = [
        ("name = \"copy\"", "name = \"other\"", "name is \"other\", should be the folder's, \"copy\""),
        (
            "title = \"Lattice ECP5-5G Versa Development Board\"",
            "title = \" \"",
            "title is \" \", should be what the maker calls the board",
        ),
        ("number = 1", "number = 0", "number is 0, should be 1 or more, since 0 is the simulated NIC"),
        ("data_width_bits = 64", "data_width_bits = 65", "data_width_bits is 65, should be 64 or 512"),
        (
            "\"LFE5UM5G-45F\"",
            "\"lfe5um5g\"",
            "device.part is \"lfe5um5g\", should be capitals, digits and hyphens, like \"LFE5UM5G-45F\"",
        ),
        ("speed_grade = 8", "speed_grade = 9", "device.speed_grade is 9, should be 6, 7 or 8"),
        (
            "jtag_idcode = 0x81112043",
            "jtag_idcode = 0x0362d093",
            "device.jtag_idcode is 0x0362d093, should be 0x81112043, that of LFE5UM5G-45F",
        ),
        (
            "jtag_idcode = 0x81112043",
            "jtag_idcode = 0x01112043",
            "device.jtag_idcode is 0x01112043, should be 0x81112043, that of LFE5UM5G-45F",
        ),
        (
            "reference_khz = 100_000",
            "reference_khz = 0",
            "clock.reference_khz is 0, should be the frequency of the oscillator, above 0",
        ),
        ("core_khz = 125_000", "core_khz = 999", "clock.core_khz is 999, should be 1000 to 500000"),
        (
            "core_khz = 125_000",
            "core_khz = 15_624",
            "clock.core_khz is 15624, should be at least 15625, the line rate of eth0",
        ),
        (
            "name = \"eth0\"",
            "name = \"Eth 0\"",
            "ports[0].name is \"Eth 0\", should be lower-case letters and digits, a letter first",
        ),
        (
            "name = \"eth0\"",
            "name = \"0eth\"",
            "ports[0].name is \"0eth\", should be lower-case letters and digits, a letter first",
        ),
        (
            "port = \"clk100\"",
            "port = \"wire\"",
            "clock.port is \"wire\", should be a name that is no reserved word of SystemVerilog",
        ),
        (
            "port = \"led_n\"",
            "port = \"output\"",
            "lights.port is \"output\", should be a name that is no reserved word of SystemVerilog",
        ),
        (
            "port = \"rst_n\"",
            "port = \"RST\"",
            "button.port is \"RST\", should be small letters, digits and underscores, a letter first",
        ),
        (
            "port = \"rst_n\"",
            "port = \"clk100\"",
            "button.port is \"clk100\", should be another name than clock.port has",
        ),
        (
            "name = \"eth1\"",
            "name = \"eth1\"\nmdio = \"eth-0\"",
            "eth1.mdio is \"eth-0\", should be small letters, digits and underscores, a letter first",
        ),
        ("name = \"eth1\"", "name = \"eth0\"", "ports[1].name is \"eth0\", should be a name no other port has"),
        (
            "rx_delay_steps = 0",
            "rx_delay_steps = 128",
            "eth0.rx_delay_steps is 128, should be 0 to 127, the steps of DELAYG",
        ),
        (
            "delay_source = \"LiteX",
            "delay_source = \"\" # \"",
            "eth0.delay_source is \"\", should be where the delays are known from",
        ),
        (
            "tx_clock = \"aligned\"",
            "tx_clock = \"late\"\nphy_address = 32",
            "eth0.phy_address is 32, should be 0 to 31, an address of MDIO",
        ),
        (
            "name = \"eth1\"",
            "name = \"eth1\"\nmdio = \"eth0\"",
            "eth0.phy_address is absent, should be the PHY's address, since its MDIO is shared",
        ),
        ("count = 8", "count = 9", "lights.count is 9, should be 1 to 8"),
        (
            "faces = \"switch\"",
            "faces = \"host\"",
            "ports is without one that faces the switch, should be at least one with faces = \"switch\"",
        ),
        (
            "bytes = 0x1000000",
            "bytes = 0x1800000",
            "flash.bytes is 0x1800000, should be a power of two from 0x100000 to 0x1000000",
        ),
        (
            "address = 0x000000",
            "address = 0x100",
            "flash.primary.address is 0x100, should be 0x0, where the FPGA looks first",
        ),
        (
            "address = 0x800000",
            "address = 0x808000",
            "flash.golden.address is 0x808000, should be a multiple of 0x10000 from 0x10000 to 0xfe0000",
        ),
        (
            "address = 0x800000",
            "address = 0xff0000",
            "flash.golden.address is 0xff0000, should be a multiple of 0x10000 from 0x10000 to 0xfe0000",
        ),
        (
            "address = 0x7f0000",
            "address = 0x7f8000",
            "flash.installed.address is 0x7f8000, should be an erase block of its own, a multiple of 0x10000 below 0x800000",
        ),
        (
            "address = 0x7e0000",
            "address = 0x7f0000",
            "flash.key.address is 0x7f0000, should be an erase block of its own, a multiple of 0x10000 below 0x800000",
        ),
        (
            "address = 0x7e0000",
            "address = 0x800000",
            "flash.key.address is 0x800000, should be an erase block of its own, a multiple of 0x10000 below 0x800000",
        ),
        (
            "address = 0xffff00",
            "address = 0x7fff00",
            "flash.jump.address is 0x7fff00, should be 0xffff00, the last page of the flash",
        ),
        (
            "source = \"where ecpmulti",
            "source = \"\" # \"",
            "flash.primary.source is \"\", should be where the number is known from",
        ),
    ];
    for (from, to, told) in cases {
        let (error, cause) = refusal("board.toml", from, to);
        assert!(matches!(error, BoardError::Value { .. }), "{error}: {cause}");
        assert_eq!(cause, told);
    }
}

#[test]
fn a_key_or_a_word_nobody_knows_is_told_with_its_line() {
    let cases = [
        ("number = 1", "number = 1\ncolour = \"green\"", "unknown field `colour`"),
        ("speed_grade", "speed", "unknown field `speed`"),
        ("[flash.jump]\n", "[flash.jump]\nsize = 256\n", "unknown field `size`"),
        ("\"CABGA381\"", "\"CABGA999\"", "unknown variant `CABGA999`, expected `CABGA381`"),
        ("\"rgmii\"", "\"xgmii\"", "unknown variant `xgmii`, expected `rgmii`"),
        ("\"switch\"", "\"router\"", "unknown variant `router`, expected `switch` or `host`"),
        ("number = 1\n", "", "missing field `number`"),
        ("number = 1", "number = \"one\"", "invalid type: string \"one\", expected u32"),
        ("number = 1", "number = -1", "invalid value: integer `-1`, expected u32"),
    ];
    for (from, to, told) in cases {
        let (error, cause) = refusal("board.toml", from, to);
        let BoardError::Syntax { message, .. } = &error else { panic!("{error}: {cause}") };
        assert!(message.contains(told) && message.contains("line "), "{message}");
    }
}

#[test]
fn pins_that_do_not_hang_together_are_told_with_their_line() {
    let (error, cause) = refusal("pins.lpf", "SITE \"T1\"", "SITE \"P3\"");
    assert!(matches!(error, BoardError::Pins { .. }), "{error}");
    assert!(
        cause.ends_with("site of port \"rst_n\" is P3, should be one that port \"clk100\" does not have already"),
        "{cause}"
    );
}

#[test]
fn pins_that_contradict_the_board_are_told() {
    let cases = [
        (
            "LOCATE COMP \"eth1_mdio\"",
            "LOCATE COMP \"eth1_mdo\"",
            "IOBUF PORT \"eth1_mdio\"",
            "IOBUF PORT \"eth1_mdo\"",
            "eth1_mdio is nowhere, should be at a site, since board.toml speaks of it",
        ),
        (
            "FREQUENCY PORT \"clk100\" 100 MHZ",
            "FREQUENCY PORT \"clk100\" 100.5 MHZ",
            "",
            "",
            "clk100 is a clock of 100500000 Hz, should be a clock of 100000000 Hz",
        ),
        (
            "FREQUENCY PORT \"eth0_rx_clk\" 125 MHZ;",
            "",
            "",
            "",
            "eth0_rx_clk is without a FREQUENCY, should be a clock of 125000000 Hz",
        ),
        ("SITE \"W2\"", "SITE \"A1\"", "", "", "spi_mosi is at A1, should be at W2, the pad the FPGA boots through"),
    ];
    for (from, to, from_too, to_too, told) in cases {
        let constraints = Constraints::with(&["copy"]);
        constraints.edit("copy", "pins.lpf", from, to);
        constraints.edit("copy", "pins.lpf", from_too, to_too);
        let error = Board::load(&constraints.folder("copy")).expect_err(told);
        assert!(matches!(&error, BoardError::Value { path, .. } if path.ends_with("pins.lpf")), "{error}");
        assert_eq!(error.source().unwrap().to_string(), told);
    }
}

#[test]
fn exchanged_mosi_and_miso_are_refused() {
    let constraints = Constraints::with(&["copy"]);
    constraints.edit(
        "copy",
        "pins.lpf",
        "LOCATE COMP \"spi_mosi\" SITE \"W2\"",
        "LOCATE COMP \"spi_mosi\" SITE \"V2\"",
    );
    constraints.edit(
        "copy",
        "pins.lpf",
        "LOCATE COMP \"spi_miso\" SITE \"V2\"",
        "LOCATE COMP \"spi_miso\" SITE \"W2\"",
    );
    let error = Board::load(&constraints.folder("copy")).unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "spi_mosi is at V2, should be at W2, the pad the FPGA boots through"
    );
}

#[test]
fn a_missing_file_is_told_by_its_path() {
    for file in ["board.toml", "pins.lpf"] {
        let constraints = Constraints::with(&["copy"]);
        let path = constraints.folder("copy").join(file);
        fs::remove_file(&path).unwrap();
        let error = Board::all(constraints.0.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("failed to read {}", path.display()));
    }
    assert!(matches!(Board::all(Path::new("nowhere")), Err(BoardError::Read { .. })));
}

#[test]
fn boards_come_by_name_and_files_beside_them_are_passed_over() {
    let constraints = Constraints::with(&["b", "a"]);
    constraints.edit("b", "board.toml", "number = 1", "number = 2");
    fs::write(constraints.folder("README.md"), "words").unwrap();
    let boards = Board::all(constraints.0.path()).unwrap();
    assert_eq!(boards.iter().map(|board| board.facts.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn two_boards_do_not_share_a_number() {
    let constraints = Constraints::with(&["b", "a"]);
    let error = Board::all(constraints.0.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to tell boards apart: number is 1 in a and in b, should be another in one of them"
    );
}
