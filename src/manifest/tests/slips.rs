//! What is said of slips of the hand: one piece too few, too many or another.

use super::*;

/// Causes that are told, each by words that no other one has.
const CAUSES: [&str; 31] = [
    "a comma is missing",
    "a colon is missing",
    "a value is missing",
    "a colon and a value are missing",
    "a colon stands between",
    "a comma stands between",
    "a comma belongs here",
    "a colon belongs here",
    "a quote is missing",
    "lacks its closing quote",
    "one quote too many",
    "within a text a quote is written",
    "field names are written in double quotes",
    "texts are written in double quotes",
    "write straight quotes",
    "does not end on its line",
    "never closed",
    "is missing here (it closes the",
    "too many (take it away",
    "comes too early",
    "numbers have",
    "looks like a template that was not filled in",
    "is a call of a programming language",
    "JSON cannot join texts",
    "are the wrong way round",
    "a post is written [{ … }]",
    "stands where several posts begin",
    "`\"posts\":` is missing before this",
    "`\"posts\": [` is missing before this",
    "a list has no fields",
    "belongs (the",
];

/// A manifest, the line that is told, the place of the cause in [`CAUSES`] by its words, and more of what is
/// said.
type Slip = (&'static str, usize, &'static str, &'static str);

const COMMA: &str = "a comma is missing";
const COLON: &str = "a colon is missing";
const INNER: &str = "within a text a quote is written";
const CLOSING: &str = "lacks its closing quote";
const OPENING: &str = "a quote is missing";
const CLOSER: &str = "is missing here (it closes the";
const EXCESS: &str = "too many (take it away";
const OPEN: &str = "never closed";
const NUMBER: &str = "numbers have";
const TEMPLATE: &str = "looks like a template that was not filled in";
const CALL: &str = "is a call of a programming language";
const JOINED: &str = "JSON cannot join texts";

#[rustfmt::skip]
const SLIPS: &[Slip] = &[
    // Brackets of the other kind.
    ("[ {\"user_id\": \"a\", \"video_path\": \"b.mp4\" ],\n{\"video_path\": \"c.mp4\"} ]", 1, "belongs (the", "`]` where `}` belongs"),
    ("[ {\"user_id\": \"a\", \"video_path\": \"b.mp4\" ], {\"video_path\": \"c.mp4\"} ]", 1, "belongs (the", "`]` where `}` belongs"),
    ("[ {\"video_path\": \"b.mp4\"} }", 1, "belongs (the", "`}` where `]` belongs"),
    ("{\n  \"posts\": {\n    {\"video_path\": \"b.mp4\"},\n    {\"video_path\": \"c.mp4\"}\n  }\n}", 2, "stands where several posts begin", "write [ for this {"),
    ("{\n  {\"video_path\": \"b.mp4\"},\n  {\"video_path\": \"c.mp4\"}\n}", 1, "stands where several posts begin", "write [ for this {"),
    ("{\n  \"posts\": {\"video_path\": \"b.mp4\"},\n  {\"video_path\": \"c.mp4\"}\n}", 2, "several posts are a list: [", "`[` is missing before this"),
    ("{\n  \"defaults\": {\"user_id\": \"a\"},\n  {\"video_path\": \"c.mp4\"}\n}", 3, "`\"posts\": [` is missing before this", "has a name"),
    ("{\n  \"defaults\": {\"user_id\": \"a\"},\n  [ {\"video_path\": \"c.mp4\"} ]\n}", 3, "`\"posts\":` is missing before this", "has a name"),
    ("[\n  \"posts\": [\n    {\"video_path\": \"c.mp4\"}\n  ]\n]", 1, "a list has no fields", "write { for this ["),
    // Quotes.
    ("[{\n\"description\": \"My \"best\" cat\",\n\"tags\": [\"a\"]}]", 2, INNER, "\\\""),
    ("[{\n\"description\": \"\"Best\" cat\"\n}]", 2, INNER, ""),
    ("[{\n\"description\": \"He said \"hello\"\", \"tags\": []\n}]", 2, INNER, ""),
    ("[{\n\"description\": \"My 12\" ruler\"\n}]", 2, INNER, ""),
    ("[{\n\"description\": \"A \"😀\" cat\"\n}]", 2, INNER, ""),
    ("[{\n\"description\": \"A \"Kätzchen\" ist da\"}]", 2, INNER, ""),
    ("[{\n\"tags\": [\"a\", \"b \"c\" d\"]\n}]", 2, INNER, ""),
    ("[{\n\"description\": \"He said \"\"hi\"\" loudly\"\n}]", 2, INNER, ""),
    ("[{\n\"video_path: \"a.mp4\",\n\"id\": \"1\"}]", 2, CLOSING, ""),
    ("[{\n\"description\": \"My cat, \"tags\": [\"a\"]\n}]", 2, CLOSING, ""),
    ("[{\n\"tags\": [\"a, \"b\"],\n\"id\": \"1\"}]", 2, CLOSING, ""),
    ("[{\"id\": \"a},\n{\"id\": \"b\"}]", 1, "does not end on its line", "close it with \""),
    ("[{\n\"id\": \"a}, {\"id\": \"b\"}]", 2, CLOSING, ""),
    ("[{\n\"description\": \"My cat”, \"id\": \"1\"}]", 2, CLOSING, "it ends in ”"),
    ("[{\nvideo_path\": \"a.mp4\",\n\"id\": \"1\"}]", 2, OPENING, ""),
    ("[{\n\"description\": My cat\",\n\"id\": \"1\"}]", 2, OPENING, ""),
    ("[{\n\"tags\": [\"a\", b\"]}]", 2, OPENING, ""),
    ("[{\n\"id\": \"a\"\",\n\"tags\": []}]", 2, "one quote too many", "take this one away"),
    ("[{\n\"id\": \"\"a\",\n\"tags\": []}]", 2, "one quote too many", ""),
    ("[{\n\"id\": \"a,\n\"tags\": []}]", 2, "does not end on its line", "close it with \""),
    ("[{\n\"description\": \"My\ncat\"}]", 2, "does not end on its line", "\\n"),
    ("[{\n\"description\": \"My cat”,\n\"id\": \"1\"}]", 2, "does not end on its line", "it ends in ”"),
    ("[{\n“id”: \"a\"}]", 2, "write straight quotes", "`“`"),
    ("[{\n\"id\": “a”}]", 2, "write straight quotes", ""),
    ("[{\n'id': 'a'}]", 2, "texts are written in double quotes", "`'`"),
    ("[{\n\"id\": 'a'}]", 2, "texts are written in double quotes", "`'`"),
    ("[{\nid: \"a\"}]", 2, "field names are written in double quotes", "\"id\""),
    ("[{\n\"id\": my cat,\n\"tags\": []}]", 2, "texts are written in double quotes", ""),
    ("[{\n\"description\": Yes we can\n}]", 2, "texts are written in double quotes", ""),
    ("[{\n\"description\": \"My \"note\": this\"\n}]", 2, INNER, ""),
    ("[{\n\"id\": \"a\" b, \"tags\": [\"c\"]}]", 2, "unexpected `b` (take it away", ""),
    // Commas and colons.
    ("[{\n\"id\": \"a\"\n\"tags\": []}]", 2, COMMA, ""),
    ("[{\"id\": \"a\"}\n{\"id\": \"b\"}]", 1, COMMA, ""),
    ("[{\n\"tags\": [\"a\" \"b\"]}]", 2, COMMA, ""),
    ("[{\n\"is_aigc\": true\n\"id\": \"a\"}]", 2, COMMA, ""),
    ("{\"defaults\": {}\n\"posts\": []}", 1, COMMA, ""),
    ("[{\n\"id\": \"a\",,\n\"tags\": []}]", 2, EXCESS, "one `,`"),
    ("[,\n{\"id\": \"a\"}]", 1, EXCESS, "one `,`"),
    ("[{\"id\": \"a\"}\n],", 2, EXCESS, "one `,`"),
    ("[{\n\"id\" \"a\",\n\"tags\": []}]", 2, COLON, ""),
    ("[{\n\"tags\" [\"a\"]}]", 2, COLON, ""),
    ("[{\n\"id\" = \"a\"}]", 2, "a colon stands between", "`=`"),
    ("[{\n\"id\", \"a\"}]", 2, "a colon belongs here", "`,`"),
    ("[{\n\"id\":: \"a\"}]", 2, EXCESS, "one `:`"),
    ("[{\n\"id\": \"a\"; \"tags\": []}]", 2, "a comma stands between", ""),
    ("[{\n\"id\": \"a\". \"tags\": []}]", 2, "a comma belongs here", "`.`"),
    ("[{\n\"tags\": [\"a\": \"b\"]}]", 2, "a comma belongs here", "`:`"),
    ("[{\n\"id\": ,\n\"tags\": []}]", 2, "a value is missing", ""),
    ("[{\n\"id\":\n}]", 2, "a value is missing", ""),
    ("[{\n\"id\",\n\"tags\": []}]", 2, "a colon and a value are missing", ""),
    // Brackets.
    ("[{\"id\": \"a\"", 1, OPEN, "write }] where it ends"),
    ("[\n{\"id\": \"a\"}\n", 1, OPEN, "write ] where it ends"),
    ("[[{\"id\": \"a\"}]", 1, OPEN, "take one of the two `[` away"),
    ("[{\n\"id\":", 2, OPEN, "cut off"),
    ("[{\n\"id\": \"a\",\n{\"id\": \"b\"}]", 2, CLOSER, "`}`"),
    ("[{\n\"id\": \"a\"\n{\"id\": \"b\"}]", 2, CLOSER, "`}`"),
    ("[{\n\"id\": \"a\"\n]", 2, CLOSER, "`}` is missing here (it closes the object that begins on line 1)"),
    ("[{\n\"tags\": [\"a\", \"b\",\n\"id\": \"c\"}]", 2, CLOSER, "`]`"),
    ("[{\n\"tags\": [\"a\", \"b\"\n\"id\": \"c\"}]", 2, CLOSER, "`]`"),
    ("[{\n\"tags\": [\"a\", \"b\"\n}]", 2, CLOSER, "`]` is missing here (it closes the list that begins on line 2)"),
    ("{\"posts\": [\n{\"id\": \"a\"}\n}", 2, CLOSER, "`]`"),
    ("[]]", 1, EXCESS, "one `]`"),
    ("[{\n\"id\": \"a\"}}\n, {\"id\": \"b\"}]", 2, EXCESS, "one `}`"),
    ("[{\n\"tags\": [\"a\"]],\n\"id\": \"b\"}]", 2, EXCESS, "one `]`"),
    ("[{\n\"tags\": \"a\"]}]", 2, EXCESS, "or write the `[`"),
    ("[{\"id\": \"a\"}\n]}", 2, EXCESS, "one `}`"),
    ("{\"posts\": [\n]]}", 2, EXCESS, "one `]`"),
    ("[{\"id\": \"a\"}],\n{\"id\": \"b\"}]", 1, "comes too early", "the list goes on behind it"),
    ("{\"defaults\": {}},\n\"posts\": []}", 1, "comes too early", "the object goes on behind it"),
    ("[{\"id\": \"a\"},\n\"id\": \"b\"}]", 2, "`{` is missing before", "take its `}` away"),
    ("[{\n\"tags\": \"a\", \"b\", \"c\"],\n\"id\": \"1\"}]", 2, "`[` is missing before", ""),
    ("[{\"id\": \"a\"}, {\"id\": \"b\"}],\n[{\"id\": \"c\"}]", 1, "put all posts into one array", ""),
    ("{\"posts\":\n{\"id\": \"a\"},\n{\"id\": \"b\"}\n]}", 2, "`[` is missing before", "several posts"),
    ("{\"id\": \"a\"},\n{\"id\": \"b\"}\n]", 1, "`[` is missing before", "several posts"),
    ("{\"posts\":\n[[{\"id\": \"a\"}]}", 2, OPEN, "take one of the two `[` away"),
    ("[{{\n\"id\": \"a\"}]", 1, EXCESS, "one `{`"),
    ("[{\n\"video_path\": \"a.mp4\"]}", 2, "are the wrong way round", "write }]"),
    ("[{\n\"tags\": [\"a\"}],\n{\"id\": \"b\"}]", 2, "are the wrong way round", "write ]}"),
    ("\"user_id\": \"a\", \"video_path\": \"b\"", 1, "a post is written [{ … }]", "`{` is missing before"),
    ("\"user_id\": \"a\",\n\"video_path\": \"b\"}]\n", 1, "a post is written [{ … }]", ""),
    // Other languages.
    ("[{\nu'user_id': u'a'}]", 2, "field names are written in double quotes", ": \"user_id\""),
    ("[{\n\"id\": u'a'}]", 2, "texts are written in double quotes", ""),
    ("[{\n\"video_path\";\"a.mp4\"}]", 2, "a colon stands between", "`;`"),
    ("[{\n\"video_path\": Path(\"v/ok.mp4\")}]", 2, CALL, "write the text alone: \"v/ok.mp4\""),
    ("[{\n\"video_path\": PosixPath('v/ok.mp4')}]", 2, CALL, "write the text alone: \"v/ok.mp4\""),
    ("[{\n\"publish_at\": datetime.datetime(2026, 12, 1, 18, 0)}]", 2, CALL, "write the time alone"),
    ("[{\n\"publish_at\": new Date(\"2026-12-01\")}]", 2, CALL, "`new Date(…)`"),
    ("[{\n\"description\": \"a \" + \"b\",\n\"id\": \"1\"}]", 2, JOINED, "write one text: \"a b\""),
    ("[{\n\"description\": \"a\" + \"b\" + \"c\"}]", 2, JOINED, "write one text: \"abc\""),
    ("[{\n\"description\": \"a\" . \"b\"}]", 2, JOINED, "write one text: \"ab\""),
    ("[{\n\"description\": \"a\" + name}]", 2, JOINED, "write one text"),
    // Templates.
    ("[{\n\"tags\":{{ tags }}\n}]", 2, TEMPLATE, "`{{ tags }}`"),
    ("[{% for p in posts %}{\"id\": \"{{ p.id }}\"}{% endfor %}]", 1, TEMPLATE, "`{% for p in posts %}`"),
    ("[{\n\"tags\": [{{ tags }}]}]", 2, TEMPLATE, "`{{ tags }}`"),
    ("[{\n\"is_aigc\": ${AIGC}}]", 2, TEMPLATE, "`${AIGC}`"),
    ("[{\n\"is_aigc\": %(aigc)s}]", 2, TEMPLATE, "`%(aigc)s`"),
    ("[{\n\"is_aigc\": @@AIGC@@}]", 2, TEMPLATE, "`@@AIGC@@`"),
    ("[{\n\"tags\": [object Object]}]", 2, TEMPLATE, "`[object Object]`"),
    ("{{ posts }}", 1, TEMPLATE, "`{{ posts }}`"),
    // Letters and numbers.
    ("[{\n\"id\": \"a\",x\n\"tags\": []}]", 2, "unexpected `x` (take it away", ""),
    ("[{\n\"id\": \"a\" x,\n\"tags\": []}]", 2, "unexpected `x` (take it away", ""),
    ("[{\"id\": \"a\"}].", 1, "unexpected `.` (take it away", ""),
    ("[{\"id\": \"a\"}]\nx", 2, "unexpected `x` (take it away", ""),
    ("[{\n\"video_cover_timestamp_ms\": 1,000,\n\"id\": \"a\"}]", 2, NUMBER, "write 1000"),
    ("[{\n\"video_cover_timestamp_ms\": 1,500\n}]", 2, NUMBER, "write 1500"),
    ("[{\n\"video_cover_timestamp_ms\": 1,000,000}]", 2, NUMBER, "write 1000000"),
    ("[{\n\"video_cover_timestamp_ms\": 1 000}]", 2, NUMBER, "write 1000"),
    ("[{\n\"video_cover_timestamp_ms\": 1,5}]", 2, NUMBER, "write 1.5"),
    ("[{\n\"video_cover_timestamp_ms\": 007}]", 2, NUMBER, "write 7"),
    ("[{\n\"video_cover_timestamp_ms\": 5.,\n\"id\": \"a\"}]", 2, "is not a number", "write 5"),
    ("[{\n\"is_aigc\": True}]", 2, "JSON spells it true", ""),
];

#[test]
fn a_slip_of_the_hand_is_told_with_its_cause_and_no_other() {
    let mut wrong = Vec::new();
    for (text, line, cause, more) in SLIPS {
        let said = said(text).join("\n");
        let others = CAUSES.iter().filter(|it| *it != cause && !cause.contains(*it));
        let others: Vec<_> = others.filter(|it| said.contains(*it)).collect();
        let told = said.contains(cause) && said.contains(more);
        if !told || !others.is_empty() || !said.starts_with(&format!("line {line}, ")) {
            wrong.push(format!(
                "{text}\n  is told: {said}\n  wanted: line {line}: {cause} … {more}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), SLIPS.len(), wrong.join("\n"));
}

/// A manifest, the advice that is given, and what of the manifest it replaces by what.
type Followed = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const FOLLOWED: &[Followed] = &[
    ("[{u'user_id': \"a\", \"video_path\": \"b.mp4\"}]", ": \"user_id\"", "u'user_id'", "\"user_id\""),
    ("[{\"video_path\";\"v/ok.mp4\"}]", "\"name\": value", ";", ":"),
    ("[{\"video_path\": Path(\"v/ok.mp4\")}]", "alone: \"v/ok.mp4\"", "Path(\"v/ok.mp4\")", "\"v/ok.mp4\""),
    ("[{\"video_path\": PosixPath('v/ok.mp4')}]", "alone: \"v/ok.mp4\"", "PosixPath('v/ok.mp4')", "\"v/ok.mp4\""),
    ("[{\"video_path\": \"a\", \"publish_at\": datetime(2026, 1, 1)}]", "\"2026-12-01T18:00:00+01:00\"",
     "datetime(2026, 1, 1)", "\"2026-12-01T18:00:00+01:00\""),
    ("[{\"video_path\": \"v/\" + \"ok.mp4\"}]", "one text: \"v/ok.mp4\"", "\"v/\" + \"ok.mp4\"", "\"v/ok.mp4\""),
    ("[{\"video_path\": \"v/ok.mp4\"]}", "write }]", "]}", "}]"),
    ("[{\"video_path\": \"a\", \"tags\": [\"a\"}]]", "write ]}", "}]", "]}"),
    ("\"user_id\": \"a\", \"video_path\": \"b\"", "write [{ before its fields and }] behind them",
     "\"user_id\": \"a\", \"video_path\": \"b\"", "[{\"user_id\": \"a\", \"video_path\": \"b\"}]"),
];

#[test]
fn advice_that_is_followed_leads_to_a_manifest() {
    for (text, advice, from, to) in FOLLOWED {
        let said = said(text).join("\n");
        assert!(said.contains(advice), "{text}: {said}");
        let mended = text.replacen(from, to, 1);
        let read = read_with(&mended, &Defaults::default());
        assert!(read.is_ok(), "{mended}: {}", read.unwrap_err());
    }
}

/// A manifest with every kind of piece, each field and bracket on a line of its own.
const WHOLE: &str = r#"{
"defaults": {
"privacy_level": "SELF_ONLY",
"is_aigc": true
},
"posts": [
{
"video_path": "a.mp4",
"tags": ["a", "b", "c"],
"video_cover_timestamp_ms": 1500
},
{
"description": "B",
"photo_urls": [
"https://a.example/1.jpg",
"https://a.example/2.jpg"
]
},
{
"video_path": "c.mp4"
}
]
}
"#;

#[test]
fn whatever_piece_is_missing_or_twice_is_told_on_its_line() {
    assert!(read_with(WHOLE, &Defaults::default()).is_ok());
    let mut wrong = Vec::new();
    let pieces = WHOLE.char_indices().filter(|(_, c)| "[]{},:\"".contains(*c));
    for (at, piece) in pieces.filter(|(at, _)| !WHOLE[..*at].ends_with("https")) {
        let line = WHOLE[..at].matches('\n').count() + 1;
        for twice in [false, true] {
            let middle = if twice { piece.to_string().repeat(2) } else { String::new() };
            let text = [&WHOLE[..at], &middle, &WHOLE[at + 1..]].concat();
            // A comma behind the last.
            let Err(problems) = read_with(&text, &Defaults::default()) else { continue };
            let said = problems.to_string();
            let told: usize = said["line ".len()..].split(',').next().unwrap().parse().unwrap();
            // That something is not closed may show at the end alone.
            let near = told.abs_diff(line) <= 1 || said.contains("never closed");
            let causes: &[&str] = match (piece, twice) {
                (',', false) => &["a comma is missing"],
                (':', false) => &["a colon is missing"],
                (':' | ',', true) => &["too many (take it away"],
                ('"', false) => &[OPENING, CLOSING, "does not end on its line"],
                ('"', true) => &["one quote too many"],
                ('[' | '{', true) => &["one `{` too many", "take one of the two `[` away"],
                (_, true) => &["too many (take it away, or", "comes too early"],
                (_, false) => &["is missing here (it closes", "is missing before this", OPEN],
            };
            if !near || !causes.iter().any(|cause| said.contains(cause)) {
                wrong.push(format!("line {line}, `{piece}`, twice: {twice}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
