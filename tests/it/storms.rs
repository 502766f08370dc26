//! Many processes at once: overlapping cron runs must neither post twice nor spend a token twice.
//!
//! `TIKTOK_UP_STORMS` sets how often each storm is raised.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tiktok_up::testing::{Lock, refresh_lock};

use crate::stage::{Kind, Stage, number, say, storm, tidy};
use crate::world::{ADA, BEA, Ran, World};

/// Processes of a storm.
const AT_ONCE: usize = 8;

fn storms() -> u64 {
    number("TIKTOK_UP_STORMS", 10)
}

/// How often each exit code came.
fn tally(codes: &mut BTreeMap<Option<i32>, u64>, ran: &[Ran]) {
    for ran in ran {
        *codes.entry(ran.code).or_default() += 1;
    }
}

#[test]
fn eight_uploaders_with_one_manifest_make_one_post() {
    let mut stage = Stage::new();
    let (mut doubled, mut lost, mut codes) = (0, 0, BTreeMap::new());
    for nth in 0..storms() {
        let kind = if nth % 2 == 0 { Kind::OneChunk } else { Kind::ThreeChunks };
        let round = stage.round(kind);
        if nth % 3 == 2 {
            stage.advance(SignedDuration::from_hours(3));
        }
        let ran = storm((0..AT_ONCE).map(|_| stage.upload(&round)).collect());
        tally(&mut codes, &ran);
        let wrong = ran.iter().find(|ran| !matches!(ran.code, Some(0 | 5)));
        assert!(wrong.is_none(), "{wrong:#?}");
        assert!(ran.iter().any(|ran| ran.code == Some(0)), "nobody was done: {ran:#?}");
        let made = stage.made(&round).len();
        doubled += u64::from(made > 1);
        lost += u64::from(made == 0);
        stage.judge(&round, 0).unwrap();
        stage.end(round);
    }
    say(&format!(
        "upload storm: {} storms of {AT_ONCE}, {doubled} doubled, {lost} lost, exits {codes:?}",
        storms()
    ));
    assert_eq!((doubled, lost), (0, 0));
}

/// Raises refresh storms over these accounts and counts their rotations.
fn refresh_storm(name: &str, handles: &[&str]) {
    let mut world = World::new();
    for handle in handles {
        world.login(handle).exits(0);
    }
    let (mut rotations, mut refused) = (0, 0);
    for _ in 0..storms() {
        world.advance(SignedDuration::from_hours(3));
        let before = world.calls("token_refresh").len();
        let ran = storm((0..AT_ONCE).map(|_| world.command(&["refresh"])).collect());
        let wrong = ran.iter().find(|ran| ran.code != Some(0));
        assert!(wrong.is_none(), "{wrong:#?}");
        let calls = world.calls("token_refresh").split_off(before);
        assert_eq!(calls.len(), handles.len(), "{calls:#?}");
        rotations += calls.len();
        refused += calls.iter().filter(|call| call.code.is_some()).count();
        tidy(&world.home().join("home")).unwrap();
    }
    let expiries = storms() * handles.len() as u64;
    say(&format!(
        "refresh storm, {name}: {} storms of {AT_ONCE}, {expiries} expiries, {rotations} rotations, \
         {refused} refused",
        storms()
    ));
    assert_eq!(refused, 0);
}

#[test]
fn t15_eight_refreshes_of_one_account_rotate_once() {
    refresh_storm("one account", &[ADA]);
}

#[test]
fn f78_eight_refreshes_of_two_accounts_rotate_each_once() {
    refresh_storm("two accounts", &[ADA, BEA]);
}

#[test]
fn f15_nobody_refreshes_past_a_holder_who_never_lets_go() {
    let mut world = World::logged_in().timing("refresh_lock=100ms");
    let lock = refresh_lock(&world.home().join("home"), &world.open_id(ADA));
    let held = Lock::take(&lock).unwrap();
    // The token still lives, so it is used.
    let ran = storm((0..AT_ONCE).map(|_| world.command(&["refresh", "--force"])).collect());
    assert!(ran.iter().all(|ran| ran.code == Some(0)), "{ran:#?}");
    world.advance(SignedDuration::from_hours(3));
    let ran = storm((0..AT_ONCE).map(|_| world.command(&["refresh"])).collect());
    assert!(ran.iter().all(|ran| ran.code == Some(5)), "{ran:#?}");
    assert!(world.calls("token_refresh").is_empty());
    drop(held);
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 1);
}
