//! Who is told when something needs a human, or was posted: a command, a webhook, the desktop.
//!
//! Each event is told once, also over many runs. It is written into the [`outbox`] before anybody is told of
//! it and taken out when that has worked, so that a network that is away costs a delay and no event. A run that is
//! killed between the two tells it again: an event has an `id`, by which that can be seen.
//!
//! Hooks come last in a run and change nothing of it: not its exit code, and not what it prints, but for a word about
//! a hook that does not work.

mod command;
mod outbox;
mod webhook;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::outbox::NAME as OUTBOX_FILE;
use self::outbox::{Outbox, Queued};
pub(crate) use self::webhook::Webhook;
use crate::clock::Clock;
use crate::model::HookKind;
use crate::secret::redact;
use crate::source::blocking;
use crate::timing::Timing;

/// The form of what hooks are given.
const VERSION: u32 = 1;

/// The most events that are told at once; more follow in another message.
const MOST_AT_ONCE: usize = 50;

/// How long another run is waited for that tells its own events.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whom to tell, and of what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    /// A program and its arguments.
    pub(crate) command: Option<Vec<String>>,
    /// A server.
    pub(crate) webhook: Option<Webhook>,
    /// The desktop, where there is one.
    pub(crate) desktop: bool,
    /// Of these alone.
    pub(crate) when: Vec<HookKind>,
}

impl Targets {
    /// The words of those that are there.
    fn words(&self) -> Vec<&'static str> {
        let there = [
            (COMMAND, self.command.is_some()),
            (WEBHOOK, self.webhook.is_some()),
            (DESKTOP, self.desktop && command::has_desktop()),
        ];
        there.into_iter().filter(|(_, is_there)| *is_there).map(|(word, _)| word).collect()
    }
}

const COMMAND: &str = "notify_command";
const WEBHOOK: &str = "webhook";
const DESKTOP: &str = "desktop";

/// Something to be told.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    /// What it is.
    pub(crate) kind: HookKind,
    /// The same for the same event in a later run, and for no other event.
    pub(crate) key: String,
    /// In a line for people.
    pub(crate) text: String,
    /// As `--json` tells of it, without secrets.
    pub(crate) about: Value,
}

/// What a hook is given.
#[derive(Debug, Serialize)]
struct Message<'a> {
    version: u32,
    /// For people, and for services that show a `text`: a line for each event.
    text: String,
    events: &'a [Queued],
}

/// A hook that did not work. Its events stay in the outbox.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// Which one, by its name in config.toml.
    pub(crate) hook: &'static str,
    /// Why, in words without secrets.
    pub(crate) why: String,
}

/// What a run tells its hooks.
#[derive(Debug)]
pub(crate) struct Hooks {
    targets: Targets,
    dir: PathBuf,
    clock: Clock,
    timing: Timing,
    noticed: Mutex<Vec<Notice>>,
    /// The beginnings of keys of what is over: it is told again if it begins anew.
    over: Mutex<Vec<String>>,
}

impl Hooks {
    /// Those of a run whose files are in a directory.
    pub(crate) fn new(targets: Targets, dir: PathBuf, clock: Clock, timing: Timing) -> Self {
        Self { targets, dir, clock, timing, noticed: Mutex::default(), over: Mutex::default() }
    }

    /// Whether anybody is to be told of such an event.
    pub(crate) fn wants(&self, kind: HookKind) -> bool {
        self.targets.when.contains(&kind) && !self.targets.words().is_empty()
    }

    /// Keeps an event until the end of the run.
    pub(crate) fn notice(&self, mut notice: Notice) {
        if self.wants(notice.kind) {
            notice.text = redact(&notice.text).into_owned();
            self.noticed.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
        }
    }

    /// What begins with `key` has passed.
    pub(crate) fn is_over(&self, key: impl Into<String>) {
        if !self.targets.words().is_empty() {
            self.over.lock().unwrap_or_else(PoisonError::into_inner).push(key.into());
        }
    }

    /// Writes down what was noticed, so that a run that is killed afterwards loses none of it. `Err`: why not.
    pub(crate) async fn keep(&self) -> Result<(), Trouble> {
        let words = self.targets.words();
        let noticed = take(&self.noticed);
        let over = take(&self.over);
        if words.is_empty() || (noticed.is_empty() && over.is_empty()) {
            return Ok(());
        }
        let outbox = self.outbox();
        let added = blocking(move || outbox.add(&words, noticed, &over)).await;
        // Nothing is lost silently: they are told of later only if they come up again.
        added.map_err(|error| Trouble {
            hook: "hooks",
            why: format!("events cannot be kept: {error}"),
        })
    }

    /// Tells what waits, of this run and of earlier ones. Says which hooks did not work, and those that did.
    pub(crate) async fn tell(&self) -> (Vec<Trouble>, Vec<&'static str>) {
        let (mut troubles, mut worked) = (Vec::new(), Vec::new());
        let (words, outbox) = (self.targets.words(), self.outbox());
        let (looked, hooks) = (outbox.clone(), words.clone());
        if words.is_empty() || !blocking(move || looked.has_any(&hooks)).await {
            return (troubles, worked);
        }
        // Another run that tells hooks may not know of these events.
        let Some(_turn) = outbox.turn(PATIENCE).await else { return (troubles, worked) };
        for word in words {
            match self.empty(&outbox, word).await {
                Ok(0) => {}
                Ok(_) => worked.push(word),
                Err(why) => troubles.push(Trouble { hook: word, why }),
            }
        }
        (troubles, worked)
    }

    fn outbox(&self) -> Outbox {
        Outbox::in_dir(&self.dir, self.clock)
    }

    /// Tells a hook all that waits for it: how many events those were.
    async fn empty(&self, outbox: &Outbox, word: &'static str) -> Result<usize, String> {
        let mut told = 0;
        loop {
            let looked = outbox.clone();
            let mut events = blocking(move || looked.of(word)).await?;
            events.truncate(MOST_AT_ONCE);
            if events.is_empty() {
                return Ok(told);
            }
            let message = message(&events);
            match word {
                COMMAND => {
                    let words = self.targets.command.as_deref().unwrap_or(&[]);
                    command::run(words, &message).await?;
                }
                WEBHOOK => {
                    if let Some(webhook) = &self.targets.webhook {
                        webhook.post(&message, &events, self.clock, &self.timing).await?;
                    }
                }
                _ => command::notify_desktop(&lines(&events)).await?,
            }
            told += events.len();
            let noted = outbox.clone();
            blocking(move || noted.is_told(word, &events)).await?;
        }
    }
}

fn take<T: Default>(all: &Mutex<T>) -> T {
    std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner))
}

fn message(events: &[Queued]) -> String {
    let message = Message { version: VERSION, text: lines(events), events };
    serde_json::to_string(&message).unwrap_or_default()
}

/// A line for each event.
fn lines(events: &[Queued]) -> String {
    let mut lines = String::new();
    for (nth, event) in events.iter().enumerate() {
        _ = write!(lines, "{}{}", if nth == 0 { "" } else { "\n" }, event.text);
    }
    lines
}
