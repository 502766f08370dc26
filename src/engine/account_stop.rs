//! What stops an account: what ended one of its posts and would end the others.

use std::path::Path;

use jiff::Timestamp;
use tiktok_open::{Code, Reaction};

use crate::engine::calls::CallError;
use crate::engine::stop::{PostSnapshot, StopReason};
use crate::model::account::Account;
use crate::model::{Failed, Mode, Phase, PostError, PostOutcome, PostState};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::store::{LeaseError, StoreError};
use crate::text::{self, chain};

/// Why the rest of an account's posts are not tried.
#[derive(Clone)]
pub(super) struct AccountStop {
    pub(super) post_error: PostError,
    /// When another try may help.
    at: Option<Timestamp>,
    note: Option<&'static str>,
    pub(super) state: PostState,
    pub(super) failure: Option<ErrorKind>,
}

/// That posts wait as their account is paused. `None`: it is not.
pub(crate) fn paused(account: &Account) -> Option<PostError> {
    account.paused_since?;
    // As a shell takes it for one word.
    let name = text::quoted(Path::new(account.name()));
    let problem = Problem::new(ErrorCode::AccountPaused).with("account", name);
    Some(PostError::new(ErrorCode::AccountPaused, "the account is paused", problem))
}

/// What has stopped an account so far, whole or for the posts of one mode.
#[derive(Default)]
pub(super) struct Stops(Vec<(Option<Mode>, AccountStop)>);

impl Stops {
    /// Of an account that is stopped from the beginning, if it is.
    pub(super) fn of_all(stop: Option<AccountStop>) -> Self {
        Self(stop.into_iter().map(|stop| (None, stop)).collect())
    }

    /// Whether nothing stops any post.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What keeps posts of that mode from being tried.
    pub(super) fn of(&self, mode: Mode) -> Option<&AccountStop> {
        self.0.iter().find(|(of, _)| of.is_none_or(|of| of == mode)).map(|(_, stop)| stop)
    }

    /// Takes in what a post of that mode has met.
    pub(super) fn add(&mut self, mode: Mode, stop: Option<AccountStop>) {
        self.0.extend(stop.map(|stop| (stop.is_of_mode().then_some(mode), stop)));
    }
}

impl AccountStop {
    /// Whether it is a quota of drafts alone, or of direct posts alone.
    fn is_of_mode(&self) -> bool {
        matches!(self.post_error.theirs, Some(Code::TooManyPosts | Code::TooManyPendingShares))
            || self.post_error.problem.code == ErrorCode::DraftsAhead
    }

    /// What a post that was left means for the account's others.
    pub(super) fn after(reason: &StopReason, report: &PostOutcome) -> Option<Self> {
        if let StopReason::Store(error) | StopReason::Unrecorded { error, .. } = reason
            && (error.is_taken_over()
                || matches!(error, StoreError::Lease(LeaseError::Lost { .. })))
        {
            return Some(Self::without_lease(error));
        }
        let is_full = matches!(reason, StopReason::Call(CallError::Api(error))
            if matches!(error.reaction(), Some(Reaction::Quota | Reaction::StopsAccount)));
        (is_full || reason.stops_account()).then(|| Self::from(report))
    }

    /// What a refused or failed post means for the account's others.
    pub(super) fn after_refusal(phase: Phase, report: &PostOutcome) -> Option<Self> {
        let code = report.post_error.as_ref()?.theirs.as_ref();
        let stops = match phase {
            Phase::Rejected => matches!(
                code.map(Code::reaction),
                Some(
                    Reaction::Quota
                        | Reaction::StopsAccount
                        | Reaction::Login
                        | Reaction::RenewToken
                )
            ),
            Phase::Failed(failed) => {
                failed == Failed::AuthRemoved
                    || matches!(code, Some(Code::Banned | Code::TooManyPosts))
            }
            _ => false,
        };
        let stop = stops.then(|| Self::from(report))?;
        let Phase::Failed(_) = phase else { return Some(stop) };
        // TikTok has not come to the others.
        let reason = text::plain(&stop.post_error.code);
        let message =
            format!("not begun, as TikTok failed an earlier post of this account: {reason}");
        let post_error = PostError { message, ..stop.post_error };
        Some(Self { post_error, ..stop })
    }

    /// That the account is paused, if it is.
    pub(super) fn of_pause(account: &Account) -> Option<Self> {
        let post_error = paused(account)?;
        let failure = Some(post_error.problem.kind);
        Some(Self { post_error, at: None, note: None, state: PostState::Deferred, failure })
    }

    /// That the account's lease was not to be had, or did not last, or that somebody else has the account by now.
    pub(super) fn without_lease(error: &StoreError) -> Self {
        let message = match error {
            StoreError::Lease(LeaseError::Held { holder, .. }) => {
                let by = holder.as_ref().map(|holder| format!(", by {holder}"));
                format!("another run is posting for this account{}", by.unwrap_or_default())
            }
            error => chain(error),
        };
        let code = match error {
            StoreError::Lease(LeaseError::File(error)) => error.problem().code,
            StoreError::Journal(error) => error.problem().code,
            _ => ErrorCode::AccountBusy,
        };
        let problem = match error {
            StoreError::Lease(LeaseError::Held { holder: Some(holder), .. })
                if holder.host.is_none() =>
            {
                Problem::new(ErrorCode::AccountBusyHere).with("pid", holder.pid)
            }
            error => error.problem(),
        };
        let post_error =
            PostError { retryable: error.is_temporary(), ..PostError::new(code, message, problem) };
        let state = if error.is_temporary() { PostState::Deferred } else { PostState::Failed };
        Self { post_error, at: None, note: None, state, failure: Some(error.kind()) }
    }

    fn from(report: &PostOutcome) -> Self {
        let code = report.post_error.as_ref().and_then(|post_error| post_error.theirs.as_ref());
        // Also if this post failed for it: the others only have to wait.
        let failure = match code.map(Code::reaction) {
            Some(Reaction::Quota) => Some(ErrorKind::Temporary),
            _ => report.failure,
        };
        let waits = failure.is_some_and(ErrorKind::puts_off);
        let state = if waits { PostState::Deferred } else { PostState::Failed };
        let post_error = report.post_error.clone().unwrap_or_else(|| PostError {
            retryable: true,
            ..PostError::new(
                ErrorCode::AccountStopped,
                "the account was stopped",
                ErrorCode::AccountStopped,
            )
        });
        // What is to be done about that post is not what is to be done about the others.
        let cause = post_error.problem.cause().cloned();
        let post_error = match cause {
            Some(problem) if report.state == PostState::Failed => {
                PostError { problem, retryable: true, ..post_error }
            }
            _ => post_error,
        };
        if let Some(ErrorKind::Interrupted(_)) = failure {
            // What became of that one is not what becomes of the others.
            let code = ErrorCode::RunInterrupted;
            let post_error = PostError {
                retryable: true,
                ..PostError::new(code, "the run was stopped before its turn", code)
            };
            return Self { post_error, at: None, note: Some("not tried"), state, failure };
        }
        let note = Some("not tried: an earlier post of this account was stopped");
        Self { post_error, at: report.at, note, state, failure }
    }

    /// With the time when there may be room again.
    pub(super) fn until(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The report of a post that is not tried for it.
    pub(super) fn report(&self, known: &PostSnapshot<'_>) -> PostOutcome {
        let state = if known.attempt.is_some() { PostState::Processing } else { self.state };
        let post_error = Some(known.warn_of_doubles(self.post_error.clone()));
        let note = self.note.map(str::to_owned);
        PostOutcome { post_error, at: self.at, note, ..known.report(state, self.failure) }
    }
}
