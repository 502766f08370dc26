//! What `doctor` found when it was asked last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::read::Check;

/// The findings, and the runs that made them: one at a time.
#[derive(Debug, Default)]
pub(super) struct Checks {
    found: Mutex<Vec<Check>>,
    running: AsyncMutex<()>,
    /// How many runs have ended.
    ended: AtomicU64,
}

impl Checks {
    pub(super) fn found(&self) -> Vec<Check> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs it; whoever asks for it meanwhile waits for that run, and has what it found.
    pub(super) async fn run<R: Future<Output = Vec<Check>>>(&self, run: impl FnOnce() -> R) {
        let ended = self.ended.load(Ordering::SeqCst);
        let _alone = self.running.lock().await;
        if self.ended.load(Ordering::SeqCst) != ended {
            return;
        }
        let found = run().await;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Poll;

    use tokio::sync::Notify;

    use super::*;

    /// Whether a future that is begun, or goes on, has to wait.
    async fn waits(future: &mut Pin<&mut impl Future<Output = ()>>) -> bool {
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn whoever_asks_meanwhile_has_what_that_run_finds() {
        let checks = Arc::new(Checks::default());
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let found = |what: &str| vec![Check { what: what.to_owned(), ..Check::default() }];
        let first = {
            let (checks, begun, go_on) =
                (Arc::clone(&checks), Arc::clone(&begun), Arc::clone(&go_on));
            let found = found("first");
            tokio::spawn(async move {
                let run = || async {
                    begun.notify_one();
                    go_on.notified().await;
                    found
                };
                checks.run(run).await;
            })
        };
        begun.notified().await;
        let second = checks.run(|| async { found("second") });
        // It waits before the first one goes on.
        tokio::pin!(second);
        assert!(waits(&mut second).await);
        go_on.notify_one();
        second.await;
        first.await.unwrap();
        assert_eq!(checks.found(), found("first"));
        // A later one looks anew.
        checks.run(|| async { found("third") }).await;
        assert_eq!(checks.found(), found("third"));
    }

    #[tokio::test]
    async fn a_run_that_is_given_up_leaves_the_next_one_to_look() {
        let checks = Checks::default();
        let given_up = checks.run(std::future::pending::<Vec<Check>>);
        {
            tokio::pin!(given_up);
            assert!(waits(&mut given_up).await);
        }
        checks.run(|| async { Vec::new() }).await;
        assert_eq!(checks.ended.load(Ordering::SeqCst), 1);
    }
}
