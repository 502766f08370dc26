//! What the tests of this module share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use tiktok_open::{Client, Endpoints};
use url::form_urlencoded;

use super::event::{AuthEvent, Reporter};
use crate::api::client;
use crate::clock::Clock;
pub(super) use crate::model::fixtures::{API, ISSUER, account, at, grant};
use crate::timing::Timing;

/// Collects what it is told.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Vec<AuthEvent>>);

impl Recorder {
    pub(super) fn all(&self) -> Vec<AuthEvent> {
        self.0.lock().unwrap().clone()
    }
}

impl Reporter for Recorder {
    fn report(&self, event: AuthEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// What the token endpoint does with one request.
pub(super) enum Answer {
    /// Rotates and answers, as TikTok does.
    Rotate,
    /// Rotates, but the answer is lost.
    RotateAndDrop,
    /// Rotates, but the answer breaks off behind this.
    RotateAndBreakOff(&'static str),
    /// Hangs up before doing anything.
    Drop,
    /// Answers with this status and body, doing nothing.
    Say(u16, String),
    /// Runs something first, then rotates.
    After(Box<dyn FnOnce() + Send>),
    /// Runs something first, then refuses with `invalid_grant`.
    RefuseAfter(Box<dyn FnOnce() + Send>),
}

/// A token endpoint on this machine with strict rotation: one refresh token per user is good, and
/// spending it replaces it.
pub(super) struct Endpoint {
    pub(super) client: Client,
    state: Arc<Mutex<EndpointState>>,
}

struct EndpointState {
    good: BTreeMap<String, u32>,
    script: VecDeque<Answer>,
    requests: Vec<BTreeMap<String, String>>,
    refused: u32,
    date: Option<String>,
}

impl Endpoint {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(EndpointState {
            good: BTreeMap::new(),
            script: VecDeque::new(),
            requests: Vec::new(),
            refused: 0,
            date: None,
        }));
        let router = axum::Router::new().fallback(token).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let endpoints = Endpoints::new(Some(&base), Some(&base)).unwrap();
        Self { client: client(endpoints, Clock::default(), &quick()).unwrap(), state }
    }

    /// A client like another process has it.
    pub(super) fn another_client(&self) -> Client {
        let endpoints = self.client.endpoints().clone();
        client(endpoints, Clock::default(), &quick()).unwrap()
    }

    /// What happens to the coming requests, in order; after that it rotates.
    pub(super) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.extend(answers);
    }

    /// From now on answers say this `Date`.
    pub(super) fn says_date(&self, date: &str) {
        self.state.lock().unwrap().date = Some(date.to_owned());
    }

    /// The bodies of the requests so far.
    pub(super) fn requests(&self) -> Vec<BTreeMap<String, String>> {
        self.state.lock().unwrap().requests.clone()
    }

    /// How many requests it has refused because their refresh token was spent already.
    pub(super) fn refused(&self) -> u32 {
        self.state.lock().unwrap().refused
    }
}

/// Waiting times for tests.
pub(super) fn quick() -> Timing {
    Timing {
        backoff_base: Duration::from_millis(5),
        refresh_lock: Duration::from_secs(20),
        qr_poll: Duration::from_millis(5),
        ..Timing::default()
    }
}

const INVALID_GRANT: &str = r#"{"error":"invalid_grant","error_description":"","log_id":"7"}"#;

async fn token(State(state): State<Arc<Mutex<EndpointState>>>, body: Bytes) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let (answer, date) = {
        let mut state = state.lock().unwrap();
        state.requests.push(form.clone());
        (state.script.pop_front().unwrap_or(Answer::Rotate), state.date.clone())
    };
    let (status, body) = match answer {
        Answer::Rotate => rotate(&state, &form),
        Answer::RotateAndDrop => {
            rotate(&state, &form);
            return broken("{");
        }
        Answer::RotateAndBreakOff(behind) => {
            let (_, body) = rotate(&state, &form);
            let end = body.find(behind).unwrap() + behind.len();
            return broken(&body[..end]);
        }
        Answer::Drop => return broken("{"),
        Answer::Say(status, body) => (status, body),
        Answer::After(first) => {
            first();
            rotate(&state, &form)
        }
        Answer::RefuseAfter(first) => {
            first();
            (200, INVALID_GRANT.to_owned())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status.try_into().unwrap();
    if let Some(date) = date {
        response.headers_mut().insert("date", date.parse().unwrap());
    }
    response
}

/// `rft.USER.N` is good while N is the user's number; the answer carries N + 1.
fn rotate(state: &Mutex<EndpointState>, form: &BTreeMap<String, String>) -> (u16, String) {
    let token = form.get("refresh_token").map(String::as_str).unwrap_or_default();
    let mut state = state.lock().unwrap();
    let (user, number) = token.trim_start_matches("rft.").rsplit_once('.').unwrap_or(("", "0"));
    let number: u32 = number.parse().unwrap_or(0);
    let good = state.good.entry(user.to_owned()).or_insert(1);
    if *good != number {
        state.refused += 1;
        return (200, INVALID_GRANT.to_owned());
    }
    *good += 1;
    (200, answer_of(user, number + 1))
}

/// A token answer's body.
pub(super) fn answer_of(open_id: &str, number: u32) -> String {
    format!(
        r#"{{"access_token":"act.{open_id}.{number}","expires_in":7200,"open_id":"{open_id}",
           "refresh_token":"rft.{open_id}.{number}","refresh_expires_in":15552000,
           "scope":"user.info.basic,video.upload","token_type":"Bearer"}}"#
    )
}

/// An answer that breaks off.
fn broken(body: &str) -> Response {
    use futures_util::stream::{StreamExt as _, once};
    let body = bytes::Bytes::from(body.to_owned());
    let end = async {
        // Where the stream has nothing yet, the server sends what it has.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    Response::new(Body::from_stream(once(async { Ok(body) }).chain(once(end))))
}
