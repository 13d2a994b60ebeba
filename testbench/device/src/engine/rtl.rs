//! The circuits as an engine.

use weir_spec::Micros;
use weir_spec::interrupt::Conditions;
use weir_spec::nic::Refused;

use super::{Engine, EngineError};

/// Clocks given to the circuit whenever the time is set: enough for the lease and all conditions to see it. A COMMIT under way goes on with
/// these and with every access.
const CLOCKS: u64 = 20;

pub(super) struct Rtl {
    rtl: weir_rtl::Rtl,
    now: Micros,
}

impl Rtl {
    pub(super) fn open() -> Result<Rtl, EngineError> {
        Ok(Rtl { rtl: weir_rtl::Rtl::open().map_err(EngineError::Open)?, now: 0 })
    }
}

impl Engine for Rtl {
    fn set_time(&mut self, now: Micros) {
        self.now = self.now.max(now);
        self.rtl.set_time(self.now);
        self.rtl.run(CLOCKS);
    }

    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        self.rtl.read32(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        self.rtl.write32(offset, value)
    }

    fn rx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        let (_, passed) = self.rtl.rx(frame).map_err(EngineError::Stuck)?;
        Ok(replace(frame, passed))
    }

    fn tx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        let (_, passed) = self.rtl.tx(frame).map_err(EngineError::Stuck)?;
        Ok(replace(frame, passed))
    }

    fn conditions(&self) -> Conditions {
        self.rtl.conditions()
    }

    fn set_link_down(&mut self, down: bool) {
        self.rtl.set_link_down(down);
    }

    fn reset(&mut self) {
        self.rtl.reset();
        self.rtl.set_time(self.now);
        self.rtl.run(CLOCKS);
    }
}

fn replace(frame: &mut Vec<u8>, passed: Option<Vec<u8>>) -> bool {
    match passed {
        Some(bytes) => {
            *frame = bytes;
            true
        }
        None => false,
    }
}
