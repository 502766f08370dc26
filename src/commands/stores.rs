//! The store that a command works on. It is opened here and nowhere else: commands know what `store/mod.rs` asks of
//! every store, and what stays with this machine.

use std::path::Path;
use std::sync::Arc;

use crate::auth::LoginStore;
use crate::clock::Clock;
use crate::encrypt::Key;
use crate::settings::Home;
use crate::source::blocking;
use crate::store::local::{LocalFiles, LocalStore};
use crate::store::{Store, StoreError};

/// The store that the settings name, and what it leaves to this machine. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Stores {
    /// What machines may share: accounts, journal, leases, slots.
    pub(super) shared: Arc<dyn Store>,
    /// What stays here.
    pub(super) local: LocalFiles,
}

impl Stores {
    /// Opens it, made if there is none. Without the key of an encrypted one.
    pub(super) async fn open(home: &Home, clock: Clock) -> Result<Self, StoreError> {
        Self::in_dir(&home.state, clock).await
    }

    /// Opens it if there is one. To be asked by whoever only looks, as opening makes one.
    pub(super) async fn existing(home: &Home, clock: Clock) -> Result<Option<Self>, StoreError> {
        if !home.state.exists() {
            return Ok(None);
        }
        Self::open(home, clock).await.map(Some)
    }

    /// One in an own directory, for what is to leave nothing in the store of the settings.
    pub(super) async fn in_dir(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let dir = dir.to_owned();
        let open = move || {
            let shared = Arc::new(LocalStore::open(&dir, clock)?);
            Ok(Self { shared, local: LocalFiles::open(&dir)? })
        };
        blocking(open).await
    }

    /// The same with the key that the store is encrypted with.
    #[must_use]
    pub(super) fn with_key(self, key: Key) -> Self {
        Self { shared: self.shared.with_key(key.clone()), local: self.local.with_key(key) }
    }

    /// The logins, with the refresh log of this machine.
    pub(super) fn logins(&self) -> LoginStore {
        LoginStore::new(Arc::clone(&self.shared), self.local.refresh_log())
    }
}
