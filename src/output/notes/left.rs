//! What the last run of a manifest left: posts that wait, and why, or that the run came to nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::model::account::NeededLogin;
use crate::model::{FileIdentity, PostError, PostOutcome, PostState};
use crate::output::error::told;
use crate::output::failure::{Failure, post_hint};
use crate::problem::{ErrorCode, ErrorKind, Origin, Problem, Value};
use crate::secret::redact;

/// How long what is known of a manifest is listed that is not there any more.
const LATE: SignedDuration = SignedDuration::from_hours(25);

/// How long what a run left is listed where no other run follows.
const STALE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The most posts of a manifest that are kept.
const MOST: usize = 10_000;

/// The most characters of a message that are kept: a manifest may have a thousand mistakes.
const LONGEST: usize = 2000;

/// A post that a run left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// `open_id` of its account.
    pub(crate) account: String,
    /// The file's path or the URL, as the manifest has it.
    pub(crate) video: String,
    /// The user's own identity for it.
    pub(crate) id: Option<String>,
    /// `direct` or `draft`.
    pub(crate) mode: String,
    /// Not to be posted before.
    pub(crate) publish_at: Option<Timestamp>,
    /// Its number in the journal, if it has one.
    pub(crate) post: Option<u32>,
    /// The file that lay there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<FileIdentity>,
    /// What keeps it waiting. `None`: its time has not come.
    pub(crate) why: Option<Why>,
}

/// Why a post waits, or was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Why {
    /// Stable name: TikTok's code, or one of ours.
    pub(crate) code: String,
    /// What happened, in words.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// When it is worth another try, if that is known.
    pub(crate) not_before: Option<Timestamp>,
    /// Since when it is so.
    pub(crate) since: Timestamp,
    /// When a run came upon it last.
    pub(crate) seen: Timestamp,
    /// Whether somebody has to do something: it does not pass by itself.
    pub(crate) failed: bool,
    /// Whether it is made as soon as that is mended.
    #[serde(default)]
    pub(crate) deferred: bool,
    /// Where it shows that it is mended. `None`: only the next run finds that out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) needs: Option<Needs>,
}

/// What a run needed and did not find, for whoever looks without asking TikTok whether it is there by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Needs {
    /// A login of the post's account that can be used.
    Login,
    /// The app of the post's account, with its secret.
    App,
    /// Tokens that TikTok issues later: it has refused the app, or what the login may.
    Tokens,
    /// That the process of this number, on this machine, leaves the account to others.
    Process(i32),
    /// An app, whichever it is.
    AnyApp,
    /// A config.toml that can be read.
    Config,
    /// The logins that a manifest asks for.
    Logins(Vec<NeededLogin>),
    /// That these files are there.
    Files(Vec<String>),
}

/// What the last run of a manifest left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LastRun {
    /// The posts that wait or failed, in the manifest's order.
    pub(crate) posts: Vec<Left>,
    /// That it came to nothing, and why; the posts are those of an earlier one then.
    pub(crate) refused: Option<Refusal>,
    /// The fingerprints of files that wait for their time, by what tells that they are unchanged.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fingerprints: BTreeMap<String, String>,
}

/// Why a run of a manifest came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// What it was, the causes included: a line for each.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The exit code of the run.
    pub(crate) exit: u8,
    /// Since when each run came to it.
    pub(crate) since: Timestamp,
    /// When the last one did.
    pub(crate) seen: Timestamp,
    /// As [`Why::needs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) needs: Option<Needs>,
}

/// What is left of all manifests, each thing with its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remains {
    /// Posts: those that failed or were put off, then those that wait for their time, in its order.
    pub(crate) posts: Vec<(String, Left)>,
    /// Manifests whose last run came to nothing.
    pub(crate) refused: Vec<(String, Refusal)>,
}

/// A post that waits for its time, as the first form of the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Scheduled {
    account: String,
    video: String,
    id: Option<String>,
    mode: String,
    publish_at: Timestamp,
}

impl From<Scheduled> for Left {
    fn from(post: Scheduled) -> Self {
        let Scheduled { account, video, id, mode, publish_at } = post;
        let publish_at = Some(publish_at);
        Self { account, video, id, mode, publish_at, post: None, file: None, why: None }
    }
}

impl Left {
    /// Whether both speak of the same post.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// What two that speak of the same post have in common: account, mode, and its `id`, or its file or URL.
    fn key(&self) -> (&str, &str, Option<&str>, Option<&str>) {
        let (account, id, video) = self.name();
        (account, &self.mode, id, video)
    }

    /// What it goes by whatever its mode: account, and its `id`, or its file or URL.
    pub(crate) fn name(&self) -> (&str, Option<&str>, Option<&str>) {
        let id = self.id.as_deref();
        (&self.account, id, Some(self.video.as_str()).filter(|_| id.is_none()))
    }

    /// Whether it is known by its file alone, and surely another one lies there now.
    pub(crate) fn was_replaced(&self, now: &Self) -> bool {
        self.post.is_none() && self.id.is_none() && self.lay_elsewhere(now)
    }

    /// Whether its file is surely another one than that which lies there now.
    pub(crate) fn lay_elsewhere(&self, now: &Self) -> bool {
        let files = self.file.as_ref().zip(now.file.as_ref());
        files.is_some_and(|(it, now)| now.is_surely_other(it))
    }

    /// Whether its file is surely what another one names, wherever it lies now.
    pub(crate) fn was_moved_to(&self, now: &Self) -> bool {
        let files = self.file.as_ref().zip(now.file.as_ref());
        files.is_some_and(|(it, now)| now.is_surely_same(it))
    }

    /// Whether another run has it in hand.
    pub(crate) fn is_in_other_hands(&self) -> bool {
        self.why.as_ref().is_some_and(|why| why.code == ErrorCode::AccountBusy.as_str())
    }

    /// Whether it waits for nothing but its time.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.why.is_none()
    }

    fn is_listed(&self, manifest: &str, now: Timestamp) -> bool {
        match &self.why {
            Some(why) => is_recent(manifest, why.seen, now),
            None => self.publish_at.is_some_and(|at| is_recent(manifest, at, now)),
        }
    }
}

/// How the message begins of what a run is at.
const IN_HAND: &str = "a run has it in hand";

impl Why {
    /// That this process has it in hand.
    pub(crate) fn in_hand(now: Timestamp) -> Self {
        let process = std::process::id();
        Self {
            code: ErrorCode::AccountBusy.as_str().to_owned(),
            message: format!("{IN_HAND}, process {process}"),
            hint: None,
            not_before: None,
            since: now,
            seen: now,
            failed: false,
            deferred: false,
            needs: process.try_into().ok().map(Needs::Process),
        }
    }

    /// Whether a run has, or had, it in hand. Else another run kept it from beginning.
    pub(crate) fn is_in_hand(&self) -> bool {
        self.code == ErrorCode::AccountBusy.as_str() && self.message.starts_with(IN_HAND)
    }

    /// That somebody keeps a post waiting since then, as an error tells it.
    pub(crate) fn wanted(error: &PostError, since: Timestamp, now: Timestamp) -> Self {
        Self {
            code: error.code.clone(),
            message: error.message.clone(),
            hint: post_hint(error),
            not_before: None,
            since,
            seen: now,
            failed: false,
            deferred: false,
            needs: None,
        }
    }

    /// Whether somebody wanted it so, and may take that back.
    pub(crate) fn is_wanted(&self) -> bool {
        self.code == ErrorCode::AccountPaused.as_str()
    }

    /// Why a post ended its run without being made; `before` is what was known of it.
    pub(crate) fn of(report: &PostOutcome, before: Option<&Self>, now: Timestamp) -> Option<Self> {
        let error = report.post_error.as_ref()?;
        let why = Self {
            code: error.code.clone(),
            message: kept(&error.message),
            hint: post_hint(error).map(|hint| kept(&hint)),
            not_before: report.at,
            since: now,
            seen: now,
            failed: !error.retryable
                && !report.failure.is_some_and(|kind| kind.may_pass() || kind == ErrorKind::Wanted),
            deferred: report.state == PostState::Deferred,
            needs: report.failure.and_then(|kind| Needs::of(kind, error)),
        };
        let same = before.filter(|before| why.is_same(before));
        Some(Self { since: same.map_or(now, |before| before.since), ..why })
    }

    /// Whether both are one cause: a code may stand for several, and the words of one may change.
    fn is_same(&self, other: &Self) -> bool {
        let kind = |why: &Self| (why.failed, why.deferred, why.needs.clone());
        self.code == other.code && kind(self) == kind(other)
    }

    /// What it says, whichever post it is said of.
    pub(crate) fn words(&self) -> (&str, &str, Option<&str>, bool) {
        (&self.code, &self.message, self.hint.as_deref(), self.failed)
    }
}

impl Needs {
    /// Of a post that ended with an error of this kind.
    fn of(kind: ErrorKind, error: &PostError) -> Option<Self> {
        let is_of_app = [ErrorCode::AppNotConfigured, ErrorCode::AppSecret]
            .iter()
            .any(|code| code.as_str() == error.code);
        match (kind, error.problem.code.origin()) {
            _ if error.problem.code == ErrorCode::AccountBusyHere => holder(&error.problem),
            (ErrorKind::Login, _) if shows_in_the_store(error.problem.code) => Some(Self::Login),
            (ErrorKind::Login, _) | (ErrorKind::Input, Origin::Refusal) => Some(Self::Tokens),
            // Its file may be what the system refuses.
            (ErrorKind::Input | ErrorKind::Local, Origin::Ours) if is_of_app => Some(Self::App),
            _ => None,
        }
    }
}

/// The process that an account is left to, as an error names it.
fn holder(problem: &Problem) -> Option<Needs> {
    match problem.value("pid") {
        Some(Value::Text(pid)) => pid.parse().ok().map(Needs::Process),
        _ => None,
    }
}

/// Whether a login that is no more of this is another one in the token store as well.
fn shows_in_the_store(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(
        code,
        E::LoginExported
            | E::LoginLost
            | E::LoginLostBy
            | E::LoginNeeded
            | E::LoginNeededBy
            | E::ScopeNotGranted
    )
}

impl LastRun {
    /// Of a run that left these posts.
    pub(super) fn waiting(mut posts: Vec<Left>) -> Self {
        posts.truncate(MOST);
        Self { posts, ..Self::default() }
    }

    /// What was known of each of these posts.
    pub(crate) fn find_all<'a>(
        &self,
        posts: impl IntoIterator<Item = &'a Left>,
    ) -> Vec<Option<&Left>> {
        let mut known = HashMap::with_capacity(self.posts.len());
        for post in &self.posts {
            known.entry(post.key()).or_insert(post);
        }
        posts.into_iter().map(|post| known.get(&post.key()).copied()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.refused.is_none() && self.fingerprints.is_empty()
    }

    pub(super) fn forget(&mut self, post: &Left) {
        self.posts.retain(|known| !known.is_same(post));
    }

    pub(super) fn refuse(&mut self, failure: &Failure, needs: Option<Needs>, now: Timestamp) {
        let message = kept(&told(failure).join("\n"));
        let same = self.refused.as_ref().filter(|before| before.message == message);
        let since = same.map_or(now, |before| before.since);
        let hint = failure.hint.as_deref().map(kept);
        let exit = failure.exit.code();
        self.refused = Some(Refusal { message, hint, exit, since, seen: now, needs });
    }
}

impl Refusal {
    /// It as one line.
    pub(crate) fn line(&self) -> String {
        let mut lines = self.message.lines().map(str::trim);
        let first = lines.next().unwrap_or_default().to_owned();
        match (lines.next(), lines.next()) {
            (None, _) => first,
            (Some(next), None) => format!("{first}: {next}"),
            (Some(next), Some(_)) => format!("{first}: {next}; …"),
        }
    }

    /// Whether it is what the manifest asks for, so that a dry run tells all of it.
    pub(crate) fn is_of_manifest(&self) -> bool {
        self.exit == Exit::Usage.code()
    }
}

impl Remains {
    pub(super) fn of(manifests: &BTreeMap<String, LastRun>, now: Timestamp) -> Self {
        let mut remains = Self::default();
        for (manifest, run) in manifests {
            let listed = run.posts.iter().filter(|post| post.is_listed(manifest, now));
            remains.posts.extend(listed.map(|post| (manifest.clone(), post.clone())));
            let refused = run.refused.iter().filter(|it| is_recent(manifest, it.seen, now));
            remains.refused.extend(refused.map(|it| (manifest.clone(), it.clone())));
        }
        remains.leave_out_renamed();
        remains.posts.sort_by_key(|(_, post)| {
            let is_scheduled = post.is_scheduled();
            let failed = post.why.as_ref().is_some_and(|why| why.failed);
            (is_scheduled, !failed, post.publish_at.filter(|_| is_scheduled))
        });
        remains
    }

    /// Leaves out what a manifest that is not there any more has left and another one has as well, of the same video: it
    /// was renamed.
    fn leave_out_renamed(&mut self) {
        let are_there: Vec<_> =
            self.posts.iter().map(|(manifest, _)| Path::new(manifest).exists()).collect();
        let is_kept = |at: usize| {
            let (_, post) = &self.posts[at];
            let is_it = |other: &Left| {
                other.is_same(post)
                    && other.file == post.file
                    && (post.file.is_some() || post.id.is_some())
            };
            let mut others = self.posts.iter().zip(&are_there);
            are_there[at] || !others.any(|((_, other), is_there)| *is_there && is_it(other))
        };
        let kept: Vec<_> = (0..self.posts.len()).map(is_kept).collect();
        let mut kept = kept.into_iter();
        self.posts.retain(|_| kept.next().unwrap_or(true));
    }
}

/// Whether what a run of a manifest came upon then is still so, as far as anybody knows.
fn is_recent(manifest: &str, seen: Timestamp, now: Timestamp) -> bool {
    let limit = if Path::new(manifest).exists() { STALE } else { LATE };
    now.duration_since(seen) < limit
}

/// A text as it may lie in a file: without secrets, and of no more than so many characters.
fn kept(text: &str) -> String {
    let text = redact(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
