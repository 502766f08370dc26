//! The store's own thread: everything that waits for a disk or for another process is done there.

use std::panic::resume_unwind;

use crate::store::{StoreError, StoreFuture};
use crate::worker::{Lost, Worker};

/// The thread. It is started with the store, so that nothing later depends on getting one. When the last
/// handle of a store is dropped, what was begun is done before that returns.
#[derive(Debug)]
pub(in crate::store) struct StoreThread(Option<Worker>);

impl StoreThread {
    pub(in crate::store) fn start() -> Result<Self, StoreError> {
        Ok(Self(Some(Worker::start("store")?)))
    }

    /// Does a piece of work there, in the order of the first polls. A panic of it goes on in the caller.
    pub(in crate::store) fn run<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> StoreFuture<'_, T>
    where
        T: Send + 'static,
        E: Into<StoreError> + Send + 'static,
    {
        Box::pin(async move {
            // It is there until the drop.
            let worker = self.0.as_ref().ok_or(StoreError::Closed)?;
            match worker.run(work).await {
                Ok(done) => done.map_err(Into::into),
                Err(Lost::Panicked(panic)) => resume_unwind(panic),
                Err(Lost::Ended) => Err(StoreError::Closed),
            }
        })
    }

    /// Has a piece of work done there that nobody waits for.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "files are given back by themselves")
    )]
    pub(in crate::store) fn begin(&self, work: impl FnOnce() + Send + 'static) {
        if let Some(worker) = &self.0 {
            worker.begin(work);
        }
    }

    /// Blocks until all that was begun before is done.
    pub(in crate::store) fn wait(&self) {
        // A thread cannot wait for itself.
        if let Some(worker) = self.0.as_ref().filter(|worker| !worker.is_current()) {
            worker.wait();
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        // A thread cannot wait for its own end.
        if let Some(worker) = self.0.take().filter(|worker| !worker.is_current()) {
            worker.finish();
        }
    }
}
