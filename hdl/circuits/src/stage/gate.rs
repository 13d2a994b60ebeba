//! The gate at the end of a fixed delay: frames leave beat for beat as they came, or not at all.
//!
//! The delay is long enough that the verdict of a frame is there before its first beat: no back-pressure, no reordering.
//! On the way out the source MAC may be replaced. Latency: [`LATENCY`] clocks from input to output, always.

use rust_hdl::prelude::*;

use crate::cell::delay::DelayLine;
use crate::cell::fifo::Fifo;

/// Clocks from a beat on `s_` to the same beat on `m_`.
pub const LATENCY: usize = DELAY + 1;
/// Clocks in the delay line: the header bound, twelve stages of header pipeline, and the queue.
pub const DELAY: usize = super::parse::HEADER_CLOCKS as usize + 14;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Gate {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget what is inside.
    pub reset: Signal<In, Bit>,
    /// Beat in.
    pub s_tdata: Signal<In, Bits<64>>,
    /// Its bytes.
    pub s_tkeep: Signal<In, Bits<8>>,
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
    pub m_tdata: Signal<Out, Bits<64>>,
    /// Its bytes.
    pub m_tkeep: Signal<Out, Bits<8>>,
    /// There is a beat.
    pub m_tvalid: Signal<Out, Bit>,
    /// It ends a frame.
    pub m_tlast: Signal<Out, Bit>,
    /// Carried along.
    pub m_tuser: Signal<Out, Bit>,

    line: DelayLine<75, 6, DELAY>,
    verdicts: Fifo<2, 6>,
    quiet: DFF<Bits<6>>,
    in_frame: DFF<Bit>,
    passing: DFF<Bit>,
    masking: DFF<Bit>,
    valid: DFF<Bit>,
    last: DFF<Bit>,
    user: DFF<Bit>,
    keep: DFF<Bits<8>>,
    data: DFF<Bits<64>>,
    beat: Signal<Local, Bits<75>>,
    first: Signal<Local, Bit>,
    head: Signal<Local, Bits<2>>,
    pass: Signal<Local, Bit>,
    settled: Signal<Local, Bit>,
}

impl Logic for Gate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, quiet, in_frame, passing, masking, valid, last, user, keep, data);
        clock!(self, clock, line, verdicts);
        self.line.d.next = bit_cast::<75, 64>(self.s_tdata.val())
            | (bit_cast::<75, 8>(self.s_tkeep.val()) << 64)
            | (bit_cast::<75, 1>(self.s_tlast.val().into()) << 72)
            | (bit_cast::<75, 1>(self.s_tuser.val().into()) << 73)
            | (bit_cast::<75, 1>(self.s_tvalid.val().into()) << 74);
        self.verdicts.reset.next = self.reset.val();
        self.verdicts.write.next = self.verdict_valid.val();
        self.verdicts.data_in.next =
            bit_cast::<2, 1>(self.verdict_pass.val().into()) | (bit_cast::<2, 1>(self.verdict_mask.val().into()) << 1);
        self.verdicts.read.next = false;

        // After a reset the line still holds beats from before it.
        self.settled.next = self.quiet.q.val() == 0;
        if !self.settled.val() {
            self.quiet.d.next = self.quiet.q.val() - 1;
        }
        self.beat.next = self.line.q.val();
        self.head.next = self.verdicts.data_out.val();
        self.first.next = !self.in_frame.q.val();
        self.pass.next = self.passing.q.val();
        self.valid.d.next = false;
        if self.beat.val().get_bit(74) & self.settled.val() {
            self.in_frame.d.next = !self.beat.val().get_bit(72);
            self.masking.d.next = false;
            self.data.d.next = self.beat.val().get_bits::<64>(0);
            if self.first.val() {
                self.verdicts.read.next = true;
                self.pass.next = self.head.val().get_bit(0);
                self.passing.d.next = self.head.val().get_bit(0);
                if self.head.val().get_bit(1) {
                    self.masking.d.next = true;
                    self.data.d.next = bit_cast::<64, 48>(self.beat.val().get_bits::<48>(0))
                        | (bit_cast::<64, 16>(self.masked_mac.val().get_bits::<16>(0)) << 48);
                }
            } else if self.masking.q.val() {
                self.data.d.next = bit_cast::<64, 32>(self.masked_mac.val().get_bits::<32>(16))
                    | (bit_cast::<64, 32>(self.beat.val().get_bits::<32>(32)) << 32);
            }
            self.valid.d.next = self.pass.val();
            self.last.d.next = self.beat.val().get_bit(72);
            self.user.d.next = self.beat.val().get_bit(73);
            self.keep.d.next = self.beat.val().get_bits::<8>(64);
        }
        if self.reset.val() {
            self.quiet.d.next = 34.into();
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

    #[test]
    fn frames_leave_whole_after_the_latency_or_not_at_all() {
        let mut gate = Gate::default();
        gate.connect_all();
        gate.reset.next = true;
        step!(gate);
        gate.reset.next = false;
        let mut out = Vec::new();
        for clock in 0..LATENCY as u64 + 12 {
            gate.s_tvalid.next = clock < 9;
            gate.s_tlast.next = clock % 3 == 2;
            gate.s_tdata.next = clock.into();
            gate.verdict_valid.next = (20..23).contains(&clock);
            gate.verdict_pass.next = clock != 21;
            step!(gate);
            if gate.m_tvalid.val() {
                out.push((clock + 1, gate.m_tdata.val().to_u64(), gate.m_tlast.val()));
            }
        }
        let late = LATENCY as u64;
        let wanted = [0, 1, 2, 6, 7, 8].map(|beat| (beat + late, beat, beat % 3 == 2));
        assert_eq!(out, wanted);
    }
}
