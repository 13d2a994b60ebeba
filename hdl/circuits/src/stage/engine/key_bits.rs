//! The secret keys, bit by bit: how the hashes fill their windows without wide multiplexers.
//!
//! A word of 32 bits comes by the load bus and is shifted, first bit first, into a window of the last 83 bits of its key.
//! Both hashes read that window and write it to their tables as each of theirs is complete. Busy from the clock after the
//! word until its last bit is in, 32 clocks.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct KeyBits {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word of the hash key. Words come in rising order.
    pub load_hash_key: Signal<In, Bit>,
    /// A word of the flow key. Words come in rising order.
    pub load_flow_key: Signal<In, Bit>,
    /// Which word, 0 to 9.
    pub load_entry: Signal<In, Bits<6>>,
    /// The word, its first octet on top.
    pub load_data: Signal<In, Bits<32>>,
    /// Bank that is filled.
    pub load_bank: Signal<In, Bit>,
    /// No word may come.
    pub load_busy: Signal<Out, Bit>,
    /// A bit of the hash key is shifted in: it is in the window at the next clock.
    pub m_hash: Signal<Out, Bit>,
    /// A bit of the flow key is shifted in.
    pub m_flow: Signal<Out, Bit>,
    /// It is the first of its key.
    pub m_first: Signal<Out, Bit>,
    /// Its number in the key.
    pub m_number: Signal<Out, Bits<9>>,
    /// Bank that is filled.
    pub m_bank: Signal<Out, Bit>,
    /// The last bits of the key, the newest lowest.
    pub m_window: Signal<Out, Bits<83>>,
    word: DFF<Bits<32>>,
    entry: DFF<Bits<4>>,
    count: DFF<Bits<5>>,
    running: DFF<Bit>,
    ends: DFF<Bit>,
    hash: DFF<Bit>,
    flow: DFF<Bit>,
    first: DFF<Bit>,
    bank: DFF<Bit>,
    window: DFF<Bits<83>>,
}

impl Logic for KeyBits {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word, entry, count, running, ends, hash, flow, first, bank, window);
        self.first.d.next = false;
        self.ends.d.next = self.running.q.val() & (self.count.q.val() == 30);
        if self.running.q.val() {
            self.word.d.next = self.word.q.val() << 1;
            self.count.d.next = self.count.q.val() + 1;
            self.window.d.next = self.window.q.val() << 1;
            if self.word.q.val().get_bit(31) {
                self.window.d.next = (self.window.q.val() << 1) | 1;
            }
        }
        if self.ends.q.val() {
            self.running.d.next = false;
            self.hash.d.next = false;
            self.flow.d.next = false;
        }
        if self.load_hash_key.val() | self.load_flow_key.val() {
            self.word.d.next = self.load_data.val();
            self.entry.d.next = self.load_entry.val().get_bits::<4>(0);
            self.bank.d.next = self.load_bank.val();
            self.running.d.next = true;
            self.hash.d.next = self.load_hash_key.val();
            self.flow.d.next = self.load_flow_key.val();
            self.first.d.next = self.load_entry.val() == 0;
        }
        self.load_busy.next = self.running.q.val();
        self.m_hash.next = self.hash.q.val();
        self.m_flow.next = self.flow.q.val();
        self.m_first.next = self.first.q.val();
        self.m_number.next = (bit_cast::<9, 4>(self.entry.q.val()) << 5) | bit_cast::<9, 5>(self.count.q.val());
        self.m_bank.next = self.bank.q.val();
        self.m_window.next = self.window.q.val();
    }
}
