//! Random and derived names: tokens, codes, ids.

use jiff::Timestamp;
use rand::RngExt;
use sha2::{Digest, Sha256};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `n` random letters and digits.
pub(super) fn letters(n: usize) -> String {
    let mut rng = rand::rng();
    (0..n).map(|_| char::from(ALPHANUMERIC[rng.random_range(0..ALPHANUMERIC.len())])).collect()
}

/// A token as TikTok shapes them: a prefix, and characters that a careless client mangles.
pub(super) fn token(prefix: &str) -> String {
    format!("{prefix}.{}!{}.va", letters(60), rand::random_range(4000..7000))
}

/// An authorization code with the `*` and `!` of real ones, and one of their two tails.
pub(super) fn code() -> String {
    let (head, number) = (letters(20), rand::random_range(4000..7000));
    let tail = if rand::random() { format!("0!{number}") } else { format!("v!{number}.s1") };
    format!("{head}_{}-{}*{tail}", letters(30), letters(20))
}

/// An id of 19 digits, above 2^53 so that a float loses it.
pub(super) fn number() -> i64 {
    rand::random_range(7_000_000_000_000_000_000..8_000_000_000_000_000_000)
}

/// A log id: the time and twenty hex digits.
pub(super) fn log_id(now: Timestamp) -> String {
    let random: String = (0..20).map(|_| HEX_UPPER[rand::random_range(0..16)]).collect();
    format!("{}{random}", now.strftime("%Y%m%d%H%M%S"))
}

const HEX_UPPER: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

/// Lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Letters and digits that are the same for the same seed, 43 of them.
pub(super) fn derived(seed: &str) -> String {
    Sha256::digest(seed)
        .iter()
        .chain(&Sha256::digest(seed.as_bytes().repeat(2)))
        .take(43)
        .map(|byte| char::from(ALPHANUMERIC[usize::from(*byte) % ALPHANUMERIC.len()]))
        .collect()
}

/// A UUID that is the same for the same seed.
pub(super) fn derived_uuid(seed: &str) -> String {
    let hex = hex(&Sha256::digest(seed));
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
