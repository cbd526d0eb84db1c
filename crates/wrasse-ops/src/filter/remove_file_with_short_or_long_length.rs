//! `remove_file_with_short_or_long_length` keeps texts of neither too few nor too many characters.

use wrasse_op::{
    Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter,
};

/// A bound as DataMate's page sends it.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Bound {
    Number(f64),
    Text(String),
}

impl Bound {
    /// The number, unless this leaves its side open.
    fn number(&self) -> Result<Option<f64>, ParamError> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Text(text) if text.trim().is_empty() => return Ok(None),
            Self::Text(text) => text.trim().parse().map_err(|_| {
                ParamError::new("fileLength", format!("expected a number, found `{text}`"))
            })?,
        };
        Ok((number != 0.0).then_some(number))
    }
}

fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{A0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200F}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
    )
}

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<RemoveFileWithShortOrLongLength>(
    "remove_file_with_short_or_long_length",
    "Keeps texts whose number of characters lies within a range.",
)
.details(
    "The number is `file_length`, without spaces at both ends (plain and Unicode ones, not tabs or line \
     ends).",
)
.origin("DataMate")
.aliases(&["FileWithShortOrLongLengthFilter"])
.examples(&[Example {
    about: "too short",
    params: r#"{"fileLength": [5, 100]}"#,
    input: &[r#"{"text": "  four "}"#, r#"{"text": "a quiet day"}"#],
    output: &[r#"{"text": "a quiet day"}"#],
}]);

/// Parameters of `remove_file_with_short_or_long_length`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The fewest and the most characters to keep, two numbers; an empty text or
    /// 0 in place of one leaves that side open.
    #[serde(rename = "fileLength")]
    file_length: Vec<Bound>,
}

impl Default for Params {
    fn default() -> Self {
        Self { file_length: vec![Bound::Number(10.0), Bound::Number(10_000_000.0)], }
    }
}

pub(crate) struct RemoveFileWithShortOrLongLength { least: f64, most: f64, }

impl Configured for RemoveFileWithShortOrLongLength {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        let [least, most] = &params.file_length[..] else {
            return Err(ParamError::new(
                "fileLength",
                format!("expected two numbers, found {}", params.file_length.len()),
            ));
        };
        Ok(Self {
            least: least.number()?.unwrap_or(0.0),
            most: most.number()?.unwrap_or(f64::INFINITY),
        })
    }
}

impl TextFilter for RemoveFileWithShortOrLongLength {
    const STATS: &'static [&'static str] = &["file_length"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let mut rest = text.trim_start_matches(is_space);
        let mut n_behind = 0;
        // Spaces before a last line end go too.
        if let Some(line) = rest.strip_suffix('\n')
            && line.ends_with(is_space)
        {
            (rest, n_behind) = (line, 1);
        }
        let n = rest.trim_end_matches(is_space).chars().count() + n_behind;
        stats.set("file_length", n);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let is_within = |n: f64| n >= self.least && n <= self.most;
        stats.number("file_length").is_some_and(is_within)
    }
}
