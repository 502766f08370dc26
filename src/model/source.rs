//! Where the content of a post comes from.

use super::location::Location;

/// Where the content of a post comes from.
///
/// `F` says what is known of a file that is sent in chunks: where it lies, or how it was planned
/// ([`LocalFile`](super::LocalFile)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source<F = Location> {
    /// `video_path`, or a `video_url` with `transfer: upload`: a file that is sent in chunks.
    File(F),
    /// `video_url`: an https URL that TikTok pulls the video from, exactly as written.
    Url(String),
    /// `photo_urls`: 1 to 35 https URLs that TikTok pulls the pictures from, exactly as written.
    Photos {
        /// The URLs, in the order of the slides.
        urls: Vec<String>,
        /// `photo_cover_index`: which one is the cover, counted from 0; always within `urls`.
        cover_index: u32,
    },
}

/// The kinds of [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SourceKind {
    /// A file that is sent in chunks.
    File,
    /// A video that TikTok pulls.
    Url,
    /// Photos that TikTok pulls.
    Photos,
}

impl<F> Source<F> {
    /// Which kind it is.
    pub(crate) fn kind(&self) -> SourceKind {
        match self {
            Self::File(_) => SourceKind::File,
            Self::Url(_) => SourceKind::Url,
            Self::Photos { .. } => SourceKind::Photos,
        }
    }

    /// The file, if it is one that is sent in chunks.
    pub(crate) fn file(&self) -> Option<&F> {
        match self {
            Self::File(file) => Some(file),
            Self::Url(_) | Self::Photos { .. } => None,
        }
    }

    /// Whether TikTok fetches it: then the init alone makes the post.
    pub(crate) fn is_pulled(&self) -> bool {
        self.file().is_none()
    }

    /// The URLs that TikTok fetches; none of a file.
    pub(crate) fn urls(&self) -> &[String] {
        match self {
            Self::File(_) => &[],
            Self::Url(url) => std::slice::from_ref(url),
            Self::Photos { urls, .. } => urls,
        }
    }
}
