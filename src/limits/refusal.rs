//! What to do about a file that is no video.

use video_probe::{FileClass, OtherFile, ProbeError};

use crate::text;

/// What to do about a file whose bytes were changed.
pub(super) const BINARY: &str = "copy it again in binary, or export it again";

/// What to do about it, as with a [`Finding`](super::check::Finding) of a video.
pub(crate) fn hint(error: &ProbeError) -> Option<String> {
    let hint = match error {
        ProbeError::Empty | ProbeError::NoIndex => {
            "wait until the file is complete, or export it again"
        }
        ProbeError::NotAVideo { looks_like } => return Some(hint_for(*looks_like)),
        ProbeError::Changed => BINARY,
        ProbeError::Reencoded => "copy or download it again in binary",
        ProbeError::NoPicture => "export it with a picture",
        ProbeError::Io(_) => return None,
    };
    Some(hint.to_owned())
}

/// What to do, by what the file is instead.
fn hint_for(other: Option<OtherFile>) -> String {
    if let Some(command) = other.and_then(OtherFile::fetched_by) {
        return text::fetch_with(command);
    }
    let hint = match other.map(|other| other.class) {
        Some(FileClass::Picture) => {
            "pictures are posted with `photo_urls`, as JPEG or WebP, from an address that TikTok pulls"
        }
        Some(FileClass::Segment) => {
            "join it with the stream's beginning, or download the whole video"
        }
        Some(FileClass::Playlist) => "download the video that it lists",
        Some(FileClass::Archive) => "unpack it first",
        Some(FileClass::WebPage) => {
            "a server sent this instead of the video: look into it, and download again"
        }
        Some(FileClass::Sound) => "sound has no picture: export it as a video with one",
        Some(FileClass::Placeholder) => elsewhere(other.map_or("", |other| other.name)),
        Some(FileClass::Text) => {
            "only its name says video: look into it, and fetch or export the video again"
        }
        Some(FileClass::Unwritten) => {
            "a part of it was never written, as a download that was cut off leaves it: repeat the download, \
             copy or export"
        }
        Some(FileClass::Data) => "only its name says video: copy, fetch or export the video again",
        None => {
            "it is damaged, or of a kind that is not known here: see whether it plays, and copy, fetch or export it \
             again"
        }
        _ => "convert it to MP4 with H.264",
    };
    hint.to_owned()
}

/// How to come by the file that another one stands for.
fn elsewhere(name: &str) -> &'static str {
    if name.contains("shortcut") || name.contains("alias") {
        "it only leads to something else: name the video itself, or download it first"
    } else if name.contains("torrent") {
        "it only lists what can be downloaded: download the video first"
    } else if name.contains("`._`") {
        "name the file beside it, without `._`"
    } else {
        "it stands for a file that is elsewhere: fetch that first"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_depends_on_what_it_is() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\n".as_slice();
        let pointer = video_probe::probe(lfs, lfs.len() as u64).unwrap_err();
        assert!(hint(&pointer).unwrap().ends_with("fetch that with `git lfs pull`"));
        let shortcut = OtherFile { name: "an Internet shortcut", class: FileClass::Placeholder };
        assert!(hint_for(Some(shortcut)).contains("name the video itself"));
        let hint = |class| hint_for(Some(OtherFile { name: "it", class }));
        assert!(hint(FileClass::Sound).contains("no picture"));
        assert!(hint(FileClass::Picture).contains("photo_urls"));
        assert_eq!(hint(FileClass::Archive), "unpack it first");
        assert!(hint(FileClass::Text).contains("look into it"));
        assert!(hint(FileClass::Unwritten).contains("repeat the download"));
        assert!(!hint(FileClass::Data).contains("convert"));
        assert!(hint(FileClass::Video).contains("convert"));
        assert!(hint_for(None).contains("see whether it plays"));
    }
}
