//! Whether the kernel is locked down.

use std::fs;

use super::Kernel;

impl Kernel {
    /// The mode that keeps user space from devices; `None` where there is none, or nobody may know.
    pub fn lockdown(&self) -> Option<String> {
        // As `none [integrity] confidentiality`.
        let modes = fs::read_to_string(self.sys.join("kernel/security/lockdown")).ok()?;
        let mode = modes.split_whitespace().find_map(|mode| mode.strip_prefix('[')?.strip_suffix(']'))?;
        (mode != "none").then(|| mode.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Machine;

    #[test]
    fn the_mode_in_brackets_counts() {
        let machine = Machine::new();
        assert_eq!(machine.kernel().lockdown(), None);
        machine.lockdown("[none] integrity confidentiality\n");
        assert_eq!(machine.kernel().lockdown(), None);
        machine.lockdown("none [integrity] confidentiality\n");
        assert_eq!(machine.kernel().lockdown().as_deref(), Some("integrity"));
    }
}
