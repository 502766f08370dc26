//! The cells that text takes on a terminal: letters of East Asia and emoji take two, combining marks none.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Stands for what was cut off; one cell.
const CUT: char = '…';

/// The most characters of a text that are looked at when it is cut: more than a terminal has cells.
const MOST: usize = 1024;

/// How many cells a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, so that it takes no more cells than this.
pub(super) fn keep_start(text: &str, cells: usize) -> String {
    if fits(text, cells) {
        return text.to_owned();
    }
    let Some(room) = cells.checked_sub(1) else { return String::new() };
    let ends = text.char_indices().take(MOST).map(|(at, _)| at);
    let kept = ends.take_while(|&end| width(&text[..end]) <= room).last().unwrap_or(0);
    format!("{}{CUT}", &text[..kept])
}

/// The end of a text, so that it takes no more cells than this: of a path it says more than the beginning.
pub(super) fn keep_end(text: &str, cells: usize) -> String {
    if fits(text, cells) {
        return text.to_owned();
    }
    let Some(room) = cells.checked_sub(1) else { return String::new() };
    let starts = text.char_indices().rev().take(MOST);
    let fitting = starts.take_while(|&(start, _)| width(&text[start..]) <= room);
    // A mark that has lost its letter would join the sign before it.
    let whole = fitting.filter(|(_, char)| char.width().is_some_and(|cells| cells > 0));
    let kept = whole.map(|(start, _)| start).last().unwrap_or(text.len());
    format!("{CUT}{}", &text[kept..])
}

/// Whether a text takes no more cells than this.
fn fits(text: &str, cells: usize) -> bool {
    width(text) <= cells && text.chars().nth(MOST).is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_says_more_of_a_path_and_the_beginning_of_a_name() {
        assert_eq!(keep_end("deep/deep/clip.mp4", 9), "…clip.mp4");
        assert_eq!(keep_start("Ada Lovelace", 6), "Ada L…");
        assert_eq!(keep_start("Ada", 3), "Ada");
        assert_eq!((keep_end("Ada", 0), keep_end("Ada", 1)), (String::new(), "…".into()));
    }

    #[test]
    fn a_letter_that_takes_two_cells_is_cut_whole() {
        assert_eq!(keep_start("東京タワー", 6), "東京…");
        assert_eq!(keep_end("東京タワー", 6), "…ワー");
        assert_eq!(keep_end("東京タワー", 2), "…");
    }

    #[test]
    fn a_mark_stays_with_its_letter() {
        assert_eq!(keep_end("aae\u{301}", 2), "…e\u{301}");
        assert_eq!(keep_end("aae\u{301}\u{301}b", 2), "…b");
    }

    proptest! {
        #[test]
        fn what_is_kept_fits(text in "(\\PC|[a東\u{301}\u{200d}👩👧🏽]){0,40}", cells in 0_usize..30) {
            prop_assert!(width(&keep_start(&text, cells)) <= cells);
            prop_assert!(width(&keep_end(&text, cells)) <= cells);
        }
    }
}
