#![doc = include_str!("../README.md")]

mod answer;
pub mod callback;
mod cancel;
mod client;
mod code;
mod creator_info;
mod endpoints;
mod error;
mod grant;
mod guard;
mod init;
mod oauth;
pub mod pkce;
mod privacy;
mod proxy;
mod public;
mod qr;
mod scope;
pub mod secret;
mod status;
pub mod text;
mod transport;
mod trust;
mod upload;
mod user_info;
mod video_list;

pub use client::{BuildError, Client, ClientBuilder};
pub use code::{Code, Reaction};
pub use creator_info::CreatorInfo;
pub use endpoints::{Base, BaseProblem, Endpoints, EndpointsError};
pub use error::{Error, Obstacle, Refusal};
pub use grant::{Cut, Grant, RawTokenAnswer, Reading, may_hold_a_token};
pub use init::{
    InboxInit, InitAnswer, PhotoInit, PhotoPostInfo, PhotoSource, PostInfo, PostMode, SourceInfo,
    VideoInit,
};
pub use oauth::{App, Authorize, GrantKind};
pub use privacy::{Privacy, UnknownPrivacy};
pub use proxy::{ProxyError, ProxyName, ProxyProblem};
pub use public::NotPublic;
pub use qr::{QrAddressError, QrCheck, QrCode, QrConfirmed, QrRefused, QrStatus};
pub use scope::{ScopeError, Scopes};
pub use secret::Secret;
pub use status::{FailReason, PostStatus, State};
pub use transport::{LONGEST_ANSWER, OnStep, Reached, RequestTrouble, Step};
pub use trust::Authorities;
pub use upload::{Body, ContentRange, PutAnswer, UploadUrl, UploadUrlError};
pub use user_info::{Profile, UserInfo};
pub use video_list::{MAX_VIDEOS, PublicVideo, VideoPage};
