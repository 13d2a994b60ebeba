//! The key of flow signatures, made of a key of the heartbeats.
//!
//! Every NIC of a cluster signs connections with one key that no client may guess: who knows it can choose addresses and
//! ports whose signature is that of somebody else's connection. HKDF-SHA256 (RFC 5869) derives it, so that a cluster has
//! one secret to keep. The way does not lead back: a Toeplitz hash hides its key from nobody who sees signatures beside
//! their connections, and the heartbeat key must outlast that.
//!
//! # Whose key, and when
//!
//! An epoch says by which flow key its NICs sign: that of the key its proposer signed with when it made the proposal. All members
//! have that one, since they hear the proposer. A proposal names it by a part of its SHA-256, a host that has no such key does not
//! load it, and the commit that puts an epoch in force puts its key in force. So no host has to know what another's NIC runs, and a
//! host may sign its heartbeats with another key from one frame to the next: the flow key follows with the next epoch, which
//! the default host proposes as soon as its own key has changed.
//!
//! Where an epoch brings another key than the NIC has:
//!
//! 1. What is told by an epoch is signed by the key of that epoch. Lists belong to epochs anyway, and everything there is to tell
//!    by a new one is told anew, so all that has to be FOREIGN by it is, before its first commit.
//! 2. What was told by the epoch in force stays until that commit, when the NIC still signs by its key.
//! 3. A host's own connections are pinned by both keys from the load until the commit, or until the proposal is dropped.
//! 4. What has ended is told by both keys.
//! 5. The flow table has to have room for both. Buckets are not held for want of it: the key stays what it was. A host whose table
//!    is more than half full says so, and no epoch is proposed to change the key alone.
//!
//! A key in force is kept, and handed on to the next process, when the configuration does not have its heartbeat key any more.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use crate::config::{Config, Secret, first_eight};

/// Octets of the key.
pub const LENGTH: usize = 40;

/// Keeps the key apart from whatever else is made of a heartbeat key.
const LABEL: &[u8] = b"weir flow signatures 1";

/// Keeps the name apart from whatever else is made of a flow key.
const NAME: &[u8] = b"weir flow key name 1";

/// What proposals name a flow key by.
pub type Name = [u8; 8];

/// A flow key. Its `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlowKey {
    octets: [u8; LENGTH],
    name: Name,
}

impl FlowKey {
    /// The key of these octets.
    pub fn new(octets: [u8; LENGTH]) -> FlowKey {
        let hash = Sha256::new().chain_update(NAME).chain_update(octets).finalize();
        FlowKey { octets, name: first_eight(&hash) }
    }

    /// What the registers of a NIC are given.
    pub fn octets(&self) -> &[u8; LENGTH] {
        &self.octets
    }

    /// What proposals name it by.
    pub fn name(&self) -> Name {
        self.name
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowKey({:016x})", u64::from_be_bytes(self.name))
    }
}

/// The flow key that is made of `secret` in cluster `cluster_ip`.
pub fn derive(secret: &Secret, cluster_ip: Ipv4Addr) -> FlowKey {
    let mut key = [0; LENGTH];
    Hkdf::<Sha256>::new(Some(LABEL), &secret.0)
        .expand(&cluster_ip.octets(), &mut key)
        .expect("HKDF-SHA256 gives up to 8160 octets");
    FlowKey::new(key)
}

/// The flow keys of all heartbeat keys of a configuration.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ring {
    /// Of the key that signs.
    pub(crate) own: FlowKey,
    /// By the id of the heartbeat key.
    by_id: BTreeMap<u8, FlowKey>,
}

impl Ring {
    /// Of a configuration that was checked.
    pub(crate) fn new(config: &Config) -> Ring {
        let derived = config.keys.accepted.iter().map(|(&id, secret)| (id, derive(secret, config.cluster_ip)));
        let by_id: BTreeMap<u8, FlowKey> = derived.collect();
        let own = by_id.get(&config.keys.send).expect("the configuration was checked to hold the send key");
        Ring { own: own.clone(), by_id }
    }

    pub(crate) fn named(&self, name: Name) -> Option<&FlowKey> {
        self.by_id.values().find(|key| key.name == name)
    }

    /// Ids with what is made of their keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = (u8, Name)> {
        self.by_id.iter().map(|(&id, key)| (id, key.name))
    }

    /// The first id that both have for different keys.
    pub(crate) fn contradiction(&self, names: impl IntoIterator<Item = (u8, Name)>) -> Option<u8> {
        let differs = |(id, name): &(u8, Name)| self.by_id.get(id).is_some_and(|key| key.name != *name);
        names.into_iter().find(differs).map(|(id, _)| id)
    }
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
        assert_eq!(derive(&secret, CLUSTER).octets(), &expected);
    }

    fn other_secret() -> Vec<u8> {
        let mut other = vec![7; 32];
        other[31] ^= 1;
        other
    }

    #[test]
    fn a_key_is_shown_by_its_name_alone() {
        let key = derive(&Secret(vec![7; 32]), CLUSTER);
        let name: String = key.name().iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(format!("{key:?}"), format!("FlowKey({name})"));
        assert_eq!(FlowKey::new(*key.octets()), key);
    }

    #[test]
    fn another_secret_and_another_cluster_have_another_key() {
        let key = derive(&Secret(vec![7; 32]), CLUSTER);
        assert_ne!(derive(&Secret(other_secret()), CLUSTER), key);
        assert_ne!(derive(&Secret(vec![7; 32]), Ipv4Addr::new(10, 77, 0, 101)), key);
        assert_ne!(key.octets(), &[0; LENGTH]);
        assert_ne!(key.name(), derive(&Secret(other_secret()), CLUSTER).name());
    }
}
