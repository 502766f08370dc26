//! Who may record.

/// Which of those who took an account over one in turn it was: each gets a number of its own, and writes with
/// the latest one alone are recorded.
///
/// The upper half counts. The lower half is random, so that two do not get the same number although a database that
/// had failed over forgot the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch(i64);

impl Epoch {
    /// That of an account which nobody has taken over yet.
    pub(crate) const NONE: Self = Self(0);

    /// A new one after this one, and above it.
    pub(crate) fn next(self) -> Self {
        // Some two thousand million of them, after which it stays unique by its lower half.
        let count = ((self.0 >> 32) + 1).min(i64::from(i32::MAX));
        Self((count << 32) | i64::from(rand::random::<u32>()))
    }
}

impl From<i64> for Epoch {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl From<Epoch> for i64 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_above_the_one_before_and_like_no_other() {
        let first = Epoch::NONE.next();
        let other = Epoch::NONE.next();
        assert!(first > Epoch::NONE && other > Epoch::NONE);
        assert_ne!(first, other, "after a failover that forgot one");
        assert!(first.next() > first && first.next() > other);
        assert_eq!(Epoch::from(i64::from(first)), first);
        let last = Epoch::from(i64::MAX).next();
        assert!(last > Epoch::NONE && last.next() > Epoch::NONE, "no end and no overflow");
    }
}
