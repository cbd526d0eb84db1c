//! `file_with_high_special_char_rate_filter` drops texts with much punctuation.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::datamate::{ORIGIN, number};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighSpecialCharRateFilter>(
    "file_with_high_special_char_rate_filter",
    "Drops texts of which punctuation is a given share or more.",
)
.aliases(&["FileWithHighSpecialCharRateFilter"])
.details("The share is `special_token_ratio`: characters that are punctuation, ASCII or Chinese, divided by all. As in the original, the point `.` is not among them, nor are `”` and `’`, though `“` and `‘` are. An empty text is dropped.")
.origin(ORIGIN)
.examples(&[Example {
    about: "drops rulers",
    params: "{}",
    input: &[r#"{"text": "-----"}"#, r#"{"text": "机器学习，很好。"}"#],
    output: &[r#"{"text": "机器学习，很好。"}"#],
}]);

/// Parameters of `file_with_high_special_char_rate_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The lowest share that is dropped, 0 to 1.
    #[serde(
        rename = "specialCharRatio",
        alias = "special_char_ratio",
        deserialize_with = "number"
    )]
    special_char_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            special_char_ratio: 0.3,
        }
    }
}

pub(crate) struct FileWithHighSpecialCharRateFilter {
    limit: f64,
}

impl Configured for FileWithHighSpecialCharRateFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            limit: params.special_char_ratio,
        })
    }
}

impl TextFilter for FileWithHighSpecialCharRateFilter {
    const STATS: &'static [&'static str] = &["special_token_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        // An empty text has no share.
        if !text.is_empty() {
            let n_special = text.chars().filter(|c| is_special(*c)).count();
            stats.set(
                "special_token_ratio",
                super::ratio(n_special, text.n_chars()),
            );
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let ratio = stats.number("special_token_ratio");
        ratio.is_some_and(|ratio| ratio < self.limit)
    }
}

fn is_special(c: char) -> bool {
    (c.is_ascii_punctuation() && c != '.')
        || matches!(
            c,
            '·' | '！'
                | '￥'
                | '…'
                | '（'
                | '）'
                | '—'
                | '【'
                | '】'
                | '、'
                | '：'
                | '“'
                | '；'
                | '‘'
                | '《'
                | '》'
                | '？'
                | '，'
                | '。'
        )
}
