//! What a video file says about itself.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::reader::{Reader, Stop};
use crate::sniff::{self, Sniffed};
use crate::source::ReadAt;
use crate::{mp4, webm};

/// The containers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// ISO base media (ISO/IEC 14496-12), whatever its brand, but for pictures.
    Mp4,
    /// `QuickTime`, also without an `ftyp` box.
    Mov,
    /// `WebM`; other Matroska files are refused.
    WebM,
}

impl Container {
    /// The media type, as in an HTTP `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::WebM => "video/webm",
        }
    }
}

/// What the headers of a video file say; `None` where they say nothing or could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Container, by content; the file's name plays no part.
    pub container: Container,
    /// Length.
    pub duration: Option<Duration>,
    /// Width of the coded picture in pixels, after the rotation that players apply.
    pub width: Option<u32>,
    /// Height of the coded picture in pixels, after the rotation that players apply.
    pub height: Option<u32>,
    /// Width and height that players stretch the picture to, where that differs.
    pub shown: Option<(u32, u32)>,
    /// Average frames a second.
    pub frame_rate: Option<f64>,
    /// Whether the frames come at even distances, as far as that is known.
    pub steady: bool,
    /// Codec of the picture: `h264`, `h265`, `vp8`, `vp9`, `av1`, …, or the file's own code for it.
    pub codec: Option<String>,
    /// Whether the file is all there, as far as its headers tell.
    pub complete: bool,
}

/// Why a file is no video that can be played; but for [`Io`](Self::Io) another look says the same
/// until the file changes. `Display` is a lowercase fragment.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Not one of the [containers](Container) that are read.
    #[error("not an MP4, MOV or WebM video{}", .looks_like.map(|it| format!(": this is {it}")).unwrap_or_default())]
    NotAVideo {
        /// What it seems to be instead, with its article: `an AVI video`.
        looks_like: Option<&'static str>,
    },
    /// An MP4 or MOV without its `moov` box, or a `WebM` without its tracks.
    #[error("the video has no index: it is cut off, or still being written")]
    NoIndex,
    /// Sound only.
    #[error("the file has no picture, only sound or data")]
    NoPicture,
    /// Reading failed.
    #[error("cannot read the video")]
    Io(#[from] io::Error),
}

impl Probe {
    /// A video of which nothing is known but its container, taken for complete.
    pub fn unknown(container: Container) -> Self {
        Self {
            container,
            duration: None,
            width: None,
            height: None,
            shown: None,
            frame_rate: None,
            steady: false,
            codec: None,
            complete: true,
        }
    }
}

/// Looks at the headers of a video of `len` bytes.
///
/// Reads at most 8 MiB in pieces of at most 64 KiB and looks at no more than 200,000 boxes or elements,
/// whatever the file says; never panics. What is not found within these limits is `None`.
///
/// `len` is the length to judge by; if the source has become shorter since, what is missing counts as
/// cut off, and is no error.
pub fn probe<S: ReadAt + ?Sized>(source: &S, len: u64) -> Result<Probe, ProbeError> {
    let mut reader = Reader::new(&source, len);
    let head = match reader.some(0, len, sniff::LENGTH) {
        Ok(head) => head,
        Err(Stop::Budget) => Vec::new(),
        Err(Stop::Io(error)) => return Err(error.into()),
    };
    if head.is_empty() {
        return Err(ProbeError::Empty);
    }
    match sniff::sniff(&head) {
        Sniffed::Container(Container::WebM) => webm::probe(&mut reader),
        Sniffed::Container(container) => mp4::probe(container, &mut reader),
        Sniffed::Other(looks_like) => Err(ProbeError::NotAVideo { looks_like }),
    }
}
