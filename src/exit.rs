//! Exit codes, the contract with cron.

/// How a run ended, as the process says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    #[default]
    Done,
    /// 1: something failed for good, or unexpectedly.
    Failed,
    /// 2: usage or invalid input; nothing was sent.
    Usage,
    /// 3: a login is needed.
    Login,
    /// 4: local trouble: token store, journal or disk.
    Local,
    /// 5: temporary; run again.
    Temporary,
    /// 6: the outcome of a post is unknown; a human must look.
    Unknown,
    /// 128 and the number of the signal that ended it: 130 for SIGINT, 143 for SIGTERM.
    Signal(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Login => 3,
            Self::Local => 4,
            Self::Temporary => 5,
            Self::Unknown => 6,
            Self::Signal(number) => number.saturating_add(128),
        }
    }

    /// The one a batch ends with: signals first, then 6 > 4 > 3 > 2 > 1 > 5 > 0.
    #[must_use]
    pub(crate) fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Temporary => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Login => 4,
            Self::Local => 5,
            Self::Unknown => 6,
            Self::Signal(_) => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_with_its_number_and_before_all_else() {
        assert_eq!(Exit::Signal(2).code(), 130);
        assert_eq!(Exit::Signal(15).code(), 143);
        assert_eq!(Exit::Unknown.worst(Exit::Signal(1)), Exit::Signal(1));
    }

    #[test]
    fn a_batch_ends_with_the_worst() {
        let order = [
            Exit::Done,
            Exit::Temporary,
            Exit::Failed,
            Exit::Usage,
            Exit::Login,
            Exit::Local,
            Exit::Unknown,
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.worst(*b), order[i.max(j)]);
            }
        }
    }
}
