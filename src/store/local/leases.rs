//! Leases as lock files, which the system releases when the process dies, however it dies.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::sleep;

use super::tokens::TokenFile;
use crate::fs::{Lock, LockError, pause};
use crate::store::thread::StoreThread;
use crate::store::{Holder, Lease, LeaseError, LeaseKind, Leases, StoreError, StoreFuture};

/// The lock files beside a token file.
#[derive(Debug)]
pub(super) struct LockFiles {
    pub(super) tokens: TokenFile,
    pub(super) thread: Arc<StoreThread>,
}

impl Leases for LockFiles {
    fn acquire<'a>(
        &'a self,
        kind: LeaseKind,
        account: &'a str,
        wait: Duration,
    ) -> StoreFuture<'a, Box<dyn Lease>> {
        Box::pin(async move {
            let path = match kind {
                LeaseKind::Upload => self.tokens.upload_lock(account),
                LeaseKind::Refresh => self.tokens.refresh_lock(account),
            };
            let deadline = Instant::now() + wait;
            loop {
                let path = path.clone();
                let tried = self.thread.run(move || Lock::try_acquire(&path).map_err(lease_error));
                match tried.await {
                    Ok(lock) => return Ok(Box::new(LockLease { _lock: lock }) as Box<dyn Lease>),
                    Err(StoreError::Lease(LeaseError::Held { .. }))
                        if Instant::now() < deadline =>
                    {
                        sleep(pause(deadline)).await;
                    }
                    Err(error) => return Err(error),
                }
            }
        })
    }
}

fn lease_error(error: LockError) -> LeaseError {
    match error {
        LockError::Held { path, pid } => LeaseError::Held {
            what: path.display().to_string(),
            holder: pid.map(|pid| Holder {
                pid,
                host: None,
                since: written_at(&path),
                until: None,
            }),
        },
        LockError::File(error) => error.into(),
    }
}

/// When the holder of a lock wrote its number into the file: as soon as it had it.
fn written_at(path: &Path) -> Option<Timestamp> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()?.try_into().ok()
}

/// A lock that is held; closing its file gives it back.
#[derive(Debug)]
struct LockLease {
    _lock: Lock,
}

impl Lease for LockLease {
    fn renew(&self) -> StoreFuture<'_, ()> {
        // It lasts by itself.
        Box::pin(async { Ok(()) })
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, ()> {
        Box::pin(async move {
            drop(self);
            Ok(())
        })
    }
}
