//! What one post asks of TikTok: its content, its settings and the init that they make.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Caption, FileIdentity, Mode, Plan, Unfinished};
use crate::secret::Secret;
use crate::tiktok::privacy::Privacy;
use crate::tiktok::{
    Client, Error, InboxInit, InitAnswer, PhotoInit, PhotoPostInfo, PhotoSource, PostInfo,
    SourceInfo, VideoInit,
};
use crate::upload::report::Subject;

/// One post of a manifest, checked as far as it can be without asking TikTok.
#[derive(Clone, Debug)]
pub struct Post {
    /// How it is called when something is told about it.
    pub subject: Subject,
    /// The user's own identity for it.
    pub id: Option<String>,
    /// What is posted.
    pub content: Content,
    /// Posted at once, or put into the inbox.
    pub mode: Mode,
    /// Caption and switches.
    pub settings: PostSettings,
    /// Not to be posted before.
    pub publish_at: Option<Timestamp>,
}

/// What is posted.
#[derive(Clone, Debug)]
pub enum Content {
    /// A local file.
    File {
        /// Where it lies.
        path: PathBuf,
        /// `video/mp4`, `video/quicktime` or `video/webm`. `None`: the file is gone or unfinished, and
        /// only what the journal knows of it counts.
        content_type: Option<&'static str>,
        /// The video's length, where the file tells it.
        duration: Option<Duration>,
        /// What it was when all of that was found out.
        checked: Option<FileIdentity>,
        /// How it shows that the file is still being written, if so.
        unfinished: Option<Unfinished>,
    },
    /// A video that TikTok downloads.
    Url(String),
    /// Photos that TikTok downloads.
    Photos {
        /// Their URLs.
        urls: Vec<String>,
        /// Which one is the cover, from 0.
        cover_index: u32,
    },
}

/// Caption and switches of a post.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the wire")]
pub struct PostSettings {
    /// The words.
    pub caption: Caption,
    /// Who may see it.
    pub privacy: Privacy,
    /// No comments.
    pub disable_comment: bool,
    /// No duets (videos).
    pub disable_duet: bool,
    /// No stitches (videos).
    pub disable_stitch: bool,
    /// Cover frame in ms (videos).
    pub cover_timestamp_ms: Option<i32>,
    /// Paid partnership.
    pub brand_content: bool,
    /// The creator's own business.
    pub brand_organic: bool,
    /// Made by an AI.
    pub is_aigc: Option<bool>,
    /// Recommended music (photos).
    pub auto_add_music: Option<bool>,
}

/// One of the three inits, ready to be sent.
#[derive(Clone, Debug)]
pub enum Init {
    /// A direct post of a video.
    Video(VideoInit),
    /// A draft of a video.
    Inbox(InboxInit),
    /// Photos.
    Photos(PhotoInit),
}

impl Content {
    /// Whether TikTok fetches it: then the init alone makes the post.
    pub fn is_pulled(&self) -> bool {
        !matches!(self, Self::File { .. })
    }
}

impl Post {
    /// The init of this post. `None` for a file without a plan: one that is gone.
    pub fn init(&self, plan: Option<&Plan>) -> Option<Init> {
        let source_info = match &self.content {
            Content::Photos { urls, cover_index } => {
                return Some(Init::Photos(self.photos(urls.clone(), *cover_index)));
            }
            Content::Url(url) => SourceInfo::PullFromUrl { video_url: url.clone() },
            Content::File { .. } => plan.map(|plan| SourceInfo::FileUpload {
                video_size: plan.size(),
                chunk_size: plan.chunk_size(),
                total_chunk_count: plan.count().into(),
            })?,
        };
        Some(match self.mode {
            Mode::Draft => Init::Inbox(InboxInit { source_info }),
            Mode::Direct => Init::Video(VideoInit { post_info: self.post_info(), source_info }),
        })
    }

    /// A hash of everything that the init says besides the source, to notice changed settings.
    pub fn settings_hash(&self) -> String {
        let json = match &self.content {
            Content::Photos { .. } => serde_json::to_vec(&self.photos(Vec::new(), 0)),
            _ => serde_json::to_vec(&self.post_info()),
        };
        // Plain structs of texts and numbers always serialize.
        blake3::hash(&json.unwrap_or_default()).to_hex().to_string()
    }

    fn post_info(&self) -> PostInfo {
        let settings = &self.settings;
        PostInfo {
            privacy_level: settings.privacy.as_str().to_owned(),
            title: settings.caption.text.clone(),
            disable_duet: settings.disable_duet,
            disable_stitch: settings.disable_stitch,
            disable_comment: settings.disable_comment,
            video_cover_timestamp_ms: settings.cover_timestamp_ms,
            brand_content_toggle: settings.brand_content,
            brand_organic_toggle: settings.brand_organic,
            is_aigc: settings.is_aigc,
        }
    }

    fn photos(&self, photo_images: Vec<String>, photo_cover_index: u32) -> PhotoInit {
        let settings = &self.settings;
        let direct = self.mode == Mode::Direct;
        PhotoInit {
            media_type: "PHOTO",
            post_mode: if direct { "DIRECT_POST" } else { "MEDIA_UPLOAD" },
            post_info: PhotoPostInfo {
                title: settings.caption.title.clone().unwrap_or_default(),
                description: settings.caption.text.clone(),
                privacy_level: direct.then(|| settings.privacy.as_str().to_owned()),
                disable_comment: direct.then_some(settings.disable_comment),
                auto_add_music: settings.auto_add_music.filter(|_| direct),
                brand_content_toggle: direct.then_some(settings.brand_content),
                brand_organic_toggle: direct.then_some(settings.brand_organic),
            },
            source_info: PhotoSource { source: "PULL_FROM_URL", photo_images, photo_cover_index },
            is_aigc: settings.is_aigc,
        }
    }
}

impl Init {
    /// Sends it: the one call that is never repeated blindly.
    pub async fn send(&self, client: &Client, token: &Secret) -> Result<InitAnswer, Error> {
        match self {
            Self::Video(init) => client.video_init(token, init).await,
            Self::Inbox(init) => client.inbox_init(token, init).await,
            Self::Photos(init) => client.content_init(token, init).await,
        }
    }
}
