//! Both directions of the NIC, as far as frames see it.
//!
//! Fixed latency of [`LATENCY`] clocks each way; RX and TX are never back-pressured. Of a header
//! the addresses come first, then the ports, then what kind it is: engines start with what they need, and short waits
//! bring the results together again, as [`schedule`](super::schedule) says.

use rust_hdl::prelude::*;

use super::parts::*;
use super::schedule::*;
use crate::cell::wait::Wait;
use crate::stage::egress::Egress;
use crate::stage::engine::flows::Flows;
use crate::stage::engine::scope::Scope;
use crate::stage::gate::DropStyle;

/// See the module.
#[derive(LogicBlock)]
pub struct Datapath {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Frames under way are forgotten.
    pub reset: Signal<In, Bit>,

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

    /// One pulse a received frame, before it leaves; for benches and waveforms.
    pub rx_verdict_valid: Signal<Out, Bit>,
    /// `Decision::encode`.
    pub rx_verdict_data: Signal<Out, Bits<32>>,
    /// One pulse a sent frame.
    pub tx_verdict_valid: Signal<Out, Bit>,
    /// `Egress::encode`.
    pub tx_verdict_data: Signal<Out, Bits<32>>,

    /// The load bus: a word for a rule.
    pub load_rule: Signal<In, Bit>,
    /// A word for a virtual IP.
    pub load_vip: Signal<In, Bit>,
    /// A word of the hash key.
    pub load_hash_key: Signal<In, Bit>,
    /// A word of the flow key.
    pub load_flow_key: Signal<In, Bit>,
    /// The policy.
    pub load_policy: Signal<In, Bit>,
    /// Which entry of its block.
    pub load_entry: Signal<In, Bits<6>>,
    /// Which word of the entry.
    pub load_reg: Signal<In, Bits<3>>,
    /// The word.
    pub load_data: Signal<In, Bits<32>>,
    /// Bank that is filled.
    pub load_bank: Signal<In, Bit>,
    /// No word may come.
    pub load_busy: Signal<Out, Bit>,
    /// Bank in force.
    pub bank: Signal<In, Bit>,
    /// It holds a configuration.
    pub live: Signal<In, Bit>,
    /// The lease has run out.
    pub fenced: Signal<In, Bit>,
    /// A commit has come to the verdict since reset.
    pub configured: Signal<In, Bit>,
    /// The source that may not leave, first octet in bits 7:0.
    pub cluster_mac: Signal<In, Bits<48>>,
    /// It is replaced.
    pub masking: Signal<In, Bit>,
    /// What leaves instead.
    pub masked_mac: Signal<In, Bits<48>>,
    /// Word of the map pool that the host reads or writes.
    pub pool_word: Signal<In, Bits<14>>,
    /// It writes.
    pub pool_we: Signal<In, Bit>,
    /// What it writes.
    pub pool_wdata: Signal<In, Bits<32>>,
    /// What is there, three clocks later.
    pub pool_rdata: Signal<Out, Bits<32>>,
    /// Index in a way of the flow table, as all `flow_` from the mailbox.
    pub flow_index: Signal<In, Bits<10>>,
    /// Ways to write.
    pub flow_write: Signal<In, Bits<4>>,
    /// What to write.
    pub flow_wdata: Signal<In, Bits<72>>,
    /// It is written.
    pub flow_wrote: Signal<Out, Bit>,
    /// Way to read.
    pub flow_read: Signal<In, Bits<4>>,
    /// What is there.
    pub flow_rdata: Signal<Out, Bits<72>>,

    rx_front: Front,
    rx_source: Wait<129, PORTS_AT>,
    rx_epoch: Wait<2, PORTS_AT>,
    rx_vips: RxVips,
    rx_vip_wait: Wait<5, VIP_TO_SCOPE>,
    rx_ports: ThePorts,
    rx_hits_wait: Wait<32, HITS_TO_SCOPE>,
    rx_scope_wait: Wait<3, SCOPE_AT>,
    rx_kind_scope: Wait<5, KIND_TO_SCOPE>,
    rx_scope: Scope,
    rx_hash: TheHash,
    rx_bucket_wait: Wait<36, BUCKET_TO_LOOKUP>,
    rx_rule_wait: Wait<15, RULE_TO_LOOKUP>,
    rx_vip_lookup: Wait<1, VIP_TO_LOOKUP>,
    rx_kind_lookup: Wait<5, KIND_TO_LOOKUP>,
    rx_bank_lookup: Wait<1, VIP_TO_LOOKUP>,
    rx_lookup: TheLookup,
    rx_flow_wait: Wait<1, FLOWS_AT>,
    rx_vip_flows: Wait<4, VIP_TO_FLOWS>,
    rx_sig_wait: Wait<64, SIGNATURE_TO_FLOWS>,
    rx_flows: Flows,
    rx_hit_wait: Wait<2, FLOW_TO_VERDICT>,
    rx_verdict: TheVerdict,
    rx_gate: TheGate,
    tx_front: Front,
    tx_vips: TxVips,
    tx_vip_wait: Wait<1, TX_VIP_TO_FENCE>,
    tx_egress: Egress<TX_WAY>,
    tx_gate: TheGate,
    source: Signal<Local, Bits<129>>,
    late_source: Signal<Local, Bits<129>>,
    epoch: Signal<Local, Bits<2>>,
    late_epoch: Signal<Local, Bits<2>>,
    vip: Signal<Local, Bits<5>>,
    vip_then: Signal<Local, Bits<5>>,
    start: Signal<Local, Bits<3>>,
    started: Signal<Local, Bits<3>>,
    kind: Signal<Local, Bits<5>>,
    kind_scope: Signal<Local, Bits<5>>,
    kind_lookup: Signal<Local, Bits<5>>,
    buckets: Signal<Local, Bits<36>>,
    buckets_then: Signal<Local, Bits<36>>,
    rule: Signal<Local, Bits<15>>,
    rule_then: Signal<Local, Bits<15>>,
    hits: Signal<Local, Bits<2>>,
    hits_then: Signal<Local, Bits<2>>,
}

impl Datapath {
    /// Received frames are dropped in this style.
    pub fn new(style: DropStyle) -> Self {
        Datapath {
            clock: Default::default(),
            reset: Default::default(),
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
            rx_verdict_valid: Default::default(),
            rx_verdict_data: Default::default(),
            tx_verdict_valid: Default::default(),
            tx_verdict_data: Default::default(),
            load_rule: Default::default(),
            load_vip: Default::default(),
            load_hash_key: Default::default(),
            load_flow_key: Default::default(),
            load_policy: Default::default(),
            load_entry: Default::default(),
            load_reg: Default::default(),
            load_data: Default::default(),
            load_bank: Default::default(),
            load_busy: Default::default(),
            bank: Default::default(),
            live: Default::default(),
            fenced: Default::default(),
            configured: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            masked_mac: Default::default(),
            pool_word: Default::default(),
            pool_we: Default::default(),
            pool_wdata: Default::default(),
            pool_rdata: Default::default(),
            flow_index: Default::default(),
            flow_write: Default::default(),
            flow_wdata: Default::default(),
            flow_wrote: Default::default(),
            flow_read: Default::default(),
            flow_rdata: Default::default(),
            rx_front: Default::default(),
            rx_source: Default::default(),
            rx_epoch: Default::default(),
            rx_vips: Default::default(),
            rx_vip_wait: Default::default(),
            rx_ports: Default::default(),
            rx_hits_wait: Default::default(),
            rx_scope_wait: Default::default(),
            rx_kind_scope: Default::default(),
            rx_scope: Default::default(),
            rx_hash: Default::default(),
            rx_bucket_wait: Default::default(),
            rx_rule_wait: Default::default(),
            rx_vip_lookup: Default::default(),
            rx_kind_lookup: Default::default(),
            rx_bank_lookup: Default::default(),
            rx_lookup: Default::default(),
            rx_flow_wait: Default::default(),
            rx_vip_flows: Default::default(),
            rx_sig_wait: Default::default(),
            rx_flows: flow_table(),
            rx_hit_wait: Default::default(),
            rx_verdict: Default::default(),
            rx_gate: TheGate::new(style),
            tx_front: Default::default(),
            tx_vips: Default::default(),
            tx_vip_wait: Default::default(),
            tx_egress: Default::default(),
            tx_gate: TheGate::new(DropStyle::Suppress),
            source: Default::default(),
            late_source: Default::default(),
            epoch: Default::default(),
            late_epoch: Default::default(),
            vip: Default::default(),
            vip_then: Default::default(),
            start: Default::default(),
            started: Default::default(),
            kind: Default::default(),
            kind_scope: Default::default(),
            kind_lookup: Default::default(),
            buckets: Default::default(),
            buckets_then: Default::default(),
            rule: Default::default(),
            rule_then: Default::default(),
            hits: Default::default(),
            hits_then: Default::default(),
        }
    }
}

impl Logic for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, rx_front, rx_source, rx_epoch, rx_vips, rx_vip_wait, rx_ports, rx_hits_wait);
        clock!(
            self,
            clock,
            rx_scope_wait,
            rx_kind_scope,
            rx_scope,
            rx_hash,
            rx_bucket_wait,
            rx_rule_wait,
            rx_vip_lookup
        );
        clock!(
            self,
            clock,
            rx_kind_lookup,
            rx_bank_lookup,
            rx_lookup,
            rx_flow_wait,
            rx_vip_flows,
            rx_sig_wait,
            rx_flows
        );
        clock!(self, clock, rx_hit_wait, rx_verdict, rx_gate, tx_front, tx_vips, tx_vip_wait, tx_egress);
        clock!(self, clock, tx_gate);
        self.rx_front.reset.next = self.reset.val();
        self.rx_source.reset.next = self.reset.val();
        self.rx_epoch.reset.next = self.reset.val();
        self.rx_vip_wait.reset.next = self.reset.val();
        self.rx_hits_wait.reset.next = self.reset.val();
        self.rx_scope_wait.reset.next = self.reset.val();
        self.rx_kind_scope.reset.next = self.reset.val();
        self.rx_bucket_wait.reset.next = self.reset.val();
        self.rx_rule_wait.reset.next = self.reset.val();
        self.rx_vip_lookup.reset.next = self.reset.val();
        self.rx_kind_lookup.reset.next = self.reset.val();
        self.rx_bank_lookup.reset.next = self.reset.val();
        self.rx_lookup.reset.next = self.reset.val();
        self.rx_flow_wait.reset.next = self.reset.val();
        self.rx_vip_flows.reset.next = self.reset.val();
        self.rx_sig_wait.reset.next = self.reset.val();
        self.rx_hit_wait.reset.next = self.reset.val();
        self.rx_verdict.reset.next = self.reset.val();
        self.rx_gate.reset.next = self.reset.val();
        self.tx_front.reset.next = self.reset.val();
        self.tx_vip_wait.reset.next = self.reset.val();
        self.tx_egress.reset.next = self.reset.val();
        self.tx_gate.reset.next = self.reset.val();

        // The tables.
        self.rx_vips.load_vip.next = self.load_vip.val();
        self.rx_vips.load_reg.next = self.load_reg.val();
        self.rx_vips.load_entry.next = self.load_entry.val();
        self.rx_vips.load_data.next = self.load_data.val();
        self.rx_vips.load_bank.next = self.load_bank.val();
        self.tx_vips.load_vip.next = self.load_vip.val();
        self.tx_vips.load_reg.next = self.load_reg.val();
        self.tx_vips.load_entry.next = self.load_entry.val();
        self.tx_vips.load_data.next = self.load_data.val();
        self.tx_vips.load_bank.next = self.load_bank.val();
        self.rx_ports.load_rule.next = self.load_rule.val();
        self.rx_ports.load_reg.next = self.load_reg.val();
        self.rx_ports.load_entry.next = self.load_entry.val();
        self.rx_ports.load_data.next = self.load_data.val();
        self.rx_ports.load_bank.next = self.load_bank.val();
        self.rx_scope.load_rule.next = self.load_rule.val();
        self.rx_scope.load_reg.next = self.load_reg.val();
        self.rx_scope.load_entry.next = self.load_entry.val();
        self.rx_scope.load_data.next = self.load_data.val();
        self.rx_scope.load_bank.next = self.load_bank.val();
        self.rx_hash.load_hash_key.next = self.load_hash_key.val();
        self.rx_hash.load_flow_key.next = self.load_flow_key.val();
        self.rx_hash.load_entry.next = self.load_entry.val();
        self.rx_hash.load_data.next = self.load_data.val();
        self.rx_hash.load_bank.next = self.load_bank.val();
        self.rx_lookup.load_policy.next = self.load_policy.val();
        self.rx_lookup.load_bank.next = self.load_bank.val();
        self.rx_lookup.load_data.next = self.load_data.val();
        self.load_busy.next = self.rx_scope.load_busy.val() | self.rx_hash.load_busy.val();
        self.rx_lookup.host_word.next = self.pool_word.val();
        self.rx_lookup.host_we.next = self.pool_we.val();
        self.rx_lookup.host_wdata.next = self.pool_wdata.val();
        self.pool_rdata.next = self.rx_lookup.host_rdata.val();
        self.rx_flows.host_index.next = self.flow_index.val();
        self.rx_flows.host_write.next = self.flow_write.val();
        self.rx_flows.host_wdata.next = self.flow_wdata.val();
        self.flow_wrote.next = self.rx_flows.host_wrote.val();
        self.rx_flows.host_read.next = self.flow_read.val();
        self.flow_rdata.next = self.rx_flows.host_rdata.val();

        // From the wire to the host: the header.
        self.rx_front.tdata.next = self.s_axis_rx_tdata.val();
        self.rx_front.tkeep.next = self.s_axis_rx_tkeep.val();
        self.rx_front.tvalid.next = self.s_axis_rx_tvalid.val();
        self.rx_front.tlast.next = self.s_axis_rx_tlast.val();

        // Its epoch is fixed with its addresses.
        self.epoch.next = bit_cast::<2, 1>(self.bank.val().into());
        self.epoch.next = self.epoch.val().replace_bit(1, self.live.val());
        self.rx_epoch.d.next = self.epoch.val();
        self.source.next = bit_cast::<129, 128>(self.rx_front.a_source.val());
        self.rx_source.d.next = self.source.val().replace_bit(128, self.rx_front.a_ipv6.val());
        self.rx_vips.s_valid.next = self.rx_front.a_valid.val();
        self.rx_vips.s_bank.next = self.bank.val();
        self.rx_vips.s_live.next = self.live.val();
        self.rx_vips.s_ipv6.next = self.rx_front.a_ipv6.val();
        self.rx_vips.s_address.next = self.rx_front.a_destination.val();

        // Its ports: rules, bucket, signature.
        self.late_epoch.next = self.rx_epoch.q.val();
        self.late_source.next = self.rx_source.q.val();
        self.rx_ports.s_valid.next = self.rx_front.p_valid.val();
        self.rx_ports.s_bank.next = self.late_epoch.val().get_bit(0);
        self.rx_ports.s_tcp.next = self.rx_front.p_tcp.val();
        self.rx_ports.s_no_port.next = self.rx_front.p_no_port.val();
        self.rx_ports.s_port.next = self.rx_front.p_ports.val().get_bits::<16>(0);
        self.rx_hash.s_valid.next = self.rx_front.p_valid.val();
        self.rx_hash.s_bank.next = self.late_epoch.val().get_bit(0);
        self.rx_hash.s_ipv6.next = self.late_source.val().get_bit(128);
        self.rx_hash.s_source.next = self.late_source.val().get_bits::<128>(0);
        self.rx_hash.s_ports.next = self.rx_front.p_ports.val();

        // The rule: what the ports allow, of those that speak for its virtual IP.
        self.vip.next = bit_cast::<5, 4>(self.rx_vips.m_index.val());
        self.rx_vip_wait.d.next = self.vip.val().replace_bit(4, self.rx_vips.m_hit.val());
        self.vip_then.next = self.rx_vip_wait.q.val();
        self.rx_hits_wait.d.next = self.rx_ports.m_hits.val();
        self.start.next = bit_cast::<3, 1>(self.rx_front.a_valid.val().into());
        self.rx_scope_wait.d.next = self.start.val().replace_bit(1, self.bank.val());
        self.started.next = self.rx_scope_wait.q.val();
        self.kind.next = bit_cast::<5, 4>(self.rx_front.k_kind.val());
        self.kind.next = self.kind.val().replace_bit(4, self.rx_front.k_valid.val());
        self.rx_kind_scope.d.next = self.kind.val();
        self.kind_scope.next = self.rx_kind_scope.q.val();
        self.rx_scope.s_valid.next = self.started.val().get_bit(0);
        self.rx_scope.s_bank.next = self.started.val().get_bit(1);
        self.rx_scope.s_vip.next = self.vip_then.val().get_bits::<4>(0);
        self.rx_scope.s_hits.next = self.rx_hits_wait.q.val();
        self.rx_scope.s_default.next = self.kind_scope.val().get_bits::<4>(0) == 6;

        // The state of its bucket.
        self.rule.next = bit_cast::<15, 6>(self.rx_scope.m_rule.val())
            | (bit_cast::<15, 2>(self.rx_scope.m_affinity.val()) << 6)
            | (bit_cast::<15, 7>(self.rx_scope.m_map.val()) << 8);
        self.rx_rule_wait.d.next = self.rule.val();
        self.rule_then.next = self.rx_rule_wait.q.val();
        self.buckets.next = bit_cast::<36, 12>(self.rx_hash.m_none.val())
            | (bit_cast::<36, 12>(self.rx_hash.m_single.val()) << 12)
            | (bit_cast::<36, 12>(self.rx_hash.m_network.val()) << 24);
        self.rx_bucket_wait.d.next = self.buckets.val();
        self.buckets_then.next = self.rx_bucket_wait.q.val();
        self.rx_vip_lookup.d.next = bit_cast::<1, 1>(self.vip_then.val().get_bits::<1>(4));
        self.rx_kind_lookup.d.next = self.kind_scope.val();
        self.kind_lookup.next = self.rx_kind_lookup.q.val();
        self.rx_bank_lookup.d.next = bit_cast::<1, 1>(self.started.val().get_bits::<1>(1));
        self.rx_lookup.k_valid.next = self.kind_lookup.val().get_bit(4);
        self.rx_lookup.k_kind.next = self.kind_lookup.val().get_bits::<4>(0);
        self.rx_lookup.k_bank.next = self.rx_bank_lookup.q.val() == 1;
        self.rx_lookup.k_vip.next = self.rx_vip_lookup.q.val() == 1;
        self.rx_lookup.s_rule.next = self.rule_then.val().get_bits::<6>(0);
        self.rx_lookup.s_affinity.next = self.rule_then.val().get_bits::<2>(6);
        self.rx_lookup.s_map.next = self.rule_then.val().get_bits::<7>(8);
        self.rx_lookup.s_none.next = self.buckets_then.val().get_bits::<12>(0);
        self.rx_lookup.s_single.next = self.buckets_then.val().get_bits::<12>(12);
        self.rx_lookup.s_network.next = self.buckets_then.val().get_bits::<12>(24);

        // Its flow.
        self.rx_flow_wait.d.next = self.rx_front.a_valid.val().into();
        self.rx_vip_flows.d.next = self.rx_vips.m_index.val();
        self.rx_sig_wait.d.next = self.rx_hash.m_signature.val();
        self.rx_flows.s_valid.next = self.rx_flow_wait.q.val() == 1;
        self.rx_flows.s_vip.next = self.rx_vip_flows.q.val();
        self.rx_flows.s_signature.next = self.rx_sig_wait.q.val();
        self.hits.next = bit_cast::<2, 1>(self.rx_flows.m_pin.val().into());
        self.rx_hit_wait.d.next = self.hits.val().replace_bit(1, self.rx_flows.m_foreign.val());
        self.hits_then.next = self.rx_hit_wait.q.val();

        // The verdict.
        self.rx_verdict.fenced.next = self.fenced.val();
        self.rx_verdict.configured.next = self.configured.val();
        self.rx_verdict.s_valid.next = self.rx_lookup.m_valid.val();
        self.rx_verdict.s_plan.next = self.rx_lookup.m_plan.val();
        self.rx_verdict.s_state.next = self.rx_lookup.m_state.val();
        self.rx_verdict.s_pin.next = self.hits_then.val().get_bit(0);
        self.rx_verdict.s_foreign.next = self.hits_then.val().get_bit(1);
        self.rx_verdict_valid.next = self.rx_verdict.m_valid.val();
        self.rx_verdict_data.next = self.rx_verdict.m_word.val();
        self.rx_gate.verdict_valid.next = self.rx_verdict.m_valid.val();
        self.rx_gate.verdict_pass.next = self.rx_verdict.m_word.val().get_bit(0);
        self.rx_gate.verdict_mask.next = false;
        self.rx_gate.masked_mac.next = 0.into();
        self.rx_gate.s_tdata.next = self.s_axis_rx_tdata.val();
        self.rx_gate.s_tkeep.next = self.s_axis_rx_tkeep.val();
        self.rx_gate.s_tvalid.next = self.s_axis_rx_tvalid.val();
        self.rx_gate.s_tlast.next = self.s_axis_rx_tlast.val();
        self.rx_gate.s_tuser.next = self.s_axis_rx_tuser.val();
        self.m_axis_rx_tdata.next = self.rx_gate.m_tdata.val();
        self.m_axis_rx_tkeep.next = self.rx_gate.m_tkeep.val();
        self.m_axis_rx_tvalid.next = self.rx_gate.m_tvalid.val();
        self.m_axis_rx_tlast.next = self.rx_gate.m_tlast.val();
        self.m_axis_rx_tuser.next = self.rx_gate.m_tuser.val();

        // From the host to the wire.
        self.tx_front.tdata.next = self.s_axis_tx_tdata.val();
        self.tx_front.tkeep.next = self.s_axis_tx_tkeep.val();
        self.tx_front.tvalid.next = self.s_axis_tx_tvalid.val();
        self.tx_front.tlast.next = self.s_axis_tx_tlast.val();
        self.tx_vips.s_valid.next = self.tx_front.a_valid.val();
        self.tx_vips.s_bank.next = self.bank.val();
        self.tx_vips.s_live.next = self.live.val();
        self.tx_vips.s_ipv6.next = self.tx_front.a_ipv6.val();
        self.tx_vips.s_address.next = self.tx_front.a_source.val();
        self.tx_vip_wait.d.next = self.tx_vips.m_hit.val().into();
        self.tx_egress.fenced.next = self.fenced.val();
        self.tx_egress.configured.next = self.configured.val();
        self.tx_egress.cluster_mac.next = self.cluster_mac.val();
        self.tx_egress.masking.next = self.masking.val();
        self.tx_egress.s_valid.next = self.tx_front.k_valid.val();
        self.tx_egress.s_kind.next = self.tx_front.k_kind.val();
        self.tx_egress.s_late.next = self.tx_front.k_late.val();
        self.tx_egress.s_mac.next = self.tx_front.k_mac.val();
        self.tx_egress.s_mac_valid.next = self.tx_front.k_mac_valid.val();
        self.tx_egress.s_vip.next = self.tx_vip_wait.q.val() == 1;
        self.tx_verdict_valid.next = self.tx_egress.m_valid.val();
        self.tx_verdict_data.next = self.tx_egress.m_word.val();
        self.tx_gate.verdict_valid.next = self.tx_egress.m_valid.val();
        self.tx_gate.verdict_pass.next = self.tx_egress.m_word.val().get_bit(0);
        self.tx_gate.verdict_mask.next = self.tx_egress.m_word.val().get_bit(1);
        self.tx_gate.masked_mac.next = self.masked_mac.val();
        self.tx_gate.s_tdata.next = self.s_axis_tx_tdata.val();
        self.tx_gate.s_tkeep.next = self.s_axis_tx_tkeep.val();
        self.tx_gate.s_tvalid.next = self.s_axis_tx_tvalid.val();
        self.tx_gate.s_tlast.next = self.s_axis_tx_tlast.val();
        self.tx_gate.s_tuser.next = self.s_axis_tx_tuser.val();
        self.m_axis_tx_tdata.next = self.tx_gate.m_tdata.val();
        self.m_axis_tx_tkeep.next = self.tx_gate.m_tkeep.val();
        self.m_axis_tx_tvalid.next = self.tx_gate.m_tvalid.val();
        self.m_axis_tx_tlast.next = self.tx_gate.m_tlast.val();
        self.m_axis_tx_tuser.next = self.tx_gate.m_tuser.val();
    }
}
