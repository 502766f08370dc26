//! What may follow what: the grammar of JSON with trailing commas, walked piece by piece.

use super::fault::Fault;
use super::token::{Bracket, Kind, Token};

/// The deepest nesting of arrays and objects; a manifest needs four levels.
pub(super) const MAX_DEPTH: usize = 32;

/// The most values: beyond, the tree of a file of the largest size would take gigabytes.
pub(super) const MAX_VALUES: usize = 2_000_000;

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// The one value of the file.
    Document,
    /// A value of a list, or the list's end.
    Element,
    /// The name of a field, or the object's end.
    Key,
    /// The colon behind a name.
    Colon,
    /// The value behind a colon.
    Field,
    /// A comma, or the end of what is open.
    Comma,
    /// The end of the file.
    Nothing,
}

/// How far a text was read.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) expects: Expects,
    /// What is open, outermost first, each with its byte offset.
    pub(super) open: Vec<(Bracket, usize)>,
    /// Where what was closed last begins.
    pub(super) closed: usize,
    /// How many pieces came.
    pub(super) count: usize,
    values: usize,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self { expects: Expects::Document, open: Vec::new(), closed: 0, count: 0, values: 0 }
    }

    /// Takes the next piece; `false` where it may not stand here, and then nothing has changed.
    pub(super) fn step(&mut self, token: &Token) -> bool {
        use Expects::{Colon, Comma, Document, Element, Field, Key, Nothing};
        let top = self.open.last().map(|(bracket, _)| *bracket);
        self.expects = match (token.kind, self.expects) {
            (Kind::Open(bracket), Document | Element | Field) => {
                self.open.push((bracket, token.start));
                if bracket == Bracket::List { Element } else { Key }
            }
            (Kind::Text | Kind::Value, Document | Element | Field) => self.behind_value(),
            (Kind::Text, Key) => Colon,
            (Kind::Colon, Colon) => Field,
            (Kind::Comma, Comma) => match top {
                Some(Bracket::Object) => Key,
                _ => Element,
            },
            (Kind::Close(bracket), Element | Key | Comma) if top == Some(bracket) => {
                self.closed = self.open.pop().map_or(0, |(_, opened)| opened);
                self.behind_value()
            }
            (_, Document | Element | Key | Colon | Field | Comma | Nothing) => return false,
        };
        self.count += 1;
        self.values += usize::from(matches!(token.kind, Kind::Open(_) | Kind::Comma));
        true
    }

    fn behind_value(&self) -> Expects {
        if self.open.is_empty() { Expects::Nothing } else { Expects::Comma }
    }

    /// What of a text is too much, whatever follows.
    pub(super) fn excess(&self, token: &Token) -> Option<Fault> {
        if self.open.len() > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Some(Fault::new(token.start, message));
        }
        (self.values > MAX_VALUES).then(|| {
            Fault::new(token.start, format!("more than {MAX_VALUES} values"))
                .hint("split it into several manifests")
        })
    }
}
