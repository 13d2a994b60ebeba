//! One scenario: a machine boots, does its steps, and is gone.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, Read};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use weir_device::{DeviceError, EngineKind, Served, Serving};

use crate::initramfs::{self, Contents, InitramfsError};
use crate::lines;
use crate::plan::{Ended, MOST_OUTPUT, Ran, Report, Step};
use crate::qemu::{Iommu, Machine, Process};

/// The files a guest is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files {
    /// The emulator, 10.1 or newer.
    pub qemu: PathBuf,
    /// A folder with `vmlinuz`, `modules/*.ko`, and their names in `modules/order`.
    pub kernel: PathBuf,
    /// `weir`, as users run it.
    pub weir: PathBuf,
    /// `weir-guest-init`.
    pub init: PathBuf,
}

/// What is to happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// What keeps the guest's devices from its memory.
    pub iommu: Iommu,
    /// What is in the NIC.
    pub engine: EngineKind,
    /// How the NIC behaves on its bus.
    pub serving: Serving,
    /// What the guest does.
    pub steps: Vec<Step>,
    /// Files for that, by their paths in the guest.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What happens to the NIC's wire meanwhile, in order. It is plugged in at first.
    pub wire: Vec<Wire>,
    /// When the machine is killed, from its start.
    pub deadline: Duration,
}

/// The wire of the NIC is pulled or plugged in while a step runs. A step that ends earlier leaves it as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wire {
    /// Index of the step.
    pub step: usize,
    /// From the beginning of that step.
    pub after: Duration,
    /// Plugged in from then on.
    pub up: bool,
}

impl Scenario {
    /// These steps in a machine with everything that VFIO wants. It has three minutes: it takes seconds, but on a
    /// machine with other work an emulated kernel has been seen to need more than one to boot.
    pub fn new(steps: impl Into<Vec<Step>>) -> Scenario {
        Scenario {
            iommu: Iommu::On,
            engine: EngineKind::Spec,
            serving: Serving { mapped_window: false, fault: None },
            steps: steps.into(),
            files: BTreeMap::new(),
            wire: Vec::new(),
            deadline: Duration::from_secs(180),
        }
    }
}

/// What happened. Every step ended as it was expected to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Release of the guest's kernel.
    pub kernel: String,
    /// From the start of the emulator until the guest was ready for its steps.
    pub boot: Duration,
    /// How long it took to load the modules.
    pub modules: Duration,
    /// From the start of the emulator to its end.
    pub took: Duration,
    /// The steps, in order.
    pub steps: Vec<Ran>,
    /// The last of what kernel and emulator said.
    pub console: LastWords,
    /// How often BAR 0 was accessed other than by aligned words.
    pub bad_accesses: u64,
}

/// Why a scenario came to no good end.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// No device.
    #[error("failed to serve a NIC for the guest")]
    Device(#[from] DeviceError),
    /// No files.
    #[error("failed to make the guest's files")]
    Initramfs(#[from] InitramfsError),
    /// No folder for socket and files.
    #[error("failed to make a folder for the guest's files")]
    Folder(#[source] io::Error),
    /// No emulator.
    #[error("failed to start {}", qemu.display())]
    Start {
        /// What was started.
        qemu: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The machine was killed at its deadline.
    #[error("the guest did not end within {} s, and was killed after {ran} steps{console}", limit.as_secs())]
    Deadline {
        /// The deadline.
        limit: Duration,
        /// Steps that had ended.
        ran: usize,
        /// What was said last.
        console: LastWords,
    },
    /// The device behind the socket is gone: it died, or broke the protocol. The machine was killed, because its kernel
    /// would go on asking.
    #[error("the NIC left the guest after {ran} steps{console}")]
    Lost {
        /// Steps that had ended.
        ran: usize,
        /// What was said last.
        console: LastWords,
    },
    /// The emulator was killed because it complained without end.
    #[error("QEMU complained {MOST_COMPLAINTS} times, and was killed after {ran} steps; first: {first}{console}")]
    Complaints {
        /// Its first complaint.
        first: String,
        /// Steps that had ended.
        ran: usize,
        /// What was said last.
        console: LastWords,
    },
    /// The machine ended before its steps had.
    #[error("the guest ended ({status}) after {ran} steps and was not done{console}")]
    Ended {
        /// How the emulator ended.
        status: ExitStatus,
        /// Steps that had ended.
        ran: usize,
        /// What was said last.
        console: LastWords,
    },
    /// The first process of the guest could not do its work.
    #[error("the guest cannot begin: {what}{console}")]
    Init {
        /// What it said.
        what: String,
        /// What was said last.
        console: LastWords,
    },
    /// A step ended otherwise than expected.
    #[error("`{}` should exit with {expected}, and {}{}", ran.argv.join(" "), told(&ran.ended), streams(ran))]
    Step {
        /// What became of it.
        ran: Box<Ran>,
        /// The exit code that was right.
        expected: i32,
    },
    /// The guest's serial port told what nobody understands.
    #[error("the guest told `{line}`, which is no report")]
    Report {
        /// What came.
        line: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The kernel of this machine refused something.
    #[error("failed to {step}")]
    Process {
        /// What was tried.
        step: &'static str,
        /// What it said.
        source: io::Error,
    },
}

fn told(ended: &Ended) -> String {
    match ended {
        Ended::Exit(code) => format!("exited with {code}"),
        Ended::Signal(signal) => format!("was ended by signal {signal}"),
        Ended::TimedOut => "was killed at its limit".into(),
        Ended::NotStarted(why) => format!("did not start: {why}"),
    }
}

fn streams(ran: &Ran) -> String {
    let stream =
        |name, text: &str| if text.is_empty() { String::new() } else { format!("\n{name}: {}", text.trim_end()) };
    stream("stdout", &ran.stdout) + &stream("stderr", &ran.stderr)
}

/// The last lines that the guest's kernel and the emulator said; shown one a line, from a new line on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LastWords(VecDeque<String>);

impl LastWords {
    /// The lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn push(&mut self, line: String) {
        if self.0.len() == MOST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// Lines of kernel and emulator that are kept.
const MOST_LINES: usize = 40;
/// Bytes of one of them.
const LONGEST_LINE: usize = 512;
/// Bytes of a report: two streams, of which JSON may take six bytes for one, and their frame.
const LONGEST_REPORT: usize = 12 * MOST_OUTPUT + 4096;
/// How the emulator's own lines begin.
const OF_QEMU: &str = "qemu-system-x86_64: ";
/// How its complaint ends that nobody serves the device any more. If a later version words it otherwise, the deadline
/// ends the machine.
const LOST: &str = "failed to read header: EOF";
/// Complaints of the emulator after which nothing good can come. A healthy machine has one or two warnings.
const MOST_COMPLAINTS: usize = 100;

/// Memory of the guest beside what its files take, in MiB.
const MEMORY_MIB: u64 = 192;

/// Does it all. Nothing is left afterwards: no process, no socket, no file.
pub fn run(files: &Files, scenario: &Scenario) -> Result<Outcome, GuestError> {
    run_beside(files, scenario, |_, _| ()).map(|(outcome, ())| outcome)
}

/// Does it all, and `beside` at the same time with the NIC, from before the guest boots; it has to return soon after its
/// second argument is true.
pub fn run_beside<T: Send>(
    files: &Files,
    scenario: &Scenario,
    beside: impl FnOnce(&Served, &AtomicBool) -> T + Send,
) -> Result<(Outcome, T), GuestError> {
    let folder = tempfile::tempdir().map_err(GuestError::Folder)?;
    let socket = folder.path().join("nic");
    // It listens before anybody connects.
    let nic = Served::start(&socket, scenario.engine, scenario.serving)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let beside = scope.spawn(|| beside(&nic, &over));
        let outcome = boot(files, scenario, folder.path(), &socket, &nic);
        over.store(true, Ordering::Relaxed);
        let beside = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
        Ok((outcome?, beside))
    })
}

/// The machine, from its first to its last moment.
fn boot(files: &Files, scenario: &Scenario, folder: &Path, socket: &Path, nic: &Served) -> Result<Outcome, GuestError> {
    let initramfs = folder.join("initramfs");
    let contents = Contents {
        init: &files.init,
        weir: &files.weir,
        kernel: &files.kernel,
        steps: &scenario.steps,
        files: &scenario.files,
    };
    let size = initramfs::write(&initramfs, &contents)?;
    let machine = Machine {
        qemu: &files.qemu,
        kernel: &files.kernel.join("vmlinuz"),
        initramfs: &initramfs,
        socket,
        // For a moment the archive is there beside what was unpacked of it.
        memory_mib: MEMORY_MIB + 2 * size.div_ceil(1 << 20),
        iommu: scenario.iommu,
    };
    let start = Instant::now();
    let started = machine.start().map_err(|source| GuestError::Start { qemu: files.qemu.clone(), source })?;
    let mut watch = Watch::default();
    watch.until_the_end(started, start, scenario, nic)?;
    let Some((kernel, boot, modules)) = watch.ready else { unreachable!("a guest that is done was ready") };
    Ok(Outcome {
        kernel,
        boot,
        modules,
        took: start.elapsed(),
        steps: watch.ran,
        console: watch.console,
        bad_accesses: nic.bad_accesses().map_err(DeviceError::from)?,
    })
}

/// Something that came out of the machine.
enum Heard {
    /// On the port for reports.
    Report(String),
    /// From the kernel or the emulator.
    Console(String),
}

/// What is known of a machine so far.
#[derive(Default)]
struct Watch {
    ready: Option<(String, Duration, Duration)>,
    ran: Vec<Ran>,
    /// The step that runs began then, as far as is known here.
    step_began: Option<Instant>,
    /// How many changes of the wire are done or passed over.
    wire_at: usize,
    done: bool,
    console: LastWords,
    complaints: usize,
    first_complaint: String,
}

impl Watch {
    /// Listens until the machine has ended by itself. On an error it is killed.
    fn until_the_end(
        &mut self,
        mut process: Process,
        start: Instant,
        scenario: &Scenario,
        nic: &Served,
    ) -> Result<(), GuestError> {
        let (say, heard) = mpsc::channel();
        let (reports, console) = process.streams().expect("a machine that was just started has its streams");
        listen("reports", reports, LONGEST_REPORT, say.clone(), Heard::Report)?;
        listen("console", console, LONGEST_LINE, say, Heard::Console)?;
        loop {
            let left = scenario.deadline.saturating_sub(start.elapsed());
            let wire = self.next_of_wire(scenario);
            let patience = wire.map_or(left, |(at, _)| left.min(at.saturating_duration_since(Instant::now())));
            match heard.recv_timeout(patience) {
                Ok(Heard::Console(line)) => self.console(line)?,
                Ok(Heard::Report(line)) => self.report(line, start, scenario)?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if patience < left => {
                    let (_, up) = wire.expect("nothing else ends the wait earlier");
                    nic.set_link(up).map_err(DeviceError::from)?;
                    self.wire_at += 1;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let (limit, ran, console) = (scenario.deadline, self.ran.len(), self.last_words());
                    return Err(GuestError::Deadline { limit, ran, console });
                }
            }
        }
        // Both streams are closed: it is ending, or has.
        let status =
            process.wait().map_err(|source| GuestError::Process { step: "wait for the end of QEMU", source })?;
        if self.done && self.ready.is_some() && status.success() {
            return Ok(());
        }
        Err(GuestError::Ended { status, ran: self.ran.len(), console: self.last_words() })
    }

    /// What happens to the wire next, if it is during the step that runs, and when.
    fn next_of_wire(&mut self, scenario: &Scenario) -> Option<(Instant, bool)> {
        while scenario.wire.get(self.wire_at).is_some_and(|wire| wire.step < self.ran.len()) {
            self.wire_at += 1;
        }
        let wire = scenario.wire.get(self.wire_at).filter(|wire| wire.step == self.ran.len())?;
        Some((self.step_began? + wire.after, wire.up))
    }

    fn console(&mut self, line: String) -> Result<(), GuestError> {
        if line.starts_with(OF_QEMU) {
            self.complaints += 1;
            if self.complaints == 1 {
                self.first_complaint.clone_from(&line);
            }
        }
        let lost = line.starts_with(OF_QEMU) && line.ends_with(LOST);
        self.console.push(line);
        if lost {
            return Err(GuestError::Lost { ran: self.ran.len(), console: self.last_words() });
        }
        if self.complaints < MOST_COMPLAINTS {
            return Ok(());
        }
        let first = std::mem::take(&mut self.first_complaint);
        Err(GuestError::Complaints { first, ran: self.ran.len(), console: self.last_words() })
    }

    fn report(&mut self, line: String, start: Instant, scenario: &Scenario) -> Result<(), GuestError> {
        if line.is_empty() {
            return Ok(());
        }
        match serde_json::from_str(&line).map_err(|source| GuestError::Report { line, source })? {
            Report::Ready { kernel, modules_us } => {
                self.ready = Some((kernel, start.elapsed(), Duration::from_micros(modules_us)));
                self.step_began = Some(Instant::now());
            }
            Report::Step(ran) => {
                let expected = scenario.steps.get(self.ran.len()).map_or(0, |step| step.expect);
                if ran.ended != Ended::Exit(expected) {
                    return Err(GuestError::Step { ran: Box::new(ran), expected });
                }
                self.ran.push(ran);
                self.step_began = Some(Instant::now());
            }
            Report::Failed { what } => return Err(GuestError::Init { what, console: self.last_words() }),
            Report::Done => self.done = self.ran.len() == scenario.steps.len(),
        }
        Ok(())
    }

    fn last_words(&mut self) -> LastWords {
        std::mem::take(&mut self.console)
    }
}

/// Says each line of `stream`, in a thread that ends with it.
fn listen(
    name: &str,
    stream: impl Read + Send + 'static,
    most: usize,
    say: Sender<Heard>,
    what: fn(String) -> Heard,
) -> Result<(), GuestError> {
    let work = move || {
        lines::each(stream, most, |line| {
            // Nobody listens any more once the scenario has failed, and then the machine is killed.
            let _unheard = say.send(what(line));
        });
    };
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|source| GuestError::Process { step: "start a thread", source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(ended: Ended) -> Ran {
        let argv = vec!["/bin/weir".into(), "nic".into()];
        Ran { argv, ended, stdout: String::new(), stderr: "error: no\n".into(), cut: false, micros: 1 }
    }

    fn hear(watch: &mut Watch, report: &Report) -> Result<(), GuestError> {
        let scenario = Scenario::new([Step::weir("nic", 3)]);
        watch.report(serde_json::to_string(report).expect("JSON"), Instant::now(), &scenario)
    }

    #[test]
    fn a_guest_is_done_when_all_of_its_steps_are() {
        let mut watch = Watch::default();
        hear(&mut watch, &Report::Done).expect("a report");
        assert!(!watch.done, "a step is missing");
        hear(&mut watch, &Report::Step(ran(Ended::Exit(3)))).expect("as expected");
        hear(&mut watch, &Report::Done).expect("a report");
        assert!(watch.done);
    }

    #[test]
    fn a_step_that_ends_otherwise_is_told_with_what_it_printed() {
        for (ended, words) in [
            (Ended::Exit(0), "should exit with 3, and exited with 0"),
            (Ended::TimedOut, "was killed at its limit"),
            (Ended::Signal(11), "was ended by signal 11"),
            (Ended::NotStarted("no such file".into()), "did not start: no such file"),
        ] {
            let error = hear(&mut Watch::default(), &Report::Step(ran(ended))).expect_err("unexpected").to_string();
            assert!(error.contains(words) && error.ends_with("\nstderr: error: no"), "{error}");
        }
    }

    #[test]
    fn what_is_no_report_is_told() {
        let scenario = Scenario::new([]);
        let mut watch = Watch::default();
        watch.report(String::new(), Instant::now(), &scenario).expect("an empty line says nothing");
        let error = watch.report("{\"event\":".into(), Instant::now(), &scenario).expect_err("half a report");
        assert!(error.to_string().contains("`{\"event\":`"), "{error}");
    }

    #[test]
    fn the_wire_changes_during_its_step_and_at_no_other_time() {
        let wire = |step, up| Wire { step, after: Duration::from_secs(5), up };
        let scenario = Scenario { wire: vec![wire(0, false), wire(1, true)], ..Scenario::new([]) };
        let mut watch = Watch::default();
        assert_eq!(watch.next_of_wire(&scenario), None, "no step runs");
        let began = Instant::now();
        watch.step_began = Some(began);
        assert_eq!(watch.next_of_wire(&scenario), Some((began + Duration::from_secs(5), false)));
        watch.ran.push(ran(Ended::Exit(0)));
        assert_eq!(
            watch.next_of_wire(&scenario),
            Some((began + Duration::from_secs(5), true)),
            "the first is passed over"
        );
        watch.ran.push(ran(Ended::Exit(0)));
        assert_eq!(watch.next_of_wire(&scenario), None);
    }

    #[test]
    fn a_device_that_is_gone_ends_it() {
        let error = Watch::default().console(format!("{OF_QEMU}{LOST}")).expect_err("nobody serves it").to_string();
        assert!(error.starts_with("the NIC left the guest after 0 steps\n"), "{error}");
    }

    #[test]
    fn a_flood_of_complaints_ends_it_and_the_last_words_stay_few() {
        let mut watch = Watch::default();
        for line in 0..1000 {
            watch.console(format!("[    0.{line}] a message of the kernel")).expect("kernels may talk");
        }
        assert_eq!(watch.console.lines().count(), MOST_LINES);
        let mut complain = |line| watch.console(format!("qemu-system-x86_64: complaint {line}"));
        for line in 1..MOST_COMPLAINTS {
            complain(line).expect("not enough");
        }
        let error = complain(MOST_COMPLAINTS).expect_err("enough").to_string();
        assert!(error.contains("first: qemu-system-x86_64: complaint 1\n"), "{error}");
    }
}
