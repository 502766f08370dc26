//! The Content Posting API: creator info, inits, the bytes, and what becomes of a post.

pub(super) mod cancel;
pub(super) mod creator_info;
pub(super) mod fields;
pub(super) mod init;
pub(super) mod limits;
pub(super) mod photo;
pub(super) mod plan;
pub(super) mod post;
pub(super) mod pull;
pub(super) mod status;
pub(super) mod upload;
