//! The whole NIC at 64 bit: both directions, and the registers beside them.
//!
//! Fixed latency of [`LATENCY`] clocks each way; RX and TX are never back-pressured.

use rust_hdl::prelude::*;
use weir_spec::regs::{self, RegId};

use crate::cell::decoder::ADDRESS;
use crate::cell::shadow::Shadow;
use crate::control::axil::Axil;
use crate::control::commit::Commit;
use crate::control::counters::Counters;
use crate::control::lease::Lease;
use crate::control::registers::Registers;
use crate::stage::collect::Collect;
use crate::stage::egress::Egress;
use crate::stage::first_match::{FirstMatch, RULE_BITS, RULE_FIELDS};
use crate::stage::gate::{self, Gate};
use crate::stage::lookup::{Lookup, POLICY_FIELDS};
use crate::stage::parse::Parse;
use crate::stage::toeplitz::Toeplitz;
use crate::stage::verdict::Verdict;
use crate::stage::vips::{Vips, VIP_BITS, VIP_FIELDS};

/// Clocks from a beat of `s_axis_rx` to the same beat of `m_axis_rx`; the same from `s_axis_tx` to `m_axis_tx`.
pub const LATENCY: usize = gate::LATENCY;
const _: () = assert!(LATENCY <= 48);

/// The top; its ports are the contract with shells and benches.
#[derive(LogicBlock)]
pub struct Pipeline64 {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Reset, active low, synchronous.
    pub aresetn: Signal<In, Bit>,
    /// NIC_TIME from the shell: microseconds, free-running, in the core clock.
    pub nic_time: Signal<In, Bits<64>>,

    /// From the wire, without FCS.
    pub s_axis_rx_tdata: Signal<In, Bits<64>>,
    /// Bytes of the last beat, contiguous from bit 0.
    pub s_axis_rx_tkeep: Signal<In, Bits<8>>,
    /// A beat.
    pub s_axis_rx_tvalid: Signal<In, Bit>,
    /// The last of a frame.
    pub s_axis_rx_tlast: Signal<In, Bit>,
    /// With the last beat: bad FCS. Carried along.
    pub s_axis_rx_tuser: Signal<In, Bit>,
    /// To the host.
    pub m_axis_rx_tdata: Signal<Out, Bits<64>>,
    /// As it came.
    pub m_axis_rx_tkeep: Signal<Out, Bits<8>>,
    /// A beat.
    pub m_axis_rx_tvalid: Signal<Out, Bit>,
    /// The last of a frame.
    pub m_axis_rx_tlast: Signal<Out, Bit>,
    /// As it came.
    pub m_axis_rx_tuser: Signal<Out, Bit>,

    /// From the host.
    pub s_axis_tx_tdata: Signal<In, Bits<64>>,
    /// Bytes of the last beat, contiguous from bit 0.
    pub s_axis_tx_tkeep: Signal<In, Bits<8>>,
    /// A beat.
    pub s_axis_tx_tvalid: Signal<In, Bit>,
    /// The last of a frame.
    pub s_axis_tx_tlast: Signal<In, Bit>,
    /// Carried along.
    pub s_axis_tx_tuser: Signal<In, Bit>,
    /// To the wire.
    pub m_axis_tx_tdata: Signal<Out, Bits<64>>,
    /// As it came.
    pub m_axis_tx_tkeep: Signal<Out, Bits<8>>,
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

    reset: DFF<Bit>,
    axil: Axil,
    registers: Registers,
    lease: Lease,
    commit: Commit,
    counters: Counters,
    vip_bank: Shadow<VIP_BITS>,
    rule_bank: Shadow<RULE_BITS>,
    key_bank: Shadow<320>,
    policy_bank: Shadow<9>,

    rx_collect: Collect,
    rx_parse: Parse,
    rx_vips: Vips,
    rx_hash: Toeplitz,
    rx_rules: FirstMatch,
    rx_lookup: Lookup,
    rx_verdict: Verdict,
    rx_gate: Gate,
    // Beside VIP match, then beside rule match: what the look-up wants to know.
    headers: [DFF<Bits<6>>; 4],
    hits: [DFF<Bit>; 2],
    buckets: [DFF<Bits<36>>; 2],
    header: Signal<Local, Bits<6>>,
    before_rules: Signal<Local, Bits<6>>,
    before_lookup: Signal<Local, Bits<6>>,
    sums: Signal<Local, Bits<36>>,
    all_sums: Signal<Local, Bits<36>>,
    untouched: Signal<Local, Bit>,

    tx_collect: Collect,
    tx_parse: Parse,
    tx_egress: Egress,
    tx_gate: Gate,
}

impl Default for Pipeline64 {
    fn default() -> Self {
        Pipeline64 {
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
            reset: Default::default(),
            axil: Default::default(),
            registers: Default::default(),
            lease: Default::default(),
            commit: Default::default(),
            counters: Default::default(),
            vip_bank: Shadow::new(&regs::VIP, &VIP_FIELDS),
            rule_bank: Shadow::new(&regs::RULE, &RULE_FIELDS),
            key_bank: Shadow::falling(&regs::HASH_KEY, &[(RegId::HashKey, "")]),
            policy_bank: Shadow::new(&regs::POLICY, &POLICY_FIELDS),
            rx_collect: Default::default(),
            rx_parse: Default::default(),
            rx_vips: Default::default(),
            rx_hash: Default::default(),
            rx_rules: Default::default(),
            rx_lookup: Default::default(),
            rx_verdict: Default::default(),
            rx_gate: Default::default(),
            headers: Default::default(),
            hits: Default::default(),
            buckets: Default::default(),
            header: Default::default(),
            before_rules: Default::default(),
            before_lookup: Default::default(),
            sums: Default::default(),
            all_sums: Default::default(),
            untouched: Default::default(),
            tx_collect: Default::default(),
            tx_parse: Default::default(),
            tx_egress: Default::default(),
            tx_gate: Default::default(),
        }
    }
}

impl Logic for Pipeline64 {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reset);
        clock!(self, clock, axil, registers, lease, commit, counters, vip_bank, rule_bank, key_bank, policy_bank);
        clock!(self, clock, rx_collect, rx_parse, rx_vips, rx_hash, rx_rules, rx_lookup, rx_verdict, rx_gate);
        clock!(self, clock, tx_collect, tx_parse, tx_egress, tx_gate);
        self.reset.d.next = !self.aresetn.val();
        self.axil.reset.next = self.reset.q.val();
        self.registers.reset.next = self.reset.q.val();
        self.lease.reset.next = self.reset.q.val();
        self.commit.reset.next = self.reset.q.val();
        self.counters.reset.next = self.reset.q.val();
        self.vip_bank.reset.next = self.reset.q.val();
        self.rule_bank.reset.next = self.reset.q.val();
        self.key_bank.reset.next = self.reset.q.val();
        self.policy_bank.reset.next = self.reset.q.val();
        self.rx_collect.reset.next = self.reset.q.val();
        self.rx_parse.reset.next = self.reset.q.val();
        self.rx_verdict.reset.next = self.reset.q.val();
        self.rx_gate.reset.next = self.reset.q.val();
        self.tx_collect.reset.next = self.reset.q.val();
        self.tx_parse.reset.next = self.reset.q.val();
        self.tx_egress.reset.next = self.reset.q.val();
        self.tx_gate.reset.next = self.reset.q.val();

        // Registers.
        self.axil.awaddr.next = self.s_axil_awaddr.val();
        self.axil.awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.axil.awready.val();
        self.axil.wdata.next = self.s_axil_wdata.val();
        self.axil.wstrb.next = self.s_axil_wstrb.val();
        self.axil.wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.axil.wready.val();
        self.s_axil_bresp.next = self.axil.bresp.val();
        self.s_axil_bvalid.next = self.axil.bvalid.val();
        self.axil.bready.next = self.s_axil_bready.val();
        self.axil.araddr.next = self.s_axil_araddr.val();
        self.axil.arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.axil.arready.val();
        self.s_axil_rdata.next = self.axil.rdata.val();
        self.s_axil_rresp.next = self.axil.rresp.val();
        self.s_axil_rvalid.next = self.axil.rvalid.val();
        self.axil.rready.next = self.s_axil_rready.val();
        self.registers.request.next = self.axil.m_request.val();
        self.registers.write.next = self.axil.m_write.val();
        self.registers.whole.next = self.axil.m_whole.val();
        self.registers.address.next = self.axil.m_address.val();
        self.registers.wdata.next = self.axil.m_wdata.val();
        self.axil.done.next = self.registers.done.val();
        self.axil.refused.next = self.registers.refused.val();
        self.axil.answer.next = self.registers.answer.val();

        // Shadows, and the token that brings them into force.
        self.vip_bank.word.next = self.registers.cfg_word.val();
        self.vip_bank.wdata.next = self.registers.cfg_wdata.val();
        self.vip_bank.we.next = self.registers.cfg_vip_we.val();
        self.vip_bank.re.next = self.registers.cfg_re.val();
        self.registers.vip_rdata.next = self.vip_bank.rdata.val();
        self.rule_bank.word.next = self.registers.cfg_word.val();
        self.rule_bank.wdata.next = self.registers.cfg_wdata.val();
        self.rule_bank.we.next = self.registers.cfg_rule_we.val();
        self.rule_bank.re.next = self.registers.cfg_re.val();
        self.registers.rule_rdata.next = self.rule_bank.rdata.val();
        self.key_bank.word.next = self.registers.cfg_word.val();
        self.key_bank.wdata.next = self.registers.cfg_wdata.val();
        self.key_bank.we.next = self.registers.cfg_key_we.val();
        self.key_bank.re.next = self.registers.cfg_re.val();
        self.registers.key_rdata.next = self.key_bank.rdata.val();
        self.policy_bank.word.next = self.registers.cfg_word.val();
        self.policy_bank.wdata.next = self.registers.cfg_wdata.val();
        self.policy_bank.we.next = self.registers.cfg_policy_we.val();
        self.policy_bank.re.next = self.registers.cfg_re.val();
        self.registers.policy_rdata.next = self.policy_bank.rdata.val();
        self.untouched.next = !self.rx_parse.m_valid.val() | (self.rx_parse.m_kind.val() == 0);
        self.commit.request.next = self.registers.commit.val();
        self.commit.free.next = self.untouched.val();
        self.vip_bank.load.next = self.commit.m_token.val();
        self.key_bank.load.next = self.commit.m_token.val();
        self.rule_bank.load.next = self.commit.m_rules.val();
        self.policy_bank.load.next = self.commit.m_policy.val();
        self.registers.commit_done.next = self.commit.m_done.val();

        // Lease.
        self.lease.nic_time.next = self.nic_time.val();
        self.registers.nic_time.next = self.nic_time.val();
        self.lease.asked.next = self.registers.lease_next.val();
        self.lease.renew.next = self.registers.renew.val();
        self.lease.commit_next.next = self.registers.commit_next.val();
        self.lease.commit.next = self.commit.m_lease.val();
        self.registers.refuses_renewal.next = self.lease.refuses_renewal.val();
        self.registers.too_far.next = self.lease.too_far.val();
        self.registers.lease_until.next = self.lease.lease_until.val();
        self.registers.fenced.next = self.lease.fenced.val();
        self.registers.configured.next = self.commit.m_configured.val();
        self.fenced.next = self.lease.fenced.val();

        // Counters.
        self.counters.rx_valid.next = self.rx_verdict.m_valid.val();
        self.counters.rx_word.next = self.rx_verdict.m_word.val();
        self.counters.tx_valid.next = self.tx_egress.m_valid.val();
        self.counters.tx_word.next = self.tx_egress.m_word.val();
        self.counters.snapshot.next = self.registers.snapshot.val();
        self.registers.snapshot_busy.next = self.counters.busy.val();
        self.registers.snapshot_sequence.next = self.counters.snapshots.val();
        self.counters.host_word.next = bit_cast::<8, 14>(self.registers.cfg_word.val());
        self.registers.counter_rdata.next = self.counters.host_rdata.val();

        // From the wire to the host: header.
        self.rx_collect.tdata.next = self.s_axis_rx_tdata.val();
        self.rx_collect.tkeep.next = self.s_axis_rx_tkeep.val();
        self.rx_collect.tvalid.next = self.s_axis_rx_tvalid.val();
        self.rx_collect.tlast.next = self.s_axis_rx_tlast.val();
        self.rx_parse.s_beat.next = self.rx_collect.m_beat.val();
        self.rx_parse.s_first.next = self.rx_collect.m_first.val();
        self.rx_parse.s_end.next = self.rx_collect.m_end.val();
        self.rx_parse.s_window.next = self.rx_collect.m_window.val();
        self.rx_parse.s_long.next = self.rx_collect.m_long.val();
        self.rx_parse.s_words.next = self.rx_collect.m_words.val();
        self.rx_parse.s_tags.next = self.rx_collect.m_tags.val();
        self.rx_parse.s_ipv4.next = self.rx_collect.m_ipv4.val();
        self.rx_parse.s_ipv6.next = self.rx_collect.m_ipv6.val();
        self.rx_parse.s_pair.next = self.rx_collect.m_pair.val();
        self.rx_parse.s_whole.next = self.rx_collect.m_whole.val();
        self.rx_parse.s_index.next = self.rx_collect.m_index.val();
        self.rx_parse.s_high.next = self.rx_collect.m_high.val();
        self.rx_parse.s_low.next = self.rx_collect.m_low.val();
        self.header.next = bit_cast::<6, 4>(self.rx_parse.m_kind.val());
        self.header.next = self.header.val().replace_bit(4, self.rx_parse.m_valid.val());
        self.header.next = self.header.val().replace_bit(5, self.rx_parse.m_tcp.val());
        for i in 0..4 {
            self.headers[i].clock.next = self.clock.val();
        }
        self.headers[0].d.next = self.header.val();
        for i in 1..4 {
            self.headers[i].d.next = self.headers[i - 1].q.val();
        }

        // Two clocks: virtual IP and hash.
        self.rx_vips.active.next = self.vip_bank.active.val();
        self.rx_vips.s_valid.next = self.rx_parse.m_valid.val();
        self.rx_vips.s_ipv6.next = self.rx_parse.m_ipv6.val();
        self.rx_vips.s_address.next = self.rx_parse.m_destination.val();
        self.rx_hash.key.next = self.key_bank.active.val();
        self.rx_hash.s_valid.next = self.rx_parse.m_valid.val();
        self.rx_hash.s_ipv6.next = self.rx_parse.m_ipv6.val();
        self.rx_hash.s_address.next = self.rx_parse.m_source.val();
        self.rx_hash.s_port.next = self.rx_parse.m_source_port.val();

        // Two clocks: rules. The port of a record stays where it is for at least four.
        self.before_rules.next = self.headers[1].q.val();
        self.rx_rules.active.next = self.rule_bank.active.val();
        self.rx_rules.s_valid.next = self.before_rules.val().get_bit(4);
        self.rx_rules.s_vip.next = self.rx_vips.m_index.val();
        self.rx_rules.s_tcp.next = self.before_rules.val().get_bit(5);
        self.rx_rules.s_port.next = self.rx_parse.m_destination_port.val();
        self.rx_rules.s_no_port.next = self.before_rules.val().get_bits::<4>(0) == 5;
        self.rx_rules.s_default.next = self.before_rules.val().get_bits::<4>(0) == 6;
        for i in 0..2 {
            self.hits[i].clock.next = self.clock.val();
            self.buckets[i].clock.next = self.clock.val();
        }
        self.hits[0].d.next = self.rx_vips.m_hit.val();
        self.hits[1].d.next = self.hits[0].q.val();
        self.sums.next = bit_cast::<36, 12>(self.rx_hash.m_none.val())
            | (bit_cast::<36, 12>(self.rx_hash.m_single.val()) << 12)
            | (bit_cast::<36, 12>(self.rx_hash.m_network.val()) << 24);
        self.buckets[0].d.next = self.sums.val();
        self.buckets[1].d.next = self.buckets[0].q.val();

        // Four clocks: the pool. One: the verdict.
        self.before_lookup.next = self.headers[3].q.val();
        self.all_sums.next = self.buckets[1].q.val();
        self.rx_lookup.policy.next = self.policy_bank.active.val();
        self.rx_lookup.s_valid.next = self.before_lookup.val().get_bit(4);
        self.rx_lookup.s_kind.next = self.before_lookup.val().get_bits::<4>(0);
        self.rx_lookup.s_vip.next = self.hits[1].q.val();
        self.rx_lookup.s_rule.next = self.rx_rules.m_rule.val();
        self.rx_lookup.s_affinity.next = self.rx_rules.m_affinity.val();
        self.rx_lookup.s_map.next = self.rx_rules.m_map.val();
        self.rx_lookup.s_none.next = self.all_sums.val().get_bits::<12>(0);
        self.rx_lookup.s_single.next = self.all_sums.val().get_bits::<12>(12);
        self.rx_lookup.s_network.next = self.all_sums.val().get_bits::<12>(24);
        self.rx_lookup.host_word.next = self.registers.cfg_word.val();
        self.rx_lookup.host_we.next = self.registers.cfg_map_we.val();
        self.rx_lookup.host_wdata.next = self.registers.cfg_wdata.val();
        self.registers.map_rdata.next = self.rx_lookup.host_rdata.val();
        self.rx_verdict.fenced.next = self.lease.fenced.val();
        self.rx_verdict.configured.next = self.commit.m_configured.val();
        self.rx_verdict.s_valid.next = self.rx_lookup.m_valid.val();
        self.rx_verdict.s_plan.next = self.rx_lookup.m_plan.val();
        self.rx_verdict.s_state.next = self.rx_lookup.m_state.val();
        self.rx_verdict_valid.next = self.rx_verdict.m_valid.val();
        self.rx_verdict_data.next = self.rx_verdict.m_word.val();

        // Beats.
        self.rx_gate.s_tdata.next = self.s_axis_rx_tdata.val();
        self.rx_gate.s_tkeep.next = self.s_axis_rx_tkeep.val();
        self.rx_gate.s_tvalid.next = self.s_axis_rx_tvalid.val();
        self.rx_gate.s_tlast.next = self.s_axis_rx_tlast.val();
        self.rx_gate.s_tuser.next = self.s_axis_rx_tuser.val();
        self.rx_gate.verdict_valid.next = self.rx_verdict.m_valid.val();
        self.rx_gate.verdict_pass.next = self.rx_verdict.m_word.val().get_bit(0);
        self.rx_gate.verdict_mask.next = false;
        self.rx_gate.masked_mac.next = 0.into();
        self.m_axis_rx_tdata.next = self.rx_gate.m_tdata.val();
        self.m_axis_rx_tkeep.next = self.rx_gate.m_tkeep.val();
        self.m_axis_rx_tvalid.next = self.rx_gate.m_tvalid.val();
        self.m_axis_rx_tlast.next = self.rx_gate.m_tlast.val();
        self.m_axis_rx_tuser.next = self.rx_gate.m_tuser.val();

        // From the host to the wire.
        self.tx_collect.tdata.next = self.s_axis_tx_tdata.val();
        self.tx_collect.tkeep.next = self.s_axis_tx_tkeep.val();
        self.tx_collect.tvalid.next = self.s_axis_tx_tvalid.val();
        self.tx_collect.tlast.next = self.s_axis_tx_tlast.val();
        self.tx_parse.s_beat.next = self.tx_collect.m_beat.val();
        self.tx_parse.s_first.next = self.tx_collect.m_first.val();
        self.tx_parse.s_end.next = self.tx_collect.m_end.val();
        self.tx_parse.s_window.next = self.tx_collect.m_window.val();
        self.tx_parse.s_long.next = self.tx_collect.m_long.val();
        self.tx_parse.s_words.next = self.tx_collect.m_words.val();
        self.tx_parse.s_tags.next = self.tx_collect.m_tags.val();
        self.tx_parse.s_ipv4.next = self.tx_collect.m_ipv4.val();
        self.tx_parse.s_ipv6.next = self.tx_collect.m_ipv6.val();
        self.tx_parse.s_pair.next = self.tx_collect.m_pair.val();
        self.tx_parse.s_whole.next = self.tx_collect.m_whole.val();
        self.tx_parse.s_index.next = self.tx_collect.m_index.val();
        self.tx_parse.s_high.next = self.tx_collect.m_high.val();
        self.tx_parse.s_low.next = self.tx_collect.m_low.val();
        self.tx_egress.configured.next = self.commit.m_configured.val();
        self.tx_egress.fenced.next = self.lease.fenced.val();
        self.tx_egress.vips.next = self.vip_bank.active.val();
        self.tx_egress.cluster_mac.next = self.registers.cluster_mac.val();
        self.tx_egress.masking.next = self.registers.masking.val();
        self.tx_egress.s_beat.next = self.tx_collect.m_beat.val();
        self.tx_egress.s_mac.next = self.tx_collect.m_source_mac.val();
        self.tx_egress.s_mac_valid.next = self.tx_collect.m_source_mac_valid.val();
        self.tx_egress.s_valid.next = self.tx_parse.m_valid.val();
        self.tx_egress.s_kind.next = self.tx_parse.m_kind.val();
        self.tx_egress.s_late.next = self.tx_parse.m_late.val();
        self.tx_egress.s_ipv6.next = self.tx_parse.m_ipv6.val();
        self.tx_egress.s_source.next = self.tx_parse.m_source.val();
        self.tx_verdict_valid.next = self.tx_egress.m_valid.val();
        self.tx_verdict_data.next = self.tx_egress.m_word.val();
        self.tx_gate.s_tdata.next = self.s_axis_tx_tdata.val();
        self.tx_gate.s_tkeep.next = self.s_axis_tx_tkeep.val();
        self.tx_gate.s_tvalid.next = self.s_axis_tx_tvalid.val();
        self.tx_gate.s_tlast.next = self.s_axis_tx_tlast.val();
        self.tx_gate.s_tuser.next = self.s_axis_tx_tuser.val();
        self.tx_gate.verdict_valid.next = self.tx_egress.m_valid.val();
        self.tx_gate.verdict_pass.next = self.tx_egress.m_word.val().get_bit(0);
        self.tx_gate.verdict_mask.next = self.tx_egress.m_word.val().get_bit(1);
        self.tx_gate.masked_mac.next = self.registers.masked_mac.val();
        self.m_axis_tx_tdata.next = self.tx_gate.m_tdata.val();
        self.m_axis_tx_tkeep.next = self.tx_gate.m_tkeep.val();
        self.m_axis_tx_tvalid.next = self.tx_gate.m_tvalid.val();
        self.m_axis_tx_tlast.next = self.tx_gate.m_tlast.val();
        self.m_axis_tx_tuser.next = self.tx_gate.m_tuser.val();
    }
}
