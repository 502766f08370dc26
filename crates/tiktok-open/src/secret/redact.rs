//! Finding the secrets of this process in a text, however they are spelled there.

use std::borrow::Cow;
use std::ops::Range;

use super::registry::{self, Registry, TELLING};

/// What stands in the place of a secret.
const REDACTED: &str = "(redacted)";

/// The most readings of one text: escapes within escapes within escapes.
const MOST_READINGS: usize = 12;

/// A text without the secrets that this process knows, whoever wrote it.
///
/// Also found are: a secret of which only the beginning is there, if that is 16 characters long; letters
/// in the other case; percent-encoding, form encoding and JSON's escapes, also of one another; base64.
/// Whatever is not known as a [`Secret`](super::Secret) stays.
pub fn redact(text: &str) -> Cow<'_, str> {
    registry::read(|registry| {
        let mut found = Vec::new();
        let mut readings = vec![Reading::of(text)];
        let mut next = 0;
        while let Some(reading) = readings.get(next) {
            reading.search(registry, &mut found);
            let room = MOST_READINGS.saturating_sub(readings.len());
            let deeper = [reading.unescaped(), reading.percent_decoded(), reading.form_decoded()];
            readings.extend(deeper.into_iter().flatten().take(room));
            next += 1;
        }
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(without(text, found)) }
    })
}

fn without(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        let start = text.floor_char_boundary(range.start);
        if start >= end {
            out.push_str(&text[end..start]);
            out.push_str(REDACTED);
        }
        end = end.max(text.ceil_char_boundary(range.end));
    }
    out.push_str(&text[end..]);
    out
}

/// A text with some of its escapes undone.
struct Reading<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where in the text each byte comes from; `None` if from its own place.
    places: Option<Vec<(u32, u32)>>,
}

impl<'a> Reading<'a> {
    fn of(text: &'a str) -> Self {
        Self { bytes: Cow::Borrowed(text.as_bytes()), places: None }
    }

    fn search(&self, registry: &Registry, found: &mut Vec<Range<usize>>) {
        for start in 0..self.bytes.len() {
            let rest = self.bytes[start..].iter().map(u8::to_ascii_lowercase);
            if let Some(length) = registry.known_at(&rest) {
                found.push(self.place(start).start..self.place(start + length - 1).end);
            }
        }
    }

    fn place(&self, at: usize) -> Range<usize> {
        match &self.places {
            None => at..at + 1,
            Some(places) => places[at].0 as usize..places[at].1 as usize,
        }
    }

    /// The reading in which `undo` has replaced what it knows at the start of a slice: by these bytes,
    /// for so many. `None` if there is nothing of the kind.
    fn read_by(
        &self,
        mark: u8,
        undo: impl Fn(&[u8]) -> Option<(char, usize)>,
        as_byte: bool,
    ) -> Option<Reading<'static>> {
        if !self.bytes.contains(&mark) || self.bytes.len() < super::registry::SHORTEST {
            return None;
        }
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let (mut at, mut changed) = (0, false);
        while let Some(byte) = self.bytes.get(at) {
            let undone = (*byte == mark).then(|| undo(&self.bytes[at..])).flatten();
            let (read, length) = undone.unwrap_or((char::from(*byte), 1));
            changed |= undone.is_some();
            let place = (self.place(at).start, self.place(at + length - 1).end);
            let place = (u32::try_from(place.0).ok()?, u32::try_from(place.1).ok()?);
            let before = bytes.len();
            if undone.is_none() || as_byte {
                // Of Latin-1, and so a byte.
                bytes.push(u8::try_from(u32::from(read)).unwrap_or(b'?'));
            } else {
                bytes.extend_from_slice(read.encode_utf8(&mut [0; 4]).as_bytes());
            }
            places.resize(places.len() + bytes.len() - before, place);
            at += length;
        }
        changed.then_some(Reading { bytes: Cow::Owned(bytes), places: Some(places) })
    }

    /// With `%XX` as the byte that it stands for.
    fn percent_decoded(&self) -> Option<Reading<'static>> {
        let undo = |rest: &[u8]| {
            let byte = u8::try_from(hex(rest.get(1..3)?)?).ok()?;
            Some((char::from(byte), 3))
        };
        self.read_by(b'%', undo, true)
    }

    /// With `+` as a space.
    fn form_decoded(&self) -> Option<Reading<'static>> {
        self.read_by(b'+', |_| Some((' ', 1)), true)
    }

    /// With JSON's escapes undone.
    fn unescaped(&self) -> Option<Reading<'static>> {
        let undo = |rest: &[u8]| {
            let plain = match rest.get(1)? {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => {
                    let unit = hex(rest.get(2..6)?)?;
                    let pair = rest.get(6..12).filter(|next| next.starts_with(b"\\u"));
                    let low = pair.and_then(|pair| hex(&pair[2..]));
                    return match (char::from_u32(unit), low) {
                        (Some(char), _) => Some((char, 6)),
                        (None, Some(low)) => {
                            let units = [unit, low].map(|unit| u16::try_from(unit).unwrap_or(0));
                            let char = char::decode_utf16(units).next()?.ok()?;
                            Some((char, 12))
                        }
                        (None, None) => None,
                    };
                }
                other if other.is_ascii_punctuation() => char::from(*other),
                _ => return None,
            };
            Some((plain, 2))
        };
        self.read_by(b'\\', undo, false)
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

const _: () = assert!(TELLING >= super::registry::SHORTEST);

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    fn gone(secret: &str, text: &str) {
        let left = redact(text);
        assert!(left.contains(REDACTED), "{secret:?} in {text:?}: {left:?}");
        assert!(!left.to_lowercase().contains(&secret.to_lowercase()), "{left:?}");
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let text = "act.Zq7/e\"x\\y+Z!4512 ü.va";
        let secret = Secret::new(text);
        let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let json = serde_json::to_string(text).unwrap();
        let percent: String = text.bytes().fold(String::new(), |all, b| all + &format!("%{b:02x}"));
        let twice: String = url::form_urlencoded::byte_serialize(form.as_bytes()).collect();
        let units: String =
            text.encode_utf16().fold(String::new(), |all, unit| all + &format!("\\u{unit:04X}"));
        for spelling in [
            text.to_owned(),
            text.to_uppercase().replace('Ü', "ü"),
            form.clone(),
            form.to_lowercase(),
            twice,
            percent,
            json.trim_matches('"').to_owned(),
            serde_json::to_string(&json).unwrap(),
            serde_json::to_string(&form).unwrap(),
            units,
            BASE64_STANDARD.encode(text),
            BASE64_URL_SAFE_NO_PAD.encode(text),
            BASE64_STANDARD.encode(format!("key:{text}")),
            BASE64_STANDARD.encode(format!("a{text}b")),
            BASE64_STANDARD.encode(format!("ab{text}")),
        ] {
            gone(secret.expose(), &spelling);
            let within = format!("you sent {spelling}, twice: {spelling}&more=1");
            gone(secret.expose(), &within);
            assert!(redact(&within).starts_with("you sent "), "{within}");
            assert!(redact(&within).ends_with("more=1"), "{within}");
        }
    }

    #[test]
    fn a_secret_that_was_cut_is_found_by_its_beginning() {
        let secret = Secret::new("rft.Kx83hTz0pLq5Wm2v!7781.s1");
        assert_eq!(redact("got rft.Kx83hTz0pLq5…"), "got (redacted)…");
        assert_eq!(redact("got rft.Kx83hTz0pLq other"), "got rft.Kx83hTz0pLq other");
        assert_eq!(redact("rft.Kx83hTz0pLq5%57m2v%2"), "(redacted)%2");
        drop(secret);
        // Also when nobody holds it any more.
        assert_eq!(redact("rft.Kx83hTz0pLq5Wm2v!7781.s1"), REDACTED);
    }

    #[test]
    fn of_an_address_the_host_is_no_secret_but_each_token_in_it_is() {
        let url = "https://open-upload.tiktokapis.com/video/?upload_id=71&upload_token=Xz4q9Tr!2";
        let _secret = Secret::new(url);
        let plain = "could not connect to https://open-upload.tiktokapis.com/: refused";
        assert_eq!(redact(plain), plain);
        assert_eq!(redact(url), "https://open-upload.tiktokapis.com(redacted)");
        assert_eq!(redact("PUT /video/?upload_id=71&"), "PUT (redacted)");
        assert_eq!(redact("bad token Xz4q9Tr%212."), "bad token (redacted).");
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        let _secret = Secret::new("short");
        let _other = Secret::unlisted("nobody-looks-for-this-one");
        for text in ["", "a short text", "100% of +5 \\ \\u00 %zz", "nobody-looks-for-this-one"] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn secrets_in_one_another_and_side_by_side_go_together() {
        let _secrets = ["outer-Jw3-inner-Jw3-end", "inner-Jw3"].map(Secret::new);
        assert_eq!(redact("outer-Jw3-inner-Jw3-end"), REDACTED);
        assert_eq!(redact("inner-Jw3inner-Jw3"), "(redacted)(redacted)");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(text in "[ -~\u{e9}\u{1f600}\\\\%+]{0,60}") {
            let _secret = Secret::new("hard-to-hit-by-chance");
            prop_assert_eq!(redact(&text), text.as_str());
        }

        #[test]
        fn a_secret_is_found_wherever_it_stands(
            before in "[a-z %\\\\+\u{e9}]{0,20}", after in "[a-z %\\\\+\u{e9}]{0,20}",
        ) {
            let secret = Secret::new("Found-Anywhere!42");
            let left = redact(&format!("{before}{}{after}", secret.expose())).into_owned();
            prop_assert!(!left.contains("Found-Anywhere"), "{}", left);
        }
    }
}
