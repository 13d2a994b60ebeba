//! Running CRC of the map slots: a byte a clock, the result kept in block RAM.
//!
//! `start` takes a word that is being written; six clocks after the slot's CRC is there, `finish` stores the new one.
//! Twin: `weir_spec::map::crc_step`.

use rust_hdl::prelude::*;

use crate::cell::block_ram::BlockRam;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct SlotCrc {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Every slot back to its start.
    pub reset: Signal<In, Bit>,
    /// Slot, from two clocks before `load` to `finish`.
    pub slot: Signal<In, Bits<6>>,
    /// Word index in the slot.
    pub index: Signal<In, Bits<8>>,
    /// Word that is written.
    pub word: Signal<In, Bits<32>>,
    /// Take the slot's CRC, index and word.
    pub load: Signal<In, Bit>,
    /// Go one byte on; six times.
    pub advance: Signal<In, Bit>,
    /// Store it.
    pub finish: Signal<In, Bit>,
    /// CRC of the slot, from `load` on.
    pub value: Signal<Out, Bits<32>>,
    store: BlockRam<32, 6>,
    written: DFF<Bits<64>>,
    state: DFF<Bits<32>>,
    bytes: DFF<Bits<48>>,
    step: Signal<Local, Bits<32>>,
    half: Signal<Local, Bits<32>>,
    rest: Signal<Local, Bits<48>>,
}

impl Logic for SlotCrc {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, state, bytes);
        clock!(self, clock, store);
        self.store.raddr.next = self.slot.val();
        self.store.waddr.next = self.slot.val();
        self.store.we.next = self.finish.val();
        self.store.wdata.next = self.state.q.val();
        self.step.next = 0.into();
        self.half.next = 0.into();
        self.rest.next = 0.into();
        if self.load.val() {
            self.state.d.next = 0xffff_ffff_u64.into();
            if self.written.q.val().get_bit(self.slot.val().index()) {
                self.state.d.next = self.store.rdata.val();
            }
            self.bytes.d.next = bit_cast::<48, 8>(self.index.val()) | (bit_cast::<48, 32>(self.word.val()) << 16);
        }
        if self.advance.val() {
            self.step.next = self.state.q.val() ^ bit_cast::<32, 8>(self.bytes.q.val().get_bits::<8>(0));
            for _i in 0..8 {
                self.half.next = self.step.val() >> 1;
                if self.step.val().get_bit(0) {
                    self.step.next = self.half.val() ^ 0xedb8_8320_u64;
                } else {
                    self.step.next = self.half.val();
                }
            }
            self.state.d.next = self.step.val();
            self.rest.next = self.bytes.q.val() >> 8;
            self.bytes.d.next = self.rest.val();
        }
        if self.finish.val() {
            self.written.d.next = self.written.q.val().replace_bit(self.slot.val().index(), true);
        }
        if self.reset.val() {
            self.written.d.next = 0.into();
        }
        self.value.next = self.state.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::map::{crc_step, CRC_START};

    #[test]
    fn it_runs_as_the_spec_slot_by_slot() {
        let mut circuit = SlotCrc::default();
        circuit.connect_all();
        let mut crcs = [CRC_START; 64];
        for write in 0..40u32 {
            let (slot, index, word) = (write as usize * 7 % 3, write * 29 % 256, write.wrapping_mul(0x9e37_79b9));
            circuit.slot.next = slot.to_bits();
            circuit.index.next = index.to_bits();
            circuit.word.next = word.to_bits();
            step!(circuit);
            step!(circuit);
            circuit.load.next = true;
            step!(circuit);
            circuit.load.next = false;
            assert_eq!(circuit.value.val().to_u64(), u64::from(crcs[slot]));
            circuit.advance.next = true;
            for _ in 0..6 {
                step!(circuit);
            }
            circuit.advance.next = false;
            circuit.finish.next = true;
            step!(circuit);
            circuit.finish.next = false;
            crcs[slot] = crc_step(crcs[slot], index as u16, word);
            assert_eq!(circuit.value.val().to_u64(), u64::from(crcs[slot]));
        }
    }
}
