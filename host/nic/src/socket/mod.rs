//! A NIC behind a vfio-user socket: the device model, or anything else that serves its PCI function so.

mod client;
mod message;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

pub use client::SocketError;
use client::{Client, PATIENCE};
use message::Region;

use crate::interrupt::Interrupt;
use crate::pci::{PciIdentity, config};
use crate::{Bar, BarError};

/// BAR 0 of a PCI function behind a vfio-user socket.
pub struct SocketBar {
    client: Client,
    pci: PciIdentity,
    size: u32,
}

/// Why there is no NIC behind a socket.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The conversation failed.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The device has no configuration space with a plain header.
    #[error("the device behind {path} is no PCI endpoint")]
    NotEndpoint {
        /// The socket.
        path: String,
    },
    /// The function has no BAR 0 in memory, or its two descriptions differ.
    #[error("BAR 0 of {pci} has {bar:#x} bytes by its register and {region:#x} by its region")]
    BarSize {
        /// Which function.
        pci: PciIdentity,
        /// Bytes that its register decodes; 0 if it is no memory BAR.
        bar: u64,
        /// Bytes of the region as served.
        region: u64,
    },
}

impl SocketBar {
    /// Connects to the socket at `path` and finds BAR 0.
    pub fn open(path: &Path) -> Result<SocketBar, OpenError> {
        SocketBar::with(Client::connect(path)?, || path.display().to_string())
    }

    /// The same over a connection that is there already: one end of a pair, or one that this process inherited.
    pub fn over(stream: UnixStream) -> Result<SocketBar, OpenError> {
        SocketBar::with(Client::greet(stream, PATIENCE)?, || "the connection".to_owned())
    }

    fn with(mut client: Client, path: impl FnOnce() -> String) -> Result<SocketBar, OpenError> {
        let found = config::describe(&mut client)?;
        let endpoint = found.ok_or_else(|| OpenError::NotEndpoint { path: path() })?;
        let (pci, bar) = (endpoint.identity, endpoint.bar0);
        let region = client.size_of(Region::Bar0);
        match u32::try_from(region) {
            Ok(size) if size != 0 && u64::from(size) == bar => Ok(SocketBar { client, pci, size }),
            _ => Err(OpenError::BarSize { pci, bar, region }),
        }
    }

    /// What the configuration space says the function is.
    pub fn pci(&self) -> PciIdentity {
        self.pci
    }

    /// MSI-X vectors of the function.
    pub fn vectors(&mut self) -> Result<u32, SocketError> {
        self.client.vectors()
    }

    /// Switches on the first `count` vectors. Those of an earlier call end; a reset ends them too.
    pub fn interrupts(&mut self, count: u16) -> Result<Vec<Interrupt>, SocketError> {
        let there = self.client.vectors()?;
        if u32::from(count) > there {
            return Err(SocketError::NoVector { wanted: count, there });
        }
        let made = |source| SocketError::Io { step: "make an event file", source };
        let interrupts = (0..count).map(|_| Interrupt::new().map_err(made)).collect::<Result<Vec<_>, _>>()?;
        self.client.disable_vectors()?;
        config::allow_interrupts(&mut self.client)?;
        for (vector, interrupt) in (0..).zip(&interrupts) {
            self.client.connect_vector(vector, interrupt.as_fd())?;
        }
        Ok(interrupts)
    }

    /// Resets the function, as a function-level reset does: the NIC is fenced and holds nothing.
    pub fn reset(&mut self) -> Result<(), SocketError> {
        self.client.reset()?;
        config::enable(&mut self.client)
    }
}

impl Bar for SocketBar {
    fn size(&self) -> u32 {
        self.size
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        Ok(self.client.read32(Region::Bar0, offset)?)
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.store_block(offset, &[value])
    }

    fn store_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
        Ok(self.client.post(Region::Bar0, offset, words)?)
    }
}

impl config::ConfigSpace for Client {
    type Error = SocketError;

    fn read(&mut self, offset: u16) -> Result<u32, SocketError> {
        self.read32(Region::Config, offset.into())
    }

    fn write(&mut self, offset: u16, value: u32) -> Result<(), SocketError> {
        self.post(Region::Config, offset.into(), &[value])
    }
}
