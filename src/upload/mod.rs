//! From a planned post to its true outcome.
//!
//! [`account`] takes the posts of an account one by one: [`locate`] opens each one's file and finds it in
//! the journal, and [`engine`] performs the actions of the pure [`machine`]: an `init`,
//! behind the `gate` and with it every `cap`; chunks (in `sending`) through [`chunk`], whose bytes are a
//! [`body`] over a [`video`], cut by a [`Plan`]; status calls through [`calls`], their answers read in
//! `asking`. Whatever ends a run early is a `leave`. What happens is told through [`report`].
//!
//! [`machine`]: crate::model::machine
//! [`Plan`]: crate::model::Plan

pub mod account;
mod age;
mod asking;
pub mod body;
pub mod calls;
mod cap;
pub mod chunk;
pub mod engine;
mod gate;
mod init;
mod leave;
pub mod locate;
mod outcome;
pub mod pace;
pub mod poll;
pub mod post;
mod rehearsal;
pub mod report;
mod sending;
pub mod video;
pub mod writing;
