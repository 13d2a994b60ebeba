//! A bitstream out of a board's folder: emit, synthesise, place and route, pack.
//!
//! [`build`] works in a folder and leaves there what each stage made; a stage whose inputs are those of the last time is not
//! run again, so a build that was broken off goes on. The same board, source, seed and tools make the same octets: nothing
//! else gets in, no time and no path.
//!
//! yosys, nextpnr-ecp5 and ecppack do the work, and [`Tools::find`] says which and in which versions. What comes out is not believed:
//! every stream is read back with all its CRCs, and a clock that was not reached is an error, not a line in a log.

mod folder;
mod report;
mod rtl;
mod step;
mod stop;
mod tools;

use std::collections::BTreeMap;

use crate::Board;
use crate::ecp5::{Bitstream, StreamError};
use crate::image::{Digest, Role, Timing, Utilisation};

pub use folder::{Folder, FolderError};
pub use rtl::Unbuildable;
pub use step::StepError;
pub use stop::Stop;
pub use tools::{Tool, Tools, ToolsError};

use step::Step;

/// What is built.
#[derive(Clone, Debug)]
pub struct Recipe<'a> {
    /// The board.
    pub board: &'a Board,
    /// The commit, of which the NIC answers the first 32 bits.
    pub git_hash: u32,
    /// The seed of placement; another one may reach a clock that this one does not.
    pub seed: u32,
}

/// What is done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// RustHDL to SystemVerilog.
    Emit,
    /// To a netlist of the part's cells: yosys.
    Synthesise,
    /// nextpnr-ecp5 gives every cell a place and every net its wires.
    PlaceAndRoute,
    /// To streams: ecppack.
    Pack,
}

impl Stage {
    /// For people and for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Emit => "emit",
            Stage::Synthesise => "synthesise",
            Stage::PlaceAndRoute => "place-and-route",
            Stage::Pack => "pack",
        }
    }
}

/// How far a build is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A stage begins.
    Begun(Stage),
    /// What its program said and is of interest.
    Said(Stage, String),
    /// It ended; `kept` if its inputs were those of the last time and nothing ran.
    Done {
        /// Which.
        stage: Stage,
        /// Nothing ran.
        kept: bool,
    },
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Built {
    /// The streams.
    pub images: BTreeMap<Role, Vec<u8>>,
    /// What the clocks reach.
    pub timing: Vec<Timing>,
    /// What of the part is taken.
    pub utilisation: Vec<Utilisation>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The board is not one that Weir has a top for.
    #[error(transparent)]
    Board(#[from] Unbuildable),
    /// A circuit is wrong.
    #[error(transparent)]
    Emit(#[from] weir_hdl::EmitError),
    /// A program failed, or a file could not be read or written.
    #[error(transparent)]
    Step(#[from] StepError),
    /// nextpnr's report is not one.
    #[error("failed to read the report of nextpnr: {0}")]
    Report(String),
    /// A clock is too slow.
    #[error(
        "clock {clock} reaches {reached_khz} kHz, should reach {wanted_khz}: try another --seed, or a faster speed grade"
    )]
    Slow {
        /// Its net.
        clock: String,
        /// What it reaches.
        reached_khz: u32,
        /// What it has to.
        wanted_khz: u32,
    },
    /// ecppack wrote what is no stream for the part.
    #[error("the {role} image is not as ecppack should have written it")]
    Stream {
        /// Which.
        role: Role,
        /// Where it is wrong.
        source: StreamError,
    },
    /// A stream does not fit into the flash.
    #[error("the {role} image has {found} octets, should have at most {room}, the room in the flash of {board}")]
    Large {
        /// Which.
        role: Role,
        /// Its octets.
        found: usize,
        /// What there is for it.
        room: u32,
        /// The board.
        board: String,
    },
}

/// The circuit of a board as text: module `board` with its pads, or for a bench the module `bump` inside them, with waits that a
/// bench can wait for.
pub fn emit(board: &Board, git_hash: u32, bench: bool) -> Result<String, BuildError> {
    let (ring, settings) = rtl::read(board, git_hash)?;
    Ok(match bench {
        true => weir_hdl::board::bench(settings)?,
        false => weir_hdl::board::board(&ring, settings)?,
    })
}

/// Builds in `folder` and tells how far it is; `stop` ends it, from another thread.
///
/// # Errors
///
/// [`BuildError`]; [`StepError::Stopped`] if it was told to end.
pub fn build(
    recipe: &Recipe,
    tools: &Tools,
    folder: &Folder,
    stop: &Stop,
    tell: &mut dyn FnMut(Event),
) -> Result<Built, BuildError> {
    let folder = folder.path();
    let board = recipe.board;
    let facts = &board.facts;
    let device = rtl::device(facts)?;

    tell(Event::Begun(Stage::Emit));
    let text = emit(board, recipe.git_hash, false)?;
    let kept = step::write(folder, "board.sv", text.as_bytes())?
        & step::write(folder, "pins.lpf", board.preferences.as_bytes())?;
    tell(Event::Done { stage: Stage::Emit, kept });

    let script = weir_tools::ecp5_script(weir_hdl::board::TOP);
    let made = Step {
        stage: Stage::Synthesise,
        tool: &tools.yosys,
        arguments: vec!["-q".into(), "-p".into(), script],
        reads: &["board.sv"],
        writes: &["netlist.json"],
        of_interest: |_| false,
    };
    made.run(folder, stop, tell)?;

    let core = format!("{}.{:03}", facts.clock.core_khz / 1000, facts.clock.core_khz % 1000);
    let mut arguments: Vec<String> = device.into();
    let rest = ["--lpf", "pins.lpf", "--json", "netlist.json", "--textcfg", "board.config", "--report", "report.json"];
    arguments.extend(rest.map(String::from));
    // Twice the weight that timing has by itself: four fifths of a long way are wires.
    arguments.extend(["--placer-heap-timingweight", "20"].map(String::from));
    // What is too slow is told with its figures below.
    arguments.extend(["--timing-allow-fail", "--freq", &core, "--seed", &recipe.seed.to_string()].map(String::from));
    let routed = Step {
        stage: Stage::PlaceAndRoute,
        tool: &tools.nextpnr,
        arguments,
        reads: &["netlist.json", "pins.lpf"],
        writes: &["board.config", "report.json"],
        of_interest: |line| line.contains("Running") || line.contains("Routing"),
    };
    routed.run(folder, stop, tell)?;
    let (timing, utilisation) = report::read(&step::text(folder, "report.json")?).map_err(BuildError::Report)?;
    if let Some(slow) = timing.iter().find(|clock| clock.reached_khz < clock.wanted_khz) {
        let clock = slow.clone();
        let (reached_khz, wanted_khz) = (clock.reached_khz, clock.wanted_khz);
        return Err(BuildError::Slow { clock: clock.clock, reached_khz, wanted_khz });
    }

    let circuit = step::read(folder, "board.config")?;
    let mut images = BTreeMap::new();
    for role in [Role::Primary, Role::Golden] {
        let writes: &[&str] = match role {
            Role::Primary => &["primary.bit"],
            Role::Golden => &["golden.bit"],
        };
        // In decimal: ecppack takes nothing else.
        let usercode = usercode(role, &circuit).to_string();
        let options = ["--compress", "--usercode", &usercode, "--input", "board.config", "--bit", writes[0]];
        let packed = Step {
            stage: Stage::Pack,
            tool: &tools.ecppack,
            arguments: options.map(String::from).into(),
            reads: &["board.config"],
            writes,
            of_interest: |_| false,
        };
        packed.run(folder, stop, tell)?;
        let octets = step::read(folder, writes[0])?;
        check(board, role, &octets)?;
        images.insert(role, octets);
    }
    Ok(Built { images, timing, utilisation })
}

/// What is wrong with a stream that was just written.
fn check(board: &Board, role: Role, octets: &[u8]) -> Result<(), BuildError> {
    let facts = &board.facts;
    Bitstream::read(octets, Some(facts.device.jtag_idcode)).map_err(|source| BuildError::Stream { role, source })?;
    let room = facts.flash.room(role);
    if octets.len() > room as usize {
        return Err(BuildError::Large { role, found: octets.len(), room, board: facts.name.clone() });
    }
    Ok(())
}

/// What JTAG reads while an image runs: of the circuit and of what the image is for, so that no two have the same but by
/// chance (one in four thousand million).
fn usercode(role: Role, circuit: &[u8]) -> u32 {
    let mut text = role.to_string().into_bytes();
    text.push(b'\n');
    text.extend_from_slice(circuit);
    let [first, second, third, fourth, ..] = Digest::of(&text).0;
    u32::from_be_bytes([first, second, third, fourth])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_images_of_a_circuit_and_those_of_another_have_usercodes_of_their_own() {
        let codes = [
            usercode(Role::Primary, b"one"),
            usercode(Role::Golden, b"one"),
            usercode(Role::Primary, b"other"),
            usercode(Role::Golden, b"other"),
        ];
        for (at, code) in codes.iter().enumerate() {
            assert!(!codes[..at].contains(code), "{codes:08x?}");
        }
    }
}
