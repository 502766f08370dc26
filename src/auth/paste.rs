//! Login by pasting: for machines without a browser, where nothing can listen for the user.
//!
//! The pasted address is held to the same as a callback: same state, same order of checks, one exchange.

use std::io::{self, BufRead, Read as _};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::callback::CallbackError;
use super::callback::classify::{Grant, Ignored, Verdict, classify_query};
use super::error::AuthError;
use super::event::{AuthEvent, Reporter};
use crate::resources::{Shortage, no_threads};
use crate::secret::Secret;
use crate::text;

/// The longest line that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// This one is too long to be anything that is pasted. The next one may be right.
    #[error("a line of more than {LONGEST} bytes")]
    Long,
    /// This one is no text. The next one may be right.
    #[error("a line that is not valid UTF-8")]
    NotText,
    /// There are no more.
    #[error("failed to read standard input")]
    Input(#[source] io::Error),
}

/// Lines that a user pastes.
#[derive(Debug)]
pub(crate) struct Lines(mpsc::Receiver<Result<Secret, LineError>>);

impl Lines {
    /// The lines of standard input. They are read by a thread of their own, so that neither the
    /// runtime nor the end of the program ever waits for a line that does not come.
    pub(crate) fn of_stdin() -> Result<Self, Shortage> {
        let (lines, receiver) = mpsc::channel(1);
        let read = move || {
            let mut input = std::io::stdin().lock();
            while let Some(line) = next_line(&mut input) {
                let (is_cut, is_last) = match &line {
                    Err(LineError::Long) => (true, false),
                    Err(LineError::Input(_)) => (false, true),
                    _ => (false, false),
                };
                // Before the rest of a line is passed over, which may never end.
                if lines.blocking_send(line).is_err() || is_last {
                    return;
                }
                if is_cut && let Err(error) = input.skip_until(b'\n') {
                    _ = lines.blocking_send(Err(LineError::Input(error)));
                    return;
                }
            }
        };
        let started = std::thread::Builder::new().name("stdin".to_owned()).spawn(read);
        started.map_err(|_| no_threads())?;
        Ok(Self(receiver))
    }

    /// The next line, with its line break; `None` if there are no more.
    pub(crate) async fn next(&mut self) -> Option<Result<Secret, LineError>> {
        self.0.recv().await
    }

    /// Lines from elsewhere.
    pub(crate) fn from_channel(lines: mpsc::Receiver<Result<Secret, LineError>>) -> Self {
        Self(lines)
    }
}

/// The next line with its line break, read into memory that never grows and is wiped. Of one that is too
/// long the rest stays in the input. `None` at the end.
fn next_line(input: &mut impl BufRead) -> Option<Result<Secret, LineError>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    match input.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line) {
        Ok(0) => return None,
        Ok(_) => {}
        Err(error) => return Some(Err(LineError::Input(error))),
    }
    if line.len() == LONGEST && !line.ends_with(b"\n") {
        return Some(Err(LineError::Long));
    }
    let text = std::str::from_utf8(&line).map_err(|_| LineError::NotText);
    Some(text.map(Secret::unlisted))
}

/// Why a line that is longer than any callback address is not looked at.
const TOO_LONG: &str = "that is too long for a callback address";

/// Reads lines until one is the callback of `state` or `limit` has passed.
pub(crate) async fn wait(
    lines: &mut Lines,
    redirect_uri: &str,
    state: &Secret,
    limit: Duration,
    reporter: &dyn Reporter,
) -> Result<Grant, AuthError> {
    let deadline = Instant::now() + limit;
    loop {
        let line = match timeout_at(deadline, lines.0.recv()).await {
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(LineError::Input(source)))) => {
                return Err(AuthError::PasteUnreadable { source });
            }
            Ok(Some(Err(LineError::Long))) => {
                reporter.report(AuthEvent::PasteIgnored { why: TOO_LONG });
                continue;
            }
            Ok(Some(Err(LineError::NotText))) => {
                reporter.report(AuthEvent::PasteIgnored { why: "that is not valid UTF-8" });
                continue;
            }
            Ok(None) => return Err(AuthError::NothingPasted),
            Err(_elapsed) => return Err(CallbackError::Timeout { after: limit }.into()),
        };
        match classify(line.expose(), state, redirect_uri) {
            Ok(Verdict::Granted(grant)) => return Ok(grant),
            Ok(Verdict::Denied(denial)) => return Err(CallbackError::Denied { denial }.into()),
            Ok(Verdict::Ignored(Ignored::ErrorWithoutState)) => {
                reporter.report(AuthEvent::ForeignError);
            }
            Ok(Verdict::Ignored(Ignored::Empty)) => {
                reporter.report(AuthEvent::PasteIgnored { why: "the address holds no code" });
            }
            Ok(_) => reporter.report(AuthEvent::PasteIgnored {
                why: "the state in that address is not this login's; it belongs to another try",
            }),
            Err(Odd::Blank) => {}
            Err(Odd::Form(why)) => reporter.report(AuthEvent::PasteIgnored { why }),
        }
    }
}

/// A text that is not even the shape of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    Blank,
    Form(&'static str),
}

/// Decides about a pasted text: the whole callback address, with or without its `http://`, or only
/// its query `code=…&state=…`.
fn classify(pasted: &str, state: &Secret, redirect_uri: &str) -> Result<Verdict, Odd> {
    // Pages, mails and chats put characters around an address that nobody sees.
    let around = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>') || text::named(c).is_some()
    };
    let text = pasted.trim_matches(around);
    if text.is_empty() {
        return Err(Odd::Blank);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Odd::Form(
            "it holds characters that no such address has, and that may not be seen: copy it again \
             from the address bar",
        ));
    }
    // A fragment is never part of what TikTok sends; browsers may show an empty one.
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let query = match text.split_once('?') {
        Some((address, query)) if is_callback(address, redirect_uri) => query,
        Some(("", query)) => query,
        Some(_) => return Err(Odd::Form("that is not the address that this login ends at")),
        None if text.starts_with("code=") || text.contains("&code=") => text,
        None if text.contains("://") => {
            return Err(Odd::Form("that address carries no answer yet: consent first"));
        }
        None => {
            return Err(Odd::Form(
                "a code alone is not enough: paste the whole address, `state` included",
            ));
        }
    };
    match classify_query(query, state) {
        Verdict::Granted(grant) if !grant.code.expose().bytes().all(|b| b.is_ascii_graphic()) => {
            Err(Odd::Form(
                "the code in that address holds characters that no code has: copy it again",
            ))
        }
        verdict => Ok(verdict),
    }
}

/// Browsers may leave out the scheme, and write the rest in their own way: a slash where no path was.
fn is_callback(address: &str, redirect_uri: &str) -> bool {
    let Some((scheme, rest)) = redirect_uri.split_once("://") else { return false };
    if address == redirect_uri || address == rest {
        return true;
    }
    let whole = if address.contains("://") {
        Url::parse(address)
    } else {
        Url::parse(&format!("{scheme}://{address}"))
    };
    whole.is_ok_and(|whole| Url::parse(redirect_uri).is_ok_and(|ours| whole == ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::Recorder;
    use crate::exit::Exit;
    use crate::output::Explain as _;

    const REDIRECT_URI: &str = "http://127.0.0.1:3456/callback/";
    const STATE: &str = "5ec2e7";
    const LONG: Duration = Duration::from_mins(1);

    async fn paste(lines: &[&str], limit: Duration) -> (Result<Grant, AuthError>, Vec<AuthEvent>) {
        let (sender, receiver) = mpsc::channel(lines.len().max(1));
        for line in lines {
            sender.try_send(Ok(Secret::new(*line))).unwrap();
        }
        let open = (limit < LONG).then(|| sender.clone());
        drop(sender);
        let told = Recorder::default();
        let mut lines = Lines::from_channel(receiver);
        let outcome = wait(&mut lines, REDIRECT_URI, &Secret::new(STATE), limit, &told).await;
        drop(open);
        (outcome, told.all())
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_does_not_keep_the_next_from_being_read() {
        let longest = "x".repeat(LONGEST - 1);
        let mut input = io::Cursor::new(format!("{longest}x\n{longest}\n").into_bytes());
        assert!(matches!(next_line(&mut input), Some(Err(LineError::Long))));
        input.skip_until(b'\n').unwrap();
        assert_eq!(next_line(&mut input).unwrap().unwrap().expose().len(), LONGEST);
        assert!(next_line(&mut input).is_none());
        let mut input = io::Cursor::new(&b"\xff\nlast"[..]);
        assert!(matches!(next_line(&mut input), Some(Err(LineError::NotText))));
        assert_eq!(next_line(&mut input).unwrap().unwrap().expose(), "last");
        assert!(next_line(&mut input).is_none());
    }

    #[test]
    fn of_an_endless_line_no_more_is_read_than_a_line_may_be_long() {
        let mut endless = io::BufReader::new(io::repeat(b'x'));
        assert!(matches!(next_line(&mut endless), Some(Err(LineError::Long))));
    }

    #[tokio::test]
    async fn an_input_that_cannot_be_read_is_said_so() {
        let (sender, receiver) = mpsc::channel(1);
        let broken = io::Error::from(io::ErrorKind::IsADirectory);
        sender.try_send(Err(LineError::Input(broken))).unwrap();
        drop(sender);
        let (mut lines, told) = (Lines::from_channel(receiver), Recorder::default());
        let outcome = wait(&mut lines, REDIRECT_URI, &Secret::new(STATE), LONG, &told).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(matches!(error, AuthError::PasteUnreadable { .. }));
    }

    #[tokio::test]
    async fn the_address_is_taken_in_every_shape_that_browsers_give_it() {
        for text in [
            "http://127.0.0.1:3456/callback/?code=c%2A%21&scopes=a&state=5ec2e7",
            "  http://127.0.0.1:3456/callback/?code=c%2A%21&scopes=a&state=5ec2e7\n",
            "127.0.0.1:3456/callback/?code=c%2A%21&scopes=a&state=5ec2e7",
            "\"http://127.0.0.1:3456/callback/?state=5ec2e7&code=c*!&scopes=a\"",
            "http://127.0.0.1:3456/callback/?code=c%2A%21&scopes=a&state=5ec2e7#",
            "?code=c%2A%21&scopes=a&state=5ec2e7",
            "code=c%2A%21&scopes=a&state=5ec2e7",
            "\u{feff}code=c%2A%21&scopes=a&state=5ec2e7\u{200b}\r\n",
        ] {
            let (outcome, told) = paste(&[text], LONG).await;
            assert_eq!(outcome.unwrap().code.expose(), "c*!", "{text}");
            assert!(told.is_empty());
        }
    }

    #[tokio::test]
    async fn t01_what_is_not_this_login_s_callback_is_told_and_the_wait_goes_on() {
        let good = "code=c&state=5ec2e7";
        for (text, why) in [
            ("http://127.0.0.1:3456/callback/?code=x&state=other", "not this login's"),
            ("http://127.0.0.1:3456/callback/?code=x", "not this login's"),
            ("http://127.0.0.1:3457/callback/?code=x&state=5ec2e7", "not the address"),
            ("http://127.0.0.1:3456/callback?code=x&state=5ec2e7", "not the address"),
            ("https://evil.test/callback/?code=x&state=5ec2e7", "not the address"),
            ("http://127.0.0.1:3456/callback/?state=5ec2e7", "no code"),
            ("https://www.tiktok.com/v2/auth/authorize/", "consent first"),
            ("abc*!123", "a code alone"),
            ("http://127.0.0.1:3456/callback/?code=x\u{200b}&state=5ec2e7", "no such address has"),
            ("http://127.0.0.1:3456/callback/?code=х&state=5ec2e7", "no such address has"),
            ("http://127.0.0.1:3456/callback/?error=access_denied", "without our state"),
        ] {
            let (outcome, told) = paste(&[text, good], LONG).await;
            assert_eq!(outcome.unwrap().code.expose(), "c", "{text}");
            let [event] = &told[..] else { panic!("{text}: {told:?}") };
            assert!(event.to_string().contains(why), "{text}: {event}");
            assert!(event.to_string().contains("still waiting"));
        }
    }

    #[tokio::test]
    async fn t18_no_notice_repeats_what_was_pasted() {
        let secret = "http://127.0.0.1:3456/callback/?code=canary&state=canary";
        let (_, told) = paste(&[secret, "canary"], LONG).await;
        assert_eq!(told.len(), 2);
        assert!(!format!("{told:?}").contains("canary"));
    }

    #[tokio::test]
    async fn f02_a_pasted_refusal_ends_the_login() {
        let (outcome, _) = paste(&["?error=access_denied&state=5ec2e7"], LONG).await;
        assert_eq!(outcome.unwrap_err().exit(), Exit::Login);
    }

    #[tokio::test]
    async fn an_input_that_ends_is_a_usage_error() {
        let (outcome, told) = paste(&["", "  "], LONG).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, AuthError::NothingPasted));
        assert_eq!(error.exit(), Exit::Usage);
        assert!(told.is_empty(), "empty lines are no mistake");
    }

    #[tokio::test]
    async fn f03_the_deadline_ends_the_wait() {
        let (outcome, _) = paste(&[], Duration::from_millis(20)).await;
        assert_eq!(outcome.unwrap_err().exit(), Exit::Temporary);
    }
}
