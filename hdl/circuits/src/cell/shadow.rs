//! Shadowed configuration: words the host writes one by one, and the copy in force that a commit loads at one clock.
//!
//! Which words there are, what they keep and what they hold after reset comes from the register table; which fields the
//! pipeline sees, and in which order, from the stage that uses them.

use std::fmt::Write;

use rust_hdl::prelude::*;
use weir_spec::regs::{Block as Registers, RegId};

use super::decoder::word;

/// The copies of one block; `active` is `N` bits, the first field of entry 0 lowest.
#[derive(LogicBlock)]
pub struct Shadow<const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Both copies back to their reset values.
    pub reset: Signal<In, Bit>,
    /// Which word of the block.
    pub word: Signal<In, Bits<14>>,
    /// The host writes this clock.
    pub we: Signal<In, Bit>,
    /// What it writes; bits the register does not hold are zero.
    pub wdata: Signal<In, Bits<32>>,
    /// Take `rdata` from `word` this clock.
    pub re: Signal<In, Bit>,
    /// The shadow word, one clock after `re`.
    pub rdata: Signal<Out, Bits<32>>,
    /// The shadow comes into force.
    pub load: Signal<In, Bit>,
    /// What is in force.
    pub active: Signal<Out, Bits<N>>,
    _reset: Vec<u32>,
    _fields: Vec<(usize, u32, u32)>,
    _words: Vec<u32>,
}

impl<const N: usize> Shadow<N> {
    /// The copies of `block`; of each entry the pipeline sees `fields`, lowest first. An empty name is the whole word.
    pub fn new(block: &'static Registers, fields: &[(RegId, &str)]) -> Self {
        Self::ordered(block, fields, 0..block.count)
    }

    /// As [`new`](Shadow::new), but the last entry lowest: entry 0 is on top, as octets on the wire.
    pub fn falling(block: &'static Registers, fields: &[(RegId, &str)]) -> Self {
        Self::ordered(block, fields, (0..block.count).rev())
    }

    fn ordered(block: &'static Registers, fields: &[(RegId, &str)], order: impl Iterator<Item = u32>) -> Self {
        let mut reset = Vec::new();
        let mut packed = Vec::new();
        for _ in 0..block.count {
            reset.extend(block.regs.iter().map(|reg| reg.reset));
        }
        for entry in order {
            for &(id, name) in fields {
                let reg = block.regs.iter().find(|reg| reg.id == id).expect("the block has this register");
                let (low, width) = match name {
                    "" => (0, 32),
                    _ => (reg.field(name).low, reg.field(name).width),
                };
                packed.push((word(block, reg, entry) as usize, low, width));
            }
        }
        assert_eq!(packed.iter().map(|field| field.2 as usize).sum::<usize>(), N, "{} fills its vector", block.name);
        let mut bank = Shadow {
            clock: Default::default(),
            reset: Default::default(),
            word: Default::default(),
            we: Default::default(),
            wdata: Default::default(),
            re: Default::default(),
            rdata: Default::default(),
            load: Default::default(),
            active: Default::default(),
            _words: reset.clone(),
            _reset: reset,
            _fields: packed,
        };
        bank.active = Signal::new_with_default(bank.pack(&bank._reset));
        bank
    }

    fn pack(&self, words: &[u32]) -> Bits<N> {
        let (mut bits, mut at) = (Bits::<N>::default(), 0);
        for &(word, low, width) in &self._fields {
            for bit in low..low + width {
                bits = bits.replace_bit(at, words[word] >> bit & 1 == 1);
                at += 1;
            }
        }
        bits
    }
}

impl<const N: usize> Logic for Shadow<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let word = self.word.val().index();
            if self.re.val() {
                self.rdata.next = self._words.get(word).map_or(0.into(), |word| word.to_bits());
            }
            if self.load.val() {
                self.active.next = self.pack(&self._words);
            }
            if self.we.val() {
                if let Some(place) = self._words.get_mut(word) {
                    *place = self.wdata.val().to_u64() as u32;
                }
            }
            if self.reset.val() {
                self._words.copy_from_slice(&self._reset);
                self.active.next = self.pack(&self._reset);
            }
        }
    }

    fn connect(&mut self) {
        self.rdata.connect();
        self.active.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(self.text().expect("a string takes what is written"))
    }
}

impl<const N: usize> Shadow<N> {
    fn text(&self) -> Result<String, std::fmt::Error> {
        let [mut declare, mut start, mut clear, mut write, mut read] = std::array::from_fn(|_| String::new());
        for (word, value) in self._reset.iter().enumerate() {
            writeln!(declare, "reg [31:0] word_{word};")?;
            writeln!(start, "    word_{word} = 32'h{value:x};")?;
            writeln!(clear, "        word_{word} <= 32'h{value:x};")?;
            writeln!(write, "        14'd{word}: word_{word} <= wdata;")?;
            writeln!(read, "        14'd{word}: rdata <= word_{word};")?;
        }
        let packed: Vec<String> = self
            ._fields
            .iter()
            .rev()
            .map(|(word, low, width)| format!("        word_{word}[{}:{low}]", low + width - 1))
            .collect();
        let packed = packed.join(",\n");
        let reset: Vec<String> = self
            ._fields
            .iter()
            .rev()
            .map(|&(word, low, width)| {
                format!("        {width}'h{:x}", (u64::from(self._reset[word]) >> low) & ((1 << width) - 1))
            })
            .collect();
        let reset = reset.join(",\n");
        Ok(format!(
            "{declare}initial begin
{start}    rdata = 0;
    active = {{
{reset}
    }};
end
always @(posedge clock) if (re) case (word)
{read}        default: rdata <= 0;
endcase
always @(posedge clock) begin
    if (we) case (word)
{write}        default: ;
    endcase
    if (load) active <= {{
{packed}
    }};
    if (reset) begin
{clear}        active <= {{
{reset}
        }};
    end
end"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::regs::{self, POLICY};

    #[test]
    fn what_is_written_comes_into_force_with_the_load_alone() {
        let fields = [(RegId::Policy, "echo_map"), (RegId::Policy, "echo_hash")];
        let mut bank = Shadow::<8>::new(&POLICY, &fields);
        bank.connect_all();
        let word = regs::reg(RegId::Policy).field("echo_map").place(65) | 1;
        bank.we.next = true;
        bank.wdata.next = word.to_bits();
        step!(bank);
        assert_eq!(bank.active.val().to_u64(), 0);
        bank.we.next = false;
        bank.load.next = true;
        bank.re.next = true;
        step!(bank);
        assert_eq!((bank.active.val().to_u64(), bank.rdata.val().to_u64()), (65 | 1 << 7, u64::from(word)));
        bank.load.next = false;
        bank.reset.next = true;
        step!(bank);
        assert_eq!(bank.active.val().to_u64(), 0);
    }
}
