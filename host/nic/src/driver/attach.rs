//! Taking a NIC, fresh or serving.

use weir_spec::Config;
use weir_spec::map::{CRC_START, SLOTS};
use weir_spec::regs::{self, RegId, codec};

use super::{JOURNAL_OPEN, Nic, checksum};
use crate::identity::IdentityError;
use crate::program::{SlotSet, slots_of};
use crate::registers::{PATIENCE, Registers};
use crate::slots::{Content, Slots};
use crate::{AccessError, Bar, Identity};

/// Why a NIC was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no NIC this driver knows.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It cannot be read.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A COMMIT of whoever had it before does not end.
    #[error("the NIC has been busy with a COMMIT for {} ms", PATIENCE.as_millis())]
    StuckBusy,
}

impl<B: Bar> Nic<B> {
    /// Takes the NIC behind `bar`. One that serves goes on serving: nothing but the journal is written, and what it has
    /// in force is read back.
    pub fn open(mut bar: B) -> Result<Nic<B>, OpenError> {
        let identity = Identity::read(&mut bar)?;
        let mut registers = Registers { bar };
        let idle = registers.wait(|registers| Ok::<_, AccessError>((!registers.status()?.busy).then_some(())))?;
        idle.ok_or(OpenError::StuckBusy)?;

        let shadow = read_shadow(&mut registers)?;
        let config = decode(&shadow);
        let journal = registers.read(RegId::Scratch)?;
        let mut nic = Nic {
            registers,
            identity,
            slots: Slots::unknown(),
            active: None,
            in_use: SlotSet::ZERO,
            staged: None,
            journal,
            shadow: shadow.into_iter().map(Some).collect(),
            flows: None,
        };
        if journal == checksum(nic.shadow.iter().flatten().copied()) {
            nic.in_use = slots_of(&config);
            nic.read_slots()?;
            nic.active = Some(config.clone());
            nic.staged = Some(config);
        } else {
            // Not what is in force. A fenced NIC accepts by no map; of another, any map ever written may be in force.
            if !nic.registers.status()?.fenced() {
                nic.in_use = nic.written_slots()?;
            }
            nic.journal = JOURNAL_OPEN;
            nic.registers.write(RegId::Scratch, JOURNAL_OPEN)?;
        }
        Ok(nic)
    }

    /// Reads the slots in use.
    fn read_slots(&mut self) -> Result<(), AccessError> {
        let in_use = self.in_use;
        for slot in in_use.iter_ones() {
            let crc = self.registers.read_at(RegId::MapCrc, slot as u32)?;
            let words = Box::new(*self.registers.slot(slot)?.words());
            self.slots.set(slot, Content { words, crc });
        }
        Ok(())
    }

    fn written_slots(&mut self) -> Result<SlotSet, AccessError> {
        let mut written = SlotSet::ZERO;
        for slot in 0..SLOTS {
            written.set(slot, self.registers.read_at(RegId::MapCrc, slot as u32)? != CRC_START);
        }
        Ok(written)
    }
}

/// The words of the shadow registers, in the order of `codec::encode`.
pub(super) fn read_shadow<B: Bar>(registers: &mut Registers<B>) -> Result<Vec<u32>, AccessError> {
    shadow_offsets().map(|offset| Ok(registers.bar.read32(offset)?)).collect()
}

/// The byte offsets of the shadow registers, rising.
fn shadow_offsets() -> impl Iterator<Item = u32> {
    codec::encode(&Config::default()).into_iter().map(|(offset, _)| offset)
}

pub(super) fn decode(shadow: &[u32]) -> Config {
    let offsets: Vec<u32> = shadow_offsets().collect();
    codec::decode(|offset| offsets.binary_search(&offset).map_or(0, |place| shadow[place]))
}

const _: () = assert!(regs::RULE.shadow && regs::VIP.shadow && regs::POLICY.shadow);
const _: () = assert!(regs::HASH_KEY.shadow && regs::FLOW_KEY.shadow);
