//! The three inits, each of which starts one post and is never repeated blindly:
//! <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::{Client, Error};

/// `POST /v2/post/publish/video/init/`: a direct post of a video.
#[derive(Clone, Debug, Serialize)]
pub struct VideoInit {
    /// Caption and settings.
    pub post_info: PostInfo,
    /// Where the video comes from.
    pub source_info: SourceInfo,
}

/// Caption and settings of a direct video post. Both brand toggles are always sent: the table calls
/// them required, the sample leaves them out.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the wire")]
pub struct PostInfo {
    /// One of the creator's current options.
    pub privacy_level: String,
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

/// `POST /v2/post/publish/inbox/video/init/`: a draft. It carries no `post_info`.
#[derive(Clone, Debug, Serialize)]
pub struct InboxInit {
    /// Where the video comes from.
    pub source_info: SourceInfo,
}

/// Where a video comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "source")]
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
pub struct PhotoInit {
    /// Always `PHOTO`.
    pub media_type: &'static str,
    /// `DIRECT_POST` or `MEDIA_UPLOAD`.
    pub post_mode: &'static str,
    /// Texts and settings.
    pub post_info: PhotoPostInfo,
    /// The images.
    pub source_info: PhotoSource,
    /// Labels the post as AI-generated (top level for photos).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_aigc: Option<bool>,
}

/// Texts and settings of a photo post.
#[derive(Clone, Debug, Serialize)]
pub struct PhotoPostInfo {
    /// At most 90 UTF-16 units.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// At most 4000 UTF-16 units. Always sent: the page requires `post_info`, and an empty one may not
    /// count.
    pub description: String,
    /// Direct posts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_level: Option<String>,
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
pub struct PhotoSource {
    /// Always `PULL_FROM_URL`.
    pub source: &'static str,
    /// Up to 35 URLs.
    pub photo_images: Vec<String>,
    /// Index of the cover, from 0.
    pub photo_cover_index: u32,
}

/// What an init answers.
#[derive(Clone, Debug, Deserialize)]
pub struct InitAnswer {
    /// Names the post from now on. At most 64 characters, opaque.
    pub publish_id: String,
    /// Where the chunks go, for `FILE_UPLOAD`: a secret, good for one hour.
    #[serde(default)]
    pub upload_url: Option<Secret>,
}

impl Client {
    /// Starts a direct post of a video: 6 calls a minute per token, scope `video.publish`.
    pub async fn video_init(&self, token: &Secret, init: &VideoInit) -> Result<InitAnswer, Error> {
        self.init("video/init", "/v2/post/publish/video/init/", token, init).await
    }

    /// Starts a draft: 6 calls a minute per token, scope `video.upload`.
    pub async fn inbox_init(&self, token: &Secret, init: &InboxInit) -> Result<InitAnswer, Error> {
        self.init("inbox/video/init", "/v2/post/publish/inbox/video/init/", token, init).await
    }

    /// Starts a photo post: 6 calls a minute per token.
    pub async fn content_init(
        &self,
        token: &Secret,
        init: &PhotoInit,
    ) -> Result<InitAnswer, Error> {
        self.init("content/init", "/v2/post/publish/content/init/", token, init).await
    }

    async fn init<T: Serialize + Sync>(
        &self,
        call: &'static str,
        path: &str,
        token: &Secret,
        init: &T,
    ) -> Result<InitAnswer, Error> {
        let answer: InitAnswer = self.call(call, self.json(path, token, init)).await?;
        if answer.publish_id.is_empty() || answer.publish_id.chars().any(char::is_control) {
            return Err(Error::NotTikTok {
                host: self.api_host(),
                call,
                status: 200,
                what: "an empty or odd publish_id".into(),
            });
        }
        Ok(answer)
    }

    pub(super) fn json<T: Serialize>(
        &self,
        path: &str,
        token: &Secret,
        body: &T,
    ) -> reqwest::RequestBuilder {
        // With the documented charset; `json` adds none, and leaves a header that is there alone.
        self.post(path)
            .bearer_auth(token.expose())
            .header("Content-Type", "application/json; charset=UTF-8")
            .json(body)
    }
}
