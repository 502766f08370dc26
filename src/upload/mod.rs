//! The upload room.
