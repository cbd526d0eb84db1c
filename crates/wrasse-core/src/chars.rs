//! Counting characters.

use multiversion::multiversion;

/// Bytes that are looked at side by side.
const BLOCK: usize = 64;

/// Number of Unicode scalar values of a text (Python's `len`).
///
/// As fast as memory gives the text; `str::chars` counts with what every
/// processor has.
pub fn n_chars(text: &str) -> usize {
    match text.len() {
        ..BLOCK => text.chars().count(),
        _ => n_firsts(text.as_bytes()),
    }
}

/// Counts the bytes that begin a character.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn n_firsts(bytes: &[u8]) -> usize {
    let is_first = |byte: u8| u8::from(byte.cast_signed() >= -0x40);
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut n: usize = rest.iter().map(|byte| usize::from(is_first(*byte))).sum();
    // So many blocks that no sum of bytes overflows.
    for blocks in blocks.chunks(255) {
        let mut sums = [0_u8; BLOCK];
        for block in blocks {
            for (sum, byte) in sums.iter_mut().zip(block) {
                *sum += is_first(*byte);
            }
        }
        n += sums.iter().map(|sum| usize::from(*sum)).sum::<usize>();
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_the_standard_library_does() {
        let text = "aé数🙂\n".repeat(5000);
        for n in [
            0,
            1,
            63,
            64,
            65,
            128,
            1000,
            64 * 255,
            64 * 256 + 7,
            text.len(),
        ] {
            let (mut from, mut to) = (7, n);
            while !text.is_char_boundary(from) {
                from += 1;
            }
            while !text.is_char_boundary(to) {
                to += 1;
            }
            for text in [&text[..to], &text[from.min(to)..to]] {
                assert_eq!(n_chars(text), text.chars().count(), "{}", text.len());
            }
        }
    }
}
