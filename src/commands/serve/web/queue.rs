//! What is done about posts that wait, failed, or whose outcome is unknown.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::flash::Flash;
use super::forms::{MoveForm, SureForm, VerdictForm};
use super::{App, actions, ask, on};
use crate::commands::serve::queueing;
use crate::commands::serve::show::Danger;
use crate::console::access::Visitor;
use crate::console::pages::ENGLISH;

pub(super) async fn move_post(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<MoveForm>,
) -> Redirect {
    let told = queueing::move_post(&console, &id, &form).await;
    on(&console, &visitor, "/queue", vec![told])
}

pub(super) async fn try_again(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    let told = actions::try_again(&console, &id).await;
    on(&console, &visitor, "/queue", told)
}

pub(super) async fn edit(
    State(console): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Redirect {
    match actions::edit(&console, &id).await {
        Ok(()) => {
            on(&console, &visitor, &format!("/compose/{id}"), vec![Flash::good(ENGLISH.reopened)])
        }
        Err(told) => on(&console, &visitor, "/queue", told),
    }
}

pub(super) async fn take_out(
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

pub(super) async fn settle(
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

pub(super) async fn call_off(
    State(console): State<App>,
    visitor: Visitor,
    Path(number): Path<u32>,
    Form(form): Form<SureForm>,
) -> Response {
    if !form.is_sure() {
        return ask(&console, &visitor, Danger::CallOff(number));
    }
    let told = Box::pin(actions::call_off(&console, number)).await;
    on(&console, &visitor, &format!("/posts/{number}"), told).into_response()
}
