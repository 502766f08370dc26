//! What happens during a login or a refresh, for whoever shows it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::clock::moment;
use crate::model::Account;

/// Is told what happens. Nothing in this module prints.
pub(crate) trait Reporter: Send + Sync {
    /// Something happened.
    fn report(&self, event: AuthEvent);

    /// TikTok has renewed an account's tokens, with the secret of its app, and they are saved.
    fn renewed(&self, _account: &Account) {}
}

/// Something that the user may want to know. `Display` says it in a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthEvent {
    /// The page to visit; comes before any browser is started.
    Visit {
        /// The consent page. It carries the login's state: for the user's eyes alone.
        url: Url,
    },
    /// A browser was started with that page.
    BrowserOpened,
    /// No browser could be started; the user opens the page.
    BrowserFailed,
    /// The callback address listens.
    Waiting {
        /// For how long.
        limit: Duration,
    },
    /// The address that the browser ends at is to be pasted.
    PasteHere {
        /// For how long that is waited for.
        limit: Duration,
    },
    /// The code has come, and is about to be spent: from now on there are tokens to be lost.
    Exchanging,
    /// A refresh is on its way while the program is about to end.
    Finishing,
    /// A callback of some other login, or a forged one, was ignored.
    ForeignCallback,
    /// A callback without our state reported an error and was ignored.
    ForeignError,
    /// This login's callback came to another name of this machine.
    CallbackElsewhere {
        /// To which.
        host: String,
        /// The redirect URI, where the login waits.
        uri: String,
    },
    /// A pasted text was not this login's callback.
    PasteIgnored {
        /// What was wrong with it.
        why: &'static str,
    },
    /// A QR code to show; each replaces the one before.
    QrCode {
        /// The `aweme://` address in it: for the user's eyes alone.
        url: String,
    },
    /// The QR code was scanned; the phone asks for consent.
    QrScanned,
    /// The QR code is too old; another one follows.
    QrExpired,
    /// The user did not grant a scope that was asked for.
    ScopeMissing {
        /// The scope.
        scope: String,
    },
    /// A refresh that was interrupted after TikTok had answered was brought to its end.
    Recovered {
        /// Whose.
        account: String,
    },
    /// The remains of an interrupted refresh were of no use and are gone.
    LeftoverRemoved {
        /// Whose.
        account: String,
    },
    /// What an interrupted refresh has left may hold tokens, and is kept.
    LeftoverKept {
        /// Whose.
        account: String,
        /// Where.
        path: PathBuf,
    },
    /// TikTok refuses to renew a login whose access token still lives.
    NotRenewable {
        /// Whose.
        account: String,
        /// When the access token ends.
        until: Timestamp,
    },
    /// A refresh failed; the access token still lives.
    NotRenewed {
        /// Whose.
        account: String,
        /// When the access token ends.
        until: Timestamp,
        /// Why it failed.
        why: String,
        /// Whether that passes by itself.
        passes: bool,
    },
    /// Another process refreshes this account and does not come to an end; the token at hand is
    /// still good.
    RefreshBusy {
        /// Whose.
        account: String,
        /// Who it is in words, if that is known.
        holder: Option<String>,
    },
    /// This machine's clock went back.
    ClockWentBack {
        /// By at least this much.
        by: SignedDuration,
    },
    /// TikTok's clock differs.
    ClockOff {
        /// TikTok's is ahead by this much (negative: behind).
        by: SignedDuration,
    },
    /// The refresh token ends soon, and with it the login.
    EndsSoon {
        /// Whose.
        account: String,
        /// When.
        at: Timestamp,
    },
    /// New tokens cannot be saved for lack of space, and are kept in memory for a while.
    DiskFull {
        /// Whose.
        account: String,
        /// Where they should go.
        place: String,
        /// How long they are kept.
        wait: Duration,
    },
}

impl AuthEvent {
    /// Whether it is a warning rather than a step on the way.
    pub(crate) fn is_warning(&self) -> bool {
        !matches!(
            self,
            Self::Visit { .. }
                | Self::BrowserOpened
                | Self::Waiting { .. }
                | Self::PasteHere { .. }
                | Self::Exchanging
                | Self::QrCode { .. }
                | Self::QrScanned
                | Self::QrExpired
                | Self::Recovered { .. }
        )
    }
}

impl fmt::Display for AuthEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visit { url } => write!(f, "open this address in a browser: {url}"),
            Self::BrowserOpened => f.write_str("a browser window asks for your consent"),
            Self::BrowserFailed => f.write_str(
                "no browser could be started: open the address above yourself; on a machine \
                 without a browser, log in with `--qr` or `--paste`",
            ),
            Self::Waiting { limit } => {
                write!(f, "waiting up to {} for TikTok's answer", length(*limit))
            }
            Self::PasteHere { limit } => write!(
                f,
                "the browser ends at a page that does not load: paste the address of that page here \
                 within {}, and press Enter",
                length(*limit)
            ),
            Self::Exchanging => f.write_str("fetching the tokens"),
            Self::Finishing => f.write_str(
                "a refresh is on its way, and ending before its answer is saved may lose the login: \
                 waiting for it (a second signal ends it all the same)",
            ),
            Self::ForeignCallback => f.write_str(
                "a callback that does not belong to this login was ignored; still waiting",
            ),
            Self::ForeignError => f.write_str(
                "a callback without our state reported an error; still waiting; Ctrl-C if you \
                 denied access",
            ),
            Self::CallbackElsewhere { host, uri } => write!(
                f,
                "TikTok's answer came to `{host}`, but this login waits at `{uri}`; still waiting: in \
                 the browser's address bar put that in the place of everything before the question \
                 mark and press Enter; if the browser is on another machine, log in with `--paste`; if \
                 another address is registered, set `redirect_uri` of the app in config.toml to it"
            ),
            Self::PasteIgnored { why } => write!(f, "{why}; still waiting"),
            Self::QrCode { url } => {
                write!(f, "scan the code with the scanner in the TikTok app: {url}")
            }
            Self::QrScanned => f.write_str("scanned; confirm on the phone"),
            Self::QrExpired => f.write_str("the code has expired; here is a new one"),
            Self::ScopeMissing { scope } => match without(scope) {
                Some(what) => write!(f, "`{scope}` was not granted: {what} will not work"),
                None => write!(f, "`{scope}` was not granted"),
            },
            Self::Recovered { account } => {
                write!(f, "an interrupted refresh of `{account}` was recovered")
            }
            Self::LeftoverRemoved { account } => {
                write!(f, "the remains of an interrupted refresh of `{account}` were removed")
            }
            Self::LeftoverKept { account, path } => write!(
                f,
                "an answer to a refresh of `{account}` may hold tokens that cannot be read: it is \
                 kept in `{}`",
                path.display()
            ),
            Self::NotRenewable { account, until } => write!(
                f,
                "the login of `{account}` cannot be renewed any more; its access token ends at {}: run \
                 `tiktok-up login` before that",
                moment(*until)
            ),
            Self::NotRenewed { account, until, why, .. } => write!(
                f,
                "the login of `{account}` was not renewed; its access token ends at {}: {why}",
                moment(*until)
            ),
            Self::RefreshBusy { account, holder } => {
                write!(f, "another run{} is refreshing `{account}`", by(holder.as_ref()))?;
                f.write_str("; going on with the token at hand")
            }
            Self::ClockWentBack { by } => {
                let seconds = by.as_secs();
                write!(f, "this machine's clock went back by {seconds} s or more")
            }
            Self::ClockOff { by } => {
                write!(f, "this machine's clock differs from TikTok's by {} s", by.as_secs().abs())
            }
            Self::EndsSoon { account, at } => {
                let end = moment(*at);
                write!(f, "the login of `{account}` ends: log in again before {end}")
            }
            Self::DiskFull { account, place, wait } => {
                let wait = length(*wait);
                write!(
                    f,
                    "no space to save the new tokens of `{account}` to `{place}`: free space \
                     within {wait}, before this exits, or the login is lost"
                )
            }
        }
    }
}

/// What a scope is needed for (<https://developers.tiktok.com/doc/tiktok-api-scopes>).
fn without(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "user.info.basic" => "showing who is logged in",
        "user.info.profile" | "user.info.stats" => "reading the profile and its numbers",
        "video.list" => "reading the list of videos",
        "video.publish" => "posting directly",
        "video.upload" => "sending drafts (`--draft`)",
        _ => return None,
    })
}

pub(super) fn by(holder: Option<&impl fmt::Display>) -> String {
    holder.map_or_else(String::new, |holder| format!(" ({holder})"))
}

/// A whole number of the biggest unit that fits, such as `5 minutes`.
pub(super) fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        0 => (length.as_millis(), "millisecond"),
        _ if seconds.is_multiple_of(60) => (u128::from(seconds / 60), "minute"),
        _ => (u128::from(seconds), "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_their_biggest_unit() {
        assert_eq!(length(Duration::from_mins(5)), "5 minutes");
        assert_eq!(length(Duration::from_secs(1)), "1 second");
        assert_eq!(length(Duration::from_secs(90)), "90 seconds");
        assert_eq!(length(Duration::from_millis(50)), "50 milliseconds");
    }

    #[test]
    fn f22_the_end_of_a_login_is_said_as_all_times_are() {
        let at = "2026-12-15T10:00:00Z".parse().unwrap();
        let event = AuthEvent::EndsSoon { account: "anna".into(), at };
        assert!(event.is_warning());
        let end = moment(at);
        assert_eq!(
            event.to_string(),
            format!("the login of `anna` ends: log in again before {end}")
        );
    }
}
