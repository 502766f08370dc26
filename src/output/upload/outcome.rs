//! A post's outcome as a line of data for people.

use anstyle::Style;

use crate::model::{Media, PostOutcome, PostState};
use crate::output::line::{ERROR, FAINT, GOOD, HEADING, Line, WARNING};
use crate::output::span::{moment, span};
use crate::output::tally::word;
use crate::text::size;

/// As wide as the longest word and a gap.
const WORD_COLUMN: usize = 12;

/// `published   alice: clips/a.mp4  https://…  (4.2 MB in 12s)`.
pub(super) fn line(report: &PostOutcome) -> Line {
    let word = word(report.state);
    let gap = " ".repeat(WORD_COLUMN - word.len());
    let post_ref =
        format!("{gap}{}: {}", report.post_ref.account, crate::text::shown(&report.post_ref.video));
    let mut line = Line::default().styled(style(report.state), word).text(post_ref);
    if let Some(url) = &report.url {
        line = line.text(format!("  {url}"));
    }
    let details = details(report);
    if details.is_empty() {
        line
    } else {
        line.styled(FAINT, format!("  ({})", details.join("; ")))
    }
}

fn details(report: &PostOutcome) -> Vec<String> {
    let mut details = Vec::new();
    let done = matches!(report.state, PostState::Published | PostState::Inbox);
    if done && report.bytes > 0 {
        details.push(format!("{} in {}", size(report.bytes), span(report.took)));
    }
    match (report.state, report.at) {
        (PostState::Deferred, Some(at)) => details.push(format!("not before {}", moment(at))),
        (PostState::Skipped, Some(at)) if report.brought_to == Some(PostState::Inbox) => {
            details.push(format!("in the inbox already, since {}", moment(at)));
        }
        (PostState::Skipped, Some(at)) => details.push(format!("already posted on {}", moment(at))),
        _ => {}
    }
    details.extend(report.note.clone());
    let media = report.media.as_ref().filter(|_| report.state == PostState::Planned);
    details.extend(media.map(measured).filter(|words| !words.is_empty()));
    details
}

/// `0:12.5, 1080x1920, 29.97 fps, h264`, as far as it is known.
fn measured(media: &Media) -> String {
    let length = media.duration.map(|duration| {
        // Tenths of a second.
        let tenths = (duration.as_millis() + 50) / 100;
        let (minutes, seconds, tenths) = (tenths / 600, tenths / 10 % 60, tenths % 10);
        if tenths == 0 {
            format!("{minutes}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}.{tenths}")
        }
    });
    let size = media.size.map(|(width, height)| format!("{width}x{height}"));
    let rate = media.frame_rate.map(|rate| {
        let rate = format!("{rate:.2}");
        let rate = rate.trim_end_matches('0').trim_end_matches('.');
        let average = if media.variable_frame_rate { " on average" } else { "" };
        format!("{rate} fps{average}")
    });
    [length, size, rate, media.codec.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn style(state: PostState) -> Style {
    match state {
        PostState::Published | PostState::Inbox => GOOD,
        PostState::Skipped | PostState::Planned => HEADING,
        PostState::Deferred | PostState::Processing => WARNING,
        PostState::Failed | PostState::Unresolved => ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::output::upload::testing::report;

    fn told(report: &PostOutcome) -> String {
        line(report).render(false)
    }

    #[test]
    fn a_published_post_has_its_address_and_what_it_took() {
        let post = PostOutcome {
            url: Some("https://www.tiktok.com/@a/video/1".into()),
            ..report(PostState::Published)
        };
        assert_eq!(
            told(&post),
            "published   alice: clips/a.mp4  https://www.tiktok.com/@a/video/1  (1.2 MB in 1s)"
        );
    }

    #[test]
    fn a_draft_is_never_called_published() {
        let line = told(&report(PostState::Inbox));
        assert!(line.starts_with("in inbox    alice: clips/a.mp4"), "{line}");
        assert!(!line.contains("published"));
    }

    #[test]
    fn a_deferred_post_says_until_when_and_a_skipped_one_since_when() {
        let at = Some("2026-11-05T12:00:00Z".parse().unwrap());
        let deferred = told(&PostOutcome { at, ..report(PostState::Deferred) });
        assert!(deferred.contains("(not before 2026-11-05 "), "{deferred}");
        let skipped = told(&PostOutcome { at, ..report(PostState::Skipped) });
        assert!(skipped.contains("(already posted on 2026-11-05 "), "{skipped}");
        let brought_to = Some(PostState::Inbox);
        let draft = told(&PostOutcome { at, brought_to, ..report(PostState::Skipped) });
        assert!(draft.contains("(in the inbox already, since 2026-11-05 "), "{draft}");
        assert!(!draft.contains("posted"), "{draft}");
    }

    #[test]
    fn a_dry_run_shows_what_was_measured() {
        let media = Media {
            container: Some("mp4"),
            duration: Some(Duration::from_millis(605_184)),
            size: Some((1080, 1920)),
            frame_rate: Some(30_000.0 / 1001.0),
            variable_frame_rate: false,
            codec: Some("h264".into()),
        };
        let planned = PostOutcome { media: Some(media.clone()), ..report(PostState::Planned) };
        assert!(told(&planned).ends_with("  (10:05.2, 1080x1920, 29.97 fps, h264)"));
        let slow = Media { frame_rate: Some(6.0), variable_frame_rate: true, ..Media::default() };
        let slow = PostOutcome { media: Some(slow), ..report(PostState::Planned) };
        assert!(told(&slow).ends_with("  (6 fps on average)"));
        let posted = PostOutcome { media: Some(media), ..report(PostState::Skipped) };
        assert!(!told(&posted).contains("h264"));
    }

    #[test]
    fn a_dry_run_shows_the_plan() {
        let plan = Some("96.0 MB in 3 chunks".to_owned());
        let line = told(&PostOutcome { note: plan, ..report(PostState::Planned) });
        assert_eq!(line, "planned     alice: clips/a.mp4  (96.0 MB in 3 chunks)");
    }
}
