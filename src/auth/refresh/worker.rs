//! The thread for the work on the refresh log that follows a refresh: it is there before the token is
//! spent, so that nothing after that needs a new one. The store's is there from the start.

use crate::auth::error::AuthError;
use crate::store::AccountError;
use crate::store::local::RefreshLog;
use crate::worker;

/// The log and its thread, which ends when this is dropped, after what it is doing.
#[derive(Debug)]
pub(super) struct LogWorker {
    log: RefreshLog,
    thread: worker::Worker,
}

impl LogWorker {
    /// Starts it.
    pub(super) fn start(log: RefreshLog) -> Result<Self, AuthError> {
        Ok(Self { log, thread: worker::Worker::start("refresh")? })
    }

    /// Does a piece of work there.
    pub(super) async fn run<T, E>(
        &self,
        work: impl FnOnce(&RefreshLog) -> Result<T, E> + Send + 'static,
    ) -> Result<T, AuthError>
    where
        T: Send + 'static,
        E: Into<AccountError> + Send + 'static,
    {
        let log = self.log.clone();
        let done = self.thread.run(move || work(&log)).await.map_err(|lost| match lost {
            worker::Lost::Panicked(_) => AuthError::Panicked,
            worker::Lost::Ended => AuthError::Stopped,
        })?;
        done.map_err(|error| error.into().into())
    }
}
