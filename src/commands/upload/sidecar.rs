//! What lies beside a video and says what belongs to its post: `clip.txt`, `clip.md` or `clip.json` beside `clip.mp4`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use serde_json::{Map, Value};
use tiktok_open::Privacy;

use super::input::InputError;
use crate::manifest;
use crate::model::slot::NEXT;
use crate::model::{Field, FieldType, FileIdentity, Mode};
use crate::source::VideoFile;
use crate::text::{self, chain};

/// How the names of other texts end that people write such things into.
const ALIKE: [&str; 13] = [
    "json", "json5", "jsonc", "jsn", "markdown", "md", "mdx", "rtf", "text", "toml", "txt", "yaml",
    "yml",
];

/// The largest sidecar or caption, in bytes.
pub(super) const LARGEST: u64 = 64 * 1024;

/// How the names of the videos of a folder end.
pub(super) const VIDEOS: [&str; 4] = ["mp4", "m4v", "mov", "webm"];

/// How the names of sidecars end, in either case.
const EXTENSIONS: [&str; 6] = ["json", "JSON", "md", "MD", "txt", "TXT"];

/// The lines between which the fields of front matter stand.
const FENCE: &str = "---";

/// A sidecar that cannot be used.
#[derive(Debug)]
pub(super) struct BadSidecar {
    pub(super) path: PathBuf,
    pub(super) what: String,
}

impl From<BadSidecar> for InputError {
    fn from(bad: BadSidecar) -> Self {
        Self::Sidecar(bad.to_string())
    }
}

impl fmt::Display for BadSidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", text::quoted(&self.path), self.what)
    }
}

/// The sidecar of each video, if it has one and they are `wanted`; or all that is wrong with any of them.
pub(super) fn sidecars(
    videos: &[PathBuf],
    wanted: bool,
) -> Result<Vec<Option<Sidecar>>, InputError> {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for video in videos.iter().filter(|_| wanted) {
        match Sidecar::of(video) {
            Ok(sidecar) => all.push(sidecar),
            Err(InputError::Sidecar(what)) => wrong.push(what),
            Err(other) => return Err(other),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(InputError::Sidecar(wrong.join("\n"))) }
}

/// The words in a file, without the line end that editors put behind them.
pub(super) fn words(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it has more than {}, and holds words", text::size(LARGEST)));
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&error))?;
    Ok(text.trim_start_matches('\u{feff}').replace("\r\n", "\n").trim_end().to_owned())
}

/// The words in the file of a caption, which are nothing else.
pub(super) fn caption(bytes: Vec<u8>) -> Result<String, String> {
    let text = words(bytes)?;
    if of_text(text.clone()).is_err() {
        return Err("it holds fields, which would be the caption as they stand: leave the caption alone in it, and \
                    give the rest by options (in a sidecar, beside its video, fields are read)"
            .to_owned());
    }
    Ok(text)
}

/// What keeps bytes from being words, and where.
fn not_utf8(error: &FromUtf8Error) -> String {
    let (bytes, end) = (error.as_bytes(), error.utf8_error().valid_up_to());
    if let Some(encoding) = manifest::other_encoding(bytes) {
        return format!("it is {encoding}: save it as UTF-8");
    }
    let before = bytes.get(..end).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    let byte = bytes.get(end).map(|byte| format!(" (0x{byte:02x})")).unwrap_or_default();
    format!("line {line} holds a byte{byte} that is not UTF-8: save it as UTF-8")
}

/// How the name of a file ends, in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All videos of a folder.
    Folder,
    /// Some files, beside which there may be others.
    Files,
}

/// The video that a file is the sidecar of by its name.
pub(super) fn sidecar_of(file: &Path) -> Option<PathBuf> {
    let is_words = extension(file).is_some_and(|end| EXTENSIONS.contains(&end.as_str()));
    let mut videos = VIDEOS.iter().map(|end| file.with_extension(end));
    videos.find(|video| is_words && file.is_file() && video.is_file())
}

/// Sidecars that several of these videos have, in a sentence each.
pub(super) fn shared(videos: &[PathBuf]) -> Vec<String> {
    let mut by_stem: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for video in videos {
        *by_stem.entry(video.with_extension("")).or_default() += 1;
    }
    let shared = by_stem.into_iter().filter(|(_, count)| *count > 1);
    let sidecars = shared.flat_map(|(stem, count)| {
        EXTENSIONS.map(|end| (stem.with_added_extension(end), count)).into_iter()
    });
    let there = sidecars.filter(|(sidecar, _)| sidecar.is_file());
    let told = there.map(|(sidecar, count)| {
        format!(
            "{} is the sidecar of {count} videos: each has what it says",
            text::quoted(&sidecar)
        )
    });
    told.collect()
}

/// Files beside these videos that may be meant for their sidecars and are none, in a sentence each. `Err`: one of them
/// has fields, such as who is to see the post, which would go without them.
pub(super) fn near_sidecars(videos: &[PathBuf], asked: Asked) -> Result<Vec<String>, InputError> {
    let stems: HashSet<_> = videos.iter().map(|video| video.with_extension("")).collect();
    let mut by_folder: BTreeMap<&Path, HashMap<String, &PathBuf>> = BTreeMap::new();
    for video in videos {
        let folder = video.parent().filter(|folder| !folder.as_os_str().is_empty());
        let names = by_folder.entry(folder.unwrap_or(Path::new("."))).or_default();
        if let Some(stem) = video.file_stem() {
            names.insert(text::folded(&stem.to_string_lossy()), video);
        }
    }
    let (mut near, mut wrong) = (Vec::new(), Vec::new());
    for (folder, videos) in by_folder {
        // Each folder once, however many videos are in it.
        let files: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
        let names = files.iter().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names: Vec<_> = names.collect();
        // Also those that are not posted now have theirs.
        let others: HashSet<&str> = names
            .iter()
            .filter_map(|name| name.rsplit_once('.'))
            .filter(|(_, end)| VIDEOS.contains(&end.to_ascii_lowercase().as_str()))
            .map(|(stem, _)| stem)
            .collect();
        // One that was renamed has left its sidecar behind.
        let own = |video: &&PathBuf| {
            EXTENSIONS.iter().any(|end| fs::symlink_metadata(video.with_extension(end)).is_ok())
        };
        let is_bare = !videos.values().all(own);
        for (entry, file) in files.iter().zip(&names) {
            let Some((before, end)) = file.rsplit_once('.') else { continue };
            if file.starts_with('.') {
                continue;
            }
            if EXTENSIONS.contains(&end) && others.contains(before) {
                continue;
            }
            if !ALIKE.contains(&end.trim_end().to_ascii_lowercase().as_str()) {
                continue;
            }
            let Some(video) = meant(&text::folded(before), &videos) else {
                // In JSON it may as well be a list of posts.
                if is_bare && EXTENSIONS.contains(&end) && !end.eq_ignore_ascii_case("json") {
                    let told =
                        format!("{} is no sidecar: no video here is called so", text::shown(file));
                    match holds_fields(&entry.path()) {
                        true => wrong.push(format!("{told}, and one has none. {TELLS}")),
                        false if asked == Asked::Folder => near.push(told),
                        false => {}
                    }
                }
                continue;
            };
            let is_words = EXTENSIONS.contains(&end);
            let is_own = stems.contains(&video.with_file_name(before));
            // Where names are the same in any case, the sidecar is found under the video's.
            let is_found = || same_file(&video.with_extension(end), &entry.path());
            if is_words && (is_own || is_found()) {
                continue;
            }
            let name = video.file_name().unwrap_or_default().to_string_lossy();
            let stem = video.file_stem().unwrap_or_default().to_string_lossy();
            let form = match (is_words, text::seen_as(before) == text::seen_as(&stem)) {
                (true, true) => ", in the same Unicode form (accents apart, or not)",
                _ => "",
            };
            let told = format!(
                "{} is no sidecar of {}: that would be called {}.txt, .md or .json{form}",
                text::shown(file),
                text::shown(&name),
                text::shown(&stem)
            );
            if holds_fields(&entry.path()) {
                wrong.push(format!("{told}. {TELLS}"));
            } else {
                near.push(told);
            }
        }
    }
    near.sort();
    wrong.sort();
    if wrong.is_empty() { Ok(near) } else { Err(InputError::Sidecar(wrong.join("\n"))) }
}

/// What is said of a text with fields that belongs to no video.
const TELLS: &str = "It says who is to see the post, when, or how: call it as its video is called, or move it elsewhere";

/// The video that a name is meant for: it is its own, or begins with it and goes on behind something that is no letter.
fn meant<'v>(name: &str, videos: &HashMap<String, &'v PathBuf>) -> Option<&'v PathBuf> {
    let ends = name.char_indices().rev().filter(|(_, c)| !c.is_alphanumeric()).map(|(at, _)| at);
    let mut begins = [name.len()].into_iter().chain(ends).filter_map(|end| name.get(..end));
    begins.find_map(|begin| videos.get(begin.trim_end()).copied())
}

/// Whether a text sets anything but words.
fn holds_fields(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = VideoFile::open(path).map(VideoFile::into_file);
    let read = read.map(|file| file.take(LARGEST).read_to_end(&mut bytes).is_ok());
    read.is_ok_and(|read| read) && sets_anything(&String::from_utf8_lossy(&bytes))
}

/// Whether two paths lead to one file.
fn same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| FileIdentity::of(&found));
    identity(one).is_some_and(|it| Some(it) == identity(other))
}

/// What lies beside a video and says what belongs to its post.
pub(super) struct Sidecar {
    pub(super) path: PathBuf,
    pub(super) fields: Map<String, Value>,
}

impl Sidecar {
    /// That of a video, if it has one.
    fn of(video: &Path) -> Result<Option<Self>, InputError> {
        let mut found: Option<(PathBuf, FileIdentity, String)> = None;
        for extension in EXTENSIONS {
            let path = video.with_extension(extension);
            // A video is not its own sidecar, whatever it is called.
            if path == video {
                continue;
            }
            let bad = |what: String| BadSidecar { path: path.clone(), what };
            // One that is there and cannot be read may say who is to see the post.
            let file = match VideoFile::open(&path) {
                Ok(file) => file.into_file(),
                Err(error) if error.is_missing() => {
                    let Ok(target) = fs::read_link(&path) else { continue };
                    let target = text::quoted(&target);
                    let what =
                        format!("this sidecar is a symbolic link to {target}, which is not there");
                    return Err(bad(what).into());
                }
                Err(error) => {
                    return Err(
                        bad(format!("this sidecar cannot be read: {}", chain(&error))).into()
                    );
                }
            };
            let unread = |error| bad(format!("this sidecar cannot be read: {error}"));
            let identity = FileIdentity::of(&file.metadata().map_err(unread)?);
            if let Some((first, known, _)) = &found {
                // Where names are the same in any case, that is one file.
                if *known == identity {
                    continue;
                }
                let what = format!(
                    "{} is a sidecar of the same video: keep one of them",
                    text::quoted(first)
                );
                return Err(bad(what).into());
            }
            let mut bytes = Vec::new();
            file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unread)?;
            found = Some((path.clone(), identity, words(bytes).map_err(bad)?));
        }
        let Some((path, _, text)) = found else { return Ok(None) };
        let fields = match extension(&path).as_deref() {
            Some("json") => of_json(&text),
            Some("md") => of_markdown(&text),
            _ => of_text(text),
        };
        match fields.and_then(without_source) {
            Ok(fields) => Ok(Some(Self { path, fields })),
            Err(what) => Err(BadSidecar { path, what }.into()),
        }
    }
}

/// Words alone. What is meant for fields would be posted as words, and what it says of who is to see the post be
/// lost.
fn of_text(text: String) -> Result<Map<String, Value>, String> {
    let begin = text.trim_start();
    let is_object =
        || Field::ALL.iter().any(|field| text.contains(&format!("\"{}\"", field.name())));
    if begin.starts_with("{\\rtf") {
        return Err("it is a document (RTF): save it as plain text".to_owned());
    }
    if begin.starts_with('{') && is_object() {
        return Err(
            "it holds JSON, which would be the caption as it stands: call it .json".to_owned()
        );
    }
    if begins_with_fields(begin) || sets_anything(begin) {
        return Err(format!(
            "it holds fields, which would be the caption as they stand: they are read between two lines `{FENCE}` \
             at the beginning of a file that is called .md"
        ));
    }
    Ok(of_words(text))
}

/// Whether words begin as front matter does, or nearly so.
fn begins_with_fields(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_field = |line: &str| {
        let key = line.split_once([':', '=']).map(|(key, _)| key.trim());
        key.is_some_and(|key| Field::named(key).is_some())
    };
    match lines.next() {
        Some(first) if is_like_fence(first) => {
            lines.take_while(|line| !is_like_fence(line)).any(is_field)
        }
        // With a title somebody may begin a caption.
        Some(first) => is_field(first) && lines.any(is_like_fence),
        None => false,
    }
}

/// Whether a line of a text sets a field that is not words, however it is spelled: nobody writes such a line into a
/// caption.
fn sets_anything(text: &str) -> bool {
    let of = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '-' | '*' | '{' | ',' | '}');
    let lines = || {
        let pairs = text.lines().filter_map(|line| line.split_once([':', '=']));
        pairs.map(|(key, value)| (key.trim_matches(of), value.trim_matches(of)))
    };
    // One such line may begin a caption, two are a list of fields.
    let words: HashSet<_> = lines().filter_map(|(key, _)| Field::named(key)).collect();
    if words.len() > 1 {
        return true;
    }
    lines().any(|(key, value)| {
        match Field::meant_by(key) {
            // Nobody writes that word into a caption.
            Some(field) if key == field.name() && key.contains('_') => true,
            Some(Field::PrivacyLevel) => {
                value.parse::<Privacy>().is_ok() || Privacy::meant_by(value).is_some()
            }
            Some(Field::Mode) => {
                Mode::meant_by(value).is_some()
                    || Mode::ALL.iter().any(|mode| mode.as_str() == value)
            }
            Some(Field::PublishAt) => {
                value.starts_with(|c: char| c.is_ascii_digit()) || value.starts_with(NEXT)
            }
            Some(field) if field.value_type() == FieldType::Flag => {
                matches!(value, "true" | "false" | "yes" | "no")
            }
            _ => key.eq_ignore_ascii_case("draft") && value == "true",
        }
    })
}

/// Whether a line may be meant for [`FENCE`]: typed once too often, of another language, or as word processors
/// mend it.
fn is_like_fence(line: &str) -> bool {
    let is_stroke = |c| matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    line.chars().all(is_stroke) && (line.chars().count() > 1 || !line.starts_with(['-', '+']))
}

fn of_words(text: String) -> Map<String, Value> {
    Map::from_iter([(Field::Description.name().to_owned(), text.into())])
}

fn of_json(text: &str) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    let mut pairs = manifest::object(text)?.into_iter();
    pairs.try_for_each(|(key, value)| put(&mut fields, key, value))?;
    Ok(fields)
}

/// Takes in a field that is given once.
fn put(fields: &mut Map<String, Value>, key: String, value: Value) -> Result<(), String> {
    if fields.contains_key(&key) {
        return Err(format!("`{}` is given twice", text::plain(&key)));
    }
    fields.insert(key, value);
    Ok(())
}

/// Refuses what would make it the sidecar of something else.
fn without_source(fields: Map<String, Value>) -> Result<Map<String, Value>, String> {
    match Field::SOURCES.into_iter().find(|source| fields.contains_key(source.name())) {
        Some(source) => Err(format!(
            "a sidecar belongs to the video beside it: take `{}` out of it",
            source.name()
        )),
        None => Ok(fields),
    }
}

/// Words with what lies between two lines of three hyphens before them: a field and its value in each line.
fn of_markdown(text: &str) -> Result<Map<String, Value>, String> {
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| line.trim().is_empty());
    if lines.next().is_none_or(|(_, line)| line.trim() != FENCE) {
        return of_text(text.to_owned());
    }
    let mut fields = Map::new();
    if !lines.clone().any(|(_, line)| line.trim() == FENCE) {
        return Err("the second line `---` is missing, behind which the caption begins".to_owned());
    }
    let (mut words, mut closed) = (Vec::new(), false);
    for (line, text) in lines {
        if closed {
            words.push(text);
        } else if text.trim() == FENCE {
            closed = true;
        } else if !text.trim().is_empty() && !text.trim_start().starts_with('#') {
            let (key, value) = text
                .split_once(':')
                .ok_or_else(|| format!("line {line} is not of the form `field: value`"))?;
            let key = key.trim();
            put(&mut fields, key.to_owned(), value_of(key, value.trim()))?;
        }
    }
    let words = words.join("\n").trim().to_owned();
    if !words.is_empty() {
        if fields.contains_key(Field::Description.name()) {
            return Err(
                "`description` stands among its fields, and the text below them is the caption, too: keep one of them"
                    .to_owned(),
            );
        }
        put(&mut fields, Field::Description.name().to_owned(), words.into())?;
    }
    Ok(fields)
}

/// A value of a key as YAML writes it: a list in brackets, a text in quotes or without, `true` and numbers. What stands
/// behind a `#` is a comment, but not of words without quotes, in which it begins a tag.
fn value_of(key: &str, text: &str) -> Value {
    let words = [Field::Description, Field::Title, Field::Tags].map(Field::name);
    if let Some(inner) = text.strip_prefix('[') {
        let mut items = Vec::new();
        let mut rest = inner;
        loop {
            let (item, behind) = scalar(rest, &[',', ']']);
            let end = behind.chars().next();
            if end.is_none() {
                return text.into();
            }
            // A comma may stand behind the last one.
            items.extend(item.filter(|item| !item.is_empty() || end == Some(',')));
            rest = behind.get(1..).unwrap_or_default();
            if end == Some(']') {
                break;
            }
        }
        let is_over = rest.trim().is_empty() || rest.trim_start().starts_with('#');
        return if is_over { items.into_iter().map(Value::from).collect() } else { text.into() };
    }
    if text.starts_with(['"', '\'']) {
        return match scalar(text, &['#']) {
            (Some(quoted), rest) if rest.is_empty() || rest.starts_with('#') => quoted.into(),
            _ => text.into(),
        };
    }
    let text = match text.split_once(" #") {
        Some((before, _)) if !words.contains(&key) => before.trim(),
        _ => text,
    };
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// What stands before one of `ends`, without its quotes, and the rest from there on. `None`: its quotes are not closed,
/// or something follows them.
fn scalar<'t>(text: &'t str, ends: &[char]) -> (Option<String>, &'t str) {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (item, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        return (Some(item.trim().to_owned()), rest);
    };
    let (mut end, mut escaped) = (None, false);
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            // Written twice it is one of the text.
            '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) => {
                chars.next();
            }
            _ if c == quote => {
                end = Some(at + 1);
                break;
            }
            _ => {}
        }
    }
    let Some((quoted, rest)) = end.map(|end| text.split_at(end)) else { return (None, "") };
    let item = match quote {
        '"' => serde_json::from_str(quoted).ok(),
        _ => Some(quoted[1..quoted.len() - 1].replace("''", "'")),
    };
    let rest = rest.trim_start();
    let follows = !rest.is_empty() && !rest.starts_with(ends);
    (item.filter(|_| !follows), rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn front_matter_has_fields_and_words_behind_it() {
        let text = "---\ntags: [two cats, 'box']\nprivacy_level: SELF_ONLY\nis_aigc: true\n# a note\n\n---\n\nTwo cats\n";
        let fields = of_markdown(text).unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({ "tags": ["two cats", "box"], "privacy_level": "SELF_ONLY", "is_aigc": true,
                    "description": "Two cats" })
        );
        assert_eq!(
            Value::Object(of_markdown("no\n---\n").unwrap()),
            json!({ "description": "no\n---\n" })
        );
        for begin in ["\n---\n", "--- \n", " ---\t\n"] {
            let fields = of_markdown(&format!("{begin}privacy_level: SELF_ONLY\n---\nhey"));
            assert_eq!(fields.unwrap()["privacy_level"], "SELF_ONLY", "{begin:?}");
        }
        assert!(of_markdown("---\ntags").is_err());
        assert!(of_markdown("---\ntags: a\n").is_err());
    }

    #[test]
    fn values_are_read_as_yaml_writes_them() {
        for (key, text, value) in [
            ("tags", r##"[cats, "#dogs", 'birds'] # three"##, json!(["cats", "#dogs", "birds"])),
            ("tags", r#"["cats", "a \"b\"",]"#, json!(["cats", "a \"b\""])),
            ("tags", "[#cats, #dogs]", json!(["#cats", "#dogs"])),
            ("tags", "[]", json!([])),
            ("tags", "[a, 'b]", json!("[a, 'b]")),
            ("tags", "[a] b", json!("[a] b")),
            ("is_aigc", "true # yes", json!(true)),
            (
                "publish_at",
                "2026-12-01T18:00:00+01:00 # evening",
                json!("2026-12-01T18:00:00+01:00"),
            ),
            ("description", "Hello #cats", json!("Hello #cats")),
            ("description", "'it''s' # so", json!("it's")),
            ("description", r#""a\nb""#, json!("a\nb")),
            ("description", r#""a" b"#, json!("\"a\" b")),
            ("video_cover_timestamp_ms", "5", json!(5)),
        ] {
            assert_eq!(value_of(key, text), value, "{text}");
        }
    }

    #[test]
    fn what_is_nearly_fields_is_no_caption() {
        for text in [
            "----\nprivacy_level: SELF_ONLY\n---\nhey",
            "\u{2014}\nprivacy_level: SELF_ONLY\n\u{2014}\nhey",
            "+++\nprivacy_level = \"SELF_ONLY\"\n+++\nhey",
            "privacy_level: SELF_ONLY\n---\nhey",
            "privacy_level: SELF_ONLY\n\nhey",
            "title: Cats\ntags: [a]\n---\nhey",
            " {\n\"privacy_level\": \"SELF_ONLY\"",
            "{\\rtf1 hey}",
        ] {
            assert!(of_text(text.to_owned()).is_err(), "{text}");
            assert!(of_markdown(text).is_err(), "{text}");
        }
        assert!(of_text("---\ntags: [a]\n---\nhey".to_owned()).is_err());
        for text in [
            "",
            "title: Cats\nand dogs",
            "{stem}",
            "---",
            "-\nlike: this",
            "- one\n- two",
            "\u{2014} hey",
        ] {
            assert_eq!(of_text(text.to_owned()).unwrap()["description"], text);
        }
    }
}
