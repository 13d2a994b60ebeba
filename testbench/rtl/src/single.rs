//! One frame at a time, as a device model wants it.

use thiserror::Error;
use weir_spec::egress::Egress;
use weir_spec::verdict::Decision;

use crate::rtl::Rtl;
use crate::stream::{Passed, Side};

/// The circuit did not do with a frame what a frame needs: the circuit is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Stuck {
    /// No verdict came, or the frame was passed and did not come out.
    #[error("the circuit did not finish with a frame of {length} bytes")]
    Unfinished {
        /// Bytes of the frame.
        length: usize,
    },
    /// A word that no decision encodes to.
    #[error("the circuit gave verdict word {word:#010x}, which means nothing")]
    Word {
        /// The word.
        word: u32,
    },
    /// Frame and verdict contradict each other, or the mark of a frame and its verdict.
    #[error("the circuit gave verdict word {word:#010x} and {frames} frames, or a wrong mark")]
    Contradiction {
        /// The word.
        word: u32,
        /// Frames that came out.
        frames: usize,
    },
}

impl Rtl {
    /// Sends one frame from the wire through the NIC; the decision, and the frame if it passed. Nothing else may be
    /// under way: what was queued before is run and forgotten.
    pub fn rx(&mut self, frame: &[u8]) -> Result<(Decision, Option<Vec<u8>>), Stuck> {
        let (word, passed) = self.through(Side::Rx, frame)?;
        let decision = Decision::decode(word).ok_or(Stuck::Word { word })?;
        Ok((decision, passed))
    }

    /// Sends one frame from the host through the NIC; what happened to it, and the frame if it left.
    pub fn tx(&mut self, frame: &[u8]) -> Result<(Egress, Option<Vec<u8>>), Stuck> {
        let (word, passed) = self.through(Side::Tx, frame)?;
        let egress = Egress { pass: word & 1 == 1, masked: word & 2 == 2 };
        if egress.encode() != word {
            return Err(Stuck::Word { word });
        }
        Ok((egress, passed))
    }

    fn through(&mut self, side: Side, frame: &[u8]) -> Result<(u32, Option<Vec<u8>>), Stuck> {
        let stuck = Stuck::Unfinished { length: frame.len() };
        if !self.settle() {
            return Err(stuck);
        }
        self.drain();
        self.push(side, frame, &[]);
        if !self.settle() {
            return Err(stuck);
        }
        let mut drained = self.drain();
        let drained = &mut drained[side as usize];
        let word = drained.words.pop().ok_or(stuck)?.word;
        let (frames, accepted) = (drained.frames.len(), word & 1 == 1);
        let passed = drained.frames.pop();
        let marked = passed.as_ref().is_some_and(|frame| frame.user);
        let leaves = accepted || self.marks(side);
        if frames != usize::from(leaves) || marked != (leaves && !accepted) {
            return Err(Stuck::Contradiction { word, frames });
        }
        // A frame that is marked ends here, as at the MAC it is marked for.
        Ok((word, passed.filter(|_| accepted).map(|Passed { bytes, .. }| bytes)))
    }
}
