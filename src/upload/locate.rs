//! Which post of the journal an entry stands for: its file opened, planned and recognised.

use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::journal::{self, Journal, JournalError, LocalFile, NewPost, Post as Row};
use crate::manifest::Mode;
use crate::text;
use crate::tiktok::Code;
use crate::upload::account::AccountRun;
use crate::upload::calls::{Authority, chain};
use crate::upload::leave::Leave;
use crate::upload::plan::{Plan, PlanError};
use crate::upload::post::{Content, Post};
use crate::upload::report::Trouble;
use crate::upload::state::Phase;
use crate::upload::video::{Fingerprint, Unfinished, Video, VideoError};

/// The journal's row of a post, and the open file behind it.
pub(super) struct Located {
    pub(super) row: Row,
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
}

impl<A: Authority> AccountRun<'_, A> {
    /// Opens the file, plans it and finds or makes the post's row.
    pub(super) async fn locate(&self, post: &Post) -> Result<Located, LocateError> {
        let (content, source) = match &post.content {
            Content::Url(url) => (journal::Content::Url(url.clone()), None),
            Content::Photos { urls, .. } => (journal::Content::Photos(urls.clone()), None),
            Content::File { path, unfinished: Some(how), .. } => {
                return self.unfinished(post, path, *how);
            }
            Content::File { path, checked, .. } => match Video::open(path) {
                // A batch may take hours: what is sent is what was checked before all of it.
                Ok(video) if *checked != Some(video.identity()) => {
                    return Err(VideoError::Unchecked { path: path.clone() }.into());
                }
                Ok(video) => {
                    let plan = Plan::new(video.size(), self.options.chunk_size)?;
                    let file = self.local_file(post, &video, plan).await?;
                    (journal::Content::File(file), Some((video, plan)))
                }
                Err(error) if error.is_missing() => {
                    return Ok(Located {
                        row: self.gone(post, path, error)?,
                        source: None,
                        replaced: false,
                    });
                }
                Err(error) => return Err(error.into()),
            },
        };
        let mut new = self.new_post(post, content);
        // A `--repost` posts a video once more, however often the manifest names it.
        new.repost &=
            !self.calls.journal.find(&new)?.is_some_and(|row| self.has_driven(row.number));
        if let Some(row) = self.replaced(&new)? {
            return Ok(Located { row, source, replaced: true });
        }
        let row = self.wanted(self.calls.journal.post_for(&new)?)?;
        let source = source.map(|(video, plan)| {
            let recorded = row.file().filter(|file| file.identity.size == video.size());
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
        post: &Post,
        path: &Path,
        how: Unfinished,
    ) -> Result<Located, LocateError> {
        let journal = self.calls.journal;
        let row = if let Some(id) = &post.id {
            journal.find_by_id(self.calls.account, id)?
        } else {
            let file = Video::open(path)?.identity();
            journal.find_by_file(self.calls.account, post.mode, &file)?
        };
        let told = |phase: Phase| {
            phase.is_done()
                || matches!(phase, Phase::FinalIntent { .. } | Phase::Uploaded | Phase::Unresolved)
        };
        match row.filter(|row| row.phase().is_some_and(told)) {
            Some(row) => Ok(Located { row, source: None, replaced: false }),
            None => Err(VideoError::Unfinished { path: path.to_owned(), how }.into()),
        }
    }

    /// A repost that TikTok refused for good is not asked for any more by a run without `--repost`:
    /// what it would have repeated stands.
    pub(super) fn wanted(&self, mut row: Row) -> Result<Row, JournalError> {
        while !self.options.repost && row.repost > 0 && is_refused(&row) {
            let Some(repeated) = self.calls.journal.repeated(&row)? else { break };
            row = repeated;
        }
        Ok(row)
    }

    /// The post of a file that is gone; the error that says so if there is none.
    pub(super) fn gone(
        &self,
        post: &Post,
        path: &Path,
        error: VideoError,
    ) -> Result<Row, LocateError> {
        let id = post.id.as_deref();
        let known = gone(self.calls.journal, self.calls.account, post.mode, id, path)?;
        Ok(known.ok_or(error)?)
    }

    /// The post under way of another file that lay where this one lies now. It comes first: as long as
    /// it may become a post, nothing new is begun for this entry.
    fn replaced(&self, new: &NewPost) -> Result<Option<Row>, JournalError> {
        let journal = self.calls.journal;
        let journal::Content::File(file) = &new.content else { return Ok(None) };
        if journal.find(new)?.is_some() {
            return Ok(None);
        }
        let mut begun = journal.unfinished(Some(&new.account))?;
        begun.retain(|row| {
            row.mode == new.mode
                && row.phase() != Some(Phase::Unresolved)
                && (row.id.is_none() || new.id.is_none())
                && row.file().is_some_and(|known| known.path == file.path)
        });
        Ok(begun.pop())
    }

    /// The file as the journal knows files. Its content is read here only if the journal knows other
    /// posts of this account, mode and size, and none of this very file.
    pub(super) async fn local_file(
        &self,
        post: &Post,
        video: &Video,
        plan: Plan,
    ) -> Result<LocalFile, LocateError> {
        let journal = self.calls.journal;
        let suspects = journal.known_with_size(self.calls.account, post.mode, video.size())?;
        let known = journal.find_by_file(self.calls.account, post.mode, &video.identity())?;
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

    pub(super) fn new_post(&self, post: &Post, content: journal::Content) -> NewPost {
        NewPost {
            account: self.calls.account.to_owned(),
            username: Some(post.subject.account.clone()),
            mode: post.mode,
            id: post.id.clone(),
            content,
            label: post.subject.video.clone(),
            settings: post.settings_hash(),
            publish_at: post.publish_at,
            repost: self.options.repost,
        }
    }
}

impl From<LocateError> for Leave {
    fn from(error: LocateError) -> Self {
        match error {
            LocateError::Journal(error) => Self::Journal(error),
            LocateError::File(error) => Self::File(error),
            LocateError::Plan(error) => Self::Unfit {
                trouble: Trouble {
                    code: "file".into(),
                    message: text::plain(&chain(&error)),
                    hint: None,
                    retryable: false,
                    log_id: None,
                },
                exit: Exit::Failed,
            },
        }
    }
}

/// Whether TikTok refused it for a reason that does not pass by itself.
fn is_refused(row: &Row) -> bool {
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
) -> Result<Option<Row>, JournalError> {
    let path = absolute(path);
    let same = |row: &Row| match id {
        Some(_) => row.id.as_deref() == id,
        None => row.file().is_some_and(|file| file.path == path),
    };
    let mut rows = journal.all()?;
    rows.retain(|row| row.account == account && row.mode == mode && same(row));
    Ok(rows.pop())
}
