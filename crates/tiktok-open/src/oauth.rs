//! OAuth: the authorize URL, the token endpoint, revocation.
//!
//! <https://developers.tiktok.com/doc/login-kit-desktop/>,
//! <https://developers.tiktok.com/doc/oauth-user-access-token-management>. `client_key`, not
//! `client_id`; form bodies, not JSON; flat answers.

use serde::Deserialize;
use url::Url;

use crate::answer::{not_json, refusal, without_data};
use crate::grant::{Reading, TOKEN};
use crate::transport::{Received, Transport};
use crate::{Error, Grant, RawTokenAnswer, Scopes, Secret};

/// The credentials of an app, from TikTok's developer portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The client key: public, it stands in the authorize URL.
    pub client_key: String,
    /// The client secret: TikTok demands it of desktop apps too.
    pub client_secret: Secret,
}

impl App {
    /// An app of a client key and its secret.
    pub fn new(client_key: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self { client_key: client_key.into(), client_secret: client_secret.into() }
    }
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
#[non_exhaustive]
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

/// The page where the user consents.
pub(super) fn authorize_url(transport: &Transport, app: &App, asked: &Authorize<'_>) -> Url {
    let mut url = transport.endpoints().auth("/v2/auth/authorize/");
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

/// Exchanges an authorization code.
pub(super) async fn exchange_code(
    transport: &Transport,
    app: &App,
    code: &Secret,
    kind: &GrantKind<'_>,
) -> Result<Grant, Error> {
    // TikTok's answer may repeat it, also one that was not taken for a secret until now.
    let code = Secret::new(code.expose());
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
    let answer = token(transport, &form).await?;
    match answer.read(&transport.api_host(), None) {
        Reading::Grant(grant) => Ok(*grant),
        Reading::None(error) => Err(error),
        Reading::Unread => Err(Error::NotTikTok {
            host: transport.api_host(),
            call: TOKEN,
            status: answer.status,
            what: "tokens that cannot be read".into(),
        }),
    }
}

/// Spends a refresh token.
pub(super) async fn refresh(
    transport: &Transport,
    app: &App,
    refresh_token: &Secret,
) -> Result<RawTokenAnswer, Error> {
    let mut form = credentials(app);
    form.push(("grant_type", "refresh_token"));
    form.push(("refresh_token", refresh_token.expose()));
    token(transport, &form).await
}

/// Revokes an access token.
pub(super) async fn revoke(
    transport: &Transport,
    app: &App,
    access_token: &Secret,
) -> Result<(), Error> {
    const REVOKE: &str = "oauth/revoke";
    let mut form = credentials(app);
    form.push(("token", access_token.expose()));
    let received =
        transport.exchange(REVOKE, transport.post("/v2/oauth/revoke/").form(&form)).await?;
    without_data(REVOKE, &transport.api_host(), &received)
}

/// Asks for a token of the app itself, with the grant `client_credentials`
/// (<https://developers.tiktok.com/doc/client-access-token-management>).
pub(super) async fn verify_app(transport: &Transport, app: &App) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Wire {
        // Nobody needs it; a secret that is known is taken out of all texts.
        #[serde(rename = "access_token")]
        _access_token: Secret,
    }

    let mut form = credentials(app);
    form.push(("grant_type", "client_credentials"));
    let request = transport.post("/v2/oauth/token/").form(&form);
    let received = transport.exchange(TOKEN, request).await?;
    if let Some(refusal) = refusal(TOKEN, &received) {
        return Err(refusal.into());
    }
    match serde_json::from_slice::<Wire>(&received.body) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::NotTikTok {
            host: transport.api_host(),
            call: TOKEN,
            status: received.status,
            what: not_json(&received.body, &error),
        }),
    }
}

async fn token(transport: &Transport, form: &[(&str, &str)]) -> Result<RawTokenAnswer, Error> {
    let (received, cut) =
        transport.receive(TOKEN, transport.post("/v2/oauth/token/").form(form)).await?;
    let Received { status, retry_after, body } = received;
    Ok(RawTokenAnswer { status, retry_after, body, cut })
}

fn credentials(app: &App) -> Vec<(&'static str, &str)> {
    vec![("client_key", app.client_key.as_str()), ("client_secret", app.client_secret.expose())]
}
