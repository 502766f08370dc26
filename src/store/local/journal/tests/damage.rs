//! Damage of any kind leads to what was committed, or to exit 4 with everything kept: never to an
//! empty journal, which would post everything again.

use std::collections::HashMap;
use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::fs::Lock;
use crate::store::local::journal::database::db_error::DbError;

const PAGE: usize = 4096;

type Recorded = Vec<(RecordedPost, Vec<Attempt>)>;

/// A small journal with posts in many phases: its file, and what it says.
static SMALL: LazyLock<(Vec<u8>, Recorded)> = LazyLock::new(|| {
    let home = Home::new();
    let journal = home.open();
    for number in 1..=6 {
        journal.publish(&entry(number, 90 + number), &format!("content {number}"));
    }
    journal.publish(&entry(7, 70).id("monday"), "monday");
    let open = journal.recorded(&entry(8, 80)).unwrap();
    journal.walk(&open, &[(Phase::Lost, NO_FACTS)]);
    journal.walk(&open, &[(OPEN, accepted())]);
    let pulled = journal.recorded(&pull("https://example.com/a.mp4")).unwrap();
    journal.walk(&pulled, &[(Phase::Unresolved, NO_FACTS)]);
    journal.set_quota_full("ana", QuotaKind::Posts, Timestamp::MAX).unwrap();
    let content = journal.content();
    journal.forget_its_file();
    drop(journal);
    (fs::read(home.file("journal.sqlite")).unwrap(), content)
});

impl SqliteJournal {
    /// Makes it one that may be put into any place without being told for a copy.
    fn forget_its_file(&self) {
        self.db.raw(|connection| {
            connection
                .execute_batch(
                    "DELETE FROM meta WHERE name = 'file'; PRAGMA wal_checkpoint(TRUNCATE);",
                )
                .unwrap();
        });
    }
}

/// Puts files in place of a journal's.
fn place(home: &Home, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = home.file(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// Opens what may be damaged. `None`: refused with exit 4, and again at the next run.
fn survive(home: &Home) -> Option<Recorded> {
    match home.try_open() {
        Ok(journal) => Some(journal.content()),
        Err(error) => {
            assert_eq!(error.exit(), Exit::Local, "{error:?}");
            assert!(error.hint().is_some(), "{error:?}");
            refused(home.try_open(), Exit::Local);
            None
        }
    }
}

/// Every file that lies in a home, with those that were set aside.
fn kept(home: &Home) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(home.path()).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            for entry in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
                all.extend(fs::read(entry.path()).unwrap());
            }
        } else {
            all.extend(fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// A damaged copy of the small journal: what was committed comes back, or nothing is opened and all
/// bytes are kept.
fn judge(bytes: &[u8]) -> bool {
    let home = Home::new();
    place(&home, &[("journal.sqlite", bytes)]);
    if let Some(content) = survive(&home) {
        assert!(content == SMALL.1, "the journal opened and says something else");
        true
    } else {
        let kept = kept(&home);
        assert!(kept.windows(bytes.len()).any(|window| window == bytes), "bytes were lost");
        false
    }
}

fn flipped(at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = SMALL.0.clone();
    bytes[at] ^= 1 << bit;
    bytes
}

/// With one bit flipped in the type of a page.
fn damaged() -> Vec<u8> {
    flipped(PAGE, 2)
}

#[test]
fn f63_a_flipped_bit_in_any_page_is_noticed_or_harmless() {
    let pages = SMALL.0.len() / PAGE;
    assert!(pages > 8, "{pages} pages");
    let mut noticed = 0;
    for page in 0..pages {
        // Steps that fall on all offsets and bits of a page in turn.
        for step in 0..24 {
            let at = (step * 173 + page * 7) % PAGE;
            noticed += u32::from(!judge(&flipped(page * PAGE + at, step % 8)));
        }
    }
    assert!(noticed > 0);
}

#[test]
fn f63_a_flipped_bit_in_the_header_is_noticed_or_harmless() {
    for at in 0..100 {
        judge(&flipped(at, at % 8));
        judge(&flipped(at, (at + 4) % 8));
    }
}

#[test]
fn f63_a_flipped_bit_in_what_tells_a_post_is_noticed() {
    let words = ["published", "unresolved", "content", "blake3", "monday", "direct file", "ana"];
    for word in words.map(str::as_bytes) {
        let found = SMALL.0.windows(word.len()).enumerate().filter(|(_, window)| *window == word);
        for (at, _) in found {
            assert!(!judge(&flipped(at, 0)), "{} at {at}", String::from_utf8_lossy(word));
        }
    }
}

proptest! {
    // Each case costs the disk some milliseconds; PROPTEST_CASES sets four times as many.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        ..ProptestConfig::default()
    })]

    #[test]
    fn f63_a_bit_flipped_anywhere_is_noticed_or_harmless(at in 0..SMALL.0.len(), bit in 0..8_usize) {
        judge(&flipped(at, bit));
    }

    #[test]
    fn f63_a_journal_cut_anywhere_is_refused(to in 0..SMALL.0.len()) {
        prop_assert!(!judge(&SMALL.0[..to]));
    }

    #[test]
    fn f63_a_journal_overwritten_in_part_is_refused_or_whole(
        at in 0..SMALL.0.len(),
        junk in proptest::collection::vec(any::<u8>(), 1..600),
    ) {
        let mut bytes = SMALL.0.clone();
        let end = bytes.len().min(at + junk.len());
        bytes[at..end].copy_from_slice(&junk[..end - at]);
        judge(&bytes);
    }

    #[test]
    fn f62_a_log_cut_anywhere_leaves_what_was_committed(to in 0..LOGGED.log.len()) {
        let states = LOGGED.after(&LOGGED.log[..to]);
        prop_assert!(states.is_some(), "a torn log is no damage");
    }

    #[test]
    fn f62_a_log_with_a_flipped_bit_leaves_what_was_committed(
        at in 0..LOGGED.log.len(),
        bit in 0..8_usize,
    ) {
        let mut log = LOGGED.log.clone();
        log[at] ^= 1 << bit;
        LOGGED.after(&log);
    }
}

/// A journal whose log holds many commits, as after a crash, and what it said after each of them.
struct Logged {
    database: Vec<u8>,
    log: Vec<u8>,
    states: HashMap<String, usize>,
}

static LOGGED: LazyLock<Logged> = LazyLock::new(|| {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 10), "before");
    journal.forget_its_file();
    let database = fs::read(home.file("journal.sqlite")).unwrap();
    // A reader keeps the log from being emptied.
    let reader = home.look().unwrap().unwrap();
    reader.db.raw(|connection| {
        connection.execute_batch("BEGIN; SELECT count(*) FROM posts;").unwrap();
    });
    let mut states = HashMap::new();
    let mut note = || {
        let number = states.len();
        states.insert(format!("{:?}", journal.content()), number);
    };
    note();
    let post = journal.recorded(&entry(2, 20)).unwrap();
    note();
    let mut attempt = journal.begun(post.number).unwrap();
    note();
    let steps = [
        (OPEN, accepted()),
        (Phase::Open { stored: 2 }, NO_FACTS),
        (INTENT, read_as("logged")),
        (Phase::Uploaded, NO_FACTS),
        (Phase::Published, NO_FACTS),
    ];
    for (phase, facts) in steps {
        journal.step(&mut attempt, phase, &facts).unwrap();
        note();
    }
    let log = fs::read(home.file("journal.sqlite-wal")).unwrap();
    assert_eq!(fs::read(home.file("journal.sqlite")).unwrap(), database, "all is in the log");
    Logged { database, log, states }
});

impl Logged {
    /// Opens the database with such a log. It must say what it said after one of the commits, and the
    /// same when it is opened once more. `None`: refused.
    fn after(&self, log: &[u8]) -> Option<usize> {
        let home = Home::new();
        place(&home, &[("journal.sqlite", &self.database), ("journal.sqlite-wal", log)]);
        let content = survive(&home)?;
        let state = self.states.get(&format!("{content:?}"));
        assert!(state.is_some(), "never committed: {content:?}");
        assert_eq!(home.open().content(), content);
        state.copied()
    }
}

#[test]
fn f62_the_whole_log_is_recovered() {
    assert_eq!(LOGGED.after(&LOGGED.log), Some(LOGGED.states.len() - 1));
    assert_eq!(LOGGED.after(&[]), Some(0));
}

#[test]
fn f63_a_database_that_vanished_from_its_log_is_no_new_journal() {
    let home = Home::new();
    place(&home, &[("journal.sqlite-wal", &LOGGED.log)]);
    assert_eq!(survive(&home), None);
    assert!(kept(&home).ends_with(&LOGGED.log) || kept(&home).starts_with(&LOGGED.log));
}

#[test]
fn f63_an_emptied_file_is_no_new_journal() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", b"")]);
    let error = refused(home.try_open(), Exit::Local);
    assert!(matches!(error, JournalError::Corrupt { .. }));
    refused(home.try_open(), Exit::Local);
}

#[test]
fn t28_while_a_damaged_journal_lies_there_nothing_is_posted() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &damaged()), ("journal.sqlite-wal", b"log")]);
    let error = refused(home.try_open(), Exit::Local);
    let JournalError::Corrupt { moved_to: Some(dir), .. } = &error else { panic!("{error}") };
    let hint = error.hint().unwrap();
    assert!(hint.contains(&dir.display().to_string()) && hint.contains("post everything again"));
    assert_eq!(fs::read(dir.join("journal.sqlite")).unwrap(), damaged());
    assert!(dir.join("journal.sqlite-wal").exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(dir).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);

    // Neither to post nor to look is there a journal now.
    let blocked = refused(home.try_open(), Exit::Local);
    assert!(matches!(&blocked, JournalError::SetAside { dir: lies } if lies == dir));
    assert!(blocked.hint().unwrap().contains("look at the profile"));
    assert!(matches!(refused(home.look().map(|_| ()), Exit::Local), JournalError::SetAside { .. }));

    // A human restores a good copy: it can be looked at, and posting waits for the directory to go.
    place(&home, &[("journal.sqlite", &SMALL.0)]);
    let looked = home.look().unwrap().unwrap();
    assert_eq!(SqliteJournal::set_aside_in(home.path()).unwrap().as_ref(), Some(dir));
    assert_eq!(looked.content(), SMALL.1);
    refused(home.try_open(), Exit::Local);
    fs::rename(dir, home.file("looked-at")).unwrap();
    assert_eq!(home.open().content(), SMALL.1);
}

#[test]
fn damage_that_shows_only_later_is_set_aside_as_well() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &SMALL.0)]);
    let journal = home.open();
    journal.recorded(&entry(50, 50)).unwrap();
    let mut bytes = fs::read(home.file("journal.sqlite")).unwrap();
    for page in bytes.chunks_mut(PAGE).skip(1) {
        page[..8].fill(0xff);
    }
    // In place: the file that the connection has open.
    let file = fs::OpenOptions::new().write(true).open(home.file("journal.sqlite")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    journal.db.raw(|connection| connection.release_memory().unwrap());
    // Another process's commit makes SQLite forget what it has in memory.
    let error = refused(journal.all(), Exit::Local);
    let JournalError::Corrupt { moved_to: Some(_), .. } = error else { panic!("{error:?}") };
    refused(journal.recorded(&entry(51, 51)), Exit::Local);
    assert!(matches!(refused(home.try_open(), Exit::Local), JournalError::SetAside { .. }));
}

#[test]
fn f63_what_a_cut_off_setting_aside_left_is_set_aside_too() {
    let home = Home::new();
    let aside = home.file("journal.corrupt-20260101T000000Z");
    fs::create_dir(&aside).unwrap();
    place(
        &home,
        &[
            ("journal.corrupt-20260101T000000Z/journal.sqlite", &damaged()),
            ("journal.sqlite-wal", &LOGGED.log),
            ("journal.sqlite-shm", b"shm"),
        ],
    );
    let error = refused(home.try_open(), Exit::Local);
    let JournalError::Corrupt { moved_to: Some(rest), .. } = error else { panic!("{error}") };
    assert_eq!(fs::read(rest.join("journal.sqlite-wal")).unwrap(), LOGGED.log);
    assert!(!home.file("journal.sqlite-wal").exists(), "it must not meet a restored journal");
    let error = refused(home.try_open(), Exit::Local);
    assert!(
        matches!(error, JournalError::SetAside { dir } if dir.ends_with(aside.file_name().unwrap()))
    );
}

#[test]
fn two_that_find_the_same_damage_set_it_aside_once() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &damaged())]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| refused(home.try_open(), Exit::Local));
            scope.spawn(|| home.look().map(|_| ()).unwrap_err());
        }
    });
    let aside = fs::read_dir(home.path()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with("journal.corrupt-")
    });
    assert_eq!(aside.count(), 1);
}

#[test]
fn a_check_on_demand_finds_what_is_wrong() {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 10), "a");
    journal.check().unwrap();
    journal.db.raw(|connection| {
        connection.execute("UPDATE posts SET label = 'else'", []).unwrap();
    });
    let error = refused(journal.check(), Exit::Local);
    assert!(error.to_string().ends_with("row 1 of its posts is not what was written"), "{error}");
}

/// Makes an account of this home one that posts.
fn posting(home: &Home) -> Lock {
    let locks = home.file("locks");
    fs::create_dir_all(&locks).unwrap();
    fs::set_permissions(&locks, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    Lock::try_acquire(&locks.join("ana.upload.lock")).unwrap()
}

#[test]
fn a_damaged_journal_stays_where_it_is_while_somebody_posts() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &damaged())]);
    let held = posting(&home);
    let error = refused(home.try_open(), Exit::Local);
    let JournalError::DamagedInUse { pid: Some(pid), .. } = &error else { panic!("{error:?}") };
    assert_eq!(*pid, std::process::id());
    assert!(error.to_string().contains("is posting with it"), "{error}");
    assert_eq!(fs::read(home.file("journal.sqlite")).unwrap(), damaged());
    drop(held);
    let error = refused(home.try_open(), Exit::Local);
    assert!(matches!(error, JournalError::Corrupt { moved_to: Some(_), .. }), "{error}");
}

#[test]
fn what_reads_like_damage_once_is_read_again_and_the_step_is_taken() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &SMALL.0)]);
    let journal = home.open();
    let told = std::cell::Cell::new(0);
    let once = || {
        told.set(told.get() + 1);
        let damage = DbError::Unreadable("a page is not what it was".to_owned());
        if told.get() == 1 { Err(damage) } else { Ok(told.get()) }
    };
    assert_eq!(journal.db.read("read", |_| once()).unwrap(), 2);
    told.set(0);
    assert_eq!(journal.db.write("write", |_| once()).unwrap(), 2);
    let always = || Err::<(), _>(DbError::Unreadable("nonsense".to_owned()));
    let error = refused(journal.db.read("read", |_| always()), Exit::Local);
    assert!(matches!(error, JournalError::Corrupt { moved_to: None, .. }), "{error:?}");
    assert_eq!(home.open().content(), SMALL.1, "it is where it was");
}

#[test]
fn a_journal_that_vanished_is_no_reason_for_a_new_one() {
    let home = Home::new();
    place(&home, &[("journal.sqlite", &SMALL.0)]);
    let journal = home.open();
    fs::rename(home.file("journal.sqlite"), home.file("elsewhere")).unwrap();
    let damage = || Err::<(), _>(DbError::Unreadable("nonsense".to_owned()));
    let error = refused(journal.db.read("read", |_| damage()), Exit::Local);
    assert!(matches!(error, JournalError::Vanished { .. }), "{error:?}");
    assert!(!home.file("journal.sqlite").exists());
}
