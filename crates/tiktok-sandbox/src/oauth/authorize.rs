//! `GET /v2/auth/authorize/`, with or without the slash: the page that asks a person.
//!
//! <https://developers.tiktok.com/doc/login-kit-desktop/>,
//! <https://developers.tiktok.com/doc/login-kit-web>. A mistake in the app's configuration
//! shows a page that names the parameter, and never redirects.

use super::consent::{self, ConsentPlan, Request};
use super::{redirect, scopes};
use crate::call::{Call, Form};
use crate::envelope::Answer;
use crate::pages;
use crate::state::World;

pub(crate) fn open(world: &mut World, call: &Call) -> Answer {
    let query = call.query();
    let request = match read(world, &query) {
        Ok(request) => request,
        Err(parameter) => {
            let page = pages::consent::mistake(parameter);
            let answer = Answer { code: Some(format!("param_error:{parameter}")), ..page };
            return answer.noted(format!("the authorize page complains about {parameter}"));
        }
    };
    let note = dubious(&request);
    let answer = decide_or_ask(world, call, &query, request);
    match note {
        Some(note) => answer.noted(note),
        None => answer,
    }
}

fn decide_or_ask(world: &mut World, call: &Call, query: &Form, request: Request) -> Answer {
    let named = query
        .get("sandbox_account")
        .map(|handle| ConsentPlan { account: Some(handle.to_owned()), ..ConsentPlan::default() });
    let auto = || world.rules.auto_consent.then(ConsentPlan::default);
    if let Some(plan) = named.or_else(|| world.consents.next.take()).or_else(auto) {
        let decision = consent::planned(world, &plan, &request.scopes);
        return consent::decide(world, &request, decision, call.now);
    }
    let shown = request.clone();
    let id = world.consents.wait(request);
    pages::consent::ask(world, &shown, &id)
}

/// The request, or the name of the parameter that is wrong.
fn read(world: &World, query: &Form) -> Result<Request, &'static str> {
    for name in [
        "client_key",
        "response_type",
        "scope",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "disable_auto_auth",
    ] {
        if query.all(name).count() > 1 {
            return Err(name);
        }
    }
    let key = query.filled("client_key").ok_or("client_key")?;
    let app = world.apps.iter().position(|app| app.client_key == key).ok_or("client_key")?;
    let uri = query.filled("redirect_uri").ok_or("redirect_uri")?;
    if !world.apps[app].registers(uri) {
        return Err("redirect_uri");
    }
    if query.get("response_type") != Some("code") {
        return Err("response_type");
    }
    let list = query.filled("scope").ok_or("scope")?;
    let scopes = scopes::read(list, &world.apps[app].scopes).ok_or("scope")?;
    let desktop = redirect::is_desktop(uri);
    let state = query.filled("state");
    if desktop && state.is_none() {
        return Err("state");
    }
    if !matches!(query.get("disable_auto_auth"), None | Some("0" | "1")) {
        return Err("disable_auto_auth");
    }
    Ok(Request {
        app,
        scopes,
        redirect_uri: uri.to_owned(),
        state: state.map(str::to_owned),
        challenge: if desktop { Some(challenge(query)?) } else { None },
    })
}

/// Desktop apps must send a challenge. Web apps have no PKCE: what they send of it is not looked at, here
/// or at the exchange.
fn challenge(query: &Form) -> Result<String, &'static str> {
    let challenge = query.filled("code_challenge").ok_or("code_challenge")?;
    if query.get("code_challenge_method") == Some("S256") {
        Ok(challenge.to_owned())
    } else {
        Err("code_challenge_method")
    }
}

/// A challenge that is not hex passes this page and fails the exchange, as clients of the real one
/// have found.
fn dubious(request: &Request) -> Option<&'static str> {
    let hex = |text: &str| {
        text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let wrong = request.challenge.as_deref().is_some_and(|challenge| !hex(challenge));
    wrong.then_some("code_challenge is not 64 lowercase hex digits: the exchange will be refused")
}
