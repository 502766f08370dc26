//! The journal is read from end to end when that tells something new, and not each time.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

impl Home {
    /// What is noted about the last look at everything.
    fn note(&self) -> String {
        fs::read_to_string(self.file("locks/journal.checked")).unwrap_or_default()
    }

    /// When that was.
    fn checked(&self) -> String {
        self.note().lines().next().unwrap_or_default().to_owned()
    }

    /// Opens the journal so many minutes later, posts with it if asked to, and closes it. Says whether all of
    /// it was read.
    fn visit(&self, minutes: i64, number: Option<u64>) -> bool {
        let before = self.checked();
        let journal = self.open_ahead(SignedDuration::from_mins(minutes));
        if let Some(number) = number {
            journal.publish(&entry(number, 90 + number), &format!("content {number}"));
        }
        drop(journal);
        self.checked() != before
    }
}

#[test]
fn it_is_read_in_full_once_a_day() {
    let home = Home::new();
    assert!(home.visit(0, Some(1)));
    assert!(!home.visit(1, None), "as it was left");
    assert!(!home.visit(2, Some(2)), "posting leaves it as it is known");
    assert!(!home.visit(23 * 60, None));
    assert!(home.visit(24 * 60 + 1, None), "a day later");
    assert!(!home.visit(24 * 60 + 2, Some(3)));
    assert_eq!(home.open().all().unwrap().len(), 3);
}

#[test]
fn one_that_was_changed_from_outside_is_read_in_full() {
    let home = Home::new();
    home.visit(0, Some(1));
    let path = home.file("journal.sqlite");
    fs::write(&path, fs::read(&path).unwrap()).unwrap();
    assert!(home.visit(1, None), "the same bytes, written again");
    assert!(!home.visit(2, None));
    fs::copy(&path, home.file("copy")).unwrap();
    fs::rename(home.file("copy"), &path).unwrap();
    assert!(home.try_open().is_err(), "a copy is told, and noted as nothing");
}

#[test]
fn one_that_nobody_closed_is_read_in_full() {
    let home = Home::new();
    home.visit(0, Some(1));
    fs::write(home.file("journal.sqlite-wal"), "").unwrap();
    let private = Permissions::from_mode(0o600);
    fs::set_permissions(home.file("journal.sqlite-wal"), private).unwrap();
    assert!(home.visit(1, None), "a log that the last one did not take with it");
    assert!(!home.visit(2, None));
}

#[test]
fn whoever_comes_while_it_is_used_reads_it_in_full_once_it_has_changed() {
    let home = Home::new();
    home.visit(0, Some(1));
    let before = home.note();
    let first = home.open();
    drop(home.open());
    assert_eq!(home.note(), before, "nobody has written");
    first.publish(&entry(2, 92), "content 2");
    drop(home.open());
    assert_eq!(home.note(), before, "the last one to leave notes it");
    drop(first);
    assert_ne!(home.note(), before, "which file it is now");
    assert!(!home.visit(2, None));
}

#[test]
fn a_note_that_is_damaged_or_gone_is_as_none() {
    let home = Home::new();
    home.visit(0, Some(1));
    fs::write(home.file("locks/journal.checked"), "checked 17").unwrap();
    assert!(home.visit(1, None));
    fs::remove_file(home.file("locks/journal.checked")).unwrap();
    assert!(home.visit(2, None));
    assert!(!home.visit(3, None));
}

#[test]
fn a_row_that_is_not_what_was_written_is_noticed_when_it_is_read() {
    for (table, column) in [("posts", "label"), ("attempts", "phase"), ("keys", "post")] {
        let home = Home::new();
        home.visit(0, Some(1));
        let journal = home.open();
        let value = if table == "attempts" { "'rejected'" } else { "7" };
        journal.db.raw(|connection| {
            connection
                .execute_batch(&format!(
                    "PRAGMA foreign_keys = OFF; UPDATE {table} SET {column} = {value}"
                ))
                .unwrap();
        });
        let found = journal.find(&entry(1, 91));
        let error = refused(found, Exit::Local);
        assert!(
            matches!(error, JournalError::DamagedInUse { .. } | JournalError::Corrupt { .. }),
            "{error:?}"
        );
    }
}
