//! What every OAuth call is held against first: form encoding and the app's credentials.

use crate::accounts::AppNo;
use crate::call::{Call, Form};
use crate::envelope::OauthRefusal;
use crate::state::World;

/// The form of a call, if it is one and says nothing twice.
pub(super) fn form(call: &Call) -> Result<Form, OauthRefusal> {
    let form = call.form();
    if call.has_content_type("application/x-www-form-urlencoded") && form.repeated().is_none() {
        Ok(form)
    } else {
        Err(OauthRefusal::malformed())
    }
}

/// The app that proves itself with key and secret.
pub(super) fn authenticate(world: &World, form: &Form) -> Result<AppNo, OauthRefusal> {
    let key = form.filled("client_key").ok_or_else(OauthRefusal::malformed)?;
    let secret = form.filled("client_secret").ok_or_else(|| {
        OauthRefusal::new("invalid_request", "Client secret is missed in request.")
    })?;
    let app = find(world, key)?;
    if world.apps[app].client_secret.expose() == secret { Ok(app) } else { Err(incorrect()) }
}

/// The app of a key, without proof.
pub(super) fn find(world: &World, key: &str) -> Result<AppNo, OauthRefusal> {
    world.apps.iter().position(|app| app.client_key == key).ok_or_else(incorrect)
}

fn incorrect() -> OauthRefusal {
    OauthRefusal::new("invalid_client", "Client key or secret is incorrect.")
}
