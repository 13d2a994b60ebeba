//! The order of the statements of a clocked process.
//!
//! A process means the same in any order as long as each register keeps its own. Here what reads a register stands before
//! what assigns it, as far as there is no ring: a simulator that goes through the text once then needs no second copy of
//! the register.

use std::collections::BTreeSet;

use super::statement::{words, Statement};

/// Statements that stay together: they assign a register in common.
struct Unit {
    statements: Vec<Statement>,
    targets: BTreeSet<String>,
    reads: BTreeSet<String>,
}

/// Sorts statements that assign next values `x__d` of registers `x__q`.
pub(super) fn readers_first(statements: Vec<Statement>) -> Vec<Statement> {
    let mut left = units(statements);
    let mut sorted = Vec::new();
    while !left.is_empty() {
        // The first whose registers no other one reads, or of a ring the first that is read least.
        let readers = |place: usize| {
            let reads =
                |(other, unit): &(usize, &Unit)| *other != place && !unit.reads.is_disjoint(&left[place].targets);
            left.iter().enumerate().filter(reads).count()
        };
        let next = (0..left.len()).min_by_key(|place| readers(*place)).unwrap_or_default();
        sorted.extend(left.remove(next).statements);
    }
    sorted
}

fn units(statements: Vec<Statement>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for statement in statements {
        let mut unit = Unit { statements: Vec::new(), targets: BTreeSet::new(), reads: BTreeSet::new() };
        statement.assignments(&mut Vec::new(), &mut |target, _, under| {
            unit.targets.insert(format!("{}q", &target[..target.len() - 1]));
            unit.reads.extend(under.iter().flat_map(|(text, _)| words(text)).map(str::to_string));
        });
        unit.statements.push(statement);
        while let Some(place) = units.iter().position(|one| !one.targets.is_disjoint(&unit.targets)) {
            let mut one = units.remove(place);
            one.statements.append(&mut unit.statements);
            one.targets.append(&mut unit.targets);
            one.reads.append(&mut unit.reads);
            unit = one;
        }
        units.push(unit);
    }
    for unit in &mut units {
        unit.statements.sort_by_key(Statement::at);
    }
    units.sort_by_key(|unit| unit.statements.first().map(Statement::at));
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::statement::parse;

    fn sorted(lines: &[&str]) -> Vec<String> {
        let mut out = String::new();
        for one in readers_first(parse(lines).expect("statements")) {
            one.write(0, &|target, value| format!("{target} = {value};"), &mut out);
        }
        out.lines().map(str::to_string).collect()
    }

    #[test]
    fn the_end_of_a_line_of_registers_comes_first() {
        assert_eq!(
            sorted(&["a__d = in;", "b__d = a__q;", "c__d = b__q;"]),
            ["c__d = b__q;", "b__d = a__q;", "a__d = in;"]
        );
    }

    #[test]
    fn what_assigns_the_same_register_keeps_its_order() {
        let code = ["a__d = 0;", "b__d = a__q;", "if (go) begin", "    a__d = 1;", "end"];
        assert_eq!(sorted(&code), ["b__d = a__q;", "a__d = 0;", "if (go) begin", "    a__d = 1;", "end"]);
    }

    #[test]
    fn a_ring_stays_as_it_is() {
        let code = ["a__d = b__q;", "b__d = a__q;"];
        assert_eq!(sorted(&code), code);
    }
}
