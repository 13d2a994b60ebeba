//! The bench: streams, bus and clock of one NIC.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use weir_hdl::DropStyle;
use weir_spec::Micros;
use weir_spec::interrupt::Conditions;
use weir_spec::nic::Refused;

use crate::compile::Purpose;
use crate::model::{Instance, Model, OpenError, Request};
use crate::source::Source;
use crate::stream::{Assembly, Drained, Side, Word};
use crate::width::Width;

/// Clocks of reset, enough for every stage of the pipeline.
const RESET_CLOCKS: u64 = 128;
/// Clocks after which an unanswered bus access hangs: the bridge's own limit is 256 control clocks.
const BUS_LIMIT: u64 = 4096;
/// Clocks after its last beat in which a frame must be judged and out: twenty times the designed latency.
const SETTLE_LIMIT: u64 = 1000;

const FAULTS: [&str; 5] = [
    "a bus response that nobody asked for",
    "a bus response that changed while it waited",
    "an output beat whose tkeep has a hole",
    "an output beat that is not full and not the last",
    "an output beat that is marked and not the last",
];

/// A bus access that was never answered: the circuit is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the register bus gave no answer in {BUS_LIMIT} clocks")]
pub struct Hung;

/// A register write with all that a master may vary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Write {
    /// Byte offset in the port.
    pub offset: u32,
    /// The word.
    pub value: u32,
    /// Which of its bytes count; the NIC takes 0b1111 alone.
    pub strobes: u8,
    /// Clocks before the address is offered.
    pub address_stall: u32,
    /// Clocks before the data is offered.
    pub data_stall: u32,
    /// Clocks the response waits for its taker.
    pub response_stall: u32,
}

impl Write {
    /// A plain write.
    pub fn new(offset: u32, value: u32) -> Write {
        Write { offset, value, strobes: 0b1111, address_stall: 0, data_stall: 0, response_stall: 0 }
    }

    fn request(&self) -> Request {
        Request {
            address: self.offset,
            data: self.value,
            strobes: self.strobes.into(),
            address_stall: self.address_stall,
            data_stall: self.data_stall,
            response_stall: self.response_stall,
        }
    }
}

/// A register read with all that a master may vary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// Byte offset in the port.
    pub offset: u32,
    /// Clocks before the address is offered.
    pub address_stall: u32,
    /// Clocks the response waits for its taker.
    pub response_stall: u32,
}

impl Read {
    /// A plain read.
    pub fn new(offset: u32) -> Read {
        Read { offset, address_stall: 0, response_stall: 0 }
    }

    fn request(&self) -> Request {
        Request {
            address: self.offset,
            data: 0,
            strobes: 0,
            address_stall: self.address_stall,
            data_stall: 0,
            response_stall: self.response_stall,
        }
    }
}

/// A NIC in simulation. Time stands still between calls.
pub struct Rtl {
    instance: Instance,
    assembly: [Assembly; 2],
}

/// Where every signal of every clock goes. A clock is two units of time; it rises at the odd ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Waveform {
    /// Value change dump, text: every viewer reads it.
    Vcd(PathBuf),
    /// GTKWave's own format: some fifty times smaller.
    Fst(PathBuf),
}

impl Waveform {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Waveform::Vcd(path) | Waveform::Fst(path) => path,
        }
    }

    /// The same format in another file.
    pub fn at(&self, path: &Path) -> Waveform {
        match self {
            Waveform::Vcd(_) => Waveform::Vcd(path.to_path_buf()),
            Waveform::Fst(_) => Waveform::Fst(path.to_path_buf()),
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Waveform::Vcd(_) => Purpose::Vcd,
            Waveform::Fst(_) => Purpose::Fst,
        }
    }
}

impl Rtl {
    /// The 64-bit circuit of this version of the project, reset and fenced. Compiles it when the cache does not have it
    /// (tens of seconds, once).
    pub fn open() -> Result<Rtl, OpenError> {
        Rtl::of_width(Width::Bits64)
    }

    /// The same of any width.
    pub fn of_width(width: Width) -> Result<Rtl, OpenError> {
        Rtl::of_source(&Source::emitted(width)?)
    }

    /// Any other SystemVerilog with the same ports: an older version, a netlist, one with a fault put in. Its width is
    /// that of its ports.
    pub fn of_source(source: &Source) -> Result<Rtl, OpenError> {
        Rtl::start(Model::shared(source, Purpose::Run)?, None)
    }

    /// The same, compiled in a fraction of the time and slower by some times: for few clocks.
    pub fn to_try(source: &Source) -> Result<Rtl, OpenError> {
        Rtl::start(Model::shared(source, Purpose::Try)?, None)
    }

    /// As [`of_source`](Rtl::of_source), and every signal of every clock goes into a file, which is complete when the
    /// value is dropped. Slow; compiled apart.
    pub fn traced(source: &Source, waveform: &Waveform) -> Result<Rtl, OpenError> {
        let path = waveform.path();
        // Verilator would go on without a word.
        File::create(path).map_err(|source| OpenError::Trace { path: path.to_path_buf(), source })?;
        Rtl::start(Model::shared(source, waveform.purpose())?, Some(path))
    }

    fn start(model: Arc<Model>, waveform: Option<&Path>) -> Result<Rtl, OpenError> {
        let mut rtl = Rtl { instance: Instance::new(model, waveform)?, assembly: Default::default() };
        rtl.reset();
        Ok(rtl)
    }

    /// What a beat holds.
    pub fn width(&self) -> Width {
        self.instance.width()
    }

    /// How it drops received frames.
    pub fn drop_style(&self) -> DropStyle {
        self.instance.drop_style()
    }

    /// Whether every frame of a side comes out, accepted or marked.
    pub(crate) fn marks(&self, side: Side) -> bool {
        side == Side::Rx && self.drop_style() == DropStyle::Mark
    }

    /// Holds `aresetn` low. Frames under way are lost, and what was not drained with them; only the verdicts on received
    /// frames that were still given come back, for block RAM outlives a reset and has counted them.
    pub fn reset(&mut self) -> Vec<Word> {
        self.instance.reset(RESET_CLOCKS);
        let judged = self.instance.words(Side::Rx).collect();
        self.instance.forget();
        self.assembly = Default::default();
        self.check();
        judged
    }

    /// Clocks since the start.
    pub fn clocks(&self) -> u64 {
        self.instance.clock()
    }

    /// Sets the shell's clock from the next clock on.
    pub fn set_time(&mut self, now: Micros) {
        self.instance.set_time(now);
    }

    /// Tells the NIC whether its port has no link, from the next clock on.
    pub fn set_link_down(&mut self, down: bool) {
        self.instance.set_link_down(down);
    }

    /// The `irq` output as of the last clock: what a shell would make interrupts of.
    pub fn conditions(&self) -> Conditions {
        Conditions(self.instance.irq() as u8)
    }

    /// The `fenced` output as of the last clock.
    pub fn fenced(&self) -> bool {
        self.instance.fenced()
    }

    /// Changes of the `fenced` output since the last [`drain`](Rtl::drain), with their clocks.
    pub fn fence_changes(&self) -> Vec<(u64, bool)> {
        self.instance.fence_changes().collect()
    }

    /// Reads a register while the streams go on. Panics when the bus hangs.
    pub fn read32(&mut self, offset: u32) -> Result<u32, Refused> {
        let (read, _) = self.access(Some(Read::new(offset)), None).unwrap_or_else(|hung| panic!("{hung}"));
        read.expect("a read was asked for")
    }

    /// Writes a register while the streams go on. Panics when the bus hangs.
    pub fn write32(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        let (_, write) = self.access(None, Some(Write::new(offset, value))).unwrap_or_else(|hung| panic!("{hung}"));
        write.expect("a write was asked for")
    }

    /// A read, a write, or both at once on their separate channels; the answers of those that were asked for.
    #[allow(clippy::type_complexity)] // two answers, each there if it was asked for
    pub fn access(
        &mut self,
        read: Option<Read>,
        write: Option<Write>,
    ) -> Result<(Option<Result<u32, Refused>>, Option<Result<(), Refused>>), Hung> {
        if let Some(read) = read {
            self.instance.start_read(read.request());
        }
        if let Some(write) = write {
            self.instance.start_write(write.request());
        }
        let answered = self.instance.run_bus(BUS_LIMIT);
        self.check();
        if !answered {
            return Err(Hung);
        }
        const OKAY: u32 = 0;
        let read = self.instance.answer(false).map(|answer| match answer.code {
            OKAY => Ok(answer.data),
            _ => Err(Refused),
        });
        let write = self.instance.answer(true).map(|answer| if answer.code == OKAY { Ok(()) } else { Err(Refused) });
        Ok((read, write))
    }

    /// Queues a frame. `waits[i]` clocks without a beat pass before its beat `i`, none where `waits` has ended.
    pub fn push(&mut self, side: Side, frame: &[u8], waits: &[u8]) {
        self.instance.push(side, frame, waits, false);
    }

    /// The same for a frame that its MAC found bad: `tuser[0]` is set on its last beat.
    pub fn push_bad(&mut self, side: Side, frame: &[u8], waits: &[u8]) {
        self.instance.push(side, frame, waits, true);
    }

    /// Queues clocks without a beat.
    pub fn pause(&mut self, side: Side, clocks: u32) {
        self.instance.pause(side, clocks);
    }

    /// Runs.
    pub fn run(&mut self, clocks: u64) {
        self.instance.run(clocks);
        self.check();
    }

    /// Runs until every queued frame was driven and judged and every one that leaves is out; whether that came to be.
    pub fn settle(&mut self) -> bool {
        let settled = self.instance.settle(SETTLE_LIMIT);
        self.check();
        settled
    }

    /// Takes what happened on both sides, RX first, since the last drain.
    pub fn drain(&mut self) -> [Drained; 2] {
        let drained = [Side::Rx, Side::Tx].map(|side| Drained {
            sent: self.instance.sent(side).to_vec(),
            words: self.instance.words(side).collect(),
            frames: self.assembly[side as usize].take(self.instance.beats(side), self.instance.bytes(side)),
        });
        self.instance.forget();
        drained
    }

    /// Panics when the circuit broke a rule of its interfaces: nothing that follows would mean anything.
    fn check(&self) {
        let faults = self.instance.faults();
        if faults != 0 {
            let names = FAULTS.iter().enumerate().filter(|(bit, _)| faults >> bit & 1 == 1).map(|(_, name)| *name);
            panic!("the circuit gave {} up to clock {}", names.collect::<Vec<_>>().join(" and "), self.clocks());
        }
    }
}
