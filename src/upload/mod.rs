//! From a planned post to its true outcome.
//!
//! [`account`] takes the posts of an account one by one: it finds each in the journal, opens its file
//! and hands it to [`engine`], which performs the actions of the pure machine in [`state`]: inits and
//! status calls through [`calls`], chunks through [`chunk`], whose bytes are a [`body`] over a
//! [`video`], cut by a [`plan`]. What happens is told through [`report`].

pub mod account;
pub mod body;
pub mod calls;
mod cap;
pub mod chunk;
pub mod engine;
mod gate;
mod outcome;
pub mod pace;
pub mod plan;
pub mod poll;
pub mod post;
mod rehearsal;
pub mod report;
pub mod state;
pub mod video;
