//! How often each bucket was asked for.

use weir_spec::map::BUCKETS;
use weir_spec::regs::{self, RegId};

use super::Nic;
use crate::{AccessError, Bar};

/// Frames of each bucket as the NIC counts them: modulo 2^24, from some number on. Only differences mean something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heat(Box<[u32; BUCKETS]>);

impl Heat {
    /// Frames of each bucket since `earlier`, a reading of the same NIC. Right as long as no bucket got 2^24 frames in
    /// between: of the shortest frames, 1.1 s of 10 Gbit/s or 0.11 s of 100 Gbit/s, all for one bucket.
    pub fn since(&self, earlier: &Heat) -> Vec<u32> {
        let frames = regs::reg(RegId::Heat).field("frames");
        self.0.iter().zip(earlier.0.iter()).map(|(now, then)| frames.get(now.wrapping_sub(*then))).collect()
    }
}

impl<B: Bar> Nic<B> {
    /// Reads the counters of all buckets, one after another, while frames go on.
    pub fn heat(&mut self) -> Result<Heat, AccessError> {
        let mut heat = Heat(Box::new([0; BUCKETS]));
        for (bucket, frames) in (0..).zip(heat.0.iter_mut()) {
            *frames = self.registers.read_at(RegId::Heat, bucket)?;
            if *frames == u32::MAX {
                return Err(AccessError::Gone { register: "HEAT.FRAMES" });
            }
        }
        Ok(heat)
    }
}
