//! A beat of a stream as one word: the delay line carries how many bytes a last beat has, not a bit for each.
//!
//! `tkeep` counts in the last beat alone, is contiguous from bit 0 and has at least one bit; every other beat is full.
//! `W` bits a beat, `K = W / 8` bytes, `C = log2(K)`, and `N = W + C + 3`: from bit 0 up data, number of the last byte,
//! `tlast`, `tuser`, `tvalid`.

use rust_hdl::prelude::*;

/// A beat to a word; at once.
#[derive(LogicBlock, Default)]
pub struct PackBeat<const W: usize, const K: usize, const C: usize, const N: usize> {
    /// Data.
    pub tdata: Signal<In, Bits<W>>,
    /// Bytes of the last beat.
    pub tkeep: Signal<In, Bits<K>>,
    /// Last of its frame.
    pub tlast: Signal<In, Bit>,
    /// Carried along.
    pub tuser: Signal<In, Bit>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// All of it.
    pub word: Signal<Out, Bits<N>>,
}

impl<const W: usize, const K: usize, const C: usize, const N: usize> Logic for PackBeat<W, K, C, N> {
    fn update(&mut self) {
        let keep = self.tkeep.val();
        let mut last_byte = 0;
        for bit in (0..C).rev() {
            if keep.get_bit(last_byte + (1 << bit)) {
                last_byte += 1 << bit;
            }
        }
        let mut word = bit_cast::<N, W>(self.tdata.val());
        for bit in 0..C {
            word = word.replace_bit(W + bit, last_byte >> bit & 1 == 1);
        }
        for (place, bit) in [self.tlast.val(), self.tuser.val(), self.tvalid.val()].into_iter().enumerate() {
            word = word.replace_bit(W + C + place, bit);
        }
        self.word.next = word;
    }

    fn connect(&mut self) {
        self.word.connect();
    }

    /// The bytes are a thermometer: a bit of the last one's number is set where one of its odd stretches holds the top.
    /// Halving from the top would be as small, and a chain.
    fn hdl(&self) -> Verilog {
        let mut text = format!("// cell pack_beat_{W}\nreg [{}:0] last_byte;\nalways @(*) begin\n", C - 1);
        for bit in 0..C {
            let stretch = 1usize << bit;
            let tops: Vec<String> = (stretch..K)
                .step_by(2 * stretch)
                .map(|low| match low + stretch {
                    end if end < K => format!("(tkeep[{low}] & ~tkeep[{end}])"),
                    _ => format!("tkeep[{low}]"),
                })
                .collect();
            text += &format!("    last_byte[{bit}] = {};\n", tops.join(" | "));
        }
        Verilog::Custom(text + "end\nalways @(*) begin\n    word = {tvalid, tuser, tlast, last_byte, tdata};\nend")
    }
}

/// The inverse of [`PackBeat`].
#[derive(LogicBlock, Default)]
pub struct UnpackBeat<const W: usize, const K: usize, const C: usize, const N: usize> {
    /// All of it.
    pub word: Signal<In, Bits<N>>,
    /// Data.
    pub tdata: Signal<Out, Bits<W>>,
    /// All ones but in a last beat.
    pub tkeep: Signal<Out, Bits<K>>,
    /// Last of its frame.
    pub tlast: Signal<Out, Bit>,
    /// Carried along.
    pub tuser: Signal<Out, Bit>,
    /// There is a beat.
    pub tvalid: Signal<Out, Bit>,
}

impl<const W: usize, const K: usize, const C: usize, const N: usize> Logic for UnpackBeat<W, K, C, N> {
    fn update(&mut self) {
        let word = self.word.val();
        let last = word.get_bit(W + C);
        let last_byte = (0..C).map(|bit| usize::from(word.get_bit(W + bit)) << bit).sum::<usize>();
        let mut keep = Bits::<K>::default();
        for byte in 0..K {
            keep = keep.replace_bit(byte, !last || byte <= last_byte);
        }
        self.tdata.next = word.get_bits::<W>(0);
        self.tkeep.next = keep;
        self.tlast.next = last;
        self.tuser.next = word.get_bit(W + C + 1);
        self.tvalid.next = word.get_bit(W + C + 2);
    }

    fn connect(&mut self) {
        self.tdata.connect();
        self.tkeep.connect();
        self.tlast.connect();
        self.tuser.connect();
        self.tvalid.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut text = format!(
            "// cell unpack_beat_{W}\nalways @(*) begin\n    tdata = word[{}:0];\n    tlast = word[{}];\n    tuser = word[{}];\n    tvalid = word[{}];\n",
            W - 1,
            W + C,
            W + C + 1,
            W + C + 2
        );
        // The bytes behind the last one are shifted out.
        text += &format!("    tkeep = {{{K}{{1'b1}}}} >> (word[{}] ? ~word[{}:{W}] : {C}'d0);\n", W + C, W + C - 1);
        Verilog::Custom(text + "end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_frame_packs_and_unpacks() {
        let (mut pack, mut unpack) = (PackBeat::<64, 8, 3, 70>::default(), UnpackBeat::<64, 8, 3, 70>::default());
        pack.connect_all();
        unpack.connect_all();
        for case in 0..64u32 {
            let (bytes, last, user, valid) = (case % 8 + 1, case & 8 != 0, case & 16 != 0, case & 32 != 0);
            let keep = if last { 0xffu64 >> (8 - bytes) } else { 0xff };
            pack.tdata.next = (0x0123_4567_89ab_cdef_u64 ^ u64::from(case)).into();
            pack.tkeep.next = keep.into();
            (pack.tlast.next, pack.tuser.next, pack.tvalid.next) = (last, user, valid);
            assert!(simulate(&mut pack, 10));
            unpack.word.next = pack.word.val();
            assert!(simulate(&mut unpack, 10));
            assert_eq!(unpack.tdata.val(), pack.tdata.val());
            assert_eq!(unpack.tkeep.val().to_u64(), keep);
            assert_eq!((unpack.tlast.val(), unpack.tuser.val(), unpack.tvalid.val()), (last, user, valid));
        }
    }
}
