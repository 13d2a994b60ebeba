//! Cards that are broken, and what is said of them.

use std::time::{Duration, Instant};

use weir_device::Fault;
use weir_guest::{GuestError, NIC, Scenario, Step};

use crate::{all, attempt, done, json};

fn scenario(fault: Fault, steps: &[(&str, i32)]) -> Scenario {
    let step = |(arguments, expect): &(&str, i32)| Step::weir(&arguments.replace("NIC", NIC), *expect);
    let mut scenario = Scenario::new(steps.iter().map(step).collect::<Vec<_>>());
    scenario.serving.fault = Some(fault);
    scenario.files.insert("/program.json".into(), b"{}".into());
    scenario
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_card_that_reads_all_ones_is_gone_and_can_be_given_back() {
    let steps = [("nic list", 0), ("nic bind NIC", 0), ("nic info vfio:NIC", 1), ("nic unbind NIC", 0)];
    let outcome = done(&scenario(Fault::AllOnes, &steps));
    let said = &outcome.steps[2].stderr;
    assert!(said.contains("the NIC is gone: MAGIC reads 0xffffffff"), "{said}");
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_card_that_is_no_weir_nic_is_left_alone() {
    let steps = [("nic bind NIC", 0), ("nic info vfio:NIC", 1), ("nic reset vfio:NIC", 1), ("nic unbind NIC", 0)];
    let outcome = done(&scenario(Fault::WrongMagic, &steps));
    for refused in &outcome.steps[1..3] {
        assert!(refused.stderr.contains("not a Weir NIC: MAGIC reads 0x52494557"), "{}", refused.stderr);
    }
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_commit_that_never_ends_is_given_up_and_a_reset_helps() {
    let load = ("nic load vfio:NIC --program /program.json --lease 5s", 1);
    let steps = [("nic bind NIC", 0), load, ("nic reset vfio:NIC --json", 0), ("nic unbind NIC", 0)];
    let outcome = done(&scenario(Fault::CommitNeverEnds, &steps));
    let said = &outcome.steps[1].stderr;
    assert!(said.contains("epoch 0x1 is not in force 500 ms after its COMMIT"), "{said}");
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_card_that_is_late_is_waited_for() {
    let late = Duration::from_millis(20);
    let steps =
        [("nic bind NIC", 0), ("nic info vfio:NIC --json", 0), ("nic reset vfio:NIC", 0), ("nic unbind NIC", 0)];
    let outcome = done(&scenario(Fault::Late(late), &steps));
    assert_eq!(json(&outcome.steps[1])["fenced"], true);
    assert!(u128::from(outcome.steps[1].micros) > late.as_micros(), "it was late");
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_guest_whose_card_dies_is_ended_at_once() {
    let began = Instant::now();
    let steps = [("nic bind NIC", 0), ("nic info vfio:NIC", 1)];
    let error = attempt(&scenario(Fault::DiesAfter(3), &steps)).expect_err("nobody serves the guest's card");
    assert!(matches!(error, GuestError::Lost { ran: 1, .. }), "{}", all(&error));
    assert!(began.elapsed() < Duration::from_secs(150), "before its deadline");
}
