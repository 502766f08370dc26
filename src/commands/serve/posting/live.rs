//! How far the posts of the console are while it posts them: what its runs say, by the `id` of each post.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast;

/// So many changes may wait for a page that reads slowly; it is told of what comes after.
const UNREAD: usize = 256;

/// Where a post of a running upload stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The post's `id`.
    pub(crate) id: String,
    /// `sending`, `stored`, `processing`, …: the `phase` of docs/JSON.md; of one that ended its `state`.
    pub(crate) phase: String,
    /// What people are told of it.
    pub(crate) words: Option<String>,
    /// Bytes of the file that were handed over.
    pub(crate) sent: u64,
    /// Its size in bytes, once that is known.
    pub(crate) size: u64,
    /// The chunk that was stored last, and how many there are.
    pub(crate) chunk: u32,
    pub(crate) chunks: u32,
    /// Whether its run is over.
    pub(crate) ended: bool,
}

impl Progress {
    /// Whether something is done for it now.
    pub(crate) fn is_at_work(&self) -> bool {
        let phase = self.phase.as_str();
        !self.ended && matches!(phase, "sending" | "stored" | "retrying" | "waiting" | "processing")
    }
}

/// What is under way, and who follows it.
#[derive(Debug)]
pub(crate) struct Live {
    posts: Mutex<HashMap<String, Progress>>,
    changes: broadcast::Sender<Progress>,
}

impl Default for Live {
    fn default() -> Self {
        Self { posts: Mutex::default(), changes: broadcast::Sender::new(UNREAD) }
    }
}

impl Live {
    /// Takes in what a run says of the post with this `id`.
    pub(crate) fn hear(&self, id: &str, event: &Value) {
        let mut posts = self.posts();
        let known = posts.entry(id.to_owned()).or_default();
        id.clone_into(&mut known.id);
        let number = |name: &str| event[name].as_u64();
        let small = |name: &str| number(name).and_then(|it| u32::try_from(it).ok());
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        match event["event"].as_str() {
            Some("progress") => {
                known.ended = false;
                let phase = text("phase").unwrap_or_default();
                // A note changes nothing of where the post stands.
                if !matches!(&*phase, "note" | "warning") {
                    known.phase = phase;
                }
                known.words = text("message").or(known.words.take());
                known.size = number("size").unwrap_or(known.size);
                known.sent = number("sent").unwrap_or(known.sent);
                known.chunk = small("chunk").unwrap_or(known.chunk);
                known.chunks = small("chunks").unwrap_or(known.chunks);
            }
            Some("post") => {
                known.ended = true;
                known.phase = text("state").unwrap_or_default();
                let why = event["error"]["message"].as_str().map(str::to_owned);
                known.words = why.or_else(|| text("note"));
            }
            _ => return,
        }
        // Nobody may be there to follow it.
        _ = self.changes.send(known.clone());
    }

    /// Where a post stands, if a run of this console has said anything of it.
    pub(crate) fn of(&self, id: &str) -> Option<Progress> {
        self.posts().get(id).cloned()
    }

    /// Everything from now on.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Progress> {
        self.changes.subscribe()
    }

    /// Forgets a post, whose end the journal knows.
    pub(crate) fn forget(&self, id: &str) {
        self.posts().remove(id);
    }

    fn posts(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_says_is_kept_and_handed_on() {
        let live = Live::default();
        let mut follows = live.follow();
        live.hear(
            "a",
            &json!({ "event": "progress", "phase": "sending", "sent": 0, "size": 10, "chunks": 2 }),
        );
        live.hear("a", &json!({ "event": "progress", "phase": "sending", "sent": 5 }));
        live.hear("a", &json!({ "event": "progress", "phase": "note", "message": "words" }));
        live.hear("a", &json!({ "event": "summary" }));
        let now = live.of("a").unwrap();
        assert_eq!((&*now.phase, now.sent, now.size, now.chunks), ("sending", 5, 10, 2));
        assert_eq!(now.words.as_deref(), Some("words"));
        live.hear(
            "a",
            &json!({ "event": "post", "state": "failed", "error": { "message": "why" } }),
        );
        let now = live.of("a").unwrap();
        assert_eq!((&*now.phase, now.ended, now.words.as_deref()), ("failed", true, Some("why")));
        let told: Vec<_> = std::iter::from_fn(|| follows.try_recv().ok()).collect();
        assert_eq!(told.len(), 4);
        live.forget("a");
        assert_eq!(live.of("a"), None);
    }
}
