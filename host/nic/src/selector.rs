//! Which NIC, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Device;
use crate::pci::{Address, AddressError, Kernel, ScanError};
use crate::sim::Sim;
use crate::socket::{self, SocketBar};
use crate::sysfs::{SysfsBar, SysfsError};
use crate::vfio::{VfioBar, VfioError};

/// Where a NIC's registers are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// `vfio:ADDRESS`: a card that vfio-pci holds.
    Vfio(Address),
    /// `sysfs:ADDRESS`: a card by its resource file, without interrupts.
    Sysfs(Address),
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
    /// `vfio:` or `sysfs:` with what is no address.
    #[error("NIC selector `{text}`: {reason}")]
    Address {
        /// All of it.
        text: String,
        /// What is wrong.
        reason: AddressError,
    },
    /// Anything else.
    #[error("NIC selector `{text}` is none of `vfio:ADDRESS`, `sysfs:ADDRESS`, `socket:PATH`, `sim`")]
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
    source: Refusal,
}

impl OpenBarError {
    /// There is no such function: nothing was tried.
    pub fn is_missing(&self) -> bool {
        let missing = |error: &ScanError| matches!(error, ScanError::NoFunction { .. });
        match &self.source {
            Refusal::Vfio(VfioError::Scan(error)) | Refusal::Sysfs(SysfsError::Scan(error)) => missing(error),
            _ => false,
        }
    }
}

/// What a back-end said.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Vfio(#[from] VfioError),
    #[error(transparent)]
    Sysfs(#[from] SysfsError),
    #[error(transparent)]
    Socket(#[from] socket::OpenError),
}

impl Selector {
    /// Opens it.
    pub fn open(&self) -> Result<Box<dyn Device>, OpenBarError> {
        self.reach().map_err(|source| OpenBarError { selector: self.clone(), source })
    }

    fn reach(&self) -> Result<Box<dyn Device>, Refusal> {
        Ok(match self {
            Selector::Vfio(address) => Box::new(VfioBar::open(&Kernel::default(), *address)?),
            Selector::Sysfs(address) => Box::new(SysfsBar::open(&Kernel::default(), *address)?),
            Selector::Socket(path) => Box::new(SocketBar::open(path)?),
            Selector::Sim => Box::new(Sim::new()),
        })
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Selector, SelectorError> {
        if let Some(path) = text.strip_prefix("socket:") {
            return if path.is_empty() { Err(SelectorError::NoPath) } else { Ok(Selector::Socket(path.into())) };
        }
        let address =
            |rest: &str| rest.parse().map_err(|reason| SelectorError::Address { text: text.to_string(), reason });
        match text.split_once(':') {
            None if text == "sim" => Ok(Selector::Sim),
            Some(("vfio", rest)) => Ok(Selector::Vfio(address(rest)?)),
            Some(("sysfs", rest)) => Ok(Selector::Sysfs(address(rest)?)),
            _ => Err(SelectorError::Unknown { text: text.to_string() }),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Vfio(address) => write!(f, "vfio:{address}"),
            Selector::Sysfs(address) => write!(f, "sysfs:{address}"),
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
        for text in ["vfio:0000:03:00.0", "sysfs:0001:ff:1f.7", "socket:/run/weir/a b.sock", "socket:relative", "sim"] {
            assert_eq!(text.parse::<Selector>().expect("a selector").to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for text in ["", "SIM", "sim:", "pci:1", "/run/weir.sock", "0000:03:00.0"] {
            let error = text.parse::<Selector>().expect_err(text);
            assert_eq!(error, SelectorError::Unknown { text: text.to_string() });
        }
        assert_eq!("socket:".parse::<Selector>(), Err(SelectorError::NoPath));
        let error = "vfio:0000:03".parse::<Selector>().expect_err("no address");
        assert!(matches!(error, SelectorError::Address { .. }), "{error}");
        assert_eq!("vfio:03:00.0".parse::<Selector>().expect("an address").to_string(), "vfio:0000:03:00.0");
    }
}
