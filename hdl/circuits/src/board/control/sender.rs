//! Sends a frame out of a memory that holds what is behind its EtherType: header of Ethernet, words, as beats.
//!
//! A word of the frame takes three clocks, so a beat six: the wire takes eight. A beat is shown as soon as it is made, and one
//! more is made meanwhile.

use rust_hdl::prelude::*;
use weir_spec::control::{BOARD, ETHERTYPE};

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Sender {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Stop.
    pub reset: Signal<In, Bit>,
    /// Begin; the rest holds until it is done.
    pub s_go: Signal<In, Bit>,
    /// Who it is for.
    pub s_destination: Signal<In, Bits<48>>,
    /// Words of 32 bits in the memory, the first of them a control frame's.
    pub s_words: Signal<In, Bits<7>>,
    /// The last beat was taken, in this clock.
    pub m_done: Signal<Out, Bit>,

    /// A beat is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,

    /// Word to be read.
    pub ram_at: Signal<Out, Bits<7>>,
    /// It, two clocks later.
    pub ram_word: Signal<In, Bits<32>>,

    busy: DFF<Bit>,
    // The word of the frame that is made, and a third of its time.
    at: DFF<Bits<7>>,
    turn: DFF<Bits<2>>,
    previous: DFF<Bits<16>>,
    lower: DFF<Bits<32>>,
    has_lower: DFF<Bit>,
    // What is made and what is shown: data, last byte, last.
    made: DFF<Bits<68>>,
    has_made: DFF<Bit>,
    shown: DFF<Bits<68>>,
    has_shown: DFF<Bit>,
    done: DFF<Bit>,
    // Of the word that is made: it is the last; which of the first four it is, one-hot. Known a clock behind its number.
    last_at: DFF<Bits<7>>,
    is_last: DFF<Bit>,
    head: DFF<Bits<4>>,

    message_at: Signal<Local, Bits<7>>,
    message: Signal<Local, Bits<32>>,
    word: Signal<Local, Bits<32>>,
    beat: Signal<Local, Bits<64>>,
    last_byte: Signal<Local, Bits<3>>,
    leaves: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    ripe: Signal<Local, Bit>,
}

const _: () = assert!(matches!(BOARD.0, [0x02, 0x00, 0x57, 0x45, 0x49, 0x52]) && ETHERTYPE == 0x88b5);

impl Logic for Sender {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, at, turn, previous, lower, has_lower, made, has_made, shown, has_shown, done);
        dff_setup!(self, clock, last_at, is_last, head);
        // A word of the frame behind the EtherType is half of one in the memory and half of the next.
        self.message_at.next = self.at.q.val() - 3;
        self.ram_at.next = self.message_at.val();
        self.last_at.d.next = self.s_words.val() + 3;
        self.is_last.d.next = self.at.q.val() == self.last_at.q.val();
        self.head.d.next = bit_cast::<4, 1>((self.at.q.val() == 0).into())
            | (bit_cast::<4, 1>((self.at.q.val() == 1).into()) << 1)
            | (bit_cast::<4, 1>((self.at.q.val() == 2).into()) << 2)
            | (bit_cast::<4, 1>((self.at.q.val() == 3).into()) << 3);
        self.message.next = self.ram_word.val();
        self.word.next = bit_cast::<32, 16>(self.previous.q.val())
            | (bit_cast::<32, 16>(self.message.val().get_bits::<16>(0)) << 16);
        if self.head.q.val().get_bit(0) {
            self.word.next = self.s_destination.val().get_bits::<32>(0);
        }
        if self.head.q.val().get_bit(1) {
            self.word.next = bit_cast::<32, 16>(self.s_destination.val().get_bits::<16>(32)) | 0x0002_0000;
        }
        if self.head.q.val().get_bit(2) {
            self.word.next = 0x5249_4557.into();
        }
        if self.head.q.val().get_bit(3) {
            self.word.next = (bit_cast::<32, 16>(self.message.val().get_bits::<16>(0)) << 16) | 0xb588;
        }
        self.beat.next = bit_cast::<64, 32>(self.word.val());
        // Two octets of the last word count.
        self.last_byte.next = 1.into();
        if self.has_lower.q.val() {
            self.beat.next = bit_cast::<64, 32>(self.lower.q.val()) | (bit_cast::<64, 32>(self.word.val()) << 32);
            self.last_byte.next = 5.into();
        }

        self.leaves.next = self.has_shown.q.val() & self.m_taken.val();
        self.moves.next = self.has_made.q.val() & (!self.has_shown.q.val() | self.leaves.val());
        self.done.d.next = self.leaves.val() & self.shown.q.val().get_bit(67);
        if self.leaves.val() {
            self.has_shown.d.next = false;
        }
        if self.moves.val() {
            self.has_made.d.next = false;
            self.shown.d.next = self.made.q.val();
            self.has_shown.d.next = true;
        }
        self.ripe.next = self.busy.q.val() & (self.turn.q.val() == 2) & (!self.has_made.q.val() | self.moves.val());
        if self.busy.q.val() & (self.turn.q.val() != 2) {
            self.turn.d.next = self.turn.q.val() + 1;
        }
        if self.ripe.val() {
            self.turn.d.next = 0.into();
            self.at.d.next = self.at.q.val() + 1;
            self.previous.d.next = self.message.val().get_bits::<16>(16);
            self.lower.d.next = self.word.val();
            self.has_lower.d.next = !self.has_lower.q.val();
            if self.has_lower.q.val() | self.is_last.q.val() {
                self.has_made.d.next = true;
                self.made.d.next = bit_cast::<68, 64>(self.beat.val())
                    | (bit_cast::<68, 3>(self.last_byte.val()) << 64)
                    | (bit_cast::<68, 1>(self.is_last.q.val().into()) << 67);
            }
            if self.is_last.q.val() {
                self.busy.d.next = false;
            }
        }
        if self.s_go.val() {
            self.busy.d.next = true;
            self.at.d.next = 0.into();
            self.turn.d.next = 0.into();
            self.has_lower.d.next = false;
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.has_made.d.next = false;
            self.has_shown.d.next = false;
            self.done.d.next = false;
        }
        self.m_done.next = self.done.q.val();
        self.m_valid.next = self.has_shown.q.val();
        self.m_data.next = self.shown.q.val().get_bits::<64>(0);
        self.m_last_byte.next = self.shown.q.val().get_bits::<3>(64);
        self.m_last.next = self.shown.q.val().get_bit(67);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Sender::default(), "sender").expect("nothing that Verilog takes otherwise");
    }
}
