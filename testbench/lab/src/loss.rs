//! Frames that the switch loses: in one direction, or of one kind, as broken cables and filters do.
//!
//! By `nft` in the switch's namespace, on what the bridge forwards. A flooded frame is forwarded to each port by itself, so it can
//! be lost on the way to one of them.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::namespace::{Namespace, NamespaceError};
use crate::topology::port;

/// Frames to lose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// All that this host sends.
    From(u8),
    /// All that is sent to this host.
    To(u8),
    /// Heartbeats of one host to another, and not the other way round.
    Heartbeats {
        /// Who is not heard.
        from: u8,
        /// By whom.
        to: u8,
    },
}

/// Why the switch loses nothing, or goes on losing.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// The switch's namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// There is no `nft`.
    #[error("failed to run nft, which `cargo xtask setup` brings")]
    Run {
        /// What the kernel said.
        source: io::Error,
    },
    /// It refused.
    #[error("nft failed: {words}")]
    Refused {
        /// What it said.
        words: String,
    },
}

/// Makes `switch` lose these, and nothing else.
pub(crate) fn lose(switch: &Namespace, losses: &[Loss]) -> Result<(), LossError> {
    let text = ruleset(losses);
    let run = || {
        let mut command = Command::new("nft");
        command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        if let Some(mut input) = process.stdin.take() {
            input.write_all(text.as_bytes())?;
        }
        process.wait_with_output()
    };
    let output = switch.enter(run)?.map_err(|source| LossError::Run { source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(LossError::Refused { words: String::from_utf8_lossy(&output.stderr).trim().to_string() })
}

fn ruleset(losses: &[Loss]) -> String {
    let rule = |loss: &Loss| match *loss {
        Loss::From(host) => format!("iifname {} drop\n", port(host)),
        Loss::To(host) => format!("oifname {} drop\n", port(host)),
        Loss::Heartbeats { from, to } => {
            format!("iifname {} oifname {} ether type 0x886f drop\n", port(from), port(to))
        }
    };
    let rules: String = losses.iter().map(rule).collect();
    // Naming the table first lets it be deleted where there is none.
    format!(
        "table bridge lab\ndelete table bridge lab\ntable bridge lab {{\nchain forward {{\n\
         type filter hook forward priority 0\n{rules}}}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_rules_and_no_losses_are_a_table_without() {
        assert!(!ruleset(&[]).contains("drop"));
        let text = ruleset(&[Loss::From(1), Loss::Heartbeats { from: 2, to: 3 }]);
        assert!(text.contains("iifname p1 drop\niifname p2 oifname p3 ether type 0x886f drop\n"), "{text}");
    }
}
