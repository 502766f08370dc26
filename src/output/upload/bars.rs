//! Progress as bars: one for every post that is under way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::engine::Progress;
use crate::model::PostRef;
use crate::output::progress::words;
use crate::text::plain;

const SENDING: &str = "{prefix}  [{bar:24}] {decimal_bytes}/{decimal_total_bytes}  \
    {decimal_bytes_per_sec}  {eta} left  {msg}";
const PROCESSING: &str = "{prefix}  {spinner} TikTok is processing it  {elapsed}  {msg}";
/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(200);
/// The longest subject before a bar, in characters: the end of a path says more than its beginning.
const LONGEST_PREFIX: usize = 36;

pub(super) struct Bars {
    screen: MultiProgress,
    by_post: Mutex<HashMap<usize, ProgressBar>>,
}

impl Bars {
    pub(super) fn new(screen: MultiProgress) -> Self {
        Self { screen, by_post: Mutex::default() }
    }

    /// Shows a change on the post's bar; false if it wants a line.
    pub(super) fn show(&self, post_ref: &PostRef, progress: &Progress) -> bool {
        match progress {
            Progress::Sending { size, stored, .. } => self.begin(post_ref, *size, *stored),
            Progress::Position { sent } => self.with(post_ref, |bar| {
                bar.set_message("");
                bar.set_position(*sent);
            }),
            Progress::ChunkStored { .. } => true,
            Progress::Retrying { .. } | Progress::Waiting { .. } => self.with(post_ref, |bar| {
                bar.set_message(plain(&words(progress, true).unwrap_or_default()));
            }),
            Progress::Processing => {
                let bar = self.bar(post_ref);
                bar.set_style(style(PROCESSING));
                bar.set_message("");
                bar.reset_elapsed();
                bar.enable_steady_tick(TURN);
                true
            }
            Progress::Creator { .. } | Progress::Note(_) | Progress::Warning(_) => false,
        }
    }

    /// Takes the post's bar away.
    pub(super) fn end(&self, post_ref: &PostRef) {
        if let Some(bar) = self.bars().remove(&post_ref.index) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn begin(&self, post_ref: &PostRef, size: u64, stored: u64) -> bool {
        let bar = self.bar(post_ref);
        bar.disable_steady_tick();
        bar.set_style(style(SENDING));
        bar.set_length(size);
        bar.set_position(stored);
        // What an earlier run stored says nothing about this one's rate.
        bar.reset_eta();
        true
    }

    fn with(&self, post_ref: &PostRef, act: impl FnOnce(&ProgressBar)) -> bool {
        match self.bars().get(&post_ref.index) {
            Some(bar) => {
                act(bar);
                true
            }
            None => false,
        }
    }

    fn bar(&self, post_ref: &PostRef) -> ProgressBar {
        let make = || {
            let bar = self.screen.add(ProgressBar::no_length());
            bar.with_prefix(prefix(post_ref))
        };
        self.bars().entry(post_ref.index).or_insert_with(make).clone()
    }

    fn bars(&self) -> MutexGuard<'_, HashMap<usize, ProgressBar>> {
        self.by_post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The templates are constants, tested below; a bar without one is still a bar.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

fn prefix(post_ref: &PostRef) -> String {
    let whole = plain(&format!("{}: {}", post_ref.account, post_ref.video));
    match whole.chars().count().checked_sub(LONGEST_PREFIX) {
        None | Some(0) => whole,
        Some(beyond) => format!("…{}", whole.chars().skip(beyond + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;
    use crate::engine::WaitReason;
    use crate::output::upload::testing::post_ref;

    /// Remembers what was drawn.
    #[derive(Clone, Debug, Default)]
    struct Terminal(Arc<Mutex<String>>);

    impl Terminal {
        /// What was drawn since the last look.
        fn drawn(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            120
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on_terminal() -> (Bars, Terminal) {
        let terminal = Terminal::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        (Bars::new(MultiProgress::with_draw_target(target)), terminal)
    }

    const SENDING: Progress = Progress::Sending { size: 96_000_000, stored: 48_000_000, chunks: 3 };

    #[test]
    fn the_templates_are_valid() {
        for template in [super::SENDING, PROCESSING] {
            ProgressStyle::with_template(template).unwrap();
        }
    }

    #[test]
    fn a_bar_shows_what_was_sent() {
        let (bars, terminal) = on_terminal();
        assert!(bars.show(&post_ref(), &SENDING));
        assert!(terminal.drawn().contains("48.00 MB/96.00 MB"));
        assert!(bars.show(&post_ref(), &Progress::Position { sent: 72_000_000 }));
        let drawn = terminal.drawn();
        assert!(drawn.contains("alice: clips/a.mp4"), "{drawn}");
        assert!(drawn.contains("72.00 MB/96.00 MB"), "{drawn}");
    }

    #[test]
    fn a_bar_goes_when_its_post_ends() {
        let (bars, terminal) = on_terminal();
        let other = PostRef { index: 9, account: "bob".into(), ..post_ref() };
        bars.show(&post_ref(), &SENDING);
        bars.show(&other, &SENDING);
        let both = terminal.drawn();
        assert!(both.contains("alice: ") && both.contains("bob: "), "{both}");
        bars.end(&post_ref());
        terminal.drawn();
        bars.show(&other, &Progress::Position { sent: 49_000_000 });
        let one = terminal.drawn();
        assert!(one.contains("bob: ") && !one.contains("alice: "), "{one}");
    }

    #[test]
    fn a_retry_is_shown_on_the_bar_until_bytes_flow_again() {
        let (bars, terminal) = on_terminal();
        bars.show(&post_ref(), &SENDING);
        let wait = Duration::from_secs(2);
        let retry = Progress::Retrying { why: "stalled".into(), attempt: 2, of: 6, wait };
        assert!(bars.show(&post_ref(), &retry));
        assert!(terminal.drawn().contains("stalled; try 2 of 6 in 2s"));
        bars.show(&post_ref(), &Progress::Position { sent: 49_000_000 });
        assert!(!terminal.drawn().ends_with("in 2s"));
    }

    #[test]
    fn without_a_bar_a_pause_wants_a_line() {
        let (bars, _terminal) = on_terminal();
        let wait = Duration::from_secs(2);
        assert!(!bars.show(&post_ref(), &Progress::Waiting { why: WaitReason::SlowDown, wait }));
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let long = PostRef { video: format!("{}/clip.mp4", "deep/".repeat(30)), ..post_ref() };
        let shown = prefix(&long);
        assert_eq!(shown.chars().count(), LONGEST_PREFIX);
        assert!(shown.starts_with('…') && shown.ends_with("/clip.mp4"), "{shown}");
    }
}
