//! What a file is that is no manifest: told before a reader of JSON stumbles over its first character.

use video_probe::{Container, FileClass, ProbeError};

use super::foreign::{self, EXAMPLE};
use super::place::Places;
use crate::model::{Diagnostic, Field, Part};
use crate::text::{self, fetch_with};

/// So many bytes tell of the encoding.
const HEAD: usize = 4096;

/// What a file is instead of JSON, and what to do about it; `None`: it may be JSON.
pub(super) fn other_than_json(bytes: &[u8]) -> Option<Diagnostic> {
    let Found { at, message, hint } = known(bytes).or_else(|| prose(bytes))?;
    let before = bytes.get(..at).and_then(|before| str::from_utf8(before).ok()).unwrap_or_default();
    let before = before.trim_start_matches('\u{feff}');
    let (line, column) = Places::new(before).locate(before.len());
    Some(Diagnostic { line, column, part: Part::File, field: None, message, hint: Some(hint) })
}

/// Whether a file may be JSON.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    known(bytes).is_none() && prose(bytes).is_none()
}

/// What a file is that is of a known kind.
fn known(bytes: &[u8]) -> Option<Found> {
    (database(bytes).or_else(|| office(bytes)))
        .or_else(|| encoded(bytes))
        .or_else(|| binary(bytes))
        .or_else(|| text(bytes))
}

/// What a file is that is no JSON, with its article: `a web page`.
pub(crate) fn other_kind(bytes: &[u8]) -> Option<String> {
    let found = known(bytes)?.message;
    let what = found.strip_prefix("this is ")?;
    Some(what.split(", not ").next().unwrap_or(what).to_owned())
}

/// What a text that is not UTF-8 is instead, if that shows: `UTF-16`.
pub(crate) fn other_encoding(bytes: &[u8]) -> Option<String> {
    encoded(bytes)?.message.strip_prefix("the file is ").map(ToOwned::to_owned)
}

/// What was found of a file, and where: a byte offset behind UTF-8.
struct Found {
    at: usize,
    message: String,
    hint: String,
}

fn found(message: impl Into<String>, hint: impl Into<String>) -> Found {
    Found { at: 0, message: message.into(), hint: hint.into() }
}

/// Half of whose bytes may be zeros, as those of UTF-16 are.
///
/// <https://www.sqlite.org/fileformat.html#magic_header_string>
fn database(bytes: &[u8]) -> Option<Found> {
    let is_sqlite = bytes.starts_with(b"SQLite format 3\0");
    is_sqlite.then(|| found("this is an SQLite database, not a manifest", EXAMPLE))
}

/// Spreadsheets and documents, which are archives of XML or old compound files.
///
/// - <https://ecma-international.org/publications-and-standards/standards/ecma-376/>
/// - <https://docs.oasis-open.org/office/OpenDocument/v1.3/os/part2-packages/OpenDocument-v1.3-os-part2-packages.html>
/// - <https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/>
fn office(bytes: &[u8]) -> Option<Found> {
    let name = if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        "an old Excel or Word file"
    } else if bytes.starts_with(MEMBER) {
        office_archive(bytes)?
    } else {
        return None;
    };
    let hint = if name.ends_with("spreadsheet") {
        "save it as CSV, in UTF-8, with the names of the fields in the first row"
    } else {
        EXAMPLE
    };
    Some(found(format!("this is {name}, not a manifest"), hint))
}

/// What the header of each member of a ZIP archive begins with.
const MEMBER: &[u8] = b"PK\x03\x04";

/// How long such a header is, without the name behind it.
const HEADER: usize = 30;

fn office_archive(bytes: &[u8]) -> Option<&'static str> {
    let members = || {
        let starts =
            (0..bytes.len()).filter(|at| bytes.get(*at..).is_some_and(|it| it.starts_with(MEMBER)));
        starts.filter_map(|at| {
            let header = bytes.get(at..at + HEADER)?;
            let [.., low, high, _, _] = header else { return None };
            let name = at + HEADER;
            bytes.get(name..name + usize::from(u16::from_le_bytes([*low, *high])))
        })
    };
    let has = |name: &[u8]| members().any(|member| member.starts_with(name));
    let kind = bytes.get(HEADER..)?.strip_prefix(b"mimetypeapplication/vnd.oasis.opendocument.");
    Some(match kind {
        Some(kind) if kind.starts_with(b"spreadsheet") => "a LibreOffice spreadsheet",
        Some(_) => "a LibreOffice document",
        None if has(b"[Content_Types].xml") && has(b"xl/") => "an Excel spreadsheet",
        None if has(b"[Content_Types].xml") && has(b"word/") => "a Word document",
        None if has(b"[Content_Types].xml") && has(b"ppt/") => "a PowerPoint presentation",
        None if members().any(|it| it.starts_with(b"Index/") && it.ends_with(b".iwa")) => {
            "a Numbers or Pages document"
        }
        None => return None,
    })
}

/// Text in another encoding than UTF-8, and zeros where text should be.
fn encoded(bytes: &[u8]) -> Option<Found> {
    let utf = |name| found(format!("the file is {name}"), "save it as UTF-8");
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some(utf("UTF-32"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some(utf("UTF-16"));
    }
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let (content, _) = bytes.split_at(bytes.len() - zeros);
    if !bytes.is_empty() && content.is_empty() {
        let hint = "its content was lost, as in a crash or on a full disk: write it again";
        return Some(found("the file holds nothing but zero bytes", hint));
    }
    // The last character of UTF-16 and UTF-32 may end with zeros itself.
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let of = |step: usize, place: usize| {
        let all = head.iter().skip(place).step_by(step);
        let (count, zeros) = all.fold((0, 0), |(n, z), byte| (n + 1, z + usize::from(*byte == 0)));
        count > 0 && zeros * 10 >= count * 7
    };
    let text_at = |step: usize, place: usize| !of(step, place);
    // Zeros behind each character or before it, and not in its own place.
    if head.len() >= 8 && head.len().is_multiple_of(4) {
        let little = (1..4).all(|place| of(4, place)) && text_at(4, 0);
        let big = (0..3).all(|place| of(4, place)) && text_at(4, 3);
        if little || big {
            return Some(utf("UTF-32, without a byte order mark"));
        }
    }
    if head.len() >= 2 && zeros <= 1 && (of(2, 1) && text_at(2, 0) || of(2, 0) && text_at(2, 1)) {
        return Some(utf("UTF-16, without a byte order mark"));
    }
    if zeros > 0 && !content.contains(&0) && std::str::from_utf8(content).is_ok() {
        let count = crate::text::count(u64::try_from(zeros).unwrap_or(u64::MAX), "zero byte");
        let hint = "something was lost there, as in a crash or on a full disk: look at the end of the \
            file, and save it without them";
        let found = found(format!("the file ends in {count}"), hint);
        return Some(Found { at: content.len(), ..found });
    }
    if bytes.first() == Some(&0)
        && bytes.iter().skip_while(|byte| **byte == 0).all(|byte| *byte != 0)
    {
        let hint = "something was lost there, as in a crash: write the file again";
        return Some(found("the file begins with zero bytes", hint));
    }
    None
}

/// Files that are no text.
fn binary(bytes: &[u8]) -> Option<Found> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let is_text = match std::str::from_utf8(head) {
        Ok(text) => !text.contains('\0'),
        // A character may be cut off here.
        Err(error) => error.error_len().is_none(),
    };
    if is_text {
        return None;
    }
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let video = |name: &str| {
        let hint = "`tiktok-up post` with the name of this video posts it; `upload` takes a file that lists the posts";
        found(format!("this is {name}, not a manifest"), hint)
    };
    match video_probe::probe(&bytes, len) {
        Ok(probe) => Some(video(match probe.container {
            Container::Mp4 => "an MP4 video",
            Container::Mov => "a MOV video",
            Container::WebM => "a WebM video",
        })),
        Err(ProbeError::NoIndex | ProbeError::Changed | ProbeError::NoPicture) => {
            Some(video("a video or sound"))
        }
        Err(ProbeError::NotAVideo { looks_like: Some(other) }) => Some(match other.class {
            FileClass::Video | FileClass::Segment => video(other.name),
            FileClass::Sound => found(
                format!("this is {}, not a manifest", other.name),
                "`upload` takes a manifest, a JSON file that lists the posts; TikTok takes videos and \
                 photos, not sound without a picture",
            ),
            FileClass::Picture => found(
                format!("this is {}, not a manifest", other.name),
                "`upload` takes a manifest, a JSON file that lists the posts; photos are posted with \
                 `photo_urls`, from an address that TikTok pulls",
            ),
            FileClass::Archive => found(
                format!("this is {}, not a manifest", other.name),
                "unpack it, and name the JSON file in it",
            ),
            _ => found(format!("this is {}, not a manifest", other.name), EXAMPLE),
        }),
        // One that is spoilt is told its place.
        _ if !head.contains(&0) || bytes.trim_ascii_start().starts_with(b"[") => None,
        _ if bytes.trim_ascii_start().starts_with(b"{") => None,
        _ => Some(found("this is a binary file, not a manifest", EXAMPLE)),
    }
}

/// Texts that are no JSON.
fn text(bytes: &[u8]) -> Option<Found> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    if foreign::is_conflict(first) || hides_json(first, text) {
        // Said with its place by the reader of JSON.
        return None;
    }
    let second = lines.find(|line| !line.starts_with('#'));
    let lower = first.to_ascii_lowercase();
    let not_json = |name: &str| Some(found(format!("this is {name}, not JSON"), EXAMPLE));
    if !first.starts_with(['[', '{', '"']) || first.starts_with("[InternetShortcut]") {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Err(ProbeError::NotAVideo { looks_like: Some(other) }) =
            video_probe::probe(&bytes, len)
        {
            let hint = match (other.class, other.fetched_by()) {
                (_, Some(command)) => fetch_with(command),
                (FileClass::Placeholder, None) => {
                    "it only leads to something else: name the JSON file itself".to_owned()
                }
                _ => EXAMPLE.to_owned(),
            };
            if other.class == FileClass::Placeholder || other.name == "a PDF" {
                return Some(found(format!("this is {}, not a manifest", other.name), hint));
            }
        }
    }
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        let hint = "a server sent this instead of the file: look into it, and download again";
        return Some(found("this is a web page, not a manifest", hint));
    }
    if lower.starts_with("<?php") {
        return not_json("PHP");
    }
    if first.starts_with('<') {
        return not_json("XML");
    }
    if first.starts_with("{\\rtf") {
        return Some(found("this is a document (RTF)", "save it as plain text, in UTF-8"));
    }
    if first.starts_with("```") {
        return Some(found("this is Markdown around the JSON", "leave out the lines with ```"));
    }
    if lower.starts_with("#extm3u") {
        return not_json("a playlist");
    }
    if first.starts_with("#!") {
        return not_json("a script");
    }
    if ["module.exports", "export default", "const ", "let ", "var "]
        .iter()
        .any(|it| lower.starts_with(it))
    {
        return not_json("JavaScript");
    }
    if is_table_header(first) {
        return not_json("TOML");
    }
    if is_field(first) {
        return None;
    }
    if first.starts_with(|c| matches!(foreign::ascii(c), Some('[' | '{'))) {
        return None;
    }
    if first.starts_with(['[', '{', '"', '/']) {
        return csv(first, second).filter(|()| first.starts_with('"')).map(|()| headless(first));
    }
    // A comment tells nothing yet.
    let line = if first.starts_with('#') { second? } else { first };
    if line == "---" || line.starts_with("- ") || line.starts_with("%YAML") || is_pair(line, ':') {
        return not_json("YAML");
    }
    if line.starts_with(['[', '{', '"', '/']) && !is_table_header(line) {
        return None;
    }
    let from_here = text.get(text.find(line)?..)?;
    if let Some(language) = program(line, from_here) {
        return not_json(language);
    }
    if is_variable(line) {
        return not_json("a file of environment variables");
    }
    if is_table_header(line) || is_pair(line, '=') {
        return not_json("TOML");
    }
    if csv(line, second).is_some() {
        return Some(headless(line));
    }
    let video = |line: &str| {
        let lower = line.to_ascii_lowercase();
        [".mp4", ".mov", ".webm"].iter().any(|ending| lower.ends_with(ending))
    };
    video(line).then(|| found("this is a list of files, not JSON", EXAMPLE))
}

/// Whether a text begins with JSON within quotes, or behind what only stands for something.
fn hides_json(first: &str, text: &str) -> bool {
    let quoted = first.strip_prefix('"').map(str::trim_start);
    let hidden = [quoted, foreign::behind_fillers(text)];
    hidden.into_iter().flatten().any(|json| json.starts_with(['[', '{']))
}

/// Words that somebody wrote, of whatever kind, without anything that a manifest begins with.
fn prose(bytes: &[u8]) -> Option<Found> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut off here.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    // A comment tells nothing yet.
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let begins_json = line.starts_with(|c| matches!(foreign::ascii(c), Some('[' | '{')));
    let is_value = foreign::is_number(line) || foreign::instead_of_word(line).is_some();
    let has_words = line.chars().any(char::is_alphabetic);
    let begins_otherwise = line.starts_with(['"', '\'', '`', '/']);
    if text.contains(['[', '{']) || is_value || !has_words || begins_otherwise || begins_json {
        return None;
    }
    late_table(text).or_else(|| Some(found("this is a text, not a manifest", EXAMPLE)))
}

/// How far from its beginning a text may have the names of fields, in lines.
const TITLES: usize = 10;

/// A table of posts that its reader does not take for one: something stands above the names of its fields, or it is
/// separated otherwise.
fn late_table(text: &str) -> Option<Found> {
    let named = |line: &str, between: char| {
        let cells = line.split(between).map(|cell| cell.trim().trim_matches('"'));
        cells.filter_map(Field::named).any(|field| Field::SOURCES.contains(&field))
    };
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines()).take(TITLES);
    lines.find_map(|(number, line)| {
        if [',', ';', '\t'].into_iter().any(|between| named(line, between)) {
            let hint = format!("line {number} has them: it must be the first one");
            return Some(found(
                "this is a CSV table whose first row does not name the fields",
                hint,
            ));
        }
        let hint = "separate them by commas, semicolons or tabs";
        named(line, '|').then(|| found("the cells of this table are not separated as in CSV", hint))
    })
}

/// The language of a program that begins with `line`, as far as it is of its data: `videos = [{"a": …`.
fn program(line: &str, text: &str) -> Option<&'static str> {
    let is_code = text.contains(['=', '(']);
    let has_text = line.contains(['"', '\'']);
    if line.starts_with("import ") && is_code {
        return Some(if has_text { "JavaScript" } else { "Python" });
    }
    if line.starts_with("from ") && line.contains(" import ") {
        return Some("Python");
    }
    let (_, value) = text.split_once('=')?;
    let is_literal = value.trim_start().starts_with(['[', '{']);
    // Fields of TOML have `=` behind their names.
    let is_program = is_pair(line, '=') && !is_variable(line) && is_literal;
    (is_program && mark_outside(value) == Some(':')).then_some("Python or JavaScript")
}

/// The first `:` or `=` that stands in no quotes.
fn mark_outside(text: &str) -> Option<char> {
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(_), '\\') => _ = characters.next(),
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ':' | '=') => return Some(c),
            _ => {}
        }
    }
    None
}

/// `NAME=value`, as a shell and systemd read it.
fn is_variable(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// `[posts]`, `[[posts]]`.
fn is_table_header(line: &str) -> bool {
    let inner = line.trim_matches(['[', ']']);
    line.starts_with('[')
        && line.ends_with(']')
        && inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && !matches!(inner, "true" | "false" | "null")
        && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// `name: value` or `name = value`.
fn is_pair(line: &str, between: char) -> bool {
    let Some((name, value)) = line.split_once(between) else { return false };
    let name = name.trim_end();
    (value.is_empty() || value.starts_with([' ', '\t']) || between == '=')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// `"name": value`, a field of JSON without its object.
fn is_field(line: &str) -> bool {
    let name = line.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    name.is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
}

/// Whether two lines are the beginning of a table.
fn csv(first: &str, second: Option<&str>) -> Option<()> {
    [',', ';', '\t'].into_iter().find(|&between| {
        let cells = first.matches(between).count();
        let names = first.split(between).map(|cell| cell.trim().trim_matches('"'));
        let known = names.filter(|name| Field::meant_by(name).is_some()).count();
        cells > 0
            && (known > 0 || second.is_some_and(|line| line.matches(between).count() == cells))
    })?;
    Some(())
}

/// A table that is no manifest, as its first row does not name the fields.
fn headless(first: &str) -> Found {
    let cells = || {
        let cells = first.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"'));
        cells.filter(|cell| !cell.is_empty())
    };
    // One that is spelt as it should be stands between other separators than the first two cells.
    let source = |cell: &str| Field::meant_by(cell).filter(|field| Field::SOURCES.contains(field));
    let meant = cells().find_map(|cell| Some((cell, source(cell)?)));
    let meant = meant.map(|(cell, field)| match field.name() {
        name if name == cell => "; all of its cells are separated alike".to_owned(),
        name => format!("; did you mean `{name}` for `{}`?", text::shown(cell)),
    });
    found(
        "this is a CSV table whose first row does not name the fields",
        format!(
            "the first row has the names of fields, one of them `video_path`, `video_url` or `photo_urls`{}",
            meant.unwrap_or_default()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn said(bytes: impl AsRef<[u8]>) -> String {
        other_than_json(bytes.as_ref()).map(|problem| problem.message).unwrap_or_default()
    }

    fn wide(text: &str, width: usize, big: bool) -> Vec<u8> {
        let unit = |c: char| {
            let mut unit = vec![0; width];
            let at = if big { width - 1 } else { 0 };
            unit[at] = u8::try_from(c).unwrap();
            unit
        };
        text.chars().flat_map(unit).collect()
    }

    #[test]
    fn other_encodings_are_called_what_they_are() {
        let text = "[{\"video_path\": \"clip.mp4\"}]";
        for big in [false, true] {
            assert_eq!(said(wide(text, 2, big)), "the file is UTF-16, without a byte order mark");
            assert_eq!(said(wide("[]", 2, big)), "the file is UTF-16, without a byte order mark");
            assert_eq!(said(wide(text, 4, big)), "the file is UTF-32, without a byte order mark");
        }
        assert_eq!(said(b"\xff\xfe[\0]\0"), "the file is UTF-16");
        assert_eq!(said(b"\xff\xfe\0\0[\0\0\0"), "the file is UTF-32");
        assert_eq!(said(b"\0\0\xfe\xff\0\0\0["), "the file is UTF-32");
    }

    #[test]
    fn zeros_are_told_apart_from_text() {
        assert_eq!(said([0; 40]), "the file holds nothing but zero bytes");
        assert_eq!(
            said([b"[]\n".as_slice(), &[0; 4093]].concat()),
            "the file ends in 4093 zero bytes"
        );
        assert_eq!(said(b"[]\0"), "the file ends in 1 zero byte");
        assert_eq!(said(b"\0\0\0[]"), "the file begins with zero bytes");
    }

    #[test]
    fn zeros_at_the_end_are_told_where_they_begin() {
        for (text, line, column) in
            [("[]", 1, 3), ("\u{feff}[]", 1, 3), ("[\n]\n", 3, 1), ("[{\"id\": \"é\"}]", 1, 14)]
        {
            let bytes = [text.as_bytes(), &[0; 9]].concat();
            let problem = other_than_json(&bytes).unwrap();
            assert_eq!((problem.line, problem.column), (line, column), "{text}");
            assert_eq!(problem.message, "the file ends in 9 zero bytes");
        }
    }

    #[test]
    fn prose_is_no_manifest() {
        for text in [
            "hello",
            "Please post the two clips on Friday.\n\nThank you\n",
            "# Clips\n\nThe \"first\" one\n",
            "1. The first clip",
            "Été à la mer",
            "* a\n* b\n",
            "\u{feff}猫",
        ] {
            assert_eq!(said(text), "this is a text, not a manifest", "{text}");
            assert_eq!(other_kind(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_called_what_they_are() {
        for (text, name) in [
            ("- video_path: a.mp4\n", "YAML"),
            ("---\n- video_path: a.mp4\n", "YAML"),
            ("# mine\nposts:\n  - video_path: a.mp4\n", "YAML"),
            ("[[posts]]\nvideo_path = \"a.mp4\"\n", "TOML"),
            ("video_path = \"a.mp4\"\n", "TOML"),
            ("<!-- x -->\n<posts/>", "XML"),
            ("<?xml version=\"1.0\"?>\n<posts/>", "XML"),
            ("<?php\nreturn [];", "PHP"),
            ("const posts = [", "JavaScript"),
            ("videos = [{\"video_path\": \"a.mp4\"}]\n", "Python or JavaScript"),
            ("videos = [{'video_path': 'a.mp4'}]\n", "Python or JavaScript"),
            ("# mine\nVIDEOS = [\n  {\n    'video_path': 'a=b.mp4',\n", "Python or JavaScript"),
            ("window.videos = [{ video_path: \"a.mp4\" }];\n", "Python or JavaScript"),
            ("data = {\n\"posts\": []}", "Python or JavaScript"),
            ("import json\nvideos = [{'a': 1}]\n", "Python"),
            ("from pathlib import Path\nvideos = [{'a': 1}]\n", "Python"),
            ("import fs from 'fs';\nconst a = [];\n", "JavaScript"),
            ("posts = [{ video_path = \"a: b.mp4\" }]\n", "TOML"),
            ("tags = [\"a: b\"]\n", "TOML"),
            ("POSTS=[{\"a\":1}]\n", "a file of environment variables"),
            ("TIKTOK_CLIENT_KEY=aw1\n", "a file of environment variables"),
            ("#!/bin/sh\n", "a script"),
        ] {
            assert_eq!(said(text), format!("this is {name}, not JSON"), "{text}");
        }
        assert_eq!(
            said("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
            "this is a Git LFS pointer, not a manifest"
        );
        assert_eq!(said("%PDF-1.7\n1 0 obj\n"), "this is a PDF, not a manifest");
        assert_eq!(said("a.mp4\nb.mp4\n"), "this is a list of files, not JSON");
        assert_eq!(said("\n <!DOCTYPE html>\n<title>404"), "this is a web page, not a manifest");
        assert_eq!(said("```json\n[]\n```"), "this is Markdown around the JSON");
        assert_eq!(said("{\\rtf1\\ansi"), "this is a document (RTF)");
    }

    #[test]
    fn a_table_without_names_of_fields_is_called_that() {
        for (text, meant) in [
            ("video\ttags\na.mp4\tx\n", "did you mean `video_path` for `video`?"),
            ("user_id,video_paht\nada,a.mp4\n", "did you mean `video_path` for `video_paht`?"),
            ("a.mp4,Hi\nb.mp4,Ho\n", "`photo_urls`"),
            ("My posts,,\nvideo_path,description,mode\n", "`photo_urls`"),
        ] {
            let problem = other_than_json(text.as_bytes()).unwrap();
            assert_eq!(
                problem.message,
                "this is a CSV table whose first row does not name the fields"
            );
            let hint = problem.hint.unwrap_or_default();
            assert!(hint.ends_with(meant), "{text}: {hint}");
        }
    }

    #[test]
    fn other_files_are_called_what_they_are() {
        let video = include_bytes!("../../tests/fixtures/fast-start.mp4");
        assert_eq!(said(video), "this is an MP4 video, not a manifest");
        assert_eq!(said(b"\x1f\x8b\x08\0\0\0\0\0"), "this is a gzip archive, not a manifest");
        assert_eq!(said(b"PK\x03\x04\x14\0\0\0\xff"), "this is a ZIP archive, not a manifest");
        assert_eq!(said(b"\xff\xd8\xff\xe0\0\x10JFIF"), "this is a JPEG picture, not a manifest");
        let page: Vec<_> = b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20\0\0\0\xfb".to_vec();
        for length in [24, 4096, 8192] {
            let mut database = page.clone();
            database.resize(length, 0);
            assert_eq!(said(&database), "this is an SQLite database, not a manifest");
            // One that is half filled.
            database.iter_mut().skip(24).step_by(2).for_each(|byte| *byte = b'a');
            assert_eq!(said(&database), "this is an SQLite database, not a manifest");
        }
        assert_eq!(said(b"\x80\x04\x95\0\0\0\xff"), "this is a binary file, not a manifest");
    }

    /// A ZIP archive as far as its members' names are concerned.
    fn packed(members: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in members {
            bytes.extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\xff\xfe\xfd\xfc");
            for size in [content.len(), content.len()] {
                bytes.extend(u32::try_from(size).unwrap().to_le_bytes());
            }
            bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(name.bytes());
            bytes.extend(content.bytes());
        }
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes
    }

    #[test]
    fn files_of_an_office_are_called_so_with_the_advice_for_a_table() {
        let open = "application/vnd.oasis.opendocument.";
        let (sheet, words) = (format!("{open}spreadsheet"), format!("{open}text"));
        let types = "[Content_Types].xml";
        for (bytes, name) in [
            (packed(&[(types, "x"), ("xl/workbook.xml", "x")]), "an Excel spreadsheet"),
            (
                packed(&[("docProps/app.xml", "x"), ("xl/a.xml", "x"), (types, "")]),
                "an Excel spreadsheet",
            ),
            (packed(&[(types, "x"), ("word/document.xml", "x")]), "a Word document"),
            (packed(&[(types, "x"), ("ppt/presentation.xml", "x")]), "a PowerPoint presentation"),
            (packed(&[("mimetype", &sheet), ("content.xml", "x")]), "a LibreOffice spreadsheet"),
            (packed(&[("mimetype", &words), ("content.xml", "x")]), "a LibreOffice document"),
            (
                packed(&[("Index/Document.iwa", "x"), ("Data/a.jpg", "")]),
                "a Numbers or Pages document",
            ),
            (
                [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 600]].concat(),
                "an old Excel or Word file",
            ),
        ] {
            let told = other_than_json(&bytes).unwrap();
            assert_eq!(told.message, format!("this is {name}, not a manifest"));
            let as_table = name.ends_with("spreadsheet");
            assert_eq!(told.hint.as_deref() == Some(EXAMPLE), !as_table, "{told:?}");
            assert_eq!(other_kind(&bytes).as_deref(), Some(name));
        }
        for members in [
            &[("posts.json", "[]")][..],
            &[("xl/posts.json", "[]")],
            &[("mimetype", "application/epub+zip")],
            &[("Index/posts.json", "[]")],
        ] {
            assert_eq!(said(packed(members)), "this is a ZIP archive, not a manifest");
        }
    }

    #[test]
    fn what_may_be_json_is_left_to_its_reader() {
        for text in [
            "---\n[{\"video_path\": \"a.mp4\"}]",
            "-- clips, all\n-- of May, too\n[{\"video_path\": \"a.mp4\", \"id\": 1}]",
            "<!-- x\ny -->\n[]",
            "\"[{\"\"id\"\": \"\"a\"\", \"\"x\"\": 1},\n{\"\"id\"\": \"\"b\"\", \"\"x\"\": 1},\n{}]\"",
            "",
            " \n",
            "[]",
            "[true]",
            "［{\"video_path\": \"a.mp4\", \"id\": \"1\"},\n{\"video_path\": \"b.mp4\", \"id\": \"2\"}]",
            "［｛\"video_path\"：\"a.mp4\"｝］",
            "{\"posts\": []}",
            "// posts\n[]",
            "/* a, b */ []",
            "\"a\"",
            "True",
            "null",
            "NaN",
            "1e5",
            "007",
            "posts [{}]",
            "<<<<<<< HEAD\n[]\n=======\n[1]\n>>>>>>> more\n",
            "=======\n",
            "||||||| 0123abc\n[]",
            ">>>>>>> more, or less\n[]",
            "[\n  {\"video_path\": 'a'}]",
            "\"user_id\": \"a\",\n\"video_path\": \"a.mp4\",\n\"tags\": []\n",
            "{ video_path: 'a' }",
            "# a\n[]",
            "# a, b\n[{\"video_path\": \"a.mp4\", \"tags\": []},\n{\"id\": 1, \"x\": 2}]",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
        assert_eq!(said(b"[{\"id\": \"\xff\"}]"), "");
        assert_eq!(said(b"[\"a\0b\"]"), "");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            _ = other_than_json(&bytes);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,60}") {
            _ = other_than_json(text.as_bytes());
        }
    }
}
