//! The statements of RustHDL's text, as a tree.

use std::collections::BTreeSet;

/// One statement. Positions count assignments and conditions in the order of the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Statement {
    /// `target = value;`
    Assign {
        /// Left of the sign, without an index.
        target: String,
        /// Right of it.
        value: String,
        /// Where.
        at: usize,
    },
    /// `if` with its `else`, or `case`.
    Choice {
        /// What opens each part and what is in it; of a `case` the first has no statements.
        parts: Vec<(String, Vec<Statement>)>,
        /// Whether it is a `case`.
        case: bool,
        /// Where the condition is read.
        at: usize,
    },
}

/// Reads the lines of a block; `None` if one has a form that is not known here.
pub(super) fn parse(lines: &[&str]) -> Option<Vec<Statement>> {
    let mut reader = Reader { lines, line: 0, at: 0 };
    let statements = reader.block()?;
    (reader.line == lines.len()).then_some(statements)
}

struct Reader<'a> {
    lines: &'a [&'a str],
    line: usize,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.line).map(|line| line.trim())
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        (self.peek()? == text).then(|| self.line += 1)
    }

    fn block(&mut self) -> Option<Vec<Statement>> {
        let mut statements = Vec::new();
        while let Some(line) = self.peek() {
            if line == "end" || line == "endcase" {
                break;
            }
            self.line += 1;
            self.at += 1;
            let at = self.at;
            if line.starts_with("if ") && line.ends_with(" begin") {
                statements.push(self.branches(line, at)?);
            } else if line.starts_with("case ") {
                statements.push(self.case(line, at)?);
            } else {
                let (target, value) = line.strip_suffix(';')?.split_once(" = ")?;
                if !target.chars().all(is_word) {
                    return None;
                }
                statements.push(Statement::Assign { target: target.to_string(), value: value.to_string(), at });
            }
        }
        Some(statements)
    }

    fn branches(&mut self, head: &str, at: usize) -> Option<Statement> {
        let mut parts = vec![(head.to_string(), self.block()?)];
        self.expect("end")?;
        while let Some(other) = self.peek().filter(|line| line.starts_with("else ") && line.ends_with(" begin")) {
            self.line += 1;
            parts.push((other.to_string(), self.block()?));
            self.expect("end")?;
        }
        Some(Statement::Choice { parts, case: false, at })
    }

    fn case(&mut self, head: &str, at: usize) -> Option<Statement> {
        let mut parts = vec![(head.to_string(), Vec::new())];
        while self.peek()? != "endcase" {
            let item = self.peek()?.strip_suffix(':')?.to_string();
            self.line += 1;
            self.expect("begin")?;
            parts.push((format!("{item}: begin"), self.block()?));
            self.expect("end")?;
        }
        self.line += 1;
        Some(Statement::Choice { parts, case: true, at })
    }
}

/// Whether a name may hold it.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The names in an expression, and digits and keywords, which no signal is called.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

impl Statement {
    /// Calls `seen` for each assignment: its target and position, its value and the conditions it stands under, each
    /// with the place where it is read.
    pub(super) fn assignments<'a>(
        &'a self,
        under: &mut Vec<(&'a str, usize)>,
        seen: &mut impl FnMut(&'a str, usize, &[(&'a str, usize)]),
    ) {
        match self {
            Statement::Assign { target, value, at } => {
                under.push((value, *at));
                seen(target, *at, under);
                under.pop();
            }
            Statement::Choice { parts, at, .. } => {
                let depth = under.len();
                for (head, statements) in parts {
                    under.push((head, *at));
                    for statement in statements {
                        statement.assignments(under, seen);
                    }
                }
                under.truncate(depth);
            }
        }
    }

    /// It, with every value and condition as `with` makes it.
    pub(super) fn map(&self, with: &impl Fn(&str) -> String) -> Statement {
        match self {
            Statement::Assign { target, value, at } => {
                Statement::Assign { target: target.clone(), value: with(value), at: *at }
            }
            Statement::Choice { parts, case, at } => {
                let part = |(head, inner): &(String, Vec<Statement>)| {
                    (with(head), inner.iter().map(|one| one.map(with)).collect())
                };
                Statement::Choice { parts: parts.iter().map(part).collect(), case: *case, at: *at }
            }
        }
    }

    /// Where it is.
    pub(super) fn at(&self) -> usize {
        match self {
            Statement::Assign { at, .. } | Statement::Choice { at, .. } => *at,
        }
    }

    /// What is assigned in it.
    pub(super) fn targets(&self) -> BTreeSet<&str> {
        let mut targets = BTreeSet::new();
        self.assignments(&mut Vec::new(), &mut |target, _, _| {
            targets.insert(target);
        });
        targets
    }

    /// Only the assignments that are wanted, and what they stand under.
    pub(super) fn only(&self, wanted: &impl Fn(&str) -> bool) -> Option<Statement> {
        match self {
            Statement::Assign { target, .. } => wanted(target).then(|| self.clone()),
            Statement::Choice { parts, case, at } => {
                let kept: Vec<(String, Vec<Statement>)> = parts
                    .iter()
                    .map(|(head, inner)| (head.clone(), inner.iter().filter_map(|one| one.only(wanted)).collect()))
                    .collect();
                let some = kept.iter().any(|(_, inner): &(String, Vec<Statement>)| !inner.is_empty());
                some.then_some(Statement::Choice { parts: kept, case: *case, at: *at })
            }
        }
    }

    /// Writes it, each assignment as `assign` says.
    pub(super) fn write(&self, indent: usize, assign: &impl Fn(&str, &str) -> String, out: &mut String) {
        let margin = " ".repeat(indent * 4);
        match self {
            Statement::Assign { target, value, .. } => {
                out.push_str(&format!("{margin}{}\n", assign(target, value)));
            }
            Statement::Choice { parts, case: true, .. } => {
                for (place, (head, inner)) in parts.iter().enumerate() {
                    if place == 0 {
                        out.push_str(&format!("{margin}{head}\n"));
                        continue;
                    }
                    out.push_str(&format!("{margin}    {head}\n"));
                    inner.iter().for_each(|one| one.write(indent + 2, assign, out));
                    out.push_str(&format!("{margin}    end\n"));
                }
                out.push_str(&format!("{margin}endcase\n"));
            }
            Statement::Choice { parts, .. } => {
                let used = parts.iter().rposition(|(_, inner)| !inner.is_empty()).map_or(0, |place| place + 1);
                let plain = parts[0].0.strip_prefix("if ").and_then(|rest| rest.strip_suffix(" begin"));
                let turned = plain.filter(|_| parts[0].1.is_empty() && used == 2 && parts[1].0 == "else begin");
                for (place, (head, inner)) in parts[..used].iter().enumerate() {
                    match (place, turned) {
                        (0, Some(condition)) => out.push_str(&format!("{margin}if (!{condition}) begin\n")),
                        (0, None) => out.push_str(&format!("{margin}{head}\n")),
                        (_, Some(_)) => {}
                        (_, None) => out.push_str(&format!("{margin}end {head}\n")),
                    }
                    inner.iter().for_each(|one| one.write(indent + 1, assign, out));
                }
                out.push_str(&format!("{margin}end\n"));
            }
        }
    }
}
