//! What a board's facts mean to the circuit and to the tools.

use weir_hdl::board::{Lights, Pll, PortPads, PortSettings, Ring, Settings};
use weir_spec::nic::Identity;

use crate::{Board, Faces, Facts, Level, Package, Port, TxClock};

/// Why no bitstream can be built for a board, though it is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no image is built for {board}: {field} is {value}, should be {wanted}")]
pub struct Unbuildable {
    /// The board.
    pub board: String,
    /// The field of its `board.toml`.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// What Weir has a top for.
    pub wanted: String,
}

/// Pads of a flash that are high, where a board has them.
const HELD: [&str; 2] = ["spi_wp_n", "spi_hold_n"];

/// Clock of an RGMII port at 1 Gb/s.
const RGMII_KHZ: u32 = 125_000;

/// The pads and the settings of the bump in the wire.
pub(super) fn read(board: &Board, git_hash: u32) -> Result<(Ring, Settings), Unbuildable> {
    let facts = &board.facts;
    let no = |field, value: String, wanted: &str| Unbuildable {
        board: facts.name.clone(),
        field,
        value,
        wanted: wanted.to_string(),
    };
    if facts.data_width_bits != 64 {
        let value = facts.data_width_bits.to_string();
        return Err(no("data_width_bits", value, "64, the width of a bump in the wire"));
    }
    let of = |faces: Faces| match facts.ports.iter().filter(|port| port.faces == faces).collect::<Vec<_>>()[..] {
        [port] => Ok(port),
        ref ports => {
            let value = format!("{} that face the {faces:?}", ports.len()).to_lowercase();
            Err(no("ports", value, "one that faces the switch and one that faces the host"))
        }
    };
    let (switch, host) = (of(Faces::Switch)?, of(Faces::Host)?);
    let clock = &facts.clock;
    // Transmit gives RGMII an octet a clock, at no other rate.
    if clock.core_khz != RGMII_KHZ {
        return Err(no("clock.core_khz", clock.core_khz.to_string(), "125000, an octet a clock of RGMII at 1 Gb/s"));
    }
    let pll = Pll::find(clock.reference_khz, clock.core_khz);
    let Some(pll) = pll else {
        let value = clock.reference_khz.to_string();
        return Err(no("clock.reference_khz", value, "a reference that the PLL makes the core clock of"));
    };
    let pads = |port: &Port| PortPads {
        name: port.name.clone(),
        mdio: port.mdio().to_string(),
        late: port.tx_clock == TxClock::Late,
    };
    let ring = Ring {
        clock: clock.port.clone(),
        pll,
        button: facts.button.as_ref().map(|button| button.port.clone()),
        lights: facts.lights.as_ref().map(|lights| Lights {
            name: lights.port.clone(),
            count: lights.count,
            low: lights.lit == Level::Low,
        }),
        held: HELD.iter().filter(|pad| board.pins.pins.contains_key(**pad)).map(|pad| pad.to_string()).collect(),
        switch: pads(switch),
        host: pads(host),
    };
    let Some(flash) = facts.flash.map() else {
        return Err(no("flash.key", "absent".to_string(), "an erase block for the key of control frames"));
    };
    let settings = |port: &Port| PortSettings { delay: port.rx_delay_steps, phy: port.phy_address };
    let identity = Identity { width_bytes: 8, clock_khz: clock.core_khz, git_hash, board: facts.number };
    Ok((ring, Settings { identity, switch: settings(switch), host: settings(host), flash }))
}

/// How nextpnr-ecp5 is told of the part.
pub(super) fn device(facts: &Facts) -> Result<[String; 5], Unbuildable> {
    let device = &facts.device;
    let sizes = ["12", "25", "45", "85"];
    let families = [("LFE5UM5G-", "--um5g-"), ("LFE5UM-", "--um-"), ("LFE5U-", "--")];
    let option = families.into_iter().find_map(|(family, option)| {
        let size = device.part.strip_prefix(family)?.strip_suffix('F')?;
        sizes.contains(&size).then(|| format!("{option}{size}k"))
    });
    let Some(option) = option else {
        return Err(Unbuildable {
            board: facts.name.clone(),
            field: "device.part",
            value: device.part.clone(),
            wanted: "an ECP5 that nextpnr knows, like LFE5UM5G-45F".to_string(),
        });
    };
    let package = match device.package {
        Package::Cabga381 => "CABGA381",
    };
    let speed = device.speed_grade.to_string();
    Ok([option, "--package".into(), package.into(), "--speed".into(), speed])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(name: &str) -> Board {
        Board::built_in().find(|board| board.facts.name == name).expect("a board of this name")
    }

    #[test]
    fn every_board_that_is_built_in_has_a_top_and_its_part_a_name() {
        for board in Board::built_in() {
            let (ring, settings) = read(&board, 7).unwrap();
            assert_eq!(settings.identity.board, board.facts.number);
            assert_eq!(settings.identity.git_hash, 7);
            assert!(ring.text().contains("EHXPLLL"));
            device(&board.facts).unwrap();
        }
        assert_eq!(device(&board("ecp5-versa-5g").facts).unwrap()[0], "--um5g-45k");
        assert_eq!(device(&board("colorlight-i9").facts).unwrap()[0], "--45k");
    }

    #[test]
    fn a_board_without_a_top_is_told_why() {
        let refused = |change: fn(&mut Facts)| {
            let mut board = board("ecp5-versa-5g");
            change(&mut board.facts);
            read(&board, 0).map(drop).and_then(|()| device(&board.facts).map(drop)).unwrap_err().to_string()
        };
        let begins = "no image is built for ecp5-versa-5g: ";
        for (change, told) in [
            (
                (|facts| facts.data_width_bits = 512) as fn(&mut Facts),
                "data_width_bits is 512, should be 64, the width of a bump in the wire",
            ),
            (
                |facts| drop(facts.ports.pop()),
                "ports is 0 that face the host, should be one that faces the switch and one that faces the host",
            ),
            (
                |facts| facts.clock.core_khz = 100_000,
                "clock.core_khz is 100000, should be 125000, an octet a clock of RGMII at 1 Gb/s",
            ),
            (
                |facts| facts.clock.reference_khz = 33_333,
                "clock.reference_khz is 33333, should be a reference that the PLL makes the core clock of",
            ),
            (
                |facts| facts.flash.key = None,
                "flash.key is absent, should be an erase block for the key of control frames",
            ),
            (
                |facts| facts.device.part = "LFE3-35".to_string(),
                "device.part is LFE3-35, should be an ECP5 that nextpnr knows, like LFE5UM5G-45F",
            ),
        ] {
            assert_eq!(refused(change), format!("{begins}{told}"));
        }
    }
}
