//! The flow table from the host: random sequences of listing and removing, with crashes, resets and a NIC that loses
//! writes. Whatever moves, no listed entry may be missing at any time.

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::prelude::*;
use weir_spec::flow::table::{ENTRIES, WAYS, index};
use weir_spec::flow::{Entry, FlowKind};
use weir_spec::regs::{self, PORT_SIZE, RegId};

use super::*;
use crate::driver::{FlowError, Insertion, Nic};
use crate::{Bar, BarError};

/// A NIC that looks after each write whether an entry that should be listed is missing.
#[derive(Clone)]
struct Watched {
    sim: Sim,
    listed: Arc<Mutex<BTreeSet<Entry>>>,
    accesses: Arc<AtomicU64>,
    /// Writes it still takes; then the process is taken to have ended: nothing arrives any more.
    writes_left: Arc<AtomicU64>,
}

impl Watched {
    fn new() -> Watched {
        Watched {
            sim: setup().0,
            listed: Arc::default(),
            accesses: Arc::default(),
            writes_left: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    fn open(&self) -> Nic<Watched> {
        self.writes_left.store(u64::MAX, Ordering::Relaxed);
        Nic::open(self.clone()).expect("a NIC")
    }

    fn listed(&self) -> std::sync::MutexGuard<'_, BTreeSet<Entry>> {
        self.listed.lock().expect("no test panics with it")
    }

    /// What the NIC holds, behind the registers.
    fn held(&self) -> Vec<Entry> {
        self.sim.nic().flows().iter().map(|(_, entry)| entry).collect()
    }

    /// What the NIC finds, each once.
    fn found(&self) -> BTreeSet<Entry> {
        let nic = self.sim.nic();
        let found = nic.flows().iter().map(|(_, entry)| entry);
        found.filter(|entry| nic.flows().contains(entry.signature, entry.vip, entry.kind)).collect()
    }
}

impl Bar for Watched {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        self.accesses.fetch_add(1, Ordering::Relaxed);
        assert!(regs::find(offset).is_some(), "a read of {offset:#x}, where no register is");
        self.sim.load(offset)
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.accesses.fetch_add(1, Ordering::Relaxed);
        let left = self.writes_left.load(Ordering::Relaxed);
        if left == 0 {
            return Ok(());
        }
        self.writes_left.store(left - 1, Ordering::Relaxed);
        self.sim.store(offset, value)?;
        if regs::find(offset).is_some_and(|(_, reg, _)| reg.id == RegId::FlowCommand) {
            let nic = self.sim.nic();
            for entry in self.listed().iter() {
                assert!(nic.flows().contains(entry.signature, entry.vip, entry.kind), "{entry:?} is missing");
            }
        }
        Ok(())
    }
}

/// A generator of signatures: any 64 bits, the same for the same seed.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    // splitmix64
    (1..).map(move |step: u64| {
        let mut z = seed.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn pin(signature: u64) -> Entry {
    Entry { signature, vip: 3, kind: FlowKind::Pin }
}

/// Entries that meet at eight places, so that few of them fill the table.
fn crowded() -> impl Strategy<Value = Entry> {
    (0u64..16, 0u64..3, 0u8..2, any::<bool>()).prop_map(|(places, high, vip, foreign)| Entry {
        signature: (0..WAYS as u64).fold(high << 40, |bits, way| bits | (places >> way & 1) << (10 * way)),
        vip,
        kind: if foreign { FlowKind::Foreign } else { FlowKind::Pin },
    })
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(Entry),
    Remove(Entry),
    Clear,
    Restart,
    Reset,
    /// The process ends after so many more writes, in the middle of listing this.
    Crash(Entry, u64),
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        12 => crowded().prop_map(Operation::Insert),
        4 => crowded().prop_map(Operation::Remove),
        1 => Just(Operation::Clear),
        1 => Just(Operation::Restart),
        1 => Just(Operation::Reset),
        3 => (crowded(), 0u64..20).prop_map(|(entry, writes)| Operation::Crash(entry, writes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_nic_finds_what_is_listed_at_any_time_and_nothing_else_in_the_end(
        operations in proptest::collection::vec(any_operation(), 1..40),
    ) {
        let bar = Watched::new();
        let mut driver = bar.open();
        for operation in operations {
            match operation {
                Operation::Insert(entry) => match driver.flows().insert(entry) {
                    Ok(Insertion::Listed { .. }) => prop_assert!(bar.listed().insert(entry)),
                    Ok(Insertion::Already) => prop_assert!(bar.listed().contains(&entry)),
                    // That no arrangement would do is what the test of the search shows.
                    Err(FlowError::Full { count, .. }) => prop_assert_eq!(count, bar.listed().len()),
                    Err(error) => prop_assert!(false, "{}", error),
                },
                Operation::Remove(entry) => {
                    let was = bar.listed().remove(&entry);
                    prop_assert_eq!(driver.flows().remove(&entry).expect("registers"), was);
                }
                Operation::Clear => {
                    bar.listed().clear();
                    driver.flows().clear().expect("registers");
                }
                Operation::Restart => driver = bar.open(),
                Operation::Reset => {
                    bar.sim.nic().reset();
                    bar.listed().clear();
                    driver = bar.open();
                }
                Operation::Crash(entry, writes) => {
                    bar.writes_left.store(writes, Ordering::Relaxed);
                    let _lost = driver.flows().insert(entry);
                    driver = bar.open();
                    let found = bar.found();
                    let mut listed = bar.listed();
                    listed.extend(found.contains(&entry).then_some(entry));
                    prop_assert_eq!(&found, &*listed, "never half of it");
                    drop(listed);
                }
            }
            let wanted: BTreeSet<Entry> = bar.listed().clone();
            prop_assert_eq!(driver.flows().count().expect("registers"), wanted.len());
            let read_back: BTreeSet<Entry> = driver.flows().list().expect("registers").into_iter().collect();
            prop_assert_eq!(&read_back, &wanted);
            prop_assert_eq!(bar.held().len(), wanted.len(), "nothing is left over");
            prop_assert_eq!(&bar.found(), &wanted);
        }
    }
}

#[test]
fn random_signatures_fill_the_table_to_more_than_nine_tenths() {
    let mut firsts = Vec::new();
    for seed in 1..=5 {
        let bar = Watched::new();
        let mut driver = bar.open();
        let (mut listed, mut moves, mut longest) = (Vec::new(), 0, 0);
        let refused = random(seed).find(|signature| match driver.flows().insert(pin(*signature)) {
            Ok(Insertion::Listed { moved }) => {
                (moves, longest) = (moves + moved, longest.max(moved));
                listed.push(pin(*signature));
                false
            }
            Ok(Insertion::Already) => panic!("a signature came twice"),
            Err(FlowError::Full { count, .. }) => {
                assert_eq!(count, listed.len());
                true
            }
            Err(error) => panic!("{error}"),
        });
        assert!(refused.is_some());
        let accesses = bar.accesses.load(Ordering::Relaxed) / listed.len() as u64;
        println!(
            "seed {seed}: first refusal after {} of {} entries, {moves} moves, at most {longest} for one, \
             {accesses} accesses an entry",
            listed.len(),
            WAYS * ENTRIES
        );
        assert!(listed.len() > 3_900, "seed {seed}: refused with {} entries", listed.len());
        let nic = bar.sim.nic();
        assert!(listed.iter().all(|entry| nic.flows().contains(entry.signature, entry.vip, entry.kind)));
        drop(nic);
        firsts.push(listed.len());
        // A refusal is no fault: after one removal there is room for one that shares its places.
        let gone = listed[0];
        assert!(driver.flows().remove(&gone).expect("registers"));
        let twin = Entry { vip: 4, ..gone };
        assert!(matches!(driver.flows().insert(twin), Ok(Insertion::Listed { .. })));
    }
    println!("first refusals: {firsts:?}");
}

#[test]
fn five_entries_with_the_same_places_do_not_fit() {
    let bar = Watched::new();
    let mut driver = bar.open();
    for vip in 0..4 {
        let entry = Entry { vip, ..pin(77) };
        assert_eq!(driver.flows().insert(entry).expect("a way is free"), Insertion::Listed { moved: 0 });
        assert_eq!(driver.flows().insert(entry).expect("no access"), Insertion::Already);
    }
    let fifth = Entry { vip: 4, ..pin(77) };
    let error = driver.flows().insert(fifth).expect_err("all four places are taken");
    let text = error.to_string();
    assert_eq!(text, "flow table is full: its 4 entries leave no place for signature 0x000000000000004d");
    assert!(!driver.flows().contains(&fifth).expect("no access"));
    let beyond = driver.flows().insert(Entry { vip: 16, ..pin(1) }).expect_err("there are 16");
    assert!(matches!(beyond, FlowError::NoSuchVip { vip: 16 }));
}

#[test]
fn a_restarted_agent_finds_its_flows_and_a_stray_entry_is_removed() {
    let bar = Watched::new();
    let signatures: Vec<u64> = random(9).take(100).collect();
    let mut driver = bar.open();
    for signature in &signatures {
        driver.flows().insert(pin(*signature)).expect("there is room");
    }
    let mut raw = bar.clone();
    let strange = (index(1, signatures[0]) + 1) % ENTRIES;
    for (id, word) in [
        (RegId::FlowSignatureLo, signatures[0] as u32),
        (RegId::FlowSignatureHi, (signatures[0] >> 32) as u32),
        (RegId::FlowIndex, strange as u32),
        (RegId::FlowCommand, 1 | 1 << 4 | 1 << 12),
    ] {
        raw.write32(regs::address(id, 0), word).expect("a register");
    }
    let error = driver.flows().count().expect_err("one too many");
    assert!(matches!(error, FlowError::CountDiffers { expected: 100, found: 101 }), "{error}");
    assert_eq!(driver.status().expect("registers").flows, 101, "as the NIC counts them");
    let mut successor = bar.open();
    let mut found = successor.flows().list().expect("registers");
    found.sort_unstable();
    let mut wanted: Vec<Entry> = signatures.into_iter().map(pin).collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert_eq!(bar.held().len(), 100);
}

#[test]
fn a_reset_behind_the_drivers_back_is_told_and_then_known() {
    let bar = Watched::new();
    let mut driver = bar.open();
    driver.flows().insert(pin(5)).expect("there is room");
    bar.sim.nic().reset();
    assert!(matches!(driver.flows().remove(&pin(5)), Err(FlowError::NotOurs { way: 0, index: 5 })));
    assert!(!driver.flows().contains(&pin(5)).expect("it has been read anew"));
    driver.flows().insert(pin(5)).expect("there is room");
    bar.sim.nic().reset();
    assert!(matches!(driver.flows().count(), Err(FlowError::CountDiffers { expected: 1, found: 0 })));
    assert_eq!(driver.flows().list().expect("it is read anew"), []);
}

#[test]
fn a_lost_write_is_told_whichever_it_is() {
    for lost in 0..5 {
        let bar = Watched::new();
        let mut driver = bar.open();
        driver.flows().insert(pin(0x1234_5678_9abc_def0)).expect("there is room");
        bar.writes_left.store(lost, Ordering::Relaxed);
        let error = driver.flows().insert(pin(0xfedc_ba98_7654_3210)).expect_err("the write after is lost");
        assert!(matches!(error, FlowError::NotOurs { .. } | FlowError::Differs { .. }), "{lost}: {error}");
    }
}
