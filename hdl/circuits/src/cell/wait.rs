//! A few clocks of waiting, so that what belongs together arrives together.

use rust_hdl::prelude::*;

/// `W` bits, `N` clocks from `d` to `q`, none for 0; `reset` clears what is under way.
#[derive(LogicBlock)]
pub struct Wait<const W: usize, const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Zeros from the next clock on.
    pub reset: Signal<In, Bit>,
    /// In.
    pub d: Signal<In, Bits<W>>,
    /// Out, `N` clocks later.
    pub q: Signal<Out, Bits<W>>,
    _stages: Vec<Bits<W>>,
}

impl<const W: usize, const N: usize> Default for Wait<W, N> {
    fn default() -> Self {
        Wait {
            clock: Default::default(),
            reset: Default::default(),
            d: Default::default(),
            q: Default::default(),
            _stages: vec![Bits::default(); N],
        }
    }
}

impl<const W: usize, const N: usize> Logic for Wait<W, N> {
    fn update(&mut self) {
        if N == 0 {
            self.q.next = self.d.val();
        } else if self.clock.pos_edge() {
            self._stages.rotate_right(1);
            self._stages[0] = self.d.val();
            if self.reset.val() {
                self._stages.fill(Bits::default());
            }
            self.q.next = self._stages[N - 1];
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        if N == 0 {
            return Verilog::Custom(format!("// cell wait_{W}x{N}\nalways @(*) q = d;"));
        }
        // One word that moves on by a stage: what comes in is lowest.
        let (top, last) = (N * W - 1, (N - 1) * W);
        let next = if N == 1 { "d".to_string() } else { format!("{{stages[{}:0], d}}", last - 1) };
        Verilog::Custom(format!(
            "// cell wait_{W}x{N}
reg [{top}:0] stages;
initial stages = 0;
always @(posedge clock) if (reset) stages <= 0; else stages <= {next};
always @(*) q = stages[{top}:{last}];"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn what_goes_in_comes_out_after_the_wait_and_a_reset_clears_the_way() {
        let mut wait = Wait::<8, 3>::default();
        wait.connect_all();
        let mut out = Vec::new();
        for clock in 1..=9u64 {
            wait.d.next = clock.into();
            wait.reset.next = clock == 6;
            step!(wait);
            out.push(wait.q.val().to_u64());
        }
        assert_eq!(out, [0, 0, 1, 2, 3, 0, 0, 0, 7]);
    }

    #[test]
    fn no_wait_is_a_wire() {
        let mut wait = Wait::<8, 0>::default();
        wait.connect_all();
        wait.d.next = 77.into();
        assert!(simulate(&mut wait, 10));
        assert_eq!(wait.q.val().to_u64(), 77);
    }
}
