//! The addresses of the console: who may ask for them, and what they lead to.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};

mod accounts;
mod actions;
mod compose;
mod events;
mod file;
pub(super) mod flash;
pub(super) mod forms;
mod queue;
mod settings;
pub(super) mod streams;

use self::flash::Flash;
use self::forms::{CalendarQuery, HistoryQuery};
use super::answer::Failed;
use super::console::Console;
use super::posting::draft::is_id;
use super::show::{self, Danger};
use crate::console::access::{Role, Visitor, demand};
use crate::console::pages::{ICON, SCRIPT, STYLE, html};

/// What every handler has.
type App = Arc<Console>;

/// All of them. Reading needs a session, changing an editor's; accounts and settings are an owner's.
pub(super) fn router(console: App) -> Router {
    let owner = Router::new()
        .route("/accounts/{id}/alias", post(accounts::alias))
        .route("/accounts/{id}/pause", post(accounts::pause))
        .route("/accounts/{id}/resume", post(accounts::resume))
        .route("/accounts/{id}/logout", post(accounts::logout))
        .route("/login", post(accounts::login))
        .route("/login/{id}", get(accounts::login_state))
        .route("/login/{id}/events", get(events::of_login))
        .route("/login/{id}/cancel", post(accounts::cancel_login))
        .route("/settings", get(settings::settings_in_use))
        .route("/settings/change", get(settings::settings_form).post(settings::change_setting))
        .route("/settings/apps", post(settings::add_app))
        .route("/settings/slots", post(settings::add_slot))
        .route("/settings/link", post(settings::link));
    let editor = Router::new()
        .route("/compose", get(compose::start).post(compose::begin))
        // Only `[serve] upload_limit` bounds a file.
        .route("/compose/upload", post(file::upload).layer(DefaultBodyLimit::disable()))
        .route("/compose/{id}", get(compose::compose).post(compose::compose_sent))
        .route("/compose/{id}/discard", post(compose::discard))
        .route("/compose/{id}/media", get(file::media))
        .route("/compose/{id}/file", get(file::received).put(file::piece))
        .route("/queue/{id}/move", post(queue::move_post))
        .route("/queue/{id}/cancel", post(queue::take_out))
        .route("/queue/{id}/again", post(queue::try_again))
        .route("/queue/{id}/edit", post(queue::edit))
        .route("/posts/{number}/settle", post(queue::settle))
        .route("/posts/{number}/cancel", post(queue::call_off))
        .route("/doctor", post(doctor_again));
    let all = Router::new()
        .route("/", get(overview))
        .route("/accounts", get(accounts_page))
        .route("/callback/", get(accounts::callback))
        .route("/callback", get(accounts::callback))
        .route("/queue", get(queue_page))
        .route("/posts/{number}", get(post_page))
        .route("/calendar", get(calendar))
        .route("/history", get(history))
        .route("/history.csv", get(history_csv))
        .route("/history.json", get(history_json))
        .route("/doctor", get(doctor))
        .route("/guidelines", get(guidelines))
        .route("/events", get(events::stream))
        .route("/style.css", get(|| async { asset(STYLE, "text/css; charset=utf-8") }))
        .route("/console.js", get(|| async { asset(SCRIPT, "text/javascript; charset=utf-8") }))
        .route("/icon.svg", get(|| async { asset(ICON, "image/svg+xml") }))
        .fallback(not_found);
    all.merge(demand(owner, Role::Owner)).merge(demand(editor, Role::Editor)).with_state(console)
}

fn asset(text: &'static str, kind: &'static str) -> impl IntoResponse {
    let kept = HeaderValue::from_static("private, max-age=300");
    ([(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, kept)], text)
}

async fn not_found(State(console): State<App>, visitor: Visitor) -> Response {
    (StatusCode::NOT_FOUND, Html(show::not_found(&console, &visitor))).into_response()
}

/// Leads on to a page, where something is told.
fn on(console: &Console, visitor: &Visitor, to: &str, flashes: Vec<Flash>) -> Redirect {
    for flash in flashes {
        console.flashes.add(visitor.csrf.expose(), flash);
    }
    Redirect::to(to)
}

/// Asks once more, as nothing was said to be meant.
fn ask(console: &Console, visitor: &Visitor, danger: Danger<'_>) -> Response {
    // What is no `id` is in no address of a page.
    if let Danger::Discard(id) | Danger::TakeOut(id) = danger
        && !is_id(id)
    {
        return (StatusCode::NOT_FOUND, Html(show::not_found(console, visitor))).into_response();
    }
    let page = html(&show::ask(console, visitor, danger));
    (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
}

// Pages.

async fn overview(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::overview(&console, &visitor).await))
}

async fn accounts_page(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::accounts(&console, &visitor).await))
}

async fn queue_page(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::queue(&console, &visitor).await))
}

async fn post_page(
    State(console): State<App>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> Response {
    let page = match number.parse() {
        Ok(number) => show::post(&console, &visitor, number).await,
        Err(_) => None,
    };
    match page {
        Some(page) => Html(html(&page)).into_response(),
        None => not_found(State(console), visitor).await,
    }
}

async fn calendar(
    State(console): State<App>,
    visitor: Visitor,
    Query(query): Query<CalendarQuery>,
) -> Html<String> {
    Html(html(&show::calendar(&console, &visitor, &query).await))
}

async fn history(
    State(console): State<App>,
    visitor: Visitor,
    Query(query): Query<HistoryQuery>,
) -> Html<String> {
    Html(html(&show::history(&console, &visitor, &query).await))
}

async fn history_csv(
    State(console): State<App>,
    _: Visitor,
    Query(query): Query<HistoryQuery>,
) -> Response {
    export("text/csv; charset=utf-8", show::history_csv(&console, &query).await)
}

/// A file, or why there is none in words.
fn export(kind: &'static str, text: Result<String, Failed>) -> Response {
    match text {
        Ok(text) => ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response(),
        Err(failed) => {
            let hint = failed.hint.map(|hint| format!("\n{hint}")).unwrap_or_default();
            let status = match failed.code {
                Some("account_unknown" | "no_account") => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_GATEWAY,
            };
            (status, format!("{}{hint}\n", failed.message)).into_response()
        }
    }
}

async fn history_json(
    State(console): State<App>,
    _: Visitor,
    Query(query): Query<HistoryQuery>,
) -> Response {
    export("application/jsonl; charset=utf-8", show::history_json(&console, &query).await)
}

async fn doctor(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::doctor(&console, &visitor)))
}

async fn doctor_again(State(console): State<App>, visitor: Visitor) -> Redirect {
    console.check().await;
    on(&console, &visitor, "/doctor", Vec::new())
}

async fn guidelines(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::guidelines(&console, &visitor)))
}
