//! Every waiting time of the program in one place.

use std::time::Duration;

use jiff::SignedDuration;

/// How long the program waits for what. The defaults are the documented ones; they can be shortened
/// with `TIKTOK_UP_TIMING` only while the API base is loopback, to rehearse in seconds what takes
/// TikTok minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// To connect, TLS handshake included.
    pub(crate) connect: Duration,
    /// For the whole answer of a JSON call.
    pub(crate) answer: Duration,
    /// Without the socket taking a byte of a chunk's body.
    pub(crate) stall: Duration,
    /// From the end of a chunk's body to its answer.
    pub(crate) chunk_answer: Duration,
    /// First pause of a retry, before jitter.
    pub(crate) backoff_base: Duration,
    /// Longest pause of a retry, before jitter.
    pub(crate) backoff_cap: Duration,
    /// Pause after a 429 without `Retry-After`.
    pub(crate) rate_limited: Duration,
    /// Pause before a new init after one whose answer was lost.
    pub(crate) init_again: Duration,
    /// First pause between two status calls; doubles up to `poll_cap`.
    pub(crate) poll_first: Duration,
    /// Longest pause between two status calls.
    pub(crate) poll_cap: Duration,
    /// How long a post is polled before it is left for a later run.
    pub(crate) poll_limit: Duration,
    /// How long after its issue an `upload_url` is used (TikTok: one hour).
    pub(crate) url_life: Duration,
    /// How old an `upload_url` must be before "bytes are missing" proves that no post can follow.
    pub(crate) proof_age: Duration,
    /// How far apart the two reads of that proof are.
    pub(crate) proof_gap: Duration,
    /// How long a signal waits for the answer to the final chunk.
    pub(crate) final_wait: Duration,
    /// How long a refresh waits for another process's refresh of the same account.
    pub(crate) refresh_lock: Duration,
    /// How long new tokens that find no space on the disk are kept for a person to free some.
    pub(crate) disk_full: Duration,
    /// Pause between two polls of a QR code.
    pub(crate) qr_poll: Duration,
    /// A file that was changed within this time may still be being written, where nobody can tell.
    pub(crate) recent: Duration,
    /// How long such a file must have been still.
    pub(crate) still: Duration,
    /// How long such files are watched at most.
    pub(crate) watch_limit: Duration,
    /// The length of the API's quota window (TikTok: one minute).
    pub(crate) quota_window: Duration,
    /// How far the program's clock runs ahead of the machine's.
    pub(crate) clock_offset: SignedDuration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_mins(1),
            stall: Duration::from_secs(30),
            chunk_answer: Duration::from_mins(2),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            rate_limited: Duration::from_secs(10),
            init_again: Duration::from_secs(10),
            poll_first: Duration::from_secs(1),
            poll_cap: Duration::from_secs(30),
            poll_limit: Duration::from_mins(15),
            url_life: Duration::from_mins(55),
            proof_age: Duration::from_mins(75),
            proof_gap: Duration::from_mins(1),
            final_wait: Duration::from_secs(30),
            refresh_lock: Duration::from_secs(30),
            disk_full: Duration::from_mins(1),
            qr_poll: Duration::from_secs(2),
            recent: Duration::from_secs(30),
            still: Duration::from_secs(10),
            watch_limit: Duration::from_mins(1),
            quota_window: Duration::from_mins(1),
            clock_offset: SignedDuration::ZERO,
        }
    }
}

/// A `TIKTOK_UP_TIMING` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimingError {
    /// Not `name=duration`.
    #[error("`{0}` is not of the form name=duration")]
    Form(String),
    /// No such waiting time.
    #[error("there is no waiting time called `{0}`")]
    Name(String),
    /// Not a duration.
    #[error("`{0}` is not a duration such as 50ms, 2s or 3h")]
    Duration(String),
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
        if name == "clock_offset" {
            self.clock_offset = length;
            return Ok(());
        }
        let place = match name {
            "connect" => &mut self.connect,
            "answer" => &mut self.answer,
            "stall" => &mut self.stall,
            "chunk_answer" => &mut self.chunk_answer,
            "backoff_base" => &mut self.backoff_base,
            "backoff_cap" => &mut self.backoff_cap,
            "rate_limited" => &mut self.rate_limited,
            "init_again" => &mut self.init_again,
            "poll_first" => &mut self.poll_first,
            "poll_cap" => &mut self.poll_cap,
            "poll_limit" => &mut self.poll_limit,
            "url_life" => &mut self.url_life,
            "proof_age" => &mut self.proof_age,
            "proof_gap" => &mut self.proof_gap,
            "final_wait" => &mut self.final_wait,
            "refresh_lock" => &mut self.refresh_lock,
            "disk_full" => &mut self.disk_full,
            "qr_poll" => &mut self.qr_poll,
            "recent" => &mut self.recent,
            "still" => &mut self.still,
            "watch_limit" => &mut self.watch_limit,
            "quota_window" => &mut self.quota_window,
            _ => return Err(TimingError::Name(name.to_owned())),
        };
        *place = length.try_into().map_err(|_| TimingError::Duration(text.to_owned()))?;
        Ok(())
    }
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
    fn a_typo_is_an_error() {
        assert!(Timing::default().with("stal=1s").is_err());
        assert!(Timing::default().with("stall=fast").is_err());
        assert!(Timing::default().with("stall").is_err());
        assert!(Timing::default().with("stall=-1s").is_err());
    }
}
