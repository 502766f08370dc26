//! What the other modules speak about, each thing once: an account and its login, a post and its source, its settings, its
//! attempts and their phases, what came of it, and what is wrong with a manifest.
//!
//! Pure: no file, no network, no clock, nothing asynchronous. Imports nothing but leaves and the types of
//! TikTok's API, so that every module may import it. The functions here decide; performing is the
//! business of their callers.

pub(crate) mod account;
pub(crate) mod caption;
mod defaults;
mod diagnostic;
mod entry;
pub(crate) mod fields;
mod file;
#[cfg(test)]
pub(crate) mod fixtures;
mod hook;
pub(crate) mod location;
pub(crate) mod machine;
mod media;
mod mode;
mod outcome;
mod page;
pub(crate) mod plan;
mod post;
mod quota;
pub(crate) mod rate;
mod record;
pub(crate) mod redirect;
pub(crate) mod slot;
mod source;
mod transport;
pub(crate) mod wording;

pub(crate) use self::account::Account;
pub(crate) use self::caption::Caption;
pub(crate) use self::defaults::{AccountDefaults, AccountDefaultsError, Defaults, FieldValues};
pub(crate) use self::diagnostic::{Diagnostic, Diagnostics, Part, Place};
pub(crate) use self::entry::{Entry, Manifest, UserOrigin};
pub(crate) use self::fields::{Field, FieldType, FieldValue};
pub(crate) use self::file::{FileIdentity, LocalFile, Unfinished};
pub(crate) use self::hook::HookKind;
pub(crate) use self::location::{
    Location, ObjectAddress, StoreEndpoints, WebAddress, recorded_address,
};
pub use self::machine::{Action, Event, Failed, Phase, ReportedStatus, Step, Transfer};
pub(crate) use self::media::Media;
pub(crate) use self::mode::Mode;
pub(crate) use self::outcome::{PostError, PostOutcome, PostState};
pub(crate) use self::page::{post_page, profile_page};
pub(crate) use self::plan::{Plan, PlanError};
pub(crate) use self::post::{Post, PostRef};
pub(crate) use self::quota::{CallKind, QuotaKind};
pub(crate) use self::record::{Attempt, AttemptUpdate, PostNumber, PostRequest, RecordedPost};
pub(crate) use self::redirect::RedirectUri;
pub(crate) use self::source::{Source, SourceKind};
pub(crate) use self::transport::Transport;
