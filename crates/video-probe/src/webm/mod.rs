//! `WebM` files: <https://www.webmproject.org/docs/container/>.

mod blocks;
mod ebml;
mod track;

use std::ops::Range;
use std::time::Duration;

use self::blocks::{Blocks, Hiding, Picture};
use self::ebml::Element;
use self::track::Track;
use super::blank;
use super::probe::{Container, Oddity, Probe, ProbeError};
use super::rate::approximate;
use super::reader::{MAX_READ, Reader, Stop};
use super::sniff;
use super::still;
use super::transfer;

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
    /// What else a segment, a cluster or a group may hold: of these, too, the end may be missing.
    pub(super) const OTHERS: [u32; 16] = [
        0x114d_9b74, // SeekHead
        0x1c53_bb6b, // Cues
        0x1043_a770, // Chapters
        0x1254_c367, // Tags
        0x1941_a469, // Attachments
        0xec,        // Void
        0xbf,        // CRC-32
        0xa7,        // Position
        0xab,        // PrevSize
        0xaf,        // EncryptedBlock
        0x9b,        // BlockDuration
        0xfb,        // ReferenceBlock
        0x75a1,      // BlockAdditions
        0x75a2,      // DiscardPadding
        0xfa,        // ReferencePriority
        0xa4,        // CodecState
    ];
}

/// So many blocks are read one by one; of what follows, clusters whose size is known are passed over,
/// but for the last.
const BLOCKS: u32 = 60_000;

/// How many bytes too long a segment or cluster at the end of a file may be told to be: fewer than a block
/// takes with its cues.
const TOO_LONG: u64 = 16;

/// The fewest bytes behind the last element that are more than scraps.
const FAR: u64 = 64;

/// The most bytes of an element's head.
const HEAD: u64 = 12;

/// So many bytes tell a block: its head, its track, its time and its flags.
const BLOCK: usize = 16;

/// So many zeros where an element should be were never written.
const ZEROS: usize = 16;

/// So many blocks in a row are no coincidence.
const IN_A_ROW: usize = 3;

/// How many pieces of [`MAX_READ`] behind the last element are looked at for more of them: more than a large
/// frame has.
const PIECES: u64 = 4;

/// How far the length that a file tells may be from that of its blocks, in nanoseconds.
const LENGTH_SLACK: f64 = 1e9;

/// What the elements of a segment say together.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
struct Outline {
    /// Whether the header says no more than Matroska.
    matroska: bool,
    /// Nanoseconds of a tick.
    tick_nanos: u64,
    /// Length in ticks, as the file tells it.
    ticks: Option<f64>,
    /// The tracks, once they were found.
    tracks: Option<Vec<Track>>,
    blocks: Blocks,
    /// Whether there was any content.
    content: bool,
    /// Whether a block reaches beyond the end of the file, or something that blocks follow.
    cut: bool,
    /// Whether elements do not fill those that they are in, or end although more of them follow.
    changed: bool,
    /// A part up to the segment's own end that is zeros alone.
    blank: Option<Range<u64>>,
    /// What lies behind the segment, if it is a lot.
    trailing: Option<Oddity>,
    /// Whether the budget ended before the file did.
    unfinished: bool,
}

/// Looks at a file that begins like a `WebM` file, its header at `start` behind what is `leading`.
pub(super) fn probe(
    start: u64,
    leading: Option<Oddity>,
    reader: &mut Reader<'_>,
) -> Result<Probe, ProbeError> {
    let mut outline = Outline {
        matroska: false,
        tick_nanos: 1_000_000,
        ticks: None,
        tracks: None,
        blocks: Blocks::default(),
        content: false,
        cut: false,
        changed: false,
        blank: None,
        trailing: None,
        unfinished: false,
    };
    match outline.read(start, reader) {
        Ok(Some(other)) => return Err(other),
        Ok(None) => {}
        Err(Stop::Budget) => outline.unfinished = true,
        Err(Stop::Io(error)) => return Err(error.into()),
    }
    let tracks = outline.tracks.as_deref().unwrap_or_default();
    if outline.matroska && !tracks.iter().all(Track::fits_webm) {
        return Err(ProbeError::NotAVideo { looks_like: Some(sniff::MATROSKA) });
    }
    let called = outline.matroska.then_some(Oddity::CalledMatroska);
    let mut oddities: Vec<_> = leading.into_iter().chain(called).collect();
    let certain = oddities.is_empty();
    oddities.extend(outline.trailing);
    if outline.changed {
        oddities = vec![Oddity::Changed];
    }
    let unknown = Probe { oddities, ..Probe::unknown(Container::WebM) };
    let Some(track) = outline.picture() else {
        return match &outline.tracks {
            _ if outline.unfinished => Ok(unknown),
            _ if outline.changed => Err(ProbeError::Changed),
            Some(_) => Err(ProbeError::NoPicture),
            None => Err(ProbeError::NoIndex),
        };
    };
    let (width, height) = track.coded.unzip();
    let (frame_rate, steady) = outline.frame_rate(track);
    Ok(Probe {
        duration: outline.duration(track),
        width,
        height,
        shown: track.shown.filter(|_| track.shown != track.coded),
        frame_rate,
        steady,
        codec: track.codec.clone(),
        complete: !outline.cut && (outline.content || outline.unfinished),
        protected: tracks.iter().any(|track| track.protected),
        blank: outline.blank.clone().filter(|_| certain),
        ..unknown
    })
}

impl Outline {
    /// The first large picture.
    fn picture(&self) -> Option<&Track> {
        let tracks = self.tracks.iter().flatten();
        let pictures: Vec<&Track> = tracks.filter(|track| track.is_picture()).collect();
        pictures.get(still::first_large(pictures.iter().map(|track| track.coded))?).copied()
    }

    /// Reads the header and the segment; returns why it is no `WebM` file, if it is none.
    fn read(&mut self, start: u64, reader: &mut Reader<'_>) -> Result<Option<ProbeError>, Stop> {
        let len = reader.len();
        let header = Element::read(reader, start, len)?.filter(|header| header.id == id::EBML);
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
            // What it holds decides.
            "matroska" | "" => self.matroska = true,
            _ => return Ok(Some(ProbeError::NotAVideo { looks_like: None })),
        }
        while at < len
            && let Some(element) = Element::read(reader, at, len)?
        {
            if element.id == id::SEGMENT {
                self.cut |= element.end.is_some_and(|end| end > len.saturating_add(TOO_LONG));
                let (segment, _) = element.within(len);
                let end = self.read_segment(segment, element.end, reader)?;
                if let Some(end) = end {
                    self.trailing = blank::trailing(start, end, reader)?;
                }
                return Ok(None);
            }
            at = element.within(len).1;
        }
        Ok(None)
    }

    /// Reads a segment. Clusters and groups are entered rather than skipped, so that their elements come
    /// along as if they were the segment's own; this also needs no sizes, which recorders often do not
    /// know; `told` is where the segment itself says that it ends. Returns where it ends, if that is certain.
    fn read_segment(
        &mut self,
        segment: Element,
        told: Option<u64>,
        reader: &mut Reader<'_>,
    ) -> Result<Option<u64>, Stop> {
        let sized = told.is_some();
        let limit = segment.end.unwrap_or(reader.len());
        let mut at = segment.body;
        let mut picture = None;
        let mut passed = None;
        // Whether the last element is none that belongs here: then it is no element, but what somebody
        // put behind the end.
        let mut strange = false;
        let mut end_of_all = sized.then_some(limit);
        // Where the segment, the cluster and the group end that are being read, of those that know it.
        let outermost = usize::from(sized);
        let mut open: Vec<u64> = told.into_iter().collect();
        let mut stopped = None;
        while at < limit {
            let begin = at;
            while open.pop_if(|end| *end <= begin).is_some() {}
            let Some(element) = Element::read(reader, at, limit)? else {
                self.cut |= begins_element(&reader.some(at, limit, 4)?);
                // What was read as an element without being one leads nowhere.
                end_of_all = end_of_all.or((!strange).then_some(at));
                // No element begins with a zero. Behind one that does not know its size anything may lie.
                if sized && blank::is_all_blank(at..limit, reader)? {
                    self.blank = Some(at..limit);
                } else {
                    self.judge_stop(at..limit, &open, outermost, reader)?;
                }
                break;
            };
            // Behind a segment that does not know its size, another video begins.
            if element.id == id::EBML && !sized {
                end_of_all = Some(begin);
                break;
            }
            let known = is_known(element.id);
            // None but clusters may not know their size.
            let beyond = element.end.map_or(!known, |end| end > reader.len());
            let parent = open.last().filter(|end| **end <= reader.len());
            let overflows =
                parent.is_some_and(|parent| element.end.is_none_or(|end| end > *parent));
            if overflows && element.id != id::CLUSTER && limit - begin >= FAR {
                self.changed = true;
                break;
            }
            if beyond && !matches!(element.id, id::CLUSTER | id::BLOCK_GROUP) {
                stopped = Some(begin);
            }
            if beyond && (strange || !known) {
                break;
            }
            strange = !known;
            let (inner, end) = element.within(limit);
            at = end;
            match element.id {
                id::INFO => self.read_info(inner, reader)?,
                id::TRACKS => {
                    self.tracks = Some(Track::all(inner, reader)?);
                    picture = self.picture().map(|track| Picture {
                        number: track.number,
                        hiding: match track.codec.as_deref() {
                            Some("vp8") => Hiding::Vp8,
                            Some("vp9") => Hiding::Vp9,
                            _ => Hiding::Nothing,
                        },
                    });
                }
                id::CLUSTER => {
                    self.content = true;
                    let excess = element.end.map_or(0, |end| end.saturating_sub(reader.len()));
                    self.cut |= excess > TOO_LONG;
                    open.truncate(outermost);
                    if self.blocks.count < BLOCKS || element.end.is_none() {
                        at = element.body;
                        open.extend(element.end);
                    } else {
                        passed = Some(element);
                    }
                    continue;
                }
                id::TIMESTAMP => {
                    self.blocks.cluster = inner.unsigned(reader)?.unwrap_or(self.blocks.cluster);
                }
                id::BLOCK_GROUP => {
                    at = element.body;
                    // Where nothing around it knows its size, it may be a scrap.
                    if !open.is_empty() {
                        open.extend(element.end);
                    }
                }
                id::SIMPLE_BLOCK | id::BLOCK => self.blocks.read(inner, picture, reader)?,
                _ => {}
            }
            self.cut |= beyond;
        }
        if let Some(stopped) = stopped.filter(|_| !self.changed) {
            self.changed = self.goes_on(stopped, reader)?;
        }
        if let Some(cluster) = passed {
            self.read_last(cluster, reader)?;
        }
        Ok(end_of_all)
    }

    /// Judges a place from which on nothing more can be read up to the segment's end: of what knows its size, all
    /// of it is elements. Behind a segment that does not, anything may lie but its own blocks.
    fn judge_stop(
        &mut self,
        rest: Range<u64>,
        open: &[u64],
        outermost: usize,
        reader: &mut Reader<'_>,
    ) -> Result<(), Stop> {
        if rest.end - rest.start < FAR {
            return Ok(());
        }
        // The last head that was written may be incomplete.
        let behind = rest.start + HEAD;
        let zeros = reader.some(behind, rest.end, ZEROS)?.iter().all(|byte| *byte == 0);
        match open.get(outermost..).and_then(<[u64]>::last) {
            Some(&end) if zeros => self.blank = Some(rest.start..end.min(rest.end)),
            _ if zeros => {}
            _ if open.is_empty() => self.changed = self.goes_on(rest.start, reader)?,
            _ => self.changed = true,
        }
        Ok(())
    }

    /// Whether what lies here, and is no element, was some, or some follow: as after a transfer in text mode.
    fn goes_on(&self, at: u64, reader: &mut Reader<'_>) -> Result<bool, Stop> {
        let len = reader.len();
        if len.saturating_sub(at) < FAR {
            return Ok(false);
        }
        for piece in 0..PIECES {
            let from = at + piece * (MAX_READ - BLOCK) as u64;
            let bytes = reader.some(from, len, MAX_READ)?;
            if piece == 0 && transfer::has_lines(&bytes) {
                return Ok(true);
            }
            for (place, window) in bytes.windows(BLOCK).enumerate() {
                let here = from + place as u64;
                let cluster = window.starts_with(&id::CLUSTER.to_be_bytes());
                if cluster && begins_cluster(here, reader)? {
                    return Ok(true);
                }
                if self.is_block(window) && self.blocks_follow(here, reader)? {
                    return Ok(true);
                }
            }
            if bytes.len() < MAX_READ {
                break;
            }
        }
        Ok(false)
    }

    /// Whether bytes begin like a block of one of the tracks.
    fn is_block(&self, bytes: &[u8]) -> bool {
        /// Bits of a block's flags that mean nothing.
        const RESERVED: u8 = 0x70;
        let Some((&[simple], rest)) = bytes.split_first_chunk::<1>() else { return false };
        let size = ebml::number(rest, 8).filter(|_| u32::from(simple) == id::SIMPLE_BLOCK);
        let Some(block) = size.and_then(|(length, _)| rest.get(length..)) else { return false };
        let Some((length, number)) = ebml::number(block, 8) else { return false };
        let number = number & !(1 << (7 * length));
        let flags = block.get(length + 2).copied().unwrap_or(RESERVED);
        let tracks = self.tracks.as_deref().unwrap_or_default();
        flags & RESERVED == 0 && tracks.iter().any(|track| track.number == number)
    }

    /// Whether several blocks follow each other from here on.
    fn blocks_follow(&self, mut at: u64, reader: &mut Reader<'_>) -> Result<bool, Stop> {
        let len = reader.len();
        for _ in 0..IN_A_ROW {
            let Some(block) = Element::read(reader, at, len)? else { return Ok(false) };
            let Some(end) = block.end.filter(|end| *end <= len) else { return Ok(false) };
            if !self.is_block(&reader.some(at, len, BLOCK)?) {
                return Ok(false);
            }
            at = end;
        }
        Ok(true)
    }

    /// Reads the last cluster of those that were passed over, for where the segment ends.
    fn read_last(&mut self, cluster: Element, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let len = reader.len();
        let Self { blocks, cut, .. } = self;
        cluster.children(reader, |reader, element| {
            *cut |= element.end.is_some_and(|end| end > len);
            match element.id {
                id::TIMESTAMP => {
                    blocks.cluster = element.unsigned(reader)?.unwrap_or(blocks.cluster);
                    Ok(())
                }
                id::SIMPLE_BLOCK => blocks.read(element, None, reader),
                id::BLOCK_GROUP => element.children(reader, |reader, element| match element.id {
                    id::BLOCK => blocks.read(element, None, reader),
                    _ => Ok(()),
                }),
                _ => Ok(()),
            }
        })
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

    /// The length that the file tells, unless its blocks contradict it: then, and where it tells none,
    /// where the last block begins, and a frame more.
    fn duration(&self, track: &Track) -> Option<Duration> {
        let told = self.ticks.map(|ticks| ticks * approximate(self.tick_nanos));
        let seen = self.blocks.length(self.tick_nanos).filter(|_| !self.unfinished);
        let nanos = match (told, seen) {
            (Some(told), Some(seen)) if (told - seen).abs() <= LENGTH_SLACK.max(seen / 50.0) => {
                told
            }
            (Some(told), None) => told,
            (_, Some(seen)) => seen + approximate(self.told_frame(track).unwrap_or(0)),
            (None, None) => return None,
        };
        Duration::try_from_secs_f64(nanos / 1e9).ok().filter(|length| !length.is_zero())
    }

    /// The length of a frame that the track tells, unless its blocks contradict it.
    fn told_frame(&self, track: &Track) -> Option<u64> {
        let told = track.frame_nanos?;
        let seen = self.blocks.rate(self.tick_nanos).map(|(rate, _)| rate);
        seen.is_none_or(|seen| is_near(seen, 1e9 / approximate(told))).then_some(told)
    }

    /// The average of the frames that were seen, and whether they come evenly. What the track tells is
    /// more exact where it is the same, and counts where no frames were seen.
    fn frame_rate(&self, track: &Track) -> (Option<f64>, bool) {
        let told = self.told_frame(track).map(|nanos| 1e9 / approximate(nanos));
        match self.blocks.rate(self.tick_nanos) {
            Some((seen, steady)) => (Some(told.filter(|_| steady).unwrap_or(seen)), steady),
            None => (told, told.is_some()),
        }
    }
}

/// Whether a cluster begins here, with its time.
fn begins_cluster(at: u64, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let len = reader.len();
    let Some(cluster) = Element::read(reader, at, len)? else { return Ok(false) };
    let time = Element::read(reader, cluster.body, len)?;
    Ok(time.is_some_and(|time| time.id == id::TIMESTAMP))
}

/// Whether two rates are the same but for rounding, and for a frame that is missing here or there.
fn is_near(seen: f64, told: f64) -> bool {
    (seen - told).abs() <= told * 0.02
}

/// Whether an element of this id may be in a segment, a cluster or a group of blocks.
fn is_known(id: u32) -> bool {
    matches!(
        id,
        id::INFO
            | id::TRACKS
            | id::CLUSTER
            | id::TIMESTAMP
            | id::SIMPLE_BLOCK
            | id::BLOCK_GROUP
            | id::BLOCK
    ) || id::OTHERS.contains(&id)
}

/// Whether bytes that are no whole head of an element are the beginning of one that belongs here.
fn begins_element(bytes: &[u8]) -> bool {
    let ids = [id::INFO, id::TRACKS, id::CLUSTER, id::SIMPLE_BLOCK, id::BLOCK_GROUP, id::BLOCK]
        .into_iter()
        .chain(id::OTHERS);
    let mut heads = ids.map(u32::to_be_bytes);
    heads.any(|head| {
        let zeros = head.iter().take_while(|&&byte| byte == 0).count();
        let id = head.get(zeros..).unwrap_or_default();
        let common = bytes.len().min(id.len());
        common > 0 && bytes.get(..common) == id.get(..common)
    })
}
