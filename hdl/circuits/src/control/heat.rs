//! How many frames each bucket took: 4096 counters of 24 bits that wrap, kept through a reset.
//!
//! A counter is read, incremented and written back, five clocks in all. At 64 bit no frame follows another that fast, so
//! [`Heat`] needs nothing more, and the host reads through the port that writes. At 512 bit a frame may come each clock:
//! [`FastHeat`] adds to what is still on its way back, and keeps a copy of all counters for the host.

use rust_hdl::prelude::*;

use crate::cell::block_ram::BlockRam;
use crate::cell::host_ram::HostRam;

/// Bits of a counter.
pub const COUNTER: usize = 24;
/// The most clocks from `read` to `done`, in either circuit.
pub const READ_LATENCY: usize = 6;
/// The least clocks between two frames at [`Heat`].
pub const APART: usize = 5;

/// The counters, for frames at least [`APART`] clocks apart.
#[derive(LogicBlock, Default)]
pub struct Heat {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A frame.
    pub bump: Signal<In, Bit>,
    /// Its bucket.
    pub bump_bucket: Signal<In, Bits<12>>,
    /// Read a counter; no other until `done`.
    pub read: Signal<In, Bit>,
    /// Whose, in the clock of `read`.
    pub read_bucket: Signal<In, Bits<12>>,
    /// It was read.
    pub done: Signal<Out, Bit>,
    /// What it counts, from `done` on.
    pub value: Signal<Out, Bits<24>>,

    counters: HostRam<24, 12>,
    bumped: [DFF<Bit>; 4],
    buckets: [DFF<Bits<12>>; 4],
    low: DFF<Bits<13>>,
    high: DFF<Bits<12>>,
    sum_low: DFF<Bits<12>>,
    sum_high: DFF<Bits<12>>,
    asked: DFF<Bit>,
    bucket: DFF<Bits<12>>,
    granted: [DFF<Bit>; 3],
    answer: DFF<Bits<24>>,

    count: Signal<Local, Bits<24>>,
    count_low: Signal<Local, Bits<13>>,
    carried: Signal<Local, Bits<13>>,
    more: Signal<Local, Bits<12>>,
    grant: Signal<Local, Bit>,
}

impl Logic for Heat {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, low, high, sum_low, sum_high, asked, bucket, answer);
        clock!(self, clock, counters);
        for i in 0..4 {
            self.bumped[i].clock.next = self.clock.val();
            self.buckets[i].clock.next = self.clock.val();
        }
        for i in 0..3 {
            self.granted[i].clock.next = self.clock.val();
        }

        // A frame: two clocks to read, two to add twelve bits each, one to write.
        self.bumped[0].d.next = self.bump.val();
        self.buckets[0].d.next = self.bump_bucket.val();
        for i in 1..4 {
            self.bumped[i].d.next = self.bumped[i - 1].q.val();
            self.buckets[i].d.next = self.buckets[i - 1].q.val();
        }
        self.counters.raddr.next = self.bump_bucket.val();
        self.count.next = self.counters.rdata.val();
        self.count_low.next = bit_cast::<13, 12>(self.count.val().get_bits::<12>(0));
        self.low.d.next = self.count_low.val() + 1;
        self.high.d.next = self.count.val().get_bits::<12>(12);
        self.carried.next = self.low.q.val();
        self.more.next = bit_cast::<12, 1>(self.carried.val().get_bits::<1>(12));
        self.sum_low.d.next = self.carried.val().get_bits::<12>(0);
        self.sum_high.d.next = self.high.q.val() + self.more.val();
        self.counters.host_we.next = self.bumped[3].q.val();
        self.counters.host_wdata.next =
            bit_cast::<24, 12>(self.sum_low.q.val()) | (bit_cast::<24, 12>(self.sum_high.q.val()) << 12);

        // The host reads in the first clock in which nothing is written.
        if self.read.val() {
            self.bucket.d.next = self.read_bucket.val();
        }
        self.grant.next = self.asked.q.val() & !self.bumped[3].q.val();
        self.asked.d.next = (self.asked.q.val() & self.bumped[3].q.val()) | self.read.val();
        self.counters.host_addr.next = self.bucket.q.val();
        if self.bumped[3].q.val() {
            self.counters.host_addr.next = self.buckets[3].q.val();
        }
        self.granted[0].d.next = self.grant.val();
        self.granted[1].d.next = self.granted[0].q.val();
        self.granted[2].d.next = self.granted[1].q.val();
        if self.granted[1].q.val() {
            self.answer.d.next = self.counters.host_rdata.val();
        }
        self.done.next = self.granted[2].q.val();
        self.value.next = self.answer.q.val();
    }
}

/// The counters, for a frame each clock.
#[derive(LogicBlock, Default)]
pub struct FastHeat {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A frame.
    pub bump: Signal<In, Bit>,
    /// Its bucket.
    pub bump_bucket: Signal<In, Bits<12>>,
    /// Read a counter; no other until `done`.
    pub read: Signal<In, Bit>,
    /// Whose, in the clock of `read`.
    pub read_bucket: Signal<In, Bits<12>>,
    /// It was read.
    pub done: Signal<Out, Bit>,
    /// What it counts, from `done` on.
    pub value: Signal<Out, Bits<24>>,

    counters: BlockRam<24, 12>,
    copy: BlockRam<24, 12>,
    bumped: [DFF<Bit>; 4],
    buckets: [DFF<Bits<12>>; 4],
    sums: [DFF<Bits<24>>; 3],
    newer: [DFF<Bit>; 3],
    asked: [DFF<Bit>; 4],
    bucket: DFF<Bits<12>>,
    caught: [DFF<Bit>; 2],
    answer: DFF<Bits<24>>,

    same: [Signal<Local, Bit>; 3],
    catch: Signal<Local, Bit>,
    count: Signal<Local, Bits<24>>,
}

impl Logic for FastHeat {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bucket, answer);
        clock!(self, clock, counters, copy);
        for i in 0..4 {
            self.bumped[i].clock.next = self.clock.val();
            self.buckets[i].clock.next = self.clock.val();
            self.asked[i].clock.next = self.clock.val();
        }
        for i in 0..3 {
            self.sums[i].clock.next = self.clock.val();
            self.newer[i].clock.next = self.clock.val();
        }
        for i in 0..2 {
            self.caught[i].clock.next = self.clock.val();
        }

        // A frame: two clocks to read, one to add, one to write.
        self.bumped[0].d.next = self.bump.val();
        self.buckets[0].d.next = self.bump_bucket.val();
        for i in 1..4 {
            self.bumped[i].d.next = self.bumped[i - 1].q.val();
            self.buckets[i].d.next = self.buckets[i - 1].q.val();
        }
        self.counters.raddr.next = self.bump_bucket.val();

        // What it read is stale if one of the three frames before it was for the same bucket: then the newest sum counts.
        for i in 0..3 {
            self.same[i].next = self.bumped[i + 1].q.val() & (self.buckets[i + 1].q.val() == self.buckets[0].q.val());
        }
        self.newer[0].d.next = self.same[0].val();
        self.newer[1].d.next = self.same[1].val() & !self.same[0].val();
        self.newer[2].d.next = self.same[2].val() & !self.same[1].val() & !self.same[0].val();
        self.count.next = self.counters.rdata.val();
        for i in 0..3 {
            if self.newer[i].q.val() {
                self.count.next = self.sums[i].q.val();
            }
        }
        self.sums[0].d.next = self.count.val() + 1;
        self.sums[1].d.next = self.sums[0].q.val();
        self.sums[2].d.next = self.sums[1].q.val();
        self.counters.we.next = self.bumped[2].q.val();
        self.counters.waddr.next = self.buckets[2].q.val();
        self.counters.wdata.next = self.sums[0].q.val();
        self.copy.we.next = self.bumped[2].q.val();
        self.copy.waddr.next = self.buckets[2].q.val();
        self.copy.wdata.next = self.sums[0].q.val();

        // The host reads the copy; what is written there in that very clock, it catches in flight.
        if self.read.val() {
            self.bucket.d.next = self.read_bucket.val();
        }
        self.asked[0].d.next = self.read.val();
        for i in 1..4 {
            self.asked[i].d.next = self.asked[i - 1].q.val();
        }
        self.copy.raddr.next = self.bucket.q.val();
        self.catch.next = self.bumped[2].q.val() & (self.buckets[2].q.val() == self.bucket.q.val());
        self.caught[0].d.next = self.catch.val();
        self.caught[1].d.next = self.caught[0].q.val();
        if self.asked[0].q.val() {
            self.answer.d.next = self.sums[0].q.val();
        }
        if self.asked[2].q.val() & !self.caught[1].q.val() {
            self.answer.d.next = self.copy.rdata.val();
        }
        self.done.next = self.asked[3].q.val();
        self.value.next = self.answer.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    /// The same clock for either circuit: a frame, a question, the answer.
    macro_rules! clock {
        ($heat:expr, $bump:expr, $read:expr) => {{
            let (bump, read): (Option<u64>, Option<u64>) = ($bump, $read);
            $heat.bump.next = bump.is_some();
            $heat.bump_bucket.next = bump.unwrap_or(0x555).into();
            $heat.read.next = read.is_some();
            $heat.read_bucket.next = read.unwrap_or(0xaaa).into();
            step!($heat);
            $heat.done.val().then(|| $heat.value.val().to_u64())
        }};
    }

    /// Clocks from a question to its answer, and the answer.
    macro_rules! ask {
        ($heat:expr, $bucket:expr) => {{
            let mut clocks = 1;
            let mut answer = clock!($heat, None, Some($bucket));
            while answer.is_none() && clocks < READ_LATENCY {
                answer = clock!($heat, None, None);
                clocks += 1;
            }
            answer.expect("an answer in time")
        }};
    }

    /// A row of random numbers.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 33
    }

    #[test]
    fn frames_far_enough_apart_are_all_counted_while_the_host_reads() {
        let mut heat = Heat::default();
        heat.connect_all();
        let mut counts = [0u64; 4];
        let mut state = 1;
        let (mut asked, mut waited) = (None, 0);
        for clock in 0..4000usize {
            let bump = (clock.is_multiple_of(APART)).then(|| random(&mut state) % 4);
            let read = (asked.is_none() && random(&mut state).is_multiple_of(3)).then(|| random(&mut state) % 4);
            if let Some(bucket) = read {
                asked = Some((bucket, counts[bucket as usize]));
                waited = 0;
            }
            let answer = clock!(heat, bump, read);
            waited += 1;
            if let Some(bucket) = bump {
                counts[bucket as usize] += 1;
            }
            if let Some(value) = answer {
                let (bucket, before) = asked.take().expect("an answer follows a question");
                assert!(
                    (before.saturating_sub(1)..=counts[bucket as usize]).contains(&value),
                    "clock {clock}: {value}"
                );
            }
            assert!(asked.is_none() || waited < READ_LATENCY, "clock {clock}");
        }
        for _ in 0..APART {
            clock!(heat, None, None);
        }
        for (bucket, count) in counts.into_iter().enumerate() {
            assert_eq!(ask!(heat, bucket as u64), count);
        }
    }

    #[test]
    fn frames_of_a_bucket_in_any_row_of_clocks_are_all_counted() {
        let mut heat = FastHeat::default();
        heat.connect_all();
        let mut counts = [0u64; 3];
        let mut state = 2;
        let (mut asked, mut waited) = (None, 0);
        for clock in 0..4000usize {
            let bump = (!random(&mut state).is_multiple_of(5)).then(|| random(&mut state) % 3);
            let read = (asked.is_none() && random(&mut state).is_multiple_of(3)).then(|| random(&mut state) % 3);
            if let Some(bucket) = read {
                asked = Some((bucket, counts[bucket as usize]));
                waited = 0;
            }
            let answer = clock!(heat, bump, read);
            waited += 1;
            if let Some(bucket) = bump {
                counts[bucket as usize] += 1;
            }
            if let Some(value) = answer {
                let (bucket, before) = asked.take().expect("an answer follows a question");
                assert!(
                    (before.saturating_sub(3)..=counts[bucket as usize]).contains(&value),
                    "clock {clock}: {value}"
                );
            }
            assert!(asked.is_none() || waited < READ_LATENCY, "clock {clock}");
        }
        for _ in 0..4 {
            clock!(heat, None, None);
        }
        for (bucket, count) in counts.into_iter().enumerate() {
            assert_eq!(ask!(heat, bucket as u64), count);
        }
    }

    #[test]
    fn a_carry_reaches_the_upper_half() {
        let mut heat = Heat::default();
        heat.connect_all();
        for clock in 0..4097 * APART {
            clock!(heat, (clock.is_multiple_of(APART)).then_some(4095), None);
        }
        assert_eq!(ask!(heat, 4095), 4097);
        assert_eq!(ask!(heat, 4094), 0);
    }
}
