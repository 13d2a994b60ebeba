//! The gate at the end of a fixed delay: frames leave beat for beat as they came, or not at all.
//!
//! The delay is long enough that the verdict of a frame is there before its first beat: no back-pressure, no reordering.
//! On the way out the source MAC may be replaced. Latency: `L + MID + 1` clocks from input to output, always; the verdict
//! of a frame has to come `L - MID` clocks after its first beat at the latest.
//!
//! A frame that is not to pass is left out, or, where the MAC behind drops what is marked, passes with `tuser` set in its
//! last beat: [`DropStyle`].

use std::fmt;
use std::str::FromStr;

use rust_hdl::prelude::*;

use crate::cell::beat::{PackBeat, UnpackBeat};
use crate::cell::delay::DelayLine;
use crate::cell::fifo::Fifo;

use crate::cell::remask::Remask;
use crate::cell::wait::Wait;

/// How a frame is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DropStyle {
    /// Its beats are left out.
    #[default]
    Suppress,
    /// Its beats pass, with `tuser` in the last one: for a consumer that drops frames marked so.
    Mark,
}

/// A word that names no [`DropStyle`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("drop style `{0}` is neither suppress nor mark")]
pub struct UnknownStyle(String);

impl DropStyle {
    /// All of them.
    pub const ALL: [DropStyle; 2] = [DropStyle::Suppress, DropStyle::Mark];
}

impl fmt::Display for DropStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropStyle::Suppress => "suppress",
            DropStyle::Mark => "mark",
        })
    }
}

impl FromStr for DropStyle {
    type Err = UnknownStyle;

    fn from_str(text: &str) -> Result<DropStyle, UnknownStyle> {
        let found = DropStyle::ALL.into_iter().find(|style| style.to_string() == text);
        found.ok_or_else(|| UnknownStyle(text.to_string()))
    }
}

/// See the module. `W` bits a beat, `K = W / 8`, `C = log2(K)`, `N = W + C + 3`; a delay of `L` clocks in `2^A` places;
/// `MID` registers (0 or 1) between the verdict and the output: 1 where logic is slow.
#[derive(LogicBlock)]
pub struct Gate<
    const W: usize,
    const K: usize,
    const C: usize,
    const N: usize,
    const A: usize,
    const L: usize,
    const MID: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget what is inside; beats that come meanwhile are ignored.
    pub reset: Signal<In, Bit>,
    /// Beat in.
    pub s_tdata: Signal<In, Bits<W>>,
    /// Its bytes.
    pub s_tkeep: Signal<In, Bits<K>>,
    /// There is a beat.
    pub s_tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub s_tlast: Signal<In, Bit>,
    /// Carried along.
    pub s_tuser: Signal<In, Bit>,
    /// One pulse a frame, in the order of frames.
    pub verdict_valid: Signal<In, Bit>,
    /// The frame leaves.
    pub verdict_pass: Signal<In, Bit>,
    /// Its source MAC is replaced.
    pub verdict_mask: Signal<In, Bit>,
    /// The source MAC that leaves instead, first octet in bits 7:0.
    pub masked_mac: Signal<In, Bits<48>>,
    /// Beat out.
    pub m_tdata: Signal<Out, Bits<W>>,
    /// Its bytes.
    pub m_tkeep: Signal<Out, Bits<K>>,
    /// There is a beat.
    pub m_tvalid: Signal<Out, Bit>,
    /// It ends a frame.
    pub m_tlast: Signal<Out, Bit>,
    /// As it came, or the mark of a dropped frame.
    pub m_tuser: Signal<Out, Bit>,

    pack: PackBeat<W, K, C, N>,
    line: DelayLine<N, A, L>,
    verdicts: Fifo<2, 6>,
    arriving: UnpackBeat<W, K, C, N>,
    leaving: UnpackBeat<W, K, C, N>,
    remask: Remask<W>,
    quiet: DFF<Bits<7>>,
    stale: DFF<Bit>,
    in_frame: DFF<Bit>,
    // Between the line and the output: the beat beside its verdict.
    beat: Wait<N, MID>,
    // There, first of its frame, passes, is masked.
    signs: Wait<4, MID>,
    // Of the frame under way.
    passing: DFF<Bit>,
    second: DFF<Bit>,
    // Out.
    valid: DFF<Bit>,
    last: DFF<Bit>,
    user: DFF<Bit>,
    keep: DFF<Bits<K>>,
    data: DFF<Bits<W>>,

    mark: Constant<Bit>,
    hush: Constant<Bits<7>>,
    arrives: Signal<Local, Bit>,
    fresh: Signal<Local, Bits<2>>,
    fresh_frame: Signal<Local, Bit>,
    sign: Signal<Local, Bits<4>>,
    now: Signal<Local, Bits<4>>,
    pass: Signal<Local, Bit>,
    replace: Signal<Local, Bit>,
}

impl<
        const W: usize,
        const K: usize,
        const C: usize,
        const N: usize,
        const A: usize,
        const L: usize,
        const MID: usize,
    > Gate<W, K, C, N, A, L, MID>
{
    /// A gate that drops in this way.
    pub fn new(style: DropStyle) -> Self {
        assert!(K * 8 == W && 1 << C == K && N == W + C + 3 && L < 120, "the widths of a gate fit each other");
        Gate {
            clock: Default::default(),
            reset: Default::default(),
            s_tdata: Default::default(),
            s_tkeep: Default::default(),
            s_tvalid: Default::default(),
            s_tlast: Default::default(),
            s_tuser: Default::default(),
            verdict_valid: Default::default(),
            verdict_pass: Default::default(),
            verdict_mask: Default::default(),
            masked_mac: Default::default(),
            m_tdata: Default::default(),
            m_tkeep: Default::default(),
            m_tvalid: Default::default(),
            m_tlast: Default::default(),
            m_tuser: Default::default(),
            pack: Default::default(),
            line: Default::default(),
            verdicts: Fifo::new(MID == 0),
            arriving: Default::default(),
            leaving: Default::default(),
            remask: Default::default(),
            quiet: Default::default(),
            stale: Default::default(),
            in_frame: Default::default(),
            beat: Default::default(),
            signs: Default::default(),
            passing: Default::default(),
            second: Default::default(),
            valid: Default::default(),
            last: Default::default(),
            user: Default::default(),
            keep: Default::default(),
            data: Default::default(),
            mark: Constant::new(style == DropStyle::Mark),
            hush: Constant::new((L as u64 - 1).into()),
            arrives: Default::default(),
            fresh: Default::default(),
            fresh_frame: Default::default(),
            sign: Default::default(),
            now: Default::default(),
            pass: Default::default(),
            replace: Default::default(),
        }
    }
}

impl<
        const W: usize,
        const K: usize,
        const C: usize,
        const N: usize,
        const A: usize,
        const L: usize,
        const MID: usize,
    > Logic for Gate<W, K, C, N, A, L, MID>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, quiet, stale, in_frame, passing, second);
        dff_setup!(self, clock, valid, last, user, keep, data);
        clock!(self, clock, line, verdicts, beat, signs);
        self.beat.reset.next = false;
        self.signs.reset.next = self.reset.val();
        self.pack.tdata.next = self.s_tdata.val();
        self.pack.tkeep.next = self.s_tkeep.val();
        self.pack.tlast.next = self.s_tlast.val();
        self.pack.tuser.next = self.s_tuser.val();
        self.pack.tvalid.next = self.s_tvalid.val();
        self.line.d.next = self.pack.word.val();
        self.verdicts.reset.next = self.reset.val();
        self.verdicts.write.next = self.verdict_valid.val();
        self.fresh.next = 0.into();
        self.fresh.next = self.fresh.val().replace_bit(0, self.verdict_pass.val());
        self.fresh.next = self.fresh.val().replace_bit(1, self.verdict_mask.val());
        self.verdicts.data_in.next = self.fresh.val();

        // After a reset the line still holds beats from before it.
        self.stale.d.next = false;
        if self.quiet.q.val() != 0 {
            self.stale.d.next = true;
            self.quiet.d.next = self.quiet.q.val() - 1;
        }

        // A beat leaves the line; the first of its frame takes the verdict.
        self.arriving.word.next = self.line.q.val();
        self.arrives.next = self.arriving.tvalid.val() & !self.stale.q.val();
        self.beat.d.next = self.line.q.val();
        self.sign.next = bit_cast::<4, 2>(self.verdicts.data_out.val()) << 2;
        self.sign.next = self.sign.val().replace_bit(0, self.arrives.val());
        self.fresh_frame.next = !self.in_frame.q.val();
        self.signs.d.next = self.sign.val().replace_bit(1, self.fresh_frame.val());
        self.verdicts.read.next = self.arrives.val() & !self.in_frame.q.val();
        if self.arrives.val() {
            self.in_frame.d.next = !self.arriving.tlast.val();
        }

        // It goes out, or not.
        self.now.next = self.signs.q.val();
        self.leaving.word.next = self.beat.q.val();
        self.pass.next = self.passing.q.val();
        self.replace.next = false;
        if self.now.val().get_bit(1) {
            self.pass.next = self.now.val().get_bit(2);
            self.replace.next = self.now.val().get_bit(3);
        }
        if self.now.val().get_bit(0) {
            self.passing.d.next = self.pass.val();
            self.second.d.next = self.replace.val();
        }
        self.remask.data.next = self.leaving.tdata.val();
        self.remask.first.next = self.replace.val();
        self.remask.second.next = self.second.q.val() & !self.now.val().get_bit(1);
        self.remask.mac.next = self.masked_mac.val();
        self.valid.d.next = self.now.val().get_bit(0) & (self.pass.val() | self.mark.val());
        self.data.d.next = self.remask.masked.val();
        self.keep.d.next = self.leaving.tkeep.val();
        self.last.d.next = self.leaving.tlast.val();
        self.user.d.next = self.leaving.tuser.val() | (self.mark.val() & self.leaving.tlast.val() & !self.pass.val());

        if self.reset.val() {
            self.quiet.d.next = self.hush.val();
            self.stale.d.next = true;
            self.in_frame.d.next = false;
            self.valid.d.next = false;
        }
        self.m_tdata.next = self.data.q.val();
        self.m_tkeep.next = self.keep.q.val();
        self.m_tvalid.next = self.valid.q.val();
        self.m_tlast.next = self.last.q.val();
        self.m_tuser.next = self.user.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    type Small = Gate<64, 8, 3, 70, 6, 20, 1>;
    const LATENCY: u64 = 22;

    /// Three frames of three beats, the second dropped; what leaves: clock, first octets, last, user.
    fn run(style: DropStyle, mask: bool) -> Vec<(u64, u64, bool, bool)> {
        let slow = run_with(Small::new(style), LATENCY, mask);
        let fast: Vec<_> = run_with(Gate::<64, 8, 3, 70, 6, 20, 0>::new(style), LATENCY - 1, mask);
        assert_eq!(slow, fast.into_iter().map(|(clock, a, b, c)| (clock + 1, a, b, c)).collect::<Vec<_>>());
        slow
    }

    fn run_with<const L: usize, const MID: usize>(
        mut gate: Gate<64, 8, 3, 70, 6, L, MID>,
        latency: u64,
        mask: bool,
    ) -> Vec<(u64, u64, bool, bool)> {
        gate.connect_all();
        gate.reset.next = true;
        gate.s_tvalid.next = true; // ignored, though the line takes it
        step!(gate);
        gate.reset.next = false;
        gate.masked_mac.next = 0xa6a5_a4a3_a2a1_u64.into();
        gate.verdict_mask.next = mask;
        let mut out = Vec::new();
        for clock in 0..latency + 12 {
            gate.s_tvalid.next = clock < 9;
            gate.s_tlast.next = clock % 3 == 2;
            gate.s_tkeep.next = 0xff.into();
            gate.s_tdata.next = clock.into();
            gate.verdict_valid.next = (17..20).contains(&clock);
            gate.verdict_pass.next = clock != 18;
            step!(gate);
            if gate.m_tvalid.val() {
                out.push((clock + 1, gate.m_tdata.val().to_u64(), gate.m_tlast.val(), gate.m_tuser.val()));
            }
        }
        out
    }

    #[test]
    fn a_style_is_known_by_its_word() {
        for style in DropStyle::ALL {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
        let error = "Mark".parse::<DropStyle>().expect_err("it is spelt otherwise");
        assert_eq!(error.to_string(), "drop style `Mark` is neither suppress nor mark");
    }

    #[test]
    fn frames_leave_whole_after_the_latency_or_not_at_all() {
        let wanted = [0, 1, 2, 6, 7, 8].map(|beat| (beat + LATENCY, beat, beat % 3 == 2, false));
        assert_eq!(run(DropStyle::Suppress, false), wanted);
    }

    #[test]
    fn a_marked_frame_leaves_with_its_mark_in_the_last_beat() {
        let wanted = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|beat| (beat + LATENCY, beat, beat % 3 == 2, beat == 5));
        assert_eq!(run(DropStyle::Mark, false), wanted);
    }

    #[test]
    fn the_source_is_replaced_across_both_beats_that_hold_it() {
        let out: Vec<u64> = run(DropStyle::Suppress, true).iter().map(|beat| beat.1).collect();
        assert_eq!(out[..3], [0xa2a1 << 48, 0xa6a5_a4a3, 2]);
    }
}
