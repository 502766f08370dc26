//! The command that prints a client secret.

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::process::without_secrets;
use crate::secret::Secret;

/// How long the command may take: somebody may have to type a passphrase.
const LIMIT: Duration = Duration::from_mins(2);
/// Pause between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest output that is read, in bytes.
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
    let read = move || {
        let mut output = Zeroizing::new(String::new());
        match pipe {
            Some(pipe) => pipe.take(LONGEST_OUTPUT).read_to_string(&mut output).map(|_| output),
            None => Ok(output),
        }
    };
    let reader = match thread::Builder::new().spawn(read) {
        Ok(reader) => reader,
        Err(error) => {
            child.kill().and_then(|()| child.wait()).map_err(CommandError::Output)?;
            return Err(CommandError::Output(error));
        }
    };
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
    if !status.success() {
        return Err(CommandError::Failed(status));
    }
    let output = reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader stopped")));
    let output = output.map_err(CommandError::Output)?;
    let text = output.trim_ascii();
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
}
