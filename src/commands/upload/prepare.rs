//! From a manifest to posts: accounts resolved, files looked at, everything checked that can be
//! checked without asking TikTok. All that is wrong is said at once, and nothing was sent.

use std::collections::BTreeMap;
use std::path::Path;

use crate::auth::{Account, Accounts};
use crate::exit::{Exit, Explain};
use crate::journal::{Journal, JournalError};
use crate::manifest::{Entry, Manifest, Mode, Part, Problem, Problems, Source};
use crate::media;
use crate::text;
use crate::tiktok::privacy::Privacy;
use crate::timing::Timing;
use crate::upload::account::gone;
use crate::upload::engine::Options;
use crate::upload::plan::{Plan, PlanError};
use crate::upload::post::{Content, Post, PostSettings};
use crate::upload::report::Subject;
use crate::upload::video::{Video, VideoError};

/// The posts of a run, by account.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// Each account with its posts, in the manifest's order.
    pub(super) accounts: Vec<(Account, Vec<Post>)>,
    /// What is worth saying before anything is sent.
    pub(super) warnings: Vec<String>,
}

/// What keeps a run from beginning.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error(transparent)]
    Problems(#[from] Problems),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Accounts(Vec<UnknownAccount>),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A post whose account nobody logged in.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}, post {}: {reason}", index + 1)]
pub(super) struct UnknownAccount {
    line: usize,
    column: usize,
    index: usize,
    reason: String,
}

impl Explain for PrepareError {
    fn exit(&self) -> Exit {
        match self {
            Self::Problems(problems) => problems.exit(),
            Self::Accounts(_) => Exit::Login,
            Self::Journal(error) => error.exit(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Problems(problems) => problems.hint(),
            Self::Accounts(_) => Some(
                "`tiktok-up login` logs an account in, `tiktok-up accounts` lists those that are; \
                 nothing was sent"
                    .into(),
            ),
            Self::Journal(error) => error.hint(),
        }
    }
}

/// Makes posts of a manifest's entries.
pub(super) fn prepare(
    manifest: Manifest,
    folder: &Path,
    accounts: &Accounts,
    journal: &Journal,
    options: &Options,
    timing: &Timing,
) -> Result<Prepared, PrepareError> {
    let mut look =
        Look { folder, journal, options, timing, problems: Vec::new(), warnings: Vec::new() };
    let mut by_account: BTreeMap<String, (Account, Vec<Post>)> = BTreeMap::new();
    let mut unknown = Vec::new();
    for entry in manifest.entries {
        let account = match accounts.find(entry.user.as_deref()) {
            Ok(account) => account,
            Err(reason) => {
                unknown.push(UnknownAccount {
                    line: entry.line,
                    column: entry.column,
                    index: entry.index,
                    reason: reason.to_string(),
                });
                continue;
            }
        };
        if let Some(post) = look.post(entry, account)? {
            let place = by_account.entry(account.open_id.clone());
            place.or_insert_with(|| (account.clone(), Vec::new())).1.push(post);
        }
    }
    if !look.problems.is_empty() {
        return Err(look.problems.into_iter().collect::<Problems>().into());
    }
    if !unknown.is_empty() {
        return Err(PrepareError::Accounts(unknown));
    }
    let mut accounts: Vec<_> = by_account.into_values().collect();
    accounts.sort_by_key(|(_, posts)| posts.first().map(|post| post.subject.index));
    Ok(Prepared { accounts, warnings: look.warnings })
}

struct Look<'a> {
    folder: &'a Path,
    journal: &'a Journal,
    options: &'a Options,
    timing: &'a Timing,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Look<'_> {
    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// A post of an entry; `None` if a problem was noted.
    fn post(&mut self, entry: Entry, account: &Account) -> Result<Option<Post>, JournalError> {
        if entry.loses_caption() {
            self.warn("drafts of videos carry no caption; write it in the TikTok app".into());
        }
        if entry.mode == Mode::Direct && entry.privacy.is_none() {
            self.warn("no privacy_level was given, so the posts are made SELF_ONLY".into());
        }
        let privacy = entry.privacy.unwrap_or(Privacy::SelfOnly);
        let video = self.label(&entry.source);
        let content = match &entry.source {
            Source::Url(url) => Content::Url(url.clone()),
            Source::Photos { urls, cover_index } => {
                Content::Photos { urls: urls.clone(), cover_index: *cover_index }
            }
            Source::File(path) => match self.file(path, &entry, account)? {
                Some(content) => content,
                None => return Ok(None),
            },
        };
        let subject = Subject { index: entry.index, account: account.name().to_owned(), video };
        let settings = PostSettings {
            privacy,
            disable_comment: entry.disable_comment.unwrap_or_default(),
            disable_duet: entry.disable_duet.unwrap_or_default(),
            disable_stitch: entry.disable_stitch.unwrap_or_default(),
            cover_timestamp_ms: entry.cover_timestamp_ms,
            brand_content: entry.brand_content,
            brand_organic: entry.brand_organic,
            is_aigc: entry.is_aigc,
            auto_add_music: entry.auto_add_music,
            caption: entry.caption,
        };
        let (id, mode, publish_at) = (entry.id, entry.mode, entry.publish_at);
        Ok(Some(Post { subject, id, content, mode, settings, publish_at }))
    }

    /// How the content is called when it is talked about: a path as the manifest has it.
    fn label(&self, source: &Source) -> String {
        text::plain(&match source {
            Source::File(path) => {
                path.strip_prefix(self.folder).unwrap_or(path).display().to_string()
            }
            Source::Url(url) => without_query(url),
            Source::Photos { urls, .. } => {
                let first = urls.first().map(|url| without_query(url)).unwrap_or_default();
                format!("{first} ({})", text::count(urls.len() as u64, "photo"))
            }
        })
    }

    fn file(
        &mut self,
        path: &Path,
        entry: &Entry,
        account: &Account,
    ) -> Result<Option<Content>, JournalError> {
        let video = match Video::open(path) {
            Ok(video) => video,
            Err(error) if error.is_missing() => {
                let id = entry.id.as_deref();
                let known = gone(self.journal, &account.open_id, entry.mode, id, path)?;
                if known.is_none() {
                    self.problem(entry, "there is no such file", None);
                    return Ok(None);
                }
                let (content_type, duration) = (None, None);
                return Ok(Some(Content::File { path: path.to_owned(), content_type, duration }));
            }
            Err(error) => {
                self.unreadable(entry, &error);
                return Ok(None);
            }
        };
        let plan = match Plan::new(video.size(), self.options.chunk_size) {
            Ok(plan) => plan,
            Err(error @ (PlanError::Empty | PlanError::TooLarge(_) | PlanError::ChunkSize(_))) => {
                self.problem(entry, &error.to_string(), None);
                return Ok(None);
            }
        };
        if let Some(rate) = self.options.pace.limit() {
            let seconds = plan.size() / rate.max(1);
            if seconds >= self.timing.url_life.as_secs() {
                let message = format!(
                    "at --limit-rate {rate} the upload would take {} minutes, and TikTok gives it {}",
                    seconds / 60,
                    self.timing.url_life.as_secs() / 60
                );
                self.problem(entry, &message, None);
                return Ok(None);
            }
        }
        Ok(self.probe(path, &video, entry))
    }

    fn probe(&mut self, path: &Path, video: &Video, entry: &Entry) -> Option<Content> {
        let probe = match media::probe(video.file(), video.size()) {
            Ok(probe) => probe,
            Err(error) => {
                self.problem(entry, &error.to_string(), None);
                return None;
            }
        };
        let findings = media::check(&probe, video.size(), None);
        for finding in &findings.errors {
            self.problem(entry, &finding.to_string(), None);
        }
        for finding in &findings.warnings {
            self.warn(format!("{}: {finding}", text::plain(&path.display().to_string())));
        }
        let content_type = Some(probe.container.content_type());
        let file = Content::File { path: path.to_owned(), content_type, duration: probe.duration };
        findings.errors.is_empty().then_some(file)
    }

    fn unreadable(&mut self, entry: &Entry, error: &VideoError) {
        let message = match error {
            VideoError::Io { source, .. } => format!("cannot read the file: {source}"),
            VideoError::NotRegular { .. } => "this is not a regular file".to_owned(),
            VideoError::Changed { .. } => error.to_string(),
        };
        self.problem(entry, &message, None);
    }

    fn problem(&mut self, entry: &Entry, message: &str, hint: Option<String>) {
        let name = match &entry.source {
            Source::File(path) => format!("`{}`: ", text::plain(&path.display().to_string())),
            _ => String::new(),
        };
        self.problems.push(Problem {
            line: entry.line,
            column: entry.column,
            part: Part::Post(entry.index),
            field: Some("video_path".into()),
            message: format!("{name}{message}"),
            hint,
        });
    }
}

/// A URL without what may be a signature.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}
