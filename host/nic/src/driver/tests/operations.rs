//! Random sequences of what an agent does, its crashes and resets of the NIC included. After each step the NIC must
//! judge by what was last committed, and no slot in force may ever have been written.

use proptest::prelude::*;
use weir_spec::lease::LEASE_MAX;
use weir_spec::regs::{self, PORT_SIZE};

use super::*;
use crate::driver::{CommitError, LoadError, Nic, Renewal, Shadow, Standing, read_back};
use crate::program::{SlotSet, slots_of};
use crate::{Bar, BarError};

/// A NIC that insists on what every access must be, counts them, and watches its slots in force.
struct Strict {
    sim: Sim,
    accesses: u64,
    /// Writes it still takes; then the process is taken to have ended: nothing arrives any more.
    writes_left: u64,
}

impl Strict {
    fn new(sim: &Sim, writes_left: u64) -> Strict {
        Strict { sim: sim.clone(), accesses: 0, writes_left }
    }
}

impl Bar for Strict {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        self.accesses += 1;
        assert!(regs::find(offset).is_some(), "a read of {offset:#x}, where no register is");
        self.sim.load(offset)
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.accesses += 1;
        let Some(left) = self.writes_left.checked_sub(1) else { return Ok(()) };
        self.writes_left = left;
        let (block, reg, index) = regs::find(offset).expect("a write to a register");
        if block.name == regs::MAP.name {
            let nic = self.sim.nic();
            let (in_force, fenced): (SlotSet, bool) = (slots_of(nic.active().config()), nic.fenced());
            let slot = index as usize / weir_spec::map::WORDS;
            assert!(!in_force[slot] || fenced, "slot {slot} is in force");
        } else {
            let unused = if reg.fields.is_empty() { 0 } else { !reg.fields.iter().fold(0, |m, f| m | f.mask()) };
            assert_eq!(value & unused, 0, "bits of {} that have no meaning", reg.name);
        }
        self.sim.store(offset, value)
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Load(Vec<usize>),
    Commit {
        epoch: u32,
        ahead: i64,
    },
    Renew {
        ahead: i64,
    },
    Fence,
    Pass(Micros),
    Reset,
    Restart,
    /// The process ends after so many more writes, in the middle of a load or a commit.
    Crash(u64),
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let ahead = prop_oneof![8 => 1i64..2_000_000, 1 => -5i64..=0, 1 => (LEASE_MAX as i64 - 2)..(LEASE_MAX as i64 + 3)];
    prop_oneof![
        6 => proptest::collection::vec(0usize..40, 0..32).prop_map(Operation::Load),
        6 => (0u32..4, ahead.clone()).prop_map(|(epoch, ahead)| Operation::Commit { epoch, ahead }),
        3 => ahead.prop_map(|ahead| Operation::Renew { ahead }),
        1 => Just(Operation::Fence),
        2 => (0u64..1_000_000).prop_map(Operation::Pass),
        1 => Just(Operation::Reset),
        2 => Just(Operation::Restart),
        2 => (0u64..600).prop_map(Operation::Crash),
    ]
}

fn at(time: &AtomicU64, ahead: i64) -> Micros {
    time.load(Ordering::Relaxed).saturating_add_signed(ahead)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_nic_judges_by_what_was_committed_last(operations in proptest::collection::vec(any_operation(), 1..30)) {
        let (sim, time) = setup();
        let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
        // `None` where a crash or a reset leaves several answers open until the next commit.
        let (mut committed, mut staged) = (None::<Program>, None::<Program>);
        let mut reset = false;
        for operation in operations {
            match operation {
                Operation::Load(counts) => {
                    let maps: Vec<Map> = counts.iter().map(|count| owning(count * 100)).collect();
                    let asked = program(&maps);
                    match driver.load(&asked) {
                        Ok(_) => {
                            prop_assert_eq!(driver.staged(), Some(asked.normalized()));
                            staged = Some(asked.normalized());
                        }
                        Err(LoadError::NotOurs) => prop_assert!(reset),
                        Err(LoadError::NoFreeSlot { wanted, in_use }) => prop_assert!(wanted + in_use > 64),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Operation::Commit { epoch, ahead } => {
                    let until = at(&time, ahead);
                    match driver.commit(epoch, until) {
                        Ok(done) => {
                            prop_assert_eq!(done.fenced, ahead <= 0);
                            prop_assert_eq!(sim.nic().fenced(), ahead <= 0);
                            prop_assert_eq!(sim.nic().epoch(), epoch);
                            prop_assert!(staged.is_some(), "nothing was loaded");
                            committed = staged.clone();
                            prop_assert_eq!(driver.active(), committed.clone());
                        }
                        Err(CommitError::NothingLoaded) => prop_assert!(staged.is_none()),
                        Err(CommitError::NotOurs) => prop_assert!(reset),
                        Err(CommitError::TooFar { .. }) => prop_assert!(ahead > LEASE_MAX as i64),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Operation::Renew { ahead } => {
                    let (was_fenced, until) = (sim.nic().fenced(), at(&time, ahead));
                    match driver.renew(until) {
                        Ok(Renewal::Taken) => {
                            prop_assert!(!was_fenced && ahead > 0);
                            prop_assert_eq!(sim.nic().lease_until(), until);
                        }
                        Ok(Renewal::Fenced) => prop_assert!(was_fenced || ahead <= 0),
                        Err(_) => prop_assert!(!was_fenced && ahead > LEASE_MAX as i64),
                    }
                }
                Operation::Fence => {
                    driver.fence().expect("a NIC that obeys");
                    prop_assert!(sim.nic().fenced());
                }
                Operation::Pass(by) => advance(&time, by),
                Operation::Reset => {
                    sim.nic().reset();
                    (committed, reset) = (None, true);
                    prop_assert!(!driver.status().expect("registers").ours);
                }
                Operation::Restart => {
                    let known = driver.active().filter(|_| !reset);
                    let settled = known.is_some() && driver.staged() == known;
                    driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
                    reset = false;
                    prop_assert!(driver.status().expect("registers").ours);
                    if settled {
                        prop_assert_eq!(driver.active(), known.clone(), "read back");
                    }
                    // Else the shadow registers are not what is in force, unless a load had failed before its first write.
                    prop_assert!(driver.active().is_none() || driver.active() == known);
                    staged = driver.staged();
                }
                Operation::Crash(writes) => {
                    let mut dying = Nic::open(Strict::new(&sim, writes)).expect("a NIC");
                    let _lost = dying.load(&program(&[owning(17), owning(4000), owning(2)]));
                    let until = at(&time, 1_000_000);
                    let before = in_force(&sim);
                    let _lost = dying.commit(3, until);
                    let after = in_force(&sim);
                    let whole = program(&[owning(17), owning(4000), owning(2)]).normalized();
                    prop_assert!(after == before || after == whole, "never half of it");
                    if after != before {
                        committed = Some(whole);
                    }
                    drop(dying);
                    driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
                    reset = false;
                    prop_assert!(driver.active().is_none() || driver.active() == Some(in_force(&sim)));
                    staged = driver.staged();
                }
            }
            if driver.active().is_none() && sim.nic().fenced() {
                // It accepts by no map, and which maps are in force is not known: any may be written.
                committed = None;
            }
            if let Some(committed) = &committed {
                prop_assert_eq!(&in_force(&sim), committed);
            }
            if let (Some(active), false) = (driver.active(), reset) {
                prop_assert_eq!(active, in_force(&sim));
            }
        }
    }
}

#[test]
fn loading_again_what_is_in_force_writes_nothing() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    let asked = program(&[owning(5), owning(4096)]);
    let first = driver.load(&asked).expect("a load");
    assert_eq!(first.map_words, 512, "what a fresh slot holds is not known");
    driver.commit(1, 2_000_000).expect("a commit");
    assert_eq!(driver.load(&asked).expect("a load"), crate::driver::Loaded::default());
    driver.commit(1, 3_000_000).expect("the same again");
}

#[test]
fn one_moved_bucket_costs_two_maps_of_one_word_each_time() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    for epoch in 0..20 {
        let loaded = driver.load(&program(&[owning(1000 + epoch)])).expect("a load");
        driver.commit(epoch as u32 + 1, 2_000_000).expect("a commit");
        if epoch >= 2 {
            // The slot of the epoch before the last differs by two buckets, which share a word or border on it.
            assert!((1..=2).contains(&loaded.map_words), "{loaded:?}");
            assert_eq!(loaded.shadow_words, 1, "which slot the rule uses");
        }
    }
}

#[test]
fn to_quiesce_is_one_word_and_a_commit() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    let mut wanted = program(&[owning(1000), owning(2000)]);
    driver.load(&wanted).expect("a load");
    driver.commit(1, 2_000_000).expect("a commit");
    for (epoch, quiesce) in [(2, true), (3, false)] {
        wanted.config.policy.quiesce = quiesce;
        let loaded = driver.load(&wanted).expect("a load");
        assert_eq!(loaded, crate::driver::Loaded { map_words: 0, shadow_words: 1 });
        assert_ne!(in_force(&sim), wanted, "before the commit");
        driver.commit(epoch, 2_000_000).expect("a commit");
        assert_eq!(in_force(&sim), wanted);
    }
}

#[test]
fn a_restarted_agent_finds_what_was_in_force_and_commits_it_again() {
    let (sim, time) = setup();
    let asked = program(&[owning(100), owning(200), owning(100)]);
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    driver.load(&asked).expect("a load");
    driver.commit(77, 2_000_000).expect("a commit");
    drop(driver);
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    let status = driver.status().expect("registers");
    assert_eq!((status.epoch, status.until, status.fenced, status.ours), (77, 2_000_000, false, true));
    assert_eq!(driver.active(), Some(asked.normalized()));
    advance(&time, 5_000_000);
    assert!(driver.status().expect("registers").fenced);
    assert!(!driver.commit(77, 7_000_000).expect("a commit").fenced);
    assert_eq!(in_force(&sim), asked.normalized());
}

#[test]
fn counters_are_those_of_the_moment_of_the_snapshot() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    for _ in 0..3 {
        sim.nic().rx(&[0; 10]);
    }
    let counters = driver.counters().expect("a snapshot");
    assert_eq!(counters.0, *sim.nic().counters());
    let malformed: Vec<(String, u64)> = counters.named().filter(|(_, value)| *value != 0).collect();
    assert_eq!(malformed, [("malformed".to_string(), 3), ("rx_dropped".to_string(), 3)]);
}

#[test]
fn masking_is_set_changed_and_read_back() {
    use weir_spec::egress::Masking;
    use weir_spec::mac::Mac;
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    for (enabled, last) in [(true, 1), (true, 2), (false, 2), (false, 0)] {
        let masking = Masking { enabled, cluster: Mac([2, 0xbf, 1, 2, 3, last]), masked: Mac([2, 9, 1, 2, 3, last]) };
        driver.set_masking(&masking).expect("registers");
        assert_eq!(driver.masking().expect("registers"), masking);
    }
}

#[test]
fn what_registers_cannot_say_is_refused_before_anything_is_written() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    let mut asked = program(&[owning(1), owning(2)]);
    asked.maps.pop();
    let refused = driver.load(&asked).expect_err("no such map").to_string();
    assert_eq!(refused, "rule 1 refers to map 1; the program has 1, numbered from 0");
    let mut asked = program(&[owning(1)]);
    asked.config.rules[0].as_mut().expect("a rule").vip = VipSelect::One(16);
    assert!(matches!(driver.load(&asked), Err(LoadError::NoSuchVip { rule: 0, vip: 16 })));
    assert!(matches!(driver.commit(1, 2_000_000), Err(CommitError::NothingLoaded)));
    let clean = weir_spec::regs::codec::encode(&Config::default());
    assert!(clean.iter().all(|(offset, word)| sim.nic().read(*offset) == Ok(*word)));
}

#[test]
fn a_whole_epoch_change_is_a_few_hundred_accesses() {
    let (sim, _time) = setup();
    let mut driver = Nic::open(Strict::new(&sim, u64::MAX)).expect("a NIC");
    let maps = |shift: usize| (0..31).map(|index| owning(index * 100 + shift)).collect::<Vec<_>>();
    for epoch in 1..=2 {
        driver.load(&program(&maps(epoch))).expect("a load");
        driver.commit(epoch as u32, 2_000_000).expect("a commit");
    }
    let before = driver.registers.bar.accesses;
    driver.load(&program(&maps(3))).expect("a load");
    driver.commit(3, 2_000_000).expect("a commit");
    let accesses = driver.registers.bar.accesses - before;
    assert!(accesses < 250, "{accesses} accesses to move a bucket in each of 31 maps");
}

#[test]
fn what_the_registers_hold_is_told_from_what_is_in_force() {
    let (sim, _time) = setup();
    let seen = || read_back(&mut sim.clone()).expect("a NIC");
    assert_eq!(seen().standing, Standing::NeverCommitted);
    let mut driver = Nic::open(sim.clone()).expect("a NIC");
    let (first, second) = (program(&[owning(3)]), program(&[owning(5)]));
    driver.load(&first).expect("room");
    assert_eq!(seen(), Shadow { program: first.clone(), standing: Standing::NeverCommitted }, "loaded alone");
    driver.commit(1, 2_000_000).expect("a commit");
    assert_eq!(seen(), Shadow { program: first.clone(), standing: Standing::InForce });
    driver.load(&second).expect("room");
    driver.commit(2, 1_000_001 + LEASE_MAX).expect_err("too far ahead");
    assert_eq!(seen(), Shadow { program: second, standing: Standing::Staged }, "a refused commit");
    driver.load(&first).expect("room");
    assert_eq!(seen(), Shadow { program: first, standing: Standing::InForce }, "as it was");
}
