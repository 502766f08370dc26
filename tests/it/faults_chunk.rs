//! The fault matrix, while chunks travel: rows 37 to 47 and 57.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tiktok_sandbox::{Options, Resend};
use tiktok_up::testing::Phase;

use crate::world::{ADA, CHUNK, World, sha256};

const SIZE: u64 = 3 * CHUNK + 1000;

/// A fault at the n-th chunk that is sent.
fn at_chunk(world: &World, nth: u64, fault: &Value) {
    world.fault(&json!({ "endpoint": "upload", "nth": nth, "do": fault }));
}

/// One post of the three-chunk video, byte for byte, by one init.
#[track_caller]
fn posted_whole(world: &World) {
    let posts = world.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].sha256.as_deref(), Some(sha256(&world.path("long.mp4")).as_str()));
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!(world.published(), 1);
}

/// Answers a chunk as TikTok does, with this status and progress.
fn progress(status: u16, stored: u64) -> Value {
    json!({ "answer": { "status": status,
        "headers": { "Content-Range": format!("bytes 0-{stored}/{SIZE}") } } })
}

#[test]
fn f37_a_reset_in_a_chunk_goes_on_where_tiktok_is() {
    for resend in [Resend::Refused, Resend::Accepted] {
        for when in ["before", "middle", "after"] {
            for nth in [1, 2, 3] {
                let world = World::with(Options { resend, ..Options::default() });
                world.login(ADA);
                at_chunk(&world, nth, &json!({ "drop": when }));
                world.upload(&world.long()).exits(0).says("try 2 of 6");
                posted_whole(&world);
            }
        }
    }
}

#[test]
fn f38_a_stall_in_the_body_or_after_it_is_dropped_and_tried_again() {
    for when in ["middle", "after"] {
        for nth in [2, 3] {
            let world = World::logged_in().timing("stall=300ms,chunk_answer=300ms");
            at_chunk(&world, nth, &json!({ "stall": "20s", "when": when }));
            world.upload(&world.long()).exits(0).says("try 2 of 6");
            posted_whole(&world);
        }
    }
}

#[test]
fn f38_a_server_that_stays_stopped_is_for_a_later_run() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 0,
        "do": { "answer": { "status": 503 } } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5);
    world.sandbox.clear_faults();
    // Nothing moves from here on, so that no healthy chunk meets the watchdog.
    let world = world.timing("stall=100ms,chunk_answer=100ms");
    world.fault(&json!({ "endpoint": "upload", "times": 6,
        "do": { "stall": "1h", "when": "before" } }));
    world.upload(&manifest).exits(5).says("run the same command again");
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    let world = world.timing("stall=10m,chunk_answer=10m");
    world.upload(&manifest).exits(0);
    posted_whole(&world);
}

#[test]
fn f39_an_unexpected_progress_is_looked_into() {
    for (when, told) in [("after", 17), ("before", 2 * CHUNK - 1), ("after", CHUNK - 1)] {
        let world = World::logged_in();
        let mut fault = progress(206, told);
        fault["when"] = json!(when);
        at_chunk(&world, if when == "after" { 2 } else { 1 }, &fault);
        world.upload(&world.long()).exits(0);
        posted_whole(&world);
    }
}

#[test]
fn f40_a_206_on_the_final_chunk_is_not_done() {
    for (when, chunks) in [("before", 4), ("after", 3)] {
        let world = World::logged_in();
        let mut fault = progress(206, SIZE - 1);
        fault["when"] = json!(when);
        at_chunk(&world, 3, &fault);
        world.upload(&world.long()).exits(0);
        posted_whole(&world);
        assert_eq!(world.calls("upload").len(), chunks);
    }
}

/// TikTok stores a chunk and claims that it has everything.
fn claim_all(world: &World, nth: u64) {
    at_chunk(world, nth, &json!({ "answer": { "status": 201 }, "when": "after" }));
}

#[test]
fn f41_an_early_201_at_the_boundary_is_followed_by_the_next_chunk() {
    for nth in [1, 2] {
        let world = World::logged_in();
        claim_all(&world, nth);
        world.upload(&world.long()).exits(0);
        posted_whole(&world);
        assert_eq!(world.calls("upload").len(), 3);
    }
}

#[test]
fn f41_an_early_201_and_done_without_all_bytes_is_for_a_human() {
    for nth in [1, 2] {
        let world = World::logged_in();
        claim_all(&world, nth);
        world.say_status(0, &json!({ "status": "PUBLISH_COMPLETE" }));
        let manifest = world.long();
        world.upload(&manifest).exits(6).says("resolve 1");
        assert_eq!(world.phases(), [Phase::Unresolved]);
        world.upload(&manifest).exits(6);
        assert_eq!(
            (world.inits(), world.calls("upload").len()),
            (1, usize::try_from(nth).unwrap())
        );
    }
}

#[test]
fn f41_a_201_for_each_chunk_is_done_when_all_bytes_were_sent() {
    for last in [200, 202, 302, 500] {
        let world = World::logged_in();
        claim_all(&world, 1);
        claim_all(&world, 2);
        at_chunk(&world, 3, &json!({ "answer": { "status": last }, "when": "after" }));
        world.upload(&world.long()).exits(0);
        posted_whole(&world);
        assert_eq!(world.calls("upload").len(), 3);
    }
}

#[test]
fn f41_an_early_201_is_settled_by_a_later_run_that_hears_of_all_bytes() {
    let world = World::logged_in();
    claim_all(&world, 1);
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.kill();
    world.say_status(1, &json!({ "status": "PUBLISH_COMPLETE", "uploaded_bytes": SIZE }));
    world.upload(&manifest).exits(0);
    posted_whole(&world);
}

#[test]
fn f41_a_status_that_tells_of_all_bytes_settles_it_too() {
    let world = World::logged_in();
    claim_all(&world, 1);
    world.hold("upload", 3, "after");
    let manifest = world.long();
    let run = world.start_upload(&manifest);
    world.wait_until("everything is there", |world| world.published() == 1);
    run.kill();
    world.say_status(1, &json!({ "status": "PUBLISH_COMPLETE", "uploaded_bytes": SIZE }));
    world.run(&["status"]).exits(0);
    posted_whole(&world);
}

#[test]
fn f41_an_early_201_and_a_failure_is_a_failure() {
    let world = World::logged_in();
    claim_all(&world, 2);
    world.say_status(0, &json!({ "status": "FAILED", "fail_reason": "file_format_check_failed" }));
    world.upload(&world.long()).exits(1);
    assert_eq!(world.inits(), 1);
}

#[test]
fn f41_an_early_201_and_another_progress_sends_nothing_more() {
    for uploaded in [0, SIZE] {
        let world = World::logged_in().timing("poll_limit=100ms");
        claim_all(&world, 2);
        let status = json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": uploaded });
        world.say_status(0, &status);
        world.upload(&world.long()).exits(5);
        assert!(matches!(world.phases()[..], [Phase::FinalIntent { .. }]));
        assert_eq!((world.inits(), world.calls("upload").len()), (1, 2));
    }
}

#[test]
fn f42_a_416_on_a_stored_chunk_advances() {
    let world = World::logged_in();
    at_chunk(&world, 2, &json!({ "drop": "after" }));
    // What status tells lags behind.
    world.say_status(1, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": CHUNK }));
    world.upload(&world.long()).exits(0);
    posted_whole(&world);
    let sent = world.calls("upload");
    assert_eq!(sent.iter().filter(|call| call.status == Some(416)).count(), 1);
}

#[test]
fn f43_416_without_progress_stops() {
    let refused =
        json!({ "endpoint": "upload", "times": 0, "do": { "answer": { "status": 416 } } });
    let world = World::logged_in();
    world.fault(&refused);
    let manifest = world.long();
    world.upload(&manifest).exits(5).says("disagree");
    assert_eq!(world.phases(), [Phase::Open { stored: 0 }]);
    assert!(world.calls("upload").len() <= 4);
    world.sandbox.clear_faults();
    world.upload(&manifest).exits(0);
    posted_whole(&world);
    let world = World::logged_in();
    world.fault(&refused);
    let manifest = world.short();
    world.upload(&manifest).exits(6).says("disagree");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 0 }]);
    world.sandbox.clear_faults();
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f43_a_chunk_that_is_stored_again_and_again_is_no_progress() {
    let world = World::with(Options { resend: Resend::Accepted, ..Options::default() });
    world.login(ADA);
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 0 }));
    for second in 1..=20 {
        at_chunk(&world, 2 * second, &json!({ "answer": { "status": 416 } }));
    }
    world.upload(&world.long()).exits(5).says("disagree");
    assert!(world.calls("upload").len() <= 8);
}

#[test]
fn f43_a_status_that_denies_what_a_201_said_is_not_believed_for_ever() {
    let world = World::with(Options { resend: Resend::Accepted, ..Options::default() });
    world.login(ADA);
    at_chunk(&world, 3, &json!({ "drop": "after" }));
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": CHUNK }));
    world.upload(&world.long()).exits(5).says("failed too often");
    assert!(world.calls("upload").len() <= 3 + 6, "{}", world.calls("upload").len());
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f44_a_dead_url_before_the_final_chunk_starts_over() {
    for status in [403, 404] {
        let world = World::logged_in();
        at_chunk(&world, 2, &json!({ "answer": { "status": status } }));
        world.upload(&world.long()).exits(0).says("starting over");
        assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
        assert_eq!((world.inits(), world.published()), (2, 1));
    }
}

#[test]
fn f44_a_url_that_keeps_dying_is_left_for_later() {
    let mut world = World::logged_in();
    world
        .fault(&json!({ "endpoint": "upload", "times": 2, "do": { "answer": { "status": 403 } } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5);
    world.upload(&manifest).exits(5).says("not before");
    assert_eq!(world.inits(), 2);
    assert_eq!(world.phases(), [Phase::Abandoned, Phase::Abandoned]);
    world.advance(SignedDuration::from_mins(61));
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (3, 1));
}

#[test]
fn f44_a_url_that_grew_old_between_two_runs_starts_over() {
    let mut world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6, "do": { "answer": { "status": 503 } } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5);
    world.advance(SignedDuration::from_mins(56));
    world.upload(&manifest).exits(0);
    assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
    assert_eq!(world.published(), 1);
}

#[test]
fn f45_a_dead_url_at_the_final_chunk_waits_for_proof() {
    for status in [403, 404] {
        let mut world = World::logged_in().timing("proof_gap=50ms");
        at_chunk(&world, 3, &json!({ "answer": { "status": status } }));
        let manifest = world.long();
        world.upload(&manifest).exits(5).says("proved");
        assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
        world.advance(SignedDuration::from_mins(60));
        world.upload(&manifest).exits(5).says("proved");
        assert_eq!((world.inits(), world.published()), (1, 0));
        world.advance(SignedDuration::from_mins(16));
        world.upload(&manifest).exits(0);
        assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
        assert_eq!((world.inits(), world.published()), (2, 1));
    }
}

#[test]
fn f45_a_missing_progress_is_no_proof() {
    let mut world = World::logged_in().timing("proof_gap=50ms,poll_limit=100ms");
    at_chunk(&world, 3, &json!({ "answer": { "status": 403 } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5);
    world.advance(SignedDuration::from_mins(90));
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    world.upload(&manifest).exits(5);
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn f45_a_dead_url_whose_final_chunk_did_arrive_is_published() {
    let world = World::logged_in();
    at_chunk(&world, 3, &json!({ "answer": { "status": 403 }, "when": "after" }));
    world.upload(&world.long()).exits(0);
    posted_whole(&world);
}

#[test]
fn f46_six_server_errors_leave_the_chunk_for_the_next_run() {
    for status in [500, 502, 503] {
        let world = World::logged_in();
        world.fault(&json!({ "endpoint": "upload", "nth": 2, "times": 6,
            "do": { "answer": { "status": status } } }));
        let manifest = world.long();
        world.upload(&manifest).exits(5).says("run the same command again");
        assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
        assert_eq!(world.calls("upload").len(), 7);
        world.upload(&manifest).exits(0).says("going on at");
        posted_whole(&world);
    }
}

#[test]
fn f46_six_server_errors_at_the_final_chunk() {
    let world = World::logged_in();
    world
        .fault(&json!({ "endpoint": "upload", "times": 6, "do": { "answer": { "status": 503 } } }));
    let manifest = world.short();
    world.upload(&manifest).exits(5);
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 0 }]);
    world.upload(&manifest).exits(0);
    assert_eq!((world.inits(), world.published()), (1, 1));
}

#[test]
fn f47_a_link_that_is_too_slow_for_the_hour() {
    let world = World::logged_in().timing("url_life=600ms");
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "slow": 10_000_000 } }));
    world.upload(&world.long()).exits(5).says("Mbit/s");
    assert_eq!(world.phases(), [Phase::Abandoned]);
    assert_eq!((world.inits(), world.published()), (1, 0));
}

#[test]
fn f47_the_hour_ends_in_the_middle_of_a_chunk() {
    // Long enough to get that far.
    let world = World::logged_in().timing("url_life=5s");
    world.hold("upload", 1, "middle");
    world.video("big.mp4", 24_000_000);
    let manifest = world.one_post(ADA, "big.mp4");
    world.run(&["upload", &manifest]).exits(5).says("proved");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 0 }]);
    assert_eq!((world.inits(), world.published()), (1, 0));
}

#[test]
fn f47_a_rate_that_cannot_make_it_is_refused_before_anything_is_sent() {
    let world = World::logged_in();
    let manifest = world.long();
    world.run(&["upload", "--limit-rate", "1000", &manifest]).exits(2).says("--limit-rate");
    assert!(world.calls("creator_info").is_empty());
}

#[test]
fn f57_an_unknown_publish_id_before_the_final_chunk_starts_over() {
    for code in ["invalid_publish_id", "token_not_authorized_for_specified_publish_id"] {
        let world = World::logged_in();
        at_chunk(&world, 2, &json!({ "drop": "middle" }));
        world.refuse("status", 1, 1, code);
        world.upload(&world.long()).exits(0).says("starting over");
        assert_eq!(world.phases(), [Phase::Abandoned, Phase::Published]);
        assert_eq!((world.inits(), world.published()), (2, 1));
    }
}

#[test]
fn a_malformed_chunk_is_our_fault_and_stops() {
    let world = World::logged_in();
    at_chunk(&world, 2, &json!({ "answer": { "status": 400 } }));
    world.upload(&world.long()).exits(1).says("malformed");
    assert_eq!(world.phases(), [Phase::Open { stored: 1 }]);
    assert_eq!(world.calls("upload").len(), 2);
}

#[test]
fn a_final_chunk_that_is_called_malformed_may_be_there() {
    for when in ["before", "after"] {
        let world = World::logged_in();
        at_chunk(&world, 3, &json!({ "answer": { "status": 400 }, "when": when }));
        world.upload(&world.long()).exits(0).says("HTTP 400 for a chunk");
        posted_whole(&world);
    }
}

#[test]
fn a_final_chunk_that_stays_malformed_is_for_a_later_run() {
    let world = World::logged_in();
    world.fault(&json!({ "endpoint": "upload", "nth": 3, "times": 0,
        "do": { "answer": { "status": 400 } } }));
    let manifest = world.long();
    world.upload(&manifest).exits(5).says("HTTP 400 for a chunk");
    assert_eq!(world.phases(), [Phase::FinalIntent { stored: 2 }]);
    world.let_go();
    world.upload(&manifest).exits(0);
    posted_whole(&world);
}

#[test]
fn a_redirect_of_a_chunk_is_not_followed() {
    // One that would be followed without the body, and one that would need it.
    for status in [303, 307] {
        let world = World::logged_in();
        let elsewhere = format!("{}/elsewhere", world.sandbox.url());
        at_chunk(
            &world,
            2,
            &json!({ "answer": { "status": status, "headers": { "Location": elsewhere } } }),
        );
        world.upload(&world.long()).exits(0);
        posted_whole(&world);
        assert!(world.calls("unknown").is_empty(), "somebody went there");
    }
}
