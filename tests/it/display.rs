//! What TikTok knows of an account: `accounts show` and `videos`.

use serde_json::json;

use crate::world::{BEA, World};

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
