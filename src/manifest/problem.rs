//! What is wrong with a manifest: every problem with its place, all of them at once.

use std::fmt;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// Part of the file.
    pub part: Part,
    /// Field as the file spells it.
    pub field: Option<String>,
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to do about it, where that is not plain.
    pub hint: Option<String>,
}

/// The part of a manifest that a problem is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The file as a whole, or its outermost level.
    File,
    /// The `defaults` object.
    Defaults,
    /// A post, counted from 0; shown to people counted from 1.
    Post(usize),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        match self.part {
            Part::File => {}
            Part::Defaults => f.write_str(", defaults")?,
            Part::Post(index) => write!(f, ", post {}", index + 1)?,
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// How many problems are kept; the rest is only counted, so that a file of a million mistakes
/// costs neither the memory nor the scrollback.
const KEPT: usize = 1000;

/// Everything that is wrong with one manifest, in the file's order; never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    kept: Vec<Problem>,
    beyond: usize,
}

impl Problems {
    /// The one problem that leaves nothing to look at for others.
    pub(super) fn one(problem: Problem) -> Self {
        Self { kept: vec![problem], beyond: 0 }
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if self.kept.len() < KEPT {
            self.kept.push(problem);
        } else {
            self.beyond += 1;
        }
    }

    /// The same in the order of their places.
    pub(super) fn sorted(mut self) -> Self {
        self.kept.sort_by_key(|problem| (problem.line, problem.column));
        self
    }

    /// The same with more of them, in the order of their places.
    #[must_use]
    pub fn and(mut self, more: impl IntoIterator<Item = Problem>) -> Self {
        more.into_iter().for_each(|problem| self.push(problem));
        self.sorted()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kept.len() + self.beyond
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The first thousand, in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.kept.iter()
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self::default().and(problems)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.kept.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.beyond > 0 {
            write!(f, "\n… and {} more", self.beyond)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
