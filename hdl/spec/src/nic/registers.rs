//! The registers as their host sees them.

use super::{Nic, Refused};
use crate::Config;
use crate::classify::Classifier;
use crate::egress::Masking;
use crate::interrupt::Interrupt;
use crate::lease::Lease;
use crate::mac::Mac;
use crate::map::{WORDS, crc_step};
use crate::regs::{self, Access, Block, Reg, RegId, codec};

/// The shadow words of a reset NIC.
pub(super) fn reset_shadow() -> Vec<u32> {
    let mut words = vec![0; (regs::POLICY.base + regs::POLICY.size - regs::RULE.base) as usize / 4];
    for (offset, word) in codec::encode(&Config::default()) {
        words[shadow_index(offset)] = word;
    }
    words
}

fn shadow_index(offset: u32) -> usize {
    (offset - regs::RULE.base) as usize / 4
}

impl Nic {
    /// Reads the register at byte `offset`.
    pub fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        let (block, reg, index) = regs::find(offset).ok_or(Refused)?;
        if block.shadow && block.name != regs::MAP.name {
            return Ok(self.shadow[shadow_index(offset)]);
        }
        Ok(self.read_register(reg, index as usize))
    }

    fn read_register(&mut self, reg: &Reg, index: usize) -> u32 {
        match reg.id {
            RegId::Caps => self.identity.caps(),
            RegId::ClockKhz => self.identity.clock_khz,
            RegId::GitHash => self.identity.git_hash,
            RegId::Board => self.identity.board,
            RegId::Scratch => self.scratch,
            RegId::EpochActive => self.epoch,
            RegId::Status => {
                let status = regs::reg(RegId::Status);
                let conditions = self.conditions();
                status.field("fenced").place(self.lease.fenced().into())
                    | status.field("configured").place(self.active.configured().into())
                    | status.field("lease_ending").place(conditions.has(Interrupt::LeaseEnding).into())
                    | status.field("flows_high").place(conditions.has(Interrupt::FlowsHigh).into())
                    | status.field("link_down").place(conditions.has(Interrupt::LinkDown).into())
            }
            RegId::RefusedCount => self.refused_count,
            RegId::RefusedAddress => self.refused_address,
            RegId::NicTimeLo => {
                self.time_high = (self.now >> 32) as u32;
                self.now as u32
            }
            RegId::NicTimeHi => self.time_high,
            RegId::LeaseNextLo => self.lease_next as u32,
            RegId::LeaseNextHi => (self.lease_next >> 32) as u32,
            RegId::LeaseUntilLo => self.lease.until() as u32,
            RegId::LeaseUntilHi => (self.lease.until() >> 32) as u32,
            RegId::ClusterMacLo => self.masking_words[0],
            RegId::ClusterMacHi => self.masking_words[1],
            RegId::MaskedMacLo => self.masking_words[2],
            RegId::MaskedMacHi => self.masking_words[3],
            RegId::WarnLease => self.warn_lease,
            RegId::WarnFlows => self.warn_flows,
            RegId::MapCrc => self.crcs[index],
            RegId::SnapSeq => self.snap_seq,
            RegId::CounterLo => self.snapshot[index] as u32,
            RegId::CounterHi => (self.snapshot[index] >> 32) as u32,
            RegId::MapWord => self.pool.0[index / WORDS][index % WORDS],
            RegId::FlowStatus => self.flows.status(),
            RegId::FlowSignatureLo => self.flows.signature as u32,
            RegId::FlowSignatureHi => (self.flows.signature >> 32) as u32,
            RegId::FlowIndex => self.flows.index,
            RegId::FlowCount => self.flows.table.count() as u32,
            RegId::Heat => self.heat.frames(index),
            // Fixed words and doorbells.
            _ => reg.reset,
        }
    }

    /// Writes the register at byte `offset`.
    pub fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        let done = regs::find(offset)
            .filter(|(_, reg, _)| reg.access != Access::ReadOnly)
            .ok_or(Refused)
            .and_then(|(block, reg, index)| self.write_register(block, reg, offset, index as usize, value));
        if done.is_err() {
            self.refused_count = self.refused_count.wrapping_add(1);
            self.refused_address = offset;
        }
        done
    }

    fn write_register(
        &mut self,
        block: &Block,
        reg: &Reg,
        offset: u32,
        index: usize,
        value: u32,
    ) -> Result<(), Refused> {
        let kept = value & reg.writable();
        match reg.id {
            RegId::Scratch => self.scratch = kept,
            RegId::LeaseNextLo => self.lease_next = self.lease_next >> 32 << 32 | u64::from(kept),
            RegId::LeaseNextHi => self.lease_next = u64::from(kept) << 32 | self.lease_next & 0xffff_ffff,
            RegId::Renew => self.lease.renew(self.now, self.lease_next).map_err(|_| Refused)?,
            RegId::Commit => {
                Lease::check(self.now, self.lease_next).map_err(|_| Refused)?;
                let shadow = &self.shadow;
                self.active = Classifier::new(codec::decode(|offset| shadow[shadow_index(offset)]));
                self.lease.commit(self.now, self.lease_next);
                self.epoch = value;
            }
            RegId::ClusterMacLo => self.set_masking(0, kept),
            RegId::ClusterMacHi => self.set_masking(1, kept),
            RegId::MaskedMacLo => self.set_masking(2, kept),
            RegId::MaskedMacHi => self.set_masking(3, kept),
            RegId::WarnLease => self.warn_lease = kept,
            RegId::WarnFlows => self.warn_flows = kept,
            RegId::Snapshot => {
                self.snapshot = self.counters;
                self.snap_seq = self.snap_seq.wrapping_add(1);
            }
            RegId::MapWord => {
                let (slot, word) = (index / WORDS, index % WORDS);
                self.pool.0[slot][word] = value;
                self.crcs[slot] = crc_step(self.crcs[slot], word as u16, value);
            }
            RegId::FlowCommand => self.flows.command(value)?,
            RegId::FlowSignatureLo => self.flows.signature = self.flows.signature >> 32 << 32 | u64::from(kept),
            RegId::FlowSignatureHi => self.flows.signature = u64::from(kept) << 32 | self.flows.signature & 0xffff_ffff,
            RegId::FlowIndex => self.flows.index = kept,
            _ => {
                assert!(block.shadow, "every other register that can be written is a shadow");
                self.shadow[shadow_index(offset)] = kept;
            }
        }
        Ok(())
    }

    fn set_masking(&mut self, word: usize, value: u32) {
        self.masking_words[word] = value;
        let [cluster_lo, cluster_hi, masked_lo, masked_hi] = self.masking_words;
        self.masking = Masking {
            enabled: regs::reg(RegId::ClusterMacHi).field("enable").get(cluster_hi) == 1,
            cluster: Mac::from_words(cluster_lo, cluster_hi),
            masked: Mac::from_words(masked_lo, masked_hi),
        };
    }
}
