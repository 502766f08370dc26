//! Sample entries: what the samples of a track are. ISO/IEC 14496-12, sections 8.5.2 and 12.

use super::atom::Atom;
use crate::codec;
use crate::probe::Oddity;
use crate::reader::{Reader, Stop};
use crate::sps::{self, Coded};

/// The most bytes of a codec's own record that are read.
const RECORD: usize = 4096;

/// Where the boxes of a picture's entry begin, from the entry's own beginning on.
const BOXES: u64 = 86;

/// The first sample entry of a track.
#[derive(Debug, Default)]
pub(super) struct SampleEntry {
    /// Name of the codec.
    pub(super) codec: Option<String>,
    /// Width and height that the entry tells.
    told: Option<(u32, u32)>,
    /// What the stream's own header tells.
    coded: Option<Coded>,
    /// Shape of a pixel, width to height.
    pixel: Option<(u32, u32)>,
    /// Whether the samples are encrypted.
    pub(super) protected: bool,
    /// Codecs of the configurations that it carries.
    carried: Vec<&'static str>,
    /// Bytes of the length before each unit of a sample.
    unit_width: Option<u8>,
}

/// The codecs that have a configuration of their own. <https://mp4ra.org/registered-types/boxes>
const CONFIGURED: [&str; 6] = ["h264", "h265", "h266", "vp8", "vp9", "av1"];

impl SampleEntry {
    /// Reads the first entry of an `stsd` box; `None` when there is none.
    pub(super) fn read(stsd: Atom, reader: &mut Reader<'_>) -> Result<Option<Self>, Stop> {
        let Some(count) = stsd.u32(reader, 4)?.filter(|&count| count > 0) else {
            return Ok(None);
        };
        let Some(atom) = Atom::read(reader, stsd.body + 8, stsd.end, false)? else {
            return Ok(None);
        };
        let atom = Atom { end: atom.end.min(stsd.end), ..atom };
        let mut entry = Self {
            protected: matches!(&atom.kind, b"encv" | b"enca" | b"drmi" | b"drms"),
            codec: Some(codec::of_sample_entry(atom.kind)),
            told: atom.bytes::<4>(reader, 24)?.map(|[a, b, c, d]| {
                (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into())
            }),
            ..Self::default()
        };
        let boxes = Atom { body: atom.body + BOXES - 8, ..atom };
        boxes.children(reader, |reader, child| entry.read_box(child, reader))?;
        if count > 1 {
            // Samples may go by another entry.
            entry.unit_width = None;
        }
        Ok(Some(entry))
    }

    fn read_box(&mut self, atom: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        match &atom.kind {
            b"avcC" => {
                let record = record(atom, reader)?;
                self.coded = sps::of_avc_record(&record);
                self.carry("h264", record.get(4));
            }
            b"hvcC" => {
                let record = record(atom, reader)?;
                self.coded = sps::of_hevc_record(&record);
                self.carry("h265", record.get(21));
            }
            b"vvcC" => self.carry("h266", None),
            b"av1C" => self.carry("av1", None),
            // It is the same for both.
            b"vpcC" => {
                self.carry("vp9", None);
                self.carry("vp8", None);
            }
            b"esds" => {
                let object = object_type(&record(atom, reader)?);
                if let Some(name) = object.and_then(codec::of_object_type) {
                    self.codec = Some(name.to_owned());
                }
            }
            b"pasp" => {
                let shape = atom.u32(reader, 0)?.zip(atom.u32(reader, 4)?);
                self.pixel = shape.filter(|&(across, down)| across > 0 && down > 0);
            }
            b"sinf" => atom.children(reader, |reader, child| {
                if child.kind == *b"frma" && self.protected {
                    let code = child.bytes::<4>(reader, 0)?;
                    self.codec = code.map(codec::of_sample_entry).or(self.codec.take());
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    }

    /// Notes a configuration, with the byte whose lower two bits tell how wide the lengths of units are.
    fn carry(&mut self, codec: &'static str, widths: Option<&u8>) {
        if !self.carried.contains(&codec) {
            self.carried.push(codec);
        }
        self.unit_width = widths.map(|widths| (widths & 3) + 1);
    }

    /// Bytes of the length before each unit of a sample, where samples consist of such.
    pub(super) fn unit_width(&self) -> Option<u8> {
        self.unit_width.filter(|_| self.carried.len() == 1 && self.mismatch().is_none())
    }

    /// That the entry is called otherwise than what it carries.
    pub(super) fn mismatch(&self) -> Option<Oddity> {
        let told = CONFIGURED.into_iter().find(|name| Some(*name) == self.codec.as_deref())?;
        let carried = *self.carried.first().filter(|_| !self.carried.contains(&told))?;
        Some(Oddity::Miscoded { told, carried })
    }

    /// Width and height that are coded: the stream's own word wins over its container's.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        let size = self.coded.map(|coded| coded.size).or(self.told);
        size.filter(|&(width, height)| width > 0 && height > 0)
    }

    /// Width and height that the entry tells, right or wrong.
    pub(super) fn told(&self) -> Option<(u32, u32)> {
        self.told
    }

    /// Width and height with square pixels, where the pixels are not square.
    pub(super) fn stretched(&self) -> Option<(u32, u32)> {
        let (width, height) = self.size()?;
        let told = self.pixel.or_else(|| self.coded.and_then(|coded| coded.pixel));
        let (across, down) = told.filter(|(across, down)| across != down)?;
        let wide = u64::from(width) * u64::from(across) + u64::from(down) / 2;
        Some((u32::try_from(wide / u64::from(down)).ok()?, height))
    }
}

fn record(atom: Atom, reader: &mut Reader<'_>) -> Result<Vec<u8>, Stop> {
    reader.some(atom.body, atom.end, RECORD)
}

/// The `objectTypeIndication` in an `esds` box: ISO/IEC 14496-14, section 5.6, and ISO/IEC 14496-1,
/// sections 7.2.6.5 and 7.2.6.6.
fn object_type(esds: &[u8]) -> Option<u8> {
    const STREAM: u8 = 3;
    const DECODER: u8 = 4;
    let (kind, stream) = descriptor(esds.get(4..)?)?;
    if kind == DECODER {
        return stream.first().copied();
    }
    let (&flags, mut rest) = stream.get(2..)?.split_first().filter(|_| kind == STREAM)?;
    if flags & 0x80 != 0 {
        rest = rest.get(2..)?;
    }
    if flags & 0x40 != 0 {
        let (&length, url) = rest.split_first()?;
        rest = url.get(usize::from(length)..)?;
    }
    if flags & 0x20 != 0 {
        rest = rest.get(2..)?;
    }
    descriptor(rest).filter(|(kind, _)| *kind == DECODER)?.1.first().copied()
}

/// A descriptor's tag, and the bytes behind its length, which takes at most four.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let length = rest.iter().take(4).position(|byte| byte & 0x80 == 0)?;
    Some((kind, rest.get(length + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_type_is_found_behind_lengths_of_any_size() {
        for esds in [
            &[0, 0, 0, 0, 3, 20, 0, 1, 0, 4, 15, 0x6c][..],
            &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 20, 0, 1, 0, 4, 0x80, 15, 0x6c],
            &[0, 0, 0, 0, 3, 20, 0, 1, 0xe0, 9, 9, 2, b'a', b'b', 8, 8, 4, 15, 0x6c],
        ] {
            assert_eq!(object_type(esds), Some(0x6c), "{esds:?}");
            for length in 0..esds.len() {
                assert_eq!(object_type(&esds[..length]), None);
            }
        }
        assert_eq!(object_type(&[0; 40]), None);
    }
}
