//! Whether the bytes of a file are those that were written: a transfer in text mode makes two bytes of each line
//! feed, or one of two, so that from there on nothing lies where the index says.

use std::ops::Range;

use super::atom::Atom;
use crate::reader::{Reader, Stop};

/// So many of the last samples that were looked at must make no sense, or all if there are fewer.
const LAST: usize = 4;

/// The fewest samples that tell anything.
const LEAST: usize = 2;

/// The most units of one sample that are looked at.
const MOST_UNITS: usize = 64;

/// Whether samples do not lie where the index says: the lengths of their units, `width` bytes each, lead
/// nowhere. Only the last ones count, as what shifts a sample shifts all that follow.
pub(super) fn are_shifted(
    mut samples: Vec<Range<u64>>,
    width: u8,
    reader: &mut Reader<'_>,
) -> Result<bool, Stop> {
    samples.retain(|sample| sample.end <= reader.len());
    samples.sort_by_key(|sample| sample.start);
    let mut judged = Vec::new();
    for sample in &samples {
        judged.extend(is_whole(sample, width, reader)?);
    }
    Ok(judged.len() >= LEAST && !judged.iter().rev().take(LAST).any(|whole| *whole))
}

/// Whether the units of a sample end where it does; `None` where that cannot be told. ISO/IEC 14496-15,
/// section 4.3.
fn is_whole(sample: &Range<u64>, width: u8, reader: &mut Reader<'_>) -> Result<Option<bool>, Stop> {
    let mut at = sample.start;
    for unit in 0..MOST_UNITS {
        let head = reader.some(at, sample.end, width.into())?;
        let length = head.iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
        match (unit, length) {
            // Nothing, zeros that were never filled, or a start code in place of a length.
            (0, 0 | 1) => return Ok(None),
            // At its end, or at padding.
            (_, 0) => return Ok(Some(true)),
            _ => at = at.saturating_add(u64::from(width)).saturating_add(length),
        }
        if at > sample.end {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

/// Whether the boxes within `atom` fill it, and so on down to the tables of samples; zeros may follow them, as
/// `QuickTime` ends its lists.
pub(super) fn is_filled(atom: Atom, reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let mut at = atom.body;
    while at < atom.end {
        let Some(child) = Atom::read(reader, at, atom.end, false)? else {
            let rest = reader.some(at, atom.end, 64)?;
            return Ok(rest.iter().all(|byte| *byte == 0));
        };
        let inner = matches!(&child.kind, b"trak" | b"mdia" | b"minf" | b"stbl");
        if child.end > atom.end || !child.is_plausible() || inner && !is_filled(child, reader)? {
            return Ok(false);
        }
        at = child.end;
    }
    Ok(true)
}
