//! Whether somebody still writes a local file.
//!
//! A fragmented recording is a whole video at every fragment, so its content does not tell whether it is
//! finished. On Linux the system tells who has a file open for writing ([`sys::writers`]), and a finished
//! file is taken at once. Where that cannot be told, a file that was changed just now is watched until it
//! has been still for a while.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::{Version, Video, VideoError};
use crate::model::{FileIdentity, Unfinished};
use crate::resources::Shortage;
use crate::signals::{Shutdown, Signal};
use crate::sys::{self, Writers};
use crate::timing::Timing;

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

/// Why nothing is said of the files.
#[derive(Debug)]
pub(crate) enum WatchError {
    /// The system gives no descriptor, or no memory, to look at one of them.
    Shortage(Shortage),
    /// A signal came while they were watched.
    Interrupted(Signal),
}

/// A look at the files of a run: which of them are still being written, as far as that shows at once.
#[derive(Debug, Default)]
pub(crate) struct FileWatch {
    open: Vec<PathBuf>,
    /// Of these only time tells.
    recent: Vec<Watched>,
}

impl FileWatch {
    /// Looks at some files. Those that cannot be opened for a reason of their own are left to those who
    /// need them.
    pub(crate) async fn begin(
        paths: impl IntoIterator<Item = PathBuf>,
        timing: &Timing,
    ) -> Result<Self, Shortage> {
        let mut open = Vec::new();
        let mut recent: HashMap<PathBuf, Watched> = HashMap::new();
        for path in paths {
            let opened = Video::open_within(&path, timing.stall).await;
            if matches!(opened, Err(VideoError::Stalled { .. })) {
                // The same would come of those beside it, each after as long.
                break;
            }
            let Some(video) = found(opened)? else { continue };
            let Version::File(identity) = video.version();
            match look(writers(&video), &identity, SystemTime::now(), timing.recent) {
                WriteState::Finished => {}
                WriteState::Open => open.push(video),
                WriteState::Recent(ago) => {
                    let now = Instant::now();
                    let changed = now.checked_sub(ago).unwrap_or(now);
                    recent.insert(path.clone(), Watched { path, identity, changed });
                }
            }
        }
        let open = stay_open(open).await.into_iter();
        let open = open.map(|video| video.path().to_owned()).collect();
        Ok(Self { open, recent: recent.into_values().collect() })
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
    ) -> Result<UnfinishedFiles, WatchError> {
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

/// A file, if it can be opened; an error if no file could be.
fn found(opened: Result<Video, VideoError>) -> Result<Option<Video>, Shortage> {
    match opened {
        Ok(video) => Ok(Some(video)),
        Err(VideoError::Io { source, .. }) => Shortage::in_error(&source).map_or(Ok(None), Err),
        Err(_) => Ok(None),
    }
}

/// Whether somebody has it open for writing; nobody has what is no local file.
fn writers(video: &Video) -> Writers {
    video.file().map_or(Writers::None, sys::writers)
}

/// An error if somebody has it open for writing.
pub(crate) async fn check_finished(video: &Video) -> Result<(), VideoError> {
    if stay_open(vec![video.clone()]).await.is_empty() {
        return Ok(());
    }
    let (path, how) = (video.path().to_owned(), Unfinished::OpenElsewhere);
    Err(VideoError::Unfinished { path, how })
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
        videos.retain(|video| writers(video) == Writers::Some);
        if videos.is_empty() {
            break;
        }
        sleep(PAUSE).await;
    }
    videos.retain(|video| writers(video) == Writers::Some);
    videos
}

/// Watches files until each has been still for long enough; those that never were come back.
async fn watch(
    mut files: Vec<Watched>,
    timing: &Timing,
    shutdown: &Shutdown,
) -> Result<Vec<PathBuf>, WatchError> {
    let deadline = Instant::now() + timing.watch_limit;
    loop {
        files.retain(|file| file.changed.elapsed() < timing.still);
        if files.is_empty() || Instant::now() >= deadline {
            return Ok(files.into_iter().map(|file| file.path).collect());
        }
        tokio::select! {
            () = sleep(LOOK.min(timing.still / 4)) => {}
            signal = shutdown.requested() => return Err(WatchError::Interrupted(signal)),
        }
        for file in &mut files {
            // Opened anew each time: only then does a network file system ask its server.
            let video = found(Video::open_within(&file.path, timing.stall).await)
                .map_err(WatchError::Shortage)?;
            if let Some(Version::File(identity)) = video.map(|video| video.version())
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
    use std::io::Write as _;
    use std::path::Path;

    use super::super::{VideoFile, VideoSource as _};
    use super::*;

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
        let Version::File(identity) = VideoFile::open(path).unwrap().version();
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
