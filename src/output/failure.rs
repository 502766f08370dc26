//! From an error to what is told of it: exit code and hint, by the catalogue.

use std::fmt;

use super::catalogue::entry;
use crate::exit::Exit;
use crate::model::PostError;
use crate::problem::{Coded, ErrorCode, Problem, Value};

/// What to do about an error that the catalogue has no hint for, where something must be said.
const NO_HINT: &str = "put the disk in order";

/// What the user is told of an error besides its message.
pub(crate) trait Explain: Coded {
    /// The exit code that this error alone leads to.
    fn exit(&self) -> Exit {
        self.kind().into()
    }

    /// What to do next, in one or a few sentences.
    fn hint(&self) -> Option<String> {
        hint_of(&self.problem())
    }
}

impl<E: Coded + ?Sized> Explain for E {}

/// What to do about an error: the catalogue's hint with the values of this one.
fn hint_of(problem: &Problem) -> Option<String> {
    let mut rest = entry(problem.code).hint?;
    let mut hint = String::with_capacity(rest.len());
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        hint.push_str(before);
        match problem.value(name) {
            Some(Value::Text(text)) => hint.push_str(text),
            Some(Value::Cause(cause)) => {
                hint.push_str(hint_of(cause).as_deref().unwrap_or(NO_HINT));
            }
            None => debug_assert!(false, "{:?} brings no `{name}`", problem.code),
        }
        rest = after;
    }
    hint.push_str(rest);
    Some(hint)
}

/// What to do about errors of a code, where that does not depend on more than the code.
pub(crate) fn hint_of_code(code: ErrorCode) -> Option<&'static str> {
    entry(code).hint.filter(|hint| !hint.contains('{'))
}

/// What to do about the error of a post.
pub(crate) fn post_hint(error: &PostError) -> Option<String> {
    let first = hint_of(&error.problem);
    if !error.may_be_live {
        return first;
    }
    let again = "run the same command again: the post may be live, and it is not sent twice";
    Some(match first.filter(|hint| !again.starts_with(hint.trim_end_matches(" to go on"))) {
        Some(first) => format!("{first}; then {again}"),
        None => again.to_owned(),
    })
}

/// An error on its way to the end of the run: the typed error below, and what is told of it.
pub(crate) struct Failure {
    /// The error with its chain of causes.
    pub(crate) error: anyhow::Error,
    /// How the run ends.
    pub(crate) exit: Exit,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// Which cause it is, if every command comes upon that.
    pub(crate) everywhere: Option<Everywhere>,
    /// What `explain` knows it by; not of a slip on the command line.
    pub(crate) code: Option<ErrorCode>,
}

/// What ends a run of whichever command comes upon it: one word for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Everywhere {
    /// No account is logged in.
    NoLogin,
    /// No app is configured.
    NoApp,
    /// The settings cannot be used.
    Settings,
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        let (exit, hint, code) = (error.exit(), error.hint(), Some(error.problem().code));
        Self { error: error.into(), exit, hint, everywhere: None, code }
    }
}

impl Failure {
    /// An unexpected error: exit 1, no hint.
    pub(crate) fn unexpected(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), exit: Exit::Failed, hint: None, everywhere: None, code: None }
    }

    /// A usage error found after parsing: exit 2.
    pub(crate) fn usage(message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        let error = anyhow::Error::msg(message);
        Self { error, exit: Exit::Usage, hint: None, everywhere: None, code: None }
    }

    /// Adds or replaces the hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says that every command comes upon it.
    #[must_use]
    pub(crate) fn met_everywhere(mut self, cause: Everywhere) -> Self {
        self.everywhere = Some(cause);
        self
    }

    /// Says what was being done when the error came.
    #[must_use]
    pub(crate) fn context(mut self, doing: impl fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(doing);
        self
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (exit {})", self.error, self.exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ErrorCode;

    #[test]
    fn a_hint_has_the_values_of_the_error_and_what_helps_against_its_cause() {
        let full = Problem::new(ErrorCode::DiskFull).with("path", "/a/{b}");
        let lost = Problem::new(ErrorCode::RefreshLost).caused_by(full);
        assert_eq!(
            hint_of(&lost).unwrap(),
            "free space on the disk of `/a/{b}` and run again; this login is probably lost: run \
             `tiktok-up login` again"
        );
        let lost = Problem::new(ErrorCode::RefreshLost).caused_by(ErrorCode::FileFailed.into());
        assert!(hint_of(&lost).unwrap().starts_with("put the disk in order; this login"));
        assert_eq!(hint_of(&ErrorCode::FileFailed.into()), None);
    }

    #[test]
    fn a_post_that_may_be_live_says_so_behind_what_helps() {
        let error = |problem: ErrorCode| PostError {
            may_be_live: true,
            ..PostError::new(problem, "message", problem)
        };
        let live = "run the same command again: the post may be live, and it is not sent twice";
        assert_eq!(post_hint(&error(ErrorCode::PostFailed)).unwrap(), live);
        let first = "run `tiktok-up login`";
        assert_eq!(
            post_hint(&error(ErrorCode::NoAccount)).unwrap(),
            format!("{first}; then {live}")
        );
        // That is said once.
        assert_eq!(post_hint(&error(ErrorCode::RunInterrupted)).unwrap(), live);
    }
}
