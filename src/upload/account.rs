//! The posts of one account, one after another.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::journal::{JournalError, Post as Row, PostNumber};
use crate::tiktok::{Code, Reaction, Scopes};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::engine::{Drive, Options};
use crate::upload::gate::Gate;
use crate::upload::leave::Leave;
use crate::upload::locate::Located;
use crate::upload::outcome::Known;
use crate::upload::poll::settle;
use crate::upload::post::Post;
use crate::upload::report::{PostReport, PostState, Trouble};
use crate::upload::state::{Failed, Phase};

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
    trouble: Trouble,
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
    pub async fn run(&self, mut posts: Vec<Post>) -> Vec<PostReport> {
        let begun = self.calls.journal.unfinished(Some(self.calls.account)).unwrap_or_default();
        let is_begun = |post: &Post| {
            begun.iter().any(|row| {
                row.label == post.subject.video || (post.id.is_some() && row.id == post.id)
            })
        };
        let named = |row: &Row| {
            let names = |post: &Post| {
                row.label == post.subject.video || (row.id.is_some() && row.id == post.id)
            };
            posts.iter().any(names)
        };
        let others: Vec<_> = begun.iter().filter(|row| !named(row)).collect();
        settle(self.calls, &others).await;
        posts.sort_by_key(|post| (!is_begun(post), post.publish_at.is_none(), post.publish_at));
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

    pub(super) fn has_driven(&self, number: PostNumber) -> bool {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    pub(super) fn is_due(&self, post: &Post) -> bool {
        post.publish_at.is_none_or(|at| at <= self.options.clock.now())
    }

    /// A post after one that stopped the account: what is posted is still called so.
    async fn not_tried(&self, post: &Post, halted: &Halted) -> PostReport {
        if !self.is_due(post) {
            return early(post);
        }
        if halted.state == PostState::Deferred
            && let Ok(located) = self.locate(post).await
            && let Some(report) = earlier(post, &located.row, Instant::now())
        {
            return report;
        }
        halted.report(post)
    }

    async fn one(&self, post: &Post) -> (PostReport, Option<Halted>) {
        let started = Instant::now();
        // A second time for a file that took the place of the one that was begun.
        for _ in 0..2 {
            if let Some(signal) = self.calls.shutdown.asked() {
                return left(&Known::new(post, started), &Leave::Interrupted(signal));
            }
            let located = match self.locate(post).await {
                Ok(located) => located,
                Err(error) => return left(&Known::new(post, started), &error.into()),
            };
            if let Some(report) = earlier(post, &located.row, started) {
                return (report, None);
            }
            let nothing_yet = located.row.phase().is_none_or(Phase::is_dead);
            if nothing_yet && !self.is_due(post) {
                return (early(post), None);
            }
            if let Some(outcome) = self.drive(post, located, started).await {
                return outcome;
            }
        }
        left(&Known::new(post, started), &Leave::Replaced)
    }

    /// Drives a post as far as it goes. `None`: its file is another one now, to be looked up anew.
    async fn drive(
        &self,
        post: &Post,
        located: Located,
        started: Instant,
    ) -> Option<(PostReport, Option<Halted>)> {
        let Located { row, source, replaced } = located;
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).push(row.number);
        let mut drive = Drive::new(&self.gate, self.calls, self.options, post, row, source);
        let outcome = drive.run().await;
        let username = self.gate.username().await;
        let known = Known {
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

/// The report of a post whose time has not come.
pub(super) fn early(post: &Post) -> PostReport {
    let report = Known::new(post, Instant::now()).report(PostState::Deferred, Exit::Done);
    let note = Some("its time has not come".to_owned());
    PostReport { at: post.publish_at, note, ..report }
}

/// The report of a post that earlier runs brought to its end.
pub(super) fn earlier(post: &Post, row: &Row, started: Instant) -> Option<PostReport> {
    let attempt = row.last.as_ref()?;
    let known = Known { row: Some(row), attempt: Some(attempt), ..Known::new(post, started) };
    match attempt.phase {
        Phase::Published | Phase::Inboxed => {
            let report = known.report(PostState::Skipped, Exit::Done);
            let note = Some("already posted".to_owned());
            Some(PostReport { at: Some(attempt.updated_at), note, ..report })
        }
        Phase::Unresolved | Phase::Failed(Failed::Final | Failed::AuthRemoved) => {
            Some(known.over(attempt.phase, None, None))
        }
        _ => None,
    }
}

/// The report of a post whose content turned out to be that of another one.
fn same_as(post: &Post, other: &Row, started: Instant) -> PostReport {
    earlier(post, other, started).unwrap_or_else(|| {
        let known = Known { row: Some(other), ..Known::new(post, started) };
        let note = Some(format!("the same video as post {}, which is under way", other.number));
        PostReport { note, ..known.report(PostState::Skipped, Exit::Done) }
    })
}

/// The report of a post that the run leaves, and what that means for the account's others.
fn left(known: &Known<'_>, leave: &Leave) -> (PostReport, Option<Halted>) {
    let report = known.left(leave);
    let halted = Halted::after(leave, &report);
    (report, halted)
}

impl Halted {
    /// What a post that was left means for the account's others.
    fn after(leave: &Leave, report: &PostReport) -> Option<Self> {
        let cap = matches!(leave, Leave::Call(CallError::Api(error))
            if matches!(error.reaction(), Some(Reaction::Cap | Reaction::StopsAccount)));
        (cap || leave.stops_account()).then(|| Self::from(report))
    }

    /// What a refused or failed post means for the account's others.
    fn after_refusal(phase: Phase, report: &PostReport) -> Option<Self> {
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

    fn from(report: &PostReport) -> Self {
        let code = report.trouble.as_ref().map(|trouble| Code::from(trouble.code.as_str()));
        // Also if this post failed for it: the others only have to wait.
        let exit = match code.map(|code| code.reaction()) {
            Some(Reaction::Cap) => Exit::Temporary,
            _ => report.exit,
        };
        let state = match exit {
            Exit::Temporary | Exit::Interrupted | Exit::Terminated => PostState::Deferred,
            _ => PostState::Failed,
        };
        let trouble = report.trouble.clone().unwrap_or_else(|| Trouble {
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

    fn report(&self, post: &Post) -> PostReport {
        let report = Known::new(post, Instant::now()).report(self.state, self.exit);
        let note = Some("not tried: an earlier post of this account was stopped".to_owned());
        PostReport { trouble: Some(self.trouble.clone()), at: self.at, note, ..report }
    }
}
