//! `POST /v2/oauth/token/`: three grants.
//!
//! <https://developers.tiktok.com/doc/oauth-user-access-token-management> and, for
//! `client_credentials`, <https://developers.tiktok.com/doc/client-access-token-management>.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tokens::{Bound, Pair};
use super::{client, redirect};
use crate::accounts::AppNo;
use crate::call::{Call, Form};
use crate::envelope::OauthRefusal;
use crate::ids;
use crate::secret::Secret;
use crate::state::World;

pub(crate) fn grant(world: &mut World, call: &Call) -> Result<Value, OauthRefusal> {
    let form = client::form(call)?;
    let grant_type = form.filled("grant_type").ok_or_else(OauthRefusal::malformed)?.to_owned();
    let app = client::authenticate(world, &form)?;
    match grant_type.as_str() {
        "authorization_code" => exchange(world, call, app, &form),
        "refresh_token" => refresh(world, call, app, &form),
        "client_credentials" => Ok(client_token(world)),
        _ => Err(OauthRefusal::new("unsupported_grant_type", "The grant type is not supported.")),
    }
}

/// A token of the app itself, for nobody's account.
fn client_token(world: &mut World) -> Value {
    let token = ids::token("clt");
    world.secrets.note(Secret::new(&token));
    json!({ "access_token": token, "expires_in": 7200, "token_type": "Bearer" })
}

/// A code is good for one exchange, also for one that fails.
fn exchange(
    world: &mut World,
    call: &Call,
    app: AppNo,
    form: &Form,
) -> Result<Value, OauthRefusal> {
    if let Some(verifier) = form.filled("code_verifier") {
        world.secrets.note(Secret::new(verifier));
    }
    let code = form.filled("code").ok_or_else(OauthRefusal::malformed)?;
    let expired = || OauthRefusal::new("invalid_grant", "Authorization code is expired.");
    let code = world.tokens.take_code(code, call.now).ok_or_else(expired)?;
    if code.grant.app != app {
        return Err(expired());
    }
    match &code.bound {
        Bound::Redirect { uri, challenge } => {
            proves_redirect(form, uri)?;
            proves_challenge(form, challenge.as_deref())?;
        }
        // Which redirect URI an exchange after a QR code needs is documented nowhere, and clients
        // differ: none and any registered one of a desktop app are taken. A web app's was refused.
        Bound::Qr => {
            let good = |uri| redirect::is_desktop(uri) && world.apps[app].registers(uri);
            if form.filled("redirect_uri").is_some_and(|uri| !good(uri)) {
                return Err(wrong_redirect());
            }
        }
    }
    let pair = world.tokens.first_pair(code.grant, &world.rules, &mut world.secrets, call.now);
    Ok(reply(world, &pair))
}

fn proves_redirect(form: &Form, uri: &str) -> Result<(), OauthRefusal> {
    match form.filled("redirect_uri") {
        None => Err(OauthRefusal::malformed()),
        Some(sent) if sent == uri => Ok(()),
        Some(_) => Err(wrong_redirect()),
    }
}

fn wrong_redirect() -> OauthRefusal {
    let text = "Redirect_uri is not matched with the uri when requesting code.";
    OauthRefusal::new("invalid_request", text)
}

/// The challenge is the lowercase hex SHA-256 of the verifier, not its base64url.
///
/// <https://developers.tiktok.com/doc/login-kit-desktop/>
fn proves_challenge(form: &Form, challenge: Option<&str>) -> Result<(), OauthRefusal> {
    let Some(challenge) = challenge else { return Ok(()) };
    let proof = form.filled("code_verifier").filter(|verifier| is_verifier(verifier));
    if proof.is_some_and(|verifier| ids::hex(&Sha256::digest(verifier)) == challenge) {
        return Ok(());
    }
    let text = "Code verifier or code challenge is invalid.";
    Err(OauthRefusal::new("invalid_request", text))
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn refresh(world: &mut World, call: &Call, app: AppNo, form: &Form) -> Result<Value, OauthRefusal> {
    let token = form.filled("refresh_token").ok_or_else(OauthRefusal::malformed)?;
    let pair = world.tokens.rotate(app, token, &world.rules, &mut world.secrets, call.now);
    let pair = pair.ok_or_else(|| {
        OauthRefusal::new("invalid_grant", "Refresh token is invalid or expired.")
    })?;
    Ok(reply(world, &pair))
}

fn reply(world: &World, pair: &Pair) -> Value {
    json!({
        "access_token": pair.access,
        "expires_in": pair.expires_in,
        "open_id": world.accounts[pair.grant.account].open_id(pair.grant.app),
        "refresh_expires_in": pair.refresh_expires_in,
        "refresh_token": pair.refresh,
        "scope": pair.grant.scopes.join(","),
        "token_type": "Bearer",
    })
}
