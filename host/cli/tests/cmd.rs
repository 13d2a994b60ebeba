//! Commands and what they print, as transcripts under `tests/cmd/`: what a person meets when something is wrong.

#[test]
fn transcripts() {
    trycmd::TestCases::new().env("WEIR_LOG", "off").case("tests/cmd/*.trycmd");
}
