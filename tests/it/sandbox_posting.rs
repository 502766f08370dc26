//! The posting endpoints of the sandbox, held against TikTok's pages.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tiktok_sandbox::faults::Outcome;
use tiktok_sandbox::{Account, AccountPatch, Megabyte, Privacy};

use crate::sandbox_client::{ALL_SCOPES, MP4, Reply, World, direct, text};

const CREATOR: &str = "/v2/post/publish/creator_info/query/";
const DIRECT: &str = "/v2/post/publish/video/init/";
const INBOX: &str = "/v2/post/publish/inbox/video/init/";
const PHOTO: &str = "/v2/post/publish/content/init/";
const STATUS: &str = "/v2/post/publish/status/fetch/";
const CANCEL: &str = "/v2/post/publish/cancel/";

const POST_INFO: &str = "The request post info is empty or incorrect";
const SOURCE_INFO: &str = "The request source info is empty or incorrect";
const COUNT: &str = "The total chunk count is invalid";
const CHUNK: &str = "The chunk size is invalid";

/// Sets a field, by path; `null` in the test means `null` on the wire.
fn with(mut body: Value, path: &str, value: Value) -> Value {
    *body.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    body
}

/// Takes a field away.
fn without(mut body: Value, inside: &str, name: &str) -> Value {
    body.pointer_mut(inside).unwrap().as_object_mut().unwrap().remove(name).expect(name);
    body
}

fn pull(url: &str) -> Value {
    json!({
        "post_info": {"privacy_level": "SELF_ONLY"},
        "source_info": {"source": "PULL_FROM_URL", "video_url": url},
    })
}

fn photos(mode: &str) -> Value {
    json!({
        "media_type": "PHOTO", "post_mode": mode, "is_aigc": false,
        "post_info": {
            "title": "Pictures", "description": "Of a day", "privacy_level": "SELF_ONLY",
            "disable_comment": false, "auto_add_music": true,
            "brand_content_toggle": false, "brand_organic_toggle": false,
        },
        "source_info": {
            "source": "PULL_FROM_URL", "photo_cover_index": 1,
            "photo_images": ["https://verified.example/1.jpg", "https://verified.example/2.jpg"],
        },
    })
}

/// A world without the limit of six inits a minute in the way.
struct Unhurried(World);

impl Unhurried {
    async fn call(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.0.sandbox.advance(SignedDuration::from_secs(11));
        self.0.call(path, token, body).await
    }
}

// --- creator info ---

#[tokio::test]
async fn creator_info_tells_what_the_account_may_do() {
    let world = World::new();
    for (handle, options, duet, comment, longest) in [
        ("@ada", ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"], true, false, 600),
        ("@bea", ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"], false, false, 3600),
        ("@cyd", ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"], false, true, 60),
    ] {
        let token = world.login(handle).await;
        let data = world.call(CREATOR, &token, &json!({})).await.data();
        assert_eq!(data["creator_username"], handle.trim_start_matches('@'));
        assert_eq!(data["privacy_level_options"], json!(options));
        assert_eq!(data["duet_disabled"], duet);
        assert_eq!(data["stitch_disabled"], duet);
        assert_eq!(data["comment_disabled"], comment);
        assert_eq!(data["max_video_post_duration_sec"], longest);
        assert!(data["creator_nickname"].is_string() && data["creator_avatar_url"].is_string());
    }
}

#[tokio::test]
async fn creator_info_takes_no_body_and_an_empty_object() {
    let world = World::new();
    let token = world.login("@ada").await;
    let request = || world.http.post(world.at(CREATOR)).bearer_auth(&token);
    let json = "application/json; charset=UTF-8";
    assert_eq!(world.send(request()).await.verdict(), "200 ok");
    assert_eq!(world.send(request().header("content-type", json)).await.verdict(), "200 ok");
    let empty = request().header("content-type", json).body("{}");
    assert_eq!(world.send(empty).await.verdict(), "200 ok");
}

#[tokio::test]
async fn creator_info_refuses_with_http_200_what_an_init_refuses_with_403() {
    type Change = fn(&World);
    let ban: Change = |world| {
        let patch = AccountPatch { banned: Some(true), ..AccountPatch::default() };
        world.sandbox.account("@bea", patch).unwrap();
    };
    let cases: [(&str, usize, Option<usize>, Change); 3] = [
        ("spam_risk_user_banned_from_posting", 15, None, ban),
        ("spam_risk_too_many_posts", 0, None, |_| {}),
        ("reached_active_user_cap", 15, Some(0), |_| {}),
    ];
    for (code, daily, users, change) in cases {
        let world = World::with(|options| {
            options.daily_posts = daily;
            options.active_users = users;
        });
        let token = world.login("@bea").await;
        change(&world);
        let info = world.call(CREATOR, &token, &json!({})).await;
        assert_eq!(info.verdict(), format!("200 {code}"));
        // As recorded: a refusal for spam has no `data`, and repeats its code as its message.
        let spam = code.starts_with("spam_risk");
        assert_eq!(info.json().get("data").is_none(), spam, "{info:?}");
        assert_eq!(info.message() == code, spam, "{info:?}");
        assert_eq!(world.init(&token, 10, 10, 1).await.verdict(), format!("403 {code}"));
    }
}

// --- direct post ---

#[tokio::test]
async fn an_init_answers_with_publish_id_and_upload_url() {
    let world = World::new();
    let token = world.login("@ada").await;
    let reply = world.init(&token, 50_000_123, 10_000_000, 5).await;
    assert_eq!(reply.json()["error"]["message"], "");
    let data = reply.data();
    let (id, url) = (text(&data["publish_id"]), text(&data["upload_url"]));
    assert!(id.starts_with("v_pub_file~v2-1.") && id.len() <= 64, "{id}");
    assert!(url.starts_with(world.sandbox.url()) && url.len() <= 256, "{url}");
    assert!(url.contains("/upload?upload_id=") && url.contains("&upload_token="), "{url}");
}

#[tokio::test]
async fn the_official_sample_without_brand_toggles_is_good() {
    let world = World::new();
    let token = world.login("@bea").await;
    let body = json!({
        "post_info": {
            "title": "this will be a funny #cat video on your @tiktok #fyp",
            "privacy_level": "MUTUAL_FOLLOW_FRIENDS", "disable_duet": false,
            "disable_comment": true, "disable_stitch": false, "video_cover_timestamp_ms": 1000,
        },
        "source_info": {
            "source": "FILE_UPLOAD", "video_size": 50_000_123, "chunk_size": 10_000_000,
            "total_chunk_count": 5,
        },
    });
    assert_eq!(world.call(DIRECT, &token, &body).await.verdict(), "200 ok");
}

#[tokio::test]
async fn a_field_of_post_info_that_cannot_be_is_refused() {
    let world = Unhurried(World::with(|options| options.daily_posts = 100));
    let token = refreshing_login(&world.0).await;
    let good = direct(10, 10, 1);
    let long = "é".repeat(2201);
    let pairs = "😀".repeat(1101);
    for (path, value) in [
        ("/post_info", json!(null)),
        ("/post_info", json!({})),
        ("/post_info", json!([])),
        ("/post_info", json!("SELF_ONLY")),
        ("/post_info/privacy_level", json!("PUBLIC")),
        ("/post_info/privacy_level", json!("self_only")),
        ("/post_info/privacy_level", json!(1)),
        ("/post_info/title", json!(7)),
        ("/post_info/title", json!(long)),
        ("/post_info/title", json!(pairs)),
        ("/post_info/disable_duet", json!("false")),
        ("/post_info/disable_stitch", json!(0)),
        ("/post_info/disable_comment", json!([])),
        ("/post_info/is_aigc", json!("yes")),
        ("/post_info/brand_content_toggle", json!("true")),
        ("/post_info/brand_organic_toggle", json!(1)),
        ("/post_info/video_cover_timestamp_ms", json!("1000")),
        ("/post_info/video_cover_timestamp_ms", json!(1.5)),
        ("/post_info/video_cover_timestamp_ms", json!(3_000_000_000_u64)),
    ] {
        let reply = world.call(DIRECT, &token, &with(good.clone(), path, value.clone())).await;
        assert_eq!(reply.verdict(), "400 invalid_params", "{path} {value}");
        assert_eq!(reply.message(), POST_INFO, "{path} {value}");
    }
}

/// The sandbox's clock runs on in these tests, so the token must outlive them.
async fn refreshing_login(world: &World) -> String {
    text(&world.tokens("@bea", ALL_SCOPES).await["access_token"])
}

#[tokio::test]
async fn what_a_field_of_post_info_may_be_is_taken() {
    let world = Unhurried(World::with(|options| options.daily_posts = 100));
    let token = refreshing_login(&world.0).await;
    let good = direct(10, 10, 1);
    for (path, value) in [
        ("/post_info/title", json!("é".repeat(2200))),
        ("/post_info/title", json!("😀".repeat(1100))),
        ("/post_info/title", json!("")),
        ("/post_info/title", json!(null)),
        ("/post_info/disable_duet", json!(null)),
        ("/post_info/video_cover_timestamp_ms", json!(-1)),
        ("/post_info/video_cover_timestamp_ms", json!(i32::MAX)),
        ("/post_info/brand_content_toggle", json!(true)),
        ("/post_info/privacy_level", json!("PUBLIC_TO_EVERYONE")),
    ] {
        let reply = world.call(DIRECT, &token, &with(good.clone(), path, value.clone())).await;
        assert_eq!(reply.verdict(), "200 ok", "{path} {value}");
    }
    let mut more = good;
    more["post_info"]["from_the_future"] = json!(1);
    more["and"] = json!("this");
    assert_eq!(world.call(DIRECT, &token, &more).await.verdict(), "200 ok");
}

#[tokio::test]
async fn a_privacy_level_must_be_there_and_among_the_creators_options() {
    let world = World::new();
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    let level = |level: &str| with(direct(10, 10, 1), "/post_info/privacy_level", json!(level));
    let mismatch = "403 privacy_level_option_mismatch";
    for (token, body, expected) in [
        (&ada, without(direct(10, 10, 1), "/post_info", "privacy_level"), mismatch),
        (&ada, with(direct(10, 10, 1), "/post_info/privacy_level", json!(null)), mismatch),
        (&ada, level(""), mismatch),
        (&ada, level("PUBLIC_TO_EVERYONE"), mismatch),
        (&ada, level("FOLLOWER_OF_CREATOR"), "200 ok"),
        (&bea, level("FOLLOWER_OF_CREATOR"), mismatch),
        (&bea, level("MUTUAL_FOLLOW_FRIENDS"), "200 ok"),
    ] {
        assert_eq!(world.call(DIRECT, token, &body).await.verdict(), expected, "{body}");
    }
}

#[tokio::test]
async fn the_options_are_those_of_the_moment() {
    let world = World::new();
    let token = world.login("@ada").await;
    let body = with(direct(10, 10, 1), "/post_info/privacy_level", json!("PUBLIC_TO_EVERYONE"));
    let patch = AccountPatch { private: Some(false), ..AccountPatch::default() };
    world.sandbox.account("@ada", patch).unwrap();
    assert_eq!(world.call(DIRECT, &token, &body).await.verdict(), "200 ok");
    let options = Some(vec![Privacy::SelfOnly]);
    let patch = AccountPatch { privacy_level_options: options, ..AccountPatch::default() };
    world.sandbox.account("@ada", patch).unwrap();
    let verdict = world.call(DIRECT, &token, &body).await.verdict();
    assert_eq!(verdict, "403 privacy_level_option_mismatch");
}

#[tokio::test]
async fn branded_content_for_oneself_is_noted_and_can_be_refused() {
    let body = with(direct(10, 10, 1), "/post_info/brand_content_toggle", json!(true));
    for (refuse, expected) in [(false, "200 ok"), (true, "400 invalid_params")] {
        let world = World::with(|options| options.refuse_private_brand = refuse);
        let token = world.login("@bea").await;
        assert_eq!(world.call(DIRECT, &token, &body).await.verdict(), expected);
        let noted = world.sandbox.posts().iter().any(|post| post.note.is_some());
        assert_eq!(noted, !refuse);
    }
}

#[tokio::test]
async fn a_field_of_source_info_that_cannot_be_is_refused() {
    let world = Unhurried(World::new());
    let token = refreshing_login(&world.0).await;
    let good = direct(10, 10, 1);
    for (path, value) in [
        ("/source_info", json!(null)),
        ("/source_info", json!({})),
        ("/source_info", json!("FILE_UPLOAD")),
        ("/source_info/source", json!(null)),
        ("/source_info/source", json!("file_upload")),
        ("/source_info/source", json!("URL")),
        ("/source_info/source", json!("PULL_FROM_URL")),
        ("/source_info/video_size", json!(null)),
        ("/source_info/video_size", json!("10")),
        ("/source_info/video_size", json!(10.0)),
        ("/source_info/chunk_size", json!(null)),
        ("/source_info/chunk_size", json!("10")),
        ("/source_info/total_chunk_count", json!(null)),
        ("/source_info/total_chunk_count", json!(true)),
    ] {
        let reply = world.call(DIRECT, &token, &with(good.clone(), path, value.clone())).await;
        assert_eq!(reply.verdict(), "400 invalid_params", "{path} {value}");
        assert_eq!(reply.message(), SOURCE_INFO, "{path} {value}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let world = Unhurried(World::new());
    let token = refreshing_login(&world.0).await;
    let good = direct(10, 10, 1).to_string();
    for (kind, body) in [
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", "null"),
        ("text/plain", good.as_str()),
        ("application/x-www-form-urlencoded", good.as_str()),
        ("application/json; charset=latin1", good.as_str()),
    ] {
        world.0.sandbox.advance(SignedDuration::from_secs(11));
        let request = world.0.http.post(world.0.at(DIRECT)).bearer_auth(&token);
        let request = request.header("content-type", kind).body(body.to_owned());
        assert_eq!(world.0.send(request).await.verdict(), "400 invalid_params", "{kind} {body}");
    }
}

/// A client that never sent one got answers about its posts.
#[tokio::test]
async fn json_without_a_content_type_is_taken() {
    let world = World::new();
    let token = world.login("@bea").await;
    for (path, body, expected) in [
        (DIRECT, direct(10, 10, 1), "200 ok"),
        (INBOX, direct(10, 10, 1), "200 ok"),
        (PHOTO, photos("DIRECT_POST"), "200 ok"),
        (STATUS, json!({"publish_id": "none"}), "400 invalid_publish_id"),
        (CANCEL, json!({"publish_id": "none"}), "400 invalid_publish_id"),
        ("/v2/video/list/?fields=id", json!({"max_count": 2}), "200 ok"),
        ("/v2/video/query/?fields=id", json!({"filters": {"video_ids": ["1"]}}), "200 ok"),
        (DIRECT, json!([]), "400 invalid_params"),
    ] {
        let request = world.http.post(world.at(path)).bearer_auth(&token).body(body.to_string());
        assert_eq!(world.send(request).await.verdict(), expected, "{path} {body}");
    }
}

#[tokio::test]
async fn a_publish_id_can_be_unknown_for_a_while_after_its_init() {
    let world = World::with(|options| options.publish_id_delay = Duration::from_mins(1));
    let token = world.login("@bea").await;
    let id = world.post(&token, MP4).await;
    assert_eq!(world.status(&token, &id).await.verdict(), "400 invalid_publish_id");
    let cancel = world.call(CANCEL, &token, &json!({"publish_id": id})).await;
    assert_eq!(cancel.verdict(), "400 invalid_publish_id");
    world.sandbox.advance(SignedDuration::from_secs(60));
    assert_eq!(world.status(&token, &id).await.data()["status"], "PUBLISH_COMPLETE");
}

/// The plans that the field has seen refused, and the guide's own.
#[tokio::test]
async fn a_chunk_plan_is_held_against_the_guide() {
    let world = Unhurried(World::with(|options| options.daily_posts = 100));
    let token = refreshing_login(&world.0).await;
    for (size, chunk, count, expected) in [
        (50_000_123_i64, 10_000_000_i64, 5_i64, ""),
        (4_194_304, 4_194_304, 1, ""),
        (12_000_000, 12_000_000, 1, ""),
        (67_108_864, 67_108_864, 1, ""),
        (70_000_000, 10_000_000, 7, ""),
        (50_000_123, 10_000_000, 6, COUNT),
        (50_000_123, 10_000_000, 4, COUNT),
        (50_000_123, 10_000_000, 0, COUNT),
        (121_000_000, 67_108_864, 1, CHUNK),
        (15_000_000, 10_000_000, 1, CHUNK),
        (66_000_000, 64_000_000, 1, CHUNK),
        (70_000_000, 70_000_000, 1, CHUNK),
        (20_000_000, 4_000_000, 5, CHUNK),
        (3_000_000, 10_000_000, 1, CHUNK),
        (0, 0, 1, "The video size is invalid"),
        (4_294_967_297, 10_000_000, 429, "The video size is invalid"),
    ] {
        let body = json!({
            "post_info": {"privacy_level": "SELF_ONLY"},
            "source_info": {
                "source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk,
                "total_chunk_count": count,
            },
        });
        let reply = world.call(DIRECT, &token, &body).await;
        let verdict = if expected.is_empty() { "200 ok" } else { "400 invalid_params" };
        assert_eq!((reply.verdict().as_str(), reply.message().as_str()), (verdict, expected));
    }
}

#[tokio::test]
async fn the_reading_of_mb_can_be_chosen() {
    for (megabyte, decimal_only, binary_only) in [
        (Megabyte::Either, "200 ok", "200 ok"),
        (Megabyte::Decimal, "200 ok", "400 invalid_params"),
        (Megabyte::Binary, "400 invalid_params", "200 ok"),
        (Megabyte::Both, "400 invalid_params", "400 invalid_params"),
    ] {
        let world = World::with(|options| options.megabyte = megabyte);
        let token = world.login("@ada").await;
        let decimal = world.init(&token, 10_000_000, 5_000_000, 2).await.verdict();
        let binary = world.init(&token, 67_108_864, 67_108_864, 1).await.verdict();
        assert_eq!((decimal.as_str(), binary.as_str()), (decimal_only, binary_only));
    }
}

#[tokio::test]
async fn an_unaudited_app_posts_for_private_accounts_and_to_themselves_only() {
    const UNAUDITED: &str = "403 unaudited_client_can_only_post_to_private_accounts";
    let world = World::with(|options| options.unaudited = true);
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    let level = |level: &str| with(direct(10, 10, 1), "/post_info/privacy_level", json!(level));
    for (token, body, expected) in [
        (&bea, level("SELF_ONLY"), UNAUDITED),
        (&bea, level("PUBLIC_TO_EVERYONE"), UNAUDITED),
        (&ada, level("FOLLOWER_OF_CREATOR"), UNAUDITED),
        (&ada, level("SELF_ONLY"), "200 ok"),
    ] {
        assert_eq!(world.call(DIRECT, token, &body).await.verdict(), expected, "{body}");
    }
    // The account counts, not what creator_info says; and a draft is no post.
    assert_eq!(world.call(CREATOR, &bea, &json!({})).await.verdict(), "200 ok");
    assert_eq!(world.call(INBOX, &bea, &direct(10, 10, 1)).await.verdict(), "200 ok");
}

#[tokio::test]
async fn an_unaudited_app_has_five_posting_users_in_24_hours() {
    let world = World::with(|options| {
        options.unaudited = true;
        let account = |n: u32| Account { private: true, ..Account::new(&format!("p{n}"), "P") };
        options.accounts = (0..6).map(account).collect();
    });
    let mut tokens = Vec::new();
    for n in 0..6 {
        tokens.push(world.tokens(&format!("@p{n}"), ALL_SCOPES).await);
    }
    let access = |n: usize| text(&tokens[n]["access_token"]);
    for n in 0..5 {
        assert_eq!(world.init(&access(n), 10, 10, 1).await.verdict(), "200 ok");
    }
    assert_eq!(world.init(&access(5), 10, 10, 1).await.verdict(), "403 reached_active_user_cap");
    assert_eq!(world.init(&access(0), 10, 10, 1).await.verdict(), "200 ok");
    world.sandbox.advance(SignedDuration::from_hours(24));
    let fresh = world.refresh(&text(&tokens[5]["refresh_token"])).await.json();
    let fresh = text(&fresh["access_token"]);
    assert_eq!(world.init(&fresh, 10, 10, 1).await.verdict(), "200 ok");
}

#[tokio::test]
async fn a_creator_has_fifteen_direct_posts_in_24_hours() {
    let world = Unhurried(World::new());
    let tokens = world.0.tokens("@bea", ALL_SCOPES).await;
    let token = text(&tokens["access_token"]);
    for _ in 0..15 {
        assert_eq!(world.call(DIRECT, &token, &direct(10, 10, 1)).await.verdict(), "200 ok");
    }
    let verdict = world.call(DIRECT, &token, &direct(10, 10, 1)).await.verdict();
    assert_eq!(verdict, "403 spam_risk_too_many_posts");
    let info = world.call(CREATOR, &token, &json!({})).await.verdict();
    assert_eq!(info, "200 spam_risk_too_many_posts");
    world.0.sandbox.advance(SignedDuration::from_hours(24));
    let fresh = world.0.refresh(&text(&tokens["refresh_token"])).await.json();
    let token = text(&fresh["access_token"]);
    assert_eq!(world.call(DIRECT, &token, &direct(10, 10, 1)).await.verdict(), "200 ok");
}

// --- limits a minute ---

#[tokio::test]
async fn every_endpoint_has_its_limit_in_a_sliding_minute() {
    for (path, body, limit) in [
        (CREATOR, json!({}), 20),
        (DIRECT, direct(10, 10, 1), 6),
        (INBOX, json!({}), 6),
        (PHOTO, photos("DIRECT_POST"), 6),
        (STATUS, json!({"publish_id": "x"}), 30),
    ] {
        let world = World::new();
        let token = world.login("@bea").await;
        for n in 0..limit {
            let reply = world.call(path, &token, &body).await;
            assert_ne!(reply.status, 429, "{path} {n}");
        }
        let reply = world.call(path, &token, &body).await;
        assert_eq!(reply.verdict(), "429 rate_limit_exceeded", "{path}");
        world.sandbox.advance(SignedDuration::from_secs(60));
        assert_ne!(world.call(path, &token, &body).await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn a_refresh_does_not_empty_the_window_and_other_accounts_have_their_own() {
    let world = World::new();
    let tokens = world.tokens("@bea", ALL_SCOPES).await;
    for _ in 0..6 {
        world.init(&text(&tokens["access_token"]), 10, 10, 1).await;
    }
    let fresh = world.refresh(&text(&tokens["refresh_token"])).await.json();
    let again = world.init(&text(&fresh["access_token"]), 10, 10, 1).await;
    assert_eq!(again.verdict(), "429 rate_limit_exceeded");
    let ada = world.login("@ada").await;
    assert_eq!(world.init(&ada, 10, 10, 1).await.verdict(), "200 ok");
}

// --- drafts ---

#[tokio::test]
async fn a_draft_takes_source_info_alone_and_lets_post_info_be() {
    let world = World::new();
    let token = world.login("@ada").await;
    let mut body = direct(10, 10, 1);
    assert_eq!(world.call(INBOX, &token, &body).await.verdict(), "200 ok");
    body.as_object_mut().unwrap().remove("post_info");
    let data = world.call(INBOX, &token, &body).await.data();
    assert!(text(&data["publish_id"]).starts_with("v_inbox_file~v2."));
    assert!(data["upload_url"].is_string());
    let reply = world.call(INBOX, &token, &json!({})).await;
    assert_eq!((reply.verdict().as_str(), reply.message().as_str()), {
        ("400 invalid_params", SOURCE_INFO)
    });
}

#[tokio::test]
async fn a_draft_ends_in_the_inbox_and_the_creator_may_finish_it() {
    let world = World::new();
    let token = world.login("@bea").await;
    let size = MP4.len() as u64;
    let init = world.call(INBOX, &token, &direct(size, size, 1)).await.data();
    let range = format!("bytes 0-{}/{size}", size - 1);
    world.put(init["upload_url"].as_str().unwrap(), &range, MP4.to_vec()).await;
    let id = text(&init["publish_id"]);
    let inbox = world.status(&token, &id).await.data();
    assert_eq!(inbox, json!({"status": "SEND_TO_USER_INBOX"}));
    let finished = Outcome {
        status: "PUBLISH_COMPLETE".to_owned(),
        post_ids: Some(vec![7_400_000_000_000_000_001, 7_400_000_000_000_000_002]),
        ..Outcome::default()
    };
    world.sandbox.set_post(&id, finished).unwrap();
    assert_eq!(
        world.status(&token, &id).await.data(),
        json!({
            "status": "PUBLISH_COMPLETE",
            "publicaly_available_post_id": [7_400_000_000_000_000_001_i64, 7_400_000_000_000_000_002_i64],
        })
    );
}

#[tokio::test]
async fn a_creator_has_five_pending_drafts_in_24_hours() {
    let world = Unhurried(World::new());
    let tokens = world.0.tokens("@bea", ALL_SCOPES).await;
    let token = text(&tokens["access_token"]);
    let mut first = String::new();
    for _ in 0..5 {
        let init = world.call(INBOX, &token, &direct(10, 10, 1)).await.data();
        first = text(&init["publish_id"]);
    }
    let full = world.call(INBOX, &token, &direct(10, 10, 1)).await.verdict();
    assert_eq!(full, "403 spam_risk_too_many_pending_share");
    let photos = world.call(PHOTO, &token, &photos("MEDIA_UPLOAD")).await.verdict();
    assert_eq!(photos, "403 spam_risk_too_many_pending_share");
    let finished = Outcome { status: "PUBLISH_COMPLETE".to_owned(), ..Outcome::default() };
    world.0.sandbox.set_post(&first, finished).unwrap();
    assert_eq!(world.call(INBOX, &token, &direct(10, 10, 1)).await.verdict(), "200 ok");
    let full = world.call(INBOX, &token, &direct(10, 10, 1)).await.verdict();
    assert_eq!(full, "403 spam_risk_too_many_pending_share");
    world.0.sandbox.advance(SignedDuration::from_hours(24));
    let fresh = world.0.refresh(&text(&tokens["refresh_token"])).await.json();
    let token = text(&fresh["access_token"]);
    assert_eq!(world.call(INBOX, &token, &direct(10, 10, 1)).await.verdict(), "200 ok");
}

#[tokio::test]
async fn a_banned_creator_can_send_no_draft() {
    let world = World::new();
    let token = world.login("@bea").await;
    let patch = AccountPatch { banned: Some(true), ..AccountPatch::default() };
    world.sandbox.account("@bea", patch).unwrap();
    let verdict = world.call(INBOX, &token, &direct(10, 10, 1)).await.verdict();
    assert_eq!(verdict, "403 spam_risk_user_banned_from_posting");
}

// --- pull from URL ---

#[tokio::test]
async fn a_pulled_video_needs_https_a_name_and_a_verified_property() {
    let world = Unhurried(World::with(|options| {
        options.daily_posts = 100;
        options.verified_urls.push("https://cdn.example/mine/".to_owned());
    }));
    let token = refreshing_login(&world.0).await;
    for (url, expected) in [
        ("https://verified.example/a.mp4", "200 ok"),
        ("https://sub.verified.example/a.mp4", "200 ok"),
        ("https://cdn.example/mine/a.mp4", "200 ok"),
        ("https://cdn.example/other/a.mp4", "403 url_ownership_unverified"),
        ("https://example.com/a.mp4", "403 url_ownership_unverified"),
        ("https://evilverified.example/a.mp4", "403 url_ownership_unverified"),
        ("http://verified.example/a.mp4", "400 invalid_params"),
        ("https://127.0.0.1/a.mp4", "400 invalid_params"),
        ("not a url", "400 invalid_params"),
    ] {
        for path in [DIRECT, INBOX] {
            let reply = world.call(path, &token, &pull(url)).await;
            assert_eq!(reply.verdict(), expected, "{path} {url}");
            if expected == "200 ok" {
                assert_eq!(reply.data()["upload_url"], Value::Null);
                let kind = if path == DIRECT { "v_pub_url~v2-1." } else { "p_inbox_url~v2." };
                let id = text(&reply.data()["publish_id"]);
                assert!(id.starts_with(kind), "{id}");
                let done = Outcome { status: "FAILED".to_owned(), ..Outcome::default() };
                world.0.sandbox.set_post(&id, done).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_pulled_video_downloads_by_itself_and_is_published() {
    let world = World::with(|options| options.download = Duration::from_secs(100));
    let token = world.login("@bea").await;
    let body = pull("https://verified.example/a.mp4");
    let body = with(body, "/post_info/privacy_level", json!("PUBLIC_TO_EVERYONE"));
    let id = text(&world.call(DIRECT, &token, &body).await.data()["publish_id"]);
    world.sandbox.advance(SignedDuration::from_secs(50));
    let data = world.status(&token, &id).await.data();
    assert_eq!(data["status"], "PROCESSING_DOWNLOAD");
    let bytes = data["downloaded_bytes"].as_u64().unwrap();
    assert!((9_000_000..12_000_000).contains(&bytes), "{bytes}");
    assert_eq!(data.get("uploaded_bytes"), None);
    world.sandbox.advance(SignedDuration::from_secs(50));
    let data = world.status(&token, &id).await.data();
    assert_eq!(data["status"], "PUBLISH_COMPLETE");
    assert_eq!(data.get("downloaded_bytes"), None);
    assert!(data["publicaly_available_post_id"][0].as_i64().unwrap() > 1 << 53);
}

#[tokio::test]
async fn a_download_can_be_cancelled_while_it_runs_and_not_after() {
    let world = World::with(|options| options.download = Duration::from_secs(100));
    let token = world.login("@bea").await;
    let body = pull("https://verified.example/a.mp4");
    let mut ids = Vec::new();
    for path in [DIRECT, INBOX, DIRECT] {
        ids.push(text(&world.call(path, &token, &body).await.data()["publish_id"]));
    }
    for id in &ids[..2] {
        let reply = world.call(CANCEL, &token, &json!({"publish_id": id})).await;
        assert_eq!(reply.verdict(), "200 ok");
        assert_eq!(reply.json().as_object().unwrap().len(), 1, "the reply has only `error`");
        let expected = json!({"status": "FAILED", "fail_reason": "publish_cancelled"});
        assert_eq!(world.status(&token, id).await.data(), expected);
    }
    world.sandbox.advance(SignedDuration::from_secs(100));
    for id in &ids {
        let reply = world.call(CANCEL, &token, &json!({"publish_id": id})).await;
        assert_eq!(reply.verdict(), "400 publish_not_cancellable", "{id}");
    }
}

#[tokio::test]
async fn an_upload_cannot_be_cancelled() {
    let world = World::new();
    let token = world.login("@bea").await;
    let id = text(&world.init(&token, 10, 10, 1).await.data()["publish_id"]);
    let reply = world.call(CANCEL, &token, &json!({"publish_id": id})).await;
    assert_eq!(reply.verdict(), "400 publish_not_cancellable");
}

/// Status and cancel name a post in the same way.
#[tokio::test]
async fn a_post_must_be_known_and_the_callers_own() {
    let world = World::new();
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    let id = text(&world.init(&ada, 10, 10, 1).await.data()["publish_id"]);
    for path in [STATUS, CANCEL] {
        for (body, expected) in [
            (json!({"publish_id": "v_pub_file~v2-1.1"}), "400 invalid_publish_id"),
            (json!({"publish_id": ""}), "400 invalid_publish_id"),
            (json!({}), "400 invalid_publish_id"),
            (json!({"publish_id": 7}), "400 invalid_params"),
            (json!([]), "400 invalid_params"),
            (json!({"publish_id": id}), "400 token_not_authorized_for_specified_publish_id"),
        ] {
            let reply = world.call(path, &bea, &body).await;
            assert_eq!(reply.verdict(), expected, "{path} {body}");
        }
    }
}

// --- photos ---

#[tokio::test]
async fn photos_are_posted_or_sent_as_a_draft() {
    let world = World::with(|options| options.download = Duration::ZERO);
    let token = world.login("@bea").await;
    for (mode, kind, end) in [
        ("DIRECT_POST", "p_pub_url~v2.", "PUBLISH_COMPLETE"),
        ("MEDIA_UPLOAD", "p_inbox_url~v2.", "SEND_TO_USER_INBOX"),
    ] {
        let data = world.call(PHOTO, &token, &photos(mode)).await.data();
        assert_eq!(data.as_object().unwrap().len(), 1);
        let id = text(&data["publish_id"]);
        assert!(id.starts_with(kind), "{id}");
        assert_eq!(world.status(&token, &id).await.data()["status"], end);
    }
}

#[tokio::test]
async fn a_field_of_a_photo_post_that_cannot_be_is_refused() {
    const MODE: &str = "Invalid media_type or post_mode";
    let world = Unhurried(World::with(|options| options.daily_posts = 100));
    let token = refreshing_login(&world.0).await;
    let many: Vec<_> = (0..36).map(|n| format!("https://verified.example/{n}.jpg")).collect();
    for (path, value, message) in [
        ("/media_type", json!("VIDEO"), MODE),
        ("/media_type", json!(null), MODE),
        ("/post_mode", json!("DIRECT"), MODE),
        ("/post_mode", json!(null), MODE),
        ("/post_info", json!({}), POST_INFO),
        ("/post_info/title", json!("x".repeat(91)), POST_INFO),
        ("/post_info/title", json!("😀".repeat(46)), POST_INFO),
        ("/post_info/description", json!("x".repeat(4001)), POST_INFO),
        ("/post_info/privacy_level", json!("PUBLIC"), POST_INFO),
        ("/post_info/auto_add_music", json!("yes"), POST_INFO),
        ("/post_info/disable_comment", json!(0), POST_INFO),
        ("/post_info/brand_content_toggle", json!(0), POST_INFO),
        ("/source_info", json!(null), SOURCE_INFO),
        ("/source_info/source", json!("FILE_UPLOAD"), SOURCE_INFO),
        ("/source_info/photo_images", json!([]), SOURCE_INFO),
        ("/source_info/photo_images", json!([1]), SOURCE_INFO),
        ("/source_info/photo_images", json!(many), SOURCE_INFO),
        ("/source_info/photo_images", json!("https://verified.example/1.jpg"), SOURCE_INFO),
        ("/source_info/photo_images", json!(["http://verified.example/1.jpg"]), SOURCE_INFO),
        ("/source_info/photo_cover_index", json!(null), SOURCE_INFO),
        ("/source_info/photo_cover_index", json!(2), SOURCE_INFO),
        ("/source_info/photo_cover_index", json!(-1), SOURCE_INFO),
    ] {
        let body = with(photos("DIRECT_POST"), path, value.clone());
        let reply = world.call(PHOTO, &token, &body).await;
        assert_eq!(reply.verdict(), "400 invalid_params", "{path} {value}");
        assert_eq!(reply.message(), message, "{path} {value}");
    }
}

#[tokio::test]
async fn what_a_photo_post_may_be_is_taken() {
    let world = Unhurried(World::new());
    let token = refreshing_login(&world.0).await;
    let most: Vec<_> = (0..35).map(|n| format!("https://verified.example/{n}.jpg")).collect();
    for (path, value) in [
        ("/post_info/title", json!("😀".repeat(45))),
        ("/post_info/description", json!("é".repeat(4000))),
        ("/source_info/photo_images", json!(most)),
        ("/source_info/photo_cover_index", json!(0)),
        ("/post_mode", json!("DIRECT POST")),
    ] {
        let body = with(photos("DIRECT_POST"), path, value.clone());
        assert_eq!(world.call(PHOTO, &token, &body).await.verdict(), "200 ok", "{path} {value}");
    }
}

#[tokio::test]
async fn photos_are_refused_as_videos_are() {
    let world = World::new();
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    let public =
        with(photos("DIRECT_POST"), "/post_info/privacy_level", json!("PUBLIC_TO_EVERYONE"));
    let foreign =
        with(photos("DIRECT_POST"), "/source_info/photo_images/1", json!("https://other.example/"));
    let bare = without(photos("DIRECT_POST"), "/post_info", "privacy_level");
    for (token, body, expected) in [
        (&ada, public.clone(), "403 privacy_level_option_mismatch"),
        (&bea, public, "200 ok"),
        (&bea, bare, "403 privacy_level_option_mismatch"),
        (&bea, foreign, "403 url_ownership_unverified"),
        // A draft needs no privacy level.
        (&bea, without(photos("MEDIA_UPLOAD"), "/post_info", "privacy_level"), "200 ok"),
    ] {
        assert_eq!(world.call(PHOTO, token, &body).await.verdict(), expected, "{body}");
    }
    let old = AccountPatch { app_version: Some((31, 7)), ..AccountPatch::default() };
    world.sandbox.account("@bea", old).unwrap();
    let draft = world.call(PHOTO, &bea, &photos("MEDIA_UPLOAD")).await.verdict();
    assert_eq!(draft, "400 app_version_check_failed");
}

// --- status ---

#[tokio::test]
async fn an_upload_is_processing_until_its_time_has_come() {
    let world = World::with(|options| options.processing = Duration::from_secs(30));
    let token = world.login("@bea").await;
    let id = world.post(&token, MP4).await;
    let processing = json!({"status": "PROCESSING_UPLOAD", "uploaded_bytes": MP4.len()});
    assert_eq!(world.status(&token, &id).await.data(), processing);
    world.sandbox.advance(SignedDuration::from_secs(30));
    let complete = json!({"status": "PUBLISH_COMPLETE"});
    assert_eq!(world.status(&token, &id).await.data(), complete);
}

#[tokio::test]
async fn uploaded_bytes_count_the_stored_chunks() {
    let world = World::new();
    let token = world.login("@bea").await;
    let chunk = 5_242_880_u64;
    let init = world.init(&token, 2 * chunk, chunk, 2).await.data();
    let (id, url) = (text(&init["publish_id"]), text(&init["upload_url"]));
    assert_eq!(world.status(&token, &id).await.data()["uploaded_bytes"], 0);
    let range = format!("bytes 0-{}/{}", chunk - 1, 2 * chunk);
    world.put(&url, &range, vec![0; 5_242_880]).await;
    assert_eq!(world.status(&token, &id).await.data()["uploaded_bytes"], chunk);
}

#[tokio::test]
async fn a_public_post_gets_its_id_after_moderation_and_others_never() {
    let world = World::with(|options| options.moderation = Duration::from_mins(1));
    let token = world.login("@bea").await;
    let mut ids = Vec::new();
    for level in ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"] {
        let size = MP4.len() as u64;
        let body = with(direct(size, size, 1), "/post_info/privacy_level", json!(level));
        let init = world.call(DIRECT, &token, &body).await.data();
        let range = format!("bytes 0-{}/{size}", size - 1);
        world.put(init["upload_url"].as_str().unwrap(), &range, MP4.to_vec()).await;
        ids.push(text(&init["publish_id"]));
    }
    for id in &ids {
        let complete = json!({"status": "PUBLISH_COMPLETE"});
        assert_eq!(world.status(&token, id).await.data(), complete);
    }
    world.sandbox.advance(SignedDuration::from_secs(60));
    let told = world.status(&token, &ids[0]).await.data();
    assert!(told["publicaly_available_post_id"][0].as_i64().unwrap() > 1 << 53);
    for id in &ids[1..] {
        let complete = json!({"status": "PUBLISH_COMPLETE"});
        assert_eq!(world.status(&token, id).await.data(), complete);
    }
}

#[tokio::test]
async fn a_file_that_is_no_video_fails_the_format_check() {
    let world = World::new();
    let token = world.login("@bea").await;
    for (bytes, expected) in [
        (&b"\0\0\0\x18ftypisom"[..], "PUBLISH_COMPLETE"),
        (b"\0\0\0\x08moov\0\0\0\0", "PUBLISH_COMPLETE"),
        (b"\x1A\x45\xDF\xA3webm....", "PUBLISH_COMPLETE"),
        (b"RIFF....AVI ", "FAILED"),
        (b"x", "FAILED"),
    ] {
        let id = world.post(&token, bytes).await;
        let data = world.status(&token, &id).await.data();
        assert_eq!(data["status"], expected, "{bytes:?}");
        if expected == "FAILED" {
            assert_eq!(data["fail_reason"], "file_format_check_failed");
        }
    }
}

/// Every row of the table of fail reasons.
#[tokio::test]
async fn every_fail_reason_can_be_had() {
    let world = Unhurried(World::with(|options| options.daily_posts = 100));
    let token = refreshing_login(&world.0).await;
    for reason in [
        "file_format_check_failed",
        "duration_check_failed",
        "frame_rate_check_failed",
        "picture_size_check_failed",
        "internal",
        "video_pull_failed",
        "photo_pull_failed",
        "publish_cancelled",
        "auth_removed",
        "spam_risk_too_many_posts",
        "spam_risk_user_banned_from_posting",
        "spam_risk_text",
        "spam_risk",
    ] {
        let outcome = json!({"outcome": {"status": "FAILED", "fail_reason": reason}});
        world.0.sandbox.fault(&json!({"endpoint": "video_init", "do": outcome})).unwrap();
        world.0.sandbox.advance(SignedDuration::from_secs(60));
        let id = world.0.post(&token, MP4).await;
        let expected = json!({"status": "FAILED", "fail_reason": reason});
        assert_eq!(world.0.status(&token, &id).await.data(), expected);
    }
}

#[tokio::test]
async fn an_outcome_waits_for_the_bytes() {
    let world = World::new();
    let token = world.login("@bea").await;
    let outcome = json!({"outcome": {"status": "FAILED", "fail_reason": "internal"}});
    world.sandbox.fault(&json!({"endpoint": "video_init", "do": outcome})).unwrap();
    let id = text(&world.init(&token, 10, 10, 1).await.data()["publish_id"]);
    let waiting = json!({"status": "PROCESSING_UPLOAD", "uploaded_bytes": 0});
    assert_eq!(world.status(&token, &id).await.data(), waiting);
}

#[tokio::test]
async fn removing_the_app_fails_what_is_under_way_and_leaves_what_is_done() {
    let world = World::new();
    let token = world.login("@bea").await;
    let done = world.post(&token, MP4).await;
    let open = text(&world.init(&token, 10, 10, 1).await.data()["publish_id"]);
    world.sandbox.remove_apps("@bea").unwrap();
    assert_eq!(world.status(&token, &open).await.verdict(), "401 access_token_invalid");
    let token = world.login("@bea").await;
    let failed = json!({"status": "FAILED", "fail_reason": "auth_removed"});
    assert_eq!(world.status(&token, &open).await.data(), failed);
    assert_eq!(world.status(&token, &done).await.data()["status"], "PUBLISH_COMPLETE");
}
