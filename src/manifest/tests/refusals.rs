//! What is said of a wrong manifest.

use super::*;

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text =
        "[\n  {\"video_path\": 5, \"tags\": [\"a\", \"\"]},\n  {\"descripton\": \"x\"},\n  7,\n]";
    assert_eq!(
        said(text),
        [
            "line 2, column 18, post 1, field `video_path`: must be text, not the number 5",
            "line 2, column 35, post 1, field `tags`: a tag cannot be empty",
            "line 3, column 3, post 2: a post needs one of `video_path`, `video_url` and `photo_urls`",
            "line 3, column 4, post 2, field `descripton`: no such field (did you mean `description`?)",
            "line 4, column 3, post 3: a post must be an object, not the number 7",
        ]
    );
}

#[test]
fn a_post_has_exactly_one_source() {
    assert_eq!(
        said("[{}]"),
        [
            "line 1, column 2, post 1: a post needs one of `video_path`, `video_url` and `photo_urls`"
        ]
    );
    assert_eq!(
        said_of_video(r#""video_url": "https://a.example/b.mp4""#),
        [
            "line 1, column 39, post 1, field `video_url`: a post has one source, and `video_path` is given too"
        ]
    );
    assert_eq!(said_of_photo(r#""video_path": "a""#).len(), 1);
}

#[test]
fn a_misspelt_source_is_said_once() {
    assert_eq!(
        said(r#"[{"vidoe_path": "a.mp4"}]"#),
        [
            "line 1, column 3, post 1, field `vidoe_path`: no such field (did you mean `video_path`?)"
        ]
    );
}

#[test]
fn a_value_that_was_written_as_a_field_of_its_own_is_shown_where_it_belongs() {
    for (written, advice) in [
        (r#""draft": true"#, r#"write "mode": "draft""#),
        (r#""inbox": true"#, r#"write "mode": "draft""#),
        (r#""private": true"#, r#"write "privacy_level": "SELF_ONLY""#),
        (r#""public": true"#, r#"write "privacy_level": "PUBLIC_TO_EVERYONE""#),
        (r#""draft": false"#, "did you mean `mode`?"),
        (r#""privacy": true"#, "did you mean `privacy_level`?"),
    ] {
        let said = said_of_video(written);
        assert!(
            said.iter().any(|line| line.ends_with(&format!("({advice})"))),
            "{written}: {said:?}"
        );
    }
}

#[test]
fn the_outermost_value_is_a_list_or_an_object_with_posts() {
    for (text, said_of_it) in [
        (
            "5",
            "line 1, column 1: a manifest is a list of posts, or an object with `posts`, not the number 5",
        ),
        (
            "\"a\"",
            "line 1, column 1: a manifest is a list of posts, or an object with `posts`, not the text \"a\"",
        ),
        ("", "line 1, column 1: the file is empty (a manifest without posts is written [])"),
        ("// no", "line 1, column 1: the file is empty (a manifest without posts is written [])"),
        ("{\"posts\": {}}", "line 1, column 11: `posts` must be a list of posts, not an object"),
        (
            "{\"posts\": [], \"defaults\": []}",
            "line 1, column 27: `defaults` must be an object, not a list",
        ),
        ("{\"posts\": [], \"posts\": []}", "line 1, column 15, field `posts`: given twice"),
        (
            "{\"posts\": [], \"default\": {}}",
            "line 1, column 15, field `default`: no such field here (did you mean `defaults`?)",
        ),
        (
            "{\"posts\": [], \"tags\": []}",
            "line 1, column 15, field `tags`: no such field here (it belongs into a post or into `defaults`)",
        ),
        (
            "{\"posts\": [], \"video_path\": \"a.mp4\"}",
            "line 1, column 15, field `video_path`: no such field here (it belongs into a post)",
        ),
        (
            "{\"posts\": [], \"$schema\": 1}",
            "line 1, column 26: `$schema` must be text, not the number 1",
        ),
    ] {
        assert_eq!(said(text), [said_of_it], "{text}");
    }
    let single = said(r#"{"video_path": "a.mp4"}"#);
    assert!(
        single[0].contains("`posts` is missing (a single post is written [{ … }]"),
        "{single:?}"
    );
}

#[test]
fn a_syntax_error_is_said_with_its_place() {
    assert_eq!(
        said("[\n  {\"video_path\": \"a\" \"tags\": []}\n]"),
        ["line 2, column 21: a comma is missing here"]
    );
    assert_eq!(
        said("[\n  {'video_path': \"a\"}\n]"),
        ["line 2, column 4: unexpected `'` (texts are written in double quotes)"]
    );
}

#[test]
fn a_key_given_twice_is_refused() {
    assert_eq!(
        said_of_video(r#""tags": [], "tags": ["a"]"#),
        [
            "line 1, column 38, post 1, field `tags`: given twice (the first is on line 1, column 26)"
        ]
    );
    assert_eq!(said_of_video(r#""t\u0061gs": [], "tags": ["a"]"#).len(), 1);
}

#[test]
fn a_post_that_runs_into_the_next_one_is_refused_once() {
    let text = "[\n{\"video_path\": \"a.mp4\", \"description\": \"A\", \"privacy_level\": \"SELF_ONLY\",\n\
                \"video_path\": \"b.mp4\", \"description\": \"B\", \"privacy_level\": \"SELF_ONLY\"}\n]";
    assert_eq!(
        said(text),
        [
            "line 3, column 1, post 1, field `video_path`: given twice (so are `description`, `privacy_level`: if \
          another post begins here, write }, { before it)"
        ]
    );
    // Two fields that are no source are two slips.
    assert_eq!(
        said_of_video(r#""tags": [], "is_aigc": true, "tags": [], "is_aigc": true"#).len(),
        2
    );
}

#[test]
fn types_are_strict_and_say_what_they_got() {
    for (field, said_of_it) in [
        (r#""description": 5"#, "field `description`: must be text, not the number 5"),
        (r#""description": true"#, "field `description`: must be text, not true"),
        (r#""description": ["a"]"#, "field `description`: must be text, not a list"),
        (r#""description": {}"#, "field `description`: must be text, not an object"),
        (
            r#""description": null"#,
            "field `description`: must be text, not null (leave the field out instead)",
        ),
        (
            r#""is_aigc": "true""#,
            "field `is_aigc`: must be true or false, not the text \"true\" (write true, without quotes)",
        ),
        (
            r#""is_aigc": "WAHR""#,
            "field `is_aigc`: must be true or false, not the text \"WAHR\" (write true, in JSON without quotes)",
        ),
        (r#""is_aigc": 1"#, "field `is_aigc`: must be true or false, not the number 1"),
        (
            r#""video_cover_timestamp_ms": "5""#,
            "field `video_cover_timestamp_ms`: must be a whole number, not the text \"5\" (write 5, without quotes)",
        ),
        (
            r#""video_cover_timestamp_ms": 1.5"#,
            "field `video_cover_timestamp_ms`: must be a whole number, not the number 1.5",
        ),
        (
            r#""video_cover_timestamp_ms": 1e3"#,
            "field `video_cover_timestamp_ms`: must be a whole number, not the number 1e3",
        ),
        (
            r#""video_cover_timestamp_ms": -1"#,
            "field `video_cover_timestamp_ms`: must be from 0 to 2147483647, not the number -1",
        ),
        (
            r#""video_cover_timestamp_ms": 2147483648"#,
            "field `video_cover_timestamp_ms`: must be from 0 to 2147483647, not the number 2147483648",
        ),
        (r#""tags": [5]"#, "field `tags`: must be text, not the number 5"),
    ] {
        let said = said_of_video(field);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].ends_with(said_of_it), "{said:?}");
    }
}

#[test]
fn tags_in_one_text_are_told_to_be_a_list() {
    for written in ["cat, pets", "#cat #pets", "cat pets", "#cat#pets"] {
        let said = said_of_video(&format!(r#""tags": "{written}""#));
        assert!(said[0].ends_with(r#"(write ["cat", "pets"])"#), "{said:?}");
    }
    let said = said_of_video(r#""tags": ["a", "cat pets"]"#);
    assert_eq!(
        said,
        [
            r#"line 1, column 40, post 1, field `tags`: a tag cannot contain white space (write "cat", "pets")"#
        ]
    );
}

/// What is advised of a value of a field, which is written in JSON.
#[track_caller]
fn advice_on(field: &str, written: &str) -> String {
    let said = said_of_video(&format!("\"{field}\": {written}")).join("\n");
    said.split_once("(write ").expect(&said).1.trim_end_matches(')').to_owned()
}

#[test]
fn tags_that_are_advised_are_json_and_without_what_stands_around_them() {
    for (written, tags) in [
        (r#""cats, it's""#, &["#cats", "#it's"][..]),
        (r#""['cats','dogs']""#, &["#cats", "#dogs"]),
        (r#""[u'cats', u'dogs']""#, &["#cats", "#dogs"]),
        (r#""[\"cats\",\"dogs\"]""#, &["#cats", "#dogs"]),
        (r##""[\"caf\\u00e9\", \"#dogs\"]""##, &["#caf\u{e9}", "#dogs"]),
        (r#""\"cats\", \"dogs\"""#, &["#cats", "#dogs"]),
        (r#""{cats; dogs}""#, &["#cats", "#dogs"]),
        (r#""“cats”，‘dogs’""#, &["#cats", "#dogs"]),
        (r#""a\"b c\\d""#, &["#a\"b", "#c\\d"]),
        (r#""ca\u200bts हिन्दी""#, &["#ca\u{200b}ts", "#हिन्दी"]),
        (r#""[]""#, &[]),
        (r#""cats""#, &["#cats"]),
    ] {
        let advice = advice_on("tags", written);
        let expected: Vec<_> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let followed = entry(&format!("[{{\"video_path\": \"a.mp4\", \"tags\": {advice}}}]"));
        assert_eq!(followed.post.caption.text, expected.join(" "), "{written}: {advice}");
        assert!(!advice.contains("\u{200b}"), "{advice}");
        if written.contains(' ') {
            let advice = advice_on("tags", &format!("[{written}]"));
            let text = format!("[{{\"video_path\": \"a.mp4\", \"tags\": [{advice}]}}]");
            assert_eq!(entry(&text).post.caption.text, expected.join(" "), "{written}: {advice}");
        }
    }
    assert!(said_of_video(r#""tags": ["a", " "]"#)[0].ends_with("(take it away)"));
}

#[test]
fn urls_that_are_advised_are_a_list() {
    for written in [
        r#""https://a.example/1.jpg, https://a.example/2.jpg""#,
        r#""[\"https://a.example/1.jpg\",\"https://a.example/2.jpg\"]""#,
        r#""https://a.example/1.jpg""#,
    ] {
        let said = said(&format!("[{{\"photo_urls\": {written}}}]")).join("\n");
        let advice = said.split_once("(write ").expect(&said).1.trim_end_matches(')');
        let count = written.matches("https").count();
        let followed = entry(&format!("[{{\"photo_urls\": {advice}}}]"));
        assert_eq!(followed.post.source.urls().len(), count, "{written}: {advice}");
    }
    assert!(!said(r#"[{"photo_urls": "a.jpg, b.jpg"}]"#)[0].contains("(write ["));
}

#[test]
fn what_is_written_in_quotes_is_told_in_one_step() {
    for (field, written, right) in [
        ("is_aigc", r#""TRUE""#, "true"),
        ("is_aigc", r#""False""#, "false"),
        ("is_aigc", r#""yes""#, "true"),
        ("video_cover_timestamp_ms", r#""+5""#, "5"),
        ("video_cover_timestamp_ms", r#"" 007""#, "7"),
    ] {
        let advice = advice_on(field, written);
        let where_else = if written.contains("yes") { "in JSON " } else { "" };
        assert_eq!(advice, format!("{right}, {where_else}without quotes"));
        entry(&format!("[{{\"video_path\": \"a.mp4\", \"{field}\": {right}}}]"));
    }
    assert!(!said_of_video(r#""video_cover_timestamp_ms": "-5""#)[0].contains("(write"));
}

#[test]
fn an_address_without_its_scheme_is_told_so() {
    for address in ["www.example.com/a.mp4", "cdn.example.com/a.mp4", "cdn.example.de:8443/a"] {
        let said = said(&format!("[{{\"video_url\": \"{address}\"}}]"));
        assert!(said[0].ends_with("(write https:// before it)"), "{said:?}");
        entry(&format!("[{{\"video_url\": \"https://{address}\"}}]"));
    }
    let said = said("[{\"photo_urls\": [\"cdn.example.com/1.jpg\"]}]");
    assert!(said[0].ends_with("(write https:// before it)"), "{said:?}");
}

#[test]
fn unknown_words_are_told_the_known_ones() {
    for (field, said_of_it) in [
        (r#""mode": "drfat""#, "no such mode: \"drfat\" (did you mean `draft`?)"),
        (r#""mode": "inbox""#, "no such mode: \"inbox\" (did you mean `draft`?)"),
        (r#""mode": "story""#, "no such mode: \"story\" (one of `direct`, `draft`)"),
        (
            r#""privacy_level": "self_only""#,
            "no such privacy level: \"self_only\" (did you mean `SELF_ONLY`?)",
        ),
        (
            r#""privacy_level": "public""#,
            "no such privacy level: \"public\" (did you mean `PUBLIC_TO_EVERYONE`?)",
        ),
        (
            r#""privacy_level": "private""#,
            "no such privacy level: \"private\" (did you mean `SELF_ONLY`?)",
        ),
        (
            r#""privacy_level": "friends""#,
            "no such privacy level: \"friends\" (did you mean `MUTUAL_FOLLOW_FRIENDS`?)",
        ),
        (
            r#""privacy_level": "SELF_ONLY\u200b""#,
            "no such privacy level: \"SELF_ONLY\\u{200b}\" (did you mean `SELF_ONLY`? the text holds a zero-width space (U+200B))",
        ),
        (
            r#""privacy_level": "SECTION""#,
            "no such privacy level: \"SECTION\" (one of `PUBLIC_TO_EVERYONE`, `FOLLOWER_OF_CREATOR`, `MUTUAL_FOLLOW_FRIENDS`, `SELF_ONLY`)",
        ),
    ] {
        let said = said_of_video(field);
        assert!(said[0].ends_with(said_of_it), "{said:?}");
    }
}

#[test]
fn a_publish_time_needs_its_offset() {
    assert_eq!(
        said_of_video(r#""publish_at": "2026-12-01T18:00:00""#),
        [
            "line 1, column 40, post 1, field `publish_at`: the offset from UTC is missing, so it is not known \
          which moment this is (add Z for UTC, or an offset such as +01:00)"
        ]
    );
}

#[test]
fn a_publish_time_needs_an_offset_that_there_is() {
    for offset in ["+25:00", "+24:00", "-24:00", "+14:30"] {
        assert_eq!(
            said_of_video(&format!(r#""publish_at": "2026-12-01T18:00:00{offset}""#)),
            [format!(
                "line 1, column 40, post 1, field `publish_at`: {offset} is no offset from UTC that clocks have \
                 anywhere (offsets go from -12:00 to +14:00, with up to 59 minutes, such as +01:00)"
            )]
        );
    }
}

#[test]
fn a_merge_conflict_is_said_with_its_line() {
    for text in [
        "[\n  {\"video_path\": \"a\"},\n<<<<<<< HEAD\n  5\n=======\n  6\n>>>>>>> more\n]",
        "\n\n<<<<<<< HEAD\n[5]\n=======\n[6]\n>>>>>>> more\n",
    ] {
        let said = said(text);
        assert_eq!(said.len(), 1, "{said:?}");
        let begin = "line 3, column 1: an unresolved merge conflict of git (keep one";
        assert!(said[0].starts_with(begin), "{said:?}");
    }
}

#[test]
fn a_caption_is_measured_in_utf_16_units_with_its_tags() {
    // 2197 units, a space, and `#x` fill it.
    let of = |letters: usize| {
        format!(
            r#"[{{"video_path": "a", "description": "{}😀", "tags": ["x"]}}]"#,
            "a".repeat(letters)
        )
    };
    assert_eq!(caption::units(&entry(&of(2195)).post.caption.text), 2200);
    assert_eq!(
        said(&of(2196)),
        [
            "line 1, column 37, post 1, field `description`: the caption has 2201 UTF-16 units; TikTok takes 2200 \
          (most emoji count two)"
        ]
    );
}

#[test]
fn a_draft_whose_caption_is_dropped_anyway_may_still_not_be_too_long() {
    let long = "a".repeat(2201);
    assert_eq!(said_of_video(&format!(r#""mode": "draft", "description": "{long}""#)).len(), 1);
}

#[test]
fn a_caption_made_too_long_by_the_defaults_is_said_at_the_post() {
    let text = format!(
        r#"{{"defaults": {{"description": "{}"}}, "posts": [{{"video_path": "a"}}]}}"#,
        "a".repeat(2201)
    );
    let said = said(&text);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("post 1, field `description`: the caption has 2201"), "{said:?}");
}

#[test]
fn the_words_of_photos_have_their_own_limits() {
    let (title, text) = ("a".repeat(90), "b".repeat(4000));
    entry(&format!(
        r#"[{{"photo_urls": ["https://a.example/1"], "title": "{title}", "description": "{text}"}}]"#
    ));
    let said = said_of_photo(&format!(r#""title": "{title}c", "description": "{text}c""#));
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("field `title`: the title has 91 UTF-16 units; TikTok takes 90"));
    assert!(
        said[1].contains("the description with its tags has 4001 UTF-16 units; TikTok takes 4000")
    );
}

#[test]
fn videos_and_photos_keep_to_their_own_fields() {
    for (field, value) in
        [("title", "\"a\""), ("auto_add_music", "true"), ("photo_cover_index", "0")]
    {
        let said = said_of_video(&format!("\"{field}\": {value}"));
        assert!(said[0].contains(&format!("field `{field}`: only photos have this")), "{said:?}");
    }
    for (field, value) in
        [("disable_duet", "true"), ("disable_stitch", "false"), ("video_cover_timestamp_ms", "0")]
    {
        let said = said_of_photo(&format!("\"{field}\": {value}"));
        assert!(said[0].contains(&format!("field `{field}`: only videos have this")), "{said:?}");
    }
}

#[test]
fn photos_are_1_to_35_with_the_cover_among_them() {
    let of = |count: usize, cover: usize| {
        let urls = vec!["https://a.example/1.jpg"; count];
        json!([{"photo_urls": urls, "photo_cover_index": cover}]).to_string()
    };
    entry(&of(35, 34));
    assert!(said(&of(36, 0))[0].ends_with("field `photo_urls`: must hold 1 to 35 URLs, not 36"));
    assert!(said(&of(0, 0))[0].ends_with("field `photo_urls`: must hold 1 to 35 URLs, not 0"));
    assert!(said(&of(3, 3))[0].ends_with(
        "field `photo_cover_index`: there is no photo 3: the 3 given count from 0 to 2"
    ));
}

#[test]
fn each_wrong_url_of_a_list_is_said_at_its_place() {
    let text = "[{\"photo_urls\": [\"https://a.example/1\",\n\"http://a.example/2\",\n\"https://192.0.2.1/3\"]}]";
    let said = said(text);
    assert_eq!(said.len(), 2);
    assert!(
        said[0].starts_with("line 2, column 1, post 1, field `photo_urls`: must be an https URL")
    );
    assert!(
        said[1]
            .starts_with("line 3, column 1, post 1, field `photo_urls`: the host must be a name")
    );
}

#[test]
fn a_problem_with_a_url_does_not_repeat_it() {
    let said = said(r#"[{"video_url": "http://a.example/?sig=canary"}]"#);
    assert!(!said[0].contains("canary"), "{said:?}");
}

#[test]
fn branded_content_cannot_be_private() {
    let message =
        "field `brand_content_toggle`: Branded content visibility cannot be set to private.";
    let said = said_of_video(r#""privacy_level": "SELF_ONLY", "brand_content_toggle": true"#);
    assert!(said[0].contains(message), "{said:?}");
    let said = said_of_video(r#""brand_content_toggle": true"#);
    assert!(said[0].contains(message) && said[0].contains("would be `SELF_ONLY`"), "{said:?}");
    entry(
        r#"[{"video_path": "a", "brand_content_toggle": true, "privacy_level": "MUTUAL_FOLLOW_FRIENDS"}]"#,
    );
    entry(r#"[{"video_path": "a", "brand_organic_toggle": true, "privacy_level": "SELF_ONLY"}]"#);
    entry(r#"[{"video_path": "a", "brand_content_toggle": true, "mode": "draft"}]"#);
}

#[test]
fn a_level_that_cannot_be_read_is_not_taken_for_a_private_one() {
    let said = said_of_video(r#""privacy_level": "PUBLIC", "brand_content_toggle": true"#);
    assert_eq!(said.len(), 1, "{said:?}");
    let said = super::said(
        r#"{"defaults": {"privacy_level": "PUBLIC"},
            "posts": [{"video_path": "a", "brand_content_toggle": true}]}"#,
    );
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn a_privacy_level_from_outside_counts_for_branded_content() {
    let text = r#"[{"video_path": "a", "brand_content_toggle": true}]"#;
    let mut given = Defaults::default();
    given.config.set(Field::PrivacyLevel, FieldValue::Privacy(Privacy::Public));
    assert!(read_with(text, &given).is_ok());
    given.flags.set(Field::PrivacyLevel, FieldValue::Privacy(Privacy::SelfOnly));
    assert!(read_with(text, &given).is_err());
}

#[test]
fn two_posts_cannot_have_one_identity() {
    assert_eq!(
        said("[{\"video_path\": \"a\", \"id\": \"x\"},\n {\"video_path\": \"b\", \"id\": \"x\"}]"),
        ["line 2, column 28, post 2, field `id`: the same as that of post 1 on line 1, column 28"]
    );
}

#[test]
fn two_identities_that_look_the_same_are_one() {
    let said_of = |one: &str, other: &str| {
        said(&format!(
            "[{{\"video_path\": \"a\", \"id\": \"{one}\"}},\n {{\"video_path\": \"b\", \"id\": \"{other}\"}}]"
        ))
    };
    for (one, other) in
        [("caf\u{e9}", "cafe\u{301}"), ("x", "x\u{34f}"), ("xy\\u3164", "xy"), ("❤\u{fe0f}", "❤")]
    {
        let said = said_of(one, other);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].starts_with(
                "line 2, column 28, post 2, field `id`: the same as that of post 1 on line 1, column 28 (they \
                 differ only in"
            ),
            "{said:?}"
        );
    }
    let differ = r#"[{"video_path": "a", "id": "x"}, {"video_path": "b", "id": "X"},
        {"video_path": "c", "id": "x", "user_id": "other"}]"#;
    assert_eq!(entries(differ).len(), 3);
}

#[test]
fn an_identity_is_short_and_printable() {
    for id in ["a", "Clip 7", "ünï-猫", "a/b:c\\\"d'", &"x".repeat(128)] {
        assert_eq!(
            entry(&json!([{"video_path": "a", "id": id}]).to_string()).post.id.as_deref(),
            Some(id)
        );
    }
    for id in [
        "",
        " ",
        " a",
        "a ",
        "a\nb",
        "a\tb",
        "a\u{0}b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{feff}",
        &"x".repeat(129),
    ] {
        let said = said(&json!([{"video_path": "a", "id": id}]).to_string());
        assert!(said.len() == 1 && said[0].contains("field `id`: must "), "{id:?}: {said:?}");
    }
}

#[test]
fn an_account_and_a_path_are_not_empty() {
    for field in [
        r#""user_id": """#,
        r#""user_id": "  ""#,
        r#""user_id": "a\n""#,
        r#""user_id": "a\u0007b""#,
    ] {
        assert_eq!(said_of_video(field).len(), 1, "{field}");
    }
    assert_eq!(said(r#"[{"video_path": ""}]"#).len(), 1);
    assert_eq!(said(r#"[{"video_path": "a\u0000b"}]"#).len(), 1);
}

#[test]
fn what_the_file_says_cannot_steer_the_terminal() {
    let said = said(
        r#"[{"video_path": "a", "\u001b[2J": 1, "mode": "\u001b[2J", "description": {"\u001b": 1}}]"#,
    );
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|line| !line.contains('\u{1b}')), "{said:?}");
}

#[test]
fn a_million_mistakes_are_counted_and_a_thousand_shown() {
    let text = format!("[{}]", "5,".repeat(100_000));
    let problems = read_with(&text, &Defaults::default()).unwrap_err();
    assert_eq!((problems.len(), problems.iter().count()), (100_000, 1000));
    assert!(problems.to_string().ends_with("\n… and 99000 more"));
}

#[test]
fn of_one_value_one_thing_is_said() {
    assert_eq!(
        said_of_video("\"title\": 5"),
        ["line 1, column 35, post 1, field `title`: must be text, not the number 5"]
    );
}

#[test]
fn what_can_be_looked_at_further_is_there_in_spite_of_problems() {
    let text = r#"[{"video_path": "a", "title": 5}, {"video_path": "b"}, {"video_path": 1}, 5]"#;
    let (manifest, problems) = examine(text.as_bytes(), Path::new("/posts"), &Defaults::default());
    let indices: Vec<_> = manifest.entries.iter().map(|entry| entry.index).collect();
    assert_eq!((indices, problems.len()), (vec![0, 1], 3));
}

#[test]
fn nobody_is_meant_by_a_user_id_that_cannot_be_read() {
    let text = r#"[{"video_path": "a", "user_id": 5}]"#;
    let (manifest, problems) = examine(text.as_bytes(), Path::new("/posts"), &Defaults::default());
    assert_eq!((manifest.entries.len(), problems.len()), (0, 1));
}

#[test]
fn a_template_that_was_not_filled_in_is_the_cause_wherever_it_is_refused() {
    let post = |fields: &str| said(&format!("[{{{fields}}}]"));
    for (said, piece) in [
        (post(r#""video_url": "https://{{host}}/a.mp4""#), "{{host}}"),
        (post(r#""video_url": "https://${HOST}/a.mp4""#), "${HOST}"),
        (post(r#""video_url": "https://${HOST}.example.com/a.mp4""#), "${HOST}"),
        (post(r#""video_url": "{{ url }}""#), "{{ url }}"),
        (post(r#""video_url": "https://a.example/{{ id }}.mp4""#), "{{ id }}"),
        (post(r#""video_url": "$URL""#), "$URL"),
        (post(r#""video_url": "None""#), "None"),
        (post(r#""photo_urls": ["{{ url }}"]"#), "{{ url }}"),
        (said_of_video(r#""tags": ["{{ tag }}"]"#), "{{ tag }}"),
        (said_of_video(r#""tags": "{{ tags }}""#), "{{ tags }}"),
        (said_of_video(r#""publish_at": "{{ when }}""#), "{{ when }}"),
        (said_of_video(r#""privacy_level": "${PRIVACY}""#), "${PRIVACY}"),
        (said_of_video(r#""is_aigc": "undefined""#), "undefined"),
    ] {
        let said = said.join("\n");
        let told = format!("`{piece}` looks like a template that was not filled in");
        assert!(said.contains(&told), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let twice = r#"[{"id": "{{ id }}", "video_path": "a"}, {"id": "{{ id }}", "video_path": "b"}]"#;
    assert!(said(twice).join("").contains("`{{ id }}` looks like a template"));
}
