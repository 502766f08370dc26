//! From a planned post to its true outcome: plan, states, chunk bodies, engine.

pub mod body;
pub mod chunk;
pub mod pace;
pub mod plan;
pub mod post;
pub mod report;
pub mod state;
pub mod video;
