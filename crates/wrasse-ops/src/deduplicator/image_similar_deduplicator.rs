//! `image_similar_deduplicator` removes images that look like earlier ones.

use multiversion::multiversion;
use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample,
};

use crate::imaging::{fields, load, perceptual_hash};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<ImageSimilarDeduplicator>(
    "image_similar_deduplicator",
    "Removes samples whose image looks like that of an earlier sample.",
    OpKind::Deduplicator,
)
.details(concat!(
    "An image is scaled to 8 x 8 grays; its hash has one bit for each of their 64 frequencies (the sign of \
     the coefficient of a cosine transform). The similarity of two images is the share of equal \
     bits, rounded to hundredths. An image is removed if one that stays is before it in the input \
     and at least as similar as the threshold.\n\n\
     The original compares ORB features too: its similarity is the larger of the two if that is \
     0.75 or more, and the smaller otherwise. Here the hash decides alone, so that with thresholds \
     of 0.75 and more some images stay that the original finds by their features, such as turned \
     ones, and with lower thresholds more images are removed. Coefficients that are 0 but for \
     rounding count as 0, so that flat images are equal.\n\n\
     All samples are seen before one goes on; they wait on disk. The decision needs 28 bytes of \
     memory a sample and compares each hash with those that stay: 1 second for 100,000 different \
     images, 2 minutes for a million.\n\n",
    fields!()
))
.aliases(&["ImgSimilarImagesCleaner"])
.origin("DataMate")
.examples(&[Example {
    about: "an edge, the same edge in other grays, and spots",
    params: "{}",
    input: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAMCAQwNDgAAA=", "fileType": "bmp", "id": 1}"#,
        r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAMDAwsLCwAAA=", "fileType": "bmp", "id": 2}"#,
        r#"{"data": "Qk1aAAAAAAAAADYAAAAoAAAAAwAAAAMAAAABABgAAAAAACQAAAAAAAAAAAAAAAAAAAAAAAAAIPAgEBBA8PDwAAAAAAAAAP//kDAwAAAA/wD/AKAA////AAAA", "fileType": "bmp", "id": 3}"#],
    output: &[r#"{"data": "Qk0+AAAAAAAAADYAAAAoAAAAAgAAAAEAAAABABgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAMCAQwNDgAAA=", "fileType": "bmp", "id": 1}"#,
        r#"{"data": "Qk1aAAAAAAAAADYAAAAoAAAAAwAAAAMAAAABABgAAAAAACQAAAAAAAAAAAAAAAAAAAAAAAAAIPAgEBBA8PDwAAAAAAAAAP//kDAwAAAA/wD/AKAA////AAAA", "fileType": "bmp", "id": 3}"#],
}]);

/// Parameters of `image_similar_deduplicator`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(non_snake_case, reason = "DataMate's names")]
pub(crate) struct Params {
    /// The least similarity of images that are duplicates, 0 to 1.
    similarThreshold: f64,
    /// DataMate's name of the task. It has no effect: a run compares its own
    /// images.
    #[serde(rename = "uuid")]
    _uuid: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            similarThreshold: 0.8,
            _uuid: None,
        }
    }
}

pub(crate) struct ImageSimilarDeduplicator {
    /// The most bits in which duplicates differ; none if nothing is alike enough.
    distance: Option<u32>,
}

impl Configured for ImageSimilarDeduplicator {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let threshold = params.similarThreshold;
        if threshold.is_nan() {
            return Err(ParamError::new(
                "similarThreshold",
                "expected a number from 0 to 1",
            ));
        }
        Ok(Self {
            distance: (0..=64).rev().find(|bits| similarity(*bits) >= threshold),
        })
    }
}

impl Exchange for ImageSimilarDeduplicator {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let hash = perceptual_hash(&load(sample)?);
        key.extend_from_slice(&hash.to_le_bytes());
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, _: usize) -> Result<Decision, OpError> {
        let mut hashes = Vec::with_capacity(keys.len() as usize);
        keys.scan(&mut |_, key| {
            let (number, _) = key.as_chunks::<8>();
            hashes.push(u64::from_le_bytes(number[0]));
        })?;
        let mut first: Vec<u32> = (0..keys.len()).collect();
        let Some(distance) = self.distance else {
            return Ok(Decision::Same(first));
        };
        // Two lists, so that the search goes through hashes alone.
        let (mut kept, mut numbers) = (Vec::new(), Vec::new());
        for (i, hash) in hashes.into_iter().enumerate() {
            match first_near(&kept, hash, distance) {
                Some(at) => first[i] = numbers[at],
                None => {
                    kept.push(hash);
                    numbers.push(i as u32);
                }
            }
        }
        Ok(Decision::Same(first))
    }
}

/// The first of `hashes` that differs from `hash` in at most `distance` bits.
#[multiversion(targets("x86_64+avx2+popcnt", "aarch64+neon"))]
fn first_near(hashes: &[u64], hash: u64, distance: u32) -> Option<usize> {
    // A loop that cannot end early takes many hashes at once: five times as
    // fast as one that asks of each whether it is the one.
    const AT_ONCE: usize = 64;
    for (n, some) in hashes.chunks(AT_ONCE).enumerate() {
        let bits = |other: &u64| (hash ^ other).count_ones();
        let least = some
            .iter()
            .fold(u32::MAX, |least, other| least.min(bits(other)));
        if least <= distance {
            let near = some.iter().position(|other| bits(other) <= distance);
            return near.map(|at| n * AT_ONCE + at);
        }
    }
    None
}

/// The similarity of hashes that differ in so many bits, to hundredths as
/// Python's `round` has them.
fn similarity(bits: u32) -> f64 {
    ((1.0 - f64::from(bits) / 64.0) * 100.0).round_ties_even() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrasse_op::KeyList;

    fn decided(threshold: f64, hashes: &[u64]) -> Vec<u32> {
        let params = Params {
            similarThreshold: threshold,
            ..Params::default()
        };
        let op = ImageSimilarDeduplicator::new(params, &Common::default()).unwrap();
        let keys = KeyList(
            hashes
                .iter()
                .map(|hash| hash.to_le_bytes().into())
                .collect(),
        );
        match op.decide(&keys, 0).unwrap() {
            Decision::Same(first) => first,
            _ => panic!("a deduplicator decides what is the same"),
        }
    }

    #[test]
    fn what_is_removed_does_not_remove_others() {
        // 13 of 64 bits are a similarity of 0.80, 14 of 0.78.
        let (a, b, c) = (0, (1 << 13) - 1, (1 << 14) - 1);
        assert_eq!(decided(0.8, &[a, b, c]), [0, 0, 2]);
        assert_eq!(decided(0.78, &[a, b, c]), [0, 0, 0]);
        assert_eq!(decided(1.0, &[a, b, a]), [0, 1, 0]);
        assert_eq!(decided(1.1, &[a, a]), [0, 1]);
        assert_eq!(decided(0.0, &[a, !a]), [0, 0]);
    }

    #[test]
    fn the_first_that_is_near_is_found_wherever_it_is() {
        let mut hashes = vec![!0; 200];
        assert_eq!(first_near(&hashes, 0, 13), None);
        for at in [199, 130, 128, 127, 64, 63, 1, 0] {
            hashes[at] = (1 << 13) - 1;
            assert_eq!(first_near(&hashes, 0, 13), Some(at));
            assert_eq!(first_near(&hashes, 0, 12), None);
        }
    }

    #[test]
    fn similarities_are_rounded_as_in_python() {
        // round(1 - bits / 64, 2)
        let want = [
            (0, 1.0),
            (8, 0.88),
            (13, 0.8),
            (14, 0.78),
            (24, 0.62),
            (40, 0.38),
            (64, 0.0),
        ];
        for (bits, want) in want {
            assert_eq!(similarity(bits), want, "{bits}");
        }
    }
}
