//! `weir query`, `display`, `start`, `stop`, `drainstop`, `drain`, `enable`, `weight`, `restart`: ask the agent of this host over its
//! control socket.
//!
//! ```text
//! $ weir query --control /run/weir/agent.sock
//! Host 2 converged with the following host(s) as part of the cluster:
//! 1, 2, 3, 4
//! epoch 7.9f3a0c55; buckets 1: 1024, 2: 1024, 3: 1024, 4: 1024
//! ```
//!
//! `stop` leaves at once, and connections of this host lose service. `drainstop` takes no new connections and leaves when the
//! last has ended; `start` takes that back. `drain` and `enable` do the same for one rule, or for all, without leaving. `weight`
//! changes this host's share of a rule until the agent ends. None of these four breaks a connection.
//!
//! `restart` ends the agent without leaving the cluster: what it knows lies in a file beside the control socket, and the agent
//! that is started next, by systemd or by hand, goes on with it. It has to start before the NIC's lease ends, which is
//! something less than the time after which a silent host counts as dead; later it joins as after a crash. With `--absence` there is
//! more time: the agent asks all others to wait, its NIC's lease becomes as long, and it ends when all have promised. If one does
//! not, it goes on as it was after half a minute, which its log tells. Meanwhile no other host joins, leaves or changes its load.
//!
//! ```text
//! $ weir restart --absence 30s
//! The agent ends as soon as all others wait for it; the next one goes on if it starts within 30 s.
//! ```
//!
//! What an operator drains and what a health check finds unfit are told apart:
//!
//! ```text
//! rule 10.77.0.100 80 tcp: drained by command on 2
//! rule 10.77.0.100 80 tcp: unfit by its health check on 3
//! ```
//!
//! ```text
//! $ weir drain 10.77.0.100:80
//! Rule 10.77.0.100:80 takes no new connections on this host.
//! ```
//!
//! A name with a virtual IP means a rule of that one alone; a port alone the rule for all virtual IPs, or the only one that has it.
//!
//! Exit codes: 0 done; 1 refused, or the agent broke off; 2 the host, or the rule, is in that state already; 3 no agent there.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use weir_agent::config::{DEFAULT_CONTROL, LONGEST_ABSENCE as LONGEST};
use weir_agent::control::{Answer, CheckDisplay, Display, HostDisplay, Query, Request, RuleName, ask};
use weir_spec::flow::table::FLOWS_LOG2;

use crate::exit::Exit;

/// An agent that is alive answers within milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// control socket of the agent
    #[arg(long, value_name = "path", env = "WEIR_CONTROL", default_value = DEFAULT_CONTROL)]
    pub(crate) control: PathBuf,
    /// print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
pub(crate) struct RuleArgs {
    #[command(flatten)]
    at: Args,
    /// a port of the rule, with its virtual IP before it and /udp after it where that is needed; without it all rules
    #[arg(value_name = "rule")]
    rule: Option<RuleName>,
}

#[derive(clap::Args)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    at: Args,
    /// have the others wait for so many seconds, 1s to 60s
    #[arg(long, value_name = "time", value_parser = seconds)]
    absence: Option<u16>,
}

/// Whole seconds as a person writes them.
fn seconds(text: &str) -> Result<u16, String> {
    match text.strip_suffix('s').unwrap_or(text).parse() {
        Ok(seconds @ 1..=LONGEST) => Ok(seconds),
        _ => Err(format!("should be 1s to {LONGEST}s, in whole seconds")),
    }
}

#[derive(clap::Args)]
pub(crate) struct WeightArgs {
    #[command(flatten)]
    at: Args,
    /// a port of the rule, with its virtual IP before it and /udp after it where that is needed
    #[arg(value_name = "rule")]
    rule: RuleName,
    /// 0 to 100, or equal
    #[arg(value_name = "weight", value_parser = weight)]
    weight: Weight,
}

/// A weight as a person writes it; `None` is equal load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Weight(Option<u8>);

fn weight(text: &str) -> Result<Weight, String> {
    match text.parse() {
        _ if text == "equal" => Ok(Weight(None)),
        Ok(weight @ 0..=100) => Ok(Weight(Some(weight))),
        _ => Err("should be 0 to 100, or equal".into()),
    }
}

pub(crate) fn query(args: Args) -> anyhow::Result<Exit> {
    match ask(&args.control, Request::Query, PATIENCE)? {
        Answer::Query(query) if args.json => println!("{}", serde_json::to_string(&query)?),
        Answer::Query(query) => print!("{}", describe(&query)),
        other => bail!("unexpected answer to query: {other:?}"),
    }
    Ok(Exit::Done)
}

pub(crate) fn display(args: Args) -> anyhow::Result<Exit> {
    match ask(&args.control, Request::Display, PATIENCE)? {
        Answer::Display(display) if args.json => println!("{}", serde_json::to_string(&display)?),
        Answer::Display(display) => print!("{}", describe_all(&display)),
        other => bail!("unexpected answer to display: {other:?}"),
    }
    Ok(Exit::Done)
}

pub(crate) fn start(args: Args) -> anyhow::Result<Exit> {
    change(&args, Request::Start, "started", "Cluster operation started on this host.")
}

pub(crate) fn stop(args: Args) -> anyhow::Result<Exit> {
    change(&args, Request::Stop, "stopped", "Cluster operation stopped on this host.")
}

pub(crate) fn drainstop(args: Args) -> anyhow::Result<Exit> {
    let done = "This host takes no new connections, and stops when the last has ended.";
    change(&args, Request::Drainstop, "draining", done)
}

pub(crate) fn restart(args: RestartArgs) -> anyhow::Result<Exit> {
    let done = match args.absence {
        None => {
            "The agent ends as soon as no hand-over is under way; the next one goes on if it starts before the lease ends."
                .into()
        }
        Some(seconds) => {
            format!(
                "The agent ends as soon as all others wait for it; the next one goes on if it starts within {seconds} s."
            )
        }
    };
    change(&args.at, Request::Restart { absence: args.absence }, "restarting", &done)
}

pub(crate) fn drain(args: RuleArgs) -> anyhow::Result<Exit> {
    let takes = takes(args.rule);
    let (done, already) = (
        format!("{takes} no new connections on this host."),
        format!("Nothing to do: {takes} no new connections on this host already."),
    );
    change_or(&args.at, Request::Drain { rule: args.rule }, "draining", &done, &already)
}

pub(crate) fn enable(args: RuleArgs) -> anyhow::Result<Exit> {
    let takes = takes(args.rule);
    let (done, already) = (
        format!("{takes} new connections on this host."),
        format!("Nothing to do: {takes} new connections on this host already, as far as commands go."),
    );
    change_or(&args.at, Request::Enable { rule: args.rule }, "enabled", &done, &already)
}

pub(crate) fn set_weight(args: WeightArgs) -> anyhow::Result<Exit> {
    let Weight(weight) = args.weight;
    let weight_told = weight.map_or("equal".to_string(), |weight| weight.to_string());
    let has = format!("Rule {} has load weight {weight_told} on this host", args.rule);
    let (done, already) = (format!("{has} until its agent ends."), format!("Nothing to do: {has} already."));
    change_or(&args.at, Request::Weight { rule: args.rule, weight }, "weighted", &done, &already)
}

fn takes(rule: Option<RuleName>) -> String {
    rule.map_or("All rules take".into(), |rule| format!("Rule {rule} takes"))
}

/// What the agent found not to be there.
#[derive(Debug)]
pub(crate) struct NotFound(pub(crate) String);

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

pub(crate) fn change(args: &Args, request: Request, state: &str, done: &str) -> anyhow::Result<Exit> {
    change_or(args, request, state, done, &already(state))
}

fn already(state: &str) -> String {
    format!("Nothing to do: this host is {state} already.")
}

/// Asks for a change, and tells that it is made (`done`), or that the host is in that state (`nothing`).
fn change_or(args: &Args, request: Request, state: &str, done: &str, nothing: &str) -> anyhow::Result<Exit> {
    let (exit, told, found) = match ask(&args.control, request, PATIENCE)? {
        Answer::Done => (Exit::Done, done.to_string(), state.to_string()),
        Answer::Already { state: found } if found == state => (Exit::Nothing, nothing.to_string(), found),
        Answer::Already { state: found } => (Exit::Nothing, already(&found), found),
        Answer::Refused { message } => bail!("{message}"),
        Answer::NotFound { message } => bail!(NotFound(message)),
        other => bail!("unexpected answer: {other:?}"),
    };
    if args.json {
        println!("{}", serde_json::json!({ "state": found, "changed": exit == Exit::Done }));
    } else {
        println!("{told}");
    }
    Ok(exit)
}

/// The words of NLB's own tool where they exist (KB 812870, KB 242242).
fn describe(query: &Query) -> String {
    let list: Vec<String> = query.members.iter().map(u8::to_string).collect();
    let mut text = match query.state.as_str() {
        "converged" => format!(
            "Host {} converged{} with the following host(s) as part of the cluster:\n{}\n",
            query.host,
            if query.default { " as DEFAULT" } else { "" },
            list.join(", ")
        ),
        "converging" => format!(
            "Host {} converging with the following host(s) as part of the cluster:\n{}\n",
            query.host,
            list.join(", ")
        ),
        other => format!("Host {} is {other}.\n", query.host),
    };
    if let Some(cause) = &query.cause {
        text += &format!("cause: {cause}\n");
    }
    if !query.epoch.is_empty() {
        text += &format!("epoch {}{}\n", query.epoch, describe_buckets(query));
    }
    text += &describe_staged(query);
    text += &describe_rules("drained by command", &query.drained);
    text += &describe_rules("unfit by its health check", &query.unfit);
    for (host, left) in &query.waited_for {
        text += &format!("host {host} is absent, or about to be: it is waited for, {:.1} s more\n", *left as f64 / 1e3);
    }
    if let Some(left) = query.starts_in_ms {
        text += &format!(
            "It takes part in {:.1} s: the agent before has promised to wait for a host that is absent.\n",
            left as f64 / 1e3
        );
    }
    if query.draining {
        text += "draining: this host stops when its last connection has ended\n";
    }
    if query.pins > 0 {
        text += &format!("{} connections go on here in buckets that are others' now\n", query.pins);
    }
    if query.fenced {
        text += "The NIC is fenced: it accepts nothing through rules.\n";
    }
    text
}

/// Who has how many buckets: of all rules at once where they are alike, else of each that is not as most are.
fn describe_buckets(query: &Query) -> String {
    let mut alike: Vec<(&BTreeMap<u8, u32>, Vec<&str>)> = Vec::new();
    for (rule, shares) in &query.buckets_by_rule {
        match alike.iter_mut().find(|(known, _)| *known == shares) {
            Some((_, rules)) => rules.push(rule.as_str()),
            None => alike.push((shares, vec![rule.as_str()])),
        }
    }
    if alike.len() < 2 {
        let none = alike.is_empty() && query.buckets.is_empty();
        return if none { String::new() } else { format!("; {}", shares_in_words(&query.buckets)) };
    }
    // The first of the largest comes last, and needs no names.
    alike.sort_by_key(|(_, rules)| rules.len());
    let most = alike.pop_if(|(_, rules)| rules.len() > 1);
    let mut text = String::new();
    for (shares, rules) in alike {
        rules.iter().for_each(|rule| text += &format!("\nrule {rule}: {}", shares_in_words(shares)));
    }
    if let Some((shares, _)) = most {
        text += &format!("\nall other rules of mode multiple: {}", shares_in_words(shares));
    }
    text
}

fn shares_in_words(shares: &BTreeMap<u8, u32>) -> String {
    if shares.is_empty() {
        return "buckets are nobody's".into();
    }
    let hosts: Vec<String> = shares.iter().map(|(host, n)| format!("{host}: {n}")).collect();
    format!("buckets {}", hosts.join(", "))
}

/// Rules of which hosts take no new connections, and why.
fn describe_rules(why: &str, rules: &BTreeMap<String, Vec<u8>>) -> String {
    let line = |(rule, hosts): (&String, &Vec<u8>)| {
        let hosts: Vec<String> = hosts.iter().map(u8::to_string).collect();
        format!("rule {rule}: {why} on {}\n", hosts.join(", "))
    };
    rules.iter().map(line).collect()
}

/// Who has staged another configuration, and for whom it waits.
fn describe_staged(query: &Query) -> String {
    let mut hosts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (host, name) in &query.staged {
        hosts.entry(name).or_default().push(host.to_string());
    }
    let mut text = String::new();
    for (name, by) in hosts {
        text += &format!("staged: configuration {name} by {}", by.join(", "));
        if query.staged.get(&query.host).is_some_and(|own| own == name) {
            let missing: Vec<String> = query.waits_for.iter().map(u8::to_string).collect();
            if query.no_room {
                text += "; not announced here: a flow table has no room for its connections";
            } else if !missing.is_empty() {
                text += &format!("; waits for {}", missing.join(", "));
            }
        } else {
            text += "; not staged here";
        }
        text += "\n";
    }
    text
}

fn describe_all(display: &Display) -> String {
    let mut text = describe(&display.query);
    let mut line = |name: &str, value: String| text += &format!("{name:<24} = {value}\n");
    line("cluster", display.cluster.clone());
    line("virtual IPs", display.vips.join(", "));
    line("cluster MAC", display.cluster_mac.clone());
    line("masked MAC", display.masked_mac.clone());
    line("heartbeat", format!("{} ms, dead after {} missed", display.period_ms, display.tolerance));
    for (index, rule) in display.rules.iter().enumerate() {
        line(&format!("rule {index}"), rule.clone());
    }
    for check in &display.checks {
        line(&format!("check of {}", check.rule), describe_check(check));
    }
    for host in &display.hosts {
        line(&format!("host {}", host.host), describe_host(host));
    }
    line("NIC", display.nic.selector.clone());
    line("NIC epoch word", format!("{:#010x}", display.nic.epoch));
    line("NIC lease left", format!("{} ms", display.nic.lease_left_us / 1000));
    line("NIC flow entries", format!("{} of {}", display.nic.flows, 1 << FLOWS_LOG2));
    // The numbers of a NIC's counters are not those above.
    let numbered = |name: &str| name.starts_with("rule_") && !display.nic.rules.is_empty();
    for (name, count) in display.nic.counters.iter().filter(|(name, _)| !numbered(name)) {
        line(&format!("NIC {name}"), count.to_string());
    }
    for (rule, counted) in &display.nic.rules {
        line(&format!("NIC rule {rule}"), format!("{} accepted, {} dropped", counted.accepted, counted.dropped));
    }
    for (name, count) in &display.heartbeats {
        line(&format!("heartbeats {name}"), count.to_string());
    }
    text
}

fn describe_check(check: &CheckDisplay) -> String {
    let failed = check.failed.as_ref().map(|failed| format!(" ({failed})")).unwrap_or_default();
    format!("{} since {} s{failed}; {}", check.state, check.since_ms / 1000, check.check)
}

fn describe_host(host: &HostDisplay) -> String {
    let mut words = vec![format!("{}, {}", host.ip, host.state)];
    words.extend(host.cause.as_ref().map(|cause| format!("because: {cause}")));
    words.extend(host.member.then(|| "member".into()));
    words.extend(host.fenced.then(|| "fenced".into()));
    words.extend((host.silent_ms > 0).then(|| format!("heard {} ms ago", host.silent_ms)));
    words.extend((!host.hears_this).then(|| "does not hear this host".into()));
    words.extend(host.differs.as_ref().map(|differs| format!("cannot converge with this host: {differs}")));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    use weir_agent::control::{NicDisplay, RuleCounters};

    use super::*;

    #[test]
    fn the_default_host_says_so_in_nlbs_words() {
        let query = Query {
            host: 1,
            state: "converged".into(),
            default: true,
            members: vec![1, 3],
            epoch: "4.00c0ffee".into(),
            buckets: BTreeMap::from([(1, 2048), (3, 2048)]),
            ..Query::default()
        };
        let text = "Host 1 converged as DEFAULT with the following host(s) as part of the cluster:\n1, 3\n\
                    epoch 4.00c0ffee; buckets 1: 2048, 3: 2048\n";
        assert_eq!(describe(&query), text);
    }

    #[test]
    fn shares_are_told_once_where_all_rules_have_the_same_and_by_rule_where_not() {
        let shares = |n| BTreeMap::from([(1, n), (2, 4096 - n)]);
        let query = |rules: &[(&str, u32)]| Query {
            state: "converged".into(),
            epoch: "4.00c0ffee".into(),
            buckets: shares(rules[0].1),
            buckets_by_rule: rules.iter().map(|(name, n)| (name.to_string(), shares(*n))).collect(),
            ..Query::default()
        };
        let told =
            |rules: &[(&str, u32)]| describe(&query(rules)).split_once("epoch 4.00c0ffee").expect("one").1.to_string();
        assert_eq!(told(&[("a", 2048), ("b", 2048)]), "; buckets 1: 2048, 2: 2048\n");
        assert_eq!(
            told(&[("a", 2048), ("b", 96)]),
            "\nrule a: buckets 1: 2048, 2: 2048\nrule b: buckets 1: 96, 2: 4000\n"
        );
        assert_eq!(
            told(&[("a", 2048), ("b", 96), ("c", 2048)]),
            "\nrule b: buckets 1: 96, 2: 4000\nall other rules of mode multiple: buckets 1: 2048, 2: 2048\n"
        );
        let nobody = Query { epoch: "4.00c0ffee".into(), ..Query::default() };
        assert!(describe(&nobody).ends_with("epoch 4.00c0ffee\n"));
    }

    #[test]
    fn display_tells_the_lease_the_flows_and_the_counters_of_the_nic() {
        let nic = NicDisplay {
            epoch: 0x0401,
            lease_left_us: 4_900_000,
            flows: 17,
            counters: BTreeMap::from([("pin_hits".into(), 3), ("rule_3_accepted".into(), 126)]),
            rules: BTreeMap::from([("all 8080 both".into(), RuleCounters { accepted: 126, dropped: 5 })]),
            ..NicDisplay::default()
        };
        let text = describe_all(&Display { nic, ..Display::default() });
        for wanted in [
            "NIC lease left           = 4900 ms\n",
            "NIC flow entries         = 17 of 4096\n",
            "NIC pin_hits             = 3\n",
            "NIC rule all 8080 both   = 126 accepted, 5 dropped\n",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        assert!(!text.contains("rule_3"), "{text}");
    }

    #[test]
    fn a_host_that_does_not_fit_is_told_with_what_differs() {
        let fits = HostDisplay {
            host: 1,
            ip: "10.0.0.1".into(),
            state: "converged".into(),
            member: true,
            hears_this: true,
            ..HostDisplay::default()
        };
        let odd = HostDisplay {
            host: 3,
            ip: "10.0.0.3".into(),
            state: "converging".into(),
            cause: Some("different port rules".into()),
            fenced: true,
            silent_ms: 120,
            differs: Some("it has 3 port rules, here there are 2".into()),
            ..HostDisplay::default()
        };
        let text = describe_all(&Display { hosts: vec![fits, odd], ..Display::default() });
        for wanted in [
            "host 1                   = 10.0.0.1, converged, member\n",
            "host 3                   = 10.0.0.3, converging, because: different port rules, fenced, heard 120 ms ago, \
             does not hear this host, cannot converge with this host: it has 3 port rules, here there are 2\n",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
    }

    #[test]
    fn what_drains_is_told() {
        let query = Query { state: "converged".into(), draining: true, pins: 7, ..Query::default() };
        let text = describe(&query);
        assert!(text.contains("draining: this host stops") && text.contains("7 connections go on here"), "{text}");
    }

    #[test]
    fn what_an_operator_drains_and_what_a_check_finds_unfit_are_told_apart() {
        let rule = |hosts: &[u8]| BTreeMap::from([("10.0.0.1 80 tcp".to_string(), hosts.to_vec())]);
        let query = Query { drained: rule(&[2]), unfit: rule(&[1, 3]), ..Query::default() };
        let text = describe(&query);
        assert!(text.contains("rule 10.0.0.1 80 tcp: drained by command on 2\n"), "{text}");
        assert!(text.contains("rule 10.0.0.1 80 tcp: unfit by its health check on 1, 3\n"), "{text}");
        let check = CheckDisplay {
            rule: "default".into(),
            check: "tcp 127.0.0.1:22".into(),
            state: "unfit".into(),
            failed: Some("no answer in time".into()),
            since_ms: 3700,
        };
        let text = describe_all(&Display { checks: vec![check], ..Display::default() });
        let line = "check of default         = unfit since 3 s (no answer in time); tcp 127.0.0.1:22\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn who_has_staged_what_is_told_and_who_has_not() {
        let query = Query {
            host: 1,
            state: "converged".into(),
            staged: BTreeMap::from([(1, "aa".into()), (2, "aa".into()), (3, "bb".into())]),
            waits_for: vec![3, 4],
            ..Query::default()
        };
        let text = describe(&query);
        assert!(text.contains("staged: configuration aa by 1, 2; waits for 3, 4\n"), "{text}");
        assert!(text.contains("staged: configuration bb by 3; not staged here\n"), "{text}");
        let full = describe(&Query { no_room: true, ..query });
        assert!(full.contains("by 1, 2; not announced here: a flow table has no room"), "{full}");
    }

    #[test]
    fn who_is_waited_for_is_told_and_who_waits_to_start() {
        let query = Query { state: "converged".into(), waited_for: BTreeMap::from([(3, 24_040)]), ..Query::default() };
        let text = describe(&query);
        assert!(text.contains("host 3 is absent, or about to be: it is waited for, 24.0 s more\n"), "{text}");
        let query = Query { host: 2, state: "stopped".into(), starts_in_ms: Some(7_000), ..Query::default() };
        let text = describe(&query);
        assert!(text.starts_with("Host 2 is stopped.\nIt takes part in 7.0 s: "), "{text}");
    }

    #[test]
    fn an_absence_is_a_minute_at_most() {
        assert_eq!((seconds("30s"), seconds("60"), seconds("1s")), (Ok(30), Ok(60), Ok(1)));
        for wrong in ["0s", "61s", "1m", "-1", "1.5s", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_weight_is_a_number_or_equal() {
        assert_eq!(weight("equal"), Ok(Weight(None)));
        assert_eq!(weight("100"), Ok(Weight(Some(100))));
        assert!(weight("101").is_err() && weight("-1").is_err() && weight("").is_err());
    }

    /// What a command ends with when the agent answers so.
    fn answered(answer: Answer, command: impl FnOnce(Args) -> anyhow::Result<Exit>) -> Exit {
        let dir = tempfile::tempdir().expect("a directory");
        let control = dir.path().join("agent.sock");
        let listener = UnixListener::bind(&control).expect("a socket");
        let agent = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            BufReader::new(&stream).read_line(&mut String::new()).expect("a request");
            writeln!(stream, "{}", serde_json::to_string(&answer).expect("json")).expect("room for a line");
        });
        let exit = command(Args { control, json: false }).unwrap_or_else(|error| Exit::of(&error));
        agent.join().expect("no panic");
        exit
    }

    #[test]
    fn nothing_to_do_refused_and_not_found_are_told_apart() {
        let rule = Some(RuleName::of_port(80));
        let drained = |at| drain(RuleArgs { at, rule });
        assert_eq!(answered(Answer::Done, drained), Exit::Done);
        assert_eq!(answered(Answer::Already { state: "draining".into() }, drained), Exit::Nothing);
        assert_eq!(answered(Answer::Already { state: "stopped".into() }, drained), Exit::Nothing);
        assert_eq!(answered(Answer::Refused { message: "no".into() }, drained), Exit::Failed);
        assert_eq!(answered(Answer::NotFound { message: "no file".into() }, drained), Exit::NotFound);
        let gone = Answer::NotFound { message: "no file".into() };
        assert_eq!(answered(gone, super::super::reload::tests::reload), Exit::NotFound);
    }

    #[test]
    fn a_cause_and_a_fence_are_told() {
        let query = Query {
            host: 2,
            state: "converging".into(),
            members: vec![2],
            cause: Some("listening".into()),
            fenced: true,
            ..Query::default()
        };
        let text = describe(&query);
        assert!(
            text.contains("Host 2 converging with") && text.contains("cause: listening") && text.contains("fenced")
        );
    }
}
