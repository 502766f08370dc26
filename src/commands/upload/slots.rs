//! The times of the posts whose `publish_at` names a slot.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::commands::Context;
use crate::engine::{Event, FileState, Prepared, PreparedPost};
use crate::model::slot::Wanted;
use crate::model::{Account, LocalFile, Location, Mode, PostState, Source};
use crate::output::Failure;
use crate::source::Version;
use crate::store::{self, Asked, Journal, StoreError};
use crate::text;

/// The times that a run has given, to be freed of what is made before.
#[derive(Debug)]
pub(super) struct Slots {
    store: Arc<dyn store::Slots>,
    /// The posts, by their places in the manifest: account, and what the post goes by.
    posts: Vec<(usize, (String, String))>,
    made: BTreeSet<(String, String)>,
    now: Timestamp,
}

impl Slots {
    /// Gives each post that names a slot its time. A dry run keeps nothing of it. `None`: no post names one.
    pub(super) async fn give(
        context: &Context,
        store: Arc<dyn store::Slots>,
        journal: &dyn Journal,
        prepared: &mut Prepared,
        manifest: String,
        dry_run: bool,
    ) -> Result<Option<Self>, Failure> {
        let all = || {
            prepared
                .accounts
                .iter()
                .flat_map(|(account, posts)| posts.iter().map(move |post| (account, post)))
        };
        // What was posted as it is needs no time.
        let is_made = |post: &PreparedPost| matches!(post.file, Some(FileState::Posted(_)));
        let named = all().filter(|(_, post)| !is_made(post));
        let named = named.filter_map(|(account, post)| {
            let wanted = wants(journal, account, post)?;
            let path = post.asked.source.file().map(Location::recorded);
            Some((post.post_ref.index, post.asked.mode, path, wanted))
        });
        let named: Vec<_> = named.collect();
        let (mut places, mut wanted) = (Vec::new(), Vec::new());
        for (place, mode, path, post) in named {
            let made = last_made(journal, &post.account, mode, path).await?;
            places.push(place);
            wanted.push(Wanted { made, ..post });
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let own = all().filter(|(_, post)| post.asked.slot.is_none());
        let taken: BTreeSet<_> = own
            .filter_map(|(account, post)| Some((account.open_id.clone(), post.asked.publish_at?)))
            .collect();
        let now = context.settings.clock.now();
        let keys = wanted.iter().map(|it| (it.account.clone(), it.post.clone()));
        let posts = places.iter().copied().zip(keys).collect();
        let slots = context.settings.slots.clone();
        // It may be an address with a signature.
        let manifest = blake3::hash(manifest.as_bytes()).to_hex().to_string();
        let asked = Asked { slots, manifest, wanted, taken, now };
        let times = if dry_run { store.look(asked).await? } else { store.book(asked).await? };
        let mut times: HashMap<_, _> = places.into_iter().zip(times).collect();
        for post in prepared.accounts.iter_mut().flat_map(|(_, posts)| posts) {
            let Some(time) = times.remove(&post.post_ref.index) else { continue };
            if time.is_none() {
                let slot = post.asked.slot.as_deref().unwrap_or_default();
                return Err(Failure::usage(format!(
                    "post {}: the slot `{}` has no free time for {} within two years",
                    post.post_ref.index + 1,
                    text::shown(slot),
                    post.post_ref.account
                ))
                .hint("add `times` or `days` to it in config.toml, or take posts out; nothing was sent"));
            }
            post.asked.publish_at = time;
        }
        Ok((!dry_run).then_some(Self { store, posts, made: BTreeSet::new(), now }))
    }

    /// Notes that a post is made, or is another one's.
    pub(super) fn event(&mut self, event: &Event) {
        let Event::Ended(outcome) = event else { return };
        let done = [PostState::Published, PostState::Inbox, PostState::Skipped];
        if done.contains(&outcome.state) {
            let own = self.posts.iter().find(|(at, _)| *at == outcome.post_ref.index);
            self.made.extend(own.map(|(_, key)| key.clone()));
        }
    }

    /// Frees the times of what was made. What cannot be freed is a time that no post has.
    pub(super) async fn free(self) {
        if !self.made.is_empty() {
            _ = self.store.free(self.made, self.now).await;
        }
    }
}

/// When the last post of an account was made of what lies at a path.
async fn last_made(
    journal: &dyn Journal,
    account: &str,
    mode: Mode,
    path: Option<PathBuf>,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(path) = path else { return Ok(None) };
    let found = journal.find_by_path(account, mode, &path).await?;
    let last = found.and_then(|found| found.last);
    Ok(last.filter(|last| last.phase.is_done()).map(|last| last.updated_at))
}

/// What a post asks for, if it names a slot.
fn wants(journal: &dyn Journal, account: &Account, post: &PreparedPost) -> Option<Wanted> {
    let slot = post.asked.slot.clone()?;
    // As the journal knows an address: without the signature, which is another one each time.
    let keys = |source: Source<LocalFile>| journal.content_keys(post.asked.mode, &source).join(" ");
    let address = match post.asked.source.clone() {
        Source::File(_) => None,
        Source::Url(url) => Some(keys(Source::Url(url))),
        Source::Photos { urls, cover_index } => Some(keys(Source::Photos { urls, cover_index })),
    };
    let what = match (&post.asked.id, &address, post.asked.source.file()) {
        (Some(id), ..) => format!("id {id}"),
        (None, Some(address), _) => format!("address {address}"),
        (None, None, path) => {
            let path = path.map(Location::recorded).unwrap_or_default();
            format!("file {}", path.display())
        }
    };
    Some(Wanted {
        account: account.open_id.clone(),
        post: format!("{} {what}", post.asked.mode.as_str()),
        slot,
        file: post.version().map(|Version::File(identity)| identity),
        address,
        made: None,
    })
}
