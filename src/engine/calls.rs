//! The JSON calls of an account, with the one retry layer around them: token renewal, rate limits,
//! backoff. Inits are sent by the runner: they are no calls that may be repeated.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tiktok_open::{Client, Code, CreatorInfo, Error, PostStatus, Refusal};
use tokio::time::{sleep, timeout};

use crate::api::post_error;
use crate::clock::Clock;
use crate::engine::claim::Claim;
use crate::engine::events::{EventSender, Progress, WaitReason};
use crate::model::{CallKind, PostError, PostRef};
use crate::problem::{Coded, ErrorCode, ErrorKind};
use crate::retry::{Backoff, jittered};
use crate::secret::Secret;
use crate::signals::{Shutdown, Signal};
use crate::source::Sources;
use crate::store::{Journal, StoreError};
use crate::text::chain;
use crate::timing::Timing;

/// Tries of a call that may be repeated.
const TRIES: u32 = 5;
/// Answers 429 that one call waits out.
pub(super) const SLOW_DOWNS: u32 = 3;

/// Inits a minute and token
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>).
pub(super) const INITS: u32 = 6;
/// `creator_info` calls a minute and token
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info>).
const CREATOR_INFOS: u32 = 20;
/// Status calls a minute and token
/// (<https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>).
const STATUSES: u32 = 30;

/// Where access tokens come from, by the `open_id` of their account.
pub(crate) trait TokenProvider: Send + Sync {
    /// A token with some life left; refreshes if it must.
    fn access_token<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Secret, TokenError>>;

    /// Why there is no token to be had for an account, as far as that is known without asking TikTok.
    fn check<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), TokenError>>;

    /// A token after TikTok refused `rejected`.
    fn renewed<'a>(
        &'a self,
        account: &'a str,
        rejected: &'a Secret,
    ) -> BoxFuture<'a, Result<Secret, TokenError>>;
}

/// No token can be had, in words.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", post_error.message)]
pub(crate) struct TokenError {
    /// What happened.
    pub(crate) post_error: Box<PostError>,
    /// The kind of trouble.
    pub(crate) kind: ErrorKind,
}

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// TikTok refused, or did not answer.
    #[error("{0}")]
    Api(#[from] Error),
    /// The store could not record the call, so it was not made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal came first.
    #[error("interrupted")]
    Interrupted(Signal),
}

impl CallError {
    /// The kind of trouble that it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Token(error) => error.kind,
            Self::Api(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Interrupted(signal) => ErrorKind::Interrupted(*signal),
        }
    }

    /// As a post reports it.
    pub(crate) fn post_error(&self) -> PostError {
        match self {
            Self::Token(error) => PostError::clone(&error.post_error),
            Self::Api(error) => post_error(error),
            Self::Store(error) => PostError::new(ErrorCode::Journal, chain(error), error.problem()),
            Self::Interrupted(_) => PostError {
                retryable: true,
                ..PostError::new(
                    ErrorCode::RunInterrupted,
                    "interrupted",
                    ErrorCode::RunInterrupted,
                )
            },
        }
    }
}

/// The calls of one account.
#[derive(Clone)]
pub(super) struct Calls {
    pub(super) client: Client,
    pub(super) tokens: Arc<dyn TokenProvider>,
    /// Counts calls across processes.
    pub(super) journal: Arc<dyn Journal>,
    /// What may be recorded of the account's posts.
    pub(super) claim: Arc<Claim>,
    /// The account's `open_id`, under which calls are counted.
    pub(super) account: String,
    /// The time of day.
    pub(super) clock: Clock,
    pub(super) timing: Arc<Timing>,
    /// Opens videos.
    pub(super) sources: Sources,
    /// Hears of waits and retries.
    pub(super) events: EventSender,
    pub(super) shutdown: Shutdown,
}

impl Calls {
    /// Asks what the creator may post. May be repeated.
    pub(super) async fn creator_info(&self, post_ref: &PostRef) -> Result<CreatorInfo, CallError> {
        self.repeat(post_ref, CallKind::CreatorInfo, |token| async move {
            self.client.creator_info(&token).await
        })
        .await
    }

    /// Asks where a post stands. May be repeated.
    pub(super) async fn status(
        &self,
        post_ref: &PostRef,
        publish_id: &str,
    ) -> Result<PostStatus, CallError> {
        self.repeat(post_ref, CallKind::Status, |token| async move {
            self.client.status(&token, publish_id).await
        })
        .await
    }

    /// Asks to call off a download. May be repeated, and counts as a question for a status: TikTok states no limit of
    /// its own.
    pub(super) async fn cancel(
        &self,
        post_ref: &PostRef,
        publish_id: &str,
    ) -> Result<(), CallError> {
        self.repeat(post_ref, CallKind::Status, |token| async move {
            self.client.cancel(&token, publish_id).await
        })
        .await
    }

    /// Waits until the account's quota has room for another init, and makes sure of a token, so that
    /// nothing but the call itself stands between the recorded intent and its answer.
    pub(super) async fn ready_for_init(&self, post_ref: &PostRef) -> Result<Secret, CallError> {
        let window = self.timing.quota_window;
        while let Some(at) =
            self.journal.next_slot(&self.account, CallKind::Init, INITS, window).await?
        {
            self.wait_for_quota(post_ref, INITS, at).await?;
        }
        self.token().await
    }

    /// How many posts may be begun at once within the coming minute.
    pub(super) async fn inits_left(&self) -> Result<u32, StoreError> {
        let window = self.timing.quota_window;
        let made = self.journal.calls_within(&self.account, CallKind::Init, window).await?;
        Ok(INITS.saturating_sub(made))
    }

    /// A token with some life left. That there is none because of a signal is told as that.
    pub(super) async fn token(&self) -> Result<Secret, CallError> {
        let token = self.unless_asked_to_stop(self.tokens.access_token(&self.account)).await?;
        token.map_err(|error| self.no_token(error))
    }

    /// An error if it is known without asking TikTok that there is no token to be had.
    pub(super) async fn check_token(&self) -> Result<(), CallError> {
        Ok(self.tokens.check(&self.account).await?)
    }

    /// A token after TikTok refused `rejected`; as with [`Calls::token`].
    pub(super) async fn renewed(&self, rejected: &Secret) -> Result<Secret, CallError> {
        let renewal = self.tokens.renewed(&self.account, rejected);
        let token = self.unless_asked_to_stop(renewal).await?;
        token.map_err(|error| self.no_token(error))
    }

    /// Once a signal came no token is spent, and that is why there is none.
    fn no_token(&self, error: TokenError) -> CallError {
        match self.shutdown.asked() {
            Some(signal) => CallError::Interrupted(signal),
            None => error.into(),
        }
    }

    /// Repeats a call that changes nothing at TikTok until it is answered or the tries are used up.
    async fn repeat<T, F: Future<Output = Result<T, Error>> + Send>(
        &self,
        post_ref: &PostRef,
        kind: CallKind,
        call: impl Fn(Secret) -> F + Sync,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::new(self.timing.backoff_base, self.timing.backoff_cap, TRIES);
        loop {
            self.take_slot(post_ref, kind).await?;
            let error = match self.answered(post_ref, kind, &call).await {
                Err(CallError::Api(error)) if may_pass(&error) => error,
                other => return other,
            };
            let Some(wait) = backoff.pause() else { return Err(error.into()) };
            let (attempt, of) = (backoff.attempt(), backoff.most());
            let why = error.to_string();
            self.events.progress(post_ref, Progress::Retrying { why, attempt, of, wait });
            self.pause(wait).await?;
        }
    }

    /// One call that is counted already, with the token renewed once if it is refused, and rate limits
    /// waited out. Those repetitions are counted here.
    async fn answered<T, F: Future<Output = Result<T, Error>> + Send>(
        &self,
        post_ref: &PostRef,
        kind: CallKind,
        call: impl Fn(Secret) -> F + Sync,
    ) -> Result<T, CallError> {
        let mut token = self.token().await?;
        let mut renewed = false;
        let mut slowed = 0;
        loop {
            match self.unless_asked_to_stop(call(token.clone())).await? {
                Err(error) if error.is(&Code::AccessTokenInvalid) && !renewed => {
                    renewed = true;
                    token = self.renewed(&token).await?;
                }
                Err(error) if error.is(&Code::RateLimitExceeded) && slowed < SLOW_DOWNS => {
                    slowed += 1;
                    let wait = error.refusal().map(|refusal| self.asked_pause(refusal));
                    self.slow_down(post_ref, wait.unwrap_or_default()).await?;
                }
                answer => return answer.map_err(CallError::from),
            }
            self.journal.note_call(&self.account, kind).await?;
        }
    }

    /// The pause that a rate limit asks for.
    pub(super) fn asked_pause(&self, refusal: &Refusal) -> Duration {
        refusal.retry_after.unwrap_or_else(|| jittered(self.timing.rate_limited))
    }

    /// Waits out a rate limit.
    pub(super) async fn slow_down(
        &self,
        post_ref: &PostRef,
        wait: Duration,
    ) -> Result<(), CallError> {
        let why = WaitReason::SlowDown;
        self.events.progress(post_ref, Progress::Waiting { why, wait });
        self.pause(wait).await
    }

    /// Takes a place under the minute's limit, counted over all processes; waits if there is none.
    async fn take_slot(&self, post_ref: &PostRef, kind: CallKind) -> Result<(), CallError> {
        let limit = match kind {
            CallKind::Init => INITS,
            CallKind::CreatorInfo => CREATOR_INFOS,
            CallKind::Status => STATUSES,
        };
        let window = self.timing.quota_window;
        while let Some(at) = self.journal.take_slot(&self.account, kind, limit, window).await? {
            self.wait_for_quota(post_ref, limit, at).await?;
        }
        Ok(())
    }

    async fn wait_for_quota(
        &self,
        post_ref: &PostRef,
        limit: u32,
        at: Timestamp,
    ) -> Result<(), CallError> {
        let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        // Never longer than the window, whatever the clocks say; never a busy loop.
        let wait = wait.clamp(Duration::from_millis(1), self.timing.quota_window);
        let why = WaitReason::Quota { limit };
        self.events.progress(post_ref, Progress::Waiting { why, wait });
        self.pause(wait).await
    }

    /// Does what may be given up at any time, unless a signal comes. What is asked for after a signal is
    /// meant to be asked for all the same, or has crossed it: no answer is then waited for longer than that to
    /// the final chunk. A refresh that was begun goes on by itself.
    async fn unless_asked_to_stop<T>(&self, work: impl Future<Output = T>) -> Result<T, CallError> {
        if let Some(signal) = self.shutdown.asked() {
            let answered = timeout(self.timing.final_wait, work).await;
            return answered.map_err(|_| CallError::Interrupted(signal));
        }
        tokio::select! {
            biased;
            done = work => Ok(done),
            signal = self.shutdown.requested() => Err(CallError::Interrupted(signal)),
        }
    }

    /// Sleeps unless a signal comes.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), CallError> {
        tokio::select! {
            biased;
            signal = self.shutdown.requested() => Err(CallError::Interrupted(signal)),
            () = sleep(wait) => Ok(()),
        }
    }
}

/// Whether the same call may well work in a moment.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::NotSent { .. } => error.is_temporary(),
        Error::NoAnswer { .. } => true,
        Error::NotTikTok { status, .. } => *status != 404,
        Error::Refused(refusal) => refusal.may_pass(),
    }
}
