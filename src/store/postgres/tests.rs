//! What a database adds to the rules of every store: connections that end, leases that end by themselves, commits
//! that nobody confirms, servers that are others now.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use super::link::{Commit, Session};
use super::testing::scripted::{Said, Scripted};
use super::testing::{Database, LIFE, is_there};
use super::*;
use crate::model::Phase;
use crate::model::{PostNumber, Source};
use crate::problem::{Coded as _, ErrorCode};
use crate::store::contract::fixtures::*;
use crate::store::error::DatabaseError;
use crate::store::{JournalError, LeaseError, LeaseKind};

/// Nobody was heard of for an hour.
const SILENT: &str = "UPDATE workers SET heartbeat = clock_timestamp() - interval '1 hour';
    UPDATE holders SET called = clock_timestamp() - interval '1 hour'";

/// A store in a schema of its own, and a second connection to look at it past the store.
fn there() -> Option<(PostgresStore, Session)> {
    if !is_there() {
        return None;
    }
    let database = Database::make();
    let beside = Session::start(&Arc::new(database.target()), Clock::default()).unwrap();
    Some((PostgresStore::new(database.target(), Clock::default(), LIFE).unwrap(), beside))
}

async fn sql(beside: &Session, statements: &'static str) {
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(statements)).await.unwrap();
}

fn code(error: &StoreError) -> ErrorCode {
    error.problem().code
}

#[tokio::test]
async fn a_connection_that_was_lost_is_made_again() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let pid = store.journal.run("test", Commit::Read, |tx| {
        tx.one::<i32>("SELECT pg_backend_pid()", &[]).map(Option::unwrap)
    });
    let pid = i64::from(pid.await.unwrap());
    let end = beside.run("test", Commit::Everywhere, move |tx| {
        tx.one::<bool>("SELECT pg_terminate_backend($1::bigint::int, 5000)", &[pid.into()])
    });
    assert_eq!(end.await.unwrap(), Some(true));
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    assert_eq!(post.number, PostNumber(1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_that_lets_nobody_in() {
    let Some((_, _)) = there() else { return };
    let read = |address: &str| {
        let address = crate::secret::Secret::new(address.to_owned());
        let target = Target::read(&address, None, &|_| None).unwrap();
        PostgresStore::new(target, Clock::default(), LIFE).unwrap()
    };
    let error = read("postgres:///posts?host=/nowhere&user=ana&password=s3cr3t")
        .accounts()
        .all()
        .await
        .unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseAway, "{error:?}");
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    let folder = Database::make().target().place().to_owned();
    let folder = folder.trim_start_matches("postgres://").rsplit_once('/').unwrap().0.to_owned();
    for odd in ["nobody_of_that_name", "tiktok"] {
        let address = format!("postgres:///no_such_database?host={folder}&user={odd}");
        let error = read(&address).accounts().all().await.unwrap_err();
        assert_eq!(code(&error), ErrorCode::DatabaseRefused, "{error:?}");
    }
}

#[tokio::test]
async fn a_commit_with_a_warning_is_not_acknowledged() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    // What a wait for a standby that is cancelled looks like: all is written, and a warning comes with it.
    sql(
        &beside,
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON attempts DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION warn()",
    )
    .await;
    let error = journal.begin_attempt(post.number, mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseUnacknowledged, "{error:?}");
    assert!(error.to_string().contains("canceling wait"), "{error}");
    // Nobody may call TikTok after that, and nobody begins another one.
    let attempts = journal.attempts(post.number).await.unwrap();
    assert_eq!(attempts.len(), 1);
    journal.begin_attempt(post.number, mine).await.unwrap_err();
}

#[tokio::test]
async fn a_warning_counts_in_every_language() {
    for (word, severity) in [("WARNUNG", "WARNING"), ("WARNING", "WARNING"), ("HINWEIS", "NOTICE")]
    {
        let server = Scripted::start(move |_, query| {
            if query.contains("COMMIT") {
                vec![Said::Notice(word, severity), Said::Done("COMMIT")]
            } else {
                vec![Said::Done("SET")]
            }
        });
        let session = Session::start(&Arc::new(server.target()), Clock::default()).unwrap();
        let made = session.bare("test", Commit::Everywhere, |_| Ok(())).await;
        match severity {
            "WARNING" => assert_eq!(code(&made.unwrap_err()), ErrorCode::DatabaseUnacknowledged),
            _ => made.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_warning_counts_whatever_the_user_wants_to_hear() {
    let Some((store, beside)) = there() else { return };
    let user = format!("deaf_{}", store.target.schema);
    let made = format!(
        "CREATE ROLE {user} SUPERUSER LOGIN; ALTER ROLE {user} SET client_min_messages = error;
         CREATE TABLE late (it bigint);
         CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION warn()"
    );
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&made)).await.unwrap();
    let target = Database::of_schema(&store.target.schema, &user);
    let deaf = Session::start(&Arc::new(target), Clock::default()).unwrap();
    let written = deaf
        .run("test", Commit::Everywhere, |tx| tx.batch("INSERT INTO late VALUES (1)"))
        .await
        .unwrap_err();
    assert_eq!(code(&written), ErrorCode::DatabaseUnacknowledged, "{written:?}");
}

#[tokio::test]
async fn a_commit_that_only_ends_what_failed_is_not_acknowledged() {
    let Some((_, beside)) = there() else { return };
    let made = beside.run("test", Commit::Everywhere, |tx| {
        // What goes wrong and is not told.
        _ = tx.batch("SELECT 1 / 0");
        Ok(())
    });
    let error = made.await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseUnacknowledged, "{error:?}");
}

#[tokio::test]
async fn a_connection_on_which_nothing_begins_is_not_used_again() {
    // Whatever the error is: it may have left half a transaction.
    for refusal in ["57014", "25P02", "XX000"] {
        let server = Scripted::start(move |connection, query| {
            if connection == 1 && query.starts_with("BEGIN") {
                vec![Said::Done("BEGIN"), Said::Refused(refusal)]
            } else {
                vec![Said::Done("SET")]
            }
        });
        let session = Session::start(&Arc::new(server.target()), Clock::default()).unwrap();
        session.bare("test", Commit::Everywhere, |_| Ok(())).await.unwrap_err();
        session.bare("test", Commit::Everywhere, |_| Ok(())).await.unwrap();
        let used: Vec<usize> = server.asked().iter().map(|(connection, _)| *connection).collect();
        assert_eq!(used, [1, 2, 2], "{refusal}");
    }
}

#[tokio::test]
async fn what_is_to_last_is_committed_synchronously() {
    let Some((store, _)) = there() else { return };
    let setting = |commit| {
        store.journal.run("test", commit, |tx| {
            tx.one::<String>("SELECT current_setting('synchronous_commit')", &[])
        })
    };
    assert_eq!(setting(Commit::Everywhere).await.unwrap().as_deref(), Some("on"));
    assert_eq!(setting(Commit::Soon).await.unwrap().as_deref(), Some("off"));
}

#[tokio::test]
async fn a_lease_that_nobody_renewed_is_anothers() {
    let Some((store, beside)) = there() else { return };
    let other = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let held = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    sql(&beside, "UPDATE leases SET until = clock_timestamp() - interval '1 ms'").await;
    let taken = other.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let lost = held.renew().await.unwrap_err();
    assert!(matches!(lost, StoreError::Lease(LeaseError::Lost { .. })), "{lost:?}");
    // Giving back what was lost takes nothing from the new holder.
    held.release().await.unwrap();
    taken.renew().await.unwrap();
}

#[tokio::test]
async fn who_spends_a_token_is_known_until_it_says_what_came_of_it() {
    let Some((store, _)) = there() else { return };
    let account = crate::model::fixtures::account("id-1");
    let put = account.clone();
    let change = move |_: Option<&_>, _: &_| crate::store::Edit::Put(Box::new(put));
    store.accounts().change("id-1", Box::new(change)).await.unwrap();
    let [one, two, me] = [(); 3]
        .map(|()| PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap());
    let token = &account.refresh_token;
    let spenders = async || -> Vec<bool> {
        let found = me.accounts().spenders("id-1", token).await.unwrap();
        found.iter().map(|spender| spender.lives).collect()
    };
    for spender in [&one, &two, &me] {
        let lease = spender.leases();
        let lease = lease.acquire(LeaseKind::Refresh, "id-1", Duration::ZERO).await.unwrap();
        spender.accounts().spending("id-1", token).await.unwrap();
        // Each thinks that it has the turn: the leases of those before it have ended.
        lease.release().await.unwrap();
    }
    assert_eq!(spenders().await, [false, false], "they have ended with what they got");
    let living = two.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    assert_eq!(spenders().await, [false, true]);
    one.accounts().unspent("id-1").await.unwrap();
    assert_eq!(spenders().await, [true]);
    let grant = crate::model::fixtures::grant("id-1", 2);
    let now = jiff::Timestamp::now();
    two.accounts().rotate("id-1", token, &grant, "api", now).await.unwrap();
    assert_eq!(spenders().await, [false; 0], "what it got is stored");
    living.release().await.unwrap();
}

#[tokio::test]
async fn what_a_process_of_this_machine_had_is_free_once_it_has_ended() {
    let Some((store, beside)) = there() else { return };
    let [here, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (dead, next, other) = (on(&store, &here), on(&store, &here), on(&store, &elsewhere));
    let _held = dead.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let acquire = async |store: &PostgresStore| {
        let leases = store.leases();
        leases.acquire(LeaseKind::Upload, "ana", Duration::ZERO).await?.release().await
    };
    acquire(&next).await.unwrap_err();
    // Its pid is that of a process that started later.
    sql(&beside, "UPDATE workers SET process = regexp_replace(process, '[0-9]+$', '1')").await;
    acquire(&other).await.unwrap_err();
    acquire(&next).await.unwrap();
    let left = beside.run("test", Commit::Read, |tx| {
        tx.one::<i64>("SELECT count(*) FROM holders WHERE account = 'ana'", &[])
    });
    assert_eq!(left.await.unwrap(), Some(1), "what it sent may be on its way");
}

#[tokio::test]
async fn a_post_is_not_called_not_posted_while_its_worker_may_live() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let lease = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let attempt = journal.begin_attempt(post.number, mine).await.unwrap();
    journal.advance(&attempt, Phase::Unresolved, &NO_FACTS, mine).await.unwrap();
    let other = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let elsewhere = other.open_journal(Accept::Never).await.unwrap().journal;
    let error = elsewhere.resolve(post.number, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Lease(LeaseError::Held { .. })), "{error:?}");
    sql(&beside, SILENT).await;
    assert!(elsewhere.resolve(post.number, false).await.unwrap().may_begin());
    drop(lease);
}

#[tokio::test]
async fn a_post_is_not_called_not_posted_while_anybody_who_had_it_may_live() {
    let Some((store, beside)) = there() else { return };
    let again = || PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let (other, person) = (again(), again());
    let first = store.open_journal(Accept::Never).await.unwrap().journal;
    let lost = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let mine = first.take_over("ana").await.unwrap();
    let post = first.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let attempt = first.begin_attempt(post.number, mine).await.unwrap();
    // Another run takes over, finds out nothing and ends. The first one is in the middle of its call.
    sql(&beside, "UPDATE leases SET until = clock_timestamp() - interval '1 ms'").await;
    let second = other.open_journal(Accept::Never).await.unwrap().journal;
    let lease = other.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let theirs = second.take_over("ana").await.unwrap();
    second.advance(&attempt, Phase::Unresolved, &NO_FACTS, theirs).await.unwrap();
    lease.release().await.unwrap();
    let journal = person.open_journal(Accept::Never).await.unwrap().journal;
    let asking = person.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let error = journal.resolve(post.number, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Lease(LeaseError::Held { .. })), "{error:?}");
    // What it lost it cannot give back, but it can say that it is done.
    lost.release().await.unwrap();
    asking.renew().await.unwrap();
    assert!(journal.resolve(post.number, false).await.unwrap().may_begin());
}

#[tokio::test]
async fn a_lease_is_given_back_before_its_last_store_is_gone() {
    let Some((store, beside)) = there() else { return };
    for _ in 0..20 {
        let once = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
        let held = once.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
        drop(held);
        drop(once);
        let left = beside.run("test", Commit::Read, |tx| {
            tx.one::<i64>(
                "SELECT (SELECT count(*) FROM leases) + (SELECT count(*) FROM holders)",
                &[],
            )
        });
        assert_eq!(left.await.unwrap(), Some(0));
    }
}

#[tokio::test]
async fn after_a_failover_an_account_begins_nothing_before_what_was_under_way_for_it_is_settled() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let open = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let attempt = journal.begin_attempt(open.number, mine).await.unwrap();
    sql(&beside, "UPDATE epochs SET timeline = '0000007F'").await;
    let next = journal.post_for(&entry(2, 20), mine).await.unwrap();
    let error = journal.begin_attempt(next.number, mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseFailedOver, "{error:?}");
    assert!(error.to_string().contains("1 post was under way"), "{error}");
    // Whoever it is that is not at it now, or logged out: the others have settled theirs.
    let bens = journal.take_over("ben").await.unwrap();
    let of_ben = journal.post_for(&entry(3, 30).of("ben"), bens).await.unwrap();
    journal.begin_attempt(of_ben.number, bens).await.unwrap();
    let error = journal.begin_attempt(next.number, mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseFailedOver, "{error:?}");
    journal.advance(&attempt, Phase::Lost, &NO_FACTS, mine).await.unwrap();
    journal.begin_attempt(next.number, mine).await.unwrap();
    // What was begun after it stands in nobody's way.
    let last = journal.post_for(&entry(4, 40), mine).await.unwrap();
    journal.begin_attempt(last.number, mine).await.unwrap();
}

#[tokio::test]
async fn a_dump_that_was_put_into_another_server_is_doubted_as_a_copy_is() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let open = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let attempt = journal.begin_attempt(open.number, mine).await.unwrap();
    let attempt = journal.advance(&attempt, OPEN, &accepted(), mine).await.unwrap();
    let next = journal.post_for(&entry(2, 20), mine).await.unwrap();
    sql(&beside, "UPDATE cluster SET system_id = '1'").await;
    // In the middle of a run, whether anything is under way or not.
    let error = journal.advance(&attempt, INTENT, &read_as("a"), mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
    for _ in 0..2 {
        let error = journal.begin_attempt(next.number, mine).await.unwrap_err();
        assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
        sql(&beside, "UPDATE attempts SET phase = 'lost', stored = NULL, upload_url = NULL").await;
    }
    let error = store.open_journal(Accept::Never).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
    assert!(store.existing_journal().await.unwrap().doubt.is_some());
    assert_eq!(store.check().await.unwrap().doubt, Some(Doubt::Copied));
    let dry = store.open_journal(Accept::DryRun).await.unwrap();
    assert_eq!(dry.accepted, Some(Doubt::Copied));
    assert_eq!(store.open_journal(Accept::Once).await.unwrap().accepted, Some(Doubt::Copied));
    store.open_journal(Accept::Never).await.unwrap();
    journal.begin_attempt(next.number, mine).await.unwrap();
}

/// What is there of posts.
const POSTS: [&str; 8] =
    ["cluster", "epochs", "numbers", "posts", "keys", "attempts", "calls", "meta"];

/// Keeps what is there, as a snapshot of a disk does.
async fn keep(beside: &Session) {
    let tables = POSTS.map(|table| format!("CREATE TABLE kept_{table} AS TABLE {table};"));
    let statements = tables.concat();
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&statements)).await.unwrap();
}

/// Puts back what was kept: the server and its timeline are the same.
async fn put_back(beside: &Session) {
    let tables = POSTS.map(|table| format!("INSERT INTO {table} TABLE kept_{table};"));
    let statements = format!("TRUNCATE {} CASCADE; {}", POSTS.join(", "), tables.concat());
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&statements)).await.unwrap();
}

/// A run on a machine, whose home is a directory.
fn on(store: &PostgresStore, machine: &tempfile::TempDir) -> PostgresStore {
    let again = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    again.remembering_in(machine.path())
}

async fn doubted(store: &PostgresStore, why: Doubt) {
    let error = store.open_journal(Accept::Never).await.unwrap_err();
    let StoreError::Journal(JournalError::Doubtful { doubt, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(doubt, why);
    assert!(store.existing_journal().await.unwrap().doubt.is_some());
    assert_eq!(store.check().await.unwrap().doubt, Some(why));
}

#[tokio::test]
async fn a_database_that_was_put_back_is_doubted_by_who_made_what_it_lacks() {
    let Some((store, beside)) = there() else { return };
    let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (maker, other) = (on(&store, &here), on(&store, &there));
    let journal = maker.open_journal(Accept::Never).await.unwrap().journal;
    let others = other.open_journal(Accept::Never).await.unwrap().journal;
    let bens = others.take_over("ben").await.unwrap();
    let of_ben = others.post_for(&entry(3, 30).of("ben"), bens).await.unwrap();
    let mine = journal.take_over("ana").await.unwrap();
    let [first, next] = [(1, 10), (2, 20)].map(|(inode, size)| entry(inode, size));
    let first = journal.post_for(&first, mine).await.unwrap();
    let next = journal.post_for(&next, mine).await.unwrap();
    let attempt = journal.begin_attempt(first.number, mine).await.unwrap();
    let attempt = journal.advance(&attempt, OPEN, &accepted(), mine).await.unwrap();
    // Until its last chunk is sent nothing can come of it.
    keep(&beside).await;
    on(&store, &here).open_journal(Accept::Never).await.unwrap();
    let attempt = journal.advance(&attempt, INTENT, &read_as("a"), mine).await.unwrap();
    on(&store, &here).open_journal(Accept::Never).await.unwrap();
    journal.advance(&attempt, Phase::Published, &NO_FACTS, mine).await.unwrap();
    put_back(&beside).await;

    // In the middle of a run as well as at its beginning, and from then on by every machine.
    let error = journal.begin_attempt(next.number, mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
    maker.flush().await.unwrap();
    doubted(&on(&store, &here), Doubt::Behind).await;
    doubted(&on(&store, &there), Doubt::Behind).await;
    let error = others.begin_attempt(of_ben.number, bens).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
    // A person has looked, on any machine.
    let accepted = on(&store, &there).open_journal(Accept::Once).await.unwrap().accepted;
    assert_eq!(accepted, Some(Doubt::Behind));
    others.begin_attempt(of_ben.number, bens).await.unwrap();
    on(&store, &here).open_journal(Accept::Never).await.unwrap();
    journal.begin_attempt(next.number, mine).await.unwrap();

    // And again to before that.
    put_back(&beside).await;
    doubted(&on(&store, &there), Doubt::Behind).await;
}

#[tokio::test]
async fn a_pull_that_the_database_lacks_was_made_by_its_init() {
    let Some((store, beside)) = there() else { return };
    let here = tempfile::tempdir().unwrap();
    let journal = on(&store, &here).open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let kept = journal.post_for(&entry(1, 10), mine).await.unwrap();
    journal.begin_attempt(kept.number, mine).await.unwrap();
    keep(&beside).await;
    journal.begin_attempt(post.number, mine).await.unwrap();
    on(&store, &here).open_journal(Accept::Never).await.unwrap();
    put_back(&beside).await;
    doubted(&on(&store, &here), Doubt::Behind).await;
    // Another attempt in its place does not hide that.
    let one = "UPDATE cluster SET is_behind = false";
    sql(&beside, one).await;
    let without = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let journal = without.open_journal(Accept::Never).await.unwrap().journal;
    journal.begin_attempt(post.number, mine).await.unwrap();
    doubted(&on(&store, &here), Doubt::Behind).await;
}

#[tokio::test]
async fn a_database_that_was_made_anew_is_doubted() {
    let Some((store, beside)) = there() else { return };
    let here = tempfile::tempdir().unwrap();
    let journal = on(&store, &here).open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    journal.begin_attempt(post.number, mine).await.unwrap();
    sql(&beside, "TRUNCATE cluster, epochs, posts, keys, attempts, calls").await;
    doubted(&on(&store, &here), Doubt::Gone).await;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let error = journal.begin_attempt(post.number, mine).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::JournalDoubtful, "{error:?}");
    // A machine that has seen nothing begins.
    let new = tempfile::tempdir().unwrap();
    let others = on(&store, &new).open_journal(Accept::Never).await.unwrap().journal;
    others.begin_attempt(post.number, mine).await.unwrap();
    doubted(&on(&store, &here), Doubt::Other).await;
    let accepted = on(&store, &here).open_journal(Accept::Once).await.unwrap().accepted;
    assert_eq!(accepted, Some(Doubt::Other));
    on(&store, &here).open_journal(Accept::Never).await.unwrap();
    std::fs::write(here.path().join("locks/database.mark"), "nonsense").unwrap();
    doubted(&on(&store, &here), Doubt::Unclear).await;
}

#[tokio::test]
async fn what_cannot_be_remembered_here_is_not_begun() {
    let Some((store, _)) = there() else { return };
    let here = tempfile::tempdir().unwrap();
    let journal = on(&store, &here).open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let in_the_way = here.path().join("locks/database.lock");
    std::fs::create_dir_all(&in_the_way).unwrap();
    std::fs::set_permissions(here.path().join("locks"), Permissions::from_mode(0o700)).unwrap();
    journal.begin_attempt(post.number, mine).await.unwrap_err();
    assert_eq!(journal.attempts(post.number).await.unwrap()[0].phase, Phase::Lost);
    std::fs::remove_dir(in_the_way).unwrap();
    journal.begin_attempt(post.number, mine).await.unwrap();
}

/// The store of the same schema as a new user of the server comes to it, of whom `words` say more.
async fn as_user(store: &PostgresStore, beside: &Session, words: &str) -> (String, PostgresStore) {
    let user = format!("user_{}_{:08x}", store.target.schema, rand::random::<u32>());
    let made = format!("CREATE ROLE {user} LOGIN {words}");
    beside.bare("test", Commit::Everywhere, move |tx| tx.batch(&made)).await.unwrap();
    let target = Database::of_schema(&store.target.schema, &user);
    (user, PostgresStore::new(target, Clock::default(), LIFE).unwrap())
}

#[tokio::test]
async fn a_user_needs_no_more_than_is_said() {
    let Some((store, beside)) = there() else { return };
    let (user, theirs) = as_user(&store, &beside, "").await;
    store.accounts().all().await.unwrap();
    let error = theirs.accounts().all().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseDenied, "{error:?}");
    let schema = store.target.schema.clone();
    let usage = format!("GRANT USAGE ON SCHEMA {schema} TO {user}");
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&usage)).await.unwrap();
    let error = theirs.accounts().all().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseDenied, "{error:?}");
    let select = format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}");
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&select)).await.unwrap();
    assert!(!theirs.check().await.unwrap().may_write);
    let grant =
        format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}");
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&grant)).await.unwrap();
    assert!(theirs.check().await.unwrap().may_write);
    let journal = theirs.open_journal(Accept::Never).await.unwrap().journal;
    let lease = theirs.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let attempt = journal.begin_attempt(post.number, mine).await.unwrap();
    journal.advance(&attempt, OPEN, &accepted(), mine).await.unwrap();
    lease.release().await.unwrap();
}

#[tokio::test]
async fn a_user_makes_what_it_needs_in_a_schema_that_is_its_own() {
    let Some((store, beside)) = there() else { return };
    let (user, theirs) = as_user(&store, &beside, "").await;
    assert!(!theirs.check().await.unwrap().may_write);
    let error = theirs.migrate().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseDenied, "{error:?}");
    let schema = store.target.schema.clone();
    let made = format!("CREATE SCHEMA {schema} AUTHORIZATION {user}");
    beside.bare("test", Commit::Everywhere, move |tx| tx.batch(&made)).await.unwrap();
    assert!(theirs.check().await.unwrap().may_write);
    assert_eq!(theirs.migrate().await.unwrap(), 0);
    theirs.open_journal(Accept::Never).await.unwrap();
}

#[tokio::test]
async fn why_a_server_is_of_no_use_is_told() {
    let Some((store, beside)) = there() else { return };
    store.accounts().all().await.unwrap();
    let (_, crowded) = as_user(&store, &beside, "CONNECTION LIMIT 0").await;
    let error = crowded.accounts().all().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseCrowded, "{error:?}");

    let (user, reader) = as_user(&store, &beside, "SUPERUSER").await;
    let set = format!("ALTER ROLE {user} SET default_transaction_read_only = on");
    beside.run("test", Commit::Everywhere, move |tx| tx.batch(&set)).await.unwrap();
    let error =
        reader.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseReadOnly, "{error:?}");
    assert!(!error.to_string().contains("standby"), "{error}");
    let folder = store.place().trim_start_matches("postgres://").rsplit_once('/').unwrap().0;
    let at = |address: String| {
        let target = Target::read(&crate::secret::Secret::new(address), None, &|_| None).unwrap();
        PostgresStore::new(target, Clock::default(), LIFE).unwrap()
    };
    // Of several hosts one that takes writes is looked for.
    let error = at(format!("host={folder},{folder} user={user} dbname=postgres"));
    let error = error.accounts().all().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseReadOnly, "{error:?}");

    let error = at(format!("host={folder} user=tiktok dbname=template0"));
    let error = error.accounts().all().await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseClosed, "{error:?}");
}

#[tokio::test]
async fn a_key_that_came_later_is_the_one_that_counts() {
    let Some((store, _)) = there() else { return };
    let encryption = |key: &Key| Encryption {
        scheme: crate::encrypt::Scheme::KeyFile,
        key: key.id(),
        wrapped: None,
    };
    let [other, key] = [(); 2].map(|()| Key::random().unwrap());
    store.encrypt(encryption(&key), key.clone()).await.unwrap();
    let with_other = store.with_key(other);
    let journal = with_other.open_journal(Accept::Never).await.unwrap().journal;
    journal.check_key().await.unwrap_err();
    store.with_key(key);
    journal.check_key().await.unwrap();
}

#[tokio::test]
async fn what_is_odd_names_the_database() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let new = entry(1, 10).id("one");
    let post = journal.post_for(&new, mine).await.unwrap();
    sql(&beside, "ALTER TABLE keys DROP CONSTRAINT keys_post_fkey; UPDATE keys SET post = 99")
        .await;
    let error = journal.find(&new).await.unwrap_err();
    assert_eq!(code(&error), ErrorCode::DatabaseDamaged, "{post:?} {error:?}");
    assert!(error.to_string().contains(store.place()), "{error}");
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_left_alone_unless_it_says_otherwise() {
    let Some((store, beside)) = there() else { return };
    store.accounts().all().await.unwrap();
    let again = || PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    sql(&beside, "INSERT INTO versions (version, readers) VALUES (99, 1)").await;
    again().accounts().all().await.unwrap();
    sql(&beside, "UPDATE versions SET readers = 98 WHERE version = 99").await;
    let error = again().accounts().all().await.unwrap_err();
    let StoreError::Database(DatabaseError::Newer { found: 99, .. }) = error else {
        panic!("{error:?}")
    };
}

#[tokio::test]
async fn nothing_is_left_of_a_session_for_a_pooler_to_hand_on() {
    let Some((store, beside)) = there() else { return };
    store.accounts().all().await.unwrap();
    let lease = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let left = store.leases.run("test", Commit::Read, |tx| {
        tx.one::<i64>(
            "SELECT (SELECT count(*) FROM pg_prepared_statements)
                 + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                     AND pid = pg_backend_pid())",
            &[],
        )
    });
    // The statement that asks is unnamed, and is not listed.
    assert_eq!(left.await.unwrap(), Some(0));
    lease.release().await.unwrap();
    drop(beside);
}

/// When the process behind a store said last that it lives.
async fn heard_of(beside: &Session, store: &PostgresStore) -> f64 {
    let id = store.identity.id.clone();
    let heard = beside.run("test", Commit::Read, move |tx| {
        let statement =
            "SELECT extract(epoch FROM heartbeat)::float8::text FROM workers WHERE id = $1";
        tx.one::<String>(statement, &[id.into()])
    });
    heard.await.unwrap().unwrap().parse().unwrap()
}

#[tokio::test]
async fn whoever_lost_its_lease_says_that_it_lives_until_it_is_done() {
    let Some((store, beside)) = there() else { return };
    let life = Duration::from_millis(40);
    let quick = PostgresStore::new((*store.target).clone(), Clock::default(), life).unwrap();
    let held = quick.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    sql(&beside, "UPDATE leases SET owner = 'another'").await;
    // It is in the middle of a call, and learns of it by its heartbeat.
    held.renew().await.unwrap_err();
    let lost = heard_of(&beside, &quick).await;
    let beats = async {
        while heard_of(&beside, &quick).await <= lost {
            tokio::time::sleep(life / 4).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), beats).await.expect("it fell silent");
    held.release().await.unwrap();
}

#[tokio::test]
async fn whoever_recorded_what_a_call_follows_is_not_dead_though_its_heartbeat_came_to_nothing() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let _lease = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    sql(&beside, "UPDATE workers SET heartbeat = clock_timestamp() - interval '1 hour'").await;
    let attempt = journal.begin_attempt(post.number, mine).await.unwrap();
    journal.advance(&attempt, Phase::Unresolved, &NO_FACTS, mine).await.unwrap();
    let other = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let elsewhere = other.open_journal(Accept::Never).await.unwrap().journal;
    let error = elsewhere.resolve(post.number, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Lease(LeaseError::Held { .. })), "{error:?}");
    sql(&beside, "UPDATE holders SET called = clock_timestamp() - interval '1 hour'").await;
    elsewhere.resolve(post.number, false).await.unwrap();
}

#[tokio::test]
async fn a_chunk_may_be_on_its_way_for_as_long_as_its_url_lives() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let _lease = store.leases().acquire(LeaseKind::Upload, "ana", Duration::ZERO).await.unwrap();
    let mine = journal.take_over("ana").await.unwrap();
    let file = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let attempt = journal.begin_attempt(file.number, mine).await.unwrap();
    let attempt = journal.advance(&attempt, OPEN, &accepted(), mine).await.unwrap();
    let attempt = journal.advance(&attempt, INTENT, &read_as("a"), mine).await.unwrap();
    journal.advance(&attempt, Phase::Unresolved, &NO_FACTS, mine).await.unwrap();
    let pulled = journal.post_for(&pull("https://example.com/a.mp4"), mine).await.unwrap();
    let attempt = journal.begin_attempt(pulled.number, mine).await.unwrap();
    journal.advance(&attempt, Phase::Unresolved, &NO_FACTS, mine).await.unwrap();
    let other = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let elsewhere = other.open_journal(Accept::Never).await.unwrap().journal;
    sql(
        &beside,
        "UPDATE workers SET heartbeat = clock_timestamp() - interval '58 minutes';
         UPDATE holders SET called = NULL",
    )
    .await;
    let error = elsewhere.resolve(file.number, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Lease(LeaseError::Held { .. })), "{error:?}");
    // Of a pull there is only the init.
    elsewhere.resolve(pulled.number, false).await.unwrap();
    sql(&beside, "UPDATE workers SET heartbeat = clock_timestamp() - interval '60 minutes'").await;
    elsewhere.resolve(file.number, false).await.unwrap();
}

#[tokio::test]
async fn a_post_of_one_account_waits_for_no_other_account() {
    let Some((store, beside)) = there() else { return };
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let [mine, bens] =
        [journal.take_over("ana").await.unwrap(), journal.take_over("ben").await.unwrap()];
    let other = PostgresStore::new((*store.target).clone(), Clock::default(), LIFE).unwrap();
    let others = other.open_journal(Accept::Never).await.unwrap().journal;
    // The commit of one of them takes its time.
    sql(
        &beside,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON posts DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (NEW.account = 'ana') EXECUTE FUNCTION slow()",
    )
    .await;
    let (done, until) = std::sync::mpsc::channel();
    let (held, is_held) = tokio::sync::oneshot::channel();
    let holding = beside.run("test", Commit::Everywhere, move |tx| {
        tx.batch("SELECT pg_advisory_xact_lock(7)")?;
        _ = held.send(());
        _ = until.recv();
        Ok(())
    });
    let slow = entry(1, 10);
    let slow = async {
        is_held.await.unwrap();
        journal.post_for(&slow, mine).await.unwrap()
    };
    let quick = async {
        let waits = || {
            other.accounts.run("test", Commit::Read, |tx| {
                let statement = "SELECT count(*) FROM pg_locks
                     WHERE locktype = 'advisory' AND objid = 7 AND NOT granted";
                tx.one::<i64>(statement, &[])
            })
        };
        while waits().await.unwrap() == Some(0) {}
        let quick = others.post_for(&entry(2, 20).of("ben"), bens).await.unwrap();
        done.send(()).unwrap();
        quick
    };
    let (ended, slow, quick) = tokio::join!(holding, slow, quick);
    ended.unwrap();
    assert_ne!(slow.number, quick.number);
}

#[tokio::test]
async fn files_of_two_machines_are_two_although_their_numbers_are_the_same() {
    let Some((store, _)) = there() else { return };
    let [here, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (one, other) = (on(&store, &here), on(&store, &elsewhere));
    let journal = one.open_journal(Accept::Never).await.unwrap().journal;
    let theirs = other.open_journal(Accept::Never).await.unwrap().journal;
    let mine = journal.take_over("ana").await.unwrap();
    let new = entry(1, 10);
    let (file, mode) = (new.source.file().unwrap().clone(), new.mode);
    let post = journal.post_for(&new, mine).await.unwrap();
    assert_eq!(post.file.as_ref(), Some(&file), "as it is here");
    assert_eq!(post.elsewhere, None);
    assert_eq!(journal.find(&new).await.unwrap(), Some(post.clone()));
    assert!(journal.find_by_file("ana", mode, &file.identity).await.unwrap().is_some());

    let mut same = new.clone();
    if let Source::File(file) = &mut same.source {
        file.path = "/elsewhere/1.mp4".into();
    }
    assert_eq!(theirs.find(&same).await.unwrap(), None, "another file");
    assert_eq!(theirs.find_by_file("ana", mode, &file.identity).await.unwrap(), None);
    let seen = theirs.post(post.number).await.unwrap();
    assert_eq!(seen.elsewhere, Some(one.identity.host.clone()));
    assert_ne!(seen.file.unwrap().identity, file.identity);
    let posted = theirs.post_for(&same, mine).await.unwrap();
    assert_ne!(posted.number, post.number);
    assert_eq!(posted.elsewhere, None);
    assert!(journal.post(posted.number).await.unwrap().elsewhere.is_some());
}
