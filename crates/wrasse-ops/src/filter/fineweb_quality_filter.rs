//! `fineweb_quality_filter` applies the rules that FineWeb adds to Gopher's and C4's.

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter};

use super::ratio;
use crate::english::{TERMINAL, Tokens};
use crate::unicode::is_blank;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FinewebQualityFilter>(
    "fineweb_quality_filter",
    "Keeps samples that pass the quality rules of FineWeb: punctuation, short and repeated lines.",
)
.details(
    "The rules and thresholds are those of [Penedo et al. \
     2024](https://arxiv.org/abs/2406.17557), as datatrove 0.10 has them: a sample is dropped if \
     too few of its lines end with a stop mark, too many of its lines are short, too many \
     characters are in lines that occurred before, or there are too many line feeds by words. \
     Lines end at line feeds only, and blank ones do not count; words are the tokens of spaCy's \
     English tokenizer, punctuation marks among them. A text without any line is dropped.",
)
.decided_by(&[
    "line_punct_thr",
    "line_punct_exclude_zero",
    "short_line_thr",
    "char_duplicates_ratio",
    "new_line_ratio",
])
.origin("datatrove 0.10, Penedo et al. 2024 (FineWeb)")
.examples(&[Example {
    about: "drops a menu, where no line ends with a stop mark",
    params: "{}",
    input: &[
        r#"{"text": "Home\nProducts\nContact"}"#,
        r#"{"text": "A sentence of some length that ends where it should.\nAnd one more of the same kind, just as it should be."}"#,
    ],
    output: &[
        r#"{"text": "A sentence of some length that ends where it should.\nAnd one more of the same kind, just as it should be."}"#,
    ],
}]);

/// Parameters of `fineweb_quality_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share of lines that end with a stop mark to keep, 0 to 1.
    line_punct_thr: f64,
    /// Keep texts of which no line at all ends with a stop mark.
    line_punct_exclude_zero: bool,
    /// The stop marks; if null the 159 sentence ends of all scripts.
    stop_chars: Option<Vec<String>>,
    /// The highest share of short lines to keep, 0 to 1.
    short_line_thr: f64,
    /// The longest line that counts as short, in characters.
    short_line_length: i64,
    /// The highest share of characters in repeated lines to keep, 0 to 1.
    char_duplicates_ratio: f64,
    /// The most line feeds for each word to keep.
    new_line_ratio: f64,
    /// The language of the samples; only `eng`.
    language: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            line_punct_thr: 0.12,
            line_punct_exclude_zero: false,
            stop_chars: None,
            short_line_thr: 0.67,
            short_line_length: 30,
            char_duplicates_ratio: 0.01,
            new_line_ratio: 0.3,
            language: "eng".to_owned(),
        }
    }
}

pub(crate) struct FinewebQualityFilter {
    params: Params,
}

impl Configured for FinewebQualityFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        super::only_english(&params.language)?;
        Ok(Self { params })
    }
}

impl FinewebQualityFilter {
    fn is_ended(&self, line: &str) -> bool {
        match &self.params.stop_chars {
            Some(stops) => stops.iter().any(|stop| line.ends_with(stop.as_str())),
            None => line.ends_with(|c| TERMINAL.contains(c)),
        }
    }
}

impl TextFilter for FinewebQualityFilter {
    const STATS: &'static [&'static str] = &[
        "fineweb_line_punct_ratio",
        "fineweb_short_line_ratio",
        "fineweb_char_dup_ratio",
        "fineweb_new_line_ratio",
    ];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let lines = || text.split('\n').filter(|line| !is_blank(line));
        let (mut n_lines, mut n_ended, mut n_short) = (0, 0, 0);
        for line in lines() {
            n_lines += 1;
            n_ended += usize::from(self.is_ended(line));
            let chars = line.chars().count() as i64;
            n_short += usize::from(chars <= self.params.short_line_length);
        }
        if n_lines == 0 {
            // Dropped, for it has no values.
            return Ok(());
        }
        let (_, chars_again) = super::duplicates(lines());
        let n_feeds = text.matches('\n').count();
        stats.set("fineweb_line_punct_ratio", ratio(n_ended, n_lines));
        stats.set("fineweb_short_line_ratio", ratio(n_short, n_lines));
        stats.set("fineweb_char_dup_ratio", ratio(chars_again, text.n_chars() - n_feeds));
        let n_tokens = text.derived::<Tokens>().len();
        stats.set("fineweb_new_line_ratio", ratio(n_feeds, n_tokens));
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let params = &self.params;
        let at_most = |name, limit| stats.number(name).is_some_and(|value| value <= limit);
        stats.number("fineweb_line_punct_ratio").is_some_and(|ratio| {
            ratio >= params.line_punct_thr || (ratio == 0.0 && params.line_punct_exclude_zero)
        }) && at_most("fineweb_short_line_ratio", params.short_line_thr)
            && at_most("fineweb_char_dup_ratio", params.char_duplicates_ratio)
            && at_most("fineweb_new_line_ratio", params.new_line_ratio)
    }
}
