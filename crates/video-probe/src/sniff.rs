//! What a file is, by its first bytes; its name plays no part.

use std::fmt;

use crate::blank;
use crate::probe::{Container, Oddity};
use crate::reader::{MAX_READ, Reader, Stop};

/// What a `WebM` file begins with.
const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// How many bytes are looked at.
pub(super) const LENGTH: usize = 512;

/// How many ID3 tags may precede a video, and how many boxes that are not known.
const BEFORE: usize = 8;

/// What a file is that is not read as a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// What it is, with its article: `an AVI video`.
    pub name: &'static str,
    /// What kind of thing that is.
    pub class: FileClass,
}

/// Kinds of files that are not read as videos; what to do about them differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileClass {
    /// A video of another kind.
    Video,
    /// A piece of a video, of no use without its beginning.
    Segment,
    /// A list of pieces, or of other files.
    Playlist,
    /// A picture, or a few in one file.
    Picture,
    /// Sound.
    Sound,
    /// Files packed into one.
    Archive,
    /// What a web server sends instead of a file.
    WebPage,
    /// Something that stands for a file which is elsewhere.
    Placeholder,
    /// Words, or what reads like some.
    Text,
    /// Zeros, all of it or its beginning: made in its length, and never filled.
    Unwritten,
    /// Anything else.
    Data,
}

impl OtherFile {
    /// The command that fetches the file which this one stands for, if a tool keeps it elsewhere.
    pub fn fetched_by(self) -> Option<&'static str> {
        match self.name {
            "a Git LFS pointer" => Some("git lfs pull"),
            "a git-annex pointer" => Some("git annex get"),
            _ => None,
        }
    }
}

impl fmt::Display for OtherFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn other_file(name: &'static str, class: FileClass) -> OtherFile {
    OtherFile { name, class }
}

/// Fragments without the `moov` box that they belong to.
pub(super) const SEGMENT: OtherFile =
    other_file("a segment of a stream, without its `moov`", FileClass::Segment);

/// Clusters without the header that they belong to.
const WEBM_SEGMENT: OtherFile =
    other_file("a segment of a WebM stream, without its header", FileClass::Segment);

/// A Matroska file that is more than a `WebM` file may be.
pub(super) const MATROSKA: OtherFile = other_file("a Matroska (MKV) video", FileClass::Video);

/// A file in which nothing was written.
const ZEROS: OtherFile = other_file("nothing but zeros", FileClass::Unwritten);

/// A file whose beginning was not written.
const HEADLESS: OtherFile =
    other_file("a file that begins with zeros, and not with what it should", FileClass::Unwritten);

/// So many zeros no file begins with that is of a known kind.
const NO_HEAD: usize = 16;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// A container that is read.
    Container(Container),
    /// Something else, as far as it is known.
    Other(Option<OtherFile>),
}

/// Says what a file is, and where in it the container begins: at its beginning as a rule, behind ID3
/// tags, or behind what is neither a box nor anything else that is known.
pub(super) fn locate(reader: &mut Reader<'_>) -> Result<(Sniffed, u64), Stop> {
    let len = reader.len();
    let mut at = 0;
    let mut head = reader.some(0, len, LENGTH)?;
    for _ in 0..BEFORE {
        let Some(tag) = tag_length(&head) else { break };
        let behind = reader.some(at + tag, len, LENGTH)?;
        if behind.is_empty() {
            break;
        }
        (at, head) = (at + tag, behind);
    }
    let sniffed = sniff(&head);
    if matches!(sniffed, Sniffed::Container(_)) {
        return Ok((sniffed, at));
    }
    if at > 0 {
        return Ok((Sniffed::Other(Some(other_file("an MP3 sound", FileClass::Sound))), 0));
    }
    let known = matches!(
        sniffed,
        Sniffed::Other(Some(other)) if !matches!(other.class, FileClass::Unwritten | FileClass::Data | FileClass::Text)
    );
    if known {
        return Ok((sniffed, 0));
    }
    if leads_to_video(reader)? {
        return Ok((Sniffed::Container(Container::Mov), 0));
    }
    if let Some(found) = hidden(reader)? {
        return Ok(found);
    }
    if sniffed == Sniffed::Other(Some(ZEROS)) && !is_all_zeros(reader)? {
        return Ok((Sniffed::Other(Some(HEADLESS)), 0));
    }
    Ok((sniffed, 0))
}

/// What the bytes before a container are that begins at `start`; `None`: there are none.
pub(super) fn leading(start: u64, reader: &mut Reader<'_>) -> Result<Option<Oddity>, Stop> {
    if start == 0 {
        return Ok(None);
    }
    let head = reader.some(0, start, LENGTH)?;
    if tag_length(&head).is_some() {
        return Ok(Some(Oddity::Leading(start)));
    }
    let what = match head.as_slice() {
        [b'H', b'T', b'T', b'P', b'/', ..] => Some("an HTTP head"),
        [0xef, 0xbb, 0xbf] | [0xff, 0xfe] | [0xfe, 0xff] => Some("a byte order mark"),
        [b'-', b'-', ..] => Some("the head of a multipart body"),
        head if head.iter().all(|byte| *byte == 0) => Some("zeros"),
        head if head.iter().all(u8::is_ascii_whitespace) => Some("white space"),
        head => is_text(head).then_some("text"),
    };
    Ok(Some(Oddity::Foreign { count: start, what }))
}

/// Whether a file that begins with zeros holds nothing else: looked at in places, if it is long.
fn is_all_zeros(reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let head = reader.some(0, reader.len(), MAX_READ)?;
    let behind = head.len() as u64..reader.len();
    let zeros = head.iter().all(|byte| *byte == 0);
    Ok(zeros && (behind.is_empty() || blank::is_all_blank(behind.start / 2..behind.end, reader)?))
}

/// The length of an ID3 tag that `head` begins with: <https://id3.org/id3v2.4.0-structure>.
fn tag_length(head: &[u8]) -> Option<u64> {
    let rest = head.strip_prefix(b"ID3")?;
    let &[_, _, flags, a, b, c, d] = rest.first_chunk()?;
    let size = [a, b, c, d].iter().fold(0, |size, &byte| size << 7 | u64::from(byte & 0x7f));
    Some(if flags & 0x10 == 0 { 10 } else { 20 } + size)
}

/// Whether boxes that are not known lead to one that is.
fn leads_to_video(reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let mut at = 0_u64;
    for step in 0..BEFORE {
        let Some([a, b, c, d, kind @ ..]) = reader.array::<8>(at, reader.len())? else {
            return Ok(false);
        };
        if step > 0 && (is_first_box(kind) || kind == *b"ftyp") {
            return Ok(true);
        }
        let size = u32::from_be_bytes([a, b, c, d]);
        if size < 8 || !kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9)) {
            return Ok(false);
        }
        at += u64::from(size);
    }
    Ok(false)
}

/// A container behind bytes that are no box: padding, a byte order mark, or the header of a download.
fn hidden(reader: &mut Reader<'_>) -> Result<Option<(Sniffed, u64)>, Stop> {
    let bytes = reader.some(0, reader.len(), MAX_READ)?;
    for (place, window) in bytes.windows(12).enumerate() {
        if window.starts_with(&EBML) && names_webm(bytes.get(place..).unwrap_or_default()) {
            return Ok(Some((Sniffed::Container(Container::WebM), place as u64)));
        }
        let Some((size, brand)) = window.split_first_chunk::<4>() else { continue };
        let size = u32::from_be_bytes(*size);
        if !brand.starts_with(b"ftyp") || !(16..=1024).contains(&size) || size % 4 != 0 {
            continue;
        }
        let next = place as u64 + u64::from(size);
        let follows = reader.array::<8>(next, reader.len())?;
        let follows = follows.is_some_and(|[_, _, _, _, kind @ ..]| is_first_box(kind));
        if follows && brand.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Ok(Some((sniff(bytes.get(place..).unwrap_or_default()), place as u64)));
        }
    }
    Ok(None)
}

/// Whether an EBML header says that a `WebM` or a Matroska file follows: its `DocType`.
fn names_webm(header: &[u8]) -> bool {
    let header = header.get(..64).unwrap_or(header);
    let names = [&b"webm"[..], b"matroska"];
    names.iter().any(|name| header.windows(name.len()).any(|window| window == *name))
}

/// Whether a file may begin with a box of this kind, but for `ftyp`, or have it behind that.
fn is_first_box(kind: [u8; 4]) -> bool {
    is_fragments(kind)
        || matches!(
            &kind,
            b"moov"
                | b"mdat"
                | b"wide"
                | b"free"
                | b"skip"
                | b"pnot"
                | b"uuid"
                | b"pdin"
                | b"udta"
                | b"meta"
                | b"junk"
                | b"PICT"
                | b"bloc"
        )
}

/// Whether this kind of box belongs to fragments.
fn is_fragments(kind: [u8; 4]) -> bool {
    matches!(&kind, b"styp" | b"moof" | b"sidx" | b"emsg" | b"prft" | b"ssix")
}

/// Says what a file is that begins with `head`.
pub(super) fn sniff(head: &[u8]) -> Sniffed {
    if head.starts_with(&EBML) {
        return Sniffed::Container(Container::WebM);
    }
    let kind = head.get(4..).and_then(|rest| rest.first_chunk::<4>());
    match kind {
        Some(b"ftyp") => brand(head.get(8..).unwrap_or_default()),
        Some(kind) if is_fragments(*kind) => Sniffed::Container(Container::Mp4),
        // Before 2001 QuickTime files had no `ftyp`, and some cameras still write none.
        Some(kind) if is_first_box(*kind) => Sniffed::Container(Container::Mov),
        _ => Sniffed::Other(other(head)),
    }
}

/// Says what a file is by the content of its `ftyp` box.
pub(super) fn brand(ftyp: &[u8]) -> Sniffed {
    let picture = |name| Sniffed::Other(Some(other_file(name, FileClass::Picture)));
    // The major brand, four bytes for its version, and those that the file fits as well.
    let (major, rest) = ftyp.split_first_chunk::<4>().unwrap_or((b"    ", &[]));
    let fits = |brand: &[u8; 4]| {
        rest.get(4..).is_some_and(|brands| brands.as_chunks::<4>().0.contains(brand))
    };
    match major {
        b"qt  " => Sniffed::Container(Container::Mov),
        b"avif" => picture("an AVIF picture"),
        b"avis" => picture("a sequence of AVIF pictures"),
        b"heic" | b"heix" | b"heim" | b"heis" => picture("a HEIC picture"),
        b"hevc" | b"hevx" | b"hevm" | b"hevs" => picture("a sequence of HEIC pictures"),
        b"mif1" | b"mif2" | b"msf1" | b"miaf" if fits(b"avif") || fits(b"avis") => {
            picture("an AVIF picture")
        }
        b"mif1" | b"mif2" | b"msf1" | b"miaf"
            if fits(b"heic") || fits(b"heix") || fits(b"hevc") =>
        {
            picture("a HEIC picture")
        }
        b"mif1" | b"mif2" | b"msf1" | b"miaf" | b"avci" | b"avcs" | b"jpeg" | b"jpgs" => {
            picture("a HEIF picture")
        }
        b"jp2 " | b"jpx " | b"jpm " => picture("a JPEG 2000 picture"),
        b"jxl " => picture("a JPEG XL picture"),
        b"crx " => picture("a Canon raw picture"),
        _ => Sniffed::Container(Container::Mp4),
    }
}

/// What people pick by mistake.
fn other(head: &[u8]) -> Option<OtherFile> {
    use FileClass::{Archive, Data, Picture, Placeholder, Playlist, Segment, Sound, Video};
    let kinds: [(&[u8], &str, FileClass); 50] = [
        (b"FLV\x01", "an FLV video", Video),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMV video", Video),
        (b"\x00\x00\x01\xba", "an MPEG program stream", Video),
        (b"\x00\x00\x01\xb3", "an MPEG video stream", Video),
        (b"\x00\x00\x00\x01\x67", "a raw H.264 stream", Video),
        (b"\x00\x00\x00\x01\x09", "a raw H.264 stream", Video),
        (b"\x00\x00\x00\x01\x40\x01", "a raw H.265 stream", Video),
        (b"DKIF", "an IVF video", Video),
        (b".RMF", "a RealMedia video", Video),
        (b"\x06\x0e\x2b\x34\x02\x05", "an MXF video", Video),
        (b"\x1f\x43\xb6\x75", WEBM_SEGMENT.name, Segment),
        (b"\xff\xd8\xff", "a JPEG picture", Picture),
        (b"\x89PNG", "a PNG picture", Picture),
        (b"GIF8", "a GIF", Picture),
        (b"II*\x00", "a TIFF picture", Picture),
        (b"MM\x00*", "a TIFF picture", Picture),
        (b"8BPS", "a Photoshop picture", Picture),
        (b"\xff\x0a", "a JPEG XL picture", Picture),
        (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture", Picture),
        (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", Picture),
        (b"ID3", "an MP3 sound", Sound),
        (b"\xff\xfb", "an MP3 sound", Sound),
        (b"\xff\xf3", "an MP3 sound", Sound),
        (b"\xff\xf1", "an AAC sound", Sound),
        (b"\xff\xf9", "an AAC sound", Sound),
        (b"fLaC", "a FLAC sound", Sound),
        (b"caff", "a CAF sound", Sound),
        (b"#!AMR", "an AMR sound", Sound),
        (b"%PDF", "a PDF", Data),
        (b"PK\x03\x04", "a ZIP archive", Archive),
        (b"PK\x05\x06", "an empty ZIP archive", Archive),
        (b"\x1f\x8b", "a gzip archive", Archive),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", Archive),
        (b"Rar!\x1a\x07", "a RAR archive", Archive),
        (b"\xfd7zXZ\x00", "an xz archive", Archive),
        (b"BZh", "a bzip2 archive", Archive),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive", Archive),
        (b"#EXTM3U", "an HLS playlist", Playlist),
        (b"[playlist]", "a playlist", Playlist),
        (b"version https://git-lfs", "a Git LFS pointer", Placeholder),
        (b"version https://hawser", "a Git LFS pointer", Placeholder),
        (b"version http://git-media", "a Git LFS pointer", Placeholder),
        (b"/annex/objects/", "a git-annex pointer", Placeholder),
        (b"\x00\x05\x16\x07", "the `._` file that macOS keeps beside another", Placeholder),
        (b"\x00\x05\x16\x00", "the `._` file that macOS keeps beside another", Placeholder),
        (b"bplist00", "a property list, as iCloud leaves for a file that is not here", Placeholder),
        (b"book\x00\x00\x00\x00mark", "a macOS alias", Placeholder),
        (b"\x4c\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut", Placeholder),
        (b"[InternetShortcut]", "an Internet shortcut", Placeholder),
        (b"d8:announce", "a torrent", Placeholder),
    ];
    let known = kinds.iter().find(|(magic, ..)| head.starts_with(magic));
    if let Some(&(_, name, class)) = known {
        return Some(other_file(name, class));
    }
    if head.starts_with(OGG) {
        let class = if has_ogg_picture(head) { Video } else { Sound };
        return Some(other_file("an Ogg file", class));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(other_file("a tar archive", Archive));
    }
    match (head.get(..4), head.get(8..12)) {
        (Some(b"RIFF"), Some(b"AVI ")) => return Some(other_file("an AVI video", Video)),
        (Some(b"RIFF"), Some(b"WAVE")) => return Some(other_file("a WAV sound", Sound)),
        (Some(b"RIFF"), Some(b"WEBP")) => return Some(other_file("a WebP picture", Picture)),
        (Some(b"FORM"), Some(b"AIFF" | b"AIFC")) => {
            return Some(other_file("an AIFF sound", Sound));
        }
        (Some([b'B', b'M', ..]), _) if head.get(6..10) == Some(&[0; 4]) => {
            return Some(other_file("a BMP picture", Picture));
        }
        _ => {}
    }
    if head.first() == Some(&0x47) && head.get(188) == Some(&0x47) {
        return Some(other_file("an MPEG transport stream", Video));
    }
    // With four bytes of time before each packet, as cameras of AVCHD write it.
    if head.get(4) == Some(&0x47) && head.get(196) == Some(&0x47) {
        return Some(other_file("an MPEG transport stream", Video));
    }
    let zeros = head.iter().take_while(|byte| **byte == 0).count();
    if zeros == head.len() {
        return Some(ZEROS);
    }
    if zeros >= NO_HEAD {
        return Some(HEADLESS);
    }
    is_text(head).then(|| text(head))
}

/// What a page of an Ogg file begins with.
const OGG: &[u8] = b"OggS";

/// Whether one of the streams that an Ogg file begins with is of pictures: each begins on a page of its own,
/// before all others. RFC 3533, section 6.
fn has_ogg_picture(mut head: &[u8]) -> bool {
    /// The bit of a page that begins a stream.
    const BEGINS: u8 = 2;
    let pictures: [&[u8]; 5] = [b"\x80theora", b"BBCD", b"OVP80", b"\x80daala", b"\x01video"];
    while let Some((page, rest)) = head.split_at_checked(27)
        && page.starts_with(OGG)
        && page.get(5).is_some_and(|flags| flags & BEGINS != 0)
        && let Some((lengths, rest)) =
            rest.split_at_checked(page.last().copied().unwrap_or(0).into())
    {
        if pictures.iter().any(|begin| rest.starts_with(begin)) {
            return true;
        }
        let length = lengths.iter().map(|length| usize::from(*length)).sum();
        head = rest.get(length..).unwrap_or_default();
    }
    false
}

/// What kind of text it is.
fn text(head: &[u8]) -> OtherFile {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    if begins(&["<?xml", "<mpd"]) && text.contains("<mpd") {
        return other_file("a DASH manifest", FileClass::Playlist);
    }
    if begins(&["<svg"]) || begins(&["<?xml"]) && text.contains("<svg") {
        return other_file("an SVG picture", FileClass::Picture);
    }
    if begins(&["<!doctype", "<html", "<head", "<body", "<script", "<title", "<meta"])
        || begins(&["<!--", "<?xml"]) && text.contains("<html")
    {
        return other_file("a web page", FileClass::WebPage);
    }
    if begins(&["<?xml", "<error"]) {
        return other_file("an XML file", FileClass::WebPage);
    }
    if begins(&["{\"", "{\n", "{ ", "{\r", "[{"]) {
        return other_file("a JSON text", FileClass::WebPage);
    }
    if begins(&["webvtt"]) || is_subtitles(text) {
        return other_file("subtitles", FileClass::Text);
    }
    other_file("text", FileClass::Text)
}

/// Whether a text begins like a SRT file: a number, and then times.
fn is_subtitles(text: &str) -> bool {
    let mut lines = text.lines();
    lines.next().is_some_and(|line| line.trim().parse::<u32>().is_ok())
        && lines.next().is_some_and(|line| line.contains("-->"))
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
        let mut camera = [0; 200];
        (camera[4], camera[196]) = (0x47, 0x47);
        let mut headless = [0; 40];
        headless[20..].fill(7);
        for (head, name) in [
            (&b"RIFF\x10\0\0\0AVI LIST"[..], "an AVI video"),
            (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
            (b"GIF89a", "a GIF"),
            (b"\0\0\0\x18ftypheic", "a HEIC picture"),
            (b"\0\0\0\x18ftypavif", "an AVIF picture"),
            (b"\0\0\0\x18ftypavis", "a sequence of AVIF pictures"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture"),
            (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1", "a HEIF picture"),
            (b"<!DOCTYPE html><title>404</title>", "a web page"),
            (b"\n\n  <!doctype HTML>", "a web page"),
            (b"\xef\xbb\xbf<HTML lang=en>", "a web page"),
            (b"<?xml version=\"1.0\"?><html>", "a web page"),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied", "an XML file"),
            (b"<?xml version=\"1.0\"?><MPD xmlns=", "a DASH manifest"),
            (b"{\"error\":\"not found\"}", "a JSON text"),
            (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
            (b"PK\x03\x04\x14\0", "a ZIP archive"),
            (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
            (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "the `._` file that macOS keeps beside another"),
            (b"\x1f\x43\xb6\x75\x01\0", "a segment of a WebM stream, without its header"),
            (&stream, "an MPEG transport stream"),
            (&camera, "an MPEG transport stream"),
            (&[0; 40], ZEROS.name),
            (&headless, HEADLESS.name),
            (b"Dear diary,\n", "text"),
            (b"WEBVTT\n\n00:01.000 --> 00:04.000\n", "subtitles"),
            (b"1\r\n00:00:01,000 --> 00:00:04,000\r\nHi\r\n", "subtitles"),
            ("fünf ".repeat(99).as_bytes().get(..100).unwrap_or_default(), "text"),
            ("ä".as_bytes().get(..1).unwrap_or_default(), "text"),
        ] {
            let Sniffed::Other(Some(other)) = sniff(head) else { panic!("{head:?}") };
            assert_eq!(other.name, name, "{head:?}");
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

    /// A page of an Ogg file that begins a stream with this.
    fn ogg_page(content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&b"OggS\0\x02"[..], &[0; 20], &[1, length], content].concat()
    }

    #[test]
    fn an_ogg_file_with_a_picture_is_no_sound() {
        let class = |streams: &[&[u8]]| {
            let file: Vec<u8> = streams.iter().flat_map(|stream| ogg_page(stream)).collect();
            let Sniffed::Other(Some(other)) = sniff(&file) else { panic!("{streams:?}") };
            other.class
        };
        assert_eq!(class(&[b"\x01vorbis", b"OpusHead"]), FileClass::Sound);
        for picture in [&b"\x80theora"[..], b"BBCD", b"OVP80"] {
            assert_eq!(class(&[picture]), FileClass::Video);
            assert_eq!(
                class(&[&[b"fishead\0".to_vec(), vec![0; 56]].concat(), b"\x01vorbis", picture]),
                FileClass::Video
            );
        }
        let Sniffed::Other(Some(bare)) = sniff(OGG) else { panic!("no Ogg") };
        assert_eq!(bare.class, FileClass::Sound);
    }

    fn located(bytes: &[u8]) -> (Sniffed, u64) {
        locate(&mut Reader::new(&bytes, bytes.len() as u64)).unwrap()
    }

    #[test]
    fn a_container_is_found_behind_what_precedes_it() {
        let file = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08free";
        let tag = b"ID3\x04\0\0\0\0\x01\x02".iter().copied().chain([0; 130]);
        let tag: Vec<u8> = tag.collect();
        let header = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n";
        for (before, start) in [
            (&b""[..], 0),
            (&tag, 140),
            (&tag.repeat(2), 280),
            (header, header.len() as u64),
            (&[0; 512], 512),
            (b"\xef\xbb\xbf", 3),
        ] {
            let found = located(&[before, file].concat());
            assert_eq!(found, (Sniffed::Container(Container::Mp4), start), "{before:?}");
        }
        // Boxes are no strangers.
        let found = located(&[&b"\0\0\0\x0cabcd...."[..], file].concat());
        assert_eq!(found, (Sniffed::Container(Container::Mov), 0));
    }

    #[test]
    fn a_beginning_of_zeros_is_told_apart_from_zeros_alone() {
        for (zeros, behind, what) in [
            (600, 0, ZEROS),
            (600, 9, HEADLESS),
            (MAX_READ, 0, ZEROS),
            (MAX_READ, 1, HEADLESS),
            (MAX_READ + 1, 0, ZEROS),
            (9 * MAX_READ, 0, ZEROS),
            (2 * MAX_READ, 3 * MAX_READ, HEADLESS),
            (9 * MAX_READ, 4096, HEADLESS),
        ] {
            let bytes = [vec![0; zeros], vec![7; behind]].concat();
            assert_eq!(located(&bytes), (Sniffed::Other(Some(what)), 0), "{zeros} {behind}");
        }
    }

    #[test]
    fn a_tag_alone_is_sound() {
        let (Sniffed::Other(Some(other)), 0) = located(b"ID3\x04\0\0\0\0\0\x02..\xff\xfb\x90")
        else {
            panic!("no sound");
        };
        assert_eq!(other.class, FileClass::Sound);
    }
}
