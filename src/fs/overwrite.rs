//! Small notes that may be torn or lost: what they tell is found out again, or was no more than a help.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::{FsError, PRIVATE_FILE, step};

/// Writes a private file in place and without a sync: no other file is made for it, which some file systems take
/// a millisecond for. After a loss of power it may hold the text before, or a part of this one.
pub(crate) fn overwrite(path: &Path, text: &[u8]) -> Result<(), FsError> {
    step("write", path, || {
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(PRIVATE_FILE).custom_flags(no_link);
        let mut file = options.open(path)?;
        file.write_all(text)?;
        file.set_len(text.len() as u64)
    })
}
