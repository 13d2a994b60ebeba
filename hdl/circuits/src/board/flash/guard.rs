//! What of the flash the host may do: read all but the key, and write the primary image and what says what is installed.
//!
//! The golden image, the block that leads to it and the key cannot be erased or programmed from here, whatever is asked for; nor
//! can the protection of the flash be changed, for whose opcodes there is no way at all. A command stays inside its page of
//! 256 octets. Latency: one clock. Spec twin: `weir_spec::board::FlashMap::may`.

use rust_hdl::prelude::*;

use super::FlashMap;

/// See the module.
#[derive(LogicBlock)]
pub struct Guard {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Opcode.
    pub s_opcode: Signal<In, Bits<8>>,
    /// Address, where there is one.
    pub s_address: Signal<In, Bits<24>>,
    /// Octets to read or program, where there are any.
    pub s_count: Signal<In, Bits<9>>,
    /// It may be done, as it was a clock before.
    pub m_lawful: Signal<Out, Bit>,

    lawful: DFF<Bit>,
    primary_from: Constant<Bits<8>>,
    primary_to: Constant<Bits<8>>,
    installed: Constant<Bits<8>>,
    key: Constant<Bits<8>>,
    block: Signal<Local, Bits<8>>,
    page_end: Signal<Local, Bits<10>>,
    in_page: Signal<Local, Bit>,
    may_write: Signal<Local, Bit>,
    ok: Signal<Local, Bit>,
}

impl Guard {
    /// For this flash.
    pub fn new(map: FlashMap) -> Self {
        Guard {
            clock: Default::default(),
            s_opcode: Default::default(),
            s_address: Default::default(),
            s_count: Default::default(),
            m_lawful: Default::default(),
            lawful: Default::default(),
            primary_from: Constant::new(u64::from(map.primary.0).to_bits()),
            primary_to: Constant::new(u64::from(map.primary.1).to_bits()),
            installed: Constant::new(u64::from(map.installed).to_bits()),
            key: Constant::new(u64::from(map.key).to_bits()),
            block: Default::default(),
            page_end: Default::default(),
            in_page: Default::default(),
            may_write: Default::default(),
            ok: Default::default(),
        }
    }
}

impl Logic for Guard {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, lawful);
        self.block.next = self.s_address.val().get_bits::<8>(16);
        self.page_end.next =
            bit_cast::<10, 8>(self.s_address.val().get_bits::<8>(0)) + bit_cast::<10, 9>(self.s_count.val());
        self.in_page.next = (self.s_count.val() != 0) & (self.page_end.val() <= 256);
        self.may_write.next = ((self.block.val() >= self.primary_from.val())
            & (self.block.val() <= self.primary_to.val()))
            | (self.block.val() == self.installed.val());
        self.ok.next = false;
        // Write enable.
        if self.s_opcode.val() == 0x06 {
            self.ok.next = self.s_count.val() == 0;
        }
        // Status.
        if self.s_opcode.val() == 0x05 {
            self.ok.next = self.s_count.val() == 1;
        }
        // JEDEC id.
        if self.s_opcode.val() == 0x9f {
            self.ok.next = self.s_count.val() == 3;
        }
        // Read.
        if self.s_opcode.val() == 0x03 {
            self.ok.next = self.in_page.val() & (self.block.val() != self.key.val());
        }
        // Program.
        if self.s_opcode.val() == 0x02 {
            self.ok.next = self.in_page.val() & self.may_write.val();
        }
        // Erase 64 KiB.
        if self.s_opcode.val() == 0xd8 {
            self.ok.next = (self.s_count.val() == 0) & self.may_write.val();
        }
        self.lawful.d.next = self.ok.val();
        self.m_lawful.next = self.lawful.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    const MAP: FlashMap = FlashMap { primary: (0x02, 0x7d), installed: 0x7f, key: 0x7e, places: 8, marks: 16 };

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Guard::new(MAP), "guard").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn every_opcode_at_every_block_is_let_through_or_not() {
        let mut guard = Guard::new(MAP);
        guard.connect_all();
        let mut asks = |opcode: u64, address: u64, count: u64| {
            guard.s_opcode.next = opcode.into();
            guard.s_address.next = address.into();
            guard.s_count.next = count.into();
            step!(guard);
            guard.m_lawful.val()
        };
        for block in 0..256 {
            let writable = (2..0x7e).contains(&block) || block == 0x7f;
            assert_eq!(writable, MAP.may_write(block as u8));
            for (low, count) in [(0, 256), (0xff00, 256), (0xff80, 128), (0xff80, 1)] {
                assert_eq!(asks(0x02, block << 16 | low, count), writable, "program {block:#x}");
                assert_eq!(asks(0x03, block << 16 | low, count), block != 0x7e, "read {block:#x}");
            }
            assert_eq!(asks(0xd8, block << 16 | 0x1234, 0), writable, "erase {block:#x}");
            // Over the end of a page, and so of a block.
            for (low, count) in [(0xff80, 129), (1, 256), (0xffff, 2), (0, 257), (0, 511), (0, 0)] {
                for opcode in [0x02, 0x03] {
                    assert!(!asks(opcode, block << 16 | low, count), "{opcode:#x} {block:#x} {low:#x} {count}");
                    assert!(!MAP.may(opcode as u8, (block << 16 | low) as u32, count as u32));
                }
            }
        }
        for opcode in 0..256 {
            let counts: Vec<u64> = (0..512).step_by(if opcode % 16 == 0 { 1 } else { 37 }).chain([1, 3]).collect();
            for count in counts.into_iter().filter(|_| ![0x02, 0x03].contains(&opcode)) {
                let lawful = matches!((opcode, count), (0x06 | 0xd8, 0) | (0x05, 1) | (0x9f, 3));
                assert_eq!(lawful, MAP.may(opcode as u8, 0x10000 * 5, count as u32));
                assert_eq!(asks(opcode, 0x10000 * 5, count), lawful, "{opcode:#x} {count}");
            }
        }
    }
}
