//! The smallest PNG writer that does: one bit per pixel, not compressed
//! (<https://www.w3.org/TR/png-3/>).

/// The longest stored block of a deflate stream.
const BLOCK: usize = 65_535;

/// A square picture; `is_black` is asked for column and row.
pub(super) fn black_and_white(side: usize, is_black: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut rows = Vec::with_capacity(side * (side / 8 + 2));
    for y in 0..side {
        rows.push(0); // no filter
        for start in (0..side).step_by(8) {
            let bits = (start..start + 8).map(|x| u8::from(x >= side || !is_black(x, y)));
            rows.push(bits.fold(0, |byte, bit| byte << 1 | bit));
        }
    }
    let length = u32::try_from(side).unwrap_or(u32::MAX).to_be_bytes();
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&length);
    header.extend_from_slice(&length);
    header.extend_from_slice(&[1, 0, 0, 0, 0]); // 1 bit, grey, deflate, no filter, no interlace

    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &stored(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let from = png.len();
    png.extend_from_slice(&kind);
    png.extend_from_slice(data);
    let sum = crc32(&png[from..]);
    png.extend_from_slice(&sum.to_be_bytes());
}

/// A zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(BLOCK).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(data).to_be_bytes());
    stream
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 }
        })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn a_picture_has_its_parts_in_order_and_one_bit_per_pixel() {
        let png = black_and_white(9, |x, y| x == y);
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x09\x01\0"));
        assert!(png.ends_with(b"\0\0\0\0IEND\xAE\x42\x60\x82"));
        // After the zlib and block heads: a filter byte and two bytes of pixels per row.
        let data = png.windows(4).position(|window| window == b"IDAT").unwrap() + 4;
        let rows = &png[data + 7..];
        assert_eq!(rows[..6], [0, 0b0111_1111, 0xFF, 0, 0b1011_1111, 0xFF]);
        assert_eq!(rows[24..27], [0, 0b1111_1111, 0b0111_1111]);
    }

    #[test]
    fn long_data_takes_several_blocks() {
        let stream = stored(&vec![7; BLOCK + 1]);
        assert_eq!(stream.len(), 2 + 5 + BLOCK + 5 + 1 + 4);
        assert_eq!((stream[2], stream[2 + 5 + BLOCK]), (0, 1));
    }
}
