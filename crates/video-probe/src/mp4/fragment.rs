//! The `moof` box: frames that are told of piece by piece, and `sidx`, which sums them up.

use super::atom::Atom;
use crate::rate::Rate;
use crate::reader::{MAX_READ, Reader, Stop};

/// Bits of the flags of `tfhd` and `trun`: ISO/IEC 14496-12, sections 8.8.7 and 8.8.8.
mod flag {
    pub(super) const BASE_OFFSET: u32 = 0x1;
    pub(super) const DESCRIPTION: u32 = 0x2;
    pub(super) const DEFAULT_TICKS: u32 = 0x8;
    pub(super) const DATA_OFFSET: u32 = 0x1;
    pub(super) const FIRST_FLAGS: u32 = 0x4;
    pub(super) const TICKS: u32 = 0x100;
    /// Every field that a frame may have: its ticks, size, flags and shift.
    pub(super) const FIELDS: [u32; 4] = [TICKS, 0x200, 0x400, 0x800];
}

/// Adds the frames that a `moof` box has for `track`, whose frames take `usual` ticks.
pub(super) fn add_frames(
    moof: Atom,
    track: u32,
    usual: u32,
    rate: &mut Rate,
    reader: &mut Reader<'_>,
) -> Result<(), Stop> {
    moof.children(reader, |reader, traf| {
        if traf.kind != *b"traf" {
            return Ok(());
        }
        let (mut ours, mut usual) = (false, usual);
        traf.children(reader, |reader, atom| {
            match &atom.kind {
                b"tfhd" => {
                    ours = atom.u32(reader, 4)? == Some(track);
                    usual = default_ticks(atom, reader)?.unwrap_or(usual);
                }
                b"trun" if ours => add_run(atom, usual, rate, reader)?,
                _ => {}
            }
            Ok(())
        })
    })
}

/// Ticks of a frame, where the fragment says so for all of its own.
fn default_ticks(tfhd: Atom, reader: &mut Reader<'_>) -> Result<Option<u32>, Stop> {
    let Some(flags) = tfhd.u32(reader, 0)? else { return Ok(None) };
    if flags & flag::DEFAULT_TICKS == 0 {
        return Ok(None);
    }
    let mut at = 8;
    at += if flags & flag::BASE_OFFSET == 0 { 0 } else { 8 };
    at += if flags & flag::DESCRIPTION == 0 { 0 } else { 4 };
    tfhd.u32(reader, at)
}

fn add_run(trun: Atom, usual: u32, rate: &mut Rate, reader: &mut Reader<'_>) -> Result<(), Stop> {
    let (Some(flags), Some(count)) = (trun.u32(reader, 0)?, trun.u32(reader, 4)?) else {
        return Ok(());
    };
    if flags & flag::TICKS == 0 {
        rate.add(count, usual);
        return Ok(());
    }
    let mut at = trun.body + 8;
    at += if flags & flag::DATA_OFFSET == 0 { 0 } else { 4 };
    at += if flags & flag::FIRST_FLAGS == 0 { 0 } else { 4 };
    let fields = flag::FIELDS.iter().filter(|&&field| flags & field != 0).count();
    let width = fields * 4;
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    while left > 0 {
        let now = left.min(MAX_READ / width);
        let entries = reader.some(at, trun.end, now * width)?;
        for entry in entries.chunks_exact(width) {
            if let Some(&[a, b, c, d]) = entry.first_chunk::<4>() {
                rate.add(1, u32::from_be_bytes([a, b, c, d]));
            }
        }
        if entries.len() < now * width {
            break;
        }
        (at, left) = (at + entries.len() as u64, left - now);
    }
    Ok(())
}

/// Length and ticks a second that a `sidx` box tells; `None` when it only points to others.
pub(super) fn indexed_length(
    sidx: Atom,
    reader: &mut Reader<'_>,
) -> Result<Option<(u64, u32)>, Stop> {
    let Some(scale) = sidx.u32(reader, 8)? else { return Ok(None) };
    let counts_at = if sidx.version(reader)? == Some(0) { 20 } else { 28 };
    let Some([_, _, high, low]) = sidx.bytes::<4>(reader, counts_at)? else { return Ok(None) };
    let most = usize::from(u16::from_be_bytes([high, low])) * 12;
    let mut ticks = 0_u64;
    let mut at = sidx.body + counts_at + 4;
    let mut left = most;
    while left > 0 {
        let entries = reader.some(at, sidx.end, left.min(MAX_READ / 12 * 12))?;
        for entry in entries.chunks_exact(12) {
            if let &[kind, _, _, _, a, b, c, d, ..] = entry {
                if kind & 0x80 != 0 {
                    return Ok(None);
                }
                ticks = ticks.saturating_add(u32::from_be_bytes([a, b, c, d]).into());
            }
        }
        if entries.is_empty() || entries.len() % 12 != 0 {
            return Ok(None);
        }
        (at, left) = (at + entries.len() as u64, left - entries.len());
    }
    Ok(Some((ticks, scale)))
}
