//! Which source MAC does not leave.

use weir_spec::egress::Masking;
use weir_spec::mac::Mac;
use weir_spec::regs::{self, RegId};

use super::Nic;
use crate::{AccessError, Bar};

/// Why nobody knows which source MAC leaves.
#[derive(Debug, thiserror::Error)]
pub enum MaskingError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A register does not hold what was written.
    #[error("{name} holds {found:#010x} after writing {expected:#010x}")]
    Differs {
        /// Which register.
        name: &'static str,
        /// What was written.
        expected: u32,
        /// What it reads.
        found: u32,
    },
}

const WORDS: [RegId; 4] = [RegId::MaskedMacLo, RegId::MaskedMacHi, RegId::ClusterMacLo, RegId::ClusterMacHi];

impl<B: Bar> Nic<B> {
    /// Sets which source MAC is replaced and by what, in force at once. Call it before the cluster MAC is put on the
    /// host's interface. Changing from one cluster MAC to another takes two writes, between which neither is replaced.
    pub fn set_masking(&mut self, masking: &Masking) -> Result<(), MaskingError> {
        let words = [
            masking.masked.low_word(),
            masking.masked.high_word(),
            masking.cluster.low_word(),
            masking.cluster.high_word() | enable_bit().place(masking.enabled.into()),
        ];
        // The new mask first, then what it replaces, with the switch in the last word.
        for (id, word) in WORDS.into_iter().zip(words) {
            if self.registers.read(id)? != word {
                self.registers.write(id, word)?;
            }
        }
        for (id, expected) in WORDS.into_iter().zip(words) {
            let found = self.registers.read(id)?;
            if found != expected {
                return Err(MaskingError::Differs { name: regs::reg(id).name, expected, found });
            }
        }
        Ok(())
    }

    /// What is replaced by what, as the NIC has it.
    pub fn masking(&mut self) -> Result<Masking, AccessError> {
        let [masked_lo, masked_hi, cluster_lo, cluster_hi] = WORDS.map(|id| self.registers.read(id));
        let cluster_hi = cluster_hi?;
        Ok(Masking {
            enabled: enable_bit().get(cluster_hi) == 1,
            cluster: Mac::from_words(cluster_lo?, cluster_hi),
            masked: Mac::from_words(masked_lo?, masked_hi?),
        })
    }
}

fn enable_bit() -> regs::Field {
    regs::reg(RegId::ClusterMacHi).field("enable")
}
