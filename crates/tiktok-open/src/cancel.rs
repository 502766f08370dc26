//! Calling off a download:
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>.

use serde_json::json;

use crate::answer::{is_plain_success, refusal};
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
    if let Some(refusal) = refusal(CANCEL, &received) {
        return Err(refusal.into());
    }
    if is_plain_success(&received) {
        return Ok(());
    }
    Err(Error::NotTikTok {
        host: transport.api_host(),
        call: CANCEL,
        status: received.status,
        what: "neither empty nor an error".into(),
    })
}
