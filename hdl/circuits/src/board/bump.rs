//! A bump in the wire between the switch and the host's NIC: two RGMII ports, and the pipeline between them.
//!
//! What the switch sends goes through the receiving side of the pipeline to the host, what the host sends through the sending
//! side to the switch; each way keeps whole frames before it and queues what leaves it. Everything behind the receiving pins
//! runs in the core clock. The loss of a link shows at the other port. Without a reset's end nothing crosses: a board that is
//! not configured cuts its host off.

use rust_hdl::prelude::*;
use weir_spec::nic::Identity;

use super::glow::Glow;
use super::keep::{Keep, LastByte};
use super::mirror::Mirror;
use super::outlet::Outlet;
use super::phy::Phy;
use super::port::{PortIn, PortOut};
use super::pump::Pump;
use super::start::Start;
use super::ticker::Ticker;
use super::turns::Turns;
use crate::cell::address::ADDRESS;
use crate::stage::gate::DropStyle;
use crate::top::weir64::Pipeline;

/// What a board is to be made of: from its `board.toml`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// What the id block says; the clock is a whole number of MHz.
    pub identity: Identity,
    /// The port towards the switch.
    pub switch: PortSettings,
    /// The port towards the host.
    pub host: PortSettings,
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

    /// AXI4-Lite slave, in the core clock.
    pub s_axil_awaddr: Signal<In, Bits<ADDRESS>>,
    /// Write address valid.
    pub s_axil_awvalid: Signal<In, Bit>,
    /// Write address taken.
    pub s_axil_awready: Signal<Out, Bit>,
    /// Write data.
    pub s_axil_wdata: Signal<In, Bits<32>>,
    /// Whole words alone.
    pub s_axil_wstrb: Signal<In, Bits<4>>,
    /// Write data valid.
    pub s_axil_wvalid: Signal<In, Bit>,
    /// Write data taken.
    pub s_axil_wready: Signal<Out, Bit>,
    /// 0 done, 2 refused.
    pub s_axil_bresp: Signal<Out, Bits<2>>,
    /// Write answered.
    pub s_axil_bvalid: Signal<Out, Bit>,
    /// Answer taken.
    pub s_axil_bready: Signal<In, Bit>,
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
    /// Answer taken.
    pub s_axil_rready: Signal<In, Bit>,

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
        let Settings { identity, switch, host } = settings;
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
            s_axil_awaddr: Default::default(),
            s_axil_awvalid: Default::default(),
            s_axil_awready: Default::default(),
            s_axil_wdata: Default::default(),
            s_axil_wstrb: Default::default(),
            s_axil_wvalid: Default::default(),
            s_axil_wready: Default::default(),
            s_axil_bresp: Default::default(),
            s_axil_bvalid: Default::default(),
            s_axil_bready: Default::default(),
            s_axil_araddr: Default::default(),
            s_axil_arvalid: Default::default(),
            s_axil_arready: Default::default(),
            s_axil_rdata: Default::default(),
            s_axil_rresp: Default::default(),
            s_axil_rvalid: Default::default(),
            s_axil_rready: Default::default(),
            lights: Default::default(),
            start: Default::default(),
            ticker: Ticker::new(identity.clock_khz / 1000),
            switch_in: PortIn::new(switch.delay),
            switch_out: Default::default(),
            host_in: PortIn::new(host.delay),
            host_out: Default::default(),
            rx_pump: Default::default(),
            tx_pump: Default::default(),
            rx_keep: Default::default(),
            tx_keep: Default::default(),
            rx_last: Default::default(),
            tx_last: Default::default(),
            rx_outlet: Default::default(),
            tx_outlet: Default::default(),
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
        self.host_out.s_valid.next = self.rx_outlet.m_valid.val();
        self.host_out.s_data.next = self.rx_outlet.m_data.val();
        self.host_out.s_last_byte.next = self.rx_outlet.m_last_byte.val();
        self.host_out.s_last.next = self.rx_outlet.m_last.val();
        self.rx_outlet.m_taken.next = self.host_out.s_taken.val();
        self.host_tx_clk.next = self.host_out.tx_clk.val();
        self.host_tx_ctl.next = self.host_out.tx_ctl.val();
        self.host_tx_data.next = self.host_out.tx_data.val();

        // From the host to the switch.
        self.host_in.rx_clk.next = self.host_rx_clk.val();
        self.host_in.rx_ctl.next = self.host_rx_ctl.val();
        self.host_in.rx_data.next = self.host_rx_data.val();
        self.tx_pump.s_valid.next = self.host_in.m_valid.val();
        self.tx_pump.s_last.next = self.host_in.m_last.val();
        self.tx_pump.room_to_begin.next = self.tx_outlet.room_to_begin.val();
        self.tx_pump.room_to_go_on.next = self.tx_outlet.room_to_go_on.val();
        self.host_in.m_taken.next = self.tx_pump.m_taken.val();
        self.tx_keep.s_last.next = self.host_in.m_last.val();
        self.tx_keep.s_last_byte.next = self.host_in.m_last_byte.val();
        self.pipeline.s_axis_tx_tdata.next = self.host_in.m_data.val();
        self.pipeline.s_axis_tx_tkeep.next = self.tx_keep.m_keep.val();
        self.pipeline.s_axis_tx_tvalid.next = self.tx_pump.m_taken.val();
        self.pipeline.s_axis_tx_tlast.next = self.host_in.m_last.val();
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

        // Registers.
        self.pipeline.s_axil_awaddr.next = self.s_axil_awaddr.val();
        self.pipeline.s_axil_awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.pipeline.s_axil_awready.val();
        self.pipeline.s_axil_wdata.next = self.s_axil_wdata.val();
        self.pipeline.s_axil_wstrb.next = self.s_axil_wstrb.val();
        self.pipeline.s_axil_wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.pipeline.s_axil_wready.val();
        self.s_axil_bresp.next = self.pipeline.s_axil_bresp.val();
        self.s_axil_bvalid.next = self.pipeline.s_axil_bvalid.val();
        self.pipeline.s_axil_bready.next = self.s_axil_bready.val();
        self.pipeline.s_axil_araddr.next = self.s_axil_araddr.val();
        self.pipeline.s_axil_arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.pipeline.s_axil_arready.val();
        self.s_axil_rdata.next = self.pipeline.s_axil_rdata.val();
        self.s_axil_rresp.next = self.pipeline.s_axil_rresp.val();
        self.s_axil_rvalid.next = self.pipeline.s_axil_rvalid.val();
        self.pipeline.s_axil_rready.next = self.s_axil_rready.val();

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
        let settings = Settings { identity, ..Settings::default() };
        crate::on_large_stack(move || {
            crate::emit(&mut Board::new(settings), "bump").expect("nothing that Verilog takes otherwise");
            crate::emit(&mut Bench::new(settings), "bump").expect("nothing that Verilog takes otherwise");
        });
    }
}
