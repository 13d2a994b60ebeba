//! The lint: refuses RustHDL whose Verilog means something else.
//!
//! RustHDL 0.46 prints Rust expressions without widths and without parentheses. Where Verilog then computes wider than
//! Rust, binds operators differently or sees a name that only Rust knows, simulation and hardware part silently. Every
//! such form is a [`Pattern`]; none of them leaves [`emit`](crate::emit()).
//!
//! The rule behind most: arithmetic, shifts to the left and inversion go into a `Local` of their exact width first, and
//! only then are compared, widened, sliced, reduced or shifted right.

mod expression;
mod flow;
mod names;

use std::fmt;

use rust_hdl::core::ast::{Verilog, VerilogBlock};
use rust_hdl::prelude::*;

use names::Names;

/// What is wrong with a circuit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pattern {
    /// `a & b == c`, or any operator in another without parentheses: Verilog binds differently.
    Unparenthesised,
    /// Arithmetic or inversion compared: Verilog compares at 32 bits or more, without the wrap.
    ComparedArithmetic,
    /// `bit_cast` of arithmetic or inversion: Verilog widens before it computes.
    CastArithmetic,
    /// Arithmetic or inversion shifted right: bits that Rust has dropped come back.
    ShiftedArithmetic,
    /// A reduction (`any`, `all`, `xor`) of more than a signal or a slice: Verilog reduces at another width.
    ReducedExpression,
    /// Arithmetic as a bit index, an offset, a shift amount or in `match`.
    SelectedByArithmetic,
    /// `replace_bit` with an inverted or computed value: Verilog inverts 32 bits of it.
    ReplacedByArithmetic,
    /// A name of Rust (`const`, const generic) used as a value: Verilog does not know it.
    UnknownName,
    /// A slice of a slice or of an expression.
    SlicedExpression,
    /// Two indices on one array.
    DoubleIndex,
    /// `get_bit` on a signal of one bit, or on an expression.
    IndexedScalar,
    /// Assigned under a condition without a default.
    Latch,
    /// Read before it is assigned: `always_comb` would keep the value of the evaluation before.
    ReadBeforeAssigned,
    /// An input of a part read where it is assigned: RustHDL simulates with what is assigned last, Verilog takes what was
    /// assigned so far.
    InputReadBack,
    /// Signed arithmetic, whose rules differ throughout.
    Signed,
    /// A name that is a keyword of Verilog.
    Keyword,
}

/// One place in a circuit that may not be emitted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// Path of the circuit, from the top.
    pub module: String,
    /// What is wrong.
    pub pattern: Pattern,
    /// The place, as Verilog would show it, and what to write instead.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.module, self.text)
    }
}

/// One circuit of the tree, as the lint reads it.
struct Module {
    path: String,
    names: Names,
    code: VerilogBlock,
}

#[derive(Default)]
struct Collect {
    path: Vec<String>,
    namespace: Vec<String>,
    modules: Vec<Module>,
    open: Vec<usize>,
}

impl Probe for Collect {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        self.path.push(name.to_string());
        let code = match node.hdl() {
            Verilog::Combinatorial(code) => code,
            _ => VerilogBlock::new(),
        };
        if let Some(&parent) = self.open.last() {
            self.modules[parent].names.add_part(name);
        }
        self.open.push(self.modules.len());
        self.modules.push(Module { path: self.path.join("."), names: Names::default(), code });
    }

    fn visit_start_namespace(&mut self, name: &str, _: &dyn Block) {
        self.namespace.push(name.to_string());
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        let name = self.namespace.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join("$");
        if let Some(&own) = self.open.last() {
            self.modules[own].names.add(&name, atom);
        }
        if let [.., parent, _] = self.open[..] {
            let child = self.path.last().expect("an open scope has a name");
            self.modules[parent].names.add_port(child, &name, atom);
        }
    }

    fn visit_end_namespace(&mut self, _: &str, _: &dyn Block) {
        self.namespace.pop();
    }

    fn visit_end_scope(&mut self, _: &str, _: &dyn Block) {
        self.path.pop();
        self.open.pop();
    }
}

/// Everything in the circuit and below it that must not be emitted; empty when it may.
pub fn lint(circuit: &dyn Block, top: &str) -> Vec<Finding> {
    let mut collect = Collect::default();
    circuit.accept(top, &mut collect);
    let mut findings = Vec::new();
    for module in &collect.modules {
        let mut walk = flow::Flow::new(module);
        walk.run();
        findings.extend(walk.findings);
    }
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests;
