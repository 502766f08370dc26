//! From a manifest to posts: accounts resolved, files looked at, everything checked that can be
//! checked without asking TikTok. All that is wrong is said at once, and nothing was sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use video_probe::{Probe, ProbeError};

use crate::clock::moment;
use crate::engine::Options;
use crate::engine::media::{MediaCheck, Refusal, content_type_of, hole, media, trailing};
use crate::engine::post::{CheckedFile, FileState, PreparedPost};
use crate::engine::posted::PostedFiles;
use crate::engine::resolve::of_missing_file;
use crate::limits::{self, Finding};
use crate::model::account::{Account, Accounts, NameError, NeededLogin};
use crate::model::{
    Diagnostic, Diagnostics, Entry, LocalFile, Location, Manifest, Mode, Part, Phase, Place, Plan,
    PlanError, PostRef, PostRequest, Source, UserOrigin,
};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::resources::is_machine_fault;
use crate::signals::{Shutdown, Signal};
use crate::source::{
    Fingerprint, RemoteError, Sources, UnfinishedFiles, Version, Video, VideoError, blocking, near,
};
use crate::store::{Journal, StoreError};
use crate::text::{self, chain, template};
use crate::timing::Timing;

/// A post whose time is so long past was hardly meant for now.
const OVERDUE: SignedDuration = SignedDuration::from_hours(24);

/// The most paths for which it is looked for what may be meant.
const MOST_GUESSES: usize = 100;

/// The posts of a run, by account.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Each account with its posts, in the manifest's order.
    pub(crate) accounts: Vec<(Account, Vec<PreparedPost>)>,
    /// What is worth saying before anything is sent.
    pub(crate) warnings: Vec<Warned>,
}

/// A warning, and the posts that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warned {
    /// The warning, in words.
    pub(crate) text: String,
    /// Their places in the manifest.
    pub(crate) posts: BTreeSet<usize>,
}

/// What keeps a run from beginning.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// Something is wrong with what the manifest asks for.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No account is logged in.
    #[error("{reason}")]
    Nobody {
        /// That.
        reason: NameError,
        /// Those that the manifest needs.
        needed: Vec<NeededLogin>,
    },
    /// This machine does not let a video be read.
    #[error(transparent)]
    Video(VideoError),
    /// The journal cannot be asked for the post of a file that is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal came before every file was looked at.
    #[error("interrupted")]
    Interrupted(Signal),
}

impl Coded for PrepareError {
    fn problem(&self) -> Problem {
        match self {
            Self::Refused(refused) => refused.problem(),
            Self::Nobody { .. } => ErrorCode::NobodyLoggedIn.into(),
            Self::Video(error) => error.problem(),
            Self::Store(error) => error.problem(),
            Self::Interrupted(signal) => {
                Problem::new(ErrorCode::RunInterrupted).of_kind(ErrorKind::Interrupted(*signal))
            }
        }
    }
}

/// All that is wrong with what a manifest asks for; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "{manifest} has {}\n{problems}{}",
    text::count(problems.len() as u64, "problem"),
    overruling(*.overrulable)
)]
pub(crate) struct Refused {
    /// How the manifest is called.
    pub(crate) manifest: String,
    /// What is wrong.
    pub(crate) problems: Diagnostics,
    /// The logins that are missing: each is one of the problems.
    pub(crate) missing_logins: Vec<NeededLogin>,
    /// The files that are not there: each is one of the problems.
    pub(crate) missing_files: Vec<PathBuf>,
    /// Whether it is about a manifest at all, and not about some other file.
    pub(crate) is_manifest: bool,
    /// How many of them are findings about videos that can be overruled, as somebody may know better.
    pub(crate) overrulable: usize,
    /// Whether this user may not read one of the files.
    pub(crate) denied: bool,
}

impl Refused {
    /// Whether nothing is wrong but that logins are missing.
    pub(crate) fn is_of_logins(&self) -> bool {
        self.missing_logins.len() == self.problems.len()
    }

    /// Whether nothing is wrong but that files are missing.
    pub(crate) fn is_of_files(&self) -> bool {
        self.missing_files.len() == self.problems.len()
    }
}

/// How findings are overruled, in a line, if there are any that can be.
fn overruling(overrulable: usize) -> &'static str {
    match overrulable {
        0 => "",
        _ => {
            "\n`--skip-media-check`, or `skip_media_check` in its entry, sends a video whatever is found in it, \
             for TikTok to judge"
        }
    }
}

impl Coded for Refused {
    fn problem(&self) -> Problem {
        let problem = Problem::new(match self.missing_logins.len() {
            _ if self.is_of_logins() => ErrorCode::ManifestAccounts,
            0 => ErrorCode::ManifestWrong,
            _ => ErrorCode::ManifestBoth,
        });
        if self.denied { problem.of_kind(ErrorKind::Local) } else { problem }
    }
}

/// What the preparation of a manifest's posts goes by.
#[derive(Clone, Debug)]
pub(crate) struct Preparation {
    /// How the manifest is called when it is talked about.
    pub(crate) name: String,
    /// The folder that relative paths start from.
    pub(crate) folder: PathBuf,
    /// The accounts that are logged in.
    pub(crate) accounts: Accounts,
    /// The files that were posted as they are.
    pub(crate) posted: PostedFiles,
    /// Opens videos.
    pub(crate) sources: Sources,
    /// The files that are still being written.
    pub(crate) unfinished: UnfinishedFiles,
    /// What the run is told to do.
    pub(crate) options: Options,
    /// How long TikTok takes bytes.
    pub(crate) timing: Timing,
    /// Asks to stop.
    pub(crate) shutdown: Shutdown,
    /// What time it is.
    pub(crate) now: Timestamp,
}

impl Preparation {
    /// Makes posts of a manifest's entries; `faults` is what is wrong with the manifest already.
    pub(crate) async fn prepare(
        &self,
        journal: &dyn Journal,
        manifest: Manifest,
        faults: Diagnostics,
    ) -> Result<Prepared, PrepareError> {
        let accounts = &self.accounts;
        let mut inspection = Inspection {
            preparation: self,
            journal,
            problems: Vec::new(),
            missing_logins: Vec::new(),
            missing_files: Vec::new(),
            warnings: Vec::new(),
            at: 0,
            overrulable: 0,
            denied: None,
            guesses: 0,
        };
        let mut ids = HashMap::new();
        let mut by_account: BTreeMap<String, (Account, Vec<PreparedPost>)> = BTreeMap::new();
        let (mut nobody, mut needed) = (None, Vec::new());
        for entry in manifest.entries {
            inspection.at = entry.index;
            let account = match accounts.find(entry.user.as_deref()) {
                Ok(account) => Some(account),
                Err(reason @ NameError::Nobody) => {
                    nobody = Some(reason);
                    needed.push(needed_login(&entry));
                    None
                }
                Err(reason) => {
                    inspection.unknown_account(&entry, &reason);
                    None
                }
            };
            // `None`: something is wrong with the file, and that was noted.
            let file = match entry.post.source.file() {
                Some(location) => {
                    let file = tokio::select! {
                        biased;
                        signal = self.shutdown.requested() => {
                            return Err(PrepareError::Interrupted(signal));
                        }
                        file = inspection.file(location, &entry, account) => file?,
                    };
                    file.map(Some)
                }
                None => Some(None),
            };
            if let Some(account) = account {
                inspection.scope(&entry, account);
                inspection.id(&entry, account, &mut ids);
            }
            if let (Some(account), Some(file)) = (account, file) {
                let post = inspection.post(entry, account, file);
                let place = by_account.entry(account.open_id.clone());
                place.or_insert_with(|| (account.clone(), Vec::new())).1.push(post);
            }
        }
        let problems = faults.and(inspection.problems);
        if !problems.is_empty() {
            return Err(match inspection.denied {
                Some(error) if problems.len() == 1 => PrepareError::Video(error),
                denied => PrepareError::Refused(Refused {
                    manifest: self.name.clone(),
                    problems,
                    missing_logins: inspection.missing_logins,
                    missing_files: inspection.missing_files,
                    is_manifest: true,
                    overrulable: inspection.overrulable,
                    denied: denied.is_some(),
                }),
            });
        }
        if let Some(reason) = nobody {
            return Err(PrepareError::Nobody { reason, needed });
        }
        let mut accounts: Vec<_> = by_account.into_values().collect();
        accounts.sort_by_key(|(_, posts)| posts.first().map(|post| post.post_ref.index));
        Ok(Prepared { accounts, warnings: inspection.warnings })
    }
}

/// The login that a post needs.
fn needed_login(entry: &Entry) -> NeededLogin {
    NeededLogin { user: entry.user.clone(), scope: entry.post.mode.scope().to_owned() }
}

/// The post that has an `id` first, by account, and the name that the manifest has for the account.
type Ids = HashMap<(String, String), (usize, Option<String>)>;

/// A preparation under way.
struct Inspection<'a> {
    preparation: &'a Preparation,
    journal: &'a dyn Journal,
    problems: Vec<Diagnostic>,
    /// The logins that some of them are about.
    missing_logins: Vec<NeededLogin>,
    /// The files, of which each has one, that are not there.
    missing_files: Vec<PathBuf>,
    warnings: Vec<Warned>,
    /// The place in the manifest of the post that is looked at.
    at: usize,
    /// How many of the problems are findings that can be overruled.
    overrulable: usize,
    /// The first file that this user may not read.
    denied: Option<VideoError>,
    /// For how many paths it was looked for what may be meant.
    guesses: usize,
}

impl Inspection<'_> {
    fn warn(&mut self, text: String) {
        match self.warnings.iter_mut().find(|known| known.text == text) {
            Some(known) => _ = known.posts.insert(self.at),
            None => self.warnings.push(Warned { text, posts: BTreeSet::from([self.at]) }),
        }
    }

    fn post(&mut self, entry: Entry, account: &Account, file: Option<FileState>) -> PreparedPost {
        let Entry { index, post: asked, mut doubts, left_to_app, .. } = entry;
        doubts.extend(asked.publish_at.and_then(|at| self.overdue(at)));
        if asked.loses_caption() {
            self.warn("drafts of videos carry no caption; write it in the TikTok app".into());
        }
        if asked.mode == Mode::Direct && asked.privacy.is_none() {
            self.warn("no privacy_level was given, so the posts are made SELF_ONLY".into());
        }
        let video = self.label(&asked.source);
        let post_ref = PostRef { index, account: account.name().to_owned(), video };
        PreparedPost { post_ref, asked, file, doubts, left_to_app }
    }

    /// That the time of a post is long past.
    fn overdue(&self, at: Timestamp) -> Option<String> {
        let past = self.preparation.now.duration_since(at);
        (past > OVERDUE).then(|| {
            let days = u64::try_from(past.as_hours() / 24).unwrap_or_default();
            format!(
                "its `publish_at` is {} past ({}); it is posted at once",
                text::count(days, "day"),
                moment(at)
            )
        })
    }

    /// How the content is called when it is talked about: a path as the manifest has it.
    fn label(&self, source: &Source) -> String {
        text::kept(&match source {
            Source::File(file) => {
                let path = file.shown();
                path.strip_prefix(&self.preparation.folder).unwrap_or(&path).display().to_string()
            }
            Source::Url(url) => text::without_query(url),
            Source::Photos { urls, .. } => {
                let first = urls.first().map(|url| text::without_query(url)).unwrap_or_default();
                format!("{first} ({})", text::count(urls.len() as u64, "photo"))
            }
        })
    }

    async fn file(
        &mut self,
        location: &Location,
        entry: &Entry,
        account: Option<&Account>,
    ) -> Result<Option<FileState>, PrepareError> {
        let path = &location.shown();
        if let Some(version) = self.preparation.posted.version(entry.index) {
            return Ok(Some(FileState::Posted(version)));
        }
        let local = location.local();
        if let Some(how) = local.and_then(|path| self.preparation.unfinished.get(path)) {
            // What it holds now says nothing: it is looked at when it is finished.
            return Ok(Some(FileState::Unfinished(*how)));
        }
        match self.preparation.sources.open(location).await {
            Ok(video) => match self.video(location, &video, entry, account).await {
                Err(PrepareError::Video(VideoError::Remote(error))) => {
                    Ok(self.remote(path, entry, error))
                }
                state => state,
            },
            Err(error) if error.problem().code == ErrorCode::ReadDenied => {
                self.unreadable(entry, path, &error).await;
                self.denied.get_or_insert(error);
                Ok(None)
            }
            Err(error) if error.is_machine_fault() => Err(PrepareError::Video(error)),
            Err(error) if error.is_out_of_reach() => {
                let known = match account {
                    Some(account) => {
                        of_missing_file(self.journal, &account.open_id, &entry.post, location)
                            .await?
                    }
                    None => None,
                };
                let repost = self.preparation.options.repost;
                if known.is_none_or(|post| repost && post.may_repost()) {
                    if let VideoError::Remote(error) = error {
                        return Ok(self.remote(path, entry, error));
                    }
                    let hint = self.guess(path).await;
                    self.problem(entry, path, "there is no such file", hint.as_deref());
                    self.missing_files.push(path.to_owned());
                    return Ok(None);
                }
                Ok(Some(FileState::Missing))
            }
            Err(VideoError::Remote(error)) => Ok(self.remote(path, entry, error)),
            Err(error) => {
                self.unreadable(entry, path, &error).await;
                Ok(None)
            }
        }
    }

    /// What is made of what lies elsewhere and cannot be read: what may pass keeps no other post from being made.
    fn remote(&mut self, path: &Path, entry: &Entry, error: RemoteError) -> Option<FileState> {
        if error.why.may_pass() {
            return Some(FileState::Unreachable(error));
        }
        self.problem(entry, path, &error.why.to_string(), Some(&error.why.advice()));
        None
    }

    /// What may be meant by a path that leads nowhere. Folders may be long: after many such paths no more is
    /// looked for.
    async fn guess(&mut self, path: &Path) -> Option<String> {
        self.guesses += 1;
        if self.guesses > MOST_GUESSES {
            return None;
        }
        let folder = self.preparation.folder.clone();
        let mut written = path.strip_prefix(&folder).unwrap_or(path).as_os_str().to_owned();
        if path.as_os_str().as_bytes().ends_with(b"/") {
            // Paths are compared without it.
            written.push("/");
        }
        let written = PathBuf::from(written);
        blocking(move || {
            near::hint(&written, &folder).or_else(|| near::missing_folder(&written, &folder))
        })
        .await
    }

    /// What is known without asking TikTok: size, time on the way, what the headers say.
    async fn video(
        &mut self,
        location: &Location,
        video: &Video,
        entry: &Entry,
        account: Option<&Account>,
    ) -> Result<Option<FileState>, PrepareError> {
        let path = video.path();
        let plan = match Plan::new(video.size(), self.preparation.options.chunk_size) {
            Ok(plan) => plan,
            Err(error) => {
                let mut message = error.to_string();
                let hint = match error {
                    PlanError::Empty => Some("wait until it is complete, or export it again"),
                    PlanError::TooLarge(size) => {
                        let trailing = trailing(video).await;
                        if let Some(finding) = &trailing {
                            message = format!("{message}: {finding}");
                        }
                        Some(Finding::Size { size, padded: trailing.is_some() }.hint())
                    }
                    PlanError::ChunkSize(_) => None,
                };
                self.problem(entry, path, &message, hint);
                return Ok(None);
            }
        };
        let Some((mut check, probe)) = self.examine(path, video, entry).await? else {
            return Ok(None);
        };
        let mut slow = self.too_slow(&plan);
        // What was begun although this speaks against it is gone on with, and what was sent is not sent again.
        if slow.is_some() || !check.refusals.is_empty() {
            match self.sent_of(entry, account, location, video).await? {
                Sent::Nothing => {}
                Sent::Part => check.overrule("it was begun all the same"),
                Sent::All => (slow, check.refusals) = (None, Vec::new()),
            }
        }
        let refused = slow.is_some() || !check.refusals.is_empty();
        if let Some((message, hint)) = &slow {
            self.problem(entry, path, message, Some(hint));
        }
        for refusal in check.refusals {
            self.refuse(entry, path, refusal);
        }
        for warning in &check.warnings {
            self.warn(format!("{}: {warning}", self.label(&entry.post.source)));
        }
        Ok((!refused).then(|| {
            FileState::Checked(CheckedFile {
                content_type: probe
                    .as_ref()
                    .map_or_else(|| content_type_of(path), |probe| probe.container.content_type()),
                media: probe.map(media).unwrap_or_default(),
                warnings: check.warnings,
                version: video.version(),
            })
        }))
    }

    /// How much of an entry's post TikTok has by now.
    async fn sent_of(
        &self,
        entry: &Entry,
        account: Option<&Account>,
        location: &Location,
        video: &Video,
    ) -> Result<Sent, PrepareError> {
        let Preparation { options, timing, .. } = self.preparation;
        let Some(account) = account.filter(|_| !options.repost) else { return Ok(Sent::Nothing) };
        let (account, mode) = (account.open_id.as_str(), entry.post.mode);
        let Version::File(identity) = video.version();
        if self.journal.known_with_size(account, mode, identity.size).await?.is_empty() {
            return Ok(Sent::Nothing);
        }
        let mut fingerprint = None;
        if self.journal.find_by_file(account, mode, &identity).await?.is_none() {
            // Only its content tells.
            let read = Fingerprint::of(video, timing.stall).await;
            fingerprint = Some(read.map_err(PrepareError::Video)?);
        }
        let file = LocalFile::at_sight(location.recorded(), identity);
        let file = LocalFile { fingerprint, ..file };
        let id = entry.post.id.as_deref();
        let known = self.journal.find(&PostRequest::of_file(account, mode, id, file)).await?;
        // One that has no `id` takes the first that it is given; under another one it is another post.
        let takes_id = self.preparation.posted.have_one_id(account, mode, identity.size);
        let known =
            known.filter(|post| post.id.as_deref() == id || (post.id.is_none() && takes_id));
        Ok(match known.and_then(|post| post.phase()) {
            None => Sent::Nothing,
            Some(phase) if phase.is_dead() => Sent::Nothing,
            Some(Phase::InitIntent | Phase::Open { .. }) => Sent::Part,
            Some(_) => Sent::All,
        })
    }

    fn refuse(&mut self, entry: &Entry, path: &Path, refusal: Refusal) {
        let Refusal { field, doubtful, message, hint } = refusal;
        self.overrulable += usize::from(doubtful);
        if field == "video_path" {
            return self.problem(entry, path, &message, hint.as_deref());
        }
        let at = match field {
            "video_cover_timestamp_ms" => entry.cover_at.unwrap_or(entry.source_at),
            _ => entry.source_at,
        };
        self.note(entry, at, field, message, hint.as_deref());
    }

    /// Whether `--limit-rate` does not get a file through within the life of its upload URL, and
    /// what would.
    fn too_slow(&self, plan: &Plan) -> Option<(String, String)> {
        let rate = self.preparation.options.rate.fastest()?;
        let life = self.preparation.timing.url_life.as_secs().max(1);
        let seconds = plan.size() / rate;
        if seconds < life {
            return None;
        }
        let message = format!(
            "at `--limit-rate {rate}` the upload would take {}, and TikTok gives it {}",
            text::count(seconds.div_ceil(60), "minute"),
            text::count(life / 60, "minute"),
        );
        let enough = text::size((plan.size() / life + 1).next_multiple_of(1000));
        Some((message, format!("give it at least {enough} a second")))
    }

    /// What the headers say, and what speaks against it: a refusal, or a warning where the entry says
    /// that it is to be sent all the same. `None`: it could not be read, and that was noted.
    async fn examine(
        &mut self,
        path: &Path,
        video: &Video,
        entry: &Entry,
    ) -> Result<Option<(MediaCheck, Option<Probe>)>, PrepareError> {
        let mut check = MediaCheck { skip: entry.post.skip_media_check, ..MediaCheck::default() };
        let probed = video.examine(|video| video_probe::probe(video, video.size())).await;
        let probe = match probed {
            Ok(probe) => probe,
            Err(ProbeError::Io(source)) if is_machine_fault(&source) || video.is_remote() => {
                return Err(PrepareError::Video(video.failed(source)));
            }
            Err(error @ ProbeError::Io(_)) => {
                self.problem(entry, path, &chain(&error), limits::hint(&error).as_deref());
                return Ok(None);
            }
            Err(error) => {
                check.refuse(chain(&error), limits::hint(&error));
                return Ok(Some((check, None)));
            }
        };
        match hole(video, probe.container).await {
            Ok(hole) => check.hole(hole),
            Err(source) if is_machine_fault(&source) => {
                return Err(PrepareError::Video(video.failed(source)));
            }
            Err(source) => {
                self.unreadable(entry, path, &video.failed(source)).await;
                return Ok(None);
            }
        }
        if check.refusals.is_empty() {
            check.limits(&probe, video.size(), &entry.post);
        }
        Ok(Some((check, Some(probe))))
    }

    async fn unreadable(&mut self, entry: &Entry, path: &Path, error: &VideoError) {
        let hint = match error {
            VideoError::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                self.guess(path).await
            }
            VideoError::NotRegular { is_directory: true, .. } => {
                Some("name a video in it; each is a post of its own".to_owned())
            }
            _ => None,
        };
        let message = match error {
            VideoError::Io { source, .. } => format!("cannot read the file: {source}"),
            VideoError::NotRegular { is_directory: true, .. } => "this is a directory".to_owned(),
            VideoError::NotRegular { .. } => "this is not a regular file".to_owned(),
            VideoError::Changed { .. }
            | VideoError::Unchecked { .. }
            | VideoError::Remote(_)
            | VideoError::Stalled { .. }
            | VideoError::Unfinished { .. } => error.to_string(),
        };
        self.problem(entry, path, &message, hint.as_deref());
    }

    fn problem(&mut self, entry: &Entry, path: &Path, message: &str, hint: Option<&str>) {
        let shown = path.display().to_string();
        // What looks like a URL may hold a signature.
        let shown = if shown.contains(":/") { text::without_query(&shown) } else { shown };
        let message = format!("`{}`: {message}", text::shown(&shown));
        let field = match entry.post.source.file() {
            Some(Location::Web(_)) => "video_url",
            _ => "video_path",
        };
        self.note(entry, entry.source_at, field, message, hint);
    }

    /// Without the scope nothing of the manifest is sent, rather than the first half of it.
    fn scope(&mut self, entry: &Entry, account: &Account) {
        let scope = entry.post.mode.scope();
        if account.scopes.has(scope) {
            return;
        }
        let message = format!("`{}` did not grant the scope `{scope}`", account.name());
        let hint = format!(
            "run `tiktok-up login` again and leave `{scope}` switched on in TikTok's consent page"
        );
        self.of_account(entry, message, Some(&hint), true);
    }

    /// Two posts of one account and `id` would be one post. Those whose account goes by the same name
    /// were found in the manifest.
    fn id(&mut self, entry: &Entry, account: &Account, ids: &mut Ids) {
        let Some(id) = &entry.post.id else { return };
        let identity = (account.open_id.clone(), text::seen_as(id));
        let (first, name) =
            ids.entry(identity).or_insert_with(|| (entry.index, entry.user.clone())).clone();
        if first != entry.index && name != entry.user {
            let message = format!("the same as that of post {}, for the same account", first + 1);
            self.note(entry, entry.id_at.unwrap_or(entry.user_at), "id", message, None);
        }
    }

    fn unknown_account(&mut self, entry: &Entry, reason: &NameError) {
        let several = matches!(reason, NameError::Ambiguous { .. });
        let several = several.then(|| "say which one, with `user_id` or `--account`".to_owned());
        // No login would mend it.
        let unfilled = entry.user.as_deref().and_then(template::unfilled_in_address);
        let hint = several.or_else(|| unfilled.map(template::words));
        self.of_account(entry, reason.to_string(), hint.as_deref(), hint.is_none());
    }

    /// Something about the account of a post, where it is named. What is named for all posts is said once.
    /// `counts`: a login mends it.
    fn of_account(&mut self, entry: &Entry, message: String, hint: Option<&str>, counts: bool) {
        let Place { line, column } = entry.user_at;
        let (part, line, column, field) = match entry.user_from {
            UserOrigin::Post => (Part::Post(entry.index), line, column, Some("user_id")),
            UserOrigin::Defaults => (Part::Defaults, line, column, Some("user_id")),
            UserOrigin::CommandLine => (Part::CommandLine, 0, 0, None),
            UserOrigin::Config => (Part::Config, 0, 0, None),
        };
        let mut told = self.problems.iter();
        if told.any(|known| known.part == part && known.message == message) {
            return;
        }
        self.missing_logins.extend(counts.then(|| needed_login(entry)));
        let (field, hint) = (field.map(str::to_owned), hint.map(str::to_owned));
        self.problems.push(Diagnostic { line, column, part, field, message, hint });
    }

    fn note(
        &mut self,
        entry: &Entry,
        Place { line, column }: Place,
        field: &str,
        message: String,
        hint: Option<&str>,
    ) {
        self.problems.push(Diagnostic {
            line,
            column,
            part: Part::Post(entry.index),
            field: Some(field.to_owned()),
            message,
            hint: hint.map(str::to_owned),
        });
    }
}

/// How much of a post TikTok has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    /// It was begun, and more of it may have to be sent.
    Part,
    /// All of it, whatever comes or came of it.
    All,
}
