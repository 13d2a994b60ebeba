//! The smallest test bench: one clock of a circuit in RustHDL's own simulator.

/// One rising edge; inputs set before are sampled, outputs read after are the registered ones.
macro_rules! step {
    ($uut:expr) => {{
        $uut.clock.next = rust_hdl::prelude::Clock { clk: false };
        assert!(rust_hdl::prelude::simulate(&mut $uut, 100), "the circuit settles");
        $uut.clock.next = rust_hdl::prelude::Clock { clk: true };
        assert!(rust_hdl::prelude::simulate(&mut $uut, 100), "the circuit settles");
    }};
}

pub(crate) use step;
