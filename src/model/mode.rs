//! What becomes of the content of a post.

/// What becomes of the content of a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    /// Posted on the account at once.
    #[default]
    Direct,
    /// Put into the account's inbox, for a person to finish in the app.
    Draft,
}

impl Mode {
    /// All modes.
    pub(crate) const ALL: [Self; 2] = [Self::Direct, Self::Draft];

    /// As the manifest spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Draft => "draft",
        }
    }

    /// The mode that somebody means who writes `inbox` or `publish`: a guess, to ask with.
    pub(crate) fn meant_by(word: &str) -> Option<Self> {
        let word: String =
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match word.as_str() {
            "direct" | "directpost" | "live" | "now" | "post" | "publish" => Self::Direct,
            "draft" | "drafts" | "inbox" | "mediaupload" | "saveasdraft" | "upload" => Self::Draft,
            _ => return None,
        })
    }

    /// The scope that posts of this mode need.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::Direct => "video.publish",
            Self::Draft => "video.upload",
        }
    }
}
