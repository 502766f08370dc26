//! Accounts and their logins.

use axum::extract::{Form, OriginalUri, Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use url::Url;

use super::forms::{AliasForm, LoginForm, SureForm};
use super::{App, actions, ask, on};
use crate::commands::serve::show::{self, Danger};
use crate::console::access::Visitor;
use crate::console::pages::html;

pub(super) async fn alias(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<AliasForm>,
) -> Redirect {
    let told = actions::name_account(&console, &id, form.alias.trim()).await;
    on(&console, &visitor, "/accounts", told)
}

pub(super) async fn pause(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    let told = actions::pause_account(&console, &id).await;
    on(&console, &visitor, "/accounts", told)
}

pub(super) async fn resume(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    let told = actions::resume_account(&console, &id).await;
    console.workers.wake(&id);
    on(&console, &visitor, "/accounts", told)
}

pub(super) async fn logout(
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

pub(super) async fn login(
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

pub(super) async fn login_state(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Html<String> {
    Html(html(&show::login(&console, &visitor, &id)))
}

pub(super) async fn cancel_login(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    console.logins.cancel(&id);
    on(&console, &visitor, "/accounts", Vec::new())
}

/// Where TikTok leads a browser back to. It brings no cookie along, as another site has sent it: so nothing is shown
/// here, and the page of the login is asked for anew, by this site.
pub(super) async fn callback(
    State(console): State<App>,
    OriginalUri(uri): OriginalUri,
) -> Response {
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
