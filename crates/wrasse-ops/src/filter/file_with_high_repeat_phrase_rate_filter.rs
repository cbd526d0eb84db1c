//! `file_with_high_repeat_phrase_rate_filter` drops texts in which one word is
//! frequent.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::datamate::{ORIGIN, number, switch};
use crate::segment::tokens;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighRepeatPhraseRateFilter>(
    "file_with_high_repeat_phrase_rate_filter",
    "Drops texts of whose words one is a given share or more.",
)
.aliases(&["FileWithHighRepeatPhraseRateFilter"])
.details("The share is `repeat_phrase_ratio`: how often the most frequent word occurs, divided by the number of words; 0 if there is none, and -1 for a text of one character, which is kept. Words are those of jieba's segmentation that have two letters or more and nothing else; ideographs are letters. An empty text is dropped.")
.decided_by(&["repeatPhraseRatio"])
.origin(ORIGIN)
.examples(&[Example {
    about: "drops monotonous texts",
    params: "{}",
    input: &[
        r#"{"text": "学习学习学习，机器学习"}"#,
        r#"{"text": "机器学习是人工智能的一个分支"}"#,
    ],
    output: &[r#"{"text": "机器学习是人工智能的一个分支"}"#],
}]);

/// Parameters of `file_with_high_repeat_phrase_rate_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share that is dropped, 0 to 1.
    #[serde(
        rename = "repeatPhraseRatio",
        alias = "repeat_phrase_ratio",
        deserialize_with = "number"
    )]
    repeat_phrase_ratio: f64,
    /// Whether words of DataMate's list of stop words do not count.
    #[serde(
        rename = "hitStopwords",
        alias = "hit_stopwords",
        deserialize_with = "switch"
    )]
    hit_stopwords: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            repeat_phrase_ratio: 0.5,
            hit_stopwords: false,
        }
    }
}

/// DataMate's list of stop words (MIT licence), one to a line.
static STOPWORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../datamate/stopwords.txt").lines().collect());

pub(crate) struct FileWithHighRepeatPhraseRateFilter {
    limit: f64,
    without_stopwords: bool,
}

impl Configured for FileWithHighRepeatPhraseRateFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            limit: params.repeat_phrase_ratio,
            without_stopwords: params.hit_stopwords,
        })
    }
}

impl TextFilter for FileWithHighRepeatPhraseRateFilter {
    const STATS: &'static [&'static str] = &["repeat_phrase_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let ratio = match text.n_chars() {
            // An empty text has no share.
            0 => return Ok(()),
            1 => -1.0,
            _ => self.ratio(text),
        };
        stats.set("repeat_phrase_ratio", ratio);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let ratio = stats.number("repeat_phrase_ratio");
        ratio.is_some_and(|ratio| ratio < 0.0 || ratio < self.limit)
    }
}

impl FileWithHighRepeatPhraseRateFilter {
    fn ratio(&self, text: &str) -> f64 {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut n_all = 0;
        let mut n_most = 0;
        tokens(text, |word| {
            let is_stopword = || self.without_stopwords && STOPWORDS.contains(word);
            if is_word(word) && !is_stopword() {
                let count = counts.entry(word).or_default();
                *count += 1;
                n_most = n_most.max(*count);
                n_all += 1;
            }
        });
        super::ratio(n_most, n_all)
    }
}

/// Whether this is two letters or more, ideographs among them.
fn is_word(word: &str) -> bool {
    word.chars().nth(1).is_some() && word.chars().all(char::is_alphabetic)
}
