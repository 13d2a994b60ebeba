//! The `weir` command: load balancing without a load balancer.
//!
//! Each sub-command is one file under `command/`; this one only picks. Exit codes are the same everywhere: 0 done, 1
//! failed, 2 nothing to do or wrong usage, 3 not found; `weir flash` has three more.
#![forbid(unsafe_code)]

// First: its macros stand for those of the standard library in all that follows.
#[macro_use]
mod out;
mod command;
mod exit;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use command::{agent, completions, control, device, flash, hdl, image, lab, man, nic, reload};
use exit::Exit;

/// Load balancing without a load balancer: each host's NIC passes only the packets whose bucket its host owns.
#[derive(Parser)]
#[command(name = "weir", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// run a cluster on this machine: namespaces, simulated NICs, real TCP, a crash and a come-back
    Lab(lab::Args),
    /// run the agent of this host until it is told to end
    Agent(agent::Args),
    /// run a simulated NIC between two interfaces
    Device(device::Args),
    /// show state and members
    Query(control::Args),
    /// show configuration, NIC and counters
    Display(control::Args),
    /// join the cluster
    Start(control::Args),
    /// leave the cluster at once
    Stop(control::Args),
    /// take no new connections, and leave the cluster when the last has ended
    Drainstop(control::Args),
    /// take no new connections of a rule
    Drain(control::RuleArgs),
    /// take new connections of a rule again
    Enable(control::RuleArgs),
    /// weigh more or less in a rule
    Weight(control::WeightArgs),
    /// end the agent, and leave its part of the cluster to the one that is started next
    Restart(control::RestartArgs),
    /// read the configuration file anew
    Reload(reload::ReloadArgs),
    /// find NICs, hand them over, and look into them
    #[command(subcommand)]
    Nic(nic::Args),
    /// emit the circuits, or run a capture through one
    #[command(subcommand)]
    Hdl(hdl::Args),
    /// pack, read, sign and check packages of bitstreams
    #[command(subcommand)]
    Image(image::Args),
    /// bring a package onto a board, and prove that it runs
    Flash(flash::Args),
    /// print what a shell needs to complete commands and options
    Completions(completions::Args),
    /// write manual pages
    Man(man::Args),
    /// what the lab's children run
    #[command(hide = true)]
    LabServe(lab::ServeArgs),
}

impl Command {
    /// It changes nothing, and is over where nobody reads what it prints.
    fn only_shows(&self) -> bool {
        match self {
            Command::Query(_) | Command::Display(_) | Command::Completions(_) => true,
            Command::Nic(args) => args.only_shows(),
            Command::Image(args) => args.only_shows(),
            _ => false,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.command.only_shows() {
        out::only_shows();
    }
    let filter = EnvFilter::try_from_env("WEIR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    // Not of its own errors, which would be told on the very output that is gone, and end the process there.
    log.with_writer(std::io::stderr).with_target(false).log_internal_errors(false).init();
    let done = match cli.command {
        Command::Lab(args) => lab::run(args),
        Command::Agent(args) => agent::run(args),
        Command::Device(args) => device::run(args),
        Command::Query(args) => control::query(args),
        Command::Display(args) => control::display(args),
        Command::Start(args) => control::start(args),
        Command::Stop(args) => control::stop(args),
        Command::Drainstop(args) => control::drainstop(args),
        Command::Drain(args) => control::drain(args),
        Command::Enable(args) => control::enable(args),
        Command::Weight(args) => control::set_weight(args),
        Command::Restart(args) => control::restart(args),
        Command::Reload(args) => reload::run(args),
        Command::Nic(args) => nic::run(args),
        Command::Hdl(args) => hdl::run(args),
        Command::Image(args) => image::run(args),
        Command::Flash(args) => flash::run(args),
        Command::Completions(args) => completions::run(args, Cli::command()),
        Command::Man(args) => man::run(args, Cli::command()),
        Command::LabServe(args) => lab::serve(args),
    };
    let exit = done.unwrap_or_else(|error| {
        eprintln!("weir: {error:#}");
        Exit::of(&error)
    });
    out::exit(exit).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_of_all_commands_hold_together() {
        Cli::command().debug_assert();
    }
}
