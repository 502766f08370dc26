use super::*;
use crate::encrypt::{self, Key};

const CANARY: &str = "canary=Zq3";

impl Home {
    /// The journal, with the key of the token store.
    fn open_encrypted(&self, key: &Key) -> SqliteJournal {
        self.open().with_key(Some(key.clone().into()))
    }

    /// Whether the `upload_url` stands in a byte of any file.
    fn shows_the_url(&self) -> bool {
        let files = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).any(|path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
        })
    }
}

fn key() -> Key {
    Key::random().unwrap()
}

/// An attempt at a post whose init was answered.
fn begun(journal: &SqliteJournal, inode: u64) -> Attempt {
    let post = journal.recorded(&entry(inode, inode)).unwrap();
    journal.walk(&post, &[(OPEN, accepted())])
}

#[test]
fn an_upload_url_is_encrypted_with_the_key_and_read_with_it() {
    let (home, key) = (Home::new(), key());
    let journal = home.open_encrypted(&key);
    let attempt = begun(&journal, 1);
    assert!(encrypt::is_encrypted(attempt.upload_url.as_ref().unwrap().expose()));
    assert_eq!(journal.upload_url("ana", &attempt), accepted().upload_url);
    drop(journal);
    assert!(!home.shows_the_url());
    let journal = home.open_encrypted(&key);
    let attempt = journal.attempts(attempt.post).unwrap().remove(0);
    assert_eq!(journal.upload_url("ana", &attempt), accepted().upload_url);
}

#[test]
fn without_a_key_it_rests_as_it_is() {
    let home = Home::new();
    let journal = home.open();
    let attempt = begun(&journal, 1);
    assert_eq!(journal.upload_url("ana", &attempt), accepted().upload_url);
    assert!(home.shows_the_url());
}

#[test]
fn an_upload_url_that_was_moved_or_needs_another_key_is_none() {
    let (home, key) = (Home::new(), key());
    let journal = home.open_encrypted(&key);
    let (one, mut other) = (begun(&journal, 1), begun(&journal, 2));
    assert_eq!(journal.upload_url("ben", &one), None, "of another account");
    other.upload_url.clone_from(&one.upload_url);
    assert_eq!(journal.upload_url("ana", &other), None, "of another attempt");
    assert_eq!(home.open().upload_url("ana", &one), None);
    assert_eq!(home.open_encrypted(&self::key()).upload_url("ana", &one), None);
}

#[test]
fn a_run_without_the_key_writes_none_in_plain_text() {
    let (home, key) = (Home::new(), key());
    begun(&home.open_encrypted(&key), 1);
    for journal in [home.open(), home.open_encrypted(&self::key())] {
        let post = journal.recorded(&entry(2, 2)).unwrap();
        let mut attempt = journal.begun(post.number).unwrap();
        let error = refused(journal.step(&mut attempt, OPEN, &accepted()), Exit::Local);
        assert!(matches!(&error, JournalError::NoKey { key: named, .. } if *named == key.id()));
        assert_eq!(attempt.phase, Phase::InitIntent);
        journal.step(&mut attempt, Phase::Lost, &NO_FACTS).unwrap();
    }
    assert!(!home.shows_the_url());
}

#[test]
fn living_urls_are_migrated_there_and_back_and_leave_no_trace() {
    let (home, key) = (Home::new(), key());
    let plain = home.open();
    let attempts = [begun(&plain, 1), begun(&plain, 2)];
    drop(plain);
    assert!(home.shows_the_url());
    let journal = home.open_encrypted(&key);
    let read = |journal: &SqliteJournal| {
        attempts.each_ref().map(|attempt| {
            let attempt = journal.attempts(attempt.post).unwrap().remove(0);
            journal.upload_url("ana", &attempt)
        })
    };
    assert_eq!(read(&journal), [accepted().upload_url, accepted().upload_url], "both are read");
    assert_eq!(journal.encrypt().unwrap(), 2);
    assert_eq!(journal.encrypt().unwrap(), 0, "it is done");
    assert!(!home.shows_the_url(), "also not in the log");
    assert_eq!(read(&journal), [accepted().upload_url, accepted().upload_url]);
    journal.check().unwrap();
    assert_eq!(journal.decrypt().unwrap(), 2);
    assert_eq!(journal.decrypt().unwrap(), 0, "it is done");
    assert_eq!(read(&home.open()), [accepted().upload_url, accepted().upload_url]);
    begun(&home.open(), 3);
}

#[test]
fn what_no_key_opens_is_forgotten_by_a_migration() {
    let (home, lost) = (Home::new(), key());
    let attempt = begun(&home.open_encrypted(&lost), 1);
    let journal = home.open();
    assert_eq!(journal.decrypt().unwrap(), 1);
    assert_eq!(journal.attempts(attempt.post).unwrap()[0].upload_url, None);
    journal.check().unwrap();
    begun(&journal, 2);
}
