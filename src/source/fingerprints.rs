//! Fingerprints that were taken before: a file that waits for its time is read once, and not by every run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Fingerprint, Version, Video, VideoError};
use crate::model::FileIdentity;

/// Fingerprints of files by what each file must keep to be the same.
///
/// Whoever keeps them from run to run may lose or change them: what is decided for good, such as whether a
/// post that is due was made already, is decided by a file that is read.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints(Mutex<BTreeMap<String, Known>>);

#[derive(Debug)]
struct Known {
    hex: String,
    /// Whether this run had a use for it.
    used: bool,
}

impl Fingerprints {
    /// Those that an earlier run had a use for.
    pub(crate) fn new(kept: BTreeMap<String, String>) -> Self {
        let known = |(file, hex)| (file, Known { hex, used: false });
        Self(Mutex::new(kept.into_iter().map(known).collect()))
    }

    /// That of an unchanged file, if it is known. Reads nothing.
    pub(crate) fn known(&self, file: &FileIdentity) -> Option<String> {
        let mut all = self.all();
        let known = all.get_mut(&key(file))?;
        known.used = true;
        Some(known.hex.clone())
    }

    /// That of a whole video, read only if it is not known; an error as of [`Fingerprint::of`].
    pub(crate) async fn of(&self, video: &Video, stall: Duration) -> Result<String, VideoError> {
        let Version::File(file) = video.version();
        if let Some(hex) = self.known(&file) {
            return Ok(hex);
        }
        let hex = Fingerprint::of(video, stall).await?;
        self.all().insert(key(&file), Known { hex: hex.clone(), used: true });
        Ok(hex)
    }

    /// Those that this run had a use for, to be kept for the next one.
    pub(crate) fn used(&self) -> BTreeMap<String, String> {
        let all = self.all();
        let used = all.iter().filter(|(_, known)| known.used);
        used.map(|(file, known)| (file.clone(), known.hex.clone())).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(file: &FileIdentity) -> String {
    let FileIdentity { device, inode, size, mtime, ctime } = *file;
    format!("{device}:{inode}:{size}:{mtime}:{ctime}")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const STALL: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_file_is_read_once_and_again_when_it_is_another_one() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one").unwrap();
        let open = async || Video::open(file.path()).await.unwrap();
        let Version::File(identity) = open().await.version();
        // Wrong on purpose, so that it shows which of them is taken.
        let kept = BTreeMap::from([(key(&identity), "kept".to_owned()), ("x".into(), "y".into())]);
        let fingerprints = Fingerprints::new(kept);
        assert_eq!(fingerprints.of(&open().await, STALL).await.unwrap(), "kept");
        assert_eq!(fingerprints.used(), BTreeMap::from([(key(&identity), "kept".to_owned())]));
        std::fs::write(file.path(), b"other").unwrap();
        let Version::File(other) = open().await.version();
        assert_eq!(fingerprints.known(&other), None);
        let read = fingerprints.of(&open().await, STALL).await.unwrap();
        assert_eq!(read, blake3::hash(b"other").to_hex().to_string());
        assert_eq!(fingerprints.known(&other), Some(read));
    }
}
