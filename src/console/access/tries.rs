//! How often something may be tried.

use std::time::Duration;

use tokio::time::Instant;

/// So many tries within such a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) tries: usize,
    pub(super) within: Duration,
}

/// The tries that count: those under way, and those that failed.
#[derive(Debug)]
pub(super) struct Tries {
    /// For each name.
    each: Limit,
    /// For all names together.
    all: Limit,
    /// The oldest first. Those beyond a limit are refused and not kept, so it stays short.
    recent: Vec<(String, Instant)>,
}

impl Tries {
    pub(super) fn new(each: Limit, all: Limit) -> Self {
        Self { each, all, recent: Vec::new() }
    }

    /// Counts a try, or says how long to wait.
    pub(super) fn begin(&mut self, name: &str, now: Instant) -> Result<(), Duration> {
        let longest = self.each.within.max(self.all.within);
        self.recent.retain(|(_, at)| now.duration_since(*at) < longest);
        let of_name = |(other, _): &&(String, Instant)| other == name;
        let waits = [
            wait(self.each, self.recent.iter().filter(of_name), now),
            wait(self.all, self.recent.iter(), now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        self.recent.push((name.to_owned(), now));
        Ok(())
    }

    /// Says that a try was none: all of that name are forgotten.
    pub(super) fn succeed(&mut self, name: &str) {
        self.recent.retain(|(other, _)| other != name);
    }
}

/// How long it takes until there are fewer tries than the limit.
fn wait<'a>(
    limit: Limit,
    tries: impl DoubleEndedIterator<Item = &'a (String, Instant)>,
    now: Instant,
) -> Option<Duration> {
    let (_, first) = tries.rev().nth(limit.tries - 1)?;
    limit.within.checked_sub(now.duration_since(*first)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn tries() -> Tries {
        let each = Limit { tries: 2, within: 5 * MINUTE };
        Tries::new(each, Limit { tries: 3, within: MINUTE })
    }

    #[test]
    fn a_name_waits_until_its_first_try_is_old_and_others_do_not() {
        let (mut tries, start) = (tries(), Instant::now());
        assert_eq!(tries.begin("a", start), Ok(()));
        assert_eq!(tries.begin("a", start + MINUTE), Ok(()));
        assert_eq!(tries.begin("a", start + 2 * MINUTE), Err(3 * MINUTE));
        assert_eq!(tries.begin("b", start + 2 * MINUTE), Ok(()));
        assert_eq!(tries.begin("a", start + 5 * MINUTE), Ok(()));
        assert_eq!(tries.begin("a", start + 5 * MINUTE), Err(MINUTE));
    }

    #[test]
    fn all_together_wait_as_well() {
        let (mut tries, start) = (tries(), Instant::now());
        for name in ["a", "b", "c"] {
            assert_eq!(tries.begin(name, start), Ok(()));
        }
        assert_eq!(tries.begin("d", start), Err(MINUTE));
        assert_eq!(tries.begin("d", start + MINUTE), Ok(()));
    }

    #[test]
    fn what_succeeds_is_no_try() {
        let (mut tries, now) = (tries(), Instant::now());
        for _ in 0..10 {
            assert_eq!(tries.begin("a", now), Ok(()));
            tries.succeed("a");
        }
    }
}
