//! What `watch --metrics` tells Prometheus, in its text format:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>. No secret is among it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::commands::Context;
use crate::commands::ended::EndedPosts;
use crate::exit::Exit;
use crate::model::{Account, Phase, PostState, QuotaKind};
use crate::output::{Failure, Notes};
use crate::store::{Journal, StoreError};

/// How many drafts may wait in the inbox of an account that were left there within a day
/// (<https://developers.tiktok.com/doc/content-sharing-guidelines>).
const DRAFTS: u32 = 5;
const DAY: Duration = Duration::from_hours(24);

/// The states in which a post ends a run, each told from the beginning, or no rate could be made of it.
const ENDS: [PostState; 7] = [
    PostState::Published,
    PostState::Inbox,
    PostState::Skipped,
    PostState::Deferred,
    PostState::Processing,
    PostState::Failed,
    PostState::Unresolved,
];

/// Posts that wait for their time, and for nothing else.
const SCHEDULED: &str = "scheduled";

/// The states in which a post may stand that is not done.
const OPEN: [&str; 5] = ["deferred", "failed", "processing", SCHEDULED, "unresolved"];

/// What is known of a `watch`.
#[derive(Debug)]
pub(super) struct Metrics {
    clock: Clock,
    ended: Arc<EndedPosts>,
    rounds: Mutex<Rounds>,
}

#[derive(Debug, Default)]
struct Rounds {
    made: u64,
    last: Option<(Timestamp, Exit)>,
    next: Option<Timestamp>,
    known: Known,
}

/// What lies on the disk after a round.
#[derive(Debug, Default)]
struct Known {
    /// Posts that are not done, by where they stand.
    posts: BTreeMap<&'static str, u64>,
    /// When each login ends. `None`: it has ended already, whatever its tokens say.
    logins: Vec<(String, Option<Timestamp>)>,
    /// Accounts, and until when TikTok has no room for them under which quota.
    full: Vec<(String, &'static str, Option<Timestamp>)>,
    /// How many more drafts each account may leave.
    drafts: Vec<(String, u32)>,
}

impl Metrics {
    pub(super) fn new(clock: Clock, ended: Arc<EndedPosts>) -> Self {
        Self { clock, ended, rounds: Mutex::default() }
    }

    /// Notes how a round ended, and what lies on the disk now. What cannot be read stays as it was known.
    pub(super) async fn note(
        &self,
        context: Option<&Context>,
        notes: Option<&Notes>,
        exit: Exit,
        next: Timestamp,
    ) {
        let known = match context {
            Some(context) => look(context, notes).await.ok(),
            None => None,
        };
        let mut rounds = self.rounds();
        rounds.made += 1;
        rounds.last = Some((self.clock.now(), exit));
        rounds.next = Some(next);
        if let Some(known) = known {
            rounds.known = known;
        }
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it as text.
    pub(super) fn text(&self) -> String {
        let now = self.clock.now();
        let mut page = Page::default();
        page.begin("build_info", "gauge", "The program that watches.");
        let build =
            [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("TIKTOK_UP_BUILD_COMMIT"))];
        page.value("build_info", &build, 1);
        let ended = self.ended.all();
        page.begin("posts_ended_total", "counter", "Posts by how they ended a round.");
        for state in ENDS.map(PostState::as_str) {
            let count = ended.get(state).copied().unwrap_or_default();
            page.value("posts_ended_total", &[("state", state)], count);
        }
        let rounds = self.rounds();
        page.begin("rounds_total", "counter", "Rounds of upload and refresh that have ended.");
        page.value("rounds_total", &[], rounds.made);
        let Some((at, exit)) = rounds.last else { return page.0 };
        page.begin("last_round_timestamp_seconds", "gauge", "When the last round ended.");
        page.value("last_round_timestamp_seconds", &[], at.as_second());
        page.begin("last_round_exit_code", "gauge", "The exit code of the last round.");
        page.value("last_round_exit_code", &[], exit.code());
        if let Some(next) = rounds.next {
            page.begin("next_round_timestamp_seconds", "gauge", "When the next round begins.");
            page.value("next_round_timestamp_seconds", &[], next.as_second());
        }
        let Known { posts, logins, full, drafts } = &rounds.known;
        page.begin("posts", "gauge", "Posts that are not done, by where they stand.");
        for state in OPEN {
            page.value("posts", &[("state", state)], posts.get(state).copied().unwrap_or_default());
        }
        let left =
            |at: &Option<Timestamp>| at.map_or(0, |at| at.duration_since(now).as_secs().max(0));
        page.begin("login_ends_seconds", "gauge", "Seconds until a login ends; 0: it has ended.");
        for (account, ends) in logins {
            page.value("login_ends_seconds", &[("account", account)], left(ends));
        }
        page.begin(
            "quota_full_seconds",
            "gauge",
            "Seconds until TikTok is asked again for room under a quota; 0: none is known to be full.",
        );
        for (account, quota, until) in full {
            let labels = [("account", account.as_str()), ("quota", quota)];
            page.value("quota_full_seconds", &labels, left(until));
        }
        page.begin("drafts_room", "gauge", "Drafts that the inbox of an account has room for.");
        for (account, room) in drafts {
            page.value("drafts_room", &[("account", account)], room);
        }
        page.0
    }
}

/// Looks at what a round has left.
async fn look(context: &Context, notes: Option<&Notes>) -> Result<Known, Failure> {
    let mut known = Known::default();
    let Some(store) = context.existing_store().await? else { return Ok(known) };
    let store = store.shared;
    let accounts = store.accounts().all().await?;
    let accounts: Vec<&Account> = accounts.iter().filter(|it| !it.is_exported()).collect();
    known.logins = accounts
        .iter()
        .map(|it| (it.name().to_owned(), it.needs_login.is_none().then_some(it.refresh_expires_at)))
        .collect();
    let mut begun = HashSet::new();
    if let Some(journal) = store.existing_journal().await?.journal {
        for post in journal.unfinished(None).await? {
            let is_unresolved = post.phase() == Some(Phase::Unresolved);
            let state = if is_unresolved { PostState::Unresolved } else { PostState::Processing };
            *known.posts.entry(state.as_str()).or_default() += 1;
            begun.insert(post.number.0);
        }
        quotas(journal.as_ref(), &accounts, &mut known).await?;
    }
    let left = notes.map(|notes| notes.remains().posts).unwrap_or_default();
    for (_, left) in left.iter().filter(|(_, it)| it.post.is_none_or(|it| !begun.contains(&it))) {
        let state = match &left.why {
            None => SCHEDULED,
            Some(why) if why.failed && !why.deferred => PostState::Failed.as_str(),
            Some(_) => PostState::Deferred.as_str(),
        };
        *known.posts.entry(state).or_default() += 1;
    }
    Ok(known)
}

/// What is known of room under TikTok's quotas.
async fn quotas(
    journal: &dyn Journal,
    accounts: &[&Account],
    known: &mut Known,
) -> Result<(), StoreError> {
    for account in accounts {
        let (open_id, name) = (&account.open_id, account.name());
        for (quota, kind) in [
            ("posts", QuotaKind::Posts),
            ("drafts", QuotaKind::Drafts),
            ("active_users", QuotaKind::ActiveUsers),
        ] {
            let until = journal.quota_full_until(open_id, kind).await?;
            known.full.push((name.to_owned(), quota, until));
        }
        let pending = journal.pending_drafts(open_id, DAY).await?;
        known.drafts.push((name.to_owned(), DRAFTS.saturating_sub(pending)));
    }
    Ok(())
}

/// The text under way.
#[derive(Default)]
struct Page(String);

impl Page {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let lines = format!("# HELP tiktok_up_{name} {help}\n# TYPE tiktok_up_{name} {kind}\n");
        self.0.push_str(&lines);
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let mut all = String::new();
        for (label, value) in labels {
            let gap = if all.is_empty() { "" } else { "," };
            all.extend([gap, label, "=\"", &escaped(value), "\""]);
        }
        let labels = if all.is_empty() { all } else { format!("{{{all}}}") };
        // Writing into a text does not fail.
        _ = writeln!(self.0, "tiktok_up_{name}{labels} {value}");
    }
}

/// The value of a label, as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line_or_its_quotes() {
        let mut page = Page::default();
        page.value("x", &[("account", "a\"b\\c\nd"), ("quota", "posts")], 7);
        assert_eq!(page.0, "tiktok_up_x{account=\"a\\\"b\\\\c\\nd\",quota=\"posts\"} 7\n");
    }

    #[test]
    fn before_the_first_round_nothing_is_said_of_one() {
        let metrics = Metrics::new(Clock::default(), Arc::default());
        let text = metrics.text();
        assert!(text.contains("tiktok_up_posts_ended_total{state=\"published\"} 0\n"), "{text}");
        assert!(text.contains("tiktok_up_rounds_total 0\n") && !text.contains("last_round"));
        // Each line is a comment, or a name and a number.
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}");
        }
    }
}
