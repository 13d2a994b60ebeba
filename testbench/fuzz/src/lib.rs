//! What the fuzz targets share: a cluster they belong to, and its key.
//!
//! | target | what it feeds with foreign bytes |
//! |---|---|
//! | `frame` | the frame parser, the classifier and the egress fence |
//! | `registers` | the NIC's registers, between frames |
//! | `heartbeat` | the heartbeat decoders, with and without a right signature |
//! | `listing` | a program as JSON, and the selector of a NIC |
//! | `socket` | what a vfio-user server answers, and the configuration space behind it |
//! | `bitstream` | configuration streams, with CRCs set right |
//! | `package` | packages, manifests, signatures and trusted keys |
//! | `control` | control frames, to a board and to its host |
//! | `bulk` | the bulk and identity frame decoders, likewise |
//! | `neighbours` | what the agent answers itself: ARP and neighbour solicitations |
//!
//! A fuzzer cannot guess an HMAC, so the signed formats are also sealed by the target itself: what lies behind the
//! signature is fuzzed as well, as a member of the cluster gone wrong would.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Range;
use weir_cluster::config::{Keys, Secret};

/// Virtual IP of the cluster.
pub const CLUSTER_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
/// Id of its one key.
pub const KEY_ID: u8 = 1;
const KEY: &[u8] = b"a key that everybody may know";

/// The keys of the cluster.
pub fn keys() -> Keys {
    Keys { send: KEY_ID, accepted: BTreeMap::from([(KEY_ID, Secret(KEY.to_vec()))]) }
}

/// Writes the HMAC of `payload` into `field`, as a member would.
pub fn seal(payload: &mut [u8], field: Range<usize>) {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("HMAC takes keys of any length");
    mac.update(&payload[..field.start]);
    mac.update(&[0; 32]);
    mac.update(&payload[field.end..]);
    payload[field].copy_from_slice(&mac.finalize().into_bytes());
}
