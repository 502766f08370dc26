//! The fault matrix, where the run itself is stopped: rows 51, 59 to 61, 65, 66, 68 and 78.

use jiff::SignedDuration;
use rustix::process::Signal;
use serde_json::json;
use tiktok_sandbox::{Account, Options};
use tiktok_up::testing::{Failed, Lock, Phase, refresh_lock};

use crate::world::{ADA, BEA, CHUNK, Running, World, sha256};

/// A run whose final chunk TikTok has, and the answer to it does not come.
fn in_the_final_put(world: &World) -> (String, Running) {
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    (manifest, run)
}

/// The same run after a signal that it has noticed.
fn asked_to_leave_in_the_final_put(world: &World, signal: Signal) -> (String, Running) {
    let (manifest, run) = in_the_final_put(world);
    run.signal(signal);
    world.wait_until("it says how to leave", |_| run.said("a second signal leaves"));
    (manifest, run)
}

/// A run that is in the middle of its second chunk of three.
fn in_the_second_chunk(world: &World) -> (String, Running) {
    world.hold("upload", 2, "middle");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("the second chunk is on its way", |world| {
        world.posts().last().is_some_and(|post| post.received > CHUNK)
    });
    (manifest, run)
}

#[test]
fn f51_killed_before_the_final_chunk() {
    let world = World::logged_in();
    world.hold("upload", 3, "before");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("the intent is durable", |world| {
        matches!(world.phases()[..], [Phase::FinalIntent { .. }])
    });
    run.kill();
    // What the sockets hold of the chunk may still arrive, or the run may not have got to send any.
    world.let_go();
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
    assert_eq!(world.posts()[0].sha256.as_deref(), Some(sha256(&world.path("long.mp4")).as_str()));
}

#[test]
fn f51_killed_in_the_final_chunk() {
    let world = World::logged_in();
    world.hold("upload", 3, "middle");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("some of it is there", |world| {
        world.posts().last().is_some_and(|post| post.received > 2 * CHUNK)
    });
    run.kill();
    assert!(matches!(world.phases()[..], [Phase::FinalIntent { .. }]));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f51_killed_after_the_final_chunk() {
    let world = World::logged_in();
    let (manifest, run) = in_the_final_put(&world);
    run.kill();
    world.wait_until("the cut chunk is logged", |world| world.calls("upload").len() == 3);
    assert!(matches!(world.phases()[..], [Phase::FinalIntent { .. }]));
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!((world.inits(), world.published(), world.calls("upload").len()), (1, 1, 3));
}

#[test]
fn f59_a_signal_before_the_final_chunk_keeps_what_is_stored() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::logged_in();
        let (manifest, run) = in_the_second_chunk(&world);
        run.signal(signal);
        run.end().exits(code).says("run the same command again");
        assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
        let publish_id = world.posts()[0].publish_id.clone();
        world.upload(&manifest).exits(0).says("going on at");
        assert_eq!(world.posts()[0].publish_id, publish_id);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f60_a_signal_in_the_final_put_waits_for_its_answer() {
    // It waits before it asks what became of the post, and the signal is heeded then.
    let world = World::logged_in().timing("poll_first=1h");
    let (manifest, run) = asked_to_leave_in_the_final_put(&world, Signal::TERM);
    world.let_go();
    run.end().exits(143);
    assert_eq!(world.phases(), [Phase::Uploaded]);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f60_and_leaves_when_none_comes() {
    let world = World::logged_in().timing("final_wait=200ms");
    let (manifest, run) = in_the_final_put(&world);
    run.signal(Signal::TERM);
    run.end().exits(143).says("pending");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f59_a_signal_before_anything_was_sent_sends_nothing() {
    for manifest in [World::short, World::pull, World::photos] {
        let world = World::logged_in();
        let manifest = manifest(&world);
        world.hold("creator_info", 1, "middle");
        let run = world.start_upload(&manifest);
        world.wait_until("it is on its way", |world| world.calls("creator_info").len() == 1);
        run.signal(Signal::TERM);
        // It does not even wait for an answer that it needs no more.
        world.wait_until("it leaves", |_| run.has_left());
        run.end().exits(143);
        world.let_go();
        assert_eq!(world.inits(), 0);
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f59_a_signal_during_the_init_starts_no_chunk() {
    let world = World::logged_in();
    let manifest = world.short();
    world.hold("video_init", 1, "after");
    let run = world.start_upload(&manifest);
    world.wait_until("TikTok has the init", |world| world.posts().len() == 1);
    run.signal(Signal::TERM);
    world.wait_until("the signal is heard", |_| run.is_at_rest());
    world.let_go();
    run.end().exits(143);
    assert!(world.calls("upload").is_empty());
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f61_a_second_signal_leaves_at_once() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::logged_in();
        let (manifest, run) = asked_to_leave_in_the_final_put(&world, signal);
        assert!(!run.has_left());
        run.signal(signal);
        world.wait_until("it leaves", |_| run.has_left());
        run.end().exits(code);
        assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
        world.upload(&manifest).exits(0);
        assert_eq!((world.inits(), world.published()), (1, 1));
    }
}

#[test]
fn f65_a_second_uploader_of_an_account_leaves_it_alone() {
    let world = World::logged_in();
    world.login(BEA);
    world.hold("upload", 1, "after");
    let manifest = world.short();
    let first = world.start_upload(&manifest);
    world.wait_until("the first one uploads", |world| world.published() == 1);
    world.video("b.mp4", 100_001);
    let both = world.path("both.json");
    let posts = json!([
        { "user_id": world.open_id(ADA), "video_path": "clip.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4" },
    ]);
    std::fs::write(&both, posts.to_string()).unwrap();
    let ran = world.upload(both.to_str().unwrap()).exits(5);
    ran.says("by process").says("1 published, 1 deferred");
    world.let_go();
    first.end().exits(0);
    assert_eq!((world.inits(), world.published()), (2, 2));
}

#[test]
fn f66_one_bad_post_does_not_stop_a_batch_of_fifty() {
    // As many accounts as it takes, at six inits a minute each.
    let people: Vec<_> = (0..9).map(|i| format!("@p{i}")).collect();
    let accounts = people.iter().map(|name| Account::new(name, name)).collect();
    let world = World::with(Options { accounts, ..Options::default() });
    for name in &people {
        world.login(name).exits(0);
    }
    let posts: Vec<_> = (0..50)
        .map(|i| {
            let (name, user) = (format!("{i}.mp4"), &people[i / 6]);
            world.video(&name, 100_000 + i as u64);
            json!({ "user_id": world.open_id(user), "video_path": name })
        })
        .collect();
    // The seventh.
    world.fault(&json!({ "endpoint": "video_init", "account": people[1], "do": { "outcome": {
        "status": "FAILED", "fail_reason": "picture_size_check_failed" } } }));
    let manifest = world.manifest(&json!(posts));
    let ran = world.run(&["upload", "--jobs", "3", &manifest]).exits(1);
    ran.says("6.mp4").says("49 published, 1 failed");
    assert_eq!((world.inits(), world.published()), (50, 49));
    let mut rows = world.posts_in_journal().unwrap();
    rows.retain(|row| row.phase == Some(Phase::Failed(Failed::Final)));
    assert_eq!(rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(), ["6.mp4"]);
}

#[test]
fn f68_a_laptop_that_slept_in_a_put_wakes_up_to_a_dead_url() {
    let world = World::logged_in();
    let (_, run) = in_the_second_chunk(&world);
    run.signal(Signal::STOP);
    world.sandbox.advance(SignedDuration::from_mins(61));
    world.let_go();
    run.signal(Signal::CONT);
    run.end().exits(0);
    assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
    assert_eq!(world.published(), 1);
}

#[test]
fn f78_two_accounts_renew_at_once_and_both_stay() {
    let mut world = World::logged_in();
    world.login(BEA);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let manifest = world.manifest(&json!([
        { "user_id": world.open_id(ADA), "video_path": "a.mp4" },
        { "user_id": world.open_id(BEA), "video_path": "b.mp4" },
    ]));
    world.advance(SignedDuration::from_hours(3));
    world.upload(&manifest).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 2);
    world.advance(SignedDuration::from_hours(3));
    world.run(&["refresh"]).exits(0);
    assert_eq!(world.calls("token_refresh").len(), 4);
    assert!(world.calls("token_refresh").iter().all(|call| call.status == Some(200)));
}

#[test]
fn f78_two_processes_renew_two_accounts_at_once_and_both_stay() {
    let mut world = World::logged_in();
    world.login(BEA);
    let manifests = [(ADA, "a"), (BEA, "b")].map(|(user, name)| {
        world.video(&format!("{name}.mp4"), 100_000);
        let post = json!([{ "user_id": world.open_id(user), "video_path": format!("{name}.mp4") }]);
        let path = world.path(&format!("{name}.json"));
        std::fs::write(&path, post.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    });
    world.advance(SignedDuration::from_hours(3));
    // The answers come together, so that both want to write the one store.
    world.fault(&json!({ "endpoint": "token_refresh", "times": 2,
        "do": { "stall": "1h", "when": "after" } }));
    let runs = manifests.map(|manifest| world.start_upload(&manifest));
    world.wait_until("TikTok has renewed both", |world| {
        world.sandbox.state().grants.iter().filter(|grant| grant.access_ends.is_some()).count() == 2
    });
    world.let_go();
    for run in runs {
        run.end().exits(0);
    }
    world.run(&["refresh", "--force"]).exits(0);
    assert!(world.calls("token_refresh").iter().all(|call| call.status == Some(200)));
    assert_eq!((world.calls("token_refresh").len(), world.published()), (4, 2));
}

#[test]
fn eight_uploaders_make_one_post() {
    let world = World::logged_in();
    let manifest = world.short();
    let runs: Vec<_> = (0..8).map(|_| world.start_upload(&manifest)).collect();
    let codes: Vec<_> = runs.into_iter().map(|run| run.end().code.unwrap()).collect();
    assert!(codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f59_a_signal_while_an_init_waits_for_another_token_leaves_the_post_as_it_is() {
    let world = World::logged_in();
    let manifest = world.short();
    let lock = refresh_lock(&world.home().join("home"), &world.open_id(ADA));
    // Somebody else is at a refresh: the renewal waits, and has spent nothing.
    let held = Lock::take(&lock).unwrap();
    world.refuse("video_init", 1, 1, "access_token_invalid");
    let run = world.start_upload(&manifest);
    world.wait_until("TikTok has refused the token", |world| world.inits() == 1);
    world.wait_until("it waits for another", |_| run.is_at_rest());
    run.signal(Signal::TERM);
    // It waits no longer: the lock is still held.
    run.end().exits(143).says("run the same command again");
    assert!(world.calls("token_refresh").is_empty());
    drop(held);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (2, 1));
}

#[test]
fn f59_a_dry_run_that_is_asked_to_stop_asks_tiktok_nothing_more() {
    let world = World::logged_in();
    world.login(BEA);
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let post = |user: &str, video| json!({ "user_id": world.open_id(user), "video_path": video });
    let manifest = world.manifest(&json!([post(ADA, "a.mp4"), post(BEA, "b.mp4")]));
    world.hold("creator_info", 1, "middle");
    let run = Running::of(world.command(&["upload", "--dry-run", &manifest]));
    world.wait_until("it asks", |world| world.calls("creator_info").len() == 1);
    run.signal(Signal::TERM);
    run.end().exits(143).never_says("coming minute");
    assert_eq!(world.calls("creator_info").len(), 1);
}

#[test]
fn f59_after_a_signal_no_file_is_read_to_find_out_which_post_it_is() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    world.upload(&world.one_post(ADA, "a.mp4")).exits(0);
    // Only its content tells that it was posted.
    std::fs::copy(world.path("a.mp4"), world.path("copy.mp4")).unwrap();
    let videos = ["b.mp4", "copy.mp4", "a.mp4"];
    let manifest = world.manifest(&json!(
        videos.map(|video| json!({ "user_id": world.open_id(ADA), "video_path": video }))
    ));
    world.hold("creator_info", 1, "middle");
    let run = Running::of(world.command(&["upload", "--json", &manifest]));
    world.wait_until("it is on its way", |world| world.calls("creator_info").len() == 2);
    run.signal(Signal::TERM);
    let mut posts = run.end().exits(143).json();
    posts.retain(|line| line["event"] == "post");
    posts.sort_by_key(|post| post["index"].as_u64());
    let states: Vec<_> = posts.iter().map(|post| post["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["deferred", "deferred", "skipped"]);
    world.let_go();
    world.upload(&manifest).exits(0).says("1 published, 2 skipped");
}

/// The signal may come while the question is being noted down, before it is asked.
#[test]
fn a_question_that_crosses_a_signal_is_not_waited_for_without_end() {
    for _ in 0..8 {
        let world = World::logged_in().timing("final_wait=200ms");
        world.hold("status", 1, "before");
        let manifest = world.short();
        let run = world.start_upload(&manifest);
        world.wait_until("the question is near", |world| {
            world.calls("upload").len() == 1 && world.phases() == [Phase::Uploaded]
        });
        run.signal(Signal::TERM);
        world.wait_until("it leaves", |_| run.has_left());
        run.end().exits(143);
        assert_eq!(world.phases(), [Phase::Uploaded]);
    }
}
