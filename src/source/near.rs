//! What somebody may have meant who wrote a path that leads nowhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::text::{begins_with_host, folded, hidden, json, listed, shown, template};

/// The most names of a folder that are looked at.
const MOST_NAMES: usize = 10_000;

/// The fewest characters of a name in which a slip of the finger is looked for.
const SHORTEST: usize = 4;

/// What to write instead of a path, or what of it is taken literally. `None`: nothing is known.
///
/// `written` is the path as it was written, relative to `folder`; it leads to no file. Looks into folders,
/// and so blocks.
pub(crate) fn hint(written: &Path, folder: &Path) -> Option<String> {
    let text = written.to_string_lossy();
    if is_web_address(&text) {
        return Some(
            "a URL goes into `video_url`, and TikTok pulls the video from there".to_owned(),
        );
    }
    // What may be meant, each with why it is not what was written.
    for (meant, why) in readings(&text) {
        if let Some(found) = lookup(Path::new(&meant), folder) {
            return Some(format!("{why}; write {}", quoted(&found)));
        }
    }
    if let Some(piece) = template::unfilled_in_name(&text) {
        return Some(template::words(piece));
    }
    if is_bare_address(written, folder) {
        return Some(
            "this looks like an address without `https://`: with that before it, it goes into `video_url`, and \
             TikTok pulls the video from there"
                .to_owned(),
        );
    }
    if let Some(literal) = literal(&text, is_pattern(written, folder)) {
        return Some(literal.to_owned());
    }
    if let Some(target) = dangling(&folder.join(written)) {
        return Some(format!("it is a symbolic link to {}, which is not there", quoted(&target)));
    }
    if let Some(found) = lookup(written, folder) {
        let reason = difference(written, &found);
        return Some(format!("did you mean {}?{reason}", quoted(&found)));
    }
    if let Some(found) = elsewhere(written, folder) {
        return Some(found);
    }
    if let Some(listed) = listed(&text) {
        return Some(format!("the path holds {listed}"));
    }
    (text.trim() != text).then(|| "the path begins or ends with white space".to_owned())
}

/// The same for a manifest, which is named where the run began.
pub(crate) fn manifest_hint(written: &Path) -> Option<String> {
    let text = written.to_string_lossy();
    if is_web_address(&text) || is_bare_address(written, Path::new("")) {
        return Some("a manifest is a file on this machine: download it first".to_owned());
    }
    if let Some(piece) = template::unfilled_in_name(&text) {
        return Some(template::words(piece));
    }
    if !text.contains('\\') && text.contains('*') {
        return Some("no file fits that pattern; name one file".to_owned());
    }
    if is_pattern(written, Path::new("")) {
        return Some("patterns stand for themselves within quotes; name one file".to_owned());
    }
    let name = Path::new(written.file_name()?);
    if written.is_relative() && name != written && name.is_file() {
        return Some(format!("it is here: {}", quoted(name)));
    }
    hint(written, Path::new(""))
}

/// What lies beside a directory that is not there, and differs from it in what people overlook: case, spaces
/// and the form of characters. One with other letters may be another program's.
pub(crate) fn sibling(directory: &Path) -> Option<PathBuf> {
    if directory.symlink_metadata().is_ok() {
        return None;
    }
    let plain = |name: &OsStr| folded(&name.to_string_lossy()).replace(' ', "");
    let name = plain(directory.file_name()?);
    let parent = directory.parent()?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let mut others = fs::read_dir(parent).ok()?.take(MOST_NAMES).flatten();
    let found = others.find(|other| plain(&other.file_name()) == name && other.path().is_dir())?;
    Some(directory.with_file_name(found.file_name()))
}

/// A path as it can be written into a manifest: as JSON where it holds what JSON escapes, what is not seen, or
/// what looks the same in another form.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = hidden(&text).next().is_none()
        && !text.contains(is_combining_mark)
        && !text.contains(['"', '\\']);
    if plain { format!("`{}`", shown(&text)) } else { json(&text, is_combining_mark) }
}

fn is_web_address(text: &str) -> bool {
    let start: String = text.chars().take(8).flat_map(char::to_lowercase).collect();
    ["http:/", "https:/"].iter().any(|scheme| start.starts_with(scheme))
}

/// Whether a path that leads nowhere begins with the name of a host, and not with that of a folder.
fn is_bare_address(written: &Path, folder: &Path) -> bool {
    let first = written.components().next();
    begins_with_host(&written.to_string_lossy())
        && first.is_some_and(|first| !folder.join(first).exists())
        && lookup(written, folder).is_none()
}

/// What a shell, an editor or another system would have made of the text.
fn readings(text: &str) -> Vec<(String, &'static str)> {
    let mut readings = Vec::new();
    let mut add = |meant: Option<String>, why| {
        readings
            .extend(meant.filter(|meant| meant != text && !meant.is_empty()).map(|it| (it, why)));
    };
    add(unquoted(text), "the quotes are a part of the path here");
    add(of_file_url(text), "this is a URL, and a path is wanted");
    add(at_home(text), "`~` and `$HOME` stand for themselves here");
    add(Some(without_escapes(text)), "`\\` stands for itself here");
    add(
        Some(text.replace('\\', "/")),
        "`\\` stands for itself here, and folders are separated by `/`",
    );
    add(
        Some(spelt_out(text)),
        "in JSON `\\t`, `\\n` and the like are one character each, and folders are separated by `/`",
    );
    add(percent_decoded(text), "`%` stands for itself here");
    add(Some(text.replace('+', " ")), "`+` stands for itself here");
    add(text.strip_suffix('/').map(str::to_owned), "`/` at the end makes it a folder");
    readings
}

/// A path with a `/` and a letter for each character that JSON writes as a `\` and that letter: a Windows path whose
/// `\` were not doubled.
fn spelt_out(text: &str) -> String {
    const WRITTEN: [(char, &str); 5] =
        [('\t', "/t"), ('\n', "/n"), ('\r', "/r"), ('\u{8}', "/b"), ('\u{c}', "/f")];
    let mut path = String::with_capacity(text.len());
    for c in text.chars() {
        match WRITTEN.iter().find(|(control, _)| *control == c) {
            Some((_, written)) => path.push_str(written),
            None => path.push(if c == '\\' { '/' } else { c }),
        }
    }
    path
}

/// Whether a path is one of a shell that stands for others: `*` is in it, or a file in its folder fits what its
/// name has of `?`, `[0-9]` and `{a,b}`, which names of files have, too.
fn is_pattern(written: &Path, folder: &Path) -> bool {
    if written.to_string_lossy().contains('*') {
        return true;
    }
    let Some(name) = written.file_name().map(OsStr::to_string_lossy) else { return false };
    if !name.contains(['?', '[', '{']) {
        return false;
    }
    let parent = folder.join(written.parent().unwrap_or(Path::new("")));
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { &parent };
    let mut there = fs::read_dir(parent).into_iter().flatten().take(MOST_NAMES).flatten();
    there.any(|entry| fits(&name, &entry.file_name().to_string_lossy()))
}

/// Whether a name fits a pattern of a shell that has no `*`.
fn fits(pattern: &str, name: &str) -> bool {
    // What is left of the name behind what was read of the pattern: in several ways, where `{a,ab}` is in it.
    let mut left = vec![name];
    let mut pattern = pattern.chars();
    while let Some(c) = pattern.next() {
        let enclosed = match c {
            '{' => pattern.as_str().split_once('}').filter(|(inner, _)| inner.contains(',')),
            '[' => pattern.as_str().split_once(']'),
            _ => None,
        };
        if let Some((_, behind)) = enclosed {
            pattern = behind.chars();
        }
        let mut next = Vec::new();
        for rest in left {
            match (c, enclosed) {
                ('{', Some((inner, _))) => {
                    next.extend(inner.split(',').filter_map(|text| rest.strip_prefix(text)));
                }
                (_, Some((set, _))) => next.extend(rest.strip_prefix(|c| is_in_set(set, c))),
                ('?', None) => next.extend(rest.strip_prefix(|_| true)),
                (c, None) => next.extend(rest.strip_prefix(c)),
            }
        }
        // All are ends of one name.
        next.sort_unstable_by_key(|rest| rest.len());
        next.dedup();
        left = next;
    }
    left.contains(&"")
}

/// Whether a character is in a set of a pattern, such as `abc` or `0-9`.
fn is_in_set(set: &str, c: char) -> bool {
    let listed: Vec<_> = set.chars().collect();
    let within = |range: &[char; 3]| matches!(range, [from, '-', to] if (*from..=*to).contains(&c));
    listed.contains(&c) || listed.array_windows().any(within)
}

/// What of the text is taken literally, and hardly meant so; `is_pattern`: it would be a pattern in a shell.
fn literal(text: &str, is_pattern: bool) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let drive = matches!(bytes, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    Some(if text.to_lowercase().starts_with("file:") {
        "this is a URL: write the path alone, such as /home/me/clip.mp4"
    } else if drive {
        "this is a path of Windows: here it begins with `/`, and `/` separates folders"
    } else if text.starts_with('~') {
        "`~` stands for itself here; write the whole path"
    } else if text.contains('$') {
        "`$` stands for itself here; write the whole path"
    } else if text.matches('%').count() > 1 && names_a_variable(text) {
        "`%` stands for itself here; write the whole path"
    } else if is_pattern {
        "patterns such as `*` stand for themselves here; name each file in a post of its own"
    } else if text.contains('\\') {
        "`\\` stands for itself here: `/` separates folders, and spaces are written as they are"
    } else if percent_decoded(text).is_some_and(|decoded| decoded != text) {
        "`%` stands for itself here: write a space as a space"
    } else if text.contains(['\'', '"']) && unquoted(text).is_some() {
        "the quotes are a part of the path here; leave them out"
    } else {
        return None;
    })
}

fn names_a_variable(text: &str) -> bool {
    let mut between = text.split('%').skip(1).step_by(2);
    between
        .any(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
}

fn unquoted(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = ['\'', '"', '`']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)));
    inner.map(str::to_owned)
}

fn of_file_url(text: &str) -> Option<String> {
    let start = text.get(..5).filter(|start| start.eq_ignore_ascii_case("file:"))?;
    let rest = text.strip_prefix(start)?;
    let path = match rest.strip_prefix("//") {
        Some(behind) => behind.strip_prefix("localhost").unwrap_or(behind),
        None => rest,
    };
    Some(percent_decoded(path).unwrap_or_else(|| path.to_owned()))
}

fn at_home(text: &str) -> Option<String> {
    let rest = ["~", "$HOME", "${HOME}"].iter().find_map(|word| text.strip_prefix(word))?;
    let rest = rest.strip_prefix('/')?;
    let home = std::env::var_os("HOME").map(PathBuf::from).or_else(std::env::home_dir)?;
    Some(home.join(rest).to_string_lossy().into_owned())
}

/// A text without the backslashes that a shell takes away.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        plain.extend(if c == '\\' { rest.next() } else { Some(c) });
    }
    plain
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).ok()?);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|decoded| !decoded.contains('\0'))
}

/// The file that a path leads to, or one that lies there under a name that is nearly the same: as the path
/// to it should be written.
fn lookup(written: &Path, folder: &Path) -> Option<PathBuf> {
    let mut base = if written.is_absolute() { PathBuf::new() } else { folder.to_owned() };
    let mut named = PathBuf::new();
    let mut components = written.components().peekable();
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        let next = base.join(component);
        let there = if last { next.is_file() } else { next.is_dir() };
        let name = match component {
            Component::Normal(name) if !there => best(&base, name, last)?,
            other => other.as_os_str().to_owned(),
        };
        base.push(&name);
        named.push(&name);
    }
    base.is_file().then_some(named)
}

/// The entry of a folder that is called nearly so.
fn best(folder: &Path, name: &OsStr, file: bool) -> Option<std::ffi::OsString> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (name, plain) = (name.to_string_lossy(), folded(&name.to_string_lossy()));
    let mut near = None;
    for entry in fs::read_dir(folder).ok()?.take(MOST_NAMES).flatten() {
        let (other, path) = (entry.file_name(), entry.path());
        let text = other.to_string_lossy().into_owned();
        let fits = || if file { path.is_file() } else { path.is_dir() };
        let theirs = folded(&text);
        if (theirs == plain || without_spaces(&theirs) == without_spaces(&plain)) && fits() {
            return Some(other);
        }
        if near.is_none() && is_slip(&name, &text) && fits() {
            near = Some(other);
        }
    }
    near
}

/// A name with its spaces, hyphens and underscores left out, which people take for one another.
fn without_spaces(folded: &str) -> String {
    folded.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect()
}

/// Whether two names differ by a slip of the finger, or in the ending alone. Other digits are other files.
fn is_slip(one: &str, other: &str) -> bool {
    let (one, other) = (folded(one), folded(other));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let split = |text: &str| match text.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem.to_owned(), ending.to_owned()),
        _ => (text.to_owned(), String::new()),
    };
    let ((stem, ending), (other_stem, other_ending)) = (split(&one), split(&other));
    if stem == other_stem {
        let video = |ending: &str| matches!(ending, "" | "mp4" | "mov" | "webm" | "m4v" | "qt");
        return strsim::osa_distance(&ending, &other_ending) <= 1
            || (video(&ending) && video(&other_ending));
    }
    let length = stem.chars().count();
    length >= SHORTEST
        && ending == other_ending
        && digits(&stem) == digits(&other_stem)
        && strsim::osa_distance(&stem, &other_stem) <= (length / 4).min(2)
}

/// In what a path differs from the one that was found, where that is hardly seen.
fn difference(written: &Path, found: &Path) -> String {
    let (written, found) = (written.to_string_lossy(), found.to_string_lossy());
    let same = |of: fn(&str) -> String| of(&written) == of(&found);
    let why = if written == found {
        return String::new();
    } else if same(|text| text.nfc().collect()) {
        "the name is in another Unicode form there (accents apart, or not)".to_owned()
    } else if let Some(hidden) = listed(&written) {
        format!("the path holds {hidden}")
    } else if let Some(hidden) = listed(&found) {
        format!("the file's name holds {hidden}")
    } else if same(|text| text.split_whitespace().collect()) {
        "the white space differs".to_owned()
    } else if same(str::to_lowercase) {
        "upper and lower case count".to_owned()
    } else {
        return String::new();
    };
    format!(" {why}")
}

/// Where a symbolic link leads, if there is one.
fn dangling(path: &Path) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// The file in another place: from the current directory on, or right in the folder. One that only has the same name may
/// be another one.
fn elsewhere(written: &Path, folder: &Path) -> Option<String> {
    if written.is_absolute() {
        return None;
    }
    let starts = if folder.as_os_str().is_empty() {
        "paths start at the folder you are in"
    } else {
        "paths start at the manifest's folder"
    };
    let name = Path::new(written.file_name()?);
    if name != written && folder.join(name).is_file() {
        let whole = std::path::absolute(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        });
        let names_the_folder =
            written.parent().is_some_and(|parent| whole.is_ok_and(|whole| whole.ends_with(parent)));
        return Some(if names_the_folder {
            format!("{starts}; write {}", quoted(name))
        } else {
            format!("another file of that name is {}", quoted(name))
        });
    }
    let here = std::env::current_dir().ok()?.join(written);
    let whole = || quoted(&here);
    here.is_file().then(|| format!("{starts}; write {}", whole()))
}

/// The first folder on the way that is not there.
pub(crate) fn missing_folder(written: &Path, folder: &Path) -> Option<String> {
    let parent = written.parent().filter(|parent| !parent.as_os_str().is_empty())?;
    let mut path = PathBuf::new();
    for component in parent.components() {
        path.push(component);
        if !folder.join(&path).exists() {
            return Some(format!("there is no folder {}", quoted(&path)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn said(names: &[&str], written: &str) -> Option<String> {
        let folder = folder(names);
        hint(Path::new(written), folder.path())
    }

    #[test]
    fn what_is_there_under_nearly_that_name_is_named() {
        for (there, written, says) in [
            ("Clip.mp4", "clip.MP4", "`Clip.mp4`? upper and lower case count"),
            ("clips/a.mp4", "Clips/A.mp4", "`clips/a.mp4`? upper and lower case count"),
            (
                "cafe\u{301}.mp4",
                "caf\u{e9}.mp4",
                "\"cafe\\u0301.mp4\"? the name is in another Unicode form",
            ),
            (
                "caf\u{e9}.mp4",
                "cafe\u{301}.mp4",
                "`caf\u{e9}.mp4`? the name is in another Unicode form",
            ),
            ("my clip.mp4", "my  clip.mp4 ", "`my clip.mp4`? the white space differs"),
            ("my clip.mp4", "my_clip.mp4", "`my clip.mp4`?"),
            (
                "clip.mp4",
                "cl\u{200b}ip.mp4",
                "`clip.mp4`? the path holds a zero-width space (U+200B)",
            ),
            (
                "cl\u{a0}ip.mp4",
                "cl ip.mp4",
                "\"cl\\u00a0ip.mp4\"? the file's name holds a no-break space",
            ),
            ("it’s.mp4", "it's.mp4", "`it’s.mp4`?"),
            ("summer.mp4", "sumer.mp4", "did you mean `summer.mp4`?"),
            ("summer.mov", "summer.mp4", "did you mean `summer.mov`?"),
            ("summer.mp4", "summer", "did you mean `summer.mp4`?"),
        ] {
            let hint = said(&[there], written).unwrap_or_default();
            assert!(hint.contains(says), "{written:?}: {hint}");
        }
    }

    #[test]
    fn another_number_is_another_file() {
        assert_eq!(said(&["clip1.mp4", "a.mp4", "part 10.mp4"], "clip2.mp4"), None);
        assert_eq!(said(&["a.mp4"], "b.mp4"), None);
    }

    #[test]
    fn what_others_would_have_read_is_named() {
        for (there, written, says) in [
            ("clips/a.mp4", "clips\\a.mp4", "folders are separated by `/`; write `clips/a.mp4`"),
            ("videos/two.mp4", "videos\two.mp4", "one character each"),
            ("a/new/b.mp4", "a\new\u{8}.mp4", "write `a/new/b.mp4`"),
            ("my clip.mp4", "my\\ clip.mp4", "`\\` stands for itself here; write `my clip.mp4`"),
            ("my clip.mp4", "my%20clip.mp4", "`%` stands for itself here; write `my clip.mp4`"),
            ("ä.mp4", "%C3%A4.mp4", "write `ä.mp4`"),
            ("clip.mp4", "'clip.mp4'", "the quotes are a part of the path here; write `clip.mp4`"),
            ("clip.mp4", "clip.mp4/", "write `clip.mp4`"),
            ("clip.mp4", "work/clip.mp4", "another file of that name is `clip.mp4`"),
        ] {
            let hint = said(&[there], written).unwrap_or_default();
            assert!(hint.contains(says), "{written:?}: {hint}");
        }
        let folder = folder(&["my clip.mp4"]);
        let url = format!("file://{}/my%20clip.mp4", folder.path().display());
        let hint = hint(Path::new(&url), Path::new("/")).unwrap();
        assert!(
            hint.contains(&format!("write `{}/my clip.mp4`", folder.path().display())),
            "{hint}"
        );
    }

    #[test]
    fn what_is_taken_literally_is_told() {
        for (written, says) in [
            ("~/clip.mp4", "`~` stands for itself here; write the whole path"),
            ("~ada/clip.mp4", "`~` stands for itself"),
            ("$CLIPS/clip.mp4", "`$` stands for itself"),
            ("%USERPROFILE%/clip.mp4", "`%` stands for itself"),
            ("clips/*.mp4", "patterns such as `*`"),
            ("{{video}}", "`{{video}}` looks like a template that was not filled in"),
            ("clips/{{ name }}.mp4", "`{{ name }}` looks like a template"),
            ("clips/{name}.mp4", "`{name}` looks like a template"),
            ("${CLIPS}/clip.mp4", "`${CLIPS}` looks like a template"),
            ("None", "`None` looks like a template"),
            ("C:\\Users\\me\\clip.mp4", "a path of Windows"),
            ("clips\\x.mp4", "`/` separates folders"),
            ("youtube.com/watch?v=1", "an address without `https://`"),
            ("www.youtube.com/watch?v=1", "an address without `https://`"),
            ("WWW.example.com/100%25/a.mp4", "an address without `https://`"),
            ("https://cdn.example.com/clip.mp4?sig=x", "a URL goes into `video_url`"),
            ("file:///srv/nothing.mp4", "write the path alone"),
            ("a\u{202e}b.mp4", "a right-to-left override (U+202E)"),
        ] {
            let hint = said(&[], written).unwrap_or_default();
            assert!(hint.contains(says), "{written:?}: {hint}");
        }
    }

    #[test]
    fn a_pattern_is_what_fits_a_file_there() {
        for (there, written) in [
            ("clip1.mp4", "clip?.mp4"),
            ("clips/clip1.mp4", "clips/clip[0-9].mp4"),
            ("clip2.mp4", "clip-{1,2}.mp4"),
            ("clip-2.mp4", "clip-{1,2}.mp4"),
            ("clip-2b.mp4", "clip-{1,2}[ab].m?4"),
        ] {
            let hint = said(&[there], written).unwrap_or_default();
            let fits = there != "clip2.mp4";
            assert_eq!(hint.contains("patterns such as"), fits, "{written}: {hint}");
        }
        for (there, written) in [
            ("is it b.mp4", "is it a.mp4?"),
            ("clip.mp4", "Title [abc].mp4"),
            ("x.mp4", "clip {2}.mp4"),
            ("my.co/b.mp4", "my.co/a?.mp4"),
            ("b.mp4", "2026.01/a.mp4"),
        ] {
            assert_eq!(said(&[there], written), None, "{written}");
        }
        let hint = said(&["Title [ABC].mp4"], "Title [abc].mp4").unwrap();
        assert_eq!(hint, "did you mean `Title [ABC].mp4`? upper and lower case count");
    }

    #[test]
    fn a_name_that_is_to_be_written_is_json_where_it_must_be() {
        for (there, written, says) in [
            (
                "my \"best\" clip.mp4",
                "My \"best\" clip.mp4",
                r#"did you mean "my \"best\" clip.mp4"?"#,
            ),
            ("a\\b.mp4", "A\\b.mp4", r#"did you mean "a\\b.mp4"?"#),
        ] {
            let folder = folder(&[there]);
            let found = lookup(Path::new(written), folder.path());
            assert_eq!(found, Some(PathBuf::from(there)), "{written}");
            let hint = format!("did you mean {}?", quoted(Path::new(there)));
            assert_eq!(hint, says);
            let json = hint.trim_start_matches("did you mean ").trim_end_matches('?');
            assert_eq!(serde_json::from_str::<String>(json).unwrap(), there);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = folder(&["a/x"]);
        let missing = |written| missing_folder(Path::new(written), folder.path());
        assert_eq!(missing("a/b/c/clip.mp4").unwrap(), "there is no folder `a/b`");
        assert_eq!(missing("a/clip.mp4"), None);
        assert_eq!(missing("clip.mp4"), None);
    }

    #[test]
    fn a_directory_that_is_called_nearly_so_is_found() {
        let folder = folder(&["TikTok/x"]);
        let found = sibling(&folder.path().join("tiktok"));
        assert_eq!(found, Some(folder.path().join("TikTok")));
        assert_eq!(sibling(&folder.path().join("TikTok")), None);
        assert_eq!(sibling(&folder.path().join("other")), None);
        let found = sibling(&folder.path().join("Tik tok"));
        assert_eq!(found, Some(folder.path().join("TikTok")));
        for near in ["TikTak", "Tik-Tok", "TikTok1"] {
            assert_eq!(sibling(&folder.path().join(near)), None, "{near}");
        }
    }
}
