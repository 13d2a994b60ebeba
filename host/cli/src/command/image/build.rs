//! `weir image build`: a board's bitstreams and their package, out of the circuit and the board's folder.
//!
//! ```text
//! $ weir image build --board ecp5-versa-5g --version 0.2.7 --source "$(git rev-parse HEAD)" --out build
//! emit             0.4 s
//! synthesise       58.1 s
//! place-and-route  121.9 s
//! pack             4.0 s
//! clock            148.2 MHz of 125.0 MHz asked
//! TRELLIS_COMB     9896 of 43848, 22 %
//! build/ecp5-versa-5g.pldm: 0.2.7 for ecp5-versa-5g, 690321 octets, sha256 ...
//! ```
//!
//! yosys, nextpnr-ecp5 and ecppack are found where `cargo xtask setup` puts them, in `PATH`, or by `WEIR_YOSYS`, `WEIR_NEXTPNR` and
//! `WEIR_ECPPACK`; their versions go into the package. The folder keeps what each stage made, and a stage whose inputs
//! are those of the last time is not run again. The same board, source, seed and tools make the same octets.
//!
//! One build at a time has a folder. SIGINT and SIGTERM end the program that runs, too; the same command goes on from there.
//!
//! Exit codes: 0 done; 1 a stage failed or was interrupted, a clock is too slow, or the folder is in use or none; 2 wrong usage; 3 a program or a file is not there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::{fs, io, thread};

use anyhow::Context;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use weir_firmware::build::{Event, Folder, Recipe, Stop, Tools, build};
use weir_firmware::image::{ImageVersion, Timing, Utilisation};

use super::board;
use super::pack::{Said, git_hash, package, source};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    /// the version of the images, MAJOR.MINOR.BUILD; a board takes no earlier one than it has
    #[arg(long, value_name = "version", default_value = env!("CARGO_PKG_VERSION"))]
    version: ImageVersion,
    /// the commit this is built from; the NIC answers its first 32 bits
    #[arg(long, value_name = "hex", value_parser = source)]
    source: String,
    /// seed of placement
    #[arg(long, value_name = "n", default_value_t = 1)]
    seed: u32,
    /// folder to build in; made if it is not there
    #[arg(long, value_name = "dir")]
    out: PathBuf,
    /// print one JSON object a line: stages, what the programs say, clocks and what is used
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let board = board::find(&args.board)?;
    let tools = Tools::find()?;
    let folder = Folder::take(&args.out)?;
    let stop = stop_on_signals()?;
    let out = args.out.join(format!("{}.pldm", board.facts.name));
    // The package of an earlier build is not to be taken for this one's, if this one fails.
    match fs::remove_file(&out) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("failed to remove {}", out.display()));
        }
        _ => {}
    }
    let recipe = Recipe { board: &board, git_hash: git_hash(&args.source), seed: args.seed };
    let mut told = Told { json: args.json, since: Instant::now() };
    let built = build(&recipe, &tools, &folder, &stop, &mut |event| told.event(&event))
        .with_context(|| format!("failed to build {} in {}", board.facts.name, args.out.display()))?;
    built.timing.iter().for_each(|clock| told.clock(clock));
    built.utilisation.iter().for_each(|resource| told.resource(resource));
    let said = Said {
        version: args.version,
        source: args.source,
        tools: tools.versions(),
        timing: built.timing,
        utilisation: built.utilisation,
    };
    let packed = package(&board, said, built.images, &out)?;
    told.say(packed, json!({ "event": "end", "package": out }));
    Ok(Exit::Done)
}

/// From now on a signal ends the build with the program that it runs: that one is in a group of its own, which no terminal reaches.
fn stop_on_signals() -> anyhow::Result<Arc<Stop>> {
    let stop = Arc::new(Stop::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("failed to listen to signals")?;
    let asked = stop.clone();
    thread::spawn(move || signals.forever().for_each(|_| asked.ask()));
    Ok(stop)
}

/// Words, or JSON.
struct Told {
    json: bool,
    /// When the stage under way began.
    since: Instant,
}

impl Told {
    fn say(&self, words: String, object: serde_json::Value) {
        if self.json { println!("{object}") } else { println!("{words}") }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Begun(stage) => {
                self.since = Instant::now();
                if self.json {
                    println!("{}", json!({ "event": "begun", "stage": stage.name() }));
                }
            }
            // Programs are talkative: for people what a stage is at goes where progress goes.
            Event::Said(stage, line) => match self.json {
                true => println!("{}", json!({ "event": "said", "stage": stage.name(), "line": line })),
                false => eprintln!("{:16} {line}", stage.name()),
            },
            Event::Done { stage, kept } => {
                let seconds = self.since.elapsed().as_secs_f64();
                let how = if *kept { "as it was".to_string() } else { format!("{seconds:.1} s") };
                let words = format!("{:16} {how}", stage.name());
                self.say(words, json!({ "event": "done", "stage": stage.name(), "kept": kept, "seconds": seconds }));
            }
        }
    }

    fn clock(&self, clock: &Timing) {
        let Timing { clock: name, reached_khz, wanted_khz } = clock;
        let mhz = |khz: &u32| f64::from(*khz) / 1000.0;
        let words = format!("{:16} {:.1} MHz of {:.1} MHz asked, {name}", "clock", mhz(reached_khz), mhz(wanted_khz));
        self.say(words, json!({ "event": "clock", "net": name, "reached_khz": reached_khz, "wanted_khz": wanted_khz }));
    }

    fn resource(&self, resource: &Utilisation) {
        let Utilisation { resource: name, used, of } = resource;
        let percent = f64::from(*used) * 100.0 / f64::from(*of).max(1.0);
        let words = format!("{name:16} {used} of {of}, {percent:.0} %");
        self.say(words, json!({ "event": "resource", "resource": name, "used": used, "of": of }));
    }
}
