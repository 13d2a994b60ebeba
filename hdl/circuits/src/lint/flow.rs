//! One walk through the code of a circuit: each expression by its rules, each signal by the paths that assign it.

use std::collections::BTreeSet;

use rust_hdl::core::ast::{
    VerilogBlock, VerilogBlockOrConditional, VerilogConditional, VerilogExpression, VerilogLink, VerilogOp,
    VerilogOpUnary, VerilogStatement,
};

use super::expression::{computes, is_plain, overflows, show};
use super::names::{resolve, KEYWORDS};
use super::{Finding, Module, Pattern};

/// Loops are walked once a turn, as the emitter unrolls them.
pub(super) struct Flow<'a> {
    module: &'a Module,
    loops: Vec<(String, i64)>,
    /// Assigned on every path so far.
    sure: BTreeSet<String>,
    /// Assigned anywhere.
    all: BTreeSet<String>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(module: &'a Module) -> Self {
        let mut all = BTreeSet::new();
        targets(&module.code, &mut Vec::new(), &mut all);
        Flow { module, loops: Vec::new(), sure: BTreeSet::new(), all, findings: Vec::new() }
    }

    pub(super) fn run(&mut self) {
        for name in self.module.names.own() {
            if KEYWORDS.contains(&name) {
                self.bad(Pattern::Keyword, format!("signal `{name}` is a keyword of Verilog: rename it"));
            }
        }
        self.block(&self.module.code);
        for name in self.all.difference(&self.sure.clone()) {
            let text = format!("`{name}` is assigned on some paths alone, a latch: assign a default first");
            self.findings.push(Finding { module: self.module.path.clone(), pattern: Pattern::Latch, text });
        }
    }

    fn bad(&mut self, pattern: Pattern, text: String) {
        self.findings.push(Finding { module: self.module.path.clone(), pattern, text });
    }

    fn block(&mut self, block: &VerilogBlock) {
        for statement in block {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &VerilogStatement) {
        match statement {
            VerilogStatement::Assignment(target, value) => {
                self.expression(value);
                self.assign(target);
            }
            VerilogStatement::SliceAssignment { base, offset, replacement, .. } => {
                self.expression(offset);
                self.expression(replacement);
                self.expression(base);
            }
            VerilogStatement::If(condition) => self.conditional(condition),
            VerilogStatement::Match(matching) => {
                self.expression(&matching.test);
                if overflows(&matching.test) {
                    self.selected(&matching.test, "match");
                }
                let before = self.sure.clone();
                let mut after: Option<BTreeSet<String>> = None;
                let mut complete = false;
                for case in &matching.cases {
                    complete |= case.condition == "default";
                    self.sure.clone_from(&before);
                    self.block(&case.block);
                    after = Some(meet(after, &self.sure));
                }
                self.sure = if complete { after.unwrap_or(before) } else { before };
            }
            VerilogStatement::Loop(turns) => {
                for turn in turns.from.as_usize()..turns.to.as_usize() {
                    self.loops.push((turns.index.clone(), turn as i64));
                    self.block(&turns.block);
                    self.loops.pop();
                }
            }
            VerilogStatement::Macro(block) => self.block(block),
            VerilogStatement::Link(links) => self.sure.extend(links.iter().flat_map(link_targets)),
            VerilogStatement::Comment(_) => {}
        }
    }

    fn conditional(&mut self, condition: &VerilogConditional) {
        self.expression(&condition.test);
        let before = self.sure.clone();
        self.block(&condition.then);
        let then = std::mem::replace(&mut self.sure, before);
        match &condition.otherwise {
            VerilogBlockOrConditional::Block(block) => self.block(block),
            VerilogBlockOrConditional::Conditional(statement) => self.statement(statement),
            VerilogBlockOrConditional::None => {}
        }
        self.sure = meet(Some(then), &self.sure);
    }

    fn assign(&mut self, target: &VerilogExpression) {
        if let VerilogExpression::Signal(name) = target {
            match resolve(name, &self.loops) {
                Some(name) => {
                    self.sure.insert(name);
                }
                None => self.bad(Pattern::DoubleIndex, format!("the index in `{name}` cannot be computed")),
            }
        }
    }

    fn selected(&mut self, expression: &VerilogExpression, place: &str) {
        let text = format!("`{}` computed in {place}: assign it to a Local first", show(expression));
        self.bad(Pattern::SelectedByArithmetic, text);
    }

    /// An index, offset or shift amount: numbers, loop variables and constants may be computed with, signals not.
    fn selector(&mut self, expression: &VerilogExpression, place: &str) {
        self.expression_inside(expression, true);
        if overflows(expression) && self.reads_signal(expression) {
            self.selected(expression, place);
        }
    }

    fn reads_signal(&self, expression: &VerilogExpression) -> bool {
        use VerilogExpression::*;
        match expression {
            Signal(name) => !self.loops.iter().any(|(index, _)| index == name.trim_start_matches('.')),
            Literal(_) => false,
            Cast(inner, _) | Signed(inner) | Unsigned(inner) | Paren(inner) | Unary(_, inner) => {
                self.reads_signal(inner)
            }
            Binary(left, _, right) => self.reads_signal(left) || self.reads_signal(right),
            Index(..) | Slice(..) | IndexReplace(..) => true,
        }
    }

    fn expression(&mut self, expression: &VerilogExpression) {
        self.expression_inside(expression, false);
    }

    fn expression_inside(&mut self, expression: &VerilogExpression, index: bool) {
        use VerilogExpression::*;
        match expression {
            Signal(name) => self.name(name),
            Literal(_) => {}
            Cast(inner, bits) => {
                if overflows(inner) {
                    let text = format!("bit_cast::<{bits}> of `{}`: assign it to a Local first", show(inner));
                    self.bad(Pattern::CastArithmetic, text);
                }
                self.expression(inner);
            }
            Signed(inner) | Unsigned(inner) => {
                self.bad(Pattern::Signed, format!("signed `{}`: work with Bits", show(inner)));
                self.expression(inner);
            }
            Paren(inner) => self.expression_inside(inner, index),
            Binary(left, op, right) => self.binary(left, op, right, index),
            Unary(op, inner) => {
                if matches!(**inner, Binary(..)) {
                    let text = format!("`{}`: put the operand in parentheses", show(expression));
                    self.bad(Pattern::Unparenthesised, text);
                }
                if !matches!(op, VerilogOpUnary::Not | VerilogOpUnary::Neg) && !is_plain(inner) {
                    let text = format!("`{}`: assign the operand to a Local first", show(expression));
                    self.bad(Pattern::ReducedExpression, text);
                }
                self.expression(inner);
            }
            Index(inner, at) => {
                match &**inner {
                    Signal(name) => {
                        if self.bits(name) == Some(1) {
                            let text = format!("`{}` on a signal of one bit: use Bit", show(expression));
                            self.bad(Pattern::IndexedScalar, text);
                        }
                    }
                    _ => {
                        let text = format!("`{}`: assign what is indexed to a Local first", show(expression));
                        self.bad(Pattern::IndexedScalar, text);
                    }
                }
                self.expression(inner);
                self.selector(at, "an index");
            }
            Slice(inner, _, offset) => {
                if !matches!(**inner, Signal(_)) {
                    let text = format!("`{}`: assign what is sliced to a Local first", show(expression));
                    self.bad(Pattern::SlicedExpression, text);
                }
                self.expression(inner);
                self.selector(offset, "an offset");
            }
            IndexReplace(inner, at, value) => {
                if !matches!(**inner, Signal(_)) {
                    let text = format!("`{}`: assign what is changed to a Local first", show(expression));
                    self.bad(Pattern::SlicedExpression, text);
                }
                if computes(value) {
                    let text = format!("`{}`: assign the new bit to a Local first", show(expression));
                    self.bad(Pattern::ReplacedByArithmetic, text);
                }
                self.expression(inner);
                self.selector(at, "an index");
                self.expression(value);
            }
        }
    }

    fn binary(&mut self, left: &VerilogExpression, op: &VerilogOp, right: &VerilogExpression, index: bool) {
        use VerilogExpression::Binary;
        let shown = || format!("{} .. {}", show(left), show(right));
        // `a | b | c` is the same from left to right in both languages.
        let chain = matches!(op, VerilogOp::BitAnd | VerilogOp::BitOr | VerilogOp::BitXor | VerilogOp::Add);
        let left_binds = matches!(left, Binary(_, inner, _) if !(chain && std::mem::discriminant(inner) == std::mem::discriminant(op)));
        if !index && (left_binds || matches!(right, Binary(..))) {
            self.bad(Pattern::Unparenthesised, format!("`{}`: put each operator in parentheses", shown()));
        }
        match op {
            VerilogOp::Eq | VerilogOp::Ne | VerilogOp::Lt | VerilogOp::Le | VerilogOp::Gt | VerilogOp::Ge
                if overflows(left) || overflows(right) =>
            {
                let text = format!("`{}` compared: assign what is computed to a Local first", shown());
                self.bad(Pattern::ComparedArithmetic, text);
            }
            VerilogOp::Shr if overflows(left) => {
                let text = format!("`{}` shifted right: assign it to a Local first", show(left));
                self.bad(Pattern::ShiftedArithmetic, text);
            }
            _ => {}
        }
        self.expression_inside(left, index);
        match op {
            VerilogOp::Shl | VerilogOp::Shr => self.selector(right, "a shift amount"),
            _ => self.expression_inside(right, index),
        }
    }

    fn bits(&self, name: &str) -> Option<usize> {
        resolve(name, &self.loops).and_then(|name| self.module.names.bits(&name))
    }

    fn name(&mut self, name: &str) {
        if name.matches('[').count() > 1 {
            return self.bad(Pattern::DoubleIndex, format!("two indices in `{name}`: flatten the array"));
        }
        if self.loops.iter().any(|(index, _)| index == name) {
            return;
        }
        match resolve(name, &self.loops) {
            Some(resolved) if self.module.names.bits(&resolved).is_some() => {
                if self.all.contains(&resolved) && self.module.names.is_part_input(&resolved) {
                    let shown = show(&VerilogExpression::Signal(name.to_string())).replace('$', ".");
                    let text = format!("`{shown}`, the input of a part, is read back: assign a Local, and that to it");
                    self.bad(Pattern::InputReadBack, text);
                } else if self.all.contains(&resolved) && !self.sure.contains(&resolved) {
                    let text = format!("`{resolved}` is read before it is assigned on every path: assign it first");
                    self.bad(Pattern::ReadBeforeAssigned, text);
                }
            }
            Some(resolved) if self.module.names.is_label(&resolved) => {}
            _ => {
                let text = format!("`{name}` is known to Rust alone: use a literal or a Constant");
                self.bad(Pattern::UnknownName, text);
            }
        }
    }
}

fn meet(so_far: Option<BTreeSet<String>>, other: &BTreeSet<String>) -> BTreeSet<String> {
    match so_far {
        None => other.clone(),
        Some(set) => set.intersection(other).cloned().collect(),
    }
}

fn link_targets(link: &VerilogLink) -> Vec<String> {
    match link {
        VerilogLink::Forward(x) | VerilogLink::Backward(x) | VerilogLink::Bidirectional(x) => {
            vec![format!("{}${}", x.owner_name, x.my_name), format!("{}${}", x.other_name, x.my_name)]
        }
    }
}

/// Every name the code assigns anywhere.
fn targets(block: &VerilogBlock, loops: &mut Vec<(String, i64)>, all: &mut BTreeSet<String>) {
    for statement in block {
        match statement {
            VerilogStatement::Assignment(VerilogExpression::Signal(name), _)
            | VerilogStatement::SliceAssignment { base: VerilogExpression::Signal(name), .. } => {
                all.extend(resolve(name, loops));
            }
            VerilogStatement::If(condition) => conditional_targets(condition, loops, all),
            VerilogStatement::Match(matching) => {
                matching.cases.iter().for_each(|case| targets(&case.block, loops, all));
            }
            VerilogStatement::Loop(turns) => {
                for turn in turns.from.as_usize()..turns.to.as_usize() {
                    loops.push((turns.index.clone(), turn as i64));
                    targets(&turns.block, loops, all);
                    loops.pop();
                }
            }
            VerilogStatement::Macro(block) => targets(block, loops, all),
            _ => {}
        }
    }
}

fn conditional_targets(condition: &VerilogConditional, loops: &mut Vec<(String, i64)>, all: &mut BTreeSet<String>) {
    targets(&condition.then, loops, all);
    match &condition.otherwise {
        VerilogBlockOrConditional::Block(block) => targets(block, loops, all),
        VerilogBlockOrConditional::Conditional(statement) => {
            if let VerilogStatement::If(condition) = &**statement {
                conditional_targets(condition, loops, all);
            }
        }
        VerilogBlockOrConditional::None => {}
    }
}
