//! A configuration that is announced and not yet in force.
//!
//! What all hosts agree in decides which bucket a packet falls into. If it changes, bucket 7 of the second rule is not what it
//! was, so hosts with the old and hosts with the new configuration cannot share buckets out among them. A new one is therefore
//! **staged**: every heartbeat announces its digest while the old one serves. When all members announce the same, the default
//! host proposes an epoch for it, and the ordinary phases bring it into force, with two differences:
//!
//! - From the first dump on, connections are sorted and listed by the *new* configuration; the NIC keeps the old one.
//! - The release gives up every bucket whose meaning changes, whoever is to have it, and pins what lives there. So between the
//!   last report and the first commit no NIC takes a new connection of a rule that changes, and after it each goes by new
//!   buckets alone.
//!
//! A rule **carries over** if the same packets find it, and fall into the same buckets of it, before and after. Its buckets move
//! as in any other epoch, and those that stay are not released.

use weir_spec::rules::{Protocol, VipSelect};

use crate::buckets::Buckets;
use crate::config::{Config, PortRule};
use crate::handover::Place;
use crate::wire::codes;

/// What heartbeats name a configuration by that is staged: the first octets of its digest. All zero: none.
pub type Announced = [u8; 6];

/// The name of the configuration with this digest.
pub fn name_of(digest: [u8; 8]) -> Announced {
    let mut name = [0; 6];
    name.copy_from_slice(&digest[..6]);
    // Zero says that there is none.
    if name == [0; 6] { [0, 0, 0, 0, 0, 1] } else { name }
}

/// A configuration that is announced and not yet in force.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Staged {
    pub(crate) config: Config,
    pub(crate) digest: [u8; 8],
    pub(crate) slots: Vec<PortRule>,
    pub(crate) codes: Vec<u32>,
    /// For each slot of it the slot in force that carries over to it, the default rule last.
    pub(crate) carried: Vec<Option<usize>>,
    /// A flow table has no room for the connections that would have to be listed: it is not announced any more.
    pub(crate) no_room: bool,
}

impl Staged {
    pub(crate) fn new(config: Config, in_force: &Config) -> Staged {
        let slots = config.slots();
        Staged {
            digest: config.digest(),
            codes: slots.iter().map(codes::rule_code).collect(),
            carried: carried(in_force, &config),
            slots,
            config,
            no_room: false,
        }
    }

    pub(crate) fn announced(&self) -> Option<Announced> {
        (!self.no_room).then(|| name_of(self.digest))
    }

    /// A place by the configuration in force; `None` if its rule does not carry over.
    pub(crate) fn place_before(&self, (slot, bucket): Place) -> Option<Place> {
        let before = (*self.carried.get(usize::from(slot))?)?;
        Some((before as u8, bucket))
    }

    /// Buckets of rules that carry over, by the `slots` slots in force.
    pub(crate) fn buckets_before(&self, buckets: &Buckets, slots: usize) -> Buckets {
        buckets.rearranged((0..slots).map(|slot| self.carried.iter().position(|&before| before == Some(slot))))
    }
}

/// All packets that a rule is for, but for those that a rule of one virtual IP takes from it.
type Match = (VipSelect, u16, u16, Protocol);

fn matched(rule: &PortRule) -> Match {
    (rule.vip, rule.first_port, rule.last_port, rule.protocol)
}

fn carried(before: &Config, after: &Config) -> Vec<Option<usize>> {
    let (old, new) = (before.slots(), after.slots());
    if before.shared != after.shared {
        // Another key, or other virtual IPs.
        return vec![None; new.len() + 1];
    }
    let hidden = |rules: &[PortRule], rule: &PortRule| -> Vec<Match> {
        let meets = |other: &&PortRule| {
            rule.vip == VipSelect::All
                && other.vip != VipSelect::All
                && other.first_port <= rule.last_port
                && rule.first_port <= other.last_port
        };
        rules.iter().filter(meets).map(matched).collect()
    };
    let same = |a: &PortRule, b: &PortRule| {
        matched(a) == matched(b) && a.affinity == b.affinity && hidden(&old, a) == hidden(&new, b)
    };
    let mut carried: Vec<Option<usize>> =
        new.iter().map(|rule| old.iter().position(|before| same(before, rule))).collect();
    // The default rule takes what is left: the same only if all the others are.
    let left = before.default_affinity == after.default_affinity && old.iter().map(matched).eq(new.iter().map(matched));
    carried.push(left.then_some(old.len()));
    carried
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Filtering, Load};
    use weir_spec::rules::Affinity;

    fn rule(vip: VipSelect, first_port: u16, last_port: u16, affinity: Affinity) -> PortRule {
        let filtering = Filtering::Multiple(Load::Equal);
        PortRule { vip, first_port, last_port, protocol: Protocol::Tcp, affinity, filtering }
    }

    fn with(rules: &[PortRule]) -> Config {
        Config { rules: rules.to_vec(), ..crate::config::tests::plain() }
    }

    #[test]
    fn rules_carry_over_if_the_same_packets_find_them_and_fall_into_the_same_buckets() {
        let (all, one) = (VipSelect::All, VipSelect::One(1));
        let http = rule(all, 80, 80, Affinity::None);
        let https = rule(all, 443, 443, Affinity::None);
        let before = with(&[http, https]);
        let becomes = |rules: &[PortRule]| carried(&before, &with(rules));
        assert_eq!(becomes(&[http, https]), [Some(0), Some(1), Some(2)]);
        let single = PortRule { affinity: Affinity::Single, ..http };
        assert_eq!(becomes(&[single, https]), [None, Some(1), Some(2)], "the default rule has what it had");
        let wider = PortRule { last_port: 90, ..http };
        assert_eq!(becomes(&[wider, https]), [None, Some(1), None], "the default rule loses ten ports");
        let ssh = rule(all, 22, 22, Affinity::None);
        assert_eq!(becomes(&[http, ssh, https]), [None, Some(0), Some(1), None], "slots are in the order of ports");
        let hides = rule(one, 440, 450, Affinity::None);
        assert_eq!(
            becomes(&[http, hides, https]),
            [Some(0), None, None, None],
            "a rule of one virtual IP hides a part"
        );
        let off = PortRule { filtering: Filtering::Disabled, ..http };
        assert_eq!(becomes(&[off, https]), [Some(0), Some(1), Some(2)], "other owners, the same buckets");
    }

    #[test]
    fn another_key_carries_nothing_over() {
        let before = with(&[rule(VipSelect::All, 80, 80, Affinity::None)]);
        let after = Config { shared: b"another".to_vec(), ..before.clone() };
        assert_eq!(carried(&before, &after), [None, None]);
    }

    #[test]
    fn the_name_of_a_configuration_is_never_that_of_none() {
        assert_eq!(name_of([1, 2, 3, 4, 5, 6, 7, 8]), [1, 2, 3, 4, 5, 6]);
        assert_ne!(name_of([0; 8]), [0; 6]);
    }
}
