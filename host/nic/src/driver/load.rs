//! Loading: a program beside the one in force.

use std::fmt;

use weir_spec::Config;
use weir_spec::config::{Echo, VIPS};
use weir_spec::map::{Map, MapRef, SLOTS, WORDS};
use weir_spec::regs::{self, RegId, codec};
use weir_spec::rules::VipSelect;

use super::Nic;
use crate::program::{map_slots, slots_of};
use crate::slots::Content;
use crate::{AccessError, Bar, Program};

/// What a load had to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// Words of map slots.
    pub map_words: usize,
    /// Shadow registers.
    pub shadow_words: usize,
}

/// What refers to a map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapUser {
    /// The port rule of this index.
    Rule(usize),
    /// The rule behind them.
    DefaultRule,
    /// What decides on ICMP echo requests.
    Echo,
}

impl fmt::Display for MapUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MapUser::Rule(rule) => write!(f, "rule {rule}"),
            MapUser::DefaultRule => f.write_str("the default rule"),
            MapUser::Echo => f.write_str("echo"),
        }
    }
}

/// Why a program was not loaded. What is in force has not changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The program refers to a map it does not bring.
    #[error("{place} refers to map {index}; the program has {maps}, numbered from 0")]
    NoSuchMap {
        /// What refers to it.
        place: MapUser,
        /// The reference.
        index: u8,
        /// How many maps there are.
        maps: usize,
    },
    /// A rule names a virtual IP beyond the last.
    #[error("rule {rule} is for virtual IP {vip}; a NIC has 0 to {}", VIPS - 1)]
    NoSuchVip {
        /// Index of the rule.
        rule: usize,
        /// The index it names.
        vip: u8,
    },
    /// More different maps than slots outside the epoch in force.
    #[error("{wanted} different maps do not fit: {in_use} of {SLOTS} slots are in use by the epoch in force")]
    NoFreeSlot {
        /// Different maps of the program.
        wanted: usize,
        /// Slots that may not be written.
        in_use: usize,
    },
    /// A COMMIT is under way.
    #[error("the NIC is busy with a COMMIT")]
    Busy,
    /// Since the driver attached, the NIC was reset or another driver took it.
    #[error("the NIC was reset or taken by another driver; attach again")]
    NotOurs,
    /// A slot did not take what was written.
    #[error("map slot {slot} has CRC {found:#010x} after the load, not {expected:#010x}")]
    SlotDiffers {
        /// Which slot.
        slot: usize,
        /// Its running CRC if every write had arrived once.
        expected: u32,
        /// What it reads.
        found: u32,
    },
    /// A shadow register does not hold what was written.
    #[error("{name} at {offset:#x} holds {found:#010x} after writing {expected:#010x}")]
    ShadowDiffers {
        /// Block and register.
        name: String,
        /// Byte offset.
        offset: u32,
        /// What was written.
        expected: u32,
        /// What it reads.
        found: u32,
    },
    /// A word of a key does not hold what was written. Neither is told.
    #[error("{name} at {offset:#x} does not hold what was written")]
    KeyDiffers {
        /// Block and register.
        name: String,
        /// Byte offset.
        offset: u32,
    },
}

impl<B: Bar> Nic<B> {
    /// Loads `program`: maps into slots that the epoch in force does not use, then the shadow registers; writes only
    /// words that differ, and reads back enough to be sure of all of it.
    ///
    /// After an error nothing is staged, and [`commit`](Nic::commit) refuses until a load succeeds.
    pub fn load(&mut self, program: &Program) -> Result<Loaded, LoadError> {
        check(program)?;
        if self.registers.status()?.busy {
            return Err(LoadError::Busy);
        }
        if !self.ours()? {
            return Err(LoadError::NotOurs);
        }
        let program = program.normalized();
        let maps: Vec<&Map> = program.maps.iter().collect();
        let places = self
            .slots
            .place(&maps, &self.in_use)
            .ok_or_else(|| LoadError::NoFreeSlot { wanted: maps.len(), in_use: self.in_use.count_ones() })?;
        self.staged = None;
        let mut loaded = Loaded::default();
        for (slot, map) in places.iter().zip(maps) {
            loaded.map_words += self.load_slot(*slot, map)?;
        }
        let config = map_slots(&program.config, |index| MapRef::Slot(places[usize::from(index)] as u8));
        loaded.shadow_words = self.load_shadow(&config)?;
        debug_assert!(slots_of(&config).iter_ones().all(|slot| self.slots.get(slot).is_some()));
        self.staged = Some(config);
        Ok(loaded)
    }

    /// Brings `map` into `slot` and checks the slot's running CRC, also when there was nothing to write.
    ///
    /// A slot whose words are not known is written whole. Behind a device model that only sees stores that change a word,
    /// its CRC may then miss some; so if it differs the words themselves are read back, and they decide.
    fn load_slot(&mut self, slot: usize, map: &Map) -> Result<usize, LoadError> {
        let known = self.slots.take(slot);
        let was_known = known.is_some();
        let (mut content, runs) = match known {
            Some(content) => {
                let runs = content.differences(map);
                (content, runs)
            }
            None => {
                let crc = self.registers.read_at(RegId::MapCrc, slot as u32)?;
                (Content { words: Box::new([0; WORDS]), crc }, vec![(0, WORDS)])
            }
        };
        let mut count = 0;
        for (first, length) in runs {
            let words = &map.words()[first..first + length];
            let offset = regs::address(RegId::MapWord, (slot * WORDS + first) as u32);
            self.registers.bar.write_block(offset, words).map_err(AccessError::from)?;
            content.written(first, words);
            count += length;
        }
        let found = self.registers.read_at(RegId::MapCrc, slot as u32)?;
        if found != content.crc {
            if was_known || self.registers.slot(slot)? != *map {
                return Err(LoadError::SlotDiffers { slot, expected: content.crc, found });
            }
            content.crc = found;
        }
        self.slots.set(slot, content);
        Ok(count)
    }

    fn load_shadow(&mut self, config: &Config) -> Result<usize, LoadError> {
        let mut written = Vec::new();
        for (place, (offset, word)) in codec::encode(config).into_iter().enumerate() {
            if self.shadow[place] == Some(word) {
                continue;
            }
            self.shadow[place] = None;
            self.registers.bar.write32(offset, word).map_err(AccessError::from)?;
            written.push((place, offset, word));
        }
        for &(place, offset, expected) in &written {
            let found = self.registers.bar.read32(offset).map_err(AccessError::from)?;
            if found != expected {
                let (block, reg, index) = regs::find(offset).expect("the codec knows registers alone");
                let name = match block.count {
                    1 => format!("{}.{}", block.name, reg.name),
                    _ => format!("{}[{index}].{}", block.name, reg.name),
                };
                return Err(match reg.id {
                    RegId::HashKey | RegId::FlowKey => LoadError::KeyDiffers { name, offset },
                    _ => LoadError::ShadowDiffers { name, offset, expected, found },
                });
            }
            self.shadow[place] = Some(expected);
        }
        Ok(written.len())
    }
}

/// Refuses what the registers cannot say.
fn check(program: &Program) -> Result<(), LoadError> {
    for (rule, entry) in program.config.rules.iter().enumerate() {
        match entry.map(|entry| entry.vip) {
            Some(VipSelect::One(vip)) if usize::from(vip) >= VIPS => return Err(LoadError::NoSuchVip { rule, vip }),
            _ => {}
        }
    }
    let maps = program.maps.len();
    let config = &program.config;
    let rules = (0..).zip(&config.rules).filter_map(|(rule, entry)| Some((MapUser::Rule(rule), (*entry)?.map)));
    let echo = match config.policy.echo {
        Echo::PassAll => None,
        Echo::Hash(map) => Some((MapUser::Echo, map)),
    };
    for (place, map) in rules.chain([(MapUser::DefaultRule, config.default_rule.map)]).chain(echo) {
        match map {
            MapRef::Slot(index) if usize::from(index) >= maps => {
                return Err(LoadError::NoSuchMap { place, index, maps });
            }
            _ => {}
        }
    }
    Ok(())
}
