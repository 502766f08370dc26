//! What becomes of an upload when the database fails over under it, or does not confirm what it was told.

use serde_json::json;

use super::pair::Pair;
use crate::process::Running;
use crate::world::{ADA, CHUNK, Ran, World};

/// Bytes of a chunk of which the sockets do not take the half: what is killed in its middle never arrives.
const BIG: u64 = 24_000_000;

/// Two servers and a world with `@ada` logged in there.
fn there() -> Option<(Pair, World)> {
    let pair = Pair::start()?;
    let world = World::new().timing("lease=1s").in_database(pair.url());
    world.login(ADA).exits(0);
    Some((pair, world))
}

/// Runs again in peace until there is nothing more to do.
#[track_caller]
fn settle(pair: &Pair, world: &World, manifest: &str) {
    let mut ran: Vec<Ran> = Vec::new();
    while ran.last().is_none_or(|last| last.code != Some(0)) {
        assert!(ran.len() < 5, "it never ends: {ran:#?}");
        pair.wait_until(super::NO_LEASE);
        ran.push(world.upload(manifest));
    }
}

/// The phase of the last attempt at the first post.
fn phase(pair: &Pair) -> String {
    let statement =
        "SELECT phase FROM tiktok_up.attempts WHERE post = 1 ORDER BY number DESC LIMIT 1";
    pair.sql(statement)[0][0].clone()
}

/// Waits for a commit that waits for the standby, and ends its waiting as an administrator may.
fn cancel_wait(pair: &Pair) {
    pair.wait_until(
        "coalesce(bool_or(pg_cancel_backend(pid)), false) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep'",
    );
}

/// The moments of an upload in three chunks: what TikTok is asked when the primary is lost.
const MOMENTS: [(&str, u64, &str); 5] = [
    ("video_init", 1, "middle"),
    ("upload", 1, "middle"),
    ("upload", 3, "middle"),
    ("upload", 3, "after"),
    ("status", 1, "middle"),
];

/// Loses the primary in each of these moments, and gets it or the other server back.
fn outlives(lose: impl Fn(&mut Pair)) {
    let Some((mut pair, mut world)) = there() else { return };
    for (nth, (endpoint, call, when)) in MOMENTS.into_iter().enumerate() {
        let name = format!("{nth}.mp4");
        world.video(&name, 3 * CHUNK + 1000);
        let manifest = world.one_post(ADA, &name);
        let seen = world.calls(endpoint).len();
        world.hold(endpoint, call, when);
        let run = world.start_upload(&manifest);
        world.wait_until("the call is on its way", |world| match (endpoint, when) {
            // A chunk is in the list once it is answered.
            ("upload", "middle") => {
                let posts = world.posts();
                let begun = posts.get(nth).map_or(0, |post| post.received);
                begun > (call - 1) * CHUNK
            }
            ("upload", _) => world.posts().get(nth).is_some_and(|post| post.sha256.is_some()),
            _ => world.calls(endpoint).len() > seen,
        });
        lose(&mut pair);
        world.let_go();
        let ran = run.end();
        assert!(matches!(ran.code, Some(0 | 5)), "{endpoint} {call} {when}: {ran:#?}");
        settle(&pair, &world, &manifest);
        assert_eq!(world.published(), nth + 1, "{endpoint} {call} {when}: {ran:#?}");
        // Past the minute in which TikTok counts inits.
        world.advance(jiff::SignedDuration::from_secs(61));
    }
}

#[test]
fn an_upload_outlives_a_failover_at_any_moment() {
    outlives(|pair| {
        let before = pair.timeline();
        pair.fail_over();
        pair.follow();
        assert_ne!(pair.timeline(), before);
    });
}

#[test]
fn an_upload_outlives_a_crash_of_the_server_at_any_moment() {
    outlives(|pair| {
        pair.crash();
        pair.recover();
    });
}

#[test]
fn nothing_new_begins_on_a_new_timeline_before_what_was_open_is_settled() {
    let Some((mut pair, world)) = there() else { return };
    world.video("long.mp4", 2 * BIG + 1000);
    world.video("next.mp4", 100_000);
    let entry = |video: &str| json!({ "user_id": world.open_id(ADA), "video_path": video, "privacy_level": "SELF_ONLY" });
    let both = world.manifest(&json!([entry("next.mp4"), entry("long.mp4")]));
    let long = world.file("long.json", json!([entry("long.mp4")]).to_string());
    let next = world.file("next.json", json!([entry("next.mp4")]).to_string());
    let chunk = BIG.to_string();
    world.hold("upload", 2, "middle");
    let in_two = ["upload", "--chunk-size", &chunk, long.to_str().unwrap()];
    let run = Running::of(world.command(&in_two));
    world.wait_until("the last chunk is on its way", |world| {
        world.posts().first().is_some_and(|post| post.received > BIG)
    });
    // In the last chunk, of which TikTok never gets the rest; its status does not tell.
    run.kill();
    world.let_go();
    assert_eq!(phase(&pair), "final-intent", "it was confirmed before the last chunk was sent");
    let before = pair.timeline();
    pair.fail_over();
    pair.follow();
    assert_ne!(pair.timeline(), before);
    assert_eq!(phase(&pair), "final-intent", "and is there after the failover");
    pair.wait_until(super::NO_LEASE);
    world.upload(next.to_str().unwrap()).exits(5).says("failed over");
    assert_eq!((world.inits(), world.published()), (1, 0));
    settle(&pair, &world, &both);
    assert_eq!((world.inits(), world.published()), (2, 2));
}

#[test]
fn a_commit_whose_wait_was_cancelled_is_followed_by_no_call() {
    let Some((pair, world)) = there() else { return };
    let manifest = world.long();
    pair.standby_goes();
    let run = world.start_upload(&manifest);
    cancel_wait(&pair);
    run.end().exits(5).says("did not acknowledge");
    assert_eq!(world.inits(), 0);
    pair.standby_comes();

    // The same of the intent to send the last chunk: everybody sees it, and it counts for nothing.
    world.hold("upload", 2, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().first().is_some_and(|post| post.received > CHUNK)
    });
    pair.standby_goes();
    world.let_go();
    cancel_wait(&pair);
    run.end().exits(5).says("did not acknowledge");
    assert_eq!(phase(&pair), "final-intent");
    assert_eq!(world.calls("upload").len(), 2, "the last chunk was sent");
    pair.standby_comes();
    settle(&pair, &world, &manifest);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn an_intent_that_a_failover_forgets_was_followed_by_no_chunk() {
    let Some((mut pair, world)) = there() else { return };
    let manifest = world.long();
    world.hold("upload", 2, "middle");
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().first().is_some_and(|post| post.received > CHUNK)
    });
    pair.deafen_standby();
    world.let_go();
    pair.wait_until("count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    pair.fail_over_deaf();
    pair.follow();
    let ran = run.end().exits(5);
    assert_eq!(phase(&pair), "open", "the new primary had never heard of it: {ran:#?}");
    assert_eq!(world.calls("upload").len(), 2, "the last chunk was sent");
    settle(&pair, &world, &manifest);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

/// Whoever has waited long enough gives up, and the server does not end the wait by itself.
#[test]
#[ignore = "it takes the half minute that a commit is waited for"]
fn a_standby_that_stays_away_ends_a_run_and_no_more() {
    let Some((pair, world)) = there() else { return };
    let manifest = world.long();
    pair.standby_goes();
    let run = world.start_upload(&manifest);
    crate::process::eventually("a commit that waits", || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        (pair.sql(waits) != [["0"]]).then_some(())
    });
    run.end().exits(5);
    assert_eq!(world.inits(), 0);
    pair.standby_comes();
    settle(&pair, &world, &manifest);
    assert_eq!((world.inits(), world.published()), (1, 1));
}
