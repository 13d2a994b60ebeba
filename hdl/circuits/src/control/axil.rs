//! AXI4-Lite slave: one request at a time, each answered exactly once.
//!
//! Address and data of a write are taken together. Reads and writes take turns when both wait. What the request does is
//! decided behind `m_`; only writes of whole words are passed on as such. Ready is a register: it follows valid by a clock.

use rust_hdl::prelude::*;

use crate::cell::address::ADDRESS;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Axil {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the request under way.
    pub reset: Signal<In, Bit>,
    /// Write address.
    pub awaddr: Signal<In, Bits<ADDRESS>>,
    /// A write address is there.
    pub awvalid: Signal<In, Bit>,
    /// It is taken.
    pub awready: Signal<Out, Bit>,
    /// Write data.
    pub wdata: Signal<In, Bits<32>>,
    /// Bytes to write.
    pub wstrb: Signal<In, Bits<4>>,
    /// Write data are there.
    pub wvalid: Signal<In, Bit>,
    /// They are taken.
    pub wready: Signal<Out, Bit>,
    /// 0 done, 2 refused.
    pub bresp: Signal<Out, Bits<2>>,
    /// A write is answered.
    pub bvalid: Signal<Out, Bit>,
    /// The answer is taken.
    pub bready: Signal<In, Bit>,
    /// Read address.
    pub araddr: Signal<In, Bits<ADDRESS>>,
    /// A read address is there.
    pub arvalid: Signal<In, Bit>,
    /// It is taken.
    pub arready: Signal<Out, Bit>,
    /// Read data; zero when refused.
    pub rdata: Signal<Out, Bits<32>>,
    /// 0 done, 2 refused.
    pub rresp: Signal<Out, Bits<2>>,
    /// A read is answered.
    pub rvalid: Signal<Out, Bit>,
    /// The answer is taken.
    pub rready: Signal<In, Bit>,

    /// One pulse a request.
    pub m_request: Signal<Out, Bit>,
    /// It writes.
    pub m_write: Signal<Out, Bit>,
    /// It writes a whole word.
    pub m_whole: Signal<Out, Bit>,
    /// Byte offset.
    pub m_address: Signal<Out, Bits<ADDRESS>>,
    /// Word to write.
    pub m_wdata: Signal<Out, Bits<32>>,
    /// One pulse an answer.
    pub done: Signal<In, Bit>,
    /// It was refused.
    pub refused: Signal<In, Bit>,
    /// What was read.
    pub answer: Signal<In, Bits<32>>,

    busy: DFF<Bit>,
    grant_write: DFF<Bit>,
    grant_read: DFF<Bit>,
    request: DFF<Bit>,
    write: DFF<Bit>,
    whole: DFF<Bit>,
    address: DFF<Bits<ADDRESS>>,
    data: DFF<Bits<32>>,
    wrote_last: DFF<Bit>,
    b: DFF<Bit>,
    r: DFF<Bit>,
    response: DFF<Bits<2>>,
    read: DFF<Bits<32>>,
    idle: Signal<Local, Bit>,
    take_write: Signal<Local, Bit>,
    take_read: Signal<Local, Bit>,
}

impl Logic for Axil {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, grant_write, grant_read, request, write, whole, address, data, wrote_last);
        dff_setup!(self, clock, b, r, response, read);
        // Whose turn it is, one clock before anything is taken: who is valid stays so.
        self.idle.next = !self.busy.q.val() & !self.reset.val();
        self.take_write.next =
            self.idle.val() & self.awvalid.val() & self.wvalid.val() & (!self.arvalid.val() | !self.wrote_last.q.val());
        self.take_read.next = self.idle.val() & self.arvalid.val() & !self.take_write.val();
        self.grant_write.d.next = self.take_write.val();
        self.grant_read.d.next = self.take_read.val();
        if self.take_write.val() | self.take_read.val() {
            self.busy.d.next = true;
            self.write.d.next = self.take_write.val();
            self.wrote_last.d.next = self.take_write.val();
        }
        self.awready.next = self.grant_write.q.val();
        self.wready.next = self.grant_write.q.val();
        self.arready.next = self.grant_read.q.val();
        self.request.d.next = self.grant_write.q.val() | self.grant_read.q.val();
        if self.grant_write.q.val() | self.grant_read.q.val() {
            self.whole.d.next = self.wstrb.val() == 15;
            self.address.d.next = self.araddr.val();
            if self.write.q.val() {
                self.address.d.next = self.awaddr.val();
            }
            self.data.d.next = self.wdata.val();
        }
        if self.done.val() {
            self.b.d.next = self.write.q.val();
            self.r.d.next = !self.write.q.val();
            self.read.d.next = self.answer.val();
            self.response.d.next = 0.into();
            if self.refused.val() {
                self.response.d.next = 2.into();
                self.read.d.next = 0.into();
            }
        }
        if (self.b.q.val() & self.bready.val()) | (self.r.q.val() & self.rready.val()) {
            self.b.d.next = false;
            self.r.d.next = false;
            self.busy.d.next = false;
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.grant_write.d.next = false;
            self.grant_read.d.next = false;
            self.request.d.next = false;
            self.b.d.next = false;
            self.r.d.next = false;
        }
        self.bvalid.next = self.b.q.val();
        self.bresp.next = self.response.q.val();
        self.rvalid.next = self.r.q.val();
        self.rresp.next = self.response.q.val();
        self.rdata.next = self.read.q.val();
        self.m_request.next = self.request.q.val();
        self.m_write.next = self.write.q.val();
        self.m_whole.next = self.whole.q.val();
        self.m_address.next = self.address.q.val();
        self.m_wdata.next = self.data.q.val();
    }
}
