//! `file_with_many_sensitive_words_filter` drops texts with many words of some
//! lists.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::datamate::{ORIGIN, SensitiveWords, WordParams, number};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithManySensitiveWordsFilter>(
    "file_with_many_sensitive_words_filter",
    "Drops texts of whose characters words of a list have a given share or more.",
)
.aliases(&["FileWithManySensitiveWordsFilter"])
.details("The share is `sensitive_words_rate`: characters of words that are found, divided by all but punctuation, spaces, tabs and line ends. Lists are `violent.txt`, `sexual.txt` and `political.txt` in `words_dir`, a word a line, and `words`; Wrasse brings none. Words are found as by `political_word_cleaner`. An empty text is dropped, one of nothing but punctuation and spaces is kept.")
.decided_by(&["sensitiveWordsRate"])
.origin(ORIGIN)
.examples(&[Example {
    about: "by the share of characters",
    params: r#"{"words": ["dynamite"], "sensitiveWordsRate": 0.3}"#,
    input: &[
        r#"{"text": "We sell dynamite, cheap dynamite."}"#,
        r#"{"text": "Dynamos, and dynamite in a museum of mining"}"#,
    ],
    output: &[r#"{"text": "Dynamos, and dynamite in a museum of mining"}"#],
}]);

/// Parameters of `file_with_many_sensitive_words_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share that is dropped, 0 to 1.
    #[serde(
        rename = "sensitiveWordsRate",
        alias = "sensitive_words_rate",
        deserialize_with = "number"
    )]
    sensitive_words_rate: f64,
    /// Words to look for, beside those of `words_dir`.
    words: Vec<String>,
    /// A folder with lists of words, a word a line: the `resources` of
    /// DataMate's operator. Wrasse brings no words.
    words_dir: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            sensitive_words_rate: 0.01,
            words: Vec::new(),
            words_dir: None,
        }
    }
}

pub(crate) struct FileWithManySensitiveWordsFilter {
    words: SensitiveWords,
    limit: f64,
}

const FILES: [&str; 3] = ["violent.txt", "sexual.txt", "political.txt"];

impl Configured for FileWithManySensitiveWordsFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let words = WordParams {
            words: params.words,
            words_dir: params.words_dir,
        };
        Ok(Self {
            words: SensitiveWords::new(words, &FILES)?,
            limit: params.sensitive_words_rate,
        })
    }
}

impl TextFilter for FileWithManySensitiveWordsFilter {
    const STATS: &'static [&'static str] = &["sensitive_words_rate"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        // An empty text has no share.
        if text.is_empty() {
            return Ok(());
        }
        let counts = |c: &char| !matches!(c, '\n' | '\t' | '\r') && !self.words.is_symbol(*c);
        let rate = match text.chars().filter(counts).count() {
            // Nothing that could be a word.
            0 => -1.0,
            n => super::ratio(self.words.count(text), n),
        };
        stats.set("sensitive_words_rate", rate);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let rate = stats.number("sensitive_words_rate");
        rate.is_some_and(|rate| rate < 0.0 || rate < self.limit)
    }
}
