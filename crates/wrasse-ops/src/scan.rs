//! Finding the bytes at which a mapper may have something to do.

use multiversion::multiversion;

/// The bytes at which some character that a mapper looks for may begin.
///
/// Most texts have few of them, so that most of a text is passed over in
/// blocks.
pub(crate) struct FirstBytes {
    is_first: [bool; 256],
    /// The same, or more, as ranges: the least byte of each, and how many more
    /// it has.
    ranges: Vec<(u8, u8)>,
}

const BLOCK: usize = 32;

/// So many bytes are looked at one by one before blocks are: where there are
/// many hits that is faster.
const NEAR: usize = 8;

impl FirstBytes {
    /// The first bytes of these characters in UTF-8.
    pub(crate) fn of(chars: impl IntoIterator<Item = char>) -> Self {
        let mut is_first = [false; 256];
        for c in chars {
            is_first[usize::from(c.encode_utf8(&mut [0; 4]).as_bytes()[0])] = true;
        }
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in (0..=u8::MAX).filter(|byte| is_first[usize::from(*byte)]) {
            match ranges.last_mut() {
                // Control characters hardly occur: fewer ranges are faster.
                Some((first, more))
                    if (*first + *more + 1..byte).all(|byte| matches!(byte, 0..9 | 0xe..0x20)) =>
                {
                    *more = byte - *first;
                }
                _ => ranges.push((byte, 0)),
            }
        }
        Self { is_first, ranges }
    }

    /// The first such byte at or after `from`; the length of `bytes` if none.
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> usize {
        let is_first = |byte: &u8| self.is_first[usize::from(*byte)];
        let near = (from + NEAR).min(bytes.len());
        if let Some(found) = bytes[from..near].iter().position(is_first) {
            return from + found;
        }
        let mut at = near;
        while at < bytes.len() {
            at = pass_over(bytes, at, &self.ranges);
            let end = (at + BLOCK).min(bytes.len());
            if let Some(found) = bytes[at..end].iter().position(is_first) {
                return at + found;
            }
            at = end;
        }
        at
    }
}

/// Passes over whole blocks without bytes in the ranges.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub(crate) fn pass_over(bytes: &[u8], at: usize, ranges: &[(u8, u8)]) -> usize {
    // A number that the compiler knows keeps the ranges in registers.
    macro_rules! of_length {
        ($($n:literal),*) => {
            match ranges.len() {
                $($n => match ranges.first_chunk::<$n>() {
                    Some(ranges) => pass_over_all(bytes, at, ranges),
                    None => at,
                },)*
                _ => pass_over_all(bytes, at, ranges),
            }
        };
    }
    of_length!(1, 2, 3, 4, 5, 6, 7, 8)
}

#[inline(always)]
fn pass_over_all<'r>(
    bytes: &[u8],
    mut at: usize,
    ranges: impl IntoIterator<Item = &'r (u8, u8)> + Copy,
) -> usize {
    // Large steps first: the end of each is a branch.
    while is_step::<{ 4 * BLOCK }>(bytes, at, ranges) {
        at += 4 * BLOCK;
    }
    while is_step::<BLOCK>(bytes, at, ranges) {
        at += BLOCK;
    }
    at
}

/// Whether the next `N` bytes are there and none is in the ranges.
#[inline(always)]
fn is_step<'r, const N: usize>(
    bytes: &[u8],
    at: usize,
    ranges: impl IntoIterator<Item = &'r (u8, u8)>,
) -> bool {
    let Some(block) = bytes[at..].first_chunk::<N>() else {
        return false;
    };
    // Compiles to vector code, unlike a search with an early end.
    let mut is_in = [0_u8; N];
    for (first, more) in ranges {
        for (is_in, byte) in is_in.iter_mut().zip(block) {
            *is_in |= u8::from(byte.wrapping_sub(*first) <= *more);
        }
    }
    is_in.iter().fold(0, |some, is_in| some | is_in) == 0
}

/// The first byte at or after `from` that `is_wanted`. The next few are looked
/// at in turn and the rest left to `search`, which is fast over long stretches
/// but slow to start.
#[inline]
pub(crate) fn find_byte(
    bytes: &[u8],
    from: usize,
    is_wanted: impl Fn(u8) -> bool,
    search: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    let near = bytes.len().min(from + 8);
    let found = bytes[from..near].iter().position(|byte| is_wanted(*byte));
    match found {
        Some(length) => Some(from + length),
        None => search(&bytes[near..]).map(|length| near + length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_passed_over() {
        let first = FirstBytes::of(['\t', '，', 'é']);
        for n in 0..100 {
            for c in ["\t", "，", "é"] {
                let text = "a".repeat(n) + c + "\t";
                assert_eq!(first.find(text.as_bytes(), 0), n, "{text:?}");
            }
            let text = "ア".repeat(n);
            assert_eq!(first.find(text.as_bytes(), 0), text.len());
        }
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 0), 4);
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 5), 6);
    }
}
