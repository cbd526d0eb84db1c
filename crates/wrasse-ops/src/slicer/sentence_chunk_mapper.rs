//! `sentence_chunk_mapper` cuts texts into chunks of whole sentences.

use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::chunks::{Length, fit};
use crate::sentences::{Lines, sentences};

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<SentenceChunkMapper>(
    "sentence_chunk_mapper",
    "Cuts texts into chunks of whole sentences, no longer than a number of characters.",
)
.details("Each chunk takes as many sentences as fit into `max_len` characters (Unicode scalar values) and, if `max_sentences` is given, no more than that. With `overlap_sentences` it begins with the last sentences of the chunk before it, fewer where they would leave no room for a new one. A sentence longer than `max_len` is cut at white space, or where there is none at the length itself. White space at both ends of a chunk goes; blank chunks are left out. Every other field goes with each chunk.\n\nSentences end by Unicode's rules (UAX #29): at the full stops of all scripts, Chinese and Japanese included, with the quotes and brackets that close behind them, but not within numbers, at a `.` before a lower-case letter, or after common abbreviations and initials. A line end ends a sentence too, unless `wrapped_lines` is true: then only a blank line does.\n\nOther tools call this a sentence splitter: `SentenceSplitter` in LlamaIndex, `SentenceTextSplitter`, chunking `by_sentence`. Data-Juicer's and DataMate's splitters, `text_chunk_mapper` and `TextSplitter`, know no sentences.")
.origin("Unicode 16, UAX #29")
.examples(&[
    Example {
        about: "puts as many sentences into a chunk as fit",
        params: r#"{"max_len": 24}"#,
        input: &[r#"{"id": 1, "text": "Dr. Lee came. He sat. Then it rained."}"#],
        output: &[
            r#"{"id": 1, "text": "Dr. Lee came. He sat."}"#,
            r#"{"id": 1, "text": "Then it rained."}"#,
        ],
    },
    Example {
        about: "repeats sentences, and knows the stops of other scripts",
        params: r#"{"max_len": 8, "overlap_sentences": 1}"#,
        input: &[r#"{"text": "天亮了。鸟叫。他醒了！走吧？"}"#],
        output: &[
            r#"{"text": "天亮了。鸟叫。"}"#,
            r#"{"text": "鸟叫。他醒了！"}"#,
            r#"{"text": "他醒了！走吧？"}"#,
        ],
    },
    Example {
        about: "cuts a sentence that is too long at white space",
        params: r#"{"max_len": 10}"#,
        input: &[r#"{"text": "no stop here at all"}"#, r#"{"text": " \n"}"#],
        output: &[r#"{"text": "no stop"}"#, r#"{"text": "here at"}"#, r#"{"text": "all"}"#],
    },
]);

/// Parameters of `sentence_chunk_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The longest chunk, in characters.
    max_len: NonZeroUsize,
    /// The most sentences of a chunk, repeated ones included; no limit if null.
    max_sentences: Option<NonZeroUsize>,
    /// How many sentences a chunk repeats of the one before it. Less than
    /// `max_sentences`.
    overlap_sentences: usize,
    /// Whether lines were wrapped at a width, so that only a blank line ends a
    /// sentence.
    wrapped_lines: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_len: NonZeroUsize::new(1000).unwrap_or(NonZeroUsize::MIN),
            max_sentences: None,
            overlap_sentences: 0,
            wrapped_lines: false,
        }
    }
}

pub(crate) struct SentenceChunkMapper {
    max_len: usize,
    max_sentences: usize,
    overlap: usize,
    lines: Lines,
}

impl Configured for SentenceChunkMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let max_sentences = params.max_sentences.map_or(usize::MAX, NonZeroUsize::get);
        if params.overlap_sentences >= max_sentences {
            return Err(ParamError::new(
                "overlap_sentences",
                format!(
                    "expected less than `max_sentences` ({max_sentences}), found {}",
                    params.overlap_sentences
                ),
            ));
        }
        Ok(Self {
            max_len: params.max_len.get(),
            max_sentences,
            overlap: params.overlap_sentences,
            lines: match params.wrapped_lines {
                true => Lines::Wrapped,
                false => Lines::End,
            },
        })
    }
}

impl TextSlicer for SentenceChunkMapper {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        let mut units = Vec::new();
        let mut at = 0;
        for sentence in sentences(text, self.lines) {
            fit(text, at..at + sentence.len(), self.max_len, &mut units);
            at += sentence.len();
        }
        let lengths: Vec<Length> = units
            .iter()
            .map(|unit| Length::of(&text[unit.clone()]))
            .collect();
        let mut start = 0;
        let mut end = 0;
        while end < units.len() {
            let mut length = Length::default();
            for known in &lengths[start..end] {
                length = length.and(*known);
            }
            // What is repeated leaves room for one, or repeats nothing.
            while end < units.len() && end - start < self.max_sentences {
                let longer = length.and(lengths[end]);
                if longer.body > self.max_len {
                    break;
                }
                length = longer;
                end += 1;
            }
            let chunk = text[units[start].start..units[end - 1].end].trim();
            if !chunk.is_empty() {
                pieces.push(chunk.to_owned());
            }
            start = self.overlap_start(&lengths, start, end);
        }
        Ok(())
    }
}

impl SentenceChunkMapper {
    /// Where the chunk begins that follows `start..end`: what it repeats must
    /// leave room for its first new sentence.
    fn overlap_start(&self, lengths: &[Length], start: usize, end: usize) -> usize {
        let mut next = end;
        let Some(new) = lengths.get(end) else {
            return next;
        };
        let mut length = *new;
        while next > start + 1 && end - next < self.overlap {
            length = lengths[next - 1].and(length);
            if length.body > self.max_len {
                break;
            }
            next -= 1;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::slice;

    fn chunks(params: serde_json::Value, text: &str) -> Result<Vec<String>, String> {
        slice(&super::SPEC, &params, text)
    }

    #[test]
    fn no_chunk_is_too_long_and_no_word_is_lost() {
        let text = "Aa bb. Cc dd ee! 天亮了。鸟叫。\n\nA-word-of-more-than-its-length x. \u{1f600} y? Z";
        for max_len in 1..60 {
            for overlap in 0..3 {
                let params = json!({"max_len": max_len, "overlap_sentences": overlap});
                let chunks = chunks(params, text).unwrap();
                assert!(chunks.iter().all(|chunk| chunk.chars().count() <= max_len), "{max_len}: {chunks:?}");
                if overlap == 0 {
                    let joined: String = chunks.concat().split_whitespace().collect();
                    assert_eq!(joined, text.split_whitespace().collect::<String>(), "{max_len}");
                }
            }
        }
    }

    #[test]
    fn overlap_leaves_room_for_what_is_new() {
        let params = |n| json!({"max_len": 9, "overlap_sentences": n});
        assert_eq!(chunks(params(2), "A1. B1. C1. Long one.").unwrap(), ["A1. B1.", "B1. C1.", "Long one."]);
        assert_eq!(chunks(json!({"max_sentences": 2, "overlap_sentences": 1}), "A1. B1. C1.").unwrap(), ["A1. B1.", "B1. C1."]);
        let error = chunks(json!({"max_sentences": 1, "overlap_sentences": 1}), "").unwrap_err();
        assert!(error.contains("less than `max_sentences` (1)"), "{error}");
    }
}
