//! Operators to test recipes with, and shorthands.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use wrasse_op::{
    Catalog, Common, Configured, Fingerprint, Interval, OpError, OpSpec, ParamError, Stats, Text,
    TextDeduplicator, TextFilter, TextMapper,
};
use wrasse_recipe::{Checked, Source, check};

const LENGTH: OpSpec = OpSpec::text_filter::<Length>("length_filter", "Keeps texts of a length.")
    .aliases(&["LengthOp"]);
const REPLACE: OpSpec = OpSpec::text_mapper::<Replace>("replace_mapper", "Replaces a pattern.");
const TRIM: OpSpec = OpSpec::text_mapper::<Trim>("trim_mapper", "Trims blanks.");
const EXACT: OpSpec =
    OpSpec::text_deduplicator::<Exact>("exact_deduplicator", "Drops equal texts.");

pub(crate) fn catalog() -> Catalog {
    Catalog::new().with(&[&LENGTH, &REPLACE, &TRIM, &EXACT])
}

pub(crate) fn checked(recipe: &str) -> Checked {
    check(&Source::new("recipe.yaml", recipe.as_bytes()), &catalog())
}

/// Every diagnostic, rendered.
pub(crate) fn rendered(source: &Source) -> String {
    let checked = check(source, &catalog());
    let rendered: Vec<String> = checked
        .diagnostics
        .iter()
        .map(|one| one.render(source))
        .collect();
    rendered.concat()
}

/// Parameters of `length_filter`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct LengthParams {
    /// The shortest text.
    #[serde(alias = "minimum")]
    min_len: i64,
    /// The longest text.
    max_len: Option<i64>,
    /// A share.
    ratio: f64,
}

impl Default for LengthParams {
    fn default() -> Self {
        Self {
            min_len: 10,
            max_len: None,
            ratio: 0.5,
        }
    }
}

struct Length(Interval);

impl Configured for Length {
    type Params = LengthParams;

    fn new(params: LengthParams, common: &Common) -> Result<Self, ParamError> {
        if params.max_len.is_some_and(|max| max < params.min_len) {
            let error = ParamError::new("max_len", format!("is below min_len, {}", params.min_len));
            return Err(error.with_hint("swap them"));
        }
        if !(0.0..=1.0).contains(&params.ratio) {
            return Err(ParamError::new("ratio", "must lie between 0 and 1"));
        }
        let max = params.max_len.map(|max| max as f64);
        Ok(Self(common.interval(Some(params.min_len as f64), max)))
    }
}

impl TextFilter for Length {
    const STATS: &'static [&'static str] = &["text_len"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        stats.set("text_len", text.n_chars());
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        stats
            .number("text_len")
            .is_some_and(|len| self.0.keeps(len))
    }
}

/// Parameters of `replace_mapper`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their types matter")]
struct ReplaceParams {
    /// What to replace.
    pattern: OneOrMany,
    /// With what.
    #[serde(default)]
    repl: String,
    /// How.
    #[serde(default)]
    mode: Mode,
    /// Where.
    #[serde(default)]
    ranges: Vec<Range>,
    /// Whether to look at cases.
    #[serde(default)]
    ignore_case: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its types matter")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    First,
    All,
}

/// A range.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Range {
    min: u32,
    max: u32,
}

struct Replace;

impl Configured for Replace {
    type Params = ReplaceParams;

    fn new(params: ReplaceParams, _: &Common) -> Result<Self, ParamError> {
        match params.ranges.iter().position(|range| range.max < range.min) {
            Some(i) => Err(ParamError::new(
                format!("ranges[{i}].max"),
                "is below `min`",
            )),
            None => Ok(Self),
        }
    }
}

impl TextMapper for Replace {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(Cow::Borrowed(text))
    }
}

/// No parameters.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoParams {}

struct Trim;

impl Configured for Trim {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for Trim {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        Ok(Cow::Borrowed(text.trim()))
    }
}

struct Exact;

impl Configured for Exact {
    type Params = NoParams;

    fn new(_: NoParams, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextDeduplicator for Exact {
    fn fingerprint(&self, text: &Text) -> Result<Fingerprint, OpError> {
        Ok(text.len() as Fingerprint)
    }
}
