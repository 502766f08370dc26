//! What a person sees: the authorize page, the overview, the phone. No script, nothing from
//! elsewhere.

pub(super) mod consent;
mod forms;
mod html;
mod overview;
mod phone;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::control::own_pages_only;
use super::delivery::Pace;
use super::gateway::respond;
use super::state::Core;

pub(super) fn routes(core: &Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/", get(show_overview))
        .route("/_sandbox/phone", get(show_phone))
        .route("/_sandbox/decide", post(forms::decide))
        .route("/_sandbox/do", post(forms::act))
        .route("/_sandbox/avatar/{handle}", get(avatar))
        .route("/_sandbox/icon", get(|| async { disc('S') }))
        .route_layer(middleware::from_fn_with_state(Arc::clone(core), own_pages_only))
}

async fn show_overview(State(core): State<Arc<Core>>) -> Response {
    let page = overview::page(&core.world(), &core.form_key);
    respond(&core, page.answer(StatusCode::OK), Pace::Plain)
}

async fn show_phone(State(core): State<Arc<Core>>) -> Response {
    let page = phone::page(&core.world(), &core.form_key);
    respond(&core, page.answer(StatusCode::OK), Pace::Plain)
}

/// An account's picture: its first letter.
async fn avatar(State(core): State<Arc<Core>>, Path(handle): Path<String>) -> Response {
    let known = core.world().find_account(&handle).is_some();
    let letter = handle.chars().next().filter(|first| known && first.is_alphanumeric());
    disc(letter.unwrap_or('?'))
}

/// A letter on a disc; `letter` must be one that XML takes as it is.
fn disc(letter: char) -> Response {
    let letter = letter.to_uppercase();
    let image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\">\
         <circle cx=\"50\" cy=\"50\" r=\"50\" fill=\"#5b5bd6\"/><text x=\"50\" y=\"67\" \
         font-family=\"sans-serif\" font-size=\"48\" text-anchor=\"middle\" fill=\"#fff\">{letter}\
         </text></svg>"
    );
    ([(CONTENT_TYPE, "image/svg+xml")], image).into_response()
}
