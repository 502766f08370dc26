//! What a slip in pasting does to client key and client secret.

use std::fmt;

use super::SettingsError;
use crate::secret::Secret;
use crate::text;

/// A client key is shorter than this, a client secret at least as long, in characters.
const LONG: usize = 26;

/// Refuses what no client key and no client secret can be. Each of the two comes with the name of the
/// place that it is from.
pub(super) fn check(
    key: (&str, &str),
    secret: (&str, &Secret),
) -> Result<Option<Lookalike>, SettingsError> {
    for (name, value) in [key, (secret.0, secret.1.expose())] {
        if value.is_empty() {
            return Err(SettingsError::NoCredential { name: name.to_owned() });
        }
        // First: what an example has in its place may hold what no credential does.
        if is_placeholder(value) {
            return Err(SettingsError::Placeholder { name: name.to_owned() });
        }
        if let Some(what) = odd(value) {
            return Err(SettingsError::OddCredential { name: name.to_owned(), what });
        }
    }
    if *secret.1 == Secret::unlisted(key.1) {
        let (key, secret) = (key.0.to_owned(), secret.0.to_owned());
        return Err(SettingsError::SameTwice { key, secret });
    }
    let (swapped_key, swapped_secret) =
        (looks_like_a_secret(key.1), looks_like_a_key(secret.1.expose()));
    Ok((swapped_key || swapped_secret).then(|| Lookalike {
        key: key.0.to_owned(),
        secret: secret.0.to_owned(),
        swapped_key,
        swapped_secret,
    }))
}

/// Whether a text is what examples put where a credential belongs: `...`, `xxxx`, `<client secret>`,
/// `$SECRET`, `your-client-key`. What the portal shows is long, and has nothing but letters and digits.
fn is_placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_filler = text.chars().all(|c| ".…*-_x?#".contains(c));
    let is_bracketed = [('<', '>'), ('{', '}'), ('[', ']'), ('(', ')')]
        .iter()
        .any(|(open, close)| text.starts_with(*open) && text.ends_with(*close));
    let is_variable = text.starts_with('$') || (text.starts_with('%') && text.ends_with('%'));
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let words = ["changeme", "placeholder", "replaceme", "clientkey", "clientsecret"];
    let is_word = words.iter().any(|word| letters.contains(word))
        || (letters.starts_with("your")
            && (letters.ends_with("key") || letters.ends_with("secret")));
    is_filler || is_bracketed || is_variable || is_word
}

/// What a text holds that no client key and no client secret does, without showing any of it: those are
/// made of what stands on every keyboard.
pub(super) fn odd(text: &str) -> Option<String> {
    if let Some(hidden) = text::listed(text) {
        return Some(hidden);
    }
    if text.contains(|c: char| c.is_whitespace() || "\"'`=".contains(c)) {
        return Some("white space, a quote or `=`".to_owned());
    }
    let at = text.chars().position(|c| !c.is_ascii_graphic())?;
    Some(format!(
        "a letter or sign that is not ASCII, though it may look so: character {} of it",
        at + 1
    ))
}

/// Credentials that look like one another's. Their form is documented nowhere, so this is no more
/// than a suspicion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookalike {
    key: String,
    secret: String,
    swapped_key: bool,
    swapped_secret: bool,
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, secret, .. } = self;
        match (self.swapped_key, self.swapped_secret) {
            (true, true) => write!(
                f,
                "{key} looks like a client secret and {secret} like a client key: they seem to be \
                 in each other's place"
            ),
            (true, false) => write!(f, "{key} looks like a client secret, not like a client key"),
            (false, _) => write!(f, "{secret} looks like a client key, not like a client secret"),
        }
    }
}

/// The keys that the portal has shown so far begin with `aw`, those of sandboxes with `sbaw`, and are
/// 16 and 18 small letters and digits long.
fn looks_like_a_key(text: &str) -> bool {
    (text.starts_with("aw") || text.starts_with("sbaw"))
        && (12..LONG).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The secrets that the portal has shown so far are 32 letters and digits long.
fn looks_like_a_secret(text: &str) -> bool {
    text.len() >= LONG && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sbawx1x2x3x4x5x6x7";
    const SECRET: &str = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1eF";

    fn checked(key: &str, secret: &str) -> Result<Option<Lookalike>, SettingsError> {
        let secret = Secret::new(secret);
        check(("KEY", key), ("SECRET", &secret))
    }

    fn flag(key: &str, secret: &str) -> Option<String> {
        checked(key, secret).unwrap().map(|flag| flag.to_string())
    }

    #[test]
    fn what_the_portal_shows_is_not_suspected() {
        assert_eq!(flag(KEY, SECRET), None);
        assert_eq!(flag("awx1x2x3x4x5x6x7", &SECRET.to_lowercase()), None);
        assert_eq!(flag("key", "secret"), None);
    }

    #[test]
    fn lookalikes_are_flagged_without_showing_them() {
        let swapped = flag(SECRET, KEY).unwrap();
        assert!(swapped.contains("in each other's place"), "{swapped}");
        let two_keys = flag(KEY, "awx1x2x3x4x5x6x7").unwrap();
        assert_eq!(two_keys, "SECRET looks like a client key, not like a client secret");
        let two_secrets = flag(&SECRET.to_lowercase(), SECRET).unwrap();
        assert_eq!(two_secrets, "KEY looks like a client secret, not like a client key");
        assert!(!swapped.contains(SECRET) && !two_keys.contains("awx1"));
    }

    #[test]
    fn what_is_not_ascii_is_named_and_not_shown() {
        for (odd, what) in [
            ("\u{200b}", "a zero-width space (U+200B)"),
            ("\u{feff}", "a byte order mark (U+FEFF)"),
            ("\u{a0}", "a no-break space (U+00A0)"),
            ("\u{202e}", "a right-to-left override (U+202E)"),
            ("\u{430}", "not ASCII, though it may look so: character 10 of it"),
            ("ü", "not ASCII"),
            ("\r\n", "a carriage return (U+000D)"),
        ] {
            let secret = format!("{}{odd}{}", &SECRET[..9], &SECRET[9..]);
            for (key, secret) in [(KEY, secret.as_str()), (secret.as_str(), SECRET)] {
                let error = checked(key, secret).unwrap_err().to_string();
                assert!(error.contains(what), "{error}");
                assert!(!error.contains(&SECRET[..4]) && !error.contains(odd), "{error}");
            }
        }
    }

    #[test]
    fn what_stands_for_a_credential_is_none() {
        for example in [
            "...",
            "…",
            "xxxx",
            "XXXXXXXXXXXXXXXX",
            "***",
            "<client secret>",
            "${SECRET}",
            "$SECRET",
            "%SECRET%",
            "{{ secret }}",
            "your-client-key",
            "YOUR_CLIENT_SECRET",
            "your_secret",
            "changeme",
            "change-me",
            "PLACEHOLDER",
            "client_secret",
        ] {
            for (key, secret) in [(KEY, example), (example, SECRET)] {
                // Not listed, or other tests would find it taken out of their texts.
                let secret = Secret::unlisted(secret);
                let error = check(("KEY", key), ("SECRET", &secret)).unwrap_err();
                assert!(matches!(error, SettingsError::Placeholder { .. }), "{example}: {error}");
            }
        }
        for real in ["mainsecret", "s3cret", "x", "xkey", "youth", "awxxxxxxxxxxxxxx"] {
            let is_x = real.chars().all(|c| c == 'x');
            assert_eq!(is_placeholder(real), is_x, "{real}");
        }
    }

    #[test]
    fn nothing_is_no_credential() {
        for (key, secret) in [("", SECRET), (KEY, "")] {
            let error = checked(key, secret).unwrap_err();
            assert!(matches!(error, SettingsError::NoCredential { .. }));
        }
    }
}
