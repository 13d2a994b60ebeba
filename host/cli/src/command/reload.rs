//! `weir reload`: have the agent of this host read its configuration file anew.
//!
//! Loads, and what is this host's own, apply at once. A change of anything in which all hosts must agree, rules among it, is
//! **staged**: the agent announces it and goes on as before; edit the file of every host and reload each, in any order. When all
//! members announce the same, it comes into force on all of them, and breaks no connection.
//!
//! ```text
//! $ weir reload
//! rule 10.77.0.100 80 tcp: multiple, affinity none, equal load -> multiple, affinity single, equal load (staged)
//! Configuration 5c1f0a2e9d47 is staged on this host; it comes into force when all members have it.
//! waits for 2, 3, 4
//! ```
//!
//! `--wait` waits for that, and names those it still waits for when it gives up. `--dry-run` says what would become of each
//! change. `--cancel` takes back what is staged here. What cannot change while an agent runs (heartbeat period, priority, the key
//! that signs) is refused by name, with what to do instead, and then nothing is changed. SIGHUP does the same as `weir reload`.
//!
//! Exit codes: 0 done; 1 refused, or not in force when `--wait` gave up; 2 nothing to do; 3 no agent there, or
//! no file.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::json;
use weir_agent::control::{Answer, Becomes, Query, Reload, Request, ask};

use crate::command::control::{self, PATIENCE};
use crate::exit::Exit;

/// Between two looks at what it waits for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    at: control::Args,
    /// only say what would become of the file
    #[arg(long)]
    dry_run: bool,
    /// take back what is staged on this host
    #[arg(long, conflicts_with_all = ["dry_run", "wait"])]
    cancel: bool,
    /// wait until it is in force, so many seconds at most
    #[arg(long, value_name = "seconds", num_args = 0..=1, default_missing_value = "60", conflicts_with = "dry_run")]
    wait: Option<u64>,
}

pub(crate) fn run(args: ReloadArgs) -> anyhow::Result<Exit> {
    if args.cancel {
        let done = "What was staged on this host is taken back.";
        return control::change(&args.at, Request::Withdraw, "withdrawn", done);
    }
    let reload = match ask(&args.at.control, Request::Reload { dry_run: args.dry_run }, PATIENCE)? {
        Answer::Reload(reload) => reload,
        Answer::Refused { message } => bail!("{message}"),
        Answer::NotFound { message } => bail!(control::NotFound(message)),
        other => bail!("unexpected answer to reload: {other:?}"),
    };
    let mut query = query(&args)?;
    if !args.at.json {
        print!("{}", describe(&reload, args.dry_run));
    }
    if let Some(seconds) = args.wait {
        query = wait(&args, &reload, Instant::now() + Duration::from_secs(seconds))?;
    }
    let in_force = query.configuration == reload.configuration;
    if args.at.json {
        let told =
            json!({ "reload": reload, "dry_run": args.dry_run, "in_force": in_force, "waits_for": query.waits_for });
        println!("{told}");
    } else if !args.dry_run && reload.becomes == Becomes::Staged || args.wait.is_some() {
        println!("{}", describe_state(&query, in_force));
    }
    Ok(match reload.becomes {
        _ if args.wait.is_some() && !in_force => Exit::Failed,
        Becomes::Nothing => Exit::Nothing,
        Becomes::AtOnce | Becomes::Staged => Exit::Done,
    })
}

fn query(args: &ReloadArgs) -> anyhow::Result<Query> {
    match ask(&args.at.control, Request::Query, PATIENCE)? {
        Answer::Query(query) => Ok(*query),
        other => bail!("unexpected answer to query: {other:?}"),
    }
}

/// Looks until the configuration is in force, is not staged here any more, or time is up.
fn wait(args: &ReloadArgs, reload: &Reload, until: Instant) -> anyhow::Result<Query> {
    let mut told = BTreeSet::new();
    loop {
        let query = query(args)?;
        let staged = query.staged.get(&query.host) == Some(&reload.configuration);
        if query.configuration == reload.configuration || !staged || query.no_room || Instant::now() >= until {
            return Ok(query);
        }
        let waits_for: BTreeSet<u8> = query.waits_for.iter().copied().collect();
        if waits_for != told && !args.at.json {
            eprintln!("{}", describe_state(&query, false));
            told = waits_for;
        }
        sleep(LOOK);
    }
}

fn describe(reload: &Reload, dry_run: bool) -> String {
    let how = |becomes| match becomes {
        Becomes::Nothing => "as it is",
        Becomes::AtOnce => "at once",
        Becomes::Staged => "staged",
    };
    let changes = reload.changes.iter().map(|change| format!("{} ({})\n", change.what, how(change.becomes)));
    let mut text: String = changes.collect();
    text += &match (reload.becomes, dry_run) {
        (Becomes::Nothing, _) => "Nothing to do: the file says what is in force or staged already.\n".to_string(),
        (Becomes::AtOnce, false) => "Done: this applies on this host from now on.\n".into(),
        (Becomes::AtOnce, true) => "This would apply on this host at once.\n".into(),
        (Becomes::Staged, false) => format!(
            "Configuration {} is staged on this host; it comes into force when all members have it.\n",
            reload.configuration
        ),
        (Becomes::Staged, true) => {
            format!("Configuration {} would be staged until all members have it.\n", reload.configuration)
        }
    };
    text
}

fn describe_state(query: &Query, in_force: bool) -> String {
    let missing: Vec<String> = query.waits_for.iter().map(u8::to_string).collect();
    match () {
        () if in_force => "in force on this host".into(),
        () if query.no_room => "not announced: a flow table has no room for its connections".into(),
        () if !query.staged.contains_key(&query.host) => "not staged any more".into(),
        () if missing.is_empty() => "being put in force".into(),
        () => format!("waits for {}", missing.join(", ")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use weir_agent::control::Changed;

    use super::*;

    /// `weir reload` without options.
    pub(in crate::command) fn reload(at: control::Args) -> anyhow::Result<Exit> {
        run(ReloadArgs { at, dry_run: false, cancel: false, wait: None })
    }

    #[test]
    fn each_change_is_told_with_what_becomes_of_it() {
        let changes = vec![Changed { what: "rule all 80 tcp: removed".into(), becomes: Becomes::Staged }];
        let reload = Reload { becomes: Becomes::Staged, changes, configuration: "aa".into() };
        assert_eq!(
            describe(&reload, false),
            "rule all 80 tcp: removed (staged)\n\
             Configuration aa is staged on this host; it comes into force when all members have it.\n"
        );
        assert!(describe(&reload, true).ends_with("Configuration aa would be staged until all members have it.\n"));
    }

    #[test]
    fn who_is_missing_is_named() {
        let staged = BTreeMap::from([(2, "aa".to_string())]);
        let query = Query { host: 2, staged, waits_for: vec![1, 4], ..Query::default() };
        assert_eq!(describe_state(&query, false), "waits for 1, 4");
        assert_eq!(describe_state(&query, true), "in force on this host");
        assert_eq!(
            describe_state(&Query { no_room: true, ..query.clone() }, false).split(':').next(),
            Some("not announced")
        );
        assert_eq!(describe_state(&Query { waits_for: vec![], ..query.clone() }, false), "being put in force");
        assert_eq!(describe_state(&Query { staged: BTreeMap::new(), ..query }, false), "not staged any more");
    }
}
