//! CI runs the test command of the README and nothing more clever.

use super::Findings;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const COMMAND: &str = "cargo xtask test";

/// Compares the script with the command a reader of the README types.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let read = |name: &str| fs::read_to_string(root.join(name)).with_context(|| format!("failed to read {name}"));
    let mut findings = faults(&read(".ci/run")?);
    let is_command = |line: &str| line.split('#').next().is_some_and(|typed| typed.trim() == COMMAND);
    if !read("README.md")?.lines().any(is_command) {
        findings.push(format!("README.md shows no line `{COMMAND}`, which is what .ci/run runs"));
    }
    Ok(findings)
}

fn faults(script: &str) -> Findings {
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut findings = Vec::new();
    if lines.next() != Some("#!/usr/bin/env bash") {
        findings.push(".ci/run does not start with `#!/usr/bin/env bash`".to_owned());
    }
    let commands: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
    if commands != ["set -eu", "cd \"$(dirname \"$0\")/..\"", COMMAND] {
        findings.push(format!(".ci/run does more or less than set -eu, cd to the root, {COMMAND}: {commands:?}"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_hides_a_failure_is_found() {
        let good = "#!/usr/bin/env bash\n# why\nset -eu\ncd \"$(dirname \"$0\")/..\"\ncargo xtask test\n";
        assert!(faults(good).is_empty());
        assert_eq!(faults(&good.replace("test\n", "test || true\n")).len(), 1);
        assert_eq!(faults(&good.replace("set -eu\n", "")).len(), 1);
    }
}
