//! `document_minhash_deduplicator` removes near duplicates, found by MinHash and
//! locality-sensitive hashing.

use wrasse_op::{
    Common, Configured, Decision, Example, Exchange, Keys, OpError, OpKind, OpSpec, ParamError,
    Sample, Spread,
};

use crate::clusters::{
    COLUMNS_MAX, Clusters, cut_columns, join_pairs, pairs_in_some_column, same_in_some_column,
};
use crate::minhash::{Permutations, bands_and_rows, shingle_hash};
use crate::shingles::{Shingles, Tokenization};

pub(crate) const SPEC: OpSpec = OpSpec::exchange::<DocumentMinhashDeduplicator>(
    "document_minhash_deduplicator",
    "Removes near duplicates: texts whose sets of shingles are similar, by MinHash.",
    OpKind::Deduplicator,
)
.details(
    "A shingle is a run of `window_size` words or characters. Of the shingles of a text \
     `num_permutations` MinHash values are taken, and of these `num_bands` bands of \
     `num_rows_per_band` values. Texts that agree in a whole band are duplicates, duplicates of \
     duplicates too, and the first of each such cluster in input order stays. If bands or rows \
     are not given, those are taken for which the errors at `jaccard_threshold` are least (25 \
     bands of 10 rows for 0.7 and 256 permutations).\n\n\
     Texts shorter than the window have no shingles: they are all equal to each other, as in the \
     original.\n\n\
     All samples are seen before one goes on. They wait on disk, and the bands, as 64-bit hashes, \
     beside them: 8 bytes for each band of a sample. The decision needs 20 MB of memory for a \
     million samples, and more where `--memory` allows for fewer scans. Hashes and permutations \
     are the original's, so that the same samples stay.",
)
.origin("Data-Juicer 1.6")
.aliases(&["ray_bts_minhash_deduplicator"])
.examples(&[Example {
    about: "one word of a text differs",
    params: r#"{"window_size": 2, "jaccard_threshold": 0.5}"#,
    input: &[
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone bridge", "id": 1}"#,
        r#"{"text": "a text about something else that has no words of the other two", "id": 2}"#,
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone house", "id": 3}"#,
    ],
    output: &[
        r#"{"text": "the quick brown fox jumps over the lazy dog near the old stone bridge", "id": 1}"#,
        r#"{"text": "a text about something else that has no words of the other two", "id": 2}"#,
    ],
}]);

/// Parameters of `document_minhash_deduplicator`.
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
    /// MinHash values of a text, 1 or more.
    num_permutations: usize,
    /// The Jaccard similarity, from 0 to 1, above which texts count as
    /// duplicates.
    jaccard_threshold: f64,
    /// Bands; chosen by `jaccard_threshold` if absent.
    num_bands: Option<usize>,
    /// MinHash values in a band; chosen by `jaccard_threshold` if absent.
    num_rows_per_band: Option<usize>,
    /// The model of the tokenization `sentencepiece`. Not supported yet.
    tokenizer_model: Option<String>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "union_find_parallel_num")]
    _union_find_parallel_num: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "union_threshold")]
    _union_threshold: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "max_pending_edge_buffer_task")]
    _max_pending_edge_buffer_task: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "num_edge_buffer_task_returns")]
    _num_edge_buffer_task_returns: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "max_pending_filter_tasks")]
    _max_pending_filter_tasks: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "num_filter_task_returns")]
    _num_filter_task_returns: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "merge_batch_size")]
    _merge_batch_size: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "minhash_batch_size")]
    _minhash_batch_size: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "memory_per_sample")]
    _memory_per_sample: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "actor_memory")]
    _actor_memory: Option<serde_json::Value>,
    /// How `ray_bts_minhash_deduplicator` goes about it; no effect.
    #[serde(rename = "task_memory")]
    _task_memory: Option<serde_json::Value>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tokenization: Tokenization::Space,
            window_size: 5,
            lowercase: true,
            ignore_pattern: None,
            num_permutations: 256,
            jaccard_threshold: 0.7,
            num_bands: None,
            num_rows_per_band: None,
            tokenizer_model: None,
            _union_find_parallel_num: None,
            _union_threshold: None,
            _max_pending_edge_buffer_task: None,
            _num_edge_buffer_task_returns: None,
            _max_pending_filter_tasks: None,
            _num_filter_task_returns: None,
            _merge_batch_size: None,
            _minhash_batch_size: None,
            _memory_per_sample: None,
            _actor_memory: None,
            _task_memory: None,
        }
    }
}

pub(crate) struct DocumentMinhashDeduplicator {
    text_key: String,
    shingles: Shingles,
    permutations: Permutations,
    n_bands: usize,
    n_rows: usize,
}

impl Configured for DocumentMinhashDeduplicator {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let n = params.num_permutations;
        if n == 0 {
            return Err(ParamError::new("num_permutations", "expected 1 or more"));
        }
        if !(0.0..=1.0).contains(&params.jaccard_threshold) {
            let message = format!("expected 0 to 1, found {}", params.jaccard_threshold);
            return Err(ParamError::new("jaccard_threshold", message));
        }
        let (n_bands, n_rows) = match (params.num_bands, params.num_rows_per_band) {
            (Some(bands), Some(rows)) => (bands, rows),
            _ => bands_and_rows(params.jaccard_threshold, n),
        };
        if n_bands == 0 || n_rows == 0 {
            let message = "expected 1 or more bands of 1 or more rows";
            return Err(ParamError::new("num_bands", message));
        }
        if n_bands.saturating_mul(n_rows) > n {
            return Err(ParamError::new(
                "num_bands",
                format!("{n_bands} bands of {n_rows} rows need more than {n} permutations"),
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
            permutations: Permutations::new(n),
            n_bands,
            n_rows,
        })
    }
}

impl Exchange for DocumentMinhashDeduplicator {
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError> {
        let text = sample.text(&self.text_key)?;
        let mut hashes = Vec::with_capacity(text.len() / 4);
        self.shingles
            .for_each(text, |shingle| hashes.push(shingle_hash(shingle)))?;
        let signature = self.permutations.signature(&hashes);
        for band in signature.chunks_exact(self.n_rows).take(self.n_bands) {
            let bytes: Vec<u8> = band.iter().flat_map(|value| value.to_le_bytes()).collect();
            key.extend_from_slice(&md5::compute(bytes).0[..8]);
        }
        Ok(())
    }

    fn decide(&self, keys: &dyn Keys, memory: usize) -> Result<Decision, OpError> {
        self.first_of_each(keys, memory).map(Decision::Same)
    }

    fn spread(&self) -> Option<&dyn Spread> {
        (self.n_bands <= COLUMNS_MAX).then_some(self)
    }
}

impl Spread for DocumentMinhashDeduplicator {
    fn cut(&self, key: &[u8], n_shards: u32, put: &mut dyn FnMut(u32, &[u8]), _: &mut Vec<u8>) {
        cut_columns(key, self.n_bands, n_shards, put);
    }

    fn weigh(
        &self,
        pieces: &dyn Keys,
        memory: usize,
        evidence: &mut Vec<u8>,
    ) -> Result<(), OpError> {
        pairs_in_some_column(pieces, memory, evidence)
    }

    fn join(&self, rests: &dyn Keys, evidence: &[Vec<u8>]) -> Result<Decision, OpError> {
        join_pairs(rests.len(), evidence).map(Decision::Same)
    }
}

impl DocumentMinhashDeduplicator {
    /// For each sample the first of its cluster.
    pub(super) fn first_of_each(
        &self,
        keys: &dyn Keys,
        memory: usize,
    ) -> Result<Vec<u32>, OpError> {
        let mut clusters = Clusters::new(keys.len());
        same_in_some_column(keys, self.n_bands, memory, &mut clusters)?;
        Ok(clusters.first_of_each())
    }
}
