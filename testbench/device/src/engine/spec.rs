//! The specification as an engine.

use weir_spec::Micros;
use weir_spec::interrupt::Conditions;
use weir_spec::nic::{Identity, Nic, Refused};

use super::{Engine, EngineError};

pub(super) struct Spec(Nic);

impl Spec {
    pub(super) fn new() -> Spec {
        Spec(Nic::new(Identity::default()))
    }
}

impl Engine for Spec {
    fn set_time(&mut self, now: Micros) {
        self.0.set_time(now);
    }

    fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        self.0.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        self.0.write(offset, value)
    }

    fn rx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        Ok(self.0.rx(frame).accept)
    }

    fn tx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        Ok(self.0.tx(frame).pass)
    }

    fn conditions(&self) -> Conditions {
        self.0.conditions()
    }

    fn set_link_down(&mut self, down: bool) {
        self.0.set_link_down(down);
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
