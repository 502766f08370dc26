//! What the other modules speak about, each thing once: an account and its login, a post and its source, its settings, its
//! attempts and their phases, what came of it, and what is wrong with a manifest.
//!
//! Pure: no file, no network, no clock, nothing asynchronous. Imports nothing but leaves and the types of
//! TikTok's API, so that every module may import it. The functions here decide; performing is the
//! business of their callers.

pub mod account;
pub mod caption;
mod defaults;
mod diagnostic;
mod entry;
pub mod fields;
mod file;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod machine;
mod media;
mod mode;
mod outcome;
pub mod plan;
mod post;
mod quota;
mod record;
mod source;

pub use self::account::{Account, Accounts, Issuer};
pub use self::caption::Caption;
pub use self::defaults::{Defaults, FieldValues};
pub use self::diagnostic::{Diagnostic, Diagnostics, Part, Place};
pub use self::entry::{Entry, Manifest};
pub use self::fields::{Field, FieldType, FieldValue, InitKind};
pub use self::file::{FileIdentity, LocalFile, Unfinished};
pub use self::machine::{Action, Event, Failed, Phase, Seen, Step, Transfer};
pub use self::media::Media;
pub use self::mode::Mode;
pub use self::outcome::{PostError, PostOutcome, PostState};
pub use self::plan::{Plan, PlanError};
pub use self::post::{Post, PostRef};
pub use self::quota::{CallKind, QuotaKind};
pub use self::record::{Attempt, AttemptUpdate, PostNumber, PostRequest, RecordedPost};
pub use self::source::{Source, SourceKind};
