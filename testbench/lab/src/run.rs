//! `weir lab`: builds a cluster, loads it, kills a host, brings it back, and tells what clients saw.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weir_agent::control::Query;

use crate::capture::Capture;
use crate::client::{Failure, Outcome, Tuple, Tuples};
use crate::lab::{Lab, LabError};
use crate::options::Options;
use crate::progress::Progress;
use crate::report::{Counts, PerHost, Report, expected, sigma};
use crate::topology;
use crate::traffic::{self, HeldConnections, Probes, Stream};

/// Chooses the clients' ports. Fixed, so that two runs differ by what the cluster does and not by who asks.
const SEED: u64 = 1;
/// Tuples of the killed host that measure the gap.
const PROBES: usize = 8;
const PROBE_BEAT: Duration = Duration::from_millis(20);
const HELD_PAUSE: Duration = Duration::from_millis(100);
/// How long a survivor's connection may take to answer once more after the take-over; several TCP retransmissions.
const SETTLE: Duration = Duration::from_secs(5);

/// Runs the whole lab and prints its report to stdout; progress goes to stderr. `Ok` is a run that came to its end,
/// whether or not everything held: ask [`Report::held`].
pub fn run(options: Options) -> Result<Report, LabError> {
    options.check()?;
    let interrupt = catch_signals()?;
    let mut progress = Progress::new(options.quiet);
    let result = scenario(&options, &interrupt, &mut progress);
    progress.finish();
    result
}

/// Ctrl-C, a plain `kill` and a closed terminal set a flag; everything that waits looks at it.
fn catch_signals() -> Result<Arc<AtomicBool>, LabError> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let flag = Arc::new(AtomicBool::new(false));
    for (signal, name) in [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")] {
        let caught = signal_hook::flag::register(signal, flag.clone());
        caught.map_err(|source: io::Error| LabError::Signals { signal: name, source })?;
    }
    Ok(flag)
}

fn scenario(options: &Options, interrupt: &Arc<AtomicBool>, progress: &mut Progress) -> Result<Report, LabError> {
    progress.step(&format!("building {} hosts, engine {}, mode {}", options.hosts, options.engine, options.mode));
    let mut lab = Lab::build(options, interrupt.clone())?;
    let captures = Captures { clients: lab.capture_clients()?, hosts: lab.capture_hosts()? };
    let mut report = Report {
        hosts: options.hosts,
        engine: options.engine.to_string(),
        mode: options.mode.to_string(),
        requests: options.requests,
        period_ms: options.period_ms,
        tolerance: options.tolerance,
        ..Report::default()
    };
    let mut tuples = Tuples::new(SEED);

    let since = Instant::now();
    let all: Vec<u8> = (1..=options.hosts).collect();
    for &id in &all {
        lab.boot(id)?;
    }
    progress.step("waiting for the hosts to converge");
    let first = lab.converge(&all, "", patience(options), &mut |views| progress.hosts(views))?;
    report.converge_ms = millis(since);
    report.epochs.push(first.epoch.clone());

    let crash = options.hosts > 1;
    let half = if crash { options.requests.div_ceil(2) } else { options.requests };
    progress.step(&format!("sending {half} requests from {} addresses", topology::CLIENTS));
    let before = Half { outcomes: wave(&lab, &mut tuples, half, interrupt)?, agreed: first };
    // Now, since the probes will use some of these tuples again, and be answered by others.
    report.confirmed = confirmed(&mut lab, &captures, &before)?;
    let after = if crash {
        let victim = options.hosts;
        Some(crash_and_return(options, &mut lab, victim, &before, &mut tuples, &mut report, progress, interrupt)?)
    } else {
        None
    };
    if let Some(after) = &after {
        report.confirmed += confirmed(&mut lab, &captures, after)?;
    }
    captures.finish(&before, after.as_ref(), &mut report);
    progress.finish();
    println!("{report}");
    if options.json {
        println!("{}", report.json());
    }
    if options.keep {
        keep(options, &lab, interrupt);
    }
    Ok(report)
}

/// One half of the measured requests, and the distribution they met.
struct Half {
    outcomes: Vec<Outcome>,
    agreed: Query,
}

impl Half {
    fn served(&self) -> Counts {
        let mut counts = Counts::new();
        for host in self.outcomes.iter().filter_map(|outcome| outcome.host.as_ref().ok()) {
            *counts.entry(*host).or_default() += 1;
        }
        counts
    }
}

#[expect(clippy::too_many_arguments, reason = "the acts of one play share its whole stage")]
fn crash_and_return(
    options: &Options,
    lab: &mut Lab,
    victim: u8,
    before: &Half,
    tuples: &mut Tuples,
    report: &mut Report,
    progress: &mut Progress,
    interrupt: &Arc<AtomicBool>,
) -> Result<Half, LabError> {
    let all: Vec<u8> = (1..=options.hosts).collect();
    let others: Vec<u8> = all.iter().copied().filter(|&id| id != victim).collect();
    let probed = tuples_of(before, victim);
    if probed.is_empty() {
        return Err(LabError::NothingToLose { host: victim, requests: before.outcomes.len() as u32 });
    }
    progress.step("holding a connection from each address");
    let held_tuples: Vec<Tuple> = tuples.by_ref().take(usize::from(topology::CLIENTS)).collect();
    let held = HeldConnections::open(lab.clients(), &held_tuples, HELD_PAUSE)?;
    let probes = Probes::start(lab.clients(), &probed, PROBE_BEAT, probe_patience(before))?;
    lab.wait(Duration::from_millis(500))?;

    progress.step(&format!("killing host {victim}: agent, NIC and link"));
    let killed = Instant::now();
    lab.crash(victim)?;
    report.killed = Some(victim);
    let second = lab.converge(&others, &before.agreed.epoch, patience(options), &mut |views| progress.hosts(views))?;
    report.takeover_ms = Some(millis(killed));
    let taken_over = Instant::now();
    while probes.look().iter().any(|answers| traffic::gap(answers, victim).is_none()) && taken_over.elapsed() < SETTLE {
        lab.wait(Duration::from_millis(20))?;
    }
    let gaps: Vec<Option<Duration>> = probes.stop().iter().map(|answers| traffic::gap(answers, victim)).collect();
    // One tuple that was never answered again makes the gap endless.
    report.gap_ms = gaps
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .and_then(|gaps| gaps.into_iter().max().map(|gap| gap.as_millis() as u64));
    report.epochs.push(second.epoch.clone());

    progress.step("looking at the connections of the survivors");
    let well = |held: &traffic::Held| held.end.is_none() && held.last >= taken_over;
    let survivors = |held: &&traffic::Held| held.host != victim;
    while !held.look().iter().filter(survivors).all(well) && taken_over.elapsed() < SETTLE {
        lab.wait(Duration::from_millis(20))?;
    }
    let look = held.look();
    report.held_connections = look.len() as u32;
    report.held_by_killed = look.iter().filter(|held| held.host == victim).count() as u32;
    for lost in look.iter().filter(survivors).filter(|held| !well(held)) {
        report.survivors_moved += 1;
        let reason = lost.end.as_deref().unwrap_or("silent");
        let Tuple { address, port } = lost.tuple;
        note(report, format!("connection of {address}:{port} to host {}: {reason}", lost.host));
    }

    let rest = options.requests - before.outcomes.len() as u32;
    progress.step(&format!("sending {rest} requests to the survivors"));
    let after = Half { outcomes: wave(lab, tuples, rest, interrupt)?, agreed: second };
    report.answered_by_the_dead = after.served().get(&victim).copied().unwrap_or(0);

    progress.step(&format!("bringing host {victim} back under traffic"));
    let stream = Stream::start(lab.clients(), Tuples::new(SEED + 1), Duration::from_millis(5))?;
    let booted = Instant::now();
    lab.boot(victim)?;
    let third = lab.converge(&all, &after.agreed.epoch, patience(options), &mut |views| progress.hosts(views))?;
    report.return_ms = Some(millis(booted));
    lab.wait(Duration::from_millis(500))?;
    let during = stream.stop();
    report.return_requests = during.len() as u32;
    for outcome in &during {
        match &outcome.host {
            Ok(_) => {}
            Err(Failure::Cut(_)) => report.return_cut += 1,
            Err(Failure::Connect(_)) => fail(report, "during the return", outcome),
        }
    }
    let survived: BTreeSet<Tuple> = look.iter().filter(survivors).filter(|held| well(held)).map(|h| h.tuple).collect();
    let lasting = held.look();
    let cut = |held: &&traffic::Held| survived.contains(&held.tuple) && (held.end.is_some() || held.last < booted);
    report.held_cut_by_return = lasting.iter().filter(cut).count() as u32;
    for host in lab.hosts() {
        let (id, buckets_after) = (host.id(), third.buckets.get(&host.id()).copied().unwrap_or(0));
        report.per_host.push(PerHost { id, buckets_after, ..PerHost::default() });
    }
    report.epochs.push(third.epoch);
    Ok(after)
}

/// The two captures of a run.
struct Captures {
    clients: Capture,
    hosts: Capture,
}

impl Captures {
    /// Ends them and fills in what only they and both halves together can tell.
    fn finish(self, before: &Half, after: Option<&Half>, report: &mut Report) {
        let (clients, hosts) = (self.clients.stop(), self.hosts.stop());
        report.duplicates = clients.duplicates();
        report.leaks = hosts.leaks();
        report.frames_lost = clients.lost() + hosts.lost();
        for (half, when) in
            [Some((before, "before the crash")), after.map(|half| (half, "after take-over"))].into_iter().flatten()
        {
            half.outcomes
                .iter()
                .filter(|outcome| outcome.host.is_err())
                .for_each(|outcome| fail(report, when, outcome));
        }
        if report.per_host.is_empty() {
            report.per_host = (1..=report.hosts).map(|id| PerHost { id, ..PerHost::default() }).collect();
        }
        let mut groups = Vec::new();
        for (half, is_first) in [Some((before, true)), after.map(|half| (half, false))].into_iter().flatten() {
            let served = half.served();
            let total = served.values().sum();
            let mut group = Vec::new();
            for host in &mut report.per_host {
                let owned = half.agreed.buckets.get(&host.id).copied().unwrap_or(0);
                let seen = served.get(&host.id).copied().unwrap_or(0);
                let (buckets, count) = match is_first {
                    true => (&mut host.buckets, &mut host.served_before),
                    false => (&mut host.buckets_without, &mut host.served_after),
                };
                (*buckets, *count) = (owned, seen);
                host.served += seen;
                host.expected += expected(owned, total);
                group.push((f64::from(seen), expected(owned, total)));
            }
            groups.push(group);
        }
        report.share_sigma = sigma(&groups);
    }
}

/// Requests of a half whose SYN-ACKs came from the host that answered them and from no other.
fn confirmed(lab: &mut Lab, captures: &Captures, half: &Half) -> Result<u32, LabError> {
    // The capture looks a moment later than the clients.
    lab.wait(Duration::from_millis(100))?;
    let ledger = captures.clients.ledger();
    let by_one = |outcome: &&Outcome| {
        let answerers = ledger.answered_by(outcome.tuple.address, outcome.tuple.port);
        let hosts: Vec<Option<u8>> = answerers.into_iter().map(topology::host_of).collect();
        matches!(outcome.host, Ok(host) if hosts == [Some(host)])
    };
    Ok(half.outcomes.iter().filter(by_one).count() as u32)
}

fn wave(lab: &Lab, tuples: &mut Tuples, count: u32, interrupt: &Arc<AtomicBool>) -> Result<Vec<Outcome>, LabError> {
    let chosen: Vec<Tuple> = tuples.take(count as usize).collect();
    let outcomes = traffic::wave(lab.clients(), &chosen, &|| interrupt.load(Ordering::Relaxed))?;
    lab.go_on()?;
    Ok(outcomes)
}

/// Tuples whose requests this host answered, at most [`PROBES`].
fn tuples_of(half: &Half, host: u8) -> Vec<Tuple> {
    let its = half.outcomes.iter().filter(|outcome| matches!(outcome.host, Ok(by) if by == host));
    its.map(|outcome| outcome.tuple).take(PROBES).collect()
}

/// How long a probe waits for a handshake: ten times what one takes in this lab, but well below TCP's first
/// retransmission, and no shorter than a probe's beat.
fn probe_patience(half: &Half) -> Duration {
    let mut took: Vec<Duration> = half.outcomes.iter().map(|outcome| outcome.took).collect();
    took.sort_unstable();
    let median = took.get(took.len() / 2).copied().unwrap_or(PROBE_BEAT);
    (median * 10).clamp(PROBE_BEAT, Duration::from_millis(200))
}

/// How long agreeing may take: some rounds of silence until death, and time for a slow machine.
fn patience(options: &Options) -> Duration {
    Duration::from_millis(options.period_ms * u64::from(options.tolerance) * 4) + Duration::from_secs(30)
}

fn fail(report: &mut Report, when: &str, outcome: &Outcome) {
    report.failed += 1;
    let Tuple { address, port } = outcome.tuple;
    let reason = match &outcome.host {
        Ok(_) => return,
        Err(Failure::Connect(error)) => format!("no connection: {error}"),
        Err(Failure::Cut(error)) => format!("no answer: {error}"),
    };
    note(report, format!("{address}:{port} {when}, after {} ms: {reason}", outcome.took.as_millis()));
}

/// The first few say enough.
fn note(report: &mut Report, failure: String) {
    if report.failures.len() < 10 {
        report.failures.push(failure);
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}

/// Leaves the lab to a person until they end it.
fn keep(options: &Options, lab: &Lab, interrupt: &AtomicBool) {
    eprintln!("The lab stays up until Ctrl-C. Its files: {}", lab.dir().display());
    eprintln!("  ip netns exec {} curl http://{}/", topology::clients(&options.name), topology::VIP);
    eprintln!("  weir query --control {}", lab.host(1).control().display());
    while !interrupt.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
    }
}
