//! Who may come in: everything that is asked of the console goes through here first, and everything that it answers
//! goes through here last.
//!
//! A request must name the console by one of its own names (`host`). What changes something must come from one of its
//! own pages and bring the token of the session, which no other page can know. The session is that of a cookie; it
//! begins with a link of the terminal or with a password (`signin`, `session`, `users`). What was done, and what was
//! refused, is noted (`audit`).

mod audit;
mod form;
mod headers;
mod host;
mod session;
mod signin;
#[cfg(test)]
mod tests;
mod tries;
mod users;
mod visitor;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::audit::{Audit, Event, Line};
use self::form::Unread;
use self::host::{Hosts, Place, only};
use self::session::{Found, Sessions, Who};
use self::tries::{Limit, Tries};
use super::server::{Connection, Listen, Until, is_event_stream};
use crate::clock::Clock;
use crate::fs::FsError;
use crate::secret::Secret;

pub(crate) use self::audit::AuditError;
pub(crate) use self::host::Origin;
pub(crate) use self::users::Users;
pub(crate) use self::visitor::{Role, Visitor};

/// What anybody may have.
const ASSETS: [&str; 3] = ["/style.css", "/console.js", "/icon.svg"];

/// The longest form, in bytes.
const FORM: usize = 256 * 1024;

/// How many passwords are compared at once: each takes 64 MiB.
const AT_ONCE: usize = 2;

const CSRF_FIELD: &str = "csrf";
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What the sign-in page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignIn {
    /// Whether there are users with passwords: without, only a link signs in.
    pub(crate) has_users: bool,
    /// What has come of what was sent, if anything was.
    pub(crate) said: Option<Said>,
    /// The name that was sent, to be shown again.
    pub(crate) name: String,
    /// Whether another site has led here: browsers then send no cookie, so the visitor may be signed in all the same,
    /// and a link to `/` shows it.
    pub(crate) from_elsewhere: bool,
}

/// What came of trying to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The link was used already, is too old, or was none.
    WrongLink,
    /// Name and password do not belong together.
    WrongPassword,
    /// There were too many tries; in so long there may be another.
    Wait(Duration),
    /// A fresh link was printed at the terminal.
    LinkPrinted,
    /// Users cannot be read, or there is no memory to compare a password.
    Unavailable,
}

/// Why somebody was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// They have asked for another address than one of the console's own.
    Address,
    /// Their session has ended since the page with the form was shown.
    SignedOut,
    /// The form did not bring the session's token: it is of a session before this one, as a rule.
    Stale,
    /// Their role does not do.
    Role {
        /// What it takes.
        needed: Role,
    },
    /// The form is too long.
    TooLong,
    /// The form did not come.
    Missing,
}

impl Refused {
    fn status(self) -> StatusCode {
        match self {
            Self::Address => StatusCode::MISDIRECTED_REQUEST,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Stale | Self::Role { .. } => StatusCode::FORBIDDEN,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Missing => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// What others do for this module.
pub(crate) struct Hooks {
    /// The whole sign-in page as HTML: a form that posts `token`, and with users one that posts `name` and `password`,
    /// to `/signin`; one that posts to `/signin/link`.
    pub(crate) sign_in: Box<dyn Fn(&SignIn) -> String + Send + Sync>,
    /// The whole page for a visitor who was refused, as HTML.
    pub(crate) refused: Box<dyn Fn(Refused) -> String + Send + Sync>,
    /// The same in a sentence or two, for programs and where no page can be shown.
    pub(crate) told: Box<dyn Fn(Refused) -> String + Send + Sync>,
    /// Prints a fresh link, a whole address, at the terminal. Must not block.
    pub(crate) print_link: Box<dyn Fn(&Secret) + Send + Sync>,
    /// Tells that the audit log cannot be written; once until it can be again. Called by a thread of its own.
    pub(crate) audit_failed: Box<dyn Fn(&FsError) + Send + Sync>,
}

/// Where the console is, and what of it is for everybody.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Where it listens, with the port in place of a 0: `Server::address`.
    pub(crate) listen: Listen,
    /// Whether it speaks TLS itself: `Server::is_tls`.
    pub(crate) tls: bool,
    /// Where a reverse proxy shows it.
    pub(crate) public: Option<Origin>,
    /// Where logins with TikTok begin, for the policy of forms.
    pub(crate) authorize: Option<Origin>,
    /// Where pictures of accounts are, if not on hosts of TikTok: in a rehearsal.
    pub(crate) pictures: Option<Origin>,
    /// Paths that may be had without a session, by GET and HEAD alone, such as `/callback/`.
    pub(crate) open_paths: Vec<String>,
}

/// All of it, shared by all requests.
pub(crate) struct Access {
    hosts: Hosts,
    open_paths: Vec<String>,
    policy: HeaderValue,
    secure: bool,
    sessions: Sessions,
    users: Users,
    audit: Audit,
    hooks: Hooks,
    passwords: Mutex<Tries>,
    links: Mutex<Tries>,
    at_once: Arc<Semaphore>,
    /// Tells how late it is; tests move it ahead.
    time: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

impl Access {
    /// Opens the audit log in `dir`, which is `console` in the state directory; the users are in there, too.
    pub(crate) fn open(
        dir: &Path,
        clock: Clock,
        rules: Rules,
        hooks: Hooks,
    ) -> Result<Arc<Self>, AuditError> {
        Self::open_by(dir, clock, rules, hooks, Box::new(Instant::now))
    }

    fn open_by(
        dir: &Path,
        clock: Clock,
        rules: Rules,
        mut hooks: Hooks,
        time: Box<dyn Fn() -> Instant + Send + Sync>,
    ) -> Result<Arc<Self>, AuditError> {
        let failed = std::mem::replace(&mut hooks.audit_failed, Box::new(|_| {}));
        let minute = |tries| Limit { tries, within: Duration::from_mins(1) };
        let of_name = Limit { tries: 5, within: Duration::from_mins(5) };
        Ok(Arc::new(Self {
            policy: headers::policy(rules.authorize.as_ref(), rules.pictures.as_ref()),
            secure: rules.tls || rules.public.as_ref().is_some_and(Origin::is_https),
            hosts: Hosts::new(rules.listen, rules.tls, rules.public),
            open_paths: rules.open_paths,
            sessions: Sessions::new(),
            users: Users::within(dir),
            audit: Audit::open(dir, clock, failed)?,
            hooks,
            passwords: Mutex::new(Tries::new(of_name, minute(20))),
            links: Mutex::new(Tries::new(minute(5), minute(25))),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            time,
        }))
    }

    fn now(&self) -> Instant {
        (self.time)()
    }

    /// The address of the console, without a slash at its end: `http://127.0.0.1:8723`.
    pub(crate) fn address(&self) -> String {
        self.hosts.address()
    }

    /// The link that is told at the start, a whole address: it signs in as owner once, whenever that is.
    pub(crate) fn first_link(&self) -> Secret {
        self.with_token(&self.sessions.first_link())
    }

    /// A fresh link, which signs in as owner once within ten minutes.
    pub(crate) fn link(&self) -> Secret {
        self.with_token(&self.sessions.link(self.now()))
    }

    /// Only the token in it is a secret to be looked for elsewhere; what follows `#` no browser sends.
    fn with_token(&self, token: &Secret) -> Secret {
        Secret::unlisted(format!("{}/#token={}", self.address(), token.expose()))
    }

    /// The users with passwords.
    pub(crate) fn users(&self) -> &Users {
        &self.users
    }

    /// Puts this before all routes and behind all answers of a router, and adds the routes by which visitors sign in
    /// and out. What changes something needs an editor, unless a route demands more by [`demand`].
    pub(crate) fn protect(self: &Arc<Self>, router: Router) -> Router {
        let router = router.merge(signin::routes(Arc::clone(self)));
        router.layer(from_fn_with_state(Arc::clone(self), guard))
    }

    /// The session of a request, if it has one that is still good.
    async fn session(&self, headers: &HeaderMap) -> Option<Found> {
        let is_use = !accepts(headers, "text/event-stream");
        let mut found = self.sessions.find(headers, self.now(), is_use)?;
        let Who::User { name, id } = found.who.clone() else { return Some(found) };
        let users = self.users.clone();
        let user = spawn_blocking(move || users.find(&name)).await.ok()?.ok()?;
        match user {
            Some(user) if user.id == id => found.visitor.role = user.role,
            // Removed, or another one by now.
            _ => {
                self.sessions.end(&found.cookie);
                return None;
            }
        }
        Some(found)
    }

    /// Decides about a request; gives it back with its visitor among its extensions.
    async fn admit(&self, mut request: Request) -> Result<(Request, Option<Found>), Denied> {
        let headers = request.headers();
        let (method, path) = (request.method(), request.uri().path());
        let is_read = [Method::GET, Method::HEAD].contains(method);
        let asked = self.hosts.asked(headers, request.uri()).ok_or(Denied::Host)?;
        let is_signin = signin::is_path(path);
        let is_open =
            is_read && (is_asset(path) || self.open_paths.iter().any(|open| open == path));
        if !is_read {
            self.check_writer(headers, &asked)?;
        } else if !is_open && !is_signin && is_embedded(headers) {
            return Err(Denied::Site);
        }
        let found = self.session(headers).await;
        if let Some(found) = &found {
            if let Some(connection) = request.extensions().get::<Connection>() {
                connection.keep();
            }
            let visitor = found.visitor.clone();
            request.extensions_mut().insert(visitor);
        }
        match (found, is_open || is_signin) {
            (found, true) => Ok((request, found)),
            (None, false) => Err(match (accepts(request.headers(), "text/html"), is_read) {
                (true, false) => Denied::Told(Refused::SignedOut),
                (is_navigation, _) => Denied::Session { is_navigation },
            }),
            (Some(found), false) if is_read => Ok((request, Some(found))),
            (Some(found), false) => {
                let request = check_token(request, &found.visitor.csrf).await?;
                let needed = Role::Editor;
                if found.visitor.role < needed && request.uri().path() != signin::OUT {
                    return Err(Denied::Told(Refused::Role { needed }));
                }
                Ok((request, Some(found)))
            }
        }
    }

    /// Whether what changes something comes from one of the console's pages.
    fn check_writer(&self, headers: &HeaderMap, asked: &Place) -> Result<(), Denied> {
        if !self.hosts.is_from_here(headers, asked) {
            return Err(Denied::Origin);
        }
        if headers.get_all(SITE).iter().any(is_other_site) {
            return Err(Denied::Site);
        }
        Ok(())
    }

    /// Counts a try at a password, or says how long to wait with it.
    fn begin_try(&self, name: &str) -> Result<(), Duration> {
        let mut tries = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        tries.begin(name, self.now())
    }

    /// Forgets the tries at a name's password, which was right.
    fn end_tries(&self, name: &str) {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner).succeed(name);
    }

    fn refuse(&self, denied: Denied) -> Response {
        match denied {
            // Whoever that is, they are told no address: neither theirs nor one of the console's.
            Denied::Host => self.told(Refused::Address),
            Denied::Origin | Denied::Site => StatusCode::FORBIDDEN.into_response(),
            Denied::Session { is_navigation: true } => Redirect::to(signin::PATH).into_response(),
            Denied::Session { is_navigation: false } => self.told(Refused::SignedOut),
            Denied::Told(refused) => self.refused(refused),
        }
    }

    fn refused(&self, refused: Refused) -> Response {
        (refused.status(), Html((self.hooks.refused)(refused))).into_response()
    }

    fn told(&self, refused: Refused) -> Response {
        (refused.status(), (self.hooks.told)(refused) + "\n").into_response()
    }
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug)]
enum Denied {
    Host,
    Origin,
    Site,
    Session { is_navigation: bool },
    Told(Refused),
}

impl Denied {
    /// The word for the audit log.
    fn reason(self) -> &'static str {
        match self {
            Self::Host | Self::Told(Refused::Address) => "host",
            Self::Origin => "origin",
            Self::Site => "site",
            Self::Session { .. } | Self::Told(Refused::SignedOut) => "session",
            Self::Told(Refused::Stale) => "csrf",
            Self::Told(Refused::Role { .. }) => "role",
            Self::Told(Refused::TooLong) => "length",
            Self::Told(Refused::Missing) => "body",
        }
    }
}

/// The way of every request.
async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let mut response = match access.admit(request).await {
        Ok((request, found)) => pass(&access, request, found, next).await,
        Err(denied) => {
            let response = access.refuse(denied);
            // A page that is opened without a session is nothing that was refused.
            if !matches!(denied, Denied::Session { is_navigation: true }) {
                let line = Line::of(Event::Refused, None, &method, &path);
                let (status, reason) = (Some(response.status().as_u16()), Some(denied.reason()));
                access.audit.note_refusal(Line { status, reason, ..line }, access.now());
            }
            response
        }
    };
    headers::set(response.headers_mut(), &access.policy, is_asset(&path));
    response
}

/// Lets a request through to its handler, and notes what it has changed.
async fn pass(
    access: &Arc<Access>,
    mut request: Request,
    found: Option<Found>,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let is_read = [Method::GET, Method::HEAD].contains(&method);
    let visitor = found.as_ref().map(|found| &found.visitor);
    // Signing in and out is noted where it happens.
    let noted = (!is_read && !signin::is_path(&path) && path != signin::OUT).then(|| Noted {
        access: Arc::clone(access),
        line: Some(Line::of(Event::Write, visitor, &method, &path)),
    });
    request.extensions_mut().insert(Arc::clone(access));
    if let Some(found) = &found {
        request.extensions_mut().insert(found.clone());
    }
    let mut response = next.run(request).await;
    if let Some(noted) = noted {
        noted.outcome(response.status());
    }
    if let Some(found) = found.filter(|_| is_event_stream(&response)) {
        response = response.map(|body| Until::wrap(body, found.ended()));
    }
    response
}

/// Something to be noted, also if the visitor leaves before it has an outcome.
struct Noted {
    access: Arc<Access>,
    line: Option<Line>,
}

impl Noted {
    fn outcome(mut self, status: StatusCode) {
        if let Some(line) = &mut self.line {
            line.status = Some(status.as_u16());
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.access.audit.note(line);
        }
    }
}

/// Demands a role of all routes that a router has so far.
pub(crate) fn demand<S: Clone + Send + Sync + 'static>(router: Router<S>, role: Role) -> Router<S> {
    router.route_layer(from_fn(move |request: Request, next: Next| async move {
        let extensions = request.extensions();
        if extensions.get::<Visitor>().is_some_and(|visitor| visitor.role >= role) {
            return next.run(request).await;
        }
        match extensions.get::<Arc<Access>>() {
            Some(access) => access.refused(Refused::Role { needed: role }),
            None => StatusCode::FORBIDDEN.into_response(),
        }
    }))
}

fn is_asset(path: &str) -> bool {
    ASSETS.contains(&path)
}

/// Whether a request takes such an answer by its name.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|value| {
        value.split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case(kind))
    })
}

/// Whether a browser says that a request is made by a page of another origin, be it of this machine.
fn is_other_site(value: &HeaderValue) -> bool {
    [&b"cross-site"[..], b"same-site"].contains(&value.as_bytes())
}

/// Whether another page has built in what is asked for, as a picture or a script, rather than led to it.
fn is_embedded(headers: &HeaderMap) -> bool {
    let is_navigation = headers.get(MODE).is_some_and(|mode| mode == "navigate");
    headers.get_all(SITE).iter().any(is_other_site) && !is_navigation
}

/// Whether a request brings the token of its session: a form in its body, a form with files as the first of its fields,
/// a script in a header. Gives it back with its body.
async fn check_token(request: Request, token: &Secret) -> Result<Request, Denied> {
    let told = |refused| Err(Denied::Told(refused));
    let (parts, mut body) = request.into_parts();
    let given = match form::kind(&parts.headers).as_str() {
        "application/x-www-form-urlencoded" => {
            let bytes = match form::read(body, FORM).await {
                Ok(bytes) => bytes,
                Err(Unread::TooLong) => return told(Refused::TooLong),
                Err(Unread::Missing) => return told(Refused::Missing),
            };
            let given = form::field(&bytes, CSRF_FIELD);
            body = Body::from(bytes);
            given
        }
        // Of what may be large nothing more is read here, and of a script's nothing.
        "multipart/form-data" if !parts.headers.contains_key(CSRF_HEADER) => {
            let (given, whole) = form::first_part(&parts.headers, body, CSRF_FIELD).await;
            body = whole;
            given
        }
        _ => None,
    };
    let in_header = || Some(only(&parts.headers, CSRF_HEADER)?.to_str().ok()?.to_owned());
    let is_right = given.or_else(in_header).is_some_and(|given| Secret::unlisted(given) == *token);
    if is_right { Ok(Request::from_parts(parts, body)) } else { told(Refused::Stale) }
}

/// A refusal that says when to come again.
fn retry_after(mut response: Response, wait: Duration) -> Response {
    // Whole seconds, and never too early.
    let seconds = wait.as_secs() + 1;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
