//! What an operator does to all hosts, and what their agents look at once in a while.

use std::collections::BTreeSet;

use weir_cluster::wire::codes;
use weir_cluster::{Change, Config, Event, Flow};

use crate::plant::Plant;
use crate::segment::Tuple;
use crate::world::World;

impl World {
    /// The operator writes another configuration for every host. Agents are told to read it.
    pub fn reconfigure(&mut self, edit: impl Fn(&mut Config)) {
        self.log.note(self.at, &[30], || "-- all hosts are given another configuration".to_owned());
        for host in &mut self.hosts {
            edit(&mut host.file);
        }
        (0..self.hosts.len()).for_each(|host| self.read_file(host));
    }

    /// Whether what the operator has written is in force on these hosts.
    pub fn goes_by_its_file(&self, hosts: &[usize]) -> bool {
        let in_force = |host: &crate::host::Host| host.staged.is_none() && host.file.digest() == host.config.digest();
        hosts.iter().all(|&host| in_force(&self.hosts[host]))
    }

    /// Reads the file, unless it is what was read last; while another configuration is put in force that has to wait.
    fn read_file(&mut self, host: usize) {
        let slot = &mut self.hosts[host];
        if !slot.runs() || slot.file.digest() == slot.staged.as_ref().unwrap_or(&slot.config).digest() {
            return;
        }
        let now = slot.now(self.at);
        let slot = &self.hosts[host];
        // Loads are what they were last told to be.
        let mut config = slot.file.clone();
        for rule in &mut config.rules {
            let same = slot.loads.iter().find(|load| (load.vip, load.first_port) == (rule.vip, rule.first_port));
            rule.filtering = same.map_or(rule.filtering, |load| load.filtering);
        }
        let Some(Ok(change)) = slot.node.as_ref().map(|node| node.change(now, &config)) else { return };
        let same = config.digest() == slot.config.digest();
        self.hosts[host].staged = (change != Change::Nothing && !same).then(|| config.clone());
        self.handle(host, Event::Configure(Box::new(config)));
    }

    /// What was staged is in force.
    pub(crate) fn activate(&mut self, host: usize) {
        let Some(config) = self.hosts[host].staged.take() else {
            self.fail(|_| format!("host {}: nothing is staged and something comes into force", host + 1));
            return;
        };
        self.log.note(self.at, &[31, host as u64], || format!("host {}: goes by another configuration", host + 1));
        let slot = &mut self.hosts[host];
        slot.loads = config.slots();
        slot.config = config;
        let weights: Vec<u32> =
            self.status(host).map(|s| s.rules.iter().map(|rule| rule.weight).collect()).unwrap_or_default();
        for (drain, weight) in self.hosts[host].drains.iter_mut().zip(weights) {
            *drain = weight & codes::DRAINS != 0;
        }
    }

    /// A flood of SYNs reaches a host, or ends.
    pub fn flood(&mut self, host: usize, flooded: bool) {
        self.log.note(self.at, &[32, host as u64, flooded.into()], || {
            format!("-- host {}: {} SYN cookies", host + 1, if flooded { "sends" } else { "sends no more" })
        });
        self.hosts[host].kernel.flood(flooded);
    }

    /// The agent looks whether its kernel has sent SYN cookies.
    pub(crate) fn look_for_cookies(&mut self, host: usize) {
        let sent = self.hosts[host].kernel.take_sent_cookies();
        if sent && self.plant != Plant::UnseenCookies {
            self.handle(host, Event::CookiesSent);
        }
    }

    /// What agents do once in a while.
    pub(crate) fn look_after_agents(&mut self) {
        for host in (0..self.hosts.len()).filter(|&host| self.hosts[host].runs()).collect::<Vec<_>>() {
            self.look_for_cookies(host);
            self.read_file(host);
        }
    }

    /// Of the connections that an agent drains, these.
    pub(crate) fn of_these(&self, host: usize, tuples: &[Tuple]) -> Vec<Flow> {
        let slot = &self.hosts[host];
        let sorter = slot.sorter(false);
        let ended: BTreeSet<_> = tuples.iter().map(|tuple| sorter.flow(tuple).identity()).collect();
        let draining = slot.node.iter().flat_map(weir_cluster::Node::draining);
        draining.filter(|flow| ended.contains(&flow.identity())).collect()
    }
}
