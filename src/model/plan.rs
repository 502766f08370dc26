//! The chunk plan: pure arithmetic.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>. TikTok does not say
//! whether its MB is 10^6 or 2^20 bytes; every plan made here is legal under both readings.

use tiktok_open::ContentRange;

/// The largest file that is sent whole, in bytes.
pub(crate) const WHOLE_MAX: u64 = 64_000_000;
/// The smallest `chunk_size` of a split file, in bytes.
pub(crate) const CHUNK_MIN: u64 = 5_242_880;
/// The largest `chunk_size` of a split file, in bytes: 64 MB in the smaller reading. The final chunk stays
/// below twice of it.
pub(crate) const CHUNK_MAX: u64 = 64_000_000;
/// The most chunks of a file.
const COUNT_MAX: u64 = 1000;
/// The largest file, in bytes: TikTok's 4 GB in the wider reading.
pub(crate) const FILE_MAX: u64 = 4_294_967_296;

/// How a file is cut: `count` chunks of `chunk_size` bytes, the last one with the remainder on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    size: u64,
    chunk_size: u64,
    count: u32,
}

/// A file or chunk size that cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    /// Nothing to send.
    #[error("the file is empty")]
    Empty,
    /// Larger than TikTok takes.
    #[error("the file has {0} bytes, and TikTok takes at most {FILE_MAX}")]
    TooLarge(u64),
    /// Outside what is legal under both readings of MB.
    #[error("a chunk size must be {CHUNK_MIN} to {CHUNK_MAX} bytes, not {0}")]
    ChunkSize(u64),
}

impl Plan {
    /// Plans a file of `size` bytes. `wanted` applies to every file at least twice that size; without it a file
    /// that cannot be sent whole is cut into as few chunks as TikTok takes.
    pub(crate) fn new(size: u64, wanted: Option<u64>) -> Result<Self, PlanError> {
        if size == 0 {
            return Err(PlanError::Empty);
        }
        if size > FILE_MAX {
            return Err(PlanError::TooLarge(size));
        }
        if let Some(bad) = wanted.filter(|wanted| !(CHUNK_MIN..=CHUNK_MAX).contains(wanted)) {
            return Err(PlanError::ChunkSize(bad));
        }
        let chunk_size = match wanted {
            Some(wanted) if size >= 2 * wanted => wanted,
            _ if size <= WHOLE_MAX => size,
            // As few as there can be, as each costs a round trip, and all of about one size.
            _ => size / size.div_ceil(CHUNK_MAX),
        };
        // The largest file in the smallest chunks has 819 of them.
        const { assert!(FILE_MAX / CHUNK_MIN <= COUNT_MAX) };
        let count = u32::try_from(size / chunk_size).map_err(|_| PlanError::TooLarge(size))?;
        Ok(Self { size, chunk_size, count })
    }

    /// The plan that the journal recorded. `None` if it is not one that [`Plan::new`] can make.
    pub(crate) fn recorded(size: u64, chunk_size: u64) -> Option<Self> {
        let plan = Self::new(size, (chunk_size != size).then_some(chunk_size)).ok()?;
        (plan.chunk_size == chunk_size).then_some(plan)
    }

    /// Size of the file in bytes (`video_size`).
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of every chunk but the last (`chunk_size`).
    pub(crate) fn chunk_size(&self) -> u64 {
        self.chunk_size
    }

    /// Number of chunks (`total_chunk_count`).
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The bytes of the chunk with this index, from 0. `None` if the plan has no such chunk.
    pub(crate) fn range(&self, index: u32) -> Option<ContentRange> {
        if index >= self.count {
            return None;
        }
        let end = if self.is_last(index) { self.size } else { self.boundary(index + 1) };
        ContentRange::new(u64::from(index) * self.chunk_size..end, self.size)
    }

    /// Whether this is the final chunk, the one behind the point of no return.
    pub(crate) fn is_last(&self, index: u32) -> bool {
        index + 1 >= self.count
    }

    /// Bytes that are stored once so many chunks are.
    pub(crate) fn boundary(&self, stored: u32) -> u64 {
        if stored >= self.count { self.size } else { u64::from(stored) * self.chunk_size }
    }

    /// How many whole chunks a byte count stands for. `None` if it is no boundary of the plan.
    pub(crate) fn stored_at(&self, bytes: u64) -> Option<u32> {
        (0..=self.count).find(|stored| self.boundary(*stored) == bytes)
    }

    /// As [`Plan::stored_at`], for the progress header of a chunk's answer, which may mean a count or
    /// the last position.
    pub(crate) fn stored_by_header(&self, number: u64) -> Option<u32> {
        self.stored_at(number).or_else(|| self.stored_at(number.checked_add(1)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DECIMAL: u64 = 1_000_000;
    const BINARY: u64 = 1 << 20;

    /// The rules of the media transfer guide, for one reading of MB.
    fn legal(plan: &Plan, mb: u64) {
        let Plan { size, chunk_size, count } = *plan;
        let count = u64::from(count);
        assert_eq!(count, size / chunk_size, "count is floor(size / chunk_size)");
        assert!((1..=COUNT_MAX).contains(&count));
        assert_eq!(count == 1, chunk_size == size, "count 1 means the whole file");
        if count == 1 {
            assert!(size <= 64 * mb, "above 64 MB a file must be split");
        } else {
            assert!((5 * mb..=64 * mb).contains(&chunk_size));
            assert!(
                size - chunk_size * (count - 1) <= 128 * mb,
                "the last chunk has at most 128 MB"
            );
        }
    }

    fn sizes() -> impl Strategy<Value = u64> {
        let near = |mb: u64| {
            proptest::sample::select(vec![5 * mb, 32 * mb, 64 * mb, 96 * mb, 128 * mb, 4_000 * mb])
                .prop_flat_map(|at| at - 3..=at + 3)
        };
        prop_oneof![1..=FILE_MAX, near(DECIMAL), near(BINARY), 1..200_000_000_u64]
            .prop_map(|size| size.min(FILE_MAX))
    }

    proptest! {
        #[test]
        fn every_plan_is_legal_under_both_readings_of_mb(
            size in sizes(),
            wanted in proptest::option::of(CHUNK_MIN..=CHUNK_MAX),
        ) {
            let plan = Plan::new(size, wanted).unwrap();
            legal(&plan, DECIMAL);
            legal(&plan, BINARY);
        }

        #[test]
        fn the_ranges_cover_the_file_once_and_in_order(
            size in sizes(),
            wanted in proptest::option::of(CHUNK_MIN..=CHUNK_MAX),
        ) {
            let plan = Plan::new(size, wanted).unwrap();
            let mut next = 0;
            for index in 0..plan.count() {
                let range = plan.range(index).unwrap();
                prop_assert_eq!(range.first(), next);
                next = range.last() + 1;
                prop_assert_eq!(plan.boundary(index + 1), next);
                prop_assert_eq!(plan.stored_at(next), Some(index + 1));
            }
            prop_assert_eq!(next, size);
            prop_assert_eq!(plan.range(plan.count()), None);
        }

        #[test]
        fn a_recorded_plan_comes_back(size in sizes(), wanted in proptest::option::of(CHUNK_MIN..=CHUNK_MAX)) {
            let plan = Plan::new(size, wanted).unwrap();
            prop_assert_eq!(Plan::recorded(size, plan.chunk_size()), Some(plan));
        }

        #[test]
        fn a_header_is_read_as_count_or_position(size in sizes(), index in 0..800_u32) {
            let plan = Plan::new(size, None).unwrap();
            let index = index % plan.count();
            let end = plan.boundary(index + 1);
            prop_assert_eq!(plan.stored_by_header(end), Some(index + 1));
            prop_assert_eq!(plan.stored_by_header(end - 1), Some(index + 1));
        }
    }

    #[test]
    fn the_documented_example() {
        let plan = Plan::new(50_000_123, Some(10_000_000)).unwrap();
        assert_eq!(plan.count(), 5);
        assert_eq!(plan.range(4).unwrap().to_string(), "bytes 40000000-50000122/50000123");
        assert_eq!(
            Plan::new(4_194_304, None).unwrap().range(0).unwrap().to_string(),
            "bytes 0-4194303/4194304"
        );
    }

    #[test]
    fn the_table_of_legal_plans_with_ten_million() {
        for (size, count, last) in [
            (12_000_000, 1, "bytes 0-11999999/12000000"),
            (64_000_001, 6, "bytes 50000000-64000000/64000001"),
            (67_108_864, 6, "bytes 50000000-67108863/67108864"),
            (121_000_000, 12, "bytes 110000000-120999999/121000000"),
            (602_285_541, 60, "bytes 590000000-602285540/602285541"),
            (4_000_000_000, 400, "bytes 3990000000-3999999999/4000000000"),
            (4_294_967_296, 429, "bytes 4280000000-4294967295/4294967296"),
        ] {
            let plan = Plan::new(size, Some(10_000_000)).unwrap();
            assert_eq!(plan.count(), count, "{size}");
            assert_eq!(plan.range(count - 1).unwrap().to_string(), last, "{size}");
        }
    }

    #[test]
    fn a_file_is_cut_into_as_few_chunks_as_there_can_be_and_all_of_about_one_size() {
        for (size, chunk_size, count) in [
            (64_000_000, 64_000_000, 1),
            (64_000_001, 32_000_000, 2),
            (121_000_000, 60_500_000, 2),
            (128_000_000, 64_000_000, 2),
            (128_000_001, 42_666_667, 3),
            (1 << 30, 63_161_283, 17),
            (FILE_MAX, 63_161_283, 68),
        ] {
            let plan = Plan::new(size, None).unwrap();
            assert_eq!((plan.chunk_size(), plan.count()), (chunk_size, count), "{size}");
        }
    }

    proptest! {
        #[test]
        fn without_a_wish_the_last_chunk_is_hardly_longer_than_the_others(size in sizes()) {
            let plan = Plan::new(size, None).unwrap();
            let last = size - plan.boundary(plan.count() - 1);
            prop_assert!(last - plan.chunk_size() < u64::from(plan.count()));
        }
    }

    #[test]
    fn sizes_that_cannot_be_sent() {
        assert_eq!(Plan::new(0, None), Err(PlanError::Empty));
        assert_eq!(Plan::new(FILE_MAX + 1, None), Err(PlanError::TooLarge(FILE_MAX + 1)));
        assert_eq!(Plan::new(1, Some(CHUNK_MIN - 1)), Err(PlanError::ChunkSize(CHUNK_MIN - 1)));
    }
}
