//! What the store of one machine adds to the rules of every store.

use std::task::{Context, Waker};

use super::*;
use crate::model::PostNumber;
use crate::store::contract::fixtures::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> LocalStore {
        LocalStore::open(self.0.path(), Clock::default()).unwrap()
    }

    /// The journal that lies there, past every store.
    fn journal(&self) -> SqliteJournal {
        let looked =
            SqliteJournal::open_existing(self.0.path(), Clock::default(), Arc::new(())).unwrap();
        looked.journal.unwrap()
    }
}

async fn opened(store: &dyn Store) -> Arc<dyn Journal> {
    store.open_journal(Accept::Never).await.unwrap().journal
}

#[tokio::test]
async fn a_key_that_is_fetched_later_reaches_the_journals_that_are_open() {
    let home = Home::new();
    let store = home.store();
    let journal = opened(&store).await;
    let key = Key::random().unwrap();
    let store = store.with_key(key);

    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let attempt = journal.begin_attempt(post.number, mine).await.unwrap();
    let attempt = journal.advance(&attempt, OPEN, &accepted(), mine).await.unwrap();
    assert_ne!(attempt.upload_url, accepted().upload_url, "it rests encrypted");
    assert_eq!(journal.upload_url("ana", &attempt), accepted().upload_url);
    assert_eq!(opened(store.as_ref()).await.upload_url("ana", &attempt), accepted().upload_url);
    assert_eq!(home.journal().upload_url("ana", &attempt), None, "without the key");
}

#[tokio::test]
async fn whoever_is_dropped_in_the_middle_of_a_write_waits_for_its_end() {
    let home = Home::new();
    let store = home.store();
    let journal = opened(&store).await;
    let mine = journal.take_over("ana").await.unwrap();
    let post = journal.post_for(&entry(1, 10), mine).await.unwrap();
    let flushed = store.flush_on_drop();
    // It may be done already.
    let mut begun = journal.begin_attempt(post.number, mine);
    _ = begun.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(flushed);
    assert_eq!(home.journal().attempts(PostNumber(1)).unwrap().len(), 1);
}
