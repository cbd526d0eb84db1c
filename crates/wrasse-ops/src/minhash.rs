//! MinHash signatures, and how many bands and rows suit a similarity.
//!
//! The permutations, the hash of a shingle and the choice of bands are those of
//! Data-Juicer 1.6 (which has them from datasketch), bit for bit.

use multiversion::multiversion;
use rand_mt::Mt;
use sha1::{Digest as _, Sha1};

/// The modulus of the permutations, a Mersenne prime.
const PRIME: u64 = (1 << 61) - 1;

/// Permutations that are applied side by side.
const LANES: usize = 16;

/// Permutations `x -> (a x + b) mod PRIME` of 32-bit hashes, where the product
/// and sum wrap around at 64 bits.
pub(crate) struct Permutations {
    n: usize,
    /// Padded to whole lanes.
    a: Vec<u64>,
    b: Vec<u64>,
}

impl Permutations {
    /// The first `n` permutations that NumPy's `RandomState(42)` draws.
    pub(crate) fn new(n: usize) -> Self {
        Self::seeded(n, 42)
    }

    /// The first `n` permutations that NumPy's `RandomState(seed)` draws.
    pub(crate) fn seeded(n: usize, seed: u32) -> Self {
        let mut random = Mt::new(seed);
        let padded = n.next_multiple_of(LANES);
        let (mut a, mut b) = (vec![0; padded], vec![0; padded]);
        for i in 0..n {
            a[i] = 1 + below(&mut random, PRIME - 2);
            b[i] = below(&mut random, PRIME - 1);
        }
        Self { n, a, b }
    }

    /// The least value that each permutation has on the hashes; all ones for no
    /// hash at all.
    pub(crate) fn signature(&self, hashes: &[u32]) -> Vec<u32> {
        let mut least = vec![u32::MAX; self.a.len()];
        for ((a, b), least) in self
            .a
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(self.b.as_chunks::<LANES>().0)
            .zip(least.as_chunks_mut::<LANES>().0)
        {
            lanes(hashes, a, b, least);
        }
        least.truncate(self.n);
        least
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn lanes(hashes: &[u32], a: &[u64; LANES], b: &[u64; LANES], least: &mut [u32; LANES]) {
    // Results are below 2^32: kept wide, so that no lane has to move.
    let mut wide = [u64::from(u32::MAX); LANES];
    for hash in hashes {
        let hash = u64::from(*hash);
        for i in 0..LANES {
            let x = hash.wrapping_mul(a[i]).wrapping_add(b[i]);
            let folded = (x & PRIME) + (x >> 61);
            let reduced = folded - if folded >= PRIME { PRIME } else { 0 };
            wide[i] = wide[i].min(reduced & 0xFFFF_FFFF);
        }
    }
    for i in 0..LANES {
        least[i] = wide[i] as u32;
    }
}

/// A number from 0 to `most`, as NumPy's legacy generator draws one: masked, and
/// drawn again while it is larger.
fn below(random: &mut Mt, most: u64) -> u64 {
    loop {
        let high = u64::from(random.next_u32()) << 32;
        let drawn = (high | u64::from(random.next_u32())) & PRIME;
        if drawn <= most {
            return drawn;
        }
    }
}

/// The hash of a shingle: the first four bytes of its SHA-1.
pub(crate) fn shingle_hash(shingle: &str) -> u32 {
    let digest = Sha1::digest(shingle.as_bytes());
    u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Bands and rows for which the sum of false positives and false negatives at
/// `threshold` is least.
pub(crate) fn bands_and_rows(threshold: f64, n_permutations: usize) -> (usize, usize) {
    let (mut best, mut least) = ((0, 0), f64::INFINITY);
    for bands in 1..=n_permutations {
        for rows in 1..=n_permutations / bands {
            let found = |s: f64| 1.0 - (1.0 - s.powi(rows as i32)).powi(bands as i32);
            let error = integral(&found, 0.0, threshold) * 0.5
                + integral(&|s| 1.0 - found(s), threshold, 1.0) * 0.5;
            if error < least {
                (best, least) = ((bands, rows), error);
            }
        }
    }
    best
}

/// The integral of a smooth function: Simpson's rule, fine enough that the
/// errors of two choices that differ are told apart.
fn integral(function: &dyn Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    const PARTS: usize = 256;
    let width = (to - from) / PARTS as f64;
    let at = |i: usize| function(from + width * i as f64);
    let inner: f64 = (1..PARTS)
        .map(|i| at(i) * if i % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (at(0) + inner + at(PARTS)) * width / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_those_of_the_original() {
        let ours = Permutations::new(3);
        assert_eq!(ours.a[..2], [2297359619001564596, 1973689801170867272]);
        assert_eq!(ours.b[..2], [1396682528897996046, 1819927849474927636]);
    }

    #[test]
    fn bands_are_those_of_the_original() {
        // Computed with SciPy, as the original does, for 16, 64, 128 and 256
        // permutations.
        for (threshold, want) in [
            (0.0, [(16, 1), (64, 1), (128, 1), (256, 1)]),
            (0.05, [(16, 1), (32, 1), (32, 1), (32, 1)]),
            (0.1, [(15, 1), (15, 1), (64, 2), (117, 2)]),
            (0.15, [(9, 1), (32, 2), (51, 2), (51, 2)]),
            (0.2, [(7, 1), (28, 2), (28, 2), (85, 3)]),
            (0.25, [(8, 2), (18, 2), (42, 3), (64, 3)]),
            (0.3, [(8, 2), (21, 3), (37, 3), (64, 4)]),
            (0.35, [(8, 2), (21, 3), (32, 4), (61, 4)]),
            (0.4, [(6, 2), (16, 4), (32, 4), (51, 5)]),
            (0.45, [(5, 3), (16, 4), (25, 5), (47, 5)]),
            (0.5, [(5, 3), (14, 4), (25, 5), (42, 6)]),
            (0.55, [(5, 3), (12, 5), (21, 6), (36, 7)]),
            (0.6, [(4, 4), (10, 6), (18, 7), (32, 8)]),
            (0.65, [(4, 4), (9, 7), (16, 8), (28, 9)]),
            (0.7, [(3, 5), (8, 8), (14, 9), (25, 10)]),
            (0.75, [(2, 6), (7, 9), (11, 11), (21, 12)]),
            (0.8, [(2, 8), (5, 11), (9, 13), (17, 15)]),
            (0.85, [(2, 8), (4, 15), (8, 16), (13, 19)]),
            (0.9, [(1, 15), (3, 21), (5, 25), (9, 28)]),
            (0.95, [(1, 16), (2, 32), (3, 42), (5, 51)]),
            (1.0, [(1, 16), (1, 64), (1, 128), (1, 256)]),
        ] {
            let got = [16, 64, 128, 256].map(|n| bands_and_rows(threshold, n));
            assert_eq!(got, want, "{threshold}");
        }
    }

    #[test]
    fn a_signature_holds_the_least_of_each_permutation() {
        let permutations = Permutations::new(20);
        let hashes = [7, 123_456_789, u32::MAX];
        let want: Vec<u32> = (0..20)
            .map(|i| {
                let of = |hash: &u32| {
                    let x = u64::from(*hash).wrapping_mul(permutations.a[i]);
                    (x.wrapping_add(permutations.b[i]) % PRIME) as u32
                };
                hashes.iter().map(of).min().unwrap()
            })
            .collect();
        assert_eq!(permutations.signature(&hashes), want);
        assert_eq!(permutations.signature(&[]), [u32::MAX; 20]);
    }
}
