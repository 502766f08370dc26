//! The `moov` box: tracks, their sizes, codecs and times.

use std::time::Duration;

use super::atom::Atom;
use super::entry::SampleEntry;
use super::fragment::Fragments;
use super::samples::Tables;
use crate::blank::Pair;
use crate::rate::{Rate, time};
use crate::reader::{Reader, Stop};
use crate::still;

/// The most tracks that are kept, and the most entries of one edit list.
const KEPT: usize = 256;

/// How much longer than what is left of its media an edit may be told to be: so many seconds, and so
/// many frames, which may be shown later than they are stored.
const EDIT_SLACK: (Duration, u32) = (Duration::from_secs(1), 4);

/// What a `moov` box says.
#[derive(Debug, Default)]
pub(super) struct Movie {
    /// Ticks a second of the movie's own times.
    pub(super) scale: u32,
    /// Length without fragments, in the movie's ticks, as the header tells it.
    pub(super) ticks: Option<u64>,
    /// Length with fragments, in the movie's ticks, where it is told beforehand.
    pub(super) ticks_with_fragments: Option<u64>,
    /// Whether fragments follow.
    pub(super) fragmented: bool,
    /// Whether the content is compressed, so that nothing more can be known.
    pub(super) compressed: bool,
    /// The tracks with pictures or sound.
    pub(super) tracks: Vec<Track>,
    /// What fragments go by where they do not say it themselves, by track.
    pub(super) defaults: Vec<Defaults>,
}

/// What the samples of a track's fragments have in common: ISO/IEC 14496-12, section 8.8.3.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub(super) track: u32,
    /// Ticks of a sample.
    pub(super) ticks: u32,
    /// Bytes of a sample.
    pub(super) size: u32,
}

/// What the samples of a track are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Sound,
    #[default]
    Other,
}

/// A track.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) kind: Kind,
    enabled: bool,
    /// Whether players turn it by a quarter.
    pub(super) turned: bool,
    /// Width and height that its header tells.
    told: Option<(u32, u32)>,
    /// What its samples are.
    pub(super) entry: Option<SampleEntry>,
    /// Ticks a second of the track's own times.
    pub(super) scale: u32,
    /// Samples without those of fragments.
    pub(super) rate: Rate,
    /// Length that the media's header tells.
    ticks: Option<u64>,
    /// Number of samples that the table of their sizes tells.
    samples: Option<u32>,
    /// Which parts of its samples are shown; empty for all.
    edits: Vec<Edit>,
    /// Where the last of its samples ends in the file, without those of fragments.
    pub(super) end: Option<u64>,
    /// Where its samples lie, without those of fragments.
    tables: Tables,
    /// Its samples in fragments.
    pub(super) fragments: Fragments,
}

/// A part of a track's samples: ISO/IEC 14496-12, section 8.6.6.
#[derive(Clone, Copy, Debug)]
struct Edit {
    /// Length in the movie's ticks.
    length: u64,
    /// Where it begins, in the track's ticks; `None` for a pause.
    start: Option<u64>,
    /// Whether it is played at its own speed.
    plain: bool,
}

impl Movie {
    /// Reads a `moov` box. What was found before the budget ended stays in `self`.
    pub(super) fn read(&mut self, moov: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        moov.children(reader, |reader, atom| {
            match &atom.kind {
                b"mvhd" => {
                    let long = atom.version(reader)? == Some(1);
                    self.scale = atom.u32(reader, if long { 20 } else { 12 })?.unwrap_or(0);
                    self.ticks = atom.time(reader, 16, 24)?;
                }
                b"trak" => {
                    let track = Track::read(atom, reader)?;
                    if track.kind != Kind::Other && self.tracks.len() < KEPT {
                        self.tracks.push(track);
                    }
                }
                b"mvex" => {
                    self.fragmented = true;
                    self.read_extends(atom, reader)?;
                }
                b"cmov" => self.compressed = true,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_extends(&mut self, mvex: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        mvex.children(reader, |reader, atom| {
            match &atom.kind {
                b"mehd" => self.ticks_with_fragments = atom.time(reader, 4, 4)?,
                b"trex" if self.defaults.len() < KEPT => {
                    if let (Some(track), Some(ticks), Some(size)) =
                        (atom.u32(reader, 4)?, atom.u32(reader, 12)?, atom.u32(reader, 16)?)
                    {
                        self.defaults.push(Defaults { track, ticks, size });
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// The picture that players show: of the enabled tracks the first large one that moves.
    pub(super) fn picture(&self) -> Option<&Track> {
        let pictures = self.tracks.iter().filter(|track| track.kind == Kind::Picture);
        let most = pictures.clone().map(Track::samples).max()?;
        // Covers and stills have a frame or a few.
        let film: Vec<&Track> =
            pictures.filter(|track| track.samples() >= most.div_ceil(4)).collect();
        let enabled: Vec<&Track> = film.iter().copied().filter(|track| track.enabled).collect();
        let candidates = if enabled.is_empty() { film } else { enabled };
        let sizes = candidates.iter().map(|track| track.size());
        candidates.get(still::first_large(sizes)?).copied()
    }

    /// Whether any track is encrypted.
    pub(super) fn is_protected(&self) -> bool {
        self.tracks.iter().any(|track| track.entry.as_ref().is_some_and(|entry| entry.protected))
    }

    /// The length that a header tells in the movie's ticks.
    pub(super) fn told(&self, ticks: Option<u64>) -> Option<Duration> {
        ticks.and_then(|ticks| time(ticks, self.scale)).filter(|length| !length.is_zero())
    }

    /// The length of the longest track, fragments included.
    pub(super) fn length(&self) -> Option<Duration> {
        let lengths = self.tracks.iter().filter_map(|track| track.length(self.scale));
        lengths.max().filter(|length| !length.is_zero())
    }
}

impl Track {
    fn read(atom: Atom, reader: &mut Reader<'_>) -> Result<Self, Stop> {
        let mut track = Self::default();
        let mut tables = Tables::default();
        atom.children(reader, |reader, atom| match &atom.kind {
            b"tkhd" => track.read_header(atom, reader),
            b"mdia" => track.read_media(atom, &mut tables, reader),
            b"edts" => atom.children(reader, |reader, atom| match &atom.kind {
                b"elst" => track.read_edits(atom, reader),
                _ => Ok(()),
            }),
            _ => Ok(()),
        })?;
        if track.kind != Kind::Other {
            track.tables = tables;
            track.read_tables(tables, reader)?;
        }
        Ok(track)
    }

    fn read_header(&mut self, tkhd: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let Some([version, _, _, flags]) = tkhd.bytes::<4>(reader, 0)? else { return Ok(()) };
        self.enabled = flags & 1 == 1;
        // Times are longer in version 1: 12 bytes more before all that follows them.
        let more = if version == 1 { 12 } else { 0 };
        let id_at = if version == 1 { 20 } else { 12 };
        self.id = tkhd.u32(reader, id_at)?.unwrap_or(0);
        if let Some(matrix) = tkhd.bytes::<20>(reader, 40 + more)? {
            let is_zero = |i: usize| matrix[i * 4..i * 4 + 4] == [0; 4];
            self.turned = is_zero(0) && is_zero(4) && !is_zero(1) && !is_zero(3);
        }
        let (width, height) = (tkhd.u32(reader, 76 + more)?, tkhd.u32(reader, 80 + more)?);
        // 16.16 fixed point; the fraction is dropped.
        self.told = width.map(|it| it >> 16).zip(height.map(|it| it >> 16));
        Ok(())
    }

    fn read_media(
        &mut self,
        mdia: Atom,
        tables: &mut Tables,
        reader: &mut Reader<'_>,
    ) -> Result<(), Stop> {
        mdia.children(reader, |reader, atom| {
            match &atom.kind {
                b"mdhd" => {
                    let long = atom.version(reader)? == Some(1);
                    self.scale = atom.u32(reader, if long { 20 } else { 12 })?.unwrap_or(0);
                    self.ticks = atom.time(reader, 16, 24)?;
                }
                b"hdlr" => {
                    self.kind = match atom.bytes::<4>(reader, 8)?.as_ref() {
                        Some(b"vide") => Kind::Picture,
                        Some(b"soun") => Kind::Sound,
                        _ => Kind::Other,
                    };
                }
                b"minf" => atom.children(reader, |reader, atom| match &atom.kind {
                    b"stbl" => atom.children(reader, |reader, atom| {
                        if atom.kind == *b"stsd" {
                            self.entry = SampleEntry::read(atom, reader)?;
                        }
                        tables.note(atom);
                        Ok(())
                    }),
                    _ => Ok(()),
                })?,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_edits(&mut self, elst: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let Some(count) = elst.u32(reader, 4)?.map(u64::from).filter(|&it| it <= KEPT as u64)
        else {
            return Ok(());
        };
        let mut edits = Vec::new();
        let mut note = |length: u64, start: i64, rate: [u8; 4]| {
            let start = u64::try_from(start).ok();
            edits.push(Edit { length, start, plain: rate == [0, 1, 0, 0] });
        };
        let whole = if elst.version(reader)? == Some(1) {
            elst.each(reader, 8, count, |entry: [u8; 20]| {
                let [length @ .., _, _, _, _, _, _, _, _, _, _, _, _] = entry;
                let [_, _, _, _, _, _, _, _, start @ .., _, _, _, _] = entry;
                let [.., a, b, c, d] = entry;
                note(u64::from_be_bytes(length), i64::from_be_bytes(start), [a, b, c, d]);
            })?
        } else {
            elst.each(reader, 8, count, |[a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]| {
                let length = u32::from_be_bytes([a, b, c, d]);
                note(length.into(), i32::from_be_bytes([e, f, g, h]).into(), [i, j, k, l]);
            })?
        };
        if whole {
            self.edits = edits;
        }
        Ok(())
    }

    fn read_tables(&mut self, tables: Tables, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let (rate, whole) = tables.times(reader)?;
        self.rate = rate;
        self.samples = tables.count(reader)?;
        self.settle(whole);
        if self.samples == Some(0) {
            return Ok(());
        }
        // QuickTime counts uncompressed and some compressed sound in samples of one or two bytes.
        let pieces =
            self.kind == Kind::Sound && tables.same_size(reader)?.is_some_and(|size| size <= 2);
        self.end = tables.end(reader, !pieces)?;
        Ok(())
    }

    /// Prefers what the headers tell of the whole where the table does not contradict them, or was
    /// too long to be read.
    fn settle(&mut self, whole: bool) {
        let Some(samples) = self.samples else { return };
        if samples == 0 {
            self.rate = Rate::default();
            return;
        }
        let counted = self.rate.ticks;
        let told = self.ticks.filter(|&ticks| ticks > 0).filter(|told| {
            let frame = counted.checked_div(self.rate.frames).unwrap_or(0);
            !whole || counted == 0 || told.abs_diff(counted) <= frame.max(counted / 100)
        });
        let same = self.rate.frames.abs_diff(samples.into()) <= 1;
        if let Some(ticks) = told {
            (self.rate.frames, self.rate.ticks) = (samples.into(), ticks);
        } else if same {
            self.rate.frames = samples.into();
        }
    }

    /// Pairs of its samples, spread over all of them.
    pub(super) fn spread(&self, reader: &mut Reader<'_>) -> Result<Vec<Pair>, Stop> {
        let mut pairs = self.tables.spread(reader)?;
        pairs.extend(self.fragments.places.pairs().cloned());
        Ok(pairs)
    }

    /// Number of its samples, those of fragments included.
    fn samples(&self) -> u64 {
        let samples = self.samples.map_or(self.rate.frames, u64::from);
        self.fragments.count().saturating_add(samples)
    }

    /// Width and height that are coded.
    fn coded(&self) -> Option<(u32, u32)> {
        self.entry.as_ref().and_then(SampleEntry::size)
    }

    /// Width and height, as they are seen after the turn that players apply.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        self.upright(self.coded())
    }

    /// Width and height that players stretch it to, where these are others.
    pub(super) fn shown(&self) -> Option<(u32, u32)> {
        let coded = self.coded();
        let told = self.told.filter(|&(w, h)| w > 0 && h > 0 && self.told != coded);
        // The header of a track often repeats what its entry says, right or wrong.
        let entry = self.entry.as_ref();
        let told = told.filter(|_| self.told != entry.and_then(SampleEntry::told));
        self.upright(told.or_else(|| entry?.stretched()))
    }

    fn upright(&self, size: Option<(u32, u32)>) -> Option<(u32, u32)> {
        size.map(|(width, height)| if self.turned { (height, width) } else { (width, height) })
    }

    /// How long it plays: its edits, else all of its samples. With fragments, from the first sample
    /// to the end of the last.
    fn length(&self, movie_scale: u32) -> Option<Duration> {
        if let Some(ticks) = self.fragments.length() {
            return time(ticks, self.scale);
        }
        let media = match self.rate.ticks {
            0 if self.samples == Some(0) => 0,
            0 => self.ticks.unwrap_or(0),
            ticks => ticks,
        };
        let media = time(media, self.scale)?;
        Some(self.edited(media, movie_scale).unwrap_or(media))
    }

    fn edited(&self, media: Duration, movie_scale: u32) -> Option<Duration> {
        let frame = self.rate.ticks.checked_div(self.rate.frames).unwrap_or(0);
        let frames = time(frame, self.scale)?.saturating_mul(EDIT_SLACK.1);
        let slack = frames.saturating_add(EDIT_SLACK.0);
        let mut length = Duration::ZERO;
        let last = self.edits.iter().rposition(|edit| edit.start.is_some())?;
        for edit in self.edits.iter().take(last + 1) {
            let told = time(edit.length, movie_scale)?;
            let part = match edit.start {
                None => told,
                Some(start) => {
                    let left = media.saturating_sub(time(start, self.scale)?);
                    let all = told.is_zero() || told > left.saturating_add(slack);
                    if edit.plain && all { left } else { told }
                }
            };
            length = length.saturating_add(part);
        }
        (!length.is_zero()).then_some(length)
    }
}
