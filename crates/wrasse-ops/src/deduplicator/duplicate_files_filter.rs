//! `duplicate_files_filter` removes texts that are similar to earlier ones.

use multiversion::multiversion;
use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::datamate::{ORIGIN, number};
use crate::minhash::{Permutations, shingle_hash};
use crate::unicode::strip;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<DuplicateFilesFilter>(
    "duplicate_files_filter",
    "Removes texts of whose phrases an earlier text has a given share or more.",
    OpKind::Deduplicator,
)
.aliases(&["DuplicateFilesFilter"])
.details(
    "A text is the set of what stands between punctuation and line ends. The similarity of two \
     texts is the share of 128 MinHash values in which they agree, which estimates that of the \
     phrases they have in common. A text is removed if one that stays is before it in the input \
     and at least as similar as the threshold. Values are those of the original, so that the same \
     texts stay, where that looks at them in this order: its workers race for it. An empty text \
     is like no other.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision needs 644 bytes of \
     memory for each sample that stays and compares each text with those that stay: half a minute \
     for 100,000 different texts, an hour for a million. For more, and for texts that are one long \
     phrase, there is `document_minhash_deduplicator`.",
)
.origin(ORIGIN)
.examples(&[Example {
    about: "two of three phrases are known",
    params: "{}",
    input: &[
        r#"{"text": "Low tide. The sand is wet. Gulls.", "id": 1}"#,
        r#"{"text": "High tide. The sand is gone.", "id": 2}"#,
        r#"{"text": "Low tide! The sand is wet, gulls.", "id": 3}"#,
    ],
    output: &[
        r#"{"text": "Low tide. The sand is wet. Gulls.", "id": 1}"#,
        r#"{"text": "High tide. The sand is gone.", "id": 2}"#,
    ],
}]);

/// Parameters of `duplicate_files_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The least similarity of texts that are duplicates, 0 to 1.
    #[serde(
        rename = "fileDuplicateThreshold",
        alias = "file_duplicate_threshold",
        deserialize_with = "number"
    )]
    threshold: f64,
    /// DataMate's name of the task. It has no effect: a run compares its own
    /// texts.
    #[serde(rename = "uuid")]
    _uuid: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            _uuid: None,
        }
    }
}

/// MinHash values of a text.
const N: usize = 128;

pub(crate) struct DuplicateFilesFilter {
    text_key: String,
    permutations: Permutations,
    /// The fewest values in which duplicates agree; more than there are if
    /// nothing is alike enough.
    n_equal: u32,
}

impl Configured for DuplicateFilesFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        if params.threshold.is_nan() {
            let message = "expected a number from 0 to 1";
            return Err(ParamError::new("fileDuplicateThreshold", message));
        }
        let is_enough = |n: &u32| f64::from(*n) / N as f64 >= params.threshold;
        Ok(Self {
            text_key: common.text_key.clone(),
            permutations: Permutations::seeded(N, 1),
            n_equal: (0..=N as u32).find(is_enough).unwrap_or(u32::MAX),
        })
    }
}

/// What a text is cut at.
const PUNCTUATION: &str = "。.？?！!，,；;：:（）()【】{}[]“”\"‘’'/\n";

impl Exchange for DuplicateFilesFilter {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let text = sample.text(&self.text_key)?;
        if text.is_empty() {
            return Ok(());
        }
        let phrases = strip(text).split(|c| PUNCTUATION.contains(c));
        let mut hashes: Vec<u32> = phrases.map(|phrase| shingle_hash(strip(phrase))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let signature = self.permutations.signature(&hashes);
        key.extend(signature.iter().flat_map(|value| value.to_le_bytes()));
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let mut first: Vec<u32> = (0..keys.len()).collect();
        // Most pairs are told apart by the low bytes of their values.
        let (mut low, mut kept, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        keys.scan(&mut |i, key| {
            let (values, _) = key.as_chunks::<4>();
            let Some(values) = values.first_chunk::<N>() else {
                return;
            };
            let values = values.map(u32::from_le_bytes);
            let bytes: [u8; N] = values.map(|value| value as u8);
            let is_same = |at: usize| n_equal(&kept[at], &values) >= self.n_equal;
            match first_near(&low, &bytes, self.n_equal, &is_same) {
                Some(at) => first[i as usize] = numbers[at],
                None => {
                    low.push(bytes);
                    kept.push(values);
                    numbers.push(i);
                }
            }
        })?;
        Ok(Decision::Same(first))
    }
}

fn n_equal(a: &[u32; N], b: &[u32; N]) -> u32 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as u32
}

/// The first of `all` that agrees with `one` in `least` bytes or more and
/// `is_same`.
#[multiversion(targets("x86_64+avx2", "aarch64+neon"))]
fn first_near(
    all: &[[u8; N]],
    one: &[u8; N],
    least: u32,
    is_same: &dyn Fn(usize) -> bool,
) -> Option<usize> {
    all.iter().enumerate().position(|(at, other)| {
        // Bytes of which none overflows: 128 equal ones in 32 sums of 4.
        let mut sums = [0_u8; 32];
        for (a, b) in one.as_chunks::<32>().0.iter().zip(other.as_chunks::<32>().0) {
            for i in 0..32 {
                sums[i] += u8::from(a[i] == b[i]);
            }
        }
        let n: u32 = sums.iter().map(|sum| u32::from(*sum)).sum();
        n >= least && is_same(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrasse_op::KeyList;

    fn op(threshold: f64) -> DuplicateFilesFilter {
        let params = Params {
            threshold,
            ..Params::default()
        };
        DuplicateFilesFilter::new(params, &Common::default()).unwrap()
    }

    fn key_of(values: &[u32; N]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn signatures_are_those_of_the_original() {
        // datasketch's `MinHash().permutations`.
        let line = r#"{"text": " 你好，世界。Hello, world! "}"#;
        let mut sample = Sample::from_json(line.into(), wrasse_core::Origin::default()).unwrap();
        let mut key = Vec::new();
        op(0.5).key(&mut sample, &mut key).unwrap();
        let values: Vec<u32> = key.as_chunks::<4>().0.iter().map(|v| u32::from_le_bytes(*v)).collect();
        assert_eq!(values[..4], [289880831, 216833891, 359816889, 342714745]);
    }

    #[test]
    fn what_is_removed_does_not_remove_others() {
        let a = [7; N];
        let (mut b, mut c) = (a, a);
        b[..64].fill(8);
        // Agrees with b in 96 values and with a in 32; its low bytes with all
        // of b's.
        c[..96].fill(8);
        c[64..96].fill(8 + 256);
        let keys = KeyList(vec![key_of(&a), key_of(&b), key_of(&c), Vec::new(), Vec::new()]);
        let decided = |threshold| match op(threshold).decide(&keys, 0).unwrap() {
            Decision::Same(first) => first,
            _ => panic!("a deduplicator decides what is the same"),
        };
        assert_eq!(decided(0.5), [0, 0, 2, 3, 4]);
        assert_eq!(decided(0.51), [0, 1, 1, 3, 4]);
        assert_eq!(decided(0.25), [0, 0, 0, 3, 4]);
        assert_eq!(decided(0.76), [0, 1, 2, 3, 4]);
        assert_eq!(decided(1.1), [0, 1, 2, 3, 4]);
    }
}
