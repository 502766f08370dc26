//! Taking over the logins of the Flask uploader: a JSON object of `open_id` to token answer, to which
//! it has added when the tokens end, as local times without a zone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tiktok_open::{Grant, Scopes};

use crate::model::account::{Account, Issuer};
use crate::secret::Secret;
use crate::store::{AccountStore, Change, Edit, StoreError};

/// Why a file could not be read as such a one. The text is never quoted: it holds tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportError {
    /// Not JSON of that shape.
    #[error("not a token file of the Flask uploader (line {line}, column {column})")]
    Form {
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// A record lacks something.
    #[error("the record that ends on line {line}, column {column} lacks `{field}`")]
    Lacks {
        /// What.
        field: &'static str,
        /// Where reading stopped, from 1.
        line: usize,
        /// Where reading stopped, from 1.
        column: usize,
    },
    /// There is nothing in it.
    #[error("no login is in it")]
    Empty,
    /// It is this program's own store.
    #[error("this is a token store of tiktok-up already")]
    Ours,
    /// A record contradicts itself or the time zone.
    #[error("the record of `{open_id}` cannot be read: {what}")]
    Record {
        /// Whose.
        open_id: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Imported {
    /// It is stored now.
    New,
    /// It has replaced older tokens.
    Newer,
    /// The store holds newer tokens, and keeps them.
    Older,
    /// The store holds tokens that another API has issued, and keeps them.
    OtherApi,
    /// The store holds tokens of another app, and keeps them: the file does not say whose its own are.
    OtherApp,
}

/// What this program's own store is known by.
#[derive(Deserialize)]
struct Ours {
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(rename = "accounts")]
    _accounts: IgnoredAny,
}

/// The fields that a record cannot do without.
const NEEDED: [&str; 5] =
    ["access_token", "refresh_token", "expires_in", "refresh_expires_in", "expires_in_datetime"];

#[derive(Deserialize)]
struct Record {
    access_token: Secret,
    refresh_token: Secret,
    expires_in: i64,
    refresh_expires_in: i64,
    expires_in_datetime: DateTime,
    #[serde(default)]
    open_id: Option<String>,
    #[serde(default)]
    scope: String,
}

/// Reads such a file. The times in it are of `zone`; the tokens are taken to be of `issuer`, for the
/// file does not say whose they are.
pub(crate) fn read(
    bytes: &[u8],
    zone: &TimeZone,
    issuer: Issuer<'_>,
) -> Result<Vec<Account>, ImportError> {
    let form = |error: serde_json::Error| {
        let (line, column, words) = (error.line(), error.column(), error.to_string());
        let lacks = |field: &&str| words.starts_with(&format!("missing field `{field}`"));
        match NEEDED.into_iter().find(lacks) {
            Some(field) => ImportError::Lacks { field, line, column },
            None => ImportError::Form { line, column },
        }
    };
    // Of that no token is kept: they go nowhere but into what wipes them.
    if serde_json::from_slice::<Ours>(bytes).is_ok() {
        return Err(ImportError::Ours);
    }
    let records: BTreeMap<String, Record> = serde_json::from_slice(bytes).map_err(form)?;
    if records.is_empty() {
        return Err(ImportError::Empty);
    }
    records.into_iter().map(|(open_id, record)| account(open_id, record, zone, issuer)).collect()
}

fn account(
    open_id: String,
    record: Record,
    zone: &TimeZone,
    issuer: Issuer<'_>,
) -> Result<Account, ImportError> {
    let wrong = |what| ImportError::Record { open_id: crate::text::plain(&open_id), what };
    let is_incomplete = record.access_token.is_empty() || record.refresh_token.is_empty();
    if is_incomplete || open_id.is_empty() || crate::text::plain(&open_id) != open_id {
        return Err(wrong("a token or the open_id is missing or odd"));
    }
    let plain = |token: &Secret| token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    if !plain(&record.access_token) || !plain(&record.refresh_token) {
        return Err(wrong("a token holds characters that none has, and that may not be seen"));
    }
    if record.open_id.as_ref().is_some_and(|inner| *inner != open_id) {
        return Err(wrong("it is filed under another open_id"));
    }
    let issued_at = issued_at(&record, zone).ok_or_else(|| wrong("its times do not exist"))?;
    let mut grant = Grant::new(record.access_token, record.refresh_token);
    grant.expires_in = record.expires_in;
    grant.refresh_expires_in = Some(record.refresh_expires_in);
    grant.scopes = Scopes::from_answer(&record.scope);
    Ok(Account::new(open_id, grant, issuer, issued_at))
}

/// When the tokens were issued: both ends were counted from there. Where a clock change makes a local
/// time ambiguous the earlier reading holds, so that no token seems to live longer than it does.
fn issued_at(record: &Record, zone: &TimeZone) -> Option<Timestamp> {
    let ends = zone.to_ambiguous_zoned(record.expires_in_datetime).earlier().ok()?.timestamp();
    let in_range = (0..=3_155_760_000).contains(&record.expires_in)
        && (0..=3_155_760_000).contains(&record.refresh_expires_in);
    in_range.then(|| ends - SignedDuration::from_secs(record.expires_in))
}

/// Stores the accounts that were read, all in one step, but those of which the store has newer tokens. Says
/// of each, in their order, what became of it.
pub(crate) async fn import(
    store: &dyn AccountStore,
    accounts: Vec<Account>,
) -> Result<Vec<Imported>, StoreError> {
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let changes = accounts.into_iter().map(|account| {
        let (open_id, say) = (account.open_id.clone(), Arc::clone(&outcomes));
        let change: Change = Box::new(move |current, _| {
            let (edit, outcome) = decide(account, current);
            say.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
            edit
        });
        (open_id, change)
    });
    store.change_all(changes.collect()).await?;
    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *outcomes))
}

fn decide(account: Account, current: Option<&Account>) -> (Edit, Imported) {
    let other_api = |stored: &Account| {
        account.api.as_deref().is_some_and(|api| stored.other_api(api).is_some())
    };
    match current {
        Some(current) if other_api(current) => (Edit::Keep, Imported::OtherApi),
        Some(current) if current.client_key != account.client_key => {
            (Edit::Keep, Imported::OtherApp)
        }
        Some(current) if current.issued_at >= account.issued_at => (Edit::Keep, Imported::Older),
        Some(current) => {
            let newer = Account {
                alias: current.alias.clone(),
                display_name: current.display_name.clone(),
                paused_since: current.paused_since,
                unknown: current.unknown.clone(),
                ..account
            };
            (Edit::Put(Box::new(newer)), Imported::Newer)
        }
        None => (Edit::Put(Box::new(account)), Imported::New),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::testing::{API, account as known, at};
    use crate::clock::Clock;
    use crate::store::Store as _;
    use crate::store::local::LocalStore;

    const FILE: &str = r#"{
        "id-1": {"access_token": "act.x", "expires_in": 86400, "open_id": "id-1",
                 "refresh_expires_in": 31536000, "refresh_token": "rft.x",
                 "scope": "user.info.basic,video.publish", "token_type": "Bearer",
                 "expires_in_datetime": "2026-11-02T13:00:00.123456",
                 "refresh_expires_in_datetime": "2027-11-01T13:00:00.123456"}
    }"#;

    const APP: Issuer<'_> = Issuer { client_key: "key", app: Some("main"), api: API };

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn read_one(text: &str) -> Result<Account, ImportError> {
        read(text.as_bytes(), &berlin(), APP).map(|mut all| all.remove(0))
    }

    #[test]
    fn local_times_become_points_in_time() {
        let account = read_one(FILE).unwrap();
        assert_eq!(account.access_expires_at, at("2026-11-02T12:00:00.123456Z"));
        assert_eq!(account.issued_at, at("2026-11-01T12:00:00.123456Z"));
        assert_eq!(account.refresh_expires_at, at("2027-11-01T12:00:00.123456Z"));
        assert_eq!((account.client_key.as_str(), account.app.as_deref()), ("key", Some("main")));
        assert_eq!(account.api.as_deref(), Some(API));
        assert!(account.scopes.has("video.publish"));
    }

    #[test]
    fn an_hour_that_comes_twice_is_read_as_the_first() {
        let text = FILE.replace("2026-11-02T13:00:00", "2026-10-25T02:30:00");
        assert_eq!(read_one(&text).unwrap().access_expires_at, at("2026-10-25T00:30:00.123456Z"));
    }

    #[test]
    fn what_is_no_such_file_is_refused_without_quoting_it() {
        for text in [
            "",
            "[]",
            r#"{"id": {"access_token": "act.canary"}}"#,
            r#"{"id": "act.canary"}"#,
            &FILE.replace("86400", "\"act.canary\""),
            &FILE.replace("2026-11-02T13:00:00.123456", "act.canary"),
            &FILE.replace("86400", "-5"),
            &FILE.replace(r#""open_id": "id-1""#, r#""open_id": "id-2""#),
            &FILE.replace("rft.x", ""),
            &FILE.replace("act.x", "act.canary\\r\\n"),
            &FILE.replace("rft.x", "rft.canary\u{200b}"),
            &FILE.replace("act.x", "act.canаry\u{a0}canary"),
        ] {
            let error = read(text.as_bytes(), &berlin(), APP).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
        let ours = r#"{"version": 1, "accounts": {}}"#;
        assert_eq!(read(ours.as_bytes(), &berlin(), APP), Err(ImportError::Ours));
    }

    #[tokio::test]
    async fn t16_a_newer_token_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path(), Clock::default()).unwrap().accounts();
        let store = store.as_ref();
        assert_eq!(import(store, vec![known("id")]).await.unwrap(), [Imported::New]);
        let mut older = known("id");
        older.issued_at = at("2026-10-01T00:00:00Z");
        older.access_token = Secret::new("act.old");
        assert_eq!(import(store, vec![older]).await.unwrap(), [Imported::Older]);
        assert_eq!(
            import(store, vec![known("id")]).await.unwrap(),
            [Imported::Older],
            "nor an equal one"
        );
        let mut newer = known("id");
        newer.issued_at = at("2026-11-20T00:00:00Z");
        newer.access_token = Secret::new("act.new");
        let since = Some(at("2026-11-10T00:00:00Z"));
        store.set_paused("id", since).await.unwrap();
        assert_eq!(import(store, vec![newer]).await.unwrap(), [Imported::Newer]);
        let account = store.find(None).await.unwrap();
        assert_eq!(account.access_token.expose(), "act.new");
        assert_eq!(account.paused_since, since, "the file does not say that the posts may go");
    }

    #[tokio::test]
    async fn the_tokens_of_one_api_are_not_overwritten_by_those_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path(), Clock::default()).unwrap().accounts();
        let store = store.as_ref();
        import(store, vec![known("id")]).await.unwrap();
        let elsewhere = Some("http://127.0.0.1:1".to_owned());
        let theirs =
            Account { api: elsewhere, issued_at: at("2026-11-20T00:00:00Z"), ..known("id") };
        assert_eq!(import(store, vec![theirs]).await.unwrap(), [Imported::OtherApi]);
        assert_eq!(store.find(None).await.unwrap(), Account { generation: 1, ..known("id") });
    }

    #[tokio::test]
    async fn the_tokens_of_one_app_are_not_overwritten_by_those_taken_for_another_s() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path(), Clock::default()).unwrap().accounts();
        let store = store.as_ref();
        import(store, vec![known("id")]).await.unwrap();
        let theirs = Account {
            client_key: "another key".to_owned(),
            issued_at: at("2026-11-20T00:00:00Z"),
            ..known("id")
        };
        assert_eq!(import(store, vec![theirs]).await.unwrap(), [Imported::OtherApp]);
        assert_eq!(store.find(None).await.unwrap(), Account { generation: 1, ..known("id") });
    }
}
