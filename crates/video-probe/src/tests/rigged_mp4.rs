//! MP4 and QuickTime files made by hand, for what ffmpeg does not write.

use std::time::Duration;

use super::*;

/// A box.
fn atom(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes()[..], kind, content].concat()
}

/// A box whose size has 64 bits.
fn long_atom(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let size = content.len() as u64 + 16;
    [&1_u32.to_be_bytes()[..], kind, &size.to_be_bytes(), content].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// An MP4 made by hand; what differs between tests.
struct Rig {
    /// Whether times have 64 bits.
    long: bool,
    /// Ticks of the whole, a thousand a second.
    ticks: u32,
    enabled: bool,
    codec: [u8; 4],
    /// Upper left of the track's matrix: a, b, u, c, d.
    matrix: [u32; 5],
    coded: (u16, u16),
    shown: (u32, u32),
    /// Stretches of frames and the ticks of each.
    frames: Vec<(u32, u32)>,
    /// Where the only piece of content begins.
    piece: u32,
}

const UPRIGHT: [u32; 5] = [0x1_0000, 0, 0, 0, 0x1_0000];
const TURNED: [u32; 5] = [0, 0x1_0000, 0, 0xffff_0000, 0];

impl Default for Rig {
    fn default() -> Self {
        Self {
            long: false,
            ticks: 2000,
            enabled: true,
            codec: *b"avc1",
            matrix: UPRIGHT,
            coded: (720, 1280),
            shown: (720, 1280),
            frames: vec![(60, 33)],
            piece: 0,
        }
    }
}

impl Rig {
    /// Beginning of `mvhd` and `mdhd`: two dates, the scale and the length.
    fn times(&self) -> Vec<u8> {
        if self.long {
            numbers(&[0x0100_0000, 0, 0, 0, 0, 1000, 0, self.ticks])
        } else {
            numbers(&[0, 0, 0, 1000, self.ticks])
        }
    }

    fn track_header(&self) -> Vec<u8> {
        let flags = u32::from(self.enabled);
        let mut header = if self.long {
            numbers(&[0x0100_0000 | flags, 0, 0, 0, 0, 1, 0, 0, self.ticks])
        } else {
            numbers(&[flags, 0, 0, 1, 0, self.ticks])
        };
        header.extend(numbers(&[0, 0, 0, 0]));
        header.extend(numbers(&self.matrix));
        header.extend(numbers(&[0, 0, 0, 0x4000_0000, self.shown.0 << 16, self.shown.1 << 16]));
        atom(b"tkhd", &header)
    }

    fn samples(&self) -> Vec<u8> {
        let mut entry = [&numbers(&[0, 1, 86])[..], &self.codec, &[0; 24]].concat();
        entry.extend(self.coded.0.to_be_bytes());
        entry.extend(self.coded.1.to_be_bytes());
        entry.extend([0; 50]);
        let pairs: Vec<u32> = self.frames.iter().flat_map(|&(a, b)| [a, b]).collect();
        let stretches = u32::try_from(self.frames.len()).unwrap();
        let count = self.frames.iter().map(|&(count, _)| count).sum();
        let tables = [
            atom(b"stsd", &entry),
            atom(b"stts", &[numbers(&[0, stretches]), numbers(&pairs)].concat()),
            atom(b"stsz", &numbers(&[0, 1, count])),
            atom(b"stco", &numbers(&[0, 1, self.piece])),
        ];
        atom(b"stbl", &tables.concat())
    }

    fn track(&self) -> Vec<u8> {
        let handler = [&numbers(&[0, 0])[..], b"vide", &[0; 13]].concat();
        let media = [
            atom(b"mdhd", &[&self.times()[..], &[0; 4]].concat()),
            atom(b"hdlr", &handler),
            atom(b"minf", &self.samples()),
        ];
        atom(b"trak", &[self.track_header(), atom(b"mdia", &media.concat())].concat())
    }

    fn moov(&self) -> Vec<u8> {
        [atom(b"mvhd", &[&self.times()[..], &[0; 80]].concat()), self.track()].concat()
    }

    fn file(&self) -> Vec<u8> {
        file(&self.moov())
    }
}

/// An MP4 with this index.
fn file(moov: &[u8]) -> Vec<u8> {
    [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", moov), atom(b"mdat", &[7; 99])].concat()
}

#[test]
fn a_rig_is_a_video() {
    let probe = found(&Rig::default().file());
    assert_eq!((probe.width, probe.height), (Some(720), Some(1280)));
    assert_eq!(probe.duration, Some(Duration::from_secs(2)));
    assert_eq!(probe.frame_rate, Some(30.0));
    assert!(probe.steady && probe.complete && probe.shown.is_none());
}

#[test]
fn sizes_of_64_bits_are_read() {
    let rig = Rig::default();
    let file = [
        atom(b"ftyp", b"isom\0\0\0\0"),
        long_atom(b"mdat", &[7; 99]),
        long_atom(b"moov", &rig.moov()),
    ];
    assert_eq!(found(&file.concat()), found(&rig.file()));
}

#[test]
fn a_size_of_zero_goes_to_the_end_of_the_file() {
    let rig = Rig::default();
    let mut file = [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &rig.moov())].concat();
    file.extend(b"\0\0\0\0mdat and all the rest");
    assert_eq!(found(&file), found(&rig.file()));
}

#[test]
fn content_that_ends_before_its_last_piece_is_cut_off() {
    let file = Rig { piece: 1_000_000, ..Rig::default() }.file();
    assert!(!found(&file).complete);
}

#[test]
fn an_old_quicktime_file_has_no_brand() {
    let rig = Rig::default();
    let file = [atom(b"wide", b""), atom(b"mdat", &[7; 99]), atom(b"moov", &rig.moov())];
    assert_eq!(found(&file.concat()), Probe { container: Container::Mov, ..found(&rig.file()) });
}

#[test]
fn a_list_may_end_with_zeros_as_quicktime_writes_them() {
    let rig = Rig::default();
    let moov = [rig.moov(), vec![0; 4]].concat();
    let file = [atom(b"ftyp", b"qt  \0\0\0\0"), atom(b"mdat", &[7; 99]), atom(b"moov", &moov)];
    assert_eq!(found(&file.concat()).width, Some(720));
}

#[test]
fn a_picture_that_players_turn_is_seen_as_they_show_it() {
    let rig = Rig { matrix: TURNED, coded: (1280, 720), shown: (1280, 720), ..Rig::default() };
    let probe = found(&rig.file());
    assert_eq!((probe.width, probe.height, probe.shown), (Some(720), Some(1280), None));
}

#[test]
fn a_picture_that_players_stretch_tells_both_sizes() {
    let probe = found(&Rig { coded: (352, 480), shown: (640, 480), ..Rig::default() }.file());
    assert_eq!((probe.width, probe.height), (Some(352), Some(480)));
    assert_eq!(probe.shown, Some((640, 480)));
}

#[test]
fn times_of_64_bits_are_read() {
    for matrix in [UPRIGHT, TURNED] {
        let shown = (853, 480);
        let short = Rig { matrix, shown, ..Rig::default() };
        let long = Rig { long: true, matrix, shown, ..Rig::default() };
        assert_eq!(found(&long.file()), found(&short.file()));
    }
}

#[test]
fn an_unknown_length_is_had_from_the_frames() {
    for long in [false, true] {
        let rig = Rig { long, ticks: u32::MAX, ..Rig::default() };
        let mut moov = rig.moov();
        // All ones mean unknown; the upper half of a long one is zero so far.
        let ones: Vec<usize> = (8..moov.len() - 4)
            .filter(|&at| moov[at..at + 4] == [0xff; 4] && moov[at - 4..at] == [0; 4])
            .collect();
        for at in ones.into_iter().filter(|_| long) {
            moov[at - 4..at].fill(0xff);
        }
        assert_eq!(found(&file(&moov)).duration, Some(Duration::from_millis(1980)));
    }
}

#[test]
fn the_first_track_that_players_show_counts() {
    let hidden = Rig { enabled: false, coded: (160, 120), ..Rig::default() };
    let shown = Rig::default();
    let other = Rig { coded: (320, 240), ..Rig::default() };
    for moov in [
        [hidden.moov(), shown.track(), other.track()].concat(),
        [shown.moov(), hidden.track(), other.track()].concat(),
    ] {
        assert_eq!(found(&file(&moov)), found(&shown.file()));
    }
    let alone = found(&hidden.file());
    assert_eq!((alone.width, alone.height), (Some(160), Some(120)));
}

#[test]
fn codecs_have_their_common_names() {
    for (codec, name) in [
        (*b"hvc1", "h265"),
        (*b"hev1", "h265"),
        (*b"vp09", "vp9"),
        (*b"av01", "av1"),
        (*b"mp4v", "mpeg4"),
        (*b"apch", "prores"),
        (*b"new1", "new1"),
        (*b"\x1b[2J", "\\x1b[2J"),
    ] {
        let probe = found(&Rig { codec, ..Rig::default() }.file());
        assert_eq!(probe.codec.as_deref(), Some(name));
    }
}

#[test]
fn frames_that_come_as_they_like_are_not_steady() {
    let frames = vec![(10, 20), (10, 60), (10, 20), (10, 100)];
    let probe = found(&Rig { frames, ..Rig::default() }.file());
    assert_eq!((probe.frame_rate, probe.steady), (Some(20.0), false));
}

#[test]
fn a_compressed_index_is_left_to_tiktok() {
    let moov = atom(b"moov", &atom(b"cmov", &[9; 40]));
    let file = [atom(b"ftyp", b"qt  \0\0\0\0"), atom(b"mdat", &[7; 99]), moov];
    assert_eq!(found(&file.concat()), Probe::unknown(Container::Mov));
}

#[test]
fn scraps_behind_the_last_box_do_no_harm() {
    let rig = Rig::default();
    for scraps in [&[0; 4][..], &[0; 64], &[0xff; 64], b"\xff\xff\xff\xff\x01\x02\x03\x04rest"] {
        let file = [rig.file(), scraps.to_vec()].concat();
        assert_eq!(found(&file), found(&rig.file()), "{scraps:?}");
    }
}

/// Fragments: one `moof` box for each, of frames that say their own ticks or that do not.
fn fragmented(foretold: u32, fragments: &[(u32, Option<u32>)]) -> Vec<u8> {
    let rig = Rig { ticks: 0, frames: vec![], ..Rig::default() };
    let extends =
        [atom(b"mehd", &numbers(&[0, foretold])), atom(b"trex", &numbers(&[0, 1, 1, 40, 0, 0]))];
    let moov = [rig.moov(), atom(b"mvex", &extends.concat())].concat();
    let mut file = [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &moov)].concat();
    for &(count, own) in fragments {
        let run = match own {
            Some(ticks) => {
                let each = [ticks, 1000].repeat(usize::try_from(count).unwrap());
                [numbers(&[0x305, count, 0, 0]), numbers(&each)].concat()
            }
            None => numbers(&[0, count]),
        };
        let ours = [atom(b"tfhd", &numbers(&[0, 1])), atom(b"trun", &run)].concat();
        let sound = [atom(b"tfhd", &numbers(&[8, 2, 1024])), atom(b"trun", &numbers(&[0, 500]))];
        let trafs = [atom(b"traf", &sound.concat()), atom(b"traf", &ours)];
        file.extend(atom(b"moof", &trafs.concat()));
        file.extend(atom(b"mdat", &[7; 40]));
    }
    file
}

#[test]
fn fragments_are_added_up() {
    let probe = found(&fragmented(0, &[(25, None), (25, Some(40)), (10, Some(40))]));
    assert_eq!(probe.duration, Some(Duration::from_millis(2400)));
    assert_eq!((probe.frame_rate, probe.steady), (Some(25.0), true));
    assert!(probe.complete);
}

#[test]
fn a_fragment_may_have_ticks_of_its_own() {
    for (flags, before) in [(0x08, &[][..]), (0x0a, &[1]), (0x0b, &[0, 0, 1])] {
        let header = [numbers(&[flags, 1]), numbers(before), numbers(&[20])].concat();
        let traf = [atom(b"tfhd", &header), atom(b"trun", &numbers(&[0, 50]))].concat();
        let mut file = fragmented(0, &[]);
        file.extend(atom(b"moof", &atom(b"traf", &traf)));
        file.extend(atom(b"mdat", &[7; 40]));
        assert_eq!(found(&file).duration, Some(Duration::from_secs(1)), "{flags:#x}");
    }
}

#[test]
fn fragments_that_never_came_are_missing() {
    for content in [vec![], atom(b"mdat", &[7; 40])] {
        assert!(!found(&[fragmented(5000, &[]), content].concat()).complete);
    }
}

#[test]
fn of_too_many_fragments_the_foretold_length_counts() {
    let many = vec![(1, None); 30_000];
    assert_eq!(found(&fragmented(5000, &many)).duration, Some(Duration::from_secs(5)));
    assert_eq!(found(&fragmented(0, &many)).duration, None);
}

#[test]
fn of_too_many_fragments_an_index_counts() {
    let head = fragmented(0, &[]);
    let many = fragmented(0, &vec![(1, None); 30_000]).split_off(head.len());
    let entries = numbers(&[2, 99, 90_000, 0, 99, 45_000, 0]);
    for start in [numbers(&[0, 1, 90_000, 0, 0]), numbers(&[1 << 24, 1, 90_000, 0, 0, 0, 0])] {
        let index = atom(b"sidx", &[start, entries.clone()].concat());
        let file = [head.clone(), index, many.clone()].concat();
        assert_eq!(found(&file).duration, Some(Duration::from_millis(1500)));
    }
}

#[test]
fn an_index_of_indexes_does_not_count() {
    let head = fragmented(0, &[]);
    let many = fragmented(0, &vec![(1, None); 30_000]).split_off(head.len());
    let index = atom(b"sidx", &numbers(&[0, 1, 90_000, 0, 0, 1, 0x8000_0063, 90_000, 0]));
    assert_eq!(found(&[head, index, many].concat()).duration, None);
}
