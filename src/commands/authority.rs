//! An account's tokens, as an upload asks for them.

use crate::auth::{AuthError, StoreError, Tokens};
use crate::exit::{Exit, Explain};
use crate::model::PostError;
use crate::secret::Secret;
use crate::upload::calls::{Authority, Halt, chain};

/// The tokens of one account.
pub(super) struct AccountTokens<'a> {
    pub(super) tokens: &'a Tokens,
    pub(super) open_id: &'a str,
}

impl Authority for AccountTokens<'_> {
    async fn access_token(&self) -> Result<Secret, Halt> {
        let account = self.tokens.access_token(self.open_id).await;
        account.map(|account| account.access_token).map_err(|error| halt(&error))
    }

    async fn renewed(&self, rejected: &Secret) -> Result<Secret, Halt> {
        let account = self.tokens.renew(self.open_id, rejected).await;
        account.map(|account| account.access_token).map_err(|error| halt(&error))
    }
}

fn halt(error: &AuthError) -> Halt {
    // Only an account that was there when the run began is asked for a token.
    let gone = matches!(error, AuthError::Store(StoreError::Name(_)));
    let exit = if gone { Exit::Login } else { error.exit() };
    let code = match (error, exit) {
        (AuthError::OtherApp { asked: true, .. }, _) => "other_app",
        (AuthError::OtherApp { .. } | AuthError::NoApp { .. }, _) => "app_not_configured",
        (AuthError::OtherApi { .. }, _) => "other_api",
        (AuthError::AppSecret { .. }, _) => "app_secret",
        (_, Exit::Login) => "login_needed",
        (_, Exit::Local) => "token_store",
        _ => "token",
    };
    let trouble = PostError {
        code: code.into(),
        message: chain(error),
        hint: error.hint(),
        retryable: exit == Exit::Temporary,
        log_id: None,
    };
    Halt { trouble, exit }
}
