//! From bytes to a syntax tree: JSON with comments and trailing commas, and nothing looser.

use jsonc_parser::ast::Value;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::MAX_SIZE;
use super::cause::cause;
use super::doubled::doubled;
use super::fault::Fault;
use super::grammar::{Expects, Walk};
use super::token::Tokens;
use crate::model::{Diagnostic, Part};

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
    check(text).map_err(|fault| doubled(text).unwrap_or(fault))?;
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
        // What stands above lets nothing through that is refused here.
        Err(error) => {
            let message = lowercase_first(&error.kind().to_string());
            Err(Fault::new(error.range().start, message))
        }
    }
}

/// The first place at which a text is no JSON, or more than a manifest may be.
fn check(text: &str) -> Result<(), Fault> {
    let mut walk = Walk::new();
    for token in Tokens::new(text, 0) {
        if !walk.step(&token) {
            return Err(cause(text, &walk, Some(&token)));
        }
        if let Some(fault) = token.fault.clone().or_else(|| walk.excess(&token)) {
            return Err(fault);
        }
    }
    match walk.expects {
        Expects::Document | Expects::Nothing => Ok(()),
        _ => Err(cause(text, &walk, None)),
    }
}

fn lowercase_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::foreign::{EXAMPLE, IN_QUOTES, mark};
    use super::super::grammar::{MAX_DEPTH, MAX_VALUES};
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
            ("{\"a\": \"b\" c}", "unexpected `c`", "take it away"),
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
