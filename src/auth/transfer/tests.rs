use super::*;
use crate::auth::LoginStore;
use crate::auth::testing::{account, at};
use crate::clock::Clock;
use crate::encrypt::{Label, armor};
use crate::exit::Exit;
use crate::model::account::{Account, NeedsLogin};
use crate::output::Explain as _;
use crate::secret::Secret;
use crate::store::AccountError;
use crate::store::local::{LocalStore, TokenFile};
use std::sync::Arc;
use std::time::Duration;

fn word() -> Secret {
    Secret::new("correct horse")
}

fn encrypted() -> String {
    let account = Account { alias: Some("anna".into()), ..living("id-1") };
    encrypt(&account, &word(), at("2026-11-02T12:00:00Z")).unwrap()
}

fn decrypt(file: &[u8], passphrase: &Secret) -> Result<Account, TransferError> {
    EncryptedLogin::read(file).unwrap()?.open(passphrase)
}

/// An account whose login ends far from now.
fn living(open_id: &str) -> Account {
    Account { refresh_expires_at: at("2999-01-01T00:00:00Z"), ..account(open_id) }
}

fn store() -> (tempfile::TempDir, TokenFile) {
    let dir = tempfile::tempdir().unwrap();
    let store = TokenFile::open(dir.path(), Clock::default()).unwrap();
    (dir, store)
}

/// The logins of a token file, as another process has them.
fn logins(store: &TokenFile) -> LoginStore {
    let log = store.refresh_log();
    let store = LocalStore::new(store.clone(), Clock::default()).unwrap();
    LoginStore::new(Arc::new(store), log)
}

async fn try_take(
    store: &TokenFile,
    account: Account,
) -> Result<(ImportOutcome, Account), TransferError> {
    import(logins(store).accounts(), account, Clock::default()).await
}

async fn take(store: &TokenFile, account: Account) -> ImportOutcome {
    try_take(store, account).await.unwrap().0
}

async fn exported(store: &TokenFile) -> Result<ExportedLogin, TransferError> {
    export(&logins(store), "id-1", word(), Clock::default(), Duration::ZERO).await
}

#[test]
fn a_login_comes_out_as_it_went_in() {
    let file = encrypted();
    assert!(file.starts_with("-----BEGIN TIKTOK-UP LOGIN-----\n"));
    assert!(file.ends_with("-----END TIKTOK-UP LOGIN-----\n"));
    let expected = Account { alias: Some("anna".into()), ..living("id-1") };
    assert_eq!(decrypt(file.as_bytes(), &word()).unwrap(), expected);
    // As a mail program or a Windows clipboard hands it on.
    let carried = format!("\n\n{}\n\n", file.replace('\n', "\r\n"));
    assert_eq!(decrypt(carried.as_bytes(), &word()).unwrap(), expected);
}

#[test]
fn t18_the_file_shows_nothing_of_what_is_in_it() {
    let file = encrypted();
    for word in ["act.", "rft.", "id-1", "anna", "key"] {
        assert!(!file.contains(word), "{word}");
    }
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    for wrong in ["correct horse ", "", "Correct horse"] {
        let error = decrypt(encrypted().as_bytes(), &Secret::new(wrong)).unwrap_err();
        assert!(matches!(error, TransferError::Passphrase), "{error:?}");
        assert_eq!(error.exit(), Exit::Usage);
    }
}

#[test]
fn a_file_that_was_cut_off_or_changed_is_refused() {
    let file = encrypted();
    for length in [32, 60, file.len() / 2, file.len() - 40, file.len() - 3] {
        let error = decrypt(&file.as_bytes()[..length], &word()).unwrap_err();
        assert!(matches!(error, TransferError::Damaged { .. }), "{length}: {error:?}");
    }
    // Whatever byte it is, in the header or in the content.
    for at in 0..file.len() - 1 {
        let other = if file.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut changed = file.clone();
        changed.replace_range(at..=at, other);
        let refused = EncryptedLogin::read(changed.as_bytes()).is_none_or(|read| read.is_err());
        assert!(refused, "{at}");
    }
    let error = decrypt(format!("{file}more").as_bytes(), &word()).unwrap_err();
    assert!(matches!(error, TransferError::Damaged { .. }), "{error:?}");
}

/// A file with this content.
fn file_of(content: &[u8]) -> Vec<u8> {
    armor(Label("TIKTOK-UP LOGIN"), content, &word()).unwrap().into_bytes()
}

#[test]
fn a_file_that_asks_for_too_much_work_is_refused_at_once() {
    let started = std::time::Instant::now();
    let error = decrypt(DEAR.as_bytes(), &word()).unwrap_err();
    assert!(matches!(error, TransferError::Work { memory_mib: 102_400, passes: 1 }), "{error:?}");
    assert_eq!(error.exit(), Exit::Usage);
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// Asks for 100 GiB, with the checksum that goes with it.
const DEAR: &str = "\
    -----BEGIN TIKTOK-UP LOGIN-----\n\
    v1 $argon2id$v=19$m=104857600,t=1,p=1$AAECAwQFBgcICQoLDA0ODw 12b8bd3d754d347a\n\
    enc:1:2613fbf6b463:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
    -----END TIKTOK-UP LOGIN-----\n\
    ";

#[test]
fn a_file_of_another_content_is_refused_without_quoting_it() {
    let newer = br#"{"format":"tiktok-up login","version":2,"token":"act.canary"}"#;
    let error = decrypt(&file_of(newer), &word()).unwrap_err();
    assert!(matches!(error, TransferError::Newer { version: 2 }), "{error:?}");
    for content in [
        &b""[..],
        b"act.canary",
        br#"{"format":"act.canary","version":1}"#,
        br#"{"format":"tiktok-up login","version":1,"open_id":"x","account":"act.canary"}"#,
    ] {
        let error = decrypt(&file_of(content), &word()).unwrap_err();
        assert!(matches!(error, TransferError::Content { .. }), "{error:?}");
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("canary"));
    }
}

#[test]
fn a_file_of_age_is_refused_with_what_to_do() {
    for file in [
        "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n",
        "\r\n-----BEGIN AGE ENCRYPTED FILE-----\r\n",
        "age-encryption.org/v1\n-> scrypt b9cfqsGbZzGWJcGp4AxLqw 17\n",
    ] {
        let error = EncryptedLogin::read(file.as_bytes()).unwrap().unwrap_err();
        assert!(matches!(error, TransferError::Age), "{error:?}");
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().unwrap().contains("accounts export"));
    }
}

#[test]
fn what_is_no_encrypted_login_is_not_taken_for_one() {
    for other in
        ["", "hello", "{}", "-----BEGIN PGP MESSAGE-----", "----BEGIN TIKTOK-UP LOGIN-----"]
    {
        assert!(EncryptedLogin::read(other.as_bytes()).is_none(), "{other}");
    }
}

#[tokio::test]
async fn t16_tokens_from_elsewhere_never_overwrite_newer_ones() {
    let (_dir, store) = store();
    let of = |when: &str, token: &str| Account {
        issued_at: at(when),
        refresh_token: Secret::new(token),
        ..living("id-1")
    };
    assert_eq!(take(&store, of("2026-11-05T00:00:00Z", "rft.2")).await, ImportOutcome::New);
    assert_eq!(take(&store, of("2026-11-04T00:00:00Z", "rft.1")).await, ImportOutcome::Older);
    assert_eq!(take(&store, of("2026-11-05T00:00:00Z", "rft.2")).await, ImportOutcome::Older);
    assert_eq!(store.account(None).unwrap().refresh_token, Secret::new("rft.2"));
    assert_eq!(take(&store, of("2026-11-06T00:00:00Z", "rft.3")).await, ImportOutcome::Newer);
    assert_eq!(store.account(None).unwrap().refresh_token, Secret::new("rft.3"));
}

#[tokio::test]
async fn dead_tokens_give_way_whatever_two_clocks_say() {
    let (_dir, store) = store();
    let since = at("2026-11-05T00:00:00Z");
    let dead = NeedsLogin { since, reason: Reason::Rejected };
    let here = Account { issued_at: since, needs_login: Some(dead), ..living("id-1") };
    store.edit::<AccountError>("id-1", |_, _| Ok(crate::store::Edit::Put(Box::new(here)))).unwrap();
    let older = Account { refresh_token: Secret::new("rft.other"), ..living("id-1") };
    assert_eq!(take(&store, older).await, ImportOutcome::Newer);
    assert_eq!(store.account(None).unwrap().needs_login, None);
}

#[tokio::test]
async fn an_alias_comes_along_if_it_is_free_and_never_replaces_one() {
    let (_dir, store) = store();
    let named =
        |open_id: &str, alias: &str| Account { alias: Some(alias.into()), ..living(open_id) };
    take(&store, named("id-1", "anna")).await;
    take(&store, named("id-2", "anna")).await;
    take(&store, named("id-3", "id-1")).await;
    take(&store, named("id-4", "\u{1b}[2J")).await;
    let later = at("2026-12-01T00:00:00Z");
    let again = Account {
        issued_at: later,
        refresh_token: Secret::new("rft.later"),
        ..named("id-1", "hanna")
    };
    take(&store, again).await;
    let accounts = store.accounts().unwrap();
    let aliases: Vec<_> = accounts.iter().map(|account| account.alias.as_deref()).collect();
    assert_eq!(aliases, [Some("anna"), None, None, None]);
}

#[tokio::test]
async fn an_account_that_is_paused_on_either_machine_is_paused() {
    let since = Some(at("2026-11-03T12:00:00Z"));
    for (here, there) in [(since, None), (None, since), (since, since)] {
        let (_dir, store) = store();
        take(&store, Account { paused_since: here, ..living("id-1") }).await;
        let arrived = Account {
            paused_since: there,
            issued_at: at("2026-12-01T00:00:00Z"),
            refresh_token: Secret::new("rft.later"),
            ..living("id-1")
        };
        let (outcome, account) = try_take(&store, arrived).await.unwrap();
        assert_eq!((outcome, account.paused_since), (ImportOutcome::Newer, since));
    }
}

#[tokio::test]
async fn a_login_that_has_ended_is_not_taken_in() {
    let (_dir, store) = store();
    let ended = Account { refresh_expires_at: at("2020-01-01T00:00:00Z"), ..living("id-1") };
    let error = try_take(&store, ended).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Login);
    assert!(store.accounts().unwrap().is_empty());
}

#[tokio::test]
async fn tokens_of_another_app_are_not_mixed_in() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    let other = Account { client_key: "other".into(), ..living("id-1") };
    let error = try_take(&store, other).await.unwrap_err();
    assert!(matches!(error, TransferError::OtherApp { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_handed_over_is_marked_and_comes_back() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    let over = async || exported(&store).await.unwrap();
    let file = over().await.file;
    assert!(store.account(None).unwrap().is_exported());
    let again = over().await;
    again.undo().await.unwrap();
    assert!(store.account(None).unwrap().is_exported(), "the first file is still out");
    let back = decrypt(file.as_bytes(), &word()).unwrap();
    assert_eq!(take(&store, back).await, ImportOutcome::Back);
    assert_eq!(store.account(None).unwrap().needs_login, None);
    over().await.undo().await.unwrap();
    assert_eq!(store.account(None).unwrap().needs_login, None);
}

#[tokio::test]
async fn t15_a_login_that_is_being_refreshed_or_used_is_not_handed_over() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    for path in [store.refresh_lock("id-1"), store.upload_lock("id-1")] {
        let _held = crate::fs::Lock::try_acquire(&path).unwrap();
        let error = exported(&store).await.unwrap_err();
        assert!(matches!(error, TransferError::Busy { .. }), "{error:?}");
        assert_eq!(error.exit(), Exit::Temporary);
        assert_eq!(store.account(None).unwrap().needs_login, None);
    }
}

#[tokio::test]
async fn f13_the_answer_of_an_interrupted_refresh_is_handed_over() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    let spent = store.account(None).unwrap().refresh_token;
    let body = br#"{"access_token":"act.2","expires_in":7200,"open_id":"id-1",
        "refresh_token":"rft.2","refresh_expires_in":999999999,"scope":"s"}"#;
    let answer = tiktok_open::RawTokenAnswer::new(200, body.to_vec());
    let bytes = crate::auth::refresh_log::encode(
        "id-1",
        at("2026-11-20T00:00:00Z"),
        &spent,
        "api",
        &answer,
    );
    let path = store.refresh_log().answer_path("id-1");
    crate::fs::write_atomic(&path, &bytes, crate::fs::PRIVATE_FILE).unwrap();
    let over = exported(&store).await.unwrap();
    assert_eq!(over.account.refresh_token, Secret::new("rft.2"));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_login_of_another_api_does_not_take_the_place_of_the_one_here() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    let before = store.account(None).unwrap();
    let issued_at = at("2026-11-20T00:00:00Z");
    let api = Some("http://127.0.0.1:1".to_owned());
    let error = try_take(&store, Account { api, issued_at, ..living("id-1") }).await;
    assert!(matches!(error, Err(TransferError::OtherApi { .. })), "{error:?}");
    assert_eq!(store.account(None).unwrap(), before);
}

#[tokio::test]
async fn a_login_whose_tokens_are_spent_is_not_handed_over() {
    let (_dir, store) = store();
    take(&store, living("id-1")).await;
    let spent = store.account(None).unwrap().refresh_token;
    let body = br#"{"tokens":["act.example1","rft.example2"]}"#;
    let answer = tiktok_open::RawTokenAnswer::new(200, body.to_vec());
    let bytes = crate::auth::refresh_log::encode(
        "id-1",
        at("2026-11-20T00:00:00Z"),
        &spent,
        "api",
        &answer,
    );
    crate::fs::write_atomic(
        &store.refresh_log().answer_path("id-1"),
        &bytes,
        crate::fs::PRIVATE_FILE,
    )
    .unwrap();
    let error = exported(&store).await.unwrap_err();
    assert!(matches!(error, TransferError::Unread { .. }), "{error:?}");
    assert_eq!(store.account(None).unwrap().needs_login, None);
}
