//! Login Kit and the token endpoints of the sandbox, held against TikTok's pages.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tiktok_sandbox::{App, ConsentPlan, Lifetimes, OauthErrors, QrConfirm, Secret};

use crate::sandbox_client::{ALL_SCOPES, CALLBACK, VERIFIER, World, callback, challenge, text};

const TOKEN: &str = "/v2/oauth/token/";
const REVOKE: &str = "/v2/oauth/revoke/";
const USER: &str = "/v2/user/info/?fields=open_id,display_name";

// --- the gateway ---

#[tokio::test]
async fn a_path_without_its_slash_and_a_wrong_method_are_unsupported() {
    let world = World::new();
    for (method, path) in [
        (Method::POST, "/v2/oauth/token"),
        (Method::POST, "/v2/oauth//token/"),
        (Method::POST, "//v2/oauth/token/"),
        (Method::GET, "/v2/oauth/token/"),
        (Method::PUT, "/v2/oauth/token/"),
        (Method::OPTIONS, "/v2/oauth/token/"),
        (Method::POST, "/v2/oauth/token/refresh/"),
        (Method::GET, "/v2/auth/authorize/x"),
        (Method::GET, "/v2/auth/authorize//"),
        (Method::GET, "/auth/authorize/"),
        (Method::POST, "/v2/auth/authorize/"),
        (Method::HEAD, "/v2/auth/authorize/"),
        (Method::POST, "/v2/auth/authorize"),
        (Method::GET, "/v2/oauth/revoke/"),
        (Method::GET, "/v2/oauth/get_qrcode/"),
        (Method::GET, "/v0/oauth/get_qrcode/"),
        (Method::GET, "/v2/video/list/"),
        (Method::POST, "/v2/video/list"),
        (Method::POST, "/v2/user/info/"),
        (Method::HEAD, "/v2/user/info/"),
        (Method::GET, "/v2/post/publish/status/fetch/"),
        (Method::POST, "/v2/post/publish/video/init"),
        (Method::POST, "/v2/post/publish/VIDEO/init/"),
        (Method::POST, "/v2/post/publish/creator_info/"),
        (Method::POST, "/upload"),
        (Method::GET, "/"),
    ] {
        let reply = world.bare(method.clone(), path).await;
        assert_eq!(reply.status, 404, "{method} {path}");
        let body = if method == Method::HEAD { "" } else { "Unsupported path(Janus)" };
        assert_eq!(reply.text, body, "{method} {path}");
    }
}

// --- the authorize page ---

#[tokio::test]
async fn a_consent_leads_back_with_code_scopes_and_state() {
    let world = World::new();
    let reply = world.authorize(&world.authorize_query()).await;
    assert_eq!(reply.status, 302);
    assert!(reply.header("location").starts_with(&format!("{CALLBACK}?")));
    assert_eq!(callback(&reply, "state").unwrap(), "st ate&1");
    assert_eq!(callback(&reply, "scopes").unwrap(), ALL_SCOPES);
    assert_eq!(callback(&reply, "error"), None);
}

#[tokio::test]
async fn the_authorize_page_is_there_with_and_without_its_slash() {
    let world = World::new();
    for path in ["/v2/auth/authorize/", "/v2/auth/authorize"] {
        let request = world.http.get(world.at(path)).query(&world.authorize_query());
        let code = callback(&world.send(request).await, "code").expect(path);
        assert_eq!(world.exchange(&code).await.flat(), "200 ok", "{path}");
    }
    assert!(
        world.sandbox.requests().iter().filter(|call| call.endpoint == "authorize").count() == 2
    );
}

#[tokio::test]
async fn a_code_has_a_star_and_an_exclamation_mark_that_arrive_encoded() {
    let world = World::new();
    let reply = world.authorize(&world.authorize_query()).await;
    let code = callback(&reply, "code").unwrap();
    assert!(code.contains('*') && code.contains('!'), "{code}");
    let location = reply.header("location");
    assert!(location.contains("%2A") && location.contains("%21"), "{location}");
    assert!(!location.contains('*') && !location.contains('!'), "{location}");
}

/// A parameter that is set to something, or left out.
type Change = (&'static str, Option<&'static str>);

#[tokio::test]
async fn a_mistake_of_the_app_shows_a_page_that_names_the_parameter_and_never_redirects() {
    let world = World::new();
    let cases: &[(Change, &str)] = &[
        (("client_key", None), "client_key"),
        (("client_key", Some("someone-else")), "client_key"),
        (("client_key", Some("")), "client_key"),
        (("response_type", None), "response_type"),
        (("response_type", Some("token")), "response_type"),
        (("scope", None), "scope"),
        (("scope", Some("user.info.basic video.publish")), "scope"),
        (("scope", Some("user.info.basic, video.publish")), "scope"),
        (("scope", Some("user.info.basic,video.steal")), "scope"),
        (("scope", Some("user.info.basic,,video.publish")), "scope"),
        (("redirect_uri", None), "redirect_uri"),
        (("redirect_uri", Some("http://127.0.0.1:3456/callback")), "redirect_uri"),
        (("redirect_uri", Some("http://127.0.0.1:3456/")), "redirect_uri"),
        (("redirect_uri", Some("http://evil.example/callback/")), "redirect_uri"),
        (("redirect_uri", Some("http://127.0.0.1:3456/callback/?a=b")), "redirect_uri"),
        (("redirect_uri", Some("http://127.0.0.1:3456/callback/#a")), "redirect_uri"),
        (("redirect_uri", Some("https://127.0.0.1:3456/callback/")), "redirect_uri"),
        (("state", None), "state"),
        (("code_challenge", None), "code_challenge"),
        (("code_challenge_method", None), "code_challenge_method"),
        (("code_challenge_method", Some("plain")), "code_challenge_method"),
        (("code_challenge_method", Some("s256")), "code_challenge_method"),
        (("disable_auto_auth", Some("yes")), "disable_auto_auth"),
    ];
    for ((name, value), named) in cases {
        let mut query = world.authorize_query();
        query.retain(|(key, _)| key != name);
        query.extend(value.map(|value| (*name, value.to_owned())));
        let reply = world.authorize(&query).await;
        assert_eq!(reply.status, 200, "{name}={value:?}");
        assert_eq!(reply.header("location"), "", "{name}={value:?}");
        assert!(reply.text.contains(&format!("<code>{named}</code>")), "{name}={value:?}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_there_twice_is_a_mistake() {
    let world = World::new();
    let mut query = world.authorize_query();
    query.push(("redirect_uri", "http://127.0.0.1:1/callback/".to_owned()));
    assert!(world.authorize(&query).await.text.contains("<code>redirect_uri</code>"));
}

#[tokio::test]
async fn any_port_of_a_wildcard_redirect_uri_is_good() {
    let world = World::new();
    for uri in ["http://127.0.0.1:40123/callback/", "http://localhost:1/callback/"] {
        let mut query = world.authorize_query();
        query[3].1 = uri.to_owned();
        let reply = world.authorize(&query).await;
        assert!(reply.header("location").starts_with(&format!("{uri}?code=")), "{uri}");
    }
}

#[tokio::test]
async fn a_refusal_leads_back_with_error_description_and_state() {
    let world = World::new();
    world.sandbox.consent(ConsentPlan { deny: true, ..ConsentPlan::default() }).unwrap();
    let reply = world.authorize(&world.authorize_query()).await;
    assert_eq!(callback(&reply, "error").unwrap(), "access_denied");
    assert!(callback(&reply, "error_description").is_some());
    assert_eq!(callback(&reply, "state").unwrap(), "st ate&1");
    assert_eq!(callback(&reply, "code"), None);
}

#[tokio::test]
async fn a_person_may_grant_some_of_the_scopes() {
    let world = World::new();
    let scopes = Some(vec!["user.info.basic".to_owned(), "video.upload".to_owned()]);
    world.sandbox.consent(ConsentPlan { scopes, ..ConsentPlan::default() }).unwrap();
    let reply = world.authorize(&world.authorize_query()).await;
    assert_eq!(callback(&reply, "scopes").unwrap(), "user.info.basic,video.upload");
    let tokens = world.exchange(&callback(&reply, "code").unwrap()).await.json();
    assert_eq!(tokens["scope"], "user.info.basic,video.upload");
}

const WEB: &str = "https://example.com/callback/";

/// An app with a web redirect URI as well.
fn web() -> World {
    World::with(|options| {
        let mut app = App::random();
        app.register(WEB).unwrap();
        options.apps = vec![app];
    })
}

/// PKCE is not for web apps (<https://developers.tiktok.com/docs/en/login-kit-overview>), and clients log
/// in without a state.
#[tokio::test]
async fn a_web_app_has_no_pkce_and_needs_no_state() {
    let world = web();
    for (change, verifier) in [
        (&[][..], None),
        (&[("code_challenge", None), ("code_challenge_method", None)], None),
        // What other clients send: base64url, or a method that no desktop app may send.
        (
            &[("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))],
            Some(VERIFIER),
        ),
        (&[("code_challenge_method", Some("plain"))], Some(VERIFIER)),
        (&[("state", None)], None),
        (&[("state", Some(""))], None),
    ] {
        let mut query = world.authorize_query();
        query[3].1 = WEB.to_owned();
        for (name, value) in change {
            query.retain(|(key, _)| key != name);
            query.extend(value.map(|value: &str| (*name, value.to_owned())));
        }
        let reply = world.authorize(&query).await;
        let code = callback(&reply, "code").unwrap_or_else(|| panic!("{change:?}: {}", reply.text));
        let stateless = change.iter().any(|(name, _)| *name == "state");
        let state = (!stateless).then(|| "st ate&1".to_owned());
        assert_eq!(callback(&reply, "state"), state, "{change:?}");
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", WEB),
        ];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        assert_eq!(world.oauth(TOKEN, &fields).await.flat(), "200 ok", "{change:?}");
    }
}

#[tokio::test]
async fn every_form_of_a_desktop_redirect_uri_leads_back() {
    for (registered, sent) in [
        ("http://localhost:3456", "http://localhost:3456"),
        ("http://localhost:*", "http://localhost:8080"),
        ("http://127.0.0.1:*/auth/tiktok", "http://127.0.0.1:8080/auth/tiktok"),
        ("https://127.0.0.1:3455/callback/", "https://127.0.0.1:3455/callback/"),
    ] {
        let world = World::with(|options| {
            let mut app = App::random();
            app.register(registered).unwrap();
            options.apps = vec![app];
        });
        let mut query = world.authorize_query();
        sent.clone_into(&mut query[3].1);
        let reply = world.authorize(&query).await;
        assert!(
            reply.header("location").starts_with(&format!("{sent}?code=")),
            "{sent}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn what_the_portal_does_not_take_is_not_registered() {
    for uri in ["http://example.com/", "http://localhost/", "http://localhost:1/?a=b", "callback"] {
        let mut app = App::random();
        assert!(app.register(uri).is_err(), "{uri}");
        // Put there all the same, it fits nothing.
        app.redirect_uris.push(uri.to_owned());
        let world = World::with(|options| options.apps = vec![app]);
        let mut query = world.authorize_query();
        uri.clone_into(&mut query[3].1);
        let page = world.authorize(&query).await.text;
        assert!(page.contains("<code>redirect_uri</code>"), "{uri}");
    }
}

/// What some clients have seen: the basic scope is there although it was not asked for, nor added to the
/// app, which has it by itself.
#[tokio::test]
async fn the_basic_scope_is_always_granted() {
    let world = World::with(|options| {
        let mut app = App::random();
        app.scopes = vec!["video.list".to_owned()];
        options.apps = vec![app];
    });
    for asked in ["video.list", "user.info.basic,video.list"] {
        let mut query = world.authorize_query();
        asked.clone_into(&mut query[2].1);
        let reply = world.authorize(&query).await;
        assert_eq!(callback(&reply, "scopes").unwrap(), "user.info.basic,video.list", "{asked}");
        let tokens = world.exchange(&callback(&reply, "code").unwrap()).await.json();
        assert_eq!(tokens["scope"], "user.info.basic,video.list", "{asked}");
    }
}

// --- the consent page ---

/// The hidden id of a consent form.
fn consent_id(page: &str) -> String {
    let rest = page.split("name=\"consent\" value=\"").nth(1).expect("a consent form");
    rest.split('"').next().unwrap().to_owned()
}

async fn ask(world: &World) -> (String, String) {
    let reply = world.authorize(&world.authorize_query()).await;
    assert_eq!(reply.status, 200);
    (consent_id(&reply.text), reply.header("content-security-policy"))
}

#[tokio::test]
async fn a_person_decides_on_the_page_as_whom_and_about_each_scope() {
    let world = World::with(|options| options.auto_consent = false);
    let (id, _) = ask(&world).await;
    let form = [
        ("consent", id.as_str()),
        ("account", "cyd"),
        ("scope", "video.list"),
        ("decision", "allow"),
    ];
    let reply = world.form("/_sandbox/decide", &form).await;
    assert_eq!(callback(&reply, "scopes").unwrap(), "user.info.basic,video.list");
    let tokens = world.exchange(&callback(&reply, "code").unwrap()).await.json();
    assert_eq!(tokens["open_id"], world.sandbox.open_id("@cyd").unwrap());
}

#[tokio::test]
async fn a_person_can_refuse_on_the_page() {
    let world = World::with(|options| options.auto_consent = false);
    let (id, _) = ask(&world).await;
    let form = [("consent", id.as_str()), ("account", "ada"), ("decision", "deny")];
    let reply = world.form("/_sandbox/decide", &form).await;
    assert_eq!(callback(&reply, "error").unwrap(), "access_denied");
}

#[tokio::test]
async fn a_decision_is_made_once_and_only_by_who_saw_the_page() {
    let world = World::with(|options| options.auto_consent = false);
    let (id, _) = ask(&world).await;
    let form = |id| [("consent", id), ("account", "ada"), ("decision", "allow")];
    assert_eq!(world.form("/_sandbox/decide", &form("guessed")).await.status, 409);
    assert_eq!(world.form("/_sandbox/decide", &form(&id)).await.status, 302);
    assert_eq!(world.form("/_sandbox/decide", &form(&id)).await.status, 409);
}

#[tokio::test]
async fn enter_on_the_consent_page_allows() {
    let world = World::with(|options| options.auto_consent = false);
    let page = world.authorize(&world.authorize_query()).await.text;
    // The first button of a form is the one that Enter presses; the focus is on it from the start.
    let first = page.split("<button").nth(1).unwrap();
    assert!(first.contains("value=\"allow\"") && first.contains("autofocus"), "{first}");
}

#[tokio::test]
async fn the_consent_page_allows_no_script_and_may_lead_back_to_the_app() {
    let world = World::with(|options| options.auto_consent = false);
    let (_, policy) = ask(&world).await;
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:3456;"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
}

// --- exchanging a code ---

#[tokio::test]
async fn an_exchange_answers_flat_with_the_documented_fields() {
    let world = World::new();
    let reply = world.exchange(&world.code("@ada", "user.info.basic,video.publish").await).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    let tokens = reply.json();
    assert!(text(&tokens["access_token"]).starts_with("act."));
    assert!(text(&tokens["refresh_token"]).starts_with("rft."));
    assert_eq!(tokens["expires_in"], 7200);
    assert_eq!(tokens["refresh_expires_in"], 15_552_000);
    assert_eq!(tokens["open_id"], world.sandbox.open_id("@ada").unwrap());
    assert_eq!(tokens["scope"], "user.info.basic,video.publish");
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens.as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn the_older_lifetimes_can_be_had() {
    let world = World::with(|options| options.lifetimes = Lifetimes::Older);
    let tokens = world.tokens("@ada", ALL_SCOPES).await;
    assert_eq!(tokens["expires_in"], 86_400);
    assert_eq!(tokens["refresh_expires_in"], 31_536_000);
}

/// The documented challenges of three verifiers.
#[tokio::test]
async fn the_challenge_is_the_lowercase_hex_of_the_hash() {
    for (verifier, expected) in [
        (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
        ),
        (&"a".repeat(43), "66d34fba71f8f450f7e45598853e53bfc23bbd129027cbb131a2f4ffd7878cd0"),
        (VERIFIER, "4d7ab7df5d6afc712d476ff3eefb5eb3eb3cf00d3330ec61dd6c9fc356743f94"),
    ] {
        assert_eq!(challenge(verifier), expected);
        assert_eq!(exchange_with(verifier, expected).await, "200 ok", "{verifier}");
    }
}

/// Authorizes with a challenge and exchanges with a verifier.
async fn exchange_with(verifier: &str, challenge: &str) -> String {
    let world = World::new();
    let mut query = world.authorize_query();
    challenge.clone_into(&mut query[5].1);
    let code = callback(&world.authorize(&query).await, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    let reply = world.oauth(TOKEN, &fields).await;
    if reply.flat() != "200 ok" {
        let description = "Code verifier or code challenge is invalid.";
        assert_eq!(reply.json()["error_description"], description);
    }
    reply.flat()
}

#[tokio::test]
async fn a_challenge_that_is_not_that_hex_fails_the_exchange() {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let base64url = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let upper = challenge(verifier).to_uppercase();
    let other = challenge(VERIFIER);
    for wrong in [base64url, verifier, &upper, &other] {
        assert_eq!(exchange_with(verifier, wrong).await, "200 invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn a_verifier_outside_its_documented_form_fails_the_exchange() {
    for verifier in ["a".repeat(42), "a".repeat(129), "ä".repeat(43), "a ".repeat(30)] {
        let outcome = exchange_with(&verifier, &challenge(&verifier)).await;
        assert_eq!(outcome, "200 invalid_request", "{verifier}");
    }
}

/// The rows of the table of descriptions that an exchange can lead to.
#[tokio::test]
async fn what_is_wrong_with_an_exchange_is_told_in_the_documented_words() {
    const MALFORMED: &str = "invalid_request: The request parameters are malformed.";
    let world = World::new();
    let code = "(code)";
    let good: [Change; 6] = [
        ("client_key", Some("(key)")),
        ("client_secret", Some("(secret)")),
        ("grant_type", Some("authorization_code")),
        ("code", Some(code)),
        ("redirect_uri", Some(CALLBACK)),
        ("code_verifier", Some(VERIFIER)),
    ];
    let cases: &[(Change, &str)] = &[
        (("client_key", None), MALFORMED),
        (("grant_type", None), MALFORMED),
        (("code", None), MALFORMED),
        (("redirect_uri", None), MALFORMED),
        (("client_secret", None), "invalid_request: Client secret is missed in request."),
        (("client_key", Some("nobody")), "invalid_client: Client key or secret is incorrect."),
        (("client_secret", Some("guess")), "invalid_client: Client key or secret is incorrect."),
        (
            ("grant_type", Some("password")),
            "unsupported_grant_type: The grant type is not supported.",
        ),
        (("code", Some("unknown")), "invalid_grant: Authorization code is expired."),
        (
            ("redirect_uri", Some("http://localhost:3456/callback/")),
            "invalid_request: Redirect_uri is not matched with the uri when requesting code.",
        ),
        (("code_verifier", None), "invalid_request: Code verifier or code challenge is invalid."),
    ];
    for ((name, value), expected) in cases {
        let (key, secret) = (world.sandbox.client_key(), world.sandbox.client_secret());
        let fresh = world.code("@ada", ALL_SCOPES).await;
        let fields = good.iter().filter_map(|(field, usual)| {
            let text = if field == name { *value } else { *usual }?;
            Some((
                *field,
                match text {
                    "(key)" => key.as_str(),
                    "(secret)" => secret.expose(),
                    "(code)" => fresh.as_str(),
                    other => other,
                },
            ))
        });
        let reply = world.form(TOKEN, &fields.collect::<Vec<_>>()).await;
        let body = reply.json();
        let told = format!("{}: {}", text(&body["error"]), text(&body["error_description"]));
        assert_eq!((reply.status, told.as_str()), (200, *expected), "{name}={value:?}");
        assert!(text(&body["log_id"]).len() > 20, "{name}={value:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_plain_form_is_malformed() {
    let world = World::new();
    let code = world.code("@ada", ALL_SCOPES).await;
    let fields = json!({
        "client_key": world.sandbox.client_key(),
        "client_secret": world.sandbox.client_secret().expose(),
        "grant_type": "authorization_code",
        "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER,
    });
    let form = serde_json::from_value::<Vec<(String, String)>>(
        fields.as_object().unwrap().iter().map(|(k, v)| json!([k, v])).collect(),
    );
    let form =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form.unwrap()).finish();
    let twice = format!("{form}&grant_type=authorization_code");
    for (kind, body) in [
        (Some("application/json"), fields.to_string()),
        (Some("text/plain"), form.clone()),
        (None, form.clone()),
        (Some("application/x-www-form-urlencoded; charset=latin1"), form.clone()),
        (Some("application/x-www-form-urlencoded"), twice),
        (Some("application/x-www-form-urlencoded"), form.replace("client_key", "client_id")),
        (Some("application/x-www-form-urlencoded"), String::new()),
    ] {
        let mut request = world.http.post(world.at(TOKEN)).body(body);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        assert_eq!(world.send(request).await.flat(), "200 invalid_request", "{kind:?}");
    }
    let kind = "application/x-www-form-urlencoded;charset=UTF-8";
    let request = world.http.post(world.at(TOKEN)).body(form).header("content-type", kind);
    assert_eq!(world.send(request).await.flat(), "200 ok");
}

#[tokio::test]
async fn a_code_that_is_still_percent_encoded_is_unknown() {
    let world = World::new();
    let code = world.code("@ada", ALL_SCOPES).await.replace('*', "%2A").replace('!', "%21");
    assert_eq!(world.exchange(&code).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn a_code_is_good_for_one_exchange() {
    let world = World::new();
    let code = world.code("@ada", ALL_SCOPES).await;
    assert_eq!(world.exchange(&code).await.flat(), "200 ok");
    assert_eq!(world.exchange(&code).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn a_failed_exchange_burns_the_code() {
    let world = World::new();
    let code = world.code("@ada", ALL_SCOPES).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", &"b".repeat(43)),
    ];
    assert_eq!(world.oauth(TOKEN, &fields).await.flat(), "200 invalid_request");
    assert_eq!(world.exchange(&code).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let world = World::new();
    let (early, late) =
        (world.code("@ada", ALL_SCOPES).await, world.code("@ada", ALL_SCOPES).await);
    world.sandbox.advance(SignedDuration::from_mins(9));
    assert_eq!(world.exchange(&early).await.flat(), "200 ok");
    world.sandbox.advance(SignedDuration::from_mins(1));
    assert_eq!(world.exchange(&late).await.flat(), "200 invalid_grant");
}

/// Two apps; the sandbox's own helpers speak as the first.
fn two_apps() -> World {
    World::with(|options| {
        options.apps = vec![App::random(), App::new("second", Secret::new("sauce"))];
    })
}

#[tokio::test]
async fn a_code_and_a_refresh_token_are_of_no_use_to_another_app() {
    let world = two_apps();
    let code = world.code("@ada", ALL_SCOPES).await;
    let refresh = text(&world.tokens("@ada", ALL_SCOPES).await["refresh_token"]);
    let as_second = |fields: &[(&'static str, String)]| {
        let mut all = vec![("client_key", "second".into()), ("client_secret", "sauce".into())];
        all.extend_from_slice(fields);
        all
    };
    for fields in [
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ],
        vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.clone())],
    ] {
        let request = world.http.post(world.at(TOKEN)).form(&as_second(&fields));
        assert_eq!(world.send(request).await.flat(), "200 invalid_grant");
    }
    assert_eq!(world.refresh(&refresh).await.flat(), "200 ok");
}

#[tokio::test]
async fn the_http_status_of_oauth_errors_is_200_or_the_usual_one() {
    let usual = World::with(|options| options.oauth_errors = OauthErrors::Usual);
    for (world, codes) in [(World::new(), ["200", "200", "200"]), (usual, ["400", "400", "401"])] {
        assert_eq!(world.exchange("unknown").await.flat(), format!("{} invalid_grant", codes[0]));
        assert_eq!(world.form(TOKEN, &[]).await.flat(), format!("{} invalid_request", codes[1]));
        let nobody = [("client_key", "no"), ("scope", "user.info.basic")];
        assert_eq!(
            world.form(GET_QR, &nobody).await.flat(),
            format!("{} invalid_client", codes[2])
        );
        let refuse =
            json!({ "endpoint": "revoke", "do": { "refuse": { "code": "invalid_grant" } } });
        world.sandbox.fault(&refuse).unwrap();
        assert_eq!(revoke(&world, "x").await, format!("{} invalid_grant", codes[0]));
    }
}

#[tokio::test]
async fn a_client_token_can_be_had_and_posts_nothing() {
    let world = World::new();
    let reply = world.oauth(TOKEN, &[("grant_type", "client_credentials")]).await;
    let body = reply.json();
    assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(7200), &json!("Bearer")));
    let token = text(&body["access_token"]);
    assert!(token.starts_with("clt."));
    assert_eq!(world.init(&token, 10, 10, 1).await.verdict(), "401 access_token_invalid");
}

// --- refresh ---

async fn user(world: &World, token: &str) -> String {
    world.send(world.http.get(world.at(USER)).bearer_auth(token)).await.verdict()
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_kills_the_refresh_token_that_was_sent() {
    let world = World::new();
    let first = world.tokens("@ada", "user.info.basic").await;
    let reply = world.refresh(&text(&first["refresh_token"])).await;
    assert_eq!(reply.flat(), "200 ok");
    let second = reply.json();
    for field in ["access_token", "refresh_token"] {
        assert_ne!(first[field], second[field]);
    }
    for field in ["open_id", "scope", "token_type", "expires_in"] {
        assert_eq!(first[field], second[field]);
    }
    assert_eq!(world.refresh(&text(&first["refresh_token"])).await.flat(), "200 invalid_grant");
    assert_eq!(world.refresh(&text(&second["refresh_token"])).await.flat(), "200 ok");
}

#[tokio::test]
async fn an_access_token_ends_at_its_own_time_also_when_a_refresh_came_before() {
    let world = World::new();
    let first = world.tokens("@ada", "user.info.basic").await;
    let (access, refresh) = (text(&first["access_token"]), text(&first["refresh_token"]));
    world.refresh(&refresh).await;
    assert_eq!(user(&world, &access).await, "200 ok");
    world.sandbox.advance(SignedDuration::from_secs(7190));
    assert_eq!(user(&world, &access).await, "200 ok");
    world.sandbox.advance(SignedDuration::from_secs(10));
    assert_eq!(user(&world, &access).await, "401 access_token_invalid");
}

#[tokio::test]
async fn a_refresh_token_ends_after_180_days() {
    let world = World::new();
    let (a, b) = (world.tokens("@ada", ALL_SCOPES).await, world.tokens("@bea", ALL_SCOPES).await);
    world.sandbox.advance(SignedDuration::from_hours(180 * 24 - 1));
    let next = world.refresh(&text(&a["refresh_token"])).await;
    assert_eq!(next.flat(), "200 ok");
    world.sandbox.advance(SignedDuration::from_hours(1));
    assert_eq!(world.refresh(&text(&b["refresh_token"])).await.flat(), "200 invalid_grant");
    // A refresh keeps the end.
    let next = text(&next.json()["refresh_token"]);
    assert_eq!(world.refresh(&next).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn a_refresh_keeps_the_end_of_the_login_unless_it_is_to_extend_it() {
    for (extends, gone) in [(false, 86_400), (true, 0)] {
        let world = World::with(|options| options.refresh_extends = extends);
        let first = world.tokens("@ada", ALL_SCOPES).await;
        world.sandbox.advance(SignedDuration::from_hours(24));
        let second = world.refresh(&text(&first["refresh_token"])).await.json();
        let left = second["refresh_expires_in"].as_i64().unwrap();
        let most = 15_552_000 - gone;
        assert!((most - 60..=most).contains(&left), "{extends}: {left}");
    }
}

#[tokio::test]
async fn a_refresh_needs_the_credentials_and_a_token() {
    let world = World::new();
    let refresh = text(&world.tokens("@ada", ALL_SCOPES).await["refresh_token"]);
    let key = world.sandbox.client_key();
    let bare = [("client_key", key.as_str()), ("grant_type", "refresh_token")];
    let mut without_secret = bare.to_vec();
    without_secret.push(("refresh_token", &refresh));
    assert_eq!(world.form(TOKEN, &without_secret).await.flat(), "200 invalid_request");
    let none = world.oauth(TOKEN, &[("grant_type", "refresh_token")]).await;
    assert_eq!(none.flat(), "200 invalid_request");
    assert_eq!(world.refresh("rft.unknown").await.flat(), "200 invalid_grant");
    assert_eq!(world.refresh(&refresh).await.flat(), "200 ok");
}

// --- revoke ---

async fn revoke(world: &World, token: &str) -> String {
    world.oauth(REVOKE, &[("token", token)]).await.flat()
}

#[tokio::test]
async fn a_revocation_answers_with_an_empty_object_and_kills_both_tokens() {
    let world = World::new();
    let tokens = world.tokens("@ada", ALL_SCOPES).await;
    let reply = world.oauth(REVOKE, &[("token", &text(&tokens["access_token"]))]).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, "{}"));
    assert_eq!(user(&world, &text(&tokens["access_token"])).await, "401 access_token_invalid");
    assert_eq!(world.refresh(&text(&tokens["refresh_token"])).await.flat(), "200 invalid_grant");
}

#[tokio::test]
async fn a_revocation_disconnects_this_account_and_no_other() {
    let world = World::new();
    let (ada, bea) = (world.login("@ada").await, world.login("@bea").await);
    revoke(&world, &ada).await;
    assert_eq!(user(&world, &bea).await, "200 ok");
}

#[tokio::test]
async fn a_revocation_needs_an_access_token_of_the_app() {
    let world = World::new();
    let tokens = world.tokens("@ada", ALL_SCOPES).await;
    for wrong in ["", "act.unknown", &text(&tokens["refresh_token"])] {
        assert_eq!(revoke(&world, wrong).await, "200 invalid_request", "{wrong}");
    }
    let wrong = world.form(REVOKE, &[("client_key", "x"), ("client_secret", "y"), ("token", "z")]);
    assert_eq!(wrong.await.flat(), "200 invalid_client");
}

#[tokio::test]
async fn an_ended_access_token_can_still_be_revoked() {
    let world = World::new();
    let token = world.login("@ada").await;
    world.sandbox.advance(SignedDuration::from_hours(3));
    assert_eq!(revoke(&world, &token).await, "200 ok");
}

#[tokio::test]
async fn the_creator_can_remove_the_app() {
    let world = World::new();
    let tokens = world.tokens("@ada", ALL_SCOPES).await;
    world.sandbox.remove_apps("@ada").unwrap();
    assert_eq!(user(&world, &text(&tokens["access_token"])).await, "401 access_token_invalid");
    assert_eq!(world.refresh(&text(&tokens["refresh_token"])).await.flat(), "200 invalid_grant");
}

// --- QR codes ---

const GET_QR: &str = "/v2/oauth/get_qrcode/";

async fn get_qr(world: &World) -> Value {
    let key = world.sandbox.client_key();
    let fields = [
        ("client_key", key.as_str()),
        ("scope", "user.info.basic,video.publish"),
        ("state", "a b&c"),
    ];
    let reply = world.form(GET_QR, &fields).await;
    assert_eq!(reply.flat(), "200 ok");
    reply.json()
}

async fn check_qr(world: &World, token: &str) -> Value {
    world.oauth("/v2/oauth/check_qrcode/", &[("token", token)]).await.json()
}

/// What the client draws: the URL with its ticket filled in.
fn filled(qr: &Value, ticket: &str) -> String {
    text(&qr["scan_qrcode_url"]).replacen("tobefilled", ticket, 1)
}

#[tokio::test]
async fn a_qr_code_is_an_aweme_url_with_one_place_for_the_ticket() {
    let world = World::new();
    let qr = get_qr(&world).await;
    let url = text(&qr["scan_qrcode_url"]);
    assert!(url.starts_with("aweme://authorize?authType=100&client_key="), "{url}");
    assert_eq!(url.matches("client_ticket=tobefilled&").count(), 1, "{url}");
    assert!(url.contains("state=a%20b%26c"), "{url}");
    assert!(!text(&qr["token"]).is_empty());
    assert_eq!(qr.as_object().unwrap().len(), 2);
    // As long as real ones, so that the code has their size.
    assert_eq!(filled(&qr, &"t".repeat(43)).len(), 439);
}

#[tokio::test]
async fn answers_about_a_qr_code_can_be_wrapped_in_data() {
    let world = World::with(|options| options.qr_wrapped = true);
    let code = get_qr(&world).await;
    assert_eq!(code["error"]["code"], "ok");
    let token = text(&code["data"]["token"]);
    world.sandbox.scan(&filled(&code["data"], "t")).unwrap();
    let check = check_qr(&world, &token).await;
    assert_eq!(check["data"], json!({"client_ticket": "t", "status": "scanned"}));
    world.sandbox.confirm(&token, "@bea").unwrap();
    assert_eq!(check_qr(&world, &token).await["data"]["status"], "confirmed");
}

#[tokio::test]
async fn a_qr_code_goes_from_new_to_scanned_to_confirmed_to_utilised() {
    let world = World::new();
    let qr = get_qr(&world).await;
    let token = text(&qr["token"]);
    assert_eq!(check_qr(&world, &token).await, json!({"client_ticket": "", "status": "new"}));

    let scanned = world.sandbox.scan(&filled(&qr, "my-ticket_1")).unwrap();
    assert_eq!(scanned, token);
    let expected = json!({"client_ticket": "my-ticket_1", "status": "scanned"});
    assert_eq!(check_qr(&world, &token).await, expected);

    world.sandbox.confirm(&token, "@bea").unwrap();
    let confirmed = check_qr(&world, &token).await;
    assert_eq!(confirmed["status"], "confirmed");
    assert_eq!(confirmed["client_ticket"], "my-ticket_1");

    let expected = json!({"client_ticket": "my-ticket_1", "status": "utilised"});
    assert_eq!(check_qr(&world, &token).await, expected);
}

/// Where a confirmed answer has its code, by shape.
#[tokio::test]
async fn a_confirmed_answer_has_one_of_the_three_shapes() {
    for shape in [QrConfirm::RedirectUri, QrConfirm::Code, QrConfirm::CodeUrl] {
        let world = World::with(|options| options.qr_confirm = shape);
        let qr = get_qr(&world).await;
        let token = world.sandbox.scan(&filled(&qr, "t")).unwrap();
        world.sandbox.confirm(&token, "@bea").unwrap();
        let reply = check_qr(&world, &token).await;
        let parameter = |url: &Value| {
            let url = url::Url::parse(url.as_str().unwrap()).unwrap();
            url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
        };
        let code = match shape {
            QrConfirm::RedirectUri => parameter(&reply["redirect_uri"]),
            QrConfirm::Code => text(&reply["code"]),
            QrConfirm::CodeUrl => parameter(&reply["code"]),
        };
        assert_eq!(reply["state"], "a b&c");
        let fields = [("grant_type", "authorization_code"), ("code", &code)];
        let tokens = world.oauth(TOKEN, &fields).await.json();
        assert_eq!(tokens["open_id"], world.sandbox.open_id("@bea").unwrap(), "{shape:?}");
        assert_eq!(tokens["scope"], "user.info.basic,video.publish");
    }
}

/// What clients in the field send besides the code after a QR login.
#[tokio::test]
async fn the_exchange_after_a_qr_code_takes_every_reading() {
    let world = World::with(|options| {
        let mut app = App::random();
        app.register(WEB).unwrap();
        options.apps = vec![app];
        options.qr_confirm = QrConfirm::Code;
    });
    for (extra, expected) in [
        (vec![], "200 ok"),
        (vec![("redirect_uri", CALLBACK)], "200 ok"),
        (vec![("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)], "200 ok"),
        (vec![("redirect_uri", "https://evil.example/")], "200 invalid_request"),
        // Registered, but a web app's: QR codes are for desktop apps and televisions.
        (vec![("redirect_uri", WEB)], "200 invalid_request"),
    ] {
        let qr = get_qr(&world).await;
        let token = world.sandbox.scan(&filled(&qr, "t")).unwrap();
        world.sandbox.confirm(&token, "@bea").unwrap();
        let code = text(&check_qr(&world, &token).await["code"]);
        let mut fields = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        fields.extend(extra.clone());
        assert_eq!(world.oauth(TOKEN, &fields).await.flat(), expected, "{extra:?}");
    }
}

#[tokio::test]
async fn a_qr_code_ends_by_time_and_by_refusal() {
    let world = World::new();
    let expired = json!({"client_ticket": "", "status": "expired"});
    let (by_time, refused) = (get_qr(&world).await, get_qr(&world).await);
    let token = world.sandbox.scan(&filled(&refused, "t")).unwrap();
    world.sandbox.end_qr(&token).unwrap();
    assert_eq!(check_qr(&world, &token).await, expired);
    world.sandbox.advance(SignedDuration::from_mins(5));
    assert_eq!(check_qr(&world, &text(&by_time["token"])).await, expired);
    assert!(world.sandbox.scan(&filled(&by_time, "t")).is_err());
}

#[tokio::test]
async fn a_dead_token_is_token_expire() {
    let world = World::new();
    let token = text(&get_qr(&world).await["token"]);
    world.sandbox.advance(SignedDuration::from_hours(1));
    for token in [token.as_str(), "unknown"] {
        let reply = world.oauth("/v2/oauth/check_qrcode/", &[("token", token)]).await;
        assert_eq!(reply.flat(), "200 token_expire");
    }
}

#[tokio::test]
async fn a_phone_scans_only_what_was_handed_out_with_the_ticket_filled_in() {
    let world = World::new();
    let qr = get_qr(&world).await;
    let url = text(&qr["scan_qrcode_url"]);
    for wrong in [
        filled(&qr, ""),
        filled(&qr, &"x".repeat(512)),
        filled(&qr, "a&b=c"),
        filled(&qr, "t").replace("%20", "+"),
        filled(&qr, "t").replace("aweme://", "https://"),
        format!("{}&client_ticket=twice", filled(&qr, "t")),
        url.replace("user.info.basic", "video.upload"),
    ] {
        assert!(world.sandbox.scan(&wrong).is_err(), "{wrong}");
    }
    assert!(world.sandbox.scan(&filled(&qr, &"x".repeat(511))).is_ok());
}

#[tokio::test]
async fn what_is_wrong_with_a_qr_call_is_told_flat() {
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let world = World::new();
    let key = world.sandbox.client_key();
    let key = key.as_str();
    let cases: &[(&str, Fields<'_>, &str)] = &[
        (GET_QR, &[], "200 invalid_request"),
        (GET_QR, &[("client_key", key)], "200 invalid_request"),
        (GET_QR, &[("client_key", "no"), ("scope", "user.info.basic")], "200 invalid_client"),
        (GET_QR, &[("client_key", key), ("scope", "video.steal")], "200 invalid_scope"),
        (
            GET_QR,
            &[("client_key", key), ("scope", "user.info.basic video.list")],
            "200 invalid_scope",
        ),
        ("/v2/oauth/check_qrcode/", &[("client_key", key), ("token", "t")], "200 invalid_request"),
    ];
    for (path, fields, expected) in cases {
        assert_eq!(world.form(path, fields).await.flat(), *expected, "{fields:?}");
    }
    let reply = world.oauth("/v2/oauth/check_qrcode/", &[]).await;
    assert_eq!(reply.flat(), "200 invalid_request");
}

// --- access ---

#[tokio::test]
async fn a_missing_unknown_or_misplaced_token_is_access_token_invalid() {
    let world = World::new();
    let token = world.login("@ada").await;
    for value in [
        None,
        Some(String::new()),
        Some("Bearer act.unknown".to_owned()),
        Some(token.clone()),
        Some(format!("Basic {token}")),
    ] {
        let mut request = world.http.get(world.at(USER));
        if let Some(value) = &value {
            request = request.header("authorization", value);
        }
        let reply = world.send(request).await;
        assert_eq!(reply.verdict(), "401 access_token_invalid", "{value:?}");
        assert_eq!(reply.message(), "The access token is invalid or not found in the request.");
        assert!(text(&reply.json()["error"]["log_id"]).len() > 20);
    }
}

/// The scope table: which scope opens which endpoint.
#[tokio::test]
async fn every_endpoint_asks_for_its_scope() {
    const PUBLISH: &[&str] = &["video.publish"];
    const UPLOAD: &[&str] = &["video.upload"];
    const EITHER: &[&str] = &["video.publish", "video.upload"];
    let endpoints = [
        ("/v2/post/publish/creator_info/query/", json!({}), PUBLISH),
        ("/v2/post/publish/video/init/", json!({}), PUBLISH),
        ("/v2/post/publish/inbox/video/init/", json!({}), UPLOAD),
        (
            "/v2/post/publish/content/init/",
            json!({"media_type": "PHOTO", "post_mode": "DIRECT_POST"}),
            PUBLISH,
        ),
        (
            "/v2/post/publish/content/init/",
            json!({"media_type": "PHOTO", "post_mode": "MEDIA_UPLOAD"}),
            UPLOAD,
        ),
        ("/v2/post/publish/status/fetch/", json!({}), EITHER),
        ("/v2/post/publish/cancel/", json!({}), EITHER),
        ("/v2/video/list/?fields=id", json!({}), &["video.list"]),
        ("/v2/video/query/?fields=id", json!({}), &["video.list"]),
    ];
    let world = World::with(|options| options.processing = Duration::ZERO);
    for scope in ["user.info.basic", "video.list", "video.publish", "video.upload"] {
        let token = text(&world.tokens("@bea", scope).await["access_token"]);
        for (path, body, scopes) in &endpoints {
            let verdict = world.call(path, &token, body).await.verdict();
            let refused = verdict == "401 scope_not_authorized";
            assert_eq!(refused, !scopes.contains(&scope), "{scope} {path} {verdict}");
        }
    }
}
