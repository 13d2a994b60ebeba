//! The whole NIC: what frames see, what a host talks to, and the flow table's and bucket heat's desks between them.

use rust_hdl::prelude::*;
use weir_spec::nic::Identity;

use super::datapath::Datapath;
use super::parts::*;
use super::schedule::FENCE_AT;
use crate::cell::address::ADDRESS;
use crate::cell::replica::Replica;
use crate::control::mailbox::Mailbox;
use crate::control::plane::Plane;
use crate::stage::gate::DropStyle;

/// The top; its ports are the contract with shells and benches.
#[derive(LogicBlock)]
pub struct Pipeline {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Reset, active low, synchronous.
    pub aresetn: Signal<In, Bit>,
    /// NIC_TIME from the shell: microseconds, free-running, in the core clock.
    pub nic_time: Signal<In, Bits<64>>,

    /// From the wire, without FCS.
    pub s_axis_rx_tdata: Signal<In, Bits<W>>,
    /// Bytes of the last beat, contiguous from bit 0.
    pub s_axis_rx_tkeep: Signal<In, Bits<K>>,
    /// A beat.
    pub s_axis_rx_tvalid: Signal<In, Bit>,
    /// The last of a frame.
    pub s_axis_rx_tlast: Signal<In, Bit>,
    /// With the last beat: bad FCS. Carried along.
    pub s_axis_rx_tuser: Signal<In, Bit>,
    /// To the host.
    pub m_axis_rx_tdata: Signal<Out, Bits<W>>,
    /// As it came.
    pub m_axis_rx_tkeep: Signal<Out, Bits<K>>,
    /// A beat.
    pub m_axis_rx_tvalid: Signal<Out, Bit>,
    /// The last of a frame.
    pub m_axis_rx_tlast: Signal<Out, Bit>,
    /// As it came.
    pub m_axis_rx_tuser: Signal<Out, Bit>,

    /// From the host.
    pub s_axis_tx_tdata: Signal<In, Bits<W>>,
    /// Bytes of the last beat, contiguous from bit 0.
    pub s_axis_tx_tkeep: Signal<In, Bits<K>>,
    /// A beat.
    pub s_axis_tx_tvalid: Signal<In, Bit>,
    /// The last of a frame.
    pub s_axis_tx_tlast: Signal<In, Bit>,
    /// Carried along.
    pub s_axis_tx_tuser: Signal<In, Bit>,
    /// To the wire.
    pub m_axis_tx_tdata: Signal<Out, Bits<W>>,
    /// As it came.
    pub m_axis_tx_tkeep: Signal<Out, Bits<K>>,
    /// A beat.
    pub m_axis_tx_tvalid: Signal<Out, Bit>,
    /// The last of a frame.
    pub m_axis_tx_tlast: Signal<Out, Bit>,
    /// As it came.
    pub m_axis_tx_tuser: Signal<Out, Bit>,

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

    /// One pulse a received frame, before it leaves; for benches and waveforms.
    pub rx_verdict_valid: Signal<Out, Bit>,
    /// `Decision::encode`.
    pub rx_verdict_data: Signal<Out, Bits<32>>,
    /// One pulse a sent frame.
    pub tx_verdict_valid: Signal<Out, Bit>,
    /// `Egress::encode`.
    pub tx_verdict_data: Signal<Out, Bits<32>>,
    /// The lease has run out.
    pub fenced: Signal<Out, Bit>,
    /// The port has no link; low where the shell cannot tell.
    pub link_down: Signal<In, Bit>,
    /// Conditions a host wants to know of, by vector: 0 the lease ends soon, 1 fenced, 2 many flows, 3 no link. The shell
    /// sends the vector of a bit that rises.
    pub irq: Signal<Out, Bits<4>>,

    // One for each of plane, datapath and mailbox: they are far apart.
    resets: [Replica<Bit>; 3],
    plane: Plane<FENCE_AT, RULE_TALLY>,
    datapath: Datapath,
    mailbox: Mailbox,
    heat: TheHeat,
}

impl Pipeline {
    /// The NIC of this identity; received frames are dropped in this style.
    pub fn new(identity: Identity, style: DropStyle) -> Self {
        Pipeline {
            clock: Default::default(),
            aresetn: Default::default(),
            nic_time: Default::default(),
            s_axis_rx_tdata: Default::default(),
            s_axis_rx_tkeep: Default::default(),
            s_axis_rx_tvalid: Default::default(),
            s_axis_rx_tlast: Default::default(),
            s_axis_rx_tuser: Default::default(),
            m_axis_rx_tdata: Default::default(),
            m_axis_rx_tkeep: Default::default(),
            m_axis_rx_tvalid: Default::default(),
            m_axis_rx_tlast: Default::default(),
            m_axis_rx_tuser: Default::default(),
            s_axis_tx_tdata: Default::default(),
            s_axis_tx_tkeep: Default::default(),
            s_axis_tx_tvalid: Default::default(),
            s_axis_tx_tlast: Default::default(),
            s_axis_tx_tuser: Default::default(),
            m_axis_tx_tdata: Default::default(),
            m_axis_tx_tkeep: Default::default(),
            m_axis_tx_tvalid: Default::default(),
            m_axis_tx_tlast: Default::default(),
            m_axis_tx_tuser: Default::default(),
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
            rx_verdict_valid: Default::default(),
            rx_verdict_data: Default::default(),
            tx_verdict_valid: Default::default(),
            tx_verdict_data: Default::default(),
            fenced: Default::default(),
            link_down: Default::default(),
            irq: Default::default(),
            resets: Default::default(),
            plane: Plane::new(&identity),
            datapath: Datapath::new(style),
            mailbox: Default::default(),
            heat: Default::default(),
        }
    }
}

impl Logic for Pipeline {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, plane, datapath, mailbox, heat);
        for i in 0..3 {
            self.resets[i].clock.next = self.clock.val();
            self.resets[i].d.next = !self.aresetn.val();
        }
        self.plane.reset.next = self.resets[0].q.val();
        self.datapath.reset.next = self.resets[1].q.val();
        self.mailbox.reset.next = self.resets[2].q.val();
        self.plane.nic_time.next = self.nic_time.val();
        self.fenced.next = self.plane.fenced.val();
        self.plane.no_link.next = self.link_down.val();
        self.irq.next = self.plane.irq.val();

        // The bus.
        self.plane.awaddr.next = self.s_axil_awaddr.val();
        self.plane.awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.plane.awready.val();
        self.plane.wdata.next = self.s_axil_wdata.val();
        self.plane.wstrb.next = self.s_axil_wstrb.val();
        self.plane.wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.plane.wready.val();
        self.s_axil_bresp.next = self.plane.bresp.val();
        self.s_axil_bvalid.next = self.plane.bvalid.val();
        self.plane.bready.next = self.s_axil_bready.val();
        self.plane.araddr.next = self.s_axil_araddr.val();
        self.plane.arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.plane.arready.val();
        self.s_axil_rdata.next = self.plane.rdata.val();
        self.s_axil_rresp.next = self.plane.rresp.val();
        self.s_axil_rvalid.next = self.plane.rvalid.val();
        self.plane.rready.next = self.s_axil_rready.val();

        // Frames.
        self.datapath.s_axis_rx_tdata.next = self.s_axis_rx_tdata.val();
        self.datapath.s_axis_rx_tkeep.next = self.s_axis_rx_tkeep.val();
        self.datapath.s_axis_rx_tvalid.next = self.s_axis_rx_tvalid.val();
        self.datapath.s_axis_rx_tlast.next = self.s_axis_rx_tlast.val();
        self.datapath.s_axis_rx_tuser.next = self.s_axis_rx_tuser.val();
        self.m_axis_rx_tdata.next = self.datapath.m_axis_rx_tdata.val();
        self.m_axis_rx_tkeep.next = self.datapath.m_axis_rx_tkeep.val();
        self.m_axis_rx_tvalid.next = self.datapath.m_axis_rx_tvalid.val();
        self.m_axis_rx_tlast.next = self.datapath.m_axis_rx_tlast.val();
        self.m_axis_rx_tuser.next = self.datapath.m_axis_rx_tuser.val();
        self.rx_verdict_valid.next = self.datapath.rx_verdict_valid.val();
        self.rx_verdict_data.next = self.datapath.rx_verdict_data.val();
        self.plane.rx_valid.next = self.datapath.rx_verdict_valid.val();
        self.plane.rx_word.next = self.datapath.rx_verdict_data.val();
        self.datapath.s_axis_tx_tdata.next = self.s_axis_tx_tdata.val();
        self.datapath.s_axis_tx_tkeep.next = self.s_axis_tx_tkeep.val();
        self.datapath.s_axis_tx_tvalid.next = self.s_axis_tx_tvalid.val();
        self.datapath.s_axis_tx_tlast.next = self.s_axis_tx_tlast.val();
        self.datapath.s_axis_tx_tuser.next = self.s_axis_tx_tuser.val();
        self.m_axis_tx_tdata.next = self.datapath.m_axis_tx_tdata.val();
        self.m_axis_tx_tkeep.next = self.datapath.m_axis_tx_tkeep.val();
        self.m_axis_tx_tvalid.next = self.datapath.m_axis_tx_tvalid.val();
        self.m_axis_tx_tlast.next = self.datapath.m_axis_tx_tlast.val();
        self.m_axis_tx_tuser.next = self.datapath.m_axis_tx_tuser.val();
        self.tx_verdict_valid.next = self.datapath.tx_verdict_valid.val();
        self.tx_verdict_data.next = self.datapath.tx_verdict_data.val();
        self.plane.tx_valid.next = self.datapath.tx_verdict_valid.val();
        self.plane.tx_word.next = self.datapath.tx_verdict_data.val();

        // What is in force.
        self.datapath.load_rule.next = self.plane.load_rule.val();
        self.datapath.load_vip.next = self.plane.load_vip.val();
        self.datapath.load_hash_key.next = self.plane.load_hash_key.val();
        self.datapath.load_flow_key.next = self.plane.load_flow_key.val();
        self.datapath.load_policy.next = self.plane.load_policy.val();
        self.datapath.load_entry.next = self.plane.load_entry.val();
        self.datapath.load_reg.next = self.plane.load_reg.val();
        self.datapath.load_data.next = self.plane.load_data.val();
        self.datapath.load_bank.next = self.plane.load_bank.val();
        self.datapath.bank.next = self.plane.bank.val();
        self.datapath.live.next = self.plane.live.val();
        self.datapath.configured.next = self.plane.configured.val();
        self.datapath.fenced.next = self.plane.fenced.val();
        self.datapath.cluster_mac.next = self.plane.cluster_mac.val();
        self.datapath.masking.next = self.plane.masking.val();
        self.datapath.masked_mac.next = self.plane.masked_mac.val();
        self.plane.load_busy.next = self.datapath.load_busy.val();
        self.datapath.pool_word.next = self.plane.map_addr.val();
        self.datapath.pool_we.next = self.plane.map_we.val();
        self.datapath.pool_wdata.next = self.plane.map_wdata.val();
        self.plane.map_rdata.next = self.datapath.pool_rdata.val();

        // Flows.
        self.mailbox.cmd.next = self.plane.flow_command.val();
        self.mailbox.cmd_word.next = self.plane.flow_wdata.val();
        self.mailbox.write_lo.next = self.plane.flow_write_lo.val();
        self.mailbox.write_hi.next = self.plane.flow_write_hi.val();
        self.mailbox.write_index.next = self.plane.flow_write_index.val();
        self.mailbox.wdata.next = self.plane.flow_wdata.val();
        self.plane.flow_refuses.next = self.mailbox.refuses.val();
        self.plane.flow_status.next = self.mailbox.status.val();
        self.plane.flow_lo.next = self.mailbox.signature_lo.val();
        self.plane.flow_hi.next = self.mailbox.signature_hi.val();
        self.plane.flow_index.next = self.mailbox.index.val();
        self.plane.flow_count.next = self.mailbox.count.val();
        self.datapath.flow_index.next = self.mailbox.table_index.val();
        self.datapath.flow_write.next = self.mailbox.table_write.val();
        self.datapath.flow_wdata.next = self.mailbox.table_wdata.val();
        self.mailbox.table_wrote.next = self.datapath.flow_wrote.val();
        self.datapath.flow_read.next = self.mailbox.table_read.val();
        self.mailbox.table_rdata.next = self.datapath.flow_rdata.val();

        // Heat: every frame that was looked up in a bucket.
        self.heat.bump.next = self.datapath.rx_verdict_valid.val() & self.datapath.rx_verdict_data.val().get_bit(30);
        self.heat.bump_bucket.next = self.datapath.rx_verdict_data.val().get_bits::<12>(17);
        self.heat.read.next = self.plane.heat_read.val();
        self.heat.read_bucket.next = self.plane.heat_bucket.val();
        self.plane.heat_done.next = self.heat.done.val();
        self.plane.heat_value.next = self.heat.value.val();
    }
}
