//! The sessions of a board: the one that is in force, and the one that was greeted last and begins with its first request.
//!
//! The nonce of a greeting is the number of the board's start and that of the greeting since then, so none is given twice as
//! long as no start has the number of another; without a number of this start nothing is greeted. It can be foreseen, which
//! makes no difference: what says that a frame is of a session is its tag, and nobody without the key makes one under a
//! nonce that is yet to come. The same host's nonce is greeted with the same again.
//!
//! What is told of a frame is true four clocks behind the frame or a change of sessions: nonces are compared by pieces, a
//! clock each step.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Sessions {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget all sessions.
    pub reset: Signal<In, Bit>,
    /// Nonce of the host in the frame.
    pub s_host: Signal<In, Bits<64>>,
    /// Nonce of the board in the frame.
    pub s_board: Signal<In, Bits<64>>,
    /// This start has a number that no other has.
    pub s_boot_there: Signal<In, Bit>,
    /// It.
    pub s_boot: Signal<In, Bits<20>>,
    /// Greet the frame's host, in this clock.
    pub s_greet: Signal<In, Bit>,
    /// The one that was greeted is in force from now on.
    pub s_begin: Signal<In, Bit>,
    /// There are none from now on.
    pub s_end: Signal<In, Bit>,

    /// The frame is of the session in force.
    pub m_is_current: Signal<Out, Bit>,
    /// It is of the one that was greeted.
    pub m_is_greeted: Signal<Out, Bit>,
    /// Its host can be greeted.
    pub m_can_greet: Signal<Out, Bit>,
    /// Nonce of the board for the one that was greeted.
    pub m_greeted_board: Signal<Out, Bits<64>>,

    has_current: DFF<Bit>,
    current_host: DFF<Bits<64>>,
    current_board: DFF<Bits<64>>,
    has_greeted: DFF<Bit>,
    greeted_host: DFF<Bits<64>>,
    greeted_board: DFF<Bits<64>>,
    // The top bit: no more.
    greetings: DFF<Bits<45>>,

    // A bit for each 16 of a nonce that are the same; all are.
    current_parts: DFF<Bits<8>>,
    greeted_host_parts: DFF<Bits<4>>,
    greeted_board_parts: DFF<Bits<4>>,
    is_current: DFF<Bit>,
    is_greeted: DFF<Bit>,
    host_is_greeted: DFF<Bit>,
    can_greet: DFF<Bit>,

    current_same: Signal<Local, Bits<8>>,
    greeted_host_same: Signal<Local, Bits<4>>,
    greeted_board_same: Signal<Local, Bits<4>>,
    nonce: Signal<Local, Bits<64>>,
}

impl Logic for Sessions {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, has_current, current_host, current_board, has_greeted, greeted_host, greeted_board);
        dff_setup!(self, clock, greetings, current_parts, greeted_host_parts, greeted_board_parts);
        dff_setup!(self, clock, is_current, is_greeted, host_is_greeted, can_greet);

        self.current_same.next = 0.into();
        self.greeted_host_same.next = 0.into();
        self.greeted_board_same.next = 0.into();
        for i in 0..4 {
            if self.s_host.val().get_bits::<16>(16 * i) == self.current_host.q.val().get_bits::<16>(16 * i) {
                self.current_same.next = self.current_same.val().replace_bit(i, true);
            }
            if self.s_board.val().get_bits::<16>(16 * i) == self.current_board.q.val().get_bits::<16>(16 * i) {
                self.current_same.next = self.current_same.val().replace_bit(i + 4, true);
            }
            if self.s_host.val().get_bits::<16>(16 * i) == self.greeted_host.q.val().get_bits::<16>(16 * i) {
                self.greeted_host_same.next = self.greeted_host_same.val().replace_bit(i, true);
            }
            if self.s_board.val().get_bits::<16>(16 * i) == self.greeted_board.q.val().get_bits::<16>(16 * i) {
                self.greeted_board_same.next = self.greeted_board_same.val().replace_bit(i, true);
            }
        }
        self.current_parts.d.next = self.current_same.val();
        self.greeted_host_parts.d.next = self.greeted_host_same.val();
        self.greeted_board_parts.d.next = self.greeted_board_same.val();
        self.is_current.d.next = self.has_current.q.val() & (self.current_parts.q.val() == 0xff);
        self.host_is_greeted.d.next = self.has_greeted.q.val() & (self.greeted_host_parts.q.val() == 0xf);
        self.is_greeted.d.next = self.has_greeted.q.val()
            & (self.greeted_host_parts.q.val() == 0xf)
            & (self.greeted_board_parts.q.val() == 0xf);
        self.can_greet.d.next =
            self.host_is_greeted.q.val() | (self.s_boot_there.val() & !self.greetings.q.val().get_bit(44));

        self.nonce.next = bit_cast::<64, 44>(self.greetings.q.val().get_bits::<44>(0))
            | (bit_cast::<64, 20>(self.s_boot.val()) << 44);
        if self.s_greet.val() & !self.host_is_greeted.q.val() {
            self.has_greeted.d.next = self.can_greet.q.val();
            self.greeted_host.d.next = self.s_host.val();
            self.greeted_board.d.next = self.nonce.val();
            if self.can_greet.q.val() {
                self.greetings.d.next = self.greetings.q.val() + 1;
            }
        }
        if self.s_begin.val() {
            self.has_current.d.next = true;
            self.current_host.d.next = self.greeted_host.q.val();
            self.current_board.d.next = self.greeted_board.q.val();
            self.has_greeted.d.next = false;
        }
        if self.s_end.val() | self.reset.val() {
            self.has_current.d.next = false;
            self.has_greeted.d.next = false;
        }
        self.m_is_current.next = self.is_current.q.val();
        self.m_is_greeted.next = self.is_greeted.q.val();
        self.m_can_greet.next = self.can_greet.q.val();
        self.m_greeted_board.next = self.greeted_board.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Sessions::default(), "sessions").expect("nothing that Verilog takes otherwise");
    }
}
