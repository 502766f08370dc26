//! What TikTok makes of the words of a post, where that is hardly what was meant.
//!
//! Nothing here is refused: TikTok takes any text. What is told is a guess of how the app shows it.

use unicode_normalization::char::is_combining_mark;

use crate::text::{hidden, named, shown, template};

/// What in the words of a post will hardly be shown as it was meant, in sentences; each quotes the words as
/// TikTok will show them. `title` and `text` are what TikTok gets; `tags` are those at the end of `text`. `filled`: whether
/// templates in them were filled in.
pub(crate) fn doubts(
    title: Option<&str>,
    text: &str,
    tags: &[String],
    filled: bool,
) -> Vec<String> {
    let mut doubts = Vec::new();
    let of_tags = unlinked(text, tags);
    let title = title.unwrap_or_default();
    let described = description(text, tags);
    for (what, own, words, of_tags) in
        [("title", title, title, None), ("caption", described, text, of_tags)]
    {
        let unfilled = template::unfilled(own).or_else(|| template::unfilled(words));
        let unfilled =
            unfilled.map(template::words).or_else(|| own_template(words)).filter(|_| !filled);
        let found: Vec<_> = unfilled.into_iter().chain(of_tags).chain(oddities(words)).collect();
        if !found.is_empty() {
            doubts.push(format!(
                "TikTok will show the {what} as {}: {}",
                quoted(words),
                found.join("; ")
            ));
        }
    }
    doubts
}

/// That nobody asked for one of this program's own templates to be filled in.
fn own_template(words: &str) -> Option<String> {
    let piece = ["{stem}", "{n}", "{date}"].into_iter().find(|piece| words.contains(piece))?;
    Some(format!("`{piece}` is filled in with `--templates` alone"))
}

/// What stands before the tags.
fn description<'t>(text: &'t str, tags: &[String]) -> &'t str {
    text.strip_suffix(&tags.join(" ")).unwrap_or(text)
}

/// On one line; a line break is told from the two characters `\n`.
fn quoted(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(shown).collect();
    format!("\"{}\"", lines.join(" ⏎ "))
}

/// The part of a tag that TikTok makes a link of: letters, digits and underscores up to the first character
/// that is none. Digits alone make no link. `tag` begins behind the `#`.
fn linked(tag: &str) -> &str {
    let mut before = None;
    let end = tag.char_indices().find(|&(_, c)| {
        // Marks belong to the letter before, and some scripts join their letters without showing how.
        let joins = matches!(c, '\u{200c}' | '\u{200d}')
            && before.is_some_and(|c: char| c.is_alphabetic() && !c.is_ascii());
        // What chooses between forms of a sign (`U+FE0F`) belongs to emoji.
        let of_letters = is_combining_mark(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}');
        let mark = of_letters && before.is_some_and(char::is_alphanumeric);
        let goes_on = c.is_alphanumeric() || c == '_' || joins || mark;
        before = Some(c);
        !goes_on
    });
    let link = tag.get(..end.map_or(tag.len(), |(at, _)| at)).unwrap_or_default();
    if link.chars().any(char::is_alphabetic) { link } else { "" }
}

/// That TikTok will not link tags as they were written.
fn unlinked(text: &str, tags: &[String]) -> Option<String> {
    let bare = |tag: &str| tag.trim_start_matches('#').to_owned();
    let mut cut: Vec<(String, String)> = Vec::new();
    let mut full_width = text.contains('＃');
    for tag in tags.iter().map(|tag| bare(tag)) {
        full_width |= tag.contains('＃');
        let link = linked(&tag).to_owned();
        if link != tag {
            cut.push((tag, link));
        }
    }
    for word in description(text, tags).split_whitespace() {
        // A tag within the text may be followed by a full stop, or by another tag.
        for tag in word.split('#').skip(1) {
            let (link, whole) = (linked(tag), tag.trim_end_matches(is_punctuation));
            let rest = whole.get(link.len()..).unwrap_or_default();
            let goes_on = rest.contains(char::is_alphanumeric) && !rest.starts_with(['\'', '’']);
            // A sentence goes on behind `!` and `.`; `+` belongs to a name.
            let sign = tag.get(link.len()..).unwrap_or_default().trim_end_matches(is_end);
            let (goes_on, whole) =
                if link.is_empty() || !sign.starts_with(['+', '&', '$', '%', '=', '@']) {
                    (goes_on, whole)
                } else {
                    (true, tag.trim_end_matches(is_end))
                };
            // "We are #1" has no tag, and `&#39;` is told of elsewhere.
            if !whole.starts_with(|c: char| c.is_ascii_digit())
                && (goes_on || whole.starts_with('＃'))
            {
                cut.push((whole.to_owned(), link.to_owned()));
            }
        }
    }
    if cut.is_empty() && !full_width {
        return None;
    }
    cut.dedup();
    let each: Vec<_> = cut
        .iter()
        .map(|(tag, link)| match link.as_str() {
            "" => format!("{} makes no link", quoted(&format!("#{tag}"))),
            link => format!("{} becomes #{link}", quoted(&format!("#{tag}"))),
        })
        .collect();
    let mut doubt =
        "a tag ends at the first character that is no letter, digit or underscore, and needs \
        a letter"
            .to_owned();
    if full_width {
        doubt.push_str(", and the full-width ＃ makes none");
    }
    if !each.is_empty() {
        doubt = format!("{doubt}: {}", each.join(", "));
    }
    Some(doubt)
}

/// What ends a sentence, or a part of one.
fn is_end(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | ';' | ':' | ')' | ']' | '"' | '\'' | '”' | '’' | '…' | '»')
}

fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric() && c != '＃'
}

/// What in a text is shown otherwise than it was meant.
fn oddities(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let escapes = escapes(text);
    if !escapes.is_empty() {
        found.push(format!(
            "{} stands there as it is; in JSON a line break is \\n with one backslash, in a table a cell in \
             quotes goes over two lines, and `--caption-file` takes a text with line breaks; other \
             characters are written as they are",
            list(&escapes)
        ));
    }
    let entities = entities(text);
    if !entities.is_empty() {
        found.push(format!(
            "{} is HTML, which is not read: write the characters themselves",
            list(&entities)
        ));
    }
    if let Some(c) = hidden(text).find(|c| !is_common(*c)) {
        found.push(format!("it holds {}", named(c).unwrap_or_default()));
    }
    if text.contains('\u{fffd}') {
        found.push("� stands where a character could not be read".to_owned());
    }
    let garbled: Vec<_> =
        text.split_whitespace().filter_map(|word| Some((word, mended(word)?))).collect();
    if let Some((word, meant)) = garbled.first() {
        found.push(format!(
            "{} seems to be {}, read as if it were not UTF-8",
            quoted(word),
            quoted(meant)
        ));
    }
    found
}

/// White space that people use: line breaks, and the spaces of typography.
fn is_common(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}')
        || matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
        // Texts in Hebrew and Arabic need marks.
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn list(found: &[&str]) -> String {
    let mut each: Vec<_> = found.iter().map(|it| format!("`{}`", shown(it))).collect();
    each.dedup();
    each.truncate(5);
    each.join(", ")
}

fn is_hex(digits: &str, count: usize) -> bool {
    digits.len() == count && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Whether a backslash between these two seems to be there for the sign behind it, and is no part of a face
/// such as `:\` or `¯\_(ツ)_/¯`.
fn is_escaped(before: Option<char>, sign: u8) -> bool {
    match sign {
        b' ' | b'_' | b'-' => before.is_some_and(char::is_alphanumeric),
        b'\'' | b'#' | b'@' | b'!' | b'&' | b'.' | b',' | b'+' | b'=' | b'$' | b'%' | b'~'
        | b'?' => !matches!(before, Some(':' | ';' | '=' | '>' | '-' | '¯')),
        _ => false,
    }
}

/// The escapes of programming languages, such as `\n` in two characters.
fn escapes(text: &str) -> Vec<&str> {
    let found = text.match_indices('\\').filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let length = match rest.as_bytes().get(1)? {
            b'n' | b'r' | b't' | b'"' | b'\\' => 2,
            b'u' if rest.get(2..)?.starts_with('{') => {
                let digits = rest.get(3..rest.find('}')?)?;
                if !is_hex(digits, digits.len().clamp(1, 6)) {
                    return None;
                }
                digits.len() + 4
            }
            b'u' if is_hex(rest.get(2..6)?, 4) => 6,
            b'x' if is_hex(rest.get(2..4)?, 2) => 4,
            sign if is_escaped(text.get(..at)?.chars().next_back(), *sign) => 2,
            _ => return None,
        };
        rest.get(..length)
    });
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Entities and tags of HTML, such as `&amp;` and `<br>`.
fn entities(text: &str) -> Vec<&str> {
    let entity = |at: usize| {
        let rest = text.get(at..)?;
        let name = rest.get(1..rest.find(';')?)?;
        let letters =
            (2..=8).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let number = name.strip_prefix('#').is_some_and(|digits| {
            let digits = digits.trim_start_matches(['x', 'X']);
            (1..=7).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
        });
        (letters || number).then(|| rest.get(..name.len() + 2))?
    };
    let tag = |at: usize| {
        let rest = text.get(at..)?;
        let name = rest.get(1..rest.find('>')?)?;
        let word = name.trim_matches(['/', ' ']).to_ascii_lowercase();
        matches!(word.as_str(), "b" | "br" | "div" | "em" | "i" | "p" | "span" | "strong" | "u")
            .then(|| rest.get(..name.len() + 2))?
    };
    let entities = text.match_indices('&').filter_map(|(at, _)| entity(at));
    let tags = text.match_indices('<').filter_map(|(at, _)| tag(at));
    let mut found: Vec<_> = entities.chain(tags).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A word that was UTF-8 and was read as Windows-1252 or Latin-1, as it was; `None`: it was not.
fn mended(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = word.chars().map(byte_of).collect();
    String::from_utf8(bytes?).ok()
}

/// The byte that Windows-1252 reads as this character.
fn byte_of(c: char) -> Option<u8> {
    // From 0x80 on; the holes are control characters.
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    if let Ok(byte) = u8::try_from(u32::from(c)) {
        return Some(byte);
    }
    HIGH.chars().zip(0x80..).find_map(|(known, byte)| (known == c).then_some(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::caption;

    fn said(description: &str, tags: &[&str]) -> Vec<String> {
        let tags: Vec<_> = tags.iter().map(|tag| caption::tag(tag).unwrap()).collect();
        doubts(None, &caption::text(description, &tags), &tags, false)
    }

    #[track_caller]
    fn only(description: &str, tags: &[&str]) -> String {
        let [said] = <[String; 1]>::try_from(said(description, tags)).unwrap();
        said
    }

    #[test]
    fn a_sign_behind_a_tag_in_a_sentence_is_told_unless_it_ends_one() {
        assert!(only("hi #c++", &[]).contains("\"#c++\" becomes #c"));
        assert!(only("hi #c++!", &[]).contains("\"#c++\" becomes #c"));
        for fine in ["hi #cats!", "hi #cats.", "(#cats)", "#cats, #dogs"] {
            assert!(said(fine, &[]).is_empty(), "{fine}");
        }
    }

    #[test]
    fn tags_that_tiktok_does_not_link_as_written_are_told() {
        for (tag, becomes) in [
            ("a,b", "\"#a,b\" becomes #a"),
            ("new-york", "\"#new-york\" becomes #new"),
            ("c++", "\"#c++\" becomes #c"),
            ("cats!", "\"#cats!\" becomes #cats"),
            ("rock&roll", "\"#rock&roll\" becomes #rock"),
            ("node.js", "\"#node.js\" becomes #node"),
            ("😀", "\"#😀\" makes no link"),
            ("cat😀", "\"#cat😀\" becomes #cat"),
            ("2026", "\"#2026\" makes no link"),
            ("2026-new", "\"#2026-new\" makes no link"),
            ("＃cat", "\"#＃cat\" makes no link"),
            ("ca\u{200b}t", "\"#ca\\u{200b}t\" becomes #ca"),
            ("cat\u{fe0f}", "becomes #cat"),
        ] {
            let said = only("Hi", &[tag, "fine"]);
            assert!(said.contains(becomes), "{tag:?}: {said}");
            let shown = shown(&format!("Hi #{tag} #fine"));
            let quoted = format!("TikTok will show the caption as \"{shown}\": a tag ends at ");
            assert!(said.starts_with(&quoted), "{said}");
        }
        assert!(only("", &["＃cat"]).contains("the full-width ＃ makes none"));
    }

    #[test]
    fn tags_that_are_linked_are_not_spoken_of() {
        // The description is looked at, too.
        let tags = [
            "cat",
            "new_york",
            "猫",
            "été",
            "e\u{301}te\u{301}",
            "हिन्दी",
            "می‌خواهم",
            "2026cats",
            "4k",
        ];
        for fine in
            ["Two #cats, two #dogs.", "#cats! (#dogs)", "#cat's", "C# and #1", "#a#b", "", "a # b"]
        {
            assert_eq!(said(fine, &tags), [""; 0], "{fine}");
        }
    }

    #[test]
    fn tags_within_the_description_are_looked_at() {
        assert!(only("In #new-york now", &[]).contains("\"#new-york\" becomes #new"));
        assert!(only("Two ＃cats", &[]).contains("full-width ＃"));
        assert!(only("Two #three-ish cats", &["cat"]).contains("\"#three-ish\" becomes #three"));
    }

    #[test]
    fn what_other_languages_would_read_is_told() {
        for (text, says) in [
            (r"one\ntwo", r"`\n` stands there as it is"),
            (r"one\r\n\ttwo", r"`\n`, `\r`, `\t` stands"),
            (r"caf\u00e9", r"`\u00e9` stands"),
            (r"caf\xe9", r"`\xe9` stands"),
            (r"\u{1f600}", r"`\u{1f600}` stands"),
            (r"it\'s", r"`\'` stands"),
            (r"a \#tag", r"`\#` stands"),
            (r"by \@someone", r"`\@` stands"),
            (r"a\-b\.", r"`\-`, `\.` stands"),
            (r"two\ cats", r"`\ ` stands"),
            (r"two\_cats", r"`\_` stands"),
            (r"cats\!", r"`\!` stands"),
            (r"cats \& dogs", r"`\&` stands"),
            ("Tom &amp; Jerry", "`&amp;` is HTML"),
            ("a &#39;b&#x27; &nbsp;", "`&#39;`, `&#x27;`, `&nbsp;` is HTML"),
            ("one<br>two", "`<br>` is HTML"),
            ("a\u{200b}b", "it holds a zero-width space (U+200B)"),
            ("a\u{202e}b", "it holds a right-to-left override (U+202E)"),
            ("caf\u{fffd}", "could not be read"),
            ("Un cafÃ© noir", "\"cafÃ©\" seems to be \"café\""),
            ("Itâ€™s", "\"Itâ€™s\" seems to be \"It’s\""),
        ] {
            let said = only(text, &[]);
            assert!(said.contains(says), "{text:?}: {said}");
            assert!(said.contains(&format!("\"{}\"", shown(text))), "{said}");
        }
        let said = doubts(Some("A &amp; B"), "fine", &[], false);
        assert!(said[0].starts_with("TikTok will show the title as \"A &amp; B\""), "{said:?}");
    }

    #[test]
    fn templates_that_were_not_filled_in_are_told() {
        for (text, piece) in [
            ("{{ title }}", "{{ title }}"),
            ("New: ${TITLE}!", "${TITLE}"),
            ("%(title)s", "%(title)s"),
            ("{% if x %}", "{% if x %}"),
            ("[object Object]", "[object Object]"),
            ("@@TITLE@@", "@@TITLE@@"),
            ("None", "None"),
            ("nan", "nan"),
            ("null", "null"),
            ("undefined", "undefined"),
            ("TODO", "TODO"),
        ] {
            let told = format!("`{piece}` looks like a template that was not filled in");
            assert!(only(text, &[]).contains(&told), "{text}");
            assert!(only(text, &["cat"]).contains(&told), "{text}");
            assert!(doubts(Some(text), "fine", &[], false)[0].contains(&told), "{text}");
        }
        assert!(only("Hi", &["{{tag}}"]).contains("`{{tag}}` looks like a template"));
    }

    #[test]
    fn usual_texts_are_not_spoken_of() {
        for text in [
            "Two\n\ncats",
            "Bon\u{a0}appétit\u{202f}!",
            "AT&T; R&D, a & b; 1 < 2 > 0",
            "C:\\clips\\a",
            "¯\\_(ツ)_/¯",
            "\\(^_^)/ \\o/ >:\\ (\\_/)",
            "missed it :\\ again :\\!",
            "cats \\ dogs",
            "Familie 👨‍👩‍👧 ❤️ 1️⃣",
            "naïve Übergröße Ça",
            "שלום\u{200f}!",
        ] {
            assert_eq!(said(text, &[]), [""; 0], "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tags in prop::collection::vec("[^\\s#]{1,6}", 0..4)) {
            let tags: Vec<_> = tags.iter().filter_map(|tag| caption::tag(tag).ok()).collect();
            _ = doubts(Some(&text), &caption::text(&text, &tags), &tags, false);
        }

        #[test]
        fn words_of_letters_are_links(tag in "[a-zäéñ猫ж]{1,10}") {
            prop_assert_eq!(linked(&tag), tag.as_str());
        }
    }
}
