//! What can go wrong with a login or its tokens, and what to do then.

use rand::rngs::SysError;

use super::account::Reason;
use super::callback::CallbackError;
use super::store::StoreError;
use crate::exit::{Exit, Explain};
use crate::fs::{FsError, LockError};
use crate::tiktok::{Code, Error as ApiError, Refusal};

/// Why a login or a refresh did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The token store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No callback came.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers")]
    Random(#[source] SysError),
    /// The code could not be exchanged for tokens.
    #[error("failed to exchange the authorization code")]
    Exchange {
        /// What came of the call.
        #[source]
        source: ApiError,
    },
    /// The app's redirect URI leads somewhere else than to this program.
    #[error("the redirect URI `{given}` cannot be listened on")]
    RedirectUri {
        /// As configured.
        given: String,
    },
    /// No QR code was to be had.
    #[error("failed to get a QR code")]
    QrCode {
        /// What came of the call.
        #[source]
        source: ApiError,
    },
    /// TikTok's QR code is not of the documented form.
    #[error("TikTok sent a QR code that is not of the documented form: {what}")]
    QrForm {
        /// What is odd.
        what: &'static str,
    },
    /// The pasting ended without a callback URL.
    #[error("the input ended before the callback address was pasted")]
    NothingPasted,
    /// The tokens of a login, fresh from TikTok, could not be saved.
    #[error("failed to save the login of `{account}`")]
    LoginNotSaved {
        /// Whose.
        account: String,
        /// Whether the login was taken back at TikTok.
        revoked: bool,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The login is of another user than the named account.
    #[error("this login is of the user {found}, but `{account}` is {expected}")]
    OtherAccount {
        /// The account by its name.
        account: String,
        /// Its `open_id`.
        expected: String,
        /// The `open_id` that TikTok answered with.
        found: String,
    },
    /// The tokens belong to another app.
    #[error("the tokens of `{account}` belong to the app with the client key {theirs}")]
    OtherApp {
        /// The account.
        account: String,
        /// The beginning of that app's client key.
        theirs: String,
        /// The name of that app in config.toml, if it had one.
        app: Option<String>,
    },
    /// Only a new login helps.
    #[error("`{account}` needs a new login: {reason}")]
    NeedsLogin {
        /// The account.
        account: String,
        /// Why.
        reason: Reason,
        /// TikTok's refusal, if it was just now.
        #[source]
        source: Option<Box<Refusal>>,
    },
    /// Another process holds the refresh lock and does not let go.
    #[error("another run{} is refreshing `{account}`", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    RefreshBusy {
        /// The account.
        account: String,
        /// The other process.
        pid: Option<u32>,
    },
    /// A refresh did not succeed; the tokens are as they were.
    #[error("failed to refresh the login of `{account}`")]
    Refresh {
        /// The account.
        account: String,
        /// What came of the call.
        #[source]
        source: Box<ApiError>,
    },
    /// TikTok has replaced the tokens, and the new ones could not be saved.
    #[error("the new tokens of `{account}` could not be saved")]
    RefreshNotSaved {
        /// The account.
        account: String,
        /// Whether they lie beside the store, to be picked up by the next run.
        kept: bool,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The program is ending.
    #[error("interrupted")]
    Stopped,
}

impl From<FsError> for AuthError {
    fn from(error: FsError) -> Self {
        Self::Store(error.into())
    }
}

impl From<LockError> for AuthError {
    fn from(error: LockError) -> Self {
        Self::Store(error.into())
    }
}

impl From<SysError> for AuthError {
    fn from(error: SysError) -> Self {
        Self::Random(error)
    }
}

impl AuthError {
    /// TikTok's refusal, if one is at the bottom of it.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Exchange { source } | Self::QrCode { source } => source.refusal(),
            Self::Refresh { source, .. } => source.refusal(),
            Self::NeedsLogin { source, .. } => source.as_deref(),
            _ => None,
        }
    }
}

impl Explain for AuthError {
    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Callback(error) => error.exit(),
            Self::Random(_) | Self::QrForm { .. } | Self::Stopped => Exit::Failed,
            // Whatever the refusal of a code was: the login did not happen.
            Self::Exchange { source } => match source.exit() {
                Exit::Temporary => Exit::Temporary,
                _ => Exit::Login,
            },
            Self::QrCode { source } => source.exit(),
            Self::Refresh { source, .. } => source.exit(),
            Self::NothingPasted | Self::RedirectUri { .. } => Exit::Usage,
            Self::LoginNotSaved { .. } | Self::RefreshNotSaved { .. } => Exit::Local,
            Self::OtherAccount { .. } | Self::OtherApp { .. } | Self::NeedsLogin { .. } => {
                Exit::Login
            }
            Self::RefreshBusy { .. } => Exit::Temporary,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Callback(error) => return error.hint(),
            Self::Exchange { source: ApiError::Refused(refusal) } => {
                return refusal.code.hint(&refusal.message).map(ToOwned::to_owned);
            }
            Self::Exchange { .. } => {
                "an authorization code is good for one try: run `tiktok-up login` again".to_owned()
            }
            Self::QrCode { source } => return source.hint(),
            Self::Refresh { source, .. } => return source.hint(),
            Self::RedirectUri { .. } => {
                "a login in the browser needs one of the form `http://127.0.0.1:PORT/callback/` \
                 (or `:*` for any port); with another one, log in with `--paste`"
                    .to_owned()
            }
            Self::QrForm { .. } => "log in with `--paste` instead".to_owned(),
            Self::NothingPasted => {
                "paste the whole address that the browser ended at, `code` and `state` included"
                    .to_owned()
            }
            Self::LoginNotSaved { source, revoked, .. } => login_not_saved(source, *revoked),
            Self::RefreshNotSaved { source, kept, .. } => refresh_not_saved(source, *kept),
            Self::OtherAccount { .. } => {
                "switch to the right account in the browser (or TikTok app) and log in again; to \
                 add this one, use another `--alias`"
                    .to_owned()
            }
            Self::OtherApp { app: Some(app), .. } => format!(
                "run with `--app {app}` (or its client key and secret in the environment), or log \
                 the account in again with the app in use"
            ),
            Self::OtherApp { app: None, .. } => {
                "use that app's client key and secret, or log the account in again with the app in \
                 use"
                .to_owned()
            }
            Self::NeedsLogin { reason: Reason::Exported, account, .. } => format!(
                "use it on that machine; to take it back, `tiktok-up accounts import` the exported \
                 file here, if that machine has not used it yet; else run `tiktok-up login` and \
                 consent as `{account}`"
            ),
            Self::NeedsLogin { account, source, .. } => needs_login(account, source.as_deref()),
            Self::RefreshBusy { .. } => "wait for the other run to end, then run again".to_owned(),
            Self::Random(_) | Self::Stopped => return None,
        };
        Some(hint)
    }
}

fn login_not_saved(source: &StoreError, revoked: bool) -> String {
    let first = source.hint().unwrap_or_else(|| "put the disk in order".to_owned());
    let login =
        if revoked { "TikTok was told to forget this login" } else { "this login is of no use" };
    format!("{first}; {login}: run `tiktok-up login` again")
}

fn refresh_not_saved(source: &StoreError, kept: bool) -> String {
    let first = source.hint().unwrap_or_else(|| "put the disk in order".to_owned());
    if kept {
        format!("{first}; the next run picks the tokens up where they lie")
    } else {
        format!("{first}; this login is probably lost: run `tiktok-up login` again")
    }
}

fn needs_login(account: &str, refusal: Option<&Refusal>) -> String {
    let login = format!("run `tiktok-up login` and consent as `{account}`");
    match refusal.map(|refusal| &refusal.code) {
        Some(Code::UnauthorizedClient | Code::UnsupportedGrantType) => format!(
            "{login}; if this is the key of a sandbox, it may not allow refreshing, and the \
             account must still be one of its target users"
        ),
        Some(_) => format!(
            "{login}; the login expired, was revoked in TikTok, or its tokens were used elsewhere \
             (a copied store); the key of a sandbox may not allow refreshing at all"
        ),
        None => login,
    }
}
