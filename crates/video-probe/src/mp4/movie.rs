//! The `moov` box: tracks, their sizes, codecs and times.

use super::atom::Atom;
use crate::rate::Rate;
use crate::reader::{Reader, Stop};

/// What a `moov` box says.
#[derive(Debug, Default)]
pub(super) struct Movie {
    /// Ticks a second of the movie's own times.
    pub(super) scale: u32,
    /// Length without fragments, in the movie's ticks.
    pub(super) ticks: Option<u64>,
    /// Length with fragments, in the movie's ticks, where it is told beforehand.
    pub(super) ticks_with_fragments: Option<u64>,
    /// Whether fragments follow.
    pub(super) fragmented: bool,
    /// Whether the content is compressed, so that nothing more can be known.
    pub(super) compressed: bool,
    /// The first enabled picture track, else the first.
    pub(super) picture: Option<Track>,
    /// Ticks of a frame by track, where fragments do not say.
    pub(super) frame_ticks: Vec<(u32, u32)>,
}

/// A picture track.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) id: u32,
    enabled: bool,
    picture: bool,
    /// Whether players turn it by a quarter.
    pub(super) turned: bool,
    /// Width and height that players stretch it to.
    pub(super) shown: Option<(u32, u32)>,
    /// Width and height that are coded.
    pub(super) coded: Option<(u32, u32)>,
    /// Code of the codec.
    pub(super) codec: Option<[u8; 4]>,
    /// Ticks a second of the track's own times.
    pub(super) scale: u32,
    /// Frames without those of fragments.
    pub(super) rate: Rate,
    /// Length that the header tells.
    ticks: Option<u64>,
    /// Number of frames that the table of their sizes tells.
    frames: Option<u32>,
    /// Where the last piece of content begins in the file.
    pub(super) last_piece: Option<u64>,
}

impl Movie {
    /// Reads a `moov` box. What was found before the budget ended stays in `self`.
    pub(super) fn read(&mut self, moov: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        moov.children(reader, |reader, atom| {
            match &atom.kind {
                b"mvhd" => {
                    let long = atom.version(reader)? == Some(1);
                    self.scale = atom.u32(reader, if long { 20 } else { 12 })?.unwrap_or(0);
                    self.ticks = atom.time(reader, 16, 24)?;
                }
                b"trak" => {
                    let track = Track::read(atom, reader)?;
                    let better = self.picture.as_ref().is_none_or(|old| !old.enabled);
                    if track.picture && better && (track.enabled || self.picture.is_none()) {
                        self.picture = Some(track);
                    }
                }
                b"mvex" => {
                    self.fragmented = true;
                    self.read_extends(atom, reader)?;
                }
                b"cmov" => self.compressed = true,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_extends(&mut self, mvex: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        mvex.children(reader, |reader, atom| {
            match &atom.kind {
                b"mehd" => self.ticks_with_fragments = atom.time(reader, 4, 4)?,
                b"trex" => {
                    if let (Some(id), Some(ticks)) = (atom.u32(reader, 4)?, atom.u32(reader, 12)?) {
                        self.frame_ticks.push((id, ticks));
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }
}

impl Track {
    fn read(atom: Atom, reader: &mut Reader<'_>) -> Result<Self, Stop> {
        let mut track = Self::default();
        atom.children(reader, |reader, atom| match &atom.kind {
            b"tkhd" => track.read_header(atom, reader),
            b"mdia" => track.read_media(atom, reader),
            _ => Ok(()),
        })?;
        track.settle();
        Ok(track)
    }

    fn read_header(&mut self, tkhd: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let Some([version, _, _, flags]) = tkhd.bytes::<4>(reader, 0)? else { return Ok(()) };
        self.enabled = flags & 1 == 1;
        // Times are longer in version 1: 12 bytes more before all that follows them.
        let more = if version == 1 { 12 } else { 0 };
        let id_at = if version == 1 { 20 } else { 12 };
        self.id = tkhd.u32(reader, id_at)?.unwrap_or(0);
        if let Some(matrix) = tkhd.bytes::<20>(reader, 40 + more)? {
            let is_zero = |i: usize| matrix[i * 4..i * 4 + 4] == [0; 4];
            self.turned = is_zero(0) && is_zero(4) && !is_zero(1) && !is_zero(3);
        }
        let (width, height) = (tkhd.u32(reader, 76 + more)?, tkhd.u32(reader, 80 + more)?);
        // 16.16 fixed point; the fraction is dropped.
        self.shown = width.map(|it| it >> 16).zip(height.map(|it| it >> 16));
        Ok(())
    }

    fn read_media(&mut self, mdia: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        mdia.children(reader, |reader, atom| {
            match &atom.kind {
                b"mdhd" => {
                    let long = atom.version(reader)? == Some(1);
                    self.scale = atom.u32(reader, if long { 20 } else { 12 })?.unwrap_or(0);
                    self.ticks = atom.time(reader, 16, 24)?;
                }
                b"hdlr" => self.picture = atom.bytes::<4>(reader, 8)? == Some(*b"vide"),
                b"minf" => atom.children(reader, |reader, atom| match &atom.kind {
                    b"stbl" => self.read_samples(atom, reader),
                    _ => Ok(()),
                })?,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_samples(&mut self, stbl: Atom, reader: &mut Reader<'_>) -> Result<(), Stop> {
        stbl.children(reader, |reader, atom| {
            match &atom.kind {
                b"stsd" => {
                    // The first entry: its size, its code, and 24 bytes on the picture's size.
                    self.codec = atom.bytes::<4>(reader, 12)?;
                    self.coded = atom.bytes::<4>(reader, 40)?.map(|[a, b, c, d]| {
                        (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into())
                    });
                }
                b"stts" => {
                    for pair in atom.some_entries(reader)?.chunks_exact(8) {
                        if let &[a, b, c, d, e, f, g, h] = pair {
                            let count = u32::from_be_bytes([a, b, c, d]);
                            self.rate.add(count, u32::from_be_bytes([e, f, g, h]));
                        }
                    }
                }
                b"stsz" | b"stz2" => self.frames = atom.u32(reader, 8)?,
                b"stco" => self.last_piece = atom.last_entry(reader, 4)?,
                b"co64" => self.last_piece = atom.last_entry(reader, 8)?,
                _ => {}
            }
            Ok(())
        })
    }

    /// Prefers what the headers tell of the whole to what was added up of a table's beginning.
    fn settle(&mut self) {
        let Some(frames) = self.frames else { return };
        if frames == 0 {
            self.rate = Rate::default();
        } else if let Some(ticks) = self.ticks.filter(|&ticks| ticks > 0) {
            (self.rate.frames, self.rate.ticks) = (frames.into(), ticks);
        }
    }
}
