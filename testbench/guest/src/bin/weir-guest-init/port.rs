//! The serial port that leads out of the guest.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use nix::libc::O_NOCTTY;
use weir_guest::plan::{PORT, Report};

use crate::InitError;

/// It sends what it was given before it closes.
pub(crate) struct Port(File);

impl Port {
    pub(crate) fn open() -> Result<Port, InitError> {
        // Not the terminal of this process, whose hang-up would end it.
        File::options().write(true).custom_flags(O_NOCTTY).open(PORT).map(Port).map_err(InitError::Port)
    }

    /// One line.
    pub(crate) fn tell(&mut self, report: &Report) -> Result<(), InitError> {
        let mut line = serde_json::to_vec(report).map_err(|error| InitError::Port(error.into()))?;
        line.push(b'\n');
        self.0.write_all(&line).map_err(InitError::Port)
    }
}
