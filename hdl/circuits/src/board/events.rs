//! Counts events, 32 bits each, in distributed RAM: each kind is looked at once in 64 clocks.
//!
//! Two of a kind within that time count once. Frames begin at least 84 octets, so clocks, after each other, and a kind happens
//! once a frame. Counters are zero when the board is configured, and no reset reaches them; the first 64 clocks count as one.

use rust_hdl::prelude::*;

use crate::cell::lut_ram::LutRam;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Events {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Kinds that happen in this clock.
    pub s_events: Signal<In, Bits<32>>,
    /// Kind whose count is asked for.
    pub s_at: Signal<In, Bits<5>>,
    /// `m_count` is that of the kind that was asked for, in this clock: once in 64.
    pub m_there: Signal<Out, Bit>,
    /// How often it happened.
    pub m_count: Signal<Out, Bits<32>>,

    ram: LutRam<32, 5>,
    // Kinds that happened and are not counted yet; the one that is looked at, as a bit and as a number; whether it is
    // its second clock.
    waiting: DFF<Bits<32>>,
    hot: DFF<Bits<32>>,
    at: DFF<Bits<5>>,
    second: DFF<Bit>,
    hit: DFF<Bit>,
    count: DFF<Bits<32>>,
    keep: Signal<Local, Bits<32>>,
    here: Signal<Local, Bits<32>>,
    more: Signal<Local, Bits<32>>,
}

impl Logic for Events {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waiting, hot, at, second, hit, count);
        clock!(self, clock, ram);
        self.second.d.next = !self.second.q.val();
        self.more.next = self.count.q.val() + 1;
        self.keep.next = !self.hot.q.val();
        self.here.next = self.waiting.q.val() & self.hot.q.val();
        self.waiting.d.next = self.waiting.q.val() | self.s_events.val();
        self.ram.raddr.next = self.at.q.val();
        self.ram.waddr.next = self.at.q.val();
        self.ram.wdata.next = self.more.val();
        self.ram.we.next = self.second.q.val() & self.hit.q.val();
        if self.second.q.val() {
            self.at.d.next = self.at.q.val() + 1;
            self.hot.d.next = self.hot.q.val() << 1;
            if self.at.q.val() == 31 {
                self.hot.d.next = 1.into();
            }
            if self.hit.q.val() {
                self.waiting.d.next = (self.waiting.q.val() & self.keep.val()) | self.s_events.val();
            }
        } else {
            self.count.d.next = self.ram.rdata.val();
            self.hit.d.next = self.here.val().any();
        }
        self.m_there.next = self.second.q.val() & (self.at.q.val() == self.s_at.val());
        self.m_count.next = self.count.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::random::Random;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Events::default(), "events").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn every_event_is_counted_that_is_as_far_from_its_like_as_a_frame() {
        let mut circuit = Events::default();
        circuit.connect_all();
        let mut random = Random::new(6);
        let (mut counts, mut rests) = ([0u64; 32], [0u64; 32]);
        let mut events = |circuit: &mut Events, random: &mut Random, rare: u64| {
            let mut bits = 0u64;
            for kind in 0..32 {
                rests[kind] += 1;
                if rests[kind] >= 84 && random.once_in(rare) {
                    (rests[kind], counts[kind]) = (0, counts[kind] + 1);
                    bits |= 1 << kind;
                }
            }
            circuit.s_events.next = bits.into();
            step!(*circuit);
            counts
        };
        for rare in [1, 3, 90] {
            for _ in 0..900 {
                events(&mut circuit, &mut random, rare);
            }
        }
        circuit.s_events.next = 0.into();
        let wanted = counts;
        (0..130).for_each(|_| step!(circuit));
        for kind in 0..32u64 {
            circuit.s_at.next = kind.into();
            let mut clocks = 0;
            loop {
                assert!(simulate(&mut circuit, 10));
                if circuit.m_there.val() {
                    break;
                }
                clocks += 1;
                assert!(clocks <= 64, "once in 64 clocks");
                step!(circuit);
            }
            assert_eq!(circuit.m_count.val().to_u64(), wanted[kind as usize], "kind {kind}");
            assert!(wanted[kind as usize] > 10);
        }
    }
}
