//! Wires: assignments, and blocks where a signal has one value after another.

use std::collections::BTreeSet;

use super::order::Order;
use super::statement::{is_word, words, Statement};

/// Writes what is not clocked: an `assign` for each signal with one value, a block for those that belong together.
pub(super) fn wires(statements: &[Statement], order: &Order, out: &mut String) {
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
            rest[place].write(2, &blocking, out);
        }
        out.push_str("    end\n");
    }
}

/// An assignment in a block; a bit that RustHDL puts in by masks is assigned by its place.
fn blocking(target: &str, value: &str) -> String {
    let bit = value.strip_prefix(&format!("({target} & ~(1 << (")).and_then(|rest| rest.strip_suffix("))"));
    let found = bit.and_then(|rest| {
        let (place, rest) = rest.split_once(")) | ((")?;
        let value = rest.strip_suffix(&format!(") << ({place}"))?;
        place.chars().all(|c| is_word(c) || c == '\'').then_some((place, value))
    });
    match found {
        Some((place, value)) => format!("{target}[{place}] = {value};"),
        None => format!("{target} = {value};"),
    }
}

/// What a block comes to that assigns one signal over and over, on every path.
fn overridden<'a>(block: &[&'a Statement]) -> Option<(&'a str, &'a str)> {
    let Statement::Assign { target, value, .. } = block.last()? else { return None };
    let same = |one: &&Statement| matches!(one, Statement::Assign { target: other, .. } if other == target);
    (block.iter().all(same) && words(value).all(|word| word != target)).then_some((target, value))
}
