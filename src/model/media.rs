//! What was measured of a video.

use std::time::Duration;

/// What the headers of a video file say; `None` where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Media {
    /// `mp4`, `mov` or `webm`, by content. `None`: it is none of them.
    pub(crate) container: Option<&'static str>,
    /// Length of the longest of picture and sound.
    pub(crate) duration: Option<Duration>,
    /// Width and height of the coded picture in pixels, after the rotation that players apply.
    pub(crate) size: Option<(u32, u32)>,
    /// Average frames a second.
    pub(crate) frame_rate: Option<f64>,
    /// Whether the frames come at uneven distances.
    pub(crate) variable_frame_rate: bool,
    /// Codec of the picture.
    pub(crate) codec: Option<String>,
}
