//! What the reader has found so far: where in the file it is, and what was wrong.

use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;

use super::place::Places;
use crate::model::Field;
use crate::model::{Diagnostic, Diagnostics, Part};
use crate::text;

/// Collects problems while the file is read.
#[derive(Debug)]
pub(super) struct Review<'t> {
    places: Places<'t>,
    problems: Diagnostics,
    /// Where in the text what is read begins: the bytes that are told count from there.
    pub(super) base: usize,
    /// Fields that something was said about, by the place it was said of.
    said: HashSet<(usize, Field)>,
    /// The part being read.
    pub(super) part: Part,
    /// The field being read.
    pub(super) field: Option<Field>,
}

impl<'t> Review<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let places = Places::new(text);
        Self {
            places,
            base: 0,
            problems: Diagnostics::default(),
            said: HashSet::new(),
            part: Part::File,
            field: None,
        }
    }

    /// Line and column of a byte offset.
    pub(super) fn locate(&self, at: usize) -> (usize, usize) {
        self.places.locate(self.base + at)
    }

    /// Notes a problem of the part and field being read.
    pub(super) fn refuse(&mut self, at: usize, message: impl Into<String>) {
        self.advise(at, message, None);
    }

    /// Notes a problem of the part and field being read, and what to do about it. One at a time: what
    /// else is wrong with the same value may well go with the first.
    pub(super) fn advise(
        &mut self,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        if self.field.is_some_and(|field| !self.said.insert((self.base + at, field))) {
            return;
        }
        let field = self.field.map(|field| field.name().to_owned());
        self.note(at, field, message.into(), hint.into());
    }

    /// Notes a problem of a key, which need not be a field.
    pub(super) fn refuse_key(&mut self, at: usize, key: &str, message: &str, hint: Option<String>) {
        self.note(at, Some(excerpt(key)), message.to_owned(), hint);
    }

    fn note(&mut self, at: usize, field: Option<String>, message: String, hint: Option<String>) {
        let (line, column) = self.locate(at);
        self.problems.push(Diagnostic { line, column, part: self.part, field, message, hint });
    }

    /// All that was noted, in the file's order.
    pub(super) fn finish(self) -> Diagnostics {
        self.problems.sorted()
    }
}

/// The longest text of the file that is shown whole, in characters.
const LONGEST: usize = 60;

/// A text of the file for somebody to paste, as JSON writes it; `None`: it is too long to be shown.
pub(super) fn pasted(text: &str) -> Option<String> {
    text.chars().nth(LONGEST).is_none().then(|| text::json(text, |_| false))
}

/// A text of the file as a message shows it: short, on one line, unable to steer a terminal.
pub(super) fn excerpt(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST).map(|(at, _)| at);
    let mut shown = String::new();
    for (at, c) in text[..cut.unwrap_or(text.len())].char_indices() {
        match c {
            // As it is in JSON.
            '\'' => shown.push(c),
            // A mark is escaped only where it has no letter before it.
            c if at > 0 && is_combining_mark(c) => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
    }
    if cut.is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_quotes_cannot_steer_a_terminal() {
        assert_eq!(excerpt("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!(excerpt("it's e\u{301}"), "it's e\u{301}");
    }

    #[test]
    fn what_a_message_quotes_is_short() {
        assert_eq!(excerpt(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
        assert_eq!(excerpt(&"ä".repeat(60)), "ä".repeat(60));
    }
}
