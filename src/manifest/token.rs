//! A text in pieces: brackets, marks, texts, numbers and words, and whatever is none of JSON's.

use super::fault::Fault;
use super::foreign::{COMMENT, ascii, in_ascii, instead_of_escape};
use super::foreign::{is_conflict, is_number, is_quote};
use crate::text;

/// What opens and closes: `[ … ]` or `{ … }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    List,
    Object,
}

impl Bracket {
    pub(super) fn opener(self) -> &'static str {
        match self {
            Self::List => "[",
            Self::Object => "{",
        }
    }

    pub(super) fn closer(self) -> &'static str {
        match self {
            Self::List => "]",
            Self::Object => "}",
        }
    }

    /// What stands between them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Object => "object",
        }
    }
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open(Bracket),
    Close(Bracket),
    Colon,
    Comma,
    /// A text in double quotes.
    Text,
    /// A number, `true`, `false` or `null`.
    Value,
    /// Letters without quotes.
    Word,
    /// Anything else that JSON lacks.
    Foreign,
}

/// A piece of the text, as byte offsets.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// What is wrong with it, wherever it stands.
    pub(super) fault: Option<Fault>,
}

impl Token {
    /// What a mark of another script or width stands for.
    pub(super) fn meant(&self, text: &str) -> Option<Kind> {
        let sign = text.get(self.start..self.end)?.chars().next()?;
        match ascii(sign).filter(|_| self.kind == Kind::Foreign)? {
            ',' | ';' => Some(Kind::Comma),
            ':' | '=' => Some(Kind::Colon),
            '[' | '(' => Some(Kind::Open(Bracket::List)),
            '{' => Some(Kind::Open(Bracket::Object)),
            ']' | ')' => Some(Kind::Close(Bracket::List)),
            '}' => Some(Kind::Close(Bracket::Object)),
            _ => None,
        }
    }
}

/// The pieces of a text, one after another, from a place on.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips white space and comments; a comment that does not end is a piece.
    fn skip(&mut self) -> Option<Token> {
        loop {
            let rest = self.rest();
            let rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at = self.text.len() - rest.len();
            if rest.starts_with("//") {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(length) = rest.get(2..).and_then(|rest| rest.find("*/")) else {
                    let message = "the comment that begins here is never closed";
                    return Some(self.foreign(rest.len(), Some(Fault::new(self.at, message))));
                };
                self.at += length + 4;
            } else {
                return None;
            }
        }
    }

    fn token(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        Token { kind, start, end: self.at, fault: None }
    }

    fn foreign(&mut self, length: usize, fault: Option<Fault>) -> Token {
        Token { fault, ..self.token(Kind::Foreign, length) }
    }

    /// A run of letters, or of what a number is written with.
    fn run(&mut self, within: impl Fn(char) -> bool, kind: impl Fn(&str) -> Kind) -> Token {
        let rest = self.rest();
        let length = rest.find(|c| !within(c)).unwrap_or(rest.len());
        self.token(kind(rest.get(..length).unwrap_or_default()), length)
    }

    fn text(&mut self) -> Token {
        let (length, fault) = text_of(self.rest(), self.at);
        Token { fault, ..self.token(Kind::Text, length) }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(comment) = self.skip() {
            return Some(comment);
        }
        let first = self.rest().chars().next()?;
        Some(match first {
            '<' | '=' | '>' | '|' if is_conflict_at(self.text, self.at) => {
                let fault = Fault::new(self.at, "an unresolved merge conflict of git").hint(
                    "keep one of the two versions, or what you want of both, and take away the lines with \
                     <<<<<<<, ======= and >>>>>>>",
                );
                self.foreign(7, Some(fault))
            }
            '"' => self.text(),
            '[' => self.token(Kind::Open(Bracket::List), 1),
            '{' => self.token(Kind::Open(Bracket::Object), 1),
            ']' => self.token(Kind::Close(Bracket::List), 1),
            '}' => self.token(Kind::Close(Bracket::Object), 1),
            ':' => self.token(Kind::Colon, 1),
            ',' => self.token(Kind::Comma, 1),
            '0'..='9' | '+' | '-' | '.' => {
                self.run(
                    is_of_number,
                    |number| {
                        if is_number(number) { Kind::Value } else { Kind::Foreign }
                    },
                )
            }
            c if c.is_alphabetic() || matches!(c, '_' | '$') => {
                self.run(is_of_word, |word| match word {
                    "true" | "false" | "null" => Kind::Value,
                    _ => Kind::Word,
                })
            }
            c => {
                let fault = stranger(self.at, c);
                self.foreign(c.len_utf8(), fault)
            }
        })
    }
}

/// What a number of any language is written with.
pub(super) fn is_of_number(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '-')
}

/// Whether such a line begins at a place that is neither in a text nor in a comment.
fn is_conflict_at(text: &str, at: usize) -> bool {
    let begins = text.get(..at).is_some_and(|it| it.is_empty() || it.ends_with(['\n', '\r']));
    begins && text.get(at..).is_some_and(is_conflict)
}

/// What is wrong with a character that stands outside of a text, if it is so wherever it stands.
fn stranger(at: usize, c: char) -> Option<Fault> {
    if is_quote(c) {
        let fault = Fault::new(at, format!("unexpected character `{c}`"));
        return Some(fault.hint("write straight quotes: \""));
    }
    if let Some(name) = text::named(c) {
        let code = u32::from(c);
        let fault = Fault::new(at, format!("unexpected character U+{code:04X} outside of a text"));
        return Some(fault.hint(format!("it is {name}: take it away")));
    }
    let hint = if c == '#' { COMMENT.to_owned() } else { in_ascii(c)? };
    Some(Fault::new(at, format!("unexpected `{c}`")).hint(hint))
}

/// How long a text is that begins at `start`, with its quotes, and what is wrong with it.
fn text_of(rest: &str, start: usize) -> (usize, Option<Fault>) {
    let mut fault = None;
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        let wrong = match character {
            '"' => return (at + 1, fault),
            '\\' => {
                let escape = rest.get(at + 1..).unwrap_or_default();
                let wrong = escape_fault(start + at, escape, rest);
                if !matches!(escape.chars().next(), Some('\n' | '\r') | None) {
                    characters.next();
                }
                if wrong.is_none() && is_pair(escape) {
                    // Both halves at once.
                    characters.nth(9);
                }
                wrong
            }
            '\n' | '\r' => {
                let line = rest.get(..at).unwrap_or_default();
                let end = Fault::new(start, "the text that begins here does not end on its line");
                let hint = match line
                    .chars()
                    .rev()
                    .find(|c| matches!(c, '”' | '“' | '’' | '»' | '＂' | '＇'))
                {
                    Some(quote) => format!("it ends in {quote}: write a straight quote \""),
                    None => "close it with \"; write a line break within it as \\n".to_owned(),
                };
                return (at, fault.or(Some(end.hint(hint))));
            }
            c if c < ' ' => {
                let code = u32::from(c);
                let message = format!("raw control character U+{code:04X} in a text");
                Some(Fault::new(start + at, message).hint(format!("write it as \\u{code:04x}")))
            }
            _ => None,
        };
        fault = fault.or(wrong);
    }
    let end = Fault::new(start, "the text that begins here is never closed");
    (rest.len(), fault.or(Some(end)))
}

/// What is wrong with an escape, without its backslash, which stands at `at` in the text that `rest` begins
/// with.
fn escape_fault(at: usize, escape: &str, rest: &str) -> Option<Fault> {
    let invalid = || {
        let whole = rest.get(1..).unwrap_or_default();
        let whole = whole.split(['"', '\n', '\r']).next().unwrap_or_default();
        let instead = instead_of_escape(escape, whole);
        Fault::new(at, "the text has an invalid escape").hint(instead.unwrap_or_else(|| {
            "a backslash is written as \\\\; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000".to_owned()
        }))
    };
    match escape.chars().next() {
        // The end of the line, or of the file, is told by whoever comes to it.
        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | '\n' | '\r') | None => None,
        Some('u') => match unit(escape) {
            Some(0xd800..=0xdfff) if !is_pair(escape) => {
                let half = escape.get(..5).unwrap_or_default();
                let fault = Fault::new(at, format!("\\{half} is one half of a character"));
                Some(fault.hint(
                    "characters beyond U+FFFF are written as two halves, such as \\ud83d\\ude00, or simply \
                     as they are",
                ))
            }
            Some(_) => None,
            None => Some(invalid()),
        },
        Some(_) => Some(invalid()),
    }
}

/// The sixteen bits of an escape without its backslash.
fn unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether an escape and the one behind it are a character beyond U+FFFF.
fn is_pair(escape: &str) -> bool {
    let second = escape.get(5..).and_then(|rest| unit(rest.strip_prefix('\\')?));
    matches!((unit(escape), second), (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)))
}
