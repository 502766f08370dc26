//! The state as it is shown: no token text, no upload URL.

use jiff::Timestamp;
use serde::Serialize;

use crate::accounts::{Account, Privacy};
use crate::posting::post::{Kind, Media, Post};
use crate::state::World;

/// The whole world at a moment.
#[derive(Clone, Debug, Serialize)]
pub struct StateView {
    /// The sandbox's clock.
    pub now: Timestamp,
    /// How many seconds it runs ahead of the machine's.
    pub ahead_seconds: i64,
    /// The accounts.
    pub accounts: Vec<AccountView>,
    /// The grants that can still be refreshed.
    pub grants: Vec<GrantView>,
    /// The posts, oldest first.
    pub posts: Vec<PostView>,
}

/// An account and its ids.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    /// Its `open_id` towards the first app.
    pub open_id: String,
    /// Its settings.
    pub account: Account,
    /// What `creator_info` offers.
    pub privacy_level_options: Vec<Privacy>,
}

/// What a person agreed to.
#[derive(Clone, Debug, Serialize)]
pub struct GrantView {
    /// `@handle`.
    pub account: String,
    /// The app's key.
    pub client_key: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// When the newest access token ends; none if it has.
    pub access_ends: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_ends: Timestamp,
}

/// A post and how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct PostView {
    /// As in the init's answer.
    pub publish_id: String,
    /// `@handle`.
    pub account: String,
    /// `direct` or `draft`.
    pub kind: &'static str,
    /// `FILE_UPLOAD` or `PULL_FROM_URL`.
    pub source: &'static str,
    /// Caption, or title of a photo post.
    pub title: String,
    /// Who may see it; none for drafts.
    pub privacy: Option<Privacy>,
    /// Bytes of the whole file; 0 for photos.
    pub size: u64,
    /// As declared in the init.
    pub chunk_size: Option<u64>,
    /// As declared in the init.
    pub total_chunk_count: Option<u64>,
    /// Bytes of whole chunks that are stored.
    pub stored: u64,
    /// Bytes that arrived, those of a chunk under way included.
    pub received: u64,
    /// SHA-256 of the whole file in hex, once it is there.
    pub sha256: Option<String>,
    /// The URLs that TikTok was asked to fetch.
    pub urls: Vec<String>,
    /// As in `status/fetch`.
    pub status: String,
    /// As in `status/fetch`.
    pub fail_reason: Option<String>,
    /// As in `status/fetch`.
    pub post_ids: Vec<i64>,
    /// When its init came.
    pub created: Timestamp,
    /// What a person should know of it.
    pub note: Option<String>,
}

/// The world as it is shown.
pub(super) fn view(world: &World) -> StateView {
    let now = world.now();
    let accounts = world.accounts.iter().map(|account| AccountView {
        open_id: account.open_id(0),
        account: account.clone(),
        privacy_level_options: account.privacy_options(),
    });
    let grants = world.tokens.grants(now).into_iter().map(|view| GrantView {
        account: world.handle(view.grant.account),
        client_key: world.apps[view.grant.app].client_key.clone(),
        scopes: view.grant.scopes,
        access_ends: view.access_ends,
        refresh_ends: view.refresh_ends,
    });
    StateView {
        now,
        ahead_seconds: world.clock.ahead().as_secs(),
        accounts: accounts.collect(),
        grants: grants.collect(),
        posts: world.posts.all().map(|post| view_post(world, post, now)).collect(),
    }
}

fn view_post(world: &World, post: &Post, now: Timestamp) -> PostView {
    let status = post.status(now, &world.rules);
    let mut view = PostView {
        publish_id: post.publish_id.clone(),
        account: world.handle(post.account),
        kind: match post.kind {
            Kind::Direct => "direct",
            Kind::Draft => "draft",
        },
        source: "PULL_FROM_URL",
        title: post.title.clone(),
        privacy: post.privacy,
        size: 0,
        chunk_size: None,
        total_chunk_count: None,
        stored: 0,
        received: 0,
        sha256: None,
        urls: Vec::new(),
        status: status.word,
        fail_reason: status.fail_reason,
        post_ids: status.post_ids,
        created: post.created,
        note: post.note.clone(),
    };
    match &post.media {
        Media::File(upload) => {
            view.source = "FILE_UPLOAD";
            view.size = upload.plan.size;
            view.chunk_size = Some(upload.plan.chunk);
            view.total_chunk_count = Some(upload.plan.count);
            view.stored = upload.stored_bytes();
            view.received = upload.arrived();
            view.sha256.clone_from(&upload.sha256);
        }
        Media::Pull { url, size } => {
            view.size = *size;
            view.received = status.downloaded.unwrap_or(*size);
            view.stored = view.received;
            view.urls = vec![url.clone()];
        }
        Media::Photos { urls } => view.urls.clone_from(urls),
    }
    view
}
