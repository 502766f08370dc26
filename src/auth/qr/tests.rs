use tiktok_open::Refusal;

use super::*;
use crate::exit::Exit;
use crate::output::Explain as _;

const STATE: &str = "5ec2e7";

fn shown() -> Shown {
    let (token, ticket) = (Secret::new("token"), Secret::new("mine"));
    Shown { token, ticket, key: "`awkey…`".into(), scanned: false }
}

fn answer(json: &str) -> QrCheck {
    serde_json::from_str(json).unwrap()
}

fn classified(json: &str) -> Result<Step, AuthError> {
    shown().classify(Ok(answer(json)), &Secret::new(STATE))
}

fn refused(status: u16, code: &str) -> Result<QrCheck, ApiError> {
    Err(ApiError::Refused(Refusal::new("oauth/check_qrcode", status, Code::from(code))))
}

#[test]
fn the_documented_answers_lead_to_the_documented_steps() {
    for (json, step) in [
        (r#"{"client_ticket":"","status":"new"}"#, Step::Wait),
        (r#"{"client_ticket":"mine","status":"scanned"}"#, Step::Scanned),
        (r#"{"client_ticket":"","status":"expired"}"#, Step::Renew),
        (r#"{"client_ticket":"mine","status":"utilised"}"#, Step::Renew),
        (r#"{"client_ticket":"","status":"something new"}"#, Step::Wait),
    ] {
        assert_eq!(classified(json).unwrap(), step, "{json}");
    }
}

#[test]
fn a_confirmed_answer_is_exchanged() {
    let json =
        r#"{"client_ticket":"mine","redirect_uri":"https://e.com?code=c","status":"confirmed"}"#;
    let redirect_uri = Some("https://e.com".to_owned());
    let confirmed = QrConfirmed { code: Secret::new("c"), redirect_uri };
    assert_eq!(classified(json).unwrap(), Step::Exchange(confirmed));
}

#[test]
fn t01_another_ticket_or_state_never_ends_the_login() {
    for json in [
        r#"{"client_ticket":"other","status":"scanned"}"#,
        r#"{"client_ticket":"other","status":"confirmed","code":"c"}"#,
        r#"{"client_ticket":"","status":"confirmed","code":"c"}"#,
        r#"{"status":"confirmed","code":"c"}"#,
        r#"{"client_ticket":"other","status":"utilised"}"#,
        r#"{"client_ticket":"mine","status":"confirmed","code":"c","state":"other"}"#,
    ] {
        assert_eq!(classified(json).unwrap(), Step::Foreign, "{json}");
    }
}

#[test]
fn scanned_is_said_once() {
    let mut shown = shown();
    let scanned = r#"{"client_ticket":"mine","status":"scanned"}"#;
    let state = Secret::new(STATE);
    assert_eq!(shown.classify(Ok(answer(scanned)), &state).unwrap(), Step::Scanned);
    assert_eq!(shown.classify(Ok(answer(scanned)), &state).unwrap(), Step::Wait);
}

#[test]
fn trouble_that_passes_is_waited_out() {
    let host = || "host".to_owned();
    let reason = || "reset".to_owned();
    let call = "oauth/check_qrcode";
    for error in [
        Err(ApiError::NotSent { host: host(), reason: reason(), os_error: None, obstacle: None }),
        Err(ApiError::NoAnswer { host: host(), call, reason: reason() }),
        Err(ApiError::NotTikTok { host: host(), call, status: 403, what: reason() }),
        Err(ApiError::NotTikTok { host: host(), call, status: 502, what: reason() }),
        refused(403, "forbidden"),
        refused(429, "rate_limit_exceeded"),
        refused(500, "server_error"),
    ] {
        assert_eq!(shown().classify(error, &Secret::new(STATE)).unwrap(), Step::Wait);
    }
}

#[test]
fn a_dead_token_is_renewed() {
    for code in ["token_expire", "token_expired"] {
        let step = shown().classify(refused(400, code), &Secret::new(STATE)).unwrap();
        assert_eq!(step, Step::Renew);
    }
}

#[test]
fn a_refusal_that_stays_ends_the_login() {
    let error = shown().classify(refused(401, "invalid_client"), &Secret::new(STATE)).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("client key"));
}

#[test]
fn a_refusal_on_the_phone_ends_the_login() {
    let json = r#"{"client_ticket":"mine","status":"confirmed",
        "redirect_uri":"https://e.com?error=access_denied&state=5ec2e7"}"#;
    assert_eq!(classified(json).unwrap_err().exit(), Exit::Login);
}
