//! `gopher_quality_filter` applies the quality rules of the Gopher paper.

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter};

use super::{at_least, at_most, ratio};
use crate::english::{LETTERS, PUNCTUATION, Tokens};
use crate::hashing::FastSet;
use crate::lines::for_each_line;
use crate::unicode::is_space;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<GopherQualityFilter>(
    "gopher_quality_filter",
    "Keeps samples that pass the quality rules of Gopher: words, symbols, bullets, stop words.",
)
.details(
    "The rules and thresholds are those of section A1.1 of [Rae et al. \
     2021](https://arxiv.org/abs/2112.11446), in the reading of datatrove 0.10: a sample is \
     dropped for too few or too many words, a mean word length out of range, too many `#` or \
     ellipses by words, too many lines that begin with a bullet (`•` or `-`) or end with an \
     ellipsis (`...` or `…`), too few words with a letter, or too few *different* stop words. A \
     threshold of null or 0 switches its rule off.\n\n\
     Words are the tokens of spaCy's English tokenizer, punctuation marks among them; the number \
     of words and their mean length leave out tokens of punctuation alone. Stop words are \
     compared with case.\n\n\
     For English text. Chinese, Japanese and Thai text is few long tokens this way, and dropped.",
)
.origin("datatrove 0.10, Rae et al. 2021 (Gopher)")
.examples(&[
    Example {
        about: "drops a list that hardly is a text",
        params: r#"{"min_doc_words": 5}"#,
        input: &[
            r#"{"text": "- item\n- item\n- item\n- item\n- item"}"#,
            r#"{"text": "The answer to that is one of the things that people have to find."}"#,
        ],
        output: &[
            r#"{"text": "The answer to that is one of the things that people have to find."}"#,
        ],
    },
    Example {
        about: "drops what is too short by default",
        params: "{}",
        input: &[r#"{"text": "The answer to that is one of the things that people have to find."}"#],
        output: &[],
    },
]);

/// Parameters of `gopher_quality_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The fewest words to keep, tokens of punctuation left out.
    min_doc_words: Option<f64>,
    /// The most words to keep, tokens of punctuation left out.
    max_doc_words: Option<f64>,
    /// The lowest mean length of these words to keep, in characters.
    min_avg_word_length: Option<f64>,
    /// The highest mean length of these words to keep, in characters.
    max_avg_word_length: Option<f64>,
    /// The most `#` for each word to keep, and the most ellipses.
    max_symbol_word_ratio: Option<f64>,
    /// The highest share of lines that begin with a bullet to keep, 0 to 1.
    max_bullet_lines_ratio: Option<f64>,
    /// The highest share of lines that end with an ellipsis to keep, 0 to 1.
    max_ellipsis_lines_ratio: Option<f64>,
    /// The lowest share of words *with* a letter to keep, 0 to 1 (the name is
    /// datatrove's).
    max_non_alpha_words_ratio: Option<f64>,
    /// The fewest different stop words to keep.
    min_stop_words: Option<f64>,
    /// The stop words; if null `the`, `be`, `to`, `of`, `and`, `that`, `have`
    /// and `with`.
    stop_words: Option<Vec<String>>,
    /// The language of the samples; only `eng`.
    language: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_doc_words: Some(50.0),
            max_doc_words: Some(100_000.0),
            min_avg_word_length: Some(3.0),
            max_avg_word_length: Some(10.0),
            max_symbol_word_ratio: Some(0.1),
            max_bullet_lines_ratio: Some(0.9),
            max_ellipsis_lines_ratio: Some(0.3),
            max_non_alpha_words_ratio: Some(0.8),
            min_stop_words: Some(2.0),
            stop_words: None,
            language: "eng".to_owned(),
        }
    }
}

const STOP_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

pub(crate) struct GopherQualityFilter {
    limits: Params,
    stop_words: FastSet<String>,
}

impl Configured for GopherQualityFilter {
    type Params = Params;

    fn new(mut params: Params, _: &Common) -> Result<Self, ParamError> {
        super::only_english(&params.language)?;
        let stop_words = params.stop_words.take();
        let default = || STOP_WORDS.iter().map(|word| (*word).to_owned()).collect();
        Ok(Self {
            stop_words: stop_words.unwrap_or_else(default).into_iter().collect(),
            limits: params,
        })
    }
}

impl TextFilter for GopherQualityFilter {
    const STATS: &'static [&'static str] = &[
        "gopher_n_words",
        "gopher_avg_word_length",
        "gopher_hash_ratio",
        "gopher_ellipsis_ratio",
        "gopher_bullet_lines_ratio",
        "gopher_ellipsis_lines_ratio",
        "gopher_alpha_words_ratio",
        "gopher_n_stop_words",
    ];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let tokens = text.derived::<Tokens>();
        let (mut n_words, mut n_word_chars, mut n_alpha) = (0, 0, 0);
        let mut stop_words = FastSet::default();
        for token in tokens.of(text) {
            if token.chars().any(|c| !PUNCTUATION.contains(c)) {
                n_words += 1;
                n_word_chars += token.chars().count();
            }
            n_alpha += usize::from(token.chars().any(|c| LETTERS.contains(c)));
            if self.stop_words.contains(token) {
                stop_words.insert(token);
            }
        }
        let (mut n_lines, mut n_bullets, mut n_cut_off) = (0, 0, 0);
        for_each_line(text, |line| {
            n_lines += 1;
            let start = line.trim_start_matches(is_space);
            n_bullets += usize::from(start.starts_with(['•', '-']));
            let end = line.trim_end_matches(is_space);
            n_cut_off += usize::from(end.ends_with("...") || end.ends_with('…'));
        });
        let n_tokens = tokens.len();
        let n_ellipses = text.matches("...").count() + text.matches('…').count();

        stats.set("gopher_n_words", n_words);
        if n_words > 0 {
            stats.set("gopher_avg_word_length", ratio(n_word_chars, n_words));
        }
        stats.set("gopher_hash_ratio", ratio(text.matches('#').count(), n_tokens));
        stats.set("gopher_ellipsis_ratio", ratio(n_ellipses, n_tokens));
        stats.set("gopher_bullet_lines_ratio", ratio(n_bullets, n_lines));
        stats.set("gopher_ellipsis_lines_ratio", ratio(n_cut_off, n_lines));
        stats.set("gopher_alpha_words_ratio", ratio(n_alpha, n_tokens));
        stats.set("gopher_n_stop_words", stop_words.len());
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let limits = &self.limits;
        at_least(stats, "gopher_n_words", limits.min_doc_words)
            && at_most(stats, "gopher_n_words", limits.max_doc_words)
            && at_least(stats, "gopher_avg_word_length", limits.min_avg_word_length)
            && at_most(stats, "gopher_avg_word_length", limits.max_avg_word_length)
            && at_most(stats, "gopher_hash_ratio", limits.max_symbol_word_ratio)
            && at_most(stats, "gopher_ellipsis_ratio", limits.max_symbol_word_ratio)
            && at_most(stats, "gopher_bullet_lines_ratio", limits.max_bullet_lines_ratio)
            && at_most(stats, "gopher_ellipsis_lines_ratio", limits.max_ellipsis_lines_ratio)
            && at_least(stats, "gopher_alpha_words_ratio", limits.max_non_alpha_words_ratio)
            && at_least(stats, "gopher_n_stop_words", limits.min_stop_words)
    }
}
