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

/// The places of such bytes in a text, one after the other.
pub(crate) struct Hits<'f, 't> {
    first: &'f FirstBytes,
    bytes: &'t [u8],
    /// Where the block begins whose bits these are.
    block: usize,
    bits: u64,
}

impl<'f, 't> Hits<'f, 't> {
    /// Before the first of them.
    pub(crate) fn new(first: &'f FirstBytes, bytes: &'t [u8]) -> Self {
        let (block, bits) = next_bits(bytes, 0, &first.ranges);
        Self {
            first,
            bytes,
            block,
            bits,
        }
    }

    /// The next of them at or after `from`, which never goes back.
    #[inline]
    pub(crate) fn next_from(&mut self, from: usize) -> Option<usize> {
        self.bits &= match from.saturating_sub(self.block) {
            passed @ 0..64 => u64::MAX << passed,
            _ => 0,
        };
        loop {
            while self.bits == 0 {
                let next = from.max(self.block + u64::BITS as usize);
                if next >= self.bytes.len() {
                    return None;
                }
                (self.block, self.bits) = next_bits(self.bytes, next, &self.first.ranges);
            }
            let at = self.block + self.bits.trailing_zeros() as usize;
            if self.first.is_first[usize::from(self.bytes[at])] {
                return Some(at);
            }
            self.bits &= self.bits - 1;
        }
    }
}

/// Calls a function with as many ranges as there are: a number that the compiler
/// knows keeps them in registers.
macro_rules! of_length {
    ($search:ident, $bytes:expr, $at:expr, $ranges:expr) => {
        match *$ranges {
            [a] => $search($bytes, $at, &[a]),
            [a, b] => $search($bytes, $at, &[a, b]),
            [a, b, c] => $search($bytes, $at, &[a, b, c]),
            [a, b, c, d] => $search($bytes, $at, &[a, b, c, d]),
            [a, b, c, d, e] => $search($bytes, $at, &[a, b, c, d, e]),
            [a, b, c, d, e, f] => $search($bytes, $at, &[a, b, c, d, e, f]),
            [a, b, c, d, e, f, g] => $search($bytes, $at, &[a, b, c, d, e, f, g]),
            [a, b, c, d, e, f, g, h] => $search($bytes, $at, &[a, b, c, d, e, f, g, h]),
            _ => $search($bytes, $at, $ranges),
        }
    };
}

/// The next block of 64 bytes with some in the ranges: where it begins, and a
/// bit for each byte of it that is. The last block may be shorter.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn next_bits(bytes: &[u8], at: usize, ranges: &[(u8, u8)]) -> (usize, u64) {
    of_length!(next_bits_all, bytes, at, ranges)
}

#[inline(always)]
fn next_bits_all<'r>(
    bytes: &[u8],
    mut at: usize,
    ranges: impl IntoIterator<Item = &'r (u8, u8)> + Copy,
) -> (usize, u64) {
    const N: usize = u64::BITS as usize;
    while let Some(block) = bytes[at..].first_chunk::<N>() {
        let is_in = is_in(block, ranges);
        if is_in.iter().fold(0, |some, is_in| some | is_in) != 0 {
            return (at, bits(&is_in));
        }
        at += N;
    }
    let rest = &bytes[at..];
    let mut block = [0; N];
    block[..rest.len()].copy_from_slice(rest);
    let bits = bits(&is_in(&block, ranges));
    (at, bits & ((1 << rest.len()) - 1))
}

/// A bit for each byte, which is 0 or 1.
///
/// Not inlined: vectors of products, which the compiler would make of it where
/// there are such, are slower.
#[inline(never)]
fn bits(bytes: &[u8; 64]) -> u64 {
    let eights = bytes.as_chunks::<8>().0.iter().enumerate();
    // The product has the lowest bits of eight bytes side by side at its end.
    eights.fold(0, |bits, (i, eight)| {
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | gathered << (8 * i)
    })
}

/// Passes over whole blocks without bytes in the ranges.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn pass_over(bytes: &[u8], at: usize, ranges: &[(u8, u8)]) -> usize {
    of_length!(pass_over_all, bytes, at, ranges)
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
    is_in(block, ranges)
        .iter()
        .fold(0, |some, is_in| some | is_in)
        == 0
}

/// Of each byte, whether it is in the ranges; 1 if so.
#[inline(always)]
fn is_in<'r, const N: usize>(
    block: &[u8; N],
    ranges: impl IntoIterator<Item = &'r (u8, u8)>,
) -> [u8; N] {
    let mut is_in = [0_u8; N];
    for (first, more) in ranges {
        for (is_in, byte) in is_in.iter_mut().zip(block) {
            *is_in |= u8::from(byte.wrapping_sub(*first) <= *more);
        }
    }
    is_in
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
        let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * i % 251) as u8 & 0x7f).collect();
        let first = FirstBytes::of(['\t', '0', '1', 'é']);
        for n in (0..200).chain([1000]) {
            let bytes = &bytes[..n];
            let want = |from: usize| (from..n).find(|at| matches!(bytes[*at], 9 | 48 | 49));
            for step in [1, 7, 64, 150] {
                let mut hits = Hits::new(&first, bytes);
                for from in (0..n + 100).step_by(step) {
                    assert_eq!(hits.next_from(from), want(from), "{n} {from}");
                }
            }
        }
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 0), 4);
        assert_eq!(FirstBytes::of(['x']).find(b"aaaaxa", 5), 6);
    }
}
