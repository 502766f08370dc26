//! The addresses of the console: who may ask for them, and what they lead to.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{
    DefaultBodyLimit, Form, FromRequest as _, Multipart, OriginalUri, Path, Query, Request, State,
};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http_body_util::Limited;
use serde::Deserialize;
use tower_http::services::ServeFile;
use url::Url;

mod actions;
mod events;
pub(super) mod flash;
pub(super) mod forms;
pub(super) mod streams;

use self::flash::Flash;
use self::forms::{
    AppForm, CalendarQuery, HistoryQuery, LoginForm, MoveForm, SettingForm, SlotForm, SourceForm,
    SureForm, VerdictForm,
};
use super::answer::Failed;
use super::composing::{self, Unpublished};
use super::console::Console;
use super::posting::draft::{Form as ComposeForm, is_id};
use super::posting::spool::{self, Part, SpoolError};
use super::queueing;
use super::settings::{self, Change, SlotError};
use super::show::{self, Danger, Declined, Refusal};
use crate::console::access::{Role, Visitor, demand};
use crate::console::pages::{ENGLISH, ICON, SCRIPT, STYLE, html};
use crate::secret::Secret;

/// What every handler has.
type App = Arc<Console>;

/// How many bytes of a file that a browser sends are there.
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// How often a draft was kept, once it was kept again.
const REVISION: HeaderName = HeaderName::from_static("draft-revision");

/// The most that a field beside a file has, in bytes.
const SHORT: usize = 1 << 10;

/// What a form with a file is longer than its file, in bytes.
const REST_OF_FORM: u64 = 64 << 10;

/// All of them. Reading needs a session, changing an editor's; accounts and settings are an owner's.
pub(super) fn router(console: App) -> Router {
    let owner = Router::new()
        .route("/accounts/{id}/alias", post(alias))
        .route("/accounts/{id}/pause", post(pause))
        .route("/accounts/{id}/resume", post(resume))
        .route("/accounts/{id}/logout", post(logout))
        .route("/login", post(login))
        .route("/login/{id}", get(login_state))
        .route("/login/{id}/events", get(events::of_login))
        .route("/login/{id}/cancel", post(cancel_login))
        .route("/settings", get(settings_in_use))
        .route("/settings/change", get(settings_form).post(change_setting))
        .route("/settings/apps", post(add_app))
        .route("/settings/slots", post(add_slot))
        .route("/settings/link", post(link));
    let editor = Router::new()
        .route("/compose", get(start).post(begin))
        // Only `[serve] upload_limit` bounds a file.
        .route("/compose/upload", post(upload).layer(DefaultBodyLimit::disable()))
        .route("/compose/{id}", get(compose).post(compose_sent))
        .route("/compose/{id}/discard", post(discard))
        .route("/compose/{id}/media", get(media))
        .route("/compose/{id}/file", get(received).put(piece))
        .route("/queue/{id}/move", post(move_post))
        .route("/queue/{id}/cancel", post(take_out))
        .route("/queue/{id}/again", post(try_again))
        .route("/queue/{id}/edit", post(edit))
        .route("/posts/{number}/settle", post(settle))
        .route("/posts/{number}/cancel", post(call_off))
        .route("/doctor", post(doctor_again));
    let all = Router::new()
        .route("/", get(overview))
        .route("/accounts", get(accounts))
        .route("/callback/", get(callback))
        .route("/callback", get(callback))
        .route("/queue", get(queue))
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

async fn accounts(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::accounts(&console, &visitor).await))
}

async fn queue(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::queue(&console, &visitor).await))
}

async fn post_page(
    State(console): State<App>,
    visitor: Visitor,
    Path(number): Path<u32>,
) -> Response {
    match show::post(&console, &visitor, number).await {
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

async fn settings_in_use(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::settings(&console, &visitor).await))
}

async fn settings_form(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::settings_form(&console, &visitor, None).await))
}

async fn change_setting(
    State(console): State<App>,
    visitor: Visitor,
    Form(form): Form<SettingForm>,
) -> Response {
    let (key, value, unset) = (form.key.as_str(), form.value.as_str(), form.unset == "yes");
    if let Err(why) = settings::set(&console, Change { key, value, unset }).await {
        let refusal = Some(Refusal { key, value, why });
        let page = show::settings_form(&console, &visitor, refusal).await;
        return (StatusCode::UNPROCESSABLE_ENTITY, Html(html(&page))).into_response();
    }
    let done = if unset { ENGLISH.setting_unset_done } else { ENGLISH.setting_saved };
    let mut told = format!("{key} {done}");
    // Sessions and links are of the address that it has.
    if key == "serve.origin" {
        told = format!("{told} {}", ENGLISH.setting_at_start);
    }
    on(&console, &visitor, "/settings/change", vec![Flash::good(told)]).into_response()
}

async fn add_app(
    State(console): State<App>,
    visitor: Visitor,
    Form(form): Form<AppForm>,
) -> Response {
    let (name, key) = (form.name.trim().to_owned(), form.client_key.trim().to_owned());
    let secret = Secret::new(form.client_secret.trim());
    match settings::add_app(&console, name.clone(), key.clone(), secret).await {
        Ok(()) => {
            let told = vec![Flash::good(ENGLISH.app_added)];
            on(&console, &visitor, "/settings/change", told).into_response()
        }
        Err(why) => {
            let mut page = show::settings_form(&console, &visitor, None).await;
            (page.app_error, page.app_name, page.app_key) = (Some(why), name, key);
            (StatusCode::UNPROCESSABLE_ENTITY, Html(html(&page))).into_response()
        }
    }
}

async fn add_slot(
    State(console): State<App>,
    visitor: Visitor,
    Form(form): Form<SlotForm>,
) -> Response {
    match settings::add_slot(&console, form.name.trim(), &form.times).await {
        Ok(()) => {
            let told = vec![Flash::good(ENGLISH.slot_added)];
            on(&console, &visitor, "/settings/change", told).into_response()
        }
        Err(wrong) => {
            let mut page = show::settings_form(&console, &visitor, None).await;
            match wrong {
                SlotError::Name(why) => page.slot.name_error = Some(why),
                SlotError::Times(why) => page.slot.times_error = Some(why),
            }
            (page.slot.name, page.slot.times) = (form.name, form.times);
            (StatusCode::UNPROCESSABLE_ENTITY, Html(html(&page))).into_response()
        }
    }
}

async fn guidelines(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::guidelines(&console, &visitor)))
}

async fn link(State(console): State<App>, visitor: Visitor) -> Redirect {
    console.print_link();
    on(&console, &visitor, "/settings", vec![Flash::good(ENGLISH.signin_printed)])
}

// Accounts.

#[derive(Debug, Deserialize)]
struct AliasForm {
    alias: String,
}

async fn alias(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<AliasForm>,
) -> Redirect {
    let told = actions::name_account(&console, &id, form.alias.trim()).await;
    on(&console, &visitor, "/accounts", told)
}

async fn pause(State(console): State<App>, visitor: Visitor, Path(id): Path<String>) -> Redirect {
    let told = actions::pause_account(&console, &id).await;
    on(&console, &visitor, "/accounts", told)
}

async fn resume(State(console): State<App>, visitor: Visitor, Path(id): Path<String>) -> Redirect {
    let told = actions::resume_account(&console, &id).await;
    console.workers.wake(&id);
    on(&console, &visitor, "/accounts", told)
}

async fn logout(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<SureForm>,
) -> Response {
    if !form.is_sure() {
        return ask(&console, &visitor, Danger::LogOut(&id));
    }
    let told = actions::log_out(&console, &id).await;
    on(&console, &visitor, "/accounts", told).into_response()
}

async fn login(
    State(console): State<App>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Redirect {
    let form = LoginForm::of(fields);
    match console.log_in(&form).await {
        Ok((id, visit)) => {
            // TikTok's page, unless there is none to be led to.
            let own = format!("/login/{id}");
            Redirect::to(visit.as_ref().map_or(own.as_str(), Url::as_str))
        }
        Err(failed) => on(&console, &visitor, "/accounts", vec![failed.into()]),
    }
}

async fn login_state(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Html<String> {
    Html(html(&show::login(&console, &visitor, &id)))
}

async fn cancel_login(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    console.logins.cancel(&id);
    on(&console, &visitor, "/accounts", Vec::new())
}

/// Where TikTok leads a browser back to. It brings no cookie along, as another site has sent it: so nothing is shown
/// here, and the page of the login is asked for anew, by this site.
async fn callback(State(console): State<App>, OriginalUri(uri): OriginalUri) -> Response {
    let address = format!("{}{uri}", console.address);
    let answered = match Url::parse(&address) {
        Ok(address) => console.logins.answer(&address).await,
        Err(_) => None,
    };
    let to = answered.map_or_else(|| "/accounts".to_owned(), |id| format!("/login/{id}"));
    let refresh = HeaderName::from_static("refresh");
    let mut response = Html(show::callback(&to)).into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("0; url={to}")) {
        response.headers_mut().insert(refresh, value);
    }
    response
}

// Composing.

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StartQuery {
    folder: String,
    /// The `open_id` of the account that posts.
    account: String,
}

async fn start(
    State(console): State<App>,
    visitor: Visitor,
    Query(query): Query<StartQuery>,
) -> Html<String> {
    Html(html(&show::start(&console, &visitor, &query.folder, &query.account, None).await))
}

async fn begin(
    State(console): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<SourceForm>,
) -> Response {
    let is_script = headers.contains_key("x-csrf-token");
    match composing::begin(&console, &form).await {
        Ok(draft) => {
            let to = format!("/compose/{}", draft.id);
            if is_script {
                // The script goes on with the file.
                return ([(LOCATION, to)], StatusCode::CREATED).into_response();
            }
            on(&console, &visitor, &to, Vec::new()).into_response()
        }
        Err(wrong) if is_script => {
            (StatusCode::UNPROCESSABLE_ENTITY, wrong.message).into_response()
        }
        Err(wrong) => {
            // What was written is there to be corrected.
            let declined = Some(Declined { form: &form, wrong });
            let page = show::start(&console, &visitor, "", &form.account, declined).await;
            (StatusCode::UNPROCESSABLE_ENTITY, Html(html(&page))).into_response()
        }
    }
}

/// The text of a field that is short. `None`: it is not, or it did not arrive whole.
async fn short_text(part: &mut Part<'_>) -> Option<String> {
    let mut text = Vec::new();
    while let Some(piece) = part.chunk().await.ok()? {
        if text.len() + piece.len() > SHORT {
            return None;
        }
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).ok()
}

/// A file by a form, without the script: all of it at once.
async fn upload(State(console): State<App>, visitor: Visitor, request: Request) -> Redirect {
    let mut account = String::new();
    let trouble = |why: String| vec![Flash::bad(why)];
    let refused = |why: &str| on(&console, &visitor, "/compose", vec![Flash::bad(why)]);
    // What is said to be too long is not waited for.
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = console.context().settings.serve.upload_limit.saturating_add(REST_OF_FORM);
    if length.is_some_and(|length| length > limit) {
        return refused(ENGLISH.upload_too_long);
    }
    // Nor is it taken where nothing is said.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let request = request.map(|body| Body::new(Limited::new(body, limit)));
    let Ok(mut parts) = Multipart::from_request(request, &()).await else {
        return refused(ENGLISH.upload_broken);
    };
    loop {
        let mut part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return refused(ENGLISH.source_missing),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return refused(ENGLISH.upload_too_long);
            }
            Err(_) => return refused(ENGLISH.upload_broken),
        };
        match part.name() {
            Some("account") => match short_text(&mut part).await {
                Some(text) => account = text,
                None => return refused(ENGLISH.upload_broken),
            },
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                let size = console.context().settings.serve.upload_limit;
                let form = SourceForm {
                    account,
                    source: "upload".into(),
                    name,
                    size,
                    ..SourceForm::default()
                };
                let draft = match composing::begin(&console, &form).await {
                    Ok(draft) => draft,
                    Err(wrong) => {
                        return on(&console, &visitor, "/compose", trouble(wrong.message));
                    }
                };
                let id = draft.id.clone();
                return match composing::take_whole(&console, draft, &mut part).await {
                    Ok(draft) => {
                        on(&console, &visitor, &format!("/compose/{}", draft.id), Vec::new())
                    }
                    Err(error) => {
                        // A form is sent as a whole the next time.
                        _ = composing::discard(&console, &id).await;
                        on(&console, &visitor, "/compose", trouble(said(&error)))
                    }
                };
            }
            _ => {}
        }
    }
}

fn said(error: &SpoolError) -> String {
    match error {
        SpoolError::TooLong => ENGLISH.upload_too_long.to_owned(),
        SpoolError::BrokenOff => ENGLISH.upload_broken.to_owned(),
        error => crate::text::chain(error),
    }
}

async fn compose(State(console): State<App>, visitor: Visitor, Path(id): Path<String>) -> Response {
    if let Err(error) = console.posting.drafts.find(&id) {
        return on(&console, &visitor, "/compose", vec![Flash::bad(crate::text::chain(&error))])
            .into_response();
    }
    match show::compose(&console, &visitor, &id, None).await {
        Some(page) => Html(html(&page)).into_response(),
        // It was published from another page, or discarded.
        None => Redirect::to("/queue").into_response(),
    }
}

async fn compose_sent(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<ComposeForm>,
) -> Response {
    if !is_id(&id) {
        return not_found(State(console), visitor).await;
    }
    if headers.contains_key("x-csrf-token") {
        // The script keeps what is typed, and the page stays.
        return match composing::save_typed(&console, &id, form).await {
            Ok(revision) => {
                ([(REVISION, revision.to_string())], StatusCode::NO_CONTENT).into_response()
            }
            Err(why) => (StatusCode::CONFLICT, why).into_response(),
        };
    }
    let to = format!("/compose/{id}");
    match form.action.as_str() {
        "discard" => {
            // What was filled in is there after a no.
            match composing::save(&console, &id, form).await {
                Ok(()) => ask(&console, &visitor, Danger::Discard(&id)),
                Err(why) => on(&console, &visitor, &to, vec![Flash::bad(why)]).into_response(),
            }
        }
        "publish" => match Box::pin(composing::publish(&console, &id, form)).await {
            Ok(warnings) => {
                let told = std::iter::once(Flash::good(ENGLISH.published));
                let told = told.chain(warnings.into_iter().map(Flash::warn)).collect();
                on(&console, &visitor, "/queue", told).into_response()
            }
            Err(Unpublished::Gone(why)) => {
                on(&console, &visitor, "/queue", vec![Flash::bad(why)]).into_response()
            }
            Err(why) => match show::compose(&console, &visitor, &id, Some(why)).await {
                Some(page) => (StatusCode::UNPROCESSABLE_ENTITY, Html(html(&page))).into_response(),
                None => on(&console, &visitor, "/queue", vec![Flash::bad(ENGLISH.draft_gone)])
                    .into_response(),
            },
        },
        // Also what a browser sends of itself, as when Enter is pressed.
        _ => {
            let told = match composing::save(&console, &id, form).await {
                Ok(()) => Flash::good(ENGLISH.saved),
                Err(why) => Flash::bad(why),
            };
            on(&console, &visitor, &to, vec![told]).into_response()
        }
    }
}

async fn discard(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<SureForm>,
) -> Response {
    if !form.is_sure() {
        return ask(&console, &visitor, Danger::Discard(&id));
    }
    let told = match composing::discard(&console, &id).await {
        Ok(()) => Flash::good(ENGLISH.discarded),
        Err(why) => Flash::bad(why),
    };
    on(&console, &visitor, "/compose", vec![told]).into_response()
}

/// The very file that is to be posted, in parts as a browser asks for them.
async fn media(
    State(console): State<App>,
    _: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let draft = console.posting.drafts.find(&id).ok().flatten();
    let Some(path) = draft.and_then(|draft| composing::playable(&console, &draft)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match path.extension().and_then(|end| end.to_str()) {
        Some(end) if end.eq_ignore_ascii_case("webm") => "video/webm",
        Some(end) if end.eq_ignore_ascii_case("mov") => "video/quicktime",
        _ => "video/mp4",
    };
    match ServeFile::new(path).try_call(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            // Whatever it holds, it is a video to the browser.
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            response
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// How much of a file is there.
async fn received(State(console): State<App>, _: Visitor, Path(id): Path<String>) -> Response {
    match console.posting.drafts.find(&id) {
        Ok(Some(draft)) => {
            let there = console.posting.drafts.received(&draft);
            ([(OFFSET, there.to_string())], StatusCode::NO_CONTENT).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct PieceQuery {
    offset: u64,
}

/// A piece of a file.
async fn piece(
    State(console): State<App>,
    _: Visitor,
    Path(id): Path<String>,
    Query(query): Query<PieceQuery>,
    request: Request,
) -> Response {
    let Ok(Some(draft)) = console.posting.drafts.find(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let taken =
        spool::take(&console.posting.drafts, &draft, query.offset, request.into_body()).await;
    let there = console.posting.drafts.received(&draft);
    let status = match &taken {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(SpoolError::Elsewhere { .. } | SpoolError::Busy) => StatusCode::CONFLICT,
        Err(SpoolError::TooLong) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(SpoolError::NotSent) => StatusCode::NOT_FOUND,
        Err(SpoolError::BrokenOff) => StatusCode::REQUEST_TIMEOUT,
        Err(SpoolError::Io(_)) => StatusCode::INSUFFICIENT_STORAGE,
    };
    let why = match &taken {
        Err(SpoolError::TooLong) => ENGLISH.upload_grown.to_owned(),
        Err(error) => said(error),
        Ok(_) => String::new(),
    };
    ([(OFFSET, there.to_string())], (status, why)).into_response()
}

// The queue.

async fn move_post(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<MoveForm>,
) -> Redirect {
    let told = queueing::move_post(&console, &id, &form).await;
    on(&console, &visitor, "/queue", vec![told])
}

async fn try_again(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    let told = actions::try_again(&console, &id).await;
    on(&console, &visitor, "/queue", told)
}

async fn edit(State(console): State<App>, visitor: Visitor, Path(id): Path<String>) -> Redirect {
    match actions::edit(&console, &id).await {
        Ok(()) => {
            on(&console, &visitor, &format!("/compose/{id}"), vec![Flash::good(ENGLISH.reopened)])
        }
        Err(told) => on(&console, &visitor, "/queue", told),
    }
}

async fn take_out(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<SureForm>,
) -> Response {
    if !form.is_sure() {
        return ask(&console, &visitor, Danger::TakeOut(&id));
    }
    let told = queueing::take_out(&console, &id).await;
    on(&console, &visitor, "/queue", vec![told]).into_response()
}

async fn settle(
    State(console): State<App>,
    visitor: Visitor,
    Path(number): Path<u32>,
    Form(form): Form<VerdictForm>,
) -> Response {
    let posted = match form.verdict.as_str() {
        "posted" => true,
        "not_posted" if !form.sure.is_sure() => {
            return ask(&console, &visitor, Danger::NotThere(number));
        }
        "not_posted" => false,
        _ => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    };
    let told = actions::settle(&console, number, posted).await;
    console.wake_all();
    on(&console, &visitor, &format!("/posts/{number}"), told).into_response()
}

async fn call_off(
    State(console): State<App>,
    visitor: Visitor,
    Path(number): Path<u32>,
    Form(form): Form<SureForm>,
) -> Response {
    if !form.is_sure() {
        return ask(&console, &visitor, Danger::CallOff(number));
    }
    let told = actions::call_off(&console, number).await;
    on(&console, &visitor, &format!("/posts/{number}"), told).into_response()
}
