//! Any bytes as a heartbeat: no panic, what was written comes back, and nothing without the right signature is believed.
#![no_main]

use weir_cluster::wire::extension::{self, MAGIC, Read, VERSION};
use weir_cluster::wire::heartbeat::{Fields, Heartbeat, LEN, field};
use weir_fuzz::{KEY_ID, keys, seal};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(heartbeat) = Heartbeat::new(data) else { return };
    let Some(fields) = Fields::of(&heartbeat) else {
        assert!(!heartbeat.is_whole(), "a whole heartbeat has all fields");
        return;
    };
    let mut payload = [0xa5; LEN];
    fields.emit(&mut payload);
    let again = Heartbeat::new(&payload).expect("what was written is a heartbeat");
    assert_eq!(Fields::of(&again).as_ref(), Some(&fields));

    let mut sealed = [0; LEN];
    sealed[..heartbeat.octets().len()].copy_from_slice(heartbeat.octets());
    let keys = keys();
    assert!(!matches!(extension::read(&sealed, &keys), Read::Authentic(_)), "an unsigned heartbeat was believed");

    // Now as a member would have signed it.
    let at = field::EXTENSION.start;
    sealed[at..at + 2].copy_from_slice(&MAGIC);
    sealed[at + 2] = VERSION;
    sealed[at + 3] = KEY_ID;
    seal(&mut sealed, LEN - 32..LEN);
    let Read::Authentic(told) = extension::read(&sealed, &keys) else { panic!("a signed heartbeat was not believed") };
    let mut again = sealed;
    told.emit(&mut again, &keys);
    let Read::Authentic(again) = extension::read(&again, &keys) else { panic!("what was written is not believed") };
    assert_eq!(told, again);
});
