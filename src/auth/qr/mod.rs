//! Login by QR code: shown in the terminal, scanned and confirmed in the TikTok app.
//!
//! <https://developers.tiktok.com/doc/login-kit-qr-code-authorization>. What ties an answer to this
//! login is our `client_ticket`, which the phone hands back to TikTok.

pub(crate) mod draw;
mod png;

use std::time::Duration;

use tiktok_open::pkce::nonce;
use tiktok_open::{
    Client, Code, Error as ApiError, QrCheck, QrConfirmed, QrRefused, QrStatus, Scopes,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::callback::CallbackError;
use super::error::AuthError;
use super::event::{AuthEvent, Reporter};
use crate::api::App;
use crate::problem::Coded as _;
use crate::secret::Secret;
use crate::text::key_start;

/// What to do after an answer about a QR code.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Ask again in a while.
    Wait,
    /// The same, and say that it was scanned.
    Scanned,
    /// The answer was for somebody else's ticket: ask again, but say so.
    Foreign,
    /// Get a new QR code.
    Renew,
    /// Exchange this.
    Exchange(QrConfirmed),
}

/// One QR code on show.
#[derive(Debug)]
struct Shown {
    token: Secret,
    ticket: Secret,
    /// The beginning of the client key, for messages.
    key: String,
    scanned: bool,
}

impl Shown {
    /// Decides what an answer means; an error ends the login.
    fn classify(
        &mut self,
        answer: Result<QrCheck, ApiError>,
        state: &Secret,
    ) -> Result<Step, AuthError> {
        let check = match answer {
            Ok(check) => check,
            Err(error) => return classify_error(error, &self.key),
        };
        // `new` and `expired` carry no ticket; the other words must carry ours.
        let foreign = check.client_ticket != self.ticket;
        match check.status {
            QrStatus::Scanned | QrStatus::Confirmed | QrStatus::Utilised if foreign => {
                Ok(Step::Foreign)
            }
            QrStatus::Scanned if !std::mem::replace(&mut self.scanned, true) => Ok(Step::Scanned),
            // Utilised: the code was handed out and did not reach us.
            QrStatus::Expired | QrStatus::Utilised => Ok(Step::Renew),
            QrStatus::Confirmed => match check.confirmed(state) {
                Ok(confirmed) => Ok(Step::Exchange(confirmed)),
                Err(QrRefused::State) => Ok(Step::Foreign),
                Err(refused @ QrRefused::Empty) => {
                    Err(AuthError::QrForm { what: refused.to_string() })
                }
                Err(QrRefused::Denied(denial)) => Err(CallbackError::Denied { denial }.into()),
            },
            // New, scanned before, or a word that is no news.
            _ => Ok(Step::Wait),
        }
    }
}

/// A failed poll is no failed login: only what cannot pass ends the wait. HTTP 403 and `token_expire`
/// are reported by other clients, and documented nowhere.
fn classify_error(error: ApiError, key: &str) -> Result<Step, AuthError> {
    let stays = match &error {
        ApiError::Refused(refusal) => {
            if matches!(&refusal.code, Code::Other(code) if code.starts_with("token_expire")) {
                return Ok(Step::Renew);
            }
            refusal.status != 403 && !refusal.code.is_temporary()
        }
        ApiError::NotTikTok { status, .. } => *status == 404,
        ApiError::NotSent { .. } => !error.is_temporary(),
        ApiError::NoAnswer { .. } => false,
    };
    if !stays {
        return Ok(Step::Wait);
    }
    Err(AuthError::QrCode { key: key.to_owned(), source: Box::new(error) })
}

/// Shows QR codes until one is confirmed or `limit` has passed; `pause` is the time between two
/// polls.
pub(crate) async fn wait(
    client: &Client,
    app: &App,
    scopes: &Scopes,
    limit: Duration,
    pause: Duration,
    reporter: &dyn Reporter,
) -> Result<QrConfirmed, AuthError> {
    let (key, app) = (key_start(&app.client_key), app.credentials());
    let state = nonce()?;
    let deadline = Instant::now() + limit;
    let login = async {
        let show = || show(client, (&app, &key), scopes, &state, reporter);
        let mut shown = show().await?;
        let mut foreign_told = false;
        loop {
            sleep(pause).await;
            let answer = client.check_qrcode(&app, &shown.token).await;
            match shown.classify(answer, &state)? {
                Step::Wait => {}
                Step::Scanned => reporter.report(AuthEvent::QrScanned),
                Step::Foreign => {
                    if !std::mem::replace(&mut foreign_told, true) {
                        reporter.report(AuthEvent::ForeignCallback);
                    }
                }
                Step::Renew => {
                    reporter.report(AuthEvent::QrExpired);
                    shown = loop {
                        match show().await {
                            // The user is at it: trouble that passes does not send them away.
                            Err(error) if error.is_temporary() => sleep(pause).await,
                            other => break other?,
                        }
                    };
                }
                Step::Exchange(confirmed) => return Ok(confirmed),
            }
        }
    };
    timeout_at(deadline, login)
        .await
        .unwrap_or_else(|_elapsed| Err(AuthError::QrTimeout { after: limit }))
}

async fn show(
    client: &Client,
    (app, key): (&tiktok_open::App, &str),
    scopes: &Scopes,
    state: &Secret,
    reporter: &dyn Reporter,
) -> Result<Shown, AuthError> {
    let code = client
        .get_qrcode(app, scopes, state)
        .await
        .map_err(|source| AuthError::QrCode { key: key.to_owned(), source: Box::new(source) })?;
    let ticket = nonce()?;
    let url = code.address(&ticket).map_err(|odd| AuthError::QrForm { what: odd.to_string() })?;
    reporter.report(AuthEvent::QrCode { url });
    Ok(Shown { token: code.token, ticket, key: key.to_owned(), scanned: false })
}

#[cfg(test)]
mod tests;
