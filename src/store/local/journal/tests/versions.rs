//! Older, newer and foreign databases.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::store::local::journal::database::schema::{Found, SCHEMA, Schema};

/// A journal of version 1 with a post of every kind and phase, as that version wrote it.
const V1: &str = include_str!("../../../../../tests/fixtures/journal-v1.sql");

/// The same of version 4, which knew no captions.
const V4: &str = include_str!("../../../../../tests/fixtures/journal-v4.sql");

/// The same of version 5, which did not know who may record.
const V5: &str = include_str!("../../../../../tests/fixtures/journal-v5.sql");

fn home_with(statements: &str) -> Home {
    let home = Home::new();
    home.open();
    fs::remove_file(home.file("journal.sqlite")).unwrap();
    let connection = Connection::open(home.file("journal.sqlite")).unwrap();
    connection.execute_batch(statements).unwrap();
    drop(connection);
    let path = home.file("journal.sqlite");
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    home
}

#[test]
fn a_journal_of_version_1_is_read() {
    let home = home_with(V1);
    let journal = home.open();
    let posts = journal.all().unwrap();
    let phases: Vec<_> = posts.iter().map(RecordedPost::phase).collect();
    assert_eq!(
        phases,
        [
            Some(Phase::Published),
            Some(Phase::Open { stored: 2 }),
            Some(INTENT),
            Some(Phase::Unresolved),
            Some(Phase::Inboxed),
            Some(BANNED),
            None,
            Some(Phase::Uploaded),
        ]
    );
    assert_eq!(posts[0].id.as_deref(), Some("monday"));
    assert_eq!(posts[7], journal.find(&entry(9, 99).id("monday")).unwrap().unwrap());
    assert_eq!(posts[1].last.as_ref().unwrap().upload_url, accepted().upload_url);
    assert_eq!(posts[1].last.as_ref().unwrap().number, 3);
    assert_eq!(journal.attempts(PostNumber(2)).unwrap().len(), 3);
    assert_eq!(posts[7].repost, 1);
    assert_eq!(journal.find(&entry(1, 90)).unwrap().unwrap().number, PostNumber(8));
}

#[test]
fn a_journal_of_version_4_learns_the_caption_of_what_is_begun_anew() {
    let home = home_with(V4);
    let journal = home.open();
    let posts = journal.all().unwrap();
    assert!(posts.iter().all(|post| post.caption.is_none()) && posts.len() == 8);
    let captioned = |entry: PostRequest| PostRequest { caption: Some("hello".to_owned()), ..entry };
    // Nothing of it was begun; the other one is published with whatever it had.
    let waiting = journal.recorded(&captioned(entry(7, 700))).unwrap();
    assert_eq!((waiting.number, waiting.caption.as_deref()), (PostNumber(7), Some("hello")));
    let unresolved = journal.recorded(&captioned(pull("https://example.com/d.mp4"))).unwrap();
    assert_eq!((unresolved.number, unresolved.caption), (PostNumber(4), None));
    drop(journal);
    let post = home.open().post(PostNumber(7)).unwrap();
    assert_eq!(post.caption.as_deref(), Some("hello"));
}

#[test]
fn a_journal_of_version_5_is_nobodys_until_somebody_takes_it_over() {
    let home = home_with(V5);
    let journal = home.open();
    assert_eq!(journal.all().unwrap().len(), 8);
    let none = journal.epoch("ana").unwrap();
    assert_eq!(none, Epoch::NONE);
    let mine = journal.take_over("ana").unwrap();
    refused(journal.begin_attempt(PostNumber(7), none), Exit::Temporary);
    drop(journal);
    home.open().begin_attempt(PostNumber(7), mine).unwrap();
}

/// Wrote the fixture; kept to show how, and to make the next version's.
#[test]
#[ignore = "writes a fixture; `just journal-fixture` runs it"]
fn write_the_fixture_of_this_version() {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 90).id("monday"), "a");
    let open = journal.recorded(&entry(2, 200)).unwrap();
    journal.walk(
        &open,
        &[(
            Phase::Rejected,
            AttemptUpdate {
                code: Some("rate_limit_exceeded".to_owned()),
                message: Some("slow down".to_owned()),
                log_id: Some("2026".to_owned()),
                ..NO_FACTS
            },
        )],
    );
    journal.walk(&open, &[(Phase::Lost, NO_FACTS)]);
    journal.walk(&open, &[(OPEN, accepted()), (Phase::Open { stored: 2 }, NO_FACTS)]);
    let intent = journal.recorded(&entry(3, 300)).unwrap();
    journal.walk(&intent, &[(OPEN, accepted()), (INTENT, read_as("c"))]);
    let unresolved = journal.recorded(&pull("https://example.com/d.mp4")).unwrap();
    journal.walk(&unresolved, &[(Phase::Unresolved, NO_FACTS)]);
    let draft = journal.recorded(&entry(5, 500).draft().of("ben")).unwrap();
    let inboxed = [(OPEN, accepted()), (INTENT, read_as("e")), (Phase::Inboxed, NO_FACTS)];
    journal.walk(&draft, &inboxed);
    let photos = photos(&["https://example.com/1.jpg"]);
    let photos = journal.recorded(&PostRequest { source: photos, ..entry(0, 0) }).unwrap();
    journal.walk(&photos, &[(OPEN, accepted()), (BANNED, NO_FACTS)]);
    journal.recorded(&entry(7, 700)).unwrap();
    let again = journal.recorded(&entry(1, 90).again()).unwrap();
    let uploaded = [(OPEN, accepted()), (INTENT, read_as("a")), (Phase::Uploaded, NO_FACTS)];
    journal.walk(&again, &uploaded);
    journal.set_quota_full("ana", QuotaKind::Posts, Timestamp::UNIX_EPOCH).unwrap();
    journal.db.raw(|connection| connection.execute("DELETE FROM meta", []).unwrap());
    drop(journal);
    let dump = std::process::Command::new("sqlite3")
        .arg(home.file("journal.sqlite"))
        .arg(".dump")
        .output()
        .unwrap();
    let version = SCHEMA.version();
    let path = format!("tests/fixtures/journal-v{version}.sql");
    let header = "PRAGMA application_id = 1953789296;";
    let dump = String::from_utf8(dump.stdout).unwrap();
    fs::write(path, format!("{header}\nPRAGMA user_version = {version};\n{dump}")).unwrap();
}

/// What a later version could be.
const LATER: Schema = Schema {
    steps: &[
        include_str!("../database/v1.sql"),
        include_str!("../database/v2.sql"),
        include_str!("../database/v3.sql"),
        include_str!("../database/v4.sql"),
        include_str!("../database/v5.sql"),
        include_str!("../database/v6.sql"),
        "ALTER TABLE posts ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';",
    ],
};

#[test]
fn an_older_journal_is_migrated_with_all_that_it_holds() {
    let home = home_with(V1);
    let mut connection = Connection::open(home.file("journal.sqlite")).unwrap();
    assert_eq!(LATER.examine(&connection).unwrap(), Found::Older);
    LATER.migrate(&mut connection).unwrap();
    assert_eq!(LATER.examine(&connection).unwrap(), Found::Current);
    let red: u32 = connection
        .query_row("SELECT count(*) FROM posts WHERE colour = 'red'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(red, 8);
}

#[test]
fn a_migration_that_fails_leaves_the_journal_as_it_was() {
    const BROKEN: Schema = Schema {
        steps: &[
            include_str!("../database/v1.sql"),
            include_str!("../database/v2.sql"),
            include_str!("../database/v3.sql"),
            include_str!("../database/v4.sql"),
            include_str!("../database/v5.sql"),
            include_str!("../database/v6.sql"),
            "DROP TABLE caps; CREATE TABLE posts (x);",
        ],
    };
    let home = home_with(V1);
    let before = home.open().content();
    let mut connection = Connection::open(home.file("journal.sqlite")).unwrap();
    BROKEN.migrate(&mut connection).unwrap_err();
    assert_eq!(SCHEMA.examine(&connection).unwrap(), Found::Current);
    assert_eq!(home.open().content(), before);
}

#[test]
fn an_older_journal_that_is_damaged_is_not_migrated() {
    let home = home_with(V1);
    let connection = Connection::open(home.file("journal.sqlite")).unwrap();
    connection.execute("UPDATE posts SET repost = 7 WHERE id = 1", []).unwrap();
    assert!(matches!(LATER.examine(&connection).unwrap(), Found::Damaged(_)));
}

#[test]
fn f63_a_newer_journal_is_left_untouched() {
    let home = Home::new();
    home.open().publish(&entry(1, 90), "a");
    let path = home.file("journal.sqlite");
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", SCHEMA.version() + 1).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    for _ in 0..2 {
        let error = refused(home.try_open(), Exit::Local);
        assert!(matches!(error, JournalError::Newer { .. }));
        assert!(error.hint().unwrap().contains("version of tiktok-up that wrote it"));
        refused(home.look().map(|_| ()), Exit::Local);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_not_taken_for_a_journal() {
    let home = home_with("CREATE TABLE posts (id INTEGER); INSERT INTO posts VALUES (1);");
    let error = refused(home.try_open(), Exit::Local);
    assert!(error.to_string().ends_with("it is not a journal"), "{error}");
}
