//! Which post of the journal an entry stands for: its file opened, planned and recognised.

use std::path::{Path, PathBuf};

use tiktok_open::Code;

use crate::exit::Exit;
use crate::journal::{Alike, Journal, JournalError, Likeness};
use crate::model::{
    LocalFile, Mode, Phase, Plan, PlanError, PostError, PostRequest, RecordedPost, Source,
    Transfer, Unfinished,
};
use crate::text;
use crate::upload::account::AccountRun;
use crate::upload::calls::{Authority, chain};
use crate::upload::leave::Leave;
use crate::upload::post::PreparedPost;
use crate::upload::report::Progress;
use crate::upload::video::{Fingerprint, Video, VideoError};

/// The journal's row of a post, and the open file behind it.
pub(super) struct Located {
    pub(super) row: RecordedPost,
    pub(super) source: Option<(Video, Plan)>,
    /// The row is that of another file, which lay where this one lies now.
    pub(super) replaced: bool,
}

/// Why a post could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocateError {
    #[error(transparent)]
    File(#[from] VideoError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The entry's `id` is that of another post.
    #[error("{}", id_used_words(id, post, *missing))]
    IdUsed {
        /// The `id`.
        id: String,
        /// The post that was made under it.
        post: Box<RecordedPost>,
        /// Whether the entry's own file is not there to be compared.
        missing: bool,
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

fn id_used_words(id: &str, post: &RecordedPost, missing: bool) -> String {
    let this = if missing { "the file of this entry is not there" } else { "this is another one" };
    format!(
        "the `id` \"{}\" was used for {} (post {}), and {this}: nothing was sent",
        text::plain(id),
        post.label,
        post.number,
    )
}

impl<A: Authority> AccountRun<'_, A> {
    /// Opens the file, plans it and finds or makes the post's row.
    pub(super) async fn locate(&self, post: &PreparedPost) -> Result<Located, LocateError> {
        let (content, source) = match &post.asked.source {
            Source::Url(url) => (Source::Url(url.clone()), None),
            Source::Photos { urls, cover_index } => {
                (Source::Photos { urls: urls.clone(), cover_index: *cover_index }, None)
            }
            Source::File(path) => {
                if let Some(how) = post.unfinished() {
                    return self.unfinished(post, path, how);
                }
                let checked = post.checked_file().map(|file| file.identity);
                match Video::open(path) {
                    // A batch may take hours: what is sent is what was checked before all of it.
                    Ok(video) if checked != Some(video.identity()) => {
                        return Err(VideoError::Unchecked { path: path.clone() }.into());
                    }
                    Ok(video) => {
                        let plan = Plan::new(video.size(), self.options.chunk_size)?;
                        let file = self.local_file(post, &video, plan).await?;
                        (Source::File(file), Some((video, plan)))
                    }
                    Err(error) if error.is_missing() => {
                        let row = self.gone(post, path, error)?;
                        return Ok(Located { row, source: None, replaced: false });
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let mut new = self.request(post, content);
        let known = self.calls.journal.find(&new)?;
        // A `--repost` posts a video once more, however often the manifest names it.
        new.repost &= !known.as_ref().is_some_and(|row| self.has_driven(row.number));
        if let Some(row) = self.replaced(&new)? {
            return Ok(Located { row, source, replaced: true });
        }
        if let Some(row) = self.of_other_content(&new)? {
            // First it is found out what becomes of that one.
            return Ok(Located { row, source: None, replaced: true });
        }
        self.compare(post, &new, known.as_ref())?;
        let row = self.wanted(self.calls.journal.post_for(&new)?)?;
        let source = source.map(|(video, plan)| {
            let recorded = row.file.as_ref().filter(|file| file.identity.size == video.size());
            let recorded = recorded.and_then(|f| Plan::recorded(f.identity.size, f.chunk_size));
            let begun = row.phase().is_some_and(|phase| !phase.is_over());
            // An attempt under way keeps the plan that its init declared.
            (video, recorded.filter(|_| begun).unwrap_or(plan))
        });
        Ok(Located { row, source, replaced: false })
    }

    /// The post of a file that is still being written, if what came of it can be told without reading
    /// the file; else the error that puts it off.
    pub(super) fn unfinished(
        &self,
        post: &PreparedPost,
        path: &Path,
        how: Unfinished,
    ) -> Result<Located, LocateError> {
        let journal = self.calls.journal;
        let row = if let Some(id) = &post.asked.id {
            journal.find_by_id(self.calls.account, id)?
        } else {
            let file = Video::open(path)?.identity();
            journal.find_by_file(self.calls.account, post.asked.mode, &file)?
        };
        let told = |phase: Phase| {
            phase.is_done()
                || matches!(phase, Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Unresolved)
        };
        // Under an `id` it may be another file by now, which is found out when it is finished.
        let here =
            |row: &RecordedPost| row.file.as_ref().is_some_and(|file| file.path == absolute(path));
        match row.filter(|row| here(row) && row.phase().is_some_and(told)) {
            Some(row) => Ok(Located { row, source: None, replaced: false }),
            None => Err(VideoError::Unfinished { path: path.to_owned(), how }.into()),
        }
    }

    /// The post under way that has an entry's `id` and is of other content. If that one is done, the
    /// entry is refused: it would never be posted, and nobody would hear of it.
    pub(super) fn of_other_content(
        &self,
        new: &PostRequest,
    ) -> Result<Option<RecordedPost>, LocateError> {
        let Some(row) = self.calls.journal.id_of_other_content(new)? else { return Ok(None) };
        let again = new.repost && row.may_repost();
        match (row.phase(), row.transfer()) {
            (Some(phase), _) if phase.is_done() && !again => {
                let id = new.id.clone().unwrap_or_default();
                Err(LocateError::IdUsed { id, post: Box::new(row), missing: false })
            }
            (Some(Phase::FinalIntent { .. } | Phase::Uploaded), _)
            | (Some(Phase::Open { .. }), Transfer::Pull) => Ok(Some(row)),
            _ => Ok(None),
        }
    }

    /// Says before anything is sent which other post an entry is like; an error if it most likely is
    /// that post. `known` is what the journal has of the entry itself.
    pub(super) fn compare(
        &self,
        post: &PreparedPost,
        new: &PostRequest,
        known: Option<&RecordedPost>,
    ) -> Result<(), LocateError> {
        if new.repost || known.is_some_and(|row| row.last.is_some()) {
            return Ok(());
        }
        let own = known.map(|row| row.number);
        let Some(Alike { post: other, how }) = self.calls.journal.alike(new, own)? else {
            return Ok(());
        };
        let number = other.number;
        let warning = match how {
            Likeness::PassingAddress => {
                return Err(LocateError::SameAddress { post: Box::new(other) });
            }
            Likeness::Content => format!(
                "the same content as {} (post {number}, `id` \"{}\"): it is posted once more, as its \
                 `id` is another one",
                other.label,
                text::plain(other.id.as_deref().unwrap_or_default())
            ),
            Likeness::Address => format!(
                "same address, other query, as post {number}; give it an `id`, so that it is known \
                 whatever its address becomes"
            ),
        };
        self.calls.reporter.progress(&post.subject, &Progress::Warning(warning));
        Ok(())
    }

    /// A repost that TikTok refused for good is not asked for any more by a run without `--repost`:
    /// what it would have repeated stands.
    pub(super) fn wanted(&self, mut row: RecordedPost) -> Result<RecordedPost, JournalError> {
        while !self.options.repost && row.repost > 0 && is_refused(&row) {
            let Some(repeated) = self.calls.journal.repeated(&row)? else { break };
            row = repeated;
        }
        Ok(row)
    }

    /// The post of a file that is gone; the error that says so if there is none.
    pub(super) fn gone(
        &self,
        post: &PreparedPost,
        path: &Path,
        error: VideoError,
    ) -> Result<RecordedPost, LocateError> {
        let id = post.asked.id.as_deref();
        let known = gone(self.calls.journal, self.calls.account, post.asked.mode, id, path)?;
        let row = known.ok_or(error)?;
        let here = row.file.as_ref().is_some_and(|file| file.path == absolute(path));
        match &post.asked.id {
            Some(id) if !here && row.phase().is_some_and(Phase::is_done) => {
                let (id, post) = (id.clone(), Box::new(row));
                Err(LocateError::IdUsed { id, post, missing: true })
            }
            _ => Ok(row),
        }
    }

    /// The post under way of another file that lay where this one lies now. It comes first: as long as
    /// it may become a post, nothing new is begun for this entry.
    fn replaced(&self, new: &PostRequest) -> Result<Option<RecordedPost>, JournalError> {
        let journal = self.calls.journal;
        let Some(file) = new.source.file() else { return Ok(None) };
        if journal.find(new)?.is_some() {
            return Ok(None);
        }
        let mut begun = journal.unfinished(Some(&new.account))?;
        begun.retain(|row| {
            row.mode == new.mode
                && row.phase() != Some(Phase::Unresolved)
                && (row.id.is_none() || new.id.is_none())
                && row.file.as_ref().is_some_and(|known| known.path == file.path)
        });
        Ok(begun.pop())
    }

    /// The file as the journal knows files. Its content is read here only if the journal knows other
    /// posts of this account, mode and size, and none of this very file.
    pub(super) async fn local_file(
        &self,
        post: &PreparedPost,
        video: &Video,
        plan: Plan,
    ) -> Result<LocalFile, LocateError> {
        let journal = self.calls.journal;
        let suspects =
            journal.known_with_size(self.calls.account, post.asked.mode, video.size())?;
        let known = journal.find_by_file(self.calls.account, post.asked.mode, &video.identity())?;
        let fingerprint = if suspects.is_empty() || known.is_some() {
            None
        } else {
            let (video, size) = (video.clone(), video.size());
            let path = video.path().to_owned();
            let hashing =
                tokio::task::spawn_blocking(move || Fingerprint::default().extend(&video, size));
            let hashed = hashing.await.unwrap_or_else(|_| {
                Err(VideoError::Io {
                    path,
                    source: std::io::Error::other("the hashing thread ended"),
                })
            });
            Some(hashed?.hex())
        };
        Ok(LocalFile {
            path: absolute(video.path()),
            identity: video.identity(),
            chunk_size: plan.chunk_size(),
            chunks: plan.count(),
            fingerprint,
        })
    }

    pub(super) fn request(&self, post: &PreparedPost, source: Source<LocalFile>) -> PostRequest {
        PostRequest {
            account: self.calls.account.to_owned(),
            username: Some(post.subject.account.clone()),
            mode: post.asked.mode,
            id: post.asked.id.clone(),
            source,
            label: post.subject.video.clone(),
            settings: post.settings_hash(),
            publish_at: post.asked.publish_at,
            repost: self.options.repost,
        }
    }
}

impl From<LocateError> for Leave {
    fn from(error: LocateError) -> Self {
        match error {
            LocateError::Journal(error) => Self::Journal(error),
            LocateError::File(error) => Self::File(error),
            LocateError::Plan(_) => unfit("file", &error, None),
            LocateError::IdUsed { .. } => unfit(
                "id_reused",
                &error,
                Some("give it an `id` of its own, or post it under this one with `--repost`"),
            ),
            LocateError::SameAddress { .. } => unfit(
                "same_address",
                &error,
                Some("if it is another video, give it an `id`; with one it is known by that alone"),
            ),
        }
    }
}

/// What keeps a post from being sent as its entry stands.
fn unfit(code: &str, error: &LocateError, hint: Option<&str>) -> Leave {
    Leave::Unfit {
        trouble: PostError {
            code: code.into(),
            message: text::plain(&chain(error)),
            hint: hint.map(str::to_owned),
            retryable: false,
            log_id: None,
        },
        exit: Exit::Failed,
    }
}

/// Whether TikTok refused it for a reason that does not pass by itself.
fn is_refused(row: &RecordedPost) -> bool {
    let code = row.last.as_ref().and_then(|last| last.code.as_deref()).map(Code::from);
    let passes = |code: Code| code.is_temporary() || code == Code::AccessTokenInvalid;
    row.phase() == Some(Phase::Rejected) && !code.is_some_and(passes)
}

pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The latest post that was made of a file which is gone now, by its `id` or its path.
pub fn gone(
    journal: &Journal,
    account: &str,
    mode: Mode,
    id: Option<&str>,
    path: &Path,
) -> Result<Option<RecordedPost>, JournalError> {
    let path = absolute(path);
    let same = |row: &RecordedPost| match id {
        Some(_) => row.id.as_deref() == id,
        None => row.file.as_ref().is_some_and(|file| file.path == path),
    };
    let mut rows = journal.all()?;
    rows.retain(|row| row.account == account && row.mode == mode && same(row));
    Ok(rows.pop())
}
