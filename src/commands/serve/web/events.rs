//! What is under way, told to the pages that are open as it happens (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch::Receiver;

use crate::commands::serve::console::Console;
use crate::commands::serve::logins::LoginState;
use crate::commands::serve::posting::live::Progress;
use crate::commands::serve::show::{numbers, state_words, tone};
use crate::console::access::Visitor;

/// Where a post stands, for the script of the pages: `data` of an event called `post`.
#[derive(Debug, Serialize)]
struct LivePost {
    /// Its `id`, which elements of a page have as `data-post`.
    id: String,
    state: &'static str,
    tone: &'static str,
    words: String,
    /// Bytes that were handed over, and the size; 0 where that is not known.
    sent: u64,
    size: u64,
    numbers: String,
    /// Its run is over, and the page is to be asked for anew.
    ended: bool,
}

impl From<Progress> for LivePost {
    fn from(progress: Progress) -> Self {
        Self {
            state: state_words(&progress.phase),
            tone: tone(&progress.phase),
            numbers: numbers(&progress),
            words: progress.words.unwrap_or_default(),
            sent: progress.sent,
            size: progress.size,
            ended: progress.ended,
            id: progress.id,
        }
    }
}

/// Everything from now on.
pub(super) async fn stream(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    let open = console.streams.open(visitor.csrf.expose()).ok_or(StatusCode::TOO_MANY_REQUESTS)?;
    let changes = console.posting.live.follow();
    let events = futures_util::stream::unfold((changes, open), |(mut changes, open)| async move {
        loop {
            match changes.recv().await {
                // Of what waits for its time a run has nothing to say.
                Ok(progress) if !progress.is_at_work() && !progress.ended => {}
                Ok(progress) => {
                    let post = LivePost::from(progress);
                    let data = serde_json::to_string(&post).unwrap_or_default();
                    let event = Event::default().event("post").data(data);
                    return Some((Ok(event), (changes, open)));
                }
                // A page that reads slowly is told of what comes after.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Tells of each change of a login, so that its page is asked for anew; one that is over, or is not known, changes no
/// more, and that is told as well.
pub(super) async fn of_login(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    let open = console.streams.open(visitor.csrf.expose()).ok_or(StatusCode::TOO_MANY_REQUESTS)?;
    let changes = console.logins.state(&id);
    // What has changed since the page was made is told at once.
    let events = futures_util::stream::unfold(
        (changes, true, open),
        |(mut changes, is_first, open)| async move {
            let gone = match &mut changes {
                _ if is_first => false,
                Some(state) => state.changed().await.is_err(),
                None => return None,
            };
            let ended =
                |state: &mut Receiver<LoginState>| state.borrow_and_update().ended.is_some();
            let ended = gone || changes.as_mut().is_none_or(ended);
            let data = if ended { "ended" } else { "changed" };
            Some((
                Ok(Event::default().event("login").data(data)),
                (changes.filter(|_| !ended), false, open),
            ))
        },
    );
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
