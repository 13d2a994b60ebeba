//! NICs that are gone, that are none, that do not finish, that lose a write.

use weir_spec::regs::{self, LAYOUT, PORT_SIZE, RegId};

use super::*;
use crate::driver::{CommitError, CountersError, FenceError, FlowError, LoadError, MaskingError, Nic, OpenError};
use crate::identity::IdentityError;
use crate::{AccessError, Bar, BarError};

/// What is wrong with a NIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// One register always reads so.
    Reads(RegId, u32),
    /// Every read gives all ones.
    Gone,
    /// The nth write to this block from now on is lost.
    LosesWrite(&'static str, u32),
    /// Writes to this register are lost.
    Ignores(RegId),
}

struct Faulty {
    sim: Sim,
    fault: Option<Fault>,
    size: u32,
}

impl Bar for Faulty {
    fn size(&self) -> u32 {
        self.size
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        let value = self.sim.load(offset)?;
        Ok(match self.fault {
            Some(Fault::Gone) => u32::MAX,
            Some(Fault::Reads(id, word)) if regs::address(id, 0) == offset => word,
            _ => value,
        })
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        let (block, reg, _) = regs::find(offset).expect("a register");
        match &mut self.fault {
            Some(Fault::Gone) => return Ok(()),
            Some(Fault::Ignores(id)) if *id == reg.id => return Ok(()),
            Some(Fault::LosesWrite(name, left)) if *name == block.name => {
                if *left == 0 {
                    self.fault = None;
                    return Ok(());
                }
                *left -= 1;
            }
            _ => {}
        }
        self.sim.store(offset, value)
    }
}

fn faulty(fault: Option<Fault>) -> Faulty {
    Faulty { sim: setup().0, fault, size: PORT_SIZE }
}

fn refusal(fault: Fault) -> OpenError {
    Nic::open(faulty(Some(fault))).err().expect("it is not to be driven")
}

/// A driver with a program in force, whose NIC then gets a fault.
fn serving(fault: Fault) -> (Sim, Nic<Faulty>) {
    let bar = faulty(None);
    let sim = bar.sim.clone();
    let mut driver = Nic::open(bar).expect("a NIC");
    driver.load(&program(&[owning(64)])).expect("a load");
    driver.commit(1, 9_000_000).expect("a commit");
    driver.registers.bar.fault = Some(fault);
    (sim, driver)
}

#[test]
fn what_is_no_weir_nic_is_not_driven() {
    let identity = |fault| match refusal(fault) {
        OpenError::Identity(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(identity(Fault::Reads(RegId::Magic, 0x1234)), IdentityError::NotWeir { found: 0x1234 }));
    assert!(matches!(identity(Fault::Gone), IdentityError::Access(AccessError::Gone { register: "MAGIC" })));
    let error = identity(Fault::Reads(RegId::Layout, LAYOUT + 0x1_0000));
    assert!(matches!(error, IdentityError::UnknownLayout { major: 2, minor: 3 }), "{error}");
    assert!(error.to_string().contains("2.3") && error.to_string().contains("1.3 and later of 1.x"), "{error}");
    let error = identity(Fault::Reads(RegId::Layout, LAYOUT - 1));
    assert!(matches!(error, IdentityError::UnknownLayout { major: 1, minor: 2 }), "it does not quiesce: {error}");
    let caps = nic::Identity::default().caps();
    for (name, wrong) in [("width_bytes", 16), ("maps", 32), ("rules", 64), ("vips", 0)] {
        let field = regs::reg(RegId::Caps).field(name);
        let error = identity(Fault::Reads(RegId::Caps, caps & !field.mask() | field.place(wrong)));
        assert!(
            matches!(error, IdentityError::UnknownCapability { name: n, found, .. } if n == name && found == wrong)
        );
    }
    for (features, wrong) in
        [(0x900, ("flows_log2", 0)), (0x910, ("flows_log2", 16)), (0x80c, ("heat", 0)), (0x50c, ("quiesce", 0))]
    {
        let error = identity(Fault::Reads(RegId::Features, features));
        let IdentityError::UnknownCapability { name, found, .. } = error else { panic!("{error}") };
        assert_eq!((name, found), wrong);
    }
    let short = Faulty { size: PORT_SIZE - 4, ..faulty(None) };
    assert!(matches!(Nic::open(short), Err(OpenError::Identity(IdentityError::TooSmall { .. }))));
}

#[test]
fn a_later_minor_layout_is_driven() {
    let driver = Nic::open(faulty(Some(Fault::Reads(RegId::Layout, LAYOUT + 3)))).expect("it only adds");
    assert_eq!(driver.identity().layout_minor, 6);
}

#[test]
fn a_commit_of_a_predecessor_that_does_not_end_is_told() {
    let busy = regs::reg(RegId::Status).field("busy").place(1);
    assert!(matches!(refusal(Fault::Reads(RegId::Status, busy)), OpenError::StuckBusy));
}

#[test]
fn a_lost_map_write_is_found_before_it_is_committed_and_cured_by_the_next_load() {
    for lost in [0, 3] {
        let (sim, mut driver) = serving(Fault::LosesWrite("MAP", lost));
        let error = driver.load(&program(&[owning(2000)])).expect_err("a write is missing");
        assert!(matches!(error, LoadError::SlotDiffers { .. }), "{error}");
        assert!(matches!(driver.commit(2, 9_000_000), Err(CommitError::NothingLoaded)));
        assert_eq!(in_force(&sim), program(&[owning(64)]), "what is in force is untouched");
        driver.load(&program(&[owning(2000)])).expect("nothing is lost any more");
        driver.commit(2, 9_000_000).expect("a commit");
        assert_eq!(in_force(&sim), program(&[owning(2000)]));
    }
}

#[test]
fn a_lost_shadow_write_is_found_and_cured_by_the_next_load() {
    let (sim, mut driver) = serving(Fault::LosesWrite("RULE", 0));
    let two = program(&[owning(2000), owning(10)]);
    let error = driver.load(&two).expect_err("a write is missing");
    assert!(matches!(&error, LoadError::ShadowDiffers { name, .. } if name.starts_with("RULE[")), "{error}");
    assert!(matches!(driver.commit(2, 9_000_000), Err(CommitError::NothingLoaded)));
    driver.load(&two).expect("nothing is lost any more");
    driver.commit(2, 9_000_000).expect("a commit");
    assert_eq!(in_force(&sim), two);
}

#[test]
fn a_lost_word_of_a_key_is_found_and_told_without_the_key() {
    let (sim, mut driver) = serving(Fault::LosesWrite("FLOW_KEY", 3));
    let mut keyed = program(&[owning(64)]);
    keyed.config.flow_key = [0xa5; 40];
    let error = driver.load(&keyed).expect_err("a write is missing");
    let told = error.to_string();
    assert!(told.starts_with("FLOW_KEY[3].WORD at 0x244c"), "{told}");
    assert!(!told.contains("a5a5") && !format!("{error:?}").contains(&0xa5a5_a5a5_u32.to_string()), "{told}");
    driver.load(&keyed).expect("nothing is lost any more");
    driver.commit(2, 9_000_000).expect("a commit");
    assert_eq!(in_force(&sim), keyed);
}

#[test]
fn a_nic_that_is_gone_is_told_by_every_operation() {
    let (_sim, mut driver) = serving(Fault::Gone);
    let gone = |error: &AccessError| matches!(error, AccessError::Gone { .. });
    assert!(gone(&driver.time().expect_err("gone")));
    assert!(gone(&driver.status().expect_err("gone")));
    assert!(matches!(driver.load(&program(&[])), Err(LoadError::Access(error)) if gone(&error)));
    assert!(matches!(driver.renew(5), Err(crate::driver::RenewError::Access(error)) if gone(&error)));
    assert!(matches!(driver.fence(), Err(FenceError::Access(error)) if gone(&error)));
    assert!(matches!(driver.counters(), Err(CountersError::Access(error)) if gone(&error)));
    assert!(matches!(driver.flows().count(), Err(FlowError::Access(error)) if gone(&error)));
    assert!(gone(&driver.heat().expect_err("gone")));
    let error = driver.commit(2, 9_000_000).expect_err("gone");
    assert!(matches!(error, CommitError::NotOurs | CommitError::Access(_)), "{error}");
}

#[test]
fn a_commit_that_does_not_end_keeps_the_maps_of_both_epochs() {
    let busy = regs::reg(RegId::Status).field("busy").place(1);
    let (sim, mut driver) = serving(Fault::Ignores(RegId::Commit));
    driver.load(&program(&[owning(2000)])).expect("a load");
    let error = driver.commit(2, 9_000_000).expect_err("the doorbell rings nowhere");
    assert!(matches!(error, CommitError::Stuck { epoch: 2, active: 1 }), "{error}");
    assert_eq!(driver.active(), None, "nobody knows");
    driver.registers.bar.fault = None;
    driver.load(&program(&[owning(3000)])).expect("a third slot");
    assert_eq!(in_force(&sim), program(&[owning(64)]), "neither of the two was written");
    driver.registers.bar.fault = Some(Fault::Reads(RegId::Status, busy));
    assert!(matches!(driver.load(&program(&[])), Err(LoadError::Busy)));
}

#[test]
fn a_commit_that_the_nic_refuses_changes_nothing() {
    let (sim, mut driver) = serving(Fault::Reads(RegId::NicTimeLo, 100_000_000));
    // The driver believes a later time, so it lets a deadline pass that the NIC does not.
    let error = driver.commit(2, 160_000_000).expect_err("too far ahead for the NIC");
    assert!(matches!(error, CommitError::Refused { epoch: 2, address: 0x40 }), "{error}");
    assert_eq!((sim.nic().epoch(), driver.active()), (1, Some(program(&[owning(64)]))));
}

#[test]
fn a_nic_that_does_not_fence_is_told() {
    let (_sim, mut driver) = serving(Fault::Ignores(RegId::Renew));
    assert!(matches!(driver.fence(), Err(FenceError::StillOpen { until: 9_000_000 })));
}

#[test]
fn a_mac_register_that_does_not_hold_is_told() {
    use weir_spec::egress::Masking;
    use weir_spec::mac::Mac;
    let (_sim, mut driver) = serving(Fault::Ignores(RegId::MaskedMacHi));
    let masking = Masking { enabled: true, cluster: Mac([1; 6]), masked: Mac([2; 6]) };
    let error = driver.set_masking(&masking).expect_err("half a MAC");
    assert!(matches!(error, MaskingError::Differs { name: "MASKED_MAC_HI", .. }), "{error}");
}

#[test]
fn a_snapshot_that_does_not_end_is_told() {
    let (_sim, mut driver) = serving(Fault::Ignores(RegId::Snapshot));
    assert!(matches!(driver.counters(), Err(CountersError::Stuck)));
}

#[test]
fn a_flow_mailbox_that_stays_busy_is_told() {
    let (_sim, mut driver) = serving(Fault::Reads(RegId::FlowStatus, 1));
    assert!(matches!(driver.flows().clear(), Err(FlowError::Stuck)));
    assert!(matches!(driver.flows().list(), Err(FlowError::Stuck)));
}
