//! `POST /v2/post/publish/creator_info/query/`.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info>

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::limits;
use crate::call::Call;
use crate::envelope::Refusal;
use crate::state::World;

/// Caps and bans are told with HTTP 200, on purpose of the API.
pub(crate) fn query(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let access = world.admit(call, &["video.publish"], limits::CREATOR_INFO_A_MINUTE)?;
    limits::may_post(world, access, call.now)
        .map_err(|refusal| refusal.with_status(StatusCode::OK))?;
    let account = &world.accounts[access.account];
    Ok(json!({
        "creator_avatar_url": format!("{}/_sandbox/avatar/{}", world.origin, account.handle),
        "creator_username": account.handle,
        "creator_nickname": account.display_name,
        "privacy_level_options": account.privacy_options(),
        "comment_disabled": account.comment_disabled,
        "duet_disabled": account.duet_off(),
        "stitch_disabled": account.stitch_off(),
        "max_video_post_duration_sec": account.max_video_post_duration_sec,
    }))
}
