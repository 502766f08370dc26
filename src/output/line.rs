//! A line on its way to a terminal: harmless, without secrets and, where wanted, coloured.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};

use crate::secret::redact;
use crate::text::harmless;

pub(super) const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
pub(super) const HINT: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
pub(super) const GOOD: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
pub(super) const FAINT: Style = Style::new().effects(Effects::DIMMED);
pub(super) const HEADING: Style = Style::new().effects(Effects::BOLD);

/// Text in pieces, each with its style. Line breaks are kept, other control characters are dropped, and what
/// nobody sees or turns the direction of text is written as its number: whatever a piece contains, only our
/// own styles reach the terminal. The secrets of this process are taken out. Nothing rests on colour alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    style: Style,
    text: String,
    /// Whether a secret in it is meant to be seen.
    verbatim: bool,
}

impl Line {
    /// Adds text that stands out.
    #[must_use]
    pub(crate) fn heading(self, text: impl Into<String>) -> Self {
        self.styled(HEADING, text)
    }

    /// Adds text as it is.
    #[must_use]
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.styled(Style::new(), text)
    }

    /// Adds text in a style.
    #[must_use]
    pub(crate) fn styled(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push(Piece { style, text: text.into(), verbatim: false });
        self
    }

    /// Adds text that shows a secret to the user who is meant to see it, such as the address of a login.
    #[must_use]
    pub(crate) fn verbatim(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece { style: Style::new(), text: text.into(), verbatim: true });
        self
    }

    /// The line as bytes for a terminal or a file, without the final line break.
    pub(super) fn render(&self, coloured: bool) -> String {
        let mut out = String::new();
        for Piece { style, text, verbatim } in &self.0 {
            let clean = harmless(text);
            let text = if *verbatim { Cow::Borrowed(&*clean) } else { redact(&clean) };
            if coloured && *style != Style::new() && !text.is_empty() {
                _ = write!(out, "{style}{text}{style:#}");
            } else {
                out.push_str(&text);
            }
        }
        out
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::default().text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t23_no_escape_but_ours_is_written() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\re\tf\ng";
        let line = Line::from(hostile).styled(ERROR, hostile);
        assert_eq!(
            line.render(false),
            "a]0;titleb31mc\\u{202e}de f\nga]0;titleb31mc\\u{202e}de f\ng"
        );
        let coloured = line.render(true);
        let ours = format!("{ERROR}a]0;titleb31mc\\u{{202e}}de f\ng{ERROR:#}");
        assert!(coloured.ends_with(&ours), "{coloured:?}");
    }

    #[test]
    fn a_secret_is_shown_only_where_it_is_meant_to_be() {
        let secret = crate::secret::Secret::new("rft.On-A-Line-58");
        let line = Line::from(format!("a {}", secret.expose())).verbatim(secret.expose());
        assert_eq!(line.render(false), "a (redacted)rft.On-A-Line-58");
    }

    #[test]
    fn what_nobody_sees_is_written_as_its_number_and_emoji_stay() {
        let line = |text: &str| Line::from(text).render(false);
        assert_eq!(line("a\u{200b}b\u{feff}c\u{2066}"), "a\\u{200b}b\\u{feff}c\\u{2066}");
        for kept in ["❤️ 👨‍👩‍👧 می‌خواهم", "全角\u{3000}空白", "10\u{a0}kg", "two\nlines"]
        {
            assert_eq!(line(kept), kept);
        }
        let _secret = crate::secret::Secret::new("act.In-Lines-72");
        assert_eq!(line("a act.In-\u{200b}Lines-72"), "a (redacted)");
    }

    #[test]
    fn long_text_is_kept_whole() {
        assert_eq!(Line::from("x".repeat(9000)).render(false).len(), 9000);
    }
}
