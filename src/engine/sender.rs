//! The chunks of one upload: which of them may go, what its answer means, when it is tried again.

use std::sync::atomic::AtomicBool;

use tiktok_open::{Error, PutAnswer, UploadUrl};

use crate::clock::Deadline;
use crate::engine::Options;
use crate::engine::attempt::{Current, Outcome, heed_signals};
use crate::engine::calls::Calls;
use crate::engine::chunk::{self, ChunkEvent, ChunkPut, PutEnd, SpeedWatch};
use crate::engine::events::{Progress, WaitReason, Warning};
use crate::engine::post::PreparedPost;
use crate::engine::rate::Pace;
use crate::engine::stop::StopReason;
use crate::model::{AttemptUpdate, Event, Phase, Plan, RecordedPost};
use crate::problem::{Coded as _, ErrorCode};
use crate::retry::Backoff;
use crate::signals::Signal;
use crate::source::{Fingerprint, Version, Video, VideoError};

/// Tries of one chunk without progress.
pub(super) const CHUNK_TRIES: u32 = 6;
/// Answers 416 without progress.
const RESYNCS: u32 = 3;

/// Sends the chunks of one post.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct ChunkSender<'a> {
    calls: &'a Calls,
    options: &'a Options,
    post: &'a PreparedPost,
    /// The open file and its plan; `None` for pulls, and for a file that is gone.
    source: Option<(Video, Plan)>,
    /// Whether the journal has the post as that of this very file.
    is_recorded: bool,
    tries: Backoff,
    /// The most chunks that TikTok had so far in this attempt: only more of them is progress.
    furthest: u32,
    resyncs: u32,
    /// Whether the final chunk's last block may have been handed over in this attempt.
    final_handed: bool,
    /// Whether this run has sent every byte of the attempt's file, the last ones included.
    sent_whole: bool,
    fingerprint: Fingerprint,
    /// How the next chunk begins.
    pace: Option<Pace>,
    warned_slow: AtomicBool,
    announced: bool,
}

impl<'a> ChunkSender<'a> {
    pub(super) fn new(
        calls: &'a Calls,
        options: &'a Options,
        post: &'a PreparedPost,
        row: &RecordedPost,
        source: Option<(Video, Plan)>,
    ) -> Self {
        let timing = &calls.timing;
        let recorded = row.file.as_ref().map(|file| Version::File(file.identity));
        let is_recorded = source.as_ref().is_some_and(|(it, _)| recorded == Some(it.version()));
        Self {
            calls,
            options,
            post,
            source,
            is_recorded,
            tries: Backoff::new(timing.backoff_base, timing.backoff_cap, CHUNK_TRIES),
            furthest: 0,
            resyncs: 0,
            // Whatever an earlier process handed over is unknown here.
            final_handed: true,
            sent_whole: false,
            fingerprint: Fingerprint::default(),
            pace: None,
            warned_slow: AtomicBool::new(false),
            announced: false,
        }
    }

    /// A new attempt begins.
    pub(super) fn begin(&mut self) {
        self.final_handed = false;
        self.sent_whole = false;
        self.tries.reset();
        self.resyncs = 0;
        self.furthest = 0;
    }

    /// The open file and its plan; `None` for pulls, and for a file that is gone.
    pub(super) fn source(&self) -> Option<&(Video, Plan)> {
        self.source.as_ref()
    }

    /// Whether the journal has the post as that of this very file.
    pub(super) fn is_recorded(&self) -> bool {
        self.is_recorded
    }

    /// Whether this run has sent every byte of the attempt's file, the last ones included.
    pub(super) fn sent_whole(&self) -> bool {
        self.sent_whole
    }

    /// Completes the fingerprint; the intent to send the final chunk is recorded with it.
    pub(super) async fn intend(&mut self, now: Current<'_>) -> Result<Outcome, StopReason> {
        let Some((video, plan)) = self.source.clone() else {
            return Ok(Outcome::of(Event::FileReplaced));
        };
        if let Some(event) = self.usable(&video, now).await? {
            return Ok(self.too_late(event, now));
        }
        if let Err(refused) = self.upload_url(now) {
            return Ok(*refused);
        }
        match self.fingerprint_to(&video, plan.size()).await {
            Ok(()) => {
                heed_signals(self.calls)?;
                let update = AttemptUpdate {
                    fingerprint: Some(self.fingerprint.hex()),
                    ..AttemptUpdate::default()
                };
                // Whoever comes here from an open attempt has sent nothing of its final chunk.
                self.final_handed = false;
                Ok(Outcome { update, ..Outcome::of(Event::Intend) })
            }
            Err(StopReason::File(VideoError::Changed { .. })) => Ok(self.file_changed()),
            Err(reason) => Err(reason),
        }
    }

    /// Makes the fingerprint of a file up to `end`, unless a signal comes or the disk hangs.
    async fn fingerprint_to(&self, video: &Video, end: u64) -> Result<(), StopReason> {
        tokio::select! {
            biased;
            signal = self.calls.shutdown.requested() => Err(StopReason::Interrupted(signal)),
            reached = self.fingerprint.reach(video, end, self.calls.timing.stall) => {
                reached.map_err(StopReason::File)
            }
        }
    }

    /// Whether the attempt's URL and file can still be used; the event if not.
    async fn usable(&self, video: &Video, now: Current<'_>) -> Result<Option<Event>, StopReason> {
        match video.check_unchanged(self.calls.timing.stall).await {
            Ok(()) => {}
            Err(VideoError::Changed { .. }) => {
                return Ok(Some(Event::FileChanged { handed_over: self.final_handed }));
            }
            Err(error) => return Err(StopReason::File(error)),
        }
        // A resumed attempt belongs to the file that it was planned for.
        if now.begun.is_none() && !self.is_recorded {
            return Ok(Some(Event::FileReplaced));
        }
        let age = now.clocks(self.calls).longest(now.attempt);
        let expired = age.is_some_and(|age| age >= self.calls.timing.url_life);
        Ok(expired.then_some(Event::UrlExpired))
    }

    /// Sends one chunk until its outcome is an event.
    pub(super) async fn send(
        &mut self,
        index: u32,
        now: Current<'_>,
    ) -> Result<Outcome, StopReason> {
        loop {
            let Some((video, plan)) = self.source.clone() else {
                return Ok(Outcome::of(Event::FileReplaced));
            };
            if let Some(event) = self.usable(&video, now).await? {
                return Ok(self.too_late(event, now));
            }
            let url = match self.upload_url(now) {
                Ok(url) => url,
                Err(refused) => return Ok(*refused),
            };
            heed_signals(self.calls)?;
            self.announce(&plan, index);
            let end = self.put(&video, &plan, index, &url, now).await?;
            if let Some(outcome) = self.classify(end, &plan, index, now).await? {
                return Ok(outcome);
            }
        }
    }

    /// An expired URL in the run that got it means that the link is too slow to try again at once.
    fn too_late(&self, event: Event, now: Current<'_>) -> Outcome {
        if event == Event::UrlExpired
            && now.begun.is_some()
            && matches!(now.attempt.phase, Phase::Open { .. })
            && let Some((_, plan)) = &self.source
        {
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let needs = plan.size() as f64 * 8.0 / 1e6 / self.calls.timing.url_life.as_secs_f64();
            return Outcome { leave: Some(StopReason::TooSlow { needs }), ..Outcome::of(event) };
        }
        if matches!(event, Event::FileChanged { .. }) {
            return self.file_changed();
        }
        Outcome::of(event)
    }

    fn file_changed(&self) -> Outcome {
        let event = Event::FileChanged { handed_over: self.final_handed };
        match &self.source {
            Some((video, _)) => Outcome::failed(event, ErrorCode::FileChanged, &video.changed()),
            None => Outcome::of(event),
        }
    }

    /// Where the chunks go, if bytes may be sent there; else what is the matter with it.
    fn upload_url(&self, now: Current<'_>) -> Result<UploadUrl, Box<Outcome>> {
        let Calls { journal, account, client, .. } = self.calls;
        let Some(url) = journal.upload_url(account, now.attempt) else {
            return Err(Box::new(Outcome::of(Event::UrlGone)));
        };
        UploadUrl::check(&url, client.endpoints()).map_err(|error| {
            let code = ErrorCode::UploadUrlInvalid;
            Box::new(Outcome::failed(Event::BadUploadUrl, code, &error))
        })
    }

    /// One PUT, while the fingerprint runs along.
    async fn put(
        &mut self,
        video: &Video,
        plan: &Plan,
        index: u32,
        url: &UploadUrl,
        now: Current<'_>,
    ) -> Result<PutEnd, StopReason> {
        let is_final = now.is_final();
        let content_type = self.post.checked_file().map_or("video/mp4", |file| file.content_type);
        let rate = &self.options.rate;
        let range = plan.range(index).ok_or(StopReason::OutOfStep)?;
        let age = now.clocks(self.calls).longest(now.attempt);
        let left = self.calls.timing.url_life.saturating_sub(age.unwrap_or_default());
        let deadline = Deadline::after(left);
        let fingerprint = &self.fingerprint;
        let chunk = ChunkPut {
            url,
            video,
            content_type,
            fingerprint,
            range,
            is_final,
            rate,
            pace: self.pace,
            deadline,
        };
        let speed = SpeedWatch { begun: now.begun, plan, warned: &self.warned_slow };
        let report = |event| match event {
            ChunkEvent::Position(sent) => {
                self.report(Progress::Position { sent });
                let life = self.calls.timing.url_life;
                if let Some(takes) = speed.look(sent, life) {
                    self.report(Progress::Warning(Warning::SlowLink { takes, life }));
                }
            }
            ChunkEvent::Staying(wait) => {
                self.report(Progress::Waiting { why: WaitReason::FinalAnswer, wait });
            }
        };
        let put = chunk::put(
            &self.calls.client,
            &chunk,
            &self.calls.timing,
            &self.calls.shutdown,
            &report,
        );
        // What is sent is read once for both. A run that goes on with an upload has to make up for what was
        // sent before, and does it meanwhile.
        let sent = if is_final || fingerprint.covered() >= range.first() {
            put.await
        } else {
            let covered = self.fingerprint_to(video, range.last() + 1);
            let (mut sent, covered) = chunk::beside(put, covered).await;
            match covered {
                // What is wrong with the file is why the chunk did not get there, not the link.
                Some(Err(StopReason::File(
                    error @ (VideoError::Io { .. }
                    | VideoError::Remote(_)
                    | VideoError::Stalled { .. }),
                ))) if matches!(sent.end, PutEnd::Failed(_) | PutEnd::Stalled { .. }) => {
                    sent.end = PutEnd::File(error);
                }
                // Before the final chunk it is made up for, and what is wrong told.
                Some(Ok(()) | Err(_)) | None => {}
            }
            sent
        };
        // Another connection finds out by itself what the link can do.
        self.pace = sent.pace;
        if is_final && sent.handed_over {
            self.final_handed = true;
            // The chunks before it were stored, or TikTok would not have asked for this one.
            self.sent_whole |= plan.is_last(index);
        }
        Ok(sent.end)
    }

    /// Makes an event of a PUT's end, or `None` to send the same chunk again.
    async fn classify(
        &mut self,
        end: PutEnd,
        plan: &Plan,
        index: u32,
        now: Current<'_>,
    ) -> Result<Option<Outcome>, StopReason> {
        let in_final = now.is_final();
        let event = match end {
            PutEnd::Answered(answer) => self.classify_answer(answer, plan, index, now).await?,
            PutEnd::FileChanged => return Ok(Some(self.file_changed())),
            PutEnd::Expired => return Ok(Some(self.too_late(Event::UrlExpired, now))),
            PutEnd::File(error) => return Err(StopReason::File(error)),
            PutEnd::Interrupted => {
                let signal = self.calls.shutdown.asked().unwrap_or(Signal::INTERRUPT);
                return Err(StopReason::Interrupted(signal));
            }
            PutEnd::Stalled { after_body } => {
                let why = if after_body { "no answer to the chunk" } else { "the link stalled" };
                self.try_again(why.to_owned()).await?;
                Some(Event::ChunkUnclear)
            }
            // No other try would fare better.
            PutEnd::Failed(error) if error.obstacle().is_some() && !error.is_temporary() => {
                return Err(error.into());
            }
            PutEnd::Failed(error) => {
                self.try_again(error.to_string()).await?;
                let unsent = matches!(error, Error::NotSent { .. }) && !in_final;
                (!unsent).then_some(Event::ChunkUnclear)
            }
        };
        Ok(event.map(Outcome::of))
    }

    async fn classify_answer(
        &mut self,
        answer: PutAnswer,
        plan: &Plan,
        index: u32,
        now: Current<'_>,
    ) -> Result<Option<Event>, StopReason> {
        let in_final = now.is_final();
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
            // Of the final chunk it says nothing: it may be there already, and this be a second one.
            400 if !in_final => Err(StopReason::ChunkRefused { status: 400 }),
            403 | 404 => Ok(Some(Event::UrlGone)),
            416 => {
                self.resyncs += 1;
                if self.resyncs > RESYNCS {
                    return Err(StopReason::OutOfStep);
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
        if index >= self.furthest {
            self.furthest = index + 1;
            self.tries.reset();
            self.resyncs = 0;
        }
        self.report(Progress::Position { sent: plan.boundary(index + 1) });
        self.report(Progress::ChunkStored { chunk: index + 1, of: plan.count() });
    }

    /// Counts a failed try of a chunk and waits before the next.
    async fn try_again(&mut self, why: String) -> Result<(), StopReason> {
        let Some(wait) = self.tries.pause() else {
            return Err(StopReason::ChunkFailed { why });
        };
        let (attempt, of) = (self.tries.attempt(), self.tries.most());
        self.report(Progress::Retrying { why, attempt, of, wait });
        self.calls.pause(wait).await?;
        Ok(())
    }

    fn announce(&mut self, plan: &Plan, index: u32) {
        if !std::mem::replace(&mut self.announced, true) {
            let (size, stored) = (plan.size(), plan.boundary(index));
            self.report(Progress::Sending { size, stored, chunks: plan.count() });
        }
    }

    fn report(&self, progress: Progress) {
        self.calls.events.progress(&self.post.post_ref, progress);
    }
}
