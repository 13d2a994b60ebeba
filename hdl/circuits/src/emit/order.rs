//! Which signals a block assigns and reads, and where.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{words, Statement};

/// Where signals are assigned and read.
pub(super) struct Order {
    /// Where each is assigned first.
    pub(super) first: BTreeMap<String, usize>,
    /// And last.
    pub(super) last: BTreeMap<String, usize>,
    /// What is read.
    pub(super) read: BTreeSet<String>,
    /// Assigned where something it reads is assigned again later.
    pub(super) early: BTreeSet<String>,
    /// Of those, with what.
    pub(super) with: BTreeMap<String, BTreeSet<String>>,
}

impl Order {
    /// Of these statements.
    pub(super) fn of(statements: &[Statement]) -> Order {
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
