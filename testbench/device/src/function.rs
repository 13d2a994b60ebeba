//! The PCI function as a vfio-user server wants it: bytes of regions.
//!
//! A guest access never fails here. An error could not reach the guest, and answering one to a posted write would put
//! the conversation out of step; so what cannot be done reads all ones, and is counted.

use std::fs::File;
use std::io;
use std::sync::Arc;

use vfio_bindings::bindings::vfio::{
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS,
    VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, ServerBackend, ServerRegion};
use weir_spec::regs::PORT_SIZE;

use crate::config_space::{self, ConfigSpace};
use crate::core::{ALL_ONES, Core};
use crate::engine::EngineError;
use crate::trace::Event;

/// The function, as one connection after another sees it.
pub(crate) struct Function {
    core: Arc<Core>,
    config: ConfigSpace,
    attached: bool,
    /// The engine failed; the data path notices too and ends the device.
    failed: bool,
}

impl Function {
    pub(crate) fn new(core: Arc<Core>) -> Function {
        Function { core, config: ConfigSpace::new(), attached: false, failed: false }
    }

    /// The connection ended.
    pub(crate) fn detach(&mut self) {
        if std::mem::take(&mut self.attached) {
            let done = self.core.connection(Event::Detach);
            self.note(done);
        }
    }

    fn attach(&mut self) {
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
}

impl ServerBackend for Function {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), io::Error> {
        self.attach();
        match region {
            VFIO_PCI_CONFIG_REGION_INDEX => self.config.read(offset, data),
            VFIO_PCI_BAR0_REGION_INDEX if self.config.memory_enabled() && !self.failed => {
                data.fill(0xff);
                if let Some(offset) = self.word(offset, data.len()) {
                    let value = self.core.read(offset);
                    data.copy_from_slice(&self.note(value).unwrap_or(ALL_ONES).to_le_bytes());
                }
            }
            _ => data.fill(0xff),
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.attach();
        match region {
            VFIO_PCI_CONFIG_REGION_INDEX => self.config.write(offset, data),
            VFIO_PCI_BAR0_REGION_INDEX if self.config.memory_enabled() && !self.failed => {
                if let Some(offset) = self.word(offset, data.len()) {
                    let value = u32::from_le_bytes(data.try_into().expect("four bytes, as was checked"));
                    let done = self.core.write(offset, value);
                    self.note(done);
                }
            }
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
        self.config = ConfigSpace::new();
        let done = self.core.reset();
        self.note(done);
        Ok(())
    }

    fn set_irqs(&mut self, _index: u32, _flags: u32, _start: u32, _count: u32, _: Vec<File>) -> Result<(), io::Error> {
        Ok(())
    }
}

/// The regions as clients are told them: BAR 0 and the configuration space, both trapped, and nothing else.
pub(crate) fn regions() -> Vec<ServerRegion> {
    let size = |index| match index {
        VFIO_PCI_BAR0_REGION_INDEX => u64::from(PORT_SIZE),
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
    (0..VFIO_PCI_NUM_REGIONS).map(region).collect()
}

/// The interrupts: every kind PCI has, none of each.
pub(crate) fn interrupts() -> Vec<IrqInfo> {
    (0..VFIO_PCI_NUM_IRQS).map(|index| IrqInfo { index, flags: 0, count: 0 }).collect()
}
