//! The `Tracks` element of a `WebM` file.

use super::ebml::Element;
use crate::codec;
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
    pub(super) const ENCODINGS: u32 = 0x6d80;
    pub(super) const ENCODING: u32 = 0x6240;
    pub(super) const ENCRYPTION: u32 = 0x5035;
}

/// `TrackType` of pictures and of sound.
const PICTURE: u64 = 1;
const SOUND: u64 = 2;

/// The most tracks that are kept.
const KEPT: usize = 256;

/// A track.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// By which blocks name it.
    pub(super) number: u64,
    kind: u64,
    /// Name of the codec.
    pub(super) codec: Option<String>,
    /// Whether its codec is one that a `WebM` file may hold.
    is_webm: bool,
    /// Nanoseconds of a frame, as the track tells it.
    pub(super) frame_nanos: Option<u64>,
    /// Width and height that are coded.
    pub(super) coded: Option<(u32, u32)>,
    /// Width and height that players stretch it to.
    pub(super) shown: Option<(u32, u32)>,
    /// Whether its blocks are encrypted.
    pub(super) protected: bool,
}

impl Track {
    /// The tracks of `Tracks`.
    pub(super) fn all(tracks: Element, reader: &mut Reader<'_>) -> Result<Vec<Self>, Stop> {
        let mut all = Vec::new();
        tracks.children(reader, |reader, element| {
            if element.id == id::ENTRY && all.len() < KEPT {
                all.push(Self::read(element, reader)?);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Whether it is a picture.
    pub(super) fn is_picture(&self) -> bool {
        self.kind == PICTURE
    }

    /// Whether a `WebM` file may hold it: <https://www.webmproject.org/docs/container/>.
    pub(super) fn fits_webm(&self) -> bool {
        self.is_webm || !matches!(self.kind, PICTURE | SOUND)
    }

    fn read(entry: Element, reader: &mut Reader<'_>) -> Result<Self, Stop> {
        let mut track = Self::default();
        entry.children(reader, |reader, element| {
            match element.id {
                id::NUMBER => track.number = element.unsigned(reader)?.unwrap_or(0),
                id::TYPE => track.kind = element.unsigned(reader)?.unwrap_or(0),
                id::CODEC => {
                    let id = element.text(reader, 32)?;
                    track.is_webm =
                        matches!(id.as_str(), "V_VP8" | "V_VP9" | "V_AV1" | "A_OPUS" | "A_VORBIS");
                    track.codec = Some(codec::of_matroska(id));
                }
                id::FRAME_NANOS => {
                    track.frame_nanos = element.unsigned(reader)?.filter(|&nanos| nanos > 0);
                }
                id::VIDEO => track.read_video(element, reader)?,
                id::ENCODINGS => element.children(reader, |reader, encoding| {
                    if encoding.id != id::ENCODING {
                        return Ok(());
                    }
                    encoding.children(reader, |_, element| {
                        track.protected |= element.id == id::ENCRYPTION;
                        Ok(())
                    })
                })?,
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
