//! What a manifest asks for, checked, and where it says so.

use super::diagnostic::Place;
use super::post::Post;
use tiktok_open::Privacy;

/// A manifest without errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The posts, in the file's order.
    pub entries: Vec<Entry>,
    /// The manifest's own default level, where the command line asks for a wider one.
    pub widened: Option<Privacy>,
}

/// One post of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place among the file's posts, counted from 0.
    pub index: usize,
    /// `user_id`: open id or alias of the account. `None`: neither the post nor a default names one.
    pub user: Option<String>,
    /// Where the post speaks of its account: at its `user_id`, else at its beginning.
    pub user_at: Place,
    /// Where the post names its source.
    pub source_at: Place,
    /// What it asks for.
    pub post: Post,
}
