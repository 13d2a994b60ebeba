//! The NIC of `weir-spec` as a back-end, in this process: for tests, and for trying things without a card.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use weir_spec::Micros;
use weir_spec::nic::{Identity, Nic};
use weir_spec::regs::PORT_SIZE;

use crate::{Bar, BarError};

/// A NIC of `weir-spec` that a driver and a test can both hold.
#[derive(Clone)]
pub struct Sim {
    nic: Arc<Mutex<Nic>>,
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
}

impl Sim {
    /// A fresh NIC whose clock starts now and runs with real time.
    pub fn new() -> Sim {
        let start = Instant::now();
        Sim::with_clock(Nic::new(Identity::default()), move || start.elapsed().as_micros() as Micros)
    }

    /// `nic` with a clock of its own, asked at every access; it may stand still, but never goes back.
    pub fn with_clock(nic: Nic, clock: impl Fn() -> Micros + Send + Sync + 'static) -> Sim {
        Sim { nic: Arc::new(Mutex::new(nic)), clock: Arc::new(clock) }
    }

    /// The NIC itself, at the present time: for frames, and for looking behind the registers.
    pub fn nic(&self) -> MutexGuard<'_, Nic> {
        // A NIC that a panicking test left behind is still a whole NIC.
        let mut nic = self.nic.lock().unwrap_or_else(PoisonError::into_inner);
        nic.set_time((self.clock)());
        nic
    }
}

impl Default for Sim {
    fn default() -> Sim {
        Sim::new()
    }
}

impl Bar for Sim {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    /// A refused read gives zero, as behind PCIe.
    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        Ok(self.nic().read(offset).unwrap_or(0))
    }

    /// A refused write shows in REFUSED_COUNT alone, as behind PCIe.
    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        let _counted_by_the_nic = self.nic().write(offset, value);
        Ok(())
    }
}
