//! The names a circuit's Verilog knows, and how RustHDL spells them.

use std::collections::{BTreeMap, BTreeSet};

use rust_hdl::core::atom::AtomKind;
use rust_hdl::prelude::*;

/// Signals of one module: its own, and the ports of its parts as `part$port`.
#[derive(Default)]
pub(super) struct Names {
    known: BTreeMap<String, usize>,
    /// Of `known`, what this module drives in its parts.
    part_inputs: BTreeSet<String>,
    /// Enum labels reach Verilog as constants.
    labels: Vec<String>,
    own: Vec<String>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str, atom: &dyn Atom) {
        if !name.contains('$') && atom.kind() != AtomKind::StubInputSignal {
            self.own.push(name.to_string());
        }
        self.known.insert(name.to_string(), atom.bits());
        self.enums(&atom.descriptor());
    }

    /// A port of the part `part`.
    pub(super) fn add_port(&mut self, part: &str, port: &str, atom: &dyn Atom) {
        let name = format!("{part}${port}");
        if atom.kind() == AtomKind::InputParameter {
            self.part_inputs.insert(name.clone());
        }
        self.add(&name, atom);
    }

    pub(super) fn add_part(&mut self, name: &str) {
        self.own.push(name.to_string());
    }

    fn enums(&mut self, descriptor: &TypeDescriptor) {
        match &descriptor.kind {
            TypeKind::Enum(labels) => self.labels.extend(labels.iter().map(|label| label.replace("::", "$"))),
            TypeKind::Composite(fields) => fields.iter().for_each(|field| self.enums(&field.kind)),
            _ => {}
        }
    }

    /// Bits of a signal, `None` for a name that Verilog will not know.
    pub(super) fn bits(&self, name: &str) -> Option<usize> {
        self.known.get(name).copied()
    }

    pub(super) fn is_part_input(&self, name: &str) -> bool {
        self.part_inputs.contains(name)
    }

    pub(super) fn is_label(&self, name: &str) -> bool {
        self.labels.iter().any(|label| label == name)
    }

    /// Names of the module itself.
    pub(super) fn own(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str)
    }
}

/// A name as RustHDL prints it, with the loop variables put in; `None` where an index cannot be computed.
pub(super) fn resolve(name: &str, loops: &[(String, i64)]) -> Option<String> {
    let name = name.trim_start_matches('.').replace("::", "$").replace('.', "$");
    let name = name.trim_end_matches("$next");
    let Some((array, rest)) = name.split_once('[') else {
        return Some(name.to_string());
    };
    let (index, rest) = rest.split_once(']')?;
    Some(format!("{array}${}{rest}", value(index, loops)?))
}

/// The value of an index made of numbers, loop variables, `+`, `-` and `*`.
fn value(text: &str, loops: &[(String, i64)]) -> Option<i64> {
    let text = text.trim();
    for operators in [&['+', '-'][..], &['*']] {
        if let Some(at) = text.rfind(operators) {
            let (left, right) = (value(&text[..at], loops)?, value(&text[at + 1..], loops)?);
            return Some(match text.as_bytes()[at] {
                b'+' => left + right,
                b'-' => left - right,
                _ => left * right,
            });
        }
    }
    loops.iter().rev().find(|(name, _)| name == text).map(|&(_, value)| value).or_else(|| text.parse().ok())
}

/// Words that may not name a signal.
pub(super) const KEYWORDS: &[&str] = &[
    "alias",
    "always",
    "and",
    "assert",
    "assign",
    "assume",
    "before",
    "begin",
    "bind",
    "bit",
    "break",
    "buf",
    "byte",
    "case",
    "cell",
    "checker",
    "class",
    "clocking",
    "config",
    "const",
    "constraint",
    "context",
    "continue",
    "cover",
    "default",
    "design",
    "disable",
    "dist",
    "do",
    "edge",
    "else",
    "end",
    "enum",
    "event",
    "expect",
    "export",
    "extends",
    "extern",
    "final",
    "for",
    "force",
    "forever",
    "fork",
    "function",
    "generate",
    "genvar",
    "global",
    "if",
    "iff",
    "implies",
    "import",
    "include",
    "initial",
    "inout",
    "input",
    "inside",
    "instance",
    "int",
    "integer",
    "interface",
    "join",
    "let",
    "library",
    "local",
    "localparam",
    "logic",
    "matches",
    "modport",
    "module",
    "nand",
    "negedge",
    "new",
    "nexttime",
    "nor",
    "not",
    "null",
    "or",
    "output",
    "package",
    "packed",
    "parameter",
    "posedge",
    "primitive",
    "priority",
    "program",
    "property",
    "protected",
    "pull0",
    "pull1",
    "pure",
    "rand",
    "real",
    "ref",
    "reg",
    "release",
    "repeat",
    "restrict",
    "return",
    "sequence",
    "signed",
    "small",
    "solve",
    "static",
    "string",
    "strong",
    "struct",
    "super",
    "supply0",
    "supply1",
    "table",
    "tagged",
    "task",
    "this",
    "time",
    "timeprecision",
    "timeunit",
    "tran",
    "tri",
    "type",
    "typedef",
    "union",
    "unique",
    "unsigned",
    "until",
    "untyped",
    "use",
    "var",
    "vectored",
    "virtual",
    "void",
    "wait",
    "wand",
    "weak",
    "while",
    "wildcard",
    "wire",
    "with",
    "within",
    "wor",
    "xnor",
    "xor",
];
