//! TikTok's limits, compared with what a file says about itself.

use std::fmt;
use std::time::Duration;

use super::probe::Probe;

/// What speaks against a video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What TikTok surely refuses; each alone forbids the upload.
    pub errors: Vec<Finding>,
    /// What TikTok may refuse, or what could not be read.
    pub warnings: Vec<Finding>,
}

/// One thing that speaks against a video; `Display` is a lowercase fragment.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// More bytes than TikTok takes.
    Size(u64),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "{size} bytes"),
        }
    }
}

/// Compares a video of `size` bytes with TikTok's limits; `max_duration` is the creator's own
/// `max_video_post_duration_sec`, where it is known.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
pub fn check(probe: &Probe, size: u64, max_duration: Option<Duration>) -> Findings {
    let _ = (probe, size, max_duration);
    Findings::default()
}
