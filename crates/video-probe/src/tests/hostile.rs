//! Files that are broken, cut off, or made to hurt.

use std::cell::Cell;
use std::io;

use proptest::prelude::*;

use super::*;
use crate::reader::{MAX_BYTES, MAX_READ};

/// Counts what is read.
struct Counting<'b> {
    bytes: &'b [u8],
    read: Cell<u64>,
    largest: Cell<usize>,
    reads: Cell<u64>,
}

impl<'b> Counting<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, read: Cell::new(0), largest: Cell::new(0), reads: Cell::new(0) }
    }
}

impl ReadAt for Counting<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.bytes.read_at(buffer, offset)?;
        self.read.set(self.read.get() + count as u64);
        self.largest.set(self.largest.get().max(buffer.len()));
        self.reads.set(self.reads.get() + 1);
        Ok(count)
    }
}

/// Probes bytes, looks that this stayed within bounds, and that what was found can be.
#[track_caller]
fn stays_within_bounds(bytes: &[u8], len: u64) -> Result<Probe, ProbeError> {
    let counting = Counting::new(bytes);
    let probe = probe(&counting, len);
    assert!(counting.read.get() <= MAX_BYTES, "{} bytes", counting.read.get());
    assert!(counting.largest.get() <= MAX_READ, "{} bytes at once", counting.largest.get());
    assert!(counting.reads.get() <= 500_000, "{} reads", counting.reads.get());
    // Also what is no video has parts.
    let _ = written_parts(bytes, len, Container::Mp4);
    if let Ok(probe) = &probe {
        assert!(probe.frame_rate.is_none_or(|rate| rate.is_finite() && rate > 0.0), "{probe:?}");
        assert!(probe.width != Some(0) && probe.height != Some(0), "{probe:?}");
    }
    probe
}

/// Beginnings that lead into each of the readers.
const BEGINNINGS: [&[u8]; 8] = [
    b"",
    b"ID3\x04\0\0\0\0\0\x02\0\0\0\0\0\x10ftypqt  \0\0\0\0",
    b"\0\0\0\x08free\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdat....",
    b"junk\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x08free",
    b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x1f\x43\xb6\x75\xff",
    b"\0\0\0\x10ftypisom\0\0\0\0",
    b"\0\0\0\x08wide",
    b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff",
];

/// Names of boxes and elements, to get deep into the readers by chance.
const NAMES: [&[u8]; 62] = [
    b"moov",
    b"trak",
    b"mdia",
    b"minf",
    b"stbl",
    b"stsd",
    b"stts",
    b"stsz",
    b"stco",
    b"co64",
    b"mvhd",
    b"mdhd",
    b"tkhd",
    b"hdlr",
    b"vide",
    b"mvex",
    b"trex",
    b"moof",
    b"traf",
    b"tfhd",
    b"trun",
    b"sidx",
    b"mdat",
    b"ftyp",
    b"stsc",
    b"stz2",
    b"edts",
    b"elst",
    b"tfdt",
    b"mehd",
    b"mfra",
    b"styp",
    b"avc1",
    b"mp4v",
    b"encv",
    b"avcC",
    b"hvcC",
    b"esds",
    b"pasp",
    b"sinf",
    b"frma",
    b"soun",
    b"avif",
    b"uuid",
    b"ID3\x04",
    b"\x67\x42\0\x1e",
    b"\x42\x01",
    b"V_VP8",
    b"matroska",
    b"\x23\xe3\x83\x84",
    b"\x44\x89\x88",
    b"\xa0\xff",
    b"\xa1\x85\x81",
    b"\x1c\x53\xbb\x6b",
    b"\x6d\x80\x62\x40\x50\x35",
    b"\x15\x49\xa9\x66",
    b"\x16\x54\xae\x6b",
    b"\x1f\x43\xb6\x75",
    b"\xae\xff",
    b"\xe0\xff",
    b"\xa3\x81",
    b"\xe7\x88",
];

fn any_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(NAMES.to_vec()).prop_map(<[u8]>::to_vec),
        any::<u32>().prop_map(|number| number.to_be_bytes().to_vec()),
        (0_u32..200).prop_map(|number| number.to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        beginning in prop::sample::select(BEGINNINGS.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        more in prop_oneof![Just(0), 0_u64..1000, any::<u64>()],
    ) {
        let bytes = [beginning, &bytes].concat();
        // The length may also be wrong: the file may shrink while it is read.
        let _ = stays_within_bounds(&bytes, (bytes.len() as u64).saturating_add(more));
    }

    #[test]
    fn no_jumble_of_boxes_makes_it_panic(
        beginning in prop::sample::select(BEGINNINGS.to_vec()),
        pieces in prop::collection::vec(any_piece(), 0..60),
    ) {
        let bytes = [beginning, &pieces.concat()].concat();
        let _ = stays_within_bounds(&bytes, bytes.len() as u64);
    }

    #[test]
    fn no_damage_to_a_video_makes_it_panic(
        whole in prop::sample::select(WHOLE.to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any_piece()), 1..8),
    ) {
        let mut bytes = whole.to_vec();
        for (at, piece) in damage {
            let at = at.index(bytes.len());
            let end = (at + piece.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&piece[..end - at]);
        }
        let _ = stays_within_bounds(&bytes, bytes.len() as u64);
    }

    #[test]
    fn no_damage_to_a_rig_makes_it_panic(
        whole in prop::sample::select([rigged_mp4::corners(), rigged_webm::corners()].concat()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any_piece()), 1..4),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = whole;
        for (at, piece) in damage {
            let at = at.index(bytes.len());
            let end = (at + piece.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&piece[..end - at]);
        }
        bytes.truncate(if cut { length.index(bytes.len()) } else { bytes.len() });
        let _ = stays_within_bounds(&bytes, bytes.len() as u64);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_survived(
        whole in prop::sample::select(WHOLE.to_vec()),
        at in 0_usize..3000,
        bit in 0_u32..8,
    ) {
        let mut bytes = whole.to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1_u8 << bit;
        let _ = stays_within_bounds(&bytes, bytes.len() as u64);
    }
}

#[test]
fn tables_at_every_turn_end_within_the_budget() {
    // As many tracks as fit, each with tables that are told to be as long as can be.
    let mut bytes = rigged_mp4::corners().swap_remove(1);
    let moov = bytes.windows(4).position(|name| name == b"moov").unwrap();
    let track = bytes.windows(4).position(|name| name == b"trak").unwrap() - 4;
    let end = bytes.windows(4).position(|name| name == b"mdat").unwrap() - 4;
    let tracks = bytes[track..end].repeat(2000);
    bytes.splice(track..end, tracks);
    let size = u32::try_from(bytes.len() - moov - 99).unwrap();
    bytes[moov - 4..moov].copy_from_slice(&size.to_be_bytes());
    for name in [b"stts", b"stsc", b"stsz", b"elst"] {
        for at in 0..bytes.len() - 16 {
            if bytes[at..at + 4] == *name {
                bytes[at + 8..at + 12].fill(0xff);
            }
        }
    }
    let _ = stays_within_bounds(&bytes, bytes.len() as u64);
}

#[test]
fn no_beginning_of_a_whole_file_passes_for_the_file() {
    for whole in [
        fixture!("fast-start.mp4"),
        fixture!("moov-at-end.mp4"),
        fixture!("landscape.mov"),
        fixture!("vp9.webm"),
    ] {
        for length in 0..whole.len() {
            let cut = &whole[..length];
            let passes = probe_bytes(cut).is_ok_and(|probe| probe.complete);
            assert!(!passes, "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn a_beginning_of_a_fragmented_file_passes_only_between_fragments() {
    let whole = fixture!("fragmented.mp4");
    let passes = |length: usize| probe_bytes(&whole[..length]).is_ok_and(|probe| probe.complete);
    let lengths: Vec<usize> = (0..whole.len()).filter(|&length| passes(length)).collect();
    // Behind each fragment's content, or within the eight bytes of the next header.
    assert!(lengths.len() < 40, "{lengths:?}");
}

#[test]
fn a_gigabyte_of_tiny_boxes_ends_within_the_budget() {
    let mut bytes = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    bytes.extend(b"\0\0\0\x08free".repeat(1 << 20));
    let probe = stays_within_bounds(&bytes, bytes.len() as u64).unwrap();
    assert_eq!(probe, Probe::unknown(Container::Mp4));
}

#[test]
fn boxes_within_boxes_within_boxes_are_not_followed() {
    let mut bytes = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    for _ in 0..100_000 {
        bytes.extend(b"\x7f\xff\xff\xffmoov");
    }
    assert!(stays_within_bounds(&bytes, bytes.len() as u64).is_err());
    assert!(stays_within_bounds(&bytes, u64::MAX).is_err());
}

#[test]
fn a_table_of_four_billion_entries_is_not_believed() {
    let mut bytes = fixture!("fast-start.mp4").to_vec();
    for name in [b"stts", b"stsz", b"stco"] {
        let at = bytes.windows(4).position(|window| window == name).unwrap();
        bytes[at + 8..at + 16].fill(0xff);
    }
    let _ = stays_within_bounds(&bytes, bytes.len() as u64);
}

#[test]
fn an_interrupted_read_is_tried_again() {
    struct Interrupted(Cell<bool>);
    impl ReadAt for Interrupted {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if self.0.replace(!self.0.get()) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            // A single byte at a time, as a slow device may give.
            let first = buffer.len().min(1);
            fixture!("fast-start.mp4").read_at(&mut buffer[..first], offset)
        }
    }
    let whole = fixture!("fast-start.mp4");
    let probe = probe(&Interrupted(Cell::new(true)), whole.len() as u64).unwrap();
    assert_eq!(probe, found(whole));
}

#[test]
fn a_read_that_fails_is_said() {
    struct Broken;
    impl ReadAt for Broken {
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    assert!(matches!(probe(&Broken, 100), Err(ProbeError::Io(_))));
}
