use futures_util::future::BoxFuture;
use tiktok_open::Endpoints;

use super::*;
use crate::api::client;
use crate::clock::Clock;
use crate::engine::{Engine, Options, Prepared, TokenError, TokenProvider};
use crate::model::fixtures::account;
use crate::model::{Caption, Post, PostRef, Source};
use crate::secret::Secret;
use crate::signals::Shutdown;
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
    };
    let post_ref = PostRef { index, account: "ana".into(), video: url };
    PreparedPost { post_ref, asked, file: None, doubts: Vec::new() }
}

#[tokio::test]
async fn an_account_whose_lease_is_lost_begins_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), Clock::default()).unwrap();
    let journal = store.open_journal(Accept::Never).await.unwrap().journal;
    let nowhere = Endpoints::new(Some("http://127.0.0.1:1"), Some("http://127.0.0.1:1")).unwrap();
    let engine = Engine::builder(
        client(nowhere, Clock::default(), &Timing::default()).unwrap(),
        Arc::new(Forgetful(store)),
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
