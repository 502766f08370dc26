//! What the content of a video is known by.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::blocks::BLOCK;
use super::{Video, VideoError, within};

/// The fingerprint of a video in the making: BLAKE3 of its first bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingerprint {
    hasher: blake3::Hasher,
    covered: u64,
}

impl Fingerprint {
    /// Reads on to `end`, and tells how far it got; ends when nobody listens any more. Blocks; meant for a
    /// blocking thread.
    fn extend(
        mut self,
        video: &Video,
        end: u64,
        reached: &Weak<AtomicU64>,
    ) -> Result<Self, VideoError> {
        let mut buffer = vec![0; BLOCK];
        while self.covered < end
            && let Some(reached) = reached.upgrade()
        {
            let want = usize::try_from(end - self.covered).map_or(BLOCK, |left| left.min(BLOCK));
            let block = &mut buffer[..want];
            video.read_exact(block, self.covered)?;
            self.hasher.update(block);
            self.covered += want as u64;
            reached.store(self.covered, Ordering::Relaxed);
        }
        Ok(self)
    }

    /// Reads on to `end` in a blocking thread, if there is anything left to read. An error if the disk gives
    /// nothing for as long as `stall`.
    pub(crate) async fn reach(
        self,
        video: &Video,
        end: u64,
        stall: Duration,
    ) -> Result<Self, VideoError> {
        if self.covered >= end {
            return Ok(self);
        }
        let reached = Arc::new(AtomicU64::new(self.covered));
        let told = Arc::downgrade(&reached);
        let reading = video.examine(move |video| self.extend(video, end, &told));
        within(stall, video.path(), || reached.load(Ordering::Relaxed), reading).await
    }

    /// The fingerprint in lowercase hex.
    pub(crate) fn hex(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn a_fingerprint_in_steps_is_that_of_the_whole() {
        let content: Vec<u8> = (0..3_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&content).unwrap();
        let video = Video::open(file.path()).await.unwrap();
        let mut steps = Fingerprint::default();
        for end in [1, 5, 2_000_000, 3_000_000] {
            steps = steps.reach(&video, end, Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!(steps.hex(), blake3::hash(&content).to_hex().to_string());
    }
}
