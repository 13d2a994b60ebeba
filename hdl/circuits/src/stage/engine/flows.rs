//! The table of flows: four ways of 1024 entries, each way indexed by ten bits of the signature that no other way uses.
//!
//! A look-up takes the signature and the virtual IP of a header and tells whether any way holds them as PIN or as
//! FOREIGN. Latency: [`LATENCY`] clocks, one look-up a clock. Spec twin: `weir_spec::flow::FlowTable::contains`.
//!
//! The host writes an entry of one way, or the same index of all ways, in one clock. A look-up in that clock sees the
//! entry of before or of after. The RAM grants that where it shows the old word, but not on ECP5: there a write
//! [yields](Flows::yielding), that is, waits for a clock without a look-up.

use rust_hdl::prelude::*;

use crate::cell::twin_ram::TwinRam;

/// Clocks from `s_valid` to `m_pin` and `m_foreign`.
pub const LATENCY: usize = 5;
/// Clocks from `host_index` to `host_rdata`.
pub const HOST_LATENCY: usize = 3;
/// Bits of an entry: signature 63:0 · virtual IP 67:64 · kind 69:68 (1 PIN, 2 FOREIGN) · 0.
pub const ENTRY: usize = 72;

/// The lowest bit of each nibble.
const LOWEST: u64 = 0x1111_1111_1111_1111;

/// See the module.
#[derive(LogicBlock)]
pub struct Flows {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Look up this clock.
    pub s_valid: Signal<In, Bit>,
    /// Signature of the header.
    pub s_signature: Signal<In, Bits<64>>,
    /// Its virtual IP.
    pub s_vip: Signal<In, Bits<4>>,
    /// It is listed as PIN.
    pub m_pin: Signal<Out, Bit>,
    /// It is listed as FOREIGN.
    pub m_foreign: Signal<Out, Bit>,
    /// The entry of the host, in every way.
    pub host_index: Signal<In, Bits<10>>,
    /// Ways to write; to be held until `host_wrote`.
    pub host_write: Signal<In, Bits<4>>,
    /// What to write.
    pub host_wdata: Signal<In, Bits<72>>,
    /// The write happens this clock.
    pub host_wrote: Signal<Out, Bit>,
    /// Ways to read; no two at once.
    pub host_read: Signal<In, Bits<4>>,
    /// The entry there, [`HOST_LATENCY`] clocks after index and way; zero without a way.
    pub host_rdata: Signal<Out, Bits<72>>,

    yielding: Constant<Bit>,
    ways: [TwinRam<72, 10>; 4],
    read: [DFF<Bits<72>>; 4],
    select: DFF<Bits<4>>,
    valid: [DFF<Bit>; 3],
    signature: [DFF<Bits<64>>; 2],
    vip: [DFF<Bits<4>>; 2],
    differs: [DFF<Bits<64>>; 4],
    vip_differs: [DFF<Bit>; 4],
    kind_pin: DFF<Bits<4>>,
    kind_foreign: DFF<Bits<4>>,
    pin: DFF<Bits<4>>,
    foreign: DFF<Bits<4>>,
    any_pin: DFF<Bit>,
    any_foreign: DFF<Bit>,

    lowest: Constant<Bits<64>>,
    wanted: Signal<Local, Bits<64>>,
    apart: [Signal<Local, Bits<64>>; 4],
    pairs: [Signal<Local, Bits<64>>; 4],
    nibbles: [Signal<Local, Bits<64>>; 4],
    differ: [Signal<Local, Bit>; 4],
    entry: [Signal<Local, Bits<72>>; 4],
    is: [Signal<Local, Bit>; 8],
    all: [Signal<Local, Bit>; 4],
    holding: [Signal<Local, Bits<4>>; 3],
    free: Signal<Local, Bit>,
}

impl Flows {
    /// A table whose writes wait for a clock without a look-up: for RAM that shows anything when it is read and written
    /// at once.
    pub fn yielding() -> Self {
        Self::new(true)
    }

    /// A table that writes at once: for RAM that shows the old word then.
    pub fn prompt() -> Self {
        Self::new(false)
    }

    fn new(yielding: bool) -> Self {
        Flows {
            clock: Default::default(),
            s_valid: Default::default(),
            s_signature: Default::default(),
            s_vip: Default::default(),
            m_pin: Default::default(),
            m_foreign: Default::default(),
            host_index: Default::default(),
            host_write: Default::default(),
            host_wdata: Default::default(),
            host_wrote: Default::default(),
            host_read: Default::default(),
            host_rdata: Default::default(),
            yielding: Constant::new(yielding),
            ways: Default::default(),
            read: Default::default(),
            select: Default::default(),
            valid: Default::default(),
            signature: Default::default(),
            vip: Default::default(),
            differs: Default::default(),
            vip_differs: Default::default(),
            kind_pin: Default::default(),
            kind_foreign: Default::default(),
            pin: Default::default(),
            foreign: Default::default(),
            any_pin: Default::default(),
            any_foreign: Default::default(),
            lowest: Constant::new(LOWEST.into()),
            wanted: Default::default(),
            apart: Default::default(),
            pairs: Default::default(),
            nibbles: Default::default(),
            differ: Default::default(),
            entry: Default::default(),
            is: Default::default(),
            all: Default::default(),
            holding: Default::default(),
            free: Default::default(),
        }
    }
}

impl Logic for Flows {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, select, kind_pin, kind_foreign, pin, foreign, any_pin, any_foreign);
        for i in 0..4 {
            self.ways[i].clock.next = self.clock.val();
            self.read[i].clock.next = self.clock.val();
            self.differs[i].clock.next = self.clock.val();
            self.vip_differs[i].clock.next = self.clock.val();
        }
        for i in 0..3 {
            self.valid[i].clock.next = self.clock.val();
        }
        for i in 0..2 {
            self.signature[i].clock.next = self.clock.val();
            self.vip[i].clock.next = self.clock.val();
        }

        // The host.
        self.free.next = !self.s_valid.val() | !self.yielding.val();
        self.host_wrote.next = self.host_write.val().any() & self.free.val();
        self.select.d.next = self.host_read.val();
        for way in 0..4 {
            self.ways[way].host_addr.next = self.host_index.val();
            self.ways[way].host_wdata.next = self.host_wdata.val();
            self.ways[way].host_we.next = self.host_write.val().get_bit(way) & self.free.val();
            self.read[way].d.next = 0.into();
            if self.select.q.val().get_bit(way) {
                self.read[way].d.next = self.ways[way].host_rdata.val();
            }
        }
        self.host_rdata.next =
            self.read[0].q.val() | self.read[1].q.val() | self.read[2].q.val() | self.read[3].q.val();

        // The header waits two clocks for its entries.
        self.ways[0].raddr.next = self.s_signature.val().get_bits::<10>(0);
        self.ways[1].raddr.next = self.s_signature.val().get_bits::<10>(10);
        self.ways[2].raddr.next = self.s_signature.val().get_bits::<10>(20);
        self.ways[3].raddr.next = self.s_signature.val().get_bits::<10>(30);
        self.valid[0].d.next = self.s_valid.val();
        self.valid[1].d.next = self.valid[0].q.val();
        self.valid[2].d.next = self.valid[1].q.val();
        for i in 0..2 {
            self.signature[i].d.next = self.signature[i].q.val();
            self.vip[i].d.next = self.vip[i].q.val();
        }
        if self.s_valid.val() {
            self.signature[0].d.next = self.s_signature.val();
            self.vip[0].d.next = self.s_vip.val();
        }
        if self.valid[0].q.val() {
            self.signature[1].d.next = self.signature[0].q.val();
            self.vip[1].d.next = self.vip[0].q.val();
        }
        self.wanted.next = self.signature[1].q.val();

        // Nibble by nibble, since much of the first clock is gone when the RAM shows; then all nibbles, then all ways.
        // The lowest bit of a nibble stands for it, the others are zero and cost nothing.
        for way in 0..4 {
            self.entry[way].next = self.ways[way].rdata.val();
            self.apart[way].next = self.entry[way].val().get_bits::<64>(0) ^ self.wanted.val();
            self.pairs[way].next = self.apart[way].val() | (self.apart[way].val() >> 1);
            self.nibbles[way].next = self.pairs[way].val() | (self.pairs[way].val() >> 2);
            self.differs[way].d.next = self.differs[way].q.val();
            self.vip_differs[way].d.next = self.vip_differs[way].q.val();
            if self.valid[1].q.val() {
                self.differs[way].d.next = self.nibbles[way].val() & self.lowest.val();
                self.vip_differs[way].d.next = self.entry[way].val().get_bits::<4>(64) != self.vip[1].q.val();
            }
            self.is[way].next = self.entry[way].val().get_bits::<2>(68) == 1;
            self.is[4 + way].next = self.entry[way].val().get_bits::<2>(68) == 2;
            self.differ[way].next = self.differs[way].q.val().any() | self.vip_differs[way].q.val();
            self.all[way].next = !self.differ[way].val();
        }
        self.holding[0].next = bit_cast::<4, 1>(self.is[0].val().into())
            | (bit_cast::<4, 1>(self.is[1].val().into()) << 1)
            | (bit_cast::<4, 1>(self.is[2].val().into()) << 2)
            | (bit_cast::<4, 1>(self.is[3].val().into()) << 3);
        self.holding[1].next = bit_cast::<4, 1>(self.is[4].val().into())
            | (bit_cast::<4, 1>(self.is[5].val().into()) << 1)
            | (bit_cast::<4, 1>(self.is[6].val().into()) << 2)
            | (bit_cast::<4, 1>(self.is[7].val().into()) << 3);
        self.holding[2].next = bit_cast::<4, 1>(self.all[0].val().into())
            | (bit_cast::<4, 1>(self.all[1].val().into()) << 1)
            | (bit_cast::<4, 1>(self.all[2].val().into()) << 2)
            | (bit_cast::<4, 1>(self.all[3].val().into()) << 3);
        if self.valid[1].q.val() {
            self.kind_pin.d.next = self.holding[0].val();
            self.kind_foreign.d.next = self.holding[1].val();
        }
        self.pin.d.next = 0.into();
        self.foreign.d.next = 0.into();
        if self.valid[2].q.val() {
            self.pin.d.next = self.holding[2].val() & self.kind_pin.q.val();
            self.foreign.d.next = self.holding[2].val() & self.kind_foreign.q.val();
        }
        self.any_pin.d.next = self.pin.q.val().any();
        self.any_foreign.d.next = self.foreign.q.val().any();
        self.m_pin.next = self.any_pin.q.val();
        self.m_foreign.next = self.any_foreign.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    fn entry(signature: u64, vip: u64, kind: u64) -> Bits<72> {
        let high: Bits<72> = (vip | kind << 4).into();
        (high << 64) | Bits::<72>::from(signature)
    }

    fn write(flows: &mut Flows, way: u64, index: u64, word: Bits<72>) {
        flows.host_index.next = index.into();
        flows.host_wdata.next = word;
        flows.host_write.next = (1 << way).into();
        step!(*flows);
        flows.host_write.next = 0.into();
    }

    /// The index of a signature in a way.
    fn index(way: u64, signature: u64) -> u64 {
        signature >> (10 * way) & 1023
    }

    fn setup(mut flows: Flows) -> Flows {
        flows.connect_all();
        flows
    }

    /// Whether each look-up is a PIN and a FOREIGN, one look-up a clock.
    fn look_up(flows: &mut Flows, queries: &[(u64, u64)]) -> Vec<(bool, bool)> {
        let mut answers = Vec::new();
        for clock in 0..queries.len() + LATENCY {
            let query = queries.get(clock);
            flows.s_valid.next = query.is_some();
            let (signature, vip) = query.copied().unwrap_or_default();
            flows.s_signature.next = signature.into();
            flows.s_vip.next = vip.into();
            step!(*flows);
            answers.push((flows.m_pin.val(), flows.m_foreign.val()));
        }
        answers.split_off(LATENCY - 1)[..queries.len()].to_vec()
    }

    #[test]
    fn any_way_answers_for_signature_virtual_ip_and_kind_together() {
        let mut flows = setup(Flows::yielding());
        let signatures: Vec<u64> = (1..=4u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        for (way, &signature) in signatures.iter().enumerate() {
            let kind = 1 + way as u64 % 2;
            write(&mut flows, way as u64, index(way as u64, signature), entry(signature, 3, kind));
        }
        let mut queries: Vec<(u64, u64)> = signatures.iter().map(|&signature| (signature, 3)).collect();
        queries.push((signatures[0], 4));
        queries.extend([8, 40, 63].map(|bit| (signatures[0] ^ 1 << bit, 3)));
        let mut wanted = vec![(true, false), (false, true), (true, false), (false, true)];
        wanted.extend([(false, false); 4]);
        assert_eq!(look_up(&mut flows, &queries), wanted);
    }

    #[test]
    fn an_entry_without_a_kind_is_no_entry() {
        let mut flows = setup(Flows::yielding());
        assert_eq!(look_up(&mut flows, &[(0, 0)]), [(false, false)]);
        write(&mut flows, 2, 0, entry(0, 0, 1));
        assert_eq!(look_up(&mut flows, &[(0, 0)]), [(true, false)]);
        write(&mut flows, 2, 0, entry(0, 0, 0));
        assert_eq!(look_up(&mut flows, &[(0, 0)]), [(false, false)]);
    }

    #[test]
    fn a_write_that_yields_waits_for_a_clock_without_a_look_up() {
        for (mut flows, waits) in [(setup(Flows::yielding()), true), (setup(Flows::prompt()), false)] {
            flows.host_write.next = 1.into();
            flows.s_valid.next = true;
            flows.clock.next = Clock { clk: false };
            assert!(simulate(&mut flows, 100));
            assert_eq!(flows.host_wrote.val(), !waits);
            flows.s_valid.next = false;
            assert!(simulate(&mut flows, 100));
            assert!(flows.host_wrote.val());
        }
    }

    #[test]
    fn the_host_reads_back_the_way_it_selects() {
        let mut flows = setup(Flows::yielding());
        for way in 0..4 {
            write(&mut flows, way, 7, entry(way + 100, way, 2));
        }
        for way in 0..4u64 {
            flows.host_index.next = 7.into();
            flows.host_read.next = (1 << way).into();
            for _ in 0..HOST_LATENCY {
                step!(flows);
            }
            assert_eq!(flows.host_rdata.val(), entry(way + 100, way, 2));
        }
    }
}
