#![doc = include_str!("../README.md")]
//!
//! ## Reference
//!
//! [`Sandbox::builder`] starts one, [`Options`] holds every setting, [`faults`] documents the fault
//! script and [`control`] the control endpoints.

mod accounts;
mod builder;
mod call;
mod clock;
pub mod control;
mod delivery;
mod display;
mod echo;
mod envelope;
pub mod faults;
mod gateway;
mod handle;
mod ids;
mod log;
mod oauth;
mod options;
mod pages;
mod posting;
mod quota;
mod secret;
mod server;
mod state;
mod view;

pub use accounts::{Account, AccountPatch, App, Privacy};
pub use builder::Builder;
pub use handle::Sandbox;
pub use log::LogEntry;
pub use oauth::consent::ConsentPlan;
pub use oauth::qr::PhoneError;
pub use oauth::redirect::RedirectUriError;
pub use options::{Lifetimes, Megabyte, OauthErrors, Options, QrConfirm, Resend, UploadedBytes};
pub use secret::Secret;
pub use view::{AccountView, GrantView, PostView, StateView};
