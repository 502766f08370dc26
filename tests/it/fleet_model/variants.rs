//! The variants of a fleet: with the rules nothing is wrong, and without any one of them something is.

use std::time::Instant;

use tiktok_up::testing::{Action, Failed, Step};

use super::explore::Findings;
use super::rules::{FILE, PULL, SOUND, step_believing_in_forgotten_ids, step_without_final_intent};
use super::*;

/// Rules in surroundings.
struct Variant {
    name: &'static str,
    around: Around,
    rules: Rules,
}

const ONE_CHUNK: Around = Around { transfer: Transfer::File { chunks: 1 }, ..FILE };

/// TikTok tells as little as it may.
const fn vague(around: Around) -> Around {
    Around { forgetful: true, lagging: true, ..around }
}

/// The database may fail over.
const fn failing(around: Around) -> Around {
    Around { failovers: 1, ..around }
}

/// And waits for its standby may be cancelled.
const fn cancelling(around: Around) -> Around {
    Around { cancelled_waits: true, ..failing(around) }
}

/// No file is seen to change, so that no worker knows by itself that the last block was not handed over.
const fn trusting(around: Around) -> Around {
    Around { shifty: false, ..around }
}

/// A person is asked once all workers are dead.
const PERSON: Rules = Rules { not_posted: NotPosted::AllDead, ..SOUND };

/// No commit is waited for.
const ASYNCHRONOUS: Rules =
    Rules { sync_take_over: false, sync_final_intent: false, sync_init_intent: false, ..PERSON };

/// None but a final intent, and none but the intent of a pull's init.
const FINAL_INTENT: Rules = Rules { sync_final_intent: true, ..ASYNCHRONOUS };
const INIT_INTENT: Rules = Rules { sync_init_intent: true, ..ASYNCHRONOUS };

const fn variant(name: &'static str, around: Around, rules: Rules) -> Variant {
    Variant { name, around, rules }
}

/// Nothing may be wrong with these.
const SOUND_VARIANTS: [Variant; 23] = [
    variant("phase and epoch", FILE, SOUND),
    variant("phase and epoch, forgotten ids", Around { forgetful: true, ..FILE }, SOUND),
    variant("phase and epoch, lagging status", Around { lagging: true, ..FILE }, SOUND),
    variant("phase and epoch, one chunk", ONE_CHUNK, SOUND),
    variant("phase and epoch, a person by rule 5", vague(FILE), PERSON),
    variant("one chunk, a person by rule 5", vague(ONE_CHUNK), PERSON),
    variant("pull", vague(PULL), SOUND),
    variant("pull, a person by rule 5", vague(PULL), PERSON),
    // Nobody else writes meanwhile, save a person, who waits until all workers are dead.
    variant("epoch without phase", vague(FILE), Rules { guard: Guard::Epoch, ..PERSON }),
    variant("failover", failing(vague(FILE)), PERSON),
    variant("failover, one chunk", failing(vague(ONE_CHUNK)), PERSON),
    variant("failover, cancelled waits", cancelling(vague(FILE)), PERSON),
    variant("failover, cancelled waits, one chunk", cancelling(vague(ONE_CHUNK)), PERSON),
    variant("failover, only the final intent waits", failing(trusting(FILE)), FINAL_INTENT),
    variant("the same with one chunk", failing(trusting(ONE_CHUNK)), FINAL_INTENT),
    variant("failover, all but inits wait", cancelling(FILE), {
        Rules { sync_init_intent: false, ..PERSON }
    }),
    // A take-over that is durable is counted only once.
    variant("failover, counted epochs", failing(FILE), Rules { unique_epochs: false, ..PERSON }),
    variant("pull, failover", failing(vague(PULL)), PERSON),
    variant("pull, failover, only the init's intent waits", failing(vague(PULL)), INIT_INTENT),
    variant("the same with cancelled waits", cancelling(vague(PULL)), INIT_INTENT),
    variant("failover, nothing waits, but a person looks", failing(FILE), {
        Rules { person_after_failover: true, ..ASYNCHRONOUS }
    }),
    variant("the same with one chunk", failing(ONE_CHUNK), {
        Rules { person_after_failover: true, ..ASYNCHRONOUS }
    }),
    variant("the same of a pull", failing(vague(PULL)), {
        Rules { person_after_failover: true, ..ASYNCHRONOUS }
    }),
];

/// Each of these posts twice.
const UNSOUND_VARIANTS: [Variant; 24] = [
    // Rule 1.
    variant("phase without epoch", FILE, Rules { guard: Guard::Phase, ..SOUND }),
    variant("lease looked at before each call", FILE, {
        Rules { guard: Guard::LeaseBeforeCalls, ..SOUND }
    }),
    variant("no final intent", FILE, Rules { step: step_without_final_intent, ..SOUND }),
    variant("failover, only final intents wait, counted epochs", failing(trusting(ONE_CHUNK)), {
        Rules { unique_epochs: false, ..FINAL_INTENT }
    }),
    // Rule 2.
    variant("failover, nothing waits", failing(FILE), ASYNCHRONOUS),
    variant("the same with one chunk", failing(ONE_CHUNK), ASYNCHRONOUS),
    variant("failover, all but the final intent wait", failing(FILE), {
        Rules { sync_final_intent: false, ..PERSON }
    }),
    // A worker whose epoch has come back gives up what another has sent: it has its own proof that the last
    // block was withheld.
    variant("failover, all but take-overs wait", failing(FILE), FINAL_INTENT),
    variant("the same with one chunk", failing(ONE_CHUNK), FINAL_INTENT),
    // Another one sees a final intent that a failover then loses, and sends the last chunk.
    variant("cancelled waits, all but take-overs wait", cancelling(trusting(FILE)), FINAL_INTENT),
    variant("the same with one chunk", cancelling(trusting(ONE_CHUNK)), FINAL_INTENT),
    variant("pull, failover, nothing waits", failing(PULL), ASYNCHRONOUS),
    variant("pull, failover, only take-overs wait", failing(PULL), {
        Rules { sync_init_intent: false, ..PERSON }
    }),
    // Rule 3.
    variant("calls after commits in doubt", FILE, Rules { heeds_doubt: false, ..SOUND }),
    variant("calls after commits in doubt, one chunk", ONE_CHUNK, {
        Rules { heeds_doubt: false, ..SOUND }
    }),
    variant("calls after cancelled waits", cancelling(ONE_CHUNK), {
        Rules { heeds_doubt: false, ..SOUND }
    }),
    variant("pull, calls after cancelled waits", cancelling(PULL), {
        Rules { heeds_doubt: false, ..SOUND }
    }),
    // Rule 4 is what the last sound variants have and the first ones of rule 2 lack. It needs rule 5.
    variant("nothing waits, a person looks while workers live", failing(ONE_CHUNK), {
        Rules { not_posted: NotPosted::AnyTime, person_after_failover: true, ..ASYNCHRONOUS }
    }),
    // Rule 5.
    variant("a person at any time", Around { forgetful: true, ..FILE }, {
        Rules { not_posted: NotPosted::AnyTime, ..SOUND }
    }),
    variant("a person once the last worker is dead", Around { forgetful: true, ..FILE }, {
        Rules { not_posted: NotPosted::HolderDead, ..SOUND }
    }),
    variant("one chunk, a person at any time", Around { forgetful: true, ..ONE_CHUNK }, {
        Rules { not_posted: NotPosted::AnyTime, ..SOUND }
    }),
    variant("pull, a person at any time", PULL, {
        Rules { not_posted: NotPosted::AnyTime, ..SOUND }
    }),
    variant("pull, a person once the last worker is dead", PULL, {
        Rules { not_posted: NotPosted::HolderDead, ..SOUND }
    }),
    variant("pull, failover, a person at any time", failing(PULL), {
        Rules { not_posted: NotPosted::AnyTime, ..SOUND }
    }),
];

impl Variant {
    /// Explores it, and says what that came to.
    fn explore(&self, until: Option<Wrong>) -> (Findings, String) {
        let &Self { name, around, rules } = self;
        let begun = Instant::now();
        let found = Model { around, rules, tidies: true }.explore(until);
        let counts = [Wrong::Doubled, Wrong::Lost, Wrong::False, Wrong::Stuck]
            .map(|wrong| format!("{wrong:?} {}", found.count(wrong)).to_lowercase());
        let (states, counts, took) = (found.states, counts.join(", "), begun.elapsed());
        let line = format!("{states:>9} states: {counts} ({took:.1?}), {name}");
        (found, line)
    }

    /// With other surroundings.
    fn within(&self, around: Around) -> Self {
        Self { around, ..*self }
    }
}

/// The line of a variant with which nothing is wrong, though both workers are at it, and post.
fn sound(variant: &Variant) -> String {
    let (found, line) = variant.explore(None);
    let traces = found.faults.iter().map(|fault| &*fault.trace).collect::<Vec<_>>();
    assert!(traces.is_empty(), "{line}\n{}", traces.join("\n"));
    assert!(found.both > 0 && found.posted > 0, "{line}: {found:?}");
    line
}

/// The line of a variant that posts twice, and the shortest way there.
fn unsound(variant: &Variant, until: Option<Wrong>) -> String {
    let (found, line) = variant.explore(until);
    let doubled = found.fault(Wrong::Doubled);
    let doubled = doubled.unwrap_or_else(|| panic!("the model has lost its teeth: {line}"));
    format!("{line}\n{}", doubled.trace)
}

#[test]
fn nothing_is_wrong_with_the_rules() {
    for variant in &SOUND_VARIANTS {
        println!("{}", sound(variant));
    }
}

#[test]
fn without_any_one_of_the_rules_a_post_is_doubled() {
    for variant in &UNSOUND_VARIANTS {
        println!("{}", unsound(variant, Some(Wrong::Doubled)));
    }
}

/// The first exploration ends at the first double. All states that are wrong are counted here, and more is
/// tried with the rules: three attempts, three chunks, three failovers.
#[test]
#[ignore = "for some minutes; see `just fleet-model`"]
fn the_same_with_larger_bounds() {
    for variant in &UNSOUND_VARIANTS {
        println!("{}", unsound(variant, None));
    }
    for variant in &SOUND_VARIANTS {
        let Around { transfer, failovers, .. } = variant.around;
        let transfer = match transfer {
            Transfer::File { chunks: 2 } => Transfer::File { chunks: 3 },
            other => other,
        };
        let failovers = if failovers > 0 { 3 } else { 0 };
        let around = Around { transfer, failovers, attempts: 3, ..variant.around };
        println!("{}", sound(&variant.within(around)));
    }
}

/// A worker that does not ask what became of the last chunk of another leaves the post behind.
#[test]
fn a_post_that_nobody_asks_after_is_stuck() {
    fn resume_before_the_final_intent(transfer: Transfer, phase: Phase) -> Step {
        match phase {
            Phase::FinalIntent { .. } => Step { phase, action: Action::Stop },
            _ => resume(transfer, phase),
        }
    }
    let rules = Rules { resume: resume_before_the_final_intent, ..SOUND };
    let (found, line) = variant("nobody asks", FILE, rules).explore(Some(Wrong::Stuck));
    assert!(found.count(Wrong::Stuck) > 0, "{line}");
}

/// A worker that takes a forgotten id for a post tells what is not so.
#[test]
fn a_post_that_is_believed_in_is_told_falsely() {
    let rules = Rules { step: step_believing_in_forgotten_ids, ..SOUND };
    let (found, line) = variant("believes", vague(FILE), rules).explore(Some(Wrong::False));
    assert!(found.count(Wrong::False) > 0, "{line}");
}

/// What is left out of the states, so that there are fewer, makes no difference.
#[test]
fn the_verdict_is_that_of_all_states() {
    let some = [
        variant("sound", vague(FILE), PERSON),
        variant("pull, failover", cancelling(vague(PULL)), PERSON),
        variant("phase without epoch", FILE, Rules { guard: Guard::Phase, ..SOUND }),
        variant("no final intent", FILE, Rules { step: step_without_final_intent, ..SOUND }),
        variant("pull, a person", PULL, Rules { not_posted: NotPosted::HolderDead, ..SOUND }),
        variant("failover, all but take-overs wait", failing(ONE_CHUNK), FINAL_INTENT),
    ];
    for variant in &some {
        println!("{}", alike(variant));
    }
}

#[test]
#[ignore = "for a minute; see `just fleet-model`"]
fn the_verdict_is_that_of_all_states_of_every_variant() {
    for variant in SOUND_VARIANTS.iter().chain(&UNSOUND_VARIANTS) {
        println!("{}", alike(variant));
    }
}

/// The line of a variant of which all states show what those show that are told apart otherwise: a double after
/// as many steps, or nothing.
fn alike(variant: &Variant) -> String {
    let &Variant { name, around, rules } = variant;
    let [tidy, all] =
        [true, false].map(|tidies| Model { around, rules, tidies }.explore(Some(Wrong::Doubled)));
    let line = format!("{} of {} states: {name}", tidy.states, all.states);
    let steps = |found: &Findings| {
        let doubled = found.fault(Wrong::Doubled);
        doubled.map(|fault| fault.trace.lines().count())
    };
    assert_eq!(steps(&tidy), steps(&all), "{line}");
    assert_eq!(tidy.faults.is_empty(), all.faults.is_empty(), "{line}");
    line
}

/// Each phase that a post of a file can be in is reached, so that nothing is sound for want of trying.
#[test]
fn every_phase_is_reached() {
    let (found, _) = variant("all", failing(vague(FILE)), PERSON).explore(None);
    let phases = [
        Phase::InitIntent,
        Phase::Open { stored: 0 },
        Phase::Open { stored: 1 },
        Phase::FinalIntent { stored: 1 },
        Phase::Uploaded,
        Phase::Rejected,
        Phase::Lost,
        Phase::Abandoned,
        Phase::Failed(Failed::Internal),
        Phase::Failed(Failed::Final),
        Phase::Published,
        Phase::Unresolved,
    ];
    assert_eq!(found.phases, phases);
}
