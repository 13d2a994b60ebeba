//! Numbers in place of the signals that only ever hold numbers.
//!
//! A loop of a circuit is unrolled by RustHDL, but compares with a signal that holds its counter: what reads that signal
//! after a number was put there means this number.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{is_word, Statement};

/// Puts numbers in; the statements, and the signals that are gone.
pub(super) fn constants(head: &str, statements: Vec<Statement>) -> (Vec<Statement>, BTreeSet<String>) {
    let locals = head.split_once("    // Local signals\n").map_or("", |(_, rest)| rest);
    let mut widths: BTreeMap<&str, u32> = locals.lines().map_while(declared).collect();
    let mut plain: BTreeSet<&str> = BTreeSet::new();
    for statement in &statements {
        match statement {
            Statement::Assign { target, value, .. } if number(value).is_some() => {
                plain.insert(target);
            }
            one => one.targets().into_iter().for_each(|target| {
                widths.remove(target);
            }),
        }
    }
    widths.retain(|name, _| plain.contains(name));
    let gone: BTreeSet<String> = widths.keys().map(|name| name.to_string()).collect();
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    let mut kept = Vec::new();
    for statement in &statements {
        match statement {
            Statement::Assign { target, value, .. } if gone.contains(target) => {
                let value = number(value).unwrap_or_default();
                now.insert(target.clone(), format!("{}'h{value:x}", widths[target.as_str()]));
            }
            one => kept.push(one.map(&|text| put(text, &now))),
        }
    }
    (kept, gone)
}

/// The declarations without these signals.
pub(super) fn without(head: &str, gone: &BTreeSet<String>) -> String {
    let keep = |line: &&str| declared(line).is_none_or(|(name, _)| !gone.contains(name));
    head.lines().filter(keep).map(|line| format!("{line}\n")).collect()
}

/// Name and width of a signal that this line declares.
fn declared(line: &str) -> Option<(&str, u32)> {
    let rest = line.trim().strip_prefix("reg ")?.strip_suffix(';')?;
    let (range, name) = rest.rsplit_once(' ')?;
    let top = range.trim().strip_prefix('[').and_then(|range| range.strip_suffix(":0]"));
    Some((name, if range.trim().is_empty() { 1 } else { top?.parse::<u32>().ok()? + 1 }))
}

fn number(text: &str) -> Option<u64> {
    match text.split_once("'h") {
        Some((width, digits)) => u64::from_str_radix(digits, 16).ok().filter(|_| width.parse::<u32>().is_ok()),
        None => text.parse().ok(),
    }
}

fn put(text: &str, numbers: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        out.push_str(&rest[..start]);
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        out.push_str(numbers.get(word).map_or(word, String::as_str));
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::statement::parse;

    const HEAD: &str = "    // Local signals\n    reg  [2:0] here;\n    reg  [2:0] sum;\n";

    fn texts(lines: &[&str]) -> (Vec<String>, BTreeSet<String>) {
        let (statements, gone) = constants(HEAD, parse(lines).expect("statements"));
        let mut out = String::new();
        for one in &statements {
            one.write(0, &|target, value| format!("{target} = {value};"), &mut out);
        }
        (out.lines().map(str::to_string).collect(), gone)
    }

    #[test]
    fn the_counter_of_a_loop_becomes_its_number() {
        let code =
            ["here = 32'h0;", "here = 1;", "a = at == here;", "here = 2;", "if (at == here) begin", "b = 3;", "end"];
        let (lines, gone) = texts(&code);
        assert_eq!(lines, ["a = at == 3'h1;", "if (at == 3'h2) begin", "    b = 3;", "end"]);
        assert_eq!(without(HEAD, &gone), "    // Local signals\n    reg  [2:0] sum;\n");
    }

    #[test]
    fn a_signal_that_holds_more_than_numbers_stays() {
        for code in [
            &["sum = 32'h0;", "sum = sum + 32'h1;"][..],
            &["sum = 0;", "if (go) begin", "    sum = 1;", "end"],
            &["elsewhere = 1;", "a = elsewhere;"],
        ] {
            let (lines, gone) = texts(code);
            assert_eq!(lines, code);
            assert!(gone.is_empty(), "{gone:?}");
        }
    }
}
