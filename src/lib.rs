//! `tiktok-up`: publish to TikTok from a terminal, a server or a script.
//!
//! The rooms, from the door to the socket (an arrow means "may import"):
//!
//! ```text
//! main → cli, settings → commands → { auth, upload, manifest, output } → { tiktok, journal, media } → leaves
//!                        commands → sandbox (an offline TikTok; imports nothing but leaves)
//! ```
//!
//! The leaves ([`clock`], [`exit`], [`fault`], [`fs`], [`retry`], [`secret`], [`signals`], [`text`],
//! [`timing`]) import nothing of ours.

pub mod auth;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod exit;
pub mod fault;
pub mod fs;
pub mod journal;
pub mod manifest;
pub mod media;
pub mod output;
pub mod retry;
pub mod sandbox;
pub mod secret;
pub mod settings;
pub mod signals;
pub mod text;
pub mod tiktok;
pub mod timing;
pub mod upload;
