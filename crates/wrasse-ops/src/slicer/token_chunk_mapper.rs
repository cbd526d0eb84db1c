//! `token_chunk_mapper` cuts texts into chunks of tokens of a language model.

use std::num::NonZeroUsize;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextSlicer};

use crate::sentences::{Lines, sentences};
use crate::tokenizer::Tokenizer;

pub(crate) const SPEC: OpSpec = OpSpec::text_slicer::<TokenChunkMapper>(
    "token_chunk_mapper",
    "Cuts texts into chunks of no more than a number of tokens, by a tokenizer of yours.",
)
.details("`tokenizer` is a file: a `tokenizer.json` of Hugging Face (or its folder) that holds a byte-level BPE, as that of GPT-2, GPT-NeoX, Llama 3, Qwen and DeepSeek; or a vocabulary of tiktoken, such as `cl100k_base.tiktoken`. WordPiece, Unigram and SentencePiece tokenizers are refused. Nothing is downloaded. With `bytes` each byte of UTF-8 is a token, as for models of bytes.\n\nThe text is cut into tokens once, as a whole, and no special tokens are added. With `cut_at: sentence` a chunk ends at the last sentence end within `max_tokens` (Unicode's rules, as in `sentence_chunk_mapper`) and loses white space at both ends; a sentence of more tokens is cut between tokens. With `cut_at: token` chunks are as long as can be, and together they are the text. A character of several tokens is never cut. Where the tokenizer normalizes texts (NFC), the chunks are of the normalized text. Cut into tokens anew, a chunk can differ by a token or two at its ends.\n\nOther tools call this `TokenTextSplitter` (LangChain, LlamaIndex).")
.origin("tiktoken, Hugging Face tokenizers")
.examples(&[
    Example {
        about: "cuts between tokens, here bytes, but not within characters",
        params: r#"{"tokenizer": "bytes", "max_tokens": 6, "overlap_tokens": 1, "cut_at": "token"}"#,
        input: &[r#"{"text": "abcd数据"}"#],
        output: &[r#"{"text": "abcd"}"#, r#"{"text": "d数"}"#, r#"{"text": "据"}"#],
    },
]);

/// Where a text may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CutAt {
    Sentence,
    Token,
}

/// Parameters of `token_chunk_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The path of the tokenizer's file, or `bytes`. It must be given.
    tokenizer: Option<String>,
    /// The encoding that a tiktoken vocabulary is of (`gpt2`, `r50k_base`,
    /// `p50k_base`, `cl100k_base`, `o200k_base`); if null the file's name tells.
    encoding: Option<String>,
    /// The most tokens of a chunk.
    max_tokens: NonZeroUsize,
    /// How many tokens a chunk repeats of the one before it. Less than
    /// `max_tokens`.
    overlap_tokens: usize,
    /// Where a text may be cut.
    cut_at: CutAt,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tokenizer: None,
            encoding: None,
            max_tokens: NonZeroUsize::new(512).unwrap_or(NonZeroUsize::MIN),
            overlap_tokens: 0,
            cut_at: CutAt::Sentence,
        }
    }
}

pub(crate) struct TokenChunkMapper {
    tokenizer: Tokenizer,
    max_tokens: usize,
    overlap: usize,
    cut_at: CutAt,
}

impl Configured for TokenChunkMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let max_tokens = params.max_tokens.get();
        if params.overlap_tokens >= max_tokens {
            return Err(ParamError::new(
                "overlap_tokens",
                format!(
                    "expected less than `max_tokens` ({max_tokens}), found {}",
                    params.overlap_tokens
                ),
            ));
        }
        let path = params.tokenizer.as_deref();
        let tokenizer = Tokenizer::load("tokenizer", path, params.encoding.as_deref())?;
        Ok(Self {
            tokenizer,
            max_tokens,
            overlap: params.overlap_tokens,
            cut_at: params.cut_at,
        })
    }
}

impl TextSlicer for TokenChunkMapper {
    fn slice(&self, text: &Text, pieces: &mut Vec<String>) -> Result<(), OpError> {
        let text = self.tokenizer.normalized(text);
        let mut ends = Vec::new();
        self.tokenizer.tokens(&text, |end| ends.push(end))?;
        let stops = match self.cut_at {
            CutAt::Sentence => stops(&text),
            CutAt::Token => Vec::new(),
        };
        self.chunks(&text, &ends, &stops, pieces);
        Ok(())
    }
}

/// Where the sentences of a text end.
fn stops(text: &str) -> Vec<usize> {
    let mut at = 0;
    let mut stops = Vec::new();
    for sentence in sentences(text, Lines::End) {
        at += sentence.len();
        stops.push(at);
    }
    stops
}

impl TokenChunkMapper {
    /// Appends chunks of a text whose tokens and sentences end there.
    fn chunks(&self, text: &str, ends: &[usize], stops: &[usize], pieces: &mut Vec<String>) {
        // Tokens are counted by their ends: `offset(n)` is where `n` of them end.
        let offset = |n: usize| if n == 0 { 0 } else { ends[n - 1] };
        let mut start = 0;
        let mut fresh = 0;
        while fresh < ends.len() {
            let mut end = (start + self.max_tokens).min(ends.len());
            if end < ends.len() {
                let whole = |n: &usize| text.is_char_boundary(offset(*n));
                let last = stops[..stops.partition_point(|stop| *stop <= offset(end))].last();
                let stop = last.map(|stop| ends.partition_point(|end| end <= stop));
                end = match stop {
                    Some(stop) if stop > fresh => stop,
                    _ => end,
                };
                // Back to the end of a character; on to it if there is none.
                end = (fresh + 1..=end)
                    .rev()
                    .find(whole)
                    .or_else(|| (end..=ends.len()).find(whole))
                    .unwrap_or(ends.len());
            }
            let chunk = &text[offset(start)..offset(end)];
            let chunk = match self.cut_at {
                CutAt::Sentence => chunk.trim(),
                CutAt::Token => chunk,
            };
            if !chunk.is_empty() {
                pieces.push(chunk.to_owned());
            }
            fresh = end;
            start = (end - self.overlap.min(end - start - 1)..=end)
                .find(|n| text.is_char_boundary(offset(*n)))
                .unwrap_or(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SPEC;
    use crate::testing::{slice, texts};
    use crate::tokenizer::tests::{hugging_face_file, tiktoken_file};

    fn with_file(name: &str, content: &str, test: impl FnOnce(&str)) {
        let folder = std::env::temp_dir().join(format!("wrasse-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, content).unwrap();
        test(file.to_str().unwrap());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn chunks_are_the_text_and_of_few_tokens() {
        with_file("tokenizer.json", &hugging_face_file().to_string(), |path| {
            let op = |max: usize, overlap: usize| {
                json!({"tokenizer": path, "max_tokens": max, "overlap_tokens": overlap, "cut_at": "token"})
            };
            assert_eq!(slice(&SPEC, &op(2, 0), "aaab 数aa").unwrap(), ["aaab", " 数", "aa"]);
            assert_eq!(slice(&SPEC, &op(2, 1), "aaab 数aa").unwrap(), ["aaab", "ab ", " 数", "数aa"]);
            for text in texts(&["a", "b", " ", "数", "é", "😀", "."], 500) {
                for max in [1, 3] {
                    assert_eq!(slice(&SPEC, &op(max, 0), &text).unwrap().concat(), text);
                }
                slice(&SPEC, &op(3, 2), &text).unwrap();
            }
        });
    }

    #[test]
    fn sentences_are_kept_whole_where_they_fit() {
        with_file("cl100k_base.tiktoken", &tiktoken_file(), |path| {
            let params = json!({"tokenizer": path, "max_tokens": 10});
            let chunks = slice(&SPEC, &params, "Abc d. Efg h. Xyz of more than ten.").unwrap();
            assert_eq!(chunks, ["Abc d.", "Efg h.", "Xyz of mor", "e than ten", "."]);
        });
    }

    #[test]
    fn what_cannot_work_is_an_error() {
        let failed = |params: Value| slice(&SPEC, &params, "x").unwrap_err();
        assert!(failed(json!({"tokenizer": "bytes", "max_tokens": 2, "overlap_tokens": 2})).contains("less than"));
        assert!(failed(json!({"tokenizer": "no/such.json"})).contains("cannot be read"));
        assert!(failed(json!({})).contains("no tokenizer"));
    }
}
