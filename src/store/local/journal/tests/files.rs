//! What is demanded of the files, and how they come into being.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use super::*;
use crate::fs::FsError;
use crate::store::local::journal::marks::host;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn looking_creates_nothing() {
    let home = Home::new();
    assert!(home.look().unwrap().is_none());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let nowhere = home.file("nowhere");
    let looked = SqliteJournal::open_existing(&nowhere, Clock::default(), Arc::new(())).unwrap();
    assert!(looked.journal.is_none() && looked.doubt.is_none());
    assert!(!nowhere.exists());
}

#[test]
fn looking_finds_what_was_posted() {
    let home = Home::new();
    let post = home.open().publish(&entry(1, 90), "a");
    assert_eq!(home.look().unwrap().unwrap().all().unwrap(), [post]);
}

/// Runs the test that calls it once more, in a process with umask 000, where the name of its home is
/// in the environment.
fn under_umask_000(test: &str, home: &Path) {
    let outcome = Command::new("sh")
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("HOME_UNDER_UMASK_000", home)
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

#[test]
fn t13_files_are_private_whatever_the_umask() {
    if let Some(home) = std::env::var_os("HOME_UNDER_UMASK_000") {
        let journal =
            SqliteJournal::open(Path::new(&home), Clock::default(), Arc::new(()), Accept::Never)
                .unwrap();
        // A reader keeps the log from being emptied, so that it is there to be looked at.
        let reader =
            SqliteJournal::open(Path::new(&home), Clock::default(), Arc::new(()), Accept::Never)
                .unwrap();
        reader.db.raw(|connection| {
            connection.execute_batch("BEGIN; SELECT count(*) FROM posts;").unwrap();
        });
        journal.recorded(&entry(1, 90)).unwrap();
        for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"] {
            assert_eq!(mode(&Path::new(&home).join(name)), 0o600, "{name}");
        }
        return;
    }
    let home = Home::new();
    let deep = home.file("a/b");
    under_umask_000(
        "store::local::journal::tests::files::t13_files_are_private_whatever_the_umask",
        &deep,
    );
    assert_eq!(mode(&deep), 0o700);
    assert!(deep.join("journal.sqlite").exists(), "the other process has worked");
}

#[test]
fn a_journal_that_others_may_read_is_refused_with_the_chmod_line() {
    let home = Home::new();
    home.open();
    let path = home.file("journal.sqlite");
    for open_to_others in [0o644, 0o640, 0o604, 0o620] {
        chmod(&path, open_to_others);
        let error = refused(home.try_open(), Exit::Local);
        let line = format!("run `chmod 600 {}`", fs::canonicalize(&path).unwrap().display());
        assert_eq!(error.hint().unwrap(), line);
    }
    chmod(&path, 0o600);
    home.open();
}

#[test]
fn t14_links_in_place_of_the_files_are_refused_and_their_targets_untouched() {
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.lock"] {
        for hard in [false, true] {
            let home = Home::new();
            if name != "journal.sqlite" {
                home.open();
            }
            let _ = fs::remove_file(home.file(name));
            let target = home.file("target");
            fs::write(&target, "precious").unwrap();
            chmod(&target, 0o600);
            if hard {
                fs::hard_link(&target, home.file(name)).unwrap();
            } else {
                symlink(&target, home.file(name)).unwrap();
            }
            let error = refused(home.try_open(), Exit::Local);
            assert!(error.to_string().contains(name), "{error}");
            refused(home.look().map(|_| ()), Exit::Local);
            assert_eq!(fs::read(&target).unwrap(), b"precious", "{name}");
        }
    }
}

#[test]
fn a_link_to_the_directory_is_resolved_once() {
    let home = Home::new();
    let link = home.file("link");
    fs::create_dir(home.file("real")).unwrap();
    chmod(&home.file("real"), 0o700);
    symlink("real", &link).unwrap();
    let journal =
        SqliteJournal::open(&link, Clock::default(), Arc::new(()), Accept::Never).unwrap();
    let real = fs::canonicalize(home.file("real")).unwrap();
    assert_eq!(journal.path(), real.join("journal.sqlite"));
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let home = Home::new();
    chmod(home.path(), 0o770);
    assert!(matches!(
        refused(home.try_open(), Exit::Local),
        JournalError::File(FsError::Mode { .. })
    ));
}

#[test]
fn what_a_crash_left_of_a_creation_is_removed() {
    let home = Home::new();
    let torn = home.file(".journal.sqlite.tmp-0123456789abcdef");
    fs::write(&torn, "half a jour").unwrap();
    home.open();
    assert!(!torn.exists());
}

#[test]
fn only_the_database_and_its_lock_remain_when_nobody_works() {
    let home = Home::new();
    let journal = home.open();
    journal.publish(&entry(1, 90), "a");
    assert_eq!(fs::metadata(home.file("journal.sqlite-wal")).unwrap().len(), 0);
    drop(journal);
    let mut names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["journal.lock", "journal.sqlite", "locks"]);
}

#[test]
fn a_commit_is_forced_to_the_disk() {
    let home = Home::new();
    home.open().db.raw(|connection| {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        for (name, value) in
            [("synchronous", 2), ("fullfsync", 1), ("foreign_keys", 1), ("secure_delete", 1)]
        {
            assert_eq!(pragma(name), Ok(value), "{name}");
        }
        let mode = connection.pragma_query_value(None, "journal_mode", |r| r.get::<_, String>(0));
        assert_eq!(mode, Ok("wal".to_owned()));
    });
}

#[test]
fn a_journal_from_another_machine_is_noticed_once() {
    if host::id().is_none() {
        return;
    }
    let home = Home::new();
    let journal = home.open();
    assert!(!journal.came_from_elsewhere(), "a new one is at home");
    journal.db.raw(|connection| {
        connection.execute("UPDATE meta SET value = 'elsewhere' WHERE name = 'host'", []).unwrap();
    });
    let looked = home.look().unwrap().unwrap();
    assert!(!looked.came_from_elsewhere(), "only who posts takes it over");
    assert!(home.open().came_from_elsewhere());
    assert!(!home.open().came_from_elsewhere());
}

#[test]
fn the_machine_is_remembered_without_its_name() {
    let Some(id) = host::id() else { return };
    assert_eq!(id.len(), 32);
    let name = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    assert_ne!(id, name.trim());
}

#[test]
fn a_journal_kept_busy_is_waited_for_and_then_left() {
    let home = Home::new();
    let journal = home.open();
    let other = home.open();
    other.db.raw(|connection| connection.execute_batch("BEGIN IMMEDIATE").unwrap());
    journal.db.raw(|c| c.busy_timeout(std::time::Duration::from_millis(20)).unwrap());
    let error = refused(journal.note_call("ana", CallKind::Init), Exit::Temporary);
    assert!(matches!(error, JournalError::Busy { .. }));
    other.db.raw(|connection| connection.execute_batch("ROLLBACK").unwrap());
    journal.note_call("ana", CallKind::Init).unwrap();
}

#[test]
fn which_chunks_are_stored_waits_for_no_disk_and_is_durable_with_the_next_step() {
    let home = Home::new();
    let journal = home.open();
    let post = journal.recorded(&entry(1, 90)).unwrap();
    let log = || fs::metadata(home.file("journal.sqlite-wal")).unwrap().len();
    let mut attempt = journal.walk(&post, &[(OPEN, accepted())]);
    assert_eq!(log(), 0);
    let mine = journal.take_over("ana").unwrap();
    for stored in 1..4 {
        journal.advance(&mut attempt, Phase::Open { stored }, &NO_FACTS, mine).unwrap();
        assert!(log() > 0);
        // Other processes see it at once, and what ends this one takes nothing of it away.
        let seen = home.look().unwrap().unwrap().post(post.number).unwrap();
        assert_eq!(seen.phase(), Some(Phase::Open { stored }));
    }
    let synchronous = |at: &SqliteJournal| -> i64 {
        at.db.raw(|connection| {
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
        })
    };
    // FULL, for whatever is written next.
    assert_eq!(synchronous(&journal), 2);
    // Also after a step that was refused.
    let mut stale = Attempt { phase: Phase::Open { stored: 1 }, ..attempt.clone() };
    journal.advance(&mut stale, Phase::Open { stored: 2 }, &NO_FACTS, mine).unwrap_err();
    let intent = Phase::FinalIntent { stored: 3 };
    journal.advance(&mut attempt, intent, &read_as("a"), mine).unwrap();
    assert_eq!((log(), synchronous(&journal)), (0, 2));
}
