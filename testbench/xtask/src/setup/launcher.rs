//! The small shell programs in `<cache>/tools/bin` that start a tool with the environment it needs.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The text of a launcher: `settings` as shell variables, then `launch`.
pub(super) fn text(settings: &[(&str, &str)], launch: &str) -> String {
    let mut text = String::from("#!/bin/sh\n");
    for (name, value) in settings {
        text += &format!("{name}='{}'\n", value.replace('\'', "'\\''"));
    }
    text + launch
}

/// Writes `<bin>/<name>` in one step, so that nobody ever starts half a launcher.
pub(super) fn write(bin: &Path, name: &str, text: &str) -> Result<()> {
    let path = bin.join(name);
    let partial = bin.join(format!(".{name}.partial"));
    let put = || -> std::io::Result<()> {
        fs::create_dir_all(bin)?;
        fs::write(&partial, text)?;
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))?;
        fs::rename(&partial, &path)
    };
    put().with_context(|| format!("failed to write launcher {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_spaces_and_quotes_survives_the_shell() {
        let text = text(&[("home", "/a b/it's")], "echo \"$home\"\n");
        let said = crate::run::output(std::process::Command::new("sh").args(["-c", &text])).unwrap();
        assert_eq!(said, "/a b/it's\n");
    }
}
