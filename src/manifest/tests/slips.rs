//! What is said of slips of the hand: one piece too few, too many or another.

use super::*;

/// Causes that are told, each by words that no other one has.
const CAUSES: [&str; 36] = [
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
    "write an ASCII",
    "needs no backslash",
    "write { before this",
    "`}` is missing before `\"posts\"`",
    "stands beside `defaults`",
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
const ASCII: &str = "write an ASCII";
const ESCAPED: &str = "needs no backslash";
const BRACES: &str = "write { before this";
const SWALLOWED: &str = "`}` is missing before `\"posts\"`";
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
    // Signs of other scripts.
    ("[{\"id\": \"a\", \"video_path\": \"v/ok.mp4\"，\"description\": \"x\"}]", 1, ASCII, "column 38: unexpected `，` (write an ASCII comma: ,)"),
    ("[{\"id\": \"a\"，\"tags\": [\"a\"， \"b\"， \"c\"]， \"is_aigc\"： true}]", 1, ASCII, "column 12: unexpected `，`"),
    ("[{\n\"tags\": [\"a\"，\"b\"，\"c\"]}]", 2, ASCII, "column 13: unexpected `，`"),
    ("[{\n\"tags\": [\"a\"、\"b\"]}]", 2, ASCII, "`、` (write an ASCII comma: ,)"),
    ("[{\n\"tags\": [\"a\"، \"b\"]}]", 2, ASCII, "`،` (write an ASCII comma: ,)"),
    ("[{\n\"id\": \"a\"；\"tags\": []}]", 2, ASCII, "`；` (write an ASCII comma: ,)"),
    ("[{\n\"id\": \"a\"؛ \"tags\": []}]", 2, ASCII, "`؛` (write an ASCII comma: ,)"),
    ("[{\n\"id\": \"a\"\u{37e} \"tags\": []}]", 2, ASCII, "(write an ASCII comma: ,)"),
    ("[{\n\"id\"：\"a\"，\"tags\": []}]", 2, ASCII, "`：` (write an ASCII colon: :)"),
    ("[{\n\"id\"；\"a\", \"tags\": []}]", 2, ASCII, "`；` (write an ASCII colon: :)"),
    ("[{\n\"id\"，\"a\"}]", 2, ASCII, "`，` (write an ASCII colon: :)"),
    ("[{\n\"id\": \"a\"，“tags”: [\"b\", \"c\"]}]", 2, ASCII, "`，`"),
    ("[{\n\"tags\": [\"a\"，'b', \"c\"]}]", 2, ASCII, "`，`"),
    ("[{\n\"tags\": [\"b”，\"c\"]}]", 2, CLOSING, "it ends in ”"),
    ("[{\n\"description\": \"他说，\"你好\"\"}]", 2, INNER, ""),
    ("[{\n\"tags\": [\"他说，\"你好\"\", \"b\"]}]", 2, INNER, ""),
    ("[{\n\"is_aigc\": true，\"id\": \"a\"}]", 2, ASCII, "`，`"),
    ("[{\"id\": \"a\"}，\n{\"id\": \"b\"}]", 1, ASCII, "`，`"),
    ("[{\n\"id\": \"a\"，\n\"tags\": []}]", 2, ASCII, "`，`"),
    ("［{\"id\": \"a\"}]", 1, ASCII, "`［` (write an ASCII bracket: [)"),
    ("【{\"id\": \"a\", \"tags\": [\"a\", \"b\"]}】", 1, ASCII, "`【` (write an ASCII bracket: [)"),
    ("[｛\"id\": \"a\"｝]", 1, ASCII, "`｛` (write an ASCII bracket: {)"),
    ("[{\n\"id\": \"a\"｝]", 2, ASCII, "`｝` (write an ASCII bracket: })"),
    ("[{\n\"tags\": [\"a\"］}]", 2, ASCII, "`］` (write an ASCII bracket: ])"),
    ("[{\n\"tags\": （\"a\"）}]", 2, "in square brackets: [ … ]", "`（`"),
    ("[{\n\"id\"＝\"a\"}]", 2, "a colon stands between", "`＝`"),
    ("[{\n\"tags\": [\"a\"）, \"id\": \"b\"}]", 2, "in square brackets: [ … ]", "`）`"),
    ("[{\n\"id\": \"a\"，，\"tags\": []}]", 2, "unexpected `，` (take it away", ""),
    ("[{\"id\": \"a\"}]，", 1, "unexpected `，` (take it away", ""),
    ("[{\n\"description\": \"say \"hi\" now\"，\"tags\": [\"a\"]}]", 2, INNER, "column 21"),
    ("[{\n＂id＂: \"a\"}]", 2, "write straight quotes", "`＂`"),
    ("[{\n\"id\": 「a」}]", 2, "write straight quotes", "`「`"),
    ("[{\n\"video_cover_timestamp_ms\": １500}]", 2, "write it in ASCII: 1", "`１`"),
    ("[{\n\"description\": \"12\"，很大\", \"id\": \"a\"}]", 2, INNER, ""),
    ("[{\n\"description\": \"猫 \"，\" 狗\"}]", 2, INNER, ""),
    ("[{\n\"id\": \"a\"€, \"tags\": []}]", 2, "unexpected `€` (take it away", ""),
    ("[{\n\"description\": 😀 cats,\n\"id\": \"a\"}]", 2, "texts are written in double quotes", "`😀`"),
    // Escapes of other languages.
    ("[{\n\"description\": \"it\\'s\"}]", 2, ESCAPED, "column 19: the text has an invalid escape (`'` needs no backslash: write ')"),
    ("[{\n\"description\": \"a \\#tag\"}]", 2, ESCAPED, "`#` needs no backslash: write #"),
    ("[{\n\"description\": \"a\\ b\"}]", 2, ESCAPED, "a space needs no backslash: write it alone"),
    ("[{\n\"description\": \"a\\`b\"}]", 2, ESCAPED, "a backtick needs no backslash: write it alone"),
    ("[{\n\"video_path\": \"v\\_1.mp4\"}]", 2, ESCAPED, "write _; between folders write /"),
    ("[{\n\"video_path\": \"D:\\_new\\a.mp4\"}]", 2, "a backslash is written as \\\\", ""),
    ("[{\n\"video_path\": \"v\\clip.mp4\"}]", 2, "a backslash is written as \\\\", ""),
    ("[{\n\"description\": \"caf\\xe9\"}]", 2, "write \\u00e9", ""),
    ("[{\n\"description\": \"\\u{1f600}\"}]", 2, "write \\ud83d\\ude00", ""),
    ("[{\n\"description\": \"\\U0001F600\"}]", 2, "write \\ud83d\\ude00", ""),
    // What was left out, and comments of other languages.
    ("[{\"id\": \"a\"},\n...\n]", 2, "unexpected `...` (take it away)", ""),
    ("[{\"id\": \"a\"},\n...\n{\"id\": \"b\"}]", 2, "unexpected `...` (take it away)", ""),
    ("[{\"id\": \"a\"},\n...,\n{\"id\": \"b\"}]", 2, "unexpected `...,` (take it away)", ""),
    ("[{\"id\": \"a\"},\n… and so on\n]", 2, "unexpected `… and so on` (take it away)", ""),
    ("[{\n\"tags\": [\"a\", ...]}]", 2, "unexpected `...` (take it away)", ""),
    ("[{\n\"id\": ...,\n\"tags\": []}]", 2, "write the value, or leave the field out", "`...`"),
    ("[{\n\"id\": --,\n\"tags\": []}]", 2, "write the value, or leave the field out", "`--`"),
    ("[\n-- the first, \"mine\"\n{\"id\": \"a\"}]", 2, "take it away, or write a comment as //", "`-- the first"),
    ("-- mine, all\n[{\"id\": \"a\", \"mode\": \"draft\"}]", 1, "take it away, or write a comment as //", ""),
    ("[{\n\"id\": \"a\", --mine\n\"tags\": []}]", 2, "take it away, or write a comment as //", "`--mine`"),
    ("---\n[{\"id\": \"a\"}]", 1, "unexpected `---` (take it away)", ""),
    ("[\n---\n{\"id\": \"a\"}]", 2, "unexpected `---` (take it away)", ""),
    ("[\n<!-- x -->\n{\"id\": \"a\"}]", 2, "a comment of HTML or XML: take it away", "`<!-- x -->`"),
    ("<!-- x\ny -->\n[{\"id\": \"a\"}]", 1, "a comment of HTML or XML: take it away", ""),
    // Quotes that a spreadsheet doubled.
    ("[{\"\"id\"\":\"\"a\"\",\"\"tags\"\":[]}]", 1, "quotes are doubled, as in a CSV file", "column 3: "),
    ("[\n{\"\"id\"\": \"\"\"\",\n\"\"is_aigc\"\": True}]", 2, "quotes are doubled, as in a CSV file", "(write each of them once)"),
    ("\"[{\"\"id\"\": \"\"a\"\", \"\"tags\"\": []}]\"\n", 1, "quotes are doubled, as in a CSV file", "the pair around the whole"),
    ("\"[\n{\"\"id\"\": \"\"a\"\"},\n{\"\"id\"\": \"\"b\"\"}\n]\"", 1, "quotes are doubled, as in a CSV file", "the pair around the whole"),
    ("[{\n\"\"\"id\"\": \"\"a\"\",\"\n\"\"\"tags\"\": []\"\n}]", 2, "quotes are doubled, as in a CSV file", "the pair around each line"),
    // The outermost object.
    ("\"posts\": [{\"video_path\": \"a.mp4\"}]", 1, BRACES, "and } at the end"),
    ("\"defaults\": {},\n\"posts\": [{\"video_path\": \"a.mp4\"}]", 1, BRACES, "and } at the end"),
    ("\"posts\": [{\"video_path\": \"a.mp4\"}],\n\"defaults\": {}", 1, BRACES, "and } at the end"),
    ("\"$schema\": \"x\",\n\"posts\": [{\"video_path\": \"a.mp4\"}]", 1, BRACES, "and } at the end"),
    ("\"defaults\": {},\n\"posts\": [{\"video_path\": \"a.mp4\"}]}", 1, BRACES, "stand within an object: write { before this)"),
    ("{\"defaults\": {\"mode\": \"draft\",\n\"posts\": [{\"video_path\": \"a.mp4\"}]}", 2, SWALLOWED, "(it closes the object that begins on line 1: write }, before it)"),
    ("{\"defaults\": {\n\"posts\": [{\"video_path\": \"a.mp4\"}]}", 2, SWALLOWED, "begins on line 1"),
    ("{\"defaults\": {\"mode\": \"draft\",\n\"posts\": [{\"video_path\": \"a.mp4\"}]}}", 2, "stands beside `defaults`", "write }, before it and a } less at the end"),
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
    ("[{\"video_path\": \"a.mp4\"，\"tags\": []}]", "comma: ,", "，", ","),
    ("[{\"video_path\"：\"a.mp4\"}]", "colon: :", "：", ":"),
    ("[{\"video_path\"；\"a.mp4\"}]", "colon: :", "；", ":"),
    ("【{\"video_path\": \"a.mp4\"}]", "bracket: [", "【", "["),
    ("[{\"video_path\": \"a.mp4\", \"video_cover_timestamp_ms\": １500}]", "ASCII: 1", "１", "1"),
    ("[{\"video_path\": \"a.mp4\", \"description\": \"it\\'s\"}]", "write '", "\\'", "'"),
    ("[{\"video_path\": \"a.mp4\", \"description\": \"a\\ b\"}]", "write it alone", "\\ ", " "),
    ("[{\"video_path\": \"v\\_1.mp4\"}]", "write _", "\\_", "_"),
    ("[{\"video_path\": \"v\\_1.mp4\"}]", "between folders write /", "\\_", "/_"),
    ("[{\"video_path\": \"a.mp4\", \"description\": \"caf\\xe9\"}]", "write \\u00e9", "\\xe9", "\\u00e9"),
    ("[{\"video_path\": \"a.mp4\", \"description\": \"\\u{1F600}\"}]", "write \\ud83d\\ude00", "\\u{1F600}", "\\ud83d\\ude00"),
    ("\"posts\": [{\"video_path\": \"a.mp4\"}]", "write { before this and } at the end",
     "\"posts\": [{\"video_path\": \"a.mp4\"}]", "{\"posts\": [{\"video_path\": \"a.mp4\"}]}"),
    ("\"defaults\": {}, \"posts\": []", "write { before this and } at the end",
     "\"defaults\": {}, \"posts\": []", "{\"defaults\": {}, \"posts\": []}"),
    ("\"defaults\": {}, \"posts\": []}", "write { before this)", "\"defaults\"", "{\"defaults\""),
    ("{\"defaults\": {\"mode\": \"draft\", \"posts\": []}", "write }, before it", "\"posts\"", "}, \"posts\""),
    ("{\"defaults\": {\"mode\": \"draft\", \"posts\": []}}", "write }, before it and a } less at the end",
     "\"posts\": []}}", "}, \"posts\": []}"),
    ("[{\"video_path\": \"a\"},\n...\n{\"video_path\": \"b\"}]", "take it away", "...", ""),
    ("[{\"video_path\": \"a\"},\n...,\n{\"video_path\": \"b\"}]", "take it away", "...,", ""),
    ("[{\"video_path\": \"a\"},\n…\n]", "take it away", "…", ""),
    ("[\n-- the [first] one, \"mine\"\n{\"video_path\": \"a\"}]", "take it away", "-- the [first] one, \"mine\"", ""),
    ("-- mine, all\n[{\"video_path\": \"a\", \"mode\": \"draft\"}]", "write a comment as // …", "--", "//"),
    ("---\n[{\"video_path\": \"a\"}]", "take it away", "---", ""),
    ("<!-- x -->\n[{\"video_path\": \"a\"}]", "take it away", "<!-- x -->", ""),
    ("[<!-- x -->\n{\"video_path\": \"a\"}]", "write it as /* … */", "<!-- x -->", "/* x */"),
    ("\"[{\"\"video_path\"\": \"\"a\"\"}]\"", "once, and take away the pair around the whole",
     "\"[{\"\"video_path\"\": \"\"a\"\"}]\"", "[{\"video_path\": \"a\"}]"),
    ("[{\"video_path\": Path(\"it's\")}]", "write the value alone", "Path(\"it's\")", "\"it's\""),
    ("[{\"user_id\": \"a\", \"video_path\": \"a\", ta\u{200b}gs: []}]", "\"ta\\u200bgs\"", "ta\u{200b}gs", "\"tags\""),
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

/// The forms that the marks of JSON have in other scripts and widths.
const FORMS: [(char, &[char]); 6] = [
    (',', &['，', '、', '､', '﹐', '︐', '،', '；', '؛', '\u{37e}']),
    (':', &['：', '﹕', '∶', '；']),
    ('[', &['［', '【']),
    (']', &['］', '】']),
    ('{', &['｛']),
    ('}', &['｝']),
];

/// The byte offset of what is told of, and the ASCII sign to write there.
#[track_caller]
fn sign_told(text: &str) -> (usize, char) {
    let said = said(text).join("\n");
    let number = |after: &str| -> usize {
        let rest = &said[said.find(after).expect(&said) + after.len()..];
        rest[..rest.find([',', ':']).unwrap()].parse().unwrap()
    };
    let (line, column) = (number("line "), number(", column "));
    let line_at: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let (at, sign) = text[line_at..].char_indices().nth(column - 1).expect(&said);
    let advice = said.find("(write an ASCII ").map(|at| &said[at..]).expect(&said);
    assert!(said.contains(&format!("unexpected `{sign}` (write")), "{text}: {said}");
    (line_at + at, advice.trim_end_matches(')').chars().next_back().unwrap())
}

#[test]
fn whatever_mark_has_the_form_of_another_script_is_told_at_its_place() {
    let single = WHOLE.replace('\n', " ");
    for whole in [WHOLE, &single] {
        let marks = |(mark, forms): (char, &'static [char])| {
            let places =
                whole.match_indices(mark).filter(|(at, _)| !whole[..*at].ends_with("https"));
            places.flat_map(move |(at, _)| forms.iter().map(move |form| (at, mark, *form)))
        };
        for (at, mark, form) in FORMS.into_iter().flat_map(marks) {
            let text = format!("{}{form}{}", &whole[..at], &whole[at + 1..]);
            assert_eq!(sign_told(&text), (at, mark), "{text}");
        }
    }
}

#[test]
fn a_manifest_with_none_but_full_width_marks_is_led_to_one_that_can_be_read() {
    for mut text in [WHOLE.to_owned(), WHOLE.replace('\n', "")] {
        for (mark, forms) in FORMS {
            text = text.replace(mark, &forms[0].to_string());
        }
        text = text.replace("https：", "https:");
        let signs = text.chars().filter(|c| FORMS.iter().any(|(_, forms)| forms[0] == *c)).count();
        for _ in 0..signs {
            let (at, right) = sign_told(&text);
            let wrong = text[at..].chars().next().unwrap();
            text = format!("{}{right}{}", &text[..at], &text[at + wrong.len_utf8()..]);
        }
        let read = read_with(&text, &Defaults::default());
        assert!(read.is_ok(), "{text}: {}", read.unwrap_err());
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
                (_, false) => {
                    &["is missing here (it closes", "is missing before this", SWALLOWED, OPEN]
                }
            };
            if !near || !causes.iter().any(|cause| said.contains(cause)) {
                wrong.push(format!("line {line}, `{piece}`, twice: {twice}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
