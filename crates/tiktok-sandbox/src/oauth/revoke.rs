//! `POST /v2/oauth/revoke/`: the app gives its access back.
//!
//! <https://developers.tiktok.com/docs/en/oauth-revoke-a-user-access-token>

use serde_json::{Value, json};

use super::client;
use crate::call::Call;
use crate::envelope::OauthRefusal;
use crate::state::World;

/// Takes the access token, living or ended (the documentation does not ask for a living one); a
/// refresh token is none.
pub(crate) fn revoke(world: &mut World, call: &Call) -> Result<Value, OauthRefusal> {
    let form = client::form(call)?;
    let app = client::authenticate(world, &form)?;
    let token = form.filled("token").ok_or_else(OauthRefusal::malformed)?;
    let grant = world.tokens.grant_of_access(token).filter(|grant| grant.app == app);
    let account = grant.map(|grant| grant.account).ok_or_else(|| {
        OauthRefusal::new("invalid_request", "The access token is invalid or not found.")
    })?;
    world.disconnect(app, account, call.now);
    Ok(json!({}))
}
