//! The ways in besides the browser: a pasted address, and a QR code that a phone scans.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use tiktok_open::{Scopes, Secret};
use tiktok_sandbox::{App, Options, QrConfirm};
use tiktok_up::Exit;
use tiktok_up::testing::{AuthEvent, LoggedIn, LoginBy, NotLoggedIn, TestLogin};
use tokio::sync::mpsc;

use crate::person::address_bar;
use crate::world::{ADA, BEA, World};

/// Logs in by a way, with a person who acts on what is told: what came of it, and what the person saw.
fn log_in(
    world: &Arc<World>,
    by: LoginBy,
    does: impl FnMut(&World, &AuthEvent) + Send + 'static,
) -> (Result<LoggedIn, NotLoggedIn>, Vec<AuthEvent>) {
    let sandbox = &world.sandbox;
    let login = TestLogin {
        url: sandbox.url(),
        app: (sandbox.client_key(), sandbox.client_secret().expose().to_owned()),
        state: &world.home().join("home"),
        scopes: "user.info.basic,video.upload".parse::<Scopes>().unwrap(),
        limit: Duration::from_secs(20),
        qr_poll: Duration::from_millis(10),
    };
    let (does, saw) = (Mutex::new(does), Mutex::new(Vec::new()));
    let told = |notice: AuthEvent| {
        (does.lock().unwrap())(world, &notice);
        saw.lock().unwrap().push(notice);
    };
    let outcome = world.block_on(login.run(by, told));
    (outcome, saw.into_inner().unwrap())
}

/// Scans and confirms as an account.
fn confirms(handle: &'static str) -> impl FnMut(&World, &AuthEvent) + Send {
    move |world, notice| {
        if let AuthEvent::QrCode { url } = notice {
            let token = world.sandbox.scan(url).unwrap();
            world.sandbox.confirm(&token, handle).unwrap();
        }
    }
}

#[test]
fn a_phone_scans_and_confirms_whatever_the_shape_of_the_answer() {
    let shapes = [QrConfirm::RedirectUri, QrConfirm::Code, QrConfirm::CodeUrl];
    for (qr_confirm, qr_wrapped) in shapes.into_iter().flat_map(|one| [(one, false), (one, true)]) {
        let options = Options { qr_confirm, qr_wrapped, ..Options::default() };
        let world = Arc::new(World::with(options));
        let (outcome, _) = log_in(&world, LoginBy::Qr, confirms(BEA));
        let done = outcome.unwrap_or_else(|error| panic!("{qr_confirm:?} {qr_wrapped}: {error:?}"));
        assert_eq!(done.open_id, world.open_id(BEA));
        assert!(done.missing.is_empty());
        assert_eq!(world.calls("token_code").len(), 1);
    }
}

/// QR codes are for desktop apps; the exchange with a web app's address was refused.
#[test]
fn the_exchange_after_a_qr_code_names_no_address_of_a_web_app() {
    for qr_confirm in [QrConfirm::RedirectUri, QrConfirm::CodeUrl] {
        let mut app = App::random();
        app.redirect_uris = vec!["https://example.com/callback".into()];
        let options = Options { apps: vec![app], qr_confirm, ..Options::default() };
        let world = Arc::new(World::with(options));
        let (outcome, _) = log_in(&world, LoginBy::Qr, confirms(BEA));
        outcome.unwrap_or_else(|error| panic!("{qr_confirm:?}: {error:?}"));
        assert_eq!(world.calls("token_code").len(), 1);
    }
}

#[test]
fn the_steps_of_a_qr_login_are_told() {
    let world = Arc::new(World::new());
    let mut scanned = None;
    let (outcome, saw) = log_in(&world, LoginBy::Qr, move |world, notice| match notice {
        AuthEvent::QrCode { url } => scanned = Some(world.sandbox.scan(url).unwrap()),
        AuthEvent::QrScanned => world.sandbox.confirm(scanned.as_ref().unwrap(), ADA).unwrap(),
        _ => {}
    });
    outcome.unwrap();
    let [AuthEvent::Waiting { .. }, AuthEvent::QrCode { .. }, rest @ ..] = &saw[..] else {
        panic!("{saw:?}");
    };
    assert_eq!(rest, [AuthEvent::QrScanned, AuthEvent::Exchanging]);
}

#[test]
fn an_expired_qr_code_is_renewed_within_the_time() {
    let world = Arc::new(World::new());
    let mut codes = 0;
    let (outcome, saw) = log_in(&world, LoginBy::Qr, move |world, notice| {
        if let AuthEvent::QrCode { url } = notice {
            codes += 1;
            let token = world.sandbox.scan(url).unwrap();
            if codes == 1 {
                world.sandbox.advance(SignedDuration::from_hours(1));
            } else {
                world.sandbox.confirm(&token, ADA).unwrap();
            }
        }
    });
    outcome.unwrap();
    assert!(saw.contains(&AuthEvent::QrExpired), "{saw:?}");
}

#[test]
fn polls_that_fail_for_a_while_do_not_end_a_qr_login() {
    let world = Arc::new(World::new());
    for (nth, fault) in [
        (1, json!({ "refuse": { "code": "access_denied", "status": 403 } })),
        (2, json!({ "drop": "before" })),
        (3, json!({ "answer": { "status": 502 } })),
    ] {
        world.fault(&json!({ "endpoint": "check_qrcode", "nth": nth, "do": fault }));
    }
    let (outcome, _) = log_in(&world, LoginBy::Qr, confirms(ADA));
    outcome.unwrap();
    assert!(world.calls("check_qrcode").len() >= 4);
}

#[test]
fn a_dead_qr_token_gets_a_new_code() {
    let world = Arc::new(World::new());
    let refuse = json!({ "refuse": { "code": "token_expire", "status": 400 } });
    world.fault(&json!({ "endpoint": "check_qrcode", "do": refuse }));
    let (outcome, saw) = log_in(&world, LoginBy::Qr, confirms(ADA));
    outcome.unwrap();
    assert_eq!(saw.iter().filter(|seen| matches!(seen, AuthEvent::QrCode { .. })).count(), 2);
}

#[test]
fn t01_a_confirmation_for_another_ticket_is_not_exchanged() {
    let world = Arc::new(World::new());
    let foreign = json!({ "client_ticket": "another", "status": "confirmed", "code": "stolen" });
    let answer = json!({ "answer": { "status": 200, "body": foreign } });
    world.fault(&json!({ "endpoint": "check_qrcode", "times": 3, "do": answer }));
    let (outcome, saw) = log_in(&world, LoginBy::Qr, confirms(ADA));
    outcome.unwrap();
    assert_eq!(saw.iter().filter(|seen| **seen == AuthEvent::ForeignCallback).count(), 1);
    assert_eq!(world.calls("token_code").len(), 1);
}

#[test]
fn a_pasted_address_is_exchanged() {
    let world = Arc::new(World::new());
    let (lines, receiver) = mpsc::channel(4);
    let way = LoginBy::Paste(receiver);
    let (outcome, _) = log_in(&world, way, move |_, notice| {
        if let AuthEvent::Visit { url } = notice {
            lines.try_send(Secret::new(address_bar(url.as_str()))).unwrap();
        }
    });
    assert_eq!(outcome.unwrap().open_id, world.open_id(ADA));
}

#[test]
fn t01_a_pasted_address_of_another_login_is_not_exchanged() {
    let world = Arc::new(World::new());
    let (lines, receiver) = mpsc::channel(4);
    let way = LoginBy::Paste(receiver);
    let (outcome, saw) = log_in(&world, way, move |_, notice| {
        if let AuthEvent::Visit { url } = notice {
            let other = "http://127.0.0.1:3456/callback/?code=stolen&state=another";
            lines.try_send(Secret::new(other)).unwrap();
            lines.try_send(Secret::new(address_bar(url.as_str()))).unwrap();
        }
    });
    outcome.unwrap();
    assert!(saw.iter().any(|seen| matches!(seen, AuthEvent::PasteIgnored { .. })), "{saw:?}");
    assert_eq!(world.calls("token_code").len(), 1);
}

#[test]
fn an_input_that_ends_before_the_address_is_a_usage_error() {
    let world = Arc::new(World::new());
    let (_, receiver) = mpsc::channel(1);
    let way = LoginBy::Paste(receiver);
    let (outcome, _) = log_in(&world, way, |_, _| {});
    assert_eq!(outcome.unwrap_err().exit, Exit::Usage);
}
