//! What must hold when nothing goes wrong any more.

use weir_cluster::{EpochId, HostSet, Micros, PhaseKind};
use weir_spec::map::{BUCKETS, WORDS};
use weir_spec::rules::VipSelect;

use crate::segment::Tuple;
use crate::world::World;

const LOW_BITS: u32 = 0x5555_5555;

/// The owner of every bucket, by rule slot, the default rule last; `None`: nobody's, or the rule's hosts are fenced.
pub type Owners = Vec<Vec<Option<usize>>>;

impl World {
    /// Hosts on which an agent takes part.
    pub fn taking_part(&mut self) -> Vec<usize> {
        let takes = |host: &crate::host::Host| {
            let phase = host.node.as_ref().map(|node| node.phase());
            phase.is_some_and(|phase| !matches!(phase, PhaseKind::Stopped | PhaseKind::Leaving))
        };
        (0..self.size()).filter(|&host| takes(&self.hosts[host])).collect()
    }

    /// The epoch that these hosts, and nobody else, are converged in, if they are, and serve by.
    pub fn are_one(&mut self, hosts: &[usize]) -> Option<EpochId> {
        let stable =
            |host: &crate::host::Host| host.node.as_ref().is_some_and(|node| node.phase() == PhaseKind::Stable);
        if hosts.is_empty() || !hosts.iter().all(|&host| stable(&self.hosts[host])) {
            return None;
        }
        let members: HostSet = hosts.iter().map(|&host| self.hosts[host].config.host).collect();
        let mut epoch = None;
        for &host in hosts {
            let status = self.status(host)?;
            let same = *epoch.get_or_insert(status.epoch) == status.epoch;
            if !same || status.members != members || status.fenced || self.hosts[host].nic.must_be_fenced(self.at) {
                return None;
            }
        }
        epoch
    }

    /// Whether no host waits for one that was absent, which nothing changes before.
    pub fn waits_for_nobody(&mut self, hosts: &[usize]) -> bool {
        let waits = |status: weir_cluster::Status| status.hosts.iter().any(|host| host.waited_for.is_some());
        !hosts.iter().any(|&host| self.status(host).is_some_and(waits))
    }

    /// Buckets that a NIC accepts, by rule in its own order.
    pub fn accepted(&mut self, host: usize) -> Vec<u32> {
        let at = self.at;
        let accepts = self.hosts[host].nic.accepts(at);
        accepts.iter().map(|words| words.iter().map(|word| word.count_ones()).sum()).collect()
    }

    /// The slot of each rule in the order of the NIC, which puts those of one virtual IP first.
    fn slots_in_order(&self) -> Vec<usize> {
        let slots = self.hosts[0].config.slots();
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|&slot| slots[slot].vip == VipSelect::All);
        order.push(slots.len());
        order
    }

    /// Who accepts what.
    pub fn owners(&mut self) -> Owners {
        let order = self.slots_in_order();
        let mut owners = vec![vec![None; BUCKETS]; order.len()];
        let at = self.at;
        for (index, host) in self.hosts.iter_mut().enumerate() {
            for (words, &slot) in host.nic.accepts(at).iter().zip(&order) {
                for bucket in (0..BUCKETS).filter(|bucket| words[bucket / 16] >> (bucket % 16 * 2) & 1 == 1) {
                    owners[slot][bucket] = Some(index);
                }
            }
        }
        owners
    }

    /// Every bucket has an owner, and hosts have their shares, to the bucket.
    pub fn check_shares(&mut self, hosts: &[usize]) {
        let at = self.at;
        let rules = self.slots_in_order().len();
        for rule in 0..rules {
            let mut all = [0; WORDS];
            for &host in hosts {
                let Some(words) = self.hosts[host].nic.accepts(at).get(rule) else { continue };
                all.iter_mut().zip(words.iter()).for_each(|(all, word)| *all |= word);
            }
            let slot = self.slots_in_order()[rule];
            let weights: Vec<Option<u32>> = hosts.iter().map(|&host| self.hosts[host].weight(slot)).collect();
            let drains = hosts.iter().all(|&host| self.hosts[host].drains[slot]);
            let nobody = drains || weights.iter().all(|weight| *weight == Some(0));
            let covered = all.iter().all(|word| *word == if nobody { 0 } else { LOW_BITS });
            if !covered {
                self.fail(|world| format!("rule {rule}: not every bucket has an owner\n{:#?}", world.statuses()));
            }
            let sum: u32 = weights.iter().copied().flatten().sum();
            for (&host, weight) in hosts.iter().zip(&weights) {
                let (Some(weight), 1..) = (weight, sum) else { continue };
                let exact = BUCKETS as f64 * f64::from(*weight) / f64::from(sum);
                let count = self.accepted(host).get(rule).copied().unwrap_or(0);
                if (f64::from(count) - exact).abs() >= 1.0 {
                    self.fail(|world| {
                        format!(
                            "host {}: accepts {count} buckets by rule {rule}, {exact} are its share\n{:#?}",
                            host + 1,
                            world.statuses()
                        )
                    });
                }
            }
        }
    }

    /// No more buckets have moved between two epochs than shares demand.
    pub fn check_moves(&mut self, before: &Owners, after: &Owners) {
        for (slot, (before, after)) in before.iter().zip(after).enumerate() {
            if self.hosts[0].weight(slot).is_none() {
                continue;
            }
            let count = |owners: &[Option<usize>], host| owners.iter().filter(|owner| **owner == Some(host)).count();
            let least: usize =
                (0..self.size()).map(|host| count(before, host).saturating_sub(count(after, host))).sum();
            let moved = before.iter().zip(after).filter(|(a, b)| a.is_some() && a != b).count();
            if moved != least {
                self.fail(|_| format!("rule slot {slot}: {moved} buckets have moved where {least} would do"));
            }
        }
    }

    /// Everybody whose connection should live asks, and is answered.
    pub fn check_connections(&mut self) {
        let since = self.at;
        let within = 1_000_000;
        self.clients.ask_all(since, within);
        self.plan_clients();
        self.run(15 * within);
        let silent =
            |client: &crate::clients::Client| client.is_established() && client.since < since && client.heard < since;
        let silent: Vec<Tuple> =
            self.clients.iter().filter(|(_, client)| silent(client)).map(|(tuple, _)| *tuple).collect();
        for tuple in silent {
            let Some(client) = self.clients.get(&tuple).cloned() else { continue };
            if !self.may_be_lost(&tuple, &client) {
                let flow = self.hosts[0].sorter(false).flow(&tuple);
                self.fail(|world| {
                    format!(
                        "{tuple:?} gets no answer any more, rule {} bucket {}, {client:?}\n{:#?}",
                        flow.slot,
                        flow.bucket,
                        world.statuses()
                    )
                });
            }
        }
    }

    /// All connections end, and nothing is left of them in any NIC.
    pub fn check_ends(&mut self, limit: Micros) {
        self.traffic.gap = 0;
        self.clients.finish_all(self.at, 1_000_000);
        self.plan_clients();
        let empty = |world: &mut World| {
            let hosts = 0..world.size();
            hosts
                .into_iter()
                .all(|host| world.hosts[host].kernel.alive().next().is_none() && world.hosts[host].nic.listed() == 0)
        };
        // A socket whose client is gone is found dead after a while.
        if !self.drive(limit + 160_000_000, empty) {
            self.fail(|world| {
                let left: Vec<(usize, usize)> =
                    (world.hosts.iter()).map(|host| (host.kernel.alive().count(), host.nic.listed())).collect();
                format!("connections or their entries are left: {left:?}\n{:#?}", world.statuses())
            });
        }
    }
}
