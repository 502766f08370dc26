//! What people write in a manifest who come from other languages and tools, and what JSON has instead.

use super::review::excerpt;

/// How a post is written, for whoever comes from another format.
pub(super) const EXAMPLE: &str = "a manifest is JSON, with an object for each post: \
    [{ \"video_path\": \"clip.mp4\", \"description\": \"…\" }]";

/// Whether a line is one of those between which git leaves the versions that it could not merge.
///
/// <https://git-scm.com/docs/git-merge#_how_conflicts_are_presented>
pub(super) fn is_conflict(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
        .iter()
        .filter_map(|mark| line.strip_prefix(mark))
        .any(|rest| rest.is_empty() || rest.starts_with([' ', '\r', '\n']))
}

/// What is said where a text seems to be meant.
pub(super) const IN_QUOTES: &str = "texts are written in double quotes";

/// What to write instead of a mark of other languages.
pub(super) fn mark(here: &str) -> Option<&'static str> {
    Some(match here {
        "=" => "a colon stands between a name and its value: \"name\": value",
        ";" => "a comma stands between two values or fields, and nothing behind the last",
        "`" => IN_QUOTES,
        "(" | ")" => "a list is written in square brackets: [ … ]",
        _ => return None,
    })
}

/// What to write instead of a word that other languages have for a value.
pub(super) fn instead_of_word(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => "JSON spells it true",
        "false" | "no" | "off" => "JSON spells it false",
        "none" | "null" | "nil" | "undefined" => "leave the field out",
        "nan" | "infinity" | "inf" => "JSON has no such number: leave the field out",
        _ => return None,
    })
}

/// Whether a text is a number of JSON.
///
/// <https://www.rfc-editor.org/rfc/rfc8259#section-6>
pub(super) fn is_number(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What to write instead of a call, such as `Path("a.mp4")`, with which a text begins: the beginning of the
/// call up to its bracket, and the advice.
pub(super) fn call(text: &str) -> Option<(&str, String)> {
    let unnamed = text.strip_prefix("new ").unwrap_or(text);
    let name = unnamed.get(..unnamed.find('(')?)?;
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | ':'));
    if !is_name {
        return None;
    }
    let line = unnamed.get(name.len() + 1..)?.lines().next().unwrap_or_default();
    let argument = line.get(..line.find(')').unwrap_or(line.len()))?.trim();
    let lower = name.to_ascii_lowercase();
    let advice = if let Some(inner) = in_any_quotes(argument) {
        format!("write the text alone: \"{}\"", excerpt(inner))
    } else if lower.contains("date") || lower.contains("time") {
        "write the time alone, as a text: \"2026-12-01T18:00:00+01:00\"".to_owned()
    } else {
        "write the value alone".to_owned()
    };
    Some((text.get(..text.len() - unnamed.len() + name.len())?, advice))
}

/// What stands between the quotes of a text of whatever language, without a quote in it.
fn in_any_quotes(written: &str) -> Option<&str> {
    ['"', '\'', '`'].into_iter().find_map(|quote| {
        let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(['"', '\'', '`', '\\'])).then_some(inner)
    })
}

/// The name of a field that was written without double quotes: in single ones, or as Python 2 shows it.
pub(super) fn bare_name(written: &str) -> &str {
    let unmarked = written.trim_start_matches(['u', 'b', 'r']);
    in_any_quotes(unmarked).or_else(|| in_any_quotes(written)).unwrap_or(written)
}
