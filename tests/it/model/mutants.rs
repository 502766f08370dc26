//! Every mutant of the rules shows something wrong.

use super::*;

const AGAIN: Step = Step { phase: Phase::Abandoned, action: Action::Again };

/// Something must be wrong: a double.
fn mutant(transfer: Transfer, around: Environment, rules: Rules) {
    wrong(transfer, around, rules, |found| found.double > 0);
}

fn wrong(transfer: Transfer, around: Environment, rules: Rules, what: fn(&Findings) -> bool) {
    let found = Model { transfer, around, rules }.explore(what);
    assert!(what(&found), "the model has lost its teeth: {found:?}");
}

#[test]
fn mutant_no_final_intent_and_no_asking_before_giving_up() {
    fn step_without(transfer: Transfer, phase: Phase, event: Event) -> Step {
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
    let around = Environment { hasty: true, ..CALM };
    mutant(FILE, around, Rules { step: step_without, ..SOUND });
}

#[test]
fn mutant_new_init_when_the_final_put_is_ambiguous() {
    fn ambiguous(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (Phase::FinalIntent { .. }, Event::ChunkUnclear) => AGAIN,
            _ => step(transfer, phase, event),
        }
    }
    mutant(FILE, CALM, Rules { step: ambiguous, ..SOUND });
}

#[test]
fn mutant_an_expired_token_while_polling_restarts_the_post() {
    mutant(FILE, CALM, Rules { unauthorized: |_| AGAIN, ..SOUND });
    mutant(Transfer::Pull, CALM, Rules { unauthorized: |_| AGAIN, ..SOUND });
}

#[test]
fn mutant_other_settings_or_a_bad_address_restart_a_post_that_may_exist() {
    fn restart(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (
                Phase::FinalIntent { .. } | Phase::Uploaded,
                Event::SettingsChanged | Event::BadUploadUrl,
            ) => AGAIN,
            _ => step(transfer, phase, event),
        }
    }
    let rules = Rules { step: restart, ..SOUND };
    mutant(FILE, Environment { resettled: true, ..CALM }, rules);
    mutant(FILE, Environment { misdirected: true, lagging: true, ..LOSSY }, rules);
}

#[test]
fn mutant_expiry_alone_means_abandon() {
    fn expiry(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (Phase::FinalIntent { .. }, Event::UrlGone | Event::UrlExpired) => AGAIN,
            _ => step(transfer, phase, event),
        }
    }
    mutant(FILE, Environment { hasty: true, ..LOSSY }, Rules { step: expiry, ..SOUND });
}

#[test]
fn mutant_publish_id_saved_only_after_the_upload() {
    let late = |phase: Phase| !phase.needs_url();
    mutant(FILE, CALM, Rules { records: late, ..SOUND });
}

#[test]
fn mutant_a_lagging_status_without_margins() {
    let around = Environment { lagging: true, marginless: true, ..LOSSY };
    mutant(FILE, around, SOUND);
}

#[test]
fn mutant_a_pull_whose_init_is_repeated() {
    fn repeat(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (Phase::InitIntent, Event::InitUnclear) => AGAIN,
            _ => step(transfer, phase, event),
        }
    }
    fn wake(transfer: Transfer, phase: Phase) -> Step {
        if phase == Phase::InitIntent { AGAIN } else { resume(transfer, phase) }
    }
    mutant(Transfer::Pull, CALM, Rules { step: repeat, ..SOUND });
    mutant(Transfer::Pull, CALM, Rules { resume: wake, ..SOUND });
}

#[test]
fn mutant_abandon_after_the_final_intent_without_any_proof() {
    fn wake(transfer: Transfer, phase: Phase) -> Step {
        if matches!(phase, Phase::FinalIntent { .. }) { AGAIN } else { resume(transfer, phase) }
    }
    mutant(FILE, CALM, Rules { resume: wake, ..SOUND });
}

#[test]
fn mutant_unresolved_is_posted_again() {
    fn wake(transfer: Transfer, phase: Phase) -> Step {
        match phase {
            Phase::Unresolved => Step { phase, action: Action::Again },
            _ => resume(transfer, phase),
        }
    }
    let rules = Rules {
        resume: wake,
        is_dead: |phase| phase.is_dead() || phase == Phase::Unresolved,
        ..SOUND
    };
    mutant(FILE, Environment { forgetful: true, ..CALM }, rules);
    mutant(Transfer::Pull, CALM, rules);
}

/// A status that lags behind makes the run send the final chunk once more, and then the file changes.
#[test]
fn mutant_own_proof_although_the_final_chunk_was_handed_over() {
    fn careless(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match event {
            Event::FileChanged { .. } => {
                step(transfer, phase, Event::FileChanged { handed_over: false })
            }
            _ => step(transfer, phase, event),
        }
    }
    let around = Environment { lagging: true, shifty: true, ..LOSSY };
    mutant(FILE, around, Rules { step: careless, ..SOUND });
}

#[test]
fn mutant_a_new_attempt_whatever_became_of_the_earlier_ones() {
    fn always(transfer: Transfer, phase: Phase) -> Step {
        let step = resume(transfer, phase);
        if phase.is_done() { step } else { Step { action: Action::Again, ..step } }
    }
    mutant(FILE, CALM, Rules { resume: always, is_dead: |_| true, ..SOUND });
}

#[test]
fn mutant_an_early_201_is_taken_for_the_final_one() {
    fn trusting(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (Phase::Open { .. }, Event::AllStored { index }) => {
                Step { phase: Phase::FinalIntent { stored: index + 1 }, action: Action::Ask }
            }
            _ => step(transfer, phase, event),
        }
    }
    let around = Environment { early: true, ..LOSSY };
    wrong(FILE, around, Rules { step: trusting, ..SOUND }, |found| found.cut_short > 0);
}

#[test]
fn mutant_a_lagging_status_takes_stored_chunks_back() {
    fn believing(transfer: Transfer, phase: Phase, event: Event) -> Step {
        let next = step(transfer, phase, event);
        match (next.phase, event) {
            (
                Phase::FinalIntent { .. },
                Event::Status(ReportedStatus::Processing { stored: Some(stored) }),
            ) => Step { phase: Phase::FinalIntent { stored }, ..next },
            _ => next,
        }
    }
    let around = Environment { lagging: true, ..LOSSY };
    wrong(FILE, around, Rules { step: believing, ..SOUND }, |found| found.needless > 0);
}

#[test]
fn mutant_nobody_asks_once_the_file_is_replaced() {
    fn stopping(transfer: Transfer, phase: Phase, event: Event) -> Step {
        match (phase, event) {
            (Phase::FinalIntent { .. }, Event::FileReplaced) => {
                Step { phase, action: Action::Stop }
            }
            _ => step(transfer, phase, event),
        }
    }
    let around = Environment { replaced: true, ..LOSSY };
    wrong(FILE, around, Rules { step: stopping, ..SOUND }, |found| found.trapped > 0);
}
