//! `weir completions`: what a shell needs to complete weir's commands and options.
//!
//! ```text
//! $ weir completions bash > /etc/bash_completion.d/weir
//! ```
//!
//! Exit codes: 0 written; 1 standard output takes no more.

use clap::Command;
use clap_complete::{Shell, generate};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: Args, mut cli: Command) -> anyhow::Result<Exit> {
    // Written at once: the generator panics on an output that takes no more.
    let mut text = Vec::new();
    generate(args.shell, &mut cli, "weir", &mut text);
    print!("{}", String::from_utf8(text)?);
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, ValueEnum};

    use super::*;
    use crate::Cli;

    #[test]
    fn every_shell_learns_of_every_verb() {
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            generate(*shell, &mut Cli::command(), "weir", &mut text);
            let text = String::from_utf8(text).expect("text");
            assert!(text.contains("unbind") && text.contains("counters"), "{shell}");
        }
    }
}
