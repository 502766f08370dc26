//! A thread that does pieces of work one after the other, in the order in which they were given to it.
//! It is there from the start, so that work never waits for a thread that cannot be had.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::resources::{Shortage, no_threads};

type Job = Box<dyn FnOnce() + Send>;

/// The thread; it ends when this is dropped, after all that it was given.
#[derive(Debug)]
pub(crate) struct Worker {
    jobs: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The work panicked, with this.
    Panicked(Box<dyn Any + Send>),
    /// The thread is gone.
    Ended,
}

impl Worker {
    /// Starts it.
    pub(crate) fn start(name: &str) -> Result<Self, Shortage> {
        let (jobs, next) = mpsc::channel::<Job>();
        let work = move || {
            for job in next {
                job();
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        Ok(Self { jobs, thread: thread.map_err(|_| no_threads())? })
    }

    /// Does a piece of work there. It begins with the first poll of this, and is done to its end even if
    /// this is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Lost> {
        let (tell, told) = oneshot::channel();
        let job = move || {
            // A panic must not take the thread from the work that follows. Nobody waits for the answer
            // only if they lost interest.
            _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
        };
        self.jobs.send(Box::new(job)).map_err(|_| Lost::Ended)?;
        told.await.map_err(|_| Lost::Ended)?.map_err(Lost::Panicked)
    }

    /// Has a piece of work done there that nobody waits for.
    pub(crate) fn begin(&self, work: impl FnOnce() + Send + 'static) {
        let job = move || {
            // The hook has told of a panic.
            _ = catch_unwind(AssertUnwindSafe(work));
        };
        // A thread that is gone does nothing any more.
        _ = self.jobs.send(Box::new(job));
    }

    /// Blocks until all that it was given so far is done.
    pub(crate) fn wait(&self) {
        let (tell, told) = mpsc::channel::<()>();
        // A thread that is gone has nothing left to do.
        if self.jobs.send(Box::new(move || drop(tell))).is_ok() {
            _ = told.recv();
        }
    }

    /// Waits until all that it was given is done, and ends it.
    pub(crate) fn finish(self) {
        drop(self.jobs);
        // What panicked was told to whoever waited for it.
        _ = self.thread.join();
    }

    /// Whether this is called on the thread itself.
    pub(crate) fn is_current(&self) -> bool {
        self.thread.thread().id() == thread::current().id()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn work_is_done_in_order_and_after_a_panic() {
        let worker = Worker::start("test").unwrap();
        assert_eq!(worker.run(|| 1).await.unwrap(), 1);
        let panicked = worker.run::<u8>(|| std::panic::resume_unwind(Box::new("no"))).await;
        assert!(matches!(panicked, Err(Lost::Panicked(_))));
        assert_eq!(worker.run(|| 2).await.unwrap(), 2);
    }

    #[test]
    fn what_was_begun_is_done_though_nobody_waits() {
        let worker = Worker::start("test").unwrap();
        let done = Arc::new(AtomicU32::new(0));
        let work = |done: &Arc<AtomicU32>| {
            let done = Arc::clone(done);
            worker.run(move || done.fetch_add(1, Ordering::SeqCst))
        };
        let mut begun = Box::pin(work(&done));
        // It may be done already.
        _ = begun.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(begun);
        drop(work(&done));
        worker.wait();
        assert_eq!(done.load(Ordering::SeqCst), 1, "and what was not begun is not");
        worker.finish();
    }
}
