//! SipHash-2-4 with 128 bits of output, half a round in two clocks: the tag of control frames.
//!
//! Both halves of a round are one circuit: two additions, two rotations and two exclusive ors, with the four words changed
//! about between them, so that only the distances of the rotations differ. An addition of 64 bits has a clock to itself. A
//! word of 64 bits takes ten clocks, the end of a message 34 more. Spec twin: `weir_spec::control::tag`, which also makes the last word: what is left of the message, with its
//! length in the top octet.

use rust_hdl::prelude::*;

/// What it is at.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    /// Takes a word.
    Rest,
    /// Two rounds over a word.
    Word,
    /// The word once more.
    Fold,
    /// Four rounds, and the lower half of the tag.
    Lower,
    Turn,
    /// Four more, and the upper half.
    Upper,
    Tell,
}

/// See the module.
#[derive(LogicBlock)]
pub struct SipHash {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin a message; whatever was under way is over.
    pub s_begin: Signal<In, Bit>,
    /// Its key, first octet in bits 7:0.
    pub s_key: Signal<In, Bits<128>>,
    /// A word is there; only while it is ready, and not with `s_begin`.
    pub s_put: Signal<In, Bit>,
    /// It, first octet in bits 7:0.
    pub s_word: Signal<In, Bits<64>>,
    /// It is the last of the message.
    pub s_last: Signal<In, Bit>,
    /// A word may come in this clock.
    pub ready: Signal<Out, Bit>,
    /// The tag is there, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// It, first octet in bits 7:0; until the next message.
    pub m_tag: Signal<Out, Bits<128>>,

    step: DFF<Step>,
    // Of a round that begins, the words v0 to v3; after its first half v2, v1, v0, v3.
    p: DFF<Bits<64>>,
    q: DFF<Bits<64>>,
    r: DFF<Bits<64>>,
    s: DFF<Bits<64>>,
    word: DFF<Bits<64>>,
    ends: DFF<Bit>,
    // Halves of rounds that are left; the first of a round while it is even.
    left: DFF<Bits<4>>,
    // Sums of the words as they were a clock before, and that these are the words' own.
    left_sum: DFF<Bits<64>>,
    right_sum: DFF<Bits<64>>,
    summed: DFF<Bit>,
    lower: DFF<Bits<64>>,
    upper: DFF<Bits<64>>,
    done: DFF<Bit>,

    first: [Constant<Bits<64>>; 4],
    left_turn: Signal<Local, Bits<64>>,
    right_turn: Signal<Local, Bits<64>>,
    all: Signal<Local, Bits<64>>,
    rounds: Signal<Local, Bit>,
    mixes: Signal<Local, Bit>,
    spent: Signal<Local, Bit>,
}

impl Default for SipHash {
    fn default() -> Self {
        // "somepseudorandomlygeneratedbytes"; the second differs where 128 bits are wanted.
        let first: [u64; 4] =
            [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d ^ 0xee, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
        SipHash {
            clock: Default::default(),
            s_begin: Default::default(),
            s_key: Default::default(),
            s_put: Default::default(),
            s_word: Default::default(),
            s_last: Default::default(),
            ready: Default::default(),
            m_done: Default::default(),
            m_tag: Default::default(),
            step: Default::default(),
            p: Default::default(),
            q: Default::default(),
            r: Default::default(),
            s: Default::default(),
            word: Default::default(),
            ends: Default::default(),
            left: Default::default(),
            left_sum: Default::default(),
            right_sum: Default::default(),
            summed: Default::default(),
            lower: Default::default(),
            upper: Default::default(),
            done: Default::default(),
            first: first.map(|word| Constant::new(word.to_bits())),
            left_turn: Default::default(),
            right_turn: Default::default(),
            all: Default::default(),
            rounds: Default::default(),
            mixes: Default::default(),
            spent: Default::default(),
        }
    }
}

impl Logic for SipHash {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, p, q, r, s, word, ends, left, lower, upper, done);
        dff_setup!(self, clock, left_sum, right_sum, summed);

        self.left_sum.d.next = self.p.q.val() + self.q.q.val();
        self.right_sum.d.next = self.r.q.val() + self.s.q.val();
        if self.left.q.val().get_bit(0) {
            self.left_turn.next = (self.q.q.val() << 17) | (self.q.q.val() >> 47);
            self.right_turn.next = (self.s.q.val() << 21) | (self.s.q.val() >> 43);
        } else {
            self.left_turn.next = (self.q.q.val() << 13) | (self.q.q.val() >> 51);
            self.right_turn.next = (self.s.q.val() << 16) | (self.s.q.val() >> 48);
        }
        self.all.next = self.p.q.val() ^ self.q.q.val() ^ self.r.q.val() ^ self.s.q.val();
        self.rounds.next =
            (self.step.q.val() == Step::Word) | (self.step.q.val() == Step::Lower) | (self.step.q.val() == Step::Upper);
        self.summed.d.next = self.rounds.val() & !self.summed.q.val();
        self.mixes.next = self.rounds.val() & self.summed.q.val();
        self.spent.next = self.summed.q.val() & (self.left.q.val() == 1);
        self.done.d.next = false;
        match self.step.q.val() {
            Step::Rest => {
                if self.s_put.val() {
                    self.word.d.next = self.s_word.val();
                    self.ends.d.next = self.s_last.val();
                    self.s.d.next = self.s.q.val() ^ self.s_word.val();
                    self.left.d.next = 4.into();
                    self.step.d.next = Step::Word;
                }
            }
            Step::Word => {
                if self.spent.val() {
                    self.step.d.next = Step::Fold;
                }
            }
            Step::Fold => {
                self.p.d.next = self.p.q.val() ^ self.word.q.val();
                self.step.d.next = Step::Rest;
                if self.ends.q.val() {
                    self.r.d.next = self.r.q.val() ^ 0xee;
                    self.left.d.next = 8.into();
                    self.step.d.next = Step::Lower;
                }
            }
            Step::Lower => {
                if self.spent.val() {
                    self.step.d.next = Step::Turn;
                }
            }
            Step::Turn => {
                self.lower.d.next = self.all.val();
                self.q.d.next = self.q.q.val() ^ 0xdd;
                self.left.d.next = 8.into();
                self.step.d.next = Step::Upper;
            }
            Step::Upper => {
                if self.spent.val() {
                    self.step.d.next = Step::Tell;
                }
            }
            Step::Tell => {
                self.upper.d.next = self.all.val();
                self.done.d.next = true;
                self.step.d.next = Step::Rest;
            }
        }
        if self.mixes.val() {
            self.p.d.next = self.right_sum.q.val();
            self.q.d.next = self.left_turn.val() ^ self.left_sum.q.val();
            self.r.d.next = (self.left_sum.q.val() << 32) | (self.left_sum.q.val() >> 32);
            self.s.d.next = self.right_turn.val() ^ self.right_sum.q.val();
            self.left.d.next = self.left.q.val() - 1;
        }
        if self.s_begin.val() {
            self.p.d.next = self.s_key.val().get_bits::<64>(0) ^ self.first[0].val();
            self.q.d.next = self.s_key.val().get_bits::<64>(64) ^ self.first[1].val();
            self.r.d.next = self.s_key.val().get_bits::<64>(0) ^ self.first[2].val();
            self.s.d.next = self.s_key.val().get_bits::<64>(64) ^ self.first[3].val();
            self.done.d.next = false;
            self.summed.d.next = false;
            self.step.d.next = Step::Rest;
        }
        self.ready.next = self.step.q.val() == Step::Rest;
        self.m_done.next = self.done.q.val();
        self.m_tag.next = bit_cast::<128, 64>(self.lower.q.val()) | (bit_cast::<128, 64>(self.upper.q.val()) << 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::random::Random;
    use weir_spec::control::{tag, Key};

    fn to_bits(octets: &[u8; 16]) -> Bits<128> {
        octets.iter().rev().fold(0.into(), |bits: Bits<128>, octet| bits << 8 | u64::from(*octet))
    }

    fn of_bits(bits: Bits<128>) -> [u8; 16] {
        std::array::from_fn(|at| bits.get_bits::<8>(8 * at).to_u64() as u8)
    }

    /// The tag of a message by the circuit; it rests `idle` clocks before each word.
    fn hash(circuit: &mut SipHash, key: &[u8; 16], message: &[u8], idle: usize) -> [u8; 16] {
        circuit.s_key.next = to_bits(key);
        circuit.s_begin.next = true;
        step!(*circuit);
        circuit.s_begin.next = false;
        circuit.s_key.next = 0.into();
        let mut words: Vec<[u8; 8]> = message.chunks_exact(8).map(|word| word.try_into().expect("eight")).collect();
        let mut last = [0; 8];
        let rest = &message[words.len() * 8..];
        last[..rest.len()].copy_from_slice(rest);
        last[7] = message.len() as u8;
        words.push(last);
        for (at, word) in words.iter().enumerate() {
            (0..idle).for_each(|_| step!(*circuit));
            while !circuit.ready.val() {
                step!(*circuit);
            }
            circuit.s_put.next = true;
            circuit.s_word.next = u64::from_le_bytes(*word).into();
            circuit.s_last.next = at + 1 == words.len();
            step!(*circuit);
            circuit.s_put.next = false;
            circuit.s_word.next = 0.into();
        }
        for clock in 1..60 {
            step!(*circuit);
            if circuit.m_done.val() {
                assert_eq!(clock, 43, "nine of the last word, and 34");
                return of_bits(circuit.m_tag.val());
            }
        }
        panic!("no tag")
    }

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut SipHash::default(), "siphash").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn tags_are_the_reference_s_at_every_length() {
        let mut circuit = SipHash::default();
        circuit.connect_all();
        let mut random = Random::new(3);
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        // The published vectors of the empty message and of one octet.
        let hex = |tag: [u8; 16]| tag.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        assert_eq!(hex(hash(&mut circuit, &key, &[], 0)), "a3817f04ba25a8e66df67214c7550293");
        assert_eq!(hex(hash(&mut circuit, &key, &[0], 2)), "da87c1d86b99af44347659119b22fc45");
        for length in (0..40).chain([287, 288, 300]) {
            let (key, message) = (random.octets(16), random.octets(length));
            let key: [u8; 16] = key.try_into().expect("sixteen");
            let idle = random.below(9) as usize;
            assert_eq!(hash(&mut circuit, &key, &message, idle), tag(&Key(key), &message), "{length} octets");
        }
    }
}
