//! The configuration file, read anew while the agent runs: what of it applies at once, what is staged until all hosts have it,
//! and what is refused. And what the configuration in force was, for the process that goes on after this one.

use std::path::Path;

use weir_cluster::{Addressing, Change, Config as ClusterConfig, Load, Node, Now, Secret, Status};
use weir_spec::mac::Mac;

use crate::config::{Check, ClusterMode, Config, Mode, PortRule};
use crate::control::{Becomes, Changed, Reload};
use crate::describe;
use crate::resolve;

/// A configuration that may be taken.
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) protocol: ClusterConfig,
    pub(crate) change: Change,
    pub(crate) changes: Vec<Changed>,
}

impl Plan {
    /// For who asked.
    pub(crate) fn told(&self) -> Reload {
        Reload {
            becomes: becomes(self.change),
            changes: self.changes.clone(),
            configuration: describe::name(weir_cluster::staged::name_of(self.protocol.digest())),
        }
    }
}

fn becomes(change: Change) -> Becomes {
    match change {
        Change::Nothing => Becomes::Nothing,
        Change::AtOnce => Becomes::AtOnce,
        Change::Staged => Becomes::Staged,
    }
}

/// What would become of `config`; an error in words if it is refused.
pub(crate) fn plan(in_force: &Config, config: Config, node: &Node, now: Now) -> Result<Plan, String> {
    if let Some(field) = only_by_replacing(in_force, &config) {
        return Err(format!(
            "{field} differs, which a running agent cannot change: send it SIGUSR2, so that a new process takes its place"
        ));
    }
    if !config.cluster.vips.starts_with(&in_force.cluster.vips) {
        return Err("cluster.vips differs, to which a running cluster can only add at the end: drainstop this host and restart its agent".into());
    }
    if config.cluster.vips != in_force.cluster.vips && config.cluster.mode != ClusterMode::Unicast {
        // What the interface receives is settled when it is opened.
        let wanted = "cluster.vips differs, to which a running cluster can add in unicast mode alone";
        return Err(format!("{wanted}: drainstop this host and restart its agent"));
    }
    let own = match node.config().addressing {
        Addressing::Unicast => Mac::default(),
        Addressing::Multicast { own } | Addressing::Igmp { own } => own,
    };
    let protocol = resolve::cluster(&config, node.config().unique_code, own);
    let change = node.change(now, &protocol).map_err(|error| error.to_string())?;
    let status = node.status(now);
    let mut changes = match change {
        Change::Nothing => Vec::new(),
        Change::AtOnce | Change::Staged => changes(in_force, &config, &status, becomes(change)),
    };
    if let (true, Some(staged)) = (is_taken(&config, node), status.staged.get(&status.host)) {
        let what = format!("configuration {}: not staged any more", describe::name(*staged));
        changes.push(Changed { what, becomes: Becomes::AtOnce });
    }
    // What the protocol does not know of needs no agreement.
    let own = change == Change::Nothing && !changes_of_one_host(in_force, &config).is_empty();
    let (change, changes) =
        if own { (Change::AtOnce, changes_of_one_host(in_force, &config)) } else { (change, changes) };
    Ok(Plan { config, protocol, change, changes })
}

/// Whether a process that goes on from the one before has taken all of the file by that: all but what is to be staged.
pub(crate) fn is_taken(file: &Config, node: &Node) -> bool {
    resolve::cluster(file, 0, Mac::default()).digest() == node.config().digest()
}

/// The first field that differs and is read by a process once.
pub(crate) fn only_by_replacing(before: &Config, after: &Config) -> Option<&'static str> {
    let fields = [
        ("host.interface", before.host.interface == after.host.interface),
        ("host.nic", before.host.nic == after.host.nic),
        ("host.control", before.host.control == after.host.control),
        ("host.promises", before.host.promises == after.host.promises),
        ("host.dip", before.host.dip == after.host.dip),
        ("cluster.igmp_version", before.cluster.igmp_version == after.cluster.igmp_version),
        ("handover.netns", before.handover.netns == after.handover.netns),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

fn changes_of_one_host(before: &Config, after: &Config) -> Vec<Changed> {
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(Changed { what: format!("{what}: {before} -> {after}"), becomes: Becomes::AtOnce });
        }
    };
    compare("cluster.name", before.cluster.name.clone(), after.cluster.name.clone());
    let limit = |config: &Config| {
        config.handover.drain_limit_us.map_or("none".to_string(), |limit| format!("{} s", limit / 1_000_000))
    };
    compare("handover.drain_limit_s", limit(before), limit(after));
    let settle = |config: &Config| format!("{} ms", config.handover.settle.as_millis());
    compare("handover.settle_ms", settle(before), settle(after));
    let settle = |config: &Config| format!("{} ms", config.handover.cookie_settle_us / 1000);
    compare("handover.cookie_settle_ms", settle(before), settle(after));
    compare("handover.flows", before.handover.flows.to_string(), after.handover.flows.to_string());
    for (name, before, after) in checks(before, after) {
        let told = |check: Option<&Check>| check.map_or("none".to_string(), describe::check);
        compare(&format!("check of rule {name}"), told(before), told(after));
    }
    compare("id of the key that signs", before.cluster.keys[0].0.to_string(), after.cluster.keys[0].0.to_string());
    let keys = |config: &Config| {
        let mut keys: Vec<u8> = config.cluster.keys.iter().map(|(id, _)| *id).collect();
        keys.sort_unstable();
        format!("{keys:?}")
    };
    compare("ids of keys that are accepted", keys(before), keys(after));
    changes
}

/// The checks of rules that both have.
fn checks<'a>(before: &'a Config, after: &'a Config) -> Vec<(String, Option<&'a Check>, Option<&'a Check>)> {
    let of_rules = before.rules.iter().filter_map(|old| {
        let name = describe::rule_name(before, old);
        let new = after.rules.iter().find(|new| describe::rule_name(after, new) == name)?;
        Some((name, old.check.as_ref(), new.check.as_ref()))
    });
    let of_the_rest = (describe::slot_name(before, None), before.default_check.as_ref(), after.default_check.as_ref());
    of_rules.chain([of_the_rest]).collect()
}

fn changes(before: &Config, after: &Config, status: &Status, how: Becomes) -> Vec<Changed> {
    let mut changes = changes_of_one_host(before, after);
    let staged = |what: String| Changed { what, becomes: how };
    for vip in &after.cluster.vips[before.cluster.vips.len()..] {
        changes.push(staged(format!("cluster.vips: {vip} is added")));
    }
    if before.cluster.hash_key != after.cluster.hash_key {
        changes.push(staged("cluster.hash_key: another key".into()));
    }
    let same = |a: &PortRule, b: &PortRule| {
        (a.vip, a.first_port, a.last_port, a.protocol) == (b.vip, b.first_port, b.last_port, b.protocol)
    };
    for old in &before.rules {
        let name = describe::rule_name(before, old);
        match after.rules.iter().find(|new| same(old, new)) {
            None => changes.push(staged(format!("rule {name}: removed"))),
            Some(new) => {
                let becomes = if loads_alone(&old.mode, &new.mode) { Becomes::AtOnce } else { how };
                let (old, new) = (mode_now(before, old, status), describe::mode(&new.mode));
                if old != new {
                    changes.push(Changed { what: format!("rule {name}: {old} -> {new}"), becomes });
                }
            }
        }
    }
    for new in after.rules.iter().filter(|new| !before.rules.iter().any(|old| same(old, new))) {
        let (name, mode) = (describe::rule_name(after, new), describe::mode(&new.mode));
        changes.push(staged(format!("rule {name}: added, {mode}")));
    }
    if how == Becomes::Staged {
        // They come into force together.
        changes.iter_mut().for_each(|change| change.becomes = how);
    }
    changes
}

/// What becomes of what a rule is for at this moment: `weir weight` may have overruled the file.
fn mode_now(config: &Config, rule: &PortRule, status: &Status) -> String {
    match (rule.mode, describe::by_command(config, rule, status)) {
        (Mode::Multiple { affinity, .. }, Some(load)) => {
            let weight = match load {
                Load::Equal => None,
                Load::Weight(weight) => Some(weight),
            };
            format!("{} by command", describe::mode(&Mode::Multiple { affinity, weight }))
        }
        (mode, _) => describe::mode(&mode),
    }
}

fn loads_alone(before: &Mode, after: &Mode) -> bool {
    match (before, after) {
        (Mode::Multiple { affinity: a, .. }, Mode::Multiple { affinity: b, .. }) => a == b,
        (Mode::Single { .. }, Mode::Single { .. }) => true,
        _ => false,
    }
}

/// Begins what is left; another layout has another number.
const LAYOUT: &[u8; 8] = b"weir cf2";

/// What one process leaves to the next: the configuration in force, as its text and the heartbeat keys that went with it, and what
/// the protocol knows. The text alone may name files of keys, which hold others by then.
pub(crate) fn pack(config: &Config, protocol: Vec<u8>) -> Vec<u8> {
    let (text, keys) = (&config.text.0, &config.cluster.keys);
    let mut left = LAYOUT.to_vec();
    left.extend((text.len() as u32).to_le_bytes());
    left.extend(text);
    left.extend((keys.len() as u16).to_le_bytes());
    for (id, key) in keys {
        left.push(*id);
        left.extend(&key.0);
    }
    left.extend(protocol);
    left
}

/// The inverse; the configuration with what the file at `path` says of this host alone. `None` if it is nothing of the kind.
pub(crate) fn unpack(left: &[u8], path: &Path, file: &Config) -> Option<(Config, Vec<u8>)> {
    let (length, rest) = left.strip_prefix(LAYOUT)?.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut keys = Vec::new();
    for _ in 0..u16::from_le_bytes(*count) {
        let (id, after) = rest.split_first()?;
        let (key, after) = after.split_first_chunk::<32>()?;
        keys.push((*id, Secret(key.to_vec())));
        rest = after;
    }
    // The first one signs.
    keys.first()?;
    let protocol = rest;
    let digest = |config: &Config| resolve::cluster(config, 0, Mac::default()).digest();
    let before = Config::with_keys(path, std::str::from_utf8(text).ok()?, keys).ok()?;
    let in_force = if digest(&before) == digest(file) {
        file.clone()
    } else {
        Config { host: file.host.clone(), handover: file.handover.clone(), ..before }
    };
    Some((in_force, protocol.to_vec()))
}

#[cfg(test)]
mod tests {
    use weir_cluster::Event;

    use super::*;

    const TEXT: &str = r#"
[cluster]
vips = ["10.77.0.100"]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[host]
priority = 1
interface = "eth0"
nic = "sim"
[[rule]]
ports = 80
affinity = "none"
[[rule]]
ports = 443
"#;

    fn config(text: &str) -> Config {
        Config::parse(Path::new("weir.toml"), text).expect("a good configuration")
    }

    /// The plan of a host that is in an epoch of its own, if it is to stage anything.
    fn planned(from: &str, to: &str) -> Result<Plan, String> {
        assert!(TEXT.contains(from), "{from}");
        let in_force = config(TEXT);
        let node = Node::new(resolve::cluster(&in_force, 7, Mac::default())).expect("a good configuration");
        let now = Now { host: weir_cluster::HostTime(0), nic: weir_cluster::NicTime(0) };
        plan(&in_force, config(&TEXT.replace(from, to)), &node, now)
    }

    fn told(from: &str, to: &str) -> Vec<String> {
        planned(from, to).expect("not refused").changes.into_iter().map(|change| change.what).collect()
    }

    #[test]
    fn what_changes_is_told_rule_by_rule() {
        assert_eq!(
            told("affinity = \"none\"", ""),
            ["rule all 80 both: multiple, affinity none, equal load -> multiple, affinity single, equal load"]
        );
        assert_eq!(
            told("ports = 443", "ports = \"443-444\""),
            ["rule all 443 both: removed", "rule all 443-444 both: added, multiple, affinity single, equal load"]
        );
        assert_eq!(
            told("vips = [\"10.77.0.100\"]", "vips = [\"10.77.0.100\", \"2001:db8::7\"]"),
            ["cluster.vips: 2001:db8::7 is added"]
        );
        assert_eq!(
            told("[[rule]]\nports = 443", "[handover]\ndrain_limit_s = 60\n[[rule]]\nports = 443"),
            ["handover.drain_limit_s: none -> 60 s"]
        );
        assert_eq!(
            told("affinity = \"none\"", "affinity = \"none\"\n[rule.check]\nkind = \"tcp\""),
            ["check of rule all 80 both: none -> tcp 127.0.0.1:80, every 2000 ms within 1000 ms, rise 2, fall 3"]
        );
        assert_eq!(
            told("[[rule]]\nports = 443", "[handover]\ncookie_settle_ms = 0\n[[rule]]\nports = 443"),
            ["handover.cookie_settle_ms: 800 ms -> 0 ms"]
        );
        assert_eq!(
            told("[[rule]]\nports = 443", "[handover]\nflows = 100\n[[rule]]\nports = 443"),
            ["handover.flows: 3584 -> 100"]
        );
        let nothing = planned("ports = 80", "ports = \"80-80\"").expect("not refused");
        assert_eq!((nothing.change, nothing.changes.len()), (Change::Nothing, 0));
    }

    #[test]
    fn a_weight_set_by_command_is_overruled_by_a_file_that_is_as_it_was() {
        let in_force = config(TEXT);
        let mut node = Node::new(resolve::cluster(&in_force, 7, Mac::default())).expect("a good configuration");
        let now = Now { host: weir_cluster::HostTime(0), nic: weir_cluster::NicTime(0) };
        let change = |node: &Node| plan(&in_force, config(TEXT), node, now).expect("taken").change;
        assert_eq!(change(&node), Change::Nothing);
        node.handle(now, Event::SetLoad { slot: 0, load: Load::Weight(3) }, &mut Vec::new());
        assert_eq!(change(&node), Change::AtOnce);
    }

    #[test]
    fn another_key_signs_at_once() {
        let (old, new) = ("key = \"00010203", "key = \"70717273");
        let with_both = format!(
            "[[cluster.old_key]]\nid = 1\nkey = \"{}\"\n[host]",
            &TEXT[TEXT.find("0001").expect("a key")..][..64]
        );
        let text = TEXT.replace(old, &format!("key_id = 2\n{new}")).replace("[host]", &with_both);
        let in_force = config(TEXT);
        let node = Node::new(resolve::cluster(&in_force, 7, Mac::default())).expect("a good configuration");
        let now = Now { host: weir_cluster::HostTime(0), nic: weir_cluster::NicTime(0) };
        let plan = plan(&in_force, config(&text), &node, now).expect("taken");
        assert_eq!(plan.change, Change::AtOnce);
        let told: Vec<String> = plan.changes.into_iter().map(|change| change.what).collect();
        assert_eq!(told, ["id of the key that signs: 1 -> 2", "ids of keys that are accepted: [1] -> [1, 2]"]);
    }

    #[test]
    fn a_load_by_command_is_overruled_with_a_word_by_a_reload_and_kept_by_the_next_process() {
        let in_force = config(TEXT);
        let mut node = Node::new(resolve::cluster(&in_force, 7, Mac::default())).expect("a good configuration");
        let now = Now { host: weir_cluster::HostTime(0), nic: weir_cluster::NicTime(0) };
        let load = Load::Weight(50);
        node.handle(now, Event::SetLoad { slot: 0, load }, &mut Vec::new());
        for (file, wanted) in [
            (config(TEXT), "multiple, affinity none, equal load"),
            (config(&TEXT.replace("ports = 80", "ports = 80\nweight = 9")), "multiple, affinity none, weight 9"),
        ] {
            assert!(is_taken(&file, &node));
            let plan = plan(&in_force, file, &node, now).expect("taken");
            assert_eq!((plan.change, plan.changes.len()), (Change::AtOnce, 1));
            let wanted = format!("rule all 80 both: multiple, affinity none, weight 50 by command -> {wanted}");
            assert_eq!(plan.changes[0].what, wanted);
        }
        assert!(!is_taken(&config(&TEXT.replace("ports = 443", "ports = 444")), &node), "that is to be staged");
    }

    #[test]
    fn what_settles_faster_concerns_no_other_host() {
        let plan = planned("[[rule]]\nports = 443", "[handover]\nsettle_ms = 9\n[[rule]]\nports = 443").expect("taken");
        assert_eq!(plan.change, Change::AtOnce);
        assert_eq!(plan.changes[0].what, "handover.settle_ms: 5 ms -> 9 ms");
    }

    #[test]
    fn what_cannot_change_is_refused_with_what_to_do() {
        for (from, to, wanted) in [
            (
                "interface = \"eth0\"",
                "interface = \"eth1\"",
                "host.interface differs, which a running agent cannot change: send it SIGUSR2",
            ),
            (
                "vips = [\"10.77.0.100\"]",
                "vips = [\"10.77.0.101\"]",
                "cluster.vips differs, to which a running cluster can only add",
            ),
            (
                "[host]",
                "period_ms = 500\n[host]",
                "cluster.period_ms differs, which cannot change while the agent runs: drainstop",
            ),
            ("priority = 1", "priority = 2", "host.priority differs"),
            ("key = \"00", "key = \"01", "key 1 is another one than the key of this id in force: give it a new id"),
        ] {
            let refused = planned(from, to).err().unwrap_or_else(|| panic!("{to} is taken"));
            assert!(refused.contains(wanted), "{refused}\nlacks\n{wanted}");
        }
    }

    #[test]
    fn the_next_process_knows_the_rules_in_force_and_the_hosts_own_settings_of_the_file() {
        let (before, path) = (config(TEXT), Path::new("weir.toml"));
        let left = pack(&before, b"promises".to_vec());
        let edited = config(&TEXT.replace("ports = 80", "ports = 81").replace("\"eth0\"", "\"eth7\""));
        let (in_force, protocol) = unpack(&left, path, &edited).expect("readable");
        assert_eq!(protocol, b"promises");
        assert_eq!((in_force.rules[0].first_port, in_force.host.interface.as_str()), (80, "eth7"));
        let lighter = config(&TEXT.replace("ports = 80", "ports = 80\nweight = 3"));
        let (in_force, _) = unpack(&left, path, &lighter).expect("readable");
        assert_eq!(in_force.rules[0].mode, lighter.rules[0].mode, "loads are the file's");
        for end in 0..left.len() - b"promises".len() {
            assert!(unpack(&left[..end], path, &edited).is_none(), "{end}");
        }
        assert!(!format!("{before:?}").contains("0405060708"), "the text is a secret");
    }

    #[test]
    fn the_next_process_knows_the_keys_that_were_in_force_whatever_their_files_hold_by_now() {
        const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        const NEW: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f";
        let dir = tempfile::tempdir().expect("a directory");
        let (path, file) = (dir.path().join("weir.toml"), dir.path().join("cluster.key"));
        let config = |signing: &str, id: u8, other: &str, affinity: &str| {
            let (_, rest) = TEXT.split_once("[host]").expect("a host");
            let rest = rest.replace("affinity = \"none\"", affinity);
            let old = format!("[[cluster.old_key]]\nid = {id}\nkey = \"{other}\"\n");
            let text =
                format!("[cluster]\nvips = [\"10.77.0.100\"]\nkey_file = \"cluster.key\"\n{signing}{old}[host]{rest}");
            Config::parse(&path, &text).expect("a good configuration")
        };
        std::fs::write(&file, OLD).expect("written");
        let before = config("", 2, NEW, "affinity = \"none\"");
        let left = pack(&before, b"promises".to_vec());
        // The new key signs from the same file, and a rule is changed with it.
        std::fs::write(&file, NEW).expect("written");
        let after = config("key_id = 2\n", 1, OLD, "");
        let (in_force, _) = unpack(&left, &path, &after).expect("readable");
        assert_eq!(in_force.cluster.keys, before.cluster.keys);
        let node = Node::new(resolve::cluster(&in_force, 7, Mac::default())).expect("a good configuration");
        let now = Now { host: weir_cluster::HostTime(0), nic: weir_cluster::NicTime(0) };
        let told = plan(&in_force, after, &node, now).map(|plan| plan.changes.len());
        assert_eq!(told, Ok(2), "another signer, another affinity");
        std::fs::remove_file(&file).expect("there");
        assert!(unpack(&left, &path, &before).is_some(), "what was in force needs no file");
    }
}
