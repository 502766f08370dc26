//! The real executable, killed at random moments and run again until it is done.
//!
//! `TIKTOK_UP_ROUNDS` sets the number of rounds, `TIKTOK_UP_SEED` the seed, which is printed.

use std::collections::HashMap;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::stage::{Kind, Stage, number, say};
use crate::world::Ran;

/// What the rounds came to.
#[derive(Debug, Default)]
struct Figures {
    rounds: u64,
    kills: u64,
    doubled: u64,
    lost: u64,
    unknown: u64,
    grants_lost: u64,
    wrong: Vec<String>,
}

#[test]
fn no_kill_doubles_or_loses_a_post_or_a_token() {
    let rounds = number("TIKTOK_UP_ROUNDS", 50);
    let seed = number("TIKTOK_UP_SEED", u64::from(std::process::id()));
    say(&format!("kill rounds: {rounds} rounds, seed {seed}"));
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stage = Stage::new();
    let mut figures = Figures::default();
    // How long an untouched run takes, so that kills fall all over it.
    let mut spans: HashMap<&str, Duration> = HashMap::new();
    for _ in 0..rounds {
        let kind = match rng.random_range(0..10) {
            0..4 => Kind::OneChunk,
            4..8 => Kind::ThreeChunks,
            8 => Kind::Pull,
            _ => Kind::Photos,
        };
        let span = spans.entry(name(kind)).or_insert(Duration::from_millis(400));
        one(&mut stage, kind, &mut rng, span, &mut figures);
    }
    say(&format!(
        "kill rounds: {} rounds, {} kills, {} doubled, {} lost, {} unknown (pull and photo inits), \
         {} grants lost between TikTok's rotation and the disk",
        figures.rounds,
        figures.kills,
        figures.doubled,
        figures.lost,
        figures.unknown,
        figures.grants_lost
    ));
    assert_eq!((figures.doubled, figures.lost), (0, 0), "{figures:#?}");
    assert!(figures.wrong.is_empty(), "{figures:#?}");
    assert!(figures.kills * 2 >= figures.rounds, "hardly anything was killed: {figures:?}");
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::OneChunk => "one chunk",
        Kind::ThreeChunks => "three chunks",
        Kind::Pull => "pull",
        Kind::Photos => "photos",
    }
}

fn one(
    stage: &mut Stage,
    kind: Kind,
    rng: &mut StdRng,
    span: &mut Duration,
    figures: &mut Figures,
) {
    figures.rounds += 1;
    let round = stage.round(kind);
    if rng.random_bool(0.3) {
        // The run begins with a refresh.
        stage.advance(SignedDuration::from_hours(3));
    }
    let before = stage.world.calls("token_refresh").len();
    for _ in 0..rng.random_range(1..=3) {
        let mut command = stage.upload(&round);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        sleep(span.mul_f64(rng.random_range(0.0..1.2)));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            figures.kills += 1;
        } else {
            *span = (*span + begun.elapsed()) / 2;
        }
    }
    let begun = Instant::now();
    let mut code = stage.settle(&round);
    *span = (*span * 3 + begun.elapsed()) / 4;
    if code == 3 {
        let mut calls = stage.world.calls("token_refresh").split_off(before).into_iter();
        // Only a rotation whose answer died with the process explains it.
        if calls.next().is_some_and(|call| call.code.is_none()) {
            figures.grants_lost += 1;
        } else {
            figures.lost += 1;
            figures.wrong.push(format!("{}: a login was lost without a rotation", round.caption));
        }
        stage.log_in_again(&round);
        code = stage.settle(&round);
    }
    let made = stage.made(&round).len();
    figures.doubled += u64::from(made > 1);
    figures.lost += u64::from(made == 0 && code != 6);
    figures.unknown += u64::from(code == 6);
    if let Err(what) = stage.judge(&round, code) {
        say(&format!("kill rounds: WRONG in {} ({kind:?}): {what}", round.caption));
        figures.wrong.push(what);
    }
    stage.end(round);
}

#[test]
fn a_post_that_is_done_stays_done_after_a_kill() {
    let mut stage = Stage::new();
    let round = stage.round(Kind::OneChunk);
    Ran::of(stage.upload(&round)).exits(0);
    for wait in [1, 20, 60] {
        let mut child = stage.upload(&round).stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    Ran::of(stage.upload(&round)).exits(0).says("already posted");
    assert_eq!((stage.made(&round).len(), stage.world.calls("video_init").len()), (1, 1));
}
