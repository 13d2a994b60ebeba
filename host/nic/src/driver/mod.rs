//! The driver of one NIC.
//!
//! [`load`](Nic::load) puts a [`Program`] beside the one in force, [`commit`](Nic::commit) swaps the two,
//! [`renew`](Nic::renew) moves the deadline. Between load and commit the old program is untouched.
//! [`flows`](Nic::flows) is the flow table, which no commit touches.
//!
//! SCRATCH is the driver's journal. After a commit it holds a checksum of the shadow registers that were committed, so
//! a driver that attaches to a serving NIC knows whether the shadow registers are what is in force, or what another
//! process was about to bring into force when it ended. A NIC that was reset reads zero there, which no driver leaves.

mod attach;
mod commit;
mod counters;
mod flows;
mod heat;
mod lease;
mod load;
mod mailbox;
mod masking;
mod peek;
mod reset;
mod warnings;

pub use attach::OpenError;
pub use commit::{CommitError, Committed};
pub use counters::{Counters, CountersError};
pub use flows::{FlowError, Flows, Insertion};
pub use heat::Heat;
pub use lease::{FenceError, RenewError, Renewal};
pub use load::{LoadError, Loaded, MapUser};
pub use masking::MaskingError;
pub use peek::{Glimpse, Shadow, Standing, conditions, peek, read_back, read_counters};
pub use reset::ResetError;
pub use warnings::{Warnings, WarningsError};

use std::convert::Infallible;

use weir_spec::flow::FlowTable;
use weir_spec::map::{CRC_START, Map, crc_step};
use weir_spec::regs::{RegId, codec};
use weir_spec::{Config, Micros};

use crate::program::SlotSet;
use crate::registers::Registers;
use crate::slots::Slots;
use crate::{AccessError, Bar, Identity, Program};

/// SCRATCH of a NIC whose shadow registers are not known to be what is in force.
const JOURNAL_OPEN: u32 = u32::from_be_bytes(*b"open");

/// A NIC, and what the driver knows it to hold.
pub struct Nic<B> {
    registers: Registers<B>,
    identity: Identity,
    slots: Slots,
    /// The words of the shadow registers in the order of `codec::encode`; `None`: not known.
    shadow: Vec<Option<u32>>,
    /// What is in force, by slots of the NIC; `None`: not known.
    active: Option<Config>,
    /// Every slot that may be in force.
    in_use: SlotSet,
    /// What the shadow registers hold, checked and ready to commit.
    staged: Option<Config>,
    /// What SCRATCH must read.
    journal: u32,
    /// What the flow table holds; `None`: not known.
    flows: Option<FlowTable>,
}

/// The state of a NIC at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// NIC_TIME, microseconds.
    pub now: Micros,
    /// Deadline in force, microseconds of NIC_TIME.
    pub until: Micros,
    /// Rules accept nothing.
    pub fenced: bool,
    /// Low word of the epoch in force.
    pub epoch: u32,
    /// Entries of the flow table in use.
    pub flows: u32,
    /// Since this driver attached, the NIC was not reset and no other driver committed to it. If it was, what it holds is
    /// not what this driver believes: attach anew. A NIC after reset knows no virtual IP, so everything passes.
    pub ours: bool,
}

impl<B: Bar> Nic<B> {
    /// What the NIC is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The NIC's clock, microseconds.
    pub fn time(&mut self) -> Result<Micros, AccessError> {
        self.registers.time()
    }

    /// What the NIC is doing.
    pub fn status(&mut self) -> Result<Status, AccessError> {
        let Glimpse { now, until, fenced, epoch, flows } = peek(&mut self.registers.bar)?;
        Ok(Status { now, until, fenced, epoch, flows, ours: self.ours()? })
    }

    /// The program in force; `None` when it is not known, because another process ended between its load and its commit
    /// or because nothing was ever committed.
    pub fn active(&self) -> Option<Program> {
        self.active.as_ref().map(|config| self.program(config))
    }

    /// The hash key that the registers hold; zeros are none.
    pub fn hash_key(&mut self) -> Result<[u8; 40], AccessError> {
        Ok(attach::decode(&attach::read_shadow(&mut self.registers)?).hash_key)
    }

    /// The program that [`commit`](Nic::commit) would put in force.
    pub fn staged(&self) -> Option<Program> {
        self.staged.as_ref().map(|config| self.program(config))
    }

    /// `config` with the maps its slots hold.
    fn program(&self, config: &Config) -> Program {
        let held = |slot| {
            let content = self.slots.get(slot).expect("slots in force or staged have been read or written");
            let mut map = Map::default();
            *map.words_mut() = *content.words;
            Ok::<_, Infallible>(map)
        };
        let Ok(program) = Program::read(config, held);
        program
    }

    /// What reaches the registers, for what is no register access. Whatever changes the NIC makes `self` wrong about it.
    pub fn bar_mut(&mut self) -> &mut B {
        &mut self.registers.bar
    }

    fn ours(&mut self) -> Result<bool, AccessError> {
        Ok(self.registers.read(RegId::Scratch)? == self.journal)
    }

    /// Writes the journal: what is in force is what the shadow registers hold.
    fn close_journal(&mut self, config: &Config) -> Result<(), AccessError> {
        self.journal = checksum(codec::encode(config).into_iter().map(|(_, word)| word));
        self.registers.write(RegId::Scratch, self.journal)
    }
}

/// Never what a reset NIC or an open journal shows.
fn checksum(shadow: impl Iterator<Item = u32>) -> u32 {
    let crc = (0u16..).zip(shadow).fold(CRC_START, |crc, (index, word)| crc_step(crc, index, word));
    if crc == 0 || crc == JOURNAL_OPEN { crc ^ 1 } else { crc }
}

#[cfg(test)]
mod tests;
