//! `file_with_high_special_char_rate_filter` drops texts with much punctuation.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::charset::{CharSet, n_words};
use crate::datamate::{ORIGIN, number};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithHighSpecialCharRateFilter>(
    "file_with_high_special_char_rate_filter",
    "Drops texts of which punctuation is a given share or more.",
)
.aliases(&["FileWithHighSpecialCharRateFilter"])
.details("The share is `special_token_ratio`: characters that are punctuation, ASCII or Chinese, divided by all. As in the original, the point `.` is not among them, nor are `”` and `’`, though `“` and `‘` are. An empty text is dropped.")
.decided_by(&["specialCharRatio"])
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
            let n_special = SPECIAL_TOKENS.count(text);
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

/// As flips: code points at which membership changes.
const SPECIAL: &[u32] = &[
    0x21, 0x2e, 0x2f, 0x30, 0x3a, 0x41, 0x5b, 0x61, 0x7b, 0x7f, 0xb7, 0xb8, 0x2014, 0x2015, 0x2018,
    0x2019, 0x201c, 0x201d, 0x2026, 0x2027, 0x3001, 0x3003, 0x300a, 0x300c, 0x3010, 0x3012, 0xff01,
    0xff02, 0xff08, 0xff0a, 0xff0c, 0xff0d, 0xff1a, 0xff1c, 0xff1f, 0xff20, 0xffe5, 0xffe6,
];

static SPECIAL_TOKENS: CharSet<{ n_words(SPECIAL) }> = CharSet::from_flips(SPECIAL);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_are_the_tokens_of_the_original() {
        let tokens = "~·！@#￥%…&*（）—+-={}|【】、：“；‘《》？，。`!$^()_[]\\:\";'<>?,/";
        for c in '\0'..=char::MAX {
            assert_eq!(SPECIAL_TOKENS.contains(c), tokens.contains(c), "{c:?}");
        }
    }
}
