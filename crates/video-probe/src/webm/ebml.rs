//! Elements, the bricks of `WebM` files: RFC 8794.

use crate::reader::{Reader, Stop};

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// What it is, with the marker bits.
    pub(super) id: u32,
    /// Where the content begins.
    pub(super) body: u64,
    /// Where it ends, as it says itself: perhaps beyond the end of the file. `None` when whoever
    /// wrote it could not know.
    pub(super) end: Option<u64>,
}

impl Element {
    /// The element that begins at `at`, its container ending at `limit`; `None` when there is none.
    pub(super) fn read(reader: &mut Reader<'_>, at: u64, limit: u64) -> Result<Option<Self>, Stop> {
        reader.step()?;
        let head = reader.some(at, limit, 12)?;
        let Some((id_length, id)) = number(&head, 4) else { return Ok(None) };
        let Some((size_length, size)) = head.get(id_length..).and_then(|rest| number(rest, 8))
        else {
            return Ok(None);
        };
        let Ok(id) = u32::try_from(id) else { return Ok(None) };
        let body = at + (id_length + size_length) as u64;
        let bits = 7 * size_length;
        let size = size & !(1 << bits);
        let unknown = size == (1 << bits) - 1;
        Ok(Some(Self { id, body, end: (!unknown).then(|| body.saturating_add(size)) }))
    }

    /// The same element, ending with its container at the latest.
    pub(super) fn within(self, limit: u64) -> (Self, u64) {
        let end = self.end.unwrap_or(limit).min(limit);
        (Self { end: Some(end), ..self }, end)
    }

    /// Calls `each` for the elements within this one, none of them reaching beyond it.
    pub(super) fn children(
        self,
        reader: &mut Reader<'_>,
        mut each: impl FnMut(&mut Reader<'_>, Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let limit = self.end.unwrap_or(reader.len());
        let mut at = self.body;
        while at < limit
            && let Some(child) = Self::read(reader, at, limit)?
        {
            let (child, end) = child.within(limit);
            at = end;
            each(reader, child)?;
        }
        Ok(())
    }

    /// The content as an unsigned number; `None` when it is longer than 8 bytes.
    pub(super) fn unsigned(self, reader: &mut Reader<'_>) -> Result<Option<u64>, Stop> {
        Ok(self.small(reader)?.map(|(_, number)| number))
    }

    /// The content as a floating-point number.
    pub(super) fn float(self, reader: &mut Reader<'_>) -> Result<Option<f64>, Stop> {
        Ok(self.small(reader)?.and_then(|(length, bits)| match length {
            4 => u32::try_from(bits).ok().map(|bits| f32::from_bits(bits).into()),
            8 => Some(f64::from_bits(bits)),
            _ => None,
        }))
    }

    /// The content as text of at most `most` bytes.
    pub(super) fn text(self, reader: &mut Reader<'_>, most: usize) -> Result<String, Stop> {
        let bytes = reader.some(self.body, self.end.unwrap_or(self.body), most)?;
        Ok(bytes.escape_ascii().to_string().trim_end_matches("\\x00").to_owned())
    }

    fn small(self, reader: &mut Reader<'_>) -> Result<Option<(usize, u64)>, Stop> {
        let length = self.end.and_then(|end| end.checked_sub(self.body)).filter(|&it| it <= 8);
        let Some(length) = length else { return Ok(None) };
        let bytes = reader.some(self.body, self.body.saturating_add(length), 8)?;
        if bytes.len() as u64 != length {
            return Ok(None);
        }
        let number = bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        Ok(Some((bytes.len(), number)))
    }
}

/// A number of variable length at the beginning of `bytes`: its length, at most `most`, and its
/// value with the marker bit.
pub(super) fn number(bytes: &[u8], most: usize) -> Option<(usize, u64)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > most {
        return None;
    }
    let all = bytes.get(..length)?;
    Some((length, all.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_own_length() {
        assert_eq!(number(&[0x81], 8), Some((1, 0x81)));
        assert_eq!(number(&[0x40, 0x01, 0xff], 8), Some((2, 0x4001)));
        assert_eq!(number(&[0x1a, 0x45, 0xdf, 0xa3], 4), Some((4, 0x1a45_dfa3)));
        assert_eq!(number(&[0x01, 0, 0, 0, 0, 0, 0, 9], 8), Some((8, 1 << 56 | 9)));
    }

    #[test]
    fn a_number_that_is_cut_off_or_too_long_is_none() {
        assert_eq!(number(&[], 8), None);
        assert_eq!(number(&[0x40], 8), None);
        assert_eq!(number(&[0x08, 0, 0, 0, 0], 4), None);
        assert_eq!(number(&[0; 12], 8), None);
    }

    #[test]
    fn a_size_of_all_ones_is_unknown() {
        for size in [&[0xff][..], &[0x7f, 0xff], &[1, 255, 255, 255, 255, 255, 255, 255]] {
            let file = [&[0xe7], size, &[0; 12]].concat();
            let mut reader = Reader::new(&file, file.len() as u64);
            let element = Element::read(&mut reader, 0, file.len() as u64).unwrap().unwrap();
            assert_eq!(
                (element.id, element.body, element.end),
                (0xe7, 1 + size.len() as u64, None)
            );
        }
    }
}
