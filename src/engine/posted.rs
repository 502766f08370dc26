//! Which files were posted as they are: found for many at a time, without opening one of them, as most of a long
//! manifest was posted long ago.

use std::collections::{BTreeSet, HashMap};
use std::future::ready;
use std::path::{Path, PathBuf};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::time::timeout;

use crate::engine::resolve::AT_ONCE;
use crate::model::account::Accounts;
use crate::model::{FileIdentity, LocalFile, Location, Manifest, Mode, PostRequest};
use crate::signals::Shutdown;
use crate::source::{Sources, Version, blocking};
use crate::store::{Journal, StoreError};
use crate::timing::Timing;

/// How many files that lie elsewhere are asked for at once.
const SERVERS: usize = 8;

/// What is known of a manifest's files at sight.
#[derive(Clone, Debug, Default)]
pub(crate) struct PostedFiles {
    /// The entries whose post was made of the file that lies there, by their places in the manifest, each with
    /// what the file is.
    posted: HashMap<usize, Version>,
    /// The `id`s that the manifest gives to files of one size, by account and mode.
    ids: HashMap<(String, Mode, u64), BTreeSet<String>>,
    /// Whether all files were looked at.
    complete: bool,
}

impl PostedFiles {
    /// The file of the entry at a place, if its post was made of it.
    pub(crate) fn version(&self, index: usize) -> Option<Version> {
        self.posted.get(&index).copied()
    }

    /// Whether no two entries for files of that size have different `id`s, so that only one of them can be
    /// what a post that has none was made of.
    pub(crate) fn have_one_id(&self, account: &str, mode: Mode, size: u64) -> bool {
        self.complete
            && self.ids.get(&(account.to_owned(), mode, size)).is_none_or(|ids| ids.len() < 2)
    }
}

/// Looks for the posted files. What cannot be looked at, or not in time, is left to those who open it.
pub(crate) async fn posted_files(
    manifest: &Manifest,
    journal: &dyn Journal,
    accounts: &Accounts,
    sources: &Sources,
    timing: &Timing,
    shutdown: &Shutdown,
) -> Result<PostedFiles, StoreError> {
    let mut known = PostedFiles::default();
    let files: Vec<_> = manifest
        .entries
        .iter()
        .filter_map(|entry| {
            let account = accounts.find(entry.user.as_deref()).ok()?;
            Some((entry, account, entry.post.source.file()?))
        })
        .collect();
    for files in files.chunks(AT_ONCE) {
        if shutdown.asked().is_some() {
            return Ok(known);
        }
        let paths = files.iter().map(|(.., file)| file.local().map(Path::to_owned)).collect();
        let Ok(mut found) = timeout(timing.stall, blocking(move || identities(paths))).await else {
            return Ok(known);
        };
        let remote = files.iter().enumerate().filter(|(_, (.., file))| file.local().is_none());
        let remote = remote.map(|(at, (.., file))| (at, Location::clone(file))).collect();
        for (at, identity) in elsewhere(sources, remote).await {
            if let Some(found) = found.get_mut(at) {
                *found = Some(identity);
            }
        }
        let (mut places, mut requests) = (Vec::new(), Vec::new());
        for ((entry, account, location), identity) in files.iter().zip(found) {
            let Some(identity) = identity else { continue };
            let file = LocalFile::at_sight(location.recorded(), identity);
            let id = entry.post.id.as_deref();
            if let Some(id) = id {
                let files = (account.open_id.clone(), entry.post.mode, identity.size);
                known.ids.entry(files).or_default().insert(id.to_owned());
            }
            places.push((entry.index, Version::File(identity)));
            requests.push(PostRequest::of_file(&account.open_id, entry.post.mode, id, file));
        }
        let made = journal.made(requests).await?;
        let made = places.into_iter().zip(made).filter_map(|(place, made)| made.map(|_| place));
        known.posted.extend(made);
    }
    known.complete = true;
    Ok(known)
}

/// Those of these places that can be read, with what lies there.
async fn elsewhere(
    sources: &Sources,
    places: Vec<(usize, Location)>,
) -> Vec<(usize, FileIdentity)> {
    let looks = places.into_iter().map(|(at, place)| {
        let sources = sources.clone();
        let look = async move {
            let Version::File(identity) = sources.open(&place).await.ok()?.version();
            Some((at, identity))
        };
        look.boxed()
    });
    stream::iter(looks).buffer_unordered(SERVERS).filter_map(ready).collect().await
}

/// What lies at these paths, where that is a file.
fn identities(paths: Vec<Option<PathBuf>>) -> Vec<Option<FileIdentity>> {
    let identity = |path: Option<PathBuf>| {
        let found = std::fs::metadata(path?).ok()?;
        found.is_file().then(|| FileIdentity::of(&found))
    };
    paths.into_iter().map(identity).collect()
}
