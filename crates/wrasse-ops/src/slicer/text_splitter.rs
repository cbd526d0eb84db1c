//! `text_splitter` cuts texts into chunks at paragraphs and sentences.

use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::datamate::ORIGIN;
use crate::unicode::{is_blank, strip};

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
    size: usize,
    overlap: usize,
    n_kept: Option<usize>,
}

impl Configured for TextSplitter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let (size, overlap) = (params.chunk_size.get(), params.chunk_overlap);
        if overlap >= size {
            return Err(ParamError::new(
                "chunk_overlap",
                format!("expected less than `chunk_size` ({size}), found {overlap}"),
            ));
        }
        Ok(Self {
            max_characters: usize::try_from(params.max_characters)
                .ok()
                .filter(|max| *max > 0),
            size,
            overlap,
            n_kept: params.slice_num.map(NonZeroUsize::get),
        })
    }
}

/// A piece of the text and its length in characters.
#[derive(Clone, Copy)]
struct Part<'t> {
    text: &'t str,
    n_chars: usize,
}

impl<'t> Part<'t> {
    fn of(text: &'t str) -> Self {
        let n_chars = text.chars().count();
        Self { text, n_chars }
    }
}

impl TextSlicer for TextSplitter {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        let text: &str = text;
        let end = self
            .max_characters
            .and_then(|max| text.char_indices().nth(max));
        let text = end.map_or(text, |(end, _)| &text[..end]);
        let mut chunks = Vec::new();
        self.join(&self.paragraphs(text), |chunk, n_chars| {
            if n_chars <= self.size {
                chunks.push(chunk.to_owned());
            } else {
                self.join(&sentences(chunk), |chunk, n_chars| {
                    self.cut(chunk, n_chars, &mut chunks);
                });
            }
        });
        chunks.retain(|chunk| !chunk.is_empty());
        let n = chunks.len();
        let n_kept = self.n_kept.unwrap_or(n).min(n);
        pieces.extend((0..n_kept).map(|i| strip(&chunks[i * n / n_kept]).to_owned()));
        Ok(())
    }
}

impl TextSplitter {
    fn paragraphs<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        if !strip(text).contains("\n\n") {
            return lines(text);
        }
        let mut parts = Vec::new();
        for part in split_before(text, "\n\n") {
            if strip(part.text).chars().count() <= self.size {
                parts.push(part);
            } else {
                parts.extend(lines(part.text));
            }
        }
        parts
    }

    /// Joins parts that are short enough, and hands on what comes of it.
    fn join(&self, parts: &[Part<'_>], mut hand_on: impl FnMut(&str, usize)) {
        let mut next = 0;
        while let Some(part) = parts.get(next) {
            if part.n_chars >= self.size {
                hand_on(part.text, part.n_chars);
                next += 1;
                continue;
            }
            let mut start = next;
            let mut n_chars = part.n_chars;
            let mut n_repeated = 0;
            while let Some(before) = start.checked_sub(1) {
                n_repeated += parts[before].n_chars;
                if n_repeated > self.overlap || n_chars + parts[before].n_chars > self.size {
                    break;
                }
                n_chars += parts[before].n_chars;
                start = before;
            }
            next += 1;
            while let Some(part) = parts.get(next)
                && n_chars + part.n_chars <= self.size
            {
                n_chars += part.n_chars;
                next += 1;
            }
            let chunk: String = parts[start..next].iter().map(|part| part.text).collect();
            hand_on(&chunk, n_chars);
        }
    }

    /// Cuts at the length what is too long.
    fn cut(&self, chunk: &str, n_chars: usize, chunks: &mut Vec<String>) {
        let mut rest = chunk;
        let mut n_rest = n_chars;
        let after =
            |text: &str, n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
        while n_rest > self.size {
            chunks.push(rest[..after(rest, self.size)].to_owned());
            let step = self.size - self.overlap;
            rest = &rest[after(rest, step)..];
            n_rest -= step;
        }
        chunks.push(rest.to_owned());
    }
}

/// Cuts before line feeds, if there are any within the text.
fn lines(text: &str) -> Vec<Part<'_>> {
    if strip(text).contains('\n') {
        split_before(text, "\n").collect()
    } else {
        vec![Part::of(text)]
    }
}

/// The parts that are not blank, each with the separator before it.
fn split_before<'t>(text: &'t str, separator: &str) -> impl Iterator<Item = Part<'t>> {
    let mut start = 0;
    let ends = text.match_indices(separator).map(|(at, _)| at);
    ends.chain([text.len()])
        .map(move |end| {
            let part = &text[start..end];
            start = end;
            part
        })
        .filter(|part| !is_blank(part))
        .map(Part::of)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The parts that end with a mark, and the rest, which may be empty.
fn sentences(text: &str) -> Vec<Part<'_>> {
    let is_mark = |c: char| "，。？！；,?!;".contains(c);
    let mut parts: Vec<Part<'_>> = text.split_inclusive(is_mark).map(Part::of).collect();
    if text.ends_with(is_mark) {
        parts.push(Part::of(""));
    }
    parts
}
