//! Keys: how they may be given, and that no error repeats one.

use super::*;

const KEY: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";
/// What every part of a key has in it.
const PART: &str = "5ec2e7";

/// A configuration with all keys that there are, as `cluster` writes them.
fn with(cluster: &str) -> String {
    let hash = format!("{KEY}{}", &KEY[..16]);
    let cluster = cluster.replace("KEY", KEY).replace("HASH", &hash);
    format!(
        "[cluster]\nname = \"web\"\nvips = [\"10.77.0.100\", \"2001:db8::7\"]\nperiod_ms = 100\n{cluster}\n[host]\n\
         priority = 3\ninterface = \"eth0\"\nnic = \"sim\"\n\n[[rule]]\nports = 80\nweight = 7\n"
    )
}

/// One line a key; texts of several lines; tables within a line.
fn layouts() -> [String; 3] {
    [
        with("key = \"KEY\"\nkey_id = 3\nhash_key = \"HASH\"\n[[cluster.old_key]]\nid = 4\nkey = \"KEY\"\n"),
        with("key = \"\"\"\nKEY\"\"\"\nhash_key = '''\nHASH'''\nold_key = [\n{ id = 4, key = \"KEY\" },\n]"),
        with("hash_key = \"HASH\"\nold_key = [{ id = 4, key = \"KEY\" }]\nkey_id = 3\nkey = \"KEY\"\n"),
    ]
}

/// All that is said of an error, its causes too, and what a log would say of it.
fn said(error: &ConfigError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        said += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    said
}

/// Whether it is refused, and then without a word of its keys.
fn refused(text: &str) -> bool {
    let errors = [parse(text).err(), Traffic::parse(Path::new("rules.toml"), text).err()];
    for error in errors.iter().flatten() {
        assert!(!said(error).contains(PART), "{}\nis said of\n{text}", said(error));
    }
    errors.iter().any(Option::is_some)
}

#[test]
fn every_layout_is_taken() {
    for text in layouts() {
        let text = text.replace("\"\"\"\n5e", "\"\"\"5e");
        parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

#[test]
fn no_error_repeats_a_key_wherever_a_file_is_spoilt() {
    const INSERTED: [&str; 12] = ["\"", "'", "\n", "\\", "=", "[", "]", "{", "#", "x", "0", "\"\"\""];
    let mut errors = 0;
    for text in layouts() {
        for at in 0..text.len() {
            let (before, after) = text.split_at(at);
            errors += usize::from(refused(&format!("{before}{}", &after[1..])));
            errors += usize::from(refused(before));
            for inserted in INSERTED {
                errors += usize::from(refused(&format!("{before}{inserted}{after}")));
            }
        }
    }
    assert!(errors > 5_000, "{errors}");
}

#[test]
fn no_error_repeats_a_key_that_stands_in_the_place_of_something_else() {
    let values = [KEY, &format!("\"{KEY}\""), &format!("[\"{KEY}\"]"), &format!("{{ id = \"{KEY}\" }}"), "7", "\"x\""];
    let pairs = KEY.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>();
    let (colons, file) = (format!("\"{}\"", pairs.join(":")), format!("\"/etc/weir/{KEY}\""));
    let values = values.into_iter().chain([colons.as_str(), file.as_str()]);
    let (mut tried, mut errors) = (0, 0);
    for value in values {
        for text in layouts() {
            for (index, line) in text.lines().enumerate() {
                let lines = |instead: &str| {
                    let lines = text.lines().enumerate().map(|(at, line)| if at == index { instead } else { line });
                    lines.collect::<Vec<_>>().join("\n")
                };
                let Some((field, _)) = line.split_once(" = ") else { continue };
                let fields = [field, "kye", "partition", "key_file", "mode", "hosts", "state", "dip", "control"];
                for field in fields {
                    tried += 2;
                    errors += usize::from(refused(&lines(&format!("{field} = {value}"))));
                    errors += usize::from(refused(&lines(&format!("{line}\n{field} = {value}"))));
                }
            }
        }
    }
    assert!(errors * 2 > tried, "{errors} of {tried}");
}

#[test]
fn an_old_key_of_a_taken_id_and_a_key_given_twice_are_told_by_lines_without_keys() {
    let text = &layouts()[0];
    let told = |text: &str| parse(text).expect_err(text).to_string();
    let taken = told(&text.replace("id = 4", "id = 3"));
    assert_eq!(taken, "weir.toml:9:6: cluster.old_key.id is 3, should be each id once\n  id = 3");
    let twice = told(&text.replace("key_id = 3", "key_file = \"cluster.key\""));
    let wanted =
        "weir.toml:6:12: cluster.key_file is cluster.key, should be one of the two: it stands beside cluster.key";
    assert_eq!(twice, format!("{wanted}\n  key_file = \"cluster.key\""));
    let as_file = told(&text.replacen("key = ", "key_file = ", 1));
    let wanted = "weir.toml:5:12: cluster.key_file is 64 characters that may be a key, should be the name of a file";
    assert!(as_file.starts_with(wanted), "{as_file}");
}

#[test]
fn a_heartbeat_key_of_zeros_is_refused() {
    let zeros = "0".repeat(64);
    let told = |text: &str| parse(text).expect_err(text).to_string();
    let text = &layouts()[0];
    let signing = told(&text.replacen(KEY, &zeros, 1));
    let wanted = "is all zeros, which anyone would guess; should be 64 random hexadecimal digits";
    assert_eq!(signing, format!("weir.toml:5:7: cluster.key {wanted}"));
    let old = told(&text.replace(&format!("id = 4\nkey = \"{KEY}"), &format!("id = 4\nkey = \"{zeros}")));
    assert_eq!(old, format!("weir.toml:10:7: cluster.old_key.key {wanted}"));
}

#[test]
fn keys_may_lie_in_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let parse = |text: &str| Config::parse(&dir.path().join("weir.toml"), text);
    let text = with("key_file = \"new\"\nkey_id = 2\n[[cluster.old_key]]\nid = 1\nkey_file = \"old\"");
    let missing = parse(&text).expect_err("no file").to_string();
    assert!(missing.starts_with("failed to read ") && missing.ends_with("/new"), "{missing}");
    std::fs::write(dir.path().join("new"), KEY.to_owned() + "\n").expect("written");
    std::fs::write(dir.path().join("old"), "07".repeat(32)).expect("written");
    let keys = parse(&text).expect("a good configuration").cluster.keys;
    assert_eq!(keys, [(2, Secret(keys[0].1.0.clone())), (1, Secret(vec![7; 32]))]);
    assert_eq!(keys[0].1.0[..3], [0x5e, 0xc2, 0xe7]);
    std::fs::write(dir.path().join("old"), "07").expect("written");
    let short = parse(&text).expect_err("short").to_string();
    assert!(short.contains("the key in cluster.old_key.key_file has 2 characters, should be 64"), "{short}");
    let neither = parse(&text.replace("key_file = \"old\"", "")).expect_err("no key").to_string();
    assert!(neither.contains("cluster.old_key.id is 1, should be beside cluster.old_key.key or"), "{neither}");
}
