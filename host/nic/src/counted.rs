//! How many transactions of the bus something takes: on a card each read costs about a microsecond, and a write a fraction
//! of it.

use crate::{Bar, BarError};

/// A BAR that counts what goes through it.
pub struct Counted<B> {
    bar: B,
    count: Transactions,
}

/// Words read and written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transactions {
    /// Reads: the processor waits for each.
    pub reads: u64,
    /// Writes: posted, nobody waits.
    pub writes: u64,
}

impl<B: Bar> Counted<B> {
    /// Counts from here on.
    pub fn new(bar: B) -> Counted<B> {
        Counted { bar, count: Transactions::default() }
    }

    /// Those since the last call, or the beginning.
    pub fn take(&mut self) -> Transactions {
        std::mem::take(&mut self.count)
    }

    /// The BAR itself; what is done to it so does not count.
    pub fn bar_mut(&mut self) -> &mut B {
        &mut self.bar
    }
}

impl<B: Bar> Bar for Counted<B> {
    fn size(&self) -> u32 {
        self.bar.size()
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        self.count.reads += 1;
        self.bar.load(offset)
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.count.writes += 1;
        self.bar.store(offset, value)
    }

    fn store_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
        self.count.writes += words.len() as u64;
        self.bar.store_block(offset, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Sim;

    #[test]
    fn every_word_counts_once_and_refused_ones_do_not() {
        let mut bar = Counted::new(Sim::new());
        bar.write_block(0x2_0000, &[1, 2, 3]).expect("three words of a map");
        bar.write32(0x1c, 5).expect("SCRATCH");
        assert_eq!(bar.read32(0x1c).expect("SCRATCH"), 5);
        bar.read32(2).expect_err("it is no word");
        assert_eq!(bar.take(), Transactions { reads: 1, writes: 4 });
        assert_eq!(bar.take(), Transactions::default());
    }
}
