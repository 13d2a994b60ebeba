//! `cargo xtask docs`: the pages that are made from code, written into `docs/src/reference`.
//!
//! The lint part makes them again and compares, so that a change of the register map cannot leave its page behind.

mod after_reset;
mod rdl;
mod registers;

use crate::place;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Options of `cargo xtask docs`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// only tell which pages are stale
    #[arg(long)]
    check: bool,
}

/// Every generated page: its place and its text.
fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("docs/src/reference/registers.md", registers::page()),
        ("docs/src/reference/board-registers.md", registers::board_page()),
        ("docs/src/reference/weir.rdl", rdl::file()),
    ]
}

/// Runs the command; `false` when `--check` found a stale page.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let root = place::root();
    if args.check {
        let findings = stale(&root)?;
        findings.iter().for_each(|finding| println!("{finding}"));
        return Ok(findings.is_empty());
    }
    for (name, text) in pages() {
        let path = root.join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        println!("wrote {name}");
    }
    Ok(true)
}

/// The pages whose committed text is not what the code says now.
pub(crate) fn stale(root: &Path) -> Result<Vec<String>> {
    let same = |name: &str, text: &str| fs::read_to_string(root.join(name)).is_ok_and(|found| found == text);
    let stale = pages().into_iter().filter(|(name, text)| !same(name, text));
    Ok(stale.map(|(name, _)| format!("{name} is stale: run `cargo xtask docs`")).collect())
}
