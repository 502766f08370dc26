//! Holes: parts of a file that were never written, and read as zeros. A download, a copy or a
//! recording that was cut off leaves them when its file was made in full length beforehand.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::{SeekFrom, seek};
use video_probe::{Container, written_parts};

/// The first part of a file of `len` bytes that was never written where a video's data should be;
/// boxes that players skip may be as empty as they like.
///
/// A file system that does not tell holes has none.
pub(crate) fn first_hole(
    file: &File,
    len: u64,
    container: Container,
) -> io::Result<Option<Range<u64>>> {
    let mut at = 0;
    let mut data: Option<Vec<Range<u64>>> = None;
    while let Some(hole) = next_hole(file, at, len)? {
        let data = data.get_or_insert_with(|| written_parts(file, len, container));
        if data.iter().any(|part| part.start < hole.end && hole.start < part.end) {
            return Ok(Some(hole));
        }
        at = hole.end;
    }
    Ok(None)
}

/// The next hole from `at` on, the end of the file not counted as one.
fn next_hole(file: &File, at: u64, len: u64) -> io::Result<Option<Range<u64>>> {
    if at >= len {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Hole(at)) {
        Ok(start) => start,
        // Not told here, or the file has just become shorter, which is found out elsewhere.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if start >= len {
        return Ok(None);
    }
    let end = match seek(file, SeekFrom::Data(start)) {
        Ok(end) => end.min(len),
        // No data behind it.
        Err(rustix::io::Errno::NXIO) => len,
        Err(error) => return Err(error.into()),
    };
    Ok(Some(start..end.max(start + 1)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// A box of 4 MiB with its first and last MiB written, behind an `ftyp`.
    fn file(kind: [u8; 4]) -> (File, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"\0\0\0\x10ftypisom\0\0\0\0").unwrap();
        file.write_all(&u32::try_from(4 * MIB).unwrap().to_be_bytes()).unwrap();
        file.write_all(&kind).unwrap();
        let full = vec![1; usize::try_from(MIB).unwrap()];
        file.write_all(&full).unwrap();
        let len = 16 + 4 * MIB;
        file.write_all_at(&full, len - MIB).unwrap();
        (file, len)
    }

    #[test]
    fn a_hole_in_the_data_is_found_and_one_in_free_space_is_not() {
        let (data, len) = file(*b"mdat");
        let Some(hole) = first_hole(&data, len, Container::Mp4).unwrap() else {
            // This file system keeps no holes.
            return assert!(next_hole(&data, 0, len).unwrap().is_none());
        };
        assert!(hole.start > MIB && hole.end < 4 * MIB, "{hole:?}");
        let (free, len) = file(*b"free");
        assert_eq!(first_hole(&free, len, Container::Mp4).unwrap(), None);
        assert!(first_hole(&free, len, Container::WebM).unwrap().is_some());
    }

    #[test]
    fn a_whole_file_has_none() {
        let mut whole = tempfile::tempfile().unwrap();
        whole.write_all(&vec![0; 100_000]).unwrap();
        assert_eq!(first_hole(&whole, 100_000, Container::WebM).unwrap(), None);
    }
}
