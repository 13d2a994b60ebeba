//! Which virtual IP an address is: the first of 16 entries that fits.
//!
//! An entry is family, valid and 128 bits of address. Its words come in their order, and the last writes them all. IPv4
//! compares its 32 bits and the family alone. Latency: [`latency`]. Twin:
//! `weir_spec::classify::Classifier::vip`.

use rust_hdl::prelude::*;

use super::steps::{Place, Steps};
use crate::cell::lut_ram::LutRam;

/// Clocks from `s_valid` to the result.
pub const fn latency(steps: usize) -> usize {
    steps + 4
}

/// Virtual IPs of arriving frames at 64 bit.
pub type Vips64 = Vips<4, 4, 3, 7, 2>;
/// Virtual IPs of leaving frames at 64 bit.
pub type SlowVips64 = Vips<2, 8, 4, 11, 2>;
/// Virtual IPs at 512 bit.
pub type Vips512 = Vips<16, 1, 1, 4, 3>;

/// One lane: an entry a clock against the address. `m_hit` three clocks after the entry's address.
///
/// `T` bits are compared in a table: two where it has four inputs, three where it has six.
#[derive(LogicBlock)]
pub struct VipLane<const A: usize, const T: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write an entry.
    pub we: Signal<In, Bit>,
    /// Where.
    pub waddr: Signal<In, Bits<A>>,
    /// What: family, valid, the address with its first octet on top.
    pub wdata: Signal<In, Bits<130>>,
    /// Entry to compare with.
    pub raddr: Signal<In, Bits<A>>,
    /// Virtual IPs count at all.
    pub s_live: Signal<In, Bit>,
    /// The address is IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// The address, first octet on top.
    pub s_address: Signal<In, Bits<128>>,
    /// They are the same.
    pub m_hit: Signal<Out, Bit>,
    entries: LutRam<130, A>,
    differ: [DFF<Bits<32>>; 4],
    same: [DFF<Bit>; 4],
    kind: DFF<Bit>,
    kind_then: DFF<Bit>,
    short: DFF<Bit>,
    short_then: DFF<Bit>,
    hit: DFF<Bit>,
    bits: [Signal<Local, Bits<32>>; 4],
    entry: Signal<Local, Bits<130>>,
    firsts: Constant<Bits<32>>,
    thirds: Constant<Bits<32>>,
    rest: Signal<Local, Bit>,
}

impl<const A: usize, const T: usize> Default for VipLane<A, T> {
    fn default() -> Self {
        assert!(T == 2 || T == 3, "a table compares two or three bits, not {T}");
        VipLane {
            clock: Default::default(),
            we: Default::default(),
            waddr: Default::default(),
            wdata: Default::default(),
            raddr: Default::default(),
            s_live: Default::default(),
            s_ipv6: Default::default(),
            s_address: Default::default(),
            m_hit: Default::default(),
            entries: Default::default(),
            differ: Default::default(),
            same: Default::default(),
            kind: Default::default(),
            kind_then: Default::default(),
            short: Default::default(),
            short_then: Default::default(),
            hit: Default::default(),
            bits: Default::default(),
            entry: Default::default(),
            firsts: Constant::new((0..32).step_by(T).map(|bit| 1 << bit).sum::<u64>().into()),
            thirds: Constant::new(if T == 3 { u32::MAX } else { 0 }.to_bits()),
            rest: Default::default(),
        }
    }
}

impl<const A: usize, const T: usize> Logic for VipLane<A, T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, kind, kind_then, short, short_then, hit);
        clock!(self, clock, entries);
        self.entries.we.next = self.we.val();
        self.entries.waddr.next = self.waddr.val();
        self.entries.wdata.next = self.wdata.val();
        self.entries.raddr.next = self.raddr.val();
        self.entry.next = self.entries.rdata.val();
        self.kind.d.next =
            self.entry.val().get_bit(128) & (self.entry.val().get_bit(129) == self.s_ipv6.val()) & self.s_live.val();
        self.short.d.next = !self.s_ipv6.val();
        // What a table compares is one register: a half or a third of the bits.
        for i in 0..4 {
            self.bits[i].next =
                self.entry.val().get_bits::<32>(96 - i * 32) ^ self.s_address.val().get_bits::<32>(96 - i * 32);
            self.differ[i].clock.next = self.clock.val();
            self.differ[i].d.next = self.firsts.val()
                & (self.bits[i].val() | (self.bits[i].val() >> 1) | ((self.bits[i].val() >> 2) & self.thirds.val()));
            self.same[i].clock.next = self.clock.val();
            self.same[i].d.next = self.differ[i].q.val() == 0;
        }
        self.kind_then.d.next = self.kind.q.val();
        self.short_then.d.next = self.short.q.val();
        self.rest.next = self.short_then.q.val() | (self.same[1].q.val() & self.same[2].q.val() & self.same[3].q.val());
        self.hit.d.next = self.kind_then.q.val() & self.same[0].q.val() & self.rest.val();
        self.m_hit.next = self.hit.q.val();
    }
}

/// See the module. `STEPS * LANES` is 16; `A` and `N` are derived: `log2(2 * STEPS)` and `STEPS + 3`. `T` as in
/// [`VipLane`].
#[derive(LogicBlock)]
pub struct Vips<const LANES: usize, const STEPS: usize, const A: usize, const N: usize, const T: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word for a virtual IP.
    pub load_vip: Signal<In, Bit>,
    /// Which entry.
    pub load_entry: Signal<In, Bits<6>>,
    /// Which word of it: control, then the address from its first octets on; in this order.
    pub load_reg: Signal<In, Bits<3>>,
    /// The word.
    pub load_data: Signal<In, Bits<32>>,
    /// Bank that is filled.
    pub load_bank: Signal<In, Bit>,
    /// An address is there.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// Virtual IPs count at all: something was committed.
    pub s_live: Signal<In, Bit>,
    /// It is IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// First octet on top; IPv4 in the upper 32 bits.
    pub s_address: Signal<In, Bits<128>>,
    /// It is a virtual IP.
    pub m_hit: Signal<Out, Bit>,
    /// Index of the first that it is; anything without a hit.
    pub m_index: Signal<Out, Bits<4>>,
    steps: Steps<STEPS, A, N>,
    place: Place<LANES, A>,
    lanes: [VipLane<A, T>; LANES],
    writes: [DFF<Bit>; LANES],
    waddr: DFF<Bits<A>>,
    wdata: DFF<Bits<130>>,
    live: DFF<Bit>,
    ipv6: DFF<Bit>,
    address: DFF<Bits<128>>,
    base: DFF<Bits<4>>,
    found: DFF<Bit>,
    first: DFF<Bits<4>>,
    hit: DFF<Bit>,
    index: DFF<Bits<4>>,
    stride: Constant<Bits<4>>,
    here: Signal<Local, Bits<6>>,
    after: Signal<Local, Bits<N>>,
    hits: Signal<Local, Bits<16>>,
    some: [Signal<Local, Bit>; 4],
    quad: [Signal<Local, Bits<4>>; 4],
    of_quad: [Signal<Local, Bits<4>>; 4],
    any_lane: Signal<Local, Bit>,
    lane: Signal<Local, Bits<4>>,
    any: Signal<Local, Bit>,
    best: Signal<Local, Bits<4>>,
}

impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize, const T: usize> Default
    for Vips<LANES, STEPS, A, N, T>
{
    fn default() -> Self {
        assert!(LANES * STEPS == 16, "{LANES} lanes do not see 16 entries in {STEPS} steps");
        assert!(N == STEPS + 3, "{STEPS} steps take {} pulses", STEPS + 3);
        Vips {
            clock: Default::default(),
            load_vip: Default::default(),
            load_entry: Default::default(),
            load_reg: Default::default(),
            load_data: Default::default(),
            load_bank: Default::default(),
            s_valid: Default::default(),
            s_bank: Default::default(),
            s_live: Default::default(),
            s_ipv6: Default::default(),
            s_address: Default::default(),
            m_hit: Default::default(),
            m_index: Default::default(),
            steps: Default::default(),
            place: Default::default(),
            lanes: std::array::from_fn(|_| Default::default()),
            writes: std::array::from_fn(|_| Default::default()),
            waddr: Default::default(),
            wdata: Default::default(),
            live: Default::default(),
            ipv6: Default::default(),
            address: Default::default(),
            base: Default::default(),
            found: Default::default(),
            first: Default::default(),
            hit: Default::default(),
            index: Default::default(),
            stride: Constant::new((LANES as u64 % 16).into()),
            here: Default::default(),
            after: Default::default(),
            hits: Default::default(),
            some: Default::default(),
            quad: Default::default(),
            of_quad: Default::default(),
            any_lane: Default::default(),
            lane: Default::default(),
            any: Default::default(),
            best: Default::default(),
        }
    }
}

// One branch for all that a load moves: it is hardly ever taken.
#[allow(clippy::collapsible_if)]
impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize, const T: usize> Logic
    for Vips<LANES, STEPS, A, N, T>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waddr, wdata, live, ipv6, address, base, found, first, hit, index);
        clock!(self, clock, steps);
        self.place.s_entry.next = self.load_entry.val();
        self.place.s_bank.next = self.load_bank.val();
        if self.load_vip.val() {
            self.waddr.d.next = self.place.m_address.val();
            self.wdata.d.next = (self.wdata.q.val() << 32) | bit_cast::<130, 32>(self.load_data.val());
        }
        self.here.next = 0.into();

        self.steps.s_valid.next = self.s_valid.val();
        self.steps.s_bank.next = self.s_bank.val();
        self.after.next = self.steps.m_after.val();
        if self.s_valid.val() {
            self.live.d.next = self.s_live.val();
            self.ipv6.d.next = self.s_ipv6.val();
            self.address.d.next = self.s_address.val();
        }

        self.hits.next = 0.into();
        for i in 0..LANES {
            self.here.next = i.to_bits();
            self.writes[i].clock.next = self.clock.val();
            self.writes[i].d.next = false;
            if self.load_vip.val() {
                if self.place.m_lane.val() == self.here.val() {
                    self.writes[i].d.next = self.load_reg.val() == 4;
                }
            }
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].we.next = self.writes[i].q.val();
            self.lanes[i].waddr.next = self.waddr.q.val();
            self.lanes[i].wdata.next = self.wdata.q.val();
            self.lanes[i].raddr.next = self.steps.m_address.val();
            self.lanes[i].s_live.next = self.live.q.val();
            self.lanes[i].s_ipv6.next = self.ipv6.q.val();
            self.lanes[i].s_address.next = self.address.q.val();
            self.hits.next = self.hits.val().replace_bit(i, self.lanes[i].m_hit.val());
        }

        // The first of four, and the first four with one: lane by lane it would be a chain.
        self.any_lane.next = self.hits.val().any();
        for i in 0..4 {
            self.quad[i].next = self.hits.val().get_bits::<4>(i * 4);
            self.some[i].next = self.quad[i].val().any();
            self.of_quad[i].next = ((i * 4) + 3).to_bits();
            if self.quad[i].val().get_bit(0) {
                self.of_quad[i].next = (i * 4).to_bits();
            } else if self.quad[i].val().get_bit(1) {
                self.of_quad[i].next = ((i * 4) + 1).to_bits();
            } else if self.quad[i].val().get_bit(2) {
                self.of_quad[i].next = ((i * 4) + 2).to_bits();
            }
        }
        self.lane.next = self.of_quad[3].val();
        if self.some[0].val() {
            self.lane.next = self.of_quad[0].val();
        } else if self.some[1].val() {
            self.lane.next = self.of_quad[1].val();
        } else if self.some[2].val() {
            self.lane.next = self.of_quad[2].val();
        }

        self.any.next = self.found.q.val() | self.any_lane.val();
        self.best.next = self.base.q.val() | self.lane.val();
        if self.found.q.val() {
            self.best.next = self.first.q.val();
        }
        self.found.d.next = self.any.val();
        self.first.d.next = self.best.val();
        self.base.d.next = self.base.q.val() + self.stride.val();
        if self.after.val().get_bit(2) {
            self.found.d.next = false;
            self.base.d.next = 0.into();
        }
        for last in N..(N + 1) {
            if self.after.val().get_bit(last - 1) {
                self.hit.d.next = self.any.val();
                self.index.d.next = self.best.val();
            }
        }
        self.m_hit.next = self.hit.q.val();
        self.m_index.next = self.index.q.val();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::bench::{edge, exercise, wide, Engine, Random, Word};
    use super::*;
    use weir_spec::classify::Classifier;
    use weir_spec::config::Config;

    /// Whether anything was committed, family, address.
    type Header = (bool, bool, u128);

    impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize, const T: usize> Engine
        for Vips<LANES, STEPS, A, N, T>
    {
        type Header = Header;
        type Outcome = Option<u64>;
        const STEPS: usize = STEPS;
        const LATENCY: usize = latency(STEPS);
        edge!();

        fn load(&mut self, word: Option<&Word>, bank: bool) -> bool {
            self.load_bank.next = bank;
            let word = word.filter(|word| word.block == "VIP");
            self.load_vip.next = word.is_some();
            if let Some(word) = word {
                self.load_entry.next = word.entry.into();
                self.load_reg.next = word.reg.into();
                self.load_data.next = word.data.into();
            }
            word.is_some()
        }

        fn busy(&self) -> bool {
            false
        }

        fn drive(&mut self, valid: bool, bank: bool, header: &Header) {
            self.s_valid.next = valid;
            self.s_bank.next = bank;
            self.s_live.next = header.0;
            self.s_ipv6.next = header.1;
            self.s_address.next = wide(header.2);
        }

        fn outcome(&self) -> Option<u64> {
            self.m_hit.val().then(|| self.m_index.val().to_u64())
        }

        fn header(random: &mut Random, banks: &[Config; 2]) -> Header {
            let live = random.below(16) > 0;
            let (ipv6, address) = match banks[random.below(2)].vips[random.below(16)] {
                Some(IpAddr::V4(v4)) => (false, u128::from(v4.to_bits()) << 96 | random.wide() >> 32),
                Some(IpAddr::V6(v6)) => (true, v6.to_bits()),
                None => (random.below(2) == 0, random.wide()),
            };
            let other = 1 << random.below(128);
            (live, ipv6 ^ (random.below(16) == 0), if random.below(3) == 0 { address ^ other } else { address })
        }

        fn wanted(bank: &Config, &(live, ipv6, address): &Header) -> Option<u64> {
            let found = Classifier::new(bank.clone()).vip(ipv6, &address.to_be_bytes());
            found.filter(|_| live).map(u64::from)
        }
    }

    #[test]
    fn the_first_entry_that_fits_is_found_in_every_width() {
        exercise::<Vips64>(400);
        exercise::<SlowVips64>(200);
        exercise::<Vips512>(400);
    }

    #[test]
    fn emission_is_clean() {
        crate::emit(&mut Vips64::default(), "vips").expect("clean");
        crate::emit(&mut SlowVips64::default(), "vips").expect("clean");
        crate::emit(&mut Vips512::default(), "vips").expect("clean");
    }
}
