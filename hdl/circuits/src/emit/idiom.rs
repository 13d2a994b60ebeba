//! Registers as clocked processes, and wires as assignments.
//!
//! RustHDL writes every register as an instance whose next value `x__d` is worked out in one block for the whole circuit,
//! starting from `x__q`. Here a register becomes a variable that an `always_ff` assigns where it changes, and what has one
//! value on every path a plain `assign`: what a person would have written, and what a simulator can skip or leave out.
//!
//! A statement moves out of the block only where every signal it reads has its last value by then; else its register keeps
//! `x__d`, and its wire stays in the block.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{parse, words, Statement};

/// What a leaf that is only a register does.
#[derive(Clone)]
struct Kind {
    value: String,
    resets: bool,
}

/// A register of a circuit.
struct Register {
    name: String,
    kind: Kind,
    clock: String,
    reset: String,
}

/// Rewrites every circuit of a text; leaves that are no longer used go.
pub(super) fn idiomatic(modules: Vec<String>) -> Vec<String> {
    let kinds: BTreeMap<String, Kind> =
        modules.iter().filter_map(|text| Some((name(text).to_string(), kind(text)?))).collect();
    let modules: Vec<String> = modules.into_iter().map(|text| rewrite(&text, &kinds).unwrap_or(text)).collect();
    let used: BTreeSet<String> = modules.iter().flat_map(|text| text.lines()).filter_map(instance_type).collect();
    let unused = |text: &String| kinds.contains_key(name(text)) && !used.contains(name(text));
    let is_top = modules.len() == 1;
    modules.into_iter().filter(|text| is_top || !unused(text)).collect()
}

fn name(text: &str) -> &str {
    text.strip_prefix("module ").and_then(|rest| rest.split('(').next()).unwrap_or_default()
}

/// The module of an instance whose first line this is.
fn instance_type(line: &str) -> Option<String> {
    let (module, rest) = line.strip_prefix("    ")?.split_once(' ')?;
    (rest.ends_with('(') && !rest.contains(' ')).then(|| module.to_string())
}

/// A module that is only a register: RustHDL's own, or `cell::register`.
fn kind(text: &str) -> Option<Kind> {
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

fn rewrite(text: &str, kinds: &BTreeMap<String, Kind>) -> Option<String> {
    let (head, rest) = text.split_once("    // Update code\n    always_comb begin\n")?;
    let (code, tail) = rest.split_once("\n    end\nendmodule")?;
    let statements = parse(&code.lines().collect::<Vec<_>>())?;
    let order = Order::of(&statements);
    let (head, registers) = Registers { kinds, order: &order, statements: &statements }.take(head)?;
    let mut out = head;
    processes(&statements, &registers, &order, &mut out);
    Some(format!("{out}endmodule{tail}"))
}

/// Where signals are assigned and read.
struct Order {
    first: BTreeMap<String, usize>,
    last: BTreeMap<String, usize>,
    read: BTreeSet<String>,
    /// Assigned where something it reads is assigned again later.
    early: BTreeSet<String>,
    /// Of those, with what.
    with: BTreeMap<String, BTreeSet<String>>,
}

impl Order {
    fn of(statements: &[Statement]) -> Order {
        let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
        let mut reads: Vec<(String, String, usize)> = Vec::new();
        for statement in statements {
            statement.assignments(&mut Vec::new(), &mut |target, at, under| {
                first.entry(target.to_string()).or_insert(at);
                last.insert(target.to_string(), at);
                for (text, when) in under {
                    reads.extend(words(text).map(|word| (target.to_string(), word.to_string(), *when)));
                }
            });
        }
        let (mut early, mut with): (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) = Default::default();
        for (target, word, when) in &reads {
            if last.get(word).is_some_and(|last| last >= when) {
                early.insert(target.clone());
                with.entry(target.clone()).or_default().insert(word.clone());
            }
        }
        Order { first, last, read: reads.into_iter().map(|(_, word, _)| word).collect(), early, with }
    }
}

struct Registers<'a> {
    kinds: &'a BTreeMap<String, Kind>,
    order: &'a Order,
    statements: &'a [Statement],
}

impl Registers<'_> {
    /// Takes the instances of registers out of the declarations, and declares variables in their place.
    fn take(&self, head: &str) -> Option<(String, Vec<Register>)> {
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
fn moves(order: &Order, name: &str) -> bool {
    let next = format!("{name}__d");
    !order.read.contains(&next) && !order.early.contains(&next)
}

/// Writes the wires, the blocks and the clocked processes.
fn processes(statements: &[Statement], registers: &[Register], order: &Order, out: &mut String) {
    let mut gone: BTreeSet<String> = BTreeSet::new();
    let mut moved: BTreeSet<String> = BTreeSet::new();
    for one in registers {
        gone.extend([format!("{}__clock", one.name), format!("{}__reset", one.name)]);
        if moves(order, &one.name) {
            moved.insert(format!("{}__d", one.name));
        }
    }
    let rest: Vec<Statement> =
        statements.iter().filter_map(|one| one.only(&|name| !gone.contains(name) && !moved.contains(name))).collect();
    wires(&rest, order, out);
    let mut groups: Vec<(&str, &str, Vec<&Register>)> = Vec::new();
    for one in registers {
        match groups.iter_mut().find(|(clock, reset, _)| *clock == one.clock && *reset == one.reset) {
            Some((_, _, members)) => members.push(one),
            None => groups.push((&one.clock, &one.reset, vec![one])),
        }
    }
    for (clock, reset, members) in groups {
        let next: BTreeSet<String> = members.iter().map(|one| format!("{}__d", one.name)).collect();
        let wanted = |name: &str| next.contains(name) && moved.contains(name);
        let assign = |target: &str, value: &str| format!("{}__q <= {value};", &target[..target.len() - 3]);
        let holds = |one: &Statement| match one {
            Statement::Assign { target, value, at } => {
                order.first.get(target) == Some(at) && *value == format!("{}q", &target[..target.len() - 1])
            }
            Statement::Choice { .. } => false,
        };
        let mut body = String::new();
        let indent = if reset.is_empty() { 2 } else { 3 };
        for one in statements.iter().filter_map(|one| one.only(&wanted)).filter(|one| !holds(one)) {
            one.write(indent, &assign, &mut body);
        }
        let margin = " ".repeat(indent * 4);
        for one in members.iter().filter(|one| !moved.contains(&format!("{}__d", one.name))) {
            body.push_str(&format!("{margin}{0}__q <= {0}__d;\n", one.name));
        }
        out.push_str(&format!("    always_ff @(posedge {clock}) begin\n"));
        if !reset.is_empty() {
            out.push_str(&format!("        if ({reset}) begin\n"));
            for one in &members {
                out.push_str(&format!("            {}__q <= {};\n", one.name, one.kind.value));
            }
            out.push_str("        end else begin\n");
        }
        out.push_str(&body);
        if !reset.is_empty() {
            out.push_str("        end\n");
        }
        out.push_str("    end\n");
    }
}

/// Writes what is not clocked: an `assign` for each signal with one value, a block for those that belong together.
fn wires(statements: &[Statement], order: &Order, out: &mut String) {
    let plain = |one: &Statement| match one {
        Statement::Assign { target, .. } => order.first[target] == order.last[target] && !order.early.contains(target),
        Statement::Choice { .. } => false,
    };
    for one in statements.iter().filter(|one| plain(one)) {
        one.write(1, &|target, value| format!("assign {target} = {value};"), out);
    }
    let rest: Vec<&Statement> = statements.iter().filter(|one| !plain(one)).collect();
    let mut blocks: Vec<(BTreeSet<String>, Vec<usize>)> = Vec::new();
    for (place, one) in rest.iter().enumerate() {
        let mut names: BTreeSet<String> = one.targets().into_iter().map(str::to_string).collect();
        for name in names.clone() {
            names.extend(order.with.get(&name).into_iter().flatten().cloned());
        }
        let mut places = vec![place];
        blocks.retain(|(known, members)| {
            let apart = known.is_disjoint(&names);
            if !apart {
                names.extend(known.iter().cloned());
                places.extend(members);
            }
            apart
        });
        places.sort_unstable();
        blocks.push((names, places));
    }
    blocks.sort_by_key(|(_, places)| places[0]);
    for (_, places) in blocks {
        if let Some((target, value)) = overridden(&places.iter().map(|place| rest[*place]).collect::<Vec<_>>()) {
            out.push_str(&format!("    assign {target} = {value};\n"));
            continue;
        }
        out.push_str("    always_comb begin\n");
        for place in places {
            rest[place].write(2, &|target, value| format!("{target} = {value};"), out);
        }
        out.push_str("    end\n");
    }
}

/// What a block comes to that assigns one signal over and over, on every path.
fn overridden<'a>(block: &[&'a Statement]) -> Option<(&'a str, &'a str)> {
    let Statement::Assign { target, value, .. } = block.last()? else { return None };
    let same = |one: &&Statement| matches!(one, Statement::Assign { target: other, .. } if other == target);
    (block.iter().all(same) && words(value).all(|word| word != target)).then_some((target, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = "module dff_8(d,q,clock);
    // Update code (custom)
    initial begin
       q = 8'h3;
    end
    always @(posedge clock) begin
       q <= d;
    end
endmodule // dff_8
";

    /// A circuit with one register, `count`, and the given code.
    fn circuit(code: &str) -> String {
        let head = "module circuit(clock,go,m);
    input wire  clock;
    input wire  go;
    output reg  [7:0] m;
    // Stub signals
    reg  [7:0] count__d;
    wire  [7:0] count__q;
    reg  count__clock;
    // Local signals
    reg  [7:0] next;
    // Sub module instances
    dff_8 count(
        .d(count__d),
        .q(count__q),
        .clock(count__clock)
    );
    // Update code
    always_comb begin
        count__clock = clock;
";
        let text = format!("{head}{code}    end\nendmodule // circuit\n");
        idiomatic(vec![text, REGISTER.to_string()]).join("\n")
    }

    #[test]
    fn a_register_is_assigned_where_it_changes() {
        let text = circuit(
            "        count__d = count__q;
        next = count__q + 32'h1;
        if (go) begin
            count__d = next;
        end
        m = count__q;
",
        );
        let wanted = "    logic [7:0] count__q = 8'h3;
    // Local signals
    logic [7:0] next;
    assign next = count__q + 32'h1;
    assign m = count__q;
    always_ff @(posedge clock) begin
        if (go) begin
            count__q <= next;
        end
    end
endmodule // circuit
";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn a_next_value_that_is_read_keeps_its_name() {
        let text = circuit("        count__d = count__q;\n        next = 32'h0;\n        m = count__d;\n");
        assert!(text.contains("assign count__d = count__q;") && text.contains("count__q <= count__d;"), "{text}");
    }

    #[test]
    fn what_reads_a_signal_that_changes_later_stays_before_the_change() {
        let text = circuit(
            "        next = 32'h0;
        count__d = next;
        if (go) begin
            next = 32'h7;
        end
        m = next;
",
        );
        let block = "    always_comb begin
        next = 32'h0;
        count__d = next;
        if (go) begin
            next = 32'h7;
        end
    end
";
        assert!(text.contains(block) && text.contains("count__q <= count__d;"), "{text}");
        assert!(text.contains("    assign m = next;\n"), "{text}");
    }

    #[test]
    fn an_empty_branch_turns_the_condition() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        if (go) begin
            next = 32'h1;
        end
        else begin
            count__d = 32'h5;
        end
        m = next;
",
        );
        assert!(text.contains("        if (!(go)) begin\n            count__q <= 32'h5;\n        end\n"), "{text}");
        let block = "        next = 32'h0;\n        if (go) begin\n            next = 32'h1;\n        end\n    end\n";
        assert!(text.contains(block), "{text}");
    }

    #[test]
    fn a_default_that_never_holds_goes() {
        let text =
            circuit("        count__d = go;\n        next = 32'h0;\n        next = count__q;\n        m = next;\n");
        assert!(text.contains("    assign next = count__q;\n") && !text.contains("always_comb"), "{text}");
    }

    #[test]
    fn a_chain_of_conditions_keeps_the_ones_before() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        if (go) begin
            next = 32'h1;
        end
        else if (count__q == 32'h2) begin
            count__d = 32'h5;
        end
        else begin
            next = 32'h3;
        end
        m = next;
",
        );
        let process = "        if (go) begin
        end else if (count__q == 32'h2) begin
            count__q <= 32'h5;
        end
    end
";
        assert!(text.contains(process), "{text}");
    }

    #[test]
    fn a_case_keeps_its_empty_items() {
        let text = circuit(
            "        count__d = count__q;
        next = 32'h0;
        case (go)
            0:
                begin
                    next = 32'h2;
                end
            default:
                begin
                    count__d = 32'h1;
                end
        endcase
        m = next;
",
        );
        let process = "        case (go)
            0: begin
            end
            default: begin
                count__q <= 32'h1;
            end
        endcase
";
        assert!(text.contains(process), "{text}");
    }
}
