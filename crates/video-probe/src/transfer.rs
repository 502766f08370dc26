//! What programs for text leave of a file: looked for only where its structure is broken.

/// The fewest line feeds that tell anything: of those behind a carriage return, and of those without any.
const RETURNED: usize = 32;
const BARE: usize = 128;

/// The fewest bytes that tell anything.
const LEAST: usize = 256;

/// Whether the line ends in these bytes, which are no text, are all of one kind, as a transfer in text mode makes
/// them: a carriage return before every line feed, or nowhere. In what is compressed both come by chance.
pub(super) fn has_lines(bytes: &[u8]) -> bool {
    let is_text = !bytes.contains(&0) || high_bytes(bytes) < bytes.len() / 8;
    let feeds = bytes.windows(2).filter(|pair| pair[1] == b'\n');
    let returned = feeds.clone().filter(|pair| pair[0] == b'\r').count();
    let count = feeds.count();
    let all_returned = count >= RETURNED && returned == count;
    !is_text && (all_returned || count >= BARE && !bytes.contains(&b'\r'))
}

/// Whether these bytes are UTF-8 from a program that took them for text: every byte that is no character became
/// U+FFFD, or every byte one of Latin-1. Videos have bytes of zero, which texts have not, and are never UTF-8.
pub(super) fn is_reencoded(bytes: &[u8]) -> bool {
    let is_utf8 = str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true);
    let high = high_bytes(bytes);
    is_utf8 && bytes.len() >= LEAST && bytes.contains(&0) && high >= bytes.len() / 32
}

fn high_bytes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !byte.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes as compressed content has them.
    fn noise() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..65_536).map(|_| next()).collect()
    }

    #[test]
    fn what_passed_for_text_is_known() {
        let noise = noise();
        assert!(!is_reencoded(&noise) && !has_lines(&noise));
        let replaced = String::from_utf8_lossy(&noise).into_owned().into_bytes();
        let latin: String = noise.iter().map(|&byte| char::from(byte)).collect();
        for bytes in [replaced, latin.into_bytes()] {
            assert!(is_reencoded(&bytes));
            // A sample may end within a character.
            assert!((1000..1008).all(|length| is_reencoded(&bytes[..length])));
        }
        let lines: Vec<u8> = noise
            .iter()
            .flat_map(|byte| if *byte == b'\n' { b"\r\n" } else { std::slice::from_ref(byte) })
            .copied()
            .collect();
        assert!(has_lines(&lines));
        let feeds: Vec<u8> = noise.into_iter().filter(|byte| *byte != b'\r').collect();
        assert!(has_lines(&feeds));
    }

    #[test]
    fn texts_are_what_they_were() {
        for text in ["fünf Öfen\r\n", "<!-- served by a proxy -->\r\n", "日本語の字幕\n"] {
            let text = text.repeat(100);
            assert!(!is_reencoded(text.as_bytes()) && !has_lines(text.as_bytes()), "{text}");
        }
        assert!(!is_reencoded(&[0; 5000]) && !has_lines(b""));
    }
}
