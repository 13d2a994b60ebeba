//! The part of Lattice's preference files (`.lpf`) that Weir writes: where ports are, what they are, how fast clocks run.
//!
//! Three statements, each closed by a semicolon, with `#` and `//` comments:
//!
//! ```text
//! LOCATE COMP "clk100" SITE "P3";
//! IOBUF PORT "clk100" IO_TYPE=LVDS;
//! FREQUENCY PORT "clk100" 100 MHZ;
//! ```
//!
//! The words are cut as nextpnr-ecp5 cuts them (`ecp5/lpf.cc`), so a file means the same to both. nextpnr passes over
//! what it does not know: a misspelt keyword or port leaves a pin where the placer likes it. Here everything unknown is an error.

mod error;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use error::LpfError;
use statement::{Statement, statements};

use crate::Package;

/// A file that hangs together: every site is used once, every port has an I/O type, every clock is a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lpf {
    /// Port to pin.
    pub pins: BTreeMap<String, Pin>,
    /// Port to frequency in Hz.
    pub clocks: BTreeMap<String, u64>,
}

/// Where a port is and how its buffer is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The ball, `P3`.
    pub site: String,
    /// The I/O standard, `LVCMOS25`; this is also the bank's voltage, so it comes from the board's schematic.
    pub io_type: String,
    /// Further attributes of the buffer, `SLEWRATE=FAST`.
    pub attributes: BTreeMap<String, String>,
}

impl Lpf {
    /// Reads a whole file for a package. Any text is either taken or refused with the line it fails at.
    pub fn read(text: &str, package: Package) -> Result<Lpf, LpfError> {
        let mut sites: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut buffers: BTreeMap<&str, (usize, BTreeMap<String, String>)> = BTreeMap::new();
        let mut clocks: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        let text = statement::without_comments(text);

        for (line, statement) in statements(&text)? {
            let (keyword, port, first) = match statement {
                Statement::Locate { port, site } => {
                    if !package.has(site) {
                        return Err(LpfError::Site {
                            line,
                            port: port.into(),
                            site: site.into(),
                            sites: package.sites(),
                        });
                    }
                    if let Some((other, _)) = sites.iter().find(|(_, (_, taken))| *taken == site) {
                        return Err(LpfError::SiteTwice {
                            line,
                            port: port.into(),
                            site: site.into(),
                            other: other.to_string(),
                        });
                    }
                    ("LOCATE", port, sites.insert(port, (line, site)).map(|(first, _)| first))
                }
                Statement::Iobuf { port, attributes } => {
                    ("IOBUF", port, buffers.insert(port, (line, attributes)).map(|(first, _)| first))
                }
                Statement::Frequency { port, hertz } => {
                    ("FREQUENCY", port, clocks.insert(port, (line, hertz)).map(|(first, _)| first))
                }
            };
            if let Some(first) = first {
                return Err(LpfError::Twice { line, keyword, port: port.into(), first });
            }
        }

        let named = buffers.iter().map(|(port, (line, _))| ("IOBUF", *port, *line));
        let named = named.chain(clocks.iter().map(|(port, (line, _))| ("FREQUENCY", *port, *line)));
        let first = named.filter(|(_, port, _)| !sites.contains_key(port)).min_by_key(|(_, _, line)| *line);
        if let Some((keyword, port, line)) = first {
            return Err(LpfError::NotLocated { line, keyword, port: port.into() });
        }

        let mut pins = BTreeMap::new();
        for (port, (line, site)) in sites {
            let mut attributes = buffers.remove(port).map(|(_, attributes)| attributes).unwrap_or_default();
            let Some(io_type) = attributes.remove("IO_TYPE") else {
                return Err(LpfError::NoIoType { line, port: port.into() });
            };
            pins.insert(port.to_string(), Pin { site: site.to_string(), io_type, attributes });
        }
        let clocks = clocks.into_iter().map(|(port, (_, hertz))| (port.to_string(), hertz)).collect();
        Ok(Lpf { pins, clocks })
    }
}
