//! `file_with_short_or_long_length_filter` keeps texts of a length within a
//! range.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

use crate::datamate::ORIGIN;

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<FileWithShortOrLongLengthFilter>(
    "file_with_short_or_long_length_filter",
    "Keeps texts whose length lies within a range.",
)
.aliases(&["FileWithShortOrLongLengthFilter"])
.details("The length is `stripped_len`: characters without spaces (not tabs and line feeds, but spaces of no width) at both ends. An empty text is dropped whatever the range.")
.decided_by(&["fileLength"])
.origin(ORIGIN)
.examples(&[Example {
    about: "drops short texts",
    params: r#"{"fileLength": [5, ""]}"#,
    input: &[r#"{"text": "  abcd   "}"#, r#"{"text": "数据清洗很重要"}"#],
    output: &[r#"{"text": "数据清洗很重要"}"#],
}]);

/// A limit in characters: a number, or no limit if null, empty or 0.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Limit {
    Number(f64),
    Text(String),
    None(()),
}

/// Parameters of `file_with_short_or_long_length_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The least and the greatest length to keep, in characters; null, `""`
    /// and 0 are no limit.
    #[serde(rename = "fileLength", alias = "file_length")]
    file_length: [Limit; 2],
}

impl Default for Params {
    fn default() -> Self {
        Self {
            file_length: [Limit::Number(10.0), Limit::Number(10_000_000.0)],
        }
    }
}

pub(crate) struct FileWithShortOrLongLengthFilter {
    min: f64,
    max: f64,
}

impl Configured for FileWithShortOrLongLengthFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let [min, max] = params.file_length.map(limit);
        Ok(Self {
            min: min?.unwrap_or(0.0),
            max: max?.unwrap_or(f64::INFINITY),
        })
    }
}

fn limit(limit: Limit) -> Result<Option<f64>, ParamError> {
    let limit = match limit {
        Limit::Number(limit) => limit,
        Limit::None(()) => return Ok(None),
        Limit::Text(text) if text.trim().is_empty() => return Ok(None),
        Limit::Text(text) => text.trim().parse().map_err(|_| {
            ParamError::new("fileLength", format!("expected a number, found `{text}`"))
        })?,
    };
    Ok((limit != 0.0).then_some(limit))
}

impl TextFilter for FileWithShortOrLongLengthFilter {
    const STATS: &'static [&'static str] = &["stripped_len"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        // An empty text has no length, so that it is dropped.
        if !text.is_empty() {
            stats.set("stripped_len", stripped_len(text));
        }
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let length = stats.number("stripped_len");
        length.is_some_and(|length| self.min <= length && length <= self.max)
    }
}

/// Characters without spaces at both ends. Those before a last line feed go,
/// too: Python's `$` also matches there.
fn stripped_len(text: &str) -> usize {
    let text = text.trim_start_matches(is_space);
    let (body, n_last) = match text.strip_suffix('\n') {
        Some(body) => (body, 1),
        None => (text, 0),
    };
    body.trim_end_matches(is_space).chars().count() + n_last
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200f}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}
