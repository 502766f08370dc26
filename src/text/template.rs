//! Templates that nobody filled in: what a generator of manifests leaves behind where a value was missing.

use std::ops::Range;

/// The longest piece that is looked for, in bytes.
const LONGEST: usize = 200;

/// What stands before and behind the name of a value in a template, and what may stand between.
type Form = (&'static str, &'static str, fn(&str) -> bool);

const FORMS: [Form; 8] = [
    // Jinja, Mustache, Go, Helm and others.
    ("{{", "}}", is_expression),
    ("{%", "%}", |content| !content.trim().is_empty()),
    // ERB and EJS.
    ("<%", "%>", |content| !content.trim().is_empty()),
    // Shells and JavaScript.
    ("${", "}", is_expression),
    // Ruby.
    ("#{", "}", |content| !content.starts_with('{') && is_expression(content)),
    // Python.
    ("%(", ")s", is_name),
    // Autoconf and its like.
    ("@@", "@@", is_name),
    // What JavaScript writes for an object.
    ("[object ", "]", is_name),
];

/// What programs write where there is no value, as a whole text.
const NOTHING: [&str; 12] = [
    "None",
    "nan",
    "NaN",
    "NaT",
    "null",
    "NULL",
    "nil",
    "undefined",
    "TODO",
    "FIXME",
    "<no value>",
    "<nil>",
];

/// What is advised wherever one is refused.
pub(crate) const FILL_IN: &str =
    "let the program that wrote the file fill it in, or write the value";

/// A text with each `{name}` replaced by its value; `{{` and `}}` stand for one brace. `Err`: what stands between braces
/// and has no value.
pub(crate) fn fill<'t>(text: &'t str, values: &[(&str, &str)]) -> Result<String, &'t str> {
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        filled.push_str(before);
        let doubled = brace.starts_with("{{") || brace.starts_with("}}");
        if doubled || brace.starts_with('}') {
            filled.push_str(&brace[..1]);
            rest = &brace[1 + usize::from(doubled)..];
            continue;
        }
        let end = brace.find('}').ok_or(brace)?;
        let name = &brace[1..end];
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(value.ok_or(&brace[..=end])?.1);
        rest = &brace[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `` `{{ title }}` looks like a template that was not filled in ``.
pub(crate) fn words(piece: &str) -> String {
    format!("`{}` looks like a template that was not filled in", super::shown(piece))
}

/// The first piece of a text that a template was to replace, or the whole text where it stands for no value.
pub(crate) fn unfilled(text: &str) -> Option<&str> {
    let whole = text.trim();
    if NOTHING.contains(&whole) || is_in_braces(whole) {
        return Some(whole);
    }
    pieces(text).min_by_key(|piece| piece.start).and_then(|piece| text.get(piece))
}

/// The same of a path or a name of somebody, in which `{name}` is hardly meant.
pub(crate) fn unfilled_in_name(text: &str) -> Option<&str> {
    unfilled(text).or_else(|| {
        let mut opened = text.match_indices('{').filter_map(|(at, _)| text.get(at..));
        opened.find_map(|rest| rest.get(..=rest.find('}')?).filter(|piece| is_in_braces(piece)))
    })
}

/// The same of an address, in which `$NAME` is hardly meant either.
pub(crate) fn unfilled_in_address(text: &str) -> Option<&str> {
    unfilled_in_name(text).or_else(|| {
        text.match_indices('$').find_map(|(at, _)| {
            let rest = text.get(at + 1..)?;
            let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
            let name = rest.get(..end)?;
            let is_variable = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
                && !name.contains(|c: char| c.is_ascii_lowercase());
            is_variable.then(|| text.get(at..at + 1 + end))?
        })
    })
}

/// The piece that holds the byte `at`, and where it begins.
pub(crate) fn around(text: &str, at: usize) -> Option<(usize, &str)> {
    let piece = pieces(text).find(|piece| piece.contains(&at))?;
    Some((piece.start, text.get(piece)?))
}

/// Everything in a text that has a form of [`FORMS`]. No piece goes over the end of a line.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    FORMS.iter().flat_map(move |&(opening, closing, fits)| {
        text.match_indices(opening).filter_map(move |(start, _)| {
            let rest = text.get(start + opening.len()..)?;
            let mut near = rest.len().min(LONGEST);
            while !rest.is_char_boundary(near) {
                near -= 1;
            }
            let rest = rest.get(..near)?;
            let content = rest.get(..rest.find(closing)?)?;
            if !fits(content) || content.contains(['\n', '\r']) {
                return None;
            }
            // `{{{ raw }}}` and `${{ name }}`.
            let inner = content.len() - content.trim_start_matches('{').len();
            let end = content.len() + closing.len();
            let behind = rest.get(end..)?;
            let closed = behind.len() - behind.trim_start_matches('}').len();
            Some(start..start + opening.len() + end + inner.min(closed))
        })
    })
}

/// `title`, ` post.title | upper `, `#if x`: not `"id": 1`, as where a bracket of JSON is doubled.
fn is_expression(content: &str) -> bool {
    let marks = |c: char| c.is_whitespace() || "{-~#/>&^!.$@*".contains(c);
    content.trim_start_matches(marks).starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_name(content: &str) -> bool {
    !content.is_empty() && content.chars().all(is_of_name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `{title}`, as `format` of Python and templates of URIs have it.
fn is_in_braces(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|name| is_name(name) && !name.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_not_filled_in_is_found() {
        for (text, piece) in [
            ("{{ title }}", "{{ title }}"),
            ("Hi {{title}}!", "{{title}}"),
            ("{{{ raw }}} x", "{{{ raw }}}"),
            ("{{- .Title -}}", "{{- .Title -}}"),
            ("a {% if x %}b{% endif %}", "{% if x %}"),
            ("<%= title %>", "<%= title %>"),
            ("${TITLE}", "${TITLE}"),
            ("${{ github.ref }} now", "${{ github.ref }}"),
            ("%(title)s", "%(title)s"),
            ("@@TITLE@@", "@@TITLE@@"),
            ("x [object Object] y", "[object Object]"),
            ("#{title}", "#{title}"),
            ("#{{tag}}", "{{tag}}"),
            (" None ", "None"),
            ("nan", "nan"),
            ("null", "null"),
            ("undefined", "undefined"),
            ("TODO", "TODO"),
            ("{title}", "{title}"),
        ] {
            assert_eq!(unfilled(text), Some(piece), "{text}");
        }
        for (text, piece) in [
            ("https://a.example/$ID.mp4", "$ID"),
            ("https://a.example/{id}.mp4", "{id}"),
            ("https://${HOST}/a.mp4", "${HOST}"),
        ] {
            assert_eq!(unfilled_in_address(text), Some(piece), "{text}");
        }
        assert_eq!(unfilled_in_name("clips/{name}.mp4"), Some("{name}"));
    }

    #[test]
    fn usual_texts_are_no_templates() {
        for text in [
            "",
            "None of us",
            "TODO list for today",
            "A {hug} for $5 and 100% (really)",
            "{\"id\": 1}",
            "{{\"id\": 1}}",
            "{{",
            "{{ }}",
            "{}",
            "a{{\nb}}",
            "me@@home",
            "#1 ${",
            "Nan & Grandad",
        ] {
            assert_eq!(unfilled(text), None, "{text}");
        }
        for address in
            ["https://a.example/$value?$filter=x", "https://a.example/a%20b.mp4", "clip-{1,2}.mp4"]
        {
            assert_eq!(unfilled_in_address(address), None, "{address}");
        }
    }

    #[test]
    fn values_come_in_the_place_of_their_names() {
        let values = [("stem", "two {cats}"), ("n", "7")];
        for (text, filled) in [
            ("", Ok("")),
            ("{stem}, part {n}", Ok("two {cats}, part 7")),
            ("{{stem}} }} {{", Ok("{stem} } {")),
            ("a } b", Ok("a } b")),
            ("{title} {n}", Err("{title}")),
            ("é {n", Err("{n")),
            ("{}", Err("{}")),
        ] {
            assert_eq!(fill(text, &values), filled.map(str::to_owned), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"([{}%$#()@s<>\[\] \na-c1é😀]|object |\{\{|\}\}){0,40}") {
            _ = unfilled_in_address(&text);
            _ = fill(&text, &[("a", "b")]);
            for (at, _) in text.char_indices() {
                _ = around(&text, at);
            }
        }
    }
}
