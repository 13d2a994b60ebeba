//! The PCI function as a vfio-user server wants it: bytes of regions.
//!
//! A guest access never fails here. An error could not reach the guest, and answering one to a posted write would put
//! the conversation out of step; so what cannot be done reads all ones, and is counted. Only a request for interrupts
//! is refused by an error: it is always answered, and a host has to know.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use vfio_bindings::bindings::vfio::{
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_BAR4_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_REGIONS,
    VFIO_REGION_INFO_FLAG_MMAP, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info,
    vfio_region_sparse_mmap_area,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, ServerBackend, ServerRegion, SparseArea};
use weir_spec::regs::{self, PORT_SIZE, RegId};

use crate::config_space::{self, ConfigSpace};
use crate::core::{ALL_ONES, Core};
use crate::engine::EngineError;
use crate::fault::{Fate, Fault, Faults};
use crate::irqs::Request;
use crate::server::Door;
use crate::trace::Event;
use crate::{msix, window};

/// The function, as one connection after another sees it.
pub(crate) struct Function {
    core: Arc<Core>,
    config: ConfigSpace,
    faults: Faults,
    /// The memory of the mapped window, if there is one.
    window: Option<OwnedFd>,
    attached: bool,
    /// The engine failed; the data path notices too and ends the device.
    failed: bool,
    /// Where hosts come from, once it is served.
    door: Option<Arc<Door>>,
}

/// What a connection is unwound with when the device is gone: the crate that holds it has no other way to end it.
pub(crate) struct Gone;

impl Function {
    pub(crate) fn new(core: Arc<Core>, fault: Option<Fault>) -> Result<Function, EngineError> {
        let window = core.window()?;
        Ok(Function {
            core,
            config: ConfigSpace::new(),
            faults: Faults::new(fault),
            window,
            attached: false,
            failed: false,
            door: None,
        })
    }

    /// Hosts come through `door`. Once it is closed, by either side, a connection ends with its next message.
    pub(crate) fn serve_behind(&mut self, door: Arc<Door>) {
        self.door = Some(door);
    }

    /// The connection ended; nobody is there to be interrupted.
    pub(crate) fn detach(&mut self) {
        if std::mem::take(&mut self.attached) {
            self.config.set_msix(false);
            let done = self.core.msix(|msix| msix.disconnect());
            self.note(done);
            self.switch_msix();
            let done = self.core.connection(Event::Detach);
            self.note(done);
        }
    }

    /// Something came from a host. Unwinds if the device is gone.
    fn attach(&mut self) {
        if self.door.as_ref().is_some_and(|door| door.is_closed()) {
            std::panic::resume_unwind(Box::new(Gone));
        }
        if !std::mem::replace(&mut self.attached, true) {
            let done = self.core.connection(Event::Attach);
            self.note(done);
        }
    }

    fn note<T>(&mut self, done: Result<T, EngineError>) -> Option<T> {
        self.failed |= done.is_err();
        done.ok()
    }

    /// The offset, if a word may be accessed there so.
    fn word(&mut self, offset: u64, length: usize) -> Option<u32> {
        let inside = u32::try_from(offset).ok().filter(|offset| *offset < PORT_SIZE);
        match inside {
            Some(offset) if length == 4 && offset.is_multiple_of(4) => Some(offset),
            _ => {
                let done = self.core.bad_access(offset, length);
                self.note(done);
                None
            }
        }
    }

    /// Whether an access to a register gets that far.
    fn reaches_registers(&mut self) -> bool {
        if !self.config.memory_enabled() || self.failed {
            return false;
        }
        match self.faults.access() {
            Fate::Served => true,
            Fate::Lost => false,
            Fate::Dead => {
                // Before the host can know: it may ask for another connection at once.
                if let Some(door) = &self.door {
                    door.close();
                }
                std::panic::resume_unwind(Box::new(Gone));
            }
        }
    }

    fn read_register(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0xff);
        if !self.reaches_registers() {
            return;
        }
        if let Some(offset) = self.word(offset, data.len()) {
            let value = self.core.read(offset);
            let value = self.note(value).unwrap_or(ALL_ONES);
            data.copy_from_slice(&self.faults.read(offset, value).to_le_bytes());
        }
    }

    fn write_register(&mut self, offset: u64, data: &[u8]) {
        if !self.reaches_registers() {
            return;
        }
        if let Some(offset) = self.word(offset, data.len()).filter(|offset| self.faults.write(*offset)) {
            let mut done = self.core.write(offset, little_endian(data));
            if self.faults.commits(offset) {
                let again = |epoch| self.core.write(regs::address(RegId::Commit, 0), epoch);
                done = done.and_then(|()| self.core.epoch()).and_then(again);
            }
            self.note(done);
        }
    }

    /// Table and pending bits, by one or two aligned words; anything else is undefined, and reads all ones here.
    fn read_vectors(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0xff);
        let Some(first) = self.vectors_at(offset, data.len()) else { return };
        for (offset, word) in (first..).step_by(4).zip(data.chunks_exact_mut(4)) {
            let value = self.core.msix(|msix| msix.read(offset));
            word.copy_from_slice(&self.note(value).unwrap_or(ALL_ONES).to_le_bytes());
        }
    }

    fn write_vectors(&mut self, offset: u64, data: &[u8]) {
        let Some(first) = self.vectors_at(offset, data.len()) else { return };
        for (offset, word) in (first..).step_by(4).zip(data.chunks_exact(4)) {
            let done = self.core.msix(|msix| msix.write(offset, little_endian(word)));
            self.note(done);
        }
    }

    fn vectors_at(&self, offset: u64, length: usize) -> Option<u32> {
        let inside = u32::try_from(offset).ok().filter(|offset| *offset < msix::BAR_SIZE)?;
        let fits = matches!(length, 4 | 8) && (inside as usize).is_multiple_of(length);
        (fits && self.config.memory_enabled() && !self.failed).then_some(inside)
    }

    /// Makes the interrupts as the capability has them.
    fn switch_msix(&mut self) {
        let (enabled, all_masked) = self.config.msix_control();
        let done = self.core.msix(|msix| msix.control(enabled, all_masked));
        self.note(done);
    }

    /// Function-level reset, whichever way a host asked for it.
    fn start_again(&mut self) {
        self.config = ConfigSpace::new();
        self.faults.reset();
        let done = self.core.reset();
        self.note(done);
    }

    /// The regions as clients are told them: both BARs and the configuration space, all of it trapped but the window.
    pub(crate) fn regions(&self) -> Vec<ServerRegion> {
        let size = |index| match index {
            VFIO_PCI_BAR0_REGION_INDEX => u64::from(PORT_SIZE),
            VFIO_PCI_BAR4_REGION_INDEX => u64::from(msix::BAR_SIZE),
            VFIO_PCI_CONFIG_REGION_INDEX => config_space::SIZE as u64,
            _ => 0,
        };
        let region = |index| ServerRegion {
            region_info: vfio_region_info {
                argsz: size_of::<vfio_region_info>() as u32,
                flags: if size(index) == 0 { 0 } else { VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE },
                index,
                cap_offset: 0,
                size: size(index),
                offset: 0,
            },
            sparse_areas: Vec::new(),
            mmap_fd: None,
        };
        let mut regions: Vec<ServerRegion> = (0..VFIO_PCI_NUM_REGIONS).map(region).collect();
        if let Some(file) = &self.window {
            let bar = &mut regions[VFIO_PCI_BAR0_REGION_INDEX as usize];
            bar.region_info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
            bar.sparse_areas.extend(window::AREAS.map(|place| {
                let size = (place.end - place.start).into();
                SparseArea { area: vfio_region_sparse_mmap_area { offset: place.start.into(), size } }
            }));
            bar.mmap_fd = Some(file.as_raw_fd());
        }
        regions
    }
}

/// A word as it comes from the bus.
fn little_endian(word: &[u8]) -> u32 {
    u32::from_le_bytes(word.try_into().expect("four bytes, as was checked"))
}

/// Refuses an access that is longer than any region. The server makes room for whatever length it is told, without touching
/// it: refused here, a read costs no memory and its answer, whose length would not fit its header, is never made.
fn bounded(length: usize) -> Result<(), io::Error> {
    if length <= PORT_SIZE as usize {
        return Ok(());
    }
    let reason = format!("an access of {length} bytes; the largest region has {PORT_SIZE}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

impl ServerBackend for Function {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), io::Error> {
        self.attach();
        bounded(data.len())?;
        match region {
            VFIO_PCI_CONFIG_REGION_INDEX => self.config.read(offset, data),
            VFIO_PCI_BAR0_REGION_INDEX => self.read_register(offset, data),
            VFIO_PCI_BAR4_REGION_INDEX => self.read_vectors(offset, data),
            _ => data.fill(0xff),
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.attach();
        bounded(data.len())?;
        match region {
            VFIO_PCI_CONFIG_REGION_INDEX => {
                if self.config.write(offset, data) {
                    self.start_again();
                }
                self.switch_msix();
            }
            VFIO_PCI_BAR0_REGION_INDEX => self.write_register(offset, data),
            VFIO_PCI_BAR4_REGION_INDEX => self.write_vectors(offset, data),
            _ => {}
        }
        Ok(())
    }

    fn dma_map(
        &mut self,
        _: DmaMapFlags,
        _offset: u64,
        _address: u64,
        _size: u64,
        _: Option<File>,
    ) -> Result<(), io::Error> {
        // A function without DMA has no use for the guest's memory.
        Ok(())
    }

    fn dma_unmap(&mut self, _: DmaUnmapFlags, _address: u64, _size: u64) -> Result<(), io::Error> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), io::Error> {
        self.attach();
        self.start_again();
        Ok(())
    }

    fn set_irqs(&mut self, index: u32, flags: u32, start: u32, count: u32, files: Vec<File>) -> Result<(), io::Error> {
        self.attach();
        let request = Request::parse(index, flags, start, count, files)?;
        let switched = self.core.msix(|msix| request.apply(msix));
        if let Some(enabled) = self.note(switched).flatten() {
            self.config.set_msix(enabled);
            self.switch_msix();
        }
        Ok(())
    }
}
