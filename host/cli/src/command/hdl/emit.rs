//! `weir hdl emit`: the pipeline as SystemVerilog.
//!
//! Verilator, Icarus and yosys accept it; with the same options it is the same byte for byte from run to run, and the lint
//! has found nothing in it that RustHDL would translate wrongly. One file a width: `weir64.sv`, `weir512.sv`.
//!
//! A host reads in the id block which image runs: give the clock and the number of the board and the commit when a
//! bitstream is built from the file. Without them the block says what a simulated NIC says, zero in each.
//!
//! ```text
//! $ weir hdl emit --width 64 --clock-khz 125000 --git-hash "$(git rev-parse HEAD)" --board 1 --out build/rtl
//! build/rtl/weir64.sv
//! ```
//!
//! Exit codes: 0 done; 1 a file could not be written, and none is half written; 2 wrong usage.

use std::path::PathBuf;

use anyhow::Context;
use weir_hdl::{DropStyle, Options, Top};
use weir_replay::Width;
use weir_spec::nic::Identity;

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// folder to write to; made if it is not there
    #[arg(long, value_name = "dir")]
    out: PathBuf,
    /// bits of a circuit: 64 (10G) or 512 (100G); may be given for each, without it all are written
    #[arg(long, value_name = "64|512")]
    width: Vec<Width>,
    /// how received frames are dropped: suppress (left out), or mark (they pass with tuser in the last beat, for a MAC or
    /// DMA that drops them by it)
    #[arg(long, value_name = "suppress|mark", default_value_t)]
    drop: DropStyle,
    /// register CLOCK_KHZ: the core clock; 0 in a simulator
    #[arg(long, value_name = "khz", default_value_t, allow_negative_numbers = true, value_parser = clock_khz)]
    clock_khz: u32,
    /// register GIT_HASH: the commit this is made from, of which it holds the first 32 bits
    #[arg(long, value_name = "hex", default_value = "00000000", value_parser = git_hash)]
    git_hash: u32,
    /// register BOARD: the number in the board's board.toml; 0 is the simulated NIC
    #[arg(long, value_name = "n", default_value_t, allow_negative_numbers = true, value_parser = board)]
    board: u32,
}

impl Args {
    fn tops(&self) -> Vec<Top> {
        let wanted = |width: &Width| self.width.is_empty() || self.width.contains(width);
        Width::ALL.into_iter().filter(wanted).map(Width::emitted).collect()
    }

    fn options(&self) -> Options {
        let Args { clock_khz, git_hash, board, .. } = *self;
        let identity = Identity { clock_khz, git_hash, board, ..Identity::default() };
        Options { identity, drop_style: self.drop }
    }
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let paths = weir_hdl::emit_to(&args.out, &args.tops(), args.options());
    for path in paths.with_context(|| format!("failed to emit into {}", args.out.display()))? {
        println!("{}", path.display());
    }
    Ok(Exit::Done)
}

fn clock_khz(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("should be whole kHz from 0 to {}", u32::MAX))
}

fn board(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("should be a number from 0 to {}, that of a board.toml", u32::MAX))
}

/// The first 32 bits of a commit; git tells at least seven digits, and one more is needed.
fn git_hash(text: &str) -> Result<u32, String> {
    let hex = text.len() >= 8 && text.len() <= 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let first = hex.then(|| &text[..8]).and_then(|first| u32::from_str_radix(first, 16).ok());
    first.ok_or_else(|| "should be 8 to 64 hexadecimal digits, as `git rev-parse HEAD` tells them".to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> (Vec<Top>, Options) {
        let Line { args } = Line::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{error}"));
        (args.tops(), args.options())
    }

    #[test]
    fn without_options_every_width_of_the_simulated_nic_is_written() {
        assert_eq!(parsed("emit --out rtl"), (Top::ALL.to_vec(), Options::default()));
    }

    #[test]
    fn each_option_goes_where_it_is_named_after() {
        let line = "emit --out rtl --width 512 --drop mark --clock-khz 322266 --git-hash 89abcdef01 --board 7";
        let identity = Identity { clock_khz: 322_266, git_hash: 0x89ab_cdef, board: 7, ..Identity::default() };
        assert_eq!(parsed(line), (vec![Top::Weir512], Options { identity, drop_style: DropStyle::Mark }));
        assert_eq!(parsed("emit --out rtl --width 512 --width 64 --width 512").0, Top::ALL, "each once, in one order");
    }

    #[test]
    fn a_commit_is_known_by_its_first_32_bits() {
        for (text, word) in [
            ("0123abcd", Some(0x0123_abcd)),
            ("FFFFFFFF0123456789012345678901234567890a", Some(0xffff_ffff)),
            ("0123abc", None),
            ("+123abcd", None),
            ("0x0123abcd", None),
            ("012345\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(git_hash(text).ok(), word, "{text}");
        }
        assert!(git_hash(&"0".repeat(64)).is_ok() && git_hash(&"0".repeat(65)).is_err());
    }
}
