//! The pool of bucket maps: 64 maps of 4096 states of two bits, in 16384 words of 32 bits.
//!
//! Latency of both reads: three clocks. The addresses go to 32 RAMs on ECP5, so each quarter of a word has its own
//! address registers. A word that the pipeline reads in the clock in which the host writes it may come as anything: a
//! slot is filled before a COMMIT points to it.

use rust_hdl::prelude::*;

use super::host_ram::HostRam;
use super::replica::Replica;

/// Clocks from an address to its word.
pub const LATENCY: usize = 3;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct PoolRam {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Word the pipeline reads.
    pub raddr: Signal<In, Bits<14>>,
    /// What is there, three clocks later.
    pub rdata: Signal<Out, Bits<32>>,
    /// Word of the host.
    pub host_addr: Signal<In, Bits<14>>,
    /// The host writes this clock.
    pub host_we: Signal<In, Bit>,
    /// What it writes.
    pub host_wdata: Signal<In, Bits<32>>,
    /// What is at the host's address, three clocks later; while it writes, what was shown before.
    pub host_rdata: Signal<Out, Bits<32>>,

    quarters: [HostRam<8, 14>; 4],
    raddrs: [Replica<Bits<14>>; 4],
    host_addrs: [Replica<Bits<14>>; 4],
    host_wes: [Replica<Bit>; 4],
    wdata: DFF<Bits<32>>,
    write: Signal<Local, Bits<32>>,
}

impl Logic for PoolRam {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wdata);
        self.wdata.d.next = self.host_wdata.val();
        self.write.next = self.wdata.q.val();
        for i in 0..4 {
            self.quarters[i].clock.next = self.clock.val();
            self.raddrs[i].clock.next = self.clock.val();
            self.host_addrs[i].clock.next = self.clock.val();
            self.host_wes[i].clock.next = self.clock.val();
            self.raddrs[i].d.next = self.raddr.val();
            self.host_addrs[i].d.next = self.host_addr.val();
            self.host_wes[i].d.next = self.host_we.val();
            self.quarters[i].raddr.next = self.raddrs[i].q.val();
            self.quarters[i].host_addr.next = self.host_addrs[i].q.val();
            self.quarters[i].host_we.next = self.host_wes[i].q.val();
            self.quarters[i].host_wdata.next = self.write.val().get_bits::<8>(i * 8);
        }
        self.rdata.next = bit_cast::<32, 8>(self.quarters[0].rdata.val())
            | (bit_cast::<32, 8>(self.quarters[1].rdata.val()) << 8)
            | (bit_cast::<32, 8>(self.quarters[2].rdata.val()) << 16)
            | (bit_cast::<32, 8>(self.quarters[3].rdata.val()) << 24);
        self.host_rdata.next = bit_cast::<32, 8>(self.quarters[0].host_rdata.val())
            | (bit_cast::<32, 8>(self.quarters[1].host_rdata.val()) << 8)
            | (bit_cast::<32, 8>(self.quarters[2].host_rdata.val()) << 16)
            | (bit_cast::<32, 8>(self.quarters[3].host_rdata.val()) << 24);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn both_ports_read_what_the_host_wrote() {
        let mut pool = PoolRam::default();
        pool.connect_all();
        let places = [(0u64, 0x1234_5678u64), (1, 0xffff_ffff), (8191, 0x8000_0001), (16383, 0xdead_beef)];
        pool.host_we.next = true;
        for (place, word) in places {
            pool.host_addr.next = place.into();
            pool.host_wdata.next = word.into();
            step!(pool);
        }
        pool.host_we.next = false;
        for (place, word) in places {
            pool.host_addr.next = place.into();
            pool.raddr.next = place.into();
            for _ in 0..LATENCY {
                step!(pool);
            }
            assert_eq!((pool.rdata.val().to_u64(), pool.host_rdata.val().to_u64()), (word, word));
        }
    }
}
