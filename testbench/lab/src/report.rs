//! What a run of the lab found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use weir_spec::map::BUCKETS;

/// Shares further off than this many standard deviations do not come from sampling.
const SHARE_LIMIT: f64 = 4.0;

/// One host's part.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct PerHost {
    /// Priority.
    pub id: u8,
    /// Buckets of 4096 it owned before the crash.
    pub buckets: u32,
    /// Measured requests it answered, of both halves.
    pub served: u32,
    /// Requests it should have answered by its buckets in both halves.
    pub expected: f64,
    /// Buckets it owned after the take-over; 0 for the killed host.
    pub buckets_without: u32,
    /// Buckets it owned at the end, all hosts being back.
    pub buckets_after: u32,
    /// Requests it answered before the crash.
    pub served_before: u32,
    /// Requests it answered after the take-over.
    pub served_after: u32,
}

/// What a run of the lab found. Keys are only ever added.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Report {
    /// Hosts of the cluster.
    pub hosts: u8,
    /// What decided on every frame: `spec` or `rtl`.
    pub engine: String,
    /// How frames reach all hosts: unicast, multicast or igmp.
    pub mode: String,
    /// Measured requests, each on a connection of its own: half before the crash, half after the take-over.
    pub requests: u32,
    /// Measured requests that were not answered, and requests during the return that got no connection.
    pub failed: u32,
    /// Connection attempts that two hosts answered, by the SYN-ACKs that reached the clients in the whole run.
    pub duplicates: u64,
    /// Each host's part, by priority.
    pub per_host: Vec<PerHost>,
    /// The longest time a client of the killed host went without an answer, in milliseconds: last answer before the
    /// crash to first answer after it. `None` if no host was killed.
    pub gap_ms: Option<u64>,
    /// Held connections of surviving hosts that broke, fell silent or changed host by the crash.
    pub survivors_moved: u32,
    /// Epochs that served, as `counter.lineage`: at first, after the take-over, after the return.
    pub epochs: Vec<String>,
    /// Frames that left a host with the cluster MAC as source.
    pub leaks: u64,
    /// Requests that the killed host is seen to have answered after the take-over.
    pub answered_by_the_dead: u32,
    /// Measured requests whose SYN-ACK came from one host, the one that answered.
    pub confirmed: u32,
    /// Heartbeat period in milliseconds.
    pub period_ms: u64,
    /// Missed periods until a host counts as dead.
    pub tolerance: u32,
    /// From the first boot until all hosts were converged, in milliseconds.
    pub converge_ms: u64,
    /// From the crash until all survivors were converged without the dead host, in milliseconds.
    pub takeover_ms: Option<u64>,
    /// From the boot of the returning host until all were converged, in milliseconds.
    pub return_ms: Option<u64>,
    /// The host that was killed.
    pub killed: Option<u8>,
    /// Connections held through the crash.
    pub held_connections: u32,
    /// Of these, connections of the killed host, which a crash ends.
    pub held_by_killed: u32,
    /// Of the survivors' held connections, those that the return of the host cut.
    pub held_cut_by_return: u32,
    /// Requests sent while the host came back.
    pub return_requests: u32,
    /// Of these, requests under way that the move of their bucket cut.
    pub return_cut: u32,
    /// How far the shares are from the buckets, in standard deviations.
    pub share_sigma: f64,
    /// Frames that the captures lost: where this is not 0, duplicates and leaks are lower bounds.
    pub frames_lost: u64,
    /// First failures, in words.
    pub failures: Vec<String>,
}

impl Report {
    /// What should have held and did not; empty if all did.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut must_be_zero = |count: u64, what: &str| {
            if count > 0 {
                broken.push(format!("{count} {what}"));
            }
        };
        must_be_zero(self.failed.into(), "requests failed");
        must_be_zero(self.duplicates, "connection attempts were answered twice");
        must_be_zero(self.survivors_moved.into(), "connections of survivors were moved or broken by the crash");
        let cut = u64::from(self.held_cut_by_return) + u64::from(self.return_cut);
        must_be_zero(cut, "connections were cut by the host that returned");
        must_be_zero(self.leaks, "frames left with the cluster MAC");
        must_be_zero(self.answered_by_the_dead.into(), "requests were answered by the dead host");
        must_be_zero(self.frames_lost, "frames were lost by the captures");
        let answered: u32 = self.per_host.iter().map(|host| host.served).sum();
        must_be_zero(u64::from(answered.saturating_sub(self.confirmed)), "answers came without their host's SYN-ACK");
        if self.share_sigma > SHARE_LIMIT {
            broken.push(format!("shares are {:.1} standard deviations off the buckets", self.share_sigma));
        }
        if self.killed.is_some() && self.gap_ms.is_none() {
            broken.push("no client of the killed host was answered again".into());
        }
        broken
    }

    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.broken().is_empty()
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers, strings and lists are JSON")
    }
}

/// How far `seen` is from `expected` counts, in standard deviations: Pearson's chi-square, brought to the normal scale by
/// Wilson and Hilferty (1931). Each group of counts has one degree of freedom less than it has counts.
pub(crate) fn sigma(groups: &[Vec<(f64, f64)>]) -> f64 {
    let (mut chi, mut freedom) = (0.0, 0.0);
    for group in groups {
        chi += group.iter().filter(|(_, e)| *e > 0.0).map(|(s, e)| (s - e) * (s - e) / e).sum::<f64>();
        freedom += group.iter().filter(|(_, e)| *e > 0.0).count().saturating_sub(1) as f64;
    }
    if freedom == 0.0 {
        return 0.0;
    }
    let spread = 2.0 / (9.0 * freedom);
    ((chi / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// Requests a host should answer by its buckets.
pub(crate) fn expected(buckets: u32, requests: u32) -> f64 {
    f64::from(buckets) / BUCKETS as f64 * f64::from(requests)
}

/// Counts by host.
pub(crate) type Counts = BTreeMap<u8, u32>;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { hosts, engine, mode, period_ms, tolerance, .. } = self;
        writeln!(
            f,
            "weir lab: {hosts} hosts, engine {engine}, mode {mode}, heartbeats every {period_ms} ms, dead after {tolerance}"
        )?;
        writeln!(f)?;
        self.table(f)?;
        writeln!(f)?;
        let mut line = |name: &str, value: String, meaning: &str| writeln!(f, "  {name:<20}{value:>9}  {meaning}");
        line("requests", self.requests.to_string(), "each on its own connection, from 40 addresses")?;
        line("failed", self.failed.to_string(), "not answered, even though TCP repeats a SYN for 5 s")?;
        line("answered twice", self.duplicates.to_string(), "connection attempts with SYN-ACKs from two hosts")?;
        line("leaks", self.leaks.to_string(), "frames that left a host with the cluster MAC as source")?;
        line(
            "shares off by",
            format!("{:.1} σ", self.share_sigma),
            "against the buckets; beyond 4 is no sampling error",
        )?;
        if let Some(killed) = self.killed {
            self.crash_lines(killed, &mut line)?;
        }
        line("converged in", ms(Some(self.converge_ms)), "from the first boot until all hosts agreed")?;
        line("epochs", self.epochs.len().to_string(), &self.epochs.join(", "))?;
        if self.frames_lost > 0 {
            line(
                "frames lost",
                self.frames_lost.to_string(),
                "by the captures: answered twice and leaks are lower bounds",
            )?;
        }
        let broken = self.broken();
        writeln!(f)?;
        match broken.as_slice() {
            [] => write!(f, "  Everything held."),
            broken => {
                write!(f, "  Did not hold: {}.", broken.join("; "))?;
                self.failures.iter().try_for_each(|failure| write!(f, "\n    {failure}"))
            }
        }
    }
}

fn ms(value: Option<u64>) -> String {
    value.map_or_else(|| "never".into(), |value| format!("{value} ms"))
}

impl Report {
    fn table(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let crash = self.killed.is_some();
        write!(f, "        {:^26}", if crash { "before the crash" } else { "all requests" })?;
        writeln!(f, "{}", if crash { format!("{:^28}{:>9}", "after take-over", "returned") } else { String::new() })?;
        write!(f, "  host  {:>7} {:>7} {:>9} ", "buckets", "served", "expected")?;
        writeln!(f, "{}", if crash { "   buckets  served  expected   buckets" } else { "" })?;
        let (sum_before, sum_after) = self
            .per_host
            .iter()
            .fold((0, 0), |(before, after), host| (before + host.served_before, after + host.served_after));
        for host in &self.per_host {
            let before = expected(host.buckets, sum_before);
            write!(f, "  {:>4}  {:>7} {:>7} {:>9.1} ", host.id, host.buckets, host.served_before, before)?;
            if self.killed == Some(host.id) {
                write!(f, "   {:>7} {:>7} {:>9}", "killed", host.served_after, "")?;
            } else if crash {
                let after = expected(host.buckets_without, sum_after);
                write!(f, "   {:>7} {:>7} {:>9.1}", host.buckets_without, host.served_after, after)?;
            }
            writeln!(f, "{}", if crash { format!("   {:>7}", host.buckets_after) } else { String::new() })?;
        }
        Ok(())
    }

    fn crash_lines(&self, killed: u8, line: &mut impl FnMut(&str, String, &str) -> fmt::Result) -> fmt::Result {
        let survivors = self.held_connections - self.held_by_killed;
        line(
            "client gap",
            ms(self.gap_ms),
            &format!("longest silence for clients of host {killed}: last answer before, first after"),
        )?;
        line("take-over", ms(self.takeover_ms), "from the crash until all survivors agreed again")?;
        line(
            "survivors moved",
            self.survivors_moved.to_string(),
            &format!(
                "of {survivors} connections held to survivors; {} more died with host {killed}",
                self.held_by_killed
            ),
        )?;
        line("return", ms(self.return_ms), &format!("from the boot of host {killed} until all agreed"))?;
        line(
            "cut by the return",
            (self.held_cut_by_return + self.return_cut).to_string(),
            &format!(
                "of {survivors} held connections and {} requests under way, whose buckets moved to it",
                self.return_requests
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let host = |id, buckets_without, buckets_after| PerHost {
            id,
            buckets: 2048,
            served: 50,
            expected: 50.0,
            buckets_without,
            buckets_after,
            served_before: 25,
            served_after: 25,
        };
        Report {
            hosts: 2,
            engine: "spec".into(),
            mode: "unicast".into(),
            requests: 100,
            per_host: vec![host(1, 4096, 2048), host(2, 0, 2048)],
            gap_ms: Some(4900),
            killed: Some(2),
            confirmed: 100,
            held_connections: 40,
            held_by_killed: 20,
            epochs: vec!["1.a".into(), "2.a".into()],
            ..Report::default()
        }
    }

    #[test]
    fn the_json_is_one_line_with_the_promised_keys() {
        let json = report().json();
        assert!(!json.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&json).expect("json");
        for key in
            ["hosts", "engine", "mode", "requests", "failed", "duplicates", "gap_ms", "survivors_moved", "epochs"]
        {
            assert!(value.get(key).is_some(), "{key}");
        }
        for key in ["id", "buckets", "served"] {
            assert!(value["per_host"][1].get(key).is_some(), "per_host.{key}");
        }
    }

    #[test]
    fn each_broken_promise_is_told() {
        assert_eq!(report().broken(), Vec::<String>::new());
        let broken = |change: &dyn Fn(&mut Report)| {
            let mut report = report();
            change(&mut report);
            report.broken().join("; ")
        };
        assert_eq!(broken(&|r| r.failed = 2), "2 requests failed");
        assert_eq!(broken(&|r| r.duplicates = 1), "1 connection attempts were answered twice");
        assert_eq!(broken(&|r| r.leaks = 1), "1 frames left with the cluster MAC");
        assert_eq!(broken(&|r| r.confirmed = 99), "1 answers came without their host's SYN-ACK");
        assert_eq!(broken(&|r| r.share_sigma = 4.2), "shares are 4.2 standard deviations off the buckets");
        assert_eq!(broken(&|r| r.gap_ms = None), "no client of the killed host was answered again");
        assert!(broken(&|r| r.survivors_moved = 1).starts_with("1 connections of survivors"));
    }

    #[test]
    fn the_table_names_the_killed_host_and_the_gap() {
        let text = report().to_string();
        assert!(text.contains("killed") && text.contains("4900 ms") && text.ends_with("Everything held."), "{text}");
        let alone = Report { killed: None, gap_ms: None, ..report() }.to_string();
        assert!(!alone.contains("killed") && !alone.contains("client gap"), "{alone}");
    }

    #[test]
    fn sigma_tells_sampling_from_skew() {
        let fair = vec![(52.0, 50.0), (47.0, 50.0), (55.0, 50.0), (46.0, 50.0)];
        assert!(sigma(std::slice::from_ref(&fair)).abs() < 2.0);
        assert!(sigma(&[fair, vec![(100.0, 50.0), (0.0, 50.0)]]) > 4.0);
        assert_eq!(sigma(&[vec![(10.0, 10.0)]]), 0.0);
    }
}
