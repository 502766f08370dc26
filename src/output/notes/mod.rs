//! What runs leave for later ones to know about what is said: which troubles a person was told of, so that
//! a run under cron says each once, and what the last run of each manifest left, so that `status` can say why
//! it waits.
//!
//! The file is a convenience. One that is lost, damaged or cannot be written costs a repetition, and no run
//! fails for it. Runs that change it at the same time wait for one another.

mod left;
mod setting;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use self::left::{LastRun, Left, Needs, Refusal, Remains, Why};

pub(crate) use self::setting::SettingsOf;

use self::left::Scheduled;
use super::error::told;
use super::failure::{Everywhere, Failure};
use crate::clock::Clock;
use crate::fs::{Lock, PRIVATE_FILE, check_removal, clean_temps, is_temp_of, write_atomic};
use crate::model::{PostNumber, RecordedPost};
use crate::problem::ErrorCode;

/// Name of the file in the state directory.
pub(crate) const NAME: &str = "notes.json";

/// Name of the file that is locked while that one is changed.
const LOCK: &str = "notes.json.lock";

/// How long another run is waited for, which needs it for a moment.
const PATIENCE: Duration = Duration::from_secs(2);

/// The form of the file that is written. One of a later form is left alone.
const VERSION: u64 = 2;

/// How long trouble that passes by itself may last before somebody is told.
const PASSES: SignedDuration = SignedDuration::from_hours(24);

/// What was not seen for so long has passed meanwhile, and begins anew: longer than a daily run that is left
/// out once.
const APART: SignedDuration = SignedDuration::from_hours(49);

/// What begins anew for the so-many-th time is told all the same, for runs that are further apart than that.
const OFTEN: u32 = 2;

/// How exact it is kept when something was seen, so that not every run writes.
const SEEN: SignedDuration = SignedDuration::from_hours(1);

/// How long after it was told something is told again, where it still keeps posts or logins from going on.
const AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The most troubles that are remembered; the ones that began first are forgotten.
const MOST: usize = 2000;

/// The largest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// Something to be told, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matter {
    /// What it is about: told again only if `what` is another one.
    subject: String,
    /// What is the matter with it.
    what: String,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It is recorded elsewhere, and `status` shows it: told once.
    Once,
    /// It keeps posts or logins from going on: told at once, and again each week while it lasts.
    Lasting,
    /// It passes by itself: told only if it has not passed within a day, then each week.
    Passing,
}

impl Matter {
    /// What is told once; `status` shows it for as long as it stands.
    pub(crate) fn once(subject: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { subject: subject.into(), what: what.to_string(), manner: Manner::Once }
    }

    /// What keeps posts or logins from going on until somebody does something.
    pub(crate) fn lasting(subject: impl Into<String>, what: impl fmt::Display) -> Self {
        Self { subject: subject.into(), what: what.to_string(), manner: Manner::Lasting }
    }

    /// What a later run outlives.
    pub(crate) fn passing(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), what: String::new(), manner: Manner::Passing }
    }

    /// The same of a cause, which begins anew if it is another one.
    pub(crate) fn because_of(self, cause: &str) -> Self {
        Self { what: cause.to_owned(), ..self }
    }

    /// Whether it is one that passes by itself.
    pub(super) fn is_passing(&self) -> bool {
        self.manner == Manner::Passing
    }

    /// That a post failed, or that its outcome is unknown, as the journal has it.
    pub(crate) fn recorded_failure(
        account: &str,
        post: PostNumber,
        code: &str,
        publish_id: Option<&str>,
    ) -> Self {
        let what = format_args!("{code} {}", publish_id.unwrap_or_default()).to_string();
        Self::once(post_subject(account, post), what)
    }

    /// That nobody makes sure of the last chunk of a post.
    pub(crate) fn unconfirmed(post: &RecordedPost) -> Self {
        let publish_id = post.last.as_ref().and_then(|last| last.publish_id.as_deref());
        let code = ErrorCode::UnconfirmedUnnamed.as_str();
        Self::recorded_failure(&post.account, post.number, code, publish_id)
    }

    /// That TikTok lets an account post nothing, whatever its login is worth.
    pub(crate) fn blocked(account: &str, code: &str) -> Self {
        Self::lasting(blocked_subject(account), code)
    }

    /// That a setting keeps accounts from their work, whichever command and account comes upon it.
    pub(crate) fn setting(of: &SettingsOf, code: ErrorCode) -> Self {
        Self::lasting(of.subject(code), code.as_str())
    }

    /// That TikTok cannot be reached, whichever command comes upon it.
    pub(crate) fn unreached() -> Self {
        Self::passing(UNREACHED)
    }

    /// What ends every run, whichever command comes upon it.
    pub(super) fn everywhere(cause: Everywhere, failure: &Failure) -> Self {
        let what = match cause {
            Everywhere::Settings => digest(&told(failure).join("\n")),
            // Each command has its own words for it.
            Everywhere::NoLogin | Everywhere::NoApp => String::new(),
        };
        Self::lasting(everywhere_subject(cause), what)
    }

    /// That an account has to log in.
    pub(crate) fn login(account: &str) -> Self {
        Self::lasting(account_subject(account), "login")
    }
}

/// The subject of [`Matter::unreached`].
pub(crate) const UNREACHED: &str = "waiting everyone";

/// The subject of [`Matter::everywhere`].
pub(super) fn everywhere_subject(cause: Everywhere) -> String {
    format!("ended {cause:?}")
}

/// A post of the journal, by its account's `open_id`.
pub(crate) fn post_subject(account: &str, post: PostNumber) -> String {
    format!("post {account} {post}")
}

/// An account, by its `open_id`.
pub(crate) fn account_subject(account: &str) -> String {
    format!("account {account}")
}

/// That an account, by its `open_id`, may post. A refresh tells nothing of that.
pub(super) fn blocked_subject(account: &str) -> String {
    format!("blocked {account}")
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    version: u64,
    /// Troubles by a hash of what they are about.
    told: BTreeMap<String, Told>,
    /// What the last run of each manifest left, by the manifest's path.
    manifests: BTreeMap<String, LastRun>,
    /// The same in the first form of the file, which knew of nothing but posts that wait for their time.
    #[serde(skip_serializing)]
    scheduled: BTreeMap<String, Vec<Scheduled>>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            version: VERSION,
            told: BTreeMap::new(),
            manifests: BTreeMap::new(),
            scheduled: BTreeMap::new(),
        }
    }
}

impl Kept {
    /// The same in the form of today.
    fn of_today(mut self) -> Self {
        for (manifest, posts) in std::mem::take(&mut self.scheduled) {
            let run = || LastRun::waiting(posts.into_iter().map(Left::from).collect());
            self.manifests.entry(manifest).or_insert_with(run);
        }
        Self { version: VERSION, ..self }
    }
}

/// What of the file every form of it has.
#[derive(Debug, Deserialize)]
struct Form {
    #[serde(default)]
    version: u64,
}

/// Whether something is to be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    NotNow,
    Now,
    /// And since when it lasts.
    Since(Timestamp),
}

/// A trouble that lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    what: String,
    since: Timestamp,
    /// When somebody was told last.
    last: Option<Timestamp>,
    /// When a run came upon it last, to the hour; kept of what passes.
    #[serde(default)]
    seen: Timestamp,
    /// How often it had passed and began anew.
    #[serde(default)]
    anew: u32,
}

/// The notes in a state directory.
#[derive(Debug)]
pub(crate) struct Notes {
    path: PathBuf,
    clock: Clock,
    kept: Mutex<Kept>,
}

impl Notes {
    /// Those in a directory, which need not be there.
    pub(crate) fn open(dir: &Path, clock: Clock) -> Self {
        let path = dir.join(NAME);
        let kept = Mutex::new(read(&path));
        let notes = Self { path, clock, kept };
        notes.tidy();
        notes
    }

    /// Removes what writes that were cut off have left.
    fn tidy(&self) {
        let dir = self.path.parent().unwrap_or(&self.path);
        let mut there = std::fs::read_dir(dir).into_iter().flatten().flatten();
        if there.any(|entry| is_temp_of(&entry.path(), &self.path))
            && let Some(lock) = self.lock()
        {
            _ = clean_temps(&self.path, &lock);
        }
    }

    /// Whether a matter of that subject stands and was told.
    pub(super) fn has_told(&self, subject: &str) -> bool {
        self.kept().told.get(&key(subject)).is_some_and(|told| told.last.is_some())
    }

    /// Notes that a matter stands, and says whether it is to be told.
    pub(super) fn tell(&self, matter: &Matter) -> Telling {
        self.tell_widest_first(std::slice::from_ref(matter))
    }

    /// Notes that all of these stand, which one line tells, and says whether it is to be told. The widest is
    /// the first: where it was told lately, that was told of those behind it; where it begins anew, as
    /// something else that it covers went well, those behind it go on.
    pub(super) fn tell_widest_first(&self, matters: &[Matter]) -> Telling {
        let now = self.clock.now();
        self.change(|kept| {
            let before: Vec<_> =
                matters.iter().map(|it| kept.told.get(&key(&it.subject)).cloned()).collect();
            let stands =
                |(matter, before): (&Matter, &Option<Told>)| stands(matter, before.as_ref(), now);
            let mut all: Vec<_> = matters.iter().zip(&before).map(stands).collect();
            let mut covered = None;
            for told in &mut all {
                told.last = told.last.max(covered);
                covered = told.last.filter(|at| now.duration_since(*at) < AGAIN);
            }
            let is_due = |(told, matter): &(&Told, &Matter)| is_due(told, matter.manner, now);
            let due: Vec<_> = all.iter().zip(matters).filter(is_due).collect();
            let lasted =
                |(told, matter): &&(&Told, &Matter)| matter.is_passing() && has_lasted(told, now);
            let since = due.iter().filter(lasted).map(|(told, _)| told.since).min();
            let telling = match since {
                _ if due.is_empty() => Telling::NotNow,
                Some(since) => Telling::Since(since),
                None => Telling::Now,
            };
            if telling != Telling::NotNow {
                for told in &mut all {
                    told.last = Some(now);
                }
            }
            let mut changed = false;
            for ((matter, before), told) in matters.iter().zip(before).zip(all) {
                if before.as_ref() != Some(&told) {
                    kept.told.insert(key(&matter.subject), told);
                    changed = true;
                }
            }
            while kept.told.len() > MOST {
                let first = kept.told.iter().min_by_key(|(_, told)| told.since);
                let Some(first) = first.map(|(key, _)| key.clone()) else { break };
                kept.told.remove(&first);
            }
            (changed, telling)
        })
    }

    /// Notes that a matter was told elsewhere.
    pub(crate) fn note(&self, matter: &Matter) {
        self.tell(matter);
    }

    /// Notes that nothing is the matter with these any more.
    pub(super) fn over(&self, subjects: &[String]) {
        // As a rule nothing is the matter with any of thousands of accounts.
        if self.kept().told.is_empty() {
            return;
        }
        let keys: Vec<_> = subjects.iter().map(|subject| key(subject)).collect();
        let known = |kept: &Kept| keys.iter().any(|key| kept.told.contains_key(key));
        if known(&self.kept()) {
            self.change(|kept| {
                let changed = known(kept);
                kept.told.retain(|key, _| !keys.contains(key));
                (changed, ())
            });
        }
    }

    /// What the last run of a manifest left.
    pub(crate) fn last_run(&self, manifest: &str) -> LastRun {
        self.change(|kept| (false, kept.manifests.get(manifest).cloned().unwrap_or_default()))
    }

    /// Notes what a run of a manifest leaves, in the place of what was known of it. Of the `untried`, which
    /// another run has in hand, what that one found out says more.
    pub(crate) fn leave(&self, manifest: &str, posts: Vec<Left>, untried: Vec<Left>) {
        self.change_run(manifest, |run| {
            let known = run.find_all(&untried);
            let known = known.into_iter().map(Option::<&Left>::cloned).collect::<Vec<_>>();
            let untried = untried.into_iter().zip(known).map(|(post, known)| match known {
                Some(known) if !(known.is_scheduled() || known.is_in_other_hands()) => known,
                _ => post,
            });
            let left = LastRun::waiting(posts.into_iter().chain(untried).collect());
            *run = LastRun { fingerprints: std::mem::take(&mut run.fingerprints), ..left };
        });
    }

    /// Notes the fingerprints of files of a manifest that wait for their time, so that the next run reads none
    /// of them.
    pub(crate) fn keep_fingerprints(&self, manifest: &str, used: BTreeMap<String, String>) {
        self.change_run(manifest, |run| run.fingerprints = used);
    }

    /// Notes that nothing is known any more to keep a post of a manifest waiting.
    pub(crate) fn is_done(&self, manifest: &str, post: &Left) {
        self.change_run(manifest, |run| run.forget(post));
    }

    /// Notes that a run of a manifest came to nothing. What is known of its posts stays.
    pub(crate) fn refused(&self, manifest: &str, failure: &Failure, needs: Option<Needs>) {
        let now = self.clock.now();
        self.change_run(manifest, |run| run.refuse(failure, needs, now));
    }

    /// What the last runs of all manifests left, each with its manifest: posts that wait for their time in the
    /// order in which they will go, behind all others.
    pub(crate) fn remains(&self) -> Remains {
        Remains::of(&self.kept().manifests, self.clock.now())
    }

    /// Whether the last run of a manifest left a post of an account, by its number or by what it is called, to its
    /// next one.
    pub(crate) fn is_named(&self, account: &str, post: PostNumber, video: &str) -> bool {
        self.remains().posts.iter().any(|(_, left)| {
            let same = left.post.map_or(left.video == video, |number| number == post.0);
            left.account == account && same
        })
    }

    fn change_run(&self, manifest: &str, change: impl FnOnce(&mut LastRun)) {
        self.change(|kept| {
            let before = kept.manifests.get(manifest).cloned().unwrap_or_default();
            let mut after = before.clone();
            change(&mut after);
            let changed = before != after;
            if after.is_empty() {
                kept.manifests.remove(manifest);
            } else {
                kept.manifests.insert(manifest.to_owned(), after);
            }
            (changed, ())
        });
    }

    /// Changes what is there now, which another run may have written meanwhile; written if `change` says so.
    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> (bool, T)) -> T {
        let mut kept = self.kept();
        let lock = self.lock();
        // What cannot be read back was not written, so what this run knows counts.
        if kept.version <= VERSION && self.path.exists() {
            *kept = read(&self.path);
        }
        let (changed, value) = change(&mut kept);
        if changed
            && kept.version <= VERSION
            && lock.is_some()
            && let Ok(bytes) = serde_json::to_vec_pretty(&*kept)
        {
            // Nothing is left behind where nothing can be replaced.
            _ = check_removal(&self.path)
                .and_then(|()| write_atomic(&self.path, &bytes, PRIVATE_FILE));
        }
        value
    }

    /// What keeps other runs from changing the file. `None`: it cannot be had, and nothing is written.
    fn lock(&self) -> Option<Lock> {
        let dir = self.path.parent().filter(|dir| dir.exists())?;
        Lock::acquire_blocking(&dir.join(LOCK), PATIENCE).ok()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A matter that stands, as it is to be kept; `before` is what was known of it.
fn stands(matter: &Matter, before: Option<&Told>, now: Timestamp) -> Told {
    let known = before.cloned().filter(|told| told.what == matter.what);
    let what = matter.what.clone();
    let mut told = known.unwrap_or(Told { what, since: now, last: None, seen: now, anew: 0 });
    if matter.is_passing() {
        see(&mut told, now);
    }
    told
}

/// Notes that what passes was seen again.
fn see(told: &mut Told, now: Timestamp) {
    let gap = now.duration_since(told.seen);
    if gap > APART {
        told.since = now;
        told.anew = told.anew.saturating_add(1);
    }
    if gap >= SEEN {
        told.seen = now;
    }
}

fn has_lasted(told: &Told, now: Timestamp) -> bool {
    lasts_long(told.since, now)
}

/// Whether trouble that passes by itself has lasted for so long that somebody is to be told.
pub(crate) fn lasts_long(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) >= PASSES
}

fn is_due(told: &Told, manner: Manner, now: Timestamp) -> bool {
    let lasted = has_lasted(told, now) || told.anew >= OFTEN;
    let again = told.last.is_none_or(|at| now.duration_since(at) >= AGAIN);
    match manner {
        Manner::Once => told.last.is_none(),
        Manner::Lasting => again,
        Manner::Passing => lasted && again,
    }
}

fn read(path: &Path) -> Kept {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    if read.is_err() {
        return Kept::default();
    }
    match serde_json::from_slice(&bytes) {
        Ok(Form { version }) if version > VERSION => Kept { version, ..Kept::default() },
        _ => serde_json::from_slice(&bytes).unwrap_or_else(|_| Kept::default()).of_today(),
    }
}

/// A subject without what it names: paths and ids are nobody else's business.
fn key(subject: &str) -> String {
    digest(subject)
}

/// What tells one text from another.
pub(super) fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests;
