//! A post's outcome as a line of data for people.

use anstyle::Style;

use crate::model::{PostOutcome, PostState};
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
    let post_ref = format!("{gap}{}: {}", report.post_ref.account, report.post_ref.video);
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
        (PostState::Skipped, Some(at)) => details.push(format!("already posted on {}", moment(at))),
        _ => {}
    }
    details.extend(report.note.clone());
    details
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
    }

    #[test]
    fn a_dry_run_shows_the_plan() {
        let plan = Some("96.0 MB in 3 chunks".to_owned());
        let line = told(&PostOutcome { note: plan, ..report(PostState::Planned) });
        assert_eq!(line, "planned     alice: clips/a.mp4  (96.0 MB in 3 chunks)");
    }
}
