//! The typed client of TikTok's API: one file per documented page.
//!
//! Nothing here retries, waits or prints. Every call answers with a value, or with an [`Error`] that
//! says what is known about whether the request was sent at all, so that the callers can decide.

mod answer;
mod client;
mod code;
mod creator_info;
mod endpoints;
mod error;
mod grant;
mod init;
mod oauth;
pub mod privacy;
mod qr;
mod scope;
mod status;
mod upload;
mod user_info;

pub use client::{BuildError, Client};
pub use code::{Code, Reaction};
pub use creator_info::CreatorInfo;
pub use endpoints::{Endpoints, EndpointsError};
pub use error::{Error, Refusal};
pub use grant::{Cut, Grant, RawAnswer, Reading, may_hold_a_token, read};
pub use init::{
    InboxInit, InitAnswer, PhotoInit, PhotoPostInfo, PhotoSource, PostInfo, SourceInfo, VideoInit,
};
pub use oauth::{App, Authorize, GrantKind};
pub use qr::{QrCheck, QrCode, QrStatus};
pub use scope::Scopes;
pub use status::{FailReason, PostStatus, State};
pub use upload::{ContentRange, PutAnswer, UploadUrl, UploadUrlError};
pub use user_info::UserInfo;
