//! `WebM` files: <https://www.webmproject.org/docs/container/>.

mod ebml;
mod track;

use std::time::Duration;

use self::ebml::Element;
use self::track::Track;
use super::probe::{Container, Probe, ProbeError};
use super::rate::approximate;
use super::reader::{Reader, Stop};

/// Ids of elements: RFC 9559, section 5.1.
mod id {
    pub(super) const EBML: u32 = 0x1a45_dfa3;
    pub(super) const DOC_TYPE: u32 = 0x4282;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const INFO: u32 = 0x1549_a966;
    pub(super) const TICK_NANOS: u32 = 0x2a_d7b1;
    pub(super) const DURATION: u32 = 0x4489;
    pub(super) const TRACKS: u32 = 0x1654_ae6b;
    pub(super) const CLUSTER: u32 = 0x1f43_b675;
    pub(super) const TIMESTAMP: u32 = 0xe7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(super) const BLOCK_GROUP: u32 = 0xa0;
    pub(super) const BLOCK: u32 = 0xa1;
}

/// What the elements of a segment say together.
#[derive(Debug)]
struct Outline {
    /// Nanoseconds of a tick.
    tick_nanos: u64,
    /// Length in ticks.
    ticks: Option<f64>,
    /// Tracks with a picture, once the tracks were found.
    pictures: Option<Vec<Track>>,
    /// Time of the cluster being read, in ticks.
    cluster: u64,
    /// Frames of the picture that were seen, and the times of the first and the last.
    frames: u64,
    first: Option<u64>,
    last: Option<u64>,
    /// Whether there was any content.
    content: bool,
    /// Whether an element reaches beyond the end of the file.
    cut: bool,
    /// Whether the budget ended before the file did.
    unfinished: bool,
}

/// Looks at a file that begins like a `WebM` file.
pub(super) fn probe(reader: &mut Reader<'_>) -> Result<Probe, ProbeError> {
    let mut outline = Outline {
        tick_nanos: 1_000_000,
        ticks: None,
        pictures: None,
        cluster: 0,
        frames: 0,
        first: None,
        last: None,
        content: false,
        cut: false,
        unfinished: false,
    };
    match outline.read(reader) {
        Ok(Some(other)) => return Err(other),
        Ok(None) => {}
        Err(Stop::Budget) => outline.unfinished = true,
        Err(Stop::Io(error)) => return Err(error.into()),
    }
    let Some(track) = outline.picture() else {
        return match &outline.pictures {
            _ if outline.unfinished => Ok(Probe::unknown(Container::WebM)),
            Some(_) => Err(ProbeError::NoPicture),
            None => Err(ProbeError::NoIndex),
        };
    };
    let (width, height) = track.coded.unzip();
    Ok(Probe {
        container: Container::WebM,
        duration: outline.duration(),
        width,
        height,
        shown: track.shown.filter(|_| track.shown != track.coded),
        frame_rate: outline.frame_rate(track),
        steady: track.frame_nanos.is_some(),
        codec: track.codec.clone(),
        complete: !outline.cut && (outline.content || outline.unfinished),
    })
}

impl Outline {
    /// The first picture track.
    fn picture(&self) -> Option<&Track> {
        self.pictures.as_ref().and_then(|tracks| tracks.first())
    }

    /// Reads the header and the segment; returns why it is no `WebM` file, if it is none.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<Option<ProbeError>, Stop> {
        let len = reader.len();
        let header = Element::read(reader, 0, len)?.filter(|header| header.id == id::EBML);
        let Some((header, mut at)) = header.map(|header| header.within(len)) else {
            return Ok(Some(ProbeError::NotAVideo { looks_like: None }));
        };
        let mut kind = String::new();
        header.children(reader, |reader, element| {
            if element.id == id::DOC_TYPE {
                kind = element.text(reader, 16)?;
            }
            Ok(())
        })?;
        match kind.as_str() {
            "webm" => {}
            "matroska" => {
                let looks_like = Some("a Matroska (MKV) video");
                return Ok(Some(ProbeError::NotAVideo { looks_like }));
            }
            _ => return Ok(Some(ProbeError::NotAVideo { looks_like: None })),
        }
        while at < len
            && let Some(element) = Element::read(reader, at, len)?
        {
            if element.id == id::SEGMENT {
                self.cut |= element.end.is_some_and(|end| end > len);
                let (segment, _) = element.within(len);
                self.read_segment(segment, reader)?;
                return Ok(None);
            }
            at = element.within(len).1;
        }
        Ok(None)
    }

    /// Reads a segment. Where times must be had from the content, clusters and groups are entered
    /// rather than skipped, so that their elements come along as if they were the segment's own;
    /// this also needs no sizes, which recorders often do not know.
    fn read_segment(&mut self, segment: Element, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let limit = segment.end.unwrap_or(reader.len());
        let mut at = segment.body;
        while at < limit {
            let Some(element) = Element::read(reader, at, limit)? else {
                // Zeros are padding; anything else was going to be an element.
                self.cut |= reader.array::<1>(at, limit)?.is_some_and(|[byte]| byte != 0);
                break;
            };
            self.cut |= element.end.is_some_and(|end| end > reader.len());
            let (inner, end) = element.within(limit);
            at = end;
            match element.id {
                id::INFO => self.read_info(inner, reader)?,
                id::TRACKS => self.pictures = Some(Track::pictures(inner, reader)?),
                id::CLUSTER => {
                    self.content = true;
                    if self.ticks.is_none() || element.end.is_none() {
                        at = element.body;
                    }
                }
                id::TIMESTAMP => self.cluster = inner.unsigned(reader)?.unwrap_or(self.cluster),
                id::BLOCK_GROUP => at = element.body,
                id::SIMPLE_BLOCK | id::BLOCK => self.read_block(inner, reader)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_info(&mut self, info: Element, reader: &mut Reader<'_>) -> Result<(), Stop> {
        info.children(reader, |reader, element| {
            match element.id {
                id::TICK_NANOS => {
                    let nanos = element.unsigned(reader)?.filter(|&nanos| nanos > 0);
                    self.tick_nanos = nanos.unwrap_or(self.tick_nanos);
                }
                id::DURATION => {
                    self.ticks = element.float(reader)?.filter(|&it| it > 0.0 && it.is_finite());
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// Notes the time of a block: its track's number, then its distance from the cluster's time.
    fn read_block(&mut self, block: Element, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let head = reader.some(block.body, block.end.unwrap_or(block.body), 10)?;
        let Some((length, number)) = ebml::number(&head, 8) else { return Ok(()) };
        let Some(&[a, b]) = head.get(length..).and_then(|rest| rest.first_chunk::<2>()) else {
            return Ok(());
        };
        let time = self.cluster.saturating_add_signed(i16::from_be_bytes([a, b]).into());
        self.last = self.last.max(Some(time));
        let number = number & !(1 << (7 * length));
        if self.picture().is_some_and(|track| track.number == number) {
            self.frames += 1;
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
        }
        Ok(())
    }

    /// The length that the file tells, else where its last block begins, and a frame more.
    fn duration(&self) -> Option<Duration> {
        let nanos = match (self.ticks, self.last) {
            (Some(ticks), _) => ticks * approximate(self.tick_nanos),
            (None, Some(_)) if self.unfinished => return None,
            (None, Some(last)) => {
                let frame = self.picture().and_then(|track| track.frame_nanos).unwrap_or(0);
                approximate(last) * approximate(self.tick_nanos) + approximate(frame)
            }
            (None, None) => return None,
        };
        Duration::try_from_secs_f64(nanos / 1e9).ok().filter(|length| !length.is_zero())
    }

    /// The rate that the track tells, else the average of the frames seen.
    fn frame_rate(&self, track: &Track) -> Option<f64> {
        if let Some(nanos) = track.frame_nanos {
            return Some(1e9 / approximate(nanos));
        }
        let ticks = self.last?.checked_sub(self.first?).filter(|&ticks| ticks > 0)?;
        let nanos = approximate(ticks) * approximate(self.tick_nanos);
        (self.frames > 1).then(|| approximate(self.frames - 1) * 1e9 / nanos)
    }
}
