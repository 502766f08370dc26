//! The tiktok room.

pub mod privacy;
