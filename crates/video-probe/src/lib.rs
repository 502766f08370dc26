#![doc = include_str!("../README.md")]

mod blank;
mod codec;
mod mp4;
mod parts;
mod probe;
mod rate;
mod reader;
mod sniff;
mod source;
mod sps;
mod still;
mod transfer;
mod webm;

pub use self::parts::written_parts;
pub use self::probe::{Container, Oddity, Probe, ProbeError, probe};
pub use self::sniff::{FileClass, OtherFile};
pub use self::source::ReadAt;

#[cfg(test)]
mod tests;
