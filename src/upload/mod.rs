//! From a planned post to its true outcome.
//!
//! [`account`] takes the posts of an account one by one: it finds each in the journal, opens its file
//! and hands it to [`engine`], which performs the actions of the pure machine in [`state`]: inits and
//! status calls through [`calls`], chunks (in `sending`) through [`chunk`], whose bytes are a [`body`]
//! over a [`video`], cut by a [`plan`]; what TikTok says of a post is read in `asking`. Before an `init`
//! comes the `gate`, and with it every `cap`; whatever ends a run early is a `leave`. What happens is
//! told through [`report`].

pub mod account;
mod asking;
pub mod body;
pub mod calls;
mod cap;
pub mod chunk;
pub mod engine;
mod gate;
mod init;
mod leave;
mod outcome;
pub mod pace;
pub mod plan;
pub mod poll;
pub mod post;
mod rehearsal;
pub mod report;
mod sending;
pub mod state;
pub mod video;
