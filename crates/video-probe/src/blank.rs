//! Pictures that were never written: only zeros, as a download leaves them that was cut off after its file was
//! made in full length.

use std::ops::Range;

use crate::probe::Oddity;
use crate::reader::{Reader, Stop};

/// The most bytes of a sample that are looked at: none of the codecs in [`is_told`] begins so many with zeros.
const LOOK: usize = 4096;

/// The fewest bytes of a sample that tell anything.
const LEAST: u64 = 16;

/// The most pairs that are kept.
const MOST: usize = 16;

/// Two samples of a picture that follow each other, as byte ranges. A single one that is damaged is no proof
/// of anything; two in a row are.
pub(super) type Pair = [Range<u64>; 2];

/// Pairs that are spread evenly over all samples that are noted, however many come.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    /// How many pairs came, and of how many one is kept: this power of two.
    seen: u64,
    every: u32,
    before: Option<Range<u64>>,
    kept: Vec<Pair>,
    last: Option<Pair>,
}

impl Spread {
    /// Notes the next sample.
    pub(super) fn note(&mut self, sample: Range<u64>) {
        let Some(before) = self.before.replace(sample.clone()) else { return };
        let pair = [before, sample];
        if self.seen.trailing_zeros() >= self.every {
            if self.kept.len() == MOST {
                let mut at = 0;
                self.kept.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.every += 1;
            }
            if self.seen.trailing_zeros() >= self.every {
                self.kept.push(pair.clone());
            }
        }
        self.last = Some(pair);
        self.seen = self.seen.saturating_add(1);
    }

    /// The pairs that are kept, and the last one.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.kept.iter().chain(&self.last)
    }
}

/// Whether samples of a codec cannot be zeros alone: H.264 and H.265 begin with the length of a unit and its
/// type, VP8 with the size of its first partition, VP9 with a marker.
pub(super) fn is_told(codec: &str) -> bool {
    matches!(codec, "h264" | "h265" | "vp8" | "vp9")
}

/// The first of these pairs whose samples are zeros alone, as far as they are looked at.
pub(super) fn first_blank<'p>(
    pairs: impl Iterator<Item = &'p Pair>,
    reader: &mut Reader<'_>,
) -> Result<Option<Range<u64>>, Stop> {
    for [one, next] in pairs {
        if is_blank(one, reader)? && is_blank(next, reader)? {
            return Ok(Some(one.start..next.end.max(one.end)));
        }
    }
    Ok(None)
}

/// The fewest bytes behind the end of a video that are worth a word: tags and padding are shorter.
const TRAILING: u64 = 1 << 20;

/// What lies behind the end of a video that begins at `start`, if it is another video, or more than this one.
pub(super) fn trailing(
    start: u64,
    end: u64,
    reader: &mut Reader<'_>,
) -> Result<Option<Oddity>, Stop> {
    if begins_video(end, reader)? {
        return Ok(Some(Oddity::Second { at: end }));
    }
    let count = reader.len().saturating_sub(end);
    if count < TRAILING || count <= end.saturating_sub(start) {
        return Ok(None);
    }
    let zeros = is_all_blank(end..reader.len(), reader)?;
    Ok(Some(Oddity::Trailing { end, count, zeros }))
}

/// Whether a video begins here, by a mark that nothing else has.
fn begins_video(at: u64, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let head = reader.array::<8>(at, reader.len())?;
    Ok(head
        .is_some_and(|head| head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) || head.ends_with(b"ftyp")))
}

/// Whether all of a part is zeros, looked at in some places of it; nothing short is.
pub(super) fn is_all_blank(part: Range<u64>, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    const PLACES: u64 = 8;
    let look = LOOK as u64;
    let Some(length) = part.end.checked_sub(part.start).filter(|length| *length >= 2 * look) else {
        return Ok(false);
    };
    let step = (length - look) / PLACES;
    for at in (0..PLACES).map(|place| part.start + step * place).chain([part.end - look]) {
        if !is_blank(&(at..at + look), reader)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_blank(sample: &Range<u64>, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    if sample.end.saturating_sub(sample.start) < LEAST {
        return Ok(false);
    }
    let bytes = reader.some(sample.start, sample.end, LOOK)?;
    Ok(bytes.len() as u64 >= LEAST && bytes.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_kept_from_everywhere_however_many_come() {
        for count in [0_u64, 1, 2, 3, 17, 18, 33, 34, 1000, 100_000] {
            let mut spread = Spread::default();
            (0..count).for_each(|at| spread.note(at * 100..at * 100 + 100));
            let firsts: Vec<_> = spread.pairs().map(|pair| pair[0].start / 100).collect();
            assert!(firsts.len() <= MOST + 1 && firsts.is_sorted(), "{count}: {firsts:?}");
            if count < 2 {
                assert_eq!(firsts, [0_u64; 0]);
                continue;
            }
            assert_eq!((firsts[0], *firsts.last().unwrap()), (0, count - 2));
            let widest = firsts.windows(2).map(|two| two[1] - two[0]).max().unwrap_or(0);
            assert!(widest <= count / 8 + 1, "{count}: {firsts:?}");
            assert!(spread.pairs().all(|[one, next]| one.end == next.start));
        }
    }

    #[test]
    fn a_pair_is_blank_and_a_single_sample_or_a_short_one_is_not() {
        let mut file = vec![0; 1000];
        file[250] = 1;
        let mut reader = Reader::new(&file, 1000);
        let mut first = |pairs: &[Pair]| first_blank(pairs.iter(), &mut reader).unwrap();
        assert_eq!(first(&[[0..100, 200..300], [300..400, 400..500]]), Some(300..500));
        assert_eq!(first(&[[0..100, 200..300]]), None);
        assert_eq!(first(&[[0..8, 8..16]]), None, "too short to tell");
        assert_eq!(first(&[[900..1100, 1100..1200]]), None, "beyond the end");
    }
}
