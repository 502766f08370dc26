//! Small pieces of text that several modules write.

mod invisible;
pub(crate) mod template;

use std::path::Path;

pub(crate) use self::invisible::{
    folded, harmless, hidden, json, kept, listed, named, seen_as, shown, stranger, unlike,
};
pub(crate) use tiktok_open::text::{is_hostile, is_plain, plain};

/// Enough of a client key to tell apps apart.
pub(crate) fn key_start(key: &str) -> String {
    let start: String = key.chars().take(6).collect();
    format!("`{}…`", plain(&start))
}

/// A path as a shell takes it for one word.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Whether a text seems to be an address of the web without `https://`: `www.example.com`, `cdn.example.com/a.mp4`.
pub(crate) fn begins_with_host(text: &str) -> bool {
    const COMMON: [&str; 12] = [
        "app", "cloud", "com", "dev", "edu", "info", "media", "net", "online", "org", "site",
        "video",
    ];
    let (authority, has_path) = match text.split_once('/') {
        Some((authority, _)) => (authority, true),
        None => (text, false),
    };
    let host = match authority.split_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    let host = host.to_ascii_lowercase();
    let of_host =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let Some((names, last)) = host.rsplit_once('.') else { return false };
    let is_country = last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_lowercase());
    names.split('.').all(of_host)
        && (is_country || COMMON.contains(&last))
        && (has_path || names.starts_with("www."))
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = next.source();
    }
    text
}

/// What to do about a file that stands for one which a tool keeps elsewhere.
pub(crate) fn fetch_with(command: &str) -> String {
    format!("it stands for a file that is elsewhere: fetch that with `{command}`")
}

/// `1 chunk`, `2 chunks`.
pub(crate) fn count(n: impl Into<u64>, one: &str) -> String {
    let n = n.into();
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// A size in bytes as people read it: `512 B`, `4.2 MB`, `1.0 GB` (decimal, as TikTok counts).
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal place is shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
    }
}
/// A URL without what may be a signature.
pub(crate) fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}
