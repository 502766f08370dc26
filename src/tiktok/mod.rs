//! The tiktok room.
