//! From a circuit to SystemVerilog that every tool reads the same way.
//!
//! RustHDL's own text is the start. What it lacks is added here: the checks, readable names (`s_axis_tdata`; `__` between
//! an instance and its port), one module for parts that are alike, registers as clocked processes, and a header. The text
//! depends on the circuit alone, byte for byte.

mod constant;
mod idiom;
mod order;
mod process;
mod register;
mod sequence;
mod statement;
mod wire;

use std::collections::BTreeMap;

use rust_hdl::prelude::*;
use weir_spec::regs;

use crate::lint::{lint, Finding};

/// Why a circuit was not emitted.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// A signal is not driven, driven twice, or in a loop.
    #[error("failed to check circuit {top}: {reason}")]
    Check {
        /// Name of the top module.
        top: String,
        /// What RustHDL found.
        reason: String,
    },
    /// The circuit means one thing in Rust and another in Verilog.
    #[error("failed to emit circuit {top}: Verilog would mean something else\n{}", list(.findings))]
    Lint {
        /// Name of the top module.
        top: String,
        /// Where.
        findings: Vec<Finding>,
    },
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("  {finding}")).collect::<Vec<_>>().join("\n")
}

/// Checks a circuit and gives its text; `top` names the top module.
pub fn emit<B: Block>(uut: &mut B, top: &str) -> Result<String, EmitError> {
    uut.connect_all();
    check_all(uut).map_err(|error| EmitError::Check { top: top.to_string(), reason: format!("{error:?}") })?;
    let findings = lint(uut, top);
    if !findings.is_empty() {
        return Err(EmitError::Lint { top: top.to_string(), findings });
    }
    let mut defines = ModuleDefines::default();
    uut.accept(top, &mut defines);
    let modules = merge(split(&defines.defines()), top);
    let modules = modules.iter().map(|text| readable(text)).collect();
    Ok(format!("{}\n{}", header(top), idiom::idiomatic(modules).join("\n")))
}

fn header(top: &str) -> String {
    format!(
        "// {top}: written by weir-hdl {}, register layout {}.{}. Made from circuits: change those.
// SystemVerilog; byte 0 of a frame is tdata[7:0].
/* verilator lint_off WIDTHEXPAND */
/* verilator lint_off WIDTHTRUNC */
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off DECLFILENAME */
/* verilator lint_off VARHIDDEN */
/* verilator lint_off PROCASSINIT */",
        env!("CARGO_PKG_VERSION"),
        regs::LAYOUT >> 16,
        regs::LAYOUT & 0xffff,
    )
}

/// Stands for the name of a module in its own text while texts are compared.
const PLACE: char = '\u{1}';

/// A module as RustHDL wrote it.
struct Text {
    name: String,
    body: String,
}

fn split(text: &str) -> Vec<Text> {
    let mut modules = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("module ").and_then(|rest| rest.split('(').next()) {
            modules.push(Text { name: name.to_string(), body: String::new() });
        }
        if let Some(module) = modules.last_mut() {
            if !line.trim().is_empty() {
                module.body.push_str(line.trim_end());
                module.body.push('\n');
            }
        }
    }
    modules
}

/// Parts that are alike become one module. Inner parts first, so that whole subtrees fall together; the top comes first
/// in the text.
fn merge(modules: Vec<Text>, top: &str) -> Vec<String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut by_body: BTreeMap<String, String> = BTreeMap::new();
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<Text> = modules;
    order.sort_by_key(|module| std::cmp::Reverse(module.name.matches('$').count()));
    let mut merged = Vec::new();
    for module in order {
        let body = rename(&module.body, |word| match word == module.name {
            true => Some(PLACE.to_string()),
            false => names.get(word).cloned(),
        });
        if let Some(known) = by_body.get(&body) {
            names.insert(module.name, known.clone());
            continue;
        }
        let wanted = cell_name(&module.body).map_or(module.name.clone(), |cell| format!("{top}_{cell}"));
        let count = used.entry(wanted.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { wanted } else { format!("{wanted}_{count}") };
        merged.push(body.replace(PLACE, &name));
        by_body.insert(body, name.clone());
        names.insert(module.name, name);
    }
    merged.reverse();
    merged
}

/// The name of a leaf: what its text says in a line `// cell NAME`, or a plain register by its width.
fn cell_name(body: &str) -> Option<String> {
    let named = body.lines().find_map(|line| line.trim().strip_prefix("// cell "));
    let plain = body.contains("q <= d;").then(|| {
        let range =
            body.lines().find(|line| line.contains("output reg")).and_then(|line| line.split(['[', ':']).nth(1));
        let bits = range.and_then(|top| top.parse::<usize>().ok()).map_or(1, |top| top + 1);
        format!("dff_{bits}")
    });
    named.map(str::to_string).or(plain)
}

/// Replaces whole identifiers (which may hold `$`).
fn rename(text: &str, with: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || c == '_' || c == '$' {
            word.push(c);
            continue;
        }
        match with(&word) {
            Some(new) => out.push_str(&new),
            None => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn readable(text: &str) -> String {
    let text = rename(text, |word| (!word.starts_with('$')).then(|| word.replace('$', "__")));
    text.replace("always @(*)", "always_comb").replace("always @( * )", "always_comb")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::fifo::Fifo;
    use crate::stage::engine::flows::Flows;

    #[test]
    fn the_text_is_the_same_each_time_and_has_no_dollar() {
        let text = emit(&mut Fifo::<8, 4>::default(), "queue").expect("a clean circuit");
        assert_eq!(text, emit(&mut Fifo::<8, 4>::default(), "queue").expect("a clean circuit"));
        assert!(!text.contains('$') && !text.contains("always @(*)"), "{text}");
        assert!(text.contains("module queue("));
    }

    #[test]
    fn parts_that_are_alike_become_one_module() {
        let text = emit(&mut Flows::prompt(), "table").expect("a clean circuit");
        assert_eq!(text.matches("module table__ways__0(").count(), 1, "{text}");
        assert_eq!(text.matches("table__ways__0 ways__").count(), 4, "{text}");
    }

    #[derive(LogicBlock, Default)]
    struct Floating {
        clock: Signal<In, Clock>,
        q: Signal<Out, Bit>,
        part: DFF<Bit>,
    }

    impl Logic for Floating {
        #[hdl_gen]
        fn update(&mut self) {
            self.part.clock.next = self.clock.val();
            self.q.next = self.part.q.val();
        }
    }

    #[test]
    fn an_undriven_part_is_refused() {
        assert!(matches!(emit(&mut Floating::default(), "floating"), Err(EmitError::Check { .. })));
    }
}
