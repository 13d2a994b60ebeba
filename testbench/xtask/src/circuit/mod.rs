//! What the emitted circuit costs on real parts: synthesis, place and route, and the budget it has to keep.
//!
//! A [`target::Target`] names a part, [`flow`] runs the tools, [`nextpnr`] and [`netlist`] read what they wrote, [`budget`]
//! compares the figures with `constraints/budget.toml`.

pub(crate) mod budget;
pub(crate) mod flow;
mod netlist;
mod nextpnr;
pub(crate) mod target;

use std::collections::BTreeMap;

/// What one run of the tools found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// By name, as in the budget: `mhz`, `lut4`, `ff`, `ebr`, `dsp`; on UltraScale+ `lut`, `lut_ram`, `ff`, `ramb36`, `dsp`,
    /// `levels`.
    pub(crate) figures: BTreeMap<&'static str, f64>,
    /// The worst path between two registers, for people.
    pub(crate) worst: String,
}
