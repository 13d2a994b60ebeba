//! From when on a NIC warns its host.

use weir_spec::flow::table::FLOWS_LOG2;
use weir_spec::interrupt::Conditions;
use weir_spec::regs::RegId;

use super::{Nic, conditions};
use crate::{AccessError, Bar};

/// Entries of the flow table.
const FLOWS: usize = 1 << FLOWS_LOG2;

/// When a NIC warns, by the conditions of [`weir_spec::interrupt`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Warnings {
    /// The lease counts as ending so many microseconds before its deadline; 0: never.
    pub lease: u32,
    /// The flow table counts as high from so many entries on, at most 4096; 0: never.
    pub flows: u16,
}

/// Why a NIC does not warn as asked.
#[derive(Debug, thiserror::Error)]
pub enum WarningsError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// More than the table holds: it would never be told.
    #[error("a warning at {flows} flow entries never comes: the table has {FLOWS}")]
    TooMany {
        /// Entries asked for.
        flows: u16,
    },
    /// It does not hold what was written.
    #[error("{register} reads {found:#x} after writing {expected:#x}")]
    Differs {
        /// Which.
        register: &'static str,
        /// What was written.
        expected: u32,
        /// What it reads.
        found: u32,
    },
}

impl<B: Bar> Nic<B> {
    /// Warns so from now on, until a reset.
    pub fn set_warnings(&mut self, warnings: Warnings) -> Result<(), WarningsError> {
        if usize::from(warnings.flows) > FLOWS {
            return Err(WarningsError::TooMany { flows: warnings.flows });
        }
        for (id, register, expected) in
            [(RegId::WarnLease, "WARN_LEASE", warnings.lease), (RegId::WarnFlows, "WARN_FLOWS", warnings.flows.into())]
        {
            self.registers.write(id, expected)?;
            let found = self.registers.read(id)?;
            if found != expected {
                return Err(WarningsError::Differs { register, expected, found });
            }
        }
        Ok(())
    }

    /// What the NIC tells by interrupts, read from STATUS.
    pub fn conditions(&mut self) -> Result<Conditions, AccessError> {
        conditions(&mut self.registers.bar)
    }
}

#[cfg(test)]
mod tests {
    use weir_spec::interrupt::Interrupt;

    use super::*;
    use crate::driver::tests::{advance, owning, program, setup};

    #[test]
    fn a_lease_that_ends_soon_is_told_before_the_fence() {
        let (sim, time) = setup();
        let mut nic = Nic::open(sim).expect("a NIC");
        nic.set_warnings(Warnings { lease: 100, flows: 4096 }).expect("a NIC that warns");
        nic.load(&program(&[owning(1)])).expect("room");
        nic.commit(1, 1_001_000).expect("a commit");
        assert_eq!(nic.conditions().expect("a status"), Conditions::default());
        advance(&time, 901);
        assert!(nic.conditions().expect("a status").has(Interrupt::LeaseEnding));
        advance(&time, 99);
        let fenced = nic.conditions().expect("a status");
        assert!(fenced.has(Interrupt::Fenced) && !fenced.has(Interrupt::LeaseEnding));
    }

    #[test]
    fn a_warning_that_never_comes_is_refused() {
        let mut nic = Nic::open(setup().0).expect("a NIC");
        let error = nic.set_warnings(Warnings { lease: 0, flows: 4097 }).expect_err("beyond the table");
        assert!(error.to_string().contains("4097") && error.to_string().contains("4096"), "{error}");
    }
}
