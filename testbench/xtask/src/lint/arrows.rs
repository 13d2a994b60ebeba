//! The arrows between the project's own crates: each may know what lies below it and nothing else.

use super::Findings;
use anyhow::Result;
use serde_json::Value;

/// Every crate with the project crates it may import. A crate that is not listed is a finding.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("weir-spec", &[]),
    ("weir-tools", &[]),
    ("weir-link", &["weir-spec"]),
    ("weir-hdl", &["weir-spec"]),
    ("weir-cluster", &["weir-spec"]),
    ("weir-nic", &["weir-spec", "weir-link"]),
    ("weir-agent", &["weir-spec", "weir-link", "weir-cluster", "weir-nic"]),
    ("weir-firmware", &["weir-spec", "weir-tools", "weir-hdl", "weir-nic"]),
    ("weir-board", &["weir-spec", "weir-firmware"]),
    ("weir-rtl", &["weir-spec", "weir-tools", "weir-hdl"]),
    ("weir-device", &["weir-spec", "weir-link", "weir-hdl", "weir-rtl", "weir-nic", "weir-firmware", "weir-board"]),
    ("weir-replay", &["weir-spec", "weir-rtl", "weir-cluster", "weir-agent"]),
    ("weir-model", &["weir-spec", "weir-cluster"]),
    ("weir-guest", &["weir-device"]),
    ("weir-lab", &["weir-spec", "weir-link", "weir-cluster", "weir-nic", "weir-agent", "weir-device"]),
    ("weir-sim", &["weir-spec", "weir-cluster", "weir-nic"]),
    ("weir-peers", &["weir-spec", "weir-agent", "weir-lab"]),
    (
        "weir",
        &[
            "weir-spec",
            "weir-link",
            "weir-hdl",
            "weir-cluster",
            "weir-nic",
            "weir-agent",
            "weir-firmware",
            "weir-rtl",
            "weir-device",
            "weir-lab",
            "weir-replay",
        ],
    ),
    ("xtask", &["weir-spec", "weir-tools"]),
];

/// Crates whose code decides and never waits: they stay free of sockets and of any runtime.
const WITHOUT_RUNTIME: &[&str] = &["weir-spec", "weir-cluster"];
const RUNTIMES: &[&str] = &["tokio", "socket2", "nix", "libc", "rtnetlink", "mio"];

/// Compares `cargo metadata` with the table.
pub(super) fn check(metadata: &Value) -> Result<Findings> {
    let mut findings = Vec::new();
    let members = metadata["packages"].as_array().into_iter().flatten();
    for package in members.filter(|package| package["source"].is_null()) {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
            findings.push(format!("{name} has no arrows: add it to the table in testbench/xtask/src/lint/arrows.rs"));
            continue;
        };
        // Tests may look anywhere; what is shipped may not.
        let imports = package["dependencies"].as_array().into_iter().flatten();
        for import in imports.filter(|import| import["kind"].as_str() != Some("dev")) {
            let other = import["name"].as_str().unwrap_or_default();
            let ours = other.starts_with("weir-") && import["source"].is_null();
            if ours && !allowed.contains(&other) {
                findings.push(format!("{name} imports {other}, against the arrows of the design"));
            }
            if WITHOUT_RUNTIME.contains(&name) && RUNTIMES.contains(&other) {
                findings.push(format!("{name} imports {other}; it has to stay free of input and output"));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn findings(name: &str, imports: &[(&str, Option<&str>)]) -> Findings {
        let list: Vec<_> =
            imports.iter().map(|(name, kind)| json!({ "name": name, "kind": kind, "source": null })).collect();
        check(&json!({ "packages": [{ "name": name, "source": null, "dependencies": list }] })).unwrap()
    }

    #[test]
    fn an_arrow_against_the_design_is_found() {
        assert!(findings("weir-cluster", &[("weir-spec", None)]).is_empty());
        assert_eq!(findings("weir-spec", &[("weir-cluster", None)]).len(), 1);
        assert!(findings("weir-spec", &[("weir-cluster", Some("dev"))]).is_empty());
    }

    #[test]
    fn the_sans_io_crates_may_not_import_a_runtime() {
        assert_eq!(findings("weir-cluster", &[("tokio", None)]).len(), 1);
        assert!(findings("weir-agent", &[("tokio", None)]).is_empty());
    }

    #[test]
    fn a_new_crate_must_be_given_its_arrows() {
        assert_eq!(findings("weir-new", &[]).len(), 1);
    }
}
