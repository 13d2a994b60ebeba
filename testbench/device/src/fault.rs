//! A device that is broken in one way, for tests of its hosts.
//!
//! Faults are between the bus and the NIC, at the registers of BAR 0: the NIC itself is whole, and the configuration
//! space answers.

use std::thread;
use std::time::Duration;

use weir_spec::regs::{self, MAGIC, RegId};

use crate::core::ALL_ONES;

/// What is wrong with a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It answers so many accesses to registers; with the next it is gone, connection and all, as a process that is
    /// killed.
    DiesAfter(u64),
    /// Every access to a register takes so long.
    Late(Duration),
    /// Registers read all ones and take nothing: a card that was pulled out.
    AllOnes,
    /// A COMMIT is taken, STATUS shows it under way, and it never ends. A reset does away with it.
    CommitNeverEnds,
    /// Shadow registers are in force as they are written, not all of them with the next COMMIT.
    NoShadow,
    /// MAGIC is there with its bytes the wrong way round.
    WrongMagic,
}

/// A fault at work, or none.
pub(crate) struct Faults {
    fault: Option<Fault>,
    accesses: u64,
    committing: bool,
}

/// What becomes of an access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It reaches the NIC.
    Served,
    /// It does not; a read gives all ones.
    Lost,
    /// The device is gone.
    Dead,
}

impl Faults {
    pub(crate) fn new(fault: Option<Fault>) -> Faults {
        Faults { fault, accesses: 0, committing: false }
    }

    /// One more access begins. Returns late if the device is.
    pub(crate) fn access(&mut self) -> Fate {
        self.accesses += 1;
        match self.fault {
            Some(Fault::DiesAfter(accesses)) if self.accesses > accesses => Fate::Dead,
            Some(Fault::AllOnes) => Fate::Lost,
            Some(Fault::Late(delay)) => {
                thread::sleep(delay);
                Fate::Served
            }
            _ => Fate::Served,
        }
    }

    /// What a host reads where the NIC has `value`.
    pub(crate) fn read(&self, offset: u32, value: u32) -> u32 {
        if self.fault == Some(Fault::WrongMagic) && offset == regs::address(RegId::Magic, 0) {
            MAGIC.swap_bytes()
        } else if self.committing && offset == regs::address(RegId::Status, 0) && value != ALL_ONES {
            value | regs::reg(RegId::Status).field("busy").place(1)
        } else {
            value
        }
    }

    /// Whether a write reaches the NIC.
    pub(crate) fn write(&mut self, offset: u32) -> bool {
        let commit = self.fault == Some(Fault::CommitNeverEnds) && offset == regs::address(RegId::Commit, 0);
        self.committing |= commit;
        !commit
    }

    /// Whether a write that reached the NIC is to be in force at once.
    pub(crate) fn commits(&self, offset: u32) -> bool {
        let shadow = || regs::find(offset).is_some_and(|(block, _, _)| block.shadow && *block != regs::MAP);
        self.fault == Some(Fault::NoShadow) && shadow()
    }

    /// The function was reset.
    pub(crate) fn reset(&mut self) {
        self.committing = false;
    }
}
