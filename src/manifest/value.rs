//! Values read strictly: what a field wants and what it got.
//!
//! [`read`] takes a value of the file and returns what it holds, or notes in the [`Review`]
//! what is wrong with it and returns `None`.

use jiff::Timestamp;
use jiff::civil::Date;
use jsonc_parser::ast::{Array, StringLit, Value};
use jsonc_parser::common::Ranged;
use tiktok_open::Privacy;

use super::review::{Review, excerpt};
use super::web;
use super::{foreign, instant};
use crate::model::fields::{MAX_ID, MAX_PHOTOS, nearest};
use crate::model::slot::NEXT;
use crate::model::{Field, FieldType, FieldValue, Mode, Transport, caption};
use crate::text;
use crate::text::template;

/// Reads the value of a field by its type.
pub(super) fn read(field: Field, value: &Value<'_>, review: &mut Review<'_>) -> Option<FieldValue> {
    Some(match field.value_type() {
        FieldType::Flag => FieldValue::Flag(flag(value, review)?),
        FieldType::Count { most } => FieldValue::Count(count(value, most, review)?),
        // How many there are is held against it later.
        FieldType::PhotoIndex => FieldValue::Count(count(value, u32::MAX, review)?),
        FieldType::Text { .. } => FieldValue::Text(any_text(value, review)?),
        FieldType::Account => FieldValue::Text(user(value, review)?),
        FieldType::Path => FieldValue::Text(path(value, review)?),
        FieldType::Url => FieldValue::Text(url(value, review)?),
        FieldType::Urls => FieldValue::Texts(photo_urls(value, review)?),
        FieldType::Tags => FieldValue::Texts(tags(value, review)?),
        FieldType::Mode => FieldValue::Mode(mode(value, review)?),
        FieldType::Privacy => FieldValue::Privacy(privacy(value, review)?),
        FieldType::Transport => FieldValue::Transport(transport(value, review)?),
        FieldType::Moment => {
            let slot = value.as_string_lit().and_then(|literal| literal.value.strip_prefix(NEXT));
            if let Some(name) = slot {
                return Some(FieldValue::Slot(name.trim().to_owned()));
            }
            let (at, day) = instant(value, review)?;
            FieldValue::Moment { at, day }
        }
        FieldType::Id => FieldValue::Text(id(value, review)?),
    })
}

/// What a value is, with its article.
pub(super) fn describe(value: &Value<'_>) -> String {
    match value {
        Value::StringLit(text) => format!("the text \"{}\"", excerpt(&text.value)),
        Value::NumberLit(number) => format!("the number {}", excerpt(number.value)),
        Value::BooleanLit(flag) => format!("{}", flag.value),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::NullKeyword(_) => "null".to_owned(),
    }
}

/// A value without its places.
pub(super) fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::StringLit(text) => text.value.as_ref().into(),
        Value::NumberLit(number) => serde_json::from_str(number.value).unwrap_or_default(),
        Value::BooleanLit(flag) => flag.value.into(),
        Value::Object(object) => {
            let pairs = object.properties.iter();
            pairs.map(|pair| (pair.name.as_str().to_owned(), plain(&pair.value))).collect()
        }
        Value::Array(array) => array.elements.iter().map(plain).collect(),
        Value::NullKeyword(_) => serde_json::Value::Null,
    }
}

/// Where a schema is: any text, which nobody reads here.
pub(super) fn schema(value: &Value<'_>, review: &mut Review<'_>) {
    if value.as_string_lit().is_none() {
        let message = format!("`$schema` must be text, not {}", describe(value));
        review.refuse(value.start(), message);
    }
}

fn mismatch(value: &Value<'_>, wanted: &str, hint: Option<String>, review: &mut Review<'_>) {
    let hint = match value {
        Value::NullKeyword(_) => Some("leave the field out instead".to_owned()),
        _ => hint,
    };
    let message = format!("must be {wanted}, not {}", describe(value));
    let unfilled = value.as_string_lit().and_then(|literal| template::unfilled(&literal.value));
    decline(value.start(), unfilled, message, hint, review);
}

/// Notes what is wrong with a text; with one that `unfilled` says was to be replaced that is the cause.
fn decline(
    at: usize,
    unfilled: Option<&str>,
    message: impl Into<String>,
    hint: Option<String>,
    review: &mut Review<'_>,
) {
    match unfilled {
        Some(piece) => {
            review.advise(at, template::words(piece), template::FILL_IN.to_owned());
        }
        None => review.advise(at, message, hint),
    }
}

fn literal<'v, 't>(value: &'v Value<'t>, review: &mut Review<'_>) -> Option<&'v StringLit<'t>> {
    let literal = value.as_string_lit();
    if literal.is_none() {
        mismatch(value, "text", None, review);
    }
    literal
}

/// Any text.
fn any_text(value: &Value<'_>, review: &mut Review<'_>) -> Option<String> {
    literal(value, review).map(|literal| literal.value.to_string())
}

/// What people and spreadsheets of other languages write for `true`.
const YES: [&str; 12] =
    ["yes", "y", "on", "1", "x", "wahr", "ja", "vrai", "oui", "verdadero", "vero", "waar"];

/// The same for `false`.
const NO: [&str; 11] =
    ["no", "n", "off", "0", "falsch", "nein", "faux", "non", "falso", "onwaar", "nee"];

/// `true` or `false`.
fn flag(value: &Value<'_>, review: &mut Review<'_>) -> Option<bool> {
    if let Value::BooleanLit(literal) = value {
        return Some(literal.value);
    }
    let hint = match value.as_string_lit().map(|literal| text::folded(&literal.value)).as_deref() {
        Some("true") => Some("write true, without quotes".to_owned()),
        Some("false") => Some("write false, without quotes".to_owned()),
        Some(word) if YES.contains(&word) => Some("write true, in JSON without quotes".to_owned()),
        Some(word) if NO.contains(&word) => Some("write false, in JSON without quotes".to_owned()),
        _ => None,
    };
    mismatch(value, "true or false", hint, review);
    None
}

/// A whole number within `0..=most`.
fn count(value: &Value<'_>, most: u32, review: &mut Review<'_>) -> Option<u32> {
    let Value::NumberLit(literal) = value else {
        let quoted = value.as_string_lit().and_then(|it| it.value.trim().parse::<u32>().ok());
        let hint = quoted.filter(|number| *number <= most);
        let hint = hint.map(|number| format!("write {number}, without quotes"));
        mismatch(value, "a whole number", hint, review);
        return None;
    };
    if literal.value.contains(['.', 'e', 'E']) {
        mismatch(value, "a whole number", None, review);
        return None;
    }
    let number: Option<i64> = literal.value.parse().ok();
    let number = number.and_then(|number| number.try_into().ok()).filter(|number| *number <= most);
    if number.is_none() {
        mismatch(value, &format!("from 0 to {most}"), None, review);
    }
    number
}

/// Open id or alias of an account.
fn user(value: &Value<'_>, review: &mut Review<'_>) -> Option<String> {
    let text = any_text(value, review)?;
    let message = if text.trim().is_empty() {
        "must not be empty"
    } else if text.trim() != text {
        "must not begin or end with white space"
    } else if text.contains(char::is_control) {
        "must not contain control characters"
    } else {
        return Some(text);
    };
    let hint = text::listed(&text).map(|hidden| format!("it holds {hidden}"));
    decline(value.start(), template::unfilled_in_name(&text), message, hint, review);
    None
}

/// A path in the file system.
fn path(value: &Value<'_>, review: &mut Review<'_>) -> Option<String> {
    let text = any_text(value, review)?;
    let message = if text.is_empty() {
        "must not be empty"
    } else if text.contains('\0') {
        "no path can contain U+0000"
    } else {
        return Some(text);
    };
    review.refuse(value.start(), message);
    None
}

/// An https URL that TikTok can pull from.
fn url(value: &Value<'_>, review: &mut Review<'_>) -> Option<String> {
    let text = any_text(value, review)?;
    match web::check(&text) {
        Ok(()) => Some(text),
        Err(error) => {
            let photo = review.field == Some(Field::PhotoUrls);
            let unfilled = template::unfilled_in_address(&text);
            let hint = error.hint(&text, photo);
            decline(value.start(), unfilled, error.to_string(), hint, review);
            None
        }
    }
}

/// A list of texts, each read by `element`; `None` when the list or any element is wrong.
fn list<T>(
    list: &Array<'_>,
    review: &mut Review<'_>,
    mut element: impl FnMut(&Value<'_>, &mut Review<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<_> = list.elements.iter().map(|value| element(value, review)).collect();
    read.into_iter().collect()
}

/// 1 to 35 URLs.
fn photo_urls(value: &Value<'_>, review: &mut Review<'_>) -> Option<Vec<String>> {
    let Value::Array(array) = value else {
        let urls = value
            .as_string_lit()
            .map(|literal| parted(&literal.value, |c| c.is_whitespace() || matches!(c, ',' | ';')));
        let urls =
            urls.filter(|urls| !urls.is_empty() && urls.iter().all(|url| web::check(url).is_ok()));
        let hint = urls.and_then(|urls| Some(format!("write [{}]", joined(&urls)?)));
        mismatch(value, "a list of URLs", hint, review);
        return None;
    };
    let count = array.elements.len();
    if count == 0 || count > usize::from(MAX_PHOTOS) {
        review.refuse(value.start(), format!("must hold 1 to {MAX_PHOTOS} URLs, not {count}"));
        return None;
    }
    list(array, review, url)
}

/// Tags, each with one leading `#`.
fn tags(value: &Value<'_>, review: &mut Review<'_>) -> Option<Vec<String>> {
    let Value::Array(array) = value else {
        let hint = value.as_string_lit().and_then(|literal| {
            let tags = listed_tags(&literal.value)?;
            Some(format!("write [{tags}]"))
        });
        mismatch(value, "a list of texts", hint, review);
        return None;
    };
    list(array, review, |value, review| {
        let literal = literal(value, review)?;
        match caption::tag(&literal.value) {
            Ok(tag) => Some(tag),
            Err(error) => {
                let tags =
                    listed_tags(&literal.value).filter(|_| error != caption::TagError::Empty);
                let hint = tags.map(|tags| match tags.as_str() {
                    "" => "take it away".to_owned(),
                    tags => format!("write {tags}"),
                });
                let unfilled = template::unfilled(&literal.value);
                decline(value.start(), unfilled, error.to_string(), hint, review);
                None
            }
        }
    })
}

/// The tags in one text as they are written in a list; `None`: they are too many to be told.
fn listed_tags(text: &str) -> Option<String> {
    let between = |c: char| {
        c.is_whitespace() || matches!(foreign::ascii(c).unwrap_or(c), ',' | '、' | ';' | '#')
    };
    joined(&parted(text, between))
}

/// The values of a list that was written as one text. Brackets and quotes around them are of the language that
/// they come from.
fn parted(text: &str, between: impl Fn(char) -> bool) -> Vec<String> {
    let json = serde_json::from_str::<Vec<String>>(text).map(|list| list.join(" "));
    let text = json.as_deref().unwrap_or(text);
    let is_bracket = |c| matches!(c, '[' | ']' | '(' | ')' | '{' | '}');
    let is_quote = |c| matches!(c, '"' | '\'' | '`' | '\\') || foreign::is_quote(c);
    let bare =
        |word| foreign::bare_name(str::trim_matches(word, is_bracket)).trim_matches(is_quote);
    text.split(between).map(bare).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// Texts as they are written in a list; `None`: they are too long to be told.
fn joined(texts: &[String]) -> Option<String> {
    let texts: Vec<_> = texts.iter().map(|text| text::json(text, |_| false)).collect();
    Some(texts.join(", ")).filter(|list| list.len() <= 200)
}

/// A level of privacy.
fn privacy(value: &Value<'_>, review: &mut Review<'_>) -> Option<Privacy> {
    let literal = literal(value, review)?;
    let levels = Privacy::ALL.map(|level| (level, level.as_str()));
    one_of(literal, "privacy level", &levels, Privacy::meant_by, review)
}

/// `direct` or `draft`.
fn mode(value: &Value<'_>, review: &mut Review<'_>) -> Option<Mode> {
    let literal = literal(value, review)?;
    let modes = Mode::ALL.map(|mode| (mode, mode.as_str()));
    one_of(literal, "mode", &modes, Mode::meant_by, review)
}

/// `pull` or `upload`.
fn transport(value: &Value<'_>, review: &mut Review<'_>) -> Option<Transport> {
    let literal = literal(value, review)?;
    let ways = Transport::ALL.map(|way| (way, way.as_str()));
    one_of(literal, "transfer", &ways, Transport::meant_by, review)
}

/// A hint, and what nobody sees of the text that it is about.
pub(super) fn with_hidden(hint: String, text: &str) -> String {
    match text::listed(text) {
        Some(hidden) if hint.ends_with('?') => format!("{hint} the text holds {hidden}"),
        Some(hidden) => format!("{hint}; the text holds {hidden}"),
        None => hint,
    }
}

fn one_of<T: Copy + PartialEq>(
    literal: &StringLit<'_>,
    what: &str,
    choices: &[(T, &str)],
    meant_by: fn(&str) -> Option<T>,
    review: &mut Review<'_>,
) -> Option<T> {
    let found = choices.iter().find(|(_, name)| *name == literal.value);
    if found.is_none() {
        let names: Vec<_> = choices.iter().map(|(_, name)| format!("`{name}`")).collect();
        let message = format!("no such {what}: \"{}\"", excerpt(&literal.value));
        let written = text::folded(&literal.value);
        let folded: Vec<_> = choices.iter().map(|(_, name)| text::folded(name)).collect();
        let near = || nearest(&written, folded.iter().enumerate().map(|(i, n)| (i, n.as_str())));
        let meant = meant_by(&written)
            .and_then(|meant| choices.iter().position(|(choice, _)| *choice == meant))
            .or_else(near);
        let hint = match meant.and_then(|i| names.get(i)) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("one of {}", names.join(", ")),
        };
        let hint = with_hidden(hint, &literal.value);
        decline(literal.start(), template::unfilled(&literal.value), message, Some(hint), review);
    }
    found.map(|(choice, _)| *choice)
}

/// A moment.
fn instant(value: &Value<'_>, review: &mut Review<'_>) -> Option<(Timestamp, Date)> {
    let literal = literal(value, review)?;
    match instant::parse(&literal.value) {
        Ok(instant) => Some(instant),
        Err(error) => {
            let hint = match text::stranger(&literal.value) {
                Some(stranger) => format!("it holds {stranger}; {}", error.hint()),
                None if literal.value.trim() != literal.value => {
                    format!("take away the space at its beginning or end; {}", error.hint())
                }
                None => error.hint().to_owned(),
            };
            let unfilled = template::unfilled(&literal.value);
            decline(value.start(), unfilled, error.to_string(), Some(hint), review);
            None
        }
    }
}

/// The user's own identity for a post.
fn id(value: &Value<'_>, review: &mut Review<'_>) -> Option<String> {
    let text = any_text(value, review)?;
    let length = text.chars().count();
    if !(1..=MAX_ID).contains(&length) {
        review.refuse(value.start(), format!("must have 1 to {MAX_ID} characters, not {length}"));
        return None;
    }
    if !is_printable(&text) || text.trim() != text {
        let message = "must be printable characters, with no white space but spaces within";
        let hint = text::listed(&text).map(|hidden| format!("it holds {hidden}"));
        decline(value.start(), template::unfilled(&text), message, hint, review);
        return None;
    }
    Some(text)
}

/// Whether nothing in the text is invisible, a line break or a control character.
fn is_printable(text: &str) -> bool {
    // What the standard library would escape is what does not print; a leading letter, as a
    // combining mark is escaped only where it has nothing to combine with.
    let framed: String = std::iter::once('a')
        .chain(text.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')))
        .collect();
    framed.escape_debug().eq(framed.chars())
}
