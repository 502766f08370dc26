//! The init of a post: when one is sent, what its answer means, and what comes before another.
//!
//! A local file's init is harmless without its answer. A pull's or a photo post's makes the post, so it
//! is repeated only after an answer that proves that nothing was begun, and the proof is durable before
//! the pause: a crash in the middle of it must not look like an init on its way.

use std::time::Duration;

use jiff::SignedDuration;
use tiktok_open::{Error, InitAnswer, Reaction};
use tokio::time::Instant;

use crate::exit::Explain;
use crate::model::{Action, AttemptUpdate, Event, Phase, PostError, Step, Transfer};
use crate::retry::Backoff;
use crate::secret::Secret;
use crate::upload::calls::{Authority, CallError, SLOW_DOWNS};
use crate::upload::engine::Drive;
use crate::upload::leave::Leave;
use crate::upload::report::Progress;

/// Attempts of one post within an hour whose init came to nothing at TikTok.
const ORPHANS: usize = 2;
/// Attempts of one post that TikTok failed with a reason that permits another.
const FAILED_ATTEMPTS: usize = 3;
/// The recorded reason of an attempt whose init provably never left.
const NOT_SENT: &str = "not_sent";

/// The recorded reason of an attempt that a human said was not posted.
const SETTLED: &str = "resolved";

/// The inits of this run.
pub(super) struct Inits {
    /// Those that never left.
    unsent: Backoff,
    /// Those that TikTok asked to send more slowly.
    slowed: u32,
    /// Whether one was refused for its token.
    renewed: bool,
    hurdle: Hurdle,
}

impl Inits {
    pub(super) fn new(unsent: Backoff) -> Self {
        Self { unsent, slowed: 0, renewed: false, hurdle: Hurdle::None }
    }
}

/// What stands between an init that began nothing and the next one.
#[derive(Debug, Default)]
enum Hurdle {
    #[default]
    None,
    /// The network did not take it.
    Unsent(Duration),
    /// TikTok asks to slow down.
    SlowDown(Duration),
    /// TikTok refused this access token.
    Stale(Secret),
    /// There is no next one in this run.
    Leave(CallError),
}

impl<A: Authority> Drive<'_, A> {
    /// Starts an attempt: its intent is durable when this returns.
    pub(super) async fn begin(&mut self) -> Result<Step, Leave> {
        if let Some((video, plan)) = &self.source {
            video.check_unchanged().map_err(Leave::File)?;
            if self.row.file.as_ref().is_none_or(|file| file.identity != video.identity()) {
                return Err(Leave::Replaced);
            }
            self.transfer = Transfer::File { chunks: plan.count() };
        } else if !self.post.asked.source.is_pulled() {
            return Err(self.gone());
        }
        self.gate.admit(self.post).await?;
        self.calls.ready_for_init(&self.post.subject).await?;
        if let Some((video, _)) = &self.source {
            // A batch may take hours, and a quota minutes.
            video.check_finished().await.map_err(Leave::File)?;
        }
        // The last moment: what the intent below announces must follow it.
        self.heed_signals()?;
        self.attempt = Some(self.calls.journal.begin_attempt(self.row.number)?);
        self.run.begun = Some(Instant::now());
        self.run.final_handed = false;
        self.run.sent_whole = false;
        self.run.proof = None;
        self.run.polling = None;
        self.run.tries.reset();
        self.run.resyncs = 0;
        self.run.furthest = 0;
        Ok(Step { phase: Phase::InitIntent, action: Action::Init })
    }

    /// A new attempt after a dead one, within the limits.
    pub(super) async fn again(&mut self) -> Result<Step, Leave> {
        match std::mem::take(&mut self.run.inits.hurdle) {
            Hurdle::None => self.within_limits().await?,
            hurdle => self.clear(hurdle).await?,
        }
        self.begin().await
    }

    async fn clear(&self, hurdle: Hurdle) -> Result<(), Leave> {
        match hurdle {
            Hurdle::None => {}
            Hurdle::Unsent(wait) => {
                let why = self.trouble.as_ref().map(|t| t.message.clone()).unwrap_or_default();
                let unsent = &self.run.inits.unsent;
                let (attempt, of) = (unsent.attempt(), unsent.most());
                self.tell(&Progress::Retrying { why, attempt, of, wait });
                self.calls.pause(wait).await?;
            }
            Hurdle::SlowDown(wait) => self.calls.slow_down(&self.post.subject, wait).await?,
            Hurdle::Stale(token) => {
                self.calls.authority.renewed(&token).await?;
            }
            Hurdle::Leave(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether a dead attempt may be followed by another, and the pause before it.
    async fn within_limits(&self) -> Result<(), Leave> {
        let attempts = self.calls.journal.attempts(self.row.number)?;
        let failed = attempts.iter().filter(|a| matches!(a.phase, Phase::Failed(_))).count();
        let here = self.run.begun.is_some();
        let enough =
            failed >= FAILED_ATTEMPTS || self.run.failed_here > 1 || !self.options.retry_failed;
        match self.phase() {
            Some(Phase::Failed(_)) if enough => {
                let last = attempts.last().map(PostError::of_attempt).map(Box::new);
                return Err(Leave::NoMoreAttempts { next: None, last });
            }
            Some(Phase::Failed(_)) => {
                let last = attempts.last().map(PostError::of_attempt);
                let why = last.map(|last| last.message).unwrap_or_default();
                self.tell(&Progress::Note(format!("{why}; trying it once more")));
            }
            Some(Phase::Lost | Phase::Abandoned) => {
                let now = self.options.clock.now();
                let hour_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
                let orphans: Vec<_> = attempts
                    .iter()
                    .filter(|a| matches!(a.phase, Phase::Lost | Phase::Abandoned))
                    .filter(|a| ![Some(NOT_SENT), Some(SETTLED)].contains(&a.code.as_deref()))
                    .filter(|a| a.created_at > hour_ago && a.created_at <= now)
                    .collect();
                if orphans.len() >= ORPHANS {
                    let next = orphans.iter().map(|a| a.created_at).min();
                    let next = next.and_then(|t| t.checked_add(SignedDuration::from_hours(1)).ok());
                    return Err(Leave::NoMoreAttempts { next, last: None });
                }
                if self.phase() == Some(Phase::Abandoned) {
                    let why = "TikTok takes no more of the upload that was begun; starting over";
                    self.tell(&Progress::Note(why.into()));
                } else if here {
                    let wait = self.calls.timing.init_again;
                    let why =
                        "the answer to the init was lost, which cannot have posted".to_owned();
                    self.tell(&Progress::Waiting { why, wait });
                    self.calls.pause(wait).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) async fn init(&mut self) -> Result<(Event, AttemptUpdate), Leave> {
        let plan = self.source.as_ref().map(|(_, plan)| plan);
        let Some(init) = self.post.init(plan) else { return Err(self.gone()) };
        let issued_at = self.options.clock.now();
        let token = match self.calls.token().await {
            Ok(token) => token,
            Err(error) => return Ok(self.not_sent(error)),
        };
        let answer =
            init.send(self.calls.client, &token).await.and_then(|answer| self.whole(answer));
        match answer {
            Ok(InitAnswer { publish_id, upload_url }) => {
                self.run.inits.slowed = 0;
                self.run.inits.renewed = false;
                let publish_id = Some(publish_id);
                let issued_at = Some(issued_at);
                let issued_there = self.calls.client.server_now();
                let facts = AttemptUpdate {
                    publish_id,
                    upload_url,
                    issued_at,
                    issued_there,
                    ..AttemptUpdate::default()
                };
                Ok((Event::InitAccepted, facts))
            }
            Err(error) => Ok(self.init_failed(error, token)),
        }
    }

    /// A file's init must be answered with the URL for its bytes; a pull has none.
    fn whole(&self, answer: InitAnswer) -> Result<InitAnswer, Error> {
        if self.transfer == Transfer::Pull {
            return Ok(InitAnswer { upload_url: None, ..answer });
        }
        if answer.upload_url.is_some() {
            return Ok(answer);
        }
        Err(Error::NotTikTok {
            host: self.calls.client.api_host(),
            call: "init",
            status: 200,
            what: "an init answer without `upload_url`".into(),
        })
    }

    /// Sorts what came of an init into refused, put off, unclear and provably not sent.
    fn init_failed(&mut self, error: Error, token: Secret) -> (Event, AttemptUpdate) {
        let inits = &mut self.run.inits;
        let event = match &error {
            Error::Refused(refusal) if refusal.status < 500 => match refusal.code.reaction() {
                Reaction::Later => Event::InitUnclear,
                Reaction::RenewToken if !inits.renewed => {
                    inits.renewed = true;
                    inits.hurdle = Hurdle::Stale(token);
                    Event::InitPutOff
                }
                Reaction::SlowDown if inits.slowed < SLOW_DOWNS => {
                    inits.slowed += 1;
                    inits.hurdle = Hurdle::SlowDown(self.calls.asked_pause(refusal));
                    Event::InitPutOff
                }
                _ => Event::InitRefused,
            },
            Error::NotSent { .. } => return self.not_sent(error.into()),
            _ => Event::InitUnclear,
        };
        let trouble = PostError::of_api(&error);
        let facts = trouble.update();
        self.exit = Some(error.exit());
        self.trouble = Some(trouble);
        (event, facts)
    }

    /// An init that provably never left: for want of a token, or of a connection.
    fn not_sent(&mut self, error: CallError) -> (Event, AttemptUpdate) {
        let trouble = error.trouble();
        let facts = AttemptUpdate { code: Some(NOT_SENT.to_owned()), ..trouble.update() };
        self.exit = Some(error.exit());
        self.trouble = Some(trouble);
        let again = matches!(error, CallError::Api(_)).then(|| self.run.inits.unsent.pause());
        self.run.inits.hurdle = match again.flatten() {
            Some(wait) => Hurdle::Unsent(wait),
            None => Hurdle::Leave(error),
        };
        (Event::InitNotSent, facts)
    }
}
