//! `segmentation` cuts a text into chunks at paragraphs, lines and sentences.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer,
};

use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<Segmentation>(
    "segmentation",
    "Cuts texts into chunks of bounded length that overlap, at paragraphs, lines and sentences.",
)
.details(
    "A text is cut at empty lines, what is still too long at line ends, and what is still too long \
     at punctuation; then pieces are joined again up to `chunkSize` characters, each chunk \
     beginning with as many whole pieces of the one before as `chunkOverlap` allows. A sentence \
     that is too long itself is cut anywhere.\n\n\
     Each chunk becomes a sample. (The original writes `sliceNum` of them, 5 by default, drawn at \
     random, into files of their own; here that many are taken at equal distances, and all of \
     them by default.)",
)
.origin("DataMate")
.aliases(&["Segmentation", "TextSplitter"])
.examples(&[Example {
    about: "lines are joined up to the length",
    params: r#"{"chunkSize": 12, "chunkOverlap": 4}"#,
    input: &[r#"{"text": "one\ntwo\nthree\nfour"}"#],
    output: &[r#"{"text": "one\ntwo"}"#, r#"{"text": "two\nthree"}"#, r#"{"text": "four"}"#],
}]);

/// Parameters of `segmentation`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Only so many characters of a text are cut, and the rest goes; all if
    /// 0 or less.
    #[serde(rename = "maxCharacters", alias = "max_characters")]
    max_characters: i64,
    /// Characters in a chunk, at the most.
    #[serde(rename = "chunkSize", alias = "chunk_size")]
    chunk_size: usize,
    /// Characters that a chunk may share with the one before; fewer than
    /// `chunkSize`.
    #[serde(rename = "chunkOverlap", alias = "chunk_overlap")]
    chunk_overlap: usize,
    /// Only so many chunks of a text; all if null.
    #[serde(rename = "sliceNum", alias = "slice_num")]
    slice_num: Option<usize>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_characters: -1,
            chunk_size: 800,
            chunk_overlap: 100,
            slice_num: None,
        }
    }
}

pub(crate) struct Segmentation(Params);

impl Configured for Segmentation {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.chunk_size <= params.chunk_overlap {
            return Err(ParamError::new(
                "chunkOverlap",
                format!(
                    "expected less than chunkSize ({}), found {}",
                    params.chunk_size, params.chunk_overlap
                ),
            ));
        }
        Ok(Self(params))
    }
}

impl TextSlicer for Segmentation {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        let mut text = text.as_str();
        if let Ok(most @ 1..) = usize::try_from(self.0.max_characters) {
            text = &text[..char_at(text, most)];
        }
        let cut = self.cut(text, &["\n\n", "\n"]);
        let mut chunks = Vec::new();
        for chunk in self.join(cut) {
            if length(&chunk) <= self.0.chunk_size {
                chunks.push(chunk);
                continue;
            }
            for chunk in self.join(sentences(&chunk)) {
                self.hack(&chunk, &mut chunks);
            }
        }
        chunks.retain(|chunk| !chunk.is_empty());
        let n = self.0.slice_num.unwrap_or(chunks.len()).min(chunks.len());
        let chunks = (0..n).map(|i| unicode::strip(&chunks[i * chunks.len() / n]).to_owned());
        pieces.extend(chunks);
        Ok(())
    }
}

impl Segmentation {
    /// Cuts a text before each of the first separator that it has, and what is
    /// too long by the next ones.
    fn cut(&self, text: &str, separators: &[&str]) -> Vec<String> {
        let inner = unicode::strip(text);
        let Some(at) = separators.iter().position(|one| inner.contains(one)) else {
            return vec![text.to_owned()];
        };
        let (separator, next) = (separators[at], &separators[at + 1..]);
        let mut parts = text.split(separator);
        let first = parts.next().unwrap_or_default();
        let rest = parts.map(|part| format!("{separator}{part}"));
        let mut out = Vec::new();
        for chunk in std::iter::once(first.to_owned()).chain(rest) {
            let inner = unicode::strip(&chunk);
            if inner.is_empty() {
                continue;
            }
            if length(inner) > self.0.chunk_size && !next.is_empty() {
                out.extend(self.cut(&chunk, next));
            } else {
                out.push(chunk);
            }
        }
        out
    }

    /// Joins pieces as far as they fit, with what overlaps before them.
    fn join(&self, pieces: Vec<String>) -> Vec<String> {
        let size = self.0.chunk_size;
        let lengths: Vec<usize> = pieces.iter().map(|piece| length(piece)).collect();
        let mut out = Vec::new();
        let mut at = 0;
        while at < pieces.len() {
            if lengths[at] >= size {
                out.push(pieces[at].clone());
                at += 1;
                continue;
            }
            let (mut first, mut overlap) = (at, 0);
            while first > 0
                && overlap + lengths[first - 1] <= self.0.chunk_overlap
                && lengths[at] + overlap + lengths[first - 1] <= size
            {
                first -= 1;
                overlap += lengths[first];
            }
            let (mut end, mut total) = (at + 1, lengths[at] + overlap);
            while end < pieces.len() && total + lengths[end] <= size {
                total += lengths[end];
                end += 1;
            }
            out.push(pieces[first..end].concat());
            at = end;
        }
        out
    }

    /// Cuts what is too long anywhere.
    fn hack(&self, chunk: &str, out: &mut Vec<String>) {
        let (size, step) = (self.0.chunk_size, self.0.chunk_size - self.0.chunk_overlap);
        let mut rest = chunk;
        let mut left = length(chunk);
        while left > size {
            out.push(rest[..char_at(rest, size)].to_owned());
            rest = &rest[char_at(rest, step)..];
            left -= step;
        }
        out.push(rest.to_owned());
    }
}

/// The sentences of a text, each with the punctuation behind it.
fn sentences(text: &str) -> Vec<String> {
    text.split_inclusive(['，', '。', '？', '！', '；', ',', '?', '!', ';'])
        .map(str::to_owned)
        .collect()
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Where character number `n` begins.
fn char_at(text: &str, n: usize) -> usize {
    text.char_indices().nth(n).map_or(text.len(), |(at, _)| at)
}
