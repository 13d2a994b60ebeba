//! Constant words in logic: for few distinct words, where a block RAM would be a waste.
//!
//! Latency: one clock.

use rust_hdl::prelude::*;

/// `2^A` words of 32 bits.
#[derive(LogicBlock)]
pub struct Rom<const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Which word.
    pub at: Signal<In, Bits<A>>,
    /// It, one clock later.
    pub word: Signal<Out, Bits<32>>,
    _words: Vec<u32>,
}

impl<const A: usize> Rom<A> {
    /// Panics unless there are `2^A` words.
    pub fn new(words: Vec<u32>) -> Self {
        assert_eq!(words.len(), 1 << A);
        Rom { clock: Default::default(), at: Default::default(), word: Default::default(), _words: words }
    }
}

impl<const A: usize> Logic for Rom<A> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.word.next = self._words[self.at.val().index()].to_bits();
        }
    }

    fn connect(&mut self) {
        self.word.connect();
    }

    /// One choice a bit of the address, the top bit first, and none where both halves are alike: as a `case`, synthesis
    /// would take a block RAM.
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!("initial word = 0;\nalways @(posedge clock) word <= {};", choose(&self._words)))
    }
}

fn choose(words: &[u32]) -> String {
    if words.iter().all(|word| *word == words[0]) {
        return format!("32'h{:x}", words[0]);
    }
    let (low, high) = words.split_at(words.len() / 2);
    if low == high {
        return choose(low);
    }
    format!("(at[{}] ? {} : {})", low.len().trailing_zeros(), choose(high), choose(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn a_word_comes_one_clock_after_its_address() {
        let words: Vec<u32> = (0..16).map(|word| word * word).collect();
        let mut rom = Rom::<4>::new(words.clone());
        rom.connect_all();
        for (at, word) in words.iter().enumerate() {
            rom.at.next = at.to_bits();
            step!(rom);
            assert_eq!(rom.word.val().to_u64(), u64::from(*word));
        }
    }

    #[test]
    fn alike_halves_are_not_told_apart() {
        assert_eq!(choose(&[5, 6, 5, 6]), "(at[0] ? 32'h6 : 32'h5)");
        assert_eq!(choose(&[7; 8]), "32'h7");
    }
}
