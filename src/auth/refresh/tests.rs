//! The refresh protocol against a token endpoint with strict rotation.

use std::fs as std_fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use tempfile::TempDir;
use tiktok_open::{Code, RawTokenAnswer};

use super::*;
use crate::auth::logout::logout;
use crate::auth::refresh_log;
use crate::auth::testing::{Answer, Endpoint, ISSUER, Recorder, answer_of, grant, quick};
use crate::exit::Exit;
use crate::fs;
use crate::fs::Lock;
use crate::model::account::Reason;
use crate::output::Explain as _;
use crate::signals::Signal;
use crate::store::local::{LocalStore, RefreshLog, TokenFile};
use crate::store::testing::Forgetful;
use crate::store::{AccountError, Edit};

const ID: &str = "anna";

struct World {
    _dir: TempDir,
    endpoint: Endpoint,
    store: TokenFile,
    told: Arc<Recorder>,
    tokens: Tokens,
}

fn app(key: &str) -> App {
    App {
        name: None,
        client_key: key.to_owned(),
        client_secret: Secret::new("a secret of the app"),
        redirect_uri: None,
        scopes: None,
    }
}

/// The logins of a token file, as another process has them.
fn logins(store: &TokenFile) -> LoginStore {
    let log = store.refresh_log();
    let store = LocalStore::new(store.clone(), Clock::default()).unwrap();
    LoginStore::new(Arc::new(store), log)
}

fn tokens_of(store: &TokenFile, endpoint: &Endpoint, told: &Arc<Recorder>) -> Tokens {
    Tokens::new(
        logins(store),
        endpoint.client.clone(),
        Arc::new(vec![app("key")]),
        Clock::default(),
        quick(),
        Arc::clone(told) as Arc<dyn Reporter>,
    )
}

impl World {
    /// One account whose access token has ended, and the machine's own clock.
    async fn with_ended_token() -> Self {
        let world = Self::empty().await;
        let now = Clock::default().now();
        world.put(&issued(ID, now - SignedDuration::from_hours(3)));
        world
    }

    /// One account whose access token lives.
    async fn with_living_token() -> Self {
        let world = Self::empty().await;
        world.put(&issued(ID, Clock::default().now()));
        world
    }

    async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::start().await;
        let store = TokenFile::open(dir.path(), Clock::default()).unwrap();
        let told = Arc::new(Recorder::default());
        let tokens = tokens_of(&store, &endpoint, &told);
        Self { _dir: dir, endpoint, store, told, tokens }
    }

    /// The tokens as another run has them.
    fn another_run(&self) -> Tokens {
        tokens_of(&self.store, &self.endpoint, &self.told)
    }

    /// Stores an account whose tokens this world's endpoint has issued, unless it says otherwise.
    fn put(&self, account: &Account) {
        let api = account.api.clone().or_else(|| Some(self.api()));
        put(&self.store, &Account { api, ..account.clone() });
    }

    fn log(&self) -> RefreshLog {
        self.store.refresh_log()
    }

    fn api(&self) -> String {
        self.endpoint.client.endpoints().api_base()
    }

    fn stored(&self) -> Account {
        self.store.account(Some(ID)).unwrap()
    }

    fn text(&self) -> Vec<u8> {
        std_fs::read(self.store.path()).unwrap()
    }

    /// Leaves what an interrupted refresh leaves.
    fn leave_behind(&self, spent: &str, body: &str) {
        self.leave(&self.log().answer_path(ID), spent, body);
    }

    fn leave(&self, path: &std::path::Path, spent: &str, body: &str) {
        let answer = RawTokenAnswer::new(200, body.as_bytes().to_vec());
        let now = Clock::default().now();
        let bytes = refresh_log::encode(ID, now, &Secret::new(spent), &self.api(), &answer);
        fs::write_atomic(path, &bytes, fs::PRIVATE_FILE).unwrap();
    }

    /// The answers that were set aside, by name.
    fn unread(&self) -> Vec<std::path::PathBuf> {
        let files = self.log().files().unwrap();
        files.into_iter().filter(|path| RefreshLog::is_unread(path)).collect()
    }

    fn nothing_is_left_behind(&self) {
        let left: Vec<_> = std_fs::read_dir(self.store.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains(".new") || name.contains(".tmp-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    async fn refresh(&self) -> Result<Outcome, AuthError> {
        self.tokens.refresh(ID, RefreshPolicy::Within(NEED)).await
    }
}

fn issued(open_id: &str, at: Timestamp) -> Account {
    of_endpoint(open_id, 1, at)
}

/// An account whose tokens the endpoint of these tests has issued.
fn of_endpoint(open_id: &str, number: u32, at: Timestamp) -> Account {
    Account { api: None, ..Account::new(open_id.to_owned(), grant(open_id, number), ISSUER, at) }
}

fn put(store: &TokenFile, account: &Account) {
    let account = account.clone();
    let open_id = account.open_id.clone();
    store.edit::<AccountError>(&open_id, |_, _| Ok(Edit::Put(Box::new(account)))).unwrap();
}

fn number(account: &Account) -> &str {
    account.access_token.expose().rsplit_once('.').unwrap().1
}

#[tokio::test]
async fn a_living_token_is_handed_out_without_a_call() {
    let world = World::with_living_token().await;
    assert_eq!(number(&world.tokens.access_token(ID).await.unwrap()), "1");
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn an_ended_token_is_refreshed_and_stored() {
    let world = World::with_ended_token().await;
    let Ok(Outcome::Refreshed(account)) = world.refresh().await else { panic!("not refreshed") };
    assert_eq!(number(&account), "2");
    assert_eq!(world.stored(), account);
    assert_eq!(account.generation, 2);
    assert!(account.lives(Clock::default().now()));
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn the_refresh_sends_what_is_documented_and_nothing_else() {
    let world = World::with_ended_token().await;
    world.refresh().await.unwrap();
    let form = &world.endpoint.requests()[0];
    let expected = [
        ("client_key", "key"),
        ("client_secret", "a secret of the app"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "rft.anna.1"),
    ];
    assert!(form.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
}

#[tokio::test]
async fn no_token_is_spent_once_the_run_was_asked_to_stop() {
    let world = World::with_ended_token().await;
    let stopping = Shutdown::asked_by(Signal::INTERRUPT);
    let tokens = world.another_run().with_shutdown(stopping);
    let stopped = tokens.refresh(ID, RefreshPolicy::Force).await.unwrap_err();
    assert!(matches!(stopped, AuthError::Stopped), "{stopped:?}");
    assert!(world.endpoint.requests().is_empty());
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn alias_display_name_and_pause_survive_a_refresh() {
    let world = World::with_ended_token().await;
    let paused_since = Some(Timestamp::UNIX_EPOCH);
    let named = Account {
        alias: Some("a".into()),
        display_name: Some("Anna".into()),
        paused_since,
        ..world.stored()
    };
    world.put(&named);
    world.refresh().await.unwrap();
    let account = world.stored();
    assert_eq!(account.paused_since, paused_since);
    assert_eq!(account.alias.as_deref(), Some("a"));
    assert_eq!(account.display_name.as_deref(), Some("Anna"));
}

#[tokio::test]
async fn force_refreshes_a_living_token() {
    let world = World::with_living_token().await;
    let outcome = world.tokens.refresh(ID, RefreshPolicy::Force).await.unwrap();
    assert!(matches!(outcome, Outcome::Refreshed(_)));
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_a_token_refused_before_is_not_replaced_again() {
    let world = World::with_living_token().await;
    let refused = world.stored().access_token;
    let renewed = world.tokens.renew(ID, &refused).await.unwrap();
    assert_eq!(number(&renewed), "2");
    let late = world.tokens.renew(ID, &refused).await.unwrap();
    assert_eq!(number(&late), "2");
    assert_eq!(world.endpoint.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_f16_eight_at_once_rotate_once() {
    let world = World::with_ended_token().await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let tokens = Tokens::new(
                logins(&TokenFile::open(world.store.dir(), Clock::default()).unwrap()),
                world.endpoint.another_client(),
                Arc::new(vec![app("key")]),
                Clock::default(),
                quick(),
                Arc::new(Recorder::default()),
            );
            tokio::spawn(
                async move { tokens.refresh(ID, RefreshPolicy::Within(NEED)).await.unwrap() },
            )
        })
        .collect();
    let mut refreshed = 0;
    for task in tasks {
        let outcome = task.await.unwrap();
        assert_eq!(number(outcome.account()), "2");
        refreshed += usize::from(matches!(outcome, Outcome::Refreshed(_)));
    }
    assert_eq!((refreshed, world.endpoint.requests().len(), world.endpoint.refused()), (1, 1, 0));
    assert_eq!(world.stored().generation, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn f78_two_accounts_at_once_both_survive() {
    let world = World::with_ended_token().await;
    world.put(&issued("ben", Clock::default().now() - SignedDuration::from_hours(3)));
    let one = world.tokens.access_token(ID);
    let two = world.tokens.access_token("ben");
    let (one, two) = tokio::join!(one, two);
    assert_eq!((number(&one.unwrap()), number(&two.unwrap())), ("2", "2"));
    let accounts = world.store.accounts().unwrap();
    assert!(accounts.iter().all(|account| number(account) == "2" && account.generation == 2));
}

#[tokio::test]
async fn f13_a_leftover_answer_is_adopted_before_anything_is_spent() {
    let world = World::with_ended_token().await;
    world.leave_behind("rft.anna.1", &answer_of(ID, 2));
    let Ok(Outcome::Recovered(account)) = world.refresh().await else { panic!("not recovered") };
    assert_eq!(number(&account), "2");
    assert_eq!(world.stored(), account);
    assert!(world.endpoint.requests().is_empty());
    assert_eq!(world.told.all(), [AuthEvent::Recovered { account: ID.into() }]);
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn f13_a_leftover_is_adopted_at_the_start_of_any_run() {
    let world = World::with_living_token().await;
    world.leave_behind("rft.anna.1", &answer_of(ID, 2));
    world.tokens.recover().await.unwrap();
    assert_eq!(number(&world.stored()), "2");
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn f13_a_leftover_answer_revives_an_account_that_needed_a_login() {
    let world = World::with_ended_token().await;
    let since = Clock::default().now();
    let needs_login = Some(crate::model::account::NeedsLogin { since, reason: Reason::Rejected });
    world.put(&Account { needs_login, ..world.stored() });
    world.leave_behind("rft.anna.1", &answer_of(ID, 2));
    assert!(matches!(world.refresh().await, Ok(Outcome::Recovered(_))));
}

#[tokio::test]
async fn f14_a_leftover_that_is_outdated_or_without_tokens_is_removed_with_a_note() {
    for (spent, body) in [
        ("rft.anna.0", answer_of(ID, 1)),
        ("rft.anna.0", answer_of(ID, 1)[..40].to_owned()),
        ("rft.anna.1", answer_of(ID, 2)[..10].to_owned()),
        ("rft.anna.1", "<html>captive portal</html>".to_owned()),
        ("rft.anna.1", r#"{"error":"invalid_grant"}"#.to_owned()),
    ] {
        let world = World::with_living_token().await;
        let before = world.text();
        world.leave_behind(spent, &body);
        assert!(matches!(world.refresh().await, Ok(Outcome::NotDue(_))));
        assert_eq!(world.told.all(), [AuthEvent::LeftoverRemoved { account: ID.into() }]);
        assert_eq!(world.text(), before);
        world.nothing_is_left_behind();
    }
}

#[tokio::test]
async fn f14_the_leftover_of_a_process_at_work_is_left() {
    let world = World::with_living_token().await;
    world.leave_behind("rft.anna.1", &answer_of(ID, 2));
    let _held = Lock::try_acquire(&world.store.refresh_lock(ID)).unwrap();
    world.tokens.recover().await.unwrap();
    assert!(world.log().answer_path(ID).exists());
    assert_eq!(number(&world.stored()), "1");
}

impl World {
    /// The same, but with little patience for locks.
    fn impatient(mut self) -> Self {
        let timing = Timing { refresh_lock: Duration::from_millis(50), ..quick() };
        self.tokens = Tokens::new(
            logins(&self.store),
            self.endpoint.client.clone(),
            Arc::new(vec![app("key")]),
            Clock::default(),
            timing,
            Arc::clone(&self.told) as Arc<dyn Reporter>,
        );
        self
    }
}

#[tokio::test]
async fn f15_with_the_lock_held_elsewhere_a_living_token_is_used_and_nothing_refreshed() {
    let world = World::with_living_token().await.impatient();
    let _held = Lock::try_acquire(&world.store.refresh_lock(ID)).unwrap();
    let outcome = world.tokens.refresh(ID, RefreshPolicy::Force).await.unwrap();
    assert!(matches!(outcome, Outcome::Kept(_)));
    let told = world.told.all();
    let [AuthEvent::RefreshBusy { account, holder: Some(holder) }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(account, ID);
    assert!(holder.contains(&format!("process {}, since ", std::process::id())), "{holder}");
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn f15_with_the_lock_held_elsewhere_an_ended_token_means_later() {
    let world = World::with_ended_token().await.impatient();
    let _held = Lock::try_acquire(&world.store.refresh_lock(ID)).unwrap();
    let error = world.refresh().await.unwrap_err();
    assert!(matches!(error, AuthError::RefreshBusy { .. }));
    assert_eq!(error.exit(), Exit::Temporary);
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn f15_a_refused_token_is_not_used_even_then() {
    let world = World::with_living_token().await.impatient();
    let _held = Lock::try_acquire(&world.store.refresh_lock(ID)).unwrap();
    let refused = world.stored().access_token;
    let error = world.tokens.renew(ID, &refused).await.unwrap_err();
    assert!(matches!(error, AuthError::RefreshBusy { .. }));
}

#[tokio::test]
async fn f17_a_refresh_without_an_answer_is_tried_once_more_with_the_same_token() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::Drop]);
    assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))));
    let sent: Vec<_> =
        world.endpoint.requests().iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(sent, ["rft.anna.1", "rft.anna.1"]);
}

#[tokio::test]
async fn f17_f21_without_any_answer_the_tokens_stay_as_they_are() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::Drop, Answer::Drop]);
    let before = world.text();
    let error = world.refresh().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Temporary);
    assert_eq!(world.text(), before);
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn f19_a_lost_answer_to_a_rotation_needs_a_login() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::RotateAndDrop]);
    let error = world.refresh().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Login);
    assert_eq!(world.stored().needs_login.unwrap().reason, Reason::Rejected);
    assert_eq!(world.stored().refresh_token.expose(), "rft.anna.1", "kept, never deleted");
    // The next run does not try the dead token again.
    assert!(matches!(world.refresh().await, Err(AuthError::NeedsLogin { source: None, .. })));
    assert_eq!(world.endpoint.requests().len(), 2);
}

#[tokio::test]
async fn f18_a_refusal_after_the_store_has_changed_adopts_what_is_stored() {
    let world = World::with_ended_token().await;
    let store = world.store.clone();
    let login = move || {
        let now = Clock::default().now();
        put(&store, &of_endpoint(ID, 9, now));
    };
    world.endpoint.script([Answer::RefuseAfter(Box::new(login))]);
    let Ok(Outcome::Adopted(account)) = world.refresh().await else { panic!("not adopted") };
    assert_eq!(number(&account), "9");
    assert_eq!(world.stored().needs_login, None);
}

#[tokio::test]
async fn t16_an_answer_after_a_login_does_not_overwrite_the_login() {
    let world = World::with_ended_token().await;
    let store = world.store.clone();
    let login = move || {
        let now = Clock::default().now();
        put(&store, &of_endpoint(ID, 9, now));
    };
    world.endpoint.script([Answer::After(Box::new(login))]);
    assert!(matches!(world.refresh().await, Ok(Outcome::Adopted(_))));
    assert_eq!(number(&world.stored()), "9");
    world.nothing_is_left_behind();
}

#[tokio::test]
async fn f20_what_cannot_be_saved_is_kept_and_picked_up_by_the_next_run() {
    let world = World::with_ended_token().await;
    let path = world.store.path();
    let whole = world.text();
    let breakage = {
        let path = path.clone();
        move || std_fs::write(&path, "torn by somebody else").unwrap()
    };
    world.endpoint.script([Answer::After(Box::new(breakage))]);
    let error = world.refresh().await.unwrap_err();
    assert!(matches!(error, AuthError::RefreshNotSaved { kept: true, .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Local);
    assert!(!format!("{error:?}").contains("act."));

    std_fs::write(&path, whole).unwrap();
    assert!(matches!(world.refresh().await, Ok(Outcome::Recovered(_))));
    assert_eq!(number(&world.stored()), "2");
    assert_eq!(world.endpoint.requests().len(), 1);
}

#[tokio::test]
async fn f20_no_token_is_spent_when_the_disk_takes_no_writes() {
    let world = World::with_ended_token().await;
    // A directory in the way stands for a disk that refuses: root may write anywhere else.
    let pending = world.log().answer_path(ID);
    std_fs::create_dir(&pending).unwrap();
    std_fs::set_permissions(&pending, std_fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(world.refresh().await.unwrap_err().exit(), Exit::Local);
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn f21_trouble_at_tiktok_keeps_the_tokens() {
    for (status, body) in [
        (503, String::new()),
        (500, r#"{"error":"server_error","error_description":"","log_id":"1"}"#.to_owned()),
        (200, "<html>captive portal</html>".to_owned()),
        (200, answer_of(ID, 2)[..10].to_owned()),
        (200, r#"{"data":{},"message":"success"}"#.to_owned()),
    ] {
        let world = World::with_ended_token().await;
        let before = world.text();
        world.endpoint.script([Answer::Say(status, body.clone())]);
        let error = world.refresh().await.unwrap_err();
        assert_eq!(error.exit(), Exit::Temporary, "{body}");
        assert_eq!(world.text(), before);
        world.nothing_is_left_behind();
        assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))), "later it works");
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_not_a_dead_login() {
    let world = World::with_ended_token().await;
    let body = r#"{"error":"invalid_client","error_description":"","log_id":"1"}"#;
    world.endpoint.script([Answer::Say(401, body.to_owned())]);
    let error = world.refresh().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("same app"));
    assert_eq!(world.stored().needs_login, None);
}

#[tokio::test]
async fn f24_a_dead_refresh_token_needs_a_login() {
    let world = World::with_ended_token().await;
    let body = r#"{"error":"invalid_grant","error_description":"no","log_id":"42"}"#;
    world.endpoint.script([Answer::Say(400, body.to_owned())]);
    let error = world.refresh().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Login);
    let refusal = error.refusal().unwrap();
    assert_eq!((&refusal.code, refusal.log_id.as_deref()), (&Code::InvalidGrant, Some("42")));
    assert!(world.stored().needs_login.is_some());
}

#[tokio::test]
async fn f24_a_key_that_may_not_refresh_ends_no_login_and_names_the_sandbox() {
    for code in ["unauthorized_client", "unsupported_grant_type"] {
        let world = World::with_ended_token().await;
        let before = world.text();
        let body = format!(r#"{{"error":"{code}","error_description":"no","log_id":"42"}}"#);
        world.endpoint.script([Answer::Say(400, body)]);
        let error = world.refresh().await.unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().unwrap().contains("sandbox"));
        assert_eq!(error.refusal().unwrap().code, Code::from(code));
        assert_eq!(world.stored().needs_login, None);
        assert_eq!(world.text(), before);
        assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))), "the next run tries");
    }
}

#[tokio::test]
async fn t24_tokens_of_another_user_are_refused_kept_and_not_asked_for_again() {
    let world = World::with_ended_token().await;
    let stored = world.stored();
    world.endpoint.script([Answer::Say(200, answer_of("mallory", 2))]);
    let error = world.refresh().await.unwrap_err();
    assert!(matches!(&error, AuthError::Unread { found: Some(who), .. } if who == "mallory"));
    assert_eq!(error.exit(), Exit::Login);
    assert_eq!(world.stored(), stored);
    world.nothing_is_left_behind();
    assert_eq!(world.unread().len(), 1);
    assert!(matches!(world.refresh().await, Err(AuthError::Unread { .. })));
    assert_eq!(world.endpoint.requests().len(), 1);
}

/// Answers with tokens that only a later version can read.
const UNREAD: &str = r#"{"tokens":{"access":"act.anna.2","refresh":"rft.anna.2"}}"#;

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_kept_named_and_blocks_further_refreshes() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::Say(200, UNREAD.to_owned())]);
    let error = world.refresh().await.unwrap_err();
    let [path] = &world.unread()[..] else { panic!("{:?}", world.unread()) };
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(!format!("{error:?}").contains("rft."), "{error:?}");
    assert_eq!(error.exit(), Exit::Login);
    assert!(error.hint().unwrap().contains("update tiktok-up"));
    let kept = std_fs::read(path).unwrap();
    assert_eq!(std_fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    world.nothing_is_left_behind();
    // A later run says the same and sends nothing.
    world.tokens.recover().await.unwrap();
    assert!(matches!(world.refresh().await, Err(AuthError::Unread { path: Some(_), .. })));
    assert_eq!(world.endpoint.requests().len(), 1);
    assert_eq!(std_fs::read(path).unwrap(), kept);
}

#[tokio::test]
async fn force_tries_the_spent_token_all_the_same_and_never_overwrites_the_file() {
    let world = World::with_ended_token().await;
    world.endpoint.script([
        Answer::Say(200, UNREAD.to_owned()),
        Answer::Say(200, UNREAD.replace("anna.2", "anna.3")),
    ]);
    world.refresh().await.unwrap_err();
    let first = std_fs::read(&world.unread()[0]).unwrap();
    assert!(matches!(
        world.tokens.refresh(ID, RefreshPolicy::Force).await,
        Err(AuthError::Unread { .. })
    ));
    assert_eq!(world.unread().len(), 2);
    assert_eq!(std_fs::read(&world.unread()[0]).unwrap(), first);
    // What it gets makes both outdated.
    let outcome = world.tokens.refresh(ID, RefreshPolicy::Force).await.unwrap();
    assert!(matches!(outcome, Outcome::Refreshed(_)));
    world.tokens.recover().await.unwrap();
    assert!(world.unread().is_empty());
}

#[tokio::test]
async fn an_unread_answer_is_adopted_once_it_can_be_read() {
    let world = World::with_ended_token().await;
    world.leave_behind("rft.anna.1", &answer_of(ID, 2));
    world.log().set_aside(ID, &world.log().answer_path(ID)).unwrap();
    assert!(matches!(world.refresh().await, Ok(Outcome::Recovered(_))));
    assert_eq!(number(&world.stored()), "2");
    assert!(world.endpoint.requests().is_empty() && world.unread().is_empty());
}

#[tokio::test]
async fn a_new_login_outdates_an_unread_answer() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::Say(200, UNREAD.to_owned())]);
    world.refresh().await.unwrap_err();
    world.put(&of_endpoint(ID, 9, Clock::default().now()));
    world.tokens.recover().await.unwrap();
    assert!(world.unread().is_empty());
    assert!(matches!(world.refresh().await, Ok(Outcome::NotDue(_))));
}

#[tokio::test]
async fn a_torn_leftover_with_a_token_in_it_is_set_aside_and_named() {
    let world = World::with_ended_token().await;
    world.leave_behind("rft.anna.1", &answer_of(ID, 2)[..40]);
    assert!(matches!(world.refresh().await, Err(AuthError::Unread { .. })));
    let [path] = &world.unread()[..] else { panic!("{:?}", world.unread()) };
    let kept = AuthEvent::LeftoverKept { account: ID.into(), path: path.clone() };
    assert_eq!(world.told.all(), [kept]);
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn an_odd_answer_with_both_tokens_is_saved() {
    let whole = answer_of(ID, 2);
    for body in [
        format!("\u{feff}{whole}"),
        format!(r#"{{"data":{whole}}}"#),
        whole.replace("\"user.info.basic,video.upload\"", "null"),
        whole.replace("\"user.info.basic,video.upload\"", "[\"user.info.basic\",\"video.upload\"]"),
        whole.replace("7200", "null").replace("15552000", "null"),
        whole.replace("\"open_id\":\"anna\",", ""),
    ] {
        let world = World::with_ended_token().await;
        world.endpoint.script([Answer::Say(200, body.clone())]);
        let before = world.stored();
        assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))), "{body}");
        let stored = world.stored();
        assert_eq!((number(&stored), &stored.scopes), ("2", &before.scopes), "{body}");
        assert!(stored.refresh_expires_at >= before.refresh_expires_at, "{body}");
        assert!(stored.lives(Clock::default().now()), "{body}");
        world.nothing_is_left_behind();
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_behind_both_tokens_is_saved() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::RotateAndBreakOff("rft.anna.2\"")]);
    assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))));
    assert_eq!(number(&world.stored()), "2");
    assert_eq!(world.endpoint.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_in_a_token_is_kept_and_not_asked_for_again() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::RotateAndBreakOff("act.anna.2\"")]);
    assert!(matches!(world.refresh().await, Err(AuthError::Unread { .. })));
    assert_eq!((world.endpoint.requests().len(), world.unread().len()), (1, 1));
    assert_eq!(world.stored().needs_login, None);
}

#[tokio::test]
async fn f13_a_complete_answer_that_was_not_renamed_yet_is_adopted() {
    for recover in [false, true] {
        let world = World::with_ended_token().await;
        let pending = world.log().answer_path(ID);
        let name = pending.file_name().unwrap().to_str().unwrap();
        let temp = pending.with_file_name(format!(".{name}.tmp-0011223344556677"));
        world.leave(&temp, "rft.anna.1", &answer_of(ID, 2));
        if recover {
            world.tokens.recover().await.unwrap();
            assert_eq!(number(&world.stored()), "2");
        }
        world.refresh().await.unwrap();
        assert_eq!(number(&world.stored()), "2");
        assert!(world.endpoint.requests().is_empty());
        world.nothing_is_left_behind();
    }
}

impl World {
    /// One account whose access token lives for another minute.
    async fn with_ending_token() -> Self {
        let world = Self::empty().await;
        let nearly = SignedDuration::from_hours(2) - SignedDuration::from_secs(60);
        world.put(&issued(ID, Clock::default().now() - nearly));
        world
    }
}

#[tokio::test]
async fn f19_a_login_that_cannot_be_renewed_is_used_until_its_access_token_ends() {
    let world = World::with_ending_token().await;
    world.endpoint.script([Answer::RotateAndDrop]);
    let until = world.stored().access_expires_at;
    for _ in 0..2 {
        let account = world.tokens.access_token(ID).await.unwrap();
        assert_eq!(number(&account), "1");
    }
    let warning = AuthEvent::NotRenewable { account: ID.into(), until };
    assert!(warning.is_warning());
    assert_eq!(world.told.all(), [warning], "once per run");
    assert_eq!(world.stored().needs_login.unwrap().reason, Reason::Rejected);
    assert_eq!(world.endpoint.requests().len(), 2, "the dead token is not sent again");
    // A refresh says it by its exit code.
    let error = world.refresh().await.unwrap_err();
    assert!(matches!(error, AuthError::NeedsLogin { until: Some(_), .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Login);
    // So does a token that TikTok has refused, which works no more.
    let error = world.tokens.renew(ID, &world.stored().access_token).await.unwrap_err();
    assert!(matches!(error, AuthError::NeedsLogin { until: None, .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Login);
    assert_eq!(world.stored().needs_login.unwrap().reason, Reason::Refused);
    let error = world.tokens.access_token(ID).await.unwrap_err();
    assert!(matches!(error, AuthError::NeedsLogin { until: None, .. }), "{error:?}");
}

#[tokio::test]
async fn f19_an_ended_access_token_that_cannot_be_renewed_is_not_handed_out() {
    let world = World::with_ended_token().await;
    world.endpoint.script([Answer::RotateAndDrop]);
    let error = world.tokens.access_token(ID).await.unwrap_err();
    assert!(matches!(error, AuthError::NeedsLogin { until: None, .. }));
}

#[tokio::test]
async fn whatever_keeps_a_refresh_from_being_made_the_living_token_is_used() {
    let refusal = r#"{"error":"unauthorized_client","log_id":"1"}"#;
    for answers in [
        vec![Answer::Drop, Answer::Drop],
        vec![Answer::Say(503, String::new())],
        vec![Answer::Say(200, UNREAD.to_owned())],
        vec![Answer::Say(400, refusal.to_owned())],
    ] {
        let world = World::with_ending_token().await;
        world.endpoint.script(answers);
        let account = world.tokens.access_token(ID).await.unwrap();
        assert_eq!(number(&account), "1");
        let told = world.told.all();
        assert!(matches!(&told[..], [AuthEvent::NotRenewed { .. }]), "{told:?}");
        assert!(!told[0].to_string().contains("rft."));
    }
    let world = World::with_ending_token().await;
    // Nothing can be saved: a directory stands where the store's lock should be.
    let lock = world.store.dir().join("user_tokens.json.lock");
    std_fs::remove_file(&lock).unwrap();
    std_fs::create_dir(&lock).unwrap();
    assert_eq!(number(&world.tokens.access_token(ID).await.unwrap()), "1");
    assert!(world.endpoint.requests().is_empty());
    assert_eq!(world.refresh().await.unwrap_err().exit(), Exit::Local);
}

#[tokio::test]
async fn a_refusal_that_may_pass_is_not_asked_for_with_every_call_of_a_run() {
    let world = World::with_ending_token().await;
    let refusal = r#"{"error":"unauthorized_client","log_id":"1"}"#;
    world.endpoint.script([Answer::Say(400, refusal.to_owned())]);
    for _ in 0..3 {
        world.tokens.access_token(ID).await.unwrap();
    }
    assert_eq!(world.endpoint.requests().len(), 1);
}

#[tokio::test]
async fn force_tries_a_marked_login_again_but_not_one_that_is_elsewhere() {
    for (reason, tried) in [
        (Reason::Rejected, true),
        (Reason::Refused, true),
        (Reason::Restored, true),
        (Reason::Exported, false),
    ] {
        let world = World::with_ended_token().await;
        let since = Clock::default().now();
        let needs_login = Some(crate::model::account::NeedsLogin { since, reason });
        world.put(&Account { needs_login, ..world.stored() });
        let outcome = world.tokens.refresh(ID, RefreshPolicy::Force).await;
        assert_eq!(outcome.is_ok(), tried, "{outcome:?}");
        assert_eq!(world.endpoint.requests().len(), usize::from(tried));
        assert_eq!(world.stored().needs_login.is_none(), tried);
    }
}

#[tokio::test]
async fn tokens_of_another_api_are_refused_before_anything_is_sent() {
    let elsewhere = "http://127.0.0.1:1";
    for ask in [
        RefreshPolicy::Within(NEED),
        RefreshPolicy::Force,
        RefreshPolicy::Instead(Secret::new("act.anna.1")),
    ] {
        let world = World::with_ended_token().await;
        world.put(&Account { api: Some(elsewhere.into()), ..world.stored() });
        let before = world.text();
        let error = world.tokens.refresh(ID, ask).await.unwrap_err();
        assert!(matches!(error, AuthError::OtherApi { .. }), "{error:?}");
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains(elsewhere) && error.to_string().contains(&world.api()));
        assert!(world.tokens.access_token(ID).await.is_err());
        assert_eq!(world.text(), before);
        assert!(world.endpoint.requests().is_empty());
    }
}

#[tokio::test]
async fn tokens_of_an_older_file_are_taken_anywhere_and_bound_by_their_next_refresh() {
    let world = World::with_ended_token().await;
    put(&world.store, &issued(ID, Clock::default().now() - SignedDuration::from_hours(3)));
    assert_eq!(world.stored().api, None);
    world.refresh().await.unwrap();
    assert_eq!(world.stored().api, Some(world.api()));
}

#[tokio::test]
async fn no_other_api_ends_a_login_of_an_older_file() {
    let world = World::with_ended_token().await;
    put(&world.store, &issued(ID, Clock::default().now() - SignedDuration::from_hours(3)));
    world.endpoint.script([Answer::RefuseAfter(Box::new(|| {}))]);
    let error = world.refresh().await.unwrap_err();
    assert!(matches!(error, AuthError::Refresh { .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Login);
    assert_eq!(world.stored().needs_login, None);
}

#[tokio::test]
async fn tokens_of_another_app_are_refused_with_the_reason() {
    let world = World::with_ended_token().await;
    let theirs =
        Account { client_key: "sbawx12345".into(), app: Some("trial".into()), ..world.stored() };
    world.put(&theirs);
    let error = world.refresh().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.to_string().contains("`sbawx1…`"), "{error}");
    assert!(error.hint().unwrap().contains("--app trial"));
    assert!(world.endpoint.requests().is_empty());
}

#[tokio::test]
async fn f22_the_end_of_the_login_is_announced_once_per_run() {
    let world = World::empty().await;
    let now = Clock::default().now();
    let at = now + SignedDuration::from_hours(24);
    world.put(&Account { refresh_expires_at: at, ..issued(ID, now) });
    world.refresh().await.unwrap();
    world.refresh().await.unwrap();
    assert_eq!(world.told.all(), [AuthEvent::EndsSoon { account: ID.into(), at }]);
}

#[tokio::test]
async fn f23_a_clock_that_went_back_is_told_and_the_token_refreshed() {
    let world = World::empty().await;
    world.put(&issued(ID, Clock::default().now() + SignedDuration::from_hours(1)));
    assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))));
    assert!(matches!(world.told.all()[..], [AuthEvent::ClockWentBack { .. }]));
    assert!(matches!(world.refresh().await, Ok(Outcome::NotDue(_))));
}

#[tokio::test]
async fn f23_a_clock_unlike_tiktok_s_is_told_and_the_token_refreshed_once() {
    let world = World::with_living_token().await;
    world.put(&issued("ben", Clock::default().now()));
    world.endpoint.says_date("Sun, 06 Nov 1994 08:49:37 GMT");
    assert!(matches!(world.refresh().await, Ok(Outcome::NotDue(_))));
    // The first answer is what shows the difference.
    world.tokens.refresh("ben", RefreshPolicy::Force).await.unwrap();
    assert!(matches!(world.refresh().await, Ok(Outcome::Refreshed(_))));
    assert!(matches!(world.refresh().await, Ok(Outcome::NotDue(_))));
    assert!(matches!(world.told.all()[..], [AuthEvent::ClockOff { .. }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_caller_does_not_drop_the_answer() {
    let world = World::with_ended_token().await;
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let hold = move || {
        asked.send(()).unwrap();
        may_go.recv().unwrap();
    };
    world.endpoint.script([Answer::After(Box::new(hold))]);
    let tokens = world.tokens.clone();
    let caller = tokio::spawn(async move { tokens.refresh(ID, RefreshPolicy::Within(NEED)).await });
    was_asked.await.unwrap();
    caller.abort();
    assert!(caller.await.is_err());
    go.send(()).unwrap();
    world.tokens.flush().await;
    assert_eq!(number(&world.stored()), "2");
}

#[tokio::test]
async fn a_name_that_is_no_account_is_a_usage_error() {
    let world = World::with_living_token().await;
    let error = world.tokens.access_token("nobody").await.unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn t15_no_token_is_spent_under_a_lease_that_did_not_last() {
    let world = World::with_ended_token().await;
    let store = LocalStore::new(world.store.clone(), Clock::default()).unwrap();
    let log = world.store.refresh_log();
    let tokens = Tokens::new(
        LoginStore::new(Arc::new(Forgetful(Arc::new(store))), log),
        world.endpoint.client.clone(),
        Arc::new(vec![app("key")]),
        Clock::default(),
        quick(),
        Arc::clone(&world.told) as Arc<dyn Reporter>,
    );
    let error = tokens.refresh(ID, RefreshPolicy::Force).await.unwrap_err();
    let lost = matches!(&error, AuthError::Store(StoreError::Lease(LeaseError::Lost { .. })));
    assert!(lost, "{error:?}");
    assert_eq!(error.exit(), Exit::Temporary);
    assert!(world.endpoint.requests().is_empty());
    assert_eq!(number(&world.stored()), "1");
    world.nothing_is_left_behind();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_for_an_account_that_was_logged_out_meanwhile_is_kept_nowhere() {
    let world = World::with_ended_token().await;
    let store = world.store.clone();
    world.endpoint.script([Answer::After(Box::new(move || {
        store.forget(ID).unwrap();
    }))]);
    let error = world.refresh().await.unwrap_err();
    let gone = matches!(error, AuthError::Store(StoreError::Account(AccountError::Name(_))));
    assert!(gone, "{error:?}");
    world.nothing_is_left_behind();
    assert!(world.log().files().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_waits_for_a_refresh_that_has_begun() {
    let world = World::with_ended_token().await;
    let (another, runtime) = (world.another_run(), tokio::runtime::Handle::current());
    let (tell, told) = std::sync::mpsc::channel();
    world.endpoint.script([Answer::After(Box::new(move || {
        let logout = runtime.spawn(async move { logout(&another, ID, true).await });
        tell.send(logout).unwrap();
    }))]);
    let outcome = world.refresh().await;
    assert!(matches!(outcome, Ok(Outcome::Refreshed(_))), "{outcome:?}");
    let (forgotten, _) = told.recv().unwrap().await.unwrap().unwrap();
    assert_eq!(number(&forgotten.unwrap()), "2");
    assert!(world.store.accounts().unwrap().is_empty());
    assert!(world.log().files().unwrap().is_empty());
}

/// A part of the program that panics.
#[derive(Debug)]
struct Panics;

impl Reporter for Panics {
    fn report(&self, _: AuthEvent) {
        std::panic::resume_unwind(Box::new("a fault"));
    }
}

#[tokio::test]
async fn a_panic_in_a_refresh_is_a_fault_and_no_interruption() {
    let world = World::with_living_token().await;
    world.leave_behind("rft.anna.0", &answer_of(ID, 1));
    let tokens = Tokens::new(
        logins(&world.store),
        world.endpoint.client.clone(),
        Arc::new(vec![app("key")]),
        Clock::default(),
        quick(),
        Arc::new(Panics),
    );
    let error = tokens.refresh(ID, RefreshPolicy::Within(NEED)).await.unwrap_err();
    assert!(matches!(error, AuthError::Panicked), "{error:?}");
    assert_eq!(error.exit(), Exit::Failed);
    assert!(error.hint().unwrap().contains("report it"));
}

/// Runs of two machines that share a database.
#[cfg(feature = "postgres")]
mod shared {
    use super::*;
    use crate::store::postgres::testing::{Database, is_there};
    use crate::store::{LeaseKind, Store};

    struct Machines {
        dir: TempDir,
        endpoint: Endpoint,
        database: Database,
        account: Account,
    }

    impl Machines {
        async fn new() -> Option<Self> {
            if !is_there() {
                return None;
            }
            let endpoint = Endpoint::start().await;
            let api = Some(endpoint.client.endpoints().api_base());
            let now = Clock::default().now();
            let account = Account { api, ..issued(ID, now - SignedDuration::from_hours(3)) };
            let machines = Self {
                dir: tempfile::tempdir().unwrap(),
                endpoint,
                database: Database::make(),
                account,
            };
            let put = machines.account.clone();
            let change = move |_: Option<&_>, _: &_| Edit::Put(Box::new(put));
            machines.store().accounts().change(ID, Box::new(change)).await.unwrap();
            Some(machines)
        }

        fn store(&self) -> Arc<dyn Store> {
            self.database.open(Clock::default())
        }

        fn tokens(&self, refresh_lock: Duration) -> Tokens {
            let file = TokenFile::open(self.dir.path(), Clock::default()).unwrap();
            Tokens::new(
                LoginStore::new(self.store(), file.refresh_log()),
                self.endpoint.client.clone(),
                Arc::new(vec![app("key")]),
                Clock::default(),
                Timing { refresh_lock, ..quick() },
                Arc::new(Recorder::default()),
            )
        }

        /// Another machine spends the token, and has not stored what it got when its lease is over.
        async fn another_spends(&self) -> Arc<dyn Store> {
            let other = self.store();
            let lease =
                other.leases().acquire(LeaseKind::Refresh, ID, Duration::ZERO).await.unwrap();
            other.accounts().spending(ID, &self.account.refresh_token).await.unwrap();
            let (app, token) = (app("key").credentials(), &self.account.refresh_token);
            self.endpoint.client.refresh(&app, token).await.unwrap();
            lease.release().await.unwrap();
            other
        }
    }

    #[tokio::test]
    async fn what_another_machine_has_spent_is_waited_for() {
        let Some(machines) = Machines::new().await else { return };
        let other = machines.another_spends().await;
        let _lives = other.leases().acquire(LeaseKind::Upload, ID, Duration::ZERO).await.unwrap();
        let tokens = machines.tokens(Duration::from_mins(1));
        let waits =
            tokio::spawn(async move { tokens.refresh(ID, RefreshPolicy::Within(NEED)).await });
        while machines.endpoint.refused() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (spent, api) = (&machines.account.refresh_token, machines.account.api.clone().unwrap());
        let now = Clock::default().now();
        other.accounts().rotate(ID, spent, &grant(ID, 2), &api, now).await.unwrap();
        let outcome = waits.await.unwrap().unwrap();
        assert!(matches!(&outcome, Outcome::Adopted(_)), "{outcome:?}");
        assert!(outcome.account().needs_login.is_none());
    }

    #[tokio::test]
    async fn a_login_that_another_machine_may_have_is_not_called_dead() {
        let Some(machines) = Machines::new().await else { return };
        let other = machines.another_spends().await;
        let stored = async || machines.store().accounts().login(ID).await.unwrap();
        let lives = other.leases().acquire(LeaseKind::Upload, ID, Duration::ZERO).await.unwrap();
        let refresh = async || {
            let tokens = machines.tokens(Duration::from_millis(50));
            tokens.refresh(ID, RefreshPolicy::Within(NEED)).await.unwrap_err()
        };
        let error = refresh().await;
        assert!(matches!(error, AuthError::RefreshBusy { .. }), "{error:?}");
        lives.release().await.unwrap();
        let error = refresh().await;
        assert!(matches!(error, AuthError::Elsewhere { .. }), "{error:?}");
        assert_eq!(error.exit(), Exit::Login);
        assert!(stored().await.needs_login.is_none());
        // It found nothing in its log.
        other.accounts().unspent(ID).await.unwrap();
        let error = refresh().await;
        assert!(matches!(error, AuthError::NeedsLogin { .. }), "{error:?}");
        assert!(stored().await.needs_login.is_some());
    }

    #[tokio::test]
    async fn whoever_gets_no_tokens_keeps_nobody_waiting() {
        let Some(machines) = Machines::new().await else { return };
        for answer in [Answer::Drop, Answer::Drop, Answer::Say(500, "{}".into())] {
            machines.endpoint.script([answer]);
        }
        let tokens = machines.tokens(Duration::from_millis(50));
        for _ in 0..2 {
            tokens.refresh(ID, RefreshPolicy::Within(NEED)).await.unwrap_err();
        }
        let token = &machines.account.refresh_token;
        let left = machines.store().accounts().spenders(ID, token).await.unwrap();
        assert_eq!(left, []);
    }
}
