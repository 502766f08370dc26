//! One thing that a manifest names twice: at once called the same, whenever its time is, or called two posts.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{ADA, BEA, Ran, World};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn entry(world: &World, video: &str, more: &Value) -> Value {
    let mut entry = json!({ "user_id": world.open_id(ADA), "video_path": video,
        "privacy_level": "SELF_ONLY" });
    let more = more.as_object().unwrap().clone();
    entry.as_object_mut().unwrap().extend(more);
    entry
}

fn at(hours: i64) -> Value {
    json!({ "publish_at": (Timestamp::now() + HOUR * i32::try_from(hours).unwrap()).to_string() })
}

/// The posts that a run told of, in the manifest's order.
fn told(world: &World, args: &[&str], exit: i32) -> Vec<Value> {
    let ran = world.run(&[&["upload", "--json"], args].concat()).exits(exit);
    let mut posts = ran.json();
    posts.retain(|line| line["event"] == "post");
    posts.sort_by_key(|post| post["index"].as_u64());
    posts
}

fn states(posts: &[Value]) -> Vec<&str> {
    posts.iter().map(|post| post["state"].as_str().unwrap()).collect()
}

/// What `status` lists as waiting, by its time.
fn scheduled(world: &World) -> Vec<String> {
    let lines = world.run(&["--json", "status"]).json();
    let waits = lines.iter().filter(|line| line["post"].is_null());
    waits.map(|line| line["publish_at"].as_str().unwrap_or("now").to_owned()).collect()
}

fn same_as(first: u32) -> String {
    format!(
        "the same as post {first} of this manifest; to have both, give each an `id` of its own (with `post --id`: that one \
         first, then this one)"
    )
}

/// TikTok is at work on the first one, which changes nothing of the second.
#[test]
fn what_is_named_twice_is_skipped_also_while_it_is_under_way() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let first = entry(&world, "clip.mp4", &json!({ "description": "first" }));
    let second = entry(&world, "clip.mp4", &json!({ "description": "second" }));
    let manifest = world.manifest(&json!([first, second]));
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    let ran = world.run(&["upload", "--no-wait", &manifest]).exits(5);
    let ran = ran.says("1 skipped, 1 unfinished").says("the same as post 1 of this manifest");
    ran.never_says("too late");
    world.let_go();
    world.upload(&manifest).exits(0);
    assert_eq!(world.inits(), 1);
}

/// Somebody follows that with commands of one post: the one that was made takes the first `id`, and says so.
#[test]
fn a_post_that_takes_an_id_says_so() {
    let world = World::logged_in();
    let a = world.video("a.mp4", 100_000).display().to_string();
    let b = world.path("b.mp4").display().to_string();
    fs::copy(&a, &b).unwrap();
    let post = |more: &[&str]| world.run(&[&["post", "--privacy", "SELF_ONLY"], more].concat());
    post(&[&a, &b]).exits(0).says("that one first");
    for args in [&[&b, "--id", "two", "--dry-run"][..], &[&b, "--id", "two"]] {
        post(args)
            .exits(0)
            .says("1 skipped")
            .says("post 1, made without an `id`, has \"two\" from now on");
    }
    post(&[&b, "--id", "two"]).exits(0).says("1 skipped").never_says("from now on");
    // In the order that was told, each is made once.
    let c = world.video("c.mp4", 100_001).display().to_string();
    let d = world.path("d.mp4").display().to_string();
    fs::copy(&c, &d).unwrap();
    post(&[&c, &d]).exits(0);
    post(&[&c, "--id", "three"])
        .exits(0)
        .says("post 2, made without an `id`, has \"three\" from now on");
    post(&[&d, "--id", "four"]).exits(0).says("1 published");
    assert_eq!(world.published(), 3);
}

#[test]
fn a_post_that_is_named_once_more_for_later_is_skipped_at_once() {
    for (name, first) in [("clip.mp4", true), ("clip.mp4", false), ("copy.mp4", true)] {
        let mut world = World::logged_in();
        world.video("clip.mp4", 100_000);
        fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
        let (now, later) = (entry(&world, "clip.mp4", &json!({})), entry(&world, name, &at(2)));
        let (entries, twin, states_of_run) = if first {
            (json!([now, later]), 1, ["published", "skipped"])
        } else {
            (json!([later, now]), 0, ["skipped", "published"])
        };
        let manifest = world.manifest(&entries);
        let words = same_as(if first { 1 } else { 2 });
        let dry = told(&world, &["--dry-run", &manifest], 0);
        assert_eq!(dry[twin]["state"], "skipped", "{name}: {dry:#?}");
        assert_eq!(dry[twin]["note"], words.as_str(), "{dry:#?}");
        let ran = told(&world, &[&manifest], 0);
        assert_eq!(states(&ran), states_of_run, "{ran:#?}");
        assert_eq!(ran[twin]["note"], words.as_str(), "{ran:#?}");
        world.run(&["status"]).exits(0).never_says("scheduled for");
        for _ in 0..2 {
            let ran = told(&world, &[&manifest], 0);
            assert_eq!(states(&ran), ["skipped", "skipped"]);
            assert_eq!(ran[twin]["note"], words.as_str(), "{ran:#?}");
            let dry = told(&world, &["--dry-run", &manifest], 0);
            assert_eq!((states(&dry), &dry[twin]["note"]), (states(&ran), &ran[twin]["note"]));
            world.advance(HOUR);
        }
        world.advance(HOUR);
        assert_eq!(states(&told(&world, &[&manifest], 0)), ["skipped", "skipped"]);
        assert_eq!(world.inits(), 1);
    }
}

#[test]
fn of_two_that_are_scheduled_the_one_that_goes_first_counts() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    for name in ["clip.mp4", "copy.mp4"] {
        let (late, soon) = (entry(&world, name, &at(4)), entry(&world, "clip.mp4", &at(2)));
        let manifest = world.manifest(&json!([late, soon]));
        for args in [&["--dry-run", &manifest][..], &[&manifest], &[&manifest]] {
            let told = told(&world, args, 0);
            assert_eq!(states(&told), ["skipped", "deferred"], "{told:#?}");
            assert_eq!(told[0]["note"], same_as(2).as_str(), "{told:#?}");
        }
        assert_eq!(scheduled(&world).len(), 1, "{name}");
    }
    world.advance(HOUR * 3);
    let manifest = world.path("videos_to_upload.json");
    let manifest = manifest.to_str().unwrap();
    assert_eq!(states(&told(&world, &[manifest], 0)), ["skipped", "published"]);
    world.run(&["status"]).exits(0).never_says("scheduled for");
    world.advance(HOUR * 3);
    assert_eq!(states(&told(&world, &[manifest], 0)), ["skipped", "skipped"]);
    assert_eq!(world.inits(), 1);
}

/// What is known of a waiting file is kept, so that not every run reads it; nothing is posted by that.
#[test]
fn a_file_that_waits_is_read_once() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world
        .manifest(&json!([entry(&world, "clip.mp4", &at(2)), entry(&world, "copy.mp4", &at(4)),]));
    assert_eq!(states(&told(&world, &[&manifest], 0)), ["deferred", "skipped"]);
    let notes = world.home().join("home/notes.json");
    let kept: Value = serde_json::from_str(&fs::read_to_string(&notes).unwrap()).unwrap();
    let known = &kept["manifests"][manifest.as_str()]["fingerprints"];
    assert_eq!(known.as_object().unwrap().len(), 2, "{kept:#}");
    // Whoever does not read the files believes this.
    let wrong = known.as_object().unwrap().values().next().unwrap().as_str().unwrap();
    let text = fs::read_to_string(&notes).unwrap().replacen(wrong, &"0".repeat(64), 1);
    fs::write(&notes, text).unwrap();
    assert_eq!(states(&told(&world, &[&manifest], 0)), ["deferred", "deferred"]);
    // What is sent is read.
    world.advance(HOUR * 5);
    assert_eq!(states(&told(&world, &[&manifest], 0)), ["published", "skipped"]);
    assert_eq!(world.inits(), 1);
    // Nothing waits any more, so nothing is kept.
    told(&world, &[&manifest], 0);
    assert!(!fs::read_to_string(&notes).unwrap().contains("fingerprints"));
}

#[test]
fn other_accounts_modes_ids_and_contents_are_other_posts() {
    let world = World::logged_in();
    world.login(BEA);
    world.video("clip.mp4", 100_000);
    world.video("like.mp4", 100_000);
    let bea = json!({ "user_id": world.open_id(BEA), "publish_at": "2099-01-01T00:00:00Z" });
    let draft = json!({ "mode": "draft", "publish_at": "2099-01-01T00:00:00Z" });
    let named = json!({ "id": "a", "publish_at": "2099-01-02T00:00:00Z" });
    let manifest = world.manifest(&json!([
        entry(&world, "clip.mp4", &json!({ "id": "b" })),
        entry(&world, "clip.mp4", &bea),
        entry(&world, "clip.mp4", &draft),
        entry(&world, "clip.mp4", &named),
        entry(&world, "like.mp4", &at(2)),
    ]));
    let waits = ["deferred", "deferred", "deferred", "deferred"];
    let dry = told(&world, &["--dry-run", &manifest], 0);
    assert_eq!(states(&dry), [&["planned"][..], &waits].concat(), "{dry:#?}");
    let ran = told(&world, &[&manifest], 0);
    assert_eq!(states(&ran), [&["published"][..], &waits].concat(), "{ran:#?}");
    assert_eq!(scheduled(&world).len(), 4);
}

#[test]
fn a_repost_of_what_is_named_for_later_is_one_post() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([
        entry(&world, "clip.mp4", &json!({})),
        entry(&world, "clip.mp4", &at(2)),
    ]));
    world.upload(&manifest).exits(0);
    let ran = told(&world, &["--repost", "--dry-run", &manifest], 0);
    assert_eq!(states(&ran), ["planned", "skipped"], "{ran:#?}");
    let ran = told(&world, &["--repost", &manifest], 0);
    assert_eq!(states(&ran), ["published", "skipped"], "{ran:#?}");
    assert_eq!(world.published(), 2);
    world.run(&["status"]).exits(0).never_says("scheduled for");
}

#[test]
fn a_post_that_failed_does_not_stand_for_one_that_waits() {
    let world = World::logged_in();
    world.account(ADA, &json!({ "privacy_level_options": ["SELF_ONLY"] }));
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([
        entry(&world, "clip.mp4", &json!({ "privacy_level": "PUBLIC_TO_EVERYONE" })),
        entry(&world, "clip.mp4", &at(2)),
    ]));
    for args in [&["--dry-run", &manifest][..], &[&manifest]] {
        assert_eq!(states(&told(&world, args, 1)), ["failed", "deferred"]);
    }
    assert_eq!(scheduled(&world).len(), 1);
}

/// Also where its content is not known yet, and nothing is forgotten of the one that it is the same as.
#[test]
fn a_file_that_is_still_being_written_is_one_post_however_often_it_is_named() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let manifest = world.manifest(&json!([
        entry(&world, "clip.mp4", &json!({})),
        entry(&world, "clip.mp4", &at(90)),
    ]));
    let writer = fs::OpenOptions::new().append(true).open(world.path("clip.mp4")).unwrap();
    for args in [&["--dry-run", &manifest][..], &[&manifest]] {
        let told = told(&world, args, 5);
        assert_eq!(states(&told), ["deferred", "skipped"], "{told:#?}");
        assert_eq!(told[0]["error"]["code"], "file_unfinished");
        assert_eq!(told[1]["note"], same_as(1).as_str(), "{told:#?}");
    }
    let line = &world.run(&["--json", "status"]).json()[0];
    assert_eq!(line["reason"], "file_unfinished", "{line:#}");
    assert_eq!(scheduled(&world).len(), 1);
    world.advance(HOUR * 25);
    let quiet = ["--quiet", "upload", &manifest];
    world.run(&quiet).exits(5).says("still being written");
    for _ in 0..2 {
        world.run(&quiet).exits(5).never_says("still being written");
    }
    drop(writer);
    // Its twin waits for its time alone, and is no error.
    let alone = world.manifest(&json!([entry(&world, "clip.mp4", &at(90))]));
    let writer = fs::OpenOptions::new().append(true).open(world.path("clip.mp4")).unwrap();
    for args in [&["--dry-run", &alone][..], &[&alone]] {
        assert_eq!(states(&told(&world, args, 0)), ["deferred"]);
    }
    drop(writer);
}

#[test]
fn what_was_posted_under_another_name_does_not_wait_for_its_time() {
    let world = World::logged_in();
    world.upload(&world.short()).exits(0);
    fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world.manifest(&json!([entry(&world, "copy.mp4", &at(2))]));
    for args in [&["--dry-run", &manifest][..], &[&manifest], &[&manifest]] {
        assert_eq!(states(&told(&world, args, 0)), ["skipped"]);
        assert_eq!(scheduled(&world), [""; 0]);
    }
}

#[test]
fn one_address_in_two_spellings_is_one_post_in_a_dry_run_too() {
    let world = World::logged_in();
    let pull = |url: &str| json!({ "user_id": world.open_id(ADA), "video_url": url, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([
        pull("https://verified.example/a.mp4?X-Goog-Signature=A"),
        pull("https://VERIFIED.example:443/a.mp4?X-Goog-Signature=B"),
    ]));
    assert_eq!(states(&told(&world, &["--dry-run", &manifest], 0)), ["planned", "skipped"]);
    assert_eq!(states(&told(&world, &[&manifest], 0)), ["published", "skipped"]);
}

/// To have both, both get `id`s: until then the second one's is nobody's.
#[test]
fn an_entry_without_an_id_does_not_take_that_of_another_one() {
    let mut world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let named = |world: &World, id: &str| entry(world, "clip.mp4", &json!({ "id": id }));
    let unnamed = entry(&world, "clip.mp4", &json!({}));
    let manifest = world.manifest(&json!([unnamed, named(&world, "a"), named(&world, "b")]));
    let words = same_as(1);
    let dry = told(&world, &["--dry-run", &manifest], 0);
    assert_eq!(states(&dry), ["planned", "skipped", "skipped"], "{dry:#?}");
    for first in ["published", "skipped", "skipped"] {
        let ran = told(&world, &[&manifest], 0);
        assert_eq!(states(&ran), [first, "skipped", "skipped"], "{ran:#?}");
        assert!(ran[1..].iter().all(|post| post["note"] == words.as_str()), "{ran:#?}");
    }
    // What the note says, followed: the first one's post takes its `id`, and the second waits for its time.
    let mut christmas = at(2);
    christmas["id"] = "a".into();
    let christmas = entry(&world, "clip.mp4", &christmas);
    let manifest = world.manifest(&json!([christmas, named(&world, "first")]));
    let ran = told(&world, &[&manifest], 0);
    assert_eq!(states(&ran), ["deferred", "skipped"], "{ran:#?}");
    world.advance(HOUR * 3);
    let ran = told(&world, &[&manifest], 0);
    assert_eq!(states(&ran), ["published", "skipped"], "{ran:#?}");
    assert_eq!(world.published(), 2);
}

/// Whether it is told does not depend on what else the manifest names, nor on the time.
#[test]
fn an_id_that_was_used_for_other_content_is_an_error_in_every_run() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let used = world.manifest(&json!([entry(&world, "a.mp4", &json!({ "id": "xmas" }))]));
    world.run(&["upload", &used]).exits(0);
    let mut later = at(2);
    later["id"] = "xmas".into();
    let later = entry(&world, "b.mp4", &later);
    let both = json!([entry(&world, "b.mp4", &json!({})), later]);
    for entries in [json!([later]), both] {
        let manifest = world.manifest(&entries);
        for args in [
            &["upload", "--dry-run", &manifest][..],
            &["upload", &manifest],
            &["upload", &manifest],
        ] {
            world.run(args).exits(1).says("the `id` \"xmas\" was used for a.mp4 (post 1)");
        }
    }
    assert_eq!(world.published(), 2);
}

/// Two `id`s that were mixed up: what is advised posts nothing twice.
#[test]
fn an_id_of_another_post_is_refused_with_the_post_that_there_is_of_this_one() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    let one = |video: &str, id: &str| entry(&world, video, &json!({ "id": id }));
    let manifest = world.manifest(&json!([one("a.mp4", "A"), one("b.mp4", "B")]));
    world.run(&["upload", &manifest]).exits(0);
    let manifest = world.manifest(&json!([one("a.mp4", "B")]));
    for args in [&["upload", "--dry-run", &manifest][..], &["upload", &manifest]] {
        let ran = world.run(args).exits(1).says("used for b.mp4 (post 2)");
        ran.says("was posted already as post 1, `id` \"A\"").never_says("of its own, or");
    }
    let said = "the same content as a.mp4 (post 1, `id` \"A\"): it is posted once more";
    let ran = world.run(&["upload", "--dry-run", "--repost", &manifest]).exits(0).says(said);
    assert_eq!(ran.stderr.matches(said).count(), 1, "{ran:#?}");
    let ran = world.run(&["upload", "--repost", &manifest]).exits(0).says(said);
    assert_eq!(ran.stderr.matches(said).count(), 1, "{ran:#?}");
    // What is repeated under its own `id` is what was asked for.
    let manifest = world.manifest(&json!([one("b.mp4", "B")]));
    for args in
        [&["upload", "--dry-run", "--repost", &manifest][..], &["upload", "--repost", &manifest]]
    {
        world.run(args).exits(0).never_says("the same content");
    }
}

/// As it is advised of two entries of one content, wherever the one that was posted stands.
#[test]
fn ids_that_two_entries_are_given_go_to_those_whose_settings_were_posted() {
    for copied in [false, true] {
        let world = World::logged_in();
        let video = world.video("a.mp4", 100_000);
        if copied {
            fs::copy(&video, world.path("b.mp4")).unwrap();
        }
        let second = if copied { "b.mp4" } else { "a.mp4" };
        let one = |video: &str, words: &str| entry(&world, video, &json!({ "description": words }));
        let with_id = |video: &str, words: &str| {
            entry(&world, video, &json!({ "description": words, "id": words }))
        };
        let manifest = world.manifest(&json!([one("a.mp4", "Monday")]));
        world.upload(&manifest).exits(0).says("1 published");
        let manifest = world.manifest(&json!([one(second, "Tuesday"), one("a.mp4", "Monday")]));
        world.upload(&manifest).exits(0).says("2 skipped");
        let both = json!([with_id(second, "Tuesday"), with_id("a.mp4", "Monday")]);
        let manifest = world.manifest(&both);
        let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
        dry.says("1 planned, 1 skipped").says("caption \"Tuesday\"");
        world.upload(&manifest).exits(0).says("1 published, 1 skipped");
        let titles: Vec<_> = world.posts().into_iter().map(|post| post.title).collect();
        assert_eq!(titles, ["Monday", "Tuesday"], "{copied}");
        world.upload(&manifest).exits(0).says("2 skipped");
    }
}

/// Without an `id` the content in its mode counts, whatever an entry of an `id` has asked for meanwhile.
#[test]
fn an_id_of_another_mode_makes_no_post_of_the_content_done() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let draft = entry(&world, "a.mp4", &json!({ "id": "a", "mode": "draft" }));
    world.upload(&world.manifest(&json!([draft]))).exits(0).says("1 in inbox");
    let direct = world.manifest(&json!([entry(&world, "a.mp4", &json!({ "id": "a" }))]));
    for _ in 0..2 {
        let ran = world.upload(&direct).exits(0).says("1 skipped");
        ran.says("its `mode` was `draft`, and is `direct` by now");
    }
    world
        .upload(&world.manifest(&json!([entry(&world, "a.mp4", &json!({}))])))
        .exits(0)
        .says("1 published");
    assert_eq!(world.inits(), 2);
}

/// What a person has said TikTok is not asked for any more, so no advice rests on that.
#[test]
fn what_was_called_posted_by_mistake_is_mended_by_the_one_way_that_works() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let manifest = world.one_post(ADA, "a.mp4");
    world.refuse("video_init", 1, 1, "invalid_param");
    world.upload(&manifest).exits(1);
    world.run(&["resolve", "1", "--posted"]).exits(0);
    world.upload(&manifest).exits(0).says("1 skipped");
    let ran = world.run(&["resolve", "1", "--not-posted"]).exits(2).says("--repost");
    ran.says("TikTok is not asked for it any more").never_says("word counts");
    world.run(&["upload", "--repost", &manifest]).exits(0).says("1 published");
    world.upload(&manifest).exits(0).says("1 skipped");
}

/// Under an `id` a repost may be of other content. What was posted before stays posted, by whichever entry it is named,
/// and the repost is of the content that it was asked for.
#[test]
fn a_repost_of_other_content_under_an_id_is_nobody_elses() {
    let world = World::logged_in();
    let with_id =
        |level: &str| entry(&world, "a.mp4", &json!({ "id": "a", "privacy_level": level }));
    world.video("a.mp4", 100_000);
    fs::copy(world.path("a.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world.manifest(&json!([with_id("SELF_ONLY")]));
    world.upload(&manifest).exits(0).says("1 published");
    // Another video, and a level that the account does not offer.
    world.video("a.mp4", 100_001);
    let wide = world.manifest(&json!([with_id("PUBLIC_TO_EVERYONE")]));
    world.run(&["upload", "--repost", &wide]).exits(1).says("does not offer");
    let copy = entry(&world, "copy.mp4", &json!({}));
    let copied = world.manifest(&json!([copy]));
    world.run(&["upload", "--dry-run", &copied]).exits(0).says("1 skipped");
    let ran = told(&world, &[&copied], 0);
    assert_eq!((&ran[0]["state"], &ran[0]["post"]), (&json!("skipped"), &json!(1)), "{ran:#?}");
    assert_eq!(world.published(), 1);
    // As it was asked for.
    let manifest = world.manifest(&json!([with_id("SELF_ONLY")]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0).says("1 planned");
    dry.says("the repost that an earlier run was asked for");
    world.upload(&manifest).exits(0).says("1 published").says("finishing a repost");
    assert_eq!(world.posts().last().unwrap().size, 100_001);
    // Each is known by its content.
    for (video, post) in [("copy.mp4", 1), ("a.mp4", 2)] {
        let manifest = world.manifest(&json!([entry(&world, video, &json!({}))]));
        let ran = told(&world, &[&manifest], 0);
        assert_eq!(
            (&ran[0]["state"], &ran[0]["post"]),
            (&json!("skipped"), &json!(post)),
            "{ran:#?}"
        );
    }
    assert_eq!(world.published(), 2);
}

/// What failed of another content is not said of the one that was posted.
#[test]
fn a_repost_that_failed_with_other_content_leaves_the_posted_one_posted() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    fs::copy(world.path("a.mp4"), world.path("good.mp4")).unwrap();
    let manifest = world.manifest(&json!([entry(&world, "a.mp4", &json!({ "id": "a" }))]));
    world.upload(&manifest).exits(0).says("1 published");
    world.video("a.mp4", 100_001);
    world.say_status(0, &json!({ "status": "FAILED", "fail_reason": "file_format_check_failed" }));
    world.run(&["upload", "--repost", &manifest]).exits(1).says("file_format_check_failed");
    world.let_go();
    world.run(&["upload", &manifest]).exits(1).says("file_format_check_failed");
    fs::copy(world.path("good.mp4"), world.path("a.mp4")).unwrap();
    for args in [&["--dry-run", &manifest][..], &[&manifest]] {
        let ran = told(&world, args, 0);
        assert_eq!((&ran[0]["state"], &ran[0]["post"]), (&json!("skipped"), &json!(1)), "{ran:#?}");
    }
    let good = world.manifest(&json!([entry(&world, "good.mp4", &json!({}))]));
    assert_eq!(told(&world, &[&good], 0)[0]["post"], 1);
    assert_eq!(world.inits(), 2);
}

const TWO_IDS: &str = "the same content as post 1 of this manifest (`id` \"a\")";

#[test]
fn two_ids_of_one_content_are_warned_of_before_anything_is_posted() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
    let manifest = world.manifest(&json!([
        entry(&world, "clip.mp4", &json!({ "id": "a" })),
        entry(&world, "copy.mp4", &json!({ "id": "b" })),
    ]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.says(TWO_IDS).says("its `id` \"b\" is another one").says("2 planned");
    let dry = told(&world, &["--dry-run", &manifest], 0);
    assert_eq!(dry[1]["warnings"].as_array().unwrap().len(), 1, "{dry:#?}");
    world.upload(&manifest).exits(0).says("the same content as clip.mp4 (post 1, `id` \"a\")");
    for args in [&["upload", &manifest][..], &["upload", "--dry-run", &manifest]] {
        world.run(args).exits(0).never_says("the same content");
    }
}

#[test]
fn content_that_is_to_be_posted_once_more_later_is_warned_of_once() {
    for quiet in [false, true] {
        let mut world = World::logged_in();
        world.video("clip.mp4", 100_000);
        fs::copy(world.path("clip.mp4"), world.path("copy.mp4")).unwrap();
        let mut later = at(2);
        later["id"] = json!("b");
        let manifest = world.manifest(&json!([
            entry(&world, "clip.mp4", &json!({ "id": "a" })),
            entry(&world, "copy.mp4", &later),
        ]));
        let mut run = vec!["upload", &manifest];
        for _ in 0..2 {
            world.run(&["upload", "--dry-run", &manifest]).exits(0).says(TWO_IDS);
        }
        if quiet {
            run.insert(0, "--quiet");
            world.run(&run).exits(0).never_says("the same content");
        } else {
            world.run(&run).exits(0).says(TWO_IDS);
        }
        world.run(&run).exits(0).never_says("the same content");
        world.run(&["upload", "--dry-run", &manifest]).exits(0).says(TWO_IDS);
        world.advance(HOUR * 3);
        world.run(&run).exits(0).says("the same content as clip.mp4 (post 1, `id` \"a\")");
        world.run(&run).exits(0).never_says("the same content");
        assert_eq!(world.published(), 2);
    }
}

#[test]
fn what_was_posted_under_another_id_is_warned_of_before_its_time() {
    let world = World::logged_in();
    world.video("clip.mp4", 100_000);
    let first = entry(&world, "clip.mp4", &json!({ "id": "a" }));
    world.upload(&world.manifest(&json!([first]))).exits(0);
    let mut later = at(2);
    later["id"] = json!("b");
    let manifest = world.manifest(&json!([entry(&world, "clip.mp4", &later)]));
    let words = "the same content as clip.mp4 (post 1, `id` \"a\")";
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says(words).says("deferred");
    world.upload(&manifest).exits(0).says(words);
    world.upload(&manifest).exits(0).never_says("the same content");
}

#[test]
fn drafts_that_the_manifest_alone_has_too_many_of_are_called_so() {
    let world = World::logged_in().timing("quota_window=1ms");
    let drafts = |count: u64| {
        let entries: Vec<_> = (0..count)
            .map(|number| {
                let name = format!("{number}.mp4");
                world.video(&name, 100_000 + number);
                entry(&world, &name, &json!({ "mode": "draft" }))
            })
            .collect();
        world.manifest(&json!(entries))
    };
    let manifest = drafts(8);
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(5);
    ran.says("the inbox has room for 5 of 5 drafts a day")
        .says("this manifest has more drafts than that: posts 6, 7, 8 wait, for now until")
        .says("at most 5 unfinished ones in 24 hours, and 5 of this manifest go before this one")
        .says("a later run sends it")
        .never_says("five drafts wait in the account's inbox")
        .never_says("limit of 24 hours is full")
        .never_says("in the inbox; ");
    let posts = told(&world, &["--dry-run", &manifest], 5);
    assert_eq!(posts[5]["error"]["code"], "spam_risk_too_many_pending_share", "{posts:#?}");
    // Some wait there already.
    world.upload(&drafts(3)).exits(0);
    let manifest = drafts(8);
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(5);
    ran.says("room for 2 of 5 drafts")
        .says("2 of this manifest go before this one, beside 3 in the inbox");
    // Now all of them do.
    world.upload(&manifest).exits(5);
    let ran = world.run(&["upload", "--dry-run", &manifest]).exits(5);
    ran.says("five drafts wait in the account's inbox").never_says("more drafts than");
}

/// A post that was made without an `id` takes the first that it is given, in a dry run as in a run.
#[test]
fn one_of_two_ids_takes_the_post_that_had_none() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let ada = world.open_id(ADA);
    world.run(&["upload", &world.one_post(ADA, "a.mp4")]).exits(0);
    let entry = |id: &str| json!({ "user_id": ada, "video_path": "a.mp4", "id": id });
    let manifest = world.manifest(&json!([entry("one"), entry("two")]));
    for _ in 0..2 {
        let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
        dry.says("1 planned, 1 skipped")
            .says("the same content as a.mp4 (post 1, `id` \"one\")")
            .never_says("to have both");
    }
    let ran = world.run(&["upload", &manifest]).exits(0);
    ran.says("1 published, 1 skipped").says("the same content as a.mp4 (post 1, `id` \"one\")");
    assert_eq!(world.published(), 2);
}

#[test]
fn an_id_is_taken_whenever_its_post_would_be_due() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_000);
    let ada = world.open_id(ADA);
    world.run(&["upload", &world.one_post(ADA, "a.mp4")]).exits(0);
    let at = jiff::Timestamp::now() + SignedDuration::from_hours(2);
    let entry = |id: &str| {
        json!({ "user_id": ada, "video_path": "a.mp4", "id": id, "publish_at": at,
            "privacy_level": "SELF_ONLY" })
    };
    let manifest = world.manifest(&json!([entry("one"), entry("two")]));
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.says("1 skipped, 1 deferred");
    let ran = world.run(&["upload", &manifest]).exits(0);
    ran.says("a.mp4: the same content as ").says("(`id` \"one\"): it is posted once more");
    let other = world.manifest(&json!([entry("three")]));
    world.run(&["upload", "--dry-run", &other]).exits(0).says("1 deferred");
    // Another video under the `id` that was taken is an error when its time has come.
    world.video("a.mp4", 200_000);
    world.advance(SignedDuration::from_hours(3));
    let one = world.manifest(&json!([entry("one")]));
    world.run(&["upload", &one]).exits(1).says("the `id` \"one\" was used for a.mp4");
    assert_eq!(world.published(), 1);
}

/// What is asked for with `--repost` is made when its time has come, by a run that need not be told so.
#[test]
fn a_repost_that_waits_for_its_time_is_made_then() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_000);
    world.video("b.mp4", 100_001);
    world.run(&["upload", &world.one_post(ADA, "a.mp4")]).exits(0);
    let at = jiff::Timestamp::now() + SignedDuration::from_hours(2);
    let entry = |video: &str| {
        json!({ "user_id": world.open_id(ADA), "video_path": video, "publish_at": at,
            "privacy_level": "SELF_ONLY" })
    };
    let manifest = world.manifest(&json!([entry("a.mp4"), entry("b.mp4")]));
    for _ in 0..2 {
        world.run(&["upload", "--repost", &manifest]).exits(0).says("2 deferred");
    }
    world.run(&["upload", &manifest]).exits(0).says("2 deferred");
    world.advance(SignedDuration::from_hours(3));
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("2 planned");
    world.run(&["upload", &manifest]).exits(0).says("2 published");
    world.run(&["upload", &manifest]).exits(0).says("2 skipped");
    assert_eq!(world.published(), 3);
}

#[test]
fn a_repost_of_a_file_that_is_being_written_waits() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let manifest = world.one_post(ADA, "a.mp4");
    world.run(&["upload", &manifest]).exits(0);
    let writer = fs::OpenOptions::new().append(true).open(world.path("a.mp4")).unwrap();
    for args in
        [&["upload", "--repost", &manifest][..], &["upload", "--dry-run", "--repost", &manifest]]
    {
        let ran = world.run(args).exits(5).says("still being written").never_says("once more");
        ran.says("run again with `--repost` once the file is finished");
    }
    drop(writer);
    world.run(&["upload", &manifest]).exits(0).says("1 skipped");
}

#[test]
fn an_id_whose_file_is_not_there_is_no_reason_to_post_it_again() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let ada = world.open_id(ADA);
    let entry = |video: &str| json!([{ "user_id": ada, "video_path": video, "id": "one" }]);
    world.run(&["upload", &world.manifest(&entry("a.mp4"))]).exits(0);
    let gone = world.manifest(&entry("gone.mp4"));
    let ran = world.run(&["upload", &gone]).exits(1).says("the file of this entry is not there");
    ran.says("correct the path, put the file back").never_says("--repost");
    // A path of standard input begins where the command is run.
    let other = world.path("elsewhere");
    fs::create_dir(&other).unwrap();
    let mut command = world.command(&["upload", "-"]);
    command
        .current_dir(&other)
        .stdin(fs::File::open(world.file("in.json", entry("a.mp4").to_string())).unwrap());
    let lost = other.join("a.mp4").display().to_string();
    Ran::of(command).exits(1).says(&format!("the file of this entry is not there: {lost}"));
    world.run(&["upload", "--repost", &gone]).exits(2).says("gone.mp4`: there is no such file");
    assert_eq!(world.published(), 1);
}

/// A name that is used again each day says nothing of a video that is not there.
#[test]
fn a_file_that_is_not_there_is_not_taken_for_another_days_without_a_word() {
    let world = World::logged_in();
    world.video("today.mp4", 100_000);
    let ada = world.open_id(ADA);
    let entry = |words: &str| {
        world.manifest(&json!([{ "user_id": ada, "video_path": "today.mp4", "description": words,
            "privacy_level": "SELF_ONLY" }]))
    };
    let same = entry("day 1");
    world.run(&["upload", &same]).exits(0);
    fs::remove_file(world.path("today.mp4")).unwrap();
    for args in [&["--quiet", "upload", &same][..], &["upload", "--dry-run", &same]] {
        world.run(args).exits(0).never_says("there is no such file");
    }
    world.run(&["upload", "--dry-run", &same]).exits(0).says("as post 1; its file is gone");
    world.run(&["upload", "--repost", &same]).exits(2).says("today.mp4`: there is no such file");
    let other = entry("day 2");
    let said = "post 1 was made of one that lay there, with other settings";
    for args in [&["upload", "--dry-run", &other][..], &["upload", &other]] {
        let ran = world.run(args).exits(0).says(said);
        ran.says("as post 1; its file is gone; the entry has other settings by now");
    }
    world.run(&["--quiet", "upload", &other]).exits(0).says(said);
    world.run(&["--quiet", "upload", &other]).exits(0).never_says(said);
    world.video("today.mp4", 200_000);
    world.run(&["upload", &other]).exits(0).says("1 published");
    assert_eq!(world.published(), 2);
}

/// A finished folder is sorted away, and later emptied.
#[test]
fn a_video_that_was_moved_and_then_deleted_stays_posted() {
    let world = World::logged_in();
    let ada = world.open_id(ADA);
    let manifest = |folder: &str, ids: [Option<&str>; 2]| {
        let entry = |(name, id): (&str, Option<&str>)| {
            let mut entry = json!({ "user_id": ada, "video_path": format!("{folder}/{name}.mp4") });
            if let Some(id) = id {
                entry["id"] = id.into();
            }
            entry
        };
        let entries: Vec<_> = ["a", "b"].into_iter().zip(ids).map(entry).collect();
        world.manifest(&json!(entries))
    };
    fs::create_dir(world.path("new")).unwrap();
    world.video("new/a.mp4", 100_000);
    world.video("new/b.mp4", 100_001);
    world.run(&["upload", &manifest("new", [None, Some("b")])]).exits(0).says("2 published");
    fs::rename(world.path("new"), world.path("done")).unwrap();
    let moved = manifest("done", [None, Some("b")]);
    world.run(&["upload", &moved]).exits(0).says("2 skipped");
    fs::remove_dir_all(world.path("done")).unwrap();
    for args in [&["upload", &moved][..], &["upload", "--dry-run", &moved]] {
        world.run(args).exits(0).says("2 skipped").says("its file is gone");
    }
    // An `id` that is given after all of that names the same post, unless the settings are others.
    let named = manifest("done", [Some("a"), Some("b")]);
    world.run(&["upload", &named]).exits(0).says("2 skipped");
    let mut other = json!([{ "user_id": ada, "video_path": "done/a.mp4", "id": "next" }]);
    other[0]["description"] = "another one".into();
    let ran = world.run(&["upload", &world.manifest(&other)]).exits(2);
    ran.says("done/a.mp4`: there is no such file");
    assert_eq!(world.published(), 2);
}

/// What was posted twice by two `id`s is two posts, also when their `id`s are gone.
#[test]
fn copies_that_were_each_posted_are_not_told_to_be_one() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    fs::copy(world.path("a.mp4"), world.path("b.mp4")).unwrap();
    let entries = |a: &Value, b: &Value| {
        world.manifest(&json!([entry(&world, "a.mp4", a), entry(&world, "b.mp4", b)]))
    };
    let named = entries(&json!({ "id": "a" }), &json!({ "id": "b" }));
    world.run(&["upload", &named]).exits(0).says("2 published");
    let unnamed = entries(&json!({}), &json!({}));
    for touched in [false, true] {
        if touched {
            let b = fs::OpenOptions::new().append(true).open(world.path("b.mp4")).unwrap();
            b.set_modified(std::time::SystemTime::now()).unwrap();
        }
        for args in [&["upload", "--dry-run", &unnamed][..], &["upload", &unnamed]] {
            world.run(args).exits(0).says("2 skipped").never_says("the same as");
        }
    }
    assert_eq!(world.published(), 2);
}

/// Exported anew, or the next one under the same name: a dry run says that it is another post.
#[test]
fn another_video_at_the_place_of_one_that_was_posted_is_called_so_before_it_is_sent() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let manifest = world.one_post(ADA, "a.mp4");
    world.run(&["upload", &manifest]).exits(0);
    world.video("a.mp4", 100_001);
    let said = "another video than post 1, which lay there before";
    world.run(&["upload", "--dry-run", &manifest]).exits(0).says("1 planned").says(said);
    world.run(&["upload", &manifest]).exits(0).says("1 published").says(said);
    world.video("a.mp4", 100_002);
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says("another video");
    assert_eq!(world.published(), 3);
    // One that is under way comes first.
    world.video("b.mp4", 100_000);
    world.say_status(0, &json!({ "status": "PROCESSING_UPLOAD" }));
    let manifest = world.one_post(ADA, "b.mp4");
    world.run(&["upload", "--no-wait", &manifest]).exits(5);
    world.video("b.mp4", 100_001);
    let dry = world.run(&["upload", "--dry-run", &manifest]).exits(0);
    dry.says("another video than post 4, which lay there before and is not finished");
}

/// A file that TikTok did not take is mended at its place: nothing is left to be done about its post.
#[test]
fn a_failed_post_whose_mended_video_was_posted_is_not_listed() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    let end = json!({ "status": "FAILED", "fail_reason": "file_format_check_failed" });
    world.fault(&json!({ "endpoint": "video_init", "do": { "outcome": end } }));
    let manifest = world.one_post(ADA, "a.mp4");
    world.run(&["upload", &manifest]).exits(1);
    world.run(&["--quiet", "status"]).says("a.mp4");
    let told = world.run(&["--json", "status"]).json();
    assert!(told[0]["hint"].as_str().unwrap().contains("resolve 1 --not-posted"), "{told:#?}");
    world.video("a.mp4", 100_001);
    world.run(&["upload", &manifest]).exits(0).says("1 published");
    world.run(&["--quiet", "status"]).exits(0).never_says("a.mp4");
    world.run(&["status"]).exits(0).says("every post is final");
}

/// A link leads to what is meant now, and that is not there.
#[test]
fn a_link_to_what_is_not_there_is_not_taken_for_a_deleted_video_without_a_word() {
    let world = World::logged_in();
    world.video("day1.mp4", 100_000);
    let link = |target: &str| {
        _ = fs::remove_file(world.path("latest.mp4"));
        std::os::unix::fs::symlink(target, world.path("latest.mp4")).unwrap();
    };
    link("day1.mp4");
    let manifest = world.one_post(ADA, "latest.mp4");
    world.run(&["upload", &manifest]).exits(0).says("1 published");
    link("day2.mp4");
    let said = "it is a symbolic link to day2.mp4, which is not there";
    for args in [&["upload", "--dry-run", &manifest][..], &["--quiet", "upload", &manifest]] {
        world.run(args).exits(0).says(said);
    }
    world.run(&["--quiet", "upload", &manifest]).exits(0).never_says(said);
    world.video("day2.mp4", 100_001);
    world.run(&["upload", &manifest]).exits(0).says("1 published");
}

#[test]
fn an_entry_of_the_same_content_says_that_it_has_other_settings() {
    let world = World::logged_in();
    world.video("a.mp4", 100_000);
    std::fs::copy(world.path("a.mp4"), world.path("b.mp4")).unwrap();
    let post = |video: &str, words: &str| json!({ "video_path": video, "description": words, "privacy_level": "SELF_ONLY" });
    let manifest = world.manifest(&json!([post("a.mp4", "one"), post("b.mp4", "two")]));
    let words = "the same as post 1 of this manifest, which has other settings; to have both";
    world.run(&["upload", &manifest, "--dry-run"]).exits(0).says(words);
    for _ in 0..2 {
        world.upload(&manifest).exits(0).says(words);
    }
    let manifest = world.manifest(&json!([post("a.mp4", "one"), post("b.mp4", "one")]));
    world.upload(&manifest).exits(0).never_says("which has other settings");
    assert_eq!(world.inits(), 1);
}

/// What was never posted under its `id` is not all that is known of a content.
#[test]
fn content_that_was_posted_under_another_id_is_told_whatever_was_put_off() {
    let mut world = World::logged_in();
    world.video("a.mp4", 100_001);
    let named = |world: &World, id: &str| {
        world.manifest(&json!([{ "id": id, "user_id": world.open_id(ADA), "video_path": "a.mp4",
            "privacy_level": "SELF_ONLY" }]))
    };
    world.refuse("video_init", 1, 1, "spam_risk_too_many_posts");
    world.upload(&named(&world, "one")).exits(5);
    world.advance(HOUR * 26);
    let ran = world.upload(&named(&world, "two")).exits(0).says("1 published");
    ran.never_says("does not name it any more");
    world.run(&["status"]).exits(0).says("every post is final");
    for id in ["one", "three"] {
        let manifest = named(&world, id);
        for args in [&["upload", "--dry-run", &manifest][..], &["-q", "upload", &manifest]] {
            let ran = world.run(args).exits(0);
            ran.says("the same content as a.mp4 (post ").says("once more");
        }
    }
}
