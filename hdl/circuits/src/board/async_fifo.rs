//! A queue from one clock to another, which need not know each other: words out of distributed RAM, places in Gray code.
//!
//! Each side sees the other's place two clocks of its own late, one bit changed at a time, so what it sees is a place that was
//! true: the queue is never fuller, nor emptier, than it looks. Whoever reads takes every word when it comes. A word that is
//! written while `s_full` is lost, and `s_lost` says so. There is no reset, since two sides could not agree when: what is
//! inside comes out. Nobody writes while one of the clocks is not yet stable.
//!
//! A word was written two clocks of the reader before it is read or earlier, and stays. So the way from the RAM to `m_word` may take
//! those two clocks, and no tool is told of it; the places go by [`Crossing`].
//!
//! Latency: `m_valid` follows the write by three to four clocks of the reader.

use rust_hdl::prelude::*;

use crate::cell::crossing::Crossing;
use crate::cell::lut_ram::LutRam;

/// `2^A` words of `W` bits; `N` is `A + 1`.
#[derive(LogicBlock)]
pub struct AsyncFifo<const W: usize, const A: usize, const N: usize> {
    /// Clock of the writer.
    pub write_clock: Signal<In, Clock>,
    /// Put `s_word` behind the last one.
    pub s_valid: Signal<In, Bit>,
    /// Word to put.
    pub s_word: Signal<In, Bits<W>>,
    /// There is no place.
    pub s_full: Signal<Out, Bit>,
    /// A word was lost in the clock before.
    pub s_lost: Signal<Out, Bit>,
    /// Clock of the reader.
    pub read_clock: Signal<In, Clock>,
    /// A word, in this clock alone.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_word: Signal<Out, Bits<W>>,

    ram: LutRam<W, A>,
    // In the clock of the writer. The place in Gray code is a register, so that no bit of it ever flickers.
    write_at: DFF<Bits<N>>,
    write_gray: DFF<Bits<N>>,
    lost: DFF<Bit>,
    read_seen: [Crossing; N],
    // In the clock of the reader.
    read_at: DFF<Bits<N>>,
    read_gray: DFF<Bits<N>>,
    write_seen: [Crossing; N],
    valid: DFF<Bit>,
    word: DFF<Bits<W>>,

    upper_two: Constant<Bits<N>>,
    write_next: Signal<Local, Bits<N>>,
    write_half: Signal<Local, Bits<N>>,
    read_next: Signal<Local, Bits<N>>,
    read_half: Signal<Local, Bits<N>>,
    reader: Signal<Local, Bits<N>>,
    writer: Signal<Local, Bits<N>>,
    last: Signal<Local, Bits<N>>,
    full: Signal<Local, Bit>,
    puts: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
}

impl<const W: usize, const A: usize, const N: usize> Default for AsyncFifo<W, A, N> {
    fn default() -> Self {
        assert!(N == A + 1, "2^{A} words have places of {} bits, not {N}", A + 1);
        AsyncFifo {
            write_clock: Default::default(),
            s_valid: Default::default(),
            s_word: Default::default(),
            s_full: Default::default(),
            s_lost: Default::default(),
            read_clock: Default::default(),
            m_valid: Default::default(),
            m_word: Default::default(),
            ram: Default::default(),
            write_at: Default::default(),
            write_gray: Default::default(),
            lost: Default::default(),
            read_seen: std::array::from_fn(|_| Default::default()),
            read_at: Default::default(),
            read_gray: Default::default(),
            write_seen: std::array::from_fn(|_| Default::default()),
            valid: Default::default(),
            word: Default::default(),
            upper_two: Constant::new((3u64 << (N - 2)).to_bits()),
            write_next: Default::default(),
            write_half: Default::default(),
            read_next: Default::default(),
            read_half: Default::default(),
            reader: Default::default(),
            writer: Default::default(),
            last: Default::default(),
            full: Default::default(),
            puts: Default::default(),
            takes: Default::default(),
        }
    }
}

impl<const W: usize, const A: usize, const N: usize> Logic for AsyncFifo<W, A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, write_clock, write_at, write_gray, lost);
        dff_setup!(self, read_clock, read_at, read_gray, valid, word);
        clock!(self, write_clock, ram);
        self.reader.next = 0.into();
        self.writer.next = 0.into();
        for i in 0..N {
            self.read_seen[i].clock.next = self.write_clock.val();
            self.read_seen[i].d.next = self.read_gray.q.val().get_bit(i);
            self.reader.next = self.reader.val().replace_bit(i, self.read_seen[i].q.val());
            self.write_seen[i].clock.next = self.read_clock.val();
            self.write_seen[i].d.next = self.write_gray.q.val().get_bit(i);
            self.writer.next = self.writer.val().replace_bit(i, self.write_seen[i].q.val());
        }

        // Full: a whole round ahead, which in Gray code turns the two upper bits.
        self.last.next = self.reader.val() ^ self.upper_two.val();
        self.full.next = self.write_gray.q.val() == self.last.val();
        self.puts.next = self.s_valid.val() & !self.full.val();
        self.write_next.next = self.write_at.q.val() + 1;
        self.write_half.next = self.write_next.val() >> 1;
        if self.puts.val() {
            self.write_at.d.next = self.write_next.val();
            self.write_gray.d.next = self.write_next.val() ^ self.write_half.val();
        }
        self.ram.we.next = self.puts.val();
        self.ram.waddr.next = self.write_at.q.val().get_bits::<A>(0);
        self.ram.wdata.next = self.s_word.val();
        self.lost.d.next = self.s_valid.val() & self.full.val();
        self.s_full.next = self.full.val();
        self.s_lost.next = self.lost.q.val();

        self.takes.next = self.read_gray.q.val() != self.writer.val();
        self.read_next.next = self.read_at.q.val() + 1;
        self.read_half.next = self.read_next.val() >> 1;
        self.ram.raddr.next = self.read_at.q.val().get_bits::<A>(0);
        self.valid.d.next = self.takes.val();
        if self.takes.val() {
            self.read_at.d.next = self.read_next.val();
            self.read_gray.d.next = self.read_next.val() ^ self.read_half.val();
            self.word.d.next = self.ram.rdata.val();
        }
        self.m_valid.next = self.valid.q.val();
        self.m_word.next = self.word.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::random::Random;
    use std::collections::VecDeque;

    type Queue = AsyncFifo<12, 3, 4>;

    /// Two clocks: half a period of each, and the time to its next edge.
    struct Bench {
        queue: Queue,
        halves: [u64; 2],
        left: [u64; 2],
        written: VecDeque<u64>,
        lost: usize,
        read: usize,
        most: usize,
    }

    impl Bench {
        fn new(halves: [u64; 2]) -> Bench {
            let mut queue = Queue::default();
            queue.connect_all();
            assert!(simulate(&mut queue, 100));
            Bench { queue, halves, left: halves, written: VecDeque::new(), lost: 0, read: 0, most: 0 }
        }

        /// The next edge; whether it was the writer's that rose.
        fn edge(&mut self, write: bool, word: u64) -> bool {
            let step = self.left[0].min(self.left[1]);
            self.left.iter_mut().for_each(|left| *left -= step);
            let mut rose = [false; 2];
            // Edges that meet are one event: both sides see what was before.
            for (side, rose) in rose.iter_mut().enumerate() {
                if self.left[side] == 0 {
                    self.left[side] = self.halves[side];
                    let clock = if side == 0 { &mut self.queue.write_clock } else { &mut self.queue.read_clock };
                    let clk = !clock.val().clk;
                    clock.next = Clock { clk };
                    *rose = clk;
                }
            }
            if rose[0] && self.queue.s_valid.val() {
                match self.queue.s_full.val() {
                    true => self.lost += 1,
                    false => self.written.push_back(self.queue.s_word.val().to_u64()),
                }
                self.most = self.most.max(self.written.len());
            }
            assert!(simulate(&mut self.queue, 100));
            if rose[1] && self.queue.m_valid.val() {
                assert_eq!(Some(self.queue.m_word.val().to_u64()), self.written.pop_front());
                self.read += 1;
            }
            if rose[0] {
                self.queue.s_valid.next = write;
                self.queue.s_word.next = word.into();
                assert!(simulate(&mut self.queue, 100));
            }
            rose[0]
        }
    }

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut AsyncFifo::<72, 4, 5>::default(), "async_fifo").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn words_cross_in_order_at_any_ratio_of_the_clocks() {
        for halves in [[4000, 4000], [4000, 4001], [4001, 4000], [4000, 1500], [1500, 4000], [4000, 9100]] {
            let mut bench = Bench::new(halves);
            let mut random = Random::new(halves[1]);
            let mut clocks = 0;
            while clocks < 400 {
                let write = random.once_in(3);
                clocks += usize::from(bench.edge(write, random.below(4096)));
            }
            for _ in 0..60 {
                bench.edge(false, 0);
            }
            assert!(bench.written.is_empty() && bench.read + bench.lost > 90, "{halves:?}: {} read", bench.read);
        }
    }

    #[test]
    fn every_eighth_clock_and_one_beat_more_at_the_end_never_fill_it() {
        for halves in [[40000, 40004], [40004, 40000], [40000, 40000]] {
            let mut bench = Bench::new(halves);
            let mut clocks = 0usize;
            while clocks < 800 {
                clocks += usize::from(bench.edge(clocks.is_multiple_of(8) || clocks % 64 == 1, clocks as u64));
            }
            assert!(bench.lost == 0 && bench.read > 100 && bench.most <= 5, "{halves:?}: {} at most", bench.most);
        }
    }

    #[test]
    fn what_finds_no_place_is_lost_and_told_and_the_rest_comes_out() {
        let mut bench = Bench::new([1000, 1_000_000]);
        let (mut clocks, mut told) = (0, 0);
        while clocks < 20 {
            let rose = bench.edge(clocks < 12, clocks);
            clocks += u64::from(rose);
            told += usize::from(rose && bench.queue.s_lost.val());
        }
        assert_eq!((bench.lost, told, bench.written.len()), (4, 4, 8));
        bench.halves[1] = 1000;
        bench.left[1] = 1000;
        for _ in 0..80 {
            bench.edge(false, 0);
        }
        assert_eq!(bench.read, 8);
    }
}
