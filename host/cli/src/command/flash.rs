//! `weir flash`: a signed package onto a board, and the proof that it runs.
//!
//! ```text
//! # weir flash --board ecp5-versa-5g --device jtag:ft2232 --trusted keys.toml weir.pldm
//! weir.pldm: 0.2.7 for ecp5-versa-5g, signed by 3F1B2C4D5E6F7081 (release)
//! board: LFE5UM5G-45F answers on JTAG
//! The board is dark while its flash is read and written: what is behind it has no network. Go on? [y/N] y
//! installed: 0.2.6; primary USERCODE 0x12345678, golden 0x600d0001
//! primary image: 163420 octets at 0x000000, 3 erase blocks
//! note of what is installed: 762 octets at 0x7f0000, 1 erase blocks
//! done: the primary image 0x12345679 runs
//! ```
//!
//! Order: signature, package, board, part; then, with the user's word, the flash is read, written and read back; then the part
//! boots and is asked which image runs. Before that word nothing of the board is touched but its IDCODE.
//!
//! | device | how |
//! |---|---|
//! | `jtag:CABLE` | openFPGALoader with `--cable CABLE`; `--jtag-option` hands it more |
//! | `xvc:HOST:PORT` | openFPGALoader with its client for virtual cables |
//! | `eth:INTERFACE:KEYFILE`, and other NICs | the registers of a board that runs: the primary image alone, and without a proof |
//!
//! Exit codes: 0 the new image runs; 1 refused or failed; 2 nothing to do, or wrong usage; 3 a file or openFPGALoader is not there;
//! 4 written and verified, and runs after a cycle of power; 5 written and verified, but the golden image runs; 6 nothing runs.
//! Doing it again goes on where it ended.

mod device;
mod failed;
mod told;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use weir_firmware::flash::{Options, Outcome, Update};

use super::image::trusted::{TrustArgs, Trusted};
use super::image::{board, layout};
use crate::exit::Exit;
use device::Reach;
use told::Told;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the package; its signature is looked for in PACKAGE.minisig
    package: PathBuf,
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    /// how the board is reached: jtag:CABLE, xvc:HOST:PORT, or as a NIC, eth:INTERFACE:KEYFILE
    #[arg(long, value_name = "device")]
    device: Reach,
    #[command(flatten)]
    trusted: TrustArgs,
    /// check package, board and part, say what would be done, and touch no flash
    #[arg(long)]
    dry_run: bool,
    /// do not ask
    #[arg(short, long)]
    yes: bool,
    /// write the golden image and the block that leads to it too; needs --force
    #[arg(long)]
    golden: bool,
    /// do what leaves the board without a way back while it is done
    #[arg(long)]
    force: bool,
    /// take an earlier version than the installed one
    #[arg(long)]
    downgrade: bool,
    /// openFPGALoader; looked for in PATH if not given
    #[arg(long, value_name = "program", env = "WEIR_OPENFPGALOADER", default_value = "openFPGALoader")]
    openfpgaloader: PathBuf,
    /// one more option for openFPGALoader, as --jtag-option=--index-chain=1; may be given for each
    #[arg(long, value_name = "option", allow_hyphen_values = true)]
    jtag_option: Vec<String>,
    /// print one JSON object a line: steps, progress, and the end, with the exit code, of a run that fails too
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let json = args.json;
    flash(args).inspect_err(|error| {
        if json {
            println!("{}", failed::event(error));
        }
    })
}

fn flash(args: Args) -> anyhow::Result<Exit> {
    let told = Told::new(args.json);
    let board = board::find(&args.board)?;
    let Trusted { package, key, .. } = args.trusted.open(&args.package)?;
    let refused = || format!("{} is refused", args.package.display());
    told.package(&args.package, package.manifest(), &key);

    let mut access = args.device.open(&board, args.openfpgaloader.clone(), args.jtag_option.clone())?;
    let runs_on = args.device.runs_on();
    let Args { golden, force, downgrade, .. } = args;
    let options = Options { golden, force, downgrade };
    let update = Update::new(&board, &package, layout(), options, &mut *access).with_context(refused)?;
    told.board(&board, runs_on);
    if args.dry_run {
        told.dry_run(&package, golden);
        return Ok(Exit::Done);
    }
    if !args.yes && !agreed(runs_on)? {
        bail!("nothing was touched: say y, or --yes");
    }
    let plan = update.plan(&mut *access, &mut |progress| told.progress(progress)).with_context(refused)?;
    told.plan(&plan);
    let outcome =
        update.execute(&plan, &mut *access, &mut |step| told.step(step), &mut |progress| told.progress(progress));
    let outcome = outcome.context(match golden {
        true => "the golden image may be half written: keep the board's power on, and run the same command again",
        false => "the board still boots, by its golden image if need be; run the same command again",
    })?;
    let exit = match outcome {
        Outcome::Circuit => Exit::Nothing,
        Outcome::Proven if plan.steps.is_empty() => Exit::Nothing,
        Outcome::Proven => Exit::Done,
        Outcome::PendingPowerCycle => Exit::PowerCycle,
        Outcome::FellBack => Exit::FellBack,
        Outcome::Another => Exit::Failed,
        Outcome::Dark => Exit::Dark,
    };
    told.end(outcome, exit, &plan, &package);
    Ok(exit)
}

/// Asks on the terminal; without one nobody can agree.
fn agreed(runs_on: bool) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let may = if runs_on { "its flash may be written" } else { "the board may be dark for a while" };
        bail!("nothing was touched: nobody can be asked here; say --yes if {may}");
    }
    let (dark, on) = (
        "The board is dark while its flash is read and written: what is behind it has no network.",
        "The flash is written while the board runs on; the image runs after a cycle of power.",
    );
    eprint!("{} Go on? [y/N] ", if runs_on { on } else { dark });
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
