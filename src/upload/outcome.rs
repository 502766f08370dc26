//! From phases and reasons to leave, to what a post reports.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::exit::{Exit, Explain};
use crate::journal;
use crate::text;
use crate::upload::calls::{CallError, chain};
use crate::upload::engine::Leave;
use crate::upload::post::Post;
use crate::upload::report::{PostReport, PostState, Trouble};
use crate::upload::state::{Failed, Phase, Transfer};

/// What is known about a post when its run ends.
pub(super) struct Known<'a> {
    pub(super) post: &'a Post,
    pub(super) row: Option<&'a journal::Post>,
    pub(super) attempt: Option<&'a journal::Attempt>,
    pub(super) post_ids: &'a [u64],
    /// The handle of the profile, for the post's address.
    pub(super) username: Option<&'a str>,
    pub(super) took: Duration,
}

impl<'a> Known<'a> {
    /// Nothing but the post itself.
    pub(super) fn new(post: &'a Post, started: Instant) -> Self {
        let took = started.elapsed();
        Self { post, row: None, attempt: None, post_ids: &[], username: None, took }
    }

    pub(super) fn report(&self, state: PostState, exit: Exit) -> PostReport {
        let post_ids = if self.post_ids.is_empty() {
            self.attempt.map(|attempt| attempt.post_ids.clone()).unwrap_or_default()
        } else {
            self.post_ids.to_vec()
        };
        let url = self.username.filter(|name| !name.is_empty()).and_then(|name| {
            post_ids.first().map(|id| format!("https://www.tiktok.com/@{name}/video/{id}"))
        });
        PostReport {
            subject: self.post.subject.clone(),
            state,
            publish_id: self.attempt.and_then(|attempt| attempt.publish_id.clone()),
            post_ids,
            url,
            bytes: self.row.and_then(journal::Post::file).map_or(0, |file| file.identity.size),
            took: self.took,
            at: None,
            note: None,
            trouble: None,
            exit,
        }
    }

    /// The report of a post that is over, by its last phase.
    pub(super) fn over(
        &self,
        phase: Phase,
        trouble: Option<&Trouble>,
        exit: Option<Exit>,
    ) -> PostReport {
        let plain = |state| self.report(state, Exit::Done);
        let failed = |exit: Exit| PostReport {
            trouble: trouble.cloned().or_else(|| self.recorded_trouble(phase)),
            ..self.report(PostState::Failed, exit)
        };
        match phase {
            Phase::Published => plain(PostState::Published),
            Phase::Inboxed => plain(PostState::Inbox),
            Phase::Unresolved => PostReport {
                trouble: Some(self.unresolved()),
                ..self.report(PostState::Unresolved, Exit::Unknown)
            },
            Phase::Rejected if exit == Some(Exit::Temporary) => PostReport {
                trouble: trouble.cloned(),
                ..self.report(PostState::Deferred, Exit::Temporary)
            },
            Phase::Failed(Failed::AuthRemoved) => failed(Exit::Login),
            _ => failed(exit.unwrap_or(Exit::Failed)),
        }
    }

    fn number(&self) -> String {
        self.row.map_or_else(|| "POST".to_owned(), |row| row.number.to_string())
    }

    fn unresolved(&self) -> Trouble {
        let number = self.number();
        Trouble {
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
    fn recorded_trouble(&self, phase: Phase) -> Option<Trouble> {
        let attempt = self.attempt?;
        let hint = match phase {
            Phase::Failed(_) => "`--repost` starts it over once the cause is mended",
            _ => "run the same command again",
        };
        Some(Trouble {
            code: attempt.code.clone().unwrap_or_else(|| "failed".into()),
            message: attempt.message.clone().unwrap_or_else(|| "failed in an earlier run".into()),
            hint: Some(hint.into()),
            retryable: false,
            log_id: attempt.log_id.clone(),
        })
    }

    /// The report of a post that the run had to leave where it is.
    pub(super) fn left(&self, leave: &Leave) -> PostReport {
        let phase = self.attempt.map(|attempt| attempt.phase);
        let exit = leave.exit(phase);
        let open = phase.is_some_and(|phase| !phase.is_over());
        let state = match (leave, open, exit) {
            (Leave::Unrecorded { phase: Phase::Published, .. }, ..) => PostState::Published,
            (Leave::Unrecorded { phase: Phase::Inboxed, .. }, ..) => PostState::Inbox,
            (_, true, Exit::Unknown) => PostState::Unresolved,
            (_, true, _) => PostState::Processing,
            (_, false, Exit::Temporary | Exit::Interrupted | Exit::Terminated) => {
                PostState::Deferred
            }
            (_, false, _) => PostState::Failed,
        };
        let (mut trouble, at) = (leave.trouble(self), leave.again_at());
        if exit == Exit::Login && self.may_be_live() {
            let hint = trouble.hint.map(|hint| format!("{hint}; ")).unwrap_or_default();
            trouble.hint = Some(format!(
                "{hint}then run the same command again: the post may be live, and it is not sent twice"
            ));
        }
        PostReport { trouble: Some(trouble), at, ..self.report(state, exit) }
    }

    /// Whether TikTok may have everything already.
    fn may_be_live(&self) -> bool {
        let pulled = self.attempt.is_some_and(|attempt| attempt.transfer == Transfer::Pull);
        match self.attempt.map(|attempt| attempt.phase) {
            Some(Phase::FinalIntent { .. } | Phase::Uploaded) => true,
            Some(Phase::Open { .. }) => pulled,
            _ => false,
        }
    }
}

impl Leave {
    fn exit(&self, phase: Option<Phase>) -> Exit {
        match self {
            Self::Call(error) => error.exit(),
            Self::Journal(error) | Self::Unrecorded { error, .. } => error.exit(),
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
            | Self::Capped { .. }
            | Self::NoMoreAttempts { next: Some(_), .. } => Exit::Temporary,
        }
    }

    fn again_at(&self) -> Option<Timestamp> {
        match self {
            Self::WaitingForProof { from } => Some(*from),
            Self::NoMoreAttempts { next, .. } => *next,
            Self::Capped { until, .. } => Some(*until),
            _ => None,
        }
    }

    fn trouble(&self, known: &Known<'_>) -> Trouble {
        let again = "run the same command again to go on";
        let (code, message, hint) = match self {
            Self::Call(error) => return error.trouble(),
            Self::NoMoreAttempts { next: None, last: Some(last) } => {
                let hint = Some("`--repost` starts it over".into());
                let message = format!("TikTok failed it in every attempt: {}", last.message);
                return Trouble { message, hint, retryable: false, ..last.clone() };
            }
            Self::Capped { code, .. } => (
                code.as_str(),
                "a cap of this account is full, as TikTok said or this program counted".into(),
                code.hint("").map(str::to_owned),
            ),
            Self::Replaced => {
                ("file_replaced", "the file is another one now".into(), Some(again.into()))
            }
            Self::Unrecorded { phase, error } => (
                "journal",
                format!("{}: {}", unrecorded(*phase, known), chain(error)),
                match phase {
                    // A pull: its `publish_id` is lost with this run.
                    Phase::Open { .. } => Some(
                        "keep the publish_id: the next run does not know it, and asks you to look \
                         at the profile"
                            .into(),
                    ),
                    _ => error.hint(),
                },
            ),
            Self::Unfit { trouble, .. } => return trouble.clone(),
            Self::Journal(error) => {
                let message = format!("could not record a step: {}", chain(error));
                ("journal", message, error.hint())
            }
            Self::File(error) if error.is_missing() => (
                "file_gone",
                format!("{}; it was not posted", chain(error)),
                Some("put the file back, or take the post out of the manifest".into()),
            ),
            Self::File(error) => ("file", chain(error), error.hint()),
            Self::Interrupted(_) => {
                let message = match known.may_be_live() {
                    true => "interrupted while its outcome is pending at TikTok",
                    false => "interrupted",
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
                Some(again.into()),
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
                Some("`--repost` starts it over".into()),
            ),
        };
        let message = text::plain(&message);
        Trouble {
            code: code.into(),
            message,
            hint,
            retryable: self.exit(None) == Exit::Temporary,
            log_id: None,
        }
    }

    /// Whether the account's other posts would meet the same.
    pub(super) fn stops_account(&self) -> bool {
        match self {
            Self::Call(CallError::Token(_)) | Self::Interrupted(_) | Self::Capped { .. } => true,
            // A journal that cannot be written stops everything; a clash of two posts does not.
            Self::Journal(error) | Self::Unrecorded { error, .. } => {
                matches!(error.exit(), Exit::Local | Exit::Temporary)
            }
            Self::Call(error) => error.exit() == Exit::Login,
            _ => false,
        }
    }
}

/// What TikTok said and the journal did not take.
fn unrecorded(phase: Phase, known: &Known<'_>) -> String {
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
