//! Databases for the tests of this store.

pub(in crate::store::postgres) mod scripted;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use server::server;

use super::{PostgresStore, Target};
use crate::clock::Clock;
use crate::secret::Secret;
use crate::store::Store;

/// How long leases of tests last if nobody renews them.
pub(crate) const LIFE: Duration = Duration::from_mins(1);

/// Whether there is a server to test with.
pub(crate) fn is_there() -> bool {
    server().is_some()
}

/// Whether there is a pooler in front of it as well.
pub(crate) fn is_pooled() -> bool {
    server().is_some_and(|server| server.is_pooled)
}

/// A schema of its own on the server.
#[derive(Debug)]
pub(crate) struct Database {
    target: Target,
}

impl Database {
    pub(crate) fn make() -> Self {
        Self::at_port(5432)
    }

    /// One that is reached through the pooler.
    pub(crate) fn pooled() -> Self {
        Self::at_port(6432)
    }

    fn at_port(port: u16) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = server().unwrap().folder.display();
        let address = format!("postgres:///postgres?host={folder}&port={port}&user=tiktok");
        let target = Target::read(&Secret::new(address), None, &|_| None).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        Self { target: target.in_schema(format!("test_{number}")) }
    }

    pub(crate) fn target(&self) -> Target {
        self.target.clone()
    }

    /// A schema of the server as another of its users comes to it.
    pub(in crate::store::postgres) fn of_schema(schema: &str, user: &str) -> Target {
        let folder = server().unwrap().folder.display();
        let address = format!("postgres:///postgres?host={folder}&user={user}");
        let target = Target::read(&Secret::new(address), None, &|_| None).unwrap();
        target.in_schema(schema.to_owned())
    }

    /// A store there, as another process would open it.
    pub(crate) fn open(&self, clock: Clock) -> Arc<dyn Store> {
        Arc::new(PostgresStore::new(self.target(), clock, LIFE).unwrap())
    }
}
