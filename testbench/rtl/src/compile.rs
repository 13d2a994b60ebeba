//! From SystemVerilog to a shared object in the cache, once.
//!
//! The key of an entry is a hash of everything that goes into it: circuit, shim, versions of Verilator and compiler, the
//! processor (the object is built for it) and the options. An entry appears by one rename, so a reader never meets half
//! of one; a lock makes a second process wait for the first instead of compiling the same. After a compilation the
//! entries used longest ago go, so that the cache does not grow with every change of a circuit.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cache;
use crate::source::Source;

const SHIM: &str = include_str!("shim.cpp");
/// What Verilator's FST writer includes, made small enough to need no library.
const FST_HEADERS: [(&str, &str); 2] = [("lz4.h", include_str!("fst/lz4.h")), ("zlib.h", include_str!("fst/zlib.h"))];
const OBJECT: &str = "weir_rtl.so";

/// Lint is the emitter's business; here only what cannot be compiled matters.
const VERILATOR_OPTIONS: &[&str] = &[
    "--cc",
    "--prefix",
    "Vweir",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "--no-timing",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
];

const COMPILER_OPTIONS: &[&str] = &[
    "-std=c++17",
    "-march=native",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-faligned-new",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVM_TRACE_SAIF=0",
    "-w",
];

/// What a circuit is compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Millions of clocks.
    Run,
    /// Few clocks of a circuit that is not kept.
    Try,
    /// A waveform as VCD.
    Vcd,
    /// A waveform as FST.
    Fst,
}

impl Purpose {
    /// Optimising takes minutes for a large circuit, which only many clocks repay; writing signals takes most of the time
    /// where that is done.
    fn compiler_option(self) -> &'static str {
        if self == Purpose::Run { "-O2" } else { "-O1" }
    }

    fn verilator_option(self) -> Option<&'static str> {
        match self {
            Purpose::Run | Purpose::Try => None,
            Purpose::Vcd => Some("--trace-vcd"),
            Purpose::Fst => Some("--trace-fst"),
        }
    }

    /// The part of Verilator's library that writes the waveform.
    fn runtime(self) -> Option<&'static str> {
        match self {
            Purpose::Run | Purpose::Try => None,
            Purpose::Vcd => Some("verilated_vcd_c.cpp"),
            Purpose::Fst => Some("verilated_fst_c.cpp"),
        }
    }

    /// Headers that the compiler must find.
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        if self == Purpose::Fst { &FST_HEADERS } else { &[] }
    }
}

/// Why a circuit could not be compiled.
#[derive(Debug, Error)]
pub enum CompileError {
    /// None of the three environment variables that name one is set.
    #[error("no place for the cache: set WEIR_CACHE, XDG_CACHE_HOME or HOME")]
    NoCache,
    /// Neither in the environment, nor in the cache, nor on `PATH`.
    #[error("verilator is not installed; run `cargo xtask setup`, or set VERILATOR to one of version 5.036 or later")]
    NoVerilator,
    /// Neither `$CXX` nor `c++`.
    #[error("no C++ compiler found; install one as `c++`, or set CXX")]
    NoCompiler,
    /// A program is there and does not run.
    #[error("failed to run {}", program.display())]
    Run {
        /// Which one.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Verilator or the compiler ended with an error.
    #[error("failed to compile the circuit with {}; its output is in {}", program.display(), log.display())]
    Compile {
        /// Which one.
        program: PathBuf,
        /// Its output.
        log: PathBuf,
    },
    /// The cache cannot be read or written.
    #[error("failed to write cache entry {}", path.display())]
    Cache {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The shared object of `source`, compiled if it is not there yet.
pub(crate) fn object(source: &Source, purpose: Purpose) -> Result<PathBuf, CompileError> {
    let cache = weir_tools::cache().ok_or(CompileError::NoCache)?;
    let verilator = weir_tools::find("VERILATOR", &["verilator"]).ok_or(CompileError::NoVerilator)?;
    let compiler = weir_tools::find("CXX", &["c++"]).ok_or(CompileError::NoCompiler)?;
    let key = key(source, purpose, &verilator, &compiler)?;
    let folder = cache.join("rtl");
    let entry = folder.join(&key);
    let object = entry.join(OBJECT);
    if object.is_file() {
        cache::used(&entry);
        return Ok(object);
    }
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| CompileError::Cache { path, source }
    };
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let lock = folder.join("lock");
    let guard = File::create(&lock).map_err(failed(&lock))?;
    guard.lock().map_err(failed(&lock))?;
    if object.is_file() {
        return Ok(object);
    }
    let work = folder.join(format!("{key}{}", cache::WORK));
    // A process may have died here; nobody else can be here now.
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).map_err(failed(&work))?;
    let log = folder.join(format!("{key}.log"));
    let outcome = compile(source, purpose, &verilator, &compiler, &work, &log);
    let outcome = outcome.and_then(|()| fs::rename(&work, &entry).map_err(failed(&entry)));
    if outcome.is_err() {
        let _ = fs::remove_dir_all(&work);
    }
    cache::prune(&folder, &entry);
    outcome.map(|()| object)
}

fn key(source: &Source, purpose: Purpose, verilator: &Path, compiler: &Path) -> Result<String, CompileError> {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for part in [source.text.as_str(), &source.top, SHIM, &processor()] {
        add(part.as_bytes());
    }
    for (_, header) in purpose.headers() {
        add(header.as_bytes());
    }
    for option in VERILATOR_OPTIONS.iter().chain(COMPILER_OPTIONS) {
        add(option.as_bytes());
    }
    add(purpose.compiler_option().as_bytes());
    add(purpose.verilator_option().unwrap_or_default().as_bytes());
    for program in [verilator, compiler] {
        add(program.as_os_str().as_encoded_bytes());
        add(&run(program, ["--version"])?);
    }
    Ok(hash.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What `-march=native` depends on.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    let kept = |line: &&str| ["model name", "flags", "CPU part", "Features"].iter().any(|key| line.starts_with(key));
    first.lines().filter(kept).collect::<Vec<_>>().join("\n")
}

fn run<A: AsRef<OsStr>>(program: &Path, arguments: impl IntoIterator<Item = A>) -> Result<Vec<u8>, CompileError> {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| output.stdout).map_err(|source| CompileError::Run { program: program.into(), source })
}

/// Runs `command` in `work` with its output in `log`, which goes away when all is well.
fn logged(command: &mut Command, work: &Path, log: &Path) -> Result<(), CompileError> {
    let program = PathBuf::from(command.get_program());
    let failed = |source| CompileError::Cache { path: log.into(), source };
    let file = File::create(log).map_err(failed)?;
    let errors = file.try_clone().map_err(failed)?;
    let status = command.current_dir(work).stdin(std::process::Stdio::null()).stdout(file).stderr(errors).status();
    match status {
        Ok(status) if status.success() => {
            let _ = fs::remove_file(log);
            Ok(())
        }
        Ok(_) => Err(CompileError::Compile { program, log: log.into() }),
        Err(source) => Err(CompileError::Run { program, source }),
    }
}

fn compile(
    source: &Source,
    purpose: Purpose,
    verilator: &Path,
    compiler: &Path,
    work: &Path,
    log: &Path,
) -> Result<(), CompileError> {
    let write = |name: &str, text: &str| {
        let path = work.join(name);
        fs::write(&path, text).map_err(|source| CompileError::Cache { path, source })
    };
    write("weir.sv", &source.text)?;
    write("shim.cpp", SHIM)?;
    for (name, text) in purpose.headers() {
        write(name, text)?;
    }
    let mut command = Command::new(verilator);
    command.args(VERILATOR_OPTIONS).args(["--top-module", &source.top, "--Mdir", "."]);
    command.args(purpose.verilator_option());
    logged(command.arg("weir.sv"), work, log)?;

    let root = String::from_utf8_lossy(&run(verilator, ["--getenv", "VERILATOR_ROOT"])?).trim().to_string();
    let include = Path::new(&root).join("include");
    // One unit, so that the compiler sees the clock loop and the circuit together.
    let mut files: Vec<PathBuf> = fs::read_dir(work)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|source| CompileError::Cache { path: work.into(), source })?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "cpp"));
    files.sort();
    let library = |name: &str| format!("#include {:?}\n", include.join(name));
    // The library specialises templates for waveforms, which must come before their first use.
    let mut unit = purpose.runtime().map_or(String::new(), library);
    unit.extend(files.iter().filter_map(|file| file.file_name()).map(|name| format!("#include {name:?}\n")));
    unit.extend(["verilated.cpp", "verilated_threads.cpp"].map(library));
    write("unit.cc", &unit)?;
    let mut command = Command::new(compiler);
    command.args(COMPILER_OPTIONS).arg("-I.").arg("-I").arg(&include).arg("-I").arg(include.join("vltstd"));
    command.arg(purpose.compiler_option());
    let defined = |name: &str, on: bool| format!("-D{name}={}", u8::from(on));
    command.arg(defined("VM_TRACE", purpose.runtime().is_some()));
    command.arg(defined("VM_TRACE_VCD", purpose == Purpose::Vcd));
    command.arg(defined("VM_TRACE_FST", purpose == Purpose::Fst));
    logged(command.args(["-o", OBJECT, "unit.cc", "-lpthread"]), work, log)
}
