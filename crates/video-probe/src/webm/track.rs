//! The `Tracks` element of a `WebM` file.

use super::ebml::Element;
use crate::reader::{Reader, Stop};

/// Ids of elements: RFC 9559, section 5.1.4.
mod id {
    pub(super) const ENTRY: u32 = 0xae;
    pub(super) const NUMBER: u32 = 0xd7;
    pub(super) const TYPE: u32 = 0x83;
    pub(super) const CODEC: u32 = 0x86;
    pub(super) const FRAME_NANOS: u32 = 0x23_e383;
    pub(super) const VIDEO: u32 = 0xe0;
    pub(super) const WIDTH: u32 = 0xb0;
    pub(super) const HEIGHT: u32 = 0xba;
    pub(super) const SHOWN_WIDTH: u32 = 0x54b0;
    pub(super) const SHOWN_HEIGHT: u32 = 0x54ba;
    pub(super) const SHOWN_UNIT: u32 = 0x54b2;
}

/// `TrackType` of pictures.
const PICTURE: u64 = 1;

/// A picture track.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// By which blocks name it.
    pub(super) number: u64,
    kind: u64,
    /// Name of the codec.
    pub(super) codec: Option<String>,
    /// Nanoseconds of a frame.
    pub(super) frame_nanos: Option<u64>,
    /// Width and height that are coded.
    pub(super) coded: Option<(u32, u32)>,
    /// Width and height that players stretch it to.
    pub(super) shown: Option<(u32, u32)>,
}

impl Track {
    /// The picture tracks of `Tracks`.
    pub(super) fn pictures(tracks: Element, reader: &mut Reader<'_>) -> Result<Vec<Self>, Stop> {
        let mut pictures = Vec::new();
        tracks.children(reader, |reader, element| {
            if element.id == id::ENTRY {
                pictures.extend(Some(Self::read(element, reader)?).filter(|it| it.kind == PICTURE));
            }
            Ok(())
        })?;
        Ok(pictures)
    }

    fn read(entry: Element, reader: &mut Reader<'_>) -> Result<Self, Stop> {
        let mut track = Self::default();
        entry.children(reader, |reader, element| {
            match element.id {
                id::NUMBER => track.number = element.unsigned(reader)?.unwrap_or(0),
                id::TYPE => track.kind = element.unsigned(reader)?.unwrap_or(0),
                id::CODEC => track.codec = Some(codec_name(element.text(reader, 32)?)),
                id::FRAME_NANOS => {
                    track.frame_nanos = element.unsigned(reader)?.filter(|&nanos| nanos > 0);
                }
                id::VIDEO => track.read_video(element, reader)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(track)
    }

    fn read_video(&mut self, video: Element, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let (mut coded, mut shown, mut pixels) = ((None, None), (None, None), true);
        video.children(reader, |reader, element| {
            let place = match element.id {
                id::WIDTH => &mut coded.0,
                id::HEIGHT => &mut coded.1,
                id::SHOWN_WIDTH => &mut shown.0,
                id::SHOWN_HEIGHT => &mut shown.1,
                id::SHOWN_UNIT => {
                    // Anything but pixels is a shape, not a size.
                    pixels = element.unsigned(reader)? == Some(0);
                    return Ok(());
                }
                _ => return Ok(()),
            };
            let number = element.unsigned(reader)?.and_then(|number| u32::try_from(number).ok());
            *place = number.filter(|&number| number > 0);
            Ok(())
        })?;
        self.coded = coded.0.zip(coded.1);
        self.shown = shown.0.zip(shown.1).filter(|_| pixels);
        Ok(())
    }
}

/// The name of a codec by its id: <https://www.matroska.org/technical/codec_specs.html>.
fn codec_name(id: String) -> String {
    let name = match id.as_str() {
        "V_VP8" => "vp8",
        "V_VP9" => "vp9",
        "V_AV1" => "av1",
        "V_MPEG4/ISO/AVC" => "h264",
        "V_MPEGH/ISO/HEVC" => "h265",
        _ => return id,
    };
    name.to_owned()
}
