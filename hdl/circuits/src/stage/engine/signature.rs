//! The signature of a flow: 64 bits of Toeplitz under a secret key of its own.
//!
//! A group of 20 input bits meets a window of 83 key bits; the windows are kept whole, one a group. Latency: [`latency`].
//! Twin: `weir_spec::flow::signature`.

use rust_hdl::prelude::*;

use super::octet::Octet;
use super::steps::{Place, Steps};
use crate::cell::lut_ram::LutRam;

/// Clocks from `s_valid` to the result.
pub const fn latency(steps: usize) -> usize {
    steps + 3
}

/// One lane: a group a clock. The three parts of its sum, two clocks after the group.
#[derive(LogicBlock, Default)]
pub struct SignatureLane<const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write a window.
    pub we: Signal<In, Bit>,
    /// Where.
    pub waddr: Signal<In, Bits<A>>,
    /// Key bits, first on top.
    pub wdata: Signal<In, Bits<83>>,
    /// Window to read.
    pub raddr: Signal<In, Bits<A>>,
    /// Octets of the group, first on top.
    pub s_octets: Signal<In, Bits<16>>,
    /// Its bits of the ports.
    pub s_ports: Signal<In, Bits<4>>,
    /// Part.
    pub m_early: Signal<Out, Bits<64>>,
    /// Part.
    pub m_late: Signal<Out, Bits<64>>,
    /// Part.
    pub m_ports: Signal<Out, Bits<64>>,
    windows: LutRam<83, A>,
    window: DFF<Bits<83>>,
    taken: DFF<Bits<20>>,
    early: DFF<Bits<64>>,
    late: DFF<Bits<64>>,
    ports: DFF<Bits<64>>,
    first: Octet<64, 71>,
    second: Octet<64, 71>,
    pairs: [Signal<Local, Bits<64>>; 2],
}

impl<const A: usize> Logic for SignatureLane<A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, window, taken, early, late, ports);
        clock!(self, clock, windows);
        self.windows.we.next = self.we.val();
        self.windows.waddr.next = self.waddr.val();
        self.windows.wdata.next = self.wdata.val();
        self.windows.raddr.next = self.raddr.val();
        self.window.d.next = self.windows.rdata.val();
        self.taken.d.next = (bit_cast::<20, 16>(self.s_octets.val()) << 4) | bit_cast::<20, 4>(self.s_ports.val());
        self.first.s_octet.next = self.taken.q.val().get_bits::<8>(12);
        self.first.s_window.next = self.window.q.val().get_bits::<71>(12);
        self.early.d.next = self.first.m_sum.val();
        self.second.s_octet.next = self.taken.q.val().get_bits::<8>(4);
        self.second.s_window.next = self.window.q.val().get_bits::<71>(4);
        self.late.d.next = self.second.m_sum.val();
        for i in 0..2 {
            self.pairs[i].next = 0.into();
            if self.taken.q.val().get_bit(2 * i) {
                self.pairs[i].next = self.window.q.val().get_bits::<64>(2 * i);
            }
            if self.taken.q.val().get_bit(2 * i + 1) {
                self.pairs[i].next = self.pairs[i].val() ^ self.window.q.val().get_bits::<64>(2 * i + 1);
            }
        }
        self.ports.d.next = self.pairs[0].val() ^ self.pairs[1].val();
        self.m_early.next = self.early.q.val();
        self.m_late.next = self.late.q.val();
        self.m_ports.next = self.ports.q.val();
    }
}

/// See the module. `STEPS * GROUPS` is 8; derived: `A` `log2(2 * STEPS)`, `N` `STEPS + 2`, `AW` `16 * GROUPS`, `PW`
/// `4 * GROUPS`.
#[derive(LogicBlock)]
pub struct Signature<
    const STEPS: usize,
    const GROUPS: usize,
    const A: usize,
    const N: usize,
    const AW: usize,
    const PW: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A bit of the key is shifted into the window, from [`KeyBits`](super::key_bits::KeyBits).
    pub s_key: Signal<In, Bit>,
    /// It is the first.
    pub s_key_first: Signal<In, Bit>,
    /// Bank that is filled.
    pub s_key_bank: Signal<In, Bit>,
    /// The last bits of the key.
    pub s_window: Signal<In, Bits<83>>,
    /// A header is there.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// Octets from [`Operand`](super::operand::Operand), which sees `s_valid` at the same clock.
    pub s_octets: Signal<In, Bits<AW>>,
    /// Bits of the ports from there.
    pub s_ports: Signal<In, Bits<PW>>,
    /// The signature.
    pub m_signature: Signal<Out, Bits<64>>,
    steps: Steps<STEPS, A, N>,
    place: Place<GROUPS, A>,
    lanes: [SignatureLane<A>; GROUPS],
    writes: [DFF<Bit>; GROUPS],
    waddr: DFF<Bits<A>>,
    filled: DFF<Bits<7>>,
    ends: DFF<Bit>,
    group: DFF<Bits<4>>,
    sum: DFF<Bits<64>>,
    signature: DFF<Bits<64>>,
    here: Signal<Local, Bits<6>>,
    after: Signal<Local, Bits<N>>,
    all: Signal<Local, Bits<64>>,
}

impl<const STEPS: usize, const GROUPS: usize, const A: usize, const N: usize, const AW: usize, const PW: usize> Default
    for Signature<STEPS, GROUPS, A, N, AW, PW>
{
    fn default() -> Self {
        assert!(STEPS * GROUPS == 8, "{STEPS} steps of {GROUPS} are not eight groups");
        assert!(N == STEPS + 2, "{STEPS} steps take {} pulses", STEPS + 2);
        Signature {
            clock: Default::default(),
            s_key: Default::default(),
            s_key_first: Default::default(),
            s_key_bank: Default::default(),
            s_window: Default::default(),
            s_valid: Default::default(),
            s_bank: Default::default(),
            s_octets: Default::default(),
            s_ports: Default::default(),
            m_signature: Default::default(),
            steps: Default::default(),
            place: Default::default(),
            lanes: std::array::from_fn(|_| Default::default()),
            writes: std::array::from_fn(|_| Default::default()),
            waddr: Default::default(),
            filled: Default::default(),
            ends: Default::default(),
            group: Default::default(),
            sum: Default::default(),
            signature: Default::default(),
            here: Default::default(),
            after: Default::default(),
            all: Default::default(),
        }
    }
}

impl<const STEPS: usize, const GROUPS: usize, const A: usize, const N: usize, const AW: usize, const PW: usize> Logic
    for Signature<STEPS, GROUPS, A, N, AW, PW>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waddr, filled, ends, group, sum, signature);
        clock!(self, clock, steps);
        // The first window is full with bit 82 of the key, each further one 20 bits later: the count ends at 127.
        if self.s_key.val() {
            self.filled.d.next = self.filled.q.val() + 1;
            self.ends.d.next = self.filled.q.val() == 126;
            if self.ends.q.val() {
                self.filled.d.next = 108.into();
                self.group.d.next = self.group.q.val() + 1;
            }
            self.waddr.d.next = self.place.m_address.val();
            if self.s_key_first.val() {
                self.filled.d.next = 46.into();
                self.ends.d.next = false;
                self.group.d.next = 0.into();
            }
        }
        self.place.s_entry.next = bit_cast::<6, 3>(self.group.q.val().get_bits::<3>(0));
        self.place.s_bank.next = self.s_key_bank.val();

        self.steps.s_valid.next = self.s_valid.val();
        self.steps.s_bank.next = self.s_bank.val();
        self.after.next = self.steps.m_after.val();
        self.all.next = self.sum.q.val();
        self.here.next = 0.into();
        for i in 0..GROUPS {
            self.here.next = i.to_bits();
            self.writes[i].clock.next = self.clock.val();
            self.writes[i].d.next = false;
            if self.s_key.val() {
                self.writes[i].d.next =
                    self.ends.q.val() & !self.group.q.val().get_bit(3) & (self.place.m_lane.val() == self.here.val());
            }
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].we.next = self.writes[i].q.val();
            self.lanes[i].waddr.next = self.waddr.q.val();
            self.lanes[i].wdata.next = self.s_window.val();
            self.lanes[i].raddr.next = self.steps.m_address.val();
            self.lanes[i].s_octets.next = self.s_octets.val().get_bits::<16>(i * 16);
            self.lanes[i].s_ports.next = self.s_ports.val().get_bits::<4>(i * 4);
            self.all.next =
                self.all.val() ^ self.lanes[i].m_early.val() ^ self.lanes[i].m_late.val() ^ self.lanes[i].m_ports.val();
        }
        self.sum.d.next = self.all.val();
        for last in N..(N + 1) {
            if self.after.val().get_bit(last - 1) {
                self.sum.d.next = 0.into();
                self.signature.d.next = self.all.val();
            }
        }
        self.m_signature.next = self.signature.q.val();
    }
}
