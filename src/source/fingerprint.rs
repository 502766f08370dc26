//! What the content of a video is known by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::blocks::BLOCK;
use super::{Video, VideoError};

/// The fingerprint of a video in the making: BLAKE3 of its first bytes. Clones are of one fingerprint:
/// whoever reads the video adds what comes next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingerprint(Arc<Mutex<Made>>);

#[derive(Debug, Default)]
struct Made {
    hasher: blake3::Hasher,
    covered: u64,
}

impl Fingerprint {
    /// That of a whole video, in lowercase hex; as [`Fingerprint::reach`].
    pub(crate) async fn of(video: &Video, stall: Duration) -> Result<String, VideoError> {
        let whole = Self::default();
        whole.reach(video, video.size(), stall).await?;
        Ok(whole.hex())
    }

    /// How many of the first bytes it covers.
    pub(crate) fn covered(&self) -> u64 {
        self.made().covered
    }

    /// Takes in what was read at a position, as far as it goes on from what is covered.
    pub(super) fn add(&self, bytes: &[u8], position: u64) {
        let mut made = self.made();
        let known = made.covered.checked_sub(position).map(usize::try_from);
        if let Some(Ok(known)) = known
            && let Some(new) = bytes.get(known..)
        {
            made.hasher.update(new);
            made.covered += new.len() as u64;
        }
    }

    /// Reads on to `end` in a blocking thread, if there is anything left to read. An error if the disk gives
    /// nothing for as long as `stall`.
    pub(crate) async fn reach(
        &self,
        video: &Video,
        end: u64,
        stall: Duration,
    ) -> Result<(), VideoError> {
        if self.covered() >= end {
            return Ok(());
        }
        // Once this is dropped nobody listens any more, and the reading ends.
        let listening = Arc::new(());
        let (fingerprint, heard) = (self.clone(), Arc::downgrade(&listening));
        let reading = video.examine(move |video| {
            let mut buffer = vec![0; BLOCK];
            loop {
                let position = fingerprint.covered();
                if position >= end || heard.strong_count() == 0 {
                    return Ok(());
                }
                let want = usize::try_from(end - position).map_or(BLOCK, |left| left.min(BLOCK));
                let block = &mut buffer[..want];
                video.read_exact(block, position)?;
                fingerprint.add(block, position);
            }
        });
        let reached = video.within(stall, || self.covered(), reading).await;
        drop(listening);
        reached
    }

    /// The fingerprint in lowercase hex.
    pub(crate) fn hex(&self) -> String {
        self.made().hasher.finalize().to_hex().to_string()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let whole = blake3::hash(&content).to_hex().to_string();
        let steps = Fingerprint::default();
        for end in [1, 5, 2_000_000, 3_000_000] {
            steps.reach(&video, end, Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!(steps.hex(), whole);
        // Whatever was read, and in which order, only what comes next counts.
        let parts = Fingerprint::default();
        for range in [5..9, 0..7, 7..7, 3..2_000_000, 0..100, 2_000_001..3_000_000] {
            parts.add(&content[range.clone()], range.start as u64);
        }
        assert_eq!(parts.covered(), 2_000_000);
        parts.reach(&video, 3_000_000, Duration::from_mins(1)).await.unwrap();
        assert_eq!(parts.hex(), whole);
    }
}
