//! HMAC-SHA256 with key ids.
//!
//! The MAC covers a frame's whole payload with the MAC's own octets taken as zero. The key id beside it chooses among the
//! keys of the configuration, so that a new key is first accepted everywhere, then used everywhere, then the old one is
//! dropped.

use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Keys;

/// Octets of a MAC.
pub const MAC: usize = 32;

fn over(key: &[u8], payload: &[u8], field: &Range<usize>) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&payload[..field.start]);
    mac.update(&[0; MAC]);
    mac.update(&payload[field.end..]);
    mac
}

/// Writes the MAC of `payload` into `field` of it. The key id must already be in place, and must be one of `keys`.
pub(crate) fn seal(keys: &Keys, payload: &mut [u8], field: Range<usize>) {
    let key = &keys.accepted.get(&keys.send).expect("the configuration was checked to hold the send key").0;
    let code = over(key, payload, &field).finalize().into_bytes();
    payload[field].copy_from_slice(&code);
}

/// Whether the MAC in `field` is right for the key `id`; compares in constant time.
pub(crate) fn opens(keys: &Keys, id: u8, payload: &[u8], field: Range<usize>) -> bool {
    let Some(key) = keys.accepted.get(&id) else { return false };
    over(&key.0, payload, &field).verify_slice(&payload[field]).is_ok()
}
