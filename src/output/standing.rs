//! Where a run stands, kept for whoever asks with SIGUSR1.

use std::collections::BTreeMap;
use std::time::Instant;

use super::progress::words;
use super::span::span;
use crate::engine::Progress;
use crate::model::PostRef;
use crate::text::size;

/// The last thing that is known about a run. What it says takes no question to TikTok or the journal.
#[derive(Debug, Default)]
pub(super) struct Standing {
    command: &'static str,
    step: Option<Step>,
    posts: Option<Posts>,
}

/// What a command does, and since when.
#[derive(Debug)]
struct Step {
    what: String,
    since: Instant,
}

/// The posts of an `upload`.
#[derive(Debug, Default)]
struct Posts {
    all: usize,
    done: usize,
    under_way: BTreeMap<usize, UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    post_ref: PostRef,
    stage: Stage,
    since: Instant,
    /// Why it pauses.
    pause: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preparing,
    Sending { sent: u64, of: u64 },
    Processing,
}

impl Standing {
    /// A command begins.
    pub(super) fn begin(&mut self, command: &'static str) {
        *self = Self { command, ..Self::default() };
        self.step("running");
    }

    /// Whether bytes of a video are on their way.
    pub(super) fn is_sending(&self) -> bool {
        let under_way = self.posts.iter().flat_map(|posts| posts.under_way.values());
        under_way.into_iter().any(|post| matches!(post.stage, Stage::Sending { .. }))
    }

    /// A command does something else from now on.
    pub(super) fn step(&mut self, what: impl Into<String>) {
        self.step = Some(Step { what: what.into(), since: Instant::now() });
    }

    /// So many posts are to be worked off.
    pub(super) fn expect(&mut self, all: usize) {
        self.posts = Some(Posts { all, ..Posts::default() });
    }

    /// The posts are worked off.
    pub(super) fn end_posts(&mut self) {
        self.posts = None;
    }

    /// Something happened to a post.
    pub(super) fn progress(&mut self, post_ref: &PostRef, progress: &Progress) {
        let posts = self.posts.get_or_insert_default();
        let post = posts.under_way.entry(post_ref.index).or_insert_with(|| UnderWay {
            post_ref: post_ref.clone(),
            stage: Stage::Preparing,
            since: Instant::now(),
            pause: None,
        });
        let stage = match (progress, post.stage) {
            (Progress::Sending { size, stored, .. }, _) => {
                Stage::Sending { sent: *stored, of: *size }
            }
            (Progress::Position { sent }, Stage::Sending { of, .. }) => {
                Stage::Sending { sent: *sent, of }
            }
            (Progress::Processing, _) => Stage::Processing,
            (Progress::Retrying { .. } | Progress::Waiting { .. }, stage) => {
                post.pause = words(progress, true);
                return post.stage = stage;
            }
            (_, stage) => return post.stage = stage,
        };
        if std::mem::discriminant(&stage) != std::mem::discriminant(&post.stage) {
            post.since = Instant::now();
        }
        (post.stage, post.pause) = (stage, None);
    }

    /// A post ended its run.
    pub(super) fn ended(&mut self, post_ref: &PostRef) {
        let posts = self.posts.get_or_insert_default();
        posts.under_way.remove(&post_ref.index);
        posts.done += 1;
    }

    /// A line for each post under way, and one for the run.
    pub(super) fn lines(&self) -> Vec<String> {
        let Some(posts) = &self.posts else {
            let step = self.step.as_ref();
            let step =
                step.map(|step| format!("{}, for {}", step.what, span(step.since.elapsed())));
            return vec![format!("{}: {}", self.command, step.unwrap_or_default())];
        };
        let mut lines: Vec<_> = posts.under_way.values().map(UnderWay::line).collect();
        let under_way = posts.under_way.len();
        let to_come = posts.all.saturating_sub(posts.done + under_way);
        let (command, done) = (self.command, posts.done);
        lines.push(format!("{command}: {done} done, {under_way} under way, {to_come} to come"));
        lines
    }
}

impl UnderWay {
    fn line(&self) -> String {
        let what = match self.stage {
            Stage::Preparing => "getting ready".to_owned(),
            Stage::Sending { sent, of } => {
                let percent = sent.saturating_mul(100).checked_div(of).unwrap_or(100);
                format!("{percent}% sent ({} of {})", size(sent), size(of))
            }
            Stage::Processing => "TikTok is processing it".to_owned(),
        };
        let PostRef { account, video, .. } = &self.post_ref;
        let pause = self.pause.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        format!("{account}: {video}: {what}, for {}{pause}", span(self.since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::WaitReason;
    use crate::output::upload::testing::post_ref;

    /// The lines without the time, which passes.
    fn lines(standing: &Standing) -> Vec<String> {
        let timeless = |line: String| match line.split_once(", for ") {
            Some((before, after)) => {
                let pause = after.split_once("; ").map(|(_, pause)| format!("; {pause}"));
                before.to_owned() + &pause.unwrap_or_default()
            }
            None => line,
        };
        standing.lines().into_iter().map(timeless).collect()
    }

    #[test]
    fn a_post_is_told_by_its_last_state() {
        let mut standing = Standing::default();
        standing.begin("upload");
        assert_eq!(lines(&standing), ["upload: running"]);
        standing.expect(3);
        let (post, other) = (post_ref(), PostRef { index: 1, ..post_ref() });
        standing.progress(&other, &Progress::Creator { nickname: "A".into() });
        standing.progress(&post, &Progress::Sending { size: 96_000_000, stored: 0, chunks: 3 });
        standing.progress(&post, &Progress::Position { sent: 24_000_000 });
        standing.ended(&other);
        assert_eq!(
            lines(&standing),
            [
                "alice: clips/a.mp4: 25% sent (24.0 MB of 96.0 MB)",
                "upload: 1 done, 1 under way, 1 to come"
            ]
        );
        standing.progress(&post, &Progress::Processing);
        assert_eq!(lines(&standing)[0], "alice: clips/a.mp4: TikTok is processing it");
        standing.ended(&post);
        standing.end_posts();
        assert_eq!(lines(&standing), ["upload: running"]);
    }

    #[test]
    fn a_pause_is_told_until_it_goes_on() {
        let mut standing = Standing::default();
        standing.expect(1);
        let sending = Progress::Sending { size: 0, stored: 0, chunks: 1 };
        standing.progress(&post_ref(), &sending);
        let wait = Duration::from_secs(2);
        standing.progress(&post_ref(), &Progress::Waiting { why: WaitReason::SlowDown, wait });
        let told = &lines(&standing)[0];
        assert_eq!(
            told,
            "alice: clips/a.mp4: 100% sent (0 B of 0 B); TikTok asks to slow down; waiting 2s"
        );
        standing.progress(&post_ref(), &sending);
        assert!(!lines(&standing)[0].contains("slow down"));
    }
}
