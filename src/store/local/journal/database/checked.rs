//! When the database was last read from end to end, and which file it was when it was last left: as long as
//! it is that file, it is not read from end to end each time.
//!
//! Any other state of it is read in full: after a crash or a loss of power, which leave it as nobody noted it,
//! and after any change that came from outside. So is one that was not for a day, as disks lose bits too.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::fs::{FsError, overwrite, read_private, step};
use crate::model::FileIdentity;

/// How long a look at everything counts.
const COUNTS: Duration = Duration::from_hours(24);

/// What was noted when the last process that had the database open left it.
///
/// A line `checked` with milliseconds since 1970 and a line `file` with the [`FileIdentity`]'s five numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastCheck {
    /// When the whole database was last read and found sound.
    pub(super) at: Timestamp,
    /// Which file it was when it was left.
    pub(super) file: FileIdentity,
}

impl LastCheck {
    /// The note under a path. One that is missing, or is none, tells nothing.
    pub(super) fn read(path: &Path) -> Option<Self> {
        Self::parse(std::str::from_utf8(&read_private(path).ok().flatten()?).ok()?)
    }

    /// Whether the database is still the one that was left, and was read from end to end not long ago.
    pub(super) fn counts(&self, found: Option<FileIdentity>, now: Timestamp) -> bool {
        let age = now.duration_since(self.at);
        found == Some(self.file)
            && !age.is_negative()
            && age < SignedDuration::try_from(COUNTS).unwrap_or(SignedDuration::ZERO)
    }

    /// Notes it, in place and without a sync: of a note that is torn or lost nothing is taken, and what it told
    /// is found out again.
    pub(super) fn write(&self, path: &Path) -> Result<(), FsError> {
        overwrite(path, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let FileIdentity { device, inode, size, mtime, ctime } = self.file;
        let at = self.at.as_millisecond();
        format!("checked {at}\nfile {device} {inode} {size} {mtime} {ctime}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        // A line that was cut off is no line.
        let (at, file) = text.strip_suffix('\n')?.split_once('\n')?;
        let at = Timestamp::from_millisecond(at.strip_prefix("checked ")?.parse().ok()?).ok()?;
        let mut numbers = file.strip_prefix("file ")?.split(' ');
        let mut number = || numbers.next();
        let file = FileIdentity {
            device: number()?.parse().ok()?,
            inode: number()?.parse().ok()?,
            size: number()?.parse().ok()?,
            mtime: number()?.parse().ok()?,
            ctime: number()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(Self { at, file })
    }
}

/// The file of the database, which is not opened: see [`super::dir::JournalDir::look`].
pub(super) fn file_of(path: &Path) -> Option<FileIdentity> {
    let found = step("examine", path, || fs::symlink_metadata(path)).ok()?;
    Some(FileIdentity::of(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileIdentity =
        FileIdentity { device: 1, inode: 2, size: 3, mtime: -4, ctime: 5_000_000_000_000_000_000 };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_note_comes_back() {
        let note = LastCheck { at: at("2026-11-26T10:00:00.123Z"), file: FILE };
        assert_eq!(LastCheck::parse(&note.text()), Some(note));
    }

    #[test]
    fn a_note_that_was_cut_off_tells_nothing() {
        let text = LastCheck { at: at("2026-11-26T10:00:00Z"), file: FILE }.text();
        for end in 0..text.len() {
            assert_eq!(LastCheck::parse(&text[..end]), None, "{:?}", &text[..end]);
        }
        assert_eq!(LastCheck::parse(&format!("{text}more\n")), None);
    }

    #[test]
    fn it_counts_for_a_day_and_for_that_file_alone() {
        let note = LastCheck { at: at("2026-11-26T10:00:00Z"), file: FILE };
        let counts = |file, now| note.counts(file, at(now));
        assert!(counts(Some(FILE), "2026-11-26T10:00:00Z"));
        assert!(counts(Some(FILE), "2026-11-27T09:59:59Z"));
        assert!(!counts(Some(FILE), "2026-11-27T10:00:00Z"));
        assert!(!counts(Some(FILE), "2026-11-26T09:59:59Z"), "the clock went back");
        assert!(!counts(None, "2026-11-26T10:00:01Z"));
        for other in [
            FileIdentity { inode: 9, ..FILE },
            FileIdentity { size: 9, ..FILE },
            FileIdentity { mtime: 9, ..FILE },
            FileIdentity { ctime: 9, ..FILE },
        ] {
            assert!(!counts(Some(other), "2026-11-26T10:00:01Z"), "{other:?}");
        }
    }
}
