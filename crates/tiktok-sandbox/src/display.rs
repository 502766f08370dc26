//! The Display API: `user/info`, `video/list`, `video/query`.
//!
//! <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>,
//! <https://developers.tiktok.com/doc/tiktok-api-v2-video-list>,
//! <https://developers.tiktok.com/doc/tiktok-api-v2-video-query>

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::envelope::Refusal;
use crate::posting::fields::Fields;
use crate::posting::post::{Media, Post};
use crate::state::{Access, World};

/// <https://developers.tiktok.com/docs/en/tiktok-api-v2-rate-limit>
const A_MINUTE: usize = 600;

const INFO_SCOPES: [(&str, &[&str]); 3] = [
    (
        "user.info.basic",
        &[
            "open_id",
            "union_id",
            "avatar_url",
            "avatar_url_100",
            "avatar_large_url",
            "display_name",
        ],
    ),
    (
        "user.info.profile",
        &["bio_description", "profile_deep_link", "is_verified", "username", "profile_web_link"],
    ),
    ("user.info.stats", &["follower_count", "following_count", "likes_count", "video_count"]),
];

const VIDEO_FIELDS: [&str; 16] = [
    "id",
    "create_time",
    "cover_image_url",
    "share_url",
    "video_description",
    "duration",
    "height",
    "width",
    "title",
    "embed_html",
    "embed_link",
    "like_count",
    "comment_count",
    "share_count",
    "view_count",
    "is_aigc",
];

/// The `fields` parameter, which every call here needs.
fn fields(call: &Call) -> Result<Vec<String>, Refusal> {
    let query = call.query();
    let list = query.filled("fields").ok_or_else(|| Refusal::params("The fields are required"))?;
    Ok(list.split(',').map(|field| field.trim().to_owned()).collect())
}

pub(super) fn user_info(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let scopes = INFO_SCOPES.map(|(scope, _)| scope);
    let access = world.admit(call, &scopes, A_MINUTE)?;
    let granted = world.granted(call).to_vec();
    let known = profile(world, access, call);
    let mut user = Map::new();
    for field in fields(call)? {
        let scope = INFO_SCOPES.iter().find(|(_, fields)| fields.contains(&field.as_str()));
        let Some((scope, _)) = scope else {
            return Err(Refusal::params(&format!("Invalid field: {field}")));
        };
        if !granted.iter().any(|have| have == scope) {
            return Err(Refusal::coded("scope_permission_missed"));
        }
        user.insert(field.clone(), known[&field].clone());
    }
    Ok(json!({ "user": user }))
}

/// Everything that can be asked about an account.
fn profile(world: &World, access: Access, call: &Call) -> Value {
    let account = &world.accounts[access.account];
    let avatar = format!("{}/_sandbox/avatar/{}", world.origin, account.handle);
    json!({
        "open_id": account.open_id(access.app),
        "union_id": account.union_id(),
        "avatar_url": avatar,
        "avatar_url_100": avatar,
        "avatar_large_url": avatar,
        "display_name": account.display_name,
        "bio_description": "Lives in a sandbox",
        "profile_deep_link": format!("{}/_sandbox/#{}", world.origin, account.handle),
        "profile_web_link": format!("{}/_sandbox/#{}", world.origin, account.handle),
        "is_verified": false,
        "username": account.handle,
        "follower_count": 128,
        "following_count": 64,
        "likes_count": 4096,
        "video_count": public_videos(world, access, call).len(),
    })
}

/// A public video of the account: its id, when it was posted in milliseconds, its fields.
struct Video {
    id: i64,
    posted_ms: i64,
    fields: Value,
}

/// The account's public videos, newest first. Photos are none.
fn public_videos(world: &World, access: Access, call: &Call) -> Vec<Video> {
    let own = |post: &&Post| post.account == access.account;
    let video = |post: &&Post| !matches!(post.media, Media::Photos { .. });
    let posts = world.posts.all().rev().filter(own).filter(video);
    let shown = posts
        .flat_map(|post| post.shown(call.now, &world.rules).into_iter().map(move |id| (id, post)));
    shown.map(|(id, post)| describe(world, id, post)).collect()
}

fn describe(world: &World, id: i64, post: &Post) -> Video {
    let handle = &world.accounts[post.account].handle;
    let share = format!("{}/@{handle}/video/{id}", world.origin);
    let text: String = post.title.chars().take(150).collect();
    let fields = json!({
        "id": id.to_string(),
        "create_time": post.created.as_second(),
        "cover_image_url": format!("{}/_sandbox/avatar/{handle}", world.origin),
        "share_url": share,
        "video_description": text,
        "duration": 10,
        "height": 1024,
        "width": 576,
        "title": text,
        "embed_html": "",
        "embed_link": share,
        "like_count": 0,
        "comment_count": 0,
        "share_count": 0,
        "view_count": 0,
        "is_aigc": false,
    });
    Video { id, posted_ms: post.created.as_millisecond(), fields }
}

/// The asked-for fields of some videos.
fn selected<'a>(
    videos: impl Iterator<Item = &'a Video>,
    fields: &[String],
) -> Result<Vec<Value>, Refusal> {
    if let Some(unknown) = fields.iter().find(|field| !VIDEO_FIELDS.contains(&field.as_str())) {
        return Err(Refusal::params(&format!("Invalid field: {unknown}")));
    }
    let pick = |video: &Video| -> Map<String, Value> {
        fields.iter().map(|field| (field.clone(), video.fields[field].clone())).collect()
    };
    Ok(videos.map(|video| Value::Object(pick(video))).collect())
}

pub(super) fn video_list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    const MESSAGE: &str = "The cursor or max_count is invalid";
    let access = world.admit(call, &["video.list"], A_MINUTE)?;
    let wanted = fields(call)?;
    let body = if call.body.is_empty() {
        json!({})
    } else {
        call.json().ok_or_else(|| Refusal::params(MESSAGE))?
    };
    let body = Fields::of(&body, MESSAGE)?;
    let before = body.integer("cursor")?.unwrap_or(0);
    let count = body.integer("max_count")?.unwrap_or(10);
    let count = usize::try_from(count).ok().filter(|count| (1..=20).contains(count));
    let count = count.ok_or_else(|| Refusal::params(MESSAGE))?;
    let mut videos = public_videos(world, access, call);
    videos.retain(|video| before <= 0 || video.posted_ms < before);
    let has_more = videos.len() > count;
    videos.truncate(count);
    let cursor = videos.last().map_or(before, |video| video.posted_ms);
    let page = selected(videos.iter(), &wanted)?;
    Ok(json!({ "videos": page, "cursor": cursor, "has_more": has_more }))
}

pub(super) fn video_query(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    const MESSAGE: &str = "The video_ids are invalid";
    let access = world.admit(call, &["video.list"], A_MINUTE)?;
    let wanted = fields(call)?;
    let wrong = || Refusal::params(MESSAGE);
    let body = call.json().ok_or_else(wrong)?;
    let ids = body["filters"]["video_ids"].as_array().ok_or_else(wrong)?;
    let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
    let ids = ids.filter(|ids| (1..=20).contains(&ids.len())).ok_or_else(wrong)?;
    let videos = public_videos(world, access, call);
    let named = videos.iter().filter(|video| ids.contains(&video.id.to_string().as_str()));
    let page = selected(named, &wanted)?;
    Ok(json!({ "videos": page, "cursor": 0, "has_more": false }))
}
