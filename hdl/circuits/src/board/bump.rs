//! A bump in the wire between the switch and the host's NIC: two RGMII ports, and the pipeline between them.
//!
//! What the switch sends goes through the receiving side of the pipeline to the host, what the host sends through the sending
//! side to the switch; each way keeps whole frames before it and queues what leaves it. Everything behind the receiving pins
//! runs in the core clock. The loss of a link shows at the other port. Without a reset's end nothing crosses: a board that is
//! not configured cuts its host off.

use rust_hdl::prelude::*;
use weir_spec::nic::Identity;

use super::control::ControlPort;
use super::flash::{BoardFlash, FlashMap};
use super::glow::Glow;
use super::grade::Grader;
use super::keep::{Keep, LastByte};
use super::merge::Merge;
use super::mirror::Mirror;
use super::outlet::Outlet;
use super::page::BoardPage;
use super::phy::Phy;
use super::port::{PortIn, PortOut};
use super::pump::Pump;
use super::route::Route;
use super::split::Split;
use super::start::Start;
use super::ticker::Ticker;
use super::turns::Turns;
use crate::stage::gate::DropStyle;
use crate::top::weir64::Pipeline;

/// What a board is to be made of: from its `board.toml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// What the id block says; the clock is a whole number of MHz.
    pub identity: Identity,
    /// The port towards the switch.
    pub switch: PortSettings,
    /// The port towards the host.
    pub host: PortSettings,
    /// Where in the flash what is.
    pub flash: FlashMap,
}

/// What is a port's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PortSettings {
    /// Steps that its pins are seen late, as [`PortIn::new`].
    pub delay: u8,
    /// Address of its PHY, if it is not to be sought.
    pub phy: Option<u8>,
}

/// See the module. Times are powers of two: `D` of `mdc` in clocks, `T` of a turn on MDIO (`D + 7`), `P` of the reset of a PHY, `M` of the patience until two
/// links have to agree, `R` of the reset, `G` of a light.
#[derive(LogicBlock)]
pub struct Bump<const D: usize, const T: usize, const P: usize, const M: usize, const R: usize, const G: usize> {
    /// Core clock, of the PLL.
    pub core_clock: Signal<In, Clock>,
    /// Clock of the TXC of the port towards the switch: the core clock, or where the PHY adds no delay, it a quarter later.
    pub switch_late_clock: Signal<In, Clock>,
    /// The same of the port towards the host.
    pub host_late_clock: Signal<In, Clock>,
    /// The PLL has locked, and nobody presses the button.
    pub ready: Signal<In, Bit>,

    /// Port towards the switch: RXC.
    pub switch_rx_clk: Signal<In, Clock>,
    /// RX_CTL.
    pub switch_rx_ctl: Signal<In, Bit>,
    /// RXD.
    pub switch_rx_data: Signal<In, Bits<4>>,
    /// TXC.
    pub switch_tx_clk: Signal<Out, Bit>,
    /// TX_CTL.
    pub switch_tx_ctl: Signal<Out, Bit>,
    /// TXD.
    pub switch_tx_data: Signal<Out, Bits<4>>,
    /// Reset of its PHY.
    pub switch_rst_n: Signal<Out, Bit>,
    /// Clock of its MDIO.
    pub switch_mdc: Signal<Out, Bit>,
    /// Level to drive.
    pub switch_mdio_out: Signal<Out, Bit>,
    /// Drive it.
    pub switch_mdio_drive: Signal<Out, Bit>,
    /// Level of the pin.
    pub switch_mdio_in: Signal<In, Bit>,

    /// Port towards the host: RXC.
    pub host_rx_clk: Signal<In, Clock>,
    /// RX_CTL.
    pub host_rx_ctl: Signal<In, Bit>,
    /// RXD.
    pub host_rx_data: Signal<In, Bits<4>>,
    /// TXC.
    pub host_tx_clk: Signal<Out, Bit>,
    /// TX_CTL.
    pub host_tx_ctl: Signal<Out, Bit>,
    /// TXD.
    pub host_tx_data: Signal<Out, Bits<4>>,
    /// Reset of its PHY.
    pub host_rst_n: Signal<Out, Bit>,
    /// Clock of its MDIO.
    pub host_mdc: Signal<Out, Bit>,
    /// Level to drive.
    pub host_mdio_out: Signal<Out, Bit>,
    /// Drive it.
    pub host_mdio_drive: Signal<Out, Bit>,
    /// Level of the pin.
    pub host_mdio_in: Signal<In, Bit>,

    /// Chip select of the configuration flash.
    pub spi_cs_n: Signal<Out, Bit>,
    /// To it.
    pub spi_mosi: Signal<Out, Bit>,
    /// From it.
    pub spi_miso: Signal<In, Bit>,
    /// Its clock, which on an ECP5 leaves by no pin.
    pub spi_clock: Signal<Out, Bit>,

    /// Lights: 0 link of the switch, 1 link of the host, 2 frames from the switch, 3 frames from the host, 4 the lease has run
    /// out, 5 alive (about once a second), 6 a frame was refused, faulty or cut, 7 both PHYs were found.
    pub lights: Signal<Out, Bits<8>>,

    start: Start<R>,
    ticker: Ticker,
    switch_in: PortIn,
    switch_out: PortOut,
    host_in: PortIn,
    host_out: PortOut,
    // Towards the host, and towards the switch.
    rx_pump: Pump,
    tx_pump: Pump,
    rx_keep: Keep,
    tx_keep: Keep,
    rx_last: LastByte,
    tx_last: LastByte,
    rx_outlet: Outlet<9, 10>,
    tx_outlet: Outlet<9, 10>,
    split: Split,
    merge: Merge,
    control: ControlPort,
    route: Route,
    flash: BoardFlash<3, 23>,
    page: BoardPage,
    pipeline: Pipeline,
    switch_phy: Phy<D, P>,
    host_phy: Phy<D, P>,
    turns: Turns<T>,
    mirror: Mirror<M>,
    glows: [Glow<G>; 3],
    link_is_down: DFF<Bit>,
    reset: Signal<Local, Bit>,
}

/// The times of a board: mdc of 1.95 MHz, 17 ms for the reset of a PHY and 117 ms until it is asked, 4.3 s of patience, 0.5 ms of reset,
/// 0.13 s of light, all at 125 MHz.
pub type Board = Bump<6, 13, 21, 29, 16, 24>;

/// The times of a bench, which would wait for long: hundreds of clocks.
pub type Bench = Bump<3, 10, 5, 12, 5, 6>;

impl<const D: usize, const T: usize, const P: usize, const M: usize, const R: usize, const G: usize>
    Bump<D, T, P, M, R, G>
{
    /// The board of these settings.
    pub fn new(settings: Settings) -> Self {
        let Settings { identity, switch, host, flash } = settings;
        assert!(T == D + 7, "a turn is 2^{} clocks, not 2^{T}", D + 7);
        assert!(
            identity.clock_khz.is_multiple_of(1000),
            "a core clock is a whole number of MHz: {}",
            identity.clock_khz
        );
        Bump {
            core_clock: Default::default(),
            switch_late_clock: Default::default(),
            host_late_clock: Default::default(),
            ready: Default::default(),
            switch_rx_clk: Default::default(),
            switch_rx_ctl: Default::default(),
            switch_rx_data: Default::default(),
            switch_tx_clk: Default::default(),
            switch_tx_ctl: Default::default(),
            switch_tx_data: Default::default(),
            switch_rst_n: Default::default(),
            switch_mdc: Default::default(),
            switch_mdio_out: Default::default(),
            switch_mdio_drive: Default::default(),
            switch_mdio_in: Default::default(),
            host_rx_clk: Default::default(),
            host_rx_ctl: Default::default(),
            host_rx_data: Default::default(),
            host_tx_clk: Default::default(),
            host_tx_ctl: Default::default(),
            host_tx_data: Default::default(),
            host_rst_n: Default::default(),
            host_mdc: Default::default(),
            host_mdio_out: Default::default(),
            host_mdio_drive: Default::default(),
            host_mdio_in: Default::default(),
            spi_cs_n: Default::default(),
            spi_mosi: Default::default(),
            spi_miso: Default::default(),
            spi_clock: Default::default(),
            lights: Default::default(),
            start: Default::default(),
            ticker: Ticker::new(identity.clock_khz / 1000),
            switch_in: PortIn::new(switch.delay, Grader::of_switch()),
            switch_out: Default::default(),
            host_in: PortIn::new(host.delay, Grader::default()),
            host_out: Default::default(),
            rx_pump: Default::default(),
            tx_pump: Default::default(),
            rx_keep: Default::default(),
            tx_keep: Default::default(),
            rx_last: Default::default(),
            tx_last: Default::default(),
            rx_outlet: Default::default(),
            tx_outlet: Default::default(),
            split: Default::default(),
            merge: Default::default(),
            control: Default::default(),
            route: Default::default(),
            flash: BoardFlash::new(flash),
            page: BoardPage::new(identity.board),
            pipeline: Pipeline::new(Identity { width_bytes: 8, ..identity }, DropStyle::Suppress),
            switch_phy: Phy::new(switch.phy),
            host_phy: Phy::new(host.phy),
            turns: Default::default(),
            mirror: Default::default(),
            glows: Default::default(),
            link_is_down: Default::default(),
            reset: Default::default(),
        }
    }
}

impl<const D: usize, const T: usize, const P: usize, const M: usize, const R: usize, const G: usize> Logic
    for Bump<D, T, P, M, R, G>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, core_clock, link_is_down);
        clock!(self, core_clock, start, ticker, switch_in, switch_out, host_in, host_out, rx_pump, tx_pump);
        clock!(self, core_clock, rx_outlet, tx_outlet, pipeline, switch_phy, host_phy, mirror, turns);
        clock!(self, core_clock, split, merge, control, flash, page);
        for i in 0..3 {
            self.glows[i].clock.next = self.core_clock.val();
        }
        self.switch_out.late_clock.next = self.switch_late_clock.val();
        self.host_out.late_clock.next = self.host_late_clock.val();
        self.start.ready.next = self.ready.val();
        self.reset.next = self.start.reset.val();
        self.ticker.reset.next = self.reset.val();
        self.switch_in.reset.next = self.reset.val();
        self.switch_out.reset.next = self.reset.val();
        self.host_in.reset.next = self.reset.val();
        self.host_out.reset.next = self.reset.val();
        self.rx_pump.reset.next = self.reset.val();
        self.tx_pump.reset.next = self.reset.val();
        self.rx_outlet.reset.next = self.reset.val();
        self.tx_outlet.reset.next = self.reset.val();
        self.pipeline.aresetn.next = !self.reset.val();
        self.switch_phy.reset.next = self.reset.val();
        self.host_phy.reset.next = self.reset.val();
        self.mirror.reset.next = self.reset.val();
        self.turns.reset.next = self.reset.val();
        self.split.reset.next = self.reset.val();
        self.merge.reset.next = self.reset.val();
        self.control.reset.next = self.reset.val();
        self.flash.reset.next = self.reset.val();
        self.page.reset.next = self.reset.val();
        self.pipeline.nic_time.next = self.ticker.nic_time.val();

        // From the switch to the host.
        self.switch_in.rx_clk.next = self.switch_rx_clk.val();
        self.switch_in.rx_ctl.next = self.switch_rx_ctl.val();
        self.switch_in.rx_data.next = self.switch_rx_data.val();
        self.rx_pump.s_valid.next = self.switch_in.m_valid.val();
        self.rx_pump.s_last.next = self.switch_in.m_last.val();
        self.rx_pump.room_to_begin.next = self.rx_outlet.room_to_begin.val();
        self.rx_pump.room_to_go_on.next = self.rx_outlet.room_to_go_on.val();
        self.switch_in.m_taken.next = self.rx_pump.m_taken.val();
        self.rx_keep.s_last.next = self.switch_in.m_last.val();
        self.rx_keep.s_last_byte.next = self.switch_in.m_last_byte.val();
        self.pipeline.s_axis_rx_tdata.next = self.switch_in.m_data.val();
        self.pipeline.s_axis_rx_tkeep.next = self.rx_keep.m_keep.val();
        self.pipeline.s_axis_rx_tvalid.next = self.rx_pump.m_taken.val();
        self.pipeline.s_axis_rx_tlast.next = self.switch_in.m_last.val();
        self.pipeline.s_axis_rx_tuser.next = false;
        self.rx_last.s_keep.next = self.pipeline.m_axis_rx_tkeep.val();
        self.rx_outlet.s_valid.next = self.pipeline.m_axis_rx_tvalid.val();
        self.rx_outlet.s_data.next = self.pipeline.m_axis_rx_tdata.val();
        self.rx_outlet.s_last_byte.next = self.rx_last.m_last_byte.val();
        self.rx_outlet.s_last.next = self.pipeline.m_axis_rx_tlast.val();
        self.host_out.hurry.next = self.switch_in.high.val();
        self.merge.s_valid.next = self.rx_outlet.m_valid.val();
        self.merge.s_data.next = self.rx_outlet.m_data.val();
        self.merge.s_last_byte.next = self.rx_outlet.m_last_byte.val();
        self.merge.s_last.next = self.rx_outlet.m_last.val();
        self.rx_outlet.m_taken.next = self.merge.s_taken.val();
        self.merge.a_valid.next = self.control.m_valid.val();
        self.merge.a_data.next = self.control.m_data.val();
        self.merge.a_last_byte.next = self.control.m_last_byte.val();
        self.merge.a_last.next = self.control.m_last.val();
        self.control.m_taken.next = self.merge.a_taken.val();
        self.host_out.s_valid.next = self.merge.m_valid.val();
        self.host_out.s_data.next = self.merge.m_data.val();
        self.host_out.s_last_byte.next = self.merge.m_last_byte.val();
        self.host_out.s_last.next = self.merge.m_last.val();
        self.merge.m_taken.next = self.host_out.s_taken.val();
        self.host_tx_clk.next = self.host_out.tx_clk.val();
        self.host_tx_ctl.next = self.host_out.tx_ctl.val();
        self.host_tx_data.next = self.host_out.tx_data.val();

        // From the host to the switch.
        self.host_in.rx_clk.next = self.host_rx_clk.val();
        self.host_in.rx_ctl.next = self.host_rx_ctl.val();
        self.host_in.rx_data.next = self.host_rx_data.val();
        self.split.s_valid.next = self.host_in.m_valid.val();
        self.split.s_data.next = self.host_in.m_data.val();
        self.split.s_last_byte.next = self.host_in.m_last_byte.val();
        self.split.s_last.next = self.host_in.m_last.val();
        self.host_in.m_taken.next = self.split.s_taken.val();
        self.control.s_valid.next = self.split.c_valid.val();
        self.control.s_data.next = self.split.c_data.val();
        self.control.s_last_byte.next = self.split.c_last_byte.val();
        self.control.s_last.next = self.split.c_last.val();
        self.split.c_taken.next = self.control.s_taken.val();
        self.tx_pump.s_valid.next = self.split.m_valid.val();
        self.tx_pump.s_last.next = self.split.m_last.val();
        self.tx_pump.room_to_begin.next = self.tx_outlet.room_to_begin.val();
        self.tx_pump.room_to_go_on.next = self.tx_outlet.room_to_go_on.val();
        self.split.m_taken.next = self.tx_pump.m_taken.val();
        self.tx_keep.s_last.next = self.split.m_last.val();
        self.tx_keep.s_last_byte.next = self.split.m_last_byte.val();
        self.pipeline.s_axis_tx_tdata.next = self.split.m_data.val();
        self.pipeline.s_axis_tx_tkeep.next = self.tx_keep.m_keep.val();
        self.pipeline.s_axis_tx_tvalid.next = self.tx_pump.m_taken.val();
        self.pipeline.s_axis_tx_tlast.next = self.split.m_last.val();
        self.pipeline.s_axis_tx_tuser.next = false;
        self.tx_last.s_keep.next = self.pipeline.m_axis_tx_tkeep.val();
        self.tx_outlet.s_valid.next = self.pipeline.m_axis_tx_tvalid.val();
        self.tx_outlet.s_data.next = self.pipeline.m_axis_tx_tdata.val();
        self.tx_outlet.s_last_byte.next = self.tx_last.m_last_byte.val();
        self.tx_outlet.s_last.next = self.pipeline.m_axis_tx_tlast.val();
        self.switch_out.hurry.next = self.host_in.high.val();
        self.switch_out.s_valid.next = self.tx_outlet.m_valid.val();
        self.switch_out.s_data.next = self.tx_outlet.m_data.val();
        self.switch_out.s_last_byte.next = self.tx_outlet.m_last_byte.val();
        self.switch_out.s_last.next = self.tx_outlet.m_last.val();
        self.tx_outlet.m_taken.next = self.switch_out.s_taken.val();
        self.switch_tx_clk.next = self.switch_out.tx_clk.val();
        self.switch_tx_ctl.next = self.switch_out.tx_ctl.val();
        self.switch_tx_data.next = self.switch_out.tx_data.val();

        // Registers: the host's port asks, the pipeline or the board's page answers.
        self.route.s_axil_awaddr.next = self.control.m_axil_awaddr.val();
        self.route.s_axil_awvalid.next = self.control.m_axil_awvalid.val();
        self.route.s_axil_wvalid.next = self.control.m_axil_wvalid.val();
        self.route.s_axil_araddr.next = self.control.m_axil_araddr.val();
        self.route.s_axil_arvalid.next = self.control.m_axil_arvalid.val();
        self.control.m_axil_awready.next = self.route.s_axil_awready.val();
        self.control.m_axil_wready.next = self.route.s_axil_wready.val();
        self.control.m_axil_bresp.next = self.route.s_axil_bresp.val();
        self.control.m_axil_bvalid.next = self.route.s_axil_bvalid.val();
        self.control.m_axil_arready.next = self.route.s_axil_arready.val();
        self.control.m_axil_rdata.next = self.route.s_axil_rdata.val();
        self.control.m_axil_rresp.next = self.route.s_axil_rresp.val();
        self.control.m_axil_rvalid.next = self.route.s_axil_rvalid.val();
        self.pipeline.s_axil_awaddr.next = self.control.m_axil_awaddr.val();
        self.pipeline.s_axil_awvalid.next = self.route.pipeline_awvalid.val();
        self.pipeline.s_axil_wdata.next = self.control.m_axil_wdata.val();
        self.pipeline.s_axil_wstrb.next = self.control.m_axil_wstrb.val();
        self.pipeline.s_axil_wvalid.next = self.route.pipeline_wvalid.val();
        self.pipeline.s_axil_bready.next = self.control.m_axil_bready.val();
        self.pipeline.s_axil_araddr.next = self.control.m_axil_araddr.val();
        self.pipeline.s_axil_arvalid.next = self.route.pipeline_arvalid.val();
        self.pipeline.s_axil_rready.next = self.control.m_axil_rready.val();
        self.route.pipeline_awready.next = self.pipeline.s_axil_awready.val();
        self.route.pipeline_wready.next = self.pipeline.s_axil_wready.val();
        self.route.pipeline_bresp.next = self.pipeline.s_axil_bresp.val();
        self.route.pipeline_bvalid.next = self.pipeline.s_axil_bvalid.val();
        self.route.pipeline_arready.next = self.pipeline.s_axil_arready.val();
        self.route.pipeline_rdata.next = self.pipeline.s_axil_rdata.val();
        self.route.pipeline_rresp.next = self.pipeline.s_axil_rresp.val();
        self.route.pipeline_rvalid.next = self.pipeline.s_axil_rvalid.val();
        self.page.s_axil_awaddr.next = self.control.m_axil_awaddr.val();
        self.page.s_axil_awvalid.next = self.route.page_awvalid.val();
        self.page.s_axil_wdata.next = self.control.m_axil_wdata.val();
        self.page.s_axil_wstrb.next = self.control.m_axil_wstrb.val();
        self.page.s_axil_wvalid.next = self.route.page_wvalid.val();
        self.page.s_axil_bready.next = self.control.m_axil_bready.val();
        self.page.s_axil_araddr.next = self.control.m_axil_araddr.val();
        self.page.s_axil_arvalid.next = self.route.page_arvalid.val();
        self.page.s_axil_rready.next = self.control.m_axil_rready.val();
        self.route.page_awready.next = self.page.s_axil_awready.val();
        self.route.page_wready.next = self.page.s_axil_wready.val();
        self.route.page_bresp.next = self.page.s_axil_bresp.val();
        self.route.page_bvalid.next = self.page.s_axil_bvalid.val();
        self.route.page_arready.next = self.page.s_axil_arready.val();
        self.route.page_rdata.next = self.page.s_axil_rdata.val();
        self.route.page_rresp.next = self.page.s_axil_rresp.val();
        self.route.page_rvalid.next = self.page.s_axil_rvalid.val();

        // The flash: key and number of this start for the host's port, a window for the host.
        self.spi_cs_n.next = self.flash.spi_cs_n.val();
        self.spi_mosi.next = self.flash.spi_mosi.val();
        self.spi_clock.next = self.flash.spi_clock.val();
        self.flash.spi_miso.next = self.spi_miso.val();
        self.control.key_ready.next = self.flash.key_ready.val();
        self.control.key_there.next = self.flash.key_there.val();
        self.control.key.next = self.flash.key.val();
        self.control.boot_there.next = self.flash.boot_there.val();
        self.control.boot.next = self.flash.boot.val();
        self.flash.store.next = self.control.store.val();
        self.flash.store_key.next = self.control.store_key.val();
        self.control.stored.next = self.flash.stored.val();
        self.control.store_failed.next = self.flash.store_failed.val();
        self.flash.w_go.next = self.page.w_go.val();
        self.flash.w_opcode.next = self.page.w_opcode.val();
        self.flash.w_address.next = self.page.w_address.val();
        self.flash.w_count.next = self.page.w_count.val();
        self.flash.w_we.next = self.page.w_we.val();
        self.flash.w_at.next = self.page.w_at.val();
        self.flash.w_data.next = self.page.w_data.val();
        self.page.w_busy.next = self.flash.w_busy.val();
        self.page.w_lawful.next = self.flash.w_lawful.val();
        self.page.w_word.next = self.flash.w_word.val();

        // What the page tells of.
        self.page.keyed.next = self.control.keyed.val();
        self.page.boot_there.next = self.flash.boot_there.val();
        self.page.boot.next = self.flash.boot.val();
        self.page.link.next = bit_cast::<2, 1>(self.switch_phy.link.val().into())
            | (bit_cast::<2, 1>(self.host_phy.link.val().into()) << 1);
        self.page.found.next = bit_cast::<2, 1>(self.switch_phy.found.val().into())
            | (bit_cast::<2, 1>(self.host_phy.found.val().into()) << 1);
        self.page.phy0_address.next = self.switch_phy.address.val();
        self.page.phy0_identifier.next = self.switch_phy.identifier.val();
        self.page.phy1_address.next = self.host_phy.address.val();
        self.page.phy1_identifier.next = self.host_phy.identifier.val();
        self.page.events.next = bit_cast::<24, 1>(self.switch_in.stat_kept.val().into())
            | (bit_cast::<24, 1>(self.switch_in.stat_refused.val().into()) << 1)
            | (bit_cast::<24, 1>(self.switch_in.stat_sequence.val().into()) << 2)
            | (bit_cast::<24, 1>(self.switch_in.stat_length.val().into()) << 3)
            | (bit_cast::<24, 1>(self.switch_in.stat_signal.val().into()) << 4)
            | (bit_cast::<24, 1>(self.switch_out.stat_cut.val().into()) << 5)
            | (bit_cast::<24, 1>(self.tx_outlet.stat_spilled.val().into()) << 6)
            | (bit_cast::<24, 1>(self.host_in.stat_kept.val().into()) << 8)
            | (bit_cast::<24, 1>(self.host_in.stat_refused.val().into()) << 9)
            | (bit_cast::<24, 1>(self.host_in.stat_sequence.val().into()) << 10)
            | (bit_cast::<24, 1>(self.host_in.stat_length.val().into()) << 11)
            | (bit_cast::<24, 1>(self.host_in.stat_signal.val().into()) << 12)
            | (bit_cast::<24, 1>(self.host_out.stat_cut.val().into()) << 13)
            | (bit_cast::<24, 1>(self.rx_outlet.stat_spilled.val().into()) << 14)
            | (bit_cast::<24, 1>(self.control.stat_malformed.val().into()) << 16)
            | (bit_cast::<24, 1>(self.control.stat_tag.val().into()) << 17)
            | (bit_cast::<24, 1>(self.control.stat_session.val().into()) << 18)
            | (bit_cast::<24, 1>(self.control.stat_sequence.val().into()) << 19)
            | (bit_cast::<24, 1>(self.control.stat_missed.val().into()) << 20);

        // PHYs and links; the PHYs may share a wire.
        self.switch_phy.turn.next = self.turns.first.val();
        self.host_phy.turn.next = self.turns.second.val();
        self.switch_phy.down.next = self.mirror.switch_down.val();
        self.host_phy.down.next = self.mirror.host_down.val();
        self.mirror.switch_link.next = self.switch_phy.link.val();
        self.mirror.host_link.next = self.host_phy.link.val();
        self.link_is_down.d.next = !self.switch_phy.link.val();
        self.pipeline.link_down.next = self.link_is_down.q.val();
        self.switch_rst_n.next = self.switch_phy.phy_reset_n.val();
        self.switch_mdc.next = self.switch_phy.mdc.val();
        self.switch_mdio_out.next = self.switch_phy.mdio_out.val();
        self.switch_mdio_drive.next = self.switch_phy.mdio_drive.val();
        self.switch_phy.mdio_in.next = self.switch_mdio_in.val();
        self.host_rst_n.next = self.host_phy.phy_reset_n.val();
        self.host_mdc.next = self.host_phy.mdc.val();
        self.host_mdio_out.next = self.host_phy.mdio_out.val();
        self.host_mdio_drive.next = self.host_phy.mdio_drive.val();
        self.host_phy.mdio_in.next = self.host_mdio_in.val();

        // Lights.
        self.glows[0].s_event.next = self.switch_in.stat_kept.val();
        self.glows[1].s_event.next = self.host_in.stat_kept.val();
        self.glows[2].s_event.next = self.switch_in.stat_refused.val()
            | self.switch_in.stat_sequence.val()
            | self.switch_in.stat_length.val()
            | self.switch_in.stat_signal.val()
            | self.host_in.stat_refused.val()
            | self.host_in.stat_sequence.val()
            | self.host_in.stat_length.val()
            | self.host_in.stat_signal.val()
            | self.switch_out.stat_cut.val()
            | self.host_out.stat_cut.val()
            | self.rx_outlet.stat_spilled.val()
            | self.tx_outlet.stat_spilled.val();
        self.lights.next = bit_cast::<8, 1>(self.switch_phy.link.val().into())
            | (bit_cast::<8, 1>(self.host_phy.link.val().into()) << 1)
            | (bit_cast::<8, 1>(self.glows[0].lit.val().into()) << 2)
            | (bit_cast::<8, 1>(self.glows[1].lit.val().into()) << 3)
            | (bit_cast::<8, 1>(self.pipeline.fenced.val().into()) << 4)
            | (bit_cast::<8, 1>(self.ticker.nic_time.val().get_bit(19).into()) << 5)
            | (bit_cast::<8, 1>(self.glows[2].lit.val().into()) << 6)
            | (bit_cast::<8, 1>((self.switch_phy.found.val() & self.host_phy.found.val()).into()) << 7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog_with_the_times_of_a_board_and_of_a_bench() {
        let identity = Identity { clock_khz: 125_000, ..Identity::default() };
        let flash = FlashMap::new(0, 0x7f0000, 0x7e0000, &[0x800000, 0xffff00]);
        let settings = Settings { identity, switch: PortSettings::default(), host: PortSettings::default(), flash };
        crate::on_large_stack(move || {
            crate::emit(&mut Board::new(settings), "bump").expect("nothing that Verilog takes otherwise");
            crate::emit(&mut Bench::new(settings), "bump").expect("nothing that Verilog takes otherwise");
        });
    }
}
