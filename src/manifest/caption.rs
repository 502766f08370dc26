//! The words of a post: description and tags made into a caption, measured as TikTok measures.

use thiserror::Error;

/// The words of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caption {
    /// Photos only: `title` of `post_info`, at most [`PHOTO_TITLE_LIMIT`] UTF-16 units.
    pub title: Option<String>,
    /// Description and tags. A video's `title` in `post_info`, at most [`VIDEO_LIMIT`] UTF-16
    /// units; photos' `description`, at most [`PHOTO_LIMIT`]. Empty when there are none.
    pub text: String,
}

impl Caption {
    /// Whether there are no words at all.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.title.as_ref().is_none_or(String::is_empty)
    }
}

/// The longest caption of a video, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>
pub const VIDEO_LIMIT: usize = 2200;

/// The longest title of photos, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
pub const PHOTO_TITLE_LIMIT: usize = 90;

/// The longest description of photos, tags included, in UTF-16 units.
///
/// <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>
pub const PHOTO_LIMIT: usize = 4000;

/// Why a text cannot be a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TagError {
    /// Nothing is left without the leading `#`.
    #[error("a tag cannot be empty")]
    Empty,
    /// TikTok ends a tag at the first space or line break.
    #[error("a tag cannot contain white space")]
    Space,
    /// TikTok knows tags by the white space around them, so two run together would be none.
    #[error("a tag cannot contain `#` after its beginning")]
    Hash,
}

/// Length as TikTok counts it: in UTF-16 code units, so that most emoji count two.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A tag with exactly one leading `#`, whether it was written with none, one or several.
pub fn tag(written: &str) -> Result<String, TagError> {
    let bare = written.trim_start_matches('#');
    if bare.is_empty() {
        return Err(TagError::Empty);
    }
    if bare.contains(char::is_whitespace) {
        return Err(TagError::Space);
    }
    if bare.contains('#') {
        return Err(TagError::Hash);
    }
    Ok(format!("#{bare}"))
}

/// The description as it was written, a space, and the tags joined by spaces; without the space
/// when there is only one of the two.
///
/// The tags are those that [`tag`] returned.
pub fn text(description: &str, tags: &[String]) -> String {
    let tags = tags.join(" ");
    match (description.is_empty(), tags.is_empty()) {
        (true, _) => tags,
        (_, true) => description.to_owned(),
        (false, false) => format!("{description} {tags}"),
    }
}
