//! The chunk rules of an init, as pure arithmetic.
//!
//! <https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide>

use crate::options::Megabyte;

/// How a file is cut: every chunk has `chunk` bytes but the last one, which takes the remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) size: u64,
    pub(crate) chunk: u64,
    pub(crate) count: u64,
}

/// Which number of a plan is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanFault {
    Size,
    Chunk,
    Count,
}

impl PlanFault {
    /// `error.message` of the refusal.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Size => "The video size is invalid",
            Self::Chunk => "The chunk size is invalid",
            Self::Count => "The total chunk count is invalid",
        }
    }
}

/// The two readings of the guide's limits.
#[derive(Clone, Copy)]
struct Units {
    mb: u64,
    gb: u64,
}

const DECIMAL: Units = Units { mb: 1_000_000, gb: 1_000_000_000 };
const BINARY: Units = Units { mb: 1 << 20, gb: 1 << 30 };

impl Plan {
    /// Checks the three numbers of an init.
    pub(super) fn check(
        size: i64,
        chunk: i64,
        count: i64,
        megabyte: Megabyte,
    ) -> Result<Self, PlanFault> {
        let number =
            |value: i64, fault| u64::try_from(value).ok().filter(|value| *value > 0).ok_or(fault);
        let plan = Self {
            size: number(size, PlanFault::Size)?,
            chunk: number(chunk, PlanFault::Chunk)?,
            count: number(count, PlanFault::Count)?,
        };
        let (decimal, binary) = (plan.legal(DECIMAL), plan.legal(BINARY));
        let verdict = match megabyte {
            Megabyte::Decimal => decimal,
            Megabyte::Binary => binary,
            Megabyte::Either => decimal.or(binary),
            Megabyte::Both => binary.and(decimal),
        };
        verdict.map(|()| plan)
    }

    fn legal(self, Units { mb, gb }: Units) -> Result<(), PlanFault> {
        let Self { size, chunk, count } = self;
        if size > 4 * gb {
            return Err(PlanFault::Size);
        }
        if chunk > size {
            return Err(PlanFault::Chunk);
        }
        if count > 1000 || count != size / chunk {
            return Err(PlanFault::Count);
        }
        let (first, last) = self.range(count - 1);
        let fits = if count == 1 {
            // A file in one request: never more than a chunk may have, and declared as it is.
            chunk == size && size <= 64 * mb
        } else {
            (5 * mb..=64 * mb).contains(&chunk) && last - first < 128 * mb
        };
        if fits { Ok(()) } else { Err(PlanFault::Chunk) }
    }

    /// First and last byte of a chunk, counted from 0.
    pub(super) fn range(self, index: u64) -> (u64, u64) {
        let first = index * self.chunk;
        let last = if index + 1 == self.count { self.size } else { first + self.chunk } - 1;
        (first, last)
    }

    /// How many bytes the first `stored` chunks have.
    pub(crate) fn bytes(self, stored: u64) -> u64 {
        if stored >= self.count { self.size } else { stored * self.chunk }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: i64 = 1 << 20;

    fn verdict(size: i64, chunk: i64, count: i64, megabyte: Megabyte) -> Result<(), PlanFault> {
        Plan::check(size, chunk, count, megabyte).map(|_| ())
    }

    #[test]
    fn the_guides_worked_example_is_cut_as_the_guide_cuts_it() {
        let plan = Plan::check(50_000_123, 10_000_000, 5, Megabyte::Both).unwrap();
        let ranges: Vec<_> = (0..5).map(|index| plan.range(index)).collect();
        assert_eq!(
            ranges,
            [
                (0, 9_999_999),
                (10_000_000, 19_999_999),
                (20_000_000, 29_999_999),
                (30_000_000, 39_999_999),
                (40_000_000, 50_000_122),
            ]
        );
    }

    #[test]
    fn plans_that_are_legal_under_both_readings() {
        for (size, chunk, count) in [
            (1, 1, 1),
            (4_194_304, 4_194_304, 1),
            (12_000_000, 12_000_000, 1),
            (64_000_000, 64_000_000, 1),
            (64_000_001, 10_000_000, 6),
            (67_108_864, 10_000_000, 6),
            (121_000_000, 10_000_000, 12),
            (602_285_541, 10_000_000, 60),
            (4_000_000_000, 10_000_000, 400),
            (2 * 5 * MIB, 5 * MIB, 2),
            (127_999_999, 64_000_000 - 1, 2),
        ] {
            assert_eq!(verdict(size, chunk, count, Megabyte::Both), Ok(()), "{size}/{chunk}");
        }
    }

    #[test]
    fn plans_that_one_reading_allows_and_the_other_does_not() {
        for (size, chunk, count, decimal, binary) in [
            (10_000_000, 5_000_000, 2, Ok(()), Err(PlanFault::Chunk)),
            (67_108_864, 67_108_864, 1, Err(PlanFault::Chunk), Ok(())),
            (134_217_728, 67_108_864, 2, Err(PlanFault::Chunk), Ok(())),
            (4_294_967_296, 10_000_000, 429, Err(PlanFault::Size), Ok(())),
        ] {
            assert_eq!(verdict(size, chunk, count, Megabyte::Decimal), decimal, "{size}");
            assert_eq!(verdict(size, chunk, count, Megabyte::Binary), binary, "{size}");
            assert_eq!(verdict(size, chunk, count, Megabyte::Either), Ok(()), "{size}");
            assert!(verdict(size, chunk, count, Megabyte::Both).is_err(), "{size}");
        }
    }

    #[test]
    fn plans_that_no_reading_allows() {
        use PlanFault::{Chunk, Count, Size};
        for (size, chunk, count, fault) in [
            // Rounded up instead of down.
            (50_000_123, 10_000_000, 6, Count),
            // One chunk that is not declared as the whole file.
            (121_000_000, 64 * MIB, 1, Chunk),
            (15_000_000, 10_000_000, 1, Chunk),
            (3_000_000, 10_000_000, 1, Chunk),
            (3_000_000, 10_000_000, 0, Count),
            // Whole, but too large for one.
            (67_108_865, 67_108_865, 1, Chunk),
            // Chunks too small and too large.
            (20_000_000, 4_999_999, 4, Chunk),
            (200_000_000, 67_108_865, 2, Chunk),
            // Too many.
            (4_294_967_296, 4_290_000, 1001, Count),
            (4_294_967_297, 10_000_000, 429, Size),
            (0, 0, 0, Size),
            (-1, 1, 1, Size),
            (10, -1, 1, Chunk),
            (10, 10, -1, Count),
            (i64::MAX, i64::MAX, 1, Size),
        ] {
            assert_eq!(verdict(size, chunk, count, Megabyte::Either), Err(fault), "{size}/{chunk}");
        }
    }

    proptest! {
        #[test]
        fn the_ranges_of_a_legal_plan_cover_the_file_without_a_gap(
            size in 1_i64..5_000_000_000, chunk in 1_i64..70_000_000, down in 0_i64..3,
        ) {
            let count = size / chunk - down + 1;
            if let Ok(plan) = Plan::check(size, chunk, count, Megabyte::Either) {
                let mut next = 0;
                for index in 0..plan.count {
                    let (first, last) = plan.range(index);
                    prop_assert_eq!(first, next);
                    prop_assert!(last >= first);
                    next = last + 1;
                    prop_assert_eq!(plan.bytes(index + 1), next);
                }
                prop_assert_eq!(next, plan.size);
            }
        }

        #[test]
        fn both_is_stricter_than_one_reading_and_either_is_laxer(
            size in 1_i64..300_000_000, chunk in 4_900_000_i64..70_000_000,
        ) {
            let count = size / chunk;
            let allowed = |megabyte| Plan::check(size, chunk, count, megabyte).is_ok();
            let (decimal, binary) = (allowed(Megabyte::Decimal), allowed(Megabyte::Binary));
            prop_assert_eq!(allowed(Megabyte::Both), decimal && binary);
            prop_assert_eq!(allowed(Megabyte::Either), decimal || binary);
        }
    }
}
