//! One NIC twice: the circuit, and the specification that it must equal.

use weir_rtl::{Rtl, Side};
use weir_spec::Micros;
use weir_spec::config::Config;
use weir_spec::map::Map;
use weir_spec::nic::{Identity, Nic};
use weir_spec::regs::{self, RegId, codec};
use weir_spec::verdict::Decision;

use crate::error::ReplayError;
use crate::share::SLOT;

/// Time stands still at this moment, long before the lease ends.
const NOW: Micros = 1_000_000;
const LEASE_UNTIL: Micros = NOW + 60_000_000;
const EPOCH: u32 = 1;
/// Reads of a register in which a COMMIT must be done while nothing else goes on.
const POLLS: usize = 2000;

/// What became of a frame.
pub(crate) struct Outcome {
    /// The circuit's decision, or the specification's where there is no circuit.
    pub(crate) decision: Decision,
    /// What came out, if it passed and is not the frame itself.
    pub(crate) changed: Option<Vec<u8>>,
    /// What the circuit did otherwise than the specification.
    pub(crate) difference: Option<String>,
}

pub(crate) struct Twin {
    spec: Nic,
    rtl: Option<Rtl>,
}

impl Twin {
    /// Loads a configuration into a NIC fresh from reset and brings it into force.
    pub(crate) fn new(rtl: Option<Rtl>, config: &Config, map: &Map) -> Result<Twin, ReplayError> {
        let mut twin = Twin { spec: Nic::new(Identity::default()), rtl };
        twin.spec.set_time(NOW);
        if let Some(rtl) = &mut twin.rtl {
            rtl.set_time(NOW);
        }
        for (word, value) in map.words().iter().enumerate() {
            let index = usize::from(SLOT) * map.words().len() + word;
            twin.write(regs::address(RegId::MapWord, index as u32), *value)?;
        }
        for (offset, value) in codec::encode(config) {
            twin.write(offset, value)?;
        }
        twin.write(regs::address(RegId::LeaseNextLo, 0), LEASE_UNTIL as u32)?;
        twin.write(regs::address(RegId::LeaseNextHi, 0), (LEASE_UNTIL >> 32) as u32)?;
        twin.write(regs::address(RegId::Commit, 0), EPOCH)?;
        if let Some(rtl) = &mut twin.rtl {
            let mut active = || rtl.read32(regs::address(RegId::EpochActive, 0)) == Ok(EPOCH);
            if !(0..POLLS).any(|_| active()) {
                return Err(ReplayError::Circuit { what: "did not bring its first epoch into force".into() });
            }
        }
        Ok(twin)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<(), ReplayError> {
        self.spec.write(offset, value).expect("a plain register of a NIC fresh from reset");
        match self.rtl.as_mut().map(|rtl| rtl.write32(offset, value)) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(_)) => {
                let what = format!("refused to write {value:#010x} to {offset:#07x} fresh from reset");
                Err(ReplayError::Circuit { what })
            }
        }
    }

    /// Clocks of the circuit so far.
    pub(crate) fn clocks(&self) -> u64 {
        self.rtl.as_ref().map_or(0, Rtl::clocks)
    }

    /// Receives frames back to back; what became of each, up to the first of which nothing is known.
    pub(crate) fn receive(&mut self, frames: &[&[u8]]) -> Result<Vec<Outcome>, ReplayError> {
        let Some(rtl) = &mut self.rtl else {
            let outcome = |frame: &&[u8]| Outcome { decision: self.spec.rx(frame), changed: None, difference: None };
            return Ok(frames.iter().map(outcome).collect());
        };
        for frame in frames {
            rtl.push(Side::Rx, frame, &[]);
        }
        let settled = rtl.settle();
        let [drained, _] = rtl.drain();
        let stuck = |what: &str| Err(ReplayError::Circuit { what: what.into() });
        if drained.words.len() != frames.len() {
            return stuck(&format!("gave {} verdicts for {} frames", drained.words.len(), frames.len()));
        }
        let mut passed = drained.frames.into_iter();
        let mut outcomes = Vec::with_capacity(frames.len());
        for (frame, word) in frames.iter().zip(drained.words) {
            let wanted = self.spec.rx(frame);
            let Some(decision) = Decision::decode(word.word) else {
                return stuck(&format!("gave the word {:#010x}, which means nothing", word.word));
            };
            let mut outcome = Outcome { decision, changed: None, difference: None };
            if decision != wanted {
                outcome.difference = Some(format!("specification {wanted:?}, circuit {decision:?}"));
            }
            if decision.accept {
                let Some(out) = passed.next() else {
                    return stuck("passed a frame that did not come out");
                };
                if out.bytes != *frame {
                    let at = out.bytes.iter().zip(*frame).position(|(a, b)| a != b);
                    let at = at.unwrap_or(out.bytes.len().min(frame.len()));
                    outcome.difference = Some(format!("the bytes that came out differ from byte {at} on"));
                    outcome.changed = Some(out.bytes);
                }
            }
            outcomes.push(outcome);
        }
        if passed.next().is_some() || !settled {
            return stuck("gave frames that nobody sent");
        }
        Ok(outcomes)
    }
}
