//! What no committed file may say: paths of one machine, hosts of package registries, and words of unfinished code.

use super::Findings;
use crate::place;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Text that is wrong wherever it stands, cut in two so that this file does not contain it.
const ANYWHERE: &[(&str, &str, &str)] = &[
    ("/wo", "rk/main", "a path of one machine"),
    ("/wo", "rk/shared", "a path of one machine"),
    ("../sha", "red", "a path outside the work tree"),
    ("/tmp/", "weir/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/ho", "me/", "a path of one machine"),
    ("pypi.", "org", "the host of a registry"),
    ("pythonhosted.", "org", "the host of a registry"),
    ("index.crates.", "io", "the host of a registry"),
    ("static.crates.", "io", "the host of a registry"),
    ("deb.debian.", "org", "the host of a registry"),
    ("snapshot.debian.", "org", "the host of a registry"),
    ("registry.npmjs.", "org", "the host of a registry"),
    ("files.", "pythonhosted", "the host of a registry"),
];

/// Words that mark code as unfinished; matched as whole words in code, without regard to case.
const IN_CODE: &[(&str, &str)] = &[
    ("to", "do"),
    ("fix", "me"),
    ("x", "xx"),
    ("for n", "ow"),
    ("simpl", "ified"),
    ("placeh", "older"),
    ("unimpl", "emented"),
    ("not yet impl", "emented"),
];

/// File names the check does not read: the lock file is written by cargo, pcaps are bytes of others.
const EXEMPT: &[&str] = &["Cargo.lock"];

/// Reads every committed text file.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Vec::new();
    for name in place::committed_files(root)? {
        if EXEMPT.contains(&name.as_str()) {
            continue;
        }
        // A file that is not UTF-8 is a capture or a picture.
        let Ok(text) = fs::read_to_string(root.join(&name)) else { continue };
        findings.extend(in_text(&name, &text));
    }
    Ok(findings)
}

fn in_text(name: &str, text: &str) -> Findings {
    let code = [".rs", ".toml", ".sh", ".v", ".sv", ".py"].iter().any(|end| name.ends_with(end));
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut find = |what: &str, why: &str| findings.push(format!("{name}:{}: \"{what}\" is {why}", number + 1));
        for (head, tail, why) in ANYWHERE {
            let what = format!("{head}{tail}");
            if line.contains(&what) {
                find(&what, why);
            }
        }
        if code {
            let lower = line.to_lowercase();
            for (head, tail) in IN_CODE {
                let what = format!("{head}{tail}");
                // The names of lints in manifests are the cure, not the disease.
                if has_word(&lower, &what) && !lower.trim_start().starts_with(&format!("{what} = \"")) {
                    find(&what, "a word of unfinished code");
                }
            }
        }
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_word) && !line[at + word.len()..].starts_with(part_of_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_and_parts_of_words_are_not() {
        assert!(has_word("// to\u{64}o: later", &["to", "do"].concat()));
        assert!(!has_word("mastodon", &["to", "do"].concat()));
        assert!(!has_word("xxxx", &["x", "xx"].concat()));
    }

    #[test]
    fn a_machine_path_is_found_in_any_file_and_named_with_its_line() {
        let text = format!("fine\nsee {}{}\n", "/wo", "rk/main/docs");
        let findings = in_text("docs/a.md", &text);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("docs/a.md:2:"), "{findings:?}");
    }

    #[test]
    fn words_of_unfinished_code_are_allowed_in_prose() {
        let text = ["for n", "ow"].concat();
        assert!(in_text("docs/a.md", &text).is_empty());
        assert_eq!(in_text("src/a.rs", &text).len(), 1);
    }
}
