//! OAuth: the authorize URL, the token endpoint, revocation.
//!
//! <https://developers.tiktok.com/doc/login-kit-desktop/>,
//! <https://developers.tiktok.com/doc/oauth-user-access-token-management>. `client_key`, not
//! `client_id`; form bodies, not JSON; flat answers.

use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::text;
use crate::tiktok::answer::{not_json, refusal};
use crate::tiktok::client::Received;
use crate::tiktok::{Client, Error, Scopes};

/// An app of the user's own, from TikTok's developer portal.
#[derive(Clone, Debug)]
pub struct App {
    /// The name in config.toml; `None` when the environment gave the credentials.
    pub name: Option<String>,
    /// The client key: public, it stands in the authorize URL.
    pub client_key: String,
    /// The client secret: TikTok demands it of desktop apps too.
    pub client_secret: Secret,
    /// A registered redirect URI that replaces the built-in one.
    pub redirect_uri: Option<String>,
    /// The scopes that logins with this app ask for.
    pub scopes: Option<Scopes>,
}

/// What the authorize page is asked for.
#[derive(Debug)]
pub struct Authorize<'a> {
    /// The scopes to consent to.
    pub scopes: &'a Scopes,
    /// The registered redirect URI, byte for byte as in the exchange.
    pub redirect_uri: &'a str,
    /// Anti-CSRF value, echoed in the callback.
    pub state: &'a Secret,
    /// Lowercase hex SHA-256 of the code verifier.
    pub code_challenge: &'a str,
}

/// How a code is exchanged.
#[derive(Debug)]
pub enum GrantKind<'a> {
    /// From the loopback callback or a pasted one: redirect URI and code verifier belong to it.
    Callback {
        /// As in the authorize request.
        redirect_uri: &'a str,
        /// The verifier of this attempt.
        code_verifier: &'a Secret,
    },
    /// From a QR code: no verifier exists; the redirect URI is the one that `check_qrcode` named.
    Qr {
        /// Without query and fragment, if one was named.
        redirect_uri: Option<&'a str>,
    },
}

/// A successful answer of the token endpoint. Lifetimes are what the answer says, never assumed.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Access token (`act.…`).
    pub access_token: Secret,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// The user, as this app knows them.
    pub open_id: String,
    /// Refresh token (`rft.…`); replaces the one that was spent.
    pub refresh_token: Secret,
    /// Seconds until the refresh token ends.
    pub refresh_expires_in: i64,
    /// The scopes really granted.
    pub scopes: Scopes,
}

/// An answer of the token endpoint before it is judged, so that it can be made durable first.
#[derive(Debug)]
pub struct RawAnswer {
    /// HTTP status.
    pub status: u16,
    /// The bytes as received: a secret.
    pub body: Zeroizing<Vec<u8>>,
}

#[derive(Deserialize)]
struct GrantWire {
    access_token: Secret,
    #[serde(deserialize_with = "seconds")]
    expires_in: i64,
    open_id: String,
    refresh_token: Secret,
    #[serde(deserialize_with = "seconds")]
    refresh_expires_in: i64,
    #[serde(default)]
    scope: String,
}

/// A number of seconds, also as text or with a fraction.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    use serde::de::Error as _;
    let value = serde_json::Value::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is dropped")]
    let read = match &value {
        serde_json::Value::Number(n) => n.as_i64().or_else(|| n.as_f64().map(|f| f as i64)),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // A century bounds what later arithmetic has to bear.
    read.filter(|s| (0..=3_155_760_000).contains(s))
        .ok_or_else(|| D::Error::custom("not a number of seconds"))
}

const TOKEN: &str = "oauth/token";

/// Judges an answer of the token endpoint, whatever its HTTP status.
pub fn parse_grant(host: &str, answer: &RawAnswer) -> Result<Grant, Error> {
    let received = Received { status: answer.status, retry_after: None, body: answer.body.clone() };
    if let Some(refusal) = refusal(TOKEN, &received) {
        return Err(refusal.into());
    }
    let not_tiktok = |what: String| Error::NotTikTok {
        host: host.to_owned(),
        call: TOKEN,
        status: answer.status,
        what,
    };
    if !(200..300).contains(&answer.status) {
        return Err(not_tiktok("no error code in the body".into()));
    }
    let wire: GrantWire =
        serde_json::from_slice(&answer.body).map_err(|e| not_tiktok(not_json(&answer.body, &e)))?;
    let open_id = text::plain(&wire.open_id);
    let whole = !wire.access_token.is_empty()
        && !wire.refresh_token.is_empty()
        && !open_id.is_empty()
        && open_id == wire.open_id;
    if !whole {
        return Err(not_tiktok("a token answer with an empty or odd field".into()));
    }
    Ok(Grant {
        access_token: wire.access_token,
        expires_in: wire.expires_in,
        open_id,
        refresh_token: wire.refresh_token,
        refresh_expires_in: wire.refresh_expires_in,
        scopes: Scopes::from_answer(&wire.scope),
    })
}

impl Client {
    /// The host of the API, for messages.
    pub fn api_host(&self) -> String {
        self.endpoints().api("/").host_str().unwrap_or_default().to_owned()
    }

    /// The page where the user consents. It carries the state, so it is shown to the user alone.
    pub fn authorize_url(&self, app: &App, asked: &Authorize<'_>) -> Url {
        let mut url = self.endpoints().auth("/v2/auth/authorize/");
        url.query_pairs_mut()
            .append_pair("client_key", &app.client_key)
            .append_pair("response_type", "code")
            .append_pair("scope", &asked.scopes.to_string())
            .append_pair("redirect_uri", asked.redirect_uri)
            .append_pair("state", asked.state.expose())
            .append_pair("code_challenge", asked.code_challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Exchanges an authorization code. A code is single use: never repeat this call.
    pub async fn exchange_code(
        &self,
        app: &App,
        code: &Secret,
        kind: &GrantKind<'_>,
    ) -> Result<Grant, Error> {
        let mut form = credentials(app);
        form.push(("grant_type", "authorization_code"));
        form.push(("code", code.expose()));
        match kind {
            GrantKind::Callback { redirect_uri, code_verifier } => {
                form.push(("redirect_uri", redirect_uri));
                form.push(("code_verifier", code_verifier.expose()));
            }
            GrantKind::Qr { redirect_uri } => {
                form.extend(redirect_uri.map(|uri| ("redirect_uri", uri)));
            }
        }
        let answer = self.token(&form).await?;
        parse_grant(&self.api_host(), &answer)
    }

    /// Spends a refresh token. The answer comes back raw: whoever calls this makes it durable before
    /// it is parsed with [`parse_grant`], because the spent token is dead.
    pub async fn refresh(&self, app: &App, refresh_token: &Secret) -> Result<RawAnswer, Error> {
        let mut form = credentials(app);
        form.push(("grant_type", "refresh_token"));
        form.push(("refresh_token", refresh_token.expose()));
        self.token(&form).await
    }

    /// Revokes an access token: the app leaves the user's list of connected apps.
    pub async fn revoke(&self, app: &App, access_token: &Secret) -> Result<(), Error> {
        const REVOKE: &str = "oauth/revoke";
        let mut form = credentials(app);
        form.push(("token", access_token.expose()));
        let received = self.exchange(REVOKE, self.post("/v2/oauth/revoke/").form(&form)).await?;
        if let Some(refusal) = refusal(REVOKE, &received) {
            return Err(refusal.into());
        }
        // Success is an empty body, whitespace or an object without an error.
        let empty = received.body.trim_ascii().is_empty();
        let object = || {
            serde_json::from_slice::<serde_json::Map<String, _>>(&received.body)
                .map(|_: serde_json::Map<String, serde_json::Value>| ())
        };
        if (200..300).contains(&received.status) && (empty || object().is_ok()) {
            return Ok(());
        }
        Err(Error::NotTikTok {
            host: self.api_host(),
            call: REVOKE,
            status: received.status,
            what: "neither empty nor an error".into(),
        })
    }

    async fn token(&self, form: &[(&str, &str)]) -> Result<RawAnswer, Error> {
        let received = self.exchange(TOKEN, self.post("/v2/oauth/token/").form(form)).await?;
        Ok(RawAnswer { status: received.status, body: received.body })
    }
}

fn credentials(app: &App) -> Vec<(&'static str, &str)> {
    vec![("client_key", app.client_key.as_str()), ("client_secret", app.client_secret.expose())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(status: u16, body: &str) -> Result<Grant, Error> {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        parse_grant("host", &RawAnswer { status, body })
    }

    #[test]
    fn the_documented_answer_is_read() {
        let grant = parse(200, r#"{"access_token":"act.example","expires_in":86400,"open_id":"afd97af1",
            "refresh_expires_in":31536000,"refresh_token":"rft.example","scope":"user.info.basic,video.list",
            "token_type":"Bearer"}"#).unwrap();
        assert_eq!(grant.refresh_expires_in, 31_536_000);
        assert!(grant.scopes.has("video.list"));
    }

    #[test]
    fn an_error_with_http_200_is_an_error() {
        let body = r#"{"error":"invalid_grant","error_description":"x","log_id":"y"}"#;
        assert!(matches!(parse(200, body), Err(Error::Refused(_))));
    }

    #[test]
    fn half_a_grant_is_no_grant() {
        for body in [
            r#"{"access_token":"a","expires_in":1,"open_id":"","refresh_token":"r","refresh_expires_in":1}"#,
            r#"{"access_token":"a","expires_in":1,"open_id":"o","refresh_expires_in":1}"#,
            r#"{"access_token":"a","expires_in":-1,"open_id":"o","refresh_token":"r","refresh_expires_in":1}"#,
            r#"{"data":{"access_token":"a"},"message":"success"}"#,
            "",
        ] {
            assert!(matches!(parse(200, body), Err(Error::NotTikTok { .. })), "{body}");
        }
    }
}
