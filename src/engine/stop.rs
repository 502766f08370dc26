//! Why a run leaves a post where it is, and what a post reports in the end: from phases and reasons to an
//! outcome.

use std::time::Duration;

use jiff::Timestamp;
use tiktok_open::{Code, FailReason};
use tokio::time::Instant;

use crate::api::{error_code, fail_code};
use crate::clock::moment;
use crate::engine::calls::CallError;
use crate::engine::post::{CheckedFile, PreparedPost};
use crate::model::{
    Attempt, Failed, Location, Phase, PostError, PostNumber, PostOutcome, PostState, RecordedPost,
    Transfer, post_page,
};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::signals::Signal;
use crate::source::{Version, VideoError};
use crate::store::StoreError;
use crate::text::{self, chain};

/// Why a run leaves a post where it is.
#[derive(Debug)]
pub(super) enum StopReason {
    /// A call came to nothing.
    Call(CallError),
    /// The store did not record a step; nothing was sent after it.
    Store(StoreError),
    /// The store did not record what TikTok said: the user may be the only one who knows it.
    Unrecorded {
        /// What it was.
        phase: Phase,
        /// Why not.
        error: StoreError,
    },
    /// Another file lies where the one of this attempt was, and the attempt is given up: the entry is
    /// to be looked up again.
    Replaced,
    /// A quota is full, as the journal remembers.
    QuotaFull {
        /// TikTok's code for it.
        code: Code,
        /// When there may be room again.
        until: Timestamp,
    },
    /// The drafts of the manifest that go before this one leave no room for it: so says a dry run.
    DraftsAhead {
        /// How many drafts TikTok lets wait in an inbox.
        most: u32,
        /// How many go before this one.
        ahead: u32,
        /// How many wait in the inbox, or are on their way there.
        pending: u32,
        /// When there may be room again.
        until: Timestamp,
    },
    /// The file is not there (any more), or not readable.
    File(VideoError),
    /// The file is another machine's.
    Elsewhere {
        /// That machine's host name.
        host: String,
    },
    /// A signal.
    Interrupted(Signal),
    /// TikTok still works on it.
    StillProcessing,
    /// Only time can prove that the final chunk did not arrive.
    WaitingForProof {
        /// From when on the proof can be had.
        from: Timestamp,
    },
    /// A chunk failed too often.
    ChunkFailed {
        /// The last failure, in words.
        why: String,
    },
    /// TikTok and this program disagree about the position, again and again.
    OutOfStep,
    /// TikTok calls a chunk malformed.
    ChunkRefused {
        /// HTTP status.
        status: u16,
    },
    /// The link is too slow for the hour that TikTok gives.
    TooSlow {
        /// Megabits a second that it would take.
        needs: f64,
    },
    /// Something that was checked before the init forbids it.
    Unfit {
        /// What.
        post_error: Box<PostError>,
        /// The kind of trouble.
        kind: ErrorKind,
    },
    /// Too many attempts within an hour came to nothing.
    TooManyAttempts {
        /// How many.
        attempts: usize,
        /// What the last one came to, in words.
        last: Option<String>,
        /// When the next one is allowed.
        next: Timestamp,
    },
    /// TikTok failed it, and this run does not try again.
    FailedAgain {
        /// What the last attempt came to.
        last: Box<PostError>,
        /// Whether that is so because the run was told not to.
        no_retry: bool,
    },
    /// TikTok failed it in every attempt that a post gets.
    FailedForGood {
        /// What the last attempt came to.
        last: Box<PostError>,
    },
}

impl<E: Into<CallError>> From<E> for StopReason {
    fn from(error: E) -> Self {
        match error.into() {
            CallError::Store(error) => Self::Store(error),
            CallError::Interrupted(signal) => Self::Interrupted(signal),
            error => Self::Call(error),
        }
    }
}

impl StopReason {
    /// That the file of a post is not here, as far as the journal has the post.
    pub(super) fn not_here(post: &PreparedPost, row: Option<&RecordedPost>) -> Self {
        match row.and_then(|row| row.elsewhere.clone()) {
            Some(host) => Self::Elsewhere { host },
            None => Self::gone(post),
        }
    }

    /// That the file of a post is not there.
    pub(super) fn gone(post: &PreparedPost) -> Self {
        let path = post.asked.source.file().map(Location::shown).unwrap_or_default();
        let source = std::io::Error::from(rustix::io::Errno::NOENT);
        Self::File(VideoError::Io { path, source })
    }

    /// The kind of trouble that it is for a post in this phase.
    pub(super) fn kind(&self, phase: Option<Phase>) -> ErrorKind {
        match self {
            Self::Call(error) => error.kind(),
            // The next run does not know what this one was told, and a person has to.
            Self::Unrecorded { phase, .. } if is_unknown_after(*phase) => ErrorKind::Unknown,
            Self::Store(error) | Self::Unrecorded { error, .. } => error.kind(),
            Self::File(error) => error.kind(),
            Self::Interrupted(signal) => ErrorKind::Interrupted(*signal),
            Self::Unfit { kind, .. } => *kind,
            Self::OutOfStep if matches!(phase, Some(Phase::FinalIntent { .. })) => {
                ErrorKind::Unknown
            }
            Self::ChunkRefused { .. } | Self::FailedAgain { .. } | Self::FailedForGood { .. } => {
                ErrorKind::Final
            }
            Self::OutOfStep
            | Self::StillProcessing
            | Self::WaitingForProof { .. }
            | Self::ChunkFailed { .. }
            | Self::TooSlow { .. }
            | Self::Replaced
            | Self::Elsewhere { .. }
            | Self::QuotaFull { .. }
            | Self::DraftsAhead { .. }
            | Self::TooManyAttempts { .. } => ErrorKind::Temporary,
        }
    }

    pub(super) fn again_at(&self) -> Option<Timestamp> {
        match self {
            Self::WaitingForProof { from } => Some(*from),
            Self::TooManyAttempts { next, .. } => Some(*next),
            Self::QuotaFull { until, .. } | Self::DraftsAhead { until, .. } => Some(*until),
            _ => None,
        }
    }

    pub(super) fn post_error(&self, known: &PostSnapshot<'_>) -> PostError {
        let (code, message, problem): (_, _, Problem) = match self {
            Self::Call(error) => return error.post_error(),
            Self::FailedAgain { last, no_retry } => return failed_again(last, *no_retry),
            Self::FailedForGood { last } => {
                let message = format!("TikTok failed it in every attempt: {}", last.message);
                let last = PostError { message, ..*last.clone() };
                return not_tried_again(last, ErrorCode::FailedInEveryAttempt, &known.number());
            }
            Self::QuotaFull { code, .. } => return quota_full(code),
            Self::Elsewhere { host } => return elsewhere(host),
            Self::DraftsAhead { most, ahead, pending, .. } => {
                return drafts_ahead(*most, *ahead, *pending);
            }
            Self::Replaced => (
                ErrorCode::FileReplaced,
                "the file is another one now".into(),
                ErrorCode::FileReplaced.into(),
            ),
            Self::Unrecorded { phase, error } => (
                ErrorCode::Journal,
                format!("{}: {}", unrecorded(*phase, known), chain(error)),
                unrecorded_problem(*phase, known).unwrap_or_else(|| error.problem()),
            ),
            Self::Unfit { post_error, .. } => return PostError::clone(post_error),
            Self::Store(error) if error.is_taken_over() => {
                (ErrorCode::AccountTakenOver, chain(error), error.problem())
            }
            Self::Store(error) => {
                let message = format!("could not record a step: {}", chain(error));
                (ErrorCode::Journal, message, error.problem())
            }
            Self::File(error @ VideoError::Remote(_)) if !error.is_missing() => {
                (error.problem().code, chain(error), error.problem())
            }
            Self::File(error) if error.is_missing() => (
                ErrorCode::FileGone,
                format!("{}; it was not posted", chain(error)),
                ErrorCode::FileGone.into(),
            ),
            Self::File(error @ VideoError::Unfinished { .. }) => {
                (ErrorCode::FileUnfinished, chain(error), error.problem())
            }
            Self::File(error) => (ErrorCode::VideoUnreadable, chain(error), error.problem()),
            Self::Interrupted(_) => {
                let message = if known.may_be_live() {
                    "interrupted while its outcome is pending at TikTok"
                } else {
                    "interrupted"
                };
                (ErrorCode::RunInterrupted, message.into(), ErrorCode::RunInterrupted.into())
            }
            Self::StillProcessing => (
                ErrorCode::Processing,
                "TikTok is still working on it; nothing failed".into(),
                ErrorCode::Processing.into(),
            ),
            Self::WaitingForProof { from } => (
                ErrorCode::WaitingForProof,
                format!(
                    "only after {} can be proved that the last chunk did not arrive",
                    moment(*from)
                ),
                ErrorCode::WaitingForProof.into(),
            ),
            Self::ChunkFailed { why } => (
                ErrorCode::ChunkFailed,
                format!("a chunk failed too often: {why}"),
                ErrorCode::ChunkFailed.into(),
            ),
            Self::OutOfStep => (
                ErrorCode::OutOfStep,
                "TikTok and this program disagree about the bytes that arrived".into(),
                if known.may_be_live() { ErrorCode::OutOfStepLive } else { ErrorCode::OutOfStep }
                    .into(),
            ),
            Self::ChunkRefused { status } => (
                ErrorCode::ChunkRefused,
                format!("TikTok refused a chunk as malformed (HTTP {status})"),
                ErrorCode::ChunkRefused.into(),
            ),
            Self::TooSlow { needs } => (
                ErrorCode::TooSlow,
                "the upload did not finish within the hour that TikTok gives it".into(),
                Problem::new(ErrorCode::TooSlow).with("needs", format_args!("{needs:.1}")),
            ),
            Self::TooManyAttempts { attempts, last, next } => (
                ErrorCode::AttemptLimit,
                format!(
                    "{attempts} attempts within an hour came to nothing{}",
                    last.as_ref().map(|last| format!(": {last}")).unwrap_or_default()
                ),
                Problem::new(ErrorCode::AttemptLimit).with("time", moment(*next)),
            ),
        };
        PostError {
            retryable: self.kind(known.attempt.map(|attempt| attempt.phase)).may_pass(),
            ..PostError::new(code, text::plain(&message), problem)
        }
    }

    /// Whether the account's other posts would meet the same.
    pub(super) fn stops_account(&self) -> bool {
        match self {
            Self::Call(CallError::Token(_))
            | Self::Interrupted(_)
            | Self::QuotaFull { .. }
            | Self::DraftsAhead { .. } => true,
            // A store that cannot be written stops everything; a clash of two posts does not.
            Self::Store(error) | Self::Unrecorded { error, .. } => {
                matches!(error.kind(), ErrorKind::Local | ErrorKind::Temporary)
            }
            Self::Call(error) => matches!(error.kind(), ErrorKind::Login | ErrorKind::Input),
            _ => false,
        }
    }
}

/// That TikTok failed a post, and that another run tries it again.
fn failed_again(last: &PostError, no_retry: bool) -> PostError {
    let what = if no_retry {
        "TikTok failed it, and this run was told not to try again"
    } else {
        "TikTok failed it again; the next run tries once more"
    };
    let message = format!("{what}: {}", last.message);
    let code = if no_retry { ErrorCode::FailedNotRetried } else { ErrorCode::FailedAgain };
    let problem = code.into();
    PostError { message, problem, retryable: true, ..last.clone() }
}

/// That the file of a post is on another machine.
fn elsewhere(host: &str) -> PostError {
    let host = text::plain(host);
    let what = format!("its file is on {host}, and not here");
    let problem = Problem::new(ErrorCode::FileElsewhere).with("machine", host);
    PostError { retryable: true, ..PostError::new(ErrorCode::FileElsewhere, what, problem) }
}

/// That a quota is full, by TikTok's code for it.
fn quota_full(code: &Code) -> PostError {
    let quota = match code {
        Code::TooManyPendingShares => "pending drafts of this account",
        Code::ActiveUserCap => "active users of this app",
        _ => "posts of this account",
    };
    let what = format!("the quota of {quota} is full, as TikTok said or this program counted");
    PostError {
        theirs: Some(code.clone()),
        retryable: true,
        ..PostError::new(error_code(code), what, error_code(code))
    }
}

/// That the manifest alone has more drafts than there is room for: reported as the quota that it would fill.
fn drafts_ahead(most: u32, ahead: u32, pending: u32) -> PostError {
    let go = match ahead {
        1 => "1 of this manifest goes".to_owned(),
        more => format!("{more} of this manifest go"),
    };
    let beside = match pending {
        0 => String::new(),
        more => format!(", beside {more} in the inbox"),
    };
    let what = format!(
        "this manifest has more drafts than there is room for: TikTok keeps at most {most} unfinished \
         ones in 24 hours, and {go} before this one{beside}"
    );
    PostError {
        theirs: Some(Code::TooManyPendingShares),
        retryable: true,
        ..PostError::new(ErrorCode::TooManyPendingShares, what, ErrorCode::DraftsAhead)
    }
}

/// What the next run will not know of a pull.
fn unrecorded_problem(phase: Phase, known: &PostSnapshot<'_>) -> Option<Problem> {
    let code = match phase {
        Phase::Rejected | Phase::Lost => ErrorCode::UnrecordedRefusal,
        // Its `publish_id` is lost with this run.
        Phase::Open { .. } => ErrorCode::UnrecordedOpen,
        _ => return None,
    };
    Some(Problem::new(code).with("post", known.number()))
}

/// Whether a pull of which this was not recorded is one whose outcome no later run can find out.
fn is_unknown_after(phase: Phase) -> bool {
    matches!(phase, Phase::Open { .. } | Phase::Rejected | Phase::Lost)
}

/// What TikTok said and the journal did not take.
fn unrecorded(phase: Phase, known: &PostSnapshot<'_>) -> String {
    if phase.is_dead() {
        return "TikTok did not take it on, but that could not be recorded".to_owned();
    }
    let publish_id = known.attempt.and_then(|attempt| attempt.publish_id.as_deref());
    let said = match phase {
        Phase::Published => "it is published",
        Phase::Inboxed => "it is in the inbox",
        Phase::Uploaded => "TikTok has all of it",
        _ => "TikTok has taken it on",
    };
    format!(
        "{said} (publish_id {}), but that could not be recorded",
        publish_id.unwrap_or("unknown")
    )
}

/// What is known about a post when its run ends.
pub(super) struct PostSnapshot<'a> {
    pub(super) post: &'a PreparedPost,
    pub(super) row: Option<&'a RecordedPost>,
    pub(super) attempt: Option<&'a Attempt>,
    pub(super) post_ids: &'a [u64],
    /// The handle of the profile, for the post's address.
    pub(super) username: Option<&'a str>,
    pub(super) took: Duration,
}

impl<'a> PostSnapshot<'a> {
    /// Nothing but the post itself.
    pub(super) fn new(post: &'a PreparedPost, started: Instant) -> Self {
        let took = started.elapsed();
        Self { post, row: None, attempt: None, post_ids: &[], username: None, took }
    }

    pub(super) fn report(&self, state: PostState, failure: Option<ErrorKind>) -> PostOutcome {
        let post_ids = if self.post_ids.is_empty() {
            self.attempt.map(|attempt| attempt.post_ids.clone()).unwrap_or_default()
        } else {
            self.post_ids.to_vec()
        };
        let url = self.username.zip(post_ids.first());
        let url = url.and_then(|(name, id)| post_page(name, *id, self.post.asked.source.kind()));
        // What is reported may be the post of the file that lay there before.
        let is_its_own = |file: &&CheckedFile| {
            let Version::File(identity) = file.version;
            let known = self.row.and_then(|row| row.file.as_ref());
            known.is_none_or(|known| known.identity.size == identity.size)
        };
        PostOutcome {
            post_ref: self.post.post_ref.clone(),
            number: self.row.map(|row| row.number),
            entry: self.post.fingerprint(),
            state,
            publish_id: self.attempt.and_then(|attempt| attempt.publish_id.clone()),
            post_ids,
            url: url.map(String::from),
            bytes: self.row.and_then(|row| row.file.as_ref()).map_or(0, |file| file.identity.size),
            took: self.took,
            at: None,
            brought_to: None,
            media: self.post.checked_file().filter(is_its_own).map(|file| file.media.clone()),
            warnings: self
                .post
                .checked_file()
                .map(|file| file.warnings.clone())
                .unwrap_or_default(),
            note: None,
            post_error: None,
            failure,
        }
    }

    /// The report of a post that is over, by its last phase.
    pub(super) fn over(
        &self,
        phase: Phase,
        post_error: Option<&PostError>,
        failure: Option<ErrorKind>,
    ) -> PostOutcome {
        let plain = |state| self.report(state, None);
        let failed = |kind| {
            let error = post_error.cloned().or_else(|| self.recorded_error());
            let for_good = matches!(phase, Phase::Failed(_)) && !phase.allows_another();
            let told = |error| {
                let code = ErrorCode::FailedForGood;
                if for_good { not_tried_again(error, code, &self.number()) } else { error }
            };
            let post_error = error.map(told);
            PostOutcome { post_error, ..self.report(PostState::Failed, Some(kind)) }
        };
        match phase {
            Phase::Published => plain(PostState::Published),
            Phase::Inboxed => plain(PostState::Inbox),
            Phase::Unresolved => PostOutcome {
                post_error: Some(self.unresolved()),
                ..self.report(PostState::Unresolved, Some(ErrorKind::Unknown))
            },
            Phase::Rejected if failure.is_some_and(ErrorKind::puts_off) => PostOutcome {
                post_error: post_error.cloned(),
                ..self.report(PostState::Deferred, failure)
            },
            Phase::Failed(Failed::AuthRemoved) => failed(ErrorKind::Login),
            _ => failed(failure.unwrap_or(ErrorKind::Final)),
        }
    }

    pub(super) fn number(&self) -> String {
        self.row.map_or_else(|| "POST".to_owned(), |row| row.number.to_string())
    }

    fn unresolved(&self) -> PostError {
        unresolved(self.attempt, &self.number())
    }

    /// The reason that the journal has, for a post that failed in an earlier run.
    fn recorded_error(&self) -> Option<PostError> {
        let attempt = self.attempt?;
        let problem = match attempt.phase {
            Phase::Failed(_) => return Some(failure_of(attempt)),
            _ => ErrorCode::FailedBefore.into(),
        };
        Some(PostError { problem, retryable: false, ..PostError::of_attempt(attempt) })
    }

    /// The report of a post that the run had to leave where it is.
    pub(super) fn left(&self, reason: &StopReason) -> PostOutcome {
        let phase = self.attempt.map(|attempt| attempt.phase);
        let kind = reason.kind(phase);
        let open = phase.is_some_and(|phase| !phase.is_over());
        let state = match (reason, open) {
            (StopReason::Unrecorded { phase: Phase::Published, .. }, _) => PostState::Published,
            (StopReason::Unrecorded { phase: Phase::Inboxed, .. }, _) => PostState::Inbox,
            (StopReason::Unrecorded { phase, .. }, _) if is_unknown_after(*phase) => {
                PostState::Unresolved
            }
            (_, true) => PostState::Processing,
            (_, false) if kind.puts_off() => PostState::Deferred,
            (_, false) => PostState::Failed,
        };
        let (mut post_error, at) = (reason.post_error(self), reason.again_at());
        if kind == ErrorKind::Login {
            post_error = self.warn_of_doubles(post_error);
        }
        PostOutcome { post_error: Some(post_error), at, ..self.report(state, Some(kind)) }
    }

    /// Says beside the trouble that a post may be there already.
    pub(super) fn warn_of_doubles(&self, post_error: PostError) -> PostError {
        PostError { may_be_live: self.may_be_live(), ..post_error }
    }

    /// Whether TikTok may have everything already.
    pub(super) fn may_be_live(&self) -> bool {
        let pulled = self.attempt.is_some_and(|attempt| attempt.transfer == Transfer::Pull);
        match self.attempt.map(|attempt| attempt.phase) {
            Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
            Some(Phase::Open { .. }) => pulled,
            _ => false,
        }
    }
}

/// What came of a post that the manifest of a run does not name. `None`: nothing to be told of.
pub(crate) fn settled(row: &RecordedPost) -> Option<PostOutcome> {
    let attempt = row.last.as_ref()?;
    let number = row.number.to_string();
    let (state, post_error, failure) = match attempt.phase {
        Phase::Published => (PostState::Published, None, None),
        Phase::Inboxed => (PostState::Inbox, None, None),
        Phase::Unresolved => {
            let error = unresolved(Some(attempt), &number);
            (PostState::Unresolved, Some(error), Some(ErrorKind::Unknown))
        }
        phase @ Phase::Failed(failed) => {
            let error = if phase.allows_another() {
                let error = failure_of(attempt);
                let unnamed = not_tried_again(error, ErrorCode::FailedUnnamed, &number);
                PostError { retryable: true, ..unnamed }
            } else {
                failed_for_good(row.number, attempt)
            };
            let login = failed == Failed::AuthRemoved;
            let kind = if login { ErrorKind::Login } else { ErrorKind::Final };
            (PostState::Failed, Some(error), Some(kind))
        }
        Phase::FinalIntent { .. } => {
            let what = "it is not known whether its last chunk has arrived, and this manifest does not name it";
            let code = ErrorCode::UnconfirmedUnnamed;
            let problem = Problem::new(code).with("post", &number);
            (PostState::Processing, Some(PostError::new(code, what.to_owned(), problem)), None)
        }
        Phase::Open { .. } | Phase::Uploaded
            if attempt.phase == Phase::Uploaded || attempt.transfer == Transfer::Pull =>
        {
            let what = "TikTok is still working on it, and this manifest does not name it";
            let code = ErrorCode::ProcessingUnnamed;
            (PostState::Processing, Some(PostError::new(code, what.to_owned(), code)), None)
        }
        _ => return None,
    };
    Some(PostOutcome {
        post_ref: row.post_ref(),
        number: Some(row.number),
        entry: String::new(),
        state,
        publish_id: attempt.publish_id.clone(),
        post_ids: attempt.post_ids.clone(),
        url: None,
        bytes: row.file.as_ref().map_or(0, |file| file.identity.size),
        took: Duration::ZERO,
        at: None,
        brought_to: None,
        media: None,
        warnings: Vec::new(),
        note: Some(format!("post {number}, which this manifest does not name")),
        post_error,
        failure,
    })
}

/// That it is unknown what became of a post.
fn unresolved(attempt: Option<&Attempt>, number: &str) -> PostError {
    // What came instead of an answer that says so.
    let came = attempt.and_then(|attempt| attempt.message.as_deref());
    let came = came.map(|came| format!(" ({came})")).unwrap_or_default();
    PostError::new(
        ErrorCode::OutcomeUnknown,
        format!("it is unknown whether TikTok posted it{came}; it is not sent again"),
        Problem::new(ErrorCode::OutcomeUnknown).with("post", number),
    )
}

/// Why TikTok failed an attempt, as the journal has it: with what to do about it.
pub(super) fn failure_of(attempt: &Attempt) -> PostError {
    let error = PostError::of_attempt(attempt);
    let reason = attempt.code.as_deref().map(|code| fail_code(&FailReason(code.to_owned())));
    PostError { problem: reason.unwrap_or(ErrorCode::FailedUnlisted).into(), ..error }
}

/// Why TikTok failed the latest attempt of a post that is not tried again by itself, with what to do about it.
pub(crate) fn failed_for_good(post: PostNumber, attempt: &Attempt) -> PostError {
    not_tried_again(failure_of(attempt), ErrorCode::FailedForGood, &post.to_string())
}

/// A failure that no run tries to mend by itself: what to do about its cause, and then about the post.
pub(super) fn not_tried_again(error: PostError, code: ErrorCode, number: &str) -> PostError {
    let problem = Problem::new(code).with("post", number).caused_by(error.problem);
    PostError { problem, retryable: false, ..error }
}
