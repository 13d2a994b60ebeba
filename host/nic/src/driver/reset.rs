//! A reset of the whole function, and taking the NIC again.

use super::{Nic, OpenError};
use crate::{Device, DeviceError};

/// Why a NIC is not there after a reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// It was not reset.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// It was, and is not a NIC any more.
    #[error("the NIC does not come back after its reset")]
    Lost(#[from] OpenError),
}

impl<D: Device> Nic<D> {
    /// Resets the function and takes the NIC anew: fenced, nothing loaded, its clock unmoved. Interrupts have to be asked
    /// for again.
    pub fn reset(self) -> Result<Nic<D>, ResetError> {
        let mut device = self.registers.bar;
        device.reset()?;
        Ok(Nic::open(device)?)
    }
}

#[cfg(test)]
mod tests {
    use weir_spec::regs::{self, RegId};

    use super::*;
    use crate::driver::tests::{advance, owning, program, setup};
    use crate::{Bar, Program};

    #[test]
    fn after_a_reset_the_nic_is_fenced_empty_and_ready_for_work() {
        let (sim, time) = setup();
        let mut nic = Nic::open(sim.clone()).expect("a NIC");
        let wanted = program(&[owning(100)]);
        nic.load(&wanted).expect("room");
        nic.commit(0x101, 9_000_000).expect("a commit");
        advance(&time, 5);
        let mut nic = nic.reset().expect("it comes back");
        assert_eq!(nic.time().expect("a time"), 1_000_005, "the clock goes on");
        let status = nic.status().expect("a status");
        assert!(status.fenced && status.ours && status.epoch == 0);
        assert_eq!(nic.bar_mut().read32(regs::address(RegId::RuleMatch, 0)).expect("a rule"), 0);
        assert_eq!(nic.active(), None::<Program>);
        nic.load(&wanted).expect("room");
        assert!(!nic.commit(0x102, 9_000_000).expect("a commit").fenced);
        assert_eq!(nic.active().expect("known"), wanted.normalized());
    }
}
