//! Progress as lines: one per change of state, for logs and for terminals without bars.

use crate::model::PostRef;
use crate::output::printer::Printer;
use crate::output::span::span;
use crate::text::{count, size};
use crate::upload::report::Progress;

/// A long upload tells of its chunks in so many steps.
const STEPS: u64 = 10;

/// Says what happened, if it is worth a line.
pub(super) fn tell(printer: &Printer, subject: &PostRef, progress: &Progress) {
    let about = |text: &str| format!("{}: {}: {text}", subject.account, subject.video);
    match progress {
        Progress::Note(text) => printer.note(about(text)),
        Progress::Warning(text) => printer.warn(about(text)),
        other => {
            let all = printer.options().verbose > 0;
            if let Some(text) = words(other, all) {
                printer.talk(about(&text));
            }
        }
    }
}

/// What a change is called; `None` for what only a bar can show.
pub(in crate::output) fn words(progress: &Progress, every_chunk: bool) -> Option<String> {
    Some(match progress {
        Progress::Creator { nickname } => format!("posting as {nickname}"),
        Progress::Sending { size: all, stored: 0, chunks } => {
            format!("sending {} in {}", size(*all), count(*chunks, "chunk"))
        }
        Progress::Sending { size: all, stored, .. } => {
            format!("going on at {} of {}", size(*stored), size(*all))
        }
        Progress::ChunkStored { chunk, of } if every_chunk || is_step(*chunk, *of) => {
            format!("chunk {chunk} of {of} stored")
        }
        Progress::Position { .. } | Progress::ChunkStored { .. } => return None,
        Progress::Retrying { why, attempt, of, wait } => {
            format!("{why}; try {attempt} of {of} in {}", span(*wait))
        }
        Progress::Waiting { why, wait } => format!("{why}; waiting {}", span(*wait)),
        Progress::Processing => "TikTok is processing it".to_owned(),
        Progress::Note(text) | Progress::Warning(text) => text.clone(),
    })
}

/// Whether this chunk is the first one to complete another tenth.
fn is_step(chunk: u32, of: u32) -> bool {
    let tenths = |n: u32| u64::from(n) * STEPS / u64::from(of.max(1));
    tenths(chunk) > tenths(chunk.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lines(of: u32, every_chunk: bool) -> usize {
        let stored = (1..=of).map(|chunk| Progress::ChunkStored { chunk, of });
        stored.filter(|progress| words(progress, every_chunk).is_some()).count()
    }

    #[test]
    fn a_long_upload_tells_of_its_chunks_ten_times() {
        assert_eq!(lines(1, false), 1);
        assert_eq!(lines(7, false), 7);
        assert_eq!(lines(10, false), 10);
        assert_eq!(lines(999, false), 10);
        assert_eq!(lines(999, true), 999);
    }

    #[test]
    fn a_resumed_upload_says_where_it_goes_on() {
        let progress = Progress::Sending { size: 96_000_000, stored: 64_000_000, chunks: 3 };
        assert_eq!(words(&progress, false).unwrap(), "going on at 64.0 MB of 96.0 MB");
    }

    #[test]
    fn a_retry_says_why_and_when() {
        let progress = Progress::Retrying {
            why: "connection reset".into(),
            attempt: 2,
            of: 6,
            wait: Duration::from_secs(2),
        };
        assert_eq!(words(&progress, false).unwrap(), "connection reset; try 2 of 6 in 2s");
    }
}
