//! Video files: a bounded look at their headers, and what TikTok takes.
//!
//! [`probe`] never trusts a file: it reads a few small pieces of it, within a fixed budget, and
//! says what it found. [`check`] compares that with the limits and refuses only what TikTok surely
//! refuses; everything in doubt is a warning.

mod check;
mod holes;
mod mp4;
mod probe;
mod rate;
mod reader;
mod sniff;
mod source;
mod webm;

pub use self::check::{Finding, Findings, check, is_too_long};
pub use self::holes::first_hole;
pub use self::probe::{Container, Probe, ProbeError, probe};
pub use self::source::ReadAt;

#[cfg(test)]
mod tests;
