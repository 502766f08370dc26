//! How a video behind a URL gets to TikTok.

/// How a video behind a URL gets to TikTok.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    /// TikTok fetches it.
    #[default]
    Pull,
    /// This program reads it and sends it on.
    Upload,
}

impl Transport {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Pull, Self::Upload];

    /// As the manifest spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Upload => "upload",
        }
    }

    /// What somebody means who writes `FILE_UPLOAD` or `pull_from_url`: a guess, to ask with.
    pub(crate) fn meant_by(word: &str) -> Option<Self> {
        let word: String =
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match word.as_str() {
            "pull" | "pullfromurl" | "url" | "tiktok" => Self::Pull,
            "upload" | "fileupload" | "push" | "send" | "file" => Self::Upload,
            _ => return None,
        })
    }
}
