//! Whether a file is still being written: a recording, an export, a copy under way.
//!
//! A fragmented recording is a whole video at every fragment, so its content tells nothing. On Linux
//! the system tells who has it open for writing ([`sys::writers`]), and a finished file is taken at
//! once. Where that cannot be told, a file that was changed just now is watched until it has been
//! still for a while.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use crate::model::{FileIdentity, Unfinished};
use crate::signals::{Shutdown, Signal};
use crate::sys::{self, Writers};
use crate::timing::Timing;
use crate::upload::video::{Video, VideoError};

/// How often a watched file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often a file is asked about that somebody has open for writing, and the pause in between: a
/// process that is just being started holds what its parent had open for a moment.
const ASKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Files that are still being written, each with how that shows.
pub type UnfinishedFiles = HashMap<PathBuf, Unfinished>;

/// What one look at a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// It is finished, as far as anybody can tell.
    Finished,
    /// Somebody has it open for writing.
    Open,
    /// It was changed so long ago, and nobody can tell whether it is finished.
    Recent(Duration),
}

/// A file under watch.
struct Watched {
    path: PathBuf,
    identity: FileIdentity,
    /// When it was last seen to have changed.
    changed: Instant,
}

/// Finds the files that are still being written; waits where only time tells. Files that cannot be
/// opened are left to those who need them.
pub async fn unfinished_files(
    paths: impl IntoIterator<Item = PathBuf>,
    timing: &Timing,
    shutdown: &Shutdown,
    watching: impl FnOnce(usize),
) -> Result<UnfinishedFiles, Signal> {
    let mut open = Vec::new();
    let mut watched: HashMap<PathBuf, Watched> = HashMap::new();
    for path in paths {
        let Ok(video) = Video::open(&path) else { continue };
        match look(video.writers(), &video.identity(), SystemTime::now(), timing.recent) {
            Look::Finished => {}
            Look::Open => open.push(video),
            Look::Recent(ago) => {
                let now = Instant::now();
                let changed = now.checked_sub(ago).unwrap_or(now);
                let identity = video.identity();
                watched.insert(path.clone(), Watched { path, identity, changed });
            }
        }
    }
    let how = Unfinished::OpenElsewhere;
    let open = stay_open(open).await.into_iter();
    let mut unfinished: UnfinishedFiles =
        open.map(|video| (video.path().to_owned(), how)).collect();
    if !watched.is_empty() {
        watching(watched.len());
        let moving = watch(watched.into_values().collect(), timing, shutdown).await?;
        unfinished.extend(moving.into_iter().map(|path| (path, Unfinished::Changing)));
    }
    Ok(unfinished)
}

/// Judges by who writes it or, where that is unknown, by when it was last changed.
fn look(writers: Writers, file: &FileIdentity, now: SystemTime, recent: Duration) -> Look {
    match writers {
        Writers::None => Look::Finished,
        Writers::Some => Look::Open,
        Writers::Unknown => {
            let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let ago = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - file.mtime;
            // A time ahead of ours is that of a file server with another clock: it may be just now.
            let ago = Duration::from_nanos(u64::try_from(ago).unwrap_or_default());
            if ago < recent { Look::Recent(ago) } else { Look::Finished }
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

impl Video {
    /// Whether somebody has it open for writing.
    pub fn writers(&self) -> Writers {
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

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;
    use std::path::Path;

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
        assert_eq!(judged(Writers::None), Look::Finished);
        assert_eq!(judged(Writers::Some), Look::Open);
    }

    #[test]
    fn else_its_last_change_does() {
        let now = SystemTime::now();
        let ago = |ago| look(Writers::Unknown, &changed_at(now - ago), now, RECENT);
        assert_eq!(ago(RECENT), Look::Finished);
        assert_eq!(ago(Duration::from_secs(5)), Look::Recent(Duration::from_secs(5)));
        let ahead = look(Writers::Unknown, &changed_at(now + RECENT), now, RECENT);
        assert_eq!(ahead, Look::Recent(Duration::ZERO));
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
