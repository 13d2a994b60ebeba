//! Makes the tag of words in a memory: reads them two by two, and has [`SipHash`] do the rest.
//!
//! Latency: about eleven clocks for two words.

use rust_hdl::prelude::*;

use super::siphash::SipHash;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Digest {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Stop.
    pub reset: Signal<In, Bit>,
    /// Begin; the rest holds until it is done.
    pub s_go: Signal<In, Bit>,
    /// By this key, first octet in bits 7:0.
    pub s_key: Signal<In, Bits<128>>,
    /// Words of 32 bits to take, from the first.
    pub s_words: Signal<In, Bits<7>>,
    /// The tag is there, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// It, first octet in bits 7:0; until the next.
    pub m_tag: Signal<Out, Bits<128>>,

    /// Word to be read.
    pub ram_at: Signal<Out, Bits<7>>,
    /// It, two clocks later.
    pub ram_word: Signal<In, Bits<32>>,

    hash: SipHash,
    busy: DFF<Bit>,
    // Which word of two is asked for, comes, is there.
    turn: DFF<Bits<3>>,
    at: DFF<Bits<7>>,
    left: DFF<Bits<7>>,
    lower: DFF<Bits<32>>,
    upper: DFF<Bits<32>>,
    last: DFF<Bit>,
    full: DFF<Bit>,

    length: Signal<Local, Bits<32>>,
    puts: Signal<Local, Bit>,
}

impl Logic for Digest {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, turn, at, left, lower, upper, last, full);
        clock!(self, clock, hash);
        self.hash.s_begin.next = self.s_go.val();
        self.hash.s_key.next = self.s_key.val();
        self.puts.next = self.full.q.val() & self.hash.ready.val();
        self.hash.s_put.next = self.puts.val();
        self.hash.s_word.next = bit_cast::<64, 32>(self.lower.q.val()) | (bit_cast::<64, 32>(self.upper.q.val()) << 32);
        self.hash.s_last.next = self.last.q.val();
        self.ram_at.next = self.at.q.val();
        // Octets of the message, as its last word has them.
        self.length.next = bit_cast::<32, 7>(self.s_words.val()) << 26;

        if self.busy.q.val() {
            // 0 asks for the first word, 1 for the second; they come two clocks later.
            if self.turn.q.val() != 4 {
                self.turn.d.next = self.turn.q.val() + 1;
            }
            if self.turn.q.val() == 0 {
                self.at.d.next = self.at.q.val() + 1;
            }
            if self.turn.q.val() == 1 {
                self.at.d.next = self.at.q.val() + 1;
            }
            if self.turn.q.val() == 2 {
                self.lower.d.next = self.ram_word.val();
                if self.left.q.val() == 0 {
                    self.lower.d.next = 0.into();
                }
            }
            if self.turn.q.val() == 3 {
                self.full.d.next = true;
                self.upper.d.next = self.ram_word.val();
                self.left.d.next = self.left.q.val() - 2;
                if self.left.q.val().get_bits::<6>(1) == 0 {
                    self.upper.d.next = self.length.val();
                    self.last.d.next = true;
                }
            }
            if self.puts.val() {
                self.full.d.next = false;
                self.turn.d.next = 0.into();
                self.busy.d.next = !self.last.q.val();
            }
        }
        if self.s_go.val() {
            self.busy.d.next = true;
            self.turn.d.next = 0.into();
            self.at.d.next = 0.into();
            self.left.d.next = self.s_words.val();
            self.last.d.next = false;
            self.full.d.next = false;
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.full.d.next = false;
        }
        self.m_done.next = self.hash.m_done.val();
        self.m_tag.next = self.hash.m_tag.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::random::Random;
    use weir_spec::control::{tag, Key};

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Digest::default(), "digest").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn the_words_of_a_memory_have_the_reference_s_tag() {
        let mut digest = Digest::default();
        digest.connect_all();
        let mut random = Random::new(5);
        for words in [8, 9, 12, 13, 71, 72, 1, 2] {
            let octets = random.octets(512);
            let key: [u8; 16] = random.octets(16).try_into().expect("sixteen");
            let word = |at: usize| u32::from_le_bytes(octets[4 * at..4 * at + 4].try_into().expect("four"));
            digest.s_key.next = key.iter().rev().fold(0.into(), |bits: Bits<128>, octet| bits << 8 | u64::from(*octet));
            digest.s_words.next = (words as u64).into();
            digest.s_go.next = true;
            step!(digest);
            digest.s_go.next = false;
            let mut comes = 0;
            let mut clocks = 0;
            while !digest.m_done.val() {
                assert!(clocks < 1000, "no tag");
                let asked = word(digest.ram_at.val().index());
                step!(digest);
                digest.ram_word.next = comes.to_bits();
                comes = asked;
                clocks += 1;
            }
            let wanted = tag(&Key(key), &octets[..4 * words]);
            let found: [u8; 16] = std::array::from_fn(|at| digest.m_tag.val().get_bits::<8>(8 * at).to_u64() as u8);
            assert_eq!(found, wanted, "{words} words");
        }
    }
}
