//! `knowledge_relation_slice` makes pairs of chunks that are about the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::num::NonZeroUsize;

use serde_json::Value;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::datamate::{Chunks, ORIGIN};
use crate::segment::tokens;
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
    let documents = documents(chunks);
    let mut left: Vec<usize> = (0..chunks.len()).collect();
    let mut slices = Vec::new();
    while !left.is_empty() {
        let one = left.remove(0);
        let mut slice = chunks[one].clone();
        if !left.is_empty() {
            let other = left.remove(most_like(&documents[one], &left, &documents));
            slice.push_str(&chunks[other]);
        }
        slices.push(slice);
    }
    slices
}

/// The tokens of a chunk, each a number.
struct Document {
    tokens: Vec<usize>,
    /// Each token once, in the order in which they first occur, with how often.
    counts: Vec<(usize, usize)>,
    count_of: HashMap<usize, usize>,
}

fn documents(chunks: &[String]) -> Vec<Document> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut documents = Vec::new();
    for chunk in chunks {
        let mut of = Document {
            tokens: Vec::new(),
            counts: Vec::new(),
            count_of: HashMap::new(),
        };
        tokens(chunk, |token| {
            let next = numbers.len();
            let number = *numbers.entry(token).or_insert(next);
            of.tokens.push(number);
            *of.count_of.entry(number).or_insert_with(|| {
                of.counts.push((number, 0));
                0
            }) += 1;
        });
        for (token, n) in &mut of.counts {
            *n = of.count_of[token];
        }
        documents.push(of);
    }
    documents
}

/// Which of the documents `left`, by its position there, has the highest BM25
/// score for the tokens of `query`.
///
/// Sums are added up in the order of the original, so that they are the same.
fn most_like(query: &Document, left: &[usize], documents: &[Document]) -> usize {
    const K1: f64 = 1.5;
    const B: f64 = 0.75;
    /// What a token that most documents have weighs, of the average.
    const EPSILON: f64 = 0.25;
    let corpus = || left.iter().map(|at| &documents[*at]);
    let mut in_order = Vec::new();
    let mut n_with: HashMap<usize, usize> = HashMap::new();
    for (token, _) in corpus().flat_map(|document| &document.counts) {
        *n_with.entry(*token).or_insert_with(|| {
            in_order.push(*token);
            0
        }) += 1;
    }
    let n = left.len() as f64;
    let weight = |token: &usize| {
        let n_with = n_with[token] as f64;
        (n - n_with + 0.5).ln() - (n_with + 0.5).ln()
    };
    let sum: f64 = in_order.iter().map(weight).fold(0.0, |sum, one| sum + one);
    let least = EPSILON * (sum / in_order.len() as f64);
    let n_tokens: usize = corpus().map(|document| document.tokens.len()).sum();
    let average = n_tokens as f64 / n;
    let score = |document: &Document| {
        let length = document.tokens.len() as f64;
        let of_token = |token: &usize| {
            let count = *document.count_of.get(token)? as f64;
            let weight = Some(weight(token)).filter(|weight| *weight >= 0.0);
            let weight = weight.unwrap_or(least);
            Some(weight * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / average)))
        };
        let scores = query.tokens.iter().filter_map(of_token);
        scores.fold(0.0, |sum, one| sum + one)
    };
    let (mut best, mut highest) = (0, f64::NEG_INFINITY);
    for (at, document) in corpus().enumerate() {
        let score = score(document);
        if score > highest {
            (best, highest) = (at, score);
        }
    }
    best
}
