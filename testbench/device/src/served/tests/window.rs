use std::os::fd::{AsFd, OwnedFd};

use memmap2::{MmapOptions, MmapRaw};
use weir_nic::{BarError, Nic, Program};
use weir_spec::Config;
use weir_spec::map::{BucketState, CRC_START, Map, MapRef, WORDS, crc_step};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

use super::*;
use crate::window::{AREAS, contains};

const MAPPED: Serving = Serving { mapped_window: true, fault: None };

/// The window as a host maps it: each area by where it begins in the BAR.
struct Mapping(Vec<(u32, MmapRaw)>);

impl Mapping {
    /// By the descriptor and the areas that the device told.
    fn of(raw: &Raw) -> Mapping {
        let region = raw.0.region(BAR0).expect("BAR 0");
        let file: OwnedFd =
            region.file_offset.as_ref().expect("memory").file().as_fd().try_clone_to_owned().expect("one");
        let areas = region.sparse_areas.iter().map(|area| {
            let map = MmapOptions::new().offset(area.offset).len(area.size as usize).map_raw(&file);
            (area.offset as u32, map.expect("a mapping"))
        });
        let mapping = Mapping(areas.collect());
        let told: Vec<_> = mapping.0.iter().map(|(start, map)| *start..start + map.len() as u32).collect();
        assert_eq!(told, AREAS);
        mapping
    }

    fn word(&self, offset: u32) -> *mut u32 {
        let (start, map) = self.0.iter().rfind(|(start, _)| *start <= offset).expect("an offset in the window");
        let byte = (offset - start) as usize;
        assert!(byte.is_multiple_of(4) && byte < map.len());
        // SAFETY: inside the mapping, as was checked; it begins at a page.
        unsafe { map.as_mut_ptr().add(byte).cast() }
    }

    fn put(&self, offset: u32, value: u32) {
        // SAFETY: valid and aligned, by `word`; the device reads it by calls.
        unsafe { self.word(offset).write_volatile(value.to_le()) }
    }

    fn get(&self, offset: u32) -> u32 {
        // SAFETY: as in `put`.
        u32::from_le(unsafe { self.word(offset).read_volatile() })
    }

    fn store(&self, slot: usize, word: usize, value: u32) {
        self.put(map_word(slot, word), value);
    }

    fn load(&self, slot: usize, word: usize) -> u32 {
        self.get(map_word(slot, word))
    }
}

/// The byte offset of a word of a slot.
fn map_word(slot: usize, word: usize) -> u32 {
    regs::address(RegId::MapWord, (slot * WORDS + word) as u32)
}

impl Raw {
    fn crc(&mut self, slot: u32) -> u32 {
        self.read(BAR0, regs::address(RegId::MapCrc, slot))
    }

    fn map_word(&mut self, slot: usize, word: usize) -> u32 {
        self.read(BAR0, map_word(slot, word))
    }
}

/// The CRC of these writes, after `crc`.
fn crc_of(crc: u32, words: impl IntoIterator<Item = (usize, u32)>) -> u32 {
    words.into_iter().fold(crc, |crc, (word, value)| crc_step(crc, word as u16, value))
}

#[test]
fn what_is_stored_in_the_window_is_in_the_slot_at_the_next_trapped_access() {
    let bench = Bench::new(MAPPED);
    let mut raw = bench.raw();
    let mapping = Mapping::of(&raw);
    let whole: Vec<u32> = (1..=WORDS as u32).map(|word| word.wrapping_mul(0x0101_0101)).collect();
    for (word, value) in whole.iter().enumerate() {
        mapping.store(5, word, *value);
    }
    mapping.store(63, WORDS - 1, 9);
    let crc = crc_of(CRC_START, whole.iter().copied().enumerate());
    assert_eq!(raw.crc(5), crc);
    assert_eq!(raw.crc(63), crc_of(CRC_START, [(WORDS - 1, 9)]));
    assert_eq!(raw.crc(4), CRC_START);
    assert!((0..WORDS).all(|word| raw.map_word(5, word) == whole[word]));

    // Later changes go on where the CRC is, rising, however they were stored.
    mapping.store(5, 200, 8);
    mapping.store(5, 3, 7);
    assert_eq!(raw.crc(5), crc_of(crc, [(3, 7), (200, 8)]));
    assert_eq!(bench.served.bad_accesses().expect("a live engine"), 0);
    assert_eq!(bench.served.refused_words().expect("a live engine"), 0);
}

#[test]
fn what_was_there_already_is_not_seen_to_be_stored() {
    let bench = Bench::new(MAPPED);
    let mut raw = bench.raw();
    let mapping = Mapping::of(&raw);
    mapping.store(0, 0, 0);
    mapping.store(0, 1, 1);
    assert_eq!(raw.crc(0), crc_of(CRC_START, [(1, 1)]), "a card would count both");
}

/// BAR 0 as a driver has it that maps what can be mapped.
struct Mixed {
    raw: Raw,
    mapping: Mapping,
}

impl Bar for Mixed {
    fn size(&self) -> u32 {
        regs::PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        Ok(if contains(offset) { self.mapping.get(offset) } else { self.raw.read(BAR0, offset) })
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        if contains(offset) {
            self.mapping.put(offset, value);
        } else {
            self.raw.write(BAR0, offset, value);
        }
        Ok(())
    }
}

fn program(map: Map) -> Program {
    let mut config = Config::default();
    config.rules[0] = Some(Rule {
        vip: VipSelect::All,
        first_port: 80,
        last_port: 80,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        map: MapRef::Slot(0),
    });
    Program { config, maps: vec![map] }
}

#[test]
fn a_driver_works_through_the_window_also_where_words_were_there_already() {
    let bench = Bench::new(MAPPED);
    let raw = bench.raw();
    let mapping = Mapping::of(&raw);
    let mut nic = Nic::open(Mixed { raw, mapping }).expect("a Weir NIC");
    let mut map = Map::filled(BucketState::Own);
    nic.load(&program(map.clone())).expect("every word of the slot changes");
    let until = nic.time().expect("a clock") + 20_000_000;
    nic.commit(1, until).expect("a commit");
    assert_eq!(bench.served.epoch().expect("a live engine"), 1);
    // Another slot, which the driver does not know and writes whole.
    map.set(0, BucketState::Release);
    (16..32).for_each(|bucket| map.set(bucket, BucketState::None));
    nic.load(&program(map.clone())).expect("a word of zeros was there before, and the driver reads it back");
    assert_eq!(nic.staged().expect("staged").maps, [map]);
}

#[test]
fn the_window_shows_what_was_written_through_the_trap_and_after_a_reset_what_is_kept() {
    let bench = Bench::new(MAPPED);
    let mut raw = bench.raw();
    let mapping = Mapping::of(&raw);
    raw.write(BAR0, regs::address(RegId::MapWord, 1), 3);
    assert_eq!(mapping.load(0, 1), 3);
    mapping.store(0, 2, 4);
    raw.0.reset().expect("an answer");
    raw.write(CONFIG, 4, 2);
    assert_eq!((mapping.load(0, 1), mapping.load(0, 2)), (3, 4), "maps outlive a reset");
    assert_eq!((raw.map_word(0, 1), raw.map_word(0, 2)), (3, 4));
    assert_eq!(raw.crc(0), CRC_START, "their CRCs do not");
    mapping.store(0, 3, 5);
    assert_eq!(raw.crc(0), crc_of(CRC_START, [(3, 5)]));
}

#[test]
fn rules_are_in_the_window_and_show_what_the_nic_kept_of_them() {
    let bench = Bench::new(MAPPED);
    let mut raw = bench.raw();
    let mapping = Mapping::of(&raw);
    let matching = regs::address(RegId::RuleMatch, 32);
    mapping.put(matching, u32::MAX);
    mapping.put(regs::address(RegId::RulePorts, 0), 0x0050_0050);
    // There is no register behind the last word of a rule.
    mapping.put(matching + 8, 7);
    let kept = raw.read(BAR0, matching);
    assert!(kept != 0 && kept != u32::MAX, "some bits are there: {kept:#x}");
    assert_eq!(raw.read(BAR0, regs::address(RegId::RulePorts, 0)), 0x0050_0050);
    assert_eq!((mapping.get(matching), mapping.get(matching + 8)), (kept, 0));
    assert_eq!(bench.served.refused_words().expect("a live engine"), 1);
    raw.0.reset().expect("an answer");
    raw.write(CONFIG, 4, 2);
    assert_eq!((mapping.get(matching), raw.read(BAR0, matching)), (0, 0), "rules do not outlive a reset");
}

#[test]
fn a_host_that_maps_nothing_is_served_as_ever() {
    let bench = Bench::new(MAPPED);
    let mut bar = bench.open();
    let offset = regs::address(RegId::MapWord, 256);
    bar.write_block(offset, &[1, 2, 3]).expect("it fits");
    assert_eq!(bar.read32(offset + 8).expect("a register"), 3);
    let crc = bar.read32(regs::address(RegId::MapCrc, 1)).expect("a register");
    assert_eq!(crc, crc_of(CRC_START, [(0, 1), (1, 2), (2, 3)]));
}

#[test]
fn a_trapped_bar_has_nothing_to_map() {
    let bench = Bench::new(Serving::default());
    let raw = bench.raw();
    let region = raw.0.region(BAR0).expect("BAR 0");
    assert!(region.sparse_areas.is_empty() && region.file_offset.is_none());
}
