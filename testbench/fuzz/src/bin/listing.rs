//! Any text as a program for a NIC: no panic, and what is taken comes back the same.
#![no_main]

use weir_nic::Selector;
use weir_nic::listing::Listing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(selector) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<Selector>().ok()) {
        let again: Selector = selector.to_string().parse().expect("what is shown can be written");
        assert_eq!(again.to_string(), selector.to_string());
    }
    let Ok(listing) = serde_json::from_slice::<Listing>(data) else { return };
    let Ok(program) = listing.program() else { return };
    // Maps that are alike become one, and those that nobody uses none.
    let program = program.normalized();
    let text = serde_json::to_string(&Listing::with_key(&program)).expect("JSON");
    let again: Listing = serde_json::from_str(&text).expect("what is shown can be read");
    assert_eq!(again.program().expect("what is shown is a program"), program);
    // The same without its key, on a NIC that has it.
    let hidden = serde_json::to_string(&Listing::of(&program)).expect("JSON");
    let hidden: Listing = serde_json::from_str(&hidden).expect("what is shown can be read");
    assert_eq!(hidden.program_on(&program.config.hash_key).expect("what is shown is a program"), program);
});
