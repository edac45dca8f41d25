//! Pixels into a PNG file: colour, eight bits a channel, no time and no text, so the same pixels are the same bytes.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
/// 144 dots an inch, in dots a metre: two dots for a CSS pixel.
const DOTS_PER_METRE: u32 = 5669;

/// Encodes rows of red, green and blue.
///
/// # Errors
/// When the image has a chunk too long for the format, or the encoder fails.
pub fn encode(pixels: &[u8], width: u32, height: u32) -> std::io::Result<Vec<u8>> {
    let mut file = SIGNATURE.to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let dots = DOTS_PER_METRE.to_be_bytes();
    chunk(&mut file, *b"IHDR", &header)?;
    chunk(&mut file, *b"sRGB", &[0])?;
    chunk(&mut file, *b"pHYs", &[&dots[..], &dots, &[1]].concat())?;
    chunk(&mut file, *b"IDAT", &deflated(pixels, usize::try_from(width).unwrap_or(usize::MAX).saturating_mul(3))?)?;
    chunk(&mut file, *b"IEND", &[])?;
    Ok(file)
}

/// Every row as its difference to the row above, which suits flat drawings.
fn deflated(pixels: &[u8], row_len: usize) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut above = vec![0; row_len];
    for row in pixels.chunks_exact(row_len.max(1)) {
        let differences: Vec<u8> = row.iter().zip(&above).map(|(now, above)| now.wrapping_sub(*above)).collect();
        encoder.write_all(&[2])?;
        encoder.write_all(&differences)?;
        above.copy_from_slice(row);
    }
    encoder.finish()
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(data.len()).map_err(std::io::Error::other)?;
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    file.extend(length.to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_starts_and_ends_as_the_format_asks() {
        let file = encode(&[255, 0, 0, 0, 0, 255], 1, 2).unwrap();
        assert_eq!(file.get(..8), Some(&SIGNATURE[..]));
        // The checksum of an empty IEND chunk is the same in every PNG file.
        assert!(file.ends_with(&[0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]));
    }
}
