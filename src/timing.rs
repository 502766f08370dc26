//! Every waiting time of the program in one place.

use std::time::Duration;

use jiff::SignedDuration;

/// The name that `TIKTOK_UP_TIMING` has for the clock.
const CLOCK: &str = "clock_offset";

macro_rules! timing {
    ($($name:ident: $usual:expr, $what:literal;)*) => {
        /// How long the program waits for what. The usual times are the documented ones; they can be
        /// replaced with `TIKTOK_UP_TIMING` only while the API base is loopback, to rehearse in seconds
        /// what takes TikTok minutes.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct Timing {
            $(#[doc = $what] pub(crate) $name: Duration,)*
            /// How far the program's clock runs ahead of the machine's.
            pub(crate) clock_offset: SignedDuration,
        }

        impl Default for Timing {
            fn default() -> Self {
                Self { $($name: $usual,)* clock_offset: SignedDuration::ZERO }
            }
        }

        /// The waiting times: what `TIKTOK_UP_TIMING` calls each, how long it is unless that says otherwise,
        /// and what it is.
        const WAITS: &[(&str, Duration, &str)] = &[$((stringify!($name), $usual, $what),)*];

        /// The place of a waiting time.
        fn place<'t>(timing: &'t mut Timing, name: &str) -> Option<&'t mut Duration> {
            match name {
                $(stringify!($name) => Some(&mut timing.$name),)*
                _ => None,
            }
        }
    };
}

timing! {
    connect: Duration::from_secs(10), "To connect, TLS handshake included.";
    answer: Duration::from_mins(1), "For the whole answer of a JSON call.";
    stall: Duration::from_secs(30), "Without the socket taking a byte of a chunk's body.";
    chunk_answer: Duration::from_mins(2), "From the end of a chunk's body to its answer.";
    backoff_base: Duration::from_secs(1), "First pause of a retry, before jitter.";
    backoff_cap: Duration::from_secs(30), "Longest pause of a retry, before jitter.";
    rate_limited: Duration::from_secs(10), "Pause after a 429 without `Retry-After`.";
    init_again: Duration::from_secs(10), "Pause before a new init after one without a clear answer.";
    poll_first: Duration::from_millis(200),
        "First pause between two status calls; doubles up to `poll_cap`.";
    poll_cap: Duration::from_secs(30), "Longest pause between two status calls.";
    poll_limit: Duration::from_mins(15), "How long a post is polled before it is left for a later run.";
    call_off: Duration::from_secs(30),
        "How long a download that was called off is asked for before that is left to `status`.";
    url_life: Duration::from_mins(55),
        "How long after its issue an `upload_url` is used (TikTok: one hour).";
    proof_age: Duration::from_mins(75),
        "How old an `upload_url` must be before \"bytes are missing\" proves that no post can follow.";
    proof_gap: Duration::from_mins(1), "How far apart the two reads of that proof are.";
    final_wait: Duration::from_secs(30), "How long a signal waits for the answer to the final chunk.";
    refresh_lock: Duration::from_secs(30),
        "How long a refresh waits for another process's refresh of the same account.";
    disk_full: Duration::from_mins(1),
        "How long new tokens that find no space on the disk are kept for a person to free some.";
    qr_poll: Duration::from_secs(2), "Pause between two polls of a QR code.";
    recent: Duration::from_secs(30),
        "A file that was changed within this time may still be being written, where nobody can tell.";
    still: Duration::from_secs(10), "How long such a file must have been still.";
    watch_limit: Duration::from_mins(1), "How long such files are watched at most.";
    queue_poll: Duration::from_secs(10),
        "Pause between two looks of a worker at the queue of a shared store, before jitter; a claim lasts six.";
    quota_window: Duration::from_mins(1), "The length of the API's quota window (TikTok: one minute).";
    lease: Duration::from_mins(1),
        "How long machines that share a database take one for alive that is silent; it says four times as often that it is.";
}

/// A `TIKTOK_UP_TIMING` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimingError {
    /// Not `name=duration`.
    #[error("`{0}` is not of the form name=duration")]
    Form(String),
    /// No such waiting time.
    #[error("there is no waiting time called `{0}`{near}; there are {all}", near = near(.0), all = names())]
    Name(String),
    /// Not a duration.
    #[error("`{0}` is not a duration such as 50ms, 2s or 3h")]
    Duration(String),
}

/// For how long the network may still bring to TikTok what was sent before its connection was closed: what a kernel
/// tries to deliver after that (`tcp_orphan_retries`), or after its process is gone.
#[cfg(feature = "postgres")]
const IN_FLIGHT: Duration = Duration::from_mins(2);

#[cfg(feature = "postgres")]
impl Timing {
    /// How long after a worker was heard of last TikTok gets no init of it any more. It is heard of with each record that
    /// a call follows, begins an init within the life of a lease after that, and waits so long for its answer.
    pub(crate) fn no_init_after(&self) -> Duration {
        self.lease + self.answer + IN_FLIGHT
    }

    /// The same of a chunk, or an init. The record of its `upload_url` is younger than the URL, of which no last block
    /// is sent once its time is over.
    pub(crate) fn no_chunk_after(&self) -> Duration {
        (self.url_life + self.chunk_answer + IN_FLIGHT).max(self.no_init_after())
    }
}

impl Timing {
    /// Replaces the named times by those of a list such as `stall=200ms,poll_first=10ms`.
    pub(crate) fn with(mut self, list: &str) -> Result<Self, TimingError> {
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, text) =
                item.split_once('=').ok_or_else(|| TimingError::Form(item.to_owned()))?;
            let length: SignedDuration =
                text.trim().parse().map_err(|_| TimingError::Duration(text.to_owned()))?;
            self.set(name.trim(), text, length)?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, text: &str, length: SignedDuration) -> Result<(), TimingError> {
        if name == CLOCK {
            self.clock_offset = length;
            return Ok(());
        }
        let place = place(self, name).ok_or_else(|| TimingError::Name(name.to_owned()))?;
        *place = length.try_into().map_err(|_| TimingError::Duration(text.to_owned()))?;
        Ok(())
    }
}

/// The name that is meant by one that differs by a slip of the finger or two.
fn near(written: &str) -> String {
    let all = WAITS.iter().map(|(name, ..)| *name).chain([CLOCK]);
    let near = all
        .map(|name| (strsim::osa_distance(written, name), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(4).min(3));
    near.min().map(|(_, name)| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

/// All names.
fn names() -> String {
    let waits = WAITS.iter().map(|(name, ..)| *name);
    format!("{} and {CLOCK}", waits.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_times_are_replaced_and_the_rest_kept() {
        let timing = Timing::default().with("stall=200ms, clock_offset=-3h").unwrap();
        assert_eq!(timing.stall, Duration::from_millis(200));
        assert_eq!(timing.clock_offset, SignedDuration::from_hours(-3));
        assert_eq!(timing.connect, Duration::from_secs(10));
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_there_are() {
        let said = Timing::default().with("pol_first=1s").unwrap_err().to_string();
        assert!(
            said.contains("`pol_first` (did you mean `poll_first`?); there are connect, answer, ")
        );
        assert!(said.ends_with(", lease and clock_offset"), "{said}");
        let said = Timing::default().with("speed=1s").unwrap_err().to_string();
        assert!(!said.contains("did you mean"), "{said}");
    }

    #[test]
    fn the_table_of_the_documentation_is_this_one() {
        let usual = |time: Duration| match time.as_secs() {
            0 => format!("{}ms", time.as_millis()),
            secs if secs % 60 == 0 => format!("{}m", secs / 60),
            secs => format!("{secs}s"),
        };
        let waits = WAITS.iter().map(|(name, time, what)| {
            let what = what.trim_end_matches('.');
            format!("| `{name}` | {} | {}{} |", usual(*time), what[..1].to_lowercase(), &what[1..])
        });
        let clock = format!(
            "| `{CLOCK}` | 0s | how far the program's clock runs ahead of the machine's; negative: behind it |"
        );
        let expected: Vec<_> = waits.chain([clock]).collect();
        let page = include_str!("../docs/SETTINGS.md");
        let table = page.lines().skip_while(|line| !line.starts_with("| name | usual |")).skip(2);
        let table: Vec<_> = table.take_while(|line| line.starts_with('|')).collect();
        assert_eq!(table, expected, "\n{}", expected.join("\n"));
    }

    #[test]
    fn every_name_can_be_set() {
        for (name, ..) in WAITS {
            let timing = Timing::default().with(&format!("{name}=7ms")).unwrap();
            assert_ne!(timing, Timing::default(), "{name}");
        }
    }

    #[test]
    #[cfg(feature = "postgres")]
    fn nothing_of_a_worker_gets_to_tiktok_once_the_longest_call_must_have_ended() {
        let timing = Timing::default();
        assert_eq!(timing.no_init_after(), Duration::from_mins(4));
        assert_eq!(timing.no_chunk_after(), Duration::from_mins(59));
        let slow = timing.with("answer=2h").unwrap();
        assert_eq!(slow.no_chunk_after(), slow.no_init_after());
    }

    #[test]
    fn a_typo_is_an_error() {
        assert!(Timing::default().with("stal=1s").is_err());
        assert!(Timing::default().with("stall=fast").is_err());
        assert!(Timing::default().with("stall").is_err());
        assert!(Timing::default().with("stall=-1s").is_err());
    }
}
