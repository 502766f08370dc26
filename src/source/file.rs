//! A local file as a source: opened once, known by its identity.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use video_probe::ReadAt;

use super::{Version, VideoError, VideoSource};
use crate::fault;
use crate::model::FileIdentity;

/// An open file.
#[derive(Debug)]
pub(crate) struct VideoFile {
    file: File,
    path: PathBuf,
    identity: FileIdentity,
}

impl VideoFile {
    /// Opens a regular file for reading. Blocks.
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
            let (path, is_directory) = (path.to_owned(), metadata.is_dir());
            return Err(VideoError::NotRegular { path, is_directory });
        }
        let identity = FileIdentity::of(&metadata);
        Ok(Self { file, path: path.to_owned(), identity })
    }

    /// The open file, from its start.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

impl ReadAt for VideoFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        ReadAt::read_at(&self.file, buffer, offset)
    }
}

impl VideoSource for VideoFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn size(&self) -> u64 {
        self.identity.size
    }

    fn version(&self) -> Version {
        Version::File(self.identity)
    }

    /// Asks the descriptor.
    ///
    /// A file whose last name was taken away meanwhile (deleted, or replaced by a rename) is still the
    /// one that was opened, although that moved its `ctime`.
    fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = self.file.metadata()?;
        let now = FileIdentity::of(&metadata);
        let unlinked = metadata.nlink() == 0;
        Ok(now == self.identity
            || (unlinked && FileIdentity { ctime: self.identity.ctime, ..now } == self.identity))
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;
    use std::time::Duration;

    use super::super::{Fingerprint, Video};
    use super::*;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            VideoFile::open(folder.path()),
            Err(VideoError::NotRegular { is_directory: true, .. })
        ));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert!(matches!(
            VideoFile::open(&fifo),
            Err(VideoError::NotRegular { is_directory: false, .. })
        ));
        assert!(VideoFile::open(&folder.path().join("none")).unwrap_err().is_missing());
        assert!(matches!(
            VideoFile::open(Path::new("/dev/null")),
            Err(VideoError::NotRegular { .. })
        ));
    }

    #[test]
    fn a_rewrite_is_noticed_even_with_size_and_mtime_kept() {
        let mut file = file(b"0123456789");
        let video = VideoFile::open(file.path()).unwrap();
        assert!(video.is_unchanged().unwrap());
        let before = file.as_file().metadata().unwrap().modified().unwrap();
        // Coarse clocks stamp in ticks: write until the tick has moved.
        while video.is_unchanged().unwrap() {
            file.as_file().write_all_at(b"x", 3).unwrap();
            file.as_file_mut().set_modified(before).unwrap();
        }
        assert_eq!(file.as_file().metadata().unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_file_that_lost_its_name_is_still_the_same_until_it_is_written() {
        let mut file = file(b"0123456789");
        let video = VideoFile::open(file.path()).unwrap();
        std::fs::remove_file(file.path()).unwrap();
        assert!(video.is_unchanged().unwrap());
        while video.is_unchanged().unwrap() {
            file.as_file_mut().write_all(b"x").unwrap();
        }
    }

    #[tokio::test]
    async fn a_shorter_file_is_a_changed_file() {
        let file = file(&[7; 100]);
        let video = Video::open(file.path()).await.unwrap();
        file.as_file().set_len(50).unwrap();
        let read = Fingerprint::default().reach(&video, 100, Duration::from_mins(1)).await;
        assert!(matches!(read, Err(VideoError::Changed { .. })));
    }
}
