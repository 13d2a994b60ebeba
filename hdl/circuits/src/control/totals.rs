//! Counters: narrow ones that move with the frames, and one scanner that adds them, round by round, to 64-bit totals in
//! one block RAM; the other half of it holds the snapshot.
//!
//! All narrow counters are frozen at one clock, once a round of [`ROUND`] clocks. A snapshot is the round of the next
//! freeze, copied word by word as it is added. An event is frozen with those of its clock, whatever it counts. `W` bits
//! hold what frames of 60 bytes and more move in a round: 6 where these are 8 clocks apart, 9 where there is one a clock.
//! Twin: `weir_spec::counters`.

use rust_hdl::prelude::*;
use weir_spec::counters::{
    COUNTERS, FENCED, FOREIGN_HITS, PIN_HITS, RULE_ACCEPTED, RULE_DROPPED, RX_DROPPED, RX_PASSED, TX_FENCED, TX_MASKED,
    TX_PASSED,
};
use weir_spec::verdict::Class;

use super::family::Family;
use crate::cell::block_ram::BlockRam;
use crate::cell::register::ResetDff;
use crate::cell::tallies::Tallies;

/// Clocks of a round: four a counter, and two counters' worth to end it.
pub const ROUND: usize = 4 * (COUNTERS + 2);
/// Bits of the counters that any frame may move.
const PLAIN: usize = 9;
const _: () = assert!(ROUND < 1 << PLAIN && ROUND / 8 + 1 < 1 << 6 && COUNTERS <= 126);
const _: () = assert!(RULE_ACCEPTED == 32 && RULE_DROPPED == 65 && TX_FENCED < DEFAULT_ACCEPTED);
/// Where the plain counters of the default rule are: those of the other rules are a family.
const DEFAULT_ACCEPTED: usize = 24;
const DEFAULT_DROPPED: usize = 25;

/// Bits of the plain counters: runts come at up to one a clock, what has a whole header no faster than rule events.
fn widths<const W: usize>() -> [usize; DEFAULT_DROPPED + 1] {
    let mut widths = [W; DEFAULT_DROPPED + 1];
    for counter in [Class::Malformed as usize, RX_DROPPED, TX_PASSED, TX_MASKED, TX_FENCED] {
        widths[counter] = PLAIN;
    }
    widths
}

/// `W`: bits of the counters that frames of 60 bytes and more move.
#[derive(LogicBlock)]
pub struct Totals<const W: usize> {
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
    /// Take a snapshot; not while busy.
    pub snapshot: Signal<In, Bit>,
    /// One is under way.
    pub busy: Signal<Out, Bit>,
    /// A pulse: it is taken.
    pub taken: Signal<Out, Bit>,
    /// Word of the last snapshot: counter times two, plus one for the upper half.
    pub host_word: Signal<In, Bits<8>>,
    /// It, seven clocks later; zero before the first snapshot.
    pub host_rdata: Signal<Out, Bits<32>>,
    plain: Tallies<26, PLAIN>,
    rules: Family<W, 6>,
    words: BlockRam<32, 9>,
    // What frames move: two clocks to take the words apart.
    rx: DFF<Bit>,
    accept: DFF<Bit>,
    kind: DFF<Bits<4>>,
    reason: DFF<Bits<4>>,
    rule: DFF<Bits<6>>,
    has_rule: DFF<Bit>,
    tx: DFF<Bit>,
    tx_pass: DFF<Bit>,
    tx_mask: DFF<Bit>,
    moves: DFF<Bit>,
    bumps: DFF<Bits<26>>,
    rule_bump: DFF<Bit>,
    rule_index: DFF<Bits<6>>,
    // The scanner: which counter, which of its four clocks; the counter before; whether those are counters.
    at: ResetDff<Bits<7>>,
    phase: ResetDff<Bits<2>>,
    rule_at: ResetDff<Bits<6>>,
    plain_at: DFF<Bits<5>>,
    in_rules: DFF<Bit>,
    in_plain: DFF<Bit>,
    scanned: ResetDff<Bit>,
    fresh: ResetDff<Bit>,
    freeze: ResetDff<Bit>,
    wraps: ResetDff<Bit>,
    zero: ResetDff<Bit>,
    passed: DFF<Bits<7>>,
    target: DFF<Bits<7>>,
    valid: ResetDff<Bit>,
    raddr: DFF<Bits<9>>,
    count: DFF<Bits<9>>,
    // The adder: lower half, then upper half.
    low: DFF<Bits<16>>,
    low_carry: DFF<Bit>,
    rest: DFF<Bits<16>>,
    high: DFF<Bits<32>>,
    high_carry: DFF<Bit>,
    wanted: ResetDff<Bit>,
    copies_next: ResetDff<Bit>,
    copying: ResetDff<Bit>,
    pulse: ResetDff<Bit>,
    any: ResetDff<Bit>,
    host: DFF<Bits<32>>,

    now: Signal<Local, Bits<26>>,
    hit: Signal<Local, Bit>,
    sum: Signal<Local, Bits<17>>,
    upper: Signal<Local, Bits<17>>,
    addend: Signal<Local, Bits<9>>,
    asked: Signal<Local, Bits<9>>,
    is_rule: Signal<Local, Bit>,
    copy: Signal<Local, Bit>,
    half: Signal<Local, Bit>,
    nothing: Constant<Bits<9>>,
    last: Constant<Bits<7>>,
    count_end: Constant<Bits<7>>,
    plain_end: Constant<Bits<7>>,
    first_rule: Constant<Bits<7>>,
    default_accepted: Constant<Bits<7>>,
    default_dropped: Constant<Bits<7>>,
    slot_accepted: Constant<Bits<5>>,
    slot_dropped: Constant<Bits<5>>,
    fenced: Constant<Bits<5>>,
    pin_hits: Constant<Bits<5>>,
    foreign_hits: Constant<Bits<5>>,
    rx_passed: Constant<Bits<5>>,
    rx_dropped: Constant<Bits<5>>,
    tx_passed: Constant<Bits<5>>,
    tx_masked: Constant<Bits<5>>,
    tx_fenced: Constant<Bits<5>>,
}

impl<const W: usize> Default for Totals<W> {
    fn default() -> Self {
        assert!((6..=9).contains(&W), "6 to 9 bits, not {W}");
        Totals {
            clock: Default::default(),
            reset: Default::default(),
            rx_valid: Default::default(),
            rx_word: Default::default(),
            tx_valid: Default::default(),
            tx_word: Default::default(),
            snapshot: Default::default(),
            busy: Default::default(),
            taken: Default::default(),
            host_word: Default::default(),
            host_rdata: Default::default(),
            plain: Tallies::new(widths::<W>()),
            rules: Family::new(W > 6),
            words: Default::default(),
            rx: Default::default(),
            accept: Default::default(),
            kind: Default::default(),
            reason: Default::default(),
            rule: Default::default(),
            has_rule: Default::default(),
            tx: Default::default(),
            tx_pass: Default::default(),
            tx_mask: Default::default(),
            moves: Default::default(),
            bumps: Default::default(),
            rule_bump: Default::default(),
            rule_index: Default::default(),
            at: Default::default(),
            phase: Default::default(),
            rule_at: Default::default(),
            plain_at: Default::default(),
            in_rules: Default::default(),
            in_plain: Default::default(),
            scanned: Default::default(),
            fresh: ResetDff::new(true),
            freeze: Default::default(),
            wraps: Default::default(),
            zero: Default::default(),
            passed: Default::default(),
            target: Default::default(),
            valid: Default::default(),
            raddr: Default::default(),
            count: Default::default(),
            low: Default::default(),
            low_carry: Default::default(),
            rest: Default::default(),
            high: Default::default(),
            high_carry: Default::default(),
            wanted: Default::default(),
            copies_next: Default::default(),
            copying: Default::default(),
            pulse: Default::default(),
            any: Default::default(),
            host: Default::default(),
            now: Default::default(),
            hit: Default::default(),
            sum: Default::default(),
            upper: Default::default(),
            addend: Default::default(),
            asked: Default::default(),
            is_rule: Default::default(),
            copy: Default::default(),
            half: Default::default(),
            nothing: Constant::new(511u64.to_bits()),
            last: Constant::new((COUNTERS + 1).to_bits()),
            count_end: Constant::new(COUNTERS.to_bits()),
            plain_end: Constant::new(DEFAULT_ACCEPTED.to_bits()),
            first_rule: Constant::new(RULE_ACCEPTED.to_bits()),
            default_accepted: Constant::new((RULE_DROPPED - 1).to_bits()),
            default_dropped: Constant::new((COUNTERS - 1).to_bits()),
            slot_accepted: Constant::new(DEFAULT_ACCEPTED.to_bits()),
            slot_dropped: Constant::new(DEFAULT_DROPPED.to_bits()),
            fenced: Constant::new(FENCED.to_bits()),
            pin_hits: Constant::new(PIN_HITS.to_bits()),
            foreign_hits: Constant::new(FOREIGN_HITS.to_bits()),
            rx_passed: Constant::new(RX_PASSED.to_bits()),
            rx_dropped: Constant::new(RX_DROPPED.to_bits()),
            tx_passed: Constant::new(TX_PASSED.to_bits()),
            tx_masked: Constant::new(TX_MASKED.to_bits()),
            tx_fenced: Constant::new(TX_FENCED.to_bits()),
        }
    }
}

impl<const W: usize> Logic for Totals<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, rx, accept, kind, reason, rule, has_rule, tx, tx_pass, tx_mask, moves, bumps);
        dff_setup!(
            self, clock, rule_bump, rule_index, at, phase, rule_at, plain_at, in_rules, in_plain, scanned, fresh,
            freeze, wraps
        );
        dff_setup!(self, clock, zero, passed, target, valid, raddr, count, low, low_carry, rest, high, high_carry);
        dff_setup!(self, clock, wanted, copies_next, copying, pulse, any, host);
        clock!(self, clock, plain, rules, words);
        self.at.reset.next = self.reset.val();
        self.phase.reset.next = self.reset.val();
        self.rule_at.reset.next = self.reset.val();
        self.scanned.reset.next = self.reset.val();
        self.fresh.reset.next = self.reset.val();
        self.freeze.reset.next = self.reset.val();
        self.wraps.reset.next = self.reset.val();
        self.zero.reset.next = self.reset.val();
        self.valid.reset.next = self.reset.val();
        self.wanted.reset.next = self.reset.val();
        self.copies_next.reset.next = self.reset.val();
        self.copying.reset.next = self.reset.val();
        self.pulse.reset.next = self.reset.val();
        self.any.reset.next = self.reset.val();

        // What a frame moves.
        self.rx.d.next = self.rx_valid.val() & !self.reset.val();
        self.accept.d.next = self.rx_word.val().get_bit(0);
        self.kind.d.next = self.rx_word.val().get_bits::<4>(1);
        self.reason.d.next = self.rx_word.val().get_bits::<4>(5);
        self.rule.d.next = self.rx_word.val().get_bits::<6>(11);
        self.has_rule.d.next = self.rx_word.val().get_bit(29);
        self.tx.d.next = self.tx_valid.val() & !self.reset.val();
        self.tx_pass.d.next = self.tx_word.val().get_bit(0);
        self.tx_mask.d.next = self.tx_word.val().get_bit(1);
        self.now.next = 0.into();
        self.hit.next = false;
        self.is_rule.next = false;
        if self.rx.q.val() {
            for i in 0..9 {
                self.hit.next = self.kind.q.val() == i.to_bits();
                self.now.next = self.now.val().replace_bit(i, self.hit.val());
            }
            self.hit.next = self.reason.q.val() == 3;
            self.now.next = self.now.val().replace_bit(self.fenced.val().index(), self.hit.val());
            self.hit.next = self.reason.q.val() == 4;
            self.now.next = self.now.val().replace_bit(self.pin_hits.val().index(), self.hit.val());
            self.hit.next = self.reason.q.val() == 5;
            self.now.next = self.now.val().replace_bit(self.foreign_hits.val().index(), self.hit.val());
            self.hit.next = self.accept.q.val();
            self.now.next = self.now.val().replace_bit(self.rx_passed.val().index(), self.hit.val());
            self.hit.next = !self.accept.q.val();
            self.now.next = self.now.val().replace_bit(self.rx_dropped.val().index(), self.hit.val());
            // By a rule: reasons 2, 4 and 5. The default rule is number 32.
            self.is_rule.next = self.has_rule.q.val()
                & ((self.reason.q.val() == 2) | (self.reason.q.val() == 4) | (self.reason.q.val() == 5));
            self.hit.next = self.is_rule.val() & self.rule.q.val().get_bit(5) & self.accept.q.val();
            self.now.next = self.now.val().replace_bit(self.slot_accepted.val().index(), self.hit.val());
            self.hit.next = self.is_rule.val() & self.rule.q.val().get_bit(5) & !self.accept.q.val();
            self.now.next = self.now.val().replace_bit(self.slot_dropped.val().index(), self.hit.val());
        }
        if self.tx.q.val() {
            self.hit.next = self.tx_pass.q.val();
            self.now.next = self.now.val().replace_bit(self.tx_passed.val().index(), self.hit.val());
            self.hit.next = self.tx_mask.q.val();
            self.now.next = self.now.val().replace_bit(self.tx_masked.val().index(), self.hit.val());
            self.hit.next = !self.tx_pass.q.val();
            self.now.next = self.now.val().replace_bit(self.tx_fenced.val().index(), self.hit.val());
        }
        self.moves.d.next = self.rx.q.val() | self.tx.q.val();
        self.bumps.d.next = self.now.val();
        self.rule_bump.d.next = self.is_rule.val() & !self.rule.q.val().get_bit(5);
        self.hit.next = !self.accept.q.val();
        self.rule_index.d.next = self.rule.q.val().replace_bit(5, self.hit.val());
        self.plain.moves.next = self.moves.q.val();
        self.plain.bump.next = self.bumps.q.val();
        self.rules.bump.next = self.rule_bump.q.val();
        self.rules.index.next = self.rule_index.q.val();
        self.plain.reset.next = self.reset.val();
        self.plain.freeze.next = self.freeze.q.val();
        self.rules.freeze.next = self.freeze.q.val();

        // Where the scanner is. Its last two places are no counters: the first freezes, while the adder ends.
        self.phase.d.next = self.phase.q.val() + 1;
        self.freeze.d.next = (self.at.q.val() == self.count_end.val()) & (self.phase.q.val() == 0);
        self.scanned.d.next = self.at.q.val() < self.count_end.val();
        self.in_rules.d.next = (self.at.q.val() >= self.first_rule.val())
            & (self.at.q.val() != self.default_accepted.val())
            & (self.at.q.val() < self.default_dropped.val());
        self.in_plain.d.next = (self.at.q.val() < self.plain_end.val())
            | (self.at.q.val() == self.default_accepted.val())
            | (self.at.q.val() == self.default_dropped.val());
        self.plain_at.d.next = self.at.q.val().get_bits::<5>(0);
        if self.at.q.val() == self.default_accepted.val() {
            self.plain_at.d.next = self.slot_accepted.val();
        }
        if self.at.q.val() == self.default_dropped.val() {
            self.plain_at.d.next = self.slot_dropped.val();
        }
        self.pulse.d.next = false;
        if self.snapshot.val() {
            self.wanted.d.next = true;
        }
        if self.freeze.q.val() {
            self.copies_next.d.next = self.wanted.q.val();
        }
        self.wraps.d.next = (self.phase.q.val() == 2) & (self.at.q.val() == self.last.val());
        if self.phase.q.val() == 3 {
            self.at.d.next = self.at.q.val() + 1;
            self.passed.d.next = self.at.q.val();
            if self.in_rules.q.val() {
                self.rule_at.d.next = self.rule_at.q.val() + 1;
            }
        }
        if self.wraps.q.val() {
            self.at.d.next = 0.into();
            self.rule_at.d.next = 0.into();
            self.fresh.d.next = false;
            self.copying.d.next = self.copies_next.q.val();
            if self.copying.q.val() {
                self.pulse.d.next = true;
                self.any.d.next = true;
                self.wanted.d.next = false;
                self.copying.d.next = false;
            }
        }
        if self.phase.q.val() == 0 {
            self.target.d.next = self.passed.q.val();
            self.valid.d.next = self.scanned.q.val();
        }

        // What the narrow counters say is there in clock 3 of a counter; that of a rule is set to zero then, and both
        // halves of it in the first round after reset.
        self.plain.at.next = self.plain_at.q.val();
        self.rules.at.next = self.rule_at.q.val();
        self.zero.d.next = (self.phase.q.val() == 2) & self.in_rules.q.val();
        self.rules.clear.next = self.zero.q.val();
        self.rules.wipe.next = self.zero.q.val() & self.fresh.q.val();
        self.count.d.next = 0.into();
        if self.in_rules.q.val() & !self.fresh.q.val() {
            self.count.d.next = bit_cast::<9, W>(self.rules.count.val());
        }
        if self.in_plain.q.val() {
            self.count.d.next = self.plain.count.val();
        }

        // Reads: lower word in clock 0, upper in clock 2, the host's in 1 and 3; word 511 is never written.
        self.asked.next = self.nothing.val();
        if self.any.q.val() {
            self.asked.next = bit_cast::<9, 8>(self.host_word.val()) | 256;
        }
        self.raddr.d.next = self.asked.val();
        if !self.phase.q.val().get_bit(0) {
            self.raddr.d.next = self.nothing.val();
            if !self.fresh.q.val() {
                self.raddr.d.next =
                    (bit_cast::<9, 7>(self.at.q.val()) << 1) | bit_cast::<9, 1>(self.phase.q.val().get_bits::<1>(1));
            }
        }
        self.words.raddr.next = self.raddr.q.val();

        // The lower word is added in clocks 3 and 0, the upper in 1 and 2.
        self.addend.next = bit_cast::<9, 1>(self.high_carry.q.val().into());
        if self.phase.q.val().get_bit(1) {
            self.addend.next = self.count.q.val();
        }
        self.sum.next =
            bit_cast::<17, 16>(self.words.rdata.val().get_bits::<16>(0)) + bit_cast::<17, 9>(self.addend.val());
        self.low.d.next = self.sum.val().get_bits::<16>(0);
        self.low_carry.d.next = self.sum.val().get_bit(16);
        self.rest.d.next = self.words.rdata.val().get_bits::<16>(16);
        self.upper.next = bit_cast::<17, 16>(self.rest.q.val()) + bit_cast::<17, 1>(self.low_carry.q.val().into());
        if !self.phase.q.val().get_bit(0) {
            self.high.d.next =
                (bit_cast::<32, 16>(self.upper.val().get_bits::<16>(0)) << 16) | bit_cast::<32, 16>(self.low.q.val());
            self.high_carry.d.next = self.upper.val().get_bit(16);
            self.host.d.next = self.words.rdata.val();
        }

        // Writes of the counter before: lower word in clocks 1 (total) and 2 (snapshot), upper word in 3 and 0.
        self.copy.next = !self.phase.q.val().get_bit(0);
        self.half.next = (self.phase.q.val() == 3) | (self.phase.q.val() == 0);
        self.words.waddr.next = (bit_cast::<9, 1>(self.copy.val().into()) << 8)
            | (bit_cast::<9, 7>(self.target.q.val()) << 1)
            | bit_cast::<9, 1>(self.half.val().into());
        self.words.wdata.next = self.high.q.val();
        self.words.we.next = self.valid.q.val() & (!self.copy.val() | self.copying.q.val());

        self.busy.next = self.wanted.q.val();
        self.taken.next = self.pulse.q.val();
        self.host_rdata.next = self.host.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::counters::{of_decision, of_egress};
    use weir_spec::egress::Egress;
    use weir_spec::map::BucketState;
    use weir_spec::verdict::{Decision, Reason};

    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) % n
        }
    }

    fn decision(random: &mut Random) -> Decision {
        let reason = Reason::ALL[random.below(6) as usize];
        let class = Class::ALL[random.below(9) as usize];
        let rule = (random.below(3) > 0).then(|| random.below(33) as u8);
        let bucket = (random.below(2) > 0).then(|| (random.below(4096) as u16, BucketState::Own));
        Decision { accept: random.below(2) > 0, class, reason, rule, bucket }
    }

    /// Moves both twins by one clock; a frame each way every `apart` clocks or so.
    fn frame<const W: usize>(totals: &mut Totals<W>, spec: &mut [u64], random: &mut Random, apart: u64) {
        (totals.rx_valid.next, totals.tx_valid.next) = (random.below(apart) == 0, random.below(apart) == 0);
        if totals.rx_valid.next {
            let decision = decision(random);
            totals.rx_word.next = decision.encode().to_bits();
            of_decision(&decision).for_each(|counter| spec[counter] += 1);
        }
        if totals.tx_valid.next {
            let pass = random.below(4) > 0;
            let egress = Egress { pass, masked: pass && random.below(2) > 0 };
            totals.tx_word.next = (u32::from(egress.pass) | u32::from(egress.masked) << 1).to_bits();
            of_egress(&egress).for_each(|counter| spec[counter] += 1);
        }
        step!(*totals);
        (totals.rx_valid.next, totals.tx_valid.next) = (false, false);
    }

    fn read<const W: usize>(totals: &mut Totals<W>, counter: usize) -> u64 {
        let mut half = |upper: usize| {
            totals.host_word.next = (counter * 2 + upper).to_bits();
            for _ in 0..7 {
                step!(*totals);
            }
            totals.host_rdata.val().to_u64()
        };
        half(0) | half(1) << 32
    }

    /// A snapshot; what the spec had counted by its freeze.
    fn snapshot<const W: usize>(totals: &mut Totals<W>, spec: &mut [u64], random: &mut Random, apart: u64) {
        // Nothing moves around the freeze, so that both know what is in.
        totals.snapshot.next = true;
        step!(*totals);
        totals.snapshot.next = false;
        for _ in 0..ROUND + 4 {
            step!(*totals);
        }
        let frozen = spec.to_vec();
        let clocks = (0..2 * ROUND).find(|_| {
            assert!(totals.busy.val());
            frame(totals, spec, random, apart);
            totals.taken.val()
        });
        assert!(clocks.is_some() && !totals.busy.val());
        for (counter, count) in frozen.iter().enumerate() {
            assert_eq!(read(totals, counter), *count, "counter {counter}");
        }
    }

    fn counts_as_the_spec<const W: usize>(apart: u64) {
        let mut totals = Totals::<W>::default();
        totals.connect_all();
        let mut random = Random(apart);
        for _reset in 0..2 {
            totals.reset.next = true;
            step!(totals);
            totals.reset.next = false;
            let mut spec = vec![0; COUNTERS];
            assert_eq!(read(&mut totals, 0), 0, "before the first snapshot");
            // No rule is in force in the first round.
            for _ in 0..ROUND {
                step!(totals);
            }
            for _snapshot in 0..3 {
                for _ in 0..3 * ROUND {
                    frame(&mut totals, &mut spec, &mut random, apart);
                }
                snapshot(&mut totals, &mut spec, &mut random, apart);
            }
            assert!(spec.iter().sum::<u64>() > 300);
        }
    }

    #[test]
    fn it_counts_as_the_spec_at_a_frame_a_clock() {
        counts_as_the_spec::<9>(1);
    }

    #[test]
    fn it_counts_as_the_spec_at_a_frame_in_sixteen_clocks() {
        counts_as_the_spec::<6>(16);
    }

    #[test]
    fn malformed_frames_count_from_the_first_clock_after_reset() {
        let mut totals = Totals::<6>::default();
        totals.connect_all();
        totals.reset.next = true;
        step!(totals);
        totals.reset.next = false;
        let runt = Decision::plain(false, Class::Malformed, Reason::Class);
        totals.rx_word.next = runt.encode().to_bits();
        totals.rx_valid.next = true;
        for _ in 0..1000 {
            step!(totals);
        }
        totals.rx_valid.next = false;
        totals.snapshot.next = true;
        step!(totals);
        totals.snapshot.next = false;
        for _ in 0..2 * ROUND {
            step!(totals);
        }
        assert_eq!((read(&mut totals, 0), read(&mut totals, RX_DROPPED)), (1000, 1000));
    }

    #[test]
    fn a_total_carries_beyond_sixteen_bits() {
        let mut totals = Totals::<6>::default();
        totals.connect_all();
        totals.reset.next = true;
        step!(totals);
        totals.reset.next = false;
        let runt = Decision::plain(false, Class::Malformed, Reason::Class);
        totals.rx_word.next = runt.encode().to_bits();
        totals.rx_valid.next = true;
        for _ in 0..0x1_0010 {
            step!(totals);
        }
        totals.rx_valid.next = false;
        let mut spec = vec![0; COUNTERS];
        (spec[0], spec[RX_DROPPED]) = (0x1_0010, 0x1_0010);
        snapshot(&mut totals, &mut spec, &mut Random(1), u64::MAX);
    }
}
