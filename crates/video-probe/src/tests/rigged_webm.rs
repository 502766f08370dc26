//! WebM files made by hand, for what ffmpeg does not write.

use std::time::Duration;

use super::*;

/// An element with a size of eight bytes, or an unknown one.
fn element(id: u32, content: &[u8], known: bool) -> Vec<u8> {
    let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let size = if known { 1 << 56 | content.len() as u64 } else { u64::MAX >> 7 };
    [&id[..], &size.to_be_bytes(), content].concat()
}

/// What a browser records: blocks at these times, in clusters of four, and no sizes.
struct Recording<'a> {
    kind: &'a [u8],
    millis: &'a [i16],
    /// What else its picture says.
    picture: Vec<u8>,
    /// What comes before the tracks.
    info: Vec<u8>,
}

impl Default for Recording<'_> {
    fn default() -> Self {
        Self {
            kind: b"webm",
            millis: &[0, 250, 500, 751, 1000, 1250, 1500, 1750, 2001],
            picture: vec![],
            info: vec![],
        }
    }
}

impl Recording<'_> {
    fn file(&self) -> Vec<u8> {
        let size = [element(0xb0, &[2, 0x80], true), element(0xba, &[1, 0x68], true)].concat();
        let track = [
            element(0xd7, &[1], true),
            element(0x83, &[1], true),
            element(0x86, b"V_VP8", true),
            element(0xe0, &[size, self.picture.clone()].concat(), true),
        ];
        let mut segment = self.info.clone();
        segment.extend(element(0x1654_ae6b, &element(0xae, &track.concat(), true), true));
        for (i, block) in self.millis.chunks(4).enumerate() {
            let base = u16::try_from(i * 1000).unwrap();
            let mut cluster = element(0xe7, &base.to_be_bytes(), true);
            for time in block {
                let [a, b] = (time - i16::try_from(base).unwrap()).to_be_bytes();
                let body = [0x81, a, b, 0x80, 7, 7];
                if time % 2 == 0 {
                    cluster.extend(element(0xa3, &body, true));
                } else {
                    cluster.extend(element(0xa0, &element(0xa1, &body, true), true));
                }
            }
            segment.extend(element(0x1f43_b675, &cluster, false));
        }
        let header = element(0x1a45_dfa3, &element(0x4282, self.kind, true), true);
        [header, element(0x1853_8067, &segment, false)].concat()
    }
}

#[test]
fn a_recording_without_any_sizes_is_measured_by_its_blocks() {
    let probe = found(&Recording::default().file());
    assert_eq!((probe.width, probe.height), (Some(640), Some(360)));
    assert_eq!(probe.duration, Some(Duration::from_millis(2001)));
    let rate = probe.frame_rate.unwrap();
    assert!((rate - 8.0 / 2.001).abs() < 1e-6 && !probe.steady, "{probe:?}");
    assert!(probe.complete);
}

#[test]
fn a_block_within_a_group_counts_like_any_other() {
    let probe = found(&Recording { millis: &[1, 41, 81], ..Recording::default() }.file());
    assert_eq!((probe.frame_rate, probe.duration), (Some(25.0), Some(Duration::from_millis(81))));
}

#[test]
fn a_recording_that_tells_its_length_is_believed() {
    let length = element(0x4489, &2500.0_f64.to_be_bytes(), true);
    let info = element(0x1549_a966, &length, true);
    let probe = found(&Recording { info, ..Recording::default() }.file());
    assert_eq!(probe.duration, Some(Duration::from_millis(2500)));
    assert!(probe.frame_rate.is_some());
}

#[test]
fn a_recording_that_ends_within_a_block_is_cut_off() {
    let whole = Recording::default().file();
    // The last group with its block: twice an id and eight bytes of size, six of content.
    for missing in 1..24 {
        assert!(!found(&whole[..whole.len() - missing]).complete, "{missing}");
    }
    assert!(found(&whole[..whole.len() - 24]).complete);
}

#[test]
fn zeros_behind_a_recording_do_no_harm() {
    let whole = Recording::default().file();
    assert_eq!(found(&[whole.clone(), vec![0; 99]].concat()), found(&whole));
}

#[test]
fn a_recording_that_players_stretch_tells_both_sizes() {
    let stretched = |unit: u8| {
        let picture = [
            element(0x54b0, &[16], true),
            element(0x54ba, &[9], true),
            element(0x54b2, &[unit], true),
        ];
        let rig = Recording { picture: picture.concat(), ..Recording::default() };
        found(&rig.file()).shown
    };
    assert_eq!(stretched(0), Some((16, 9)));
    assert_eq!(stretched(3), None, "a shape, not a size");
}

#[test]
fn matroska_is_not_webm() {
    let said = refused(&Recording { kind: b"matroska", ..Recording::default() }.file());
    assert_eq!(said, "not an MP4, MOV or WebM video: this is a Matroska (MKV) video");
}
