//! The rules that a fleet keeps, each of which can be switched off, and what surrounds it.

use tiktok_up::testing::{Event, Phase, ReportedStatus, Step};

use super::{Transfer, resume, step};

/// What a worker's write is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// The record's phase is the one that the worker knows, and nobody has taken the post over since.
    PhaseAndEpoch,
    /// The record's phase is the one that the worker knows.
    Phase,
    /// Nobody has taken the post over since.
    Epoch,
    /// Nothing; but before each call the worker looks whether it still has the lease.
    LeaseBeforeCalls,
}

/// When a person's word that a post was not made is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotPosted {
    /// Nobody asks anybody.
    Never,
    /// As soon as the post is unresolved.
    AnyTime,
    /// Once the worker is dead that took the post over last.
    HolderDead,
    /// Once all workers are dead that have ever taken it over.
    AllDead,
}

/// What a fleet does.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub(super) struct Rules {
    /// Rule 1: what each write is held against.
    pub(super) guard: Guard,
    /// Rule 1: no two take-overs ever have the same epoch, a failover between them or not. Otherwise it is
    /// the record's epoch plus one.
    pub(super) unique_epochs: bool,
    /// Rule 2: a take-over is a synchronous commit.
    pub(super) sync_take_over: bool,
    /// Rule 2: a final intent is one.
    pub(super) sync_final_intent: bool,
    /// Rule 2: the intent of a pull's init is one.
    pub(super) sync_init_intent: bool,
    /// Rule 3: no call follows a commit that was not acknowledged cleanly.
    pub(super) heeds_doubt: bool,
    /// Rule 4, as far as it is one for a single post: after a failover, whoever had the post loses it, and
    /// if it is not recorded as made, a person looks before anything is sent.
    pub(super) person_after_failover: bool,
    /// Rule 5: when `resolve --not-posted` is taken.
    pub(super) not_posted: NotPosted,
    /// What an event makes of an attempt.
    pub(super) step: fn(Transfer, Phase, Event) -> Step,
    /// What to do with an attempt that was taken over.
    pub(super) resume: fn(Transfer, Phase) -> Step,
}

/// What a fleet is up against.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a dimension of its own")]
pub(super) struct Around {
    /// How the content reaches TikTok.
    pub(super) transfer: Transfer,
    /// How many attempts are explored.
    pub(super) attempts: usize,
    /// The file may be seen to change before the last block of the last chunk, which is then withheld.
    pub(super) shifty: bool,
    /// TikTok may forget a `publish_id`.
    pub(super) forgetful: bool,
    /// A status may be one of before.
    pub(super) lagging: bool,
    /// How often the database may be replaced by a standby.
    pub(super) failovers: u8,
    /// The wait for the standby may be cancelled: others see such a commit, and a failover loses it.
    pub(super) cancelled_waits: bool,
}

/// Rules 1 to 3 and the program's own state machine. As nobody is asked, there is nothing to wait for by rule 5;
/// rule 4 is for a database that keeps less than rule 2 asks for.
pub(super) const SOUND: Rules = Rules {
    guard: Guard::PhaseAndEpoch,
    unique_epochs: true,
    sync_take_over: true,
    sync_final_intent: true,
    sync_init_intent: true,
    heeds_doubt: true,
    person_after_failover: false,
    not_posted: NotPosted::Never,
    step,
    resume,
};

/// A file of two chunks, and a database that stays.
pub(super) const FILE: Around = Around {
    transfer: Transfer::File { chunks: 2 },
    attempts: 2,
    shifty: true,
    forgetful: false,
    lagging: false,
    failovers: 0,
    cancelled_waits: false,
};

/// The same without chunks.
pub(super) const PULL: Around = Around { transfer: Transfer::Pull, ..FILE };

/// The final chunk is sent without a record of the intent.
pub(super) fn step_without_final_intent(transfer: Transfer, phase: Phase, event: Event) -> Step {
    let next = step(transfer, phase, event);
    match (phase, event) {
        (Phase::Open { .. }, Event::Intend) => Step { phase, ..next },
        // The final chunk was sent from here.
        (
            Phase::Open { stored },
            Event::AllStored { .. } | Event::Status(ReportedStatus::Published),
        ) => step(transfer, Phase::FinalIntent { stored }, event),
        _ => next,
    }
}

/// An id that TikTok does not know is taken for one of a post.
pub(super) fn step_believing_in_forgotten_ids(
    transfer: Transfer,
    phase: Phase,
    event: Event,
) -> Step {
    let event = match event {
        Event::Status(ReportedStatus::IdUnknown) => Event::Status(ReportedStatus::Published),
        other => other,
    };
    step(transfer, phase, event)
}
