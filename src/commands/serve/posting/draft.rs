//! What is composed: the source of a post and what was filled in, kept in a file each until it is discarded. Of what was
//! published it stays as the record of what was asked for.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::commands::serve::folders::VIDEOS;
use crate::fs::{FsError, private_dir, read_private_to, remove, remove_dir_all, write_atomic};
use crate::model::Mode;
use crate::problem::{Coded, ErrorCode, Problem};
use crate::text;

/// The largest draft that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The folder of files that came from browsers, within that of the console.
const SPOOL: &str = "spool";

/// How long a draft is kept that nobody touches.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long it is known what was published.
const RECORDED: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The longest name of a file that a browser sends, in bytes, without its end.
const LONGEST_NAME: usize = 120;

/// A post that is being composed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// What the post is known by, from the first page to the journal: however often its button is pressed, it is one.
    pub(crate) id: String,
    /// `open_id` of the account.
    pub(crate) account: String,
    /// What is to be posted.
    pub(crate) source: DraftSource,
    /// When it was begun.
    pub(crate) created_at: Timestamp,
    /// What was filled in.
    pub(crate) form: Form,
    /// How often what was filled in was kept.
    #[serde(default)]
    pub(crate) revision: u64,
    /// The page that has kept it last, and for which time.
    #[serde(default)]
    pub(crate) page: String,
    #[serde(default)]
    pub(crate) turn: u64,
    /// Which content of its file is to be posted, as [`seen`] tells it; empty of what has no file.
    #[serde(default)]
    pub(crate) seen: String,
    /// When it went into the queue; `None`: it is being composed.
    #[serde(default)]
    pub(crate) published_at: Option<Timestamp>,
}

impl Draft {
    /// One in which nothing is filled in.
    pub(crate) fn new(
        id: String,
        account: String,
        source: DraftSource,
        created_at: Timestamp,
    ) -> Self {
        let (form, revision, page, turn, seen, published_at) = <_>::default();
        Self { id, account, source, created_at, form, revision, page, turn, seen, published_at }
    }

    /// Whether its file was replaced by a link: what was chosen is the real place of a file.
    pub(crate) fn leads_elsewhere(&self) -> bool {
        let DraftSource::File { path } = &self.source else { return false };
        !fs::canonicalize(path).is_ok_and(|real| real == *path)
    }

    /// Whether another page has kept it since the one with this form was loaded.
    pub(crate) fn is_of_another_page(&self, form: &Form) -> bool {
        form.revision != self.revision && (form.page.is_empty() || form.page != self.page)
    }

    /// The same with what a page has sent.
    pub(crate) fn filled_in(self, form: Form) -> Self {
        let (page, turn) = (form.page.clone(), form.turn);
        Self { form, page, turn, revision: self.revision + 1, ..self }
    }

    /// Whether it was published with just what a form has.
    pub(crate) fn is_published_as(&self, form: &Form) -> bool {
        // What says nothing of the post itself.
        let plain = |form: &Form| {
            let (seen, page, action) = <_>::default();
            Form { seen, page, action, revision: 0, turn: 0, ..form.clone() }
        };
        self.published_at.is_some() && plain(&self.form) == plain(form)
    }
}

/// Why a draft cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error(transparent)]
    File(#[from] FsError),
    #[error("`{}` is no draft any more", path.display())]
    Foreign { path: PathBuf },
}

/// Where the content of a post comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum DraftSource {
    /// A file of this machine.
    File {
        /// Where it lies.
        path: PathBuf,
    },
    /// A file that a browser sends.
    Upload {
        /// What it is called there.
        name: String,
        /// How large it is, in bytes.
        size: u64,
    },
    /// A video behind an address.
    Url {
        /// The address, which may hold a signature.
        url: String,
        /// Whether this program reads it and sends it on. Else TikTok pulls it.
        #[serde(default)]
        is_sent: bool,
    },
    /// Photos that TikTok pulls.
    Photos {
        /// Their addresses.
        urls: Vec<String>,
    },
}

/// The fields of the form, as a browser sends them. A box that is not checked is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Form {
    pub(crate) caption: String,
    pub(crate) title: String,
    pub(crate) privacy_level: String,
    pub(crate) allow_comment: Option<String>,
    pub(crate) allow_duet: Option<String>,
    pub(crate) allow_stitch: Option<String>,
    pub(crate) disclose: Option<String>,
    pub(crate) brand_organic: Option<String>,
    pub(crate) brand_content: Option<String>,
    pub(crate) is_aigc: Option<String>,
    pub(crate) cover_ms: String,
    pub(crate) auto_add_music: Option<String>,
    pub(crate) mode: String,
    pub(crate) when: String,
    pub(crate) at: String,
    pub(crate) slot: String,
    /// Which content of the file the page has shown, as [`seen`] tells it.
    #[serde(skip_serializing)]
    pub(crate) seen: String,
    /// The revision that the page has shown.
    #[serde(skip_serializing)]
    pub(crate) revision: u64,
    /// Which page it is, and how often it has sent the form.
    #[serde(skip_serializing)]
    pub(crate) page: String,
    #[serde(skip_serializing)]
    pub(crate) turn: u64,
    /// What is to become of the draft: `publish`, `discard`, or `save` whatever else it is.
    #[serde(skip_serializing)]
    pub(crate) action: String,
}

impl Form {
    /// Whether the post goes to the inbox.
    pub(crate) fn is_draft(&self) -> bool {
        self.mode == Mode::Draft.as_str()
    }
}

impl Coded for DraftError {
    fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::Foreign { path } => {
                Problem::new(ErrorCode::ConsoleQueueDamaged).with("path", path.display())
            }
        }
    }
}

/// The drafts of the console.
#[derive(Clone, Debug)]
pub(crate) struct Drafts {
    folder: Arc<Path>,
    spool: Arc<Path>,
    /// The drafts whose files are being written.
    written: Arc<Mutex<HashSet<String>>>,
}

/// That nobody else writes the file of a draft meanwhile.
#[derive(Debug)]
pub(crate) struct Writing {
    id: String,
    written: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Drafts {
    /// Under the directory of the console.
    pub(crate) fn open(console: &Path) -> Result<Self, FsError> {
        let (folder, spool) = (console.join("drafts"), console.join(SPOOL));
        private_dir(&folder)?;
        private_dir(&spool)?;
        Ok(Self { folder: folder.into(), spool: spool.into(), written: Arc::default() })
    }

    /// Begins one.
    pub(crate) fn begin(
        &self,
        account: String,
        source: DraftSource,
        now: Timestamp,
    ) -> Result<Draft, FsError> {
        let id = format!("web-{:016x}", rand::rng().random::<u64>());
        if let DraftSource::Upload { .. } = source {
            private_dir(&self.spool.join(&id))?;
        }
        let draft = Draft::new(id, account, source, now);
        self.keep(&draft)?;
        Ok(draft)
    }

    /// Keeps what was filled in.
    pub(crate) fn keep(&self, draft: &Draft) -> Result<(), FsError> {
        let text = serde_json::to_vec(draft).unwrap_or_default();
        write_atomic(&self.path(&draft.id), &text, 0o600)
    }

    /// One that is being composed.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Draft>, DraftError> {
        Ok(self.record(id)?.filter(|draft| draft.published_at.is_none()))
    }

    /// One that is being composed, or was.
    pub(crate) fn record(&self, id: &str) -> Result<Option<Draft>, DraftError> {
        if !is_id(id) {
            return Ok(None);
        }
        let path = self.path(id);
        let Some(text) = read_private_to(&path, LARGEST)? else { return Ok(None) };
        // Its `id` names its files.
        let draft = serde_json::from_slice(&text).ok().filter(|draft: &Draft| draft.id == id);
        draft.map_or(Err(DraftError::Foreign { path }), |draft| Ok(Some(draft)))
    }

    /// All of them that can be read, the newest first; and why others cannot.
    pub(crate) fn all(&self) -> (Vec<Draft>, Vec<DraftError>) {
        let paths = match crate::fs::list(&self.folder) {
            Ok(paths) => paths,
            Err(error) => return (Vec::new(), vec![error.into()]),
        };
        let (mut all, mut unread) = (Vec::new(), Vec::new());
        for path in paths {
            let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            match self.find(id) {
                Ok(draft) => all.extend(draft),
                Err(error) => unread.push(error),
            }
        }
        all.sort_by_key(|draft| std::cmp::Reverse(draft.created_at));
        (all, unread)
    }

    /// Takes one for published: what was asked for is known from here on, and its file is what is posted.
    pub(crate) fn publish(&self, id: &str, now: Timestamp) -> Result<(), DraftError> {
        if let Some(draft) = self.find(id)? {
            self.keep(&Draft { published_at: Some(now), ..draft })?;
        }
        Ok(())
    }

    /// Takes another time for what was filled in.
    pub(crate) fn set_time(&self, id: &str, when: &str, at: &str) -> Result<(), DraftError> {
        if let Some(mut draft) = self.record(id)? {
            (draft.form.when, draft.form.at) = (when.to_owned(), at.to_owned());
            self.keep(&draft)?;
        }
        Ok(())
    }

    /// Takes one that was published for one that is being composed. `false`: there is none.
    pub(crate) fn reopen(&self, id: &str) -> Result<bool, DraftError> {
        let Some(draft) = self.record(id)? else { return Ok(false) };
        self.keep(&Draft { published_at: None, ..draft })?;
        Ok(true)
    }

    /// Forgets one that was discarded; its file stays.
    pub(crate) fn forget(&self, id: &str) -> Result<(), FsError> {
        if is_id(id) && self.path(id).exists() { remove(&self.path(id)) } else { Ok(()) }
    }

    /// Where the content of a draft lies, if it is a file here.
    pub(crate) fn file(&self, draft: &Draft) -> Option<PathBuf> {
        match &draft.source {
            DraftSource::File { path } => Some(path.clone()),
            DraftSource::Upload { name, .. } => Some(self.spooled(&draft.id, name)),
            DraftSource::Url { .. } | DraftSource::Photos { .. } => None,
        }
    }

    /// Removes the file that a browser has sent for a post, if it has sent one.
    pub(crate) fn drop_file(&self, id: &str) -> Result<(), FsError> {
        if is_id(id) { remove_dir_all(&self.spool.join(id)) } else { Ok(()) }
    }

    /// Forgets the drafts that nobody has touched for as long as [`KEPT`], with what browsers have sent of their
    /// files; such files without a draft; and what was published longer ago than [`RECORDED`]. What `queued` names by
    /// its `id` is to be posted, and stays.
    pub(crate) fn sweep<E: From<FsError>>(
        &self,
        queued: impl FnOnce() -> Result<HashSet<String>, E>,
        now: Timestamp,
    ) -> Result<(), E> {
        let (drafts, files) = (crate::fs::list(&self.folder)?, crate::fs::list(&self.spool)?);
        // Only now: what is published meanwhile is in the queue before its draft is.
        let queued = queued()?;
        // What has another name is not of this program.
        let is_left = |path: &Path| id_of(path).filter(|id| !queued.contains(id));
        let mut composed = HashSet::new();
        for path in &drafts {
            let Some(id) = is_left(path) else { continue };
            let record = self.record(&id).ok().flatten();
            let is_published = record.is_some_and(|draft| draft.published_at.is_some());
            // A draft is as old as the last piece of its file.
            let age = age(&[path, &self.spool.join(&id)], now);
            if age <= if is_published { RECORDED } else { KEPT } {
                if !is_published {
                    composed.insert(id);
                }
            } else if let Some(_alone) = self.write(&id) {
                // Nobody has begun to write it meanwhile.
                remove(path)?;
            }
        }
        for path in &files {
            let Some(id) = is_left(path).filter(|id| !composed.contains(id)) else { continue };
            if age(&[path], now) > KEPT
                && let Some(_alone) = self.write(&id)
            {
                remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// How much of a file that a browser sends is there, in bytes.
    pub(crate) fn received(&self, draft: &Draft) -> u64 {
        let found = self.file(draft).and_then(|path| fs::metadata(path).ok());
        found.map_or(0, |found| found.len())
    }

    /// Keeps the file of a draft from being written by anybody else; `None` if somebody does already.
    pub(crate) fn write(&self, id: &str) -> Option<Writing> {
        let is_free =
            self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        is_free.then(|| Writing { id: id.to_owned(), written: Arc::clone(&self.written) })
    }

    /// In a folder of its own, so that it is called there what it is called at home.
    fn spooled(&self, id: &str, name: &str) -> PathBuf {
        self.spool.join(id).join(name_here(name))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

/// What a file is called here that a browser calls so: no path, nothing that terminals or shells read in their own way,
/// and one of the ends that videos have.
fn name_here(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let end = VIDEOS.into_iter().find(|it| it.eq_ignore_ascii_case(end)).unwrap_or("mp4");
    let is_plain = |char: char| !(char.is_control() || (char.is_whitespace() && char != ' '));
    let is_seen = |char: char| text::hidden(char.encode_utf8(&mut [0; 4])).next().is_none();
    let plain = |char: char| if is_plain(char) && is_seen(char) { char } else { '_' };
    let mut stem: String = stem.trim_start_matches(['.', ' ', '-']).chars().map(plain).collect();
    stem.truncate(stem.floor_char_boundary(LONGEST_NAME));
    let stem = stem.trim();
    format!("{}.{end}", if stem.is_empty() { "video" } else { stem })
}

/// The `id` that a file or folder of this program is named by.
fn id_of(path: &Path) -> Option<String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.filter(|stem| is_id(stem)).map(str::to_owned)
}

/// How long nothing has changed what lies at these paths, the files in them included. What cannot be looked at is new.
fn age(paths: &[&Path], now: Timestamp) -> SignedDuration {
    let inside = paths.iter().flat_map(|path| crate::fs::list(path).unwrap_or_default());
    let all = paths.iter().map(|path| path.to_path_buf()).chain(inside);
    let changed = all.filter_map(|path| fs::metadata(path).and_then(|it| it.modified()).ok());
    let last = changed.max().and_then(|at| Timestamp::try_from(at).ok());
    last.map_or(SignedDuration::ZERO, |at| now.duration_since(at))
}

/// What tells one content of a file from another without reading it: its size, the time of its last change, and which
/// file it is of its file system.
pub(crate) fn seen(found: &fs::Metadata) -> String {
    format!("{}-{}.{:09}-{}", found.size(), found.mtime(), found.mtime_nsec(), found.ino())
}

/// Whether a text of an address may be the `id` of a draft, and so part of a file's name.
pub(crate) fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("web-").unwrap_or_default();
    digits.len() == 16
        && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_found_again_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let source = DraftSource::Upload { name: "../../x.MOV".into(), size: 3 };
        let mut draft = drafts.begin("a".into(), source, Timestamp::UNIX_EPOCH).unwrap();
        draft.form.caption = "words".into();
        drafts.keep(&draft).unwrap();
        assert_eq!(drafts.find(&draft.id).unwrap().as_ref(), Some(&draft));
        let file = drafts.file(&draft).unwrap();
        assert_eq!(file, dir.path().join(format!("spool/{}/x.mov", draft.id)));
        fs::write(&file, "abc").unwrap();
        assert_eq!(drafts.received(&draft), 3);
        drafts.forget(&draft.id).unwrap();
        assert_eq!(drafts.find(&draft.id).unwrap(), None);
        drafts.drop_file(&draft.id).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn what_nobody_has_touched_for_a_month_is_forgotten_unless_it_is_to_be_posted() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let begin = || {
            let source = DraftSource::Upload { name: "a.mp4".into(), size: 3 };
            let draft = drafts.begin("a".into(), source, Timestamp::UNIX_EPOCH).unwrap();
            let file = drafts.file(&draft).unwrap();
            fs::write(&file, "abc").unwrap();
            (draft.id, file)
        };
        let ((old, old_file), (queued, queued_file)) = (begin(), begin());
        let now = Timestamp::now();
        drafts.publish(&queued, now).unwrap();
        let (orphan, orphan_file) = begin();
        drafts.forget(&orphan).unwrap();
        let foreign = dir.path().join("spool/mine.mp4");
        fs::write(&foreign, "abc").unwrap();
        let there = || [&old_file, &queued_file, &orphan_file].map(|file| file.exists());
        let sweep_of = |days: i64, named: &[&String]| {
            let now = now + SignedDuration::from_hours(24 * days);
            let named: HashSet<_> = named.iter().map(ToString::to_string).collect();
            drafts.sweep(|| Ok::<_, FsError>(named), now).unwrap();
        };
        let sweep = |days| sweep_of(days, &[&queued]);
        sweep(29);
        assert_eq!(there(), [true; 3]);
        sweep(31);
        assert_eq!(there(), [false, true, false]);
        assert!(foreign.exists() && drafts.find(&old).unwrap().is_none());
        // What was posted is known for longer than its file.
        sweep_of(31, &[]);
        assert!(!queued_file.exists() && drafts.record(&queued).unwrap().is_some());
        sweep_of(367, &[]);
        assert!(drafts.record(&queued).unwrap().is_none());
    }

    #[test]
    fn what_was_published_is_composed_again_only_if_that_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let url = DraftSource::Url { url: "https://a.example/v.mp4".into(), is_sent: false };
        let draft = drafts.begin("a".into(), url, Timestamp::UNIX_EPOCH).unwrap();
        drafts.publish(&draft.id, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((drafts.find(&draft.id).unwrap(), drafts.all().0), (None, Vec::new()));
        assert!(drafts.record(&draft.id).unwrap().is_some());
        assert!(drafts.reopen(&draft.id).unwrap());
        assert_eq!(drafts.find(&draft.id).unwrap(), Some(draft));
        assert!(!drafts.reopen("web-0123456789abcdef").unwrap());
    }

    #[test]
    fn a_file_is_called_as_at_home_but_for_what_paths_and_terminals_read_otherwise() {
        for (there, here) in [
            ("Beach day 3.MOV", "Beach day 3.mov"),
            ("../../etc/passwd", "passwd.mp4"),
            ("C:\\clips\\a.webm", "a.webm"),
            (".hidden.mp4", "hidden.mp4"),
            ("--flag.mp4", "flag.mp4"),
            ("\u{202e}4pm.\x1b[2J.mp4", "_4pm._[2J.mp4"),
            ("Sommer – Köln 100% (final).mp4", "Sommer – Köln 100% (final).mp4"),
            ("", "video.mp4"),
            ("no end", "no end.mp4"),
            ("été 東京.m4v", "été 東京.m4v"),
        ] {
            assert_eq!(name_here(there), here, "{there:?}");
        }
        let long = name_here(&format!("{}.mp4", "é".repeat(200)));
        assert_eq!(long.len(), LONGEST_NAME + 4);
    }

    #[test]
    fn a_draft_that_cannot_be_read_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let url = DraftSource::Url { url: "https://a.example/v.mp4".into(), is_sent: false };
        let draft = drafts.begin("a".into(), url, Timestamp::UNIX_EPOCH).unwrap();
        fs::create_dir(drafts.path("web-0123456789abcdef")).unwrap();
        let damaged = drafts.path("web-fedcba9876543210");
        let moved = serde_json::to_vec(&draft).unwrap();
        write_atomic(&damaged, &moved, 0o600).unwrap();
        let (all, unread) = drafts.all();
        assert_eq!((all, unread.len()), (vec![draft], 2));
        assert!(matches!(drafts.find("web-fedcba9876543210"), Err(DraftError::Foreign { .. })));
    }

    #[test]
    fn no_address_leads_out_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        fs::write(dir.path().join("secret.json"), "{}").unwrap();
        for id in
            ["../secret", "web-../../secret", "", "web-0123456789abcdeF", "web-0123456789abcdef0"]
        {
            assert_eq!(drafts.find(id).unwrap(), None, "{id}");
        }
    }
}
