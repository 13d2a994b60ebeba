//! Leads a word on the bus to the page of the board or to the pipeline, by its address; no register.
//!
//! For a master that has one word under way, as [`Master`](super::control::master::Master): answers are not told apart by
//! who was asked, only one of them has any.

use rust_hdl::prelude::*;
use weir_spec::regs::BOARD_PAGE;

use crate::cell::address::ADDRESS;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Route {
    /// From the master: write address.
    pub s_axil_awaddr: Signal<In, Bits<ADDRESS>>,
    /// Write address valid.
    pub s_axil_awvalid: Signal<In, Bit>,
    /// Write address taken.
    pub s_axil_awready: Signal<Out, Bit>,
    /// Write data valid; the data themselves go to both.
    pub s_axil_wvalid: Signal<In, Bit>,
    /// Write data taken.
    pub s_axil_wready: Signal<Out, Bit>,
    /// 0 done, 2 refused.
    pub s_axil_bresp: Signal<Out, Bits<2>>,
    /// Write answered.
    pub s_axil_bvalid: Signal<Out, Bit>,
    /// Read address.
    pub s_axil_araddr: Signal<In, Bits<ADDRESS>>,
    /// Read address valid.
    pub s_axil_arvalid: Signal<In, Bit>,
    /// Read address taken.
    pub s_axil_arready: Signal<Out, Bit>,
    /// Read data.
    pub s_axil_rdata: Signal<Out, Bits<32>>,
    /// 0 done, 2 refused.
    pub s_axil_rresp: Signal<Out, Bits<2>>,
    /// Read answered.
    pub s_axil_rvalid: Signal<Out, Bit>,

    /// To the pipeline: write address valid.
    pub pipeline_awvalid: Signal<Out, Bit>,
    /// Write address taken.
    pub pipeline_awready: Signal<In, Bit>,
    /// Write data valid.
    pub pipeline_wvalid: Signal<Out, Bit>,
    /// Write data taken.
    pub pipeline_wready: Signal<In, Bit>,
    /// 0 done, 2 refused.
    pub pipeline_bresp: Signal<In, Bits<2>>,
    /// Write answered.
    pub pipeline_bvalid: Signal<In, Bit>,
    /// Read address valid.
    pub pipeline_arvalid: Signal<Out, Bit>,
    /// Read address taken.
    pub pipeline_arready: Signal<In, Bit>,
    /// Read data.
    pub pipeline_rdata: Signal<In, Bits<32>>,
    /// 0 done, 2 refused.
    pub pipeline_rresp: Signal<In, Bits<2>>,
    /// Read answered.
    pub pipeline_rvalid: Signal<In, Bit>,

    /// To the page: write address valid.
    pub page_awvalid: Signal<Out, Bit>,
    /// Write address taken.
    pub page_awready: Signal<In, Bit>,
    /// Write data valid.
    pub page_wvalid: Signal<Out, Bit>,
    /// Write data taken.
    pub page_wready: Signal<In, Bit>,
    /// 0 done, 2 refused.
    pub page_bresp: Signal<In, Bits<2>>,
    /// Write answered.
    pub page_bvalid: Signal<In, Bit>,
    /// Read address valid.
    pub page_arvalid: Signal<Out, Bit>,
    /// Read address taken.
    pub page_arready: Signal<In, Bit>,
    /// Read data.
    pub page_rdata: Signal<In, Bits<32>>,
    /// 0 done, 2 refused.
    pub page_rresp: Signal<In, Bits<2>>,
    /// Read answered.
    pub page_rvalid: Signal<In, Bit>,

    writes_page: Signal<Local, Bit>,
    reads_page: Signal<Local, Bit>,
}

const _: () = assert!(BOARD_PAGE.start == 1 << 15 && BOARD_PAGE.end == 2 << 15 && ADDRESS == 18);

impl Logic for Route {
    #[hdl_gen]
    fn update(&mut self) {
        self.writes_page.next = self.s_axil_awaddr.val().get_bits::<3>(15) == 1;
        self.reads_page.next = self.s_axil_araddr.val().get_bits::<3>(15) == 1;
        self.pipeline_awvalid.next = self.s_axil_awvalid.val() & !self.writes_page.val();
        self.pipeline_wvalid.next = self.s_axil_wvalid.val() & !self.writes_page.val();
        self.pipeline_arvalid.next = self.s_axil_arvalid.val() & !self.reads_page.val();
        self.page_awvalid.next = self.s_axil_awvalid.val() & self.writes_page.val();
        self.page_wvalid.next = self.s_axil_wvalid.val() & self.writes_page.val();
        self.page_arvalid.next = self.s_axil_arvalid.val() & self.reads_page.val();

        self.s_axil_awready.next = self.pipeline_awready.val();
        self.s_axil_wready.next = self.pipeline_wready.val();
        if self.writes_page.val() {
            self.s_axil_awready.next = self.page_awready.val();
            self.s_axil_wready.next = self.page_wready.val();
        }
        self.s_axil_arready.next = self.pipeline_arready.val();
        if self.reads_page.val() {
            self.s_axil_arready.next = self.page_arready.val();
        }
        self.s_axil_bvalid.next = self.pipeline_bvalid.val() | self.page_bvalid.val();
        self.s_axil_bresp.next = self.pipeline_bresp.val();
        if self.page_bvalid.val() {
            self.s_axil_bresp.next = self.page_bresp.val();
        }
        self.s_axil_rvalid.next = self.pipeline_rvalid.val() | self.page_rvalid.val();
        self.s_axil_rresp.next = self.pipeline_rresp.val();
        self.s_axil_rdata.next = self.pipeline_rdata.val();
        if self.page_rvalid.val() {
            self.s_axil_rresp.next = self.page_rresp.val();
            self.s_axil_rdata.next = self.page_rdata.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Route::default(), "route").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn each_address_asks_one_of_the_two_and_is_answered_by_it() {
        let mut route = Route::default();
        route.connect_all();
        for address in (0..1u64 << ADDRESS).step_by(0x1000) {
            for valid in [false, true] {
                (route.s_axil_awaddr.next, route.s_axil_araddr.next) = (address.into(), address.into());
                (route.s_axil_awvalid.next, route.s_axil_arvalid.next) = (valid, valid);
                route.s_axil_wvalid.next = valid;
                let page = BOARD_PAGE.contains(&(address as u32));
                (route.page_awready.next, route.pipeline_awready.next) = (page, !page);
                (route.page_wready.next, route.pipeline_wready.next) = (page, !page);
                (route.page_arready.next, route.pipeline_arready.next) = (page, !page);
                (route.page_bvalid.next, route.pipeline_bvalid.next) = (page && valid, !page && valid);
                (route.page_rvalid.next, route.pipeline_rvalid.next) = (page && valid, !page && valid);
                (route.page_bresp.next, route.pipeline_bresp.next) = (2.into(), 1.into());
                (route.page_rresp.next, route.pipeline_rresp.next) = (2.into(), 1.into());
                (route.page_rdata.next, route.pipeline_rdata.next) = (22.into(), 11.into());
                assert!(simulate(&mut route, 10));
                let asked = [route.page_awvalid.val(), route.page_wvalid.val(), route.page_arvalid.val()];
                assert_eq!(asked, [page && valid; 3], "{address:#x}");
                let asked = [route.pipeline_awvalid.val(), route.pipeline_wvalid.val(), route.pipeline_arvalid.val()];
                assert_eq!(asked, [!page && valid; 3], "{address:#x}");
                assert!(route.s_axil_awready.val() && route.s_axil_wready.val() && route.s_axil_arready.val());
                assert_eq!((route.s_axil_bvalid.val(), route.s_axil_rvalid.val()), (valid, valid));
                if valid {
                    let (response, word) = if page { (2, 22) } else { (1, 11) };
                    assert_eq!(route.s_axil_bresp.val().to_u64(), response);
                    assert_eq!(route.s_axil_rresp.val().to_u64(), response);
                    assert_eq!(route.s_axil_rdata.val().to_u64(), word);
                }
            }
        }
    }
}
