//! The host's window to the flash: a buffer of 256 octets, and one command at a time that the [`Guard`] lets through.

use rust_hdl::prelude::*;

use super::guard::Guard;
use super::FlashMap;
use crate::cell::block_ram::BlockRam;

/// See the module.
#[derive(LogicBlock)]
pub struct Window {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget the command under way.
    pub reset: Signal<In, Bit>,
    /// Do the command; if it is lawful and none is under way, else nothing is done.
    pub w_go: Signal<In, Bit>,
    /// Its opcode.
    pub w_opcode: Signal<In, Bits<8>>,
    /// Its address, where it has one.
    pub w_address: Signal<In, Bits<24>>,
    /// Octets it reads or programs.
    pub w_count: Signal<In, Bits<9>>,
    /// A command is under way; what was asked holds meanwhile.
    pub w_busy: Signal<Out, Bit>,
    /// What is asked may be done, as it was a clock before.
    pub w_lawful: Signal<Out, Bit>,
    /// Write a word of the buffer, while no command is under way.
    pub w_we: Signal<In, Bit>,
    /// Its number.
    pub w_at: Signal<In, Bits<6>>,
    /// It, first octet in bits 7:0.
    pub w_data: Signal<In, Bits<32>>,
    /// The word of that number, two clocks later, while no command is under way.
    pub w_word: Signal<Out, Bits<32>>,

    /// It wants the flash, until it has been let go.
    pub t_wants: Signal<Out, Bit>,
    /// A transaction may begin, in this clock.
    pub t_granted: Signal<In, Bit>,
    /// Opcode.
    pub t_opcode: Signal<Out, Bits<8>>,
    /// An address follows.
    pub t_addressed: Signal<Out, Bit>,
    /// It.
    pub t_address: Signal<Out, Bits<24>>,
    /// Octets to go out.
    pub t_out: Signal<Out, Bits<9>>,
    /// Octets to come in.
    pub t_in: Signal<Out, Bits<17>>,
    /// Number of the octet.
    pub t_at: Signal<In, Bits<17>>,
    /// It, to go out.
    pub t_octet: Signal<Out, Bits<8>>,
    /// One came in, of this transaction.
    pub t_came: Signal<In, Bit>,
    /// It.
    pub t_in_octet: Signal<In, Bits<8>>,
    /// This transaction is over.
    pub t_done: Signal<In, Bit>,

    guard: Guard,
    buffer: BlockRam<32, 6>,
    wants: DFF<Bit>,
    busy: DFF<Bit>,
    gathered: DFF<Bits<32>>,
    puts: DFF<Bit>,
    put_at: DFF<Bits<6>>,
    octet: DFF<Bits<8>>,
    programs: Signal<Local, Bit>,
    zeros: Signal<Local, Bits<9>>,
}

impl Window {
    /// To this flash.
    pub fn new(map: FlashMap) -> Self {
        Window {
            clock: Default::default(),
            reset: Default::default(),
            w_go: Default::default(),
            w_opcode: Default::default(),
            w_address: Default::default(),
            w_count: Default::default(),
            w_busy: Default::default(),
            w_lawful: Default::default(),
            w_we: Default::default(),
            w_at: Default::default(),
            w_data: Default::default(),
            w_word: Default::default(),
            t_wants: Default::default(),
            t_granted: Default::default(),
            t_opcode: Default::default(),
            t_addressed: Default::default(),
            t_address: Default::default(),
            t_out: Default::default(),
            t_in: Default::default(),
            t_at: Default::default(),
            t_octet: Default::default(),
            t_came: Default::default(),
            t_in_octet: Default::default(),
            t_done: Default::default(),
            guard: Guard::new(map),
            buffer: Default::default(),
            wants: Default::default(),
            busy: Default::default(),
            gathered: Default::default(),
            puts: Default::default(),
            put_at: Default::default(),
            octet: Default::default(),
            programs: Default::default(),
            zeros: Default::default(),
        }
    }
}

impl Logic for Window {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wants, busy, gathered, puts, put_at, octet);
        clock!(self, clock, guard, buffer);
        self.guard.s_opcode.next = self.w_opcode.val();
        self.guard.s_address.next = self.w_address.val();
        self.guard.s_count.next = self.w_count.val();
        if self.w_go.val() & self.guard.m_lawful.val() & !self.busy.q.val() {
            self.busy.d.next = true;
            self.wants.d.next = true;
        }
        if self.t_granted.val() {
            self.wants.d.next = false;
        }
        if self.t_done.val() {
            self.busy.d.next = false;
        }

        self.programs.next = self.w_opcode.val() == 0x02;
        self.t_opcode.next = self.w_opcode.val();
        self.t_address.next = self.w_address.val();
        self.t_addressed.next = self.programs.val() | (self.w_opcode.val() == 0x03) | (self.w_opcode.val() == 0xd8);
        self.zeros.next = 0.into();
        self.t_out.next = self.zeros.val();
        self.t_in.next = bit_cast::<17, 9>(self.w_count.val());
        if self.programs.val() {
            self.t_out.next = self.w_count.val();
            self.t_in.next = bit_cast::<17, 9>(self.zeros.val());
        }

        // What goes out, some clocks behind its number.
        self.octet.d.next = self.buffer.rdata.val().get_bits::<8>(0);
        match self.t_at.val().get_bits::<2>(0).index() {
            1 => {
                self.octet.d.next = self.buffer.rdata.val().get_bits::<8>(8);
            }
            2 => {
                self.octet.d.next = self.buffer.rdata.val().get_bits::<8>(16);
            }
            3 => {
                self.octet.d.next = self.buffer.rdata.val().get_bits::<8>(24);
            }
            _ => {}
        }
        self.t_octet.next = self.octet.q.val();
        // What comes in: the word is put with each octet.
        self.puts.d.next = self.t_came.val();
        self.put_at.d.next = self.t_at.val().get_bits::<6>(2);
        if self.t_came.val() {
            match self.t_at.val().get_bits::<2>(0).index() {
                0 => {
                    self.gathered.d.next = bit_cast::<32, 8>(self.t_in_octet.val());
                }
                1 => {
                    self.gathered.d.next = self.gathered.q.val() | (bit_cast::<32, 8>(self.t_in_octet.val()) << 8);
                }
                2 => {
                    self.gathered.d.next = self.gathered.q.val() | (bit_cast::<32, 8>(self.t_in_octet.val()) << 16);
                }
                _ => {
                    self.gathered.d.next = self.gathered.q.val() | (bit_cast::<32, 8>(self.t_in_octet.val()) << 24);
                }
            }
        }
        self.buffer.raddr.next = self.w_at.val();
        self.buffer.waddr.next = self.w_at.val();
        self.buffer.we.next = self.w_we.val();
        self.buffer.wdata.next = self.w_data.val();
        if self.busy.q.val() {
            self.buffer.raddr.next = self.t_at.val().get_bits::<6>(2);
            self.buffer.waddr.next = self.put_at.q.val();
            self.buffer.we.next = self.puts.q.val();
            self.buffer.wdata.next = self.gathered.q.val();
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.wants.d.next = false;
            self.puts.d.next = false;
        }
        self.t_wants.next = self.wants.q.val();
        self.w_busy.next = self.busy.q.val();
        self.w_lawful.next = self.guard.m_lawful.val();
        self.w_word.next = self.buffer.rdata.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        let map = FlashMap { primary: (0, 0x7d), installed: 0x7f, key: 0x7e, places: 8, marks: 16 };
        crate::emit(&mut Window::new(map), "window").expect("nothing that Verilog takes otherwise");
    }
}
