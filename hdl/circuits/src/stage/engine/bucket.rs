//! The bucket of a source under each affinity: the 12 low bits of its Toeplitz hash.
//!
//! The hash is XOR-linear, so one walk over the source gives all three sums before anyone knows the rule: a part counts
//! in those whose mask it passes. A group of 16 address bits meets a window of 27 key bits, four bits of the source port a
//! window of 15 (another one in IPv4 than in IPv6, as the port follows both addresses). Latency: [`latency`]. Twin:
//! `weir_spec::toeplitz::bucket`.

use rust_hdl::prelude::*;

use super::octet::Octet;
use super::steps::{Place, Steps};
use crate::cell::lut_ram::LutRam;

/// Clocks from `s_valid` to the result.
pub const fn latency(steps: usize) -> usize {
    steps + 3
}

/// One lane of the address: two octets a clock. Their sums two clocks later.
#[derive(LogicBlock, Default)]
pub struct AddressLane<const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write a window.
    pub we: Signal<In, Bit>,
    /// Where.
    pub waddr: Signal<In, Bits<A>>,
    /// Key bits, first on top.
    pub wdata: Signal<In, Bits<27>>,
    /// Window to read.
    pub raddr: Signal<In, Bits<A>>,
    /// Octets, first on top.
    pub s_octets: Signal<In, Bits<16>>,
    /// Of the first octet.
    pub m_upper: Signal<Out, Bits<12>>,
    /// Of the second.
    pub m_lower: Signal<Out, Bits<12>>,
    windows: LutRam<27, A>,
    window: DFF<Bits<27>>,
    taken: DFF<Bits<16>>,
    upper: DFF<Bits<12>>,
    lower: DFF<Bits<12>>,
    first: Octet<12, 19>,
    second: Octet<12, 19>,
}

impl<const A: usize> Logic for AddressLane<A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, window, taken, upper, lower);
        clock!(self, clock, windows);
        self.windows.we.next = self.we.val();
        self.windows.waddr.next = self.waddr.val();
        self.windows.wdata.next = self.wdata.val();
        self.windows.raddr.next = self.raddr.val();
        self.window.d.next = self.windows.rdata.val();
        self.taken.d.next = self.s_octets.val();
        self.first.s_octet.next = self.taken.q.val().get_bits::<8>(8);
        self.first.s_window.next = self.window.q.val().get_bits::<19>(8);
        self.upper.d.next = self.first.m_sum.val();
        self.second.s_octet.next = self.taken.q.val().get_bits::<8>(0);
        self.second.s_window.next = self.window.q.val().get_bits::<19>(0);
        self.lower.d.next = self.second.m_sum.val();
        self.m_upper.next = self.upper.q.val();
        self.m_lower.next = self.lower.q.val();
    }
}

/// One lane of the port: four bits a clock. Their sum two clocks later.
#[derive(LogicBlock, Default)]
pub struct PortSumLane<const PA: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write a window.
    pub we: Signal<In, Bit>,
    /// Where.
    pub waddr: Signal<In, Bits<PA>>,
    /// Key bits, first on top.
    pub wdata: Signal<In, Bits<15>>,
    /// Window to read.
    pub raddr: Signal<In, Bits<PA>>,
    /// The bits belong to the source port.
    pub s_counts: Signal<In, Bit>,
    /// The bits, first on top.
    pub s_bits: Signal<In, Bits<4>>,
    /// Their sum.
    pub m_sum: Signal<Out, Bits<12>>,
    windows: LutRam<15, PA>,
    window: DFF<Bits<15>>,
    taken: DFF<Bits<4>>,
    sum: DFF<Bits<12>>,
    pairs: [Signal<Local, Bits<12>>; 2],
}

impl<const PA: usize> Logic for PortSumLane<PA> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, window, taken, sum);
        clock!(self, clock, windows);
        self.windows.we.next = self.we.val();
        self.windows.waddr.next = self.waddr.val();
        self.windows.wdata.next = self.wdata.val();
        self.windows.raddr.next = self.raddr.val();
        self.window.d.next = self.windows.rdata.val();
        self.taken.d.next = 0.into();
        if self.s_counts.val() {
            self.taken.d.next = self.s_bits.val();
        }
        for i in 0..2 {
            self.pairs[i].next = 0.into();
            if self.taken.q.val().get_bit(2 * i) {
                self.pairs[i].next = self.window.q.val().get_bits::<12>(2 * i);
            }
            if self.taken.q.val().get_bit(2 * i + 1) {
                self.pairs[i].next = self.pairs[i].val() ^ self.window.q.val().get_bits::<12>(2 * i + 1);
            }
        }
        self.sum.d.next = self.pairs[0].val() ^ self.pairs[1].val();
        self.m_sum.next = self.sum.q.val();
    }
}

/// See the module. `STEPS * GROUPS` is 8. Derived: `A` `log2(2 * STEPS)`, `N` `STEPS + 2`, `AW` `16 * GROUPS`, `PW`
/// `4 * GROUPS`; the source port and a /64 take the first four groups, which are `HALF` lanes (1 or 4) in `4 / HALF`
/// steps, with `2^PA` windows of `4 / HALF` steps, two families and two banks.
#[derive(LogicBlock)]
pub struct Bucket<
    const STEPS: usize,
    const GROUPS: usize,
    const HALF: usize,
    const A: usize,
    const PA: usize,
    const N: usize,
    const AW: usize,
    const PW: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A bit of the key is shifted into the window, from [`KeyBits`](super::key_bits::KeyBits).
    pub s_key: Signal<In, Bit>,
    /// Its number in the key.
    pub s_key_number: Signal<In, Bits<9>>,
    /// Bank that is filled.
    pub s_key_bank: Signal<In, Bit>,
    /// The last bits of the key.
    pub s_window: Signal<In, Bits<27>>,
    /// A header is there.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// Its family, at the clock of `s_valid`.
    pub s_ipv6: Signal<In, Bit>,
    /// Its family from [`Operand`](super::operand::Operand), which sees `s_valid` at the same clock.
    pub s_ipv6_then: Signal<In, Bit>,
    /// Octets from there.
    pub s_octets: Signal<In, Bits<AW>>,
    /// Bits of the ports from there.
    pub s_ports: Signal<In, Bits<PW>>,
    /// Bucket by address and port.
    pub m_none: Signal<Out, Bits<12>>,
    /// Bucket by address.
    pub m_single: Signal<Out, Bits<12>>,
    /// Bucket by network.
    pub m_network: Signal<Out, Bits<12>>,
    steps: Steps<STEPS, A, N>,
    place: Place<GROUPS, A>,
    port_place: Place<HALF, PA>,
    lanes: [AddressLane<A>; GROUPS],
    port_lanes: [PortSumLane<PA>; HALF],
    writes: [DFF<Bit>; GROUPS],
    port_writes: [DFF<Bit>; HALF],
    waddr: DFF<Bits<A>>,
    port_waddr: DFF<Bits<PA>>,
    port_at: DFF<Bits<PA>>,
    long: Constant<Bits<PA>>,
    ipv6: DFF<Bit>,
    early: DFF<Bit>,
    masked: DFF<Bit>,
    masked_long: DFF<Bit>,
    none_sum: DFF<Bits<12>>,
    single_sum: DFF<Bits<12>>,
    network_sum: DFF<Bits<12>>,
    by_none: DFF<Bits<12>>,
    by_single: DFF<Bits<12>>,
    by_network: DFF<Bits<12>>,
    here: Signal<Local, Bits<6>>,
    number: Signal<Local, Bits<9>>,
    group: Signal<Local, Bits<3>>,
    full: Signal<Local, Bit>,
    long_port: Signal<Local, Bit>,
    port_full: Signal<Local, Bit>,
    port_step: Signal<Local, Bits<PA>>,
    port_entry: Signal<Local, Bits<6>>,
    port_begin: Signal<Local, Bits<PA>>,
    after: Signal<Local, Bits<N>>,
    counts: Signal<Local, Bit>,
    half: Signal<Local, Bit>,
    part: Signal<Local, Bits<12>>,
    all_none: Signal<Local, Bits<12>>,
    all_single: Signal<Local, Bits<12>>,
    all_network: Signal<Local, Bits<12>>,
}

impl<
        const STEPS: usize,
        const GROUPS: usize,
        const HALF: usize,
        const A: usize,
        const PA: usize,
        const N: usize,
        const AW: usize,
        const PW: usize,
    > Default for Bucket<STEPS, GROUPS, HALF, A, PA, N, AW, PW>
{
    fn default() -> Self {
        assert!(STEPS * GROUPS == 8, "{STEPS} steps of {GROUPS} are not eight groups");
        assert!(HALF <= GROUPS && HALF * STEPS >= 4, "four groups are not {HALF} lanes");
        assert!(1 << PA == 4 * 4 / HALF, "four groups in {HALF} lanes, twice two banks, are not 2^{PA} words");
        assert!(N == STEPS + 2, "{STEPS} steps take {} pulses", STEPS + 2);
        Bucket {
            clock: Default::default(),
            s_key: Default::default(),
            s_key_number: Default::default(),
            s_key_bank: Default::default(),
            s_window: Default::default(),
            s_valid: Default::default(),
            s_bank: Default::default(),
            s_ipv6: Default::default(),
            s_ipv6_then: Default::default(),
            s_octets: Default::default(),
            s_ports: Default::default(),
            m_none: Default::default(),
            m_single: Default::default(),
            m_network: Default::default(),
            steps: Default::default(),
            place: Default::default(),
            port_place: Default::default(),
            lanes: std::array::from_fn(|_| Default::default()),
            port_lanes: std::array::from_fn(|_| Default::default()),
            writes: std::array::from_fn(|_| Default::default()),
            port_writes: std::array::from_fn(|_| Default::default()),
            waddr: Default::default(),
            port_waddr: Default::default(),
            port_at: Default::default(),
            long: Constant::new((1 << (PA - 1)).into()),
            ipv6: Default::default(),
            early: Default::default(),
            masked: Default::default(),
            masked_long: Default::default(),
            none_sum: Default::default(),
            single_sum: Default::default(),
            network_sum: Default::default(),
            by_none: Default::default(),
            by_single: Default::default(),
            by_network: Default::default(),
            here: Default::default(),
            number: Default::default(),
            group: Default::default(),
            full: Default::default(),
            long_port: Default::default(),
            port_full: Default::default(),
            port_step: Default::default(),
            port_entry: Default::default(),
            port_begin: Default::default(),
            after: Default::default(),
            counts: Default::default(),
            half: Default::default(),
            part: Default::default(),
            all_none: Default::default(),
            all_single: Default::default(),
            all_network: Default::default(),
        }
    }
}

impl<
        const STEPS: usize,
        const GROUPS: usize,
        const HALF: usize,
        const A: usize,
        const PA: usize,
        const N: usize,
        const AW: usize,
        const PW: usize,
    > Logic for Bucket<STEPS, GROUPS, HALF, A, PA, N, AW, PW>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waddr, port_waddr, port_at, ipv6, early, masked, masked_long);
        dff_setup!(self, clock, none_sum, single_sum, network_sum, by_none, by_single, by_network);
        clock!(self, clock, steps);
        // The window of address group j is full with bit 46 + 16 j of the key. Two before the first are written as well,
        // and over again.
        self.number.next = self.s_key_number.val();
        self.group.next = self.number.val().get_bits::<3>(4) - 2;
        self.full.next = (self.number.val().get_bits::<4>(0) == 14) & (self.number.val().get_bits::<5>(4) < 10);
        self.place.s_entry.next = bit_cast::<6, 3>(self.group.val());
        self.place.s_bank.next = self.s_key_bank.val();

        // That of port group j with bit 98 + 4 j for IPv4, 290 + 4 j for IPv6.
        self.long_port.next = self.number.val().get_bits::<5>(4) == 18;
        self.port_full.next = (self.number.val().get_bits::<2>(0) == 2)
            & ((self.number.val().get_bits::<5>(4) == 6) | self.long_port.val());
        self.port_entry.next = bit_cast::<6, 2>(self.number.val().get_bits::<2>(2));
        self.port_entry.next = self.port_entry.val().replace_bit(2, self.long_port.val());
        self.port_place.s_entry.next = self.port_entry.val();
        self.port_place.s_bank.next = self.s_key_bank.val();
        if self.s_key.val() {
            self.waddr.d.next = self.place.m_address.val();
            self.port_waddr.d.next = self.port_place.m_address.val();
        }

        self.steps.s_valid.next = self.s_valid.val();
        self.steps.s_bank.next = self.s_bank.val();
        self.after.next = self.steps.m_after.val();
        self.port_step.next = self.port_at.q.val() + 2;
        self.port_begin.next = 0.into();
        if self.s_ipv6.val() {
            self.port_begin.next = self.long.val();
        }
        if self.s_bank.val() {
            self.port_begin.next = self.port_begin.val() | 1;
        }
        self.port_at.d.next = self.port_step.val();
        if self.s_valid.val() {
            self.port_at.d.next = self.port_begin.val();
        }

        // The first four groups: the source port, and the network of IPv6. That of IPv4 is the first and the upper octet
        // of the second; further octets are zero.
        self.counts.next = false;
        self.half.next = false;
        for i in 0..(4 / HALF) {
            self.counts.next = self.counts.val() | self.after.val().get_bit(i);
            self.half.next = self.half.val() | self.after.val().get_bit(i + 1);
        }
        self.ipv6.d.next = self.s_ipv6_then.val();
        self.early.d.next = self.half.val();
        self.masked_long.d.next = self.half.val() & self.ipv6.q.val();
        self.masked.d.next = (self.half.val() & self.ipv6.q.val()) | (self.after.val().get_bit(1) & !self.ipv6.q.val());

        self.here.next = 0.into();
        self.all_single.next = self.single_sum.q.val();
        self.all_none.next = self.none_sum.q.val();
        for i in 0..GROUPS {
            self.here.next = i.to_bits();
            self.writes[i].clock.next = self.clock.val();
            self.writes[i].d.next = false;
            if self.s_key.val() {
                self.writes[i].d.next = self.full.val() & (self.place.m_lane.val() == self.here.val());
            }
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].we.next = self.writes[i].q.val();
            self.lanes[i].waddr.next = self.waddr.q.val();
            self.lanes[i].wdata.next = self.s_window.val();
            self.lanes[i].raddr.next = self.steps.m_address.val();
            self.lanes[i].s_octets.next = self.s_octets.val().get_bits::<16>(i * 16);
            self.all_single.next = self.all_single.val() ^ self.lanes[i].m_upper.val() ^ self.lanes[i].m_lower.val();
            self.all_none.next = self.all_none.val() ^ self.lanes[i].m_upper.val() ^ self.lanes[i].m_lower.val();
        }
        self.part.next = 0.into();
        self.all_network.next = self.network_sum.q.val();
        for i in 0..HALF {
            self.here.next = i.to_bits();
            self.port_writes[i].clock.next = self.clock.val();
            self.port_writes[i].d.next = false;
            if self.s_key.val() {
                self.port_writes[i].d.next = self.port_full.val() & (self.port_place.m_lane.val() == self.here.val());
            }
            self.port_lanes[i].clock.next = self.clock.val();
            self.port_lanes[i].we.next = self.port_writes[i].q.val();
            self.port_lanes[i].waddr.next = self.port_waddr.q.val();
            self.port_lanes[i].wdata.next = self.s_window.val().get_bits::<15>(0);
            self.port_lanes[i].raddr.next = self.port_at.q.val();
            self.port_lanes[i].s_counts.next = self.counts.val();
            self.port_lanes[i].s_bits.next = self.s_ports.val().get_bits::<4>(i * 4);
            self.all_none.next = self.all_none.val() ^ self.port_lanes[i].m_sum.val();
            self.part.next = 0.into();
            if self.early.q.val() {
                self.part.next = self.lanes[i].m_upper.val();
            }
            self.all_network.next = self.all_network.val() ^ self.part.val();
        }
        self.part.next = 0.into();
        if self.masked.q.val() {
            self.part.next = self.lanes[0].m_lower.val();
        }
        self.all_network.next = self.all_network.val() ^ self.part.val();
        for i in 1..HALF {
            self.part.next = 0.into();
            if self.masked_long.q.val() {
                self.part.next = self.lanes[i].m_lower.val();
            }
            self.all_network.next = self.all_network.val() ^ self.part.val();
        }

        self.none_sum.d.next = self.all_none.val();
        self.single_sum.d.next = self.all_single.val();
        self.network_sum.d.next = self.all_network.val();
        for last in N..(N + 1) {
            if self.after.val().get_bit(last - 1) {
                self.none_sum.d.next = 0.into();
                self.single_sum.d.next = 0.into();
                self.network_sum.d.next = 0.into();
                self.by_none.d.next = self.all_none.val();
                self.by_single.d.next = self.all_single.val();
                self.by_network.d.next = self.all_network.val();
            }
        }
        self.m_none.next = self.by_none.q.val();
        self.m_single.next = self.by_single.q.val();
        self.m_network.next = self.by_network.q.val();
    }
}
