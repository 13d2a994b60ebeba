//! Programs every developer's machine has, or gets by one command of its administrator.

use super::State;

/// Looks for one program of each group.
pub(super) fn look(programs: &[&[&str]], advice: &str) -> State {
    let mut found = Vec::new();
    for group in programs {
        match group.iter().find_map(|name| weir_tools::on_path(name)) {
            Some(path) => found.push(path.display().to_string()),
            None => return State::Missing(format!("no {} on PATH: {advice}", group.join(" or "))),
        }
    }
    State::Ready(found.join(", "))
}
