//! Exit codes, the same for every sub-command.

use std::io::ErrorKind;
use std::process::ExitCode;

use weir_agent::ReceptionError;
use weir_device::DeviceError;
use weir_firmware::build::ToolsError;
use weir_link::LinkError;
use weir_nic::eth::EthError;
use weir_nic::pci::ScanError;

use crate::command::control::NotFound;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// There was nothing to do; clap uses the same code for wrong usage.
    Nothing = 2,
    /// What it was to work on is not there: no file, no agent, no interface.
    NotFound = 3,
    /// Done, and in force after a cycle of power.
    PowerCycle = 4,
    /// Done, and the board runs its golden image all the same.
    FellBack = 5,
    /// Done, and the board runs nothing.
    Dark = 6,
}

impl Exit {
    /// The code for an error: what is missing is told apart from what failed.
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        let missing = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::NotFound)
                || matches!(
                    cause.downcast_ref::<weir_agent::control::ControlError>(),
                    Some(weir_agent::control::ControlError::NoAgent { .. })
                )
                || cause.is::<NotFound>()
                || matches!(cause.downcast_ref(), Some(LinkError::Missing { .. }))
                || matches!(cause.downcast_ref(), Some(ScanError::NoFunction { .. }))
                || cause.downcast_ref::<weir_nic::OpenBarError>().is_some_and(weir_nic::OpenBarError::is_missing)
                || matches!(cause.downcast_ref(), Some(ToolsError::Missing { .. }))
                // Transparent: they show their cause's own words and causes, and so hide the cause.
                || matches!(cause.downcast_ref(), Some(DeviceError::Wire(LinkError::Missing { .. })))
                || matches!(cause.downcast_ref(), Some(EthError::Link(LinkError::Missing { .. })))
                || matches!(cause.downcast_ref(), Some(ReceptionError::Link(LinkError::Missing { .. })))
        };
        if error.chain().any(missing) { Exit::NotFound } else { Exit::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_behind_which_a_board_should_be_can_be_missing() {
        let missing = EthError::from(LinkError::Missing { name: "nope".into() });
        assert_eq!(Exit::of(&anyhow::Error::new(missing)), Exit::NotFound);
        let silent = EthError::Silent { interface: "eth1".into(), with: "without a key" };
        assert_eq!(Exit::of(&anyhow::Error::new(silent)), Exit::Failed);
    }

    #[test]
    fn what_is_missing_is_told_from_what_failed() {
        let missing = std::fs::read("/nowhere/at/all").expect_err("there is none");
        assert_eq!(Exit::of(&anyhow::Error::new(missing).context("failed to read it")), Exit::NotFound);
        assert_eq!(Exit::of(&anyhow::anyhow!("failed")), Exit::Failed);
    }
}
