//! What a NIC tells its host without being asked: the four conditions of `weir_spec::interrupt`.
//!
//! Whether the lease is ending is computed slice by slice, 16 bits a clock, in rounds of [`ROUND`] clocks: a time is taken,
//! WARN_LEASE is added, the deadline subtracted. A round in which the deadline or WARN_LEASE changes is void and begins anew;
//! so `lease_ending` is right [`ROUND`] `* 2` clocks after any change, and never tells of a mixture. The other conditions
//! follow in one clock or two. Twin: `weir_spec::nic::Nic::conditions`.

use rust_hdl::prelude::*;

use crate::cell::register::ResetDff;

/// Clocks of a round.
pub const ROUND: usize = 8;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Warning {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Nothing ends, nothing is high.
    pub reset: Signal<In, Bit>,
    /// Microseconds, never falling.
    pub nic_time: Signal<In, Bits<64>>,
    /// The deadline.
    pub deadline: Signal<In, Bits<64>>,
    /// WARN_LEASE; zero: never.
    pub lease: Signal<In, Bits<32>>,
    /// `deadline` or `lease` changes with the next clock.
    pub moves: Signal<In, Bit>,
    /// Rules accept nothing.
    pub fenced: Signal<In, Bit>,
    /// Entries of the flow table in use.
    pub flows: Signal<In, Bits<13>>,
    /// WARN_FLOWS; zero: never.
    pub most: Signal<In, Bits<13>>,
    /// The shell says that the port has no link.
    pub no_link: Signal<In, Bit>,

    /// The lease ends soon.
    pub lease_ending: Signal<Out, Bit>,
    /// The flow table is full enough to tell.
    pub flows_high: Signal<Out, Bit>,
    /// The port has no link.
    pub link_down: Signal<Out, Bit>,
    /// All conditions, by vector: a shell sends a vector when its bit rises.
    pub irq: Signal<Out, Bits<4>>,

    turn: ResetDff<Bits<8>>,
    seen: DFF<Bits<64>>,
    // A slice each: time, warning and deadline; their sum and the deadline beside it; whether it falls short.
    part: DFF<Bits<16>>,
    warn: DFF<Bits<16>>,
    limit: DFF<Bits<16>>,
    sum: DFF<Bits<16>>,
    limit_too: DFF<Bits<16>>,
    carry: DFF<Bit>,
    borrow: DFF<Bit>,
    asked: DFF<Bit>,
    ending: ResetDff<Bit>,
    high: ResetDff<Bit>,
    down: DFF<Bit>,

    total: Signal<Local, Bits<18>>,
    rest: Signal<Local, Bits<18>>,
    next: Signal<Local, Bits<8>>,
    level: Signal<Local, Bits<4>>,
    here: Signal<Local, Bit>,
}

impl Logic for Warning {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, turn, seen, part, warn, limit, sum, limit_too, carry, borrow, asked, ending, high, down
        );
        self.turn.reset.next = self.reset.val();
        self.ending.reset.next = self.reset.val();
        self.high.reset.next = self.reset.val();

        self.next.next = self.turn.q.val() << 1;
        self.turn.d.next = self.next.val();
        if (self.turn.q.val().get_bits::<7>(0) == 0) | self.moves.val() {
            self.turn.d.next = 1.into();
        }
        if self.turn.q.val().get_bit(0) {
            self.seen.d.next = self.nic_time.val();
        }

        // Slices 0 to 3 are picked, then added, then subtracted.
        self.part.d.next = self.seen.q.val().get_bits::<16>(0);
        self.warn.d.next = self.lease.val().get_bits::<16>(0);
        self.limit.d.next = self.deadline.val().get_bits::<16>(0);
        if self.turn.q.val().get_bit(2) {
            self.part.d.next = self.seen.q.val().get_bits::<16>(16);
            self.warn.d.next = self.lease.val().get_bits::<16>(16);
            self.limit.d.next = self.deadline.val().get_bits::<16>(16);
        }
        if self.turn.q.val().get_bit(3) {
            self.part.d.next = self.seen.q.val().get_bits::<16>(32);
            self.warn.d.next = 0.into();
            self.limit.d.next = self.deadline.val().get_bits::<16>(32);
        }
        if self.turn.q.val().get_bit(4) {
            self.part.d.next = self.seen.q.val().get_bits::<16>(48);
            self.warn.d.next = 0.into();
            self.limit.d.next = self.deadline.val().get_bits::<16>(48);
        }
        // What is carried comes in by a bit below, so that one chain does it.
        self.total.next = ((bit_cast::<18, 16>(self.part.q.val()) << 1) | 1)
            + ((bit_cast::<18, 16>(self.warn.q.val()) << 1) | bit_cast::<18, 1>(self.carry.q.val().into()));
        self.sum.d.next = self.total.val().get_bits::<16>(1);
        self.limit_too.d.next = self.limit.q.val();
        self.carry.d.next = self.total.val().get_bit(17);
        if self.turn.q.val().get_bit(1) {
            self.carry.d.next = false;
        }
        // Short: a borrow in deadline - (time + warning).
        self.rest.next = (bit_cast::<18, 16>(self.limit_too.q.val()) << 1)
            - ((bit_cast::<18, 16>(self.sum.q.val()) << 1) | bit_cast::<18, 1>(self.borrow.q.val().into()));
        self.borrow.d.next = self.rest.val().get_bit(17);
        if self.turn.q.val().get_bit(2) {
            self.borrow.d.next = false;
        }
        self.asked.d.next = self.lease.val() != 0;
        if self.turn.q.val().get_bit(7) & !self.moves.val() {
            self.ending.d.next = self.borrow.q.val() & self.asked.q.val();
        }

        self.high.d.next = (self.most.val() != 0) & (self.flows.val() >= self.most.val());
        self.down.d.next = self.no_link.val();
        self.here.next = self.ending.q.val() & !self.fenced.val();
        self.level.next = 0.into();
        self.level.next = self.level.val().replace_bit(0, self.here.val());
        self.level.next = self.level.val().replace_bit(1, self.fenced.val());
        self.level.next = self.level.val().replace_bit(2, self.high.q.val());
        self.level.next = self.level.val().replace_bit(3, self.down.q.val());
        self.lease_ending.next = self.here.val();
        self.flows_high.next = self.high.q.val();
        self.link_down.next = self.down.q.val();
        self.irq.next = self.level.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut fresh(), "warning").expect("nothing that Verilog takes otherwise");
    }

    fn fresh() -> Warning {
        let mut circuit = Warning::default();
        circuit.connect_all();
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        circuit
    }

    /// Sets deadline and warning as a register file does: a pulse, and the new values from the next clock on.
    fn set(circuit: &mut Warning, until: u64, lease: u32) {
        circuit.moves.next = true;
        step!(*circuit);
        circuit.moves.next = false;
        circuit.deadline.next = until.into();
        circuit.lease.next = u64::from(lease).into();
    }

    fn settle(circuit: &mut Warning) -> bool {
        for _ in 0..2 * ROUND {
            step!(*circuit);
        }
        circuit.lease_ending.val()
    }

    #[test]
    fn a_lease_ends_when_the_deadline_is_less_than_the_warning_ahead() {
        let mut circuit = fresh();
        for (now, until, lease) in [
            (0u64, 1000u64, 999u32),
            (0, 1000, 1000),
            (0, 1000, 1001),
            (5, 5, 0),
            (5, 4, 0),
            (0xffff, 0x1_0000, 1),
            (0xffff, 0x1_0000, 2),
            (0xffff_ffff, 0x1_ffff_fffe, u32::MAX),
            (0xffff_ffff, 0x1_ffff_fffd, u32::MAX),
            (0x0001_ffff_ffff_fff0, 0x0002_0000_0000_0000, 0x10),
            (0x0001_ffff_ffff_fff0, 0x0002_0000_0000_0000, 0x11),
            (0x1234_5678_9abc_def0, 0x1234_5678_9abc_def0, 1),
        ] {
            circuit.nic_time.next = now.into();
            set(&mut circuit, until, lease);
            let expected = lease != 0 && until < now + u64::from(lease);
            assert_eq!(settle(&mut circuit), expected, "{until:#x} at {now:#x}, warned {lease:#x} before");
        }
    }

    #[test]
    fn no_clock_tells_of_a_mixture_of_two_deadlines() {
        let mut circuit = fresh();
        circuit.nic_time.next = 0x1_0000.into();
        set(&mut circuit, 0x1_ffff, 0x100);
        assert!(!settle(&mut circuit));
        // Between these two, half of one and half of the other would be past.
        for round in 0..64u64 {
            set(&mut circuit, if round % 2 == 0 { 0x2_0000 } else { 0x1_ffff }, 0x100);
            for _ in 0..round % 11 + 1 {
                step!(circuit);
                assert!(!circuit.lease_ending.val(), "round {round}");
            }
        }
    }

    #[test]
    fn each_condition_has_its_bit() {
        let mut circuit = fresh();
        circuit.most.next = 3.into();
        circuit.flows.next = 2.into();
        settle(&mut circuit);
        assert_eq!(circuit.irq.val(), 0);
        circuit.flows.next = 3.into();
        settle(&mut circuit);
        assert_eq!(circuit.irq.val(), 4);
        circuit.most.next = 0.into();
        circuit.no_link.next = true;
        settle(&mut circuit);
        assert_eq!(circuit.irq.val(), 8);
        circuit.nic_time.next = 9.into();
        set(&mut circuit, 10, 2);
        assert!(settle(&mut circuit));
        assert_eq!(circuit.irq.val(), 9);
        circuit.fenced.next = true;
        settle(&mut circuit);
        assert_eq!(circuit.irq.val(), 10, "fenced, it does not end any more");
    }
}
