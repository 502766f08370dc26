//! The Display API, the pages and the control endpoints of the sandbox.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::sandbox_client::{ALL_SCOPES, MP4, World, direct, text};

const LIST: &str = "/v2/video/list/";
const QUERY: &str = "/v2/video/query/";

async fn info(world: &World, token: &str, fields: &str) -> crate::sandbox_client::Reply {
    let request = world.http.get(world.at("/v2/user/info/")).query(&[("fields", fields)]);
    world.send(request.bearer_auth(token)).await
}

/// Posts publicly; the id of the public post.
async fn publish(world: &World, token: &str, title: &str) -> String {
    let size = MP4.len() as u64;
    let mut body = direct(size, size, 1);
    body["post_info"]["privacy_level"] = json!("PUBLIC_TO_EVERYONE");
    body["post_info"]["title"] = json!(title);
    let init = world.call("/v2/post/publish/video/init/", token, &body).await.data();
    let range = format!("bytes 0-{}/{size}", size - 1);
    world.put(init["upload_url"].as_str().unwrap(), &range, MP4.to_vec()).await;
    let status = world.status(token, &text(&init["publish_id"])).await.data();
    status["publicaly_available_post_id"][0].to_string()
}

// --- user info ---

#[tokio::test]
async fn user_info_tells_the_fields_that_were_asked_for() {
    let world = World::new();
    let token = world.login("@ada").await;
    let user = info(&world, &token, "open_id,display_name").await.data()["user"].clone();
    let open_id = world.sandbox.open_id("@ada").unwrap();
    assert_eq!(user, json!({"open_id": open_id, "display_name": "Ada Private"}));
}

#[tokio::test]
async fn every_documented_field_can_be_asked_for_with_its_scope_alone() {
    let world = World::new();
    for (scope, fields) in [
        (
            "user.info.basic",
            "open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name",
        ),
        (
            "user.info.profile",
            "bio_description,profile_deep_link,is_verified,username,profile_web_link",
        ),
        ("user.info.stats", "follower_count,following_count,likes_count,video_count"),
    ] {
        let token = text(&world.tokens("@bea", scope).await["access_token"]);
        let user = info(&world, &token, fields).await.data()["user"].clone();
        for field in fields.split(',') {
            assert!(!user[field].is_null(), "{field}");
        }
        let other = if scope == "user.info.stats" { "username" } else { "likes_count" };
        let refused = info(&world, &token, other).await.verdict();
        assert_eq!(refused, "400 scope_permission_missed", "{scope} {other}");
    }
}

#[tokio::test]
async fn user_info_needs_known_fields() {
    let world = World::new();
    let token = world.login("@ada").await;
    for fields in ["", "open_id,shoe_size", "open_id,"] {
        let verdict = info(&world, &token, fields).await.verdict();
        assert_eq!(verdict, "400 invalid_params", "{fields:?}");
    }
    let request = world.http.get(world.at("/v2/user/info/")).bearer_auth(&token);
    assert_eq!(world.send(request).await.verdict(), "400 invalid_params");
    // The basic scope is there, asked for or not.
    let token = text(&world.tokens("@ada", "video.list").await["access_token"]);
    assert_eq!(info(&world, &token, "open_id").await.verdict(), "200 ok");
}

#[tokio::test]
async fn an_account_has_another_open_id_for_each_app_account_and_none_is_shared() {
    let world = World::new();
    let ids: Vec<_> =
        ["@ada", "@bea", "@cyd"].map(|handle| world.sandbox.open_id(handle).unwrap()).to_vec();
    let starts: Vec<_> = ids.iter().map(|id| &id[..4]).collect();
    assert_eq!(starts, ["-000", "_000", "-000"], "real ones begin in two ways");
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!(World::new().sandbox.open_id("@ada").unwrap(), ids[0], "they last");
}

// --- videos ---

#[tokio::test]
async fn the_list_holds_public_posts_newest_first_and_goes_on_by_its_cursor() {
    let world = World::new();
    let token = world.login("@bea").await;
    let mut ids = Vec::new();
    for title in ["one", "two", "three"] {
        ids.push(publish(&world, &token, title).await);
        world.sandbox.advance(SignedDuration::from_secs(60));
    }
    // One that nobody else may see is not on it.
    world.post(&token, MP4).await;
    let path = format!("{LIST}?fields=id,title");
    let page = world.call(&path, &token, &json!({"max_count": 2})).await.data();
    assert_eq!(
        page["videos"],
        json!([
            {"id": ids[2], "title": "three"},
            {"id": ids[1], "title": "two"},
        ])
    );
    assert_eq!(page["has_more"], true);
    let rest = world.call(&path, &token, &json!({"cursor": page["cursor"]})).await.data();
    assert_eq!(rest["videos"], json!([{"id": ids[0], "title": "one"}]));
    assert_eq!(rest["has_more"], false);
}

#[tokio::test]
async fn the_list_takes_no_body_and_refuses_what_cannot_be() {
    let world = World::new();
    let token = world.login("@bea").await;
    let path = format!("{LIST}?fields=id");
    let bare = world.http.post(world.at(&path)).bearer_auth(&token);
    assert_eq!(world.send(bare).await.data()["videos"], json!([]));
    for body in [
        json!({"max_count": 0}),
        json!({"max_count": 21}),
        json!({"max_count": "10"}),
        json!({"cursor": "now"}),
        json!([]),
    ] {
        let verdict = world.call(&path, &token, &body).await.verdict();
        assert_eq!(verdict, "400 invalid_params", "{body}");
    }
    for path in [LIST.to_owned(), format!("{LIST}?fields=id,shoe_size")] {
        let verdict = world.call(&path, &token, &json!({})).await.verdict();
        assert_eq!(verdict, "400 invalid_params", "{path}");
    }
}

#[tokio::test]
async fn every_documented_field_of_a_video_can_be_asked_for() {
    let world = World::new();
    let token = world.login("@bea").await;
    let id = publish(&world, &token, "one").await;
    let fields = "id,create_time,cover_image_url,share_url,video_description,duration,height,\
                  width,title,embed_html,embed_link,like_count,comment_count,share_count,view_count";
    let path = format!("{QUERY}?fields={fields}");
    let body = json!({"filters": {"video_ids": [id]}});
    let videos = world.call(&path, &token, &body).await.data()["videos"].clone();
    for field in fields.split(',') {
        assert!(!videos[0][field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn a_query_finds_the_callers_own_videos_only() {
    let world = World::new();
    let (bea, cyd) = (world.login("@bea").await, world.login("@cyd").await);
    let own = publish(&world, &bea, "mine").await;
    let other = publish(&world, &cyd, "theirs").await;
    let path = format!("{QUERY}?fields=id");
    let body = json!({"filters": {"video_ids": [own, other, "1"]}});
    let data = world.call(&path, &bea, &body).await.data();
    assert_eq!(data["videos"], json!([{"id": own}]));
    let many: Vec<_> = (0..21).map(|n| n.to_string()).collect();
    for body in [
        json!({}),
        json!({"filters": {}}),
        json!({"filters": {"video_ids": []}}),
        json!({"filters": {"video_ids": [1]}}),
        json!({"filters": {"video_ids": many}}),
    ] {
        let verdict = world.call(&path, &bea, &body).await.verdict();
        assert_eq!(verdict, "400 invalid_params", "{body}");
    }
}

#[tokio::test]
async fn the_display_endpoints_take_600_calls_a_minute() {
    let world = World::new();
    let token = world.login("@ada").await;
    for _ in 0..600 {
        assert_eq!(info(&world, &token, "open_id").await.status, 200);
    }
    assert_eq!(info(&world, &token, "open_id").await.verdict(), "429 rate_limit_exceeded");
}

// --- control ---

async fn control(world: &World, path: &str, body: &Value) -> (u16, Value) {
    let reply = world.send(world.http.post(world.at(path)).json(body)).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn a_script_can_move_the_world_by_http_alone() {
    let world = World::with(|options| options.auto_consent = false);
    let ok = (200, json!({"ok": true}));
    let consent = json!({"account": "@bea", "scopes": ["video.publish"]});
    assert_eq!(control(&world, "/_sandbox/consent", &consent).await, ok);
    let reply = world.authorize(&world.authorize_query()).await;
    let code = crate::sandbox_client::callback(&reply, "code").unwrap();
    let tokens = world.exchange(&code).await.json();
    assert_eq!(tokens["scope"], "user.info.basic,video.publish");
    let token = text(&tokens["access_token"]);

    let patch = json!({"private": true, "comment_disabled": true});
    assert_eq!(control(&world, "/_sandbox/accounts/bea", &patch).await, ok);
    let creator = "/v2/post/publish/creator_info/query/";
    let data = world.call(creator, &token, &json!({})).await.data();
    assert_eq!(data["privacy_level_options"][0], "FOLLOWER_OF_CREATOR");
    assert_eq!(data["comment_disabled"], true);

    let id = world.post(&token, MP4).await;
    let failed = json!({"status": "FAILED", "fail_reason": "spam_risk"});
    assert_eq!(control(&world, &format!("/_sandbox/posts/{id}"), &failed).await, ok);
    assert_eq!(world.status(&token, &id).await.data(), failed);

    let (status, body) = control(&world, "/_sandbox/clock", &json!({"advance": "2h"})).await;
    assert!(status == 200 && body["now"].is_string());
    assert_eq!(world.status(&token, &id).await.verdict(), "401 access_token_invalid");

    let refresh = text(&tokens["refresh_token"]);
    assert_eq!(control(&world, "/_sandbox/revoke/bea", &json!({})).await, ok);
    assert_eq!(world.refresh(&refresh).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn the_qr_flow_can_be_driven_by_http_alone() {
    let world = World::new();
    let key = world.sandbox.client_key();
    let fields = [("client_key", key.as_str()), ("scope", "user.info.basic,video.list")];
    let qr = world.form("/v2/oauth/get_qrcode/", &fields).await.json();
    let token = text(&qr["token"]);
    let url = text(&qr["scan_qrcode_url"]).replacen("tobefilled", "t", 1);
    let step = |step: &str| format!("/_sandbox/qr/{token}/{step}");
    assert_eq!(control(&world, &step("confirm"), &json!({})).await.0, 409, "not scanned yet");
    assert_eq!(control(&world, &step("scan"), &json!({"url": url})).await.0, 200);
    let confirm = json!({"account": "@bea", "scopes": []});
    assert_eq!(control(&world, &step("confirm"), &confirm).await.0, 200);
    let reply = world.oauth("/v2/oauth/check_qrcode/", &[("token", &token)]).await.json();
    assert_eq!(reply["status"], "confirmed");
    assert!(text(&reply["redirect_uri"]).contains("scopes=user.info.basic"));
    assert_eq!(control(&world, &step("deny"), &json!({})).await.0, 409, "it is used");
}

#[tokio::test]
async fn the_state_and_the_log_hold_no_secret() {
    let world = World::new();
    let tokens = world.tokens("@bea", ALL_SCOPES).await;
    let access = text(&tokens["access_token"]);
    let init = world.init(&access, 10, 10, 1).await.data();
    let url = text(&init["upload_url"]);
    world.put(&url, "bytes 0-9/10", vec![0; 10]).await;
    world.refresh(&text(&tokens["refresh_token"])).await;
    let state = world.get("/_sandbox/state").await;
    let log = world.get("/_sandbox/requests").await;
    let page = world.get("/_sandbox/").await;
    for secret in [
        &access,
        &text(&tokens["refresh_token"]),
        world.sandbox.client_secret().expose(),
        url.split("upload_token=").nth(1).unwrap(),
        crate::sandbox_client::VERIFIER,
    ] {
        for reply in [&state, &log, &page] {
            assert_eq!(reply.status, 200);
            assert!(!reply.text.contains(secret), "{}", reply.text);
        }
    }
    assert_eq!(state.json()["posts"][0]["publish_id"], init["publish_id"]);
}

#[tokio::test]
async fn the_log_tells_each_request_in_order() {
    let world = World::new();
    let token = world.login("@bea").await;
    world.init(&token, 10, 11, 1).await;
    world.exchange("unknown").await;
    world.bare(Method::GET, "/v2/nowhere/?secret=1").await;
    let log = world.get("/_sandbox/requests").await.text;
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let field = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
            let (endpoint, account, code) = (field("endpoint"), field("account"), field("code"));
            let message = field("message");
            format!("{endpoint} {account} {} {code} {message}", entry["status"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "authorize - 302 - -",
            "token_code @bea 200 - -",
            "video_init @bea 400 invalid_params The chunk size is invalid",
            "token_code - 200 invalid_grant Authorization code is expired.",
            "unknown - 404 unsupported_path -",
        ]
    );
    assert_eq!(entries[4]["path"], "/v2/nowhere/");
    let page = world.get("/_sandbox/").await.text;
    assert!(page.contains("The chunk size is invalid"), "the page says it, too");
    assert!(!log.contains("secret"));
}

#[tokio::test]
async fn the_log_file_holds_the_same_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.jsonl");
    let world = World::with(|options| options.log = Some(path.clone()));
    world.login("@bea").await;
    assert_eq!(std::fs::read_to_string(path).unwrap(), world.get("/_sandbox/requests").await.text);
}

#[tokio::test]
async fn what_control_cannot_do_is_told() {
    let world = World::new();
    for (path, body, status) in [
        ("/_sandbox/accounts/nobody", json!({}), 404),
        ("/_sandbox/accounts/ada", json!({"privat": true}), 400),
        ("/_sandbox/posts/none", json!({"status": "FAILED"}), 404),
        ("/_sandbox/revoke/nobody", json!({}), 404),
        ("/_sandbox/consent", json!({"account": "@nobody"}), 404),
        ("/_sandbox/clock", json!({"advance": "soon"}), 400),
        ("/_sandbox/faults", json!({"faults": [{"endpoint": "x", "do": {}}]}), 400),
        ("/_sandbox/qr/scan", json!({"url": "https://example.com"}), 409),
    ] {
        let (got, answer) = control(&world, path, &body).await;
        assert_eq!(got, status, "{path} {body}");
        assert!(!text(&answer["error"]).is_empty());
    }
}

#[tokio::test]
async fn another_site_can_neither_read_nor_move_the_sandbox() {
    let world = World::new();
    let state = || world.http.get(world.at("/_sandbox/state"));
    let revoke = || world.http.post(world.at("/_sandbox/revoke/ada"));
    for request in [
        state().header("host", "evil.example"),
        state().header("origin", "https://evil.example"),
        revoke().header("origin", "https://evil.example"),
        revoke().header("origin", "null"),
        world.http.get(world.at("/_sandbox/")).header("host", "evil.example:80"),
        world.http.post(world.at("/_sandbox/do")).header("origin", "https://evil.example"),
    ] {
        assert_eq!(world.send(request).await.status, 403);
    }
    let form = revoke().form(&[("a", "b")]);
    assert_eq!(world.send(form).await.status, 415);
    let by_name = world.http.get(world.at("/_sandbox/state").replace("127.0.0.1", "localhost"));
    assert_eq!(world.send(by_name).await.status, 200);
}

// --- pages ---

/// The hidden key of a page's forms.
async fn key(world: &World) -> String {
    let page = world.get("/_sandbox/phone").await.text;
    let rest = page.split("name=\"key\" value=\"").nth(1).expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_overview_shows_accounts_posts_and_requests_as_text() {
    let world = World::new();
    let token = world.login("@bea").await;
    publish(&world, &token, "<script>alert('x')</script>").await;
    let page = world.get("/_sandbox/").await;
    assert!(page.text.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(!page.text.contains("<script"));
    for shown in ["@ada", "@bea", "@cyd", "PUBLISH_COMPLETE", "video_init", "not TikTok"] {
        assert!(page.text.contains(shown), "{shown}");
    }
    assert!(page.header("content-security-policy").starts_with("default-src 'none';"));
}

#[tokio::test]
async fn no_page_reloads_itself_and_what_scrolls_can_be_reached_by_keyboard() {
    let world = World::new();
    let token = world.login("@bea").await;
    publish(&world, &token, "a post").await;
    for (path, areas) in
        [("/_sandbox/", &["Posts", "Requests"][..]), ("/_sandbox/phone", &["All codes"])]
    {
        let reply = world.get(path).await;
        assert!(!reply.text.to_lowercase().contains("http-equiv"), "{path}");
        assert_eq!(reply.header("refresh"), "", "{path}");
        let named = areas.iter().filter(|name| {
            let area = format!("tabindex=\"0\" role=\"region\" aria-label=\"{name}\"");
            reply.text.contains(&format!("<div class=\"wide\" {area}>"))
        });
        assert_eq!(named.count(), areas.len(), "{path}");
        assert_eq!(reply.text.matches("class=\"wide\"").count(), areas.len(), "{path}");
    }
}

#[tokio::test]
async fn a_person_can_be_the_phone() {
    let world = World::new();
    let client = world.sandbox.client_key();
    let fields = [("client_key", client.as_str()), ("scope", "user.info.basic")];
    let qr = world.form("/v2/oauth/get_qrcode/", &fields).await.json();
    let (token, key) = (text(&qr["token"]), key(&world).await);
    let url = text(&qr["scan_qrcode_url"]).replacen("tobefilled", "t", 1);
    let press = async |fields: &[(&str, &str)]| world.form("/_sandbox/do", fields).await;
    let scan = press(&[("key", &key), ("button", "scan"), ("url", &url)]).await;
    assert_eq!((scan.status, scan.header("location").as_str()), (303, "/_sandbox/phone"));
    assert!(world.get("/_sandbox/phone").await.text.contains(&token));
    let confirm = [
        ("key", key.as_str()),
        ("button", "confirm"),
        ("token", token.as_str()),
        ("account", "bea"),
    ];
    assert_eq!(press(&confirm).await.status, 303);
    let reply = world.oauth("/v2/oauth/check_qrcode/", &[("token", &token)]).await.json();
    assert_eq!(reply["status"], "confirmed");
}

#[tokio::test]
async fn a_button_needs_the_key_of_its_page() {
    let world = World::new();
    let before = world.sandbox.state().ahead_seconds;
    let without = world.form("/_sandbox/do", &[("button", "day"), ("key", "guess")]).await;
    assert_eq!((without.status, world.sandbox.state().ahead_seconds), (409, before));
    let key = key(&world).await;
    let with = world.form("/_sandbox/do", &[("button", "day"), ("key", &key)]).await;
    assert_eq!((with.status, world.sandbox.state().ahead_seconds), (303, before + 86_400));
}

#[tokio::test]
async fn the_date_header_follows_the_clock() {
    let world = World::new();
    world.sandbox.advance(SignedDuration::from_hours(24 * 400));
    let now = world.sandbox.state().now.strftime("%a, %d %b %Y").to_string();
    let date = world.get("/v2/nowhere").await.header("date");
    assert!(date.starts_with(&now) && date.ends_with(" GMT"), "{date}");
}
