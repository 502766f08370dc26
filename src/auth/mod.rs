//! Logins and tokens: the three ways in, the store, and the refresh that keeps a login alive.

pub(crate) mod apps;
pub(crate) mod browser;
pub(crate) mod callback;
pub(crate) mod due;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod import;
pub(crate) mod login;
mod login_store;
pub(crate) mod logout;
pub(crate) mod paste;
pub(crate) mod qr;
pub(crate) mod refresh;
pub(crate) mod transfer;

mod refresh_log;
#[cfg(test)]
mod testing;

pub(crate) use crate::model::account::{Account, Issuer};
pub(crate) use apps::{Apps, NotUsable};
pub(crate) use error::AuthError;
pub use event::AuthEvent;
pub(crate) use event::Reporter;
pub(crate) use login::{Browser, LoggedIn, Login, LoginMethod};
pub(crate) use login_store::LoginStore;
pub(crate) use refresh::{Outcome, RefreshPolicy, Tokens};
