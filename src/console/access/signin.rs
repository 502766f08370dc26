//! Signing in and out.

use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};
use tokio::task::spawn_blocking;

use super::audit::{Event, Line};
use super::session::{Found, Who};
use super::users::User;
use super::visitor::{Role, Visitor};
use super::{Access, SITE, Said, SignIn, form, is_other_site, retry_after};
use crate::secret::Secret;

/// Where one signs in.
pub(super) const PATH: &str = "/signin";

/// Where one asks for a link.
const LINK: &str = "/signin/link";

/// Where one signs out.
pub(super) const OUT: &str = "/signout";

/// The longest form, in bytes.
const FORM: usize = 8 * 1024;

/// What those who ask for links, and those who bring wrong ones, are counted as.
const ASKS: &str = "asks";
const BRINGS: &str = "brings";

/// Whether a path is one for those who have no session.
pub(super) fn is_path(path: &str) -> bool {
    [PATH, LINK].contains(&path)
}

/// The routes.
pub(super) fn routes(access: Arc<Access>) -> Router {
    Router::new()
        .route(PATH, get(page).post(sign_in))
        .route(LINK, post(link))
        .route(OUT, post(sign_out))
        .with_state(access)
}

async fn page(
    State(access): State<Arc<Access>>,
    visitor: Option<Extension<Visitor>>,
    headers: HeaderMap,
) -> Response {
    if visitor.is_some() {
        return Redirect::to("/").into_response();
    }
    let from_elsewhere = headers.get_all(SITE).iter().any(is_other_site);
    show(&access, StatusCode::OK, SignIn { from_elsewhere, ..SignIn::default() }).await
}

/// The sign-in page.
async fn show(access: &Access, status: StatusCode, page: SignIn) -> Response {
    let users = access.users.clone();
    let users = spawn_blocking(move || users.list()).await;
    let has_users = users.is_ok_and(|users| users.is_ok_and(|users| !users.is_empty()));
    let html = (access.hooks.sign_in)(&SignIn { has_users, ..page.clone() });
    let response = (status, Html(html)).into_response();
    match page.said {
        Some(Said::Wait(wait)) => retry_after(response, wait),
        _ => response,
    }
}

/// Who somebody is, if what they sent tells it.
type Identity = Result<(Who, Role), Said>;

async fn sign_in(State(access): State<Arc<Access>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(given) = given(&parts.headers, body).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (identity, name) = match given {
        Given::Token(token) => (by_token(&access, &token), String::new()),
        Given::Password { name, password } => (by_password(&access, &name, password).await, name),
    };
    let mut line = Line::of(Event::SignIn, None, &Method::POST, PATH);
    match identity {
        Ok((who, role)) => {
            if let Some(before) = parts.extensions.get::<Found>() {
                access.sessions.end(&before.cookie);
            }
            line.who = Some(match &who {
                Who::Link => Visitor::LINK.to_owned(),
                Who::User { name, .. } => name.clone(),
            });
            line.role = Some(role);
            let cookie = access.sessions.begin(who, role, access.now());
            let response = with_cookie(&access, Redirect::to("/"), cookie.expose(), "");
            line.status = Some(response.status().as_u16());
            access.audit.note(line);
            response
        }
        Err(said) => {
            let (status, reason) = match said {
                Said::WrongLink | Said::LinkPrinted => (StatusCode::FORBIDDEN, "link"),
                Said::WrongPassword => (StatusCode::FORBIDDEN, "password"),
                Said::Wait(_) => (StatusCode::TOO_MANY_REQUESTS, "tries"),
                Said::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "users"),
            };
            // The name is not noted: it may be a password that was typed in the wrong field.
            line = Line { event: Event::SignInFailed, reason: Some(reason), ..line };
            line.status = Some(status.as_u16());
            access.audit.note_refusal(line, access.now());
            show(&access, status, SignIn { said: Some(said), name, ..SignIn::default() }).await
        }
    }
}

/// What was sent to sign in with.
enum Given {
    Token(Secret),
    Password { name: String, password: Secret },
}

async fn given(headers: &HeaderMap, body: Body) -> Option<Given> {
    if form::kind(headers) != "application/x-www-form-urlencoded" {
        return None;
    }
    let bytes = form::read(body, FORM).await.ok()?;
    if let Some(text) = form::field(&bytes, "token") {
        // Who has no script pastes the token, or the whole link.
        let token = text.rsplit("token=").next().unwrap_or_default().trim();
        return Some(Given::Token(Secret::unlisted(token)));
    }
    let name = form::field(&bytes, "name")?.trim().chars().take(64).collect();
    let password = Secret::unlisted(form::field(&bytes, "password")?);
    Some(Given::Password { name, password })
}

fn by_token(access: &Access, token: &Secret) -> Identity {
    let now = access.now();
    // A good one is good however many bad ones there were: none is guessed.
    if access.sessions.redeem(token, now) {
        return Ok((Who::Link, Role::Owner));
    }
    let mut tries = access.links.lock().unwrap_or_else(PoisonError::into_inner);
    Err(tries.begin(BRINGS, now).map_or_else(Said::Wait, |()| Said::WrongLink))
}

async fn by_password(access: &Access, name: &str, password: Secret) -> Identity {
    let name = name.to_ascii_lowercase();
    access.begin_try(&name).map_err(Said::Wait)?;
    let permit = Arc::clone(&access.at_once).acquire_owned().await;
    let permit = permit.map_err(|_| Said::Unavailable)?;
    let users = access.users.clone();
    let asked = name.clone();
    let verified = spawn_blocking(move || {
        // Kept until the work is done, also if the visitor has left.
        let _permit = permit;
        users.verify(&asked, &password)
    });
    match verified.await {
        Ok(Ok(Some(User { name, role, id, .. }))) => {
            access.end_tries(&name);
            Ok((Who::User { name, id }, role))
        }
        Ok(Ok(None)) => Err(Said::WrongPassword),
        _ => Err(Said::Unavailable),
    }
}

/// Has a fresh link printed at the terminal: whoever reads it there may come in.
async fn link(State(access): State<Arc<Access>>) -> Response {
    let begun = {
        let mut tries = access.links.lock().unwrap_or_else(PoisonError::into_inner);
        tries.begin(ASKS, access.now())
    };
    let (status, said) = match begun {
        Ok(()) => {
            (access.hooks.print_link)(&access.link());
            (StatusCode::OK, Said::LinkPrinted)
        }
        Err(wait) => (StatusCode::TOO_MANY_REQUESTS, Said::Wait(wait)),
    };
    show(&access, status, SignIn { said: Some(said), ..SignIn::default() }).await
}

async fn sign_out(State(access): State<Arc<Access>>, found: Extension<Found>) -> Response {
    access.sessions.end(&found.cookie);
    let line = Line::of(Event::SignOut, Some(&found.visitor), &Method::POST, OUT);
    let response = with_cookie(&access, Redirect::to(PATH), "", "; Max-Age=0");
    access.audit.note(Line { status: Some(response.status().as_u16()), ..line });
    response
}

fn with_cookie(access: &Access, to: Redirect, value: &str, age: &str) -> Response {
    let name = access.sessions.cookie_name();
    let secure = if access.secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    let mut response = to.into_response();
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
