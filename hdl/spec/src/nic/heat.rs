//! How often each bucket is asked for.

use crate::map::BUCKETS;
use crate::verdict::Decision;

/// Bits of a counter.
const BITS: u32 = 24;

/// One wrapping counter a bucket, in memory that no reset reaches.
#[derive(Clone)]
pub(super) struct Heat(Box<[u32; BUCKETS]>);

impl Heat {
    /// All zero, as after power-on.
    pub(super) fn new() -> Heat {
        Heat(Box::new([0; BUCKETS]))
    }

    /// Counts the bucket of a decision, if it has one.
    pub(super) fn count(&mut self, decision: &Decision) {
        if let Some((bucket, _)) = decision.bucket {
            let frames = &mut self.0[usize::from(bucket)];
            *frames = (*frames + 1) & ((1 << BITS) - 1);
        }
    }

    /// The counter of a bucket, 0..4096.
    pub(super) fn frames(&self, bucket: usize) -> u32 {
        self.0[bucket]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::BucketState;
    use crate::verdict::{Class, Reason};

    #[test]
    fn a_counter_wraps_after_24_bits_and_is_a_buckets_own() {
        let mut heat = Heat::new();
        let plain = Decision::plain(true, Class::Transport, Reason::Bucket);
        heat.0[7] = 0xff_ffff;
        heat.count(&Decision { bucket: Some((7, BucketState::None)), ..plain });
        heat.count(&Decision { bucket: Some((4095, BucketState::Own)), ..plain });
        heat.count(&plain);
        assert_eq!((heat.frames(7), heat.frames(4095)), (0, 1));
        assert_eq!(heat.0.iter().sum::<u32>(), 1);
    }
}
