//! Links between the documentation's pages: every relative link meets a file, every anchor a heading, and the summary names
//! every page. Links into the world are not followed: tests run without a network.

use super::Findings;
use crate::place;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

const PAGES: &str = "docs/src/";
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Reads every committed Markdown file.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let files = place::committed_files(root)?;
    let mut texts = BTreeMap::new();
    for name in files.iter().filter(|name| name.ends_with(".md")) {
        let text = fs::read_to_string(root.join(name)).with_context(|| format!("failed to read {name}"))?;
        texts.insert(name.clone(), text);
    }
    let mut findings = Vec::new();
    for (name, text) in &texts {
        for link in links(text) {
            findings.extend(fault(root, &texts, name, &link).map(|why| format!("{name}: link {link}: {why}")));
        }
    }
    findings.extend(missing_in_summary(&texts));
    Ok(findings)
}

fn fault(root: &Path, texts: &BTreeMap<String, String>, from: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        let Some(target) = resolve(from, file) else { return Some("leads out of the work tree".into()) };
        target
    };
    if !root.join(&target).exists() {
        return Some(format!("there is no {target}"));
    }
    let anchor = anchor?;
    let text = texts.get(&target)?;
    (!headings(text).iter().any(|heading| heading == anchor)).then(|| format!("{target} has no heading #{anchor}"))
}

fn missing_in_summary(texts: &BTreeMap<String, String>) -> Findings {
    let Some(summary) = texts.get(SUMMARY) else { return vec![format!("there is no {SUMMARY}")] };
    let named: Vec<_> = links(summary).iter().filter_map(|link| resolve(SUMMARY, link)).collect();
    let pages = texts.keys().filter(|name| name.starts_with(PAGES) && *name != SUMMARY);
    pages.filter(|page| !named.contains(page)).map(|page| format!("{SUMMARY} does not name {page}")).collect()
}

/// A link's target relative to the root, or nothing when it leads out of it.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::new();
    for part in Path::new(from).parent()?.join(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    path.to_str().map(str::to_owned)
}

/// The targets of `[text](target)` outside code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let mut code = false;
        let mut rest = line;
        while let Some(at) = rest.find(['`', ']']) {
            let (mark, after) = (rest.as_bytes()[at], &rest[at + 1..]);
            rest = after;
            if mark == b'`' {
                code = !code;
            } else if !code
                && let Some(target) = after.strip_prefix('(')
                && let Some(end) = target.find(')')
            {
                found.push(target[..end].split(' ').next().unwrap_or_default().to_owned());
                rest = &target[end + 1..];
            }
        }
    }
    found
}

/// The anchors of a page's headings, as mdBook makes them.
fn headings(text: &str) -> Vec<String> {
    let titles = prose(text).into_iter().filter(|line| line.starts_with('#'));
    titles
        .map(|line| {
            let title = line.trim_start_matches('#').trim();
            let keep = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            keep.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
        })
        .collect()
}

fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fence && !fenced
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_are_not_links() {
        let text = "see [a](a.md) and `[b](b.md)`\n```\n[c](c.md)\n```\n[d](d.md#x) [e](e.md \"title\")\n";
        assert_eq!(links(text), ["a.md", "d.md#x", "e.md"]);
    }

    #[test]
    fn anchors_are_made_as_mdbook_makes_them() {
        assert_eq!(headings("# The lease, and the fence\n## A `b` (c)\n"), ["the-lease-and-the-fence", "a-b-c"]);
    }

    #[test]
    fn a_link_resolves_against_its_page_and_not_out_of_the_tree() {
        assert_eq!(resolve("docs/src/a/b.md", "../c.md").as_deref(), Some("docs/src/c.md"));
        assert_eq!(resolve("README.md", "../x"), None);
        assert_eq!(resolve("docs/a.md", "/etc/passwd"), None);
    }

    #[test]
    fn a_page_the_summary_forgets_is_named() {
        let texts = BTreeMap::from([
            (SUMMARY.to_owned(), "- [A](a.md)".to_owned()),
            ("docs/src/a.md".to_owned(), String::new()),
            ("docs/src/b.md".to_owned(), String::new()),
        ]);
        assert_eq!(missing_in_summary(&texts), ["docs/src/SUMMARY.md does not name docs/src/b.md"]);
    }
}
