//! Where words leave the program.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Everywhere, Failure};
use super::line::{HINT, Line, WARNING};
use super::live::Live;
use super::notes::{Matter, Notes, Telling, everywhere_subject};
use super::patient::Patient;
use super::standing::Standing;
use super::table::Table;
use super::terminal::{self, Size};
use super::{error, json, notes};
use crate::exit::Exit;
use crate::process::Environment;
use crate::secret::{Secret, redact};
use crate::signals::Signal;
use crate::text::count;
use crate::worker::Worker;

/// A terminal that does not tell its size.
const USUAL: Size = Size { columns: NARROW, rows: 24 };

/// The columns of a terminal that nobody has made wider, and what tables fit into.
const NARROW: usize = 80;

/// How many texts wait at most until somebody reads standard error; further ones are left out.
const MOST_BEHIND: usize = 4096;

/// How a run talks, decided once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a decision of its own")]
pub(crate) struct OutputOptions {
    /// One JSON object per line on standard output instead of words.
    pub(crate) json: bool,
    /// With them those of what happens on the way.
    pub(crate) events: bool,
    /// No talk but warnings and errors.
    pub(crate) quiet: bool,
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// Colours on standard output.
    pub(crate) colour_out: bool,
    /// Colours on standard error.
    pub(crate) colour_err: bool,
    /// Progress bars on standard error.
    pub(crate) bars: bool,
    /// Whether a person is there: standard error is a terminal.
    pub(crate) watched: bool,
}

/// Writes data to standard output and talk to standard error. Cheap to clone; clones write to the
/// same streams, line by line, also from several tasks at once.
///
/// No write panics or fails the work in hand. That standard output was closed (`| head`) is no
/// error; any other failure to write to it is told by [`Printer::finish`].
#[derive(Clone)]
pub(crate) struct Printer(Arc<Inner>, Talk);

/// How words for standard error get there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// They are written by whoever says them.
    Now,
    /// They wait for a thread that writes them.
    Behind,
}

struct Inner {
    options: OutputOptions,
    live: Live,
    out: Mutex<Out>,
    err: Mutex<Box<dyn Write + Send>>,
    standing: Mutex<Standing>,
    /// Writes what is said from behind; started with the first such word. None where no thread was to be
    /// had.
    writer: OnceLock<Option<Worker>>,
    /// How many texts it has still to write.
    waiting: AtomicUsize,
    /// How many were too many since it wrote the last one.
    left_out: AtomicUsize,
    /// What was told before, for runs that keep count of it.
    notes: OnceLock<Notes>,
    /// Whether it was said that the run is stopping, and that it is stopped.
    stopping: Mutex<bool>,
    stopped: AtomicBool,
}

/// Sees to it that all that was said from behind is written, also when a panic ends the run.
#[derive(Debug)]
pub(crate) struct LastWords(Printer);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.catch_up();
    }
}

struct Out {
    stream: Box<dyn Write + Send>,
    state: OutState,
}

enum OutState {
    Open,
    Closed,
    Failed(io::Error),
}

impl OutputOptions {
    /// With the colours and bars that the environment and the streams of this process allow. `colour` is
    /// what was asked for; `None` leaves it to them. `bars`: whether any are wanted.
    #[must_use]
    pub(crate) fn on_streams(
        self,
        colour: Option<bool>,
        bars: bool,
        env: &Environment<'_>,
    ) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            colour_out: colours(colour, out, env),
            colour_err: colours(colour, err, env),
            bars: err && bars && can_draw(env) && !(self.json || self.quiet),
            watched: err,
            ..self
        }
    }
}

/// <https://no-color.org>: any value but the empty one forbids colours, unless a flag asks for them.
fn colours(asked: Option<bool>, terminal: bool, env: &Environment<'_>) -> bool {
    let is_set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    asked.unwrap_or_else(|| {
        terminal && !is_set("NO_COLOR") && env("TERM").is_none_or(|term| term != "dumb")
    })
}

/// Whether the terminal, if it is one, can move its cursor.
fn can_draw(env: &Environment<'_>) -> bool {
    env("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

impl Printer {
    /// A printer on the streams of this process.
    pub(crate) fn new(options: OutputOptions) -> Self {
        Self::on(options, Box::new(Patient(io::stdout())), Box::new(Patient(io::stderr())))
    }

    /// A printer on other streams.
    pub(crate) fn on(
        options: OutputOptions,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        let live = if options.bars {
            Live::on(Box::new(io::stderr()), || terminal::size(io::stderr()).unwrap_or(USUAL))
        } else {
            Live::none()
        };
        let inner = Inner {
            options,
            live,
            out: Mutex::new(Out { stream: out, state: OutState::Open }),
            err: Mutex::new(err),
            standing: Mutex::default(),
            writer: OnceLock::new(),
            waiting: AtomicUsize::new(0),
            left_out: AtomicUsize::new(0),
            notes: OnceLock::new(),
            stopping: Mutex::default(),
            stopped: AtomicBool::new(false),
        };
        Self(Arc::new(inner), Talk::Now)
    }

    /// The same for those who must never wait for a terminal: what they say on standard error is written by
    /// a thread of its own, in order, and before anything that is said otherwise after it.
    #[must_use]
    pub(crate) fn behind(&self) -> Self {
        Self(Arc::clone(&self.0), Talk::Behind)
    }

    /// One for work that goes on beside others: it says the same, line by line and without bars, and keeps a count of
    /// its own of what it has told.
    #[must_use]
    pub(crate) fn apart(&self) -> Self {
        let options = OutputOptions { bars: false, ..self.0.options };
        let onto = |is_data| Box::new(Onto { printer: self.behind(), is_data });
        Self::on(options, onto(true), onto(false))
    }

    /// What sees to it, when it is dropped, that all that was said is written.
    pub(crate) fn last_words(&self) -> LastWords {
        LastWords(self.clone())
    }

    /// How this run talks.
    pub(crate) fn options(&self) -> OutputOptions {
        self.0.options
    }

    /// Whether data is written as JSON. A command asks this before it writes data.
    pub(crate) fn is_json(&self) -> bool {
        self.0.options.json
    }

    /// Where lines can change in place.
    pub(super) fn live(&self) -> &Live {
        &self.0.live
    }

    /// Data, in words.
    pub(crate) fn data(&self, line: impl Into<Line>) {
        let text = line.into().render(self.0.options.colour_out);
        self.write_out(&text);
    }

    /// A page that is data as it is.
    pub(crate) fn page(&self, text: &str) {
        self.write_out(text.trim_end_matches('\n'));
    }

    /// A word that a shell may complete, and behind a tab what it is.
    pub(crate) fn choice(&self, value: &str, about: &str) {
        let [value, about] = [value, about].map(|text| Line::from(text).render(false));
        self.write_out(&format!("{}\t{}", value.replace('\n', " "), about.replace('\n', " ")));
    }

    /// A secret that somebody has asked for by name: the one thing that is printed without being looked at.
    pub(crate) fn secret(&self, secret: &Secret) {
        self.write_out(secret.expose());
    }

    /// Data, as one JSON object on a line.
    pub(crate) fn json(&self, value: &impl Serialize) {
        self.write_out(&json::line(value));
    }

    /// As [`Printer::json`], for an object that is meant to show a secret.
    pub(crate) fn json_verbatim(&self, value: &impl Serialize) {
        self.write_out(&json::verbatim(value));
    }

    /// Data, in columns: as wide as the terminal, but at least [`NARROW`].
    pub(crate) fn table(&self, table: &Table) {
        let columns = terminal::size(io::stdout()).map_or(NARROW, |size| size.columns);
        for line in table.lines(columns.max(NARROW)) {
            self.data(line);
        }
    }

    /// Data that must arrive: unlike with [`Printer::data`], a closed pipe is an error, too.
    pub(crate) fn deliver(&self, text: &str) -> io::Result<()> {
        self.catch_up();
        let mut out = self.out();
        out.stream.write_all(text.as_bytes())?;
        out.stream.flush()
    }

    /// As [`Printer::deliver`], for one JSON object on a line.
    pub(crate) fn deliver_json(&self, value: &impl Serialize) -> io::Result<()> {
        self.deliver(&format!("{}\n", json::line(value)))
    }

    /// Talk: what happens, for whoever watches.
    pub(crate) fn talk(&self, line: impl Into<Line>) {
        if !self.0.options.quiet {
            self.demand(line);
        }
    }

    /// Talk that is no cause for worry, but may be missed otherwise.
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.talk(Line::default().styled(HINT, "note").text(": ").text(text));
    }

    /// Something to worry about. Also said when quiet.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.demand(Line::default().styled(WARNING, "warning").text(": ").text(text));
    }

    /// From now on this run keeps count of what it tells, so that runs under cron tell it once.
    pub(crate) fn remember(&self, notes: Notes) {
        _ = self.0.notes.set(notes);
    }

    /// What runs remember, if this one does.
    pub(crate) fn notes(&self) -> Option<&Notes> {
        self.0.notes.get()
    }

    /// Says what is the matter, and whether it did. A quiet run says it only if it is time for it; where a
    /// person is there, or this run keeps no count, that is always. `line` is told since when it lasts, if
    /// that is worth a word.
    pub(crate) fn tell(
        &self,
        matter: &Matter,
        line: impl FnOnce(Option<Timestamp>) -> Line,
    ) -> bool {
        self.tell_each(std::slice::from_ref(matter), self.0.options.watched, line)
    }

    /// As [`Printer::tell`], of matters that one line tells, the widest first.
    pub(crate) fn tell_widest_first(
        &self,
        matters: &[Matter],
        line: impl FnOnce(Option<Timestamp>) -> Line,
    ) -> bool {
        let tellings = |notes: &Notes| vec![notes.tell_widest_first(matters)];
        self.tell_by(tellings, self.0.options.watched, line)
    }

    /// Notes that these stand, the widest first, which were said or kept back with others; said only if it is
    /// time for one of them.
    pub(crate) fn tell_with_others(
        &self,
        matters: &[Matter],
        line: impl FnOnce(Option<Timestamp>) -> Line,
    ) -> bool {
        let Some(notes) = self.notes() else { return false };
        match notes.tell_widest_first(matters) {
            Telling::NotNow => return false,
            Telling::Now => self.demand(line(None)),
            Telling::Since(since) => self.demand(line(Some(since))),
        }
        true
    }

    /// As [`Printer::tell`], for a warning; a quiet run says it once to a person, too.
    pub(crate) fn warn_of(&self, matter: &Matter, text: impl Into<String>) {
        let line = |since| error::warning(error::since_words(text.into(), since));
        self.tell_each(std::slice::from_ref(matter), false, line);
    }

    /// As [`Printer::tell`], for a warning.
    pub(crate) fn trouble_of(&self, matter: &Matter, text: impl Into<String>) {
        self.tell(matter, |since| error::warning(error::since_words(text.into(), since)));
    }

    /// Says a warning once, and not again by later runs, whether they are quiet or not.
    pub(crate) fn warn_once(&self, matter: &Matter, text: impl Into<String>) {
        let telling = self.notes().map_or(Telling::Now, |notes| notes.tell(matter));
        if telling != Telling::NotNow {
            self.demand(error::warning(text.into()));
        }
    }

    /// The same of several matters that one line tells: it is time for it if it is for one of them. `always`:
    /// also when a run said it before.
    fn tell_each(
        &self,
        matters: &[Matter],
        always: bool,
        line: impl FnOnce(Option<Timestamp>) -> Line,
    ) -> bool {
        let tell = |notes: &Notes| matters.iter().map(|matter| notes.tell(matter)).collect();
        self.tell_by(tell, always, line)
    }

    /// Tells what `tellings` finds to be due; `always`: also what is not.
    fn tell_by(
        &self,
        tellings: impl FnOnce(&Notes) -> Vec<Telling>,
        always: bool,
        line: impl FnOnce(Option<Timestamp>) -> Line,
    ) -> bool {
        let Some(notes) = self.notes() else {
            self.demand(line(None));
            return true;
        };
        let tellings = tellings(notes);
        let is_due = tellings.iter().any(|telling| *telling != Telling::NotNow);
        if self.0.options.quiet && !always && !is_due {
            return false;
        }
        let since = tellings.iter().filter_map(|telling| match telling {
            Telling::Since(since) => Some(*since),
            Telling::Now | Telling::NotNow => None,
        });
        self.demand(line(since.min()));
        true
    }

    /// That nothing is the matter any more with what was told of.
    pub(crate) fn settle(&self, subjects: &[String]) {
        if let Some(notes) = self.notes() {
            notes.over(subjects);
        }
    }

    /// What a person must read for the run to go on, such as a URL to open. Also said when quiet.
    pub(crate) fn demand(&self, line: impl Into<Line>) {
        let text = line.into().render(self.0.options.colour_err);
        self.write_err(&text);
    }

    /// A question that is answered on the same line.
    pub(crate) fn ask(&self, question: &str) {
        self.catch_up();
        self.0.live.suspend(|| {
            let mut err = self.0.err.lock().unwrap_or_else(PoisonError::into_inner);
            let question = Line::from(question).render(false);
            _ = err.write_all(question.as_bytes()).and_then(|()| err.flush());
        });
    }

    /// Notes which command runs, for whoever asks where the run stands.
    pub(crate) fn begin(&self, command: &'static str) {
        self.standing().begin(command);
    }

    /// Notes what the run does from now on, for the same.
    pub(crate) fn step(&self, what: impl Into<String>) {
        self.standing().step(what);
    }

    /// Tells where the run stands. Also said when quiet, as it was asked for.
    pub(crate) fn report_standing(&self) {
        // Not told under the lock: the terminal may be slow.
        let lines = self.standing().lines();
        self.demand(lines.join("\n"));
    }

    pub(super) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error that ends the run.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.demand(error::block(failure));
        if self.is_json() {
            self.json(&json::ErrorEvent::of(failure));
        }
    }

    /// An error that does not end the run, told as the matters are that it is the cause of.
    pub(crate) fn failure_of(&self, matters: &[Matter], failure: &Failure) {
        self.tell_each(matters, self.0.options.watched, |since| error::block_since(failure, since));
    }

    /// The error that ends a run which nobody may watch. What a later run outlives a quiet one does not say,
    /// unless it has lasted; else it says what it is at once, and again each week while it stays the same.
    /// `run`: what is done again and again.
    pub(crate) fn unattended_failure(&self, run: &str, failure: &Failure) {
        let matter = if failure.exit == Exit::Temporary {
            Matter::passing(passing_run(run))
        } else {
            self.settle(&[passing_run(run)]);
            let words = || notes::digest(&error::told(failure).join("\n"));
            let everywhere = failure.everywhere.map(|cause| Matter::everywhere(cause, failure));
            everywhere.unwrap_or_else(|| Matter::lasting(ended_run(run), words()))
        };
        self.failure_of(&[matter], failure);
        if self.is_json() {
            self.json(&json::ErrorEvent::of(failure));
        }
    }

    /// That this is no more what ends every run.
    pub(crate) fn settle_everywhere(&self, cause: Everywhere) {
        self.settle(&[everywhere_subject(cause)]);
    }

    /// That nothing kept such a run from its work.
    pub(crate) fn settle_run(&self, run: &str) {
        self.settle(&[passing_run(run), ended_run(run)]);
    }

    /// Answers the first signal, once: the run ends at the next safe place.
    pub(crate) fn stopping(&self, signal: Signal) {
        // A person who presses keys is answered also when quiet.
        let unwatched = self.0.options.quiet && !io::stderr().is_terminal();
        // Held until it is said, so that no run ends in the middle of it.
        let mut said = self.0.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *said, true) || unwatched {
            return;
        }
        let what =
            if self.standing().is_sending() { "stopping after this chunk" } else { "stopping" };
        self.demand(match signal {
            Signal::TIME_UP => format!("the time of `--max-runtime` is over: {what}"),
            Signal::INTERRUPT => format!("{what}; press again to stop now"),
            _ => format!("{what}; a second signal stops it now"),
        });
    }

    /// Says, once, that the run ends here and now.
    pub(crate) fn stopped(&self) {
        if !self.0.stopped.swap(true, Ordering::SeqCst) {
            // Nothing draws any more.
            self.0.live.end();
            self.demand("stopped");
        }
    }

    /// A command line that could not be read, or help that was asked for.
    pub(crate) fn usage(&self, error: &clap::Error) -> Exit {
        let coloured = |colours| {
            let text = error.render();
            let text = if colours { text.ansi().to_string() } else { text.to_string() };
            redact(text.trim_end()).into_owned()
        };
        if !error.use_stderr() {
            self.write_out(&coloured(self.0.options.colour_out));
            return Exit::Done;
        }
        self.write_err(&coloured(self.0.options.colour_err));
        if self.is_json() {
            self.json(&json::ErrorEvent::of(&error::usage(error)));
        }
        Exit::Usage
    }

    /// Says whether all data was written: [`Exit::Done`], or the exit code of a run that could not
    /// write it.
    pub(crate) fn finish(&self) -> Exit {
        self.catch_up();
        // A run that was dropped has left its bars.
        self.0.live.end();
        let mut out = self.out();
        if let OutState::Open = out.state
            && let Err(error) = out.stream.flush()
        {
            out.state = after(error);
        }
        let OutState::Failed(error) = &out.state else { return Exit::Done };
        let text = format!("failed to write to standard output: {error}");
        drop(out);
        self.demand(error::label(text));
        Exit::Local
    }

    fn write_out(&self, text: &str) {
        // Where both are one terminal, words stay in the order in which they were said.
        self.catch_up();
        self.0.live.suspend(|| {
            let mut out = self.out();
            if let OutState::Open = out.state
                && let Err(error) = out.stream.write_all(format!("{text}\n").as_bytes())
            {
                out.state = after(error);
            }
        });
    }

    fn write_err(&self, text: &str) {
        if self.1 == Talk::Behind {
            return self.write_behind(text);
        }
        self.catch_up();
        self.write_err_now(text);
    }

    fn write_behind(&self, text: &str) {
        let inner = &self.0;
        let Some(writer) = inner.writer.get_or_init(|| Worker::start("stderr").ok()) else {
            return self.write_err_now(text);
        };
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_BEHIND {
            inner.waiting.fetch_sub(1, Ordering::Relaxed);
            inner.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (printer, text) = (self.clone(), text.to_owned());
        writer.begin(move || {
            printer.write_err_now(&text);
            if printer.0.waiting.fetch_sub(1, Ordering::Relaxed) > 1 {
                return;
            }
            let left_out = printer.0.left_out.swap(0, Ordering::Relaxed);
            if left_out > 0 {
                let messages = count(left_out as u64, "message");
                printer.write_err_now(&format!("({messages} left out, as nobody was reading)"));
            }
        });
    }

    /// Waits until what was said from behind is written.
    fn catch_up(&self) {
        if let Some(Some(writer)) = self.0.writer.get()
            && !writer.is_current()
        {
            writer.wait();
        }
    }

    /// Nobody can be told that telling failed.
    fn write_err_now(&self, text: &str) {
        self.0.live.suspend(|| {
            let mut err = self.0.err.lock().unwrap_or_else(PoisonError::into_inner);
            _ = err.write_all(format!("{text}\n").as_bytes()).and_then(|()| err.flush());
        });
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of whole lines that another printer writes.
struct Onto {
    printer: Printer,
    /// Whether they are data, or talk.
    is_data: bool,
}

impl Write for Onto {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if self.is_data {
            self.printer.write_out(text);
        } else {
            self.printer.write_err(text);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// That what passes keeps a run from its work.
fn passing_run(run: &str) -> String {
    format!("run {run}")
}

/// That something else does.
fn ended_run(run: &str) -> String {
    format!("ended {run}")
}

fn after(error: io::Error) -> OutState {
    match error.kind() {
        io::ErrorKind::BrokenPipe => OutState::Closed,
        _ => OutState::Failed(error),
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Printer").field("options", &self.0.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{Memory, Screen, screen};

    /// A stream on which every write fails.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn onto_broken(kind: io::ErrorKind) -> (Exit, String) {
        let Screen { printer, err, .. } = screen(OutputOptions::default());
        drop(printer);
        let printer =
            Printer::on(OutputOptions::default(), Box::new(Broken(kind)), Box::new(err.clone()));
        printer.data("one");
        printer.data("two");
        (printer.finish(), err.text())
    }

    #[test]
    fn data_and_talk_go_their_own_ways() {
        let Screen { printer, out, err } = screen(OutputOptions::default());
        printer.data("data");
        printer.talk("talk");
        printer.note("by the way");
        printer.warn("mind this");
        assert_eq!(out.text(), "data\n");
        assert_eq!(err.text(), "talk\nnote: by the way\nwarning: mind this\n");
    }

    #[test]
    fn quiet_leaves_data_warnings_and_demands() {
        let Screen { printer, out, err } =
            screen(OutputOptions { quiet: true, ..OutputOptions::default() });
        printer.data("data");
        printer.talk("talk");
        printer.note("by the way");
        printer.warn("mind this");
        printer.demand("open this");
        assert_eq!(out.text(), "data\n");
        assert_eq!(err.text(), "warning: mind this\nopen this\n");
    }

    /// A stream on which every write waits until it may go on.
    struct Stopped(std::sync::mpsc::Receiver<()>, Memory);

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // For ever open once nobody holds it back.
            _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_speaks_from_behind_waits_for_no_terminal_and_is_heard_in_order() {
        let (go, stopped) = std::sync::mpsc::channel();
        let (out, err) = (Memory::default(), Memory::default());
        let stream = Stopped(stopped, err.clone());
        let printer =
            Printer::on(OutputOptions::default(), Box::new(out.clone()), Box::new(stream));
        for number in 0..MOST_BEHIND + 10 {
            printer.behind().demand(number.to_string());
        }
        assert_eq!(err.text(), "", "nothing could be written yet");
        drop(go);
        printer.demand("last");
        let text = err.text();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("0"));
        let rest: Vec<_> = lines.skip(MOST_BEHIND - 1).collect();
        assert_eq!(rest, ["(10 messages left out, as nobody was reading)", "last"]);
    }

    #[test]
    fn a_closed_pipe_ends_nothing() {
        assert_eq!(onto_broken(io::ErrorKind::BrokenPipe), (Exit::Done, String::new()));
    }

    #[test]
    fn a_full_disk_under_standard_output_is_told_once() {
        let (exit, said) = onto_broken(io::ErrorKind::StorageFull);
        assert_eq!(exit, Exit::Local);
        assert!(said.starts_with("error: failed to write to standard output: "), "{said}");
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn colours_are_where_they_are_wanted() {
        let none = |_: &str| None;
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".into());
        let empty = |name: &str| (name == "NO_COLOR").then(Default::default);
        let dumb = |name: &str| (name == "TERM").then(|| "dumb".into());
        assert!(colours(None, true, &none));
        assert!(!colours(None, false, &none));
        assert!(!colours(None, true, &no_color));
        assert!(colours(None, true, &empty));
        assert!(!colours(None, true, &dumb));
        assert!(!can_draw(&none) && !can_draw(&dumb));
        assert!(can_draw(&|_| Some("xterm".into())));
        assert!(colours(Some(true), false, &no_color));
        assert!(!colours(Some(false), true, &none));
    }
}
