//! SPDX licence expressions, as far as crates use them: `OR`, `AND`, parentheses, `WITH`, and the old `/` for `OR`.

/// Whether someone who accepts the licences for which `allowed` is true may use a crate under `expression`.
pub(super) fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    parser.any() == Some(true) && parser.words.is_empty()
}

/// Each step gives nothing where the expression is broken.
struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.first() == Some(&word);
        if is {
            self.words = &self.words[1..];
        }
        is
    }

    fn any(&mut self) -> Option<bool> {
        let mut fine = self.all()?;
        while self.next_is("OR") {
            fine |= self.all()?;
        }
        Some(fine)
    }

    fn all(&mut self) -> Option<bool> {
        let mut fine = self.one()?;
        while self.next_is("AND") {
            fine &= self.one()?;
        }
        Some(fine)
    }

    fn one(&mut self) -> Option<bool> {
        if self.next_is("(") {
            let fine = self.any()?;
            return self.next_is(")").then_some(fine);
        }
        let licence = self.word()?;
        if self.next_is("WITH") {
            let exception = self.word()?;
            return Some((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Some((self.allowed)(licence))
    }

    fn word(&mut self) -> Option<&'a str> {
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(expression: &str) -> bool {
        satisfied(expression, &|licence| matches!(licence, "MIT" | "Unicode-3.0" | "Apache-2.0 WITH LLVM-exception"))
    }

    #[test]
    fn one_allowed_alternative_is_enough_and_every_conjunct_is_needed() {
        assert!(ours("MIT") && ours("GPL-3.0 OR MIT") && ours("Apache-2.0/MIT"));
        assert!(ours("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(ours("Apache-2.0 WITH LLVM-exception"));
        assert!(!ours("MIT AND GPL-3.0") && !ours("Apache-2.0"));
    }

    #[test]
    fn a_broken_expression_is_not_satisfied() {
        assert!(!ours("") && !ours("(MIT") && !ours("MIT MIT") && !ours("MIT OR"));
    }
}
