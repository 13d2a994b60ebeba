//! Registers: what a request of the bus does, and what it answers.
//!
//! Every request takes the same number of clocks. Where a register is, who may write it and which bits it keeps comes from
//! the table through [`Decoder`]. Twin: `weir_spec::nic::Nic::read` and `write`.

use rust_hdl::prelude::*;
use weir_spec::nic::Identity;
use weir_spec::regs::{self, RegId};

use super::crc::SlotCrc;
use crate::cell::decoder::{block_number, number, Decoder, ADDRESS};
use crate::cell::register::ResetDff;

/// See the module.
#[derive(LogicBlock)]
pub struct Registers {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// All registers back to their reset values.
    pub reset: Signal<In, Bit>,
    /// A request of [`Axil`](super::axil::Axil).
    pub request: Signal<In, Bit>,
    /// It writes.
    pub write: Signal<In, Bit>,
    /// A whole word.
    pub whole: Signal<In, Bit>,
    /// Byte offset.
    pub address: Signal<In, Bits<ADDRESS>>,
    /// Word to write.
    pub wdata: Signal<In, Bits<32>>,
    /// The answer.
    pub done: Signal<Out, Bit>,
    /// It is a refusal.
    pub refused: Signal<Out, Bit>,
    /// What was read.
    pub answer: Signal<Out, Bits<32>>,

    /// Which word of its block is read or written.
    pub cfg_word: Signal<Out, Bits<14>>,
    /// What is written, bits that the register does not hold cleared.
    pub cfg_wdata: Signal<Out, Bits<32>>,
    /// A read begins.
    pub cfg_re: Signal<Out, Bit>,
    /// A rule word is written.
    pub cfg_rule_we: Signal<Out, Bit>,
    /// A word of a virtual IP is written.
    pub cfg_vip_we: Signal<Out, Bit>,
    /// A key word is written.
    pub cfg_key_we: Signal<Out, Bit>,
    /// The policy is written.
    pub cfg_policy_we: Signal<Out, Bit>,
    /// A map word is written.
    pub cfg_map_we: Signal<Out, Bit>,
    /// The rule word there.
    pub rule_rdata: Signal<In, Bits<32>>,
    /// The word of a virtual IP there.
    pub vip_rdata: Signal<In, Bits<32>>,
    /// The key word there.
    pub key_rdata: Signal<In, Bits<32>>,
    /// The policy.
    pub policy_rdata: Signal<In, Bits<32>>,
    /// The map word there.
    pub map_rdata: Signal<In, Bits<32>>,
    /// The counter word there.
    pub counter_rdata: Signal<In, Bits<32>>,

    /// NIC_TIME.
    pub nic_time: Signal<In, Bits<64>>,
    /// LEASE_NEXT.
    pub lease_next: Signal<Out, Bits<64>>,
    /// A renewal is taken.
    pub renew: Signal<Out, Bit>,
    /// A renewal would be refused.
    pub refuses_renewal: Signal<In, Bit>,
    /// LEASE_NEXT is too far ahead.
    pub too_far: Signal<In, Bit>,
    /// LEASE_UNTIL.
    pub lease_until: Signal<In, Bits<64>>,
    /// STATUS.fenced.
    pub fenced: Signal<In, Bit>,
    /// A commit has landed since reset.
    pub configured: Signal<In, Bit>,
    /// A commit is taken.
    pub commit: Signal<Out, Bit>,
    /// Its deadline.
    pub commit_next: Signal<Out, Bits<64>>,
    /// It is in force everywhere.
    pub commit_done: Signal<In, Bit>,
    /// A snapshot is asked for.
    pub snapshot: Signal<Out, Bit>,
    /// One is under way.
    pub snapshot_busy: Signal<In, Bit>,
    /// SNAP_SEQ.
    pub snapshot_sequence: Signal<In, Bits<32>>,
    /// CLUSTER_MAC, first octet in bits 7:0.
    pub cluster_mac: Signal<Out, Bits<48>>,
    /// Masking is on.
    pub masking: Signal<Out, Bit>,
    /// MASKED_MAC, first octet in bits 7:0.
    pub masked_mac: Signal<Out, Bits<48>>,

    decoder: Decoder,
    crc: SlotCrc,
    step: ResetDff<Bits<4>>,
    error: DFF<Bit>,
    result: DFF<Bits<32>>,
    finished: ResetDff<Bit>,
    scratch: ResetDff<Bits<32>>,
    next_lo: ResetDff<Bits<32>>,
    next_hi: ResetDff<Bits<32>>,
    taken_next: DFF<Bits<64>>,
    busy: ResetDff<Bit>,
    epoch_next: DFF<Bits<32>>,
    epoch: ResetDff<Bits<32>>,
    refusals: ResetDff<Bits<32>>,
    refusal_address: ResetDff<Bits<ADDRESS>>,
    time_hi: ResetDff<Bits<32>>,
    cluster_lo: ResetDff<Bits<32>>,
    cluster_hi: ResetDff<Bits<32>>,
    masked_lo: ResetDff<Bits<32>>,
    masked_hi: ResetDff<Bits<32>>,

    kept: Signal<Local, Bits<32>>,
    refuse: Signal<Local, Bit>,
    act: Signal<Local, Bit>,
    map_write: Signal<Local, Bit>,
    asked: Signal<Local, Bits<64>>,
    read: Signal<Local, Bits<32>>,
    id: Signal<Local, Bits<6>>,
    block: Signal<Local, Bits<4>>,
    status: Signal<Local, Bits<32>>,
    cluster_word: Signal<Local, Bits<32>>,

    rule: Constant<Bits<4>>,
    vip: Constant<Bits<4>>,
    key: Constant<Bits<4>>,
    policy: Constant<Bits<4>>,
    map: Constant<Bits<4>>,
    slot_crc: Constant<Bits<4>>,
    counter: Constant<Bits<4>>,
    id_caps: Constant<Bits<6>>,
    id_scratch: Constant<Bits<6>>,
    id_commit: Constant<Bits<6>>,
    id_epoch: Constant<Bits<6>>,
    id_status: Constant<Bits<6>>,
    id_refused_count: Constant<Bits<6>>,
    id_refused_address: Constant<Bits<6>>,
    id_time_lo: Constant<Bits<6>>,
    id_time_hi: Constant<Bits<6>>,
    id_next_lo: Constant<Bits<6>>,
    id_next_hi: Constant<Bits<6>>,
    id_renew: Constant<Bits<6>>,
    id_until_lo: Constant<Bits<6>>,
    id_until_hi: Constant<Bits<6>>,
    id_cluster_lo: Constant<Bits<6>>,
    id_cluster_hi: Constant<Bits<6>>,
    id_masked_lo: Constant<Bits<6>>,
    id_masked_hi: Constant<Bits<6>>,
    id_snapshot: Constant<Bits<6>>,
    id_sequence: Constant<Bits<6>>,
    caps: Constant<Bits<32>>,
    status_configured: Constant<Bits<5>>,
    status_fenced: Constant<Bits<5>>,
    status_busy: Constant<Bits<5>>,
    mask_enable: Constant<Bits<5>>,
}

impl Default for Registers {
    fn default() -> Self {
        let status = regs::reg(RegId::Status);
        Registers {
            clock: Default::default(),
            reset: Default::default(),
            request: Default::default(),
            write: Default::default(),
            whole: Default::default(),
            address: Default::default(),
            wdata: Default::default(),
            done: Default::default(),
            refused: Default::default(),
            answer: Default::default(),
            cfg_word: Default::default(),
            cfg_wdata: Default::default(),
            cfg_re: Default::default(),
            cfg_rule_we: Default::default(),
            cfg_vip_we: Default::default(),
            cfg_key_we: Default::default(),
            cfg_policy_we: Default::default(),
            cfg_map_we: Default::default(),
            rule_rdata: Default::default(),
            vip_rdata: Default::default(),
            key_rdata: Default::default(),
            policy_rdata: Default::default(),
            map_rdata: Default::default(),
            counter_rdata: Default::default(),
            nic_time: Default::default(),
            lease_next: Default::default(),
            renew: Default::default(),
            refuses_renewal: Default::default(),
            too_far: Default::default(),
            lease_until: Default::default(),
            fenced: Default::default(),
            configured: Default::default(),
            commit: Default::default(),
            commit_next: Default::default(),
            commit_done: Default::default(),
            snapshot: Default::default(),
            snapshot_busy: Default::default(),
            snapshot_sequence: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            masked_mac: Default::default(),
            decoder: Default::default(),
            crc: Default::default(),
            step: Default::default(),
            error: Default::default(),
            result: Default::default(),
            finished: Default::default(),
            scratch: Default::default(),
            next_lo: Default::default(),
            next_hi: Default::default(),
            taken_next: Default::default(),
            busy: Default::default(),
            epoch_next: Default::default(),
            epoch: Default::default(),
            refusals: Default::default(),
            refusal_address: Default::default(),
            time_hi: Default::default(),
            cluster_lo: Default::default(),
            cluster_hi: Default::default(),
            masked_lo: Default::default(),
            masked_hi: Default::default(),
            kept: Default::default(),
            refuse: Default::default(),
            act: Default::default(),
            map_write: Default::default(),
            asked: Default::default(),
            read: Default::default(),
            id: Default::default(),
            block: Default::default(),
            status: Default::default(),
            cluster_word: Default::default(),
            rule: Constant::new(block_number(&regs::RULE)),
            vip: Constant::new(block_number(&regs::VIP)),
            key: Constant::new(block_number(&regs::HASH_KEY)),
            policy: Constant::new(block_number(&regs::POLICY)),
            map: Constant::new(block_number(&regs::MAP)),
            slot_crc: Constant::new(block_number(&regs::MAP_CRC)),
            counter: Constant::new(block_number(&regs::COUNTER)),
            id_caps: Constant::new(number(RegId::Caps)),
            id_scratch: Constant::new(number(RegId::Scratch)),
            id_commit: Constant::new(number(RegId::Commit)),
            id_epoch: Constant::new(number(RegId::EpochActive)),
            id_status: Constant::new(number(RegId::Status)),
            id_refused_count: Constant::new(number(RegId::RefusedCount)),
            id_refused_address: Constant::new(number(RegId::RefusedAddress)),
            id_time_lo: Constant::new(number(RegId::NicTimeLo)),
            id_time_hi: Constant::new(number(RegId::NicTimeHi)),
            id_next_lo: Constant::new(number(RegId::LeaseNextLo)),
            id_next_hi: Constant::new(number(RegId::LeaseNextHi)),
            id_renew: Constant::new(number(RegId::Renew)),
            id_until_lo: Constant::new(number(RegId::LeaseUntilLo)),
            id_until_hi: Constant::new(number(RegId::LeaseUntilHi)),
            id_cluster_lo: Constant::new(number(RegId::ClusterMacLo)),
            id_cluster_hi: Constant::new(number(RegId::ClusterMacHi)),
            id_masked_lo: Constant::new(number(RegId::MaskedMacLo)),
            id_masked_hi: Constant::new(number(RegId::MaskedMacHi)),
            id_snapshot: Constant::new(number(RegId::Snapshot)),
            id_sequence: Constant::new(number(RegId::SnapSeq)),
            caps: Constant::new(Identity::default().caps().to_bits()),
            status_configured: Constant::new(status.field("configured").low.to_bits()),
            status_fenced: Constant::new(status.field("fenced").low.to_bits()),
            status_busy: Constant::new(status.field("busy").low.to_bits()),
            mask_enable: Constant::new(regs::reg(RegId::ClusterMacHi).field("enable").low.to_bits()),
        }
    }
}

impl Logic for Registers {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, error, result, finished, scratch, next_lo, next_hi, taken_next, busy, epoch_next);
        dff_setup!(
            self,
            clock,
            epoch,
            refusals,
            refusal_address,
            time_hi,
            cluster_lo,
            cluster_hi,
            masked_lo,
            masked_hi
        );
        clock!(self, clock, decoder, crc);
        self.step.reset.next = self.reset.val();
        self.finished.reset.next = self.reset.val();
        self.scratch.reset.next = self.reset.val();
        self.next_lo.reset.next = self.reset.val();
        self.next_hi.reset.next = self.reset.val();
        self.busy.reset.next = self.reset.val();
        self.epoch.reset.next = self.reset.val();
        self.refusals.reset.next = self.reset.val();
        self.refusal_address.reset.next = self.reset.val();
        self.time_hi.reset.next = self.reset.val();
        self.cluster_lo.reset.next = self.reset.val();
        self.cluster_hi.reset.next = self.reset.val();
        self.masked_lo.reset.next = self.reset.val();
        self.masked_hi.reset.next = self.reset.val();
        self.crc.reset.next = self.reset.val();

        self.decoder.valid.next = self.request.val();
        self.decoder.address.next = self.address.val();
        self.id.next = self.decoder.id.val();
        self.block.next = self.decoder.block.val();
        self.kept.next = self.wdata.val() & self.decoder.mask.val();
        self.asked.next = (bit_cast::<64, 32>(self.next_hi.q.val()) << 32) | bit_cast::<64, 32>(self.next_lo.q.val());
        self.cfg_word.next = self.decoder.word.val();
        self.cfg_wdata.next = self.kept.val();
        self.cfg_re.next = false;
        self.cfg_rule_we.next = false;
        self.cfg_vip_we.next = false;
        self.cfg_key_we.next = false;
        self.cfg_policy_we.next = false;
        self.cfg_map_we.next = false;
        self.renew.next = false;
        self.commit.next = false;
        self.snapshot.next = false;
        self.refuse.next = false;
        self.act.next = false;
        self.map_write.next = false;
        self.read.next = 0.into();
        self.status.next = 0.into();
        self.cluster_word.next = 0.into();
        self.crc.slot.next = 0.into();
        self.crc.index.next = 0.into();
        self.crc.word.next = 0.into();
        self.crc.load.next = false;
        self.crc.advance.next = false;
        self.crc.finish.next = false;
        self.finished.d.next = false;

        if self.request.val() {
            self.step.d.next = 1.into();
        }
        if self.step.q.val() != 0 {
            self.step.d.next = self.step.q.val() + 1;
            self.map_write.next = self.write.val() & !self.error.q.val() & (self.block.val() == self.map.val());
            self.crc.slot.next = self.decoder.word.val().get_bits::<6>(0);
            if self.block.val() == self.map.val() {
                self.crc.slot.next = self.decoder.word.val().get_bits::<6>(8);
            }
            self.crc.index.next = self.decoder.word.val().get_bits::<8>(0);
            self.crc.word.next = self.kept.val();
            if self.step.q.val() == 1 {
                self.cfg_re.next = true;
                self.refuse.next = !self.decoder.found.val();
                if self.write.val() {
                    self.refuse.next = !self.decoder.takes.val()
                        | !self.whole.val()
                        | (self.decoder.shadow.val() & self.busy.q.val())
                        | ((self.id.val() == self.id_commit.val()) & (self.busy.q.val() | self.too_far.val()))
                        | ((self.id.val() == self.id_renew.val()) & self.refuses_renewal.val())
                        | ((self.id.val() == self.id_snapshot.val()) & self.snapshot_busy.val());
                    self.act.next = !self.refuse.val();
                    if self.refuse.val() {
                        self.refusals.d.next = self.refusals.q.val() + 1;
                        self.refusal_address.d.next = self.address.val();
                    }
                }
                self.error.d.next = self.refuse.val();
            }
            if self.act.val() {
                self.cfg_rule_we.next = self.block.val() == self.rule.val();
                self.cfg_vip_we.next = self.block.val() == self.vip.val();
                self.cfg_key_we.next = self.block.val() == self.key.val();
                self.cfg_policy_we.next = self.block.val() == self.policy.val();
                self.cfg_map_we.next = self.block.val() == self.map.val();
                self.renew.next = self.id.val() == self.id_renew.val();
                self.snapshot.next = self.id.val() == self.id_snapshot.val();
                if self.id.val() == self.id_commit.val() {
                    self.commit.next = true;
                    self.busy.d.next = true;
                    self.epoch_next.d.next = self.wdata.val();
                    self.taken_next.d.next = self.asked.val();
                }
                if self.id.val() == self.id_scratch.val() {
                    self.scratch.d.next = self.kept.val();
                }
                if self.id.val() == self.id_next_lo.val() {
                    self.next_lo.d.next = self.kept.val();
                }
                if self.id.val() == self.id_next_hi.val() {
                    self.next_hi.d.next = self.kept.val();
                }
                if self.id.val() == self.id_cluster_lo.val() {
                    self.cluster_lo.d.next = self.kept.val();
                }
                if self.id.val() == self.id_cluster_hi.val() {
                    self.cluster_hi.d.next = self.kept.val();
                }
                if self.id.val() == self.id_masked_lo.val() {
                    self.masked_lo.d.next = self.kept.val();
                }
                if self.id.val() == self.id_masked_hi.val() {
                    self.masked_hi.d.next = self.kept.val();
                }
            }
            // The CRC of the slot is there in step 3; six bytes later it holds the word.
            self.crc.load.next = self.step.q.val() == 3;
            self.crc.advance.next = self.map_write.val() & (self.step.q.val() >= 4) & (self.step.q.val() <= 9);
            self.crc.finish.next = self.map_write.val() & (self.step.q.val() == 10);

            if self.step.q.val() == 10 {
                self.read.next = self.decoder.fixed.val();
                self.status.next = self.status.val().replace_bit(self.status_fenced.val().index(), self.fenced.val());
                self.status.next =
                    self.status.val().replace_bit(self.status_configured.val().index(), self.configured.val());
                self.status.next = self.status.val().replace_bit(self.status_busy.val().index(), self.busy.q.val());
                if self.block.val() == self.rule.val() {
                    self.read.next = self.rule_rdata.val();
                }
                if self.block.val() == self.vip.val() {
                    self.read.next = self.vip_rdata.val();
                }
                if self.block.val() == self.key.val() {
                    self.read.next = self.key_rdata.val();
                }
                if self.block.val() == self.policy.val() {
                    self.read.next = self.policy_rdata.val();
                }
                if self.block.val() == self.map.val() {
                    self.read.next = self.map_rdata.val();
                }
                if self.block.val() == self.slot_crc.val() {
                    self.read.next = self.crc.value.val();
                }
                if self.block.val() == self.counter.val() {
                    self.read.next = self.counter_rdata.val();
                }
                if self.id.val() == self.id_caps.val() {
                    self.read.next = self.caps.val();
                }
                if self.id.val() == self.id_scratch.val() {
                    self.read.next = self.scratch.q.val();
                }
                if self.id.val() == self.id_epoch.val() {
                    self.read.next = self.epoch.q.val();
                }
                if self.id.val() == self.id_status.val() {
                    self.read.next = self.status.val();
                }
                if self.id.val() == self.id_refused_count.val() {
                    self.read.next = self.refusals.q.val();
                }
                if self.id.val() == self.id_refused_address.val() {
                    self.read.next = bit_cast::<32, ADDRESS>(self.refusal_address.q.val());
                }
                if self.id.val() == self.id_time_lo.val() {
                    self.read.next = self.nic_time.val().get_bits::<32>(0);
                    if !self.write.val() {
                        self.time_hi.d.next = self.nic_time.val().get_bits::<32>(32);
                    }
                }
                if self.id.val() == self.id_time_hi.val() {
                    self.read.next = self.time_hi.q.val();
                }
                if self.id.val() == self.id_next_lo.val() {
                    self.read.next = self.next_lo.q.val();
                }
                if self.id.val() == self.id_next_hi.val() {
                    self.read.next = self.next_hi.q.val();
                }
                if self.id.val() == self.id_until_lo.val() {
                    self.read.next = self.lease_until.val().get_bits::<32>(0);
                }
                if self.id.val() == self.id_until_hi.val() {
                    self.read.next = self.lease_until.val().get_bits::<32>(32);
                }
                if self.id.val() == self.id_cluster_lo.val() {
                    self.read.next = self.cluster_lo.q.val();
                }
                if self.id.val() == self.id_cluster_hi.val() {
                    self.read.next = self.cluster_hi.q.val();
                }
                if self.id.val() == self.id_masked_lo.val() {
                    self.read.next = self.masked_lo.q.val();
                }
                if self.id.val() == self.id_masked_hi.val() {
                    self.read.next = self.masked_hi.q.val();
                }
                if self.id.val() == self.id_sequence.val() {
                    self.read.next = self.snapshot_sequence.val();
                }
                self.result.d.next = self.read.val();
                self.finished.d.next = true;
                self.step.d.next = 0.into();
            }
        }
        if self.commit_done.val() {
            self.busy.d.next = false;
            self.epoch.d.next = self.epoch_next.q.val();
        }

        self.done.next = self.finished.q.val();
        self.refused.next = self.error.q.val();
        self.answer.next = self.result.q.val();
        self.lease_next.next = self.asked.val();
        self.commit_next.next = self.taken_next.q.val();
        self.cluster_word.next = self.cluster_hi.q.val();
        self.masking.next = self.cluster_word.val().get_bit(self.mask_enable.val().index());
        self.cluster_mac.next = (bit_cast::<48, 16>(self.cluster_word.val().get_bits::<16>(0)) << 32)
            | bit_cast::<48, 32>(self.cluster_lo.q.val());
        self.masked_mac.next = (bit_cast::<48, 16>(self.masked_hi.q.val().get_bits::<16>(0)) << 32)
            | bit_cast::<48, 32>(self.masked_lo.q.val());
    }
}
