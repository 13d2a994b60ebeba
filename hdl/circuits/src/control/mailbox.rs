//! The mailbox of the flow table: takes the host's commands and carries them out, one at a time.
//!
//! Write, remove and read are about the entry at INDEX in the way that the command names; all three first look what is
//! there, which STATUS then tells and COUNT goes by. Clear empties all ways, index by index; a reset does the same. The
//! signature to write is in SIGNATURE_LO and SIGNATURE_HI, and a read leaves there what it found.
//!
//! A read takes [`READ_CLOCKS`] clocks; a write or a removal two more and the wait of the
//! [table](crate::stage::engine::flows) for a free clock; a clear 1024 indices of two clocks. Spec twin: the mailbox of
//! `weir_spec::nic::Nic`.

use rust_hdl::prelude::*;
use weir_spec::regs::{self, RegId};

use crate::cell::register::ResetDff;
use crate::stage::engine::flows;

/// Clocks from a read command to the first in which it is not busy any more.
pub const READ_CLOCKS: usize = flows::HOST_LATENCY + 3;

/// See the module.
#[derive(LogicBlock)]
pub struct Mailbox {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Clear the table and forget the registers.
    pub reset: Signal<In, Bit>,
    /// Carry out `cmd_word`, unless it is refused.
    pub cmd: Signal<In, Bit>,
    /// A command.
    pub cmd_word: Signal<In, Bits<32>>,
    /// It would be refused: it is none, or another is under way.
    pub refuses: Signal<Out, Bit>,
    /// Write SIGNATURE_LO; not while busy, like the other two.
    pub write_lo: Signal<In, Bit>,
    /// Write SIGNATURE_HI.
    pub write_hi: Signal<In, Bit>,
    /// Write INDEX.
    pub write_index: Signal<In, Bit>,
    /// What is written.
    pub wdata: Signal<In, Bits<32>>,
    /// STATUS.
    pub status: Signal<Out, Bits<32>>,
    /// SIGNATURE_LO.
    pub signature_lo: Signal<Out, Bits<32>>,
    /// SIGNATURE_HI.
    pub signature_hi: Signal<Out, Bits<32>>,
    /// INDEX.
    pub index: Signal<Out, Bits<10>>,
    /// COUNT.
    pub count: Signal<Out, Bits<13>>,

    /// To the table: which entry.
    pub table_index: Signal<Out, Bits<10>>,
    /// Ways to write, until they are written.
    pub table_write: Signal<Out, Bits<4>>,
    /// What to write.
    pub table_wdata: Signal<Out, Bits<72>>,
    /// They are written this clock.
    pub table_wrote: Signal<In, Bit>,
    /// Way to read.
    pub table_read: Signal<Out, Bits<4>>,
    /// What it holds, [`flows::HOST_LATENCY`] clocks later.
    pub table_rdata: Signal<In, Bits<72>>,

    busy: ResetDff<Bit>,
    writing: DFF<Bit>,
    removing: DFF<Bit>,
    reading: DFF<Bit>,
    clearing: ResetDff<Bit>,
    at: ResetDff<Bits<11>>,
    way: DFF<Bits<4>>,
    write: ResetDff<Bits<4>>,
    vip: ResetDff<Bits<4>>,
    kind: ResetDff<Bits<2>>,
    looking: [DFF<Bit>; 5],
    wrote: DFF<Bit>,
    stepped: DFF<Bit>,
    lo: ResetDff<Bits<32>>,
    hi: ResetDff<Bits<32>>,
    chosen: ResetDff<Bits<10>>,
    met_vip: ResetDff<Bits<4>>,
    met_kind: ResetDff<Bits<2>>,
    occupied: ResetDff<Bit>,
    used: ResetDff<Bits<13>>,

    operation: Signal<Local, Bits<4>>,
    write_kind: Signal<Local, Bits<2>>,
    legal: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    clear: Signal<Local, Bit>,
    found: Signal<Local, Bits<72>>,
    change: Signal<Local, Bits<13>>,
    flags: Signal<Local, Bits<32>>,

    operation_at: Constant<Bits<5>>,
    way_at: Constant<Bits<5>>,
    vip_at: Constant<Bits<5>>,
    kind_at: Constant<Bits<5>>,
    status_busy: Constant<Bits<5>>,
    status_occupied: Constant<Bits<5>>,
    status_vip: Constant<Bits<5>>,
    status_kind: Constant<Bits<5>>,
}

impl Default for Mailbox {
    fn default() -> Self {
        let place = |id, name| Constant::new(regs::reg(id).field(name).low.to_bits());
        Mailbox {
            clock: Default::default(),
            reset: Default::default(),
            cmd: Default::default(),
            cmd_word: Default::default(),
            refuses: Default::default(),
            write_lo: Default::default(),
            write_hi: Default::default(),
            write_index: Default::default(),
            wdata: Default::default(),
            status: Default::default(),
            signature_lo: Default::default(),
            signature_hi: Default::default(),
            index: Default::default(),
            count: Default::default(),
            table_index: Default::default(),
            table_write: Default::default(),
            table_wdata: Default::default(),
            table_wrote: Default::default(),
            table_read: Default::default(),
            table_rdata: Default::default(),
            busy: ResetDff::new(true),
            writing: Default::default(),
            removing: Default::default(),
            reading: Default::default(),
            clearing: ResetDff::new(true),
            at: Default::default(),
            way: Default::default(),
            write: ResetDff::new(15.into()),
            vip: Default::default(),
            kind: Default::default(),
            looking: Default::default(),
            wrote: Default::default(),
            stepped: Default::default(),
            lo: Default::default(),
            hi: Default::default(),
            chosen: Default::default(),
            met_vip: Default::default(),
            met_kind: Default::default(),
            occupied: Default::default(),
            used: Default::default(),
            operation: Default::default(),
            write_kind: Default::default(),
            legal: Default::default(),
            take: Default::default(),
            clear: Default::default(),
            found: Default::default(),
            change: Default::default(),
            flags: Default::default(),
            operation_at: place(RegId::FlowCommand, "operation"),
            way_at: place(RegId::FlowCommand, "way"),
            vip_at: place(RegId::FlowCommand, "vip"),
            kind_at: place(RegId::FlowCommand, "kind"),
            status_busy: place(RegId::FlowStatus, "busy"),
            status_occupied: place(RegId::FlowStatus, "occupied"),
            status_vip: place(RegId::FlowStatus, "vip"),
            status_kind: place(RegId::FlowStatus, "kind"),
        }
    }
}

impl Logic for Mailbox {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, busy, writing, removing, reading, clearing, at, way, write, vip, kind, wrote, stepped, lo, hi,
            chosen, met_vip, met_kind, occupied, used
        );
        self.busy.reset.next = self.reset.val();
        self.clearing.reset.next = self.reset.val();
        self.at.reset.next = self.reset.val();
        self.write.reset.next = self.reset.val();
        self.vip.reset.next = self.reset.val();
        self.kind.reset.next = self.reset.val();
        self.lo.reset.next = self.reset.val();
        self.hi.reset.next = self.reset.val();
        self.chosen.reset.next = self.reset.val();
        self.met_vip.reset.next = self.reset.val();
        self.met_kind.reset.next = self.reset.val();
        self.occupied.reset.next = self.reset.val();
        self.used.reset.next = self.reset.val();
        for i in 0..5 {
            self.looking[i].clock.next = self.clock.val();
        }

        if self.write_lo.val() {
            self.lo.d.next = self.wdata.val();
        }
        if self.write_hi.val() {
            self.hi.d.next = self.wdata.val();
        }
        if self.write_index.val() {
            self.chosen.d.next = self.wdata.val().get_bits::<10>(0);
        }

        self.operation.next = self.cmd_word.val().get_bits::<4>(self.operation_at.val().index());
        self.write_kind.next = self.cmd_word.val().get_bits::<2>(self.kind_at.val().index());
        self.legal.next = (self.operation.val() == 2)
            | (self.operation.val() == 3)
            | (self.operation.val() == 4)
            | ((self.operation.val() == 1) & ((self.write_kind.val() == 1) | (self.write_kind.val() == 2)));
        self.refuses.next = self.busy.q.val() | !self.legal.val();
        self.take.next = self.cmd.val() & self.legal.val() & !self.busy.q.val();
        self.clear.next = self.take.val() & (self.operation.val() == 4);

        if self.take.val() {
            self.busy.d.next = true;
            self.writing.d.next = self.operation.val() == 1;
            self.removing.d.next = self.operation.val() == 2;
            self.reading.d.next = self.operation.val() == 3;
            self.at.d.next = bit_cast::<11, 10>(self.chosen.q.val());
            self.vip.d.next = 0.into();
            self.kind.d.next = 0.into();
            if self.operation.val() == 1 {
                self.vip.d.next = self.cmd_word.val().get_bits::<4>(self.vip_at.val().index());
                self.kind.d.next = self.write_kind.val();
            }
            match self.cmd_word.val().get_bits::<2>(self.way_at.val().index()).index() {
                0 => {
                    self.way.d.next = 1.into();
                }
                1 => {
                    self.way.d.next = 2.into();
                }
                2 => {
                    self.way.d.next = 4.into();
                }
                _ => {
                    self.way.d.next = 8.into();
                }
            }
        }

        // What is there: its signature is forgotten again where there was none.
        self.looking[0].d.next = self.take.val() & !self.clear.val();
        for i in 1..5 {
            self.looking[i].d.next = self.looking[i - 1].q.val();
        }
        self.found.next = self.table_rdata.val();
        if self.looking[3].q.val() {
            self.met_vip.d.next = self.found.val().get_bits::<4>(64);
            self.met_kind.d.next = self.found.val().get_bits::<2>(68);
            self.occupied.d.next = self.found.val().get_bits::<2>(68) != 0;
            if self.reading.q.val() {
                self.lo.d.next = self.found.val().get_bits::<32>(0);
                self.hi.d.next = self.found.val().get_bits::<32>(32);
            }
        }
        // What the table says of a write is far: it is asked a clock later, and what was written is written twice.
        self.wrote.d.next = self.table_wrote.val();
        self.stepped.d.next = false;
        if self.looking[4].q.val() {
            if !self.occupied.q.val() {
                self.met_vip.d.next = 0.into();
                if self.reading.q.val() {
                    self.lo.d.next = 0.into();
                    self.hi.d.next = 0.into();
                }
            }
            if self.reading.q.val() {
                self.busy.d.next = false;
            } else {
                self.write.d.next = self.way.q.val();
            }
        }

        // One entry, and then the count.
        self.change.next = 0.into();
        if self.wrote.q.val() & self.busy.q.val() & !self.clearing.q.val() {
            self.write.d.next = 0.into();
            self.busy.d.next = false;
            if self.writing.q.val() & !self.occupied.q.val() {
                self.change.next = 1.into();
            }
            if self.removing.q.val() & self.occupied.q.val() {
                self.change.next = 0x1fff.into();
            }
        }
        self.used.d.next = self.used.q.val() + self.change.val();

        // All entries of an index at a time, and one index too many.
        if self.clearing.q.val() {
            if self.wrote.q.val() & !self.stepped.q.val() {
                self.at.d.next = self.at.q.val() + 1;
                self.stepped.d.next = true;
            }
            if self.at.q.val().get_bit(10) {
                self.clearing.d.next = false;
                self.busy.d.next = false;
                self.write.d.next = 0.into();
            }
        }
        if self.clear.val() {
            self.clearing.d.next = true;
            self.write.d.next = 15.into();
            self.at.d.next = 0.into();
            self.used.d.next = 0.into();
            self.met_vip.d.next = 0.into();
            self.met_kind.d.next = 0.into();
            self.occupied.d.next = false;
        }

        self.table_index.next = self.at.q.val().get_bits::<10>(0);
        self.table_write.next = self.write.q.val();
        self.table_wdata.next = bit_cast::<72, 32>(self.lo.q.val())
            | (bit_cast::<72, 32>(self.hi.q.val()) << 32)
            | (bit_cast::<72, 4>(self.vip.q.val()) << 64)
            | (bit_cast::<72, 2>(self.kind.q.val()) << 68);
        self.table_read.next = self.way.q.val();
        self.flags.next = (bit_cast::<32, 4>(self.met_vip.q.val()) << self.status_vip.val())
            | (bit_cast::<32, 2>(self.met_kind.q.val()) << self.status_kind.val());
        self.flags.next = self.flags.val().replace_bit(self.status_busy.val().index(), self.busy.q.val());
        self.flags.next = self.flags.val().replace_bit(self.status_occupied.val().index(), self.occupied.q.val());
        self.status.next = self.flags.val();
        self.signature_lo.next = self.lo.q.val();
        self.signature_hi.next = self.hi.q.val();
        self.index.next = self.chosen.q.val();
        self.count.next = self.used.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::stage::engine::flows::Flows;

    /// The mailbox at its table.
    #[derive(LogicBlock)]
    struct Pair {
        clock: Signal<In, Clock>,
        reset: Signal<In, Bit>,
        look: Signal<In, Bit>,
        cmd: Signal<In, Bit>,
        cmd_word: Signal<In, Bits<32>>,
        write_lo: Signal<In, Bit>,
        write_hi: Signal<In, Bit>,
        write_index: Signal<In, Bit>,
        wdata: Signal<In, Bits<32>>,
        refuses: Signal<Out, Bit>,
        wrote: Signal<Out, Bit>,
        status: Signal<Out, Bits<32>>,
        signature_lo: Signal<Out, Bits<32>>,
        signature_hi: Signal<Out, Bits<32>>,
        count: Signal<Out, Bits<13>>,
        mailbox: Mailbox,
        flows: Flows,
    }

    impl Logic for Pair {
        #[hdl_gen]
        fn update(&mut self) {
            clock!(self, clock, mailbox, flows);
            self.mailbox.reset.next = self.reset.val();
            self.mailbox.cmd.next = self.cmd.val();
            self.mailbox.cmd_word.next = self.cmd_word.val();
            self.mailbox.write_lo.next = self.write_lo.val();
            self.mailbox.write_hi.next = self.write_hi.val();
            self.mailbox.write_index.next = self.write_index.val();
            self.mailbox.wdata.next = self.wdata.val();
            self.mailbox.table_wrote.next = self.flows.host_wrote.val();
            self.mailbox.table_rdata.next = self.flows.host_rdata.val();
            self.flows.host_index.next = self.mailbox.table_index.val();
            self.flows.host_write.next = self.mailbox.table_write.val();
            self.flows.host_wdata.next = self.mailbox.table_wdata.val();
            self.flows.host_read.next = self.mailbox.table_read.val();
            self.flows.s_valid.next = self.look.val();
            self.flows.s_signature.next = 0.into();
            self.flows.s_vip.next = 0.into();
            self.refuses.next = self.mailbox.refuses.val();
            self.wrote.next = self.flows.host_wrote.val();
            self.status.next = self.mailbox.status.val();
            self.signature_lo.next = self.mailbox.signature_lo.val();
            self.signature_hi.next = self.mailbox.signature_hi.val();
            self.count.next = self.mailbox.count.val();
        }
    }

    fn setup() -> Pair {
        let mut pair = Pair {
            clock: Default::default(),
            reset: Default::default(),
            look: Default::default(),
            cmd: Default::default(),
            cmd_word: Default::default(),
            write_lo: Default::default(),
            write_hi: Default::default(),
            write_index: Default::default(),
            wdata: Default::default(),
            refuses: Default::default(),
            wrote: Default::default(),
            status: Default::default(),
            signature_lo: Default::default(),
            signature_hi: Default::default(),
            count: Default::default(),
            mailbox: Mailbox::default(),
            flows: Flows::yielding(),
        };
        pair.connect_all();
        pair.reset.next = true;
        step!(pair);
        pair.reset.next = false;
        pair
    }

    fn field(id: RegId, name: &str, word: u64) -> u64 {
        let field = regs::reg(id).field(name);
        word >> field.low & ((1 << field.width) - 1)
    }

    fn command(operation: u32, way: u32, vip: u32, kind: u32) -> u32 {
        [("operation", operation), ("way", way), ("vip", vip), ("kind", kind)]
            .map(|(name, value)| regs::reg(RegId::FlowCommand).field(name).place(value))
            .into_iter()
            .sum()
    }

    impl Pair {
        fn set(&mut self, signature: u64, index: u64) {
            for (part, value) in [signature & 0xffff_ffff, signature >> 32, index].into_iter().enumerate() {
                self.write_lo.next = part == 0;
                self.write_hi.next = part == 1;
                self.write_index.next = part == 2;
                self.wdata.next = value.into();
                step!(*self);
            }
            self.write_index.next = false;
        }

        /// Clocks until it is not busy.
        fn wait(&mut self) -> usize {
            let mut clocks = 0;
            while field(RegId::FlowStatus, "busy", self.status.val().to_u64()) == 1 {
                step!(*self);
                clocks += 1;
                assert!(clocks < 3000, "it ends");
            }
            clocks
        }

        /// Clocks that a command takes.
        fn run(&mut self, word: u32) -> usize {
            self.cmd.next = true;
            self.cmd_word.next = word.to_bits();
            step!(*self);
            self.cmd.next = false;
            1 + self.wait()
        }

        fn status(&self) -> (u64, u64, u64) {
            let word = self.status.val().to_u64();
            let [occupied, vip, kind] = ["occupied", "vip", "kind"].map(|name| field(RegId::FlowStatus, name, word));
            (occupied, vip, kind)
        }

        fn signature(&self) -> u64 {
            self.signature_hi.val().to_u64() << 32 | self.signature_lo.val().to_u64()
        }
    }

    #[test]
    fn a_written_entry_is_read_and_removed_and_counted() {
        let mut pair = setup();
        pair.wait();
        pair.set(0x0123_4567_89ab_cdef, 77);
        pair.run(command(1, 2, 9, 2));
        assert_eq!((pair.status(), pair.count.val().to_u64()), ((0, 0, 0), 1));
        pair.set(0x1111_2222_3333_4444, 77);
        pair.run(command(1, 2, 3, 1));
        assert_eq!((pair.status(), pair.count.val().to_u64()), ((1, 9, 2), 1));
        pair.set(0, 77);
        assert_eq!(pair.run(command(3, 2, 0, 0)), READ_CLOCKS);
        assert_eq!((pair.status(), pair.signature()), ((1, 3, 1), 0x1111_2222_3333_4444));
        pair.run(command(2, 2, 0, 0));
        assert_eq!((pair.status(), pair.count.val().to_u64()), ((1, 3, 1), 0));
        pair.run(command(2, 2, 0, 0));
        assert_eq!((pair.status(), pair.count.val().to_u64()), ((0, 0, 0), 0));
        pair.set(5, 77);
        pair.run(command(3, 2, 0, 0));
        assert_eq!((pair.status(), pair.signature()), ((0, 0, 0), 0));
    }

    #[test]
    fn a_clear_and_a_reset_empty_all_ways() {
        let mut pair = setup();
        assert!((2048..2056).contains(&pair.wait()));
        for reset in [false, true] {
            for way in 0..4 {
                for index in [0, 1023] {
                    pair.set(6, index);
                    pair.run(command(1, way, 1, 1));
                }
            }
            assert_eq!(pair.count.val().to_u64(), 8);
            if reset {
                pair.reset.next = true;
                step!(pair);
                pair.reset.next = false;
                pair.wait();
            } else {
                assert!((2048..2056).contains(&pair.run(command(4, 0, 0, 0))));
            }
            assert_eq!((pair.status(), pair.count.val().to_u64()), ((0, 0, 0), 0));
            for way in 0..4 {
                for index in [0, 1023] {
                    pair.set(6, index);
                    pair.run(command(3, way, 0, 0));
                    assert_eq!((pair.status(), pair.signature()), ((0, 0, 0), 0));
                }
            }
        }
    }

    #[test]
    fn only_legal_commands_are_taken_and_one_at_a_time() {
        let mut pair = setup();
        pair.wait();
        let legal = |operation, kind| matches!((operation, kind), (1, 1 | 2) | (2..=4, _));
        for operation in 0..16 {
            for kind in 0..4 {
                pair.cmd_word.next = command(operation, 0, 0, kind).to_bits();
                pair.clock.next = Clock { clk: false };
                assert!(simulate(&mut pair, 100));
                assert_eq!(pair.refuses.val(), !legal(operation, kind), "operation {operation}, kind {kind}");
            }
        }
        pair.cmd.next = true;
        pair.cmd_word.next = command(5, 0, 0, 0).to_bits();
        step!(pair);
        assert_eq!(field(RegId::FlowStatus, "busy", pair.status.val().to_u64()), 0);
        pair.cmd_word.next = command(2, 0, 0, 0).to_bits();
        step!(pair);
        assert!(pair.refuses.val(), "a command is under way");
    }

    #[test]
    fn nothing_is_written_in_a_clock_with_a_look_up() {
        let mut pair = setup();
        pair.wait();
        pair.set(1, 1);
        pair.look.next = true;
        pair.cmd.next = true;
        pair.cmd_word.next = command(1, 0, 0, 1).to_bits();
        step!(pair);
        pair.cmd.next = false;
        for _ in 0..50 {
            step!(pair);
            assert!(!pair.wrote.val());
        }
        pair.look.next = false;
        pair.wait();
        assert_eq!(pair.count.val().to_u64(), 1);
    }
}
