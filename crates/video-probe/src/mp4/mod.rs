//! MP4 and `QuickTime` files.

mod atom;
mod entry;
mod fragment;
mod integrity;
mod movie;
mod recover;
mod samples;

use std::ops::Range;
use std::time::Duration;

use self::atom::Atom;
use self::entry::SampleEntry;
use self::movie::{Movie, Track};
use super::blank;
use super::probe::{Container, Oddity, Probe, ProbeError};
use super::rate::time;
use super::reader::{Reader, Stop};
use super::sniff::{self, Sniffed};

/// How many bytes too long a `moov` box at the end of a file may be told to be.
const TOO_LONG: u64 = 16;

/// The most boxes of content of which it is kept where they lie.
const KEPT: usize = 4096;

/// How far the length that a movie's header tells may be from that of its longest track.
const LENGTH_SLACK: Duration = Duration::from_millis(100);

/// What the outermost boxes of a file say together.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
struct Outline {
    /// What the `ftyp` box says that the file is.
    brand: Option<Sniffed>,
    movie: Option<Movie>,
    /// Where that lies.
    moov: Option<Atom>,
    /// Whether there are fragments.
    fragmented: bool,
    /// Where the data of the fragments ends in the file.
    fragments_end: u64,
    /// Length of all fragments as a `sidx` box tells it: ticks, and ticks a second.
    indexed: Option<(u64, u32)>,
    /// Where another brand follows the movie.
    next_brand: Option<u64>,
    /// Where another video begins, with a movie of its own.
    second: Option<u64>,
    /// Whether the chain of boxes does not lead to the movie.
    broken: bool,
    /// Where the chain of boxes ends.
    end: u64,
    /// Where the last box ends that is none of content.
    boxes_end: u64,
    /// Where content lies: the first of the boxes that hold it.
    data: Vec<Range<u64>>,
    /// Whether there was any content.
    content: bool,
    /// Whether content reaches beyond the end of the file, by the size of its box.
    overrun: bool,
    /// By how many bytes any other box does.
    overlong: Option<u64>,
    /// Whether a fragment's index reaches beyond the end of the file.
    cut: bool,
    /// Whether the budget ended before the file did.
    unfinished: bool,
}

/// Looks at a file that begins like an MP4 or `QuickTime` file, its first box at `start`
/// behind what is `leading`.
pub(super) fn probe(
    container: Container,
    start: u64,
    leading: Option<Oddity>,
    reader: &mut Reader<'_>,
) -> Result<Probe, ProbeError> {
    let mut outline = Outline::default();
    match outline.read(start, reader) {
        Ok(()) => {}
        Err(Stop::Budget) => outline.unfinished = true,
        Err(Stop::Io(error)) => return Err(error.into()),
    }
    let container = match outline.brand {
        Some(Sniffed::Container(container)) => container,
        Some(Sniffed::Other(looks_like)) => return Err(ProbeError::NotAVideo { looks_like }),
        None => container,
    };
    let broken = outline.broken.then_some(Oddity::BrokenChain);
    let oddities = leading.into_iter().chain(broken).collect();
    let unknown = Probe { oddities, ..Probe::unknown(container) };
    let Some(movie) = &outline.movie else {
        return if outline.unfinished {
            Ok(unknown)
        } else if outline.fragmented || outline.indexed.is_some() {
            Err(ProbeError::NotAVideo { looks_like: Some(sniff::SEGMENT) })
        } else {
            Err(ProbeError::NoIndex)
        };
    };
    let Some(track) = movie.picture() else {
        // Only a file that was read to its end surely has no picture.
        return if movie.compressed || outline.unfinished {
            Ok(Probe { complete: !outline.overrun, ..unknown })
        } else if !outline.has_sound_index(reader)? {
            Err(ProbeError::Changed)
        } else {
            Err(ProbeError::NoPicture)
        };
    };
    let certain = unknown.oddities.is_empty();
    let blank = if certain { outline.blank(movie, track, reader)? } else { None };
    let mut rate = track.rate.clone();
    rate.merge(&track.fragments.rate);
    let complete = outline.is_complete(movie, track, reader.len());
    let mut oddities = unknown.oddities;
    let changed = outline.is_changed(movie, track, complete, 0, reader)?;
    if changed && start == 0 {
        oddities = vec![Oddity::Changed];
    } else if changed
        && let [Oddity::Leading(count)] = oddities[..]
        && !outline.is_changed(movie, track, complete, count, reader)?
    {
        oddities = vec![Oddity::Foreign { count, what: Some("an ID3 tag") }];
    } else if certain {
        oddities.extend(outline.trailing(start, movie, reader)?);
    }
    oddities.extend(outline.overlong.filter(|_| complete && certain).map(Oddity::Overlong));
    oddities.extend(track.entry.as_ref().and_then(SampleEntry::mismatch));
    let (width, height) = track.size().unzip();
    Ok(Probe {
        duration: outline.duration(movie, track),
        width,
        height,
        shown: track.shown().filter(|&shown| Some(shown) != width.zip(height)),
        frame_rate: rate.per_second(track.scale),
        steady: rate.is_steady(),
        codec: track.entry.as_ref().and_then(|entry| entry.codec.clone()),
        complete,
        blank,
        protected: movie.is_protected(),
        oddities,
        ..Probe::unknown(container)
    })
}

/// The parts of a file that must have been written: its outermost boxes without those that players
/// skip, as far as the budget goes.
pub(super) fn written_parts(start: u64, reader: &mut Reader<'_>) -> Vec<Range<u64>> {
    let len = reader.len();
    let (mut parts, mut at) = (Vec::new(), start);
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
    fn read(&mut self, start: u64, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let len = reader.len();
        let mut at = start;
        while at < len
            && let Some(atom) = Atom::read(reader, at, len, true)?
            // Some cameras leave scraps behind the last box, and other programs their tags.
            && atom.is_plausible()
        {
            at = atom.end;
            if atom.kind != *b"mdat" {
                self.boxes_end = at;
            }
            self.read_box(atom, reader)?;
        }
        self.end = at;
        // A box before it may be told too long or too short to lead to it.
        if self.movie.is_none()
            && !self.fragmented
            && let Some(moov) = recover::find_movie(reader, at.min(len))?
        {
            self.broken = true;
            self.read_movie(moov, reader)?;
        }
        Ok(())
    }

    fn read_box(&mut self, atom: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let len = reader.len();
        let whole = atom.end <= len;
        match &atom.kind {
            b"ftyp" if whole && self.brand.is_none() => {
                self.brand =
                    Some(sniff::brand(&reader.some(atom.body, atom.end, sniff::LENGTH)?));
            }
            b"ftyp" if whole && self.movie.is_some() && !self.fragmented => {
                self.next_brand = Some(atom.start);
            }
            b"moov" if whole && self.movie.is_some() => {
                self.second = self.second.or(self.next_brand);
            }
            b"moov" if self.movie.is_none() && (whole || fills(atom, len, reader)?) => {
                self.read_movie(atom, reader)?;
            }
            b"moof" if whole => {
                self.fragmented = true;
                if let Some(movie) = &mut self.movie {
                    let end = fragment::add_samples(atom, movie, reader)?;
                    self.fragments_end = self.fragments_end.max(end);
                }
            }
            // The random access index follows the last fragment.
            b"moof" | b"mfra" if !whole => self.cut = true,
            b"sidx" if whole && self.indexed.is_none() => {
                self.indexed = fragment::indexed_length(atom, reader)?;
            }
            b"mdat" => {
                self.content = true;
                if self.data.len() < KEPT {
                    self.data.push(atom.body..atom.end);
                }
                self.overrun |= !whole;
            }
            // What looks like any other box may be a tag.
            b"free" | b"skip" | b"uuid" | b"udta" | b"meta" if !whole => {
                self.overlong = Some(atom.end - len);
            }
            _ => {}
        }
        Ok(())
    }

    fn read_movie(&mut self, moov: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let end = moov.end.min(reader.len());
        self.moov = Some(moov);
        self.movie.insert(Movie::default()).read(Atom { end, ..moov }, reader)
    }

    /// The length that the movie's header tells, unless its tracks contradict it: then that of the
    /// longest, as for fragments; of too many of these, what is foretold or what an index tells.
    fn duration(&self, movie: &Movie, track: &Track) -> Option<Duration> {
        let length = movie.length();
        if !self.fragmented {
            let told = movie.told(movie.ticks);
            let agree =
                |told: &Duration| length.is_none_or(|length| told.abs_diff(length) <= LENGTH_SLACK);
            return told.filter(agree).or(length);
        }
        if !self.unfinished {
            return length;
        }
        let indexed = self.indexed.and_then(|(ticks, scale)| time(ticks, scale));
        let told = movie.told(movie.ticks_with_fragments).or(indexed);
        let seen = track.fragments.length().and_then(|ticks| time(ticks, track.scale));
        told.filter(|told| !told.is_zero() && Some(*told) >= seen)
    }

    /// Where pictures are zeros alone. Only what lies within content counts, as offsets may be wrong, and only
    /// of codecs that are known.
    fn blank(
        &self,
        movie: &Movie,
        track: &Track,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Range<u64>>, ProbeError> {
        let codec = track.entry.as_ref().and_then(|entry| entry.codec.as_deref());
        if movie.is_protected() || !codec.is_some_and(blank::is_told) {
            return Ok(None);
        }
        let is_content = |sample: &Range<u64>| {
            self.data.iter().any(|data| data.start <= sample.start && sample.end <= data.end)
        };
        let found = track.spread(reader).and_then(|mut pairs| {
            pairs.retain(|pair| pair.iter().all(is_content));
            blank::first_blank(pairs.iter(), reader)
        });
        match found {
            Ok(found) => Ok(found),
            Err(Stop::Budget) => Ok(None),
            Err(Stop::Io(error)) => Err(error.into()),
        }
    }

    /// Whether nothing lies where the index says, and `shift` bytes behind: the samples, or the boxes of the index
    /// itself, if something else is wrong as well. Of codecs that are not H.264 or H.265 the samples tell nothing.
    fn is_changed(
        &self,
        movie: &Movie,
        track: &Track,
        complete: bool,
        shift: u64,
        reader: &mut Reader<'_>,
    ) -> Result<bool, ProbeError> {
        if self.unfinished || movie.is_protected() {
            return Ok(false);
        }
        if (self.broken || !complete) && !self.has_sound_index(reader)? {
            return Ok(true);
        }
        let Some(width) = track.entry.as_ref().and_then(SampleEntry::unit_width) else {
            return Ok(false);
        };
        // Behind a box of a wrong size nothing is known of where content lies.
        let anywhere = self.broken || self.data.is_empty();
        let is_content = |sample: &Range<u64>| {
            let holds = |data: &Range<u64>| data.start <= sample.start && sample.end <= data.end;
            anywhere || self.data.iter().any(holds)
        };
        let found = track.spread(reader).and_then(|pairs| {
            let behind = |at: u64| at.saturating_add(shift);
            let samples = pairs.into_iter().flatten().map(|it| behind(it.start)..behind(it.end));
            let samples = samples.filter(is_content).collect();
            integrity::are_shifted(samples, width, reader)
        });
        match found {
            Ok(found) => Ok(found),
            Err(Stop::Budget) => Ok(false),
            Err(Stop::Io(error)) => Err(error.into()),
        }
    }

    /// Whether the boxes of the index fill each other, as far as the file goes.
    fn has_sound_index(&self, reader: &mut Reader<'_>) -> Result<bool, ProbeError> {
        let Some(moov) = self.moov.filter(|moov| moov.end <= reader.len()) else { return Ok(true) };
        match integrity::is_filled(moov, reader) {
            Ok(found) => Ok(found),
            Err(Stop::Budget) => Ok(true),
            Err(Stop::Io(error)) => Err(error.into()),
        }
    }

    /// What lies behind the last box and the last sample, if it is a lot.
    fn trailing(
        &self,
        start: u64,
        movie: &Movie,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Oddity>, ProbeError> {
        if self.unfinished {
            return Ok(None);
        }
        if let Some(at) = self.second {
            return Ok(Some(Oddity::Second { at }));
        }
        // Behind a box that is told too short, the chain ends before the samples do.
        let samples = movie.tracks.iter().filter_map(|track| track.end);
        let used = samples.max().unwrap_or(0).max(self.fragments_end);
        // The last box of content may be told longer than what is in it, over zeros.
        let measured = self.fragmented || movie.tracks.iter().all(|track| track.end.is_some());
        let filled = used.max(self.boxes_end);
        let found = match blank::trailing(start, used.max(self.end), reader) {
            Ok(None) if measured && filled < self.end => {
                let is_blank = |odd: &Oddity| matches!(odd, Oddity::Trailing { zeros: true, .. });
                blank::trailing(start, filled, reader).map(|found| found.filter(is_blank))
            }
            found => found,
        };
        match found {
            Ok(found) => Ok(found),
            Err(Stop::Budget) => Ok(None),
            Err(Stop::Io(error)) => Err(error.into()),
        }
    }

    /// Whether every sample is there that the tables tell of; the sizes of boxes count only where they
    /// tell of none.
    fn is_complete(&self, movie: &Movie, track: &Track, len: u64) -> bool {
        let ends = movie.tracks.iter().filter_map(|track| track.end);
        let missing = ends.max().max(Some(self.fragments_end)).is_some_and(|end| end > len);
        let samples = track.rate.frames > 0 || track.end.is_some();
        // Fragments were promised, or the recorder never wrote the samples.
        let nothing = !samples && !self.fragmented && !self.unfinished;
        let lost = !self.content && !self.broken && !self.fragmented && !self.unfinished;
        let overrun = self.overrun && track.end.is_none() && !self.fragmented;
        !(self.cut || missing || nothing || lost || overrun)
    }
}

/// Whether the boxes within one that is told a little too long end where the file does.
fn fills(atom: Atom, len: u64, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    if atom.end - len > TOO_LONG {
        return Ok(false);
    }
    let mut last = atom.body;
    atom.children(reader, |_, child| {
        last = child.end;
        Ok(())
    })?;
    Ok(last == len)
}
