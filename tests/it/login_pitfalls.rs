//! A newcomer's mistakes with the app's settings: each symptom comes with what to change.

use std::process::Stdio;

use serde_json::json;
use tiktok_sandbox::{OauthErrors, Options};

use crate::world::{ADA, World};

/// The refusals of the token endpoint, each with what a newcomer has to change.
#[test]
fn each_refusal_of_the_exchange_comes_with_what_to_change() {
    for (code, message, hint) in [
        (
            "invalid_request",
            "Code verifier or code challenge is invalid.",
            "`tiktok-up login` again",
        ),
        (
            "invalid_request",
            "Redirect_uri is not matched with the uri when requesting code.",
            "`http://127.0.0.1:*/callback/`",
        ),
        ("invalid_request", "The request parameters are malformed.", "report it with the log_id"),
        ("invalid_request", "Client secret is missed in request.", "TIKTOK_CLIENT_SECRET"),
        ("invalid_grant", "Authorization code is expired.", "good for one try"),
        ("invalid_client", "Client key or secret is incorrect.", "a sandbox has its own pair"),
        ("invalid_scope", "", "Apply changes"),
        ("unauthorized_client", "", "target user"),
    ] {
        let world = World::new();
        let body = json!({ "error": code, "error_description": message, "log_id": "2026X" });
        let answer = json!({ "answer": { "status": 400, "body": body } });
        world.fault(&json!({ "endpoint": "token_code", "do": answer }));
        // What a new login alone does not mend is a matter of settings.
        let settings = matches!(code, "invalid_client" | "invalid_scope" | "unauthorized_client")
            || message.starts_with("Redirect_uri")
            || message.starts_with("Client secret");
        let ran = world.login(ADA).exits(if settings { 2 } else { 3 }).says(code).says("2026X");
        let hint_at = ran.stderr.find("hint:").unwrap_or_else(|| panic!("{ran:?}"));
        assert!(ran.stderr[hint_at..].contains(hint), "{code}: {ran:?}");
    }
}

/// Clients in the field look for the error in a 200; no page tells the status.
#[test]
fn a_refusal_is_the_same_at_any_http_status() {
    for oauth_errors in [OauthErrors::Ok, OauthErrors::Usual] {
        let mut world = World::with(Options { oauth_errors, ..Options::default() });
        world.refuse("token_code", 1, 1, "invalid_grant");
        world.login(ADA).exits(3).says("invalid_grant").says("good for one try");
        world.login(ADA).exits(0);
        world.advance(jiff::SignedDuration::from_hours(3));
        world.refuse("token_refresh", 1, 1, "server_error");
        world.run(&["refresh"]).exits(5).says("server_error");
        world.run(&["refresh"]).exits(0);
        world.sandbox.remove_apps(ADA).unwrap();
        world.run(&["refresh", "--force"]).exits(3).says("invalid_grant");
    }
}

#[test]
fn credentials_that_do_not_belong_together_are_told_by_the_beginning_of_the_key() {
    let world = World::new();
    let mut command = world.command(&["login", "--no-browser", "--port", "0"]);
    command.env("TIKTOK_CLIENT_SECRET", "of-another-app");
    let key = world.sandbox.client_key();
    let ran = world.login_by(command).exits(2).says("invalid_client");
    ran.says(&format!("begins with `{}…`", &key[..6])).never_says("of-another-app");
}

#[test]
fn a_path_that_is_unknown_there_leads_to_the_base_that_was_configured() {
    let world = World::new();
    let answer = json!({ "status": 404, "body": "Unsupported path(Janus)" });
    world.fault(&json!({ "endpoint": "token_code", "do": { "answer": answer } }));
    world.login(ADA).exits(5).says("check TIKTOK_UP_API_URL");
}

#[test]
fn a_qr_code_that_is_refused_comes_with_what_to_change() {
    for (code, hint) in [
        ("invalid_client", "a sandbox has its own pair"),
        ("invalid_scope", "add the scope to the app"),
        ("unauthorized_client", "add Login Kit to the app"),
    ] {
        let world = World::new();
        world.fault(&json!({ "endpoint": "get_qrcode", "do": { "refuse": { "code": code } } }));
        world.run(&["login", "--qr"]).exits(2).says(code).says(hint);
        assert!(!world.store_path().exists());
    }
}

#[test]
fn a_refusal_at_the_callback_comes_with_what_to_change() {
    for (error, exit, hint) in [
        ("unauthorized_client", 2, "target user"),
        ("invalid_scope", 2, "--scopes"),
        ("access_denied", 3, "allow it"),
    ] {
        let world = World::new();
        let login = world.start_login(&[]);
        let state = login.parameter("state");
        login.get(&format!("/callback/?error={error}&state={state}"));
        login.end().exits(exit).says(error).says(hint);
    }
}

#[test]
fn fields_of_a_scope_that_was_not_granted_are_not_asked_for() {
    let world = World::new();
    let body = json!({ "access_token": "act.of-another-tiktok", "refresh_token": "rft.of-another-tiktok",
        "open_id": world.open_id(ADA), "scope": "video.upload", "expires_in": 7200,
        "refresh_expires_in": 15_552_000, "token_type": "Bearer" });
    let answer = json!({ "answer": { "status": 200, "body": body } });
    world.fault(&json!({ "endpoint": "token_code", "do": answer }));
    world.login_with(&["--scopes", "video.upload"]).exits(0);
    assert_eq!(world.entry(ADA)["scopes"], "video.upload");
    assert!(world.calls("user_info").is_empty());
}

#[test]
fn a_paste_that_never_comes_names_the_settings_to_check() {
    let world = World::new();
    let mut command = world.command(&["login", "--paste", "--timeout", "300ms"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let open = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(open);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    for setting in ["redirect_uri", "client_key", "scope", "Target users"] {
        assert!(stderr.contains(setting), "{stderr}");
    }
}

#[test]
fn with_json_a_refused_login_has_tiktoks_code_and_log_id() {
    let world = World::new();
    world.refuse("token_code", 1, 1, "invalid_request");
    let ran = world.login_with(&["--json"]);
    let error = &ran.json().pop().unwrap()["error"];
    assert_eq!(error["code"], "invalid_request", "{ran:?}");
    assert!(error["log_id"].as_str().is_some_and(|id| !id.is_empty()), "{ran:?}");
}
