//! Everything at once, for millions of clocks: random configurations, frames of every kind at every pace, and while they
//! stream, commits, fences, renewals, snapshots, operations on the flow table, other MACs and resets at random moments.

use std::time::Instant;

use fastrand::Rng;
use weir_rtl::{Side, Width};
use weir_spec::mac::Mac;
use weir_spec::regs::{self, RegId};

use crate::configs::{self, Setting};
use crate::flows;
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{chance, long, pick, rng};
use crate::shot::{Bank, Pace, Shot};
use crate::width::at_each_width;

/// Clocks of a normal run, at each width.
const CLOCKS: u64 = 10_000_000;
/// Different frames of each side in a round; each is sent many times.
const BANK: usize = 300;
/// Steps of a round, each with something that happens while frames stream.
const STEPS: usize = 8;

/// What happens while frames stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Happening {
    Nothing,
    Commit,
    Fence,
    Renewal,
    Flows,
    ClusterMac,
    Snapshot,
    Reset,
}

const HAPPENINGS: [(u32, Happening); 8] = [
    (4, Happening::Nothing),
    (4, Happening::Commit),
    (2, Happening::Fence),
    (2, Happening::Renewal),
    (4, Happening::Flows),
    (2, Happening::ClusterMac),
    (1, Happening::Snapshot),
    (1, Happening::Reset),
];

struct Storm {
    rig: Rig,
    rng: Rng,
    epoch: u32,
    happened: [u64; HAPPENINGS.len()],
}

impl Storm {
    /// Puts a configuration in force, beside streaming frames or not.
    fn commit(&mut self, setting: &Setting, until: u64) {
        self.epoch = self.epoch.wrapping_add(1 + self.rng.u32(..3));
        let epoch = self.epoch;
        self.rig.load_beside(setting);
        self.rig.stage_deadline(until);
        self.rig.change(|rig| {
            rig.write(at(RegId::Commit), epoch).expect("a deadline in reach");
            rig.await_commit();
        });
    }

    /// Gives the NIC another cluster MAC, which must not leave as a source.
    fn set_cluster(&mut self) -> Mac {
        let mut cluster = Mac(std::array::from_fn(|_| self.rng.u8(..)));
        if self.rng.bool() {
            cluster.0[..2].copy_from_slice(&weir_spec::egress::CLUSTER_PREFIX);
        }
        let enable = regs::reg(RegId::ClusterMacHi).field("enable").place(u32::from(chance(&mut self.rng, 80)));
        for (id, word) in
            [(RegId::ClusterMacLo, cluster.low_word()), (RegId::ClusterMacHi, cluster.high_word() | enable)]
        {
            self.rig.change(|rig| rig.write(at(id), word).expect("a plain register"));
        }
        cluster
    }

    /// Gives it another source to leave with, while nothing leaves: at 64 bit a MAC is in two beats, and a host that
    /// changes it in mid-frame gets half of each.
    fn set_masked(&mut self) {
        let masked = Mac(std::array::from_fn(|_| self.rng.u8(..)));
        self.rig.write(at(RegId::MaskedMacLo), masked.low_word()).expect("a plain register");
        self.rig.write(at(RegId::MaskedMacHi), masked.high_word()).expect("a plain register");
    }

    /// Frames both ways; some of those that leave carry the source that must not, or one a bit beside it.
    fn banks(&mut self, setting: &Setting, cluster: Mac) -> [Bank; 2] {
        let received = (0..BANK).map(|_| frames::random(&mut self.rng, setting, Toward::Vip)).collect();
        let left = (0..BANK).map(|_| leaving(&mut self.rng, setting, cluster)).collect();
        [Bank::new(Side::Rx, received), Bank::new(Side::Tx, left)]
    }

    fn send(&mut self, banks: &[Bank; 2], clocks: usize) {
        let pace = pick(&mut self.rng, &[(2, Pace::Full), (1, Pace::Gaps), (2, Pace::Mixed)]);
        for bank in banks {
            bank.send(&mut self.rig, &mut self.rng, pace, clocks);
        }
    }

    fn round(&mut self) {
        let setting = configs::random(&mut self.rng);
        self.set_masked();
        if !self.rig.nic.active().configured() {
            // What comes before the first COMMIT.
            let cluster = self.set_cluster();
            let banks = self.banks(&setting, cluster);
            self.send(&banks, 1000);
            self.rig.settle();
        }
        // Every fifth configuration comes into force fenced.
        let until = if chance(&mut self.rng, 20) { self.rig.now() } else { self.rig.now() + LONG };
        self.commit(&setting, until);
        let cluster = self.set_cluster();
        let banks = self.banks(&setting, cluster);
        self.rig.settle();
        flows::list(&mut self.rig, &mut self.rng, &banks[0]);
        for _ in 0..STEPS {
            let happening = pick(&mut self.rng, &HAPPENINGS);
            // A COMMIT with its load takes that long.
            let clocks = if happening == Happening::Commit { 16_000 } else { 4000 };
            self.send(&banks, clocks);
            self.rig.rtl.run(self.rng.u64(1..1500));
            self.happen(happening, &setting, &banks[0]);
            if happening == Happening::Reset {
                return;
            }
            self.rig.settle();
        }
        self.rig.check_counters();
        self.rig.set_time(self.rig.now() + self.rng.u64(..100_000));
    }

    fn happen(&mut self, happening: Happening, setting: &Setting, received: &Bank) {
        let place = HAPPENINGS.iter().position(|(_, known)| *known == happening).expect("it is listed");
        self.happened[place] += 1;
        match happening {
            Happening::Nothing => {}
            Happening::Commit => {
                // The virtual IPs stay, so that the same frames meet other rules, keys and maps.
                let next = setting.beside(&mut self.rng);
                let until = self.rig.now() + if chance(&mut self.rng, 20) { 0 } else { LONG };
                self.commit(&next, until);
            }
            Happening::Fence => {
                let until = self.rig.nic.lease_until().max(self.rig.now() + 1);
                self.rig.change(|rig| rig.set_time(until));
            }
            Happening::Renewal => {
                self.rig.stage_deadline(self.rig.now() + self.rng.u64(1..LONG));
                // A fenced NIC refuses it, and stays so.
                let _ = self.rig.write(at(RegId::Renew), 0);
            }
            Happening::Flows => {
                for _ in 0..4 {
                    flows::happen(&mut self.rig, &mut self.rng, received);
                }
            }
            Happening::ClusterMac => {
                self.set_cluster();
            }
            Happening::Snapshot => {
                self.rig.write(at(RegId::Snapshot), 0).expect("none is under way");
                self.rig.await_snapshot();
            }
            Happening::Reset => self.rig.reset(),
        }
    }
}

fn leaving(rng: &mut Rng, setting: &Setting, cluster: Mac) -> Shot {
    let shot = frames::random(rng, setting, Toward::Client);
    if chance(rng, 50) || shot.bytes.len() < 12 {
        return shot;
    }
    let mut bytes = shot.bytes.to_vec();
    bytes[6..12].copy_from_slice(&cluster.0);
    if chance(rng, 20) {
        bytes[6 + rng.usize(..6)] ^= 1 << rng.u32(..8);
    }
    Shot { bytes: bytes.into(), ..shot }
}

fn every_frame_fares_as_the_spec_says_whatever_happens_meanwhile(width: Width) {
    let clocks = if long() { 20 * CLOCKS } else { CLOCKS };
    let rig = Rig::new(width, "storm", 1 << 40);
    let mut storm = Storm { rig, rng: rng("storm", 0), epoch: 0, happened: Default::default() };
    let began = Instant::now();
    for round in 0.. {
        if storm.rig.clocks() >= clocks {
            break;
        }
        storm.rng = rng("storm", round);
        storm.rig.relabel(format!("storm, round {round}"));
        storm.round();
    }
    storm.rig.check_heat();
    storm.rig.coverage.demand_all();
    let seconds = began.elapsed().as_secs_f64();
    println!("{width} bit: {} clocks in {seconds:.0} s, latency {:?}", storm.rig.clocks(), storm.rig.latency);
    for ((_, happening), count) in HAPPENINGS.iter().zip(storm.happened) {
        println!("{width} bit: {count} times {happening:?} while frames streamed");
        assert!(count > 0, "{happening:?} never happened");
    }
}

at_each_width!(every_frame_fares_as_the_spec_says_whatever_happens_meanwhile);
