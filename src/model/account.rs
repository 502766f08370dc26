//! One account's login as it is stored, and the names it goes by.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tiktok_open::{Grant, Scopes};

use super::fields::nearest;
use crate::encrypt;
use crate::secret::{Secret, persist};
use crate::text;

/// From here on before a refresh token's end, every run says that a login is due.
const ENDING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What a refresh token lives if TikTok does not say, in seconds: the shortest documented life, 180
/// days (<https://developers.tiktok.com/doc/oauth-get-a-user-access-token>).
const LOGIN_LIFE: i64 = 180 * 24 * 60 * 60;

/// The longest alias, in characters.
const LONGEST_ALIAS: usize = 64;

/// What is known about one login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The user, as this app knows them; the key of the entry.
    #[serde(skip)]
    pub(crate) open_id: String,
    /// Raised by every save of this entry.
    pub(crate) generation: u64,
    /// The user's own name for the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alias: Option<String>,
    /// The display name at the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// The client key of the app that the tokens belong to.
    pub(crate) client_key: String,
    /// The name of that app in config.toml, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<String>,
    /// The base URL of the API that issued the tokens ([`tiktok_open::Endpoints::api_base`]): they
    /// go nowhere else. Files older than this field do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api: Option<String>,
    /// The scopes really granted.
    pub(crate) scopes: Scopes,
    /// The access token.
    #[serde(serialize_with = "persist", deserialize_with = "stored")]
    pub(crate) access_token: Secret,
    /// When the access token ends.
    pub(crate) access_expires_at: Timestamp,
    /// The refresh token: each refresh replaces it and kills the old one.
    #[serde(serialize_with = "persist", deserialize_with = "stored")]
    pub(crate) refresh_token: Secret,
    /// When the refresh token ends.
    pub(crate) refresh_expires_at: Timestamp,
    /// When these tokens were asked for, by this machine's clock.
    pub(crate) issued_at: Timestamp,
    /// Why only a new login helps, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) needs_login: Option<NeedsLogin>,
    /// Since when somebody keeps its posts waiting, if so. Its tokens are kept alive all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_since: Option<Timestamp>,
    /// What a newer version of this program has written here.
    #[serde(flatten)]
    pub(crate) unknown: Unknown,
}

/// A token as it is stored. What is encrypted is no secret, and there may be thousands: it is not looked
/// for in other texts.
fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(if encrypt::is_encrypted(&text) { Secret::unlisted(text) } else { Secret::new(text) })
}

/// Fields that this version does not know: carried along, never shown, for they may hold secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Unknown(BTreeMap<String, Value>);

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Since when, and why, an account's tokens are of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NeedsLogin {
    /// When it was noticed.
    pub(crate) since: Timestamp,
    /// Why.
    pub(crate) reason: Reason,
}

/// Why only a new login helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// TikTok no longer takes the refresh token; the access token lives to its end.
    Rejected,
    /// TikTok takes neither of the tokens any more.
    Refused,
    /// The store is older than the last save made on this machine: a restored backup, whose tokens
    /// TikTok has replaced since.
    Restored,
    /// The login was handed over to another machine by `accounts export`. The tokens stay here, so
    /// that it can be handed over again or taken back.
    Exported,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "TikTok refused to renew its tokens",
            Self::Refused => "TikTok takes neither its access token nor its refresh token any more",
            Self::Restored => {
                "its stored tokens are older than the last ones saved here, as after restoring a \
                 backup"
            }
            Self::Exported => "it was handed over to another machine by `accounts export`",
            Self::Unknown => "a newer version of tiktok-up marked it so",
        })
    }
}

/// What tokens are good for: the app that they belong to, and the API that takes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issuer<'a> {
    /// The app's client key.
    pub(crate) client_key: &'a str,
    /// Its name in config.toml, if it has one.
    pub(crate) app: Option<&'a str>,
    /// The API's base URL, as in [`Account::api`].
    pub(crate) api: &'a str,
}

impl Account {
    /// The login that a token answer makes. `asked_at` is the time just before the request left, so
    /// that the tokens never seem to live longer than they do.
    pub(crate) fn new(
        open_id: String,
        grant: Grant,
        issuer: Issuer<'_>,
        asked_at: Timestamp,
    ) -> Self {
        Self {
            open_id,
            generation: 0,
            alias: None,
            display_name: None,
            client_key: issuer.client_key.to_owned(),
            app: issuer.app.map(ToOwned::to_owned),
            api: Some(issuer.api.to_owned()),
            scopes: grant.scopes,
            access_token: grant.access_token,
            access_expires_at: after(asked_at, grant.expires_in),
            refresh_token: grant.refresh_token,
            refresh_expires_at: after(asked_at, grant.refresh_expires_in.unwrap_or(LOGIN_LIFE)),
            issued_at: asked_at,
            needs_login: None,
            paused_since: None,
            unknown: Unknown::default(),
        }
    }

    /// The same login with the tokens of a refresh, which `api` has answered if that is known.
    #[must_use]
    pub(crate) fn refreshed(&self, grant: Grant, api: Option<&str>, asked_at: Timestamp) -> Self {
        // A refresh answers with the scopes too; an answer without any takes none away.
        let scopes = if grant.scopes.is_empty() { self.scopes.clone() } else { grant.scopes };
        let refresh_expires_at = match grant.refresh_expires_in {
            Some(life) => after(asked_at, life),
            // A refresh never shortens the login.
            None if self.refresh_expires_at > asked_at => self.refresh_expires_at,
            None => after(asked_at, LOGIN_LIFE),
        };
        Self {
            open_id: self.open_id.clone(),
            generation: self.generation,
            alias: self.alias.clone(),
            display_name: self.display_name.clone(),
            paused_since: self.paused_since,
            unknown: self.unknown.clone(),
            scopes,
            client_key: self.client_key.clone(),
            app: self.app.clone(),
            api: api.map(ToOwned::to_owned).or_else(|| self.api.clone()),
            access_token: grant.access_token,
            access_expires_at: after(asked_at, grant.expires_in),
            refresh_token: grant.refresh_token,
            refresh_expires_at,
            issued_at: asked_at,
            needs_login: None,
        }
    }

    /// The name to type for it: the alias, else the `open_id`.
    pub(crate) fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.open_id)
    }

    /// Whether the access token is good at `now`, as far as the clock knows, and can be renewed.
    pub(crate) fn lives(&self, now: Timestamp) -> bool {
        self.needs_login.is_none() && now < self.access_expires_at
    }

    /// Whether the access token is good at `now`, as far as the clock knows. That TikTok refused to
    /// renew it does not end it: of a refresh whose answer was lost, only the refresh token is dead.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        let reason = self.needs_login.as_ref().map(|needs| needs.reason);
        matches!(reason, None | Some(Reason::Rejected)) && now < self.access_expires_at
    }

    /// The API that issued the tokens, if that is known and it is another one than `api`.
    pub(crate) fn other_api(&self, api: &str) -> Option<&str> {
        self.api.as_deref().filter(|theirs| *theirs != api)
    }

    /// Whether the login was handed over to another machine.
    pub(crate) fn is_exported(&self) -> bool {
        self.needs_login.as_ref().is_some_and(|needs| needs.reason == Reason::Exported)
    }

    /// When the refresh token ends, if that is less than 14 days away.
    pub(crate) fn ends_soon(&self, now: Timestamp) -> Option<Timestamp> {
        (self.refresh_expires_at.duration_since(now) < ENDING).then_some(self.refresh_expires_at)
    }
}

fn after(start: Timestamp, seconds: i64) -> Timestamp {
    start.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Why a name cannot be an alias.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AliasError {
    /// Empty, too long, or with characters that a terminal cannot show.
    #[error(
        "an alias has 1 to {LONGEST_ALIAS} printable characters, none of them at its ends a \
        space, and does not begin with `-`"
    )]
    Form,
    /// Another account answers to it already.
    #[error("`{alias}` already names another account")]
    Taken {
        /// The alias.
        alias: String,
    },
}

/// A login that a post needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NeededLogin {
    /// The account as the user calls it. `None`: the only one.
    pub(crate) user: Option<String>,
    /// What it has to have granted.
    pub(crate) scope: String,
}

/// All accounts of a store, by `open_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts(pub(crate) BTreeMap<String, Account>);

/// Why a name does not lead to one account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Nobody is logged in.
    #[error("no account is logged in")]
    Nobody,
    /// No account has that name.
    #[error("no account is called `{name}`; known: {}{}", known.join(", "), guess(name, near.as_deref()))]
    Missing {
        /// The name that was asked for.
        name: String,
        /// The name that may be meant.
        near: Option<String>,
        /// The names that exist.
        known: Vec<String>,
    },
    /// More than one account could be meant.
    #[error("several accounts could be meant: {}", known.join(", "))]
    Ambiguous {
        /// Their names.
        known: Vec<String>,
    },
}

impl Accounts {
    /// The account with that `open_id`.
    pub(crate) fn get(&self, open_id: &str) -> Option<&Account> {
        self.0.get(open_id)
    }

    /// All accounts, ordered by `open_id`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.0.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a login is there that a post needs.
    pub(crate) fn have(&self, needed: &NeededLogin) -> bool {
        let account = self.find(needed.user.as_deref());
        account.is_ok_and(|account| account.scopes.has(&needed.scope))
    }

    /// The account that a user means by a name: its `open_id` or its alias; without a name, the only
    /// account there is.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&Account, NameError> {
        if self.is_empty() {
            return Err(NameError::Nobody);
        }
        if let Some(account) = name.and_then(|name| self.get(name)) {
            return Ok(account);
        }
        let meant: Vec<_> = self
            .iter()
            .filter(|account| name.is_none_or(|name| account.alias.as_deref() == Some(name)))
            .collect();
        match (meant.as_slice(), name) {
            ([one], _) => Ok(one),
            ([], Some(name)) => Err(NameError::Missing {
                name: text::shown(name),
                near: self.near(name).map(|account| text::plain(account.name())),
                known: self.iter().map(shown).collect(),
            }),
            (several, _) => Err(NameError::Ambiguous {
                known: several.iter().map(|account| shown(account)).collect(),
            }),
        }
    }

    /// The account whose name or display name is nearly that: the same but for what people overlook, or for
    /// a slip of the finger.
    fn near(&self, name: &str) -> Option<&Account> {
        let plain = |name: &str| text::folded(name).trim_start_matches('@').trim().to_owned();
        let (meant, names) = (plain(name), |account: &Account| {
            let names =
                [Some(account.name()), Some(&*account.open_id), account.display_name.as_deref()];
            names.into_iter().flatten().map(plain).collect::<Vec<_>>()
        });
        let all: Vec<_> = self.iter().map(|account| (account, names(account))).collect();
        let same = all.iter().find(|(_, names)| names.contains(&meant));
        same.map(|(account, _)| *account).or_else(|| {
            nearest(
                &meant,
                all.iter().flat_map(|(account, names)| {
                    names.iter().map(move |name| (*account, name.as_str()))
                }),
            )
        })
    }

    /// Whether `alias` may name the account `open_id`.
    pub(crate) fn check_alias(&self, alias: &str, open_id: &str) -> Result<(), AliasError> {
        let printable = !alias.is_empty()
            && alias.chars().count() <= LONGEST_ALIAS
            && alias.trim() == alias
            && !alias.starts_with('-')
            && text::is_plain(alias);
        if !printable {
            return Err(AliasError::Form);
        }
        let others = || self.iter().filter(|account| account.open_id != open_id);
        if others().any(|other| other.open_id == alias || other.alias.as_deref() == Some(alias)) {
            return Err(AliasError::Taken { alias: alias.to_owned() });
        }
        Ok(())
    }
}

fn guess(name: &str, near: Option<&str>) -> String {
    let guess = |near| match text::unlike(name, near) {
        Some(unlike) => format!("; did you mean `{near}`? {unlike}"),
        None => format!("; did you mean `{near}`?"),
    };
    near.map(guess).unwrap_or_default()
}

fn shown(account: &Account) -> String {
    match &account.alias {
        Some(alias) => text::plain(&format!("{alias} ({})", account.open_id)),
        None => text::plain(&account.open_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixtures::{account, at};

    fn accounts(list: &[(&str, Option<&str>)]) -> Accounts {
        Accounts(
            list.iter()
                .map(|(open_id, alias)| {
                    let alias = alias.map(ToOwned::to_owned);
                    ((*open_id).to_owned(), Account { alias, ..account(open_id) })
                })
                .collect(),
        )
    }

    #[test]
    fn an_account_is_found_by_open_id_or_alias() {
        let accounts = accounts(&[("id-1", Some("anna")), ("id-2", None)]);
        assert_eq!(accounts.find(Some("anna")).unwrap().open_id, "id-1");
        assert_eq!(accounts.find(Some("id-2")).unwrap().open_id, "id-2");
    }

    #[test]
    fn without_a_name_the_only_account_is_meant() {
        assert_eq!(accounts(&[("id-1", None)]).find(None).unwrap().open_id, "id-1");
        assert_eq!(accounts(&[]).find(None), Err(NameError::Nobody));
        let two = accounts(&[("id-1", Some("anna")), ("id-2", None)]);
        let known = vec!["anna (id-1)".to_owned(), "id-2".to_owned()];
        assert_eq!(two.find(None), Err(NameError::Ambiguous { known }));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_right_ones() {
        let error = accounts(&[("id-1", Some("anna"))]).find(Some("ana")).unwrap_err();
        let expected = "no account is called `ana`; known: anna (id-1); did you mean `anna`?";
        assert_eq!(error.to_string(), expected);
        let error = accounts(&[("id-1", Some("anna"))]).find(Some("bob")).unwrap_err();
        assert_eq!(error.to_string(), "no account is called `bob`; known: anna (id-1)");
    }

    #[test]
    fn a_name_that_is_nearly_right_is_recognised() {
        let mut accounts =
            accounts(&[("id-1", Some("anna")), ("id-2", Some("Bär")), ("_000LongId", None)]);
        accounts.0.get_mut("id-2").unwrap().display_name = Some("The Bear".into());
        for (name, near) in [
            ("Anna", "anna"),
            ("@anna", "anna"),
            ("an\u{200b}na", "anna"),
            ("\u{a0}anna ", "anna"),
            ("anne", "anna"),
            ("Ba\u{308}r", "Bär"),
            ("the bear", "Bär"),
            ("_000longid", "_000LongId"),
        ] {
            let error = accounts.find(Some(name)).unwrap_err().to_string();
            assert!(error.ends_with(&format!("; did you mean `{near}`?")), "{name:?}: {error}");
        }
        let error = accounts.find(Some("an\u{200b}na")).unwrap_err().to_string();
        assert!(error.contains("`an\\u{200b}na`"), "{error}");
    }

    #[test]
    fn an_alias_is_printable_and_nobody_else_s() {
        let accounts = accounts(&[("id-1", Some("anna")), ("id-2", None)]);
        for bad in ["", " x", "-x", "a\u{1b}[2J", "a\nb", &"x".repeat(65)] {
            assert_eq!(accounts.check_alias(bad, "id-2"), Err(AliasError::Form), "{bad:?}");
        }
        for taken in ["anna", "id-1"] {
            assert!(matches!(accounts.check_alias(taken, "id-2"), Err(AliasError::Taken { .. })));
        }
        accounts.check_alias("anna", "id-1").unwrap();
        accounts.check_alias("Bär 🐻", "id-2").unwrap();
    }

    #[test]
    fn f22_the_last_fourteen_days_are_announced() {
        let mut account = account("id");
        account.refresh_expires_at = at("2026-12-15T00:00:00Z");
        assert_eq!(account.ends_soon(at("2026-12-01T00:00:00Z")), None);
        assert!(account.ends_soon(at("2026-12-01T00:00:01Z")).is_some());
    }

    #[test]
    fn t18_nothing_secret_is_shown_not_even_what_is_unknown() {
        let json = r#"{"generation":1,"client_key":"k","scopes":"s","access_token":"act.canary",
            "access_expires_at":"2026-01-01T00:00:00Z","refresh_token":"rft.canary",
            "refresh_expires_at":"2026-01-01T00:00:00Z","issued_at":"2026-01-01T00:00:00Z",
            "device_token":"dev.canary"}"#;
        let account: Account = serde_json::from_str(json).unwrap();
        assert!(!format!("{account:?}").contains("canary"), "{account:?}");
        assert!(serde_json::to_string(&account).unwrap().contains("dev.canary"));
    }
}
