//! A journal that is missing, older, another one or a copy is told from the one that posts were made
//! with.

use std::fs;
use std::sync::Mutex;

use super::*;
use crate::store::AccountError;
use crate::store::Doubt;
use crate::store::local::journal::marks::host::{self, FileId, Here};
use crate::store::local::journal::marks::{Known, Marks, Said};
use crate::store::local::mark::{Mark, TokenMark};

/// A token store that keeps a mark, or that the disk does not let keep one.
#[derive(Debug, Default)]
struct Kept {
    mark: Mutex<Option<Mark>>,
    full: Mutex<bool>,
}

impl TokenMark for Kept {
    fn read(&self) -> Result<Option<Mark>, JournalError> {
        Ok(self.mark.lock().unwrap().clone())
    }

    fn write(&self, mark: &Mark) -> Result<(), JournalError> {
        if *self.full.lock().unwrap() {
            let error = AccountError::Newer { path: "tokens".into(), version: 9 };
            return Err(JournalError::Tokens { error: Box::new(error) });
        }
        let mut kept = self.mark.lock().unwrap();
        if kept.as_ref().is_none_or(|kept| mark.replaces(kept)) {
            *kept = Some(mark.clone());
        }
        Ok(())
    }
}

fn open(home: &Home, tokens: &Arc<Kept>, accept: Accept) -> Result<SqliteJournal, JournalError> {
    SqliteJournal::open(home.path(), Clock::default(), Arc::clone(tokens) as _, accept)
}

fn doubted(home: &Home, tokens: &Arc<Kept>) -> Doubt {
    let error = refused(open(home, tokens, Accept::Never), Exit::Local);
    let hint = error.hint().unwrap();
    assert!(hint.contains("--new-journal") && hint.contains("look at the profile"), "{hint}");
    let JournalError::Doubtful { doubt, .. } = error else { panic!("{error:?}") };
    let looked =
        SqliteJournal::open_existing(home.path(), Clock::default(), Arc::clone(tokens) as _)
            .unwrap();
    assert!(
        matches!(looked.doubt, Some(JournalError::Doubtful { doubt: told, .. }) if told == doubt)
    );
    doubt
}

/// Posts from a home, as one run does.
fn run(home: &Home, tokens: &Arc<Kept>, inode: u64) {
    let journal = open(home, tokens, Accept::Never).unwrap();
    journal.publish(&entry(inode, 90 + inode), &format!("content {inode}"));
}

fn witness(home: &Home) -> PathBuf {
    home.file("locks/journal.mark")
}

/// Whether copies of files can be told from the files here.
fn copies_are_told(home: &Home) -> bool {
    FileId::of(home.path()).unwrap().is_some()
}

#[test]
fn a_run_is_counted_once_and_before_its_first_attempt() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    let journal = open(&home, &tokens, Accept::Never).unwrap();
    let post = journal.recorded(&entry(1, 10)).unwrap();
    assert_eq!(*tokens.mark.lock().unwrap(), None, "nothing was begun yet");
    assert!(!witness(&home).exists());
    journal.begun(post.number).unwrap();
    journal.publish(&entry(2, 20), "b");
    let mark = tokens.mark.lock().unwrap().clone().unwrap();
    assert_eq!((mark.counter, mark.journal.len()), (1, 32));
    let text = fs::read_to_string(witness(&home)).unwrap();
    assert!(text.starts_with(&format!("journal {}\ncounter 1\n", mark.journal)), "{text}");
    drop(journal);
    run(&home, &tokens, 3);
    assert_eq!(tokens.mark.lock().unwrap().clone().unwrap(), Mark { counter: 2, ..mark });
}

#[test]
fn without_its_mark_no_attempt_begins() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    let journal = open(&home, &tokens, Accept::Never).unwrap();
    let post = journal.recorded(&entry(1, 10)).unwrap();
    *tokens.full.lock().unwrap() = true;
    refused(journal.begun(post.number), Exit::Local);
    assert_eq!(journal.attempts(post.number).unwrap(), []);
    *tokens.full.lock().unwrap() = false;
    journal.begun(post.number).unwrap();
    // The journal is ahead of what was never marked, as after a crash: no doubt.
    drop(journal);
    open(&home, &tokens, Accept::Never).unwrap();
}

#[test]
fn a_fresh_home_and_one_of_an_earlier_version_make_no_noise() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    let journal = open(&home, &tokens, Accept::Never).unwrap();
    journal.db.raw(|connection| connection.execute_batch("DELETE FROM meta").unwrap());
    drop(journal);
    let looked =
        SqliteJournal::open_existing(home.path(), Clock::default(), Arc::clone(&tokens) as _)
            .unwrap();
    assert!(looked.doubt.is_none());
    let journal = open(&home, &tokens, Accept::Never).unwrap();
    assert!(!journal.came_from_elsewhere());
    assert_eq!(journal.accepted(), None);
    let known = journal.db.read("read", Known::read).unwrap();
    assert!(known.identity.is_some());
}

#[test]
fn an_older_state_of_the_journal_is_refused_until_it_is_accepted_once() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    let old = fs::read(home.file("journal.sqlite")).unwrap();
    run(&home, &tokens, 2);
    let new = fs::read(home.file("journal.sqlite")).unwrap();
    // In place: the file keeps its number.
    fs::write(home.file("journal.sqlite"), &old).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Behind);
    let journal = open(&home, &tokens, Accept::DryRun).unwrap();
    assert_eq!(journal.accepted(), Some(Doubt::Behind));
    drop(journal);
    assert_eq!(doubted(&home, &tokens), Doubt::Behind, "a rehearsal accepts nothing");
    let journal = open(&home, &tokens, Accept::Once).unwrap();
    assert_eq!((journal.accepted(), journal.all().unwrap().len()), (Some(Doubt::Behind), 1));
    drop(journal);
    assert_eq!(open(&home, &tokens, Accept::Once).unwrap().accepted(), None);
    run(&home, &tokens, 3);
    // The state that was given up does not know the third post.
    fs::write(home.file("journal.sqlite"), &new).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Other);
}

#[test]
fn the_witness_alone_knows_it_as_well() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    let old = fs::read(home.file("journal.sqlite")).unwrap();
    let old_mark = tokens.mark.lock().unwrap().clone();
    run(&home, &tokens, 2);
    fs::write(home.file("journal.sqlite"), &old).unwrap();
    *tokens.mark.lock().unwrap() = old_mark;
    assert_eq!(doubted(&home, &tokens), Doubt::Behind);
    // And the tokens alone.
    run_with_new_journal(&home, &tokens);
    fs::remove_file(witness(&home)).unwrap();
    fs::write(home.file("journal.sqlite"), &old).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Other);
}

fn run_with_new_journal(home: &Home, tokens: &Arc<Kept>) {
    let journal = open(home, tokens, Accept::Once).unwrap();
    assert!(journal.accepted().is_some());
    drop(journal);
    open(home, tokens, Accept::Never).unwrap();
}

#[test]
fn older_tokens_are_no_reason_to_doubt_the_journal() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    let old = tokens.mark.lock().unwrap().clone();
    run(&home, &tokens, 2);
    for mark in [old, None] {
        *tokens.mark.lock().unwrap() = mark;
        open(&home, &tokens, Accept::Never).unwrap();
    }
}

#[test]
fn a_journal_that_is_gone_is_not_begun_anew_without_a_word() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    fs::remove_file(home.file("journal.sqlite")).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Gone);
    assert!(!home.file("journal.sqlite").exists());
    let journal = open(&home, &tokens, Accept::Once).unwrap();
    assert_eq!((journal.accepted(), journal.all().unwrap().len()), (Some(Doubt::Gone), 0));
    drop(journal);
    run(&home, &tokens, 2);
}

#[test]
fn a_journal_of_an_earlier_version_is_not_the_one_that_is_marked() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    open(&home, &tokens, Accept::Never).unwrap().db.raw(|connection| {
        connection.execute_batch("DELETE FROM meta").unwrap();
    });
    let old = fs::read(home.file("journal.sqlite")).unwrap();
    run(&home, &tokens, 1);
    fs::write(home.file("journal.sqlite"), old).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Other);
}

#[test]
fn a_copy_of_all_files_is_told_by_the_file() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    if !copies_are_told(&home) {
        return;
    }
    run(&home, &tokens, 1);
    let path = home.file("journal.sqlite");
    fs::copy(&path, home.file("copy")).unwrap();
    fs::rename(home.file("copy"), &path).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Copied);
    run_with_new_journal(&home, &tokens);
    run(&home, &tokens, 2);
}

#[test]
fn a_copy_of_all_files_in_place_is_told_by_the_witness() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    if !copies_are_told(&home) {
        return;
    }
    run(&home, &tokens, 1);
    let paths = [home.file("journal.sqlite"), witness(&home)];
    let old = paths.each_ref().map(|path| fs::read(path).unwrap());
    let old_mark = tokens.mark.lock().unwrap().clone();
    run(&home, &tokens, 2);
    for (path, bytes) in paths.iter().zip(old) {
        fs::write(path, bytes).unwrap();
    }
    *tokens.mark.lock().unwrap() = old_mark;
    assert_eq!(doubted(&home, &tokens), Doubt::Copied);
    run_with_new_journal(&home, &tokens);
    run(&home, &tokens, 2);
}

#[test]
fn on_another_machine_a_copy_is_only_told_and_only_once() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    if host::id().is_none() {
        return;
    }
    run(&home, &tokens, 1);
    let journal = open(&home, &tokens, Accept::Never).unwrap();
    journal.db.raw(|connection| {
        connection.execute("UPDATE meta SET value = 'elsewhere' WHERE name = 'host'", []).unwrap();
    });
    drop(journal);
    for path in [home.file("journal.sqlite"), witness(&home)] {
        fs::copy(&path, home.file("copy")).unwrap();
        fs::rename(home.file("copy"), &path).unwrap();
    }
    let looked =
        SqliteJournal::open_existing(home.path(), Clock::default(), Arc::clone(&tokens) as _)
            .unwrap();
    assert!(looked.doubt.is_none());
    assert!(open(&home, &tokens, Accept::Never).unwrap().came_from_elsewhere());
    assert!(!open(&home, &tokens, Accept::Never).unwrap().came_from_elsewhere());
    // An older state is one there as well.
    let old = fs::read(home.file("journal.sqlite")).unwrap();
    run(&home, &tokens, 2);
    fs::write(home.file("journal.sqlite"), old).unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Behind);
}

#[test]
fn a_witness_that_says_nothing_is_doubted() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    fs::write(witness(&home), "journal abc\ncounter many\n").unwrap();
    assert_eq!(doubted(&home, &tokens), Doubt::Unclear);
    run_with_new_journal(&home, &tokens);
}

#[test]
fn a_witness_whose_last_line_was_cut_off_is_a_good_one() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    run(&home, &tokens, 1);
    let text = fs::read_to_string(witness(&home)).unwrap();
    fs::write(witness(&home), text.trim_end().trim_end_matches(char::is_numeric)).unwrap();
    run(&home, &tokens, 2);
}

#[test]
fn runs_at_the_same_time_leave_the_mark_of_the_last() {
    let (home, tokens) = (Home::new(), Arc::new(Kept::default()));
    std::thread::scope(|scope| {
        for inode in 1..=6 {
            let (home, tokens) = (&home, &tokens);
            // Each at an account of its own, as its lease sees to.
            scope.spawn(move || {
                let entry = entry(inode, 90 + inode).of(&format!("account {inode}"));
                open(home, tokens, Accept::Never).unwrap().publish(&entry, "content");
            });
        }
    });
    let mark = tokens.mark.lock().unwrap().clone().unwrap();
    assert_eq!(mark.counter, 6);
    assert!(fs::read_to_string(witness(&home)).unwrap().contains("counter 6\n"));
    open(&home, &tokens, Accept::Never).unwrap();
}

#[test]
fn what_is_doubted() {
    let mark = |journal: &str, counter| Mark { journal: journal.to_owned(), counter };
    let known = |journal: Option<&str>, counter| Known {
        identity: journal.map(ToOwned::to_owned),
        counter,
        ..Known::default()
    };
    let witness = |mark: Mark, in_place| Some(Said::Mark(mark, in_place));
    let cases = [
        (None, None, known(None, 0), None),
        (None, None, known(Some("a"), 5), None),
        (Some(mark("a", 5)), None, known(Some("a"), 5), None),
        (Some(mark("a", 5)), witness(mark("a", 4), true), known(Some("a"), 6), None),
        (Some(mark("a", 6)), None, known(Some("a"), 5), Some(Doubt::Behind)),
        (None, witness(mark("a", 6), true), known(Some("a"), 5), Some(Doubt::Behind)),
        (Some(mark("a", 1)), None, known(Some("b"), 5), Some(Doubt::Other)),
        (Some(mark("a", 1)), None, known(None, 0), Some(Doubt::Other)),
        (Some(mark("a", 1)), witness(mark("b", 9), true), known(Some("a"), 5), Some(Doubt::Other)),
        (None, witness(mark("a", 5), false), known(Some("a"), 5), Some(Doubt::Copied)),
        (None, Some(Said::Nonsense), known(Some("a"), 5), Some(Doubt::Unclear)),
    ];
    for (tokens, witness, known, doubt) in cases {
        let marks = Marks { tokens, witness };
        assert_eq!(marks.doubt(Some(&known), None), doubt, "{marks:?} {known:?}");
        assert_eq!(marks.doubt(None, None).is_some(), marks.are_there());
    }
    let (none, known) = (Marks::default(), known(Some("a"), 1));
    for (elsewhere, doubt) in [(false, Some(Doubt::Copied)), (true, None)] {
        let here = Here { copied: true, elsewhere, ..Here::default() };
        assert_eq!(none.doubt(Some(&known), Some(&here)), doubt);
    }
}
