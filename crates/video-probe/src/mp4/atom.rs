//! Boxes, the bricks of MP4 and `QuickTime` files.

use crate::reader::{MAX_READ, Reader, Stop};

/// The most bytes of one table that are read; tracks of several hours have less.
const MOST: u64 = 1 << 20;

/// One box: ISO/IEC 14496-12, section 4.2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    /// Four letters that say what is inside.
    pub(super) kind: [u8; 4],
    /// Where its header begins.
    pub(super) start: u64,
    /// Where the content begins.
    pub(super) body: u64,
    /// Where the box ends, as it says itself: perhaps beyond the end of the file.
    pub(super) end: u64,
}

impl Atom {
    /// The box that begins at `at` and its container at `limit`; `None` when there is none.
    ///
    /// A size of 0, which means "to the end", counts so only where `last` is allowed; within a
    /// container it ends a `QuickTime` list.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        at: u64,
        limit: u64,
        last: bool,
    ) -> Result<Option<Self>, Stop> {
        reader.step()?;
        let Some(head) = reader.array::<8>(at, limit)? else { return Ok(None) };
        let [a, b, c, d, kind @ ..] = head;
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 if last => (8, limit.saturating_sub(at)),
            1 => match reader.array::<8>(at.saturating_add(8), limit)? {
                Some(size) => (16, u64::from_be_bytes(size)),
                None => return Ok(None),
            },
            size => (8, size.into()),
        };
        if size < header {
            return Ok(None);
        }
        Ok(Some(Self { kind, start: at, body: at + header, end: at.saturating_add(size) }))
    }

    /// Calls `each` for the boxes within this one, none of them reaching beyond it.
    pub(super) fn children(
        self,
        reader: &mut Reader<'_>,
        mut each: impl FnMut(&mut Reader<'_>, Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut at = self.body;
        while at < self.end
            && let Some(child) = Self::read(reader, at, self.end, false)?
        {
            at = child.end;
            each(reader, Self { end: child.end.min(self.end), ..child })?;
        }
        Ok(())
    }

    /// `N` bytes of the content, from `offset` on.
    pub(super) fn bytes<const N: usize>(
        self,
        reader: &mut Reader<'_>,
        offset: u64,
    ) -> Result<Option<[u8; N]>, Stop> {
        reader.array(self.body.saturating_add(offset), self.end)
    }

    /// A big-endian 32-bit number of the content.
    pub(super) fn u32(self, reader: &mut Reader<'_>, offset: u64) -> Result<Option<u32>, Stop> {
        Ok(self.bytes(reader, offset)?.map(u32::from_be_bytes))
    }

    /// A big-endian 64-bit number of the content.
    pub(super) fn u64(self, reader: &mut Reader<'_>, offset: u64) -> Result<Option<u64>, Stop> {
        Ok(self.bytes(reader, offset)?.map(u64::from_be_bytes))
    }

    /// The first byte of a full box: its version.
    pub(super) fn version(self, reader: &mut Reader<'_>) -> Result<Option<u8>, Stop> {
        Ok(self.bytes::<1>(reader, 0)?.map(|[version]| version))
    }

    /// A time that has 32 bits in version 0 and 64 in version 1; `None` too when it is all ones,
    /// which means that it is not known.
    pub(super) fn time(
        self,
        reader: &mut Reader<'_>,
        short: u64,
        long: u64,
    ) -> Result<Option<u64>, Stop> {
        Ok(match self.version(reader)? {
            Some(1) => self.u64(reader, long)?.filter(|&ticks| ticks != u64::MAX),
            Some(_) => self.u32(reader, short)?.filter(|&ticks| ticks != u32::MAX).map(u64::from),
            None => None,
        })
    }

    /// Calls `each` for `count` entries of `N` bytes from `offset` on; returns whether all of them were
    /// there and few enough to be read.
    pub(super) fn each<const N: usize>(
        self,
        reader: &mut Reader<'_>,
        offset: u64,
        count: u64,
        mut each: impl FnMut([u8; N]),
    ) -> Result<bool, Stop> {
        let width = N as u64;
        let mut left = count.min(MOST / width);
        let mut at = self.body.saturating_add(offset);
        while left > 0 {
            let now = left.min(MAX_READ as u64 / width);
            let most = usize::try_from(now * width).unwrap_or(MAX_READ);
            let entries = reader.some(at, self.end, most)?;
            entries.as_chunks::<N>().0.iter().for_each(|entry| each(*entry));
            if entries.len() < most {
                return Ok(false);
            }
            (at, left) = (at.saturating_add(now * width), left - now);
        }
        Ok(count <= MOST / width)
    }

    /// Whether the kind is one that a sane file can have, rather than bytes that are no box.
    pub(super) fn is_plausible(self) -> bool {
        self.kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9))
    }
}
