//! `POST /v2/post/publish/status/fetch/`.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>

use serde_json::{Map, Value, json};

use super::fields::{self, BODY, Fields};
use super::limits;
use super::post::Post;
use crate::call::Call;
use crate::envelope::Refusal;
use crate::state::{Access, World};

const SCOPES: [&str; 2] = ["video.upload", "video.publish"];

pub(crate) fn fetch(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let access = world.admit(call, &SCOPES, limits::STATUS_A_MINUTE)?;
    let status = named(world, call, access)?.status(call.now, &world.rules);
    let mut data = Map::new();
    // What does not apply is absent, as in real bodies.
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    tell("status", Some(json!(status.word)));
    tell("fail_reason", status.fail_reason.map(Value::from));
    tell("uploaded_bytes", status.uploaded.map(Value::from));
    tell("downloaded_bytes", status.downloaded.map(Value::from));
    let ids = (!status.post_ids.is_empty()).then(|| json!(status.post_ids));
    // The API's own spelling.
    tell("publicaly_available_post_id", ids);
    Ok(Value::Object(data))
}

/// The caller's own post that the body names.
pub(super) fn named<'a>(
    world: &'a World,
    call: &Call,
    access: Access,
) -> Result<&'a Post, Refusal> {
    let body = fields::body(call)?;
    let id = Fields::of(&body, BODY)?.text("publish_id")?.unwrap_or_default();
    let post = world.posts.get(id).filter(|post| post.is_known(call.now, &world.rules));
    let post = post.ok_or_else(|| Refusal::coded("invalid_publish_id"))?;
    if (post.app, post.account) == (access.app, access.account) {
        Ok(post)
    } else {
        Err(Refusal::coded("token_not_authorized_for_specified_publish_id"))
    }
}
