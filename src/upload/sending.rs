//! The chunks of a post: which one may go, what its answer means, when it is tried again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tiktok_open::{Error, PutAnswer, UploadUrl};
use tokio::time::Instant;

use crate::exit::{Exit, Explain};
use crate::model::{AttemptUpdate, Event, Phase, Plan, PostError, machine};
use crate::signals::Signal;
use crate::text;
use crate::upload::calls::Authority;
use crate::upload::chunk::{self, ChunkPut, PutEnd, Told};
use crate::upload::engine::Drive;
use crate::upload::leave::Leave;
use crate::upload::report::Progress;
use crate::upload::video::{Fingerprint, Video, VideoError};

/// Answers 416 without progress.
const RESYNCS: u32 = 3;
/// Bytes after which a link's speed says something.
const RATE_SAMPLE: u64 = 16 << 20;

impl<A: Authority> Drive<'_, A> {
    /// Completes the fingerprint; the intent to send the final chunk is recorded with it.
    pub(super) async fn intend(&mut self) -> Result<(Event, AttemptUpdate), Leave> {
        let Some((video, plan)) = self.source.clone() else {
            return Ok((Event::FileReplaced, AttemptUpdate::default()));
        };
        if let Some(event) = self.usable(&video)? {
            return self.too_late(event);
        }
        if let Err(refused) = self.upload_url() {
            return Ok(*refused);
        }
        match hash_to(self.run.fingerprint.clone(), &video, plan.size()).await {
            Ok(fingerprint) => {
                self.heed_signals()?;
                let facts = AttemptUpdate {
                    fingerprint: Some(fingerprint.hex()),
                    ..AttemptUpdate::default()
                };
                self.run.fingerprint = fingerprint;
                // Whoever comes here from an open attempt has sent nothing of its final chunk.
                self.run.final_handed = false;
                Ok((Event::Intend, facts))
            }
            Err(VideoError::Changed { .. }) => Ok(self.file_changed()),
            Err(error) => Err(Leave::File(error)),
        }
    }

    /// Whether the attempt's URL and file can still be used; the event if not.
    fn usable(&self, video: &Video) -> Result<Option<Event>, Leave> {
        match video.check_unchanged() {
            Ok(()) => {}
            Err(VideoError::Changed { .. }) => {
                return Ok(Some(Event::FileChanged { handed_over: self.run.final_handed }));
            }
            Err(error) => return Err(Leave::File(error)),
        }
        let Some(attempt) = &self.attempt else { return Ok(None) };
        // A resumed attempt belongs to the file that it was planned for.
        if self.run.begun.is_none()
            && self.row.file.as_ref().is_none_or(|file| file.identity != video.identity())
        {
            return Ok(Some(Event::FileReplaced));
        }
        let expired =
            self.clocks().longest(attempt).is_some_and(|age| age >= self.calls.timing.url_life);
        Ok(expired.then_some(Event::UrlExpired))
    }

    /// Sends one chunk until its outcome is an event.
    pub(super) async fn send(&mut self, index: u32) -> Result<(Event, AttemptUpdate), Leave> {
        loop {
            let Some((video, plan)) = self.source.clone() else {
                return Ok((Event::FileReplaced, AttemptUpdate::default()));
            };
            if let Some(event) = self.usable(&video)? {
                return self.too_late(event);
            }
            let url = match self.upload_url() {
                Ok(url) => url,
                Err(refused) => return Ok(*refused),
            };
            self.heed_signals()?;
            self.announce(&plan, index);
            let end = self.put(&video, &plan, index, &url).await?;
            if let Some(outcome) = self.judge(end, &plan, index).await? {
                return Ok(outcome);
            }
        }
    }

    /// An expired URL in the run that got it means that the link is too slow to try again at once.
    fn too_late(&mut self, event: Event) -> Result<(Event, AttemptUpdate), Leave> {
        if event == Event::UrlExpired
            && self.run.begun.is_some()
            && let Some(phase @ Phase::Open { .. }) = self.phase()
            && let Some((_, plan)) = &self.source
        {
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let needs = plan.size() as f64 * 8.0 / 1e6 / self.calls.timing.url_life.as_secs_f64();
            let step = machine::step(self.transfer, phase, event);
            self.record(step.phase, &AttemptUpdate::default())?;
            return Err(Leave::TooSlow { needs });
        }
        if matches!(event, Event::FileChanged { .. }) {
            return Ok(self.file_changed());
        }
        Ok((event, AttemptUpdate::default()))
    }

    fn file_changed(&mut self) -> (Event, AttemptUpdate) {
        let event = Event::FileChanged { handed_over: self.run.final_handed };
        let Some((video, _)) = &self.source else { return (event, AttemptUpdate::default()) };
        let error = VideoError::Changed { path: video.path().to_owned() };
        let trouble = trouble("file_changed", &error);
        let facts = trouble.update();
        self.exit = Some(Exit::Failed);
        self.trouble = Some(trouble);
        (event, facts)
    }

    /// Where the chunks go, if bytes may be sent there; else what is the matter with it.
    fn upload_url(&mut self) -> Result<UploadUrl, Box<(Event, AttemptUpdate)>> {
        let attempt = self.attempt.as_ref();
        let (journal, account) = (self.calls.journal, self.calls.account);
        let Some(url) = attempt.and_then(|attempt| journal.upload_url(account, attempt)) else {
            return Err(Box::new((Event::UrlGone, AttemptUpdate::default())));
        };
        UploadUrl::check(&url, self.calls.client.endpoints())
            .map_err(|error| Box::new(self.bad_url(&error)))
    }

    fn bad_url(&mut self, error: &tiktok_open::UploadUrlError) -> (Event, AttemptUpdate) {
        let trouble = trouble("bad_upload_url", error);
        let facts = trouble.update();
        self.exit = Some(Exit::Failed);
        self.trouble = Some(trouble);
        (Event::BadUploadUrl, facts)
    }

    /// One PUT, while the fingerprint runs along.
    async fn put(
        &mut self,
        video: &Video,
        plan: &Plan,
        index: u32,
        url: &UploadUrl,
    ) -> Result<PutEnd, Leave> {
        let is_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        let content_type = self.post.checked_file().map_or("video/mp4", |file| file.content_type);
        let pace = &self.options.pace;
        let range = plan.range(index);
        let age = self.attempt.as_ref().and_then(|attempt| self.clocks().longest(attempt));
        let deadline =
            Instant::now() + self.calls.timing.url_life.saturating_sub(age.unwrap_or_default());
        let chunk = ChunkPut { url, video, content_type, range, is_final, pace, deadline };
        let warning = RateWatch { begun: self.run.begun, plan, warned: &self.run.warned_slow };
        let tell = |told| match told {
            Told::Position(sent) => {
                self.tell(&Progress::Position { sent });
                if let Some(text) = warning.look(sent, self.calls.timing.url_life) {
                    self.tell(&Progress::Warning(text));
                }
            }
            Told::Staying(wait) => {
                let why = "TikTok's answer to the last chunk decides; press Ctrl-C again to leave";
                self.tell(&Progress::Waiting { why: why.into(), wait });
            }
        };
        let put =
            chunk::put(self.calls.client, &chunk, self.calls.timing, self.calls.shutdown, &tell);
        let sent = if is_final {
            put.await
        } else {
            // The fingerprint keeps up with the chunks, so that each byte is read from disk once.
            let covered = self.run.fingerprint.clone();
            let (sent, hashed) = tokio::join!(put, hash_to(covered, video, range.last + 1));
            if let Ok(fingerprint) = hashed {
                self.run.fingerprint = fingerprint;
            }
            sent
        };
        if is_final && sent.handed_over {
            self.run.final_handed = true;
            // The chunks before it were stored, or TikTok would not have asked for this one.
            self.run.sent_whole |= plan.is_last(index);
        }
        Ok(sent.end)
    }

    /// Makes an event of a PUT's end, or `None` to send the same chunk again.
    async fn judge(
        &mut self,
        end: PutEnd,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<(Event, AttemptUpdate)>, Leave> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        let event = match end {
            PutEnd::Answered(answer) => self.judge_answer(answer, plan, index).await?,
            PutEnd::FileChanged => return Ok(Some(self.file_changed())),
            PutEnd::Expired => return self.too_late(Event::UrlExpired).map(Some),
            PutEnd::Interrupted => {
                let signal = self.calls.shutdown.asked().unwrap_or(Signal::INTERRUPT);
                return Err(Leave::Interrupted(signal));
            }
            PutEnd::Stalled { after_body } => {
                let why = if after_body { "no answer to the chunk" } else { "the link stalled" };
                self.try_again(why.to_owned()).await?;
                Some(Event::ChunkUnclear)
            }
            PutEnd::Failed(error) => {
                self.try_again(error.to_string()).await?;
                let unsent = matches!(error, Error::NotSent { .. }) && !in_final;
                (!unsent).then_some(Event::ChunkUnclear)
            }
        };
        Ok(event.map(|event| (event, AttemptUpdate::default())))
    }

    async fn judge_answer(
        &mut self,
        answer: PutAnswer,
        plan: &Plan,
        index: u32,
    ) -> Result<Option<Event>, Leave> {
        let in_final = matches!(self.phase(), Some(Phase::FinalIntent { .. }));
        match answer.status {
            201 => {
                self.stored(plan, index);
                if in_final && !plan.is_last(index) {
                    // Its status says otherwise. The chunk may be asked for again, but not for ever.
                    self.try_again("TikTok says that it has everything".into()).await?;
                }
                Ok(Some(Event::AllStored { index }))
            }
            // The documentation says what a 206 means; a header that says otherwise is looked into.
            206 if answer.progress.is_none_or(|n| plan.stored_by_header(n) == Some(index + 1)) => {
                if plan.is_last(index) {
                    self.try_again("TikTok expects more bytes after the last".into()).await?;
                } else {
                    self.stored(plan, index);
                }
                Ok(Some(Event::ChunkStored { index }))
            }
            400 => Err(Leave::ChunkRefused { status: 400 }),
            403 | 404 => Ok(Some(Event::UrlGone)),
            416 => {
                self.run.resyncs += 1;
                if self.run.resyncs > RESYNCS {
                    return Err(Leave::OutOfStep);
                }
                Ok(Some(Event::ChunkUnclear))
            }
            408 | 429 | 500..=599 if !in_final => {
                self.try_again(format!("HTTP {} for a chunk", answer.status)).await?;
                Ok(None)
            }
            status => {
                self.try_again(format!("HTTP {status} for a chunk")).await?;
                Ok(Some(Event::ChunkUnclear))
            }
        }
    }

    fn stored(&mut self, plan: &Plan, index: u32) {
        // What TikTok stores again after it was taken back is no progress.
        if index >= self.run.furthest {
            self.run.furthest = index + 1;
            self.run.tries.reset();
            self.run.resyncs = 0;
        }
        self.tell(&Progress::Position { sent: plan.boundary(index + 1) });
        self.tell(&Progress::ChunkStored { chunk: index + 1, of: plan.count() });
    }

    /// Counts a failed try of a chunk and waits before the next.
    async fn try_again(&mut self, why: String) -> Result<(), Leave> {
        let Some(wait) = self.run.tries.pause() else { return Err(Leave::ChunkFailed { why }) };
        let (attempt, of) = (self.run.tries.attempt(), self.run.tries.most());
        self.tell(&Progress::Retrying { why, attempt, of, wait });
        self.calls.pause(wait).await?;
        Ok(())
    }

    fn announce(&mut self, plan: &Plan, index: u32) {
        if !std::mem::replace(&mut self.run.announced, true) {
            let (size, stored) = (plan.size(), plan.boundary(index));
            self.tell(&Progress::Sending { size, stored, chunks: plan.count() });
        }
    }
}

/// Says early when a link will not make it within the life of the URL.
struct RateWatch<'a> {
    begun: Option<Instant>,
    plan: &'a Plan,
    warned: &'a AtomicBool,
}

impl RateWatch<'_> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn look(&self, sent: u64, life: Duration) -> Option<String> {
        let sample = if self.plan.count() > 2 { self.plan.boundary(2) } else { RATE_SAMPLE };
        let elapsed = self.begun?.elapsed();
        if sent < sample {
            return None;
        }
        let whole = elapsed.as_secs_f64() * self.plan.size() as f64 / sent as f64;
        if whole <= life.as_secs_f64() || self.warned.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(format!(
            "at this speed the upload takes {:.0} minutes, and TikTok gives it {:.0}",
            whole / 60.0,
            life.as_secs_f64() / 60.0
        ))
    }
}

async fn hash_to(from: Fingerprint, video: &Video, end: u64) -> Result<Fingerprint, VideoError> {
    if from.covered() >= end {
        return Ok(from);
    }
    let (video, path) = (video.clone(), video.path().to_owned());
    tokio::task::spawn_blocking(move || from.extend(&video, end)).await.unwrap_or_else(|_| {
        Err(VideoError::Io { path, source: std::io::Error::other("the hashing thread ended") })
    })
}

fn trouble(code: &str, error: &(impl Explain + ?Sized)) -> PostError {
    PostError {
        code: code.to_owned(),
        message: text::plain(&error.to_string()),
        hint: error.hint(),
        retryable: false,
        log_id: None,
    }
}
