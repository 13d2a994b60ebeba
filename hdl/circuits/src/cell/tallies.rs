//! A few narrow counters in registers, any number of which may move at one clock.
//!
//! `freeze` keeps what they hold, an event of its own clock included, and starts them at zero; what was kept is read at
//! `at`, one clock later, until the next `freeze`.

use rust_hdl::prelude::*;

/// `N` counters of up to `W` bits, up to 32.
#[derive(LogicBlock)]
pub struct Tallies<const N: usize, const W: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Zero, kept and moving ones.
    pub reset: Signal<In, Bit>,
    /// Some counter may move: what stands still needs no work.
    pub moves: Signal<In, Bit>,
    /// Counters that move, one bit each, none of them without `moves`; one that never moves costs nothing.
    pub bump: Signal<In, Bits<N>>,
    /// Keep, and start again.
    pub freeze: Signal<In, Bit>,
    /// Counter to read.
    pub at: Signal<In, Bits<5>>,
    /// What it was frozen at; zero beyond the last.
    pub count: Signal<Out, Bits<W>>,
    _widths: [usize; N],
    _live: Vec<u64>,
    _frozen: Vec<u64>,
}

impl<const N: usize, const W: usize> Tallies<N, W> {
    /// Counters of these widths. Panics when one is wider than `W`, or there are more than 32.
    pub fn new(widths: [usize; N]) -> Self {
        assert!(N <= 32 && widths.iter().all(|width| (1..=W).contains(width)), "{widths:?}");
        Tallies {
            clock: Default::default(),
            reset: Default::default(),
            moves: Default::default(),
            bump: Default::default(),
            freeze: Default::default(),
            at: Default::default(),
            count: Default::default(),
            _widths: widths,
            _live: vec![0; N],
            _frozen: vec![0; 32],
        }
    }
}

impl<const N: usize, const W: usize> Logic for Tallies<N, W> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.count.next = self._frozen[self.at.val().index()].into();
            assert!(self.moves.val() || self.bump.val() == 0u64, "no counter moves without `moves`");
            for (index, live) in self._live.iter_mut().enumerate() {
                *live = (*live + u64::from(self.bump.val().get_bit(index))) % (1 << self._widths[index]);
            }
            if self.freeze.val() {
                self._frozen[..N].copy_from_slice(&self._live);
                self._live = vec![0; N];
            }
            if self.reset.val() {
                (self._live, self._frozen) = (vec![0; N], vec![0; 32]);
            }
        }
    }

    fn connect(&mut self) {
        self.count.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut text = String::new();
        for i in 0..N {
            text += &format!(
                "reg [{w}:0] live_{i};\nreg [{w}:0] frozen_{i};\ninitial begin live_{i} = 0; frozen_{i} = 0; end\n",
                w = self._widths[i] - 1
            );
        }
        let each = |text: fn(usize) -> String| (0..N).map(|i| format!("    {}\n", text(i))).collect::<String>();
        text += &format!(
            "always @(posedge clock) if (reset || freeze) begin
{}end else if (moves) begin
{}end
always @(posedge clock) if (reset) begin
{}end else if (freeze) begin
{}end
",
            each(|i| format!("live_{i} <= 0;")),
            each(|i| format!("live_{i} <= live_{i} + bump[{i}];")),
            each(|i| format!("frozen_{i} <= 0;")),
            each(|i| format!("frozen_{i} <= live_{i} + bump[{i}];")),
        );
        // Groups of eight first, and one of the groups a clock later.
        let names: Vec<String> = (0..N).map(|i| format!("frozen_{i}")).collect();
        let w = W - 1;
        let mut groups = Vec::new();
        for (group, names) in names.chunks(8).enumerate() {
            text += &format!(
                "reg [{w}:0] group_{group};\ninitial group_{group} = 0;\nalways @(posedge clock) group_{group} <= {};\n",
                choose("at", names, 2)
            );
            groups.push(format!("group_{group}"));
        }
        text += &format!(
            "reg [1:0] which;\ninitial which = 0;\nalways @(posedge clock) which <= at[4:3];\nalways @(*) count = {};",
            choose("which", &groups, 1)
        );
        Verilog::Custom(text)
    }
}

/// A choice by bit `bit` of `by` and those below it.
fn choose(by: &str, names: &[String], bit: usize) -> String {
    let (low, high) = names.split_at(names.len().min(1 << bit));
    let side = |names: &[String]| match names {
        [] => "0".to_string(),
        [one] if bit == 0 => one.clone(),
        _ => choose(by, names, bit - 1),
    };
    format!("({by}[{bit}] ? {} : {})", side(high), side(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn a_round_holds_what_moved_since_the_one_before() {
        let mut tallies = Tallies::<24, 9>::new([9; 24]);
        tallies.connect_all();
        for clock in 0..10u64 {
            tallies.moves.next = true;
            tallies.bump.next = if clock % 2 == 0 { 0b101 } else { 0b1 }.into();
            tallies.freeze.next = clock == 6 || clock == 9;
            step!(tallies);
            tallies.at.next = if clock == 6 { 2 } else { 0 }.into();
            if clock == 7 {
                assert_eq!(tallies.count.val().to_u64(), 4);
            }
        }
        tallies.bump.next = 0.into();
        tallies.freeze.next = false;
        let mut read = |at: u64| {
            tallies.at.next = at.into();
            step!(tallies);
            tallies.count.val().to_u64()
        };
        assert_eq!([read(0), read(1), read(2), read(24)], [3, 0, 1, 0]);
    }

    #[test]
    fn each_counter_wraps_at_its_own_width() {
        let mut tallies = Tallies::<2, 4>::new([2, 4]);
        tallies.connect_all();
        tallies.moves.next = true;
        tallies.bump.next = 3.into();
        for clock in 0..5 {
            tallies.freeze.next = clock == 4;
            step!(tallies);
        }
        tallies.bump.next = 0.into();
        tallies.freeze.next = false;
        let mut read = |at: u64| {
            tallies.at.next = at.into();
            step!(tallies);
            tallies.count.val().to_u64()
        };
        assert_eq!([read(0), read(1)], [1, 5]);
    }

    #[test]
    fn the_choice_names_each_counter_once() {
        let names: Vec<String> = ["a", "b", "c"].map(String::from).into();
        assert_eq!(choose("at", &names, 1), "(at[1] ? (at[0] ? 0 : c) : (at[0] ? b : a))");
        assert_eq!(choose("at", &names[..1], 1), "(at[1] ? 0 : (at[0] ? 0 : a))");
    }
}
