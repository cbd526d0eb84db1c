//! `text_chunk_mapper` cuts texts into chunks.

use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::pattern::{Dialect, Pattern};
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<TextChunkMapper>(
    "text_chunk_mapper",
    "Cuts texts into chunks, at a pattern, at a length, or both.",
)
.details("Lengths are in Unicode scalar values; every other field goes with each chunk.\n\n* With `split_pattern` alone the text is cut at every match; blank chunks are left out. What groups of the pattern match become chunks too.\n* With `max_len` alone (`split_pattern: null`) the text is cut every `max_len - overlap_len` characters; the last chunks may lie wholly within the overlap.\n* With both, a text that is too long is cut at the last match within its first `max_len` characters, or after them if there is none; only then do chunks overlap. Blank chunks are left out, but for the last one.\n\nThe pattern is in the syntax of Python's `re`, without flags: `.` matches no line end. The default `\\n\\n` finds no paragraphs in texts with line ends `\\r\\n`; `\\r?\\n\\r?\\n` does. A pattern that matches the empty string at the start of the text only cannot cut it and rejects the sample, as the original's endless recursion does; its limit of about 1,000 chunks does not hold here.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "cuts at empty lines",
        params: "{}",
        input: &[r#"{"id": 7, "text": "one\n\ntwo\n\n \n\nthree\n"}"#],
        output: &[
            r#"{"id": 7, "text": "one"}"#,
            r#"{"id": 7, "text": "two"}"#,
            r#"{"id": 7, "text": "three\n"}"#,
        ],
    },
    Example {
        about: "cuts at a length, with overlap",
        params: r#"{"max_len": 4, "overlap_len": 1, "split_pattern": null}"#,
        input: &[r#"{"text": "数据集abc"}"#],
        output: &[r#"{"text": "数据集a"}"#, r#"{"text": "abc"}"#],
    },
    Example {
        about: "cuts at the last match that fits",
        params: r#"{"max_len": 8, "split_pattern": " "}"#,
        input: &[r#"{"text": "one two three fourteenth"}"#],
        output: &[
            r#"{"text": "one two"}"#,
            r#"{"text": "three"}"#,
            r#"{"text": "fourteen"}"#,
            r#"{"text": "th"}"#,
        ],
    },
]);

/// Parameters of `text_chunk_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The longest chunk, in characters; no limit if null.
    max_len: Option<NonZeroUsize>,
    /// The pattern at which to cut, in Python's syntax; none if null.
    split_pattern: Option<String>,
    /// How many characters a chunk repeats of the one before it, if they were
    /// cut at a length and not at the pattern. Less than `max_len`.
    overlap_len: usize,
    /// Must be null: lengths in tokens are not supported.
    tokenizer: Option<String>,
    /// Taken for compatibility; means nothing without a tokenizer.
    #[serde(rename = "trust_remote_code")]
    _trust_remote_code: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_len: None,
            split_pattern: Some(r"\n\n".to_owned()),
            overlap_len: 0,
            tokenizer: None,
            _trust_remote_code: false,
        }
    }
}

pub(crate) enum TextChunkMapper {
    Pattern(Pattern),
    Length(Window),
    Both(Pattern, Window),
}

/// How much of a text is one chunk, in characters.
pub(crate) struct Window {
    max_len: usize,
    /// From the start of a chunk to the start of the next; at least 1.
    step: usize,
}

impl Configured for TextChunkMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if let Some(tokenizer) = &params.tokenizer {
            return Err(ParamError::new(
                "tokenizer",
                format!("lengths in tokens of `{tokenizer}` are not supported yet"),
            )
            .with_hint("leave it out to count characters"));
        }
        let pattern = match &params.split_pattern {
            Some(pattern) => Some(Pattern::new("split_pattern", pattern, Dialect::Re)?),
            None => None,
        };
        let window = match params.max_len.map(NonZeroUsize::get) {
            Some(max_len) if params.overlap_len >= max_len => {
                return Err(ParamError::new(
                    "overlap_len",
                    format!(
                        "expected less than `max_len` ({max_len}), found {}",
                        params.overlap_len
                    ),
                ));
            }
            max_len => max_len.map(|max_len| Window {
                max_len,
                step: max_len - params.overlap_len,
            }),
        };
        match (pattern, window) {
            (Some(pattern), None) => Ok(Self::Pattern(pattern)),
            (None, Some(window)) => Ok(Self::Length(window)),
            (Some(pattern), Some(window)) => Ok(Self::Both(pattern, window)),
            (None, None) => Err(ParamError::contradiction(
                "`max_len` and `split_pattern` are both null",
            )
            .with_hint("give one of them, or both")),
        }
    }
}

impl TextSlicer for TextChunkMapper {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        match self {
            Self::Pattern(pattern) => at_pattern(pattern, text, pieces),
            Self::Length(window) => {
                at_length(window, text, pieces);
                Ok(())
            }
            Self::Both(pattern, window) => at_both(pattern, window, text, pieces),
        }
    }
}

fn at_pattern(pattern: &Pattern, text: &str, pieces: &mut Vec<String>) -> Result<(), OpError> {
    let mut add = |piece: &str| {
        if !unicode::is_blank(piece) {
            pieces.push(piece.to_owned());
        }
    };
    let mut start = 0;
    pattern.for_each_match(text, true, |spans| {
        for (i, span) in spans.iter().enumerate() {
            match span {
                Some((from, to)) if i == 0 => {
                    add(&text[start..*from]);
                    start = *to;
                }
                Some((from, to)) => add(&text[*from..*to]),
                None => {}
            }
        }
    })?;
    add(&text[start..]);
    Ok(())
}

fn at_length(window: &Window, text: &str, pieces: &mut Vec<String>) {
    if prefix(text, window.max_len).is_none() {
        pieces.push(text.to_owned());
        return;
    }
    let mut rest = text;
    while !rest.is_empty() {
        pieces.push(prefix(rest, window.max_len).unwrap_or(rest).to_owned());
        let step = prefix(rest, window.step).unwrap_or(rest);
        rest = &rest[step.len()..];
    }
}

fn at_both(
    pattern: &Pattern,
    window: &Window,
    text: &str,
    pieces: &mut Vec<String>,
) -> Result<(), OpError> {
    let mut rest = text;
    while let Some(head) = prefix(rest, window.max_len) {
        let mut last = None;
        pattern.for_each_match(head, false, |spans| last = spans[0])?;
        let (chunk, next) = match last {
            Some((_, 0)) => {
                return Err(OpError::bad_sample(
                    "`split_pattern` matches the empty string only, which cuts nothing off",
                ));
            }
            Some((start, end)) => (&head[..start], end),
            None => (head, prefix(head, window.step).unwrap_or(head).len()),
        };
        if !unicode::is_blank(chunk) {
            pieces.push(chunk.to_owned());
        }
        rest = &rest[next..];
    }
    pieces.push(rest.to_owned());
    Ok(())
}

/// The first `n` characters of a text that has more than that.
fn prefix(text: &str, n: usize) -> Option<&str> {
    if text.len() <= n {
        return None;
    }
    text.char_indices().nth(n).map(|(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;
    use serde_json::{Value, json};

    fn chunks(params: Value, text: &str) -> Result<Vec<String>, String> {
        let params = serde_json::from_value(params).map_err(|error| error.to_string())?;
        let op = TextChunkMapper::new(params, &Common::default()).map_err(|error| error.message)?;
        let mut pieces = Vec::new();
        op.slice(&Text::new(text), &mut pieces).map_err(|error| error.message)?;
        Ok(pieces)
    }

    const ALPHABET: &[&str] = &["a", "é", "数", "\n", "\n\n", "\r\n", " ", "\u{1c}", "word "];

    #[test]
    fn chunks_rejoin() {
        for text in texts(ALPHABET, 2_000) {
            for (max_len, overlap_len) in [(1, 0), (3, 0), (3, 1), (4, 3), (100, 7)] {
                let params = json!({"max_len": max_len, "overlap_len": overlap_len, "split_pattern": null});
                let pieces = chunks(params, &text).unwrap();
                let mut rejoined: String = pieces[0].clone();
                for piece in &pieces[1..] {
                    rejoined.extend(piece.chars().skip(overlap_len));
                }
                assert_eq!(rejoined, text);
                assert!(pieces.iter().all(|piece| piece.chars().count() <= max_len));
            }
        }
    }

    #[test]
    fn chunks_at_both_are_short_and_lose_only_matches() {
        for text in texts(ALPHABET, 2_000) {
            let pieces = chunks(json!({"max_len": 5, "split_pattern": r"\s+"}), &text).unwrap();
            assert!(pieces.iter().all(|piece| piece.chars().count() <= 5));
            let solid = |text: &str| text.replace(unicode::is_space, "");
            assert_eq!(solid(&pieces.concat()), solid(&text));
        }
    }

    #[test]
    fn edges() {
        let none: [&str; 0] = [];
        assert_eq!(chunks(json!({}), "").unwrap(), none);
        assert_eq!(chunks(json!({}), " \n\n\u{1f} ").unwrap(), none);
        assert_eq!(chunks(json!({"max_len": 3}), "").unwrap(), [""]);
        assert_eq!(chunks(json!({"max_len": 3, "split_pattern": null}), "").unwrap(), [""]);
        assert_eq!(chunks(json!({"max_len": 2}), "ab\n\n").unwrap(), ["ab", "\n\n"]);
        assert_eq!(chunks(json!({"max_len": 3}), "a\n\n\n\n").unwrap(), ["a", "\n\n"]);
        assert_eq!(chunks(json!({}), "a\r\n\r\nb").unwrap(), ["a\r\n\r\nb"]);
        assert_eq!(chunks(json!({"split_pattern": "(\\r?\n){2}"}), "a\r\n\r\nb\n\nc").unwrap(), ["a", "b", "c"]);
        assert_eq!(chunks(json!({"split_pattern": "([,;])|x"}), "a,bxc").unwrap(), ["a", ",", "b", "c"]);
        assert_eq!(
            chunks(json!({"max_len": 10, "overlap_len": 5, "split_pattern": null}), "abcdefghijkl").unwrap(),
            ["abcdefghij", "fghijkl", "kl"]
        );
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        let failed = |params| chunks(params, "some text").unwrap_err();
        assert!(failed(json!({"max_len": 0})).contains("nonzero"));
        assert!(failed(json!({"split_pattern": null})).contains("both null"));
        assert!(failed(json!({"max_len": 3, "overlap_len": 3})).contains("less than `max_len` (3)"));
        assert!(failed(json!({"tokenizer": "gpt-4o"})).contains("`gpt-4o` are not supported"));
        assert!(failed(json!({"split_pattern": "("})).contains("no `)`"));
        assert!(failed(json!({"max_len": 3, "split_pattern": "^"})).contains("cuts nothing off"));
    }
}
