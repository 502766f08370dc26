//! What can go wrong with a login or its tokens, and what to do then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tiktok_open::pkce::RandomError;
use tiktok_open::{Code, Endpoints, Error as ApiError, Refusal};

use super::apps::NotUsable;
use super::callback::CallbackError;
use super::notice::clock_time;
use crate::api::code_hint;
use crate::exit::{Exit, Explain};
use crate::fs::{FsError, LockError};
use crate::model::account::{Account, Reason};
use crate::resources::Shortage;
use crate::store::AccountError;
use crate::text::{key_start, plain};

/// Why a login or a refresh did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The token store cannot be used.
    #[error(transparent)]
    Store(#[from] AccountError),
    /// No callback came.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The operating system has no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The code could not be exchanged for tokens.
    #[error("failed to exchange the authorization code")]
    Exchange {
        /// The beginning of the client key that was used.
        key: String,
        /// What came of the call.
        #[source]
        source: Box<ApiError>,
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
        what: String,
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
        source: AccountError,
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
        /// The app that the account belongs to, as in [`AuthError::OtherApp`], if it is another one: a
        /// user has another `open_id` with every app.
        theirs: Option<String>,
    },
    /// The tokens belong to an app that this run does not use, or does not know.
    #[error("the tokens of `{account}` belong to the app {theirs}, {why}")]
    OtherApp {
        /// The account.
        account: String,
        /// That app: its name, if it had one, and the beginning of its client key.
        theirs: String,
        /// Its name in config.toml, if it had one.
        app: Option<String>,
        /// What keeps it from being used.
        why: String,
        /// Whether `--app` asked for another one.
        asked: bool,
    },
    /// The tokens were issued by another API than the one that this run talks to.
    #[error("the tokens of `{account}` were issued by {theirs}, and this run talks to {ours}")]
    OtherApi {
        /// The account.
        account: String,
        /// The base URL of the API that issued them.
        theirs: String,
        /// The base URL of this run.
        ours: String,
    },
    /// The tokens belong to an app whose secret cannot be had.
    #[error("the tokens of `{account}` belong to the app {theirs}, which cannot be used")]
    AppSecret {
        /// The account.
        account: String,
        /// That app, as in [`AuthError::OtherApp`].
        theirs: String,
        /// Why.
        #[source]
        source: Arc<dyn Explain>,
    },
    /// No app is configured at all.
    #[error("the tokens of `{account}` belong to the app {theirs}")]
    NoApp {
        /// The account.
        account: String,
        /// That app, as in [`AuthError::OtherApp`].
        theirs: String,
        /// That there is none.
        #[source]
        source: Arc<dyn Explain>,
    },
    /// Only a new login helps.
    #[error("`{account}` needs a new login: {reason}")]
    NeedsLogin {
        /// The account.
        account: String,
        /// Why.
        reason: Reason,
        /// Until when its access token is used all the same, if it is.
        until: Option<Timestamp>,
        /// TikTok's refusal, if it was just now.
        #[source]
        source: Option<Box<Refusal>>,
    },
    /// TikTok has answered a refresh with tokens that cannot be used, and the token that was spent for
    /// them is dead.
    #[error("TikTok's answer to a refresh of `{account}` {}{}", of_whom(found.as_deref()), kept_in(path.as_deref()))]
    Unread {
        /// The account.
        account: String,
        /// Where the answer is kept; `None` if no disk took it.
        path: Option<PathBuf>,
        /// The user that it is for, if it is for another one.
        found: Option<String>,
    },
    /// Threads, descriptors or memory are missing.
    #[error(transparent)]
    Resources(#[from] Shortage),
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
        /// The beginning of the client key that was used.
        key: String,
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
        source: AccountError,
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

impl AuthError {
    /// That the app of an account's tokens cannot be used.
    pub(super) fn app(account: &Account, why: NotUsable) -> Self {
        let theirs = app_of(account);
        let name = account.name().to_owned();
        let other = |why, asked| Self::OtherApp {
            account: name.clone(),
            theirs: theirs.clone(),
            app: account.app.clone(),
            why,
            asked,
        };
        match why {
            NotUsable::NotConfigured { now: Some(now) } => {
                other(format!("which has another client key ({now}) now"), false)
            }
            NotUsable::NotConfigured { now: None } => {
                other("which is not configured".to_owned(), false)
            }
            NotUsable::NotAskedFor { asked } => {
                other(format!("and `--app {}` was asked for", plain(&asked)), true)
            }
            NotUsable::NoSecret(source) => Self::AppSecret { account: name, theirs, source },
            NotUsable::NoApp(source) => Self::NoApp { account: name, theirs, source },
        }
    }

    /// Refuses to use an account's tokens with another API than the one that issued them.
    pub(super) fn check_api(account: &Account, ours: String) -> Result<(), Self> {
        match account.other_api(&ours) {
            None => Ok(()),
            Some(theirs) => Err(Self::OtherApi {
                account: account.name().to_owned(),
                theirs: plain(theirs),
                ours,
            }),
        }
    }

    /// Whether an access token that still lives may be used although a refresh ended with this. Not if
    /// nobody may use it here, nor if a login was lost just now, which the run's end must say.
    pub(super) fn leaves_the_access_token(&self) -> bool {
        !matches!(
            self,
            Self::OtherApi { .. }
                | Self::OtherApp { .. }
                | Self::NoApp { .. }
                | Self::RefreshNotSaved { kept: false, .. }
                | Self::Store(AccountError::Name(_))
                | Self::Stopped
        )
    }

    /// TikTok's refusal, if one is at the bottom of it.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::QrCode { source } => source.refusal(),
            Self::Exchange { source, .. } | Self::Refresh { source, .. } => source.refusal(),
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
            Self::Exchange { source, .. } => match source.exit() {
                Exit::Temporary => Exit::Temporary,
                _ => Exit::Login,
            },
            Self::QrCode { source } => source.exit(),
            Self::Refresh { source, .. } => source.exit(),
            Self::NothingPasted | Self::RedirectUri { .. } => Exit::Usage,
            Self::LoginNotSaved { .. } | Self::RefreshNotSaved { .. } => Exit::Local,
            Self::OtherAccount { .. }
            | Self::OtherApp { .. }
            | Self::OtherApi { .. }
            | Self::Unread { .. }
            | Self::NeedsLogin { .. } => Exit::Login,
            Self::Resources(shortage) => shortage.exit(),
            // Other accounts of the run may have been served, so this is not "nothing was sent".
            Self::AppSecret { source, .. } => match source.exit() {
                Exit::Usage => Exit::Failed,
                exit => exit,
            },
            Self::NoApp { source, .. } => source.exit(),
            Self::RefreshBusy { .. } => Exit::Temporary,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Callback(error) => return error.hint(),
            Self::Exchange { key, source } => match &**source {
                ApiError::Refused(refusal) if refusal.code != Code::InvalidGrant => {
                    return refused(refusal, key);
                }
                // Nothing that the same command alone would mend.
                ApiError::NotTikTok { .. } => return source.hint(),
                _ => "an authorization code is good for one try within a few minutes: run \
                      `tiktok-up login` again"
                    .to_owned(),
            },
            Self::QrCode { source } => return source.hint(),
            Self::Refresh { source, .. } if source.refusal().is_some_and(may_not_refresh) => {
                "the tokens are kept, and the next run tries them again; if this is the key of a \
                 sandbox, it may not allow refreshing, and the account must still be one of its \
                 target users; if it stays so, run `tiktok-up login` again"
                    .to_owned()
            }
            Self::Refresh { key, source, .. } => {
                return source.refusal().map_or_else(|| source.hint(), |one| refused(one, key));
            }
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
            Self::OtherAccount { account, theirs: Some(theirs), .. } => format!(
                "`{account}` belongs to the app {theirs}, and a user has another open_id with every \
                 app: log in with that app (`--app`), or use another `--alias`"
            ),
            Self::OtherAccount { .. } => {
                "switch to the right account in the browser (or TikTok app) and log in again; to \
                 add this one, use another `--alias`"
                    .to_owned()
            }
            Self::OtherApp { asked: true, .. } => {
                "leave `--app` out: each account is used with the app that made its tokens; or log \
                 it in again with that one"
                    .to_owned()
            }
            Self::OtherApp { app, .. } => other_app(app.as_deref()),
            Self::OtherApi { theirs, .. } => other_api(theirs),
            Self::AppSecret { source, .. } | Self::NoApp { source, .. } => return source.hint(),
            Self::NeedsLogin { reason: Reason::Exported, account, .. } => format!(
                "use it on that machine; to take it back, `tiktok-up accounts import` the exported \
                 file here, if that machine has not used it yet; else run `tiktok-up login` and \
                 consent as `{account}`"
            ),
            Self::NeedsLogin { account, until, source, .. } => {
                needs_login(account, *until, source.as_deref())
            }
            Self::Unread { account, path, .. } => unread(account, path.is_some()),
            Self::Resources(shortage) => return shortage.hint(),
            Self::RefreshBusy { .. } => "wait for the other run to end, then run again".to_owned(),
            Self::Random(_) | Self::Stopped => return None,
        };
        Some(hint)
    }
}

/// Whether TikTok refused that the app refreshes at all. That a sandbox's key may not is reported
/// nowhere officially; it would be one of these.
fn may_not_refresh(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::UnauthorizedClient | Code::UnsupportedGrantType)
}

/// What to do about a refusal of the token endpoint, which knows the app by its client key.
fn refused(refusal: &Refusal, key: &str) -> Option<String> {
    let hint = code_hint(&refusal.code, &refusal.message)?;
    Some(match refusal.code {
        Code::InvalidClient => format!("{hint}; the client key in use begins with {key}"),
        _ => hint.to_owned(),
    })
}

fn login_not_saved(source: &AccountError, revoked: bool) -> String {
    let first = source.hint().unwrap_or_else(|| "put the disk in order".to_owned());
    let login =
        if revoked { "TikTok was told to forget this login" } else { "this login is of no use" };
    format!("{first}; {login}: run `tiktok-up login` again")
}

fn refresh_not_saved(source: &AccountError, kept: bool) -> String {
    let first = source.hint().unwrap_or_else(|| "put the disk in order".to_owned());
    if kept {
        format!("{first}; the next run picks the tokens up where they lie")
    } else {
        format!("{first}; this login is probably lost: run `tiktok-up login` again")
    }
}

/// The app that made an account's tokens: its name, if it had one, and the beginning of its client key.
pub(super) fn app_of(account: &Account) -> String {
    let start = key_start(&account.client_key);
    match &account.app {
        Some(name) => format!("`{}` (client key {start})", plain(name)),
        None => format!("with the client key {start}"),
    }
}

fn other_app(name: Option<&str>) -> String {
    let init = match name {
        Some(name) => format!("tiktok-up init --app {}", plain(name)),
        None => "tiktok-up init --app NAME".to_owned(),
    };
    format!(
        "configure that app (`{init}`), or set its TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET, or \
         log the account in again with an app that is configured"
    )
}

fn other_api(theirs: &str) -> String {
    let mend = if theirs == Endpoints::default().api_base() {
        "unset TIKTOK_UP_API_URL (a sandbox's settings may still be in this shell)".to_owned()
    } else {
        format!("set TIKTOK_UP_API_URL={theirs}")
    };
    format!("{mend}, or keep the logins of each API apart with `--home`")
}

fn of_whom(found: Option<&str>) -> String {
    match found {
        Some(open_id) => format!("is for the user {open_id}"),
        None => "may hold tokens that this version cannot read".to_owned(),
    }
}

fn kept_in(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("; it is kept in `{}`", path.display()),
        None => "; it could not be kept".to_owned(),
    }
}

fn unread(account: &str, kept: bool) -> String {
    let update = if kept { "update tiktok-up, whose later version may read it, or " } else { "" };
    format!(
        "{update}run `tiktok-up login` and consent as `{account}`; until then nothing is refreshed, \
         as the token at hand is spent: `tiktok-up refresh --force` tries it all the same"
    )
}

fn needs_login(account: &str, until: Option<Timestamp>, refusal: Option<&Refusal>) -> String {
    let by = until.map_or_else(String::new, |until| {
        format!(" by {}: until then its access token is used", clock_time(until))
    });
    let login = format!("run `tiktok-up login` and consent as `{account}`{by}");
    match refusal.map(|refusal| &refusal.code) {
        Some(_) => format!(
            "{login}; the login expired, was revoked in TikTok, or its tokens were used elsewhere \
             (a copied store); the key of a sandbox may not allow refreshing at all"
        ),
        None => login,
    }
}
