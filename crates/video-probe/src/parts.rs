//! Which parts of a file hold something.

use std::ops::Range;

use crate::mp4;
use crate::probe::Container;
use crate::reader::Reader;
use crate::sniff;
use crate::source::ReadAt;

/// The parts of a file of `len` bytes that its writer must have written, as byte ranges in order.
///
/// Of an MP4 or MOV these are its outermost boxes without those that players skip (`free`, `skip`,
/// `wide`), as far as the budget of [`probe`](crate::probe()) goes; the last may reach beyond `len` if
/// the file is cut off. Of a `WebM` it is the whole file. With the holes of a sparse file (`SEEK_HOLE`)
/// they tell a download or copy whose middle is missing from a file that is merely sparse where nothing
/// is read. Errors in reading end the list early.
pub fn written_parts<S: ReadAt + ?Sized>(
    source: &S,
    len: u64,
    container: Container,
) -> Vec<Range<u64>> {
    match container {
        Container::WebM => std::iter::once(0..len).collect(),
        Container::Mp4 | Container::Mov => {
            let mut reader = Reader::new(&source, len);
            let start = sniff::locate(&mut reader).map_or(0, |(_, start)| start);
            let before = (start > 0).then_some(0..start);
            before.into_iter().chain(mp4::written_parts(start, &mut reader)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_players_skip_is_no_part() {
        let file = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cfree....\0\0\0\x0cmdat....".as_slice();
        assert_eq!(written_parts(file, 40, Container::Mp4), [0..16, 28..40]);
    }

    #[test]
    fn a_webm_is_one_part() {
        let parts = written_parts(b"\x1a\x45\xdf\xa3".as_slice(), 4, Container::WebM);
        assert_eq!((parts.len(), parts.first()), (1, Some(&(0..4))));
    }
}
