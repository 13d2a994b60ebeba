//! Changelog fragments: `changelog/<added|changed|fixed|removed>-<slug>.md`, one paragraph for users.

use super::Findings;
use crate::place;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const KINDS: &[&str] = &["added", "changed", "fixed", "removed"];

/// Checks the name and the shape of every fragment.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Vec::new();
    for name in place::committed_files(root)?.iter().filter(|name| name.starts_with("changelog/")) {
        let text = fs::read_to_string(root.join(name)).with_context(|| format!("failed to read {name}"))?;
        findings.extend(fault(name, &text).map(|fault| format!("{name}: {fault}")));
    }
    Ok(findings)
}

fn fault(name: &str, text: &str) -> Option<&'static str> {
    let slug = name.strip_prefix("changelog/").and_then(|name| name.strip_suffix(".md"));
    let Some((kind, rest)) = slug.and_then(|slug| slug.split_once('-')) else {
        return Some("is not named <kind>-<slug>.md");
    };
    if !KINDS.contains(&kind) {
        return Some("starts with none of added, changed, fixed, removed");
    }
    if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Some("its slug is not made of lower-case letters, digits and hyphens");
    }
    let paragraph = text.trim_end();
    if paragraph.is_empty() || paragraph.contains("\n\n") || paragraph.starts_with(['#', '-', '*']) {
        return Some("is not one plain paragraph");
    }
    (!paragraph.ends_with('.')).then_some("does not end with a full stop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_under_a_known_kind_is_right() {
        assert_eq!(fault("changelog/added-lab-on-2-hosts.md", "A lab.\nOn two lines.\n"), None);
    }

    #[test]
    fn names_and_shapes_that_are_wrong_are_told_apart() {
        for (name, text, word) in [
            ("changelog/notes.txt", "A.", "named"),
            ("changelog/new-thing.md", "A.", "starts"),
            ("changelog/added-Thing.md", "A.", "slug"),
            ("changelog/added-thing.md", "A.\n\nB.", "paragraph"),
            ("changelog/added-thing.md", "# A.", "paragraph"),
            ("changelog/added-thing.md", "A", "full stop"),
        ] {
            assert!(fault(name, text).is_some_and(|fault| fault.contains(word)), "{name} {text:?}");
        }
    }
}
