//! Which entries of a manifest are one post, and which are one content under two `id`s.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use crate::engine::calls::Calls;
use crate::engine::events::Warning;
use crate::engine::post::PreparedPost;
use crate::model::{
    FileIdentity, LocalFile, Location, Mode, PostNumber, PostOutcome, PostState, RecordedPost,
    Source,
};
use crate::source::{Fingerprints, Version};

/// The posts of an account that a run has come to, in the order in which they go: what a later entry of the
/// manifest names once more is found among them.
pub(super) struct NamedPosts {
    calls: Arc<Calls>,
    fingerprints: Arc<Fingerprints>,
    posts: Vec<NamedPost>,
    /// By each of their keys, places in `posts`.
    by_key: HashMap<String, Vec<usize>>,
    /// Those of files by mode and size in bytes.
    by_size: HashMap<(Mode, u64), OfSize>,
    by_number: HashMap<PostNumber, usize>,
}

/// Posts of files of one size. One whose content could not be told once is in neither.
#[derive(Debug, Default)]
struct OfSize {
    /// Those whose content nobody has asked for.
    unasked: Vec<usize>,
    /// The others by their fingerprint.
    by_content: HashMap<String, Vec<usize>>,
}

/// An entry as it is compared.
pub(super) struct NamedPost {
    /// Its place in the manifest.
    index: usize,
    id: Option<String>,
    mode: Mode,
    number: Option<PostNumber>,
    /// Its file, if it is there and finished.
    file: Option<LocalFile>,
    /// Where that lies.
    location: Option<Location>,
    /// Two entries with one in common are of the same content.
    keys: Vec<String>,
    /// A hash of all that its init says besides the source.
    settings: String,
    /// Whether a run would make it now.
    is_planned: bool,
}

/// The entry of the manifest that another one is the same post as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SamePost {
    /// Its place in the manifest.
    index: usize,
    /// Whether it is to be posted with other settings.
    differs: bool,
}

/// What an entry is to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Twin {
    /// The same post.
    Same(SamePost),
    /// Another post of the same content: a warning that says so.
    Content(Warning),
}

/// Among which posts a twin is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that a dry run would make: the journal does not know them yet.
    Planned,
    /// All of them. Files of one size are read once to be compared.
    All,
    /// All of them, and no file is read.
    AtSight,
}

impl NamedPosts {
    pub(super) fn new(calls: Arc<Calls>, fingerprints: Arc<Fingerprints>) -> Self {
        Self {
            calls,
            fingerprints,
            posts: Vec::new(),
            by_key: HashMap::new(),
            by_size: HashMap::new(),
            by_number: HashMap::new(),
        }
    }

    /// An entry; `row` is what the journal knows of it.
    pub(super) fn entry(&self, post: &PreparedPost, row: Option<&RecordedPost>) -> NamedPost {
        let mode = post.asked.mode;
        let id = post.asked.id.clone().or_else(|| row.and_then(|row| row.id.clone()));
        let file = post.version().zip(post.asked.source.file()).map(|(version, path)| {
            let Version::File(identity) = version;
            LocalFile::at_sight(path.recorded(), identity)
        });
        let location = post.asked.source.file().cloned();
        let source = match (&post.asked.source, &file) {
            (Source::Url(url), _) => Some(Source::Url(url.clone())),
            (Source::Photos { urls, cover_index }, _) => {
                Some(Source::Photos { urls: urls.clone(), cover_index: *cover_index })
            }
            (Source::File(_), file) => file.clone().map(Source::File),
        };
        let content = |source| self.calls.journal.content_keys(mode, &source);
        let mut keys = source.map(content).unwrap_or_default();
        // Whatever comes to lie there, it is the same for both.
        let path = post.asked.source.file().map(Location::recorded);
        let path = path.map(|path| blake3::hash(path.as_os_str().as_bytes()));
        keys.extend(path.map(|path| format!("{} path {path}", mode.as_str())));
        let number = row.map(|row| row.number);
        let index = post.post_ref.index;
        let settings = post.settings_hash();
        NamedPost { index, id, mode, number, file, location, keys, settings, is_planned: false }
    }

    /// What an entry is to one that came before it, the same post before anything else.
    pub(super) async fn twin_of(&mut self, entry: &NamedPost, among: Among) -> Option<Twin> {
        let known = entry.number.and_then(|number| self.by_number.get(&number)).copied();
        if let Some(at) = known.filter(|at| self.counts(*at, among)) {
            return self.posts.get(at).map(|post| Twin::Same(post.as_of(&entry.settings)));
        }
        let known = entry.keys.iter().filter_map(|key| self.by_key.get(key)).flatten().copied();
        let known: Vec<_> = known.collect();
        let first = self.first_of(&known, entry, among);
        if matches!(first, Some(Twin::Same(_))) {
            return first;
        }
        let read = self.of_same_content(entry, among, &known.into_iter().collect()).await;
        match self.first_of(&read, entry, among) {
            Some(Twin::Content(_)) if first.is_some() => first,
            second => second.or(first),
        }
    }

    /// Whether nothing was remembered yet.
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// The entry that came before and stands for a post, to one with these settings.
    pub(super) fn with_number(&self, number: PostNumber, settings: &str) -> Option<SamePost> {
        let at = *self.by_number.get(&number)?;
        self.posts.get(at).map(|post| post.as_of(settings))
    }

    fn counts(&self, at: usize, among: Among) -> bool {
        among != Among::Planned || self.posts.get(at).is_some_and(|post| post.is_planned)
    }

    /// What an entry is to the first of these, whose content it has: the same post before anything else.
    fn first_of(&self, of: &[usize], entry: &NamedPost, among: Among) -> Option<Twin> {
        let mut content = None;
        for at in of.iter().copied().filter(|at| self.counts(*at, among)) {
            let Some(post) = self.posts.get(at) else { continue };
            match (&post.id, &entry.id) {
                // Two different `id`s are two posts whatever their content.
                (Some(id), Some(own)) if id != own => {
                    content.get_or_insert(Twin::Content(Warning::SameContentHere {
                        first: post.index,
                        id: id.clone(),
                        own: own.clone(),
                    }));
                }
                _ => return Some(Twin::Same(post.as_of(&entry.settings))),
            }
        }
        content
    }

    /// The posts but the `known` ones of files whose content is that of an entry's file. Of those of its size each
    /// is asked for its content once, and nothing is read where there are none.
    async fn of_same_content(
        &mut self,
        entry: &NamedPost,
        among: Among,
        known: &HashSet<usize>,
    ) -> Vec<usize> {
        let Some(file) = &entry.file else { return Vec::new() };
        let size = (entry.mode, file.identity.size);
        let Some(of_size) = self.by_size.get_mut(&size) else { return Vec::new() };
        let unasked = std::mem::take(&mut of_size.unasked);
        let (asked, left): (Vec<_>, Vec<_>) =
            unasked.into_iter().partition(|at| self.counts(*at, among) && !known.contains(at));
        let mut read = Vec::new();
        for at in asked {
            let Some(other) = self.posts.get(at).and_then(NamedPost::located) else {
                continue;
            };
            read.extend(self.fingerprint(other, among).await.map(|content| (content, at)));
        }
        let Some(of_size) = self.by_size.get_mut(&size) else { return Vec::new() };
        of_size.unasked = left;
        for (content, at) in read {
            of_size.by_content.entry(content).or_default().push(at);
        }
        if of_size.by_content.is_empty() {
            return Vec::new();
        }
        let Some(file) = entry.located() else { return Vec::new() };
        let Some(content) = self.fingerprint(file, among).await else { return Vec::new() };
        let of_size = self.by_size.get(&size);
        let found = of_size.and_then(|of_size| of_size.by_content.get(&content));
        found.into_iter().flatten().copied().filter(|at| !known.contains(at)).collect()
    }

    /// The fingerprint of a file that was looked at before. `None`: it cannot be read, is another one now, or
    /// its disk gives nothing for so long.
    async fn fingerprint(
        &self,
        (file, location): (&LocalFile, &Location),
        among: Among,
    ) -> Option<String> {
        if among == Among::AtSight {
            return self.fingerprints.known(&file.identity);
        }
        let stall = self.calls.timing.stall;
        let video = self.calls.sources.open(location).await.ok()?;
        if video.version() != Version::File(file.identity) {
            return None;
        }
        self.fingerprints.of(&video, stall).await.ok()
    }

    /// The report of a post, with that it is the same as one that came before, if the journal has both as one.
    pub(super) fn noted(&self, post: &PreparedPost, outcome: PostOutcome) -> PostOutcome {
        let first = outcome.number.and_then(|number| self.by_number.get(&number));
        let first = first.and_then(|at| self.posts.get(*at));
        match first.filter(|first| first.index != outcome.post_ref.index) {
            Some(first) if outcome.state == PostState::Skipped => {
                let same = first.as_of(&post.settings_hash());
                PostOutcome { note: Some(same_as_words(same)), ..outcome }
            }
            _ => outcome,
        }
    }

    /// Remembers a post that a run has come to. One that failed does not stand for others of its kind, and one
    /// that is another one stands for none.
    pub(super) fn came_to(
        &mut self,
        post: &PreparedPost,
        row: Option<&RecordedPost>,
        outcome: &PostOutcome,
    ) {
        if outcome.state == PostState::Failed || outcome.is_named_before() {
            return;
        }
        let mut entry = self.entry(post, row);
        entry.number = entry.number.or(outcome.number);
        entry.is_planned = outcome.state == PostState::Planned;
        self.add(entry);
    }

    /// Remembers an entry.
    pub(super) fn add(&mut self, entry: NamedPost) {
        let at = self.posts.len();
        if entry.number.is_some_and(|number| self.by_number.contains_key(&number)) {
            return;
        }
        if let Some(number) = entry.number {
            self.by_number.insert(number, at);
        }
        for key in &entry.keys {
            self.by_key.entry(key.clone()).or_default().push(at);
        }
        if let Some(LocalFile { identity: FileIdentity { size, .. }, .. }) = entry.file {
            self.by_size.entry((entry.mode, size)).or_default().unasked.push(at);
        }
        self.posts.push(entry);
    }
}

impl NamedPost {
    /// Its file, and where that lies.
    fn located(&self) -> Option<(&LocalFile, &Location)> {
        self.file.as_ref().zip(self.location.as_ref())
    }

    /// As an entry with these settings has it, which is the same post.
    fn as_of(&self, settings: &str) -> SamePost {
        SamePost { index: self.index, differs: self.settings != settings }
    }
}

/// That a post is the same as another one of its manifest.
pub(super) fn same_as_words(same: SamePost) -> String {
    let differs = if same.differs { ", which has other settings" } else { "" };
    format!(
        "the same as post {} of this manifest{differs}; to have both, give each an `id` of its own (with \
         `post --id`: that one first, then this one)",
        same.index + 1
    )
}
