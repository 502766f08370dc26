//! The tables of samples: ISO/IEC 14496-12, sections 8.6.1, 8.7.3, 8.7.4 and 8.7.5.

use std::ops::Range;

use super::atom::Atom;
use crate::blank::Pair;
use crate::rate::Rate;
use crate::reader::{Reader, Stop};

/// Where the tables of a track lie.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tables {
    times: Option<Atom>,
    sizes: Option<Atom>,
    chunks: Option<Atom>,
    runs: Option<Atom>,
}

/// The chunk of a track that lies last in the file.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Its number, from 1.
    number: u64,
    /// Where it begins.
    at: u64,
}

impl Tables {
    /// Notes where the tables of an `stbl` box lie that `atom` is one of.
    pub(super) fn note(&mut self, atom: Atom) {
        match &atom.kind {
            b"stts" => self.times = Some(atom),
            b"stsz" | b"stz2" => self.sizes = Some(atom),
            b"stco" | b"co64" => self.chunks = Some(atom),
            b"stsc" => self.runs = Some(atom),
            _ => {}
        }
    }

    /// The times of the samples, and whether the whole table was read.
    pub(super) fn times(&self, reader: &mut Reader<'_>) -> Result<(Rate, bool), Stop> {
        let mut rate = Rate::default();
        let Some(table) = self.times else { return Ok((rate, false)) };
        let count = table.u32(reader, 4)?.unwrap_or(0).into();
        let whole = table.each(reader, 8, count, |[a, b, c, d, e, f, g, h]| {
            // Some writers mean a negative number, for samples that do not come in order.
            let ticks = u32::from_be_bytes([e, f, g, h]);
            let ticks = if i32::try_from(ticks).is_ok() { ticks } else { 0 };
            rate.add(u32::from_be_bytes([a, b, c, d]), ticks);
        })?;
        Ok((rate, whole))
    }

    /// How many samples there are.
    pub(super) fn count(&self, reader: &mut Reader<'_>) -> Result<Option<u32>, Stop> {
        self.sizes.map_or(Ok(None), |table| table.u32(reader, 8))
    }

    /// Where the last of the samples ends in the file, as far as that can be told: at least where the
    /// last chunk begins. `counted` says that sizes are of whole samples; some sounds' are not.
    pub(super) fn end(&self, reader: &mut Reader<'_>, counted: bool) -> Result<Option<u64>, Stop> {
        let Some(chunk) = self.last_chunk(reader)? else { return Ok(None) };
        let begins = Some(chunk.at.saturating_add(1));
        if !counted {
            return Ok(begins);
        }
        let Some((first, count)) = self.samples_of(chunk.number, reader)? else {
            return Ok(begins);
        };
        let size = self.size_of(first, count, reader)?;
        Ok(size.map_or(begins, |size| Some(chunk.at.saturating_add(size))))
    }

    /// Pairs of samples that are spread over the track, as far as can be told where they lie.
    pub(super) fn spread(&self, reader: &mut Reader<'_>) -> Result<Vec<Pair>, Stop> {
        const PAIRS: u64 = 8;
        let Some(last) = self.count(reader)?.and_then(|count| u64::from(count).checked_sub(2))
        else {
            return Ok(Vec::new());
        };
        let mut firsts: Vec<u64> = (0..PAIRS).map(|place| last * place / (PAIRS - 1)).collect();
        firsts.dedup();
        let samples: Vec<u64> = firsts.into_iter().flat_map(|first| [first, first + 1]).collect();
        let places = self.places(&samples, reader)?;
        let pairs = places.as_chunks::<2>().0.iter();
        Ok(pairs.map(|[one, next]| [one.clone(), next.clone()]).collect())
    }

    /// Where samples lie in the file, counted from 0 and in their order; of those from the first one on that
    /// cannot be told, none.
    fn places(&self, samples: &[u64], reader: &mut Reader<'_>) -> Result<Vec<Range<u64>>, Stop> {
        let mut places = Vec::new();
        // The chunk, sample and place that were found last.
        let mut last: Option<(u64, u64, u64)> = None;
        for (&sample, (chunk, first)) in samples.iter().zip(self.chunks_of(samples, reader)?) {
            let (from, at) = match last {
                Some((same, from, at)) if same == chunk && from <= sample => (from, at),
                _ => match self.chunk_at(chunk, reader)? {
                    Some(at) => (first, at),
                    None => break,
                },
            };
            let between = match sample - from {
                0 => Some(0),
                count => self.size_of(from, count, reader)?,
            };
            let Some((between, size)) = between.zip(self.size_of(sample, 1, reader)?) else {
                break;
            };
            let at = at.saturating_add(between);
            places.push(at..at.saturating_add(size));
            last = Some((chunk, sample, at));
        }
        Ok(places)
    }

    /// The chunks in which samples lie, each with its first sample; in the order of the samples, which is
    /// ascending.
    fn chunks_of(&self, samples: &[u64], reader: &mut Reader<'_>) -> Result<Vec<(u64, u64)>, Stop> {
        let (Some(table), Some(chunks)) = (self.runs, self.chunks) else { return Ok(Vec::new()) };
        let all = u64::from(chunks.u32(reader, 4)?.unwrap_or(0));
        let count = table.u32(reader, 4)?.unwrap_or(0).into();
        let mut found = Vec::new();
        let (mut before, mut sane) = (0_u64, true);
        // Finds the samples of the chunks from `begun` up to `next`, of `each` samples.
        let mut pass = |begun: u64, each: u64, next: u64| {
            sane &= next > begun && each > 0;
            if !sane {
                return;
            }
            let end = before.saturating_add((next - begun).saturating_mul(each));
            while let Some(&sample) = samples.get(found.len()).filter(|sample| **sample < end) {
                let chunks = (sample - before) / each;
                found.push((begun + chunks, before + chunks * each));
            }
            before = end;
        };
        let mut run: Option<(u64, u64)> = None;
        let whole =
            table.each(reader, 8, count, |[a, b, c, d, e, f, g, h, _, _, _, _]: [u8; 12]| {
                let first = u64::from(u32::from_be_bytes([a, b, c, d]));
                if let Some((begun, each)) = run {
                    pass(begun, each, first);
                }
                run = Some((first, u32::from_be_bytes([e, f, g, h]).into()));
            })?;
        if let Some((begun, each)) = run.filter(|_| whole) {
            pass(begun, each, all + 1);
        }
        Ok(found)
    }

    /// Where a chunk begins, counted from 1.
    fn chunk_at(&self, chunk: u64, reader: &mut Reader<'_>) -> Result<Option<u64>, Stop> {
        let (Some(table), Some(index)) = (self.chunks, chunk.checked_sub(1)) else {
            return Ok(None);
        };
        if table.kind == *b"stco" {
            Ok(table.u32(reader, 8 + index * 4)?.map(u64::from))
        } else {
            table.u64(reader, 8 + index * 8)
        }
    }

    /// The size that all samples have, if they have one.
    pub(super) fn same_size(&self, reader: &mut Reader<'_>) -> Result<Option<u32>, Stop> {
        match self.sizes {
            Some(table) if table.kind == *b"stsz" => {
                Ok(table.u32(reader, 4)?.filter(|&size| size > 0))
            }
            _ => Ok(None),
        }
    }

    fn last_chunk(&self, reader: &mut Reader<'_>) -> Result<Option<Chunk>, Stop> {
        let Some(table) = self.chunks else { return Ok(None) };
        let count = u64::from(table.u32(reader, 4)?.unwrap_or(0));
        let mut last: Option<Chunk> = None;
        let mut number = 0;
        let mut note = |at: u64| {
            number += 1;
            if last.is_none_or(|last| last.at <= at) {
                last = Some(Chunk { number, at });
            }
        };
        let whole = if table.kind == *b"stco" {
            table.each(reader, 8, count, |bytes: [u8; 4]| note(u32::from_be_bytes(bytes).into()))?
        } else {
            table.each(reader, 8, count, |bytes: [u8; 8]| note(u64::from_be_bytes(bytes)))?
        };
        if whole || count == 0 {
            return Ok(last);
        }
        // Of a table that is too long, the last entry stands for those that were not read.
        let at = if table.kind == *b"stco" {
            table.u32(reader, 8 + (count - 1) * 4)?.map(u64::from)
        } else {
            table.u64(reader, 8 + (count - 1) * 8)?
        };
        let end = at.map(|at| Chunk { number: count, at });
        Ok(end.filter(|end| last.is_none_or(|last| last.at <= end.at)).or(last))
    }

    /// The first sample of a chunk, counted from 0, and how many it has.
    fn samples_of(&self, chunk: u64, reader: &mut Reader<'_>) -> Result<Option<(u64, u64)>, Stop> {
        let Some(table) = self.runs else { return Ok(None) };
        let count = table.u32(reader, 4)?.unwrap_or(0).into();
        let mut before = 0_u64;
        // First chunk of the run that was read last, and samples of each of its chunks.
        let mut run: Option<(u64, u64)> = None;
        let (mut done, mut sane) = (false, true);
        let whole =
            table.each(reader, 8, count, |[a, b, c, d, e, f, g, h, _, _, _, _]: [u8; 12]| {
                let first = u64::from(u32::from_be_bytes([a, b, c, d]));
                let each = u64::from(u32::from_be_bytes([e, f, g, h]));
                done |= first > chunk;
                if done {
                    return;
                }
                if let Some((begun, each)) = run {
                    sane &= first > begun;
                    before =
                        before.saturating_add(first.saturating_sub(begun).saturating_mul(each));
                }
                run = Some((first, each));
            })?;
        Ok(run.filter(|_| sane && (whole || done)).map(|(first, each)| {
            (before.saturating_add(chunk.saturating_sub(first).saturating_mul(each)), each)
        }))
    }

    /// How many bytes samples take together; `None` if that cannot be told.
    fn size_of(
        &self,
        first: u64,
        count: u64,
        reader: &mut Reader<'_>,
    ) -> Result<Option<u64>, Stop> {
        let Some(table) = self.sizes else { return Ok(None) };
        let all = u64::from(table.u32(reader, 8)?.unwrap_or(0));
        let count = count.min(all.saturating_sub(first));
        if count == 0 {
            return Ok(None);
        }
        if let Some(size) = self.same_size(reader)? {
            return Ok(Some(count.saturating_mul(size.into())));
        }
        let mut sum = 0_u64;
        let mut add = |size: u64| sum = sum.saturating_add(size);
        let compact = table.kind == *b"stz2";
        let bits = if compact { table.u32(reader, 4)?.unwrap_or(0) & 0xff } else { 32 };
        let whole = match bits {
            4 => {
                // Two to a byte, the first in the upper half.
                let mut at = 0;
                let ours = first % 2..first % 2 + count;
                table.each(reader, 12 + first / 2, ours.end.div_ceil(2), |[byte]: [u8; 1]| {
                    for half in [byte >> 4, byte & 0xf] {
                        if ours.contains(&at) {
                            add(half.into());
                        }
                        at += 1;
                    }
                })?
            }
            8 => table.each(reader, 12 + first, count, |[byte]: [u8; 1]| add(byte.into()))?,
            16 => table.each(reader, 12 + first * 2, count, |bytes: [u8; 2]| {
                add(u16::from_be_bytes(bytes).into());
            })?,
            32 => table.each(reader, 12 + first * 4, count, |bytes: [u8; 4]| {
                add(u32::from_be_bytes(bytes).into());
            })?,
            _ => false,
        };
        Ok(whole.then_some(sum))
    }
}
