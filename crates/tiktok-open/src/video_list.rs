//! The public videos of an account: <https://developers.tiktok.com/doc/tiktok-api-v2-video-list>.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::answer::call;
use crate::transport::Transport;
use crate::{Error, Secret, text};

/// The most videos of one answer.
pub const MAX_VIDEOS: u32 = 20;

/// What is asked for of each video: all that says what it is and how it does.
const FIELDS: &str = "id,create_time,cover_image_url,share_url,title,video_description,duration,width,\
                      height,like_count,comment_count,share_count,view_count";

/// A public video. What TikTok leaves out is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublicVideo {
    /// As in the list of a post's ids.
    pub id: String,
    /// When it was posted.
    pub created: Option<Timestamp>,
    /// Where it is.
    pub url: Option<String>,
    /// The picture that stands for it, at an address that ends after some hours.
    pub cover: Option<String>,
    /// Its caption, up to 150 characters of it.
    pub title: String,
    /// Its length in seconds.
    pub seconds: Option<u64>,
    /// How often it was seen, liked, commented on and shared.
    pub views: Option<u64>,
    /// See [`views`](Self::views).
    pub likes: Option<u64>,
    /// See [`views`](Self::views).
    pub comments: Option<u64>,
    /// See [`views`](Self::views).
    pub shares: Option<u64>,
}

/// A page of videos, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoPage {
    /// The videos.
    pub videos: Vec<PublicVideo>,
    /// Where the next page begins. `None`: this was the last one.
    pub next: Option<i64>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    videos: Vec<Video>,
    #[serde(default)]
    cursor: i64,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Video {
    id: String,
    #[serde(default)]
    create_time: Option<i64>,
    #[serde(default)]
    cover_image_url: Option<String>,
    #[serde(default)]
    share_url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default, rename = "video_description")]
    description: Option<String>,
    #[serde(default)]
    duration: Option<u64>,
    #[serde(default)]
    view_count: Option<u64>,
    #[serde(default)]
    like_count: Option<u64>,
    #[serde(default)]
    comment_count: Option<u64>,
    #[serde(default)]
    share_count: Option<u64>,
}

pub(super) async fn list(
    transport: &Transport,
    token: &Secret,
    cursor: Option<i64>,
    count: u32,
) -> Result<VideoPage, Error> {
    let mut body = json!({ "max_count": count.clamp(1, MAX_VIDEOS) });
    if let Some(cursor) = cursor {
        body["cursor"] = cursor.into();
    }
    let request = transport
        .post("/v2/video/list/")
        .query(&[("fields", FIELDS)])
        .bearer_auth(token.expose())
        .json(&body);
    let Wire { videos, cursor: next, has_more } = call(transport, "video/list", request).await?;
    // A page that ends where it began would be asked for again and again.
    let next = (has_more && Some(next) != cursor && !videos.is_empty()).then_some(next);
    Ok(VideoPage { videos: videos.into_iter().map(PublicVideo::from).collect(), next })
}

/// Up to [`MAX_VIDEOS`] videos by their ids; what is not public, or not the account's, is left out:
/// <https://developers.tiktok.com/doc/tiktok-api-v2-video-query>.
pub(super) async fn by_id(
    transport: &Transport,
    token: &Secret,
    ids: &[u64],
) -> Result<Vec<PublicVideo>, Error> {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let request = transport
        .post("/v2/video/query/")
        .query(&[("fields", FIELDS)])
        .bearer_auth(token.expose())
        .json(&json!({ "filters": { "video_ids": ids } }));
    let Wire { videos, .. } = call(transport, "video/query", request).await?;
    Ok(videos.into_iter().map(PublicVideo::from).collect())
}

impl From<Video> for PublicVideo {
    fn from(video: Video) -> Self {
        let title = video.title.filter(|title| !title.is_empty()).or(video.description);
        Self {
            id: text::plain(&video.id),
            created: video.create_time.and_then(|at| Timestamp::from_second(at).ok()),
            url: video.share_url.map(|url| text::plain(&url)),
            cover: video.cover_image_url.map(|url| text::plain(&url)),
            title: text::plain(&title.unwrap_or_default()),
            seconds: video.duration,
            views: video.view_count,
            likes: video.like_count,
            comments: video.comment_count,
            shares: video.share_count,
        }
    }
}
