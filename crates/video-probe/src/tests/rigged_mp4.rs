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
    /// Kind of its samples.
    kind: [u8; 4],
    /// Boxes of the sample entry.
    boxes: Vec<u8>,
    /// Which parts are shown: lengths of a thousand a second, and where they begin.
    edits: Vec<(u32, i32)>,
    /// Other tables of samples than those that only say where the piece begins.
    tables: Option<Vec<u8>>,
    id: u32,
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
            kind: *b"vide",
            boxes: vec![],
            edits: vec![],
            tables: None,
            id: 1,
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
            numbers(&[0x0100_0000 | flags, 0, 0, 0, 0, self.id, 0, 0, self.ticks])
        } else {
            numbers(&[flags, 0, 0, self.id, 0, self.ticks])
        };
        header.extend(numbers(&[0, 0, 0, 0]));
        header.extend(numbers(&self.matrix));
        header.extend(numbers(&[0, 0, 0, 0x4000_0000, self.shown.0 << 16, self.shown.1 << 16]));
        atom(b"tkhd", &header)
    }

    fn samples(&self) -> Vec<u8> {
        let size = u32::try_from(86 + self.boxes.len()).unwrap();
        let mut entry = [&numbers(&[0, 1, size])[..], &self.codec, &[0; 24]].concat();
        entry.extend(self.coded.0.to_be_bytes());
        entry.extend(self.coded.1.to_be_bytes());
        entry.extend([0; 50]);
        entry.extend(&self.boxes);
        let pairs: Vec<u32> = self.frames.iter().flat_map(|&(a, b)| [a, b]).collect();
        let stretches = u32::try_from(self.frames.len()).unwrap();
        let count = self.frames.iter().map(|&(count, _)| count).sum();
        let tables = [
            atom(b"stsd", &entry),
            atom(b"stts", &[numbers(&[0, stretches]), numbers(&pairs)].concat()),
            self.tables.clone().unwrap_or_else(|| {
                let sizes = atom(b"stsz", &numbers(&[0, 1, count]));
                [sizes, atom(b"stco", &numbers(&[0, 1, self.piece]))].concat()
            }),
        ];
        atom(b"stbl", &tables.concat())
    }

    fn track(&self) -> Vec<u8> {
        let handler = [&numbers(&[0, 0])[..], &self.kind, &[0; 13]].concat();
        let media = [
            atom(b"mdhd", &[&self.times()[..], &[0; 4]].concat()),
            atom(b"hdlr", &handler),
            atom(b"minf", &self.samples()),
        ];
        let edits: Vec<u32> = self
            .edits
            .iter()
            .flat_map(|&(length, start)| [length, start.cast_unsigned(), 0x1_0000])
            .collect();
        let count = u32::try_from(self.edits.len()).unwrap();
        let edits =
            atom(b"edts", &atom(b"elst", &[numbers(&[0, count]), numbers(&edits)].concat()));
        let edits = if count == 0 { vec![] } else { edits };
        atom(b"trak", &[self.track_header(), edits, atom(b"mdia", &media.concat())].concat())
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

/// Files that lead into every corner of the reader.
pub(super) fn corners() -> Vec<Vec<u8>> {
    let esds = atom(b"esds", &[0, 0, 0, 0, 3, 20, 0, 1, 0, 4, 15, 0x6c]);
    let scheme = atom(b"sinf", &atom(b"frma", b"hvc1"));
    let boxes = [atom(b"avcC", &AVC), pasp(20, 11), esds, scheme].concat();
    let edits = vec![(500, -1), (1000, 500), (90_000, 1000)];
    let picture = Rig { codec: *b"encv", boxes, edits, ..Rig::default() };
    let sound = Rig {
        kind: *b"soun",
        id: 2,
        tables: Some(tables(&[30, 70], 2, &[10; 4])),
        ..Rig::default()
    };
    let packed = [
        atom(b"stsc", &numbers(&[0, 2, 1, 1, 1, 2, 3, 1])),
        atom(b"stz2", &numbers(&[0, 4, 4, 0x5678_0000])),
        atom(b"co64", &numbers(&[0, 2, 0, 40, 0, 60])),
    ];
    let packed = Rig { frames: vec![(4, 500)], tables: Some(packed.concat()), ..Rig::default() };
    let fragments = [two_tracks(5000), fragment(1, 0, &[9; 5], 0), fragment(2, 90, &[9; 5], 1)];
    vec![
        with_samples([1, 0], b"TAG of some kind"),
        file(&[picture.moov(), sound.track()].concat()),
        packed.file(),
        fragments.concat(),
        [&b"ID3\x04\0\0\0\0\0\x02\0\0"[..], &fragmented(5000, &[(3, Some(40)), (2, None)])]
            .concat(),
    ]
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
                let each = [ticks, 1].repeat(usize::try_from(count).unwrap());
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
    let many = vec![(1, Some(0)); 30_000];
    assert_eq!(found(&fragmented(5000, &many)).duration, Some(Duration::from_secs(5)));
    assert_eq!(found(&fragmented(0, &many)).duration, None);
}

#[test]
fn of_too_many_fragments_an_index_counts() {
    let head = fragmented(0, &[]);
    let many = fragmented(0, &vec![(1, Some(0)); 30_000]).split_off(head.len());
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
    let many = fragmented(0, &vec![(1, Some(0)); 30_000]).split_off(head.len());
    let index = atom(b"sidx", &numbers(&[0, 1, 90_000, 0, 0, 1, 0x8000_0063, 90_000, 0]));
    assert_eq!(found(&[head, index, many].concat()).duration, None);
}

/// What a table of one chunk of samples says, with the size of each.
fn tables(chunks: &[u32], in_chunk: u32, sizes: &[u32]) -> Vec<u8> {
    let (count, pieces) =
        (u32::try_from(sizes.len()).unwrap(), u32::try_from(chunks.len()).unwrap());
    [
        atom(b"stsc", &numbers(&[0, 1, 1, in_chunk, 1])),
        atom(b"stsz", &[numbers(&[0, 0, count]), numbers(sizes)].concat()),
        atom(b"stco", &[numbers(&[0, pieces]), numbers(chunks)].concat()),
    ]
    .concat()
}

/// A video of four samples in two chunks, of ten bytes each, and then what `behind` says. The samples
/// lie between its boxes, so that only the tables tell where they end.
fn with_samples(order: [u32; 2], behind: &[u8]) -> Vec<u8> {
    let rig = |start: u32| Rig {
        frames: vec![(4, 500)],
        tables: Some(tables(&[start + 20 * order[0], start + 20 * order[1]], 2, &[10; 4])),
        ..Rig::default()
    };
    let head =
        |start: u32| [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &rig(start).moov())].concat();
    let start = u32::try_from(head(0).len()).unwrap() + 8;
    [head(start), atom(b"mdat", &[7; 40]), behind.to_vec()].concat()
}

#[test]
fn the_last_sample_makes_a_file_whole_in_whatever_order_they_lie() {
    for order in [[0, 1], [1, 0]] {
        let file = with_samples(order, b"");
        assert!(found(&file).complete);
        for missing in 1..40 {
            assert!(!found(&file[..file.len() - missing]).complete, "{order:?} {missing}");
        }
    }
}

#[test]
fn a_box_that_is_told_too_long_is_no_loss() {
    let mut file = with_samples([0, 1], b"");
    let at = file.len() - 48;
    for size in [49_u32, 56, 5000, u32::MAX] {
        file[at..at + 4].copy_from_slice(&size.to_be_bytes());
        assert!(found(&file).complete, "{size}");
    }
}

#[test]
fn what_follows_the_last_sample_does_not_count() {
    let whole = found(&with_samples([0, 1], b""));
    for behind in [
        &b"TAGTitle of the song          Artist"[..],
        b"APETAGEX\xd0\x07\0\0\x20\0\0\0",
        b"\r\n",
        b"\n<!-- served by a proxy that adds a comment -->\n",
        b"\xff\xff\xff\xffabcd",
        b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff",
        &[0; 5],
    ] {
        assert_eq!(found(&with_samples([0, 1], behind)), whole, "{behind:?}");
    }
    // All of the pictures are there, and yet a copy may have broken off.
    for (behind, count) in [(&b"\0\0\x10\0free"[..], 4088), (b"\0\0\x10\0uuid....", 4084)] {
        let found = found(&with_samples([0, 1], behind));
        let oddities = vec![Oddity::Overlong(count)];
        assert_eq!(found, Probe { oddities, ..whole.clone() }, "{behind:?}");
    }
}

#[test]
fn an_index_is_found_behind_content_of_a_wrong_size() {
    let rig = Rig::default();
    for size in [99_u32, 107, 115, 130, 100_000] {
        let mut file =
            [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"mdat", &[7; 99]), atom(b"moov", &rig.moov())]
                .concat();
        file[16..20].copy_from_slice(&size.to_be_bytes());
        let oddities = if size == 107 { vec![] } else { vec![Oddity::BrokenChain] };
        assert_eq!(found(&file), Probe { oddities, ..found(&rig.file()) }, "{size}");
    }
}

#[test]
fn an_index_that_is_told_a_little_too_long_is_read() {
    let rig = Rig::default();
    let mut file =
        [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"mdat", &[7; 99]), atom(b"moov", &rig.moov())]
            .concat();
    let size = u32::try_from(rig.moov().len() + 16).unwrap();
    file[123..127].copy_from_slice(&size.to_be_bytes());
    assert_eq!(found(&file), found(&rig.file()));
    file[123..127].copy_from_slice(&(size + 100).to_be_bytes());
    assert!(probe_bytes(&file).is_err());
}

#[test]
fn small_sizes_of_samples_are_read_as_they_are_packed() {
    for (bits, sizes) in
        [(4, &[0x56, 0x78][..]), (8, &[5, 6, 7, 8]), (16, &[0, 5, 0, 6, 0, 7, 0, 8])]
    {
        // One sample in the first chunk, three in the second.
        let head = |start: u32| {
            let tables = [
                atom(b"stsc", &numbers(&[0, 2, 1, 1, 1, 2, 3, 1])),
                atom(b"stz2", &[&numbers(&[0, bits, 4])[..], sizes].concat()),
                atom(b"stco", &numbers(&[0, 2, start, start + 5])),
            ];
            let tables = Some(tables.concat());
            let rig = Rig { frames: vec![(4, 500)], tables, ..Rig::default() };
            [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &rig.moov())].concat()
        };
        let start = u32::try_from(head(0).len()).unwrap() + 8;
        let file = [head(start), atom(b"mdat", &[7; 26])].concat();
        assert!(found(&file).complete, "{bits}");
        assert!(!found(&file[..file.len() - 1]).complete, "{bits}");
    }
}

#[test]
fn sound_that_is_counted_in_bytes_is_no_loss() {
    let picture = Rig::default();
    let tables = [
        atom(b"stsc", &numbers(&[0, 1, 1, 50_000, 1])),
        atom(b"stsz", &numbers(&[0, 1, 50_000])),
        atom(b"stco", &numbers(&[0, 1, 30])),
    ];
    let sound = Rig {
        kind: *b"soun",
        codec: *b"ima4",
        frames: vec![(2000, 1)],
        tables: Some(tables.concat()),
        ..Rig::default()
    };
    assert!(found(&file(&[picture.moov(), sound.track()].concat())).complete);
}

#[test]
fn missing_sound_is_missing() {
    let sound = |at: u32| Rig {
        kind: *b"soun",
        codec: *b"mp4a",
        tables: Some(tables(&[at], 4, &[10; 4])),
        ..Rig::default()
    };
    let complete = |at| found(&file(&[Rig::default().moov(), sound(at).track()].concat())).complete;
    assert!(complete(30));
    assert!(!complete(100_000));
}

#[test]
fn tables_without_a_sample_are_passed_over() {
    let empty = |kind| Rig {
        kind,
        frames: vec![],
        ticks: 0,
        tables: Some(tables(&[], 1, &[])),
        ..Rig::default()
    };
    let good = Rig::default();
    for kind in [*b"vide", *b"soun", *b"text"] {
        let found_too = found(&file(&[empty(kind).track(), good.moov()].concat()));
        assert_eq!(found_too, found(&good.file()));
    }
    let nothing = found(&file(&empty(*b"vide").moov()));
    assert!(!nothing.complete);
    // No description of samples at all.
    let mut moov = good.moov();
    let at = moov.windows(4).position(|name| name == b"stsd").unwrap();
    moov[at + 11] = 0;
    assert_eq!((found(&file(&moov)).codec, found(&file(&moov)).width), (None, None));
}

#[test]
fn sound_that_outlasts_the_picture_counts() {
    let sound = Rig { kind: *b"soun", ticks: 2750, frames: vec![(2750, 1)], ..Rig::default() };
    let moov = [Rig::default().moov(), sound.track()].concat();
    assert_eq!(found(&file(&moov)).duration, Some(Duration::from_millis(2750)));
}

#[test]
fn a_header_that_the_tracks_contradict_does_not_count() {
    let rig = Rig::default();
    for told in [1_u32, 1800, 3000, 19_000_000] {
        let mut moov = rig.moov();
        // The length in `mvhd`.
        moov[24..28].copy_from_slice(&told.to_be_bytes());
        assert_eq!(found(&file(&moov)).duration, Some(Duration::from_secs(2)), "{told}");
    }
    // The header of the media itself, against sixty frames of 33.
    let moov = Rig { ticks: 600_000, ..Rig::default() }.moov();
    assert_eq!(found(&file(&moov)).duration, Some(Duration::from_millis(1980)));
}

#[test]
fn edits_say_what_is_shown() {
    let length = |edits: &[(u32, i32)]| {
        let mut moov = Rig { edits: edits.to_vec(), ..Rig::default() }.moov();
        moov[24..28].copy_from_slice(&u32::MAX.to_be_bytes());
        found(&file(&moov)).duration.unwrap().as_millis()
    };
    assert_eq!(length(&[(1500, 500)]), 1500);
    assert_eq!(length(&[(500, -1), (1500, 0)]), 2000);
    assert_eq!(length(&[(500, 0), (500, 1000)]), 1000);
    // To the end, and far beyond it.
    assert_eq!(length(&[(0, 500)]), 1500);
    assert_eq!(length(&[(90_000, 500)]), 1500);
    // A pause that nothing follows.
    assert_eq!(length(&[(1000, 0), (90_000, -1)]), 1000);
    assert_eq!(length(&[(1000, -1)]), 2000);
}

fn pasp(across: u32, down: u32) -> Vec<u8> {
    atom(b"pasp", &numbers(&[across, down]))
}

#[test]
fn pixels_that_are_not_square_stretch_the_picture() {
    let sd = |boxes| Rig { coded: (352, 480), shown: (352, 480), boxes, ..Rig::default() };
    for brand in [*b"isom", *b"qt  "] {
        let file = |rig: &Rig| {
            let mut file = rig.file();
            file[8..12].copy_from_slice(&brand);
            found(&file)
        };
        let probe = file(&sd(pasp(20, 11)));
        assert_eq!(
            (probe.width, probe.height, probe.shown),
            (Some(352), Some(480), Some((640, 480)))
        );
        let probe = file(&Rig { matrix: TURNED, ..sd(pasp(20, 11)) });
        assert_eq!(
            (probe.width, probe.height, probe.shown),
            (Some(480), Some(352), Some((480, 640)))
        );
        for boxes in [pasp(1, 1), pasp(0, 1), pasp(7, 0), atom(b"pasp", b"\0\0"), vec![]] {
            assert_eq!(file(&sd(boxes)).shown, None);
        }
    }
}

/// An `avcC` record of a baseline stream of 23 by 40 macroblocks, cropped to 358 by 640 pixels.
const AVC: [u8; 18] =
    [1, 66, 0, 30, 0xff, 0xe1, 0, 10, 0x67, 66, 0, 30, 0xda, 5, 0xc1, 69, 0x9b, 64];

#[test]
fn the_size_that_the_stream_tells_wins() {
    for (name, record, width) in [
        (b"avcC", AVC.to_vec(), 358),
        (b"avcC", AVC[..7].to_vec(), 360),
        (b"hvcC", vec![0xff; 40], 360),
    ] {
        let boxes = atom(name, &record);
        let rig = Rig { coded: (360, 640), shown: (360, 640), boxes, ..Rig::default() };
        let probe = found(&rig.file());
        assert_eq!((probe.width, probe.height, probe.shown), (Some(width), Some(640), None));
    }
}

#[test]
fn an_object_type_names_the_codec() {
    for (object, name) in [(0x20, "mpeg4"), (0x61, "mpeg2"), (0x6c, "mjpeg"), (0x40, "mpeg4")] {
        let boxes = atom(b"esds", &[0, 0, 0, 0, 3, 20, 0, 1, 0, 4, 15, object]);
        let probe = found(&Rig { codec: *b"mp4v", boxes, ..Rig::default() }.file());
        assert_eq!(probe.codec.as_deref(), Some(name));
    }
}

#[test]
fn an_entry_that_carries_the_configuration_of_another_codec_is_told() {
    let of = |codec, boxes: &[&[u8]]| {
        let boxes = boxes.iter().flat_map(|name| atom(name, &AVC)).collect();
        found(&Rig { codec, boxes, ..Rig::default() }.file()).oddities
    };
    let odd = |told, carried| vec![Oddity::Miscoded { told, carried }];
    assert_eq!(of(*b"avc1", &[b"hvcC"]), odd("h264", "h265"));
    assert_eq!(of(*b"hvc1", &[b"avcC"]), odd("h265", "h264"));
    assert_eq!(of(*b"avc1", &[b"av1C"]), odd("h264", "av1"));
    assert_eq!(of(*b"av01", &[b"vpcC"]), odd("av1", "vp9"));
    for (codec, boxes) in [
        (*b"avc1", &[][..]),
        (*b"avc3", &[&b"avcC"[..]]),
        (*b"dvhe", &[b"hvcC", b"dvcC"]),
        (*b"vp08", &[b"vpcC"]),
        (*b"new1", &[b"avcC"]),
        (*b"hvc1", &[b"hvcC", b"avcC"]),
    ] {
        assert_eq!(of(codec, boxes), [], "{codec:?}");
    }
}

#[test]
fn encryption_is_told_beside_the_codec() {
    let scheme = atom(b"sinf", &atom(b"frma", b"avc1"));
    let probe = found(&Rig { codec: *b"encv", boxes: scheme, ..Rig::default() }.file());
    assert_eq!((probe.protected, probe.codec.as_deref()), (true, Some("h264")));
    let probe = found(&Rig { codec: *b"encv", ..Rig::default() }.file());
    assert_eq!((probe.protected, probe.codec.as_deref()), (true, Some("encrypted")));
    let sound = Rig { kind: *b"soun", codec: *b"enca", ..Rig::default() };
    let probe = found(&file(&[Rig::default().moov(), sound.track()].concat()));
    assert_eq!((probe.protected, probe.codec.as_deref()), (true, Some("h264")));
    assert!(!found(&Rig::default().file()).protected);
}

#[test]
fn a_cover_or_a_preview_is_not_the_film() {
    let film = Rig::default();
    let cover = Rig { codec: *b"jpeg", frames: vec![(1, 2000)], ..Rig::default() };
    let preview = Rig { coded: (320, 480), shown: (320, 480), ..Rig::default() };
    // What a phone keeps beside a film: a few pictures, larger than it.
    let stills = Rig { coded: (1536, 2048), frames: vec![(2, 700)], ..Rig::default() };
    for first in [cover, preview, stills] {
        assert_eq!(found(&file(&[first.moov(), film.track()].concat())), found(&film.file()));
    }
}

#[test]
fn what_precedes_the_brand_is_passed_over() {
    let file = Rig::default().file();
    let tag = [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130]].concat();
    let foreign = |count, what| Oddity::Foreign { count, what };
    let http = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n".to_vec();
    for (before, leading) in [
        (tag, Oddity::Leading(140)),
        (vec![0; 512], foreign(512, Some("zeros"))),
        (b"\xff\xffnk".to_vec(), foreign(4, None)),
        (http, foreign(44, Some("an HTTP head"))),
        (b"\xef\xbb\xbf".to_vec(), foreign(3, Some("a byte order mark"))),
        (b"--a\r\n\r\n".to_vec(), foreign(7, Some("the head of a multipart body"))),
        (b"\n".to_vec(), foreign(1, Some("white space"))),
        (b"Received:\n".to_vec(), foreign(10, Some("text"))),
    ] {
        let probe = found(&[&before[..], &file].concat());
        assert_eq!(probe, Probe { oddities: vec![leading], ..found(&file) });
    }
    for first in [atom(b"free", b"...."), atom(b"uuid", &[1; 24]), atom(b"abcd", b"")] {
        assert_eq!(found(&[first, file.clone()].concat()), found(&file));
    }
    // The brand of a picture counts wherever it stands.
    let picture = [atom(b"free", b""), atom(b"ftyp", b"avif\0\0\0\0"), atom(b"mdat", b"")].concat();
    assert!(refused(&picture).ends_with("this is an AVIF picture"));
}

#[test]
fn a_tag_that_the_index_does_not_count_is_foreign() {
    let tag = [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130]].concat();
    for whole in [fixture!("fast-start.mp4"), fixture!("moov-at-end.mp4"), fixture!("small.mp4")] {
        let mut tagged = [&tag, whole].concat();
        let foreign = Oddity::Foreign { count: 140, what: Some("an ID3 tag") };
        assert_eq!(found(&tagged).oddities, [foreign]);
        // Its offsets put right.
        for at in 0..tagged.len() - 16 {
            if tagged[at..].starts_with(b"stco") {
                let count = u32::from_be_bytes(*tagged[at + 8..].first_chunk().unwrap());
                for entry in
                    tagged[at + 12..].as_chunks_mut::<4>().0.iter_mut().take(count as usize)
                {
                    *entry = (u32::from_be_bytes(*entry) + 140).to_be_bytes();
                }
            }
        }
        assert_eq!(found(&tagged), Probe { oddities: vec![Oddity::Leading(140)], ..found(whole) });
    }
}

#[test]
fn a_segment_is_called_so() {
    let segment = fragmented(0, &[(5, None)]);
    let at = fragmented(0, &[]).len();
    for head in [vec![], atom(b"styp", b"msdh\0\0\0\0"), atom(b"ftyp", b"iso6\0\0\0\0")] {
        let said = refused(&[head, segment[at..].to_vec()].concat());
        assert!(said.ends_with("this is a segment of a stream, without its `moov`"), "{said}");
    }
}

/// A fragment of a track that begins at a time, with samples of these sizes whose data follows.
fn fragment(track: u32, begins: u32, sizes: &[u32], missing: usize) -> Vec<u8> {
    let fragment = |offset: u32| {
        let count = u32::try_from(sizes.len()).unwrap();
        let traf = [
            atom(b"tfhd", &numbers(&[0x2_0000, track])),
            atom(b"tfdt", &numbers(&[0, begins])),
            atom(b"trun", &[numbers(&[0x201, count, offset]), numbers(sizes)].concat()),
        ];
        atom(b"moof", &atom(b"traf", &traf.concat()))
    };
    let length = fragment(0).len();
    let data: u32 = sizes.iter().sum();
    let data = vec![7; usize::try_from(data).unwrap() - missing];
    [fragment(u32::try_from(length).unwrap() + 8), atom(b"mdat", &data)].concat()
}

/// An index of a picture and a sound, both of a thousand ticks a second and 40 ticks a sample.
fn two_tracks(foretold: u32) -> Vec<u8> {
    let picture = Rig { ticks: 0, frames: vec![], ..Rig::default() };
    let sound = Rig { kind: *b"soun", id: 2, ticks: 0, frames: vec![], ..Rig::default() };
    let extends = [
        atom(b"mehd", &numbers(&[0, foretold])),
        atom(b"trex", &numbers(&[0, 1, 1, 40, 0, 0])),
        atom(b"trex", &numbers(&[0, 2, 1, 40, 0, 0])),
    ];
    let moov = [picture.moov(), sound.track(), atom(b"mvex", &extends.concat())].concat();
    [atom(b"ftyp", b"isom\0\0\0\0"), atom(b"moov", &moov)].concat()
}

#[test]
fn fragments_begin_when_they_say_and_sound_counts() {
    let length = |fragments: &[(u32, u32)]| {
        let fragments = fragments.iter().flat_map(|&(track, at)| fragment(track, at, &[9; 25], 0));
        found(&[two_tracks(19_000_000), fragments.collect()].concat()).duration.unwrap().as_millis()
    };
    assert_eq!(length(&[(1, 0), (1, 1000)]), 2000);
    // A gap, a beginning that is not that of the world, and fragments out of order.
    assert_eq!(length(&[(1, 0), (1, 5000)]), 6000);
    assert_eq!(length(&[(1, 900_000), (1, 901_000)]), 2000);
    assert_eq!(length(&[(1, 1000), (1, 0)]), 2000);
    assert_eq!(length(&[(1, 0), (2, 0), (2, 1000)]), 2000);
}

#[test]
fn fragments_whose_data_is_missing_are_cut_off() {
    for missing in [0, 1, 9] {
        let file =
            [two_tracks(0), fragment(1, 0, &[9; 25], 0), fragment(1, 1000, &[9; 25], missing)];
        assert_eq!(found(&file.concat()).complete, missing == 0, "{missing}");
    }
    let file = [two_tracks(0), fragment(1, 0, &[9; 25], 0), b"TAG some title".to_vec()].concat();
    assert!(found(&file).complete);
}

#[test]
fn more_behind_the_end_than_before_it_is_told_and_what_is_usual_is_not() {
    const MIB: usize = 1 << 20;
    let file = Rig::default().file();
    for (bytes, zeros) in [(vec![0; 2 * MIB], true), ([vec![0; MIB], vec![7; 9]].concat(), false)] {
        let (end, count) = (file.len() as u64, bytes.len() as u64);
        let trailing = Oddity::Trailing { end, count, zeros };
        let padded = [file.clone(), bytes].concat();
        assert_eq!(found(&padded), Probe { oddities: vec![trailing], ..found(&file) });
    }
    // Boxes, whatever they hold, belong to the file; so do tags, and padding that is shorter than the video.
    let boxed = |kind: &[u8; 4]| atom(kind, &vec![0; 2 * MIB]);
    for behind in [boxed(b"free"), boxed(b"skip"), boxed(b"uuid"), boxed(b"mdat"), vec![0; MIB - 1]]
    {
        assert_eq!(found(&[file.clone(), behind].concat()).oddities, []);
    }
    let large = with_samples([0, 1], &atom(b"free", &vec![0; 3 * MIB]));
    assert_eq!(found(&[large, vec![0; 2 * MIB]].concat()).oddities, []);
}

#[test]
fn a_box_of_content_that_reaches_over_zeros_is_told() {
    const MIB: usize = 1 << 20;
    let file = with_samples([0, 1], b"");
    let end = file.len() as u64;
    // Made longer beforehand, as by a download that knew its length, or had it wrong.
    for size in [48 + 2 * MIB, 0] {
        let longer = |behind: Vec<u8>| {
            let mut longer = [file.clone(), behind].concat();
            let size = u32::try_from(size).unwrap();
            longer[file.len() - 48..][..4].copy_from_slice(&size.to_be_bytes());
            longer
        };
        let told = Oddity::Trailing { end, count: 2 << 20, zeros: true };
        assert_eq!(found(&longer(vec![0; 2 * MIB])).oddities, [told]);
        assert_eq!(found(&longer(vec![7; 2 * MIB])).oddities, []);
        assert_eq!(found(&longer(vec![0; MIB - 1])).oddities, []);
    }
}

#[test]
fn a_second_video_behind_the_first_is_told() {
    let one = with_samples([0, 1], b"");
    let at = one.len() as u64;
    let webm = [0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 1];
    for second in [one.clone(), Rig::default().file(), webm.to_vec()] {
        let joined = [one.clone(), second].concat();
        let told = vec![Oddity::Second { at }];
        assert_eq!(found(&joined), Probe { oddities: told, ..found(&one) });
    }
    // A brand alone, or an index that is written twice, is no video.
    let brand = [one.clone(), atom(b"ftyp", b"isom\0\0\0\0")].concat();
    assert_eq!(found(&brand).oddities, []);
    let index = [one.clone(), atom(b"moov", &Rig::default().moov())].concat();
    assert_eq!(found(&index).oddities, []);
}
