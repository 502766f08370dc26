//! The outermost level of a manifest: an array of posts, or an object with `defaults` and `posts`.

use std::collections::HashMap;
use std::path::Path;

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged;

use super::fields::{Fields, SCHEMA};
use super::place::Places;
use super::post::EntryContext;
use super::review::Review;
use super::{Entry, Manifest};
use super::{kind, syntax, table, value};
use crate::model::Field;
use crate::model::fields::nearest;
use crate::model::{Defaults, Diagnostics, Part};
use crate::text;
use crate::text::template;

/// The keys of the outermost object.
const OUTERMOST: [&str; 3] = [SCHEMA, "defaults", "posts"];

/// Reads a manifest: its posts, and everything that is wrong, each with its place. They are not to be posted
/// unless nothing is wrong; those that can be looked at further are there all the same, so that their files
/// can be checked before anything is said.
///
/// `folder` is where the manifest lies: a relative `video_path` starts there. No file is opened.
pub(crate) fn examine(text: &[u8], folder: &Path, given: &Defaults) -> (Manifest, Diagnostics) {
    let form = form_of(text);
    if form.is_none()
        && !is_table_in_another_encoding(text)
        && let Some(problem) = kind::other_than_json(text)
    {
        return (Manifest::default(), Diagnostics::one(problem));
    }
    let text = match syntax::decode(text) {
        Ok(text) => text,
        Err(problem) => return (Manifest::default(), Diagnostics::one(problem)),
    };
    let mut review = Review::new(text);
    if let Some(form) = form {
        let table = table::read(text, form, &mut review);
        let manifest = posts_of(&table, folder, given, &mut review);
        return (manifest, review.finish());
    }
    if is_json_lines(text) {
        let manifest = posts_of_lines(text, folder, given, &mut review);
        return (manifest, review.finish());
    }
    let manifest = match syntax::parse(text) {
        Ok(Some(tree)) => posts_of(&tree, folder, given, &mut review),
        Ok(None) => {
            let hint = "a manifest without posts is written []".to_owned();
            review.advise(0, "the file is empty", hint);
            Manifest::default()
        }
        Err(fault) => {
            review.advise(fault.at, fault.message, fault.hint);
            Manifest::default()
        }
    };
    (manifest, review.finish())
}

/// The form of a manifest that is a table.
fn form_of(text: &[u8]) -> Option<table::Form> {
    let text = syntax::decode(text).ok()?;
    // No text has these, and a table of them is the picture of one.
    (!text.contains('\0')).then(|| table::form(text))?
}

/// Whether a text is a table of posts but for bytes that are not UTF-8: as spreadsheets write one that is not told
/// otherwise.
fn is_table_in_another_encoding(text: &[u8]) -> bool {
    let head = text.get(..1024).unwrap_or(text);
    !head.contains(&0)
        && syntax::decode(text).is_err()
        && table::form(&String::from_utf8_lossy(head)).is_some()
}

/// Whether a file may be a manifest, whatever is wrong with it.
pub(crate) fn is_manifest(text: &[u8]) -> bool {
    kind::is_json(text) || form_of(text).is_some() || is_table_in_another_encoding(text)
}

/// The keys and values of one JSON object, as a manifest could have it: a key that is there twice is told of twice.
/// `Err`: what is wrong, with its place.
pub(crate) fn object(text: &str) -> Result<Vec<(String, serde_json::Value)>, String> {
    let places = Places::new(text);
    let told = |at: usize, what: String| {
        let (line, column) = places.locate(at);
        format!("line {line}, column {column}: {what}")
    };
    match syntax::parse(text) {
        Ok(Some(Value::Object(object))) => {
            let pairs = object.properties.iter();
            Ok(pairs
                .map(|pair| (pair.name.as_str().to_owned(), value::plain(&pair.value)))
                .collect())
        }
        Ok(Some(other)) => {
            let what = format!(
                "this must be an object with fields of a post, not {}",
                value::describe(&other)
            );
            Err(told(other.start(), what))
        }
        Ok(None) => Err("the file is empty".to_owned()),
        Err(fault) => {
            // What is said of manifests is of lists.
            let is_of_lists = |hint: &String| hint.contains(['[', ']']) || hint.contains("posts");
            let hint = match fault.hint {
                Some(hint) if is_of_lists(&hint) => ONE_OBJECT.to_owned(),
                Some(hint) => format!(" ({hint})"),
                None => String::new(),
            };
            let message = fault.message.replace("the manifest", "the object");
            Err(told(fault.at, format!("{message}{hint}")))
        }
    }
}

/// How a sidecar in JSON is written.
const ONE_OBJECT: &str = " (it is one object: { \"description\": \"…\" })";

/// The lines of JSON Lines that are not empty, each with where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    let place = move |line: &str| line.as_ptr() as usize - start;
    text.lines().map(move |line| (place(line), line)).filter(|(_, line)| !line.trim().is_empty())
}

/// Whether a text is JSON Lines: several lines, the first of which is an object by itself, and a later one begins
/// another.
fn is_json_lines(text: &str) -> bool {
    let mut lines = lines(text).map(|(_, line)| line.trim());
    let Some(first) = lines.next() else { return false };
    first.starts_with('{')
        && lines.any(|line| line.starts_with('{'))
        && matches!(syntax::parse(first), Ok(Some(Value::Object(_))))
}

/// The posts of JSON Lines: an object on each line.
fn posts_of_lines(
    text: &str,
    folder: &Path,
    given: &Defaults,
    review: &mut Review<'_>,
) -> Manifest {
    let context = EntryContext { folder, given, defaults: &Fields::default() };
    let mut reading = Reading::new(&context);
    for (at, line) in lines(text) {
        review.base = at;
        (review.part, review.field) = (Part::File, None);
        match syntax::parse(line) {
            Ok(Some(post)) => reading.post(&post, review),
            Ok(None) => {}
            Err(fault) => {
                review.advise(fault.at, fault.message, fault.hint);
                reading.count += 1;
            }
        }
    }
    review.base = 0;
    Manifest { entries: reading.entries, widened: None }
}

fn posts_of(
    tree: &Value<'_>,
    folder: &Path,
    given: &Defaults,
    review: &mut Review<'_>,
) -> Manifest {
    let (defaults, posts) = match tree {
        Value::Array(posts) => (Fields::default(), Some(posts)),
        Value::Object(outermost) => open(outermost, review),
        other => {
            let message = format!(
                "a manifest is a list of posts, or an object with `posts`, not {}",
                value::describe(other)
            );
            review.refuse(other.start(), message);
            return Manifest::default();
        }
    };
    let flags = given.flags.privacy();
    let own = defaults.values.privacy();
    let widened = own.filter(|own| flags.is_some_and(|flags| flags.is_wider_than(*own)));
    let context = EntryContext { folder, given, defaults: &defaults };
    let read = |posts| read_posts(posts, &context, review);
    Manifest { entries: posts.map(read).unwrap_or_default(), widened }
}

/// Opens the outermost object: what it says for all posts, and the posts.
fn open<'v, 't>(
    outermost: &'v Object<'t>,
    review: &mut Review<'_>,
) -> (Fields, Option<&'v Array<'t>>) {
    let (mut defaults, mut posts) = (None, None);
    // Lists of posts under another name, or at another place.
    let mut lists = 0;
    let mut seen: Vec<&str> = Vec::new();
    if let Some((message, hint)) = instead(outermost) {
        review.advise(outermost.range.start, message, hint.to_owned());
        return (Fields::default(), None);
    }
    for property in &outermost.properties {
        let (key, at) = (property.name.as_str(), property.name.start());
        (review.part, review.field) = (Part::File, None);
        if OUTERMOST.contains(&key) && seen.contains(&key) {
            review.refuse_key(at, key, "given twice", None);
            continue;
        }
        seen.push(key);
        let misplaced = |wanted: &str, value: &Value<'_>| {
            format!("`{key}` must be {wanted}, not {}", value::describe(value))
        };
        match (key, &property.value) {
            ("posts", Value::Array(array)) => posts = Some(array),
            ("posts", other) => review.refuse(other.start(), misplaced("a list of posts", other)),
            ("defaults", Value::Object(object)) => {
                lists += usize::from(object.get("posts").is_some());
                defaults = Some(Fields::read(object, Part::Defaults, review));
            }
            ("defaults", other) => review.refuse(other.start(), misplaced("an object", other)),
            (SCHEMA, value) => value::schema(value, review),
            (_, Value::Array(list)) if is_of_objects(list) && Field::named(key).is_none() => {
                lists += 1;
                let hint = "did you mean `posts`?".to_owned();
                review.refuse_key(at, key, "no such field here", Some(hint));
            }
            _ => refuse_unknown(key, at, review),
        }
    }
    (review.part, review.field) = (Part::File, None);
    if !seen.contains(&"posts") && lists == 0 {
        let hint =
            "a single post is written [{ … }]; several fields for all of them go into `defaults`";
        review.advise(outermost.range.start, "`posts` is missing", hint.to_owned());
    }
    (defaults.unwrap_or_default(), posts)
}

/// What an object is that is no manifest, and what to do about it.
fn instead(outermost: &Object<'_>) -> Option<(&'static str, &'static str)> {
    let has =
        |name: &str| outermost.properties.iter().any(|property| property.name.as_str() == name);
    let sources = outermost.properties.iter().filter_map(|key| Field::meant_by(key.name.as_str()));
    let has_source = sources.into_iter().any(|field| Field::SOURCES.contains(&field));
    if has("posts") || has("defaults") {
        return None;
    }
    if has("version") && has("accounts") {
        let hint = "name the JSON file that lists the posts";
        return Some(("this is a token store, not a manifest", hint));
    }
    has_source.then_some((
        "this is a single post, and `posts` is missing",
        "a single post is written [{ … }]; several fields for all of them go into `defaults`",
    ))
}

fn is_of_objects(list: &Array<'_>) -> bool {
    !list.elements.is_empty() && list.elements.iter().all(|it| matches!(it, Value::Object(_)))
}

fn refuse_unknown(key: &str, at: usize, review: &mut Review<'_>) {
    let hint = match Field::named(key) {
        Some(field) if field.is_one_posts_own() => Some("it belongs into a post".to_owned()),
        Some(_) => Some("it belongs into a post or into `defaults`".to_owned()),
        None => nearest(key, OUTERMOST.map(|name| (name, name)))
            .map(|name| format!("did you mean `{name}`?")),
    };
    review.refuse_key(at, key, "no such field here", hint);
}

fn read_posts(
    posts: &Array<'_>,
    context: &EntryContext<'_>,
    review: &mut Review<'_>,
) -> Vec<Entry> {
    let mut reading = Reading::new(context);
    posts.elements.iter().for_each(|post| reading.post(post, review));
    reading.entries
}

/// The posts of a manifest as they are read, one after another.
struct Reading<'a> {
    context: &'a EntryContext<'a>,
    /// How many were read, those that cannot be looked at further among them.
    count: usize,
    entries: Vec<Entry>,
    ids: Ids,
}

impl<'a> Reading<'a> {
    fn new(context: &'a EntryContext<'a>) -> Self {
        Self { context, count: 0, entries: Vec::new(), ids: Ids::new() }
    }

    fn post(&mut self, post: &Value<'_>, review: &mut Review<'_>) {
        let index = self.count;
        self.count += 1;
        (review.part, review.field) = (Part::Post(index), None);
        let Value::Object(object) = post else {
            let message = format!("a post must be an object, not {}", value::describe(post));
            return review.refuse(post.start(), message);
        };
        let own = Fields::read(object, Part::Post(index), review);
        refuse_known_id(index, &own, &mut self.ids, review);
        self.entries.extend(self.context.post(index, object.range.start, &own, review));
    }
}

/// Identities as they look, with the name of their account, and the post, line and column, and text that have them.
type Ids = HashMap<(String, Option<String>), (usize, (usize, usize), String)>;

/// Two posts of one account and identity would be one post; two that look the same would be two, which nobody
/// means. That two names stand for one account is found out later.
fn refuse_known_id(index: usize, own: &Fields, ids: &mut Ids, review: &mut Review<'_>) {
    let (Some(id), Some(at)) = (own.values.text(Field::Id), own.place_of(Field::Id)) else {
        return;
    };
    let user = own.values.text(Field::UserId).map(str::to_owned);
    let identity = (text::seen_as(id), user);
    if let Some((first, (line, column), written)) = ids.get(&identity) {
        review.field = Some(Field::Id);
        let message =
            format!("the same as that of post {} on line {line}, column {column}", first + 1);
        if written == id {
            let unfilled = template::unfilled_in_name(id).map(template::words);
            review.advise(at, message, unfilled);
        } else {
            let hint = "they differ only in how Unicode writes a letter, or in what nobody sees: write them \
                alike for one post, or differently for two";
            review.advise(at, message, hint.to_owned());
        }
    } else {
        ids.insert(identity, (index, review.locate(at), id.to_owned()));
    }
}
