//! `weir image pack`: bitstreams and their manifest in one PLDM firmware package (DSP0267).
//!
//! ```text
//! $ weir image pack --board ecp5-versa-5g --version 0.2.7 --primary weir.bit --golden golden.bit --source "$(git rev-parse HEAD)" --out weir.pldm
//! weir.pldm: 0.2.7 for ecp5-versa-5g, 322561 octets, sha256 ...
//! ```
//!
//! Each bitstream is read command by command, with every CRC, and has to be for the board's part. The same input makes the
//! same octets: the time in the package is `SOURCE_DATE_EPOCH`, or 0.
//!
//! `--out` names a regular file, or none yet, and none of the bitstreams: what else is there is left as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use weir_firmware::Board;
use weir_firmware::image::{Digest, ImagePackage, ImageVersion, Manifest, Role, Target, Timing, Utilisation};
use weir_spec::regs;

use super::{board, file};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    /// the version of the images, MAJOR.MINOR.BUILD; a board takes no earlier one than it has
    #[arg(long, value_name = "version")]
    version: ImageVersion,
    /// the bitstream that runs
    #[arg(long, value_name = "file")]
    primary: PathBuf,
    /// the bitstream that runs when the primary one cannot
    #[arg(long, value_name = "file")]
    golden: Option<PathBuf>,
    /// the commit the circuit was emitted from
    #[arg(long, value_name = "hex", value_parser = source)]
    source: String,
    /// a tool and its version, as place-and-route=nextpnr-0.11.1; may be given for each
    #[arg(long, value_name = "stage=version", value_parser = tool)]
    tool: Vec<(String, String)>,
    /// the package to write
    #[arg(long, value_name = "file")]
    out: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    file::writable(&args.out)?;
    let inputs: Vec<&Path> =
        [Some(&args.primary), args.golden.as_ref()].into_iter().flatten().map(AsRef::as_ref).collect();
    file::apart(&args.out, &inputs)?;
    let board = board::find(&args.board)?;
    let mut images = BTreeMap::from([(Role::Primary, file::read(&args.primary)?)]);
    if let Some(golden) = &args.golden {
        images.insert(Role::Golden, file::read(golden)?);
    }
    let tools = args.tool.into_iter().collect();
    let said = Said { version: args.version, source: args.source, tools, timing: Vec::new(), utilisation: Vec::new() };
    let packed = package(&board, said, images, &args.out)?;
    println!("{packed}");
    Ok(Exit::Done)
}

/// What is said of images beside what they are.
pub(super) struct Said {
    pub(super) version: ImageVersion,
    pub(super) source: String,
    pub(super) tools: BTreeMap<String, String>,
    pub(super) timing: Vec<Timing>,
    pub(super) utilisation: Vec<Utilisation>,
}

/// Writes the package of these images; a line about it.
pub(super) fn package(
    board: &Board,
    said: Said,
    images: BTreeMap<Role, Vec<u8>>,
    out: &Path,
) -> anyhow::Result<String> {
    let facts = &board.facts;
    let version = said.version;
    let manifest = Manifest {
        format: Manifest::FORMAT,
        board: facts.name.clone(),
        board_number: facts.number,
        part: facts.device.part.clone(),
        idcode: facts.device.jtag_idcode,
        version,
        register_layout: layout_text(),
        source: said.source,
        tools: said.tools,
        payloads: BTreeMap::new(),
        timing: said.timing,
        utilisation: said.utilisation,
    };
    let package = ImagePackage::new(manifest, released()?, images)?;
    // What would be refused when it is flashed is not packed.
    let target = Target { board, idcode: None, installed: None, layout: layout(), downgrade: false };
    target.check(&package)?;
    let octets = package.write()?;
    file::write(out, &octets, 0o644)?;
    let (name, length, digest) = (&facts.name, octets.len(), Digest::of(&octets));
    Ok(format!("{}: {version} for {name}, {length} octets, sha256 {digest}", out.display()))
}

/// The layout of this program's own registers.
pub(crate) fn layout() -> (u16, u16) {
    ((regs::LAYOUT >> 16) as u16, regs::LAYOUT as u16)
}

fn layout_text() -> String {
    let (major, minor) = layout();
    format!("{major}.{minor}")
}

fn released() -> anyhow::Result<i64> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else {
        return Ok(0);
    };
    match text.parse() {
        Ok(seconds) if seconds >= 0 => Ok(seconds),
        Ok(seconds) => bail!("SOURCE_DATE_EPOCH is {seconds}, should be 0 or more"),
        Err(_) => Err(anyhow::anyhow!("should be seconds since 1970"))
            .with_context(|| format!("SOURCE_DATE_EPOCH is {text:?}")),
    }
}

pub(super) fn source(text: &str) -> Result<String, String> {
    let hash = text.strip_suffix("-dirty").unwrap_or(text);
    let fits = (8..=64).contains(&hash.len()) && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let wanted =
        || "should be 8 to 64 hexadecimal digits in lower case, with -dirty behind them if the tree was changed";
    if fits { Ok(text.to_string()) } else { Err(wanted().to_string()) }
}

/// What a NIC answers of a commit: its first 32 bits.
pub(super) fn git_hash(source: &str) -> u32 {
    source.get(..8).and_then(|first| u32::from_str_radix(first, 16).ok()).expect("a source has 8 digits or more")
}

fn tool(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(stage, version)| !stage.is_empty() && !version.is_empty());
    let (stage, version) = parts.ok_or_else(|| "should be STAGE=VERSION".to_string())?;
    Ok((stage.to_string(), version.to_string()))
}
