//! The pads of a board around a [`Bump`](super::bump::Bump): what differs from board to board, as text.
//!
//! A PLL, the tri-state pads of MDIO, the polarity of lights, and names: nothing that decides anything, and all of it out of
//! `board.toml`. It is written for yosys and nextpnr, and names primitives of the ECP5.

use std::fmt::Write;

use super::pll::Pll;

/// Where a port's pads are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortPads {
    /// What the names of its pads begin with: `eth0`.
    pub name: String,
    /// What the names of its MDIO and reset begin with; two ports may share it.
    pub mdio: String,
    /// TXC runs a quarter of a clock late, since the PHY does not delay it.
    pub late: bool,
}

/// The lights of a board.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lights {
    /// Name of their pads.
    pub name: String,
    /// How many there are, up to eight: the first ones of [`Bump::lights`](super::bump::Bump::lights).
    pub count: usize,
    /// They are lit by a low level.
    pub low: bool,
}

/// A board's pads by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ring {
    /// The reference clock.
    pub clock: String,
    /// What makes the core clock of it.
    pub pll: Pll,
    /// A button that is low while it is pressed.
    pub button: Option<String>,
    /// Lights, if there are any.
    pub lights: Option<Lights>,
    /// Pads that are to be high: those by which a flash would be held or protected.
    pub held: Vec<String>,
    /// The port towards the switch.
    pub switch: PortPads,
    /// The port towards the host.
    pub host: PortPads,
}

/// Name of the module that has the pads.
pub const TOP: &str = "board";

impl Ring {
    /// The module around one that is called `bump`.
    pub fn text(&self) -> String {
        let late = self.switch.late || self.host.late;
        let mut pads = vec![format!("    input {}", self.clock)];
        pads.extend(self.button.iter().map(|button| format!("    input {button}")));
        pads.extend(self.lights.iter().map(|lights| match lights.count {
            1 => format!("    output {}", lights.name),
            count => format!("    output [{}:0] {}", count - 1, lights.name),
        }));
        for port in [&self.switch, &self.host] {
            let name = &port.name;
            pads.push(format!("    input {name}_rx_clk, {name}_rx_ctl"));
            pads.push(format!("    input [3:0] {name}_rx_data"));
            pads.push(format!("    output {name}_tx_clk, {name}_tx_ctl"));
            pads.push(format!("    output [3:0] {name}_tx_data"));
        }
        pads.push("    output spi_cs_n, spi_mosi, input spi_miso".to_string());
        pads.extend(self.held.iter().map(|pad| format!("    output {pad}")));
        let shared = self.switch.mdio == self.host.mdio;
        let wires: &[_] = if shared { &[&self.switch] } else { &[&self.switch, &self.host] };
        pads.extend(wires.iter().map(|port| format!("    output {0}_rst_n, {0}_mdc, inout {0}_mdio", port.mdio)));
        let mut out = format!("// The pads of a board.\nmodule {TOP}(\n{}\n);\n", pads.join(",\n"));

        out += "    wire core_clock, late_clock, locked;\n";
        out += &self.pll.text(&self.clock, late);
        for side in ["switch", "host"] {
            let _ = writeln!(out, "    wire {side}_rst_n, {side}_mdc, {side}_mdio_out, {side}_mdio_drive;");
        }
        out += "    wire [7:0] lights;\n";
        match shared {
            true => {
                let name = &self.switch.mdio;
                let _ = writeln!(out, "    wire mdio_drive = switch_mdio_drive | host_mdio_drive;");
                let _ = writeln!(out, "    wire mdio_out = switch_mdio_drive ? switch_mdio_out : host_mdio_out;");
                let _ = writeln!(out, "    assign {name}_mdio = mdio_drive ? mdio_out : 1'bz;");
                let _ = writeln!(out, "    assign {name}_mdc = switch_mdc;");
                let _ = writeln!(out, "    assign {name}_rst_n = switch_rst_n & host_rst_n;");
            }
            false => {
                for (side, port) in [("switch", &self.switch), ("host", &self.host)] {
                    let name = &port.mdio;
                    let _ = writeln!(out, "    assign {name}_mdio = {side}_mdio_drive ? {side}_mdio_out : 1'bz;");
                    let _ = writeln!(out, "    assign {name}_mdc = {side}_mdc;");
                    let _ = writeln!(out, "    assign {name}_rst_n = {side}_rst_n;");
                }
            }
        }
        if let Some(Lights { name, count, low }) = &self.lights {
            let not = if *low { "~" } else { "" };
            let _ = writeln!(out, "    assign {name} = {not}lights[{}:0];", count - 1);
        }
        for pad in &self.held {
            let _ = writeln!(out, "    assign {pad} = 1'b1;");
        }
        let ready = self.button.as_ref().map_or("locked".to_string(), |button| format!("locked & {button}"));
        let mut wired =
            vec![".core_clock(core_clock)".to_string(), format!(".ready({ready})"), ".lights(lights)".into()];
        for (side, port) in [("switch", &self.switch), ("host", &self.host)] {
            let (name, mdio) = (&port.name, &port.mdio);
            let late = if port.late { "late_clock" } else { "core_clock" };
            wired.push(format!(".{side}_late_clock({late})"));
            for pad in ["rx_clk", "rx_ctl", "rx_data", "tx_clk", "tx_ctl", "tx_data"] {
                wired.push(format!(".{side}_{pad}({name}_{pad})"));
            }
            for wire in ["rst_n", "mdc", "mdio_out", "mdio_drive"] {
                wired.push(format!(".{side}_{wire}({side}_{wire})"));
            }
            wired.push(format!(".{side}_mdio_in({mdio}_mdio)"));
        }
        for pad in ["spi_cs_n", "spi_mosi", "spi_miso"] {
            wired.push(format!(".{pad}({pad})"));
        }
        let _ = writeln!(out, "    bump bump(\n        {}\n    );\nendmodule", wired.join(",\n        "));
        out
    }
}
