//! The NIC as its host sees it: registers on one side, frames on the other.
//!
//! The oracle for every engine. It answers each register access as the circuit does and decides on each frame, with one
//! difference that a host can see: a COMMIT, a SNAPSHOT and an operation on the flow table take no time here, so no busy
//! bit ever shows.

mod heat;
mod identity;
mod mailbox;
mod registers;

use crate::classify::{Classifier, Maps};
use crate::counters::{COUNTERS, of_decision, of_egress};
use crate::egress::{self, Egress, Masking};
use crate::flow::FlowTable;
use crate::interrupt::{Conditions, Interrupt};
use crate::lease::Lease;
use crate::map::{BucketState, CRC_START, SLOTS, WORDS};
use crate::verdict::Decision;
use crate::{Micros, frame};

use heat::Heat;
pub use identity::Identity;
use mailbox::Mailbox;

/// A register access that had no effect (SLVERR on the bus); a refused read gives zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused;

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
    warn_lease: u32,
    warn_flows: u32,
    link_down: bool,
    /// Shadow registers, by offset from the first shadow block.
    shadow: Vec<u32>,
    active: Classifier,
    pool: Pool,
    flows: Mailbox,
    heat: Heat,
    crcs: [u32; SLOTS],
    counters: [u64; COUNTERS],
    snapshot: [u64; COUNTERS],
    snap_seq: u32,
    refused_count: u32,
    refused_address: u32,
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
            warn_lease: 0,
            warn_flows: 0,
            link_down: false,
            shadow: registers::reset_shadow(),
            active: Classifier::unconfigured(),
            pool: Pool(vec![[0; WORDS]; SLOTS]),
            flows: Mailbox::default(),
            heat: Heat::new(),
            crcs: [CRC_START; SLOTS],
            counters: [0; COUNTERS],
            snapshot: [0; COUNTERS],
            snap_seq: 0,
            refused_count: 0,
            refused_address: 0,
        }
    }

    /// Reset or function-level reset: everything starts again, fenced, flow table empty, but the clock, and the words of
    /// the maps and the heat of the buckets, which lie in memory that no reset reaches.
    pub fn reset(&mut self) {
        let pool = std::mem::replace(&mut self.pool, Pool(Vec::new()));
        let heat = std::mem::replace(&mut self.heat, Heat::new());
        *self = Nic { now: self.now, link_down: self.link_down, pool, heat, ..Nic::new(self.identity) };
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

    /// The port has no link, or has one again. As after power-on it has.
    pub fn set_link_down(&mut self, down: bool) {
        self.link_down = down;
    }

    /// What the NIC would tell its host by interrupts.
    pub fn conditions(&self) -> Conditions {
        let fenced = self.lease.fenced();
        let ending = self.lease.until() < self.now.saturating_add(self.warn_lease.into());
        let high = self.warn_flows != 0 && self.flows.table.count() >= self.warn_flows as usize;
        Conditions::default()
            .with(Interrupt::LeaseEnding, !fenced && ending)
            .with(Interrupt::Fenced, fenced)
            .with(Interrupt::FlowsHigh, high)
            .with(Interrupt::LinkDown, self.link_down)
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

    /// The flows that are listed.
    pub fn flows(&self) -> &FlowTable {
        &self.flows.table
    }

    /// The live counters, snapshot or not.
    pub fn counters(&self) -> &[u64; COUNTERS] {
        &self.counters
    }

    /// Decides on a frame from the wire, and counts it.
    pub fn rx(&mut self, frame: &[u8]) -> Decision {
        let decision = self.active.decide(frame, &self.pool, &self.flows.table, self.lease.fenced());
        self.heat.count(&decision);
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
}

/// The longest frame an engine has to carry, without FCS: a jumbo frame with two VLAN tags.
pub const MAX_FRAME: usize = 9216 + 14 + 4 * frame::MAX_VLANS;

#[cfg(test)]
mod tests;
