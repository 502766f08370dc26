//! The fixtures, which ffmpeg made.

use std::time::Duration;

use super::*;

/// What the good fixtures have in common.
fn portrait(container: Container) -> Probe {
    Probe {
        duration: Some(Duration::from_secs(1)),
        width: Some(360),
        height: Some(640),
        frame_rate: Some(30.0),
        steady: true,
        codec: Some("h264".to_owned()),
        ..Probe::unknown(container)
    }
}

#[test]
fn an_mp4_tells_everything_wherever_its_index_is() {
    for bytes in [fixture!("fast-start.mp4"), fixture!("moov-at-end.mp4")] {
        // The sound is a little longer than the picture.
        let duration = Some(Duration::from_millis(1022));
        assert_eq!(found(bytes), Probe { duration, ..portrait(Container::Mp4) });
    }
}

#[test]
fn a_fragmented_mp4_tells_everything() {
    let bytes = fixture!("fragmented.mp4");
    let duration = Some(Duration::from_secs(2));
    let probe = Probe { duration, frame_rate: Some(25.0), ..portrait(Container::Mp4) };
    assert_eq!(found(bytes), probe);
}

#[test]
fn a_mov_tells_everything() {
    let bytes = fixture!("landscape.mov");
    let (width, height) = (Some(640), Some(360));
    let probe = Probe { width, height, frame_rate: Some(24.0), ..portrait(Container::Mov) };
    assert_eq!(found(bytes), probe);
}

#[test]
fn a_webm_tells_everything() {
    let bytes = fixture!("vp9.webm");
    let probe = found(bytes);
    assert!((probe.frame_rate.unwrap() - 30.0).abs() < 0.001, "{probe:?}");
    let codec = Some("vp9".to_owned());
    let wanted = Probe { codec, frame_rate: probe.frame_rate, ..portrait(Container::WebM) };
    assert_eq!(probe, wanted);
}

#[test]
fn a_live_recording_is_measured_by_its_blocks() {
    let bytes = fixture!("live.webm");
    let probe = found(bytes);
    assert_eq!(probe.codec.as_deref(), Some("vp8"));
    let length = probe.duration.unwrap();
    assert!(length.abs_diff(Duration::from_secs(1)) < Duration::from_millis(2), "{length:?}");
}

#[test]
fn what_is_unusual_is_told_as_it_is() {
    assert_eq!(found(fixture!("ten-fps.mp4")).frame_rate, Some(10.0));
    let small = found(fixture!("small.mp4"));
    assert_eq!((small.width, small.height), (Some(200), Some(200)));
    assert!(!found(fixture!("truncated.mp4")).complete);
}

#[test]
fn what_is_no_video_is_refused_by_name() {
    assert_eq!(refused(fixture!("text.mp4")), "not an MP4, MOV or WebM video: this is text");
    assert_eq!(refused(fixture!("audio-only.mp4")), "the file has no picture, only sound or data");
    assert_eq!(
        refused(fixture!("without-moov.mp4")),
        "the video has no index: it is cut off, or still being written"
    );
    assert_eq!(refused(b""), "the file is empty");
}

#[test]
fn a_file_is_probed_without_moving_its_cursor() {
    use std::fs::File;
    use std::io::{Seek, SeekFrom};

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/moov-at-end.mp4");
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(7)).unwrap();
    let len = file.metadata().unwrap().len();
    assert_eq!(probe(&file, len).unwrap(), found(fixture!("moov-at-end.mp4")));
    assert_eq!(file.stream_position().unwrap(), 7);
}

/// The bytes of a fixture with all of its content from a share on (so many thirds) put to zero.
fn cut_download(whole: &[u8], thirds: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let name = bytes.windows(4).rposition(|name| name == b"mdat").unwrap();
    let size = u32::from_be_bytes(*bytes[name - 4..].first_chunk().unwrap()) as usize;
    let (begin, end) = (name + 4, name - 4 + size);
    bytes[begin + (end - begin) * thirds / 3..end].fill(0);
    bytes
}

#[test]
fn content_that_was_never_written_is_found() {
    for whole in
        [fixture!("fast-start.mp4"), fixture!("moov-at-end.mp4"), fixture!("landscape.mov")]
    {
        for thirds in [0, 1, 2] {
            let bytes = cut_download(whole, thirds);
            let blank = found(&bytes).blank.unwrap_or_else(|| panic!("{thirds} thirds"));
            let range = usize::try_from(blank.start).unwrap()..usize::try_from(blank.end).unwrap();
            assert!(bytes[range.clone()].iter().all(|byte| *byte == 0));
            assert!(whole[range].iter().any(|byte| *byte != 0));
        }
        assert_eq!(found(&cut_download(whole, 3)).blank, None);
    }
    // Of fragments the last one's content.
    assert!(found(&cut_download(fixture!("fragmented.mp4"), 0)).blank.is_some());
}

#[test]
fn zeros_that_players_skip_are_none_of_the_content() {
    let zeros = vec![0; 100_000];
    for whole in [fixture!("fast-start.mp4"), fixture!("moov-at-end.mp4")] {
        let padding = [&100_008_u32.to_be_bytes()[..], b"free", &zeros].concat();
        assert_eq!(found(&[whole, &padding].concat()).blank, None);
        assert_eq!(found(&[whole, &zeros].concat()).blank, None);
    }
    for whole in [fixture!("vp9.webm"), fixture!("live.webm")] {
        assert_eq!(found(&[whole, &zeros].concat()).blank, None);
    }
}

#[test]
fn a_webm_whose_segment_ends_in_zeros_was_not_written_to_its_end() {
    let mut bytes = fixture!("vp9.webm").to_vec();
    let segment = bytes.windows(4).position(|id| id == b"\x18\x53\x80\x67").unwrap() + 4;
    let size: [u8; 8] = *bytes[segment..].first_chunk().unwrap();
    assert_eq!(size[0], 1, "eight bytes long");
    let end = bytes.len() as u64;
    bytes[segment..segment + 8]
        .copy_from_slice(&(u64::from_be_bytes(size) + 100_000).to_be_bytes());
    bytes.resize(bytes.len() + 100_000, 0);
    assert_eq!(found(&bytes).blank, Some(end..end + 100_000));
    // Something came after all: what is between is not certain.
    let at = bytes.len() - 1;
    bytes[at] = 1;
    assert_eq!(found(&bytes).blank, None);
}

/// What a transfer in text mode makes of bytes: each `from` becomes `to`.
pub(super) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let found = bytes[at..].starts_with(from);
        out.extend(if found { to } else { &bytes[at..=at] });
        at += if found { from.len() } else { 1 };
    }
    out
}

#[test]
fn a_transfer_in_text_mode_is_told() {
    for whole in [
        fixture!("fast-start.mp4"),
        fixture!("moov-at-end.mp4"),
        fixture!("landscape.mov"),
        fixture!("ten-fps.mp4"),
        fixture!("small.mp4"),
        fixture!("fragmented.mp4"),
    ] {
        // All of it, and the content alone.
        let mdat = whole.windows(4).rposition(|name| name == b"mdat").unwrap();
        let size = u32::from_be_bytes(*whole[mdat - 4..].first_chunk().unwrap()) as usize;
        let content = mdat + 4..mdat - 4 + size;
        for (from, to, part) in [
            (&b"\n"[..], &b"\r\n"[..], 0..whole.len()),
            (b"\n", b"\r\n", content.clone()),
            (b"\r", b"", content),
        ] {
            let middle = replaced(&whole[part.clone()], from, to);
            // The few that there are may lie in the sound, behind the last picture.
            if middle.len().abs_diff(part.len()) < 3 {
                continue;
            }
            let changed = [&whole[..part.start], &middle, &whole[part.end..]].concat();
            match probe_bytes(&changed) {
                Ok(probe) => assert_eq!(probe.oddities, [Oddity::Changed], "{part:?} {from:?}"),
                Err(error) => assert!(matches!(error, ProbeError::Changed), "{error}"),
            }
        }
    }
}

#[test]
fn what_was_read_and_written_as_text_is_told() {
    let said = "the bytes of this file were changed as it was read and written as text";
    for whole in WHOLE {
        let characters = String::from_utf8_lossy(whole).into_owned();
        let latin: String = whole.iter().map(|&byte| char::from(byte)).collect();
        for text in [characters, latin] {
            assert_eq!(refused(text.as_bytes()), said);
            assert_eq!(refused(text.replace('\n', "\r\n").as_bytes()), said);
        }
    }
}
