//! Finding the bytes at which a mapper may have something to do.

use multiversion::multiversion;

/// The bytes at which some character that a mapper looks for may begin.
///
/// Most texts have few of them, so that most of a text is passed over in
/// blocks.
pub(crate) struct FirstBytes {
    /// For each byte a bit for each of the first places at which it may be.
    places: Places,
    /// Those of the first place, or more, as ranges: the least byte of each, and
    /// how many more it has.
    ranges: Vec<(u8, u8)>,
    later: Option<Later>,
}

/// For each byte a bit for each place at which it may be: the lowest for the
/// first byte of what is looked for, and [`N_PLACES`] in all.
pub(crate) type Places = [u8; 256];

pub(crate) const N_PLACES: usize = 4;

/// A place that few bytes may be at, which is looked at with the first.
struct Later {
    offset: usize,
    ranges: [(u8, u8); 4],
}

/// A later place is worth a look if no more bytes than these may be there, bytes
/// within characters aside.
const LATER_MAX: usize = 64;

const BLOCK: usize = 32;

/// So many bytes are looked at one by one before blocks are: where there are
/// many hits that is faster.
const NEAR: usize = 8;

impl FirstBytes {
    /// The first bytes of these characters in UTF-8.
    pub(crate) fn of(chars: impl IntoIterator<Item = char>) -> Self {
        let mut places = [u8::MAX - 1; 256];
        for c in chars {
            places[usize::from(c.encode_utf8(&mut [0; 4]).as_bytes()[0])] = u8::MAX;
        }
        Self::of_places(places)
    }

    /// The first of bytes of which more are known.
    pub(crate) fn of_places(places: Places) -> Self {
        let at = |place: usize| {
            (0..=u8::MAX).filter(move |byte| places[usize::from(*byte)] >> place & 1 == 1)
        };
        let n_at = |place: usize| at(place).filter(|byte| !matches!(byte, 0x80..0xc0)).count();
        // Of those that are as good the last: it tells most of what follows.
        let last = (1..N_PLACES).rev().min_by_key(|place| n_at(*place));
        let later = last
            .filter(|place| n_at(*place) <= LATER_MAX)
            .map(|offset| {
                let mut ranges = ranges(at(offset), 4);
                // The same again is no other.
                ranges.resize(4, ranges.first().copied().unwrap_or_default());
                Later {
                    offset,
                    ranges: ranges.try_into().unwrap_or_default(),
                }
            });
        Self {
            places,
            ranges: ranges(at(0), usize::MAX),
            later,
        }
    }

    /// The next block of up to 64 bytes where it may begin: where the block is, and
    /// a bit for each such byte of it.
    fn next_bits(&self, bytes: &[u8], at: usize) -> (usize, u64) {
        match &self.later {
            None => next_bits(bytes, at, &self.ranges),
            Some(later) => next_bits_of_both(bytes, at, &self.ranges, later),
        }
    }

    /// Whether what is looked for may begin at a place of a text.
    #[inline]
    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        if self.later.is_none() {
            return self.is_first(bytes[at]);
        }
        let mut here = [0; N_PLACES];
        match bytes[at..].first_chunk() {
            Some(bytes) => here = *bytes,
            None => here[..bytes.len() - at].copy_from_slice(&bytes[at..]),
        }
        let places = here.iter().enumerate();
        let may_be = |(place, byte): (usize, &u8)| self.places[usize::from(*byte)] >> place;
        places.map(may_be).fold(1, |all, here| all & here) == 1
    }

    #[inline]
    fn is_first(&self, byte: u8) -> bool {
        self.places[usize::from(byte)] & 1 == 1
    }

    /// The first such byte at or after `from`; the length of `bytes` if none.
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> usize {
        let is_first = |byte: &u8| self.is_first(*byte);
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

/// Bytes in ascending order as at most so many ranges, which may have more.
fn ranges(bytes: impl Iterator<Item = u8>, n_max: usize) -> Vec<(u8, u8)> {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for byte in bytes {
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
    while ranges.len() > n_max {
        let gap = |i: &usize| ranges[i + 1].0 - (ranges[*i].0 + ranges[*i].1);
        let Some(least) = (0..ranges.len() - 1).min_by_key(gap) else {
            break;
        };
        let (first, more) = ranges.remove(least + 1);
        ranges[least].1 = first + more - ranges[least].0;
    }
    ranges
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
        let (block, bits) = first.next_bits(bytes, 0);
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
                (self.block, self.bits) = self.first.next_bits(self.bytes, next);
            }
            let at = self.block + self.bits.trailing_zeros() as usize;
            if self.first.may_begin(self.bytes, at) {
                return Some(at);
            }
            self.bits &= self.bits - 1;
        }
    }
}

/// Calls a function with as many ranges as there are: a number that the compiler
/// knows keeps them in registers.
macro_rules! of_length {
    ($search:ident, $ranges:expr, $($with:expr),*) => {
        match *$ranges {
            [a] => $search(&[a], $($with),*),
            [a, b] => $search(&[a, b], $($with),*),
            [a, b, c] => $search(&[a, b, c], $($with),*),
            [a, b, c, d] => $search(&[a, b, c, d], $($with),*),
            [a, b, c, d, e] => $search(&[a, b, c, d, e], $($with),*),
            [a, b, c, d, e, f] => $search(&[a, b, c, d, e, f], $($with),*),
            [a, b, c, d, e, f, g] => $search(&[a, b, c, d, e, f, g], $($with),*),
            [a, b, c, d, e, f, g, h] => $search(&[a, b, c, d, e, f, g, h], $($with),*),
            _ => $search($ranges, $($with),*),
        }
    };
}

/// The next block of 64 bytes with some in the ranges: where it begins, and a
/// bit for each byte of it that is. The last block may be shorter.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn next_bits(bytes: &[u8], at: usize, ranges: &[(u8, u8)]) -> (usize, u64) {
    of_length!(next_bits_all, ranges, bytes, at)
}

#[inline(always)]
fn next_bits_all<'r>(
    ranges: impl IntoIterator<Item = &'r (u8, u8)> + Copy,
    bytes: &[u8],
    mut at: usize,
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

/// The same of bytes behind which, at `later`, is one of its.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn next_bits_of_both(bytes: &[u8], at: usize, ranges: &[(u8, u8)], later: &Later) -> (usize, u64) {
    of_length!(next_bits_of_both_all, ranges, bytes, at, later)
}

#[inline(always)]
fn next_bits_of_both_all<'r>(
    ranges: impl IntoIterator<Item = &'r (u8, u8)> + Copy,
    bytes: &[u8],
    mut at: usize,
    later: &Later,
) -> (usize, u64) {
    const N: usize = u64::BITS as usize;
    let pair = |at: usize| {
        let behind = bytes.get(at + later.offset..)?.first_chunk::<N>()?;
        bytes[at..].first_chunk::<N>().zip(Some(behind))
    };
    while let Some((block, behind)) = pair(at) {
        let both = is_in_both(block, ranges, behind, later);
        if both.iter().fold(0, |some, both| some | both) != 0 {
            return (at, bits(&both));
        }
        at += N;
    }
    let padded = |from: usize| {
        let rest = &bytes[bytes.len().min(from)..];
        let mut block = [0; N];
        let n = rest.len().min(N);
        block[..n].copy_from_slice(&rest[..n]);
        block
    };
    let behind = padded(at + later.offset);
    let bits = bits(&is_in_both(&padded(at), ranges, &behind, later));
    match bytes.len() - at {
        n @ 0..N => (at, bits & ((1 << n) - 1)),
        _ => (at, bits),
    }
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
    of_length!(pass_over_all, ranges, bytes, at)
}

#[inline(always)]
fn pass_over_all<'r>(
    ranges: impl IntoIterator<Item = &'r (u8, u8)> + Copy,
    bytes: &[u8],
    mut at: usize,
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

/// Of each byte, whether it is in the ranges and the one behind it in those of a
/// later place; 1 if so.
#[inline(always)]
fn is_in_both<'r, const N: usize>(
    block: &[u8; N],
    ranges: impl IntoIterator<Item = &'r (u8, u8)>,
    behind: &[u8; N],
    later: &Later,
) -> [u8; N] {
    let mut both = is_in(block, ranges);
    for (both, behind) in both.iter_mut().zip(is_in(behind, &later.ranges)) {
        *both &= behind;
    }
    both
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

    #[test]
    fn later_bytes_are_looked_at_too() {
        let mut below = crate::dice::dice(7);
        for n in (0..140).chain([1000; 40]) {
            let bytes: Vec<u8> = (0..n).map(|_| b"0123ab\xe4\xe5\x80"[below(9)]).collect();
            // Few may be at one of the places, all at those behind it.
            let few = 1 + below(N_PLACES - 1);
            let mut places = [(u8::MAX << 1) & !(1 << few); 256];
            for byte in [b'0', b'1', 0xe4] {
                places[usize::from(byte)] |= 1;
            }
            for byte in [b'0', b'a', 0xe4, 0x80] {
                places[usize::from(byte)] |= 1 << few;
            }
            let first = FirstBytes::of_places(places);
            let is_one = |at: &usize| {
                matches!(bytes[*at], b'0' | b'1' | 0xe4)
                    && matches!(bytes.get(at + few), Some(b'0' | b'a' | 0xe4 | 0x80))
            };
            for step in [1, 7, 64, 150] {
                let mut hits = Hits::new(&first, &bytes);
                for from in (0..n + 100).step_by(step) {
                    let want = (from..n).find(is_one);
                    assert_eq!(hits.next_from(from), want, "{bytes:?} {few} {from}");
                }
            }
        }
    }
}
