//! What is wrong with a manifest: every mistake with its place, all of them at once.

use std::fmt;

/// A place in a text, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Column, counted from 1.
    pub(crate) column: usize,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Column in characters, counted from 1.
    pub(crate) column: usize,
    /// Part of the file.
    pub(crate) part: Part,
    /// Field as the file spells it.
    pub(crate) field: Option<String>,
    /// What is wrong: a lowercase fragment.
    pub(crate) message: String,
    /// What to do about it, where that is not plain.
    pub(crate) hint: Option<String>,
}

/// The part of a manifest that a diagnostic is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The file as a whole, or its outermost level.
    File,
    /// The `defaults` object.
    Defaults,
    /// No part of the file: an option of the command line.
    CommandLine,
    /// No part of the file: `[defaults]` of config.toml.
    Config,
    /// There is no file: the field is an option of the command line, or a sidecar.
    Given,
    /// A post, counted from 0; shown to people counted from 1.
    Post(usize),
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part == Part::Given {
            if let Some(option) = &self.field {
                write!(f, "`{option}`: ")?;
            }
            f.write_str(&self.message)?;
            return self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"));
        }
        match self.part {
            Part::CommandLine => f.write_str("`--account`")?,
            Part::Config => f.write_str("`user_id` under `[defaults]` of config.toml")?,
            _ => write!(f, "line {}, column {}", self.line, self.column)?,
        }
        match self.part {
            Part::File | Part::CommandLine | Part::Config | Part::Given => {}
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

/// How many are kept; the rest is only counted, so that a file of a million mistakes
/// costs neither the memory nor the scrollback.
const KEPT: usize = 1000;

/// Everything that is wrong with one manifest, in the file's order; never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Diagnostics {
    kept: Vec<Diagnostic>,
    beyond: usize,
}

impl Diagnostics {
    /// The one diagnostic that leaves nothing to look at for others.
    pub(crate) fn one(diagnostic: Diagnostic) -> Self {
        Self { kept: vec![diagnostic], beyond: 0 }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.len() < KEPT {
            self.kept.push(diagnostic);
        } else {
            self.beyond += 1;
        }
    }

    /// The same in the order of their places.
    pub(crate) fn sorted(mut self) -> Self {
        self.kept.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        self
    }

    /// The same with more of them, in the order of their places.
    #[must_use]
    pub(crate) fn and(mut self, more: impl IntoIterator<Item = Diagnostic>) -> Self {
        more.into_iter().for_each(|diagnostic| self.push(diagnostic));
        self.sorted()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len() + self.beyond
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The first thousand, in the order of their places.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.kept.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self::default().and(diagnostics)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.kept.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        if self.beyond > 0 {
            write!(f, "\n… and {} more", self.beyond)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
