//! Passphrases: from a file, from the environment, or typed where nobody can read along.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::termios::OptionalActions;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::cli::{PassphraseArgs, PasswordArgs};
use crate::commands::hidden::Hidden;
use crate::exit::Exit;
use crate::fs::{FsError, PRIVATE_FILE};
use crate::output::Failure;
use crate::resources::no_threads;
use crate::secret::Secret;
use crate::settings::Environment;
use crate::signals::{Shutdown, Signal};

/// The environment variable that may hold one.
const VARIABLE: &str = "TIKTOK_UP_PASSPHRASE";

/// The terminal of the process, also when its standard streams are pipes.
const TERMINAL: &str = "/dev/tty";

/// The longest passphrase, in bytes.
const LONGEST: u64 = 1024;

const GROUP_OR_OTHERS: u32 = 0o077;

/// What people call what they are asked for.
#[derive(Clone, Copy, Debug)]
struct Words {
    name: &'static str,
    /// At the beginning of a sentence.
    title: &'static str,
    /// The option that names a file with it.
    option: &'static str,
}

const PASSPHRASE: Words =
    Words { name: "passphrase", title: "Passphrase", option: "--passphrase-file" };
const PASSWORD: Words = Words { name: "password", title: "Password", option: "--password-file" };

/// Where passphrases come from in this run.
pub(super) struct Passphrases<'a> {
    words: Words,
    source: Source,
    /// Once something was asked: hidden also between two questions, and after a signal.
    terminal: Option<Terminal>,
    shutdown: &'a Shutdown,
}

enum Source {
    File(PathBuf),
    Given(Secret),
    Typed,
}

/// What asking came to.
pub(super) enum Asked {
    Passphrase(Secret),
    /// The run was asked to stop meanwhile.
    Stopped(Signal),
}

impl<'a> Passphrases<'a> {
    /// The file of the command line, else the environment, else the terminal.
    pub(super) fn find(
        args: &PassphraseArgs,
        env: &Environment<'_>,
        shutdown: &'a Shutdown,
    ) -> Result<Self, Failure> {
        Self::called(PASSPHRASE, args.passphrase_file.as_deref(), env, shutdown)
    }

    /// The same for somebody's password.
    pub(super) fn of_password(
        args: &PasswordArgs,
        env: &Environment<'_>,
        shutdown: &'a Shutdown,
    ) -> Result<Self, Failure> {
        Self::called(PASSWORD, args.password_file.as_deref(), env, shutdown)
    }

    fn called(
        words: Words,
        file: Option<&Path>,
        env: &Environment<'_>,
        shutdown: &'a Shutdown,
    ) -> Result<Self, Failure> {
        let source = match (file, env(VARIABLE)) {
            (Some(path), _) => Source::File(path.to_owned()),
            (None, None) => Source::Typed,
            (None, Some(value)) if value.is_empty() => Source::Typed,
            (None, Some(value)) => {
                let text = value.into_string().map(Secret::new);
                Source::Given(
                    text.map_err(|_| Failure::usage(format!("{VARIABLE} is not valid UTF-8")))?,
                )
            }
        };
        Ok(Self { words, source, terminal: None, shutdown })
    }

    /// The terminal, whatever else there is.
    pub(super) fn typed(shutdown: &'a Shutdown) -> Self {
        Self { words: PASSPHRASE, source: Source::Typed, terminal: None, shutdown }
    }

    /// Whether a person types them, who may try again.
    pub(super) fn are_typed(&self) -> bool {
        matches!(self.source, Source::Typed)
    }

    /// One that is made up now: typed twice.
    pub(super) async fn new_one(&mut self, of: &str) -> Result<Asked, Failure> {
        let Words { name, title, .. } = self.words;
        let first = match self.one(&format!("{title} for {of}: ")).await? {
            Asked::Passphrase(first) if self.are_typed() => first,
            other => return Ok(other),
        };
        match self.one("The same again: ").await? {
            Asked::Passphrase(second) if second == first => Ok(Asked::Passphrase(first)),
            Asked::Passphrase(_) => Err(Failure::usage(format!("the two {name}s differ"))),
            stopped @ Asked::Stopped(_) => Ok(stopped),
        }
    }

    /// One that was made up before.
    pub(super) async fn known_one(&mut self, of: &str) -> Result<Asked, Failure> {
        self.one(&format!("{} of {of}: ", self.words.title)).await
    }

    async fn one(&mut self, prompt: &str) -> Result<Asked, Failure> {
        match &self.source {
            Source::Given(passphrase) => Ok(Asked::Passphrase(passphrase.clone())),
            Source::File(path) => {
                let path = path.clone();
                wait_for(self.shutdown, move || first_line(&path)).await
            }
            Source::Typed => {
                let words = self.words;
                let no_terminal = move |error: &io::Error| no_terminal(words, error);
                let terminal = match &mut self.terminal {
                    Some(terminal) => terminal,
                    none => none.insert(Terminal::open().map_err(|error| no_terminal(&error))?),
                };
                let mut typed = terminal.file.try_clone().map_err(|error| no_terminal(&error))?;
                typed.write_all(prompt.as_bytes()).map_err(|error| no_terminal(&error))?;
                let answer = wait_for(self.shutdown, move || {
                    line(&mut typed).map_err(|error| no_terminal(&error))?.ok_or_else(|| {
                        let name = words.name;
                        Failure::usage(format!("the input ended before a {name} was typed"))
                    })
                });
                tokio::select! {
                    asked = answer => asked,
                    never = terminal.hidden.keep() => match never {},
                }
            }
        }
    }
}

/// Reads in a thread of its own, so that a signal need not wait for a line that does not come.
async fn wait_for(
    shutdown: &Shutdown,
    read: impl FnOnce() -> Result<Secret, Failure> + Send + 'static,
) -> Result<Asked, Failure> {
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new()
        .name("passphrase".to_owned())
        .spawn(move || _ = tell.send(read()))
        .map_err(|_| no_threads())?;
    tokio::select! {
        biased;
        signal = shutdown.requested() => Ok(Asked::Stopped(signal)),
        read = told => match read {
            Ok(read) => read.map(Asked::Passphrase),
            Err(stopped) => Err(Failure::unexpected(stopped)),
        },
    }
}

/// That nobody is there to type a passphrase.
#[derive(Debug, thiserror::Error)]
#[error("there is no terminal to ask for the {name} on ({why})")]
pub(super) struct NoTerminal {
    name: &'static str,
    why: String,
}

fn no_terminal(words: Words, error: &io::Error) -> Failure {
    let failure = Failure::unexpected(NoTerminal { name: words.name, why: error.to_string() });
    Failure { exit: Exit::Usage, ..failure }
        .hint(format!("set {VARIABLE}, or name a file with `{}`", words.option))
}

/// The first line of a file that nobody else may read; or of a pipe, as a shell's `<(…)` is one.
fn first_line(path: &Path) -> Result<Secret, Failure> {
    let io = |operation| move |source| FsError::Io { operation, path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io("open")).map_err(usage)?;
    let found = file.metadata().map_err(io("examine"))?;
    let mode = found.mode() & 0o7777;
    if found.is_file() && mode & GROUP_OR_OTHERS != 0 {
        return Err(FsError::Mode { path: path.to_owned(), mode, wanted: PRIVATE_FILE }.into());
    }
    let passphrase = line(&mut file).map_err(io("read"))?;
    passphrase
        .filter(|line| !line.is_empty())
        .ok_or_else(|| Failure::usage(format!("the first line of `{}` is empty", path.display())))
}

fn usage(error: FsError) -> Failure {
    Failure { exit: Exit::Usage, ..error.into() }
}

/// A line without its end; `None` if there is none. Read into memory that is wiped and never grows.
fn line(input: &mut File) -> io::Result<Option<Secret>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2048));
    let mut byte = Zeroizing::new([0_u8]);
    loop {
        let read = match input.read(&mut *byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if read == 0 && bytes.is_empty() {
            return Ok(None);
        }
        if read == 0 || byte[0] == b'\n' {
            break;
        }
        if bytes.len() as u64 >= LONGEST {
            return Err(io::Error::other("the line is too long"));
        }
        bytes.push(byte[0]);
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("not valid UTF-8"))?;
    Ok(Some(Secret::new(text)))
}

/// The terminal of the process, with what is typed hidden from the first question to the last.
struct Terminal {
    file: File,
    hidden: Hidden,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(TERMINAL)?;
        // What was typed ahead was typed to be seen, and not for this.
        let hidden = Hidden::begin(&file, OptionalActions::Flush)?;
        Ok(Self { file, hidden })
    }
}
