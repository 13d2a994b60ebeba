//! What steers sixty-four bits of the record: where frames begin, when a record is due, how far layer 3 is shifted.
//!
//! A wide register wants its enable and its selects near; one net to a thousand loads would set the clock. Each lane keeps
//! the state of the stream for itself, so no tool folds the lanes into one.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Lane {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way.
    pub reset: Signal<In, Bit>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub tlast: Signal<In, Bit>,
    /// The second beat of the frame under way must come in this clock.
    pub due: Signal<In, Bit>,
    /// In the clock of `first`: one VLAN tag.
    pub s_one: Signal<In, Bit>,
    /// In the clock of `first`: two VLAN tags.
    pub s_two: Signal<In, Bit>,
    /// In the clock of `first`: IPv4.
    pub s_four: Signal<In, Bit>,

    /// The beat of the clock before is the first of its frame.
    pub first: Signal<Out, Bit>,
    /// The record of a frame is due: its last header beat was there two clocks ago.
    pub record: Signal<Out, Bit>,
    /// One VLAN tag in the frame of the record.
    pub one: Signal<Out, Bit>,
    /// Two.
    pub two: Signal<Out, Bit>,
    /// IPv4 in the frame of the record.
    pub four: Signal<Out, Bit>,

    in_frame: DFF<Bit>,
    open: DFF<Bit>,
    first_q: DFF<Bit>,
    fire_q: DFF<Bit>,
    record_q: DFF<Bit>,
    one_q: DFF<Bit>,
    two_q: DFF<Bit>,
    four_q: DFF<Bit>,

    begins: Signal<Local, Bit>,
    fires: Signal<Local, Bit>,
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, open, first_q, fire_q, record_q, one_q, two_q, four_q);

        self.begins.next = self.tvalid.val() & !self.in_frame.q.val();
        self.fires.next =
            (self.begins.val() & self.tlast.val()) | (self.open.q.val() & self.tvalid.val()) | self.due.val();
        // Not as an enable: without its own value at its input, this register would be the same in every lane.
        self.in_frame.d.next = (self.tvalid.val() & !self.tlast.val()) | (!self.tvalid.val() & self.in_frame.q.val());
        self.open.d.next = (self.begins.val() & !self.tlast.val()) | (self.open.q.val() & !self.fires.val());
        self.first_q.d.next = self.begins.val();
        self.fire_q.d.next = self.fires.val();
        self.record_q.d.next = self.fire_q.q.val();
        if self.first_q.q.val() {
            self.one_q.d.next = self.s_one.val();
            self.two_q.d.next = self.s_two.val();
            self.four_q.d.next = self.s_four.val();
        }
        if self.reset.val() {
            self.in_frame.d.next = false;
            self.open.d.next = false;
            self.first_q.d.next = false;
            self.fire_q.d.next = false;
        }

        self.first.next = self.first_q.q.val();
        self.record.next = self.record_q.q.val();
        self.one.next = self.one_q.q.val();
        self.two.next = self.two_q.q.val();
        self.four.next = self.four_q.q.val();
    }
}
