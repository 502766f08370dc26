//! TikTok's limits, compared with what a file says about itself.

use std::fmt;
use std::time::Duration;

use video_probe::{Oddity, Probe};

use super::refusal::BINARY;
use crate::text;

/// The most bytes, read generously: the documented "4 GB" may mean 2³² bytes.
const MAX_SIZE: u64 = 4_294_967_296;

/// The most bytes, read strictly: beyond, "4 GB" may mean that this is too much.
const SURE_SIZE: u64 = 4_000_000_000;

/// The longest video that the API takes as a draft.
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
pub(crate) const DRAFT_DURATION: Duration = Duration::from_mins(10);

/// The longest video that nothing is said of while the creator's own limit is not known: many may post
/// an hour, some no more than this.
const USUAL_DURATION: Duration = Duration::from_mins(10);

/// The codecs that TikTok's list names.
const TAKEN: [&str; 4] = ["h264", "h265", "vp8", "vp9"];

/// The codecs that are known, and surely not on that list.
const NOT_TAKEN: [&str; 41] = [
    "8bps",
    "aic",
    "apv",
    "av1",
    "avs",
    "cineform",
    "cinepak",
    "dirac",
    "dnxhd",
    "dv",
    "encrypted",
    "evc",
    "flv1",
    "gif",
    "h261",
    "h263",
    "h266",
    "hap",
    "indeo",
    "jpeg2000",
    "lossless",
    "mjpeg",
    "mpeg1",
    "mpeg2",
    "mpeg4",
    "png",
    "prores",
    "qdrw",
    "qtrle",
    "realvideo",
    "rpza",
    "smc",
    "snow",
    "sorenson",
    "targa",
    "theora",
    "tiff",
    "tscc",
    "uncompressed",
    "vc1",
    "vp6",
];

/// How much longer a video may be told to be: containers round, and sound outlasts the picture.
const DURATION_SLACK: Duration = Duration::from_secs(1);

/// The least and the most pixels of either side.
const SIDE: std::ops::RangeInclusive<u32> = 360..=4096;

/// The least and the most frames a second, with room for 23.976 and for rounding.
const FRAME_RATE: std::ops::RangeInclusive<f64> = 22.5..=60.5;

/// What speaks against a video.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Findings {
    /// What TikTok surely refuses; each alone forbids the upload.
    pub(crate) errors: Vec<Finding>,
    /// What TikTok may refuse, and what could not be read.
    pub(crate) warnings: Vec<Finding>,
}

/// One thing that speaks against a video; `Display` is a lowercase fragment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    /// The end of the file is missing.
    CutOff,
    /// Only zeros from this byte on, where pictures should be.
    Blank(u64),
    /// Larger, in bytes, than TikTok takes.
    Size {
        /// Bytes.
        size: u64,
        /// Whether most of them lie behind the end of the video.
        padded: bool,
    },
    /// Longer than may be posted.
    Duration {
        /// What the file says.
        actual: Duration,
        /// The longest that may be posted.
        limit: Duration,
    },
    /// Longer than some creators may post, and what this one may is not known yet.
    Long(Duration),
    /// A side too short or too long, in pixels.
    Picture {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
    },
    /// Pixels that are not square, and a side that is too short or too long as it is coded, but not as it is
    /// shown.
    Stretched {
        /// Width and height as they are coded, in pixels.
        coded: (u32, u32),
        /// Width and height that players show.
        shown: (u32, u32),
    },
    /// Too few or too many frames a second.
    FrameRate(f64),
    /// Too few or too many frames a second on average, and at uneven distances.
    VariableFrameRate(f64),
    /// A codec that TikTok does not take, or that is not known here.
    Codec(String),
    /// Encrypted picture or sound.
    Protected,
    /// Something that TikTok may stumble over.
    Odd(Oddity),
    /// Not to be read from the file, so TikTok judges it alone: the length, for example.
    Unread(&'static str),
}

impl Finding {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::CutOff => "wait until the file is complete, or copy it again",
            Self::Odd(Oddity::Changed) => BINARY,
            Self::Odd(Oddity::Foreign { .. }) => "take them away, or download it again",
            Self::Odd(Oddity::Miscoded { .. }) => "export it again as MP4 with H.264",
            Self::Blank(_)
            | Self::Size { padded: true, .. }
            | Self::Odd(Oddity::Trailing { .. }) => {
                "repeat the download, copy or export that wrote it"
            }
            Self::Odd(Oddity::Second { .. }) => {
                "post each by itself, or join them with a video editor"
            }
            Self::Size { padded: false, .. } => "export it with a lower bit rate",
            Self::Duration { .. } | Self::Long(_) => "cut it shorter",
            Self::Picture { .. } | Self::Stretched { .. } => {
                "export it with both sides between 360 and 4096 pixels"
            }
            Self::FrameRate(_) | Self::VariableFrameRate(_) => {
                "export it with 23 to 60 frames a second"
            }
            Self::Codec(_) => "export it with H.264",
            Self::Protected => "export it without protection",
            Self::Odd(_) | Self::Unread(_) => {
                "if TikTok refuses it, export it again as MP4 with H.264"
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("the file is cut off, or still being written"),
            Self::Blank(at) => write!(
                f,
                "there are only zeros where pictures should be, at byte {at}: a part of the file was never \
                 written"
            ),
            Self::Size { size, .. } => {
                write!(f, "the file has {size} bytes, and TikTok takes 4 GB")
            }
            Self::Duration { actual, limit } => {
                let (actual, limit) = (clock(*actual), clock(*limit));
                write!(f, "the video lasts {actual}, and {limit} may be posted")
            }
            Self::Long(actual) => {
                let (actual, usual) = (clock(*actual), clock(USUAL_DURATION));
                write!(
                    f,
                    "the video lasts {actual}, and not every creator may post more than {usual}"
                )
            }
            Self::Picture { width, height } => {
                let (least, most) = SIDE.into_inner();
                write!(
                    f,
                    "the picture has {width}x{height} pixels, and TikTok takes {least} to {most} a side"
                )
            }
            Self::Stretched { coded: (width, height), shown: (wide, high) } => {
                let (least, most) = SIDE.into_inner();
                write!(
                    f,
                    "the picture is shown with {wide}x{high} pixels and coded with {width}x{height}, and \
                     TikTok takes {least} to {most} a side, by a measure that it does not tell"
                )
            }
            Self::FrameRate(rate) => {
                write!(f, "the video has {rate:.2} frames a second, and TikTok takes 23 to 60")
            }
            Self::VariableFrameRate(rate) => write!(
                f,
                "the video has {rate:.2} frames a second on average, at uneven distances, and TikTok \
                 takes 23 to 60"
            ),
            Self::Protected => f.write_str("picture or sound is encrypted (DRM)"),
            Self::Odd(Oddity::CalledMatroska) => f.write_str(
                "the file calls itself Matroska, although it is a WebM by what it holds",
            ),
            Self::Odd(Oddity::Leading(count)) => {
                write!(f, "an ID3 tag of {} stands before the video", text::count(*count, "byte"))
            }
            Self::Odd(Oddity::Foreign { count, what }) => {
                let kind = what.map(|what| format!(" ({what})")).unwrap_or_default();
                let stand = if *count == 1 { "stands" } else { "stand" };
                let count = text::count(*count, "byte");
                write!(f, "{count} of something else{kind} {stand} before the video")
            }
            Self::Odd(Oddity::Changed) => {
                f.write_str(
                    "nothing lies where the file says: its bytes were changed on the way, as by a transfer in text mode, or \
                     moved by a program that left its index as it was",
                )
            }
            Self::Odd(Oddity::Overlong(count)) => {
                let count = text::count(*count, "byte");
                write!(
                    f,
                    "the file's last box is said to be {count} longer than the file: so looks a copy or download that \
                     is not complete, and once it is complete it is another video, and another post"
                )
            }
            Self::Odd(Oddity::Miscoded { told, carried }) => {
                write!(f, "the file says {told} and carries the configuration of {carried}")
            }
            Self::Odd(Oddity::Second { at }) => write!(
                f,
                "a second video begins after {}, and only the first is played",
                text::size(*at)
            ),
            Self::Odd(Oddity::Trailing { end, count, zeros }) => {
                let what = if *zeros { " of zeros" } else { "" };
                let (end, count) = (text::size(*end), text::size(*count));
                write!(f, "the video ends after {end}, and {count}{what} lie behind its end")
            }
            Self::Odd(_) => f.write_str(
                "the sizes of the file's boxes do not lead to its index, as after a transfer in text mode: if \
                 TikTok refuses it, copy it again in binary, or export it again",
            ),
            Self::Codec(name) => {
                write!(f, "the codec is `{name}`, and TikTok takes H.264, H.265, VP8 and VP9")
            }
            Self::Unread(what) => write!(f, "the file does not tell {what}"),
        }
    }
}

/// A length as people write it: `3:05`, with a fraction where there is one.
fn clock(length: Duration) -> String {
    let (minutes, seconds) = (length.as_secs() / 60, length.as_secs() % 60);
    match length.subsec_millis() {
        0 => format!("{minutes}:{seconds:02}"),
        millis => format!("{minutes}:{seconds:02}.{millis:03}"),
    }
}

/// Compares a video of `size` bytes with TikTok's limits; `longest` is how long it may be: of a direct
/// post the creator's own `max_video_post_duration_sec` alone, where it is known, and of a draft
/// [`DRAFT_DURATION`].
///
/// <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>
pub(crate) fn check(probe: &Probe, size: u64, longest: Option<Duration>) -> Findings {
    let mut findings = Findings::default();
    // What is not where it should be may be there all the same.
    if !probe.complete && !probe.oddities.contains(&Oddity::Changed) {
        findings.errors.push(Finding::CutOff);
    }
    findings.errors.extend(probe.blank.as_ref().map(|blank| Finding::Blank(blank.start)));
    findings.check_size(size, trailing(probe).is_some());
    findings.check_duration(probe, longest);
    findings.check_picture(probe);
    findings.check_frame_rate(probe);
    findings.check_codec(probe);
    findings.check_wrapping(probe);
    findings
}

/// That more lies behind the end of a video than before it.
pub(crate) fn trailing(probe: &Probe) -> Option<Finding> {
    let mut oddities = probe.oddities.iter().copied();
    oddities.find(|odd| matches!(odd, Oddity::Trailing { .. })).map(Finding::Odd)
}

/// How a length fits a limit: `Some(true)` if TikTok refuses it, `Some(false)` if it may. Containers
/// round, and sound outlasts the picture.
pub(crate) fn is_too_long(actual: Duration, limit: Duration) -> Option<bool> {
    let slack = DURATION_SLACK.min(limit / 50);
    (actual > limit).then_some(actual >= limit.saturating_add(slack))
}

impl Findings {
    fn check_size(&mut self, size: u64, padded: bool) {
        if size > MAX_SIZE {
            self.errors.push(Finding::Size { size, padded });
        } else if size > SURE_SIZE {
            self.warnings.push(Finding::Size { size, padded });
        }
    }

    fn check_duration(&mut self, probe: &Probe, longest: Option<Duration>) {
        let Some(actual) = probe.duration else {
            self.warnings.push(Finding::Unread("how long the video lasts"));
            return;
        };
        let Some(limit) = longest else {
            if actual > USUAL_DURATION {
                self.warnings.push(Finding::Long(actual));
            }
            return;
        };
        match is_too_long(actual, limit) {
            Some(true) => self.errors.push(Finding::Duration { actual, limit }),
            Some(false) => self.warnings.push(Finding::Duration { actual, limit }),
            None => {}
        }
    }

    fn check_picture(&mut self, probe: &Probe) {
        let fits = |(width, height): (u32, u32)| SIDE.contains(&width) && SIDE.contains(&height);
        let Some((width, height)) = probe.width.zip(probe.height) else {
            self.warnings.push(Finding::Unread("the size of its picture"));
            return;
        };
        if fits((width, height)) {
            return;
        }
        // Which of the two sizes TikTok measures is not documented.
        match probe.shown.filter(|shown| fits(*shown)) {
            Some(shown) => {
                self.warnings.push(Finding::Stretched { coded: (width, height), shown });
            }
            None => self.errors.push(Finding::Picture { width, height }),
        }
    }

    fn check_frame_rate(&mut self, probe: &Probe) {
        let Some(rate) = probe.frame_rate else {
            self.warnings.push(Finding::Unread("how many frames a second it has"));
            return;
        };
        if FRAME_RATE.contains(&rate) {
            return;
        }
        // Of frames that come as they like, TikTok may measure another rate than their average.
        if probe.steady {
            self.errors.push(Finding::FrameRate(rate));
        } else {
            self.warnings.push(Finding::VariableFrameRate(rate));
        }
    }

    fn check_codec(&mut self, probe: &Probe) {
        match probe.codec.as_deref() {
            None => self.warnings.push(Finding::Unread("its codec")),
            Some(name) if TAKEN.contains(&name) => {}
            Some(name) if NOT_TAKEN.contains(&name) => {
                self.errors.push(Finding::Codec(name.to_owned()));
            }
            Some(name) => self.warnings.push(Finding::Codec(name.to_owned())),
        }
    }

    /// What is around the pictures rather than in them.
    fn check_wrapping(&mut self, probe: &Probe) {
        if probe.protected {
            self.errors.push(Finding::Protected);
        }
        for oddity in probe.oddities.iter().copied() {
            let unreadable = matches!(
                oddity,
                Oddity::Changed | Oddity::Foreign { .. } | Oddity::Miscoded { .. }
            );
            let found = if unreadable { &mut self.errors } else { &mut self.warnings };
            found.push(Finding::Odd(oddity));
        }
    }
}

#[cfg(test)]
mod tests {
    use video_probe::Container;

    use super::*;

    /// A video with nothing wrong.
    fn good() -> Probe {
        Probe {
            duration: Some(Duration::from_secs(30)),
            width: Some(1080),
            height: Some(1920),
            frame_rate: Some(30.0),
            steady: true,
            codec: Some("h264".to_owned()),
            ..Probe::unknown(Container::Mp4)
        }
    }

    const SIZE: u64 = 1_000_000;

    fn errors(probe: &Probe) -> Vec<Finding> {
        let findings = check(probe, SIZE, None);
        assert_eq!(findings.warnings, []);
        findings.errors
    }

    fn warnings(probe: &Probe) -> Vec<Finding> {
        let findings = check(probe, SIZE, None);
        assert_eq!(findings.errors, []);
        findings.warnings
    }

    #[test]
    fn nothing_speaks_against_an_ordinary_video() {
        assert_eq!(check(&good(), SIZE, Some(Duration::from_mins(3))), Findings::default());
    }

    #[test]
    fn every_limit_may_be_reached() {
        let minutes = Duration::from_mins(10);
        for (width, height) in [(360, 360), (4096, 4096), (360, 4096)] {
            let (width, height) = (Some(width), Some(height));
            let probe = Probe { width, height, duration: Some(minutes), ..good() };
            assert_eq!(check(&probe, SURE_SIZE, Some(minutes)), Findings::default());
        }
    }

    #[test]
    fn four_gigabytes_may_be_either_kind() {
        for (size, errors, warnings) in [
            (4_000_000_000, 0, 0),
            (4_000_000_001, 0, 1),
            (4_294_967_296, 0, 1),
            (4_294_967_297, 1, 0),
        ] {
            let findings = check(&good(), size, None);
            assert_eq!((findings.errors.len(), findings.warnings.len()), (errors, warnings));
        }
    }

    #[test]
    fn a_file_that_is_too_large_for_what_lies_behind_its_video_is_said_to_be() {
        let trailing = Oddity::Trailing { end: 200_000, count: 4_999_800_000, zeros: true };
        let padded = Probe { oddities: vec![trailing], ..good() };
        let findings = check(&padded, 5_000_000_000, None);
        assert!(findings.errors[0].hint().contains("repeat the download"));
        let told = "the video ends after 200.0 kB, and 5.00 GB of zeros lie behind its end";
        assert_eq!(findings.warnings[0].to_string(), told);
        let large = check(&good(), 5_000_000_000, None);
        assert!(large.errors[0].hint().contains("bit rate") && large.warnings.is_empty());
    }

    #[test]
    fn a_video_longer_than_this_creator_may_post_is_refused() {
        let limit = Duration::from_mins(3);
        for (millis, errors, warnings) in
            [(180_000, 0, 0), (180_001, 0, 1), (180_999, 0, 1), (181_000, 1, 0)]
        {
            let probe = Probe { duration: Some(Duration::from_millis(millis)), ..good() };
            let findings = check(&probe, SIZE, Some(limit));
            assert_eq!((findings.errors.len(), findings.warnings.len()), (errors, warnings));
        }
    }

    #[test]
    fn of_direct_posts_the_creators_own_limit_counts_alone() {
        let probe = Probe { duration: Some(Duration::from_mins(50)), ..good() };
        assert_eq!(check(&probe, SIZE, Some(Duration::from_hours(1))), Findings::default());
        let long = Probe { duration: Some(Duration::from_secs(3601)), ..good() };
        let limit = Duration::from_hours(1);
        let finding = Finding::Duration { actual: Duration::from_secs(3601), limit };
        assert_eq!(check(&long, SIZE, Some(limit)).errors, [finding]);
        // Before TikTok was asked, length is no more than a warning.
        assert_eq!(warnings(&long), [Finding::Long(Duration::from_secs(3601))]);
        let ten = Probe { duration: Some(Duration::from_mins(10)), ..good() };
        assert_eq!(warnings(&ten), []);
    }

    #[test]
    fn a_draft_may_last_ten_minutes() {
        let probe = |secs| Probe { duration: Some(Duration::from_secs(secs)), ..good() };
        assert_eq!(check(&probe(600), SIZE, Some(DRAFT_DURATION)), Findings::default());
        let (actual, limit) = (Duration::from_secs(601), DRAFT_DURATION);
        let findings = check(&probe(601), SIZE, Some(DRAFT_DURATION));
        assert_eq!(findings.errors, [Finding::Duration { actual, limit }]);
    }

    #[test]
    fn a_side_out_of_bounds_is_refused() {
        for (width, height) in [(359, 640), (640, 359), (4097, 640), (640, 4097), (0, 0)] {
            let probe = Probe { width: Some(width), height: Some(height), ..good() };
            assert_eq!(errors(&probe), [Finding::Picture { width, height }]);
        }
    }

    #[test]
    fn a_picture_that_is_stretched_into_bounds_is_left_to_tiktok() {
        let probe =
            Probe { width: Some(352), height: Some(480), shown: Some((640, 480)), ..good() };
        let (coded, shown) = ((352, 480), (640, 480));
        let warned = warnings(&probe);
        assert_eq!(warned, [Finding::Stretched { coded, shown }]);
        assert!(warned[0].to_string().contains("shown with 640x480 pixels and coded with 352x480"));
        let probe = Probe { shown: Some((320, 480)), ..probe };
        assert_eq!(errors(&probe), [Finding::Picture { width: 352, height: 480 }]);
    }

    #[test]
    fn the_rates_of_film_and_television_are_taken() {
        for rate in
            [24_000.0 / 1001.0, 23.0, 24.0, 25.0, 30_000.0 / 1001.0, 60_000.0 / 1001.0, 60.0]
        {
            assert_eq!(errors(&Probe { frame_rate: Some(rate), ..good() }), []);
        }
    }

    #[test]
    fn a_rate_out_of_bounds_is_refused_when_it_is_steady() {
        for rate in [1.0, 10.0, 15.0, 20.0, 90.0, 120.0, 240.0] {
            let probe = Probe { frame_rate: Some(rate), ..good() };
            assert_eq!(errors(&probe), [Finding::FrameRate(rate)]);
            let probe = Probe { steady: false, ..probe };
            assert_eq!(warnings(&probe), [Finding::VariableFrameRate(rate)]);
        }
    }

    #[test]
    fn other_codecs_are_refused_and_unknown_ones_left_to_tiktok() {
        for name in
            ["av1", "encrypted", "prores", "mpeg1", "mpeg2", "mjpeg", "dnxhd", "dv", "theora"]
        {
            let probe = Probe { codec: Some(name.to_owned()), ..good() };
            assert_eq!(errors(&probe), [Finding::Codec(name.to_owned())]);
        }
        let probe = Probe { codec: Some("new1".to_owned()), ..good() };
        assert_eq!(warnings(&probe), [Finding::Codec("new1".to_owned())]);
    }

    #[test]
    fn protection_is_refused_and_an_odd_wrapping_left_to_tiktok() {
        assert_eq!(errors(&Probe { protected: true, ..good() }), [Finding::Protected]);
        for oddity in
            [Oddity::CalledMatroska, Oddity::Leading(512), Oddity::Overlong(7), Oddity::BrokenChain]
        {
            let probe = Probe { oddities: vec![oddity], ..good() };
            assert_eq!(warnings(&probe), [Finding::Odd(oddity)]);
        }
        for (oddity, text) in [
            (
                Oddity::Foreign { count: 1, what: Some("white space") },
                "1 byte of something else (white space) stands before the video",
            ),
            (
                Oddity::Foreign { count: 12, what: None },
                "12 bytes of something else stand before the video",
            ),
            (
                Oddity::Miscoded { told: "h264", carried: "h265" },
                "the file says h264 and carries the configuration of h265",
            ),
            (
                Oddity::Changed,
                "nothing lies where the file says: its bytes were changed on the way, as by a transfer in text mode, or \
                 moved by a program that left its index as it was",
            ),
        ] {
            let probe = Probe { oddities: vec![oddity], ..good() };
            assert_eq!(errors(&probe), [Finding::Odd(oddity)]);
            assert_eq!(Finding::Odd(oddity).to_string(), text);
        }
        // What was changed is not waited for.
        let probe = Probe { complete: false, oddities: vec![Oddity::Changed], ..good() };
        assert_eq!(errors(&probe), [Finding::Odd(Oddity::Changed)]);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        assert_eq!(errors(&Probe { complete: false, ..good() }), [Finding::CutOff]);
    }

    #[test]
    fn pictures_that_were_never_written_are_refused() {
        let blank = Probe { blank: Some(4096..9000), ..good() };
        assert_eq!(errors(&blank), [Finding::Blank(4096)]);
    }

    #[test]
    fn what_could_not_be_read_is_left_to_tiktok() {
        let unread = warnings(&Probe::unknown(Container::Mov));
        assert_eq!(unread.len(), 4);
        assert!(unread.iter().all(|finding| matches!(finding, Finding::Unread(_))));
    }

    #[test]
    fn findings_name_what_was_found_and_what_is_taken() {
        for (finding, text) in [
            (
                Finding::Duration {
                    actual: Duration::from_millis(185_250),
                    limit: Duration::from_mins(3),
                },
                "the video lasts 3:05.250, and 3:00 may be posted",
            ),
            (
                Finding::Picture { width: 200, height: 201 },
                "the picture has 200x201 pixels, and TikTok takes 360 to 4096 a side",
            ),
            (
                Finding::FrameRate(10.0),
                "the video has 10.00 frames a second, and TikTok takes 23 to 60",
            ),
            (Finding::Unread("its codec"), "the file does not tell its codec"),
        ] {
            assert_eq!(finding.to_string(), text);
        }
    }
}
