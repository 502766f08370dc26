//! What is sound shows nothing wrong.

use super::*;

/// Nothing may be wrong.
fn sound(transfer: Transfer, around: Environment) {
    let found = Model { transfer, around, rules: SOUND }.explore(|_| false);
    assert!(found.states > 100, "{found:?}");
    let wrong = Findings { states: 0, ..found };
    assert_eq!(wrong, Findings::default(), "{transfer:?} {around:?}");
}

#[test]
fn sound_a_file_as_the_engine_does_it() {
    sound(FILE, CALM);
}

#[test]
fn sound_a_forgotten_publish_id_is_for_a_human() {
    sound(FILE, Environment { forgetful: true, ..CALM });
}

#[test]
fn sound_before_the_final_intent_an_attempt_is_dropped_without_asking() {
    sound(FILE, Environment { hasty: true, ..CALM });
}

/// Without the final intent every ambiguity has to be settled by asking.
#[test]
fn sound_no_final_intent_while_status_is_truthful_and_reachable() {
    let rules = Rules { step: asking_instead_of_intent, ..SOUND };
    let found = Model { transfer: FILE, around: CALM, rules }.explore(|_| false);
    assert_eq!((found.double, found.lost, found.false_done), (0, 0, 0), "{found:?}");
    assert!(found.naked > 0);
}

/// The rules of a final intent from the first chunk on, under the name of an open upload.
fn asking_instead_of_intent(transfer: Transfer, phase: Phase, event: Event) -> Step {
    let Phase::Open { stored } = phase else { return step(transfer, phase, event) };
    if let Event::Intend = event {
        return Step { phase, ..step(transfer, phase, event) };
    }
    let mut next = step(transfer, Phase::FinalIntent { stored }, event);
    if let Phase::FinalIntent { stored } = next.phase {
        next.phase = Phase::Open { stored };
    }
    next
}

#[test]
fn sound_every_outcome_of_every_put() {
    sound(FILE, LOSSY);
}

#[test]
fn sound_own_proof() {
    sound(FILE, Environment { shifty: true, ..LOSSY });
}

#[test]
fn sound_another_file_in_place_of_the_planned_one() {
    sound(FILE, Environment { replaced: true, ..LOSSY });
    sound(FILE, Environment { replaced: true, lagging: true, forgetful: true, ..LOSSY });
}

#[test]
fn sound_own_proof_forgotten_ids_and_haste() {
    sound(FILE, Environment { shifty: true, forgetful: true, hasty: true, ..LOSSY });
}

#[test]
fn sound_a_lagging_status_with_the_margins_of_the_proof() {
    sound(FILE, Environment { lagging: true, ..LOSSY });
    sound(FILE, Environment { lagging: true, shifty: true, hasty: true, unsent: true, ..LOSSY });
}

#[test]
fn sound_one_chunk_and_three() {
    for chunks in [1, 3] {
        let around = Environment { shifty: true, forgetful: true, hasty: true, ..LOSSY };
        sound(Transfer::File { chunks }, around);
        sound(Transfer::File { chunks }, Environment { lagging: true, ..LOSSY });
    }
}

#[test]
fn sound_other_settings_and_an_address_of_somebody_else() {
    for around in [CALM, LOSSY, Environment { lagging: true, forgetful: true, ..LOSSY }] {
        let around = Environment { resettled: true, misdirected: true, ..around };
        sound(FILE, around);
        sound(Transfer::Pull, around);
    }
}

#[test]
fn sound_an_upload_that_is_closed_early() {
    for chunks in [2, 3] {
        sound(Transfer::File { chunks }, Environment { early: true, ..LOSSY });
    }
}

#[test]
fn sound_a_pull() {
    sound(Transfer::Pull, CALM);
}

#[test]
fn sound_a_pull_whose_unsent_init_is_repeated() {
    sound(Transfer::Pull, Environment { unsent: true, forgetful: true, ..CALM });
}
