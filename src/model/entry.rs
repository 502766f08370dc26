//! What a manifest asks for, checked, and where it says so.

use super::diagnostic::Place;
use super::post::Post;
use tiktok_open::Privacy;

/// A manifest without errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    /// The posts, in the file's order.
    pub(crate) entries: Vec<Entry>,
    /// The manifest's own default level, where the command line asks for a wider one.
    pub(crate) widened: Option<Privacy>,
}

/// Where the name of an account comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UserOrigin {
    /// The post, or nothing at all.
    #[default]
    Post,
    /// The manifest's `defaults`.
    Defaults,
    /// `--account`.
    CommandLine,
    /// `[defaults]` of config.toml.
    Config,
}

/// One post of a manifest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Place among the file's posts, counted from 0.
    pub(crate) index: usize,
    /// `user_id`: open id or alias of the account. `None`: neither the post nor a default names one.
    pub(crate) user: Option<String>,
    /// Where the account is named: at the `user_id` of the post or of the manifest's `defaults`, else at the
    /// beginning of the post.
    pub(crate) user_at: Place,
    /// Who names the account.
    pub(crate) user_from: UserOrigin,
    /// Where the post gives its own `id`.
    pub(crate) id_at: Option<Place>,
    /// Where the frame for the cover is named: by the post, or by the manifest's `defaults`.
    pub(crate) cover_at: Option<Place>,
    /// Where the post names its source.
    pub(crate) source_at: Place,
    /// What it asks for.
    pub(crate) post: Post,
    /// What in its words TikTok will hardly show as it was meant, in sentences.
    pub(crate) doubts: Vec<String>,
    /// Which of its own settings its draft goes without, in a sentence.
    pub(crate) left_to_app: Option<String>,
}
