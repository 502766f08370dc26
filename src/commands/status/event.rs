//! A post as `status` tells of it to programs.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::words::{reason_of, word, words_of};
use crate::commands::Context;
use crate::model::{Attempt, PostState};
use crate::output::{Refusal, Table, moment};

/// A post as `status --json` tells of it, whether the journal has it or only a manifest; its account is
/// added.
#[derive(Debug, Serialize)]
pub(super) struct StatusEvent<'a> {
    pub(super) event: &'static str,
    /// `None`: the journal does not have it.
    pub(super) post: Option<u32>,
    pub(super) video: &'a str,
    pub(super) id: Option<&'a str>,
    pub(super) mode: &'a str,
    /// The manifest whose last run says why it is not made, or in which it waits for its time.
    pub(super) manifest: Option<&'a str>,
    pub(super) state: &'static str,
    pub(super) phase: String,
    #[serde(rename = "final")]
    pub(super) is_final: bool,
    pub(super) publish_at: Option<Timestamp>,
    /// When it is worth another try, if that is still to come.
    pub(super) not_before: Option<Timestamp>,
    /// Whether another post of its account is to go in the same minute.
    pub(super) clash: bool,
    pub(super) publish_id: Option<&'a str>,
    pub(super) post_ids: Vec<String>,
    pub(super) attempts: u32,
    pub(super) reason: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) hint: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    /// What TikTok's list of videos tells of one whose outcome is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<serde_json::Value>,
    /// Its attempts, if it was asked for by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<Vec<serde_json::Value>>,
}

/// A manifest whose last run came to nothing. `mended`: what ended it is not there any more.
pub(super) fn manifest_event(manifest: &str, refusal: &Refusal, mended: bool) -> serde_json::Value {
    json!({
        "event": "manifest",
        "manifest": manifest,
        "state": if mended { PostState::Deferred.as_str() } else { "refused" },
        "message": (!mended).then_some(&refusal.message),
        "hint": refusal.hint.as_ref().filter(|_| !mended),
        "exit": refusal.exit,
        "since": refusal.since,
        "updated_at": refusal.seen,
    })
}

/// The attempts at a post that was asked for by its number.
pub(super) fn attempts(context: &Context, attempts: &[Attempt]) {
    let mut table =
        Table::new(&["ATTEMPT", "STATE", "BEGUN", "LAST CHANGE", "PUBLISH_ID", "REASON", "LOG_ID"]);
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    for attempt in attempts {
        table.row([
            attempt.number.to_string(),
            words_of(attempt).to_owned(),
            moment(attempt.created_at),
            moment(attempt.updated_at),
            or_dash(attempt.publish_id.as_deref()),
            or_dash(reason_of(attempt).1),
            or_dash(attempt.log_id.as_deref()),
        ]);
    }
    context.printer.data("");
    context.printer.table(&table);
}

pub(super) fn ids(attempt: &Attempt) -> String {
    post_ids(attempt).join(" ")
}

pub(super) fn post_ids(attempt: &Attempt) -> Vec<String> {
    attempt.post_ids.iter().map(ToString::to_string).collect()
}

/// An attempt of a post that was asked for by its number.
pub(super) fn history(attempt: &Attempt) -> serde_json::Value {
    let (reason, message) = reason_of(attempt);
    json!({
        "attempt": attempt.number,
        "state": word(words_of(attempt)),
        "publish_id": attempt.publish_id,
        "reason": reason,
        "message": message,
        "log_id": attempt.log_id,
        "created_at": attempt.created_at,
        "updated_at": attempt.updated_at,
    })
}
