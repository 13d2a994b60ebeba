//! A register that stays: one of several that hold the same value, each for loads of its own.
//!
//! Synthesis makes one of registers that are alike. Where a value goes to many places far apart, that is the slow path.

use rust_hdl::prelude::*;

/// One clock from `d` to `q`, zero at power-on; never merged with another.
#[derive(Clone, Debug, Default, LogicBlock)]
pub struct Replica<T: Synth> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Next value.
    pub d: Signal<In, T>,
    /// Value.
    pub q: Signal<Out, T>,
}

impl<T: Synth> Logic for Replica<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "// cell replica_{}
(* keep *) reg{} value;
initial value = 0;
always @(posedge clock) value <= d;
always @(*) q = value;",
            T::BITS,
            if T::BITS == 1 { String::new() } else { format!(" [{}:0]", T::BITS - 1) },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_is_a_register() {
        let mut replica = Replica::<Bits<8>>::default();
        replica.connect_all();
        replica.d.next = 5.into();
        step!(replica);
        replica.d.next = 6.into();
        step!(replica);
        assert_eq!(replica.q.val().to_u64(), 6);
    }
}
