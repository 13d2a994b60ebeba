//! Which NIC, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Bar;
use crate::sim::Sim;
use crate::socket::{self, SocketBar};

/// Where a NIC's registers are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// `socket:PATH`: a device model behind a vfio-user socket.
    Socket(PathBuf),
    /// `sim`: a NIC of its own in this process, with no ports; it answers registers and passes no frame.
    Sim,
}

/// Why a text selects no NIC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// `socket:` alone.
    #[error("NIC selector `socket:` lacks the path of the socket, as in `socket:/run/weir/nic0.sock`")]
    NoPath,
    /// A back-end that is named in the documentation and not there yet.
    #[error("NIC selector `{text}`: `{kind}:` is planned; there are `socket:PATH` and `sim`")]
    Planned {
        /// All of it.
        text: String,
        /// What it begins with.
        kind: &'static str,
    },
    /// Anything else.
    #[error("NIC selector `{text}` is neither `socket:PATH` nor `sim` (`vfio:` and `sysfs:` are planned)")]
    Unknown {
        /// All of it.
        text: String,
    },
}

/// Why a NIC's registers could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("failed to open NIC {selector}")]
pub struct OpenBarError {
    /// The NIC.
    pub selector: Selector,
    source: socket::OpenError,
}

impl Selector {
    /// Opens the registers.
    pub fn open(&self) -> Result<Box<dyn Bar>, OpenBarError> {
        match self {
            Selector::Sim => Ok(Box::new(Sim::new())),
            Selector::Socket(path) => match SocketBar::open(path) {
                Ok(bar) => Ok(Box::new(bar)),
                Err(source) => Err(OpenBarError { selector: self.clone(), source }),
            },
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Selector, SelectorError> {
        if let Some(path) = text.strip_prefix("socket:") {
            return if path.is_empty() { Err(SelectorError::NoPath) } else { Ok(Selector::Socket(path.into())) };
        }
        if text == "sim" {
            return Ok(Selector::Sim);
        }
        let planned = ["vfio", "sysfs"].into_iter().find(|kind| text.split(':').next() == Some(kind));
        Err(match planned {
            Some(kind) => SelectorError::Planned { text: text.to_string(), kind },
            None => SelectorError::Unknown { text: text.to_string() },
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Socket(path) => write!(f, "socket:{}", path.display()),
            Selector::Sim => f.write_str("sim"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_read_as_they_are_shown() {
        for text in ["socket:/run/weir/a b.sock", "socket:relative", "sim"] {
            assert_eq!(text.parse::<Selector>().expect("a selector").to_string(), text);
        }
    }

    #[test]
    fn what_is_planned_is_told_from_what_is_wrong() {
        let planned = |text: &str| matches!(text.parse::<Selector>(), Err(SelectorError::Planned { .. }));
        assert!(planned("vfio:0000:03:00.0") && planned("sysfs:0000:03:00.0"));
        for text in ["", "SIM", "sim:", "pci:1", "/run/weir.sock"] {
            let error = text.parse::<Selector>().expect_err(text);
            assert_eq!(error, SelectorError::Unknown { text: text.to_string() });
            assert!(error.to_string().contains("vfio: and sysfs:") || error.to_string().contains("are planned"));
        }
        assert_eq!("socket:".parse::<Selector>(), Err(SelectorError::NoPath));
    }
}
