//! `text_splitter` cuts texts into chunks at paragraphs and sentences.

use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::datamate::{Chunks, ORIGIN};

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<TextSplitter>(
    "text_splitter",
    "Cuts the text into chunks, at empty lines, lines and sentences where it can.",
)
.aliases(&["TextSplitter", "Segmentation"])
.details("The text is cut before empty lines, then, where a part is still too long, before line feeds; blank parts go. Parts are then joined as long as they fit into a chunk, each chunk beginning with as many whole parts of the one before as fit into the overlap. A part that is longer than a chunk is cut behind `，。？！；,?!;` and joined the same way; what is still too long is cut at the length, with the overlap. English prose, whose sentences end with points, is thus cut within words. White space at both ends of a chunk goes, so that a chunk may be empty.\n\nAs `Segmentation`, DataMate's operator of that name, it makes one sample of each chunk; the original writes them to files. That keeps five chunks picked at random unless told otherwise; this keeps all unless `sliceNum` is given, and then takes them evenly from the whole text.")
.origin(ORIGIN)
.examples(&[
    Example {
        about: "joins what fits",
        params: r#"{"chunk_size": 12, "chunk_overlap": 0}"#,
        input: &[r#"{"text": "one\n\ntwo\n\nthree four"}"#],
        output: &[r#"{"text": "one\n\ntwo"}"#, r#"{"text": "three four"}"#],
    },
    Example {
        about: "cuts sentences, with overlap",
        params: r#"{"chunk_size": 8, "chunk_overlap": 4}"#,
        input: &[r#"{"text": "一二三。四五六。七八九。"}"#],
        output: &[
            r#"{"text": "一二三。四五六。"}"#,
            r#"{"text": "四五六。七八九。"}"#,
        ],
    },
]);

/// Parameters of `text_splitter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Only so many characters of the text are taken; all if not positive.
    #[serde(alias = "maxCharacters")]
    max_characters: i64,
    /// The longest chunk, in characters.
    #[serde(alias = "chunkSize")]
    chunk_size: NonZeroUsize,
    /// How many characters a chunk repeats of the one before it, at most; less
    /// than `chunk_size`.
    #[serde(alias = "chunkOverlap")]
    chunk_overlap: usize,
    /// How many chunks to keep, taken evenly from the text; all if null.
    #[serde(alias = "sliceNum")]
    slice_num: Option<NonZeroUsize>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_characters: -1,
            chunk_size: NonZeroUsize::new(800).unwrap_or(NonZeroUsize::MIN),
            chunk_overlap: 100,
            slice_num: None,
        }
    }
}

pub(crate) struct TextSplitter {
    max_characters: Option<usize>,
    chunks: Chunks,
    n_kept: Option<usize>,
}

impl Configured for TextSplitter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let chunks = Chunks::new("chunk_overlap", params.chunk_size, params.chunk_overlap)?;
        Ok(Self {
            max_characters: usize::try_from(params.max_characters)
                .ok()
                .filter(|max| *max > 0),
            chunks,
            n_kept: params.slice_num.map(NonZeroUsize::get),
        })
    }
}

impl TextSlicer for TextSplitter {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        let text: &str = text;
        let end = self
            .max_characters
            .and_then(|max| text.char_indices().nth(max));
        let text = end.map_or(text, |(end, _)| &text[..end]);
        let chunks = self.chunks.of(text);
        let n = chunks.len();
        let n_kept = self.n_kept.unwrap_or(n).min(n);
        pieces.extend((0..n_kept).map(|i| chunks[i * n / n_kept].clone()));
        Ok(())
    }
}
