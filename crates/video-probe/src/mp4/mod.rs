//! MP4 and `QuickTime` files.

mod atom;
mod fragment;
mod movie;

use std::ops::Range;
use std::time::Duration;

use self::atom::Atom;
use self::movie::{Movie, Track};
use super::probe::{Container, Probe, ProbeError};
use super::rate::{Rate, time};
use super::reader::{Reader, Stop};

/// What the outermost boxes of a file say together.
#[derive(Debug, Default)]
struct Outline {
    movie: Option<Movie>,
    /// Frames of the picture in all fragments; `None` when there are no fragments.
    fragments: Option<Rate>,
    /// Length of all fragments as a `sidx` box tells it: ticks, and ticks a second.
    indexed: Option<(u64, u32)>,
    /// Whether there was any content.
    content: bool,
    /// Whether a box reaches beyond the end of the file.
    cut: bool,
    /// Whether the budget ended before the file did.
    unfinished: bool,
}

/// Looks at a file that begins like an MP4 or `QuickTime` file.
pub(super) fn probe(container: Container, reader: &mut Reader<'_>) -> Result<Probe, ProbeError> {
    let mut outline = Outline::default();
    match outline.read(reader) {
        Ok(()) => {}
        Err(Stop::Budget) => outline.unfinished = true,
        Err(Stop::Io(error)) => return Err(error.into()),
    }
    let Some(movie) = &outline.movie else {
        let given_up = outline.unfinished;
        return if given_up { Ok(Probe::unknown(container)) } else { Err(ProbeError::NoIndex) };
    };
    let Some(track) = &movie.picture else {
        // Only a file that was read to its end surely has no picture.
        return if movie.compressed || outline.unfinished {
            Ok(Probe { complete: !outline.cut, ..Probe::unknown(container) })
        } else {
            Err(ProbeError::NoPicture)
        };
    };
    let mut rate = track.rate.clone();
    rate.merge(outline.fragments.as_ref().unwrap_or(&Rate::default()));
    let (width, height) = upright(track.coded.filter(|&(w, h)| w > 0 && h > 0), track).unzip();
    let shown = upright(track.shown.filter(|&(w, h)| w > 0 && h > 0), track);
    Ok(Probe {
        container,
        duration: outline.duration(movie, track),
        width,
        height,
        shown: shown.filter(|_| shown != width.zip(height)),
        frame_rate: rate.per_second(track.scale),
        steady: rate.is_steady(),
        codec: track.codec.map(codec_name),
        complete: outline.is_complete(movie, track, reader.len()),
    })
}

/// The parts of a file that must have been written: its outermost boxes without those that players
/// skip, as far as the budget goes.
pub(super) fn written_parts(reader: &mut Reader<'_>) -> Vec<Range<u64>> {
    let len = reader.len();
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < len
        && let Ok(Some(atom)) = Atom::read(reader, at, len, true)
        // Scraps behind the last box are nobody's data.
        && atom.is_plausible()
    {
        if !matches!(&atom.kind, b"free" | b"skip" | b"wide") {
            parts.push(at..atom.end);
        }
        at = atom.end;
    }
    parts
}

impl Outline {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let len = reader.len();
        let mut at = 0;
        while at < len
            && let Some(atom) = Atom::read(reader, at, len, true)?
        {
            // Some cameras leave scraps behind the last box.
            if self.movie.is_some() && self.content && !atom.is_plausible() {
                break;
            }
            at = atom.end;
            let whole = atom.end <= len;
            self.cut |= !whole;
            match &atom.kind {
                b"moov" if whole && self.movie.is_none() => {
                    let movie = self.movie.insert(Movie::default());
                    movie.read(atom, reader)?;
                }
                b"moof" if whole => self.add_fragment(atom, reader)?,
                b"sidx" if whole && self.indexed.is_none() => {
                    self.indexed = fragment::indexed_length(atom, reader)?;
                }
                b"mdat" => self.content = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_fragment(&mut self, moof: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let frames = self.fragments.get_or_insert_default();
        let Some(movie) = &self.movie else { return Ok(()) };
        let Some(track) = &movie.picture else { return Ok(()) };
        let usual = movie.frame_ticks.iter().find(|(id, _)| *id == track.id);
        let usual = usual.map_or(0, |&(_, ticks)| ticks);
        fragment::add_frames(moof, track.id, usual, frames, reader)
    }

    /// The movie's own length; of a fragmented one, the sum of its frames, or what an index tells
    /// when there were too many of them to look at.
    fn duration(&self, movie: &Movie, track: &Track) -> Option<Duration> {
        let some = |length: &Duration| !length.is_zero();
        let told = movie.ticks.and_then(|ticks| time(ticks, movie.scale)).filter(some);
        let counted = |rate: &Rate| time(rate.ticks, track.scale).filter(some);
        let Some(fragments) = &self.fragments else {
            return told.or_else(|| counted(&track.rate));
        };
        if !self.unfinished {
            let mut all = track.rate.clone();
            all.merge(fragments);
            return counted(&all).max(told);
        }
        let foretold = movie.ticks_with_fragments.and_then(|ticks| time(ticks, movie.scale));
        let indexed = self.indexed.and_then(|(ticks, scale)| time(ticks, scale));
        foretold.filter(some).or(indexed.filter(some))
    }

    fn is_complete(&self, movie: &Movie, track: &Track, len: u64) -> bool {
        let missing = track.last_piece.is_some_and(|at| at >= len);
        let promised = movie.fragmented && track.rate.frames == 0 && self.fragments.is_none();
        let empty = !self.content && !self.unfinished;
        !(self.cut || missing || empty || promised && !self.unfinished)
    }
}

/// A size as it is seen after the turn that players apply.
fn upright(size: Option<(u32, u32)>, track: &Track) -> Option<(u32, u32)> {
    size.map(|(width, height)| if track.turned { (height, width) } else { (width, height) })
}

/// The name of a codec by its code: <https://mp4ra.org/registered-types/sampleentries>.
fn codec_name(code: [u8; 4]) -> String {
    let name = match &code {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => "h264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "h265",
        b"vp08" => "vp8",
        b"vp09" => "vp9",
        b"av01" => "av1",
        b"mp4v" => "mpeg4",
        b"encv" => "encrypted",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "prores",
        b"jpeg" | b"mjpa" | b"mjpb" => "mjpeg",
        b"s263" | b"h263" => "h263",
        _ => return code.escape_ascii().to_string(),
    };
    name.to_owned()
}
