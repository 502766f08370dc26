//! WebM files made by hand, for what ffmpeg does not write.

use std::time::Duration;

use super::*;

/// An element with a size of eight bytes, or an unknown one.
fn element(id: u32, content: &[u8], known: bool) -> Vec<u8> {
    let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let size = if known { 1 << 56 | content.len() as u64 } else { u64::MAX >> 7 };
    [&id[..], &size.to_be_bytes(), content].concat()
}

/// What a browser records: blocks at these times, in clusters of four, and no sizes.
struct Recording<'a> {
    kind: &'a [u8],
    codec: &'a [u8],
    /// What else its track says.
    track: Vec<u8>,
    /// First byte of each frame.
    frame: u8,
    /// Times of blocks of sound, put behind the pictures.
    sound: &'a [i16],
    millis: &'a [i16],
    /// What else its picture says.
    picture: Vec<u8>,
    /// What comes before the tracks.
    info: Vec<u8>,
}

impl Default for Recording<'_> {
    fn default() -> Self {
        Self {
            kind: b"webm",
            codec: b"V_VP8",
            track: vec![],
            frame: 0x10,
            sound: &[],
            millis: &[0, 250, 500, 751, 1000, 1250, 1500, 1750, 2001],
            picture: vec![],
            info: vec![],
        }
    }
}

impl Recording<'_> {
    fn file(&self) -> Vec<u8> {
        let size = [element(0xb0, &[2, 0x80], true), element(0xba, &[1, 0x68], true)].concat();
        let track = [
            element(0xd7, &[1], true),
            element(0x83, &[1], true),
            element(0x86, self.codec, true),
            element(0xe0, &[size, self.picture.clone()].concat(), true),
            self.track.clone(),
        ];
        let mut segment = self.info.clone();
        segment.extend(element(0x1654_ae6b, &element(0xae, &track.concat(), true), true));
        for (i, block) in self.millis.chunks(4).enumerate() {
            let base = u16::try_from(i * 1000).unwrap();
            let mut cluster = element(0xe7, &base.to_be_bytes(), true);
            for time in block {
                let [a, b] = (time - i16::try_from(base).unwrap()).to_be_bytes();
                let body = [0x81, a, b, 0x80, self.frame, 7];
                if time % 2 == 0 {
                    cluster.extend(element(0xa3, &body, true));
                } else {
                    cluster.extend(element(0xa0, &element(0xa1, &body, true), true));
                }
            }
            segment.extend(element(0x1f43_b675, &cluster, false));
        }
        for time in self.sound {
            let [a, b] = time.to_be_bytes();
            let block = element(0xa3, &[0x82, a, b, 0x80, 7], true);
            let cluster = [element(0xe7, &[0], true), block].concat();
            segment.extend(element(0x1f43_b675, &cluster, false));
        }
        let header = element(0x1a45_dfa3, &element(0x4282, self.kind, true), true);
        [header, element(0x1853_8067, &segment, false)].concat()
    }
}

/// Files that lead into every corner of the reader.
pub(super) fn corners() -> Vec<Vec<u8>> {
    let encryption = element(0x6d80, &element(0x6240, &element(0x5035, &[], true), true), true);
    let length = element(0x4489, &2500.0_f64.to_be_bytes(), true);
    let info = element(0x1549_a966, &length, true);
    let vp9 = Recording {
        codec: b"V_VP9",
        frame: 0x84,
        sound: &[5, 4000],
        track: [told_frame(40_000_000), encryption].concat(),
        info,
        ..Recording::default()
    };
    let tail = b"\r\n".to_vec();
    vec![
        [Recording { kind: b"matroska", ..Recording::default() }.file(), tail].concat(),
        vp9.file(),
    ]
}

#[test]
fn a_recording_without_any_sizes_is_measured_by_its_blocks() {
    let probe = found(&Recording::default().file());
    assert_eq!((probe.width, probe.height), (Some(640), Some(360)));
    assert_eq!(probe.duration, Some(Duration::from_millis(2001)));
    let rate = probe.frame_rate.unwrap();
    assert!((rate - 8.0 / 2.001).abs() < 1e-6 && probe.steady, "{probe:?}");
    assert!(probe.complete);
}

#[test]
fn a_block_within_a_group_counts_like_any_other() {
    let probe = found(&Recording { millis: &[1, 41, 81], ..Recording::default() }.file());
    assert_eq!((probe.frame_rate, probe.duration), (Some(25.0), Some(Duration::from_millis(81))));
}

#[test]
fn a_recording_that_tells_its_length_is_believed() {
    let length = element(0x4489, &2500.0_f64.to_be_bytes(), true);
    let info = element(0x1549_a966, &length, true);
    let probe = found(&Recording { info, ..Recording::default() }.file());
    assert_eq!(probe.duration, Some(Duration::from_millis(2500)));
    assert!(probe.frame_rate.is_some());
}

#[test]
fn a_recording_that_ends_within_a_block_is_cut_off() {
    let whole = Recording::default().file();
    // The last group with its block: twice an id and eight bytes of size, six of content.
    for missing in 1..24 {
        assert!(!found(&whole[..whole.len() - missing]).complete, "{missing}");
    }
    assert!(found(&whole[..whole.len() - 24]).complete);
}

#[test]
fn zeros_behind_a_recording_do_no_harm() {
    let whole = Recording::default().file();
    assert_eq!(found(&[whole.clone(), vec![0; 99]].concat()), found(&whole));
}

#[test]
fn a_recording_that_players_stretch_tells_both_sizes() {
    let stretched = |unit: u8| {
        let picture = [
            element(0x54b0, &[16], true),
            element(0x54ba, &[9], true),
            element(0x54b2, &[unit], true),
        ];
        let rig = Recording { picture: picture.concat(), ..Recording::default() };
        found(&rig.file()).shown
    };
    assert_eq!(stretched(0), Some((16, 9)));
    assert_eq!(stretched(3), None, "a shape, not a size");
}

/// What the track says a frame lasts.
fn told_frame(nanos: u32) -> Vec<u8> {
    element(0x23_e383, &nanos.to_be_bytes(), true)
}

#[test]
fn what_the_track_tells_of_frames_is_only_compared() {
    let rate = |nanos: u32| {
        let millis = &[0, 33, 67, 100, 133, 167, 200];
        let probe =
            found(&Recording { millis, track: told_frame(nanos), ..Recording::default() }.file());
        assert!(probe.steady);
        probe.frame_rate.unwrap()
    };
    // More exact than milliseconds, where it is the same.
    assert!((rate(33_366_667) - 29.97).abs() < 0.001);
    for wrong in [1, 1_000_000, 16_666_667, 40_000_000, u32::MAX] {
        assert!((rate(wrong) - 30.0).abs() < 0.001, "{wrong}");
    }
}

#[test]
fn frames_that_come_as_they_like_are_told_so() {
    let millis = &[0, 20, 500, 520, 900, 1600, 1620, 2000];
    let probe =
        found(&Recording { millis, track: told_frame(16_666_667), ..Recording::default() }.file());
    assert_eq!((probe.frame_rate, probe.steady), (Some(3.5), false));
}

#[test]
fn sound_does_not_change_the_rate_but_the_length() {
    let millis = &[0, 40, 80, 120];
    let quiet = Recording { millis, ..Recording::default() };
    let loud = Recording { millis, sound: &[60, 4000], ..Recording::default() };
    let (quiet, loud) = (found(&quiet.file()), found(&loud.file()));
    assert_eq!((quiet.frame_rate, loud.frame_rate), (Some(25.0), Some(25.0)));
    assert_eq!(loud.duration, Some(Duration::from_secs(4)));
}

#[test]
fn frames_that_are_not_shown_do_not_count() {
    let rig = || Recording { millis: &[0, 40, 80, 120, 160, 200], ..Recording::default() };
    let (whole, vp8) = (rig(), rig());
    let mut file = whole.file();
    // The block at 120 ms becomes a frame that only others are made from.
    let at = file.windows(5).position(|block| block == [0x81, 0, 120, 0x80, 0x10]).unwrap();
    file[at + 4] = 0;
    assert_eq!(found(&file).frame_rate, Some(20.0));
    // The same in VP9, but for blocks of several frames, whose last byte says so.
    let vp9 = Recording { codec: b"V_VP9", frame: 0x86, ..whole };
    let mut file = vp9.file();
    let at = file.windows(5).position(|block| block == [0x81, 0, 120, 0x80, 0x86]).unwrap();
    for (first, last, rate) in
        [(0x84, 7, 20.0), (0x84, 0xc1, 25.0), (0x8c, 7, 25.0), (0xb2, 7, 20.0), (0xb1, 7, 25.0)]
    {
        (file[at + 4], file[at + 5]) = (first, last);
        assert_eq!(found(&file).frame_rate, Some(rate), "{first:#x} {last}");
    }
    // Frames none of which seems to be shown are something else.
    assert_eq!(found(&Recording { frame: 0, ..vp8 }.file()).frame_rate, Some(25.0));
}

#[test]
fn a_length_that_the_blocks_contradict_does_not_count() {
    for told in [1.0_f64, 500.0, 19_000_000.0] {
        let info = element(0x1549_a966, &element(0x4489, &told.to_be_bytes(), true), true);
        let probe = found(&Recording { info, ..Recording::default() }.file());
        assert_eq!(probe.duration, Some(Duration::from_millis(2001)), "{told}");
    }
}

#[test]
fn what_follows_the_last_block_does_not_count() {
    let whole = Recording::default().file();
    for behind in [
        &b"\r\n"[..],
        b"\n",
        b"TAGTitle of the song",
        b"APETAGEX\xd0\x07\0\0",
        b"<!-- served by a proxy -->",
        b"\r\n--boundary--\r\n",
        &[0; 3],
        &[0xff; 9],
    ] {
        assert_eq!(found(&[&whole, behind].concat()), found(&whole), "{behind:?}");
    }
}

#[test]
fn sizes_that_are_told_a_little_too_long_are_no_loss() {
    let mut file = Recording::default().file();
    let segment = file.windows(4).position(|id| id == [0x18, 0x53, 0x80, 0x67]).unwrap();
    let size = file.len() - segment - 12;
    let mut complete = |excess: usize| {
        file[segment + 4..segment + 12]
            .copy_from_slice(&(1_u64 << 56 | (size + excess) as u64).to_be_bytes());
        found(&file).complete
    };
    assert!(complete(0) && complete(8));
    assert!(!complete(5000));
}

#[test]
fn the_first_large_picture_counts() {
    let mut file = Recording { codec: b"V_VP9", ..Recording::default() }.file();
    let tracks = file.windows(4).position(|id| id == [0x16, 0x54, 0xae, 0x6b]).unwrap();
    let size = [element(0xb0, &[160], true), element(0xba, &[90], true)].concat();
    let preview = [
        element(0xd7, &[9], true),
        element(0x83, &[1], true),
        element(0x86, b"V_MJPEG", true),
        element(0xe0, &size, true),
    ];
    let preview = element(0xae, &preview.concat(), true);
    let length = u64::from_be_bytes(*file[tracks + 4..].first_chunk().unwrap());
    file[tracks + 4..tracks + 12].copy_from_slice(&(length + preview.len() as u64).to_be_bytes());
    file.splice(tracks + 12..tracks + 12, preview);
    let probe = found(&file);
    assert_eq!((probe.width, probe.codec.as_deref()), (Some(640), Some("vp9")));
    assert!(probe.frame_rate.is_some());
}

#[test]
fn encryption_is_told() {
    let encryption = element(0x6240, &element(0x5035, &[], true), true);
    let track = element(0x6d80, &encryption, true);
    assert!(found(&Recording { track, ..Recording::default() }.file()).protected);
    assert!(!found(&Recording::default().file()).protected);
}

#[test]
fn a_file_longer_than_is_read_block_by_block_is_measured_to_its_end() {
    // Clusters of a hundred blocks and known size, more than are entered.
    let rig = Recording::default();
    let mut file = Recording { millis: &[], ..rig }.file();
    let clusters = 900_u32;
    for number in 0..clusters {
        let mut cluster = element(0xe7, &(number * 4000).to_be_bytes(), true);
        for block in 0..100_i16 {
            let [a, b] = (block * 40).to_be_bytes();
            cluster.extend(element(0xa3, &[0x81, a, b, 0x80, 0x10], true));
        }
        file.extend(element(0x1f43_b675, &cluster, true));
    }
    let probe = found(&file);
    assert_eq!((probe.frame_rate, probe.steady, probe.complete), (Some(25.0), true, true));
    let last = u64::from(clusters) * 4000 - 40;
    assert_eq!(probe.duration, Some(Duration::from_millis(last)));
    assert!(!found(&file[..file.len() - 1]).complete);
}

#[test]
fn matroska_is_webm_when_it_holds_nothing_else() {
    for kind in [&b"matroska"[..], b""] {
        let probe = found(&Recording { kind, ..Recording::default() }.file());
        assert_eq!(
            probe,
            Probe { oddities: vec![Oddity::CalledMatroska], ..found(&Recording::default().file()) }
        );
        let other = Recording { kind, codec: b"V_MPEG4/ISO/AVC", ..Recording::default() };
        let said = refused(&other.file());
        assert_eq!(said, "not an MP4, MOV or WebM video: this is a Matroska (MKV) video");
    }
    assert!(probe_bytes(&Recording { kind: b"other", ..Recording::default() }.file()).is_err());
}

#[test]
fn a_segment_is_called_so() {
    let file = Recording::default().file();
    let at = file.windows(4).position(|id| id == [0x1f, 0x43, 0xb6, 0x75]).unwrap();
    assert!(
        refused(&file[at..]).ends_with("this is a segment of a WebM stream, without its header")
    );
}

#[test]
fn more_zeros_behind_a_recording_than_before_them_are_told() {
    let unsized_too = [Recording::default().file(), fixture!("live.webm").to_vec()];
    for whole in unsized_too {
        let (end, count) = (whole.len() as u64, 2 << 20);
        let padded = [whole.clone(), vec![0; 2 << 20]].concat();
        let trailing = Oddity::Trailing { end, count, zeros: true };
        assert_eq!(found(&padded), Probe { oddities: vec![trailing], ..found(&whole) });
        assert_eq!(found(&[whole, vec![0; 1000]].concat()).oddities, []);
    }
}

#[test]
fn a_second_video_behind_the_first_is_told() {
    let fixtures = [
        include_bytes!("../../fixtures/vp9.webm").as_slice(),
        include_bytes!("../../fixtures/live.webm").as_slice(),
    ];
    for one in fixtures {
        for second in fixtures {
            let at = one.len() as u64;
            assert_eq!(found(&[one, second].concat()).oddities, [Oddity::Second { at }]);
        }
    }
    let [sized, _] = fixtures;
    let mp4 = include_bytes!("../../fixtures/fast-start.mp4").as_slice();
    let at = sized.len() as u64;
    assert_eq!(found(&[sized, mp4].concat()).oddities, [Oddity::Second { at }]);
}

#[test]
fn what_precedes_a_webm_is_told() {
    let file = Recording::default().file();
    for before in [&b"\n"[..], b"\xef\xbb\xbf", b"HTTP/1.1 200 OK\r\n\r\n"] {
        let [Oddity::Foreign { count, what: Some(_) }] =
            found(&[before, &file].concat()).oddities[..]
        else {
            panic!("{before:?}");
        };
        assert_eq!(count, before.len() as u64);
    }
}

/// A recording with frames as large and as mixed as compressed ones, every second block within a group; `known`
/// says whether the segment and its clusters know their sizes.
fn noisy(known: bool) -> Vec<u8> {
    let mut state = 7_u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(next).collect()
    };
    let mut segment = Vec::new();
    for number in 0..6_u16 {
        let mut cluster = element(0xe7, &(number * 1000).to_be_bytes(), true);
        for block in 0..25_i16 {
            let [a, b] = (block * 40).to_be_bytes();
            let body = [&[0x81, a, b, 0x80, 0x10][..], &noise(3000)].concat();
            cluster.extend(match block % 2 {
                0 => element(0xa3, &body, true),
                _ if known => element(0xa0, &element(0xa1, &body, true), true),
                _ => element(0xa3, &body, true),
            });
        }
        // Padding, as a tool leaves it that took something out.
        cluster.extend(element(0xec, &[0; 100], true));
        segment.extend(element(0x1f43_b675, &cluster, known));
    }
    segment.extend(element(0x1c53_bb6b, &noise(200), true));
    let begin = Recording { millis: &[], ..Recording::default() }.file();
    if !known {
        return [begin, segment].concat();
    }
    let at = begin.windows(4).position(|id| id == [0x18, 0x53, 0x80, 0x67]).unwrap();
    let content = [&begin[at + 12..], &segment].concat();
    [&begin[..at], &element(0x1853_8067, &content, true)].concat()
}

/// Whether a video is told to have been changed, or the like of one is refused as that.
fn is_changed(bytes: &[u8]) -> bool {
    match probe_bytes(bytes) {
        Ok(probe) => probe.oddities == [Oddity::Changed],
        Err(error) => matches!(error, ProbeError::Changed),
    }
}

#[test]
fn a_recording_that_a_transfer_in_text_mode_changed_is_told() {
    for known in [true, false] {
        let whole = noisy(known);
        assert_eq!((found(&whole).oddities, found(&whole).complete), (vec![], true));
        for (from, to) in [(&b"\n"[..], &b"\r\n"[..]), (b"\r\n", b"\n"), (b"\r", b"")] {
            let changed = real::replaced(&whole, from, to);
            assert_ne!(changed.len(), whole.len());
            assert!(is_changed(&changed), "{known} {from:?}: {:?}", probe_bytes(&changed));
        }
    }
    // A single byte that is missing or too many, anywhere but in the last cluster.
    let whole = noisy(true);
    for at in (3000..300_000).step_by(20_011) {
        let missing = [&whole[..at], &whole[at + 1..]].concat();
        assert!(is_changed(&missing), "{at}: {:?}", probe_bytes(&missing));
        let more = [&whole[..at], b"\r", &whole[at..]].concat();
        assert!(is_changed(&more), "{at}: {:?}", probe_bytes(&more));
    }
    for whole in [fixture!("vp9.webm"), fixture!("live.webm")] {
        assert!(is_changed(&real::replaced(whole, b"\n", b"\r\n")));
    }
}

#[test]
fn a_recording_that_is_cut_off_or_has_something_behind_it_was_not_changed() {
    let page = "<p>fünf Öfen</p>\r\n".repeat(200);
    let noise: Vec<u8> =
        (0..70_000_u32).map(|at| (at.wrapping_mul(at) / 251).to_be_bytes()[3]).collect();
    for whole in
        [noisy(true), noisy(false), fixture!("vp9.webm").to_vec(), fixture!("live.webm").to_vec()]
    {
        for length in (0..whole.len()).step_by(whole.len() / 250) {
            assert!(!is_changed(&whole[..length]), "{length} of {}", whole.len());
            let zeros = [&whole[..length], &vec![0; whole.len() - length]].concat();
            assert!(!is_changed(&zeros), "zeros from {length} of {}", whole.len());
        }
        for behind in [page.as_bytes(), &noise, &[0xff; 5000], &[0; 5000]] {
            assert_eq!(found(&[&whole, behind].concat()), found(&whole));
        }
        assert!(!is_changed(&[&whole[..], &[0xa3; 5000]].concat()));
    }
}

#[test]
fn zeros_within_a_cluster_that_goes_on_were_never_written() {
    let mut bytes = noisy(true);
    bytes[40_000..60_000].fill(0);
    let blank = found(&bytes).blank.unwrap();
    assert!((40_000..44_000).contains(&blank.start), "{blank:?}");
    assert!(!is_changed(&bytes));
}
