//! What TikTok knows of an account: `accounts show` and `videos`.

use std::time::Duration;

use serde_json::json;

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
    world.run(&["open", "2", "--no-browser"]).exits(2).says("no page of post 2");
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
