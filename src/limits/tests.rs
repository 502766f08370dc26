//! The limits held against real files.

use std::time::Duration;

use proptest::prelude::*;
use video_probe::{Container, Oddity, Probe, probe};

use super::check::{Finding, Findings};
use super::*;

/// The bytes of a file of `tests/fixtures`.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $name)).as_slice()
    };
}

/// Every fixture that TikTok takes.
const GOOD: [&[u8]; 6] = [
    fixture!("fast-start.mp4"),
    fixture!("moov-at-end.mp4"),
    fixture!("fragmented.mp4"),
    fixture!("landscape.mov"),
    fixture!("vp9.webm"),
    fixture!("live.webm"),
];

#[track_caller]
fn found(bytes: &[u8]) -> Probe {
    probe(bytes, bytes.len() as u64).unwrap()
}

#[track_caller]
fn findings(bytes: &[u8]) -> Findings {
    check(&found(bytes), bytes.len() as u64, None)
}

/// Everything that speaks against a video can be said.
fn can_be_said(findings: &Findings) {
    for finding in findings.errors.iter().chain(&findings.warnings) {
        assert!(!finding.to_string().is_empty() && !finding.hint().is_empty());
    }
}

#[test]
fn nothing_speaks_against_what_tiktok_takes() {
    for bytes in GOOD {
        assert_eq!(findings(bytes), Findings::default());
    }
}

#[test]
fn the_demo_is_a_video_that_tiktok_takes() {
    let bytes = include_bytes!("../commands/demo.mp4").as_slice();
    let probe = found(bytes);
    assert_eq!((probe.width, probe.height), (Some(540), Some(960)));
    assert_eq!(probe.duration, Some(Duration::from_secs(3)));
    assert_eq!(findings(bytes), Findings::default());
}

#[test]
fn what_tiktok_does_not_take_is_found() {
    let errors = |bytes: &[u8]| findings(bytes).errors;
    assert_eq!(errors(fixture!("ten-fps.mp4")), [Finding::FrameRate(10.0)]);
    assert_eq!(errors(fixture!("small.mp4")), [Finding::Picture { width: 200, height: 200 }]);
    assert_eq!(errors(fixture!("truncated.mp4")), [Finding::CutOff]);
}

fn any_probe() -> impl Strategy<Value = Probe> {
    let container = prop::sample::select(vec![Container::Mp4, Container::Mov, Container::WebM]);
    let length = prop::option::of(any::<Duration>());
    let sides = prop::option::of(any::<(u32, u32)>());
    let rate = prop::option::of(0.001_f64..100_000.0);
    let codec = prop::option::of("[a-z0-9]{0,9}");
    (container, length, sides.clone(), sides, rate, any::<(bool, bool)>(), codec).prop_map(
        |(container, duration, coded, shown, frame_rate, (steady, complete), codec)| {
            let (width, height) = coded.unzip();
            let protected = steady && !complete;
            let odd = steady.then_some(Oddity::Leading(7)).into_iter();
            let oddities = odd.chain(complete.then_some(Oddity::BrokenChain)).collect();
            Probe {
                duration,
                width,
                height,
                shown,
                frame_rate,
                steady,
                codec,
                complete,
                protected,
                oddities,
                ..Probe::unknown(container)
            }
        },
    )
}

proptest! {
    #[test]
    fn whatever_a_file_tells_can_be_checked(
        probe in any_probe(),
        size in any::<u64>(),
        own in prop::option::of(any::<Duration>()),
    ) {
        can_be_said(&check(&probe, size, own));
    }

    #[test]
    fn whatever_is_left_of_a_damaged_video_can_be_checked(
        whole in prop::sample::select(GOOD.to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<[u8; 4]>()), 1..8),
    ) {
        let mut bytes = whole.to_vec();
        for (at, piece) in damage {
            let at = at.index(bytes.len());
            let end = (at + piece.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&piece[..end - at]);
        }
        if let Ok(probe) = probe(bytes.as_slice(), bytes.len() as u64) {
            can_be_said(&check(&probe, bytes.len() as u64, None));
        }
    }
}
