//! `legend_cleaner` removes captions of figures and tables.

use std::borrow::Cow;

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<LegendCleaner>(
    "legend_cleaner",
    "Removes lines that are captions of figures and tables.",
)
.details(
    "Such lines begin with 图, 表, 图片, 表格, Figure, Table or Fig. and a number or one or two letters, \
     with text behind a space. A line that begins with `Figures` is one by this rule.",
)
.origin("DataMate")
.aliases(&["LegendCleaner"])
.examples(&[Example {
    about: "a caption in each language",
    params: "{}",
    input: &[r#"{"text": "text\n图 1-2 结构\nFig. 3: Results\nResults are good"}"#],
    output: &[r#"{"text": "text\nResults are good"}"#],
}]);

/// Parameters of `legend_cleaner`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

pub(crate) struct LegendCleaner;

impl Configured for LegendCleaner {
    type Params = Params;

    fn new(_: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl TextMapper for LegendCleaner {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        if !text.split('\n').any(|line| CAPTION.is_match(line)) {
            return Ok(Cow::Borrowed(text));
        }
        let kept: Vec<&str> = text
            .split('\n')
            .filter(|line| !CAPTION.is_match(line))
            .collect();
        Ok(kept.join("\n").into())
    }
}

static CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    let chinese = r"(?:图|表|图片|表格) *(?:\d+(?:[.-]\d+)*|[a-zA-Z]{1,2}(?:[.-]\d+)*) ";
    let english = r"(?:Figure|Table|Fig\.?) *(?:S?\d+(?:[.-]\d+)*|[a-zA-Z]{1,2}\d?(?:[.-]\d+)*)[.:]? ";
    fixed(&format!("(?i)^(?:{chinese}|{english})"))
});
