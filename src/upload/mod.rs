//! From a planned post to its true outcome: plan, states, chunk bodies, engine.

pub mod plan;
pub mod report;
pub mod state;
