//! The programs that make a bitstream, and their versions.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::Stage;

/// A program of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Where it is.
    pub program: PathBuf,
    /// What it says of its version, on one line.
    pub version: String,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// yosys.
    pub yosys: Tool,
    /// nextpnr-ecp5.
    pub nextpnr: Tool,
    /// ecppack of Project Trellis.
    pub ecppack: Tool,
}

/// Why a program cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// It is nowhere.
    #[error("{name} is not there: `cargo xtask setup` brings it, a package of your system too; {variable} may name it")]
    Missing {
        /// Its name.
        name: &'static str,
        /// The variable that would tell of it.
        variable: &'static str,
    },
    /// It does not run.
    #[error("failed to run {} --version", program.display())]
    Run {
        /// Where it is.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not tell its version.
    #[error("{} --version says nothing of a version, but {said:?}", program.display())]
    Version {
        /// Where it is.
        program: PathBuf,
        /// What it said.
        said: String,
    },
}

impl Tools {
    /// Finds them: by `WEIR_YOSYS`, `WEIR_NEXTPNR` and `WEIR_ECPPACK`, where `cargo xtask setup` puts them, or in `PATH`.
    ///
    /// # Errors
    ///
    /// [`ToolsError`], of the first that is missing or does not run.
    pub fn find() -> Result<Tools, ToolsError> {
        Ok(Tools {
            yosys: find("yosys", "WEIR_YOSYS", &["yosys"])?,
            nextpnr: find("nextpnr-ecp5", "WEIR_NEXTPNR", &["nextpnr", "nextpnr-ecp5"])?,
            ecppack: find("ecppack", "WEIR_ECPPACK", &["ecppack"])?,
        })
    }

    /// The versions by stage, for a manifest.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let emitter = format!("weir-hdl {}", env!("CARGO_PKG_VERSION"));
        let by_stage = [
            (Stage::Emit, emitter.as_str()),
            (Stage::Synthesise, &self.yosys.version),
            (Stage::PlaceAndRoute, &self.nextpnr.version),
            (Stage::Pack, &self.ecppack.version),
        ];
        by_stage.map(|(stage, version)| (stage.name().to_string(), version.to_string())).into()
    }
}

fn find(name: &'static str, variable: &'static str, files: &[&str]) -> Result<Tool, ToolsError> {
    let program = weir_tools::find(variable, files).ok_or(ToolsError::Missing { name, variable })?;
    let failed = |source| ToolsError::Run { program: program.clone(), source };
    let said = Command::new(&program).arg("--version").output().map_err(failed)?;
    let said = [said.stdout, said.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // nextpnr quotes its own path before it.
    let line = said.lines().find(|line| line.chars().any(|letter| letter.is_ascii_digit()));
    let version = line.map(|line| line.trim().trim_start_matches('"')).filter(|line| line.len() < 200);
    let Some(version) = version else {
        return Err(ToolsError::Version { program, said: said.chars().take(200).collect() });
    };
    Ok(Tool { version: version.to_string(), program })
}
