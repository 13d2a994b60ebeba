//! AXI4-Lite master: one word at a time, of a memory map of [`ADDRESS`] bits; what is beyond is refused without being asked.

use rust_hdl::prelude::*;

use crate::cell::address::ADDRESS;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Master {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget the word under way.
    pub reset: Signal<In, Bit>,
    /// A word is to be read or written; not while another is.
    pub s_go: Signal<In, Bit>,
    /// Written.
    pub s_write: Signal<In, Bit>,
    /// Where, in octets.
    pub s_address: Signal<In, Bits<32>>,
    /// What is written.
    pub s_word: Signal<In, Bits<32>>,
    /// It is over, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// It was refused.
    pub m_refused: Signal<Out, Bit>,
    /// What was read; until the next.
    pub m_word: Signal<Out, Bits<32>>,

    /// Write address.
    pub awaddr: Signal<Out, Bits<ADDRESS>>,
    /// A write address is there.
    pub awvalid: Signal<Out, Bit>,
    /// It is taken.
    pub awready: Signal<In, Bit>,
    /// Write data.
    pub wdata: Signal<Out, Bits<32>>,
    /// Bytes to write: all.
    pub wstrb: Signal<Out, Bits<4>>,
    /// Write data are there.
    pub wvalid: Signal<Out, Bit>,
    /// They are taken.
    pub wready: Signal<In, Bit>,
    /// 0 done, 2 refused.
    pub bresp: Signal<In, Bits<2>>,
    /// A write is answered.
    pub bvalid: Signal<In, Bit>,
    /// The answer is taken.
    pub bready: Signal<Out, Bit>,
    /// Read address.
    pub araddr: Signal<Out, Bits<ADDRESS>>,
    /// A read address is there.
    pub arvalid: Signal<Out, Bit>,
    /// It is taken.
    pub arready: Signal<In, Bit>,
    /// Read data.
    pub rdata: Signal<In, Bits<32>>,
    /// 0 done, 2 refused.
    pub rresp: Signal<In, Bits<2>>,
    /// A read is answered.
    pub rvalid: Signal<In, Bit>,
    /// The answer is taken.
    pub rready: Signal<Out, Bit>,

    address: DFF<Bits<ADDRESS>>,
    data: DFF<Bits<32>>,
    aw: DFF<Bit>,
    w: DFF<Bit>,
    ar: DFF<Bit>,
    waits: DFF<Bit>,
    done: DFF<Bit>,
    refused: DFF<Bit>,
    word: DFF<Bits<32>>,
    outside: Signal<Local, Bit>,
}

const _: () = assert!(ADDRESS == 18);

impl Logic for Master {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, address, data, aw, w, ar, waits, done, refused, word);
        self.outside.next = self.s_address.val().get_bits::<14>(18) != 0;
        self.done.d.next = false;
        if self.s_go.val() {
            self.address.d.next = self.s_address.val().get_bits::<ADDRESS>(0);
            self.data.d.next = self.s_word.val();
            self.aw.d.next = self.s_write.val() & !self.outside.val();
            self.w.d.next = self.s_write.val() & !self.outside.val();
            self.ar.d.next = !self.s_write.val() & !self.outside.val();
            self.waits.d.next = !self.outside.val();
            self.done.d.next = self.outside.val();
            self.refused.d.next = self.outside.val();
        }
        if self.aw.q.val() & self.awready.val() {
            self.aw.d.next = false;
        }
        if self.w.q.val() & self.wready.val() {
            self.w.d.next = false;
        }
        if self.ar.q.val() & self.arready.val() {
            self.ar.d.next = false;
        }
        if self.waits.q.val() & self.bvalid.val() {
            self.waits.d.next = false;
            self.done.d.next = true;
            self.refused.d.next = self.bresp.val() != 0;
        }
        if self.waits.q.val() & self.rvalid.val() {
            self.waits.d.next = false;
            self.done.d.next = true;
            self.refused.d.next = self.rresp.val() != 0;
            self.word.d.next = self.rdata.val();
        }
        if self.reset.val() {
            self.aw.d.next = false;
            self.w.d.next = false;
            self.ar.d.next = false;
            self.waits.d.next = false;
            self.done.d.next = false;
        }
        self.awaddr.next = self.address.q.val();
        self.araddr.next = self.address.q.val();
        self.awvalid.next = self.aw.q.val();
        self.wvalid.next = self.w.q.val();
        self.arvalid.next = self.ar.q.val();
        self.wdata.next = self.data.q.val();
        self.wstrb.next = 15.into();
        self.bready.next = self.waits.q.val();
        self.rready.next = self.waits.q.val();
        self.m_done.next = self.done.q.val();
        self.m_refused.next = self.refused.q.val();
        self.m_word.next = self.word.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Master::default(), "master").expect("nothing that Verilog takes otherwise");
    }
}
