//! The thread for the work on files that follows a refresh: it is there before the token is spent, so that
//! nothing after that needs a new one.

use crate::auth::error::AuthError;
use crate::store::AccountError;
use crate::worker;

/// The thread; it ends when this is dropped, after what it is doing.
#[derive(Debug)]
pub(super) struct Worker(worker::Worker);

impl Worker {
    /// Starts it.
    pub(super) fn start() -> Result<Self, AuthError> {
        Ok(Self(worker::Worker::start("refresh")?))
    }

    /// Does a piece of work there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AuthError> {
        // One that panicked has said so.
        Ok(self.0.run(work).await.map_err(|_| AuthError::Stopped)??)
    }
}
