//! `special_characters_filter` drops texts that are special characters for a good part.

use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::charset::SPECIAL;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<SpecialCharactersFilter>(
    "special_characters_filter",
    "Keeps samples whose share of special characters lies within a range.",
)
.details(
    "The share is `special_char_ratio`: special characters divided by all characters; 0 for an \
     empty text. Special are ASCII punctuation, digits *and white space*, some 200 symbols, and \
     the emoji of emoji 2.2.0 that are one code point. English prose has a share of about 0.2, \
     close to the default limit.\n\n\
     Oddities of the original's list that are kept: it holds letters (`一`, `上`, `士`, `ー`, \
     `ツ`, `シ`, `ン`, `π`, `ø`, `ı`, `Г`, some Arabic and Devanagari ones) and control \
     characters (U+0081 to U+009D in part). Of an emoji that is a sequence only the parts that \
     are emoji or digits themselves count, not joiners, variation selectors and keycaps.",
)
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "counts digits and white space, too",
        params: "{}",
        input: &[r#"{"text": "1 2 3 4 five"}"#, r#"{"text": "one two three"}"#],
        output: &[r#"{"text": "one two three"}"#],
    },
    Example {
        about: "counts an emoji as one",
        params: r#"{"min_ratio": 0.5, "max_ratio": 0.5}"#,
        input: &[r#"{"text": "😀ok!"}"#, r#"{"text": "ok"}"#],
        output: &[r#"{"text": "😀ok!"}"#],
    },
]);

/// Parameters of `special_characters_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share to keep, 0 to 1; no limit if null.
    min_ratio: Option<f64>,
    /// The highest share to keep, 0 to 1; no limit if null.
    max_ratio: Option<f64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_ratio: Some(0.0),
            max_ratio: Some(0.25),
        }
    }
}

pub(crate) struct SpecialCharactersFilter {
    ratio: Interval,
}

impl Configured for SpecialCharactersFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            ratio: common.interval(params.min_ratio, params.max_ratio),
        })
    }
}

impl TextFilter for SpecialCharactersFilter {
    const STATS: &'static [&'static str] = &["special_char_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let ratio = super::ratio(SPECIAL.count(text), text.n_chars());
        stats.set("special_char_ratio", ratio);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        self.ratio.keeps_stat(stats, "special_char_ratio")
    }
}
