//! What is wrong in `config.toml`, and where.

use std::fmt;
use std::ops::Range;

/// One mistake and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Column in characters, counted from 1.
    pub(crate) column: usize,
    /// What is wrong: a lowercase fragment that never quotes a value, as that may be a secret.
    pub(crate) message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// All mistakes of a file, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn push(&mut self, text: &str, at: Range<usize>, message: impl Into<String>) {
        // A span may end beyond the text, and an error at its end may begin there.
        let before = text.get(..at.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let mistake = Mistake { line, column, message: message.into() };
        let place = self.0.partition_point(|known| (known.line, known.column) <= (line, column));
        self.0.insert(place, mistake);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            write!(f, "{}{mistake}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_mistakes_are_in_order() {
        let text = "a = 1\n# ümlaut, x = 2\n";
        let mut mistakes = Mistakes::default();
        let x = text.find('x').unwrap();
        mistakes.push(text, x..x + 1, "second");
        mistakes.push(text, 0..1, "first");
        let places: Vec<_> = mistakes.iter().map(|m| (m.line, m.column)).collect();
        assert_eq!(places, [(1, 1), (2, 11)]);
    }

    #[test]
    fn a_mistake_at_the_end_has_a_place() {
        let mut mistakes = Mistakes::default();
        mistakes.push("a =", 99..100, "nothing here");
        assert_eq!(mistakes.to_string(), "line 1, column 4: nothing here");
    }
}
