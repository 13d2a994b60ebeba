//! Which NIC, as people write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Device;
use crate::eth::{EthBar, EthError, read_key};
use crate::pci::{Address, AddressError, Kernel, ScanError};
use crate::sim::Sim;
use crate::socket::{self, SocketBar};
use crate::sysfs::{SysfsBar, SysfsError};
use crate::vfio::{VfioBar, VfioError};
use weir_link::LinkError;

/// Where a NIC's registers are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// `vfio:ADDRESS`: a card that vfio-pci holds.
    Vfio(Address),
    /// `sysfs:ADDRESS`: a card by its resource file, without interrupts.
    Sysfs(Address),
    /// `socket:PATH`: a device model behind a vfio-user socket.
    Socket(PathBuf),
    /// `eth:INTERFACE` or `eth:INTERFACE:KEYFILE`: a board at the other end of an interface, without a key or with one.
    Eth(String, Option<PathBuf>),
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
    /// `eth:` without an interface, or with a colon and no file behind it.
    #[error("NIC selector `{text}` lacks an interface or a file, as in `eth:eth1:/etc/weir/board.key`")]
    Eth {
        /// All of it.
        text: String,
    },
    /// Anything else.
    #[error(
        "NIC selector `{text}` is none of `vfio:ADDRESS`, `sysfs:ADDRESS`, `socket:PATH`, `eth:INTERFACE[:KEYFILE]`, `sim`"
    )]
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
            Refusal::Eth(EthError::Link(LinkError::Missing { .. })) => true,
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
    #[error(transparent)]
    Eth(#[from] EthError),
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
            Selector::Eth(interface, key) => {
                let key = key.as_deref().map(read_key).transpose().map_err(EthError::Key)?;
                Box::new(EthBar::open(interface, key)?)
            }
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
            // No interface of Linux has a colon in its name.
            Some(("eth", rest)) => {
                let (interface, key) = rest.split_once(':').map_or((rest, None), |(name, key)| (name, Some(key)));
                if interface.is_empty() || key == Some("") {
                    return Err(SelectorError::Eth { text: text.to_string() });
                }
                Ok(Selector::Eth(interface.to_string(), key.map(PathBuf::from)))
            }
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
            Selector::Eth(interface, None) => write!(f, "eth:{interface}"),
            Selector::Eth(interface, Some(key)) => write!(f, "eth:{interface}:{}", key.display()),
            Selector::Sim => f.write_str("sim"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_read_as_they_are_shown() {
        for text in [
            "vfio:0000:03:00.0",
            "sysfs:0001:ff:1f.7",
            "socket:/run/weir/a b.sock",
            "socket:relative",
            "eth:eth1",
            "eth:eth1:/etc/weir/board.key",
            "sim",
        ] {
            assert_eq!(text.parse::<Selector>().expect("a selector").to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for text in ["", "SIM", "sim:", "pci:1", "/run/weir.sock", "0000:03:00.0"] {
            let error = text.parse::<Selector>().expect_err(text);
            assert_eq!(error, SelectorError::Unknown { text: text.to_string() });
        }
        for text in ["eth:", "eth::/key", "eth:eth1:"] {
            let error = text.parse::<Selector>().expect_err(text);
            assert_eq!(error, SelectorError::Eth { text: text.to_string() });
        }
        assert_eq!("socket:".parse::<Selector>(), Err(SelectorError::NoPath));
        let error = "vfio:0000:03".parse::<Selector>().expect_err("no address");
        assert!(matches!(error, SelectorError::Address { .. }), "{error}");
        assert_eq!("vfio:03:00.0".parse::<Selector>().expect("an address").to_string(), "vfio:0000:03:00.0");
    }
}
