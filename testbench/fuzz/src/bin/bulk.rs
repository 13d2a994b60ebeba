//! Any bytes as a bulk or an identity frame: no panic, what was written comes back, and nothing without the right signature
//! is believed.
#![no_main]

use weir_cluster::wire::BULK;
use weir_cluster::wire::bulk::{Bulk, HEADER, VERSION};
use weir_cluster::wire::identity::Identity;
use weir_fuzz::{CLUSTER_IP, KEY_ID, keys, seal};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = Identity::read(data);
    let keys = keys();
    assert!(Bulk::read(data, &keys, CLUSTER_IP).is_err(), "an unsigned frame was believed");
    if data.len() < HEADER + 32 {
        return;
    }

    // Now as a member would have signed it, with whatever length it claims.
    let mut payload = data.to_vec();
    payload[..4].copy_from_slice(&BULK.to_le_bytes());
    payload[4] = VERSION;
    payload[6] = KEY_ID;
    payload[8..12].copy_from_slice(&CLUSTER_IP.octets());
    let claimed = HEADER + usize::from(u16::from_le_bytes([payload[48], payload[49]]));
    let end = claimed + 32;
    if end <= payload.len() {
        seal(&mut payload[..end], claimed..end);
    }
    if let Ok(bulk) = Bulk::read(&payload, &keys, CLUSTER_IP) {
        let again = Bulk::read(&bulk.emit(&keys), &keys, CLUSTER_IP);
        assert_eq!(again.as_ref(), Ok(&bulk));
    }
});
