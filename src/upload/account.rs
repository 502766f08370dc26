//! The posts of one account, one after another.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tiktok_open::{Code, Reaction, Scopes};
use tokio::time::Instant;

use crate::exit::Exit;
use crate::journal::JournalError;
use crate::model::{Failed, Phase, PostError, PostNumber, PostOutcome, PostState, RecordedPost};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::engine::{Drive, Options};
use crate::upload::gate::Gate;
use crate::upload::leave::Leave;
use crate::upload::locate::{Located, absolute};
use crate::upload::outcome::PostSnapshot;
use crate::upload::poll::{can_be_settled, poll, settle};
use crate::upload::post::{FileState, PreparedPost};
use crate::upload::report::Progress;

/// One account's part of a run.
pub struct AccountRun<'a, A> {
    pub(super) calls: &'a Calls<'a, A>,
    pub(super) options: &'a Options,
    pub(super) gate: Gate<'a, A>,
    /// What was driven in this run.
    driven: Mutex<Vec<PostNumber>>,
}

impl<A> std::fmt::Debug for AccountRun<'_, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRun").field("calls", self.calls).finish_non_exhaustive()
    }
}

/// Why the rest of an account's posts are not tried.
#[derive(Clone)]
pub(super) struct Halted {
    trouble: PostError,
    /// When another try may help.
    at: Option<Timestamp>,
    state: PostState,
    exit: Exit,
}

impl<'a, A: Authority> AccountRun<'a, A> {
    /// The run of one account that was granted `scopes`.
    pub fn new(calls: &'a Calls<'a, A>, options: &'a Options, scopes: &'a Scopes) -> Self {
        Self { calls, options, gate: Gate::new(calls, scopes), driven: Mutex::default() }
    }

    /// Works off the posts: what an earlier run began first, then what is due, oldest first, then
    /// the rest in the manifest's order. Each is reported as it ends its run.
    pub async fn run(&self, mut posts: Vec<PreparedPost>) -> Vec<PostOutcome> {
        let begun = match self.calls.journal.unfinished(Some(self.calls.account)) {
            Ok(begun) => begun,
            // Without knowing what was begun nothing may be sent.
            Err(error) => return self.all_left(&posts, &error.into()),
        };
        let is_begun = |post: &PreparedPost| begun.iter().any(|row| names(post, row));
        let named = |row: &RecordedPost| posts.iter().any(|post| names(post, row));
        let others: Vec<_> = begun.iter().filter(|row| !named(row)).collect();
        settle(self.calls, &others).await;
        if self.options.repost {
            // All of them are asked for before the first is made: what a run cannot finish, the next
            // one finishes without `--repost`.
            for post in posts.iter().filter(|post| self.is_due(post)) {
                if self.calls.shutdown.asked().is_some() {
                    break;
                }
                // One that cannot be looked up is reported when its turn comes.
                if let Ok(located) = self.locate(post).await {
                    self.note_driven(located.row.number);
                }
            }
        }
        posts.sort_by_key(|post| {
            (!is_begun(post), post.asked.publish_at.is_none(), post.asked.publish_at)
        });
        let mut halted: Option<Halted> = None;
        let mut reports = Vec::new();
        for post in &posts {
            let report = if let Some(halted) = &halted {
                self.not_tried(post, halted).await
            } else {
                let due = is_begun(post) || self.is_due(post);
                let (report, stop) = if due { self.one(post).await } else { (early(post), None) };
                halted = stop;
                report
            };
            self.calls.reporter.ended(&report);
            reports.push(report);
        }
        reports
    }

    /// The reports of posts of which none can be tried.
    fn all_left(&self, posts: &[PreparedPost], leave: &Leave) -> Vec<PostOutcome> {
        let reports: Vec<_> =
            posts.iter().map(|post| PostSnapshot::new(post, Instant::now()).left(leave)).collect();
        for report in &reports {
            self.calls.reporter.ended(report);
        }
        reports
    }

    fn note_driven(&self, number: PostNumber) {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).push(number);
    }

    pub(super) fn has_driven(&self, number: PostNumber) -> bool {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    pub(super) fn is_due(&self, post: &PreparedPost) -> bool {
        post.asked.publish_at.is_none_or(|at| at <= self.options.clock.now())
    }

    /// A post after one that stopped the account: what is posted is still called so.
    async fn not_tried(&self, post: &PreparedPost, halted: &Halted) -> PostOutcome {
        let started = Instant::now();
        // What cannot be looked up is told when its turn comes.
        let row = self.look_up(post).await.ok().and_then(|found| found.row);
        if let Some(report) = row.as_ref().and_then(|row| earlier(post, row, started)) {
            return report;
        }
        let attempt = row.as_ref().and_then(|row| row.last.as_ref());
        let begun = attempt.filter(|attempt| !attempt.phase.is_over());
        if begun.is_none() && !self.is_due(post) {
            return early(post);
        }
        halted.report(&PostSnapshot {
            row: row.as_ref(),
            attempt: begun,
            ..PostSnapshot::new(post, started)
        })
    }

    async fn one(&self, post: &PreparedPost) -> (PostOutcome, Option<Halted>) {
        let started = Instant::now();
        // A second time for a file that took the place of the one that was begun.
        for _ in 0..2 {
            if let Some(signal) = self.calls.shutdown.asked() {
                return left(&PostSnapshot::new(post, started), &Leave::Interrupted(signal));
            }
            let mut located = match self.locate(post).await {
                Ok(located) => located,
                Err(error) => return left(&PostSnapshot::new(post, started), &error.into()),
            };
            if let Err(leave) = self.ask_what_became(post, &mut located.row).await {
                return left(&PostSnapshot::new(post, started), &leave);
            }
            if let Some(report) = earlier(post, &located.row, started) {
                return (in_doubt(post, &located, report), None);
            }
            let nothing_yet = located.row.phase().is_none_or(Phase::is_dead);
            if nothing_yet && !self.is_due(post) {
                return (early(post), None);
            }
            if let Some(outcome) = self.drive(post, located, started).await {
                return outcome;
            }
        }
        left(&PostSnapshot::new(post, started), &Leave::Replaced)
    }

    /// Asks TikTok again for a post whose outcome is unknown: its answer settles it.
    async fn ask_what_became(
        &self,
        post: &PreparedPost,
        row: &mut RecordedPost,
    ) -> Result<(), Leave> {
        if !row.last.as_ref().is_some_and(can_be_settled) {
            return Ok(());
        }
        match poll(self.calls, &post.subject, row.clone()).await {
            Ok(asked) => *row = asked,
            Err(error @ (CallError::Interrupted(_) | CallError::Journal(_))) => {
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
        located: Located,
        started: Instant,
    ) -> Option<(PostOutcome, Option<Halted>)> {
        let Located { row, source, replaced } = located;
        self.note_driven(row.number);
        if row.repost > 0 && !self.options.repost {
            let note = "finishing a repost that an earlier run was asked for".to_owned();
            self.calls.reporter.progress(&post.subject, &Progress::Note(note));
        }
        let mut drive = Drive::new(&self.gate, self.calls, self.options, post, row, source);
        let outcome = drive.run().await;
        let username = self.gate.username().await;
        let known = PostSnapshot {
            post,
            row: Some(&drive.row),
            attempt: drive.attempt.as_ref(),
            post_ids: &drive.post_ids,
            username: username.as_deref(),
            took: started.elapsed(),
        };
        Some(match outcome {
            Err(Leave::Replaced) => return None,
            // The file that lay here before is done with; now this one.
            Ok(()) if replaced && drive.phase() != Some(Phase::Unresolved) => return None,
            Err(Leave::Journal(JournalError::SameContent { other, certain: true })) => {
                match self.calls.journal.same_as(drive.row.number, other.number) {
                    Ok(()) => (same_as(post, &other, started), None),
                    Err(error) => left(&known, &Leave::Journal(error)),
                }
            }
            Err(leave) => {
                let (report, halted) = left(&known, &leave);
                self.remember_cap(report, halted)
            }
            Ok(()) => {
                let phase = drive.phase().unwrap_or(Phase::Lost);
                let report = known.over(phase, drive.trouble.as_ref(), drive.exit);
                let halted = Halted::after_refusal(phase, &report);
                self.remember_cap(report, halted)
            }
        })
    }
}

/// Whether an entry speaks of a post, as far as can be told without reading a file.
fn names(post: &PreparedPost, row: &RecordedPost) -> bool {
    if post.asked.id.is_some() && row.id.is_some() {
        return post.asked.id == row.id;
    }
    match (post.asked.source.file(), &row.file) {
        (Some(path), Some(file)) => absolute(path) == file.path,
        _ => row.label == post.subject.video,
    }
}

/// The report of a post whose time has not come.
pub(super) fn early(post: &PreparedPost) -> PostOutcome {
    let report = PostSnapshot::new(post, Instant::now()).report(PostState::Deferred, Exit::Done);
    let note = Some("its time has not come".to_owned());
    PostOutcome { at: post.asked.publish_at, note, ..report }
}

/// The report of a post that earlier runs brought to its end.
pub(super) fn earlier(
    post: &PreparedPost,
    row: &RecordedPost,
    started: Instant,
) -> Option<PostOutcome> {
    let attempt = row.last.as_ref()?;
    let known =
        PostSnapshot { row: Some(row), attempt: Some(attempt), ..PostSnapshot::new(post, started) };
    match attempt.phase {
        Phase::Published | Phase::Inboxed => {
            let report = known.report(PostState::Skipped, Exit::Done);
            let changed = row.settings != post.settings_hash();
            let note = changed.then(|| "the entry has other settings by now".to_owned());
            Some(PostOutcome { at: Some(attempt.updated_at), note, ..report })
        }
        Phase::Unresolved | Phase::Failed(Failed::Final) => {
            Some(known.over(attempt.phase, None, None))
        }
        // The login may be another one since.
        Phase::Failed(Failed::AuthRemoved) => {
            Some(PostOutcome { exit: Exit::Failed, ..known.over(attempt.phase, None, None) })
        }
        _ => None,
    }
}

/// The report of what was posted, with what makes doubtful that this very thing was meant.
fn in_doubt(post: &PreparedPost, located: &Located, report: PostOutcome) -> PostOutcome {
    if !matches!(post.file, Some(FileState::Checked(_) | FileState::Missing)) {
        return report;
    }
    let number = located.row.number;
    let posted = located.row.file.as_ref().map(|file| file.identity.size);
    let note = match &located.source {
        None => format!("as post {number}; its file is gone"),
        Some((video, _)) if posted != Some(video.size()) => {
            format!("as post {number}, which was another video")
        }
        Some(_) => return report,
    };
    PostOutcome { note: Some(note), ..report }
}

/// The report of a post whose content turned out to be that of another one.
fn same_as(post: &PreparedPost, other: &RecordedPost, started: Instant) -> PostOutcome {
    earlier(post, other, started).unwrap_or_else(|| {
        let known = PostSnapshot { row: Some(other), ..PostSnapshot::new(post, started) };
        let note = Some(format!("the same video as post {}, which is under way", other.number));
        PostOutcome { note, ..known.report(PostState::Skipped, Exit::Done) }
    })
}

/// The report of a post that the run leaves, and what that means for the account's others.
fn left(known: &PostSnapshot<'_>, leave: &Leave) -> (PostOutcome, Option<Halted>) {
    let report = known.left(leave);
    let halted = Halted::after(leave, &report);
    (report, halted)
}

impl Halted {
    /// What a post that was left means for the account's others.
    fn after(leave: &Leave, report: &PostOutcome) -> Option<Self> {
        let cap = matches!(leave, Leave::Call(CallError::Api(error))
            if matches!(error.reaction(), Some(Reaction::Cap | Reaction::StopsAccount)));
        (cap || leave.stops_account()).then(|| Self::from(report))
    }

    /// What a refused or failed post means for the account's others.
    fn after_refusal(phase: Phase, report: &PostOutcome) -> Option<Self> {
        let code = report.trouble.as_ref().map(|trouble| Code::from(trouble.code.as_str()))?;
        let stops = match phase {
            Phase::Rejected => matches!(
                code.reaction(),
                Reaction::Cap | Reaction::StopsAccount | Reaction::Login | Reaction::RenewToken
            ),
            Phase::Failed(failed) => {
                failed == Failed::AuthRemoved || matches!(code, Code::Banned | Code::TooManyPosts)
            }
            _ => false,
        };
        stops.then(|| Self::from(report))
    }

    fn from(report: &PostOutcome) -> Self {
        let code = report.trouble.as_ref().map(|trouble| Code::from(trouble.code.as_str()));
        // Also if this post failed for it: the others only have to wait.
        let exit = match code.map(|code| code.reaction()) {
            Some(Reaction::Cap) => Exit::Temporary,
            _ => report.exit,
        };
        let state = match exit {
            Exit::Temporary | Exit::Signal(_) => PostState::Deferred,
            _ => PostState::Failed,
        };
        let trouble = report.trouble.clone().unwrap_or_else(|| PostError {
            code: "stopped".into(),
            message: "the account was stopped".into(),
            hint: None,
            retryable: true,
            log_id: None,
        });
        Self { trouble, at: report.at, state, exit }
    }

    /// With the time when there may be room again.
    pub(super) fn until(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The report of a post that is not tried for it.
    fn report(&self, known: &PostSnapshot<'_>) -> PostOutcome {
        let state = if known.attempt.is_some() { PostState::Processing } else { self.state };
        let trouble = Some(known.warn_of_doubles(self.trouble.clone()));
        let note = Some("not tried: an earlier post of this account was stopped".to_owned());
        PostOutcome { trouble, at: self.at, note, ..known.report(state, self.exit) }
    }
}
