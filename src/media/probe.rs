//! What a video file says about itself.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::reader::{Reader, Stop};
use super::sniff::{self, Sniffed};
use super::source::ReadAt;
use super::{mp4, webm};
use crate::exit::{Exit, Explain};

/// The containers that TikTok takes.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// ISO base media.
    Mp4,
    /// `QuickTime`.
    Mov,
    /// `WebM`.
    WebM,
}

impl Container {
    /// The `Content-Type` of each chunk.
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

/// Why a file cannot be a video for TikTok; each is as final as an error of [`check`](super::check()).
#[derive(Debug, Error)]
pub enum ProbeError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Not one of the containers that TikTok takes.
    #[error("not an MP4, MOV or WebM video{}", .looks_like.map(|it| format!(": this is {it}")).unwrap_or_default())]
    NotAVideo {
        /// What it seems to be instead, with its article.
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

impl Explain for ProbeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Io(_) => Exit::Local,
            _ => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Empty | Self::NoIndex => {
                Some("wait until the file is complete, or export it again".to_owned())
            }
            Self::NotAVideo { .. } => Some("convert it to MP4 with H.264".to_owned()),
            Self::NoPicture => Some("export it with a picture".to_owned()),
            Self::Io(_) => None,
        }
    }
}

impl Probe {
    /// A video of which nothing is known but its container.
    pub(super) fn unknown(container: Container) -> Self {
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
/// Reads at most 8 MiB in pieces of at most 64 KiB, whatever the file says; never panics.
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
