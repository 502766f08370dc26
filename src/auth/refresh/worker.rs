//! One thread for the work on files that follows a refresh: it is there before the token is spent, so
//! that nothing after that needs a new one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

use crate::auth::error::AuthError;
use crate::resources::no_threads;
use crate::store::AccountError;

type Job = Box<dyn FnOnce() + Send>;

/// The thread; it ends when this is dropped, after what it is doing.
#[derive(Debug)]
pub(super) struct Worker(mpsc::Sender<Job>);

impl Worker {
    /// Starts it.
    pub(super) fn start() -> Result<Self, AuthError> {
        let (jobs, next) = mpsc::channel::<Job>();
        let work = move || {
            for job in next {
                job();
            }
        };
        let started = thread::Builder::new().name("refresh".to_owned()).spawn(work);
        started.map_err(|_| no_threads())?;
        Ok(Self(jobs))
    }

    /// Does a piece of work there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AuthError> {
        let (tell, told) = oneshot::channel();
        let job = move || {
            // A panic must not take the thread from the work that follows.
            if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                // Nobody waits only if the program is ending.
                _ = tell.send(done);
            }
        };
        self.0.send(Box::new(job)).map_err(|_| AuthError::Stopped)?;
        Ok(told.await.map_err(|_| AuthError::Stopped)??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_in_order_and_after_a_panic() {
        let worker = Worker::start().unwrap();
        assert_eq!(worker.run(|| Ok(1)).await.unwrap(), 1);
        let panicked = worker.run::<u8>(|| std::panic::resume_unwind(Box::new("no"))).await;
        assert!(matches!(panicked, Err(AuthError::Stopped)));
        assert_eq!(worker.run(|| Ok(2)).await.unwrap(), 2);
    }
}
