//! `flagged_words_filter` drops texts with many words that are not wanted.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::word_lists::{Wanted, WordList};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FlaggedWordsFilter>(
    "flagged_words_filter",
    "Keeps samples whose share of flagged words lies within a range.",
)
.details(
    "The share is `flagged_words_ratio`: of all words those in the list of `lang`; 0 for a text without \
     words. Words are split at plain spaces, tabs and line feeds only, lowered, and stripped of \
     special characters at both ends (those of `special_characters_filter`). Chinese text is few \
     long words this way; `use_words_aug` compares runs of words, joined, too.\n\n\
     Lists for some twenty-five languages come with Wrasse (the list known as LDNOOBW, CC BY 4.0); others are read from \
     `flagged_words_dir`. The original downloads lists of its own, which differ.",
)
.origin("Data-Juicer 1.6")
.examples(&[Example {
    about: "one word in two",
    params: r#"{"max_ratio": 0.2}"#,
    input: &[r#"{"text": "damn, shit!"}"#, r#"{"text": "a quiet day at the pier"}"#],
    output: &[r#"{"text": "a quiet day at the pier"}"#],
}]);

const BUNDLED: &str = include_str!("../../assets/flagged_words.json");

/// Parameters of `flagged_words_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The language whose list is used; `all` for all lists together.
    lang: String,
    /// Split by a model instead of at spaces. True only where Data-Juicer is
    /// installed: its own operator runs then, in Python.
    tokenization: bool,
    /// The lowest share to keep, 0 to 1; no limit if null.
    min_ratio: Option<f64>,
    /// The highest share to keep, 0 to 1; no limit if null.
    max_ratio: Option<f64>,
    /// A folder with JSON files whose names contain `flagged_words`, each with lists
    /// of words by language. Without it, or if it is called `assets` and has no such
    /// file (Data-Juicer fills it by downloading), the lists that come with Wrasse.
    flagged_words_dir: Option<String>,
    /// Compare runs of words too.
    use_words_aug: bool,
    /// The lengths of these runs, in words.
    words_aug_group_sizes: Vec<usize>,
    /// What stands between the words of a run.
    words_aug_join_char: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            lang: "en".to_owned(),
            tokenization: false,
            min_ratio: Some(0.0),
            max_ratio: Some(0.045),
            flagged_words_dir: None,
            use_words_aug: false,
            words_aug_group_sizes: vec![2],
            words_aug_join_char: String::new(),
        }
    }
}

pub(crate) struct FlaggedWordsFilter {
    list: WordList,
    range: Interval,
}

impl Configured for FlaggedWordsFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let runs = (&*params.words_aug_group_sizes, &*params.words_aug_join_char);
        let list = WordList::new(&Wanted {
            kind: "flagged_words",
            dir: params.flagged_words_dir.as_deref(),
            bundled: BUNDLED,
            lang: &params.lang,
            tokenization: params.tokenization,
            runs: params.use_words_aug.then_some(runs),
        })?;
        Ok(Self {
            list,
            range: common.interval(params.min_ratio, params.max_ratio),
        })
    }
}

impl TextFilter for FlaggedWordsFilter {
    const STATS: &'static [&'static str] = &["flagged_words_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("flagged_words_ratio", self.list.ratio(text));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.range.keeps_stat(stats, "flagged_words_ratio")
    }
}
