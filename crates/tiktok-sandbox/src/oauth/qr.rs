//! Login by QR code, version 2: `get_qrcode`, `check_qrcode`, and the phone between them.
//!
//! <https://developers.tiktok.com/doc/login-kit-qr-code-authorization>

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::consent::percent_encoded;
use super::tokens::{Bound, Grant};
use super::{client, scopes};
use crate::accounts::{AccountNo, AppNo};
use crate::call::{Call, Form};
use crate::clock::after;
use crate::envelope::OauthRefusal;
use crate::ids;
use crate::options::QrConfirm;
use crate::state::World;

/// How long a code can be scanned and confirmed. Documented nowhere.
const QR_LIFE: Duration = Duration::from_mins(5);

/// When an ended code is forgotten: its token is dead from then on.
const QR_MEMORY: Duration = Duration::from_hours(1);

/// About how long the URL of a QR code is with the client's ticket in it, in characters, as a client in the
/// field has measured it.
const URL_LENGTH: usize = 439;

/// How long that ticket is as a rule, in characters.
const TICKET_LENGTH: usize = 43;

/// What `client_ticket` holds until the client fills it in.
const PLACEHOLDER: &str = "tobefilled";

/// A QR code that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct QrCode {
    pub(crate) token: String,
    pub(crate) scopes: Vec<String>,
    app: AppNo,
    state: Option<String>,
    url: String,
    issued: Timestamp,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    New,
    Scanned { ticket: String },
    Confirmed { ticket: String, code: String, granted: Vec<String> },
    Utilised { ticket: String },
    Expired,
}

impl QrCode {
    /// The word that `check_qrcode` says.
    pub(crate) fn word(&self, now: Timestamp) -> &'static str {
        match self.stage {
            Stage::Expired => "expired",
            Stage::Utilised { .. } => "utilised",
            _ if after(self.issued, QR_LIFE) <= now => "expired",
            Stage::New => "new",
            Stage::Scanned { .. } => "scanned",
            Stage::Confirmed { .. } => "confirmed",
        }
    }

    fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.word(now), "new" | "scanned")
    }
}

/// The QR codes that are still known.
#[derive(Default)]
pub(crate) struct QrCodes(HashMap<String, QrCode>);

impl QrCodes {
    pub(crate) fn all(&self) -> Vec<&QrCode> {
        let mut codes: Vec<_> = self.0.values().collect();
        codes.sort_by_key(|code| std::cmp::Reverse(code.issued));
        codes
    }
}

pub(crate) fn get(world: &mut World, call: &Call) -> Result<Value, OauthRefusal> {
    let form = client::form(call)?;
    let key = form.filled("client_key").ok_or_else(OauthRefusal::malformed)?;
    let app = client::find(world, key)?;
    let list = form.filled("scope").ok_or_else(OauthRefusal::malformed)?;
    let asked = scopes::read(list, &world.apps[app].scopes)
        .ok_or_else(|| OauthRefusal::new("invalid_scope", "The scope is unknown or malformed."))?;
    let state = form.filled("state").map(str::to_owned);
    let token = ids::letters(64).to_uppercase();
    let mut url = format!(
        "aweme://authorize?authType=100&client_key={}&client_ticket={PLACEHOLDER}&scope={}\
         &state={}&token={token}",
        percent_encoded(key),
        percent_encoded(list),
        percent_encoded(state.as_deref().unwrap_or_default()),
    );
    // A code of the real size shows whether a terminal has room for it.
    url.push_str("&sign=");
    let filled = url.len() - PLACEHOLDER.len() + TICKET_LENGTH;
    let rest = URL_LENGTH.saturating_sub(filled);
    url.push_str(&ids::letters(rest));
    let reply = wrapped(world, json!({ "scan_qrcode_url": url, "token": token }));
    world.qr.0.retain(|_, code| call.now < after(code.issued, QR_MEMORY));
    let code = QrCode {
        token: token.clone(),
        scopes: asked,
        app,
        state,
        url,
        issued: call.now,
        stage: Stage::New,
    };
    world.qr.0.insert(token, code);
    Ok(reply)
}

pub(crate) fn check(world: &mut World, call: &Call) -> Result<Value, OauthRefusal> {
    let form = client::form(call)?;
    let app = client::authenticate(world, &form)?;
    let token = form.filled("token").ok_or_else(OauthRefusal::malformed)?;
    let now = call.now;
    let alive = |code: &&mut QrCode| code.app == app && now < after(code.issued, QR_MEMORY);
    let code = world.qr.0.get_mut(token).filter(alive).ok_or_else(|| {
        OauthRefusal::new("token_expire", "The token of the QR code is invalid or expired.")
    })?;
    let status = code.word(now);
    let mut reply = Map::new();
    reply.insert("status".to_owned(), json!(status));
    let ticket = match (status, &code.stage) {
        ("expired", _) | (_, Stage::New | Stage::Expired) => "",
        (
            _,
            Stage::Scanned { ticket }
            | Stage::Confirmed { ticket, .. }
            | Stage::Utilised { ticket },
        ) => ticket,
    };
    reply.insert("client_ticket".to_owned(), json!(ticket));
    if let ("confirmed", Stage::Confirmed { ticket, code: auth, granted }) = (status, &code.stage) {
        let base = callback(&world.apps[app].redirect_uris);
        hand_out(&mut reply, world.rules.qr_confirm, code, auth, granted, &base);
        // The authorization code is handed out once.
        code.stage = Stage::Utilised { ticket: ticket.clone() };
    }
    Ok(wrapped(world, Value::Object(reply)))
}

/// An answer as it is documented, or in the envelope of the API's other endpoints.
fn wrapped(world: &World, reply: Value) -> Value {
    if world.rules.qr_wrapped {
        json!({ "data": reply, "error": { "code": "ok", "message": "" } })
    } else {
        reply
    }
}

/// The shapes that the page's table and its example give; they do not agree.
fn hand_out(
    reply: &mut Map<String, Value>,
    shape: QrConfirm,
    code: &QrCode,
    auth: &str,
    granted: &[String],
    base: &str,
) {
    let url = || {
        let state = code.state.as_deref().map(percent_encoded);
        let state = state.map_or_else(String::new, |state| format!("&state={state}"));
        let scopes = percent_encoded(&granted.join(","));
        format!("{base}?code={}&scopes={scopes}{state}", percent_encoded(auth))
    };
    let (field, value) = match shape {
        QrConfirm::RedirectUri => ("redirect_uri", url()),
        QrConfirm::Code => ("code", auth.to_owned()),
        QrConfirm::CodeUrl => ("code", url()),
    };
    reply.insert(field.to_owned(), json!(value));
    if let Some(state) = &code.state {
        reply.insert("state".to_owned(), json!(state));
    }
}

/// Where a confirmed code is "sent": the first registered URI with a port of its own.
fn callback(registered: &[String]) -> String {
    let fixed = registered.iter().find(|uri| !uri.contains('*'));
    fixed.cloned().unwrap_or_else(|| "https://example.com/callback/".to_owned())
}

/// Why the phone cannot do what it is asked to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// No such code, or not in a stage that allows it.
    #[error("there is no QR code with this token that can be {0}")]
    Stage(&'static str),
    /// What was scanned is not what `get_qrcode` handed out.
    #[error("the scanned URL is not the one handed out with its `client_ticket` filled in")]
    Url,
    /// The ticket is empty or too long.
    #[error("a `client_ticket` has 1 to 511 URL-encoded characters")]
    Ticket,
}

/// The phone scans: the whole URL, with the client's ticket in it.
pub(crate) fn scan(world: &mut World, scanned: &str, now: Timestamp) -> Result<String, PhoneError> {
    let query = scanned.split_once('?').map_or("", |(_, query)| query);
    let token = Form::parse(query.as_bytes()).get("token").unwrap_or_default().to_owned();
    let code = open_code(world, &token, now, "scanned")?;
    let (before, rest) = code.url.split_once(PLACEHOLDER).ok_or(PhoneError::Url)?;
    let ticket = scanned
        .strip_prefix(before)
        .and_then(|tail| tail.strip_suffix(rest))
        .filter(|ticket| !ticket.contains(['&', '#']))
        .ok_or(PhoneError::Url)?;
    if ticket.is_empty() || ticket.len() >= 512 {
        return Err(PhoneError::Ticket);
    }
    let ticket = Form::parse(format!("t={ticket}").as_bytes());
    let ticket = ticket.get("t").unwrap_or_default().to_owned();
    code.stage = Stage::Scanned { ticket };
    Ok(token)
}

/// The person confirms on the phone, as an account, with some of the scopes (`None`: all).
pub(crate) fn confirm(
    world: &mut World,
    token: &str,
    account: AccountNo,
    granted: Option<&[String]>,
    now: Timestamp,
) -> Result<(), PhoneError> {
    let code = open_code(world, token, now, "confirmed")?;
    let Stage::Scanned { ticket } = code.stage.clone() else {
        return Err(PhoneError::Stage("confirmed"));
    };
    let granted = scopes::granted(&code.scopes, granted);
    let grant = Grant { app: code.app, account, scopes: granted.clone() };
    let auth = world.tokens.code(grant, Bound::Qr, &mut world.secrets, now);
    if let Some(code) = world.qr.0.get_mut(token) {
        code.stage = Stage::Confirmed { ticket, code: auth, granted };
    }
    Ok(())
}

/// The person refuses, or time passes: both end the code (a refusal has no word of its own).
pub(crate) fn end(world: &mut World, token: &str, now: Timestamp) -> Result<(), PhoneError> {
    open_code(world, token, now, "ended")?.stage = Stage::Expired;
    Ok(())
}

fn open_code<'a>(
    world: &'a mut World,
    token: &str,
    now: Timestamp,
    doing: &'static str,
) -> Result<&'a mut QrCode, PhoneError> {
    let code = world.qr.0.get_mut(token).filter(|code| code.is_open(now));
    code.ok_or(PhoneError::Stage(doing))
}
