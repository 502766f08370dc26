//! `video/init` (direct) and `inbox/video/init` (draft).
//!
//! <https://developers.tiktok.com/doc/content-posting-api-reference-direct-post>,
//! <https://developers.tiktok.com/doc/content-posting-api-reference-upload-video>

use serde_json::{Map, Value, json};

use super::fields::{self, BODY, Fields, POST_INFO, SOURCE_INFO};
use super::plan::Plan;
use super::post::{Kind, Media, NewPost, Upload};
use super::{limits, pull};
use crate::accounts::Privacy;
use crate::call::Call;
use crate::envelope::Refusal;
use crate::secret::Secret;
use crate::state::{Access, World};

/// Size of a "fetched" video.
const PULLED: u64 = 20_000_000;

pub(crate) fn direct(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let access = world.admit(call, &["video.publish"], limits::INITS_A_MINUTE)?;
    let body = fields::body(call)?;
    let fields = Fields::of(&body, BODY)?;
    let info = fields.inside("post_info", POST_INFO)?;
    let title = info.bounded("title", limits::CAPTION)?;
    for name in ["disable_duet", "disable_stitch", "disable_comment", "is_aigc"] {
        info.flag(name)?;
    }
    // A frame that does not exist is the first frame; only the type can be wrong.
    info.int32("video_cover_timestamp_ms")?;
    let visible = visibility(world, info)?;
    let media = media(world, fields.inside("source_info", SOURCE_INFO)?)?;
    visible.check(world, access)?;
    limits::may_post(world, access, call.now)?;
    Ok(make(world, call, access, Kind::Direct, media, title, Some(visible)))
}

/// Only `source_info` is documented; clients that send `post_info` too are let be.
pub(crate) fn inbox(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let access = world.admit(call, &["video.upload"], limits::INITS_A_MINUTE)?;
    let body = fields::body(call)?;
    let fields = Fields::of(&body, BODY)?;
    let media = media(world, fields.inside("source_info", SOURCE_INFO)?)?;
    limits::may_draft(world, access, call.now)?;
    Ok(make(world, call, access, Kind::Draft, media, "", None))
}

/// Who may see a post, as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visibility {
    level: Option<Privacy>,
    branded: bool,
}

/// Reads the fields that the guidelines tie together: privacy and the brand toggles.
pub(super) fn visibility(world: &World, info: Fields<'_>) -> Result<Visibility, Refusal> {
    let asked = info.text("privacy_level")?.filter(|level| !level.is_empty());
    let level = asked.map(|level| Privacy::parse(level).ok_or_else(|| info.wrong())).transpose()?;
    // The table calls them required, the official sample leaves them out.
    let branded = info.flag("brand_content_toggle")?.unwrap_or(false);
    info.flag("brand_organic_toggle")?;
    if world.rules.refuse_private_brand && branded && level == Some(Privacy::SelfOnly) {
        return Err(Refusal::params("Branded content visibility cannot be set to private."));
    }
    Ok(Visibility { level, branded })
}

impl Visibility {
    pub(super) fn level(self) -> Option<Privacy> {
        self.level
    }

    /// Holds the level against the audit and against what the creator offers now.
    pub(super) fn check(self, world: &World, access: Access) -> Result<(), Refusal> {
        let account = &world.accounts[access.account];
        let unseen = account.private && self.level.is_none_or(|level| level == Privacy::SelfOnly);
        if world.rules.unaudited && !unseen {
            return Err(Refusal::coded("unaudited_client_can_only_post_to_private_accounts"));
        }
        if self.level.is_some_and(|level| account.privacy_options().contains(&level)) {
            Ok(())
        } else {
            Err(Refusal::coded("privacy_level_option_mismatch"))
        }
    }

    pub(super) fn note(self) -> Option<String> {
        let hidden = self.branded && self.level == Some(Privacy::SelfOnly);
        hidden.then(|| {
            "branded content with SELF_ONLY: the guidelines forbid it, no error is documented"
                .to_owned()
        })
    }
}

/// Reads `source_info` of a video.
fn media(world: &World, info: Fields<'_>) -> Result<Media, Refusal> {
    match info.text("source")? {
        Some("FILE_UPLOAD") => {
            let number = |name| info.integer(name)?.ok_or_else(|| info.wrong());
            let size = number("video_size")?;
            let (chunk, count) = (number("chunk_size")?, number("total_chunk_count")?);
            let plan = Plan::check(size, chunk, count, world.rules.megabyte)
                .map_err(|fault| Refusal::params(fault.message()))?;
            Ok(Media::File(Box::new(Upload::new(plan, world.rules.hash))))
        }
        Some("PULL_FROM_URL") => {
            let url = info.text("video_url")?.ok_or_else(|| info.wrong())?;
            pull::check(url, &world.rules.verified_urls)?;
            Ok(Media::Pull { url: url.to_owned(), size: PULLED })
        }
        _ => Err(info.wrong()),
    }
}

fn make(
    world: &mut World,
    call: &Call,
    access: Access,
    kind: Kind,
    media: Media,
    title: &str,
    visible: Option<Visibility>,
) -> Value {
    let new = NewPost {
        app: access.app,
        account: access.account,
        kind,
        media,
        title: title.to_owned(),
        privacy: visible.and_then(Visibility::level),
        outcome: call.outcome.clone(),
        note: visible.and_then(Visibility::note),
    };
    if let Media::File(upload) = &new.media {
        world.secrets.note(Secret::new(&upload.token));
    }
    let post = world.posts.add(new, call.now);
    let mut data = Map::new();
    data.insert("publish_id".to_owned(), json!(post.publish_id));
    if let Media::File(upload) = &post.media {
        data.insert("upload_url".to_owned(), json!(upload.url(&world.origin)));
    }
    Value::Object(data)
}
