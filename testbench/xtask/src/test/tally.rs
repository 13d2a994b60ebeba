//! What a part has to show: counts, the names of what failed, the reasons of what was skipped.

/// Counts of one part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failures: Vec<String>,
    skips: Vec<(usize, String)>,
    notes: Vec<String>,
}

impl Tally {
    /// One test passed.
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }

    /// Several tests passed.
    pub(crate) fn pass_many(&mut self, count: usize) {
        self.passed += count;
    }

    /// One test failed.
    pub(crate) fn fail(&mut self, name: impl Into<String>) {
        self.failures.push(name.into());
    }

    /// Tests that could not run here, and why.
    pub(crate) fn skip(&mut self, count: usize, why: &str) {
        println!("skipped {count}: {why}");
        self.skips.push((count, why.to_owned()));
    }

    /// Something to know that is no test.
    pub(crate) fn note(&mut self, what: &str) {
        self.notes.push(what.to_owned());
    }

    /// Takes over everything another tally counted.
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
        self.notes.extend(other.notes);
    }

    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    pub(crate) fn failed(&self) -> usize {
        self.failures.len()
    }

    pub(crate) fn skipped(&self) -> usize {
        self.skips.iter().map(|(count, _)| count).sum()
    }

    /// One line each for the table's footnotes.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let failures = self.failures.iter().map(|name| format!("failed: {name}"));
        let skips = self.skips.iter().map(|(count, why)| format!("skipped {count}: {why}"));
        failures.chain(skips).chain(self.notes.iter().map(|note| format!("note: {note}"))).collect()
    }

    /// The plain line.
    pub(crate) fn line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed(), self.failed(), self.skipped())
    }
}
