//! A dry run: what a run would do now, found out without anything that makes a post.

use tokio::time::Instant;

use crate::exit::Exit;
use crate::model::{Mode, Phase, Plan, PostOutcome, PostRequest, PostState, RecordedPost, Source};
use crate::text;
use crate::upload::account::{AccountRun, earlier, early};
use crate::upload::calls::Authority;
use crate::upload::locate::LocateError;
use crate::upload::outcome::PostSnapshot;
use crate::upload::post::PreparedPost;
use crate::upload::video::Video;

/// A post as it was looked up.
pub(super) struct LookedUp {
    plan: Option<Plan>,
    pub(super) row: Option<RecordedPost>,
    /// What the journal was asked for. `None`: the file cannot be read.
    new: Option<PostRequest>,
}

impl<A: Authority> AccountRun<'_, A> {
    /// What would become of each post: skipped, deferred or planned, and what would be in its way.
    /// Asks TikTok for the creator, reads the journal, and begins nothing; calls are counted,
    /// and a draft that was finished meanwhile is recorded so.
    pub async fn rehearse(&self, posts: &[PreparedPost]) -> Vec<PostOutcome> {
        let mut reports = Vec::with_capacity(posts.len());
        for post in posts {
            reports.push(self.planned(post).await);
        }
        reports
    }

    async fn planned(&self, post: &PreparedPost) -> PostOutcome {
        let started = Instant::now();
        let known = PostSnapshot::new(post, started);
        let (plan, row) = match self.look_up(post).await.and_then(|found| self.vetted(post, found))
        {
            Ok(found) => found,
            Err(error) => return known.left(&error.into()),
        };
        if let Some(report) = row.as_ref().and_then(|row| earlier(post, row, started)) {
            return report;
        }
        let begun = row.as_ref().and_then(RecordedPost::phase).filter(|phase| !phase.is_over());
        if begun.is_none() && !self.is_due(post) {
            return early(post);
        }
        let mut note = match &plan {
            None => "pulled by TikTok".to_owned(),
            Some(plan) => {
                format!("{} in {}", text::size(plan.size()), text::count(plan.count(), "chunk"))
            }
        };
        note.push_str(", ");
        note.push_str(match post.asked.mode {
            Mode::Direct => post.asked.effective_privacy().as_str(),
            Mode::Draft => "draft",
        });
        if let Some(phase) = begun {
            note.push_str(match phase {
                Phase::InitIntent | Phase::Open { .. } if plan.is_some() => {
                    ", begun by an earlier run"
                }
                _ => ", TikTok may have it already: it is asked first",
            });
        }
        let bytes = plan.map_or(0, |plan| plan.size());
        let ready = known.report(PostState::Planned, Exit::Done);
        let report = PostOutcome { bytes, note: Some(note), ..ready };
        if begun.is_some() {
            return report;
        }
        match self.gate.admit(post).await {
            Ok(()) => report,
            Err(leave) => {
                let left = known.left(&leave);
                PostOutcome { trouble: left.trouble, exit: left.exit, at: left.at, ..report }
            }
        }
    }

    /// Says what a run would say of other posts that an entry is like.
    fn vetted(
        &self,
        post: &PreparedPost,
        found: LookedUp,
    ) -> Result<(Option<Plan>, Option<RecordedPost>), LocateError> {
        let LookedUp { plan, row, new } = found;
        if let Some(new) = new {
            self.of_other_content(&new)?;
            self.compare(post, &new, row.as_ref())?;
        }
        Ok((plan, row))
    }

    /// What a post with a file would be sent as, and what the journal knows of the post.
    pub(super) async fn look_up(&self, post: &PreparedPost) -> Result<LookedUp, LocateError> {
        let gone = |row| LookedUp { plan: None, row: Some(row), new: None };
        let (content, plan) = match &post.asked.source {
            Source::Url(url) => (Source::Url(url.clone()), None),
            Source::Photos { urls, cover_index } => {
                (Source::Photos { urls: urls.clone(), cover_index: *cover_index }, None)
            }
            Source::File(path) => {
                if let Some(how) = post.unfinished() {
                    return Ok(gone(self.unfinished(post, path, how)?.row));
                }
                let video = match Video::open(path) {
                    Err(error) if error.is_missing() => {
                        return Ok(gone(self.gone(post, path, error)?));
                    }
                    opened => opened?,
                };
                let plan = Plan::new(video.size(), self.options.chunk_size)?;
                let file = self.local_file(post, &video, plan).await?;
                (Source::File(file), Some(plan))
            }
        };
        let new = self.request(post, content);
        let row = self.calls.journal.find(&new)?;
        let row = row.map(|row| self.wanted(row)).transpose()?;
        let row = row.filter(|row| !(self.options.repost && row.may_repost()));
        Ok(LookedUp { plan, row, new: Some(new) })
    }
}
