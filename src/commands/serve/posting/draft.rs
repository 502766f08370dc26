//! What is being composed: the source of a post and what was filled in so far, kept in a file each until it is published
//! or discarded.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::fs::{FsError, private_dir, read_private_to, remove, write_atomic};
use crate::model::Mode;

/// The largest draft that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The folder of files that came from browsers, within that of the console.
const SPOOL: &str = "spool";

/// How long a draft is kept that nobody touches.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

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
    /// A video that TikTok pulls.
    Url {
        /// Its address, which may hold a signature.
        url: String,
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
    /// What is to become of the draft: `publish`, `discard`, or `save` whatever else it is.
    #[serde(skip_serializing)]
    pub(crate) action: String,
    /// `yes`: that a draft is to be discarded is meant.
    #[serde(skip_serializing)]
    pub(crate) sure: String,
}

impl Form {
    /// Whether the post goes to the inbox.
    pub(crate) fn is_draft(&self) -> bool {
        self.mode == Mode::Draft.as_str()
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
        let draft = Draft { id, account, source, created_at: now, form: Form::default() };
        self.keep(&draft)?;
        Ok(draft)
    }

    /// Keeps what was filled in.
    pub(crate) fn keep(&self, draft: &Draft) -> Result<(), FsError> {
        let text = serde_json::to_vec(draft).unwrap_or_default();
        write_atomic(&self.path(&draft.id), &text, 0o600)
    }

    /// One that was begun.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Draft>, FsError> {
        if !is_id(id) {
            return Ok(None);
        }
        let text = read_private_to(&self.path(id), LARGEST)?;
        // What nobody can read was not written by this program.
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// All of them that can be read, the newest first; and why others cannot.
    pub(crate) fn all(&self) -> (Vec<Draft>, Vec<FsError>) {
        let paths = match crate::fs::list(&self.folder) {
            Ok(paths) => paths,
            Err(error) => return (Vec::new(), vec![error]),
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

    /// Forgets one that was published; its file stays, as it is what is posted.
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
        if !is_id(id) {
            return Ok(());
        }
        for path in crate::fs::list(&self.spool)? {
            if path.file_stem().is_some_and(|stem| stem == id) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Forgets the drafts that nobody has touched for as long as [`KEPT`], with what browsers have sent of their
    /// files; and such files without a draft. What `queued` names by its `id` is to be posted, and stays.
    pub(crate) fn sweep<E: From<FsError>>(
        &self,
        queued: impl FnOnce() -> Result<HashSet<String>, E>,
        now: Timestamp,
    ) -> Result<(), E> {
        let is_old = |path: &Path| {
            let changed = fs::metadata(path).and_then(|found| found.modified());
            let changed = changed.ok().and_then(|at| Timestamp::try_from(at).ok());
            changed.is_some_and(|at| now.duration_since(at) > KEPT)
        };
        let id = |path: &Path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            is_id(stem).then(|| stem.to_owned())
        };
        let (drafts, files) = (crate::fs::list(&self.folder)?, crate::fs::list(&self.spool)?);
        // Only now: what is published meanwhile is in the queue before its draft is gone. A draft is as old as the last
        // piece of its file.
        let mut touched = queued()?;
        let all = drafts.iter().chain(&files);
        touched.extend(all.filter(|path| !is_old(path)).filter_map(|path| id(path)));
        for path in drafts.iter().chain(&files) {
            // What has another name is not of this program.
            let Some(id) = id(path).filter(|id| !touched.contains(id)) else { continue };
            // Nobody begins to write it meanwhile.
            if let Some(_alone) = self.write(&id) {
                remove(path)?;
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

    /// Only the end of its name is the browser's to choose.
    fn spooled(&self, id: &str, name: &str) -> PathBuf {
        let end = Path::new(name).extension().and_then(|end| end.to_str()).unwrap_or_default();
        let known = ["mp4", "m4v", "mov", "webm"];
        let end = known.into_iter().find(|it| it.eq_ignore_ascii_case(end)).unwrap_or("mp4");
        self.spool.join(format!("{id}.{end}"))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
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
        assert_eq!(file, dir.path().join(format!("spool/{}.mov", draft.id)));
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
        drafts.forget(&queued).unwrap();
        let (orphan, orphan_file) = begin();
        drafts.forget(&orphan).unwrap();
        let foreign = dir.path().join("spool/mine.mp4");
        fs::write(&foreign, "abc").unwrap();
        let named = HashSet::from([queued]);
        let there = || [&old_file, &queued_file, &orphan_file].map(|file| file.exists());
        let now = Timestamp::now();
        let sweep = |days: i64| {
            let now = now + SignedDuration::from_hours(24 * days);
            drafts.sweep(|| Ok::<_, FsError>(named.clone()), now).unwrap();
        };
        sweep(29);
        assert_eq!(there(), [true; 3]);
        sweep(31);
        assert_eq!(there(), [false, true, false]);
        assert!(foreign.exists() && drafts.find(&old).unwrap().is_none());
    }

    #[test]
    fn a_draft_that_cannot_be_read_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(dir.path()).unwrap();
        let url = DraftSource::Url { url: "https://a.example/v.mp4".into() };
        let draft = drafts.begin("a".into(), url, Timestamp::UNIX_EPOCH).unwrap();
        fs::create_dir(drafts.path("web-0123456789abcdef")).unwrap();
        let (all, unread) = drafts.all();
        assert_eq!((all, unread.len()), (vec![draft], 1));
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
