//! The commands room.

pub mod sandbox;
