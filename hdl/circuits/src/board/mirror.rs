//! The loss of the link at one port shows at the other: who is behind a bump in the wire has to see that the wire is cut.
//!
//! Once both ports have had a link, the loss of one takes the other down at once; it may come up again when the lost one is
//! back. Until both have a link again, and at the start, the ports are given `2^W` clocks to agree, since no two PHYs negotiate in
//! the same time; then the one with a link is taken down. A port that is held down is not judged: else each would hold the
//! other down for ever.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock)]
pub struct Mirror<const W: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Judge anew.
    pub reset: Signal<In, Bit>,
    /// The port towards the switch has a link.
    pub switch_link: Signal<In, Bit>,
    /// The port towards the host has one.
    pub host_link: Signal<In, Bit>,
    /// The port towards the switch is to have none.
    pub switch_down: Signal<Out, Bit>,
    /// The port towards the host is to have none.
    pub host_down: Signal<Out, Bit>,

    holds_switch: DFF<Bit>,
    holds_host: DFF<Bit>,
    agreed: DFF<Bit>,
    waited: DFF<Bits<W>>,
    long: Constant<Bits<W>>,
    differ: Signal<Local, Bit>,
    judges: Signal<Local, Bit>,
}

impl<const W: usize> Default for Mirror<W> {
    fn default() -> Self {
        Mirror {
            clock: Default::default(),
            reset: Default::default(),
            switch_link: Default::default(),
            host_link: Default::default(),
            switch_down: Default::default(),
            host_down: Default::default(),
            holds_switch: Default::default(),
            holds_host: Default::default(),
            agreed: Default::default(),
            waited: Default::default(),
            long: Constant::new(((1u64 << W) - 1).to_bits()),
            differ: Default::default(),
            judges: Default::default(),
        }
    }
}

impl<const W: usize> Logic for Mirror<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, holds_switch, holds_host, agreed, waited);
        self.differ.next =
            (self.switch_link.val() ^ self.host_link.val()) & !self.holds_switch.q.val() & !self.holds_host.q.val();
        self.judges.next = self.differ.val() & (self.agreed.q.val() | (self.waited.q.val() == self.long.val()));
        self.waited.d.next = 0.into();
        if self.differ.val() {
            self.waited.d.next = self.waited.q.val() + 1;
        }
        if self.switch_link.val() & self.host_link.val() {
            self.agreed.d.next = true;
        }
        if self.judges.val() {
            self.agreed.d.next = false;
            self.waited.d.next = 0.into();
            self.holds_switch.d.next = self.switch_link.val();
            self.holds_host.d.next = self.host_link.val();
        }
        if self.holds_switch.q.val() & self.host_link.val() {
            self.holds_switch.d.next = false;
        }
        if self.holds_host.q.val() & self.switch_link.val() {
            self.holds_host.d.next = false;
        }
        if self.reset.val() {
            self.holds_switch.d.next = false;
            self.holds_host.d.next = false;
            self.agreed.d.next = false;
            self.waited.d.next = 0.into();
        }
        self.switch_down.next = self.holds_switch.q.val();
        self.host_down.next = self.holds_host.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    type Fast = Mirror<4>;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Mirror::<29>::default(), "mirror").expect("nothing that Verilog takes otherwise");
    }

    /// Two wires with a partner at the end of each or none, and PHYs that take their time to have a link.
    struct Bench {
        circuit: Fast,
        partner: [bool; 2],
        takes: [usize; 2],
        since: [usize; 2],
    }

    impl Bench {
        fn new(takes: [usize; 2]) -> Bench {
            let mut circuit = Fast::default();
            circuit.connect_all();
            circuit.reset.next = true;
            step!(circuit);
            circuit.reset.next = false;
            Bench { circuit, partner: [true; 2], takes, since: [0; 2] }
        }

        /// Links and holds after some clocks, switch first.
        fn run(&mut self, clocks: usize) -> ([bool; 2], [bool; 2]) {
            let mut links = [false; 2];
            for _ in 0..clocks {
                let down = [self.circuit.switch_down.val(), self.circuit.host_down.val()];
                for port in 0..2 {
                    let may = self.partner[port] && !down[port];
                    self.since[port] = if may { self.since[port] + 1 } else { 0 };
                    links[port] = self.since[port] > self.takes[port];
                }
                (self.circuit.switch_link.next, self.circuit.host_link.next) = (links[0], links[1]);
                step!(self.circuit);
            }
            (links, [self.circuit.switch_down.val(), self.circuit.host_down.val()])
        }
    }

    #[test]
    fn ports_that_negotiate_in_different_times_come_up_together() {
        for takes in [[0, 0], [0, 14], [14, 0], [3, 9], [13, 14]] {
            assert_eq!(Bench::new(takes).run(40), ([true; 2], [false; 2]), "{takes:?}");
        }
    }

    #[test]
    fn a_loss_shows_at_the_other_port_at_once_and_ends_with_its_return() {
        for lost in 0..2 {
            let mut bench = Bench::new([5, 9]);
            bench.run(40);
            bench.partner[lost] = false;
            let (_, held) = bench.run(2);
            assert!(held[1 - lost] && !held[lost]);
            let (links, held) = bench.run(200);
            assert_eq!((links, held[1 - lost], held[lost]), ([false; 2], true, false), "it stays so");
            bench.partner[lost] = true;
            assert_eq!(bench.run(40), ([true; 2], [false; 2]));
        }
    }

    #[test]
    fn a_port_that_never_had_a_partner_takes_the_other_down_and_whichever_comes_is_seen() {
        for absent in 0..2 {
            let mut bench = Bench::new([2, 2]);
            bench.partner[absent] = false;
            let (links, held) = bench.run(40);
            assert_eq!((links, held[1 - absent]), ([false; 2], true));
            // Both partners go, then both are there in turn.
            bench.partner = [false; 2];
            bench.run(40);
            bench.partner[absent] = true;
            bench.run(40);
            bench.partner = [true; 2];
            assert_eq!(bench.run(80), ([true; 2], [false; 2]));
        }
    }
}
