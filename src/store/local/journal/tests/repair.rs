//! What can be read of a damaged journal becomes one again, and never one that posts something twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::encrypt::Key;
use crate::fs::{Lock, LockError};
use crate::store::Doubt;
use crate::store::local::journal::repair::salvage::Salvage;
use crate::store::local::journal::{Repair, Repaired};

const PAGE: usize = 4096;

/// A home with a journal of many pages: posts in many phases.
fn large() -> (Home, Vec<(RecordedPost, Vec<Attempt>)>) {
    let home = Home::new();
    let journal = home.open();
    for number in 1..=60 {
        let entry = entry(number, 900 + number);
        let entry = if number % 3 == 0 { entry.id(&format!("day {number}")) } else { entry };
        match number % 4 {
            0 => {
                let post = journal.recorded(&entry).unwrap();
                journal.walk(&post, &[(Phase::Lost, NO_FACTS)]);
            }
            1 => {
                journal.recorded(&entry).unwrap();
            }
            _ => {
                journal.publish(&entry, &format!("content {number}"));
            }
        }
    }
    let content = journal.content();
    (home, content)
}

fn damage(home: &Home, at: usize, bytes: &[u8]) {
    let path = home.file("journal.sqlite");
    let mut journal = fs::read(&path).unwrap();
    journal[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(path, journal).unwrap();
}

fn repair(home: &Home) -> Repair {
    SqliteJournal::repair(home.path(), Clock::default()).unwrap()
}

fn repaired(home: &Home) -> Repaired {
    match repair(home) {
        Repair::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

/// Opens it, accepting once that posts may be missing.
fn accepted_journal(home: &Home) -> SqliteJournal {
    let error = refused(home.try_open(), Exit::Local);
    assert!(matches!(error, JournalError::Doubtful { doubt: Doubt::Repaired, .. }), "{error:?}");
    let open = |accept| SqliteJournal::open(home.path(), Clock::default(), Arc::new(()), accept);
    let journal = open(Accept::Once).unwrap();
    assert_eq!(open(Accept::Never).unwrap().accepted(), None);
    journal
}

/// Nothing that was posted, or may have been, may be posted again.
fn nothing_twice(journal: &SqliteJournal, before: &[(RecordedPost, Vec<Attempt>)], lacking: bool) {
    for (old, _) in before {
        let Ok(new) = journal.post(old.number) else {
            assert!(lacking, "{old:?} is missing");
            continue;
        };
        assert!(!new.may_begin() || old.may_begin(), "{old:?} became {new:?}");
        if !old.may_begin() {
            let phase = new.phase();
            assert!(phase == old.phase() || phase == Some(Phase::Unresolved), "{old:?}, {new:?}");
        }
    }
}

#[test]
fn a_sound_journal_is_left_as_it_is() {
    let (home, before) = large();
    let bytes = fs::read(home.file("journal.sqlite")).unwrap();
    assert!(matches!(repair(&home), Repair::Sound));
    assert_eq!(fs::read(home.file("journal.sqlite")).unwrap(), bytes);
    assert_eq!(home.open().content(), before);
}

#[test]
fn where_there_is_no_journal_nothing_is_made() {
    let home = Home::new();
    assert!(matches!(repair(&home), Repair::Nothing));
    assert!(matches!(
        SqliteJournal::repair(&home.file("nowhere"), Clock::default()).unwrap(),
        Repair::Nothing
    ));
    assert!(!home.file("journal.sqlite").exists());
}

#[test]
fn an_index_alone_costs_nothing_and_the_journal_counts_as_before() {
    let (home, before) = large();
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    let index: i64 = database
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'keys_of_post'", [], |row| {
            row.get(0)
        })
        .unwrap();
    drop(database);
    // No cells in it any more.
    damage(&home, usize::try_from(index - 1).unwrap() * PAGE, &[10, 0, 0, 0, 0, 0x10, 0, 0]);
    let done = repaired(&home);
    assert!(done.whole, "{done:?}");
    assert_eq!((done.posts, done.missing, done.unresolved), (60, vec![], vec![]));
    assert!(done.kept[0].file_name().unwrap().to_str().unwrap().starts_with("journal.repaired-"));
    assert!(done.kept[0].join("journal.sqlite").exists());
    assert_eq!(home.open().content(), before);
}

#[test]
fn a_page_that_is_nonsense_never_makes_a_post_of_one_that_was_made() {
    let (home, before) = large();
    let sound = fs::read(home.file("journal.sqlite")).unwrap();
    let pages = sound.len() / PAGE;
    let (mut done, mut lost) = (0, 0);
    for page in 0..pages {
        let home = Home::new();
        fs::write(home.file("journal.sqlite"), &sound).unwrap();
        fs::set_permissions(home.file("journal.sqlite"), fs::Permissions::from_mode(0o600))
            .unwrap();
        forget_its_file(&home);
        damage(&home, page * PAGE, &[0xA5; PAGE]);
        match repair(&home) {
            Repair::Done(repaired) => {
                done += 1;
                lost += repaired.missing.len();
                assert!(!repaired.whole, "page {page}");
                let journal = accepted_journal(&home);
                journal.check().unwrap();
                assert_eq!(journal.all().unwrap().len(), repaired.posts as usize);
                nothing_twice(&journal, &before, !repaired.missing.is_empty());
            }
            Repair::Hopeless(_) => assert!(home.file("journal.sqlite").exists()),
            // A page that nothing is in.
            Repair::Sound => {}
            Repair::Nothing => panic!("page {page}"),
        }
    }
    assert!(done > pages / 2, "{done} of {pages}");
    assert!(lost > 0);
}

fn forget_its_file(home: &Home) {
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    database.execute("DELETE FROM meta WHERE name = 'file'", []).unwrap();
}

#[test]
fn the_first_page_is_taken_from_an_empty_journal() {
    let (home, before) = large();
    damage(&home, 0, &[0; PAGE]);
    let done = repaired(&home);
    assert_eq!((done.posts, done.missing.len(), done.unresolved.len()), (60, 0, 0), "{done:?}");
    assert!(!done.whole);
    assert_eq!(accepted_journal(&home).content(), before);
}

#[test]
fn where_attempts_are_missing_no_post_looks_free() {
    let (home, before) = large();
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    // One row that is not what was written: which post it was of is not known.
    database.execute("UPDATE attempts SET phase = 'lost' WHERE id = 5", []).unwrap();
    drop(database);
    let done = repaired(&home);
    let free = before.iter().filter(|(post, _)| post.may_begin()).count();
    assert!(done.unresolved.len() >= free, "{done:?}");
    let journal = accepted_journal(&home);
    assert!(journal.all().unwrap().iter().all(|post| !post.may_begin()));
    let number = done.unresolved[0];
    assert_eq!(journal.post(number).unwrap().phase(), Some(Phase::Unresolved));
    assert!(journal.resolve(number, false).unwrap().may_begin(), "a human says so");
}

#[test]
fn where_the_log_cannot_be_read_no_post_looks_free() {
    let (home, before) = large();
    // The rows are all as they were written, but may be those of an older state: the log, in which the
    // last ones would lie, is what the disk did not give.
    let database = fs::read(home.file("journal.sqlite")).unwrap();
    let built = |whole| {
        let salvage = Salvage::of(&database, None, whole, home.path()).unwrap();
        salvage.build(Timestamp::UNIX_EPOCH).unwrap()
    };
    assert_eq!(built(true).unresolved, []);
    let lacking = built(false);
    assert!(!lacking.whole);
    let free = before.iter().filter(|(post, _)| post.may_begin());
    let free: Vec<_> = free.map(|(post, _)| post.number).collect();
    assert!(free.len() > 20, "{free:?}");
    assert!(free.iter().all(|post| lacking.unresolved.contains(post)), "{:?}", lacking.unresolved);
}

#[test]
fn posts_are_found_again_where_their_keys_are_missing() {
    let (home, _) = large();
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    database.execute("UPDATE keys SET key = 'nonsense ' || id", []).unwrap();
    drop(database);
    let done = repaired(&home);
    assert_eq!((done.posts, done.missing.len()), (60, 0));
    let journal = accepted_journal(&home);
    let found = |new: &PostRequest| journal.find(new).unwrap().map(|post| post.number.0);
    assert_eq!(found(&entry(2, 902)), Some(2), "by its file");
    assert_eq!(found(&entry(777, 902).hashed("content 2")), Some(2), "by its content");
    assert_eq!(found(&entry(778, 1).id("day 3")), Some(3), "by its id");
}

#[test]
fn a_repost_is_kept_without_what_it_repeated() {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 10), "a");
    journal.publish(&entry(1, 10).again(), "a");
    journal.publish(&entry(1, 10).again(), "a");
    drop(journal);
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    database.execute("UPDATE posts SET label = 'else' WHERE id = 1", []).unwrap();
    drop(database);
    let done = repaired(&home);
    assert_eq!((done.posts, done.missing), (2, vec![PostNumber(1)]));
    let journal = accepted_journal(&home);
    assert_eq!(journal.find(&entry(9, 9).hashed("a")).unwrap().unwrap().number, PostNumber(3));
    assert_eq!(
        journal.repeated(&journal.post(PostNumber(3)).unwrap()).unwrap().unwrap().number,
        PostNumber(2)
    );
}

#[test]
fn the_last_one_that_was_set_aside_is_repaired_in_its_place() {
    let (home, before) = large();
    damage(&home, 0, &[0; 100]);
    let error = refused(home.try_open(), Exit::Local);
    assert!(error.hint().unwrap().contains("doctor --repair-journal"));
    let done = repaired(&home);
    assert_eq!(done.posts, 60);
    assert_eq!(accepted_journal(&home).content(), before);
    let left: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("corrupt") || name.contains(".repair-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(matches!(repair(&home), Repair::Sound));
}

#[test]
fn a_repair_that_was_cut_off_before_its_last_step_is_brought_to_its_end() {
    let (home, _) = large();
    damage(&home, 0, &[0; 100]);
    refused(home.try_open(), Exit::Local);
    let done = repaired(&home);
    let name = done.kept[0].file_name().unwrap().to_str().unwrap();
    let aside = home.file(&name.replace("repaired", "corrupt"));
    fs::rename(&done.kept[0], &aside).unwrap();
    assert!(matches!(refused(home.try_open(), Exit::Local), JournalError::SetAside { .. }));
    assert!(matches!(repair(&home), Repair::Sound));
    assert!(!aside.exists() && done.kept[0].exists());
    accepted_journal(&home);
}

#[test]
fn nothing_is_changed_where_nothing_can_be_read() {
    let home = Home::new();
    for bytes in [&b""[..], b"nothing of a journal", &[0; 3 * PAGE]] {
        fs::write(home.file("journal.sqlite"), bytes).unwrap();
        fs::set_permissions(home.file("journal.sqlite"), fs::Permissions::from_mode(0o600))
            .unwrap();
        assert!(matches!(repair(&home), Repair::Hopeless(_)));
        assert_eq!(fs::read(home.file("journal.sqlite")).unwrap(), bytes);
    }
}

#[test]
fn nothing_is_repaired_while_somebody_posts() {
    let (home, _) = large();
    damage(&home, 0, &[0; 100]);
    let _held = Lock::try_acquire(&home.file("locks/ana.upload.lock")).unwrap();
    let error = SqliteJournal::repair(home.path(), Clock::default()).unwrap_err();
    assert!(matches!(error, JournalError::Lock(LockError::Held { .. })), "{error:?}");
    assert_eq!(error.exit(), Exit::Temporary);
}

#[test]
fn a_journal_of_version_1_is_repaired_as_one() {
    let home = Home::new();
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    database.execute_batch(include_str!("../../../../../tests/fixtures/journal-v1.sql")).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    let posts: u32 =
        database.query_row("SELECT count(*) FROM posts", [], |row| row.get(0)).unwrap();
    drop(database);
    fs::set_permissions(home.file("journal.sqlite"), fs::Permissions::from_mode(0o600)).unwrap();
    damage(&home, 16, &[0xFF; 60]);
    let done = repaired(&home);
    assert_eq!((done.posts, done.missing.len()), (posts, 0));
    accepted_journal(&home).check().unwrap();
}

#[test]
fn a_journal_that_lacks_a_row_is_still_encrypted_when_it_is_repaired() {
    let (home, key) = (Home::new(), Key::random().unwrap());
    let journal = home.open().with_key(Some(key.clone().into()));
    for inode in 1..=3 {
        let post = journal.recorded(&entry(inode, inode)).unwrap();
        journal.walk(&post, &[(OPEN, accepted())]);
    }
    drop(journal);
    let bytes = fs::read(home.file("journal.sqlite")).unwrap();
    let label = bytes.windows(5).position(|bytes| bytes == b"2.mp4").unwrap();
    damage(&home, label, b"3");
    assert!(!repaired(&home).whole);
    let journal = accepted_journal(&home);
    assert!(matches!(journal.check_key(), Err(JournalError::NoKey { .. })));
    let journal = journal.with_key(Some(key.into()));
    journal.check_key().unwrap();
    let attempt = journal.attempts(PostNumber(1)).unwrap().remove(0);
    assert_eq!(journal.upload_url("ana", &attempt), accepted().upload_url);
}

#[test]
fn who_posted_with_a_damaged_journal_records_nothing_in_the_repaired_one() {
    let (home, before) = large();
    let (read, unread) = (home.open().take_over("ana").unwrap(), home.open());
    let lost = unread.take_over("ben").unwrap();
    drop(unread);
    let database = rusqlite::Connection::open(home.file("journal.sqlite")).unwrap();
    database.execute("UPDATE epochs SET epoch = 7 WHERE account = 'ben'", []).unwrap();
    drop(database);
    let done = repaired(&home);
    assert_eq!((done.missing, done.unresolved), (vec![], vec![]));
    let journal = accepted_journal(&home);
    assert_eq!(journal.content(), before);
    assert!(journal.epoch("ana").unwrap() > read);
    assert_ne!(journal.epoch("ben").unwrap(), lost);
    let error = refused(journal.post_for(&entry(99, 99), read), Exit::Temporary);
    assert!(matches!(error, JournalError::TakenOver { .. }));
    refused(journal.post_for(&entry(99, 99).of("ben"), lost), Exit::Temporary);
}
