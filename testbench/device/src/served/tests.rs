//! Served NICs as hosts see them, over the socket. `WEIR_ENGINE=rtl` tries the circuits instead of the specification.

mod faults;
mod interrupts;
mod window;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use tempfile::TempDir;
use vfio_bindings::bindings::vfio::{VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX};
use weir_nic::Bar;
use weir_nic::socket::SocketBar;
use weir_spec::Micros;
use weir_spec::regs::{self, RegId};

use super::*;

const BAR0: u32 = VFIO_PCI_BAR0_REGION_INDEX;
const CONFIG: u32 = VFIO_PCI_CONFIG_REGION_INDEX;

/// A served NIC in a folder of its own.
struct Bench {
    served: Served,
    dir: TempDir,
}

impl Bench {
    fn new(serving: Serving) -> Bench {
        let dir = tempfile::tempdir().expect("a folder");
        let served = Served::start(&dir.path().join("nic.sock"), engine(), serving).expect("a fresh path");
        Bench { served, dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("nic.sock")
    }

    fn open(&self) -> SocketBar {
        SocketBar::open(&self.path()).expect("a device that answers")
    }

    /// A client that says what it likes, with the memory of the function on and interrupts allowed.
    fn raw(&self) -> Raw {
        let mut raw = Raw(vfio_user::Client::new(&self.path()).expect("a device that answers"));
        raw.0.region_write(CONFIG, 4, &[6, 0]).expect("an answer");
        raw
    }
}

fn engine() -> EngineKind {
    std::env::var("WEIR_ENGINE").map_or(EngineKind::Spec, |name| name.parse().expect("an engine"))
}

struct Raw(vfio_user::Client);

impl Raw {
    fn read(&mut self, region: u32, offset: u32) -> u32 {
        let mut word = [0; 4];
        self.0.region_read(region, offset.into(), &mut word).expect("an answer");
        u32::from_le_bytes(word)
    }

    fn write(&mut self, region: u32, offset: u32, value: u32) {
        self.0.region_write(region, offset.into(), &value.to_le_bytes()).expect("an answer");
    }

    /// Where the capability with this id begins.
    fn capability(&mut self, id: u32) -> u32 {
        assert_eq!(self.read(CONFIG, 4) >> 20 & 1, 1, "there is a list of capabilities");
        let mut at = self.read(CONFIG, 0x34) & 0xff;
        while at != 0 {
            let word = self.read(CONFIG, at);
            if word & 0xff == id {
                return at;
            }
            at = word >> 8 & 0xff;
        }
        panic!("there is no capability {id:#x}");
    }
}

/// Reads and writes of registers, however they travel.
trait Registers {
    fn get(&mut self, id: RegId) -> u32;
    fn put(&mut self, id: RegId, value: u32);

    fn time(&mut self) -> Micros {
        let low = self.get(RegId::NicTimeLo);
        Micros::from(self.get(RegId::NicTimeHi)) << 32 | Micros::from(low)
    }

    /// Commits an empty program with a lease of `span` microseconds.
    fn lease(&mut self, span: Micros) {
        self.commit(span);
        while self.status("busy") {}
    }

    /// Begins to.
    fn commit(&mut self, span: Micros) {
        let until = self.time() + span;
        self.put(RegId::LeaseNextLo, until as u32);
        self.put(RegId::LeaseNextHi, (until >> 32) as u32);
        self.put(RegId::Commit, 1);
        assert_eq!(self.get(RegId::RefusedCount), 0);
    }

    fn status(&mut self, field: &str) -> bool {
        regs::reg(RegId::Status).field(field).get(self.get(RegId::Status)) == 1
    }

    fn fenced(&mut self) -> bool {
        self.status("fenced")
    }
}

impl Registers for SocketBar {
    fn get(&mut self, id: RegId) -> u32 {
        self.read32(regs::address(id, 0)).expect("a register")
    }

    fn put(&mut self, id: RegId, value: u32) {
        self.write32(regs::address(id, 0), value).expect("a register");
    }
}

impl Registers for Raw {
    fn get(&mut self, id: RegId) -> u32 {
        self.read(BAR0, regs::address(id, 0))
    }

    fn put(&mut self, id: RegId, value: u32) {
        self.write(BAR0, regs::address(id, 0), value);
    }
}

#[test]
fn a_function_level_reset_by_configuration_fences_and_keeps_the_time() {
    let bench = Bench::new(Serving::default());
    let mut raw = bench.raw();
    let express = raw.capability(0x10);
    assert_eq!(raw.read(CONFIG, express + 4) >> 28 & 1, 1, "it says that it can");
    raw.lease(60_000_000);
    raw.put(RegId::Scratch, 7);
    assert!(!raw.fenced());
    let before = raw.time();

    raw.0.region_write(CONFIG, u64::from(express) + 8, &[0, 0x80]).expect("an answer");
    assert_eq!(raw.get(RegId::Magic), u32::MAX, "memory is off, as after any reset");
    assert_eq!(raw.read(CONFIG, 4) & 0xffff, 0);
    assert_eq!(raw.read(CONFIG, express + 8) >> 15 & 1, 0, "the bit reads zero");
    raw.write(CONFIG, 4, 2);
    assert!(raw.fenced());
    assert_eq!((raw.get(RegId::Scratch), raw.get(RegId::EpochActive)), (0, 0));
    let after = raw.time();
    assert!((before..before + 60_000_000).contains(&after), "{before} {after}");
}

#[test]
fn frames_are_handed_over_one_by_one() {
    let bench = Bench::new(Serving::default());
    let mut arp = vec![0xff; 6];
    arp.extend([2, 0, 0, 0, 0, 1, 8, 6]);
    let got = bench.served.inject_rx(arp.clone()).expect("a live engine").expect("ARP passes");
    assert_eq!((&got[..14], got.len()), (&arp[..], 60));
    arp[6..12].copy_from_slice(&[0, 1, 2, 3, 4, 5]);
    assert!(bench.served.inject_tx(arp).expect("a live engine").is_some());
    assert_eq!(bench.served.inject_rx(vec![0xff; MAX_FRAME + 1]).expect("a live engine"), None);
    assert_eq!(bench.served.epoch().expect("a live engine"), 0);
    bench.open().lease(0);
    assert_eq!(bench.served.epoch().expect("a live engine"), 1);
}

#[test]
fn dropping_it_serves_nobody_and_leaves_the_path_to_the_next() {
    let bench = Bench::new(Serving::default());
    let (path, mut open) = (bench.path(), bench.open());
    open.flush().expect("a read");
    let Bench { served, dir } = bench;
    let other = served.clone();
    drop(served);
    open.flush().expect("somebody still has it");
    drop(other);
    assert!(!path.exists());
    assert!(UnixStream::connect(&path).is_err());
    assert!(open.flush().is_err(), "an open connection ends with its next message");
    let served = Served::start(&path, EngineKind::Spec, Serving::default()).expect("the path is free");
    let bench = Bench { served, dir };
    bench.open().flush().expect("a read");
}

#[test]
fn any_thread_may_use_it() {
    fn shared<T: Send + Sync>() {}
    shared::<Served>();
}
