//! What was measured of a video.

use std::time::Duration;

/// What the headers of a video file say; `None` where they say nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// `mp4`, `mov` or `webm`, by content. `None`: it is none of them.
    pub container: Option<&'static str>,
    /// Length of the longest of picture and sound.
    pub duration: Option<Duration>,
    /// Width and height of the coded picture in pixels, after the rotation that players apply.
    pub size: Option<(u32, u32)>,
    /// Average frames a second.
    pub frame_rate: Option<f64>,
    /// Whether the frames come at uneven distances.
    pub variable_frame_rate: bool,
    /// Codec of the picture.
    pub codec: Option<String>,
}
