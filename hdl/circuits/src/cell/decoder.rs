//! What lies at a byte offset: the register table of `weir-spec` as a circuit.
//!
//! Latency: one clock. Spec twin: `weir_spec::regs::find`.

use std::fmt::Write;

use rust_hdl::prelude::*;
use weir_spec::regs::{self, Access, Block as Registers, Reg, RegId};

/// Bits of a byte offset inside a port.
pub const ADDRESS: usize = 18;
const _: () = assert!(1 << ADDRESS == regs::PORT_SIZE);

/// The number of a register in circuits: its place in the order of `RegId`.
pub fn number(id: RegId) -> Bits<6> {
    (id as usize).to_bits()
}

/// The number of a block in circuits: its place in the table.
pub fn block_number(block: &Registers) -> Bits<4> {
    let place = regs::BLOCKS.iter().position(|other| other.base == block.base).expect("a block is in the table");
    (place + 1).to_bits()
}

/// Decodes `address` when `valid`; holds its outputs else.
#[derive(LogicBlock, Default)]
pub struct Decoder {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Decode this clock.
    pub valid: Signal<In, Bit>,
    /// Byte offset.
    pub address: Signal<In, Bits<ADDRESS>>,
    /// There is a register.
    pub found: Signal<Out, Bit>,
    /// It takes writes.
    pub takes: Signal<Out, Bit>,
    /// It is a shadow: no writes while a commit is under way.
    pub shadow: Signal<Out, Bit>,
    /// Which register, by [`number`].
    pub id: Signal<Out, Bits<6>>,
    /// Which block, by [`block_number`]; 0 for none.
    pub block: Signal<Out, Bits<4>>,
    /// Which word of its block: entry times registers an entry, plus register.
    pub word: Signal<Out, Bits<14>>,
    /// Bits that hold what is written.
    pub mask: Signal<Out, Bits<32>>,
    /// What it reads if it is constant.
    pub fixed: Signal<Out, Bits<32>>,
}

fn takes(block: &Registers, reg: &Reg) -> bool {
    reg.access != Access::ReadOnly && !block.optional
}

impl Logic for Decoder {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.valid.val() {
            let found = regs::find(self.address.val().index() as u32);
            self.found.next = found.is_some();
            self.takes.next = found.is_some_and(|(block, reg, _)| takes(block, reg));
            self.shadow.next = found.is_some_and(|(block, _, _)| block.shadow);
            self.id.next = found.map_or(0.into(), |(_, reg, _)| number(reg.id));
            self.block.next = found.map_or(0.into(), |(block, _, _)| block_number(block));
            self.word.next = found.map_or(0.into(), |(block, reg, index)| word(block, reg, index).to_bits());
            self.mask.next = found.map_or(0.into(), |(_, reg, _)| reg.writable().to_bits());
            self.fixed.next = found.map_or(0.into(), |(_, reg, _)| reg.reset.to_bits());
        }
    }

    fn connect(&mut self) {
        self.found.connect();
        self.takes.connect();
        self.shadow.connect();
        self.id.connect();
        self.block.connect();
        self.word.connect();
        self.mask.connect();
        self.fixed.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut arms = String::new();
        for block in regs::BLOCKS {
            arm(&mut arms, block).expect("a string takes what is written");
        }
        Verilog::Custom(format!(
            "initial begin
    found = 0; takes = 0; shadow = 0; id = 0; block = 0; word = 0; mask = 0; fixed = 0;
end
always @(posedge clock) if (valid) begin
    found <= 0; takes <= 0; shadow <= 0; id <= 0; block <= 0; word <= 0; mask <= 0; fixed <= 0;
{arms}end"
        ))
    }
}

/// The place of a register among the words of its block.
pub fn word(block: &Registers, reg: &Reg, index: u32) -> u32 {
    let place = block.regs.iter().position(|other| other.id == reg.id).expect("a register is in its block");
    index * block.regs.len() as u32 + place as u32
}

fn arm(text: &mut String, block: &Registers) -> std::fmt::Result {
    assert!(block.size.is_power_of_two() && block.stride.is_power_of_two() && block.base.is_multiple_of(block.size));
    let (size, stride) = (block.size.trailing_zeros(), block.stride.trailing_zeros());
    let top = ADDRESS - 1;
    writeln!(text, "    // {}", block.name)?;
    writeln!(text, "    if (address[{top}:{size}] == {}'h{:x}", ADDRESS as u32 - size, block.base >> size)?;
    let index = if stride < size { format!("address[{}:{stride}]", size - 1) } else { "1'b0".to_string() };
    if stride < size && block.count < 1 << (size - stride) {
        writeln!(text, "        && {index} < {}'d{}", size - stride, block.count)?;
    }
    writeln!(text, "    ) case (address[{}:0])", stride - 1)?;
    for reg in block.regs {
        let place = word(block, reg, 0);
        let step = block.regs.len();
        writeln!(
            text,
            "        {stride}'h{:x}: begin // {}
            found <= 1'b1; takes <= 1'b{}; shadow <= 1'b{}; id <= 6'd{};
            block <= 4'd{}; word <= {index} * {step} + {place};
            mask <= 32'h{:x}; fixed <= 32'h{:x};
        end",
            reg.offset,
            reg.name,
            u8::from(takes(block, reg)),
            u8::from(block.shadow),
            reg.id as usize,
            block_number(block).to_u64(),
            reg.writable(),
            reg.reset,
        )?;
    }
    writeln!(text, "        default: ;\n    endcase")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn every_block_has_a_place_in_fourteen_bits() {
        for block in regs::BLOCKS {
            let last = block.regs.last().expect("no block is empty");
            assert!(word(block, last, block.count - 1) < 1 << 14, "{}", block.name);
        }
    }

    #[test]
    fn it_names_what_the_table_names() {
        let mut decoder = Decoder::default();
        decoder.connect_all();
        decoder.valid.next = true;
        for (id, index) in [(RegId::Commit, 0), (RegId::RuleMap, 32), (RegId::CounterHi, 97), (RegId::MapWord, 16383)] {
            decoder.address.next = regs::address(id, index).to_bits();
            step!(decoder);
            assert_eq!((decoder.found.val(), decoder.id.val()), (true, number(id)));
        }
        assert_eq!(decoder.word.val().to_u64(), 16383);
    }
}
