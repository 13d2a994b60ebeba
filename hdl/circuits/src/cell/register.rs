//! A register with a synchronous reset.
//!
//! RustHDL's own `DFF` starts at its default value and knows no reset; what a reset of the core must clear uses this.

use rust_hdl::prelude::*;

/// One clock from `d` to `q`; `reset` wins.
#[derive(Clone, Debug, LogicBlock)]
pub struct ResetDff<T: Synth> {
    /// Next value.
    pub d: Signal<In, T>,
    /// Value.
    pub q: Signal<Out, T>,
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Back to the reset value at the next clock.
    pub reset: Signal<In, Bit>,
    _value: T,
}

impl<T: Synth> ResetDff<T> {
    /// A register that `value` comes back to.
    pub fn new(value: T) -> Self {
        ResetDff {
            d: Signal::default(),
            q: Signal::default(),
            clock: Signal::default(),
            reset: Signal::default(),
            _value: value,
        }
    }
}

impl<T: Synth> Default for ResetDff<T> {
    fn default() -> Self {
        ResetDff::new(T::default())
    }
}

impl<T: Synth> Logic for ResetDff<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = if self.reset.val() { self._value } else { self.d.val() };
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let value = self._value.verilog();
        Verilog::Custom(format!(
            "initial q = {value:x};\nalways @(posedge clock) if (reset) q <= {value:x}; else q <= d;"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn reset_wins_over_data() {
        let mut register = ResetDff::<Bits<8>>::new(7.into());
        register.connect_all();
        let mut drive = |reset: bool, d: u64| {
            register.reset.next = reset;
            register.d.next = d.into();
            step!(register);
            register.q.val().to_u64()
        };
        assert_eq!([drive(false, 3), drive(true, 4), drive(false, 5)], [3, 7, 5]);
    }
}
