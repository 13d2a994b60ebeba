use super::*;
use proptest::prelude::*;

const GOOD: &str = r#"
# a board with one clock
LOCATE COMP "clk" SITE "P3"; IOBUF PORT "clk" IO_TYPE=LVDS;
FREQUENCY PORT "clk" 100 MHZ;   // oscillator
LOCATE COMP "led[0]"
    SITE "E16";
IOBUF PORT led[0] IO_TYPE=LVCMOS25 SLEWRATE=SLOW;
"#;

fn read(text: &str) -> Result<Lpf, LpfError> {
    Lpf::read(text, Package::Cabga381)
}

fn refusal(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

#[test]
fn statements_may_share_and_span_lines() {
    let lpf = read(GOOD).unwrap();
    assert_eq!(lpf.pins.keys().collect::<Vec<_>>(), ["clk", "led[0]"]);
    assert_eq!(lpf.pins["clk"].site, "P3");
    assert_eq!(lpf.pins["led[0]"].io_type, "LVCMOS25");
    assert_eq!(lpf.pins["led[0]"].attributes, BTreeMap::from([("SLEWRATE".to_string(), "SLOW".to_string())]));
    assert_eq!(lpf.clocks, BTreeMap::from([("clk".to_string(), 100_000_000)]));
}

#[test]
fn line_ends_of_other_systems_change_nothing() {
    assert_eq!(read(&GOOD.replace('\n', "\r\n")), read(GOOD));
}

#[test]
fn a_site_has_one_port() {
    let text = "LOCATE COMP a SITE P3;\nLOCATE COMP b SITE P3;";
    assert_eq!(refusal(text), r#"line 2: site of port "b" is P3, should be one that port "a" does not have already"#);
}

#[test]
fn a_port_has_one_site_one_buffer_and_one_frequency() {
    for (keyword, again) in [
        ("LOCATE", "LOCATE COMP clk SITE A1;"),
        ("IOBUF", "IOBUF PORT clk IO_TYPE=LVDS;"),
        ("FREQUENCY", "FREQUENCY PORT clk 100 MHZ;"),
    ] {
        let LpfError::Twice { line: 8, keyword: told, first, .. } = read(&format!("{GOOD}{again}")).unwrap_err() else {
            panic!("{again} was not refused as a repetition")
        };
        assert_eq!((told, first), (keyword, if keyword == "FREQUENCY" { 4 } else { 3 }));
    }
}

#[test]
fn a_site_outside_the_package_is_refused() {
    let told = refusal("\n\nLOCATE COMP \"clk\" SITE \"I3\";");
    assert_eq!(
        told,
        r#"line 3: site of port "clk" is "I3", should be a row A to Y without I, O, Q, S, X and a column 1 to 20"#
    );
}

#[test]
fn a_located_port_needs_an_io_type() {
    let wanted = r#"line 1: port "a" has a site and no I/O type, should have IOBUF PORT "a" IO_TYPE=<standard>;"#;
    assert_eq!(refusal("LOCATE COMP a SITE P3;"), wanted);
    assert_eq!(refusal("LOCATE COMP a SITE P3; IOBUF PORT a SLEWRATE=FAST;"), wanted);
}

#[test]
fn a_buffer_or_a_clock_needs_a_located_port() {
    assert_eq!(
        refusal("IOBUF PORT ghost IO_TYPE=LVDS;"),
        r#"line 1: IOBUF names port "ghost", should name a port that a LOCATE gives a site"#
    );
    assert!(
        refusal(&format!("{GOOD}FREQUENCY PORT ghost 1 MHZ;")).starts_with("line 8: FREQUENCY names port \"ghost\"")
    );
}

#[test]
fn an_attribute_is_set_once() {
    let told = refusal("IOBUF PORT a IO_TYPE=LVDS IO_TYPE=LVCMOS33;");
    assert_eq!(told, r#"line 1: attribute IO_TYPE of port "a" is set twice, should be set once"#);
}

#[test]
fn a_frequency_must_mean_something() {
    let told = refusal("FREQUENCY PORT clk fast MHZ;");
    assert!(told.starts_with(r#"line 1: frequency of port "clk" is "fast MHZ", should be a decimal number"#), "{told}");
}

#[test]
fn keywords_about_anything_but_pins_and_clocks_are_refused() {
    for text in ["SYSCONFIG MCCLK_FREQ=38.8;", "locate COMP a SITE P3;", "BLOCK RESETPATHS;", ";"] {
        assert!(matches!(read(text), Err(LpfError::Keyword { line: 1, .. })), "{text}");
    }
}

#[test]
fn a_known_keyword_with_other_words_is_told_its_form() {
    for text in [
        "LOCATE PORT a SITE P3;",
        "LOCATE COMP a SITE P3 P4;",
        "LOCATE COMP \"a SITE P3;",
        "LOCATE COMP \"\" SITE P3;",
        "IOBUF PORT a;",
        "IOBUF PORT a IO_TYPE;",
        "IOBUF PORT a IO_TYPE=;",
        "FREQUENCY NET a 100 MHZ;",
        "FREQUENCY PORT a 100;",
    ] {
        assert!(matches!(read(text), Err(LpfError::Form { line: 1, .. })), "{text}");
    }
}

#[test]
fn a_statement_needs_its_semicolon() {
    let told = refusal("\n# one\nLOCATE COMP a\n SITE P3");
    assert_eq!(told, r#"line 3: statement "LOCATE COMP a SITE P3" is not closed, should end with ;"#);
}

#[test]
fn a_comment_may_swallow_a_semicolon_and_not_a_line_end() {
    assert!(matches!(read("LOCATE COMP a SITE P3 # ;"), Err(LpfError::Open { line: 1, .. })));
    assert_eq!(read("# ;;;\n// \"\n"), Ok(Lpf::default()));
}

/// Words of the language and a few strays, so that generated text gets past the first word.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "LOCATE",
            "COMP",
            "SITE",
            "IOBUF",
            "PORT",
            "FREQUENCY",
            "IO_TYPE=LVDS",
            "MHZ",
            "1.5",
            ";",
            ";\n",
            "\n",
            "#",
            "//",
            "\"a\"",
            "b",
            "\"",
            "=",
            "P3",
            "\"W2\"",
        ])
        .prop_map(str::to_string),
        "\\PC{0,4}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn any_words_are_taken_or_refused_at_a_line_of_the_text(words in prop::collection::vec(word(), 0..40)) {
        let text = words.join(" ");
        if let Err(error) = read(&text) {
            let told = error.to_string();
            let line = told.strip_prefix("line ").and_then(|told| told.split_once(':')).unwrap().0;
            prop_assert!((1..=text.split('\n').count()).contains(&line.parse().unwrap()), "{}", told);
        }
    }

    #[test]
    fn what_is_written_in_the_form_is_read_back(
        columns in prop::collection::btree_set(1_u32..=20, 1..20),
        kilohertz in 1_u64..1_000_000,
    ) {
        let mut text = String::new();
        for column in &columns {
            text += &format!("IOBUF PORT \"p[{column}]\" IO_TYPE=LVCMOS33;\nLOCATE COMP \"p[{column}]\" SITE \"T{column}\";\n");
            text += &format!("FREQUENCY PORT \"p[{column}]\" {}.{:03} MHZ;\n", kilohertz / 1_000, kilohertz % 1_000);
        }
        let lpf = read(&text).unwrap();
        prop_assert_eq!(lpf.pins.len(), columns.len());
        for column in columns {
            let port = format!("p[{column}]");
            prop_assert_eq!(&lpf.pins[&port].site, &format!("T{column}"));
            prop_assert_eq!(lpf.clocks[&port], kilohertz * 1_000);
        }
    }
}
