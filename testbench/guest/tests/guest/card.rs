//! A card, from its first sight to its return.

use serde_json::Value;
use weir_guest::{NIC, Ran, Scenario, Step};
use weir_spec::regs::PORT_SIZE;

use crate::{done, json};

/// The object of the NIC in what `weir nic list --json` printed.
fn listed(ran: &Ran) -> Value {
    let list = json(ran);
    let functions = list.as_array().expect("an array");
    let found = functions.iter().find(|function| function["address"] == NIC);
    found.unwrap_or_else(|| panic!("{NIC} is not in {list}")).clone()
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_card_is_seen_taken_looked_at_and_given_back() {
    let weir = |arguments: &str, expect| Step::weir(&arguments.replace("NIC", NIC), expect);
    let outcome = done(&Scenario::new([
        weir("nic list --json", 0),
        weir("nic info vfio:NIC", 1),
        weir("nic info sysfs:NIC --json", 0),
        weir("nic bind NIC --dry-run", 0),
        weir("nic list --json", 0),
        weir("nic bind NIC", 0),
        weir("nic bind NIC", 2),
        weir("nic list --json", 0),
        weir("nic list", 0),
        weir("nic info vfio:NIC --json", 0),
        weir("nic info vfio:NIC", 0),
        weir("nic info sysfs:NIC", 1),
        weir("nic unbind NIC", 0),
        weir("nic unbind NIC", 2),
        weir("nic list --json", 0),
        weir("nic info vfio:0000:00:1e.7", 3),
    ]));
    let [
        found,
        unbound,
        mapped,
        dry,
        untouched,
        _,
        again,
        taken,
        table,
        info,
        text,
        held,
        back,
        not_held,
        free,
        nobody,
    ] = outcome.steps.as_slice()
    else {
        panic!("each step ran: {outcome:?}")
    };

    let card = listed(found);
    assert_eq!(card["bar0_bytes"], PORT_SIZE);
    assert_eq!(card["driver"], Value::Null);
    assert!(card["iommu_group"].is_u64(), "an IOMMU group: {card}");
    assert_eq!(card["shares_group_with"], serde_json::json!([]));

    let words = format!("{NIC} is held by none, not by vfio-pci; `weir nic bind {NIC}` hands it over");
    assert!(unbound.stderr.contains(&words), "{}", unbound.stderr);
    assert_eq!(json(mapped)["fenced"], true, "by sysfs it is reached all the same");
    let would: Vec<_> = dry.stdout.lines().collect();
    assert!(!would.is_empty() && would.iter().all(|line| line.starts_with("would ")), "{would:?}");
    assert_eq!(listed(untouched), card, "a dry run does nothing");

    assert_eq!(again.stdout, "vfio-pci holds it already\n");
    assert_eq!(listed(taken)["driver"], "vfio-pci");
    let row = table.stdout.lines().find(|line| line.starts_with(NIC)).expect("a row");
    assert!(row.contains("256 KiB  vfio-pci"), "{row}");
    let info = json(info);
    assert_eq!((&info["nic"], &info["fenced"]), (&Value::from(format!("vfio:{NIC}")), &Value::from(true)));
    assert!(text.stdout.contains("lease    none: fenced"), "{}", text.stdout);

    assert!(held.stderr.contains("is held by vfio-pci; open it as `vfio:0000:00:05.0`"), "{}", held.stderr);

    assert!(back.stdout.ends_with(&format!("{NIC} is held by none now\n")), "{}", back.stdout);
    assert_eq!(not_held.stdout, "vfio-pci does not hold it\n");
    assert_eq!(listed(free), card, "as it was before");
    assert!(nobody.stderr.contains("there is no PCI function 0000:00:1e.7"), "{}", nobody.stderr);
}
