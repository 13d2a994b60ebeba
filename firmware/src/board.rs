//! A board's folder, read and held against itself.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{BoardError, Facts, Lpf, Wrong};

const FACTS: &str = "board.toml";
const PINS: &str = "pins.lpf";

/// The folders of `constraints/`, so that a program needs no work tree: name, `board.toml`, `pins.lpf`.
const BUILT_IN: &[(&str, &str, &str)] = &[
    (
        "colorlight-i9",
        include_str!("../../constraints/colorlight-i9/board.toml"),
        include_str!("../../constraints/colorlight-i9/pins.lpf"),
    ),
    (
        "ecp5-versa-5g",
        include_str!("../../constraints/ecp5-versa-5g/board.toml"),
        include_str!("../../constraints/ecp5-versa-5g/pins.lpf"),
    ),
];

/// A board a bitstream can be built for; one that is loaded is consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What `board.toml` says.
    pub facts: Facts,
    /// What `pins.lpf` says.
    pub pins: Lpf,
    /// Its text, for the tools.
    pub preferences: String,
}

impl Board {
    /// Reads `board.toml` and `pins.lpf` of a folder and checks each alone and both together.
    pub fn load(folder: &Path) -> Result<Board, BoardError> {
        let name = folder
            .canonicalize()
            .ok()
            .and_then(|full| full.file_name().map(|name| name.to_string_lossy().into_owned()));
        let facts = read(&folder.join(FACTS))?;
        let pins = read(&folder.join(PINS))?;
        Board::parse(folder, &name.unwrap_or_default(), &facts, &pins)
    }

    /// The boards that this was built with.
    pub fn built_in() -> impl Iterator<Item = Board> {
        BUILT_IN.iter().map(|(name, facts, pins)| {
            let board = Board::parse(Path::new(name), name, facts, pins);
            board.expect("a test loads every folder of constraints/")
        })
    }

    fn parse(folder: &Path, name: &str, facts: &str, pins: &str) -> Result<Board, BoardError> {
        let path = folder.join(FACTS);
        let facts: Facts = toml::from_str(facts).map_err(|error| BoardError::Syntax {
            path: path.clone(),
            message: error.to_string().trim_end().to_string(),
        })?;
        facts.check(name).map_err(|source| BoardError::Value { path, source })?;

        let path = folder.join(PINS);
        let preferences = pins.to_string();
        let pins = match Lpf::read(pins, facts.device.package) {
            Ok(pins) => pins,
            Err(source) => return Err(BoardError::Pins { path, source }),
        };
        let board = Board { facts, pins, preferences };
        board.check_pins().map_err(|source| BoardError::Value { path, source })?;
        Ok(board)
    }

    /// Every board of a constraints folder, by name. Each folder in it has to be one; files beside them are passed over.
    pub fn all(constraints: &Path) -> Result<Vec<Board>, BoardError> {
        let mut boards: Vec<Board> = Vec::new();
        for folder in folders(constraints)? {
            let board = Board::load(&folder)?;
            if let Some(other) = boards.iter().find(|other| other.facts.number == board.facts.number) {
                return Err(BoardError::SameNumber {
                    number: board.facts.number,
                    first: other.facts.name.clone(),
                    second: board.facts.name,
                });
            }
            boards.push(board);
        }
        Ok(boards)
    }

    /// What the ports, the reference clock and the package demand of the pins.
    fn check_pins(&self) -> Result<(), Wrong> {
        for port in &self.facts.ports {
            for signal in port.interface.signals() {
                self.site(&format!("{}_{signal}", port.name))?;
            }
            for signal in port.interface.management() {
                self.site(&format!("{}_{signal}", port.mdio()))?;
            }
            let (signal, hertz) = port.interface.receive_clock();
            self.check_clock(&format!("{}_{signal}", port.name), hertz)?;
        }
        if let Some(lights) = &self.facts.lights {
            for pin in lights.pins() {
                self.site(&pin)?;
            }
        }
        if let Some(button) = &self.facts.button {
            self.site(&button.port)?;
        }
        self.site(&self.facts.clock.port)?;
        self.check_clock(&self.facts.clock.port, u64::from(self.facts.clock.reference_khz) * 1_000)?;
        for (port, site) in self.facts.device.package.boot_pads() {
            if let Some(pin) = self.pins.pins.get(*port)
                && pin.site != *site
            {
                return Err(Wrong::new(
                    *port,
                    format!("at {}", pin.site),
                    format!("at {site}, the pad the FPGA boots through"),
                ));
            }
        }
        Ok(())
    }

    fn site(&self, port: &str) -> Result<&str, Wrong> {
        let pin = self.pins.pins.get(port).map(|pin| pin.site.as_str());
        pin.ok_or_else(|| Wrong::new(port, "nowhere", format!("at a site, since {FACTS} speaks of it")))
    }

    fn check_clock(&self, port: &str, hertz: u64) -> Result<(), Wrong> {
        match self.pins.clocks.get(port) {
            Some(told) if *told == hertz => Ok(()),
            told => {
                let value = told.map_or("without a FREQUENCY".to_string(), |told| format!("a clock of {told} Hz"));
                Err(Wrong::new(port, value, format!("a clock of {hertz} Hz")))
            }
        }
    }
}

fn read(path: &Path) -> Result<String, BoardError> {
    fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.to_path_buf(), source })
}

/// The folders in a folder, sorted, so that the order of boards and the first fault told are the same everywhere.
fn folders(path: &Path) -> Result<Vec<PathBuf>, BoardError> {
    let failed = |source| BoardError::Read { path: path.to_path_buf(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
