//! `text_chunk_mapper` cuts texts into chunks.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::pattern::{Dialect, Pattern};
use crate::tokenizer::Tokenizer;
use crate::unicode;

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<TextChunkMapper>(
    "text_chunk_mapper",
    "Cuts texts into chunks, at a pattern, at a length, or both.",
)
.details("Lengths are in Unicode scalar values, or with a `tokenizer` in tokens; every other field goes with each chunk.\n\n* With `split_pattern` alone the text is cut at every match; blank chunks are left out. What groups of the pattern match become chunks too.\n* With `max_len` alone (`split_pattern: null`) the text is cut every `max_len - overlap_len` characters; the last chunks may lie wholly within the overlap.\n* With both, a text that is too long is cut at the last match within its first `max_len` characters, or after them if there is none; only then do chunks overlap. Blank chunks are left out, but for the last one.\n\nThe pattern is in the syntax of Python's `re`, without flags: `.` matches no line end. The default `\\n\\n` finds no paragraphs in texts with line ends `\\r\\n`; `\\r?\\n\\r?\\n` does. A pattern that matches the empty string at the start of the text only cannot cut it and rejects the sample, as the original's endless recursion does; its limit of about 1,000 chunks does not hold here.\n\n`tokenizer` must be a file here, as for `token_num_filter`: nothing is downloaded. No special tokens are added. Where a cut falls into a character of several tokens, its bytes become U+FFFD on both sides, as in the original; `token_chunk_mapper` never cuts characters. With a pattern too, what is left of a text is cut into tokens anew for each chunk.")
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
    /// The longest chunk, in characters or tokens; no limit if null.
    max_len: Option<NonZeroUsize>,
    /// The pattern at which to cut, in Python's syntax; none if null.
    split_pattern: Option<String>,
    /// How many characters or tokens a chunk repeats of the one before it, if they were
    /// cut at a length and not at the pattern. Less than `max_len`.
    overlap_len: usize,
    /// The path of a tokenizer's file, or `bytes`; characters are counted if
    /// null.
    tokenizer: Option<String>,
    /// The encoding that a tiktoken vocabulary is of (`gpt2`, `r50k_base`,
    /// `p50k_base`, `cl100k_base`, `o200k_base`); if null the file's name tells.
    encoding: Option<String>,
    /// Taken for compatibility; nothing is downloaded and run here.
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
            encoding: None,
            _trust_remote_code: false,
        }
    }
}

pub(crate) enum TextChunkMapper {
    Pattern(Pattern),
    Length(Window),
    Both(Pattern, Window),
    LengthInTokens(Tokenizer, Window),
    BothInTokens(Tokenizer, Pattern, Window),
}

/// How much of a text is one chunk, in characters or tokens.
pub(crate) struct Window {
    max_len: usize,
    /// From the start of a chunk to the start of the next; at least 1.
    step: usize,
}

impl Configured for TextChunkMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let tokenizer = match params.tokenizer.as_deref() {
            None => None,
            path => Some(Tokenizer::load("tokenizer", path, params.encoding.as_deref())?),
        };
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
        match (pattern, window, tokenizer) {
            (Some(pattern), None, _) => Ok(Self::Pattern(pattern)),
            (None, Some(window), None) => Ok(Self::Length(window)),
            (None, Some(window), Some(by)) => Ok(Self::LengthInTokens(by, window)),
            (Some(pattern), Some(window), None) => Ok(Self::Both(pattern, window)),
            (Some(pattern), Some(window), Some(by)) => {
                Ok(Self::BothInTokens(by, pattern, window))
            }
            (None, None, _) => Err(ParamError::contradiction(
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
            Self::LengthInTokens(by, window) => tokens_at_length(by, window, text, pieces),
            Self::BothInTokens(by, pattern, window) => {
                tokens_at_both(by, pattern, window, text, pieces)
            }
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
                return Err(OpError::bad_sample(CUTS_NOTHING));
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

/// A text as its tokens, of which any run can be made a text again.
struct Tokens<'t> {
    text: Cow<'t, str>,
    ends: Vec<usize>,
}

impl<'t> Tokens<'t> {
    fn of(tokenizer: &Tokenizer, text: &'t str) -> Result<Self, OpError> {
        let text = tokenizer.normalized(text);
        let mut ends = Vec::new();
        tokenizer.tokens(&text, |end| ends.push(end))?;
        Ok(Self { text, ends })
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Tokens from one number to another, as far as there are any.
    fn decoded(&self, from: usize, to: usize) -> String {
        let at = |n: usize| match n.min(self.len()).checked_sub(1) {
            Some(last) => self.ends[last],
            None => 0,
        };
        String::from_utf8_lossy(&self.text.as_bytes()[at(from)..at(to)]).into_owned()
    }
}

fn tokens_at_length(
    tokenizer: &Tokenizer,
    window: &Window,
    text: &str,
    pieces: &mut Vec<String>,
) -> Result<(), OpError> {
    let tokens = Tokens::of(tokenizer, text)?;
    if tokens.len() <= window.max_len {
        pieces.push(text.to_owned());
        return Ok(());
    }
    let starts = (0..tokens.len()).step_by(window.step);
    pieces.extend(starts.map(|start| tokens.decoded(start, start + window.max_len)));
    Ok(())
}

fn tokens_at_both(
    tokenizer: &Tokenizer,
    pattern: &Pattern,
    window: &Window,
    text: &str,
    pieces: &mut Vec<String>,
) -> Result<(), OpError> {
    let mut rest = text.to_owned();
    let (mut n_left, mut n_stalled) = (usize::MAX, 0);
    loop {
        let tokens = Tokens::of(tokenizer, &rest)?;
        if tokens.len() <= window.max_len {
            break;
        }
        // Halves of characters may become more tokens than were cut off.
        n_stalled += usize::from(tokens.len() >= n_left);
        n_left = tokens.len();
        if n_stalled > STALLED_MAX {
            return Err(OpError::bad_sample(
                "cuts within characters leave ever more tokens; `max_len` is too small, or \
                 `overlap_len` too large",
            ));
        }
        let head = tokens.decoded(0, window.max_len);
        let mut last = None;
        pattern.for_each_match(&head, false, |spans| last = spans[0])?;
        let (chunk, next) = match last {
            Some((_, 0)) => return Err(OpError::bad_sample(CUTS_NOTHING)),
            Some((start, end)) => {
                // The head may differ from the text, in form or in its last
                // character; the original counts characters.
                let n_chars = head[..end].chars().count();
                let next: String = rest.chars().skip(n_chars).collect();
                (&head[..start], next)
            }
            None => (head.as_str(), tokens.decoded(window.step, tokens.len())),
        };
        if !unicode::is_blank(chunk) {
            pieces.push(chunk.to_owned());
        }
        rest = next;
    }
    pieces.push(rest);
    Ok(())
}

/// How often what is left may not get shorter.
const STALLED_MAX: usize = 100;

const CUTS_NOTHING: &str =
    "`split_pattern` matches the empty string only, which cuts nothing off";

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
    fn lengths_are_in_tokens_with_a_tokenizer() {
        let op = |params: Value, text: &str| {
            let mut params = params;
            params["tokenizer"] = json!("bytes");
            chunks(params, text).unwrap()
        };
        let by_length = json!({"max_len": 4, "overlap_len": 1, "split_pattern": null});
        assert_eq!(op(by_length.clone(), "abc"), ["abc"]);
        assert_eq!(op(by_length.clone(), ""), [""]);
        assert_eq!(op(by_length.clone(), "abcdefg"), ["abcd", "defg", "g"]);
        // As Python decodes halves of a character.
        assert_eq!(op(by_length, "ab数c"), ["ab\u{fffd}", "\u{fffd}\u{fffd}c"]);
        let by_both = json!({"max_len": 6, "overlap_len": 2, "split_pattern": " "});
        assert_eq!(op(by_both.clone(), "a b 数据"), ["a b", "数据"]);
        assert_eq!(op(by_both.clone(), "a bcdefghijk"), ["a", "bcdefg", "fghijk"]);
        let mut params = by_both;
        params["tokenizer"] = json!("bytes");
        assert!(chunks(params, "一二三").unwrap_err().contains("ever more tokens"));
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        let failed = |params| chunks(params, "some text").unwrap_err();
        assert!(failed(json!({"max_len": 0})).contains("nonzero"));
        assert!(failed(json!({"split_pattern": null})).contains("both null"));
        assert!(failed(json!({"max_len": 3, "overlap_len": 3})).contains("less than `max_len` (3)"));
        assert!(failed(json!({"tokenizer": "gpt-4o"})).contains("`gpt-4o` cannot be read"));
        assert!(failed(json!({"split_pattern": "("})).contains("no `)`"));
        assert!(failed(json!({"max_len": 3, "split_pattern": "^"})).contains("cuts nothing off"));
    }
}
