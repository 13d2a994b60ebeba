//! All that tests run, built once.
//!
//! Which features a dependency has depends on which packages are built together: each choice of packages would build the
//! dependencies anew. So every part takes what it runs from one build of the whole workspace.

use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A program that cargo built.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    /// Folder of its package.
    pub(super) package: PathBuf,
    /// Name of its target.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
}

/// What a program is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It runs tests.
    Test,
    /// It is what users run.
    Binary,
    /// It is an example.
    Example,
}

#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test programs of the packages in the folders that `wanted` names, relative to the root.
pub(super) fn tests(wanted: impl Fn(&Path) -> bool) -> Result<Vec<&'static Program>> {
    let root = place::root();
    let of = |program: &&Program| {
        program.kind == Kind::Test && wanted(program.package.strip_prefix(&root).unwrap_or(&program.package))
    };
    Ok(all()?.iter().filter(of).collect())
}

/// `weir`, ready for arguments.
pub(super) fn weir() -> Result<Command> {
    program(Kind::Binary, "weir")
}

/// An example, ready for arguments.
pub(super) fn example(name: &str) -> Result<Command> {
    program(Kind::Example, name)
}

fn program(kind: Kind, name: &str) -> Result<Command> {
    let found = all()?.iter().find(|program| program.kind == kind && program.name == name);
    let found = found.with_context(|| format!("cargo built no {name}"))?;
    let mut command = Command::new(&found.path);
    command.current_dir(place::root());
    Ok(command)
}

fn all() -> Result<&'static [Program]> {
    static BUILT: OnceLock<std::result::Result<Vec<Program>, String>> = OnceLock::new();
    match BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))) {
        Ok(programs) => Ok(programs),
        Err(error) => Err(anyhow!("{error}")),
    }
}

fn build() -> Result<Vec<Program>> {
    println!("building the workspace and its tests");
    let mut cargo = place::cargo(["test", "--workspace", "--locked", "--no-run"]);
    let ended = run(cargo.arg("--message-format=json-render-diagnostics"), Duration::from_secs(1800), Show::Nothing)?;
    if !ended.success {
        // What is no message is what people read.
        ended.lines.iter().filter(|line| !line.starts_with('{')).for_each(|line| println!("{line}"));
        bail!("the workspace does not build");
    }
    Ok(ended.lines.iter().filter_map(|line| artifact(line)).collect())
}

/// The program that a message of cargo is about, if it is about one.
fn artifact(line: &str) -> Option<Program> {
    let message: Message = serde_json::from_str(line).ok()?;
    let (target, profile) = (message.target?, message.profile?);
    let is = |kind: &str| target.kind.iter().any(|one| one == kind);
    let kind = match () {
        () if profile.test => Kind::Test,
        () if is("example") => Kind::Example,
        () if is("bin") => Kind::Binary,
        () => return None,
    };
    let package = message.manifest_path?.parent()?.to_path_buf();
    Some(Program { package, name: target.name, kind, path: message.executable? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"/w/host/cli/Cargo.toml",
               "target":{{"kind":["{kind}"],"name":"weir"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
        )
        .replace('\n', "")
    }

    #[test]
    fn programs_are_told_from_libraries_and_from_what_cargo_says_besides() {
        let kind = |line: &str| artifact(line).map(|program| program.kind);
        assert_eq!(kind(&message("bin", true, r#""/t/weir-1""#)), Some(Kind::Test));
        assert_eq!(kind(&message("bin", false, r#""/t/weir""#)), Some(Kind::Binary));
        assert_eq!(kind(&message("example", false, r#""/t/parts""#)), Some(Kind::Example));
        assert_eq!(kind(&message("lib", true, r#""/t/weir-2""#)), Some(Kind::Test));
        assert_eq!(kind(&message("lib", false, "null")), None);
        assert_eq!(kind(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(kind("   Compiling weir v0.1.0"), None);
        let program = artifact(&message("bin", false, r#""/t/weir""#)).expect("a program");
        assert_eq!((program.package.as_path(), program.name.as_str()), (Path::new("/w/host/cli"), "weir"));
    }
}
