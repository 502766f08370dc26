//! The states of one attempt at a post, as a pure function.
//!
//! [`resume`] says what to do with an attempt found in the journal, [`step`] what an event makes of
//! it. Neither touches a file, the network or the clock: the engine performs the [`Action`]s, the
//! journal stores the [`Phase`]s, and the model test explores both against an adversary.
//!
//! The rule behind every line: TikTok has no idempotency key, so no new attempt begins while an
//! earlier one could still become a post. A local file cannot become a post before its last block
//! was handed over, hence [`Phase::FinalIntent`], durable before that chunk is sent; a pull or a
//! photo post is made by its init.

/// How the content reaches TikTok, which decides where the point of no return is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// `FILE_UPLOAD` in so many chunks (at least one): only the holder of the `upload_url` can
    /// complete it.
    File {
        /// Number of chunks.
        chunks: u32,
    },
    /// `PULL_FROM_URL` or photos: the init alone makes the post.
    Pull,
}

/// Where an attempt stands: what the journal stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The init is about to be sent, or was sent and its answer is not recorded.
    InitIntent,
    /// TikTok gave a `publish_id`; of a file, so many chunks are stored there (fewer than all).
    Open {
        /// Chunks known to be stored.
        stored: u32,
    },
    /// The final chunk is about to be sent, or was sent and its answer is not recorded.
    FinalIntent {
        /// What tells how this came about, and so never changes: all chunks but the last were
        /// stored, or TikTok claimed too early that it had everything. Then it is the index of the
        /// chunk whose answer said so, or the number of all chunks if a status did.
        stored: u32,
    },
    /// TikTok has every byte; posting has started.
    Uploaded,
    /// TikTok refused the init with a code: no post can come of it.
    Rejected,
    /// The init's answer is lost, and without its `upload_url` no post can come of it.
    Lost,
    /// Given up while it provably could not become a post.
    Abandoned,
    /// TikTok said that it will not be posted.
    Failed(Failed),
    /// TikTok said that it is posted (or a human did).
    Published,
    /// TikTok said that the draft is in the inbox.
    Inboxed,
    /// Nobody but a human can tell, unless TikTok still does: it is asked again by later runs.
    Unresolved,
}

/// What a `FAILED` means for a new attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failed {
    /// `internal`: the one reason that TikTok documents as retryable.
    Internal,
    /// `video_pull_failed`, `photo_pull_failed`: a later run may try again.
    Pull,
    /// `auth_removed`: a new login, and then only if the user insists.
    AuthRemoved,
    /// Every other reason: never again by itself.
    Final,
}

/// What status/fetch told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportedStatus {
    /// Under way. `stored` is the number of whole chunks that TikTok has, if `uploaded_bytes` was
    /// there and fell on a boundary of the plan.
    Processing {
        /// Whole chunks stored.
        stored: Option<u32>,
    },
    /// `PUBLISH_COMPLETE`.
    Published,
    /// `SEND_TO_USER_INBOX`.
    Inboxed,
    /// `FAILED`.
    Failed(Failed),
    /// `invalid_publish_id`, or not authorized for it.
    IdUnknown,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The init was answered with a `publish_id` (and, for a file, an `upload_url`).
    InitAccepted,
    /// The init was refused with a code.
    InitRefused,
    /// The init was refused with a code that lets the same one follow: a rate limit, a stale token.
    InitPutOff,
    /// The init's answer did not arrive, or was not TikTok's.
    InitUnclear,
    /// The init provably never left this machine.
    InitNotSent,
    /// The `upload_url` breaks the host rule.
    BadUploadUrl,
    /// The intent to send the final chunk is about to be recorded.
    Intend,
    /// 206 with the progress that the plan expects of this chunk.
    ChunkStored {
        /// Index of the chunk, from 0.
        index: u32,
    },
    /// 201: TikTok says that it has everything.
    AllStored {
        /// Index of the chunk that it answered.
        index: u32,
    },
    /// A chunk's outcome is unknown: reset, stall, 416, an odd 2xx or 3xx.
    ChunkUnclear,
    /// 403 or 404: the `upload_url` is no longer good.
    UrlGone,
    /// The `upload_url` is too old to be used.
    UrlExpired,
    /// Found at a restart: another file lies where the planned one was.
    FileReplaced,
    /// Found at a restart: the entry asks for other settings than the init has declared.
    SettingsChanged,
    /// The file changed while it was sent, or is gone.
    FileChanged {
        /// Whether this process may have handed over the last block of the final chunk, or an
        /// earlier process may have.
        handed_over: bool,
    },
    /// status/fetch answered.
    Status(ReportedStatus),
    /// The server's proof: `uploaded_bytes` below the size on two reads far enough apart and late
    /// enough after the issue of the URL.
    ProvedIncomplete,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send the init (the phase is [`Phase::InitIntent`]).
    Init,
    /// Record the intent to send the final chunk, as [`Event::Intend`].
    Intend,
    /// Send this chunk, if the `upload_url` still lives and the file is the same.
    Send {
        /// Index of the chunk, from 0.
        index: u32,
    },
    /// Ask status/fetch.
    Ask,
    /// Only the server's proof can free this attempt; until then, keep asking.
    Prove,
    /// This attempt is over and a new one is allowed, within the limits of the run.
    Again,
    /// This attempt is over and so is the post, as far as this run is concerned.
    Stop,
}

/// The phase to record (if it differs) and then the action to perform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The phase after the event; durable before `action`.
    pub phase: Phase,
    /// What to do then.
    pub action: Action,
}

/// What a person's word makes of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The phase of its last attempt from now on.
    As(Phase),
    /// It stands so already.
    Already,
    /// TikTok's word counts: it may still post it, or has.
    Refused,
}

impl Phase {
    /// Whether no post can come of the attempt, so that a new one may begin (invariant I1).
    pub fn is_dead(self) -> bool {
        matches!(self, Self::Rejected | Self::Lost | Self::Abandoned | Self::Failed(_))
    }

    /// Whether a new attempt may follow one in this phase: it is dead, and the post was not refused for
    /// good.
    pub(crate) fn allows_another(self) -> bool {
        self.is_dead() && !matches!(self, Self::Failed(Failed::AuthRemoved | Failed::Final))
    }

    /// Whether the attempt is over: dead, done or for a human.
    pub fn is_over(self) -> bool {
        self.is_dead() || self.is_done() || self == Self::Unresolved
    }

    /// Whether the post exists.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Published | Self::Inboxed)
    }

    /// Whether the `upload_url` may still be needed.
    pub fn needs_url(self) -> bool {
        matches!(self, Self::Open { .. } | Self::FinalIntent { .. })
    }
}

/// What to do with an attempt that the journal holds in `phase`, after a restart.
pub fn resume(transfer: Transfer, phase: Phase) -> Step {
    let stay = |action| Step { phase, action };
    match (phase, transfer) {
        // The answer is lost. A file's init is harmless without its URL; a pull's may have posted.
        (Phase::InitIntent, Transfer::File { .. }) => to(Phase::Lost, Action::Again),
        (Phase::InitIntent, Transfer::Pull) => to(Phase::Unresolved, Action::Stop),
        (Phase::Open { .. } | Phase::FinalIntent { .. } | Phase::Uploaded, _) => stay(Action::Ask),
        (
            Phase::Rejected
            | Phase::Lost
            | Phase::Abandoned
            | Phase::Failed(Failed::Internal | Failed::Pull),
            _,
        ) => stay(Action::Again),
        (Phase::Failed(_) | Phase::Published | Phase::Inboxed | Phase::Unresolved, _) => {
            stay(Action::Stop)
        }
    }
}

/// What a person's word makes of a post whose last attempt stands in `phase` (`None`: nothing was tried), as
/// long as no run works on it.
///
/// That it is posted is always safe to believe, as it is then never sent again. That it is not is believed
/// only where TikTok works on nothing of it and has not said that it is posted.
pub(crate) fn settle(transfer: Transfer, phase: Option<Phase>, posted: bool) -> Settled {
    // What a run left at its init is what the next run would call it.
    let phase = phase.map(|phase| resume(transfer, phase).phase);
    match phase {
        Some(Phase::Published) if posted => Settled::Already,
        _ if posted => Settled::As(Phase::Published),
        // TikTok failing it so often that no run tries it again ends with this, too.
        Some(Phase::Unresolved | Phase::Failed(_)) => Settled::As(Phase::Abandoned),
        None | Some(Phase::Rejected | Phase::Lost | Phase::Abandoned) => Settled::Already,
        Some(_) => Settled::Refused,
    }
}

/// What an event makes of an attempt.
pub fn step(transfer: Transfer, phase: Phase, event: Event) -> Step {
    match phase {
        Phase::InitIntent => init(transfer, event),
        Phase::Open { stored } => match transfer {
            Transfer::File { chunks } => open(chunks, stored, event),
            Transfer::Pull => processing(phase, event),
        },
        Phase::FinalIntent { stored } => match transfer {
            Transfer::File { chunks } => final_intent(chunks, stored, event),
            Transfer::Pull => processing(phase, event),
        },
        Phase::Uploaded => processing(phase, event),
        // A draft that the user finished later.
        Phase::Inboxed if event == Event::Status(ReportedStatus::Published) => {
            to(Phase::Published, Action::Stop)
        }
        Phase::Unresolved => unresolved(event),
        _ => to(phase, Action::Stop),
    }
}

fn to(phase: Phase, action: Action) -> Step {
    Step { phase, action }
}

fn init(transfer: Transfer, event: Event) -> Step {
    match (event, transfer) {
        (Event::InitAccepted, Transfer::File { chunks }) => {
            to(Phase::Open { stored: 0 }, send_from(chunks, 0))
        }
        (Event::InitAccepted, Transfer::Pull) => to(Phase::Open { stored: 0 }, Action::Ask),
        (Event::InitRefused, _) => to(Phase::Rejected, Action::Stop),
        (Event::InitPutOff, _) => to(Phase::Rejected, Action::Again),
        (Event::InitNotSent, _) | (Event::InitUnclear, Transfer::File { .. }) => {
            to(Phase::Lost, Action::Again)
        }
        (Event::InitUnclear, Transfer::Pull) => to(Phase::Unresolved, Action::Stop),
        _ => to(Phase::InitIntent, Action::Stop),
    }
}

/// A file before its final chunk: everything may be dropped, nothing can have been posted.
fn open(chunks: u32, stored: u32, event: Event) -> Step {
    let here = |action| to(Phase::Open { stored }, action);
    let at = |stored| to(Phase::Open { stored }, send_from(chunks, stored));
    match event {
        Event::Intend => to(Phase::FinalIntent { stored }, Action::Send { index: chunks - 1 }),
        Event::ChunkStored { index } => at((index + 1).min(chunks - 1)),
        // The server claims completeness too early: from here on it is asked, never started over.
        Event::AllStored { index } => to(Phase::FinalIntent { stored: index }, Action::Ask),
        Event::ChunkUnclear => here(Action::Ask),
        Event::UrlGone
        | Event::UrlExpired
        | Event::FileReplaced
        | Event::SettingsChanged
        | Event::Status(ReportedStatus::IdUnknown) => to(Phase::Abandoned, Action::Again),
        Event::BadUploadUrl | Event::FileChanged { .. } => to(Phase::Abandoned, Action::Stop),
        Event::Status(ReportedStatus::Processing { stored: Some(seen) }) if seen < chunks => {
            at(seen)
        }
        Event::Status(ReportedStatus::Processing { stored: Some(_) }) => {
            to(Phase::FinalIntent { stored: chunks }, Action::Ask)
        }
        Event::Status(ReportedStatus::Processing { stored: None }) => {
            here(send_from(chunks, stored))
        }
        Event::Status(ReportedStatus::Failed(failed)) => fail(failed),
        // Done without all the bytes: no documented meaning, so a human decides.
        Event::Status(ReportedStatus::Published | ReportedStatus::Inboxed) => {
            to(Phase::Unresolved, Action::Stop)
        }
        _ => here(Action::Stop),
    }
}

/// A file whose final chunk may have been handed over: only proof frees it.
///
/// If TikTok claimed completeness too early, even proof does not: what it has may become a post. Nor
/// is a post made of it then one of the whole file.
fn final_intent(chunks: u32, stored: u32, event: Event) -> Step {
    let phase = Phase::FinalIntent { stored };
    let here = |action| to(phase, action);
    let claimed_early = stored + 1 != chunks;
    match event {
        Event::AllStored { index } if index + 1 == chunks => to(Phase::Uploaded, Action::Ask),
        Event::ChunkStored { index } if index + 1 < chunks => {
            here(Action::Send { index: index + 1 })
        }
        // 206 on the final chunk is not done.
        Event::ChunkStored { .. } | Event::AllStored { .. } | Event::ChunkUnclear => {
            here(Action::Ask)
        }
        Event::FileChanged { handed_over: false } if !claimed_early => {
            to(Phase::Abandoned, Action::Stop)
        }
        Event::UrlGone
        | Event::UrlExpired
        | Event::FileReplaced
        | Event::FileChanged { .. }
        | Event::SettingsChanged => here(Action::Prove),
        Event::ProvedIncomplete if claimed_early => to(Phase::Unresolved, Action::Stop),
        Event::ProvedIncomplete => to(Phase::Abandoned, Action::Again),
        // After an early claim, chunks follow only the one that was claimed to be the last.
        Event::Status(ReportedStatus::Processing { stored: Some(seen) })
            if claimed_early && seen <= stored && seen < chunks =>
        {
            here(Action::Prove)
        }
        // The read may lag: it tells what to send, not how this came about.
        Event::Status(ReportedStatus::Processing { stored: Some(seen) }) if seen < chunks => {
            here(Action::Send { index: seen })
        }
        Event::Status(ReportedStatus::Processing { stored: Some(_) }) if claimed_early => {
            here(Action::Ask)
        }
        Event::Status(ReportedStatus::Processing { stored: Some(_) }) => {
            to(Phase::Uploaded, Action::Ask)
        }
        // Published with chunks that were never sent: no documented meaning.
        Event::Status(ReportedStatus::Published | ReportedStatus::Inboxed) if claimed_early => {
            to(Phase::Unresolved, Action::Stop)
        }
        Event::Status(_) => processing(phase, event),
        _ => here(Action::Stop),
    }
}

/// Everything is with TikTok: only its word moves the attempt.
fn processing(phase: Phase, event: Event) -> Step {
    match event {
        Event::Status(ReportedStatus::Published) => to(Phase::Published, Action::Stop),
        Event::Status(ReportedStatus::Inboxed) => to(Phase::Inboxed, Action::Stop),
        Event::Status(ReportedStatus::Failed(failed)) => fail(failed),
        Event::Status(ReportedStatus::IdUnknown) => to(Phase::Unresolved, Action::Stop),
        _ => to(phase, Action::Ask),
    }
}

/// What was unknown: a later answer of TikTok settles it.
fn unresolved(event: Event) -> Step {
    match event {
        Event::Status(ReportedStatus::Published) => to(Phase::Published, Action::Stop),
        Event::Status(ReportedStatus::Inboxed) => to(Phase::Inboxed, Action::Stop),
        Event::Status(ReportedStatus::Failed(failed)) => to(Phase::Failed(failed), Action::Stop),
        _ => to(Phase::Unresolved, Action::Stop),
    }
}

fn fail(failed: Failed) -> Step {
    let action = if failed == Failed::Internal { Action::Again } else { Action::Stop };
    to(Phase::Failed(failed), action)
}

/// The next chunk, or the intent that must be durable before the final one.
fn send_from(chunks: u32, stored: u32) -> Action {
    if stored + 1 < chunks { Action::Send { index: stored } } else { Action::Intend }
}

#[cfg(test)]
mod tests;
