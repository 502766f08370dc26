//! Entries that look like a post that was made: an `id` for another thing, one thing under two names,
//! one address in many spellings.

use serde_json::{Value, json};
use tiktok_up::testing::Phase;

use crate::world::{ADA, World};

fn post(world: &World, id: Option<&str>, source: (&str, Value)) -> Value {
    let mut post = json!({ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY" });
    post[source.0] = source.1;
    if let Some(id) = id {
        post["id"] = json!(id);
    }
    post
}

fn file(world: &World, id: Option<&str>, name: &str) -> Value {
    post(world, id, ("video_path", json!(name)))
}

fn pull(world: &World, id: Option<&str>, url: &str) -> Value {
    post(world, id, ("video_url", json!(url)))
}

const QUIET: [&str; 2] = ["upload", "--quiet"];

#[test]
fn an_id_that_was_used_for_another_video_is_an_error_that_names_both() {
    let world = World::logged_in();
    world.video("monday.mp4", 100_000);
    // Of another size, and of the same.
    for size in [100_001, 100_000] {
        world.video("tuesday.mp4", size);
        world.upload(&world.manifest(&json!([file(&world, Some("1"), "monday.mp4")]))).exits(0);
        world.video("other.mp4", 50_000 + size);
        let manifest = world.manifest(&json!([
            file(&world, Some("1"), "tuesday.mp4"),
            file(&world, None, "other.mp4"),
        ]));
        let before = world.inits();
        let ran = world.run(&[&QUIET[..], &[&manifest]].concat()).exits(1);
        ran.says("monday.mp4").says("tuesday.mp4").says("\"1\"").says("nothing was sent");
        // Its neighbour is posted.
        assert_eq!(world.inits() - before, 1);
        let ran = world.run(&["upload", "--json", "--dry-run", &manifest]).exits(1);
        assert_eq!(ran.json()[0]["error"]["code"], "id_reused");
        // Also when the video is known by then, as a post of its own.
        world.upload(&world.manifest(&json!([file(&world, None, "tuesday.mp4")]))).exits(0);
        let manifest = world.manifest(&json!([file(&world, Some("1"), "tuesday.mp4")]));
        let ran = world.run(&["upload", "--json", &manifest]).exits(1);
        assert_eq!(ran.json()[0]["error"]["code"], "id_reused");
    }
}

#[test]
fn the_same_video_under_its_id_is_posted_already_wherever_it_lies() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.upload(&world.manifest(&json!([file(&world, Some("1"), "clip.mp4")]))).exits(0);
    std::fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world.manifest(&json!([file(&world, Some("1"), "copy.mp4")]));
    world.upload(&manifest).exits(0).says("already posted");
    std::fs::remove_file(world.path("copy.mp4")).unwrap();
    world.upload(&manifest).exits(0).says("already posted");
    let elsewhere = world.manifest(&json!([file(&world, Some("1"), "other.mp4")]));
    world.upload(&elsewhere).exits(1).says("clip.mp4").says("not there");
    std::fs::remove_file(world.path("clip.mp4")).unwrap();
    let manifest = world.manifest(&json!([file(&world, Some("1"), "clip.mp4")]));
    world.upload(&manifest).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
}

#[test]
fn an_id_that_is_repeated_on_purpose_is_posted() {
    let world = World::logged_in();
    world.video("monday.mp4", 100_000);
    world.video("tuesday.mp4", 200_000);
    world.upload(&world.manifest(&json!([file(&world, Some("1"), "monday.mp4")]))).exits(0);
    let manifest = world.manifest(&json!([file(&world, Some("1"), "tuesday.mp4")]));
    world.run(&["upload", "--repost", &manifest]).exits(0);
    world.upload(&manifest).exits(0).says("already posted");
    assert_eq!(world.published(), 2);
}

#[test]
fn an_id_given_to_another_video_while_the_first_is_pending_is_found_out() {
    let world = World::logged_in();
    world.video("monday.mp4", 100_000);
    world.video("tuesday.mp4", 200_000);
    let monday = world.manifest(&json!([file(&world, Some("1"), "monday.mp4")]));
    world.run(&["upload", "--no-wait", &monday]).exits(5);
    let tuesday = world.manifest(&json!([file(&world, Some("1"), "tuesday.mp4")]));
    world.upload(&tuesday).exits(1).says("monday.mp4").says("tuesday.mp4");
    assert_eq!(world.phases(), [Phase::Published]);
    assert_eq!(world.inits(), 1);
}

#[test]
fn an_id_stands_for_urls_too() {
    let world = World::logged_in();
    let [one, other] =
        ["a.mp4?v=1", "b.mp4"].map(|name| format!("https://verified.example/{name}"));
    world.upload(&world.manifest(&json!([pull(&world, Some("1"), &one)]))).exits(0);
    let again = world.manifest(&json!([pull(&world, Some("1"), &one.replace("v=1", "v=2"))]));
    world.upload(&again).exits(0).says("already posted");
    let other = world.manifest(&json!([pull(&world, Some("1"), &other)]));
    world.upload(&other).exits(1).says("a.mp4").says("b.mp4");
    assert_eq!(world.inits(), 1);
}

#[test]
fn the_same_content_under_a_new_id_is_warned_of_before_it_is_posted() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    world.upload(&world.manifest(&json!([file(&world, Some("a"), "clip.mp4")]))).exits(0);
    let url = "https://verified.example/clip.mp4";
    world.upload(&world.manifest(&json!([pull(&world, Some("u"), url)]))).exits(0);
    std::fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    for (entry, first) in [
        (file(&world, Some("b"), "clip.mp4"), "post 1, `id` \"a\""),
        (file(&world, Some("c"), "copy.mp4"), "post 1, `id` \"a\""),
        (pull(&world, Some("v"), url), "post 2, `id` \"u\""),
    ] {
        let manifest = world.manifest(&json!([entry]));
        let before = world.published();
        let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
        dry.says("the same content as").says(first);
        let ran = world.run(&[&QUIET[..], &[&manifest]].concat()).exits(0);
        ran.says("the same content as").says(first);
        assert_eq!(world.published() - before, 1);
        world.upload(&manifest).exits(0).never_says("the same content");
    }
}

const PLACE: &str = "https://verified.example/a/clip.mp4";

#[test]
fn one_address_in_many_spellings_is_one_post() {
    let world = World::logged_in();
    let signed = |signature: &str| {
        format!(
            "{PLACE}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signature}&X-Amz-Signature={signature}"
        )
    };
    world.upload(&world.manifest(&json!([pull(&world, None, &signed("A"))]))).exits(0);
    for spelling in [
        signed("B"),
        PLACE.to_owned(),
        "HTTPS://Verified.Example:443/a/clip.mp4#t=1".to_owned(),
        "https://verified.example/b/../%61/clip.mp4".to_owned(),
        format!("{PLACE}?sv=1&sig=x&se=2"),
        format!("{PLACE}?Expires=1&Signature=x&Key-Pair-Id=k"),
    ] {
        let manifest = world.manifest(&json!([pull(&world, None, &spelling)]));
        world.upload(&manifest).exits(0).says("already posted");
    }
    assert_eq!(world.inits(), 1);
}

#[test]
fn photos_are_compared_in_the_same_way() {
    let world = World::logged_in();
    let photos = |query: &str| {
        let url = |n: u32| format!("https://verified.example/{n}.jpg{query}");
        world.manifest(&json!([post(&world, None, ("photo_urls", json!([url(1), url(2)])))]))
    };
    world.upload(&photos("?X-Goog-Signature=A")).exits(0);
    world.upload(&photos("?X-Goog-Signature=B")).exits(0).says("already posted");
    assert_eq!(world.inits(), 1);
    world.upload(&photos("?v=2")).exits(0).says("same address, other query, as post 1");
    assert_eq!(world.inits(), 2);
}

#[test]
fn another_query_is_another_post_and_said() {
    let world = World::logged_in();
    let with =
        |query: &str| world.manifest(&json!([pull(&world, None, &format!("{PLACE}?{query}"))]));
    world.upload(&with("id=1")).exits(0).never_says("other query");
    let ran = world.run(&[&QUIET[..], &[&with("id=2")]].concat()).exits(0);
    ran.says("same address, other query, as post 1").says("give it an `id`");
    world.upload(&with("id=2")).exits(0).says("already posted").never_says("other query");
    assert_eq!(world.published(), 2);
    // With an `id` of its own it is another thing, and known by that alone.
    let own = |query: &str| {
        world.manifest(&json!([pull(&world, Some("x"), &format!("{PLACE}?{query}"))]))
    };
    world.upload(&own("id=3")).exits(0).never_says("other query");
    world.upload(&own("id=4")).exits(0).says("already posted");
    assert_eq!(world.published(), 3);
}

#[test]
fn a_link_that_passes_is_not_posted_twice() {
    let world = World::logged_in();
    let with = |token: &str| {
        world.manifest(&json!([pull(&world, None, &format!("{PLACE}?token={token}"))]))
    };
    world.upload(&with("A")).exits(0);
    let ran = world.run(&[&QUIET[..], &[&with("B")]].concat()).exits(1);
    ran.says("same address, other query, as post 1").says("give it an `id`");
    assert_eq!(world.inits(), 1);
}

#[test]
fn an_id_of_a_video_whose_outcome_is_open_keeps_another_one_waiting() {
    let world = World::logged_in();
    world.video("monday.mp4", 100_000);
    world.video("tuesday.mp4", 150_000);
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD", "uploaded_bytes": 100_000 }));
    let monday = world.manifest(&json!([file(&world, Some("1"), "monday.mp4")]));
    world.run(&["upload", "--no-wait", &monday]).exits(5);
    let tuesday = world.manifest(&json!([file(&world, Some("1"), "tuesday.mp4")]));
    for args in [&["--dry-run"][..], &["--no-wait"]] {
        let ran = world.run(&[&["upload", "--json", &tuesday], args].concat()).exits(5);
        let told = ran.json().remove(0);
        assert_eq!((&told["state"], &told["publish_id"]), (&json!("deferred"), &json!(null)));
        assert_eq!(told["error"]["code"], "id_pending", "{told:#}");
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.contains("post 1, whose video (monday.mp4) is another one"), "{told:#}");
    }
    assert_eq!(world.inits(), 1);
    world.let_go();
    world.upload(&tuesday).exits(1).says("was used for monday.mp4");
    assert_eq!(world.inits(), 1);
}

/// An upload of `a.mp4` whose last chunk never arrived, and what an hour and more later lies at its path.
fn cut_off_and_replaced(world: &mut World, id: Option<&str>) -> String {
    world.video("a.mp4", 100_000);
    let manifest = world.manifest(&json!([file(world, id, "a.mp4")]));
    world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "drop": "middle" } }));
    world.upload(&manifest).exits(5);
    world.let_go();
    std::fs::rename(world.path("a.mp4"), world.path("first.mp4")).unwrap();
    world.video("a.mp4", 200_000);
    world.advance(jiff::SignedDuration::from_mins(80));
    manifest
}

#[test]
fn a_post_that_was_cut_off_is_called_not_posted_when_another_video_lies_there() {
    let mut world = World::logged_in();
    let manifest = cut_off_and_replaced(&mut world, None);
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("post 1").says("not finished");
    let ran = world.run(&["--quiet", "upload", &manifest]).exits(0);
    ran.says("post 1 was not posted, and another video lies where its own did")
        .never_says("settings")
        .never_says("starting over");
    assert_eq!(world.published(), 1);
    let status = world.run(&["status"]).says("post 1 was not posted");
    status.says("does not lie at").says("a.mp4 any more");
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says("post 1");
    // What `status` says, followed.
    let first = world.manifest(&json!([file(&world, None, "first.mp4")]));
    world.upload(&first).exits(0).says("1 published");
    world.run(&["status"]).exits(0).says("every post is final");
    assert_eq!(world.published(), 2);
}

#[test]
fn an_id_whose_upload_was_cut_off_goes_to_the_other_video_and_that_is_said() {
    let mut world = World::logged_in();
    let manifest = cut_off_and_replaced(&mut world, Some("one"));
    let ran = world.run(&["--quiet", "upload", &manifest]).exits(0);
    ran.says("post 1 was not posted, and its `id` \"one\" stands for another video now");
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says("post 1");
    assert_eq!(world.published(), 1);
}

/// Whether TikTok has it with the earlier ones is not known before it is known whether it has it.
#[test]
fn settings_are_too_late_only_where_the_post_is_there_with_the_earlier_ones() {
    for arrives in [false, true] {
        let mut world = World::logged_in();
        world.video("a.mp4", 100_000);
        let with = |world: &World, words: &str| {
            let mut entry = file(world, None, "a.mp4");
            entry["description"] = words.into();
            world.manifest(&json!([entry]))
        };
        let when = if arrives { "after" } else { "middle" };
        world.fault(&json!({ "endpoint": "upload", "times": 0, "do": { "drop": when } }));
        if arrives {
            world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
            world.run(&["upload", "--no-wait", &with(&world, "typo")]).exits(5);
        } else {
            world.upload(&with(&world, "typo")).exits(5);
        }
        world.let_go();
        world.advance(jiff::SignedDuration::from_mins(80));
        let ran = world.run(&["--quiet", "upload", &with(&world, "fixed")]).exits(0);
        let late = "its settings were changed too late";
        if arrives {
            ran.says(late)
        } else {
            ran.never_says(late)
        };
        assert_eq!(world.published(), 1);
    }
}

/// What TikTok does not have it does not get as it was asked for before: it may be seen by more people, or too early.
#[test]
fn a_last_chunk_that_never_arrived_is_not_sent_once_other_settings_are_asked_for() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "private": false }));
    world.video("a.mp4", 100_001);
    let manifest = |more: serde_json::Value| {
        let mut post = json!({ "id": "a", "video_path": "a.mp4", "description": "A",
            "privacy_level": "PUBLIC_TO_EVERYONE" });
        post.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.manifest(&json!([post]))
    };
    world.fault(&json!({ "endpoint": "upload", "times": 50,
        "do": { "refuse": { "code": "internal_error", "status": 503 } } }));
    world.upload(&manifest(json!({}))).exits(5);
    world.let_go();
    let sent = world.calls("upload").len();
    // Narrower, and then later: nothing is sent of it until TikTok has proved that nothing comes of the first.
    let slow = World::timing(world, "proof_age=1h");
    let private = json!({ "privacy_level": "SELF_ONLY" });
    let narrow = slow.manifest(&json!([{ "id": "a", "video_path": "a.mp4", "description": "A",
        "privacy_level": "SELF_ONLY" }]));
    slow.upload(&narrow).exits(5);
    let later = slow.manifest(&json!([{ "id": "a", "video_path": "a.mp4", "description": "A",
        "privacy_level": "SELF_ONLY", "publish_at": "2999-01-01T00:00:00Z" }]));
    slow.upload(&later).exits(5);
    assert_eq!((slow.calls("upload").len(), slow.published()), (sent, 0));
    // Proved, the entry waits for its time, and is made with what it asks for.
    let world = World::timing(slow, "proof_age=1ms,proof_gap=1ms");
    world.upload(&later).exits(0).says("1 deferred");
    assert_eq!((world.inits(), world.published()), (1, 0));
    let narrow = world.manifest(&json!([{ "id": "a", "video_path": "a.mp4", "description": "A",
        "privacy_level": private["privacy_level"] }]));
    world.upload(&narrow).exits(0).says("1 published");
    assert_eq!((world.inits(), world.published()), (2, 1));
    let made =
        world.posts().into_iter().find(|post| !post.post_ids.is_empty() || post.privacy.is_some());
    assert!(made.is_some());
    let levels: Vec<_> =
        world.posts().iter().map(|post| format!("{:?}", post.privacy.unwrap())).collect();
    assert!(levels.contains(&"SelfOnly".to_owned()), "{levels:?}");
}

/// Chunks may be under way still when the time is put off.
#[test]
fn an_upload_that_was_cut_off_waits_for_a_time_that_was_put_off() {
    let world = World::logged_in();
    world.video("long.mp4", 3 * crate::world::CHUNK + 1000);
    let posts = |more: &str| {
        let text =
            format!("[{{\"video_path\": \"long.mp4\", \"privacy_level\": \"SELF_ONLY\"{more}}}]");
        world.file("posts.json", text).to_str().unwrap().to_owned()
    };
    world.hold("upload", 2, "middle");
    let manifest = posts("");
    let run = world.start_upload(&manifest);
    world.wait_until("the chunk", |world| world.calls("upload").len() == 1 && run.is_at_rest());
    run.kill();
    world.let_go();
    let manifest = posts(", \"publish_at\": \"2999-01-01T00:00:00Z\"");
    world.upload(&manifest).exits(0).says("1 deferred");
    assert_eq!((world.inits(), world.published()), (1, 0));
    let manifest = posts("");
    world.upload(&manifest).exits(0).says("1 published");
    assert_eq!(world.published(), 1);
}
