//! What a person sees while the lab runs: on a terminal a line a host that changes in place, else a line a change.

use std::io::{IsTerminal, stderr};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use weir_spec::map::BUCKETS;

use crate::lab::{View, describe};

/// Where progress goes: always stderr, so that stdout is the report's.
#[derive(Debug)]
pub(crate) enum Progress {
    Quiet,
    Lines { seen: Vec<String> },
    Live { all: MultiProgress, step: ProgressBar, hosts: Vec<ProgressBar> },
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Progress {
        if quiet {
            return Progress::Quiet;
        }
        if !stderr().is_terminal() {
            return Progress::Lines { seen: Vec::new() };
        }
        let all = MultiProgress::new();
        let step = all.add(ProgressBar::new_spinner());
        Progress::Live { all, step, hosts: Vec::new() }
    }

    /// What is being done now.
    pub(crate) fn step(&mut self, text: &str) {
        match self {
            Progress::Quiet => {}
            Progress::Lines { .. } => eprintln!("{text}"),
            Progress::Live { all, step, .. } => {
                // A terminal that cannot be written to shows nothing; the report comes anyway.
                let _ = all.println(format!("  {text}"));
                step.set_message(text.to_string());
                step.tick();
            }
        }
    }

    /// How each host sees the cluster now.
    pub(crate) fn hosts(&mut self, views: &[View]) {
        match self {
            Progress::Quiet => {}
            Progress::Lines { seen } => {
                for view in views {
                    let text = describe(view);
                    let index = usize::from(view.host);
                    seen.resize(seen.len().max(index + 1), String::new());
                    if seen[index] != text {
                        eprintln!("  {text}");
                        seen[index] = text;
                    }
                }
            }
            Progress::Live { all, step, hosts } => {
                step.tick();
                while hosts.len() < views.len() {
                    let style =
                        ProgressStyle::with_template("    {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
                    hosts.push(all.add(ProgressBar::new(1).with_style(style)));
                }
                for bar in hosts.drain(views.len()..) {
                    all.remove(&bar);
                }
                for (bar, view) in hosts.iter().zip(views) {
                    bar.set_message(picture(view));
                    bar.tick();
                }
            }
        }
    }

    /// Takes the live lines away.
    pub(crate) fn finish(&mut self) {
        if let Progress::Live { all, .. } = self {
            let _ = all.clear();
        }
        *self = Progress::Quiet;
    }
}

/// A host's line: its share as a bar of 24 cells, then its view.
fn picture(view: &View) -> String {
    const CELLS: usize = 24;
    let owned = view.query.as_ref().and_then(|query| query.buckets.get(&view.host)).copied().unwrap_or(0) as usize;
    let filled = (owned * CELLS).div_ceil(BUCKETS).min(CELLS);
    format!("{}{} {owned:>4}  {}", "█".repeat(filled), "░".repeat(CELLS - filled), describe(view))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weir_agent::control::Query;

    use super::*;

    #[test]
    fn a_hosts_share_is_drawn_to_scale() {
        let query = |owned| Query { buckets: BTreeMap::from([(1, owned)]), ..Query::default() };
        let cells = |owned| picture(&View { host: 1, query: Some(query(owned)) }).matches('█').count();
        assert_eq!((cells(0), cells(1), cells(1024), cells(4096)), (0, 1, 6, 24));
        assert_eq!(picture(&View { host: 1, query: None }).matches('█').count(), 0);
    }
}
