//! The store that a command works on. It is opened here and nowhere else: commands know what `store/mod.rs` asks of
//! every store, and what stays with this machine.

use std::path::Path;
use std::sync::Arc;

use crate::auth::LoginStore;
use crate::clock::Clock;
use crate::encrypt::Key;
use crate::output::Failure;
#[cfg(feature = "postgres")]
use crate::settings::Database;
use crate::settings::{Home, Settings};
use crate::source::blocking;
use crate::store::local::{LocalFiles, LocalStore};
#[cfg(feature = "postgres")]
use crate::store::postgres::{PostgresStore, Target};
use crate::store::{Store, StoreError};
#[cfg(feature = "postgres")]
use crate::timing::Timing;

/// The store that the settings name, and what it leaves to this machine. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Stores {
    /// What machines may share: accounts, journal, leases, slots.
    pub(super) shared: Arc<dyn Store>,
    /// What stays here.
    pub(super) local: LocalFiles,
    /// The shared one, if it is a database.
    #[cfg(feature = "postgres")]
    pub(super) database: Option<PostgresStore>,
}

impl Stores {
    /// Opens it, made if there is none. Without the key of an encrypted one.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Failure> {
        #[cfg(feature = "postgres")]
        if let Some(database) = &settings.database {
            let (database, clock) = (database.clone(), settings.clock);
            let timing = settings.timing.clone();
            let dir = settings.home.state.clone();
            let open = move || Self::in_database(&database, &dir, clock, &timing);
            return blocking(open).await;
        }
        Ok(Self::in_dir(&settings.home.state, settings.clock).await?)
    }

    #[cfg(feature = "postgres")]
    fn in_database(
        database: &Database,
        dir: &Path,
        clock: Clock,
        timing: &Timing,
    ) -> Result<Self, Failure> {
        let password = database.password()?;
        let variable = |name: &str| database.variable(name);
        let target = Target::read(&database.url, password.as_ref(), &variable)?;
        let local = LocalFiles::open(dir).map_err(StoreError::from)?;
        let store = PostgresStore::new(target, clock, timing.lease)?.timed(timing);
        let store = store.remembering_in(dir);
        Ok(Self { shared: Arc::new(store.clone()), local, database: Some(store) })
    }

    /// Opens it if there is one. To be asked by whoever only looks, as opening makes one.
    pub(super) async fn existing(settings: &Settings) -> Result<Option<Self>, Failure> {
        if settings.database.is_none() {
            return Ok(Self::existing_in(&settings.home, settings.clock).await?);
        }
        Self::open(settings).await.map(Some)
    }

    /// The one of a home of this machine, if there is one.
    pub(super) async fn existing_in(home: &Home, clock: Clock) -> Result<Option<Self>, StoreError> {
        if !home.state.exists() {
            return Ok(None);
        }
        Self::in_dir(&home.state, clock).await.map(Some)
    }

    /// One in an own directory, for what is to leave nothing in the store of the settings.
    pub(super) async fn in_dir(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let dir = dir.to_owned();
        let open = move || {
            let shared = Arc::new(LocalStore::open(&dir, clock)?);
            Ok(Self {
                shared,
                local: LocalFiles::open(&dir)?,
                #[cfg(feature = "postgres")]
                database: None,
            })
        };
        blocking(open).await
    }

    /// The same with the key that the store is encrypted with.
    #[must_use]
    pub(super) fn with_key(self, key: Key) -> Self {
        Self {
            shared: self.shared.with_key(key.clone()),
            local: self.local.with_key(key),
            #[cfg(feature = "postgres")]
            database: self.database,
        }
    }

    /// The logins, with the refresh log of this machine.
    pub(super) fn logins(&self) -> LoginStore {
        LoginStore::new(Arc::clone(&self.shared), self.local.refresh_log())
    }
}
