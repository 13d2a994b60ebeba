//! The NIC as its host sees it: registers on one side, frames on the other.
//!
//! The oracle for every engine. It answers each register access as the circuit does and decides on each frame, with one
//! difference that a host can see: a COMMIT and a SNAPSHOT take no time here, so STATUS.busy never shows.

use crate::classify::{Classifier, Maps};
use crate::config::{Config, VIPS};
use crate::counters::{COUNTERS, of_decision, of_egress};
use crate::egress::{self, Egress, Masking};
use crate::lease::Lease;
use crate::mac::Mac;
use crate::map::{BucketState, CRC_START, SLOTS, WORDS, crc_step};
use crate::regs::{self, Access, Block, Reg, RegId, codec};
use crate::rules::RULES;
use crate::verdict::Decision;
use crate::{Micros, frame};

/// A register access that had no effect (SLVERR on the bus); a refused read gives zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused;

/// What an image was built with: the words of the id block that differ from NIC to NIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Bytes a beat.
    pub width_bytes: u8,
    /// Core clock in kHz; 0 in a simulator.
    pub clock_khz: u32,
    /// First 32 bits of the commit.
    pub git_hash: u32,
    /// Board number; 0 is the simulated NIC.
    pub board: u32,
}

impl Default for Identity {
    /// The simulated 64-bit NIC.
    fn default() -> Identity {
        Identity { width_bytes: 8, clock_khz: 0, git_hash: 0, board: 0 }
    }
}

impl Identity {
    /// The CAPS register.
    pub fn caps(&self) -> u32 {
        let caps = regs::reg(RegId::Caps);
        caps.field("width_bytes").place(self.width_bytes.into())
            | caps.field("maps").place(SLOTS as u32)
            | caps.field("rules").place(RULES as u32)
            | caps.field("vips").place(VIPS as u32)
    }
}

/// The words of all map slots.
#[derive(Clone)]
struct Pool(Vec<[u32; WORDS]>);

impl Maps for Pool {
    fn state(&self, slot: u8, bucket: u16) -> BucketState {
        let bucket = usize::from(bucket);
        BucketState::from_bits(self.0[usize::from(slot)][bucket / 16] >> (bucket % 16 * 2))
    }
}

/// A whole NIC.
#[derive(Clone)]
pub struct Nic {
    identity: Identity,
    now: Micros,
    time_high: u32,
    lease: Lease,
    lease_next: Micros,
    epoch: u32,
    scratch: u32,
    masking_words: [u32; 4],
    masking: Masking,
    /// Shadow registers, by offset from the first shadow block.
    shadow: Vec<u32>,
    active: Classifier,
    pool: Pool,
    crcs: [u32; SLOTS],
    counters: [u64; COUNTERS],
    snapshot: [u64; COUNTERS],
    snap_seq: u32,
    refused_count: u32,
    refused_address: u32,
}

/// The shadow words of a reset NIC.
fn reset_shadow() -> Vec<u32> {
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
    /// A NIC fresh from reset: fenced, nothing configured, its clock at zero.
    pub fn new(identity: Identity) -> Nic {
        Nic {
            identity,
            now: 0,
            time_high: 0,
            lease: Lease::default(),
            lease_next: 0,
            epoch: 0,
            scratch: 0,
            masking_words: [0; 4],
            masking: Masking::default(),
            shadow: reset_shadow(),
            active: Classifier::unconfigured(),
            pool: Pool(vec![[0; WORDS]; SLOTS]),
            crcs: [CRC_START; SLOTS],
            counters: [0; COUNTERS],
            snapshot: [0; COUNTERS],
            snap_seq: 0,
            refused_count: 0,
            refused_address: 0,
        }
    }

    /// Reset or function-level reset: everything starts again, fenced, but the clock and the words of the maps, which lie
    /// in memory that no reset reaches.
    pub fn reset(&mut self) {
        let pool = std::mem::replace(&mut self.pool, Pool(Vec::new()));
        *self = Nic { now: self.now, pool, ..Nic::new(self.identity) };
    }

    /// The shell's clock reached `now` microseconds; it never goes back.
    pub fn set_time(&mut self, now: Micros) {
        self.now = self.now.max(now);
        self.lease.tick(self.now);
    }

    /// Whether rules accept nothing.
    pub fn fenced(&self) -> bool {
        self.lease.fenced()
    }

    /// The deadline in force.
    pub fn lease_until(&self) -> Micros {
        self.lease.until()
    }

    /// Low word of the epoch in force.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What is in force.
    pub fn active(&self) -> &Classifier {
        &self.active
    }

    /// The live counters, snapshot or not.
    pub fn counters(&self) -> &[u64; COUNTERS] {
        &self.counters
    }

    /// Decides on a frame from the wire, and counts it.
    pub fn rx(&mut self, frame: &[u8]) -> Decision {
        let decision = self.active.decide(frame, &self.pool, self.lease.fenced());
        for counter in of_decision(&decision) {
            self.counters[counter] = self.counters[counter].wrapping_add(1);
        }
        decision
    }

    /// Decides on a frame from the host, masks its source and counts it.
    pub fn tx(&mut self, frame: &mut [u8]) -> Egress {
        let egress = egress::decide(&self.active, &self.masking, frame, self.lease.fenced());
        if egress.masked {
            egress::mask(&self.masking, frame);
        }
        for counter in of_egress(&egress) {
            self.counters[counter] = self.counters[counter].wrapping_add(1);
        }
        egress
    }

    /// Reads the register at byte `offset`.
    pub fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        let (block, reg, index) = regs::find(offset).ok_or(Refused)?;
        if block.shadow && !block.optional && block.name != regs::MAP.name {
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
                status.field("fenced").place(self.lease.fenced().into())
                    | status.field("configured").place(self.active.configured().into())
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
            RegId::MapCrc => self.crcs[index],
            RegId::SnapSeq => self.snap_seq,
            RegId::CounterLo => self.snapshot[index] as u32,
            RegId::CounterHi => (self.snapshot[index] >> 32) as u32,
            RegId::MapWord => self.pool.0[index / WORDS][index % WORDS],
            // Fixed words, doorbells, and the optional blocks this NIC does not have.
            _ => reg.reset,
        }
    }

    /// Writes the register at byte `offset`.
    pub fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        let done = regs::find(offset)
            .filter(|(block, reg, _)| reg.access != Access::ReadOnly && !block.optional)
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
            RegId::Snapshot => {
                self.snapshot = self.counters;
                self.snap_seq = self.snap_seq.wrapping_add(1);
            }
            RegId::MapWord => {
                let (slot, word) = (index / WORDS, index % WORDS);
                self.pool.0[slot][word] = value;
                self.crcs[slot] = crc_step(self.crcs[slot], word as u16, value);
            }
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

/// The longest frame an engine has to carry, without FCS: a jumbo frame with two VLAN tags.
pub const MAX_FRAME: usize = 9216 + 14 + 4 * frame::MAX_VLANS;

#[cfg(test)]
mod tests;
