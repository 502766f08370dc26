//! From bytes to a syntax tree: JSON with comments and trailing commas, and nothing looser.

use jsonc_parser::ast::Value;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};

use super::MAX_SIZE;
use super::foreign::{EXAMPLE, IN_QUOTES, instead_of_word, is_conflict, is_number, mark};
use super::review::excerpt;
use crate::model::{Diagnostic, Part};
use crate::text;

/// The deepest nesting of arrays and objects; a manifest needs four levels.
const MAX_DEPTH: usize = 32;

/// The most values: beyond, the tree of a file within [`MAX_SIZE`] would take gigabytes.
const MAX_VALUES: usize = 2_000_000;

/// Why a text is no JSON, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte offset.
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The text of a manifest, without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, Diagnostic> {
    let nowhere = |message: String, hint: Option<&str>| Diagnostic {
        line: 1,
        column: 1,
        part: Part::File,
        field: None,
        message,
        hint: hint.map(str::to_owned),
    };
    if bytes.len() > MAX_SIZE {
        let message = format!("the file is larger than {} MiB", MAX_SIZE / 1024 / 1024);
        return Err(nowhere(message, Some("split it into several manifests")));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    str::from_utf8(bytes).map_err(|error| {
        let (good, bad) = bytes.split_at(error.valid_up_to());
        let good = String::from_utf8_lossy(good);
        let (line, column) = super::place::Places::new(&good).locate(good.len());
        let message = match bad.first() {
            Some(byte) => format!("the byte 0x{byte:02x} here is not UTF-8"),
            None => "the text is not UTF-8".to_owned(),
        };
        Diagnostic { line, column, ..nowhere(message, Some("save the file as UTF-8")) }
    })
}

/// The tree of a text; `None` when there is nothing but white space and comments.
pub(super) fn parse(text: &str) -> Result<Option<Value<'_>>, Fault> {
    scan(text)?;
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(result) => Ok(result.value),
        Err(error) => Err(explain(&error, text)),
    }
}

/// What the parser would let pass or would choke on: exotic white space, raw control characters in
/// texts, deep nesting and masses of values.
fn scan(manifest: &str) -> Result<(), Fault> {
    let (mut depth, mut values) = (0usize, 0usize);
    let mut rest = manifest.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        match character {
            '<' | '=' | '>' | '|' if is_conflict_at(manifest, at) => {
                let fault = Fault::new(at, "an unresolved merge conflict of git");
                return Err(fault.hint(
                    "keep one of the two versions, or what you want of both, and take away the lines with \
                     <<<<<<<, ======= and >>>>>>>",
                ));
            }
            '"' => skip_string(at, &mut rest)?,
            '/' => skip_comment(&mut rest),
            '[' | '{' => {
                depth += 1;
                values += 1;
                if depth > MAX_DEPTH {
                    let message = format!("nested more than {MAX_DEPTH} levels deep");
                    return Err(Fault::new(at, message));
                }
            }
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' => values += 1,
            ' ' | '\t' | '\n' | '\r' => {}
            '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
                let message = format!("unexpected character `{character}`");
                return Err(Fault::new(at, message).hint("write straight quotes: \""));
            }
            '#' => {
                let fault = Fault::new(at, "unexpected `#`");
                return Err(fault
                    .hint("a comment is written // … or /* … */; texts stand in double quotes"));
            }
            c if c.is_whitespace() || c.is_control() || !c.is_ascii() => {
                let code = u32::from(c);
                let message = format!("unexpected character U+{code:04X} outside of a text");
                let fault = Fault::new(at, message);
                return Err(match text::named(c) {
                    Some(name) => fault.hint(format!("it is {name}: take it away")),
                    None => fault,
                });
            }
            _ => {}
        }
        if values > MAX_VALUES {
            let fault = Fault::new(at, format!("more than {MAX_VALUES} values"));
            return Err(fault.hint("split it into several manifests"));
        }
    }
    Ok(())
}

/// Whether such a line begins at a place that is neither in a text nor in a comment.
fn is_conflict_at(manifest: &str, at: usize) -> bool {
    let begins = manifest.get(..at).is_some_and(|it| it.is_empty() || it.ends_with(['\n', '\r']));
    begins && manifest.get(at..).is_some_and(is_conflict)
}

type Rest<'t> = std::iter::Peekable<std::str::CharIndices<'t>>;

/// Skips what is left of a text that began at `start`. An end of the file is left to the parser.
fn skip_string(start: usize, rest: &mut Rest<'_>) -> Result<(), Fault> {
    while let Some((at, character)) = rest.next() {
        match character {
            '"' => return Ok(()),
            '\\' => {
                let escape: String = rest.clone().map(|(_, c)| c).take(11).collect();
                match surrogates(&escape) {
                    Surrogates::None => _ = rest.next(),
                    // Both halves at once.
                    Surrogates::Pair => _ = rest.nth(10),
                    Surrogates::Half(half) => {
                        let fault = Fault::new(at, format!("\\{half} is one half of a character"));
                        return Err(fault.hint(
                            "characters beyond U+FFFF are written as two halves, such as \
                             \\ud83d\\ude00, or simply as they are",
                        ));
                    }
                }
            }
            '\n' | '\r' => {
                let fault = Fault::new(start, "the text that begins here does not end on its line");
                return Err(fault.hint("close it with \"; write a line break within it as \\n"));
            }
            c if c < ' ' => {
                let code = u32::from(c);
                let message = format!("raw control character U+{code:04X} in a text");
                return Err(Fault::new(at, message).hint(format!("write it as \\u{code:04x}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What an escape has of a character beyond U+FFFF, which takes two.
enum Surrogates<'e> {
    /// Nothing.
    None,
    /// Both halves.
    Pair,
    /// One half alone.
    Half(&'e str),
}

/// Looks at an escape without its backslash, and at the one behind it.
fn surrogates(escape: &str) -> Surrogates<'_> {
    let unit = |escape: &str| u32::from_str_radix(escape.strip_prefix('u')?.get(..4)?, 16).ok();
    let second = escape.get(5..).and_then(|rest| unit(rest.strip_prefix('\\')?));
    match (unit(escape), second) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => Surrogates::Pair,
        (Some(0xd800..=0xdfff), _) => escape.get(..5).map_or(Surrogates::None, Surrogates::Half),
        _ => Surrogates::None,
    }
}

/// Skips what is left of a comment, if this is one; all else is left to the parser.
fn skip_comment(rest: &mut Rest<'_>) {
    match rest.peek() {
        Some((_, '/')) => while rest.next_if(|(_, c)| !matches!(c, '\n' | '\r')).is_some() {},
        Some((_, '*')) => {
            rest.next();
            let mut last = ' ';
            for (_, character) in rest.by_ref() {
                if last == '*' && character == '/' {
                    break;
                }
                last = character;
            }
        }
        _ => {}
    }
}

/// The parser's error in our words.
fn explain(error: &ParseError, text: &str) -> Fault {
    use ParseErrorKind as Kind;
    let range = error.range();
    let at = range.start;
    let here = text.get(range.start..range.end).map(excerpt).unwrap_or_default();
    if let Some(fault) = number(error.kind(), at, text) {
        return fault;
    }
    match error.kind() {
        Kind::ExpectedObjectValue | Kind::ExpectedColonAfterObjectKey if ends_within(text) => {
            Fault::new(at, "the file ends here, within an object that is never closed")
                .hint("it was cut off: write or copy it again")
        }
        Kind::ExpectedComma => Fault::new(at, "a comma is missing here"),
        Kind::ExpectedColonAfterObjectKey => Fault::new(at, "a colon is missing before this"),
        Kind::ExpectedStringObjectProperty => Fault::new(at, format!("unexpected `{here}`"))
            .hint(format!("field names are written in double quotes: \"{here}\"")),
        Kind::SingleQuotedStringsNotAllowed => {
            let hint = if begins(text, at) { EXAMPLE } else { IN_QUOTES };
            Fault::new(at, "unexpected `'`").hint(hint)
        }
        Kind::MultipleRootJsonValues if is_json_lines(text, at) => {
            Fault::new(at, "this is JSON Lines, a value on each line, not one list")
                .hint("put all posts into one list, with commas between them: [ … ]")
        }
        Kind::MultipleRootJsonValues => Fault::new(at, "something follows the end of the manifest")
            .hint("put all posts into one array: [ … ]"),
        Kind::UnterminatedArray => Fault::new(at, "the list that begins here is never closed"),
        Kind::UnterminatedObject => Fault::new(at, "the object that begins here is never closed"),
        Kind::UnterminatedCommentBlock => {
            Fault::new(at, "the comment that begins here is never closed")
        }
        Kind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            Fault::new(at, "the text that begins here is never closed")
        }
        Kind::String(_) => Fault::new(at, "the text has an invalid escape").hint(
            "a backslash is written as \\\\; JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000",
        ),
        Kind::UnexpectedWord => unexpected(at, &here, text),
        Kind::UnexpectedToken if !here.is_empty() => unexpected(at, &here, text),
        Kind::UnexpectedTokenInObject if !here.is_empty() => {
            let fault = Fault::new(at, format!("unexpected `{here}`"));
            match mark(&here) {
                Some(_) => unexpected(at, &here, text),
                None => {
                    fault.hint("each field is written \"name\": value, its name in double quotes")
                }
            }
        }
        kind => Fault::new(at, lowercase_first(&kind.to_string())),
    }
}

/// Whether a text ends behind a key, or the colon behind one.
fn ends_within(text: &str) -> bool {
    text.trim_end().ends_with([':', '"'])
}

/// Whether an object ended where another one begins on the next line.
fn is_json_lines(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    text.get(at..).is_some_and(|rest| rest.starts_with('{'))
        && before.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && before.trim_end_matches([' ', '\t']).ends_with(['\n', '\r'])
}

/// A word or a mark that JSON lacks, and what to write instead.
fn unexpected(at: usize, here: &str, text: &str) -> Fault {
    if here == "`" {
        return Fault::new(at, "unexpected backtick").hint(IN_QUOTES);
    }
    let fault = Fault::new(at, format!("unexpected `{here}`"));
    match mark(here).or_else(|| instead_of_word(here)) {
        Some(hint) => fault.hint(hint),
        // Nothing of JSON came before it.
        None if begins(text, at) => fault.hint(EXAMPLE),
        None if here.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') => {
            fault.hint(IN_QUOTES)
        }
        None => fault,
    }
}

/// Whether nothing but white space comes before a place.
fn begins(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.trim().is_empty())
}

/// The number of other languages at which the parser stumbled, perhaps in its midst, and how JSON writes it.
fn number(kind: &ParseErrorKind, at: usize, text: &str) -> Option<Fault> {
    use ParseErrorKind as Kind;
    let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
    let (before, behind) = text.split_at_checked(at)?;
    let start = before.trim_end_matches(within).len();
    let end = at + behind.find(|c| !within(c)).unwrap_or(behind.len());
    let written = text.get(start..end)?;
    let unsigned = written.trim_start_matches(['+', '-']);
    let shown = excerpt(written);
    if matches!(unsigned, "Infinity" | "NaN") && unsigned != written {
        return Some(unexpected(start, &shown, text).hint(instead_of_word(unsigned)?));
    }
    if !unsigned.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit())
        || is_number(written)
        || matches!(kind, Kind::ExpectedStringObjectProperty | Kind::UnexpectedTokenInObject)
    {
        return None;
    }
    let sign = if written.starts_with('-') { "-" } else { "" };
    let zeros = unsigned.strip_prefix('0').map(|rest| rest.trim_start_matches('0'));
    if let Some(rest) = zeros {
        let rest = match rest.bytes().next() {
            Some(b'0'..=b'9') => rest.to_owned(),
            _ => format!("0{rest}"),
        };
        let right = format!("{sign}{rest}");
        if is_number(&right) && unsigned != rest {
            let fault = Fault::new(start, format!("`{shown}`: numbers have no leading zeros"));
            let right = excerpt(&right);
            return Some(fault.hint(format!("write {right}, or \"{shown}\" if it is a text")));
        }
    }
    let hex = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let right = if let Some(Ok(number)) = hex.map(|digits| u64::from_str_radix(digits, 16)) {
        format!("{sign}{number}")
    } else {
        let plain = unsigned.replace('_', "");
        let plain = plain.strip_suffix('.').unwrap_or(&plain);
        let zero = if plain.starts_with('.') { "0" } else { "" };
        format!("{sign}{zero}{plain}")
    };
    let fault = Fault::new(start, format!("`{shown}` is not a number as JSON writes it"));
    Some(if is_number(&right) {
        fault.hint(format!("write {}", excerpt(&right)))
    } else {
        fault.hint(IN_QUOTES)
    })
}

fn lowercase_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> (usize, String) {
        let fault = parse(text).expect_err(text);
        (fault.at, fault.message)
    }

    #[test]
    fn comments_and_trailing_commas_are_welcome() {
        for text in [
            "[]",
            "// before\n[1, 2,] // after",
            "/* all\nof it */ {\"a\": [1, /* one */ 2,],} // no end of line",
            "\r\n[\t{ }\n,]",
            "[\"// text\", \"/* text */\", \"\\\"\", \"[[\"]",
            "[\"\\u00e9\\ud83d\\ude00\", -1.5e+3, true, false, null]",
        ] {
            assert!(parse(text).is_ok_and(|tree| tree.is_some()), "{text}");
        }
    }

    #[test]
    fn white_space_and_comments_alone_are_no_tree() {
        for text in ["", " \n\t", "// nothing", "/**/"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn nothing_looser_is_taken() {
        for text in [
            "[1 2]",
            "{\"a\": 1 \"b\": 2}",
            "['a']",
            "{a: 1}",
            "{1: 1}",
            "{true: 1}",
            "[0x10]",
            "[+1]",
            "[.5]",
            "[5.]",
            "[01]",
            "[-]",
            "[1e]",
            "[NaN]",
            "[Infinity]",
            "[-Infinity]",
            "[\"\\x41\"]",
            "[\"\\v\"]",
            "[\"\\'\"]",
            "[\"a\\\nb\"]",
            "[\"\\u12\"]",
            "[\"\\ud800\"]",
            "[\"\\udc00\"]",
            "[\"a\nb\"]",
            "[\"a\tb\"]",
            "[\"a\0b\"]",
            "[,]",
            "[1,,2]",
            "[1,,]",
            "{,}",
            "{\"a\" 1}",
            "{\"a\":}",
            "{\"a\"}",
            "[1] [2]",
            "[1],",
            "[1]x",
            "[1",
            "{\"a\": 1",
            "[1}",
            "{\"a\": 1]",
            "]",
            "[\"a]",
            "/* a",
            "# a\n[]",
            "[True]",
            "[undefined]",
            "[1]\u{0b}",
            "\u{a0}[]",
            "[“a”]",
            "[é]",
            "[\u{7f}]",
            "/",
            "[] /",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_fault_is_where_a_person_would_look() {
        for (text, at, message) in [
            ("[1\n 2]", 2, "a comma is missing here"),
            ("{\"a\": 1\n \"b\": 2}", 7, "a comma is missing here"),
            ("{\"a\" 1}", 5, "a colon is missing before this"),
            ("[[1], [2]", 0, "the list that begins here is never closed"),
            ("[{\"a\": 1", 1, "the object that begins here is never closed"),
            ("[1, \"a]\n, 2]", 4, "the text that begins here does not end on its line"),
            ("[1, \"a]", 4, "the text that begins here is never closed"),
            ("[1] /* a", 4, "the comment that begins here is never closed"),
            ("[True]", 1, "unexpected `True`"),
            ("[1, 'a']", 4, "unexpected `'`"),
            ("{ \"a\": 1, b: 2 }", 10, "unexpected `b`"),
            ("[“a”]", 1, "unexpected character `“`"),
            ("[\"a\tb\"]", 3, "raw control character U+0009 in a text"),
            ("[{\"a\":", 6, "the file ends here, within an object that is never closed"),
            ("[\n# a\n1]", 2, "unexpected `#`"),
            ("[1] [2]", 4, "something follows the end of the manifest"),
            ("[\"a\\d\"]", 3, "the text has an invalid escape"),
            ("[\"a\\ud83d\"]", 3, "\\ud83d is one half of a character"),
            ("[\"\\ud83d\\ude00\\uDE00\"]", 14, "\\uDE00 is one half of a character"),
            (
                "{\"a\": 1}\n{\"a\": 2}\n",
                9,
                "this is JSON Lines, a value on each line, not one list",
            ),
        ] {
            assert_eq!(fault(text), (at, message.to_owned()), "{text}");
        }
    }

    #[track_caller]
    fn hint(text: &str) -> String {
        parse(text).expect_err(text).hint.unwrap_or_default()
    }

    #[test]
    fn a_merge_conflict_is_called_so_on_its_line() {
        let conflict = "an unresolved merge conflict of git".to_owned();
        for (text, at) in [
            ("<<<<<<< HEAD\n[]\n=======\n[1]\n>>>>>>> more\n", 0),
            ("[\n<<<<<<< HEAD\r\n1,\r\n=======\r\n2,\r\n>>>>>>> more\r\n]", 2),
            ("[\n1,\n=======\n2\n>>>>>>> more\n]", 5),
            ("[\n1,\n>>>>>>> more\n]", 5),
            ("[1\n||||||| 0123abc\n]", 3),
            ("[1]\n=======", 4),
        ] {
            assert_eq!(fault(text), (at, conflict.clone()), "{text}");
            assert!(hint(text).contains("take away the lines"), "{text}");
        }
        for text in ["/*\n=======\n*/ []", "[\n\"<<<<<<< a\"\n]", "// =======\n[]"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["[ <<<<<<< HEAD\n]", "========\n[]", "[\n<<<<<<\n]"] {
            assert_ne!(fault(text).1, conflict, "{text}");
        }
    }

    #[test]
    fn numbers_of_other_languages_are_told_how_json_writes_them() {
        for (text, said) in [
            ("[007]", "write 7, or \"007\" if it is a text"),
            ("[1, -007 ]", "write -7, or \"-007\" if it is a text"),
            ("[00]", "write 0, or \"00\" if it is a text"),
            ("[00.5]", "write 0.5, or \"00.5\" if it is a text"),
            ("007", "write 7, or \"007\" if it is a text"),
        ] {
            assert!(fault(text).1.ends_with("numbers have no leading zeros"), "{text}");
            assert_eq!(hint(text), said, "{text}");
        }
        assert_eq!(fault("{\"a\": 007}"), (6, "`007`: numbers have no leading zeros".to_owned()));
        for (text, said) in [
            ("[0x10]", "write 16"),
            ("[+1]", "write 1"),
            ("[.5]", "write 0.5"),
            ("[-.5]", "write -0.5"),
            ("[5.]", "write 5"),
            ("[1_000]", "write 1000"),
            ("[1_000\n]", "write 1000"),
            ("[5s]", IN_QUOTES),
            ("[1e]", IN_QUOTES),
            ("[2026-12-01T18:00]", IN_QUOTES),
            ("[01.12.2026]", IN_QUOTES),
        ] {
            let (at, message) = fault(text);
            assert_eq!(at, 1, "{text}");
            assert!(message.ends_with("is not a number as JSON writes it"), "{text}: {message}");
            assert_eq!(hint(text), said, "{text}");
        }
    }

    #[test]
    fn what_other_languages_write_is_told_how_json_writes_it() {
        for (text, message, said) in [
            ("[True]", "unexpected `True`", "JSON spells it true"),
            ("{\"a\": False}", "unexpected `False`", "JSON spells it false"),
            ("{\"a\": None, \"b\": 1}", "unexpected `None`", "leave the field out"),
            ("{\"a\": undefined }", "unexpected `undefined`", "leave the field out"),
            ("[NaN]", "unexpected `NaN`", "JSON has no such number: leave the field out"),
            (
                "[-Infinity]",
                "unexpected `-Infinity`",
                "JSON has no such number: leave the field out",
            ),
            ("{\"a\" = 1}", "unexpected `=`", mark("=").unwrap()),
            ("{\"a\": 1; \"b\": 2}", "unexpected `;`", mark(";").unwrap()),
            ("[1];", "unexpected `;`", mark(";").unwrap()),
            ("[`a`]", "unexpected backtick", IN_QUOTES),
            ("{`a`: 1}", "unexpected backtick", IN_QUOTES),
            ("[hello]", "unexpected `hello`", IN_QUOTES),
            ("{\"a\": \"b\" c}", "unexpected `c`", IN_QUOTES),
            ("posts [1]", "unexpected `posts`", EXAMPLE),
            ("'[1]'", "unexpected `'`", EXAMPLE),
        ] {
            assert_eq!(fault(text).1, message, "{text}");
            assert_eq!(hint(text), said, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_can_hurt() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        let message = "nested more than 32 levels deep".to_owned();
        assert_eq!(fault(&nested(MAX_DEPTH + 1)), (MAX_DEPTH, message.clone()));
        assert_eq!(fault(&"{\"a\":[".repeat(500_000)), (32 / 2 * 6, message));
    }

    #[test]
    fn masses_of_values_are_refused_before_they_take_memory() {
        let text = format!("[{}]", "0,".repeat(MAX_VALUES + 1));
        assert_eq!(fault(&text).1, "more than 2000000 values");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(decode(b"\xef\xbb\xbf[]"), Ok("[]"));
    }

    #[test]
    fn what_is_not_utf_8_is_refused_where_it_begins() {
        let problem = decode(b"[\n \"\xc3\xa4\xff\"]").unwrap_err();
        assert_eq!((problem.line, problem.column), (2, 4));
        assert_eq!(problem.message, "the byte 0xff here is not UTF-8");
    }

    #[test]
    fn a_huge_file_is_refused() {
        let bytes = vec![b' '; MAX_SIZE + 1];
        assert_eq!(decode(&bytes).unwrap_err().message, "the file is larger than 16 MiB");
        assert!(decode(&bytes[1..]).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(text) = decode(&bytes) {
                let _ = parse(text);
            }
        }

        #[test]
        fn no_soup_of_tokens_makes_it_panic(text in r#"([\[\]{}:,"'/*\\ \nuU0-9eE+.xa-]|//|/\*|\*/|\\u|😀|true|null|"a":){0,40}"#) {
            if let Err(fault) = parse(&text) {
                prop_assert!(text.is_char_boundary(fault.at), "{:?} in {:?}", fault, text);
            }
        }

        #[test]
        fn what_serde_takes_is_taken(text in r#"[\[\]{}:,"\\ 0-9eE+.atrue-]{0,12}"#) {
            // Strict JSON is a subset, but for keys given twice, which are refused later.
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert!(parse(&text).is_ok(), "{}", text);
            }
        }

        #[test]
        fn what_is_taken_is_strict_json_but_for_comments_and_commas(
            text in r#"[\[\]{}:,"' 0-9eE+.atruenlf-]{0,10}"#,
        ) {
            if let Ok(Some(_)) = parse(&text) {
                let strict = text.replace(' ', "").replace(",]", "]").replace(",}", "}");
                prop_assert!(serde_json::from_str::<serde_json::Value>(&strict).is_ok(), "{}", text);
            }
        }
    }
}
