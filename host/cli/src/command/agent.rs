//! `weir agent`: the daemon of one host.
//!
//! Runs in the foreground until SIGTERM or SIGINT, which leave the cluster first; systemd or the lab puts it where it
//! belongs. SIGHUP has it read its configuration anew, as `weir reload` does. SIGUSR2 puts a new process of the program in its place, which reads the configuration anew and goes on where the
//! old one was: an update, or another weight, without leaving the cluster. What it does is told on standard error, one line an event; `WEIR_LOG=debug` tells more.
//!
//! Exit codes: 0 ended as told; 1 failed, with nothing left half done; 3 the configuration or the interface is not there.

use std::path::PathBuf;

use weir_agent::config::Config;

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// configuration of this host
    #[arg(long, value_name = "file", env = "WEIR_CONFIG", default_value = "/etc/weir/weir.toml")]
    config: PathBuf,
    /// check the configuration, say whether it is good, and end
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    if args.check {
        weir_agent::check(&config)?;
        println!("{}: good", args.config.display());
    } else {
        weir_agent::run(&config)?;
    }
    Ok(Exit::Done)
}
