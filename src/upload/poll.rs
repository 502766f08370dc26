//! Asking for posts that are with TikTok, without sending anything.

use std::time::Duration;

use crate::journal::{Facts, JournalError, Post as Row};
use crate::tiktok::{Code, PostStatus, State};
use crate::upload::calls::{Authority, CallError, Calls};
use crate::upload::plan::Plan;
use crate::upload::report::{Subject, Trouble};
use crate::upload::state::{Event, Failed, Phase, Seen, Transfer, resume, step};

/// What status/fetch said, in the terms of the state machine.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) seen: Seen,
    pub(super) post_ids: Vec<u64>,
    /// Why it failed, or why nothing is known.
    pub(super) trouble: Option<Trouble>,
}

impl Word {
    /// Reads a status; `plan` tells the chunks that `uploaded_bytes` stands for.
    pub(super) fn of(status: PostStatus, plan: Option<&Plan>) -> Self {
        let PostStatus { state, post_ids, uploaded_bytes, .. } = status;
        let (seen, trouble) = match state {
            State::Processing => {
                let stored = plan.zip(uploaded_bytes).map(|(plan, bytes)| stored(plan, bytes));
                (Seen::Processing { stored }, None)
            }
            State::Published => (Seen::Published, None),
            State::Inboxed => (Seen::Inboxed, None),
            State::Failed(reason) => {
                let failed = match reason.0.as_str() {
                    "internal" => Failed::Internal,
                    "video_pull_failed" | "photo_pull_failed" => Failed::Pull,
                    "auth_removed" => Failed::AuthRemoved,
                    _ => Failed::Final,
                };
                let trouble = Trouble {
                    code: reason.0.clone(),
                    message: format!("TikTok did not post it: {reason}"),
                    hint: Some(reason.hint().to_owned()),
                    retryable: matches!(failed, Failed::Internal | Failed::Pull),
                    log_id: None,
                };
                (Seen::Failed(failed), Some(trouble))
            }
        };
        Self { seen, post_ids, trouble }
    }

    /// The word for an answer that the `publish_id` is not known, if the error is that.
    pub(super) fn of_error(error: &CallError) -> Option<Self> {
        let CallError::Api(error) = error else { return None };
        let unknown = error.is(&Code::InvalidPublishId) || error.is(&Code::PublishIdNotOurs);
        unknown.then(|| Self {
            seen: Seen::IdUnknown,
            post_ids: Vec::new(),
            trouble: Some(Trouble::of_api(error)),
        })
    }

    /// What the journal keeps of it.
    pub(super) fn facts(&self) -> Facts {
        let facts = self.trouble.as_ref().map(Trouble::facts).unwrap_or_default();
        Facts { post_ids: self.post_ids.clone(), ..facts }
    }
}

/// Whole chunks that `uploaded_bytes` stands for: a count, or by one reading the last position.
fn stored(plan: &Plan, bytes: u64) -> u32 {
    let below = || (0..plan.count()).rev().find(|stored| plan.boundary(*stored) <= bytes);
    plan.stored_by_header(bytes).or_else(below).unwrap_or_default()
}

/// Asks once for a post that is with TikTok, and records what that changes. Posts that still need
/// bytes are left to `upload`.
pub async fn poll<A: Authority>(
    calls: &Calls<'_, A>,
    subject: &Subject,
    mut row: Row,
) -> Result<Row, CallError> {
    let transfer = row.transfer();
    let Some(attempt) = &mut row.last else { return Ok(row) };
    let with_tiktok = match attempt.phase {
        Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Inboxed => true,
        Phase::Open { .. } => transfer == Transfer::Pull,
        _ => false,
    };
    let Some(publish_id) = attempt.publish_id.clone().filter(|_| with_tiktok) else {
        return Ok(row);
    };
    let word = match calls.status(subject, &publish_id).await {
        Ok(status) => Word::of(status, None),
        Err(error) => match Word::of_error(&error) {
            // A draft that was delivered stays delivered, whatever TikTok forgets.
            Some(_) if attempt.phase == Phase::Inboxed => return Ok(row),
            Some(word) => word,
            None => return Err(error),
        },
    };
    let next = step(transfer, attempt.phase, Event::Status(word.seen)).phase;
    let changed = next != attempt.phase && next.is_over();
    if changed || (!word.post_ids.is_empty() && word.post_ids != attempt.post_ids) {
        match calls.journal.advance(attempt, next, &word.facts()) {
            // An upload that runs beside this has recorded more already.
            Err(JournalError::MovedOn { .. }) => return Ok(calls.journal.post(row.number)?),
            done => done?,
        }
    }
    Ok(row)
}

/// Posts that one run asks for on the side.
const ON_THE_SIDE: usize = 10;

/// Looks after posts that were begun and that the manifest at hand does not name (any more): TikTok is
/// asked for those that it has, and those that nothing can come of are given up. The caller holds the
/// account's upload lock, so none of them is under way elsewhere.
///
/// What fails here fails again where it matters, or is told by `status`.
pub(super) async fn settle<A: Authority>(calls: &Calls<'_, A>, rows: &[&Row]) {
    let mut asked = 0;
    for row in rows {
        let Some(mut attempt) = row.last.clone() else { continue };
        let given_up = match (attempt.phase, attempt.transfer) {
            (Phase::InitIntent, transfer) => resume(transfer, Phase::InitIntent).phase,
            (Phase::Open { .. }, Transfer::File { .. }) => {
                let age = calls.clock.now().duration_since(attempt.created_at);
                if Duration::try_from(age).is_ok_and(|age| age < calls.timing.proof_age) {
                    continue;
                }
                Phase::Abandoned
            }
            (Phase::Unresolved, _) => continue,
            _ => {
                asked += 1;
                if asked > ON_THE_SIDE {
                    continue;
                }
                let account = row.username.clone().unwrap_or_else(|| row.account.clone());
                let subject = Subject { index: 0, account, video: row.label.clone() };
                if poll(calls, &subject, (*row).clone()).await.is_err() {
                    return;
                }
                continue;
            }
        };
        if calls.journal.advance(&mut attempt, given_up, &Facts::default()).is_err() {
            return;
        }
    }
}
