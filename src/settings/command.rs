//! The command that prints a client secret.

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::process::without_secrets;
use crate::secret::Secret;

/// How long the command may take: somebody may have to type a passphrase.
const LIMIT: Duration = Duration::from_mins(2);
/// Pause between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest output that is taken, in bytes.
const LONGEST_OUTPUT: u64 = 1 << 16;

/// Why a command gave no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not be started.
    #[error("it could not be started")]
    Start(#[source] io::Error),
    /// Its output could not be read.
    #[error("its output could not be read")]
    Output(#[source] io::Error),
    /// It failed.
    #[error("it failed ({0})")]
    Failed(ExitStatus),
    /// It did not end.
    #[error("it did not end within {} s", .0.as_secs())]
    Slow(Duration),
    /// It has ended, and its output has not: something that it has started keeps that open.
    #[error("it has started something that keeps its output open for longer than {} s", .0.as_secs())]
    Held(Duration),
    /// It printed more than any secret is long.
    #[error("it printed more than {LONGEST_OUTPUT} bytes")]
    Long,
    /// It printed nothing.
    #[error("it printed nothing")]
    Empty,
}

/// Runs a command and takes its standard output, without the white space around it, as a secret.
/// Its standard error is the user's to read.
pub(super) fn secret_from(words: &[String]) -> Result<Secret, CommandError> {
    secret_within(words, LIMIT)
}

fn secret_within(words: &[String], limit: Duration) -> Result<Secret, CommandError> {
    let (program, arguments) = words.split_first().ok_or(CommandError::Empty)?;
    let mut child = without_secrets(Command::new(program).args(arguments))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CommandError::Start)?;
    let pipe = child.stdout.take();
    // Read beside the wait, or a full pipe would keep the child from ending.
    let (tell, told) = mpsc::channel();
    let read = move || {
        // Never grown, which would leave copies behind that nobody wipes.
        let room = usize::try_from(LONGEST_OUTPUT).unwrap_or_default() + 64;
        let mut output = Zeroizing::new(Vec::with_capacity(room));
        let read = match pipe {
            Some(pipe) => pipe.take(LONGEST_OUTPUT + 1).read_to_end(&mut output).map(|_| output),
            None => Ok(output),
        };
        // Nobody waits any more for what came too late.
        _ = tell.send(read);
    };
    if let Err(error) = thread::Builder::new().spawn(read) {
        child.kill().and_then(|()| child.wait()).map_err(CommandError::Output)?;
        return Err(CommandError::Output(error));
    }
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait().map_err(CommandError::Output)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                // A grandchild may hold the pipe open; the reader is left to the end of the process.
                child.kill().and_then(|()| child.wait()).map_err(CommandError::Output)?;
                return Err(CommandError::Slow(limit));
            }
            None => thread::sleep(PAUSE),
        }
    };
    let output = told.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    // That one first: what prints on into a closed pipe fails by that.
    if let Ok(Ok(output)) = &output
        && output.len() as u64 > LONGEST_OUTPUT
    {
        return Err(CommandError::Long);
    }
    if !status.success() {
        return Err(CommandError::Failed(status));
    }
    let output = match output {
        Ok(output) => output.map_err(CommandError::Output)?,
        Err(RecvTimeoutError::Timeout) => return Err(CommandError::Held(limit)),
        Err(RecvTimeoutError::Disconnected) => {
            return Err(CommandError::Output(io::Error::other("the reader stopped")));
        }
    };
    let text = std::str::from_utf8(&output)
        .map_err(|_| CommandError::Output(io::Error::other("it is not valid UTF-8")))?
        .trim_ascii();
    if text.is_empty() { Err(CommandError::Empty) } else { Ok(Secret::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<Secret, CommandError> {
        let words = ["sh", "-c", script].map(str::to_owned);
        secret_within(&words, Duration::from_secs(20))
    }

    #[test]
    fn the_output_is_the_secret_without_its_line_break() {
        assert_eq!(run("printf ' s3cret\\n'").unwrap(), Secret::new("s3cret"));
    }

    #[test]
    fn a_failure_is_told_by_its_status() {
        let error = run("echo s3cret; exit 3").unwrap_err();
        assert!(matches!(error, CommandError::Failed(status) if status.code() == Some(3)));
        assert!(matches!(run("true"), Err(CommandError::Empty)));
    }

    #[test]
    fn a_program_that_is_not_there_is_named_as_such() {
        let words = ["/nonexistent/program".to_owned()];
        assert!(matches!(secret_from(&words), Err(CommandError::Start(_))));
    }

    #[test]
    fn a_command_that_does_not_end_is_stopped() {
        let words = ["sleep", "600"].map(str::to_owned);
        let error = secret_within(&words, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, CommandError::Slow(_)));
    }

    #[test]
    fn an_output_that_something_in_the_background_keeps_open_is_given_up() {
        let words = ["sh", "-c", "sleep 20 & echo s3cret"].map(str::to_owned);
        let error = secret_within(&words, Duration::from_millis(500)).unwrap_err();
        // The other one where even the shell was slow.
        assert!(matches!(error, CommandError::Held(_) | CommandError::Slow(_)), "{error:?}");
    }

    #[test]
    fn an_output_that_is_too_long_is_no_secret() {
        let longest = usize::try_from(LONGEST_OUTPUT).unwrap();
        let print = |count: usize| run(&format!("printf '%0{count}d' 0"));
        assert_eq!(print(longest).unwrap().expose().len(), longest);
        assert!(matches!(print(longest + 1), Err(CommandError::Long)));
        assert!(matches!(print(4 * longest), Err(CommandError::Long)), "also where that fails");
    }
}
