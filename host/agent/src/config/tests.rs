mod secrets;

use super::*;
use weir_spec::rules::{Affinity, Protocol, VipSelect};

const GOOD: &str = r#"
[cluster]
vips = ["10.77.0.100", "2001:db8::7"]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

[host]
priority = 3
dip = "10.77.0.13"
interface = "eth0"
nic = "socket:/run/weir/nic.sock"

[[rule]]
vip = "10.77.0.100"
ports = 80
protocol = "tcp"
affinity = "none"

[[rule]]
ports = "5000-5999"
mode = "single"
priority = 2
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("weir.toml"), text)
}

fn message(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    parse(&GOOD.replace(from, to)).expect_err(to).to_string()
}

#[test]
fn a_small_configuration_has_nlbs_defaults() {
    let config = parse(GOOD).expect("a good configuration");
    assert_eq!((config.cluster.period_us, config.cluster.tolerance), (1_000_000, 5));
    assert_eq!(config.cluster.partition, Partition::Availability);
    assert_eq!(config.cluster.keys[0].1.0[31], 0x1f);
    assert!(config.host.started);
    assert_eq!(
        config.rules[0],
        PortRule {
            vip: VipSelect::One(0),
            first_port: 80,
            last_port: 80,
            protocol: Protocol::Tcp,
            mode: Mode::Multiple { affinity: Affinity::None, weight: None },
            check: None,
        }
    );
    assert_eq!(config.rules[1].mode, Mode::Single { priority: 2 });
    assert_eq!((config.rules[1].first_port, config.rules[1].last_port), (5000, 5999));
}

#[test]
fn errors_name_place_field_value_and_cure() {
    for (from, to, wanted) in [
        ("priority = 3", "priority = 33", "weir.toml:7:12: host.priority is 33, should be 1 to 32\n  priority = 33"),
        ("ports = 80", "ports = \"90-80\"", "rule.ports is \"90-80\", should be a port, or a range"),
        ("affinity = \"none\"", "affinity = \"nobody\"", "rule.affinity is nobody, should be \"single\", \"none\" or"),
        ("vip = \"10.77.0.100\"", "vip = \"10.77.0.101\"", "should be \"all\" or one of cluster.vips"),
        ("[\"10.77.0.100\", ", "[", "an IPv4 address first"),
        ("[\"10.77.0.100\", ", "[\"224.0.0.1\", ", "cluster.vips is 224.0.0.1, should be the address of a host"),
        ("[\"10.77.0.100\", ", "[\"127.0.0.1\", ", "cluster.vips is 127.0.0.1, should be the address of a host"),
        ("1d1e1f\"", "1d1e\"", "weir.toml:4:7: cluster.key has 62 characters, should be 64 hexadecimal digits"),
        ("1d1e1f\"", "1d1e1g\"", "cluster.key has a character that is no hexadecimal digit, the 64. of 64"),
        (
            "vips = ",
            "mode = \"broadcast\"\nvips = ",
            "cluster.mode is broadcast, should be \"unicast\", \"multicast\" or",
        ),
        ("vips = ", "mode = \"igmp\"\nigmp_version = 4\nvips = ", "cluster.igmp_version is 4, should be 1 to 3"),
        ("vips = ", "igmp_version = 2\nvips = ", "cluster.igmp_version is 2, should be absent: cluster.mode"),
        ("mode = \"single\"", "mode = \"single\"\nweight = 3", "rule.weight is 3, should be absent unless mode"),
        ("priority = 2\n", "", "should be beside rule.priority"),
        (
            "affinity = \"none\"",
            "[rule.check]\nkind = \"ping\"",
            "weir.toml:17:8: check.kind is ping, should be \"tcp\", \"http\" or \"command\"",
        ),
        ("affinity = \"none\"", "check = { kind = \"tcp\", rise = 0 }", "check.rise is 0, should be 1 to 100"),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", interval_ms = 99 }",
            "check.interval_ms is 99, should be 100 to",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", path = \"/\" }",
            "check.path is \"/\", should be absent unless",
        ),
        ("affinity = \"none\"", "check = { kind = \"tcp\", port = 0 }", "check.port is 0, should be 1 to 65535"),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", address = \"10.77.0.100\" }",
            "check.address is 10.77.0.100, should be 127.0.0.1 or another address of this host alone",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", address = \"web\" }",
            "an IPv4 or IPv6 address without a port",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"http\", path = \"/a b\" }",
            "check.path is /a b, should be a path as",
        ),
        ("affinity = \"none\"", "check = { kind = \"http\", host = \"a\\r\\nB: c\" }", "should be the name of a host"),
        (
            "affinity = \"none\"",
            "check = { kind = \"http\", status = \"300-200\" }",
            "check.status is \"300-200\", should be 200",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"http\", status = 100 }",
            "check.status is 100, should be 200 to 599",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"command\" }",
            "check.kind is command, should be beside check.command",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"command\", command = [\"ls\"] }",
            "check.command is [\"ls\"], should be a program by its absolute path, and its arguments",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", netns = \"app\" }",
            "check.netns is app, should be the absolute path",
        ),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", none_fit = \"no\" }",
            "check.none_fit is no, should be \"serve\" or",
        ),
        ("affinity = \"none\"", "check = { kind = \"tcp\", timeout = 3 }", "unknown field `timeout`"),
        (
            "affinity = \"none\"",
            "mode = \"disabled\"\ncheck = { kind = \"tcp\" }",
            "rule.mode is disabled, should be \"multiple\" or \"single\" beside rule.check",
        ),
        (
            "[[rule]]\nvip",
            "[default_rule]\ncheck = { kind = \"tcp\" }\n[[rule]]\nvip",
            "check.kind is tcp, should be beside check.port, since the rule has no port to ask",
        ),
        (
            "affinity = \"none\"",
            "weight = 256",
            "weir.toml:16:10: rule.weight is 256, should be 0 to 100\n  weight = 256",
        ),
        ("affinity = \"none\"", "weight = -1", "rule.weight is -1, should be 0 to 100"),
        ("affinity = \"none\"", "weight = 50.5", "rule.weight is 50.5, should be a whole number, 0 to 100"),
        (
            "affinity = \"none\"",
            "weight = \"50\"",
            "rule.weight is \"50\", should be a whole number without quotes, 0 to 100",
        ),
        ("affinity = \"none\"", "weight = [5,\n6]", "rule.weight is [5, ..., should be a whole number, 0 to 100"),
        ("affinity = \"none\"", "weight = { a = 1 }", "rule.weight is { a = 1 }, should be a whole number, 0"),
        ("priority = 3", "priority = 300", "weir.toml:7:12: host.priority is 300, should be 1 to 32\n  priority = 300"),
        ("priority = 2", "priority = 0", "rule.priority is 0, should be 1 to 32"),
        (
            "affinity = \"none\"",
            "check = { kind = \"tcp\", port = 65536 }",
            "check.port is 65536, should be 1 to 65535",
        ),
        ("affinity = \"none\"", "check = { kind = \"tcp\", fall = 1_000 }", "check.fall is 1_000, should be 1 to 100"),
        (
            "\n[host]",
            "key_id = 256\n[host]",
            "weir.toml:5:10: cluster.key_id is 256, should be 0 to 255\n  key_id = 256",
        ),
        (
            "\n[host]",
            "[[cluster.old_key]]\nid = 999\nkey = \"\"\n[host]",
            "weir.toml:6:6: cluster.old_key.id is 999, should be 0 to 255\n  id = 999",
        ),
        ("\n[host]", "period_ms = 4\n[host]", "weir.toml:5:13: cluster.period_ms is 4, should be 5 to 10000"),
        ("\n[host]", "tolerance = 20000000000000\n[host]", "cluster.tolerance is 20000000000000, should be 5"),
        (
            "\n[host]",
            "hosts = [1, 300]\n[host]",
            "weir.toml:5:13: cluster.hosts is 300, should be 1 to 32\n  hosts = [1, 300]",
        ),
        ("\n[host]", "hosts = [1, 1]\n[host]", "weir.toml:5:13: cluster.hosts is 1, should be each priority once"),
        ("\n[host]", "hosts = [99]\n[host]", "weir.toml:5:10: cluster.hosts is 99, should be 1 to 32"),
        (
            "\n[host]",
            "hosts = [1, 2]\n[host]",
            "weir.toml:5:9: cluster.hosts is [1, 2], should be the priorities of all configured hosts, with 3, this",
        ),
        (
            "\n[host]",
            "partition = \"quorum\"\nhosts = [1, 2, 4]\n[host]",
            "weir.toml:6:9: cluster.hosts is [1, 2, 4], should be the priorities of all configured hosts, with 3, this",
        ),
        (
            "10.77.0.100\", ",
            "::ffff:10.88.0.100\", ",
            "weir.toml:3:9: cluster.vips is ::ffff:10.88.0.100, should be 10.88.0.100, the IPv4 address itself",
        ),
        ("\"eth0\"", "\"a/b\"", "weir.toml:9:13: host.interface is \"a/b\", should be an interface name of 1 to 15"),
        ("\"eth0\"", "\"an-interface-of-16\"", "host.interface is \"an-interface-of-16\", should be an interface name"),
        ("\"eth0\"", "\"\"", "host.interface is \"\", should be an interface name"),
        ("\"eth0\"", "\"..\"", "host.interface is \"..\", should be an interface name"),
        ("\"eth0\"", "\"eth0:1\"", "host.interface is \"eth0:1\", should be an interface name"),
        ("\"eth0\"", "\"eth 0\"", "host.interface is \"eth 0\", should be an interface name"),
        (
            "nic = ",
            "control = \"\"\nnic = ",
            "weir.toml:10:11: host.control is \"\" of 0 octets, should be the path of a",
        ),
        (
            "\"10.77.0.13\"",
            "\"10.77.0.13/24\"",
            "weir.toml:8:7: host.dip is \"10.77.0.13/24\", should be an IPv4 address",
        ),
        ("ports = 80", "ports = 80000", "weir.toml:14:9: rule.ports is 80000, should be a port, or a range"),
        ("[host]", "[handover]\nflows = 3585\n[host]", "handover.flows is 3585, should be 1 to 3584"),
        (
            "[host]",
            "[handover]\ncookie_settle_ms = 10001\n[host]",
            "handover.cookie_settle_ms is 10001, should be 0 to 10000",
        ),
        (
            "ports = \"5000-5999\"",
            "vip = \"10.77.0.100\"\nports = \"80-90\"",
            "apart from 80-80 of the same virtual IP",
        ),
    ] {
        let message = message(from, to);
        assert!(message.contains(wanted), "{message}\nlacks\n{wanted}");
    }
}

#[test]
fn a_check_asks_the_rules_first_port_here_and_has_the_usual_defaults() {
    let with = |check: &str| {
        let text = GOOD.replace("affinity = \"none\"", &format!("[rule.check]\n{check}"));
        parse(&text).expect("a good configuration").rules[0].check.clone().expect("a check")
    };
    let check = with("kind = \"tcp\"");
    assert_eq!(check.probe, Probe::Tcp(([127, 0, 0, 1], 80).into()));
    assert_eq!((check.interval.as_millis(), check.timeout.as_millis()), (2000, 1000));
    assert_eq!((check.rise, check.fall, check.last_resort, check.netns), (2, 3, true, None));
    let check = with("kind = \"http\"\naddress = \"::1\"\nport = 8080\nstatus = \"200-299\"\nnone_fit = \"refuse\"");
    let (to, host) = (([0, 0, 0, 0, 0, 0, 0, 1], 8080).into(), "[::1]:8080".into());
    assert_eq!(check.probe, Probe::Http { to, path: "/".into(), host, status: (200, 299) });
    assert!(!check.last_resort);
    let check = with("kind = \"command\"\ncommand = [\"/bin/check\", \"a b\"]\nnetns = \"/run/netns/app\"");
    assert_eq!(check.probe, Probe::Command(vec!["/bin/check".into(), "a b".into()]));
    assert_eq!(check.netns, Some("/run/netns/app".into()));
    let text = GOOD.replace("[[rule]]\nvip", "[default_rule.check]\nkind = \"tcp\"\nport = 22\n[[rule]]\nvip");
    let check = parse(&text).expect("a good configuration").default_check.expect("a check");
    assert_eq!(check.probe, Probe::Tcp(([127, 0, 0, 1], 22).into()));
    Traffic::parse(Path::new("rules.toml"), &text).expect("what is one host's own says nothing there");
}

#[test]
fn the_mode_of_the_cluster_is_unicast_unless_another_is_named() {
    let mode = |text: &str| {
        let config = parse(&GOOD.replace("vips = ", &format!("{text}\nvips = "))).expect("a good configuration");
        (config.cluster.mode, config.cluster.igmp_version)
    };
    assert_eq!(mode(""), (ClusterMode::Unicast, None));
    assert_eq!(mode("mode = \"multicast\""), (ClusterMode::Multicast, None));
    assert_eq!(mode("mode = \"igmp\"\nigmp_version = 2"), (ClusterMode::Igmp, Some(2)));
}

#[test]
fn a_hash_key_of_zeros_is_refused_wherever_it_may_stand() {
    let key = format!("vips = [\"10.77.0.100\"]\nhash_key = \"{}\"\n", "0".repeat(80));
    let refused = Traffic::parse(Path::new("rules.toml"), &format!("[cluster]\n{key}")).expect_err("zeros");
    let wanted = "rules.toml:3:12: cluster.hash_key is all zeros, which puts every client into bucket 0";
    assert!(refused.to_string().starts_with(wanted), "{refused}");
    let of_agent = message("\n[host]", &format!("hash_key = \"{}\"\n[host]", "0".repeat(80)));
    assert!(of_agent.contains("cluster.hash_key is all zeros"), "{of_agent}");
    let spoilt = key.replace("0000\"", "00zz\"");
    let refused = Traffic::parse(Path::new("rules.toml"), &format!("[cluster]\n{spoilt}")).expect_err("letters");
    let wanted = "cluster.hash_key has a character that is no hexadecimal digit, the 79. of 80";
    assert!(refused.to_string().ends_with(wanted), "{refused}");
}

#[test]
fn unknown_keys_are_named_and_wrong_types_quoted() {
    let unknown = message("dip = ", "dipp = ");
    assert!(unknown.contains("line 8: unknown field `dipp`, expected"), "{unknown}");
    let wrong = message("\"eth0\"", "7");
    assert!(wrong.contains("line 9") && wrong.contains("interface = 7"), "{wrong}");
}

#[test]
fn a_file_without_one_of_its_tables_is_told_what_belongs_there() {
    let told = |text: &str| parse(text).expect_err(text).to_string();
    assert_eq!(told(""), "weir.toml: [cluster] is missing, should be there with vips, and key or key_file");
    let (cluster, _) = GOOD.split_once("[host]").expect("a host");
    assert_eq!(told(cluster), "weir.toml: [host] is missing, should be there with priority, interface and nic");
    let of_traffic = Traffic::parse(Path::new("rules.toml"), "").expect_err("empty").to_string();
    assert_eq!(of_traffic, "rules.toml: [cluster] is missing, should be there with vips");
}

#[test]
fn a_control_socket_has_a_path_that_the_kernel_takes() {
    let with = |length: usize| {
        let path = format!("/{}", "s".repeat(length - 1));
        (parse(&GOOD.replace("nic = ", &format!("control = \"{path}\"\nnic = "))), path)
    };
    let (longest, path) = with(107);
    assert_eq!(longest.expect("a good configuration").host.control, Path::new(&path));
    let told = with(108).0.expect_err("too long").to_string();
    assert!(told.contains("of 108 octets, should be the path of a Unix socket, 1 to 107 octets"), "{told}");
}

#[test]
fn a_quorum_needs_three_hosts() {
    let with = |extra: &str| GOOD.replace("[host]", &format!("partition = \"quorum\"\n{extra}\n[host]"));
    assert!(parse(&with("hosts = [3, 2]")).expect_err("two").to_string().contains("at least 3"));
    assert!(parse(&with("")).expect_err("none").to_string().contains("cluster.hosts"));
    let config = parse(&with("hosts = [3, 1, 2]")).expect("three");
    assert_eq!(config.cluster.partition, Partition::Quorum(vec![1, 2, 3]));
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Path::new("/nowhere/weir.toml")).expect_err("there is none");
    assert_eq!(error.to_string(), "failed to read /nowhere/weir.toml");
}

#[test]
fn traffic_needs_neither_host_nor_key_and_takes_a_whole_configuration() {
    let parse = |text: &str| Traffic::parse(Path::new("rules.toml"), text);
    let small = "[cluster]\nvips = [\"2001:db8::7\"]\n[[rule]]\nports = 53\nprotocol = \"udp\"\n";
    let traffic = parse(small).expect("enough");
    assert_eq!((traffic.vips.len(), traffic.rules.len()), (1, 1));
    let whole = parse(GOOD).expect("a configuration of an agent");
    assert_eq!(whole.rules, super::Config::parse(Path::new("weir.toml"), GOOD).expect("the same").rules);
    let wrong = |from: &str, to: &str| parse(&small.replace(from, to)).expect_err(to).to_string();
    assert!(wrong("ports = 53", "ports = \"9-3\"").starts_with("rules.toml:4:9: rule.ports is"));
    assert!(wrong("[\"2001:db8::7\"]", "[]").contains("should be at least one address"));
    assert!(wrong("ports = 53", "port = 53").contains("line 4"), "unknown keys are errors");
}
