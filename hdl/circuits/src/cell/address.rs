//! What lies at a byte offset: the register table of `weir-spec` as a circuit.
//!
//! Latency: two clocks from `look`, first the block, then the register in it; the offset holds meanwhile, and what is
//! said of it until the next `look`. Which word of a block is meant are plain bits of the offset. Spec twin:
//! `weir_spec::regs::find`.

use std::fmt::Write;

use rust_hdl::prelude::*;
use weir_spec::regs::{self, Access, Block as Registers, Reg, RegId};

use crate::control::layout::{self, PLACE};

/// Bits of a byte offset inside a port.
pub const ADDRESS: usize = 18;
const _: () = assert!(1 << ADDRESS == regs::PORT_SIZE);

/// Where a read is answered from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Source {
    /// The store.
    Store = 0,
    /// The frozen counters.
    Counter = 1,
    /// The pool of maps.
    Map = 2,
    /// The heat counters.
    Heat = 3,
    /// STATUS.
    Status = 8,
    /// NIC_TIME, low word.
    TimeLo = 9,
    /// NIC_TIME, high word as latched.
    TimeHi = 10,
    /// FLOW.STATUS.
    FlowStatus = 11,
    /// FLOW.SIGNATURE_LO.
    FlowLo = 12,
    /// FLOW.SIGNATURE_HI.
    FlowHi = 13,
    /// FLOW.INDEX.
    FlowIndex = 14,
    /// FLOW.COUNT.
    FlowCount = 15,
}

impl Source {
    fn of(id: RegId) -> Source {
        match id {
            RegId::CounterLo | RegId::CounterHi => Source::Counter,
            RegId::MapWord => Source::Map,
            RegId::Heat => Source::Heat,
            RegId::Status => Source::Status,
            RegId::NicTimeLo => Source::TimeLo,
            RegId::NicTimeHi => Source::TimeHi,
            RegId::FlowStatus => Source::FlowStatus,
            RegId::FlowSignatureLo => Source::FlowLo,
            RegId::FlowSignatureHi => Source::FlowHi,
            RegId::FlowIndex => Source::FlowIndex,
            RegId::FlowCount => Source::FlowCount,
            _ => Source::Store,
        }
    }
}

/// Registers whose access does more than to read or keep a word, each with its own output.
const ACTS: [(RegId, &str); 16] = [
    (RegId::Commit, "commit"),
    (RegId::Renew, "renew"),
    (RegId::Snapshot, "snapshot"),
    (RegId::ClusterMacLo, "cluster_lo"),
    (RegId::ClusterMacHi, "cluster_hi"),
    (RegId::MaskedMacLo, "masked_lo"),
    (RegId::MaskedMacHi, "masked_hi"),
    (RegId::WarnLease, "warn_lease"),
    (RegId::WarnFlows, "warn_flows"),
    (RegId::FlowCommand, "flow_command"),
    (RegId::FlowSignatureLo, "flow_lo"),
    (RegId::FlowSignatureHi, "flow_hi"),
    (RegId::FlowIndex, "flow_index"),
    (RegId::MapWord, "map"),
    (RegId::NicTimeLo, "time_lo"),
    (RegId::Heat, "heat"),
];

/// See the module.
#[derive(LogicBlock, Default)]
pub struct AddressDecoder {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// There is a new offset.
    pub look: Signal<In, Bit>,
    /// Byte offset.
    pub address: Signal<In, Bits<ADDRESS>>,
    /// There is a register.
    pub found: Signal<Out, Bit>,
    /// It takes writes.
    pub takes: Signal<Out, Bit>,
    /// It takes none while a commit is under way.
    pub locked: Signal<Out, Bit>,
    /// A write goes to the store.
    pub stored: Signal<Out, Bit>,
    /// Where a read is answered from: [`Source`].
    pub source: Signal<Out, Bits<4>>,
    /// Its place in the store; of a map word that of the slot's CRC.
    pub place: Signal<Out, Bits<PLACE>>,
    /// Bits that hold what is written; all for a doorbell.
    pub mask: Signal<Out, Bits<32>>,
    /// It is COMMIT.
    pub commit: Signal<Out, Bit>,
    /// It is RENEW.
    pub renew: Signal<Out, Bit>,
    /// It is SNAPSHOT.
    pub snapshot: Signal<Out, Bit>,
    /// It is CLUSTER_MAC_LO.
    pub cluster_lo: Signal<Out, Bit>,
    /// It is CLUSTER_MAC_HI.
    pub cluster_hi: Signal<Out, Bit>,
    /// It is MASKED_MAC_LO.
    pub masked_lo: Signal<Out, Bit>,
    /// It is MASKED_MAC_HI.
    pub masked_hi: Signal<Out, Bit>,
    /// It is WARN_LEASE.
    pub warn_lease: Signal<Out, Bit>,
    /// It is WARN_FLOWS.
    pub warn_flows: Signal<Out, Bit>,
    /// It is FLOW.COMMAND.
    pub flow_command: Signal<Out, Bit>,
    /// It is FLOW.SIGNATURE_LO.
    pub flow_lo: Signal<Out, Bit>,
    /// It is FLOW.SIGNATURE_HI.
    pub flow_hi: Signal<Out, Bit>,
    /// It is FLOW.INDEX.
    pub flow_index: Signal<Out, Bit>,
    /// It is a map word.
    pub map: Signal<Out, Bit>,
    /// It is NIC_TIME_LO.
    pub time_lo: Signal<Out, Bit>,
    /// It is the heat of a bucket.
    pub heat: Signal<Out, Bit>,
    _before: u32,
    _looked: bool,
}

/// What the circuit says of a register, apart from its place.
struct Entry {
    takes: bool,
    locked: bool,
    stored: bool,
    source: Source,
    mask: u32,
    acts: u32,
}

fn entry(block: &Registers, reg: &Reg) -> Entry {
    let takes = reg.access != Access::ReadOnly;
    Entry {
        takes,
        locked: block.shadow || reg.id == RegId::Commit,
        stored: reg.access == Access::ReadWrite && layout::block(block).is_some(),
        source: Source::of(reg.id),
        mask: if reg.access == Access::WriteOnly { u32::MAX } else { reg.writable() },
        acts: ACTS.iter().enumerate().fold(0, |acts, (bit, (id, _))| acts | u32::from(*id == reg.id) << bit),
    }
}

fn place(block: &Registers, reg: &Reg, index: u32) -> u32 {
    if reg.id == RegId::MapWord {
        return layout::place(RegId::MapCrc, index / weir_spec::map::WORDS as u32);
    }
    layout::block(block).map_or(0, |_| layout::place(reg.id, index))
}

impl Logic for AddressDecoder {
    fn update(&mut self) {
        if !self.clock.pos_edge() {
            return;
        }
        if self._looked {
            let found = regs::find(self._before);
            let entry = found.map(|(block, reg, _)| entry(block, reg));
            let is = |fact: fn(&Entry) -> bool| entry.as_ref().is_some_and(fact);
            let acts = entry.as_ref().map_or(0, |entry| entry.acts);
            self.found.next = found.is_some();
            self.takes.next = is(|entry| entry.takes);
            self.locked.next = is(|entry| entry.locked);
            self.stored.next = is(|entry| entry.stored);
            self.source.next = entry.as_ref().map_or(0, |entry| entry.source as u32).to_bits();
            self.place.next = found.map_or(0, |(block, reg, index)| place(block, reg, index)).to_bits();
            self.mask.next = entry.as_ref().map_or(0, |entry| entry.mask).to_bits();
            let outputs = [
                &mut self.commit,
                &mut self.renew,
                &mut self.snapshot,
                &mut self.cluster_lo,
                &mut self.cluster_hi,
                &mut self.masked_lo,
                &mut self.masked_hi,
                &mut self.warn_lease,
                &mut self.warn_flows,
                &mut self.flow_command,
                &mut self.flow_lo,
                &mut self.flow_hi,
                &mut self.flow_index,
                &mut self.map,
                &mut self.time_lo,
                &mut self.heat,
            ];
            for (bit, output) in outputs.into_iter().enumerate() {
                output.next = acts >> bit & 1 == 1;
            }
        }
        self._looked = self.look.val();
        if self._looked {
            self._before = self.address.val().index() as u32;
        }
    }

    fn connect(&mut self) {
        self.found.connect();
        self.takes.connect();
        self.locked.connect();
        self.stored.connect();
        self.source.connect();
        self.place.connect();
        self.mask.connect();
        self.commit.connect();
        self.renew.connect();
        self.snapshot.connect();
        self.cluster_lo.connect();
        self.cluster_hi.connect();
        self.masked_lo.connect();
        self.masked_hi.connect();
        self.warn_lease.connect();
        self.warn_flows.connect();
        self.flow_command.connect();
        self.flow_lo.connect();
        self.flow_hi.connect();
        self.flow_index.connect();
        self.map.connect();
        self.time_lo.connect();
        self.heat.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(text().expect("a string takes what is written"))
    }
}

/// Bits of the packed word of a register: acts, source, place of entry 0, then the four truths.
const PACKED: usize = ACTS.len() + 4 + PLACE + 4;

/// The part of a register's place that is not bits of its offset.
fn base(block: &Registers, reg: &Reg) -> u32 {
    match index_bits(block) {
        Some((_, _, _, true)) => place(block, &block.regs[0], 0),
        _ => place(block, reg, 0),
    }
}

fn packed(block: &Registers, reg: &Reg) -> u64 {
    let entry = entry(block, reg);
    let truths = 1 | u64::from(entry.takes) << 1 | u64::from(entry.locked) << 2 | u64::from(entry.stored) << 3;
    ((truths << PLACE | u64::from(base(block, reg))) << 4 | entry.source as u64) << ACTS.len() | u64::from(entry.acts)
}

/// The bits of the offset that go into a place, highest and lowest, and how far up; and whether they tell registers
/// apart too, not entries alone.
fn index_bits(block: &Registers) -> Option<(u32, u32, u32, bool)> {
    if block.base == regs::MAP.base {
        let slot = block.stride.trailing_zeros() + weir_spec::map::WORDS.trailing_zeros();
        return Some((slot + weir_spec::map::SLOTS.trailing_zeros() - 1, slot, 0, true));
    }
    let (first, shift) = layout::block(block)?;
    let last = block.regs.last().expect("no block is empty");
    let end = block.address(last, block.count - 1) - block.base;
    if block
        .regs
        .iter()
        .all(|reg| layout::place(reg.id, block.count - 1) == (first | ((end - last.offset + reg.offset) / 4)))
    {
        return (end > 0).then(|| (end.ilog2(), 2, 0, true));
    }
    let low = block.stride.trailing_zeros();
    Some((low + (block.count - 1).ilog2(), low, shift, false))
}

/// That the number in these bits of the offset is below `count`, bit by bit: as a comparison it would take a carry chain.
fn below(high: u32, low: u32, count: u32) -> String {
    let half = 1 << (high - low);
    if count == 2 * half {
        return "1'b1".to_string();
    }
    let rest = |count| if high == low { "1'b0".to_string() } else { below(high - 1, low, count) };
    match count {
        0 => "1'b0".to_string(),
        _ if count <= half => {
            format!("(!address[{high}] && {})", if count == half { "1'b1".into() } else { rest(count) })
        }
        _ => format!("(!address[{high}] || {})", rest(count - half)),
    }
}

fn text() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let top = ADDRESS - 1;
    let (mut hits, mut words, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (number, block) in regs::BLOCKS.iter().enumerate() {
        assert!(block.size.is_power_of_two() && block.stride.is_power_of_two() && block.base % block.size == 0);
        let (size, stride) = (block.size.trailing_zeros(), block.stride.trailing_zeros());
        // Bits of the offset that tell the registers of an entry apart; those above are zero in all of them.
        let last = block.regs.last().expect("no block is empty").offset;
        let bits = last.checked_ilog2().map_or(2, |bit| bit + 1);
        writeln!(text, "// {}\nreg hit_{number};\ninitial hit_{number} = 0;", block.name)?;
        let mut hit = format!("    hit_{number} <= address[1:0] == 0");
        write!(hit, " && address[{top}:{size}] == {}'h{:x}", ADDRESS as u32 - size, block.base >> size)?;
        if bits < stride {
            write!(hit, " && address[{}:{bits}] == 0", stride - 1)?;
        }
        if stride < size {
            write!(hit, " && {}", below(size - 1, stride, block.count))?;
        }
        hits.push(hit + ";\n");
        // What the registers are, then which bits they hold.
        let (width, index) = (PACKED + 32, bits.max(3) - 2);
        writeln!(text, "function [{}:0] word_{number}(input [{}:0] index);\n    case (index)", width - 1, index - 1)?;
        for reg in block.regs {
            let word = u128::from(packed(block, reg)) << 32 | u128::from(entry(block, reg).mask);
            let place = if bits == 2 { "default".to_string() } else { format!("{index}'h{:x}", reg.offset / 4) };
            writeln!(text, "        {place}: word_{number} = {width}'h{word:x}; // {}", reg.name)?;
        }
        if bits > 2 {
            writeln!(text, "        default: word_{number} = 0;")?;
        }
        writeln!(text, "    endcase\nendfunction")?;
        words.push(format!("(hit_{number} ? word_{number}(address[{}:2]) : {width}'b0)", index + 1));
        if let Some((high, low, shift, _)) = index_bits(block) {
            places.push(format!("({{{PLACE}{{hit_{number}}}}} & ({{{PLACE}'b0, address[{high}:{low}]}} << {shift}))"));
        }
    }
    let acts: Vec<&str> = ACTS.iter().rev().map(|(_, name)| *name).collect();
    let outputs = format!("{{stored, locked, takes, found, base, source, {}, mask}}", acts.join(", "));
    writeln!(text, "reg looked;\nreg [{}:0] base;\nreg [{}:0] index;", PLACE - 1, PLACE - 1)?;
    writeln!(text, "initial begin\n    looked = 0;\n    {outputs} = 0;\n    index = 0;\nend")?;
    writeln!(text, "always @(posedge clock) looked <= look;")?;
    writeln!(text, "always @(posedge clock) if (look) begin\n{}end", hits.concat())?;
    writeln!(text, "always @(posedge clock) if (looked) begin\n    {outputs} <= {};", words.join("\n        | "))?;
    writeln!(text, "    index <= {};\nend", places.join("\n        | "))?;
    writeln!(text, "always @(*) place = base | index;")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_names_what_the_table_names() {
        let mut decoder = AddressDecoder::default();
        decoder.connect_all();
        let mut look = |offset: u32| {
            (decoder.address.next, decoder.look.next) = (offset.to_bits(), true);
            step!(decoder);
            decoder.look.next = false;
            step!(decoder);
            (decoder.found.val(), decoder.takes.val(), decoder.place.val().to_u64(), decoder.source.val().to_u64())
        };
        let at = |id, index| u64::from(layout::place(id, index));
        assert_eq!(look(regs::address(RegId::RuleMap, 32)), (true, true, at(RegId::RuleMap, 32), 0));
        assert_eq!(look(regs::address(RegId::MapWord, 16383)), (true, true, at(RegId::MapCrc, 63), 2));
        assert_eq!(look(regs::address(RegId::CounterHi, 97)), (true, false, 0, 1));
        assert_eq!(look(regs::RULE.base + 12), (false, false, 0, 0));
        assert_eq!(look(regs::RULE.base + 33 * 16), (false, false, 0, 0));
        assert_eq!(look(regs::address(RegId::Scratch, 0) + 2), (false, false, 0, 0));
    }

    #[test]
    fn a_count_is_compared_bit_by_bit() {
        assert_eq!(below(7, 4, 16), "1'b1");
        assert_eq!(below(7, 4, 8), "(!address[7] && 1'b1)");
        assert_eq!(below(7, 4, 10), "(!address[7] || (!address[6] && (!address[5] && 1'b1)))");
        assert_eq!(below(5, 4, 1), "(!address[5] && (!address[4] && 1'b1))");
    }

    #[test]
    fn the_bits_of_the_offset_make_the_place_the_table_gives() {
        for block in regs::BLOCKS {
            let Some((high, low, shift, _)) = index_bits(block) else { continue };
            for (reg, index) in block.regs.iter().flat_map(|reg| (0..block.count).map(move |index| (reg, index))) {
                let bits = block.address(reg, index) >> low & ((1 << (high - low + 1)) - 1);
                assert_eq!(base(block, reg) | bits << shift, place(block, reg, index), "{} {index}", reg.name);
            }
        }
    }
}
