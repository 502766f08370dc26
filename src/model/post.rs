//! A post as it is asked for, and how it is called.

use jiff::Timestamp;

use super::caption::Caption;
use super::fields::{Field, InitKind};
use super::mode::Mode;
use super::source::Source;
use tiktok_open::Privacy;

/// One post as it is asked for, with all defaults applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    /// `id`: the user's own identity for the post; no other post of that account in the file has it.
    pub(crate) id: Option<String>,
    /// What is posted. A file's path is joined to the manifest's folder; the file was not looked at.
    pub(crate) source: Source,
    /// The words that go with it.
    pub(crate) caption: Caption,
    /// `mode`.
    pub(crate) mode: Mode,
    /// `privacy_level`. `None`: neither the post nor a default says one, so a direct post is
    /// `SELF_ONLY`.
    pub(crate) privacy: Option<Privacy>,
    /// `disable_comment`.
    pub(crate) disable_comment: Option<bool>,
    /// `disable_duet`; `None` for photos.
    pub(crate) disable_duet: Option<bool>,
    /// `disable_stitch`; `None` for photos.
    pub(crate) disable_stitch: Option<bool>,
    /// `video_cover_timestamp_ms`: the frame, in milliseconds, that is the cover; `None` for photos.
    pub(crate) cover_timestamp_ms: Option<i32>,
    /// `brand_content_toggle`: a paid partnership. Never with an effective `SELF_ONLY`.
    pub(crate) brand_content: bool,
    /// `brand_organic_toggle`: the creator's own business.
    pub(crate) brand_organic: bool,
    /// `is_aigc`: made by an AI.
    pub(crate) is_aigc: Option<bool>,
    /// `auto_add_music`; `None` for videos.
    pub(crate) auto_add_music: Option<bool>,
    /// `skip_media_check`: what speaks against the video is a warning, and it is sent all the same.
    pub(crate) skip_media_check: bool,
    /// `publish_at`: not to be posted before. Of a post with a slot, once it has a time.
    pub(crate) publish_at: Option<Timestamp>,
    /// The slot that `publish_at` names.
    pub(crate) slot: Option<String>,
}

impl Post {
    /// Who may see it: the creator alone, unless the post says otherwise.
    pub(crate) fn effective_privacy(&self) -> Privacy {
        self.privacy.unwrap_or(Privacy::SelfOnly)
    }

    /// Whether its time has come. One that names a slot and was given no time yet has none that could have come.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.publish_at.map_or(self.slot.is_none(), |at| at <= now)
    }

    /// The init that makes it.
    pub(crate) fn init_kind(&self) -> InitKind {
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
    pub(crate) fn loses_caption(&self) -> bool {
        !Field::Description.is_taken_by(self.init_kind()) && !self.caption.is_empty()
    }
}

/// How a post is called when something is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PostRef {
    /// Place among the manifest's posts, counted from 0.
    pub(crate) index: usize,
    /// Alias of the account, else its `open_id`.
    pub(crate) account: String,
    /// The file's path or the URL, as the manifest has it.
    pub(crate) video: String,
}
