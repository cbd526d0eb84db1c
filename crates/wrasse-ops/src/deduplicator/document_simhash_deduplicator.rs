//! `document_simhash_deduplicator` removes near duplicates, found by SimHash.

use multiversion::multiversion;
use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::clusters::Clusters;
use crate::digest::Md5s;
use crate::shingles::{Shingles, Tokenization};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<DocumentSimhashDeduplicator>(
    "document_simhash_deduplicator",
    "Removes near duplicates: texts whose SimHash values differ in few bits.",
    OpKind::Deduplicator,
)
.details(
    "The SimHash of a text has 64 bits, each the majority of that bit in the MD5 hashes of its \
     shingles (runs of `window_size` words or characters, as often as they occur). Texts whose \
     values differ in at most `hamming_distance` bits are duplicates, duplicates of duplicates \
     too, and the first of each such cluster in input order stays.\n\n\
     Texts shorter than the window have no shingles: they are all equal to each other, as in the \
     original.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision needs 28 bytes of \
     memory a sample.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "the same words and one more at the end",
    params: r#"{"window_size": 1}"#,
    input: &[
        r#"{"text": "alpha beta gamma delta epsilon zeta eta theta", "id": 1}"#,
        r#"{"text": "one two three four five six seven eight", "id": 2}"#,
        r#"{"text": "ALPHA beta gamma delta epsilon zeta eta theta", "id": 3}"#,
    ],
    output: &[
        r#"{"text": "alpha beta gamma delta epsilon zeta eta theta", "id": 1}"#,
        r#"{"text": "one two three four five six seven eight", "id": 2}"#,
    ],
}]);

/// Parameters of `document_simhash_deduplicator`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// What shingles are made of: `space` (words), `punctuation` (what stands
    /// between punctuation) or `character`.
    tokenization: Tokenization,
    /// Words or characters in a shingle, 1 or more.
    window_size: usize,
    /// Ignore case.
    lowercase: bool,
    /// What matches this pattern (in the syntax of Python's `regex`) is left
    /// out before shingles are made.
    ignore_pattern: Option<String>,
    /// Blocks of bits by which similar values are looked up, more than
    /// `hamming_distance` and up to 64. It changes the time, not the result.
    num_blocks: u32,
    /// Bits in which duplicates may differ, 1 or more.
    hamming_distance: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tokenization: Tokenization::Space,
            window_size: 6,
            lowercase: true,
            ignore_pattern: None,
            num_blocks: 6,
            hamming_distance: 4,
        }
    }
}

pub(crate) struct DocumentSimhashDeduplicator {
    text_key: String,
    shingles: Shingles,
    n_blocks: u32,
    distance: u32,
}

impl Configured for DocumentSimhashDeduplicator {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let (n_blocks, distance) = (params.num_blocks, params.hamming_distance);
        if distance == 0 || distance >= n_blocks || n_blocks > 64 {
            return Err(ParamError::new(
                "hamming_distance",
                format!(
                    "expected 1 <= hamming_distance < num_blocks <= 64, found {distance} and \
                     {n_blocks}"
                ),
            ));
        }
        Ok(Self {
            text_key: common.text_key.clone(),
            shingles: Shingles::new(
                params.tokenization,
                params.window_size,
                params.lowercase,
                params.ignore_pattern.as_deref(),
            )?,
            n_blocks,
            distance,
        })
    }
}

impl Exchange for DocumentSimhashDeduplicator {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let text = sample.text(&self.text_key)?;
        let (mut n_hashes, mut counts) = (0_u32, [0_u32; 64]);
        let mut md5s = Md5s::new(|digest| {
            let (hash, _) = digest.as_chunks::<8>();
            n_hashes += 1;
            count_bits(u64::from_be_bytes(hash[0]), &mut counts);
        });
        self.shingles
            .for_each(text, |shingle| md5s.push(shingle.as_bytes()))?;
        md5s.finish();
        // A bit is set if more hashes have it than have it not.
        let bits = counts.iter().enumerate();
        let is_set = |count: u32| u64::from(count) * 2 > u64::from(n_hashes);
        let simhash = bits.fold(0, |hash, (bit, count)| hash | u64::from(is_set(*count)) << bit);
        key.extend_from_slice(&simhash.to_le_bytes());
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let mut hashes: Vec<(u64, u32)> = Vec::with_capacity(keys.len() as usize);
        keys.scan(&mut |i, key| {
            let (number, _) = key.as_chunks::<8>();
            hashes.push((u64::from_le_bytes(number[0]), i));
        })?;
        let mut clusters = Clusters::new(keys.len());
        hashes.sort_unstable();
        // Equal values, of which one each goes on.
        hashes.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                clusters.join(later.1, first.1);
            }
            same
        });
        for mask in masks(self.n_blocks, self.n_blocks - self.distance) {
            hashes.sort_unstable_by_key(|(hash, _)| hash & mask);
            for same in hashes.chunk_by(|(a, _), (b, _)| a & mask == b & mask) {
                for (i, (hash, at)) in same.iter().enumerate() {
                    for (other, other_at) in &same[i + 1..] {
                        if (hash ^ other).count_ones() <= self.distance {
                            clusters.join(*at, *other_at);
                        }
                    }
                }
            }
        }
        Ok(Decision::Same(clusters.first_of_each()))
    }
}

/// Counts the bits that are set, by their places.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn count_bits(hash: u64, counts: &mut [u32; 64]) {
    for (byte, counts) in hash.to_le_bytes().into_iter().zip(counts.as_chunks_mut::<8>().0) {
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += u32::from(byte) >> bit & 1;
        }
    }
}

/// Values that differ in at most `n_blocks - n_equal` bits agree in at least
/// `n_equal` of `n_blocks` blocks of bits: a mask for each choice of them.
fn masks(n_blocks: u32, n_equal: u32) -> Vec<u64> {
    let block = |i: u32| {
        let (from, to) = (i * 64 / n_blocks, (i + 1) * 64 / n_blocks);
        let below = |bit: u32| if bit == 64 { u64::MAX } else { (1 << bit) - 1 };
        below(to) & !below(from)
    };
    let mut masks = vec![(0, 0)];
    for _ in 0..n_equal {
        masks = masks
            .into_iter()
            .flat_map(|(mask, next)| (next..n_blocks).map(move |i| (mask | block(i), i + 1)))
            .collect();
    }
    masks.into_iter().map(|(mask, _)| mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_all_choices_of_blocks() {
        assert_eq!(masks(6, 2).len(), 15);
        assert!(masks(6, 2).iter().all(|mask| mask.count_ones() >= 20));
        assert_eq!(masks(4, 4), [u64::MAX]);
        assert_eq!(masks(64, 1).len(), 64);
    }
}
