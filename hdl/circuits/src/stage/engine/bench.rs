//! How an engine is tested: both banks filled over the load bus, the second while headers go by the first; headers at
//! random distances, back to back among them, operands there for one clock alone; the result at its clock and until the
//! next, against what the specification says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rust_hdl::prelude::*;
use weir_spec::config::{Config, DefaultRule};
use weir_spec::map::MapRef;
use weir_spec::regs::{self, codec};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

/// A word on the load bus.
pub(super) struct Word {
    pub(super) block: &'static str,
    pub(super) entry: u64,
    pub(super) reg: u64,
    pub(super) data: u64,
}

fn words(config: &Config) -> Vec<Word> {
    let word = |(offset, data): (u32, u32)| {
        let (block, reg, entry) = regs::find(offset).expect("a register");
        let reg = block.regs.iter().position(|other| other.id == reg.id).expect("a register of its block");
        Word { block: block.name, entry: entry.into(), reg: reg as u64, data: data.into() }
    };
    codec::encode(config).into_iter().map(word).collect()
}

/// A configuration whose entries are near each other.
fn configure(random: &mut Random) -> Config {
    let mut config = Config::default();
    for vip in &mut config.vips {
        let short = IpAddr::V4(Ipv4Addr::from_bits(random.next() as u32));
        let long = IpAddr::V6(Ipv6Addr::from_bits(random.wide()));
        *vip = [None, Some(short), Some(long), Some(long)][random.below(4)];
    }
    // The same twice: the first counts. And the upper words of one family in the other.
    config.vips[11] = config.vips[5];
    config.vips[13] = config.vips[2].map(|vip| match vip {
        IpAddr::V4(v4) => Ipv6Addr::from_bits(u128::from(v4.to_bits()) << 96).into(),
        IpAddr::V6(v6) => Ipv4Addr::from_bits((v6.to_bits() >> 96) as u32).into(),
    });
    for rule in &mut config.rules {
        let near = 1000 + random.below(40) as u16;
        let ports = [(near, near), (near, near + 9), (0, near), (near, 65535), (near + 1, near)][random.below(5)];
        *rule = (random.below(8) > 0).then(|| Rule {
            vip: if random.below(4) == 0 { VipSelect::All } else { VipSelect::One(random.below(16) as u8) },
            first_port: ports.0,
            last_port: ports.1,
            protocol: [Protocol::Tcp, Protocol::Udp, Protocol::Both][random.below(3)],
            affinity: Affinity::from_bits(random.below(3) as u32),
            map: MapRef::from_bits(random.below(68) as u32),
        });
    }
    config.default_rule = DefaultRule {
        affinity: Affinity::from_bits(random.below(3) as u32),
        map: MapRef::from_bits(random.below(68) as u32),
    };
    let mut key = || std::array::from_fn(|_| random.next() as u8);
    (config.hash_key, config.flow_key) = (key(), key());
    config
}

/// The same numbers each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    pub(super) fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 88 ^ u128::from(self.next()) << 44 ^ u128::from(self.next())
    }
}

/// `Bits` of more than 64 bits.
pub(super) fn wide<const N: usize>(value: u128) -> Bits<N> {
    value.to_bits()
}

/// A circuit under test.
pub(super) trait Engine: Block + Default {
    /// Operands of a header.
    type Header;
    /// What comes out.
    type Outcome: PartialEq + std::fmt::Debug + Clone;
    /// Clocks between headers at least.
    const STEPS: usize;
    /// Clocks to the result.
    const LATENCY: usize;

    fn edge(&mut self);
    /// Drives the load bus; whether the word is for this engine.
    fn load(&mut self, word: Option<&Word>, bank: bool) -> bool;
    fn busy(&self) -> bool;
    fn drive(&mut self, valid: bool, bank: bool, header: &Self::Header);
    fn outcome(&self) -> Self::Outcome;
    fn header(random: &mut Random, banks: &[Config; 2]) -> Self::Header;
    fn wanted(bank: &Config, header: &Self::Header) -> Self::Outcome;
}

/// Runs `headers` headers through an engine as the module says.
pub(super) fn exercise<E: Engine>(headers: usize) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let banks = [configure(&mut random), configure(&mut random)];
    let mut uut = E::default();
    uut.connect_all();
    let mut loads: Vec<(usize, Word)> =
        (0..2).rev().flat_map(|bank| words(&banks[bank]).into_iter().rev().map(move |word| (bank, word))).collect();
    let mut due = std::collections::VecDeque::new();
    let mut standing: Option<E::Outcome> = None;
    let (mut free_at, mut next_word, mut sent, mut seen) = (0, 0, 0, 0);
    let mut clock = 0;
    while seen < headers {
        // Which banks are whole.
        let whole = 2 - loads.last().map_or(0, |(bank, _)| 2 - bank);
        let settled = clock > next_word + 40;
        if clock >= next_word && !uut.busy() {
            uut.load(None, false);
            while let Some((bank, word)) = loads.pop() {
                // The next bank only once the first has been used.
                if bank == 1 && sent < headers / 3 {
                    loads.push((bank, word));
                    break;
                }
                if uut.load(Some(&word), bank == 1) {
                    next_word = clock + 4;
                    break;
                }
            }
        } else {
            uut.load(None, random.below(2) == 1);
        }
        let both = loads.is_empty() && settled;
        let ready = whole > 0 && (settled || sent > 0);
        let start = clock >= free_at && ready && sent < if both { headers } else { headers / 2 };
        let header = E::header(&mut random, &banks);
        let bank = usize::from(both && random.below(2) == 1);
        uut.drive(start, if start { bank == 1 } else { random.below(2) == 1 }, &header);
        if start {
            due.push_back((clock + E::LATENCY, E::wanted(&banks[bank], &header)));
            free_at = clock + E::STEPS + [0, 0, 0, 1, 2, 7, 30][random.below(7)];
            sent += 1;
        }
        uut.edge();
        clock += 1;
        if let Some((at, _)) = due.front() {
            if *at == clock {
                standing = due.pop_front().map(|(_, outcome)| outcome);
                seen += 1;
            }
        }
        if let Some(wanted) = &standing {
            assert_eq!(&uut.outcome(), wanted, "header {seen} at clock {clock}");
        }
    }
    assert!(loads.is_empty(), "both banks were filled");
}

/// Implements the clock of [`Engine`].
macro_rules! edge {
    () => {
        fn edge(&mut self) {
            crate::bench::step!(*self);
        }
    };
}

pub(super) use edge;
