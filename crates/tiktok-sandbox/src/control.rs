//! `/_sandbox/`: what a test changes from outside. Only from this machine, never from
//! another site's page.
//!
//! | request | does |
//! |---|---|
//! | `GET /_sandbox/state` | the whole state as JSON |
//! | `GET /_sandbox/requests` | the request log as JSON lines |
//! | `POST /_sandbox/faults` `{"faults": […]}` | adds rules, see [`crate::faults`] |
//! | `DELETE /_sandbox/faults` | removes all rules |
//! | `POST /_sandbox/clock` `{"advance": "2h"}` | puts the clock forward |
//! | `POST /_sandbox/consent` `{"account", "scopes", "deny", "without_state"}` | decides the next authorize request |
//! | `POST /_sandbox/accounts/HANDLE` `{"private": false, …}` | changes an account |
//! | `POST /_sandbox/posts/PUBLISH_ID` `{"status", "fail_reason", "post_ids", "uploaded_bytes"}` | what a post is from now on |
//! | `POST /_sandbox/revoke/HANDLE` | the creator removes every app |
//! | `POST /_sandbox/qr/scan` `{"url": "aweme://…"}` | the phone scans a QR code |
//! | `POST /_sandbox/qr/TOKEN/confirm` `{"account", "scopes"}` | the person confirms |
//! | `POST /_sandbox/qr/TOKEN/deny`, `…/expire` | the person refuses, the code ends |

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::accounts::AccountPatch;
use crate::faults::{Outcome, Script};
use crate::oauth::consent::ConsentPlan;
use crate::oauth::qr::{self, PhoneError};
use crate::state::{Core, World};
use crate::view;

/// What cannot be done to the world.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The JSON is not what is expected there.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// No such account.
    #[error("there is no account `{0}`")]
    Account(String),
    /// No such post.
    #[error("there is no post `{0}`")]
    Post(String),
    /// The phone cannot do that.
    #[error(transparent)]
    Phone(#[from] PhoneError),
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Json(_) => StatusCode::BAD_REQUEST,
            Self::Account(_) | Self::Post(_) => StatusCode::NOT_FOUND,
            Self::Phone(_) => StatusCode::CONFLICT,
        };
        answer(status, &json!({ "error": self.to_string() }))
    }
}

pub(super) fn routes(core: &Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/requests", get(requests))
        .route("/_sandbox/faults", post(add_faults).delete(clear_faults))
        .route("/_sandbox/clock", post(advance))
        .route("/_sandbox/consent", post(consent))
        .route("/_sandbox/accounts/{handle}", post(account))
        .route("/_sandbox/posts/{publish_id}", post(set_post))
        .route("/_sandbox/revoke/{handle}", post(revoke))
        .route("/_sandbox/qr/scan", post(scan))
        .route("/_sandbox/qr/{token}/{step}", post(qr_step))
        .route_layer(middleware::from_fn_with_state(Arc::clone(core), json_only))
        .route_layer(middleware::from_fn_with_state(Arc::clone(core), own_pages_only))
}

/// Keeps other sites out: the name must be ours (no rebinding), the page that asks too.
pub(super) async fn own_pages_only(
    State(core): State<Arc<Core>>,
    request: Request,
    next: Next,
) -> Response {
    let names = [format!("127.0.0.1:{}", core.port), format!("localhost:{}", core.port)];
    let is_own = |value: &str| names.iter().any(|name| value == name);
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let host = hosts.next().is_some_and(is_own) && hosts.next().is_none();
    let origin = headers.get(ORIGIN).is_none_or(|origin| {
        origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")).is_some_and(is_own)
    });
    if host && origin {
        next.run(request).await
    } else {
        answer(StatusCode::FORBIDDEN, &json!({ "error": "only from the sandbox's own address" }))
    }
}

/// A form of another page cannot be JSON.
async fn json_only(headers: HeaderMap, request: Request, next: Next) -> Response {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| kind.starts_with("application/json")) {
        next.run(request).await
    } else {
        let text = "send the body with `Content-Type: application/json`";
        answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!({ "error": text }))
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json; charset=utf-8")], format!("{body}\n"))
        .into_response()
}

fn done() -> Response {
    answer(StatusCode::OK, &json!({ "ok": true }))
}

/// An empty body is an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    Ok(serde_json::from_slice(text)?)
}

async fn state(State(core): State<Arc<Core>>) -> Result<Response, ControlError> {
    let view = serde_json::to_value(view::view(&core.world()))?;
    Ok(answer(StatusCode::OK, &view))
}

async fn requests(State(core): State<Arc<Core>>) -> Result<Response, ControlError> {
    let mut lines = String::new();
    for entry in core.world().log.entries() {
        lines.push_str(&serde_json::to_string(entry)?);
        lines.push('\n');
    }
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

async fn add_faults(State(core): State<Arc<Core>>, body: Bytes) -> Result<Response, ControlError> {
    // From the text as it came, so that an error names its place there.
    let script = Script::read(&String::from_utf8_lossy(&body))?;
    core.world().faults.add(script);
    Ok(done())
}

async fn clear_faults(State(core): State<Arc<Core>>) -> Response {
    core.world().faults.clear();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: SignedDuration,
}

async fn advance(State(core): State<Arc<Core>>, body: Bytes) -> Result<Response, ControlError> {
    let Advance { advance } = read(&body)?;
    let mut world = core.world();
    world.clock.advance(advance);
    Ok(answer(StatusCode::OK, &json!({ "now": world.now() })))
}

async fn consent(State(core): State<Arc<Core>>, body: Bytes) -> Result<Response, ControlError> {
    plan_consent(&mut core.world(), read(&body)?)?;
    Ok(done())
}

async fn account(
    State(core): State<Arc<Core>>,
    Path(handle): Path<String>,
    body: Bytes,
) -> Result<Response, ControlError> {
    change_account(&mut core.world(), &handle, read(&body)?)?;
    Ok(done())
}

async fn set_post(
    State(core): State<Arc<Core>>,
    Path(publish_id): Path<String>,
    body: Bytes,
) -> Result<Response, ControlError> {
    change_post(&mut core.world(), &publish_id, read(&body)?)?;
    Ok(done())
}

async fn revoke(
    State(core): State<Arc<Core>>,
    Path(handle): Path<String>,
) -> Result<Response, ControlError> {
    remove_apps(&mut core.world(), &handle)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scanned {
    url: String,
}

async fn scan(State(core): State<Arc<Core>>, body: Bytes) -> Result<Response, ControlError> {
    let Scanned { url } = read(&body)?;
    let mut world = core.world();
    let now = world.now();
    let token = qr::scan(&mut world, &url, now)?;
    Ok(answer(StatusCode::OK, &json!({ "ok": true, "token": token })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirm {
    account: Option<String>,
    scopes: Option<Vec<String>>,
}

async fn qr_step(
    State(core): State<Arc<Core>>,
    Path((token, step)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ControlError> {
    let mut world = core.world();
    let now = world.now();
    match step.as_str() {
        "scan" => {
            let Scanned { url } = read(&body)?;
            qr::scan(&mut world, &url, now)?;
        }
        "confirm" => {
            let Confirm { account, scopes } = read(&body)?;
            confirm_qr(&mut world, &token, account.as_deref(), scopes.as_deref())?;
        }
        "deny" | "expire" => qr::end(&mut world, &token, now)?,
        _ => return Err(PhoneError::Stage("asked for that").into()),
    }
    Ok(done())
}

// What the control endpoints, the pages and the handle do alike.

fn named(world: &World, handle: &str) -> Result<usize, ControlError> {
    world.find_account(handle).ok_or_else(|| ControlError::Account(handle.to_owned()))
}

pub(super) fn plan_consent(world: &mut World, plan: ConsentPlan) -> Result<(), ControlError> {
    if let Some(handle) = &plan.account {
        named(world, handle)?;
    }
    world.consents.next = Some(plan);
    Ok(())
}

pub(super) fn change_account(
    world: &mut World,
    handle: &str,
    patch: AccountPatch,
) -> Result<(), ControlError> {
    let account = named(world, handle)?;
    world.accounts[account].apply(patch);
    Ok(())
}

pub(super) fn change_post(
    world: &mut World,
    publish_id: &str,
    outcome: Outcome,
) -> Result<(), ControlError> {
    let post = world.posts.get_mut(publish_id);
    let post = post.ok_or_else(|| ControlError::Post(publish_id.to_owned()))?;
    post.forced = Some(outcome);
    Ok(())
}

pub(super) fn remove_apps(world: &mut World, handle: &str) -> Result<(), ControlError> {
    let account = named(world, handle)?;
    let now = world.now();
    for app in 0..world.apps.len() {
        world.disconnect(app, account, now);
    }
    Ok(())
}

/// `account` defaults to the first one, `scopes` to all that were asked for.
pub(super) fn confirm_qr(
    world: &mut World,
    token: &str,
    account: Option<&str>,
    scopes: Option<&[String]>,
) -> Result<(), ControlError> {
    let account = account.map_or(Ok(0), |handle| named(world, handle))?;
    let now = world.now();
    Ok(qr::confirm(world, token, account, scopes, now)?)
}
