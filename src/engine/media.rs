//! What is found out about a video before anything of it is sent, and what speaks against it.

use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::Path;

use video_probe::{Container, Oddity, Probe};

use crate::limits::{self, Finding};
use crate::model::{Media, Mode, Post};
use crate::source::Video;
use crate::text;

/// What speaks against a video, while it is looked at.
#[derive(Debug, Default)]
pub(super) struct MediaCheck {
    /// Whether it is sent all the same.
    pub(super) skip: bool,
    pub(super) refusals: Vec<Refusal>,
    pub(super) warnings: Vec<String>,
}

/// What keeps a video from being sent.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The manifest's field that it is about.
    pub(super) field: &'static str,
    /// Whether somebody may know better.
    pub(super) doubtful: bool,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl MediaCheck {
    /// Makes warnings of the refusals; `why` ends them.
    pub(super) fn overrule(&mut self, why: &str) {
        let refusals = std::mem::take(&mut self.refusals).into_iter();
        self.warnings.extend(refusals.map(|refusal| format!("{}; {why}", refusal.message)));
    }

    pub(super) fn refuse(&mut self, message: String, hint: Option<String>) {
        self.refuse_field("video_path", message, hint, false);
    }

    fn refuse_field(
        &mut self,
        field: &'static str,
        message: String,
        hint: Option<String>,
        doubtful: bool,
    ) {
        if self.skip {
            self.warnings.push(format!("{message}; it is sent all the same (`skip_media_check`)"));
        } else {
            self.refusals.push(Refusal { field, doubtful, message, hint });
        }
    }

    /// A part that was never written.
    pub(super) fn hole(&mut self, hole: Option<Range<u64>>) {
        let Some(hole) = hole else { return };
        let message = format!(
            "a part of it was never written: {} at byte {} are a hole",
            text::size(hole.end - hole.start),
            hole.start
        );
        let hint = "repeat the download, copy or export; if there should be zeros, write them out with \
                    `cp --sparse=never`";
        self.refuse(message, Some(hint.to_owned()));
    }

    pub(super) fn limits(&mut self, probe: &Probe, size: u64, post: &Post) {
        // How long a direct post may be, TikTok says of each creator, before the init.
        let longest = match post.mode {
            Mode::Draft => Some(limits::DRAFT_DURATION),
            Mode::Direct => None,
        };
        let findings = limits::check(probe, size, longest);
        // Where something is missing, or nobody can play it, nothing else that is found matters.
        let is_sure = |finding: &Finding| {
            let changed = *finding == Finding::Odd(Oddity::Changed);
            changed || matches!(finding, Finding::CutOff | Finding::Protected)
        };
        let doubtful = !findings.errors.iter().any(is_sure);
        for finding in findings.errors {
            let (message, hint) = (finding.to_string(), finding.hint().to_owned());
            self.refuse_field("video_path", message, Some(hint), doubtful);
        }
        self.warnings.extend(findings.warnings.iter().map(ToString::to_string));
        if let (Some(cover), Some(length)) = (post.cover_timestamp_ms, probe.duration)
            && u128::try_from(cover).is_ok_and(|cover| cover > length.as_millis())
        {
            let length = length.as_secs_f64();
            let message =
                format!("{cover} ms is after the end of the video, which lasts {length:.1} s");
            self.refuse_field("video_cover_timestamp_ms", message, None, false);
        }
    }
}

/// What lies behind the end of a video, if it can be read and that is a lot.
pub(super) async fn trailing(video: &Video) -> Option<Finding> {
    let probed = video.examine(|video| video_probe::probe(video, video.size())).await;
    limits::trailing(&probed.ok()?)
}

/// The first part of a video that was never written; of what is no local file, none is known.
pub(super) async fn hole(video: &Video, container: Container) -> io::Result<Option<Range<u64>>> {
    let first = move |video: &Video| match video.file() {
        Some(file) => limits::first_hole(file, video.size(), container),
        None => Ok(None),
    };
    video.examine(first).await
}

/// What is told of a video that was measured.
pub(super) fn media(probe: Probe) -> Media {
    Media {
        container: Some(match probe.container {
            Container::Mp4 => "mp4",
            Container::Mov => "mov",
            Container::WebM => "webm",
        }),
        duration: probe.duration,
        size: probe.width.zip(probe.height),
        frame_rate: probe.frame_rate,
        variable_frame_rate: probe.frame_rate.is_some() && !probe.steady,
        codec: probe.codec,
    }
}

/// The media type of a file that could not be read as a video, by its name.
pub(super) fn content_type_of(path: &Path) -> &'static str {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    let container = match extension.as_ref().and_then(|it| it.to_str()) {
        Some("mov" | "qt") => Container::Mov,
        Some("webm") => Container::WebM,
        _ => Container::Mp4,
    };
    container.content_type()
}
