//! `--board`: the name of a board that is built in, or a folder like those of `constraints/`.

use std::path::Path;

use anyhow::Context;
use weir_firmware::Board;

/// Finds a board. A name has no slash; a folder may be `./NAME`.
pub(crate) fn find(text: &str) -> anyhow::Result<Board> {
    if text.contains('/') {
        return Board::load(Path::new(text)).with_context(|| format!("failed to take board {text}"));
    }
    let names = || Board::built_in().map(|board| board.facts.name).collect::<Vec<_>>().join(", ");
    let found = Board::built_in().find(|board| board.facts.name == text);
    found.with_context(|| {
        format!("no board {text:?}; built in: {}; or give a folder, with a slash in its path", names())
    })
}
