//! The manifest: a file that says what is to be posted, read strictly and checked whole.
//!
//! A JSON array of posts, or `{"defaults": {…}, "posts": […]}`; comments and trailing commas are
//! welcome, nothing else that JSON lacks. Or JSON Lines, or a table as spreadsheets write it. What can be known without the network or the media files
//! is checked here, and all that is wrong is said at once, each with its place.

mod cause;
mod doubled;
mod ending;
mod fault;
mod fields;
mod foreign;
mod grammar;
mod instant;
mod kind;
mod place;
mod post;
mod read;
mod review;
#[cfg(test)]
mod schema;
mod syntax;
mod table;
mod token;
mod value;
mod web;
mod written;

pub(crate) use self::kind::{other_encoding, other_kind};
pub(crate) use self::read::{examine, is_manifest, object};
pub(crate) use self::web::refusal as address_refusal;
pub(crate) use self::written::written;
pub(crate) use crate::model::{Entry, Manifest};

/// The JSON Schema of a manifest that is JSON.
pub(crate) const SCHEMA: &str = include_str!("schema.json");

/// The largest manifest, in bytes; a reader need not take in more than one byte beyond.
pub(crate) const MAX_SIZE: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
