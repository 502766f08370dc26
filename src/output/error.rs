//! How errors are told.

use std::error::Error;

use clap::error::ErrorKind;
use jiff::Timestamp;
use tokio::task::JoinError;

use super::failure::Failure;
use super::line::{ERROR, FAINT, HINT, Line, WARNING};
use super::span::moment;
use crate::problem::ErrorCode;

/// `error: …`, the causes that say more, a blank line and the hint: written at once, so that nothing
/// from another task comes between them.
pub(super) fn block(failure: &Failure) -> Line {
    block_since(failure, None)
}

/// The same with the time since when it is so.
pub(super) fn block_since(failure: &Failure, since: Option<Timestamp>) -> Line {
    let mut told = told(failure).into_iter();
    let message = since_words(told.next().unwrap_or_default(), since);
    let all = told.clone().fold(message.clone(), |all, cause| all + "\n" + &cause);
    let mut block = label(with_code(&message, failure.code.map(ErrorCode::as_str), &all));
    for cause in told {
        block = block.styled(FAINT, "\n  caused by").text(": ").text(indented(&cause));
    }
    with_hint(block, failure.hint.as_deref())
}

/// A message with the code that `explain` takes behind its first line, unless `all` that is told has it.
pub(super) fn with_code(message: &str, code: Option<&str>, all: &str) -> String {
    let Some(code) = code.filter(|code| !all.contains(code)) else { return message.to_owned() };
    match message.split_once('\n') {
        Some((first, rest)) => format!("{first} [{code}]\n{rest}"),
        None => format!("{message} [{code}]"),
    }
}

/// A text with the time since when it is so.
pub(super) fn since_words(text: String, since: Option<Timestamp>) -> String {
    match since {
        Some(since) => format!("{text} (so since {})", moment(since)),
        None => text,
    }
}

/// A usage error without the help that clap shows below it.
pub(super) fn usage(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("no command was given");
    }
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default().trim();
    Failure::usage(first.strip_prefix("error: ").unwrap_or(first).to_owned())
}

/// The message and its causes, without those whose words were said already.
pub(crate) fn told(failure: &Failure) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for cause in failure.error.chain().map(words) {
        let repeated = told.iter().any(|earlier| earlier.contains(cause.trim()));
        if told.is_empty() || !repeated {
            told.push(cause);
        }
    }
    told
}

/// The words of a cause, save those of a panic: its payload may hold anything.
fn words(cause: &(dyn Error + 'static)) -> String {
    match cause.downcast_ref::<JoinError>() {
        Some(panic) if panic.is_panic() => "internal error in a task".to_owned(),
        _ => cause.to_string(),
    }
}

/// A message under the label of an error.
pub(super) fn label(message: impl AsRef<str>) -> Line {
    Line::default().styled(ERROR, "error").text(": ").text(indented(message.as_ref()))
}

/// A message under the label of a warning.
pub(super) fn warning(message: impl AsRef<str>) -> Line {
    Line::default().styled(WARNING, "warning").text(": ").text(indented(message.as_ref()))
}

/// The same with the hint, after a blank line.
pub(super) fn with_hint(message: Line, hint: Option<&str>) -> Line {
    match hint {
        None => message,
        Some(hint) => message.text("\n\n").styled(HINT, "hint").text(": ").text(hint),
    }
}

/// Further lines of a message stand under its first.
fn indented(message: &str) -> String {
    message.replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::auth::AuthError;
    use crate::model::account::Reason;
    use crate::output::printer::OutputOptions;
    use crate::output::testing::{Screen, screen};
    use crate::problem::{Coded, ErrorCode, Problem};
    use tiktok_open::{Code, Error, Refusal};

    #[derive(Debug)]
    struct Outer(Inner);

    #[derive(Debug)]
    struct Inner;

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("failed to save the tokens")
        }
    }

    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no space left")
        }
    }

    impl std::error::Error for Inner {}

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    impl Coded for Outer {
        fn problem(&self) -> Problem {
            ErrorCode::DiskReadOnly.into()
        }
    }

    fn said(failure: &Failure, json: bool) -> (String, String) {
        let Screen { printer, out, err } =
            screen(OutputOptions { json, ..OutputOptions::default() });
        printer.failure(failure);
        (out.text(), err.text())
    }

    #[test]
    fn an_error_has_its_causes_and_a_hint() {
        let failure = Failure::from(Outer(Inner)).context("login failed");
        let expected = "error: login failed [disk_read_only]\n  caused by: failed to save the tokens\n  \
            caused by: no space left\n\nhint: the disk is mounted read-only; choose another `--home`\n";
        assert_eq!(said(&failure, false), (String::new(), expected.to_owned()));
    }

    #[test]
    fn a_cause_that_was_said_already_is_left_out() {
        let failure = Failure::from(Outer(Inner)).context("cannot log in: no space left");
        assert!(!said(&failure, false).1.contains("caused by: no space left"));
    }

    #[test]
    fn further_lines_stand_under_the_first() {
        let failure = Failure::usage("two problems\nline 1: a\nline 2: b");
        assert_eq!(said(&failure, false).1, "error: two problems\n  line 1: a\n  line 2: b\n");
    }

    #[test]
    fn an_error_without_hint_ends_with_its_words() {
        assert_eq!(said(&Failure::usage("bad"), false).1, "error: bad\n");
    }

    #[test]
    fn with_json_the_error_is_data_as_well() {
        let (out, err) = said(&Failure::from(Outer(Inner)), true);
        assert_eq!(
            out,
            "{\"event\":\"error\",\"error\":{\"code\":null,\"message\":\"failed to save the tokens: \
             no space left\",\"hint\":\"the disk is mounted read-only; choose another `--home`\",\"log_id\":null,\"exit\":4}}\n"
        );
        assert!(err.starts_with("error: failed to save the tokens [disk_read_only]\n"));
    }

    #[tokio::test]
    async fn t18_a_panic_of_a_task_does_not_show_what_it_held() {
        let task = tokio::spawn(async { std::panic::resume_unwind(Box::new("canary")) });
        let failure = Failure::unexpected(task.await.unwrap_err());
        let (out, err) = said(&failure, true);
        assert!(!format!("{out}{err}").contains("canary"), "{err}");
    }

    #[test]
    fn with_json_a_usage_error_is_data_without_the_help() {
        let command = clap::Command::new("x").arg_required_else_help(true);
        let error = command.clone().try_get_matches_from(["x", "--bad"]).unwrap_err();
        assert_eq!(told(&usage(&error)), ["unexpected argument '--bad' found"]);
        let nothing = command.arg(clap::arg!(<A>)).try_get_matches_from(["x"]).unwrap_err();
        assert_eq!(told(&usage(&nothing)), ["no command was given"]);
    }

    #[test]
    fn with_json_tiktoks_code_and_log_id_have_their_own_fields() {
        let mut refusal = Refusal::new("video/init", 401, Code::ScopeNotAuthorized);
        refusal.log_id = Some("2026".into());
        let failure = Failure::from(Error::Refused(refusal)).context("not posted");
        let value: serde_json::Value = serde_json::from_str(&said(&failure, true).0).unwrap();
        assert_eq!(value["error"]["code"], "scope_not_authorized");
        assert_eq!(value["error"]["log_id"], "2026");
        assert_eq!(value["error"]["exit"], 3);
    }

    #[test]
    fn with_json_so_they_have_where_an_error_holds_the_refusal_alone() {
        let mut refusal = Refusal::new("oauth/token", 400, Code::InvalidGrant);
        refusal.log_id = Some("2026".into());
        let failure = Failure::from(AuthError::NeedsLogin {
            account: "ada".into(),
            reason: Reason::Rejected,
            until: None,
            source: Some(Box::new(refusal)),
        });
        let value: serde_json::Value = serde_json::from_str(&said(&failure, true).0).unwrap();
        assert_eq!(value["error"]["code"], "invalid_grant");
        assert_eq!(value["error"]["log_id"], "2026");
    }
}
