//! Logins and tokens: the three ways in, the store, and the refresh that keeps a login alive.

pub mod account;
pub mod callback;
pub mod due;
pub mod error;
pub mod notice;
pub mod pkce;
pub mod refresh;
pub mod store;

mod pending;
#[cfg(test)]
mod testing;

pub use account::{Account, Accounts};
pub use error::AuthError;
pub use notice::{Notice, Reporter};
pub use refresh::{Ask, Outcome, Tokens};
pub use store::{Store, StoreError};
