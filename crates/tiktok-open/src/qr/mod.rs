//! The QR code flow, v2: <https://developers.tiktok.com/doc/login-kit-qr-code-authorization>.

mod address;
mod confirm;

use serde::Deserialize;

pub use address::QrAddressError;
pub use confirm::{QrConfirmed, QrRefused};

use crate::answer::{any_refusal, not_json};
use crate::transport::Transport;
use crate::{App, Error, Refusal, Scopes, Secret};

/// A QR code to show, with the placeholder ticket still in it.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct QrCode {
    /// `aweme://authorize?…&client_ticket=tobefilled…`: what the TikTok app scans.
    pub scan_qrcode_url: String,
    /// Names this QR code when its status is asked.
    pub token: Secret,
}

impl QrCode {
    /// The address to show as a QR code, with a ticket of one's own (such as a
    /// [`nonce`](crate::pkce::nonce)) in it: [`QrCheck::client_ticket`] brings it back, and ties the
    /// answer to this login.
    pub fn address(&self, ticket: &Secret) -> Result<String, QrAddressError> {
        address::with_ticket(&self.scan_qrcode_url, ticket.expose())
    }
}

/// Where a QR code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QrStatus {
    /// Nobody has scanned it.
    New,
    /// Scanned, not yet confirmed on the phone.
    Scanned,
    /// Confirmed: the answer carries a code.
    Confirmed,
    /// Too old: get a new one.
    Expired,
    /// The code was handed out before.
    Utilised,
    /// A word that no page lists: as good as no news.
    Other,
}

/// An answer of `check_qrcode`, as it came: the confirm shape varies between table and example.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct QrCheck {
    /// The ticket of whoever scanned; empty for `new` and `expired`.
    #[serde(default)]
    pub client_ticket: Secret,
    /// The status word.
    #[serde(deserialize_with = "status")]
    pub status: QrStatus,
    /// A bare code, or a URL that carries one.
    #[serde(default)]
    pub code: Option<Secret>,
    /// The registered redirect URI with the code in its query. As a whole it is nothing to hide.
    #[serde(default, deserialize_with = "unlisted")]
    pub redirect_uri: Option<Secret>,
    /// The state, if it came at the top level.
    #[serde(default)]
    pub state: Option<Secret>,
}

impl QrCheck {
    /// What a confirmed answer is exchanged with: the code in the query of `redirect_uri`, or of a URL
    /// in `code`, or `code` itself. A state that is there must be `state`.
    pub fn confirmed(&self, state: &Secret) -> Result<QrConfirmed, QrRefused> {
        confirm::confirmed(self, state)
    }
}

fn unlisted<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::unlisted))
}

fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<QrStatus, D::Error> {
    Ok(match String::deserialize(deserializer)?.as_str() {
        "new" => QrStatus::New,
        "scanned" => QrStatus::Scanned,
        "confirmed" => QrStatus::Confirmed,
        "expired" => QrStatus::Expired,
        "utilised" | "utilized" => QrStatus::Utilised,
        _ => QrStatus::Other,
    })
}

/// Asks for a QR code.
pub(super) async fn get(
    transport: &Transport,
    app: &App,
    scopes: &Scopes,
    state: &Secret,
) -> Result<QrCode, Error> {
    let scope = scopes.to_string();
    let form =
        [("client_key", app.client_key.as_str()), ("scope", &scope), ("state", state.expose())];
    flat(transport, "oauth/get_qrcode", "/v2/oauth/get_qrcode/", &form).await
}

/// Asks where a QR code stands.
pub(super) async fn check(
    transport: &Transport,
    app: &App,
    token: &Secret,
) -> Result<QrCheck, Error> {
    let form = [
        ("client_key", app.client_key.as_str()),
        ("client_secret", app.client_secret.expose()),
        ("token", token.expose()),
    ];
    flat(transport, "oauth/check_qrcode", "/v2/oauth/check_qrcode/", &form).await
}

/// The answer in the envelope of the API's other endpoints, as some have seen it.
#[derive(Deserialize)]
struct Wrapped<T> {
    data: T,
}

async fn flat<T: serde::de::DeserializeOwned>(
    transport: &Transport,
    call: &'static str,
    path: &str,
    form: &[(&str, &str)],
) -> Result<T, Error> {
    let received = transport.exchange(call, transport.post(path).form(form)).await?;
    // `token_expire` is reported by other clients, and on no page.
    let is_tiktoks = |refusal: &Refusal| {
        refusal.code.is_listed()
            || refusal.log_id.is_some()
            || !refusal.message.is_empty()
            || refusal.code.as_str().starts_with("token_expire")
    };
    if let Some(refusal) = any_refusal(call, &received).filter(is_tiktoks) {
        return Err(refusal.into());
    }
    let not_tiktok = |what: String| Error::NotTikTok {
        host: transport.api_host(),
        call,
        status: received.status,
        what,
    };
    if !(200..300).contains(&received.status) {
        return Err(not_tiktok("no error code in the body".into()));
    }
    read(&received.body).map_err(|e| not_tiktok(not_json(&received.body, &e)))
}

/// Reads an answer as it is documented, flat, or else from its `data`.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|flat| {
        serde_json::from_slice::<Wrapped<T>>(body).map(|answer| answer.data).map_err(|_| flat)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_flat_and_in_its_data() {
        for body in [
            r#"{"client_ticket":"t","status":"scanned"}"#,
            r#"{"data":{"client_ticket":"t","status":"scanned"}}"#,
            r#"{"data":{"client_ticket":"t","status":"scanned"},"error":{"code":"ok","message":""}}"#,
            r#"{"data":{"client_ticket":"t","status":"scanned"},"message":"success"}"#,
        ] {
            let check: QrCheck = read(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}"));
            assert_eq!((check.status, check.client_ticket.expose()), (QrStatus::Scanned, "t"));
        }
        let code: QrCode = read(br#"{"data":{"scan_qrcode_url":"u","token":"T"}}"#).unwrap();
        assert_eq!((code.scan_qrcode_url.as_str(), code.token.expose()), ("u", "T"));
        for body in ["{}", "[]", "", r#"{"data":{}}"#, r#"{"data":null}"#] {
            assert!(read::<QrCheck>(body.as_bytes()).is_err(), "{body}");
        }
    }
}
