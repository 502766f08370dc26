//! What the other commands write with `--json`, as docs/JSON.md describes it, read for the pages.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A post as `status` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct StatusPost {
    pub(super) post: Option<u32>,
    pub(super) account: String,
    pub(super) open_id: String,
    pub(super) display_name: Option<String>,
    pub(super) video: String,
    pub(super) id: Option<String>,
    pub(super) mode: String,
    pub(super) manifest: Option<String>,
    pub(super) state: String,
    pub(super) phase: String,
    #[serde(rename = "final")]
    pub(super) is_final: bool,
    pub(super) publish_at: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) clash: bool,
    pub(super) publish_id: Option<String>,
    pub(super) post_ids: Vec<String>,
    pub(super) attempts: u32,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) history: Option<Vec<StatusAttempt>>,
}

/// An attempt at a post that was asked for by its number.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct StatusAttempt {
    pub(super) attempt: u32,
    pub(super) state: String,
    pub(super) publish_id: Option<String>,
    pub(super) message: Option<String>,
    pub(super) log_id: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
}

/// An account as `accounts` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct KnownAccount {
    /// What it is called.
    pub(super) account: String,
    pub(super) open_id: String,
    pub(super) display_name: Option<String>,
    pub(super) alias: Option<String>,
    pub(super) app: Option<String>,
    pub(super) app_configured: bool,
    pub(super) scopes: Vec<String>,
    pub(super) access_expires_at: Option<Timestamp>,
    pub(super) refresh_expires_at: Option<Timestamp>,
    pub(super) health: String,
    pub(super) needs_login: Option<String>,
    pub(super) paused_since: Option<Timestamp>,
    pub(super) tokens_at_rest: String,
}

/// A post as `history` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct HistoryPost {
    pub(super) post: u32,
    pub(super) account: String,
    pub(super) open_id: String,
    pub(super) display_name: Option<String>,
    pub(super) posted_at: Timestamp,
    pub(super) video: String,
    pub(super) id: Option<String>,
    pub(super) mode: String,
    pub(super) state: String,
    pub(super) post_ids: Vec<String>,
    pub(super) url: Option<String>,
    pub(super) cover: Option<String>,
    pub(super) views: Option<u64>,
    pub(super) likes: Option<u64>,
    pub(super) comments: Option<u64>,
    pub(super) shares: Option<u64>,
}

/// A finding of `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Check {
    #[serde(rename = "check")]
    pub(super) what: String,
    pub(super) ok: bool,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A setting as `config` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) set: bool,
    pub(super) secret: bool,
    pub(super) from: Option<String>,
    pub(super) line: Option<u32>,
}

/// How far a post has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of it is at TikTok that could be made a post.
    Waiting,
    /// A run sends it, or was cut off while it did: without its last chunk there is no post.
    Sending,
    /// TikTok has all of it, or may have.
    MayBeMade,
    /// Nothing more is to be done for it.
    Made,
}

/// What people call an account: its alias, else its name at TikTok.
fn called(account: &str, open_id: &str, display_name: Option<&str>) -> String {
    display_name.filter(|_| account == open_id).unwrap_or(account).to_owned()
}

impl StatusPost {
    /// How far it has come, for whoever wants to change it.
    pub(super) fn stage(&self) -> Stage {
        match (self.state.as_str(), self.phase.as_str()) {
            ("published" | "inbox" | "skipped", _) => Stage::Made,
            ("processing", "starting" | "uploading") => Stage::Sending,
            ("unresolved" | "processing", _) => Stage::MayBeMade,
            _ => Stage::Waiting,
        }
    }

    /// What people call its account.
    pub(super) fn account_name(&self) -> String {
        called(&self.account, &self.open_id, self.display_name.as_deref())
    }
}

impl KnownAccount {
    /// What people call it.
    pub(super) fn name(&self) -> String {
        called(&self.account, &self.open_id, self.display_name.as_deref())
    }
}

impl HistoryPost {
    /// What people call its account.
    pub(super) fn account_name(&self) -> String {
        called(&self.account, &self.open_id, self.display_name.as_deref())
    }
}
