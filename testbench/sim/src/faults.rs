//! What goes wrong, and how it ends.

use weir_cluster::Event;

use crate::host::Stopped;
use crate::world::World;

impl World {
    fn fault(&mut self, kind: u64, host: usize, what: &str) {
        self.log.note(self.at, &[10, kind, host as u64], || format!("-- host {}: {what}", host + 1));
    }

    /// Who stands still, or has no agent, notices nothing until its lease has ended.
    fn delays(&mut self, host: usize) {
        let longest = self.hosts[host].config.dead_after() + self.hosts[host].config.period;
        self.checks.delay(self.at, host, longest);
    }

    /// The agent dies. The NIC goes on until its lease ends, and the kernel for ever.
    pub fn kill(&mut self, host: usize) {
        self.fault(0, host, "its agent is killed");
        self.delays(host);
        self.end_process(host);
    }

    /// The host loses its power.
    pub fn power_off(&mut self, host: usize) {
        self.fault(1, host, "loses its power");
        self.end_process(host);
        let at = self.at;
        let slot = &mut self.hosts[host];
        slot.up = false;
        slot.stopped = Stopped::Nothing;
        slot.kernel = slot.kernel.restarted();
        slot.kernel_wakes = None;
        slot.ring.clear();
        slot.crashes += 1;
        slot.nic.reset(at);
    }

    /// The agent, or all but the NIC, stands still.
    pub fn stop_still(&mut self, host: usize, how: Stopped) {
        if self.hosts[host].up && self.hosts[host].stopped < how {
            self.fault(2 + how as u64, host, &format!("stands still: {how:?}"));
            self.delays(host);
            self.hosts[host].stopped = how;
        }
    }

    /// It goes on. What waited comes first.
    pub fn wake_up(&mut self, host: usize) {
        let was = std::mem::replace(&mut self.hosts[host].stopped, Stopped::Nothing);
        if was == Stopped::Nothing {
            return;
        }
        self.fault(6, host, "goes on");
        self.delays(host);
        for frame in std::mem::take(&mut self.hosts[host].ring) {
            self.reach_kernel(host, frame);
        }
        self.run_kernel(host);
        self.do_work(host);
        for event in std::mem::take(&mut self.hosts[host].inbox) {
            self.handle(host, event);
        }
        self.handle(host, Event::Tick);
    }

    /// Cuts the heartbeats from one host to another, in this direction.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.fault(7, from, &format!("is not heard by host {}", to + 1));
        self.wire.cut(from, to);
        self.checks.are_apart(from, to);
    }

    /// Nobody hears it.
    pub fn mute(&mut self, host: usize) {
        (0..self.hosts.len()).filter(|&to| to != host).for_each(|to| self.cut(host, to));
    }

    /// It hears nobody.
    pub fn deafen(&mut self, host: usize) {
        (0..self.hosts.len()).filter(|&from| from != host).for_each(|from| self.cut(from, host));
    }

    /// Nobody of `side` and nobody else hear each other.
    pub fn partition(&mut self, side: &[usize]) {
        for a in 0..self.hosts.len() {
            for b in (0..self.hosts.len()).filter(|b| side.contains(&a) != side.contains(b)) {
                self.cut(a, b);
            }
        }
    }

    /// All links work again.
    pub fn heal(&mut self) {
        self.fault(8, 0, "and all others are heard by all again");
        self.wire.heal();
        let grace = self.grace();
        self.checks.meet(self.at, grace);
    }
}
