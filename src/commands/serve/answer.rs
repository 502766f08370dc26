//! The other commands as the console runs them: with `--json`, their lines heard instead of printed. So a page shows
//! what docs/JSON.md promises, and nothing that the command line does not know.

use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use crate::commands::Context;
use crate::exit::Exit;
use crate::output::{Failure, Notes, OutputOptions, Printer};
use crate::problem::ErrorCode;

/// What a command came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its exit code.
    pub(super) exit: Exit,
    /// The objects that it wrote.
    pub(super) events: Vec<Value>,
    /// What it warned of.
    pub(super) warnings: Vec<String>,
    /// What ended it.
    pub(super) failed: Option<Failed>,
}

/// An error as people are told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// What happened.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
    /// What `explain` knows it by.
    pub(super) code: Option<&'static str>,
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        Self {
            message: format!("{:#}", failure.error),
            hint: failure.hint.clone(),
            code: failure.code.map(ErrorCode::as_str),
        }
    }
}

impl Answer {
    /// The objects of one kind, as their `event` says.
    pub(super) fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |it| it["event"] == event)
    }

    /// The objects of one kind, as their `event` says. What is written otherwise by a later version is left out.
    pub(super) fn all<T: for<'de> Deserialize<'de>>(&self, event: &str) -> Vec<T> {
        self.of(event).filter_map(|it| serde_json::from_value(it.clone()).ok()).collect()
    }
}

/// Runs a command and hears what it says.
pub(super) async fn ask<R>(context: Context, run: impl FnOnce(Context) -> R) -> Answer
where
    R: Future<Output = Result<Exit, Failure>>,
{
    let events = Arc::<Mutex<Vec<Value>>>::default();
    let keep = Arc::clone(&events);
    let hear = move |event| keep.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    let heard = hearing(context, hear);
    let (exit, failed) = match run(heard.context).await {
        Ok(exit) => (exit, None),
        Err(failure) => (failure.exit, Some(Failed::from(&failure))),
    };
    let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
    let mut warnings = heard.warnings.lock().unwrap_or_else(PoisonError::into_inner);
    Answer { exit, events: take(&mut events), warnings: take(&mut warnings), failed }
}

/// Runs a command and gives what it prints as data, all of it or nothing.
pub(super) async fn printed<R>(
    context: Context,
    run: impl FnOnce(Context) -> R,
) -> Result<String, Failed>
where
    R: Future<Output = Result<Exit, Failure>>,
{
    let text = Arc::<Mutex<String>>::default();
    let keep = Arc::clone(&text);
    let out = Lines::to(move |line| {
        let mut text = keep.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    });
    let printer = Printer::on(OutputOptions::default(), Box::new(out), Box::new(io::sink()));
    run(Context { printer, ..context }).await.map_err(|failure| Failed::from(&failure))?;
    Ok(take(&mut *text.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// A context whose command is heard.
pub(super) struct Heard {
    pub(super) context: Context,
    /// What it has warned of by now.
    pub(super) warnings: Arc<Mutex<Vec<String>>>,
}

/// The same settings with a printer that hands on each object as it is written.
pub(super) fn hearing(context: Context, mut hear: impl FnMut(Value) + Send + 'static) -> Heard {
    let options = OutputOptions { json: true, events: true, ..OutputOptions::default() };
    let warnings = Arc::<Mutex<Vec<String>>>::default();
    let out = Lines::to(move |line| {
        if let Ok(event) = serde_json::from_str(line) {
            hear(event);
        }
    });
    let kept = Arc::clone(&warnings);
    let err = Lines::to(move |line| {
        if let Some(warning) = line.strip_prefix("warning: ") {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(warning.to_owned());
        }
    });
    let printer = Printer::on(options, Box::new(out), Box::new(err));
    printer.remember(Notes::open(&context.settings.home.state, context.settings.clock));
    Heard { context: Context { printer, ..context }, warnings }
}

/// A stream that hands on whole lines.
struct Lines<F> {
    begun: Vec<u8>,
    tell: F,
}

impl<F: FnMut(&str)> Lines<F> {
    fn to(tell: F) -> Self {
        Self { begun: Vec::new(), tell }
    }
}

impl<F: FnMut(&str)> Write for Lines<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.ends_with(b"\n") {
                let line = take(&mut self.begun);
                (self.tell)(String::from_utf8_lossy(&line).trim_end());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_on_once_they_are_whole() {
        let told = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&told);
        let mut lines = Lines::to(move |line: &str| kept.lock().unwrap().push(line.to_owned()));
        lines.write_all(b"one\ntw").unwrap();
        assert_eq!(*told.lock().unwrap(), ["one"]);
        lines.write_all("o\n\u{e9}".as_bytes()).unwrap();
        lines.write_all(b"\n").unwrap();
        assert_eq!(*told.lock().unwrap(), ["one", "two", "\u{e9}"]);
    }
}
