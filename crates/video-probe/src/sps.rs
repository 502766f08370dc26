//! Sequence parameter sets: the size that an H.264 or HEVC stream itself says it has.

/// The most bytes of a parameter set that are looked at: what is read of it lies far before.
const LOOKED_AT: usize = 1024;

/// What a parameter set says of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coded {
    /// Width and height in pixels after cropping.
    pub(super) size: (u32, u32),
    /// Shape of a pixel, width to height, where it is told and not a square.
    pub(super) pixel: Option<(u32, u32)>,
}

/// The picture of an `avcC` record: ISO/IEC 14496-15, section 5.3.3.1.
pub(super) fn of_avc_record(record: &[u8]) -> Option<Coded> {
    // The lower five bits count them.
    let (&count, sets) = record.get(5..)?.split_first()?;
    if count.trailing_zeros() >= 5 {
        return None;
    }
    avc(piece(sets)?.0)
}

/// The picture of an `hvcC` record: ISO/IEC 14496-15, section 8.3.3.1.
pub(super) fn of_hevc_record(record: &[u8]) -> Option<Coded> {
    /// `nal_unit_type` of a sequence parameter set.
    const SPS: u8 = 33;
    let (&arrays, mut rest) = record.get(22..)?.split_first()?;
    for _ in 0..arrays {
        let (&[kind, high, low], mut units) = rest.split_first_chunk::<3>()?;
        for _ in 0..u16::from_be_bytes([high, low]) {
            let (unit, after) = piece(units)?;
            if kind & 0x3f == SPS {
                return hevc(unit);
            }
            units = after;
        }
        rest = units;
    }
    None
}

/// Bytes behind a length of 16 bits, and the rest; those that are missing are left out.
fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(length)).min(rest.len());
    Some(rest.split_at(length))
}

/// Recommendation ITU-T H.264, section 7.3.2.1.1, and annex E for the shape of a pixel.
fn avc(unit: &[u8]) -> Option<Coded> {
    const WITH_CHROMA: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    let (_, set) = unit.split_first().filter(|(header, _)| **header & 0x1f == 7)?;
    let mut bits = Bits::new(set);
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.exp()?;
    let (mut chroma, mut planes) = (1, false);
    if WITH_CHROMA.contains(&profile) {
        chroma = bits.exp()?;
        planes = chroma == 3 && bits.flag()?;
        bits.exp()?;
        bits.exp()?;
        bits.flag()?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    bits.skip_scaling_list(if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.exp()?;
    match bits.exp()? {
        0 => _ = bits.exp()?,
        1 => {
            bits.flag()?;
            bits.exp()?;
            bits.exp()?;
            for _ in 0..bits.exp()?.min(255) {
                bits.exp()?;
            }
        }
        _ => {}
    }
    bits.exp()?;
    bits.flag()?;
    let columns = bits.exp()?.checked_add(1)?;
    let rows = bits.exp()?.checked_add(1)?;
    let frames_only = bits.flag()?;
    let fields = if frames_only { 1 } else { 2 };
    if !frames_only {
        bits.flag()?;
    }
    bits.flag()?;
    let (width, height) = (columns.checked_mul(16)?, rows.checked_mul(16)?.checked_mul(fields)?);
    let (across, down) = if planes { (1, 1) } else { chroma_steps(chroma) };
    let size = bits.crop((width, height), across, down.checked_mul(fields)?)?;
    // What is cut off behind the size says nothing of the pixels' shape.
    Some(Coded { size, pixel: bits.pixel().filter(|(across, down)| across != down) })
}

/// Recommendation ITU-T H.265, section 7.3.2.2.1.
fn hevc(unit: &[u8]) -> Option<Coded> {
    let mut bits = Bits::new(unit.get(2..)?);
    bits.take(4)?;
    let layers = bits.take(3)?;
    bits.flag()?;
    bits.skip(96)?;
    let mut told = Vec::new();
    for _ in 0..layers {
        told.push((bits.flag()?, bits.flag()?));
    }
    if layers > 0 {
        bits.skip(2 * 8_u32.checked_sub(layers)?)?;
    }
    for (profile, level) in told {
        bits.skip(if profile { 88 } else { 0 })?;
        bits.skip(if level { 8 } else { 0 })?;
    }
    bits.exp()?;
    let chroma = bits.exp()?;
    let planes = chroma == 3 && bits.flag()?;
    let size = (bits.exp()?, bits.exp()?);
    let (across, down) = if planes { (1, 1) } else { chroma_steps(chroma) };
    Some(Coded { size: bits.crop(size, across, down)?, pixel: None })
}

/// Pixels that a sample of chroma spans, across and down.
fn chroma_steps(format: u32) -> (u32, u32) {
    match format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    }
}

/// The bits of a parameter set, without the bytes that keep it from looking like a start code.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        let mut bytes = Vec::new();
        let mut zeros = 0;
        for &byte in unit.iter().take(LOOKED_AT) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of at most 32 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut number = 0;
        for _ in 0..count {
            number = number << 1 | u32::from(self.flag()?);
        }
        Some(number)
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.flag()?;
        }
        Some(())
    }

    /// An unsigned Exp-Golomb number.
    fn exp(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// A signed Exp-Golomb number, modulo 256 as scaling lists need it.
    fn signed(&mut self) -> Option<u32> {
        let number = self.exp()?;
        let half = number.div_ceil(2) % 256;
        Some(if number % 2 == 0 { (256 - half) % 256 } else { half })
    }

    fn skip_scaling_list(&mut self, length: u32) -> Option<()> {
        let (mut last, mut next) = (8, 8);
        for _ in 0..length {
            if next != 0 {
                next = (last + self.signed()?) % 256;
            }
            last = if next == 0 { last } else { next };
        }
        Some(())
    }

    /// What is left of a size after the cropping that follows, in steps of so many pixels.
    fn crop(&mut self, (width, height): (u32, u32), across: u32, down: u32) -> Option<(u32, u32)> {
        if !self.flag()? {
            return Some((width, height));
        }
        let [left, right, top, bottom] = [self.exp()?, self.exp()?, self.exp()?, self.exp()?];
        let width = width.checked_sub(left.checked_add(right)?.checked_mul(across)?)?;
        let height = height.checked_sub(top.checked_add(bottom)?.checked_mul(down)?)?;
        Some((width, height))
    }

    /// The shape of a pixel, at the beginning of the usability information: table E-1.
    fn pixel(&mut self) -> Option<(u32, u32)> {
        const SHAPES: [(u32, u32); 16] = [
            (1, 1),
            (12, 11),
            (10, 11),
            (16, 11),
            (40, 33),
            (24, 11),
            (20, 11),
            (32, 11),
            (80, 33),
            (18, 11),
            (15, 11),
            (64, 33),
            (160, 99),
            (4, 3),
            (3, 2),
            (2, 1),
        ];
        const OWN: u32 = 255;
        if !(self.flag()? && self.flag()?) {
            return None;
        }
        let shape = match self.take(8)? {
            OWN => (self.take(16)?, self.take(16)?),
            number => *SHAPES.get(usize::try_from(number).ok()?.checked_sub(1)?)?,
        };
        (shape.0 > 0 && shape.1 > 0).then_some(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes bits.
    #[derive(Default)]
    struct Writer(Vec<bool>);

    impl Writer {
        fn bits(mut self, count: u32, number: u32) -> Self {
            self.0.extend((0..count).rev().map(|bit| number >> bit & 1 == 1));
            self
        }

        fn exp(self, number: u32) -> Self {
            let length = (number + 1).ilog2();
            self.bits(length, 0).bits(length + 1, number + 1)
        }

        fn bytes(&self) -> Vec<u8> {
            self.0
                .chunks(8)
                .map(|bits| {
                    bits.iter()
                        .enumerate()
                        .fold(0, |byte, (i, &bit)| byte | u8::from(bit) << (7 - i))
                })
                .collect()
        }
    }

    fn avc_record(set: &[u8]) -> Vec<u8> {
        let length = u16::try_from(set.len() + 1).unwrap();
        [&[1, 66, 0, 30, 0xff, 0xe1][..], &length.to_be_bytes(), &[0x67], set].concat()
    }

    /// A baseline set of so many macroblocks, cropped by so many pairs of pixels at the right.
    fn baseline(columns: u32, rows: u32, crop: u32) -> Writer {
        let set = Writer::default().bits(8, 66).bits(16, 30).exp(0).exp(0).exp(2).exp(1).bits(1, 0);
        let set = set.exp(columns - 1).exp(rows - 1).bits(1, 1).bits(1, 0);
        if crop == 0 { set.bits(1, 0) } else { set.bits(1, 1).exp(0).exp(crop).exp(0).exp(0) }
    }

    #[test]
    fn macroblocks_and_cropping_make_the_size() {
        for (columns, rows, crop, size) in [(23, 40, 5, (358, 640)), (45, 36, 0, (720, 576))] {
            let record = avc_record(&baseline(columns, rows, crop).bits(1, 0).bytes());
            assert_eq!(of_avc_record(&record), Some(Coded { size, pixel: None }));
        }
    }

    #[test]
    fn the_shape_of_pixels_is_told_by_number_or_by_itself() {
        let shapes = [
            (Writer::default().bits(8, 6), Some((24, 11))),
            (Writer::default().bits(8, 1), None),
            (Writer::default().bits(8, 255).bits(16, 64).bits(16, 45), Some((64, 45))),
        ];
        for (shape, expected) in shapes {
            let mut set = baseline(22, 30, 0).bits(2, 3);
            set.0.extend(&shape.0);
            assert_eq!(of_avc_record(&avc_record(&set.bytes())).unwrap().pixel, expected);
        }
    }

    #[test]
    fn the_lists_of_a_high_profile_are_passed_over() {
        let set =
            Writer::default().bits(8, 100).bits(16, 30).exp(0).exp(1).exp(0).exp(0).bits(1, 0);
        // One list of sixteen that ends at once, seven that are left out.
        let mut set = set.bits(1, 1).bits(1, 1).exp(16).bits(7, 0);
        set = set
            .exp(0)
            .exp(0)
            .exp(0)
            .exp(1)
            .bits(1, 0)
            .exp(44)
            .exp(35)
            .bits(1, 1)
            .bits(2, 0)
            .bits(1, 0);
        let coded = of_avc_record(&avc_record(&set.bytes())).unwrap();
        assert_eq!(coded.size, (720, 576));
    }

    #[test]
    fn an_hevc_set_is_found_among_others_and_cropped() {
        let set = Writer::default().bits(4, 0).bits(3, 1).bits(1, 1);
        let set = (0..12).fold(set, |set, _| set.bits(8, 0x55));
        let set = set.bits(1, 1).bits(1, 1).bits(14, 0);
        let set = (0..12).fold(set, |set, _| set.bits(8, 0x55));
        let set = set.exp(0).exp(1).exp(368).exp(640).bits(1, 1).exp(0).exp(4).exp(0).exp(0);
        let unit = [&[0x42, 1][..], &set.bytes()].concat();
        let length = u16::try_from(unit.len()).unwrap();
        let other = [32, 0, 1, 0, 2, 9, 9];
        let record =
            [&[0; 22][..], &[2], &other, &[33, 0, 1], &length.to_be_bytes(), &unit].concat();
        assert_eq!(of_hevc_record(&record).unwrap().size, (360, 640));
    }

    #[test]
    fn a_byte_that_breaks_a_start_code_is_no_data() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 0, 0, 3]);
        assert_eq!(bits.take(32), Some(0x0000_0100));
        assert_eq!(bits.take(8), Some(0));
        assert_eq!(bits.flag(), None);
    }

    #[test]
    fn whatever_is_cut_off_says_nothing() {
        let whole = avc_record(&baseline(23, 40, 5).bytes());
        for length in 0..whole.len() - 1 {
            assert_eq!(of_avc_record(&whole[..length]), None, "{length}");
        }
        assert_eq!(of_hevc_record(&[0xff; 40]), None);
        assert_eq!(of_avc_record(&[0; 64]), None);
    }
}
