//! What earlier runs began for an account, and which entries of a manifest speak of it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::engine::post::PreparedPost;
use crate::model::{FileIdentity, Location, RecordedPost};
use crate::source::Version;

/// The posts that earlier runs began, found by what an entry has: however many there are of both, each entry
/// costs a look.
#[derive(Debug, Default)]
pub(super) struct BegunPosts {
    rows: Vec<RecordedPost>,
    /// Places in `rows`, here and below.
    by_id: HashMap<String, Vec<usize>>,
    by_path: HashMap<PathBuf, Vec<usize>>,
    by_file: HashMap<FileKey, Vec<usize>>,
    by_label: HashMap<String, Vec<usize>>,
}

impl BegunPosts {
    pub(super) fn new(rows: Vec<RecordedPost>) -> Self {
        let mut begun = Self::default();
        for (at, row) in rows.iter().enumerate() {
            if let Some(id) = &row.id {
                begun.by_id.entry(id.clone()).or_default().push(at);
            }
            if let Some(file) = &row.file {
                begun.by_path.entry(file.path.clone()).or_default().push(at);
                begun.by_file.entry(key_of(&file.identity)).or_default().push(at);
            }
            begun.by_label.entry(row.label.clone()).or_default().push(at);
        }
        Self { rows, ..begun }
    }

    /// Whether an entry speaks of one of them, as far as can be told without reading a file.
    pub(super) fn has(&self, post: &PreparedPost) -> bool {
        self.named_by(post).next().is_some()
    }

    /// Those of which none of the entries speaks.
    pub(super) fn others(&self, posts: &[PreparedPost]) -> Vec<&RecordedPost> {
        let named: HashSet<_> = posts.iter().flat_map(|post| self.named_by(post)).collect();
        let rows = self.rows.iter().enumerate();
        rows.filter(|(at, _)| !named.contains(at)).map(|(_, row)| row).collect()
    }

    fn named_by<'a>(&'a self, post: &'a PreparedPost) -> impl Iterator<Item = usize> + 'a {
        // Most runs have begun nothing.
        let path = post.asked.source.file().filter(|_| !self.rows.is_empty());
        let path = path.map(Location::recorded);
        let by_id = post.asked.id.as_ref().and_then(|id| self.by_id.get(id));
        let by_path = path.as_ref().and_then(|path| self.by_path.get(path));
        let by_file = path.as_ref().and_then(|_| self.by_file.get(&file_of(post)?));
        let by_label = self.by_label.get(&post.post_ref.video);
        let found = [by_id, by_path, by_file, by_label].into_iter().flatten().flatten().copied();
        found.filter(move |at| {
            self.rows.get(*at).is_some_and(|row| names(post, path.as_deref(), row))
        })
    }
}

/// Device, inode, size and time of the last change: what a file keeps that is moved.
type FileKey = (u64, u64, u64, i128);

fn key_of(file: &FileIdentity) -> FileKey {
    (file.device, file.inode, file.size, file.mtime)
}

/// The same of an entry's file, if that was looked at.
fn file_of(post: &PreparedPost) -> Option<FileKey> {
    let Version::File(identity) = post.version()?;
    Some(key_of(&identity))
}

/// Whether an entry, of a file with this absolute path or of none, speaks of a post.
fn names(post: &PreparedPost, path: Option<&Path>, row: &RecordedPost) -> bool {
    if post.asked.id.is_some() && row.id.is_some() {
        return post.asked.id == row.id;
    }
    match (path, &row.file) {
        // The same file may lie elsewhere by now.
        (Some(path), Some(file)) => {
            path == file.path || file_of(post) == Some(key_of(&file.identity))
        }
        _ => row.label == post.post_ref.video,
    }
}
