//! What can go wrong with a login or its tokens, and what to do then.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tiktok_open::pkce::RandomError;
use tiktok_open::{Code, Endpoints, Error as ApiError, Refusal};
use tokio::task::JoinError;

use super::apps::NotUsable;
use super::callback::CallbackError;
use super::event::{by, length};
use crate::clock::moment;
use crate::model::account::{Account, Reason};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::resources::Shortage;
use crate::store::{AccountError, Holder, StoreError};
use crate::text::{chain, key_start, plain};

/// Why a login or a refresh did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    /// The token store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
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
        /// The beginning of the client key that was used.
        key: String,
        /// What came of the call.
        #[source]
        source: Box<ApiError>,
    },
    /// Nobody confirmed the QR code in time.
    #[error("the QR code was not scanned and confirmed within {}", length(*after))]
    QrTimeout {
        /// How long the wait was.
        after: Duration,
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
    /// What is pasted cannot be read.
    #[error("failed to read standard input, where the callback address was to be pasted")]
    PasteUnreadable {
        /// What the system said.
        source: std::io::Error,
    },
    /// The tokens of a login, fresh from TikTok, could not be saved.
    #[error("failed to save the login of `{account}`")]
    LoginNotSaved {
        /// Whose.
        account: String,
        /// Whether the login was taken back at TikTok.
        revoked: bool,
        /// Why.
        #[source]
        source: Box<StoreError>,
    },
    /// The tokens of a login are saved, and the disk did not confirm that it keeps them.
    #[error("the login of `{account}` is saved, but may be lost again")]
    LoginNotSynced {
        /// Whose.
        account: String,
        /// Why.
        #[source]
        source: Box<StoreError>,
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
    #[error("the tokens of {whose} belong to the app {theirs}, {why}")]
    OtherApp {
        /// The accounts.
        whose: Whose,
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
    #[error("the tokens of {whose} were issued by {theirs}, and this run talks to {ours}")]
    OtherApi {
        /// The accounts.
        whose: Whose,
        /// The base URL of the API that issued them.
        theirs: String,
        /// The base URL of this run.
        ours: String,
    },
    /// The tokens belong to an app whose secret cannot be had.
    #[error("the tokens of {whose} belong to the app {theirs}, which cannot be used")]
    AppSecret {
        /// The accounts.
        whose: Whose,
        /// That app, as in [`AuthError::OtherApp`].
        theirs: String,
        /// Why.
        #[source]
        source: Arc<dyn Coded>,
    },
    /// No app is configured at all.
    #[error("the tokens of {whose} belong to the app {theirs}")]
    NoApp {
        /// The accounts.
        whose: Whose,
        /// That app, as in [`AuthError::OtherApp`].
        theirs: String,
        /// That there is none.
        #[source]
        source: Arc<dyn Coded>,
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
    /// Another process holds the refresh lease and does not let go.
    #[error("another run{} is refreshing `{account}`", by(holder.as_ref()))]
    RefreshBusy {
        /// The account.
        account: String,
        /// Who it is, if that is known.
        holder: Option<Holder>,
    },
    /// Another machine may have the only tokens that live: a run there spent those that are stored, and was not heard
    /// of since.
    #[error(
        "the stored tokens of `{account}` were spent by {holder}, which has not said what it got for them"
    )]
    Elsewhere {
        /// The account.
        account: String,
        /// Which run.
        holder: Holder,
    },
    /// A refresh did not succeed; the tokens are as they were.
    #[error("failed to refresh the login{} of {whose}", if whose.0.len() == 1 { "" } else { "s" })]
    Refresh {
        /// The accounts.
        whose: Whose,
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
        source: Box<StoreError>,
    },
    /// A part of the program has panicked. Where that was is said by then.
    #[error("internal error in a refresh")]
    Panicked,
    /// The program is ending.
    #[error("interrupted")]
    Stopped,
}

impl From<AccountError> for AuthError {
    fn from(error: AccountError) -> Self {
        Self::Store(error.into())
    }
}

impl AuthError {
    /// That a task has ended without an outcome: by a panic, or as the program is ending.
    pub(super) fn ended(task: &JoinError) -> Self {
        if task.is_panic() { Self::Panicked } else { Self::Stopped }
    }

    /// That the app of an account's tokens cannot be used.
    pub(crate) fn app(account: &Account, why: NotUsable) -> Self {
        let theirs = app_of(account);
        let whose = Whose::one(account);
        let other = |app, why, asked| {
            let (whose, theirs) = (whose.clone(), theirs.clone());
            Self::OtherApp { whose, theirs, app, why, asked }
        };
        match why {
            NotUsable::NotConfigured { now: Some(now) } => {
                // Its name is another app's.
                other(None, format!("which has another client key ({now}) now"), false)
            }
            NotUsable::NotConfigured { now: None } => {
                other(account.app.clone(), "which is not configured".to_owned(), false)
            }
            NotUsable::NotAskedFor { asked } => {
                let why = format!("and `--app {}` was asked for", plain(&asked));
                other(account.app.clone(), why, true)
            }
            NotUsable::NoSecret(source) => Self::AppSecret { whose, theirs, source },
            NotUsable::NoApp(source) => Self::NoApp { whose, theirs, source },
        }
    }

    /// Refuses to use an account's tokens with another API than the one that issued them.
    pub(crate) fn check_api(account: &Account, ours: String) -> Result<(), Self> {
        match account.other_api(&ours) {
            None => Ok(()),
            Some(theirs) => {
                Err(Self::OtherApi { whose: Whose::one(account), theirs: plain(theirs), ours })
            }
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
                | Self::Store(StoreError::Account(AccountError::Name(_)))
                | Self::Panicked
                | Self::Stopped
        )
    }

    /// Takes the accounts of another error in, if it is the same but for them, so that one cause is told
    /// once. The `log_id` that stays is the first one.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        let same = match (&*self, other) {
            (Self::Refresh { source: a, .. }, Self::Refresh { source: b, .. }) => {
                match (a.refusal(), b.refusal()) {
                    (Some(a), Some(b)) => (&a.code, &a.message) == (&b.code, &b.message),
                    (a, b) => a.is_none() && b.is_none(),
                }
            }
            (Self::AppSecret { theirs: a, .. }, Self::AppSecret { theirs: b, .. })
            | (Self::NoApp { theirs: a, .. }, Self::NoApp { theirs: b, .. })
            | (Self::OtherApi { theirs: a, .. }, Self::OtherApi { theirs: b, .. }) => a == b,
            (
                Self::OtherApp { theirs: a, why: why_a, .. },
                Self::OtherApp { theirs: b, why: why_b, .. },
            ) => (a, why_a) == (b, why_b),
            // Of the store itself.
            (Self::Store(a), Self::Store(b)) => chain(a) == chain(b),
            _ => false,
        };
        let same = same && self.problem() == other.problem();
        if let (true, Some(ours), Some(theirs)) = (same, self.whose_mut(), other.whose()) {
            ours.0.extend_from_slice(&theirs.0);
        }
        same
    }

    fn whose(&self) -> Option<&Whose> {
        match self {
            Self::Refresh { whose, .. }
            | Self::AppSecret { whose, .. }
            | Self::NoApp { whose, .. }
            | Self::OtherApp { whose, .. }
            | Self::OtherApi { whose, .. } => Some(whose),
            _ => None,
        }
    }

    fn whose_mut(&mut self) -> Option<&mut Whose> {
        match self {
            Self::Refresh { whose, .. }
            | Self::AppSecret { whose, .. }
            | Self::NoApp { whose, .. }
            | Self::OtherApp { whose, .. }
            | Self::OtherApi { whose, .. } => Some(whose),
            _ => None,
        }
    }

    /// TikTok's refusal, if one is at the bottom of it.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::QrCode { source, .. }
            | Self::Exchange { source, .. }
            | Self::Refresh { source, .. } => source.refusal(),
            Self::NeedsLogin { source, .. } => source.as_deref(),
            _ => None,
        }
    }
}

impl Coded for AuthError {
    fn problem(&self) -> Problem {
        let of = |code, account: &str| Problem::new(code).with("account", account);
        match self {
            Self::Store(error) => error.problem(),
            Self::Callback(error) => error.problem(),
            Self::Random(_) => ErrorCode::NoRandom.into(),
            Self::Exchange { key, source } => not_exchanged(source, key),
            Self::RedirectUri { .. } => ErrorCode::RedirectUri.into(),
            Self::QrCode { key, source } => of_login(refused(source, key), source),
            Self::QrTimeout { .. } => ErrorCode::LoginTimeoutQr.into(),
            Self::QrForm { .. } => ErrorCode::QrForm.into(),
            Self::NothingPasted => ErrorCode::NothingPasted.into(),
            Self::PasteUnreadable { .. } => ErrorCode::PasteUnreadable.into(),
            Self::LoginNotSaved { source, revoked, .. } => {
                let code = if *revoked {
                    ErrorCode::LoginNotSavedRevoked
                } else {
                    ErrorCode::LoginNotSaved
                };
                Problem::new(code).caused_by(source.problem())
            }
            Self::LoginNotSynced { source, .. } => {
                Problem::new(ErrorCode::LoginNotSynced).caused_by(source.problem())
            }
            Self::RefreshNotSaved { source, kept, .. } => {
                let code = if *kept { ErrorCode::RefreshKept } else { ErrorCode::RefreshLost };
                Problem::new(code).caused_by(source.problem())
            }
            Self::OtherAccount { account, theirs: Some(theirs), .. } => {
                of(ErrorCode::OtherAccountApp, account).with("app", theirs)
            }
            Self::OtherAccount { .. } => ErrorCode::OtherAccount.into(),
            Self::OtherApp { asked: true, .. } => ErrorCode::OtherApp.into(),
            Self::OtherApp { app, .. } => {
                let name = app.as_deref().map_or_else(|| "NAME".to_owned(), plain);
                Problem::new(ErrorCode::AppNotConfigured).with("app", name)
            }
            Self::OtherApi { theirs, .. } if *theirs == Endpoints::default().api_base() => {
                ErrorCode::OtherApiIsTikTok.into()
            }
            Self::OtherApi { theirs, .. } => Problem::new(ErrorCode::OtherApi).with("url", theirs),
            Self::AppSecret { source, .. } | Self::NoApp { source, .. } => source.problem(),
            Self::NeedsLogin { reason: Reason::Exported, account, .. } => {
                of(ErrorCode::LoginExported, account)
            }
            Self::NeedsLogin { account, until, source, .. } => match (until, source) {
                (None, None) => of(ErrorCode::LoginNeeded, account),
                (None, Some(_)) => of(ErrorCode::LoginLost, account),
                (Some(until), None) => {
                    of(ErrorCode::LoginNeededBy, account).with("time", moment(*until))
                }
                (Some(until), Some(_)) => {
                    of(ErrorCode::LoginLostBy, account).with("time", moment(*until))
                }
            },
            Self::Unread { account, found: Some(_), .. } => of(ErrorCode::RefreshOther, account),
            Self::Unread { account, path: Some(_), .. } => of(ErrorCode::RefreshUnread, account),
            Self::Unread { account, path: None, .. } => of(ErrorCode::RefreshUnreadLost, account),
            Self::Resources(shortage) => shortage.problem(),
            Self::RefreshBusy { .. } => ErrorCode::RefreshBusy.into(),
            Self::Elsewhere { account, holder } => {
                let machine = holder.host.as_deref().map_or_else(String::new, plain);
                of(ErrorCode::RefreshElsewhere, account).with("machine", machine)
            }
            Self::Refresh { key, source, .. } => match source.refusal() {
                Some(refusal) if may_not_refresh(refusal) && !source.is_temporary() => {
                    ErrorCode::RefreshNotAllowed.into()
                }
                Some(_) => refused(source, key),
                None => source.problem(),
            },
            Self::Panicked => ErrorCode::ProgramFault.into(),
            Self::Stopped => ErrorCode::LoginStopped.into(),
        }
    }
}

/// That a code was not exchanged.
fn not_exchanged(error: &ApiError, key: &str) -> Problem {
    let problem = match error {
        ApiError::Refused(refusal) if refusal.code != Code::InvalidGrant => refused(error, key),
        // Nothing that the same command alone would mend.
        ApiError::NotTikTok { .. } => error.problem(),
        // It says what is to be mended before anybody logs in again.
        ApiError::NotSent { obstacle: Some(_), .. } if !error.is_temporary() => {
            return error.problem();
        }
        _ => ErrorCode::CodeNotExchanged.into(),
    };
    of_login(problem, error)
}

/// What is wrong with a call of a login: whatever it was, if it neither passes by itself nor is a matter of
/// settings, the login did not happen, and another one is needed.
fn of_login(problem: Problem, error: &ApiError) -> Problem {
    match problem.kind {
        _ if error.is_temporary() => problem.of_kind(ErrorKind::Temporary),
        ErrorKind::Input => problem,
        _ => problem.of_kind(ErrorKind::Login),
    }
}

/// Whether TikTok refused that the app refreshes at all. That a sandbox's key may not is reported
/// nowhere officially; it would be one of these.
fn may_not_refresh(refusal: &Refusal) -> bool {
    matches!(refusal.code, Code::UnauthorizedClient | Code::UnsupportedGrantType)
}

/// A refusal of the token endpoint, which knows the app by its client key.
fn refused(error: &ApiError, key: &str) -> Problem {
    match error.problem() {
        problem if problem.code == ErrorCode::InvalidClient => {
            Problem::new(ErrorCode::InvalidClientKey).with("key", key).of_kind(problem.kind)
        }
        problem => problem,
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

/// The accounts that an error is about, each by its name. `Display` names the first few of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose(Vec<String>);

impl Whose {
    /// The most accounts that are named.
    const MOST: usize = 5;

    /// One account.
    pub(super) fn one(account: &Account) -> Self {
        Self(vec![account.name().to_owned()])
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.0.len().saturating_sub(Self::MOST);
        let named = &self.0[..self.0.len() - more];
        for (at, name) in named.iter().enumerate() {
            let before = match at {
                0 => "",
                _ if more == 0 && at + 1 == named.len() => " and ",
                _ => ", ",
            };
            write!(f, "{before}`{name}`")?;
        }
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::account;

    fn refused(name: &str, log_id: &str, key: &str) -> AuthError {
        let mut refusal = Refusal::new("oauth/token", 401, Code::InvalidClient);
        refusal.log_id = Some(log_id.to_owned());
        AuthError::Refresh {
            whose: Whose::one(&account(name)),
            key: key.to_owned(),
            source: Box::new(ApiError::Refused(refusal)),
        }
    }

    #[test]
    fn one_cause_has_all_its_accounts_and_another_one_its_own() {
        let mut error = refused("a", "1", "`aw1…`");
        assert!(!error.join(&refused("b", "1", "`aw2…`")), "it is another app's");
        for name in ["b", "c"] {
            assert!(error.join(&refused(name, "2", "`aw1…`")), "whatever its log_id");
        }
        assert_eq!(error.to_string(), "failed to refresh the logins of `a`, `b` and `c`");
        for name in ["d", "e", "f", "g"] {
            assert!(error.join(&refused(name, "3", "`aw1…`")));
        }
        let all = "failed to refresh the logins of `a`, `b`, `c`, `d`, `e` and 2 more";
        assert_eq!(error.to_string(), all);
        assert_eq!(error.refusal().unwrap().log_id.as_deref(), Some("1"));
    }
}
