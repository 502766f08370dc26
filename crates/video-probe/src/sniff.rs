//! What a file is, by its first bytes; its name plays no part.

use crate::probe::Container;

/// How many bytes are looked at.
pub(super) const LENGTH: usize = 512;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// A container that is read.
    Container(Container),
    /// Something else; what it seems to be, with its article.
    Other(Option<&'static str>),
}

/// Says what a file is that begins with `head`.
pub(super) fn sniff(head: &[u8]) -> Sniffed {
    if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return Sniffed::Container(Container::WebM);
    }
    let letters = |from: usize| head.get(from..from + 4).unwrap_or_default();
    match letters(4) {
        b"ftyp" => match letters(8) {
            b"qt  " => Sniffed::Container(Container::Mov),
            b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"avif" => {
                Sniffed::Other(Some("a picture"))
            }
            _ => Sniffed::Container(Container::Mp4),
        },
        b"styp" | b"moof" | b"sidx" => Sniffed::Container(Container::Mp4),
        // Before 2001 QuickTime files had no `ftyp`, and some cameras still write none.
        b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" => {
            Sniffed::Container(Container::Mov)
        }
        _ => Sniffed::Other(other(head)),
    }
}

/// What people pick by mistake.
fn other(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 18] = [
        (b"FLV", "an FLV video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMV video"),
        (b"\x00\x00\x01\xba", "an MPEG program stream"),
        (b"OggS", "an Ogg file"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"\x89PNG", "a PNG picture"),
        (b"GIF8", "a GIF"),
        (b"ID3", "an MP3 sound"),
        (b"fLaC", "a FLAC sound"),
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"#EXTM3U", "an HLS playlist"),
        (b"version https://git-lfs", "a Git LFS pointer"),
        (b"<!DOCTYPE", "a web page"),
        (b"<!doctype", "a web page"),
        (b"<html", "a web page"),
        (b"<?xml", "an XML file"),
    ];
    if let Some((_, name)) = kinds.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    match (head.get(..4), head.get(8..12)) {
        (Some(b"RIFF"), Some(b"AVI ")) => return Some("an AVI video"),
        (Some(b"RIFF"), Some(b"WAVE")) => return Some("a WAV sound"),
        (Some(b"RIFF"), Some(b"WEBP")) => return Some("a WebP picture"),
        _ => {}
    }
    if head.first() == Some(&0x47) && head.get(188) == Some(&0x47) {
        return Some("an MPEG transport stream");
    }
    if head.iter().all(|&byte| byte == 0) {
        return Some("nothing but zeros");
    }
    is_text(head).then_some("text")
}

/// Whether the bytes are text; a character that the last byte cuts off is none the less.
fn is_text(head: &[u8]) -> bool {
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_pick_by_mistake_is_named() {
        let mut stream = [0; 200];
        (stream[0], stream[188]) = (0x47, 0x47);
        for (head, name) in [
            (&b"RIFF\x10\0\0\0AVI LIST"[..], "an AVI video"),
            (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
            (b"\0\0\0\x18ftypheic", "a picture"),
            (b"<!DOCTYPE html><title>404</title>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
            (&stream, "an MPEG transport stream"),
            (&[0; 40], "nothing but zeros"),
            (b"Dear diary,\n", "text"),
            ("fünf ".repeat(99).as_bytes().get(..100).unwrap_or_default(), "text"),
            ("ä".as_bytes().get(..1).unwrap_or_default(), "text"),
        ] {
            assert_eq!(sniff(head), Sniffed::Other(Some(name)), "{head:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_named() {
        assert_eq!(sniff(&[0x12, 0x34, 0, 0xff, 7, 7, 7, 7, 7]), Sniffed::Other(None));
    }

    #[test]
    fn containers_are_known_by_their_brand() {
        for (head, container) in [
            (&b"\0\0\0\x20ftypisom"[..], Container::Mp4),
            (b"\0\0\0\x14ftypqt  ", Container::Mov),
            (b"\0\0\0\x08wide\0\0\0\x08", Container::Mov),
            (b"\x1a\x45\xdf\xa3\x9f", Container::WebM),
        ] {
            assert_eq!(sniff(head), Sniffed::Container(container));
        }
    }
}
