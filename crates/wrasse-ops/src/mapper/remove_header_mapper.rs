//! `remove_header_mapper` cuts off what stands before the first section of a
//! LaTeX paper.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::pattern::fixed;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveHeaderMapper>(
    "remove_header_mapper",
    "Removes what stands before the first heading of a LaTeX document.",
)
.details("Headings are `\\chapter`, `\\part`, `\\section`, `\\subsection`, `\\subsubsection`, `\\paragraph` and `\\subparagraph`, with or without `*` and `[...]`, followed by `{...}`; what is in braces and brackets may go over several lines.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "begins with the first heading",
        params: "{}",
        input: &[
            r#"{"text": "\\documentclass{a}\n\\title{T}\n\\section*{One}\nText."}"#,
            r#"{"text": "No heading at all."}"#,
        ],
        output: &[r#"{"text": "\\section*{One}\nText."}"#, r#"{"text": ""}"#],
    },
    Example {
        about: "leaves texts without a heading",
        params: r#"{"drop_no_head": false}"#,
        input: &[r#"{"text": "No heading at all."}"#],
        output: &[r#"{"text": "No heading at all."}"#],
    },
]);

/// Parameters of `remove_header_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Empty texts without a heading.
    drop_no_head: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { drop_no_head: true }
    }
}

pub(crate) struct RemoveHeaderMapper {
    heading: Regex,
    drop_no_head: bool,
}

impl Configured for RemoveHeaderMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        Ok(Self {
            heading: fixed(
                r"(?s)\\(?:chapter|part|(?:sub){0,2}section|(?:sub)?paragraph)\*?(?:\[.*?\])?\{.*?\}",
            ),
            drop_no_head: params.drop_no_head,
        })
    }
}

impl TextMapper for RemoveHeaderMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        Ok(Cow::Borrowed(match self.heading.find(text) {
            Some(heading) => &text[heading.start()..],
            None if self.drop_no_head => "",
            None => text,
        }))
    }
}
