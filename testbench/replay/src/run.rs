//! A whole replay.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_agent::config::Traffic;
use weir_rtl::{Rtl, Source, Waveform, Width};
use weir_spec::frame::MIN_FRAME;
use weir_spec::nic::MAX_FRAME;

use crate::capture::{Capture, Captured};
use crate::error::ReplayError;
use crate::nic::{Outcome, Twin};
use crate::output::Output;
use crate::part::Part;
use crate::progress;
use crate::report::{Counts, LISTED, Mismatch, Report, WrongCount};
use crate::share::Cluster;

/// Frames and bytes that run back to back before the next are read.
const BATCH_FRAMES: usize = 512;
const BATCH_BYTES: usize = 1 << 20;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// The capture.
    pub pcap: PathBuf,
    /// Virtual IPs and port rules, in the words of an agent's configuration.
    pub rules: PathBuf,
    /// Where the accepted frames go. With several hosts, `.host-k` stands before its extension.
    pub out: PathBuf,
    /// What decides.
    pub engine: Engine,
    /// Width of the circuit.
    pub width: Width,
    /// Another circuit than the emitted one of that width: an older version, a netlist, one with a fault put in. It is
    /// compiled quickly, and runs more slowly.
    pub circuit: Option<Source>,
    /// Where every signal goes, named as `out` is with several hosts.
    pub trace: Option<Trace>,
    /// Hosts of the cluster, each with an equal share.
    pub hosts: u8,
    /// Show no progress.
    pub quiet: bool,
}

/// What decides on frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Engine {
    /// The circuit, compared with the specification.
    #[default]
    Rtl,
    /// The specification alone, where there is no Verilator.
    Spec,
}

/// A name that no engine has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("engine `{0}` is neither `rtl` nor `spec`")]
pub struct UnknownEngine(String);

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Engine, UnknownEngine> {
        match name {
            "rtl" => Ok(Engine::Rtl),
            "spec" => Ok(Engine::Spec),
            other => Err(UnknownEngine(other.to_string())),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Rtl => "rtl",
            Engine::Spec => "spec",
        })
    }
}

/// A waveform file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trace {
    /// Value change dump.
    Vcd(PathBuf),
    /// GTKWave's own, much smaller.
    Fst(PathBuf),
}

impl Trace {
    fn of_host(&self, options: &Options, host: u8) -> Waveform {
        match self {
            Trace::Vcd(path) => Waveform::Vcd(options.named(path, host)),
            Trace::Fst(path) => Waveform::Fst(options.named(path, host)),
        }
    }
}

impl Options {
    /// The file of host `host`.
    fn named(&self, path: &Path, host: u8) -> PathBuf {
        if self.hosts == 1 {
            return path.to_path_buf();
        }
        match path.extension() {
            Some(extension) => path.with_extension(format!("host-{host}.{}", extension.to_string_lossy())),
            None => path.with_extension(format!("host-{host}")),
        }
    }

    /// Refuses what makes no sense, before anything is read or written.
    pub fn check(&self) -> Result<(), ReplayError> {
        if !(1..=32).contains(&self.hosts) {
            return Err(ReplayError::Hosts { hosts: self.hosts });
        }
        if self.engine == Engine::Spec && self.trace.is_some() {
            return Err(ReplayError::NothingToTrace);
        }
        let mut files = vec![("capture", self.pcap.clone()), ("rules", self.rules.clone())];
        for host in 1..=self.hosts {
            files.push(("file of accepted frames", self.named(&self.out, host)));
            if let Some(trace) = &self.trace {
                let waveform = trace.of_host(self, host).path().to_path_buf();
                if fs::metadata(&waveform).is_ok_and(|metadata| !metadata.is_file()) {
                    return Err(ReplayError::NoPlaceForWaveform { path: waveform });
                }
                files.push(("waveform", waveform));
            }
        }
        let places: Vec<PathBuf> = files.iter().map(|(_, path)| place(path)).collect();
        for (index, (other, path)) in files.iter().enumerate() {
            // What is read only may be one file, as rules on standard input never are.
            let twin = places[..index].iter().position(|earlier| *earlier == places[index] && is_file(path));
            if let Some(twin) = twin {
                let one = files[twin].0;
                return Err(ReplayError::OneFile { path: path.clone(), one, other });
            }
        }
        Ok(())
    }
}

/// Where a file is or would be, whatever way it is named.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(named).unwrap_or_else(|| path.to_path_buf())
}

/// Not a device or a pipe, which may well be named twice.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

/// One host of the cluster, with what it has done so far.
struct Host {
    number: u8,
    twin: Twin,
    output: Output,
    /// The waveform, which the circuit in `twin` writes until it is dropped.
    waveform: Option<(PathBuf, Part)>,
    counts: Counts,
}

/// Runs a capture through a cluster, until `interrupt` is set. What is wrong with frames or circuit is in the report.
pub fn run(options: &Options, interrupt: &AtomicBool) -> Result<Report, ReplayError> {
    options.check()?;
    let bar = progress::bar(options.quiet);
    let cluster = Cluster::new(Traffic::load(&options.rules)?, options.hosts);
    let mut capture = Capture::open(&options.pcap, &bar)?;
    bar.set_message("preparing the circuit");
    let circuit = match (options.engine, &options.circuit) {
        (Engine::Spec, _) => None,
        (Engine::Rtl, Some(circuit)) => Some(circuit.clone()),
        (Engine::Rtl, None) => Some(Source::emitted(options.width)?),
    };
    let host = |number| host(options, circuit.as_ref(), &cluster, number);
    let mut hosts = (1..=options.hosts).map(host).collect::<Result<Vec<_>, _>>()?;
    bar.set_message("");
    let mut report = Report::default();
    while let Some(batch) = next_batch(&mut capture, &mut report)? {
        if interrupt.load(Ordering::Relaxed) {
            return Err(ReplayError::Interrupted);
        }
        run_batch(&batch, &cluster, &mut hosts, &mut report)?;
        bar.set_message(format!("{} frames", report.frames));
    }
    bar.finish_and_clear();
    report.cut_off = capture.cut_off();
    report.width = (options.engine == Engine::Rtl).then_some(options.width.bits());
    for host in hosts {
        report.clocks += host.twin.clocks();
        // Ends the waveform.
        drop(host.twin);
        if let Some((path, waveform)) = host.waveform {
            waveform.finish().map_err(|source| ReplayError::Write { path, source })?;
        }
        host.output.finish()?;
        report.hosts.push(host.counts.report(host.number, options.named(&options.out, host.number)));
    }
    Ok(report)
}

fn host(options: &Options, circuit: Option<&Source>, cluster: &Cluster, number: u8) -> Result<Host, ReplayError> {
    // First, since it costs nothing to find that there is no place for it.
    let output = Output::create(&options.named(&options.out, number))?;
    let traced = options.trace.as_ref().map(|trace| trace.of_host(options, number));
    let waveform = traced.map(|waveform| {
        let path = waveform.path().to_path_buf();
        match Part::create(&path) {
            Ok((part, _)) => Ok((waveform, path, part)),
            Err(source) => Err(ReplayError::Write { path, source }),
        }
    });
    let waveform = waveform.transpose()?;
    let open = |source| match &waveform {
        None if options.circuit.is_some() => Rtl::to_try(source),
        None => Rtl::of_source(source),
        Some((waveform, _, part)) => Rtl::traced(source, &waveform.at(part.path())),
    };
    let rtl = circuit.map(open).transpose()?;
    let (config, map) = cluster.program(number);
    let twin = Twin::new(rtl, &config, &map)?;
    let waveform = waveform.map(|(_, path, part)| (path, part));
    Ok(Host { number, twin, output, waveform, counts: Counts::default() })
}

/// The next frames as the NIC gets them.
fn next_batch(capture: &mut Capture, report: &mut Report) -> Result<Option<Vec<Captured>>, ReplayError> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_FRAMES && bytes < BATCH_BYTES {
        let Some(mut frame) = capture.next_frame()? else { break };
        report.frames += 1;
        report.truncated += u64::from((frame.bytes.len() as u64) < u64::from(frame.original_length));
        report.oversize += u64::from(frame.bytes.len() > MAX_FRAME);
        if frame.bytes.len() < MIN_FRAME {
            report.padded += 1;
            frame.bytes.resize(MIN_FRAME, 0);
        }
        bytes += frame.bytes.len();
        batch.push(frame);
    }
    Ok((!batch.is_empty()).then_some(batch))
}

fn run_batch(
    batch: &[Captured],
    cluster: &Cluster,
    hosts: &mut [Host],
    report: &mut Report,
) -> Result<(), ReplayError> {
    let first = report.frames - batch.len() as u64 + 1;
    let frames: Vec<&[u8]> = batch.iter().map(|frame| &frame.bytes[..]).collect();
    // By frame: the rule that decided it, and who accepted it.
    let mut takers: Vec<(Option<u8>, Vec<u8>)> = vec![(None, Vec::new()); frames.len()];
    for host in hosts {
        let outcomes = host.twin.receive(&frames)?;
        let mut differs = vec![];
        for (index, (outcome, frame)) in outcomes.into_iter().zip(batch).enumerate() {
            let Outcome { decision, changed, difference } = outcome;
            host.counts.add(&decision);
            if decision.accept {
                host.output.write(frame.time, frame.original_length, changed.as_deref().unwrap_or(&frame.bytes))?;
                takers[index].1.push(host.number);
            }
            if let (Some(rule), Some(_)) = (decision.rule, decision.bucket) {
                takers[index].0 = Some(rule);
            }
            differs.extend(difference.map(|what| Mismatch { frame: first + index as u64, host: host.number, what }));
        }
        report.mismatched += differs.len() as u64;
        report.mismatches.extend(differs);
    }
    report.mismatches.truncate(LISTED);
    for (index, (rule, accepted_by)) in takers.into_iter().enumerate() {
        let Some(rule) = rule else { continue };
        report.to_rules += 1;
        let wanted = cluster.takers(rule);
        // One host alone says nothing of the others.
        if cluster.hosts() > 1 && accepted_by.len() != wanted {
            report.miscounted += 1;
            report.wrong_counts.push(WrongCount { frame: first + index as u64, rule, accepted_by, wanted });
        }
    }
    report.wrong_counts.truncate(LISTED);
    Ok(())
}
