//! An offline TikTok on 127.0.0.1, as strict as the real one.
//!
//! For rehearsing a pipeline, for newcomers, and for tests. [`start`] serves, on one origin, the
//! authorize page (`/v2/auth/authorize/`), the OAuth and API endpoints (`/v2/…`), the upload URLs
//! (`/upload?…`) and, below `/_sandbox/`, what a person and a script use to look at it and to move
//! it. Its checks are written from TikTok's documentation; where that leaves a question open,
//! [`Options`] says which reading holds.
//!
//! - [`faults`] documents the fault script;
//! - [`control`] documents the control endpoints.

mod accounts;
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
mod server;
mod state;
mod view;

pub use accounts::{Account, AccountPatch, App, Privacy};
pub use handle::{Sandbox, start};
pub use log::LogEntry;
pub use oauth::consent::ConsentPlan;
pub use oauth::qr::PhoneError;
pub use options::{Lifetimes, Megabyte, Options, QrConfirm, Resend, UploadedBytes};
pub use view::{AccountView, GrantView, PostView, StateView};
