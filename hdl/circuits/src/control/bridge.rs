//! AXI4-Lite from the shell's control clock to the core clock, one request at a time.
//!
//! `s_` is a slave in `clock`, `m_` a master in `core_clock`; the clocks need not know each other. A request is kept in
//! registers that change no more until the core has acknowledged it, and crosses as one bit that flips; so does the answer.
//! The core clock shows that it runs by a bit that flips every [`BEAT`] clocks of its own: not seen to flip for [`QUIET`]
//! clocks of `clock`, it has stopped, and every request is answered SLVERR (2), within 256 clocks, until it runs again. It
//! must run at a fifth of `clock` or faster.
//!
//! A request that was given up is void: when the core clock comes back, the core acknowledges it without a look at it. If
//! the clock stopped while it was being served, it is served to its end and its answer is dropped: SLVERR then means "not
//! known". Each request is answered once; the next crosses after the acknowledgement of the last.
//!
//! Crossing bits go through [`Crossing`]; words (`kept_*` to the core, `answer_*` back) are stable for two clocks of the
//! taker before their bit arrives: a shell constrains them to a maximal delay of one period of the faster clock. `reset`
//! (of the control side) forgets the request it serves; in `core_reset` every request is answered SLVERR. Neither touches the bits
//! that flip.

use rust_hdl::prelude::*;

use super::axil::Axil;
use crate::cell::address::ADDRESS;
use crate::cell::crossing::Crossing;

/// Core clocks between two flips of the bit that shows it runs.
pub const BEAT: usize = 32;
/// Control clocks without a flip after which the core clock has stopped.
pub const QUIET: usize = 200;

/// See the module.
#[derive(LogicBlock)]
pub struct Bridge {
    /// Control clock.
    pub clock: Signal<In, Clock>,
    /// Of the control side.
    pub reset: Signal<In, Bit>,
    /// Write address.
    pub s_awaddr: Signal<In, Bits<ADDRESS>>,
    /// Write address valid.
    pub s_awvalid: Signal<In, Bit>,
    /// Write address taken.
    pub s_awready: Signal<Out, Bit>,
    /// Write data.
    pub s_wdata: Signal<In, Bits<32>>,
    /// Whole words alone.
    pub s_wstrb: Signal<In, Bits<4>>,
    /// Write data valid.
    pub s_wvalid: Signal<In, Bit>,
    /// Write data taken.
    pub s_wready: Signal<Out, Bit>,
    /// 0 done, 2 refused or not reached.
    pub s_bresp: Signal<Out, Bits<2>>,
    /// Write answered.
    pub s_bvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub s_bready: Signal<In, Bit>,
    /// Read address.
    pub s_araddr: Signal<In, Bits<ADDRESS>>,
    /// Read address valid.
    pub s_arvalid: Signal<In, Bit>,
    /// Read address taken.
    pub s_arready: Signal<Out, Bit>,
    /// Read data; zero when refused.
    pub s_rdata: Signal<Out, Bits<32>>,
    /// 0 done, 2 refused or not reached.
    pub s_rresp: Signal<Out, Bits<2>>,
    /// Read answered.
    pub s_rvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub s_rready: Signal<In, Bit>,

    /// Core clock.
    pub core_clock: Signal<In, Clock>,
    /// The core is in reset, in its clock.
    pub core_reset: Signal<In, Bit>,
    /// Write address.
    pub m_awaddr: Signal<Out, Bits<ADDRESS>>,
    /// Write address valid.
    pub m_awvalid: Signal<Out, Bit>,
    /// Write address taken.
    pub m_awready: Signal<In, Bit>,
    /// Write data.
    pub m_wdata: Signal<Out, Bits<32>>,
    /// 15 for a whole word, else 0.
    pub m_wstrb: Signal<Out, Bits<4>>,
    /// Write data valid.
    pub m_wvalid: Signal<Out, Bit>,
    /// Write data taken.
    pub m_wready: Signal<In, Bit>,
    /// 0 done, 2 refused.
    pub m_bresp: Signal<In, Bits<2>>,
    /// Write answered.
    pub m_bvalid: Signal<In, Bit>,
    /// Always.
    pub m_bready: Signal<Out, Bit>,
    /// Read address.
    pub m_araddr: Signal<Out, Bits<ADDRESS>>,
    /// Read address valid.
    pub m_arvalid: Signal<Out, Bit>,
    /// Read address taken.
    pub m_arready: Signal<In, Bit>,
    /// Read data.
    pub m_rdata: Signal<In, Bits<32>>,
    /// 0 done, 2 refused.
    pub m_rresp: Signal<In, Bits<2>>,
    /// Read answered.
    pub m_rvalid: Signal<In, Bit>,
    /// Always.
    pub m_rready: Signal<Out, Bit>,

    axil: Axil,
    // In the control clock: the request that crosses; `outside` from its sending to its acknowledgement.
    kept_write: DFF<Bit>,
    kept_whole: DFF<Bit>,
    kept_address: DFF<Bits<ADDRESS>>,
    kept_data: DFF<Bits<32>>,
    send: DFF<Bit>,
    outside: DFF<Bit>,
    dropped: DFF<Bit>,
    // A request waits to be sent; the one that is outside waits for its answer.
    waiting: DFF<Bit>,
    asked: DFF<Bit>,
    quiet: DFF<Bits<8>>,
    stopped: DFF<Bit>,
    beat_before: DFF<Bit>,
    acknowledged: Crossing,
    beats: Crossing,
    // In the core clock: what was served last, and how far the next is.
    seen: DFF<Bit>,
    settled: DFF<Bits<2>>,
    serving: DFF<Bit>,
    aw: DFF<Bit>,
    w: DFF<Bit>,
    ar: DFF<Bit>,
    answer_data: DFF<Bits<32>>,
    answer_refused: DFF<Bit>,
    beat_count: DFF<Bits<5>>,
    beat: DFF<Bit>,
    sent: Crossing,
    voided: Crossing,

    arrived: Signal<Local, Bit>,
    fresh: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    bad: Signal<Local, Bit>,
    most: Constant<Bits<8>>,
}

impl Default for Bridge {
    fn default() -> Self {
        const _: () = assert!(BEAT == 1 << 5 && QUIET < 240);
        Bridge {
            clock: Default::default(),
            reset: Default::default(),
            s_awaddr: Default::default(),
            s_awvalid: Default::default(),
            s_awready: Default::default(),
            s_wdata: Default::default(),
            s_wstrb: Default::default(),
            s_wvalid: Default::default(),
            s_wready: Default::default(),
            s_bresp: Default::default(),
            s_bvalid: Default::default(),
            s_bready: Default::default(),
            s_araddr: Default::default(),
            s_arvalid: Default::default(),
            s_arready: Default::default(),
            s_rdata: Default::default(),
            s_rresp: Default::default(),
            s_rvalid: Default::default(),
            s_rready: Default::default(),
            core_clock: Default::default(),
            core_reset: Default::default(),
            m_awaddr: Default::default(),
            m_awvalid: Default::default(),
            m_awready: Default::default(),
            m_wdata: Default::default(),
            m_wstrb: Default::default(),
            m_wvalid: Default::default(),
            m_wready: Default::default(),
            m_bresp: Default::default(),
            m_bvalid: Default::default(),
            m_bready: Default::default(),
            m_araddr: Default::default(),
            m_arvalid: Default::default(),
            m_arready: Default::default(),
            m_rdata: Default::default(),
            m_rresp: Default::default(),
            m_rvalid: Default::default(),
            m_rready: Default::default(),
            axil: Default::default(),
            kept_write: Default::default(),
            kept_whole: Default::default(),
            kept_address: Default::default(),
            kept_data: Default::default(),
            send: Default::default(),
            outside: Default::default(),
            dropped: Default::default(),
            waiting: Default::default(),
            asked: Default::default(),
            quiet: Default::default(),
            stopped: Default::default(),
            beat_before: Default::default(),
            acknowledged: Default::default(),
            beats: Default::default(),
            seen: Default::default(),
            settled: Default::default(),
            serving: Default::default(),
            aw: Default::default(),
            w: Default::default(),
            ar: Default::default(),
            answer_data: Default::default(),
            answer_refused: Default::default(),
            beat_count: Default::default(),
            beat: Default::default(),
            sent: Default::default(),
            voided: Default::default(),
            arrived: Default::default(),
            fresh: Default::default(),
            ends: Default::default(),
            bad: Default::default(),
            most: Constant::new(QUIET.to_bits()),
        }
    }
}

impl Logic for Bridge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            kept_write,
            kept_whole,
            kept_address,
            kept_data,
            send,
            outside,
            dropped,
            waiting,
            asked
        );
        dff_setup!(self, clock, quiet, stopped, beat_before);
        dff_setup!(self, core_clock, seen, settled, serving, aw, w, ar, answer_data, answer_refused, beat_count, beat);
        clock!(self, clock, axil, acknowledged, beats);
        clock!(self, core_clock, sent, voided);

        self.axil.reset.next = self.reset.val();
        self.axil.awaddr.next = self.s_awaddr.val();
        self.axil.awvalid.next = self.s_awvalid.val();
        self.s_awready.next = self.axil.awready.val();
        self.axil.wdata.next = self.s_wdata.val();
        self.axil.wstrb.next = self.s_wstrb.val();
        self.axil.wvalid.next = self.s_wvalid.val();
        self.s_wready.next = self.axil.wready.val();
        self.s_bresp.next = self.axil.bresp.val();
        self.s_bvalid.next = self.axil.bvalid.val();
        self.axil.bready.next = self.s_bready.val();
        self.axil.araddr.next = self.s_araddr.val();
        self.axil.arvalid.next = self.s_arvalid.val();
        self.s_arready.next = self.axil.arready.val();
        self.s_rdata.next = self.axil.rdata.val();
        self.s_rresp.next = self.axil.rresp.val();
        self.s_rvalid.next = self.axil.rvalid.val();
        self.axil.rready.next = self.s_rready.val();

        // Control side: whether the core clock runs.
        self.beats.d.next = self.beat.q.val();
        self.beat_before.d.next = self.beats.q.val();
        if self.beats.q.val() != self.beat_before.q.val() {
            self.quiet.d.next = 0.into();
            self.stopped.d.next = false;
        } else {
            if self.quiet.q.val() == self.most.val() {
                self.stopped.d.next = true;
            } else {
                self.quiet.d.next = self.quiet.q.val() + 1;
            }
        }

        // Control side: the request and its answer.
        self.acknowledged.d.next = self.seen.q.val();
        self.arrived.next = self.outside.q.val() & (self.acknowledged.q.val() == self.send.q.val());
        self.waiting.d.next = self.waiting.q.val() | self.axil.m_request.val();
        self.axil.done.next = false;
        self.axil.refused.next = true;
        self.axil.answer.next = self.answer_data.q.val();
        if self.arrived.val() {
            self.outside.d.next = false;
            self.dropped.d.next = false;
            self.asked.d.next = false;
            self.axil.done.next = self.asked.q.val();
            self.axil.refused.next = self.answer_refused.q.val();
        } else {
            if self.stopped.q.val() {
                // Nothing is to be had: whoever waits is told so.
                self.axil.done.next = self.asked.q.val() | self.waiting.q.val();
                self.dropped.d.next = self.outside.q.val();
                self.asked.d.next = false;
                self.waiting.d.next = self.axil.m_request.val();
            } else {
                if self.waiting.q.val() & !self.outside.q.val() {
                    self.waiting.d.next = false;
                    self.asked.d.next = true;
                    self.outside.d.next = true;
                    self.send.d.next = !self.send.q.val();
                    self.kept_write.d.next = self.axil.m_write.val();
                    self.kept_whole.d.next = self.axil.m_whole.val();
                    self.kept_address.d.next = self.axil.m_address.val();
                    self.kept_data.d.next = self.axil.m_wdata.val();
                }
            }
        }
        if self.reset.val() {
            self.waiting.d.next = false;
            self.asked.d.next = false;
            self.dropped.d.next = self.outside.q.val() & !self.arrived.val();
        }

        // Core side.
        self.beat_count.d.next = self.beat_count.q.val() + 1;
        if self.beat_count.q.val() == 0 {
            self.beat.d.next = !self.beat.q.val();
        }
        self.sent.d.next = self.send.q.val();
        self.voided.d.next = self.dropped.q.val();
        // A request is looked at two clocks after it is seen: what was void before it could be seen is known to be then.
        self.fresh.next = self.sent.q.val() != self.seen.q.val();
        self.settled.d.next = 0.into();
        self.ends.next = false;
        self.bad.next = true;
        if self.fresh.val() {
            self.settled.d.next = self.settled.q.val();
            if self.settled.q.val() != 3 {
                self.settled.d.next = self.settled.q.val() + 1;
            }
        }
        if (self.settled.q.val() == 3) & self.fresh.val() & !self.serving.q.val() {
            if self.voided.q.val() | self.core_reset.val() {
                self.ends.next = true;
            } else {
                self.serving.d.next = true;
                self.aw.d.next = self.kept_write.q.val();
                self.w.d.next = self.kept_write.q.val();
                self.ar.d.next = !self.kept_write.q.val();
            }
        }
        if self.m_awready.val() {
            self.aw.d.next = false;
        }
        if self.m_wready.val() {
            self.w.d.next = false;
        }
        if self.m_arready.val() {
            self.ar.d.next = false;
        }
        if self.serving.q.val() {
            if self.m_bvalid.val() {
                self.ends.next = true;
                self.bad.next = self.m_bresp.val() != 0;
            }
            if self.m_rvalid.val() {
                self.ends.next = true;
                self.bad.next = self.m_rresp.val() != 0;
            }
            if self.core_reset.val() {
                self.ends.next = true;
                self.bad.next = true;
            }
        }
        if self.ends.val() {
            self.serving.d.next = false;
            self.aw.d.next = false;
            self.w.d.next = false;
            self.ar.d.next = false;
            self.answer_refused.d.next = self.bad.val();
            self.answer_data.d.next = self.m_rdata.val();
            self.seen.d.next = self.sent.q.val();
        }
        self.m_awaddr.next = self.kept_address.q.val();
        self.m_araddr.next = self.kept_address.q.val();
        self.m_wdata.next = self.kept_data.q.val();
        self.m_wstrb.next = 0.into();
        if self.kept_whole.q.val() {
            self.m_wstrb.next = 15.into();
        }
        self.m_awvalid.next = self.aw.q.val();
        self.m_wvalid.next = self.w.q.val();
        self.m_arvalid.next = self.ar.q.val();
        self.m_bready.next = true;
        self.m_rready.next = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bridge, its two clocks, and behind it a memory of 16 words that takes its time.
    struct Bench {
        bridge: Bridge,
        /// Picoseconds of half a period, and until the next edge.
        control: (u64, u64),
        core: (u64, u64),
        runs: bool,
        memory: [u32; 16],
        /// Core clocks until the memory answers; none under way.
        answer: Option<(u32, bool)>,
        served: u32,
        answered: u32,
    }

    impl Bench {
        fn new(control: u64, core: u64) -> Bench {
            let mut bridge = Bridge::default();
            bridge.connect_all();
            bridge.s_bready.next = true;
            bridge.s_rready.next = true;
            let mut bench = Bench {
                bridge,
                control: (control, control),
                core: (core, core / 3),
                runs: true,
                memory: [0; 16],
                answer: None,
                served: 0,
                answered: 0,
            };
            for _ in 0..400 {
                bench.clock();
            }
            bench
        }

        fn settle(&mut self) {
            assert!(simulate(&mut self.bridge, 100));
        }

        /// To just after the next rising edge of the control clock.
        fn clock(&mut self) {
            loop {
                let step = if self.runs { self.control.1.min(self.core.1) } else { self.control.1 };
                self.control.1 -= step;
                if self.runs {
                    self.core.1 -= step;
                    if self.core.1 == 0 {
                        self.core.1 = self.core.0;
                        let clk = !self.bridge.core_clock.val().clk;
                        if clk {
                            self.serve();
                        }
                        self.bridge.core_clock.next = Clock { clk };
                        self.settle();
                    }
                }
                if self.control.1 == 0 {
                    self.control.1 = self.control.0;
                    let clk = !self.bridge.clock.val().clk;
                    if clk {
                        self.answered += u32::from(self.bridge.s_bvalid.val() || self.bridge.s_rvalid.val());
                    }
                    self.bridge.clock.next = Clock { clk };
                    self.settle();
                    if clk {
                        return;
                    }
                }
            }
        }

        /// One clock of the memory: what it drives after the rising edge to come.
        fn serve(&mut self) {
            let bridge = &mut self.bridge;
            (bridge.m_bvalid.next, bridge.m_rvalid.next) = (false, false);
            (bridge.m_awready.next, bridge.m_wready.next, bridge.m_arready.next) = (false, false, false);
            if bridge.core_reset.val() {
                self.answer = None;
                return;
            }
            match self.answer {
                None if bridge.m_awvalid.val() || bridge.m_arvalid.val() => {
                    let write = bridge.m_awvalid.val();
                    (bridge.m_awready.next, bridge.m_wready.next) = (write, write);
                    bridge.m_arready.next = !write;
                    self.answer = Some((20, write));
                }
                None => {}
                Some((0, write)) => {
                    let at = bridge.m_awaddr.val().index() / 4;
                    let whole = bridge.m_wstrb.val().to_u64() == 15;
                    let good = at < 16 && (whole || !write);
                    if good && write {
                        self.memory[at] = bridge.m_wdata.val().to_u64() as u32;
                    }
                    let response: Bits<2> = if good { 0 } else { 2 }.into();
                    (bridge.m_bvalid.next, bridge.m_bresp.next) = (write, response);
                    (bridge.m_rvalid.next, bridge.m_rresp.next) = (!write, response);
                    bridge.m_rdata.next = self.memory.get(at).copied().unwrap_or(7).to_bits();
                    self.served += 1;
                    self.answer = None;
                }
                Some((clocks, write)) => self.answer = Some((clocks - 1, write)),
            }
        }

        /// The word and how many control clocks it took; `None` for SLVERR.
        fn read(&mut self, address: u32) -> (Option<u32>, usize) {
            self.bridge.s_araddr.next = address.to_bits();
            self.bridge.s_arvalid.next = true;
            let clocks = self.until(|bridge| bridge.s_arready.val());
            self.clock();
            self.bridge.s_arvalid.next = false;
            let clocks = clocks + self.until(|bridge| bridge.s_rvalid.val());
            let word = self.bridge.s_rdata.val().to_u64() as u32;
            let good = self.bridge.s_rresp.val().to_u64() == 0;
            self.clock();
            (good.then_some(word), clocks)
        }

        fn write(&mut self, address: u32, word: u32, strobes: u64) -> (bool, usize) {
            self.bridge.s_awaddr.next = address.to_bits();
            self.bridge.s_wdata.next = word.to_bits();
            self.bridge.s_wstrb.next = strobes.into();
            (self.bridge.s_awvalid.next, self.bridge.s_wvalid.next) = (true, true);
            let clocks = self.until(|bridge| bridge.s_awready.val());
            self.clock();
            (self.bridge.s_awvalid.next, self.bridge.s_wvalid.next) = (false, false);
            let clocks = clocks + self.until(|bridge| bridge.s_bvalid.val());
            let good = self.bridge.s_bresp.val().to_u64() == 0;
            self.clock();
            (good, clocks)
        }

        /// Clocks until it holds before a rising edge.
        fn until(&mut self, holds: impl Fn(&Bridge) -> bool) -> usize {
            for clocks in 0..300 {
                if holds(&self.bridge) {
                    return clocks;
                }
                self.clock();
            }
            panic!("the bridge hangs")
        }
    }

    #[test]
    fn words_cross_both_ways_at_any_ratio_of_the_clocks() {
        for (control, core) in [(2000, 3200), (2000, 1551), (4000, 1280), (2000, 9000), (2000, 2000)] {
            let mut bench = Bench::new(control, core);
            for word in 0..16u32 {
                assert!(bench.write(word * 4, word * 0x1111_1111, 15).0, "{control} {core}");
            }
            for word in 0..16u32 {
                assert_eq!(bench.read(word * 4).0, Some(word * 0x1111_1111), "{control} {core}");
            }
            assert_eq!(bench.read(64).0, None, "what is refused behind the bridge is refused before it");
            assert!(!bench.write(0, 9, 7).0);
            assert_eq!((bench.served, bench.read(0).0), (34, Some(0)));
        }
    }

    #[test]
    fn a_stopped_core_is_an_error_within_256_clocks_and_no_request_is_answered_twice() {
        for stops in 0..60 {
            let mut bench = Bench::new(2000, 3200);
            assert!(bench.write(4, 5, 15).0);
            let before = bench.answered;
            // The clock stops at each of the clocks around a request.
            bench.bridge.s_awaddr.next = 8u64.into();
            bench.bridge.s_wdata.next = 6u64.into();
            bench.bridge.s_wstrb.next = 15u64.into();
            (bench.bridge.s_awvalid.next, bench.bridge.s_wvalid.next) = (true, true);
            let mut clocks = 0;
            while bench.answered == before {
                bench.runs = clocks < stops;
                let taken = bench.bridge.s_awready.val();
                bench.clock();
                if taken {
                    (bench.bridge.s_awvalid.next, bench.bridge.s_wvalid.next) = (false, false);
                }
                clocks += 1;
                assert!(clocks < stops + 256, "stopped at {stops}");
            }
            // Whoever asks now is told at once; then the clock comes back.
            bench.runs = false;
            for _ in 0..250 {
                bench.clock();
            }
            let (word, clocks) = bench.read(4);
            assert!(word.is_none() && clocks < 16, "{clocks}");
            bench.runs = true;
            for _ in 0..200 {
                bench.clock();
            }
            assert_eq!(bench.answered, before + 2, "stopped at {stops}");
            assert_eq!(bench.read(4).0, Some(5), "stopped at {stops}");
            assert!(bench.write(8, 7, 15).0);
            assert_eq!((bench.read(8).0, bench.memory[2]), (Some(7), 7));
        }
    }

    #[test]
    fn a_request_that_was_given_up_before_the_core_saw_it_has_no_effect() {
        let mut bench = Bench::new(2000, 3200);
        bench.runs = false;
        let (done, clocks) = bench.write(4, 5, 15);
        assert!(!done && clocks < 256);
        bench.runs = true;
        for _ in 0..300 {
            bench.clock();
        }
        assert_eq!((bench.memory[1], bench.served), (0, 0));
        assert!(bench.write(4, 6, 15).0);
        assert_eq!(bench.memory[1], 6);
    }

    #[test]
    fn a_core_in_reset_refuses_and_a_reset_in_between_is_survived() {
        let mut bench = Bench::new(2000, 3200);
        bench.bridge.core_reset.next = true;
        assert!(!bench.write(4, 5, 15).0);
        bench.bridge.core_reset.next = false;
        assert!(bench.write(4, 6, 15).0);
        for clocks in 0..60 {
            // Of the control side, in the middle of a request.
            bench.bridge.s_araddr.next = 4u64.into();
            bench.bridge.s_arvalid.next = true;
            for _ in 0..clocks {
                bench.clock();
            }
            bench.bridge.s_arvalid.next = false;
            bench.bridge.reset.next = true;
            bench.clock();
            bench.bridge.reset.next = false;
            let answered = bench.answered;
            for _ in 0..100 {
                bench.clock();
            }
            assert_eq!(bench.answered, answered, "nobody asked");
            assert_eq!(bench.read(4).0, Some(6), "{clocks}");
        }
    }
}
