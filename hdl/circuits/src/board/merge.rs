//! Puts the board's own frames between those of a queue: one at a time, and none is interrupted.
//!
//! Both sources have a frame whole before they show its first beat, or are faster than the wire. Who is shown stays so until
//! its frame ends; the clock between two frames goes to the choice, and the board's own come first. They are few: one is said
//! for each that a host said. A beat rests in a register, so that who takes it is not asked before the next one is: every
//! other clock, where the wire wants one in eight. Latency: one clock behind the choice.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Merge {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// No frame is under way.
    pub reset: Signal<In, Bit>,

    /// A beat of the queue is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,

    /// A beat of the board's own is there; it stays until it is taken.
    pub a_valid: Signal<In, Bit>,
    /// It.
    pub a_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub a_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub a_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub a_taken: Signal<Out, Bit>,

    /// A beat is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,

    // A frame of the queue is under way, or of the board.
    queue: DFF<Bit>,
    own: DFF<Bit>,
    // What is shown.
    has: DFF<Bit>,
    data: DFF<Bits<64>>,
    last_byte: DFF<Bits<3>>,
    last: DFF<Bit>,
    takes: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
}

impl Logic for Merge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, queue, own, has, data, last_byte, last);
        self.takes.next =
            !self.has.q.val() & ((self.queue.q.val() & self.s_valid.val()) | (self.own.q.val() & self.a_valid.val()));
        self.ends.next = self.s_last.val();
        if self.own.q.val() {
            self.ends.next = self.a_last.val();
        }
        if self.m_taken.val() {
            self.has.d.next = false;
        }
        if self.takes.val() {
            self.has.d.next = true;
            self.data.d.next = self.s_data.val();
            self.last_byte.d.next = self.s_last_byte.val();
            self.last.d.next = self.ends.val();
            if self.own.q.val() {
                self.data.d.next = self.a_data.val();
                self.last_byte.d.next = self.a_last_byte.val();
            }
        }
        if !self.queue.q.val() & !self.own.q.val() {
            self.own.d.next = self.a_valid.val();
            self.queue.d.next = self.s_valid.val() & !self.a_valid.val();
        }
        if self.takes.val() & self.ends.val() {
            self.queue.d.next = false;
            self.own.d.next = false;
        }
        if self.reset.val() {
            self.queue.d.next = false;
            self.own.d.next = false;
            self.has.d.next = false;
        }
        self.s_taken.next = self.takes.val() & self.queue.q.val();
        self.a_taken.next = self.takes.val() & self.own.q.val();
        self.m_valid.next = self.has.q.val();
        self.m_data.next = self.data.q.val();
        self.m_last_byte.next = self.last_byte.q.val();
        self.m_last.next = self.last.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::board::random::Random;
    use std::collections::VecDeque;

    type Beat = (u64, u64, bool);

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Merge::default(), "merge").expect("nothing that Verilog takes otherwise");
    }

    /// Frames of a source: its number is in the top of each beat.
    fn frames(random: &mut Random, source: u64, count: u64) -> VecDeque<Beat> {
        let frame = |number: u64| {
            let beats = 1 + random.below(9);
            let beat = move |at| (source << 60 | number << 8 | at, (number + at) % 8, at + 1 == beats);
            (0..beats).map(beat).collect::<Vec<_>>()
        };
        (0..count).flat_map(frame).collect()
    }

    #[test]
    fn frames_of_both_leave_whole_and_in_order_and_stay_until_they_are_taken() {
        let mut merge = Merge::default();
        merge.connect_all();
        let mut random = Random::new(12);
        let mut sources = [frames(&mut random, 0, 90), frames(&mut random, 1, 40)];
        let mut offered: [Option<Beat>; 2] = [None; 2];
        // Whose frame is under way, what is shown and not taken, and how many frames of the queue ended while one of the
        // board waited.
        let (mut inside, mut shown, mut waited, mut most) = (None, None, 0, 0);
        // What was taken from a source and did not leave.
        let mut held = VecDeque::new();
        while offered.iter().any(Option::is_some) || sources.iter().any(|source| !source.is_empty()) {
            for (number, often) in [(0, 2), (1, 40)] {
                let goes_on = inside == Some(number) && random.once_in(2);
                if offered[number].is_none() && (goes_on || random.once_in(often)) {
                    offered[number] = sources[number].pop_front();
                }
            }
            (merge.s_valid.next, merge.a_valid.next) = (offered[0].is_some(), offered[1].is_some());
            if let Some((data, last_byte, last)) = offered[0] {
                (merge.s_data.next, merge.s_last_byte.next, merge.s_last.next) = (data.into(), last_byte.into(), last);
            }
            if let Some((data, last_byte, last)) = offered[1] {
                (merge.a_data.next, merge.a_last_byte.next, merge.a_last.next) = (data.into(), last_byte.into(), last);
            }
            let takes = random.once_in(3);
            merge.m_taken.next = takes;
            assert!(simulate(&mut merge, 100));
            let out = (merge.m_data.val().to_u64(), merge.m_last_byte.val().to_u64(), merge.m_last.val());
            let out = merge.m_valid.val().then_some(out);
            assert!(shown.is_none() || out == shown, "what is shown stays");
            let taken = [merge.s_taken.val(), merge.a_taken.val()];
            shown = out.filter(|_| !takes);
            if let (true, Some(beat)) = (takes, out) {
                assert_eq!(held.pop_front(), Some(beat));
            }
            assert!(held.is_empty() || out.is_some(), "a beat that was taken is shown");
            if let Some(source) = taken.iter().position(|taken| *taken) {
                let beat = offered[source].take();
                held.extend(beat);
                assert!(inside.is_none_or(|inside| inside == source), "a frame is interrupted");
                let last = beat.is_some_and(|beat| beat.2);
                inside = (!last).then_some(source);
                waited = if source == 0 && last && offered[1].is_some() { waited + 1 } else { 0 };
                most = waited.max(most);
            }
            step!(merge);
        }
        assert!(held.len() <= 1, "one rests inside");
        assert_eq!(most, 1, "the board's wait for one frame");
    }
}
