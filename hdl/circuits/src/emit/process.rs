//! Clocked processes, one for all registers with the same clock and reset.

use std::collections::BTreeSet;

use super::order::Order;
use super::register::{moves, Register};
use super::sequence::readers_first;
use super::statement::Statement;
use super::wire::wires;

/// Writes the wires, the blocks and the clocked processes.
pub(super) fn processes(statements: &[Statement], registers: &[Register], order: &Order, out: &mut String) {
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
        let own = statements.iter().filter_map(|one| one.only(&wanted)).filter(|one| !holds(one)).collect();
        for one in readers_first(own) {
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
