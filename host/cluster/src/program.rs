//! What a NIC holds, and the program that makes it so.

use weir_spec::config::DefaultRule;
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};
use weir_spec::rules::{Rule, VipSelect};

use crate::action::{Program, Step};
use crate::buckets::{Buckets, Set};
use crate::config::Config;
use crate::flow_key::FlowKey;
use crate::time::NicTime;

/// The state of every bucket in a NIC. What a host loses by a new epoch is computed from this, never from the last epoch it
/// heard of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Holding {
    /// New connections pass: OWN, or ADOPT.
    pub(crate) passes: Buckets,
    /// Of those, ADOPT.
    pub(crate) adopts: Buckets,
    /// RELEASE. Nothing of it is in `passes`.
    pub(crate) releases: Buckets,
    /// Of those that pass, the ones that take no new connections.
    pub(crate) quiesces: Buckets,
}

impl Holding {
    /// Nothing, of `slots` rules.
    pub(crate) fn nothing(slots: usize) -> Holding {
        let none = Buckets::none(slots);
        Holding { passes: none.clone(), adopts: none.clone(), releases: none.clone(), quiesces: none }
    }

    /// `passes`, of them what is in `foreign` as ADOPT; and as RELEASE what is in `pinned` of the rest.
    pub(crate) fn new(passes: Buckets, foreign: &Buckets, pinned: &Buckets) -> Holding {
        let quiesces = passes.without(&passes);
        Holding { adopts: passes.both(foreign), releases: pinned.without(&passes), passes, quiesces }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.passes.is_nothing() && self.releases.is_nothing()
    }

    /// The program that makes a NIC hold exactly this.
    pub(crate) fn program(
        &self,
        config: &Config,
        flow_key: FlowKey,
        step: Step,
        epoch: u32,
        deadline: NicTime,
    ) -> Program {
        let quiesce = !self.quiesces.is_nothing();
        let mut maps: Vec<Map> = Vec::new();
        let mut refer = |slot: usize| {
            let (passes, adopts, releases) = (self.passes.slot(slot), self.adopts.slot(slot), self.releases.slot(slot));
            let quiesces = self.quiesces.slot(slot);
            // To a NIC that quiesces OWN is what takes no new connections, and ADOPT what does.
            let state = |bucket: usize| match () {
                () if quiesces.contains(bucket) => BucketState::Own,
                () if adopts.contains(bucket) => BucketState::Adopt,
                () if passes.contains(bucket) && quiesce => BucketState::Adopt,
                () if passes.contains(bucket) => BucketState::Own,
                () if releases.contains(bucket) => BucketState::Release,
                () => BucketState::None,
            };
            if ![passes, adopts, releases, quiesces].iter().any(|set| matches!(set, Set::Some(_))) {
                return MapRef::Constant(state(0));
            }
            let mut map = Map::default();
            (0..BUCKETS).for_each(|bucket| map.set(bucket, state(bucket)));
            let place = maps.iter().position(|known| *known == map).unwrap_or_else(|| {
                maps.push(map);
                maps.len() - 1
            });
            MapRef::Slot(place as u8)
        };
        let slots = config.slots();
        let mut rules: Vec<Rule> = slots
            .iter()
            .enumerate()
            .map(|(slot, rule)| Rule {
                vip: rule.vip,
                first_port: rule.first_port,
                last_port: rule.last_port,
                protocol: rule.protocol,
                affinity: rule.affinity,
                map: refer(slot),
            })
            .collect();
        // The first match counts, and a rule of one virtual IP beats a rule of all.
        rules.sort_by_key(|rule| rule.vip == VipSelect::All);
        let default_rule = DefaultRule { affinity: config.default_affinity, map: refer(slots.len()) };
        Program { epoch, step, rules, default_rule, maps, deadline, quiesce, flow_key, staged: false }
    }
}
