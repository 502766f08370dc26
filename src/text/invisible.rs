//! Characters that nobody sees, or takes for others: named, and written so that they are seen.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;

use super::{is_hostile, plain};
use crate::secret::redact;

/// Longest text that is shown, in characters.
const LONGEST: usize = 500;

/// The most kinds of characters that are named.
const MOST_NAMED: usize = 5;

/// What a character is called that does not show, or that shows as a common space does not.
fn name(c: char) -> Option<&'static str> {
    Some(match c {
        '\0' => "NUL character",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{1b}' => "escape character",
        '\u{a0}' => "no-break space",
        '\u{ad}' => "soft hyphen",
        '\u{34f}' => "grapheme joiner",
        '\u{61c}' => "letter mark",
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => "Hangul filler",
        '\u{180e}' => "vowel separator",
        '\u{2000}'..='\u{200a}' | '\u{205f}' | '\u{1680}' => "typographic space",
        '\u{200b}' => "zero-width space",
        '\u{200c}' => "zero-width non-joiner",
        '\u{200d}' => "zero-width joiner",
        '\u{200e}' => "left-to-right mark",
        '\u{200f}' => "right-to-left mark",
        '\u{2028}' => "line separator",
        '\u{2029}' => "paragraph separator",
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "end of a direction",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{202f}' => "narrow no-break space",
        '\u{2060}' => "word joiner",
        '\u{2061}'..='\u{2064}' => "hidden operator",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "end of an isolate",
        '\u{206a}'..='\u{206f}' => "format character",
        '\u{2800}' => "blank Braille pattern",
        '\u{3000}' => "full-width space",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "variation selector",
        '\u{feff}' => "byte order mark",
        '\u{fff9}'..='\u{fffb}' => "annotation mark",
        '\u{e0000}'..='\u{e007f}' => "tag character",
        c if c.is_control() => "control character",
        c if c.is_whitespace() && c != ' ' => "strange space",
        _ => return None,
    })
}

/// Whether a character that joins or varies others is at home behind `before`: within emoji, and in scripts
/// that need it.
fn is_at_home(c: char, before: Option<char>) -> bool {
    match c {
        // A digit with a box around it.
        '\u{fe0f}' => before.is_some_and(|before| !before.is_ascii_alphabetic()),
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0e}' | '\u{e0000}'..='\u{e01ef}' => {
            before.is_some_and(|before| !before.is_ascii())
        }
        _ => false,
    }
}

/// The characters of a text, each with whether nobody sees it where it stands.
fn seen(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.chars().map(move |c| {
        let hidden = name(c).is_some() && !is_at_home(c, before);
        before = Some(c);
        (c, hidden)
    })
}

/// The characters of a text that nobody sees.
pub(crate) fn hidden(text: &str) -> impl Iterator<Item = char> {
    seen(text).filter_map(|(c, hidden)| hidden.then_some(c))
}

/// A text from elsewhere on one line, in which every character is seen: what is invisible is written as
/// `\u{200b}`. As harmless as [`plain`].
pub(crate) fn shown(text: &str) -> String {
    with_escapes(text, |_, hidden| hidden)
}

/// A text from elsewhere on one line, as data: what [`plain`] would leave out is written as `\u{202e}`, and all else is
/// kept as it is.
pub(crate) fn kept(text: &str) -> String {
    with_escapes(text, |c, _| is_hostile(c))
}

/// A text on one line in which line breaks, and the characters that `is_escaped` says of, are written as escapes; it is
/// given each with whether nobody sees it.
fn with_escapes(text: &str, is_escaped: impl Fn(char, bool) -> bool) -> String {
    let bare: String = seen(text).filter_map(|(c, hidden)| (!hidden).then_some(c)).collect();
    if redact(&bare) != bare.as_str() || redact(text) != text {
        // What was written between its characters must not show a secret.
        return plain(&bare);
    }
    let mut escaped = String::new();
    for (at, (c, hidden)) in seen(text).enumerate() {
        if at == LONGEST {
            escaped.push('…');
            break;
        }
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if is_escaped(c, hidden) => _ = write!(escaped, "\\u{{{:x}}}", u32::from(c)),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text as JSON writes it, in its quotes, for somebody to paste: what is invisible is an escape of JSON, and so is
/// what `also` says of.
pub(crate) fn json(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut json = String::from('"');
    for (c, hidden) in seen(text) {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if hidden || also(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    _ = write!(json, "\\u{unit:04x}");
                }
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// A text of several lines on its way to a terminal: control characters are dropped, and what takes no room or
/// turns the direction is written as `\u{200b}`. Spaces of any width stay as they are.
pub(crate) fn harmless(text: &str) -> String {
    let takes_none = |c: char| !c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    let (mut bare, mut harmless) = (String::new(), String::new());
    for (c, hidden) in seen(text) {
        match c {
            '\t' => [&mut bare, &mut harmless].map(|it| it.push(' ')),
            c if c.is_control() && c != '\n' => continue,
            c if hidden && takes_none(c) => {
                _ = write!(harmless, "\\u{{{:x}}}", u32::from(c));
                continue;
            }
            c => [&mut bare, &mut harmless].map(|it| it.push(c)),
        };
    }
    // What was written between its characters must not show a secret.
    if redact(&bare) == bare.as_str() { harmless } else { bare }
}

/// A character by name and number, with its article: `a zero-width space (U+200B)`. `None`: it is seen.
pub(crate) fn named(c: char) -> Option<String> {
    let name = name(c)?;
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    Some(format!("{article} {name} (U+{:04X})", u32::from(c)))
}

/// The first kinds of invisible characters of a text by name; `None`: there are none.
pub(crate) fn listed(text: &str) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for name in hidden(text).filter_map(named) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(MOST_NAMED);
    let last = names.pop()?;
    Some(if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) })
}

/// What in a text that should be ASCII is not, and is not seen at once: the first such character by number.
pub(crate) fn stranger(text: &str) -> Option<String> {
    let c = text.chars().find(|c| !c.is_ascii());
    listed(text).or_else(|| {
        c.map(|c| {
            format!("`{}` (U+{:04X}), which is not ASCII", shown(&c.to_string()), u32::from(c))
        })
    })
}

/// Where a name differs from the one that is meant by a letter that looks like another: which one.
pub(crate) fn unlike(written: &str, meant: &str) -> Option<String> {
    let (one, other) = written.nfc().zip(meant.nfc()).find(|(one, other)| one != other)?;
    let foreign =
        one.is_alphanumeric() && other.is_alphanumeric() && one.is_ascii() != other.is_ascii();
    foreign.then(|| {
        format!(
            "the `{one}` in it is U+{:04X}, not `{other}` (U+{:04X})",
            u32::from(one),
            u32::from(other)
        )
    })
}

/// A text as it is seen: in one Unicode form, and without what nobody sees.
pub(crate) fn seen_as(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let is_variation = |c| matches!(c, '\u{fe00}'..='\u{fe0f}');
    let is_seen = |(c, hidden): (char, bool)| (!hidden && !is_variation(c)).then_some(c);
    seen(text).filter_map(is_seen).nfc().collect()
}

/// A text without the differences that people overlook: Unicode form, case, width, kinds of white space,
/// quotes and dashes, and what is invisible.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::new();
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match c {
            '‘' | '’' | 'ʼ' | '′' | '`' | '´' => folded.push('\''),
            '“' | '”' | '„' | '″' => folded.push('"'),
            '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => folded.push('-'),
            c if c.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c if name(c).is_some() => {}
            c => folded.push(c),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_written_as_its_number() {
        assert_eq!(
            shown("a\u{200b}b\u{feff}\u{a0}\u{202e}\n"),
            "a\\u{200b}b\\u{feff}\\u{a0}\\u{202e}\\n"
        );
        assert_eq!(shown("naïve ❤️ 👨‍👩‍👧 می‌خواهم 1️⃣"), "naïve ❤️ 👨‍👩‍👧 می‌خواهم 1️⃣");
        assert_eq!(shown("a\u{200d}b"), "a\\u{200d}b");
        let scotland = "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
        assert_eq!(shown(scotland), scotland);
        assert_eq!(shown("a\u{e0067}"), "a\\u{e0067}");
        assert_eq!(shown(&"x".repeat(9000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_secret_is_not_shown_in_pieces() {
        let _secret = crate::secret::Secret::new("act.In-Pieces-71");
        assert_eq!(shown("a act.In-\u{200b}Pieces-71"), "a (redacted)");
    }

    #[test]
    fn what_nobody_sees_has_a_name() {
        assert_eq!(listed("a b"), None);
        assert_eq!(listed("a\u{200b}b\u{200b}").unwrap(), "a zero-width space (U+200B)");
        let two = listed("\u{1b}\u{a0}").unwrap();
        assert_eq!(two, "an escape character (U+001B) and a no-break space (U+00A0)");
    }

    #[test]
    fn a_letter_that_looks_like_another_is_named() {
        let said = unlike("my-\u{430}ccount", "my-account").unwrap();
        assert_eq!(said, "the `\u{430}` in it is U+0430, not `a` (U+0061)");
        assert_eq!(unlike("my-account", "my-acount"), None);
        assert!(stranger("2026\u{2212}12").unwrap().contains("U+2212"));
        assert_eq!(stranger("2026-12"), None);
    }

    #[test]
    fn what_is_seen_alike_is_alike() {
        for (one, other) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("cafe\u{34f}\u{301}", "café"),
            ("a\u{200c}b", "ab"),
            ("\u{2764}\u{fe0f}", "\u{2764}"),
            ("a\u{3164}", "a"),
        ] {
            assert_eq!(seen_as(one), seen_as(other), "{one:?}");
        }
        for (one, other) in [("a", "A"), ("a b", "ab"), ("👨\u{200d}👩", "👨👩"), ("é", "e")]
        {
            assert_ne!(seen_as(one), seen_as(other), "{one:?}");
        }
    }

    #[test]
    fn what_people_overlook_is_no_difference() {
        for (one, other) in [
            ("Café.mp4", "cafe\u{301}.MP4"),
            ("my  clip\u{a0}.mp4 ", "my clip .mp4"),
            ("a\u{200b}b", "\u{feff}AB"),
            ("it’s – “x”", "it's - \"x\""),
            ("ｃｌｉｐ", "clip"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?}");
        }
        assert_ne!(folded("a-b"), folded("a b"));
    }
}
