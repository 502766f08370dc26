//! What people write in a manifest who come from other languages and tools, and what JSON has instead.

use unicode_normalization::UnicodeNormalization as _;

use super::review::pasted;

/// How a post is written, for whoever comes from another format.
pub(super) const EXAMPLE: &str = "a manifest is JSON, with an object for each post: \
    [{ \"video_path\": \"clip.mp4\", \"description\": \"…\" }]";

/// Whether a line is one of those between which git leaves the versions that it could not merge.
///
/// <https://git-scm.com/docs/git-merge#_how_conflicts_are_presented>
pub(super) fn is_conflict(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
        .iter()
        .filter_map(|mark| line.trim_start_matches([' ', '\t']).strip_prefix(mark))
        .any(|rest| rest.is_empty() || rest.starts_with([' ', '\r', '\n']))
}

/// The ASCII sign that one of another script or width stands for.
pub(super) fn ascii(c: char) -> Option<char> {
    if c.is_ascii() {
        return None;
    }
    // Which bring what is wide, small or upright to its usual form.
    let mut forms = std::iter::once(c).nfkc();
    match (forms.next()?, forms.next()) {
        ('、' | '،', None) => Some(','),
        ('؛', None) => Some(';'),
        ('∶' | '꞉', None) => Some(':'),
        ('【' | '〔' | '〖', None) => Some('['),
        ('】' | '〕' | '〗', None) => Some(']'),
        (c, None) => c.is_ascii_graphic().then_some(c),
        _ => None,
    }
}

/// A double or single quote that is not ASCII.
pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '‛' | '«' | '»' | '‹' | '›')
        || matches!(c, '「' | '」' | '『' | '』' | '〝' | '〞' | '〟')
        || matches!(ascii(c), Some('"' | '\'' | '`'))
}

/// What to write instead of `#`.
pub(super) const COMMENT: &str =
    "a comment is written // … or /* … */; texts stand in double quotes";

pub(super) const ASCII_COMMA: &str = "write an ASCII comma: ,";
pub(super) const ASCII_COLON: &str = "write an ASCII colon: :";

/// What to write instead of a sign of another script or width.
pub(super) fn in_ascii(c: char) -> Option<String> {
    let ascii = ascii(c)?;
    let hint = match ascii {
        ',' | ';' => ASCII_COMMA,
        ':' => ASCII_COLON,
        '#' => COMMENT,
        '[' | ']' | '{' | '}' => return Some(format!("write an ASCII bracket: {ascii}")),
        c if c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '/') => {
            return Some(format!("write it in ASCII: {c}"));
        }
        c => mark(c.encode_utf8(&mut [0; 4]))?,
    };
    Some(hint.to_owned())
}

/// What to write instead of an escape that other languages have, and JSON has not. `escape` begins behind the
/// backslash, and `whole` is the text that it stands in.
pub(super) fn instead_of_escape(escape: &str, whole: &str) -> Option<String> {
    let sign = escape.chars().next()?;
    let mut start = whole.chars();
    let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic());
    if drive && start.as_str().starts_with(":\\") || whole.starts_with("\\\\") {
        return None;
    }
    let lower = whole.to_ascii_lowercase();
    let is_file = !whole.contains("://")
        && [".mp4", ".mov", ".webm"].iter().any(|ending| lower.ends_with(ending));
    let alone = match sign {
        ' ' => "a space needs no backslash: write it alone".to_owned(),
        '`' => "a backtick needs no backslash: write it alone".to_owned(),
        c if c.is_ascii_punctuation() => format!("`{c}` needs no backslash: write {c}"),
        _ if is_file => return None,
        _ => {
            let digits = match sign {
                'x' => escape.get(1..3)?,
                'U' => escape.get(1..9)?,
                _ => escape.strip_prefix("u{")?.split_once('}')?.0,
            };
            let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            let units: Vec<_> =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            return Some(format!("write {}", units.concat()));
        }
    };
    // Of a shell, or a folder of Windows.
    let may_part = is_file && !matches!(sign, ' ' | '\'');
    Some(if may_part { format!("{alone}; between folders write /") } else { alone })
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

/// What a text begins with that stands for nothing: the dots of something that was left out, or a comment of
/// another language. How it is written, and what to do about it.
pub(super) fn filler(text: &str) -> Option<(&str, &'static str)> {
    let line = text.lines().next()?.trim_end();
    if text.starts_with("<!--") {
        let end = text.find("-->").map_or(line.len(), |end| end + 3);
        let hint = "a comment of HTML or XML: take it away, or write it as /* … */";
        return Some((text.get(..end)?, hint));
    }
    let behind = line.trim_start_matches('-');
    // Neither is a number.
    let is_number = |behind: &str| behind.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if line.len() - behind.len() >= 2 && !is_number(behind) {
        // In place of a value.
        if behind.starts_with([',', ']', '}']) {
            return Some((line.get(..line.len() - behind.len())?, "take it away"));
        }
        let parts_documents = behind.is_empty();
        let hint = if parts_documents {
            "take it away"
        } else {
            "take it away, or write a comment as // …"
        };
        return Some((line, hint));
    }
    let behind = line.trim_start_matches(['.', '…']);
    if line.len() - behind.len() < 2 || is_number(behind) {
        return None;
    }
    let end = line.find([',', '[', ']', '{', '}', '"']).unwrap_or(line.len());
    Some((line.get(..end)?.trim_end(), "take it away"))
}

/// What stands behind such fillers, if any do.
pub(super) fn behind_fillers(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while let Some((written, _)) = filler(rest) {
        rest = rest.get(written.len()..)?.trim_start();
    }
    (rest != text.trim_start()).then_some(rest)
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
        match pasted(inner) {
            Some(text) => format!("write the text alone: {text}"),
            None => "write the text alone".to_owned(),
        }
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
