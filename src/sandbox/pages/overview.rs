//! `/_sandbox/`: accounts, posts, QR codes and the log, for the eye; and the forms of all pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use super::html::{escape, page};
use crate::sandbox::call::Form;
use crate::sandbox::control::own_pages_only;
use crate::sandbox::delivery::Pace;
use crate::sandbox::envelope::Answer;
use crate::sandbox::gateway::respond;
use crate::sandbox::oauth::consent::{self, Decision};
use crate::sandbox::state::Core;

pub(in crate::sandbox) fn routes(core: &Arc<Core>) -> Router<Arc<Core>> {
    Router::new()
        .route("/_sandbox/", get(overview))
        .route("/_sandbox/decide", post(decide))
        .route("/_sandbox/avatar/{handle}", get(avatar))
        .route_layer(middleware::from_fn_with_state(Arc::clone(core), own_pages_only))
}

async fn overview(State(core): State<Arc<Core>>) -> Response {
    let main = {
        let world = core.world();
        let posts: String = world
            .view()
            .posts
            .iter()
            .map(|post| format!("<li>{} {}</li>", escape(&post.publish_id), escape(&post.status)))
            .collect();
        format!("<main><h1>Sandbox</h1><ul>{posts}</ul></main>")
    };
    respond(&core, page(StatusCode::OK, "Sandbox", &main, "'self'", Some(2)), Pace::Plain)
}

/// The answer of the authorize page.
async fn decide(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let answer = {
        let mut world = core.world();
        let now = world.now();
        let request = form.get("consent").and_then(|id| world.consents.take(id));
        let account = form.get("account").and_then(|handle| world.find_account(handle));
        match (request, form.get("decision"), account) {
            (Some(request), Some("allow"), Some(account)) => {
                let scopes = form.all("scope").map(str::to_owned).collect();
                consent::decide(&mut world, &request, Decision::Allow { account, scopes }, now)
            }
            (Some(request), Some("deny"), _) => {
                consent::decide(&mut world, &request, Decision::Deny { with_state: true }, now)
            }
            _ => gone(),
        }
    };
    respond(&core, answer, Pace::Plain)
}

fn gone() -> Answer {
    let main = "<main class=\"card\"><h1>This page was answered before</h1>\
                <p>Start the login again in the app.</p></main>";
    page(StatusCode::GONE, "Answered before", main, "'none'", None)
}

/// A letter on a disc.
async fn avatar(State(core): State<Arc<Core>>, Path(handle): Path<String>) -> Response {
    let known = core.world().find_account(&handle).is_some();
    let letter = handle.chars().next().filter(|_| known).unwrap_or('?').to_uppercase().to_string();
    let image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\">\
         <circle cx=\"50\" cy=\"50\" r=\"50\" fill=\"#5b5bd6\"/><text x=\"50\" y=\"67\" \
         font-family=\"sans-serif\" font-size=\"48\" text-anchor=\"middle\" fill=\"#fff\">{}</text>\
         </svg>",
        escape(&letter)
    );
    ([(CONTENT_TYPE, "image/svg+xml")], image).into_response()
}
