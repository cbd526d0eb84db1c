//! `document_minhash_deduplicator_with_uid` removes near duplicates and keeps
//! the ones with the least numbers.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample, Spread,
};

use super::document_minhash_deduplicator::{DocumentMinhashDeduplicator, Params};
use crate::clusters::join_pairs;

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<DocumentMinhashDeduplicatorWithUid>(
    "document_minhash_deduplicator_with_uid",
    "Removes near duplicates; of each cluster the sample with the least `__dj__uid` stays.",
    OpKind::Deduplicator,
)
.details(
    "As `document_minhash_deduplicator`, but for which sample of a cluster stays. Every sample \
     has a whole number of its own in the field `__dj__uid`; one without is rejected. To add \
     documents to a set that is clean already, give them larger numbers than those of the set and \
     run over both: the set stays as it is.\n\n\
     The decision needs 12 bytes more of memory a sample than that of \
     `document_minhash_deduplicator`.",
)
.origin("Data-Juicer 1.6")
.aliases(&["ray_bts_minhash_deduplicator_with_uid"])
.examples(&[Example {
    about: "the later one has the lower number",
    params: r#"{"window_size": 2, "jaccard_threshold": 0.5}"#,
    input: &[
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone bridge", "__dj__uid": 20}"#,
        r#"{"text": "a text about something else that has no words of the other two", "__dj__uid": 30}"#,
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone house", "__dj__uid": 10}"#,
    ],
    output: &[
        r#"{"text": "a text about something else that has no words of the other two", "__dj__uid": 30}"#,
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone house", "__dj__uid": 10}"#,
    ],
}]);

pub(crate) struct DocumentMinhashDeduplicatorWithUid(DocumentMinhashDeduplicator);

impl Configured for DocumentMinhashDeduplicatorWithUid {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        DocumentMinhashDeduplicator::new(params, common).map(Self)
    }
}

/// The field that holds the number.
const UID: &str = "__dj__uid";

const UID_BYTES: usize = size_of::<i64>();

impl Exchange for DocumentMinhashDeduplicatorWithUid {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let uid = sample.value(UID)?.and_then(|value| value.as_i64());
        let uid = uid.ok_or_else(|| {
            OpError::bad_sample(format!("the field `{UID}` is missing or no whole number"))
        })?;
        key.extend_from_slice(&uid.to_le_bytes());
        self.0.key(sample, key)
    }

    fn decide(&self, keys: &dyn Keys, memory: usize) -> Result<Decision, OpError> {
        let kept = self.0.first_of_each(&Bands(keys), memory)?;
        with_least_uids(kept, keys)
    }

    fn spread(&self) -> Option<&dyn Spread> {
        self.0.spread().map(|_| self as &dyn Spread)
    }
}

impl Spread for DocumentMinhashDeduplicatorWithUid {
    fn cut(&self, key: &[u8], n_shards: u32, put: &mut dyn FnMut(u32, &[u8]), rest: &mut Vec<u8>) {
        let (uid, bands) = key.split_at(UID_BYTES.min(key.len()));
        rest.extend_from_slice(uid);
        self.0.cut(bands, n_shards, put, &mut Vec::new());
    }

    fn weigh(
        &self,
        pieces: &dyn Keys,
        memory: usize,
        evidence: &mut Vec<u8>,
    ) -> Result<(), OpError> {
        self.0.weigh(pieces, memory, evidence)
    }

    fn join(&self, rests: &dyn Keys, evidence: &[Vec<u8>]) -> Result<Decision, OpError> {
        with_least_uids(join_pairs(rests.len(), evidence)?, rests)
    }
}

/// Of each cluster, by its first sample, the one with the least number stays.
/// Keys begin with the numbers.
fn with_least_uids(mut kept: Vec<u32>, keys: &dyn Keys) -> Result<Decision, OpError> {
    let mut uids = Vec::with_capacity(kept.len());
    keys.scan(&mut |_, key| {
        let uid = key.first_chunk::<UID_BYTES>();
        uids.push(uid.map_or(0, |uid| i64::from_le_bytes(*uid)));
    })?;
    let mut least: Vec<u32> = (0..keys.len()).collect();
    for (i, first) in (0..).zip(&kept) {
        let best = &mut least[*first as usize];
        if uids[i as usize] < uids[*best as usize] {
            *best = i;
        }
    }
    for sample in &mut kept {
        *sample = least[*sample as usize];
    }
    Ok(Decision::Same(kept))
}

/// The keys without the numbers before them.
struct Bands<'a>(&'a dyn Keys);

impl Keys for Bands<'_> {
    fn len(&self) -> u32 {
        self.0.len()
    }

    fn bytes(&self) -> u64 {
        self.0.bytes() - u64::from(self.len()) * UID_BYTES as u64
    }

    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
        self.0.scan(&mut |i, key| each(i, &key[UID_BYTES.min(key.len())..]))
    }
}
