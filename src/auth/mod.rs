//! Logins and tokens: the three ways in, the store, and the refresh that keeps a login alive.

pub mod account;
pub mod callback;
pub mod due;
pub mod pkce;
pub mod store;

mod pending;
#[cfg(test)]
mod testing;
