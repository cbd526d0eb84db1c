//! `token_num_filter` keeps texts of neither too few nor too many tokens.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::tokenizer::Tokenizer;
use crate::whole::{range, whole};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<TokenNumFilter>(
    "token_num_filter",
    "Keeps samples whose number of tokens, by a tokenizer of yours, lies within a range.",
)
.details("The number is `num_token`; no special tokens are added. `hf_tokenizer` must be a file here, since nothing is downloaded: a `tokenizer.json` of Hugging Face (or its folder) that holds a byte-level BPE, as that of GPT-2, GPT-NeoX (the original's default), Llama 3, Qwen and DeepSeek; or a vocabulary of tiktoken, such as `cl100k_base.tiktoken`. WordPiece, Unigram and SentencePiece tokenizers are refused. With `bytes` each byte of UTF-8 is a token, as for models of bytes.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "counts bytes, if told so",
        params: r#"{"hf_tokenizer": "bytes", "min_num": 3, "max_num": 5}"#,
        input: &[r#"{"text": "ab"}"#, r#"{"text": "abc"}"#, r#"{"text": "数据"}"#],
        output: &[r#"{"text": "abc"}"#],
    },
]);

/// Parameters of `token_num_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The path of the tokenizer's file, or `bytes`. It must be given.
    hf_tokenizer: Option<String>,
    /// The encoding that a tiktoken vocabulary is of (`gpt2`, `r50k_base`,
    /// `p50k_base`, `cl100k_base`, `o200k_base`); if null the file's name tells.
    encoding: Option<String>,
    /// The fewest tokens to keep; no limit if null.
    #[serde(deserialize_with = "whole")]
    min_num: Option<i64>,
    /// The most tokens to keep; no limit if null.
    #[serde(deserialize_with = "whole")]
    max_num: Option<i64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            hf_tokenizer: None,
            encoding: None,
            min_num: Some(10),
            max_num: None,
        }
    }
}

pub(crate) struct TokenNumFilter {
    tokenizer: Tokenizer,
    n_tokens: Interval,
}

impl Configured for TokenNumFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let path = params.hf_tokenizer.as_deref();
        let tokenizer = Tokenizer::load("hf_tokenizer", path, params.encoding.as_deref())?;
        Ok(Self {
            tokenizer,
            n_tokens: range(common, params.min_num, params.max_num),
        })
    }
}

impl TextFilter for TokenNumFilter {
    const STATS: &'static [&'static str] = &["num_token"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("num_token", self.tokenizer.count(text)?);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.n_tokens.keeps_stat(stats, "num_token")
    }
}
