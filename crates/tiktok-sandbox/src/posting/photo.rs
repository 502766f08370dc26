//! `POST /v2/post/publish/content/init/`: photos.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-reference-photo-post>

use serde_json::{Value, json};

use super::fields::{self, BODY, Fields, POST_INFO, SOURCE_INFO};
use super::init::{self, Visibility};
use super::post::{Kind, Media, NewPost};
use super::{limits, pull};
use crate::call::Call;
use crate::envelope::Refusal;
use crate::state::World;

pub(crate) fn init(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    // The scope depends on a field, so whose token it is comes before what it may do.
    world.authorize(call, &["video.publish", "video.upload"])?;
    let body = fields::body(call)?;
    let fields = Fields::of(&body, BODY)?;
    let (kind, scope) = mode(fields)?;
    let access = world.admit(call, &[scope], limits::INITS_A_MINUTE)?;
    fields.flag("is_aigc")?;
    let info = fields.inside("post_info", POST_INFO)?;
    let title = info.bounded("title", limits::PHOTO_TITLE)?;
    info.bounded("description", limits::PHOTO_DESCRIPTION)?;
    for name in ["disable_comment", "auto_add_music"] {
        info.flag(name)?;
    }
    let visible = init::visibility(world, info)?;
    let urls = pictures(fields.inside("source_info", SOURCE_INFO)?)?;
    for url in &urls {
        pull::check(url, &world.rules.verified_urls)?;
    }
    let visible = if kind == Kind::Direct {
        visible.check(world, access)?;
        limits::may_post(world, access, call.now)?;
        Some(visible)
    } else {
        if world.accounts[access.account].app_version < limits::PHOTO_DRAFT_APP {
            return Err(Refusal::coded("app_version_check_failed"));
        }
        limits::may_draft(world, access, call.now)?;
        None
    };
    let new = NewPost {
        app: access.app,
        account: access.account,
        kind,
        media: Media::Photos { urls },
        title: title.to_owned(),
        privacy: visible.and_then(Visibility::level),
        outcome: call.outcome.clone(),
        note: visible.and_then(Visibility::note),
    };
    Ok(json!({ "publish_id": world.posts.add(new, call.now).publish_id }))
}

/// What the post is, and the scope it takes. The page's table prints `DIRECT POST` with a space,
/// its samples `DIRECT_POST`.
fn mode(fields: Fields<'_>) -> Result<(Kind, &'static str), Refusal> {
    let unknown = || Refusal::params("Invalid media_type or post_mode");
    if fields.text("media_type")? != Some("PHOTO") {
        return Err(unknown());
    }
    match fields.text("post_mode")? {
        Some("DIRECT_POST" | "DIRECT POST") => Ok((Kind::Direct, "video.publish")),
        Some("MEDIA_UPLOAD") => Ok((Kind::Draft, "video.upload")),
        _ => Err(unknown()),
    }
}

fn pictures(info: Fields<'_>) -> Result<Vec<String>, Refusal> {
    if info.text("source")? != Some("PULL_FROM_URL") {
        return Err(info.wrong());
    }
    let list = info.list("photo_images")?.ok_or_else(|| info.wrong())?;
    let urls: Option<Vec<String>> =
        list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    let urls = urls.ok_or_else(|| info.wrong())?;
    let cover = info.int32("photo_cover_index")?.and_then(|index| usize::try_from(index).ok());
    if (1..=limits::PHOTOS).contains(&urls.len()) && cover.is_some_and(|index| index < urls.len()) {
        Ok(urls)
    } else {
        Err(info.wrong())
    }
}
