//! Counters: narrow live ones, one scanner that adds them round by round to 64-bit totals in block RAM.
//!
//! All live counters are frozen at one clock, the start of a round; a snapshot is the round that starts next, copied as it
//! is added. A round takes four clocks a counter. Twin: `weir_spec::counters`.

use rust_hdl::prelude::*;
use weir_spec::counters::{
    COUNTERS, FENCED, RULE_ACCEPTED, RULE_DROPPED, RX_DROPPED, RX_PASSED, TX_FENCED, TX_MASKED, TX_PASSED,
};

use crate::cell::block_ram::BlockRam;
use crate::cell::tally::{IndexedTallies, Tallies, TALLY};

const _: () = assert!(COUNTERS * 4 + 1 < 1 << TALLY && RULE_ACCEPTED >= 32 && COUNTERS <= 128);

/// See the module.
#[derive(LogicBlock)]
pub struct Counters {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// All back to zero.
    pub reset: Signal<In, Bit>,
    /// A frame was received.
    pub rx_valid: Signal<In, Bit>,
    /// Its decision, as `Decision::encode`.
    pub rx_word: Signal<In, Bits<32>>,
    /// A frame was sent.
    pub tx_valid: Signal<In, Bit>,
    /// Its decision, as `Egress::encode`.
    pub tx_word: Signal<In, Bits<32>>,
    /// Take a snapshot.
    pub snapshot: Signal<In, Bit>,
    /// One is under way.
    pub busy: Signal<Out, Bit>,
    /// Snapshots taken.
    pub snapshots: Signal<Out, Bits<32>>,
    /// Word of the last snapshot: counter times two, plus one for the upper half.
    pub host_word: Signal<In, Bits<8>>,
    /// It, two clocks later; zero before the first snapshot.
    pub host_rdata: Signal<Out, Bits<32>>,
    plain: Tallies<32>,
    rules: IndexedTallies,
    totals: BlockRam<32, 8>,
    shown: BlockRam<32, 8>,
    bumps: DFF<Bits<32>>,
    rule_bump: DFF<Bit>,
    rule_index: DFF<Bits<7>>,
    at: DFF<Bits<7>>,
    phase: DFF<Bits<2>>,
    restart: DFF<Bit>,
    fresh: DFF<Bit>,
    wanted: DFF<Bit>,
    copying: DFF<Bit>,
    carry: DFF<Bit>,
    taken: DFF<Bits<32>>,
    any: DFF<Bit>,
    now: Signal<Local, Bits<32>>,
    hit: Signal<Local, Bit>,
    count: Signal<Local, Bits<33>>,
    total: Signal<Local, Bits<32>>,
    sum: Signal<Local, Bits<33>>,
    last: Constant<Bits<7>>,
    fenced: Constant<Bits<5>>,
    rx_passed: Constant<Bits<5>>,
    rx_dropped: Constant<Bits<5>>,
    tx_passed: Constant<Bits<5>>,
    tx_masked: Constant<Bits<5>>,
    tx_fenced: Constant<Bits<5>>,
    rule_accepted: Constant<Bits<7>>,
    rule_dropped: Constant<Bits<7>>,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            clock: Default::default(),
            reset: Default::default(),
            rx_valid: Default::default(),
            rx_word: Default::default(),
            tx_valid: Default::default(),
            tx_word: Default::default(),
            snapshot: Default::default(),
            busy: Default::default(),
            snapshots: Default::default(),
            host_word: Default::default(),
            host_rdata: Default::default(),
            plain: Default::default(),
            rules: Default::default(),
            totals: Default::default(),
            shown: Default::default(),
            bumps: Default::default(),
            rule_bump: Default::default(),
            rule_index: Default::default(),
            at: Default::default(),
            phase: Default::default(),
            restart: Default::default(),
            fresh: Default::default(),
            wanted: Default::default(),
            copying: Default::default(),
            carry: Default::default(),
            taken: Default::default(),
            any: Default::default(),
            now: Default::default(),
            hit: Default::default(),
            count: Default::default(),
            total: Default::default(),
            sum: Default::default(),
            last: Constant::new((COUNTERS - 1).to_bits()),
            fenced: Constant::new(FENCED.to_bits()),
            rx_passed: Constant::new(RX_PASSED.to_bits()),
            rx_dropped: Constant::new(RX_DROPPED.to_bits()),
            tx_passed: Constant::new(TX_PASSED.to_bits()),
            tx_masked: Constant::new(TX_MASKED.to_bits()),
            tx_fenced: Constant::new(TX_FENCED.to_bits()),
            rule_accepted: Constant::new(RULE_ACCEPTED.to_bits()),
            rule_dropped: Constant::new(RULE_DROPPED.to_bits()),
        }
    }
}

impl Logic for Counters {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, bumps, rule_bump, rule_index, at, phase, restart, fresh, wanted, copying, carry, taken, any
        );
        clock!(self, clock, plain, rules, totals, shown);

        // What a frame moves.
        self.now.next = 0.into();
        self.hit.next = false;
        self.rule_bump.d.next = false;
        if self.rx_valid.val() {
            for i in 0..9 {
                self.hit.next = self.rx_word.val().get_bits::<4>(1) == i.to_bits();
                self.now.next = self.now.val().replace_bit(i, self.hit.val());
            }
            self.hit.next = self.rx_word.val().get_bits::<4>(5) == 3;
            self.now.next = self.now.val().replace_bit(self.fenced.val().index(), self.hit.val());
            self.rule_bump.d.next = (self.rx_word.val().get_bits::<4>(5) == 2) & self.rx_word.val().get_bit(29);
            if self.rx_word.val().get_bit(0) {
                self.now.next = self.now.val().replace_bit(self.rx_passed.val().index(), true);
                self.rule_index.d.next =
                    self.rule_accepted.val() + bit_cast::<7, 6>(self.rx_word.val().get_bits::<6>(11));
            } else {
                self.now.next = self.now.val().replace_bit(self.rx_dropped.val().index(), true);
                self.rule_index.d.next =
                    self.rule_dropped.val() + bit_cast::<7, 6>(self.rx_word.val().get_bits::<6>(11));
            }
        }
        if self.tx_valid.val() {
            if self.tx_word.val().get_bit(0) {
                self.now.next = self.now.val().replace_bit(self.tx_passed.val().index(), true);
            } else {
                self.now.next = self.now.val().replace_bit(self.tx_fenced.val().index(), true);
            }
            if self.tx_word.val().get_bit(1) {
                self.now.next = self.now.val().replace_bit(self.tx_masked.val().index(), true);
            }
        }
        self.bumps.d.next = self.now.val();
        self.plain.bump.next = self.bumps.q.val();
        self.rules.bump.next = self.rule_bump.q.val();
        self.rules.index.next = self.rule_index.q.val();
        self.plain.reset.next = self.reset.val();
        self.rules.reset.next = self.reset.val();
        self.plain.freeze.next = self.restart.q.val();
        self.rules.freeze.next = self.restart.q.val();
        self.plain.at.next = self.at.q.val();
        self.rules.at.next = self.at.q.val();

        // The scanner: low word in phase 2, upper word in phase 3.
        if self.snapshot.val() {
            self.wanted.d.next = true;
        }
        self.restart.d.next = false;
        self.totals.raddr.next =
            (bit_cast::<8, 7>(self.at.q.val()) << 1) | bit_cast::<8, 1>(self.phase.q.val().get_bits::<1>(0));
        self.totals.waddr.next = self.totals.raddr.val();
        self.count.next = 0.into();
        self.total.next = 0.into();
        self.sum.next = 0.into();
        self.totals.we.next = false;
        self.shown.we.next = false;
        if self.restart.q.val() {
            self.at.d.next = 0.into();
            self.phase.d.next = 0.into();
            self.copying.d.next = self.wanted.q.val();
        } else {
            self.phase.d.next = self.phase.q.val() + 1;
            if self.phase.q.val().get_bit(1) {
                if !self.fresh.q.val() {
                    self.total.next = self.totals.rdata.val();
                }
                if self.phase.q.val().get_bit(0) {
                    self.count.next = bit_cast::<33, 1>(self.carry.q.val().into());
                } else {
                    self.count.next =
                        bit_cast::<33, TALLY>(self.rules.count.val()) | bit_cast::<33, TALLY>(self.plain.count.val());
                }
                self.sum.next = bit_cast::<33, 32>(self.total.val()) + self.count.val();
                self.carry.d.next = self.sum.val().get_bit(32);
                self.totals.we.next = true;
                self.shown.we.next = self.copying.q.val();
            }
            if self.phase.q.val() == 3 {
                self.at.d.next = self.at.q.val() + 1;
                if self.at.q.val() == self.last.val() {
                    self.restart.d.next = true;
                    self.fresh.d.next = false;
                    if self.copying.q.val() {
                        self.taken.d.next = self.taken.q.val() + 1;
                        self.any.d.next = true;
                        self.copying.d.next = false;
                        self.wanted.d.next = false;
                    }
                }
            }
        }
        self.totals.wdata.next = self.sum.val().get_bits::<32>(0);
        self.shown.waddr.next = self.totals.raddr.val();
        self.shown.wdata.next = self.sum.val().get_bits::<32>(0);
        self.shown.raddr.next = self.host_word.val();
        self.host_rdata.next = 0.into();
        if self.any.q.val() {
            self.host_rdata.next = self.shown.rdata.val();
        }
        if self.reset.val() {
            self.bumps.d.next = 0.into();
            self.rule_bump.d.next = false;
            self.restart.d.next = true;
            self.fresh.d.next = true;
            self.wanted.d.next = false;
            self.copying.d.next = false;
            self.taken.d.next = 0.into();
            self.any.d.next = false;
        }
        self.busy.next = self.wanted.q.val();
        self.snapshots.next = self.taken.q.val();
    }
}
