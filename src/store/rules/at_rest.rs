//! `upload_url`s at rest, whatever they rest in.

use crate::encrypt::{self, Key, Place};
use crate::model::Attempt;
use crate::secret::Secret;

/// Where an `upload_url` belongs.
pub(in crate::store) fn place(account: &str, post: u32, attempt: u32) -> Place {
    Place::of(&["upload_url", account, &post.to_string(), &attempt.to_string()])
}

/// The `upload_url` of an attempt of an account, which the attempt itself has as it rests. `None`: there is
/// none, or none that can be read.
pub(in crate::store) fn upload_url(
    key: Option<&Key>,
    account: &str,
    attempt: &Attempt,
) -> Option<Secret> {
    let stored = attempt.upload_url.as_ref()?;
    if !encrypt::is_encrypted(stored.expose()) {
        return Some(stored.clone());
    }
    let place = place(account, attempt.post.0, attempt.number);
    let opened = key.map(|key| encrypt::open(key, stored.expose(), &place));
    match opened {
        Some(Ok(url)) => Some(url),
        other => {
            let why = other.map_or_else(
                || "the token store is not encrypted".to_owned(),
                |opened| opened.err().map(|error| error.to_string()).unwrap_or_default(),
            );
            let (post, attempt) = (attempt.post.0, attempt.number);
            tracing::warn!(post, attempt, why, "an encrypted upload_url cannot be read");
            None
        }
    }
}
