//! Ending a login: at TikTok first, then here, and here in any case.

use tiktok_open::{Code, Error as ApiError};

use super::error::AuthError;
use super::refresh::Tokens;
use crate::model::account::{Account, Reason};

/// What became of the login at TikTok.
#[derive(Debug)]
pub(crate) enum Revocation {
    /// The app has left the user's list of connected apps.
    Done,
    /// Nobody was asked.
    NotAsked,
    /// TikTok did not do it; the user finds the app under their security settings.
    Refused(ApiError),
    /// TikTok takes none of the login's tokens any more: there was nothing to revoke with, and most likely
    /// nothing to revoke.
    Over(AuthError),
    /// There was no token to do it with.
    NoToken(AuthError),
}

/// Revokes an account's login and forgets it. Revoking needs a living access token, so one is
/// fetched if need be (<https://developers.tiktok.com/doc/oauth-user-access-token-management>);
/// whatever comes of that, the account is forgotten. But a login of another API than this run's stays
/// untouched: whoever forgot that a sandbox is set up does not mean it. And a run that is asked to stop
/// before there is a token to revoke with ends with [`AuthError::Stopped`], the login untouched.
pub(crate) async fn logout(
    tokens: &Tokens,
    open_id: &str,
    local_only: bool,
) -> Result<(Option<Account>, Revocation), AuthError> {
    check_api(tokens, open_id).await?;
    let revocation = if local_only { Revocation::NotAsked } else { revoke(tokens, open_id).await };
    // Without a token nothing was done yet, and the same command can do it all later.
    if matches!(revocation, Revocation::NoToken(_)) && tokens.is_stopping() {
        return Err(AuthError::Stopped);
    }
    // So that no refresh keeps an answer for an account that is gone. Where the lease is not to be had,
    // the account is forgotten all the same; a refresh that finds it gone keeps nothing.
    let _lease = tokens.lease(open_id).await.ok();
    let forgotten = tokens.store().accounts().forget(open_id).await?;
    Ok((forgotten, revocation))
}

async fn check_api(tokens: &Tokens, open_id: &str) -> Result<(), AuthError> {
    let stored = tokens.store().accounts().all().await?;
    stored.get(open_id).map_or(Ok(()), |account| AuthError::check_api(account, tokens.api()))
}

/// With the access token that is there, as long as it lives: whether it could be renewed is nobody's matter
/// any more. One that TikTok refuses is renewed once; it does so by any of three codes, as no page says which.
async fn revoke(tokens: &Tokens, open_id: &str) -> Revocation {
    let account = match tokens.token_to_revoke(open_id).await {
        Ok(account) => account,
        Err(error) => return no_token(error),
    };
    let app = match tokens.app_of(&account).await {
        Ok(app) => app,
        Err(error) => return no_token(error),
    };
    let credentials = app.credentials();
    let refused = match tokens.client().revoke(&credentials, &account.access_token).await {
        Err(error) if REFUSED.iter().any(|code| error.is(code)) => error,
        answer => return answer.map_or_else(Revocation::Refused, |()| Revocation::Done),
    };
    match tokens.renew(open_id, &account.access_token).await {
        Ok(account) => match tokens.client().revoke(&credentials, &account.access_token).await {
            Ok(()) => Revocation::Done,
            Err(error) => Revocation::Refused(error),
        },
        Err(error @ AuthError::NeedsLogin { .. }) => no_token(error),
        Err(_) => Revocation::Refused(refused),
    }
}

/// What TikTok may call an access token that it does not take.
const REFUSED: [Code; 3] = [Code::AccessTokenInvalid, Code::InvalidGrant, Code::InvalidRequest];

fn no_token(error: AuthError) -> Revocation {
    match &error {
        AuthError::NeedsLogin { reason: Reason::Rejected | Reason::Refused, .. } => {
            Revocation::Over(error)
        }
        _ => Revocation::NoToken(error),
    }
}
