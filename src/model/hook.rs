//! What hooks are called for.

use serde::{Deserialize, Serialize};

/// Something that a person, or another program, may want to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HookKind {
    /// A post failed, or a whole run came to nothing.
    Failed,
    /// Nobody but a person can tell what became of a post.
    Unknown,
    /// An account has to log in.
    LoginNeeded,
    /// A draft lies in the account's inbox, to be finished in the TikTok app.
    DraftWaiting,
    /// A post was published.
    Published,
}

impl HookKind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Failed, Self::Unknown, Self::LoginNeeded, Self::DraftWaiting, Self::Published];

    /// Those that ask for a human.
    pub(crate) const USUAL: [Self; 4] =
        [Self::Failed, Self::Unknown, Self::LoginNeeded, Self::DraftWaiting];

    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::LoginNeeded => "login_needed",
            Self::DraftWaiting => "draft_waiting",
            Self::Published => "published",
        }
    }

    /// The kind of that word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
