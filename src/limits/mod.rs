//! What TikTok takes, held against what `video_probe` found in a file.
//!
//! [`check`] refuses only what TikTok surely refuses; everything in doubt is a warning. [`first_hole`]
//! finds what was never written in the middle of a file.

mod check;
mod hints;
mod holes;
mod refusal;

pub use self::check::{DRAFT_DURATION, Finding, Findings, check, is_too_long};
pub use self::holes::first_hole;

#[cfg(test)]
mod tests;
