//! Which post of the journal an entry stands for: its file opened, planned and recognised.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tiktok_open::Code;

use crate::engine::Options;
use crate::engine::calls::Calls;
use crate::engine::events::{Note, Progress, Warning};
use crate::engine::post::{FileState, PreparedPost, settings_hash};
use crate::engine::stop::StopReason;
use crate::engine::tries::is_failed_for_good;
use crate::model::{
    FileIdentity, LocalFile, Location, Phase, Plan, PlanError, Post, PostError, PostNumber,
    PostOutcome, PostRequest, RecordedPost, Source, SourceKind, Transfer, Unfinished, WebAddress,
    recorded_address,
};
use crate::problem::{Coded as _, ErrorCode, ErrorKind};
use crate::signals::Signal;
use crate::source::{Fingerprint, Fingerprints, Version, Video, VideoError};
use crate::store::{Alike, Journal, Likeness, StoreError};
use crate::text::{self, chain};

/// Finds the posts of one account in the journal.
pub(super) struct PostResolver {
    calls: Arc<Calls>,
    options: Arc<Options>,
    /// For what is not sent now.
    fingerprints: Arc<Fingerprints>,
    /// What was worked on in this run.
    driven: Mutex<Vec<PostNumber>>,
    /// The `id`s that this run gives to posts that were made without one.
    given: Mutex<HashMap<PostNumber, String>>,
    /// The posts that an entry without an `id` stands for.
    unnamed: Mutex<HashSet<PostNumber>>,
}

/// The journal's row of a post, and the open file behind it.
pub(super) struct ResolvedPost {
    pub(super) row: RecordedPost,
    pub(super) source: Option<(Video, Plan)>,
    /// The row is that of another file: one that lay where this one lies now, or has the same `id`.
    pub(super) replaced: bool,
    /// The entry's `id`, if that is what leads to the other one.
    pub(super) shared_id: Option<String>,
}

impl ResolvedPost {
    /// A post whose file is not there, or not needed.
    fn of(row: RecordedPost) -> Self {
        Self { row, source: None, replaced: false, shared_id: None }
    }
}

/// Why a post could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error(transparent)]
    File(#[from] VideoError),
    /// The file of what is to be posted once more is still being written.
    #[error("{0}")]
    UnfinishedRepost(VideoError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal came while the file was read.
    #[error("interrupted")]
    Interrupted(Signal),
    /// The entry's `id` is that of another post.
    #[error("{}", id_used_words(id, post, missing.as_deref()))]
    IdUsed {
        /// The `id`.
        id: String,
        /// The post that was made under it.
        post: Box<RecordedPost>,
        /// The entry's own file, if it is not there to be compared.
        missing: Option<PathBuf>,
    },
    /// The entry's `id` is that of another post, and its content was posted already.
    #[error(
        "the `id` \"{}\" was used for {} (post {}), and this was posted already as post {}{}: nothing was sent",
        text::plain(id), post.label, post.number, posted.number, with_id(posted)
    )]
    IdOfAnother {
        /// The `id`.
        id: String,
        /// The post that was made under it.
        post: Box<RecordedPost>,
        /// The post of this content.
        posted: Box<RecordedPost>,
    },
    /// The entry's `id` is that of a post of other content, and what becomes of that one is open.
    #[error(
        "the `id` \"{}\" is that of post {}, whose video ({}) is another one, and it is open what becomes of that: \
         nothing of the video that the entry names now is sent meanwhile",
        text::plain(id), post.number, post.label
    )]
    IdPending {
        /// The `id`.
        id: String,
        /// The post that has it.
        post: Box<RecordedPost>,
    },
    /// Most likely the video of another post, by a link that was made anew.
    #[error(
        "same address, other query, as post {}, which was posted already: it is not sent, as links \
         like this one change while what they lead to stays the same",
        post.number
    )]
    SameAddress {
        /// That post.
        post: Box<RecordedPost>,
    },
}

fn id_used_words(id: &str, post: &RecordedPost, missing: Option<&Path>) -> String {
    let this = match missing {
        Some(path) => format!("the file of this entry is not there: {}", text::quoted(path)),
        None => "this is another one".to_owned(),
    };
    format!(
        "the `id` \"{}\" was used for {} (post {}), and {this}: nothing was sent",
        text::plain(id),
        post.label,
        post.number,
    )
}

/// The `id` of a post, behind its number.
fn with_id(post: &RecordedPost) -> String {
    let id = post.id.as_deref();
    id.map_or_else(
        || ", without an `id`".to_owned(),
        |id| format!(", `id` \"{}\"", text::plain(id)),
    )
}

/// A post as it was looked up.
pub(super) struct FoundPost {
    pub(super) plan: Option<Plan>,
    pub(super) row: Option<RecordedPost>,
    /// What the journal was asked for. `None`: the file cannot be read.
    request: Option<PostRequest>,
    /// What is to be said of another post that it is like.
    pub(super) alike: Option<Warning>,
    /// The post of another file that lay where this one lies.
    pub(super) earlier: Option<Earlier>,
}

/// What became of the file that lay where another one lies now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It was posted.
    Made(PostNumber),
    /// It was put off, and is not there any more.
    NotMade(PostNumber),
    /// It is under way, and comes first.
    UnderWay(PostNumber),
}

impl FoundPost {
    /// A post of the journal, of which nothing else is known.
    pub(super) fn of(row: RecordedPost) -> Self {
        Self { plan: None, row: Some(row), request: None, alike: None, earlier: None }
    }

    /// Where an attempt stands that an earlier run began and that is not over.
    pub(super) fn begun(&self) -> Option<Phase> {
        let phase = self.row.as_ref().and_then(RecordedPost::phase);
        phase.filter(|phase| !phase.is_over())
    }
}

/// How closely a file is looked at, to find out which post it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing of it is read.
    Sight,
    /// As `Content`, but what an earlier run read counts: for what is not sent now.
    Once,
    /// It is read to its end where only its content tells.
    Content,
}

/// How many posts are looked up at once.
pub(super) const AT_ONCE: usize = 256;

/// Which of a row of posts the journal knows nothing of, looked up many at a time as a run comes to them.
#[derive(Debug, Default)]
pub(super) struct NewPosts {
    /// The place of the first one that was looked up last.
    from: usize,
    are_new: Vec<bool>,
}

impl NewPosts {
    /// Whether the journal knows nothing that the post at a place stands for or is like. `false`: it knows
    /// something, or that cannot be told at sight.
    pub(super) async fn is_new<P: Borrow<PreparedPost> + Sync>(
        &mut self,
        resolver: &PostResolver,
        posts: &[P],
        at: usize,
    ) -> bool {
        if !(self.from..self.from + self.are_new.len()).contains(&at) {
            let some = posts.iter().skip(at).take(AT_ONCE).map(Borrow::borrow).collect::<Vec<_>>();
            self.from = at;
            self.are_new = resolver.are_new(&some).await;
        }
        self.are_new.get(at - self.from).copied().unwrap_or(false)
    }
}

/// What an entry is to be posted of.
enum Content {
    /// What it is, and the open file behind it.
    Known(Source<LocalFile>, Option<(Video, Plan)>),
    /// Its file is gone or still being written, but what came of its post can be told.
    Told(Box<RecordedPost>),
}

impl PostResolver {
    pub(super) fn new(
        calls: Arc<Calls>,
        options: Arc<Options>,
        fingerprints: Arc<Fingerprints>,
    ) -> Self {
        Self {
            calls,
            options,
            fingerprints,
            driven: Mutex::default(),
            given: Mutex::default(),
            unnamed: Mutex::default(),
        }
    }

    /// Remembers that this run worked on a post.
    pub(super) fn note_driven(&self, number: PostNumber) {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).push(number);
    }

    /// Whether an entry is the post that it was found to be: one that was made without an `id` takes the first
    /// that this run gives it, as the journal would, and for any other `id` it is another one.
    fn may_take(&self, id: Option<&str>, row: &RecordedPost) -> bool {
        let (Some(id), None) = (id, &row.id) else { return true };
        if self.is_unnamed(row) {
            return true;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.entry(row.number).or_insert_with(|| id.to_owned()) == id
    }

    /// Remembers that an entry without an `id` stands for a post: that post takes no other entry's, as both
    /// would get `id`s once they are to be two posts.
    fn note_unnamed(&self, id: Option<&String>, row: Option<&RecordedPost>) {
        if let (None, Some(row)) = (id, row) {
            self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).insert(row.number);
        }
    }

    fn is_unnamed(&self, row: &RecordedPost) -> bool {
        row.id.is_none()
            && self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).contains(&row.number)
    }

    /// The `id` that a post has, or that this run gives it.
    fn id_of(&self, row: &RecordedPost) -> Option<String> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        row.id.clone().or_else(|| given.get(&row.number).cloned())
    }

    /// The outcome of an entry, saying so if this run gave its `id` to a post that was made before.
    pub(super) fn with_given_id(&self, post: &PreparedPost, outcome: PostOutcome) -> PostOutcome {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let given = outcome.number.and_then(|number| given.get(&number));
        let is_made = outcome.brought_to.is_some();
        let given = given.filter(|id| is_made && post.asked.id.as_ref() == Some(id));
        let Some((id, number)) = given.zip(outcome.number) else {
            return outcome;
        };
        let words = format!(
            "post {number}, made without an `id`, has \"{}\" from now on; nothing else was posted",
            text::plain(id)
        );
        let note = outcome.note.into_iter().chain([words]).collect::<Vec<_>>().join("; ");
        PostOutcome { note: Some(note), ..outcome }
    }

    /// Records the `id` of an entry whose post was made without one, however long it would wait.
    pub(super) async fn give_id(&self, found: &FoundPost) -> Result<(), StoreError> {
        let made = found.row.as_ref().filter(|row| row.phase().is_some_and(Phase::is_done));
        let Some((row, new)) = made.zip(found.request.as_ref()) else { return Ok(()) };
        if row.id.is_none() && new.id.is_some() && !new.repost && !self.is_unnamed(row) {
            self.record(new).await?;
        }
        Ok(())
    }

    /// The post that an entry stands for, made if there is none.
    async fn record(&self, new: &PostRequest) -> Result<RecordedPost, StoreError> {
        self.calls.claim.recorder().await?.post_for(new).await
    }

    fn has_driven(&self, number: PostNumber) -> bool {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner).contains(&number)
    }

    /// Opens the file, plans it and finds or makes the post's row.
    pub(super) async fn resolve_post(
        &self,
        post: &PreparedPost,
    ) -> Result<ResolvedPost, ResolveError> {
        let (content, source) = match self.content(post, Look::Content).await? {
            Content::Known(content, source) => (content, source),
            Content::Told(row) => {
                return Ok(ResolvedPost::of(*row));
            }
        };
        let mut new = self.request(post, content);
        let known = self.calls.journal.find(&new).await?;
        if known.as_ref().is_some_and(|row| self.is_unnamed(row)) {
            new.id = None;
        }
        // A `--repost` posts a video once more, however often the manifest names it.
        new.repost &= !known.as_ref().is_some_and(|row| self.has_driven(row.number));
        if let Some(row) = self.replaced(&new, known.as_ref()).await? {
            return Ok(ResolvedPost { source, replaced: true, ..ResolvedPost::of(row) });
        }
        if let Some(row) = self.of_other_content(&new).await? {
            // First it is found out what becomes of that one.
            let shared_id = new.id.clone();
            return Ok(ResolvedPost { replaced: true, shared_id, ..ResolvedPost::of(row) });
        }
        if self.is_due(post)
            && let Some(warning) = self.compare(post, &new, known.as_ref()).await?
        {
            self.calls.events.progress(&post.post_ref, Progress::Warning(warning));
        }
        let earlier = match new.source.file().filter(|_| known.is_none() && self.is_due(post)) {
            Some(file) => self.lay_there(&new, &file.path).await?,
            None => None,
        };
        // What this run worked on it has told of.
        if let Some(row) = earlier.filter(|row| !self.has_driven(row.number)) {
            let number = row.number;
            let progress = if row.phase().is_some_and(Phase::is_done) {
                Progress::Note(Note::AnotherVideo { post: number })
            } else {
                Progress::Warning(Warning::NotPosted { post: number, id: None })
            };
            self.calls.events.progress(&post.post_ref, progress);
        }
        let row = self.wanted(self.record(&new).await?).await?;
        if known.is_some_and(|known| known.number == row.number && known.id != row.id) {
            let id = row.id.clone().unwrap_or_default();
            self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(row.number, id);
        }
        self.note_unnamed(new.id.as_ref(), Some(&row));
        let source = source.map(|(video, plan)| {
            let recorded = row.file.as_ref().filter(|file| file.identity.size == video.size());
            let recorded = recorded.and_then(|f| Plan::recorded(f.identity.size, f.chunk_size));
            let begun = row.phase().is_some_and(|phase| !phase.is_over());
            // An attempt under way keeps the plan that its init declared.
            (video, recorded.filter(|_| begun).unwrap_or(plan))
        });
        Ok(ResolvedPost { source, ..ResolvedPost::of(row) })
    }

    /// Asks for one more post of what was posted and is to be posted again later: the run that comes to it then
    /// need not be told so.
    pub(super) async fn ask_again(&self, post: &PreparedPost) -> Result<(), ResolveError> {
        let Some(new) = self.find(post, Look::Once).await?.request else { return Ok(()) };
        let known = self.calls.journal.find(&new).await?;
        if known.is_some_and(|row| row.may_repost() && !self.has_driven(row.number)) {
            let row = self.record(&new).await?;
            self.note_driven(row.number);
        }
        Ok(())
    }

    /// What earlier runs made of these posts, for each of which that can be told at sight.
    pub(super) async fn made(&self, posts: &[PreparedPost]) -> Vec<Option<RecordedPost>> {
        let mut made = vec![None; posts.len()];
        if self.options.repost {
            return made;
        }
        let asked = |(at, post)| Some((at, self.request(post, at_sight(post)?)));
        let asked: Vec<_> = posts.iter().enumerate().filter_map(asked).collect();
        for some in asked.chunks(AT_ONCE) {
            let requests = some.iter().map(|(_, request)| request.clone()).collect();
            // What cannot be looked up now is told when the turn of the post comes.
            let Ok(rows) = self.calls.journal.made(requests).await else { break };
            for ((at, request), row) in some.iter().zip(rows) {
                self.note_unnamed(request.id.as_ref(), row.as_ref());
                made[*at] = row;
            }
        }
        made
    }

    /// Gives posts that were made without an `id` those of the entries that have their very settings: of several
    /// entries of one content, each with an `id` by now, another one may come first. `record`: whether the journal
    /// keeps it, as a dry run does not.
    pub(super) async fn name_made(&self, posts: &[PreparedPost], record: bool) {
        if self.options.repost {
            return;
        }
        for request in of_shared_content(posts, |post| Some(self.request(post, at_sight(post)?))) {
            // What cannot be looked up now is looked up when the turn of the post comes.
            let Ok(Some(row)) = self.calls.journal.find(&request).await else { continue };
            let is_it = row.id.is_none()
                && row.mode == request.mode
                && row.settings == request.settings
                && row.phase().is_some_and(Phase::is_done);
            if is_it && self.may_take(request.id.as_deref(), &row) && record {
                _ = self.record(&request).await;
            }
        }
    }

    /// For each of these posts whether the journal knows nothing that it stands for or is like.
    async fn are_new(&self, posts: &[&PreparedPost]) -> Vec<bool> {
        let mut new = vec![false; posts.len()];
        if self.options.repost {
            return new;
        }
        let asked =
            |(at, post): (usize, &&PreparedPost)| Some((at, self.request(post, at_sight(post)?)));
        let (places, asked): (Vec<_>, Vec<_>) = posts.iter().enumerate().filter_map(asked).unzip();
        // What cannot be looked up now is looked up by itself.
        let are_new = self.calls.journal.are_new(asked).await.unwrap_or_default();
        for (at, is_new) in places.into_iter().zip(are_new) {
            new[at] = is_new;
        }
        new
    }

    /// The post of a file that is still being written, if what came of it can be told without reading
    /// the file; else the error that puts it off.
    async fn of_unfinished_file(
        &self,
        post: &PreparedPost,
        file: &Location,
        how: Unfinished,
    ) -> Result<RecordedPost, ResolveError> {
        let journal = &self.calls.journal;
        let row = if let Some(id) = &post.asked.id {
            journal.find_by_id(&self.calls.account, id).await?
        } else {
            let Version::File(file) = self.calls.sources.open(file).await?.version();
            journal.find_by_file(&self.calls.account, post.asked.mode, &file).await?
        };
        let told = |phase: Phase| {
            phase.is_done()
                || matches!(phase, Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Unresolved)
        };
        // Under an `id` it may be another file by now, which is found out when it is finished.
        let path = file.recorded();
        let here = |row: &RecordedPost| row.file.as_ref().is_some_and(|file| file.path == path);
        let again = |row: &RecordedPost| self.options.repost && row.may_repost();
        let unfinished = || VideoError::Unfinished { path: file.shown(), how };
        match row.filter(here) {
            Some(row) if again(&row) => Err(ResolveError::UnfinishedRepost(unfinished())),
            Some(row) if row.phase().is_some_and(told) => Ok(row),
            _ => Err(unfinished().into()),
        }
    }

    /// The post under way that has an entry's `id` and is of other content. If that one is done, the
    /// entry is refused: it would never be posted, and nobody would hear of it.
    async fn of_other_content(
        &self,
        new: &PostRequest,
    ) -> Result<Option<RecordedPost>, ResolveError> {
        let Some(row) = self.calls.journal.id_of_other_content(new).await? else {
            return Ok(None);
        };
        let again = new.repost && row.may_repost();
        match (row.phase(), row.transfer()) {
            (Some(phase), _) if phase.is_done() && !again => {
                let id = new.id.clone().unwrap_or_default();
                let alike = self.calls.journal.alike(new, Some(row.number)).await?;
                let posted = alike.filter(|alike| {
                    alike.how == Likeness::Content && alike.post.phase().is_some_and(Phase::is_done)
                });
                let post = Box::new(row);
                Err(match posted {
                    Some(Alike { post: posted, .. }) => {
                        ResolveError::IdOfAnother { id, post, posted: Box::new(posted) }
                    }
                    None => ResolveError::IdUsed { id, post, missing: None },
                })
            }
            (Some(Phase::FinalIntent { .. } | Phase::Uploaded), _)
            | (Some(Phase::Open { .. }), Transfer::Pull) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// What is to be said before anything is sent of another post that an entry is like; an error if it is
    /// due and most likely is that post. `known` is what the journal has of the entry itself.
    async fn compare(
        &self,
        post: &PreparedPost,
        new: &PostRequest,
        known: Option<&RecordedPost>,
    ) -> Result<Option<Warning>, ResolveError> {
        // Said before this run began it.
        if known.is_some_and(|row| self.has_driven(row.number)) {
            return Ok(None);
        }
        // What is posted once more is no other post, unless its `id` is that of other content.
        let is_other = new.repost && self.calls.journal.id_of_other_content(new).await?.is_some();
        let begun = known.filter(|row| row.last.is_some() && !row.may_begin());
        let is_over = begun.and_then(RecordedPost::phase).is_some_and(Phase::is_over);
        if !is_other && (new.repost || is_over) {
            return Ok(None);
        }
        let own = known.map(|row| row.number);
        let Some(Alike { post: other, how }) = self.calls.journal.alike(new, own).await? else {
            return Ok(None);
        };
        let number = other.number;
        // Of what was there before it was told when this one was begun.
        let is_new = how == Likeness::Content && begun.is_none_or(|row| number > row.number);
        if begun.is_some() && !is_other && !is_new {
            return Ok(None);
        }
        Ok(Some(match how {
            Likeness::PassingAddress if self.is_due(post) => {
                return Err(ResolveError::SameAddress { post: Box::new(other) });
            }
            Likeness::Content => Warning::SameContent {
                post: number,
                id: self.id_of(&other).unwrap_or_default(),
                is_open: !other.phase().is_some_and(Phase::is_done),
                label: other.label,
                own: new.id.clone().unwrap_or_default(),
            },
            Likeness::Address | Likeness::PassingAddress => Warning::SameAddress { post: number },
        }))
    }

    fn is_due(&self, post: &PreparedPost) -> bool {
        post.asked.is_due(self.calls.clock.now())
    }

    /// A repost that TikTok refused for good is not asked for any more by a run without `--repost`:
    /// what it would have repeated stands.
    async fn wanted(&self, mut row: RecordedPost) -> Result<RecordedPost, StoreError> {
        while !self.options.repost && row.repost > 0 && is_refused(&row) {
            let Some(repeated) = self.calls.journal.repeated(&row).await? else { break };
            if is_other_file(&row, &repeated) {
                break;
            }
            row = repeated;
        }
        Ok(row)
    }

    /// The post of a file that is gone; the error that says so if there is none.
    async fn of_file_that_is_gone(
        &self,
        post: &PreparedPost,
        file: &Location,
        error: VideoError,
    ) -> Result<RecordedPost, ResolveError> {
        let Calls { journal, account, .. } = &*self.calls;
        let id = post.asked.id.as_deref();
        let known = of_missing_file(journal.as_ref(), account, &post.asked, file).await?;
        let row = known.filter(|row| self.may_take(id, row)).ok_or(error)?;
        if let Some(id) = &row.id
            && row.phase().is_some_and(Phase::is_done)
            && !self.lay_at(&row, file).await?
        {
            let (id, post) = (id.clone(), Box::new(row));
            let missing = Some(file.shown());
            return Err(ResolveError::IdUsed { id, post, missing });
        }
        Ok(row)
    }

    /// Whether the file of a post lay there, when it was posted or later.
    async fn lay_at(&self, row: &RecordedPost, file: &Location) -> Result<bool, StoreError> {
        let path = file.recorded();
        if row.file.as_ref().is_some_and(|file| file.path == path) {
            return Ok(true);
        }
        let found = self.calls.journal.find_by_path(&self.calls.account, row.mode, &path).await?;
        Ok(found.is_some_and(|found| found.number == row.number))
    }

    /// The post under way of another file that lay where this one lies now. It comes first: as long as
    /// it may become a post, nothing new is begun for this entry. `known` is what the journal has of the
    /// entry itself.
    async fn replaced(
        &self,
        new: &PostRequest,
        known: Option<&RecordedPost>,
    ) -> Result<Option<RecordedPost>, StoreError> {
        let Some(file) = new.source.file().filter(|_| known.is_none()) else { return Ok(None) };
        let mut begun = self.calls.journal.unfinished(Some(&new.account)).await?;
        begun.retain(|row| {
            row.mode == new.mode
                && row.phase() != Some(Phase::Unresolved)
                && (row.id.is_none() || new.id.is_none())
                && row.file.as_ref().is_some_and(|known| known.path == file.path)
        });
        Ok(begun.pop())
    }

    /// What an entry is to be posted of: its file opened and planned; or its post, where that can be told
    /// although there is no file to send.
    async fn content(&self, post: &PreparedPost, look: Look) -> Result<Content, ResolveError> {
        let location = match &post.asked.source {
            Source::Url(url) => {
                if let Some(row) = self.was_uploaded(post, url).await? {
                    return Ok(Content::Told(row.into()));
                }
                return Ok(Content::Known(Source::Url(url.clone()), None));
            }
            Source::Photos { urls, cover_index } => {
                let photos = Source::Photos { urls: urls.clone(), cover_index: *cover_index };
                return Ok(Content::Known(photos, None));
            }
            Source::File(file) => file,
        };
        if let Location::Web(address) = location
            && let Some(row) = self.was_pulled(post, address).await?
        {
            return Ok(Content::Told(row.into()));
        }
        if let Some(how) = post.unfinished() {
            return Ok(Content::Told(self.of_unfinished_file(post, location, how).await?.into()));
        }
        let video = match self.open(post, location).await {
            Err(error) if error.is_out_of_reach() => {
                return Ok(Content::Told(
                    self.of_file_that_is_gone(post, location, error).await?.into(),
                ));
            }
            Err(error @ VideoError::Remote(_)) if error.is_temporary() => {
                return Ok(Content::Told(self.of_unreachable(post, location, error).await?.into()));
            }
            opened => opened?,
        };
        // A batch may take hours: what is sent is what was checked before all of it.
        let checked = post.checked_file().map(|file| file.version);
        if look == Look::Content && checked != Some(video.version()) {
            return Err(VideoError::Unchecked { path: location.shown() }.into());
        }
        let plan = Plan::new(video.size(), self.options.chunk_size)?;
        let file = self.local_file(post, location, &video, plan, look).await?;
        Ok(Content::Known(Source::File(file), Some((video, plan))))
    }

    /// Opens the file of a post, unless it could not be reached when the run looked at it.
    async fn open(&self, post: &PreparedPost, location: &Location) -> Result<Video, VideoError> {
        match &post.file {
            Some(FileState::Unreachable(error)) => Err(error.as_earlier().into()),
            _ => self.calls.sources.open(location).await,
        }
    }

    /// The post of a file that cannot be reached now, if only TikTok can tell what becomes of it; else the error.
    async fn of_unreachable(
        &self,
        post: &PreparedPost,
        location: &Location,
        error: VideoError,
    ) -> Result<RecordedPost, ResolveError> {
        let Calls { journal, account, .. } = &*self.calls;
        let row = of_missing_file(journal.as_ref(), account, &post.asked, location).await?;
        let is_with_tiktok = |row: &RecordedPost| {
            let phase = row.phase();
            phase.is_some_and(|phase| {
                matches!(phase, Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Unresolved)
            })
        };
        let row = row.filter(is_with_tiktok);
        let row = row.filter(|row| self.may_take(post.asked.id.as_deref(), row));
        Ok(row.ok_or(error)?)
    }

    /// The post that TikTok was told to pull from a URL which is to be read here now.
    async fn was_pulled(
        &self,
        post: &PreparedPost,
        address: &WebAddress,
    ) -> Result<Option<RecordedPost>, StoreError> {
        let pulled = self.request(post, Source::Url(address.expose().to_owned()));
        let row = self.calls.journal.find(&pulled).await?;
        let row = row.filter(|row| row.kind == SourceKind::Url && !row.may_begin());
        Ok(row.filter(|row| !(self.options.repost && row.may_repost())))
    }

    /// The post of what was read here from a URL that TikTok is to pull from now.
    async fn was_uploaded(
        &self,
        post: &PreparedPost,
        url: &str,
    ) -> Result<Option<RecordedPost>, StoreError> {
        let Calls { journal, account, .. } = &*self.calls;
        let path = PathBuf::from(recorded_address(url));
        let row = journal.find_by_path(account, post.asked.mode, &path).await?;
        let (id, again) = (post.asked.id.as_ref(), self.options.repost);
        Ok(row.filter(|row| {
            let may_be = id.is_none() || row.id.is_none() || row.id.as_ref() == id;
            may_be && !row.may_begin() && !(again && row.may_repost())
        }))
    }

    /// The file as the journal knows files. Its content is read here only if the journal knows other
    /// posts of this account, mode and size, and none of this very file.
    async fn local_file(
        &self,
        post: &PreparedPost,
        location: &Location,
        video: &Video,
        plan: Plan,
        look: Look,
    ) -> Result<LocalFile, ResolveError> {
        let Version::File(identity) = video.version();
        let stall = self.calls.timing.stall;
        let reading = async {
            match look {
                Look::Sight => Ok(self.fingerprints.known(&identity)),
                Look::Once => self.fingerprints.of(video, stall).await.map(Some),
                Look::Content => Fingerprint::of(video, stall).await.map(Some),
            }
        };
        let fingerprint = if self.is_to_be_read(post, &identity).await? {
            tokio::select! {
                biased;
                signal = self.calls.shutdown.requested(), if look != Look::Sight => {
                    return Err(ResolveError::Interrupted(signal));
                }
                whole = reading => whole?,
            }
        } else {
            None
        };
        Ok(LocalFile {
            path: location.recorded(),
            identity,
            chunk_size: plan.chunk_size(),
            chunks: plan.count(),
            fingerprint,
        })
    }

    /// Whether only its content tells which post a file is.
    async fn is_to_be_read(
        &self,
        post: &PreparedPost,
        file: &FileIdentity,
    ) -> Result<bool, StoreError> {
        let Calls { journal, account, .. } = &*self.calls;
        let mode = post.asked.mode;
        Ok(!journal.known_with_size(account, mode, file.size).await?.is_empty()
            && journal.find_by_file(account, mode, file).await?.is_none())
    }

    fn request(&self, post: &PreparedPost, source: Source<LocalFile>) -> PostRequest {
        PostRequest {
            account: self.calls.account.clone(),
            username: Some(post.post_ref.account.clone()),
            mode: post.asked.mode,
            id: post.asked.id.clone(),
            source,
            label: post.post_ref.video.clone(),
            settings: post.settings_hash(),
            caption: post.listed_caption().map(str::to_owned),
            publish_at: post.asked.publish_at,
            repost: self.options.repost,
        }
    }

    /// As [`Self::find`], its file read where only that tells, with what a run would say of other posts that
    /// the entry is like, or the error that it would refuse the entry with.
    pub(super) async fn find_and_compare(
        &self,
        post: &PreparedPost,
    ) -> Result<FoundPost, ResolveError> {
        let look = if self.is_due(post) { Look::Content } else { Look::Once };
        let mut found = self.find(post, look).await?;
        if let Some(request) = &found.request {
            if let Some(post) = self.of_other_content(request).await? {
                let (id, post) = (request.id.clone().unwrap_or_default(), Box::new(post));
                return Err(ResolveError::IdPending { id, post });
            }
            found.alike = self.compare(post, request, found.row.as_ref()).await?;
            found.earlier = self.earlier(request, found.row.as_ref()).await?;
        }
        Ok(found)
    }

    /// The post of another file that lay where that of an entry lies now. `known` is what the journal has of the
    /// entry itself.
    async fn earlier(
        &self,
        new: &PostRequest,
        known: Option<&RecordedPost>,
    ) -> Result<Option<Earlier>, StoreError> {
        if let Some(row) = self.replaced(new, known).await? {
            return Ok(Some(Earlier::UnderWay(row.number)));
        }
        let Some(file) = new.source.file().filter(|_| known.is_none()) else { return Ok(None) };
        Ok(self.lay_there(new, &file.path).await?.map(|row| {
            if row.phase().is_some_and(Phase::is_done) {
                Earlier::Made(row.number)
            } else {
                Earlier::NotMade(row.number)
            }
        }))
    }

    /// The post of what lay at a path before, of an account and mode: one that was made, or one that was put off
    /// and that nobody was told of. Of what failed it was said.
    async fn lay_there(
        &self,
        new: &PostRequest,
        path: &Path,
    ) -> Result<Option<RecordedPost>, StoreError> {
        if new.id.is_some() || new.repost {
            return Ok(None);
        }
        let Some(row) = self.calls.journal.find_by_path(&new.account, new.mode, path).await? else {
            return Ok(None);
        };
        let is_its = match row.phase() {
            Some(phase) if phase.is_done() => true,
            _ if row.same_as.is_some() => false,
            None => true,
            Some(phase) if !phase.allows_another() => false,
            Some(Phase::Failed(_)) => {
                !is_failed_for_good(&self.calls.journal.attempts(row.number).await?)
            }
            Some(_) => !is_refused(&row),
        };
        Ok(is_its.then_some(row))
    }

    /// What is known of a post whose time has not come. After a signal no file is read for it.
    pub(super) async fn find_early(
        &self,
        post: &PreparedPost,
        look: Look,
    ) -> Result<FoundPost, ResolveError> {
        let mut found = self.find(post, self.unless_stopping(look)).await?;
        if let Some(request) = &found.request {
            // What is under way may be over when its time comes.
            self.of_other_content(request).await?;
            found.alike = self.compare(post, request, found.row.as_ref()).await?;
        }
        Ok(found)
    }

    /// What the journal knows of a post that is not to be sent now. After a signal no file is read for it.
    pub(super) async fn recorded(
        &self,
        post: &PreparedPost,
    ) -> Result<Option<RecordedPost>, ResolveError> {
        Ok(self.find(post, self.unless_stopping(Look::Content)).await?.row)
    }

    fn unless_stopping(&self, look: Look) -> Look {
        if self.calls.shutdown.asked().is_some() { Look::Sight } else { look }
    }

    /// Whether what was made is to be made once more.
    pub(super) fn is_repost(&self) -> bool {
        self.options.repost
    }

    /// What a post with a file would be sent as, and what the journal knows of the post.
    pub(super) async fn find(
        &self,
        post: &PreparedPost,
        look: Look,
    ) -> Result<FoundPost, ResolveError> {
        let (content, plan) = match self.content(post, look).await? {
            Content::Known(content, source) => (content, source.map(|(_, plan)| plan)),
            Content::Told(row) => {
                return Ok(FoundPost::of(*row));
            }
        };
        let new = self.request(post, content);
        let row = self.calls.journal.find(&new).await?;
        self.note_unnamed(new.id.as_ref(), row.as_ref());
        let row = match row.filter(|row| self.may_take(new.id.as_deref(), row)) {
            Some(row) => Some(self.wanted(row).await?),
            None => None,
        };
        let row = row.filter(|row| !(self.options.repost && row.may_repost()));
        Ok(FoundPost { plan, row, request: Some(new), alike: None, earlier: None })
    }
}

impl From<ResolveError> for StopReason {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Store(error) => Self::Store(error),
            ResolveError::File(error) => Self::File(error),
            ResolveError::Interrupted(signal) => Self::Interrupted(signal),
            ResolveError::UnfinishedRepost(_) => {
                let error = text::plain(&chain(&error));
                let code = ErrorCode::FileUnfinished;
                let post_error = PostError::new(code, error, ErrorCode::RepostUnfinished);
                let post_error = Box::new(PostError { retryable: true, ..post_error });
                Self::Unfit { post_error, kind: ErrorKind::Temporary }
            }
            ResolveError::Plan(_) => {
                unfit(ErrorCode::VideoUnreadable, &error, ErrorCode::PlanImpossible)
            }
            ResolveError::IdUsed { missing: Some(_), .. } => {
                unfit(ErrorCode::IdReused, &error, ErrorCode::IdWithoutFile)
            }
            ResolveError::IdUsed { .. } => unfit(ErrorCode::IdReused, &error, ErrorCode::IdReused),
            ResolveError::IdOfAnother { .. } => {
                unfit(ErrorCode::IdReused, &error, ErrorCode::IdOfAnother)
            }
            ResolveError::IdPending { .. } => {
                let error = text::plain(&chain(&error));
                let post_error = PostError::new(ErrorCode::IdPending, error, ErrorCode::IdPending);
                let post_error = Box::new(PostError { retryable: true, ..post_error });
                Self::Unfit { post_error, kind: ErrorKind::Temporary }
            }
            ResolveError::SameAddress { .. } => {
                unfit(ErrorCode::SameAddress, &error, ErrorCode::SameAddress)
            }
        }
    }
}

/// What keeps a post from being sent as its entry stands.
fn unfit(code: ErrorCode, error: &ResolveError, which: ErrorCode) -> StopReason {
    StopReason::Unfit {
        post_error: Box::new(PostError::new(code, text::plain(&chain(error)), which)),
        kind: ErrorKind::Final,
    }
}

/// Whether two posts are surely of other files.
fn is_other_file(one: &RecordedPost, other: &RecordedPost) -> bool {
    let (Some(one), Some(other)) = (&one.file, &other.file) else { return false };
    let fingerprints = one.fingerprint.as_ref().zip(other.fingerprint.as_ref());
    one.identity.size != other.identity.size
        || fingerprints.is_some_and(|(one, other)| one != other)
}

/// Whether TikTok refused it for a reason that does not pass by itself.
fn is_refused(row: &RecordedPost) -> bool {
    let code = row.last.as_ref().and_then(|last| last.code.as_deref()).map(Code::from);
    let passes = |code: Code| code.is_temporary() || code == Code::AccessTokenInvalid;
    row.phase() == Some(Phase::Rejected) && !code.is_some_and(passes)
}

/// What is posted, as far as that can be told without opening a file. `None`: only that tells.
fn at_sight(post: &PreparedPost) -> Option<Source<LocalFile>> {
    Some(match &post.asked.source {
        Source::Url(url) => Source::Url(url.clone()),
        Source::Photos { urls, cover_index } => {
            Source::Photos { urls: urls.clone(), cover_index: *cover_index }
        }
        Source::File(path) => {
            let Version::File(identity) = post.version()?;
            Source::File(LocalFile::at_sight(path.recorded(), identity))
        }
    })
}

/// The requests of entries that may be of one content, in the order in which a run comes to them. All of them have an
/// `id`: one without it stands for what was made without one.
fn of_shared_content(
    posts: &[PreparedPost],
    request: impl Fn(&PreparedPost) -> Option<PostRequest>,
) -> Vec<PostRequest> {
    let content = |post: &PreparedPost| {
        let content = match at_sight(post)? {
            Source::File(file) => file.identity.size.to_string(),
            source => source.urls().join(" "),
        };
        Some((post.asked.mode, content))
    };
    // How many there are of a content, and whether each has an `id`.
    let mut alike = HashMap::new();
    for (post, content) in posts.iter().filter_map(|post| Some((post, content(post)?))) {
        let (count, named) = alike.entry(content).or_insert((0, true));
        *count += 1;
        *named &= post.asked.id.is_some();
    }
    let shares = |post: &&PreparedPost| {
        content(post).is_some_and(|content| matches!(alike.get(&content), Some((2.., true))))
    };
    posts.iter().filter(shares).filter_map(request).collect()
}

/// The latest post that was made of a file which is gone now, by its `id` or its path.
pub(super) async fn of_missing_file(
    journal: &dyn Journal,
    account: &str,
    post: &Post,
    file: &Location,
) -> Result<Option<RecordedPost>, StoreError> {
    if let Some(id) = &post.id
        && let Some(row) = journal.find_by_id(account, id).await?
    {
        return Ok(Some(row).filter(|row| row.mode == post.mode));
    }
    let row = journal.find_by_path(account, post.mode, &file.recorded()).await?;
    // An `id` that its entry was given since. Where each day's video has one name, another caption tells that
    // another one is meant.
    let may_be = |row: &RecordedPost| row.id.is_none() && row.settings == settings_hash(post);
    Ok(row.filter(|row| post.id.is_none() || may_be(row)))
}
