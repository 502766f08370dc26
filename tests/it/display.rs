//! What TikTok knows of an account: `accounts show` and `videos`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tiktok_up::testing::Phase;

use crate::world::{ADA, BEA, World};

const ALL: &str =
    "user.info.basic,user.info.profile,user.info.stats,video.list,video.publish,video.upload";

/// A public account whose login has these scopes, with so many public posts.
fn with_posts(scopes: &str, count: u32) -> World {
    let world = World::new();
    world.account(BEA, &json!({ "private": false }));
    world.consent(&json!({ "account": BEA }));
    world.login_with(&["--scopes", scopes]).exits(0);
    for n in 0..count {
        let video = format!("{n}.mp4");
        world.video(&video, 100_000 + u64::from(n));
        let manifest = world
            .manifest(&json!([{ "video_path": video, "description": format!("Post {n}"),
            "privacy_level": "PUBLIC_TO_EVERYONE" }]));
        world.upload(&manifest).exits(0);
    }
    world
}

#[test]
fn an_account_is_shown_as_far_as_its_login_goes() {
    let world = with_posts(ALL, 0);
    let ran = world.run(&["accounts", "show"]).exits(0);
    for words in
        ["open_id:", "profile:", "@bea", "followers:", "may post:", "PUBLIC_TO_EVERYONE", "scopes:"]
    {
        assert!(ran.stdout.contains(words), "{words}: {ran:#?}");
    }
    let json = world.run(&["--json", "accounts", "show"]).exits(0).json();
    let [line] = json.as_slice() else { panic!("{json:#?}") };
    assert_eq!((&line["event"], &line["username"]), (&json!("account_details"), &json!("bea")));
    assert!(line["followers"].is_u64() && line["longest_video_seconds"].is_u64(), "{line:#}");
    // With less, less is asked for.
    let world = with_posts("user.info.basic,video.upload", 0);
    let ran = world.run(&["accounts", "show"]).exits(0);
    assert!(!ran.stdout.contains("followers") && !ran.stdout.contains("may post"), "{ran:#?}");
    assert!(world.calls("creator_info").is_empty());
    world.run(&["accounts", "show", "nobody"]).exits(2).says("no account is called");
}

#[test]
fn public_videos_are_listed_newest_first_with_their_numbers() {
    let world = with_posts(ALL, 3);
    let ran = world.run(&["videos"]).exits(0);
    let rows: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 4, "{ran:#?}");
    assert!(
        rows[0].starts_with("ID") && rows[1].contains("Post 2") && rows[3].contains("Post 0"),
        "{ran:#?}"
    );
    let json = world.run(&["--json", "videos", "--limit", "2"]).exits(0).json();
    assert_eq!(json.len(), 2, "{json:#?}");
    assert!(json[0]["views"].is_u64() && json[0]["created_at"].is_string(), "{json:#?}");
    world.run(&["videos", "--limit", "0"]).exits(2);
    let world = with_posts(ALL, 0);
    world.run(&["videos"]).exits(0).says("no public videos");
}

/// TikTok gives twenty at a time.
#[test]
fn more_videos_than_an_answer_holds_are_asked_for_page_by_page() {
    let world = with_posts(ALL, 0);
    let page = |from: i64, count: i64, more: bool| {
        let videos: Vec<_> = (0..count).map(|n| json!({ "id": (from + n).to_string() })).collect();
        json!({ "data": { "videos": videos, "cursor": from + count, "has_more": more },
                "error": { "code": "ok", "message": "", "log_id": "1" } })
    };
    for (nth, body) in
        [(1, page(100, 20, true)), (2, page(120, 20, true)), (3, page(140, 5, false))]
    {
        world.fault(&json!({ "endpoint": "video_list", "nth": nth, "do": { "answer": { "status": 200, "body": body.to_string() } } }));
    }
    let json = world.run(&["--json", "videos", "--limit", "100"]).exits(0).json();
    let ids: Vec<_> = json.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, (100..145).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_login_without_the_scope_is_told_how_to_get_it() {
    let world = World::logged_in();
    let ran = world.run(&["videos"]).exits(3).says("does not have the scope `video.list`");
    ran.says("among its `--scopes`");
    assert!(world.calls("video_list").is_empty());
}

#[test]
fn history_lists_what_was_posted_newest_first() {
    let world = with_posts(ALL, 2);
    world.run(&["history"]).exits(0);
    world.video("draft.mp4", 100_500);
    let draft = world.manifest(&json!([{ "video_path": "draft.mp4", "mode": "draft" }]));
    world.upload(&draft).exits(0);
    let ran = world.run(&["history"]).exits(0);
    let rows: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 4, "{ran:#?}");
    assert!(rows[1].contains("draft.mp4") && rows[1].contains("inbox"), "{ran:#?}");
    assert!(rows[3].contains("0.mp4") && rows[3].contains("published"), "{ran:#?}");
    assert!(world.calls("video_query").is_empty());
    let json = world.run(&["--json", "history", "--numbers"]).exits(0).json();
    assert_eq!(json.len(), 3, "{json:#?}");
    assert_eq!((&json[0]["state"], &json[0]["url"]), (&json!("inbox"), &json!(null)));
    assert!(json[1]["url"].as_str().unwrap().contains("/video/"), "{json:#?}");
    assert!(json[1]["cover"].as_str().unwrap().contains("/avatar/"), "{json:#?}");
    assert!(json[1]["views"].is_u64() && json[1]["open_id"].is_string(), "{json:#?}");
    let csv = world.run(&["history", "--csv"]).exits(0);
    assert!(csv.stdout.starts_with("posted_at,post,account,open_id,video,"), "{csv:#?}");
    assert_eq!(csv.stdout.lines().count(), 4, "{csv:#?}");
    // Since when, and of whom.
    let none = ["history", "--since", "2999-01-01"];
    world.run(&none).exits(0).says("nothing was posted");
    for since in ["1d", "36h", "2020-01-01", "2020-01-01T00:00:00+01:00"] {
        let json = world.run(&["--json", "history", "--since", since]).exits(0).json();
        assert_eq!(json.len(), 3, "{since}");
    }
    world.run(&["history", "--since", "yesterday"]).exits(2).says("7d");
    world.run(&["history", "--account", "nobody"]).exits(2).says("no account is called");
    // Without the scope for it there are no numbers.
    let world = with_posts("user.info.basic,video.publish", 1);
    world.run(&["history", "--numbers"]).exits(3).says("video.list");
}

#[test]
fn the_page_of_a_post_or_an_account_is_printed_where_no_browser_is() {
    let world = with_posts("user.info.basic,video.publish", 1);
    let ran = world.run(&["open", "1", "--no-browser"]).exits(0);
    let id = world.posts()[0].post_ids[0];
    assert_eq!(ran.stdout, format!("https://www.tiktok.com/@bea/video/{id}\n"));
    let open_id = world.open_id(BEA);
    let ran = world.run(&["open", &open_id, "--no-browser"]).exits(0);
    assert_eq!(ran.stdout, "https://www.tiktok.com/@bea\n");
    let json = world.run(&["--json", "open", "1", "--no-browser"]).exits(0).json();
    assert_eq!((&json[0]["event"], &json[0]["opened"]), (&json!("open"), &json!(false)));
    world.run(&["open", "7", "--no-browser"]).exits(2).says("no post 7");
    // A private post has no page.
    world.video("private.mp4", 100_700);
    let manifest =
        world.manifest(&json!([{ "video_path": "private.mp4", "privacy_level": "SELF_ONLY" }]));
    world.upload(&manifest).exits(0);
    let ran = world.run(&["open", "2", "--no-browser"]).exits(2).says("no page of post 2");
    ran.says(&format!("`tiktok-up open {open_id}`"));
}

#[test]
fn a_pull_is_called_off_and_nothing_else() {
    let world = World::downloading(Duration::from_hours(1))
        .timing("poll_first=10ms,poll_cap=20ms,call_off=100ms");
    world.login(ADA);
    let file = world.short();
    world.upload(&file).exits(0);
    world.run(&["cancel", "1"]).exits(2).says("sent from a file").says("Ctrl-C");
    world.run(&["cancel", "9"]).exits(2).says("no post 9");
    let pull = world.pull();
    world.run(&["upload", &pull, "--no-wait"]).exits(5);
    // TikTok may have nothing to say of it yet.
    world.say_status(100, &json!({ "status": "PROCESSING_DOWNLOAD" }));
    world.run(&["cancel", "2"]).exits(5).says("has not said what came of it");
    world.let_go();
    let json = world.run(&["--json", "cancel", "2"]).exits(0).json();
    assert_eq!((&json[0]["outcome"], &json[0]["post"]), (&json!("cancelled"), &json!(2)));
    world.run(&["cancel", "2"]).exits(0).says("resolve 2 --not-posted");
    world.upload(&pull).exits(1).says("publish_cancelled");
    assert_eq!(world.calls("cancel").len(), 2);
}

#[test]
fn what_is_over_is_not_called_off() {
    let world = World::logged_in();
    let pull = world.pull();
    world.run(&["upload", &pull, "--no-wait"]).exits(5);
    world.run(&["cancel", "1"]).exits(1).says("too late");
    world.run(&["cancel", "1"]).exits(1).says("too late");
    assert_eq!((world.calls("cancel").len(), world.published()), (1, 1));
}

/// What `status` has to say of a post whose outcome is unknown, in words and for programs. It stays so.
#[track_caller]
fn said_of_unknown(world: &World) -> (String, Value) {
    let before = world.calls("video_list").len();
    let ran = world.run(&["status"]).exits(6).says("resolve 1 --posted");
    let asked = world.calls("video_list").len() - before;
    assert!(asked <= 1, "one call for an account: {asked}");
    assert_eq!(world.phases(), [Phase::Unresolved]);
    let json = world.run(&["--json", "status"]).exits(6).json();
    let post = json.iter().find(|line| line["post"] == 1).unwrap();
    assert_eq!(post["state"], "unresolved");
    (ran.stderr, post["evidence"].clone())
}

/// A public post of TikTok's own pull, whose init is answered by nothing that can be read. `when`: before or after it
/// did its work.
fn lose_the_answer(world: &World, caption: &str, when: &str) {
    let manifest = world.manifest(&json!([{ "video_url": "https://verified.example/clip.mp4",
        "description": caption, "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    world.fault(&json!({ "endpoint": "video_init", "do": { "garbage": true, "when": when } }));
    world.upload(&manifest).exits(6);
    world.let_go();
}

#[test]
fn a_public_video_with_the_caption_is_evidence_and_settles_nothing() {
    let world = with_posts(ALL, 0);
    let caption = format!("Hello  #world {}", "and more words ".repeat(20));
    lose_the_answer(&world, &caption, "after");
    let id = world.posts()[0].post_ids[0].to_string();
    let (said, evidence) = said_of_unknown(&world);
    assert!(said.contains("TikTok lists a video with this caption, made at "), "{said}");
    assert!(said.contains(&format!("/@bea/video/{id}: it was probably posted; look")), "{said}");
    assert_eq!(evidence["video"], json!(id));
    assert_eq!((&evidence["looked_at"], &evidence["complete"]), (&json!(1), &json!(true)));
    assert_eq!((world.inits(), world.calls("video_list").len()), (1, 2));
}

#[test]
fn that_no_public_video_has_the_caption_is_said_with_what_it_rests_on() {
    let world = with_posts(ALL, 0);
    lose_the_answer(&world, "hello", "before");
    let (said, evidence) = said_of_unknown(&world);
    assert!(said.contains("TikTok lists no public video of the hour after it was begun"), "{said}");
    assert!(said.contains("one that only you can see is not listed; look"), "{said}");
    assert_eq!((&evidence["video"], &evidence["looked_at"]), (&json!(null), &json!(0)));
    // One that another post is known to have become is no evidence, whatever its caption.
    world.video("same.mp4", 100_007);
    let same = world.manifest(&json!([{ "video_path": "same.mp4", "description": "hello",
        "privacy_level": "PUBLIC_TO_EVERYONE" }]));
    world.upload(&same).exits(0);
    let (said, evidence) = said_of_unknown(&world);
    assert!(said.contains("(besides 1 public video of other posts here)"), "{said}");
    assert_eq!((&evidence["video"], &evidence["of_others"]), (&json!(null), &json!(1)));
}

#[test]
fn only_what_was_made_within_the_hour_counts_and_what_was_not_seen_is_said() {
    let mut world = with_posts(ALL, 0);
    let begun = Timestamp::now();
    lose_the_answer(&world, "hello", "before");
    world.advance(SignedDuration::from_hours(2));
    let list = |videos: &[(i64, &str)], more: bool| {
        let made = |minutes: i64| (begun + SignedDuration::from_mins(minutes)).as_second();
        let videos: Vec<_> = videos
            .iter()
            .enumerate()
            .map(|(id, (minutes, title))| {
                json!({ "id": (70 + id).to_string(), "create_time": made(*minutes), "title": title })
            })
            .collect();
        let body = json!({ "data": { "videos": videos, "cursor": 1, "has_more": more },
            "error": { "code": "ok", "message": "", "log_id": "1" } });
        world.let_go();
        world.fault(&json!({ "endpoint": "video_list", "times": 0, "do": { "answer": {
            "status": 200, "body": body.to_string() } } }));
        said_of_unknown(&world)
    };
    let (said, _) = list(&[(61, "hello"), (50, "other"), (-1, "hello")], true);
    assert!(
        said.contains("the one public video of the hour after it was begun has another caption"),
        "{said}"
    );
    let (said, evidence) = list(&[(50, "other"), (40, "another")], true);
    assert!(said.contains("none of the last 2 public videos"), "{said}");
    assert!(said.contains("and there are more"), "{said}");
    assert_eq!(evidence["complete"], false);
    let (said, evidence) = list(&[(59, "hello"), (-1, "older")], true);
    assert!(said.contains("probably posted"), "{said}");
    assert_eq!((&evidence["video"], &evidence["complete"]), (&json!("70"), &json!(true)));
}

#[test]
fn evidence_is_asked_for_where_a_login_permits_it_and_tiktok_answers() {
    let world = with_posts("user.info.basic,video.publish", 0);
    lose_the_answer(&world, "hello", "after");
    let (said, evidence) = said_of_unknown(&world);
    assert!(!said.contains("TikTok lists") && evidence.is_null(), "{said}");
    assert!(world.calls("video_list").is_empty());
    let world = with_posts(ALL, 0);
    lose_the_answer(&world, "hello", "after");
    world.refuse("video_list", 1, 100, "internal_error");
    let (said, evidence) = said_of_unknown(&world);
    assert!(!said.contains("TikTok lists") && evidence.is_null(), "{said}");
    world.let_go();
    // By what has no caption, no video is known again.
    let world = with_posts(ALL, 0);
    lose_the_answer(&world, "", "after");
    let (said, evidence) = said_of_unknown(&world);
    assert!(!said.contains("TikTok lists") && evidence.is_null(), "{said}");
}
