//! Registers: from an instance of a leaf to a variable.

use std::collections::BTreeMap;

use super::order::Order;
use super::statement::Statement;

/// What a leaf that is only a register does.
#[derive(Clone)]
pub(super) struct Kind {
    /// The value it starts at.
    pub(super) value: String,
    /// Whether a reset brings that value back.
    resets: bool,
}

/// A register of a circuit.
pub(super) struct Register {
    /// Name of the instance.
    pub(super) name: String,
    /// What it does.
    pub(super) kind: Kind,
    /// Its clock.
    pub(super) clock: String,
    /// What resets it, if anything does.
    pub(super) reset: String,
}

/// The module of an instance whose first line this is.
pub(super) fn instance_type(line: &str) -> Option<String> {
    let (module, rest) = line.strip_prefix("    ")?.split_once(' ')?;
    (rest.ends_with('(') && !rest.contains(' ')).then(|| module.to_string())
}

/// A module that is only a register: RustHDL's own, or `cell::register`.
pub(super) fn kind(text: &str) -> Option<Kind> {
    let code = text.split_once("// Update code (custom)\n")?.1.split("endmodule").next()?;
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let (value, rest) = code.strip_prefix("initial ")?.split_once(';')?;
    let value = value.trim_start_matches("begin ").strip_prefix("q = ")?.to_string();
    let plain = "end always @(posedge clock) begin q <= d; end";
    let reset = format!("always @(posedge clock) if (reset) q <= {value}; else q <= d;");
    match rest.trim() {
        rest if rest == plain => Some(Kind { value, resets: false }),
        rest if rest == reset => Some(Kind { value, resets: true }),
        _ => None,
    }
}

/// The registers of a circuit, while they are looked for.
pub(super) struct Registers<'a> {
    /// Modules that are registers.
    pub(super) kinds: &'a BTreeMap<String, Kind>,
    /// Where the block assigns what.
    pub(super) order: &'a Order,
    /// The block.
    pub(super) statements: &'a [Statement],
}

impl Registers<'_> {
    /// Takes the instances of registers out of the declarations, and declares variables in their place.
    pub(super) fn take(&self, head: &str) -> Option<(String, Vec<Register>)> {
        let mut registers = Vec::new();
        let mut kept = Vec::new();
        let mut lines = head.lines();
        while let Some(line) = lines.next() {
            let found = instance_type(line).and_then(|module| self.kinds.get(&module));
            let Some(register) = found.and_then(|kind| self.register(line.split_whitespace().nth(1)?, kind)) else {
                kept.push(line);
                continue;
            };
            registers.push(register);
            lines.by_ref().find(|line| line.trim() == ");")?;
        }
        let others = kept.iter().any(|line| instance_type(line).is_some());
        let by_name: BTreeMap<&str, &Register> = registers.iter().map(|one| (one.name.as_str(), one)).collect();
        let mut out = String::new();
        for line in kept {
            if line.trim() == "// Sub module instances" && !others {
                continue;
            }
            let declared = line.trim().strip_suffix(';').and_then(|line| line.rsplit(' ').next());
            let part = declared.and_then(|name| name.rsplit_once("__"));
            match part.and_then(|(name, port)| Some((by_name.get(name)?, port))) {
                Some((one, "q")) => {
                    let line = line.replacen("wire ", "logic", 1);
                    let line = line.trim_end().trim_end_matches(';').to_string();
                    out.push_str(&format!("{line} = {};\n", one.kind.value));
                }
                Some((_, "clock" | "reset")) => {}
                Some((one, "d")) if moves(self.order, &one.name) => {}
                _ => {
                    let line = line.replacen("output reg ", "output logic", 1);
                    let line = match line.strip_prefix("    reg ") {
                        Some(rest) => format!("    logic{rest}"),
                        None => line,
                    };
                    out.push_str(&line);
                    out.push('\n');
                }
            }
        }
        Some((out, registers))
    }

    /// A register whose clock and reset are plain.
    fn register(&self, instance: &str, kind: &Kind) -> Option<Register> {
        let name = instance.strip_suffix('(')?.to_string();
        let value = |port: &str| {
            let wanted = format!("{name}__{port}");
            let once = self.order.first.get(&wanted)? == self.order.last.get(&wanted)?;
            let found = self.statements.iter().find_map(|one| match one {
                Statement::Assign { target, value, .. } if *target == wanted => Some(value.clone()),
                _ => None,
            });
            found.filter(|_| once && !self.order.read.contains(&wanted) && !self.order.early.contains(&wanted))
        };
        let clock = value("clock")?;
        let reset = if kind.resets { value("reset")? } else { String::new() };
        Some(Register { name, kind: kind.clone(), clock, reset })
    }
}

/// Whether a register needs no `x__d`.
pub(super) fn moves(order: &Order, name: &str) -> bool {
    let next = format!("{name}__d");
    !order.read.contains(&next) && !order.early.contains(&next)
}
