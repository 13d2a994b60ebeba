//! What stands between a program and its card, each with the cure that `weir` names.

use serde_json::Value;
use weir_guest::{Iommu, NIC, Scenario, Step};

use crate::{done, json};

fn scenario(iommu: Iommu, steps: &[(&str, i32)]) -> Scenario {
    let step = |(arguments, expect): &(&str, i32)| Step::weir(&arguments.replace("NIC", NIC), *expect);
    Scenario { iommu, ..Scenario::new(steps.iter().map(step).collect::<Vec<_>>()) }
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn without_an_iommu_the_boot_option_is_named() {
    let outcome = done(&scenario(
        Iommu::Off,
        &[
            ("nic list --json", 0),
            ("nic bind NIC", 1),
            ("nic info vfio:NIC", 1),
            ("nic list --json", 0),
            ("nic info sysfs:NIC --json", 0),
        ],
    ));
    let [list, bind, info, after, without] = outcome.steps.as_slice() else { panic!("each step ran: {outcome:?}") };
    assert_eq!(json(list)[0]["iommu_group"], Value::Null);
    for refused in [bind, info] {
        assert!(refused.stderr.contains("in no IOMMU group"), "{}", refused.stderr);
        assert!(refused.stderr.contains("intel_iommu=on"), "{}", refused.stderr);
    }
    assert_eq!(json(after), json(list), "a refusal changes nothing");
    assert_eq!(json(without)["fenced"], true, "sysfs does without, as it was said");
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn without_interrupt_remapping_the_cure_is_named() {
    let outcome = done(&scenario(
        Iommu::WithoutInterruptRemapping,
        &[("nic bind NIC", 0), ("nic info vfio:NIC", 1), ("nic unbind NIC", 0)],
    ));
    let [_, info, _] = outcome.steps.as_slice() else { panic!("each step ran: {outcome:?}") };
    assert!(info.stderr.contains("the IOMMU does not remap interrupts"), "{}", info.stderr);
    assert!(info.stderr.contains("allow_unsafe_interrupts=1"), "{}", info.stderr);
}
