//! Settings, as forms change them.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use super::flash::Flash;
use super::forms::{AppForm, SettingForm, SlotForm};
use super::{App, on};
use crate::commands::serve::settings::{self, Change, SlotError};
use crate::commands::serve::show::{self, Refusal};
use crate::console::access::Visitor;
use crate::console::pages::{ENGLISH, html};
use crate::secret::Secret;

pub(super) async fn settings_in_use(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::settings(&console, &visitor).await))
}

pub(super) async fn settings_form(State(console): State<App>, visitor: Visitor) -> Html<String> {
    Html(html(&show::settings_form(&console, &visitor, None).await))
}

pub(super) async fn change_setting(
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

pub(super) async fn add_app(
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

pub(super) async fn add_slot(
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

pub(super) async fn link(State(console): State<App>, visitor: Visitor) -> Redirect {
    console.print_link();
    on(&console, &visitor, "/settings", vec![Flash::good(ENGLISH.signin_printed)])
}
