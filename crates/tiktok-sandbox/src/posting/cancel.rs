//! `POST /v2/post/publish/cancel/`: stop a download.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>

use super::post::Media;
use super::{limits, status};
use crate::call::Call;
use crate::envelope::Refusal;
use crate::faults::Outcome;
use crate::state::World;

/// Works while a download runs. A file on its way in chunks is no download, and what is final stays.
pub(crate) fn cancel(world: &mut World, call: &Call) -> Result<(), Refusal> {
    let access = world.admit(call, &["video.upload", "video.publish"], limits::STATUS_A_MINUTE)?;
    let post = status::named(world, call, access)?;
    let runs = post.status(call.now, &world.rules).is_processing();
    let id = post.publish_id.clone();
    if !runs || matches!(post.media, Media::File(_)) {
        return Err(Refusal::coded("publish_not_cancellable"));
    }
    if let Some(post) = world.posts.get_mut(&id) {
        post.forced = Some(Outcome {
            status: "FAILED".to_owned(),
            fail_reason: Some("publish_cancelled".to_owned()),
            ..Outcome::default()
        });
    }
    Ok(())
}
