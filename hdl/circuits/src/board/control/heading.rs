//! The header of an answer, word by word, the number of a word a clock before it. Spec twin: `weir_spec::control::Frame::write`.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Heading {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Number of the word.
    pub s_at: Signal<In, Bits<3>>,
    /// Kind by number.
    pub s_kind: Signal<In, Bits<8>>,
    /// Status by number.
    pub s_status: Signal<In, Bits<2>>,
    /// How many words are meant.
    pub s_count: Signal<In, Bits<7>>,
    /// Sequence, a number.
    pub s_sequence: Signal<In, Bits<32>>,
    /// Nonce of the host, first octet in bits 7:0.
    pub s_host: Signal<In, Bits<64>>,
    /// Nonce of the board, first octet in bits 7:0.
    pub s_board: Signal<In, Bits<64>>,
    /// Offset of the first register, a number.
    pub s_offset: Signal<In, Bits<32>>,
    /// The word that was asked for a clock before, first octet in bits 7:0.
    pub m_word: Signal<Out, Bits<32>>,

    word: DFF<Bits<32>>,
}

impl Logic for Heading {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word);
        // Numbers have their first octet on top.
        match self.s_at.val().index() {
            0 => {
                self.word.d.next = (bit_cast::<32, 7>(self.s_count.val()) << 24)
                    | (bit_cast::<32, 2>(self.s_status.val()) << 16)
                    | (bit_cast::<32, 8>(self.s_kind.val()) << 8)
                    | 1;
            }
            1 => {
                self.word.d.next = (bit_cast::<32, 8>(self.s_sequence.val().get_bits::<8>(0)) << 24)
                    | (bit_cast::<32, 8>(self.s_sequence.val().get_bits::<8>(8)) << 16)
                    | (bit_cast::<32, 8>(self.s_sequence.val().get_bits::<8>(16)) << 8)
                    | bit_cast::<32, 8>(self.s_sequence.val().get_bits::<8>(24));
            }
            2 => {
                self.word.d.next = self.s_host.val().get_bits::<32>(0);
            }
            3 => {
                self.word.d.next = self.s_host.val().get_bits::<32>(32);
            }
            4 => {
                self.word.d.next = self.s_board.val().get_bits::<32>(0);
            }
            5 => {
                self.word.d.next = self.s_board.val().get_bits::<32>(32);
            }
            6 => {
                self.word.d.next = (bit_cast::<32, 8>(self.s_offset.val().get_bits::<8>(0)) << 24)
                    | (bit_cast::<32, 8>(self.s_offset.val().get_bits::<8>(8)) << 16)
                    | (bit_cast::<32, 8>(self.s_offset.val().get_bits::<8>(16)) << 8)
                    | bit_cast::<32, 8>(self.s_offset.val().get_bits::<8>(24));
            }
            _ => {
                self.word.d.next = 0.into();
            }
        }
        self.m_word.next = self.word.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Heading::default(), "heading").expect("nothing that Verilog takes otherwise");
    }
}
