//! A person's decision about an app: asked for, made once, sent back to the app.

use std::collections::HashMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::scopes;
use super::tokens::{Bound, Grant};
use crate::accounts::{AccountNo, AppNo};
use crate::envelope::Answer;
use crate::ids;
use crate::state::World;

/// What an app asks for; every field of it was checked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) app: AppNo,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
    /// None where the app sent none, which only a web app may.
    pub(super) state: Option<String>,
    pub(super) challenge: Option<String>,
}

/// What the person says.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// Yes, as this account, to these of the scopes.
    Allow { account: AccountNo, scopes: Vec<String> },
    /// No.
    Deny {
        /// Whether the redirect carries `state` (undocumented for errors).
        with_state: bool,
    },
}

/// How the next authorize request is decided without asking a person.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentPlan {
    /// Handle of the account; default the first one.
    pub account: Option<String>,
    /// The scopes it grants; default all that are asked for.
    pub scopes: Option<Vec<String>>,
    /// Refuse instead.
    pub deny: bool,
    /// Whether a refusal leaves `state` out of the redirect.
    pub without_state: bool,
}

/// Requests that wait for a decision, and the one decision made ahead.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    waiting: HashMap<String, Request>,
    pub(crate) next: Option<ConsentPlan>,
}

impl Consents {
    /// Keeps a request for the page; the id is good for one decision.
    pub(super) fn wait(&mut self, request: Request) -> String {
        let id = ids::letters(32);
        self.waiting.insert(id.clone(), request);
        id
    }

    /// The request of an id, once.
    pub(crate) fn take(&mut self, id: &str) -> Option<Request> {
        self.waiting.remove(id)
    }
}

/// Sends the browser back to the app with the decision.
pub(crate) fn decide(
    world: &mut World,
    request: &Request,
    decision: Decision,
    now: Timestamp,
) -> Answer {
    let back = |query: String| joined(&request.redirect_uri, &query);
    match decision {
        Decision::Allow { account, scopes: granted } => {
            let granted = scopes::granted(&request.scopes, Some(&granted));
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("scopes", &granted.join(","));
            query.extend_pairs(request.state.iter().map(|state| ("state", state)));
            let bound = Bound::Redirect {
                uri: request.redirect_uri.clone(),
                challenge: request.challenge.clone(),
            };
            let grant = Grant { app: request.app, account, scopes: granted };
            let code = percent_encoded(&world.tokens.code(grant, bound, &mut world.secrets, now));
            Answer::redirect(StatusCode::FOUND, &back(format!("code={code}&{}", query.finish())))
        }
        Decision::Deny { with_state } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("error", "access_denied");
            query.append_pair("error_description", "The user cancelled the authorization.");
            if with_state {
                query.extend_pairs(request.state.iter().map(|state| ("state", state)));
            }
            let answer = Answer::redirect(StatusCode::FOUND, &back(query.finish()));
            Answer { code: Some("access_denied".to_owned()), ..answer }
        }
    }
}

/// The decision that a plan (or `Options::auto_consent`) makes.
pub(super) fn planned(world: &World, plan: &ConsentPlan, asked: &[String]) -> Decision {
    if plan.deny {
        return Decision::Deny { with_state: !plan.without_state };
    }
    let account =
        plan.account.as_deref().and_then(|handle| world.find_account(handle)).unwrap_or(0);
    let scopes = plan.scopes.clone().unwrap_or_else(|| asked.to_vec());
    Decision::Allow { account, scopes }
}

/// `*` and `!` are encoded as well, as TikTok's callbacks have them.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn joined(uri: &str, query: &str) -> String {
    format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' })
}
