//! What an error is, as data: a code, the kind of trouble, and the values that belong to it.
//!
//! Errors say this of themselves and no more. What the program decides by is the kind; the exit code, what a
//! code means and what to do about it stand in the catalogue of `output`.

mod code;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

pub(crate) use code::{ErrorCode, Origin};

use crate::signals::Signal;

/// What kind of trouble an error is: what is decided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// It may pass: the same may work later, without anybody changing anything.
    Temporary,
    /// Only a new login, or another one, helps.
    Login,
    /// This machine is in the way: its disk, the token store, the journal, a limit.
    Local,
    /// What was asked for cannot be done as it was asked for, or a setting is to be corrected: the app's
    /// credentials, what TikTok has of the app, the proxy. Nothing more was sent.
    Input,
    /// It stays as it is, or was not expected.
    Final,
    /// Nobody but a person can tell what became of a post.
    Unknown,
    /// A signal ended it.
    Interrupted(Signal),
    /// Somebody wanted it so: no trouble, and over when it is taken back.
    Wanted,
}

impl ErrorKind {
    /// Whether the same command may do better, or go on, without anybody changing anything.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::Temporary | Self::Interrupted(_))
    }

    /// Whether a post that it keeps from being made only waits: by itself it goes on, or once a setting is
    /// corrected, somebody has logged in, or what was wanted is taken back. It says nothing about the post.
    pub(crate) fn puts_off(self) -> bool {
        self.may_pass() || matches!(self, Self::Input | Self::Login | Self::Wanted)
    }
}

/// An error as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Which error it is.
    pub(crate) code: ErrorCode,
    /// The kind of trouble: the code's own, unless where it happened makes it another.
    pub(crate) kind: ErrorKind,
    values: Vec<(&'static str, Value)>,
}

/// A value that belongs to an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text: a path, a name, a number.
    Text(String),
    /// The error behind this one; what to do about that one is a part of what to do about this one.
    Cause(Box<Problem>),
}

impl Problem {
    /// The error of this code.
    pub(crate) fn new(code: ErrorCode) -> Self {
        Self { code, kind: code.kind(), values: Vec::new() }
    }

    /// With a value.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.values.push((name, Value::Text(value.to_string())));
        self
    }

    /// With the error behind it.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: Self) -> Self {
        self.values.push(("cause", Value::Cause(Box::new(cause))));
        self
    }

    /// The error behind it.
    pub(crate) fn cause(&self) -> Option<&Self> {
        match self.value("cause")? {
            Value::Cause(cause) => Some(cause),
            Value::Text(_) => None,
        }
    }

    /// The same error where it is another kind of trouble.
    #[must_use]
    pub(crate) fn of_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// A value by its name.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// An error that says of itself which one it is.
pub(crate) trait Coded: Error + Send + Sync + 'static {
    /// The error as data.
    fn problem(&self) -> Problem;

    /// The kind of trouble that it is here.
    fn kind(&self) -> ErrorKind {
        self.problem().kind
    }

    /// Whether the same may work later, without anybody changing anything.
    fn is_temporary(&self) -> bool {
        self.kind() == ErrorKind::Temporary
    }
}

/// An error that several runs into, each of them told.
impl<E: Coded + ?Sized> Coded for Arc<E> {
    fn problem(&self) -> Problem {
        self.as_ref().problem()
    }
}
