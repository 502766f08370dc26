//! The `moof` box: samples that are told of piece by piece, and `sidx`, which sums them up.

use super::atom::Atom;
use super::movie::{Defaults, Kind, Movie, Track};
use crate::blank::Spread;
use crate::rate::Rate;
use crate::reader::{MAX_READ, Reader, Stop};

/// Bits of the flags of `tfhd` and `trun`: ISO/IEC 14496-12, sections 8.8.7 and 8.8.8.
mod flag {
    pub(super) const BASE_OFFSET: u32 = 0x1;
    pub(super) const DESCRIPTION: u32 = 0x2;
    pub(super) const DEFAULT_TICKS: u32 = 0x8;
    pub(super) const DEFAULT_SIZE: u32 = 0x10;
    pub(super) const BASE_IS_MOOF: u32 = 0x2_0000;
    pub(super) const DATA_OFFSET: u32 = 0x1;
    pub(super) const FIRST_FLAGS: u32 = 0x4;
    pub(super) const TICKS: u32 = 0x100;
    pub(super) const SIZE: u32 = 0x200;
    /// Every field that a sample may have: its ticks, size, flags and shift.
    pub(super) const FIELDS: [u32; 4] = [TICKS, SIZE, 0x400, 0x800];
}

/// The samples of a track that its fragments tell of.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragments {
    /// Their number and times.
    pub(super) rate: Rate,
    /// Where some of them lie, if they are pictures.
    pub(super) places: Spread,
    /// Time of the first of them, in the track's ticks.
    start: Option<u64>,
    /// Time at which the last of them ends.
    end: u64,
    /// Time at which the next fragment begins that does not say it.
    next: u64,
}

impl Fragments {
    /// Number of samples.
    pub(super) fn count(&self) -> u64 {
        self.rate.frames
    }

    /// Ticks from the first sample to the end of the last; `None` without fragments.
    pub(super) fn length(&self) -> Option<u64> {
        self.start.map(|start| self.end.saturating_sub(start))
    }

    /// A fragment begins, at a time that it tells or behind the one before.
    fn begin(&mut self, told: Option<u64>) {
        self.next = told.unwrap_or(self.next);
        self.start = Some(self.start.map_or(self.next, |start| start.min(self.next)));
    }

    fn add(&mut self, count: u32, ticks: u32, kind: Kind) {
        if kind == Kind::Picture {
            self.rate.add(count, ticks);
        } else {
            self.rate.frames = self.rate.frames.saturating_add(count.into());
        }
        let span = u64::from(count).saturating_mul(ticks.into());
        self.next = self.next.saturating_add(span);
        self.end = self.end.max(self.next);
    }
}

/// One `traf` box: what its runs go by.
struct Run<'t> {
    track: &'t mut Track,
    usual: Defaults,
    /// What offsets count from.
    base: u64,
    /// Where the data of the next run begins that does not say it.
    data: u64,
}

/// Adds the samples that a `moof` box has to the tracks of `movie`; returns where their data ends in
/// the file.
pub(super) fn add_samples(
    moof: Atom,
    movie: &mut Movie,
    reader: &mut Reader<'_>,
) -> Result<u64, Stop> {
    let mut end = 0;
    // Where the data of the fragment before ends: what one without a base of its own counts from.
    let mut before = moof.start;
    moof.children(reader, |reader, traf| {
        if traf.kind != *b"traf" {
            return Ok(());
        }
        let (mut head, mut time) = (None, None);
        traf.children(reader, |reader, atom| {
            match &atom.kind {
                b"tfhd" => head = Some(atom),
                b"tfdt" if atom.version(reader)? == Some(1) => time = atom.u64(reader, 4)?,
                b"tfdt" => time = atom.u32(reader, 4)?.map(u64::from),
                _ => {}
            }
            Ok(())
        })?;
        let Some(head) = head else { return Ok(()) };
        let Some(id) = head.u32(reader, 4)? else { return Ok(()) };
        let Movie { tracks, defaults, .. } = &mut *movie;
        let Some(track) = tracks.iter_mut().find(|track| track.id == id) else { return Ok(()) };
        let usual = defaults.iter().find(|it| it.track == id).copied().unwrap_or_default();
        let mut run = Run { track, usual, base: before, data: before };
        run.read_head(head, moof, reader)?;
        if run.track.fragments.start.is_none() && run.track.rate.frames > 0 {
            // They go on where the samples of the movie end.
            run.track.fragments.begin(Some(0));
            run.track.fragments.next = run.track.rate.ticks;
        }
        run.track.fragments.begin(time);
        traf.children(reader, |reader, atom| match &atom.kind {
            b"trun" => run.read(atom, reader),
            _ => Ok(()),
        })?;
        before = run.data;
        end = end.max(run.data);
        Ok(())
    })?;
    Ok(end)
}

impl Run<'_> {
    /// What the fragment says for all of its samples.
    fn read_head(&mut self, tfhd: Atom, moof: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let Some(flags) = tfhd.u32(reader, 0)? else { return Ok(()) };
        let mut at = 8;
        if flags & flag::BASE_OFFSET != 0 {
            self.base = tfhd.u64(reader, at)?.unwrap_or(self.base);
            at += 8;
        } else if flags & flag::BASE_IS_MOOF != 0 {
            self.base = moof.start;
        }
        self.data = self.base;
        at += if flags & flag::DESCRIPTION == 0 { 0 } else { 4 };
        if flags & flag::DEFAULT_TICKS != 0 {
            self.usual.ticks = tfhd.u32(reader, at)?.unwrap_or(self.usual.ticks);
            at += 4;
        }
        if flags & flag::DEFAULT_SIZE != 0 {
            self.usual.size = tfhd.u32(reader, at)?.unwrap_or(self.usual.size);
        }
        Ok(())
    }

    fn read(&mut self, trun: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let (Some(flags), Some(count)) = (trun.u32(reader, 0)?, trun.u32(reader, 4)?) else {
            return Ok(());
        };
        let mut at = trun.body + 8;
        if flags & flag::DATA_OFFSET != 0 {
            let offset = trun.u32(reader, 8)?.unwrap_or(0).cast_signed();
            self.data = self.base.saturating_add_signed(offset.into());
            at += 4;
        }
        at += if flags & flag::FIRST_FLAGS == 0 { 0 } else { 4 };
        if flags & (flag::TICKS | flag::SIZE) == 0 {
            self.add(count, self.usual.ticks, self.usual.size);
            return Ok(());
        }
        let fields = flag::FIELDS.iter().filter(|&&field| flags & field != 0).count();
        let width = fields * 4;
        let size_at = if flags & flag::TICKS == 0 { 0 } else { 4 };
        let number = |entry: &[u8], at: usize| {
            entry.get(at..).and_then(|rest| rest.first_chunk()).map(|it| u32::from_be_bytes(*it))
        };
        let mut left = usize::try_from(count).unwrap_or(usize::MAX);
        while left > 0 {
            let now = left.min(MAX_READ / width);
            let entries = reader.some(at, trun.end, now * width)?;
            for entry in entries.chunks_exact(width) {
                let ticks = number(entry, 0).filter(|_| flags & flag::TICKS != 0);
                let size = number(entry, size_at).filter(|_| flags & flag::SIZE != 0);
                self.add(1, ticks.unwrap_or(self.usual.ticks), size.unwrap_or(self.usual.size));
            }
            if entries.len() < now * width {
                break;
            }
            (at, left) = (at + entries.len() as u64, left - now);
        }
        Ok(())
    }

    fn add(&mut self, count: u32, ticks: u32, size: u32) {
        /// The most samples of one size that are noted one by one.
        const NOTED: u32 = 16;
        if self.track.kind == Kind::Picture {
            for sample in 0..u64::from(count.min(NOTED)) {
                let at = self.data.saturating_add(sample * u64::from(size));
                self.track.fragments.places.note(at..at.saturating_add(size.into()));
            }
        }
        self.track.fragments.add(count, ticks, self.track.kind);
        self.data = self.data.saturating_add(u64::from(count).saturating_mul(size.into()));
    }
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
