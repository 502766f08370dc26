//! The events that hooks have yet to be told, and those that they were told.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Notice;
use crate::clock::Clock;
use crate::fs::{Lock, PRIVATE_FILE, write_atomic};
use crate::model::HookKind;
use crate::source::blocking;

/// Name of the file in the state directory.
pub(crate) const NAME: &str = "hooks.json";

/// Name of the file that is locked while that one is changed.
const LOCK: &str = "hooks.json.lock";

/// Name of the file that is locked while hooks are told.
const TURN: &str = "hooks.turn.lock";

/// How long another run is waited for, which needs the file for a moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it is remembered that something was told, after a run came upon it last.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(180 * 24);

/// How exact it is kept when a run came upon something, so that not every run writes.
const SEEN: SignedDuration = SignedDuration::from_hours(24);

/// The most events that wait for a hook; of more, the first ones are dropped.
const MOST: usize = 1000;

/// The largest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// The form of the file.
const VERSION: u64 = 1;

/// An event that waits for a hook, as the hook is given it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Queued {
    /// The same if it is told again.
    pub(super) id: String,
    pub(super) kind: HookKind,
    pub(super) time: Timestamp,
    pub(super) text: String,
    pub(super) about: Value,
}

/// An event that somebody is still to be told of.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    event: Queued,
    /// The hooks that it waits for.
    hooks: Vec<String>,
    /// Whether another hook was told.
    told: bool,
}

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    version: u64,
    /// When a run came upon an event last, by its key.
    seen: BTreeMap<String, Timestamp>,
    /// The first one first.
    waiting: Vec<Waiting>,
}

impl Kept {
    /// Gives what waits for hooks that are there no more, and that nobody was told of, to those that are there.
    fn hand_on(&mut self, hooks: &[&str]) -> bool {
        let mut changed = false;
        for waiting in &mut self.waiting {
            if !waiting.told && !waiting.hooks.iter().any(|hook| hooks.contains(&hook.as_str())) {
                waiting.hooks = hooks.iter().map(|hook| (*hook).to_owned()).collect();
                changed = true;
            }
        }
        changed
    }
}

/// The outbox of a state directory.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    lock: PathBuf,
    turn: PathBuf,
    clock: Clock,
}

impl Outbox {
    pub(super) fn in_dir(dir: &Path, clock: Clock) -> Self {
        Self { path: dir.join(NAME), lock: dir.join(LOCK), turn: dir.join(TURN), clock }
    }

    /// Adds events that were not told yet for each of the hooks. What begins with one of the keys in `over` may be
    /// told anew.
    pub(super) fn add(
        &self,
        hooks: &[&str],
        notices: Vec<Notice>,
        over: &[String],
    ) -> Result<(), String> {
        if notices.is_empty() && !self.path.exists() {
            return Ok(());
        }
        let now = self.clock.now();
        self.change(|kept| {
            let before = kept.seen.len();
            kept.seen.retain(|key, seen| {
                now.duration_since(*seen) < REMEMBERED
                    && !over.iter().any(|over| key.starts_with(over.as_str()))
            });
            let mut changed = kept.seen.len() != before;
            for notice in notices {
                let Notice { kind, key, text, about } = notice;
                let key = format!("{} {key}", kind.as_str());
                match kept.seen.get_mut(&key) {
                    Some(seen) if now.duration_since(*seen) < SEEN => continue,
                    Some(seen) => *seen = now,
                    None => {
                        let hash = blake3::hash(format!("{key} {now}").as_bytes());
                        let id = hash.to_hex()[..32].to_owned();
                        let event = Queued { id, kind, time: now, text, about };
                        let hooks = hooks.iter().map(|hook| (*hook).to_owned()).collect();
                        kept.waiting.push(Waiting { event, hooks, told: false });
                        let excess = kept.waiting.len().saturating_sub(MOST);
                        kept.waiting.drain(..excess);
                        kept.seen.insert(key, now);
                    }
                }
                changed = true;
            }
            changed
        })
    }

    /// Whether anything waits for one of the hooks; what waits for others that are there no more, does from now on.
    pub(super) fn has_any(&self, hooks: &[&str]) -> bool {
        if self.read().is_ok_and(|kept| kept.waiting.is_empty()) {
            return false;
        }
        _ = self.change(|kept| kept.hand_on(hooks));
        self.read().is_ok_and(|kept| {
            let mut all = kept.waiting.iter().flat_map(|waiting| &waiting.hooks);
            all.any(|hook| hooks.contains(&hook.as_str()))
        })
    }

    /// What waits for a hook, the first one first.
    pub(super) fn of(&self, hook: &str) -> Result<Vec<Queued>, String> {
        let waiting = self.read()?.waiting.into_iter();
        let own = waiting.filter(|waiting| waiting.hooks.iter().any(|waits| waits == hook));
        Ok(own.map(|waiting| waiting.event).collect())
    }

    /// Notes what a hook was told.
    pub(super) fn is_told(&self, hook: &str, events: &[Queued]) -> Result<(), String> {
        self.change(|kept| {
            for waiting in &mut kept.waiting {
                if events.iter().any(|told| told.id == waiting.event.id) {
                    waiting.hooks.retain(|waits| waits != hook);
                    waiting.told = true;
                }
            }
            kept.waiting.retain(|waiting| !waiting.hooks.is_empty());
            true
        })
    }

    /// The right to tell hooks, for as long as the lock is held. `None`: another run goes on telling.
    pub(super) async fn turn(&self, patience: Duration) -> Option<Lock> {
        let turn = self.turn.clone();
        blocking(move || Lock::acquire_blocking(&turn, patience).ok()).await
    }

    fn read(&self) -> Result<Kept, String> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Kept::default());
            }
            Err(error) => return Err(self.words(&error)),
        };
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).map_err(|error| self.words(&error))?;
        // As nothing can be made of it, it is kept for a person, and another one begun.
        let Ok(kept) = serde_json::from_str::<Kept>(&text) else {
            let damaged = self.path.with_extension("json.damaged");
            std::fs::rename(&self.path, damaged).map_err(|error| self.words(&error))?;
            return Ok(Kept::default());
        };
        if kept.version > VERSION {
            return Err(format!("`{}` is of a newer version of tiktok-up", self.path.display()));
        }
        Ok(kept)
    }

    fn change(&self, change: impl FnOnce(&mut Kept) -> bool) -> Result<(), String> {
        let _lock =
            Lock::acquire_blocking(&self.lock, PATIENCE).map_err(|error| error.to_string())?;
        let mut kept = self.read()?;
        if change(&mut kept) {
            kept.version = VERSION;
            let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
            write_atomic(&self.path, &text, PRIVATE_FILE).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn words(&self, error: &dyn std::fmt::Display) -> String {
        format!("`{}`: {error}", self.path.display())
    }
}
