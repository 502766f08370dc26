//! The way of a request: exact path and method, faults, the endpoint, the log.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, HeaderName, HeaderValue,
};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Endpoint};
use crate::delivery::{Pace, Reader};
use crate::envelope::{self, Answer, OauthRefusal, Refusal};
use crate::faults::{Action, Canned, Fault, Hold, RefuseWith, When};
use crate::log::LogEntry;
use crate::server::Hangup;
use crate::state::{Core, World};
use crate::{control, display, echo, ids, oauth, pages, posting};

/// More than any body of the contract needs.
const MAX_BODY: usize = 1024 * 1024;

/// All routes: the contract's, and the sandbox's own below `/_sandbox/`.
pub(super) fn router(core: Arc<Core>) -> Router {
    let mut router = Router::new();
    for endpoint in Endpoint::ALL {
        let (method, path) = endpoint.route();
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::TRACE);
        let serve = move |State(core): State<Arc<Core>>, request: Request| async move {
            serve(core, endpoint, request).await
        };
        for path in std::iter::once(path).chain(endpoint.other_path()) {
            router = router.route(path, on(filter, serve));
        }
    }
    router
        .merge(control::routes(&core))
        .merge(pages::routes(&core))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(core)
}

/// An unknown path, or a known one with the wrong method.
async fn unknown(State(core): State<Arc<Core>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let ticket = Ticket::open(&core, &parts.method, parts.uri.path(), "unknown");
    ticket.close(&Answer::janus());
    respond(&core, Answer::janus(), Pace::Plain)
}

/// A request to an endpoint of the contract.
async fn serve(core: Arc<Core>, endpoint: Endpoint, request: Request) -> Response {
    let hangup = request.extensions().get::<Hangup>().cloned().unwrap_or_default();
    let (parts, body) = request.into_parts();
    if parts.method != endpoint.route().0 {
        // HEAD comes in where GET does.
        return unknown(State(core), Request::from_parts(parts, body)).await;
    }
    let mut ticket = Ticket::open(&core, &parts.method, parts.uri.path(), endpoint.name());
    let (whole, streamed) = if endpoint == Endpoint::Upload {
        (Bytes::new(), Some(body))
    } else {
        match axum::body::to_bytes(body, MAX_BODY).await {
            Ok(whole) => (whole, None),
            Err(_) => return ticket.broken(&hangup, "the body broke off or is over 1 MiB").await,
        }
    };
    ticket.entry.bytes = whole.len() as u64;
    let call = Call {
        endpoint,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: whole,
        now: ticket.entry.time,
        log_id: ticket.entry.log_id.clone(),
        outcome: None,
    };
    call.name().clone_into(&mut ticket.entry.endpoint);
    let fault = {
        let mut world = core.world();
        ticket.entry.account = world.caller(&call).map(|account| world.handle(account));
        if endpoint == Endpoint::Upload {
            let upload = call.query_value("upload_id").unwrap_or_default();
            ticket.entry.publish_id = world.posts.publish_id_of_upload(upload).map(str::to_owned);
            let range = call.headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            ticket.entry.range = range.map(str::to_owned);
        }
        world.faults.strike(call.name(), ticket.entry.account.as_deref())
    };
    Exchange { core, call, streamed, hangup, ticket }.run(fault).await
}

/// A call on its way through a fault, if there is one.
struct Exchange {
    core: Arc<Core>,
    call: Call,
    /// The bytes of an upload.
    streamed: Option<Body>,
    hangup: Hangup,
    ticket: Ticket,
}

impl Exchange {
    async fn run(mut self, fault: Option<Fault>) -> Response {
        let Some(Fault { action, when, early }) = fault else {
            return self.work_and_send(Pace::Plain).await;
        };
        match action {
            Action::Drop => self.drop_at(when).await,
            Action::Stall(length) => {
                let hold = self.core.world().faults.hold(length);
                self.stall_at(when, hold).await
            }
            Action::Slow(rate) => self.work_and_send(Pace::Slow(rate)).await,
            Action::Outcome(outcome) => {
                self.call.outcome = Some(outcome);
                self.work_and_send(Pace::Plain).await
            }
            Action::Answer(canned) => {
                let answer = canned_answer(&canned);
                self.replace(when, early, answer, Pace::Plain).await
            }
            Action::Garbage => self.replace(when, early, garbage(), Pace::Plain).await,
            Action::Oversized(size) => {
                let start = Answer::json(StatusCode::OK, &Value::Null);
                let start = Answer { body: Bytes::from_static(b"{\"data\":\""), ..start };
                self.replace(when, early, start, Pace::Filled(size)).await
            }
            Action::Refuse(with) => {
                let answer = self.refusal(&with);
                self.replace(when, early, answer, Pace::Plain).await
            }
            Action::Echo(echo) => {
                if let Some(answer) = echo::instead(&self.call, &echo) {
                    return self.replace(when, early, answer, Pace::Plain).await;
                }
                let answer = self.work(Pace::Plain).await;
                let answer = echo::within(&self.call, &echo, answer);
                self.send(answer, Pace::Plain).await
            }
        }
    }

    async fn drop_at(mut self, when: When) -> Response {
        match when {
            When::Before => self.ticket.broken(&self.hangup, "dropped before").await,
            When::Middle => {
                self.ticket.note("dropped in the middle");
                let cut = Pace::CutHalfway(self.hangup.clone());
                self.work_and_send(cut).await
            }
            When::After => {
                let answer = self.work(Pace::Plain).await;
                self.ticket.entry.code.clone_from(&answer.code);
                self.ticket.entry.message = answer.message.as_deref().map(str::to_owned);
                self.ticket.broken(&self.hangup, "dropped after the work was done").await
            }
        }
    }

    async fn stall_at(mut self, when: When, hold: Hold) -> Response {
        match when {
            When::Before => {
                hold.wait().await;
                self.work_and_send(Pace::Plain).await
            }
            When::Middle => self.work_and_send(Pace::StallHalfway(hold)).await,
            When::After => {
                let answer = self.work(Pace::Plain).await;
                hold.wait().await;
                self.send(answer, Pace::Plain).await
            }
        }
    }

    /// Does what the call asks for; the bytes of an upload come in at `pace`.
    async fn work(&mut self, pace: Pace) -> Answer {
        let Some(body) = self.streamed.take() else {
            return dispatch(&mut self.core.world(), &self.call);
        };
        let reader = Reader::new(body, pace, declared_length(&self.call));
        let arrived = &mut self.ticket.entry.bytes;
        posting::upload::receive(&self.core, &self.call, reader, arrived).await
    }

    /// A pace is that of the request body of an upload, and of the answer of anything else.
    async fn work_and_send(mut self, pace: Pace) -> Response {
        let uploads = self.streamed.is_some();
        let (inward, outward) = if uploads { (pace, Pace::Plain) } else { (Pace::Plain, pace) };
        let answer = self.work(inward).await;
        self.send(answer, outward).await
    }

    /// Answers something else than the work would.
    async fn replace(mut self, when: When, early: bool, answer: Answer, pace: Pace) -> Response {
        if when == When::After {
            self.work(Pace::Plain).await;
            self.ticket.note("the work was done, the answer replaced");
        } else {
            if let Some(body) = self.streamed.take().filter(|_| !early) {
                let length = declared_length(&self.call);
                drain(Reader::new(body, Pace::Plain, length), &mut self.ticket.entry.bytes).await;
            }
            self.ticket.note("answered by a fault, nothing was done");
        }
        self.send(answer, pace).await
    }

    async fn send(self, answer: Answer, pace: Pace) -> Response {
        if answer.is_lost {
            return self.ticket.broken(&self.hangup, "the connection broke").await;
        }
        self.ticket.close(&answer);
        respond(&self.core, answer, pace)
    }

    fn refusal(&self, with: &RefuseWith) -> Answer {
        let mut refusal = Refusal::coded(&with.code);
        if let Some(status) = with.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            refusal.status = status;
        }
        if let Some(message) = &with.message {
            refusal.message.clone_from(message);
        }
        if self.call.endpoint == Endpoint::Upload {
            return Answer { code: Some(refusal.code), ..Answer::chunk(refusal.status) };
        }
        if !self.call.endpoint.is_oauth() {
            return envelope::api(Err(refusal), &self.call.log_id);
        }
        let description = with.message.as_deref().unwrap_or("The request was refused.");
        let flat = OauthRefusal::new(&with.code, description);
        let statuses = self.core.world().rules.oauth_errors;
        let mut answer = envelope::oauth(Err(flat), &self.call.log_id, statuses);
        if let Some(status) = with.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            answer.status = status;
        }
        answer
    }
}

/// Hands a call to its endpoint.
fn dispatch(world: &mut World, call: &Call) -> Answer {
    let id = call.log_id.as_str();
    let flat = world.rules.oauth_errors;
    match call.endpoint {
        Endpoint::Authorize => oauth::authorize::open(world, call),
        Endpoint::Token => envelope::oauth(oauth::token::grant(world, call), id, flat),
        Endpoint::Revoke => envelope::oauth(oauth::revoke::revoke(world, call), id, flat),
        Endpoint::GetQrcode => envelope::oauth(oauth::qr::get(world, call), id, flat),
        Endpoint::CheckQrcode => envelope::oauth(oauth::qr::check(world, call), id, flat),
        Endpoint::CreatorInfo => envelope::api(posting::creator_info::query(world, call), id),
        Endpoint::VideoInit => envelope::api(posting::init::direct(world, call), id),
        Endpoint::InboxInit => envelope::api(posting::init::inbox(world, call), id),
        Endpoint::ContentInit => envelope::api(posting::photo::init(world, call), id),
        Endpoint::Cancel => envelope::api_without_data(posting::cancel::cancel(world, call), id),
        Endpoint::Status => envelope::api(posting::status::fetch(world, call), id),
        Endpoint::UserInfo => envelope::api(display::user_info(world, call), id),
        Endpoint::VideoList => envelope::api(display::video_list(world, call), id),
        Endpoint::VideoQuery => envelope::api(display::video_query(world, call), id),
        // Its bytes are streamed past this lock.
        Endpoint::Upload => Answer::janus(),
    }
}

/// Reads a body to its end and keeps nothing, so that the peer gets to read its answer.
pub(super) async fn drain(mut reader: Reader, arrived: &mut u64) {
    while let Some(Ok(bytes)) = reader.next().await {
        *arrived += bytes.len() as u64;
    }
}

fn declared_length(call: &Call) -> u64 {
    let value = call.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn canned_answer(canned: &Canned) -> Answer {
    let status = StatusCode::from_u16(canned.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Answer::json(status, &canned.body);
    if let Value::String(text) = &canned.body {
        answer.body = Bytes::from(text.clone());
    } else if canned.body.is_null() {
        answer.body = Bytes::new();
    }
    for (name, value) in &canned.headers {
        let (name, value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            answer.headers.retain(|(known, _)| *known != name || name != CONTENT_TYPE);
            answer.headers.push((name, value));
        }
    }
    answer
}

fn garbage() -> Answer {
    let page = "<!doctype html><html><head><title>Just a moment…</title></head>\
                <body><h1>Please wait</h1></body></html>";
    Answer::html(StatusCode::OK, page.to_owned())
}

/// Turns an answer into what goes out.
pub(super) fn respond(core: &Core, answer: Answer, pace: Pace) -> Response {
    let Answer { status, headers, body, .. } = answer;
    // A body that is slowed or cut declares its whole length all the same.
    let length = (!matches!(pace, Pace::Filled(_))).then(|| HeaderValue::from(body.len()));
    let mut response = Response::new(pace.send(body));
    *response.status_mut() = status;
    response.headers_mut().extend(length.map(|length| (CONTENT_LENGTH, length)));
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    let date = core.world().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}

/// The log entry of a request under way. If the connection ends first, it says so by itself.
struct Ticket {
    core: Arc<Core>,
    entry: LogEntry,
    closed: bool,
}

impl Ticket {
    fn open(core: &Arc<Core>, method: &Method, path: &str, endpoint: &str) -> Self {
        let time: Timestamp = core.world().now();
        let entry = LogEntry {
            time,
            method: method.to_string(),
            path: path.to_owned(),
            endpoint: endpoint.to_owned(),
            account: None,
            status: None,
            code: None,
            message: None,
            log_id: ids::log_id(time),
            publish_id: None,
            range: None,
            bytes: 0,
            note: None,
        };
        Self { core: Arc::clone(core), entry, closed: false }
    }

    fn note(&mut self, note: &str) {
        self.entry.note = Some(match self.entry.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note.to_owned(),
        });
    }

    fn close(mut self, answer: &Answer) {
        self.entry.status = Some(answer.status.as_u16());
        self.entry.code.clone_from(&answer.code);
        self.entry.message = answer.message.as_deref().map(str::to_owned);
        if let Some(note) = &answer.note {
            self.note(note);
        }
        self.push();
    }

    /// Ends the connection without an answer.
    async fn broken(mut self, hangup: &Hangup, note: &str) -> Response {
        self.note(note);
        self.push();
        match hangup.now().await {}
    }

    fn push(&mut self) {
        self.closed = true;
        self.core.world().log.push(self.entry.clone());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.closed {
            self.note("the connection ended before the answer");
            self.push();
        }
    }
}
