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

    /// The scope that posts of this mode need.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::Direct => "video.publish",
            Self::Draft => "video.upload",
        }
    }
}
