//! Scripted faults of the sandbox: what the client sees, and what was done all the same.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox_client::{ALL_SCOPES, MP4, Reply, World, direct, text, until};

const INIT: &str = "/v2/post/publish/video/init/";
const USER: &str = "/v2/user/info/?fields=open_id";

/// A world with one rule.
async fn with_rule(rule: &Value) -> (World, String) {
    let world = World::new();
    let token = world.login("@bea").await;
    world.sandbox.fault(rule).unwrap();
    (world, token)
}

async fn init(world: &World, token: &str) -> Result<Reply, reqwest::Error> {
    let request = world.http.post(world.at(INIT)).bearer_auth(token).json(&direct(10, 10, 1));
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Reply { status, headers, text: response.text().await? })
}

fn posts(world: &World) -> usize {
    world.sandbox.posts().len()
}

// --- answers ---

#[tokio::test]
async fn an_answer_replaces_the_work() {
    let (world, token) = with_rule(&json!({"endpoint": "video_init", "do": {"answer": {
        "status": 503, "headers": {"retry-after": "7", "content-type": "text/plain"},
        "body": "busy",
    }}}))
    .await;
    let reply = init(&world, &token).await.unwrap();
    assert_eq!((reply.status, reply.text.as_str(), posts(&world)), (503, "busy", 0));
    assert_eq!((reply.header("retry-after"), reply.header("content-type")), {
        ("7".to_owned(), "text/plain".to_owned())
    });
    assert_eq!(init(&world, &token).await.unwrap().verdict(), "200 ok");
}

#[tokio::test]
async fn an_answer_after_the_work_replaces_only_the_answer() {
    let (world, token) = with_rule(&json!({"endpoint": "video_init", "do": {
        "answer": {"status": 502, "body": {"any": "JSON"}}, "when": "after",
    }}))
    .await;
    let reply = init(&world, &token).await.unwrap();
    assert_eq!((reply.status, reply.json(), posts(&world)), (502, json!({"any": "JSON"}), 1));
}

#[tokio::test]
async fn an_echo_repeats_the_request_where_it_is_told_to() {
    let echo =
        |field: &str| json!({"endpoint": "any", "do": {"echo": {"field": field, "status": 418}}});
    let (world, token) = with_rule(&echo("message")).await;
    let bearer = format!("Bearer {token}");
    let reply = init(&world, &token).await.unwrap();
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("POST /v2/post/publish/video/init/?"), "{message}");
    assert!(message.contains(&bearer) && message.contains("chunk_size"), "{message}");
    assert_eq!((reply.status, posts(&world)), (418, 0));
    for field in ["body", "headers", "display_name"] {
        world.sandbox.fault(&echo(field)).unwrap();
        let user = world.at("/v2/user/info/?fields=open_id,display_name");
        let reply = world.http.get(user).bearer_auth(&token).send().await.unwrap();
        let status = reply.status().as_u16();
        let told = match field {
            "headers" => reply.headers()["location"].to_str().unwrap().to_owned(),
            _ => reply.text().await.unwrap(),
        };
        assert!(told.contains(&bearer), "{told}");
        assert_eq!(status, if field == "display_name" { 200 } else { 418 });
    }
}

#[tokio::test]
async fn garbage_is_html_with_200() {
    let (world, token) =
        with_rule(&json!({"endpoint": "video_init", "do": {"garbage": true}})).await;
    let reply = init(&world, &token).await.unwrap();
    assert_eq!((reply.status, posts(&world)), (200, 0));
    assert!(reply.text.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn an_oversized_body_has_its_size() {
    let (world, token) =
        with_rule(&json!({"endpoint": "video_init", "do": {"oversized": 3_000_000}})).await;
    let reply = init(&world, &token).await.unwrap();
    assert_eq!((reply.status, reply.text.len(), posts(&world)), (200, 3_000_000, 0));
}

#[tokio::test]
async fn a_refusal_has_the_shape_of_its_endpoint() {
    let (world, token) = with_rule(&json!({"faults": [
        {"endpoint": "video_init", "do": {"refuse": {"code": "spam_risk_too_many_posts"}}},
        {"endpoint": "status", "do": {"refuse": {
            "code": "internal_error", "status": 200, "message": "odd"}}},
        {"endpoint": "token_refresh", "do": {"refuse": {"code": "server_error"}}},
        {"endpoint": "upload", "do": {"refuse": {"code": "busy", "status": 503}}},
    ]}))
    .await;
    assert_eq!(init(&world, &token).await.unwrap().verdict(), "403 spam_risk_too_many_posts");
    let reply = world.status(&token, "x").await;
    assert_eq!((reply.verdict().as_str(), reply.message().as_str()), ("200 internal_error", "odd"));
    assert_eq!(world.refresh("x").await.flat(), "200 server_error");
    let init = world.init(&token, 10, 10, 1).await.data();
    let url = text(&init["upload_url"]);
    let put = async || world.put(&url, "bytes 0-9/10", vec![0; 10]).await;
    let reply = put().await;
    assert_eq!((reply.status, reply.text.as_str()), (503, "null"));
    assert_eq!(put().await.status, 201, "the refused bytes were not stored");
}

// --- drops ---

#[tokio::test]
async fn a_drop_before_does_nothing() {
    let (world, token) =
        with_rule(&json!({"endpoint": "video_init", "do": {"drop": "before"}})).await;
    assert!(init(&world, &token).await.is_err());
    assert_eq!(posts(&world), 0);
}

#[tokio::test]
async fn a_drop_after_has_done_the_work() {
    let (world, token) =
        with_rule(&json!({"endpoint": "video_init", "do": {"drop": "after"}})).await;
    assert!(init(&world, &token).await.is_err());
    assert_eq!(posts(&world), 1);
}

#[tokio::test]
async fn a_drop_in_the_middle_sends_half_of_the_answer() {
    let (world, token) =
        with_rule(&json!({"endpoint": "video_init", "do": {"drop": "middle"}})).await;
    let request = world.http.post(world.at(INIT)).bearer_auth(&token).json(&direct(10, 10, 1));
    let mut response = request.send().await.unwrap();
    let whole = response.content_length().unwrap();
    let mut read = 0;
    let broken = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => read += bytes.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken);
    assert_eq!((read, posts(&world)), (whole / 2, 1));
}

/// An upload of one chunk with a rule for it; whether the PUT was answered, and what is stored.
async fn put_with(fault: Value) -> (World, Option<u16>, u64) {
    let (world, token) = with_rule(&json!({"endpoint": "upload", "do": fault})).await;
    let size = 5_000_000_u64;
    let url = text(&world.init(&token, size, size, 1).await.data()["upload_url"]);
    let mut body = MP4.to_vec();
    body.resize(5_000_000, 7);
    let request = world.http.put(url).header("content-type", "video/mp4").body(body);
    let request = request.header("content-range", format!("bytes 0-{}/{size}", size - 1));
    let answer = request.send().await.ok().map(|response| response.status().as_u16());
    until("the PUT in the log", || {
        world.sandbox.requests().last().is_some_and(|entry| entry.endpoint == "upload")
    })
    .await;
    let stored = world.sandbox.posts()[0].stored;
    (world, answer, stored)
}

#[tokio::test]
async fn an_upload_can_be_dropped_at_every_moment() {
    for (moment, stored) in [("before", 0), ("middle", 0), ("after", 5_000_000)] {
        let (world, answer, got) = put_with(json!({"drop": moment})).await;
        assert_eq!((answer, got), (None, stored), "{moment}");
        let entry = world.sandbox.requests().pop().unwrap();
        assert_eq!(entry.status, None);
        if moment == "middle" {
            assert!((2_000_000..=2_500_000).contains(&entry.bytes), "{}", entry.bytes);
        }
    }
}

#[tokio::test]
async fn a_dropped_chunk_can_be_sent_again() {
    let (world, token) =
        with_rule(&json!({"endpoint": "upload", "times": 2, "do": {"drop": "middle"}})).await;
    let url = text(&world.init(&token, 10, 10, 1).await.data()["upload_url"]);
    let put = || {
        let request = world.http.put(&url).header("content-type", "video/mp4");
        request.header("content-range", "bytes 0-9/10").body(vec![0; 10]).send()
    };
    assert!(put().await.is_err());
    assert!(put().await.is_err());
    assert_eq!(put().await.unwrap().status(), 201);
}

#[tokio::test]
async fn an_answer_instead_of_an_upload_stores_nothing() {
    let (world, answer, stored) = put_with(json!({"answer": {"status": 500}})).await;
    assert_eq!((answer, stored), (Some(500), 0));
    assert_eq!(world.sandbox.requests().pop().unwrap().bytes, 5_000_000, "the bytes were read");
}

#[tokio::test]
async fn an_early_answer_reads_no_bytes() {
    let (world, _, stored) = put_with(json!({"answer": {"status": 413}, "early": true})).await;
    assert_eq!((world.sandbox.requests().pop().unwrap().bytes, stored), (0, 0));
}

// --- time ---

async fn timed(world: &World, token: &str) -> Duration {
    let start = Instant::now();
    world.send(world.http.get(world.at(USER)).bearer_auth(token)).await.data();
    start.elapsed()
}

#[tokio::test]
async fn a_stall_delays_the_answer_at_each_moment() {
    for when in ["before", "middle", "after"] {
        let (world, token) = with_rule(&json!({
            "endpoint": "user_info", "do": {"stall": "200ms", "when": when},
        }))
        .await;
        assert!(timed(&world, &token).await >= Duration::from_millis(200), "{when}");
    }
}

#[tokio::test]
async fn a_stall_ends_when_the_rules_are_removed() {
    for when in ["before", "middle", "after"] {
        let (world, token) = with_rule(&json!({
            "endpoint": "user_info", "do": {"stall": "1h", "when": when},
        }))
        .await;
        let held = Duration::from_millis(300);
        let removed = async {
            tokio::time::sleep(held).await;
            world.sandbox.clear_faults();
        };
        let (took, ()) = tokio::join!(timed(&world, &token), removed);
        assert!((held..Duration::from_mins(1)).contains(&took), "{when}: {took:?}");
    }
}

#[tokio::test]
async fn a_stall_comes_before_or_after_the_work() {
    for (when, done) in [("before", 0), ("after", 1)] {
        let (world, token) = with_rule(&json!({
            "endpoint": "video_init", "do": {"stall": "1h", "when": when},
        }))
        .await;
        let start = Instant::now();
        let request = world.http.post(world.at(INIT)).bearer_auth(&token).json(&direct(10, 10, 1));
        let outcome = request.timeout(Duration::from_millis(300)).send().await;
        assert!(outcome.unwrap_err().is_timeout() && start.elapsed() < Duration::from_mins(1));
        if done == 0 {
            assert_eq!(posts(&world), 0);
        } else {
            until("the post", || posts(&world) == done).await;
        }
    }
}

#[tokio::test]
async fn a_slow_upload_takes_its_time_and_arrives() {
    let start = Instant::now();
    let (_, answer, stored) = put_with(json!({"slow": 20_000_000})).await;
    assert_eq!((answer, stored), (Some(201), 5_000_000));
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_slow_answer_takes_its_time_and_arrives() {
    let (world, token) = with_rule(&json!({"endpoint": "user_info", "do": {"slow": 500}})).await;
    assert!(timed(&world, &token).await >= Duration::from_millis(150));
}

// --- rules ---

#[tokio::test]
async fn a_rule_hits_the_nth_call_of_its_endpoint() {
    let (world, token) = with_rule(&json!({
        "endpoint": "user_info", "nth": 2, "times": 2, "do": {"answer": {"status": 500}},
    }))
    .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        world.status(&token, "another endpoint").await;
        let request = world.http.get(world.at(USER)).bearer_auth(&token);
        statuses.push(world.send(request).await.status);
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
}

#[tokio::test]
async fn a_rule_for_an_account_spares_the_others() {
    let world = World::new();
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    let rule = json!({
        "endpoint": "any", "account": "@ada", "times": 0, "do": {"answer": {"status": 500}},
    });
    world.sandbox.fault(&rule).unwrap();
    for (token, status) in [(&ada, 500), (&bea, 200), (&ada, 500)] {
        assert_eq!(
            world.send(world.http.get(world.at(USER)).bearer_auth(token)).await.status,
            status
        );
    }
}

#[tokio::test]
async fn grants_are_told_apart_and_by_account() {
    let world = World::new();
    let (ada, bea) =
        (world.tokens("@ada", ALL_SCOPES).await, world.tokens("@bea", ALL_SCOPES).await);
    let rule = json!({"endpoint": "token_refresh", "account": "@bea", "do": {"drop": "after"}});
    world.sandbox.fault(&rule).unwrap();
    assert_eq!(world.refresh(&text(&ada["refresh_token"])).await.flat(), "200 ok");
    let old = text(&bea["refresh_token"]);
    let (key, secret) = (world.sandbox.client_key(), world.sandbox.client_secret());
    let lost = world.http.post(world.at("/v2/oauth/token/")).form(&[
        ("client_key", key.as_str()),
        ("client_secret", secret.expose()),
        ("grant_type", "refresh_token"),
        ("refresh_token", &old),
    ]);
    assert!(lost.send().await.is_err());
    assert_eq!(world.refresh(&old).await.flat(), "200 invalid_grant", "it was rotated");
}

#[tokio::test]
async fn the_authorize_page_can_fail_too() {
    let world = World::new();
    world.sandbox.fault(&json!({"endpoint": "authorize", "do": {"garbage": true}})).unwrap();
    assert!(world.authorize(&world.authorize_query()).await.text.contains("Please wait"));
}

#[tokio::test]
async fn rules_come_and_go_while_it_runs() {
    let world = World::new();
    let token = world.login("@bea").await;
    let rule = json!({"faults": [
        {"endpoint": "user_info", "times": 0, "do": {"answer": {"status": 500}}},
    ]});
    let user = async || world.send(world.http.get(world.at(USER)).bearer_auth(&token)).await.status;
    let added = world.send(world.http.post(world.at("/_sandbox/faults")).json(&rule)).await;
    assert_eq!((added.status, user().await, user().await), (200, 500, 500));
    let removed = world.send(world.http.delete(world.at("/_sandbox/faults"))).await;
    assert_eq!((removed.status, user().await), (200, 200));
}

#[tokio::test]
async fn an_init_can_say_what_becomes_of_its_post() {
    let (world, token) = with_rule(&json!({"endpoint": "video_init", "do": {"outcome": {
        "status": "PUBLISH_COMPLETE", "post_ids": [9_007_199_254_740_993_i64],
    }}}))
    .await;
    let id = world.post(&token, b"no video at all").await;
    assert_eq!(
        world.status(&token, &id).await.data(),
        json!({
            "status": "PUBLISH_COMPLETE", "publicaly_available_post_id": [9_007_199_254_740_993_i64],
        })
    );
}

#[tokio::test]
async fn an_outcome_may_never_end_and_tell_a_wrong_progress() {
    let (world, token) = with_rule(&json!({"endpoint": "video_init", "do": {"outcome": {
        "status": "PROCESSING_UPLOAD", "uploaded_bytes": 3,
    }}}))
    .await;
    let id = world.post(&token, MP4).await;
    world.sandbox.advance(jiff::SignedDuration::from_mins(100));
    let expected = json!({"status": "PROCESSING_UPLOAD", "uploaded_bytes": 3});
    assert_eq!(world.status(&token, &id).await.data(), expected);
}
