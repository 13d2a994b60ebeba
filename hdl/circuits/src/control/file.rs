//! The register file: what a request of the bus does, and what it answers.
//!
//! Where a register is, who may write it and which bits it keeps comes from the table, through [`AddressDecoder`]; what no
//! circuit has to see is in the [`Store`](super::store::Store), and a request is a few operations on it, one after the other:
//! [`READ`] to [`COMMIT`] clocks on the bus. Between requests it moves what a commit or a snapshot has left to do; while a
//! commit lands, requests wait for at most `D` + 60 clocks, after reset for some 520. Twin: `weir_spec::nic::Nic::read`
//! and `write`.

use rust_hdl::prelude::*;
use weir_spec::regs::{self, RegId};

use super::layout::{place, COMMIT_HI, COMMIT_LO, EPOCH_NEXT, PLACE};
use crate::cell::address::{AddressDecoder, ADDRESS};
use crate::cell::register::ResetDff;

/// Clocks of a read, from a valid address to the answer taken.
pub const READ: usize = 23;
/// Clocks of a write.
pub const WRITE: usize = 22;
/// Clocks of the write of a map word.
pub const MAP: usize = 35;
/// Clocks of a COMMIT that is taken; what it starts goes on.
pub const COMMIT: usize = 77;

/// What the file is at. Each step with an operation of the store is one operation.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    /// Nothing: what waits is taken.
    Idle,
    /// A request is decoded, and what follows from it settles in registers.
    Decode,
    Settle,
    /// Whether it is refused is known but for what a doorbell asks.
    Decide,
    /// RENEW and COMMIT: the lease takes both halves of LEASE_NEXT and judges.
    AskLo,
    AskHi,
    Judge,
    /// What is to be done is chosen.
    Act,
    /// A word is read, whatever the source of the answer.
    Read,
    /// A bucket's heat is awaited.
    Heat,
    /// A word is written.
    Write,
    /// The CRC of a map slot runs.
    Crc,
    /// A renewal becomes LEASE_UNTIL.
    RenewLo,
    RenewHi,
    /// A commit is noted down: epoch and deadline.
    CommitEpoch,
    CommitLo,
    CommitHi,
    /// A refusal is noted down.
    RefuseCount,
    RefuseAddress,
    /// The answer is made up.
    Source,
    Answer,
    /// All tables are loaded: the lease takes the deadline of the commit, which becomes LEASE_UNTIL, and the banks flip.
    LandLo,
    LandHi,
    UntilLo,
    UntilHi,
    Flip,
    Lease,
    /// The last header of the old bank is gone: EPOCH_ACTIVE follows.
    Done,
    /// A snapshot is taken: SNAP_SEQ counts it.
    Snap,
}

/// See the module.
#[derive(LogicBlock)]
pub struct RegisterFile {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// All registers back to their reset values.
    pub reset: Signal<In, Bit>,
    /// A request of [`Axil`](super::axil::Axil): a pulse; what describes it holds until `done`.
    pub request: Signal<In, Bit>,
    /// It writes.
    pub write: Signal<In, Bit>,
    /// A whole word.
    pub whole: Signal<In, Bit>,
    /// Byte offset.
    pub address: Signal<In, Bits<ADDRESS>>,
    /// Word to write.
    pub wdata: Signal<In, Bits<32>>,
    /// A pulse: the answer.
    pub done: Signal<Out, Bit>,
    /// It is a refusal.
    pub refused: Signal<Out, Bit>,
    /// What was read.
    pub answer: Signal<Out, Bits<32>>,

    /// To [`Store`](super::store::Store): start an operation.
    pub store_op: Signal<Out, Bit>,
    /// Place to read.
    pub store_from: Signal<Out, Bits<PLACE>>,
    /// Place to write.
    pub store_to: Signal<Out, Bits<PLACE>>,
    /// Write the word.
    pub store_write: Signal<Out, Bit>,
    /// Write what was read.
    pub store_rewrite: Signal<Out, Bit>,
    /// Count it up.
    pub store_count: Signal<Out, Bit>,
    /// Run a CRC over it.
    pub store_crc: Signal<Out, Bit>,
    /// Word to write.
    pub store_bus: Signal<Out, Bits<32>>,
    /// The operation is over.
    pub store_done: Signal<In, Bit>,
    /// What was read.
    pub store_value: Signal<In, Bits<32>>,
    /// A pulse: stream the shadow words.
    pub commit: Signal<Out, Bit>,
    /// The store takes operations.
    pub store_ready: Signal<In, Bit>,
    /// The shadow words are all loaded.
    pub loaded: Signal<In, Bit>,

    /// To [`Epoch`](super::epoch::Epoch): flip the banks.
    pub flip: Signal<Out, Bit>,
    /// The deadline of the commit is in force.
    pub landed: Signal<In, Bit>,
    /// No header of the old bank is left.
    pub commit_done: Signal<In, Bit>,
    /// A commit has landed since reset.
    pub configured: Signal<In, Bit>,

    /// To [`Deadline`](super::deadline::Deadline): keep the time.
    pub stamp: Signal<Out, Bit>,
    /// Keep the upper half of that for NIC_TIME_HI.
    pub latch: Signal<Out, Bit>,
    /// The time kept.
    pub time_lo: Signal<In, Bits<32>>,
    /// NIC_TIME_HI.
    pub time_hi: Signal<In, Bits<32>>,
    /// Take `store_value` as the low word of the next deadline.
    pub take_lo: Signal<Out, Bit>,
    /// Take it as its high word.
    pub take_hi: Signal<Out, Bit>,
    /// Judge that deadline.
    pub judge: Signal<Out, Bit>,
    /// It is judged.
    pub judged: Signal<In, Bit>,
    /// It is too far ahead.
    pub too_far: Signal<In, Bit>,
    /// Bring it into force.
    pub renew: Signal<Out, Bit>,
    /// STATUS.fenced.
    pub fenced: Signal<In, Bit>,

    /// To [`Totals`](super::totals::Totals): a snapshot is asked for.
    pub snapshot: Signal<Out, Bit>,
    /// One is under way.
    pub snapshot_busy: Signal<In, Bit>,
    /// It is taken.
    pub snapshot_taken: Signal<In, Bit>,
    /// Word of the snapshot.
    pub counter_word: Signal<Out, Bits<8>>,
    /// It, eight clocks later at most.
    pub counter_rdata: Signal<In, Bits<32>>,

    /// To the pool of maps: slot and word.
    pub map_addr: Signal<Out, Bits<14>>,
    /// Write `map_wdata`.
    pub map_we: Signal<Out, Bit>,
    /// Word to write.
    pub map_wdata: Signal<Out, Bits<32>>,
    /// The word there, eight clocks later at most.
    pub map_rdata: Signal<In, Bits<32>>,

    /// To the heat counters: a pulse, read a bucket.
    pub heat_read: Signal<Out, Bit>,
    /// Which.
    pub heat_bucket: Signal<Out, Bits<12>>,
    /// A pulse, the next clock or later: `heat_value` is there and holds until the next read.
    pub heat_done: Signal<In, Bit>,
    /// Its frames.
    pub heat_value: Signal<In, Bits<24>>,

    /// To the flow mailbox: a pulse, COMMAND is written.
    pub flow_command: Signal<Out, Bit>,
    /// SIGNATURE_LO is.
    pub flow_write_lo: Signal<Out, Bit>,
    /// SIGNATURE_HI is.
    pub flow_write_hi: Signal<Out, Bit>,
    /// INDEX is.
    pub flow_write_index: Signal<Out, Bit>,
    /// What is written, from some clocks before its pulse.
    pub flow_wdata: Signal<Out, Bits<32>>,
    /// `flow_wdata` is no command that can be taken, or the mailbox is busy.
    pub flow_refuses: Signal<In, Bit>,
    /// FLOW.STATUS.
    pub flow_status: Signal<In, Bits<32>>,
    /// FLOW.SIGNATURE_LO.
    pub flow_lo: Signal<In, Bits<32>>,
    /// FLOW.SIGNATURE_HI.
    pub flow_hi: Signal<In, Bits<32>>,
    /// FLOW.INDEX.
    pub flow_index: Signal<In, Bits<10>>,
    /// FLOW.COUNT.
    pub flow_count: Signal<In, Bits<13>>,

    /// CLUSTER_MAC, first octet in bits 7:0.
    pub cluster_mac: Signal<Out, Bits<48>>,
    /// Masking is on.
    pub masking: Signal<Out, Bit>,
    /// MASKED_MAC, first octet in bits 7:0.
    pub masked_mac: Signal<Out, Bits<48>>,

    /// To [`Warning`](super::warning::Warning): WARN_LEASE.
    pub warn_lease: Signal<Out, Bits<32>>,
    /// WARN_FLOWS.
    pub warn_flows: Signal<Out, Bits<13>>,
    /// A pulse: either changes.
    pub warn: Signal<Out, Bit>,
    /// STATUS.lease_ending.
    pub lease_ending: Signal<In, Bit>,
    /// STATUS.flows_high.
    pub flows_high: Signal<In, Bit>,
    /// STATUS.link_down.
    pub link_down: Signal<In, Bit>,

    decoder: AddressDecoder,
    step: ResetDff<Step>,
    waiting: ResetDff<Bit>,
    // The operation of this step has been started.
    started: ResetDff<Bit>,
    op: ResetDff<Bit>,
    from: DFF<Bits<PLACE>>,
    to: DFF<Bits<PLACE>>,
    flags: ResetDff<Bits<4>>,
    /// Something is to be done, or was a clock ago; else nobody looks at what a request asks for.
    awake: DFF<Bit>,
    kept: DFF<Bits<32>>,
    error: DFF<Bit>,
    other: DFF<Bits<32>>,
    result: DFF<Bits<32>>,
    finished: ResetDff<Bit>,
    busy: ResetDff<Bit>,
    // What a commit and a snapshot have left to do.
    landing: ResetDff<Bit>,
    ending: ResetDff<Bit>,
    counting: ResetDff<Bit>,
    // One clock long.
    acts: ResetDff<Bits<22>>,
    go: ResetDff<Bit>,
    // What a request asks for, from its address alone.
    wants: DFF<Bits<22>>,
    bad: DFF<Bit>,
    doorbell: DFF<Bit>,
    route: DFF<Step>,
    refusal: DFF<Step>,
    noting: DFF<Bit>,
    ended: ResetDff<Bit>,
    cluster_lo: ResetDff<Bits<32>>,
    cluster_hi: ResetDff<Bits<32>>,
    masked_lo: ResetDff<Bits<32>>,
    masked_hi: ResetDff<Bits<32>>,
    soon: ResetDff<Bits<32>>,
    many: ResetDff<Bits<13>>,

    next: Signal<Local, Step>,
    works: Signal<Local, Bit>,
    over: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    rewrites: Signal<Local, Bit>,
    counts: Signal<Local, Bit>,
    crcs: Signal<Local, Bit>,
    pulses: Signal<Local, Bits<22>>,
    asks: Signal<Local, Bits<22>>,
    flow_word: Signal<Local, Bits<32>>,
    flow_busy: Signal<Local, Bit>,
    flags_next: Signal<Local, Bits<4>>,
    status: Signal<Local, Bits<32>>,
    mailbox: Signal<Local, Bit>,
    pulse: Signal<Local, Bit>,
    high_word: Signal<Local, Bits<32>>,

    next_lo: Constant<Bits<PLACE>>,
    next_hi: Constant<Bits<PLACE>>,
    until_lo: Constant<Bits<PLACE>>,
    until_hi: Constant<Bits<PLACE>>,
    commit_lo: Constant<Bits<PLACE>>,
    commit_hi: Constant<Bits<PLACE>>,
    epoch_next: Constant<Bits<PLACE>>,
    epoch_active: Constant<Bits<PLACE>>,
    refused_count: Constant<Bits<PLACE>>,
    refused_address: Constant<Bits<PLACE>>,
    snap_seq: Constant<Bits<PLACE>>,
    mailbox_busy: Constant<Bits<5>>,
    status_fenced: Constant<Bits<5>>,
    status_busy: Constant<Bits<5>>,
    status_configured: Constant<Bits<5>>,
    status_ending: Constant<Bits<5>>,
    status_high: Constant<Bits<5>>,
    status_down: Constant<Bits<5>>,
    mask_enable: Constant<Bits<5>>,
}

impl Default for RegisterFile {
    fn default() -> Self {
        RegisterFile {
            clock: Default::default(),
            reset: Default::default(),
            request: Default::default(),
            write: Default::default(),
            whole: Default::default(),
            address: Default::default(),
            wdata: Default::default(),
            done: Default::default(),
            refused: Default::default(),
            answer: Default::default(),
            store_op: Default::default(),
            store_from: Default::default(),
            store_to: Default::default(),
            store_write: Default::default(),
            store_rewrite: Default::default(),
            store_count: Default::default(),
            store_crc: Default::default(),
            store_bus: Default::default(),
            store_done: Default::default(),
            store_value: Default::default(),
            commit: Default::default(),
            store_ready: Default::default(),
            loaded: Default::default(),
            flip: Default::default(),
            landed: Default::default(),
            commit_done: Default::default(),
            configured: Default::default(),
            stamp: Default::default(),
            latch: Default::default(),
            time_lo: Default::default(),
            time_hi: Default::default(),
            take_lo: Default::default(),
            take_hi: Default::default(),
            judge: Default::default(),
            judged: Default::default(),
            too_far: Default::default(),
            renew: Default::default(),
            fenced: Default::default(),
            snapshot: Default::default(),
            snapshot_busy: Default::default(),
            snapshot_taken: Default::default(),
            counter_word: Default::default(),
            counter_rdata: Default::default(),
            map_addr: Default::default(),
            map_we: Default::default(),
            map_wdata: Default::default(),
            map_rdata: Default::default(),
            heat_read: Default::default(),
            heat_bucket: Default::default(),
            heat_done: Default::default(),
            heat_value: Default::default(),
            flow_command: Default::default(),
            flow_write_lo: Default::default(),
            flow_write_hi: Default::default(),
            flow_write_index: Default::default(),
            flow_wdata: Default::default(),
            flow_refuses: Default::default(),
            flow_status: Default::default(),
            flow_lo: Default::default(),
            flow_hi: Default::default(),
            flow_index: Default::default(),
            flow_count: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            masked_mac: Default::default(),
            warn_lease: Default::default(),
            warn_flows: Default::default(),
            warn: Default::default(),
            lease_ending: Default::default(),
            flows_high: Default::default(),
            link_down: Default::default(),
            decoder: Default::default(),
            step: Default::default(),
            waiting: Default::default(),
            started: Default::default(),
            op: Default::default(),
            from: Default::default(),
            to: Default::default(),
            flags: Default::default(),
            awake: Default::default(),
            kept: Default::default(),
            error: Default::default(),
            other: Default::default(),
            result: Default::default(),
            finished: Default::default(),
            busy: Default::default(),
            landing: Default::default(),
            ending: Default::default(),
            counting: Default::default(),
            acts: Default::default(),
            go: Default::default(),
            wants: Default::default(),
            bad: Default::default(),
            doorbell: Default::default(),
            route: Default::default(),
            refusal: Default::default(),
            noting: Default::default(),
            ended: Default::default(),
            cluster_lo: Default::default(),
            cluster_hi: Default::default(),
            masked_lo: Default::default(),
            masked_hi: Default::default(),
            soon: Default::default(),
            many: Default::default(),
            next: Default::default(),
            works: Default::default(),
            over: Default::default(),
            writes: Default::default(),
            rewrites: Default::default(),
            counts: Default::default(),
            crcs: Default::default(),
            pulses: Default::default(),
            asks: Default::default(),
            flow_word: Default::default(),
            flow_busy: Default::default(),
            flags_next: Default::default(),
            status: Default::default(),
            mailbox: Default::default(),
            pulse: Default::default(),
            high_word: Default::default(),
            next_lo: Constant::new(place(RegId::LeaseNextLo, 0).to_bits()),
            next_hi: Constant::new(place(RegId::LeaseNextHi, 0).to_bits()),
            until_lo: Constant::new(place(RegId::LeaseUntilLo, 0).to_bits()),
            until_hi: Constant::new(place(RegId::LeaseUntilHi, 0).to_bits()),
            commit_lo: Constant::new(COMMIT_LO.to_bits()),
            commit_hi: Constant::new(COMMIT_HI.to_bits()),
            epoch_next: Constant::new(EPOCH_NEXT.to_bits()),
            epoch_active: Constant::new(place(RegId::EpochActive, 0).to_bits()),
            refused_count: Constant::new(place(RegId::RefusedCount, 0).to_bits()),
            refused_address: Constant::new(place(RegId::RefusedAddress, 0).to_bits()),
            snap_seq: Constant::new(place(RegId::SnapSeq, 0).to_bits()),
            mailbox_busy: Constant::new(regs::reg(RegId::FlowStatus).field("busy").low.to_bits()),
            status_fenced: Constant::new(regs::reg(RegId::Status).field("fenced").low.to_bits()),
            status_busy: Constant::new(regs::reg(RegId::Status).field("busy").low.to_bits()),
            status_configured: Constant::new(regs::reg(RegId::Status).field("configured").low.to_bits()),
            status_ending: Constant::new(regs::reg(RegId::Status).field("lease_ending").low.to_bits()),
            status_high: Constant::new(regs::reg(RegId::Status).field("flows_high").low.to_bits()),
            status_down: Constant::new(regs::reg(RegId::Status).field("link_down").low.to_bits()),
            mask_enable: Constant::new(regs::reg(RegId::ClusterMacHi).field("enable").low.to_bits()),
        }
    }
}

impl Logic for RegisterFile {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, waiting, started, op, from, to, flags, kept, error, other, result);
        dff_setup!(
            self, clock, finished, busy, landing, ending, counting, acts, go, wants, bad, doorbell, route, refusal
        );
        dff_setup!(self, clock, noting, ended, awake);
        dff_setup!(self, clock, cluster_lo, cluster_hi, masked_lo, masked_hi, soon, many);
        clock!(self, clock, decoder);
        self.step.reset.next = self.reset.val();
        self.waiting.reset.next = self.reset.val();
        self.started.reset.next = self.reset.val();
        self.op.reset.next = self.reset.val();
        self.finished.reset.next = self.reset.val();
        self.busy.reset.next = self.reset.val();
        self.landing.reset.next = self.reset.val();
        self.ending.reset.next = self.reset.val();
        self.counting.reset.next = self.reset.val();
        self.acts.reset.next = self.reset.val();
        self.go.reset.next = self.reset.val();
        self.ended.reset.next = self.reset.val();
        self.flags.reset.next = self.reset.val();
        self.cluster_lo.reset.next = self.reset.val();
        self.cluster_hi.reset.next = self.reset.val();
        self.masked_lo.reset.next = self.reset.val();
        self.masked_hi.reset.next = self.reset.val();
        self.soon.reset.next = self.reset.val();
        self.many.reset.next = self.reset.val();
        self.decoder.look.next = self.request.val();
        self.decoder.address.next = self.address.val();

        // What waits for its turn.
        self.waiting.d.next = self.waiting.q.val() | self.request.val();
        self.landing.d.next = self.landing.q.val() | self.loaded.val();
        self.ending.d.next = self.ending.q.val() | self.commit_done.val();
        self.counting.d.next = self.counting.q.val() | self.snapshot_taken.val();

        self.awake.d.next = (self.step.q.val() != Step::Idle)
            | self.waiting.q.val()
            | self.landing.q.val()
            | self.ending.q.val()
            | self.counting.q.val();

        // What a request is refused for, what it pulses and which step it leads to, whatever is decided.
        self.noting.d.next = self.step.q.val() == Step::RefuseAddress;
        self.mailbox.next = self.decoder.flow_lo.val() | self.decoder.flow_hi.val() | self.decoder.flow_index.val();
        self.flow_word.next = self.flow_status.val();
        self.flow_busy.next = self.flow_word.val().get_bit(self.mailbox_busy.val().index());
        self.asks.next = 0.into();
        if self.write.val() {
            self.asks.next = self.asks.val().replace_bit(4, self.decoder.renew.val());
            self.asks.next = self.asks.val().replace_bit(6, self.decoder.snapshot.val());
            self.asks.next = self.asks.val().replace_bit(7, self.decoder.map.val());
            self.asks.next = self.asks.val().replace_bit(8, self.decoder.flow_command.val());
            self.asks.next = self.asks.val().replace_bit(9, self.decoder.flow_lo.val());
            self.asks.next = self.asks.val().replace_bit(10, self.decoder.flow_hi.val());
            self.asks.next = self.asks.val().replace_bit(11, self.decoder.flow_index.val());
            self.asks.next = self.asks.val().replace_bit(16, self.decoder.cluster_lo.val());
            self.asks.next = self.asks.val().replace_bit(17, self.decoder.cluster_hi.val());
            self.asks.next = self.asks.val().replace_bit(18, self.decoder.masked_lo.val());
            self.asks.next = self.asks.val().replace_bit(19, self.decoder.masked_hi.val());
            self.asks.next = self.asks.val().replace_bit(20, self.decoder.warn_lease.val());
            self.asks.next = self.asks.val().replace_bit(21, self.decoder.warn_flows.val());
        } else {
            self.asks.next = self.asks.val().replace_bit(12, self.decoder.heat.val());
            self.asks.next = self.asks.val().replace_bit(13, self.decoder.time_lo.val());
        }
        if self.awake.q.val() {
            self.kept.d.next = self.wdata.val() & self.decoder.mask.val();
            if self.noting.q.val() {
                self.kept.d.next = bit_cast::<32, ADDRESS>(self.address.val());
            }
            self.doorbell.d.next = self.write.val() & (self.decoder.commit.val() | self.decoder.renew.val());
            self.bad.d.next = !self.decoder.takes.val()
                | !self.whole.val()
                | (self.decoder.locked.val() & self.busy.q.val())
                | (self.decoder.snapshot.val() & (self.snapshot_busy.val() | self.counting.q.val()))
                | (self.decoder.flow_command.val() & self.flow_refuses.val())
                | (self.mailbox.val() & self.flow_busy.val());
            self.wants.d.next = self.asks.val();
            self.refusal.d.next = Step::Source;
            self.route.d.next = Step::Read;
            if self.write.val() {
                self.refusal.d.next = Step::RefuseCount;
                self.route.d.next = Step::Answer;
                if self.decoder.stored.val() {
                    self.route.d.next = Step::Write;
                }
                if self.decoder.map.val() {
                    self.route.d.next = Step::Crc;
                }
                if self.decoder.renew.val() {
                    self.route.d.next = Step::RenewLo;
                }
                if self.decoder.commit.val() {
                    self.route.d.next = Step::CommitEpoch;
                }
            } else {
                if self.decoder.heat.val() {
                    self.route.d.next = Step::Heat;
                }
            }
        }

        // The operation of each step, and the step behind it.
        self.next.next = self.step.q.val();
        self.works.next = false;
        self.writes.next = false;
        self.rewrites.next = false;
        self.counts.next = false;
        self.crcs.next = false;
        self.pulses.next = 0.into();
        self.finished.d.next = false;
        // What a step waits for comes in that step alone.
        self.ended.d.next = (self.started.q.val() & self.store_done.val())
            | self.judged.val()
            | self.heat_done.val()
            | self.landed.val();
        self.over.next = self.ended.q.val();
        self.go.d.next = false;
        self.from.d.next = self.decoder.place.val();
        self.to.d.next = self.decoder.place.val();
        self.flags_next.next = 0.into();
        match self.step.q.val() {
            Step::Idle => {
                if self.landing.q.val() {
                    self.landing.d.next = false;
                    self.next.next = Step::LandLo;
                } else {
                    if self.ending.q.val() {
                        self.ending.d.next = false;
                        self.next.next = Step::Done;
                    } else {
                        if self.counting.q.val() {
                            self.next.next = Step::Snap;
                        } else {
                            if self.waiting.q.val() & self.store_ready.val() {
                                self.waiting.d.next = false;
                                self.next.next = Step::Decode;
                            }
                        }
                    }
                }
            }
            Step::Decode => self.next.next = Step::Settle,
            Step::Settle => self.next.next = Step::Decide,
            Step::Decide => {
                self.error.d.next = !self.decoder.found.val() | (self.write.val() & self.bad.q.val());
                self.pulses.next = self.pulses.val().replace_bit(0, true);
                self.next.next = Step::Act;
                if self.doorbell.q.val() & !self.bad.q.val() {
                    self.next.next = Step::AskLo;
                }
            }
            Step::AskLo => {
                self.works.next = true;
                self.from.d.next = self.next_lo.val();
                if self.over.val() {
                    self.pulses.next = self.pulses.val().replace_bit(1, true);
                    self.next.next = Step::AskHi;
                }
            }
            Step::AskHi => {
                self.works.next = true;
                self.from.d.next = self.next_hi.val();
                if self.over.val() {
                    self.pulses.next = self.pulses.val().replace_bit(2, true);
                    self.next.next = Step::Judge;
                }
            }
            Step::Judge => {
                self.error.d.next = self.too_far.val() | (self.decoder.renew.val() & self.fenced.val());
                if self.over.val() {
                    self.next.next = Step::Act;
                }
            }
            Step::Act => {
                self.go.d.next = !self.error.q.val();
                self.next.next = self.route.q.val();
                if self.error.q.val() {
                    self.next.next = self.refusal.q.val();
                }
            }
            Step::Read => {
                self.works.next = true;
                if self.over.val() {
                    self.next.next = Step::Source;
                }
            }
            Step::Heat => {
                if self.over.val() {
                    self.next.next = Step::Source;
                }
            }
            Step::Write => {
                self.works.next = true;
                self.writes.next = true;
                if self.over.val() {
                    self.next.next = Step::Answer;
                }
            }
            Step::Crc => {
                self.works.next = true;
                self.rewrites.next = true;
                self.crcs.next = true;
                if self.over.val() {
                    self.next.next = Step::Answer;
                }
            }
            Step::RenewLo => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.next_lo.val();
                self.to.d.next = self.until_lo.val();
                if self.over.val() {
                    self.next.next = Step::RenewHi;
                }
            }
            Step::RenewHi => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.next_hi.val();
                self.to.d.next = self.until_hi.val();
                if self.over.val() {
                    self.next.next = Step::Answer;
                }
            }
            Step::CommitEpoch => {
                self.works.next = true;
                self.writes.next = true;
                self.to.d.next = self.epoch_next.val();
                self.busy.d.next = true;
                if self.over.val() {
                    self.next.next = Step::CommitLo;
                }
            }
            Step::CommitLo => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.next_lo.val();
                self.to.d.next = self.commit_lo.val();
                if self.over.val() {
                    self.next.next = Step::CommitHi;
                }
            }
            Step::CommitHi => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.next_hi.val();
                self.to.d.next = self.commit_hi.val();
                if self.over.val() {
                    self.pulses.next = self.pulses.val().replace_bit(14, true);
                    self.next.next = Step::Answer;
                }
            }
            Step::RefuseCount => {
                self.works.next = true;
                self.rewrites.next = true;
                self.counts.next = true;
                self.from.d.next = self.refused_count.val();
                self.to.d.next = self.refused_count.val();
                if self.over.val() {
                    self.next.next = Step::RefuseAddress;
                }
            }
            Step::RefuseAddress => {
                self.works.next = true;
                self.writes.next = true;
                self.to.d.next = self.refused_address.val();
                if self.over.val() {
                    self.next.next = Step::Answer;
                }
            }
            Step::Source => self.next.next = Step::Answer,
            Step::Answer => {
                self.finished.d.next = true;
                self.next.next = Step::Idle;
            }
            Step::LandLo => {
                self.works.next = true;
                self.from.d.next = self.commit_lo.val();
                if self.over.val() {
                    self.pulses.next = self.pulses.val().replace_bit(1, true);
                    self.next.next = Step::LandHi;
                }
            }
            Step::LandHi => {
                self.works.next = true;
                self.from.d.next = self.commit_hi.val();
                if self.over.val() {
                    self.pulses.next = self.pulses.val().replace_bit(2, true);
                    self.next.next = Step::UntilLo;
                }
            }
            Step::UntilLo => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.commit_lo.val();
                self.to.d.next = self.until_lo.val();
                if self.over.val() {
                    self.next.next = Step::UntilHi;
                }
            }
            Step::UntilHi => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.commit_hi.val();
                self.to.d.next = self.until_hi.val();
                if self.over.val() {
                    self.next.next = Step::Flip;
                }
            }
            Step::Flip => {
                self.pulses.next = self.pulses.val().replace_bit(15, true);
                self.next.next = Step::Lease;
            }
            Step::Lease => {
                if self.over.val() {
                    self.next.next = Step::Idle;
                }
            }
            Step::Done => {
                self.works.next = true;
                self.rewrites.next = true;
                self.from.d.next = self.epoch_next.val();
                self.to.d.next = self.epoch_active.val();
                if self.over.val() {
                    self.busy.d.next = false;
                    self.next.next = Step::Idle;
                }
            }
            Step::Snap => {
                self.works.next = true;
                self.rewrites.next = true;
                self.counts.next = true;
                self.from.d.next = self.snap_seq.val();
                self.to.d.next = self.snap_seq.val();
                if self.over.val() {
                    self.counting.d.next = self.snapshot_taken.val();
                    self.next.next = Step::Idle;
                }
            }
        }
        // The judge starts when the high word is taken.
        self.pulse.next = self.acts.q.val().get_bit(2) & (self.step.q.val() == Step::Judge);
        self.pulses.next = self.pulses.val().replace_bit(3, self.pulse.val());
        self.acts.d.next = self.pulses.val();
        if self.go.q.val() {
            self.acts.d.next = self.pulses.val() | self.wants.q.val();
        }
        if self.acts.q.val().get_bit(16) {
            self.cluster_lo.d.next = self.kept.q.val();
        }
        if self.acts.q.val().get_bit(17) {
            self.cluster_hi.d.next = self.kept.q.val();
        }
        if self.acts.q.val().get_bit(18) {
            self.masked_lo.d.next = self.kept.q.val();
        }
        if self.acts.q.val().get_bit(19) {
            self.masked_hi.d.next = self.kept.q.val();
        }
        if self.acts.q.val().get_bit(20) {
            self.soon.d.next = self.kept.q.val();
        }
        if self.acts.q.val().get_bit(21) {
            self.many.d.next = self.kept.q.val().get_bits::<13>(0);
        }
        self.step.d.next = self.next.val();
        self.op.d.next = self.works.val() & !self.started.q.val();
        self.started.d.next = self.works.val() & !self.over.val();
        self.flags_next.next = self.flags_next.val().replace_bit(0, self.writes.val());
        self.flags_next.next = self.flags_next.val().replace_bit(1, self.rewrites.val());
        self.flags_next.next = self.flags_next.val().replace_bit(2, self.counts.val());
        self.flags_next.next = self.flags_next.val().replace_bit(3, self.crcs.val());
        self.flags.d.next = self.flags_next.val();

        // The answer: first the words that live outside of RAM, then all.
        self.status.next = 0.into();
        self.status.next = self.status.val().replace_bit(self.status_fenced.val().index(), self.fenced.val());
        self.status.next = self.status.val().replace_bit(self.status_busy.val().index(), self.busy.q.val());
        self.status.next = self.status.val().replace_bit(self.status_configured.val().index(), self.configured.val());
        self.status.next = self.status.val().replace_bit(self.status_ending.val().index(), self.lease_ending.val());
        self.status.next = self.status.val().replace_bit(self.status_high.val().index(), self.flows_high.val());
        self.status.next = self.status.val().replace_bit(self.status_down.val().index(), self.link_down.val());
        if self.awake.q.val() {
            match self.decoder.source.val().get_bits::<3>(0).index() {
                0 => self.other.d.next = self.status.val(),
                1 => self.other.d.next = self.time_lo.val(),
                2 => self.other.d.next = self.time_hi.val(),
                3 => self.other.d.next = self.flow_status.val(),
                4 => self.other.d.next = self.flow_lo.val(),
                5 => self.other.d.next = self.flow_hi.val(),
                6 => self.other.d.next = bit_cast::<32, 10>(self.flow_index.val()),
                _ => self.other.d.next = bit_cast::<32, 13>(self.flow_count.val()),
            }
            if self.decoder.source.val().get_bit(3) {
                self.result.d.next = self.other.q.val();
            } else {
                match self.decoder.source.val().get_bits::<2>(0).index() {
                    0 => self.result.d.next = self.store_value.val(),
                    1 => self.result.d.next = self.counter_rdata.val(),
                    2 => self.result.d.next = self.map_rdata.val(),
                    _ => self.result.d.next = bit_cast::<32, 24>(self.heat_value.val()),
                }
            }
        }

        self.done.next = self.finished.q.val();
        self.refused.next = self.error.q.val();
        self.answer.next = self.result.q.val();
        self.store_op.next = self.op.q.val();
        self.store_from.next = self.from.q.val();
        self.store_to.next = self.to.q.val();
        self.store_write.next = self.flags.q.val().get_bit(0);
        self.store_rewrite.next = self.flags.q.val().get_bit(1);
        self.store_count.next = self.flags.q.val().get_bit(2);
        self.store_crc.next = self.flags.q.val().get_bit(3);
        self.store_bus.next = self.kept.q.val();
        self.stamp.next = self.acts.q.val().get_bit(0);
        self.take_lo.next = self.acts.q.val().get_bit(1);
        self.take_hi.next = self.acts.q.val().get_bit(2);
        self.judge.next = self.acts.q.val().get_bit(3);
        self.renew.next = self.acts.q.val().get_bit(4);
        self.snapshot.next = self.acts.q.val().get_bit(6);
        self.map_we.next = self.acts.q.val().get_bit(7);
        self.flow_command.next = self.acts.q.val().get_bit(8);
        self.flow_write_lo.next = self.acts.q.val().get_bit(9);
        self.flow_write_hi.next = self.acts.q.val().get_bit(10);
        self.flow_write_index.next = self.acts.q.val().get_bit(11);
        self.heat_read.next = self.acts.q.val().get_bit(12);
        self.latch.next = self.acts.q.val().get_bit(13);
        self.commit.next = self.acts.q.val().get_bit(14);
        self.flip.next = self.acts.q.val().get_bit(15);
        self.map_addr.next = self.address.val().get_bits::<14>(2);
        self.map_wdata.next = self.kept.q.val();
        self.flow_wdata.next = self.kept.q.val();
        self.counter_word.next = self.address.val().get_bits::<8>(2);
        self.heat_bucket.next = self.address.val().get_bits::<12>(2);
        self.warn_lease.next = self.soon.q.val();
        self.warn_flows.next = self.many.q.val();
        self.warn.next = self.acts.q.val().get_bit(20) | self.acts.q.val().get_bit(21);
        self.high_word.next = self.cluster_hi.q.val();
        self.masking.next = self.high_word.val().get_bit(self.mask_enable.val().index());
        self.cluster_mac.next = (bit_cast::<48, 16>(self.high_word.val().get_bits::<16>(0)) << 32)
            | bit_cast::<48, 32>(self.cluster_lo.q.val());
        self.masked_mac.next = (bit_cast::<48, 16>(self.masked_hi.q.val().get_bits::<16>(0)) << 32)
            | bit_cast::<48, 32>(self.masked_lo.q.val());
    }
}
