//! The command that prints a client secret.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use crate::process::without_secrets;
use crate::secret::{Secret, redact};
use crate::text::plain;

/// How long the command may take: somebody may have to type a passphrase.
const LIMIT: Duration = Duration::from_mins(2);
/// Pause between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest output that is taken, in bytes.
const LONGEST_OUTPUT: u64 = 1 << 16;
/// The most of what it says that is told, in bytes: the end, which says why it failed.
const LONGEST_WORDS: usize = 400;
/// The most of it that is kept, so that a secret in what is told is there as a whole, to be found.
const KEPT_WORDS: usize = 1 << 13;
/// How long its last words are waited for once it has ended: what it has started may keep them open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Why a command gave no secret, and what it said on standard error, if that did not go to a terminal.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// Why.
    pub(crate) why: NoOutput,
    /// The end of what it said, in one line, without secrets.
    pub(crate) said: Option<String>,
}

/// Why a command gave no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOutput {
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

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.why.source()
    }
}

impl From<NoOutput> for CommandError {
    fn from(why: NoOutput) -> Self {
        Self { why, said: None }
    }
}

impl CommandError {
    /// What it said, before what to do about it. It may be other words each time, so it is no part of the
    /// message, by which an error is known again.
    pub(super) fn said_words(&self) -> String {
        self.said.as_ref().map(|said| format!("it said: {said}; ")).unwrap_or_default()
    }
}

/// Runs a command and takes its standard output, without the white space around it, as a secret. Where there
/// is a terminal, it may ask there, and its standard error is the user's to read. Elsewhere, as under cron,
/// nobody reads that of one that has worked: it is part of the error.
pub(super) fn secret_from(words: &[String]) -> Result<Secret, CommandError> {
    let has_terminal = File::open("/dev/tty").is_ok();
    secret_within(words, LIMIT, has_terminal)
}

fn secret_within(
    words: &[String],
    limit: Duration,
    has_terminal: bool,
) -> Result<Secret, CommandError> {
    let (program, arguments) = words.split_first().ok_or(NoOutput::Empty)?;
    let mut command = Command::new(program);
    without_secrets(command.args(arguments)).stdin(Stdio::null()).stdout(Stdio::piped());
    if !has_terminal {
        // A group of its own ends with it. From another one than ours it could not ask at the terminal.
        command.stderr(Stdio::piped()).process_group(0);
    }
    let mut child = command.spawn().map_err(NoOutput::Start)?;
    let last_words = LastWords::of(&mut child);
    output_within(child, limit, !has_terminal)
        .map_err(|why| CommandError { why, said: last_words.and_then(LastWords::end) })
}

/// The output of a command as a secret; `own_group`: whether a group of processes is its own.
fn output_within(mut child: Child, limit: Duration, own_group: bool) -> Result<Secret, NoOutput> {
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
        end(&mut child, own_group).map_err(NoOutput::Output)?;
        return Err(NoOutput::Output(error));
    }
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait().map_err(NoOutput::Output)? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                // A grandchild may hold the pipe open; the reader is left to the end of the process.
                end(&mut child, own_group).map_err(NoOutput::Output)?;
                return Err(NoOutput::Slow(limit));
            }
            None => thread::sleep(PAUSE),
        }
    };
    let output = told.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    // That one first: what prints on into a closed pipe fails by that.
    if let Ok(Ok(output)) = &output
        && output.len() as u64 > LONGEST_OUTPUT
    {
        return Err(NoOutput::Long);
    }
    let output = match output {
        Ok(output) => output.map_err(NoOutput::Output),
        Err(RecvTimeoutError::Timeout) => Err(NoOutput::Held(limit)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(NoOutput::Output(io::Error::other("the reader stopped")))
        }
    };
    if !status.success() {
        // It is looked for in what the command said: a secret that came is one, whatever failed then.
        if let Ok(output) = &output {
            let text = String::from_utf8_lossy(output);
            text.lines().map(str::trim_ascii).for_each(|line| drop(Secret::new(line)));
        }
        return Err(NoOutput::Failed(status));
    }
    let output = output?;
    let text = std::str::from_utf8(&output)
        .map_err(|_| NoOutput::Output(io::Error::other("it is not valid UTF-8")))?
        .trim_ascii();
    if text.is_empty() { Err(NoOutput::Empty) } else { Ok(Secret::new(text)) }
}

/// Ends a command, with all that it has started if there is a group of its own.
fn end(child: &mut Child, own_group: bool) -> io::Result<()> {
    if own_group {
        // It was not waited for yet, so the number is still its own.
        _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    }
    child.kill()?;
    child.wait().map(|_| ())
}

/// The end of what a command says on standard error, while it says it.
struct LastWords {
    heard: Arc<Mutex<Vec<u8>>>,
    over: mpsc::Receiver<()>,
}

impl LastWords {
    /// Of a command whose standard error is a pipe. What cannot be listened to is closed.
    fn of(child: &mut Child) -> Option<Self> {
        let mut pipe = child.stderr.take()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (tell, over) = mpsc::channel();
        let ours = Arc::clone(&heard);
        let listen = move || {
            let mut some = [0; 1024];
            while let Ok(count @ 1..) = pipe.read(&mut some) {
                let mut heard = ours.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend(some.iter().take(count));
                let more = heard.len().saturating_sub(KEPT_WORDS);
                heard.drain(..more);
            }
            _ = tell.send(());
        };
        thread::Builder::new().spawn(listen).ok()?;
        Some(Self { heard, over })
    }

    /// It in one line, without what is secret.
    fn end(self) -> Option<String> {
        _ = self.over.recv_timeout(LAST_WORDS);
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&heard);
        let line = plain(&redact(&text.split_whitespace().collect::<Vec<_>>().join(" ")));
        let more = line.len().saturating_sub(LONGEST_WORDS);
        let told = (more..line.len()).find_map(|at| line.get(at..)).unwrap_or_default();
        match more {
            0 => (!line.is_empty()).then(|| line.clone()),
            _ => Some(format!("…{told}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<Secret, CommandError> {
        let words = ["sh", "-c", script].map(str::to_owned);
        secret_within(&words, Duration::from_secs(20), false)
    }

    fn why(script: &str) -> NoOutput {
        run(script).unwrap_err().why
    }

    #[test]
    fn the_output_is_the_secret_without_its_line_break() {
        assert_eq!(run("printf ' s3cret\\n'").unwrap(), Secret::new("s3cret"));
    }

    #[test]
    fn a_failure_is_told_by_its_status() {
        let error = why("echo s3cret; exit 3");
        assert!(matches!(error, NoOutput::Failed(status) if status.code() == Some(3)));
        assert!(matches!(why("true"), NoOutput::Empty));
    }

    #[test]
    fn a_program_that_is_not_there_is_named_as_such() {
        let words = ["/nonexistent/program".to_owned()];
        assert!(matches!(secret_from(&words).unwrap_err().why, NoOutput::Start(_)));
    }

    #[test]
    fn a_command_that_does_not_end_is_stopped_with_all_that_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; sleep 600; true", pid.display());
        let words = ["sh", "-c", &script].map(str::to_owned);
        // Long enough that the shell has begun, which is seen to.
        let (mut limit, mut number) = (Duration::from_millis(100), String::new());
        while number.trim().is_empty() {
            let error = secret_within(&words, limit, false).unwrap_err();
            assert!(matches!(error.why, NoOutput::Slow(_)));
            number = std::fs::read_to_string(&pid).unwrap_or_default();
            limit *= 2;
        }
        let begun = Pid::from_raw(number.trim().parse().unwrap()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
            let dead = stat.is_ok_and(|stat| stat.contains(") Z "));
            !dead && rustix::process::test_kill_process(begun).is_ok()
        };
        while lives() {
            assert!(Instant::now() < deadline, "process {begun:?} still runs");
            thread::sleep(PAUSE);
        }
        let words = ["sleep", "600"].map(str::to_owned);
        let error = secret_within(&words, Duration::from_millis(50), true).unwrap_err();
        assert!(matches!(error.why, NoOutput::Slow(_)));
    }

    #[test]
    fn what_it_says_is_told_in_one_line_if_it_fails_and_no_secret_of_it() {
        let said = |script: &str| run(script).unwrap_err().said;
        assert_eq!(said("echo one >&2; echo two >&2; exit 1").as_deref(), Some("one two"));
        assert_eq!(said("exit 1"), None);
        let secret = "a-secret-of-a-command-that-fails";
        let told = said(&format!("echo {secret}; echo not {secret} >&2; exit 1")).unwrap();
        assert!(told.starts_with("not ") && !told.contains(secret), "{told}");
        let told = said("printf '%05000d' 7 >&2; echo the end >&2; exit 1").unwrap();
        assert!(told.len() <= LONGEST_WORDS + 8 && told.ends_with("the end"), "{told}");
        // However much it says, it is not kept from its work, nor is what keeps that open waited for.
        let chatty = "printf '%0300000d' 7 >&2; sleep 20 >/dev/null & echo s3cret";
        assert_eq!(run(chatty).unwrap(), Secret::new("s3cret"));
    }

    #[test]
    fn an_output_that_something_in_the_background_keeps_open_is_given_up() {
        let words = ["sh", "-c", "sleep 20 & echo s3cret"].map(str::to_owned);
        let error = secret_within(&words, Duration::from_millis(500), false).unwrap_err();
        // The other one where even the shell was slow.
        assert!(matches!(error.why, NoOutput::Held(_) | NoOutput::Slow(_)), "{error:?}");
    }

    #[test]
    fn an_output_that_is_too_long_is_no_secret() {
        let longest = usize::try_from(LONGEST_OUTPUT).unwrap();
        let print = |count: usize| run(&format!("printf '%0{count}d' 0"));
        assert_eq!(print(longest).unwrap().expose().len(), longest);
        let is_long = |count| matches!(print(count).unwrap_err().why, NoOutput::Long);
        assert!(is_long(longest + 1));
        assert!(is_long(4 * longest), "also where that fails");
    }
}
