use super::*;

fn program() -> Program {
    let mut program = Program::default();
    program.config.hash_key = RSS_KEY;
    program.config.vips[0] = Some([192, 0, 2, 1].into());
    program.config.vips[15] = Some("2001:db8::1".parse().expect("an address"));
    let rule = Rule {
        vip: VipSelect::One(15),
        first_port: 80,
        last_port: 443,
        protocol: Protocol::Both,
        affinity: Affinity::Network,
        map: MapRef::Slot(0),
    };
    program.config.rules[3] = Some(rule);
    program.config.rules[31] = Some(Rule { vip: VipSelect::All, map: MapRef::Constant(BucketState::Own), ..rule });
    program.config.policy.echo = Echo::Hash(MapRef::Slot(0));
    let mut map = Map::default();
    for (bucket, state) in
        [(0, BucketState::Own), (1, BucketState::Own), (2, BucketState::Release), (4095, BucketState::Adopt)]
    {
        map.set(bucket, state);
    }
    program.maps.push(map);
    program
}

fn read(text: &str) -> Listing {
    serde_json::from_str(text).expect(text)
}

#[test]
fn the_example_of_the_manual_is_a_program() {
    let manual = include_str!("../../../../docs/src/cards.md");
    let (_, example) = manual.split_once("```json\n").expect("an example");
    let (example, _) = example.split_once("```").expect("its end");
    let program = read(example).program().expect("a program");
    assert_eq!((program.maps.len(), program.config.rules.iter().flatten().count()), (1, 2));
}

/// What is said of a text that is no listing, or a listing that is no program.
fn wrong(text: &str) -> String {
    match serde_json::from_str::<Listing>(text) {
        Err(error) => error.to_string(),
        Ok(listing) => listing.program().expect_err(text).to_string(),
    }
}

#[test]
fn a_program_comes_back_as_it_was_written() {
    let text = serde_json::to_string(&Listing::of(&program())).expect("JSON");
    assert!(text.contains(r#"{"buckets":[0,1],"state":"own"}"#) && text.contains(r#""hash_key":"rss""#), "{text}");
    assert_eq!(read(&text).program().expect("a program"), program());
}

#[test]
fn a_key_of_its_own_is_kept_or_shown_but_never_lost() {
    let mut own = program();
    own.config.hash_key = [0xab; 40];
    let hidden = serde_json::to_string(&Listing::of(&own)).expect("JSON");
    assert!(hidden.contains(r#""hash_key":"nic""#) && !hidden.contains("abab"), "{hidden}");
    assert_eq!(read(&hidden).program_on(&own.config.hash_key).expect("the same NIC"), own);
    assert_eq!(read(&hidden).program(), Err(ListingError::NoKeyThere));
    let shown = serde_json::to_string(&Listing::with_key(&own)).expect("JSON");
    assert_eq!(read(&shown).program().expect("digits"), own);
    assert!(!format!("{:?}", read(&shown)).contains("ab"), "Debug shows no key");
}

#[test]
fn a_program_without_a_key_changes_none() {
    let none = read("{}");
    assert_eq!(none.program().expect("a NIC after reset").config.hash_key, RSS_KEY);
    assert_eq!(none.program_on(&RSS_KEY).expect("the same key").config.hash_key, RSS_KEY);
    assert_eq!(none.program_on(&[1; 40]), Err(ListingError::KeyWouldChange));
    assert_eq!(read(r#"{"hash_key":"rss"}"#).program_on(&[1; 40]).expect("told to").config.hash_key, RSS_KEY);
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    let rule = |rest: &str| format!(r#"{{"vips":{{"1":"192.0.2.1"}},"rules":{{"2":{{{rest}}}}}}}"#);
    let whole = |vip: &str, ports: &str, map: &str| {
        wrong(&rule(&format!(r#""vip":{vip},"ports":{ports},"protocol":"tcp","affinity":"none","map":{map}"#)))
    };
    let cases = [
        (wrong("[]"), "the program is [], should be an object with vips, rules,"),
        (wrong(r#"{"vip":{}}"#), "vip is not known; known here are vips, rules,"),
        (wrong(r#"{"vips":{"16":"192.0.2.1"}}"#), "an index of vips is 16; a NIC has 0 to 15"),
        (wrong(r#"{"rules":{"00":{}}}"#), "an index of rules is 00; a NIC has 0 to 31"),
        (wrong(r#"{"vips":{"0":"192.0.2.1","0":"192.0.2.2"}}"#), "vips.0 is there twice, should be there once"),
        (
            wrong(r#"{"vips":{"0":"192.0.2.1","3":"192.0.2.1"}}"#),
            "vips.3 is 192.0.2.1, should be an address of its own: vips.0 has this one",
        ),
        (wrong(r#"{"vips":{"0":"192.0.2.0/24"}}"#), "vips.0 is \"192.0.2.0/24\", should be an IPv4 or IPv6 address"),
        (wrong(&rule(r#""ports":[1,2],"ports":[1,2]"#)), "rules.2.ports is there twice"),
        (wrong(&rule(r#""vip":1"#)), "rules.2.ports is missing, should be the first and the last port"),
        (wrong(&rule(r#""port":1"#)), "rules.2.port is not known; known here are vip, ports,"),
        (whole("1", "[90,80]", "\"own\""), "rules.2.ports is [90, 80], should be the first and the last port"),
        (whole("1", "[80]", "\"own\""), "rules.2.ports is [80], should be"),
        (whole("1", "80", "\"own\""), "rules.2.ports is 80, should be"),
        (whole("1", "[80,65536]", "\"own\""), "rules.2.ports is [80, 65536], should be"),
        (whole("3", "[80,80]", "\"own\""), "rules.2.vip is 3, should be one that vips has (1), or left out, for all"),
        (whole("-1", "[80,80]", "\"own\""), "rules.2.vip is -1, should be an index of vips, 0 to 15"),
        (
            whole("1", "[80,80]", "\"mine\""),
            "rules.2.map is \"mine\", should be the number of one of maps, or \"none\"",
        ),
        (whole("1", "[80,80]", "64"), "rules.2.map is 64, should be the number of one of maps"),
        (
            whole("1", "[80,80]", "5"),
            "rules.2.map is 5, should be \"none\", \"own\", \"adopt\" or \"release\": maps has none",
        ),
        (wrong(r#"{"echo":1,"maps":[[]]}"#), "echo is 1, should be 0 to 0, the maps there are"),
        (wrong(r#"{"maps":[[],[{"buckets":[5,4],"state":"own"}]]}"#), "maps[1][0].buckets is [5, 4], should be"),
        (wrong(r#"{"maps":[[{"buckets":[0,4096],"state":"own"}]]}"#), "maps[0][0].buckets is [0, 4096], should be"),
        (
            wrong(r#"{"maps":[[{"buckets":[0,9],"state":"own"},{"buckets":[9,9],"state":"none"}]]}"#),
            "maps[0][1].buckets is [9, 9], should be buckets that no earlier run of the map has",
        ),
        (wrong(r#"{"drop_portless_fragments":1}"#), "drop_portless_fragments is 1, should be true or false"),
        (wrong(r#"{"quiesce":"no"}"#), "quiesce is \"no\", should be true or false"),
    ];
    for (said, wanted) in cases {
        assert!(said.starts_with(wanted), "{said}\nshould begin with\n{wanted}");
    }
}

#[test]
fn a_listing_built_in_memory_is_checked_like_a_text() {
    let rule = ListedRule {
        vip: None,
        ports: (90, 80),
        protocol: ListedProtocol::Tcp,
        affinity: ListedAffinity::None,
        map: ListedMap::All(ListedState::Own),
    };
    let listing = Listing { rules: [(4, rule)].into(), ..Listing::default() };
    assert!(listing.check().expect_err("ports").to_string().starts_with("rules.4.ports is [90, 80], should be"));
    let listing = Listing { vips: [(16, [192, 0, 2, 1].into())].into(), ..Listing::default() };
    assert_eq!(listing.check().expect_err("an index").to_string(), "an index of vips is 16; a NIC has 0 to 15");
}

#[test]
fn a_key_is_its_octets_in_order_and_what_is_none_is_told_without_it() {
    let key = |digits: &str| format!(r#"{{"hash_key":"{digits}"}}"#);
    let digits: String = (0..40).map(|octet| format!("{octet:02x}")).collect();
    assert!(read(&key(&digits)).program().expect("a program").config.hash_key.into_iter().eq(0..40));
    assert!(wrong(&key("00ff")).starts_with("hash_key has 4 characters, should be 80"));
    let spoilt = digits.replace("1f", "1z");
    assert_eq!(wrong(&key(&spoilt)), "hash_key has a character that is no hexadecimal digit, the 64. of 80");
    assert!(wrong(&key(&"0".repeat(80))).starts_with("hash_key is all zeros, which puts every client into bucket 0"));
    assert!(!wrong(r#"{"hash_key":12345}"#).contains("12345"));
}
