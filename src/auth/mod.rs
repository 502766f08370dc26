//! Logins and tokens: the three ways in, the store, and the refresh that keeps a login alive.

pub mod callback;
pub mod pkce;
