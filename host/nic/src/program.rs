//! What one epoch tells a NIC.

use bitvec::BitArr;
use weir_spec::Config;
use weir_spec::config::Echo;
use weir_spec::map::{Map, MapRef, SLOTS};

/// A configuration and the maps it refers to.
///
/// [`MapRef::Slot`]`(i)` in `config` means `maps[i]`; which slot of the NIC a map lands in is the driver's business.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// Virtual IPs, rules, key and policy.
    pub config: Config,
    /// Maps, at most 64 different ones; copy on write wants no more than 32.
    pub maps: Vec<Map>,
}

impl Program {
    /// The same program with each different map once, in the order of first use, and no map that nobody uses. Two
    /// programs that tell a NIC the same become equal.
    pub fn normalized(&self) -> Program {
        let mut maps: Vec<Map> = Vec::new();
        let config = map_slots(&self.config, |index| {
            let Some(map) = self.maps.get(usize::from(index)) else { return MapRef::Slot(index) };
            let place = maps.iter().position(|known| known == map).unwrap_or_else(|| {
                maps.push(map.clone());
                maps.len() - 1
            });
            MapRef::Slot(place as u8)
        });
        Program { config, maps }
    }

    /// What a NIC is told whose registers say `config`: the slots that it refers to become maps, each read by `map`.
    pub(crate) fn read<E>(config: &Config, mut map: impl FnMut(usize) -> Result<Map, E>) -> Result<Program, E> {
        let slots: Vec<usize> = slots_of(config).iter_ones().collect();
        let maps = slots.iter().map(|slot| map(*slot)).collect::<Result<_, E>>()?;
        let config = map_slots(config, |slot| {
            let index = slots.iter().position(|used| *used == usize::from(slot)).expect("each slot was just listed");
            MapRef::Slot(index as u8)
        });
        Ok(Program { config, maps }.normalized())
    }
}

/// A set of map slots of a NIC.
pub(crate) type SlotSet = BitArr!(for SLOTS, in u64);

/// `config` with every slot replaced, in the order rules, default rule, echo.
pub(crate) fn map_slots(config: &Config, mut replace: impl FnMut(u8) -> MapRef) -> Config {
    let mut config = config.clone();
    let mut each = |map: &mut MapRef| {
        if let MapRef::Slot(slot) = *map {
            *map = replace(slot);
        }
    };
    for rule in config.rules.iter_mut().flatten() {
        each(&mut rule.map);
    }
    each(&mut config.default_rule.map);
    if let Echo::Hash(map) = &mut config.policy.echo {
        each(map);
    }
    config
}

/// The slots that `config` refers to.
pub(crate) fn slots_of(config: &Config) -> SlotSet {
    let mut slots = SlotSet::ZERO;
    map_slots(config, |slot| {
        slots.set(usize::from(slot), true);
        MapRef::Slot(slot)
    });
    slots
}
