//! Whole files: real ones, hand-made ones, and broken ones.

mod hostile;
mod real;
mod rigged_mp4;
mod rigged_webm;

use super::*;

/// The bytes of a file of `fixtures`.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name)).as_slice()
    };
}
use fixture;

/// Every fixture that is a whole video.
const WHOLE: [&[u8]; 8] = [
    fixture!("fast-start.mp4"),
    fixture!("moov-at-end.mp4"),
    fixture!("fragmented.mp4"),
    fixture!("landscape.mov"),
    fixture!("vp9.webm"),
    fixture!("live.webm"),
    fixture!("ten-fps.mp4"),
    fixture!("small.mp4"),
];

fn probe_bytes(bytes: &[u8]) -> Result<Probe, ProbeError> {
    probe(bytes, bytes.len() as u64)
}

/// What is found in bytes that are a video.
#[track_caller]
fn found(bytes: &[u8]) -> Probe {
    probe_bytes(bytes).unwrap()
}

/// What is said of bytes that are none.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    probe_bytes(bytes).unwrap_err().to_string()
}
