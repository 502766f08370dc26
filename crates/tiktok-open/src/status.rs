//! The status of a post:
//! <https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>.

use std::{fmt, slice};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::call;
use crate::transport::Transport;
use crate::{Error, Secret, text};

/// Where a post stands. Everything but the status word may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostStatus {
    /// The status word.
    pub state: State,
    /// Ids of public posts; often empty (private posts, moderation), several for some drafts. What is no
    /// id in the answer's list is left out.
    pub post_ids: Vec<u64>,
    /// Bytes of a `FILE_UPLOAD` that arrived: a count.
    pub uploaded_bytes: Option<u64>,
    /// Bytes of a `PULL_FROM_URL` that TikTok downloaded: a count.
    pub downloaded_bytes: Option<u64>,
}

/// The status word.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Still under way; also every word that no page lists.
    Processing,
    /// A draft was delivered to the user's inbox.
    Inboxed,
    /// Direct: posted. Draft: the user finished it.
    Published,
    /// It will not be posted.
    Failed(FailReason),
}

/// Why a post failed: a word such as `duration_check_failed`, of the list on the page above or not,
/// made harmless for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailReason(pub String);

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer: whatever stands in the other fields, the word for the state is read.
#[derive(Deserialize)]
struct Wire {
    status: String,
    #[serde(default)]
    fail_reason: Value,
    /// So written on the page; the other spelling in case it is mended.
    #[serde(default)]
    publicaly_available_post_id: Value,
    #[serde(default)]
    publicly_available_post_id: Value,
    #[serde(default)]
    uploaded_bytes: Value,
    #[serde(default)]
    downloaded_bytes: Value,
}

/// A list of ids, or one alone. They exceed 2^53; some clients saw them as text.
fn ids(value: &Value) -> impl Iterator<Item = u64> {
    let list = value.as_array().map_or_else(|| slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(number)
}

/// A number, also as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

impl From<Wire> for PostStatus {
    fn from(wire: Wire) -> Self {
        let state = match wire.status.as_str() {
            "PUBLISH_COMPLETE" => State::Published,
            "SEND_TO_USER_INBOX" => State::Inboxed,
            "FAILED" => State::Failed(FailReason(text::plain(
                wire.fail_reason.as_str().unwrap_or("unknown"),
            ))),
            _ => State::Processing,
        };
        let mut post_ids: Vec<_> = ids(&wire.publicaly_available_post_id).collect();
        if post_ids.is_empty() {
            post_ids.extend(ids(&wire.publicly_available_post_id));
        }
        Self {
            state,
            post_ids,
            uploaded_bytes: number(&wire.uploaded_bytes),
            downloaded_bytes: number(&wire.downloaded_bytes),
        }
    }
}

pub(super) async fn fetch(
    transport: &Transport,
    token: &Secret,
    publish_id: &str,
) -> Result<PostStatus, Error> {
    let body = json!({ "publish_id": publish_id });
    let request = transport.json("/v2/post/publish/status/fetch/", token, &body);
    call::<Wire>(transport, "status/fetch", request).await.map(PostStatus::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> PostStatus {
        serde_json::from_str::<Wire>(json).unwrap().into()
    }

    #[test]
    fn ids_beyond_2_53_and_as_text_are_kept_whole() {
        let status = read(
            r#"{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":[7512345678901234567,"7512345678901234568"]}"#,
        );
        assert_eq!(status.post_ids, [7_512_345_678_901_234_567, 7_512_345_678_901_234_568]);
    }

    #[test]
    fn an_odd_field_does_not_hide_the_state() {
        for odd in [
            r#""publicaly_available_post_id":[-1,null,{}],"publicly_available_post_id":null"#,
            r#""uploaded_bytes":"much""#,
            r#""uploaded_bytes":-1,"downloaded_bytes":3.5"#,
            r#""fail_reason":7"#,
        ] {
            let status = read(&format!(r#"{{"status":"PUBLISH_COMPLETE",{odd}}}"#));
            assert_eq!(
                (status.state, status.post_ids, status.uploaded_bytes),
                (State::Published, vec![], None)
            );
        }
        let both = r#"{"status":"PUBLISH_COMPLETE","publicaly_available_post_id":["7"],"publicly_available_post_id":[7]}"#;
        assert_eq!(read(both).post_ids, [7]);
    }

    #[test]
    fn only_the_status_word_is_needed() {
        assert_eq!(read(r#"{"status":"SEND_TO_USER_INBOX"}"#).state, State::Inboxed);
        assert_eq!(
            read(r#"{"fail_reason":"internal","status":"FAILED"}"#).state,
            State::Failed(FailReason("internal".into()))
        );
    }

    #[test]
    fn an_unknown_word_is_still_processing() {
        assert_eq!(read(r#"{"status":"REVIEWING"}"#).state, State::Processing);
    }
}
