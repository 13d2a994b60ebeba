//! Key, number of the start and window against a flash at its pins.

use super::super::model::{Nor, ID};
use super::*;
use crate::bench::step;
use weir_spec::board::MARKS;

const MAP: FlashMap = FlashMap { primary: (0, 0x7d), installed: 0x7f, key: 0x7e, places: 2, marks: 1 };
const BASE: u32 = 0x7e0000;
const KEY: [u8; 16] = *b"sixteen octets!!";

struct Bench {
    circuit: BoardFlash<1, 5>,
    nor: Nor,
}

fn to_bits(octets: [u8; 16]) -> Bits<128> {
    octets.iter().rev().fold(0.into(), |bits: Bits<128>, octet| bits << 8 | u64::from(*octet))
}

/// A key as it is kept.
fn kept(key: [u8; 16]) -> Vec<u8> {
    key.into_iter().chain(key.map(|octet| !octet)).collect()
}

impl Bench {
    /// A board that is started with this flash, until all is known.
    fn start(nor: Nor) -> Bench {
        let mut circuit = BoardFlash::new(MAP);
        circuit.connect_all();
        let mut bench = Bench { circuit, nor };
        bench.circuit.reset.next = true;
        (0..3).for_each(|_| bench.clock());
        bench.circuit.reset.next = false;
        bench.until("it is ready", |circuit| circuit.key_ready.val());
        bench
    }

    fn clock(&mut self) {
        let c = &mut self.circuit;
        c.spi_miso.next = self.nor.pin(c.spi_cs_n.val(), c.spi_clock.val(), c.spi_mosi.val());
        step!(*c);
    }

    fn until(&mut self, what: &str, is: impl Fn(&BoardFlash<1, 5>) -> bool) {
        for _ in 0..200_000 {
            if is(&self.circuit) {
                return;
            }
            self.clock();
        }
        panic!("{what}: never");
    }

    fn key(&self) -> Option<[u8; 16]> {
        let key = self.circuit.key.val();
        self.circuit.key_there.val().then(|| std::array::from_fn(|at| key.get_bits::<8>(8 * at).to_u64() as u8))
    }

    fn boot(&self) -> Option<u64> {
        self.circuit.boot_there.val().then(|| self.circuit.boot.val().to_u64())
    }

    /// Whether the key was kept.
    fn store(&mut self, key: [u8; 16]) -> bool {
        self.circuit.store.next = true;
        self.circuit.store_key.next = to_bits(key);
        self.clock();
        self.circuit.store.next = false;
        self.circuit.store_key.next = 0.into();
        self.until("kept or not", |circuit| circuit.stored.val() || circuit.store_failed.val());
        let stored = self.circuit.stored.val();
        self.clock();
        assert!(!self.circuit.stored.val() && !self.circuit.store_failed.val(), "said once");
        stored
    }

    /// A command of the host; whether it was let through.
    fn command(&mut self, opcode: u64, address: u32, count: u64) -> bool {
        self.circuit.w_opcode.next = opcode.into();
        self.circuit.w_address.next = u64::from(address).into();
        self.circuit.w_count.next = count.into();
        self.clock();
        let lawful = self.circuit.w_lawful.val();
        self.circuit.w_go.next = true;
        self.clock();
        self.circuit.w_go.next = false;
        self.clock();
        assert_eq!(self.circuit.w_busy.val(), lawful);
        self.until("it is not busy", |circuit| !circuit.w_busy.val());
        lawful
    }

    fn put(&mut self, octets: &[u8]) {
        for (at, word) in octets.chunks(4).enumerate() {
            let mut four = [0; 4];
            four[..word.len()].copy_from_slice(word);
            self.circuit.w_we.next = true;
            self.circuit.w_at.next = at.to_bits();
            self.circuit.w_data.next = u32::from_le_bytes(four).to_bits();
            self.clock();
        }
        self.circuit.w_we.next = false;
    }

    fn get(&mut self, count: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        for at in 0..count.div_ceil(4) {
            self.circuit.w_at.next = at.to_bits();
            (0..2).for_each(|_| self.clock());
            octets.extend((self.circuit.w_word.val().to_u64() as u32).to_le_bytes());
        }
        octets.truncate(count);
        octets
    }

    fn idle(&mut self) {
        while self.command(0x05, 0, 1) && self.get(1)[0] & 1 == 1 {}
    }
}

#[test]
fn it_emits_clean_verilog() {
    let map = FlashMap::new(0, 0x7f0000, 0x7e0000, &[0x800000]);
    crate::emit(&mut BoardFlash::<3, 23>::new(map), "board_flash").expect("nothing that Verilog takes otherwise");
}

#[test]
fn each_start_has_the_next_number_until_there_are_no_more() {
    let mut nor = Nor::slow(300);
    for number in 0..10 {
        let bench = Bench::start(nor);
        assert_eq!(bench.boot(), (number < 8).then_some(number), "start {number}");
        assert_eq!(bench.key(), None);
        assert!(bench.nor.unheard >= 32, "{} clocks before the flash is selected", bench.nor.unheard);
        nor = bench.nor.restarted();
    }
    assert_eq!((nor.octet(BASE + MARKS), nor.octets.len()), (0, 1));
}

#[test]
fn a_number_follows_the_highest_bit_whatever_is_below_and_is_none_if_its_bit_does_not_hold() {
    let mut nor = Nor::default();
    nor.put(BASE + MARKS, &[0xef]);
    let bench = Bench::start(nor.clone());
    assert_eq!(bench.boot(), Some(5));
    nor.stuck.insert(BASE + MARKS, 1 << 5);
    let bench = Bench::start(nor.clone());
    assert_eq!((bench.boot(), bench.circuit.key_ready.val()), (None, true));
    // A flash that is always busy, or none: no number, no key, but an end.
    nor.stuck.clear();
    let mut bench = Bench::start(Nor::default());
    bench.nor = Nor::slow(u64::MAX);
    assert!(bench.command(0x06, 0, 0) && bench.command(0xd8, 0, 0));
    let bench = Bench::start(bench.nor);
    assert_eq!((bench.boot(), bench.key()), (None, None));
}

#[test]
fn a_key_is_kept_once_and_read_at_each_start() {
    let mut bench = Bench::start(Nor::slow(100));
    assert!(bench.store(KEY));
    assert_eq!(bench.key(), Some(KEY));
    let held: Vec<u8> = (0..33).map(|at| bench.nor.octet(BASE + at)).collect();
    assert_eq!(held, [kept(KEY), vec![0xff]].concat());
    assert!(!bench.store([7; 16]), "there is one");
    let mut bench = Bench::start(bench.nor);
    assert_eq!((bench.key(), bench.boot()), (Some(KEY), Some(1)));
    assert!(!bench.store([7; 16]), "there is one");
    assert_eq!(bench.key(), Some(KEY));
}

#[test]
fn a_key_that_is_torn_is_none_and_the_next_place_takes_one() {
    for after in [0, 15, 31] {
        let mut bench = Bench::start(Nor::default());
        bench.nor.torn_after = Some(after);
        assert!(!bench.store(KEY), "torn after {after}, and told");
        assert_eq!(bench.key(), None);
        let mut bench = Bench::start(bench.nor.restarted());
        assert_eq!((bench.key(), bench.boot()), (None, Some(1)), "torn after {after}");
        assert!(bench.store([0x5a; 16]));
        assert_eq!(Bench::start(bench.nor).key(), Some([0x5a; 16]));
    }
}

#[test]
fn a_key_that_is_misread_is_read_again_and_only_a_torn_one_is_passed_over() {
    let keyed = |misreads| {
        let mut nor = Nor::slow(300);
        nor.put(BASE, &kept(KEY));
        nor.misreads = misreads;
        nor
    };
    for misreads in 0..4 {
        let mut bench = Bench::start(keyed(misreads));
        assert_eq!((bench.key(), bench.boot()), (Some(KEY), Some(0)), "{misreads} misreads");
        assert!(!bench.store([1; 16]), "there is one");
    }
    // What reads wrong four times is taken for torn.
    let bench = Bench::start(keyed(4));
    assert_eq!(bench.key(), None);
}

#[test]
fn the_first_whole_key_counts_and_without_a_place_none_is_taken() {
    let mut nor = Nor::default();
    nor.put(BASE, &[0; 32]);
    nor.put(BASE + 32, &kept(KEY));
    assert_eq!(Bench::start(nor.clone()).key(), Some(KEY));
    nor.put(BASE, &kept([9; 16]));
    assert_eq!(Bench::start(nor.clone()).key(), Some([9; 16]));
    // Behind an erased place nothing is looked at.
    nor.octets.retain(|at, _| *at >= BASE + 32);
    assert_eq!(Bench::start(nor.clone()).key(), None);
    (0..2).for_each(|place| nor.put(BASE + 32 * place, &[0x7f]));
    let mut bench = Bench::start(nor);
    assert_eq!(bench.key(), None);
    assert!(!bench.store(KEY));
    // A worn cell in the last place: then there is none left.
    let mut nor = Nor::default();
    nor.put(BASE, &[0x7f]);
    nor.stuck.insert(BASE + 32 + 3, 0x04);
    let mut bench = Bench::start(nor);
    assert!(!bench.store([0; 16]));
    let tries = bench.nor.done.len();
    assert!(!bench.store(KEY));
    assert_eq!((bench.nor.done.len(), bench.key()), (tries, None));
}

#[test]
fn the_host_reads_erases_and_programs_pages() {
    let mut bench = Bench::start(Nor::slow(200));
    assert!(bench.command(0x9f, 0, 3));
    assert_eq!(bench.get(3), ID);
    let octets: Vec<u8> = (0..256).map(|at| (at * 7 + 3) as u8).collect();
    bench.put(&octets);
    assert!(bench.command(0x06, 0, 0) && bench.command(0x02, 0x012300, 256));
    bench.idle();
    bench.put(&[0; 256]);
    assert!(bench.command(0x03, 0x012300, 256));
    assert_eq!(bench.get(256), octets);
    // A part of a page, to and from the first word of the buffer.
    bench.put(&[0xaa, 0xbb, 0xcc]);
    assert!(bench.command(0x06, 0, 0) && bench.command(0x02, 0x7f00fd, 3));
    bench.idle();
    assert!(bench.command(0x03, 0x7f00fc, 4));
    assert_eq!(bench.get(4), [0xff, 0xaa, 0xbb, 0xcc]);
    assert!(bench.command(0x06, 0, 0) && bench.command(0xd8, 0x01ffff, 0));
    bench.idle();
    assert!(bench.command(0x03, 0x012300, 5));
    assert_eq!(bench.get(5), [0xff; 5]);
    assert_eq!(bench.nor.done[1..], [(0x02, 0x012300), (0x02, 0x7f00fd), (0xd8, 0x010000)]);
}

#[test]
fn what_the_guard_refuses_does_not_reach_the_flash() {
    let mut bench = Bench::start(Nor::default());
    let before = bench.nor.done.len();
    assert!(bench.command(0x06, 0, 0));
    for address in [0x800000, 0xffff00, 0x7e0000, 0x7e1000] {
        assert!(!bench.command(0x02, address, 16) && !bench.command(0xd8, address, 0), "{address:#x}");
    }
    assert!(!bench.command(0x03, 0x7e0000, 16) && !bench.command(0x03, 0x7dff80, 256), "the key is not read");
    assert!(!bench.command(0x01, 0, 1) && !bench.command(0xc7, 0, 0) && !bench.command(0x06, 0, 1));
    assert_eq!(bench.nor.done.len(), before);
}

#[test]
fn a_key_is_kept_while_the_host_uses_the_flash() {
    let mut bench = Bench::start(Nor::slow(20));
    bench.circuit.w_opcode.next = 0x03.into();
    bench.circuit.w_address.next = 0x000100.into();
    bench.circuit.w_count.next = 9.into();
    bench.nor.put(0x000100, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    bench.clock();
    bench.circuit.w_go.next = true;
    bench.clock();
    bench.circuit.w_go.next = false;
    (0..60).for_each(|_| bench.clock());
    assert!(bench.store(KEY), "behind the command that is under way");
    bench.until("it is not busy", |circuit| !circuit.w_busy.val());
    assert_eq!((bench.get(9), bench.key()), (vec![1, 2, 3, 4, 5, 6, 7, 8, 9], Some(KEY)));
}
