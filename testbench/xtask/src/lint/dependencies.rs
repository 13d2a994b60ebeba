//! Licences and duplicate versions of everything in `Cargo.lock`, by the rules of `deny.toml` (the layout cargo-deny reads).

use super::{Findings, spdx};
use crate::{place, run};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::Table;

/// `cargo metadata` for this kind of machine, from the committed lock file.
pub(super) fn metadata() -> Result<Value> {
    let args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &place::host_triple()?];
    serde_json::from_str(&run::output(&mut place::cargo(args))?).context("cargo metadata printed no JSON")
}

/// Compares every package with the rules.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let rules = fs::read_to_string(root.join("deny.toml")).context("failed to read deny.toml")?;
    let rules: Table = rules.parse().context("failed to parse deny.toml")?;
    let metadata = metadata()?;
    let packages: Vec<_> = resolved(&metadata).iter().filter_map(|package| Package::read(package)).collect();
    let mut findings = licences(&packages, &rules);
    findings.extend(duplicates(&packages, &rules));
    Ok(findings)
}

struct Package<'a> {
    name: &'a str,
    version: &'a str,
    licence: Option<&'a str>,
}

impl<'a> Package<'a> {
    fn read(value: &'a Value) -> Option<Package<'a>> {
        let text = |key| value.get(key).and_then(Value::as_str);
        Some(Package { name: text("name")?, version: text("version")?, licence: text("license") })
    }
}

/// The packages that are really built on this platform.
fn resolved(metadata: &Value) -> Vec<&Value> {
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let used: BTreeSet<_> = nodes.filter_map(|node| node["id"].as_str()).collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.filter(|package| package["id"].as_str().is_some_and(|id| used.contains(id))).collect()
}

fn licences(packages: &[Package], rules: &Table) -> Findings {
    let section = rules.get("licenses");
    let allowed = strings(section.and_then(|section| section.get("allow")));
    let exceptions = section.and_then(|section| section.get("exceptions")).and_then(toml::Value::as_array);
    let mut findings = Vec::new();
    for package in packages {
        let own = exceptions.into_iter().flatten().filter(|rule| crate_of(rule).0 == package.name);
        let more: BTreeSet<_> = own.flat_map(|rule| strings(rule.get("allow"))).collect();
        let fine = |licence: &str| allowed.contains(licence) || more.contains(licence);
        match package.licence {
            Some(expression) if spdx::satisfied(expression, &fine) => {}
            Some(expression) => findings.push(format!(
                "{} {} is under {expression}, which deny.toml does not allow",
                package.name, package.version
            )),
            None => findings.push(format!("{} {} names no licence", package.name, package.version)),
        }
    }
    findings
}

fn duplicates(packages: &[Package], rules: &Table) -> Findings {
    let skipped = rules.get("bans").and_then(|bans| bans.get("skip")).and_then(toml::Value::as_array);
    let skipped: BTreeSet<_> = skipped.into_iter().flatten().map(crate_of).collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let mut findings = Vec::new();
    for (name, found) in &versions {
        let counted: Vec<_> = found.iter().filter(|version| !skipped.contains(&(*name, **version))).copied().collect();
        if counted.len() > 1 {
            findings.push(format!("{name} is built in versions {}", counted.join(", ")));
        }
    }
    for (name, version) in skipped {
        let needed = versions.get(name).is_some_and(|found| found.len() > 1 && found.contains(version));
        if !needed {
            findings.push(format!("deny.toml skips {name}@{version}, which is no duplicate any more"));
        }
    }
    findings
}

/// Name and version of a rule's `crate = "name@version"`.
fn crate_of(rule: &toml::Value) -> (&str, &str) {
    let text = rule.get("crate").and_then(toml::Value::as_str).unwrap_or_default();
    text.split_once('@').unwrap_or((text, ""))
}

fn strings(value: Option<&toml::Value>) -> BTreeSet<&str> {
    value.and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "tables", allow = ["Unicode-3.0"] }]
        [bans]
        skip = [{ crate = "old@1.0.0", reason = "two majors are in use" }]
    "#;

    fn package(name: &'static str, version: &'static str, licence: &'static str) -> Package<'static> {
        Package { name, version, licence: Some(licence) }
    }

    #[test]
    fn an_exception_holds_for_its_crate_alone() {
        let rules: Table = RULES.parse().unwrap();
        let packages = [package("tables", "1.0.0", "Unicode-3.0"), package("other", "1.0.0", "Unicode-3.0")];
        let findings = licences(&packages, &rules);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("other 1.0.0"), "{findings:?}");
    }

    #[test]
    fn a_crate_without_a_licence_is_found() {
        let nameless = Package { name: "quiet", version: "0.1.0", licence: None };
        assert_eq!(licences(&[nameless], &RULES.parse().unwrap()), ["quiet 0.1.0 names no licence"]);
    }

    #[test]
    fn duplicates_are_found_and_stale_skips_too() {
        let rules: Table = RULES.parse().unwrap();
        let twice = [package("old", "1.0.0", "MIT"), package("old", "2.0.0", "MIT")];
        assert!(duplicates(&twice, &rules).is_empty());
        let once = [package("old", "2.0.0", "MIT"), package("new", "1.0.0", "MIT"), package("new", "2.0.0", "MIT")];
        let findings = duplicates(&once, &rules);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
