use futures_util::future::BoxFuture;
use tiktok_open::Endpoints;

use super::*;
use crate::api::client;
use crate::clock::Clock;
use crate::engine::PostedFiles;
use crate::engine::{
    Engine, Options, Preparation, PrepareError, Prepared, TokenError, TokenProvider,
};
use crate::model::account::Accounts;
use crate::model::fixtures::account;
use crate::model::{Caption, Diagnostics, Entry, Manifest, Place, Post, PostRef, Source};
use crate::secret::Secret;
use crate::signals::{Shutdown, Signal};
use crate::source::{Sources, UnfinishedFiles};
use crate::store::local::LocalStore;
use crate::store::testing::Forgetful;
use crate::store::{Accept, Store as _};
use crate::timing::Timing;

/// Nobody may get as far as a token.
struct NoTokens;

impl TokenProvider for NoTokens {
    fn access_token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, TokenError>> {
        unreachable!("a call was about to be made")
    }

    fn check<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), TokenError>> {
        Box::pin(async { Ok(()) })
    }

    fn renewed<'a>(
        &'a self,
        _: &'a str,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Secret, TokenError>> {
        unreachable!("a call was made")
    }
}

fn pulled(index: usize) -> PreparedPost {
    let url = format!("https://a.example/{index}.mp4");
    let asked = Post {
        id: None,
        source: Source::Url(url.clone()),
        caption: Caption::default(),
        mode: Mode::Draft,
        privacy: None,
        disable_comment: None,
        disable_duet: None,
        disable_stitch: None,
        cover_timestamp_ms: None,
        brand_content: false,
        brand_organic: false,
        is_aigc: None,
        auto_add_music: None,
        skip_media_check: false,
        publish_at: None,
        slot: None,
    };
    let post_ref = PostRef { index, account: "ana".into(), video: url };
    PreparedPost { post_ref, asked, file: None, doubts: Vec::new(), left_to_app: None }
}

#[tokio::test]
async fn an_account_whose_lease_is_lost_begins_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), Clock::default()).unwrap();
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let nowhere = Endpoints::new(Some("http://127.0.0.1:1"), Some("http://127.0.0.1:1")).unwrap();
    let engine = Engine::builder(
        client(nowhere, Clock::default(), &Timing::default()).unwrap(),
        Arc::new(Forgetful(Arc::new(store))),
        Arc::clone(&journal),
        Arc::new(NoTokens),
        Shutdown::listen().unwrap(),
    )
    .options(Options::default())
    .build();
    let accounts = vec![(account("ana"), vec![pulled(0), pulled(1)])];
    let mut events = engine.upload(Prepared { accounts, warnings: Vec::new() });
    let mut ended = Vec::new();
    while let Some(event) = events.next().await {
        let Event::Ended(outcome) = event else { panic!("{event:?}") };
        ended.push(outcome);
    }
    assert_eq!(ended.len(), 2);
    for outcome in ended {
        assert_eq!(outcome.state, PostState::Deferred);
        assert_eq!(outcome.failure, Some(ErrorKind::Temporary));
        let error = outcome.post_error.unwrap();
        assert_eq!((error.problem.code, error.retryable), (ErrorCode::LeaseLost, true));
    }
    assert!(journal.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn after_a_signal_nothing_is_looked_up_and_nothing_left_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), Clock::default()).unwrap();
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let nowhere = Endpoints::new(Some("http://127.0.0.1:1"), Some("http://127.0.0.1:1")).unwrap();
    let engine = Engine::builder(
        client(nowhere, Clock::default(), &Timing::default()).unwrap(),
        Arc::new(store),
        journal,
        Arc::new(NoTokens),
        Shutdown::asked_by(Signal::INTERRUPT),
    )
    .build();
    let accounts = vec![(account("ana"), vec![pulled(0), pulled(1)])];
    let prepared = Prepared { accounts, warnings: Vec::new() };
    assert!(!engine.has_work(&prepared).await);
    let mut events = engine.dry_run(prepared);
    let mut ended = 0;
    while let Some(event) = events.next().await {
        let Event::Ended(outcome) = event else { panic!("{event:?}") };
        assert_eq!(outcome.failure, Some(ErrorKind::Interrupted(Signal::INTERRUPT)));
        assert_eq!(outcome.state, PostState::Deferred);
        ended += 1;
    }
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn a_preparation_ends_with_the_first_signal() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), Clock::default()).unwrap();
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let place = Place { line: 1, column: 1 };
    let post = Post { source: Source::File(dir.path().join("none.mp4").into()), ..pulled(0).asked };
    let entry = Entry {
        index: 0,
        user: None,
        user_at: place,
        user_from: crate::model::UserOrigin::Post,
        id_at: None,
        cover_at: None,
        source_at: place,
        post,
        doubts: Vec::new(),
        left_to_app: None,
    };
    let manifest = Manifest { entries: vec![entry], ..Manifest::default() };
    let preparation = Preparation {
        now: jiff::Timestamp::UNIX_EPOCH,
        name: "manifest".into(),
        folder: dir.path().to_owned(),
        accounts: Accounts::default(),
        posted: PostedFiles::default(),
        sources: Sources::new(Timing::default(), Shutdown::listen().unwrap()),
        unfinished: UnfinishedFiles::default(),
        options: Options::default(),
        timing: Timing::default(),
        shutdown: Shutdown::asked_by(Signal::INTERRUPT),
    };
    let prepared = preparation.prepare(&*journal, manifest, Diagnostics::default()).await;
    assert!(matches!(prepared, Err(PrepareError::Interrupted(Signal::INTERRUPT))), "{prepared:?}");
}
