//! Who an account is: <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>.

use serde::Deserialize;

use crate::answer::call;
use crate::transport::Transport;
use crate::{Error, Scopes, Secret, text};

/// The fields that `user.info.basic` covers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserInfo {
    /// The user, as this app knows them.
    pub open_id: String,
    /// The display name.
    pub display_name: String,
}

#[derive(Deserialize)]
struct Wire {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    open_id: String,
    #[serde(default)]
    display_name: String,
}

/// What an account shows of itself. `None`: the granted scopes do not cover it, or TikTok left it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The display name.
    pub display_name: Option<String>,
    /// The unique handle.
    pub username: Option<String>,
    /// What the account says of itself.
    pub bio: Option<String>,
    /// Whether TikTok has verified who it is.
    pub is_verified: Option<bool>,
    /// Where it is.
    pub url: Option<String>,
    /// Followers, accounts that it follows, likes of all its videos, and public videos.
    pub followers: Option<u64>,
    /// See [`followers`](Self::followers).
    pub following: Option<u64>,
    /// See [`followers`](Self::followers).
    pub likes: Option<u64>,
    /// See [`followers`](Self::followers).
    pub videos: Option<u64>,
}

#[derive(Deserialize)]
struct WireOfProfile {
    user: UserOfProfile,
}

#[derive(Deserialize)]
struct UserOfProfile {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    bio_description: Option<String>,
    #[serde(default)]
    is_verified: Option<bool>,
    #[serde(default)]
    profile_deep_link: Option<String>,
    #[serde(default)]
    follower_count: Option<u64>,
    #[serde(default)]
    following_count: Option<u64>,
    #[serde(default)]
    likes_count: Option<u64>,
    #[serde(default)]
    video_count: Option<u64>,
}

/// The fields that each scope covers. One that is not covered is refused with all others.
const COVERED: [(&str, &str); 3] = [
    ("user.info.basic", "open_id,display_name"),
    ("user.info.profile", "username,bio_description,is_verified,profile_deep_link"),
    ("user.info.stats", "follower_count,following_count,likes_count,video_count"),
];

pub(super) async fn profile(
    transport: &Transport,
    token: &Secret,
    scopes: &Scopes,
) -> Result<Profile, Error> {
    let covered = COVERED.iter().filter(|(scope, _)| scopes.has(scope));
    let fields: Vec<_> = covered.map(|(_, fields)| *fields).collect();
    let request = transport
        .get("/v2/user/info/")
        .query(&[("fields", fields.join(","))])
        .bearer_auth(token.expose());
    let WireOfProfile { user } = call(transport, "user/info", request).await?;
    let plain = |text: Option<String>| text.map(|text| text::plain(&text));
    Ok(Profile {
        display_name: plain(user.display_name),
        username: plain(user.username),
        bio: plain(user.bio_description).filter(|bio| !bio.is_empty()),
        is_verified: user.is_verified,
        url: plain(user.profile_deep_link),
        followers: user.follower_count,
        following: user.following_count,
        likes: user.likes_count,
        videos: user.video_count,
    })
}

pub(super) async fn query(transport: &Transport, token: &Secret) -> Result<UserInfo, Error> {
    let request = transport
        .get("/v2/user/info/")
        .query(&[("fields", "open_id,display_name")])
        .bearer_auth(token.expose());
    let Wire { user } = call(transport, "user/info", request).await?;
    Ok(UserInfo {
        open_id: text::plain(&user.open_id),
        display_name: text::plain(&user.display_name),
    })
}
