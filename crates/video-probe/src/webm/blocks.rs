//! The times of blocks: RFC 9559, sections 10 and 11.

use super::ebml::{self, Element};
use crate::rate::{Rate, approximate};
use crate::reader::{Reader, Stop};

/// The most times of the picture that are kept.
const KEPT: usize = 65_536;

/// Ticks at the beginning that are a time of their own, in nanoseconds: a recording that begins later
/// was cut out of something longer.
const LATE: u64 = 1_000_000_000;

/// What the blocks of a segment say together.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Time of the cluster being read, in ticks.
    pub(super) cluster: u64,
    /// How many blocks were read.
    pub(super) count: u32,
    /// Times at which the frames of the picture begin, in ticks, and whether they seem to be hidden.
    picture: Vec<(u64, bool)>,
    /// Number of frames that share a block with the one before.
    laced: u64,
    /// When the first block of any track begins, and when the last, and the last picture.
    first: Option<u64>,
    last: Option<u64>,
}

/// The track whose blocks are pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    /// By which blocks name it.
    pub(super) number: u64,
    /// How its frames tell that they are not shown.
    pub(super) hiding: Hiding,
}

/// How the first byte of a frame tells that it is not shown: only others are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hiding {
    /// RFC 6386, section 9.1.
    Vp8,
    /// VP9 Bitstream & Decoding Process Specification, section 6.2; annex B for blocks of several frames,
    /// of which one is shown.
    Vp9,
    /// It does not tell, or hides nothing.
    Nothing,
}

impl Hiding {
    fn hides(self, block: Element, first: u8, reader: &mut Reader<'_>) -> Result<bool, Stop> {
        match self {
            Self::Nothing => Ok(false),
            Self::Vp8 => Ok(first & 0x10 == 0),
            Self::Vp9 => {
                // Two bits of a marker, the profile, and one more bit in profile 3; then whether an
                // earlier frame is shown, whether this is a key frame, and whether it is shown.
                let bits = if first & 0x30 == 0x30 { first << 1 } else { first };
                if first >> 6 != 2 || bits & 0x08 != 0 || bits & 0x02 != 0 {
                    return Ok(false);
                }
                let end = block.end.unwrap_or(block.body);
                let last = reader.array::<1>(end.saturating_sub(1), end)?;
                Ok(last.is_some_and(|[last]| last & 0xe0 != 0xc0))
            }
        }
    }
}

impl Blocks {
    /// Notes a block: its track's number, its distance from the cluster's time, flags, and its data.
    pub(super) fn read(
        &mut self,
        block: Element,
        picture: Option<Picture>,
        reader: &mut Reader<'_>,
    ) -> Result<(), Stop> {
        /// Bits of a block's flags.
        const INVISIBLE: u8 = 0x08;
        const LACED: u8 = 0x06;
        let head = reader.some(block.body, block.end.unwrap_or(block.body), 12)?;
        let Some((length, number)) = ebml::number(&head, 8) else { return Ok(()) };
        let Some((&[a, b], data)) = head.get(length..).and_then(|it| it.split_first_chunk::<2>())
        else {
            return Ok(());
        };
        let time = self.cluster.saturating_add_signed(i16::from_be_bytes([a, b]).into());
        self.count = self.count.saturating_add(1);
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = self.last.max(Some(time));
        let number = number & !(1 << (7 * length));
        let Some(picture) = picture.filter(|picture| picture.number == number) else {
            return Ok(());
        };
        let flags = data.first().copied().unwrap_or(0);
        if flags & INVISIBLE != 0 || self.picture.len() >= KEPT {
            return Ok(());
        }
        let more = data.get(1).copied().unwrap_or(0);
        let is_laced = flags & LACED != 0;
        let hidden = !is_laced && picture.hiding.hides(block, more, reader)?;
        self.laced = self.laced.saturating_add(if is_laced { more.into() } else { 0 });
        self.picture.push((time, hidden));
        Ok(())
    }

    /// Frames a second, and whether they come at even distances; `None` for fewer than two.
    pub(super) fn rate(&self, tick_nanos: u64) -> Option<(f64, bool)> {
        let all = self.picture.iter();
        let hidden = all.clone().filter(|(_, hidden)| *hidden).count();
        // Most frames are shown; else these are not the frames that they seem to be.
        let believed = hidden * 2 < self.picture.len();
        let shown = all.filter(|(_, hidden)| !(believed && *hidden));
        let mut times: Vec<u64> = shown.map(|(time, _)| *time).collect();
        // A codec may store frames in another order than it shows them.
        times.sort_unstable();
        let mut rate = Rate::default();
        for pair in times.windows(2) {
            if let &[one, next] = pair {
                rate.add(1, u32::try_from(next - one).unwrap_or(u32::MAX));
            }
        }
        // Frames that share a block come between its time and the next.
        let frames = rate.frames.saturating_add(self.laced);
        let nanos = approximate(rate.ticks) * approximate(tick_nanos);
        (rate.frames > 0 && nanos > 0.0)
            .then(|| (approximate(frames) * 1e9 / nanos, rate.is_steady()))
    }

    /// Nanoseconds up to where the last block begins; from the first, if that comes late.
    pub(super) fn length(&self, tick_nanos: u64) -> Option<f64> {
        let (first, last) = (self.first?, self.last?);
        let late = first.saturating_mul(tick_nanos) > LATE;
        let ticks = if late { last - first } else { last };
        Some(approximate(ticks) * approximate(tick_nanos))
    }
}
