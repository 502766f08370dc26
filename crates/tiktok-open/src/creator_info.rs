//! What a creator may post right now:
//! <https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info>.

use std::time::Duration;

use serde::Deserialize;

use crate::answer::call;
use crate::transport::Transport;
use crate::{Error, Secret, text};

/// The creator's current options. Its refusals (caps, bans) come with HTTP 200.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CreatorInfo {
    /// The display name, which posting clients must show.
    pub nickname: String,
    /// The unique handle.
    pub username: String,
    /// Where the picture of the account is, for some hours.
    pub avatar_url: Option<String>,
    /// The privacy levels on offer, in TikTok's spelling.
    pub privacy_level_options: Vec<String>,
    /// Comments are switched off for the account.
    pub comment_disabled: bool,
    /// Duet is switched off for the account (or it is private).
    pub duet_disabled: bool,
    /// Stitch is switched off for the account (or it is private).
    pub stitch_disabled: bool,
    /// The longest video that this creator may post.
    pub max_video_duration: Option<Duration>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    creator_nickname: String,
    #[serde(default)]
    creator_username: String,
    #[serde(default)]
    creator_avatar_url: Option<String>,
    privacy_level_options: Vec<String>,
    #[serde(default)]
    comment_disabled: bool,
    #[serde(default)]
    duet_disabled: bool,
    #[serde(default)]
    stitch_disabled: bool,
    max_video_post_duration_sec: Option<u32>,
}

/// Headers alone, as in the page's sample.
pub(super) async fn query(transport: &Transport, token: &Secret) -> Result<CreatorInfo, Error> {
    let request = transport
        .post("/v2/post/publish/creator_info/query/")
        .bearer_auth(token.expose())
        .header("Content-Type", "application/json; charset=UTF-8");
    let wire: Wire = call(transport, "creator_info/query", request).await?;
    Ok(CreatorInfo {
        nickname: text::plain(&wire.creator_nickname),
        username: text::plain(&wire.creator_username),
        avatar_url: wire.creator_avatar_url.as_deref().map(text::plain),
        privacy_level_options: wire.privacy_level_options.iter().map(|p| text::plain(p)).collect(),
        comment_disabled: wire.comment_disabled,
        duet_disabled: wire.duet_disabled,
        stitch_disabled: wire.stitch_disabled,
        max_video_duration: wire.max_video_post_duration_sec.map(|s| Duration::from_secs(s.into())),
    })
}
