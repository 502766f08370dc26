//! A local video: opened once, its identity, its bytes by position, its fingerprint, and whether somebody
//! still writes it.
//!
//! A fragmented recording is a whole video at every fragment, so its content does not tell whether it is
//! finished. On Linux the system tells who has a file open for writing ([`sys::writers`]), and a finished
//! file is taken at once. Where that cannot be told, a file that was changed just now is watched until it
//! has been still for a while.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use crate::fault;
use crate::model::{FileIdentity, Unfinished};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::signals::{Shutdown, Signal};
use crate::sys::{self, Writers};
use crate::timing::Timing;

/// Bytes that one read asks for. Small reads are many times slower.
pub(super) const READ: usize = 1 << 20;

/// An open video. Clones share the descriptor.
#[derive(Clone, Debug)]
pub(crate) struct Video {
    file: Arc<File>,
    path: PathBuf,
    identity: FileIdentity,
}

/// A file that cannot be sent, or not any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VideoError {
    /// Opening or reading failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory, a FIFO, a device.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// Which file.
        path: PathBuf,
    },
    /// The file is not the one that was looked at before the run began to send.
    #[error("{} changed after it was checked", path.display())]
    Unchecked {
        /// Which file.
        path: PathBuf,
    },
    /// It is still being written: a recording, an export or a copy under way.
    #[error("{} is still being written: {how}", path.display())]
    Unfinished {
        /// Which file.
        path: PathBuf,
        /// How that shows.
        how: Unfinished,
    },
    /// The open file is not what it was when it was planned.
    #[error("{} changed while it was being uploaded", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
}

impl Coded for VideoError {
    fn problem(&self) -> Problem {
        Problem::new(match self {
            Self::Unchecked { .. } => ErrorCode::FileChangedSince,
            Self::Unfinished { .. } => ErrorCode::FileUnfinished,
            Self::Changed { .. } => ErrorCode::FileChanged,
            Self::Io { .. } | Self::NotRegular { .. } => ErrorCode::VideoUnreadable,
        })
    }
}

impl VideoError {
    /// Whether the file does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Video {
    /// Opens a regular file for reading.
    pub(crate) fn open(path: &Path) -> Result<Self, VideoError> {
        let failed = |source| VideoError::Io { path: path.to_owned(), source };
        fault::point("video: open").map_err(failed)?;
        // Without O_NONBLOCK the open of a FIFO would wait for a writer.
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file =
            OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(failed)?;
        fault::point("video: examine").map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(VideoError::NotRegular { path: path.to_owned() });
        }
        let identity = FileIdentity::of(&metadata);
        Ok(Self { file: Arc::new(file), path: path.to_owned(), identity })
    }

    /// The identity at the time of opening.
    pub(crate) fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Size in bytes at the time of opening.
    pub(crate) fn size(&self) -> u64 {
        self.identity.size
    }

    /// Where it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, for probing.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Asks the descriptor whether the file is still the one that was opened.
    ///
    /// A file whose last name was taken away meanwhile (deleted, or replaced by a rename) is still the
    /// one that was opened, although that moved its `ctime`.
    pub(crate) fn check_unchanged(&self) -> Result<(), VideoError> {
        fault::point("video: check").map_err(|e| self.failed(e))?;
        let metadata = self.file.metadata().map_err(|e| self.failed(e))?;
        let now = FileIdentity::of(&metadata);
        let unlinked = metadata.nlink() == 0;
        if now == self.identity
            || (unlinked && FileIdentity { ctime: self.identity.ctime, ..now } == self.identity)
        {
            Ok(())
        } else {
            Err(VideoError::Changed { path: self.path.clone() })
        }
    }

    /// Fills `buffer` from `position`; an early end means that the file changed.
    pub(crate) fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<(), VideoError> {
        fault::point("video: read").map_err(|e| self.failed(e))?;
        self.file.read_exact_at(buffer, position).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => VideoError::Changed { path: self.path.clone() },
            _ => self.failed(e),
        })
    }

    pub(super) fn failed(&self, source: io::Error) -> VideoError {
        VideoError::Io { path: self.path.clone(), source }
    }

    /// Whether somebody has it open for writing.
    pub(crate) fn writers(&self) -> Writers {
        sys::writers(self.file())
    }

    /// An error if somebody has it open for writing.
    pub(super) async fn check_finished(&self) -> Result<(), VideoError> {
        if stay_open(vec![self.clone()]).await.is_empty() {
            return Ok(());
        }
        let (path, how) = (self.path().to_owned(), Unfinished::OpenElsewhere);
        Err(VideoError::Unfinished { path, how })
    }
}

/// The fingerprint of a video in the making: BLAKE3 of its first bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprint {
    hasher: blake3::Hasher,
    covered: u64,
}

impl Fingerprint {
    /// Reads on to `end`. Blocks; meant for a blocking thread.
    fn extend(mut self, video: &Video, end: u64) -> Result<Self, VideoError> {
        let mut buffer = vec![0; READ];
        while self.covered < end {
            let want = usize::try_from(end - self.covered).map_or(READ, |left| left.min(READ));
            let block = &mut buffer[..want];
            video.read_at(block, self.covered)?;
            self.hasher.update(block);
            self.covered += want as u64;
        }
        Ok(self)
    }

    /// Reads on to `end` in a blocking thread, if there is anything left to read.
    pub(super) async fn reach(self, video: &Video, end: u64) -> Result<Self, VideoError> {
        if self.covered >= end {
            return Ok(self);
        }
        let (video, path) = (video.clone(), video.path().to_owned());
        tokio::task::spawn_blocking(move || self.extend(&video, end)).await.unwrap_or_else(|_| {
            Err(VideoError::Io { path, source: io::Error::other("the hashing thread ended") })
        })
    }

    /// The fingerprint in lowercase hex.
    pub(super) fn hex(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

/// How often a watched file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often a file is asked about that somebody has open for writing, and the pause in between: a
/// process that is just being started holds what its parent had open for a moment.
const ASKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Files that are still being written, each with how that shows.
pub(crate) type UnfinishedFiles = HashMap<PathBuf, Unfinished>;

/// Whether a file is being written, as one look at it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteState {
    /// It is finished, as far as anybody can tell.
    Finished,
    /// Somebody has it open for writing.
    Open,
    /// It was changed so long ago, and nobody can tell whether it is finished.
    Recent(Duration),
}

/// A file under watch.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    identity: FileIdentity,
    /// When it was last seen to have changed.
    changed: Instant,
}

/// A look at the files of a run: which of them are still being written, as far as that shows at once.
#[derive(Debug, Default)]
pub(crate) struct FileWatch {
    open: Vec<PathBuf>,
    /// Of these only time tells.
    recent: Vec<Watched>,
}

impl FileWatch {
    /// Looks at some files. Those that cannot be opened are left to those who need them.
    pub(crate) async fn begin(paths: impl IntoIterator<Item = PathBuf>, timing: &Timing) -> Self {
        let mut open = Vec::new();
        let mut recent: HashMap<PathBuf, Watched> = HashMap::new();
        for path in paths {
            let Ok(video) = Video::open(&path) else { continue };
            match look(video.writers(), &video.identity(), SystemTime::now(), timing.recent) {
                WriteState::Finished => {}
                WriteState::Open => open.push(video),
                WriteState::Recent(ago) => {
                    let now = Instant::now();
                    let changed = now.checked_sub(ago).unwrap_or(now);
                    let identity = video.identity();
                    recent.insert(path.clone(), Watched { path, identity, changed });
                }
            }
        }
        let open = stay_open(open).await.into_iter();
        let open = open.map(|video| video.path().to_owned()).collect();
        Self { open, recent: recent.into_values().collect() }
    }

    /// How many files were changed just now, so that [`FileWatch::end`] has to watch them.
    pub(crate) fn recent(&self) -> usize {
        self.recent.len()
    }

    /// The files that are still being written; waits where only time tells, unless a signal comes.
    pub(crate) async fn end(
        self,
        timing: &Timing,
        shutdown: &Shutdown,
    ) -> Result<UnfinishedFiles, Signal> {
        let Self { open, recent } = self;
        let open = open.into_iter().map(|path| (path, Unfinished::OpenElsewhere));
        let mut unfinished: UnfinishedFiles = open.collect();
        if !recent.is_empty() {
            let moving = watch(recent, timing, shutdown).await?;
            unfinished.extend(moving.into_iter().map(|path| (path, Unfinished::Changing)));
        }
        Ok(unfinished)
    }
}

/// Judges by who writes it or, where that is unknown, by when it was last changed.
fn look(writers: Writers, file: &FileIdentity, now: SystemTime, recent: Duration) -> WriteState {
    match writers {
        Writers::None => WriteState::Finished,
        Writers::Some => WriteState::Open,
        Writers::Unknown => {
            let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let ago = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - file.mtime;
            // A time ahead of ours is that of a file server with another clock: it may be just now.
            let ago = Duration::from_nanos(u64::try_from(ago).unwrap_or_default());
            if ago < recent { WriteState::Recent(ago) } else { WriteState::Finished }
        }
    }
}

/// Those of some files that somebody has open for writing for more than a moment.
async fn stay_open(mut videos: Vec<Video>) -> Vec<Video> {
    for _ in 1..ASKS {
        videos.retain(|video| video.writers() == Writers::Some);
        if videos.is_empty() {
            break;
        }
        sleep(PAUSE).await;
    }
    videos.retain(|video| video.writers() == Writers::Some);
    videos
}

/// Watches files until each has been still for long enough; those that never were come back.
async fn watch(
    mut files: Vec<Watched>,
    timing: &Timing,
    shutdown: &Shutdown,
) -> Result<Vec<PathBuf>, Signal> {
    let deadline = Instant::now() + timing.watch_limit;
    loop {
        files.retain(|file| file.changed.elapsed() < timing.still);
        if files.is_empty() || Instant::now() >= deadline {
            return Ok(files.into_iter().map(|file| file.path).collect());
        }
        tokio::select! {
            () = sleep(LOOK.min(timing.still / 4)) => {}
            signal = shutdown.requested() => return Err(signal),
        }
        for file in &mut files {
            // Opened anew each time: only then does a network file system ask its server.
            let found = Video::open(&file.path).map(|video| video.identity());
            if let Ok(identity) = found
                && identity != file.identity
            {
                file.identity = identity;
                file.changed = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::Path;

    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_fingerprint_in_steps_is_that_of_the_whole() {
        let content: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let file = file(&content);
        let video = Video::open(file.path()).unwrap();
        let steps = [1, 5, 2_000_000, 3_000_000]
            .iter()
            .fold(Fingerprint::default(), |f, end| f.extend(&video, *end).unwrap());
        assert_eq!(steps.hex(), blake3::hash(&content).to_hex().to_string());
    }

    #[test]
    fn t26_only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Video::open(folder.path()), Err(VideoError::NotRegular { .. })));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert!(matches!(Video::open(&fifo), Err(VideoError::NotRegular { .. })));
        assert!(Video::open(&folder.path().join("none")).unwrap_err().is_missing());
        assert!(matches!(Video::open(Path::new("/dev/null")), Err(VideoError::NotRegular { .. })));
    }

    #[test]
    fn a_rewrite_is_noticed_even_with_size_and_mtime_kept() {
        let mut file = file(b"0123456789");
        let video = Video::open(file.path()).unwrap();
        video.check_unchanged().unwrap();
        let before = file.as_file().metadata().unwrap().modified().unwrap();
        // Coarse clocks stamp in ticks: write until the tick has moved.
        while video.check_unchanged().is_ok() {
            file.as_file().write_all_at(b"x", 3).unwrap();
            file.as_file_mut().set_modified(before).unwrap();
        }
        assert_eq!(file.as_file().metadata().unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_file_that_lost_its_name_is_still_the_same_until_it_is_written() {
        let mut file = file(b"0123456789");
        let video = Video::open(file.path()).unwrap();
        std::fs::remove_file(file.path()).unwrap();
        video.check_unchanged().unwrap();
        while video.check_unchanged().is_ok() {
            file.as_file_mut().write_all(b"x").unwrap();
        }
    }

    #[test]
    fn a_shorter_file_is_a_changed_file() {
        let file = file(&[7; 100]);
        let video = Video::open(file.path()).unwrap();
        file.as_file().set_len(50).unwrap();
        assert!(matches!(video.read_at(&mut [0; 100], 0), Err(VideoError::Changed { .. })));
    }

    const RECENT: Duration = Duration::from_secs(30);

    fn changed_at(mtime: SystemTime) -> FileIdentity {
        let since = mtime.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let mtime = i128::try_from(since.as_nanos()).unwrap();
        FileIdentity { device: 1, inode: 1, size: 1, mtime, ctime: mtime }
    }

    #[test]
    fn who_writes_it_decides_where_that_is_known() {
        let now = SystemTime::now();
        let judged = |writers| look(writers, &changed_at(now), now, RECENT);
        assert_eq!(judged(Writers::None), WriteState::Finished);
        assert_eq!(judged(Writers::Some), WriteState::Open);
    }

    #[test]
    fn else_its_last_change_does() {
        let now = SystemTime::now();
        let ago = |ago| look(Writers::Unknown, &changed_at(now - ago), now, RECENT);
        assert_eq!(ago(RECENT), WriteState::Finished);
        assert_eq!(ago(Duration::from_secs(5)), WriteState::Recent(Duration::from_secs(5)));
        let ahead = look(Writers::Unknown, &changed_at(now + RECENT), now, RECENT);
        assert_eq!(ahead, WriteState::Recent(Duration::ZERO));
    }

    fn watched(path: &Path) -> Watched {
        let identity = Video::open(path).unwrap().identity();
        Watched { path: path.to_owned(), identity, changed: Instant::now() }
    }

    #[tokio::test]
    async fn a_watched_file_is_finished_once_it_was_still() {
        let timing = Timing::default().with("still=200ms,watch_limit=60s").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip.mp4");
        fs::write(&path, "x").unwrap();
        let shutdown = Shutdown::listen().unwrap();
        let started = Instant::now();
        let moving = watch(vec![watched(&path)], &timing, &shutdown).await.unwrap();
        assert!(moving.is_empty() && started.elapsed() >= timing.still);
    }

    #[tokio::test]
    async fn a_file_that_never_stops_changing_is_not_waited_for_for_ever() {
        let timing = Timing::default().with("still=10s,watch_limit=100ms").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip.mp4");
        fs::write(&path, "x").unwrap();
        let file = watched(&path);
        let mut writer = OpenOptions::new().append(true).open(&path).unwrap();
        writer.write_all(b"more").unwrap();
        let shutdown = Shutdown::listen().unwrap();
        assert_eq!(watch(vec![file], &timing, &shutdown).await.unwrap(), [path]);
    }
}
