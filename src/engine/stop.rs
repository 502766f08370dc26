//! Why a run leaves a post where it is, and what a post reports in the end: from phases and reasons to an
//! outcome.

use std::time::Duration;

use jiff::Timestamp;
use tiktok_open::Code;
use tokio::time::Instant;

use crate::api::code_hint;
use crate::engine::calls::CallError;
use crate::engine::file::VideoError;
use crate::engine::post::PreparedPost;
use crate::exit::{Exit, Explain};
use crate::model::{
    Attempt, Failed, Phase, PostError, PostOutcome, PostState, RecordedPost, Transfer,
};
use crate::signals::Signal;
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
    /// The file is not there (any more), or not readable.
    File(VideoError),
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
        trouble: PostError,
        /// The exit code that it leads to.
        exit: Exit,
    },
    /// Too many attempts; when the next one is allowed, if that is a matter of time.
    NoMoreAttempts {
        /// When.
        next: Option<Timestamp>,
        /// What the last one came to.
        last: Option<Box<PostError>>,
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
    pub(super) fn exit(&self, phase: Option<Phase>) -> Exit {
        match self {
            Self::Call(error) => error.exit(),
            Self::Store(error) | Self::Unrecorded { error, .. } => error.exit(),
            Self::File(error) => error.exit(),
            Self::Interrupted(signal) => signal.exit(),
            Self::Unfit { exit, .. } => *exit,
            Self::OutOfStep if matches!(phase, Some(Phase::FinalIntent { .. })) => Exit::Unknown,
            Self::ChunkRefused { .. } | Self::NoMoreAttempts { next: None, .. } => Exit::Failed,
            Self::OutOfStep
            | Self::StillProcessing
            | Self::WaitingForProof { .. }
            | Self::ChunkFailed { .. }
            | Self::TooSlow { .. }
            | Self::Replaced
            | Self::QuotaFull { .. }
            | Self::NoMoreAttempts { next: Some(_), .. } => Exit::Temporary,
        }
    }

    pub(super) fn again_at(&self) -> Option<Timestamp> {
        match self {
            Self::WaitingForProof { from } => Some(*from),
            Self::NoMoreAttempts { next, .. } => *next,
            Self::QuotaFull { until, .. } => Some(*until),
            _ => None,
        }
    }

    pub(super) fn trouble(&self, known: &PostSnapshot<'_>) -> PostError {
        let again = "run the same command again to go on";
        let (code, message, hint) = match self {
            Self::Call(error) => return error.trouble(),
            Self::NoMoreAttempts { next: None, last: Some(last) } => {
                let hint = Some(retry_hint(&known.number()));
                let message = format!("TikTok failed it in every attempt: {}", last.message);
                return PostError { message, hint, retryable: false, ..*last.clone() };
            }
            Self::QuotaFull { code, .. } => (
                code.as_str(),
                "a cap of this account is full, as TikTok said or this program counted".into(),
                code_hint(code, "").map(str::to_owned),
            ),
            Self::Replaced => {
                ("file_replaced", "the file is another one now".into(), Some(again.into()))
            }
            Self::Unrecorded { phase, error } => (
                "journal",
                format!("{}: {}", unrecorded(*phase, known), chain(error)),
                unrecorded_hint(*phase, known).or_else(|| error.hint()),
            ),
            Self::Unfit { trouble, .. } => return trouble.clone(),
            Self::Store(error) => {
                let message = format!("could not record a step: {}", chain(error));
                ("journal", message, error.hint())
            }
            Self::File(error) if error.is_missing() => (
                "file_gone",
                format!("{}; it was not posted", chain(error)),
                Some("put the file back, or take the post out of the manifest".into()),
            ),
            Self::File(error @ VideoError::Unfinished { .. }) => {
                ("file_unfinished", chain(error), error.hint())
            }
            Self::File(error) => ("file", chain(error), error.hint()),
            Self::Interrupted(_) => {
                let message = if known.may_be_live() {
                    "interrupted while its outcome is pending at TikTok"
                } else {
                    "interrupted"
                };
                ("interrupted", message.into(), Some(again.into()))
            }
            Self::StillProcessing => (
                "processing",
                "TikTok is still working on it; nothing failed".into(),
                Some("`tiktok-up status` or the same command tells later how it ended".into()),
            ),
            Self::WaitingForProof { from } => (
                "waiting_for_proof",
                format!("only after {from} can be proved that the last chunk did not arrive"),
                Some("it is not sent again before that; run the same command then".into()),
            ),
            Self::ChunkFailed { why } => {
                ("chunk_failed", format!("a chunk failed too often: {why}"), Some(again.into()))
            }
            Self::OutOfStep => (
                "out_of_step",
                "TikTok and this program disagree about the bytes that arrived".into(),
                Some(if known.may_be_live() {
                    "look at the profile; `tiktok-up status` tells what TikTok makes of it, and it is \
                     not sent twice"
                        .into()
                } else {
                    again.into()
                }),
            ),
            Self::ChunkRefused { status } => (
                "chunk_refused",
                format!("TikTok refused a chunk as malformed (HTTP {status})"),
                Some("please report this with the file's size".into()),
            ),
            Self::TooSlow { needs } => (
                "too_slow",
                "the upload did not finish within the hour that TikTok gives it".into(),
                Some(format!("it needs at least {needs:.1} Mbit/s")),
            ),
            Self::NoMoreAttempts { next: Some(next), .. } => (
                "too_many_attempts",
                "two attempts within an hour came to nothing".into(),
                Some(format!("nothing was posted; run again after {next}")),
            ),
            Self::NoMoreAttempts { next: None, last: None } => (
                "too_many_attempts",
                "TikTok failed it in every attempt".into(),
                Some(retry_hint(&known.number())),
            ),
        };
        let message = text::plain(&message);
        PostError {
            code: code.into(),
            message,
            hint,
            retryable: matches!(
                self.exit(known.attempt.map(|attempt| attempt.phase)),
                Exit::Temporary | Exit::Signal(_)
            ),
            log_id: None,
        }
    }

    /// Whether the account's other posts would meet the same.
    pub(super) fn stops_account(&self) -> bool {
        match self {
            Self::Call(CallError::Token(_)) | Self::Interrupted(_) | Self::QuotaFull { .. } => true,
            // A store that cannot be written stops everything; a clash of two posts does not.
            Self::Store(error) | Self::Unrecorded { error, .. } => {
                matches!(error.exit(), Exit::Local | Exit::Temporary)
            }
            Self::Call(error) => error.exit() == Exit::Login,
            _ => false,
        }
    }
}

/// What to do about what the next run will not know of a pull.
fn unrecorded_hint(phase: Phase, known: &PostSnapshot<'_>) -> Option<String> {
    let number = known.number();
    match phase {
        Phase::Rejected | Phase::Lost => Some(format!(
            "the next run calls its outcome unknown; then run `tiktok-up resolve {number} --not-posted`"
        )),
        // Its `publish_id` is lost with this run.
        Phase::Open { .. } => Some(
            "keep the publish_id: the next run does not know it, and asks you to look at the profile"
                .into(),
        ),
        _ => None,
    }
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

    pub(super) fn report(&self, state: PostState, exit: Exit) -> PostOutcome {
        let post_ids = if self.post_ids.is_empty() {
            self.attempt.map(|attempt| attempt.post_ids.clone()).unwrap_or_default()
        } else {
            self.post_ids.to_vec()
        };
        let url = self.username.filter(|name| !name.is_empty()).and_then(|name| {
            post_ids.first().map(|id| format!("https://www.tiktok.com/@{name}/video/{id}"))
        });
        PostOutcome {
            subject: self.post.subject.clone(),
            state,
            publish_id: self.attempt.and_then(|attempt| attempt.publish_id.clone()),
            post_ids,
            url,
            bytes: self.row.and_then(|row| row.file.as_ref()).map_or(0, |file| file.identity.size),
            took: self.took,
            at: None,
            media: self.post.checked_file().map(|file| file.media.clone()),
            warnings: self
                .post
                .checked_file()
                .map(|file| file.warnings.clone())
                .unwrap_or_default(),
            note: None,
            trouble: None,
            exit,
        }
    }

    /// The report of a post that is over, by its last phase.
    pub(super) fn over(
        &self,
        phase: Phase,
        trouble: Option<&PostError>,
        exit: Option<Exit>,
    ) -> PostOutcome {
        let plain = |state| self.report(state, Exit::Done);
        let failed = |exit: Exit| PostOutcome {
            trouble: trouble.cloned().or_else(|| self.recorded_trouble(phase)),
            ..self.report(PostState::Failed, exit)
        };
        match phase {
            Phase::Published => plain(PostState::Published),
            Phase::Inboxed => plain(PostState::Inbox),
            Phase::Unresolved => PostOutcome {
                trouble: Some(self.unresolved()),
                ..self.report(PostState::Unresolved, Exit::Unknown)
            },
            Phase::Rejected if exit == Some(Exit::Temporary) => PostOutcome {
                trouble: trouble.cloned(),
                ..self.report(PostState::Deferred, Exit::Temporary)
            },
            Phase::Failed(Failed::AuthRemoved) => failed(Exit::Login),
            _ => failed(exit.unwrap_or(Exit::Failed)),
        }
    }

    pub(super) fn number(&self) -> String {
        self.row.map_or_else(|| "POST".to_owned(), |row| row.number.to_string())
    }

    fn unresolved(&self) -> PostError {
        let number = self.number();
        PostError {
            code: "outcome_unknown".into(),
            message: "it is unknown whether TikTok posted it; it is not sent again".into(),
            hint: Some(format!(
                "look at the profile, then run `tiktok-up resolve {number} --posted` or \
                 `tiktok-up resolve {number} --not-posted`"
            )),
            retryable: false,
            log_id: None,
        }
    }

    /// The reason that the journal has, for a post that failed in an earlier run.
    fn recorded_trouble(&self, phase: Phase) -> Option<PostError> {
        let attempt = self.attempt?;
        let hint = match phase {
            Phase::Failed(_) => retry_hint(&self.number()),
            _ => "run the same command again".to_owned(),
        };
        Some(PostError {
            code: attempt.code.clone().unwrap_or_else(|| "failed".into()),
            message: attempt.message.clone().unwrap_or_else(|| "failed in an earlier run".into()),
            hint: Some(hint),
            retryable: false,
            log_id: attempt.log_id.clone(),
        })
    }

    /// The report of a post that the run had to leave where it is.
    pub(super) fn left(&self, reason: &StopReason) -> PostOutcome {
        let phase = self.attempt.map(|attempt| attempt.phase);
        let exit = reason.exit(phase);
        let open = phase.is_some_and(|phase| !phase.is_over());
        let state = match (reason, open, exit) {
            (StopReason::Unrecorded { phase: Phase::Published, .. }, ..) => PostState::Published,
            (StopReason::Unrecorded { phase: Phase::Inboxed, .. }, ..) => PostState::Inbox,
            (_, true, _) => PostState::Processing,
            (_, false, Exit::Temporary | Exit::Signal(_)) => PostState::Deferred,
            (_, false, _) => PostState::Failed,
        };
        let (mut trouble, at) = (reason.trouble(self), reason.again_at());
        if exit == Exit::Login {
            trouble = self.warn_of_doubles(trouble);
        }
        PostOutcome { trouble: Some(trouble), at, ..self.report(state, exit) }
    }

    /// Says beside the trouble that a post may be there already.
    pub(super) fn warn_of_doubles(&self, trouble: PostError) -> PostError {
        if !self.may_be_live() {
            return trouble;
        }
        let hint = trouble.hint.map(|hint| format!("{hint}; ")).unwrap_or_default();
        let hint = format!(
            "{hint}then run the same command again: the post may be live, and it is not sent twice"
        );
        PostError { hint: Some(hint), ..trouble }
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

/// How a post that failed for good is tried again.
pub(super) fn retry_hint(number: &str) -> String {
    format!(
        "once the cause is mended, `tiktok-up resolve {number} --not-posted` lets the next run try it \
         again"
    )
}
