//! The rules of a journal, whatever its rows lie in: which post an entry stands for, which phase follows which,
//! when a call has room. Each implementation brings the rows ([`rows::Rows`]), and one SQL.

pub(super) mod at_rest;
pub(super) mod attempts;
pub(super) mod calls;
pub(super) mod phase;
pub(super) mod posts;
pub(super) mod rows;
pub(super) mod tokens;
pub(super) mod words;
