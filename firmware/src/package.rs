//! Packages: which sites a ball grid has, and which of them the silicon keeps for booting.

use serde::Deserialize;

/// Rows of a JEDEC ball grid, from A1's edge on: the letters that cannot be taken for a digit or for each other.
const ROWS: &[u8] = b"ABCDEFGHJKLMNPRTUVWY";

/// A package by the name `nextpnr-ecp5 --package` knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Package {
    /// 381 balls on a grid of 20 by 20 (Lattice ordering code `BG381`).
    #[serde(rename = "CABGA381")]
    Cabga381,
}

impl Package {
    /// Whether `site` names a place of the grid: a row letter and a column from 1, without a leading zero.
    /// A few places of a grid carry no ball; those pass here and are refused by the placer.
    pub fn has(self, site: &str) -> bool {
        let (rows, columns) = match self {
            Package::Cabga381 => (ROWS, 20),
        };
        let Some((row, column)) = site.as_bytes().split_first() else {
            return false;
        };
        let digits = column.iter().all(u8::is_ascii_digit) && !column.starts_with(b"0");
        rows.contains(row) && digits && site[1..].parse::<u32>().is_ok_and(|column| (1..=columns).contains(&column))
    }

    /// What [`Package::has`] accepts, for error messages.
    pub fn sites(self) -> &'static str {
        match self {
            Package::Cabga381 => "a row A to Y without I, O, Q, S, X and a column 1 to 20",
        }
    }

    /// Ports with a fixed site, because the FPGA boots through these pads: `(port, site)`.
    ///
    /// The clock is not among them. MCLK (U3 in CABGA381) is no user pin; a circuit reaches it through `USRMCLK`.
    /// Source: pad functions of LFE5U-45F in Project Trellis' `iodb.json`.
    pub fn boot_pads(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Package::Cabga381 => {
                &[("spi_cs_n", "R2"), ("spi_mosi", "W2"), ("spi_miso", "V2"), ("spi_wp_n", "Y2"), ("spi_hold_n", "W1")]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_its_corners_and_nothing_beyond() {
        for site in ["A1", "A20", "Y1", "Y20", "P3"] {
            assert!(Package::Cabga381.has(site), "{site}");
        }
        for site in
            ["", "A", "A0", "A01", "A21", "I3", "O3", "Q3", "S3", "X3", "Z3", "AA1", "p3", "P+3", "P3 ", "é3", "3P"]
        {
            assert!(!Package::Cabga381.has(site), "{site}");
        }
    }

    #[test]
    fn every_boot_pad_is_a_site_of_its_own() {
        let pads = Package::Cabga381.boot_pads();
        for (at, (port, site)) in pads.iter().enumerate() {
            assert!(Package::Cabga381.has(site), "{port}");
            assert!(pads[..at].iter().all(|(_, other)| other != site), "{site}");
        }
    }
}
