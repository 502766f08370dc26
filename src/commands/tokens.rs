//! Access tokens out of the token store, as the engine asks for them.

use futures_util::future::BoxFuture;

use crate::auth::{AuthError, Tokens};
use crate::engine::{TokenError, TokenProvider};
use crate::model::PostError;
use crate::problem::{Coded as _, ErrorCode, ErrorKind};
use crate::secret::Secret;
use crate::store::{AccountError, StoreError};
use crate::text::chain;

/// The tokens of all accounts.
pub(super) struct StoredTokens(pub(super) Tokens);

impl TokenProvider for StoredTokens {
    fn access_token<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<Secret, TokenError>> {
        Box::pin(async move {
            let account = self.0.access_token(account).await;
            account.map(|account| account.access_token).map_err(|error| token_error(&error))
        })
    }

    fn check<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<(), TokenError>> {
        Box::pin(async move { self.0.check(account).await.map_err(|error| token_error(&error)) })
    }

    fn renewed<'a>(
        &'a self,
        account: &'a str,
        rejected: &'a Secret,
    ) -> BoxFuture<'a, Result<Secret, TokenError>> {
        Box::pin(async move {
            let account = self.0.renew(account, rejected).await;
            account.map(|account| account.access_token).map_err(|error| token_error(&error))
        })
    }
}

fn token_error(error: &AuthError) -> TokenError {
    // Only an account that was there when the run began is asked for a token.
    let gone = matches!(error, AuthError::Store(StoreError::Account(AccountError::Name(_))));
    let kind = if gone { ErrorKind::Login } else { error.kind() };
    let code = match (error, kind) {
        (AuthError::OtherApp { asked: true, .. }, _) => ErrorCode::OtherApp,
        (AuthError::OtherApp { .. } | AuthError::NoApp { .. }, _) => ErrorCode::AppNotConfigured,
        (AuthError::OtherApi { .. }, _) => ErrorCode::OtherApi,
        (AuthError::AppSecret { .. }, _) => ErrorCode::AppSecret,
        (_, ErrorKind::Login) => ErrorCode::LoginNeeded,
        (_, ErrorKind::Local) => ErrorCode::TokenStore,
        _ => ErrorCode::TokenNotGiven,
    };
    let post_error = PostError {
        retryable: kind == ErrorKind::Temporary,
        ..PostError::new(code, chain(error), error.problem())
    };
    TokenError { post_error: Box::new(post_error), kind }
}
