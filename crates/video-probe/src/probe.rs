//! What a video file says about itself.

use std::io;
use std::ops::Range;
use std::time::Duration;

use thiserror::Error;

use crate::reader::{MAX_READ, Reader, Stop};
use crate::sniff::{self, OtherFile, Sniffed};
use crate::source::ReadAt;
use crate::{mp4, transfer, webm};

/// The containers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// ISO base media (ISO/IEC 14496-12), whatever its brand, but for pictures.
    Mp4,
    /// `QuickTime`, also without an `ftyp` box.
    Mov,
    /// `WebM`, also where its header says no more than Matroska; what a `WebM` may not hold is refused.
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
    /// Length of the longest of picture and sound.
    pub duration: Option<Duration>,
    /// Width of the coded picture in pixels, after the rotation that players apply; as the stream's own
    /// header tells it, where that was found.
    pub width: Option<u32>,
    /// Height of the coded picture in pixels, after the rotation that players apply.
    pub height: Option<u32>,
    /// Width and height that players stretch the picture to, where that differs.
    pub shown: Option<(u32, u32)>,
    /// Average frames a second, as the times of the frames tell it.
    pub frame_rate: Option<f64>,
    /// Whether the frames come at even distances, as far as that is known.
    pub steady: bool,
    /// Codec of the picture: `h264`, `h265`, `vp8`, `vp9`, `av1`, …, or the file's own code for it.
    pub codec: Option<String>,
    /// Whether every sample is there that the headers tell of. What follows the last one, or what sizes
    /// a box is told to have, does not count.
    pub complete: bool,
    /// Where only zeros are although pictures should be there, as far as some places of the file were looked
    /// at: a part that was never written. `None` where that is not certain.
    pub blank: Option<Range<u64>>,
    /// Whether picture or sound is encrypted (DRM).
    pub protected: bool,
    /// What is unusual about the file, although it can be read.
    pub oddities: Vec<Oddity>,
}

/// What is unusual about a file that can be read. Other programs may stumble over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// So many bytes before the container are an ID3 tag, or several.
    Leading(u64),
    /// Bytes before the container that are neither boxes nor a tag, or a tag without which the index would be
    /// right: hardly any other program reads on.
    Foreign {
        /// How many.
        count: u64,
        /// What they seem to be, with its article; `None` where that is not known.
        what: Option<&'static str>,
    },
    /// Nothing lies where the index says, or elements do not fill those that they are in, as after a transfer in
    /// text mode.
    Changed,
    /// An entry of one codec that carries the configuration of another.
    Miscoded {
        /// What the entry is called.
        told: &'static str,
        /// What its configuration is of.
        carried: &'static str,
    },
    /// A `WebM` that calls itself Matroska.
    CalledMatroska,
    /// The last box is said to be longer than the file, by so many bytes: as of a copy that is not complete, or as
    /// some programs leave it. All of the pictures are there.
    Overlong(u64),
    /// A box of a wrong size, behind which the index had to be looked for.
    BrokenChain,
    /// Another video behind the first, as `cat` joins them: players show the first alone.
    Second {
        /// Where it begins.
        at: u64,
    },
    /// More behind the end of the video than before it, and at least 1 MiB: as a download or copy leaves it
    /// whose file was made longer beforehand, or an export into a longer file that was there.
    Trailing {
        /// Where the video ends.
        end: u64,
        /// Bytes behind it.
        count: u64,
        /// Whether they are zeros, looked at in some places.
        zeros: bool,
    },
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
        /// What it seems to be instead.
        looks_like: Option<OtherFile>,
    },
    /// An MP4 or MOV without its `moov` box, or a `WebM` without its tracks.
    #[error("the video has no index: it is cut off, or still being written")]
    NoIndex,
    /// An index whose own boxes make no sense, or elements that lead nowhere.
    #[error("the bytes of this file were changed, as by a transfer in text mode")]
    Changed,
    /// Bytes that a program took for text: they are UTF-8 now, and were none.
    #[error("the bytes of this file were changed as it was read and written as text")]
    Reencoded,
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
            blank: None,
            protected: false,
            oddities: Vec::new(),
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
    // The budget is far larger than what this takes.
    let (sniffed, start) = match sniff::locate(&mut reader) {
        Ok(found) => found,
        Err(Stop::Budget) => (Sniffed::Other(None), 0),
        Err(Stop::Io(error)) => return Err(error.into()),
    };
    let leading = match sniff::leading(start, &mut reader) {
        Ok(leading) => leading,
        Err(Stop::Budget) => None,
        Err(Stop::Io(error)) => return Err(error.into()),
    };
    let found = match sniffed {
        Sniffed::Container(Container::WebM) => webm::probe(start, leading, &mut reader),
        Sniffed::Container(container) => mp4::probe(container, start, leading, &mut reader),
        Sniffed::Other(_) if !has_any(&mut reader)? => Err(ProbeError::Empty),
        Sniffed::Other(looks_like) => Err(ProbeError::NotAVideo { looks_like }),
    };
    match as_text(&found, &mut reader)? {
        Some(error) => Err(error),
        None => found,
    }
}

/// That a file whose structure is broken passed through a program for text, by its first bytes.
fn as_text(
    found: &Result<Probe, ProbeError>,
    reader: &mut Reader<'_>,
) -> Result<Option<ProbeError>, io::Error> {
    let broken = match found {
        Ok(probe) => !probe.complete || probe.oddities.contains(&Oddity::Changed),
        Err(ProbeError::NotAVideo { looks_like }) => looks_like.is_none(),
        Err(error) => !matches!(error, ProbeError::Empty | ProbeError::Io(_)),
    };
    if !broken {
        return Ok(None);
    }
    let head = match reader.some(0, reader.len(), MAX_READ) {
        Ok(head) => head,
        Err(Stop::Budget) => return Ok(None),
        Err(Stop::Io(error)) => return Err(error),
    };
    Ok(if transfer::is_reencoded(&head) {
        Some(ProbeError::Reencoded)
    } else {
        transfer::has_lines(&head).then_some(ProbeError::Changed)
    })
}

/// Whether there is a first byte.
fn has_any(reader: &mut Reader<'_>) -> Result<bool, io::Error> {
    match reader.array::<1>(0, reader.len()) {
        Ok(first) => Ok(first.is_some()),
        Err(Stop::Budget) => Ok(true),
        Err(Stop::Io(error)) => Err(error),
    }
}
