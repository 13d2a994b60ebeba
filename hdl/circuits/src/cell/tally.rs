//! Live counters: narrow ones that are handed over, all at one clock, to whoever adds them up.
//!
//! `freeze` starts a new round at zero and leaves the old one to be read at `at`, one clock later, until the next
//! `freeze`. An event at the clock of a `freeze` belongs to the new round.

use rust_hdl::prelude::*;

/// Bits of a live counter; a round is shorter than `2^TALLY` clocks.
pub const TALLY: usize = 12;

/// `N` counters, any number of which may move at one clock.
#[derive(LogicBlock)]
pub struct Tallies<const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget both rounds.
    pub reset: Signal<In, Bit>,
    /// Counters that move, one bit each.
    pub bump: Signal<In, Bits<N>>,
    /// Start a new round.
    pub freeze: Signal<In, Bit>,
    /// Counter to read.
    pub at: Signal<In, Bits<7>>,
    /// Its count in the frozen round; zero beyond the last.
    pub count: Signal<Out, Bits<TALLY>>,
    _live: Vec<u64>,
    _frozen: Vec<u64>,
}

impl<const N: usize> Default for Tallies<N> {
    fn default() -> Self {
        Tallies {
            clock: Default::default(),
            reset: Default::default(),
            bump: Default::default(),
            freeze: Default::default(),
            at: Default::default(),
            count: Default::default(),
            _live: vec![0; N],
            _frozen: vec![0; N],
        }
    }
}

impl<const N: usize> Logic for Tallies<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.count.next = self._frozen.get(self.at.val().index()).copied().unwrap_or(0).into();
            if self.freeze.val() {
                self._frozen = std::mem::replace(&mut self._live, vec![0; N]);
            }
            for (index, live) in self._live.iter_mut().enumerate() {
                *live = (*live + u64::from(self.bump.val().get_bit(index))) % (1 << TALLY);
            }
            if self.reset.val() {
                (self._live, self._frozen) = (vec![0; N], vec![0; N]);
            }
        }
    }

    fn connect(&mut self) {
        self.count.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "reg [{w}:0] live [0:{n}];
reg [{w}:0] frozen [0:{n}];
integer i;
initial begin
    for (i = 0; i <= {n}; i = i + 1) begin live[i] = 0; frozen[i] = 0; end
    count = 0;
end
always @(posedge clock) begin
    if (reset) for (i = 0; i <= {n}; i = i + 1) begin live[i] <= 0; frozen[i] <= 0; end
    else if (freeze) for (i = 0; i <= {n}; i = i + 1) begin
        frozen[i] <= live[i];
        live[i] <= {{{w}'b0, bump[i]}};
    end
    else if (|bump) for (i = 0; i <= {n}; i = i + 1) if (bump[i]) live[i] <= live[i] + 1'b1;
    count <= at <= 7'd{n} ? frozen[at[{a}:0]] : 0;
end",
            w = TALLY - 1,
            n = N - 1,
            a = clog2(N) - 1,
        ))
    }
}

/// 128 counters in distributed RAM, one of which may move at one clock.
#[derive(LogicBlock)]
pub struct IndexedTallies {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget both rounds.
    pub reset: Signal<In, Bit>,
    /// A counter moves.
    pub bump: Signal<In, Bit>,
    /// Which.
    pub index: Signal<In, Bits<7>>,
    /// Start a new round.
    pub freeze: Signal<In, Bit>,
    /// Counter to read.
    pub at: Signal<In, Bits<7>>,
    /// Its count in the frozen round.
    pub count: Signal<Out, Bits<TALLY>>,
    _live: Vec<u64>,
    _frozen: Vec<u64>,
}

impl Default for IndexedTallies {
    fn default() -> Self {
        IndexedTallies {
            clock: Default::default(),
            reset: Default::default(),
            bump: Default::default(),
            index: Default::default(),
            freeze: Default::default(),
            at: Default::default(),
            count: Default::default(),
            _live: vec![0; 128],
            _frozen: vec![0; 128],
        }
    }
}

impl Logic for IndexedTallies {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.count.next = self._frozen[self.at.val().index()].into();
            if self.freeze.val() {
                self._frozen = std::mem::replace(&mut self._live, vec![0; 128]);
            }
            if self.bump.val() {
                let live = &mut self._live[self.index.val().index()];
                *live = (*live + 1) % (1 << TALLY);
            }
            if self.reset.val() {
                (self._live, self._frozen) = (vec![0; 128], vec![0; 128]);
            }
        }
    }

    fn connect(&mut self) {
        self.count.connect();
    }

    /// Two RAMs take turns; a bit a counter says whether its word is of this round, so that no RAM needs clearing.
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "reg [{w}:0] even [0:127];
reg [{w}:0] odd [0:127];
reg [127:0] even_used;
reg [127:0] odd_used;
reg turn;
integer i;
initial begin
    for (i = 0; i < 128; i = i + 1) begin even[i] = 0; odd[i] = 0; end
    even_used = 0;
    odd_used = 0;
    turn = 0;
    count = 0;
end
wire live = turn ^ freeze;
wire [6:0] even_at = live ? at : index;
wire [6:0] odd_at = live ? index : at;
wire even_fresh = freeze && !live;
wire odd_fresh = freeze && live;
wire [{w}:0] even_count = even_used[even_at] && !even_fresh ? even[even_at] : 0;
wire [{w}:0] odd_count = odd_used[odd_at] && !odd_fresh ? odd[odd_at] : 0;
always @(posedge clock) if (bump && !live) even[even_at] <= even_count + 1'b1;
always @(posedge clock) if (bump && live) odd[odd_at] <= odd_count + 1'b1;
always @(posedge clock) begin
    turn <= live;
    count <= live ? even_count : odd_count;
    if (even_fresh) even_used <= 0;
    if (odd_fresh) odd_used <= 0;
    if (bump && !live) even_used[even_at] <= 1'b1;
    if (bump && live) odd_used[odd_at] <= 1'b1;
    if (reset) begin
        turn <= 0;
        even_used <= 0;
        odd_used <= 0;
    end
end",
            w = TALLY - 1,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn a_round_holds_what_moved_since_the_one_before() {
        let mut tallies = Tallies::<24>::default();
        tallies.connect_all();
        for clock in 0..10u64 {
            tallies.bump.next = if clock % 2 == 0 { 0b101 } else { 0b1 }.into();
            tallies.freeze.next = clock == 7;
            step!(tallies);
        }
        let mut read = |at: u64| {
            tallies.at.next = at.into();
            step!(tallies);
            tallies.count.val().to_u64()
        };
        assert_eq!([read(0), read(1), read(2), read(24)], [7, 0, 4, 0]);
    }

    #[test]
    fn indexed_counters_start_each_round_at_zero() {
        let mut tallies = IndexedTallies::default();
        tallies.connect_all();
        let mut rounds = Vec::new();
        for round in 0..4u64 {
            tallies.bump.next = true;
            tallies.index.next = 33.into();
            for _ in 0..=round {
                step!(tallies);
            }
            tallies.bump.next = false;
            tallies.freeze.next = true;
            step!(tallies);
            tallies.freeze.next = false;
            tallies.at.next = 33.into();
            step!(tallies);
            rounds.push(tallies.count.val().to_u64());
        }
        assert_eq!(rounds, [1, 2, 3, 4]);
    }
}
