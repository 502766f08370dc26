//! Where logins are kept: the store, which may be shared by machines, and the refresh log of this one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::store::local::{Logs, RefreshLog};
use crate::store::{AccountError, AccountStore, Lease, LeaseKind, Leases, Store, StoreError};

/// A lease of an account's tokens, shared with the work that is done under it: it is given back when all of
/// that is done.
pub(super) type HeldLease = Arc<dyn Lease>;

/// The store of the logins, and the refresh log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LoginStore {
    store: Arc<dyn Store>,
    accounts: Arc<dyn AccountStore>,
    leases: Arc<dyn Leases>,
    log: RefreshLog,
}

impl fmt::Debug for LoginStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginStore").field("store", &self.store).finish_non_exhaustive()
    }
}

impl LoginStore {
    /// The logins of a store. `log` is where this machine keeps answers on their way there.
    pub(crate) fn new(store: Arc<dyn Store>, log: RefreshLog) -> Self {
        let (accounts, leases) = (store.accounts(), store.leases());
        Self { store, accounts, leases, log }
    }

    /// The accounts.
    pub(crate) fn accounts(&self) -> &dyn AccountStore {
        self.accounts.as_ref()
    }

    /// The refresh log.
    pub(super) fn log(&self) -> &RefreshLog {
        &self.log
    }

    /// The lease under which an account's tokens are renewed; held across the call to TikTok.
    pub(super) async fn refresh_lease(
        &self,
        open_id: &str,
        wait: Duration,
    ) -> Result<HeldLease, StoreError> {
        Ok(self.leases.acquire(LeaseKind::Refresh, open_id, wait).await?.into())
    }

    /// The lease under which an account's posts are made, if it is free.
    pub(super) async fn upload_lease(&self, open_id: &str) -> Result<HeldLease, StoreError> {
        Ok(self.leases.acquire(LeaseKind::Upload, open_id, Duration::ZERO).await?.into())
    }

    /// The files that interrupted refreshes of any account have left.
    pub(super) async fn logged(&self) -> Result<Vec<PathBuf>, StoreError> {
        self.in_log(|log| log.files().map_err(AccountError::from)).await
    }

    /// Of which accounts interrupted refreshes have left anything.
    pub(super) async fn logs(&self) -> Result<Logs, StoreError> {
        self.in_log(|log| log.logs().map_err(AccountError::from)).await
    }

    /// Work on the log, off the threads that serve the network. Once begun it is done to its end.
    pub(super) async fn in_log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&RefreshLog) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let log = self.log.clone();
        match tokio::task::spawn_blocking(move || work(&log)).await {
            Ok(done) => Ok(done?),
            Err(_ended) => Err(StoreError::Closed),
        }
    }

    /// Ends when everything that was begun is in the store.
    pub(super) async fn flush(&self) {
        // A store that is closed has done that.
        _ = self.store.flush().await;
    }
}
