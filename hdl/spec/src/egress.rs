//! What happens to a frame on its way out.
//!
//! The cluster MAC may never leave as a source: one such frame teaches the switch a port, and the cluster is down to one
//! host. And a fenced NIC keeps its host quiet: a stalled host's retransmissions from a virtual IP would be doubles of
//! what its successor sends.

use crate::classify::Classifier;
use crate::frame::{Parsed, parse};
use crate::mac::Mac;

/// Which source MAC is replaced, and by what.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Masking {
    /// Replacing is on.
    pub enabled: bool,
    /// The source that may not leave.
    pub cluster: Mac,
    /// The source that leaves instead.
    pub masked: Mac,
}

/// What is to happen to a frame that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Egress {
    /// The frame goes to the wire.
    pub pass: bool,
    /// Its source MAC is replaced.
    pub masked: bool,
}

impl Egress {
    /// The word a circuit shows beside each frame: pass 0 · masked 1.
    pub fn encode(&self) -> u32 {
        u32::from(self.pass) | u32::from(self.masked) << 1
    }
}

/// How the MAC of every unicast cluster begins.
pub const CLUSTER_PREFIX: [u8; 2] = [0x02, 0xbf];

/// Decides on a frame that leaves. From reset to the first COMMIT no TCP or UDP leaves, whoever sends it; and while
/// masking is off, no frame whose source is any cluster's MAC: a host that is up before its agent must not leak it.
///
/// Runts and whatever cannot be parsed pass: the fence holds back answers, not noise.
pub fn decide(classifier: &Classifier, masking: &Masking, frame: &[u8], fenced: bool) -> Egress {
    let source = frame.get(6..12);
    let masked = masking.enabled && source == Some(&masking.cluster.0);
    let leaks = !masking.enabled && source.is_some_and(|source| source.starts_with(&CLUSTER_PREFIX));
    let ours = |ipv6, source| !classifier.configured() || fenced && classifier.vip(ipv6, source).is_some();
    let held = leaks
        || (fenced || !classifier.configured())
            && matches!(parse(frame), Parsed::Ip(packet)
                if packet.payload.is_transport() && ours(packet.ipv6, &packet.source));
    Egress { pass: !held, masked: masked && !held }
}

/// Replaces the source MAC in place. `frame` holds at least 12 bytes.
pub fn mask(masking: &Masking, frame: &mut [u8]) {
    frame[6..12].copy_from_slice(&masking.masked.0);
}
