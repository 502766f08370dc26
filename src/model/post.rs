//! A post as it is asked for, and how it is called.

use jiff::Timestamp;

use super::caption::Caption;
use super::fields::{Field, InitKind};
use super::mode::Mode;
use super::source::Source;
use tiktok_open::Privacy;

/// One post as it is asked for, with all defaults applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// `id`: the user's own identity for the post; no other post of that account in the file has it.
    pub id: Option<String>,
    /// What is posted. A file's path is joined to the manifest's folder; the file was not looked at.
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
    /// `skip_media_check`: what speaks against the video is a warning, and it is sent all the same.
    pub skip_media_check: bool,
    /// `publish_at`: not to be posted before.
    pub publish_at: Option<Timestamp>,
}

impl Post {
    /// Who may see it: the creator alone, unless the post says otherwise.
    pub fn effective_privacy(&self) -> Privacy {
        self.privacy.unwrap_or(Privacy::SelfOnly)
    }

    /// The init that makes it.
    pub fn init_kind(&self) -> InitKind {
        match (&self.source, self.mode) {
            (Source::Photos { .. }, Mode::Direct) => InitKind::DirectPhotos,
            (Source::Photos { .. }, Mode::Draft) => InitKind::DraftPhotos,
            (_, Mode::Direct) => InitKind::DirectVideo,
            (_, Mode::Draft) => InitKind::DraftVideo,
        }
    }

    /// Whether the caption will not reach TikTok: the draft endpoint for videos takes none.
    ///
    /// <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>
    pub fn loses_caption(&self) -> bool {
        !Field::Description.is_taken_by(self.init_kind()) && !self.caption.is_empty()
    }
}

/// How a post is called when something is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostRef {
    /// Place among the manifest's posts, counted from 0.
    pub index: usize,
    /// Alias of the account, else its `open_id`.
    pub account: String,
    /// The file's path or the URL, as the manifest has it.
    pub video: String,
}
