//! `knowledge_relation_slice` makes pairs of chunks that are about the same.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use serde_json::Value;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::bm25::pairs;
use crate::datamate::{Chunks, ORIGIN};
use crate::unicode::is_blank;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<KnowledgeRelationSlice>(
    "knowledge_relation_slice",
    "Cuts the text into chunks and joins each with the one that is most like it, as a JSON list.",
)
.aliases(&["KnowledgeRelationSlice"])
.details("The text becomes a JSON list of objects with one field, `slice_data`. Chunks are those of `text_splitter`. Of every 50 of them, the first is joined with whichever of the others has the highest BM25 score (k1 1.5, b 0.75, over jieba's tokens, among the chunks that are left; of equals the first), then the next that is left, and so on; the last may stay alone. Two chunks stay as they are. A text without chunks becomes `[]`. Where none of the chunks that are left has a token, the original fails and this takes the first.")
.origin(ORIGIN)
.examples(&[Example {
    about: "joins what is alike",
    params: r#"{"chunk_size": 10, "overlap_size": 2}"#,
    input: &[r#"{"text": "机器学习是人工智能。\n\n今天天气很好。\n\n学习机器人。\n\n好天气。"}"#],
    output: &[
        r#"{"text": "[{\"slice_data\": \"机器学习是人工智能。学习机器人。\"}, {\"slice_data\": \"今天天气很好。好天气。\"}]"}"#,
    ],
}]);

/// Parameters of `knowledge_relation_slice`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The longest chunk, in characters.
    #[serde(alias = "chunkSize")]
    chunk_size: NonZeroUsize,
    /// How many characters a chunk repeats of the one before it, at most; less
    /// than `chunk_size`.
    #[serde(alias = "overlapSize")]
    overlap_size: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            chunk_size: NonZeroUsize::new(500).unwrap_or(NonZeroUsize::MIN),
            overlap_size: 100,
        }
    }
}

/// So many chunks are compared with each other.
const WINDOW: usize = 50;

pub(crate) struct KnowledgeRelationSlice {
    chunks: Chunks,
}

impl Configured for KnowledgeRelationSlice {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let chunks = Chunks::new("overlap_size", params.chunk_size, params.overlap_size)?;
        Ok(Self { chunks })
    }
}

impl TextMapper for KnowledgeRelationSlice {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let chunks = match is_blank(text) {
            true => Vec::new(),
            false => self.chunks.of(text),
        };
        let slices: Vec<String> = chunks
            .chunks(WINDOW)
            .flat_map(related)
            .map(|slice| format!("{{\"slice_data\": {}}}", Value::String(slice)))
            .collect();
        Ok(Cow::Owned(format!("[{}]", slices.join(", "))))
    }
}

/// The chunks, each joined with the one that is most like it.
fn related(chunks: &[String]) -> Vec<String> {
    if chunks.len() < 3 {
        return chunks.to_vec();
    }
    let joined = |(one, other): (usize, Option<usize>)| match other {
        Some(other) => [&*chunks[one], &*chunks[other]].concat(),
        None => chunks[one].clone(),
    };
    pairs(chunks).into_iter().map(joined).collect()
}
