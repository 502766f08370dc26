//! What to do about a file that is no video.

use video_probe::ProbeError;

/// What to do about it, as with a [`Finding`](super::check::Finding) of a video.
pub(crate) fn hint(error: &ProbeError) -> Option<&'static str> {
    match error {
        ProbeError::Empty | ProbeError::NoIndex => {
            Some("wait until the file is complete, or export it again")
        }
        ProbeError::NotAVideo { .. } => Some("convert it to MP4 with H.264"),
        ProbeError::NoPicture => Some("export it with a picture"),
        ProbeError::Io(_) => None,
    }
}
