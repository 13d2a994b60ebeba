//! A register between two steps that only takes what is wanted.

use rust_hdl::prelude::*;

/// `W` bits, `N` (0 or 1) clocks from `d` to `q`, held where `take` is low; without a clock it only passes on.
#[derive(LogicBlock)]
pub struct Stage<const W: usize, const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Something is there.
    pub take: Signal<In, Bit>,
    /// It.
    pub d: Signal<In, Bits<W>>,
    /// The last that was taken, or with `N` 0 what is there.
    pub q: Signal<Out, Bits<W>>,
}

impl<const W: usize, const N: usize> Default for Stage<W, N> {
    fn default() -> Self {
        assert!(N < 2, "0 or 1 clocks, not {N}");
        Stage { clock: Default::default(), take: Default::default(), d: Default::default(), q: Default::default() }
    }
}

impl<const W: usize, const N: usize> Logic for Stage<W, N> {
    fn update(&mut self) {
        if N == 0 || (self.clock.pos_edge() && self.take.val()) {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(match N {
            0 => format!("// cell stage_{W}x0\nalways @(*) q = d;"),
            _ => format!("// cell stage_{W}x1\ninitial q = 0;\nalways @(posedge clock) if (take) q <= d;"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_holds_what_it_took() {
        let mut stage = Stage::<8, 1>::default();
        stage.connect_all();
        let mut drive = |take: bool, d: u64| {
            stage.take.next = take;
            stage.d.next = d.into();
            step!(stage);
            stage.q.val().to_u64()
        };
        assert_eq!([drive(false, 3), drive(true, 4), drive(false, 5), drive(true, 6)], [0, 4, 4, 6]);
    }

    #[test]
    fn without_a_clock_it_passes_on() {
        let mut stage = Stage::<8, 0>::default();
        stage.connect_all();
        stage.d.next = 7.into();
        assert!(simulate(&mut stage, 10));
        assert_eq!(stage.q.val().to_u64(), 7);
    }
}
