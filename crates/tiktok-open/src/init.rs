//! The three inits, each of which starts one post and is never repeated blindly:
//! <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>.

use serde::{Deserialize, Serialize};

use crate::transport::Transport;
use crate::{Error, Privacy, Secret, answer, text};

/// `POST /v2/post/publish/video/init/`: a direct post of a video.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VideoInit {
    /// Caption and settings.
    pub post_info: PostInfo,
    /// Where the video comes from.
    pub source_info: SourceInfo,
}

impl VideoInit {
    /// A direct post.
    pub fn new(post_info: PostInfo, source_info: SourceInfo) -> Self {
        Self { post_info, source_info }
    }
}

/// Caption and settings of a direct video post. Both brand toggles are always sent: the table calls
/// them required, the sample leaves them out.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the wire")]
#[non_exhaustive]
pub struct PostInfo {
    /// One of the creator's current options.
    pub privacy_level: Privacy,
    /// Caption, at most 2200 UTF-16 units.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Switches duet off.
    pub disable_duet: bool,
    /// Switches stitch off.
    pub disable_stitch: bool,
    /// Switches comments off.
    pub disable_comment: bool,
    /// The frame that becomes the cover, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_cover_timestamp_ms: Option<i32>,
    /// Paid partnership for a third party.
    pub brand_content_toggle: bool,
    /// Promotes the creator's own business.
    pub brand_organic_toggle: bool,
    /// Labels the video as AI-generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_aigc: Option<bool>,
}

impl PostInfo {
    /// A post for those people, with everything else as TikTok has it when nothing is said.
    pub fn new(privacy_level: Privacy) -> Self {
        Self {
            privacy_level,
            title: String::new(),
            disable_duet: false,
            disable_stitch: false,
            disable_comment: false,
            video_cover_timestamp_ms: None,
            brand_content_toggle: false,
            brand_organic_toggle: false,
            is_aigc: None,
        }
    }
}

/// `POST /v2/post/publish/inbox/video/init/`: a draft. It carries no `post_info`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InboxInit {
    /// Where the video comes from.
    pub source_info: SourceInfo,
}

impl InboxInit {
    /// A draft.
    pub fn new(source_info: SourceInfo) -> Self {
        Self { source_info }
    }
}

/// Where a video comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "source")]
#[non_exhaustive]
pub enum SourceInfo {
    /// A local file, sent in chunks.
    #[serde(rename = "FILE_UPLOAD")]
    FileUpload {
        /// Size in bytes.
        video_size: u64,
        /// Bytes of every chunk but the last.
        chunk_size: u64,
        /// `video_size / chunk_size`, floor.
        total_chunk_count: u64,
    },
    /// A URL that TikTok downloads.
    #[serde(rename = "PULL_FROM_URL")]
    PullFromUrl {
        /// https, under a verified domain or prefix.
        video_url: String,
    },
}

/// `POST /v2/post/publish/content/init/`: photos.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PhotoInit {
    /// Always `PHOTO`.
    media_type: &'static str,
    /// Whether it is posted, or put into the user's inbox.
    pub post_mode: PostMode,
    /// Texts and settings.
    pub post_info: PhotoPostInfo,
    /// The images.
    pub source_info: PhotoSource,
    /// Labels the post as AI-generated (top level for photos).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_aigc: Option<bool>,
}

impl PhotoInit {
    /// A post or a draft of photos.
    pub fn new(post_mode: PostMode, post_info: PhotoPostInfo, source_info: PhotoSource) -> Self {
        Self { media_type: "PHOTO", post_mode, post_info, source_info, is_aigc: None }
    }
}

/// What becomes of photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum PostMode {
    /// They are posted.
    #[serde(rename = "DIRECT_POST")]
    Direct,
    /// They are put into the user's inbox, to be finished and posted in the app.
    #[serde(rename = "MEDIA_UPLOAD")]
    Inbox,
}

/// Texts and settings of a photo post.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct PhotoPostInfo {
    /// At most 90 UTF-16 units.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// At most 4000 UTF-16 units. Always sent: the page requires `post_info`, and an empty one may not
    /// count.
    pub description: String,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_level: Option<Privacy>,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_comment: Option<bool>,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_add_music: Option<bool>,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_content_toggle: Option<bool>,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_organic_toggle: Option<bool>,
}

/// The images of a photo post.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PhotoSource {
    /// Always `PULL_FROM_URL`.
    source: &'static str,
    /// Up to 35 URLs.
    pub photo_images: Vec<String>,
    /// Index of the cover, from 0.
    pub photo_cover_index: u32,
}

impl PhotoSource {
    /// Photos at these https URLs, in the order of the slides; `cover` is the index of one of them.
    pub fn new(photo_images: Vec<String>, cover: u32) -> Self {
        Self { source: "PULL_FROM_URL", photo_images, photo_cover_index: cover }
    }
}

/// What an init answers.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct InitAnswer {
    /// Names the post from now on. At most 64 characters, opaque.
    pub publish_id: String,
    /// Where the chunks go, for `FILE_UPLOAD`: a secret, good for one hour.
    #[serde(default)]
    pub upload_url: Option<Secret>,
}

/// A direct post of a video.
pub(super) async fn video(
    transport: &Transport,
    token: &Secret,
    init: &VideoInit,
) -> Result<InitAnswer, Error> {
    send(transport, "video/init", "/v2/post/publish/video/init/", token, init).await
}

/// A draft of a video.
pub(super) async fn inbox(
    transport: &Transport,
    token: &Secret,
    init: &InboxInit,
) -> Result<InitAnswer, Error> {
    send(transport, "inbox/video/init", "/v2/post/publish/inbox/video/init/", token, init).await
}

/// Photos.
pub(super) async fn photos(
    transport: &Transport,
    token: &Secret,
    init: &PhotoInit,
) -> Result<InitAnswer, Error> {
    send(transport, "content/init", "/v2/post/publish/content/init/", token, init).await
}

async fn send<T: Serialize + Sync>(
    transport: &Transport,
    call: &'static str,
    path: &str,
    token: &Secret,
    init: &T,
) -> Result<InitAnswer, Error> {
    let request = transport.json(path, token, init);
    let answer: InitAnswer = answer::call(transport, call, request).await?;
    if answer.publish_id.is_empty() || !text::is_plain(&answer.publish_id) {
        return Err(Error::NotTikTok {
            host: transport.api_host(),
            call,
            status: 200,
            what: "an empty or odd publish_id".into(),
        });
    }
    Ok(answer)
}
