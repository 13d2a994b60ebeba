//! Takes the control frames of the host out of the way to the switch: EtherType 88b5h leaves by a side door, and nothing
//! else does. They never cross, whoever they are for.
//!
//! The type is in the second beat, so the first one waits for it: two beats are inside. Behind that they move as fast as they
//! are taken, and a frame of the other way is held up for as long as the side door takes. Latency: two clocks.

use rust_hdl::prelude::*;
use weir_spec::control::ETHERTYPE;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Split {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget what is inside; the next beat is the first of a frame.
    pub reset: Signal<In, Bit>,
    /// A beat is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,

    /// A beat of another frame is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,

    /// A beat of a control frame is there; it stays until it is taken.
    pub c_valid: Signal<Out, Bit>,
    /// It.
    pub c_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub c_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub c_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub c_taken: Signal<In, Bit>,

    // The later beat and the earlier one: there, data, last byte and last.
    has_later: DFF<Bit>,
    later: DFF<Bits<68>>,
    // Where a type stands, the later one has that of control frames.
    later_type: DFF<Bit>,
    has_earlier: DFF<Bit>,
    earlier: DFF<Bits<68>>,
    // The earlier one is the first of its frame.
    first: DFF<Bit>,
    // Behind the first: the frame is one.
    control: DFF<Bit>,

    word: Signal<Local, Bits<68>>,
    ends: Signal<Local, Bit>,
    known: Signal<Local, Bit>,
    is_control: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
}

// Octets 12 and 13 of a frame, the first of them lower.
const _: () = assert!(ETHERTYPE.swap_bytes() == 0xb588);

impl Logic for Split {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, has_later, later, later_type, has_earlier, earlier, first, control);
        self.ends.next = self.earlier.q.val().get_bit(67);
        // A frame of a single beat has no type.
        self.known.next = self.has_earlier.q.val() & (!self.first.q.val() | self.has_later.q.val() | self.ends.val());
        self.is_control.next = self.control.q.val();
        if self.first.q.val() {
            self.is_control.next = self.has_later.q.val() & self.later_type.q.val() & !self.ends.val();
        }
        self.m_valid.next = self.known.val() & !self.is_control.val();
        self.c_valid.next = self.known.val() & self.is_control.val();
        self.leaves.next = self.known.val() & self.m_taken.val();
        if self.is_control.val() {
            self.leaves.next = self.known.val() & self.c_taken.val();
        }
        self.moves.next = self.has_later.q.val() & (self.leaves.val() | !self.has_earlier.q.val());
        self.takes.next = self.s_valid.val() & (self.moves.val() | !self.has_later.q.val());

        self.word.next = bit_cast::<68, 64>(self.s_data.val())
            | (bit_cast::<68, 3>(self.s_last_byte.val()) << 64)
            | (bit_cast::<68, 1>(self.s_last.val().into()) << 67);
        if self.leaves.val() {
            self.has_earlier.d.next = false;
            self.first.d.next = self.ends.val();
            self.control.d.next = self.is_control.val();
        }
        if self.moves.val() {
            self.has_later.d.next = false;
            self.has_earlier.d.next = true;
            self.earlier.d.next = self.later.q.val();
        }
        if self.takes.val() {
            self.has_later.d.next = true;
            self.later.d.next = self.word.val();
            self.later_type.d.next = self.s_data.val().get_bits::<16>(32) == 0xb588;
        }
        if self.reset.val() {
            self.has_later.d.next = false;
            self.has_earlier.d.next = false;
            self.first.d.next = true;
            self.control.d.next = false;
        }
        self.s_taken.next = self.takes.val();
        self.m_data.next = self.earlier.q.val().get_bits::<64>(0);
        self.m_last_byte.next = self.earlier.q.val().get_bits::<3>(64);
        self.m_last.next = self.ends.val();
        self.c_data.next = self.earlier.q.val().get_bits::<64>(0);
        self.c_last_byte.next = self.earlier.q.val().get_bits::<3>(64);
        self.c_last.next = self.ends.val();
    }
}

#[cfg(test)]
mod tests;
