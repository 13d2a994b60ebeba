//! An epoch as data: who is in it, with which incarnations and weights, and who owns what by each rule.
//!
//! The default host computes it once and everybody else loads it octet for octet; two hosts never compute a table each and
//! hope to agree. What names it is its [`EpochId`] together with the digest of these octets:
//!
//! | size | field |
//! |---|---|
//! | 1 | version |
//! | 1 | proposer's priority |
//! | 1 | rules, the default rule included |
//! | 1 | tables |
//! | 8 | epoch |
//! | 4 | view |
//! | 8 | configuration digest |
//! | 8 | name of the [flow key](crate::flow_key) |
//! | a member: 8 + 4 a rule | incarnation, weight slots; lowest priority first |
//! | a rule: 2 | 0, 0 nobody; 1, priority one host; 2, n table n |
//! | a table: 2560 | owners, five bits each |
//!
//! All little-endian.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use weir_spec::map::BUCKETS;

use crate::config::{Filtering, first_eight};
use crate::difference::Difference;
use crate::epoch::EpochId;
use crate::fitness::Fitness;
use crate::flow_key;
use crate::host::{HostId, HostSet};
use crate::table::Table;
use crate::wire::codes;
use crate::wire::heartbeat::SLOTS;

const VERSION: u8 = 2;
const PACKED: usize = BUCKETS * 5 / 8;

/// Who takes a rule's traffic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Assignment {
    /// Nobody: disabled, or all weights zero.
    Nobody,
    /// One host takes all.
    Host(HostId),
    /// By bucket: index into the tables.
    Table(u8),
}

/// What one host brings into an epoch.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Member {
    /// The incarnation that is meant: a new one has lost what the old one promised.
    pub incarnation: u64,
    /// Weight slots of all rules, the default rule last.
    pub weights: Vec<u32>,
}

/// An epoch as data.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Proposal {
    /// Its name.
    pub epoch: EpochId,
    /// Who made it.
    pub proposer: HostId,
    /// Digest of the configuration it is for.
    pub config_digest: [u8; 8],
    /// Names the key by which its NICs sign connections.
    pub flow_key: flow_key::Name,
    /// Who is in it.
    pub members: BTreeMap<HostId, Member>,
    /// Who takes what, by slot, the default rule last.
    pub rules: Vec<Assignment>,
    /// The distinct tables.
    pub tables: Vec<Table>,
    digest: [u8; 8],
}

impl Proposal {
    /// Computes the epoch of `members`, moving as little as possible from `base`.
    ///
    /// All members have as many weight slots, and can be in one epoch (see [`conflict`]).
    pub fn compute(
        epoch: EpochId,
        proposer: HostId,
        config_digest: [u8; 8],
        flow_key: flow_key::Name,
        members: BTreeMap<HostId, Member>,
        base: Option<&Proposal>,
    ) -> Proposal {
        let slots = members.values().map(|member| member.weights.len()).min().unwrap_or(0);
        let base = base.filter(|base| base.rules.len() == slots);
        let mut rules = Vec::with_capacity(slots);
        let mut tables: Vec<Table> = Vec::new();
        // Rules that start from one table and share it out by one weight vector end with one table.
        let mut known: BTreeMap<(Option<u8>, Vec<u32>), Assignment> = BTreeMap::new();
        for slot in 0..slots {
            let origin = match base.map(|base| base.rules[slot]) {
                Some(Assignment::Table(index)) => Some(index),
                _ => None,
            };
            let vector: Vec<u32> = members.values().map(|member| member.weights[slot]).collect();
            let assignment = *known.entry((origin, vector)).or_insert_with(|| {
                let from = origin.and_then(|index| base?.tables.get(usize::from(index)));
                assign(&members, slot, from, &mut tables)
            });
            rules.push(assignment);
        }
        Proposal { epoch, proposer, config_digest, flow_key, members, rules, tables, digest: [0; 8] }.sealed()
    }

    /// As a start for rules that are numbered otherwise: slot by slot, whose table each has. Only tables and who has them
    /// count in it.
    pub(crate) fn rearranged(&self, from: &[Option<usize>]) -> Proposal {
        let some_table = self.rules.iter().find(|rule| matches!(rule, Assignment::Table(_)));
        let rule = |slot: &Option<usize>| {
            // Rules that are new start from a table that others have, so that they share it.
            slot.and_then(|slot| self.rules.get(slot)).or(some_table).copied().unwrap_or(Assignment::Nobody)
        };
        Proposal { rules: from.iter().map(rule).collect(), ..self.clone() }
    }

    fn sealed(mut self) -> Proposal {
        self.digest = first_eight(&Sha256::digest(self.encode()));
        self
    }

    /// The first eight octets of the SHA-256 of the encoding.
    pub fn digest(&self) -> [u8; 8] {
        self.digest
    }

    /// Who is in it.
    pub fn view(&self) -> HostSet {
        self.members.keys().copied().collect()
    }

    /// The owners of a rule's buckets, if they differ by bucket.
    pub fn table(&self, slot: usize) -> Option<&Table> {
        match self.rules.get(slot)? {
            Assignment::Table(index) => self.tables.get(usize::from(*index)),
            _ => None,
        }
    }

    /// Who owns a bucket of a rule.
    pub fn owner(&self, slot: usize, bucket: usize) -> Option<HostId> {
        match self.rules.get(slot)? {
            Assignment::Nobody => None,
            Assignment::Host(host) => Some(*host),
            Assignment::Table(_) => self.table(slot)?.owners().get(bucket).copied(),
        }
    }

    /// How many of a rule's buckets each host owns; hosts with none are absent.
    pub fn counts(&self, slot: usize) -> BTreeMap<HostId, u16> {
        match self.rules.get(slot) {
            Some(Assignment::Host(owner)) => BTreeMap::from([(*owner, BUCKETS as u16)]),
            Some(Assignment::Table(_)) => self.table(slot).map_or_else(BTreeMap::new, Table::counts),
            _ => BTreeMap::new(),
        }
    }

    /// Rules that members would take, none of whom is fit: slot by slot, and whether somebody takes them nevertheless.
    pub(crate) fn without_a_fit_host(&self) -> BTreeMap<usize, bool> {
        let none_fit = |slot: &usize| {
            let candidates = candidates(&self.members, *slot);
            !candidates.is_empty() && candidates.iter().all(|(.., fitness)| *fitness != Fitness::Fit)
        };
        let taken = |slot: usize| self.rules[slot] != Assignment::Nobody;
        (0..self.rules.len()).filter(none_fit).map(|slot| (slot, taken(slot))).collect()
    }

    /// The octets that travel.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION, self.proposer.get(), self.rules.len() as u8, self.tables.len() as u8];
        octets.extend(self.epoch.to_bytes());
        octets.extend(self.view().0.to_le_bytes());
        octets.extend(self.config_digest);
        octets.extend(self.flow_key);
        for member in self.members.values() {
            octets.extend(member.incarnation.to_le_bytes());
            octets.extend(member.weights.iter().flat_map(|weight| weight.to_le_bytes()));
        }
        for rule in &self.rules {
            octets.extend(match *rule {
                Assignment::Nobody => [0, 0],
                Assignment::Host(host) => [1, host.get()],
                Assignment::Table(index) => [2, index],
            });
        }
        octets.extend(self.tables.iter().flat_map(Table::pack));
        octets
    }

    /// Reads what travelled; `None` if it is not exactly an encoding.
    pub fn decode(octets: &[u8]) -> Option<Proposal> {
        let mut rest = Reader(octets);
        let [version, proposer, slots, tables] = rest.take()?;
        if version != VERSION || usize::from(slots) > SLOTS {
            return None;
        }
        let epoch = EpochId::from_bytes(rest.take()?);
        let view = HostSet(u32::from_le_bytes(rest.take()?));
        let config_digest = rest.take()?;
        let flow_key = rest.take()?;
        let mut members = BTreeMap::new();
        for host in view.iter() {
            let incarnation = u64::from_le_bytes(rest.take()?);
            let weights = (0..slots).map(|_| rest.take().map(u32::from_le_bytes)).collect::<Option<_>>()?;
            members.insert(host, Member { incarnation, weights });
        }
        let mut rules = Vec::new();
        for _ in 0..slots {
            rules.push(match rest.take()? {
                [0, 0] => Assignment::Nobody,
                [1, priority] => Assignment::Host(HostId::new(priority).filter(|&host| view.contains(host))?),
                [2, index] if index < tables => Assignment::Table(index),
                _ => return None,
            });
        }
        let tables = (0..tables)
            .map(|_| {
                let table = Table::unpack(rest.split(PACKED)?, BUCKETS)?;
                table.owners().iter().all(|&owner| view.contains(owner)).then_some(table)
            })
            .collect::<Option<_>>()?;
        let proposer = HostId::new(proposer).filter(|&host| view.contains(host))?;
        let proposal = Proposal { epoch, proposer, config_digest, flow_key, members, rules, tables, digest: [0; 8] };
        (rest.0.is_empty() && !epoch.is_none()).then(|| proposal.sealed())
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn split(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.split(N)?.try_into().ok()
    }
}

fn assign(
    members: &BTreeMap<HostId, Member>,
    slot: usize,
    from: Option<&Table>,
    tables: &mut Vec<Table>,
) -> Assignment {
    let mut weights = Vec::new();
    let mut single: Option<(u8, HostId)> = None;
    let candidates = candidates(members, slot);
    // Unfit hosts are a last resort; some are not even that.
    let of_the_fittest = |fitness: Fitness| fitness < Fitness::Unfit && candidates.iter().all(|c| fitness <= c.2);
    for &(host, weight, fitness) in &candidates {
        if !of_the_fittest(fitness) {
            continue;
        }
        match codes::decode_weight(weight) {
            Some(Filtering::Multiple(load)) => weights.push((host, load.weight())),
            Some(Filtering::Single(priority)) => {
                let candidate = (priority, host);
                single = Some(single.map_or(candidate, |best| best.min(candidate)));
            }
            Some(Filtering::Disabled) | None => {}
        }
    }
    if let Some((_, host)) = single {
        return Assignment::Host(host);
    }
    let Some(table) = Table::share_out(from, &weights, BUCKETS) else { return Assignment::Nobody };
    let index = tables.iter().position(|known| *known == table).unwrap_or_else(|| {
        tables.push(table);
        tables.len() - 1
    });
    Assignment::Table(index as u8)
}

/// Who would take a rule if all were fit: hosts that do not drain it, and have a weight where they have one.
fn candidates(members: &BTreeMap<HostId, Member>, slot: usize) -> Vec<(HostId, u32, Fitness)> {
    let takes = |weight: u32| match codes::decode_weight(weight) {
        Some(Filtering::Multiple(load)) => load.weight() > 0,
        Some(Filtering::Single(_)) => true,
        Some(Filtering::Disabled) | None => false,
    };
    let weights = members.iter().map(|(&host, member)| (host, member.weights[slot]));
    let may = weights.filter(|&(_, weight)| weight & codes::DRAINS == 0 && takes(weight));
    may.map(|(host, weight)| (host, weight, codes::fitness(weight))).collect()
}

/// Whether two hosts with these weight slots cannot be in one epoch: a rule of which they tell different modes, or the same
/// handling priority (event 20 of NLB), or which cannot be read.
pub fn conflict(a: &[u32], b: &[u32]) -> bool {
    a.len() != b.len() || Difference::of_weights(a, b).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Load;
    use proptest::prelude::*;

    fn member(number: u8, slots: &[Filtering]) -> (HostId, Member) {
        let mut weights: Vec<u32> = slots.iter().map(|&filtering| codes::encode_weight(filtering)).collect();
        weights.push(codes::encode_weight(Filtering::Single(number)));
        (HostId::new(number).expect("1..=32"), Member { incarnation: u64::from(number) * 77, weights })
    }

    fn compute(counter: u32, members: &[(u8, Vec<Filtering>)], base: Option<&Proposal>) -> Proposal {
        let members: BTreeMap<_, _> = members.iter().map(|(number, slots)| member(*number, slots)).collect();
        let proposer = *members.keys().next().expect("members");
        Proposal::compute(EpochId { counter, lineage: 9 }, proposer, [3; 8], [4; 8], members, base)
    }

    const EQUAL: Filtering = Filtering::Multiple(Load::Equal);

    #[test]
    fn every_mode_finds_its_owner() {
        let weight = |w| Filtering::Multiple(Load::Weight(w));
        let proposal = compute(
            1,
            &[
                (2, vec![EQUAL, EQUAL, Filtering::Single(7), Filtering::Disabled, weight(0), weight(10)]),
                (5, vec![EQUAL, EQUAL, Filtering::Single(3), Filtering::Disabled, weight(0), weight(30)]),
            ],
            None,
        );
        let (two, five) = (HostId::new(2).expect("host"), HostId::new(5).expect("host"));
        assert_eq!(proposal.rules[0], proposal.rules[1], "equal weights share a table");
        assert_eq!((proposal.counts(0)[&two], proposal.counts(0)[&five]), (2048, 2048));
        assert_eq!(proposal.rules[2], Assignment::Host(five), "lowest handling priority");
        assert_eq!(proposal.rules[3], Assignment::Nobody);
        assert_eq!(proposal.rules[4], Assignment::Nobody, "all weights zero");
        assert_eq!((proposal.counts(5)[&two], proposal.counts(5)[&five]), (1024, 3072));
        assert_eq!(proposal.rules[6], Assignment::Host(two), "the default host takes what no rule is for");
        assert_eq!(proposal.tables.len(), 2);
    }

    #[test]
    fn a_joiner_takes_its_share_and_nothing_else_moves() {
        let before = compute(1, &[(1, vec![EQUAL]), (2, vec![EQUAL])], None);
        let after = compute(2, &[(1, vec![EQUAL]), (2, vec![EQUAL]), (3, vec![EQUAL])], Some(&before));
        let third = HostId::new(3).expect("host");
        let (a, b) = (before.table(0).expect("table"), after.table(0).expect("table"));
        assert_eq!(a.moved(b), b.count(third));
        assert_eq!(b.count(third), 1365);
    }

    /// Of four hosts of equal load, and of handling priorities by number, those in a state by this slot.
    fn owners(states: [u32; 4], base: Option<&Proposal>) -> (Vec<u16>, Option<HostId>, Proposal) {
        let filterings = |number| [EQUAL, Filtering::Single(number)];
        let mut members: BTreeMap<_, _> = (1..=4).map(|number| member(number, &filterings(number))).collect();
        for (member, state) in members.values_mut().zip(states) {
            member.weights.iter_mut().for_each(|weight| *weight |= state);
        }
        let (host, epoch) = (HostId::new(1).expect("host"), EpochId { counter: 1, lineage: 9 });
        let proposal = Proposal::compute(epoch, host, [3; 8], [4; 8], members, base);
        let counts = HostId::all().take(4).map(|host| proposal.counts(0).get(&host).copied().unwrap_or(0)).collect();
        assert_eq!(proposal.owner(1, 0), proposal.owner(2, 0), "single-host and default rule go alike");
        (counts, proposal.owner(1, 0), proposal)
    }

    #[test]
    fn an_unfit_host_takes_nothing_and_moves_nothing_but_its_own() {
        let [last, never] = [Fitness::LastResort, Fitness::Unfit].map(codes::encode_fitness);
        let host = HostId::new;
        let (_, taker, all_fit) = owners([0; 4], None);
        assert_eq!(taker, host(1));
        for state in [last, never] {
            let (counts, taker, without) = owners([state, 0, 0, 0], Some(&all_fit));
            assert_eq!((counts, taker), (vec![0, 1366, 1365, 1365], host(2)));
            let moved = |a: &Proposal, b: &Proposal| a.table(0).expect("table").moved(b.table(0).expect("table"));
            assert_eq!(moved(&all_fit, &without), 1024);
            let (counts, taker, again) = owners([0; 4], Some(&without));
            assert_eq!((counts, taker, moved(&without, &again)), (vec![1024; 4], host(1), 1024));
        }
    }

    #[test]
    fn when_nobody_is_fit_the_last_resorts_take_it_and_nobody_else() {
        let [last, never] = [Fitness::LastResort, Fitness::Unfit].map(codes::encode_fitness);
        let host = HostId::new;
        let told = |proposal: &Proposal| proposal.without_a_fit_host().values().copied().collect::<Vec<_>>();
        let (counts, taker, proposal) = owners([last; 4], None);
        assert_eq!((counts, taker, told(&proposal)), (vec![1024; 4], host(1), vec![true; 3]));
        let (counts, taker, proposal) = owners([never, last, last, never], None);
        assert_eq!((counts, taker, told(&proposal)), (vec![0, 2048, 2048, 0], host(2), vec![true; 3]));
        let (counts, taker, proposal) = owners([never; 4], None);
        assert_eq!((counts, taker, told(&proposal)), (vec![0; 4], None, vec![false; 3]));
        // One that drains is fit, and no reason to leave clients unanswered.
        let (counts, taker, proposal) = owners([last, codes::DRAINS, last, codes::DRAINS | last], None);
        assert_eq!((counts, taker, told(&proposal)), (vec![2048, 0, 2048, 0], host(1), vec![true; 3]));
        let (counts, _, proposal) = owners([last, last, last, 0], None);
        assert_eq!((counts, told(&proposal)), (vec![0, 0, 0, 4096], vec![]));
    }

    #[test]
    fn an_unfit_host_without_weight_is_no_last_resort() {
        let state = codes::encode_fitness(Fitness::LastResort);
        let with = |weights: [u32; 2]| {
            let member = |(number, weight)| {
                (HostId::new(number).expect("host"), Member { incarnation: 1, weights: vec![weight] })
            };
            let members = [(1, weights[0]), (2, weights[1])].into_iter().map(member).collect();
            let epoch = EpochId { counter: 1, lineage: 9 };
            Proposal::compute(epoch, HostId::new(1).expect("host"), [3; 8], [4; 8], members, None).counts(0)
        };
        assert_eq!(with([state, 40 | state]).into_values().collect::<Vec<_>>(), [4096], "weight 0 stays 0");
        assert_eq!(with([0, 40 | state]).into_keys().collect::<Vec<_>>(), [HostId::new(2).expect("host")]);
    }

    #[test]
    fn one_handling_priority_on_two_hosts_is_a_conflict() {
        let slots = |filtering| member(1, &[filtering]).1.weights[..1].to_vec();
        let (three, four) = (slots(Filtering::Single(3)), slots(Filtering::Single(4)));
        assert!(conflict(&three, &three));
        assert!(!conflict(&three, &four));
        assert!(conflict(&three, &slots(EQUAL)));
        assert!(conflict(&[u32::MAX], &[u32::MAX]));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_and_a_flipped_octet_is_another_digest_or_nothing(
            hosts in proptest::collection::btree_set(1u8..=32, 1..6), at in any::<proptest::sample::Index>(), bit in 0u8..8,
        ) {
            let members: Vec<_> = hosts.iter().map(|&n| (n, vec![EQUAL, Filtering::Single(n)])).collect();
            let proposal = compute(7, &members, None);
            let octets = proposal.encode();
            prop_assert_eq!(Proposal::decode(&octets), Some(proposal.clone()));
            let mut broken = octets.clone();
            broken[at.index(octets.len())] ^= 1 << bit;
            prop_assert!(Proposal::decode(&broken).is_none_or(|other| other.digest() != proposal.digest()));
            prop_assert_eq!(Proposal::decode(&octets[..octets.len() - 1]), None);
        }

        #[test]
        fn decoding_is_total(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Proposal::decode(&octets);
        }
    }
}
