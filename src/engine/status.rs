//! What TikTok says of a post: a status read for the state machine, and posts asked for without sending
//! anything.

use std::time::Duration;

use jiff::SignedDuration;
use tiktok_open::{Code, PostStatus, State};
use tokio::time::Instant;

use crate::api::{fail_code, post_error};
use crate::engine::calls::{CallError, Calls};
use crate::engine::claim::Recorder;
use crate::engine::clocks::Clocks;
use crate::engine::events::Event as RunEvent;
use crate::engine::stop::settled;
use crate::model::{
    Attempt, AttemptUpdate, Event, Failed, LocalFile, Phase, Plan, PostError, PostRef,
    RecordedPost, ReportedStatus, Transfer,
    machine::{resume, step},
};
use crate::problem::ErrorCode;
use crate::store::{JournalError, StoreError};

/// What status/fetch said, in the terms of the state machine.
#[derive(Debug)]
pub(super) struct StatusReading {
    pub(super) seen: ReportedStatus,
    pub(super) post_ids: Vec<u64>,
    /// Why it failed, or why nothing is known.
    pub(super) post_error: Option<PostError>,
    /// Whether TikTok says that it has every byte of the file.
    pub(super) all_bytes: bool,
}

impl StatusReading {
    /// Reads a status; `plan` tells the chunks that `uploaded_bytes` stands for.
    pub(super) fn of(status: PostStatus, plan: Option<&Plan>) -> Self {
        let PostStatus { state, post_ids, uploaded_bytes, .. } = status;
        let all_bytes = plan.is_some_and(|plan| uploaded_bytes == Some(plan.size()));
        let (seen, post_error) = match state {
            State::Published => (ReportedStatus::Published, None),
            State::Inboxed => (ReportedStatus::Inboxed, None),
            State::Failed(reason) => {
                let failed = match reason.0.as_str() {
                    "internal" => Failed::Internal,
                    "video_pull_failed" | "photo_pull_failed" => Failed::Pull,
                    "auth_removed" => Failed::AuthRemoved,
                    _ => Failed::Final,
                };
                let post_error = PostError {
                    code: reason.0.clone(),
                    theirs: Some(Code::from(reason.0.as_str())),
                    retryable: matches!(failed, Failed::Internal | Failed::Pull),
                    ..PostError::new(
                        fail_code(&reason),
                        format!("TikTok did not post it: {reason}"),
                        fail_code(&reason),
                    )
                };
                (ReportedStatus::Failed(failed), Some(post_error))
            }
            // Processing; a state that is not known here ends nothing either.
            _ => {
                let stored = plan.zip(uploaded_bytes).map(|(plan, bytes)| stored(plan, bytes));
                (ReportedStatus::Processing { stored }, None)
            }
        };
        Self { seen, post_ids, post_error, all_bytes }
    }

    /// TikTok works on it, and how far it is, it did not say.
    pub(super) fn processing() -> Self {
        let seen = ReportedStatus::Processing { stored: None };
        Self { seen, post_ids: Vec::new(), post_error: None, all_bytes: false }
    }

    /// After a chunk that was answered as if it were the last: when every byte was sent and TikTok calls
    /// the post done, it has all of it.
    pub(super) fn completes(
        &self,
        phase: Phase,
        transfer: Transfer,
        sent_whole: bool,
    ) -> Option<Event> {
        let done = matches!(self.seen, ReportedStatus::Published | ReportedStatus::Inboxed);
        match (phase, transfer) {
            (Phase::FinalIntent { stored }, Transfer::File { chunks })
                if stored + 1 != chunks && done && (sent_whole || self.all_bytes) =>
            {
                Some(Event::AllStored { index: chunks - 1 })
            }
            _ => None,
        }
    }

    /// Whether it only says that the `publish_id` is not known yet, for an attempt of that age.
    pub(super) fn is_early(&self, age: Option<SignedDuration>) -> bool {
        let code = self.post_error.as_ref().and_then(|post_error| post_error.theirs.as_ref());
        code == Some(&Code::InvalidPublishId) && age.is_some_and(|age| age < ID_PATIENCE)
    }

    /// The reading of an answer that the `publish_id` is not known, if the error is that.
    pub(super) fn of_error(error: &CallError) -> Option<Self> {
        let CallError::Api(error) = error else { return None };
        let unknown = error.is(&Code::InvalidPublishId) || error.is(&Code::PublishIdNotOurs);
        unknown.then(|| Self::id_unknown(Some(post_error(error))))
    }

    /// TikTok does not know the post, or there is no `publish_id` to ask for.
    pub(super) fn id_unknown(post_error: Option<PostError>) -> Self {
        Self { seen: ReportedStatus::IdUnknown, post_ids: Vec::new(), post_error, all_bytes: false }
    }

    /// What the journal keeps of it, with the phase that it leads to.
    pub(super) fn update(&self, next: Phase) -> AttemptUpdate {
        let update = self.post_error.as_ref().map(PostError::update).unwrap_or_default();
        let update = AttemptUpdate { post_ids: self.post_ids.clone(), ..update };
        if next == Phase::Unresolved
            && matches!(self.seen, ReportedStatus::Published | ReportedStatus::Inboxed)
        {
            let code = Some(INCOMPLETE.to_owned());
            let message = Some("TikTok calls it done, but not all of it was sent".to_owned());
            return AttemptUpdate { code, message, ..update };
        }
        update
    }
}

/// The recorded reason of an attempt that TikTok calls done although bytes of it were never sent. No
/// later answer settles that.
const INCOMPLETE: &str = ErrorCode::Incomplete.as_str();

/// The age of an attempt whose `publish_id` TikTok will not come to know any more. Right after an
/// upload the id may be unknown as a matter of timing; moderation may take hours
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>).
const ID_PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Whether TikTok can be asked what became of an attempt whose outcome is unknown.
pub(crate) fn can_be_reconciled(attempt: &Attempt) -> bool {
    attempt.phase == Phase::Unresolved
        && attempt.publish_id.is_some()
        && attempt.code.as_deref() != Some(INCOMPLETE)
}

/// Whole chunks that `uploaded_bytes` stands for: a count, or by one reading the last position.
fn stored(plan: &Plan, bytes: u64) -> u32 {
    let below = || (0..plan.count()).rev().find(|stored| plan.boundary(*stored) <= bytes);
    plan.stored_by_header(bytes).or_else(below).unwrap_or_default()
}

/// Asks once for a post that is with TikTok or whose outcome is unknown, and records what that changes.
/// Posts that still need bytes are left to `upload`.
pub(super) async fn poll(
    calls: &Calls,
    post_ref: &PostRef,
    mut row: RecordedPost,
) -> Result<RecordedPost, CallError> {
    let (transfer, plan) = (row.transfer(), row.file.as_ref().and_then(recorded_plan));
    let Some(attempt) = &mut row.last else { return Ok(row) };
    let with_tiktok = match attempt.phase {
        Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Inboxed => true,
        Phase::Open { .. } => transfer == Transfer::Pull,
        _ => can_be_reconciled(attempt),
    };
    let Some(publish_id) = attempt.publish_id.clone().filter(|_| with_tiktok) else {
        return Ok(row);
    };
    let recorder = calls.claim.recorder().await?;
    let reading = match calls.status(post_ref, &publish_id).await {
        Ok(status) => StatusReading::of(status, plan.as_ref()),
        Err(error) => match StatusReading::of_error(&error) {
            // A draft that was delivered stays delivered, whatever TikTok forgets.
            Some(_) if attempt.phase == Phase::Inboxed => return Ok(row),
            Some(reading) if reading.is_early(Clocks::now(calls, None).age(attempt)) => {
                return Ok(row);
            }
            Some(reading) => reading,
            None => return Err(error),
        },
    };
    match record(&recorder, attempt, transfer, &reading).await {
        // An upload that runs beside this has recorded more already.
        Err(StoreError::Journal(JournalError::MovedOn { .. })) => {
            Ok(calls.journal.post(row.number).await?)
        }
        // One that has begun since finds out for itself.
        Err(error) if error.is_taken_over() && !calls.claim.is_held() => {
            Ok(calls.journal.post(row.number).await?)
        }
        outcome => {
            outcome?;
            Ok(row)
        }
    }
}

/// Asks TikTok to call off the download of a post, then what became of it: that is told by the status alone, of a
/// download that cannot be called off any more, too.
pub(super) async fn call_off(
    calls: &Calls,
    mut row: RecordedPost,
) -> Result<RecordedPost, CallError> {
    let post_ref = row.post_ref();
    let publish_id = row.last.as_ref().and_then(|last| last.publish_id.clone());
    let Some(publish_id) = publish_id else { return Ok(row) };
    match calls.cancel(&post_ref, &publish_id).await {
        Err(CallError::Api(error)) if error.is(&Code::NotCancellable) => {}
        asked => asked?,
    }
    let (timing, started) = (&calls.timing, Instant::now());
    let mut wait = timing.poll_first;
    loop {
        row = poll(calls, &post_ref, row).await?;
        if row.phase().is_none_or(Phase::is_over) || started.elapsed() >= timing.call_off {
            return Ok(row);
        }
        calls.pause(wait).await?;
        wait = (wait * 2).min(timing.poll_cap);
    }
}

/// Records what a reading changes of an attempt.
async fn record(
    recorder: &Recorder<'_>,
    attempt: &mut Attempt,
    transfer: Transfer,
    reading: &StatusReading,
) -> Result<(), StoreError> {
    if let Some(event) = reading.completes(attempt.phase, transfer, false) {
        let whole = step(transfer, attempt.phase, event).phase;
        *attempt = recorder.advance(attempt, whole, &AttemptUpdate::default()).await?;
    }
    let next = step(transfer, attempt.phase, Event::Status(reading.seen)).phase;
    let changed = next != attempt.phase && next.is_over();
    if changed || (!reading.post_ids.is_empty() && reading.post_ids != attempt.post_ids) {
        *attempt = recorder.advance(attempt, next, &reading.update(next)).await?;
    }
    Ok(())
}

/// The plan that an attempt was begun with, also when its file is gone.
pub(super) fn recorded_plan(file: &LocalFile) -> Option<Plan> {
    Plan::recorded(file.identity.size, file.chunk_size)
}

/// Posts that one run asks for on the side.
const ON_THE_SIDE: usize = 10;

/// Looks after posts that were begun and that the manifest at hand does not name (any more): TikTok is
/// asked for those that it has, and those that nothing can come of are given up. What came of them is told, as no
/// later run comes to them. The caller holds the account's upload lease, so none of them is under way elsewhere.
///
/// What fails here fails again where it matters, or is told by `status`.
pub(super) async fn reconcile(calls: &Calls, rows: &[&RecordedPost]) {
    let mut asked = 0;
    for row in rows {
        let Some(attempt) = &row.last else { continue };
        let given_up = match (attempt.phase, attempt.transfer) {
            (Phase::InitIntent, transfer) => resume(transfer, Phase::InitIntent).phase,
            (Phase::Open { .. }, Transfer::File { .. }) => {
                let age = calls.clock.now().duration_since(attempt.created_at);
                if Duration::try_from(age).is_ok_and(|age| age < calls.timing.proof_age) {
                    continue;
                }
                Phase::Abandoned
            }
            (Phase::Unresolved, _) if !can_be_reconciled(attempt) => continue,
            _ => {
                asked += 1;
                if asked > ON_THE_SIDE {
                    continue;
                }
                let Ok(now) = poll(calls, &row.post_ref(), (*row).clone()).await else { return };
                tell_settled(calls, attempt.phase, &now);
                continue;
            }
        };
        let update = AttemptUpdate::default();
        let Ok(recorder) = calls.claim.recorder().await else { return };
        let Ok(last) = recorder.advance(attempt, given_up, &update).await else { return };
        tell_settled(calls, attempt.phase, &RecordedPost { last: Some(last), ..(*row).clone() });
    }
}

/// How long it takes until it is told that nobody makes sure of a last chunk, or that TikTok is not done.
const STUCK: SignedDuration = SignedDuration::from_hours(24);

/// Tells what came of a post that was in a phase before, or that nothing comes of it by itself.
fn tell_settled(calls: &Calls, before: Phase, row: &RecordedPost) {
    let since = row.last.as_ref().map(|last| calls.clock.now().duration_since(last.updated_at));
    let is_stuck = row.phase().is_some_and(|phase| !phase.is_over())
        && since.is_some_and(|since| since >= STUCK);
    if (row.phase() != Some(before) || is_stuck)
        && let Some(outcome) = settled(row)
    {
        let (account, outcome) = (row.account.clone(), Box::new(outcome));
        calls.events.send(RunEvent::Settled { account, outcome });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::BoxFuture;
    use tiktok_open::Endpoints;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::api::client;
    use crate::clock::Clock;
    use crate::engine::calls::{TokenError, TokenProvider};
    use crate::engine::claim::Claim;
    use crate::engine::events::EventSender;
    use crate::secret::Secret;
    use crate::signals::Shutdown;
    use crate::source::Sources;
    use crate::store::contract::fixtures::{accepted, entry};
    use crate::store::local::LocalStore;
    use crate::store::{Accept, Store as _};
    use crate::timing::Timing;

    /// The one token that there is.
    struct OneToken;

    impl TokenProvider for OneToken {
        fn access_token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, TokenError>> {
            Box::pin(async { Ok(Secret::new("act.1")) })
        }

        fn check<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), TokenError>> {
            Box::pin(async { Ok(()) })
        }

        fn renewed<'a>(
            &'a self,
            account: &'a str,
            _: &'a Secret,
        ) -> BoxFuture<'a, Result<Secret, TokenError>> {
            self.access_token(account)
        }
    }

    /// Somebody who answers the first request with this status of a post.
    async fn says(data: &str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let ok = r#"{"code":"ok","message":"","log_id":"1"}"#;
        let body = format!(r#"{{"data":{data},"error":{ok}}}"#);
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            _ = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        });
        base
    }

    #[tokio::test]
    async fn who_asks_beside_an_upload_takes_what_that_has_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path(), Clock::default()).unwrap();
        let journal = store.open_journal(Accept::Never).await.unwrap().journal;
        let mine = journal.take_over("ana").await.unwrap();
        let post = journal.post_for(&entry(1, 90), mine).await.unwrap();
        let begun = journal.begin_attempt(post.number, mine).await.unwrap();
        let open = Phase::Open { stored: 0 };
        let open = journal.advance(&begun, open, &accepted(), mine).await.unwrap();
        let claimed = Phase::FinalIntent { stored: 0 };
        let none = AttemptUpdate::default();
        let claimed = journal.advance(&open, claimed, &none, mine).await.unwrap();
        let seen = journal.post(post.number).await.unwrap();
        journal.advance(&claimed, Phase::Published, &none, mine).await.unwrap();

        _ = rustls::crypto::ring::default_provider().install_default();
        let base = says(r#"{"status":"PUBLISH_COMPLETE","uploaded_bytes":90}"#).await;
        let timing = Arc::new(Timing::default());
        let endpoints = Endpoints::new(Some(&base), None).unwrap();
        let calls = Calls {
            client: client(endpoints, Clock::default(), &timing).unwrap(),
            tokens: Arc::new(OneToken),
            claim: Arc::new(Claim::new(Arc::clone(&journal), "ana".to_owned())),
            journal,
            account: "ana".to_owned(),
            clock: Clock::default(),
            timing,
            sources: Sources::new(Timing::default(), Shutdown::listen().unwrap()),
            events: EventSender::silent(),
            shutdown: Shutdown::listen().unwrap(),
        };
        let asked = poll(&calls, &seen.post_ref(), seen).await.unwrap();
        assert_eq!(asked.phase(), Some(Phase::Published));
    }
}
