//! Feeds the pipeline with whole frames, no faster than what is behind it can bear.
//!
//! A header has to be complete within 20 clocks, so the first [`HEADER`] beats of a frame go without a break once it is begun;
//! behind them each beat is a question of room. The pipeline may drop a frame or pass it: the queue behind counts what came.
//! It answers in the same clock.

use rust_hdl::prelude::*;

/// Beats that a header may take: the window of 128 bytes.
pub const HEADER: usize = 16;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Pump {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// No frame is under way.
    pub reset: Signal<In, Bit>,
    /// A beat is there.
    pub s_valid: Signal<In, Bit>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// A frame may be begun.
    pub room_to_begin: Signal<In, Bit>,
    /// One that was begun may go on.
    pub room_to_go_on: Signal<In, Bit>,
    /// It is taken in this clock, and goes to the pipeline.
    pub m_taken: Signal<Out, Bit>,

    // Beats of this frame's header that went.
    sent: DFF<Bits<4>>,
    // One of them went; all of them did.
    begun: DFF<Bit>,
    behind: DFF<Bit>,
    may: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
}

impl Logic for Pump {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, sent, begun, behind);
        self.may.next = true;
        if !self.begun.q.val() {
            self.may.next = self.room_to_begin.val();
        }
        if self.behind.q.val() {
            self.may.next = self.room_to_go_on.val();
        }
        self.takes.next = self.s_valid.val() & self.may.val();
        if self.takes.val() {
            self.begun.d.next = true;
            if !self.behind.q.val() {
                self.sent.d.next = self.sent.q.val() + 1;
                self.behind.d.next = self.sent.q.val() == 15;
            }
            if self.s_last.val() {
                self.sent.d.next = 0.into();
                self.begun.d.next = false;
                self.behind.d.next = false;
            }
        }
        if self.reset.val() {
            self.sent.d.next = 0.into();
            self.begun.d.next = false;
            self.behind.d.next = false;
        }
        self.m_taken.next = self.takes.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::outlet::Outlet;
    use crate::board::random::Random;
    use crate::top::weir64;
    use std::collections::VecDeque;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Pump::default(), "pump").expect("nothing that Verilog takes otherwise");
    }

    /// A beat: number of its frame, place in it, last.
    type Beat = (u64, u64, bool);

    /// Frames of these lengths through pump, pipeline and outlet; every `drops`-th is dropped. The wire takes a beat in
    /// eight clocks, and rests three beats long between frames.
    fn run(lengths: &[u64], drops: u64) {
        let (mut pump, mut outlet) = (Pump::default(), Outlet::<8, 9>::default());
        pump.connect_all();
        outlet.connect_all();
        (pump.reset.next, outlet.reset.next) = (true, true);
        step!(pump);
        step!(outlet);
        (pump.reset.next, outlet.reset.next) = (false, false);
        let beats = |number: usize| (0..lengths[number]).map(move |at| (number as u64, at, at + 1 == lengths[number]));
        let mut source: VecDeque<Beat> = (0..lengths.len()).flat_map(beats).collect();
        let mut expected: VecDeque<Beat> = source.iter().copied().filter(|beat| beat.0 % drops != 0).collect();
        let mut pipeline: VecDeque<Option<Beat>> = vec![None; weir64::LATENCY].into();
        let (mut wire, mut inside, mut idle) = (0, false, 0);
        while !expected.is_empty() {
            // The pump, which sees what the outlet says in this clock.
            pump.s_valid.next = !source.is_empty();
            pump.s_last.next = source.front().is_some_and(|beat| beat.2);
            pump.room_to_begin.next = outlet.room_to_begin.val();
            pump.room_to_go_on.next = outlet.room_to_go_on.val();
            assert!(simulate(&mut pump, 10));
            let taken = pump.m_taken.val().then(|| source.pop_front()).flatten();
            if let (None, Some((_, at, _))) = (taken, source.front()) {
                assert!(*at == 0 || *at >= HEADER as u64, "a header has no gaps");
            }
            step!(pump);
            pipeline.push_back(taken);
            let out = pipeline.pop_front().flatten().filter(|beat| beat.0 % drops != 0);
            outlet.s_valid.next = out.is_some();
            if let Some((number, at, last)) = out {
                outlet.s_data.next = (number << 32 | at).into();
                outlet.s_last.next = last;
                outlet.s_last_byte.next = (at % 8).into();
            }
            // The wire.
            assert!(simulate(&mut outlet, 10));
            let asks = wire == 0;
            wire = if wire == 0 { 0 } else { wire - 1 };
            outlet.m_taken.next = asks && outlet.m_valid.val();
            assert!(simulate(&mut outlet, 10));
            if asks && outlet.m_valid.val() {
                let data = outlet.m_data.val().to_u64();
                let last = outlet.m_last.val();
                assert_eq!(Some((data >> 32, data & 0xffff_ffff, last)), expected.pop_front());
                assert_eq!(outlet.m_last_byte.val().to_u64(), data % 8);
                wire = if last { 31 } else { 7 };
                inside = !last;
                idle = 0;
            } else if asks {
                assert!(!inside, "a frame that was begun is fed");
                idle += 1;
                assert!(idle < 2000, "it stands still");
            }
            step!(outlet);
            assert!(!outlet.stat_spilled.val(), "no beat is lost");
        }
    }

    #[test]
    fn headers_have_no_gaps_no_beat_is_lost_and_no_frame_starves() {
        let mut random = Random::new(21);
        let lengths: Vec<u64> = (0..24).map(|_| [8, 8, 9, 16, 17, 40, 190][random.below(7) as usize]).collect();
        run(&lengths, 1000);
        run(&lengths, 2);
        run(&lengths, 3);
        run(&[8, 1152, 8, 600, 8], 1000);
    }
}
