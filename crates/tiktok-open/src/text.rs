//! Text from elsewhere, made harmless for a terminal or a log.
//!
//! All messages and names of TikTok's that this crate hands on have passed [`plain`]; not the values
//! that are sent back as they came (tokens, an `open_id`, the address in a QR code).

use crate::secret::redact;

/// Longest piece of somebody else's text that a message carries, in characters.
const LONGEST: usize = 500;

/// So much of it is looked at: a secret that begins in the piece ends there.
const LOOKED_AT: usize = 20_000;

/// Somebody else's text on its way to a terminal or log: control characters (C0, C1, ESC) and the
/// bidirectional overrides are dropped, line breaks become spaces, the secrets of this process are
/// taken out, and the length is bounded.
pub fn plain(text: &str) -> String {
    // Only now, as what was dropped may have stood in a secret; and before the cut, which may go through
    // one.
    let whole: String = text.chars().filter_map(harmless).take(LOOKED_AT).collect();
    let whole = redact(&whole);
    match whole.char_indices().nth(LONGEST) {
        None => whole.into_owned(),
        Some((end, _)) => format!("{}…", &whole[..end]),
    }
}

/// Whether a text is one line that a terminal shows as it is, and short enough.
pub fn is_plain(text: &str) -> bool {
    text.chars().count() <= LONGEST && text.chars().all(|c| harmless(c) == Some(c))
}

/// Whether a character could do harm on a terminal: a control character other than the line break,
/// or one that turns the direction of the text.
pub fn is_hostile(c: char) -> bool {
    c != '\n' && harmless(c) != Some(c)
}

fn harmless(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        '\u{200e}'
        | '\u{200f}'
        | '\u{061c}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_do_not_survive() {
        assert_eq!(plain("a\u{1b}[31mb\u{9b}c\u{202e}d\ne\u{7}"), "a[31mbcd e");
    }

    #[test]
    fn a_secret_does_not_survive_what_is_dropped_or_cut() {
        let _secret = crate::secret::Secret::new("act.In-Plain-Text-44");
        assert_eq!(plain("a act.In-\u{1b}Plain\u{202e}-Text-44 b"), "a (redacted) b");
        let at_the_cut = "x".repeat(LONGEST - 5) + "act.In-Plain-Text-44";
        assert!(!plain(&at_the_cut).contains("act.I"));
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(plain(&"x".repeat(10_000)).chars().count(), LONGEST + 1);
    }
}
