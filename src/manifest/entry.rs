//! What a manifest asks for, checked: posts, their sources and settings.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::{Caption, Mode};
use crate::tiktok::privacy::Privacy;

/// A place in the manifest's text, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
}

/// A manifest without errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The posts, in the file's order.
    pub entries: Vec<Entry>,
    /// The manifest's own default level, where the command line asks for a wider one.
    pub widened: Option<Privacy>,
}

/// One post as the manifest asks for it, with all defaults applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place among the file's posts, counted from 0.
    pub index: usize,
    /// Where the post speaks of its account: at its `user_id`, else at its beginning.
    pub user_at: Place,
    /// Where the post names its source.
    pub source_at: Place,
    /// `user_id`: open id or alias of the account. `None`: neither the post nor a default names one.
    pub user: Option<String>,
    /// What is posted.
    pub source: Source,
    /// The words that go with it.
    pub caption: Caption,
    /// `mode`.
    pub mode: Mode,
    /// `privacy_level`. `None`: neither the post nor a default says one, so a direct post is
    /// `SELF_ONLY`.
    pub privacy: Option<Privacy>,
    /// `disable_comment`.
    pub disable_comment: Option<bool>,
    /// `disable_duet`; `None` for photos.
    pub disable_duet: Option<bool>,
    /// `disable_stitch`; `None` for photos.
    pub disable_stitch: Option<bool>,
    /// `video_cover_timestamp_ms`: the frame, in milliseconds, that is the cover; `None` for photos.
    pub cover_timestamp_ms: Option<i32>,
    /// `brand_content_toggle`: a paid partnership. Never with an effective `SELF_ONLY`.
    pub brand_content: bool,
    /// `brand_organic_toggle`: the creator's own business.
    pub brand_organic: bool,
    /// `is_aigc`: made by an AI.
    pub is_aigc: Option<bool>,
    /// `auto_add_music`; `None` for videos.
    pub auto_add_music: Option<bool>,
    /// `publish_at`: not to be posted before.
    pub publish_at: Option<Timestamp>,
    /// `id`: the user's own identity for the post; no other post of that account in the file has it.
    pub id: Option<String>,
}

impl Entry {
    /// Whether the caption will not reach TikTok: the draft endpoint for videos takes none.
    ///
    /// <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>
    pub fn loses_caption(&self) -> bool {
        self.mode == Mode::Draft
            && !matches!(self.source, Source::Photos { .. })
            && !self.caption.is_empty()
    }
}

/// Where the content of a post comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `video_path`: a file here, sent in chunks. Joined to the manifest's folder; not looked at.
    File(PathBuf),
    /// `video_url`: an https URL that TikTok pulls the video from, exactly as written.
    Url(String),
    /// `photo_urls`: 1 to 35 https URLs that TikTok pulls the pictures from, exactly as written.
    Photos {
        /// The URLs, in the order of the slides.
        urls: Vec<String>,
        /// `photo_cover_index`: which one is the cover, counted from 0; always within `urls`.
        cover_index: u32,
    },
}
