//! What a NIC holds, and the program that makes it so.

use weir_spec::config::DefaultRule;
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};
use weir_spec::rules::{Rule, VipSelect};

use crate::action::{Program, Step};
use crate::config::Config;
use crate::host::HostId;
use crate::proposal::{Assignment, Proposal};
use crate::time::NicTime;

const WORDS: usize = BUCKETS / 64;

/// The buckets of one rule a NIC owns.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Held {
    None,
    All,
    Some(Box<[u64; WORDS]>),
}

impl Held {
    fn from_words(words: Box<[u64; WORDS]>) -> Held {
        if words.iter().all(|&word| word == 0) { Held::None } else { Held::Some(words) }
    }

    fn count(&self) -> usize {
        match self {
            Held::None => 0,
            Held::All => BUCKETS,
            Held::Some(words) => words.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    fn both(&self, other: &Held) -> Held {
        match (self, other) {
            (Held::None, _) | (_, Held::None) => Held::None,
            (Held::All, held) | (held, Held::All) => held.clone(),
            (Held::Some(a), Held::Some(b)) => Held::from_words(Box::new(std::array::from_fn(|i| a[i] & b[i]))),
        }
    }
}

/// The buckets a NIC owns, by slot, the default rule last. What a host loses by a new epoch is computed from this, never
/// from the last epoch it heard of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Holding(Vec<Held>);

impl Holding {
    /// Nothing, of `slots` rules.
    pub(crate) fn nothing(slots: usize) -> Holding {
        Holding(vec![Held::None; slots])
    }

    /// What an epoch gives to `host`.
    pub(crate) fn given(proposal: &Proposal, host: HostId) -> Holding {
        let held = |(slot, rule): (usize, &Assignment)| match rule {
            Assignment::Host(owner) if *owner == host => Held::All,
            Assignment::Table(_) => proposal.table(slot).map_or(Held::None, |table| {
                let mut words = Box::new([0u64; WORDS]);
                for (bucket, _) in table.owners().iter().enumerate().filter(|(_, owner)| **owner == host) {
                    words[bucket / 64] |= 1 << (bucket % 64);
                }
                Held::from_words(words)
            }),
            _ => Held::None,
        };
        Holding(proposal.rules.iter().enumerate().map(held).collect())
    }

    /// What is in both.
    pub(crate) fn both(&self, other: &Holding) -> Holding {
        Holding(self.0.iter().zip(&other.0).map(|(a, b)| a.both(b)).collect())
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.iter().all(|held| *held == Held::None)
    }

    /// Buckets of a rule.
    pub(crate) fn count(&self, slot: usize) -> usize {
        self.0.get(slot).map_or(0, Held::count)
    }

    /// A bit for each slice of 64 buckets of which any is held.
    pub(crate) fn slices(&self, slot: usize) -> u64 {
        match self.0.get(slot) {
            None | Some(Held::None) => 0,
            Some(Held::All) => u64::MAX,
            Some(Held::Some(words)) => {
                words.iter().enumerate().fold(0, |bits, (index, &word)| bits | u64::from(word != 0) << index)
            }
        }
    }

    /// The program that makes a NIC hold exactly this.
    pub(crate) fn program(&self, config: &Config, step: Step, epoch: u32, deadline: NicTime) -> Program {
        let mut maps: Vec<Map> = Vec::new();
        let mut refer = |held: &Held| match held {
            Held::None => MapRef::Constant(BucketState::None),
            Held::All => MapRef::Constant(BucketState::Own),
            Held::Some(words) => {
                let mut map = Map::default();
                for bucket in (0..BUCKETS).filter(|bucket| words[bucket / 64] >> (bucket % 64) & 1 == 1) {
                    map.set(bucket, BucketState::Own);
                }
                let slot = maps.iter().position(|known| *known == map).unwrap_or_else(|| {
                    maps.push(map);
                    maps.len() - 1
                });
                MapRef::Slot(slot as u8)
            }
        };
        let mut rules: Vec<Rule> = config
            .slots()
            .iter()
            .zip(&self.0)
            .map(|(rule, held)| Rule {
                vip: rule.vip,
                first_port: rule.first_port,
                last_port: rule.last_port,
                protocol: rule.protocol,
                affinity: rule.affinity,
                map: refer(held),
            })
            .collect();
        // The first match counts, and a rule of one virtual IP beats a rule of all.
        rules.sort_by_key(|rule| rule.vip == VipSelect::All);
        let map = self.0.last().map_or(MapRef::default(), &mut refer);
        let default_rule = DefaultRule { affinity: config.default_affinity, map };
        Program { epoch, step, rules, default_rule, maps, deadline }
    }
}
