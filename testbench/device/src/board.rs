//! The NIC as a board that is a bump in the wire: control frames on its host's port are for itself, and go no further.
//!
//! Its key is a file, as a board's is a block of its flash: one that is not there is a board without a key, and is written once.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use weir_spec::control::{ETHERTYPE, Key, Port, Registers};
use weir_spec::nic::Refused;
use weir_spec::regs::PORT_SIZE;

use crate::core::Core;
use crate::engine::EngineError;

/// Where the EtherType is.
const TYPE: std::ops::Range<usize> = 12..14;

/// Why a board does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// Its key cannot be read or kept.
    #[error("failed to keep the board's key in {}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no key.
    #[error("board key {} should be 32 hexadecimal digits, not all of them 0", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
    },
    /// No nonce can be drawn.
    #[error("failed to draw a nonce")]
    Nonce(#[source] io::Error),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The host's port.
pub(crate) struct Board {
    port: Port,
    file: PathBuf,
}

impl Board {
    /// A board with the key of `file`, or without one if there is none.
    pub(crate) fn start(file: &Path) -> Result<Board, BoardError> {
        let key = match std::fs::read_to_string(file) {
            Ok(text) => Some(parse(text.trim_end()).ok_or_else(|| BoardError::Syntax { path: file.into() })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(BoardError::Key { path: file.into(), source }),
        };
        Ok(Board { port: Port::new(key), file: file.into() })
    }

    /// Takes a frame from the host if it is a control frame: nothing for others, else what is answered, if anything is.
    pub(crate) fn hear(&mut self, core: &Core, frame: &[u8]) -> Result<Option<Option<Vec<u8>>>, BoardError> {
        if frame.get(TYPE) != Some(&ETHERTYPE.to_be_bytes()) {
            return Ok(None);
        }
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|error| BoardError::Nonce(error.into()))?;
        let had_one = self.port.key().is_some();
        let mut bus = Bus { core, failed: None };
        let answer = self.port.hear(frame, &mut bus, u64::from_be_bytes(nonce));
        if let Some(failed) = bus.failed {
            return Err(failed.into());
        }
        if let Some(key) = self.port.key().filter(|_| !had_one) {
            self.keep(key).map_err(|source| BoardError::Key { path: self.file.clone(), source })?;
        }
        Ok(Some(answer))
    }

    fn keep(&self, key: Key) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file)?;
        key.0.iter().try_for_each(|octet| write!(file, "{octet:02x}"))?;
        writeln!(file)?;
        file.sync_all()
    }
}

/// The engine, as the bus of a board reaches it.
struct Bus<'a> {
    core: &'a Core,
    failed: Option<EngineError>,
}

impl Bus<'_> {
    fn told<T>(&mut self, done: Result<Result<T, Refused>, EngineError>) -> Result<T, Refused> {
        done.unwrap_or_else(|error| {
            self.failed = Some(error);
            Err(Refused)
        })
    }
}

impl Registers for Bus<'_> {
    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        if offset >= PORT_SIZE { Err(Refused) } else { self.told(self.core.try_read(offset)) }
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        if offset >= PORT_SIZE { Err(Refused) } else { self.told(self.core.try_write(offset, value)) }
    }
}

fn parse(text: &str) -> Option<Key> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    let digits: [u8; 32] = digits?.try_into().ok()?;
    let key = Key(std::array::from_fn(|at| digits[2 * at] << 4 | digits[2 * at + 1]));
    // Zeros are what a board without a key has.
    (key != Key::NONE).then_some(key)
}
