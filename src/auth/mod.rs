//! Logins and tokens: the three ways in, the store, and the refresh that keeps a login alive.

pub mod apps;
pub mod browser;
pub mod callback;
pub mod carry;
pub mod due;
pub mod error;
pub mod import;
pub mod login;
pub mod logout;
pub mod notice;
pub mod paste;
pub mod qr;
pub mod refresh;

mod refresh_log;
#[cfg(test)]
mod testing;

pub use crate::model::account::{self, Account, Accounts, Issuer};
pub use apps::{Apps, NotUsable};
pub use error::AuthError;
pub use login::{Browser, LoggedIn, Login, Way};
pub use notice::{Notice, Reporter};
pub use refresh::{Ask, Outcome, Tokens};
