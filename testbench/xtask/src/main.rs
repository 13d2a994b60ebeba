//! The workshop of the project: `cargo xtask setup | test | bench | docs`.
//!
//! `setup` brings the tools that are not Rust, `test` runs the parts of the test suite and counts them, `bench` prints
//! what the project measures about itself, `docs` writes the pages that are made from code.

mod bench;
mod circuit;
mod docs;
mod image;
mod lint;
mod place;
mod run;
mod setup;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Setup, tests and benchmarks of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// bring the tools that are not Rust into the cache
    Setup(setup::Args),
    /// run the test suite, or some of its parts
    Test(test::Args),
    /// measure, and print a table
    Bench(bench::Args),
    /// write the documentation pages that are made from code
    Docs(docs::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup(args) => setup::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Docs(args) => docs::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
