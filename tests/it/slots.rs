//! `publish_at = "next:NAME"`: times of the week that posts are spread over.

use std::fs;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{ADA, World};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Two times a day, so that the next ones are at most a day ahead.
const SLOTS: &str = "[slots.daily]\ntimes = [\"06:00\", \"18:00\"]\nzone = \"UTC\"\n";

fn world(config: &str) -> World {
    let world = World::logged_in();
    world.configure(config);
    for (n, name) in (0..).zip(["a", "b", "c"]) {
        world.video(&format!("{name}.mp4"), 100_001 + n);
    }
    world
}

fn posts(world: &World, videos: &[&str]) -> String {
    let entry = |video: &&str| {
        json!({ "user_id": world.open_id(ADA), "video_path": video, "privacy_level": "SELF_ONLY",
            "publish_at": "next:daily" })
    };
    world.manifest(&videos.iter().map(entry).collect())
}

/// What a run says of each post, by its video: when it is made, or what became of it.
fn times(world: &World, args: &[&str]) -> Vec<(String, String)> {
    let lines = world.run(&[&["--json", "upload"], args].concat()).exits(0).json();
    let posts = lines.iter().filter(|line| line["event"] == "post");
    let told = |line: &Value| {
        let at = line["not_before"].as_str().or(line["state"].as_str()).unwrap().to_owned();
        (line["video"].as_str().unwrap().to_owned(), at)
    };
    let mut times: Vec<_> = posts.map(told).collect();
    times.sort();
    times
}

#[test]
fn posts_take_the_times_of_a_slot_one_after_another_and_keep_them() {
    let mut world = world(SLOTS);
    let manifest = posts(&world, &["a.mp4", "b.mp4"]);
    let dry = times(&world, &["--dry-run", &manifest]);
    assert!(!world.home().join("home/slots.json").exists());
    let given = times(&world, &[&manifest]);
    assert_eq!(given, dry);
    assert_ne!(given[0].1, given[1].1);
    assert!(given.iter().all(|(_, at)| at.contains(":00:00Z")), "{given:?}");
    let ran = world.run(&["upload", &manifest]).exits(0);
    ran.says("its time has not come (slot `daily`)");
    // In another order, with one more.
    let manifest = posts(&world, &["c.mp4", "b.mp4", "a.mp4"]);
    let three = times(&world, &[&manifest]);
    assert_eq!(three[..2], given);
    assert!(!given.iter().any(|(_, at)| *at == three[2].1), "{three:?}");
    world.run(&["status"]).exits(0).says("scheduled for");

    // Each is made once its time has come.
    world.advance(2 * DAY);
    let states = times(&world, &[&manifest]);
    assert!(states.iter().all(|(_, state)| state == "published"), "{states:?}");
    assert!(times(&world, &[&manifest]).iter().all(|(_, state)| state == "skipped"));
    assert_eq!((world.published(), world.inits()), (3, 3));
    // Another video under a name that was posted has a time of its own.
    fs::remove_file(world.path("a.mp4")).unwrap();
    world.video("a.mp4", 100_009);
    let again = times(&world, &[&manifest]);
    assert!(again[0].1.ends_with('Z'), "{again:?}");
    assert_eq!(world.inits(), 3);
}

/// It is the same post: with a time of its own it could be made earlier than it was said to be.
#[test]
fn a_post_that_is_renamed_or_given_an_id_keeps_its_time() {
    let world = world(SLOTS);
    let address = "https://cdn.example.com/d.mp4";
    let entry = |id: Option<&str>, key: &str, video: &str| {
        let mut post = json!({ "user_id": world.open_id(ADA), "privacy_level": "SELF_ONLY",
            "publish_at": "next:daily" });
        let own = [(key, Some(video)), ("id", id)].into_iter();
        let own = own.filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
        post.as_object_mut().unwrap().extend(own);
        post
    };
    let path = "video_path";
    let posts = [
        entry(None, path, "a.mp4"),
        entry(None, path, "b.mp4"),
        entry(Some("c"), path, "c.mp4"),
        entry(None, "video_url", address),
    ];
    let times = |posts: &[Value]| {
        let times = times(&world, &[&world.manifest(&json!(posts))]);
        times.into_iter().map(|(_, at)| at).collect::<Vec<_>>()
    };
    let given = times(&posts);
    assert_eq!(given.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{given:?}");
    fs::rename(world.path("b.mp4"), world.path("bb.mp4")).unwrap();
    // Of the first one nothing is left, and its time is free.
    let changed = [
        entry(None, path, "bb.mp4"),
        entry(Some("another"), path, "c.mp4"),
        entry(Some("d"), "video_url", address),
    ];
    assert_eq!(times(&changed), given[1..]);
    let named = [entry(Some("b"), path, "bb.mp4"), entry(None, path, "c.mp4")];
    assert_eq!(times(&named), given[1..3]);
    assert_eq!(world.inits(), 0);
}

/// The other one goes as it would have gone: a video that was exported anew is the same post to whoever did that.
#[test]
fn a_video_that_is_mended_after_its_time_goes_at_once() {
    let mut world = world(SLOTS);
    let manifest = posts(&world, &["a.mp4"]);
    times(&world, &[&manifest]);
    world.advance(2 * DAY);
    world.video("new.mp4", 100_009);
    fs::rename(world.path("new.mp4"), world.path("a.mp4")).unwrap();
    assert_eq!(times(&world, &[&manifest])[0].1, "published");
    // What follows it has a time of its own.
    world.video("new.mp4", 100_017);
    fs::rename(world.path("new.mp4"), world.path("a.mp4")).unwrap();
    let again = times(&world, &[&manifest]);
    assert!(again[0].1.ends_with('Z'), "{again:?}");
    assert_eq!(world.inits(), 1);
}

/// What is made before its time, or is another post, leaves it to the next one.
#[test]
fn what_is_posted_already_takes_no_time() {
    let world = world(SLOTS);
    let now = world.one_post(ADA, "a.mp4");
    world.run(&["upload", &now]).exits(0).says("1 published");
    fs::copy(world.path("a.mp4"), world.path("b.mp4")).unwrap();
    let manifest = posts(&world, &["a.mp4", "b.mp4", "c.mp4"]);
    let first = times(&world, &[&manifest]);
    assert_eq!([&first[0].1, &first[1].1], ["skipped"; 2]);
    let second = times(&world, &["--dry-run", &posts(&world, &["c.mp4"])]);
    let third = times(&world, &[&posts(&world, &["c.mp4"])]);
    assert_eq!((&second[0].1, &third[0].1), (&first[2].1, &first[2].1));
    let kept = fs::read_to_string(world.home().join("home/slots.json")).unwrap();
    assert_eq!(kept.matches("\"account\"").count(), 1, "{kept}");
}

#[test]
fn a_slot_that_is_wrong_is_refused_with_its_place() {
    let world = world(SLOTS);
    let run = |slot: &str| {
        let entry = json!({ "video_path": "a.mp4", "publish_at": slot });
        world.run(&["upload", &world.manifest(&json!([entry]))])
    };
    let ran = run("next:dialy").exits(2).says("config.toml has no `[slots.dialy]`");
    ran.says("did you mean `next:daily`?").says("post 1, field `publish_at`");
    let ran = world.run(&["post", "a.mp4", "--at", "next:no"]);
    ran.exits(2).says("`--at`: config.toml has no `[slots.no]`");
    for (config, said) in [
        ("times = []", "needs at least one time"),
        ("times = [\"25:00\"]", "`25:00` is no time of day"),
        ("days = [\"mon\"]", "the slot has no `times`"),
        ("times = [\"6:00\"]\ndays = [\"someday\"]", "`someday` is no day; there are `mon`"),
        ("times = [\"06:00\"]\nzone = \"Europe/Berln\"", "no time zone of that name"),
        ("times = [\"06:00\"]\njitter = \"13h\"", "at most 12h"),
        ("times = [\"06:00\"]\ntime = 1", "did you mean `times`?"),
    ] {
        world.configure(&format!("[slots.daily]\n{config}\n"));
        run("next:daily").exits(2).says(said);
    }
    assert_eq!(world.inits(), 0);
}

/// It is not taken for an empty one, which would move every post.
#[test]
fn a_damaged_list_of_times_is_told() {
    let world = world(SLOTS);
    let manifest = posts(&world, &["a.mp4"]);
    times(&world, &[&manifest]);
    let path = world.home().join("home/slots.json");
    let kept = fs::read(&path).unwrap();
    fs::write(&path, &kept[..kept.len() / 2]).unwrap();
    world.run(&["upload", &manifest]).exits(4).says("slots.json").says("away");
    fs::write(&path, &kept).unwrap();
    world.run(&["upload", &manifest]).exits(0);
}

/// A link that is signed anew each time is the same post, and its signature lies nowhere.
#[test]
fn an_address_keeps_its_time_whatever_signs_it() {
    let world = world(SLOTS);
    let manifest = |signature: &str| {
        let url =
            format!("https://media.example.com/a.mp4?X-Amz-Signature={signature}&X-Amz-Date=1");
        let entry =
            json!({ "video_url": url, "privacy_level": "SELF_ONLY", "publish_at": "next:daily" });
        world.manifest(&json!([entry]))
    };
    let time = |manifest: &str| times(&world, &[manifest])[0].1.clone();
    let first = time(&manifest("canary1"));
    assert_eq!(time(&manifest("canary2")), first);
    let kept = fs::read_to_string(world.home().join("home/slots.json")).unwrap();
    assert!(!kept.contains("canary") && !kept.contains("media.example.com"), "{kept}");
}
