//! The key of flow signatures, made of a key of the heartbeats.
//!
//! Every NIC of a cluster signs connections with one key that no client may guess: who knows it can choose addresses and
//! ports whose signature is that of somebody else's connection. HKDF-SHA256 (RFC 5869) derives it, so that a cluster has
//! one secret to keep. The way does not lead back: a Toeplitz hash hides its key from nobody who sees signatures beside
//! their connections, and the heartbeat key must outlast that.
//!
//! Hosts need not compare it. Every heartbeat names the key it is signed with and is opened by that key, so two hosts that
//! hear each other and name one key have one flow key; while keys are changed, a host can tell which one a peer's NIC has,
//! and derive it.

use std::net::Ipv4Addr;

use hkdf::Hkdf;
use sha2::Sha256;

use crate::config::Secret;

/// Octets of the key.
pub const LENGTH: usize = 40;

/// Keeps the key apart from whatever else is made of a heartbeat key.
const LABEL: &[u8] = b"weir flow signatures 1";

/// The flow key of the hosts of cluster `cluster_ip` that sign their heartbeats with `secret`.
pub fn derive(secret: &Secret, cluster_ip: Ipv4Addr) -> [u8; LENGTH] {
    let mut key = [0; LENGTH];
    Hkdf::<Sha256>::new(Some(LABEL), &secret.0)
        .expand(&cluster_ip.octets(), &mut key)
        .expect("HKDF-SHA256 gives up to 8160 octets");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);

    /// Computed with Python's `hmac` by the letter of RFC 5869. A change of it makes old and new hosts strangers.
    #[test]
    fn the_derivation_is_hkdf_sha256_and_stays_what_it_is() {
        let secret = Secret((0..32).collect());
        let expected: [u8; LENGTH] = [
            0xe7, 0x1a, 0xcf, 0xd8, 0xbf, 0x22, 0xbe, 0x56, 0xe0, 0xec, 0x9d, 0x58, 0xf3, 0x2d, 0x6d, 0x00, 0x3b, 0xb3,
            0xa1, 0x68, 0x8e, 0x35, 0x35, 0xc7, 0x82, 0x27, 0x22, 0x99, 0x7a, 0x6b, 0xeb, 0x3a, 0x47, 0x34, 0x6e, 0x3a,
            0x2f, 0x4d, 0xeb, 0x9a,
        ];
        assert_eq!(derive(&secret, CLUSTER), expected);
    }

    #[test]
    fn another_secret_and_another_cluster_have_another_key() {
        let key = derive(&Secret(vec![7; 32]), CLUSTER);
        let mut other = vec![7; 32];
        other[31] ^= 1;
        assert_ne!(derive(&Secret(other), CLUSTER), key);
        assert_ne!(derive(&Secret(vec![7; 32]), Ipv4Addr::new(10, 77, 0, 101)), key);
        assert_ne!(key, [0; LENGTH]);
    }
}
