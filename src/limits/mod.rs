//! What TikTok takes, held against what `video_probe` found in a file.
//!
//! [`check()`](check::check) refuses only what TikTok surely refuses; everything in doubt is a warning.
//! [`first_hole`] finds what was never written in the middle of a file.

mod check;
mod holes;
mod refusal;

pub(crate) use self::check::{DRAFT_DURATION, Finding, check, is_too_long, trailing};
pub(crate) use self::holes::first_hole;
pub(crate) use self::refusal::hint;

#[cfg(test)]
mod tests;
