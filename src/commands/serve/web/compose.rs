//! From the choice of a source to a post in the queue.

use axum::extract::{Form, Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use super::flash::Flash;
use super::forms::{SourceForm, StartQuery, SureForm};
use super::{App, ask, not_found, on};
use crate::commands::serve::composing::{self, Unpublished};
use crate::commands::serve::posting::draft::{Form as ComposeForm, is_id};
use crate::commands::serve::show::{self, Danger, Declined};
use crate::console::access::Visitor;
use crate::console::pages::{ENGLISH, html};
use crate::text::chain;

pub(super) async fn start(
    State(console): State<App>,
    visitor: Visitor,
    Query(query): Query<StartQuery>,
) -> Html<String> {
    Html(html(&show::start(&console, &visitor, &query.folder, &query.account, None).await))
}

pub(super) async fn begin(
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

pub(super) async fn compose(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    if let Err(error) = console.posting.drafts.find(&id) {
        return on(&console, &visitor, "/compose", vec![Flash::bad(chain(&error))]).into_response();
    }
    match show::compose(&console, &visitor, &id, None).await {
        Some(page) => Html(html(&page)).into_response(),
        // It was published from another page, or discarded.
        None => Redirect::to("/queue").into_response(),
    }
}

pub(super) async fn compose_sent(
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
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
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

pub(super) async fn discard(
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
