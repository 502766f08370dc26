//! Calling off a download:
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>.

use serde_json::json;

use crate::answer::without_data;
use crate::transport::Transport;
use crate::{Error, Secret};

const CANCEL: &str = "publish/cancel";

/// The answer has no `data`, only `error`.
pub(super) async fn cancel(
    transport: &Transport,
    token: &Secret,
    publish_id: &str,
) -> Result<(), Error> {
    let body = json!({ "publish_id": publish_id });
    let request = transport.json("/v2/post/publish/cancel/", token, &body);
    let received = transport.exchange(CANCEL, request).await?;
    without_data(CANCEL, &transport.api_host(), &received)
}
