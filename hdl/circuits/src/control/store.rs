//! The store: every word of the register file that no circuit has to see at once, in one block RAM, and the loader that
//! streams the shadow words into the tables of the pipeline.
//!
//! After reset it writes the reset value of every word, one a clock. An operation reads `from`, may count it up or run a
//! CRC over it, and may write the result, or what the bus brought, to `to`: 8 clocks from `op` to `done` for a read or a
//! write, 9 for a move, 21 for a CRC. `commit` starts the stream into the bank that is not in force: one word at a time,
//! ten clocks or more apart, each when no table is busy; operations slip in between. Twin: `weir_spec::nic::Nic`, its
//! shadow words.

use rust_hdl::prelude::*;
use weir_spec::config::VIPS;
use weir_spec::nic::Identity;
use weir_spec::regs::{self, RegId};
use weir_spec::rules::RULES;

use super::layout::{place, reset_words, PLACE, PLACES};
use crate::cell::block_ram::BlockRam;
use crate::cell::register::ResetDff;
use crate::cell::rom::Rom;

const _: () = assert!(regs::RULE.regs.len() == 3 && regs::VIP.regs.len() == 5 && regs::HASH_KEY.count == 10);

/// See the module.
#[derive(LogicBlock)]
pub struct Store {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Every word back to its reset value.
    pub reset: Signal<In, Bit>,

    /// Reset values are written; before, no operation may be asked for and `write` is low.
    pub ready: Signal<Out, Bit>,
    /// A pulse: the operation that the other inputs describe; they hold until `done`.
    pub op: Signal<In, Bit>,
    /// Place to read.
    pub from: Signal<In, Bits<PLACE>>,
    /// Place to write.
    pub to: Signal<In, Bits<PLACE>>,
    /// Write `bus` to `to`.
    pub write: Signal<In, Bit>,
    /// Write what was read to `to`, after what is done to it.
    pub rewrite: Signal<In, Bit>,
    /// Count it up by one.
    pub count: Signal<In, Bit>,
    /// Run the CRC of map slots over `crc_index` and `bus`.
    pub crc: Signal<In, Bit>,
    /// Index of the map word that is written.
    pub crc_index: Signal<In, Bits<8>>,
    /// Word of the bus.
    pub bus: Signal<In, Bits<32>>,
    /// A pulse: the operation is over.
    pub done: Signal<Out, Bit>,
    /// What was read, as it is after the operation; from `done` to the next operation.
    pub value: Signal<Out, Bits<32>>,

    /// A pulse: stream all shadow words into the bank other than `bank`.
    pub commit: Signal<In, Bit>,
    /// Bank in force.
    pub bank: Signal<In, Bit>,
    /// A table cannot take a word.
    pub load_busy: Signal<In, Bit>,
    /// A word of a rule.
    pub load_rule: Signal<Out, Bit>,
    /// A word of a virtual IP.
    pub load_vip: Signal<Out, Bit>,
    /// A word of the Toeplitz key.
    pub load_hash_key: Signal<Out, Bit>,
    /// A word of the key of flow signatures.
    pub load_flow_key: Signal<Out, Bit>,
    /// The policy.
    pub load_policy: Signal<Out, Bit>,
    /// Rule, virtual IP or key word; holds from the pulse to shortly before the next.
    pub load_entry: Signal<Out, Bits<6>>,
    /// Register in the entry, by its order in the table.
    pub load_reg: Signal<Out, Bits<3>>,
    /// The word.
    pub load_data: Signal<Out, Bits<32>>,
    /// Bank it goes to.
    pub load_bank: Signal<Out, Bit>,
    /// A pulse: the bank holds all words.
    pub loaded: Signal<Out, Bit>,

    words: BlockRam<32, PLACE>,
    resets: Rom<PLACE>,
    // Initialisation: place whose reset value is asked for, and behind the ROM.
    starting: ResetDff<Bit>,
    start: ResetDff<Bits<PLACE>>,
    starting_now: ResetDff<Bit>,
    start_now: DFF<Bits<PLACE>>,
    // The operation or the load under way: its clock, 0 for none.
    t: ResetDff<Bits<5>>,
    loading: DFF<Bit>,
    due: ResetDff<Bit>,
    ends: ResetDff<Bit>,
    ordered: ResetDff<Bit>,
    wanted: ResetDff<Bit>,
    finished: ResetDff<Bit>,
    raddr: DFF<Bits<PLACE>>,
    waddr: DFF<Bits<PLACE>>,
    we: ResetDff<Bit>,
    wdata: DFF<Bits<32>>,
    work_lo: ResetDff<Bits<16>>,
    work_hi: ResetDff<Bits<16>>,
    running: ResetDff<Bit>,
    // The word that was read, off the RAM, whose place on the chip is far.
    seen: DFF<Bits<32>>,
    first: ResetDff<Bit>,
    at_three: ResetDff<Bit>,
    at_load: ResetDff<Bit>,
    at_four: ResetDff<Bit>,
    carry: DFF<Bit>,
    nibble: DFF<Bits<4>>,
    // The stream: which block (rule, vip, hash key, flow key, policy), and where in it.
    streaming: ResetDff<Bit>,
    block: DFF<Bits<5>>,
    entry: DFF<Bits<6>>,
    register: DFF<Bits<3>>,
    gap: ResetDff<Bits<3>>,
    busy: DFF<Bit>,
    last_reg: DFF<Bit>,
    last_entry: DFF<Bit>,
    place: DFF<Bits<PLACE>>,
    pulses: ResetDff<Bits<5>>,
    data: DFF<Bits<32>>,
    target: DFF<Bit>,
    shown_entry: DFF<Bits<6>>,
    shown_reg: DFF<Bits<3>>,
    all: ResetDff<Bit>,

    work: Signal<Local, Bits<32>>,
    idle: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    next_t: Signal<Local, Bits<5>>,
    low: Signal<Local, Bits<17>>,
    high: Signal<Local, Bits<16>>,
    step: Signal<Local, Bits<32>>,
    half: Signal<Local, Bits<32>>,
    moved: Signal<Local, Bits<5>>,
    rule_place: Signal<Local, Bits<PLACE>>,
    vip_place: Signal<Local, Bits<PLACE>>,
    hash_place: Signal<Local, Bits<PLACE>>,
    flow_place: Signal<Local, Bits<PLACE>>,
    top: Constant<Bits<PLACE>>,
    last_rule: Constant<Bits<6>>,
    last_vip: Constant<Bits<6>>,
    last_key: Constant<Bits<6>>,
    vips: Constant<Bits<PLACE>>,
    hash_keys: Constant<Bits<PLACE>>,
    flow_keys: Constant<Bits<PLACE>>,
    policy: Constant<Bits<PLACE>>,
}

impl Default for Store {
    /// The store of the simulated NIC.
    fn default() -> Self {
        Store::new(&Identity::default())
    }
}

impl Store {
    /// The store of an image that was built with this identity.
    pub fn new(identity: &Identity) -> Self {
        let words = reset_words(identity);
        assert_eq!(words[0], 0, "the ROM rests at word 0, and its word is ored to what is written");
        Store {
            clock: Default::default(),
            reset: Default::default(),
            ready: Default::default(),
            op: Default::default(),
            from: Default::default(),
            to: Default::default(),
            write: Default::default(),
            rewrite: Default::default(),
            count: Default::default(),
            crc: Default::default(),
            crc_index: Default::default(),
            bus: Default::default(),
            done: Default::default(),
            value: Default::default(),
            commit: Default::default(),
            bank: Default::default(),
            load_busy: Default::default(),
            load_rule: Default::default(),
            load_vip: Default::default(),
            load_hash_key: Default::default(),
            load_flow_key: Default::default(),
            load_policy: Default::default(),
            load_entry: Default::default(),
            load_reg: Default::default(),
            load_data: Default::default(),
            load_bank: Default::default(),
            loaded: Default::default(),
            words: Default::default(),
            resets: Rom::new(words),
            starting: ResetDff::new(true),
            start: Default::default(),
            starting_now: Default::default(),
            start_now: Default::default(),
            t: Default::default(),
            loading: Default::default(),
            due: Default::default(),
            ends: Default::default(),
            ordered: Default::default(),
            wanted: Default::default(),
            finished: Default::default(),
            raddr: Default::default(),
            waddr: Default::default(),
            we: Default::default(),
            wdata: Default::default(),
            work_lo: Default::default(),
            work_hi: Default::default(),
            running: Default::default(),
            seen: Default::default(),
            first: Default::default(),
            at_three: Default::default(),
            at_load: Default::default(),
            at_four: Default::default(),
            carry: Default::default(),
            nibble: Default::default(),
            streaming: Default::default(),
            block: Default::default(),
            entry: Default::default(),
            register: Default::default(),
            gap: Default::default(),
            busy: Default::default(),
            last_reg: Default::default(),
            last_entry: Default::default(),
            place: Default::default(),
            pulses: Default::default(),
            data: Default::default(),
            target: Default::default(),
            shown_entry: Default::default(),
            shown_reg: Default::default(),
            all: Default::default(),
            work: Default::default(),
            idle: Default::default(),
            free: Default::default(),
            next_t: Default::default(),
            low: Default::default(),
            high: Default::default(),
            step: Default::default(),
            half: Default::default(),
            moved: Default::default(),
            rule_place: Default::default(),
            vip_place: Default::default(),
            hash_place: Default::default(),
            flow_place: Default::default(),
            top: Constant::new((PLACES - 1).to_bits()),
            last_rule: Constant::new(RULES.to_bits()),
            last_vip: Constant::new((VIPS - 1).to_bits()),
            last_key: Constant::new((regs::HASH_KEY.count - 1).to_bits()),
            vips: Constant::new(place(RegId::VipControl, 0).to_bits()),
            hash_keys: Constant::new(place(RegId::HashKey, 0).to_bits()),
            flow_keys: Constant::new(place(RegId::FlowKey, 0).to_bits()),
            policy: Constant::new(place(RegId::Policy, 0).to_bits()),
        }
    }
}

impl Logic for Store {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            starting,
            start,
            starting_now,
            start_now,
            t,
            loading,
            wanted,
            finished,
            raddr,
            waddr,
            we
        );
        dff_setup!(
            self, clock, wdata, work_lo, work_hi, running, due, ends, ordered, carry, nibble, streaming, block, entry,
            register, gap, busy, last_reg
        );
        dff_setup!(self, clock, last_entry, place, pulses, data, target, shown_entry, shown_reg, all);
        dff_setup!(self, clock, seen, first, at_three, at_load, at_four);
        clock!(self, clock, words, resets);
        self.starting.reset.next = self.reset.val();
        self.start.reset.next = self.reset.val();
        self.starting_now.reset.next = self.reset.val();
        self.t.reset.next = self.reset.val();
        self.wanted.reset.next = self.reset.val();
        self.due.reset.next = self.reset.val();
        self.ends.reset.next = self.reset.val();
        self.ordered.reset.next = self.reset.val();
        self.running.reset.next = self.reset.val();
        self.first.reset.next = self.reset.val();
        self.at_three.reset.next = self.reset.val();
        self.at_load.reset.next = self.reset.val();
        self.at_four.reset.next = self.reset.val();
        self.work_lo.reset.next = self.reset.val();
        self.work_hi.reset.next = self.reset.val();
        self.finished.reset.next = self.reset.val();
        self.we.reset.next = self.reset.val();
        self.streaming.reset.next = self.reset.val();
        self.gap.reset.next = self.reset.val();
        self.pulses.reset.next = self.reset.val();
        self.all.reset.next = self.reset.val();

        self.words.raddr.next = self.raddr.q.val();
        self.words.waddr.next = self.waddr.q.val();
        self.words.we.next = self.we.q.val();
        self.words.wdata.next = self.wdata.q.val();

        // Reset values: the ROM is one clock behind `start`.
        self.resets.at.next = self.start.q.val();
        if self.starting.q.val() {
            self.start.d.next = self.start.q.val() + 1;
        }
        if self.start.q.val() == self.top.val() {
            self.starting.d.next = false;
        }
        self.starting_now.d.next = self.starting.q.val();
        self.start_now.d.next = self.start.q.val();

        // What is written: the word of the bus, or what was worked on; both are zero while the reset values are.
        self.we.d.next = self.starting_now.q.val();
        self.waddr.d.next = self.to.val();
        if self.starting_now.q.val() {
            self.waddr.d.next = self.start_now.q.val();
        }
        self.work.next = (bit_cast::<32, 16>(self.work_hi.q.val()) << 16) | bit_cast::<32, 16>(self.work_lo.q.val());
        self.wdata.d.next = self.work.val() | self.resets.word.val();
        if self.write.val() {
            self.wdata.d.next = self.bus.val() | self.resets.word.val();
        }
        self.ready.next = !self.starting.q.val() & !self.starting_now.q.val();

        self.idle.next = self.t.q.val() == 0;
        self.next_t.next = self.t.q.val() + 1;
        self.wanted.d.next = self.wanted.q.val() | self.op.val();
        self.finished.d.next = false;
        self.pulses.d.next = 0.into();
        self.all.d.next = false;
        self.busy.d.next = self.load_busy.val();
        if self.gap.q.val() != 0 {
            self.gap.d.next = self.gap.q.val() - 1;
        }

        // Places of the stream, off the way of the reads.
        self.rule_place.next =
            (bit_cast::<PLACE, 6>(self.entry.q.val()) << 2) | bit_cast::<PLACE, 3>(self.register.q.val());
        self.vip_place.next = (bit_cast::<PLACE, 6>(self.entry.q.val()) << 3)
            | bit_cast::<PLACE, 3>(self.register.q.val())
            | self.vips.val();
        self.hash_place.next = bit_cast::<PLACE, 6>(self.entry.q.val()) | self.hash_keys.val();
        self.flow_place.next = bit_cast::<PLACE, 6>(self.entry.q.val()) | self.flow_keys.val();
        if self.streaming.q.val() {
            self.place.d.next = self.policy.val();
            self.last_reg.d.next = true;
            self.last_entry.d.next = true;
            if self.block.q.val().get_bit(0) {
                self.place.d.next = self.rule_place.val();
                self.last_reg.d.next = self.register.q.val() == 2;
                self.last_entry.d.next = self.entry.q.val() == self.last_rule.val();
            }
            if self.block.q.val().get_bit(1) {
                self.place.d.next = self.vip_place.val();
                self.last_reg.d.next = self.register.q.val() == 4;
                self.last_entry.d.next = self.entry.q.val() == self.last_vip.val();
            }
            if self.block.q.val().get_bit(2) {
                self.place.d.next = self.hash_place.val();
                self.last_entry.d.next = self.entry.q.val() == self.last_key.val();
            }
            if self.block.q.val().get_bit(3) {
                self.place.d.next = self.flow_place.val();
                self.last_entry.d.next = self.entry.q.val() == self.last_key.val();
            }
        }

        // The next thing: a word of the stream when its time has come, else an operation.
        self.moved.next = self.block.q.val() << 1;
        self.free.next = self.idle.val() & self.streaming.q.val() & (self.gap.q.val() == 0) & !self.busy.q.val();
        self.due.d.next = self.free.val() & (self.block.q.val() != 0);
        self.ends.d.next = self.free.val() & (self.block.q.val() == 0);
        self.ordered.d.next = self.idle.val() & self.wanted.q.val();
        if self.idle.val() {
            self.loading.d.next = self.due.q.val();
            self.raddr.d.next = self.from.val();
            if self.due.q.val() {
                self.raddr.d.next = self.place.q.val();
            }
            if self.due.q.val() | self.ordered.q.val() {
                self.t.d.next = 1.into();
                self.first.d.next = true;
            }
            if self.ordered.q.val() & !self.due.q.val() {
                self.wanted.d.next = false;
            }
            if self.ends.q.val() {
                self.streaming.d.next = false;
                self.all.d.next = self.streaming.q.val();
            }
        } else if self.first.q.val() {
            self.first.d.next = false;
        } else {
            self.t.d.next = self.next_t.val();
        }

        // The word is there in clock 3; `t` is 1 for two clocks.
        self.seen.d.next = self.words.rdata.val();
        self.low.next =
            bit_cast::<17, 16>(self.seen.q.val().get_bits::<16>(0)) + bit_cast::<17, 1>(self.count.val().into());
        self.high.next = self.seen.q.val().get_bits::<16>(16) + bit_cast::<16, 1>(self.carry.q.val().into());
        self.carry.d.next = self.low.val().get_bit(16);
        self.step.next = self.work.val() ^ bit_cast::<32, 4>(self.nibble.q.val());
        for _i in 0..4 {
            self.half.next = self.step.val() >> 1;
            if self.step.val().get_bit(0) {
                self.step.next = self.half.val() ^ 0xedb8_8320_u64;
            } else {
                self.step.next = self.half.val();
            }
        }
        self.at_three.d.next = (self.t.q.val() == 2) & !self.loading.q.val();
        self.at_load.d.next = (self.t.q.val() == 2) & self.loading.q.val();
        self.at_four.d.next = self.at_three.q.val();
        if self.at_load.q.val() {
            self.t.d.next = 0.into();
            self.pulses.d.next = self.block.q.val();
            self.data.d.next = self.seen.q.val();
            self.shown_entry.d.next = self.entry.q.val();
            self.shown_reg.d.next = self.register.q.val();
            self.gap.d.next = 5.into();
            self.register.d.next = self.register.q.val() + 1;
            if self.last_reg.q.val() {
                self.register.d.next = 0.into();
                self.entry.d.next = self.entry.q.val() + 1;
                if self.last_entry.q.val() {
                    self.entry.d.next = 0.into();
                    self.block.d.next = self.moved.val();
                }
            }
        }
        if self.at_three.q.val() {
            self.work_lo.d.next = self.low.val().get_bits::<16>(0);
        }
        if self.at_four.q.val() {
            self.work_hi.d.next = self.high.val();
            self.we.d.next = self.write.val();
            self.running.d.next = self.crc.val();
            if !self.rewrite.val() {
                self.t.d.next = 0.into();
                self.finished.d.next = true;
            }
        }
        // Nibbles of the CRC: those of the index from clock 5, zeros, those of the word from clock 9.
        if !self.idle.val() {
            match self.t.q.val().get_bits::<3>(0).index() {
                0 => self.nibble.d.next = self.bus.val().get_bits::<4>(0),
                1 => self.nibble.d.next = self.bus.val().get_bits::<4>(4),
                2 => self.nibble.d.next = self.bus.val().get_bits::<4>(8),
                3 => self.nibble.d.next = self.bus.val().get_bits::<4>(12),
                4 => self.nibble.d.next = self.bus.val().get_bits::<4>(16),
                5 => self.nibble.d.next = self.bus.val().get_bits::<4>(20),
                6 => self.nibble.d.next = self.bus.val().get_bits::<4>(24),
                _ => self.nibble.d.next = self.bus.val().get_bits::<4>(28),
            }
            if !self.t.q.val().get_bit(3) {
                self.nibble.d.next = self.crc_index.val().get_bits::<4>(0);
                if self.t.q.val().get_bit(0) {
                    self.nibble.d.next = self.crc_index.val().get_bits::<4>(4);
                }
                if self.t.q.val().get_bit(1) {
                    self.nibble.d.next = 0.into();
                }
            }
        }
        if self.running.q.val() {
            self.work_lo.d.next = self.step.val().get_bits::<16>(0);
            self.work_hi.d.next = self.step.val().get_bits::<16>(16);
        }
        if self.t.q.val() == 16 {
            self.running.d.next = false;
        }
        if ((self.t.q.val() == 5) & !self.crc.val()) | (self.t.q.val() == 17) {
            self.we.d.next = true;
            self.t.d.next = 0.into();
            self.finished.d.next = true;
        }

        if self.commit.val() {
            self.streaming.d.next = true;
            self.target.d.next = !self.bank.val();
            self.block.d.next = 1.into();
            self.entry.d.next = 0.into();
            self.register.d.next = 0.into();
            self.gap.d.next = 5.into();
        }

        self.done.next = self.finished.q.val();
        self.value.next = self.work.val();
        self.load_rule.next = self.pulses.q.val().get_bit(0);
        self.load_vip.next = self.pulses.q.val().get_bit(1);
        self.load_hash_key.next = self.pulses.q.val().get_bit(2);
        self.load_flow_key.next = self.pulses.q.val().get_bit(3);
        self.load_policy.next = self.pulses.q.val().get_bit(4);
        self.load_entry.next = self.shown_entry.q.val();
        self.load_reg.next = self.shown_reg.q.val();
        self.load_data.next = self.data.q.val();
        self.load_bank.next = self.target.q.val();
        self.loaded.next = self.all.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::control::layout::{CRC, EPOCH_NEXT};
    use weir_spec::map::{crc_step, CRC_START};

    fn restart(store: &mut Store) {
        store.write.next = false;
        store.reset.next = true;
        step!(*store);
        store.reset.next = false;
        let clocks = (0..=PLACES + 2).find(|_| {
            step!(*store);
            store.ready.val()
        });
        assert!(clocks.is_some());
    }

    fn started() -> Store {
        let mut store = Store::default();
        store.connect_all();
        restart(&mut store);
        store
    }

    /// One operation; the clocks it took.
    fn run(store: &mut Store, from: u32, to: u32) -> usize {
        (store.from.next, store.to.next) = (from.to_bits(), to.to_bits());
        store.op.next = true;
        step!(*store);
        store.op.next = false;
        let clocks = (1..2000).find(|_| {
            let done = store.done.val();
            if !done {
                step!(*store);
            }
            done
        });
        clocks.expect("an operation ends")
    }

    fn read(store: &mut Store, place: u32) -> u32 {
        (store.write.next, store.rewrite.next, store.count.next, store.crc.next) = (false, false, false, false);
        run(store, place, place);
        store.value.val().to_u64() as u32
    }

    fn write(store: &mut Store, place: u32, word: u32) {
        (store.write.next, store.rewrite.next, store.crc.next) = (true, false, false);
        store.bus.next = word.to_bits();
        run(store, place, place);
    }

    #[test]
    fn after_reset_every_place_holds_its_word() {
        let mut store = started();
        let words = reset_words(&Identity::default());
        for at in 0..PLACES as u32 {
            write(&mut store, at, !words[at as usize]);
        }
        restart(&mut store);
        for (at, word) in words.iter().enumerate() {
            assert_eq!(read(&mut store, at as u32), *word, "{at}");
        }
    }

    #[test]
    fn a_word_is_moved_counted_and_kept() {
        let mut store = started();
        write(&mut store, 5, 0x0001_ffff);
        (store.write.next, store.rewrite.next, store.count.next) = (false, true, true);
        assert_eq!(run(&mut store, 5, EPOCH_NEXT), 9);
        store.count.next = false;
        run(&mut store, EPOCH_NEXT, 6);
        assert_eq!([5, 6, EPOCH_NEXT].map(|at| read(&mut store, at)), [0x0001_ffff, 0x0002_0000, 0x0002_0000]);
    }

    #[test]
    fn the_crc_runs_as_the_spec_slot_by_slot() {
        let mut store = started();
        let mut crcs = [CRC_START; 64];
        for write in 0..40u32 {
            let (slot, index, word) = (write * 7 % 3, write * 29 % 256, write.wrapping_mul(0x9e37_79b9));
            (store.write.next, store.rewrite.next, store.crc.next) = (false, true, true);
            store.crc_index.next = index.to_bits();
            store.bus.next = word.to_bits();
            run(&mut store, CRC + slot, CRC + slot);
            crcs[slot as usize] = crc_step(crcs[slot as usize], index as u16, word);
            assert_eq!(store.value.val().to_u64(), u64::from(crcs[slot as usize]));
            assert_eq!(read(&mut store, CRC + slot), crcs[slot as usize]);
        }
    }

    /// What the stream should bring: block bit, entry, register, place.
    fn stream() -> Vec<(usize, u64, u64, u32)> {
        let blocks = [&regs::RULE, &regs::VIP, &regs::HASH_KEY, &regs::FLOW_KEY, &regs::POLICY];
        let words = blocks.into_iter().enumerate().flat_map(|(bit, block)| {
            (0..block.count).flat_map(move |entry| {
                let word =
                    move |(reg, of): (usize, &regs::Reg)| (bit, u64::from(entry), reg as u64, place(of.id, entry));
                block.regs.iter().enumerate().map(word)
            })
        });
        words.collect()
    }

    #[test]
    fn a_commit_streams_every_shadow_word_in_order_whatever_else_goes_on() {
        for bank in [false, true] {
            let mut store = started();
            for (_, _, _, at) in stream() {
                write(&mut store, at, at * 3 + 1);
            }
            store.write.next = false;
            store.bank.next = bank;
            store.commit.next = true;
            step!(store);
            store.commit.next = false;
            let (mut words, mut since, mut busy) = (stream().into_iter(), 4, 0);
            let mut ended = false;
            for clock in 0..9000u32 {
                // A table that takes its time, and a bus that reads on and on.
                store.load_busy.next = busy > 0;
                store.op.next = store.done.val() || clock == 0;
                busy = u32::saturating_sub(busy, 1);
                step!(store);
                since += 1;
                let pulses = [
                    store.load_rule.val(),
                    store.load_vip.val(),
                    store.load_hash_key.val(),
                    store.load_flow_key.val(),
                    store.load_policy.val(),
                ];
                if let Some(bit) = pulses.iter().position(|&pulse| pulse) {
                    let (block, entry, reg, at) = words.next().expect("no word comes after the last");
                    assert_eq!((bit, pulses.iter().filter(|&&pulse| pulse).count()), (block, 1));
                    assert_eq!((store.load_entry.val().to_u64(), store.load_reg.val().to_u64()), (entry, reg));
                    assert_eq!(store.load_data.val().to_u64(), u64::from(at * 3 + 1));
                    assert_eq!(store.load_bank.val(), !bank);
                    assert!(since >= 4 && busy == 0, "{since} clocks, busy for {busy}");
                    (since, busy) = (0, if at % 5 == 0 { 60 } else { 0 });
                }
                if store.loaded.val() {
                    assert!(!ended && words.next().is_none() && busy == 0);
                    ended = true;
                }
            }
            assert!(ended);
        }
    }
}
