//! [`Chunks`]: how DataMate cuts texts into chunks.

use std::num::NonZeroUsize;

use wrasse_op::ParamError;

use crate::unicode::{is_blank, strip};

/// How texts are cut into chunks.
pub(crate) struct Chunks {
    size: usize,
    overlap: usize,
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

impl Chunks {
    /// `overlap_param`: what the operator calls the overlap.
    pub(crate) fn new(
        overlap_param: &str,
        size: NonZeroUsize,
        overlap: usize,
    ) -> Result<Self, ParamError> {
        let size = size.get();
        if overlap >= size {
            return Err(ParamError::new(
                overlap_param,
                format!("expected less than the size of a chunk ({size}), found {overlap}"),
            ));
        }
        Ok(Self { size, overlap })
    }

    /// The chunks of a text, without white space at their ends.
    pub(crate) fn of(&self, text: &str) -> Vec<String> {
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
        chunks.iter().map(|chunk| strip(chunk).to_owned()).collect()
    }

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
