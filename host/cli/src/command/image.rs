//! `weir image`: packages of bitstreams, made, read, signed and checked.
//!
//! ```text
//! $ weir image build --board ecp5-versa-5g --version 0.2.7 --source "$(git rev-parse HEAD)" --out build
//! $ weir image keygen --out keys/release
//! $ weir image pack --board ecp5-versa-5g --version 0.2.7 --primary weir.bit --golden golden.bit --source "$(git rev-parse HEAD)" --out weir.pldm
//! $ weir image sign --key keys/release.key weir.pldm
//! $ weir image verify --board ecp5-versa-5g --trusted keys.toml weir.pldm
//! ```
//!
//! One file a verb, below `image/`. Exit codes: 0 done; 1 refused or failed, and nothing written; 2 wrong usage; 3 a file is
//! not there.

pub(super) mod board;
mod build;
mod emit;
mod file;
mod inspect;
mod keygen;
mod pack;
mod sign;
pub(super) mod trusted;
mod verify;

use crate::exit::Exit;
pub(super) use pack::layout;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// make the bitstreams of a board and their package: emit, synthesise, place and route, pack
    Build(build::Args),
    /// write the circuit of a board as SystemVerilog
    Emit(emit::Args),
    /// make a pair of keys to sign with
    Keygen(keygen::Args),
    /// put bitstreams and what is said of them into one package
    Pack(pack::Args),
    /// tell what a package or a bitstream is, with every checksum held
    Inspect(inspect::Args),
    /// sign a package
    Sign(sign::Args),
    /// check a package for a board: signature, checksums, part, register layout
    Verify(verify::Args),
}

impl Args {
    /// It changes nothing, and is over where nobody reads what it prints.
    pub(crate) fn only_shows(&self) -> bool {
        matches!(self, Args::Inspect(_))
    }
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::Build(args) => build::run(args),
        Args::Emit(args) => emit::run(args),
        Args::Keygen(args) => keygen::run(args),
        Args::Pack(args) => pack::run(args),
        Args::Inspect(args) => inspect::run(args),
        Args::Sign(args) => sign::run(args),
        Args::Verify(args) => verify::run(args),
    }
}
