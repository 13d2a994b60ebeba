//! Where an engine stands: the address of its table in each step, and pulses that follow a header down the stages.

use rust_hdl::prelude::*;

/// Walks a table of `STEPS` words in two banks, address `step:bank`, `A` bits. `N` pulses are derived.
#[derive(LogicBlock)]
pub struct Steps<const STEPS: usize, const A: usize, const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A header is there; at least `STEPS` clocks after the last.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// The word of step `j` in clock `1 + j` after `s_valid`.
    pub m_address: Signal<Out, Bits<A>>,
    /// Bit `i`: `s_valid` of `i + 1` clocks ago.
    pub m_after: Signal<Out, Bits<N>>,
    at: DFF<Bits<A>>,
    after: DFF<Bits<N>>,
    stride: Constant<Bits<A>>,
    onward: Signal<Local, Bits<A>>,
    begin_at: Signal<Local, Bits<A>>,
}

impl<const STEPS: usize, const A: usize, const N: usize> Default for Steps<STEPS, A, N> {
    fn default() -> Self {
        assert!(1 << A == 2 * STEPS, "{STEPS} steps in two banks are not 2^{A} words");
        Steps {
            clock: Default::default(),
            s_valid: Default::default(),
            s_bank: Default::default(),
            m_address: Default::default(),
            m_after: Default::default(),
            at: Default::default(),
            after: Default::default(),
            stride: Constant::new((2 % (1 << A)).into()),
            onward: Default::default(),
            begin_at: Default::default(),
        }
    }
}

impl<const STEPS: usize, const A: usize, const N: usize> Logic for Steps<STEPS, A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, at, after);
        self.onward.next = self.at.q.val() + self.stride.val();
        self.begin_at.next = 0.into();
        if self.s_bank.val() {
            self.begin_at.next = 1.into();
        }
        self.at.d.next = self.onward.val();
        self.after.d.next = self.after.q.val() << 1;
        if self.s_valid.val() {
            self.at.d.next = self.begin_at.val();
            self.after.d.next = (self.after.q.val() << 1) | 1;
        }
        self.m_address.next = self.at.q.val();
        self.m_after.next = self.after.q.val();
    }
}

/// Where an entry of a table is kept: which lane, which word of it.
///
/// Entry `e` is in lane `e % LANES`, word `e / LANES` of the bank. No clock.
#[derive(LogicBlock)]
pub struct Place<const LANES: usize, const A: usize> {
    /// Entry.
    pub s_entry: Signal<In, Bits<6>>,
    /// Bank.
    pub s_bank: Signal<In, Bit>,
    /// Lane.
    pub m_lane: Signal<Out, Bits<6>>,
    /// Word of the lane.
    pub m_address: Signal<Out, Bits<A>>,
    mask: Constant<Bits<6>>,
    shift: Constant<Bits<6>>,
    step: Signal<Local, Bits<6>>,
    even: Signal<Local, Bits<7>>,
}

impl<const LANES: usize, const A: usize> Default for Place<LANES, A> {
    fn default() -> Self {
        assert!(LANES.is_power_of_two() && LANES <= 32, "{LANES} lanes");
        Place {
            s_entry: Default::default(),
            s_bank: Default::default(),
            m_lane: Default::default(),
            m_address: Default::default(),
            mask: Constant::new((LANES as u64 - 1).into()),
            shift: Constant::new(u64::from(LANES.ilog2()).into()),
            step: Default::default(),
            even: Default::default(),
        }
    }
}

impl<const LANES: usize, const A: usize> Logic for Place<LANES, A> {
    #[hdl_gen]
    fn update(&mut self) {
        self.m_lane.next = self.s_entry.val() & self.mask.val();
        self.step.next = self.s_entry.val() >> self.shift.val();
        self.even.next = bit_cast::<7, 6>(self.step.val()) << 1;
        if self.s_bank.val() {
            self.even.next = (bit_cast::<7, 6>(self.step.val()) << 1) | 1;
        }
        self.m_address.next = bit_cast::<A, 7>(self.even.val());
    }
}
