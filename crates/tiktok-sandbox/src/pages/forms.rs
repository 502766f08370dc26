//! What the buttons do.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use jiff::SignedDuration;

use super::html::{Html, Page};
use crate::call::Form;
use crate::control::{self, ControlError};
use crate::delivery::Pace;
use crate::envelope::Answer;
use crate::gateway::respond;
use crate::oauth::consent::{self, Decision};
use crate::oauth::qr;
use crate::state::{Core, World};

/// The answer of the authorize page. Its id proves that it was asked here, and is good once.
pub(super) async fn decide(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let answer = decision(&mut core.world(), &form);
    respond(&core, answer, Pace::Plain)
}

fn decision(world: &mut World, form: &Form) -> Answer {
    let now = world.now();
    let decision = match form.get("decision") {
        Some("deny") => Some(Decision::Deny { with_state: true }),
        Some("allow") => {
            let account = form.get("account").and_then(|handle| world.find_account(handle));
            let scopes = form.all("scope").map(str::to_owned).collect();
            account.map(|account| Decision::Allow { account, scopes })
        }
        _ => None,
    };
    let asked = form.get("consent").and_then(|id| world.consents.take(id));
    match (asked, decision) {
        (Some(request), Some(decision)) => consent::decide(world, &request, decision, now),
        _ => stopped("This page was answered before", "Start the login again in the app."),
    }
}

/// The buttons of the overview and of the phone. The key proves that the form was served here.
pub(super) async fn act(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let answer = if form.get("key") == Some(core.form_key.as_str()) {
        match press(&mut core.world(), &form) {
            Ok(back) => Answer::redirect(StatusCode::SEE_OTHER, back),
            Err(error) => stopped("That cannot be done", &format!("{error}.")),
        }
    } else {
        stopped("This page is from another sandbox", "Load it again.")
    };
    respond(&core, answer, Pace::Plain)
}

/// Does what a button says; the page to go back to.
fn press(world: &mut World, form: &Form) -> Result<&'static str, ControlError> {
    const OVERVIEW: &str = "/_sandbox/";
    const PHONE: &str = "/_sandbox/phone";
    let token = form.get("token").unwrap_or_default();
    let now = world.now();
    match form.get("button") {
        Some("hour") => world.clock.advance(SignedDuration::from_hours(1)),
        Some("day") => world.clock.advance(SignedDuration::from_hours(24)),
        Some("remove") => control::remove_apps(world, form.get("account").unwrap_or_default())?,
        Some("scan") => {
            qr::scan(world, form.get("url").unwrap_or_default().trim(), now)?;
            return Ok(PHONE);
        }
        Some("confirm") => {
            control::confirm_qr(world, token, form.get("account"), None)?;
            return Ok(PHONE);
        }
        Some("refuse") => {
            qr::end(world, token, now)?;
            return Ok(PHONE);
        }
        _ => {}
    }
    Ok(OVERVIEW)
}

fn stopped(title: &'static str, text: &str) -> Answer {
    let main = Html::default()
        .raw("<main class=\"card ask\"><h1>")
        .text(title)
        .raw("</h1><p>")
        .text(text)
        .raw("</p><p><a href=\"/_sandbox/\">To the overview</a></p></main>");
    Page { title, main, forms: None }.answer(StatusCode::CONFLICT)
}
