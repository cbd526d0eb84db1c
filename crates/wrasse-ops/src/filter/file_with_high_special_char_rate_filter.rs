//! `file_with_high_special_char_rate_filter` drops texts with many special characters.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

/// What counts as special.
const SPECIAL: &str = "~·！@#￥%…&*（）—+-={}|【】、：“；‘《》？，。`!$^()_[]\\:\";'<>?,/";

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighSpecialCharRateFilter>(
    "file_with_high_special_char_rate_filter",
    "Drops texts in which the share of punctuation and symbols reaches a threshold.",
)
.details(
    "The share is `special_char_ratio`, of all characters; special are ASCII punctuation but for the full \
     stop, and common Chinese punctuation. Empty texts are dropped too.",
)
.origin("DataMate")
.aliases(&["FileWithHighSpecialCharRateFilter"])
.examples(&[Example {
    about: "a line of symbols",
    params: r#"{"specialCharRatio": 0.5}"#,
    input: &[r#"{"text": "a quiet day"}"#, r#"{"text": "** -- ** --"}"#],
    output: &[r#"{"text": "a quiet day"}"#],
}]);

/// Parameters of `file_with_high_special_char_rate_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Texts with this share, 0 to 1, or more are dropped.
    #[serde(rename = "specialCharRatio")]
    special_char_ratio: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { special_char_ratio: 0.3, }
    }
}

pub(crate) struct FileWithHighSpecialCharRateFilter { threshold: f64, }

impl Configured for FileWithHighSpecialCharRateFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            threshold: params.special_char_ratio,
        })
    }
}

impl TextFilter for FileWithHighSpecialCharRateFilter {
    const STATS: &'static [&'static str] = &["special_char_ratio"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let special = text.chars().filter(|c| SPECIAL.contains(*c)).count();
        let n = text.chars().count();
        // Nothing is kept of an empty text, at any threshold.
        let ratio = if n == 0 { f64::INFINITY } else { special as f64 / n as f64 };
        stats.set("special_char_ratio", ratio);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        stats.number("special_char_ratio").is_some_and(|ratio| ratio < self.threshold)
    }
}
