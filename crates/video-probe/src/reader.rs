//! Reading with a budget, so that no file can make probing take long or eat memory.

use std::io;

use crate::source::ReadAt;

/// The most bytes that one probe reads.
pub(super) const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The most bytes of one read.
pub(super) const MAX_READ: usize = 64 * 1024;

/// The most boxes or elements that one probe looks at.
const MAX_STEPS: u32 = 200_000;

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The budget is used up; what was found until then stands.
    Budget,
    /// Reading failed.
    Io(io::Error),
}

/// A file and what may still be read of it.
pub(super) struct Reader<'s> {
    source: &'s dyn ReadAt,
    len: u64,
    bytes: u64,
    steps: u32,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s dyn ReadAt, len: u64) -> Self {
        Self { source, len, bytes: MAX_BYTES, steps: MAX_STEPS }
    }

    /// Length of the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Pays for one more box or element.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.steps = self.steps.checked_sub(1).ok_or(Stop::Budget)?;
        Ok(())
    }

    /// `N` bytes at `at`; `None` when they are not all there before `end`.
    pub(super) fn array<const N: usize>(
        &mut self,
        at: u64,
        end: u64,
    ) -> Result<Option<[u8; N]>, Stop> {
        let mut bytes = [0; N];
        Ok(self.fill(&mut bytes, at, end)?.then_some(bytes))
    }

    /// As many bytes at `at` as there are before `end`, at most `most` and [`MAX_READ`].
    pub(super) fn some(&mut self, at: u64, end: u64, most: usize) -> Result<Vec<u8>, Stop> {
        let there = end.min(self.len).saturating_sub(at);
        let count = usize::try_from(there).unwrap_or(usize::MAX).min(most).min(MAX_READ);
        let mut bytes = vec![0; count];
        let whole = self.fill(&mut bytes, at, end)?;
        Ok(if whole { bytes } else { Vec::new() })
    }

    /// Fills `buffer` from `at` on; `false` when the bytes are not all there before `end`.
    fn fill(&mut self, buffer: &mut [u8], at: u64, end: u64) -> Result<bool, Stop> {
        let wanted = buffer.len() as u64;
        if at.checked_add(wanted).is_none_or(|after| after > end.min(self.len)) {
            return Ok(false);
        }
        self.bytes = self.bytes.checked_sub(wanted).ok_or(Stop::Budget)?;
        let mut done = 0;
        while done < buffer.len() {
            match self.source.read_at(&mut buffer[done..], at + done as u64) {
                // The file has become shorter since its length was taken.
                Ok(0) => return Ok(false),
                Ok(count) => done += count.min(buffer.len() - done),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Io(error)),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_beyond_the_end_are_not_there() {
        let file = vec![1, 2, 3, 4];
        let mut reader = Reader::new(&file, 4);
        assert_eq!(reader.array::<2>(2, 4).unwrap(), Some([3, 4]));
        assert_eq!(reader.array::<2>(3, 4).unwrap(), None);
        assert_eq!(reader.array::<2>(2, 3).unwrap(), None);
        assert_eq!(reader.array::<2>(u64::MAX, u64::MAX).unwrap(), None);
        assert_eq!(reader.some(1, 99, 99).unwrap(), [2, 3, 4]);
    }

    #[test]
    fn a_file_that_became_shorter_is_no_error() {
        let file = vec![1];
        let mut reader = Reader::new(&file, 4);
        assert_eq!(reader.array::<2>(0, 4).unwrap(), None);
        assert!(reader.some(0, 4, 4).unwrap().is_empty());
    }

    #[test]
    fn the_budget_ends() {
        let file = vec![0; 1 << 20];
        let mut reader = Reader::new(&file, 1 << 20);
        let reads = (0..u32::MAX).take_while(|_| reader.some(0, 1 << 20, MAX_READ).is_ok()).count();
        assert_eq!(reads as u64 * MAX_READ as u64, MAX_BYTES);
        let steps = (0..u32::MAX).take_while(|_| reader.step().is_ok()).count();
        assert_eq!(u32::try_from(steps), Ok(MAX_STEPS));
    }
}
