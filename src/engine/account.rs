//! The posts of one account, one after another.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tiktok_open::{Code, Reaction};
use tokio::time::Instant;

use crate::engine::account_stop::{AccountStop, Stops};
use crate::engine::begun::BegunPosts;
use crate::engine::calls::{CallError, Calls};
use crate::engine::events::{Event, Note, Progress, Warning};
use crate::engine::named::{Among, NamedPosts, SamePost, Twin, same_as_words};
use crate::engine::post::{FileState, PreparedPost};
use crate::engine::preflight::Preflight;
use crate::engine::resolve::{
    Earlier, FoundPost, Look, NewPosts, PostResolver, ResolveError, ResolvedPost,
};
use crate::engine::runner::PostRunner;
use crate::engine::status::{can_be_reconciled, poll, reconcile};
use crate::engine::stop::{PostSnapshot, StopReason, not_tried_again};
use crate::engine::tries::{is_failed_for_good, may_follow};
use crate::engine::{EventSender, Shared};
use crate::model::account::Account;
use crate::model::{
    Failed, Location, Mode, Phase, Plan, PostError, PostNumber, PostOutcome, PostState,
    RecordedPost,
};
use crate::problem::{ErrorCode, ErrorKind};
use crate::store::{JournalError, Lease, LeaseKind, StoreError};
use crate::text;

/// A post whose time is so far ahead was hardly meant for that year.
const FAR_AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// One account's part of a run.
pub(super) struct AccountWorker {
    engine: Arc<Shared>,
    account: Account,
    calls: Arc<Calls>,
    resolver: PostResolver,
    preflight: Preflight,
}

impl AccountWorker {
    /// For the posts of one account.
    pub(super) fn new(engine: Arc<Shared>, account: Account, events: EventSender) -> Self {
        let calls = Arc::new(engine.calls(&account.open_id, events));
        let (options, read) = (Arc::clone(&engine.options), Arc::clone(&engine.fingerprints));
        let resolver = PostResolver::new(Arc::clone(&calls), options, read);
        let preflight = Preflight::new(Arc::clone(&calls), account.scopes.clone());
        Self { engine, account, calls, resolver, preflight }
    }

    /// Works off the posts: what an earlier run began first, then what is due, oldest first, then what has no
    /// time in the manifest's order, then what waits for its time. Each is reported as it ends its run. Holds
    /// the account's upload lease for so long, so that no other run posts for it.
    pub(super) async fn run(self, mut posts: Vec<PreparedPost>) {
        let leases = self.engine.store.leases();
        let account = &self.calls.account;
        // Held until the last of the posts has ended.
        let lease: Arc<dyn Lease> =
            match leases.acquire(LeaseKind::Upload, account, Duration::ZERO).await {
                Ok(lease) => Arc::from(lease),
                Err(error) => return self.locked_out(&posts, &error),
            };
        self.calls.claim.hold(&lease);
        let begun = match self.calls.journal.unfinished(Some(account)).await {
            Ok(begun) => BegunPosts::new(begun),
            // Without knowing what was begun nothing may be sent.
            Err(error) => return self.all_left(&posts, &error.into()),
        };
        let mut stops = Stops::of_all(self.paused().await);
        // Of a paused account nothing is asked for, given up or noted either: what was begun waits as it is.
        let goes_on = stops.is_empty();
        if goes_on {
            reconcile(&self.calls, &begun.others(&posts)).await;
        }
        if self.engine.options.repost && goes_on {
            // All of them are asked for before the first is made: what a run cannot finish, the next
            // one finishes without `--repost`.
            for post in &posts {
                if self.calls.shutdown.asked().is_some() {
                    break;
                }
                // One that cannot be looked up is reported when its turn comes.
                if !self.is_due(post) {
                    _ = self.resolver.ask_again(post).await;
                } else if let Ok(resolved) = self.resolver.resolve_post(post).await {
                    self.resolver.note_driven(resolved.row.number);
                }
            }
        }
        put_in_order(&mut posts, &begun, self.calls.clock.now());
        let mut named = self.named_posts();
        // Only for what waits it is kept what the others are.
        let some_wait = posts.iter().any(|post| !self.is_due(post));
        let made = self.resolver.made(&posts).await;
        self.resolver.name_made(&posts, true).await;
        let mut new = NewPosts::default();
        for (at, (post, made)) in posts.iter().zip(made).enumerate() {
            let has_turn = begun.has(post) || self.is_due(post);
            let id = post.asked.id.as_deref();
            let Some(_turn) = self.engine.options.withdrawals.come_to(id, has_turn) else {
                self.calls.events.ended(taken_back(post));
                continue;
            };
            // As a rule that is most of the manifest, and costs nothing more.
            let known = made.as_ref().and_then(|row| ended_before(post, row, Instant::now()));
            if stops.of(post.asked.mode).is_none() && known.is_none() {
                let stop = match self.calls.claim.renew().await {
                    Ok(()) if has_turn => self.paused().await,
                    Ok(()) => None,
                    // Without it nothing new begins. What was begun is guarded by the journal.
                    Err(error) => Some(AccountStop::without_lease(&error)),
                };
                stops.add(post.asked.mode, stop);
            }
            let outcome = if let Some(known) = known {
                known
            } else if let Some(stop) = stops.of(post.asked.mode) {
                self.not_tried(post, stop, &mut named).await
            } else if has_turn && let Some(first) = self.is_at(post, &named).await {
                named_before(&PostSnapshot::new(post, Instant::now()), first)
            } else if has_turn {
                self.calls.events.send(Event::Started { post: post.post_ref.clone() });
                let (outcome, stop) = self.post_one(post).await;
                stops.add(post.asked.mode, stop);
                outcome
            } else {
                let is_new = new.is_new(&self.resolver, &posts, at).await;
                self.early(post, is_new, Look::Once, &mut named).await
            };
            let outcome = self.resolver.with_given_id(post, named.noted(post, outcome));
            let row = match outcome.number.filter(|_| some_wait) {
                Some(_) if made.is_some() => made,
                Some(number) => self.calls.journal.post(number).await.ok(),
                None => None,
            };
            named.came_to(post, row.as_ref(), &outcome);
            self.calls.events.ended(outcome);
        }
    }

    /// The earlier entry that stands for the same post, which this run has come to and that is not over.
    async fn is_at(&self, post: &PreparedPost, named: &NamedPosts) -> Option<SamePost> {
        if self.resolver.is_repost() || named.is_empty() {
            return None;
        }
        let row = self.resolver.find(post, Look::Sight).await.ok()?.row?;
        let is_over = row.phase().is_some_and(Phase::is_over);
        if is_over { None } else { named.with_number(row.number, &post.settings_hash()) }
    }

    /// What keeps the account's posts waiting if somebody has paused it. Read anew before each post: it is said of
    /// a run that is at it, too, which then ends after the post under way.
    async fn paused(&self) -> Option<AccountStop> {
        let now = self.engine.store.accounts().all().await;
        // Where the store cannot be read now, what it said when the run began holds.
        let account = now.as_ref().ok().and_then(|all| all.get(&self.account.open_id));
        AccountStop::of_pause(account.unwrap_or(&self.account))
    }

    fn named_posts(&self) -> NamedPosts {
        NamedPosts::new(Arc::clone(&self.calls), Arc::clone(&self.engine.fingerprints))
    }

    /// What would become of each post: skipped, deferred, failed or planned, and what would be in its way. The
    /// same lookups and checks as in a run, up to the first call that would create something: TikTok is asked
    /// for the creator, the journal is read, and nothing is begun; calls are counted, and a draft that was
    /// finished meanwhile is recorded so.
    pub(super) async fn dry_run(&self, posts: &mut [PreparedPost]) -> Vec<PostOutcome> {
        // A journal that cannot be read is reported for each of the posts.
        let begun = self.calls.journal.unfinished(Some(&self.calls.account)).await;
        let begun = BegunPosts::new(begun.unwrap_or_default());
        put_in_order(posts, &begun, self.calls.clock.now());
        let (mut named, mut drafts) = (self.named_posts(), 0);
        let mut stops = Stops::of_all(self.paused().await);
        let mut outcomes = Vec::with_capacity(posts.len());
        let made = self.resolver.made(posts).await;
        self.resolver.name_made(posts, false).await;
        for (post, made) in posts.iter().zip(made) {
            let known = made.as_ref().and_then(|row| ended_before(post, row, Instant::now()));
            let outcome = if let Some(known) = known {
                known
            } else if let Some(stop) = stops.of(post.asked.mode) {
                self.not_tried(post, stop, &mut named).await
            } else {
                let (outcome, stop) = self.planned(post, &mut named, &mut drafts).await;
                stops.add(post.asked.mode, stop);
                outcome
            };
            let outcome = self.resolver.with_given_id(post, named.noted(post, outcome));
            let row = match made {
                Some(row) => Some(row),
                None => self.resolver.find(post, Look::Sight).await.ok().and_then(|it| it.row),
            };
            named.came_to(post, row.as_ref(), &outcome);
            outcomes.push(outcome);
        }
        outcomes
    }

    /// The posts that were made, by their places in the manifest.
    pub(super) async fn made(&self, posts: &[PreparedPost]) -> BTreeSet<usize> {
        let made = self.resolver.made(posts).await;
        let made = posts.iter().zip(made).filter(|(_, row)| row.is_some());
        made.map(|(post, _)| post.post_ref.index).collect()
    }

    /// The posts that wait for nothing although their time has not come, by their places in the manifest.
    pub(super) async fn not_waiting(&self, posts: &[PreparedPost]) -> BTreeSet<usize> {
        if posts.iter().all(|post| self.is_due(post)) {
            return BTreeSet::new();
        }
        let begun = self.calls.journal.unfinished(Some(&self.calls.account)).await;
        let begun = BegunPosts::new(begun.unwrap_or_default());
        let mut posts: Vec<_> = posts.iter().collect();
        put_in_order(&mut posts, &begun, self.calls.clock.now());
        let (mut named, mut found) = (self.named_posts(), BTreeSet::new());
        let mut new = NewPosts::default();
        for (at, post) in posts.iter().enumerate() {
            if self.calls.shutdown.asked().is_some() {
                break;
            }
            if self.is_due(post) || begun.has(post) {
                named.add(named.entry(post, None));
                continue;
            }
            let is_new = new.is_new(&self.resolver, &posts, at).await;
            let outcome = self.early(post, is_new, Look::Sight, &mut named).await;
            if outcome.state == PostState::Skipped {
                found.insert(post.post_ref.index);
            }
            named.came_to(post, None, &outcome);
        }
        found
    }

    /// Whether anything is left to send or to ask for.
    pub(super) async fn has_work(&self, posts: &[PreparedPost]) -> bool {
        if self.paused().await.is_some() {
            return false;
        }
        for post in posts {
            if self.look(post, Instant::now()).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Says what TikTok's limits leave to the account, if a dry run would make any of its posts or leaves
    /// them for these limits.
    pub(super) async fn report_quota(&self, posts: &[PreparedPost], outcomes: &[PostOutcome]) {
        let made = posts.iter().zip(outcomes);
        let made = made.filter(|(_, outcome)| outcome.state == PostState::Planned);
        let modes: Vec<_> = made.map(|(post, _)| post.asked.mode).collect();
        let is_full = |outcome: &&PostOutcome| {
            let code = outcome.post_error.as_ref().and_then(|error| error.theirs.as_ref());
            code.map(Code::reaction) == Some(Reaction::Quota)
        };
        let full_until = outcomes.iter().filter(is_full).filter_map(|outcome| outcome.at).max();
        let is_behind = |(post, outcome): &(&PreparedPost, &PostOutcome)| {
            let code = outcome.post_error.as_ref().map(|error| error.problem.code);
            post.asked.mode == Mode::Draft && code == Some(ErrorCode::DraftsAhead)
        };
        let behind = posts.iter().zip(outcomes).filter(is_behind);
        let waiting = behind.map(|(post, _)| post.post_ref.index).collect();
        // A journal that cannot be read was reported for each of the posts.
        if (!modes.is_empty() || full_until.is_some())
            && let Ok(left) =
                self.preflight.quota_left(self.account.name(), &modes, full_until, waiting).await
        {
            self.calls.events.send(Event::Quota(left));
        }
    }

    /// What a run would work on; else what it would say of the post, and what that means for the others.
    async fn look(
        &self,
        post: &PreparedPost,
        started: Instant,
    ) -> Result<FoundPost, (PostOutcome, Option<AccountStop>)> {
        let known = PostSnapshot::new(post, started);
        if let Some(signal) = self.calls.shutdown.asked() {
            return Err(left_with_stop(&known, &StopReason::Interrupted(signal)));
        }
        let found = match self.resolver.find_and_compare(post).await {
            Ok(found) => found,
            Err(error) => return Err(left_with_stop(&known, &error.into())),
        };
        if let Some(outcome) = found.row.as_ref().and_then(|row| ended_before(post, row, started)) {
            return Err((outcome, None));
        }
        if found.begun().is_none() && !self.is_due(post) {
            return Err((not_due(post, found.row.as_ref()), None));
        }
        Ok(found)
    }

    /// What would become of a post. `drafts`: how many of those that would be made before it are drafts that the journal does not count.
    async fn planned(
        &self,
        post: &PreparedPost,
        named: &mut NamedPosts,
        drafts: &mut u32,
    ) -> (PostOutcome, Option<AccountStop>) {
        let started = Instant::now();
        let known = PostSnapshot::new(post, started);
        if let Some(signal) = self.calls.shutdown.asked() {
            return left_with_stop(&known, &StopReason::Interrupted(signal));
        }
        let found = match self.resolver.find_and_compare(post).await {
            Ok(found) => found,
            // It may be there when its time comes.
            Err(ResolveError::File(_)) if !self.is_due(post) => {
                return (self.waits(post, None, Look::Once, named).await, None);
            }
            Err(error) => return left_with_stop(&known, &error.into()),
        };
        if let Some(row) = &found.row
            && let Some(report) = ended_before(post, row, started)
        {
            let size = found.plan.as_ref().map(Plan::size);
            return (self.in_doubt(post, row, size, report), None);
        }
        if found.begun().is_none() && !self.is_due(post) {
            let words = plan_words(post, &found);
            let waits = self.waits(post, Some(found), Look::Once, named).await;
            if waits.state != PostState::Deferred {
                return (waits, None);
            }
            // What is to be sent then can be mended now.
            self.tell_doubts(post);
            let note = waits.note.map(|note| format!("{note}; {words}"));
            return (PostOutcome { note, ..waits }, None);
        }
        let bytes = found.plan.map_or(0, |plan| plan.size());
        let entry = named.entry(post, found.row.as_ref());
        let twin = tokio::select! {
            biased;
            signal = self.calls.shutdown.requested() => {
                return left_with_stop(&known, &StopReason::Interrupted(signal));
            }
            twin = named.twin_of(&entry, Among::Planned) => twin,
        };
        let alike = match twin {
            Some(Twin::Same(first)) => {
                return (PostOutcome { bytes, ..named_before(&known, first) }, None);
            }
            Some(Twin::Content(warning)) => Some(warning),
            None => found.alike.clone(),
        };
        if let Some(warning) = alike {
            self.calls.events.progress(&post.post_ref, Progress::Warning(warning));
        }
        let begun = found.begun();
        if begun.is_none() {
            self.tell_doubts(post);
        }
        let note = Some(plan_words(post, &found));
        if let Err(reason) = self.foresee(post, &found, *drafts).await {
            let row = found.row.as_ref();
            let attempt = row.and_then(|row| row.last.as_ref());
            let (left, stop) = left_with_stop(&PostSnapshot { row, attempt, ..known }, &reason);
            return (PostOutcome { bytes, note, ..left }, stop);
        }
        *drafts += u32::from(post.asked.mode == Mode::Draft && begun.is_none());
        (PostOutcome { bytes, note, ..known.report(PostState::Planned, None) }, None)
    }

    /// What would keep a run from sending a post, or from asking for it, after so many drafts. Without a
    /// token that is to be had nothing is asked; whether there is one, TikTok is not asked for it alone.
    async fn foresee(
        &self,
        post: &PreparedPost,
        found: &FoundPost,
        drafts: u32,
    ) -> Result<(), StopReason> {
        if found.begun().is_none() {
            if let Some(row) = &found.row {
                let attempts = self.calls.journal.attempts(row.number).await?;
                let now = self.calls.clock.now();
                may_follow(&attempts, 0, self.engine.options.retry_failed, now)?;
            }
            if found.plan.is_none() && !post.asked.source.is_pulled() {
                return Err(StopReason::not_here(post, found.row.as_ref()));
            }
            self.preflight.check_behind(post, drafts).await?;
        }
        Ok(self.calls.check_token().await?)
    }

    /// Another run posts for this account, or its lease cannot be had.
    fn locked_out(&self, posts: &[PreparedPost], error: &StoreError) {
        let AccountStop { post_error, state, failure, .. } = AccountStop::without_lease(error);
        for post in posts {
            let outcome = PostSnapshot::new(post, Instant::now()).report(state, failure);
            self.calls
                .events
                .ended(PostOutcome { post_error: Some(post_error.clone()), ..outcome });
        }
    }

    /// The reports of posts of which none can be tried.
    fn all_left(&self, posts: &[PreparedPost], reason: &StopReason) {
        for post in posts {
            self.calls.events.ended(PostSnapshot::new(post, Instant::now()).left(reason));
        }
    }

    /// Tells what of an entry was hardly meant so, when its post is first made.
    fn tell_doubts(&self, post: &PreparedPost) {
        let doubts = post.doubts.iter().map(|what| Warning::Doubt { what: what.clone() });
        let left = post.left_to_app.iter().map(|what| Warning::LeftToApp { what: what.clone() });
        for doubt in doubts.chain(left) {
            self.calls.events.progress(&post.post_ref, Progress::Warning(doubt));
        }
    }

    /// What is to be said of a post whose time has not come. Of one that `is_new` the journal knows nothing.
    async fn early(
        &self,
        post: &PreparedPost,
        is_new: bool,
        look: Look,
        named: &mut NamedPosts,
    ) -> PostOutcome {
        if is_new {
            return self.waits(post, None, look, named).await;
        }
        let found = match self.resolver.find_early(post, look).await {
            Ok(found) => Some(found),
            Err(
                error @ (ResolveError::IdUsed { missing: None, .. }
                | ResolveError::IdOfAnother { .. }),
            ) => {
                return left_with_stop(&PostSnapshot::new(post, Instant::now()), &error.into()).0;
            }
            // What cannot be looked up is told when its time comes.
            Err(_) => None,
        };
        if let Some(found) = found.as_ref().filter(|_| look == Look::Once) {
            // What cannot be recorded now the next run records.
            _ = self.resolver.give_id(found).await;
        }
        self.waits(post, found, look, named).await
    }

    /// The same of one that was looked up, if it could be: it was made before its time was put off, is the same
    /// as one that goes before it, or waits.
    async fn waits(
        &self,
        post: &PreparedPost,
        found: Option<FoundPost>,
        look: Look,
        named: &mut NamedPosts,
    ) -> PostOutcome {
        let started = Instant::now();
        let row = found.as_ref().and_then(|found| found.row.as_ref());
        let is_made = |row: &&RecordedPost| row.phase().is_some_and(Phase::is_done);
        if let Some(row) = row.filter(is_made).filter(|_| !self.resolver.is_repost())
            && let Some(made) = ended_before(post, row, started)
        {
            return made;
        }
        let entry = named.entry(post, row);
        let is_stopping = self.calls.shutdown.asked().is_some();
        let among = if look == Look::Sight || is_stopping { Among::AtSight } else { Among::All };
        let twin = tokio::select! {
            biased;
            _ = self.calls.shutdown.requested(), if among == Among::All => None,
            twin = named.twin_of(&entry, among) => twin,
        };
        let alike = match twin {
            Some(Twin::Same(first)) => {
                return named_before(&PostSnapshot::new(post, started), first);
            }
            Some(Twin::Content(warning)) => Some(warning),
            None => found.as_ref().and_then(|found| found.alike.clone()),
        };
        if let Some(warning) = alike {
            self.calls.events.progress(&post.post_ref, Progress::Early(warning));
        }
        self.tell_far_ahead(post);
        not_due(post, row)
    }

    /// The report of what was posted, with what makes doubtful that this very thing was meant. `size`: of the file,
    /// in bytes, if it is there.
    fn in_doubt(
        &self,
        post: &PreparedPost,
        row: &RecordedPost,
        size: Option<u64>,
        report: PostOutcome,
    ) -> PostOutcome {
        let is_gone = matches!(post.file, Some(FileState::Missing));
        if post.version().is_none() && !is_gone {
            return report;
        }
        let (number, posted) = (row.number, row.file.as_ref().map(|file| file.identity.size));
        let doubt = match size {
            None => format!("as post {number}; its file is gone"),
            Some(size) if posted != Some(size) => {
                format!("as post {number}, which was another video")
            }
            Some(_) => return report,
        };
        // A link leads to what is meant now.
        let link = post.asked.source.file().and_then(Location::local);
        let link = link.filter(|_| is_gone && post.asked.id.is_none());
        let warning = match link.and_then(|path| std::fs::read_link(path).ok()) {
            Some(target) => Some(Warning::LinkToNothing { post: number, target }),
            // Where the next day's video has the name of the last one, its caption tells them apart.
            None => (link.is_some() && row.settings != post.settings_hash())
                .then_some(Warning::GoneAndChanged { post: number }),
        };
        if let Some(warning) = warning {
            self.calls.events.progress(&post.post_ref, Progress::Warning(warning));
        }
        let changed = report.note.map(|note| format!("; {note}")).unwrap_or_default();
        PostOutcome { note: Some(format!("{doubt}{changed}")), ..report }
    }

    /// Tells of a time that is so far ahead that its year is hardly right.
    fn tell_far_ahead(&self, post: &PreparedPost) {
        let now = self.calls.clock.now();
        let far = post.asked.publish_at.map(|at| (at, at.duration_since(now)));
        if let Some((at, wait)) = far.filter(|(_, wait)| *wait > FAR_AHEAD) {
            let warning = Warning::FarAhead { at, wait };
            self.calls.events.progress(&post.post_ref, Progress::Warning(warning));
        }
    }

    pub(super) fn is_due(&self, post: &PreparedPost) -> bool {
        post.asked.is_due(self.calls.clock.now())
    }

    /// A post after one that stopped the account: what is posted is still called so.
    async fn not_tried(
        &self,
        post: &PreparedPost,
        stopped: &AccountStop,
        named: &mut NamedPosts,
    ) -> PostOutcome {
        let started = Instant::now();
        // What cannot be looked up is told when its turn comes.
        let found = if self.is_due(post) {
            self.resolver.recorded(post).await.ok().flatten().map(FoundPost::of)
        } else {
            self.resolver.find_early(post, Look::Once).await.ok()
        };
        let row = found.as_ref().and_then(|found| found.row.as_ref());
        if let Some(report) = row.and_then(|row| ended_before(post, row, started)) {
            return report;
        }
        let attempt = row.and_then(|row| row.last.as_ref());
        let begun = attempt.filter(|attempt| !attempt.phase.is_over());
        if begun.is_none() && !self.is_due(post) {
            return self.waits(post, found, Look::Once, named).await;
        }
        stopped.report(&PostSnapshot { row, attempt: begun, ..PostSnapshot::new(post, started) })
    }

    async fn post_one(&self, post: &PreparedPost) -> (PostOutcome, Option<AccountStop>) {
        let started = Instant::now();
        // A second time for a file that took the place of the one that was begun.
        for _ in 0..2 {
            if let Some(signal) = self.calls.shutdown.asked() {
                return left_with_stop(
                    &PostSnapshot::new(post, started),
                    &StopReason::Interrupted(signal),
                );
            }
            let mut resolved = match self.resolver.resolve_post(post).await {
                Ok(resolved) => resolved,
                Err(error) => {
                    return left_with_stop(&PostSnapshot::new(post, started), &error.into());
                }
            };
            if let Err(reason) = self.ask_what_became(post, &mut resolved.row).await {
                return left_with_stop(&PostSnapshot::new(post, started), &reason);
            }
            if let Some(report) = ended_before(post, &resolved.row, started) {
                let size = resolved.source.as_ref().map(|(video, _)| video.size());
                return (self.in_doubt(post, &resolved.row, size, report), None);
            }
            let nothing_yet = resolved.row.phase().is_none_or(Phase::is_dead);
            if nothing_yet && !self.is_due(post) {
                return (not_due(post, Some(&resolved.row)), None);
            }
            if resolved.row.last.is_none() {
                self.tell_doubts(post);
            }
            if let Some(outcome) = self.drive(post, resolved, started).await {
                return outcome;
            }
        }
        left_with_stop(&PostSnapshot::new(post, started), &StopReason::Replaced)
    }

    /// Whether TikTok has failed a post in every attempt that it gets. Where the journal cannot tell now, it
    /// tells when the next run asks.
    async fn is_given_up(&self, post: PostNumber) -> bool {
        self.calls.journal.attempts(post).await.is_ok_and(|all| is_failed_for_good(&all))
    }

    /// If TikTok just said that a quota is full, the outcome tells when there may be room again, and so do
    /// those of the account's other posts.
    async fn with_quota(
        &self,
        outcome: PostOutcome,
        stopped: Option<AccountStop>,
    ) -> (PostOutcome, Option<AccountStop>) {
        let Some(stop) = stopped else { return (outcome, None) };
        if outcome.at.is_some() {
            return (outcome, Some(stop));
        }
        match self.preflight.remember_full_quota(&outcome).await {
            Some(room) => (PostOutcome { at: Some(room), ..outcome }, Some(stop.until(room))),
            None => (outcome, Some(stop)),
        }
    }

    /// Records that a post is the same as another one.
    async fn join(&self, post: PostNumber, other: PostNumber) -> Result<(), StoreError> {
        self.calls.claim.recorder().await?.same_as(post, other).await
    }

    /// Asks TikTok again for a post whose outcome is unknown: its answer settles it.
    async fn ask_what_became(
        &self,
        post: &PreparedPost,
        row: &mut RecordedPost,
    ) -> Result<(), StopReason> {
        if !row.last.as_ref().is_some_and(can_be_reconciled) {
            return Ok(());
        }
        match poll(&self.calls, &post.post_ref, row.clone()).await {
            Ok(asked) => *row = asked,
            Err(error @ (CallError::Interrupted(_) | CallError::Store(_))) => {
                return Err(error.into());
            }
            // Whatever kept it from being asked, the outcome stays unknown, and that is reported.
            Err(CallError::Token(_) | CallError::Api(_)) => {}
        }
        Ok(())
    }

    /// Drives a post as far as it goes. `None`: its file is another one now, to be looked up anew.
    async fn drive(
        &self,
        post: &PreparedPost,
        resolved: ResolvedPost,
        started: Instant,
    ) -> Option<(PostOutcome, Option<AccountStop>)> {
        let ResolvedPost { row, source, replaced, shared_id } = resolved;
        self.resolver.note_driven(row.number);
        if row.repost > 0 && !self.engine.options.repost {
            self.calls.events.progress(&post.post_ref, Progress::Note(Note::FinishingRepost));
        }
        let mut runner =
            PostRunner::new(&self.calls, &self.preflight, &self.engine.options, post, row, source)
                .of_other_file(replaced);
        let outcome = Box::pin(runner.run()).await;
        let username = self.preflight.username().await;
        let known = PostSnapshot {
            post,
            row: Some(&runner.row),
            attempt: runner.attempt.as_ref(),
            post_ids: runner.post_ids(),
            username: username.as_deref(),
            took: started.elapsed(),
        };
        if replaced
            && matches!(outcome, Ok(()) | Err(StopReason::Replaced))
            && runner.phase().is_some_and(Phase::allows_another)
        {
            let warning = Warning::NotPosted { post: runner.row.number, id: shared_id.clone() };
            self.calls.events.progress(&post.post_ref, Progress::Warning(warning));
        }
        Some(match outcome {
            Err(StopReason::Replaced) => return None,
            // What is known is of the other one.
            Err(reason) if let Some(id) = shared_id => {
                let waits = matches!(
                    reason,
                    StopReason::StillProcessing | StopReason::WaitingForProof { .. }
                );
                let other = Box::new(runner.row.clone());
                let pending = || ResolveError::IdPending { id, post: other }.into();
                let reason = if waits { pending() } else { reason };
                left_with_stop(&PostSnapshot::new(post, started), &reason)
            }
            // The file that lay here before is done with; now this one.
            Ok(()) if replaced && runner.phase() != Some(Phase::Unresolved) => return None,
            Err(StopReason::Store(StoreError::Journal(JournalError::SameContent {
                other,
                certain: true,
            }))) => match self.join(runner.row.number, other.number).await {
                Ok(()) => (same_as(post, &other, started), None),
                Err(error) => left_with_stop(&known, &StopReason::Store(error)),
            },
            Err(reason) => {
                let (mut report, stopped) = left_with_stop(&known, &reason);
                if let Some(error) = report.post_error.as_mut().filter(|_| replaced) {
                    let number = runner.row.number;
                    error.message =
                        format!("post {number}, whose video lay there before: {}", error.message);
                }
                self.with_quota(report, stopped).await
            }
            Ok(()) => {
                let phase = runner.phase().unwrap_or(Phase::Lost);
                let mut report = known.over(phase, runner.post_error.as_ref(), runner.failure);
                let code = match phase {
                    _ if !phase.allows_another() => None,
                    _ if self.is_given_up(runner.row.number).await => {
                        Some(ErrorCode::FailedInEveryAttempt)
                    }
                    Phase::Failed(Failed::Pull) => Some(ErrorCode::FailedPull),
                    _ => None,
                };
                if let Some(code) = code {
                    let told = |error: PostError| {
                        let retryable = error.retryable && code == ErrorCode::FailedPull;
                        let told = not_tried_again(error, code, &known.number());
                        PostError { retryable, ..told }
                    };
                    report.post_error = report.post_error.map(told);
                }
                let stopped = AccountStop::after_refusal(phase, &report);
                self.with_quota(report, stopped).await
            }
        })
    }
}

/// What an earlier run began comes first, then what is due, oldest first, then what has no time as the
/// manifest has it, then what waits for its time, in the order in which it will go.
fn put_in_order(posts: &mut [impl Borrow<PreparedPost>], begun: &BegunPosts, now: Timestamp) {
    posts.sort_by_cached_key(|post| {
        let post = post.borrow();
        let at = post.asked.publish_at;
        let is_begun = begun.has(post);
        let waits = !is_begun && at.is_some_and(|at| at > now);
        (!is_begun, waits, at.is_none(), at)
    });
}

/// What would be sent, in words: how much, for whom to see, and the caption as TikTok gets it.
fn plan_words(post: &PreparedPost, found: &FoundPost) -> String {
    let plan = found.plan.as_ref();
    let mut words: Vec<_> = match plan {
        None => post.asked.source.is_pulled().then(|| "pulled by TikTok".to_owned()),
        Some(plan) => {
            let chunks = text::count(plan.count(), "chunk");
            Some(format!("{} in {chunks}", text::size(plan.size())))
        }
    }
    .into_iter()
    .collect();
    words.push(match post.asked.mode {
        Mode::Direct => post.asked.effective_privacy().as_str().to_owned(),
        Mode::Draft => "draft".to_owned(),
    });
    // In quotes and with line breaks escaped, so that it stays one line and its ends show.
    let quoted = |text| serde_json::Value::from(text).to_string();
    let texts = post.caption_sent().into_iter();
    words.extend(texts.map(|(what, text)| format!("{what} {}", quoted(text))));
    words.extend(found.begun().map(|phase| match phase {
        Phase::InitIntent | Phase::Open { .. } if plan.is_some() => {
            "begun by an earlier run".to_owned()
        }
        _ => "TikTok may have it already: it is asked first".to_owned(),
    }));
    // With `--repost` the row is none: that asks for it itself.
    let is_asked = found.row.as_ref().is_some_and(|row| row.repost > 0 && row.last.is_none());
    words.extend(is_asked.then(|| "the repost that an earlier run was asked for".to_owned()));
    // One exported anew, or the next one under the same name: only the user knows.
    words.extend(found.earlier.map(|earlier| match earlier {
        Earlier::Made(post) => format!("another video than post {post}, which lay there before"),
        Earlier::NotMade(post) => {
            format!("another video than post {post}, which lay there before and was not posted")
        }
        Earlier::UnderWay(post) => {
            format!("another video than post {post}, which lay there before and is not finished: that comes first")
        }
    }));
    words.join(", ")
}

/// The report of a post that is the same as another one of its manifest.
fn named_before(known: &PostSnapshot<'_>, first: SamePost) -> PostOutcome {
    PostOutcome { note: Some(same_as_words(first)), ..known.report(PostState::Skipped, None) }
}

/// The report of a post that was taken back before its turn. It stands for no other entry.
fn taken_back(post: &PreparedPost) -> PostOutcome {
    let note = Some("taken back before its turn".to_owned());
    PostOutcome {
        note,
        ..PostSnapshot::new(post, Instant::now()).report(PostState::Deferred, None)
    }
}

/// The report of a post whose time has not come. `row`: what the journal has of it, if earlier runs came to it.
pub(super) fn not_due(post: &PreparedPost, row: Option<&RecordedPost>) -> PostOutcome {
    // What was made is another one than the repost that waits.
    let number = row.filter(|row| row.may_begin()).map(|row| row.number);
    let report = PostSnapshot::new(post, Instant::now()).report(PostState::Deferred, None);
    let slot = post.asked.slot.as_deref().map(|slot| format!(" (slot `{}`)", text::shown(slot)));
    let note = Some(format!("its time has not come{}", slot.unwrap_or_default()));
    PostOutcome { number, at: post.asked.publish_at, note, ..report }
}

/// The report of a post that earlier runs brought to its end.
pub(super) fn ended_before(
    post: &PreparedPost,
    row: &RecordedPost,
    started: Instant,
) -> Option<PostOutcome> {
    let attempt = row.last.as_ref()?;
    let known =
        PostSnapshot { row: Some(row), attempt: Some(attempt), ..PostSnapshot::new(post, started) };
    match attempt.phase {
        Phase::Published | Phase::Inboxed => {
            let brought_to = match attempt.phase {
                Phase::Inboxed => PostState::Inbox,
                _ => PostState::Published,
            };
            let report = known.report(PostState::Skipped, None);
            let changed = row.settings != post.settings_hash();
            let note = if row.mode == post.asked.mode {
                changed.then(|| "the entry has other settings by now".to_owned())
            } else {
                let (made, asked) = (row.mode.as_str(), post.asked.mode.as_str());
                Some(format!("its `mode` was `{made}`, and is `{asked}` by now"))
            };
            let brought_to = Some(brought_to);
            Some(PostOutcome { at: Some(attempt.updated_at), brought_to, note, ..report })
        }
        Phase::Unresolved | Phase::Failed(Failed::Final) => {
            Some(known.over(attempt.phase, None, None))
        }
        // The login may be another one since.
        Phase::Failed(Failed::AuthRemoved) => Some(PostOutcome {
            failure: Some(ErrorKind::Final),
            ..known.over(attempt.phase, None, None)
        }),
        _ => None,
    }
}

/// The report of a post whose content turned out to be that of another one.
fn same_as(post: &PreparedPost, other: &RecordedPost, started: Instant) -> PostOutcome {
    ended_before(post, other, started).unwrap_or_else(|| {
        let known = PostSnapshot { row: Some(other), ..PostSnapshot::new(post, started) };
        let note = Some(format!("the same video as post {}, which is under way", other.number));
        PostOutcome { note, ..known.report(PostState::Skipped, None) }
    })
}

/// The report of a post that the run leaves, and what that means for the account's others.
fn left_with_stop(
    known: &PostSnapshot<'_>,
    reason: &StopReason,
) -> (PostOutcome, Option<AccountStop>) {
    let report = known.left(reason);
    let stopped = AccountStop::after(reason, &report);
    (report, stopped)
}

#[cfg(test)]
mod tests;
