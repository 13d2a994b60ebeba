//! Between the two ways to say how much of a last beat counts: the number of its last byte, and a bit for each byte.

use rust_hdl::prelude::*;

/// From the number to the bits; no register.
#[derive(LogicBlock, Default)]
pub struct Keep {
    /// The beat ends its frame.
    pub s_last: Signal<In, Bit>,
    /// Number of its last byte.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// A bit for each byte.
    pub m_keep: Signal<Out, Bits<8>>,
}

impl Logic for Keep {
    #[hdl_gen]
    fn update(&mut self) {
        self.m_keep.next = 0xff.into();
        if self.s_last.val() {
            if self.s_last_byte.val() == 0 {
                self.m_keep.next = 0x01.into();
            }
            if self.s_last_byte.val() == 1 {
                self.m_keep.next = 0x03.into();
            }
            if self.s_last_byte.val() == 2 {
                self.m_keep.next = 0x07.into();
            }
            if self.s_last_byte.val() == 3 {
                self.m_keep.next = 0x0f.into();
            }
            if self.s_last_byte.val() == 4 {
                self.m_keep.next = 0x1f.into();
            }
            if self.s_last_byte.val() == 5 {
                self.m_keep.next = 0x3f.into();
            }
            if self.s_last_byte.val() == 6 {
                self.m_keep.next = 0x7f.into();
            }
        }
    }
}

/// From the bits, which have no gaps, to the number; no register.
#[derive(LogicBlock, Default)]
pub struct LastByte {
    /// A bit for each byte.
    pub s_keep: Signal<In, Bits<8>>,
    /// Number of the last byte.
    pub m_last_byte: Signal<Out, Bits<3>>,
}

impl Logic for LastByte {
    #[hdl_gen]
    fn update(&mut self) {
        self.m_last_byte.next = 0.into();
        if self.s_keep.val().get_bit(1) {
            self.m_last_byte.next = 1.into();
        }
        if self.s_keep.val().get_bit(2) {
            self.m_last_byte.next = 2.into();
        }
        if self.s_keep.val().get_bit(3) {
            self.m_last_byte.next = 3.into();
        }
        if self.s_keep.val().get_bit(4) {
            self.m_last_byte.next = 4.into();
        }
        if self.s_keep.val().get_bit(5) {
            self.m_last_byte.next = 5.into();
        }
        if self.s_keep.val().get_bit(6) {
            self.m_last_byte.next = 6.into();
        }
        if self.s_keep.val().get_bit(7) {
            self.m_last_byte.next = 7.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_emit_clean_verilog() {
        crate::emit(&mut Keep::default(), "keep").expect("nothing that Verilog takes otherwise");
        crate::emit(&mut LastByte::default(), "last_byte").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn each_is_the_other_backwards() {
        let (mut keep, mut last_byte) = (Keep::default(), LastByte::default());
        keep.connect_all();
        last_byte.connect_all();
        for number in 0..8u64 {
            for last in [true, false] {
                keep.s_last.next = last;
                keep.s_last_byte.next = number.into();
                assert!(simulate(&mut keep, 10));
                let bytes = if last { number + 1 } else { 8 };
                assert_eq!(keep.m_keep.val().to_u64(), (1 << bytes) - 1);
                last_byte.s_keep.next = keep.m_keep.val();
                assert!(simulate(&mut last_byte, 10));
                assert_eq!(last_byte.m_last_byte.val().to_u64(), bytes - 1);
            }
        }
    }
}
